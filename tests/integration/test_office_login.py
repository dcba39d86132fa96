"""Logging in: who is let in, who is refused and with which words, and how long it lasts; on both databases."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from office_world import OTHER, PASSWORD, URL, find_form_token, open_office_world
from world import INSTITUTION

from api.office.application import build_office
from api.office.operations import Operation
from api.office.roles import OfficeRole
from api.office.sessions import ABSOLUTE, IDLE, hash_token
from api.office.totp import compute_code
from ledger.core.errors import LogIntegrityError
from ledger.core.step import Sentence

ROLES = ["administrator", "operator", "auditor"]


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=ROLES) as world:
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(request, tmp_path):
    """The same on either database, for what the database decides."""
    with ExitStack() as stack:
        urls = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            urls = [stack.enter_context(server.fresh_database()) for _ in range(3)]
        yield stack.enter_context(open_office_world(tmp_path, urls=urls, roles=ROLES))


def happened(world, tenant=INSTITUTION):
    with world.office.store.read() as office:
        return [one.event for one in office.list_happenings(tenant, 50)]


def account(world, name, tenant=INSTITUTION):
    with world.office.store.read() as office:
        return office.fetch_account(tenant, world.accounts[tenant, name])


# --- in and out ---------------------------------------------------------------------------------------------


def test_with_name_password_and_code_somebody_gets_in_and_out(on_both):
    browser = on_both.browser("operator")
    page = browser.get("/")
    assert page.status_code == 200
    assert "operator某" in page.text
    token = browser.cookies["office"]
    assert on_both.post(browser, "/logout").headers["location"] == "/login"
    browser.cookies.set("office", token)
    assert browser.get("/").status_code == 401, "the session has ended, whoever still has its cookie"
    assert {"logged-in", "logged-out"} <= set(happened(on_both))


def test_the_cookie_is_guarded(world):
    client = world.client()
    world.clock.move(seconds=30)
    answer = client.post("/login", data=world.login_form("operator"))
    cookie = answer.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert "Domain" not in cookie
    with world.office.store.read() as office:
        assert office.find_session(hash_token(client.cookies["office"])) is not None
        assert office.find_session(client.cookies["office"].encode()) is None, "only the hash is stored"


def test_logging_in_again_gives_another_token_and_ends_the_old_one(world):
    browser = world.browser("operator")
    old = browser.cookies["office"]
    world.clock.move(seconds=30)
    assert browser.post("/login", data=world.login_form("operator")).status_code == 303
    assert browser.cookies["office"] != old
    other = world.client()
    other.cookies.set("office", old)
    assert other.get("/").status_code == 401


def test_a_stranger_gets_a_page_that_says_where_to_log_in(world):
    answer = world.client().get("/documents")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Session")
    assert 'href="/login"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert world.client().get("/api/whoami").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["x", "", "A" * 43, "ü" * 10, "A" * 5000])
def test_a_made_up_token_is_nobody(world, token):
    client = world.client()
    assert client.get("/", headers={"Cookie": f"office={token}".encode()}).status_code == 401


# --- refused ------------------------------------------------------------------------------------------------

WRONG = [
    {"name": "nobody"},
    {"password": "another pass phrase"},
    {"password": ""},
    {"code": "000000"},
    {"code": ""},
    {"code": "ABCD-EFGH-JKMN-PQRS"},
    {"tenant": OTHER},
    {"tenant": "999999-99"},
    {"tenant": ""},
    {"name": "operator' OR '1'='1"},
]


def test_whatever_is_wrong_is_answered_with_the_same_page(world):
    pages = set()
    world.enrol("gone", frozenset({OfficeRole.OPERATOR}))
    with world.office.store.write() as office:
        from dataclasses import replace

        office.change_account(replace(account(world, "gone"), is_active=False))
    for wrong in [*WRONG, {"name": "gone"}]:
        world.clock.move(hours=30)
        answer = world.client().post("/login", data=world.login_form("operator", **wrong))
        assert answer.status_code == 401, wrong
        pages.add(answer.text.replace('value="999999-99"', "").replace(" selected", ""))
    assert len(pages) == 1
    assert happened(world).count("log-in-refused") >= len(WRONG) - 3


def test_a_code_counts_once(on_both):
    on_both.clock.move(seconds=30)
    form = on_both.login_form("operator")
    assert on_both.client().post("/login", data=form).status_code == 303
    assert on_both.client().post("/login", data=form).status_code == 401
    on_both.clock.move(seconds=30)
    assert on_both.client().post("/login", data=on_both.login_form("operator")).status_code == 303


def test_a_recovery_code_stands_in_for_the_app_once(on_both):
    browser = on_both.browser("operator")
    page = on_both.post(browser, "/account/codes", {"old": PASSWORD}).text
    code = page.partition("<li><code>")[2].partition("<")[0]
    form = on_both.login_form("operator", code=code)
    assert on_both.client().post("/login", data=form).status_code == 303
    assert on_both.client().post("/login", data=form).status_code == 401


def test_after_five_refusals_the_right_password_waits_too(on_both):
    for _ in range(6):
        assert (
            on_both.client().post("/login", data=on_both.login_form("operator", code="000000")).status_code
            == 401
        )
    on_both.clock.move(seconds=29)
    answer = on_both.client().post("/login", data=on_both.login_form("operator"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    unknown = [
        on_both.client().post("/login", data=on_both.login_form("operator", name="nobody")).status_code
        for _ in range(7)
    ]
    assert unknown == [401] * 6 + [429], "a name that nobody has is counted the same"
    on_both.clock.move(seconds=1)
    assert on_both.client().post("/login", data=on_both.login_form("operator")).status_code == 303


def test_an_address_that_tries_many_names_waits(world):
    codes = [
        world.client().post("/login", data=world.login_form("operator", name=f"name{number}")).status_code
        for number in range(33)
    ]
    assert codes[:31] == [401] * 31
    assert codes[-1] == 429


# --- how long it lasts --------------------------------------------------------------------------------------


def test_a_session_that_is_not_used_ends(world):
    browser = world.browser("operator")
    world.clock.now += IDLE - timedelta(seconds=1)
    assert browser.get("/").status_code == 200
    world.clock.now += IDLE - timedelta(seconds=1)
    assert browser.get("/").status_code == 200, "use was noted"
    world.clock.now += IDLE
    assert browser.get("/").status_code == 401


def test_no_session_lasts_longer_than_a_day_of_work(world):
    browser = world.browser("operator")
    end = world.clock.now + ABSOLUTE
    while world.clock.now + timedelta(minutes=20) < end:
        world.clock.move(minutes=20)
        assert browser.get("/").status_code == 200
    world.clock.now = end
    assert browser.get("/").status_code == 401


def test_whoever_is_disabled_or_changed_is_logged_out(on_both):
    administrator = on_both.browser("administrator")
    identity = on_both.accounts[INSTITUTION, "operator"]
    changes = {"display": "新名", "pid": "P-9", "roles": ["checker"]}
    for path, data in ((f"/staff/{identity}", changes), (f"/staff/{identity}/disable", {})):
        browser = on_both.browser("operator")
        assert on_both.post(administrator, path, data).status_code == 303
        assert browser.get("/").status_code == 401
    assert not account(on_both, "operator").is_active
    assert account(on_both, "operator").roles == {OfficeRole.CHECKER}
    assert on_both.post(administrator, f"/staff/{identity}/enable").status_code == 303
    assert on_both.browser("operator").get("/").status_code == 200


def test_another_password_ends_every_session(world):
    one, two = world.browser("operator"), world.browser("operator")
    new = {"old": PASSWORD, "password": "quite another phrase", "again": "quite another phrase"}
    assert world.post(one, "/account/password", {**new, "old": "wrong wrong wrong"}).status_code == 422
    assert world.post(one, "/account/password", new).status_code == 303
    assert one.get("/").status_code == two.get("/").status_code == 401
    world.clock.move(seconds=30)
    assert world.client().post("/login", data=world.login_form("operator")).status_code == 401
    form = world.login_form("operator", password="quite another phrase")
    assert world.client().post("/login", data=form).status_code == 303


# --- forms of other pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_page_changes_nothing(world, headers):
    browser = world.browser("administrator")
    data = {"name": "mallory", "display": "M", "roles": ["administrator"]}
    answer = world.post(browser, "/staff", data, headers=headers)
    assert answer.status_code == 403
    assert "nothing was changed" in answer.text.lower()
    assert "mallory" not in browser.get("/staff").text
    assert (
        world.client().post("/login", data=world.login_form("operator"), headers=headers).status_code == 403
    )


@pytest.mark.parametrize("token", ["", "x", "0" * 64, None])
def test_a_form_without_its_token_changes_nothing(world, token):
    browser = world.browser("administrator")
    data = {"name": "mallory", "display": "M", "roles": ["administrator"]}
    assert (
        browser.post("/staff", data=data if token is None else {**data, "form_token": token}).status_code
        == 403
    )
    other = find_form_token(world.browser("operator").get("/account").text)
    assert browser.post("/staff", data={**data, "form_token": other}).status_code == 403
    assert "mallory" not in browser.get("/staff").text


@pytest.mark.parametrize("host", ["evil.example", "localhost:8003.evil.example", "", "localhost"])
def test_another_name_leads_nowhere(world, host):
    assert world.client().get("/login", headers={"Host": host}).status_code == 421


def test_every_answer_has_the_headers_that_guard_it(world):
    for path in ("/login", "/documents", "/nothing", "/static/office.css", "/api/whoami"):
        headers = world.client().get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


# --- the first password -------------------------------------------------------------------------------------


def add(world, name="wang", **changes):
    browser = world.browser("administrator")
    data = {"name": name, "display": "王示例", "pid": "P-7", "roles": ["operator"], **changes}
    page = world.post(browser, "/staff", data)
    return page, page.text.rpartition("code <code>")[2].partition("<")[0]


def enrol_form(code, /, **changes):
    form = {"tenant": INSTITUTION, "name": "wang", "code": code, "password": PASSWORD, "again": PASSWORD}
    return {**form, **changes}


def test_a_new_account_chooses_its_password_and_logs_in(on_both):
    page, code = add(on_both)
    assert page.status_code == 200
    client = on_both.client()
    shown = client.post("/enrol", data=enrol_form(code))
    assert shown.status_code == 200, shown.text
    with on_both.office.store.read() as office:
        found = office.find_credentials(INSTITUTION, "wang")
    secret = on_both.office.box.open(found.totp, found.account.id)
    on_both.secrets[INSTITUTION, "wang"] = secret
    whom = {"tenant": INSTITUTION, "name": "wang", "code": code}
    assert client.post("/login", data=on_both.login_form("wang")).status_code == 401, (
        "not before the app is shown"
    )
    assert client.post("/enrol/app", data={**whom, "shown": "000000"}).status_code == 422
    done = client.post("/enrol/app", data={**whom, "shown": compute_code(secret, on_both.clock.now)})
    assert done.text.count("<li><code>") == 10
    on_both.clock.move(seconds=30)
    assert client.post("/login", data=on_both.login_form("wang")).status_code == 303
    assert client.post("/enrol", data=enrol_form(code)).status_code == 422, "the code was used"


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "0000-0000-0000-0000"},
        {"code": ""},
        {"name": "nobody"},
        {"tenant": OTHER},
        {"password": "short"},
    ],
)
def test_a_wrong_code_chooses_no_password(world, changes):
    _, code = add(world)
    answer = world.client().post("/enrol", data=enrol_form(code, **changes))
    assert answer.status_code == 422
    with world.office.store.read() as office:
        assert office.find_credentials(INSTITUTION, "wang").password is None


def test_a_code_is_good_for_a_week(world):
    _, code = add(world)
    world.clock.move(days=7)
    assert world.client().post("/enrol", data=enrol_form(code)).status_code == 422


def test_an_account_that_starts_again_has_lost_what_it_had(on_both):
    administrator = on_both.browser("administrator")
    browser = on_both.browser("operator")
    answer = on_both.post(administrator, f"/staff/{on_both.accounts[INSTITUTION, 'operator']}/reset")
    assert "Code for" in answer.text
    assert browser.get("/").status_code == 401
    on_both.clock.move(seconds=30)
    assert on_both.client().post("/login", data=on_both.login_form("operator")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Lin!"}, "Name"),
        ({"name": "operator"}, "already"),
        ({"display": ""}, "Person"),
        ({"pid": ""}, "Pseudonym in the register"),
        ({"pid": "not a pid"}, "Pseudonym in the register"),
        ({"roles": []}, "Roles"),
        ({"roles": ["machine"]}, "Roles"),
        ({"roles": ["auditor", "operator"]}, "Roles"),
        ({"display": "x" * 200}, "Person"),
    ],
)
def test_a_bad_account_is_refused_by_field(world, changes, words):
    page, _ = add(world, **changes)
    assert page.status_code == 422
    assert words in page.text.partition('role="alert"')[2].partition("</div>")[0]


def test_nobody_takes_the_last_administrator_away(world):
    browser = world.browser("administrator")
    identity = world.accounts[INSTITUTION, "administrator"]
    data = {"display": "x", "roles": ["auditor"]}
    assert world.post(browser, f"/staff/{identity}", data).status_code == 422
    assert world.post(browser, f"/staff/{identity}/disable").status_code == 422
    assert account(world, "administrator").is_active


XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_text_never_becomes_markup(world):
    browser = world.browser("administrator")
    data = {"name": "mallory", "display": XSS, "roles": ["authority"]}
    assert world.post(browser, "/staff", data).status_code == 200
    pages = [browser.get(path).text for path in ("/staff", "/happenings")]
    pages.append(world.post(browser, "/machines", {"name": XSS, "key": XSS}).text)
    pages.append(world.client().post("/login", data={"name": XSS, "tenant": INSTITUTION}).text)
    pages.append(world.client().post("/enrol", data={"name": XSS[:40], "code": XSS[:40], "tenant": "x"}).text)
    operator = world.browser("operator")
    paths, names = ("/documents", "/sites", "/due", "/registers"), ("q", "site", "when", "on", "before")
    pages += [operator.get(path, params={name: XSS}).text for path in paths for name in names]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


# --- what was written down ----------------------------------------------------------------------------------


def test_what_happened_is_never_changed(on_both):
    on_both.browser("operator")
    database = on_both.office.store._database
    from sqlalchemy import text

    for change in ("UPDATE office_happenings SET name = 'x'", "DELETE FROM office_happenings"):
        with pytest.raises(LogIntegrityError), database.write() as connection:
            connection.execute(text(change))
    assert "logged-in" in happened(on_both)


def test_a_refused_request_is_written_down_and_an_auditor_sees_it(world):
    world.browser("operator").get("/staff")
    page = world.browser("auditor").get("/happenings").text
    assert "not allowed" in page
    assert "staff.list" in page


def test_the_other_institution_sees_nothing_of_it(world):
    world.browser("operator")
    page = world.browser("auditor", OTHER).get("/happenings").text
    assert page.count("<tr>") == 2, "the head and the auditor's own log-in"


def test_older_happenings_are_a_page_further(on_both):
    for _ in range(101):
        with on_both.office.store.write() as office:
            office.note("refused", on_both.clock.now, tenant=INSTITUTION, name="n", detail="d")
    browser = on_both.browser("auditor")
    page = browser.get("/happenings").text
    older = page.partition("?before=")[2].partition('"')[0]
    assert "?before=" not in browser.get(f"/happenings?before={older}").text


# --- errors -------------------------------------------------------------------------------------------------


def test_an_error_of_ours_ends_as_an_id_and_no_detail(world):
    def fall(_call):
        raise RuntimeError("secret detail")

    one = Operation("x.y", "GET", "/x", fall, frozenset(), Sentence("x", "x"))
    from starlette.testclient import TestClient

    client = TestClient(build_office(world.office, (one,)), base_url=URL)
    answer = client.get("/x")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text


def test_a_ledger_out_of_reach_is_said_so(world):
    world.gateway.fail_always("registers")
    answer = world.browser("operator", language="zh-CN").get("/registers")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "暂时无法" in answer.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("on=2026-02-30", "日期：不是日期"),
        ("on=x&on=y", "日期：重复填写"),
        ("on=" + "9" * 30, "日期：不超过"),
        ("on=%00", "日期：含有无法显示的字符"),
    ],
)
def test_a_bad_day_is_refused_by_its_field(world, query, words):
    answer = world.browser("operator", language="zh-CN").get(f"/registers?{query}")
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize("name", ["%00", "a%0Ab", "%E2%80%AE", "%FF"])
def test_a_name_in_a_path_that_cannot_be_printed_is_not_found(on_both, name):
    administrator = on_both.browser("administrator")
    for path in (f"/staff/{name}", f"/static/{name}"):
        assert administrator.get(path).status_code == 404
    assert on_both.browser("operator").get(f"/documents/{name}").status_code == 404


def test_the_language_is_the_browsers_and_can_be_chosen(world):
    client = world.client(language="zh-CN,zh;q=0.9")
    assert '<html lang="zh-CN">' in client.get("/login").text
    assert '<html lang="en">' in client.get("/login?lang=en").text
    assert '<html lang="en">' in client.get("/login").text, "the choice is kept"
