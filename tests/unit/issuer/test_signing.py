import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from desk_world import CONTEXT, INSTITUTION, NOW, ORIGIN, CountingRandomness, document
from world import SCOPE, World, make_signer

from issuer.drafting import parse_draft
from issuer.signing import Seal, prepare_document, renew_issue, seal_document, sign_issue
from ledger.core.certificate import parse_certificate
from ledger.core.data_integrity import parse_proof, verify_proof
from ledger.core.disclosure import parse_disclosure, verify_disclosure
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.ids import CertificateNumber
from ledger.core.record import Issuer
from ledger.core.rules import check_binding
from ledger.core.signatories import verify_signatures
from ledger.core.statement import parse_signed_statement, verify_statement
from ledger.core.step import Outcome

WORLD = World()
KEY = WORLD.seal.public_key
SEAL = Seal(WORLD.seal, ORIGIN, INSTITUTION, NOW)
ISSUER = Issuer(INSTITUTION, "福州市计量所", "（闽）法计（2025）35001号", SCOPE)
NUMBER = CertificateNumber("JY2026-000001")


def ready(**changes):
    return prepare_document(parse_draft(document(**changes), CONTEXT), ISSUER)


def seal(randomness=None, **changes):
    return seal_document(ready(**changes), NUMBER, SEAL, randomness or CountingRandomness())


def test_a_sealed_document_is_a_certificate_that_verifies():
    certificate = parse_certificate(seal().certificate)
    [proof] = certificate.proofs
    verify_proof(certificate.document, proof, KEY)
    assert certificate.issuer_did == KEY.did_key
    assert certificate.record.issuer == ISSUER
    assert certificate.record.number == NUMBER


def test_the_record_is_the_drafts_but_for_what_the_desk_writes():
    draft, record = parse_draft(document(), CONTEXT).record, parse_certificate(seal().certificate).record
    written = {"number", "issuer", "nonce", "applicant", "place_where", "instrument", "persons"}
    for name in set(draft.__dataclass_fields__) - written:
        assert getattr(draft, name) == getattr(record, name)
    assert draft.instrument == replace(
        record.instrument, owner=draft.instrument.owner, site=draft.instrument.site
    )


def test_the_statement_binds_the_certificate():
    sealed = seal()
    signed = parse_signed_statement(sign_issue(sealed.claims, 3, SEAL))
    verify_statement(signed, KEY, ORIGIN)
    assert check_binding(signed.statement, parse_certificate(sealed.certificate)).outcome is Outcome.PASSED
    assert signed.statement.expected_version == 3


def test_a_statement_is_good_in_one_log_only():
    signed = parse_signed_statement(sign_issue(seal().claims, 0, SEAL))
    with pytest.raises(BrokenSignatureError):
        verify_statement(signed, KEY, "another.log/1")


def test_the_disclosure_holds_what_the_record_commits_to():
    sealed = seal()
    disclosure = parse_disclosure(sealed.disclosure)
    record = parse_certificate(sealed.certificate).document["credentialSubject"]
    verify_disclosure(record, disclosure)
    assert disclosure.certificate_digest == hashlib.sha256(sealed.certificate).digest()
    assert disclosure.members["persons.2.name"].value == "approver某"
    assert len({member.salt for member in disclosure.members.values()}) == 7


def test_a_document_without_personal_members_has_no_disclosure():
    bare = document(place={"kind": "on_site"})
    bare["persons"] = [
        {name: item for name, item in person.items() if name != "name"} for person in bare["persons"]
    ]
    bare["instrument"] = {**bare["instrument"], "site": {"division": "350102"}}
    del bare["applicant"], bare["instrument"]["owner"]
    assert (
        seal_document(prepare_document(parse_draft(bare, CONTEXT), ISSUER), NUMBER, SEAL, bytes).disclosure
        is None
    )


def test_every_document_has_its_own_nonce_and_salts():
    randomness = CountingRandomness()
    one, other = seal(randomness), seal(randomness)
    assert one.certificate != other.certificate
    assert one.disclosure != other.disclosure


def test_the_same_randomness_gives_the_same_bytes():
    assert seal(CountingRandomness(b"x")) == seal(CountingRandomness(b"x"))


def test_a_seal_says_whole_seconds():
    late = replace(SEAL, sealed_at=datetime(2026, 11, 3, 8, 0, 0, 999_999, tzinfo=UTC))
    certificate = parse_certificate(seal_document(ready(), NUMBER, late, CountingRandomness()).certificate)
    assert parse_proof(certificate.proofs[0]).created == "2026-11-03T08:00:00Z"


def test_a_renewed_statement_differs_in_its_version_only():
    raw = sign_issue(seal().claims, 0, SEAL)
    old, new = (parse_signed_statement(item).statement for item in (raw, renew_issue(raw, 7, SEAL)))
    assert replace(new, expected_version=0) == old
    assert new.expected_version == 7
    assert renew_issue(raw, 0, SEAL) == raw


def test_only_an_issue_is_renewed():
    with pytest.raises(MalformedDocumentError, match=r"statement\.type: not an issue"):
        renew_issue(WORLD.institution(), 1, SEAL)
    with pytest.raises(InputError):
        renew_issue(b"", 1, SEAL)


def test_a_waiting_document_is_small():
    document_bytes = ready()
    assert len(document_bytes.template) < len(seal().certificate)
    assert not hasattr(document_bytes, "__dict__")


# --- persons with keys ------------------------------------------------------------------------------------


def with_keys(*names):
    roles = ("operator", "checker", "approver")
    return [
        {"role": role, "pid": f"P-{name}", "key": make_signer(name).public_key.multikey}
        for role, name in zip(roles, names, strict=True)
    ]


def seal_by(*signers, persons):
    at_hand = {make_signer(name).public_key.multikey: make_signer(name) for name in signers}
    draft = ready(persons=persons)
    return seal_document(draft, NUMBER, replace(SEAL, persons=at_hand), CountingRandomness())


def test_persons_sign_in_the_records_order_and_the_institution_last():
    certificate = parse_certificate(seal_by("A", "B", "C", persons=with_keys("C", "A", "B")).certificate)
    assert verify_signatures(certificate, KEY) == NOW
    keys = [parse_proof(proof).key for proof in certificate.proofs]
    assert keys == [*(make_signer(name).public_key for name in "CAB"), KEY]
    assert [person.signed_at for person in certificate.record.persons] == [NOW] * 3
    assert certificate.record.issued_on is None


def test_one_person_in_two_roles_signs_once():
    persons = with_keys("A", "B", "B")
    persons[2]["pid"] = persons[1]["pid"]
    sealed = seal_by("A", "B", persons=persons)
    certificate = parse_certificate(sealed.certificate)
    assert len(certificate.proofs) == 3
    verify_signatures(certificate, KEY)


def test_a_key_that_is_not_at_hand_cannot_sign():
    with pytest.raises(MalformedDocumentError, match="not at hand"):
        seal_by("A", "B", persons=with_keys("A", "B", "C"))
