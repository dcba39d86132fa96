"""What identifies a measuring instrument, and the digests of its serial and its seals in a statement.

A serial number is not a key: the same one stands on instruments of many makers. So an instrument is known by
all that its nameplate says, or by the number that one institution gave it. Everything is hashed as given;
`normalise_for_search` is for finding likely duplicates only.

>>> compute_instrument_id(NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240001")).hex()
'2e5b3e22b5d423422235294a29dbc5bd'
>>> compute_statement_serial("SN20240001").text
'SN20240001'
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.constants import INSTRUMENT_DOMAIN, SEALS_DOMAIN, SERIAL_DOMAIN
from ledger.core.errors import MalformedDocumentError
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.text import has_forbidden_character, has_outer_space

MAX_IDENTITY_BYTES: Final = 200
MAX_PART_BYTES: Final = 8
MAX_SERIAL_BYTES: Final = 24
PREFIX_BYTES: Final = 12
TAIL_BYTES: Final = 4
_SEALS_DIGEST_BYTES: Final = 8
_INSTITUTION: Final = re.compile(r"[A-Z0-9-]{1,12}")


@dataclass(frozen=True, slots=True)
class NameplateIdentity:
    """An instrument known by its nameplate; members that are absent take no part."""

    model: str
    serial: str
    maker: str | None = None
    type_number: str | None = None
    """Number of the type approval; stands instead of the maker, never beside it."""
    owner: str | None = None
    """Where two nameplates agree: the owner's credit code. Never a natural person: an id is guessable."""

    def __post_init__(self) -> None:
        if (self.maker is None) == (self.type_number is None):
            raise MalformedDocumentError(
                "either a maker or a type number identifies an instrument", field="maker"
            )
        for name, text in self.members().items():
            _check_identity_text(str(text), name)

    def members(self) -> JsonObject:
        """Return the members that are hashed."""
        given = {
            "maker": self.maker,
            "type_number": self.type_number,
            "model": self.model,
            "serial": self.serial,
            "owner": self.owner,
        }
        return {name: text for name, text in given.items() if text is not None}


@dataclass(frozen=True, slots=True)
class LocalIdentity:
    """An instrument known by the number that one institution gave it."""

    institution: InstitutionId
    local_id: str

    def __post_init__(self) -> None:
        if not _INSTITUTION.fullmatch(self.institution):
            raise MalformedDocumentError("expected 1 to 12 of A-Z, 0-9 and '-'", field="institution")
        _check_identity_text(self.local_id, "id")

    def members(self) -> JsonObject:
        """Return the members that are hashed; two institutions may use the same number."""
        return {"institution": self.institution, "id": self.local_id}


InstrumentIdentity: TypeAlias = NameplateIdentity | LocalIdentity


@dataclass(frozen=True, slots=True)
class StatementSerial:
    """A serial number as a statement carries it: whole, or cut and then completed by a hash."""

    text: str
    """The serial, at most 24 bytes of UTF-8; or its first 9 to 12 bytes, whole characters only."""
    tail: bytes | None = None
    """4 bytes of SHA-256 over the whole serial; None: `text` is the whole serial."""

    def __post_init__(self) -> None:
        size = _check_text(self.text, MAX_SERIAL_BYTES, "serial")
        if self.tail is None:
            return
        if len(self.tail) != TAIL_BYTES or not PREFIX_BYTES - 3 <= size <= PREFIX_BYTES:
            raise MalformedDocumentError(
                "a cut serial has 9 to 12 bytes of text and 4 of hash", field="serial"
            )

    def matches(self, serial: str) -> bool:
        """Return whether this may stand for the given serial: certain if whole, up to 1 in 2**32 if cut."""
        try:
            return compute_statement_serial(serial) == self
        except MalformedDocumentError:
            return False


def compute_instrument_id(identity: InstrumentIdentity) -> InstrumentId:
    """Return 16 bytes of SHA-256 over domain and canonical identity: how this ledger knows an instrument."""
    return InstrumentId(
        hashlib.sha256(INSTRUMENT_DOMAIN + encode_canonical_json(identity.members())).digest()[:16]
    )


def compute_statement_serial(serial: str) -> StatementSerial:
    """Return the serial as a statement carries it.

    Args:
        serial: as on the nameplate, 1 to 200 bytes of UTF-8.

    Raises:
        MalformedDocumentError: empty, too long, or with control characters.
    """
    if _check_text(serial, MAX_IDENTITY_BYTES, "serial") <= MAX_SERIAL_BYTES:
        return StatementSerial(serial)
    raw = serial.encode()
    prefix = raw[:PREFIX_BYTES].decode(errors="ignore")
    return StatementSerial(prefix, hashlib.sha256(SERIAL_DOMAIN + raw).digest()[:TAIL_BYTES])


def compute_seals_digest(seals: Sequence[tuple[str, str]]) -> bytes:
    """Return 8 bytes over the list of seals (铅封), in the order of the record.

    Args:
        seals: number and sealing point of each.

    Raises:
        MalformedDocumentError: the same seal twice at one point, or text that canonical JSON refuses.
    """
    if len(set(seals)) != len(seals):
        raise MalformedDocumentError("the same seal stands twice at one point", field="seals")
    canonical = encode_canonical_json([{"no": no, "point": point} for no, point in seals])
    return hashlib.sha256(SEALS_DOMAIN + canonical).digest()[:_SEALS_DIGEST_BYTES]


def check_part_ids(part_ids: Iterable[str]) -> None:
    """Check the ids of an instrument's parts (nozzles, lanes, phases).

    Raises:
        MalformedDocumentError: an id of other than 1 to 8 bytes of text, or the same id twice.
    """
    seen: set[str] = set()
    for part_id in part_ids:
        _check_text(part_id, MAX_PART_BYTES, "parts")
        if part_id in seen:
            raise MalformedDocumentError(f"two parts have the id {part_id!r}", field="parts")
        seen.add(part_id)


_LOOK_ALIKES: Final = str.maketrans("авекмнорстухіјѕԁԛԝαβεζηικμνορτυχ", "abekmhopctyxijsdqwabezhikmnoptyx")
"""Lower case of Cyrillic, then Greek capitals that look like Latin ones: В as B, Н as H, Ρ as P."""
_DASHES: Final = str.maketrans(dict.fromkeys("‐‒–—―−⸺⸻", "-"))


def normalise_for_search(text: str) -> str:
    """Return a key under which texts that look alike are equal; never hashed, stored or shown.

    Full width, case, Cyrillic and Greek look-alikes, kinds of dashes, white space and invisible characters
    make no difference; a digit and a letter (0 and O) stay different.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    visible = "".join(character for character in folded if not _is_invisible(character))
    return unicodedata.normalize("NFKD", visible.translate(_LOOK_ALIKES).translate(_DASHES))


def _is_invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


def _check_text(text: str, max_bytes: int, field: str) -> int:
    """Return the size in bytes of a text of 1 to `max_bytes` bytes without control characters."""
    if has_forbidden_character(text):
        raise MalformedDocumentError("expected text without control characters", field=field)
    size = len(text.encode())
    if not 1 <= size <= max_bytes:
        raise MalformedDocumentError(f"expected 1 to {max_bytes} bytes of text", field=field)
    return size


def _check_identity_text(text: str, field: str) -> None:
    _check_text(text, MAX_IDENTITY_BYTES, field)
    if has_outer_space(text):
        raise MalformedDocumentError("text must not begin or end with white space", field=field)
