"""Instruments that look alike: what a person must answer before another one is registered.

A serial number is not a key, and a nameplate is read differently by two people. So an instrument looks like a known
one if its serial number is spelled alike and its maker or its model is, too; which of maker, model, year, type
approval and place agree, differ or are not known is said, and the answer is a person's.

>>> [match.describe() for match in find_matches(content, known)]
['0101… (SN 17): serial, maker agree; model differs']
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.core.encoding import encode_hex
from ledger.core.instrument import normalise_for_search
from ledger.core.registration import InstrumentContent

_MEMBERS: Final = ("serial", "maker", "model", "year", "type_approval_no", "division")
_WORDS: Final = {"type_approval_no": "cpa_no"}
_SHOWN_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Match:
    """A known instrument that a new one looks like."""

    known: InstrumentContent
    agree: tuple[str, ...]
    differ: tuple[str, ...]

    def describe(self) -> str:
        """Return what a person needs to answer."""
        said = f"{', '.join(self.agree)} agree"
        said += f"; {', '.join(self.differ)} differ" if self.differ else ""
        return f"{encode_hex(self.known.id)} (serial {self.known.serial}): {said}"


def find_matches(content: InstrumentContent, known: Iterable[InstrumentContent]) -> list[Match]:
    """Return the known instruments that an instrument looks like, the likeliest first; never itself.

    Args:
        content: about to be registered.
        known: every instrument that is known.
    """
    matches = (_compare(content, other) for other in known if other.id != content.id)
    found = [match for match in matches if {"serial"} < set(match.agree) and _is_likely(match)]
    return sorted(found, key=lambda match: (-len(match.agree), len(match.differ), match.known.id))


def _is_likely(match: Match) -> bool:
    return "maker" in match.agree or "model" in match.agree


def _compare(content: InstrumentContent, other: InstrumentContent) -> Match:
    agree: list[str] = []
    differ: list[str] = []
    for member in _MEMBERS:
        ours, theirs = _normalise(content, member), _normalise(other, member)
        if ours and theirs:
            (agree if ours == theirs else differ).append(_WORDS.get(member, member))
    return Match(other, tuple(agree), tuple(differ))


def _normalise(content: InstrumentContent, member: str) -> str:
    value = getattr(content, member)
    return "" if value is None else normalise_for_search(str(value))
