"""From an input document to a draft: the verification record without what the desk adds when it signs.

    input document   what a person or a LIMS writes, see `issuer/README.md`
    draft            its record, checked member by member; personal values beside it, not in it

The desk adds version, issuer, number (unless given), nonce and commitments; what it fills in is listed in
`defaults`. A draft is parsed, not validated: whoever holds one holds a well-formed record. Whether it may be
issued is for the gate to say. Errors are gathered: each member that is wrong is named, up to `MAX_ERRORS`.

>>> draft = parse_draft(value, context)
>>> draft.record.conclusion.name, draft.personal[0].name
('PASS', 'applicant')
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from issuer.day_offset import resolve_times
from issuer.defaults import DraftContext, fill_defaults
from issuer.faults import Gathering, merge_errors
from issuer.identity import find_instrument_id
from issuer.personal import PersonalMember, hide_personal
from ledger.core.canonical import JsonObject, JsonValue, as_object, encode_canonical_json
from ledger.core.category import Category
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.record import DocumentType, Record
from ledger.core.record_parsing import RECORD_VERSION, parse_record
from ledger.core.rules import build_issue_claims
from ledger.core.statement import IssueClaims

REQUEST_DOMAIN: Final = b"hengzheng/request/v1\x00"
"""Prefix of institution, zero byte and canonical input: how the desk knows a document. Never published."""

PENDING: Final = "-"
"""Stands in a draft where the desk will write something."""

_DESK_MEMBERS: Final = ("v", "nonce")
_NO_ID: Final = "0" * 32
_DAY: Final = "2000-01-01"
_FILLERS: Final[JsonObject] = {
    "doc_type": "verification_certificate",
    "kind": "periodic",
    "instrument": {
        "id": _NO_ID, "category": "OTHER", "name": PENDING, "serial": PENDING,
        "parts": [{"id": PENDING}], "software": {"id": PENDING}, "site": {"division": "00"},
    },
    "regulation": {"id": PENDING, "title": PENDING},
    "place": {"kind": "laboratory"},
    "environment": {
        "temperature": {"value": "0", "unit": "°C"},
        "humidity": {"value": "0", "unit": "%"},
    },
    "standards": [{
        "id": PENDING, "name": PENDING, "exam_no": PENDING, "exam_until": _DAY, "range": PENDING, "u": PENDING,
        "instruments": [{"no": PENDING, "cert_no": PENDING, "until": _DAY}],
    }],
    "results": [{"item": "x", "error_unit": "%", "points": [{"error": "0", "pass": True}], "pass": True}],
    "conclusion": "pass",
    "adjusted": False,
    "seals": [{"no": PENDING, "point": PENDING}],
    "lot": {"no": PENDING, "size": 1},
    "replaces": {"no": "0", "reason": "TYPO"},
    "verified_on": _DAY,
    "issued_on": _DAY,
    "validity": {"kind": "none"},
    "persons": [{"role": "operator", "pid": PENDING, "signed_at": f"{_DAY}T00:00:00Z"}],
    "raw_record": {"no": PENDING},
    "crms": [{"id": PENDING, "lot": PENDING}],
    "specification": {"id": PENDING, "title": PENDING},
    "decision_rule": {"rule": "simple_acceptance", "requirement": PENDING},
    "comparisons": [
        {"name": PENDING, "unit": "1", "value": "0", "u": "1", "reference": "0", "reference_u": "1"}
    ],
    "paper": {"scan": "0" * 64, "entered_by": PENDING, "entered_on": _DAY},
}  # fmt: skip
"""What a record needs: stands for members that are spoiled, so that the others are still looked at."""
_MEMBERS: Final = frozenset(
    {*_FILLERS, "applicant", "class_awarded", "commission_no", "sticker_id", "request_id", "no", "issuer"}
)
_AGREEMENTS: Final = {
    "conclusion": ("doc_type",),
    "kind": ("doc_type", "kind"),
    **dict.fromkeys(
        (
            *("specification", "decision_rule", "comparisons", "paper", "class_awarded", "lot", "place"),
            *("environment", "crms", "adjusted", "sticker_id", "commission_no"),
        ),
        ("doc_type",),
    ),
    "standards": ("doc_type", "standards"),
    "validity.agreed": ("doc_type", "validity"),
    "validity.kind": ("doc_type", "validity"),
    "paper.entered_on": ("doc_type", "issued_on", "paper.entered_on"),
    "validity": ("doc_type", "conclusion"),
    "validity.until": ("validity", "verified_on"),
    "results": ("doc_type", "results"),
    "results.part": ("instrument.parts",),
    "instrument.parts": ("instrument.parts",),
    "persons": ("doc_type", "persons"),
    "seals": ("doc_type", "seals"),
}
"""Field of an error about what contradicts each other -> where it stands: with a filler there it means nothing."""
_BORDER: Final = re.compile(r"[.\[]")
_STEP: Final = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")
_ENDLESS_YEAR: Final = 2099
"""Some registries write 2099-12-31 for "without end"."""


@dataclass(frozen=True, slots=True)
class Request:
    """How the desk recognises an input document that comes again."""

    id: str
    """The document's own `request_id`, else a hash of institution and content: 1 to 64 bytes."""
    content_digest: bytes
    """32 bytes over institution and content as given, day offsets unresolved: the same tomorrow."""


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


def draft_document(
    value: JsonObject, context: DraftContext, request: Request | None = None
) -> Draft | list[InputError]:
    """Read an input document; return the draft, or all errors that were found.

    Args:
        value: the document; not changed.
        context: what the desk knows.
        request: what `read_request` says of it, if the caller has that already.
    """
    gathering = Gathering()
    members = {name: item for name, item in value.items() if name in _MEMBERS}
    _refuse_strangers(value, gathering)
    number, scope_id = None, None
    with gathering.watch("request_id"):
        request = request or read_request(value, context.institution)
    members.pop("request_id", None)
    with gathering.watch("no"):
        number = _take_number(members)
        if number is None and members.get("doc_type") == DocumentType.PAPER_REGISTER:
            raise MalformedDocumentError("needed: the number of the paper certificate", field="no")
    with gathering.watch("issuer"):
        scope_id = _take_scope(members, context.institution)
    resolve_times(members, context.base_date, context.zone, gathering)
    hidden = hide_personal(members, gathering)
    _identify(members, hidden.owner, context.institution, gathering)
    fill_defaults(members, context, gathering)
    members |= {
        "v": RECORD_VERSION,
        "no": number or PENDING,
        "issuer": _pending_issuer(context),
        "nonce": "0" * 32,
    }
    record = _parse_members(members, gathering)
    claims = None
    if record is not None and not gathering.errors:
        with gathering.watch("record"):
            claims = _derive_claims(record)
    if gathering.errors or record is None or claims is None or request is None:
        return gathering.errors
    return Draft(request, number, scope_id, record, members, hidden.members, claims)


def _refuse_strangers(value: JsonObject, gathering: Gathering) -> None:
    for name in sorted(value.keys() - _MEMBERS):
        if name in _DESK_MEMBERS:
            message = "the desk itself adds this member; leave it out"
            gathering.add(MalformedDocumentError(message, field=name), "")
        else:
            gathering.add(MalformedDocumentError("unknown member", field=ascii(name[:60])[1:-1]), "")


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


def _identify(
    members: JsonObject, owner: str | None, institution: InstitutionId, gathering: Gathering
) -> None:
    instrument = members.get("instrument")
    if isinstance(instrument, dict) and "id" not in instrument:
        found = find_instrument_id(instrument, owner, institution, gathering)
        members["instrument"] = {**instrument, "id": found or _NO_ID}


# --- the record itself: read by the core, again and again until nothing of it is wrong ---------------------


def _parse_members(members: JsonObject, gathering: Gathering) -> Record | None:
    """Read the record; where a member is wrong, note it, put a filler in its place and read on."""
    for path in gathering.spoiled:
        _fill(members, path)
    while not gathering.is_full:
        try:
            return parse_record(Reader(members, ""))
        except InputError as err:
            path = err.field or ""
            if not _follows_from_fillers(path, gathering):
                gathering.add(err, path)
            else:
                path = _find_whole(path, gathering)
                gathering.spoiled.add(path)
            if not path:
                return None
            _fill(members, path)
    return None


def _follows_from_fillers(path: str, gathering: Gathering) -> bool:
    """Tell whether an error is not the author's: a filler stands there, or the error is about one."""
    wholes = {path[: found.start()] for found in _BORDER.finditer(path)} - {""}
    if path in gathering.spoiled or wholes & gathering.spoiled:
        return True
    return any(map(gathering.is_spoiled, _AGREEMENTS.get(path, ())))


def _find_whole(path: str, gathering: Gathering) -> str:
    """Return the smallest whole around a path that no filler stands for yet; "" is the document."""
    while path in gathering.spoiled:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return path


def _fill(members: JsonObject, path: str) -> None:
    """Put a filler at a path, or nothing where a record may do without."""
    steps = [int(number) if number else name for number, name in _STEP.findall(path)]
    if steps:
        filled = _replace(members, steps, _FILLERS)
        members.clear()
        members.update(as_object(filled))


def _replace(value: JsonValue, steps: Sequence[str | int], fillers: "JsonValue | None") -> JsonValue:
    """Return a value with a filler at these steps; a value of another shape comes back as it is."""
    step, *rest = steps
    inner = _find_filler(fillers, step)
    if isinstance(value, dict) and isinstance(step, str):
        if rest:
            return {**value, step: _replace(value[step], rest, inner)} if step in value else value
        others = {name: item for name, item in value.items() if name != step}
        return others if inner is None else {**others, step: inner}
    if isinstance(value, list) and isinstance(step, int) and step < len(value) and inner is not None:
        item = _replace(value[step], rest, inner) if rest else inner
        return [*value[:step], item, *value[step + 1 :]]
    return value


def _find_filler(fillers: "JsonValue | None", step: str | int) -> "JsonValue | None":
    if isinstance(fillers, dict) and isinstance(step, str):
        return fillers.get(step)
    return fillers[0] if isinstance(fillers, list) else None


def _derive_claims(record: Record) -> IssueClaims:
    """Return what the statement will say; refuse what no statement can.

    Raises:
        MalformedDocumentError: a placeholder for "without end", or a seal named twice.
    """
    until = record.validity.until
    if record.instrument.category is Category.OTHER and until is not None and until.year >= _ENDLESS_YEAR:
        message = f"{until} stands for 'without end' in some registers; write the kind none instead"
        raise MalformedDocumentError(message, field="validity.until")
    return build_issue_claims(record, bytes(32))
