"""Proof sets: each signer signs the same document, and nothing about a proof can be changed."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.data_integrity import (
    MAX_PROOFS,
    create_proof,
    hash_document,
    join_proofs,
    parse_proof,
    read_signing_times,
    split_proofs,
    verify_proof,
)
from ledger.core.encoding import encode_base58, encode_instant
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.signature import Ed25519Signer, P256Signer, parse_verification_method

OPERATOR, CHECKER, STRANGER = (Ed25519Signer(bytes([number]) * 32) for number in (1, 2, 3))
KEY = OPERATOR.public_key
CREATED = "2026-03-01T08:00:00Z"
DOCUMENT = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "credentialSubject": {"serial": "A-17", "name": "电子汽车衡", "readings": [{"error": "0.05"}], "n": 3},
}
PROOF = create_proof(DOCUMENT, OPERATOR, CREATED)


def test_a_proof_has_the_published_shape():
    shape = {
        "@context": DOCUMENT["@context"],
        "created": CREATED,
        "cryptosuite": "eddsa-jcs-2022",
        "proofPurpose": "assertionMethod",
        "proofValue": PROOF["proofValue"],
        "type": "DataIntegrityProof",
        "verificationMethod": KEY.verification_method,
    }
    assert shape == PROOF
    parsed = parse_proof(PROOF)
    assert (parsed.key, parsed.created, parsed.context) == (KEY, CREATED, DOCUMENT["@context"])
    assert len(parsed.signature) == 64


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers(0, 9) | st.text("ab中", max_size=5)
    ),
    st.sampled_from([CREATED, "2026-03-01T08:00:00.250Z"]),
)
def test_what_is_signed_verifies_after_a_round_trip(members, created):
    document = {**members, "@context": ["https://www.w3.org/ns/credentials/v2"]}
    document.pop("proof", None)
    signers = (OPERATOR, CHECKER, STRANGER)
    digest = hash_document(document)
    credential = join_proofs(
        document, [create_proof(document, signer, created, digest=digest) for signer in signers]
    )
    again, proofs = split_proofs(parse_canonical_json(encode_canonical_json(credential)))
    assert again == document
    for signer, proof in zip(signers, proofs, strict=True):
        verify_proof(again, proof, signer.public_key)
        verify_proof(again, parse_proof(proof), signer.public_key, digest=hash_document(again))
        assert create_proof(document, signer, created) == proof


def test_proofs_do_not_depend_on_each_other():
    other = create_proof(DOCUMENT, CHECKER, CREATED)
    document, proofs = split_proofs(join_proofs(DOCUMENT, [other, PROOF]))
    verify_proof(document, proofs[0], CHECKER.public_key)
    verify_proof(document, proofs[1], KEY)
    assert DOCUMENT.keys() == {"@context", "type", "credentialSubject"}


# --- evidence that fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["credentialSubject"].update(serial="A-18"),
        lambda d: d["credentialSubject"].update(n=4),
        lambda d: d["credentialSubject"].update(n="3"),
        lambda d: d["credentialSubject"].update(n=True),
        lambda d: d["credentialSubject"]["readings"].append({"error": "0.05"}),
        lambda d: d["credentialSubject"]["readings"].clear(),
        lambda d: d.update(extra="x"),
        lambda d: d.pop("type"),
        lambda d: d.update({"@context": "https://www.w3.org/ns/credentials/v2"}),
        lambda d: d["@context"].append("https://www.w3.org/ns/credentials/examples/v2"),
        lambda d: d["@context"].clear(),
    ],
)
def test_a_changed_document_is_found(change):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    with pytest.raises(BrokenSignatureError):
        verify_proof(document, PROOF, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"created": "2026-03-01T08:00:01Z"},
        {"created": "2026-03-01T08:00:00.001Z"},
        {"verificationMethod": STRANGER.public_key.verification_method},
        {"@context": []},
        {"@context": DOCUMENT["@context"][0]},
        {"@context": [*DOCUMENT["@context"], "https://www.w3.org/ns/credentials/examples/v2"]},
        {"proofValue": "z" + encode_base58(bytes(64))},
        {"proofValue": create_proof(DOCUMENT, STRANGER, CREATED)["proofValue"]},
        {"proofValue": create_proof({**DOCUMENT, "type": []}, OPERATOR, CREATED)["proofValue"]},
        {"proofValue": create_proof(DOCUMENT, OPERATOR, "2026-03-02T08:00:00Z")["proofValue"]},
    ],
)
def test_a_changed_proof_is_found(change):
    with pytest.raises(BrokenSignatureError):
        verify_proof(DOCUMENT, {**PROOF, **change}, KEY)


def test_the_key_is_the_one_asked_about_and_not_the_one_named():
    forged = create_proof(DOCUMENT, STRANGER, CREATED)
    verify_proof(DOCUMENT, forged, parse_verification_method(forged["verificationMethod"]))
    with pytest.raises(BrokenSignatureError, match="names the key"):
        verify_proof(DOCUMENT, forged, KEY)


def test_context_and_document_are_changed_together_in_vain():
    context = [*DOCUMENT["@context"], "https://www.w3.org/ns/credentials/examples/v2"]
    with pytest.raises(BrokenSignatureError):
        verify_proof({**DOCUMENT, "@context": context}, {**PROOF, "@context": context}, KEY)


@given(st.integers(0, 63), st.integers(0, 7))
def test_every_changed_bit_of_the_signature_is_found(byte, bit):
    signature = bytearray(parse_proof(PROOF).signature)
    signature[byte] ^= 1 << bit
    with pytest.raises(BrokenSignatureError):
        verify_proof(DOCUMENT, {**PROOF, "proofValue": "z" + encode_base58(bytes(signature))}, KEY)


# --- proofs outside the profile ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PROOF))
def test_every_member_is_needed_and_of_its_kind(name):
    without = {other: value for other, value in PROOF.items() if other != name}
    changed = (
        [{**PROOF, name: value} for value in ({}, 1, True, ["x"], "", "x")] if name != "@context" else []
    )
    for proof in (without, *changed):
        with pytest.raises(MalformedDocumentError):
            verify_proof(DOCUMENT, proof, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"},
        {"expires": "2027-03-01T08:00:00Z"},
        {"domain": "x"},
        {"challenge": "x"},
        {"nonce": "x"},
        {"previousProof": "x"},
        {"type": "Ed25519Signature2020"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"cryptosuite": "ecdsa-jcs-2019"},
        {"cryptosuite": "EDDSA-JCS-2022"},
        {"proofPurpose": "authentication"},
        {"created": "2026-03-01T08:00:00+00:00"},
        {"created": "2026-03-01T08:00:00.000Z"},
        {"created": "2026-02-29T08:00:00Z"},
        {"created": "2026-03-01"},
        {"verificationMethod": KEY.did_key},
        {"verificationMethod": KEY.multikey},
        {"verificationMethod": "did:web:example.org#" + KEY.multikey},
        {"verificationMethod": P256Signer(b"\x01" * 32).public_key.verification_method},
        {"proofValue": PROOF["proofValue"][1:]},
        {"proofValue": "u" + PROOF["proofValue"][1:]},
        {"proofValue": "z1" + PROOF["proofValue"][1:]},
        {"proofValue": "z" + encode_base58(bytes(63))},
        {"proofValue": "z" + encode_base58(b"\x01" * 63)},
        {"proofValue": "z" + encode_base58(b"\x01" * 65)},
        {"proofValue": "z"},
        {"proofValue": "z0"},
        {"proofValue": PROOF["proofValue"] + "\n"},
    ],
    ids=str,
)
def test_other_proofs_are_malformed(change):
    with pytest.raises(MalformedDocumentError):
        verify_proof(DOCUMENT, {**PROOF, **change}, KEY)


@pytest.mark.parametrize("value", [None, [], [PROOF], "x", 1, {}])
def test_what_is_no_proof(value):
    with pytest.raises(MalformedDocumentError):
        parse_proof(value)


def test_the_key_decides_the_suite():
    signer = P256Signer(b"\x01" * 32)
    proof = create_proof(DOCUMENT, signer, CREATED)
    assert proof["cryptosuite"] == "ecdsa-jcs-2019"
    verify_proof(DOCUMENT, proof, signer.public_key)
    with pytest.raises(MalformedDocumentError, match="is not for a key of the kind"):
        verify_proof(DOCUMENT, proof | {"cryptosuite": "eddsa-jcs-2022"}, signer.public_key)
    with pytest.raises(BrokenSignatureError):
        verify_proof(DOCUMENT | {"n": 1}, proof, signer.public_key)


def test_signing_times_are_what_the_proofs_say():
    later = create_proof(DOCUMENT, CHECKER, "2026-03-01T09:00:00Z")
    times = read_signing_times([PROOF, later, PROOF | {"created": "2026-03-02T09:00:00Z"}])
    assert {key: encode_instant(at) for key, at in times.items()} == {
        KEY.multikey: CREATED,
        CHECKER.public_key.multikey: "2026-03-01T09:00:00Z",
    }
    for spoiled in (
        {},
        PROOF | {"created": "yesterday"},
        PROOF | {"created": 1},
        PROOF | {"verificationMethod": []},
    ):
        assert read_signing_times([spoiled]) == {}


@pytest.mark.parametrize(
    "created", ["", "2026-03-01", "2026-03-01T08:00:00+08:00", "2026-03-01T08:00:00.000Z"]
)
def test_the_time_is_given_in_its_one_form(created):
    with pytest.raises(MalformedDocumentError):
        create_proof(DOCUMENT, OPERATOR, created)


def test_only_a_document_with_context_and_without_proof_is_signed():
    for document in ({"type": []}, {**DOCUMENT, "proof": []}, {}):
        with pytest.raises(MalformedDocumentError, match="@context"):
            create_proof(document, OPERATOR, CREATED)
        with pytest.raises(MalformedDocumentError, match="@context"):
            verify_proof(document, PROOF, KEY)
        with pytest.raises(MalformedDocumentError, match="@context"):
            join_proofs(document, [PROOF])


def test_documents_outside_the_profile_are_not_signed():
    for value in (1.5, None, {"é": 1}, "\ud800", 2**53):
        with pytest.raises(MalformedDocumentError):
            create_proof({**DOCUMENT, "x": value}, OPERATOR, CREATED)


@pytest.mark.parametrize(
    "proof", [None, PROOF, "x", [], ["x"], [PROOF, None], [PROOF] * (MAX_PROOFS + 1)], ids=str
)
def test_the_proof_member_is_a_list_of_proofs(proof):
    with pytest.raises(MalformedDocumentError) as caught:
        split_proofs({**DOCUMENT, "proof": proof})
    assert caught.value.field.startswith("proof")
    with pytest.raises(MalformedDocumentError):
        split_proofs(DOCUMENT)


@given(
    st.dictionaries(
        st.sampled_from([*PROOF, "id"]),
        st.sampled_from([*map(str, PROOF.values()), *DOCUMENT, "z", "did:key:z#z"])
        | st.text()
        | st.integers(),
    )
)
def test_any_object_is_a_proof_or_refused_as_input(changes):
    for value in (changes, {**PROOF, **changes}):
        try:
            proof = parse_proof(value)
        except InputError:
            continue
        assert "z" + encode_base58(proof.signature) == value["proofValue"]
