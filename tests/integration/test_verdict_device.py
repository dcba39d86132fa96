"""What the page's script says of the device's own check: never more than was checked.

`tests/stand_in/device.js` stands for the verifier itself: here it is about what the page makes of its answer.
"""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from api_world import long_path
from browsers import ROOT, chromium
from served_app import serving
from sticker_world import PUMP, StickerWorld
from verdict_states import ANOTHER, RichSite, make_shown
from verdict_visit import Visit
from world import World, make_signer

from api.shown import Shown
from api.static_files import StaticFiles
from ledger.core.data import read_tables
from ledger.core.policy import encode_policy

STAND_IN = ROOT / "tests" / "stand_in"
CHECKED = "本机已自行核验"
UNABLE = "本机不能自检，以下为服务器结论"
DIFFERS = "本机核验与服务器结论不一致，请勿依据本页"
AHEAD = "本站已有更新的账本状态，尚待见证方签名，本机暂不能核验；以下为服务器结论"
SERVERS = "以上是本服务器的核验结论。"
PINNED = {"policy": {"version": 1, "digest": "ab" * 32}, "checkpoint": {"size": 7, "root": "cd" * 32}}
VALID = {"checkedByDevice": True, "shown": "VALID", "report": {}, "remember": PINNED, "reason": None}
REASON = {"en": "another instrument's proof", "zh": "这是另一台器具的证明"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


class Site:
    """A served log with one anchored certificate."""

    def __init__(self, static):
        self.served = RichSite(static=static).found()
        self.issued = self.served.sign(1)
        self.code = self.served.submit(self.issued)
        self.served.anchor()
        self.path = f"/c/{self.code}"


@pytest.fixture
def site():
    made = Site(StaticFiles({"page": files("api.web") / "static" / "page", "verifier": STAND_IN}))
    with made.served, serving(made.served.app) as url:
        made.url = url + made.path
        yield made


def visit(browser, site, answer, language="zh", **options):
    return Visit(browser, site.url, language, standing_in=json.dumps(answer), **options)


def read(page, selector):
    return page.inner_text(selector)


def test_a_check_that_agrees_is_said_and_remembered(browser, site):
    with visit(browser, site, VALID) as found:
        found.settle()
        assert read(found.page, "#checker") == CHECKED
        assert read(found.page, "#conclusion") == f"{CHECKED}。"
        digest = PINNED["policy"]["digest"]
        assert read(found.page, "#pins") == f"本机首次访问时固定的信任策略：第 1 版，SHA-256 {digest}"
        kept = found.page.evaluate("localStorage.getItem('hengzheng/pins/v1')")
        assert json.loads(kept) == PINNED
        assert found.foreign == []
        assert [error for error in found.errors if "404" not in error] == []


def test_the_verifier_gets_what_was_scanned_and_what_the_server_hands_out(browser, site):
    client = site.served.client
    with visit(browser, site, VALID) as found:
        found.settle()
        (asked,) = found.page.evaluate("window.asked")
        assert asked["expected"] == {"code": site.code}
        assert asked["bundleText"] == client.get(f"{site.path}/bundle.json").text
        assert asked["policyText"].encode() == encode_policy(site.served.policy)
        assert asked["ruleBook"] == read_tables()
        assert asked["remembered"] is None
        assert abs(asked["now"] / 1000 - time.time()) < 60
        found.page.reload()
        found.settle()
        (again,) = found.page.evaluate("window.asked")
        assert again["remembered"] == PINNED
        found.page.evaluate("localStorage.setItem('hengzheng/pins/v1', '{\"policy\": 1}')")
        found.page.reload()
        found.settle()
        assert found.page.evaluate("window.asked[0].remembered") is None


def test_a_long_code_is_what_was_scanned_there(browser, site):
    site.url = site.url.replace(site.path, long_path(site.issued))
    with visit(browser, site, VALID) as found:
        found.settle()
        (asked,) = found.page.evaluate("window.asked")
        assert asked["expected"] == {"digits": site.url.rpartition("/")[2]}
        assert read(found.page, "#checker") == CHECKED


def test_the_part_that_was_asked_for_is_handed_on_and_stays(browser, site):
    record = site.served.world.record(1)
    path = f"/i/{record['instrument']['id']}?part=2"
    site.url = site.url.replace(site.path, path)
    with visit(browser, site, VALID | {"shown": "CANCELLED"}) as found:
        found.settle()
        asked = found.page.evaluate("window.asked.map(({expected}) => expected)")
        assert asked
        assert all(each == {"instrument": record["instrument"]["id"], "part": "2"} for each in asked)
        assert {each for each in found.requests if "/i/" in each} == {site.url}
        found.page.click("header a")
        found.page.wait_for_load_state()
        assert "For part 2 of the instrument" in found.page.content()


def test_the_newest_state_is_handed_on_where_the_server_has_it(browser, site):
    with Visit(browser, "about:blank", standing_in=json.dumps(VALID)) as found:
        found.page.route("**/newest.json", lambda route: route.fulfill(body="newest"))
        found.go(site.url)
        found.settle()
        assert found.page.evaluate("window.asked[0].newestText") == "newest"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_check_that_differs_warns_and_is_not_remembered(browser, site, language):
    answer = VALID | {"shown": "TAMPERED", "reason": REASON}
    with visit(browser, site, answer, language) as found:
        found.settle()
        said = read(found.page, "#checker")
        assert (
            said
            == {
                "zh": f"{DIFFERS} ({REASON['zh']})",
                "en": "What this device found differs from the server's verdict: do not rely on this page "
                f"({REASON['en']})",
            }[language]
        )
        assert "bad" in found.page.get_attribute("#checker", "class")
        assert found.page.evaluate("localStorage.length") == 0
        assert CHECKED not in read(found.page, "main")


def test_what_differs_is_fetched_anew_before_it_is_an_alarm(browser, site):
    with visit(browser, site, VALID | {"shown": "SUPERSEDED"}) as found:
        found.settle()
        assert read(found.page, "#checker") == DIFFERS
        assert found.page.evaluate("window.asked.length") == 2
        assert len([each for each in found.requests if each.endswith("/bundle.json")]) == 2


@pytest.mark.parametrize(
    ("page", "size", "shown", "said"),
    [
        (Shown.SUSPENDED, 3, "VALID", AHEAD),
        (Shown.SUSPENDED, 10**6, "VALID", DIFFERS),
        (Shown.SUSPENDED, 3, "TAMPERED", DIFFERS),
        (Shown.VALID, 3, "SUSPENDED", DIFFERS),
    ],
)
def test_a_state_that_waits_for_its_witnesses_is_no_alarm_unless_the_page_is_green(
    browser, site, page, size, shown, said
):
    path = make_shown(site.served, page)
    site.url = site.url.replace(site.path, path)
    with visit(browser, site, VALID | {"shown": shown, "size": size}) as found:
        found.settle()
        assert read(found.page, "#checker") == said
        assert found.page.evaluate("localStorage.length") == 0


def test_a_browser_that_keeps_nothing_checks_all_the_same(browser, site):
    refuse = "{get() { throw new DOMException('no', 'SecurityError') }}"
    with Visit(browser, "about:blank", standing_in=json.dumps(VALID)) as found:
        for store in ("localStorage", "sessionStorage"):
            found.page.add_init_script(f"Object.defineProperty(window, '{store}', {refuse})")
        found.go(site.url)
        found.settle()
        assert read(found.page, "#checker") == CHECKED


@pytest.mark.parametrize(
    "answer",
    [
        VALID | {"checkedByDevice": False, "reason": REASON},
        VALID | {"checkedByDevice": "yes"},
        {name: value for name, value in VALID.items() if name != "checkedByDevice"},
        {"error": "no Ed25519 here"},
    ],
    ids=["said so", "not quite", "not said", "broke"],
)
def test_a_device_that_could_not_check_everything_says_so(browser, site, answer):
    with visit(browser, site, answer) as found:
        found.settle()
        assert read(found.page, "#checker").startswith(UNABLE)
        assert read(found.page, "#conclusion") == SERVERS
        assert found.page.evaluate("localStorage.length") == 0
        assert CHECKED not in read(found.page, "main")


def test_a_check_that_agrees_with_a_doubt_says_the_doubt(browser, site):
    with visit(browser, site, VALID | {"reason": REASON}) as found:
        found.settle()
        assert read(found.page, "#checker") == f"{CHECKED} ({REASON['zh']})"


def test_a_sticker_is_checked_by_its_own_proof_and_the_documents(browser, site):
    desk = StickerWorld(site.served)
    desk.bind(desk.sticker(0), PUMP)
    site.served.anchor()
    path = f"/s/{desk.sticker(0)}"
    client = site.served.client
    site.url = site.url.replace(site.path, path)
    with visit(browser, site, VALID) as found:
        found.settle()
        assert read(found.page, "#checker") == CHECKED
        asked = found.page.evaluate("(({ask, ...rest}) => [typeof ask, rest])(window.asked[0])")
        assert asked[0] == "function"
        assert asked[1]["expected"] == {"sticker": desk.sticker(0)}
        assert asked[1]["proofText"] == client.get(f"{path}/proof.json").text
        assert asked[1]["bundleText"] == client.get(f"{site.path}/bundle.json").text
        more = f"i/{PUMP.hex()}/proof.json"
        assert found.page.evaluate("(path) => window.asked[0].ask(path)", more) == client.get(f"/{more}").text
        assert found.page.evaluate("window.asked[0].ask('i/nothing/proof.json')") is None


def test_files_of_two_states_of_the_log_are_fetched_again_once(browser, site):
    desk = StickerWorld(site.served)
    desk.bind(desk.sticker(0), PUMP)
    path = f"/s/{desk.sticker(0)}"
    site.url = site.url.replace(site.path, path)
    with visit(browser, site, VALID | {"isOutOfStep": True, "reason": REASON}) as found:
        found.settle()
        assert found.page.evaluate("window.asked.length") == 2
        proofs = [each for each in found.requests if each.endswith(f"{path}/proof.json")]
        assert len(proofs) == 2


@pytest.mark.parametrize("what", ["digits", "instrument", "part", "sticker"])
def test_what_the_ledger_lacks_is_checked_by_the_proof_of_that(browser, site, what):
    client = site.served.client
    stranger = World("other.example/log").issue(9, seal=make_signer("stranger"))
    unknown = "/i/" + "07" * 16
    path, file, shown = {
        "digits": (long_path(stranger), "/absence.json", "NEVER_GIVEN_OUT"),
        "instrument": (unknown, "/proof.json", "NOT_VERIFIED"),
        "part": (f"{unknown}?part=1", "/proof.json", "NOT_VERIFIED"),
        "sticker": ("/s/7KQ2M9X001RCCF83", "/proof.json", "NEVER_GIVEN_OUT"),
    }[what]
    bare, _, query = path.partition("?")
    site.url = site.url.replace(site.path, path)
    with visit(browser, site, VALID | {"shown": shown}) as found:
        found.settle()
        assert read(found.page, "#checker") == CHECKED
        assert found.page.evaluate("window.asked[0].proofText") == client.get(f"{bare}{file}?{query}").text
        assert found.page.evaluate("window.asked[0].bundleText ?? null") is None
        trust = found.page.evaluate("window.asked[0].trustText ?? null")
        assert (trust is not None) == (what == "digits")


@pytest.mark.parametrize("missing", ["device.js", "bundle.json", "policy.json", "rules.json"])
def test_a_file_that_does_not_come_is_no_check(browser, site, missing):
    with Visit(browser, "about:blank", standing_in=json.dumps(VALID)) as found:
        found.page.route(f"**/{missing}", lambda route: route.abort())
        found.go(site.url)
        found.settle()
        assert read(found.page, "#checker") == UNABLE


def test_without_the_verifier_the_page_says_that_the_device_cannot_check(browser):
    made = Site(StaticFiles({"page": files("api.web") / "static" / "page"}))
    with made.served, serving(made.served.app) as url, Visit(browser, url + made.path) as found:
        found.settle()
        assert read(found.page, "#checker") == UNABLE


def test_a_device_with_a_wrong_clock_does_not_judge(browser, site):
    with visit(browser, site, VALID | {"shown": "TAMPERED"}, now=datetime(2020, 1, 1, tzinfo=UTC)) as found:
        found.settle()
        assert read(found.page, "#checker") == f"{UNABLE} (本机时间不准)"
        assert not found.page.evaluate("window.asked")


def test_a_browser_without_modules_says_so_too(browser, site):
    old = files("api.web").joinpath("static/page/old.js").read_text(encoding="utf-8")
    with visit(browser, site, VALID) as found:
        found.settle()
        found.page.evaluate(old)
        assert read(found.page, "#checker") == UNABLE
        assert found.page.get_attribute("script[nomodule]", "src").endswith("/old.js")


def test_a_page_that_the_log_has_overtaken_is_loaded_anew_once(browser, site):
    old = site.served.client.get(site.path).text
    site.served.submit(site.served.sign(1, version=1, **ANOTHER))
    answer = VALID | {"shown": "SUPERSEDED"}
    with Visit(browser, "about:blank", standing_in=json.dumps(answer)) as found:
        stale = [old]

        def reply(route):
            is_page = "text/html" in route.request.headers["accept"]
            if is_page and stale:
                route.fulfill(body=stale.pop(), content_type="text/html")
            else:
                route.continue_()

        found.page.route("**" + site.path, reply)
        found.go(site.url)
        found.page.wait_for_function("document.querySelector('h1').textContent === '已有新证书'")
        found.settle()
        assert read(found.page, "#checker") == CHECKED


def test_a_server_that_says_two_things_is_not_believed_for_ever(browser, site):
    """The page says one thing, its JSON another, each time: it is loaded anew once, then the warning stays."""
    with Visit(browser, "about:blank", standing_in=json.dumps(VALID | {"shown": "CANCELLED"})) as found:

        def reply(route):
            if route.request.headers["accept"] == "application/json":
                route.fulfill(body='{"shown": "CANCELLED"}', content_type="application/json")
            else:
                route.continue_()

        found.page.route("**" + site.path, reply)
        found.go(site.url)
        found.page.wait_for_selector("#checker.bad")
        assert read(found.page, "#checker") == DIFFERS
        pages = [request for request in found.requests if request == site.url]
        assert len(pages) <= 4  # the page and its JSON, twice at most


def test_only_scripts_of_this_site_run(browser, site):
    with visit(browser, site, VALID) as found:
        found.settle()
        ran = found.page.evaluate(
            "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
            " document.body.append(s); return window.ran; })()"
        )
        assert ran is None
        assert found.page.evaluate("fetch('https://example.com/').then(() => 1, () => 0)") == 0
        assert found.foreign == []  # the policy stops it before it leaves


def test_storage_that_refuses_does_not_stop_the_check(browser, site):
    with Visit(browser, "about:blank", standing_in=json.dumps(VALID)) as found:
        found.page.add_init_script(
            "Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('full'); }"
        )
        found.go(site.url)
        found.settle()
        assert read(found.page, "#checker") == CHECKED


def test_pages_that_nothing_proves_have_no_script(site):
    served = site.served
    served.seconds += 1
    assert "<script" in served.client.get(site.path).text
    nothing = replace(served.parts().public, static=served.static)
    assert nothing.static.address("verifier", "device.js").startswith("static/verifier@")
    assert "<script" not in served.client.get("/c/0000000000000000").text
