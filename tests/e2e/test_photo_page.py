"""The photograph beside a verdict in Chromium: loaded when it is opened, checked by the device, lies caught."""

import pytest
from browsers import ROOT, find_violations
from photo_world import PhotoWorld
from photos import OTHER, paint, save
from served_app import serving
from verdict_visit import LANGUAGES, Visit

from ledger.confined.photos import REGISTERED, remake_photo

ARTEFACTS = ROOT / "test-artifacts" / "photos"
PHONE = save(paint((2400, 1800), (150, 165, 180), "EX-1224  SN00000001"))
LOOKED = "() => document.getElementById('photo-checked')?.dataset.same"
SAYS = {
    "true": ("本机已核对：确为该机构登记的照片", "This device has checked"),
    "false": ("这不是该机构登记的照片", "This is not the picture"),
    "null": ("本机未能核对此照片", "This device has not checked"),
}


@pytest.fixture(scope="module")
def photo():
    return remake_photo(PHONE, REGISTERED)


@pytest.fixture(scope="module")
def world(photo):
    with PhotoWorld() as world:
        world.register(photo)
        yield world


@pytest.fixture(scope="module")
def url(world):
    with serving(world.app) as url:
        yield url


def pictures(visit):
    return [address for address in visit.requests if "/photo-" in address or "all/photo_device" in address]


def open_photo(visit):
    """Open the picture, and return what is said of it."""
    visit.page.click("#photo summary")
    visit.page.wait_for_function(LOOKED)
    return visit.page.evaluate(LOOKED)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_a_picture_is_loaded_when_it_is_looked_at_and_then_checked(
    browser, url, world, photo, language, width
):
    with Visit(browser, f"{url}/c/{world.code}", language, width) as visit:
        visit.settle()
        assert pictures(visit) == [], "nobody loads it who does not look"
        assert open_photo(visit) == "true"
        assert SAYS["true"][language == "en"] in visit.page.inner_text("#photo")
        image = visit.page.locator("#photo img")
        assert image.get_attribute("src").startswith("blob:")
        visit.page.wait_for_function("() => document.querySelector('#photo img').complete")
        assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1280, 960]
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=ARTEFACTS / f"photo-{language}-{width}.png", full_page=True)
        assert visit.errors == []
        assert visit.foreign == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_wrong_for_axe(browser, url, world, language):
    with Visit(browser, f"{url}/c/{world.code}", language, bypass_csp=True) as visit:
        visit.settle()
        open_photo(visit)
        found = find_violations(visit.page)
    if found is None:
        pytest.skip("axe-core is not installed: npm ci")
    assert found == []


def test_without_script_the_picture_is_there_and_nothing_is_claimed(browser, url, world):
    with Visit(browser, f"{url}/c/{world.code}", java_script_enabled=False) as visit:
        visit.page.click("#photo summary")
        assert visit.page.locator("#photo img").is_visible()
        text = visit.page.inner_text("#photo")
        assert "登记，摄于" in text
        assert not [words for pair in SAYS.values() for words in pair if words in text]


@pytest.mark.parametrize(
    ("pattern", "answer", "expected"),
    [
        ("**/photo-*.jpg", {"body": OTHER, "content_type": "image/jpeg"}, "false"),
        ("**/photo-*.jpg", {"body": b"<svg/>", "content_type": "image/svg+xml"}, "false"),
        ("**/photo-*.jpg", {"body": b"", "content_type": "image/jpeg"}, "false"),
        ("**/photo-*.json?by=*", {"body": b"{}", "content_type": "application/json"}, "false"),
        ("**/photo-*.json?by=*", {"status": 404, "body": b"{}"}, "null"),
        ("**/photo-*.jpg", {"status": 503, "body": b""}, "null"),
        ("**/all/photo_device.js", {"status": 404, "body": b""}, "null"),
    ],
)
def test_a_server_that_shows_another_picture_is_caught(browser, url, world, pattern, answer, expected):
    with Visit(browser, "about:blank") as visit:
        visit.context.route(pattern, lambda route: route.fulfill(**answer))
        visit.go(f"{url}/c/{world.code}")
        visit.settle()
        assert open_photo(visit) == expected
        text = visit.page.inner_text("#photo")
        assert SAYS[expected][0] in text
        assert visit.page.locator("#photo img").is_visible() is (expected == "null")
        assert ("登记，摄于" in text) is (expected == "null"), "what the server says of it is not repeated"
        if expected == "false" and answer["body"] == OTHER:
            visit.page.screenshot(path=ARTEFACTS / "another-picture.png", full_page=True)


def test_another_institutions_proof_is_no_proof(browser, url, world, photo):
    """The server swaps picture and proof for those that somebody else has registered."""
    name, key = world.found_other()
    world.register(OTHER, issuer=name, signer=key)
    proof = world.client.get(world.path(OTHER, "json")).content
    world.register(photo)
    world.seconds += 2
    with Visit(browser, f"{url}/c/{world.code}") as visit:
        visit.settle()
        visit.context.route(
            "**/photo-*.jpg", lambda route: route.fulfill(body=OTHER, content_type="image/jpeg")
        )
        visit.context.route("**/photo-*.json?by=*", lambda route: route.fulfill(body=proof))
        assert open_photo(visit) == "false"


def test_nothing_is_claimed_of_a_picture_where_the_document_is_not_checked(browser, url, world):
    with Visit(browser, "about:blank") as visit:
        visit.context.route("**/newest.json", lambda route: route.fulfill(status=500))
        visit.go(f"{url}/c/{world.code}")
        visit.settle()
        assert visit.page.locator("#checker").get_attribute("data-state") == "unable"
        visit.page.click("#photo summary")
        visit.page.wait_for_timeout(300)
        assert visit.page.inner_text("#photo-checked") == ""
