"""The batch desk through its commands: templates, workbooks, a look before, errors that come back."""

import io
import json
import re

import pytest
from line import DAY, Line, run
from rich.console import Console
from sheets import flatten, meter_rows, pack, read_here, unpack, workbook, write_meter_workbook

from ledger.core.category import Category

READER = "issuer.workbook.reader:read_workbook"
FEW = 30


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = Line(tmp_path_factory.mktemp("line"), anywhere=True)
    with line.chain():
        line.found()
        yield line


def rows_of(path):
    return [cells for _, cells in read_here(READER, path.read_bytes())[1:]]


def table(first, count, prefix, **changes):
    """Return header and rows of meters of their own."""
    rows = [
        flatten(first + number) | {"request_id": f"{prefix}-{number}"} | changes for number in range(count)
    ]
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def write(path, rows):
    path.write_bytes(workbook(rows))
    return path


def test_a_workbook_is_issued_once_and_its_bundles_verify(line):
    path = write_meter_workbook(line.out / "meters.xlsx", FEW)
    report = line.issue(path)
    assert (report["documents"], report["logged"]) == (FEW, FEW)
    assert report["read"] == [{"file": str(path), "rows": FEW, "as": "XLSX, sheet 数据"}]
    assert "issued_before" not in report
    again = line.issue(path)
    assert (again["documents"], again["logged"], again["issued_before"]) == (FEW, FEW, FEW)
    assert len(line.desk()) == FEW
    assert line.verify(line.folders()[0].name)["verdict"] == "VALID"


def test_the_same_rows_as_csv_are_the_same_documents(line):
    import csv

    head, *rows = meter_rows(FEW)
    issued = len(line.desk())
    for encoding, name in (("gb18030", "GB18030"), ("utf-8-sig", "UTF-8")):
        with (line.out / "meters.csv").open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([head, *rows])
        report = line.issue(line.out / "meters.csv", anchor=False, out=False)
        assert report["read"][0]["as"] == f"CSV, {name}"
        assert report["issued_before"] == FEW
    assert len(line.desk()) == issued


def test_a_check_shows_what_would_be_issued_and_changes_nothing(line, tmp_path):
    rows = table(5000, 6, "C")
    rows[2][rows[0].index("conclusion")] = "perhaps"
    rows[3][rows[0].index("instrument.category")] = "WINE_METER"
    rows[6] = [*rows[5]]
    path = write(tmp_path / "c.xlsx", rows)
    before = line.snapshot()
    words = line.issue_words(path, anchor=False, out=False)
    members = line.run(*words, "--check", code=2)
    assert (members["to_issue"], members["refused"]) == (3, 3)
    assert members["refused_by_code"]["DUPLICATE"] == 1
    assert len(members["samples"]) == 3
    assert "冷水水表" in members["samples"][0]
    people = run(*words, "--check", "--home", line.home)
    assert people.code == 2
    assert "可签发 to issue: 3" in people.out
    assert "出厂编号" in people.out
    assert line.snapshot() == before


def test_a_check_of_good_rows_ends_well(line, tmp_path):
    path = write(tmp_path / "g.xlsx", table(6000, 2, "G"))
    members = line.run(*line.issue_words(path, anchor=False, out=False), "--check")
    assert (members["to_issue"], members["refused"], members["faults"]) == (2, 0, [])


def test_errors_are_corrected_in_their_workbook_and_only_the_rest_is_issued(line, tmp_path):
    rows = table(7000, 5, "E")
    place = rows[0].index("conclusion")
    rows[2][place], rows[4][place] = "perhaps", "=1+1"
    path, errors = write(tmp_path / "e.xlsx", rows), tmp_path / "errors.xlsx"
    issued = len(line.desk())
    words = line.issue_words(path, anchor=False, out=False)
    refused = line.run(*words, "--errors", errors, code=2)
    assert [fault["row"] for fault in refused["faults"]] == [3, 5]
    assert len(line.desk()) == issued
    some = line.run(*words, "--errors", errors, "--skip-bad", code=2)
    assert (some["logged"], len(line.desk())) == (3, issued + 3)
    head, *marked = rows_of(errors)
    assert [len(row) - len(rows[0]) for row in marked] == [0, 2, 0, 2, 0]
    assert marked[1][-2].startswith("conclusion")
    fixed = [["合格" if cell in {"perhaps", "=1+1"} else cell for cell in row] for row in marked]
    corrected = write(tmp_path / "corrected.xlsx", [head, *fixed])
    done = line.issue(corrected, anchor=False, out=False)
    assert (done["documents"], done["logged"], done["issued_before"]) == (5, 5, 3)
    assert len(line.desk()) == issued + 5


def test_every_stage_has_a_bar_with_its_counts(line, tmp_path, monkeypatch):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=120)
    monkeypatch.setattr("ledger.console.Console", lambda **_: console)
    path = write(tmp_path / "p.xlsx", table(9000, 3, "P"))
    answer = run(*line.issue_words(path), "--home", line.home)
    assert answer.code == 0, answer
    for stage in ("read", "check p.xlsx", "sign", "log", "bundle", "write"):
        assert re.search(rf"{stage} .*[━╸].*\d+/\d+.*0:00:00", shown.getvalue()), stage
    assert answer.out.startswith("documents: 3")
    assert "read: " in answer.out


def test_a_workbook_of_errors_is_not_written_where_there_are_none(line, tmp_path):
    path = write(tmp_path / "g.xlsx", table(8000, 1, "N"))
    line.run(
        *line.issue_words(path, anchor=False, out=False), "--check", "--errors", tmp_path / "errors.xlsx"
    )
    assert not (tmp_path / "errors.xlsx").exists()


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_template_that_is_filled_in_is_issued(line, tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    assert (
        line.check(run("template", "WATER_METER_SMALL", "--on", DAY, "--out", path, "--json"))["columns"] > 50
    )
    empty = line.run(*line.issue_words(path, anchor=False, out=False), "--check")
    assert (empty["to_issue"], empty["read"][0]["skipped"]) == (0, 2)
    if suffix == "csv":
        text = path.read_text("utf-8-sig").replace("示例 EXAMPLE", "T-csv").replace("SN20260001", "SN7")
        path.write_text(text, encoding="gb18030")
    else:
        head, note, example = rows_of(path)
        filled = [{"示例 EXAMPLE": "T-xlsx", "SN20260001": "SN8"}.get(cell, cell) for cell in example]
        path.write_bytes(workbook([head, note, filled, example]))
    report = line.issue(path, anchor=False, out=False)
    assert (report["documents"], report["logged"]) == (1, 1)
    assert report["read"][0]["skipped"] == (1 if suffix == "csv" else 2)


@pytest.mark.parametrize("name", ["FUEL_DISPENSER", "燃油加油机", "other"])
def test_a_template_by_code_or_by_name(line, tmp_path, name):
    members = line.check(run("template", name, "--out", tmp_path / "t.xlsx", "--parts", 2, "--json"))
    assert members["category"] in {"燃油加油机", "其他"}
    assert len(Category) == 27


def test_a_bomb_is_refused_quickly_and_in_little_memory(line, tmp_path):
    """200 MB of XML in a megabyte: within the ratio, so that the limits of the process are what ends it."""
    row = "<row>" + "".join(f'<c t="str"><v>{number}</v></c>' for number in range(40)) + "</row>"
    parts = unpack(workbook([["no"]]))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{main}"><sheetData>{row * 150_000}</sheetData></worksheet>'
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    (tmp_path / "bomb.xlsx").write_bytes(pack(parts))
    before = line.snapshot()
    answer = run(*line.issue_words(tmp_path / "bomb.xlsx", anchor=False), "--home", line.home, "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["field"] in {"file", "sheet 数据"}
    assert line.snapshot() == before
