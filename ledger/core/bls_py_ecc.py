"""The backend of `bls` that is the norm: py-ecc, in Python alone; some 0.3 s a verification.

Its scalar arithmetic takes a time that depends on the secret: signing is for arkworks, and for tests.

>>> PyEcc().encode(PyEcc().make_key(1)).hex()[:8]
'97f1d3a7'
"""

from collections.abc import Sequence
from functools import reduce
from hashlib import sha256
from typing import Any, Final

from py_ecc.bls.g2_primitives import (
    G1_to_pubkey,
    G2_to_signature,
    pubkey_to_G1,
    signature_to_G2,
    subgroup_check,
)
from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.optimized_bls12_381 import FQ, FQ12, G1, add, final_exponentiate, multiply, neg, pairing

_MINUS_GENERATOR: Final = neg(G1)
_Point = Any
"""Three coordinates, in FQ for a key, in FQ2 for a signature."""


class PyEcc:
    """Points are py-ecc's tuples of three coordinates."""

    def decode_key(self, raw: bytes) -> _Point:
        """Return the point; ValueError where it is not on the curve or not in the subgroup."""
        return _check_subgroup(pubkey_to_G1(raw))  # type: ignore[arg-type]  # a NewType of bytes

    def decode_signature(self, raw: bytes) -> _Point:
        """Return the point; ValueError where it is not on the curve or not in the subgroup."""
        return _check_subgroup(signature_to_G2(raw))  # type: ignore[arg-type]  # a NewType of bytes

    def encode(self, point: _Point) -> bytes:
        """Return the compressed encoding."""
        return bytes(G1_to_pubkey(point) if isinstance(point[0], FQ) else G2_to_signature(point))

    def add_up(self, points: Sequence[_Point]) -> _Point:
        """Return the sum of at least one point."""
        return reduce(add, points)

    def make_key(self, secret: int) -> _Point:
        """Return the secret's multiple of the generator."""
        return multiply(G1, secret)

    def sign(self, secret: int, message: bytes, suite: bytes) -> _Point:
        """Return the secret's multiple of the message's point."""
        return multiply(_hash_to_point(message, suite), secret)

    def verify(self, key: _Point, message: bytes, signature: _Point, suite: bytes) -> bool:
        """Compare both pairings at once."""
        ours = pairing(signature, _MINUS_GENERATOR, final_exponentiate=False)
        theirs = pairing(_hash_to_point(message, suite), key, final_exponentiate=False)
        return bool(final_exponentiate(ours * theirs) == FQ12.one())


def _hash_to_point(message: bytes, suite: bytes) -> _Point:
    return hash_to_G2(message, suite, sha256)  # type: ignore[arg-type]  # it says HASH and means its class


def _check_subgroup(point: _Point) -> _Point:
    if not subgroup_check(point):
        raise ValueError("not in the subgroup of prime order")
    return point
