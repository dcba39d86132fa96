"""Reports at an authority's desk: fetched from a public site, logged, opened, handled, told; over HTTP."""

import base64
import secrets
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from office_world import (
    AUTHORITY_TENANT,
    KEY_PASSPHRASE,
    OTHER_AUTHORITY,
    REPORTED,
    REPORTS_PRIVATE,
    open_office_world,
)
from reports_world import make_photo
from sqlalchemy import update
from world import INSTITUTION, ORIGIN

from api.office.report_store import CaseStore
from api.office.report_taking import ReportTaking
from api.reports.case_code import make_case_code
from api.reports.file import FileHead, open_file, write_file
from api.reports.floods import Meter
from api.reports.kinds import About, CaseState, Route
from api.reports.photos import clean_photo
from api.reports.store import NewReport, ReportStore
from api.reports.tables import reports
from issuer.deciding.decider import Decider
from issuer.deciding.store import DecisionStore
from issuer.tables import DocumentState
from ledger.core.errors import InputError, LogIntegrityError, StateError, UnavailableError
from ledger.core.event import EventType, report_subject
from ledger.core.register_fields import RegisterState
from ledger.core.report import compute_report_digest
from ledger.core.statement import parse_signed_statement
from ledger.store.engine import Database


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=("authority", "administrator", "auditor", "operator")) as world:
        yield world


@pytest.fixture
def browser(world):
    return world.browser("authority", AUTHORITY_TENANT)


class Site:
    """The public site's reports, and what fetches them for an authority; on databases of either kind."""

    def __init__(self, world, database, authority=AUTHORITY_TENANT):
        self.world = world
        self.authority = authority
        self.inbox = ReportStore(database, ORIGIN)
        self.inbox.prepare()
        tenant = world.office.tenants[authority]
        self.cases = tenant.reports
        decider = Decider(
            authority, ORIGIN, tenant.decisions, world.gateway, world.clock, world.office.randomness
        )
        self.taking = ReportTaking(
            self.inbox,
            self.cases,
            decider,
            world.gateway,
            tenant.home.signer,
            world.clock,
            Lock(),
            ZoneInfo("Asia/Shanghai"),
        )

    def send(self, text="少了三两", route=Route.TIP):
        now = self.world.clock.now
        head = FileHead(
            secrets.token_bytes(8),
            self.authority,
            route,
            About.SHORT_WEIGHT,
            now.replace(second=0, microsecond=0),
            None,
            INSTITUTION,
        )
        raw = write_file(head, {"text": text}, REPORTS_PRIVATE.public_key(), secrets.token_bytes(16))
        code = make_case_code(secrets.token_bytes(11))
        report = NewReport(
            head.case,
            code,
            self.authority,
            route,
            compute_report_digest(raw),
            raw,
            int(now.timestamp() * 1000),
            now.date(),
        )
        self.inbox.add(report, [Meter("caller", "x", 1000)], now.date(), secrets.token_bytes)
        return code, report.digest

    def statements(self):
        return [
            parse_signed_statement(raw).statement
            for raw in self.world.gateway.entries
            if parse_signed_statement(raw).statement.type is EventType.REPORT_TAKEN
        ]


@pytest.fixture
def site(world, tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/reports.db")) as database:
        yield Site(world, database)


@pytest.fixture
def any_site(world, database_url):
    with closing(Database(database_url)) as database:
        yield Site(world, database)


# --- fetched, logged, told ----------------------------------------------------------------------------------


def test_a_report_is_fetched_logged_and_told_in_one_round(any_site):
    code, digest = any_site.send()
    done = any_site.taking.go_round()
    assert (done.fetched, done.logged, done.told) == (1, 1, 1)
    assert report_subject(digest) in any_site.world.gateway.states
    (case,) = any_site.cases.list_cases(only_open=True, limit=10)
    assert case.leaf_index == any_site.world.gateway.states[report_subject(digest)].last_event
    (answer,) = any_site.inbox.find(code).answers
    assert answer.state is CaseState.TAKEN
    assert any_site.taking.go_round() == type(done)(0, 0, 0)
    assert len(any_site.statements()) == 1


def test_many_reports_are_one_statement(site):
    for number in range(70):
        site.send(str(number))
    assert site.taking.go_round().logged == 64
    assert site.taking.go_round().logged == 6
    assert len(site.statements()) == 2


@pytest.mark.parametrize("step", ["submit", "find_states"])
@pytest.mark.parametrize("written", [False, True])
def test_a_log_out_of_reach_keeps_nothing_from_the_desk(site, step, written):
    code, digest = site.send()
    if step == "submit":
        site.world.gateway.fail("submit", written=written)
        site.taking.go_round()
    else:
        site.world.gateway.fail("find_states")
        with pytest.raises(UnavailableError):
            site.taking.go_round()
    assert site.inbox.find(code).answers[0].state is CaseState.TAKEN
    for _ in range(2):
        site.taking.go_round()
    (case,) = site.cases.list_cases(only_open=True, limit=10)
    assert case.leaf_index is not None
    assert case.digest == digest
    assert len(site.statements()) == 1, "handed in again, never signed twice"


def test_what_waits_for_the_log_is_not_signed_again(site):
    site.send()
    for _ in range(3):
        site.world.gateway.fail("submit")
        site.taking.go_round()
    store = site.taking.decider.store
    assert len(store.list_waiting(EventType.REPORT_TAKEN)) == 1
    site.taking.go_round()
    assert not store.list_waiting(EventType.REPORT_TAKEN)
    assert len(site.statements()) == 1


class KilledError(BaseException):
    """Stands for SIGKILL."""


PLACES = [
    (CaseStore, "add"),
    (ReportStore, "answer"),
    (CaseStore, "mark_sent"),
    (CaseStore, "list_unlogged"),
    (Decider, "decide"),
    (Decider, "hand_in"),
    (DecisionStore, "add"),
    (CaseStore, "note_logged"),
]


@pytest.mark.parametrize(("owner", "name"), PLACES)
@pytest.mark.parametrize("is_done", [False, True])
def test_killed_in_between_nothing_is_lost_or_done_twice(site, monkeypatch, owner, name, is_done):
    code, digest = site.send()
    whole = getattr(owner, name)

    def stop(*args, **options):
        if is_done:
            whole(*args, **options)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stop)
        with pytest.raises(KilledError):
            site.taking.go_round()
    assert site.inbox.find(code) is not None
    for _ in range(2):
        site.taking.go_round()
    (case,) = site.cases.list_cases(only_open=False, limit=10)
    assert case.digest == digest
    assert case.leaf_index is not None
    assert [answer.state for answer in site.inbox.find(code).answers] == [CaseState.TAKEN]
    assert len(site.statements()) == 1
    assert [step.what for step in site.cases.list_steps([case])[case.id]] == ["taken"]


def test_a_refused_statement_leaves_the_reports_at_the_desk(site):
    site.world.gateway.founded.authorities[AUTHORITY_TENANT] = _suspend(site)
    code, _ = site.send()
    with pytest.raises(StateError, match="takes no digests"):
        site.taking.go_round()
    assert site.cases.list_cases(only_open=True, limit=10)
    assert site.inbox.find(code).answers
    assert {one.state for one in site.taking.decider.store.list_together(1)} == {DocumentState.VOIDED}


def _suspend(site):

    return replace(site.world.gateway.founded.authorities[AUTHORITY_TENANT], state=RegisterState.SUSPENDED)


def test_a_report_that_was_exchanged_is_no_report(site, monkeypatch):
    site.send()
    (report,) = site.inbox.list_waiting(AUTHORITY_TENANT, 1)
    other = site.send("another")[1]

    monkeypatch.setattr(ReportStore, "list_waiting", lambda *_: [replace(report, digest=other)])
    with pytest.raises(LogIntegrityError, match="is not what its digest says"):
        site.taking.go_round()


def test_a_damaged_report_holds_up_no_other(site):
    _, bad = site.send()
    _, good = site.send("another")
    rows = reports.c.digest == bad
    with site.inbox.database.write() as connection:
        connection.execute(update(reports).where(rows).values(file=b"rotten"))
    for _ in range(2):
        with pytest.raises(LogIntegrityError, match="is not what its digest says"):
            site.taking.go_round()
    assert [one.digest for one in site.cases.list_cases(only_open=True, limit=9)] == [good]
    assert site.cases.list_unlogged(9) == []


def test_another_authority_fetches_its_own_only(site):
    site.send()
    other = Site(site.world, site.inbox.database, OTHER_AUTHORITY)
    assert other.taking.go_round().fetched == 0
    assert site.taking.go_round().fetched == 1


def test_statements_about_reports_are_no_decisions_of_people(site, browser):
    site.send()
    site.taking.go_round()
    assert "None so far" in browser.get("/decisions").text
    assert "Reports taken" in browser.get("/decisions/1").text


# --- the queue ----------------------------------------------------------------------------------------------


def test_new_reports_stand_in_the_queue_sealed(world, browser):
    position = world.report()
    page = browser.get("/reports").text
    assert f'href="/reports/{position}"' in page
    assert "Short weight" in page
    assert INSTITUTION in page
    shown = browser.get(f"/reports/{position}").text
    for value in REPORTED.values():
        assert value not in shown
        assert value not in page
    assert f"/rulings?institution={INSTITUTION}" in shown


def test_a_report_is_opened_by_a_passphrase_and_that_is_recorded(world, browser):
    photo = base64.b64encode(clean_photo(make_photo())).decode()
    position = world.report(photos=[photo])
    shown = world.post(browser, f"/reports/{position}/open", {"passphrase": KEY_PASSPHRASE})
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    for value in (*REPORTED["text"].split("\n"), REPORTED["place"], REPORTED["code"]):
        assert value in shown.text
    assert "Scale" in shown.text
    assert f'src="data:image/jpeg;base64,{photo}"' in shown.text
    again = browser.get(f"/reports/{position}").text
    assert "Opened" in again
    assert "authority某" in again
    assert REPORTED["place"] not in again


@pytest.mark.parametrize(
    ("passphrase", "en", "zh"),
    [
        ("", "it is needed", "必须填写"),
        ("short", "16 characters", "口令有误"),
        ("another passphrase of theirs", "wrong passphrase", "口令有误"),
    ],
)
def test_nothing_is_opened_with_a_wrong_passphrase(world, passphrase, en, zh):
    position = world.report()
    for language, words in (("en", en), ("zh-CN", zh)):
        browser = world.browser("authority", AUTHORITY_TENANT, language)
        answer = world.post(browser, f"/reports/{position}/open", {"passphrase": passphrase})
        assert answer.status_code == 422
        assert words in answer.text
        assert REPORTED["place"] not in answer.text
        assert "authority某" not in answer.text.partition("<table")[2], "nothing was opened"


def test_auditors_see_the_queue_and_open_nothing(world):
    position = world.report()
    browser = world.browser("auditor", AUTHORITY_TENANT)
    assert browser.get("/reports").status_code == 200
    assert "auditors do not open it" in browser.get(f"/reports/{position}").text
    assert world.post(browser, f"/reports/{position}/open", {"passphrase": "x"}).status_code == 403


def step(world, browser, position, state, seen, **fields):
    return world.post(browser, f"/reports/{position}/step", {"step": state, "seen": seen, **fields})


def test_a_case_goes_its_way_to_a_public_outcome(any_site, world, browser):
    code, _ = any_site.send(route=Route.COMPLAINT)
    any_site.taking.go_round()
    position = any_site.cases.list_cases(only_open=True, limit=1)[0].position
    outcome = "秤已查封，差价已退还。"
    for state, seen, fields in (
        ("accepted", "taken", {}),
        ("in_hand", "accepted", {"note": "已派员现场核查"}),
        ("closed", "in_hand", {"sentence": outcome}),
    ):
        answer = step(world, browser, position, state, seen, **fields)
        assert answer.status_code == 303, answer.text
    any_site.taking.go_round()
    answers = any_site.inbox.find(code).answers
    assert [one.state.value for one in answers] == ["taken", "accepted", "in_hand", "closed"]
    assert answers[-1].sentence == outcome
    assert all("派员" not in (one.sentence or "") for one in answers), "notes are for colleagues"
    assert "None." in browser.get("/reports").text
    assert f"/reports/{position}" in browser.get("/reports?all=yes").text
    assert "已派员现场核查" in browser.get(f"/reports/{position}").text


def test_the_longest_words_are_taken(world, browser):
    position = world.report()
    fields = {"sentence": "理" * 500, "note": "注" * 2000}
    assert step(world, browser, position, "not_accepted", "taken", **fields).status_code == 303


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({}, 422, "Next step"),
        ({"step": "lost", "seen": "taken"}, 422, "none of those offered"),
        ({"step": "closed", "seen": "taken", "sentence": "x"}, 422, "does not follow"),
        ({"step": "not_accepted", "seen": "taken"}, 422, "it is needed"),
        ({"step": "extended", "seen": "taken"}, 422, "it is needed"),
        ({"step": "accepted", "seen": "in_hand"}, 409, "another step since"),
        ({"step": "accepted", "seen": "taken", "note": "x" * 2001}, 422, "at most 2000"),
        ({"step": "not_accepted", "seen": "taken", "sentence": "x" * 501}, 422, "at most 500"),
        ({"step": "accepted", "seen": "taken", "note": "a\x00"}, 422, "printable"),
    ],
)
def test_a_step_that_cannot_be_is_refused_and_nothing_recorded(world, browser, fields, status, words):
    position = world.report()
    answer = world.post(browser, f"/reports/{position}/step", fields)
    assert answer.status_code == status
    assert words in answer.text
    store = world.office.tenants[AUTHORITY_TENANT].reports
    case = store.find(int(position))
    assert case.state is CaseState.TAKEN
    assert len(store.list_steps([case])[case.id]) == 1


def test_a_complaint_is_not_extended(world, browser):
    position = world.report(route=Route.COMPLAINT)
    answer = step(world, browser, position, "extended", "taken", sentence="x")
    assert answer.status_code == 422


def test_two_people_do_not_take_the_same_step(world):
    store = world.office.tenants[AUTHORITY_TENANT].reports
    case = store.find(int(world.report()))
    store.take_step(case, CaseState.ACCEPTED, "甲", None, None, 1)
    with pytest.raises(StateError, match="another step"):
        store.take_step(case, CaseState.NOT_ACCEPTED, "乙", "x", None, 2)
    other = store.find(int(world.report()))
    store.take_step(other, CaseState.EXTENDED, "甲", "x", None, 1)
    with pytest.raises(StateError, match="another step"):
        store.take_step(other, CaseState.ACCEPTED, "乙", None, None, 2)


def test_clocks_run_and_are_late(world, browser):
    position = world.report(route=Route.COMPLAINT)
    assert "To decide on acceptance" in browser.get(f"/reports/{position}").text
    assert "late" not in browser.get("/reports").text
    world.clock.move(days=40)
    browser = world.browser("authority", AUTHORITY_TENANT)
    assert "late" in browser.get("/reports").text


def test_another_authority_sees_none_of_it(world):
    position = world.report()
    browser = world.browser("authority", OTHER_AUTHORITY)
    assert browser.get(f"/reports/{position}").status_code == 404
    assert "None." in browser.get("/reports").text
    assert world.post(browser, f"/reports/{position}/open", {"passphrase": "x"}).status_code == 404


@pytest.mark.parametrize("position", ["0", "x", "99999999999999999999", "-1"])
def test_an_unknown_report_is_not_found(browser, position):
    assert browser.get(f"/reports/{position}").status_code == 404


def test_they_are_forgotten_by_the_calendar_of_the_policys_zone(world, site, monkeypatch):
    """At 16:00 UTC the next day begins in Shanghai."""
    asked = []
    monkeypatch.setattr(type(site.cases), "forget", lambda _, today: asked.append(today))
    world.clock.now = datetime(2027, 3, 1, 15, 59, tzinfo=UTC)
    site.taking.go_round()
    world.clock.now = datetime(2027, 3, 1, 16, 0, tzinfo=UTC)
    site.taking.go_round()
    assert asked == [date(2027, 3, 1), date(2027, 3, 2)]


def test_closed_reports_are_forgotten_in_time(world):
    store = world.office.tenants[AUTHORITY_TENANT].reports
    kept, gone = (store.find(int(world.report())) for _ in range(2))
    store.take_step(gone, CaseState.NOT_ACCEPTED, "甲", "x", None, 1)

    last = date(1970, 1, 1) + timedelta(days=30_000)
    assert store.forget(last) == 0
    assert store.forget(last + timedelta(days=1)) == 1
    assert store.find(gone.position) is None
    assert store.find(kept.position) is not None, "what is open is kept"


def test_what_people_wrote_is_sealed_at_the_desk_too(world, tmp_path):
    world.report()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    for value in (REPORTED["place"], REPORTED["code"], "少了三两"):
        assert value.encode() not in stored


def test_a_file_opens_with_its_own_key_only():
    head = FileHead(bytes(8), "CN-35", Route.TIP, About.OTHER, _minute())
    raw = write_file(head, {"text": "x"}, REPORTS_PRIVATE.public_key(), bytes(16))
    assert open_file(raw, REPORTS_PRIVATE) == {"text": "x"}
    other = X25519PrivateKey.from_private_bytes(b"\3" * 32)
    with pytest.raises(InputError, match="another key"):
        open_file(raw, other)
    for old, new in ((b'"tip"', b'"complaint"'), (b'"OTHER"', b'"MISMATCH"'), (b"CN-35", b"CN-36")):
        with pytest.raises(InputError, match="altered"):
            open_file(raw.replace(old, new), REPORTS_PRIVATE)


def _minute():

    return datetime(2026, 3, 1, 8, tzinfo=UTC)
