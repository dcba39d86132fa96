"""Amending, killed and refused at every step: one act in the log, and the same answer afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from acts import SECOND, People
from desk_world import CountingRandomness, DirectLedger, FlakyDatabase
from fakes import MemoryStore
from world import AUTHORITY, INSTITUTION, NOW, ORIGIN, Clock, World, submit

from issuer.amending import Amender, Amendment, read_act
from issuer.cli import Gateway
from issuer.gateway import RefusalKind, Refused
from issuer.signing import Seal
from issuer.store import DeskStore, SignedDocument
from issuer.tables import DocumentState
from ledger.core.act import ReasonCode
from ledger.core.errors import InputError, NotFoundError, StateError, StoreUnavailableError, UnavailableError
from ledger.core.event import EventType
from ledger.core.fold import find_subject
from ledger.core.ids import LeafIndex
from ledger.core.statement import parse_signed_statement
from ledger.log import Log

SUSPEND, WITHDRAW = EventType.SUSPEND, EventType.WITHDRAW
WORLD = World()


class Desk:
    """One institution with certificates A-0, A-1 … in the log and in its desk."""

    def __init__(self, path, count=2):
        self.people, self.clock, store = People(WORLD), Clock(), MemoryStore()
        self.log = Log(store, ORIGIN, WORLD.log_key, self.clock)
        submit(self.log, *self.people.founding())
        self.ledger = DirectLedger(self.log, store)
        self.database = FlakyDatabase(path / "desk.db")
        self.desk = DeskStore(self.database, INSTITUTION, ORIGIN)
        self.desk.prepare()
        self.randomness = CountingRandomness()
        for number in range(count):
            self.issue(number)

    def issue(self, number, *, logged=True):
        raw = self.people.issue(INSTITUTION, number, 0, version=self.version())
        statement = parse_signed_statement(raw).statement
        claims = statement.claims
        if logged:
            submit(self.log, raw)
        row = SignedDocument(
            request_id=claims.number,
            content_digest=bytes(32),
            number=claims.number,
            brings_number=False,
            subject=find_subject(statement),
            expected_version=0,
            certificate=b"c",
            statement=raw,
            disclosure=None,
        )
        with self.desk.write() as desk:
            desk.add([row], now_ms=0)

    def version(self):
        raw = self.people.issue(INSTITUTION, 99, 0)
        subject = find_subject(parse_signed_statement(raw).statement)
        state = self.ledger.find_states([subject]).get(subject)
        return 0 if state is None else state.version

    def act(self, event_type, speaker, number):
        (result,) = submit(
            self.log, self.people.act(event_type, speaker, INSTITUTION, number, 0, version=self.version())
        )
        return result.leaf_index

    def amend(
        self,
        event_type=WITHDRAW,
        number="A-0",
        reason=ReasonCode.TYPO,
        since=None,
        gateway=None,
        document=None,
    ):
        def make_seal():
            return Seal(WORLD.seal, ORIGIN, INSTITUTION, self.clock())

        log = gateway or Gateway(self.ledger)
        amender = Amender(self.desk, log, make_seal, self.clock, self.randomness)
        return amender.amend(Amendment(event_type, number, reason, since, document))

    def size(self):
        return self.log.head.tree_size


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.database.database.close()


def test_the_same_again_is_the_same(desk):
    done = desk.amend()
    size, calls = desk.size(), desk.ledger.calls
    desk.clock.move(hours=1)
    assert desk.amend() == desk.amend(since=NOW) == done
    assert (desk.size(), desk.ledger.calls) == (size, calls)
    assert done.state is DocumentState.LOGGED
    assert read_act(done.statement).effective_at == NOW


@pytest.mark.parametrize(
    "other",
    [
        {"reason": ReasonCode.FORGED},
        {"since": NOW - timedelta(days=1)},
    ],
)
def test_another_request_is_not_answered_with_the_first(desk, other):
    desk.amend()
    with pytest.raises(StateError, match="certificate A-0 is WITHDRAWN already"):
        desk.amend(**other)
    with pytest.raises(StateError, match="certificate A-0 is WITHDRAWN; that cannot be done any more"):
        desk.amend(SUSPEND)


def test_what_an_authority_did_since_counts(desk):
    first = desk.amend(SUSPEND)
    desk.act(EventType.REINSTATE, AUTHORITY, 0)
    second = desk.amend(SUSPEND)
    assert second.leaf_index > first.leaf_index
    desk.act(EventType.CANCEL, AUTHORITY, 0)
    with pytest.raises(StateError, match="is CANCELLED"):
        desk.amend(SUSPEND)


def test_what_an_authority_suspended_is_not_answered_as_if_it_had_been_us(desk):
    desk.act(SUSPEND, AUTHORITY, 0)
    with pytest.raises(StateError, match="certificate A-0 is SUSPENDED already"):
        desk.amend(SUSPEND)
    assert desk.amend(WITHDRAW).state is DocumentState.LOGGED


def test_what_the_desk_or_the_log_does_not_have(desk):
    with pytest.raises(NotFoundError, match="the desk has no document A-9"):
        desk.amend(number="A-9")
    desk.issue(5, logged=False)
    with pytest.raises(StateError, match="certificate A-5 is not in the ledger"):
        desk.amend(number="A-5")


def test_nothing_begins_in_the_future(desk):
    with pytest.raises(InputError, match="is in the future"):
        desk.amend(since=NOW + timedelta(milliseconds=1))


def test_now_has_whole_milliseconds(desk):
    desk.clock.now = datetime(2026, 11, 2, 9, 0, 0, 123_456, UTC)
    done = desk.amend()
    assert read_act(done.statement).effective_at == datetime(2026, 11, 2, 9, 0, 0, 123_000, UTC)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("then", ["the same", "another"])
def test_an_outage_loses_nothing_and_doubles_nothing(desk, when, then):
    desk.ledger.failures = [when]
    size = desk.size()
    with pytest.raises(UnavailableError, match="injected"):
        desk.amend(SUSPEND)
    done = desk.amend(SUSPEND) if then == "the same" else desk.amend(WITHDRAW)
    acts = 1 if then == "the same" else 2
    assert desk.size() == size + 2 * acts, "each with its MAPHEAD"
    assert done.state is DocumentState.LOGGED


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("written", [False, True])
def test_a_desk_that_fails_at_a_write_goes_on(desk, number, written):
    desk.database.fail_write(number, written=written)
    size = desk.size()
    with pytest.raises(StoreUnavailableError):
        desk.amend()
    desk.database.plan = {}
    done = desk.amend()
    assert desk.size() == size + 2
    assert desk.amend() == done


def test_a_stale_act_is_signed_again(desk):
    gateway = Gateway(desk.ledger)
    stale = _Stale(gateway, desk)
    done = desk.amend(SUSPEND, gateway=stale)
    assert done.state is DocumentState.LOGGED
    assert parse_signed_statement(done.statement).statement.expected_version == 3
    assert desk.amend(SUSPEND) == done


class _Stale:
    """Something else happens to the instrument between looking and handing in, once."""

    def __init__(self, gateway, desk):
        self.gateway = gateway
        self.desk = desk
        self.is_quiet = False

    def find_states(self, subjects):
        return self.gateway.find_states(subjects)

    def submit(self, entries):
        if not self.is_quiet:
            self.is_quiet = True
            self.desk.act(SUSPEND, AUTHORITY, 1)
        return self.gateway.submit(entries)


class _Refusing:
    def __init__(self, gateway, kind):
        self.gateway = gateway
        self.kind = kind

    def find_states(self, subjects):
        return self.gateway.find_states(subjects)

    def submit(self, entries):
        return [Refused(self.kind, "because") for _ in entries]


@pytest.mark.parametrize(
    ("kind", "error", "state"),
    [
        (RefusalKind.FINAL, StateError, DocumentState.VOIDED),
        (RefusalKind.NOT_NOW, UnavailableError, DocumentState.SIGNED),
        (RefusalKind.KEY, StateError, DocumentState.SIGNED),
        (RefusalKind.STALE_VERSION, UnavailableError, DocumentState.SIGNED),
    ],
)
def test_a_refusal_is_stored_and_said(desk, kind, error, state):
    with pytest.raises(error):
        desk.amend(gateway=_Refusing(Gateway(desk.ledger), kind))
    with desk.desk.read() as reading:
        stored = reading.find_newest_act("A-0")
    assert (stored.state, stored.reason) == (state, "because" if kind is RefusalKind.FINAL else None)
    assert desk.amend().state is DocumentState.LOGGED


def test_an_act_that_is_done_is_not_changed_any_more(desk):
    done = desk.amend()
    with desk.desk.write() as writing:
        writing.save_act(replace(done, leaf_index=LeafIndex(99)), 0)
    with desk.desk.read() as reading:
        assert reading.find_newest_act("A-0") == done
        assert reading.find_newest_act("A-1") is None


def test_another_institution_is_another_desk(desk):
    assert SECOND != INSTITUTION
    with pytest.raises(StateError, match="institution"):
        DeskStore(desk.database, SECOND, ORIGIN).prepare()


@pytest.mark.parametrize("event_type", [EventType.OPENED_FOR_REPAIR, EventType.REVERIFY_NEEDED])
def test_acts_on_the_instrument_are_said_once_until_something_else_happens(desk, event_type):
    desk.act(EventType.CANCEL, AUTHORITY, 0)
    with pytest.raises(StateError, match="certificate A-0 is not the newest of its instrument"):
        desk.amend(event_type)
    done = desk.amend(event_type, "A-1")
    assert desk.amend(event_type, "A-1") == done
    desk.issue(2)
    assert desk.amend(event_type, "A-2").leaf_index > done.leaf_index


def test_supplements_with_other_documents_are_others(desk):
    done = desk.amend(EventType.SUPPLEMENT, document=bytes(32))
    assert desk.amend(EventType.SUPPLEMENT, document=bytes(32)) == done
    other = desk.amend(EventType.SUPPLEMENT, document=b"\1" * 32)
    assert other.leaf_index > done.leaf_index
    assert read_act(other.statement).document == b"\1" * 32
    desk.amend(WITHDRAW)
    with pytest.raises(StateError, match="is WITHDRAWN; that cannot be done any more"):
        desk.amend(EventType.SUPPLEMENT, document=bytes(32))
