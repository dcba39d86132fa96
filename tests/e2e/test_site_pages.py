"""The pages of sites and of the search in Chromium: both languages, both widths, no script, nothing for axe."""

from dataclasses import replace
from datetime import timedelta

import pytest
from browsers import ROOT, find_violations
from office_browser import open_context
from place_world import PATH, PlaceWorld
from served_app import serving
from sites import MARKET, OWNER, PLEDGE, WITHDRAWN

from ledger.core.pledge import Paragraphs, PledgeState, Promise
from ledger.core.register_fields import Name, RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.store.engine import Database

ARTEFACTS = ROOT / "test-artifacts" / "sites"
WIDTHS = (360, 1280)
LANGUAGES = ("zh-CN", "en")
CLOSED = f"/site/{OWNER}/CLOSED"
GONE = f"/site/{OWNER}/GONE"
LONG = Name(
    "福州市鼓楼区示例街道示例社区综合农贸批发市场" * 3, "Example Wholesale and Retail Market of Gulou" * 2
)
MARKUP = "<img src=x onerror=alert(1)><script>alert(1)</script>"
PAGES = {
    "start": "/",
    "site": PATH,
    "many": f"/site/{OWNER}/MANY?page=2",
    "closed": CLOSED,
    "withdrawn": GONE,
    "absent": f"/site/{OWNER}/NONE",
    "find": "/find",
    "wrong": "/find?site=市&division=35",
    "hits": "/find?maker=示例&serial=000257",
    "sites": "/find?site=市场&division=3501",
    "nothing": "/find?maker=无此&serial=1",
}


def parse_id(issued):
    return parse_signed_statement(issued.raw).statement.claims.instrument_id


def fill(world):
    """Put instruments of every kind at a market, and what its owner says."""
    plate = world.world.record(1)["instrument"]
    fair = world.put_in(1, instrument=plate | {"name": "电子计价秤（公平秤）", "model": "ACS-30"})
    soon = world.put_in(2, validity={"kind": "date", "until": "2026-11-20", "reason": "约定"})
    over = world.put_in(3, validity={"kind": "date", "until": "2026-11-03", "reason": "约定"})
    bad = parse_id(world.sign_rejection(4))
    world.reject(4)
    twins = [
        world.put_in(number, instrument=world.world.record(number)["instrument"] | {"serial": "000257"})
        for number in (5, 6)
    ]
    evil = world.put_in(
        7, instrument=world.world.record(7)["instrument"] | {"name": MARKUP, "model": "X" * 60}
    )
    world.enter(MARKET, fair, soon, over, bad, *twins, evil, bytes([9]) * 16, fair=[fair])
    words = Paragraphs(
        ("诚信经营，公平交易，计量准确，不缺斤短两。", "设置公平秤，免费供消费者复称。"),
        ("We trade honestly and give full measure.", "Fair scales stand here for everybody."),
    )
    promise = Promise(
        words, Paragraphs(("短斤缺两，按短缺部分价款的十倍赔付。",), ("Ten times what is missing.",))
    )
    world.promise(replace(PLEDGE, promise=promise))
    world.promise(replace(PLEDGE, state=PledgeState.CHANGED, promise=replace(promise, until=None)))
    world.promise(replace(PLEDGE, site=None))
    gone = replace(MARKET.site, id="GONE")
    world.enter(replace(MARKET, site=gone, name=LONG))
    world.promise(replace(PLEDGE, site=gone))
    world.promise(replace(WITHDRAWN, site=gone))
    many = [number.to_bytes(16, "big") for number in range(1, 251)]
    world.enter(replace(MARKET, site=replace(MARKET.site, id="MANY")), *many)
    closed = replace(MARKET, site=replace(MARKET.site, id="CLOSED"))
    world.enter(closed)
    world.enter(closed, state=RegisterState.WITHDRAWN)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A served market."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('places')}/search.sqlite3")
    with PlaceWorld(None, database) as world:
        fill(world)
        world.search.follow()
        world.now += timedelta(days=5)
        world.seconds += 2
        with serving(world.app) as url:
            yield url
    database.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("title", PAGES)
def test_a_page_is_whole_at_both_widths_without_script(browser, url, title, language):
    context = open_context(browser, language, java_script_enabled=True)
    page = context.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append("a dialog"))
    page.goto(url + PAGES[title])
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for width in (320, *WIDTHS):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{title} is {wide} px wide in a window of {width}"
        if width in WIDTHS:
            page.screenshot(path=ARTEFACTS / f"{title}-{language[:2]}-{width}.png", full_page=True)
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("script").count() == 0
    expected = {"absent": "404", "wrong": "422"}.get(title, "-")
    assert [fault for fault in faults if expected not in fault] == []
    context.close()
    assert find_violations_of(browser, url + PAGES[title], language) == []


def find_violations_of(browser, address, language):
    """Return what axe-core says; the page's own policy would keep the checker out."""
    context = open_context(browser, language, bypass_csp=True)
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(address)
    found = find_violations(page)
    context.close()
    if found is None:
        pytest.skip("axe-core is not installed: npm ci")
    return found


def test_the_forms_work_without_script(browser, url):
    context = open_context(browser, "zh-CN", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/find")
    page.fill("#site", "示例农贸市场")
    page.fill("#division", "350102")
    page.click("text=查找场所")
    page.click("text=打开页面 >> nth=0")
    assert page.locator("h1").inner_text() == "示例农贸市场"
    assert page.locator("text=自我承诺，未经核验").count() == 2
    page.goto(f"{url}/find?lang=en")
    page.fill("#maker", "示例")
    page.fill("#serial", "000257")
    page.click("text=Find the instrument")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("li").count() == 2
    assert "lang=en" in page.locator("li a").first.get_attribute("href")
    context.close()


def test_a_pledge_does_not_look_like_a_certificate(browser, url):
    context = open_context(browser, "zh-CN")
    page = context.new_page()
    page.goto(url + PATH)
    colours = page.evaluate(
        """() => [...document.querySelectorAll('.pledge, .pledge *')].flatMap(each => {
            const style = getComputedStyle(each);
            return [style.backgroundColor, style.color, style.borderTopColor];
        })"""
    )
    assert "rgb(11, 107, 58)" not in colours
    assert page.evaluate("getComputedStyle(document.querySelector('.pledge')).borderTopStyle") == "dashed"
    context.close()
