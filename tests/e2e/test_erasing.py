"""A person asks for removal: the desk forgets who they are, and their certificate verifies as before."""

from contextlib import closing

import pytest
from line import INSTITUTION, run, write_rows
from signoff_line import OPERATOR, SignOffLine

from api.office.document_index import DocumentIndex
from issuer.store import DeskStore
from ledger.store.engine import Database

OWNER, ADDRESS, WHERE = "示例加油站（鼓楼店）", "鼓楼区示例路八号", "一号加油岛旁"
APPLICANT, STAFF = "福州示例石油有限公司", ("林示例", "陈示例", "张示例")
GROUNDS = "个人信息删除请求 2026-11-05"


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = SignOffLine(tmp_path_factory.mktemp("erasing"))
    with made.chain():
        made.found()
        made.register()
        yield made


@pytest.fixture(scope="module")
def numbers(line):
    """Two documents under one application."""
    instrument = line.content(0)["instrument"]
    site = instrument["site"] | {"address": ADDRESS}
    owned = instrument | {"owner": {"name": OWNER, "organisation": True}, "site": site}
    contents = [
        line.content(
            number, instrument=owned | {"serial": f"SN{number}"}, place={"kind": "on_site", "where": WHERE}
        )
        for number in (1, 2)
    ]
    path = write_rows(line.out / "owned.jsonl", contents)
    application = line.accept()
    ids = line.office("draft", path, "--application", application, "--person", OPERATOR)["drafts"]
    done = line.sign_all(ids, "--anchor", "--out", line.out)
    line.office("files", "--all", "--out", line.out)
    line.application = application
    line.ids = ids
    return [one["number"] for one in done["done"]]


def erase(line, number, *options, grounds=GROUNDS, code=0):
    words = ("erase", number, "--grounds", grounds, "--person", OPERATOR)
    return line.run(*words, *options, code=code)


def count(line, text):
    """Return how often the desk's database has a text on disk, its write-ahead log included."""
    files = b"".join(path.read_bytes() for path in line.home.glob("desk.db*"))
    return files.count(text.encode()) + files.count(text.encode("ascii", "backslashreplace"))


def test_what_cannot_be_erased_is_refused(line, numbers):
    assert "no document" in erase(line, "JY2026-000099", "--yes", code=2)["error"]
    assert erase(line, numbers[0], "--yes", grounds="a\nb", code=2)["field"] == "--grounds"
    assert erase(line, numbers[0]) == {"number": numbers[0], "holds_personal_members": True}
    assert all(count(line, text) for text in (OWNER, ADDRESS, WHERE, APPLICANT, *STAFF))


def test_one_document_is_forgotten_the_other_is_not(line, numbers):
    before = {text: count(line, text) for text in (OWNER, ADDRESS, WHERE, *STAFF)}
    said = erase(line, numbers[0], "--yes")
    assert (said["holds_personal_members"], said["grounds"], said["erased_by"]) == (False, GROUNDS, OPERATOR)
    assert erase(line, numbers[0], "--yes", grounds="another") == said, "the same again changes nothing"
    for text, was in before.items():
        assert 0 < count(line, text) <= was / 2, text
    assert count(line, APPLICANT), "the other document needs the application"
    assert run("dcc", "export", numbers[0], "--holder", "--home", line.home, "--out", line.out).code == 2
    assert line.run("dcc", "export", numbers[1], "--holder", "--out", line.out)


def test_a_running_office_forgets_too(line, numbers):
    with closing(Database(line.opened.desk_database_url)) as database:
        index = DocumentIndex(DeskStore(database, INSTITUTION, line.opened.origin))
        assert [index.find(number).owner for number in numbers] == ["", OWNER]
        assert [one.number for one in index.search(OWNER, limit=9)] == [numbers[1]]
        erase(line, numbers[1], "--yes")
        assert index.find(numbers[1]).owner == ""
        assert index.search(OWNER, limit=9) == []


def test_when_the_last_is_forgotten_nothing_of_it_is_left(line, numbers):
    erase(line, numbers[1], "--yes")
    for text in (OWNER, ADDRESS, WHERE, APPLICANT, *STAFF):
        assert count(line, text) == 0, text
    path = write_rows(line.out / "more.jsonl", [line.content(9)])
    words = ("draft", path, "--application", line.application, "--person", OPERATOR)
    assert "was erased" in line.office(*words, code=2)["error"]


def test_everything_else_stands(line, numbers):
    for number in numbers:
        assert line.verify(number, code=0)["verdict"] == "VALID"
    line.run("doctor", "--deep")
    assert line.office("show", line.ids[0])["document"]["state"] == "logged"
    assert line.run("document", *numbers, "--out", line.out / "again")["documents"] == 2
    assert [one["number"] for one in line.approve(1)["done"]] == numbers, "the same again changes nothing"
