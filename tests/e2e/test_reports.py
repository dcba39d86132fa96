"""Reports of consumers, with real servers: sent without script, logged within seconds, handled, closed; looked at.

Screenshots lie in `test-artifacts/reports`, for people to look at.
"""

import re
import signal
import time

import httpx2
import pytest
from browsers import ARTEFACTS, find_violations
from line import run
from office_browser import Office, log_in, open_context
from reports_line import set_up
from reports_world import make_photo
from served_home import serve, wait_until

from ledger.core.act_content import parse_act_content
from ledger.core.entry import parse_leaf
from ledger.core.event import EventType
from ledger.core.note import NoteVerifier
from ledger.core.qr import compute_code
from ledger.core.statement import parse_signed_statement
from ledger.core.tlog_proof import parse_tlog_proof, verify_tlog_proof
from ledger.home import find_passphrase

FOLDER = ARTEFACTS.parent / "reports"
WIDTHS = (360, 1280)
SECONDS = 15.0
"""Within which a report is in the ledger; the office looks every two."""


def list_signed(line, event):
    """Return the statements of one type, in their order."""
    found = (parse_leaf(leaf).statement_raw for leaf in line.statements())
    return [raw for raw in found if parse_signed_statement(raw).statement.type is event]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A ledger with its public pages, and an authority's office that takes reports, each a process."""
    line = set_up(tmp_path_factory.mktemp("reports"))
    home = line.authority_home
    codes = {}
    for name, role in {"zheng": "authority", "shen": "auditor"}.items():
        words = ("--display", f"{name}示例", "--role", role)
        answer = run("office", "account", "add", name, *words, "--home", home, "--json")
        codes[name] = answer.members["code"], answer.members["institution"]
    with (
        serve(line.home, "all", "--anchor-seconds", 0) as site,
        serve(home, "office", "--ledger", site.url) as server,
    ):
        served = Office(server.url.replace("127.0.0.1", "localhost"))
        served.line, served.home = line, home
        served.site = site.url.replace("127.0.0.1", "localhost")
        served.code = str(compute_code(list_signed(line, EventType.ISSUE)[0]))
        served.passphrase = find_passphrase(line.opened).raw.decode().strip()
        served.recovery = {name: served.enrol(name, *code) for name, code in codes.items()}
        yield served


def look(page, title, language, faults=()):
    """Keep what a page looks like at both widths; nothing is wrong with it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=FOLDER / f"{title}-{language}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{title} is {wide} px wide in a window of {width}"
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("h1").count() == 1
    assert not find_violations(page), (title, find_violations(page))
    assert not [fault for fault in faults if not any(code in fault for code in ("422", "404", "429"))], title


def open_page(browser, language, **options):
    page = open_context(browser, language, bypass_csp=True, **options).new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return page, faults


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_page_looks_as_it_should(world, browser, tmp_path, language):
    page, faults = open_page(browser, language)
    short = language[:2]
    page.goto(f"{world.site}/c/{world.code}")
    assert page.locator("a[href^='../report?']").count() == 3
    page.locator("a[href^='../report?']").first.click()
    look(page, "choice", short, faults)
    page.locator("a.choice").first.click()
    look(page, "tip", short, faults)
    page.goto(f"{world.site}/report?route=complaint")
    look(page, "complaint", short, faults)
    page.fill("[name=text]", "<script>document.title='ran'</script>")
    page.click("button")
    assert page.locator("[role=alert] li").count() >= 4
    assert page.title() != "ran"
    look(page, "faults", short, faults)
    page.locator("[name=about]").nth(2).check()
    page.fill("[name=name]", "投诉人甲")
    page.fill("[name=phone]", "138 0000 0000")
    page.fill("[name=asked]", "退还差价")
    page.fill("[name=place]", "某某市场12号摊")
    page.select_option("[name=kind]", "SCALE")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(make_photo())
    page.set_input_files("[name=photo]", photo)
    page.click("button")
    page.wait_for_url(re.compile(r"/reports/[0-9A-Z]{18}\?new=1"))
    look(page, "case-new", short, faults)
    code = page.url.partition("/reports/")[2][:18]
    wait_for_leaf(world, code)
    page.goto(f"{world.site}/reports/{code}")
    look(page, "case-logged", short, faults)
    page.goto(f"{world.site}/reports?case=0000")
    look(page, "problem", short, faults)
    page.context.close()
    look_at_desk(world, browser, language)


def look_at_desk(world, browser, language):
    page, faults = open_page(browser, language)
    short = language[:2]
    log_in(page, world, "zheng")
    page.goto(f"{world.url}/reports")
    look(page, "queue", short, faults)
    page.locator("tbody a").last.click()
    look(page, "sealed", short, faults)
    page.fill("#f-passphrase", world.passphrase)
    page.click("form[action$='/open'] button")
    assert page.locator("img.photo").count() == 1
    assert page.locator("img.photo").evaluate("image => image.naturalWidth") == 640
    assert "<script>document" in page.inner_text("main"), "shown as it was written"
    look(page, "opened", short, faults)
    page.select_option("#f-step", "not_accepted")
    page.click("form[action$='/step'] button")
    page.wait_for_selector("[role=alert]")
    look(page, "step-refused", short, faults)
    page.context.close()


def wait_for_leaf(world, code):
    """Return the page of a case once the ledger has it, and how long that took."""
    begin = time.monotonic()

    def find():
        text = httpx2.get(f"{world.site}/reports/{code}", headers={"Accept-Language": "en"}).text
        return text if "/proof" in text else None

    return wait_until(find, SECONDS), time.monotonic() - begin


def test_a_day_of_a_report_without_script(world, browser):
    """Somebody scans a pump and reports it; the authority opens and closes it; the outcome is public."""
    page, faults = open_page(browser, "zh-CN", java_script_enabled=False)
    page.goto(f"{world.site}/c/{world.code}")
    page.click("text=铅封损坏")
    page.locator("a.choice").first.click()
    assert page.input_value("[name=code]") == world.code
    page.fill("[name=text]", "主板铅封已断开")
    page.click("button")
    assert "请记下案件码" in page.inner_text("main")
    code = page.url.partition("/reports/")[2][:18]
    text, seconds = wait_for_leaf(world, code)
    assert seconds < SECONDS
    check_proof(world, text)

    desk, desk_faults = open_page(browser, "zh-CN", java_script_enabled=False)
    log_in(desk, world, "zheng")
    desk.goto(f"{world.url}/reports?all=yes")
    desk.locator("tbody a").first.click()
    assert "主板铅封已断开" not in desk.inner_text("main")
    desk.fill("#f-passphrase", world.passphrase)
    desk.click("form[action$='/open'] button")
    assert "主板铅封已断开" in desk.inner_text("main")
    for step, sentence in (("accepted", ""), ("closed", "已责令停用并送检。")):
        desk.select_option("#f-step", step)
        desk.fill("#f-sentence", sentence)
        desk.click("form[action$='/step'] button")
    wait_until(lambda: "已责令停用并送检。" in _read(page, code, world) or None, SECONDS)
    shown = _read(page, code, world)
    assert "已办结" in shown
    assert "主板铅封" not in shown
    assert not faults
    assert not desk_faults
    page.context.close()
    desk.context.close()


def _read(page, code, world):
    page.goto(f"{world.site}/reports/{code}")
    return page.inner_text("main")


def check_proof(world, text):
    """Check the proof that a case page offers: the leaf is in the log, and holds the digest on the page."""
    index = int(re.search(r"/entries/([0-9]+)/proof", text)[1])
    digest = re.search(r"<code>([0-9a-f]{64})</code>", text)[1]
    proof = parse_tlog_proof(httpx2.get(f"{world.site}/entries/{index}/proof").content)
    leaf = world.line.leaves()[index]
    opened = world.line.opened
    verify_tlog_proof(proof, leaf, NoteVerifier(opened.origin, opened.keystore.label("log").public_key))
    statement = parse_signed_statement(parse_leaf(leaf).statement_raw).statement
    assert statement.type is EventType.REPORT_TAKEN
    content = parse_act_content(statement.type, statement.claims.content)
    assert digest in {one.hex() for one in content.digests}


def send_tip(url, text):
    """Report something as a browser does; return the case code that was shown."""
    page = httpx2.get(f"{url}/report?route=tip").text
    case = re.search(r'name="case" value="(\w+)"', page)[1]
    form = {"route": "tip", "about": "SHORT_WEIGHT", "kind": "SCALE", "place": "12号摊", "text": text}
    sent = httpx2.post(f"{url}/report", data={**form, "case": case})
    assert sent.status_code == 303
    return case


def test_nothing_is_lost_when_servers_are_killed(tmp_path):
    """The site is killed once it has shown a case code, the office while it fetches; all is logged, each once."""
    line = set_up(tmp_path)
    home, options = line.authority_home, ("--anchor-seconds", 0)
    with serve(line.home, "all", *options) as site:
        codes = [send_tip(site.url, "第一次")]
        site.stop(signal.SIGKILL)
    with serve(line.home, "all", *options) as site:
        with serve(home, "office", "--ledger", site.url) as office:
            codes.append(send_tip(site.url, "第二次"))
            office.stop(signal.SIGKILL)
        with serve(home, "office", "--ledger", site.url):
            for code in codes:
                wait_until(lambda code=code: _is_logged(site, code) or None)
        words = ("--ledger", site.url, "--home", home, "--state", tmp_path / "state", "--once", "--json")
        watched = run("watch", *words).members
        assert (watched["waiting"], watched["alarms"], watched["news"]) == (0, [], [])
        assert watched["own"] >= 1, "the authority's watch knows what its office has signed"
    taken = [
        parse_act_content(EventType.REPORT_TAKEN, parse_signed_statement(raw).statement.claims.content)
        for raw in list_signed(line, EventType.REPORT_TAKEN)
    ]
    assert sum(len(content.digests) for content in taken) == len(codes), "each is logged once"
    assert line.run("doctor"), "the ledger is in order"


def _is_logged(site, code):
    return "/proof" in httpx2.get(f"{site.url}/reports/{code}").text
