"""A confirmed copy on a page whose record the device checks: the warning is amber, and the check agrees."""

import pytest
from browsers import ROOT, chromium, find_violations
from copies_world import DOCUMENT, open_copies_world
from PIL import Image
from served_app import serving
from verdict_visit import LANGUAGES, SIZES, Visit

from api.copies.marks import CopyMark
from api.web.copy_words import COPIED, HINTS

ARTEFACTS = ROOT / "test-artifacts" / "copies"
CHECKED = {
    None: {"zh": "本机已自行核验", "en": "Checked by this device itself"},
    CopyMark.CONFIRMED: {"zh": "检定记录已由本机自行核验", "en": "This device itself has checked the record"},
}
CHECKED[CopyMark.SUSPECTED] = CHECKED[None]


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    with open_copies_world(f"sqlite:///{folder}/reports.db") as world, serving(world.app) as url:
        world.url = url
        yield world


def mark(world, found):
    world.watch.show({} if found is None else {(DOCUMENT, world.code): found})
    world.seconds += 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("found", [None, CopyMark.CONFIRMED, CopyMark.SUSPECTED])
def test_the_device_checks_the_record_and_is_not_misled_by_the_warning(browser, site, found, language):
    """`check.js` compares the record's verdict with its own; the warning is in no proof, and turns nothing red."""
    mark(site, found)
    with Visit(browser, f"{site.url}/c/{site.code}", language, now=site.now) as visit:
        visit.page.route("**/policy.json", lambda route: answer_in_time(route, site))
        visit.page.reload()
        visit.settle()
        assert visit.page.inner_text("#checker").startswith(CHECKED[found][language])
        words = COPIED.headline if found is CopyMark.CONFIRMED else None
        expected = ("检定有效", "Valid") if words is None else (words.zh, words.en)
        assert visit.page.inner_text("h1") == expected[language == "en"]
        style = visit.page.locator(".verdict").get_attribute("class")
        assert style == ("verdict copied" if words else "verdict valid")
        if found is CopyMark.SUSPECTED:
            hint = HINTS[found].en if language == "en" else HINTS[found].zh
            assert visit.page.inner_text(".hint") == hint
        assert visit.foreign == []
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES.items():
            visit.page.set_viewport_size({"width": width, "height": height})
            name = ARTEFACTS / f"checked-{found or 'plain'}-{language}-{width}.png"
            visit.page.screenshot(path=str(name), full_page=True)
            Image.open(name).convert("L").save(name.with_name(f"{name.stem}-grey.png"))
        visit.open_all()
        assert find_violations(visit.page) in ([], None)


def answer_in_time(route, site):
    """The clock of this site is set by hand: let its answer say so, or the device would doubt its own."""
    answer = route.fetch()
    date = site.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
    route.fulfill(response=answer, headers={**answer.headers, "date": date})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_warning_is_in_the_first_glance(browser, site, language):
    mark(site, CopyMark.CONFIRMED)
    with Visit(browser, f"{site.url}/c/{site.code}", language) as visit:
        for selector in ("h1", ".verdict svg", "h1 + p", ".until", ".by"):
            box = visit.page.locator(selector).first.bounding_box()
            assert box["y"] + box["height"] <= 640, selector
        visit.page.set_viewport_size({"width": 320, "height": 640})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
