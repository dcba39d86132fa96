"""Unified social credit code (统一社会信用代码) of an organisation: 18 characters, the last one a check.

>>> parse_credit_code("91350100M000100Y43")
'91350100M000100Y43'
"""

import re
from typing import Final, NewType

from ledger.core.errors import MalformedDocumentError

CreditCode = NewType("CreditCode", str)
"""18 characters with a correct check character; that an organisation has it is not known."""

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE: Final = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_MODULUS: Final = 31


def parse_credit_code(text: str, *, field: str | None = None) -> CreditCode:
    """Return the code if its form and its check character are right.

    Every single wrong character and every swap of two neighbours is found.

    Args:
        text: 18 of 0-9 and A-Z without I, O, S, V, Z; characters 3 to 8 are digits (division code).
        field: path of the member, for the message.

    Raises:
        MalformedDocumentError: wrong form or wrong check character.
    Source: GB 32100-2015 §4, annex A.
    """
    if not _SHAPE.fullmatch(text):
        raise MalformedDocumentError(f"{text[:40]!r} does not have the form of a credit code", field=field)
    expected = compute_check_character(text[:17])
    if text[17] != expected:
        raise MalformedDocumentError(f"credit code {text!r} should end in {expected!r}", field=field)
    return CreditCode(text)


def compute_check_character(body: str) -> str:
    """Return the check character: values weighted by 3**i modulo 31 and the check sum to 0 modulo 31.

    Args:
        body: the first 17 characters of a code, in the alphabet of `parse_credit_code`.
    Source: GB 32100-2015 annex A.
    """
    total = sum(_ALPHABET.index(character) * pow(3, i, _MODULUS) for i, character in enumerate(body))
    return _ALPHABET[-total % _MODULUS]
