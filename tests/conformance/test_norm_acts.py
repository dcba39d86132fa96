"""The norm's section on acts: its example, its reasons and its table are those of the code."""

import re
from pathlib import Path

from ledger_in_memory import make_act

from ledger.core.act import ReasonCode, encode_act
from ledger.core.event import ACT_TYPES
from ledger.core.fold_documents import AUTHORITY_ACTS, INSTITUTION_ACTS, TRANSITIONS
from ledger.core.status import Status

NORM = Path(__file__).resolve().parents[2] / "ledger" / "core" / "README.md"
SECTION = re.search(r"^### 5\.1 Acts\n(.*?)^## ", NORM.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]


def test_the_example_of_an_act():
    example = "".join(line.strip() for line in SECTION.split("```")[1].splitlines())
    shown = example.split("…")
    assert len(shown) == 2
    raw = encode_act(make_act(decided=True)).decode()
    assert (raw[: len(shown[0])], raw[-len(shown[1]) :]) == tuple(shown)


def test_the_reasons():
    listed = SECTION.split("`reason`: ")[1].split(".")[0]
    assert listed.replace("\n", " ").split(", ") == [reason.value for reason in ReasonCode]


def test_the_table_of_acts():
    lines = [line.strip("| ").split(" | ") for line in SECTION.splitlines() if line.startswith("| ")]
    table = {cells[0].split()[0]: cells[1:] for cells in lines[2:]}
    assert set(table) == {kind.name for kind in ACT_TYPES}
    for kind in ACT_TYPES:
        speakers, before, after = table[kind.name]
        assert ("institution" in speakers) is (kind in INSTITUTION_ACTS)
        assert ("authority" in speakers) is (kind in AUTHORITY_ACTS)
        if kind in TRANSITIONS:
            assert {Status[name] for name in before.split(", ")} == TRANSITIONS[kind].before
            assert Status[after] is TRANSITIONS[kind].after
        else:
            assert (before, after) == ("any", "the same")
