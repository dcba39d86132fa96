"""Which instrument an input document means: the ledger's id, the institution's own number, or the nameplate.

    {"id": "2e5b3e22b5d423422235294a29dbc5bd"}               the id that the ledger has given it before
    {"local_id": "PUMP-0417"}                                this institution's own number
    {"maker": …, "model": …, "serial": …}                    nameplate, and the owner if an organisation
    {"cpa_no": …, "model": …, "serial": …}                   the same where the maker is not known

The first that is given decides. Nameplate and owner are hashed as written: another spelling of the maker is
another instrument, so institutions do well to give their own numbers.
"""

from typing import Final

from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.instrument import InstrumentIdentity, LocalIdentity, NameplateIdentity, compute_instrument_id

_INPUT_NAMES: Final = {"type_number": "cpa_no", "id": "local_id"}
"""What the core calls a member -> what input documents call it, where that differs."""


def find_instrument_id(instrument: JsonObject, owner: str | None, institution: InstitutionId) -> str:
    """Return the id of an instrument as documents write it, 32 hexadecimal digits.

    Args:
        instrument: the member as given, without `id`.
        owner: what may be hashed of the owner, see `personal.Party.public_name`.
        institution: whose own numbers `local_id` are.

    Raises:
        InputError: nothing given tells the instrument apart; the member is named.
    """
    try:
        identity = _read_identity(instrument, owner, institution)
    except InputError as err:
        name = _INPUT_NAMES.get(err.field or "", err.field)
        raise type(err)(err.reason, field=f"instrument.{name}") from None
    return encode_hex(compute_instrument_id(identity))


def _read_identity(
    instrument: JsonObject, owner: str | None, institution: InstitutionId
) -> InstrumentIdentity:
    if "local_id" in instrument:
        return LocalIdentity(institution, _take_text(instrument, "local_id"))
    serial = _take_text(instrument, "serial")
    if "model" not in instrument:
        raise MalformedDocumentError("needed to tell the instrument apart, or else local_id", field="model")
    if "maker" not in instrument and "cpa_no" not in instrument:
        raise MalformedDocumentError(
            "needed to tell the instrument apart, or else cpa_no or local_id", field="maker"
        )
    return NameplateIdentity(
        model=_take_text(instrument, "model"),
        serial=serial,
        maker=_take_text(instrument, "maker") if "maker" in instrument else None,
        type_number=None if "maker" in instrument else _take_text(instrument, "cpa_no"),
        owner=owner,
    )


def _take_text(instrument: JsonObject, name: str) -> str:
    value = instrument.get(name)
    if value is None:
        raise MalformedDocumentError("this member is missing", field=name)
    if not isinstance(value, str):
        raise MalformedDocumentError("text is expected here", field=name)
    return value
