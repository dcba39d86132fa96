"""A supplement as PDF: what it supplements, and whether the ledger has this very file."""

import hashlib
from dataclasses import replace
from datetime import date

import pytest
from ledger_in_memory import INSTITUTION, NOW, MemoryLedger, make_act, make_signer
from printed import make_content, render, sign

from ledger.core.act import ReasonCode, encode_act
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, LeafIndex
from ledger.core.merkle import build_inclusion_proof
from ledger.core.statement import ActClaims, Statement, sign_statement
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.supplement import (
    ActProof,
    Supplement,
    encode_act_proof,
    encode_supplement,
    parse_act_proof,
    parse_supplement,
)
from ledger.core.tlog_proof import TlogProof, encode_tlog_proof
from verifier.pdf import verify_pdf


def make_supplement(content, **changes):
    supplement = Supplement(
        issuer=INSTITUTION,
        number=CertificateNumber(content.certificate.record.number),
        certificate_digest=content.certificate.digest,
        reason=ReasonCode.TYPO,
        paragraphs=("测量范围应为 (5~60) L/min。",),
        made_on=date(2026, 3, 3),
    )
    return replace(supplement, **changes)


def sign_supplement(ledger, pdf, *, by="seal", event_type=EventType.SUPPLEMENT, **changes):
    """Return the act that has the digest of a file."""
    document = hashlib.sha256(pdf).digest() if event_type is EventType.SUPPLEMENT else None
    act = replace(make_act(1, reason=ReasonCode.TYPO, document=document), **changes)
    version = ledger.states[act.subject].version
    statement = Statement(event_type, INSTITUTION, ActClaims(bytes(8), encode_act(act)), version)
    return sign_statement(statement, make_signer(by), ledger.origin)


def prove(ledger, index, statement, **changes):
    size = ledger.publish()
    inclusion = build_inclusion_proof(LeafIndex(index), size, ledger.tree().read)
    members = {
        "leaf_index": LeafIndex(index),
        "inclusion": tuple(inclusion),
        "checkpoint": ledger.checkpoint(size),
        "extra": ledger.leaves[index][:HEADER_BYTES],
    }
    return ActProof(statement, encode_tlog_proof(TlogProof(**members | changes)).encode())


class Case:
    """One ledger, one certificate, one supplement, one act."""

    def __init__(self, **changes):
        self.ledger = MemoryLedger().found()
        self.index = self.ledger.issue(1)
        content = make_content(self.ledger, self.index)
        self.pdf = sign(render(self.ledger, self.index, supplement=make_supplement(content, **changes)))

    def log(self, raw=None, **changes):
        raw = raw or sign_supplement(self.ledger, self.pdf, **changes)
        return prove(self.ledger, self.ledger.append(raw), raw)

    def verify(self, act, **policy):
        return verify_pdf(self.pdf, self.ledger.session(**policy), NOW, act=act)


@pytest.fixture(scope="module")
def case():
    return Case()


@pytest.fixture(scope="module")
def proof(case):
    return case.log()


def step(report, wanted):
    return next(check for check in report.checks if check.step is wanted)


def test_it_says_what_it_supplements_and_that_the_ledger_has_it(case, proof):
    report = case.verify(proof)
    assert (report.verdict, report.authentic) == (Verdict.VALID, True)
    assert report.note.en == "a supplement of 2026-03-03 to JY2026-000001, reason TYPO"
    assert report.note.zh == "JY2026-000001的补充件，日期2026-03-03，原因TYPO"
    assert "the ledger has the digest of this supplement" in step(report, Step.INCLUSION).reason.en
    assert "supplements certificate JY2026-000001" in step(report, Step.BINDING).reason.en


def test_without_the_proof_nobody_knows_whether_the_ledger_has_it(case):
    report = case.verify(None, required=frozenset({Step.SEAL}))
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 3)
    assert step(report, Step.INCLUSION).outcome is Outcome.NOT_CHECKED
    assert "--act" in step(report, Step.INCLUSION).reason.en


def test_a_proof_survives_its_file(proof):
    assert parse_act_proof(encode_act_proof(proof)) == proof


def test_another_file_with_the_same_words_is_not_the_one_in_the_ledger(case, proof):
    again = Case()
    again.pdf = sign(
        render(
            again.ledger,
            again.index,
            supplement=make_supplement(make_content(again.ledger, again.index), paragraphs=("别的。",)),
        )
    )
    report = verify_pdf(again.pdf, case.ledger.session(), NOW, act=proof)
    assert report.verdict is Verdict.INVALID
    assert "the digest of another file" in step(report, Step.INCLUSION).reason.en


WRONG_ACTS = {
    "another certificate": ({"number": CertificateNumber("JY2026-000002")}, "about another certificate"),
    "another reason": ({"reason": ReasonCode.WRONG_RESULT}, "has the reason WRONG_RESULT"),
    "another act": ({"event_type": EventType.SUSPEND}, "not of a supplement"),
    "another digest": ({"document": bytes(32)}, "digest of another file"),
}


@pytest.mark.parametrize("name", WRONG_ACTS)
def test_an_act_that_says_something_else_is_found(name):
    changes, why = WRONG_ACTS[name]
    case = Case()
    report = case.verify(case.log(**changes))
    assert report.verdict is Verdict.INVALID
    assert why in step(report, Step.INCLUSION).reason.en


def test_an_act_of_no_effect_proves_nothing():
    case = Case()
    case.ledger.act(EventType.WITHDRAW)
    report = case.verify(case.log())
    assert "the leaf has no effect" in step(report, Step.INCLUSION).reason.en
    assert report.verdict is Verdict.INVALID


def test_an_act_under_another_key_is_not_known():
    case = Case()
    raw = sign_supplement(case.ledger, case.pdf, by="stranger")
    index = case.ledger.force(raw)
    report = case.verify(prove(case.ledger, index, raw))
    assert report.verdict is Verdict.UNKNOWN
    assert step(report, Step.INCLUSION).outcome is Outcome.NOT_CHECKED


def test_a_signature_by_another_key_under_this_name_is_found():
    case = Case()
    raw = sign_supplement(case.ledger, case.pdf)
    raw = raw[:-1] + bytes([raw[-1] ^ 1])
    index = case.ledger.force(raw)
    assert case.verify(prove(case.ledger, index, raw)).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "spoil",
    [
        lambda proof: replace(proof, proof=proof.proof.replace(b"\nindex ", b"\nindex 1")),
        lambda proof: replace(proof, proof=proof.proof + b"x"),
        lambda proof: replace(proof, proof=b""),
        lambda proof: replace(proof, statement=proof.statement[:-1]),
        lambda proof: replace(proof, statement=b""),
        lambda proof: replace(
            proof,
            proof=b"\n".join(line for line in proof.proof.split(b"\n") if not line.startswith(b"extra")),
        ),
    ],
)
def test_a_proof_that_does_not_hold_is_found(case, proof, spoil):
    spoiled = spoil(proof)
    assert spoiled != proof
    report = case.verify(spoiled)
    assert report.verdict is Verdict.INVALID
    assert step(report, Step.INCLUSION).outcome is Outcome.FAILED


def test_a_checkpoint_of_another_log_proves_nothing(case, proof):
    other = MemoryLedger(log="other log").found()
    other.issue(1)
    raw = sign_supplement(other, case.pdf)
    report = case.verify(prove(other, other.append(raw), raw))
    assert report.verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"number": CertificateNumber("JY2026-000009")},
        {"certificate_digest": bytes(32)},
        {"issuer": "350100-09"},
    ],
)
def test_a_supplement_to_another_certificate_than_it_holds_is_found(changes):
    case = Case(**changes)
    report = case.verify(case.log())
    assert report.verdict is Verdict.INVALID
    assert step(report, Step.BINDING).reason.en == "the supplement is to another certificate"


def test_a_proof_beside_a_certificate_is_refused():
    ledger = MemoryLedger().found()
    pdf = sign(render(ledger, ledger.issue(1)))
    with pytest.raises(InputError, match="is no supplement"):
        verify_pdf(pdf, ledger.session(), NOW, act=ActProof(b"", b""))


def test_a_state_of_the_certificate_is_said_too():
    case = Case()
    proof = case.log()
    assert case.verify(proof).status.value == "VALID"
    assert case.verify(proof).document.number == "JY2026-000001"


# --- files --------------------------------------------------------------------------------------------------

GOOD = {
    "type": "hengzheng/supplement/v1",
    "certificate": {"issuer": "350100-01", "number": "JY2026-000001"},
    "digest": "ab" * 32,
    "reason": "TYPO",
    "text": ["一", "二"],
    "made_on": "2026-03-03",
}


def test_a_supplement_is_read_back():
    raw = encode_canonical_json(GOOD)
    assert encode_supplement(parse_supplement(raw)) == raw


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": "hengzheng/supplement/v2"}, "type"),
        ({"certificate": {"issuer": "x", "number": "1"}}, "certificate.issuer"),
        ({"certificate": {"issuer": "350100-01"}}, "certificate.number"),
        ({"certificate": {"issuer": "350100-01", "number": "1", "x": 1}}, "certificate"),
        ({"digest": "ab"}, "digest"),
        ({"reason": "WHIM"}, "reason"),
        ({"text": []}, "text: nothing is added"),
        ({"text": [""]}, r"text\[0\]"),
        ({"text": ["x" * 8001]}, r"text\[0\]"),
        ({"text": ["a\u202eb"]}, r"text\[0\]"),
        ({"made_on": "2026-02-30"}, "made_on"),
        ({"more": 1}, "unknown member: more"),
    ],
)
def test_what_is_no_supplement_is_refused_by_its_member(changes, why):
    with pytest.raises(InputError, match=f"^{why}"):
        parse_supplement(encode_canonical_json(GOOD | changes))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"type":1}', b"x" * 20_000, b"\xff"])
def test_bytes_that_are_nothing_of_it_are_refused(raw):
    for parse in (parse_supplement, parse_act_proof):
        with pytest.raises(InputError):
            parse(raw)


def test_the_proof_of_an_act_has_one_spelling(proof):
    value = parse_canonical_json(encode_act_proof(proof))
    for changes in ({"more": 1}, {"statement": "="}, {"proof": 5}, {"type": "x"}):
        with pytest.raises(InputError):
            parse_act_proof(encode_canonical_json(value | changes))
