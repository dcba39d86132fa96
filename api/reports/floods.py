"""Floods: how much one caller may send in a day, and the proof of a recent scan that lifts the limit.

No address is kept: a caller is a hash under a random salt that is forgotten with its day. A scan is proved by a
token that the page of a code hands out, good for half an hour and for that code only.

>>> tokens = ScanTokens(secrets.token_bytes(32))
>>> tokens.is_fresh(tokens.make("Y0E5Q0BVPKA486WB", now), "Y0E5Q0BVPKA486WB", now)
True
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.callers import find_caller
from ledger.core.errors import StateError
from ledger.core.step import Sentence

GOOD_FOR_MINUTES: Final = 30
CALLER_A_DAY: Final = 5
SCANNER_A_DAY: Final = 30
"""Reports of one caller who has just scanned what each is about."""
CODE_A_DAY: Final = 10
"""Reports about one code, or place in words, of callers who have not scanned it."""
MISSES_A_DAY: Final = 30
"""Case codes that one caller may try in vain."""
_DOMAIN: Final = b"hengzheng/scan/v1\0"
_TAG_DIGITS: Final = 32
_WHO_BYTES: Final = 16
_TOO_MANY: Final = Sentence(
    "Too much has been sent from your connection today, or about this instrument. Scan the code on the instrument "
    "and report from the page that opens, or try again tomorrow. In urgent cases call 12315.",
    "今天来自您网络的提交，或针对该器具的提交过多。"
    "请扫描器具上的二维码，从打开的页面提交，或明天再试；紧急情况请拨打12315。",
)


class TooManyError(StateError):
    """Too much of one kind on one day."""

    def __init__(self) -> None:
        """Say so, and what to do instead."""
        super().__init__(_TOO_MANY.en, zh=_TOO_MANY.zh)


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted, and how much of it a day may bring."""

    kind: str
    who: str
    """In plain; only its hash is stored."""
    most: int


def list_meters(address: str, thing: str, *, is_scanned: bool) -> list[Meter]:
    """Return what a report counts as.

    Args:
        address: of the caller.
        thing: what it is about: an instrument, a code, or a place in words.
        is_scanned: whether the caller has shown that they scanned it.
    """
    caller = find_caller(address)
    if is_scanned:
        return [Meter("scanner", caller, SCANNER_A_DAY)]
    return [Meter("caller", caller, CALLER_A_DAY), Meter("code", thing, CODE_A_DAY)]


def miss_meter(address: str) -> Meter:
    """Return what a wrong case code counts as."""
    return Meter("miss", find_caller(address), MISSES_A_DAY)


def hash_who(salt: bytes, meter: Meter) -> bytes:
    """Return under what the database counts somebody on one day, 16 bytes."""
    message = f"{meter.kind}\0{meter.who}".encode()
    return hmac.digest(salt, message, hashlib.sha256)[:_WHO_BYTES]


class ScanTokens:
    """Tokens of one running site: after a restart people scan again, or stay within the usual limit."""

    def __init__(self, key: bytes) -> None:
        """Take a random key of 32 bytes."""
        self._key = key

    def __repr__(self) -> str:
        return "<ScanTokens>"

    def make(self, code: str, now: datetime) -> str:
        """Return what shows that the page of this code was opened about now."""
        return self._spell(code, _find_minute(now))

    def is_fresh(self, token: str, code: str, now: datetime) -> bool:
        """Tell whether a token was made for this code in the last half hour."""
        minute_text = token.partition(".")[0]
        if not (minute_text.isascii() and minute_text.isdecimal() and len(minute_text) <= len("999999999")):
            return False
        minute = int(minute_text)
        is_recent = 0 <= _find_minute(now) - minute <= GOOD_FOR_MINUTES
        return is_recent and hmac.compare_digest(self._spell(code, minute).encode(), token.encode())

    def _spell(self, code: str, minute: int) -> str:
        message = _DOMAIN + f"{minute}\0{code}".encode()
        return f"{minute}.{hmac.digest(self._key, message, hashlib.sha256).hex()[:_TAG_DIGITS]}"


def _find_minute(now: datetime) -> int:
    return int(now.timestamp()) // 60
