"""What a glance at an English page, and one shortly before the last day, says."""

from datetime import date, datetime, timedelta

import pytest
from api_world import SHANGHAI, ApiWorld
from browsers import ROOT, chromium, find_violations
from page_reader import look, look_json
from served_app import serving
from verdict_states import make_expired, make_valid, to_calibration, to_kind
from verdict_visit import LANGUAGES, Visit

from api.web.data import find_kind
from ledger.core.category import Category

UNTIL = date(2027, 5, 1)


@pytest.fixture
def served():
    with ApiWorld() as world:
        yield world.found()


# --- kinds --------------------------------------------------------------------------------------------------


def test_an_english_page_says_in_english_what_it_is(served):
    path = make_valid(served)
    assert "Fuel dispenser (燃油加油机)" in look(served, f"{path}?lang=en").text
    chinese = look(served, path).text
    assert "燃油加油机" in chinese
    assert "ispenser" not in chinese


def test_the_name_of_the_document_stays(served):
    record = served.world.record(1)
    record["instrument"] |= {"name": "税控加油机 <b>"}
    code = served.submit(served.world.issue(1, record=record))
    assert "Fuel dispenser (税控加油机 <b>)" in look(served, f"/c/{code}?lang=en").text
    assert "<b>)" not in look(served, f"/c/{code}?lang=en").response.text


@pytest.mark.parametrize("category", Category)
def test_every_kind_has_an_english_name(category):
    assert find_kind(category.name).en.isprintable()


@pytest.mark.parametrize("code", ["", "TEAPOT", "fuel_dispenser"])
def test_what_is_no_kind_has_no_name(code):
    assert find_kind(code) is None


# --- days ---------------------------------------------------------------------------------------------------


def show_at(served, path, days, language="zh"):
    """Return the page at noon so many days before the last one."""
    day = UNTIL - timedelta(days=days)
    served.now = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
    served.seconds += 2
    return look(served, f"{path}?lang={language}")


@pytest.mark.parametrize(
    ("days", "zh", "en"),
    [
        (30, "还有30天到期", "30 days left"),
        (2, "还有2天到期", "2 days left"),
        (1, "明天到期", "Tomorrow is the last day"),
        (0, "今天到期", "Today is the last day"),
    ],
)
def test_the_days_that_are_left_are_counted_calmly(served, days, zh, en):
    path = make_valid(served)
    for language, words in (("zh", zh), ("en", en)):
        page = show_at(served, path, days, language)
        assert page.style == "valid"
        assert words in page.text
    assert look_json(served, path)["verdict"] == "VALID"


@pytest.mark.parametrize("days", [31, 100])
def test_nobody_is_hurried_before(served, days):
    assert "天到期" not in show_at(served, make_valid(served), days).text


def test_what_is_over_has_no_days_left(served):
    text = look(served, make_expired(served)).text
    assert "天到期" not in text
    assert "有效期至 2027年05月01日" in text


def test_the_day_is_that_of_the_zone(served):
    path = make_valid(served)
    served.now = datetime(2027, 4, 30, 23, 59, tzinfo=SHANGHAI)
    assert "明天到期" in look(served, path).text
    served.now += timedelta(minutes=1)
    served.seconds += 2
    assert "今天到期" in look(served, path).text


def test_what_was_never_verified_is_not_counted(served):
    path = to_kind(served, to_calibration, no="XZ-1")
    served.anchor()
    assert "天到期" not in show_at(served, path, 10).text


def test_after_a_failure_nothing_is_counted(served):
    path = make_valid(served)
    served.submit(served.sign_rejection(1, version=1, no="2026-0000101", nonce="ab" * 16))
    page = show_at(served, path, 10)
    assert page.style == "failed"
    assert "天到期" not in page.text


def test_the_days_fit_into_the_glance(served):
    folder = ROOT / "test-artifacts" / "verdict"
    folder.mkdir(parents=True, exist_ok=True)
    path = make_valid(served)
    show_at(served, path, 7)
    with chromium() as browser, serving(served.app) as url:
        for language in LANGUAGES:
            with Visit(browser, "about:blank", language) as visit:
                visit.page.route("**/check.js", lambda route: route.abort())
                visit.go(url + path)
                visit.page.screenshot(path=str(folder / f"valid-days-{language}-360.png"))
                box = visit.page.locator(".by").bounding_box()
                assert box["y"] + box["height"] <= 640
                assert find_violations(visit.page) in ([], None)
