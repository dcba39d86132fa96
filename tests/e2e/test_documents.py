"""Documents as PDF through the commands: made, signed, checked; what is not made; other databases and ledgers."""

import io
import json
import stat

import pikepdf
import pytest
from line import DAY, Line, run, write_json, write_meters
from served_home import serve
from servers import postgres_server

PERSONAL = {"operator": "林示例", "checker": "陈示例", "approver": "张示例"}


def pump(number: int, **changes):
    """Return an input document with personal members."""
    point = {
        "nominal": "20.00",
        "measured": "20.02",
        "error": "0.10",
        "mpe": "0.30",
        "u": "0.05",
        "pass": True,
    }
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
            "site": {"division": "350102", "address": "示例路1号"},
        },
        "results": [
            {
                "item": "indication_error",
                "unit": "L",
                "error_unit": "%",
                "k": "2",
                "points": [point],
                "pass": True,
            }
        ],
        "conclusion": "pass",
        "adjusted": False,
        "verified_on": {"day": 0},
        "persons": [
            {
                "role": role,
                "pid": f"P-{hour}",
                "name": name,
                "signed_at": {"day": 0, "time": f"0{hour}:00:00"},
            }
            for hour, (role, name) in enumerate(PERSONAL.items(), start=1)
        ],
    } | changes


def found(out, *options) -> Line:
    return Line(out, options)


def issue(line: Line, *documents):
    path = line.out / "pumps.jsonl"
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in documents), "utf-8")
    return line.issue(path)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with four certificates, anchored; the last one is suspended."""
    made = Line(tmp_path_factory.mktemp("documents"))
    with made.chain():
        made.found()
        file = json.loads(made.institution.read_text("utf-8"))
        write_json(made.institution, file | {"letterhead": {"address": "示例路8号", "telephone": "0591-1"}})
        assert issue(made, *(pump(number) for number in range(1, 5)))["logged"] == 4
        made.run("amend", "suspend", "JY2026-000004".replace("2026", str(DAY.year)), "--reason", "TYPO")
        made.run("anchor")
        yield made


@pytest.fixture(scope="module")
def numbers(line):
    return [row[1] for row in line.desk()]


def document(line, *words, code=0):
    return line.run("document", *words, "--out", line.out, code=code)


def attached(path):
    with pikepdf.open(io.BytesIO(path.read_bytes())) as opened:
        return {str(spec.F) for spec in opened.Root.AF}


def test_made_signed_and_verified(line, numbers):
    assert document(line, numbers[0], numbers[1], numbers[0]) == {
        "documents": 2,
        "signed": True,
        "out": str(line.out),
    }
    for number in numbers[:2]:
        report = line.verify(line.folder(number) / "certificate.pdf", code=0)
        assert (report["verdict"], report["document"]["number"]) == ("VALID", number)
        assert "the PDF is signed by institution 350100-01" in report["checks"][2]["reason"]
    assert attached(line.folder(numbers[0]) / "certificate.pdf") == {"certificate.json", "bundle.json"}


def test_the_holders_copy_is_readable_by_its_owner_alone(line, numbers):
    document(line, numbers[0], "--holder")
    path = line.folder(numbers[0]) / "certificate-holder.pdf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "disclosure.json" in attached(path)
    assert line.verify(path, code=0)["verdict"] == "VALID"


def test_an_unsigned_document_is_no_evidence(line, numbers):
    assert document(line, numbers[0], "--unsigned")["signed"] is False
    report = line.verify(line.folder(numbers[0]) / "certificate-unsigned.pdf", code=2)
    assert "is not signed" in report["error"]


def test_a_page_to_read_lies_beside_it_where_it_is_asked_for(line, numbers):
    document(line, numbers[0], "--html", "--holder")
    page = line.folder(numbers[0]) / "certificate-holder.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "林示例" in page.read_text("utf-8")
    document(line, numbers[0], "--html", "--unsigned")
    assert "林示例" not in (line.folder(numbers[0]) / "certificate.html").read_text("utf-8")


def test_a_changed_byte_on_disk_is_invalid(line, numbers, tmp_path):
    document(line, numbers[1])
    raw = bytearray((line.folder(numbers[1]) / "certificate.pdf").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "changed.pdf").write_bytes(raw)
    report = line.verify(tmp_path / "changed.pdf", code=1)
    assert (report["verdict"], "document" in report) == ("INVALID", False)


def test_all_are_those_in_force(line, numbers):
    assert document(line, "--all")["documents"] == 3
    assert not (line.folder(numbers[3]) / "certificate.pdf").exists()


def test_made_again_it_has_the_newest_bundle(line, numbers):
    path = line.folder(numbers[2]) / "certificate.pdf"
    document(line, numbers[2])
    before = path.read_bytes()
    issue(line, pump(9))
    document(line, numbers[2])
    assert path.read_bytes() != before
    assert line.verify(path, code=0)["verdict"] == "VALID"


def test_a_certificate_not_in_force_gets_no_fresh_document(line, numbers):
    answer = document(line, numbers[0], numbers[3], code=2)
    assert answer["kind"] == "State"
    assert f"{numbers[3]} is SUSPENDED" in answer["error"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("JY1999-000001",), "the desk has no document JY1999-000001"),
        ((), "give numbers of certificates, or --all"),
        (("JY1999-000001", "--all"), "give numbers of certificates, or --all"),
        (("JY1999-000001", "--key", "nobody"), "there is no key nobody"),
    ],
)
def test_wrong_words_are_told(line, words, said):
    assert said in document(line, *words, code=2)["error"]


def test_a_letter_that_no_font_has_is_told_with_its_member(line):
    issue(line, pump(20, persons=[person | {"name": "邓𠮷"} for person in pump(20)["persons"]]))
    number = line.desk()[-1][1]
    assert document(line, number)["documents"] == 1
    answer = document(line, number, "--holder", code=2)
    assert (answer["field"], "U+20BB7" in answer["error"]) == ("persons.0.name", True)
    assert not (line.folder(number) / "certificate-holder.pdf").exists()


def test_a_folder_of_fonts_that_is_not_there_is_told(line, numbers, monkeypatch):
    monkeypatch.setenv("HENGZHENG_FONT_FOLDER", str(line.out / "none"))
    assert document(line, numbers[0], code=2)["field"] == "settings.font_folder"


def test_what_is_not_anchored_waits(line):
    path = line.out / "late.jsonl"
    path.write_text(json.dumps(pump(30), ensure_ascii=False), "utf-8")
    line.issue(path, anchor=False, out=False)
    number = line.desk()[-1][1]
    assert "is not anchored so far" in document(line, number, code=3)["error"]
    line.run("anchor")
    assert document(line, number)["documents"] == 1


def test_behind_a_served_ledger(line, numbers):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        assert document(line, numbers[0], code=3)["kind"] == "HomeLocked"
        assert document(line, numbers[0], "--ledger", server.url)["documents"] == 1
    assert line.verify(line.folder(numbers[0]) / "certificate.pdf", code=0)["verdict"] == "VALID"


def test_on_postgresql(tmp_path):
    with postgres_server() as server, server.fresh_database() as url:
        line = found(tmp_path, "--database", url, "--desk-database", url)
        with line.chain():
            line.found()
            line.issue(write_meters(line.out / "meters.jsonl", 3))
        assert document(line, "--all")["documents"] == 3
        for folder in line.folders():
            assert line.verify(folder / "certificate.pdf", code=0)["verdict"] == "VALID"


def test_the_command_says_what_it_does():
    said = run("document", "--help").out
    assert all(
        option in said for option in ("--holder", "--unsigned", "--all", "--out", "--ledger", "--html")
    )
