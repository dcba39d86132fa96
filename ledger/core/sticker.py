"""Stickers (检定合格证, 合格标志): rolls of them, allotted in advance, and the id that each one bears.

    7KQ2M9X 001R CCF8 3      roll, number, tag, check symbol: 16 symbols, printed as 7KQ2-M9X0-01RC-CF83

A roll is allotted by one statement, however many stickers it has; so nobody needs the ledger to hold each of them
before it is used. The tag is 20 bits of SHA-256(STICKER_DOMAIN || seed || roll || number): with the roll's
content at hand, anybody can tell an id that was given out from one that was made up. The check symbol is that of
the short codes, see `core.qr`. What a sticker stands for says its newest binding, never the id.

>>> roll = RollContent("7KQ2M9X", InstitutionId("350100-01"), 1000, bytes(16), RegisterState.ACTIVE)
>>> format_code(compute_sticker_id(roll, 56))
'7KQ2-M9X0-01RC-CF83'
"""

import hashlib
from dataclasses import dataclass
from typing import Final, NewType

from ledger.core.canonical import encode_canonical_json
from ledger.core.constants import STICKER_DOMAIN
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.qr import ALPHABET, ShortCode, complete_code, parse_code, parse_host, spell_symbols
from ledger.core.register_fields import RegisterState, open_content, parse_institution_id

ROLL_SYMBOLS: Final = 7
"""35 bits, random, so that rolls of all institutions differ."""
MAX_STICKERS: Final = 1 << 20
"""Stickers of one roll at most; numbers count from 0."""
SEED_BYTES: Final = 16

_NUMBER_SYMBOLS: Final = 4
_TAG_SYMBOLS: Final = 4
_TAG_BITS: Final = 20
_ROLL_PATTERN: Final = rf"[{ALPHABET}]{{{ROLL_SYMBOLS}}}"

StickerId = NewType("StickerId", ShortCode)
"""16 symbols of `qr.ALPHABET`, the last of them right."""


@dataclass(frozen=True, slots=True)
class RollContent:
    """A roll of stickers, as it is allotted to an institution."""

    roll: str
    """7 symbols of `qr.ALPHABET`."""
    institution: InstitutionId
    count: int
    """How many stickers it has, 1 to 2^20; they are numbered from 0."""
    seed: bytes
    """16 random bytes, public: they make ids that were given out differ from ids that were made up."""
    state: RegisterState
    """Of a roll that is not active no further sticker is bound; those that are stay so."""


def encode_roll_content(content: RollContent) -> bytes:
    """Return the canonical bytes of a STICKER_ALLOTTED content."""
    return encode_canonical_json(
        {
            "roll": content.roll,
            "institution": content.institution,
            "count": content.count,
            "seed": encode_hex(content.seed),
            "state": content.state.value,
        }
    )


def parse_roll_content(raw: bytes) -> RollContent:
    """Parse a STICKER_ALLOTTED content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = RollContent(
        roll=reader.text("roll", max_bytes=ROLL_SYMBOLS, pattern=_ROLL_PATTERN),
        institution=parse_institution_id(reader),
        count=reader.integer("count", 1, MAX_STICKERS),
        seed=reader.hex("seed", SEED_BYTES),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    return content


def compute_sticker_id(roll: RollContent, number: int) -> StickerId:
    """Return the id of one sticker of a roll.

    Args:
        roll: the roll.
        number: from 0.

    Raises:
        MalformedDocumentError: the roll has no such number.
    """
    if not 0 <= number < roll.count:
        raise MalformedDocumentError(
            f"roll {roll.roll} has the numbers 0 to {roll.count - 1}", field="number"
        )
    digest = hashlib.sha256(STICKER_DOMAIN + roll.seed + roll.roll.encode() + number.to_bytes(4)).digest()
    tag = int.from_bytes(digest, "big") >> 8 * len(digest) - _TAG_BITS
    symbols = roll.roll + spell_symbols(number, _NUMBER_SYMBOLS) + spell_symbols(tag, _TAG_SYMBOLS)
    return StickerId(complete_code(symbols))


def parse_sticker_id(text: str) -> StickerId:
    """Return the id that a person typed: hyphens, lower case and O, I, L for 0, 1, 1 are understood.

    Raises:
        MalformedDocumentError: not such an id, or one of its symbols is wrong.
    """
    return StickerId(parse_code(text))


def find_roll(sticker: StickerId) -> str:
    """Return the roll that an id names."""
    return sticker[:ROLL_SYMBOLS]


def find_number(sticker: StickerId) -> int:
    """Return the number within its roll that an id names."""
    number = 0
    for symbol in sticker[ROLL_SYMBOLS : ROLL_SYMBOLS + _NUMBER_SYMBOLS]:
        number = number << 5 | ALPHABET.index(symbol)
    return number


def is_of_roll(sticker: StickerId, roll: RollContent) -> bool:
    """Tell whether a roll has given this id out."""
    if find_roll(sticker) != roll.roll:
        return False
    try:
        return compute_sticker_id(roll, find_number(sticker)) == sticker
    except InputError:
        return False


def encode_sticker_url(sticker: StickerId, host: str) -> str:
    """Return the text of a sticker's QR code.

    Raises:
        MalformedDocumentError: no such host, or not an id.
    """
    return f"https://{parse_host(host)}/s/{parse_sticker_id(sticker)}"
