"""A workbook of thirty instruments whose three persons have keys, in a browser: drafts, three signatures, seals.

Screenshots lie in `test-artifacts/office`, for people to look at. `HENGZHENG_LONG=1` takes a thousand rows.
"""

import json
import os
import re
import signal
from urllib.parse import urlsplit

import httpx2
import pytest
from browsers import ARTEFACTS, chromium, find_violations
from line import DAY, INSTITUTION
from office_browser import PASSWORD, Office, log_in, open_context
from served_home import serve
from sheets import workbook
from signoff_line import APPROVER, CHECKER, OPERATOR, PEOPLE, SignOffLine

from issuer.tables import DocumentState
from ledger.core.certificate import parse_certificate
from ledger.home import find_passphrase

COUNT = 1000 if os.environ.get("HENGZHENG_LONG") else 30
BAD_ROW = 9
WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = SignOffLine(tmp_path_factory.mktemp("import"))
    with line.chain():
        line.found()
        line.register()
        line.passphrase = find_passphrase(line.opened)
        line.run("anchor")
        (line.home / "institution.json").write_bytes(line.institution.read_bytes())
        yield line


def cells(line, number):
    """Return a pump as the cells of a row, by the names of columns."""
    value = line.content(number)
    row = {name: value[name] for name in ("request_id", "kind", "conclusion", "verified_on")}
    row |= {"adjusted": "false", "instrument.site.division": value["instrument"].pop("site")["division"]}
    row |= {f"instrument.{name}": text for name, text in value["instrument"].items()}
    row |= {f"standards.1.{name}": text for name, text in value["standards"][0].items()}
    result = value["results"][0]
    row |= {f"item.{result['item']}.{name}": result[name] for name in ("unit", "error_unit")}
    for name, text in result["points"][0].items():
        row[f"item.{result['item']}.1.{name}"] = str(text).lower() if isinstance(text, bool) else text
    for pid, role in PEOPLE.items():
        row |= {f"{role}.pid": pid, f"{role}.signed_at": f"{DAY} 10:00"}
    return row


def make_workbook(line):
    """Return thirty good rows, and one in between whose conclusion nobody knows."""
    rows = [cells(line, number) for number in range(1, COUNT + 1)]
    rows.insert(BAD_ROW - 2, cells(line, COUNT + 1) | {"conclusion": "perhaps"})
    return workbook([list(rows[0]), *(list(row.values()) for row in rows)])


class Desk:
    """The office as its people meet it, each in a browser of their own."""

    def __init__(self, line, office, browser):
        self.line, self.office = line, office
        self.pages = {name: open_context(browser, "zh-CN").new_page() for name in PEOPLE}
        for name, page in self.pages.items():
            log_in(page, office, name)

    def go(self, name, path):
        page = self.pages[name]
        answer = page.goto(self.office.url + path)
        assert answer.status == 200, path
        return page

    def sign(self, page, button):
        """Type the passphrase of the person whose page it is, and sign."""
        name = next(one for one, its in self.pages.items() if its is page)
        page.fill("#f-passphrase", self.line.secret(name).read_text("utf-8").strip())
        with page.expect_navigation(timeout=300_000):
            page.click(f"button:has-text('{button}')")
        return page

    def take_over(self, page):
        with page.expect_navigation(timeout=300_000):
            page.click("button:has-text('将本人的行转为草稿')")

    def keep(self, name, path, title):
        """Look at a page in both languages, at both widths."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page = self.pages[name]
        for language in ("en", "zh"):
            separator = "&" if "?" in path else "?"
            page.goto(f"{self.office.url}{path}{separator}lang={language}")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                page.screenshot(path=ARTEFACTS / f"{title}-{language}-{width}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{path} is {wide} px wide in a window of {width}"
            assert not find_violations(page), path


@pytest.fixture(scope="module")
def desk(line):
    codes = {}
    for name, role in PEOPLE.items():
        words = ("--display", name, "--role", role, "--pid", name)
        codes[name] = line.run("office", "account", "add", name, *words)["code"]
    with (
        serve(line.home, "ledger", "--anchor-seconds", 0) as ledger,
        serve(line.home, "office", "--ledger", ledger.url) as server,
        chromium() as browser,
    ):
        office = Office(f"http://localhost:{urlsplit(server.url).port}")
        office.recovery = {name: office.enrol(name, code, INSTITUTION) for name, code in codes.items()}
        yield Desk(line, office, browser)


def hand_in(desk, raw):
    page = desk.go(OPERATOR, "/imports")
    page.set_input_files("#f-file", {"name": "加油机.xlsx", "mimeType": "application/zip", "buffer": raw})
    page.click("form[action='/imports'] button")
    page.wait_for_url(re.compile(r"/imports/i-"), timeout=120_000)
    return page.url.removeprefix(desk.office.url)


def test_a_workbook_becomes_sealed_documents_once_each(line, desk):
    raw = make_workbook(line)
    path = hand_in(desk, raw)
    page = desk.pages[OPERATOR]
    text = page.inner_text("main")
    assert "不能直接签发" in text
    assert all(name in text for name in PEOPLE)
    assert not page.locator("button:has-text('以批准人身份签发')").count()
    assert page.locator("pre").count() == 3, "three samples"
    desk.keep(OPERATOR, path, "import-signoff")
    desk.keep(APPROVER, path, "import-signoff-approver")

    page = desk.go(OPERATOR, path)
    page.fill("#f-applicant", "福州示例石油有限公司")
    page.fill("#f-what", f"燃油加油机 {COUNT} 台")
    desk.take_over(page)
    assert f"草稿 ({COUNT})" in page.inner_text("main")
    assert page.locator("td code", has_text="MALFORMED").count(), (
        "the bad row is still there, with its reason"
    )
    desk.keep(OPERATOR, path, "import-drafted")
    desk.keep(OPERATOR, "/imports", "imports-drafted")

    page = desk.go(OPERATOR, path)
    page.click("a:has-text('签名并提交')")
    page.wait_for_load_state()
    assert page.locator("input[name=draft]:checked").count() == COUNT
    assert (page.input_value("#f-checker"), page.input_value("#f-approver")) == (CHECKER, APPROVER)
    desk.keep(OPERATOR, page.url.removeprefix(desk.office.url), "import-drafts")
    page = desk.go(OPERATOR, page.url.removeprefix(desk.office.url).partition("&lang")[0])
    page = desk.sign(page, "签名并提交所选")
    assert f"完成：{COUNT}" in page.inner_text("main")

    page = desk.go(CHECKER, "/checks")
    assert page.locator("input[name=draft]").count() == COUNT
    page.check("input[data-tick-all]")
    page = desk.sign(page, "核验并签名所选")
    assert f"完成：{COUNT}" in page.inner_text("main")

    page = desk.go(APPROVER, "/approvals")
    page.click("button:has-text('所选组成批次并抽样')")
    page.wait_for_url(re.compile(r"/batches/\d+"))
    batch = page.url.removeprefix(desk.office.url)
    for _ in range(page.locator(".tag.bad").count()):
        page.locator("tr", has=page.locator(".tag.bad")).first.locator("button").click()
        page.wait_for_url(re.compile(r"/drafts/\d+"))
        page = desk.go(APPROVER, batch)
    page = desk.sign(page, "批准并盖章全部待批准文件")
    assert f"完成：{COUNT}" in page.inner_text("main")
    desk.keep(OPERATOR, path, "import-issued")

    again = hand_in(desk, raw)
    page = desk.go(OPERATOR, again)
    desk.take_over(page)
    assert f"草稿 ({COUNT})" in page.inner_text("main")


def test_every_document_has_three_signatures_and_a_seal_and_is_valid(line, desk):
    """What is served is read beside the servers."""
    from contextlib import closing

    from issuer.signoff.store import SignOffStore
    from ledger.store.engine import Database

    with closing(Database(line.opened.desk_database_url)) as database:
        store = SignOffStore(database, INSTITUTION, line.opened.origin)
        with store.read() as reading:
            documents = list(reading.list_documents())
            drafts = reading.list_drafts()
            bodies = [reading.fetch(one.number).certificate for one in documents]
    assert len(drafts) == len(documents) == COUNT
    assert {one.state for one in documents} == {DocumentState.LOGGED}
    assert len({one.number for one in documents}) == COUNT
    certificates = [parse_certificate(body) for body in bodies]
    assert len({one.record.instrument.serial for one in certificates}) == COUNT
    assert {len(one.proofs) for one in certificates} == {len(PEOPLE) + 1}


# --- kill -9 of the office itself ---------------------------------------------------------------------------


class Visitor:
    """An operator's browser without script, over HTTP alone."""

    def __init__(self, office, name):
        self.client = httpx2.Client(
            base_url=office.url, headers={"Origin": office.url}, trust_env=False, timeout=60
        )
        form = {
            "tenant": INSTITUTION,
            "name": name,
            "password": PASSWORD,
            "code": office.recovery[name].pop(),
        }
        assert self.client.post("/login", data=form).status_code == 303
        page = self.client.get("/account").text
        self.token = page.partition('name="form_token" value="')[2].partition('"')[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def post(self, path, data=None, **options):
        return self.client.post(path, data={"form_token": self.token, **(data or {})}, **options)


@pytest.fixture
def small_line(tmp_path):
    """A line without a chain, whose office opens its own ledger."""
    line = SignOffLine(tmp_path)
    line.init()
    line.set_up_authority()
    line.register()
    (line.home / "institution.json").write_bytes(line.institution.read_bytes())
    return line


@pytest.mark.parametrize(
    ("place", "made"),
    [("signoff.before_rows_commit:2", 256), ("signoff.rows_drafted:1", 256), ("imports.drafted:1", 300)],
)
def test_an_office_that_is_killed_goes_on_with_a_file_where_it_was(small_line, monkeypatch, place, made):
    line, count = small_line, 300
    code = line.run(
        "office", "account", "add", OPERATOR, "--display", "林", "--role", "operator", "--pid", OPERATOR
    )["code"]
    values = [line.content(number) for number in range(1, count + 1)]
    for value in values:
        del value["request_id"]
    raw = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    monkeypatch.setenv("HENGZHENG_FAILPOINT", place)
    form = {"applicant": "福州示例石油有限公司", "what": "加油机"}
    with serve(line.home, "office") as server:
        office = Office(server.url.replace("127.0.0.1", "localhost"))
        office.recovery = {OPERATOR: office.enrol(OPERATOR, code, INSTITUTION)}
        with Visitor(office, OPERATOR) as visitor:
            path = visitor.post("/imports", files={"file": ("round.jsonl", raw)}).headers["location"]
            with pytest.raises(httpx2.TransportError):
                visitor.post(f"{path}/drafts", form)
        assert server.process.wait(timeout=30) == -signal.SIGKILL
    monkeypatch.delenv("HENGZHENG_FAILPOINT")
    assert len(line.office("list")["drafts"]) == made
    with serve(line.home, "office") as server:
        office.url = server.url.replace("127.0.0.1", "localhost")
        with Visitor(office, OPERATOR) as visitor:
            assert "不会重复" in visitor.client.get(f"{path}?lang=zh").text
            assert visitor.post(f"{path}/drafts", form).status_code == 303
            page = visitor.client.get(f"{path}?lang=zh").text
        assert f"草稿 ({count})" in page
        assert "原文件不再保留" in page
    drafts = line.office("list")["drafts"]
    assert len(drafts) == len({one["title"] for one in drafts}) == count
    assert {one["application"] for one in drafts} == {1}
    (line.out / "round.jsonl").write_bytes(raw)
    words = ("draft", line.out / "round.jsonl", "--application", 1, "--person", OPERATOR)
    assert sorted(line.office(*words)["drafts"]) == [one["draft"] for one in drafts], "by command too"
