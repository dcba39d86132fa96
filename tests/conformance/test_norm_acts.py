"""The norm's section on acts: its example, its reasons and its table are those of the code."""

import re
from pathlib import Path

from ledger_in_memory import INSTITUTION, START, make_act

from ledger.core.act import NamedInstrument, ReasonCode, encode_act
from ledger.core.event import ACT_TYPES, EventType
from ledger.core.fold_documents import (
    AUTHORITY_ACTS,
    INSTITUTION_ACTS,
    OPENER_ACTS,
    SUPPLEMENTED,
    TRANSITIONS,
)
from ledger.core.fold_lots import AUTHORITY_LOTS, INSTITUTION_LOTS
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.status import Status

NORM = Path(__file__).resolve().parents[2] / "ledger" / "core" / "README.md"
SECTIONS = dict(
    re.findall(r"^### (5\.[1-3]) \w+\n(.*?)(?=^##)", NORM.read_text("utf-8"), re.MULTILINE | re.DOTALL)
)
SECTION = SECTIONS["5.1"]


def read_table(section: str) -> dict[str, list[str]]:
    """Return the cells of a section's table by the first word of each line."""
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {cells[0].split()[0].strip("`"): cells[1:] for cells in lines[2:]}


def join(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


def test_the_example_of_an_act():
    shown = join(SECTION.split("```")[1]).split("…")
    assert len(shown) == 2
    raw = encode_act(make_act(decided=True)).decode()
    assert (raw[: len(shown[0])], raw[-len(shown[1]) :]) == tuple(shown)


def test_the_reasons():
    listed = SECTION.split("`reason`: ")[1].split(".")[0]
    assert listed.replace("\n", " ").split(", ") == [reason.value for reason in ReasonCode]


def test_the_table_of_acts():
    table = read_table(SECTION)
    assert set(table) == {kind.name for kind in ACT_TYPES}
    for kind in ACT_TYPES:
        speakers, before, after = table[kind.name]
        assert ("institution" in speakers) is (kind in INSTITUTION_ACTS)
        assert ("owner" in speakers) is ("repairer" in speakers) is (kind in OPENER_ACTS)
        assert ("authority" in speakers) is (kind in AUTHORITY_ACTS)
        if kind in TRANSITIONS:
            assert {Status[name] for name in before.split(", ")} == TRANSITIONS[kind].before
            assert Status[after] is TRANSITIONS[kind].after
        elif kind is EventType.SUPPLEMENT:
            assert {Status[name] for name in before.split(", ")} == SUPPLEMENTED
            assert after == "the same"
        else:
            assert (before, after) == ("any", "the same")


def test_the_example_and_the_table_of_lots():
    example = SECTIONS["5.2"].split("```")[1].strip()
    content = LotContent(INSTITUTION, "L1", LotStatus.FAILED, ReasonCode.FAILED_SPOT_CHECK, START)
    assert encode_lot(content).decode() == example
    table = read_table(SECTIONS["5.2"])
    assert set(table) == {status.value for status in LotStatus}
    for status in LotStatus:
        speakers, before, after = table[status.value]
        assert Status[after].name == status.name
        for name, ways in (("institution", INSTITUTION_LOTS), ("authority", AUTHORITY_LOTS)):
            assert (name in speakers) is (status in ways)
            if status in ways:
                assert {Status[one] for one in before.split(", ")} == ways[status]


def test_the_examples_of_links():
    same, split = (
        NamedInstrument(INSTITUTION, make_act(n).number, make_act(n).instrument_id) for n in (1, 2)
    )
    shown = re.findall(
        r"(INSTRUMENT_\w+) +(\{.*?\})\n(?=INSTR|$)", SECTIONS["5.3"].split("```")[1], re.DOTALL
    )
    contents = {
        "INSTRUMENT_SAME_AS": encode_same_as(SameAs(same, split, ReasonCode.WRONG_INSTRUMENT, START)),
        "INSTRUMENT_SPLIT": encode_split(Split(same, (b"\1" * 16,), ReasonCode.WRONG_INSTRUMENT, START)),
    }
    assert {name for name, _ in shown} == set(contents)
    for name, example in shown:
        pattern = "[0-9a-f]*".join(map(re.escape, join(example).split("…")))
        assert re.fullmatch(pattern, contents[name].decode()), name
