"""What scans of one code suggest: pure rules, their numbers in `data/rules.csv`, each with its reason.

A finding is a reason for a person to look, and never a verdict: a picture of a sticker that is sent to a friend is
scanned far away, too, and nobody has copied anything.

>>> judge(Watched(CodeKind.STICKER, Standing.BOUND, is_mobile=False), seen, load_numbers(), now_hour)
[Suspicion(rule=<Rule.TRAVEL: 'TRAVEL'>, ...)]
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from types import MappingProxyType
from typing import Final

from api.copies.cells import Cell, least_km
from ledger.core.errors import MalformedDocumentError
from ledger.core.step import Sentence
from ledger.core.table import read_table

MOST_EVIDENCE: Final = 40
"""Observations that a finding names."""
_COLUMNS: Final = ("rule", "number", "value", "unit", "reason_en", "reason_zh", "confidence")
_LARGEST: Final = 100_000
_DAY_HOURS: Final = 24


class CodeKind(StrEnum):
    """What was scanned."""

    STICKER = "s"
    """A sticker, which stands on one instrument: it is at one place."""
    DOCUMENT = "c"
    """The code of a document; it stands on paper and in files as well, which travel."""
    ROLL = "r"
    """Ids of a roll, or of none (""), that nobody was given: anybody can make up the rest of them."""


class Standing(StrEnum):
    """How a sticker stands, as far as the rules care."""

    BOUND = "BOUND"
    UNUSED = "UNUSED"
    RETIRED = "RETIRED"
    """Replaced, or out of use."""
    UNKNOWN = "UNKNOWN"
    """Never given out."""


class Rule(StrEnum):
    """What is odd."""

    OUTSIDE = "OUTSIDE"
    TRAVEL = "TRAVEL"
    PLACES = "PLACES"
    RETIRED = "RETIRED"
    UNUSED = "UNUSED"
    UNKNOWN = "UNKNOWN"

    @property
    def words(self) -> Sentence:
        """Return what people read."""
        return _WORDS[self]


_WORDS: Final = MappingProxyType(
    {
        Rule.OUTSIDE: Sentence("scanned away from where the instrument stands", "在登记地点以外被扫描"),
        Rule.TRAVEL: Sentence(
            "scanned at places too far apart for the time between", "短时间内在相距过远的地点被扫描"
        ),
        Rule.PLACES: Sentence("scanned at many places", "在多个地点被扫描"),
        Rule.RETIRED: Sentence("scanned after it was taken out of use", "停用或更换后仍被扫描"),
        Rule.UNUSED: Sentence("scanned although not in use yet", "尚未启用即被扫描"),
        Rule.UNKNOWN: Sentence("codes scanned that were never given out", "从未发放的编码被扫描"),
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Observations of one code at one place within one hour."""

    cell: Cell
    hour: int
    """Since 1970-01-01 UTC."""
    count: int
    """Of callers."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often a code was scanned on a day, wherever."""

    day: int
    """Since 1970-01-01 UTC."""
    scans: int
    callers: int


@dataclass(frozen=True, slots=True)
class Area:
    """Where an instrument belongs, as somebody at an authority's desk has entered it."""

    cell: Cell
    km: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What the rules have to know of a code."""

    kind: CodeKind
    standing: Standing
    is_mobile: bool
    """Whether the instrument drives about, as a taximeter does: it has no place, but no wings either."""
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A finding, with what it rests on."""

    rule: Rule
    seen: tuple[Seen, ...] = ()
    """Oldest first."""
    counted: Counted | None = None


Numbers = Mapping[tuple[Rule, str], int]


def judge(
    watched: Watched, seen: Sequence[Seen], counted: Sequence[Counted], numbers: Numbers, now_hour: int
) -> list[Suspicion]:
    """Return what is odd about the scans of one code, each rule at most once.

    Args:
        watched: the code.
        seen: places, as far as people have told them.
        counted: by day, without place.
        numbers: of the rules.
        now_hour: hours since 1970-01-01 UTC.
    """
    ordered = sorted(seen, key=lambda one: (one.hour, one.cell))
    return [*_judge_places(watched, ordered, numbers, now_hour), *_judge_counts(watched, counted, numbers)]


def _judge_places(
    watched: Watched, seen: Sequence[Seen], numbers: Numbers, now_hour: int
) -> Iterator[Suspicion]:
    """Yield what places say of a code that is in use."""
    if watched.standing is not Standing.BOUND:
        return
    if watched.kind is CodeKind.STICKER:
        if not watched.is_mobile and watched.area is not None:
            yield from _suspect(Rule.OUTSIDE, find_outside(watched.area, seen))
        yield from _suspect(Rule.TRAVEL, find_travel(seen, numbers))
    if not watched.is_mobile:
        yield from _suspect(Rule.PLACES, find_places(seen, numbers, now_hour))


def _judge_counts(watched: Watched, counted: Sequence[Counted], numbers: Numbers) -> Iterator[Suspicion]:
    """Yield what it says that a code is scanned which nobody should find anywhere."""
    rule = {
        Standing.RETIRED: Rule.RETIRED,
        Standing.UNUSED: Rule.UNUSED,
        Standing.UNKNOWN: Rule.UNKNOWN,
    }.get(watched.standing)
    if rule is None or watched.kind is CodeKind.DOCUMENT:
        return
    most = max(counted, key=lambda one: one.callers, default=None)
    if most is not None and most.callers >= numbers[rule, "least_callers"]:
        yield Suspicion(rule, counted=most)


def _suspect(rule: Rule, evidence: Sequence[Seen]) -> Iterator[Suspicion]:
    if evidence:
        yield Suspicion(rule, tuple(evidence[-MOST_EVIDENCE:]))


def find_outside(area: Area, seen: Sequence[Seen]) -> list[Seen]:
    """Return what was seen farther than allowed from where it belongs, wherever in its cell that was."""
    return [one for one in seen if least_km(area.cell, one.cell) > area.km]


def find_travel(seen: Sequence[Seen], numbers: Numbers) -> list[Seen]:
    """Return every observation from which another one could not be reached by road in the time between.

    Of the hours only their numbers are known: the time between two is at most one hour more than they differ by.
    """
    speed, least = numbers[Rule.TRAVEL, "speed_kmh"], numbers[Rule.TRAVEL, "least_km"]
    found: set[int] = set()
    for (index, one), (other_index, other) in combinations(enumerate(seen), 2):
        if one.cell == other.cell or (index in found and other_index in found):
            continue
        apart = least_km(one.cell, other.cell)
        if apart > least and apart > speed * (abs(other.hour - one.hour) + 1):
            found |= {index, other_index}
    return [seen[index] for index in sorted(found)]


def find_places(seen: Sequence[Seen], numbers: Numbers, now_hour: int) -> list[Seen]:
    """Return observations at different places within the window, one a place; nothing if these are too few."""
    first = now_hour - numbers[Rule.PLACES, "window_days"] * _DAY_HOURS
    apart = numbers[Rule.PLACES, "apart_km"]
    chosen: list[Seen] = []
    for one in seen:
        if len(chosen) == MOST_EVIDENCE:
            break
        if one.hour > first and all(least_km(one.cell, other.cell) > apart for other in chosen):
            chosen.append(one)
    return chosen if len(chosen) >= numbers[Rule.PLACES, "least_places"] else []


@lru_cache(maxsize=1)
def load_numbers() -> Numbers:
    """Return the numbers of the product."""
    return parse_numbers(files("api.copies.data").joinpath("rules.csv").read_text(encoding="utf-8"))


def parse_numbers(text: str) -> Numbers:
    """Parse the table.

    Raises:
        MalformedDocumentError: not such a table, a number twice, or one that is missing.
    """
    found: dict[tuple[Rule, str], int] = {}
    for row in read_table("rules", text, _COLUMNS):
        rule, value, name = (
            row.optional_code("rule", Rule),
            row.optional_count("value", _LARGEST),
            row.text("number"),
        )
        for column in ("unit", "reason_en", "reason_zh", "confidence"):
            row.text(column)
        if rule is None or value is None or (rule, name) in found:
            raise MalformedDocumentError("rule and value are needed, each number once", field=row.label)
        found[rule, name] = value
    if set(found) != _WANTED:
        odd = min(set(found) ^ _WANTED)
        raise MalformedDocumentError(f"{odd[0]} {odd[1]} is missing, or nobody asks for it", field="rules")
    return MappingProxyType(found)


_WANTED: Final = {
    (Rule.OUTSIDE, "area_km"),
    (Rule.TRAVEL, "speed_kmh"),
    (Rule.TRAVEL, "least_km"),
    (Rule.PLACES, "apart_km"),
    (Rule.PLACES, "least_places"),
    (Rule.PLACES, "window_days"),
    *((rule, "least_callers") for rule in (Rule.RETIRED, Rule.UNUSED, Rule.UNKNOWN)),
}
