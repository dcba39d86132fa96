"""Speaking of lots, interrupted and refused: one event, and the same answer afterwards."""

from datetime import UTC, datetime, timedelta

import pytest
from acts import People
from desk_world import CountingRandomness, DirectLedger
from fakes import MemoryStore
from world import INSTITUTION, NOW, ORIGIN, Clock, World, submit

from issuer.cli import Gateway
from issuer.gateway import RefusalKind, Refused
from issuer.lots import LotKeeper
from issuer.signing import Seal
from ledger.core.act import ReasonCode
from ledger.core.errors import InputError, StateError, UnavailableError
from ledger.core.lot import LotStatus
from ledger.core.status import Status
from ledger.log import Log

WORLD = World()
WHY = ReasonCode.FAILED_SPOT_CHECK


@pytest.fixture
def ledger():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *People(WORLD).founding())
    return DirectLedger(log, store)


def say(ledger, status=LotStatus.FAILED, *, lot="L1", since=None, gateway=None):
    def make_seal():
        return Seal(WORLD.seal, ORIGIN, INSTITUTION, NOW)

    keeper = LotKeeper(gateway or Gateway(ledger), make_seal, Clock(), CountingRandomness())
    return keeper.say(lot, status, WHY, since)


def test_what_is_said_is_in_the_log_once(ledger):
    before = ledger.log.head.tree_size
    state = say(ledger)
    assert (state.status, state.version, state.last_event) == (Status.FAILED, 1, before)
    assert say(ledger) == state
    assert ledger.log.head.tree_size == before + 2
    assert say(ledger, LotStatus.WITHDRAWN).version == 2


@pytest.mark.parametrize("failure", ["before", "after"])
def test_the_same_request_after_a_failure_says_it_once(ledger, failure):
    before = ledger.log.head.tree_size
    ledger.failures = [failure]
    with pytest.raises(UnavailableError):
        say(ledger)
    assert say(ledger).last_event == before
    assert ledger.log.head.tree_size == before + 2


@pytest.mark.parametrize(
    ("status", "lot", "since", "error", "why"),
    [
        (LotStatus.CANCELLED, "L1", None, StateError, "cancelled is not for an institution"),
        (LotStatus.VALID, "L1", None, StateError, "valid is not for an institution"),
        (LotStatus.FAILED, "", None, InputError, "1 to 64 bytes"),
        (LotStatus.FAILED, " L1", None, InputError, "1 to 64 bytes"),
        (LotStatus.FAILED, "L" * 65, None, InputError, "1 to 64 bytes"),
        (LotStatus.FAILED, "L1", NOW + timedelta(days=1), InputError, "is in the future"),
    ],
)
def test_what_cannot_be_said(ledger, status, lot, since, error, why):
    before = ledger.log.head.tree_size
    with pytest.raises(error, match=why):
        say(ledger, status, lot=lot, since=since)
    assert ledger.log.head.tree_size == before


def test_what_does_not_follow_is_refused(ledger):
    say(ledger, LotStatus.WITHDRAWN)
    with pytest.raises(StateError, match="lot L1 is WITHDRAWN; that cannot be done any more"):
        say(ledger)
    assert say(ledger, lot="L2", since=datetime(2026, 1, 1, tzinfo=UTC)).status is Status.FAILED


class Refusing:
    """A ledger that answers with a refusal."""

    def __init__(self, ledger, kind):
        self.ledger, self.kind, self.calls = ledger, kind, 0

    def submit(self, entries):
        self.calls += 1
        return [Refused(self.kind, "because")]

    def find_states(self, subjects):
        return self.ledger.find_states(subjects)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (RefusalKind.FINAL, StateError),
        (RefusalKind.NOT_NOW, UnavailableError),
        (RefusalKind.STALE_VERSION, UnavailableError),
        (RefusalKind.KEY, StateError),
    ],
)
def test_refusals(ledger, kind, error):
    refusing = Refusing(ledger, kind)
    with pytest.raises(error):
        say(ledger, gateway=refusing)
    assert (refusing.calls > 1) is (kind is RefusalKind.STALE_VERSION)
