"""The auditors' catalogue on both kinds of database: what it says is what a plain fold says, on any day."""

import io
import os
import random
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from acts import SECOND, People, make_instrument
from catalogue_world import SHANGHAI, DaysOfEvents, fold, naive_rows, read_leaves
from fakes import MemoryStore
from ledger_in_memory import MemoryLedger
from sqlalchemy import text
from world import AUTHORITY, INSTITUTION, ORIGIN, VERIFIED_ON, Clock, World, submit

from api.auditing import Auditor, parse_question, row_members
from api.query import _print_all
from ledger.catalogue.catalogue import Catalogue
from ledger.core.calendar_rules import date_from_days
from ledger.core.category import Category
from ledger.core.entry import parse_leaf
from ledger.core.errors import LogIntegrityError, StateError
from ledger.core.event import ISSUE_TYPES, EventType
from ledger.core.ids import TreeSize
from ledger.core.lot import LotStatus
from ledger.core.status import Status
from ledger.log import Log
from ledger.proving import Prover
from ledger.store.catalogue_queries import CatalogueQueries, Filters, View
from ledger.store.catalogue_tables import metadata
from ledger.store.engine import Database
from ledger.store.records import Head, StoredEntry
from ledger.store.tables import FIRST_REGISTER_TYPE, LAST_REGISTER_TYPE
from verifier.checks import find_stated_status

LATER = date(2031, 1, 1)


@pytest.fixture
def audit_database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def follow(store, database, origin=ORIGIN):
    catalogue = Catalogue(store, database, origin, find_stated_status)
    catalogue.follow()
    return catalogue


def read_all(catalogue, filters, view, limit=7):
    rows, after = [], -1
    while page := catalogue.read_page(filters, view, after=after, limit=limit):
        rows += page
        after = page[-1].entry.leaf_index
    return rows


def issues(rows):
    return {row.entry.leaf_index: row.status for row in rows if row.entry.event in ISSUE_TYPES}


@pytest.mark.parametrize("seed", range(6))
def test_status_on_any_day_is_that_of_a_plain_fold(audit_database, seed):
    days = DaysOfEvents(MemoryStore(), seed)
    chance = random.Random(seed)
    catalogue = follow(days.store, audit_database)
    for _ in range(4):
        days.pass_some(chance.randint(1, 30))
        if chance.random() < 0.5:
            catalogue = follow(days.store, audit_database)
        else:
            catalogue.follow()
    leaves = read_leaves(days.store)
    first = parse_leaf(leaves[0]).header.sequenced_at.date()
    last = parse_leaf(leaves[-1]).header.sequenced_at.date()
    seen = set()
    for _ in range(12):
        day = first + timedelta(days=chance.randint(-1, (last - first).days + 200))
        expected = naive_rows(leaves, day, SHANGHAI)
        rows = read_all(catalogue, Filters(), catalogue.view_at(day, SHANGHAI))
        assert issues(rows) == expected, day
        for status in set(expected.values()) | {"VALID", "VOID", "SUSPENDED"}:
            found = issues(read_all(catalogue, Filters(status=status), catalogue.view_at(day, SHANGHAI)))
            assert found == {index: was for index, was in expected.items() if was == status}
        seen |= set(expected.values())
    assert len(seen) > 5


def test_status_after_any_leaf_is_that_of_a_plain_fold(audit_database):
    days = DaysOfEvents(MemoryStore(), 11)
    days.pass_some(60)
    catalogue, leaves = follow(days.store, audit_database), read_leaves(days.store)
    day = View(TreeSize(0), 20_800)
    for size in range(0, len(leaves) + 1, 3):
        rows = read_all(catalogue, Filters(), replace(day, tree_size=TreeSize(size)), limit=1000)
        assert issues(rows) == fold(leaves[:size], date_from_days(day.day)), size


def test_every_leaf_but_the_mapheads_is_there_once(audit_database):
    days = DaysOfEvents(MemoryStore(), 77)
    days.pass_some(60)
    catalogue = follow(days.store, audit_database)
    headers = [parse_leaf(raw).header for raw in read_leaves(days.store)]
    rows = read_all(catalogue, Filters(), catalogue.view_now(LATER))
    assert [row.entry.leaf_index for row in rows] == [
        index for index, header in enumerate(headers) if header.type is not EventType.MAPHEAD
    ]
    for row in rows:
        header = headers[row.entry.leaf_index]
        assert (row.entry.event, row.entry.sequenced_at_ms) == (header.type, header.sequenced_at_ms)
        assert bool(row.entry.is_void) == (header.status == 255) == (row.status == "VOID")
        assert row.entry.statement_digest == header.statement_digest
    assert catalogue.follow() == len(headers), "nothing is taken twice"
    assert len(read_all(catalogue, Filters(), catalogue.view_now(LATER), limit=1000)) == len(rows)


def test_an_act_stands_beside_its_certificate(audit_database):
    days = DaysOfEvents(MemoryStore(), 5)
    days.pass_some(80)
    catalogue = follow(days.store, audit_database)
    rows = {row.entry.leaf_index: row for row in read_all(catalogue, Filters(), catalogue.view_now(LATER))}
    acts = [row for row in rows.values() if row.entry.document not in {None, row.entry.leaf_index}]
    assert acts
    for act in acts:
        issue = rows[act.entry.document]
        assert (act.entry.number, act.entry.institution) == (issue.entry.number, issue.entry.institution)
        assert (act.status, act.entry.category) == (issue.status, issue.entry.category)
        assert act.entry.reason in {"STANDARD_INVALID", "WRONG_INSTRUMENT"}


def found_log():
    people, store = People(World()), MemoryStore()
    log = Log(store, ORIGIN, people.world.log_key, Clock())
    submit(log, *people.founding())
    return people, store, log


def test_every_kind_of_event_has_its_columns(audit_database):
    people, store, log = found_log()
    submit(log, people.issue(INSTITUTION, 1, 0, lot="L1"), people.issue(INSTITUTION, 2, 2))
    submit(log, people.issue(INSTITUTION, 3, 0, version=1, replaces=1))
    submit(log, people.act(EventType.SUPPLEMENT, INSTITUTION, INSTITUTION, 3, 0, version=2))
    submit(log, people.act(EventType.OPENED_FOR_REPAIR, INSTITUTION, INSTITUTION, 2, 2, version=1))
    submit(log, people.say_of_lot(AUTHORITY, INSTITUTION, "L1", LotStatus.SUSPENDED, version=0))
    one, other = (INSTITUTION, 3, 0), (INSTITUTION, 2, 2)
    submit(log, people.say_same(INSTITUTION, one, other, version=3))
    into = [make_instrument(7), make_instrument(8)]
    submit(log, people.say_split(AUTHORITY, one, into, version=4))
    submit(log, *people.change_seal())
    catalogue = follow(store, audit_database)
    rows = read_all(catalogue, Filters(), catalogue.view_now(VERIFIED_ON))
    found = {row.entry.event: row_members(row) for row in rows}
    assert all(members["effect"] for members in found.values())
    wanted = {
        EventType.REPLACE: {"number": "A-3", "replaces": "A-1", "document_leaf": 12},
        EventType.SUPPLEMENT: {"number": "A-3", "supplement_digest": "00" * 32, "document_leaf": 12},
        EventType.OPENED_FOR_REPAIR: {"number": "A-2", "serial": "SN1", "reason": "STANDARD_INVALID"},
        EventType.LOT: {"lot": "L1", "lot_status": "SUSPENDED", "division": "350100", "speaker": AUTHORITY},
        EventType.INSTRUMENT_SAME_AS: {
            "instrument": make_instrument(0).hex(),
            "other_instruments": make_instrument(1).hex(),
            "category": "FUEL_DISPENSER",
            "reason": "WRONG_INSTRUMENT",
        },
        EventType.INSTRUMENT_SPLIT: {
            "number": "A-3",
            "other_instruments": " ".join(sorted(item.hex() for item in into)),
        },
        EventType.KEY_COMPROMISED_FROM: {"institution": INSTITUTION, "division": "350100"},
    }
    for event, members in wanted.items():
        assert found[event] | members == found[event], event
    assert "status" not in found[EventType.LOT] | found[EventType.KEY_COMPROMISED_FROM]
    assert issues(rows) == fold(read_leaves(store), VERIFIED_ON)
    assert sorted(issues(rows).values()) == ["NEEDS_REVERIFICATION"] * 2 + ["SUSPENDED"]


def test_roots_and_policies_that_follow_others_are_rows_too(audit_database):
    """Each is taken in alone, by a catalogue that has just been opened."""
    ledger = MemoryLedger(ORIGIN).found()
    follow(LeavesOf(ledger), audit_database)
    for raw in (ledger.next_root("root-2"), ledger.publish_policy(1), ledger.next_root("root-3")):
        ledger.append(raw)
        ledger.issue(len(ledger.leaves))
        ledger.publish()
        catalogue = follow(LeavesOf(ledger), audit_database)
    found = catalogue.read_page(Filters(), catalogue.view_now(VERIFIED_ON), after=-1, limit=100)
    members = [row_members(row) for row in found]
    assert all(row["effect"] for row in members)
    speakers = [(row["event"], row["speaker"]) for row in members if row["event"] in {"ROOT", "POLICY"}]
    assert speakers == [("ROOT", "ROOT"), ("ROOT", "ROOT"), ("POLICY", "ROOT"), ("ROOT", "ROOT")]
    assert issues(found) == fold(ledger.leaves, VERIFIED_ON)


class LeavesOf:
    """Stands for the store of a log."""

    def __init__(self, ledger):
        self._leaves = list(ledger.leaves)

    @contextmanager
    def read(self):
        yield self

    def read_head(self):
        return Head(TreeSize(len(self._leaves)), bytes(32), 0)

    def read_leaves(self, begin, end):
        return self._leaves[begin:end]

    def read_documents(self, digests):
        return {}

    def read_register_leaves(self):
        registers = range(FIRST_REGISTER_TYPE, LAST_REGISTER_TYPE + 1)
        return [StoredEntry(at, leaf) for at, leaf in enumerate(self._leaves) if leaf[4] in registers]


def test_what_has_no_effect_still_says_what_it_was_about(audit_database):
    people, store = People(World()), MemoryStore()
    log = Log(store, ORIGIN, people.world.log_key, Clock(), keep_void=True)
    one, other = (INSTITUTION, 1, 0), (INSTITUTION, 2, 2)
    submit(log, *people.founding(), people.say_same(INSTITUTION, one, other, version=0))
    submit(log, people.say_of_lot(INSTITUTION, SECOND, "L9", LotStatus.FAILED, version=0))
    submit(log, people.issue(INSTITUTION, 3, 0, replaces=1, lot="L1"))
    catalogue = follow(store, audit_database)
    rows = read_all(catalogue, Filters(status="VOID"), catalogue.view_now(LATER))
    link, lot, replaced = [row.entry for row in rows]
    assert (link.number, link.instrument, link.other_instruments) == (
        *("A-1", make_instrument(0)),
        make_instrument(1).hex(),
    )
    assert (lot.institution, lot.lot, lot.lot_status) == (SECOND, "L9", "FAILED")
    assert (replaced.replaces, replaced.lot, replaced.document) == ("A-1", "L1", None)


def test_a_header_that_its_statement_does_not_give_is_not_catalogued(audit_database):
    people, store, log = found_log()
    submit(log, people.issue(INSTITUTION, 1, 0))
    stored = store.data.entries[-2]
    assert stored.leaf[5] == Status.VALID
    for status in (Status.FAILED, Status.NEEDS_REVERIFICATION):
        leaf = stored.leaf[:5] + bytes([status]) + stored.leaf[6:]
        store.data.entries[-2] = stored._replace(leaf=leaf)
        with pytest.raises(LogIntegrityError, match=f"header of leaf {stored.leaf_index} is not what"):
            follow(store, audit_database)
    store.data.entries[-2] = stored
    catalogue = follow(store, audit_database)
    assert len(read_all(catalogue, Filters(), catalogue.view_now(VERIFIED_ON))) == len(store.data.entries) - 2


@pytest.mark.parametrize("members", [10_000 if os.environ.get("HENGZHENG_LONG") == "1" else 1_000])
def test_one_event_about_a_lot_is_written_for_every_member(audit_database, members):
    people, store, log = found_log()
    for start in range(0, members, 500):
        submit(
            log,
            *(people.issue(INSTITUTION, start + number, start + number, lot="L1") for number in range(500)),
        )
    catalogue = follow(store, audit_database)
    submit(log, people.say_of_lot(INSTITUTION, INSTITUTION, "L1", LotStatus.FAILED, version=0))
    catalogue.follow()
    view = catalogue.view_now(VERIFIED_ON)
    assert len(catalogue.read_page(Filters(status="FAILED_SINCE"), view, after=-1, limit=20_000)) == members
    before = replace(view, tree_size=TreeSize(view.tree_size - 2))
    assert len(catalogue.read_page(Filters(status="VALID"), before, after=-1, limit=20_000)) == members


def test_filters_leave_out_what_does_not_fit(audit_database):
    days = DaysOfEvents(MemoryStore(), 9)
    days.pass_some(80)
    catalogue = follow(days.store, audit_database)
    view = catalogue.view_now(LATER)
    everything = [row.entry for row in read_all(catalogue, Filters(), view)]
    times = sorted({entry.sequenced_at_ms for entry in everything})
    middle = times[len(times) // 2]
    cases = {
        Filters(institution="350100-02"): lambda entry: entry.institution == "350100-02",
        Filters(category=Category.FUEL_DISPENSER): lambda entry: entry.category == Category.FUEL_DISPENSER,
        Filters(category=Category.TAXIMETER): lambda _: False,
        Filters(event=EventType.SUSPEND): lambda entry: entry.event == EventType.SUSPEND,
        Filters(region="35"): lambda entry: entry.division is not None,
        Filters(region="350100"): lambda entry: entry.division is not None,
        Filters(region="36"): lambda _: False,
        Filters(region="3499"): lambda _: False,
        Filters(region="99"): lambda _: False,
        Filters(verified_from=20759, verified_to=20759): lambda entry: entry.verified_on == 20759,
        Filters(verified_from=20760): lambda _: False,
        Filters(sequenced_from_ms=middle): lambda entry: entry.sequenced_at_ms >= middle,
        Filters(sequenced_before_ms=middle): lambda entry: entry.sequenced_at_ms < middle,
        Filters(institution="350100-01", event=EventType.ISSUE, region="3501"): lambda entry: (
            (entry.institution, entry.event) == ("350100-01", EventType.ISSUE)
        ),
    }
    for filters, fits in cases.items():
        found = [row.entry for row in read_all(catalogue, filters, view)]
        assert found == [entry for entry in everything if fits(entry)], filters


def test_regions_end_where_their_digits_end(audit_database):
    world = World()
    log = Log(store := MemoryStore(), ORIGIN, world.log_key, lambda: datetime(2026, 11, 2, tzinfo=UTC))
    submit(log, world.root(), world.authority(division="35"))
    for place, division in enumerate(("35", "350", "3509", "35099", "351", "3510", "359999")):
        submit(log, world.institution(f"I-{place}", division=division))
    catalogue = follow(store, audit_database)
    view = catalogue.view_now(LATER)
    for region in ("35", "350", "3509", "35099", "351", "359", "3599", "36", "3"):
        rows = read_all(catalogue, Filters(region=region), view)
        known = ("35", "350", "3509", "35099", "351", "3510", "359999")
        assert [row.entry.division for row in rows] == [each for each in known if each.startswith(region)]


def test_a_catalogue_of_leaves_that_the_log_no_longer_has_begins_anew(audit_database):
    long, short = DaysOfEvents(MemoryStore(), 1), DaysOfEvents(MemoryStore(), 2)
    long.pass_some(50)
    short.pass_some(20)
    follow(long.store, audit_database)
    for days in (short, long, short):
        catalogue = follow(days.store, audit_database)
        rows = read_all(catalogue, Filters(), catalogue.view_now(LATER))
        leaves = read_leaves(days.store)
        assert issues(rows) == naive_rows(leaves, LATER, SHANGHAI)
        assert catalogue.view_now(LATER).tree_size == len(leaves)


def test_the_catalogue_of_another_log_is_refused(audit_database):
    follow(MemoryStore(), audit_database)
    with pytest.raises(StateError, match=r"remove it, and it is made again"):
        follow(MemoryStore(), audit_database, "ledger.example/other")


def test_it_is_made_in_parts_that_each_hold(audit_database, monkeypatch):
    """Whoever is killed between two parts goes on behind the last one."""
    days = DaysOfEvents(MemoryStore(), 3)
    days.pass_some(60)
    monkeypatch.setattr("ledger.catalogue.catalogue.CHUNK", 5)
    catalogue = Catalogue(days.store, audit_database, ORIGIN, find_stated_status)

    def stop(done, _all):
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalogue.follow(stop)
    assert catalogue.view_now(LATER).tree_size == 25
    follow(days.store, audit_database)
    rows = read_all(catalogue, Filters(), catalogue.view_now(LATER))
    assert issues(rows) == naive_rows(read_leaves(days.store), LATER, SHANGHAI)


def test_an_instrument_may_have_more_certificates_than_a_statement_can_name(audit_database, monkeypatch):
    monkeypatch.setattr("ledger.store.catalogue_queries._KEYS", 3)
    days = DaysOfEvents(MemoryStore(), 21)
    catalogue = follow(days.store, audit_database)
    for _ in range(6):
        days.pass_some(12)
        catalogue.follow()
    rows = read_all(catalogue, Filters(), catalogue.view_now(LATER))
    assert issues(rows) == naive_rows(read_leaves(days.store), LATER, SHANGHAI)


# --- plans --------------------------------------------------------------------------------------------------

FILTERS = {
    "institution": Filters(institution="350100-02"),
    "category": Filters(category=5),
    "event": Filters(event=EventType.WITHDRAW),
    "region": Filters(region="3502"),
    "verified": Filters(verified_from=20_000, verified_to=20_001),
    "sequenced": Filters(sequenced_from_ms=5_000, sequenced_before_ms=6_000),
    "status": Filters(status="WITHDRAWN"),
    "void": Filters(status="VOID"),
}


@pytest.fixture
def many(audit_database):
    """20,000 rows in which every filter of `FILTERS` fits few."""
    catalogue = follow(MemoryStore(), audit_database)
    with audit_database.write() as connection:
        rows = [
            {
                "leaf_index": number,
                "document": number,
                "event": EventType.WITHDRAW if number % 1000 == 7 else EventType.ISSUE,
                "is_void": int(number % 1000 == 8),
                "sequenced_at_ms": number,
                "speaker": "350100-01",
                "institution": "350100-02" if number % 1000 == 9 else "350100-01",
                "division": "350201" if number % 1000 == 10 else "350101",
                "category": 5 if number % 1000 == 11 else 1,
                "verified_on": 20_000 + number // 100,
                "statement_digest": bytes(32),
            }
            for number in range(20_000)
        ]
        connection.execute(metadata.tables["audit_entries"].insert(), rows)
        periods = [
            {
                "document": number,
                "since": number,
                "until": 2**63 - 1,
                "standing": "WITHDRAWN" if number % 1000 == 12 else "VALID",
            }
            for number in range(20_000)
        ]
        connection.execute(metadata.tables["audit_periods"].insert(), periods)
        connection.execute(text("UPDATE audit_head SET tree_size = 20000"))
        connection.execute(text("ANALYZE"))
    return catalogue


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_scans_what_an_index_would_find(many, audit_database, name):
    view = many.view_now(LATER)
    with audit_database.read() as connection:
        query = CatalogueQueries(connection).build_page(FILTERS[name], view, 10, 1000)
        is_sqlite = connection.dialect.name == "sqlite"
        sql = str(query.compile(connection, compile_kwargs={"literal_binds": True})).replace("%", "%%")
        plan = [
            " ".join(map(str, row))
            for row in connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{sql}")
        ]
    told = "\n".join(plan)
    assert "SCAN" not in told, told
    assert "Seq Scan on audit_entries" not in told, told
    wanted = {
        "region": "audit_entries_division_idx",
        "sequenced": "PRIMARY KEY" if is_sqlite else "audit_entries_pkey",
        "status": "audit_periods_standing_idx",
    }.get(name, f"audit_entries_{name}_idx")
    assert wanted in told, told
    assert 10 <= len(many.read_page(FILTERS[name], view, after=10, limit=1000)) <= 1000


# --- size ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [100_000 if os.environ.get("HENGZHENG_LONG") == "1" else 6_000])
def test_any_number_of_rows_is_written_in_the_same_memory(tmp_path, monkeypatch, rows):
    """Catalogue and rows of a whole log: what is held at a time is a page."""
    monkeypatch.setattr("api.query.PAGE", 1000)
    store, world = MemoryStore(), World()
    log = Log(store, ORIGIN, world.log_key, lambda: datetime(2026, 11, 2, tzinfo=UTC))
    submit(log, *world.founding())
    for start in range(0, rows, 2000):
        submit(log, *map(world.bare_issue, range(start, min(start + 2000, rows))))
    database = Database(f"sqlite:///{tmp_path}/audit.sqlite3")
    auditor = Auditor(
        follow(store, database), Prover(store, ORIGIN), None, SHANGHAI, lambda: log_time(log), time.monotonic
    )
    question = parse_question({"format": "csv"}, auditor, field=str)
    out = CountedLines()
    monkeypatch.setattr("sys.stdout", out)
    tracemalloc.start()
    try:
        _print_all(auditor, replace(question, limit=1000), None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        database.close()
    assert out.lines == 1 + 5 + rows
    assert peak < 6_000_000


class CountedLines(io.StringIO):
    """A terminal that forgets what was written."""

    lines = 0

    def write(self, text):
        self.lines += text.count("\n")
        return len(text)


def log_time(log):
    return datetime.fromtimestamp(log.head.sequenced_at_ms / 1000, UTC)


def test_a_whole_is_no_better_than_a_part_that_it_names_nor_a_part_than_the_whole(audit_database):
    store, people = MemoryStore(), People(World())
    log = Log(store, ORIGIN, people.world.log_key, Clock())
    submit(log, *people.founding())
    whole = people.issue(INSTITUTION, 2, 0, parts=("1",))
    (first,) = submit(log, whole)

    def statuses():
        rows = read_all(follow(store, audit_database), Filters(), View(TreeSize(len(read_leaves(store))), 0))
        return list(issues(rows).values())

    assert statuses() == ["VALID"]
    submit(log, people.issue(SECOND, 3, 1, passed=False))
    assert statuses() == ["FAILED_SINCE", "FAILED"]
    submit(log, people.issue(INSTITUTION, 4, 0, version=first.header.version, parts=("1",)))
    assert statuses() == ["SUPERSEDED", "FAILED", "VALID"], "whoever verifies the whole verifies its parts"
    submit(log, people.issue(SECOND, 5, 1, version=1))
    assert statuses() == ["SUPERSEDED", "FAILED", "VALID", "VALID"]
    submit(log, people.issue(INSTITUTION, 6, 0, version=2, passed=False))
    assert statuses() == ["FAILED_SINCE", "FAILED", "FAILED_SINCE", "FAILED_SINCE", "FAILED"]
