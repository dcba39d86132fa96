"""Where sites and the search lead to the reports of consumers, on one public site that has all of them."""

import re
from contextlib import closing
from urllib.parse import urljoin

import pytest
from page_reader import Page
from place_world import PATH, PlaceWorld
from reports_world import ReportsWorld
from sites import MARKET
from sticker_world import PUMP, StickerWorld

from api.reports.kinds import About, Route
from ledger.core.qr import complete_code
from ledger.core.sticker import StickerId
from ledger.store.engine import Database


class ReportingPlaces(PlaceWorld, ReportsWorld):
    """A served ledger with a site, whose public side searches, and takes reports."""


@pytest.fixture
def world(tmp_path):
    with (
        closing(Database(f"sqlite:///{tmp_path}/search.db")) as search,
        closing(Database(f"sqlite:///{tmp_path}/reports.db")) as reports,
        ReportingPlaces(None, search, database=reports) as world,
    ):
        world.enter(MARKET, world.put_in(1))
        yield world


def follow_report(browser, address):
    """Return the form to which the page at an address leads, without a name."""
    page = Page(browser.get(address))
    (link,) = [attrs["href"] for attrs in page.find("a") if "report?" in attrs["href"]]
    there = urljoin(address, link)
    choice = Page(browser.get(there))
    assert choice.response.status_code == 200
    chosen = next(attrs["href"] for attrs in choice.find("a") if f"route={Route.TIP}" in attrs["href"])
    return Page(browser.get(urljoin(there, chosen)))


@pytest.mark.parametrize("path", [PATH, "/find", "/find?maker=nobody&serial=1"])
@pytest.mark.parametrize("asked", ["", "zh", "en"])
def test_an_instrument_without_a_certificate_is_reported_from_here(world, path, asked):
    query = f"{'&' if '?' in path else '?'}lang={asked}" if asked else ""
    other = {"zh": "en", "en": "zh-CN"}.get(asked, "zh-CN")
    browser = world.browse(language=other)
    form = follow_report(browser, f"{path}{query}")
    ticked = [attrs["value"] for attrs in form.find("input") if "checked" in attrs]
    assert ticked == [About.NO_STICKER], "nobody has to find it in the list again"
    language = re.search(r'<html lang="([\w-]+)"', form.response.text)[1]
    assert language[:2] == (asked or "zh"), "the language that was chosen stays"


@pytest.mark.parametrize("path", [PATH, "/find"])
def test_where_nothing_is_reported_no_page_leads_there(tmp_path, path):
    with (
        closing(Database(f"sqlite:///{tmp_path}/search.db")) as search,
        PlaceWorld(None, search) as silent,
    ):
        silent.enter(MARKET, silent.put_in(1))
        page = silent.client.get(path)
        assert page.status_code == 200
        assert "report" not in page.text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("state", ["unused", "bound", "never"])
def test_a_sticker_without_a_document_is_reported_with_its_id(world, state, language):
    desk = StickerWorld(world)
    sticker = desk.sticker(0)
    if state == "bound":
        desk.bind(sticker, PUMP)
        desk.release(sticker, PUMP)
    elif state == "never":
        sticker = StickerId(complete_code(sticker[:7] + "ZZZZZZZZ"))
    form = follow_report(world.browse(language=language), f"/s/{sticker}?lang={language}")
    (code,) = [attrs for attrs in form.find("input") if attrs.get("name") == "code"]
    assert code["value"] == sticker
    assert form.find("html")[0]["lang"].startswith(language)


def test_where_nobody_knows_what_was_scanned_the_form_is_empty(world):
    browser = world.browse()
    page = Page(browser.get("/c/0000000000000000"))
    assert [attrs["href"] for attrs in page.find("a") if "report" in attrs["href"]] == ["../report"]
