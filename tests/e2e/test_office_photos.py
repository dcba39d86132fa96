"""The photograph of an instrument at the desk, in a real browser: chosen, looked at, registered, taken away."""

import pytest
from browsers import ARTEFACTS, find_violations
from office_browser import log_in, open_context, open_office
from photos import taken_by_phone
from registered_line import MAKER, RegisteredLine

WIDTHS = (360, 1280)
FIELDS = {"maker": MAKER, "model": "EX-1224", "serial": "SN-PHOTO", "division": "350102"}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    line = RegisteredLine(tmp_path_factory.mktemp("photos"))
    line.init()
    line.set_up_authority()
    line.register()
    line.issue(line.pump(1), anchor=False, out=False)
    with open_office(line, {"zhang": ("张示例", "p-0001", ["operator"])}) as office:
        yield office


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_a_photograph_is_registered_and_taken_away(browser, office, tmp_path, language):
    page = open_context(browser, language).new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    log_in(page, office, "zhang")
    page.goto(f"{office.url}/instruments/new")
    page.select_option("[name=category]", "FUEL_DISPENSER")
    for name, value in FIELDS.items():
        page.fill(f"[name={name}]", value)
    page.locator("form[action='/instruments'] button").last.click()
    form = page.locator("form[action$='/photo']")
    (tmp_path / "phone.jpg").write_bytes(taken_by_phone())
    form.locator("[name=photo]").set_input_files(tmp_path / "phone.jpg")
    form.locator("button").click()
    assert page.locator("figure img").count() == 0, "nobody has said that they have looked"
    form.locator("[name=seen]").check()
    with page.expect_navigation():
        form.locator("button").click()
    page.locator("figure img").scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('figure img').naturalWidth > 0")
    size = page.locator("figure img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [853, 1280]
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=ARTEFACTS / f"photo-{language[:2]}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not find_violations(page)
    with page.expect_navigation():
        page.locator("form[action$='/photo/remove'] button").click()
    assert page.locator("figure").count() == 0
    assert faults == []
