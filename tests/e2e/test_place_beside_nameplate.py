"""Where an instrument is used, beside its nameplate in Chromium: both languages, narrow windows, axe."""

from contextlib import closing
from dataclasses import replace

import pytest
from browsers import ROOT, find_violations
from place_world import PlaceWorld
from served_app import serving
from sites import BARE_SITE, MARKET
from verdict_visit import LANGUAGES, Visit

from ledger.core.register_fields import Name
from ledger.core.statement import parse_signed_statement
from ledger.store.engine import Database

ARTEFACTS = ROOT / "test-artifacts" / "places"
LONG = Name(
    "福州市鼓楼区示例街道示例社区综合农贸批发市场" * 3, "Example-Wholesale-and-Retail-Market-of-Gulou" * 2
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of an instrument that its user and its institution have entered."""
    folder = tmp_path_factory.mktemp("places")
    with closing(Database(f"sqlite:///{folder}/search.db")) as search, PlaceWorld(None, search) as world:
        issued = world.sign(1)
        code = world.submit(issued)
        pump = parse_signed_statement(issued.raw).statement.claims.instrument_id
        world.anchor()
        world.enter(replace(MARKET, name=LONG), pump)
        world.enter(BARE_SITE, pump)
        world.search.follow()
        world.seconds += 2
        with serving(world.app) as url:
            yield f"{url}/c/{code}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_it_fits_and_leads_to_the_site(browser, address, language, width):
    with Visit(browser, address, language, width) as visit:
        visit.settle()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=ARTEFACTS / f"place-{language}-{width}.png", full_page=True)
        assert visit.errors == []
        visit.page.click(".plate a >> nth=1")
        assert visit.page.inner_text("h1") == (LONG.en if language == "en" else LONG.zh)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_wrong_for_axe(browser, address, language):
    with Visit(browser, address, language, bypass_csp=True) as visit:
        visit.settle()
        found = find_violations(visit.page)
    if found is None:
        pytest.skip("axe-core is not installed: npm ci")
    assert found == []
