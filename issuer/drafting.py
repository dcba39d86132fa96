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
from typing import Final

from issuer.day_offset import resolve_times
from issuer.defaults import DraftContext, fill_defaults
from issuer.faults import Gathering, merge_errors
from issuer.identity import find_instrument_id
from issuer.personal import PersonalMember, hide_personal
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import RECORD_VERSION, Record, parse_record
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.rules import build_issue_claims
from ledger.core.statement import IssueClaims
from ledger.core.unit import parse_unit

REQUEST_DOMAIN: Final = b"hengzheng/request/v1\x00"
"""Prefix of institution, zero byte and canonical input: how the desk knows a document. Never published."""

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
_RECORD_MEMBERS: Final = frozenset({*_FILLERS, *_OPTIONAL})
_MEMBERS: Final = _RECORD_MEMBERS | {"request_id", "no", "issuer"}
_AGREEMENTS: Final = {
    "conclusion": "doc_type",
    "validity": "doc_type",
    "validity.until": "verified_on",
    "results": "doc_type",
    "results.part": "instrument",
}
"""Field of an error about two contradicting members -> the other: with a filler there it means nothing."""
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


def _identify(
    members: JsonObject, owner: str | None, institution: InstitutionId, gathering: Gathering
) -> None:
    instrument = members.get("instrument")
    if isinstance(instrument, dict) and "id" not in instrument and "instrument" not in gathering.spoiled:
        with gathering.watch("instrument"):
            members["instrument"] = {
                **instrument,
                "id": find_instrument_id(instrument, owner, institution),
            }


# --- the record itself: read by the core, again and again until nothing of it is wrong ---------------------


def _parse_members(members: JsonObject, gathering: Gathering) -> Record | None:
    """Read the record; where a member is wrong, note it, put a filler in its place and read on."""
    _check_units(members, gathering)
    for name in gathering.spoiled & _RECORD_MEMBERS:
        _fill(members, name)
    while True:
        try:
            return parse_record(Reader(members, ""))
        except InputError as err:
            name = _find_member(err)
            if name in gathering.spoiled:
                return None
            if _AGREEMENTS.get(err.field or "") in gathering.spoiled:
                gathering.spoiled.add(name)
            else:
                gathering.add(err, name)
            if name not in _RECORD_MEMBERS:
                return None
            _fill(members, name)


def _find_member(error: InputError) -> str:
    """Return the top-level member that an error is about."""
    return re.split(r"[.\[]", error.field or "", maxsplit=1)[0]


def _fill(members: JsonObject, name: str) -> None:
    if name in _FILLERS:
        members[name] = _FILLERS[name]
    else:
        members.pop(name, None)


def _check_units(members: JsonObject, gathering: Gathering) -> None:
    """Read every unit before the record's parser does, so that an unknown one is named with its place."""
    results, environment = members.get("results"), members.get("environment")
    with gathering.watch("results"):
        for number, result in enumerate(results if isinstance(results, list) else []):
            _check_unit(result, "unit", f"results[{number}]")
            _check_unit(result, "error_unit", f"results[{number}]")
    with gathering.watch("environment"):
        for name in ("temperature", "humidity"):
            quantity = environment.get(name) if isinstance(environment, dict) else None
            _check_unit(quantity, "unit", f"environment.{name}")


def _check_unit(container: object, name: str, path: str) -> None:
    unit = container.get(name) if isinstance(container, dict) else None
    if isinstance(unit, str):
        parse_unit(unit, field=f"{path}.{name}")


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
