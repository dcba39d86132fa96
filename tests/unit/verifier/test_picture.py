"""Pictures from anybody: the one code in them is read, all else is an InputError with a sentence."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import zxingcpp
from camera import Conditions, photograph
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from issuer.rendering.qr import render_png, render_svg, write_bulk
from ledger.core.errors import InputError
from ledger.core.qr import encode_long_url
from verifier import picture as picture_module
from verifier.picture import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, read_qr_picture

TEXT = encode_long_url(bytes(range(150)), "v.example.cn")
OTHER = "https://v.example.cn/c/0000000000000000"
PNG = render_png(TEXT, writer=write_bulk)
CODE = Image.open(io.BytesIO(PNG)).convert("L")
OTHER_CODE = Image.open(io.BytesIO(render_png(OTHER, writer=write_bulk))).convert("L")


def save(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def paste(*codes: Image.Image) -> Image.Image:
    sheet = Image.new("L", (sum(code.width for code in codes), max(code.height for code in codes)), 255)
    left = 0
    for code in codes:
        sheet.paste(code, (left, 0))
        left += code.width
    return sheet


JPEG = save(CODE, "JPEG")
WEBP = save(CODE, "WEBP")
GIF = save(CODE, "GIF")
BMP = save(CODE.convert("1"), "BMP")


# Read


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("JPEG", "L"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("GIF", "P"),
        ("BMP", "1"),
        ("BMP", "RGB"),
    ],
)
def test_kinds_and_colours(kind: str, mode: str) -> None:
    assert read_qr_picture(save(CODE.convert(mode), kind)) == TEXT


def test_sixteen_bits() -> None:
    deep = Image.frombytes("I;16", CODE.size, b"".join(bytes((shade, shade)) for shade in CODE.tobytes()))
    assert read_qr_picture(save(deep)) == TEXT


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_black_on_nothing_is_black_on_paper(mode: str) -> None:
    clear = Image.new("RGBA", CODE.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=ImageOps.invert(CODE))
    assert read_qr_picture(save(clear.convert(mode))) == TEXT


@pytest.mark.parametrize("angle", [1, 37, 90, 180, 270, 333])
def test_any_angle(angle: int) -> None:
    assert read_qr_picture(save(CODE.rotate(angle, expand=True, fillcolor=255))) == TEXT


@pytest.mark.parametrize("change", [ImageOps.mirror, ImageOps.flip, ImageOps.invert])
def test_mirrored_and_inverted(change) -> None:
    assert read_qr_picture(save(change(CODE))) == TEXT


def test_a_small_code_on_a_large_sheet() -> None:
    sheet = Image.new("L", (4_000, 3_000), 230)
    sheet.paste(CODE, (3_100, 200))
    assert read_qr_picture(save(sheet, "JPEG")) == TEXT


def test_the_same_code_twice() -> None:
    assert read_qr_picture(save(paste(CODE, CODE))) == TEXT


def test_other_barcodes_beside_it_do_not_disturb() -> None:
    stripes = Image.fromarray(
        zxingcpp.create_barcode("6901234567892", zxingcpp.BarcodeFormat.EAN13).to_image(scale=4)
    )
    assert read_qr_picture(save(paste(CODE, stripes))) == TEXT


def test_of_a_moving_picture_the_first_frame() -> None:
    frames = save(CODE, "GIF", save_all=True, append_images=[OTHER_CODE.resize(CODE.size)])
    assert read_qr_picture(frames) == TEXT


def test_texts_of_others_are_handed_on() -> None:
    code = zxingcpp.create_barcode("扫一扫 weixin://x", zxingcpp.BarcodeFormat.QRCode).to_image(scale=6)
    assert read_qr_picture(save(Image.fromarray(code))) == "扫一扫 weixin://x"


def test_the_second_look_reads_what_the_first_does_not() -> None:
    rng = np.random.default_rng(1)
    photos = [photograph(PNG, CODE.width // 8, Conditions(pixels_per_module=2.8), rng) for _ in range(30)]
    first = [bool(picture_module._decode(Image.open(io.BytesIO(photo)))) for photo in photos]
    assert 0 < sum(first) < 27
    read = [read_or_none(photo) == TEXT for photo in photos]
    assert sum(read) >= 29


def read_or_none(data: bytes) -> str | None:
    try:
        return read_qr_picture(data)
    except InputError:
        return None


@pytest.mark.parametrize("text", ["a\tb\x1dc", "https://v.example.cn/q/1000\n", "<GS>", "\\x1d"])
def test_texts_are_not_made_readable(text: str) -> None:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6)
    assert read_qr_picture(save(Image.fromarray(code))) == text


# Refused


def test_no_code_is_said() -> None:
    with pytest.raises(InputError, match="no QR code"):
        read_qr_picture(save(Image.new("L", (300, 300), 255)))


def test_several_codes_are_said() -> None:
    with pytest.raises(InputError, match="2 different QR codes"):
        read_qr_picture(save(paste(CODE, OTHER_CODE, CODE)))


@pytest.mark.parametrize("kind", ["DataMatrix", "Aztec", "PDF417", "Code128", "MicroQRCode", "RMQRCode"])
def test_other_barcodes_are_no_qr_codes(kind: str) -> None:
    barcode = zxingcpp.create_barcode("12345", getattr(zxingcpp.BarcodeFormat, kind)).to_image(scale=6)
    with pytest.raises(InputError, match="no QR code"):
        read_qr_picture(save(Image.fromarray(barcode)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"hello",
        TEXT.encode(),
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"<html><body>",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
        save(CODE, "TIFF"),
        save(CODE, "PPM"),
        save(CODE, "ICO"),
        save(CODE, "AVIF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    ],
)
def test_other_files_are_no_pictures(data: bytes) -> None:
    with pytest.raises(InputError, match="nor a picture"):
        read_qr_picture(data)


def test_a_picture_that_speaks_of_a_drawing_is_a_picture() -> None:
    assert read_qr_picture(save(CODE, "JPEG", comment=b"made from <svg/>")) == TEXT


@pytest.mark.parametrize("data", [render_svg(OTHER), b'\n <svg xmlns="http://www.w3.org/2000/svg"/>'])
def test_drawings_are_refused_with_advice(data: bytes) -> None:
    with pytest.raises(InputError, match="save it as PNG"):
        read_qr_picture(data)


@pytest.mark.parametrize("data", [PNG[:8], JPEG[:3], WEBP[:12], GIF[:6], BMP[:2]])
def test_mere_beginnings_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"nor a picture|damaged"):
        read_qr_picture(data)


@pytest.mark.parametrize("data", [PNG, JPEG, WEBP, GIF, BMP])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_cut_off_pictures_are_refused(data: bytes, share: float) -> None:
    with pytest.raises(InputError):
        read_qr_picture(data[: int(len(data) * share)])


def test_a_damaged_picture_is_said() -> None:
    place = PNG.index(b"IDAT") + 40
    with pytest.raises(InputError, match="damaged"):
        read_qr_picture(PNG[:place] + bytes(64) + PNG[place + 64 :])


# Limits


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("width", "height"),
    [(4_001, 4_000), (MAX_PICTURE_PIXELS + 1, 1), (10_000, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)],
)
def test_too_many_pixels_are_refused_unseen(width: int, height: int) -> None:
    with pytest.raises(InputError, match="too many pixels"):
        read_qr_picture(png_of(width, height))


def test_a_gif_bomb_is_refused_unseen() -> None:
    with pytest.raises(InputError, match="too many pixels"):
        read_qr_picture(GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:])


def test_the_largest_picture_is_looked_at() -> None:
    with pytest.raises(InputError, match="damaged"):
        read_qr_picture(png_of(4_000, 4_000))


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG that claims a size and holds the data of a smaller one."""
    place = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:place] + struct.pack(">HH", height, width) + JPEG[place + 4 :]


def test_a_jpeg_may_be_larger_as_phones_take_them() -> None:
    with pytest.raises(InputError, match="too many pixels"):
        read_qr_picture(jpeg_of(8_001, 8_000))
    with pytest.raises(InputError, match="no QR code"):
        read_qr_picture(jpeg_of(8_000, 8_000))


def test_a_phone_picture_may_be_as_large_as_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_module, "MAX_PICTURE_PIXELS", CODE.width * CODE.height - 1)
    options = {"save_all": True, "append_images": [OTHER_CODE.convert("RGB")]}
    assert read_qr_picture(save(CODE.convert("RGB"), "MPO", **options)) == TEXT
    assert read_qr_picture(JPEG) == TEXT
    with pytest.raises(InputError, match="too many pixels"):
        read_qr_picture(PNG)


def test_too_many_bytes_are_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="32 MiB"):
        read_qr_picture(PNG + bytes(MAX_PICTURE_BYTES))
    monkeypatch.setattr(picture_module, "MAX_PICTURE_BYTES", len(PNG))
    assert read_qr_picture(PNG) == TEXT
    with pytest.raises(InputError, match="MiB"):
        read_qr_picture(PNG + b"\x00")


def test_large_pictures_get_one_look_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []
    monkeypatch.setattr(picture_module, "_decode", lambda image: sizes.append(image.size) or set())
    monkeypatch.setattr(picture_module, "MAX_ENLARGED_PIXELS", 100)
    for size in ((10, 10), (10, 11)):
        with pytest.raises(InputError):
            read_qr_picture(save(Image.new("L", size)))
    assert sizes == [(10, 10), (20, 20), (10, 11)]


def test_what_is_read_at_once_gets_one_look_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([{"text"}])
    monkeypatch.setattr(picture_module, "_decode", lambda _: next(looks))
    assert read_qr_picture(PNG) == "text"


# Anything


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        read_qr_picture(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([PNG, JPEG, WEBP, GIF, BMP]), st.data())
def test_any_damage_gives_the_text_or_input_error(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, min(len(data), 400)) | st.integers(0, len(data)))
    length = draw.draw(st.integers(0, 8))
    damaged = data[:start] + draw.draw(st.binary(max_size=8)) + data[start + length :]
    assert read_or_none(damaged) in {TEXT, None}


# Weight


def test_loading_the_module_loads_no_picture_library() -> None:
    program = "import sys, verifier.picture; print(sorted({'PIL', 'zxingcpp', 'numpy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_pictures_are_read_without_numpy() -> None:
    program = (
        "import sys; sys.modules['numpy'] = None; from verifier.picture import read_qr_picture; "
        "print(read_qr_picture(sys.stdin.buffer.read()))"
    )
    found = subprocess.run([sys.executable, "-c", program], input=PNG, capture_output=True, check=True)
    assert found.stdout.decode().strip() == TEXT
