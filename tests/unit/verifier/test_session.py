"""A session verifies each checkpoint, receipt and body of evidence once, and remembers by digest."""

import gc
import weakref
from dataclasses import replace
from threading import Barrier, Thread
from traceback import walk_tb

import pytest
from ledger_in_memory import INSTITUTION, NOW, MemoryLedger, make_signer

from ledger.core import trust as trust_module
from ledger.core.bundle import ProofBundle, parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    LedgerError,
    PolicyMismatchError,
    VerificationError,
)
from ledger.core.evidence import encode_evidence
from ledger.core.register_fields import RegisterState
from ledger.core.step import Verdict
from verifier import session as session_module
from verifier.session import REMEMBERED, Session, _Memory
from verifier.verify import verify_bundle


@pytest.fixture
def ledger():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    return ledger


@pytest.fixture
def counted(monkeypatch):
    """Count what is really computed."""
    counts = dict.fromkeys(("checkpoint", "evidence", "receipt"), 0)

    def count(module, name, kind):
        real = getattr(module, name)

        def wrapper(*args, **kwargs):
            counts[kind] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, wrapper)

    count(trust_module, "verify_checkpoint", "checkpoint")
    count(session_module, "open_evidence", "evidence")
    count(session_module, "verify_receipt", "receipt")
    return counts


def test_the_same_is_verified_once(ledger, counted):
    session = ledger.session()
    note, receipt, bundle = ledger.checkpoint(), ledger.receipt(), parse_bundle(ledger.bundle(5))
    for _ in range(3):
        checkpoint = session.open_checkpoint(note)
        session.verify_receipt(receipt)
        found = session.open_evidence(parse_bundle(ledger.bundle(5)), checkpoint)
        assert found is session.open_evidence(bundle, checkpoint)
    assert counted == {"checkpoint": 1, "evidence": 1, "receipt": 1}


def test_a_failure_is_remembered_too(ledger, counted):
    session = ledger.session()
    thief = ledger.receipt(signer=make_signer("thief"))
    for _ in range(3):
        with pytest.raises(BrokenSignatureError) as caught:
            session.verify_receipt(thief)
        assert caught.value.__traceback__.tb_next.tb_next.tb_next is None, "no traceback of the first time"
        with pytest.raises(InputError):
            session.open_checkpoint("nothing")
    assert counted == {"checkpoint": 1, "evidence": 0, "receipt": 1}


def test_what_was_good_for_one_thing_is_not_good_for_another(ledger, counted):
    older = MemoryLedger().found().evidence()
    session = ledger.session()
    checkpoint = session.open_checkpoint(ledger.checkpoint())
    bundle = parse_bundle(ledger.bundle(5))
    session.open_evidence(bundle, checkpoint)
    other = replace(checkpoint, root_hash=bytes(32))
    with pytest.raises(VerificationError):
        session.open_evidence(bundle, other)
    with pytest.raises(VerificationError):
        session.open_evidence(replace(bundle, evidence_digest=bytes(32), evidence=older), checkpoint)
    record = bundle.certificate.record
    stranger = replace(record, issuer=replace(record.issuer, id="350100-02"))
    with pytest.raises(VerificationError, match="about other institutions too: 350100-01"):
        session.open_evidence(
            replace(bundle, certificate=replace(bundle.certificate, record=stranger)), checkpoint
        )
    assert counted["evidence"] == 4


def test_evidence_counts_as_of_the_documents_place(ledger):
    ledger.append(ledger.scope(version=1, state=RegisterState.SUSPENDED))
    ledger.issue(2)
    session = ledger.session()
    checkpoint = session.open_checkpoint(ledger.checkpoint())
    found = [session.open_evidence(parse_bundle(ledger.bundle(index)), checkpoint) for index in (5, 7, 5)]
    states = [registers.scopes[(INSTITUTION, "S1")].state for registers, _ in found]
    assert {established.map_root for _, established in found} == {ledger.maps[ledger.size].root_hash}
    assert {established.registers.scopes[(INSTITUTION, "S1")].state for _, established in found} == {
        RegisterState.SUSPENDED
    }, "as of the checkpoint"
    assert states == [RegisterState.ACTIVE, RegisterState.SUSPENDED, RegisterState.ACTIVE]


def test_a_trust_list_of_another_log_or_a_broken_one_is_refused(ledger):
    policy, book = ledger.policy(), load_rule_book()
    with pytest.raises(PolicyMismatchError):
        Session(policy, book, MemoryLedger("ledger.example/other").found().trust())
    with pytest.raises(VerificationError):
        Session(policy, book, replace(ledger.trust(), evidence=MemoryLedger().found().evidence()))


def test_the_trust_list_knows_where_keys_end(ledger):
    seal = make_signer("seal").public_key.key_id
    assert ledger.session().find_end_of_key(seal) is None
    assert ledger.session(trust=True).find_end_of_key(seal) is None
    end = ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    session = ledger.session(trust=True)
    assert session.find_end_of_key(seal) == end == 7
    assert session.find_end_of_key(make_signer("stranger").public_key.key_id) is None


def test_two_histories_of_one_size_are_found(ledger):
    liar = MemoryLedger().found()
    liar.issue(2)
    session = ledger.session(trust=True)
    session.open_checkpoint(ledger.checkpoint())
    with pytest.raises(VerificationError, match="two different states of 7 leaves"):
        session.open_checkpoint(liar.checkpoint())
    session.open_checkpoint(liar.checkpoint(5))


def test_the_memory_stays_small():
    memory, computed = _Memory[int](), []

    def compute(number):
        computed.append(number)
        return number

    for number in range(2 * REMEMBERED + 1):
        assert memory.recall(number, lambda number=number: compute(number)) == number
    assert len(memory._outcomes) <= REMEMBERED
    assert memory.recall(0, lambda: compute(0)) == 0
    assert computed.count(0) == 2


def test_only_errors_of_the_product_are_remembered():
    memory = _Memory[int]()

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        memory.recall("x", fail)
    assert memory.recall("x", lambda: 7) == 7
    error = LedgerError("broken")

    def refuse():
        raise error

    for _ in range(2):
        with pytest.raises(LedgerError, match=r"^broken$") as caught:
            memory.recall("y", refuse)
        assert type(caught.value) is LedgerError


class Upload:
    """Stands for the bytes of a file that somebody has handed in."""


def test_what_is_remembered_of_a_refusal_holds_nothing_of_what_was_refused():
    memory = _Memory[int]()

    def refuse(upload):
        try:
            int("within")
        except ValueError as err:
            raise InputError("not such a file", field="file", zh="文件有误") from err

    def recall():
        upload = Upload()
        with pytest.raises(InputError):
            memory.recall("x", lambda: refuse(upload))
        return weakref.ref(upload)

    held = [recall() for _ in range(2)]
    gc.collect()  # the test's own frames
    assert [one() for one in held] == [None, None]
    (kept,) = memory._outcomes.values()
    assert (kept.__traceback__, kept.__context__, kept.__cause__) == (None, None, None)
    assert (str(kept), kept.field, kept.reason, kept.zh) == (
        "file: not such a file",
        "file",
        "not such a file",
        "文件有误",
    )


def test_threads_that_are_refused_alike_share_no_traceback():
    memory, caught, together = _Memory[int](), [], Barrier(2)

    def refuse():
        raise VerificationError("broken")

    def recall():
        together.wait()
        try:
            memory.recall("x", refuse)
        except VerificationError as err:
            caught.append((err, err.__traceback__))

    threads = [Thread(target=recall) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (one, of_one), (other, of_other) = caught
    assert one is not other
    assert of_one is not of_other
    frames = [frame for each in (of_one, of_other) for frame, _ in walk_tb(each)]
    assert len(set(frames)) == len(frames), "each has its own"


def test_evidence_that_does_not_hold_keeps_no_frame_of_the_check(ledger):
    raw = ledger.bundle(5, evidence=encode_evidence(ledger.evidence(without=frozenset({2}))))
    session = ledger.session()

    def count():
        return sum(isinstance(one, ProofBundle) for one in gc.get_objects())

    gc.collect()
    gc.disable()  # what only the collector of garbage finds stays
    try:
        before = count()
        assert verify_bundle(parse_bundle(raw), session, NOW).verdict is Verdict.INVALID
        assert count() == before
    finally:
        gc.enable()


def test_evidence_is_known_by_its_own_digest(ledger):
    bundle = parse_bundle(ledger.bundle(5))
    less = parse_bundle(ledger.bundle(5, evidence=encode_evidence(ledger.evidence(without=frozenset({4})))))
    assert bundle.evidence_digest != less.evidence_digest
    session = ledger.session()
    checkpoint = session.open_checkpoint(ledger.checkpoint())
    assert session.open_evidence(bundle, checkpoint) != session.open_evidence(less, checkpoint)
