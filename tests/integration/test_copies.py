"""Scans on the public site, over HTTP: counted, told, judged, marked; on databases of both kinds."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from api_world import JSON, ApiWorld, long_path
from copies_world import (
    BEIJING,
    DOCUMENT,
    FUZHOU,
    NANCHANG,
    NEARBY,
    ROLL,
    STICKER,
    WUHAN,
    XIAMEN,
    open_copies_world,
)
from reports_world import COUNTY
from sticker_world import PUMP, SCALE
from world import AUTHORITY, INSTITUTION

from api.copies.findings import EnteredArea, FindingAnswer, FindingState
from api.copies.judging import Judging
from api.copies.rules import Counted, Rule, Seen, Standing, load_numbers
from api.copies.store import CODE_A_DAY, PLACES_A_DAY, ScanStore
from api.reports.store import ReportStore
from ledger.core.calendar_rules import days_from_date
from ledger.core.errors import StateError, UnavailableError
from ledger.core.qr import compute_code
from ledger.core.sticker_use import StickerReason
from ledger.store.engine import Database

HINT = "scanned at places far apart"
AMBER = "Possibly copied"


@pytest.fixture
def world(tmp_path):
    with open_copies_world(f"sqlite:///{tmp_path}/reports.db") as world:
        yield world


@pytest.fixture
def any_world(database_url):
    with open_copies_world(database_url) as world:
        yield world


def count(world):
    """Return scans and callers by code, after a round."""
    world.judging.go_round()
    return {(one.kind, one.code): (one.scans, one.callers) for one in world.scans.list_counts(0)}


# --- counted ------------------------------------------------------------------------------------------------


def test_pages_are_counted_without_any_place(any_world):
    any_world.scan()
    any_world.scan(language="zh-CN")
    any_world.scan(address="198.51.100.9")
    any_world.look(f"/c/{any_world.code}")
    assert count(any_world) == {
        (STICKER, any_world.sticker): (3, 2),
        (DOCUMENT, any_world.code): (1, 1),
    }
    any_world.scan()
    assert count(any_world)[STICKER, any_world.sticker] == (4, 2)
    assert any_world.scans.list_told_since(0) == []


def test_both_codes_of_a_document_are_one(world):
    issued = world.desk.documents[world.code]
    assert compute_code(issued.raw) == world.code
    world.look(long_path(issued))
    world.look(f"/c/{world.code.lower()}")
    assert count(world) == {(DOCUMENT, world.code): (2, 1)}


def test_what_no_person_opens_is_not_counted(world):
    world.look(f"/s/{world.sticker}", **JSON)
    world.look(f"/s/{world.sticker}/proof.json")
    world.look(f"/c/{world.code}/bundle.json")
    world.look("/i/" + "00" * 16)
    world.look("/s/nonsense")
    assert count(world) == {}


def test_a_page_that_the_browser_has_is_counted_again(world):
    first = world.scan()
    again = world.scan(**{"If-None-Match": first.headers["etag"], "Accept-Encoding": "identity"})
    assert again.status_code in {200, 304}
    assert count(world)[STICKER, world.sticker] == (2, 1)


def test_of_what_nobody_was_given_only_the_roll_is_kept(world):
    beyond = world.beyond(0)
    assert world.scan(beyond).status_code == 404
    made_up = compute_code(b"made up by somebody")
    world.scan(made_up)
    world.look(f"/c/{compute_code(b'never')}")
    counted = count(world)
    assert counted == {(ROLL, world.desk.roll.roll): (1, 1), (ROLL, ""): (2, 2)}
    assert {one.standing for one in world.scans.list_counts(0)} == {Standing.UNKNOWN}


def test_a_second_day_is_another_row(world):
    world.scan()
    count(world)
    world.move(days=1)
    world.scan()
    count(world)
    first, second = reversed(world.scans.list_counts(0, world.sticker))
    assert (first.day + 1, first.callers, second.callers) == (second.day, 1, 1)


# --- the database is away -----------------------------------------------------------------------------------


def test_pages_do_without_the_database(world, monkeypatch):
    world.confirm()

    def fail(*_):
        raise UnavailableError("postgresql://secret")

    monkeypatch.setattr(world.database, "write", fail)
    monkeypatch.setattr(world.database, "read", fail)
    page = world.scan(language="zh-CN")
    assert page.status_code == 200
    assert "可能被复制" in page.text, "what was known last stays"
    with pytest.raises(UnavailableError):
        world.judging.go_round()
    answer = world.tell(cell=FUZHOU)
    assert answer.status_code == 503
    assert "secret" not in answer.text
    monkeypatch.undo()
    world.scan()
    assert world.judging.go_round() == 0


def test_what_was_told_before_a_failed_round_is_judged_in_the_next(world, monkeypatch):
    world.tell(cell=FUZHOU)
    world.judging.go_round()
    world.tell(cell=BEIJING, address="198.51.100.9")

    def fail(_):
        raise UnavailableError("away")

    monkeypatch.setattr(world.directory, "find", fail)
    with pytest.raises(UnavailableError):
        world.judging.go_round()
    monkeypatch.undo()
    assert [one.rule for one in world.find()] == [Rule.TRAVEL]


def test_a_process_that_begins_anew_judges_what_was_told_before(world):
    world.tell(cell=FUZHOU)
    world.tell(cell=BEIJING, address="198.51.100.9")
    world.watch.told.clear()
    world.judging = Judging(world.watch, load_numbers(), 90)
    assert len(world.find()) == 1


def test_a_database_of_another_log_is_refused(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/r.db")) as database:
        reports = ReportStore(database, "one.example/1")
        ScanStore(reports, "one.example/1").prepare()
        with pytest.raises(StateError, match="database of scans is of the origin"):
            ScanStore(reports, "two.example/1").prepare()


def test_a_site_that_takes_no_reports_asks_and_counts_nothing():
    with ApiWorld() as served:
        served.found()
        page = served.client.get(f"/c/{served.issue(1)}")
        assert 'id="place"' not in page.text
        assert page.headers["permissions-policy"].endswith("geolocation=()")
        assert served.client.post("/place", data={}).status_code == 404


def test_only_pages_that_ask_may_look_where_the_device_is(world):
    assert world.scan().headers["permissions-policy"] == "camera=(), microphone=(), geolocation=(self)"
    for path in ("/report", f"/s/{world.sticker}/proof.json", "/checkpoint"):
        assert "geolocation=()" in world.look(path).headers["permissions-policy"]


# --- told ---------------------------------------------------------------------------------------------------


def test_a_place_is_stored_as_a_cell_and_an_hour(any_world):
    answer = any_world.tell(cell=FUZHOU)
    assert (answer.status_code, answer.content) == (204, b"")
    any_world.tell(cell=FUZHOU, address="198.51.100.9")
    hour = int(any_world.now.timestamp()) // 3600
    found = any_world.scans.list_places(0, STICKER)
    assert found == [(any_world.sticker, Seen(FUZHOU, hour, 2))]


def test_nothing_that_is_stored_names_anybody(any_world):
    any_world.tell(cell=FUZHOU, address="203.0.113.77")
    any_world.tell(cell=BEIJING, address="2001:db8:77::1")
    any_world.find()
    for row in dump(any_world):
        text = " ".join(str(bytes(one) if isinstance(one, memoryview) else one) for one in row)
        for word in ("203.0.113", "2001:db8", "testclient", "cb00714d"):
            assert word not in text


def dump(world):
    """Yield every row of every table."""
    with world.database.read() as connection:
        names = world.database._writer.dialect.get_table_names(connection)
        assert {"scan_counts", "scan_places", "scan_findings", "report_counts"} <= set(names)
        for name in names:
            yield from connection.exec_driver_sql(f"SELECT * FROM {name}").all()


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": ""},
        {"cell": "26.0745,119.2965"},
        {"cell": "2607,1192"},
        {"cell": ["260,1192", "399,1163"]},
        {"kind": "r"},
        {"kind": "x"},
        {"kind": ""},
        {"kind": "c"},
        {"code": ""},
        {"code": "nonsense"},
        {"code": "Y0E5Q0BVPKA486WB"},
        {"code": "x" * 100},
        {"scan": ""},
        {"scan": "1.00"},
        {"scan": None},
        {"more": "1"},
    ],
)
def test_what_a_page_would_not_send_is_refused(world, changes):
    answer = world.tell(**changes)
    assert answer.status_code == 422
    assert answer.json()["zh"]
    assert world.scans.list_told_since(0) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"kind=s", "text/plain"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"", ""),
    ],
)
def test_another_body_is_refused(world, body, kind):
    answer = world.browse().post("/place", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422


def test_another_site_tells_nothing(world):
    fields = {**world.ask_of(world.scan().text), "cell": str(FUZHOU)}
    for site in ("cross-site", "same-site", "none"):
        answer = world.browse().post("/place", data=fields, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert world.browse().get("/place").status_code == 405
    assert world.browse().post("/place", content=b"x" * 20_000).status_code == 413


def test_a_page_is_good_for_half_an_hour_and_for_its_code(world):
    page = world.scan().text
    fields = {**world.ask_of(page), "cell": str(FUZHOU)}
    other = world.desk.sticker(1)
    world.desk.bind(other, SCALE)
    foreign = world.ask_of(world.scan(other).text)["scan"]
    report = world.intake.make_link(world.sticker).partition("scan=")[2]
    for wrong in (foreign, report, fields["scan"][:-1] + "x"):
        assert world.browse().post("/place", data=fields | {"scan": wrong}).status_code == 422
    world.move(minutes=31)
    assert world.browse().post("/place", data=fields).status_code == 422
    world.move(minutes=-1)
    assert world.browse().post("/place", data=fields).status_code == 204


def test_one_faker_is_one_observation(world):
    """However often, and wherever: nothing is found, and nothing is on anybody's page."""
    for cell in (FUZHOU, BEIJING, XIAMEN, NANCHANG, WUHAN):
        for _ in range(4):
            assert world.tell(cell=cell).status_code == 204, "nobody learns what counts"
    assert world.find() == []
    assert len(world.scans.list_places(0, STICKER)) == 1
    assert HINT not in world.scan().text


def test_many_fakers_colour_nothing_either(world):
    for number in range(CODE_A_DAY):
        cell = (FUZHOU, BEIJING, XIAMEN, WUHAN)[number % 4]
        assert world.tell(cell=cell, address=f"10.1.{number // 200}.{number % 200}").status_code == 204
    assert world.tell(cell=BEIJING, address="192.0.2.1").status_code == 429
    assert {one.rule for one in world.find()} == {Rule.TRAVEL, Rule.PLACES}
    page = world.scan().text
    assert HINT in page
    assert AMBER not in page
    assert '<section class="verdict valid">' in page


def test_one_caller_tells_so_many_codes_a_day(world):
    for number in range(1, PLACES_A_DAY + 2):
        sticker = world.desk.sticker(number)
        answer = world.tell(f"/s/{sticker}")
        assert answer.status_code == (204 if number <= PLACES_A_DAY else 429), number
    world.move(days=1)
    assert world.tell(f"/s/{sticker}").status_code == 204


def test_places_of_unknown_codes_are_one_heap(world):
    for text in (b"one", b"two"):
        world.tell(f"/c/{compute_code(text)}")
    world.tell(f"/s/{world.beyond(0)}", BEIJING)
    hour = int(world.now.timestamp()) // 3600
    assert world.scans.list_places(0, ROLL) == [("", Seen(FUZHOU, hour, 1))], (
        "one caller, one code, one place"
    )


# --- found --------------------------------------------------------------------------------------------------


def test_two_far_scans_are_a_note_and_a_hint(any_world):
    any_world.tell(cell=FUZHOU)
    any_world.tell(cell=NEARBY, address="192.0.2.8")
    assert any_world.find() == []
    any_world.tell(cell=BEIJING, address="198.51.100.9")
    (finding,) = any_world.find()
    assert (finding.rule, finding.kind, finding.code) == (Rule.TRAVEL, STICKER, any_world.sticker)
    assert (finding.authority, finding.institution) == (AUTHORITY, INSTITUTION)
    assert finding.instrument is not None
    assert {one.cell for one in finding.evidence.seen} == {FUZHOU, NEARBY, BEIJING}
    page = any_world.scan().text
    assert HINT in page
    assert '<section class="verdict valid">' in page, "a hint changes no verdict"
    assert any_world.look(f"/s/{any_world.sticker}", **JSON).json()["copies"] == "suspected"
    assert HINT not in any_world.look(f"/c/{any_world.code}").text, "the code that was copied, and no other"


def test_the_same_is_found_once_and_renewed(any_world):
    any_world.tell(cell=FUZHOU)
    any_world.tell(cell=BEIJING, address="198.51.100.9")
    (first,) = any_world.find()
    any_world.move(minutes=10)
    assert any_world.find() == [first], "nothing new"
    any_world.tell(cell=BEIJING, address="192.0.2.8")
    (again,) = any_world.find()
    assert again.id == first.id
    assert again.renewed_at_ms > first.renewed_at_ms
    assert sum(one.count for one in again.evidence.seen) == 3


def test_the_authority_of_the_longest_division_is_in_charge(tmp_path):
    with open_copies_world(f"sqlite:///{tmp_path}/r.db", takers=(AUTHORITY, COUNTY)) as world:
        world.tell(cell=FUZHOU)
        world.tell(cell=BEIJING, address="198.51.100.9")
        assert world.find(AUTHORITY) == []
        (finding,) = world.find(COUNTY)
        world.scans.answer(AUTHORITY, [FindingAnswer(finding.id, 1, FindingState.CONFIRMED, 1)])
        world.judging.go_round()
        assert AMBER not in world.scan().text, "another authority has no say"
        world.answer(finding, FindingState.CONFIRMED)
        assert AMBER in world.scan().text


def test_an_area_counts_if_those_in_charge_have_entered_it(any_world):
    any_world.tell(cell=XIAMEN)
    area = EnteredArea(any_world.sticker, FUZHOU.south, FUZHOU.west, 30, 1)
    any_world.scans.enter_areas("CN-36", [area])
    assert any_world.find() == []
    any_world.scans.enter_areas(AUTHORITY, [replace(area, km=500)])
    assert any_world.find() == []
    any_world.scans.enter_areas(AUTHORITY, [area])
    (finding,) = any_world.find()
    assert finding.rule is Rule.OUTSIDE
    assert "far from where its instrument stands" in any_world.scan().text


@pytest.mark.parametrize(("category", "rules"), [("TAXIMETER", []), ("PRICE_SCALE", [Rule.OUTSIDE])])
def test_a_taximeter_has_no_area(world, category, rules):
    """A page says which category it is about; what drives about is at home everywhere."""
    page = world.scan().text
    finding = world.watch.counter._waiting.pop()[2]
    document = replace(finding.report.document, category=category)
    report = replace(finding.report, document=document)
    world.watch.counter.note(f"/s/{world.sticker}", "192.0.2.5", replace(finding, report=report))
    world.judging.go_round()
    fields = {**world.ask_of(page), "cell": str(XIAMEN)}
    assert world.browse("192.0.2.5").post("/place", data=fields).status_code == 204
    world.scans.enter_areas(AUTHORITY, [EnteredArea(world.sticker, FUZHOU.south, FUZHOU.west, 30, 1)])
    assert [one.rule for one in world.find()] == rules


def test_a_document_is_noted_at_many_places_only_and_hinted_at_never(world):
    path = f"/c/{world.code}"
    for number, cell in enumerate((FUZHOU, XIAMEN, NANCHANG)):
        world.tell(path, cell, f"192.0.2.{number}")
    assert world.find() == [], "paper and files travel"
    world.tell(path, WUHAN, "192.0.2.9")
    (finding,) = world.find()
    assert (finding.kind, finding.rule) == (DOCUMENT, Rule.PLACES)
    assert HINT not in world.look(path).text
    world.answer(finding, FindingState.CONFIRMED)
    assert AMBER in world.look(path).text
    assert AMBER in world.look(long_path(world.desk.documents[world.code])).text
    assert AMBER not in world.scan().text


def test_a_sticker_that_is_out_of_use_and_scanned_is_noted(world):
    other = world.desk.sticker(1)
    world.desk.bind(other, SCALE)
    for number in range(5):
        world.scan(other, f"192.0.2.{number}")
    world.judging.go_round()
    world.desk.release(other, SCALE, reason=StickerReason.LOST)
    for number in range(2):
        world.scan(other, f"198.51.100.{number}")
        assert world.find() == [], "those before do not count"
    world.scan(other, "198.51.100.9")
    (finding,) = world.find()
    assert finding.rule is Rule.RETIRED
    assert finding.evidence.counted == Counted(days_from_date(world.today), 8, 3)
    assert HINT not in world.scan(other).text, "the page says by itself that it is out of use"


def test_stickers_that_are_not_in_use_or_nobodys_are_noted_by_roll(world):
    unused, beyond = world.desk.sticker(7), [world.beyond(number) for number in range(10)]
    for number in range(10):
        world.scan(beyond[number], f"192.0.2.{number}")
        if number < 5:
            world.scan(unused, f"192.0.2.{number}")
    found = {one.rule: one for one in world.find()}
    assert set(found) == {Rule.UNUSED, Rule.UNKNOWN}
    assert found[Rule.UNUSED].code == unused
    assert found[Rule.UNKNOWN].code == world.desk.roll.roll
    assert found[Rule.UNKNOWN].institution == INSTITUTION


def test_what_nobody_is_in_charge_of_is_counted_and_no_more(tmp_path):
    with open_copies_world(f"sqlite:///{tmp_path}/r.db", takers=(AUTHORITY, COUNTY)) as world:
        for number in range(12):
            world.look(f"/c/{compute_code(bytes([number]))}", f"192.0.2.{number}")
        assert world.find() == []
        assert world.find(COUNTY) == []
        assert count(world)[ROLL, ""] == (12, 12)


# --- a person has looked ------------------------------------------------------------------------------------


def test_amber_only_after_a_person_and_the_record_stays(any_world):
    finding = any_world.confirm()
    page = any_world.scan().text
    assert f'<h1 role="status">{AMBER}</h1>' in page
    assert '<section class="verdict copied">' in page
    assert "Its record: Valid." in page
    assert HINT not in page
    answer = any_world.look(f"/s/{any_world.sticker}", **JSON).json()
    assert (answer["shown"], answer["verdict"], answer["copies"]) == ("VALID", "VALID", "confirmed")
    proof = any_world.look(f"/s/{any_world.sticker}/proof.json").text
    assert "confirmed" not in proof
    any_world.answer(finding, FindingState.CONFIRMED, FindingState.LIFTED)
    page = any_world.scan().text
    assert AMBER not in page
    assert HINT not in page
    assert "copies" not in any_world.look(f"/s/{any_world.sticker}", **JSON).json()


def test_what_was_dismissed_comes_back_only_with_something_new(any_world):
    any_world.tell(cell=FUZHOU)
    any_world.tell(cell=BEIJING, address="198.51.100.9")
    (finding,) = any_world.find()
    any_world.answer(finding, FindingState.DISMISSED)
    assert HINT not in any_world.scan().text
    any_world.watch.told.add((STICKER, any_world.sticker))
    assert any_world.find() == [finding]
    any_world.move(hours=2)
    any_world.tell(cell=FUZHOU, address="192.0.2.1")
    any_world.judging.go_round()
    assert any_world.find() == [finding], "one new place and an old one are not enough"
    any_world.tell(cell=BEIJING, address="192.0.2.2")
    again = any_world.find()
    assert len(again) == 2
    assert HINT in any_world.scan().text


def test_what_was_confirmed_is_not_found_again(world):
    world.confirm()
    world.move(hours=1)
    world.tell(cell=BEIJING, address="192.0.2.2")
    assert len(world.find()) == 1
    assert AMBER in world.scan().text


def test_a_new_sticker_ends_it(world):
    """The remedy: the old one, and its copies, say that they were replaced; the new one has nothing against it."""
    world.confirm()
    new = world.desk.sticker(3)
    world.desk.bind(new, PUMP)
    world.anchor()
    assert AMBER not in world.scan(new).text
    page = world.scan().text
    assert "Sticker replaced" in page
    assert AMBER not in page


@pytest.mark.parametrize("act", ["expired", "failed"])
def test_a_harder_fact_keeps_its_look(world, act):
    world.confirm()
    if act == "expired":
        world.now += timedelta(days=400)
        world.seconds += 2
    else:
        world.desk.verify(1, fails=True)
        world.anchor()
    page = world.scan().text
    assert '<section class="verdict copied">' not in page
    assert f'<h1 role="status">{AMBER}' not in page
    if act == "expired":
        assert "The authority has found copies of it." in page


def test_a_mark_is_on_the_page_as_soon_as_it_is_known(world):
    """Kept pages depend on the marks: nobody waits for the next minute."""
    world.tell(cell=FUZHOU)
    world.tell(cell=BEIJING, address="198.51.100.9")
    assert HINT not in world.scan().text
    version = world.watch.version
    world.judging.go_round()
    assert world.watch.version == version + 1
    assert HINT in world.scan().text
    world.judging.go_round()
    assert world.watch.version == version + 1


# --- forgotten ----------------------------------------------------------------------------------------------


def test_counts_and_places_are_forgotten_and_what_is_open_stays(any_world):
    any_world.tell(cell=FUZHOU)
    any_world.tell(cell=BEIJING, address="198.51.100.9")
    (finding,) = any_world.find()
    any_world.move(days=90)
    assert any_world.judging.tidy() == 0
    any_world.move(days=1)
    assert any_world.judging.tidy() == 3
    assert any_world.scans.list_counts(0) == []
    assert any_world.find() == [finding]
    any_world.answer(finding, FindingState.DISMISSED)
    any_world.move(days=92)
    any_world.judging.tidy()
    assert any_world.find() == []


def test_a_finding_of_a_code_whose_counts_are_gone_is_judged_quietly(world):
    assert world.watch.store.read_scans((STICKER, "0" * 16), 0) is None
    world.watch.told.add((STICKER, "0" * 16))
    assert world.judging.go_round() == 0


def test_notes_are_taken_in_without_a_look_at_them(world):
    """What the page path does: nothing but appending."""
    note = world.watch.counter.note
    note("/s/x", "203.0.113.7", SimpleNamespace())
    assert len(world.watch.counter._waiting) == 1
    world.watch.counter._waiting.clear()
