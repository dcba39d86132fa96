"""What stops a browser on its way is a page in both languages; a program gets the problem document."""

from urllib.parse import urljoin

import pytest
from api_world import ApiWorld
from browsers import chromium, find_violations
from page_reader import Page
from served_app import serving
from verdict_visit import LANGUAGES, Visit

from api.limits import MAX_TARGET_BYTES
from api.routes.scan import MAX_BODY_BYTES
from ledger.core.errors import StoreUnavailableError

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TOO_LONG = {"Content-Length": str(MAX_BODY_BYTES + 1)}
WRONG = {
    "a mistyped address": ("GET", "/C/Y0E5Q0BVPKA486WB", {}, 404, "没有这个页面"),
    "no code": ("GET", "/c/", {}, 404, "没有这个页面"),
    "a file that is too large": ("POST", "/scan", TOO_LONG, 413, "内容过大"),
    "a form where none is": ("POST", "/c/Y0E5Q0BVPKA486WB", {}, 405, "无法处理该请求"),
    "a long address": ("GET", "/c/" + "0" * MAX_TARGET_BYTES, {}, 414, "无法处理该请求"),
    "a proof that is not there": ("GET", "/c/Y0E5Q0BVPKA486WB/bundle.json", {}, 404, "没有这个页面"),
    "a day that is none": ("GET", "/c/Y0E5Q0BVPKA486WB/as-of.json?at=x", {}, 422, "无法处理该请求"),
}


@pytest.fixture(scope="module")
def served():
    with ApiWorld() as world:
        world.found()
        yield world


def ask(served, name, **headers):
    method, path, more, status, headline = WRONG[name]
    answer = served.client.request(method, path, headers={**more, **headers})
    assert answer.status_code == status, answer.text
    return answer, headline


@pytest.mark.parametrize("name", WRONG)
def test_a_browser_gets_a_page_in_both_languages(served, name):
    answer, headline = ask(served, name, **BROWSER)
    page = Page(answer)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == "zh-CN"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert page.headline == headline
    assert page.find("script") == []
    assert [attrs["lang"] for attrs in page.find("p") if "lang" in attrs] == ["en"]
    assert "无效" not in answer.text
    english = served.client.request(
        *WRONG[name][:2], headers={**WRONG[name][2], **BROWSER, "Accept-Language": "en"}
    )
    assert english.headers["content-language"] == "en"
    assert headline in english.text


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0"]
)
@pytest.mark.parametrize("name", WRONG)
def test_a_program_gets_the_problem(served, name, accept):
    answer, _ = ask(served, name, Accept=accept)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


def test_the_language_that_the_address_asks_for_is_kept(served):
    answer = served.client.get("/nothing?lang=en", headers=BROWSER)
    assert Page(answer).headline == "No such page"
    assert 'href="scan?lang=en"' in answer.text


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/nothing", "/prefix/scan"),
        ("/c/", "/prefix/scan"),
        ("/c/Y0E5Q0BVPKA486WB/bundle.json", "/prefix/scan"),
        ("/nothing%2Fat%2Fall", "/prefix/scan"),
        ("/" + "x/" * 300, "/scan"),
    ],
)
def test_the_way_on_leads_to_the_scanner_behind_a_path_prefix(served, path, link):
    answer = served.client.get(path, headers=BROWSER)
    assert answer.status_code == 404
    (found,) = [attrs["href"] for attrs in Page(answer).find("a")]
    assert urljoin(f"https://v.example.cn/prefix{path}", found) == f"https://v.example.cn{link}"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/c/Y0E5Q0BVPKA486WB/", "/prefix/c/Y0E5Q0BVPKA486WB"),
        ("/c/Y0E5Q0BVPKA486WB/?lang=en&x=%2F", "/prefix/c/Y0E5Q0BVPKA486WB?lang=en&x=%2F"),
        ("/c/Y0E5Q0BVPKA486WB%2F", "/prefix/c/Y0E5Q0BVPKA486WB"),
        ("/scan/", "/prefix/scan"),
    ],
)
def test_an_address_with_a_slash_too_many_leads_on_whatever_host_was_named(served, path, wanted):
    answer = served.client.get(path, headers={"Host": "evil.top"}, follow_redirects=False)
    assert answer.status_code == 307
    assert "evil" not in answer.headers["location"]
    assert urljoin(f"https://v.example.cn/prefix{path}", answer.headers["location"]) == (
        f"https://v.example.cn{wanted}"
    )


def test_many_slashes_are_left_one_by_one(served):
    """As browsers count them (WHATWG URL): each is a level, also an empty one."""
    answer = served.client.get("/c/Y0E5Q0BVPKA486WB///", follow_redirects=False)
    assert answer.headers["location"] == "../../../Y0E5Q0BVPKA486WB"


def test_a_typed_code_leads_on_behind_a_path_prefix(served):
    answer = served.client.get("/scan?code=Y0E5Q0BVPKA486WB", follow_redirects=False)
    location = urljoin("https://v.example.cn/prefix/scan?code=x", answer.headers["location"])
    assert location == "https://v.example.cn/prefix/c/Y0E5Q0BVPKA486WB"


def test_nothing_of_the_address_stands_on_the_page(served):
    for path in ("/<script>alert(1)</script>", "/x?lang=<script>alert(1)</script>"):
        assert "alert" not in served.client.get(path, headers=BROWSER).text


def test_head_has_no_body(served):
    answer = served.client.head("/nothing", headers=BROWSER)
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"].startswith("text/html")


def test_who_asks_too_often_is_told_so(served):
    """Not that the server is in trouble, nor that a moment helps: it may be tomorrow."""
    asked = [served.client.get("/c/Y0E5Q0BVPKA486WB/evidence.zip", headers=BROWSER) for _ in range(7)]
    answer = asked[-1]
    assert (answer.status_code, Page(answer).headline) == (429, "请求过于频繁")
    assert "Too often" in answer.text
    assert "明日" in answer.text
    assert answer.headers["retry-after"]


def test_a_store_out_of_reach_is_said_so(monkeypatch):
    with ApiWorld() as world:
        world.found()

        def fail(*_):
            raise StoreUnavailableError("postgresql://secret")

        monkeypatch.setattr(world.store, "read", fail)
        answer = world.client.get("/certificates/2026-1", headers=BROWSER)
    assert (answer.status_code, Page(answer).headline) == (503, "暂时无法应答")
    assert "secret" not in answer.text
    assert answer.headers["retry-after"]


def test_what_goes_well_is_as_it_was(served):
    for path in ("/healthz", "/policy.json", "/scan", "/checkpoint"):
        plain, page = served.client.get(path), served.client.get(path, headers=BROWSER)
        assert (plain.status_code, plain.content) == (page.status_code, page.content)


def test_the_ledger_alone_has_no_pages():
    with ApiWorld("ledger") as world:
        answer = world.client.get("/nothing", headers=BROWSER)
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_method_that_is_not_there_names_those_that_are(served):
    answer = served.client.delete("/c/Y0E5Q0BVPKA486WB")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert served.client.get("/entries").headers["allow"] == "POST"
    for method in ("PUT", "PATCH", "DELETE"):
        answer = served.client.request(method, "/scan")
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible_and_fits(served, language):
    with (
        serving(served.app) as url,
        chromium() as browser,
        Visit(browser, f"{url}/nothing", language, 320) as visit,
    ):
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert find_violations(visit.page) in (None, [])
        assert [each for each in visit.errors if "Content Security Policy" in each] == []
        visit.page.click("main a")
        assert visit.page.inner_text("h1") in {"扫码核验", "Scan and check"}
