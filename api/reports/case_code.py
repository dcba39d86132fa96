"""Case codes: what whoever reports something keeps, to see what becomes of it.

    7KQ2-M9X0-01RC-CF83-6T      85 random bits as 17 Crockford symbols, then the check symbol of the short codes

Whoever has the code may see the state of the case and nothing else, so it cannot be guessed: at 30 wrong guesses
a day a caller would need 10^21 years. The database has the hash of a code only.

>>> format_case_code(make_case_code(bytes(11)))
'0000-0000-0000-0000-00'
"""

import hashlib
from typing import Final, NewType

from api.typed import fold_typed
from ledger.core.errors import InputError
from ledger.core.qr import complete_code, spell_symbols

CaseCode = NewType("CaseCode", str)
"""18 symbols in upper case, without hyphens, whose check symbol is right."""

CODE_BITS: Final = 85
RANDOM_BYTES: Final = 11
"""Of which 85 bits are used."""
CASE_SYMBOLS: Final = 18
_ALIASES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_DOMAIN: Final = b"hengzheng/case-code/v1\0"
_MOST: Final = 64
_WRONG: Final = "This is no case code: 18 letters and digits, as they were shown."
_WRONG_ZH: Final = "这不是案件码：应为提交后显示的18位字母和数字。"


def make_case_code(random: bytes) -> CaseCode:
    """Return a code of 11 random bytes."""
    symbols = spell_symbols(int.from_bytes(random[:RANDOM_BYTES], "big"), CASE_SYMBOLS - 1)
    return CaseCode(complete_code(symbols))


def parse_case_code(text: str) -> CaseCode:
    """Return the code that somebody typed: any hyphens and spaces, lower case, full width, O, I and L are read.

    Raises:
        InputError: no such code.
    """
    typed = fold_typed(text) if len(text) <= _MOST else ""
    code = typed.upper().translate(_ALIASES) if typed.isascii() else ""
    try:
        is_right = len(code) == CASE_SYMBOLS and complete_code(code[:-1]) == code
    except KeyError:
        is_right = False
    if not is_right:
        raise InputError(_WRONG, field="case", zh=_WRONG_ZH)
    return CaseCode(code)


def format_case_code(code: CaseCode) -> str:
    """Return a code as people read it: groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, CASE_SYMBOLS, 4))


def hash_case_code(code: CaseCode) -> bytes:
    """Return under what the database knows a code, 32 bytes; nobody gets from there to the code."""
    return hashlib.sha256(_DOMAIN + code.encode()).digest()
