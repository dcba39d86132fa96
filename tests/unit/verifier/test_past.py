"""Status as of a past instant: on random instants it is what a naive fold gives, and every lie is found."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from fakes import MemoryStore
from ledger_in_memory import (
    INSTITUTION,
    SHANGHAI,
    MemoryLedger,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)
from vector_statements import sign_lot, sign_same_as, sign_split

from ledger.core.as_of import AsOf, encode_as_of, parse_as_of
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, LedgerError, NotFoundError, PolicyMismatchError, VerificationError
from ledger.core.event import EventType, certificate_subject, lot_subject
from ledger.core.fold import find_subject
from ledger.core.ids import CertificateNumber
from ledger.core.lot import LotStatus
from ledger.core.statement import Conclusion, parse_signed_statement
from ledger.core.status import Effect, Status
from ledger.core.step import Outcome, Step
from ledger.log import Log
from ledger.proving import Prover
from ledger.submission import Acknowledgement, Submission
from verifier.past import verify_as_of
from verifier.report import DocumentStatus
from verifier.session import Session

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENTS = 240
INSTANTS = 1000 if os.environ.get("HENGZHENG_LONG") else 200


class Past:
    """One log, kept twice: by the real log over a store, and by hand, with what held after every event."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = BEGIN
        self.ledger = MemoryLedger()
        self.store = MemoryStore()
        self.log = Log(self.store, self.ledger.origin, self.ledger.log_signer, lambda: self.now)
        self.history = []
        """Instants, and every subject's state after them."""
        self.real = {}
        """Leaf of a document in the hand-kept log -> leaf in the real one, and when it got there."""
        self.prover = Prover(self.store, self.ledger.origin)
        self.session = Session(self.ledger.policy(contract=None), load_rule_book(), None)
        for raw in self.ledger.founding():
            self.feed(raw)

    def feed(self, raw, credential=None):
        """Let both logs take a statement; False: it has no effect, and the real one never sees it."""
        self.now += timedelta(milliseconds=self.random.choice([1, 1000, 3_600_001, 4 * 3_600_000]))
        self.ledger.now_ms = int(self.now.timestamp() * 1000)
        index = self.ledger.append(raw)
        if not isinstance(self.ledger.outcomes[index], Effect):
            return False
        body = None if credential is None else encode_canonical_json(credential)
        (done,) = self.log.append([Submission(parse_signed_statement(raw), body)])
        assert isinstance(done, Acknowledgement), done
        self.history.append((self.now, dict(self.ledger.states)))
        if credential is not None:
            self.real[index] = done.leaf_index, self.now
        return True

    def issue(self, record):
        credential = seal_record(record, make_signer("seal"))
        return self.feed(self.ledger.sign_issue(credential), credential)

    def live(self, count):
        """Let so many documents be issued, and things happen to them."""
        acts = (
            *(EventType.SUPPLEMENT, EventType.SUSPEND, EventType.REINSTATE, EventType.CANCEL),
            *(EventType.WITHDRAW, EventType.REVERIFY_NEEDED, EventType.OPENED_FOR_REPAIR),
        )
        for number in range(count):
            lot = {"lot": {"no": f"L{number % 3}", "size": 99}} if number % 4 == 0 else {}
            assert self.issue(make_record(number, **lot))
            about = self.random.randrange(number + 1)
            match self.random.randrange(8):
                case 0 | 1 | 2:
                    self.feed(self.ledger.sign_act(self.random.choice(acts), about))
                case 3:
                    self.issue(make_rejection(about, no=f"F-{number}"))
                case 4:
                    replaced = {"no": f"JY2026-{about:06}", "reason": "TYPO"}
                    self.issue(make_record(about, no=f"R-{number}", replaces=replaced))
                case 5:
                    self.issue(make_record(about, no=f"N-{number}"))
                case 6:
                    said = self.random.choice(list(LotStatus))
                    self.feed(sign_lot(self.ledger, said, f"L{number % 3}"))
                case 7:
                    other = self.random.randrange(number + 1)
                    same = other == about
                    raw = sign_split(self.ledger, about) if same else sign_same_as(self.ledger, about, other)
                    self.feed(raw)
        return self

    def states_at(self, at):
        return next((states for when, states in reversed(self.history) if when <= at), {})

    def naive(self, index, at):
        """Return a document's status at an instant, read off what held then; None: it was not there."""
        signed = parse_signed_statement(self.ledger.leaves[index][128:]).statement
        states, claims = self.states_at(at), signed.claims
        own = states.get(certificate_subject(INSTITUTION, CertificateNumber(claims.number)))
        if own is None or self.real[index][1] > at:
            return None
        instrument = states[find_subject(signed)]
        lot = None if claims.lot is None else states.get(lot_subject(INSTITUTION, claims.lot))
        said = {own.status} | ({lot.status} - {Status.FAILED, Status.VALID} if lot else set())
        is_newest = instrument.current_certificate == index
        failed_lot = lot is not None and lot.status is Status.FAILED
        day = at.astimezone(SHANGHAI).date()
        holds = {
            "WITHDRAWN": Status.WITHDRAWN in said,
            "CANCELLED": Status.CANCELLED in said,
            "FAILED": claims.conclusion is Conclusion.FAIL,
            "FAILED_SINCE": failed_lot or (not is_newest and instrument.status is Status.FAILED),
            "SUSPENDED": Status.SUSPENDED in said or (is_newest and instrument.status is Status.SUSPENDED),
            "NEEDS_REVERIFICATION": instrument.status is Status.NEEDS_REVERIFICATION,
            "SUPERSEDED": Status.SUPERSEDED in said or not is_newest,
            "EXPIRED": claims.valid_until is not None and day > claims.valid_until,
            "VALID": True,
        }
        return DocumentStatus(next(name for name, is_so in holds.items() if is_so))

    def prove(self, index, at):
        raw = self.prover.as_of(self.real[index][0], at, self.prover.newest_checkpoint())
        return parse_as_of(raw)

    def judge(self, as_of, **changes):
        return verify_as_of(replace(as_of, **changes), self.session, self.now)


@cache
def past(count=DOCUMENTS):
    return Past(7).live(count)


def test_on_random_instants_it_is_what_a_naive_fold_gives():
    log, draw = past(), random.Random(11)
    span = (log.now - BEGIN) // timedelta(milliseconds=1)
    seen = set()
    for _ in range(INSTANTS):
        index = draw.choice(list(log.real))
        at = BEGIN + timedelta(milliseconds=draw.randrange(span))
        expected = log.naive(index, at)
        if expected is None:
            with pytest.raises(NotFoundError, match=r"was not in the ledger|was empty"):
                log.prove(index, at)
            continue
        report = log.judge(log.prove(index, at))
        failed = [check for check in report.checks if check.outcome is Outcome.FAILED]
        assert (report.status, failed) == (expected, []), (index, at)
        seen.add(expected)
    assert {status.value for status in seen} >= {"VALID", "SUPERSEDED", "FAILED", "FAILED_SINCE", "CANCELLED"}


def test_the_very_millisecond_of_an_event_counts():
    log = past()
    for index, (_, at) in list(log.real.items())[:20]:
        assert log.judge(log.prove(index, at)).status is log.naive(index, at)
        with pytest.raises(NotFoundError):
            log.prove(index, at - timedelta(milliseconds=1))


# --- lies -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log():
    return Past(3).live(12)


@pytest.fixture
def proof(log):
    """How the first document stood when it had just been issued."""
    index, (_, at) = next(iter(log.real.items()))
    return log.prove(index, at)


def test_what_is_true_is_accepted(log, proof):
    assert log.judge(proof).status is DocumentStatus.VALID
    assert "as of" in log.judge(proof).note.en


def test_an_instant_after_the_later_leaf_is_not_shown(log, proof):
    with pytest.raises(VerificationError, match="was in the log by then"):
        log.judge(proof, at=log.now)


def test_an_instant_before_the_bundle_is_not_shown(log, proof):
    with pytest.raises(VerificationError, match="is of after that instant"):
        log.judge(proof, at=BEGIN)


def test_a_later_leaf_that_is_not_the_next_one(log, proof):
    others = [leaf for leaf in log.ledger.leaves if leaf != proof.later.leaf]
    for leaf in others[-3:]:
        with pytest.raises(VerificationError):
            log.judge(proof, later=replace(proof.later, leaf=leaf))


@pytest.mark.parametrize("name", ["consistency", "inclusion"])
def test_a_proof_that_was_cut_or_changed(log, proof, name):
    whole = getattr(proof.later, name)
    for parts in (whole[:-1], (), (*whole, bytes(32)), (bytes(32), *whole[1:])):
        with pytest.raises(VerificationError):
            log.judge(proof, later=replace(proof.later, **{name: parts}))


def test_the_later_state_of_another_log(log, proof):
    other = MemoryLedger("other.example/1").found()
    with pytest.raises(LedgerError) as raised:
        log.judge(proof, later=replace(proof.later, checkpoint=other.checkpoint()))
    assert isinstance(raised.value, PolicyMismatchError | VerificationError)
    forged = MemoryLedger(log="other").found().issue_many(30)
    with pytest.raises(VerificationError):
        log.judge(proof, later=replace(proof.later, checkpoint=forged.checkpoint()))


def test_a_later_state_of_another_history(log, proof):
    other = MemoryLedger().found().issue_many(60)
    with pytest.raises(VerificationError):
        log.judge(proof, later=replace(proof.later, checkpoint=other.checkpoint()))


def test_a_later_state_that_is_none(log, proof):
    with pytest.raises(VerificationError, match="is not a later one"):
        log.judge(proof, later=replace(proof.later, checkpoint=proof.bundle.checkpoint))


def test_a_receipt_of_another_size_settles_nothing(log, proof):
    policy = log.ledger.policy()
    session = Session(policy, load_rule_book(), None)
    receipt = log.ledger.receipt()
    report = verify_as_of(replace(proof, later=replace(proof.later, receipt=receipt)), session, log.now)
    outcomes = {check.step: check.outcome for check in report.checks}
    assert outcomes[Step.RECEIPT] is Outcome.FAILED


def test_a_bundle_of_another_log_is_not_judged(log, proof):
    session = Session(log.ledger.policy(origin="other.example/1"), load_rule_book(), None)
    with pytest.raises(PolicyMismatchError):
        verify_as_of(proof, session, log.now)


# --- the file ---------------------------------------------------------------------------------------------


def file_of(log):
    index, (_, at) = next(iter(log.real.items()))
    return log.prover.as_of(log.real[index][0], at, log.prover.newest_checkpoint())


def test_a_file_says_the_same_as_what_was_written(log):
    raw = file_of(log)
    shown = parse_as_of(raw)
    assert isinstance(shown, AsOf)
    members = parse_canonical_json(raw)
    assert members["at"] == encode_instant(shown.at)
    bundle = encode_canonical_json(members["bundle"])
    assert encode_as_of(shown.at, bundle, shown.later) == raw


@pytest.mark.parametrize(
    "name", ["at", "bundle", "type", "later.leaf", "later.consistency", "later.checkpoint"]
)
def test_a_member_that_is_missing_or_unknown(log, name):
    members = parse_canonical_json(file_of(log))
    outer, _, inner = name.partition(".")
    target = members[outer] if inner else members
    del target[inner or outer]
    with pytest.raises(InputError):
        parse_as_of(encode_canonical_json(members))
    members = parse_canonical_json(file_of(log))
    (members[outer] if inner else members)["more"] = 1
    with pytest.raises(InputError, match="more"):
        parse_as_of(encode_canonical_json(members))
