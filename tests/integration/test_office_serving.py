"""`hengzheng serve office` and `hengzheng office account` on real homes, with the ledger elsewhere."""

import base64
import re
import shutil
from datetime import UTC, datetime

import httpx2
import pytest
from line import INSTITUTION, Line, meter, run, write_json
from served_home import serve

from api.office.serving import open_office
from api.office.totp import compute_code
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.home import open_home

PASSWORD = "a long pass phrase"


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = Line(tmp_path_factory.mktemp("office"))
    with line.chain():
        line.found()
        line.issue(write_json(line.out / "one.json", meter(1)))
    return line


def office(line, *words, code=0):
    return line.run("office", "account", *words, code=code)


def make_browser(url):
    return httpx2.Client(base_url=url, headers={"Origin": url}, trust_env=False)


def log_in(client, members):
    """Choose a password, set the app up, log in."""
    whom = {"tenant": members["institution"], "name": members["account"], "code": members["code"]}
    page = client.post("/enrol", data={**whom, "password": PASSWORD, "again": PASSWORD}).text
    secret = base64.b32decode(re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", ""))
    done = client.post("/enrol/app", data={**whom, "shown": compute_code(secret, datetime.now(UTC))})
    recovery = re.search(r"<li><code>([A-Z0-9-]+)</code>", done.text)[1]
    form = {
        "tenant": members["institution"],
        "name": members["account"],
        "password": PASSWORD,
        "code": recovery,
    }
    assert client.post("/login", data=form).status_code == 303


def test_accounts_are_made_listed_reset_and_disabled_by_command(line):
    made = office(line, "add", "guan", "--display", "管示例", "--role", "administrator")
    assert made["institution"] == INSTITUTION
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", made["code"])
    assert (
        office(line, "add", "guan", "--display", "x", "--role", "auditor", code=2)["kind"] == "AlreadyIssued"
    )
    assert office(line, "reset", "guan")["code"] != made["code"]
    assert office(line, "disable", "guan")["state"] == "disabled"
    listed = office(line, "list")["accounts"]
    assert listed == [
        {"name": "guan", "display": "管示例", "pid": "", "roles": ["administrator"], "state": "disabled"}
    ]
    assert "管示例" in run("office", "account", "list", "--home", line.home).out


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["add", "Guan", "--display", "x", "--role", "auditor"], "name"),
        (["add", "lin", "--display", "", "--role", "auditor"], "display"),
        (["add", "lin", "--display", "x", "--role", "root"], "roles"),
        (["add", "lin", "--display", "x", "--role", "operator"], "pid"),
    ],
)
def test_a_bad_account_is_refused_by_field(line, words, field):
    assert office(line, *words, code=2)["field"] == field


@pytest.mark.parametrize("command", ["reset", "disable"])
def test_an_account_that_is_not_there(line, command):
    assert office(line, command, "nobody", code=2)["kind"] == "NotFound"


def test_an_office_talks_to_a_ledger_elsewhere(line):
    """The ledger holds the home's lock; the office only reads its registers and hands documents in."""
    made = office(line, "add", "zhang", "--display", "张示例", "--role", "operator", "--pid", "P0")
    with serve(line.home, "all", "--anchor-seconds", 0) as ledger:
        with (
            serve(line.home, "office", "--ledger", ledger.url) as server,
            make_browser(server.url) as browser,
        ):
            log_in(browser, made)
            assert "JY2026-000001" in browser.get("/documents").text
            assert "S1" in browser.get("/registers?lang=en").text
            assert server.stop()[0] == 0
        with serve(line.home, "office", "--ledger", ledger.url) as server:
            assert ledger.stop()[0] == 0
            answer = httpx2.get(f"{server.url}/login", trust_env=False)
            assert answer.status_code == 200, "nobody needs the ledger to log in"


def test_where_the_ledger_is_away_pages_say_so_and_the_same_is_asked_again(line):
    """A real ledger, stopped and started again at its place; each roll that was answered is there once."""
    made = office(line, "add", "gao", "--display", "高示例", "--role", "administrator")
    with (
        serve(line.home, "ledger", "--anchor-seconds", 0) as ledger,
        serve(line.home, "office", "--ledger", ledger.url) as server,
        make_browser(server.url) as browser,
    ):
        log_in(browser, made)
        token = re.search(r'name="form_token" value="(\w+)"', browser.get("/stickers").text)[1]
        form, port = {"form_token": token, "stickers": "7"}, ledger.url.rpartition(":")[2]
        assert ledger.stop()[0] == 0
        answer = browser.post("/stickers/rolls?lang=en", data=form)
        assert answer.status_code == 503
        assert "The ledger is out of reach" in answer.text
        assert "Nothing was signed or changed" in answer.text
        assert browser.get("/stickers").status_code == 200
        with serve(line.home, "ledger", "--anchor-seconds", 0, "--port", port):
            codes = [browser.post("/stickers/rolls", data=form).status_code for _ in range(2)]
            page = browser.get("/stickers?lang=en").text
    assert codes[-1] == 303
    assert "Signed, waiting for the ledger" not in page
    assert page.count('<td class="id"><a href="/stickers/rolls/') == codes.count(303)


def test_the_sessions_of_an_office_outlive_its_process(line):
    made = office(line, "add", "wang", "--display", "王示例", "--role", "auditor")
    with serve(line.home, "office") as server, make_browser(server.url) as browser:
        log_in(browser, made)
        cookie = browser.cookies["office"]
        server.process.kill()
    with serve(line.home, "office") as server:
        answer = httpx2.get(f"{server.url}/", headers={"Cookie": f"office={cookie}"}, trust_env=False)
        assert answer.status_code == 200


def opened(line, *others, url="http://localhost:8003"):
    with open_office(open_home(line.home), others, None, url, ledger=None, seal_key="seal") as found:
        return set(found.tenants)


def test_what_no_office_is_made_of(line, tmp_path):
    assert opened(line) == {INSTITUTION}
    with pytest.raises(InputError, match="--url"):
        opened(line, url="http://office.example.cn")
    twin = tmp_path / "twin"
    shutil.copytree(line.home, twin)
    with pytest.raises(InputError, match="two homes are of the institution"):
        opened(line, twin)
    (twin / "institution.json").unlink()
    with pytest.raises(NotFoundError, match=r"institution\.json"):
        opened(line, twin)
    stranger = Line(tmp_path / "stranger")
    stranger.init()
    with pytest.raises(StateError, match="another log"):
        opened(line, stranger.home)


def test_an_office_for_an_institution_that_the_log_does_not_know(line, tmp_path):
    unknown = tmp_path / "unknown"
    shutil.copytree(line.home, unknown)
    path = unknown / "institution.json"
    path.write_text(path.read_text("utf-8").replace(INSTITUTION, "350100-77"), "utf-8")
    with pytest.raises(InputError, match="the log knows no institution"):
        opened(line, unknown)


# --- authorities --------------------------------------------------------------------------------------------


@pytest.fixture
def authority(line, tmp_path):
    """Return the home of the authority: its key, no seal, no profile."""
    home = tmp_path / "authority"
    shutil.copytree(line.home, home)
    for path in (home / "institution.json", *home.glob("desk.db*"), *home.glob("office.db*")):
        path.unlink(missing_ok=True)
    (home / "authority.json").write_text('{"authority": "CN-35"}')
    return home


def test_an_authority_is_a_tenant_beside_an_institution(line, authority):
    """One process for both; documents of the region are looked up in the ledger that the office has opened."""
    words = ("--display", "郑示例", "--tenant", authority)
    assert (
        office(line, "add", "zheng", "--role", "operator", *words, "--pid", "P1", code=2)["field"] == "roles"
    )
    made = office(line, "add", "zheng", "--role", "authority", *words)
    assert made["institution"] == "CN-35"
    with (
        serve(line.home, "office", "--tenant", authority) as server,
        make_browser(server.url) as browser,
    ):
        log_in(browser, made)
        assert "350100-01" in browser.get("/region").text
        assert "JY2026-000001" in browser.get("/rulings", params={"institution": INSTITUTION}).text
        assert browser.get("/documents").status_code == 404
    assert opened(line, authority) == {INSTITUTION, "CN-35"}


def test_what_no_authoritys_home_is(line, authority, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(authority, twin)
    with pytest.raises(InputError, match="two homes are of the authority CN-35"):
        opened(line, authority, twin)
    for text, error in (
        ('{"authority": "CN-36"}', "the log knows no authority CN-36"),
        ('{"authority": "CN 35"}', "authority"),
        ('{"authority": "CN-35", "key": "x"}', "unknown member"),
        ("{", "JSON"),
    ):
        (twin / "authority.json").write_text(text)
        with pytest.raises(InputError, match=error):
            opened(line, twin)
