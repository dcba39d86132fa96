"""The W3C vectors of eddsa-jcs-2022: every intermediate value, and the published proof byte for byte."""

import hashlib
import json

import pytest
from vectors import vector_path

from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.data_integrity import create_proof, hash_document, parse_proof, verify_proof
from ledger.core.encoding import encode_base58, parse_base58
from ledger.core.errors import BrokenSignatureError
from ledger.core.signature import Ed25519Signer, parse_multikey, parse_verification_method, verify_signature


def read(name):
    return vector_path("crypto", "w3c-vc-di-eddsa", name).read_bytes()


def read_text(name):
    return read("eddsa-jcs-2022/" + name).decode().strip()


@pytest.fixture(scope="module")
def document():
    return parse_json(read("unsigned.json"))


@pytest.fixture(scope="module")
def signed():
    return parse_json(read("eddsa-jcs-2022/signedJCS.json"))


@pytest.fixture(scope="module")
def keys():
    pair = json.loads(read("keyPair.json"))
    secret = parse_base58(pair["privateKeyMultibase"][1:])
    assert secret[:2] == b"\x80\x26"
    return parse_multikey(pair["publicKeyMultibase"]), Ed25519Signer(secret[2:])


def test_the_key_pair(keys):
    key, signer = keys
    assert signer.public_key == key
    assert key.multikey == json.loads(read("keyPair.json"))["publicKeyMultibase"]


def test_the_canonical_document_and_its_digest(document):
    assert encode_canonical_json(document).decode() == read_text("canonDocJCS.txt")
    assert hash_document(document).hex() == read_text("docHashJCS.txt")


def test_the_canonical_proof_options_and_their_digest():
    config = parse_json(read("eddsa-jcs-2022/proofConfigJCS.json"))
    assert encode_canonical_json(config).decode() == read_text("proofCanonJCS.txt")
    assert hashlib.sha256(encode_canonical_json(config)).hexdigest() == read_text("proofHashJCS.txt")


def test_the_signed_bytes_and_the_signature(document, signed, keys):
    proof = parse_proof(signed["proof"])
    data = proof.config_digest + hash_document(document)
    assert data.hex() == read_text("combinedHashJCS.txt")
    assert proof.signature.hex() == read_text("sigHexJCS.txt")
    assert "z" + encode_base58(proof.signature) == read_text("sigBTC58JCS.txt")
    verify_signature(keys[0], proof.signature, data)
    assert keys[1].sign(data) == proof.signature


def test_the_published_proof_is_made_again_byte_for_byte(document, signed, keys):
    assert create_proof(document, keys[1], "2023-02-24T23:36:38Z") == signed["proof"]


def test_the_published_credential_verifies(signed):
    proof = signed["proof"]
    document = {name: value for name, value in signed.items() if name != "proof"}
    key = parse_verification_method(proof["verificationMethod"])
    verify_proof(document, proof, key)
    for name in document:
        with pytest.raises(BrokenSignatureError):
            verify_proof({**document, name: ["x"]}, proof, key)
