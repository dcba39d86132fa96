"""Findings against a log: what holds is INVALID, what does not hold shows nothing."""

import json
from dataclasses import replace

import pytest
from ledger_in_memory import MemoryLedger, make_act

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.event import EventType
from ledger.core.fork import FORK_TYPE, Fork, encode_fork
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_multi_proof
from ledger.core.policy import encode_policy
from ledger.core.refutation import REFUTATION_TYPE, Refutation, encode_refutation
from ledger.core.status_map import load_nothing
from ledger.core.step import Outcome, Step, Verdict
from verifier.cli import main
from verifier.findings import judge_finding


def lie():
    """Return a ledger that hides a cancellation, and the file that shows it."""
    ledger = MemoryLedger().found()
    ledger.issue(1)
    before = dict(ledger.states)
    index = ledger.act(EventType.CANCEL, 1)
    ledger.states = before
    return ledger, refutation(ledger, index)


def refutation(ledger, index):
    size, subject = ledger.publish(), make_act(1).certificate
    last = LeafIndex(size - 1)
    proof = build_multi_proof([LeafIndex(index), last], size, ledger.tree().read)
    shown = build_map_proof(ledger.maps[size], [subject], load_nothing)
    leaves = ledger.leaves[index], ledger.leaves[last]
    note = ledger.checkpoint(size)
    return encode_refutation(
        Refutation(ledger.origin, note, subject, LeafIndex(index), *leaves, proof, shown)
    )


def fork(ledger):
    notes = [
        sign_checkpoint(Checkpoint(ledger.origin, 8, bytes([n]) * 32), ledger.log_signer) for n in (1, 2)
    ]
    return encode_fork(Fork(ledger.origin, *notes))


def test_what_holds_is_against_the_log():
    ledger, raw = lie()
    for kind, file, step in ((REFUTATION_TYPE, raw, Step.STATUS), (FORK_TYPE, fork(ledger), Step.CHECKPOINT)):
        report = judge_finding(file, kind, ledger.policy())
        assert (report.verdict, report.exit_code, report.authentic) == (Verdict.INVALID, 1, False)
        assert [check.step for check in report.checks if check.outcome is Outcome.FAILED] == [step]
        assert "rely on nothing that it says" in report.note.en


def test_what_does_not_hold_shows_nothing():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    index = ledger.act(EventType.CANCEL, 1)
    with pytest.raises(InputError, match="shows nothing against the log: leaf 6 does not contradict"):
        judge_finding(refutation(ledger, index), REFUTATION_TYPE, ledger.policy())


def test_another_log_is_another_matter():
    ledger, raw = lie()
    other = replace(ledger.policy(), origin="other.example/1")
    for kind, file in ((REFUTATION_TYPE, raw), (FORK_TYPE, fork(ledger))):
        with pytest.raises(PolicyMismatchError):
            judge_finding(file, kind, other)


def test_the_command_takes_both(tmp_path, capsys):
    ledger, raw = lie()
    policy = tmp_path / "policy.json"
    policy.write_bytes(encode_policy(ledger.policy()))
    for name, file in (("refutation", raw), ("fork", fork(ledger))):
        path = tmp_path / f"{name}.json"
        path.write_bytes(file)
        assert main([str(path), "--policy", str(policy), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["verdict"] == "INVALID"
        assert main([str(path), "--policy", str(policy), "--chain", "http://127.0.0.1:1"]) == 2
        capsys.readouterr()
    path.write_bytes(raw.replace(b"refutation/v1", b"refutation/v2"))
    assert main([str(path), "--policy", str(policy)]) == 2
