"""Finding without a code: what was asked for, checked, and what is told of what was found: its state and its page.

>>> Finder(store, search, policy, clock).find(parse_question({"maker": "示例", "serial": "SN1"}))
Found(...)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from api.sites.instruments import Standing, read_instruments
from ledger.core.errors import MalformedDocumentError, UnavailableError
from ledger.core.ids import TreeSize
from ledger.core.instrument import MAX_IDENTITY_BYTES, normalise_for_search
from ledger.core.policy import Policy
from ledger.core.step import Sentence
from ledger.place_reading import LoggedSite, read_site
from ledger.proving import ProofStore
from ledger.search.search import FoundInstruments, FoundSites

LEAST_LETTERS: Final = 2
"""Of a name that is searched for, folded."""

NAMES: Final = ("site", "division", "maker", "serial")
_DIVISION: Final = re.compile(r"[0-9]{4,12}")


@dataclass(frozen=True, slots=True)
class SiteQuestion:
    """Which site is looked for."""

    name: str
    division: str


@dataclass(frozen=True, slots=True)
class PlateQuestion:
    """Which instrument is looked for."""

    maker: str
    serial: str


Question = SiteQuestion | PlateQuestion


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; at most 20 of one kind."""

    instruments: tuple[Standing, ...]
    sites: tuple[LoggedSite, ...]
    has_more: bool
    tree_size: TreeSize
    """Leaves that were searched."""
    is_unsure: bool = False
    """Whether all this may have changed since, see `Verdicts.is_unsure`."""


class QuestionError(MalformedDocumentError):
    """What was asked for is not enough, or too much; every member that is wrong has its sentence."""

    def __init__(self, faults: Mapping[str, Sentence]) -> None:
        name, sentence = next(iter(faults.items()))
        super().__init__(sentence.en, field=f"query.{name}", zh=sentence.zh)
        self.faults = faults


class Searching(Protocol):
    """Finds in the log; see `ledger.search`."""

    def find_instruments(self, maker: str, serial: str) -> FoundInstruments:
        """Return the instruments of a serial number and a maker, of whose name a part is given."""
        ...

    def find_sites(self, name: str, division: str) -> FoundSites:
        """Return the sites in use within a division of whose names a part is given."""
        ...


class Finder:
    """Finds, and looks up how it stands. Safe to share between threads.

    Raises `UnavailableError` when a database is out of reach, and where nothing is found in a state that may be out
    of date.
    """

    def __init__(
        self,
        store: ProofStore,
        search: Searching,
        policy: Policy,
        clock: Callable[[], datetime],
        is_unsure: Callable[[], bool] | None = None,
    ) -> None:
        """Take what finding needs; see `Sites`."""
        self._store = store
        self._search = search
        self._policy = policy
        self._clock = clock
        self._is_unsure = is_unsure or (lambda: False)

    def find(self, question: Question) -> Found:
        """Return what was found."""
        is_unsure = self._is_unsure()
        if isinstance(question, SiteQuestion):
            found = self._find_sites(question, is_unsure=is_unsure)
        else:
            found = self._find_plates(question, is_unsure=is_unsure)
        if is_unsure and not (found.instruments or found.sites):
            raise UnavailableError(
                "this server's records may be out of date; what they do not hold may exist"
            )
        return found

    def _find_sites(self, question: SiteQuestion, *, is_unsure: bool) -> Found:
        sites = self._search.find_sites(question.name, question.division)
        with self._store.read() as reading:
            entered = tuple(read_site(reading, name) for name in sites.sites)
        return Found((), entered, sites.has_more, sites.tree_size, is_unsure)

    def _find_plates(self, question: PlateQuestion, *, is_unsure: bool) -> Found:
        plates = self._search.find_instruments(question.maker, question.serial)
        today = self._clock().astimezone(self._policy.zone).date()
        with self._store.read() as reading:
            standings = tuple(read_instruments(reading, plates.instruments, today, is_unsure=is_unsure))
        return Found(standings, (), plates.has_more, plates.tree_size, is_unsure)


def parse_question(given: Mapping[str, str]) -> Question | None:
    """Return what is asked for; None: nothing.

    Args:
        given: by the names of `NAMES`; an empty text is none.

    Raises:
        QuestionError: not enough of it, too much, or in another form; every member is named.
    """
    asked = {name: given.get(name, "").strip() for name in NAMES}
    by_site, by_plate = (any(asked[name] for name in pair) for pair in (NAMES[:2], NAMES[2:]))
    if not by_site and not by_plate:
        return None
    if by_site and by_plate:
        raise QuestionError(
            {"site": Sentence("look for a site, or for an instrument", "场所与器具请分别查找")}
        )
    check = _check_site if by_site else _check_plate
    faults = {name: fault for name, fault in check(asked).items() if fault is not None}
    if faults:
        raise QuestionError(faults)
    if by_site:
        return SiteQuestion(asked["site"], asked["division"])
    return PlateQuestion(asked["maker"], asked["serial"])


def _check_site(asked: Mapping[str, str]) -> dict[str, Sentence | None]:
    division = Sentence("expected 4 to 12 digits of a division code", "请输入行政区划代码的4至12位数字")
    return {
        "site": _check_words(asked["site"]),
        "division": None if _DIVISION.fullmatch(asked["division"]) else division,
    }


def _check_plate(asked: Mapping[str, str]) -> dict[str, Sentence | None]:
    return {"maker": _check_words(asked["maker"]), "serial": _check_words(asked["serial"], least=1)}


def _check_words(text: str, least: int = LEAST_LETTERS) -> Sentence | None:
    if len(text.encode(errors="replace")) > MAX_IDENTITY_BYTES:
        return Sentence(f"at most {MAX_IDENTITY_BYTES} bytes", f"最多{MAX_IDENTITY_BYTES}字节")
    if len(normalise_for_search(text)) < least:
        return Sentence(f"expected at least {least} characters", f"请至少输入{least}个字符")
    return None
