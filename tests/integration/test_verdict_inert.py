"""Text from documents and registers runs nowhere: every field, put in through the real admission, in Chromium."""

from dataclasses import replace

import pytest
from acts import DECISION
from api_world import JSON, entry
from attacks import ATTACKS, poison, prepare
from browsers import chromium
from served_app import serving
from verdict_states import RichSite
from verdict_visit import Visit
from world import AUTHORITY

from ledger.core.event import EventType
from ledger.core.qr import compute_code


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_a_document_or_register_runs(browser, attack):
    served, issued, code, went = prepare(attack)
    assert len(went) >= 20, went
    decided = replace(DECISION, number=attack, ground=attack)
    act = served.people.act_on(issued, EventType.SUSPEND, AUTHORITY, 1, decision=decided)
    with served, serving(served.app) as url:
        for step in ("issued", "acted"):
            for language in ("zh", "en"):
                # without the policy, so that it is shown that the page needs none
                with Visit(browser, f"{url}/c/{code}", language, bypass_csp=True) as found:
                    found.settle()
                    found.open_all()
                    assert attack in found.page.inner_text(".plate")
                    assert attack in found.page.inner_text(".events")
                    assert found.page.evaluate("typeof ran") == "undefined"
                    for unwanted in (
                        "img",
                        "svg svg",
                        "script:not([src])",
                        "[href^=javascript]",
                        "[onfocus]",
                    ):
                        assert found.page.locator(unwanted).count() == 0
            if step == "issued":
                assert "index" in served.post([entry(act)]).json()["results"][0]


@pytest.mark.parametrize("attack", ATTACKS[:3])
def test_a_document_that_holds_nothing_but_attacks_shows_none(browser, attack):
    """Where the evidence does not hold nothing of the document is shown, inert or not."""
    served = RichSite().found()
    record = served.world.record(1)
    poison(served.world, record, attack, everything=True)
    issued = served.world.issue(1, record=record)
    answer = served.post([entry(issued.raw, issued.body)]).json()["results"][0]
    assert "refusal" in answer, "admission keeps it out"
    served.submit(served.sign(2))
    with served, serving(served.app) as url:
        path = f"/c/{compute_code(issued.raw)}"
        with Visit(browser, url + path, bypass_csp=True) as found:
            assert found.page.evaluate("typeof ran") == "undefined"
            assert attack not in found.page.inner_text("body")


def test_json_is_never_taken_for_a_page():
    served, _, code, _ = prepare(ATTACKS[0])
    with served:
        for path in (f"/c/{code}", f"/c/{code}/bundle.json", f"/c/{code}/certificate.json", "/policy.json"):
            answer = served.client.get(path, headers=JSON)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
