"""What a site's pages need of all this: note a scan, ask for a place, show a mark; never waits for a database.

>>> watch.note("/s/7KQ2M9X0A1B2C3D4", "203.0.113.7", finding)
>>> watch.find_mark("/s/7KQ2M9X0A1B2C3D4", finding)
<CopyMark.SUSPECTED: 'suspected'>
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from api.copies.cells import parse_cell
from api.copies.codes import identify, name_printed
from api.copies.counting import ScanCounter
from api.copies.marks import CopyMark
from api.copies.rules import CodeKind, Standing
from api.copies.store import Key, ScanStore
from api.reports.directory import Directory
from api.reports.floods import ScanTokens
from api.verdicts import Finding
from ledger.core.errors import InputError
from ledger.core.qr import ShortCode, parse_code


@dataclass(frozen=True, slots=True)
class Ask:
    """What the page sends along with a place."""

    kind: CodeKind
    code: str
    scan: str
    """Shows that the page was opened within the last half hour."""


class Watch:
    """Scans of one site. Safe to share between threads."""

    def __init__(
        self,
        store: ScanStore,
        directory: Directory,
        tokens: ScanTokens,
        clock: Callable[[], datetime],
        randomness: Callable[[int], bytes],
    ) -> None:
        """Begin with no marks; `judging` finds them.

        Args:
            store: of the scans.
            directory: of the reports: what a code is about.
            tokens: of the reports, which show that a page was opened.
            clock: returns the time, aware UTC.
            randomness: returns so many random bytes.
        """
        self.store = store
        self.directory = directory
        self.clock = clock
        self.randomness = randomness
        self.counter = ScanCounter(randomness)
        self.told: set[Key] = set()
        """Codes of which a place was told since the last round."""
        self.version = 0
        """How often marks have changed: what pages depend on."""
        self._tokens = tokens
        self._marks: Mapping[Key, CopyMark] = {}

    # --- pages ----------------------------------------------------------------------------------------------

    def note(self, path: str, address: str, finding: Finding) -> None:
        """Note that a page was answered."""
        self.counter.note(path, address, finding)

    def find_mark(self, path: str, finding: Finding) -> CopyMark | None:
        """Return what stands against the code of a page; nothing where it is not in use any more."""
        observed = identify(path, finding)
        if observed is None or observed.standing is not Standing.BOUND:
            return None
        return self._marks.get(observed.key)

    def make_ask(self, path: str, finding: Finding) -> Ask | None:
        """Return what lets the page of a code tell a place; None: it has no code that is counted."""
        printed = None if identify(path, finding) is None else name_printed(path, finding)
        if printed is None:
            return None
        kind, code = printed
        return Ask(kind, code, self._tokens.make(_name(kind, code), self.clock()))

    # --- places ---------------------------------------------------------------------------------------------

    def take_place(self, kind: str, code: str, cell: str, scan: str, address: str) -> bool:
        """Store where somebody scanned a code; False: the same caller has told a place of it today.

        Raises:
            InputError: no such code or cell, or the page was not opened within the last half hour.
            TooManyError: this caller has told too many places today, or this code has too many.
            UnavailableError: log or database is out of reach.
        """
        found, symbols, place, now = _read_kind(kind), _read_code(code), parse_cell(cell), self.clock()
        if not self._tokens.is_fresh(scan, _name(found, symbols), now):
            raise InputError(
                "the page was opened too long ago: scan the code again",
                field="scan",
                zh="页面已过期，请重新扫码",
            )
        key: Key = (found, symbols)
        if self.directory.find(symbols).institution is None:
            key = (CodeKind.ROLL, "")
        is_new = self.store.add_place(*key, place, now, address, self.randomness)
        if is_new:
            self.told.add(key)
        return is_new

    # --- judging --------------------------------------------------------------------------------------------

    def show(self, marks: Mapping[Key, CopyMark]) -> None:
        """Let pages show these marks from now on."""
        if marks != self._marks:
            self._marks = dict(marks)
            self.version += 1


def _name(kind: CodeKind, code: str) -> str:
    return f"{kind}/{code}"


def _read_code(text: str) -> ShortCode:
    try:
        return parse_code(text)
    except InputError:
        raise InputError("is the code of the page", field="code", zh="编码有误") from None


def _read_kind(text: str) -> CodeKind:
    if text not in {CodeKind.STICKER.value, CodeKind.DOCUMENT.value}:
        raise InputError("is s or c", field="kind", zh="应为 s 或 c")
    return CodeKind(text)
