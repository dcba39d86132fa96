"""The W3C vectors of eddsa-jcs-2022 and ecdsa-jcs-2019: every intermediate value, and the published proof."""

import hashlib
import json

import pytest
from vectors import vector_path

from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.data_integrity import create_proof, hash_document, parse_proof, verify_proof
from ledger.core.encoding import encode_base58, parse_base58
from ledger.core.errors import BrokenSignatureError
from ledger.core.signature import (
    Ed25519Signer,
    P256Signer,
    parse_multikey,
    parse_verification_method,
    verify_signature,
)

CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SUITES = {
    "eddsa-jcs-2022": ("w3c-vc-di-eddsa", "keyPair.json", "JCS", b"\x80\x26", Ed25519Signer),
    "ecdsa-jcs-2019": ("w3c-vc-di-ecdsa", "p256KeyPair.json", "JCSECDSAP256", b"\x86\x26", P256Signer),
}
FOLDERS = {"eddsa-jcs-2022": "eddsa-jcs-2022", "ecdsa-jcs-2019": "ecdsa-jcs-2019-p256"}


class Published:
    """The files of one suite."""

    def __init__(self, suite):
        self.suite = suite
        self.folder, key_file, self.ending, self.prefix, self.signer = SUITES[suite]
        self.pair = json.loads(vector_path("crypto", self.folder, key_file).read_bytes())
        self.document = parse_json(vector_path("crypto", self.folder, "unsigned.json").read_bytes())
        self.signed = parse_json(self.read("signed", "json"))
        self.config = parse_json(self.read("proofConfig", "json"))

    def read(self, name, ending="txt"):
        return vector_path(
            "crypto", self.folder, FOLDERS[self.suite], f"{name}{self.ending}.{ending}"
        ).read_bytes()

    def text(self, name):
        return self.read(name).decode().strip()

    @property
    def key(self):
        return parse_multikey(self.pair["publicKeyMultibase"])

    @property
    def own(self):
        secret = parse_base58(self.pair.get("privateKeyMultibase", self.pair.get("secretKeyMultibase"))[1:])
        assert secret[:2] == self.prefix
        return self.signer(secret[2:])


@pytest.fixture(params=list(SUITES), scope="module")
def published(request):
    return Published(request.param)


def test_the_key_pair(published):
    assert published.own.public_key == published.key
    assert published.key.multikey == published.pair["publicKeyMultibase"]


def test_the_canonical_document_and_its_digest(published):
    assert encode_canonical_json(published.document).decode() == published.text("canonDoc")
    assert hash_document(published.document).hex() == published.text("docHash")


def test_the_canonical_proof_options_and_their_digest(published):
    assert encode_canonical_json(published.config).decode() == published.text("proofCanon")
    digest = hashlib.sha256(encode_canonical_json(published.config)).hexdigest()
    assert digest == published.text("proofHash")


def test_the_signed_bytes_and_the_signature(published):
    proof = parse_proof(published.signed["proof"])
    data = proof.config_digest + hash_document(published.document)
    assert data.hex() == published.text("combinedHash")
    assert proof.signature.hex() == published.text("sigHex")
    assert "z" + encode_base58(proof.signature) == published.text("sigBTC58")
    assert is_ours(published, proof.signature)
    verify_signature(published.key, proof.signature, data)


def is_ours(published, signature):
    """Tell whether a signature is in the one form of the two that we admit for P-256: low s."""
    return published.signer is Ed25519Signer or int.from_bytes(signature[32:]) <= CURVE_ORDER // 2


def test_the_published_proof_is_made_again(published):
    made = create_proof(published.document, published.own, published.config["created"])
    if published.signer is Ed25519Signer:
        assert made == published.signed["proof"]
    assert {**made, "proofValue": ""} == {**published.signed["proof"], "proofValue": ""}
    verify_proof(published.document, made, published.key)


def test_the_published_credential_verifies(published):
    proof = published.signed["proof"]
    document = {name: value for name, value in published.signed.items() if name != "proof"}
    key = parse_verification_method(proof["verificationMethod"])
    verify_proof(document, proof, key)
    for name in document:
        with pytest.raises(BrokenSignatureError):
            verify_proof({**document, name: ["x"]}, proof, key)
