"""A passkey in software, as a phone or token would answer; each part of the answer can be made wrong.

>>> token = Authenticator()
>>> token.register(options, origin="http://localhost:8003")
{'id': ..., 'response': {...}}
"""

import base64
import hashlib
import json

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """Holds one key for one site."""

    def __init__(self, name=b"token", rp_id="localhost"):
        self.key = ec.derive_private_key(int.from_bytes(hashlib.sha256(name).digest()), ec.SECP256R1())
        self.credential = hashlib.sha256(b"id " + name).digest()
        self.rp_id = rp_id
        self.count = 0

    def _data(self, flags, rp_id):
        self.count += 1
        return (
            hashlib.sha256((rp_id or self.rp_id).encode()).digest() + bytes([flags]) + self.count.to_bytes(4)
        )

    @staticmethod
    def _client(kind, options, origin, challenge):
        members = {"type": kind, "challenge": challenge or options["challenge"], "origin": origin}
        return json.dumps(members).encode()

    def register(self, options, *, origin, challenge=None, flags=USER_PRESENT | USER_VERIFIED, rp_id=None):
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.credential).to_bytes(2) + self.credential + cbor2.dumps(cose)
        data = self._data(flags | ATTESTED, rp_id) + attested
        response = {
            "clientDataJSON": encode(self._client("webauthn.create", options, origin, challenge)),
            "attestationObject": encode(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._answer(response)

    def log_in(self, options, *, origin, challenge=None, flags=USER_PRESENT | USER_VERIFIED, rp_id=None):
        data, client = self._data(flags, rp_id), self._client("webauthn.get", options, origin, challenge)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": encode(client),
            "authenticatorData": encode(data),
            "signature": encode(signature),
        }
        return self._answer(response)

    def _answer(self, response):
        name = encode(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
