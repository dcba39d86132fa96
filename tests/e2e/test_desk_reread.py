"""`hengzheng doctor --deep` and `hengzheng watch` know all that a desk keeps: sayings, drafts, rounds."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from line import run, write_json
from served_home import serve
from signoff_line import CHECKER, SignOffLine

from ledger.core.sticker import compute_sticker_id, parse_roll_content

NAMEPLATE = {
    "category": "FUEL_DISPENSER",
    "model": "EX-1224",
    "serial": "SN20240077",
    "maker": "示例机械有限公司",
    "year": 2024,
    "division": "350102",
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A home with a registered pump that bears its second sticker, two approved documents, one returned draft."""
    line = SignOffLine(tmp_path_factory.mktemp("desk"))
    with line.chain():
        line.found()
        line.register()
        own = ("--institution", line.institution)
        source = write_json(line.out / "pump.json", NAMEPLATE)
        pump = line.run("instruments", "register", source, *own)["instrument"]
        line.run("stickers", "allot", 5, "--out", line.out / "roll.json", *own)
        roll = parse_roll_content((line.out / "roll.json").read_bytes())
        for place in (0, 1):
            line.run("stickers", "bind", compute_sticker_id(roll, place), "--instrument", pump, *own)
        ids = line.draft(1, 2, 3)
        line.submit(ids)
        line.office("return", ids[2], "--reason", "读数有误", *("--person", CHECKER))
        line.check_drafts(ids[:2])
        line.approve(line.draw(ids[:2]), "--out", line.out)
        yield line


@pytest.fixture
def line(grown, tmp_path):
    shutil.copytree(grown.out, tmp_path / "copy")
    return replace(grown, out=tmp_path / "copy")


def change(line, statement):
    with closing(sqlite3.connect(line.home / "desk.db")) as connection:
        connection.execute(statement)
        connection.commit()


def watch(line, url, state, code=0):
    words = ["watch", "--ledger", url, "--home", line.home, "--state", state, "--once", "--json"]
    return line.check(run(*words), code)


def test_everything_is_counted_and_nothing_is_changed(line):
    before = line.snapshot()
    found = line.run("doctor", "--deep")["desk"]
    assert found == {"documents": 2, "acts": 0, "sayings": 5, "drafts": 3, "rounds": 0, "findings": 0}
    assert line.snapshot() == before


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        ("statement = zeroblob(9)", "statement"),
        ("statement = (SELECT statement FROM desk_documents LIMIT 1)", "type"),
        ("statement = (SELECT statement FROM desk_sayings WHERE position = 4)", "place"),
        ("leaf_index = leaf_index + 100", "leaf_index"),
        ("state = 'voided', leaf_index = NULL, reason = 'x'", "state"),
        ("type = 13", "type"),
        ("subject = zeroblob(32)", "subject"),
        ("place = zeroblob(32)", "place"),
        ("place = NULL", "place"),
    ],
)
def test_each_damage_of_a_saying_is_named(line, statement, column):
    change(line, f"UPDATE desk_sayings SET {statement} WHERE position = 3")
    bad = line.run("doctor", "--deep", code=4)
    found = (bad["kind"], bad["table"], bad["key"])
    assert found == ("DamagedRow", "desk_sayings", "position 3")
    if "position = 4" not in statement:
        assert bad["column"] == column
    assert line.run("doctor", "--deep", "--repair", code=4)["table"] == "desk_sayings", "nothing proves it"


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE desk_drafts SET state = 'submitted' WHERE position = 1", "desk_drafts"),
        ("DELETE FROM desk_voided_numbers", "desk_voided_numbers"),
        ("UPDATE desk_documents SET number = 'JY2020-000001' WHERE position = 1", "desk_documents"),
    ],
)
def test_the_command_reads_the_sign_off_again(line, statement, table):
    change(line, statement)
    assert line.run("doctor", "--deep", code=4)["table"] == table


def test_people_read_a_sentence(line):
    change(line, "UPDATE desk_voided_numbers SET reason = '另有原因'")
    answer = run("doctor", "--deep", "--home", line.home)
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith("error: table desk_voided_numbers, row number JY")
    assert "column reason: should be 读数有误 (its return says so)" in answer.err


def test_watch_looks_for_what_was_said_of_instruments_and_stickers(line, tmp_path):
    with serve(line.home, "public") as server:
        found = watch(line, server.url, tmp_path / "state")
        assert (found["own"], found["checked"], found["waiting"], found["alarms"]) == (7, 7, 0, [])
        change(line, "UPDATE desk_sayings SET statement = (SELECT statement FROM desk_sayings WHERE position = 1) "
                     "WHERE position = 3")  # fmt: skip
        found = watch(line, server.url, tmp_path / "other", code=1)
        (alarm,) = found["alarms"]
        assert "holds something else than our statement, which the log had taken" in alarm["sentence"]
        assert found["own"] == 6
        change(line, "UPDATE desk_sayings SET leaf_index = 99999 WHERE position = 3")
        found = watch(line, server.url, tmp_path / "third")
        assert (found["own"], found["waiting"]) == (6, 1), "the log does not reach that far"
