"""Rows that follow from the leaves, beside those that are stored: names, tiles, states, map, head.

Leaves come in their order; every difference is handed to whoever asked, who raises it or mends it.

>>> derived = DerivedRows(rows, meet)
>>> derived.take(0, entry_rows, replayed)
>>> derived.finish(replay)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

from sqlalchemy import Table

from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError
from ledger.core.ids import TreeSize
from ledger.core.merkle import hash_leaf
from ledger.core.replay import Replay, Replayed
from ledger.core.statement import IssueClaims
from ledger.core.status import Void
from ledger.core.tiles import TILE_WIDTH, GrowingTiles, Tile, compute_tile_width
from ledger.store.records import compute_leaf_name, encode_replaced
from ledger.store.scan import RawRow, RawRows, get_key
from ledger.store.tables import entries, head, map_pages, replaced_states, subjects, tiles

_MOST_SHOWN: Final = 80
"""Characters of a value in a sentence."""

_SOME: Final = 1024


@dataclass(frozen=True, slots=True)
class Difference:
    """One derived row that is not what the leaves give."""

    table: Table
    key: RawRow
    expected: RawRow | None
    """None: the leaves give no such row."""
    found: RawRow | None
    """None: there is no such row."""

    def describe(self) -> DamagedRowError:
        """Return the error that names row and column, and says what should be there."""
        table, key = self.table.name, name_key(self.table, self.key)
        if self.expected is None:
            return DamagedRowError(table, key, "", "absent", "no leaf gives such a row")
        if self.found is None:
            return DamagedRowError(table, key, "", "there", "it follows from the leaves")
        names = list(self.table.columns.keys())
        at = next(at for at in range(len(names)) if not is_same(self.expected[at], self.found[at]))
        reason = f"is {show(self.found[at])}, which does not follow from the leaves"
        return DamagedRowError(table, key, names[at], show(self.expected[at]), reason)


Meet = Callable[[Difference], None]
"""Is told of every difference."""


def raise_difference(difference: Difference) -> NoReturn:
    """Meet a difference with its error.

    Raises:
        DamagedRowError: always.
    """
    raise difference.describe()


def is_same(expected: object, found: object) -> bool:
    """Say whether a stored value is the expected one, of the same kind too."""
    return type(expected) is type(found) and expected == found


def is_same_row(expected: RawRow, found: RawRow | None) -> bool:
    """Say whether a stored row is the expected one."""
    return found is not None and all(map(is_same, expected, found))


def show(value: object) -> str:
    """Return a value of a column for a sentence, long ones cut."""
    text = encode_hex(value) if isinstance(value, bytes) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"


def name_key(table: Table, key: RawRow) -> str:
    """Return how a row is named, as `level 0, tile_index 3`."""
    names = [column.name for column in table.primary_key]
    return ", ".join(f"{name} {show(value)}" for name, value in zip(names, key, strict=True))


class DerivedRows:
    """Everything derived, compared while the leaves come by."""

    def __init__(self, rows: RawRows, meet: Meet) -> None:
        self._rows = rows
        self._meet = meet
        self._tiles = GrowingTiles()
        self._sizes: set[TreeSize] = set()
        """Where batches ended."""
        self._newest_ms = 0

    def take(self, stored: Sequence[RawRow], replayed: Sequence[Replayed]) -> None:
        """Compare what follows from these leaves, whole batches; `stored` are their rows."""
        for row, item in zip(stored, replayed, strict=True):
            self._compare(entries, name_entry(row[2], item), row)
            self._newest_ms = item.leaf.header.sequenced_at_ms
        self._compare_tiles(self._tiles.take([hash_leaf(row[2]) for row in stored]))
        batches = [
            (TreeSize(item.index + 1), item.replaced) for item in replayed if item.replaced is not None
        ]
        self._sizes.update(size for size, _ in batches)
        expected = [(size, encode_replaced(replaced)) for size, replaced in batches]
        found = self._rows.find(replaced_states, [row[:1] for row in expected])
        for row in expected:
            self._compare(replaced_states, row, found.get(row[:1]))

    def finish(self, replay: Replay) -> None:
        """Compare what follows from all leaves together, when all have been taken."""
        self._compare_tiles(self._tiles.finish())
        size = replay.tree.size
        self._find_strangers(tiles, lambda key: _is_tile(key, size))
        self._find_strangers(replaced_states, lambda key: key[0] in self._sizes)
        self._merge(subjects, _list_states(replay))
        pages = replay.map.list_pages(replay.states)
        self._merge(map_pages, ((page.depth, page.prefix, page.hash) for page in pages))
        self._merge(head, [(1, size, replay.tree.root(), self._newest_ms)])

    def _compare(self, table: Table, expected: RawRow, found: RawRow | None) -> None:
        if not is_same_row(expected, found):
            self._meet(Difference(table, get_key(table, expected), expected, found))

    def _compare_tiles(self, complete: Iterator[tuple[Tile, bytes]]) -> None:
        while some := list(islice(complete, _SOME)):
            expected = [(tile.level, tile.index, hashes) for tile, hashes in some]
            found = self._rows.find(tiles, [row[:2] for row in expected])
            for row in expected:
                self._compare(tiles, row, found.get(row[:2]))

    def _find_strangers(self, table: Table, is_known: Callable[[RawRow], bool]) -> None:
        for row in self._rows.scan(table):
            key = get_key(table, row)
            if not is_known(key):
                self._meet(Difference(table, key, None, row))

    def _merge(self, table: Table, expected: Iterable[RawRow]) -> None:
        """Compare a whole table with the rows that it should have, by ascending key."""
        stored = self._rows.scan(table)
        row = next(stored, None)
        for wanted in expected:
            key = get_key(table, wanted)
            while row is not None and _is_before(get_key(table, row), key):
                self._meet(Difference(table, get_key(table, row), None, row))
                row = next(stored, None)
            if row is None or get_key(table, row) != key:
                self._meet(Difference(table, key, wanted, None))
                continue
            self._compare(table, wanted, row)
            row = next(stored, None)
        while row is not None:
            self._meet(Difference(table, get_key(table, row), None, row))
            row = next(stored, None)


def name_entry(leaf: bytes, replayed: Replayed) -> RawRow:
    """Return the row of `entries` that a leaf gives."""
    index, name, header = replayed.index, compute_leaf_name(leaf), replayed.leaf.header
    if replayed.signed is None:
        return index, name, leaf, int(header.type), "", None
    statement = replayed.signed.statement
    is_issue = isinstance(statement.claims, IssueClaims) and not isinstance(replayed.outcome, Void)
    number = statement.claims.number if is_issue and isinstance(statement.claims, IssueClaims) else None
    return index, name, leaf, int(header.type), str(statement.issuer), number


def _list_states(replay: Replay) -> Iterator[RawRow]:
    for subject in sorted(replay.states):
        state = replay.states[subject]
        yield subject, int(state.status), state.version, state.last_event, state.current_certificate


def _is_tile(key: RawRow, size: TreeSize) -> bool:
    level, index = key
    return (
        isinstance(level, int)
        and isinstance(index, int)
        and min(level, index) >= 0
        and index * TILE_WIDTH < size >> 8 * level
        and compute_tile_width(level, index, size) > 0
    )


def _is_before(key: Any, other: Any) -> bool:  # noqa: ANN401 -- whatever the driver gives
    """Say whether a stored key comes before another; one of the wrong kind belongs nowhere."""
    return any(map(lambda one, two: type(one) is not type(two), key, other)) or bool(key < other)
