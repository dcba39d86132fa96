"""The table of an anchor's moves: what may follow what, and that nothing else does."""

from itertools import product

import pytest

from ledger.core.anchor import (
    ANCHOR_MOVES,
    SETTLED_STATES,
    UNSENT_STATES,
    AnchorState,
    require_move,
)
from ledger.core.errors import LogIntegrityError

ALLOWED = {
    ("drafted", "drafted submitted included"),
    ("submitted", "submitted included replaced failed"),
    ("included", "safe final reorged"),
    ("safe", "final reorged"),
    ("final", "lost"),
    ("reorged", "drafted submitted included replaced failed"),
    ("replaced", "drafted submitted included"),
    ("failed", "drafted submitted included"),
    ("lost", "final dismissed"),
    ("dismissed", "drafted"),
}
"""Written down a second time: a change of the table is meant, or is found here."""


def test_the_table_is_the_one_that_is_documented():
    assert {
        (state.value, " ".join(each for each in AnchorState if each in after))
        for state, after in ANCHOR_MOVES.items()
    } == {(state, " ".join(sorted(after.split(), key=list(AnchorState).index))) for state, after in ALLOWED}


@pytest.mark.parametrize(("before", "after"), list(product(AnchorState, AnchorState)))
def test_every_other_move_is_refused(before, after):
    if after in ANCHOR_MOVES[before]:
        require_move(before, after)
    else:
        with pytest.raises(LogIntegrityError, match=f"no anchor goes from {before} to {after}"):
            require_move(before, after)


def test_every_state_is_reached_and_left():
    reached = {AnchorState.DRAFTED}
    while (wider := reached.union(*(ANCHOR_MOVES[state] for state in reached))) != reached:
        reached = wider
    assert reached == set(AnchorState) == ANCHOR_MOVES.keys()
    assert all(ANCHOR_MOVES.values())


def test_only_what_a_block_holds_becomes_final():
    assert {state for state, after in ANCHOR_MOVES.items() if AnchorState.FINAL in after} == {
        AnchorState.INCLUDED,
        AnchorState.SAFE,
        AnchorState.LOST,
    }


def test_nothing_is_unsent_and_settled():
    assert not SETTLED_STATES & UNSENT_STATES
