"""Text from documents and registers runs nowhere: every field, put in through the real admission, in Chromium."""

from dataclasses import replace
from datetime import date

import pytest
from acts import DECISION
from api_world import JSON, entry
from browsers import chromium
from registered import STANDARD
from served_app import serving
from verdict_states import RichSite
from verdict_visit import Visit
from world import AUTHORITY

from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.qr import compute_code
from ledger.core.register_fields import Name
from ledger.core.standard import encode_standard_content

ATTACKS = (
    "<script>ran=1</script>",
    "<img src=x onerror=ran=1>",
    '"><svg/onload=ran=1>',
    "'onfocus='ran=1'autofocus",
    "</style><script>ran=1//",
    "javascript:ran=1",
)
BINDING = {"authorisation_no", "scope_line_id", "division", "cpa_no"}
"""Texts that the steps compare: a document in which they are something else does not hold, and shows no field."""
BINDING_IDS = {"regulation", "standards", "issuer"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def walk(value, path=()):
    """Yield container, key and path of every text in a record."""
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, member in items:
        if isinstance(member, dict | list):
            yield from walk(member, (*path, key))
        elif isinstance(member, str):
            yield value, key, (*path, key)


def is_binding(path):
    return path[-1] in BINDING or (path[-1] == "id" and path[0] in BINDING_IDS)


def poison(world, record, attack, *, everything):
    """Put the attack into every text that can hold it; return where it went."""
    went = []
    for container, key, path in walk(record):
        if path == ("doc_type",) or (is_binding(path) and not everything):
            continue
        kept, container[key] = container[key], f"{attack}{path[1]}" if key == "pid" else attack
        try:
            parse_certificate(world.certificate(record))
            went.append(path)
        except InputError:
            container[key] = kept
    return went


def register_names(served, attack):
    """Let institution, authority and standard be called by the attack."""
    name, world = Name(attack, attack), served.world
    raws = [
        world.authority(version=1, name=name),
        world.institution(version=1, name=name),
        world.by_authority(EventType.STANDARD, encode_standard_content(attacking(attack)), version=1),
    ]
    answer = served.post([entry(raw) for raw in raws]).json()
    assert all("index" in result for result in answer["results"]), answer


def attacking(attack):
    (part,) = STANDARD.instruments
    part = replace(part, no=attack, certificate_no=attack, until=date(2027, 8, 31))
    texts = dict.fromkeys(("name", "examination_no", "public_no", "range", "uncertainty"), attack)
    return replace(STANDARD, **texts, instruments=(part,))


def prepare(attack, *, everything=False):
    served = RichSite().found()
    register_names(served, attack)
    record = served.world.record(1)
    record["lot"] = {"no": "L-1", "size": 3}
    record["instrument"] |= {"local_id": "X-1", "parts": [{"id": "1", "name": "x", "serial": "y"}]}
    went = poison(served.world, record, attack, everything=everything)
    issued = served.world.issue(1, record=record)
    code = served.submit(issued)
    served.anchor()
    return served, issued, code, went


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
