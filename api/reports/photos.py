"""Photographs that consumers send with a report: made anew in a confined process, and never shown to the public.

>>> clean_photo(raw)[:2].hex()
'ffd8'
"""

from typing import Final

from ledger.confined.photos import MAX_GIVEN_BYTES, REPORTED, remake_photo

MAX_PHOTO_BYTES: Final = MAX_GIVEN_BYTES
MAX_PHOTOS: Final = 3


def clean_photo(raw: bytes, field: str = "photo") -> bytes:
    """Return a photograph as it is kept; raises as `remake_photo`."""
    return remake_photo(raw, REPORTED, field)
