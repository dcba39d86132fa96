"""Logs of random events by two institutions and two authorities over some days, and what a plain fold says of them.

>>> days = DaysOfEvents(store, seed=1)
>>> days.pass_some(40)
>>> naive_rows(read_leaves(store), date(2026, 11, 9), SHANGHAI)
{8: 'SUPERSEDED', 10: 'VALID'}
"""

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from acts import ELSEWHERE, PARTS, SECOND, People, make_instrument, make_number
from world import AUTHORITY, INSTITUTION, ORIGIN, Clock, World, submit

from ledger.core.entry import parse_leaf
from ledger.core.event import ACT_TYPES, ISSUE_TYPES, certificate_subject, instrument_subject, lot_subject
from ledger.core.fold_documents import AUTHORITY_ACTS, INSTITUTION_ACTS
from ledger.core.lot import LotStatus
from ledger.core.replay import Replay
from ledger.core.statement import DocumentKind, IssueClaims, parse_signed_statement
from ledger.core.status import Status, Void
from ledger.log import Log
from verifier.checks import find_stated_status

LOTS = ("L1", "L2")
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
        self.is_changed = False
        """The seal of the first institution was known to be compromised, and has been changed."""
        submit(self.log, *self.people.founding())

    def pass_some(self, events: int) -> None:
        if self.issued and not self.is_changed and self.random.random() < 0.3:
            self.is_changed = True
            submit(self.log, *self.people.change_seal())
        while events > 0:
            self.clock.move(hours=self.random.choice([0, 0, 1, 5, 9, 26, 24 * 90]))
            batch = [self._make_event() for _ in range(self.random.randint(1, 3))]
            submit(self.log, *batch)
            events -= len(batch)

    def _make_event(self) -> bytes:
        chance = self.random.random()
        if not self.issued or chance < 0.4:
            return self._issue()
        if chance < 0.55:
            return self._say_of_lot()
        if chance < 0.68:
            return self._link()
        return self._act()

    def _issue(self) -> bytes:
        """Issue, or replace what may be the newest certificate of the thing, in one of two lots or in none."""
        thing = self.random.randrange(len(PARTS))
        issuer, number = self.random.choice([INSTITUTION, SECOND]), len(self.issued)
        replaces = None
        mine = [known for known in self.issued if known[2] == thing][-1:]
        if mine and self.random.random() < 0.5:
            issuer, replaces, _ = mine[0]
        self.issued.append((issuer, number, thing))
        return self.people.issue(
            issuer,
            number,
            thing,
            passed=self.random.random() < 0.75,
            version=self._expect(make_thing(thing)),
            replaces=replaces,
            lot=self.random.choice([None, *LOTS]),
            kind=self.random.choices(list(DocumentKind), (8, 1, 1))[0],
            parts=list_parts(make_instrument(PARTS[thing][0]), PARTS[thing][1], make_number(number)),
        )

    def _say_of_lot(self) -> bytes:
        issuer, lot = self.random.choice([INSTITUTION, SECOND]), self.random.choice(LOTS)
        speaker = self.random.choice([issuer, AUTHORITY, AUTHORITY, ELSEWHERE])
        status = self.random.choice([*LotStatus, LotStatus.VALID])
        version = self._expect(lot_subject(issuer, lot))
        return self.people.say_of_lot(speaker, issuer, lot, status, version=version)

    def _link(self) -> bytes:
        one, other = self._choose(), self._choose()
        speaker, version = self.random.choice([one[0], AUTHORITY]), self._expect(make_thing(one[2]))
        if self.random.random() < 0.2:
            into = [make_instrument(2), make_instrument(1 - PARTS[one[2]][0])]
            return self.people.say_split(speaker, one, into[: self.random.randint(1, 2)], version=version)
        return self.people.say_same(speaker, one, other, version=version)

    def _act(self) -> bytes:
        issuer, number, thing = self._choose()
        event = self.random.choice(sorted(ACT_TYPES))
        ours = [issuer] * (event in INSTITUTION_ACTS) + [AUTHORITY] * (event in AUTHORITY_ACTS)
        speaker = self.random.choice([*ours * 3, AUTHORITY, ELSEWHERE])
        version = self._expect(make_thing(thing))
        return self.people.act(event, speaker, issuer, number, thing, version=version)

    def _choose(self) -> tuple[str, int, int]:
        """Return one of the newest certificates, as a rule one that took effect."""
        newest = self.issued[-8:]
        with self.store.read() as reading:
            names = [certificate_subject(issuer, make_number(number)) for issuer, number, _ in newest]
            states = reading.find_states(names)
        known = [each for each, name in zip(newest, names, strict=True) if name in states]
        return self.random.choice(known or newest)

    def _expect(self, subject) -> int:
        """Return the version that an event expects; sometimes it is wrong."""
        with self.store.read() as reading:
            state = reading.find_states([subject]).get(subject)
        return (0 if state is None else state.version) + (self.random.random() < 0.1)


def make_thing(thing):
    instrument, part = PARTS[thing]
    return instrument_subject(make_instrument(instrument), part)


def list_parts(instrument, part, number):
    """Return the parts that a certificate names: every second one of the first instrument has its only part."""
    is_named = part is None and instrument == make_instrument(0) and number[-1] in "02468"
    return ("1",) if is_named else ()


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
        if done.signed is not None and done.signed.statement.type in ISSUE_TYPES:
            issues[done.index] = None if isinstance(done.outcome, Void) else done.signed.statement
    return {index: _stand(replay.states, statement, day) for index, statement in issues.items()}


def _stand(states, statement, day):
    if statement is None:
        return "VOID"
    claims = statement.claims
    document = states[certificate_subject(statement.issuer, claims.number)]
    instrument = states[instrument_subject(claims.instrument_id, claims.part)]
    lot = None if claims.lot is None else states.get(lot_subject(statement.issuer, claims.lot))
    parts = list_parts(claims.instrument_id, claims.part, claims.number)
    related = [instrument_subject(claims.instrument_id, part) for part in parts]
    if claims.part is not None:
        related = [instrument_subject(claims.instrument_id)]
    relatives = [states[subject] for subject in related if subject in states]
    found = find_stated_status(document, instrument, lot, claims.kind, relatives)
    if found is not None:
        return found.value
    if claims.kind is DocumentKind.PAPER:
        return "PAPER"
    if claims.kind is DocumentKind.CALIBRATION:
        return "EXPIRED" if claims.valid_until is not None and claims.valid_until < day else "CALIBRATED"
    if document.status is Status.FAILED:
        return "FAILED"
    return "EXPIRED" if claims.valid_until is not None and claims.valid_until < day else "VALID"


def claims_of(raw) -> IssueClaims:
    return parse_signed_statement(parse_leaf(raw).statement_raw).statement.claims
