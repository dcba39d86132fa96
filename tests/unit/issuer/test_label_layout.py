"""Words beside a code: nothing leaves its room, nothing is lost, the largest letters are taken."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from labels import NAME, certificate_label, roll_label

from issuer.rendering.label import LabelLine
from issuer.rendering.label_layout import (
    PER_POINT,
    WRITING_ROOM,
    Layout,
    Run,
    break_lines,
    lay_out,
    measure_text,
)
from issuer.rendering.wording import LABELS, STICKER_BANNER, STICKER_HINT, STICKER_TITLE, Words

SIZES = (*range(10_000, 5_000, -500), 5_000)
texts = st.text(st.sampled_from("abMW-_019 福州市计量（），。𠮷é"), max_size=40)


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


def read(layout: Layout) -> str:
    return squeeze("".join(run.text for row in layout.rows for run in row.runs))


def make_label(serial="SN00000001", host="q.example.cn", name=NAME, banner=None, **changes):
    label = certificate_label(1, host=host, issuer=name, banner=banner, **changes)
    lines = [
        replace(line, value=serial) if line.field == "instrument.serial" else line for line in label.lines
    ]
    return replace(label, lines=tuple(lines))


# --- lines ------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(texts, st.sampled_from([720, 1000, 1500]), st.booleans()), max_size=4),
    st.integers(1600, 20_000),
)
@example([("a  ", 1000, False)], 1600)
def test_lines_hold_all_letters_and_nothing_is_wider_than_its_line(parts, width):
    runs = tuple(Run(text, scale, keep) for text, scale, keep in parts)
    lines = break_lines(runs, width)
    assert squeeze("".join(run.text for line in lines for run in line)) == squeeze(
        "".join(p[0] for p in parts)
    )
    for line in lines:
        assert all(run.text for run in line)
        assert sum(measure_text(run.text) * run.scale // 1000 for run in line) <= width


def test_a_kept_run_stays_whole_where_a_line_holds_it():
    name = Run("出厂编号 ", 720)
    assert [line[-1].text for line in break_lines((name, Run("YH01030001", keep=True)), 7000)] == [
        "出厂编号",
        "YH01030001",
    ]
    broken = break_lines((name, Run("YH01030001", keep=True)), 4000)
    assert [line[-1].text for line in broken] == ["Y", "H01030", "001"]


def test_words_of_latin_stay_whole_and_chinese_breaks_anywhere_but_before_a_stop():
    assert [line[0].text for line in break_lines((Run("Fuzhou Institute of Metrology"),), 8000)] == [
        "Fuzhou Institute",
        "of Metrology",
    ]
    assert [line[0].text for line in break_lines((Run("福州市计量，院"),), 5000)] == ["福州市计", "量，院"]
    assert [line[0].text for line in break_lines((Run("福州市计（院）"),), 5000)] == ["福州市计", "（院）"]


def test_widths_are_those_of_the_font():
    assert measure_text("福𠮷（") == 3000
    assert 0 < measure_text("i") < measure_text("W") < 1000
    assert measure_text("ab") == measure_text("a") + measure_text("b")


# --- labels -----------------------------------------------------------------------------------------------


@given(
    texts.filter(str.strip),
    st.integers(40_000, 200_000),
    st.integers(30_000, 160_000),
    st.sampled_from([None, STICKER_BANNER]),
    st.sampled_from(
        ["", "Fuzhou Institute of Metrology", "Provincial Institute of Metrological Verification"]
    ),
)
def test_nothing_leaves_its_room_and_no_value_is_lost(serial, width, height, banner, english):
    label = make_label(serial, name=Words("福州市计量所", english), banner=banner)
    layout = lay_out(label, width, height, SIZES)
    if layout is None:
        return
    assert layout.size in SIZES
    bottom = 0
    for row in layout.rows:
        assert row.top >= bottom - 1
        bottom = row.top + max(run.scale for run in row.runs) * layout.size // 1000
        assert bottom <= height
        across = sum(measure_text(run.text) * run.scale * layout.size // 1_000_000 for run in row.runs)
        assert row.left + across <= width
    said = read(layout)
    values = [line.value for line in label.lines]
    for value in (*values, label.host, label.code, label.issuer.zh, english, STICKER_TITLE.zh):
        assert squeeze(value) in said
    assert banner is None or squeeze(banner.zh) in said


def test_larger_room_gives_larger_letters():
    sizes = [
        lay_out(make_label(), width * PER_POINT, 150 * PER_POINT, SIZES).size for width in (60, 80, 120, 200)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == 10_000


def test_the_first_size_that_fits_is_taken():
    label, room = make_label(), (70 * PER_POINT, 80 * PER_POINT)
    size = lay_out(label, *room, SIZES).size
    larger = [other for other in SIZES if other > size]
    assert larger
    assert lay_out(label, *room, larger) is None or lay_out(label, *room, larger).size != size


def test_smaller_letters_are_taken_before_host_or_value_breaks():
    label, room = roll_label(1), (47 * PER_POINT, 80 * PER_POINT)
    layout = lay_out(label, *room, SIZES)
    assert [run.text for row in layout.rows for run in row.runs].count(label.host) == 1
    width = measure_text(label.host)
    assert width * layout.size <= room[0] * 1000 < width * (layout.size + 500)


def test_the_hint_goes_before_a_value_breaks_and_english_names_last():
    room = 50 * PER_POINT
    label = roll_label(1)
    tall, low = (lay_out(label, room, height * PER_POINT, SIZES) for height in (80, 31))
    assert squeeze(STICKER_HINT.zh) in read(tall)
    assert squeeze(STICKER_HINT.zh) not in read(low)
    certificate = make_label()
    roomy, tight = (lay_out(certificate, 47 * PER_POINT, height * PER_POINT, SIZES) for height in (130, 79))
    assert squeeze(LABELS["serial"].en) in read(roomy)
    assert squeeze(LABELS["serial"].en) not in read(tight)
    assert LABELS["serial"].zh in read(tight)


@pytest.mark.parametrize("room", [(20, 80), (50, 20), (8, 8), (0, 0)])
def test_what_does_not_fit_is_no_layout(room):
    assert lay_out(make_label(), *(length * PER_POINT for length in room), SIZES) is None


def test_a_line_to_write_on_has_room_above_it():
    layout = lay_out(roll_label(1, date_line=True), 100 * PER_POINT, 100 * PER_POINT, SIZES)
    [rule] = layout.rules
    label = next(row for row in layout.rows if row.runs[0].text.startswith(LABELS["valid_until"].zh))
    assert rule - (label.top + layout.size) >= WRITING_ROOM - layout.size
    assert not any(label.top + layout.size < row.top < rule for row in layout.rows)


def test_a_banner_is_light_on_a_bar_as_high_as_its_words():
    layout = lay_out(make_label(banner=STICKER_BANNER), 90 * PER_POINT, 120 * PER_POINT, SIZES)
    [(top, height)] = layout.bars
    light = [row for row in layout.rows if row.is_light]
    assert light
    assert all(top < row.top and row.top + layout.size * 8 // 10 <= top + height for row in light)
    assert all(row.top >= top + height for row in layout.rows if not row.is_light)


def test_a_line_without_a_name_says_its_value_only():
    label = replace(make_label(), lines=(LabelLine("x", None, "甲乙"),))
    assert "甲乙" in read(lay_out(label, 90 * PER_POINT, 90 * PER_POINT, SIZES))
