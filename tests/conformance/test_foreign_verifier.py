"""The npm library @digitalbazaar/eddsa-jcs-2022-cryptosuite accepts what we accept."""

import copy
import hashlib

import pytest
from foreign import foreign_answers, foreign_verify

from ledger.core.canonical import encode_canonical_json
from ledger.core.data_integrity import create_proof, join_proofs, split_proofs, verify_proof
from ledger.core.encoding import encode_base58
from ledger.core.errors import BrokenSignatureError, InputError, LedgerError
from ledger.core.signature import Ed25519Signer, parse_verification_method

OPERATOR, CHECKER, STRANGER = (Ed25519Signer(bytes([number]) * 32) for number in (1, 2, 3))
DOCUMENT = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": OPERATOR.public_key.did_key,
    "credentialSubject": {"name": "燃油加油机 😀", "serial": 'A"17\\\x7f\u2028', "year": 2026},
}
SINGLE = join_proofs(DOCUMENT, [create_proof(DOCUMENT, OPERATOR, "2026-03-01T08:00:00Z")])
SET = join_proofs(
    DOCUMENT,
    [
        create_proof(DOCUMENT, OPERATOR, "2026-03-01T08:00:00Z"),
        create_proof(DOCUMENT, CHECKER, "2026-03-01T09:30:00.250Z"),
    ],
)


def tampered(credential, change):
    changed = copy.deepcopy(credential)
    change(changed)
    return changed


def sign_without_context(document, signer):
    """What some issuers publish: neither the signed nor the published proof carries @context."""
    config = create_proof(document, signer, "2026-03-01T08:00:00Z")
    del config["@context"], config["proofValue"]
    digests = [hashlib.sha256(encode_canonical_json(value)).digest() for value in (config, document)]
    return {**config, "proofValue": "z" + encode_base58(signer.sign(b"".join(digests)))}


def change_text(credential):
    credential["credentialSubject"]["name"] = "燃油加油枪"


def change_integer(credential):
    credential["credentialSubject"]["year"] = 2027


def add_member(credential):
    credential["extra"] = "x"


def drop_context(credential):
    del credential["proof"][-1]["@context"]


def other_context(credential):
    credential["proof"][-1]["@context"] = ["https://www.w3.org/ns/credentials/examples/v2"]


def wrong_key(credential):
    credential["proof"][-1]["verificationMethod"] = STRANGER.public_key.verification_method


def wrong_time(credential):
    credential["proof"][-1]["created"] = "2026-03-01T08:00:01Z"


def wrong_purpose(credential):
    credential["proof"][-1]["proofPurpose"] = "authentication"


def swapped_value(credential):
    credential["proof"][-1]["proofValue"] = create_proof(
        {**DOCUMENT, "issuer": "x"}, CHECKER, "2026-03-01T08:00:00Z"
    )["proofValue"]


CHANGES = [
    change_text,
    change_integer,
    add_member,
    drop_context,
    other_context,
    wrong_key,
    wrong_time,
    wrong_purpose,
    swapped_value,
]


def verify_here(credential):
    document, proofs = split_proofs(credential)
    for proof in proofs:
        verify_proof(document, proof, parse_verification_method(proof["verificationMethod"]))


def test_the_foreign_library_accepts_what_we_sign():
    assert foreign_verify(SINGLE)
    assert foreign_answers([SET])[0] == {"verified": True, "proofs": 2, "errors": []}
    verify_here(SINGLE)
    verify_here(SET)


@pytest.fixture(scope="module")
def answers():
    single = foreign_answers([tampered(SINGLE, change) for change in CHANGES])
    both = foreign_answers([tampered(SET, change) for change in CHANGES])
    return {change: pair for change, *pair in zip(CHANGES, single, both, strict=True)}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_both_refuse_what_was_tampered_with(change, answers):
    single, both = answers[change]
    assert not single["verified"]
    assert not both["verified"]
    for credential in (SINGLE, SET):
        with pytest.raises(LedgerError) as caught:
            verify_here(tampered(credential, change))
        assert isinstance(caught.value, (InputError, BrokenSignatureError))


def test_a_proof_signed_without_context_is_refused_here_although_it_verifies_there():
    credential = join_proofs(DOCUMENT, [sign_without_context(DOCUMENT, OPERATOR)])
    assert foreign_verify(credential)
    with pytest.raises(InputError, match="exactly the members"):
        verify_here(credential)
