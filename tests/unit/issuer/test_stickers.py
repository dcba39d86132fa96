"""Sheets of labels: every code is read again from its page, at its place, in its size; or refused."""

import io
import re
from dataclasses import replace
from datetime import timedelta

import pikepdf
import pytest
import typst
from labels import (
    CERTIFICATES,
    HOST,
    MADE_AT,
    NAME,
    SOURCE,
    certificate_label,
    draw_pages,
    find_codes,
    press,
    print_labels,
    read_texts,
    read_words,
    roll_label,
)
from PIL import Image

from issuer.rendering import stickers
from issuer.rendering.label_templates import TEMPLATES
from issuer.rendering.qr import QUIET_ZONE, Level, write_bulk
from issuer.rendering.stickers import (
    EXPOSED_MM,
    FittedLabels,
    StickerPress,
    check_first_slot,
    explain_refusal,
    fit_label,
)
from issuer.rendering.wording import STICKER_BANNER, Words
from ledger.core.errors import InputError
from verifier.picture import read_qr_picture

LONG_NAME = Words(
    "福建省福州市长乐区滨海新城计量检定测试与标准化研究院（国家电能表计量检测中心）",
    "Fujian Provincial Institute of Metrological Verification, Testing and Standardization",
)
LONG_HOST = "chaxun.jiliang.fuzhou.gov.cn"

every_template = pytest.mark.parametrize("name", TEMPLATES)
for_certificates = pytest.mark.parametrize("name", CERTIFICATES)


# --- codes are read again ---------------------------------------------------------------------------------


@every_template
def test_every_code_of_a_roll_is_read_at_its_place(name, tmp_path):
    template = TEMPLATES[name]
    count = template.count + 2
    labels = [roll_label(number) for number in range(count)]
    [pdf] = print_labels(labels, name)
    pages = draw_pages(pdf, tmp_path)
    found = [code for page in pages for code in find_codes(page)]
    assert [code.text for code in found] == [label.qr_texts[0] for label in labels]
    assert len(pages) == -(-count // template.count)
    for place, code in enumerate(found[: template.count]):
        column, row = place % template.columns, place // template.columns
        left, top = template.left + column * template.pitch[0], template.top + row * template.pitch[1]
        assert left < code.left < left + template.size[0] / 2
        assert top < code.top < top + template.size[1] / 2


@for_certificates
def test_every_code_of_certificates_is_read(name, tmp_path):
    labels = [certificate_label(number) for number in range(TEMPLATES[name].count)]
    sheets = press().fit(labels, TEMPLATES[name])
    [pdf] = press().render(sheets, 0, MADE_AT)
    texts = read_texts(pdf, tmp_path, 400)
    assert texts == [fitted.qr_text for fitted in sheets.labels]
    long = [text for text in texts if f"https://{HOST}/q/" in text]
    assert len(long) == (0 if name.startswith("label-40x30") else len(labels))


@pytest.mark.parametrize("slot", [0, 1, 5, 23])
def test_sheets_begin_at_any_free_label(slot, tmp_path):
    template = TEMPLATES["a4-3x8"]
    labels = [roll_label(number) for number in range(3)]
    [pdf] = print_labels(labels, "a4-3x8", slot)
    pages = draw_pages(pdf, tmp_path, 200)
    found = [(page, code) for page, image in enumerate(pages) for code in find_codes(image, 200)]
    assert [code.text for _, code in found] == [label.qr_texts[0] for label in labels]
    places = [
        page * 24
        + round((code.top - float(template.top) - 8) / float(template.pitch[1])) * 3
        + round((code.left - float(template.left) - 5) / float(template.pitch[0]))
        for page, code in found
    ]
    assert places == [slot, slot + 1, slot + 2]


def test_many_labels_become_several_files_of_whole_pages(monkeypatch, tmp_path):
    monkeypatch.setattr(stickers, "LABELS_OF_A_FILE", 50)
    labels = [roll_label(number) for number in range(100)]
    told = []
    sheets = press().fit(labels, TEMPLATES["a4-3x8"])
    files = press().render(sheets, 5, MADE_AT, told.append)
    assert told == [43, 48, 9]
    read = [read_texts(pdf, tmp_path, 200) for pdf in files]
    assert [len(texts) for texts in read] == told
    assert [len(pikepdf.open(io.BytesIO(pdf)).pages) for pdf in files] == [2, 2, 1]
    assert [text for texts in read for text in texts] == [label.qr_texts[0] for label in labels]


def test_a_sheet_of_one_label_larger_than_a_file_is_a_file_of_one_page(monkeypatch):
    monkeypatch.setattr(stickers, "LABELS_OF_A_FILE", 10)
    assert len(print_labels([roll_label(number) for number in range(25)], "a4-3x8")) == 2


# --- sizes ------------------------------------------------------------------------------------------------


@every_template
def test_modules_are_whole_dots_within_the_limits(name):
    template = TEMPLATES[name]
    fitted = fit_label(roll_label(7), template)
    assert fitted.level is Level.Q
    assert template.min_dots <= fitted.dots <= template.max_dots
    assert template.to_mm(fitted.modules.side * fitted.dots) <= template.code
    assert fitted.modules == write_bulk(fitted.qr_text, Level.Q)


@pytest.mark.parametrize(
    ("name", "size", "level"),
    [
        ("a4-3x8", 205, Level.M),
        ("a4-2x7", 205, Level.M),
        ("label-60x40-203", 150, Level.M),
        ("a4-2x5", 205, Level.Q),
        ("label-80x50-203", 205, Level.Q),
    ],
)
def test_a_long_code_has_level_q_from_37_mm_on(name, size, level):
    template = TEMPLATES[name]
    fitted = fit_label(certificate_label(1, size), template)
    width = template.to_mm(fitted.modules.side * fitted.dots)
    assert (fitted.level, width >= EXPOSED_MM) == (level, level is Level.Q)


def test_a_code_narrower_than_37_mm_stays_at_m_where_q_would_fit():
    template = TEMPLATES["label-60x40-203"]
    label = certificate_label(1, 150)
    side = write_bulk(label.qr_texts[0], Level.Q).side
    assert template.min_dots * side <= template.code_dots
    assert fit_label(label, template).level is Level.M


def test_a_template_without_room_for_the_long_form_takes_the_short_one():
    label = certificate_label(1)
    fitted = fit_label(label, TEMPLATES["label-40x30-300"])
    assert fitted.qr_text == label.qr_texts[1]
    assert fitted.level is Level.Q


def test_a_code_that_no_template_label_holds_is_refused_with_both_sizes():
    label = roll_label(1, replace(SOURCE, host=LONG_HOST))
    with pytest.raises(
        InputError, match=r"a4-5x13 holds a code of 18\.2 mm, this one needs 19\.0 mm"
    ) as caught:
        fit_label(label, TEMPLATES["a4-5x13"])
    assert caught.value.field == "--template"
    assert label.name in str(caught.value)


def test_the_larger_of_two_codes_is_never_the_size_that_a_refusal_names():
    label = replace(certificate_label(1), host=LONG_HOST)
    texts = tuple(text.replace(HOST, LONG_HOST) for text in label.qr_texts)
    with pytest.raises(InputError, match=r"needs 19\.0 mm: 45 modules"):
        fit_label(replace(label, qr_texts=texts), TEMPLATES["a4-5x13"])


def test_words_that_do_not_fit_are_refused_and_never_cut():
    with pytest.raises(
        InputError, match=r"JY2026-000001: a4-5x13, 38\.1 x 21\.2 mm, does not hold its words"
    ):
        fit_label(certificate_label(1), TEMPLATES["a4-5x13"])


@pytest.mark.parametrize("name", ["label-60x40-203", "label-80x50-300"])
def test_a_picture_shows_each_module_in_its_dots(name):
    template = TEMPLATES[name]
    sheets = press().fit([certificate_label(number) for number in range(3)], template)
    made = list(press().render_pictures(sheets))
    assert [label.name for label, _ in made] == [fitted.label.name for fitted in sheets.labels]
    for fitted, (_, raw) in zip(sheets.labels, made, strict=True):
        with Image.open(io.BytesIO(raw)) as picture:
            assert picture.mode == "1"
            assert picture.size == tuple(template.snap(length) for length in template.size)
            assert round(picture.info["dpi"][0]) == template.dpi
            side, dots = fitted.modules.side, fitted.dots
            left = template.snap(template.padding)
            top = (template.snap(template.size[1]) - side * dots) // 2
            code = picture.crop((left, top, left + side * dots, top + side * dots)).convert("L")
        assert (
            code.tobytes()
            == Image.frombytes("L", (side, side), fitted.modules.cells)
            .resize(code.size, Image.Resampling.NEAREST)
            .tobytes()
        )
        assert read_qr_picture(raw) == fitted.qr_text


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.startswith("label-")])
def test_codes_fall_on_the_dots_of_the_print_head(name, tmp_path):
    """Half a dot beside them, every edge would be grey, and a thermal printer would guess."""
    template = TEMPLATES[name]
    fitted = fit_label(roll_label(1), template)
    [pdf] = print_labels([fitted.label], name)
    [page] = draw_pages(pdf, tmp_path, template.dpi)
    whole = [template.snap(length) for length in template.size]
    assert all(dots <= pixels <= dots + 1 for dots, pixels in zip(whole, page.size, strict=True))
    side = fitted.modules.side * fitted.dots
    left, top = template.snap(template.padding), (whole[1] - side) // 2
    shades = page.crop((left, top, left + side, top + side)).histogram()
    assert shades[0] > side * side // 5
    assert sum(shades[1:160]) == 0, "poppler lets an edge bleed by an eighth of a dot, not more"


def test_pictures_of_a_sheet_are_single_labels(monkeypatch):
    monkeypatch.setattr(stickers, "PICTURES_AT_ONCE", 2)
    sheets = press().fit([roll_label(number) for number in range(5)], TEMPLATES["a4-3x8"])
    pictures = [read_qr_picture(raw) for _, raw in press().render_pictures(sheets)]
    assert pictures == [fitted.qr_text for fitted in sheets.labels]


@every_template
def test_the_quiet_zone_is_light_on_the_page(name, tmp_path):
    template = TEMPLATES[name]
    [pdf] = print_labels([roll_label(1, replace(SOURCE, development=True))], name)
    fitted = fit_label(roll_label(1), template)
    [page] = draw_pages(pdf, tmp_path, template.dpi)
    dots, side = fitted.dots, fitted.modules.side
    across = template.snap(template.left) + template.snap(template.padding)
    down = template.snap(template.top) + (template.snap(template.size[1]) - side * dots) // 2
    zone = page.crop((across, down, across + side * dots, down + side * dots))
    inner = (
        QUIET_ZONE * dots - 2,
        QUIET_ZONE * dots - 2,
        (side - QUIET_ZONE) * dots + 2,
        (side - QUIET_ZONE) * dots + 2,
    )
    zone.paste(255, inner)
    assert zone.getextrema()[0] > 200


# --- words ------------------------------------------------------------------------------------------------


def test_a_sticker_of_a_roll_says_id_host_and_institution_and_claims_nothing(tmp_path):
    [pdf] = print_labels([roll_label(56)], "label-60x40-300")
    words = read_words(pdf, tmp_path)
    for word in ("7KQ2-M9X0-01RC-CF83", HOST, NAME.zh, NAME.en.replace(" ", "")):
        assert word in words
    assert "合格" not in words
    assert "Verified" not in words
    assert "有效期" not in words


def test_a_sticker_of_a_certificate_says_what_is_compared_with_the_nameplate(tmp_path):
    [pdf] = print_labels([certificate_label(3)], "label-80x50-300")
    words = read_words(pdf, tmp_path)
    label = certificate_label(3)
    said = (*(line.value for line in label.lines), "检定合格", label.host, label.code, NAME.zh)
    assert [word for word in said if word not in words] == []


@pytest.mark.parametrize("name", ["a4-3x8", "a4-2x5", "label-60x40-203", "label-80x50-300"])
def test_development_stands_on_every_label(name, tmp_path):
    labels = [replace(certificate_label(number), banner=STICKER_BANNER) for number in range(2)]
    [pdf] = print_labels(labels, name)
    assert read_words(pdf, tmp_path).count(STICKER_BANNER.zh) == 2


@pytest.mark.parametrize("name", ["a4-3x8", "label-60x40-203", "label-60x40-300", "label-80x50-203"])
@pytest.mark.parametrize("issuer", [LONG_NAME, Words("福州市计量所", "")], ids=["long", "no English"])
def test_names_of_institutions_of_any_length(name, issuer, tmp_path):
    [pdf] = print_labels([replace(certificate_label(1), issuer=issuer)], name)
    words = read_words(pdf, tmp_path)
    assert sum(letter in words for letter in issuer.zh) == len(issuer.zh)
    assert read_texts(pdf, tmp_path, 400)


# --- the file ---------------------------------------------------------------------------------------------


def test_it_is_pdf_a_3_of_the_papers_size_with_embedded_fonts():
    [pdf] = print_labels([certificate_label(1)], "a4-3x8")
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        xmp = opened.Root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>3</pdfaid:part>" in xmp
        assert [round(float(length) / 72 * 25.4, 1) for length in opened.pages[0].MediaBox[2:]] == [210, 297]
        fonts = [
            item for item in opened.objects if isinstance(item, pikepdf.Dictionary) and "/FontName" in item
        ]
        assert fonts
        assert all("/FontFile3" in font for font in fonts)
        images = [
            item
            for item in opened.objects
            if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Image"
        ]
        assert images == []


def test_the_same_labels_give_the_same_bytes_also_after_others():
    labels = [certificate_label(number) for number in range(3)]
    first = print_labels(labels, "a4-3x8")
    assert StickerPress(()).render(press().fit(labels, TEMPLATES["a4-3x8"]), 0, MADE_AT) == first
    later = press().render(press().fit(labels, TEMPLATES["a4-3x8"]), 0, MADE_AT + timedelta(seconds=1))
    assert later != first


def test_cut_marks_stand_outside_the_labels_only(tmp_path):
    template = TEMPLATES["a4-cut-60x40"]
    [pdf] = print_labels([roll_label(1)], template.name)
    [page] = draw_pages(pdf, tmp_path, 200)
    block = [round(float(mm) / 25.4 * 200) for mm in (15, 8.5, 195, 288.5)]
    free = page.crop((block[0] + 2, block[1] + 320, block[2] - 2, block[3] - 2))
    assert free.getextrema() == (255, 255)
    page.paste(255, tuple(block))
    assert page.getextrema()[0] < 128


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", [-1, 24, 1000])
def test_a_place_that_no_page_has_is_refused(slot):
    with pytest.raises(
        InputError, match=rf"a4-3x8 has the labels 1 to 24 on a page, not {slot + 1}"
    ) as caught:
        check_first_slot(TEMPLATES["a4-3x8"], slot)
    assert caught.value.field == "--start"
    with pytest.raises(InputError, match="1 to 24"):
        print_labels([roll_label(1)], "a4-3x8", slot)


def test_no_label_is_refused():
    with pytest.raises(InputError, match="no label to print"):
        print_labels([], "a4-3x8")


@pytest.mark.parametrize(
    ("field", "letters", "codes"),
    [
        ("instrument.name", "𠮷", "U+20BB7"),
        ("instrument.serial", "😀", "U+1F600"),
        ("instrument.model", "\ue000", "U+E000"),
        ("issuer.name", "ก", "U+0E01"),
        ("letterhead.name_en", "Ⴀ", "U+10A0"),
    ],
)
def test_a_letter_without_a_glyph_is_refused_with_label_and_field(field, letters, codes):
    labels = [certificate_label(number) for number in range(3)]
    bad = labels[1]
    value = f"甲{letters}乙"
    if field == "issuer.name":
        bad = replace(bad, issuer=Words(value, ""))
    elif field == "letterhead.name_en":
        bad = replace(bad, issuer=Words(NAME.zh, letters))
    else:
        lines = [replace(line, value=value) if line.field == field else line for line in bad.lines]
        bad = replace(bad, lines=tuple(lines))
    with pytest.raises(InputError, match=re.escape(codes)) as caught:
        print_labels([labels[0], bad, labels[2]], "a4-3x8")
    assert caught.value.field == field
    assert "JY2026-000001: no font has the character" in str(caught.value)


def test_another_refusal_of_the_typesetter_is_told_as_it_is():
    sheets = FittedLabels(TEMPLATES["a4-3x8"], ())
    assert "something else" in str(explain_refusal("something else", sheets))
    assert explain_refusal('the text `"𠮷"` has no glyph', sheets).field == "labels"


def test_a_folder_of_fonts_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no folder with fonts"):
        StickerPress([tmp_path / "none"])


def test_the_typesetter_forgets_what_it_has_made(monkeypatch):
    """Ten runs for nothing after each file: that is how long its memory is."""
    made = []

    class Counting:
        def compile(self, **options):
            made.append(options["sys_inputs"]["labels"] == "[]")
            return b"%PDF"

    counting = StickerPress(())
    monkeypatch.setattr(counting, "_compiler", Counting())
    counting.render(press().fit([roll_label(1)], TEMPLATES["a4-3x8"]), 0, MADE_AT)
    assert made == [False] + [True] * 10
    assert typst.__version__.startswith("0.15")
