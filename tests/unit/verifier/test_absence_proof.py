"""What the verifier makes of a proof that the ledger lacks something, and of one that lies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from further_kinds import to_calibration
from ledger_in_memory import INSTITUTION, NOW, MemoryLedger, make_record
from mutations import replaced, walk
from sticker_proofs import choose_evidence, make_absence_proof, prove_absence
from stickers import PUMP, SCALE, StickerLedger

from ledger.core.absence_proof import (
    Absence,
    MissingCertificate,
    MissingVerification,
    parse_absence_proof,
)
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.event import instrument_subject
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.map_proof import build_map_proof
from ledger.core.status_map import load_nothing
from ledger.core.step import Outcome, Step, Verdict
from verifier.absence_proof import verify_absence_proof


@pytest.fixture
def ledger():
    return StickerLedger()


def name_certificate(number):
    return MissingCertificate(INSTITUTION, CertificateNumber(f"JY2026-{number:06}"))


def judge(ledger, missing, session=None, **changes):
    proof = parse_absence_proof(prove_absence(ledger, missing, **changes))
    return verify_absence_proof(proof, session or ledger.session(), NOW)


def list_failed(report):
    return {check.step for check in report.checks if check.outcome is Outcome.FAILED}


def test_a_certificate_that_was_never_issued(ledger):
    ledger.issue(1)
    report, absence = judge(ledger, name_certificate(2))
    assert absence is Absence.NO_CERTIFICATE
    assert (report.verdict, report.authentic, report.exit_code) == (Verdict.INVALID, False, 1)
    assert report.note.en == f"institution {INSTITUTION} has no certificate JY2026-000002 in the ledger"
    assert "没有" in report.note.zh


def test_an_institution_that_nobody_knows(ledger):
    missing = MissingCertificate("999999-99", CertificateNumber("1"))
    assert judge(ledger, missing)[1] is Absence.NO_CERTIFICATE


@pytest.mark.parametrize("part", [None, "1"])
def test_an_instrument_that_nobody_knows(ledger, part):
    report, absence = judge(ledger, MissingVerification(PUMP, part))
    assert (absence, report.verdict) == (Absence.NO_INSTRUMENT, Verdict.INVALID)
    assert PUMP.hex() in report.note.en


@pytest.mark.parametrize("how", ["registered", "sticker", "calibrated"])
def test_an_instrument_that_nobody_has_verified(ledger, how):
    instrument = PUMP
    if how == "registered":
        ledger.append(ledger.enter())
    elif how == "sticker":
        ledger.append(ledger.bind())
    else:
        instrument = name_instrument(1)
        ledger.issue_record(to_calibration(make_record(1)))
    report, absence = judge(ledger, MissingVerification(instrument, None))
    assert (absence, report.verdict, report.authentic) == (Absence.NO_VERIFICATION, Verdict.UNKNOWN, True)
    assert report.exit_code == 3


# --- lies ---------------------------------------------------------------------------------------------------


def test_what_the_ledger_has_cannot_be_denied(ledger):
    size = ledger.publish()
    older = build_map_proof(ledger.maps[size], [b"\x00" * 32], load_nothing)
    ledger.issue(1)
    missing = name_certificate(1)
    for changes in ({}, {"map_proof": older}, {"map_proof": b"\x04"}):
        report, absence = judge(ledger, missing, **changes)
        assert (absence, report.verdict, list_failed(report)) == (None, Verdict.INVALID, {Step.STATUS})


def test_nor_can_the_verification_of_an_instrument(ledger):
    ledger.issue(1)
    instrument = name_instrument(1)
    for part in (None, "1"):
        report, absence = judge(ledger, MissingVerification(instrument, part))
        assert (absence, list_failed(report)) == (None, {Step.STATUS})


def test_a_proof_that_shows_something_else_is_refused(ledger):
    size = ledger.publish()
    ledger.append(ledger.bind())
    size = ledger.publish()
    other = build_map_proof(ledger.maps[size], [instrument_subject(SCALE)], load_nothing)
    proof = make_absence_proof(ledger, MissingVerification(InstrumentId(bytes(16)), None), map_proof=other)
    report, absence = verify_absence_proof(proof, ledger.session(), NOW)
    assert (absence, list_failed(report)) == (None, {Step.STATUS})


def test_evidence_of_another_log_is_refused(ledger):
    thief = MemoryLedger(log="thief").found()
    size = thief.publish()
    changes = {"checkpoint": thief.checkpoint(size), "evidence": choose_evidence(thief, None, size)}
    report, absence = judge(ledger, name_certificate(1), **changes)
    assert (absence, list_failed(report)) == (None, {Step.CHECKPOINT})
    with pytest.raises(PolicyMismatchError):
        judge(ledger, name_certificate(1), origin="ledger.example/other")


def test_a_state_without_its_root_is_refused(ledger):
    evidence = choose_evidence(ledger, None, ledger.publish())
    for wrong in (ledger.evidence(only=frozenset({1})), replace(evidence, proof=evidence.proof[:-1])):
        report, absence = judge(ledger, name_certificate(1), evidence=wrong)
        assert (absence, list_failed(report)) == (None, {Step.AUTHORITY})


def test_what_is_too_old_is_not_relied_on(ledger):
    session = ledger.session(max_status_age=timedelta(hours=1))
    report, absence = judge(ledger, name_certificate(1), session)
    assert (report.verdict, absence) == (Verdict.UNKNOWN, Absence.NO_CERTIFICATE)


def test_no_changed_member_goes_unnoticed(ledger):
    missing = name_certificate(1)
    document, seen = parse_canonical_json(prove_absence(ledger, missing)), 0
    for path, value in walk(document):
        if not isinstance(value, str) or path[-1] in {"type", "number", "issuer"}:
            continue
        seen += 1
        try:
            proof = parse_absence_proof(encode_canonical_json(replaced(document, path, change(value))))
            absence = verify_absence_proof(proof, ledger.session(), NOW)[1]
        except (InputError, PolicyMismatchError):
            continue
        report = verify_absence_proof(proof, ledger.session(), NOW)[0]
        assert absence is None or list_failed(report), path
    assert seen > 5


def change(text):
    try:
        raw = bytearray(parse_base64(text))
        raw[len(raw) // 2] ^= 1
        return encode_base64(bytes(raw))
    except (InputError, IndexError):
        middle = len(text) // 2
        return text[:middle] + ("0" if text[middle] != "0" else "1") + text[middle + 1 :]


def name_instrument(number):
    return InstrumentId(bytes.fromhex(make_record(number)["instrument"]["id"]))
