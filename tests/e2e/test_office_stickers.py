"""Instruments and stickers in a real browser: registered, a likely match answered, put on, taken off, printed.

Screenshots of every page lie in `test-artifacts/office`, for people to look at.
"""

import json
import re
from urllib.parse import urlsplit

import pytest
from browsers import ARTEFACTS, find_violations
from labels import read_texts
from line import HOST, run
from office_browser import log_in, open_context, open_office
from registered_line import MAKER, RegisteredLine

from ledger.core.qr import format_code

WIDTHS = (360, 1280)
PEOPLE = {
    "zhang": ("张示例", "p-0001", ["operator", "approver"]),
    "guan": ("管示例", "p-0001", ["administrator"]),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    line = RegisteredLine(tmp_path_factory.mktemp("stickers"))
    line.init()
    line.set_up_authority()
    line.register()
    line.issue(line.pump(1), line.pump(2), anchor=False, out=False)
    with open_office(line, PEOPLE) as office:
        yield office


class Desk:
    """A page of somebody logged in."""

    def __init__(self, browser, office, name, language="zh-CN", **options):
        self.office = office
        self.page = open_context(browser, language, **options).new_page()
        log_in(self.page, office, name)

    def go(self, path):
        self.page.goto(self.office.url + path)

    def send(self, action, **fields):
        """Fill a form in and send it; return the path of the page that follows."""
        form = self.page.locator(f"form[action='{action}']")
        for name, value in fields.items():
            field = form.locator(f"[name='{name}']")
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        with self.page.expect_navigation():
            form.locator("button").last.click()
        return urlsplit(self.page.url).path

    @property
    def text(self):
        return self.page.inner_text("main")


@pytest.fixture(scope="module")
def roll(office, browser):
    """Allot a roll as the administrator does; return its name."""
    desk = Desk(browser, office, "guan")
    desk.go("/stickers")
    return desk.send("/stickers/rolls", stickers="48").rpartition("/")[2]


@pytest.fixture(scope="module")
def texts(office, browser, roll, tmp_path_factory):
    """Download the first sheet of the roll; return the texts of its codes."""
    desk, folder = Desk(browser, office, "zhang"), tmp_path_factory.mktemp("sheet")
    desk.go(f"/stickers/rolls/{roll}")
    with desk.page.expect_download() as waiting:
        desk.page.click("form[action$='sheet.pdf'] button")
    assert waiting.value.suggested_filename == f"stickers-{roll}-0-23.pdf"
    return read_texts(save(waiting.value, folder), folder)


def save(download, folder):
    """Return the bytes of a file that a browser has downloaded."""
    download.save_as(folder / "downloaded.pdf")
    return (folder / "downloaded.pdf").read_bytes()


def register(desk, **changes):
    given = {
        "category": "FUEL_DISPENSER",
        "maker": MAKER,
        "model": "EX-1224",
        "serial": "SN77",
        "year": "2024",
    }
    given |= {"parts": "1, 2", "seal_points": "主板与机壳；流量计", "codes.production": "PC-1"} | changes
    desk.go("/instruments/new")
    return desk.send("/instruments", **given)


def test_a_day_with_instruments_and_stickers(office, browser, roll, texts):
    """Registered, a likely match answered *same*, a sticker put on, replaced, taken off; all on paper codes."""
    assert len(texts) == 24
    assert all(one.startswith(f"https://{HOST}/s/{roll}") for one in texts)
    desk = Desk(browser, office, "zhang")
    path = register(desk)
    assert path.startswith("/instruments/")
    assert register(desk, maker="示例机械") == "/instruments", "a likely match stops"
    assert "尚未登记" in desk.text
    assert "p-0001" in desk.text
    desk.page.check("input[value=same]")
    assert desk.send("/instruments") == path
    assert "同一器具" in desk.text

    first = texts[0].rpartition("/")[2]
    assert desk.send("/stickers/bind", sticker=texts[0], part="1") == f"/stickers/{first}"
    second = texts[1].rpartition("/")[2]
    desk.go(path)
    assert desk.send("/stickers/bind", sticker=format_code(second).lower(), part="1") == f"/stickers/{second}"
    assert f"{format_code(first)} （已解除）" in desk.text
    assert desk.send(f"/stickers/{second}/unbind", reason="DAMAGED") == f"/stickers/{second}"
    assert "解除：破损" in desk.text
    desk.go(path)
    assert "无。" in desk.text
    desk.go(f"/stickers/rolls/{roll}")
    assert [int(one) for one in desk.page.locator("dl.figures dd").all_inner_texts()][2] == 2


def test_stickers_of_a_document_are_downloaded_and_decode(office, browser, tmp_path):
    number = first_number(office)
    desk = Desk(browser, office, "zhang", java_script_enabled=False)
    desk.go(f"/documents/{number}")
    desk.page.click("text=打印标志")
    with desk.page.expect_download() as waiting:
        desk.page.click("form[action='/stickers/sheet'] button")
    (text,) = read_texts(save(waiting.value, tmp_path), tmp_path)
    answer = run("verify", text, "--policy", office.line.policy, "--json")
    assert answer.members["authentic"] is True
    assert number in json.dumps(answer.members)


def first_number(office):
    return office.line.desk()[0][1]


def test_everything_works_without_script(office, browser, texts):
    text = texts[5]
    desk = Desk(browser, office, "zhang", java_script_enabled=False)
    register(desk, serial="SN88")
    sticker = text.rpartition("/")[2]
    assert desk.send("/stickers/bind", sticker=text, part="2") == f"/stickers/{sticker}"
    desk.go("/stickers/list")
    desk.page.fill("#f-q", text)
    desk.page.press("#f-q", "Enter")
    desk.page.wait_for_url(f"**/stickers/{sticker}")
    desk.go("/stickers/bind")
    desk.send("/stickers/bind", sticker=text, where="SN1")
    assert "仍在" in desk.page.inner_text("[role=alert]")


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_page_looks_as_it_should(office, browser, roll, texts, language):
    """Screenshots at both widths, no error in the console, nothing against it from axe, no sideways scrolling."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    desk = Desk(browser, office, "zhang", language)
    faults = watch(desk.page)
    serial = "SN100" if language == "zh-CN" else "SN200"
    instrument = register(desk, serial=serial)
    spare = 10 if language == "zh-CN" else 12
    desk.send("/stickers/bind", sticker=texts[spare], part="2")
    desk.go(instrument)
    bound = desk.send("/stickers/bind", sticker=texts[spare + 1], part="2")
    number = first_number(office)
    pages = {
        "instruments": "/instruments",
        "instrument": instrument,
        "instrument-form": f"{instrument}/edit",
        "stickers": "/stickers",
        "roll": f"/stickers/rolls/{roll}",
        "sticker": bound,
        "sticker-list": "/stickers/list",
        "sticker-bind": f"/stickers/bind?where={number}",
        "sticker-sheet": f"/stickers/sheet?number={number}",
        "document-with-stickers": f"/documents/{number}",
    }
    for title, path in pages.items():
        desk.go(path)
        look_at(desk.page, title, language, faults)
    register(desk, serial=serial, maker="示例机械", year="2025")
    faults[:] = [fault for fault in faults if "409" not in fault]
    look_at(desk.page, "instrument-match", language, faults)
    desk.go("/stickers/bind")
    desk.send("/stickers/bind", sticker="https://evil.example/s/x", where=number)
    faults[:] = [fault for fault in faults if "422" not in fault]
    look_at(desk.page, "sticker-refused", language, faults)
    admin = Desk(browser, office, "guan", language)
    faults = watch(admin.page)
    for title, path in {
        "stickers-administrator": "/stickers",
        "roll-administrator": f"/stickers/rolls/{roll}",
    }.items():
        admin.go(path)
        look_at(admin.page, title, language, faults)


def watch(page):
    """Return a list that takes what goes wrong on a page."""
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults


def look_at(page, title, language, faults):
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=ARTEFACTS / f"{title}-{language[:2]}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{title} is {wide} px wide in a window of {width}"
    assert page.locator("h1").count() == 1
    assert not find_violations(page), title
    assert not faults, title
    assert not re.search(r"\bNone(?! so far|\.)|Undefined", page.inner_text("main")), title
