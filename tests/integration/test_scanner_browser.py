"""The scanner in Chromium: its camera, pictures, files, typed codes; in flight mode; codes of others."""

import re
from datetime import UTC, datetime
from urllib.parse import urljoin

import numpy as np
import pytest
from api_world import HOST, ApiWorld, long_path
from browsers import ROOT, another, chromium, find_violations
from camera import Conditions, photograph
from fake_video import write_film
from further_kinds import SIMPLE, make_value, make_values, to_calibration
from scanned_cases import ALIKE, BARE, ELSEWHERE, HOSTS, MISTYPED, OWN, TYPED
from served_app import serving
from starlette.responses import PlainTextResponse
from verdict_visit import LANGUAGES, SIZES, Visit

from api.scanned import Own, Typed, read_scanned
from api.typed import fold_typed
from issuer.rendering.qr import Level, PrintStyle, render_png, write_bulk
from ledger.core.errors import MalformedDocumentError
from ledger.core.qr import compute_code, encode_digits, encode_short_url

ARTEFACTS = ROOT / "test-artifacts" / "scanner"
READY = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
NO_CAMERA = """() => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); };
}"""
BAD_DAY = Conditions(pixels_per_module=6.0, tilt=25.0, noise=8.0)


@pytest.fixture(scope="module")
def served():
    with ApiWorld() as world:
        world.found()
        yield world


@pytest.fixture(scope="module")
def issued(served):
    """A document in the log: its statement, as signed."""
    signed = served.sign(1)
    served.submit(signed)
    served.anchor()
    return signed


@pytest.fixture(scope="module")
def code(issued):
    return compute_code(issued.raw)


@pytest.fixture(scope="module")
def url(served, code):
    with serving(served.app) as address:
        yield address


def print_code(text, rng, conditions=BAD_DAY):
    """Return what a camera sees of a printed code."""
    style = PrintStyle(level=Level.M)
    return photograph(
        render_png(text, style, writer=write_bulk), write_bulk(text, Level.M).side, conditions, rng
    )


@pytest.fixture(scope="module")
def film(code, tmp_path_factory):
    """A wall, then the sticker: tilted, blurred, noisy."""
    rng = np.random.default_rng(20_261_123)
    photos = [print_code(encode_short_url(code, HOST), rng) for _ in range(6)]
    return write_film(tmp_path_factory.mktemp("film") / "camera.y4m", photos)


@pytest.fixture(scope="module")
def browser(film):
    with chromium(*READY, f"--use-file-for-fake-video-capture={film}") as opened:
        yield opened


@pytest.fixture(autouse=True)
def needs_vendor():
    if not (ROOT / "api/web/static/vendor/zxing_reader.js").exists():
        pytest.skip("no zxing-wasm: npm ci, then scripts/vendor")


def open_scanner(browser, url, language="zh", width=360, **options):
    return Visit(browser, f"{url}/scan", language, width, **options)


def test_the_camera_reads_a_printed_sticker(browser, url, code):
    with open_scanner(browser, url, permissions=["camera"]) as visit:
        visit.page.click("#start")
        visit.page.wait_for_url(f"**/c/{code}", timeout=30_000)
        assert "检定有效" in visit.page.title()
        assert visit.foreign == []
        assert visit.errors == []


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible_and_fits(browser, url, language, width):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with open_scanner(browser, url, language, width) as visit:
        visit.page.locator("#start").wait_for()
        visit.page.screenshot(path=ARTEFACTS / f"scan-{language}-{width}.png", full_page=True)
        assert find_violations(visit.page) in (None, [])
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_camera_the_page_says_what_else_to_do(browser, url):
    with open_scanner(browser, url) as visit:
        visit.page.evaluate(NO_CAMERA)
        visit.page.click("#start")
        visit.page.get_by_text("无法使用摄像头").wait_for()
        assert visit.page.locator("#file").is_visible()


def hand_in_photo(visit, code, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(print_code(encode_short_url(code, HOST), np.random.default_rng(7)))
    visit.page.set_input_files("#file", photo)
    visit.page.click("#upload button")


def test_a_picture_is_read_on_the_device(browser, url, code, tmp_path):
    with open_scanner(browser, url) as visit:
        hand_in_photo(visit, code, tmp_path)
        visit.page.wait_for_url(f"**/c/{code}", timeout=30_000)
        assert not [one for one in visit.requests if one.endswith("/scan")][1:]


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_of_a_file_does_not_scroll_sideways(
    browser, url, served, code, tmp_path, language, width
):
    proof = tmp_path / "proof.json"
    proof.write_bytes(served.client.get(f"/c/{code}/bundle.json").content)
    with open_scanner(browser, url, language, width) as visit:
        visit.page.set_input_files("#file", proof)
        visit.page.click("#upload button")
        visit.page.locator("#outcome .note").first.wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert find_violations(visit.page) in (None, [])


def test_a_dropped_proof_is_checked(browser, url, served, code):
    raw = served.client.get(f"/c/{code}/bundle.json").text
    drop = """(text) => {
      const list = new DataTransfer();
      list.items.add(new File([text], "proof.json", { type: "application/json" }));
      dispatchEvent(new DragEvent("drop", { dataTransfer: list, cancelable: true }));
    }"""
    with open_scanner(browser, url) as visit:
        visit.page.locator("#start").wait_for()
        visit.page.evaluate(drop, raw)
        visit.page.get_by_text("文件完整，与签发时一致").wait_for()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_typed_code_leads_to_its_page(browser, url, code, script):
    with open_scanner(browser, url, java_script_enabled=script) as visit:
        visit.page.fill("#code", code.lower())
        visit.page.click("#typing button")
        visit.page.wait_for_url(f"**/c/{code}")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_imitation_is_not_followed(browser, url, script):
    with open_scanner(browser, url, java_script_enabled=script) as visit:
        visit.page.fill("#code", "https://v.example.cn.check.top/c/Y0E5Q0BVPKA486WB")
        visit.page.click("#typing button")
        visit.page.locator("h2", has_text="当心：该二维码冒充本站").wait_for()
        assert visit.page.locator("b", has_text="v.example.cn.check.top").count() == 1
        assert visit.foreign == []
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(
            path=ARTEFACTS / f"imitation-{'script' if script else 'plain'}.png", full_page=True
        )


def test_another_code_in_front_of_the_camera_is_not_followed(browser, url, tmp_path):
    film = write_film(tmp_path / "wall.y4m", [print_code("https://pay.test.org/1", np.random.default_rng(3))])
    with (
        another(browser, *READY, f"--use-file-for-fake-video-capture={film}") as opened,
        open_scanner(opened, url, permissions=["camera"]) as visit,
    ):
        visit.page.click("#start")
        visit.page.locator("h2", has_text="该二维码指向其他网站").wait_for(timeout=30_000)


def judge(text):
    """Return what the server says of a text, in the words of the script."""
    try:
        found = read_scanned(text, HOSTS)
    except MalformedDocumentError:
        return {"kind": "nothing"}
    if isinstance(found, Own):
        return {"kind": "own", "path": found.path}
    if isinstance(found, Typed):
        return {"kind": "typed", "code": found.code}
    return {"kind": "foreign", "site": found.site, "isLookAlike": found.is_look_alike}


def test_the_script_takes_codes_for_what_the_server_takes_them_for(browser, url):
    texts = [*OWN, *BARE, *ALIKE.values(), *ELSEWHERE, *TYPED, *MISTYPED, "", "hello", "12315", "x" * 3000]
    ask = """async ([texts, hosts]) => {
      const { readScanned } = await import("/static/scan/printed.js");
      return texts.map((text) => readScanned(text, hosts));
    }"""
    with open_scanner(browser, url) as visit:
        found = visit.page.evaluate(ask, [texts, list(HOSTS)])
    under = {text: one.pop("under") for text, one in zip(texts, found, strict=True) if "under" in one}
    assert dict(zip(texts, found, strict=True)) == {text: judge(text) for text in texts}
    expected = {text: re.search("/([cs])/", fold_typed(text).lower()) for text in TYPED}
    assert under == {text: match[1] for text, match in expected.items() if match}, (
        "beside what the server says"
    )


BLANK = """async () => {
  const { findReader } = await import("/static/scan/reader.js");
  const late = new Promise((resolve) => setTimeout(resolve, 10000, "never settled"));
  const read = findReader().then((reader) => reader(new ImageData(40, 40)));
  return Promise.race([late, read.then((texts) => texts, (error) => error.constructor.name)]);
}"""


def test_a_reader_that_was_not_loaded_once_is_loaded_at_the_next_use(browser, url):
    with open_scanner(browser, url, service_workers="block") as visit:
        visit.page.route("**/zxing_worker.js", lambda route: route.abort())
        for _ in range(2):
            assert visit.page.evaluate(BLANK) == "ReaderFailed"
        visit.page.unroute("**/zxing_worker.js")
        assert visit.page.evaluate(BLANK) == []


def test_a_picture_goes_to_the_server_where_the_reader_is_not_loaded(browser, url, code, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(print_code(encode_short_url(code, HOST), np.random.default_rng(7)))
    with open_scanner(browser, url, service_workers="block") as visit:
        visit.page.route("**/zxing_worker.js", lambda route: route.abort())
        assert visit.page.evaluate(BLANK) == "ReaderFailed"
        visit.page.set_input_files("#file", photo)
        visit.page.click("#upload button")
        visit.page.wait_for_url(f"**/c/{code}", timeout=30_000)
        assert [one for one in visit.requests if one.endswith("/scan")][1:], "the form was sent"


HOLD = """() => {
  window.streams = [];
  navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => {
    window.allow = () => {
      const canvas = document.createElement("canvas");
      canvas.getContext("2d").fillRect(0, 0, 9, 9);
      streams.push(canvas.captureStream(5));
      resolve(streams.at(-1));
    };
  });
}"""
STATES = "streams.map((each) => each.getTracks().map((track) => track.readyState).join())"


def test_a_camera_that_is_closed_while_leave_is_asked_for_stays_closed(browser, url):
    with open_scanner(browser, url) as visit:
        visit.page.evaluate(HOLD)
        visit.page.click("#start")
        visit.page.click("#stop")
        assert visit.page.locator("#start").is_visible()
        visit.page.evaluate("allow()")
        visit.page.wait_for_timeout(300)
        assert visit.page.evaluate(STATES) == ["ended"]
        assert not visit.page.locator("#view").is_visible()
        visit.page.click("#start")
        visit.page.evaluate("allow()")
        visit.page.wait_for_function("() => document.getElementById('video').srcObject !== null")
        visit.page.click("#stop")
        visit.page.wait_for_function(f"() => {STATES}.join() === 'ended,ended'")
        assert visit.page.locator("#start").is_visible()
        assert visit.errors == []


# --- flight mode --------------------------------------------------------------------------------------------


def take_along(visit):
    """Wait until the device has kept what it needs without network."""
    visit.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = "caches.open('hengzheng-kept').then(async (c) => (await c.keys()).length)"
    visit.page.wait_for_function(f"() => {kept}.then((n) => n >= 3)")


def test_in_flight_mode_the_camera_still_reads_and_the_device_says_who_signed(browser, url, issued, tmp_path):
    path = long_path(issued)
    photos = [
        print_code(
            f"https://{HOST}{path}", np.random.default_rng(5), Conditions(pixels_per_module=7.0, tilt=10.0)
        )
    ]
    film = write_film(tmp_path / "long.y4m", photos)
    with (
        another(browser, *READY, f"--use-file-for-fake-video-capture={film}") as opened,
        open_scanner(opened, url, permissions=["camera"]) as visit,
    ):
        take_along(visit)
        visit.context.set_offline(True)
        visit.page.reload()
        visit.page.click("#start")
        visit.page.get_by_text("签名有效，状态未查").wait_for(timeout=30_000)
        text = visit.page.inner_text("body")
        assert "福州市计量所" in text
        assert "信任列表截至" in text
        assert "检定有效" not in text
        assert re.search(r"/q/1\d+$", visit.page.url)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=ARTEFACTS / "flight-mode.png", full_page=True)


def test_in_flight_mode_a_short_code_is_not_judged(browser, url, code):
    with open_scanner(browser, url) as visit:
        take_along(visit)
        visit.context.set_offline(True)
        visit.page.goto(f"{url}/c/{code}")
        visit.page.get_by_text("暂时无法核验").first.wait_for()
        assert "检定有效" not in visit.page.inner_text("body")


def test_in_flight_mode_a_forged_code_is_called_so(browser, url, issued):
    raw = bytearray(issued.raw)
    raw[-1] ^= 1
    with open_scanner(browser, url) as visit:
        take_along(visit)
        visit.context.set_offline(True)
        visit.page.goto(f"{url}/q/{encode_digits(bytes(raw))}")
        visit.page.get_by_text("内容与登记不符").wait_for()


def fly_to(visit, url, signed, now=None):
    """Go to the long code of a statement without network; return what the device says of it."""
    take_along(visit)
    visit.context.set_offline(True)
    if now is not None:
        visit.context.clock.set_fixed_time(now)
    visit.page.goto(f"{url}{long_path(signed)}")
    visit.page.locator("#outcome h2").wait_for()
    return visit.page.inner_text("#outcome").splitlines()


@pytest.fixture(scope="module")
def behind(served, code):
    """The same site behind a proxy that has put it under a path; what leaves that path leads nowhere."""

    async def strip(scope, receive, send):
        path = scope["path"]
        if not path.startswith("/meter/"):
            await PlainTextResponse("outside", 404)(scope, receive, send)
            return
        raw = scope["raw_path"].removeprefix(b"/meter")
        await served.app({**scope, "path": path.removeprefix("/meter"), "raw_path": raw}, receive, send)

    with serving(strip) as address:
        yield f"{address}/meter"


def test_behind_a_path_the_scanner_works_with_network(browser, behind, code):
    with open_scanner(browser, behind, "en", service_workers="block") as visit:
        visit.page.click("header a")
        visit.page.wait_for_url(f"{behind}/scan?lang=zh")
        visit.page.fill("#code", code)
        visit.page.click("#typing button")
        visit.page.wait_for_url(f"{behind}/c/{code}?lang=zh")
        assert all(each.startswith(f"{behind}/") for each in visit.requests)


def test_behind_a_path_the_script_follows_what_it_reads(browser, behind, code, tmp_path):
    with open_scanner(browser, behind) as visit:
        hand_in_photo(visit, code, tmp_path)
        visit.page.wait_for_url(f"{behind}/c/{code}", timeout=30_000)


def test_behind_a_path_the_scanner_stands_in_in_flight_mode(browser, behind, code, issued):
    with open_scanner(browser, behind) as visit:
        take_along(visit)
        manifest = visit.page.get_attribute("link[rel=manifest]", "href")
        address = urljoin(f"{behind}/scan", manifest)
        members = visit.page.evaluate("(at) => fetch(at).then((answer) => answer.json())", address)
        assert [urljoin(address, members[name]) for name in ("start_url", "scope")] == [
            f"{behind}/scan",
            f"{behind}/",
        ]
        visit.page.wait_for_function("() => navigator.serviceWorker.controller")
        visit.page.goto(f"{behind}/c/{code}")
        visit.settle()
        visit.page.wait_for_function("() => caches.has('hengzheng-seen')")
        visit.page.get_by_text("此证明已保存在本机").wait_for()
        visit.context.set_offline(True)
        visit.go(f"{behind}/c/{code}")
        visit.page.get_by_text("本机已用保存的证明离线重新核验").wait_for()
        assert visit.page.locator("footer").evaluate("(e) => getComputedStyle(e).maxWidth") == "640px"
        visit.go(f"{behind}{long_path(issued)}")
        visit.page.locator("#outcome h2").wait_for()
        visit.page.click("header a")
        visit.page.wait_for_url(f"{behind}/scan?lang=en")
        assert visit.errors == []
        assert all(each.startswith(f"{behind}/") for each in visit.requests)


def find_style(visit):
    return visit.page.get_attribute("#outcome section", "class").split()[-1]


@pytest.mark.parametrize(
    ("language", "title", "words", "others"),
    [
        ("zh", "检定不合格", "以上为该通知书签发时的内容；此后状态未查。", "证书"),
        (
            "en",
            "Failed verification",
            "This is the notice as signed; the state since has not been looked up.",
            "certificate",
        ),
    ],
)
def test_in_flight_mode_a_rejection_notice_says_that_the_instrument_failed(
    browser, url, served, language, title, words, others
):
    with open_scanner(browser, url, language) as visit:
        said = [line for line in fly_to(visit, url, served.sign_rejection(2)) if line]
        assert said[0] == title
        assert words in said
        assert find_style(visit) == "failed"
        assert len(set(said)) == len(said), "nothing is said twice"
        assert others not in " ".join(said)


def test_in_flight_mode_nothing_is_said_twice_of_a_certificate(browser, url, issued):
    with open_scanner(browser, url) as visit:
        text = " ".join(fly_to(visit, url, issued, datetime(2026, 11, 3, tzinfo=UTC)))
        assert text.count("签名有效，状态未查") == 1
        assert find_style(visit) == "unchecked"


@pytest.mark.parametrize(("language", "title"), [("zh", "已过有效期"), ("en", "Expired")])
def test_in_flight_mode_a_certificate_that_has_run_out_is_called_so(browser, url, issued, language, title):
    with open_scanner(browser, url, language) as visit:
        said = fly_to(visit, url, issued, datetime(2028, 1, 1, tzinfo=UTC))
        assert (said[0], find_style(visit)) == (title, "expired")
        assert not {"签名有效，状态未查", "Signature holds, state not checked"} & set(said)


def test_in_flight_mode_a_calibration_that_does_not_conform_is_called_so(browser, url, served):
    values = make_values(make_value("0.40", measured="20.08", mpe="0.30"))
    failed = {"results": values, "decision_rule": SIMPLE, "conclusion": "fail"}
    record = to_calibration(served.world.record(3), no="XZ-3", **failed)
    with open_scanner(browser, url) as visit:
        said = fly_to(visit, url, served.world.issue(3, record=record))
        assert (said[0], find_style(visit)) == ("结论：不符合", "failed")
        assert "校准结果，不是检定。" in said
