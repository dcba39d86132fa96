"""Codes that a device has looked at before, in flight mode: its own check of what it has kept, by its own clock."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from api_world import ApiWorld, long_path
from browsers import ROOT, chromium, find_violations
from served_app import serving
from sticker_world import PUMP, ROLL, StickerWorld
from verdict_visit import Visit

from ledger.core.qr import format_code
from ledger.core.sticker import compute_sticker_id

ARTEFACTS = ROOT / "test-artifacts" / "seen"
UNKNOWN = "本机此前未查过该编码"
SAID_KEPT = re.compile("此证明已保存在本机|The proof is kept on this device")
"""What a page says when it has kept the files: Chromium lists them before that, and who leaves then undoes it."""
KEPT_COUNT = "caches.open('hengzheng-seen').then(async (cache) => (await cache.keys()).length)"


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


class Site:
    """A served log with one anchored certificate."""

    def __init__(self, **policy):
        self.world = ApiWorld(**policy).__enter__()
        self.world.found()
        self.issued = self.world.sign(1)
        self.code = self.world.submit(self.issued)
        self.world.anchor()


@pytest.fixture(scope="module")
def site():
    yield from serve(Site())


@pytest.fixture(scope="module")
def timely():
    """A site whose policy says how old a state may be."""
    yield from serve(Site(max_status_age=timedelta(days=1)))


def serve(site):
    with serving(site.world.app, site.world.now) as url:
        site.url = url
        yield site
    site.world.__exit__()


class Phone(Visit):
    """A device on which the scanner is at home; `see` looks at pages with network, `fly` goes without."""

    def __init__(self, browser, site, language="zh", width=360, **options):
        super().__init__(browser, f"{site.url}/scan", language, width, now=site.world.now, **options)
        self.site = site
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.page.wait_for_function(
            "() => navigator.serviceWorker.controller && caches.open('hengzheng-kept')"
            ".then(async (cache) => (await cache.keys()).length >= 3)"
        )

    def see(self, *paths):
        for path in paths or [f"/c/{self.site.code}"]:
            self.go(self.site.url + path)
            self.settle()
            assert self.page.get_attribute("#checker", "data-state") == "done", path
            self.page.locator("#pins", has_text=SAID_KEPT).wait_for()

    def fly(self, path=None, *, later=timedelta(0)):
        self.context.set_offline(True)
        self.context.clock.set_fixed_time(self.site.world.now + later)
        self.go(self.site.url + (path or f"/c/{self.site.code}"))
        self.page.locator("#outcome h2").wait_for()
        return self.page.inner_text("#outcome")

    def count(self):
        return self.page.evaluate(KEPT_COUNT)

    def is_green(self):
        return self.page.locator("#outcome .verdict.valid").count() == 1


# --- what is said -------------------------------------------------------------------------------------------


def test_a_code_seen_before_is_checked_again_and_dated(browser, site):
    with Phone(browser, site) as phone:
        phone.see()
        text = phone.fly()
        assert text.startswith("现况未查")
        assert "状态截至2026年11月2日" in text
        assert "当时状态：在有效期内" in text
        assert "福州市计量所" in text
        assert "SN00000001" in text
        assert not phone.is_green()
        assert "检定有效" not in text


def test_within_the_age_that_the_policy_allows_it_is_the_verifiers_own_verdict(browser, timely):
    with Phone(browser, timely) as phone:
        phone.see()
        text = phone.fly(later=timedelta(hours=20))
        assert text.startswith("检定有效")
        assert "当前没有网络；状态截至2026年11月2日" in text
        assert "不证明此刻称量准确" in text
        assert phone.is_green()


def test_beyond_that_age_it_is_not_green(browser, timely):
    with Phone(browser, timely) as phone:
        phone.see()
        text = phone.fly(later=timedelta(hours=25))
        assert text.startswith("现况未查")
        assert "当时状态：在有效期内" in text
        assert not phone.is_green()


@pytest.mark.parametrize("name", ["site", "timely"])
def test_days_go_on_without_network(browser, name, request):
    site = request.getfixturevalue(name)
    with Phone(browser, site) as phone:
        phone.see()
        text = phone.fly(later=timedelta(days=60))
        assert not phone.is_green()
        assert "福州市计量所" in text
        text = phone.fly(later=timedelta(days=181))
        assert UNKNOWN in text


def test_what_has_run_out_is_called_so(browser):
    world_site = Site()
    world_site.world.now += timedelta(days=150)
    world_site.world.seconds += 1
    for site in serve(world_site):
        with Phone(browser, site) as phone:
            phone.see()
            text = phone.fly(later=timedelta(days=40))
            assert text.startswith("已过有效期")
            assert phone.page.locator("#outcome .verdict.expired").count() == 1


def test_a_clock_that_was_set_back_makes_nothing_good(browser, timely):
    with Phone(browser, timely) as phone:
        phone.see()
        text = phone.fly(later=-timedelta(days=2))
        assert not phone.is_green()
        assert "检定有效" not in text


def test_what_a_later_page_has_shown_of_the_log_is_no_reproach(browser, timely):
    """A kept proof is old: that the device has seen the log grow says nothing against it."""
    with Phone(browser, timely) as phone:
        phone.see()
        other = timely.world.issue(2)
        timely.world.anchor()
        phone.see(f"/c/{other}")
        assert phone.fly().startswith("检定有效")
        assert phone.fly(f"/c/{other}").startswith("检定有效")


def test_a_code_never_seen_is_not_judged(browser, site):
    with Phone(browser, site) as phone:
        phone.see()
        text = phone.fly("/c/Y0E5Q0BVPKA486WB")
        assert text.startswith("暂时无法核验")
        assert "不代表证书无效" in text
        assert UNKNOWN in text


def test_a_long_code_seen_before_is_known_as_a_short_one_and_the_other_way_round(browser, timely):
    path = long_path(timely.issued)
    with Phone(browser, timely) as phone:
        phone.see(path)
        assert phone.count() == 1
        assert phone.fly().startswith("检定有效")
        assert phone.fly(path).startswith("检定有效")
        assert phone.fly(f"/c/{timely.code.lower()}").startswith("检定有效")


def test_a_typed_code_is_looked_up_on_the_device(browser, timely):
    with Phone(browser, timely) as phone:
        phone.see()
        phone.context.set_offline(True)
        phone.go(f"{timely.url}/scan")
        phone.page.fill("#code", timely.code)
        phone.page.click("#typing button")
        phone.page.locator("#outcome h2", has_text="检定有效").wait_for()


def test_an_instrument_seen_before_is_judged(browser, timely):
    record = timely.world.world.record(1)
    path = f"/i/{record['instrument']['id']}"
    with Phone(browser, timely) as phone:
        phone.see(path)
        assert phone.fly(path).startswith("检定有效")
        assert UNKNOWN in phone.fly(f"/i/{'0' * 32}")


# --- what is not believed -----------------------------------------------------------------------------------

SPOIL = """async ([key, text]) => {
  const cache = await caches.open("hengzheng-seen");
  const found = await cache.match(key);
  await cache.put(key, new Response(text, { headers: found.headers }));
}"""


@pytest.mark.parametrize(
    "kind", ["nothing", "a number", "no files", "no proof", "altered", "another document", "not of this log"]
)
def test_what_was_kept_is_believed_no_more_than_a_server(browser, timely, kind):
    world = timely.world
    other = world.issue(7)
    world.anchor()
    own = world.client.get(f"/c/{timely.code}/bundle.json").text
    path = f"/c/{timely.code}/bundle.json"
    texts = {
        "nothing": "",
        "a number": "7",
        "no files": "[]",
        "no proof": json.dumps([[path, ""]]),
        "altered": json.dumps([[path, own.replace("EX-1224", "EX-1225")]]),
        "another document": json.dumps([[path, world.client.get(f"/c/{other}/bundle.json").text]]),
        "not of this log": json.dumps([[path, own.replace(world.policy.origin, "x.example")]]),
    }
    with Phone(browser, timely) as phone:
        phone.see()
        phone.page.evaluate(SPOIL, [f"/c/{timely.code}", texts[kind]])
        text = phone.fly()
        assert text.startswith("暂时无法核验")
        assert not phone.is_green()
        assert phone.page.locator("#outcome .verdict.tampered").count() == 0


CHANGE_POLICY = """async () => {
  const cache = await caches.open("hengzheng-kept");
  const policy = await (await cache.match("/policy.json")).json();
  await cache.put("/policy.json", new Response(JSON.stringify({ ...policy, lag_warning_days: 7 })));
}"""


def test_a_policy_that_the_device_has_not_pinned_is_not_believed_of_a_long_code_either(browser, site):
    """Whatever this site has handed out as its policy since: the pinned one is of the same version."""
    path = long_path(site.issued)
    with Phone(browser, site) as phone:
        phone.see()
        phone.page.evaluate("caches.delete('hengzheng-seen')")
        assert phone.fly(path).startswith("签名有效")
        phone.page.evaluate(CHANGE_POLICY)
        text = phone.fly(path)
        assert text.startswith("暂时无法核验")
        assert "核验策略内容已变" in text


# --- what is kept -------------------------------------------------------------------------------------------


def test_without_the_scanner_nothing_is_kept(browser, site):
    with Visit(browser, f"{site.url}/c/{site.code}", now=site.world.now) as visit:
        visit.settle()
        assert visit.page.get_attribute("#checker", "data-state") == "done"
        visit.page.wait_for_timeout(200)
        assert visit.page.evaluate("caches.has('hengzheng-seen')") is False
        assert not [each for each in visit.requests if "/scan/" in each]
        assert "保存在本机" not in visit.page.inner_text("main")


def test_it_is_said_and_can_be_cleared(browser, site):
    with Phone(browser, site) as phone:
        assert not phone.page.locator("#seen").is_visible()
        phone.see()
        phone.page.get_by_text("此证明已保存在本机").wait_for()
        phone.go(f"{site.url}/scan")
        phone.page.get_by_text("本机保存了查过并已自行核验的编码的证明，共1个").wait_for()
        assert "仅存于本机" in phone.page.inner_text("#seen")
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        phone.page.screenshot(path=ARTEFACTS / "kept-zh-360.png", full_page=True)
        phone.page.click("#forget")
        phone.page.get_by_text("已从本机清除").wait_for()
        assert not phone.page.locator("#seen").is_visible()
        assert UNKNOWN in phone.fly()


def test_nothing_is_kept_of_a_page_that_the_device_contradicts(browser, site):
    with Phone(browser, site) as phone:
        phone.context.route("**/c/*", lambda route: lie(route, site))
        phone.go(f"{site.url}/c/{site.code}")
        phone.settle()
        assert phone.page.get_attribute("#checker", "data-state") == "bad"
        phone.page.wait_for_timeout(200)
        assert phone.count() == 0


def lie(route, site):
    text = site.world.client.get(f"/c/{site.code}").text.replace(
        'data-shown="VALID"', 'data-shown="CANCELLED"'
    )
    route.fulfill(body=text, content_type="text/html; charset=utf-8")


FILL = """async ([count, bytes, days]) => {
  const { keepSeen, MOST, MOST_BYTES } = await import("/static/scan/seen.js");
  const now = Date.now();
  const text = "x".repeat(bytes);
  for (let at = 0; at < count; at++) {
    await keepSeen(`/c/${at}`, new Map([["/c/x/bundle.json", text]]), now - days * 86400000 + at);
  }
  const cache = await caches.open("hengzheng-seen");
  const keys = (await cache.keys()).map((each) => new URL(each.url).pathname);
  return [MOST, MOST_BYTES, keys.sort()];
}"""


def test_what_is_kept_has_bounds_and_the_oldest_goes(browser, site):
    with Phone(browser, site) as phone:
        most, most_bytes, keys = phone.page.evaluate(FILL, [105, 10, 0])
        assert (most, len(keys)) == (100, 100)
        assert not set(keys) & {f"/c/{at}" for at in range(5)}
        phone.page.evaluate("caches.delete('hengzheng-seen')")
        assert len(phone.page.evaluate(FILL, [10, most_bytes // 4, 0])[2]) == 3
        phone.page.evaluate("caches.delete('hengzheng-seen')")
        assert phone.page.evaluate(FILL, [1, most_bytes + 1, 0])[2] == []
        phone.page.evaluate(FILL, [3, 10, 91])
        assert phone.page.evaluate(FILL, [1, 10, 0])[2] == ["/c/0"]


def test_no_policy_and_no_personal_member_is_kept(browser, site):
    read = """async (key) => (await (await caches.open("hengzheng-seen")).match(key)).json()"""
    with Phone(browser, site) as phone:
        phone.see()
        kept = phone.page.evaluate(read, f"/c/{site.code}")
        assert {address for address, _ in kept} == {
            f"/c/{site.code}/{name}.json" for name in ("bundle", "newest")
        }
        assert [text for _, text in kept] == [site.world.client.get(address).text for address, _ in kept]


# --- how it looks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_are_accessible_and_fit(browser, timely, language, width):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with Phone(browser, timely, language, width) as phone:
        phone.see()
        for name, later in (("timely", 1), ("late", 30)):
            phone.fly(later=timedelta(hours=later))
            phone.page.screenshot(path=ARTEFACTS / f"{name}-{language}-{width}.png", full_page=True)
            assert find_violations(phone.page) in (None, []), name
            assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


# --- stickers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labelled():
    """A site with a sticker on the instrument of its document, one bound to nothing, and one released."""
    made = Site(max_status_age=timedelta(days=1))
    desk = StickerWorld(made.world)
    desk.bind(desk.sticker(0), PUMP)
    made.world.anchor()
    made.desk = desk
    yield from serve(made)


def test_a_sticker_seen_before_is_judged(browser, labelled):
    path = f"/s/{labelled.desk.sticker(0)}"
    with Phone(browser, labelled) as phone:
        phone.see(path)
        text = phone.fly(path, later=timedelta(hours=2))
        assert text.startswith("检定有效")
        assert "状态截至2026年11月2日" in text
        assert "福州市计量所" in text
        assert phone.fly(path, later=timedelta(hours=30)).startswith("现况未查")
        assert UNKNOWN in phone.fly(f"/s/{labelled.desk.sticker(1)}")


def test_an_unused_sticker_seen_before_is_called_so(browser, labelled):
    path = f"/s/{labelled.desk.sticker(1)}"
    with Phone(browser, labelled) as phone:
        phone.see(path)
        text = phone.fly(path)
        assert text.startswith("贴纸已发放，未启用")


@pytest.mark.parametrize("spell", ["{}", "v.example.cn/s/{}", "V.example.cn/S/{}"])
def test_a_typed_sticker_seen_before_is_judged(browser, labelled, spell):
    """Sixteen symbols do not tell a sticker from a document; what this device has kept does."""
    number = labelled.desk.sticker(0)
    with Phone(browser, labelled) as phone:
        phone.see(f"/s/{number}")
        phone.fly("/c/Y0E5Q0BVPKA486WB")
        phone.go(f"{labelled.url}/scan")
        phone.page.fill("#code", spell.format(format_code(number).lower()))
        phone.page.click("#typing button")
        phone.page.locator("#outcome h2", has_text="检定有效").wait_for()
        assert phone.is_green()


LOOK_LATER = """async (key) => {
  const cache = await caches.open("hengzheng-seen");
  const found = await cache.match(key);
  const headers = new Headers(found.headers);
  headers.set("Kept-At", String(Number(headers.get("Kept-At")) + 20 * 3600000));
  await cache.put(key, new Response(await found.text(), { headers }));
}"""


def test_what_is_said_of_a_sticker_is_as_of_its_proof_not_of_the_look(browser, labelled):
    path = f"/s/{labelled.desk.sticker(1)}"
    with Phone(browser, labelled) as phone:
        phone.see(path)
        phone.page.evaluate(LOOK_LATER, path)
        assert "状态截至2026年11月2日" in phone.fly(path, later=timedelta(hours=20))


@pytest.mark.parametrize(
    "made_up", [replace(ROLL, roll="ZZZZZZZ"), replace(ROLL, seed=bytes([1]) * 16)], ids=str
)
def test_a_sticker_that_was_never_given_out_is_called_so(browser, labelled, made_up):
    path = f"/s/{compute_sticker_id(made_up, 5)}"
    with Phone(browser, labelled) as phone:
        phone.see(path)
        text = phone.fly(path)
        assert "从未发放" in text
        assert not phone.is_green()
        assert phone.page.locator("#outcome .verdict.tampered").count() == 1
