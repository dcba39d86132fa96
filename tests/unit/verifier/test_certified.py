"""Step 14 by a quorum certificate: who signed, from when, what is false, and what is the policy's fault."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bls_witnesses import certify, change_line, make_bls_list, make_bls_quorum, make_line
from ledger_in_memory import NOW, MemoryLedger
from vectors import ROOT
from witnesses import cosign, make_witness

from ledger.core.bundle import parse_bundle
from ledger.core.cosignature import add_lines
from ledger.core.errors import BrokenSignatureError
from ledger.core.note import parse_note
from ledger.core.policy import DEFAULT_REQUIRED, encode_policy
from ledger.core.quorum import WitnessQuorum
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.trust import open_checkpoint
from verifier.verify import verify_bundle

QUORUM = make_bls_quorum(7, threshold=4)
LEDGER = MemoryLedger().found()
INDEX = LEDGER.issue(1)
NOTE = LEDGER.checkpoint()
AT = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
REQUIRED = frozenset(DEFAULT_REQUIRED) | {Step.QUORUM}


def verify(note, *, now=NOW, quorum=QUORUM, ledger=LEDGER, **policy):
    session = ledger.session(witnesses=quorum, required=REQUIRED, **policy)
    return verify_bundle(parse_bundle(ledger.bundle(INDEX, checkpoint=note)), session, now)


def find(report, step=Step.QUORUM):
    return next(check for check in report.checks if check.step is step)


def test_a_certificate_passes_and_its_signers_are_named():
    report = verify(certify(NOTE, AT, 6, 0, 1, 2))
    assert report.verdict is Verdict.VALID
    check = find(report)
    assert check.outcome is Outcome.PASSED
    assert check.reason.en == (
        "cosigned by 4 of 7 witnesses, 4 are needed, 4 of them by a quorum certificate: "
        "b0.example, b1.example, b2.example, b6.example; as of 2026-03-03 07:00 UTC"
    )
    assert "其中4个由法定人数证书证明" in check.reason.zh
    assert "as of 2026-03-03 07:00 UTC" in find(report, Step.STATUS).reason.en


def test_one_fewer_is_not_yet_witnessed():
    report = verify(certify(NOTE, AT, 0, 1, 2))
    assert find(report).outcome is Outcome.NOT_CHECKED
    assert "3 of 7 witnesses, 4 are needed" in find(report).reason.en
    assert report.authentic
    assert report.verdict is Verdict.UNKNOWN


def test_lines_and_certificate_count_together():
    quorum = make_bls_quorum(3, threshold=3, witnesses=[make_witness("w1"), make_witness("w2")])
    note = certify(cosign(NOTE, AT, "w1", "w2"), AT, 1, count=3)
    check = find(verify(note, quorum=quorum))
    assert check.outcome is Outcome.PASSED
    assert "3 of 5 witnesses, 3 are needed, 1 of them by a quorum certificate" in check.reason.en
    assert find(verify(cosign(NOTE, AT, "w1", "w2"), quorum=quorum)).outcome is Outcome.NOT_CHECKED


def test_who_has_signed_with_both_keys_counts_once_and_is_among_the_certified():
    quorum = make_bls_quorum(3, threshold=2, witnesses=[make_witness("b0"), make_witness("b1")])
    line_at = AT + timedelta(seconds=40)
    note = certify(cosign(NOTE, line_at, "b0", "b1"), AT, 0, 2, count=3)
    said = find(verify(note, quorum=quorum)).reason
    assert said.en.startswith(
        "cosigned by 3 of 3 witnesses, 2 are needed, 2 of them by a quorum certificate: "
    )
    assert "其中2个由法定人数证书证明" in said.zh
    ahead = certify(cosign(NOTE, AT, "b0", "b1"), NOW + timedelta(days=1), 0, 2, count=3)
    said = find(verify(ahead, quorum=quorum)).reason
    assert said.en.startswith("cosigned by 2 of 3 witnesses, 2 are needed: "), (
        "a later time counts for nothing"
    )


@pytest.mark.parametrize("place", [7, 8, 9, 60, 104])
def test_a_false_certificate_is_a_failure(place):
    line = change_line(make_line(NOTE, AT, 0, 1, 2, 3), place)
    for note in (add_lines(NOTE, [line]), add_lines(certify(NOTE, AT, 0, 1, 2, 3, 4), [line])):
        report = verify(note)
        assert report.verdict is Verdict.INVALID
        assert {one.step for one in report.checks if one.outcome is Outcome.FAILED} == {Step.QUORUM}
        with pytest.raises(BrokenSignatureError):
            open_checkpoint(note, LEDGER.policy(witnesses=QUORUM))


def test_a_certificate_out_of_another_bundle_is_found():
    """The other bundle is of the same log, and verifies with it."""
    later = MemoryLedger().found()
    later.issue(1)
    later.issue(2)
    other = later.checkpoint()
    assert find(verify(certify(other, AT, 0, 1, 2, 3), ledger=later)).outcome is Outcome.PASSED
    line = parse_note(certify(other, AT, 0, 1, 2, 3)).signatures[-1]
    report = verify(add_lines(NOTE, [line]))
    assert report.verdict is Verdict.INVALID
    assert find(report).reason.en == "the quorum certificate does not hold"


def test_certificates_under_other_lists_change_nothing():
    note = certify(NOTE, AT, 0, 1, 2, 3, 4, 5, count=6)
    assert find(verify(note)).outcome is Outcome.NOT_CHECKED
    assert find(verify(note)).reason.en.startswith("not yet witnessed: cosigned by 0 of 7")
    assert verify_bundle(
        parse_bundle(LEDGER.bundle(INDEX, checkpoint=note)), LEDGER.session(), NOW
    ).verdict is (Verdict.VALID)


def test_a_key_that_nobody_has_proved_is_the_policys_fault():
    listed = make_bls_list(7)
    unproved = replace(listed[0], possession=listed[1].possession)
    report = verify(certify(NOTE, AT, 0, 1, 2, 3), quorum=WitnessQuorum((), 4, (unproved, *listed[1:])))
    assert find(report).outcome is Outcome.NOT_CHECKED
    assert "the BLS key of b0.example is not proved" in find(report).reason.en
    assert "策略中的见证方密钥不可用" in find(report).reason.zh
    assert report.verdict is Verdict.UNKNOWN


def test_a_time_ahead_of_the_clock_does_not_count():
    assert find(verify(certify(NOTE, NOW + timedelta(minutes=7), 0, 1, 2, 3))).outcome is Outcome.NOT_CHECKED


PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.policy import parse_policy
from verifier.session import Session
from verifier.verify import verify_bundle
folder, now = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
session = Session(parse_policy((folder / "policy").read_bytes()), load_rule_book(), None)
verify_bundle(parse_bundle((folder / "bundle").read_bytes()), session, now)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"py_ecc", "py_arkworks_bls12381"}))
"""


@pytest.mark.parametrize(
    ("note", "loaded"), [(NOTE, "[]"), (certify(NOTE, AT, 0, 1, 2, 3), "['py_arkworks_bls12381']")]
)
def test_no_library_is_loaded_without_a_certificate(tmp_path, note, loaded):
    (tmp_path / "policy").write_bytes(encode_policy(LEDGER.policy(witnesses=QUORUM)))
    (tmp_path / "bundle").write_bytes(LEDGER.bundle(INDEX, checkpoint=note))
    words = [sys.executable, "-c", PROGRAM, str(tmp_path), NOW.isoformat()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == loaded


def test_an_old_certificate_is_not_fresh():
    report = verify(certify(NOTE, AT - timedelta(days=1), 0, 1, 2, 3), max_status_age=timedelta(hours=2))
    assert find(report).outcome is Outcome.PASSED
    assert find(report, Step.STATUS).outcome is Outcome.NOT_CHECKED
    assert report.verdict is Verdict.UNKNOWN
