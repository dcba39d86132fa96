"""kill -9 at every step of anchoring: the next run ends with one event for each size, and a signed receipt."""

import multiprocessing
import signal

import pytest
from anchor_worker import anchor
from breaker import recorded
from chain_helpers import QUICK, WORLD, fresh_account, make_anchorer, read_events
from servers import dev_chain
from world import ORIGIN, submit

from ledger.anchoring.deployment import Founder
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.core.anchor import verify_receipt
from ledger.store.anchor_queries import AnchorQueries

STEPS = (
    "anchoring.before_queue",
    "anchoring.queued",
    "anchoring.before_outbox",
    "anchoring.outbox",
    "anchoring.sent",
    "anchoring.before_included",
    "anchoring.included",
    "anchoring.before_final",
    "anchoring.final",
)
"""What one anchor passes, in order."""


@pytest.fixture(scope="module")
def node_url(tmp_path_factory):
    with dev_chain(tmp_path_factory.mktemp("chain")) as node:
        yield node.url


@pytest.fixture(scope="module")
def contract(node_url):
    with ChainClient(node_url) as client:
        return Founder(
            client, fresh_account(client), parse_finality("immediate"), pace=QUICK
        ).deploy_registry()


@pytest.fixture
def client(node_url):
    with ChainClient(node_url) as client:
        yield client


@pytest.fixture
def account(client):
    return fresh_account(client)


@pytest.fixture
def binding(client, account, contract):
    return Founder(client, account, parse_finality("immediate"), pace=QUICK).open_log(contract, ORIGIN)


def run(database_url, node_url, account, binding, hit=0):
    """Anchor in a process of its own, and return how it ended; a fork has everything loaded already."""
    arguments = database_url, node_url, account, binding, hit
    process = multiprocessing.get_context("fork").Process(target=anchor, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def check(store, client, binding, heads):
    """Each head is on chain once; every final row has its event, every event its row and its signed receipt."""
    assert read_events(client, binding.chain) == heads
    with store.database.read() as connection:
        queries = AnchorQueries(connection)
        assert queries.find_open() is None
        for size, root in heads:
            receipt = queries.find_size(size).receipt
            verify_receipt(receipt, WORLD.log_key.public_key)
            assert (receipt.tree_size, receipt.root_hash) == (size, root)
            assert client.receipt(receipt.tx_hash).block_hash == receipt.block_hash


def test_the_steps_are_those_that_are_passed(store, log, client, account, binding, clock):
    with recorded() as passed:
        make_anchorer(store, client, account, binding, clock).anchor_newest()
    assert tuple(passed) == STEPS


@pytest.mark.parametrize("hit", range(1, len(STEPS) + 1), ids=STEPS)
def test_killed_at_any_step_the_next_run_ends_with_one_anchor(
    database_url, node_url, store, log, client, account, binding, hit
):
    heads = [(log.head.tree_size, log.head.root_hash)]
    assert run(database_url, node_url, account, binding, hit) == -signal.SIGKILL
    assert run(database_url, node_url, account, binding) == 0
    check(store, client, binding, heads)
    submit(log, WORLD.bare_issue(1))
    assert run(database_url, node_url, account, binding, hit) == -signal.SIGKILL
    assert run(database_url, node_url, account, binding) == 0
    check(store, client, binding, [*heads, (log.head.tree_size, log.head.root_hash)])


@pytest.mark.parametrize("first", range(1, len(STEPS) + 1), ids=STEPS)
def test_killed_again_and_again_it_still_ends_with_one_anchor(
    database_url, node_url, store, log, client, account, binding, first
):
    run(database_url, node_url, account, binding, first)
    for hit in (1, 2, 3, 4):
        run(database_url, node_url, account, binding, hit)
    assert run(database_url, node_url, account, binding) == 0
    check(store, client, binding, [(log.head.tree_size, log.head.root_hash)])


def test_what_grew_meanwhile_goes_out_with_the_next_anchor(
    database_url, node_url, store, log, client, account, binding
):
    """A draft moves along, but what was signed is finished first: no size is anchored twice or half."""
    heads = []
    for hit, is_signed in enumerate((False, False, False, True, True, True, True, True, True), start=1):
        submit(log, WORLD.bare_issue(2 * hit))
        signed = (log.head.tree_size, log.head.root_hash)
        assert run(database_url, node_url, account, binding, hit) == -signal.SIGKILL
        submit(log, WORLD.bare_issue(2 * hit + 1))
        assert run(database_url, node_url, account, binding) == 0
        heads += [signed] if is_signed else []
        heads.append((log.head.tree_size, log.head.root_hash))
        check(store, client, binding, heads)
