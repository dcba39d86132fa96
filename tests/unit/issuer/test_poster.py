"""A pledge on paper: its words, its code, and nothing of a certificate."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pikepdf
import pytest
from labels import draw_pages, find_codes, read_words
from sites import MARKET, PROMISE

from issuer.rendering.poster import Paper, PosterContent, PosterPress
from ledger.core.errors import InputError
from ledger.core.pledge import MAX_PARAGRAPH_BYTES, MAX_PARAGRAPHS, Paragraphs, Promise
from ledger.core.register_fields import Name

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
CONTENT = PosterContent(
    Name("示例市场管理有限公司", "Example Market Management"),
    MARKET,
    PROMISE,
    date(2026, 2, 28),
    "v.example.cn",
    development=False,
)


@pytest.fixture(scope="module")
def press():
    return PosterPress(())


@pytest.mark.parametrize(("paper", "width", "height"), [(Paper.A4, 210, 297), (Paper.A3, 297, 420)])
def test_a_poster_is_one_page_whose_code_leads_to_the_site(press, tmp_path, paper, width, height):
    raw = press.render(CONTENT, paper, AT)
    (tmp_path / "poster.pdf").write_bytes(raw)
    with pikepdf.open(tmp_path / "poster.pdf") as opened:
        assert len(opened.pages) == 1
        box = [float(side) / 72 * 25.4 for side in opened.pages[0].MediaBox[2:]]
    assert [round(side) for side in box] == [width, height]
    (page,) = draw_pages(raw, tmp_path, 100)
    assert [code.text for code in find_codes(page, 100)] == ["https://v.example.cn/site/350102-M7/M-01"]


def test_the_words_are_those_of_the_pledge_and_say_that_nobody_has_verified_it(press, tmp_path):
    words = read_words(press.render(CONTENT, Paper.A4, AT), tmp_path)
    texts = [*PROMISE.text.zh, *PROMISE.text.en, *PROMISE.compensation.zh, CONTENT.owner.zh, MARKET.name.zh]
    for text in (
        *texts,
        "自我承诺，未经核验",
        "Self-declared, not verified",
        "2026-02-28",
        "2027-02-27",
        "12315",
    ):
        assert "".join(text.split()) in words
    for word in ("检定证书", "检定合格", "Development"):
        assert word not in words
    shown = read_words(press.render(replace(CONTENT, development=True), Paper.A4, AT), tmp_path)
    assert "开发环境，不得用于实际业务" in shown


def test_the_same_poster_has_the_same_bytes(press):
    assert press.render(CONTENT, Paper.A4, AT) == PosterPress(()).render(CONTENT, Paper.A4, AT)


def test_long_pledges_are_printed_smaller_and_too_long_ones_refused(press, tmp_path):
    longer = Promise(Paragraphs(("诚信经营，计量准确，不缺斤短两。" * 5,) * 8))
    raw = press.render(replace(CONTENT, promise=longer), Paper.A4, AT)
    assert len(draw_pages(raw, tmp_path, 30)) == 1
    longest = ("长" * (MAX_PARAGRAPH_BYTES // 3),) * MAX_PARAGRAPHS
    with pytest.raises(InputError, match="too long for one page") as caught:
        press.render(
            replace(CONTENT, promise=Promise(Paragraphs(longest, longest), Paragraphs(longest))), Paper.A4, AT
        )
    assert caught.value.field == "text"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (replace(CONTENT, promise=Promise(Paragraphs(("诚信", "𓀀经营")))), "text.zh.1"),
        (replace(CONTENT, promise=replace(PROMISE, compensation=Paragraphs(("赔𓀀",)))), "compensation.zh.0"),
        (replace(CONTENT, owner=Name("𓀀公司", None)), "institution.name.zh"),
        (replace(CONTENT, site=replace(MARKET, name=Name("市场", "Ma𓀀rket"))), "site.name.en"),
    ],
)
def test_a_letter_that_no_font_has_is_refused_by_the_members_name(press, content, field):
    with pytest.raises(InputError) as caught:
        press.render(content, Paper.A4, AT)
    assert caught.value.field == field
    assert "U+13000" in str(caught.value)


def test_markup_of_the_typesetter_is_text(press, tmp_path):
    evil = '#panic("x") *bold* $x$ \\ <label> @ref'
    raw = press.render(replace(CONTENT, promise=Promise(Paragraphs((evil,)))), Paper.A4, AT)
    assert '#panic("x")*bold*$x$' in read_words(raw, tmp_path)
