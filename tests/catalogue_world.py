"""Logs of random events by two institutions and two authorities over some days, and what a plain fold says of them.

>>> days = DaysOfEvents(store, seed=1)
>>> days.pass_some(40)
>>> naive_rows(read_leaves(store), date(2026, 11, 9), SHANGHAI)
{8: 'SUPERSEDED', 10: 'VALID'}
"""

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from acts import ELSEWHERE, PARTS, SECOND, People, make_instrument
from world import AUTHORITY, INSTITUTION, ORIGIN, Clock, World, submit

from ledger.core.entry import parse_leaf
from ledger.core.event import ACT_TYPES, EventType, certificate_subject, instrument_subject
from ledger.core.replay import Replay
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.status import Status, Void
from ledger.log import Log
from verifier.checks import find_stated_status

SHANGHAI = ZoneInfo("Asia/Shanghai")


class DaysOfEvents:
    """Puts random events into a log; some have no effect and become VOID leaves."""

    def __init__(self, store, seed: int) -> None:
        self.store = store
        self.clock = Clock()
        self.people = People(World())
        self.log = Log(store, ORIGIN, self.people.world.log_key, self.clock, keep_void=True)
        self.random = random.Random(seed)
        self.issued: list[tuple[str, int, int]] = []
        submit(self.log, *self.people.founding())

    def pass_some(self, events: int) -> None:
        while events > 0:
            self.clock.move(hours=self.random.choice([0, 0, 1, 5, 9, 26, 24 * 90]))
            batch = [self._make_event() for _ in range(self.random.randint(1, 3))]
            submit(self.log, *batch)
            events -= len(batch)

    def _make_event(self) -> bytes:
        thing = self.random.randrange(len(PARTS))
        version = self._version(thing)
        if self.random.random() < 0.1:
            version += 1
        if not self.issued or self.random.random() < 0.45:
            issuer, number = self.random.choice([INSTITUTION, SECOND]), len(self.issued)
            self.issued.append((issuer, number, thing))
            passed = self.random.random() < 0.75
            return self.people.issue(issuer, number, thing, passed=passed, version=version)
        some = [known for known in self.issued if known[2] == thing] or self.issued
        issuer, number, of = self.random.choice(some)
        event = self.random.choice(sorted(ACT_TYPES))
        speaker = self.random.choice([issuer, AUTHORITY, AUTHORITY, ELSEWHERE])
        return self.people.act(event, speaker, issuer, number, of, version=version if of == thing else 1)

    def _version(self, thing: int) -> int:
        instrument, part = PARTS[thing]
        subject = instrument_subject(make_instrument(instrument), part)
        with self.store.read() as reading:
            state = reading.find_states([subject]).get(subject)
        return 0 if state is None else state.version


def read_leaves(store):
    with store.read() as reading:
        return reading.read_leaves(0, reading.read_head().tree_size)


def naive_rows(leaves, day, zone):
    """Return how every certificate stood when a day ended: all leaves up to then are folded, one by one."""
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return fold([raw for raw in leaves if parse_leaf(raw).header.sequenced_at < end], day)


def fold(leaves, day):
    """Return how every certificate stands after these leaves, on a day."""
    replay, issues = Replay(), {}
    for raw in leaves:
        done = replay.take(raw)
        if done.signed is not None and done.signed.statement.type is EventType.ISSUE:
            issues[done.index] = None if isinstance(done.outcome, Void) else done.signed.statement
    return {index: _stand(replay.states, statement, day) for index, statement in issues.items()}


def _stand(states, statement, day):
    if statement is None:
        return "VOID"
    claims = statement.claims
    document = states[certificate_subject(statement.issuer, claims.number)]
    found = find_stated_status(document, states[instrument_subject(claims.instrument_id, claims.part)])
    if found is not None:
        return found.value
    if document.status is Status.FAILED:
        return "FAILED"
    return "EXPIRED" if claims.valid_until is not None and claims.valid_until < day else "VALID"


def claims_of(raw) -> IssueClaims:
    return parse_signed_statement(parse_leaf(raw).statement_raw).statement.claims
