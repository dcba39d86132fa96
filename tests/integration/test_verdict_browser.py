"""Verdict pages in Chromium: one glance, both languages, small and large, grey, without script, nothing foreign."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from browsers import ROOT, chromium, find_violations
from PIL import Image
from served_app import serving
from verdict_states import RichSite, make_shown
from verdict_visit import LANGUAGES, SIZES, Visit

from api.shown import Shown
from api.web.words import LOOKS

ARTEFACTS = ROOT / "test-artifacts" / "verdict"
DATED = {
    Shown.VALID,
    Shown.PENDING,
    Shown.ATTENTION,
    Shown.EXPIRED,
}
WITH_FIELDS = DATED | {
    Shown.CALIBRATED,
    Shown.PAPER,
    Shown.SUPERSEDED,
    Shown.FAILED,
    Shown.FAILED_SINCE,
    Shown.WITHDRAWN,
    Shown.CANCELLED,
    Shown.SUSPENDED,
    Shown.NEEDS_REVERIFICATION,
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def sites():
    """Addresses of a served log for each state; all of them are open at once."""
    with ExitStack() as stack:
        found = {}
        for shown in Shown:
            served = stack.enter_context(RichSite()).found()
            path = make_shown(served, shown)
            found[shown] = stack.enter_context(serving(served.app)) + path
        yield found


def test_every_verdict_has_a_look():
    assert set(LOOKS) == set(Shown)


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_shown_and_is_accessible(browser, sites, language, width):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with Visit(browser, "about:blank", language, width) as visit:
        for shown, url in sites.items():
            visit.go(url)
            visit.settle()
            name = ARTEFACTS / f"{shown.value.lower()}-{language}-{width}.png"
            visit.page.screenshot(path=str(name), full_page=True)
            Image.open(name).convert("L").save(name.with_name(f"{name.stem}-grey.png"))
            words = LOOKS[shown].headline
            assert visit.page.inner_text("h1") == (words.en if language == "en" else words.zh)
            assert visit.foreign == []
            assert {request.split("/")[2] for request in visit.requests} == {url.split("/")[2]}
            unexpected = [error for error in visit.errors if "503" not in error and "404" not in error]
            assert unexpected == []
            visit.open_all()
            assert find_violations(visit.page) in ([], None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_glance_without_scrolling_at_360_by_640(browser, sites, language):
    with Visit(browser, "about:blank", language) as visit:
        # as it stands before any script: clocks of these sites are set by hand, which a device would doubt
        visit.page.route("**/check.js", lambda route: route.abort())
        for shown, url in sites.items():
            visit.go(url)
            wanted = ["h1", ".verdict svg", "h1 + p"]
            wanted += [".until"] if shown in DATED else []
            wanted += [".by"] if shown in WITH_FIELDS else []
            for selector in wanted:
                require_in_sight(visit, selector, shown)
            sizes = visit.page.evaluate(
                "[parseFloat(getComputedStyle(document.querySelector('h1')).fontSize),"
                " document.querySelector('.verdict svg').getBoundingClientRect().width]"
            )
            assert sizes[0] >= 32
            assert sizes[1] >= 96


def require_in_sight(visit, selector, shown):
    """Require what is there to be whole in the first 640 pixels."""
    for each in visit.page.locator(selector).all():
        box = each.bounding_box()
        assert box["y"] >= 0, (shown, selector)
        assert box["y"] + box["height"] <= SIZES[360], (shown, selector, box)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_to_be_remarked_before_the_anchor_is_in_the_glance(browser, language):
    """The longest page of a document that is not anchored yet: it came into the log late."""
    with RichSite() as served:
        served.found().now += timedelta(days=40)
        path = f"/c/{served.issue(1)}"
        with serving(served.app) as url, Visit(browser, "about:blank", language) as visit:
            visit.page.route("**/check.js", lambda route: route.abort())
            visit.go(url + path)
            assert visit.page.locator(".verdict p").count() == 4
            require_in_sight(visit, ".verdict p", Shown.PENDING)
            visit.page.screenshot(path=str(ARTEFACTS / f"pending-late-{language}-360.png"))


def test_no_page_scrolls_sideways_at_320(browser, sites):
    with Visit(browser, "about:blank", "en", 320) as visit:
        for shown, url in sites.items():
            visit.go(url)
            visit.open_all()
            widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            wide, seen = visit.page.evaluate(widths)
            assert wide <= seen, shown


def test_colours_that_are_alike_in_grey_differ_in_border_or_icon(browser, sites):
    """Colour is never alone: no two looks of different words are the same picture in grey."""
    looks = {}
    with Visit(browser, "about:blank") as visit:
        for shown, url in sites.items():
            visit.go(url)
            style = visit.page.evaluate(
                "(() => { const s = getComputedStyle(document.querySelector('.verdict'));"
                " return [s.borderTopStyle, s.borderTopWidth, s.outlineStyle,"
                " document.querySelector('.verdict svg').innerHTML].join('|'); })()"
            )
            looks.setdefault(style, []).append(shown)
    styles = [{LOOKS[shown].style for shown in each} for each in looks.values()]
    assert [each for each in styles if len(each) > 1] == []
    assert len(styles) == len({look.style for look in LOOKS.values()})


@pytest.mark.parametrize("shown", [Shown.VALID, Shown.CANCELLED, Shown.TAMPERED])
def test_a_page_without_script_is_the_servers_verdict(browser, sites, shown):
    with Visit(browser, sites[shown], java_script_enabled=False) as visit:
        assert visit.page.inner_text("h1") == LOOKS[shown].headline.zh
        assert "本机不能自检，以下为服务器结论" in visit.page.inner_text("#checker")
        assert "以上是本服务器的核验结论" in visit.page.inner_text("#conclusion")
        assert "本机已自行核验" not in visit.page.inner_text("main")


def test_the_details_open_without_script(browser, sites):
    with Visit(browser, sites[Shown.CANCELLED], java_script_enabled=False) as visit:
        visit.page.click("summary:has-text('历史记录')")
        events = visit.page.inner_text(".events")
        assert "计量行政部门注销证书" in events
        assert "检定合格，出具检定证书" in events
        assert "福建省市场监督管理局" in events


def test_targets_are_large_enough_for_fingers(browser, sites):
    with Visit(browser, sites[Shown.VALID]) as visit:
        small = visit.page.evaluate(
            "[...document.querySelectorAll('header a, a.next, summary, .ask a')]"
            ".map((each) => each.getBoundingClientRect().height).filter((height) => height < 44)"
        )
        assert small == []
