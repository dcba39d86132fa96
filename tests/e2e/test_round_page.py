"""A round in a real browser: taken along, worked on without network from a cold start, brought back once.

Two devices verify one pump; both are kept and shown to the approver. Nothing lies in the clear on the device.
Screenshots at 360 px lie in `test-artifacts/office`, for people to look at.
"""

import re

import pytest
from browsers import find_violations
from office_browser import log_in, open_context, open_office
from registered_line import STANDARD, RegisteredLine
from round_device import SEAL, SECRET, Device, shoot

PEOPLE = {
    "lin": ("lin", "p-0001", ["operator"]),
    "zhang": ("zhang", "p-0003", ["approver"]),
    "guan": ("guan", "p-0009", ["administrator"]),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    line = RegisteredLine(tmp_path_factory.mktemp("round"))
    line.init()
    line.set_up_authority()
    line.register()
    line.issue(*(line.pump(number) for number in (1, 2, 3)), anchor=False, out=False)
    with open_office(line, PEOPLE) as office:
        yield office


@pytest.fixture(scope="module")
def round_id(office, browser):
    """Accept an application and prepare a round of three pumps, as an operator does."""
    page = open_context(browser).new_page()
    log_in(page, office, "lin")
    page.goto(f"{office.url}/applications")
    page.fill("[name=applicant]", "福州示例石油有限公司")
    page.fill("[name=what]", "燃油加油机 3 台")
    page.click("form[action='/applications'] button")
    page.wait_for_url(re.compile("/drafts/new"))
    page.goto(f"{office.url}/rounds/new")
    for box in page.locator("[name=instrument]").all():
        box.check()
    page.fill("[name=title]", "示例加油站")
    page.select_option("[name=application]", index=1)
    page.fill("[name=u]", "0.05")
    page.fill("[name=k]", "2")
    shoot(page, "round-new")
    page.click("form[action='/rounds'] button")
    page.wait_for_url(re.compile("/rounds/r-"))
    assert page.locator("h2").count() == 3
    return page.url.rpartition("/")[2]


@pytest.fixture(scope="module")
def devices(office, browser, round_id):
    made = [Device(browser, office, label) for label in ("平板一", "平板二")]
    for device in made:
        device.set_up()
        device.take_along()
    return made


READ_ALL = """async () => {
  const read = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const database = await read(indexedDB.open("hengzheng-round"));
  const store = database.transaction("kept").objectStore("kept");
  const [keys, values] = [await read(store.getAllKeys()), await read(store.getAll())];
  database.close();
  const spell = (value) => {
    if (value instanceof CryptoKey) return `key:${value.type}:${value.extractable}`;
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      return "bytes:" + String.fromCharCode(...new Uint8Array(value.buffer ?? value).slice(0, 60000));
    }
    if (value && typeof value === "object") {
      return Object.entries(value).map(([k, v]) => `${k}=${spell(v)}`).join(",");
    }
    return String(value);
  };
  const cached = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) cached.push(new URL(request.url).pathname);
  }
  const local = JSON.stringify({ ...localStorage, ...sessionStorage });
  return { kept: keys.map((key, at) => [key, spell(values[at])]), cached, local };
}"""


def test_a_day_without_network_with_two_devices(office, browser, round_id, devices):
    one, two = devices
    for device in devices:
        device.context.set_offline(True)
        device.start_cold()
    work_offline(one, two)
    check_secrets(one)
    for device in devices:
        device.context.set_offline(False)
    come_back(one, two)
    assert not one.faults + two.faults
    look_as_approver(office, browser, round_id)


def work_offline(one, two):
    shoot(one.page, "round-locked")
    one.unlock("another pass phrase")
    one.page.get_by_text("口令错误").wait_for()
    one.unlock()
    one.open_round()
    assert one.page.inner_text("#net") == "离线"
    shoot(one.page, "round-list-offline")
    one.verify("SN1", ["20.02", "20.08", "20.02"])
    page = one.page
    assert "0.40 % ✗" in page.inner_text("table"), "judged while it is typed"
    assert "不合格" in page.inner_text("#verdict")
    shoot(page, "round-item-fails")
    page.get_by_label("示值 L 2").fill("20．03")
    assert "重复性 0.05 % 合格" in page.inner_text("fieldset:has(table)")
    assert page.inner_text("#verdict") == "结论：合格"
    assert not find_violations(page)
    shoot(page, "round-item")
    one.sign()
    one.verify("SN2", ["20.00", "20.00", "20.01"], seal="B2")
    one.sign()
    two.unlock()
    two.open_round()
    two.verify("SN1", ["20.04", "20.04", "20.05"], seal="C1")
    two.sign()
    one.sync()
    one.page.get_by_text("无法连接办公系统").wait_for()
    shoot(one.page, "round-offline")


def come_back(one, two):
    one.sync()
    one.page.get_by_text("2条记录已同步").wait_for()
    assert one.page.locator("button.card", has_text="已转为草稿").count() == 2, one.page.inner_text("main")
    shoot(one.page, "round-synced")
    one.sync()
    one.page.get_by_text("没有待同步的记录").wait_for()
    two.sync()
    two.page.get_by_text("1条记录已同步").wait_for()
    two.page.locator("button.card", has_text="另一设备也有记录").wait_for()
    shoot(two.page, "round-conflict-device")


def look_as_approver(office, browser, round_id):
    for language in ("zh-CN", "en-GB"):
        page = open_context(browser, language, viewport={"width": 360, "height": 740}).new_page()
        log_in(page, office, "zhang")
        page.goto(f"{office.url}/rounds/{round_id}")
        assert ("两台设备" if language == "zh-CN" else "Two devices") in page.inner_text(".warn")
        rows = page.locator("section table, .scroll table").first.locator("tbody tr")
        assert rows.count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert not find_violations(page)
        shoot(page, f"round-conflict-{language[:2]}")
        page.goto(f"{office.url}/rounds")
        shoot(page, f"rounds-{language[:2]}")
        assert not find_violations(page)


def check_secrets(device):
    """Nothing that anybody wrote, and nothing of the office, can be read from what the browser keeps."""
    found = device.page.evaluate(READ_ALL)
    kept = dict(found["kept"])
    assert sorted(kept) == ["key", "lock", "sealed"]
    assert kept["key"] == "key:private:false"
    assert len(kept["sealed"]) > 2000, "what was written down is there, sealed"
    everything = str(found["kept"]) + found["local"]
    for text in ("EX-1224", "p-0001", "20.02", SEAL, "readings", STANDARD["id"], "示例", SECRET):
        for spelled in (text, text.encode().decode("latin-1")):
            assert spelled not in everything, text
    assert "iterations=600000" in kept["lock"]
    assert found["local"] == "{}"
    assert found["cached"]
    assert all(path.startswith("/round/") for path in found["cached"])


def test_a_lost_answer_is_asked_again(office, devices):
    one = devices[0]
    page = one.page
    one.verify("SN3", ["20.00", "20.00", "20.00"], seal="B3")
    one.sign()
    lost = []

    def lose(route):
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/findings", lose)
    one.sync()
    page.get_by_text("无法连接办公系统").wait_for()
    page.unroute("**/findings")
    assert lost == [200]
    assert page.locator("button.card", has_text="待同步").count() == 1
    one.sync()
    page.get_by_text("1条记录已同步").wait_for()
    card = page.locator("button.card", has_text="SN3")
    assert "已转为草稿" in card.inner_text()


def test_a_round_leaves_the_device_when_all_of_it_is_in_the_office(office, browser, round_id):
    device = Device(browser, office, "平板三")
    device.set_up()
    device.take_along()
    page, removes = device.page, device.page.get_by_role("button", name="从本机移除")
    assert removes.count() == 1, "nothing was written yet"
    device.verify("SN3", ["20.00", "20.00", "20.00"])
    page.get_by_role("button", name="示例加油站").click()
    assert removes.count() == 0, "begun"
    page.locator("button.card", has_text="SN3").click()
    device.sign()
    assert removes.count() == 0, "not sent"
    device.sync()
    page.get_by_text("1条记录已同步").wait_for()
    removes.click()
    page.get_by_text("尚未下载").wait_for()
    page.reload()
    device.unlock()
    page.get_by_text("尚未下载").wait_for()


def test_idle_devices_lock_themselves(office, browser, devices):
    two = devices[1]
    two.page.close()
    two.page = two.open()
    two.page.clock.install()
    two.page.goto(f"{office.url}/round/")
    two.unlock()
    two.open_round()
    two.page.clock.fast_forward(4 * 60_000)
    assert "SN1" in two.page.inner_text("main")
    two.page.clock.fast_forward(2 * 60_000)
    two.page.get_by_text("闲置五分钟").wait_for()
    assert "SN1" not in two.page.content()


def test_a_second_window_does_not_overwrite_the_first(office, devices):
    page = devices[1].context.new_page()
    page.goto(f"{office.url}/round/")
    page.get_by_text("本页面已在另一窗口打开").wait_for()
    page.close()


def test_a_revoked_device_is_told_and_keeps_what_it_has(office, browser, devices):
    two = devices[1]
    page = open_context(browser, viewport={"width": 360, "height": 740}).new_page()
    log_in(page, office, "guan")
    page.goto(f"{office.url}/devices")
    shoot(page, "devices")
    assert not find_violations(page)
    page.get_by_role("button", name="停用平板二").click()
    page.get_by_text("已停用：").wait_for()
    two.start_cold()
    two.unlock()
    two.open_round()
    two.verify("SN2", ["20.00", "20.00", "20.00"], seal="C2")
    two.sign()
    two.sync()
    two.page.get_by_text("1条被拒收，保留在本机").wait_for()
    card = two.page.locator("button.card", has_text="SN2")
    assert "拒收" in card.inner_text()
    card.click()
    assert "该设备已被停用" in two.page.inner_text("main")
    shoot(two.page, "round-refused")


def test_the_page_in_english(office, browser, round_id):
    device = Device(browser, office, "tablet", "en-GB")
    device.set_up()
    device.take_along()
    page = device.page
    page.locator("button.card", has_text="SN1").click()
    assert "Nameplate" in page.inner_text("main")
    assert "Still needed" in page.inner_text("main")
    assert not find_violations(page)
    shoot(page, "round-item-en")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Lock").click()
    assert "SN1" not in page.content()
    assert not device.faults
