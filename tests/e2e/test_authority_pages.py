"""An authority's desk in a real browser, its home apart from the ledger and from every institution.

Screenshots lie in `test-artifacts/office`, for people to look at.
"""

import json
import re
import shutil
import sqlite3
from contextlib import closing

import pytest
from browsers import ARTEFACTS, find_violations
from line import DAY, INSTITUTION, run
from office_browser import Office, log_in, open_context
from registered_line import RegisteredLine
from served_home import serve, wait_until

from ledger.home import find_passphrase

WIDTHS = (360, 1280)
STANDARD = f"standard/{INSTITUTION}/350100-17"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """An authority's office that talks to a ledger and to an auditor, each a process of its own."""
    line = RegisteredLine(tmp_path_factory.mktemp("authority"))
    line.init()
    line.set_up_authority()
    line.register()
    line.issue(line.pump(1), line.pump(2), line.pump(3), anchor=False, out=False)
    home = line.out / "authority-home"
    shutil.copytree(line.home, home)
    for name in ("institution.json", "ledger.db", "desk.db", "audit.db"):
        for path in home.glob(f"{name}*"):
            path.unlink()
    (home / "authority.json").write_text(json.dumps({"authority": "CN-35"}))
    codes = {}
    for name, role in {"zheng": "authority", "guan": "administrator", "shen": "auditor"}.items():
        words = ("--display", f"{name}示例", "--role", role)
        answer = run("office", "account", "add", name, *words, "--home", home, "--json")
        assert answer.code == 0, answer
        codes[name] = answer.members["code"], answer.members["institution"]
    with (
        serve(line.home, "ledger", "--anchor-seconds", 0) as ledger,
        serve(line.home, "auditor") as auditor,
        serve(home, "office", "--ledger", ledger.url, "--auditor", auditor.url) as server,
    ):
        served = Office(server.url.replace("127.0.0.1", "localhost"))
        served.line, served.home, served.ledger = line, home, ledger
        served.passphrase = find_passphrase(line.opened).raw.decode().strip()
        served.recovery = {name: served.enrol(name, *code) for name, code in codes.items()}
        yield served


def look(page, title, language, faults, status_faults=()):
    """Keep what a page looks like at both widths; nothing is wrong with it."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    faults[:] = [fault for fault in faults if not any(code in fault for code in status_faults)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=ARTEFACTS / f"authority-{title}-{language}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{title} is {wide} px wide in a window of {width}"
    assert page.locator("h1").count() == 1
    assert not find_violations(page), (title, find_violations(page))
    assert not faults, title


def open_page(browser, office, language, name="zheng", **options):
    page = open_context(browser, language, **options).new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    log_in(page, office, name)
    return page, faults


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_page_looks_as_it_should(office, browser, language):
    page, faults = open_page(browser, office, language)
    short = language[:2]
    look(page, "home", short, faults)
    page.goto(f"{office.url}/region")
    look(page, "region", short, faults)
    page.click("a:text-is('350100-17')")
    look(page, "thing", short, faults)
    page.select_option("#f-state", "suspended")
    page.fill("#f-from", DAY.isoformat())
    page.fill("#f-ground", "标准器失准")
    page.click("form[action$='/preview'] button")
    page.wait_for_selector("#f-passphrase")
    assert page.locator("dl.figures dd").first.inner_text() == "3"
    look(page, "plan", short, faults)
    page.fill("#f-passphrase", "a wrong passphrase of nobody")
    page.click("form[action$='/decide'] button")
    page.wait_for_selector("[role=alert]")
    look(page, "plan-refused", short, faults, ("422",))
    for kind in ("standard", "scope", "block"):
        page.goto(f"{office.url}/registering/{kind}")
        look(page, f"registering-{kind}", short, faults)
    page.goto(f"{office.url}/rulings?used={STANDARD}")
    look(page, "rulings", short, faults)
    fill_ruling(page, "CANCEL")
    page.click("form[action='/rulings'][method=post] button")
    page.wait_for_selector("#f-passphrase")
    look(page, "ruling-plan", short, faults)
    page.goto(f"{office.url}/decisions")
    look(page, "decisions", short, faults)
    page.context.close()


def fill_ruling(page, act):
    page.select_option("#f-act", act)
    page.select_option("#f-reason", "STANDARD_INVALID")
    page.fill("#f-from", DAY.isoformat())
    page.fill("[name='decision.number']", "闽市监检撤〔2026〕3号")
    page.fill("[name='decision.ground']", "《中华人民共和国计量法》第二十六条")
    page.fill("[name='decision.dated']", DAY.isoformat())
    page.fill("[name='decision.remedy']", "可在六十日内向福建省人民政府申请行政复议")
    page.fill("#f-ground", "标准器失准，涉及的证书予以处理")


def test_a_day_of_the_authority_without_script(office, browser):
    """A standard lapses: it is suspended, the documents that used it too, and the ledger says what it did."""
    page, faults = open_page(browser, office, "zh-CN", java_script_enabled=False)
    page.goto(f"{office.url}/region?q=350100-17")
    page.click("a:text-is('350100-17')")
    page.select_option("#f-state", "suspended")
    page.fill("#f-from", DAY.isoformat())
    page.fill("#f-ground", "标准器失准")
    page.click("form[action$='/preview'] button")
    page.fill("#f-passphrase", office.passphrase)
    page.click("form[action$='/decide'] button")
    page.wait_for_url(re.compile(r"/decisions/[0-9]+$"))
    assert "叶序号" in page.inner_text("table")
    assert "已暂停使用" not in page.inner_text("main")

    page.goto(f"{office.url}/rulings?used={STANDARD}&status=VALID")
    assert page.locator("input[name=document]:checked").count() == 3
    page.locator("input[name=document]").last.uncheck()
    fill_ruling(page, "SUSPEND")
    page.click("form[action='/rulings'][method=post] button")
    assert "2" in page.locator("dl.figures dd").nth(1).inner_text()
    page.fill("#f-passphrase", office.passphrase)
    page.click("form[action='/rulings/decide'] button")
    page.wait_for_url(re.compile(r"/decisions/[0-9]+$"))
    assert page.locator("span.tag.good").count() == 2
    assert not faults

    def find_suspended():
        page.goto(f"{office.url}/rulings?status=SUSPENDED")
        return page.locator("input[name=document]").count() or None

    found = wait_until(find_suspended)  # the catalogue follows the log at most once a second
    assert found == 2, page.inner_text("main")
    page.context.close()

    page, faults = open_page(browser, office, "en-GB")
    page.goto(f"{office.url}/decisions")
    look(page, "decisions-made", "en", faults)
    page.goto(f"{office.url}/decisions/2")
    look(page, "decision", "en", faults)
    page.context.close()


@pytest.mark.usefixtures("browser")
def test_watch_and_doctor_know_what_was_decided(office, tmp_path):
    """Runs after the day above, in the browser: three statements were logged from this desk."""
    words = ["watch", "--ledger", office.ledger.url, "--home", office.home, "--once", "--json"]
    found = run(*words, "--state", tmp_path / "state")
    assert (found.code, found.members["own"], found.members["alarms"]) == (0, 3, []), found
    damaged = tmp_path / "home"
    shutil.copytree(office.home, damaged)
    with closing(sqlite3.connect(damaged / "desk.db")) as connection:
        other = (
            "UPDATE desk_decisions SET statement = (SELECT statement FROM desk_decisions WHERE position = 2)"
        )
        connection.execute(f"{other} WHERE position = 1")
        connection.commit()
    words[words.index(office.home)] = damaged
    found = run(*words, "--state", tmp_path / "other")
    assert found.code == 1
    assert "holds something else than our statement" in found.members["alarms"][0]["sentence"]


def test_an_auditor_of_the_authority_reads(office, browser):
    page, faults = open_page(browser, office, "zh-CN", "shen")
    page.goto(f"{office.url}/rulings?institution={INSTITUTION}")
    assert page.locator("input[name=document]").count() == 0
    assert "JY" in page.inner_text("table")
    look(page, "rulings-auditor", "zh", faults)
    page.context.close()
