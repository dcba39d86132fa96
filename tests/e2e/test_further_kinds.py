"""Calibration certificates, entries from paper and supplements through the commands, on a real line."""

import json

import pytest
from line import DAY, Line, run
from served_home import serve
from servers import postgres_server


def pump(number):
    """Return an input document of a verification."""
    point = {
        "nominal": "20.00",
        "measured": "20.02",
        "error": "0.10",
        "mpe": "0.30",
        "u": "0.05",
        "pass": True,
    }
    results = {"item": "indication_error", "unit": "L", "error_unit": "%", "k": "2", "points": [point]}
    roles = enumerate(("operator", "checker", "approver"), start=1)
    return {
        "request_id": f"pump-{number}",
        "kind": "periodic",
        "applicant": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
        "instrument": {
            "category": "FUEL_DISPENSER",
            "name": "燃油加油机",
            "model": "EX-1224",
            "serial": f"SN{number}",
            "maker": "示例机械有限公司",
            "site": {"division": "350102"},
        },
        "results": [{**results, "pass": True}],
        "conclusion": "pass",
        "adjusted": False,
        "verified_on": {"day": 0},
        "persons": [
            {"role": role, "pid": f"P-{hour}", "signed_at": {"day": 0, "time": f"0{hour}:00:00"}}
            for hour, role in roles
        ],
    }


SPECIFICATION = {"id": "JJF 9001-2020", "title": "示例校准规范"}
SCAN = "ab" * 32


def calibration(number, **changes):
    point = {"nominal": "20.00", "measured": "20.02", "error": "0.10", "u": "0.05"}
    results = [{"item": "indication_error", "unit": "L", "error_unit": "%", "k": "2", "points": [point]}]
    made = pump(number) | {
        "results": results,
        "request_id": f"calibration-{number}",
        "doc_type": "calibration_certificate",
        "specification": SPECIFICATION,
    }
    for name in ("kind", "conclusion"):
        del made[name]
    return made | changes


def paper(number, **changes):
    made = pump(number)
    kept = {name: made[name] for name in ("kind", "applicant", "instrument", "conclusion")}
    return kept | {
        "request_id": f"paper-{number}",
        "doc_type": "paper_register",
        "no": f"2019检字第{number:04}号",
        "verified_on": "2019-03-04",
        "issued_on": "2019-03-06",
        "validity": {"kind": "date", "until": "2019-09-03"},
        "paper": {"scan": SCAN, "entered_by": "P-1", "entered_on": {"day": 0}},
        **changes,
    }


def write(path, *documents):
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in documents), "utf-8")
    return path


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with a pump that was entered from paper, then verified, then calibrated; and one only calibrated."""
    made = Line(tmp_path_factory.mktemp("kinds"))
    with made.chain():
        made.found()
        documents = [paper(1), pump(1), calibration(1), calibration(2)]
        assert made.issue(write(made.out / "all.jsonl", *documents))["logged"] == 4
        yield made


@pytest.fixture(scope="module")
def numbers(line):
    return [row[1] for row in line.desk()]


@pytest.mark.parametrize(
    ("place", "verdict", "status", "code"),
    [(0, "ATTENTION", "PAPER", 1), (1, "VALID", "VALID", 0), (2, "ATTENTION", "CALIBRATED", 0)],
)
def test_each_is_what_it_is(line, numbers, place, verdict, status, code):
    report = line.verify(numbers[place], code=code)
    assert (report["verdict"], report["status"], report["authentic"]) == (verdict, status, True)


def test_people_read_it_in_both_languages(line, numbers):
    said = run("verify", line.folder(numbers[0]) / "bundle.json", "--policy", line.policy).out
    assert "entered from paper, not an electronic certificate / 据纸质证书登记，不是电子证书" in said
    assert "本页证明检定记录真实且在有效期内" not in said
    said = run("verify", line.folder(numbers[2]) / "bundle.json", "--policy", line.policy).out
    assert "calibrated, not verified / 校准结果，不是检定" in said
    assert "  conclusion: " not in said


def test_an_instrument_that_was_only_calibrated_is_registered_and_not_verified(line, numbers):
    report = line.verify(numbers[3], code=0)
    said = {check["name"]: check["reason"] for check in report["checks"]}["status"]
    assert "no verification of this instrument is in the ledger" in said


def test_the_same_papers_again_change_nothing_and_a_double_is_reported(line):
    size = len(line.leaves())
    again = write(line.out / "again.jsonl", paper(1))
    assert line.issue(again)["documents"] == 1
    assert len(line.leaves()) == size
    double = write(
        line.out / "double.jsonl",
        paper(
            1, request_id="another", paper={"scan": "cd" * 32, "entered_by": "P-1", "entered_on": {"day": 0}}
        ),
    )
    answer = line.run(*line.issue_words(double)[: -0 or None], code=2)
    assert "ALREADY_ISSUED" in json.dumps(answer, ensure_ascii=False)
    assert len(line.leaves()) == size


def test_pdf_page_and_dcc(line, numbers):
    line.run("document", numbers[0], numbers[2], "--out", line.out, "--html")
    for number, status, name in (
        (numbers[0], "PAPER", "paper-entry"),
        (numbers[2], "CALIBRATED", "certificate"),
    ):
        report = line.verify(line.folder(number) / f"{name}.pdf")
        assert (report["verdict"], report["status"]) == ("ATTENTION", status)
        assert "#0b6b3a" not in (line.folder(number) / f"{name}.html").read_text("utf-8")
    assert not (line.folder(numbers[0]) / "certificate.pdf").exists()
    line.run("dcc", "export", numbers[2], "--out", line.out / "dcc")
    refused = line.run("dcc", "export", numbers[0], "--out", line.out / "dcc", code=2)
    assert "is no certificate, and has no DCC" in refused["error"]


def supplement(line, number, text, *words, code=0):
    path = line.out / "added.txt"
    path.write_text(text, "utf-8")
    options = ("--supplement", path, "--reason", "TYPO", "--out", line.out)
    return line.run("document", number, *options, *words, code=code)


def test_a_supplement_is_made_logged_and_verified(line, numbers):
    made = supplement(line, numbers[1], "测量范围应为 (5~60) L/min。\n\nThe range is (5 to 60) L/min.\n")
    report = line.verify(made["supplement"], code=3)
    assert report["verdict"] == "UNKNOWN"
    assert "supplement" in report["note"]
    logged = line.run("amend", "supplement", numbers[1], "--reason", "TYPO", "--document", made["supplement"])
    assert logged["proof"] == f"{made['supplement']}.act.json"
    report = line.verify(made["supplement"], code=0)
    assert (report["verdict"], report["document"]["number"]) == ("VALID", numbers[1])
    assert f"a supplement of {DAY.year}" in report["note"] or "a supplement of" in report["note"]
    said = {check["name"]: check["reason"] for check in report["checks"]}["inclusion"]
    assert "the ledger has the digest of this supplement" in said
    again = supplement(
        line, numbers[1], "测量范围应为 (5~60) L/min。\nThe range is (5 to 60) L/min.\n", code=2
    )
    assert "is there already" in again["error"]


def test_a_supplement_through_a_served_ledger(line, numbers):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        made = supplement(line, numbers[2], "更正：k=2。\n", "--ledger", server.url)
        words = ("--reason", "TYPO", "--document", made["supplement"], "--ledger", server.url)
        line.run("amend", "supplement", numbers[2], *words)
    report = line.verify(made["supplement"], code=0)
    assert (report["verdict"], report["status"]) == ("ATTENTION", "CALIBRATED")


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (("--supplement", "{tmp}/none.txt", "--reason", "TYPO"), "--supplement: "),
        (("--supplement", "{tmp}/empty.txt", "--reason", "TYPO"), "is empty"),
        (("--supplement", "{tmp}/bytes.txt", "--reason", "TYPO"), "cannot be read as UTF-8"),
        (("--supplement", "{tmp}/good.txt"), "--reason: needed"),
        (("--supplement", "{tmp}/good.txt", "--reason", "WHIM"), "--reason: "),
        (("--supplement", "{tmp}/good.txt", "--reason", "TYPO", "--html"), "has no other form"),
        (("--reason", "TYPO"), "--reason: belongs to a supplement"),
    ],
)
def test_a_supplement_that_cannot_be_made_says_why(line, numbers, tmp_path, words, mention):
    for name, raw in (("empty", b" \n"), ("bytes", b"\xff\xfe"), ("good", b"x")):
        (tmp_path / f"{name}.txt").write_bytes(raw)
    given = [word.format(tmp=tmp_path) for word in words]
    answer = line.run("document", numbers[1], *given, "--out", line.out, code=2)
    assert mention in answer["error"]


@pytest.mark.parametrize(
    ("document", "mention"),
    [
        (calibration(9, specification=...), "specification: the specification"),
        (calibration(9, conclusion="pass"), "decision_rule: needed"),
        (paper(9, no=...), "no: needed"),
        (paper(9, paper=...), "paper: this member is missing"),
        (paper(9, results=pump(9)["results"]), "results: is not for a paper register"),
        (paper(9, persons=pump(9)["persons"]), "persons: is not for a paper register"),
    ],
)
def test_bad_input_is_refused_by_its_member(line, tmp_path, document, mention):
    given = {name: value for name, value in document.items() if value is not ...}
    size = len(line.leaves())
    answer = line.run(*line.issue_words(write(tmp_path / "bad.jsonl", given)), code=2)
    assert [f"{fault['field']}: {fault['en']}"[: len(mention)] for fault in answer["faults"]] == [mention]
    assert len(line.leaves()) == size


def test_a_table_of_papers_on_postgresql(tmp_path):
    """A hundred papers from a table, again, and with one that is new: each once; then an audit of the log."""
    with postgres_server() as server, server.fresh_database() as url:
        line = Line(tmp_path, ("--database", url, "--desk-database", url))
        with line.chain():
            line.found()
            table = tmp_path / "papers.csv"
            run("template", "FUEL_DISPENSER", "--paper", "--out", table, "--json")
            head, _, example = table.read_text("utf-8-sig").splitlines()
            rows = [
                example.replace("示例 EXAMPLE", f"P{number}")
                .replace("2024检字第0001号", f"2024检字第{number:04}号")
                .replace("SN20260001", f"SN{number}")
                for number in range(100)
            ]
            table.write_text("\n".join([head, *rows[:99]]), "utf-8")
            assert line.issue(table)["logged"] == 99
            again = line.issue(table)
            assert (again["documents"], again["issued_before"]) == (99, 99)
            table.write_text("\n".join([head, *rows]), "utf-8")
            assert line.issue(table)["issued_before"] == 99
        numbers = [row[1] for row in line.desk()]
        assert len(numbers) == len(set(numbers)) == 100
        report = line.verify(numbers[0], code=1)
        assert (report["status"], report["document"]["document_type"]) == ("PAPER", "paper_register")
