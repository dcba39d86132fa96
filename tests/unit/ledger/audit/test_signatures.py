"""Processes beside the replay change how fast an audit is, and nothing that it says."""

import os
import signal

import pytest
from ledger_in_memory import MemoryLedger, make_record, make_signer, seal_record
from published import FilesSource, publish

from ledger.audit import signatures
from ledger.audit.replay import audit_log
from ledger.audit.report import report_members
from ledger.audit.signatures import MANY_LEAVES, SignatureHelp, choose_helpers, find_signed
from ledger.core.errors import BrokenSignatureError, ContradictionError, UnavailableError
from ledger.core.statement import parse_signed_statement, verify_statement


@pytest.fixture(scope="module")
def ledger():
    """A log of 600 leaves with VOID ones, among them one whose signature is broken."""
    ledger = MemoryLedger().found()
    ledger.publish()
    ledger.issue_many(300)
    ledger.append(ledger.sign_issue(seal_record(make_record(900), make_signer("seal")), "stranger"))
    raw = ledger.sign_issue(seal_record(make_record(901), make_signer("seal")))
    ledger.append(raw[:-1] + bytes([raw[-1] ^ 1]))
    for number in range(300, 591):
        ledger.issue(number)
    ledger.publish()
    return ledger


@pytest.fixture(scope="module")
def files(ledger):
    return publish(ledger)


@pytest.mark.parametrize("helpers", [1, 2])
def test_the_report_is_the_same(ledger, files, helpers):
    policy = ledger.policy()
    alone = audit_log(FilesSource(files), policy, helpers=0)
    assert [leaf.leaf_index for leaf in alone.void] == [306, 307]
    assert report_members(audit_log(FilesSource(files), policy, helpers=helpers)) == report_members(alone)


def test_the_first_contradiction_is_the_same(ledger, files):
    """A file that is missing further on does not come before a leaf that is wrong."""
    changed = dict(files)
    del changed["tile/0/002.p/88"]
    policy = ledger.policy(root_digest=bytes(32))
    for helpers in (0, 1):
        found = audit_log(FilesSource(changed), policy, helpers=helpers).contradiction
        assert (found.file, found.leaf_index) == ("tile/entries/000", 0)
        found = audit_log(FilesSource(changed), ledger.policy(), helpers=helpers).contradiction
        assert (found.file, found.leaf_index) == ("tile/0/002.p/88", None)


def test_only_what_verifies_with_the_named_key_counts(ledger):
    keys = {key_id: known.key for key_id, known in ledger.registers.keys.items()}
    found = find_signed(ledger.leaves, keys, ledger.origin)
    assert [index for index, done in enumerate(found) if not done] == [5, 306, 307, 599]
    assert not any(find_signed(ledger.leaves, keys, "ledger.example/other"))
    assert not any(find_signed(ledger.leaves, {}, ledger.origin))
    assert find_signed([b"", b"x" * 200], keys, ledger.origin) == [False, False]


def test_what_was_verified_with_another_key_is_verified_again(ledger):
    """Nothing that a helper says makes a key count that does not count at its leaf."""
    signed = parse_signed_statement(ledger.leaves[7][128:])
    key = ledger.registers.keys[signed.key_id].key
    with SignatureHelp(1, ledger.origin) as help_:
        [(_, [verify])] = help_.run_ahead([("x", (ledger.leaves[7],))], ledger.registers)
    assert verify is not verify_statement
    verify(signed, key, ledger.origin)
    with pytest.raises(BrokenSignatureError):
        verify(signed, make_signer("other").public_key, ledger.origin)
    with pytest.raises(BrokenSignatureError):
        verify(signed, key, "ledger.example/other")


def test_an_error_comes_after_all_that_stood_before_it(ledger):
    def bundles():
        for number in range(20):
            yield str(number), (ledger.leaves[number],)
        raise ContradictionError("is missing", file="20")

    seen = []

    def run():
        with SignatureHelp(1, ledger.origin) as help_:
            seen.extend(name for (name, _), _ in help_.run_ahead(bundles(), ledger.registers))

    with pytest.raises(ContradictionError):
        run()
    assert seen == [str(number) for number in range(20)]


def end_this_process(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_ends_is_out_of_reach_and_no_verdict(ledger, files, monkeypatch):
    monkeypatch.setattr(signatures, "find_signed", end_this_process)
    with pytest.raises(UnavailableError, match="--workers 0"):
        audit_log(FilesSource(files), ledger.policy(), helpers=1)


def test_small_logs_are_audited_alone(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert (choose_helpers(MANY_LEAVES - 1), choose_helpers(MANY_LEAVES)) == (0, 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert choose_helpers(MANY_LEAVES) == 1
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert choose_helpers(MANY_LEAVES) == 0
