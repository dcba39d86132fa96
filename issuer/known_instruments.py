"""Instruments as a desk comes to know them: from a registration that people write, and from what it has issued.

>>> parse_registration(b'{"category": "PRICE_SCALE", "serial": "17", "local_id": "S-1"}', "350100-01").serial
'17'
"""

from collections.abc import Iterator

from issuer.faults import Gathering
from issuer.identity import find_instrument_id
from issuer.store import DeskReading
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_json
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.instrument import normalise_for_search
from ledger.core.record import Instrument
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.statement import IssueClaims, parse_signed_statement

_CHUNK = 1000
_FOR_IDENTITY = ("local_id", "owner")
"""Members that tell an instrument apart and are not registered."""


def parse_registration(raw: bytes, institution: InstitutionId) -> InstrumentContent:
    """Read a registration as people write it: JSON, spelled freely, without `answers` and `photo`.

    The members are those of norm §5.4. `id` may be left out: then maker (or `cpa_no`), model and serial tell the
    instrument apart, or `local_id`, the institution's own number; `owner` is the owner's credit code where two
    nameplates agree.

    Args:
        raw: the file.
        institution: that registers.

    Raises:
        InputError: not such an object; the member is named.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise InputError("expected an object", field="instrument")
    if "answers" in value:
        raise InputError("is given by who answers, not in the file", field="answers")
    if "photo" in value:
        raise InputError("is given as a file of its own, not in this one", field="photo")
    members: JsonObject = {name: member for name, member in value.items() if name not in _FOR_IDENTITY}
    if "id" not in members:
        members["id"] = _find_id(value, institution)
    try:
        return parse_instrument_content(encode_canonical_json(members))
    except InputError as err:
        field = None if err.field is None else err.field.removeprefix("content.")
        raise type(err)(err.reason, field=field) from None


def _find_id(value: JsonObject, institution: InstitutionId) -> str:
    owner, gathering = value.get("owner"), Gathering()
    if owner is not None and not isinstance(owner, str):
        raise InputError("expected the owner's credit code", field="owner")
    found = find_instrument_id(value, owner, institution, gathering)
    if found is None:
        raise gathering.errors[0] if gathering.errors else InputError("expected text", field="serial")
    return found


def list_issued(desk: DeskReading, serial: str) -> Iterator[InstrumentContent]:
    """Yield the instruments of documents whose serial number is spelled like this one, each once.

    Args:
        desk: what it has issued.
        serial: as on a nameplate.
    """
    wanted, seen, after = normalise_for_search(serial), set[InstrumentId](), 0
    while documents := desk.list_whole(after, _CHUNK):
        after = documents[-1].position
        for document in documents:
            claims = parse_signed_statement(document.statement).statement.claims
            if not isinstance(claims, IssueClaims) or claims.instrument_id in seen:
                continue
            if wanted.startswith(normalise_for_search(claims.serial.text)):
                seen.add(claims.instrument_id)
                yield describe_issued(parse_certificate(document.certificate).record.instrument)


def describe_issued(instrument: Instrument) -> InstrumentContent:
    """Return what a document says of its instrument, as a registration would."""
    return InstrumentContent(
        id=instrument.id,
        category=instrument.category,
        model=instrument.model,
        serial=instrument.serial,
        maker=instrument.maker,
        type_approval_no=instrument.type_approval_no,
        year=instrument.year,
        codes=instrument.codes,
        parts=tuple(part.id for part in instrument.parts),
        retired=(),
        seal_points=(),
        division=instrument.site.division if instrument.site is not None else "",
        answers=(),
    )
