"""A film for the browser's fake camera: pictures of a phone's size, as YUV4MPEG2 in 4:2:0.

>>> write_film(tmp_path / "camera.y4m", [photograph(sheet, side, conditions, rng)])
"""

import io

import numpy as np
from PIL import Image

SIZE = (1280, 720)
HEADER = f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F10:1 Ip A1:1 C420jpeg\n".encode()


def write_film(path, photos):
    """Write one frame for each photo, in the middle of a grey wall; the camera shows them again and again."""
    with path.open("wb") as film:
        film.write(HEADER)
        for photo in photos:
            film.write(b"FRAME\n" + _encode_frame(photo))
    return path


def _encode_frame(photo):
    frame = Image.new("RGB", SIZE, (150, 150, 145))
    picture = Image.open(io.BytesIO(photo)).convert("RGB")
    frame.paste(picture, ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2))
    light, blue, red = (np.asarray(plane) for plane in frame.convert("YCbCr").split())
    return light.tobytes() + _halve(blue) + _halve(red)


def _halve(plane):
    height, width = plane.shape
    blocks = plane.reshape(height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(1, 3)).astype(np.uint8).tobytes()
