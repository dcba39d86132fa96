"""What must be verified again, and when: the ledger of instruments beside what was issued.

An instrument is due on the last day of its newest document that counts, by date of verification. Which listed
instrument a document is about follows from name, model, serial number and maker, as both have them. Pure.

>>> [item.standing for item in list_due(listed, newest, date(2026, 11, 3))]
[<Standing.OVERDUE: 'overdue'>]
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from api.office.document_index import IndexedDocument
from issuer.instruments import Key, ListedInstrument
from ledger.core.calendar_rules import add_months
from ledger.core.errors import InputError

MONTHS: Final = 12
"""Columns of the overview: this month and the eleven after it."""


class Standing(StrEnum):
    """How an instrument stands on a day."""

    OVERDUE = "overdue"
    """The last day is over."""
    DUE = "due"
    """The last day is to come."""
    NEVER = "never"
    """Listed, and nothing was issued here."""
    FAILED = "failed"
    """The newest document says that it failed: it waits for repair, or is out of use."""
    UNDATED = "undated"
    """Passed, without a last day (失准报废)."""


@dataclass(frozen=True, slots=True)
class DueItem:
    """One instrument."""

    site: str
    name: str
    model: str
    serial: str
    maker: str
    standing: Standing
    due_on: date | None
    number: str | None
    """Of its newest document."""
    verified_on: date | None
    is_listed: bool

    @property
    def month(self) -> str:
        """Return the month in which it is due, `2026-11`; "" where there is none."""
        return "" if self.due_on is None else f"{self.due_on:%Y-%m}"


def list_due(
    listed: Iterable[ListedInstrument], newest: Iterable[IndexedDocument], today: date
) -> list[DueItem]:
    """Return every instrument that is listed or was verified here, by site, then by day.

    Args:
        listed: the ledger of instruments.
        newest: the newest document that counts of each instrument.
        today: in the institution's zone.
    """
    by_key: dict[Key, IndexedDocument] = {}
    for document in newest:
        key = (document.name, document.model, document.serial, document.maker)
        earlier = by_key.get(key)
        if earlier is None or _order(document) > _order(earlier):
            by_key[key] = document
    items = [_item(one, by_key.pop(one.key, None), today) for one in listed]
    items += [_item(None, document, today) for document in by_key.values()]
    return sorted(items, key=lambda item: (item.site, item.due_on or date.min, item.name, item.serial))


def _order(document: IndexedDocument) -> tuple[date, int]:
    return document.verified_on, document.position


def _item(listed: ListedInstrument | None, document: IndexedDocument | None, today: date) -> DueItem:
    shown = listed or document
    assert shown is not None  # noqa: S101 -- one of the two is always given
    site = listed.site if listed is not None and listed.site else "" if document is None else document.site
    return DueItem(
        site=site,
        name=shown.name,
        model=shown.model,
        serial=shown.serial,
        maker=shown.maker,
        standing=_judge(document, today),
        due_on=document.valid_until if document is not None and document.passed else None,
        number=None if document is None else document.number,
        verified_on=None if document is None else document.verified_on,
        is_listed=listed is not None,
    )


def _judge(document: IndexedDocument | None, today: date) -> Standing:
    if document is None:
        return Standing.NEVER
    if not document.passed:
        return Standing.FAILED
    if document.valid_until is None:
        return Standing.UNDATED
    return Standing.OVERDUE if document.valid_until < today else Standing.DUE


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """How many instruments of a site are due when."""

    site: str
    total: int
    overdue: int
    months: tuple[int, ...]
    """From this month on; of this month only what is not overdue yet."""
    later: int
    never: int
    failed: int
    undated: int


def list_months(today: date) -> list[str]:
    """Return the months of the overview, as `2026-11`."""
    first = today.replace(day=1)
    return [f"{first if step == 0 else add_months(first, step):%Y-%m}" for step in range(MONTHS)]


def count_sites(items: Sequence[DueItem], today: date) -> list[SiteCounts]:
    """Return the counts of every site, by name."""
    months = list_months(today)
    by_site: dict[str, list[DueItem]] = defaultdict(list)
    for item in items:
        by_site[item.site].append(item)
    return [_count(site, found, months) for site, found in sorted(by_site.items())]


def _count(site: str, items: Sequence[DueItem], months: Sequence[str]) -> SiteCounts:
    standings = Counter(item.standing for item in items)
    by_month = Counter(item.month for item in items if item.standing is Standing.DUE)
    shown = tuple(by_month[month] for month in months)
    return SiteCounts(
        site=site,
        total=len(items),
        overdue=standings[Standing.OVERDUE],
        months=shown,
        later=standings[Standing.DUE] - sum(shown),
        never=standings[Standing.NEVER],
        failed=standings[Standing.FAILED],
        undated=standings[Standing.UNDATED],
    )


def choose(items: Iterable[DueItem], *, site: str | None, when: str, today: date) -> list[DueItem]:
    """Return the instruments of a site, or of all, that are due then.

    Args:
        items: see `list_due`.
        site: None: every site.
        when: a month as `2026-11`, a standing, `later` than the overview, or "" for all.
        today: in the institution's zone.

    Raises:
        InputError: `when` is none of these.
    """
    months = list_months(today)
    is_month = len(when) == 7 and when[4] == "-" and when.replace("-", "").isdecimal()
    if when not in {"", "later", *Standing} and not is_month:
        raise InputError(
            "is a month as 2026-11, or one of the groups of the overview",
            field="when",
            zh="应为月份（如 2026-11）或总表中的分组",
        )
    return [item for item in items if (site is None or item.site == site) and _is_then(item, when, months)]


def _is_then(item: DueItem, when: str, months: Sequence[str]) -> bool:
    if when == "later":
        return item.standing is Standing.DUE and item.month not in months
    if when in Standing.__members__.values():
        return item.standing == when
    return not when or (item.standing is Standing.DUE and item.month == when)
