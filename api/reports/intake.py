"""Takes a report on the public site: counted, photographs made anew, sealed, stored; in this order.

Nothing that a person has written is stored unsealed, not even for a moment, and nobody sees a case code before its
report is committed.

>>> intake.take(given, "203.0.113.7", scan="").code
'63NZQFQ3Y8VWGTJBZN'
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.reports.case_code import RANDOM_BYTES, CaseCode, make_case_code
from api.reports.deadlines import Clock, Deadlines
from api.reports.directory import Directory, Named, Taker
from api.reports.file import CASE_BYTES, SALT_BYTES, FileHead, write_file
from api.reports.floods import ScanTokens, TooManyError, list_meters, miss_meter
from api.reports.form import Fault, FormError, Given
from api.reports.kinds import About, CaseState
from api.reports.photos import clean_photo
from api.reports.store import KnownCase, NewReport, ReportStore
from ledger.core.encoding import encode_base64
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import LeafIndex
from ledger.core.report import compute_report_digest
from ledger.core.step import Sentence

_NO_CASE: Final = "No report has this case code."
_NO_CASE_ZH: Final = "没有该案件码对应的举报或投诉。"


@dataclass(frozen=True, slots=True)
class Shown:
    """A case as its page shows it."""

    code: CaseCode
    known: KnownCase
    taker: Taker | None
    state: CaseState
    clocks: tuple[Clock, ...]
    leaf_index: LeafIndex | None
    """Where its digest stands in the log; None: not yet."""
    taken_at: datetime
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """What has become of a form."""

    code: CaseCode
    is_new: bool
    """False: a form with this code had been taken before, and stays as it was; what came now was not kept."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What takes reports at one site. Safe to share between threads."""

    store: ReportStore
    directory: Directory
    tokens: ScanTokens
    deadlines: Deadlines
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]
    zone: ZoneInfo
    keep_days: int

    def make_code(self) -> CaseCode:
        """Return a new case code; it names nothing before a report was taken under it."""
        return make_case_code(self.randomness(RANDOM_BYTES))

    def make_link(self, code: str, about: About | None = None) -> str:
        """Return where a code's page lets people report something, from the root, with proof that it was open."""
        asked = "" if about is None else f"&about={about}"
        return f"report?code={code}{asked}&scan={self.tokens.make(code, self.clock())}"

    def take(self, given: Given, address: str, scan: str) -> Taken:
        """Take a report; return when it was committed. A form that is sent twice is one report.

        Raises:
            FormError: a photograph cannot be read, or nobody follows who takes it.
            TooManyError: this caller has sent too much today, or too much came about this instrument.
            UnavailableError: the database is out of reach; nothing was taken.
        """
        if self.store.find(given.case) is not None:
            return Taken(given.case, is_new=False)
        now = self.clock()
        named = self.directory.find(given.code) if given.code else Named(None, None)
        taker = self._find_taker(given, named)
        meters = list_meters(
            address,
            named.instrument.hex() if named.instrument else given.code or str(given.said.get("place", "")),
            is_scanned=bool(given.code) and self.tokens.is_fresh(scan, given.code, now),
        )
        today = now.astimezone(UTC).date()
        if any(self.store.is_over(meter, today) for meter in meters):
            raise TooManyError
        photos = [_clean(raw) for raw in given.photos]
        head = FileHead(
            case=self.randomness(CASE_BYTES),
            authority=taker.id,
            route=given.route,
            about=given.about,
            taken_at=now.astimezone(UTC).replace(second=0, microsecond=0),
            instrument=named.instrument,
            institution=named.institution,
        )
        said = given.said | ({"photos": list(photos)} if photos else {})
        raw = write_file(head, said, taker.key, self.randomness(SALT_BYTES))
        report = NewReport(
            head.case,
            given.case,
            taker.id,
            given.route,
            compute_report_digest(raw),
            raw,
            int(now.timestamp() * 1000),
            self._today(now) + timedelta(days=self.keep_days),
        )
        is_new = self.store.add(report, meters, today, self.randomness)
        return Taken(given.case, is_new)

    def look(self, code: CaseCode, address: str) -> Shown:
        """Return what whoever holds a case code may know.

        Raises:
            NotFoundError: no case has it.
            TooManyError: this caller has tried too many that none has.
        """
        now = self.clock()
        meter, today = miss_meter(address), now.astimezone(UTC).date()
        if self.store.is_over(meter, today):
            raise TooManyError
        known = self.store.find(code)
        if known is None:
            self.store.count(meter, today, self.randomness)
            raise NotFoundError(_NO_CASE, zh=_NO_CASE_ZH)
        taken_at = datetime.fromtimestamp(known.taken_at_ms / 1000, UTC)
        return Shown(
            code,
            known,
            next((one for one in self.directory.list_takers() if one.id == known.authority), None),
            find_state(known),
            tuple(self._list_clocks(known, now)),
            self.directory.find_logged([known.digest]).get(known.digest),
            taken_at,
            now - taken_at,
        )

    def tidy(self) -> tuple[int, int]:
        """Empty and forget what is past its time; see `ReportStore.tidy`."""
        return self.store.tidy(self._today(self.clock()), self.directory.find_logged)

    def _list_clocks(self, known: KnownCase, now: datetime) -> Sequence[Clock]:
        first = (CaseState.TAKEN, self._day_of(known.taken_at_ms))
        later = [(one.state, self._day_of(one.at_ms)) for one in known.answers]
        events = [first, *(pair for pair in later if pair[0] is not CaseState.TAKEN)]
        return self.deadlines.list_clocks(known.route, events, self._today(now))

    def _find_taker(self, given: Given, named: Named) -> Taker:
        found = self.directory.in_charge(named.institution)
        if found is None:
            found = next((one for one in self.directory.list_takers() if one.id == given.region), None)
        if found is None:
            raise FormError(
                [Fault("region", Sentence("choose where the instrument stands", "请选择器具所在地区"))]
            )
        return found

    def _today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def _day_of(self, milliseconds: int) -> date:
        return datetime.fromtimestamp(milliseconds / 1000, self.zone).date()


def find_state(known: KnownCase) -> CaseState:
    """Return the newest state of a case."""
    return known.answers[-1].state if known.answers else CaseState.SENT


def _clean(raw: bytes) -> str:
    try:
        return encode_base64(clean_photo(raw))
    except InputError as err:
        words = Sentence(err.reason, err.zh or "无法读取")
        raise FormError([Fault("photo", words)]) from err
