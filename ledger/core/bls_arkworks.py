"""The fast backend of `bls`: arkworks. Its `_unchecked` functions, which skip the subgroup, are never called.

>>> Arkworks().encode(Arkworks().make_key(1)).hex()[:8]
'97f1d3a7'
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final, TypeVar

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

_MINUS_GENERATOR: Final = -G1Point()
_PointT = TypeVar("_PointT", G1Point, G2Point)


class Arkworks:
    """Points are arkworks' own."""

    def decode_key(self, raw: bytes) -> G1Point:
        """Return the point; ValueError where it is not on the curve or not in the subgroup."""
        return G1Point.from_compressed_bytes(raw)

    def decode_signature(self, raw: bytes) -> G2Point:
        """Return the point; ValueError where it is not on the curve or not in the subgroup."""
        return G2Point.from_compressed_bytes(raw)

    def encode(self, point: G1Point | G2Point) -> bytes:
        """Return the compressed encoding."""
        return bytes(point.to_compressed_bytes())

    def add_up(self, points: Sequence[_PointT]) -> _PointT:
        """Return the sum of at least one point."""
        return reduce(add, points)

    def make_key(self, secret: int) -> G1Point:
        """Return the secret's multiple of the generator."""
        return G1Point() * Scalar(secret)

    def sign(self, secret: int, message: bytes, suite: bytes) -> G2Point:
        """Return the secret's multiple of the message's point."""
        return G2Point.hash_to_curve(message, suite) * Scalar(secret)

    def verify(self, key: G1Point, message: bytes, signature: G2Point, suite: bytes) -> bool:
        """Compare both pairings at once."""
        return bool(
            GT.pairing_check([key, _MINUS_GENERATOR], [G2Point.hash_to_curve(message, suite), signature])
        )
