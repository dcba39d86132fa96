"""Copied stickers, with real servers: two people far apart, a note, a hint, a person, amber; looked at.

Screenshots lie in `test-artifacts/copies`, for people to look at.
"""

import json
import re
import sqlite3
from contextlib import closing

import httpx2
import pytest
from browsers import ARTEFACTS, find_violations
from line import run
from office_browser import Office, log_in, open_context
from reports_line import set_up
from served_home import serve, wait_until

from ledger.core.sticker import compute_sticker_id, parse_roll_content

FOLDER = ARTEFACTS.parent / "copies"
WIDTHS = (360, 1280)
SECONDS = 30.0
"""Within which a note is at the desk, and a decision on the page: the site looks every 5, the office every 3."""
FUZHOU = {"latitude": 26.0745, "longitude": 119.2965, "accuracy": 900}
BEIJING = {"latitude": 39.9042, "longitude": 116.4074, "accuracy": 1200}
CONSUMERS = {"one": ("198.51.100.1", FUZHOU), "other": ("203.0.113.9", BEIJING)}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A public site that watches scans, with stickers on two pumps, and the office of the authority in charge."""
    line = set_up(tmp_path_factory.mktemp("copies"))
    line.issue(line.pump(2), anchor=False, out=False)
    own = ("--institution", line.institution)
    line.run("stickers", "allot", 5, "--out", line.out / "roll.json", *own)
    roll = parse_roll_content((line.out / "roll.json").read_bytes())
    stickers = [compute_sticker_id(roll, number) for number in range(4)]
    numbers = sorted(one["number"] for one in list_documents(line))
    for sticker, number in zip(stickers, numbers, strict=False):
        line.run("stickers", "bind", sticker, "--number", number, *own)
    codes = {}
    for name, role in {"zheng": "authority", "shen": "auditor"}.items():
        words = ("--display", f"{name}示例", "--role", role)
        answer = run("office", "account", "add", name, *words, "--home", line.authority_home, "--json")
        codes[name] = answer.members["code"], answer.members["institution"]
    with (
        serve(line.home, "all", "--anchor-seconds", 0, "--proxy", "127.0.0.1") as site,
        serve(line.authority_home, "office", "--ledger", site.url) as server,
    ):
        served = Office(server.url.replace("127.0.0.1", "localhost"))
        served.line = line
        served.site = site.url.replace("127.0.0.1", "localhost")
        served.copied, served.spare, served.unused, served.withheld = stickers
        served.recovery = {name: served.enrol(name, *code) for name, code in codes.items()}
        yield served


def list_documents(line):
    rows = run("query", "--home", line.home, "--event", "ISSUE", "--format", "jsonl").out
    return [json.loads(row) for row in rows.splitlines()]


def look(page, title, language, faults=()):
    """Keep what a page looks like at both widths; nothing is wrong with it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=FOLDER / f"{title}-{language}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (title, width)
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, title
    assert page.locator("h1").count() == 1
    assert not find_violations(page), (title, find_violations(page))
    assert not list(faults), title


def open_page(browser, language="zh-CN", who="one", **options):
    address, place = CONSUMERS[who]
    options = {"permissions": ["geolocation"], "geolocation": place} | options
    context = open_context(
        browser, language, bypass_csp=True, extra_http_headers={"X-Forwarded-For": address}, **options
    )
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return page, faults


def press(page):
    """Press the button, and wait for what is said."""
    page.click("#place button")
    page.wait_for_selector("#place[data-state]")
    return page.inner_text("#place .said")


def read(page, world, path, language=""):
    page.goto(f"{world.site}{path}{language}")
    return page.inner_text("main")


def read_headline(page, world, path):
    read(page, world, path)
    return page.inner_text("h1")


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_page_asks_before_it_looks_where_it_is(world, browser, language):
    page, faults = open_page(browser, language, permissions=[])
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.url)))
    page.goto(f"{world.site}/s/{world.spare}")
    look(page, "asks", language[:2], faults)
    assert all(method == "GET" for method, _ in sent)
    said = press(page)
    assert said in {"未取得位置，未发送任何内容。", "Your device gave no place; nothing was sent."}
    assert not page.is_disabled("#place button"), "whoever changes their mind may"
    look(page, "denied", language[:2], faults)
    assert all(method == "GET" for method, _ in sent), "nothing is sent where nothing is known"
    page.context.close()


def test_without_script_nothing_is_asked(world, browser):
    page, _ = open_page(browser, java_script_enabled=False)
    page.goto(f"{world.site}/s/{world.spare}")
    assert page.locator("#place").count() == 1
    assert not page.is_visible("#place")
    assert page.inner_text("h1") == "有效，待存证"
    page.context.close()


def test_a_place_that_is_too_rough_is_not_sent(world, browser):
    page, _ = open_page(browser, geolocation=FUZHOU | {"accuracy": 50_000})
    page.goto(f"{world.site}/s/{world.spare}")
    assert press(page) == "定位不够准确，未发送任何内容。"
    page.context.close()


def test_two_far_scans_a_note_a_hint_a_person_and_amber(world, browser):
    """The whole way, and back: the remedy is a new sticker."""
    path, bodies = f"/s/{world.copied}", []
    for who in CONSUMERS:
        page, faults = open_page(browser, who=who)
        page.on("request", lambda request: bodies.append(request.post_data))
        page.goto(f"{world.site}{path}")
        assert press(page) == "谢谢，已记录大致位置。"
        assert page.is_disabled("#place button")
        look(page, "told", "zh", faults)
        page.context.close()
    cells = [re.search(r"cell=([^&]+)", body)[1] for body in bodies if body]
    assert cells == ["260%2C1192", "399%2C1164"], "what leaves the device is a cell"

    reader, faults = open_page(browser)
    hint = "近期在相距较远的地点都扫到过此贴纸，请仔细核对铭牌和铅封。"
    wait_until(lambda: hint in read(reader, world, path) or None, SECONDS)
    assert reader.inner_text("h1") == "有效，待存证", "a hint changes no verdict"
    assert "pending" in reader.locator(".verdict").get_attribute("class")
    look(reader, "hint", "zh", faults)
    read(reader, world, path, "?lang=en")
    look(reader, "hint", "en", faults)

    decide(world, browser, "confirmed", "现场核实：两处均有此贴纸。", "zh-CN")
    wait_until(lambda: read_headline(reader, world, path) == "可能被复制" or None, SECONDS)
    assert "此码对应的检定记录：有效，待存证。" in reader.inner_text(".verdict")
    look(reader, "copied", "zh", faults)
    read(reader, world, path, "?lang=en")
    assert reader.inner_text("h1") == "Possibly copied"
    look(reader, "copied", "en", faults)
    answer = httpx2.get(f"{world.site}{path}", headers={"Accept": "application/json"}).json()
    assert (answer["shown"], answer["copies"]) == ("PENDING", "confirmed")

    decide(world, browser, "lifted", "仿冒贴纸已清除。", "en-GB")
    wait_until(lambda: read_headline(reader, world, path) == "有效，待存证" or None, SECONDS)
    assert hint not in reader.inner_text("main")
    reader.context.close()


def decide(world, browser, step, reason, language):
    """Decide about the only note, as somebody of the authority; the pages are looked at on the way."""
    page, faults = open_page(browser, language)
    log_in(page, world, "zheng")
    wait_until(
        lambda: (page.goto(f"{world.url}/copies") and page.locator("tbody a").count()) or None, SECONDS
    )
    look(page, f"notes-{step}", language[:2], faults)
    page.locator("tbody a").first.click()
    assert page.locator("tbody tr").count() >= 2
    look(page, f"note-{step}", language[:2], faults)
    page.select_option("#f-step", step)
    page.fill("#f-reason", reason)
    page.click("form[action$='/step'] button")
    page.wait_for_load_state()
    assert reason in page.inner_text("main")
    look(page, f"decided-{step}", language[:2], faults)
    page.context.close()


def test_a_sticker_away_from_where_it_belongs(world, browser):
    """The desk enters a place by degrees; the next scan far from it is hinted at, and no more."""
    page, faults = open_page(browser)
    log_in(page, world, "zheng")
    page.goto(f"{world.url}/copies")
    page.fill("#f-sticker", world.spare)
    page.fill("#f-latitude", "95")
    page.fill("#f-longitude", "119.30")
    page.click("form[action='/copies/areas'] button")
    assert "纬度" in page.inner_text("[role=alert]")
    look(page, "area-refused", "zh", [one for one in faults if "422" not in one])
    page.fill("#f-latitude", "26.07")
    page.click("form[action='/copies/areas'] button")
    assert "26.0–26.1° N, 119.2–119.3° E" in page.inner_text("main") or "119.3–119.4° E" in page.inner_text(
        "main"
    )
    page.context.close()
    page, _ = open_page(browser, who="other")
    page.goto(f"{world.site}/s/{world.spare}")
    assert press(page) == "谢谢，已记录大致位置。"
    hint = "近期在远离器具使用地的地方扫到过此贴纸，请仔细核对铭牌和铅封。"
    wait_until(lambda: hint in read(page, world, f"/s/{world.spare}") or None, SECONDS)
    page.context.close()


def test_an_auditor_sees_and_decides_nothing(world, browser):
    page, faults = open_page(browser)
    log_in(page, world, "shen")
    page.goto(f"{world.url}/copies?all=yes")
    assert page.locator("form[action='/copies/areas']").count() == 0
    page.locator("tbody a").first.click()
    assert page.locator("form[action$='/step']").count() == 0
    look(page, "auditor", "zh", faults)
    page.context.close()


def test_counts_are_read_by_whoever_keeps_the_site(world):
    home = world.line.home
    found = run("scans", "--home", home, "--json").members
    rows = {row["code"]: row for row in found["codes"]}
    assert rows[world.copied]["scans"] >= 4
    assert rows[world.copied]["callers"] >= 2


def test_nothing_that_names_anybody_is_stored(world):
    """No address, no user agent, no exact place is anywhere in the two databases."""
    for path in (world.line.home / "reports.db", world.line.authority_home / "desk.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            tables = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            for table in tables:
                for row in connection.execute(f"SELECT * FROM {table}"):
                    text = " ".join(map(str, row))
                    for word in ("198.51.100", "203.0.113", "Mozilla", "26.07", "119.29", "39.90", "116.40"):
                        assert word not in text, (path.name, table)
