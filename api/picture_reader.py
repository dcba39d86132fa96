"""Reads the QR code in a picture in a confined process, see `ledger.confined.runner`.

Everything that decoding needs is loaded with this module: the process can open nothing afterwards.
"""

from collections.abc import Iterator
from typing import BinaryIO

import zxingcpp as zxingcpp  # noqa: PLC0414 -- loaded before the process is confined
from PIL import Image

from verifier.picture import MAX_PICTURE_BYTES, read_qr_picture

Image.init()


def read_picture(file: BinaryIO) -> Iterator[str]:
    """Yield the one text of the QR codes in a picture.

    Raises:
        InputError: as `read_qr_picture`.
    """
    yield read_qr_picture(file.read(MAX_PICTURE_BYTES + 1))
