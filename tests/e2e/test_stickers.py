"""Stickers through the commands: sheets of rolls and of certificates, what they say, what gets none, bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from labels import ROLL, read_texts, read_words
from line import (
    DAY,
    HOST,
    INSTITUTION,
    Line,
    failed_meter,
    meter,
    run,
    run_process,
    write_json,
    write_meters,
    write_rows,
)
from PIL import Image
from served_home import serve
from servers import postgres_server

from issuer import sticker_sheets
from issuer.rendering.label_templates import TEMPLATES
from ledger.core.qr import format_code
from ledger.core.sticker import compute_sticker_id, encode_roll_content, encode_sticker_url
from verifier.picture import read_qr_picture

NUMBERS = [f"JY{DAY.year}-{number:06}" for number in range(1, 10)]
GOOD, ALSO_GOOD, REJECTED, WITHDRAWN, SUSPENDED, OLD, NEW, EXPIRED, IN_LOT = NUMBERS
ROLL_FIELDS = json.loads(encode_roll_content(ROLL))


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A desk with a certificate in every state; none of the tests may change it."""
    made = Line(tmp_path_factory.mktemp("stickers"))
    made.init()
    made.set_up_authority()
    lot = {"no": "L-1", "size": 2}
    ended = {"kind": "service_life", "until": {"day": 0}, "reason": "到期拆除"}
    rows = [
        meter(1),
        meter(2),
        failed_meter(3),
        *(meter(number) for number in (4, 5, 6)),
        meter(6, request_id="M-6b", replaces={"no": OLD, "reason": "TYPO"}),
        meter(8, validity=ended),
        meter(9, lot=lot),
    ]
    for number, row in enumerate(rows):
        made.issue(write_rows(made.out / f"{number}.jsonl", [row]), anchor=False, out=False)
    made.run("authority", "submit", made.decide("roll", ROLL_FIELDS))
    made.run("amend", "withdraw", WITHDRAWN, "--reason", "WRONG_RESULT")
    made.run("amend", "suspend", SUSPENDED, "--reason", "STANDARD_INVALID")
    made.run("amend", "lot", "L-1", "--status", "failed", "--reason", "WRONG_RESULT")
    return made


@pytest.fixture
def roll(tmp_path):
    return write_json(tmp_path / "roll.json", ROLL_FIELDS)


@pytest.fixture
def sheet(line, tmp_path):
    """Return what runs the command, and the PDF that it is to write."""
    out = tmp_path / "stickers.pdf"

    def run_sheet(*words, code=0, template="a4-3x8", out=out):
        return line.run("stickers", "sheet", *words, "--template", template, "--out", out, code=code)

    return run_sheet, out


# --- what is printed --------------------------------------------------------------------------------------


def test_stickers_of_a_roll(sheet, roll, tmp_path):
    run_sheet, out = sheet
    done = run_sheet("--roll", roll, "--from", 10, "--to", 33, "--start", 4)
    assert done == {"labels": 24, "pages": 2, "template": "a4-3x8", "files": [str(out)]}
    stickers = [compute_sticker_id(ROLL, number) for number in range(10, 34)]
    assert read_texts(out.read_bytes(), tmp_path) == [
        encode_sticker_url(sticker, HOST) for sticker in stickers
    ]
    words = read_words(out.read_bytes(), tmp_path)
    assert [sticker for sticker in stickers if format_code(sticker)[10:] not in words] == []
    assert "开发环境" in words


def test_stickers_of_certificates_in_the_order_given(line, sheet, tmp_path):
    run_sheet, out = sheet
    done = run_sheet(ALSO_GOOD, GOOD, ALSO_GOOD, NEW)
    assert (done["labels"], done["codes_with_statement"], done["codes_looked_up_online"]) == (3, 3, 0)
    assert "note" not in done
    texts = read_texts(out.read_bytes(), tmp_path, 400)
    words = read_words(out.read_bytes(), tmp_path)
    assert [text.split("/")[3] for text in texts] == ["q", "q", "q"]
    for number, serial in ((ALSO_GOOD, "240000002"), (GOOD, "240000001"), (NEW, "240000006")):
        assert number in words
        assert serial in words


def test_the_code_of_a_sticker_is_that_of_the_certificate(line, sheet, tmp_path):
    line.issue(line.out / "0.jsonl", anchor=False)
    run_sheet, _ = sheet
    run_sheet(GOOD, "--png", tmp_path / "png", template="label-60x40-300")
    picture = (tmp_path / "png" / f"{GOOD}.png").read_bytes()
    assert read_qr_picture(picture) == read_qr_picture((line.folder(GOOD) / "qr.png").read_bytes())


def test_a_small_label_takes_the_short_form_and_the_answer_says_so(sheet, tmp_path):
    run_sheet, out = sheet
    done = run_sheet(GOOD, template="a4-3x8")
    assert done["codes_with_statement"] == 1
    done = run_sheet(GOOD, template="label-60x40-203")
    assert done["codes_with_statement"] == 1
    done = run_sheet(
        "--roll", write_json(tmp_path / "r.json", ROLL_FIELDS), "--to", 0, template="label-40x30-300"
    )
    assert "note" not in done
    assert out.exists()


def test_numbers_may_come_from_a_file(sheet, tmp_path):
    (tmp_path / "numbers.txt").write_text(f"\ufeff{GOOD}\r\n\r\n  {NEW}\r\n", "utf-8")
    run_sheet, _ = sheet
    assert run_sheet("--numbers", tmp_path / "numbers.txt")["labels"] == 2
    assert run_sheet(ALSO_GOOD, "--numbers", tmp_path / "numbers.txt")["labels"] == 3


def test_many_stickers_become_several_files(sheet, roll, tmp_path, monkeypatch):
    monkeypatch.setattr("issuer.rendering.stickers.LABELS_OF_A_FILE", 24)
    run_sheet, out = sheet
    done = run_sheet("--roll", roll, "--from", 0, "--to", 47)
    assert done["files"] == [str(out.with_name(f"stickers-{number}.pdf")) for number in (1, 2)]
    texts = [
        text for path in done["files"] for text in read_texts(tmp_path.joinpath(path).read_bytes(), tmp_path)
    ]
    assert texts == [encode_sticker_url(compute_sticker_id(ROLL, number), HOST) for number in range(48)]


def test_pictures_of_a_roll_know_their_size(sheet, roll, tmp_path):
    run_sheet, _ = sheet
    done = run_sheet("--roll", roll, "--to", 2, "--png", tmp_path / "png", template="label-40x30-203")
    assert done["pictures"] == str(tmp_path / "png")
    names = sorted(path.name for path in (tmp_path / "png").iterdir())
    assert names == sorted(f"{format_code(compute_sticker_id(ROLL, number))}.png" for number in range(3))
    with Image.open(tmp_path / "png" / names[0]) as picture:
        assert picture.size == (319, 239)


def test_a_line_for_the_date_is_there_when_it_is_asked_for(sheet, roll, tmp_path):
    run_sheet, out = sheet
    run_sheet("--roll", roll, "--to", 0)
    assert "有效期至" not in read_words(out.read_bytes(), tmp_path)
    run_sheet("--roll", roll, "--to", 0, "--date-line")
    assert "有效期至" in read_words(out.read_bytes(), tmp_path)


def test_the_templates_are_listed_for_people_and_programs():
    answer = run("stickers", "sheet", "--templates")
    assert (answer.code, [row.split()[0] for row in answer.out.splitlines()]) == (0, list(TEMPLATES))
    listed = run("stickers", "sheet", "--templates", "--json").members["templates"]
    assert listed[0] == {
        "name": "a4-3x8",
        "labels_a_page": 24,
        "label_mm": "63.5 x 33.9",
        "code_mm": "29.9",
        "dpi": 600,
        "module_mm": "0.423",
    }
    assert [members["name"] for members in listed] == list(TEMPLATES)
    assert listed[-1]["label_mm"] == "80 x 50"


def test_as_a_process_of_its_own(line, roll, tmp_path):
    out = tmp_path / "own.pdf"
    words = ["stickers", "sheet", "--roll", roll, "--to", 3, "--template", "a4-5x13", "--out", out]
    answer = run_process(*words, "--home", line.home, "--json")
    assert (answer.code, answer.members["labels"]) == (0, 4)
    assert len(read_texts(out.read_bytes(), tmp_path)) == 4


# --- what gets no sticker ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        (REJECTED, "it is a rejection notice; the old sticker is to be unbound", "检定结果通知书"),
        (WITHDRAWN, "it is withdrawn", "已撤回"),
        (SUSPENDED, "it is suspended", "已暂停使用"),
        (OLD, "it is superseded", "已被代替"),
        (EXPIRED, "its service life has ended on", "使用期限"),
        (IN_LOT, "its lot has failed", "所属批次不合格"),
        ("JY1999-000001", "the desk has no document of this number", "没有该编号"),
    ],
)
def test_a_document_out_of_force_gets_no_sticker(sheet, number, en, zh):
    run_sheet, out = sheet
    answer = run_sheet(GOOD, number, code=2)
    assert answer["error"] == "1 document without a sticker; nothing was printed"
    [refusal] = answer["refused"]
    assert refusal["number"] == number
    assert refusal["en"].startswith(en)
    assert refusal["en"].endswith(": its QR code is on the paper only")
    assert zh in refusal["zh"]
    assert not out.exists()


def test_all_of_them_are_named_at_once_for_people(line, tmp_path):
    out = tmp_path / "stickers.pdf"
    words = ["stickers", "sheet", *NUMBERS, "--template", "a4-3x8", "--out", out, "--home", line.home]
    answer = run(*words)
    assert (answer.code, answer.out, out.exists()) == (2, "", False)
    told = answer.err.splitlines()
    assert [row.split(":")[0] for row in told] == [
        REJECTED,
        WITHDRAWN,
        SUSPENDED,
        OLD,
        EXPIRED,
        IN_LOT,
        "error",
    ]
    assert told[-1] == "error: 6 documents without a sticker; nothing was printed"


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "field", "saying"),
    [
        (["--from", 5, "--to", 4], "--from", "5 is beyond 4"),
        (["--to", 1 << 20], "--to", "has the numbers 0 to 1048575"),
        (["--from", 0, "--to", sticker_sheets.MAX_LABELS], "labels", "10001 labels; one run prints 10000"),
        ([], "labels", "1048576 labels"),
        (["--to", 0, "--start", 0], "--start", "labels 1 to 24 on a page, not 0"),
        (["--to", 0, "--start", 25], "--start", "labels 1 to 24 on a page, not 25"),
        (["--to", 0, "--host", "other.example.cn"], "--host", f"codes of this home lead to {HOST}"),
        (["--to", 0, "--host", "Q.example.cn"], "--host", "not a lower-case DNS name"),
        (["--from", -1], "arguments", "'--from'"),
        (["--to", 0, GOOD], "arguments", "give numbers of certificates, or a roll"),
    ],
)
def test_bad_options_of_rolls(sheet, roll, words, field, saying):
    run_sheet, out = sheet
    answer = run_sheet("--roll", roll, *words, code=2)
    assert saying in answer["error"]
    assert answer.get("field") == field
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "field", "saying"),
    [
        ([], "arguments", "give numbers of certificates, or a roll"),
        ([GOOD, "--from", 1], "--roll", "for stickers of a roll"),
        ([GOOD, "--to", 1], "--roll", "for stickers of a roll"),
        ([GOOD, "--date-line"], "--roll", "for stickers of a roll"),
        ([GOOD, "--start", 99], "--start", "labels 1 to 24"),
    ],
)
def test_bad_options_of_certificates(sheet, words, field, saying):
    run_sheet, _ = sheet
    answer = run_sheet(*words, code=2)
    assert saying in answer["error"]
    assert answer["field"] == field


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--out", "x.pdf"], "--template"),
        (["--template", "a4-3x8"], "--out"),
        (["--template", "a4-9x9", "--out", "x.pdf"], "--template"),
    ],
)
def test_template_and_file_must_be_named(line, words, field):
    assert line.run("stickers", "sheet", GOOD, *words, code=2)["field"] == field


@pytest.mark.parametrize(
    ("change", "field", "saying"),
    [
        ({"institution": "350100-02"}, "roll.institution", f"this home is that of {INSTITUTION}"),
        ({"state": "withdrawn"}, "roll.state", "no sticker of it can be bound any more"),
        ({"count": 0}, "roll.count", ""),
        ({"roll": "0000000"}, "roll.roll", "the ledger knows no roll 0000000: allot it first"),
        ({"count": 7}, "roll", "was allotted with another count or seed"),
        ({"seed": "11" * 16}, "roll", "was allotted with another count or seed"),
        ({"roll": "7KQ2M9"}, "roll.roll", ""),
        ({"seed": "00"}, "roll.seed", ""),
        ({"colour": "red"}, "roll", "colour"),
    ],
)
def test_bad_rolls(sheet, tmp_path, change, field, saying):
    run_sheet, _ = sheet
    path = write_json(tmp_path / "bad.json", ROLL_FIELDS | change)
    answer = run_sheet("--roll", path, "--to", 0, code=2)
    assert answer["field"].startswith(field)
    assert saying in answer["error"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'{"roll":1}', b'{"a":1,"a":2}'])
def test_what_is_no_roll(sheet, tmp_path, raw):
    (tmp_path / "bad.json").write_bytes(raw)
    run_sheet, _ = sheet
    assert run_sheet("--roll", tmp_path / "bad.json", code=2)["field"].startswith("roll")


def test_files_that_are_not_there(sheet, line, tmp_path):
    run_sheet, _ = sheet
    assert "No such file" in run_sheet("--roll", tmp_path / "none.json", code=2)["error"]
    assert "No such file" in run_sheet("--numbers", tmp_path / "none.txt", code=2)["error"]
    assert "No such file" in run_sheet(GOOD, code=2, out=tmp_path / "none" / "x.pdf")["error"]
    (tmp_path / "latin.txt").write_bytes(b"\xfc\xff")
    assert run_sheet("--numbers", tmp_path / "latin.txt", code=2)["field"] == "--numbers"


def test_a_letter_that_no_font_has(line, sheet, tmp_path):
    file = json.loads(line.institution.read_text("utf-8"))
    file["institution"]["name"]["en"] = "Ⴀ Institute"
    run_sheet, out = sheet
    path = write_json(tmp_path / "institution.json", file)
    answer = run_sheet(GOOD, "--institution", path, code=2)
    assert answer["field"] == "letterhead.name_en"
    assert "U+10A0" in answer["error"]
    assert not out.exists()


def test_a_template_too_small_for_the_words(sheet):
    run_sheet, _ = sheet
    answer = run_sheet(GOOD, template="a4-5x13", code=2)
    assert answer["field"] == "--template"
    assert f"{GOOD}: a4-5x13, 38.1 x 21.2 mm, does not hold its words" in answer["error"]


# --- elsewhere --------------------------------------------------------------------------------------------


def test_behind_a_served_ledger_and_on_postgresql(tmp_path):
    with postgres_server() as server, server.fresh_database() as url:
        line = Line(tmp_path, ["--database", url, "--desk-database", url])
        with line.chain():
            line.found()
            line.issue(write_meters(line.out / "meters.jsonl", 3))
            line.run("amend", "withdraw", REJECTED, "--reason", "WRONG_RESULT")
            words = ["stickers", "sheet", "--template", "a4-3x8", "--out", tmp_path / "stickers.pdf"]
            assert line.run(*words, GOOD, ALSO_GOOD)["labels"] == 2
            line.run("anchor")
            with serve(line.home, "all", "--anchor-seconds", 1) as served:
                assert line.run(*words, GOOD, code=3)["kind"] == "HomeLocked"
                words += ["--ledger", served.url]
                assert line.run(*words, GOOD)["labels"] == 1
                [refusal] = line.run(*words, GOOD, REJECTED, code=2)["refused"]
        assert refusal["en"].startswith("it is withdrawn")


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from labels import certificate_label, press, MADE_AT
from issuer.rendering.label_templates import TEMPLATES
sheets = press().fit([certificate_label(number) for number in range(10_000)], TEMPLATES["a4-3x8"])
print(len(press().render(sheets, 0, MADE_AT)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_ten_thousand_labels_need_less_than_a_gibibyte():
    command = [sys.executable, "-c", MEMORY, str(Path(__file__).resolve().parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    files, kibibytes = map(int, done.stdout.split())
    assert files == 9
    assert kibibytes < 1 << 20
