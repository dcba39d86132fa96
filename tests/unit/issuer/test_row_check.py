"""Where the log holds a desk's statement, and where the desk believes it."""

import pytest

from issuer.row_check import FoundLeaf, check_place, parse_row_statement
from ledger.core.errors import DamagedRowError

HELD = FoundLeaf(7, has_effect=True)
VOID = FoundLeaf(7, has_effect=False)


@pytest.mark.parametrize(
    ("state", "stored", "found"),
    [("logged", 7, HELD), ("signed", None, HELD), ("signed", None, None), ("voided", None, None)],
)
def test_what_may_be(state, stored, found):
    check_place("desk_sayings", 3, state, stored, found)


@pytest.mark.parametrize(
    ("state", "stored", "found", "column", "sentence"),
    [
        ("logged", 7, None, "statement", "a statement that the log holds as leaf 7"),
        ("logged", 8, HELD, "leaf_index", "should be 7"),
        ("voided", None, HELD, "state", "the log holds it as leaf 7"),
        ("logged", 7, VOID, "statement", "leaf 7, which is VOID"),
    ],
)
def test_what_must_not_be_is_named(state, stored, found, column, sentence):
    with pytest.raises(DamagedRowError, match=sentence) as refused:
        check_place("desk_sayings", 3, state, stored, found)
    assert (refused.value.table, refused.value.key, refused.value.column) == (
        "desk_sayings",
        "position 3",
        column,
    )


@pytest.mark.parametrize("raw", [b"", b"no statement", bytes(200)])
def test_a_row_without_a_statement_is_named(raw):
    with pytest.raises(DamagedRowError, match="a signed statement"):
        parse_row_statement("desk_acts", 1, raw)
