"""From an input document to a draft: the verification record without what the desk adds when it signs.

    input document   what a person or a LIMS writes, see `issuer/README.md`
    draft            its record, checked member by member; personal values beside it, not in it

The desk adds version, issuer, number (unless given), nonce and commitments; what it fills in is listed in
`defaults`. A draft is parsed, not validated: whoever holds one holds a well-formed record. Whether it may be
issued is for the gate to say. Errors are gathered, at least one for each top-level member that has any.

>>> draft = parse_draft(value, context)
>>> draft.record.conclusion.name, draft.personal[0].name
('PASS', 'applicant')
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, TypeVar

from ledger.core.calendar_rules import days_from_date
from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import RECORD_VERSION, Record, parse_record
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.rules import build_issue_claims
from ledger.core.statement import IssueClaims
from ledger.core.unit import parse_unit

from issuer.day_offset import resolve_date, resolve_instant
from issuer.defaults import DraftContext, fill_defaults
from issuer.faults import Gathering, merge_errors
from issuer.identity import find_instrument_id
from issuer.personal import HIDDEN, PersonalMember, parse_party, parse_personal_text

REQUEST_DOMAIN: Final = b"hengzheng/request/v1\x00"
"""Prefix of institution, zero byte and canonical input: how the desk recognises a document. Never published."""

PENDING: Final = "-"
"""Stands in a draft where the desk will write something."""

_DESK_MEMBERS: Final = ("v", "nonce")
_OPTIONAL: Final = frozenset(
    {"applicant", "regulation", "place", "environment", "class_awarded", "sticker_id", "lot", "raw_record"}
)
_FILLERS: Final[JsonObject] = {
    "doc_type": "verification_certificate",
    "kind": "periodic",
    "instrument": {"id": "0" * 32, "category": "OTHER", "name": PENDING, "serial": PENDING},
    "standards": [],
    "results": [],
    "conclusion": "pass",
    "adjusted": False,
    "seals": [],
    "verified_on": "2000-01-01",
    "issued_on": "2000-01-01",
    "validity": {"kind": "none"},
    "persons": [],
}
"""Stand for members that are spoiled, so that the others are still looked at."""
_MEMBERS: Final = frozenset({*_FILLERS, *_OPTIONAL, "request_id", "no", "issuer"})
_AGREEMENTS: Final = frozenset(
    {"conclusion", "validity", "validity.until", "results", "results.part", "persons"}
)
"""Fields of errors about members that contradict each other: with a filler among them they mean nothing."""
_ENDLESS_YEAR: Final = 2099
"""Some registries write 2099-12-31 for "without end"."""

ItemT = TypeVar("ItemT", bound=JsonValue)


@dataclass(frozen=True, slots=True)
class Request:
    """How the desk recognises an input document that comes again."""

    id: str
    """The document's own `request_id`, else a hash of institution and content: 1 to 64 bytes."""
    content_digest: bytes
    """32 bytes over institution and content as given; day offsets stay offsets, so it does not change overnight."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A well-formed document that has neither number nor seal."""

    request: Request
    number: CertificateNumber | None
    """The document's own number; None: the desk gives one."""
    scope_id: str | None
    """The line of the authorisation that it names; None: the desk finds one that covers it."""
    record: Record
    """With `PENDING` where the desk will write something."""
    members: JsonObject
    """The same as it will be published."""
    personal: tuple[PersonalMember, ...]
    claims: IssueClaims
    """What the statement will say; number and digest come with the seal."""


def parse_draft(value: JsonObject, context: DraftContext) -> Draft:
    """Read an input document.

    Raises:
        InputError: not such a document; every error that was found is in the message.
    """
    draft = draft_document(value, context)
    if isinstance(draft, Draft):
        return draft
    raise merge_errors(draft)


def read_request(value: JsonObject, institution: InstitutionId) -> Request:
    """Return how the desk recognises this document; nothing else of it is looked at.

    Raises:
        InputError: outside the JSON profile, or not a proper `request_id`.
    """
    digest = hashlib.sha256(REQUEST_DOMAIN + institution.encode() + b"\x00" + encode_canonical_json(value))
    given = Reader({"request_id": value["request_id"]}, "") if "request_id" in value else None
    request_id = digest.hexdigest() if given is None else given.text("request_id", max_bytes=64)
    return Request(request_id, digest.digest())


def draft_document(value: JsonObject, context: DraftContext) -> Draft | list[InputError]:
    """Read an input document; return the draft, or all errors that were found."""
    gathering = Gathering()
    members = {name: item for name, item in value.items() if name in _MEMBERS}
    _refuse_strangers(value, gathering)
    request, number, scope_id = None, None, None
    with gathering.watch("request_id"):
        request = read_request(value, context.institution)
    members.pop("request_id", None)
    with gathering.watch("no"):
        number = _take_number(members)
    with gathering.watch("issuer"):
        scope_id = _take_scope(members, context.institution)
    _resolve_times(members, context, gathering)
    personal = _hide_personal(members, context.institution, gathering)
    fill_defaults(members, context, gathering)
    members |= {"v": RECORD_VERSION, "no": number or PENDING, "issuer": _pending_issuer(context), "nonce": "0" * 32}
    record = _parse_members(members, gathering)
    claims = None
    if record is not None and not gathering.errors:
        with gathering.watch("record"):
            claims = _derive_claims(record)
    if gathering.errors or record is None or claims is None or request is None:
        return gathering.errors
    return Draft(request, number, scope_id, record, members, tuple(personal), claims)


def _refuse_strangers(value: JsonObject, gathering: Gathering) -> None:
    for name in sorted(value.keys() - _MEMBERS):
        if name in _DESK_MEMBERS:
            message = "the desk itself adds this member; leave it out"
            gathering.add(MalformedDocumentError(message, field=name), name)
        else:
            gathering.add(MalformedDocumentError("unknown member", field=ascii(name[:60])[1:-1]), name)


def _take_number(members: JsonObject) -> CertificateNumber | None:
    if "no" not in members:
        return None
    reader = Reader({"no": members.pop("no")}, "")
    number = reader.text("no", max_bytes=64)
    if not number.isprintable():
        reader.refuse("no", "a number holds printable characters only")
    return CertificateNumber(number)


def _take_scope(members: JsonObject, institution: InstitutionId) -> str | None:
    if "issuer" not in members:
        return None
    reader = Reader(members.pop("issuer"), "issuer")
    given = reader.opt_text("id", max_bytes=12)
    scope_id = reader.opt_text("scope_line_id", max_bytes=12)
    if given not in {None, institution}:
        reader.refuse("id", f"this desk issues for {institution}, not for {given!r}")
    reader.finish()
    return scope_id


def _pending_issuer(context: DraftContext) -> JsonObject:
    return {
        "id": context.institution,
        "name": PENDING,
        "authorisation_no": PENDING,
        "scope_line_id": PENDING,
    }


# --- times ------------------------------------------------------------------------------------------------


def _resolve_times(members: JsonObject, context: DraftContext, gathering: Gathering) -> None:
    base = context.base_date
    for name in ("verified_on", "issued_on"):
        if name in members:
            with gathering.watch(name):
                members[name] = resolve_date(members[name], name, base)
    with gathering.watch("validity"):
        _replace(members, "validity", _resolve_member(members.get("validity"), "until", "validity", context))
    with gathering.watch("standards"):
        _replace(members, "standards", _resolve_standards(members.get("standards"), context))
    with gathering.watch("persons"):
        _replace(members, "persons", _resolve_persons(members.get("persons"), context))


def _resolve_standards(standards: JsonValue | None, context: DraftContext) -> JsonValue | None:
    if not isinstance(standards, list):
        return standards
    resolved: list[JsonValue] = []
    for number, standard in enumerate(standards):
        path = f"standards[{number}]"
        item = _resolve_member(standard, "exam_until", path, context)
        if isinstance(item, dict) and isinstance(item.get("instruments"), list):
            instruments = item["instruments"]
            item = {
                **item,
                "instruments": [
                    _resolve_member(inner, "until", f"{path}.instruments[{position}]", context)
                    for position, inner in enumerate(instruments if isinstance(instruments, list) else [])
                ],
            }
        resolved.append(item)
    return resolved


def _resolve_persons(persons: JsonValue | None, context: DraftContext) -> JsonValue | None:
    if not isinstance(persons, list):
        return persons
    resolved: list[JsonValue] = []
    for number, person in enumerate(persons):
        item = person
        if isinstance(person, dict) and "signed_at" in person:
            field = f"persons[{number}].signed_at"
            moment = resolve_instant(person["signed_at"], field, context.base_date, context.zone)
            item = {**person, "signed_at": moment}
        resolved.append(item)
    return resolved


def _resolve_member(item: ItemT, name: str, path: str, context: DraftContext) -> ItemT | JsonObject:
    """Return an object with one of its dates resolved; anything else as it is."""
    if not isinstance(item, dict) or name not in item:
        return item
    return {**item, name: resolve_date(item[name], f"{path}.{name}", context.base_date)}


def _replace(members: JsonObject, name: str, value: JsonValue | None) -> None:
    if value is not None:
        members[name] = value
