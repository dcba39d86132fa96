"""Which instrument an input document means: the ledger's id, the institution's own number, or the nameplate.

    {"id": "2e5b3e22b5d423422235294a29dbc5bd"}               the id that the ledger has given it before
    {"local_id": "PUMP-0417"}                                this institution's own number
    {"maker": …, "model": …, "serial": …}                    nameplate, and the owner if an organisation
    {"cpa_no": …, "model": …, "serial": …}                   the same where the maker is not known

The first that is given decides. Nameplate and owner are hashed as written: another spelling of the maker is
another instrument, so institutions do well to give their own numbers.
"""

from typing import Final

from issuer.faults import Gathering
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.instrument import InstrumentIdentity, LocalIdentity, NameplateIdentity, compute_instrument_id

_INPUT_NAMES: Final = {"type_number": "cpa_no", "id": "local_id"}
"""What the core calls a member -> what input documents call it, where that differs."""


def find_instrument_id(
    instrument: JsonObject, owner: str | None, institution: InstitutionId, gathering: Gathering
) -> str | None:
    """Return the id of an instrument as documents write it, 32 hexadecimal digits; None if it cannot be told.

    Args:
        instrument: the member as given, without `id`.
        owner: what may be hashed of the owner, see `personal.Party.public_name`.
        institution: whose own numbers `local_id` are.
        gathering: takes why it cannot be told, but for what the record's own parser says of the same members.
    """
    names = _choose_members(instrument)
    for name in names:
        if name not in instrument and name != "serial":
            others = "cpa_no or local_id" if name == "maker" else "local_id"
            reason, path = f"needed to tell the instrument apart, or else {others}", f"instrument.{name}"
            gathering.add(MalformedDocumentError(reason, field=path), path)
    texts = {name: text for name in names if isinstance(text := instrument.get(name), str)}
    if len(texts) < len(names):
        return None
    try:
        return encode_hex(compute_instrument_id(_build_identity(texts, owner, institution)))
    except InputError as err:
        path = f"instrument.{_INPUT_NAMES.get(err.field or '', err.field)}"
        gathering.add(type(err)(err.reason, field=path), path)
        return None


def _choose_members(instrument: JsonObject) -> tuple[str, ...]:
    """Return which members tell this instrument apart, given or not."""
    if "local_id" in instrument:
        return ("local_id",)
    has_type_number_only = "maker" not in instrument and "cpa_no" in instrument
    return ("model", "serial", "cpa_no" if has_type_number_only else "maker")


def _build_identity(
    texts: dict[str, str], owner: str | None, institution: InstitutionId
) -> InstrumentIdentity:
    if "local_id" in texts:
        return LocalIdentity(institution, texts["local_id"])
    return NameplateIdentity(
        model=texts["model"],
        serial=texts["serial"],
        maker=texts.get("maker"),
        type_number=texts.get("cpa_no"),
        owner=owner,
    )
