"""Pumps with nozzles, adjusted and at several flows, and scales by load, in a real browser without network.

What the devices bring back goes through the sign-off in the office; stickers that were put on are bound when their
documents are in the ledger. Screenshots lie in `test-artifacts/office`.
"""

import json
import re

import pytest
from browsers import find_violations
from line import HOST
from office_browser import log_in, open_context, open_office
from registered_line import STANDARD
from round_device import Device, shoot
from signoff_line import APPROVER, CHECKER, OPERATOR, PEOPLE, SignOffLine

from ledger.core.qr import format_code
from ledger.core.sticker import compute_sticker_id, parse_roll_content

LISTED = """器具名称,型号规格,出厂编号,生产厂家,安装/使用地点,准确度等级,数量
燃油加油机,EX-1224,SN1,示例机械有限公司,示例加油站,,1
燃油加油机,EX-1224,SN2,示例机械有限公司,示例加油站,,1
电子计价秤,ACS-15A,YH010341,永衡衡器有限公司,台江农贸市场,III,1
"""
CATEGORIES = ["FUEL_DISPENSER", "PRICE_SCALE"]
WEIGHTS = STANDARD | {
    "id": "350100-19",
    "name": "M1等级砝码标准装置",
    "exam_no": "〔2024〕闽量标榕证字第019号",
    "public_no": "〔2024〕闽社量标榕证字第019号",
    "range": "1 g~20 kg",
    "u": "M1等级",
    "categories": ["PRICE_SCALE"],
}
PUMPS, MARKET = "示例加油站", "台江农贸市场"


class MixedLine(SignOffLine):
    """A line for pumps and scales, with a roll of stickers and a list of instruments."""

    def person(self, name, version=0, **changes):
        return super().person(name, version, categories=CATEGORIES, **changes)

    def prepare(self):
        self.init()
        self.set_up_authority()
        self.register()
        self.run("authority", "submit", self.decide("standard", WEIGHTS))
        table = self.out / "ledger.csv"
        table.write_text(LISTED, encoding="utf-8")
        self.run("instruments", "import", table)
        roll = self.out / "roll.json"
        self.run("stickers", "allot", 100, "--out", roll, "--institution", self.institution)
        self.roll = parse_roll_content(roll.read_bytes())
        (self.home / "institution.json").write_bytes(self.institution.read_bytes())

    def sticker(self, number):
        return compute_sticker_id(self.roll, number)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    line = MixedLine(tmp_path_factory.mktemp("instruments"))
    line.prepare()
    with open_office(line, {name: (name, name, [role]) for name, role in PEOPLE.items()}) as office:
        yield office


@pytest.fixture(scope="module")
def desk(office, browser):
    """A page for each person, and two rounds: pumps with two nozzles, and a scale."""
    pages = {}
    for name in PEOPLE:
        pages[name] = open_context(browser, viewport={"width": 1280, "height": 900}).new_page()
        log_in(pages[name], office, name)
    page = pages[OPERATOR]
    page.goto(f"{office.url}/applications")
    page.fill("[name=applicant]", "福州示例石油有限公司")
    page.fill("[name=what]", "加油机 2 台、计价秤 1 台")
    page.click("form[action='/applications'] button")
    page.wait_for_url(re.compile("/drafts/new"))
    prepare(page, office, PUMPS, ["SN1", "SN2"], u="0.05", k="2", parts="2")
    scale = {"category": "PRICE_SCALE", "u": "0.5", "k": "2"}
    choose(page, office, MARKET, ["YH010341"], **scale)
    page.click("form[action='/rounds'] button")
    assert "须填写检定分度值e" in page.inner_text(".problem")
    shoot(page, "round-new-scale", 1280)
    prepare(page, office, MARKET, ["YH010341"], **scale, e="5 g")
    return pages


def choose(page, office, title, serials, category="FUEL_DISPENSER", **fields):
    page.goto(f"{office.url}/rounds/new")
    for serial in serials:
        page.get_by_label(serial, exact=True).check()
    page.fill("[name=title]", title)
    page.select_option("[name=application]", index=1)
    page.select_option("[name=category]", category)
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)


def prepare(page, office, title, serials, **fields):
    choose(page, office, title, serials, **fields)
    page.click("form[action='/rounds'] button")
    page.wait_for_url(re.compile("/rounds/r-"))


@pytest.fixture(scope="module")
def device(office, browser, desk):
    """A tablet with both rounds, started cold and without network."""
    device = Device(browser, office, "平板一")
    device.set_up(OPERATOR)
    for title in (PUMPS, MARKET):
        device.take_along(title)
        device.page.get_by_role("button", name="← 任务单").click()
    return go_offline(device)


def go_offline(device):
    device.context.set_offline(True)
    device.start_cold()
    device.unlock()
    return device


def come_back(device):
    """Go online; bring everything back from the list of rounds."""
    device.context.set_offline(False)
    device.sync()


def look(device, name):
    """Keep how the device looks at both widths and in both languages; nothing is against accessibility."""
    page = device.page
    for language, other in (("zh", "English"), ("en", "中文")):
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            shoot(page, f"{name}-{language}", width)
        assert not find_violations(page)
        page.get_by_role("button", name=other).click()


# --- nozzles ------------------------------------------------------------------------------------------------

AT = "{part}号 示值误差 {flow} L/min{when}"


def nozzle(part, flow, when=""):
    return AT.format(part=part, flow=flow, when=when and f" {when}")


def add_flows(page):
    page.get_by_label("流量1 L/min").fill("５０")
    page.get_by_role("button", name="添加流量").click()
    page.get_by_label("流量2 L/min").fill("5")


def test_a_pump_with_two_nozzles_of_which_one_is_adjusted(office, desk, device):
    page = device.page
    device.open_round(PUMPS)
    device.open_item("SN1")
    add_flows(page)
    assert "流量" in page.inner_text("#verdict ~ .hint") or "尚缺" in page.inner_text("main")
    device.read(nozzle(1, 50), "20.02", "20.03", "20.02")
    device.read(nozzle(1, 5), "20.01", "20.01", "20.03")
    device.read(nozzle(2, 50), "20.10", "20.12", "20.11")
    device.read(nozzle(2, 5), "20.10", "20.10", "20.10")
    assert page.inner_text("#verdict") == "结论：不合格"
    assert "0.50 % ✗" in device.series(nozzle(2, 50)).inner_text()
    assert "重复性 0.10 % 合格" in device.series(nozzle(2, 50)).inner_text()
    assert "U 0.05 % ≤ 1/3 MPE ✓" in device.series(nozzle(2, 50)).inner_text()
    put_on(page, office)
    adjust(device)
    seal(page)
    assert page.inner_text("#verdict") == "结论：合格"
    look(device, "round-nozzles")
    device.sign()
    come_back(device)
    page.get_by_text("1条记录已同步").wait_for()
    assert page.locator("button.card", has_text="已转为草稿").count() == 1
    check_draft(office, desk)
    assert not device.faults


def adjust(device):
    """Adjust the second nozzle: what was read is kept as before, and it is read again."""
    page = device.page
    page.get_by_label(re.compile("^2号")).first.check()
    before = device.series(nozzle(2, 50, "调修前"))
    assert before.get_by_label("示值 L 2").input_value() == "20.12"
    assert device.series(nozzle(2, 50)).get_by_label("示值 L 2").input_value() == ""
    assert "各部位的示值" in page.inner_text("main"), (
        "the first nozzle needs none before, the second needs them after"
    )
    device.read(nozzle(2, 50), "20.00", "20.01", "20.02")
    device.read(nozzle(2, 5), "19.99", "20.00", "20.00")


def put_on(page, office):
    """Type one sticker with a slip, scan the other."""
    one, two = (office.line.sticker(number) for number in (1, 2))
    slip = one[:-1] + ("0" if one[-1] != "0" else "1")
    first = page.get_by_label("所贴标志1编号")
    first.fill(slip)
    assert "校验位不符" in page.inner_text("#sticker-0-said")
    assert first.get_attribute("aria-invalid") == "true"
    first.fill(one[:8])
    assert "现为8位" in page.inner_text("#sticker-0-said")
    first.fill(format_code(one).lower())
    assert page.inner_text("#sticker-0-said") == f"✓ {format_code(one)}"
    page.get_by_label("标志1位置").select_option("1")
    assert "不合格的器具不得粘贴标志" in page.inner_text("main"), "it has failed so far"
    page.get_by_role("button", name="添加标志").click()
    second = page.get_by_label("所贴标志2编号")
    second.fill(f"https://v.example.cn/s/{two}")
    assert f"该码并非指向{HOST}" in page.inner_text("#sticker-1-said"), "a right id under another host"
    second.fill(f"https://{HOST}/s/{two}")
    assert page.inner_text("#sticker-1-said") == f"✓ {format_code(two)}"
    page.get_by_label("标志2位置").select_option("2")


def seal(page):
    page.get_by_role("button", name="添加铅封").click()
    page.get_by_label("铅封1编号").fill("B1-4711")
    page.get_by_label("铅封1位置").fill("主板与壳体")


def check_draft(office, desk):
    """Both readings, before and after, are in the document; its raw record is the finding."""
    page = desk[OPERATOR]
    content = json.loads(read_json(page, office, "/api/drafts/1"))["content"]
    series = [(one["item"], one["part"], one.get("before_adjustment", False)) for one in content["results"]]
    errors = [one for one in series if one[0] == "indication_error"]
    assert errors == [("indication_error", "1", False)] * 2 + [
        ("indication_error", "2", True),
        ("indication_error", "2", True),
        ("indication_error", "2", False),
        ("indication_error", "2", False),
    ]
    assert series.count(("repeatability", "2", True)) == series.count(("repeatability", "2", False)) == 2
    assert content["adjusted"] is True
    assert content["conclusion"] == "pass"
    assert not any("flow" in one for one in content["results"])
    assert re.fullmatch(r"r-\w+/d-\w+/1/1", content["raw_record"]["no"])


def read_json(page, office, path):
    return page.request.get(f"{office.url}{path}").text()


# --- two devices --------------------------------------------------------------------------------------------


def test_two_devices_disagree_about_one_nozzle_and_the_approver_decides(office, browser, desk, device):
    other = Device(browser, office, "平板二")
    other.set_up(OPERATOR)
    other.take_along(PUMPS)
    go_offline(other)
    other.open_round(PUMPS)
    other.open_item("SN1")
    page = other.page
    add_flows(page)
    for part in (1, 2):
        other.read(nozzle(part, 50), "20.02", "20.03", "20.02")
        other.read(nozzle(part, 5), "20.01", "20.01", "20.00")
    page.get_by_label("所贴标志1编号").fill(office.line.sticker(3))
    page.get_by_label("标志1位置").select_option("2")
    other.sign()
    come_back(other)
    page.get_by_text("1条记录已同步").wait_for()
    page.locator("button.card", has_text="另一设备也有记录").wait_for()
    assert not other.faults
    round_ = find_round(office, desk, PUMPS)
    show_both(office, desk, round_)
    sign_off(office, desk, decided=True)
    show_bound(office, desk, round_)


def find_round(office, desk, title):
    rounds = json.loads(read_json(desk[OPERATOR], office, "/api/rounds"))["rounds"]
    return next(one["id"] for one in rounds if one["title"] == title)


def show_both(office, desk, round_):
    """The round's page has both devices side by side, nozzle by nozzle, and what stands against their stickers."""
    page = desk[APPROVER]
    page.goto(f"{office.url}/rounds/{round_}")
    assert "两台设备检定了同一器具" in page.inner_text(".warn")
    rows = page.locator(".scroll table").first.locator("tbody tr")
    assert rows.count() == 2
    assert "2 调修前示值误差（流量 50 L/min）：0.50, 0.60, 0.55 %" in rows.nth(0).inner_text()
    assert "2 示值误差（流量 50 L/min）：0.10, 0.15, 0.10 %" in rows.nth(1).inner_text()
    assert rows.nth(0).inner_text().count("待证书入账后登记") == 2
    keep_page(page, office, f"/rounds/{round_}", "round-conflict-parts")


def keep_page(page, office, path, name):
    """Keep a page of the office at both widths and in both languages."""
    for language in ("en", "zh"):
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{office.url}{path}?lang={language}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            shoot(page, f"{name}-{language}", width)
        assert not find_violations(page), path


def sign(page, office, name, button):
    page.fill("#f-passphrase", office.line.secret(name).read_text("utf-8").strip())
    with page.expect_navigation():
        page.click(f"button:has-text('{button}')")


def sign_off(office, desk, *, decided=False):
    """Submit, check and approve all that is open; where two drafts are of one pump, the first is approved."""
    page = desk[OPERATOR]
    page.goto(f"{office.url}/drafts")
    page.locator("form[action='/drafts/submit'] input[data-tick-all]").check()
    page.fill("#f-checker", CHECKER)
    page.fill("#f-approver", APPROVER)
    sign(page, office, OPERATOR, "签名并提交所选")
    assert not page.locator("[role=alert] li").count(), page.inner_text("main")
    page = desk[CHECKER]
    page.goto(f"{office.url}/checks")
    page.locator("form[action='/checks'] input[data-tick-all]").check()
    sign(page, office, CHECKER, "核验并签名所选")
    page = desk[APPROVER]
    page.goto(f"{office.url}/approvals")
    page.click("text=所选组成批次并抽样")
    page.wait_for_url(re.compile(r"/batches/\d+$"))
    batch = page.url
    closed = page.locator("tr", has=page.locator(".tag.bad")).locator("form[action$='/open'] button")
    while closed.count():
        closed.first.click()
        page.wait_for_load_state()
        page.goto(batch)
    keep_page(page, office, batch.removeprefix(office.url), f"batch-stickers-{batch.rpartition('/')[2]}")
    page.goto(batch)
    if decided:
        page.locator("[name=decided]").first.check()
    sign(page, office, APPROVER, "批准并盖章全部待批准文件")
    shoot(page, f"batch-stickers-done-{batch.rpartition('/')[2]}", 1280)


def show_bound(office, desk, round_):
    """The stickers of the approved draft are bound, that of the other one waits, and nothing was dropped."""
    page = desk[APPROVER]
    page.goto(f"{office.url}/rounds/{round_}")
    rows = page.locator(".scroll table").first.locator("tbody tr")
    assert rows.nth(0).inner_text().count("已登记") == 2, rows.nth(0).inner_text()
    assert "账本序号" in rows.nth(0).inner_text()
    assert "待证书入账后登记" in rows.nth(1).inner_text()
    keep_page(page, office, f"/rounds/{round_}", "round-stickers-bound")


# --- scales -------------------------------------------------------------------------------------------------


def test_a_scale_is_judged_by_load(office, desk, device):
    page = go_offline(device).page
    device.open_round(MARKET)
    device.open_item("YH010341")
    assert "5 g" in page.inner_text("dl")
    loads = device.series("示值误差")
    assert [loads.get_by_label(f"载荷 kg {number}").input_value() for number in (1, 2, 3)] == [
        "0",
        "2.5",
        "10",
    ]
    loads.get_by_role("button", name="添加一行：示值误差").click()
    loads.get_by_label("载荷 kg 4").fill("15")
    for number, indication in enumerate(("0", "2.5025", "10.005", "15.0076"), start=1):
        loads.get_by_label(f"示值 kg {number}").fill(indication)
    errors = loads.locator("tbody tr").all_inner_texts()
    assert [text.strip().splitlines()[-1] for text in errors] == [
        "0.00 g (±2.5) ✓",
        "2.50 g (±2.5) ✓",
        "5.00 g (±5) ✓",
        "7.60 g (±7.5) ✗",
    ]
    loads.get_by_label("示值 kg 4").fill("15.0075")
    assert "U 0.5 g ≤ 1/3 MPE ✓" in loads.inner_text()
    read_places(device)
    assert page.inner_text("#verdict") == "结论：合格", page.inner_text("main")
    page.get_by_label("所贴标志1编号").fill("7KQ2-M9X0-01RC-CF83")
    assert "由办公系统核对" in page.inner_text("#sticker-0-said")
    look(device, "round-scale")
    device.sign()
    come_back(device)
    page.get_by_text("1条记录已同步").wait_for()
    page.locator("button.card", has_text="YH010341").click()
    assert "从未发放" in page.inner_text("main"), "the office says at once that nobody has given it out"
    look(device, "round-scale-answer")
    assert not device.faults
    sign_off(office, desk)
    show_refused(office, desk)


def read_places(device):
    """Eccentric loading at five places, and one load three times."""
    page = device.page
    page.get_by_label("偏载 载荷 kg").fill("5")
    device.read("偏载", "5", "5.005", "5", "4.995", "5.006", unit="kg")
    assert "6.00 g (±5) ✗" in device.series("偏载").inner_text()
    device.series("偏载").get_by_label("示值 kg 5").fill("5.0025")
    page.get_by_label("重复性 载荷 kg").fill("7.5")
    device.read("重复性", "7.5", "7.505", "7.495", unit="kg")
    assert "重复性 10.00 g 不合格" in device.series("重复性").inner_text(), "although each keeps its limit"
    device.read("重复性", "7.5", "7.505", "7.5025", unit="kg")
    assert "重复性 5.00 g 合格" in device.series("重复性").inner_text()


def show_refused(office, desk):
    """The document is issued; its sticker is not bound, and the round's page says why."""
    page, round_ = desk[APPROVER], find_round(office, desk, MARKET)
    page.goto(f"{office.url}/rounds/{round_}")
    row = page.locator(".scroll table").first.locator("tbody tr").first.inner_text()
    assert "未登记" in row, row
    assert "从未发放" in row
    page.get_by_role("button", name="登记待处理标志").click()
    page.wait_for_url(re.compile(f"{round_}$"))
    assert "从未发放" in page.inner_text(".scroll table"), "tried again, and still not ours"
    keep_page(page, office, f"/rounds/{round_}", "round-sticker-refused")
