"""Moves of anchors as they are stored: every one that cannot have been is named, with its column."""

import pytest

from ledger.core.anchor import ANCHOR_MOVES, AnchorState
from ledger.core.errors import DamagedRowError
from ledger.doctor.anchors import follow_moves
from ledger.store.tables import anchor_moves

TX, OTHER, BLOCK = b"t" * 32, b"o" * 32, b"b" * 32
ROOTS = {8: b"r" * 32, 9: b"s" * 32}
PLACED = {"included", "safe", "final", "lost", "dismissed"}
WAY = (
    *("drafted", "drafted", "submitted", "included", "reorged", "submitted", "failed"),
    *("submitted", "included", "safe", "final", "lost"),
)


class Rows:
    def __init__(self, rows):
        self._rows = rows

    def scan(self, _table):
        return iter(self._rows)


def make_rows(states, size=8):
    """Return the moves of anchor 1 through these states."""
    rows = []
    for number, state in enumerate(states, start=1):
        tx_hash = None if state in {"drafted", "replaced"} else TX
        block = (3, BLOCK) if state in PLACED else (None, None)
        rows.append([number, 1, size, state, tx_hash, *block, "", 1000 + number])
    return rows


def follow(rows):
    return follow_moves(Rows([tuple(row) for row in rows]), ROOTS, {1, 2})


def refuse(rows):
    with pytest.raises(DamagedRowError) as caught:
        follow(rows)
    assert caught.value.table == "anchor_moves"
    return caught.value.key, caught.value.column


def test_a_whole_way_is_followed():
    history = follow(make_rows(WAY))
    way = history.ways[1]
    assert (way.first.id, way.newest.state) == (1, AnchorState.LOST)
    assert [move.id for move in history.submitted[TX]] == [3, 6, 8]
    assert follow([]).ways == {}


@pytest.mark.parametrize("before", AnchorState)
@pytest.mark.parametrize("after", AnchorState)
def test_only_moves_of_the_table_are_followed(before, after):
    leads = find_way(before)
    rows = make_rows([*leads, after.value])
    if after in ANCHOR_MOVES[before]:
        assert follow(rows).ways[1].newest.state is after
    else:
        assert refuse(rows) == (f"id {len(rows)}", "state")


def find_way(state):
    """Return a way to a state, by a transaction of our own."""
    ours = ["drafted", "submitted", "included"]
    ways = {AnchorState(name): ours[: at + 1] for at, name in enumerate(ours)}
    while state not in ways:
        for known in list(ways):
            for after in sorted(ANCHOR_MOVES[known]):
                ways.setdefault(after, [*ways[known], after.value])
    return ways[state]


@pytest.mark.parametrize(
    ("number", "column", "value"),
    [
        (1, "anchor_id", 3),
        (1, "tree_size", 7),
        (1, "state", "submitted"),
        (1, "tx_hash", TX),
        (1, "block_number", 3),
        (3, "tree_size", 9),
        (3, "state", "sent"),
        (3, "tx_hash", None),
        (3, "tx_hash", b"short"),
        (3, "tx_hash", "text"),
        (3, "block_number", 3),
        (3, "block_hash", BLOCK),
        (3, "reason", None),
        (3, "at_ms", 1001),
        (3, "at_ms", "1003"),
        (4, "block_number", None),
        (4, "block_number", -1),
        (4, "block_hash", b"short"),
        (4, "tx_hash", None),
        (5, "tx_hash", OTHER),
        (5, "block_number", 3),
        (7, "tx_hash", OTHER),
        (10, "block_number", 4),
        (10, "block_hash", OTHER),
        (11, "tx_hash", OTHER),
        (12, "tx_hash", None),
    ],
)
def test_a_column_that_cannot_be_is_named(number, column, value):
    rows = make_rows(WAY)
    rows[number - 1][list(anchor_moves.columns.keys()).index(column)] = value
    assert refuse(rows) == (f"id {number}", column)


@pytest.mark.parametrize("number", range(1, len(WAY)))
def test_a_gap_is_named(number):
    rows = make_rows(WAY)
    del rows[number - 1]
    assert refuse(rows) == (f"id {number}", "")


def test_only_a_draft_moves_along_to_other_leaves():
    rows = make_rows(WAY)
    for row in rows[1:]:
        row[2] = 9
    assert follow(rows).ways[1].newest.tree_size == 9
    rows[2][2] = 8
    assert refuse(rows) == ("id 3", "tree_size")
