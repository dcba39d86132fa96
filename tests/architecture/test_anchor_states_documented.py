"""The table of an anchor's states in `ledger/README.md` is the one in the code."""

import re
from pathlib import Path

from ledger.core.anchor import ANCHOR_MOVES

ROOT = Path(__file__).resolve().parents[2]


def test_the_documented_states_are_those_of_the_code():
    section = (ROOT / "ledger/README.md").read_text("utf-8").split("## An anchor's way")[1].split("\n\n")[2]
    rows = re.findall(r"^\| (\w+) \| .* \| ([\w, ]+) \|$", section, re.MULTILINE)[1:]
    assert dict(rows) == {
        state.value: ", ".join(each.value for each in _in_order(after))
        for state, after in ANCHOR_MOVES.items()
    }


def _in_order(states):
    return [state for state in type(next(iter(states))) if state in states]
