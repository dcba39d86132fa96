"""Pictures of QR texts: two writers, one text; sizes on paper; captions; the unprintable is refused."""

import io
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from issuer.rendering.qr import (
    QUIET_ZONE,
    Level,
    PrintStyle,
    Writer,
    build_caption,
    choose_level,
    render_png,
    render_svg,
    write_bulk,
    write_single,
)
from ledger.core.errors import InputError
from ledger.core.qr import compute_code, encode_long_url, encode_short_url
from verifier.picture import read_qr_picture

HOST = "v.example.cn"
STATEMENT = bytes(range(214))
LONG = encode_long_url(STATEMENT, HOST)
SHORT = encode_short_url(compute_code(STATEMENT), HOST)
STICKER = f"https://{HOST}/s/2000001"
SVG = "{http://www.w3.org/2000/svg}"

both_writers = pytest.mark.parametrize("writer", [write_single, write_bulk])
our_texts = st.one_of(
    st.binary(min_size=1, max_size=214).map(lambda statement: encode_long_url(statement, HOST)),
    st.binary(max_size=300).map(lambda statement: encode_short_url(compute_code(statement), HOST)),
)


def open_png(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def read_svg(data: bytes) -> tuple[int, bytes]:
    """Return side and cells of an SVG by walking its path, as a printer would."""
    root = ET.fromstring(data)
    side = int(root.attrib["viewBox"].split()[2])
    cells = bytearray(b"\xff" * side * side)
    path = root.find(f"{SVG}path").attrib["d"]
    assert re.fullmatch(r"(M\d+ \d+h\d+v1h-\d+z)+", path)
    for left, top, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path):
        assert width == back
        start = int(top) * side + int(left)
        cells[start : start + int(width)] = bytes(int(width))
    return side, bytes(cells)


# Both writers


@both_writers
@pytest.mark.parametrize("text", [LONG, SHORT, STICKER])
@pytest.mark.parametrize("level", [None, *Level])
def test_pictures_say_their_text(writer: Writer, text: str, level: Level | None) -> None:
    assert read_qr_picture(render_png(text, PrintStyle(level=level), writer=writer)) == text


@settings(max_examples=20, deadline=None)
@given(our_texts)
def test_both_writers_say_the_same(text: str) -> None:
    single, bulk = (write(text, choose_level(text)) for write in (write_single, write_bulk))
    assert single.side == bulk.side
    assert read_qr_picture(render_png(text, writer=write_single)) == text
    assert read_qr_picture(render_png(text, writer=write_bulk)) == text


@settings(max_examples=50, deadline=None)
@given(st.text([chr(code) for code in range(32, 127)], min_size=1, max_size=300))
def test_any_printable_text_is_said(text: str) -> None:
    assert read_qr_picture(render_png(text, writer=write_bulk)) == text
    assert read_qr_picture(render_png(text[:60], writer=write_single)) == text[:60]


@both_writers
@pytest.mark.parametrize(
    ("size", "level", "version"),
    [
        (128, Level.M, 9),
        (150, Level.M, 9),
        (175, Level.M, 10),
        (214, Level.M, 11),
        (128, Level.Q, 11),
        (150, Level.Q, 11),
        (175, Level.Q, 12),
        (214, Level.Q, 13),
    ],
)
def test_long_codes_are_as_small_as_planned(writer: Writer, size: int, level: Level, version: int) -> None:
    assert writer(encode_long_url(b"\xa5" * size, HOST), level).version == version


@both_writers
@pytest.mark.parametrize(("host", "version"), [(HOST, 4), ("v.cn", 3), ("verify.metrology.example.cn", 5)])
def test_short_codes_are_as_small_as_planned(writer: Writer, host: str, version: int) -> None:
    assert writer(encode_short_url(compute_code(b""), host), Level.Q).version == version


@both_writers
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_the_quiet_zone_is_four_modules(writer: Writer, text: str) -> None:
    modules = writer(text, Level.M)
    side = modules.side
    assert len(modules.cells) == side * side
    rows = [modules.cells[start : start + side] for start in range(0, side * side, side)]
    finder = bytes(7)
    assert all(row == b"\xff" * side for row in rows[:QUIET_ZONE] + rows[-QUIET_ZONE:])
    assert all(row[:QUIET_ZONE] + row[-QUIET_ZONE:] == b"\xff" * 2 * QUIET_ZONE for row in rows)
    assert rows[QUIET_ZONE][4:11] == rows[QUIET_ZONE][-11:-4] == rows[side - 5][4:11] == finder


@both_writers
@pytest.mark.parametrize(
    ("text", "level", "found"),
    [
        (LONG, None, "M"),
        (LONG, Level.Q, "Q"),
        (SHORT, None, "Q"),
        (SHORT, Level.M, "M"),
        (STICKER, None, "Q"),
    ],
)
def test_the_level_is_in_the_picture(writer: Writer, text: str, level: Level | None, found: str) -> None:
    (barcode,) = zxingcpp.read_barcodes(open_png(render_png(text, PrintStyle(level=level), writer=writer)))
    assert barcode.ec_level == found


@both_writers
@pytest.mark.parametrize("render", [render_png, render_svg])
def test_the_same_input_gives_the_same_bytes(writer: Writer, render) -> None:
    caption = build_caption(LONG)
    first = render(LONG, caption=caption, writer=writer)
    assert render(LONG, caption=caption, writer=writer) == first
    assert render(SHORT, caption=caption, writer=writer) != first


def test_in_bulk_every_code_has_the_same_mask() -> None:
    for text in (LONG, SHORT, STICKER):
        (barcode,) = zxingcpp.read_barcodes(open_png(render_png(text, writer=write_bulk)))
        assert barcode.extra["DataMask"] == 2


def test_levels_follow_the_form() -> None:
    assert choose_level(LONG) is Level.M
    assert choose_level(SHORT) is Level.Q
    assert choose_level(STICKER) is Level.Q
    assert choose_level("q/1") is Level.M
    assert choose_level("https://q/c/1") is Level.Q
    assert choose_level("1") is Level.Q


# Size on paper


@pytest.mark.parametrize(
    ("dots", "dpi", "metre"), [(8, 400, 15748), (4, 203, 7992), (6, 300, 11811), (16, 1200, 47244)]
)
def test_a_png_knows_its_size_on_paper(dots: int, dpi: int, metre: int) -> None:
    data = render_png(LONG, PrintStyle(dots=dots, dpi=dpi))
    image = open_png(data)
    assert (image.mode, image.size) == ("1", (69 * dots, 69 * dots))
    place = data.index(b"pHYs")
    assert int.from_bytes(data[place + 4 : place + 8], "big") == metre
    assert int.from_bytes(data[place + 8 : place + 12], "big") == metre
    assert data[place + 12] == 1
    assert data.count(b"tEXt") + data.count(b"tIME") == 0


def test_the_default_is_fine_enough_for_print() -> None:
    assert PrintStyle().dots >= 8
    assert PrintStyle().module_mm == Decimal("0.5080")


@pytest.mark.parametrize(
    ("dots", "dpi", "millimetres"), [(8, 400, "35.0520"), (4, 203, "34.5345"), (7, 300, "40.8963")]
)
def test_an_svg_is_as_large_as_its_png(dots: int, dpi: int, millimetres: str) -> None:
    root = ET.fromstring(render_svg(LONG, PrintStyle(dots=dots, dpi=dpi)))
    assert root.attrib["width"] == root.attrib["height"] == f"{millimetres}mm"
    assert root.attrib["viewBox"] == "0 0 69 69"


@both_writers
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_an_svg_has_the_modules_of_its_png(writer: Writer, text: str) -> None:
    side, cells = read_svg(render_svg(text, writer=writer))
    picture = open_png(render_png(text, PrintStyle(dots=2), writer=writer)).convert("L").reduce(2)
    assert picture.size == (side, side)
    assert picture.tobytes() == cells


def test_an_svg_fetches_nothing() -> None:
    data = render_svg(LONG, caption=build_caption(LONG))
    root = ET.fromstring(data)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "rect", "path", "g", "text"}
    assert b"href" not in data
    assert root.find(f"{SVG}path").attrib["shape-rendering"] == "crispEdges"


# Captions


def test_captions_say_host_and_code() -> None:
    assert build_caption(encode_long_url(b"statement", HOST)) == (HOST, "Y0E5-Q0BV-PKA4-86WB")
    assert build_caption(SHORT) == build_caption(LONG)


@pytest.mark.parametrize("text", ["", "https://evil.example/login", STICKER, LONG[:-1]])
def test_captions_of_something_else_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        build_caption(text)


@both_writers
@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("dots", [4, 8])
def test_a_caption_stands_below_and_disturbs_nothing(writer: Writer, text: str, dots: int) -> None:
    style = PrintStyle(dots=dots)
    plain = open_png(render_png(text, style, writer=writer))
    data = render_png(text, style, caption=build_caption(text), writer=writer)
    picture = open_png(data)
    assert picture.size == (plain.width, plain.height + 11 * dots)
    assert picture.crop((0, 0, *plain.size)).tobytes() == plain.tobytes()
    assert read_qr_picture(data) == text
    below = picture.convert("L").crop((0, plain.height, *picture.size)).point(lambda shade: 255 - shade)
    left, top, right, bottom = below.getbbox()
    assert dots <= left < below.width // 3
    assert below.width * 2 // 3 < right <= below.width - dots
    assert top >= 0
    assert bottom < below.height


@pytest.mark.parametrize("line", ["W" * 30, "i" * 40, "metrology.verification.example.cn"])
def test_long_lines_get_smaller_letters(line: str) -> None:
    below = open_png(render_png(SHORT, caption=[line])).convert("L").crop((0, 328, 328, 376))
    left, _, right, _ = below.point(lambda shade: 255 - shade).getbbox()
    assert left >= 8
    assert right <= 320
    (text,) = ET.fromstring(render_svg(SHORT, caption=[line])).iter(f"{SVG}text")
    assert Decimal(text.attrib["font-size"]) * len(line) * Decimal("0.62") <= 39


def test_captions_are_escaped() -> None:
    (text,) = ET.fromstring(render_svg(LONG, caption=['<script>&"'])).iter(f"{SVG}text")
    assert text.text == '<script>&"'
    assert len(list(text)) == 0


@pytest.mark.parametrize("render", [render_png, render_svg])
@pytest.mark.parametrize(
    "caption", [["衡证"], ["a\nb"], ["a\x00"], ["W" * 65], ["W" * 64], ["a"] * 5, ["ok", "\u00e9"]]
)
def test_other_captions_are_refused(render, caption: list[str]) -> None:
    with pytest.raises(InputError, match="caption"):
        render(SHORT, caption=caption, writer=write_bulk)


@pytest.mark.parametrize("render", [render_png, render_svg])
def test_a_caption_line_has_64_characters_at_most(render) -> None:
    assert render(LONG, caption=["i" * 64])
    with pytest.raises(InputError, match="64 printable"):
        render(LONG, caption=["i" * 65])


# What cannot be printed


@pytest.mark.parametrize("render", [render_png, render_svg])
@pytest.mark.parametrize("text", ["", "衡证", "https://v.exаmple.cn/c/1", "a\n", "a\x7f", "a" * 1_025])
def test_other_texts_are_refused(render, text: str) -> None:
    with pytest.raises(InputError, match="printable ASCII"):
        render(text)


@pytest.mark.parametrize(
    ("dots", "dpi"), [(1, 400), (0, 400), (-8, 400), (65, 400), (8, 71), (8, 0), (8, 4801)]
)
def test_other_styles_are_refused(dots: int, dpi: int) -> None:
    with pytest.raises(InputError, match="dots per module"):
        PrintStyle(dots=dots, dpi=dpi)
