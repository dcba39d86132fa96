"""How old a status is, in words and against the policy's limit.

>>> judge_age(as_of, now, None).text.en
'as of 2026-03-01 01:00 UTC, 5 minutes old'
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.core.step import Sentence

_UNITS = (
    (timedelta(days=1), "days", "天"),
    (timedelta(hours=1), "hours", "小时"),
    (timedelta(minutes=1), "minutes", "分钟"),
)


@dataclass(frozen=True, slots=True)
class Age:
    """The instant for which a status is proved, as people read it."""

    text: Sentence
    is_too_old: bool


def judge_age(as_of: datetime, now: datetime, max_age: timedelta | None) -> Age:
    """Compare the instant of a status with the verifier's clock.

    Args:
        as_of: for which the evidence speaks, aware UTC.
        now: the verifier's clock, aware UTC.
        max_age: of the policy; None: any age will do.
    """
    age = max(now - as_of, timedelta())
    size, en, zh = next((unit for unit in _UNITS if age >= 2 * unit[0]), _UNITS[-1])
    count, instant = age // size, f"{as_of:%Y-%m-%d %H:%M} UTC"
    unit = en.removesuffix("s") if count == 1 else en
    text = Sentence(f"as of {instant}, {count} {unit} old", f"截至{instant}，{count}{zh}前")
    return Age(text, max_age is not None and age > max_age)
