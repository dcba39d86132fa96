"""The office in a real browser: log-in, every page in both languages and at two widths, passkeys, no script.

Screenshots lie in `test-artifacts/office`, for people to look at.
"""

import json
import re

import pytest
from browsers import ARTEFACTS, AXE, find_violations
from line import run
from office_browser import log_in, open_context, open_office
from registered_line import RegisteredLine

LEDGER = """器具名称,型号规格,出厂编号,生产厂家,安装/使用地点,数量
燃油加油机,EX-1224,SN1,示例机械有限公司,福州示例加油站,1
燃油加油机,EX-1224,SN2,示例机械有限公司,福州示例加油站,1
燃油加油机,EX-1224,SN77,示例机械有限公司,福州示例加油站,1
电子计价秤,ACS-15A,YH010341,永衡衡器有限公司,台江农贸市场,1
"""
MATERIAL = {
    "id": "GBW(E)130070",
    "lot": "2025-03",
    "name": "乙醇气体标准物质",
    "value": "200 µmol/mol, U=2%, k=2",
    "from": "2025-03-01",
    "until": "2027-02-28",
    "state": "active",
}
PAGES = {
    "home": "/",
    "documents": "/documents",
    "document": "/documents/JY2026-000001",
    "imports": "/imports",
    "sites": "/sites",
    "due": "/due",
    "registers": "/registers",
    "account": "/account",
    "not-found": "/documents/JY2026-999999",
}
ADMIN_PAGES = {"staff": "/staff", "machines": "/machines", "happenings": "/happenings"}
OPEN_PAGES = {"login": "/login", "enrol": "/enrol"}
WIDTHS = (360, 1280)


PEOPLE = {
    "zhang": ("张示例", "p-0003", ["operator", "approver"]),
    "guan": ("管示例", "p-0003", ["administrator"]),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    line = RegisteredLine(tmp_path_factory.mktemp("office"))
    line.init()
    line.set_up_authority()
    line.register()
    line.run("authority", "submit", line.decide("material", MATERIAL))
    line.issue(line.pump(1), line.pump(2), line.pump(3), anchor=False, out=False)
    table = line.out / "ledger.csv"
    table.write_text(LEDGER, encoding="utf-8")
    line.run("instruments", "import", table)
    with open_office(line, PEOPLE) as office:
        yield office


def test_a_person_logs_in_looks_and_logs_out(office, browser):
    page = open_context(browser).new_page()
    log_in(page, office, "zhang")
    assert "张示例" in page.inner_text("h1")
    page.click("text=退出")
    page.wait_for_url(f"{office.url}/login")
    page.goto(f"{office.url}/documents")
    assert "请先登录" in page.inner_text("main")


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_page_looks_as_it_should(office, browser, language):
    """Screenshots at both widths, no error in the console, nothing against it from axe, no sideways scrolling."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    context = open_context(browser, language)
    page = context.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    for name, pages in (("", OPEN_PAGES), ("zhang", PAGES), ("guan", ADMIN_PAGES)):
        if name:
            context.clear_cookies()
            log_in(page, office, name)
        uploaded = {"import": show_import(page, office)} if name == "zhang" else {}
        for title, path in {**pages, **uploaded}.items():
            look_at(page, office, title, path, language[:2], faults)
    context.close()


def look_at(page, office, title, path, language, faults):
    answer = page.goto(office.url + path)
    assert answer.status == (404 if title == "not-found" else 200), path
    faults[:] = [fault for fault in faults if "404" not in fault]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=ARTEFACTS / f"{title}-{language}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} px wide in a window of {width}"
    assert page.locator("h1").count() == 1
    assert not find_violations(page), path
    assert not faults, path


def show_import(page, office):
    """Upload a file with a good and a bad row; return where its page is."""
    page.goto(f"{office.url}/imports")
    good = {**json.loads(office.line.pump(8).read_bytes()), "request_id": "upload-8"}
    good["persons"] = [{**one, "signed_at": "2026-11-02T04:00:00Z"} for one in good["persons"]]
    for one in good["persons"]:
        del one["key"]
    bad = {**good, "request_id": "upload-9", "conclusion": "fail"}
    raw = "\n".join(json.dumps(one) for one in (good, bad)).encode()
    page.set_input_files("#f-file", {"name": "加油机<b>.jsonl", "mimeType": "text/plain", "buffer": raw})
    page.click("form[action='/imports'] button")
    page.wait_for_url(re.compile(r"/imports/i-"))
    return page.url.removeprefix(office.url)


def test_what_is_against_accessibility_is_found(browser):
    """The check of every other page could fail; where axe-core is absent, this test says that nobody looked."""
    if not AXE.exists():
        pytest.skip("axe-core was not fetched, so that accessibility was not checked: npm ci")
    page = browser.new_page()
    page.set_content('<html lang="en"><title>x</title><main><h1>x</h1><img src="x.png"></main></html>')
    assert any("image-alt" in found for found in find_violations(page))


def test_everything_works_without_script(office, browser):
    page = open_context(browser, java_script_enabled=False).new_page()
    log_in(page, office, "zhang")
    page.goto(f"{office.url}/documents")
    page.fill("#f-q", "SN2")
    page.press("#f-q", "Enter")
    assert "SN2" in page.inner_text("#rows")
    assert "SN3" not in page.inner_text("#rows")


def test_documents_are_found_while_typing(office, browser):
    page = open_context(browser).new_page()
    log_in(page, office, "zhang")
    page.goto(f"{office.url}/documents")
    if not page.locator("script[src*=htmx]").count():
        pytest.skip("htmx was not fetched: npm ci, then scripts/vendor")
    page.locator("#f-q").press_sequentially("SN3")
    page.locator("#rows", has_text="SN2").wait_for(state="detached")  # no eval here: the CSP forbids it
    assert "SN3" in page.inner_text("#rows")


def test_a_passkey_is_added_and_logs_in(office, browser):
    context = open_context(browser)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    log_in(page, office, "zhang")
    page.goto(f"{office.url}/account")
    page.fill("#f-label", "办公电脑")
    with page.expect_navigation():
        page.click("#passkey-add button")
    assert "办公电脑" in page.inner_text("table")
    page.click("text=退出")
    page.wait_for_url(f"{office.url}/login")
    page.click("#passkey-login button")
    page.wait_for_url(f"{office.url}/")
    assert "张示例" in page.inner_text("h1")


def test_text_of_documents_never_becomes_markup(office, browser):
    """The name of the uploaded file holds a tag; lists show it as it is."""
    page = open_context(browser).new_page()
    log_in(page, office, "zhang")
    show_import(page, office)
    assert page.locator("h1").inner_text() == "加油机<b>.jsonl"
    assert page.locator("h1 b").count() == 0


def test_accounts_are_listed_by_the_command(office):
    answer = run("office", "account", "list", "--home", office.line.home, "--json")
    assert [one["name"] for one in answer.members["accounts"]] == ["guan", "zhang"]
