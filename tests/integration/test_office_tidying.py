"""Uploads after a while: what nobody used is gone from the disk, of what was used only counts are left."""

import io
import sqlite3
from datetime import timedelta

import pytest
from desk_world import document
from import_world import alert, drafts, hand_in, kept, lines, open_keyed_world, row, take, upload
from office_world import OTHER, open_office_world
from world import INSTITUTION

from api.cli import main
from api.office import tidying
from api.office.tidying import TidyingLoop, tidy
from ledger.core.errors import NotFoundError, StoreUnavailableError

DAYS = timedelta(days=30)
PERSONAL = "王小二的加油站"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, tmp_path):
    with _open(request, tmp_path, lambda urls: open_keyed_world(tmp_path, urls)) as world:
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def plain(request, tmp_path):
    """An office whose persons have no keys."""
    roles = ["operator", "approver", "administrator"]
    with _open(request, tmp_path, lambda urls: open_office_world(tmp_path, urls=urls, roles=roles)) as world:
        yield world


def _open(request, folder, opening):
    from contextlib import ExitStack, contextmanager

    @contextmanager
    def opened():
        with ExitStack() as stack:
            urls = None
            if request.param == "postgresql":
                server = request.getfixturevalue("postgres")
                urls = [stack.enter_context(server.fresh_database()) for _ in range(3)]
            world = stack.enter_context(opening(urls))
            world.office_file = folder / "office.db" if urls is None else None
            yield world

    return opened()


def personal(number):
    return document(number, applicant={"name": PERSONAL})


def is_on_disk(world):
    """Tell whether personal values stand anywhere in the office's database; on PostgreSQL in its rows."""
    if world.office_file is None:
        with world.office.store.read() as office:
            rows = office.imports._connection.exec_driver_sql("SELECT * FROM office_imports").fetchall()
        cells = [
            bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
            for row in rows
            for cell in row
        ]
        return any(PERSONAL.encode() in cell for cell in cells)
    folder = world.office_file.parent
    return any(PERSONAL.encode() in path.read_bytes() for path in folder.glob("office.db*"))


def hand_in_plain(world, *values, name=f"{PERSONAL}.jsonl"):
    answer = upload(world, world.browser("approver"), name, lines(*values))
    return answer.headers["location"]


def test_what_nobody_used_is_deleted_and_leaves_nothing(plain):
    path = hand_in_plain(plain, personal(1), personal(2))
    assert is_on_disk(plain)
    assert tidy(plain.office.store, plain.clock.now + DAYS - timedelta(seconds=1), DAYS) == []
    assert kept(plain, path).raw is not None, "one second too early"
    (gone,) = tidy(plain.office.store, plain.clock.now + DAYS + timedelta(seconds=1), DAYS)
    assert (gone.tenant, gone.was_used) == (INSTITUTION, False)
    with pytest.raises(NotFoundError):
        kept(plain, path)
    assert not is_on_disk(plain)
    with plain.office.store.read() as office:
        happened = office.list_happenings(INSTITUTION, 1)[0]
    assert happened.event == "import-tidied"
    assert gone.digest.hex() in happened.detail
    assert "rows:2" in happened.detail
    assert plain.browser("approver").get(path).status_code == 404


def test_of_what_was_issued_counts_digest_and_people_stay(plain):
    bad = {**personal(2), "conclusion": PERSONAL}
    path = hand_in_plain(plain, personal(1), bad)
    approver = plain.browser("approver")
    assert plain.post(approver, f"{path}/issue", {"count": "1"}).status_code == 303
    before = kept(plain, path)
    assert (before.raw, is_on_disk(plain)) == (None, True), "its faults and its name are still there"
    (done,) = tidy(plain.office.store, plain.clock.now + DAYS * 2, DAYS)
    assert (done.was_used, done.digest) == (True, before.digest)
    after = kept(plain, path)
    assert not is_on_disk(plain)
    assert (after.file_name, after.errors, after.raw) == ("", None, None)
    assert (after.digest, after.account, after.done_by) == (before.digest, before.account, before.done_by)
    assert after.done_by == plain.accounts[INSTITUTION, "approver"]
    assert after.tidied_at is not None
    for name in ("to_issue", "refused", "rows", "refused_by_code"):
        assert after.summary[name] == before.summary[name]
    for language, words in (("en", "no longer kept"), ("zh", "不再保留")):
        page = plain.browser("approver", language=language).get(path).text
        assert words in page
        assert "JY2026-000001" in page
        assert words in plain.browser("approver", language=language).get("/imports").text
    assert tidy(plain.office.store, plain.clock.now + DAYS * 3, DAYS) == [], "once"


def test_a_file_that_a_person_drops_keeps_no_text_even_before(plain):
    path = hand_in_plain(plain, personal(1), {**personal(2), "conclusion": PERSONAL}, name="a.jsonl")
    assert plain.post(plain.browser("approver"), f"{path}/drop").status_code == 303
    found = kept(plain, path)
    assert (found.raw, found.errors, found.summary["samples"], found.summary["faults"]) == (
        None,
        None,
        [],
        [],
    )
    assert "no longer kept" in plain.browser("approver").get(path).text
    tidy(plain.office.store, plain.clock.now + DAYS * 2, DAYS)
    assert not is_on_disk(plain)
    with pytest.raises(NotFoundError):
        kept(plain, path)


def test_files_of_every_institution_are_tidied_and_newer_ones_are_not(plain):
    old = hand_in_plain(plain, personal(1))
    far = plain.browser("operator", OTHER)
    elsewhere = upload(plain, far, "b.jsonl", lines(personal(2))).headers["location"]
    plain.clock.move(days=31)
    new = hand_in_plain(plain, personal(3))
    found = tidy(plain.office.store, plain.clock.now, DAYS)
    assert {(one.id, one.tenant) for one in found} == {
        (old.rpartition("/")[2], INSTITUTION),
        (elsewhere.rpartition("/")[2], OTHER),
    }
    assert kept(plain, new).raw is not None


def test_drafts_outlive_the_file_that_they_came_of(world):
    """And what other operators had still to do with it is over."""
    path = hand_in(world, row(1), row(2, operator="P-op2"))
    take(world, path)
    (done,) = tidy(world.office.store, world.clock.now + DAYS * 2, DAYS)
    assert done.was_used
    found = kept(world, path)
    assert (found.state, found.raw, found.summary["report"]["made"]) == ("drafted", None, 1)
    page = world.browser("op").get(path).text
    assert "Drafts (1)" in page
    assert "name nobody" not in page
    assert "row 1 of the file" in world.browser("op").get("/drafts/1").text
    assert "already" in alert(take(world, path, code=409, name="op2"))
    assert len(drafts(world)) == 1


def test_more_than_one_transaction_holds(plain, monkeypatch):
    monkeypatch.setattr(tidying, "CHUNK", 2)
    for number in range(5):
        hand_in_plain(plain, personal(number))
    assert len(tidy(plain.office.store, plain.clock.now + DAYS * 2, DAYS)) == 5
    assert not is_on_disk(plain)


def test_killed_in_between_the_next_call_goes_on(plain, monkeypatch):
    monkeypatch.setattr(tidying, "CHUNK", 1)
    for number in range(3):
        hand_in_plain(plain, personal(number))
    real, left = tidying._tidy_chunk, [2]

    def killed(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(tidying, "_tidy_chunk", killed)
        with pytest.raises(KeyboardInterrupt):
            tidy(plain.office.store, plain.clock.now + DAYS * 2, DAYS)
    assert len(tidy(plain.office.store, plain.clock.now + DAYS * 2, DAYS)) == 1
    assert not is_on_disk(plain)


def test_the_loop_tidies_at_once_and_survives_an_outage(plain, monkeypatch):
    path = hand_in_plain(plain, personal(1))
    plain.clock.move(days=31)
    calls, real = [], tidying.tidy

    def flaky(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise StoreUnavailableError("injected")
        return real(*arguments)

    monkeypatch.setattr(tidying, "tidy", flaky)
    monkeypatch.setattr(tidying, "LOOP_SECONDS", 0.01)
    from served_home import wait_until

    with TidyingLoop(plain.office.store, plain.clock, DAYS):
        wait_until(lambda: True if len(calls) > 2 else None)
    with pytest.raises(NotFoundError):
        kept(plain, path)


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path):
    """A home whose office has a file of each kind that is forty days old, and one of today."""
    from api.office.import_store import Import, ImportState
    from api.office.serving import open_store
    from ledger.home import create_home
    from ledger.local import read_clock

    home = create_home(tmp_path / "home", origin="example.org/log", development=True)
    now = read_clock()
    with open_store(home) as store, store.write() as writing:
        for name, state, age in (
            ("i-unused", ImportState.CHECKED, 40),
            ("i-issued", ImportState.ISSUED, 40),
            ("i-new", ImportState.CHECKED, 1),
        ):
            at = now - timedelta(days=age)
            writing.imports.add(
                Import(
                    name,
                    INSTITUTION,
                    "a-1",
                    f"{PERSONAL}.csv",
                    bytes(32),
                    PERSONAL.encode(),
                    None,
                    state,
                    {"rows": 3, "faults": [PERSONAL]},
                    None,
                    at,
                    at,
                )
            )
    return home


def run(*words):
    from contextlib import redirect_stdout

    out = io.StringIO()
    with redirect_stdout(out):
        code = main([str(word) for word in words])
    return code, out.getvalue()


def ids(home):
    with sqlite3.connect(home.path / "office.db") as connection:
        return [one for (one,) in connection.execute("SELECT id FROM office_imports ORDER BY id")]


def test_the_command_says_what_it_dropped(home):
    code, out = run("office", "tidy", "--home", home.path)
    assert code == 0
    assert "i-unused 已删除 deleted (350100-01, SHA-256 0000" in out
    assert "i-issued 仅留数量 only counts kept" in out
    assert "i-new" not in out
    assert "30日前 older than 30 days: 删除 deleted 1, 清空 emptied 1" in out
    assert ids(home) == ["i-issued", "i-new"]
    assert PERSONAL not in out


def test_the_command_takes_days_and_answers_in_json(home):
    import json

    code, out = run("office", "tidy", "--days", 0, "--home", home.path, "--json")
    found = json.loads(out)
    assert (code, found["days"]) == (0, 0)
    assert [one["import"] for one in found["deleted"]] == ["i-unused", "i-new"]
    assert [one["import"] for one in found["emptied"]] == ["i-issued"]
    assert not any(PERSONAL.encode() in path.read_bytes() for path in home.path.glob("office.db*"))


@pytest.mark.parametrize(("days", "left"), [(60, 3), (1, 2)])
def test_the_period_is_a_setting(home, days, left, monkeypatch):
    monkeypatch.setenv("HENGZHENG_UPLOAD_DAYS", str(days))
    code, _ = run("office", "tidy", "--home", home.path)
    assert (code, len(ids(home))) == (0, left - (days == 1))


@pytest.mark.parametrize("days", ["0", "-1", "x", "4000"])
def test_no_such_period(home, days, monkeypatch):
    monkeypatch.setenv("HENGZHENG_UPLOAD_DAYS", days)
    assert run("office", "tidy", "--home", home.path)[0] == 2
    assert len(ids(home)) == 3


def test_an_operator_is_told_how_long_files_are_kept(plain):
    assert "deleted after 30 days" in plain.browser("operator").get("/imports").text
    assert "30日后删除" in plain.browser("operator", language="zh").get("/imports").text
