"""Text forms of a statement for QR codes: the long one carries the statement, the short one names it.

    long   https://v.example.cn/q/1<digits>   the signed statement itself, up to 214 bytes, readable offline
    short  https://v.example.cn/c/<code>      75 bits of its hash; the reader recomputes them, see below

*Digits*: format version `1`, then the statement as one big-endian number in base 10, padded with zeros to the
width of the largest number of that many bytes, `ceil(8n log10 2)`. Widths differ for all n, so the width
gives n back and a statement has exactly one spelling. QR packs 3 digits into 10 bits, 0.3 % over binary.

*Code*: the first 75 bits of SHA-256(CODE_DOMAIN || statement) as 15 Crockford base32 symbols, most
significant bit first, then one check symbol of the same alphabet: safe in URLs, in speech and in QR's
alphanumeric mode, which Crockford's own mod-37 check symbols (`*~$=U`) are not. Symbols are elements of
GF(32) with the polynomial x^5 + x^2 + 1; a code is right if the sum of x^(15-i) * symbol_i, i from 0 to 15,
is 0. The 16 weights are distinct and none is 0, so *every* single wrong symbol and *every* exchange of two
symbols, adjacent or not, is found; of other mistakes 31 in 32.

*Host*: a lower-case DNS name, with `:port` for development only. A printed code is compared with a pinned
host, byte for byte; look-alikes, user names, queries, fragments and other paths are refused.

>>> parse_qr_text(encode_long_url(b"statement", "v.example.cn"), host="v.example.cn").statement
b'statement'
>>> format_code(compute_code(b"statement"))
'Y0E5-Q0BV-PKA4-86WB'
"""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from ledger.core.constants import CODE_DOMAIN
from ledger.core.errors import (
    InputError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    PolicyMismatchError,
)

MAX_PRINTED_BYTES: Final = 214
"""Largest statement of the long form: QR version 11 at level M, 13 at level Q."""

DIGITS_VERSION: Final = "1"
"""First digit of the long form; another one means a format that this reader does not know."""

CODE_SYMBOLS: Final = 16
"""15 symbols of 5 bits, then the check symbol."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base32: no I, L, O and U; the position of a symbol is its value."""

MAX_TEXT: Final = 1_024
"""Longest text looked at; the longest one of ours has 787 characters."""

ShortCode = NewType("ShortCode", str)
"""16 symbols of `ALPHABET` in upper case, without hyphens, whose check symbol is right."""

_CODE_BITS: Final = 75
_WIDTHS: Final = {n: len(str(256**n - 1)) for n in range(1, MAX_PRINTED_BYTES + 1)}
_SIZES: Final = {width: n for n, width in _WIDTHS.items()}
_VALUES: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
_ALIASES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_MODULUS: Final = 0b100101
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[1-9][0-9]{{0,4}}))?")
_SCHEME: Final = "https://"
_DEFAULT_PORT: Final = 443
_SOMETHING_ELSE: Final = "this is a QR code of something else"


class QrForm(Enum):
    """What a printed code holds."""

    LONG = "long"
    """The whole signed statement: origin can be checked offline."""
    SHORT = "short"
    """A name of the statement: the reader must fetch it."""


@dataclass(frozen=True, slots=True)
class LongForm:
    """A QR text that carries a statement."""

    statement: bytes
    """1 to 214 bytes, not yet parsed."""
    host: str
    """As printed, port included."""


@dataclass(frozen=True, slots=True)
class ShortForm:
    """A QR text that names a statement."""

    code: ShortCode
    host: str
    """As printed, port included."""


@dataclass(frozen=True, slots=True)
class StickerForm:
    """A QR text that names a sticker, see `core.sticker`; its id is spelled as codes are."""

    code: ShortCode
    host: str
    """As printed, port included."""


@dataclass(frozen=True, slots=True)
class FormChoice:
    """Which form a statement is printed in, and why."""

    form: QrForm
    en: str
    """One plain sentence in English."""
    zh: str
    """The same sentence in Chinese."""


def choose_form(statement: bytes) -> FormChoice:
    """Return the long form if the statement fits into a printed code, else the short one, with the reason."""
    size = len(statement)
    if size <= MAX_PRINTED_BYTES:
        return FormChoice(
            QrForm.LONG,
            f"The code holds the whole signed statement ({size} bytes): its origin can be checked offline.",
            f"二维码内含完整的签名声明（{size} 字节），可离线核验来源。",
        )
    return FormChoice(
        QrForm.SHORT,
        f"The signed statement has {size} bytes; a printed code holds {MAX_PRINTED_BYTES}. "
        "So the code only names it and must be looked up online.",
        f"签名声明为 {size} 字节，印刷二维码最多容纳 {MAX_PRINTED_BYTES} 字节，"
        "因此二维码仅含查询码，须联网查询。",
    )


def encode_digits(statement: bytes) -> str:
    """Return version digit and statement in base 10, 4 to 517 digits.

    Raises:
        InputError: the statement is empty or longer than 214 bytes.
    """
    width = _WIDTHS.get(len(statement))
    if width is None:
        raise InputError(f"a printed code holds 1 to {MAX_PRINTED_BYTES} bytes, not {len(statement)}")
    return DIGITS_VERSION + str(int.from_bytes(statement, "big")).zfill(width)


def parse_digits(digits: str) -> bytes:
    """Return the statement that `encode_digits` was given.

    Raises:
        MalformedDocumentError: not digits, another version, or a length that no statement has.
        NonCanonicalEncodingError: the number is too large for that length.
    """
    if not (digits.isascii() and digits.isdecimal()):
        raise MalformedDocumentError("the code's content is not made of the digits 0 to 9 only")
    if not digits.startswith(DIGITS_VERSION):
        raise MalformedDocumentError(f"the code has format {digits[0]}; this reader knows {DIGITS_VERSION}")
    size = _SIZES.get(len(digits) - 1)
    if size is None:
        raise MalformedDocumentError(
            f"no statement has {len(digits) - 1} digits: some are missing or too many"
        )
    number = int(digits[1:])
    if number >> 8 * size:
        raise NonCanonicalEncodingError(f"the digits stand for a number larger than {size} bytes hold")
    return number.to_bytes(size, "big")


def compute_code(statement: bytes) -> ShortCode:
    """Return the short code of a statement of any length."""
    digest = hashlib.sha256(CODE_DOMAIN + statement).digest()
    number = int.from_bytes(digest, "big") >> 8 * len(digest) - _CODE_BITS
    return complete_code(spell_symbols(number, CODE_SYMBOLS - 1))


def spell_symbols(number: int, count: int) -> str:
    """Return the lowest `5 * count` bits of a number as so many symbols, most significant first."""
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(count - 1, -1, -1))


def complete_code(symbols: str) -> ShortCode:
    """Return 15 symbols of `ALPHABET` with their check symbol."""
    values = [_VALUES[symbol] for symbol in symbols]
    return ShortCode(symbols + ALPHABET[_multiply_by_x(_compute_syndrome(values))])


def parse_code(text: str) -> ShortCode:
    """Return the code that a person typed: hyphens, lower case and O, I, L for 0, 1, 1 are understood.

    Raises:
        MalformedDocumentError: another symbol, another length, or a wrong check symbol.
    """
    if len(text) > 4 * CODE_SYMBOLS or not text.isascii():
        raise MalformedDocumentError(f"a code has {CODE_SYMBOLS} letters and digits")
    code = text.upper().translate(_ALIASES)
    for symbol in code:
        if symbol not in _VALUES:
            raise MalformedDocumentError(f"no code has the character {symbol!a}")
    if len(code) != CODE_SYMBOLS:
        raise MalformedDocumentError(f"a code has {CODE_SYMBOLS} letters and digits, not {len(code)}")
    if _compute_syndrome([_VALUES[symbol] for symbol in code]):
        raise MalformedDocumentError("a letter or digit of the code is wrong or in the wrong place")
    return ShortCode(code)


def format_code(code: ShortCode) -> str:
    """Return a code as it is printed: four groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, CODE_SYMBOLS, 4))


def parse_host(host: str) -> str:
    """Return a host that may stand in a code: lower-case DNS name, `:port` for development.

    Raises:
        MalformedDocumentError: anything else; also an IP address, or the default port written out.

    Source: RFC 1123 §2.1 (letters, digits, hyphens; labels to 63, names to 253 characters).
    """
    match = _HOST.fullmatch(host) if len(host) <= 253 + 6 else None
    if match is None or len(match["name"]) > 253:
        raise MalformedDocumentError("the host is not a lower-case DNS name")
    if not match["name"].rsplit(".", 1)[-1][0].isalpha():
        raise MalformedDocumentError("the host is an IP address, not a DNS name")
    port = int(match["port"] or 0)
    if port == _DEFAULT_PORT or port > 65_535:
        raise MalformedDocumentError("the port is the default one or above 65535")
    return host


def encode_long_url(statement: bytes, host: str) -> str:
    """Return the QR text that carries a statement.

    Raises:
        InputError: no such host, or a statement that is empty or longer than 214 bytes.
    """
    return f"{_SCHEME}{parse_host(host)}/q/{encode_digits(statement)}"


def encode_short_url(code: ShortCode, host: str) -> str:
    """Return the QR text that names a statement.

    Raises:
        MalformedDocumentError: no such host, or not a code.
    """
    return f"{_SCHEME}{parse_host(host)}/c/{parse_code(code)}"


def parse_qr_text(text: str, *, host: str | None) -> LongForm | ShortForm | StickerForm:
    """Return what a QR code of ours says.

    The long form has one spelling. The code of the short form may be spelled as people type it, since it only
    names something that is then compared with it.

    Args:
        text: what a scanner read or a person typed.
        host: the only host that is believed, or None where none is pinned; the result then names the host.

    Raises:
        PolicyMismatchError: a code of this kind, but of another host than the pinned one.
        InputError: a QR code of something else, or a damaged one.
    """
    found, kind, content = _split(text)
    if host is not None and found != parse_host(host):
        raise PolicyMismatchError(f"this QR code is of the site {found}, not of {host}: do not rely on it")
    if kind == "q":
        return LongForm(parse_digits(content), found)
    code = parse_code(content)
    return StickerForm(code, found) if kind == "s" else ShortForm(code, found)


def _split(text: str) -> tuple[str, str, str]:
    """Return host, kind (`q`, `c` or `s`) and content of a QR text."""
    if not text.startswith(_SCHEME) or len(text) > MAX_TEXT:
        raise MalformedDocumentError(
            f"{_SOMETHING_ELSE}: its text is not an https:// address of a certificate"
        )
    parts = text.removeprefix(_SCHEME).split("/")
    try:
        host = parse_host(parts[0])
    except MalformedDocumentError as err:
        raise MalformedDocumentError(f"{_SOMETHING_ELSE}: {err}") from err
    if len(parts) != 3 or parts[1] not in {"q", "c", "s"}:
        raise MalformedDocumentError(f"{_SOMETHING_ELSE}: the address is not one of a certificate")
    return host, parts[1], parts[2]


def _compute_syndrome(values: list[int]) -> int:
    """Return the sum of x^(last - i) * value_i in GF(32), by Horner's rule."""
    total = 0
    for value in values:
        total = _multiply_by_x(total) ^ value
    return total


def _multiply_by_x(value: int) -> int:
    """Return value times x modulo x^5 + x^2 + 1."""
    doubled = value << 1
    return doubled ^ _MODULUS if doubled & 32 else doubled
