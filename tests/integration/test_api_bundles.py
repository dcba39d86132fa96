"""`POST /bundles`: what the pages hand out one by one, for the desk that issued them."""

import json
from hashlib import sha256

import pytest
from api_world import FOUNDED, ApiWorld

from api.schemas.problems import ProblemShape
from ledger.core.bundle import parse_bundle
from ledger.core.entry import parse_leaf
from ledger.store.records import compute_statement_name
from ledger.wire import MAX_BUNDLES

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def served():
    with ApiWorld() as world:
        world.found()
        yield world


def name(served, index):
    return compute_statement_name(parse_leaf(served.store.data.entries[index].leaf).statement_raw).hex()


def ask(served, *names):
    return served.client.post("/bundles", json={"statements": names})


def send(served, raw, **headers):
    return served.client.post("/bundles", content=raw, headers=JSON | headers)


def assert_problem(response, status):
    assert response.status_code == status, response.text
    return ProblemShape.model_validate(response.json())


def test_bundles_come_in_the_order_asked_for_as_the_pages_give_them(served):
    codes = {FOUNDED + 2 * number: served.issue(number) for number in range(3)}
    served.anchor()
    response = ask(served, *(name(served, index) for index in (14, 10, 12, 10)))
    assert response.headers["content-type"] == "application/jsonl"
    assert response.headers["cache-control"] == "no-store"
    pages = {index: served.client.get(f"/c/{code}/bundle.json").content for index, code in codes.items()}
    assert response.content.split(b"\n") == [pages[14], pages[10], pages[12], pages[10]]


def test_a_leaf_that_is_not_anchored_yet_has_a_bundle_without_receipt(served):
    served.issue(1)
    served.anchor()
    served.issue(2)
    bundles = map(parse_bundle, ask(served, name(served, 10), name(served, 12)).content.split(b"\n"))
    assert [bundle.receipt is None for bundle in bundles] == [False, True]


@pytest.mark.parametrize("index", [0, 8])
def test_what_is_no_issue_is_not_found(served, index):
    served.issue(1)
    assert_problem(ask(served, name(served, index)), 404)
    assert_problem(ask(served, name(served, 10), name(served, index)), 404)


def test_a_statement_that_is_not_in_the_log_is_not_found(served):
    served.issue(1)
    unknown = compute_statement_name(served.sign(2).raw).hex()
    for names in ([unknown], [name(served, 10), unknown], [sha256(served.sign(1).raw).hexdigest()]):
        assert_problem(ask(served, *names), 404)


HASH = "00" * 32


@pytest.mark.parametrize(
    "raw",
    [
        "", "{}", "[5]", "5", "null", '{"statements":null}', '{"statements":[]}', f'{{"statements":"{HASH}"}}',
        '{"statements":[5]}', '{"statements":["00"]}', f'{{"statements":["{"AB" * 32}"]}}',
        f'{{"statements":["{HASH}"],"more":1}}', f'{{"statements":["{HASH}"],"statements":["{HASH}"]}}',
        f'{{"statements":["{HASH}"]', f'{{"Statements":["{HASH}"]}}', f'{{"statements":["{HASH}\\u0000"]}}',
        json.dumps({"statements": [HASH] * (MAX_BUNDLES + 1)}),
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(served, raw):
    served.issue(1)
    assert_problem(send(served, raw), 422)


def test_other_ways_to_ask_are_refused(served):
    assert_problem(send(served, f'{{"statements":["{HASH}"]}}', **{"Content-Type": "text/plain"}), 415)
    assert_problem(send(served, bytes(20_000)), 413)
    assert served.client.get("/bundles").status_code == 405


def test_pages_alone_do_not_offer_it():
    with ApiWorld("public") as public:
        assert public.client.post("/bundles", json={"statements": [HASH]}).status_code == 404
