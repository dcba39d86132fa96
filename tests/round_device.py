"""A device with the page of rounds: a browser of its own, as an operator uses it on site.

>>> device = Device(browser, office, "平板一")
>>> device.set_up()
>>> device.take_along()
"""

import re

from browsers import ARTEFACTS
from office_browser import log_in, open_context

SECRET = "a pass phrase of the device"
SEAL = "B1-4711"


def shoot(page, name, width=360):
    """Keep how a page looks."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{width}.png", full_page=True)


class Device:
    """A browser of its own, with the page of rounds."""

    def __init__(self, browser, office, label, language="zh-CN"):
        self.office, self.label = office, label
        self.context = open_context(browser, language, viewport={"width": 360, "height": 740})
        self.faults = []
        self.page = self.open()

    def open(self):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console",
            lambda one: (
                self.faults.append(one.text) if one.type == "error" and "ERR_" not in one.text else None
            ),
        )
        return page

    def set_up(self, name="lin"):
        log_in(self.page, self.office, name)
        self.page.goto(f"{self.office.url}/round/")
        self.page.fill("#label", self.label)
        self.page.fill("#passphrase", SECRET)
        self.page.fill("#again", SECRET)
        self.page.click("main button")
        self.page.locator("#unsent").wait_for()
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    def take_along(self, title=""):
        self.page.get_by_role("button", name=re.compile("下载任务单|Take a round")).click()
        self.page.locator("button.card", has_text=title).first.click()
        self.page.get_by_text(re.compile("任务单已下载|is on this device")).wait_for()

    def start_cold(self):
        """Close the page and open it again, with nothing but what the device has."""
        self.page.close()
        self.page = self.open()
        self.page.goto(f"{self.office.url}/round/")

    def unlock(self, secret=SECRET):
        self.page.fill("#passphrase", secret)
        self.page.click("main form button")

    def open_round(self, title=""):
        self.page.locator("button.card", has_text=title).first.click()

    def open_item(self, serial):
        """Open one instrument; say that its nameplate and its seals are in order."""
        page = self.page
        page.locator("button.card", has_text=serial).click()
        page.get_by_label("相符", exact=True).check()
        page.get_by_label("完好").check()

    def series(self, legend):
        """Return the box of one series."""
        found = self.page.locator(
            "fieldset", has=self.page.locator("legend", has_text=re.compile(f"^{legend}$"))
        )
        assert found.count() == 1, self.page.locator("legend").all_inner_texts()
        return found

    def read(self, legend, *readings, unit="L"):
        """Write down the indications of one series."""
        for number, measured in enumerate(readings, start=1):
            self.series(legend).get_by_label(f"示值 {unit} {number}").fill(measured)

    def verify(self, serial, readings, *, seal=SEAL):
        """Write down one pump that is measured as a whole."""
        page = self.page
        self.open_item(serial)
        for number, measured in enumerate(readings, start=1):
            page.get_by_label(f"示值 L {number}").fill(measured)
        page.get_by_role("button", name="添加铅封").click()
        page.get_by_label("铅封1编号").fill(seal)
        page.get_by_label("铅封1位置").fill("主板与壳体")

    def sign(self):
        self.page.get_by_role("button", name="完成：在本机签名").click()
        self.page.get_by_text("已签名并保存在本机").wait_for()

    def sync(self):
        self.page.get_by_role("button", name="同步到办公系统").click()

    def said(self):
        return self.page.inner_text("#said")
