"""What a page remarks under its verdict: the end of an authority with its date, and no member of a record."""

import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta

import pytest
from api_world import entry
from browsers import ROOT, chromium, find_violations
from page_reader import look, look_json
from registered import STANDARD
from served_app import serving
from verdict_states import RichSite, make_attention, make_valid
from verdict_visit import LANGUAGES, Visit

from ledger.core.event import EventType
from ledger.core.register_fields import RegisterState
from ledger.core.standard import encode_standard_content

ENDS = {RegisterState.SUSPENDED: ("暂停", "suspended"), RegisterState.WITHDRAWN: ("撤销", "withdrawn")}
MEMBER = re.compile(r"[a-z]+[._\[][a-z0-9_.\]\[]+ ?[：:]|issuer|scope_line")
LATER = timedelta(days=3)


@pytest.fixture
def served():
    with RichSite() as world:
        yield world.found()


def register(served, raw):
    answer = served.post([entry(raw)]).json()
    assert "index" in answer["results"][0], answer
    served.anchor()


def glance(served, path):
    (section,) = re.findall(
        r'<section class="verdict.*?</section>', look(served, path).response.text, re.DOTALL
    )
    return section


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("of", ["institution", "scope"])
def test_the_end_of_an_authority_is_told_with_its_date(served, of, state):
    path = make_valid(served)
    served.now += LATER
    register(served, getattr(served.world, of)(version=1, state=state))
    assert look_json(served, path)["shown"] == "ATTENTION"
    zh, en = glance(served, path), glance(served, f"{path}?lang=en")
    assert f"授权已被{ENDS[state][0]}（{served.now:%Y年%m月%d日}登记）" in zh
    assert f"{ENDS[state][1]} (registered {served.now.day} November 2026)" in en
    assert ("本项授权" in zh) is (of == "scope")
    assert "12315" in zh
    for said in (zh, en):
        assert not MEMBER.search(said), said


def test_the_institution_comes_before_its_line(served):
    path = make_valid(served)
    served.now += LATER
    register(served, served.world.scope(version=1, state=RegisterState.SUSPENDED))
    register(served, served.world.institution(version=1, state=RegisterState.WITHDRAWN))
    assert "签发机构的授权已被撤销" in glance(served, path)


def test_what_counts_again_leaves_no_remark(served):
    path = make_valid(served)
    register(served, served.world.institution(version=1, state=RegisterState.SUSPENDED))
    register(served, served.world.institution(version=2))
    assert look(served, path).style == "valid"


@pytest.mark.parametrize(
    "change",
    [{"division": "3502"}, {"valid_until": date(2026, 11, 1)}, {"authorisation_no": "（闽）法计（2026）1号"}],
)
def test_a_line_that_was_only_changed_has_not_ended(served, change):
    path = make_valid(served)
    register(served, served.world.scope(version=1, **change))
    for query in ("", "?lang=en"):
        said = glance(served, f"{path}{query}")
        assert not MEMBER.search(said), said
        assert "暂停" not in said
        assert "撤销" not in said
    assert "授权范围" in glance(served, path) or "签发之后" in glance(served, path)


def test_what_was_registered_of_other_things_names_no_member_either(served):
    path = make_valid(served)
    content = replace(STANDARD, state=RegisterState.WITHDRAWN)
    raw = served.world.by_authority(EventType.STANDARD, encode_standard_content(content), version=1)
    register(served, raw)
    assert look_json(served, path)["shown"] == "ATTENTION"
    for query, words in (("", "签发之后有与其不符的登记"), ("?lang=en", "registered after the issue")):
        said = glance(served, f"{path}{query}")
        assert words in said
        assert not MEMBER.search(said), said


def test_other_remarks_are_said_as_they_are(served):
    path = make_attention(served)
    (warned,) = [check for check in look_json(served, path)["checks"] if check.get("warning")]
    assert warned["reason"] in glance(served, f"{path}?lang=en")


def test_the_remark_fits_into_the_glance(served):
    folder = ROOT / "test-artifacts" / "verdict"
    folder.mkdir(parents=True, exist_ok=True)
    path = make_valid(served)
    register(served, served.world.scope(version=1, state=RegisterState.SUSPENDED))
    with ExitStack() as stack:
        browser, url = stack.enter_context(chromium()), stack.enter_context(serving(served.app))
        for language in LANGUAGES:
            with Visit(browser, "about:blank", language) as visit:
                visit.page.route("**/check.js", lambda route: route.abort())
                visit.go(url + path)
                visit.page.screenshot(path=str(folder / f"attention-ended-{language}-360.png"))
                for selector in (".until", ".by"):
                    box = visit.page.locator(selector).bounding_box()
                    assert box["y"] + box["height"] <= 640, (language, selector, box)
                assert find_violations(visit.page) in ([], None)
