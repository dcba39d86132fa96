"""Batch import over HTTP: a look that changes nothing, the errors back, the issue by who stands as approver."""

import io
from dataclasses import replace

import orjson
import pytest
from desk_world import changed, document
from import_world import alert, lines, upload
from office_world import open_office_world
from world import INSTITUTION

from issuer.tables import DocumentState
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["operator", "approver", "auditor"]) as world:
        yield world


def issued(world):
    return world.office.tenants[INSTITUTION].documents.count()[DocumentState.LOGGED]


def test_a_file_is_looked_at_and_nothing_is_issued(world):
    browser = world.browser("operator")
    answer = upload(world, browser, "round.jsonl", lines(document(1), document(2), {"kind": 1}))
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert "<dd>2</dd>" in page
    assert "MALFORMED" in page
    assert "SN00000001" in page, "a sample"
    assert issued(world) == 0


def test_an_approver_issues_what_was_shown_once(world):
    path = upload(world, world.browser("operator"), "round.jsonl", lines(document(1), document(2))).headers[
        "location"
    ]
    approver = world.browser("approver")
    wrong = world.post(approver, f"{path}/issue", {"count": "3"})
    assert (wrong.status_code, issued(world)) == (422, 0)
    assert world.post(approver, f"{path}/issue", {"count": "2"}).status_code == 303
    assert issued(world) == 2
    assert "JY2026-000001 – JY2026-000002" in approver.get(path).text
    again = world.post(approver, f"{path}/issue", {"count": "2"})
    assert again.status_code == 409
    assert issued(world) == 2
    with world.office.store.read() as office:
        kept = office.imports.fetch(INSTITUTION, path.rpartition("/")[2])
    assert kept.raw is None, "personal data is not kept once it was issued"


def test_the_same_file_again_finds_what_was_issued_before(world):
    approver = world.browser("approver")
    for count, words in (("2", "JY2026-000002"), ("0", "Issued before")):
        path = upload(world, approver, "round.jsonl", lines(document(1), document(2))).headers["location"]
        if count != "0":
            world.post(approver, f"{path}/issue", {"count": count})
        assert words in approver.get(path).text
    assert issued(world) == 2


def test_nobody_issues_for_another_approver(world):
    other = changed(document(1), "persons.2.pid", "P-boss")
    path = upload(world, world.browser("approver"), "round.jsonl", lines(other)).headers["location"]
    answer = world.post(world.browser("approver"), f"{path}/issue", {"count": "1"})
    assert answer.status_code == 422
    assert "P-boss" in alert(answer)
    assert issued(world) == 0


def test_what_has_changed_since_it_was_shown_is_not_issued(world):
    path = upload(world, world.browser("approver"), "round.jsonl", lines(document(1))).headers["location"]
    world.issue(document(1))
    answer = world.post(world.browser("approver"), f"{path}/issue", {"count": "1"})
    assert answer.status_code == 409
    assert "upload the file again" in alert(answer)


def test_a_dropped_file_is_gone(world):
    browser = world.browser("approver")
    path = upload(world, browser, "round.jsonl", lines(document(1))).headers["location"]
    assert world.post(browser, f"{path}/drop").status_code == 303
    assert world.post(browser, f"{path}/drop").status_code == 409
    assert world.post(browser, f"{path}/issue", {"count": "1"}).status_code == 409
    assert issued(world) == 0


def test_the_workbook_of_errors_names_rows_and_reasons(world):
    python_calamine = pytest.importorskip("python_calamine")
    browser = world.browser("operator")
    raw = b"request_id,kind,instrument.serial\nx,periodic,SN1\n"
    path = upload(world, browser, "round.csv", raw).headers["location"]
    answer = browser.get(f"{path}/errors.xlsx")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0)
    head, row = sheet.to_python()
    assert head[:3] == ["request_id", "kind", "instrument.serial"]
    assert "conclusion" in row[3]


def test_members_that_all_rows_share_come_in_a_file_beside_it(world):
    whole = document(1)
    own = {"request_id": "R-1", "instrument": {"serial": whole["instrument"]["serial"]}}
    del whole["request_id"]
    browser = world.browser("operator")
    path = upload(world, browser, "round.jsonl", lines(own), orjson.dumps(whole)).headers["location"]
    assert "<dd>1</dd>" in browser.get(path).text


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("round.jsonl", b"", "File"),
        ("round.xls", b"x", "xlsx"),
        ("round.xlsm", b"PK", "macros"),
        ("round", b"x", "ends in none"),
        ("round.xlsx", b"PK\x03\x04 no workbook", "not an XLSX workbook"),
        ("round.csv", b"no,such,column\n1,2,3\n", "row 1"),
        ("../../etc/passwd.exe", b"x", "ends in none"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(world, name, raw, words):
    answer = upload(world, world.browser("operator"), name, raw)
    assert answer.status_code == 422
    assert words in alert(answer)


def test_a_name_is_shown_and_never_a_path(world):
    browser = world.browser("operator")
    path = upload(world, browser, "..\\..\\<b>x</b>.jsonl", lines(document(1))).headers["location"]
    assert "<h1>b&gt;.jsonl</h1>" in browser.get(path).text


def test_a_file_that_is_too_large_is_refused_unread(world):
    browser = world.browser("operator")
    answer = upload(world, browser, "round.jsonl", b"x" * (19 * 1024 * 1024))
    assert answer.status_code == 413


def test_a_stranger_sends_nothing_long(world):
    """The body is not read: a session that has ended, a made-up one, none, and a machine that nobody knows."""
    ended = world.browser("operator")
    world.post(ended, "/logout")
    signed = {"Signature-Input": 'sig=();keyid="m-0"', "Signature": "sig=:AA==:"}
    for headers in (
        {},
        {"Cookie": "office=made-up"},
        {"Cookie": f"office={ended.cookies.get('office')}"},
        signed,
    ):
        answer = world.client().post("/imports", content=b"x" * 1024, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["connection"] == "close"
    machine = world.add_machine("lims")
    signed = world.sign(machine, "POST", "/imports", b"x")
    assert world.client().post("/imports", content=b"x", headers=signed).status_code == 403


def test_an_auditor_sees_files_and_uploads_none(world):
    path = upload(world, world.browser("operator"), "round.jsonl", lines(document(1))).headers["location"]
    auditor = world.browser("auditor")
    assert auditor.get(path).status_code == 200
    assert 'action="/imports"' not in auditor.get("/imports").text
    assert f"{path}/issue" not in auditor.get(path).text


def test_a_ledger_out_of_reach_leaves_documents_waiting(world):
    browser = world.browser("approver")
    path = upload(world, browser, "round.jsonl", lines(document(1))).headers["location"]
    world.gateway.fail("submit")
    assert world.post(browser, f"{path}/issue", {"count": "1"}).status_code == 303
    assert "out of reach" in browser.get(path).text
    counts = world.office.tenants[INSTITUTION].documents.count()
    assert (counts[DocumentState.SIGNED], counts[DocumentState.LOGGED]) == (1, 0)
    world.issue(document(2))
    counts = world.office.tenants[INSTITUTION].documents.count()
    assert (counts[DocumentState.SIGNED], counts[DocumentState.LOGGED]) == (0, 2), "the index has seen it"


def test_documents_are_searched_by_every_word(world):
    numbers = world.issue(*(document(number) for number in range(1, 4)))
    browser = world.browser("auditor")
    assert all(number in browser.get("/documents").text for number in numbers)
    page = browser.get("/documents", params={"q": "sn00000002 ex-1224"}).text
    assert numbers[1] in page
    assert numbers[0] not in page
    assert "Nothing found" in browser.get("/documents", params={"q": "sn00000002 nowhere"}).text


def test_a_long_list_goes_on_on_the_next_page(world):
    world.issue(*(document(number) for number in range(1, 53)))
    browser = world.browser("auditor")
    page = browser.get("/documents").text
    assert page.count("<tr>") == 51
    older = page.partition("before=")[2].partition('"')[0]
    assert browser.get(f"/documents?before={older}").text.count("<tr>") == 3


def test_a_withdrawn_document_does_not_say_how_the_instrument_stands(world):
    world.issue(document(1))
    tenant = world.office.tenants[INSTITUTION]
    with tenant.desk.write() as desk:
        act = desk.add_act("JY2026-000001", EventType.WITHDRAW, b"statement", 0)
    assert tenant.documents.list_newest(), "an act that waits has no effect"
    with tenant.desk.write() as desk:
        desk.save_act(replace(act, state=DocumentState.LOGGED, leaf_index=LeafIndex(99)), 1)
    assert not tenant.documents.list_newest()
    assert "withdrawn" in world.browser("auditor").get("/documents").text
