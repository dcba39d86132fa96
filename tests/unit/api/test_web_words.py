"""Every code that a page can meet has words in both languages."""

import re
from importlib.resources import files

import pytest

from api.shown import Shown
from api.web import detail_words as words
from api.web.data import find_division, list_advice
from api.web.words import LOOKS
from ledger.core.act import ReasonCode
from ledger.core.anchor import AnchorGrade
from ledger.core.category import Category
from ledger.core.event import CONTENT_TYPES, SITE_TYPES, EventType
from ledger.core.lot import LotStatus
from ledger.core.record import Purpose, Role, VerificationKind
from ledger.core.registration import CODE_NAMES
from ledger.core.sticker_use import StickerReason

OF_INSTRUMENTS = CONTENT_TYPES - SITE_TYPES - {EventType.REPORT_TAKEN}
"""The rest is about sites, promises and reports, which have chains of their own."""

TABLES = {
    "looks": (LOOKS, Shown),
    "events": (words.EVENTS, OF_INSTRUMENTS),
    "reasons": (words.REASONS, ReasonCode),
    "sticker reasons": (words.STICKER_REASONS, StickerReason),
    "lots": (words.LOT_STATUSES, LotStatus),
    "roles": (words.ROLES, Role),
    "purposes": (words.PURPOSES, Purpose),
    "kinds": (words.KINDS, VerificationKind),
    "codes": (words.CODES, CODE_NAMES),
    "grades": (words.GRADES, AnchorGrade),
}
CHINESE = re.compile("[一-鿿]")


@pytest.mark.parametrize("name", TABLES)
def test_every_code_has_words(name):
    table, codes = TABLES[name]
    assert set(table) == set(codes)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "looks"])
def test_words_are_in_their_languages(name):
    for said in TABLES[name][0].values():
        assert CHINESE.search(said.zh)
        assert said.en
        assert not CHINESE.search(said.en)


@pytest.mark.parametrize("category", Category)
def test_there_is_advice_for_every_category(category):
    lines = list_advice(category)
    assert 2 <= len(lines) <= 8
    assert "12315" in lines[-1].zh
    assert "12315" in lines[-1].en
    for line in lines:
        assert CHINESE.search(line.zh)
        assert not CHINESE.search(line.en)
        assert len(line.zh) <= 60
        assert len(line.en) <= 140


@pytest.mark.parametrize(
    ("category", "zh"),
    [
        (Category.PRICE_SCALE, "公平秤"),
        (Category.FUEL_DISPENSER, "数量和金额都应为零"),
        (Category.TAXIMETER, "发票"),
        (Category.WATER_METER_SMALL, "水表不应继续走动"),
        (Category.EV_CHARGER_DC, "千瓦时"),
    ],
)
def test_the_advice_is_of_the_category(category, zh):
    assert any(zh in line.zh for line in list_advice(category))
    assert not any(zh in line.zh for line in list_advice(Category.OTHER))


@pytest.mark.parametrize(
    ("code", "zh"),
    [("35", "福建省"), ("350102", "福建省"), ("110101", "北京市"), ("810000", "香港特别行政区")],
)
def test_a_division_is_called_by_its_province(code, zh):
    assert find_division(code).zh == zh


@pytest.mark.parametrize("code", ["", "3", "99", "000000", "x"])
def test_what_is_not_known_has_no_name(code):
    assert find_division(code) is None


@pytest.mark.parametrize("sheet", ["templates/page.css", "static/office.css", "templates/site.css"])
def test_no_rule_of_a_sheet_stands_there_twice(sheet):
    """Every page carries the first and the last one whole."""
    lines = files("api.web").joinpath(sheet).read_text(encoding="utf-8").splitlines()
    assert [line for line in set(lines) if lines.count(line) > 1] == []
