"""Conditions: what cannot have been written is named."""

import pytest

from ledger.boot_check import BootState
from ledger.core.errors import DamagedRowError
from ledger.doctor.conditions import check_conditions
from ledger.standing import AnchoringState

BOOT = ("boot", "compared", "compared", "已比对", None, 1000)
ANCHORING = ("anchoring", "ok", "anchored", "已存证", "12", 1000)
NAMES = ("name", "state", "en", "zh", "value", "at_ms")


class Rows:
    def __init__(self, *rows):
        self._rows = rows

    def scan(self, _table):
        return iter(self._rows)


def change(row, column, value):
    return tuple(value if name == column else old for name, old in zip(NAMES, row, strict=True))


@pytest.mark.parametrize("state", BootState)
def test_every_state_of_the_comparison_is_known(state):
    check_conditions(Rows(change(BOOT, "state", state.value), ANCHORING))


@pytest.mark.parametrize("state", AnchoringState)
def test_every_state_of_anchoring_is_known(state):
    check_conditions(Rows(BOOT, change(ANCHORING, "state", state.value)))
    check_conditions(Rows(change(ANCHORING, "value", None)))


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (BOOT, "name", "bopt"),
        (BOOT, "name", None),
        (BOOT, "state", "ok"),
        (ANCHORING, "state", "compared"),
        (ANCHORING, "state", "alasm"),
        (BOOT, "en", ""),
        (BOOT, "zh", None),
        (BOOT, "value", "12"),
        (ANCHORING, "value", 12),
        (ANCHORING, "value", "012"),
        (ANCHORING, "value", "1x"),
        (ANCHORING, "at_ms", -1),
        (ANCHORING, "at_ms", "1000"),
    ],
)
def test_what_cannot_have_been_written_is_named(row, column, value):
    with pytest.raises(DamagedRowError) as caught:
        check_conditions(Rows(BOOT, change(row, column, value)))
    assert (caught.value.table, caught.value.column) == ("conditions", column)
