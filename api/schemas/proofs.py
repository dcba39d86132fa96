"""What whoever watches the log asks, and what it gets back; `ledger.wire` reads and writes the same."""

from typing import Annotated

from pydantic import Field

from api.schemas.base import Base64, Hex32, Shape
from ledger.wire import MAX_MAP_SUBJECTS


class MapProofRequest(Shape):
    """Whose states are to be proved."""

    subjects: Annotated[list[Hex32], Field(min_length=1, max_length=MAX_MAP_SUBJECTS)]


class MapProofAnswer(Shape):
    """What the status map has of the subjects, proved under one checkpoint."""

    checkpoint: str = Field(description="signed note; the published checkpoint")
    inclusion: list[Base64] = Field(description="hashes from the MAPHEAD to the root (RFC 9162 §2.1.3)")
    map: Base64 = Field(description="part of the trie that leads to the subjects, see the norm, section 8.2")
    maphead: Base64 = Field(description="last leaf under the checkpoint, which states the root of the map")
