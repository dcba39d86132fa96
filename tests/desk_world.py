"""A desk for tests: valid input documents, a log in memory that really folds, and ways to make either fail.

>>> gateway = MemoryGateway(World())
>>> desk = make_desk(tmp_path / "desk.db", gateway)
>>> report = desk.issue(desk.check_rows(rows(document(1))).documents)
"""

import copy
import hashlib
import itertools
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from world import INSTITUTION, ORIGIN, VERIFIED_ON, World, submit

from issuer.batch import Row
from issuer.defaults import DraftContext
from issuer.gateway import Acknowledged, RefusalKind, Refused
from issuer.issuing import Desk
from issuer.numbering import NumberPattern
from issuer.profile import DeskProfile
from issuer.store import DeskStore
from ledger.core.act_content import find_attached
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.errors import StoreUnavailableError, UnavailableError
from ledger.core.event import certificate_subject
from ledger.core.fold import find_subject, judge_signed_event, refuse_acts
from ledger.core.ids import LeafIndex
from ledger.core.record import VerificationKind
from ledger.core.rules import check_binding
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.status import Effect, Registers, Void
from ledger.store.engine import Database

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
PROFILE = DeskProfile(INSTITUTION, NumberPattern("{prefix}{year}-{counter:06d}", "JY"), ZONE)
CONTEXT = DraftContext(INSTITUTION, load_rule_book(), ZONE)
BASE_DATE = date(2026, 11, 3)


def document(number=1, **changes):
    """Return an input document of a fuel dispenser that may be issued; members are replaced by `changes`."""
    point = {
        "nominal": "20.00",
        "measured": "20.02",
        "error": "0.10",
        "mpe": "0.30",
        "u": "0.05",
        "pass": True,
    }
    value = {
        "request_id": f"R-{number}",
        "kind": "periodic",
        "applicant": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
        "instrument": {
            "category": "FUEL_DISPENSER",
            "name": "燃油加油机",
            "model": "EX-1224",
            "serial": f"SN{number:08}",
            "maker": "示例机械有限公司",
            "owner": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
            "parts": [{"id": "1", "name": "1号枪"}],
            "site": {"division": "350102", "address": "福州市鼓楼区示例路1号"},
        },
        "place": {"kind": "on_site", "where": "示例加油站"},
        "environment": {"temperature": {"value": "22.4", "unit": "°C"}},
        "standards": [
            {
                "id": "STD-1",
                "name": "标准金属量器检定装置",
                "exam_no": "〔2024〕闽量标证字第001号",
                "exam_until": "2029-05-31",
                "range": "(5~100)L",
                "u": "U=0.05%, k=2",
                "instruments": [{"no": "20", "cert_no": "LC2026-01", "until": "2027-03-01"}],
            }
        ],
        "results": [
            {
                "item": "indication_error",
                "part": "1",
                "unit": "L",
                "error_unit": "%",
                "k": "2",
                "points": [point],
                "pass": True,
            }
        ],
        "conclusion": "pass",
        "adjusted": False,
        "seals": [{"no": "A1001", "point": "主板与壳体"}],
        "verified_on": VERIFIED_ON.isoformat(),
        "persons": [
            {"role": role, "pid": f"P-{role}", "name": f"{role}某", "signed_at": f"2026-11-02T0{hour}:00:00Z"}
            for hour, role in enumerate(("operator", "checker", "approver"), start=4)
        ],
    }
    return {**value, **changes}


def changed(value, path, to):
    """Return a copy with one member, found by its path, replaced; `to` is Ellipsis where it is taken out."""
    value = copy.deepcopy(value)
    steps = [int(step) if step.isdecimal() else step for step in path.split(".")]
    target = value
    for step in steps[:-1]:
        target = target[step]
    if to is ...:
        del target[steps[-1]]
    else:
        target[steps[-1]] = to
    return value


def rows(*values):
    return [Row(number, value) for number, value in enumerate(values, start=1)]


def make_registers(world, *, anywhere=False, at=NOW, **scope):
    """Return the registers after a log has been founded, with one wide scope line.

    Args:
        world: who signs.
        anywhere: authority, institution and scope have no region.
        at: when the log was founded.
        scope: changes to the scope line.
    """
    scope = {"categories": frozenset(Category), "kinds": frozenset(VerificationKind), **scope}
    where = {"division": ""} if anywhere else {}
    registers, states = Registers(), {}
    founding = [
        world.root(),
        world.authority(**where),
        world.institution(**where),
        world.key(),
        world.scope(**{**where, **scope}),
    ]
    for index, raw in enumerate(founding):
        apply(registers, states, raw, index, at)
    return registers, states, len(founding)


def apply(registers, states, raw, index, at=NOW, issues=None):
    signed = parse_signed_statement(raw)
    outcome = judge_signed_event(
        signed, LeafIndex(index), at, registers, states.get, issues.__getitem__ if issues else refuse_acts
    )
    assert isinstance(outcome, Effect), outcome
    states.update(outcome.changes)
    if outcome.apply:
        outcome.apply(registers)


class MemoryGateway:
    """Stands for a log: admits what binds and takes effect, answers the same bytes with the same index."""

    def __init__(self, world=None, **scope):
        self.world = world or World()
        self.founded, self.states, self.size = make_registers(self.world, **scope)
        self.entries = {}
        self.issues = {}
        self.certificates = {}
        self.calls = 0
        self.failures = []
        self.verdicts = {}

    def fail(self, step, *, written=False):
        """Fail once: `submit`, with or without having done the work, or `subject_versions`, or `registers`."""
        self.failures.append((step, written))

    def fail_always(self, *steps):
        self.failures = itertools.repeat(None)
        self.broken = steps

    def answer(self, number, *answers):
        """Answer a number's next submissions with these refusals."""
        self.verdicts[number] = list(answers)

    def _fails(self, step):
        if isinstance(self.failures, list):
            if self.failures and self.failures[0][0] == step:
                return self.failures.pop(0)[1]
            return None
        return False if step in self.broken else None

    def registers(self):
        if self._fails("registers") is not None:
            raise UnavailableError("injected: registers")
        return self.founded

    def find_states(self, subjects):
        if self._fails("find_states") is not None:
            raise UnavailableError("injected: states")
        return {subject: self.states[subject] for subject in subjects if subject in self.states}

    def subject_versions(self, subjects):
        if self._fails("subject_versions") is not None:
            raise UnavailableError("injected: versions")
        return {subject: self.states[subject].version for subject in subjects if subject in self.states}

    def submit(self, entries):
        assert 1 <= len(entries) <= 256
        self.calls += 1
        failure = self._fails("submit")
        if failure is False:
            raise UnavailableError("injected: nothing was written")
        answers = [self._submit(statement, certificate) for statement, certificate in entries]
        if failure is True:
            raise UnavailableError("injected: everything was written")
        return answers

    def _submit(self, raw, body):
        if raw in self.entries:
            return Acknowledged(self.entries[raw])
        signed = parse_signed_statement(raw)
        claims = signed.statement.claims
        if not isinstance(claims, IssueClaims):
            attached = find_attached(signed.statement)
            assert attached == (None if body is None else hashlib.sha256(body).digest())
            return self._take_act(raw)
        if self.verdicts.get(claims.number):
            return self.verdicts[claims.number].pop(0)
        assert not check_binding(signed.statement, parse_certificate(body)).reasons
        if certificate_subject(INSTITUTION, claims.number) in self.states:
            return Refused(RefusalKind.FINAL, f"number {claims.number} is taken")
        before = self.states.get(find_subject(signed.statement))
        if (0 if before is None else before.version) != signed.statement.expected_version:
            return Refused(RefusalKind.STALE_VERSION, "stale")
        index = self.size
        apply(self.founded, self.states, raw, index, issues=self.issues)
        self.issues[index] = find_subject(signed.statement)
        self.size += 1
        self.entries[raw] = LeafIndex(index)
        self.certificates[claims.number] = body
        return Acknowledged(LeafIndex(index))

    def _take_act(self, raw):
        """Take an act or a register event; refuse, as admission does, what would have no effect."""
        view, issues = self.states.get, self.issues.__getitem__
        signed = parse_signed_statement(raw)
        outcome = judge_signed_event(signed, LeafIndex(self.size), NOW, self.founded, view, issues)
        if isinstance(outcome, Void):
            zh = f"该声明不产生效力（{outcome.reason}）"
            return Refused(RefusalKind.FINAL, outcome.reason, zh)
        apply(self.founded, self.states, raw, self.size, issues=self.issues)
        self.entries[raw] = LeafIndex(self.size)
        self.size += 1
        return Acknowledged(self.entries[raw])


class FlakyDatabase:
    """A real database whose transactions fail on demand, at the commit or right after it."""

    def __init__(self, path=None, *, url=None):
        """Open a SQLite file, or the database of an address."""
        self.database = Database(url or f"sqlite:///{path}")
        self.plan = {}
        self.writes = 0

    def drop_traces(self):
        self.database.drop_traces()

    def fail_write(self, number, *, written):
        """Fail at the write of this number, counted from 1 from now on."""
        self.plan = {number: written}
        self.writes = 0

    @contextmanager
    def write(self):
        self.writes += 1
        failure = self.plan.pop(self.writes, None)
        with self.database.write() as connection:
            yield connection
            if failure is False:
                raise StoreUnavailableError("injected before the commit")
        if failure is True:
            raise StoreUnavailableError("injected after the commit")

    def read(self):
        return self.database.read()

    def close(self):
        self.database.close()


class CountingRandomness:
    """Never the same bytes twice, and the same sequence in every run."""

    def __init__(self, seed=b""):
        self.seed, self.drawn = seed, 0

    def __call__(self, size):
        self.drawn += 1
        return hashlib.shake_256(self.seed + self.drawn.to_bytes(8)).digest(size)


def make_desk(database, gateway, *, clock=lambda: NOW, profile=PROFILE, **options):
    """Return a desk on a database with prepared tables."""
    store = DeskStore(database, profile.institution, ORIGIN)
    store.prepare()
    randomness = options.pop("randomness", None) or CountingRandomness()
    return Desk(
        profile, gateway.world.seal, ORIGIN, store, gateway, load_rule_book(), clock, randomness, **options
    )


def stored(desk, state=None):
    with desk._store.read() as reading:
        return list(reading.list_documents(state))


def fetch(desk, number):
    with desk._store.read() as reading:
        return reading.fetch(number)


class DirectLedger:
    """The log itself, without admission; fails when told to."""

    def __init__(self, log, store):
        self.log = log
        self.store = store
        self.failures = []
        self.calls = 0

    @property
    def registers(self):
        return self.log.registers

    def submit(self, entries):
        self.calls += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure == "before":
            raise UnavailableError("injected: nothing was written")
        results = submit(self.log, *(raw for raw, _ in entries))
        if failure == "after":
            raise UnavailableError("injected: everything was written")
        return results

    def find_states(self, subjects):
        with self.store.read() as reading:
            return reading.find_states(list(subjects))
