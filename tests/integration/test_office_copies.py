"""Signs of copied stickers at an authority's desk: fetched from a public site, decided, told; over HTTP."""

import secrets
from contextlib import closing
from dataclasses import replace

import pytest
from office_world import (
    AUTHORITY_TENANT,
    OTHER_AUTHORITY,
    make_finding,
    open_office_world,
)
from world import ORIGIN

from api.copies.cells import Cell
from api.copies.evidence import Evidence
from api.copies.findings import FindingState
from api.copies.rules import Area, CodeKind, Counted, Rule, Seen
from api.copies.store import ScanStore
from api.office.copy_store import CopyStore
from api.office.copy_taking import PAGE, CopyTaking
from api.reports.store import ReportStore
from issuer.sticker_desk import StickerDesk
from ledger.core.errors import StateError, UnavailableError
from ledger.core.event import placement_subject, sticker_subject
from ledger.core.ids import InstrumentId, LeafIndex
from ledger.core.status import Status, SubjectState
from ledger.core.sticker import compute_sticker_id
from ledger.store.engine import Database

STICKER = "7KQ2M9X0000CW2TT"
ROLES = ("authority", "administrator", "auditor", "operator")


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=ROLES) as world:
        yield world


@pytest.fixture
def browser(world):
    return world.browser("authority", AUTHORITY_TENANT)


class Site:
    """The public site's scans, and what fetches notes of them for an authority."""

    def __init__(self, world, database):
        self.world = world
        self.inbox = ScanStore(ReportStore(database, ORIGIN), ORIGIN)
        self.inbox.prepare()
        self.desk = world.office.tenants[AUTHORITY_TENANT].copies
        self.taking = CopyTaking(self.inbox, self.desk, AUTHORITY_TENANT)

    def find(self, authority=AUTHORITY_TENANT, **changes):
        finding = make_finding(secrets.token_bytes(8), authority, self.world.clock.now, **changes)
        assert self.inbox.raise_finding(finding)
        return finding

    def states(self):
        return {found.id: state for found, state, _ in self.inbox.list_states()}


@pytest.fixture
def site(world, tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/reports.db")) as database:
        yield Site(world, database)


@pytest.fixture
def any_site(world, database_url):
    with closing(Database(database_url)) as database:
        yield Site(world, database)


def decide(world, browser, note, step="confirmed", reason="现场核实", seen="open", **changes):
    fields = {"step": step, "reason": reason, "seen": seen, **changes}
    return world.post(browser, f"/copies/{note}/step", fields)


# --- fetched, told ------------------------------------------------------------------------------------------


def test_a_finding_is_fetched_decided_and_told(any_site):
    finding = any_site.find()
    any_site.find(OTHER_AUTHORITY, code="7KQ2M9X0001DW2TT")
    done = any_site.taking.go_round()
    assert (done.fetched, done.told) == (1, 0)
    (note,) = any_site.desk.list_notes(only_open=True, limit=10)
    assert note.finding == finding
    any_site.desk.take_step(note, FindingState.CONFIRMED, "郑示例", "两处均有", 1)
    assert any_site.taking.go_round().told == 1
    assert any_site.states()[finding.id] is FindingState.CONFIRMED
    assert any_site.taking.go_round() == replace(done, fetched=0)


def test_newer_evidence_comes_and_the_state_stays(any_site):
    finding = any_site.find()
    any_site.taking.go_round()
    (note,) = any_site.desk.list_notes(only_open=True, limit=10)
    any_site.desk.take_step(note, FindingState.CONFIRMED, "郑示例", "两处均有", 1)
    more = Evidence((*finding.evidence.seen, Seen(Cell(1, 1), 500_000, 1)))
    assert not any_site.inbox.raise_finding(
        replace(finding, evidence=more, renewed_at_ms=finding.renewed_at_ms + 5)
    )
    any_site.taking.go_round()
    (note,) = any_site.desk.list_notes(only_open=True, limit=10)
    assert (note.finding.evidence, note.state) == (more, FindingState.CONFIRMED)


def test_more_than_a_page_is_fetched_in_one_round(site):
    for number in range(PAGE + 3):
        site.find(code=f"{number:016}")
    assert site.taking.go_round().fetched == PAGE + 3
    assert site.taking.go_round().fetched == 0


def test_what_was_decided_while_the_site_was_away_is_told_later(site, monkeypatch):
    finding = site.find()
    site.taking.go_round()
    (note,) = site.desk.list_notes(only_open=True, limit=10)
    site.desk.take_step(note, FindingState.DISMISSED, "郑示例", "照片外传", 1)

    def fail(*_):
        raise UnavailableError("away")

    monkeypatch.setattr(ScanStore, "answer", fail)
    with pytest.raises(UnavailableError):
        site.taking.go_round()
    monkeypatch.undo()
    assert site.taking.go_round().told == 1
    assert finding.id not in site.states(), "it is over"


def test_an_area_is_told(any_site):
    browser = any_site.world.browser("authority", AUTHORITY_TENANT)
    fields = {"sticker": "7kq2-m9x0-000c-w2tt", "latitude": "26.0745", "longitude": "119.2965", "km": "25"}
    assert any_site.world.post(browser, "/copies/areas", fields).status_code == 303
    assert any_site.taking.go_round().told == 1
    assert any_site.inbox.list_areas() == {(AUTHORITY_TENANT, STICKER): Area(Cell(260, 1192), 25)}
    any_site.world.post(browser, "/copies/areas", fields | {"km": "40"})
    any_site.taking.go_round()
    assert any_site.inbox.list_areas() == {(AUTHORITY_TENANT, STICKER): Area(Cell(260, 1192), 40)}
    assert any_site.taking.go_round().told == 0
    page = browser.get("/copies").text
    assert "26.0–26.1° N, 119.2–119.3° E" in page
    assert "26.07" not in page.partition("<table>")[2], "nothing finer is kept"


# --- pages --------------------------------------------------------------------------------------------------


def test_the_queue_and_a_note(world, browser):
    note = world.note()
    page = browser.get("/copies").text
    assert "7KQ2-M9X0-000C-W2TT" in page
    assert "too far apart" in page
    page = browser.get(f"/copies/{note}").text
    assert "26.0–26.1° N, 119.2–119.3° E" in page
    assert "39.9–40.0° N, 116.3–116.4° E" in page
    assert "1554 km" in page
    assert "not in use" in page
    chinese = world.browser("authority", AUTHORITY_TENANT, "zh-CN").get(f"/copies/{note}").text
    assert "短时间内在相距过远的地点被扫描" in chinese


@pytest.mark.parametrize(
    ("status", "words"), [(Status.ACTIVE, "在用"), (Status.INACTIVE, "已停用"), (None, "未启用")]
)
def test_how_the_sticker_stands_now(world, status, words):
    note = world.note(instrument=None)
    if status is not None:
        subject = sticker_subject(STICKER)
        world.gateway.states[subject] = SubjectState(status, 1, LeafIndex(9), None)
    page = world.browser("authority", AUTHORITY_TENANT, "zh-CN").get(f"/copies/{note}").text
    assert f"贴纸现状</dt><dd>{words}" in page


def test_a_real_sticker_and_its_remedy(world):
    """Put on, and released for a new one: the desk sees both in the log."""
    ids = world.put_on()
    instrument = InstrumentId(bytes.fromhex(ids["instrument"]))
    note = world.note(code=ids["sticker"], instrument=instrument, part="1")
    browser = world.browser("authority", AUTHORITY_TENANT, "zh-CN")
    assert "贴纸现状</dt><dd>在用" in browser.get(f"/copies/{note}").text
    desk = StickerDesk(world.counter())
    desk.bind(compute_sticker_id(desk.allot(3), 0), instrument, "1")
    assert "贴纸现状</dt><dd>已停用" in browser.get(f"/copies/{note}").text


def test_another_sticker_in_its_place_is_seen_without_a_release(world):
    place = placement_subject(InstrumentId(bytes(16)))
    world.gateway.states[sticker_subject(STICKER)] = SubjectState(Status.ACTIVE, 1, LeafIndex(9), None)
    world.gateway.states[place] = SubjectState(Status.ACTIVE, 2, LeafIndex(11), None)
    page = world.browser("authority", AUTHORITY_TENANT, "zh-CN").get(f"/copies/{world.note()}").text
    assert "贴纸现状</dt><dd>已被更换" in page


def test_counts_without_places_are_shown(world, browser):
    note = world.note(
        kind=CodeKind.ROLL,
        code="7KQ2M9X",
        rule=Rule.UNKNOWN,
        instrument=None,
        evidence=Evidence(counted=Counted(20_759, 31, 12)),
    )
    page = browser.get(f"/copies/{note}").text
    assert "pages 31, callers 12" in page
    assert "Roll" in page
    assert "Sticker now" not in page


def test_the_code_of_a_document_says_that_paper_travels(world, browser):
    note = world.note(kind=CodeKind.DOCUMENT, rule=Rule.PLACES)
    assert "stands on paper and in files" in browser.get(f"/copies/{note}").text


def test_text_of_a_reason_does_not_run(world, browser):
    note = world.note()
    decide(world, browser, note, reason="<script>document.title='ran'</script>\n第二行")
    page = browser.get(f"/copies/{note}").text
    assert "<script>document" not in page
    assert "&lt;script&gt;" in page


# --- decided ------------------------------------------------------------------------------------------------


def test_what_a_person_decides_is_recorded_with_name_and_reason(world, browser):
    note = world.note()
    assert decide(world, browser, note).status_code == 303
    store = world.office.tenants[AUTHORITY_TENANT].copies
    (step,) = store.list_steps(store.find(int(note)))
    assert (step.state, step.person, step.reason) == (FindingState.CONFIRMED, "authority某", "现场核实")
    assert decide(world, browser, note, "lifted", "已清除", seen="confirmed").status_code == 303
    assert store.find(int(note)).state is FindingState.LIFTED
    assert "7KQ2-M9X0" not in browser.get("/copies").text
    assert "7KQ2-M9X0" in browser.get("/copies?all=yes").text


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"reason": ""}, 422, "Reason"),
        ({"reason": " \n "}, 422, "Reason"),
        ({"reason": "x" * 501}, 422, "Reason"),
        ({"reason": "a\x00b"}, 422, "Reason"),
        ({"reason": ["a", "b"]}, 422, "Reason"),
        ({"step": ""}, 422, "Next step"),
        ({"step": "open"}, 422, "Next step"),
        ({"step": "lifted"}, 422, "Next step"),
        ({"step": "copied"}, 422, "Next step"),
        ({"seen": "confirmed"}, 409, ""),
        ({"seen": ""}, 422, "seen"),
    ],
)
def test_a_wrong_decision_is_refused_and_nothing_is_recorded(world, browser, changes, status, field):
    note = world.note()
    answer = decide(world, browser, note, **changes)
    assert answer.status_code == status
    assert field in answer.text
    store = world.office.tenants[AUTHORITY_TENANT].copies
    assert store.list_steps(store.find(int(note))) == []


def test_two_who_decide_at_once(world):
    """The second is told that somebody was first."""
    store = world.office.tenants[AUTHORITY_TENANT].copies
    note = store.find(int(world.note()))
    store.take_step(note, FindingState.DISMISSED, "甲", "照片", 1)
    with pytest.raises(StateError) as caught:
        store.take_step(note, FindingState.CONFIRMED, "乙", "两处", 2)
    assert caught.value.zh


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sticker": ""}, "Sticker"),
        ({"sticker": "7KQ2M9X0000CW2TX"}, "Sticker"),
        ({"latitude": ""}, "Latitude"),
        ({"latitude": "90.1"}, "Latitude"),
        ({"latitude": "north"}, "Latitude"),
        ({"latitude": "NaN"}, "Latitude"),
        ({"latitude": "２６"}, "Latitude"),
        ({"longitude": "1e9"}, "Longitude"),
        ({"longitude": "Infinity"}, "Longitude"),
        ({"longitude": "180.5"}, "Longitude"),
        ({"km": "0"}, "Radius"),
        ({"km": "3001"}, "Radius"),
        ({"km": "2.5"}, "Radius"),
    ],
)
def test_a_wrong_area_is_refused_with_its_field(world, browser, changes, field):
    fields = {"sticker": STICKER, "latitude": "26.07", "longitude": "119.3", "km": "30", **changes}
    answer = world.post(browser, "/copies/areas", fields)
    assert answer.status_code == 422
    assert f"<b>{field}</b>" in answer.text
    assert world.office.tenants[AUTHORITY_TENANT].copies.list_areas(10) == []


# --- who may ------------------------------------------------------------------------------------------------


def test_an_auditor_reads_and_nobody_else_looks(world):
    note = world.note()
    auditor = world.browser("auditor", AUTHORITY_TENANT)
    page = auditor.get(f"/copies/{note}").text
    assert "/step" not in page
    assert decide(world, auditor, note).status_code == 403
    assert world.post(auditor, "/copies/areas", {}).status_code == 403
    assert world.browser("administrator", AUTHORITY_TENANT).get("/copies").status_code == 403
    assert world.browser("operator").get("/copies").status_code == 404


def test_another_authority_finds_nothing_of_it(world):
    note = world.note()
    other = world.browser("authority", OTHER_AUTHORITY)
    assert other.get(f"/copies/{note}").status_code == 404
    assert decide(world, other, note).status_code == 404
    assert "7KQ2" not in other.get("/copies?all=yes").text


def test_a_desk_without_a_key_for_reports_says_so(world):
    tenants = dict(world.office.tenants)
    tenants[AUTHORITY_TENANT] = replace(tenants[AUTHORITY_TENANT], copies=None)
    object.__setattr__(world.office, "tenants", tenants)
    browser = world.browser("authority", AUTHORITY_TENANT)
    assert "No notes are taken here" in browser.get("/copies").text
    assert browser.get("/copies/1").status_code == 404
    assert world.post(browser, "/copies/areas", {}).status_code == 404


def test_older_notes_are_on_further_pages(world, browser):
    for number in range(102):
        world.note(code=f"{number:016}")
    page = browser.get("/copies").text
    assert 'href="/copies?before=3"' in page
    assert "0000-0000-0000-0001" in browser.get("/copies?before=3").text


def test_desks_of_both_kinds_of_database(world, database_url):
    with closing(Database(database_url)) as database:
        store = CopyStore(database, AUTHORITY_TENANT)
        store.prepare()
        store.prepare()
        finding = make_finding(bytes(8), AUTHORITY_TENANT, world.clock.now)
        assert (store.take([finding]), store.take([finding])) == (1, 0)
        assert store.find_newest_ms() == finding.renewed_at_ms
        (note,) = store.list_notes(only_open=True, limit=5)
        store.take_step(note, FindingState.DISMISSED, "甲", "照片", 1)
        assert store.list_notes(only_open=True, limit=5) == []
        (answer,) = store.list_unsent(5)
        store.mark_sent([answer])
        assert store.list_unsent(5) == []
