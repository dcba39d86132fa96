"""What the desk fills in where an input document is silent; nothing that only a person can know.

| absent | filled in |
| --- | --- |
| `doc_type` | by the conclusion: certificate or rejection notice |
| `standards`, `results`, `seals` | empty lists |
| `issued_on` | the day of the approver's signature, in the desk's zone; nothing where that is a proof of its own |
| `regulation` | the one in force for this category on the verification date; `regulation.title` likewise |
| `validity` | none after a failure; else the longest that the regulation allows |

A calibration certificate is of the kind `calibration` and, unless one is agreed, without a date; nothing is looked
up for it, nor for an entry from paper, which says what the paper says.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, TypeGuard
from zoneinfo import ZoneInfo

from issuer.faults import Gathering
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.category import Category
from ledger.core.encoding import encode_date, parse_date, parse_instant
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.record import DocumentType, Role, VerificationKind
from ledger.core.record_parsing import VALIDITY_KINDS
from ledger.core.regulation import RuleBook, RuleRow, latest_allowed_valid_until

_CERTIFICATE: Final = DocumentType.VERIFICATION_CERTIFICATE
_NOTICE: Final = DocumentType.REJECTION_NOTICE
_VERIFYING_NOTHING: Final = (DocumentType.CALIBRATION_CERTIFICATE, DocumentType.PAPER_REGISTER)
_VALIDITY_NAMES: Final = {kind: name for name, kind in VALIDITY_KINDS.items()}


@dataclass(frozen=True, slots=True)
class DraftContext:
    """What a desk knows when it reads an input document."""

    institution: InstitutionId
    rule_book: RuleBook
    zone: ZoneInfo
    """Calendar dates are dates of this zone."""
    base_date: date | None = None
    """Day 0 of day offsets; None: offsets are refused."""


def fill_defaults(members: JsonObject, context: DraftContext, gathering: Gathering) -> None:
    """Add to the members of a document what follows from the others.

    Args:
        members: changed in place; times are resolved already.
        context: rules and zone.
        gathering: takes what cannot be filled in, and why.
    """
    has_failed = members.get("conclusion") == "fail"
    members.setdefault("doc_type", (_NOTICE if has_failed else _CERTIFICATE).value)
    for name in ("standards", "results", "seals"):
        members.setdefault(name, [])
    if members["doc_type"] in _VERIFYING_NOTHING:
        _fill_further_kind(members, context, gathering)
        return
    if "issued_on" not in members:
        _fill_issue_date(members, context, gathering)
    category, verified_on = _read_category(members), _read_date(members.get("verified_on"))
    rule = None
    if category not in {None, Category.OTHER} and verified_on is not None:
        with gathering.watch("regulation"):
            rule = _fill_regulation(members, category, verified_on, context.rule_book)
    if "validity" not in members:
        with gathering.watch("validity"):
            _fill_validity(members, category, verified_on, rule, gathering)


def _fill_further_kind(members: JsonObject, context: DraftContext, gathering: Gathering) -> None:
    """Add what is the same in every document that verifies nothing."""
    if members["doc_type"] == DocumentType.CALIBRATION_CERTIFICATE:
        members.setdefault("kind", VerificationKind.CALIBRATION.value)
        members.setdefault("validity", {"kind": "none"})
        if "issued_on" not in members:
            _fill_issue_date(members, context, gathering)
        return
    members.setdefault("persons", [])
    members.setdefault("adjusted", False)
    if members.get("conclusion") == "fail":
        members.setdefault("validity", {"kind": "none"})
    for name in ("issued_on", "validity"):
        if name not in members:
            error = MalformedDocumentError("needed, as the paper has it", field=name)
            gathering.add(error, name)


def _fill_issue_date(members: JsonObject, context: DraftContext, gathering: Gathering) -> None:
    """Take the day on which the approver signed: a document is issued by that signature."""
    persons = members.get("persons")
    if not isinstance(persons, list):
        gathering.spoiled.add("issued_on")  # what is wrong is said of the persons
        return
    for person in persons:
        if isinstance(person, dict) and person.get("role") == Role.APPROVER:
            if "key" in person:
                return  # the approver's own proof says it
            try:
                signed_at = parse_instant(str(person.get("signed_at")))
            except InputError:
                gathering.spoiled.add("issued_on")  # what is wrong is said of the person
            else:
                members["issued_on"] = encode_date(signed_at.astimezone(context.zone).date())
            return
    error = MalformedDocumentError("needed, as no approver's signature says the day", field="issued_on")
    gathering.add(error, "issued_on")


def _fill_regulation(
    members: JsonObject, category: Category, verified_on: date, book: RuleBook
) -> RuleRow | None:
    given = members.get("regulation")
    if given is None:
        rule = book.find_rule(category, verified_on)
        if rule is None or rule.regulation_id is None:
            raise MalformedDocumentError(
                f"no regulation of {category.name} is on record as in force on {verified_on}; name it",
                field="regulation",
            )
        members["regulation"] = {"id": rule.regulation_id, "title": rule.name_zh}
        return rule
    if not _is_citation(given):
        return None
    rule = book.rule_named(category, str(given["id"]))
    if rule is not None and "title" not in given:
        members["regulation"] = {**given, "title": rule.name_zh}
    return rule


def _fill_validity(
    members: JsonObject,
    category: Category | None,
    verified_on: date | None,
    rule: RuleRow | None,
    gathering: Gathering,
) -> None:
    if members.get("conclusion") == "fail":
        members["validity"] = {"kind": "none"}
    elif category is None or verified_on is None or not _is_usable(members, gathering):
        gathering.spoiled.add("validity")  # what is wrong is said of these members
    elif rule is None:
        raise MalformedDocumentError("needed, as no rule on record says how long", field="validity")
    else:
        members["validity"] = _longest_validity(rule, verified_on)


def _is_usable(members: JsonObject, gathering: Gathering) -> bool:
    """Tell whether the regulation, if there is one, can be looked up."""
    given = members.get("regulation")
    return "regulation" not in gathering.spoiled and (given is None or _is_citation(given))


def _is_citation(value: JsonValue) -> TypeGuard[JsonObject]:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def _longest_validity(rule: RuleRow, verified_on: date) -> JsonObject:
    bound = latest_allowed_valid_until(rule, verified_on)
    if bound.kind is None:
        raise MalformedDocumentError("needed, as the rule does not say how long", field="validity")
    validity: JsonObject = {"kind": _VALIDITY_NAMES[bound.kind]}
    if bound.latest is not None:
        validity["until"] = encode_date(bound.latest)
    return validity


def _read_category(members: JsonObject) -> Category | None:
    instrument = members.get("instrument")
    name = instrument.get("category") if isinstance(instrument, dict) else None
    return Category.__members__.get(name) if isinstance(name, str) else None


def _read_date(value: "JsonValue | None") -> date | None:
    try:
        return parse_date(value) if isinstance(value, str) else None
    except InputError:
        return None
