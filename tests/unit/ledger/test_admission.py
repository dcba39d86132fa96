"""The gate of the log: what it lets through, and every reason why it does not."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import MemoryStore
from hypothesis import given
from hypothesis import strategies as st
from world import INSTITUTION, NOW, ORIGIN, SCOPE, Clock, Issued, World, make_signer, submit

from ledger.admission import RuleSet, Standing, admit, find_reasons
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.errors import (
    AlreadyIssuedError,
    BrokenSignatureError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    LogIntegrityError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    Reason,
    StaleVersionError,
    StateError,
    VerificationError,
)
from ledger.core.ids import Digest
from ledger.core.refusal import encode_refusal, parse_refusal, verify_refusal
from ledger.core.register_fields import RegisterState
from ledger.core.status import Registers
from ledger.log import Log

WORLD = World()
RULES = RuleSet(load_rule_book(), ZoneInfo("Asia/Shanghai"), timedelta(minutes=5))
GOOD = WORLD.issue(1)


def stand(*more):
    """Return the standing of a log after the founding statements and some more."""
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    results = submit(log, *WORLD.founding(), *more)
    assert all(hasattr(result, "leaf") for result in results)
    return Standing(log.registers, log.head.tree_size, store.data.states.get)


STANDING = stand()


def try_admit(issued, standing=STANDING, now=NOW):
    return admit(issued.raw, issued.body, standing, RULES, now)


def reasons_of(issued, standing=STANDING, now=NOW):
    with pytest.raises(DocumentRefusedError) as caught:
        try_admit(issued, standing, now)
    return {(reason.code, reason.field) for reason in caught.value.reasons}


def with_record(**changes):
    return WORLD.issue(1, record=WORLD.record(1, **changes))


def with_instrument(**changes):
    return with_record(instrument=WORLD.record(1)["instrument"] | changes)


# --- issues -------------------------------------------------------------------------------------------------


def test_a_good_issue_is_let_through_unchanged():
    submission = try_admit(GOOD)
    assert (submission.signed.raw, submission.body) == (GOOD.raw, GOOD.body)


def test_an_issue_needs_its_certificate():
    with pytest.raises(MalformedDocumentError, match="comes with its certificate"):
        admit(GOOD.raw, None, STANDING, RULES, NOW)


@pytest.mark.parametrize("raw", [b"", b"\x84", GOOD.raw[:-1], GOOD.raw + b"\x00", b"x" * 100_000])
def test_what_is_no_statement_is_malformed(raw):
    with pytest.raises(InputError):
        admit(raw, GOOD.body, STANDING, RULES, NOW)


def test_a_certificate_must_be_canonical():
    with pytest.raises(NonCanonicalEncodingError):
        try_admit(replace(GOOD, body=GOOD.body.replace(b'","', b'", "', 1)))


@given(st.integers(0, len(GOOD.raw) * 8 - 1))
def test_no_flipped_bit_of_the_statement_gets_in(bit):
    flipped = bytearray(GOOD.raw)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputError, VerificationError)):
        try_admit(replace(GOOD, raw=bytes(flipped)))


@given(st.integers(0, len(GOOD.body) * 8 - 1))
def test_no_flipped_bit_of_the_certificate_gets_in(bit):
    flipped = bytearray(GOOD.body)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputError, VerificationError)):
        try_admit(replace(GOOD, body=bytes(flipped)))


def test_the_certificate_of_another_statement_is_refused_with_every_field_that_differs():
    found = reasons_of(replace(GOOD, body=WORLD.issue(2).body))
    assert found == {
        ("BINDING", f"statement.{name}")
        for name in ("number", "instrument_id", "serial", "certificate_digest")
    }


def test_a_statement_for_another_log_does_not_verify():
    other = World("ledger.example/other").issue(1)
    with pytest.raises(BrokenSignatureError):
        try_admit(other)


def test_an_unknown_key_is_named():
    found = reasons_of(WORLD.issue(1, seal=make_signer("stranger")))
    assert found == {("KEY", "statement.issuer")}


def test_a_key_of_another_institution_is_refused():
    other = make_signer("other seal")
    standing = stand(WORLD.institution("350100-02", division="350100"), WORLD.key("350100-02", seal=other))
    assert reasons_of(WORLD.issue(1, seal=other), standing) == {("KEY", "statement.issuer")}


def test_a_withdrawn_key_is_refused():
    standing = stand(WORLD.key(version=1, state=RegisterState.WITHDRAWN))
    assert reasons_of(GOOD, standing) == {("KEY", "statement.issuer")}


def test_a_suspended_institution_is_refused():
    standing = stand(WORLD.institution(version=1, state=RegisterState.SUSPENDED))
    assert reasons_of(GOOD, standing) == {("INSTITUTION", "statement.issuer")}


def test_an_empty_log_admits_no_issue():
    assert reasons_of(GOOD, Standing(Registers(), 0, {}.get)) == {("KEY", "statement.issuer")}


def test_a_certificate_sealed_with_another_key_is_refused():
    record = WORLD.record(1)
    body = WORLD.certificate(record, make_signer("stranger"))
    assert reasons_of(replace(GOOD, body=body)) == {("SEAL", "certificate.proof")}


def test_a_second_proof_is_refused():
    document = parse_canonical_json(GOOD.body)
    document["proof"] = document["proof"] * 2
    assert reasons_of(replace(GOOD, body=encode_canonical_json(document))) == {("SEAL", "certificate.proof")}


def test_a_seal_over_other_content_does_not_verify():
    document = parse_canonical_json(GOOD.body)
    document["credentialSubject"]["adjusted"] = True
    assert reasons_of(replace(GOOD, body=encode_canonical_json(document))) == {("SEAL", "certificate.proof")}


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (with_record(kind="arbitration"), ("COMMISSION", "commission_no")),
        (with_record(kind="arbitration", commission_no="仲〔2026〕1号"), None),
        (with_instrument(category="TAXIMETER"), ("SCOPE", "instrument.category")),
        (with_instrument(site={"division": "350200"}), ("SCOPE", "instrument.site.division")),
        (
            with_record(issuer=WORLD.record(1)["issuer"] | {"scope_line_id": "S9"}),
            ("SCOPE", "issuer.scope_line_id"),
        ),
        (
            with_record(issuer=WORLD.record(1)["issuer"] | {"authorisation_no": "x"}),
            ("SCOPE", "issuer.authorisation_no"),
        ),
        (with_record(persons=[]), ("PERSONS", "persons")),
        (with_record(regulation={"id": "JJG 1-1900", "title": "x"}), ("REGULATION", "regulation.id")),
        (with_record(validity={"kind": "date", "until": "2027-05-02"}), ("EXPIRY", "validity.until")),
        (with_record(validity={"kind": "date", "until": "2027-04-30"}), ("EXPIRY", "validity.reason")),
        (with_record(issued_on="2026-11-01"), ("TIME", "issued_on")),
    ],
)
def test_each_rule_of_the_gate_refuses(issued, expected):
    if expected is None:
        try_admit(issued)
    else:
        assert expected in reasons_of(issued)


def test_results_beyond_the_limit_are_refused():
    results = WORLD.record(1)["results"]
    results[0]["points"][0] |= {"measured": "20.08", "error": "0.40"}
    assert ("LIMITS", "results[0].points[0].pass") in reasons_of(with_record(results=results))


def test_every_reason_is_given_at_once():
    issued = with_record(persons=[], issued_on="2026-11-01", validity={"kind": "date", "until": "2027-05-02"})
    assert {code for code, _ in reasons_of(issued)} == {"PERSONS", "TIME", "EXPIRY"}


def test_a_scope_of_another_period_or_kind_is_refused():
    standing = stand(WORLD.scope(version=1, valid_until=date(2026, 11, 1)))
    assert ("SCOPE", "verified_on") in reasons_of(GOOD, standing)
    standing = stand(WORLD.scope(version=1, categories=frozenset({Category.TAXIMETER})))
    assert ("SCOPE", "instrument.category") in reasons_of(GOOD, standing)


def test_a_seal_from_the_future_is_refused_beyond_the_tolerance():
    sealed_at = NOW - timedelta(hours=1)
    try_admit(GOOD, now=sealed_at - RULES.clock_tolerance)
    late = sealed_at - RULES.clock_tolerance - timedelta(seconds=1)
    assert reasons_of(GOOD, now=late) == {("TIME", "proof.created")}


# --- register events ----------------------------------------------------------------------------------------


def test_the_founding_statements_are_admitted_one_after_the_other():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    for raw in WORLD.founding():
        standing = Standing(log.registers, log.head.tree_size, store.data.states.get)
        log.append([admit(raw, None, standing, RULES, NOW)])
    assert log.head.tree_size == 2 * len(WORLD.founding())


def test_a_register_event_brings_no_certificate():
    with pytest.raises(MalformedDocumentError, match="only an issue"):
        admit(WORLD.scope(scope_id="S2"), GOOD.body, STANDING, RULES, NOW)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (WORLD.root(), "expects version 0"),
        (WORLD.scope(), "expects version 0"),
        (WORLD.institution("110000-01", division="110000"), "outside that of authority"),
        (World("ledger.example/other").scope(scope_id="S2"), "signature"),
    ],
)
def test_a_register_event_without_effect_is_refused(raw, why):
    with pytest.raises(DocumentRefusedError, match=why) as caught:
        admit(raw, None, STANDING, RULES, NOW)
    assert caught.value.reasons[0].code == "NO_EFFECT"


def test_an_authority_decides_within_its_period_only():
    with pytest.raises(DocumentRefusedError, match="decides from"):
        admit(WORLD.scope(scope_id="S2"), None, STANDING, RULES, NOW + timedelta(days=365 * 20))


# --- reasons and signed refusals ----------------------------------------------------------------------------

HOSTILE = "x\x00\n\u202e\ud800" + "y" * 5000

ERRORS = [
    (AlreadyIssuedError("number 1 is taken"), "ALREADY_ISSUED", "statement"),
    (StaleVersionError("expects version 0"), "STALE_VERSION", "statement"),
    (StateError("the clock went back"), "STATE", "statement"),
    (BrokenSignatureError("no"), "SIGNATURE", "statement"),
    (VerificationError("no"), "EVIDENCE", "statement"),
    (MalformedDocumentError("is missing", field="instrument.serial"), "MALFORMED", "instrument.serial"),
    (LogIntegrityError("no"), "REFUSED", "statement"),
    (DocumentRefusedError([Reason("SCOPE", "verified_on", "en", "zh")]), "SCOPE", "verified_on"),
    (MalformedDocumentError(HOSTILE, field=HOSTILE), "MALFORMED", "x??"),
    (DocumentRefusedError([Reason("NO_EFFECT", "", HOSTILE, "")]), "NO_EFFECT", "?"),
]


@pytest.mark.parametrize(("error", "code", "field"), ERRORS)
def test_every_error_becomes_reasons_that_can_be_signed(error, code, field):
    (reason,) = reasons = find_reasons(error)
    assert reason.code == code
    assert reason.field.startswith(field)
    raw = encode_refusal(reasons, Digest(bytes(32)), NOW, WORLD.log_key)
    refusal = parse_refusal(raw)
    assert refusal.reasons == reasons
    verify_refusal(refusal, WORLD.log_key.public_key)


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_a_refusal(field, en, zh):
    errors: list[LedgerError] = [
        DocumentRefusedError([Reason("SCOPE", field, en, zh)]),
        InputError(en, field=field),
        StateError(zh),
    ]
    for error in errors:
        parse_refusal(encode_refusal(find_reasons(error), Digest(bytes(32)), NOW, WORLD.log_key))


def test_the_world_speaks_for_its_own_institution_and_scope():
    assert (INSTITUTION, SCOPE) in STANDING.registers.scopes
    assert isinstance(GOOD, Issued)
