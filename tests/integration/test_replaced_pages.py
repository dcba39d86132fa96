"""The page of a certificate that another one has taken the place of: which, why, and whether it was wrong."""

import json
import re
from contextlib import ExitStack

import pytest
from api_world import ApiWorld
from browsers import ROOT, chromium, find_violations
from further_kinds import to_calibration
from page_reader import look, look_json
from served_app import serving
from verdict_states import ANOTHER, RichSite, make_corrected, make_valid, withhold
from verdict_visit import LANGUAGES, Visit

from api.web.detail_words import REASONS
from ledger.core.act import ReasonCode
from ledger.core.errors import StoreUnavailableError

ARTEFACTS = ROOT / "test-artifacts" / "verdict"
OLD, NEW = "2026-0000001", ANOTHER["no"]
WRONG = (ReasonCode.WRONG_RESULT, ReasonCode.WRONG_INSTRUMENT)
DO_NOT_RELY = "原证书有误，请勿据此使用，请查看现行证书。"


@pytest.fixture
def served():
    with ApiWorld() as world:
        yield world.found()


def glance(page):
    """Return what the verdict itself says."""
    (section,) = re.findall(r'<section class="verdict.*?</section>', page.response.text, re.DOTALL)
    return section


@pytest.mark.parametrize("reason", ReasonCode)
def test_which_took_its_place_and_why_is_said_at_a_glance(served, reason):
    path, newer = make_corrected(served, reason)
    for query, why in (("", REASONS[reason].zh), ("?lang=en", REASONS[reason].en)):
        page = look(served, f"{path}{query}")
        said = glance(page)
        assert NEW in said
        assert why in said
        assert f'href="../c/{newer}{query}"' in said
        assert page.style == ("mistaken" if reason in WRONG else "corrected")
    assert (DO_NOT_RELY in glance(look(served, path))) is (reason in WRONG)


@pytest.mark.parametrize("reason", [*WRONG, ReasonCode.TYPO])
def test_machines_and_devices_read_what_they_read_before(served, reason):
    path, newer = make_corrected(served, reason)
    members = look_json(served, path)
    assert (members["verdict"], members["status"]) == ("ATTENTION", "SUPERSEDED")
    assert (members["shown"], members["newer"]) == ("SUPERSEDED", newer)
    assert members["replaced_by"] == {"number": NEW, "code": newer, "reason": reason.value}
    assert 'data-shown="SUPERSEDED"' in look(served, path).response.text


def test_what_was_only_verified_anew_was_not_wrong(served):
    path = make_valid(served)
    served.submit(served.sign(1, version=1, **ANOTHER))
    page = look(served, path)
    assert page.style == "superseded"
    assert NEW not in glance(page)
    assert "replaced_by" not in look_json(served, path)


def test_a_wrong_certificate_stays_wrong_when_the_instrument_is_verified_anew(served):
    path, _ = make_corrected(served, ReasonCode.WRONG_RESULT)
    third = served.submit(served.sign(1, version=2, no="2026-0000201", nonce="ac" * 16))
    page = look(served, path)
    assert page.style == "mistaken"
    assert NEW in glance(page)
    assert f'href="../c/{third}"' in glance(page)


def test_the_harder_fact_comes_before_it(served):
    path, _ = make_corrected(served, ReasonCode.WRONG_RESULT)
    served.submit(served.sign_rejection(1, version=2, no="2026-0000201", nonce="ac" * 16))
    assert look(served, path).style == "failed"
    assert DO_NOT_RELY not in look(served, path).text


def test_the_replacement_itself_is_in_order(served):
    _, newer = make_corrected(served, ReasonCode.WRONG_RESULT)
    served.anchor()
    assert look(served, f"/c/{newer}").style == "valid"


def test_a_replaced_calibration_leads_to_what_took_its_place(served):
    record = to_calibration(served.world.record(1), no="XZ-1")
    path = f"/c/{served.submit(served.world.issue(1, record=record))}"
    replaces = {"no": "XZ-1", "reason": "WRONG_RESULT"}
    record = to_calibration(served.world.record(1), no="XZ-2", nonce="ab" * 16, replaces=replaces)
    newer = served.submit(served.world.issue(1, record=record, version=1))
    page = look(served, path)
    assert page.style == "mistaken"
    assert "XZ-2" in glance(page)
    assert look_json(served, path)["newer"] == newer


def test_of_a_withheld_replacement_the_number_is_said_and_no_reason(served):
    path = make_valid(served)
    before = set(served.store.data.documents)
    replaces = {"no": OLD, "reason": "WRONG_RESULT"}
    served.submit(served.sign(1, version=1, replaces=replaces, **ANOTHER))
    (digest,) = set(served.store.data.documents) - before
    kept = {each: served.store.data.documents.pop(each) for each in before}
    withhold(served)
    served.store.data.documents.update(kept)
    assert digest in served.store.data.withheld
    page = look(served, path)
    assert page.style == "corrected"
    assert NEW in glance(page)
    assert "检定结果有误" not in glance(page)
    assert look_json(served, path)["replaced_by"].keys() == {"number", "code"}


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"credentialSubject":{}}'])
def test_a_replacement_that_cannot_be_read_is_no_verdict(served, damage):
    path = make_valid(served)
    before = set(served.store.data.documents)
    replaces = {"no": OLD, "reason": "TYPO"}
    served.submit(served.sign(1, version=1, replaces=replaces, **ANOTHER))
    (digest,) = set(served.store.data.documents) - before
    served.store.data.documents[digest] = damage
    response = served.client.get(path)
    assert response.status_code == 500
    assert OLD not in response.text


def test_nobody_could_look_is_not_said_to_be_wrong(served):
    path, _ = make_corrected(served, ReasonCode.WRONG_RESULT)

    def fail():
        raise StoreUnavailableError("away")

    served.store.read = fail
    assert look(served, path).style == "unchecked"


def test_both_looks_are_seen_at_a_glance_and_are_accessible():
    with ExitStack() as stack:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        browser = stack.enter_context(chromium())
        for reason in (ReasonCode.TYPO, ReasonCode.WRONG_INSTRUMENT):
            served = stack.enter_context(RichSite()).found()
            path, _ = make_corrected(served, reason)
            url = stack.enter_context(serving(served.app)) + path
            for language in LANGUAGES:
                for width in (320, 360):
                    with Visit(browser, "about:blank", language, width) as visit:
                        visit.page.route("**/check.js", lambda route: route.abort())
                        visit.go(url)
                        name = f"replaced-{reason.value.lower()}-{language}-{width}.png"
                        visit.page.screenshot(path=str(ARTEFACTS / name))
                        box = visit.page.locator(".verdict .next").bounding_box()
                        assert width == 320 or box["y"] + box["height"] <= 640, json.dumps(box)
                        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
                        assert find_violations(visit.page) in ([], None)
