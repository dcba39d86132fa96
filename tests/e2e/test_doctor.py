"""`hengzheng doctor --deep` and `--repair` on a home as it is: sentences, members, exit codes."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from line import Line, run, run_process, write_meters
from servers import postgres_server
from sqlalchemy import text

from ledger.home import lock_ledger
from ledger.store.engine import Database

FEW = 3
NOTHING = dict.fromkeys(("documents", "acts", "sayings", "drafts", "rounds", "findings"), 0)


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A home with three documents, anchored; and a copy of its ledger from before the last two."""
    line = Line(tmp_path_factory.mktemp("line"))
    with line.chain():
        line.found()
        line.issue(write_meters(line.out / "first.jsonl", 1))
        shutil.copy(line.home / "ledger.db", line.out / "old.db")
        line.issue(write_meters(line.out / "meters.jsonl", FEW))
    return line


@pytest.fixture
def line(grown, tmp_path):
    shutil.copytree(grown.out, tmp_path / "copy")
    return replace(grown, out=tmp_path / "copy")


def change(line, statement, name="ledger.db"):
    with closing(sqlite3.connect(line.home / name)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for trigger, _ in triggers:
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


def test_a_home_in_order_is_counted(line):
    before = line.snapshot()
    members = line.run("doctor", "--deep")
    assert members["entries"] == len(line.leaves())
    assert members["database_check"] == "ok"
    assert members["desk"] == {**NOTHING, "documents": FEW}
    assert members["rows"]["entries"] == members["entries"]
    assert members["rows"]["documents"] == members["documents"] == FEW
    assert line.snapshot() == before
    counts = ("entries", "checkpoints", "anchors", "documents", "root_hash")
    quick = line.run("doctor")
    assert [members[name] for name in counts] == [quick[name] for name in counts]


def test_the_row_is_named_and_repair_mends_it(line):
    change(line, "UPDATE subjects SET version = 9 WHERE subject = (SELECT max(subject) FROM subjects)")
    bad = line.run("doctor", "--deep", code=4)
    assert bad["kind"] == "DamagedRow"
    assert (bad["table"], bad["column"], bad["expected"]) == ("subjects", "version", "1")
    assert bad["key"].startswith("subject ")
    people = run_process("doctor", "--deep", "--home", line.home)
    assert (people.code, people.out) == (4, "")
    assert people.err.startswith("error: table subjects, row subject ")
    done = line.run("doctor", "--deep", "--repair")
    assert done["repaired"]["count"] == len(done["repaired"]["rows"]) == 1
    assert "repaired" not in line.run("doctor", "--deep")


def test_what_the_desk_repeats_is_compared(line):
    change(line, "UPDATE desk_documents SET leaf_index = leaf_index + 7 WHERE position = 2", "desk.db")
    bad = line.run("doctor", "--deep", code=4)
    assert (bad["table"], bad["key"], bad["column"]) == ("desk_documents", "position 2", "leaf_index")
    assert line.run("doctor")["documents"] == FEW


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("number", "'JY2026-000099'"),
        ("subject", "zeroblob(32)"),
        ("expected_version", "5"),
        ("certificate", "zeroblob(9)"),
        ("statement", "zeroblob(9)"),
    ],
)
def test_every_column_that_the_desk_repeats_is_compared(line, column, value):
    change(line, f"UPDATE desk_documents SET {column} = {value} WHERE position = 1", "desk.db")
    bad = line.run("doctor", "--deep", code=4)
    assert (bad["table"], bad["key"], bad["column"]) == ("desk_documents", "position 1", column)


def test_an_old_ledger_beside_a_newer_trust_list_is_refused(line):
    shutil.copy(line.out / "old.db", line.home / "ledger.db")
    assert "older backup" in line.run("doctor", "--deep", code=4)["error"]


def test_a_damaged_trust_list_is_named(line):
    (line.home / "trust.json").write_bytes(b"{}")
    assert "trust.json is damaged" in line.run("doctor", "--deep", code=4)["error"]


def test_a_file_that_is_no_database_is_an_alarm(line):
    (line.home / "ledger.db").write_bytes(b"no database at all" * 1000)
    assert line.run("doctor", "--deep", code=4)["kind"] == "LogIntegrity"


def test_leaves_that_are_damaged_are_never_repaired(line):
    change(line, "DELETE FROM entries WHERE leaf_index = 7")
    bad = line.run("doctor", "--deep", "--repair", code=4)
    assert "nothing was repaired" in bad["error"]
    assert "leaf_index 7" in bad["error"]


def test_while_somebody_has_the_ledger_doctor_does_not_look(line):
    with lock_ledger(line.opened):
        assert line.run("doctor", "--deep", "--repair", code=3)["kind"] == "HomeLocked"


def test_repair_goes_with_deep(line):
    assert line.run("doctor", "--repair", code=2)["field"] == "--repair"
    assert "--repair" in run("doctor", "--help").out


def test_ledger_and_desk_in_one_postgresql_database_are_compared(tmp_path):
    with postgres_server() as server, server.fresh_database() as url:
        line = Line(tmp_path, ["--database", url, "--desk-database", url])
        with line.chain():
            line.found()
            line.issue(write_meters(line.out / "meters.jsonl", FEW))
        members = line.run("doctor", "--deep")
        assert (members["database_check"], members["desk"]) == ("not asked", {**NOTHING, "documents": FEW})
        with closing(Database(url)) as database, database.write() as connection:
            connection.execute(text("DELETE FROM map_pages WHERE depth = 16"))
        assert line.run("doctor", "--deep", code=4)["table"] == "map_pages"
        assert line.run("doctor", "--deep", "--repair")["repaired"]["count"] > 1
    assert line.run("doctor", "--deep", code=3)["kind"] == "StoreUnavailable"
