"""The ledger of instruments through its commands, on SQLite and PostgreSQL."""

import json
import os
import signal
from itertools import count

import pytest
from line import Line, run, run_process
from servers import postgres_server
from sheets import read_here, workbook

from issuer.instruments import HEADINGS, parse_instrument
from ledger.failpoint import KILL_VARIABLE

READER = "issuer.workbook.reader:read_workbook"
HEAD = list(HEADINGS.values())
NUMBERS = count(1)


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def line(request, tmp_path):
    """Return a home whose desk lies on one engine."""
    if request.param == "sqlite":
        line = Line(tmp_path)
        line.init()
        yield line
        return
    with request.getfixturevalue("postgres").fresh_database() as url:
        line = Line(tmp_path, ["--desk-database", url])
        line.init()
        yield line


def cells(serial, **changes):
    members = {
        "name": "电子计价秤",
        "model": "ACS-15A",
        "serial": serial,
        "maker": "永衡",
        "quantity": 1,
        **changes,
    }
    return parse_instrument(members).list_cells()


def write(path, *rows):
    path.write_bytes(workbook([HEAD, *rows]))
    return path


def take(line, path, *options, code=0):
    return line.run("instruments", "import", path, *options, code=code)


def listed(line):
    path = line.out / "listed.xlsx"
    line.run("instruments", "export", path)
    return [row for _, row in read_here(READER, path.read_bytes())[2:]]


def trimmed(row):
    """Return a row as a workbook has it: without the empty cells at its end."""
    while row and not row[-1]:
        row = row[:-1]
    return row


def test_a_file_is_imported_once(line):
    rows = [cells(str(number), site=f"{number}号摊") for number in range(1, 301)]
    path = write(line.out / "ledger.xlsx", *rows)
    assert take(line, path) == {"added": 300, "changed": 0, "unchanged": 0, "as": "XLSX, sheet 数据"}
    assert take(line, path) == {"added": 0, "changed": 0, "unchanged": 300, "as": "XLSX, sheet 数据"}
    assert listed(line) == [trimmed(row) for row in rows]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_exported_comes_in_unchanged(line, suffix):
    rows = [cells("1", site="=cmd|x"), cells("-2", site="'quoted"), cells("3", quantity=5)]
    take(line, write(line.out / "ledger.xlsx", *rows))
    path = line.out / f"export.{suffix}"
    assert line.run("instruments", "export", path)["instruments"] == 3
    assert take(line, path)["unchanged"] == 3
    assert listed(line) == [trimmed(row) for row in rows]


def test_bad_rows_and_doubles_are_named_and_nothing_is_taken(line):
    rows = [cells("1"), cells("2"), cells("1", site="elsewhere"), cells("4")]
    rows[1][HEAD.index("数量")] = "many"
    path = write(line.out / "ledger.xlsx", *rows)
    report = take(line, path, code=2)
    assert [(fault["row"], fault["code"]) for fault in report["faults"]] == [
        (3, "MALFORMED"),
        (4, "DUPLICATE"),
    ]
    assert (report["added"], listed(line)) == (0, [])
    assert take(line, path, "--partial", code=2)["added"] == 2
    assert [row[HEAD.index("出厂编号")] for row in listed(line)] == ["1", "4"]
    assert take(line, path, "--partial", code=2)["added"] == 0


def test_errors_come_back_in_a_workbook_and_the_corrected_one_is_taken(line):
    rows = [cells("1"), cells("2")]
    rows[1][HEAD.index("数量")] = "many"
    errors = line.out / "errors.xlsx"
    take(line, write(line.out / "ledger.xlsx", *rows), "--errors", errors, code=2)
    head, *marked = [row for _, row in read_here(READER, errors.read_bytes())[1:]]
    assert head[:-2] == HEAD
    fixed = [["2" if cell == "many" else cell for cell in row] for row in marked]
    errors.write_bytes(workbook([head, *fixed]))
    assert take(line, errors)["added"] == 2


def test_other_details_are_a_fault_until_they_are_asked_for(line):
    take(line, write(line.out / "a.xlsx", cells("1"), cells("2")))
    path = write(line.out / "b.xlsx", cells("1", site="新址"), cells("3"))
    report = take(line, path, code=2)
    assert [(fault["row"], fault["code"]) for fault in report["faults"]] == [(2, "LISTED_OTHERWISE")]
    assert len(listed(line)) == 2
    assert take(line, path, "--update") == {
        "added": 1,
        "changed": 1,
        "unchanged": 0,
        "as": "XLSX, sheet 数据",
    }
    assert take(line, path)["unchanged"] == 2
    assert [row[HEAD.index("出厂编号")] for row in listed(line)] == ["1", "2", "3"]
    assert listed(line)[0][HEAD.index("安装/使用地点")] == "新址"


def test_killed_before_the_end_nothing_is_there_and_the_same_command_takes_all(line):
    path = write(line.out / "ledger.xlsx", *(cells(str(number)) for number in range(50)))
    words = ["instruments", "import", path, "--home", line.home, "--json"]
    killed = run_process(*words, **{KILL_VARIABLE: "instruments.before_commit:1"})
    assert killed.code == -signal.SIGKILL
    assert listed(line) == []
    assert json.loads(run_process(*words, **{KILL_VARIABLE: ""}).out)["added"] == 50


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["import", "{out}/absent.csv"], "absent.csv"),
        (["import", "{out}/ledger.jsonl"], "ledger.jsonl"),
        (["import", "{out}/empty.csv"], "row 1"),
        (["import", "{out}/empty.xlsx"], "XLSX"),
        (["export", "{out}/ledger.pdf"], "ledger.pdf"),
        (["export", "{out}/nowhere/x.csv"], "x.csv"),
        (["import"], "file"),
        ([], "command"),
        (["fly"], "fly"),
    ],
)
def test_wrong_usage(tmp_path, words, mention):
    line = Line(tmp_path)
    line.init()
    for name in ("ledger.jsonl", "empty.csv", "empty.xlsx"):
        (tmp_path / name).write_bytes(b"")
    home = ["--home", line.home] if len(words) > 1 else []
    answer = run("instruments", *(word.format(out=tmp_path) for word in words), *home)
    assert answer.code == 2
    assert mention.lower() in answer.err.lower()
    assert "Traceback" not in answer.err
    assert os.environ.get(KILL_VARIABLE, "") == ""


def test_faults_for_people(tmp_path):
    line = Line(tmp_path)
    line.init()
    path = write(tmp_path / "a.xlsx", cells("1"), cells("1"))
    answer = run("instruments", "import", path, "--home", line.home)
    assert (answer.code, answer.out) == (2, "")
    assert "row 3: serial: the same instrument as in row 2" in answer.err
    assert "nothing was taken over" in answer.err
