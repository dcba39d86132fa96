"""The sender against a chain in memory: every way in which a node, a chain or a second sender can fail it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fake_chain import CHAIN_ID, ETHER, FakeChain
from witnesses import make_quorum, make_witness
from world import FOUNDING, ORIGIN, Clock, World, submit

from contracts.registry import ANCHORED_TOPIC, compute_origin_hash
from ledger import failpoint
from ledger.anchoring.anchorer import Anchorer
from ledger.anchoring.review import dismiss_lost
from ledger.chain.finality import parse_finality
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account
from ledger.core.anchor import AnchorGrade, AnchorState, ChainIdentity, verify_receipt
from ledger.core.cosignature import encode_witness
from ledger.core.errors import (
    ChainContradictionError,
    ChainUnavailableError,
    LedgerError,
    LogIntegrityError,
    NotFoundError,
    StateError,
    StoreUnavailableError,
    UnavailableError,
    WrongChainError,
)
from ledger.core.ids import LeafIndex
from ledger.log import Log
from ledger.receipts import Receipts
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.records import StoredCosignature
from ledger.store.unit_of_work import SqlStore

WORLD = World()
GWEI = 10**9


class Stage:
    """A log, a chain, and the sender between them."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        migrate(self.database)
        self.store = SqlStore(self.database)
        self.clock = Clock()
        self.log = Log(self.store, ORIGIN, WORLD.log_key, self.clock)
        self.account = Account(bytes(31) + b"\x01")
        self.chain = FakeChain(self.account)
        contract, log_id = self.chain.found_log(compute_origin_hash(ORIGIN))
        self.identity = ChainIdentity(CHAIN_ID, self.chain.blocks[0].hash, contract, log_id)
        self.next_number = 0

    def grow(self, *raws: bytes) -> None:
        if not raws:
            raws = (WORLD.bare_issue(self.next_number),)
            self.next_number += 1
        submit(self.log, *raws)

    def anchorer(
        self,
        finality: str = "immediate",
        *,
        identity=None,
        account=None,
        max_fee=1_000 * GWEI,
        quorum=None,
        **pace,
    ):
        registry = Registry(self.chain.client(), identity or self.identity)
        return Anchorer(
            self.store,
            registry,
            account or self.account,
            WORLD.log_key,
            parse_finality(finality),
            self.clock,
            max_fee_wei=max_fee,
            pace=self.chain.pace(**({"deadline": 60.0, "resend": 10.0} | pace)),
            quorum=quorum,
        )

    def cosign(self, *names):
        """Store lines over the newest checkpoint, as the cosigner does once it has verified them."""
        with self.store.write() as queries:
            for name in names:
                vkey = encode_witness(make_witness(name))
                queries.add_cosignature(StoredCosignature(self.log.head.tree_size, vkey, 1, bytes(72)))

    def under_way(self):
        with self.database.read() as connection:
            return AnchorQueries(connection).find_open()

    def moves(self):
        with self.database.read() as connection:
            return AnchorQueries(connection).read_moves()

    def states(self):
        return [move.state.value for move in self.moves()]

    @property
    def head(self):
        return self.log.head.tree_size, self.log.head.root_hash


@pytest.fixture
def stage(tmp_path):
    stage = Stage(f"sqlite:///{tmp_path}/log.sqlite3")
    stage.grow(*WORLD.founding())
    yield stage
    stage.database.close()


def assert_anchored(stage, receipt, *sizes):
    """The receipt is signed and is of the newest state; each size went into the contract once."""
    verify_receipt(receipt, WORLD.log_key.public_key)
    assert (receipt.tree_size, receipt.root_hash) == stage.head
    events = stage.chain.events()
    assert [size for size, _ in events] == list(sizes)
    assert events[-1] == stage.head
    mined = stage.chain.state().receipts[receipt.tx_hash]
    assert mined["blockHash"] == "0x" + receipt.block_hash.hex()
    assert int(mined["blockNumber"], 16) == receipt.block_number
    assert stage.under_way() is None


# --- the way through ----------------------------------------------------------------------------------------


def test_the_first_anchor_needs_no_proof_and_gives_a_signed_receipt(stage):
    receipt = stage.anchorer().anchor_newest()
    assert_anchored(stage, receipt, FOUNDING)
    assert receipt.chain == stage.identity
    assert receipt.grade is AnchorGrade.FINAL
    assert receipt.anchored_at == datetime.fromtimestamp(
        stage.chain.blocks[receipt.block_number].timestamp, UTC
    )


def test_an_anchored_checkpoint_is_not_anchored_again(stage):
    first = stage.anchorer().anchor_newest()
    assert stage.anchorer().anchor_newest() == first
    assert len(stage.chain.sent) == 1


def test_later_anchors_prove_that_they_extend_the_one_on_chain(stage):
    sizes = []
    for _ in range(6):
        stage.grow()
        receipt = stage.anchorer().anchor_newest()
        sizes.append(receipt.tree_size)
        assert_anchored(stage, receipt, *sizes)


def test_gas_follows_from_the_length_of_the_proof(stage):
    stage.anchorer().anchor_newest()
    for _ in range(20):
        stage.grow()
    stage.anchorer().anchor_newest()
    first, second = stage.chain.sent
    assert first.gas == 60_000
    assert second.gas > 60_000
    assert (second.gas - 60_000) % 2_200 == 0


def test_an_empty_log_has_nothing_to_anchor(tmp_path):
    stage = Stage(f"sqlite:///{tmp_path}/log.sqlite3")
    with pytest.raises(NotFoundError):
        stage.anchorer().anchor_newest()
    assert stage.anchorer().resume() is None
    stage.database.close()


def test_nothing_to_resume_asks_nobody(stage):
    stage.chain.requests.clear()
    assert stage.anchorer().resume() is None
    assert not stage.chain.requests


@pytest.mark.parametrize(
    ("finality", "behind", "grade"),
    [
        ("tag:safe", 1, AnchorGrade.SAFE),
        ("tag:finalized", 2, AnchorGrade.FINAL),
        ("depth:3", 3, AnchorGrade.FINAL),
    ],
)
def test_the_receipt_waits_for_the_finality_rule(stage, finality, behind, grade):
    receipt = stage.anchorer(finality).anchor_newest()
    assert receipt.grade is grade
    assert len(stage.chain.blocks) - 1 - receipt.block_number >= behind
    assert_anchored(stage, receipt, FOUNDING)


def test_a_chain_without_base_fee_gets_a_plain_price_even_zero(stage):
    stage.chain.has_base_fee, stage.chain.base_fee, stage.chain.balance = False, 0, 0
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)
    (sent,) = stage.chain.sent
    assert (sent.priority_fee, sent.max_fee) == (None, 0)


def test_block_times_in_milliseconds_are_understood(stage):
    stage.chain.seconds = 1_000
    receipt = stage.anchorer().anchor_newest()
    assert receipt.anchored_at.year == 2026


# --- nobody answers -----------------------------------------------------------------------------------------


def count_requests(tmp_path):
    stage = Stage(f"sqlite:///{tmp_path}/count.sqlite3")
    stage.grow(*WORLD.founding())
    stage.chain.requests.clear()
    stage.anchorer("depth:2").anchor_newest()
    stage.database.close()
    return len(stage.chain.requests)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done but not answered"])
def test_an_answer_that_is_lost_at_any_request_heals_with_the_next_call(tmp_path, after):
    requests = count_requests(tmp_path)
    assert requests > 12
    for lost in range(1, requests + 1):
        stage = Stage(f"sqlite:///{tmp_path}/{lost}.sqlite3")
        stage.grow(*WORLD.founding())
        stage.chain.fail_at(lost, after=after)
        with pytest.raises(ChainUnavailableError):
            stage.anchorer("depth:2").anchor_newest()
        assert stage.under_way().tree_size == FOUNDING
        assert_anchored(stage, stage.anchorer("depth:2").resume(), FOUNDING)
        stage.database.close()


def test_what_piled_up_while_the_node_was_away_goes_out_in_one_transaction(stage):
    for _ in range(3):
        stage.chain.fail_at(1)
        with pytest.raises(ChainUnavailableError):
            stage.anchorer().anchor_newest()
        stage.grow()
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING + 6)


def test_what_is_under_way_is_finished_before_the_newest_state_follows(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError, match="is submitted and not final after 60 s; the next call"):
        stage.anchorer().anchor_newest()
    stage.grow()
    stage.chain.is_mining = True
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING, FOUNDING + 2)


def test_a_chain_that_is_not_final_in_time_goes_on_later(stage):
    with pytest.raises(
        ChainUnavailableError, match=f"of {FOUNDING} leaves is included and not final after 5 s"
    ):
        stage.anchorer("depth:90", deadline=5.0).anchor_newest()
    for _ in range(90):
        stage.chain.mine()
    assert_anchored(stage, stage.anchorer("depth:90").resume(), FOUNDING)
    assert len(stage.chain.sent) == 1


def test_a_node_that_names_no_final_block_leaves_the_anchor_included(stage):
    stage.chain.overrides["eth_getBlockByNumber"] = lambda block, selector, _: (
        block if selector != "safe" else None
    )
    with pytest.raises(ChainUnavailableError, match="included"):
        stage.anchorer("tag:safe").anchor_newest()
    assert stage.under_way().state is AnchorState.INCLUDED


# --- prices -------------------------------------------------------------------------------------------------


def test_a_transaction_that_stays_behind_is_sent_again_then_pays_more_with_the_same_nonce(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=45.0).anchor_newest()
    first, again, *dearer = stage.chain.sent
    assert again.raw == first.raw
    assert len(dearer) >= 2
    for before, after in zip([again, *dearer], dearer, strict=False):
        assert after.nonce == before.nonce
        assert after.data == before.data
        assert after.max_fee >= before.max_fee * 1.125
        assert after.priority_fee >= before.priority_fee * 1.125
    stage.chain.is_mining = True
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


def test_the_market_price_is_paid_where_it_is_above_the_least_bump(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    stage.chain.base_fee = 50 * GWEI
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=25.0).resume()
    assert [sent.max_fee for sent in stage.chain.sent] == [2 * GWEI + 1] * 3 + [100 * GWEI + 1]


def test_an_earlier_cheaper_attempt_that_is_mined_after_all_counts(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=45.0).anchor_newest()
    cheapest = stage.chain.sent[0]
    stage.chain.pool = {cheapest.nonce: cheapest}
    stage.chain.mine()
    receipt = stage.anchorer().resume()
    assert receipt.tx_hash == cheapest.hash
    assert_anchored(stage, receipt, FOUNDING)


def test_no_fee_is_raised_above_the_limit(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=90.0, max_fee=3 * GWEI).anchor_newest()
    assert max(sent.max_fee for sent in stage.chain.sent) <= 3 * GWEI
    assert len(stage.chain.sent) > 6


def test_a_price_above_the_limit_is_waited_out(stage):
    stage.chain.base_fee = 600 * GWEI
    with pytest.raises(UnavailableError, match="a unit of gas costs up to 1200000000001 wei"):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent
    stage.chain.base_fee = GWEI
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


def test_an_account_without_funds_waits_for_them(stage):
    stage.chain.balance = 10**13
    with pytest.raises(
        UnavailableError, match=f"0x{stage.account.address.hex()} owns 10000000000000 wei and needs"
    ):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent
    assert stage.under_way().state is AnchorState.DRAFTED
    stage.chain.balance = ETHER
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


# --- another transaction ------------------------------------------------------------------------------------


def test_a_nonce_that_another_transaction_took_leads_to_a_new_one(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    stage.chain.pool.clear()
    stage.chain.run_foreign(stage.identity.log_id, 0, b"\x01" * 32)
    stage.chain.is_mining = True
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)
    assert [sent.nonce for sent in stage.chain.sent] == [2, 3]


def test_a_state_that_is_on_chain_already_is_recognised_without_a_transaction(stage):
    stage.chain.run_foreign(stage.identity.log_id, *stage.head)
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)
    assert not stage.chain.sent


def test_a_transaction_that_found_its_state_on_chain_counts_as_the_one_that_put_it_there(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    (ours,) = stage.chain.pool.values()
    stage.chain.pool.clear()
    stage.chain.run_foreign(stage.identity.log_id, *stage.head)
    late = replace(ours, nonce=ours.nonce + 1)
    stage.chain.pool = {late.nonce: late}
    stage.chain.mine()
    receipt = stage.anchorer().resume()
    assert_anchored(stage, receipt, FOUNDING)
    assert receipt.tx_hash != ours.hash


def test_a_transaction_that_the_contract_refuses_is_built_anew_by_the_next_call(stage):
    stage.anchorer().anchor_newest()
    stage.grow()
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    (ours,) = stage.chain.pool.values()
    broken = bytearray(ours.data)
    broken[-1] ^= 1
    stage.chain.pool = {ours.nonce: replace(ours, data=bytes(broken))}
    stage.chain.mine()
    assert stage.chain.state().receipts[ours.hash]["status"] == "0x0"
    stage.chain.is_mining = True
    with pytest.raises(ChainUnavailableError, match="the contract refused the anchor's transaction"):
        stage.anchorer().anchor_newest()
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING, FOUNDING + 2)


# --- blocks that vanish -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True], ids=["transaction lost", "transaction kept"])
@pytest.mark.parametrize("deep", [0, 1, 2])
def test_an_anchor_whose_block_vanished_is_sent_again(stage, deep, keep):
    with pytest.raises(ChainUnavailableError):
        stage.anchorer("depth:9", deadline=3.0).anchor_newest()
    before = stage.under_way()
    for _ in range(deep):
        stage.chain.mine()
    stage.chain.reorg(len(stage.chain.blocks) - before.block_number, keep=keep)
    stage.chain.mine()
    receipt = stage.anchorer("depth:9").resume()
    assert receipt.block_hash != before.block_hash
    assert receipt.tx_hash == before.tx_hash
    assert_anchored(stage, receipt, FOUNDING)


def test_a_block_that_vanishes_while_we_wait_is_made_up_for_in_the_same_call(stage):
    mined = []

    def lose_the_first(receipt, _):
        if receipt is not None and not mined:
            mined.append(receipt)
            stage.chain.reorg(len(stage.chain.blocks) - int(receipt["blockNumber"], 16))
        return receipt

    stage.chain.overrides["eth_getTransactionReceipt"] = lose_the_first
    assert_anchored(stage, stage.anchorer("depth:3", resend=1_000.0).anchor_newest(), FOUNDING)
    assert [sent.hash for sent in stage.chain.sent] == [stage.chain.sent[0].hash] * 2


def test_a_node_whose_receipt_and_block_disagree_is_not_believed(stage):
    def other_branch(block, selector, _):
        return block if selector == "latest" or block is None else block | {"hash": "0x" + "09" * 32}

    def forked(block, selector, full):
        return block if selector == "0x0" else other_branch(block, selector, full)

    stage.chain.overrides["eth_getBlockByNumber"] = forked
    with pytest.raises(ChainContradictionError, match="its receipt is of another block 2 than its chain"):
        stage.anchorer().anchor_newest()
    stage.chain.overrides.clear()
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


def test_the_event_of_another_contract_does_not_count(stage):
    def elsewhere(receipt, _):
        return receipt and receipt | {
            "logs": [log | {"address": "0x" + "09" * 20} for log in receipt["logs"]]
        }

    stage.chain.overrides["eth_getTransactionReceipt"] = elsewhere
    with pytest.raises(ChainContradictionError, match="an event that its receipt does not show"):
        stage.anchorer().anchor_newest()
    stage.chain.overrides.clear()
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


def test_a_reorg_that_takes_the_head_back_is_no_alarm(stage):
    stage.anchorer().anchor_newest()
    stage.grow()
    with pytest.raises(ChainUnavailableError):
        stage.anchorer("depth:9", deadline=3.0).anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - stage.under_way().block_number)
    assert_anchored(stage, stage.anchorer("depth:9").resume(), FOUNDING, FOUNDING + 2)


def test_a_final_block_that_is_gone_is_an_alarm_and_its_receipt_is_kept(stage):
    receipt = stage.anchorer().anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - receipt.block_number)
    stage.chain.mine()
    stage.grow()
    for _ in range(2):
        with pytest.raises(
            ChainContradictionError, match=r"block 2, which was final, is gone .* --after-reorg"
        ):
            stage.anchorer().anchor_newest()
    assert len(stage.chain.sent) == 1
    with stage.database.read() as connection:
        queries = AnchorQueries(connection)
        assert queries.find_newest_lost().receipt == receipt
        assert queries.find_newest_final() is None
    assert Receipts(stage.store).find(LeafIndex(0)) is None
    assert stage.states()[-1] == "lost"


@pytest.mark.parametrize("grown", [False, True], ids=["same head", "grown"])
def test_after_a_person_has_seen_it_the_newest_state_is_anchored_again(stage, grown):
    receipt = stage.anchorer().anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - receipt.block_number)
    stage.chain.mine()
    with pytest.raises(ChainContradictionError):
        stage.anchorer().anchor_newest()
    if grown:
        stage.grow()
    assert dismiss_lost(stage.store, stage.clock) == [FOUNDING]
    again = stage.anchorer().anchor_newest()
    assert_anchored(stage, again, stage.head[0])
    assert again.block_hash != receipt.block_hash
    assert Receipts(stage.store).list_all() == [again]
    assert dismiss_lost(stage.store, stage.clock) == []


def test_a_final_block_that_stands_again_heals_by_itself(stage):
    first = stage.anchorer().anchor_newest()
    stage.grow()
    second = stage.anchorer().anchor_newest()

    def other(block, selector, _):
        return block and block | ({"hash": "0x" + "09" * 32} if selector not in {"latest", "0x0"} else {})

    stage.chain.overrides["eth_getBlockByNumber"] = other
    with pytest.raises(ChainContradictionError):
        stage.anchorer().anchor_newest()
    assert Receipts(stage.store).list_all() == []
    stage.chain.overrides.clear()
    assert stage.anchorer().anchor_newest() == second
    assert Receipts(stage.store).list_all() == [first, second]


def test_only_what_stood_on_the_lost_block_is_lost(stage):
    first = stage.anchorer().anchor_newest()
    stage.grow()
    second = stage.anchorer().anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - second.block_number)
    stage.chain.mine()
    with pytest.raises(ChainContradictionError):
        stage.anchorer().anchor_newest()
    assert Receipts(stage.store).list_all() == [first]


def test_a_node_that_is_behind_has_broken_nothing(stage):
    receipt = stage.anchorer().anchor_newest()
    del stage.chain.blocks[receipt.block_number :]
    stage.grow()
    with pytest.raises(ChainUnavailableError, match="the node is behind: it shows 1 blocks"):
        stage.anchorer().anchor_newest()
    assert Receipts(stage.store).list_all() == [receipt]
    assert len(stage.chain.sent) == 1


def test_a_reorg_below_an_older_anchor_gives_a_new_proof_not_the_old_transaction(stage):
    """The contract's head has gone back further than the proof that was sent begins."""
    first = stage.anchorer().anchor_newest()
    stage.grow()
    with pytest.raises(ChainUnavailableError):
        stage.anchorer("depth:9", deadline=3.0).anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - first.block_number)
    stage.chain.mine()
    with pytest.raises(ChainContradictionError):
        stage.anchorer("depth:2").resume()
    dismiss_lost(stage.store, stage.clock)
    receipt = stage.anchorer("depth:2").resume()
    assert_anchored(stage, receipt, stage.head[0])
    assert stage.states()[-4:] == ["reorged", "submitted", "included", "final"]
    assert len({sent.data for sent in stage.chain.sent}) == 3


def test_every_move_is_kept_with_its_transaction_and_reason(stage):
    with pytest.raises(ChainUnavailableError):
        stage.anchorer("depth:9", deadline=3.0).anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - stage.under_way().block_number)
    stage.anchorer("depth:2").resume()
    assert stage.states() == [
        "drafted",
        "submitted",
        "included",
        "reorged",
        "submitted",
        "included",
        "final",
    ]
    moves = stage.moves()
    (sent,) = {move.tx_hash for move in moves} - {None}
    assert sent == stage.chain.sent[0].hash
    assert moves[3].reason == "block 2 is gone"
    assert moves[4].reason == "the same transaction again"


def test_safe_is_a_state_on_the_way_to_finalized(stage):
    stage.anchorer("tag:finalized").anchor_newest()
    assert stage.states() == ["drafted", "submitted", "included", "safe", "final"]


def test_a_block_that_was_safe_may_vanish(stage):
    def none_is_final(block, selector, _):
        return block if selector != "finalized" else None

    stage.chain.overrides["eth_getBlockByNumber"] = none_is_final
    with pytest.raises(ChainUnavailableError, match="is safe and not final"):
        stage.anchorer("tag:finalized", deadline=5.0).anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - stage.under_way().block_number)
    stage.chain.overrides.clear()
    assert_anchored(stage, stage.anchorer("tag:finalized").resume(), FOUNDING)
    assert "reorged" in stage.states()


def test_a_nonce_that_went_back_behind_ours_is_signed_anew(stage):
    stage.chain.is_mining = False
    stage.chain.overrides["eth_getTransactionCount"] = lambda *_: hex(7)
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    stage.chain.overrides.clear()
    stage.chain.is_mining = True
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)
    assert [sent.nonce for sent in stage.chain.sent][-1] == 2
    assert "replaced" in stage.states()


def test_fees_are_not_raised_while_the_account_cannot_pay(stage):
    stage.chain.is_mining = False
    with pytest.raises(ChainUnavailableError):
        stage.anchorer(deadline=5.0).anchor_newest()
    stage.chain.balance = 0
    with pytest.raises(ChainUnavailableError, match=r"owns 0 wei and needs .*: pay into it"):
        stage.anchorer(deadline=90.0).resume()
    assert len({sent.raw for sent in stage.chain.sent}) == 1
    stage.chain.balance, stage.chain.is_mining = ETHER, True
    assert_anchored(stage, stage.anchorer().resume(), FOUNDING)


class Nth:
    """Breaks a run at the n-th failpoint that it passes; counts them for 0."""

    def __init__(self, hit=0):
        self.passed, self.hit = 0, hit

    def visit(self, name):
        self.passed += 1
        if self.passed == self.hit:
            raise StoreUnavailableError(f"injected at {name}")


def anchor_through_a_reorg(stage, plan, monkeypatch):
    """Anchor while the first block that holds the transaction vanishes."""
    lost = []

    def lose_the_first(receipt, _):
        if receipt is not None and stage.states()[-1] == "included" and not lost:
            lost.append(receipt)
            stage.chain.reorg(len(stage.chain.blocks) - int(receipt["blockNumber"], 16))
            return None
        return receipt

    stage.chain.overrides["eth_getTransactionReceipt"] = lose_the_first
    with monkeypatch.context() as patch:
        patch.setattr(failpoint, "_PLAN", plan)
        return stage.anchorer("tag:finalized").anchor_newest()


def test_a_run_that_breaks_at_any_step_of_a_reorg_is_finished_by_the_next(tmp_path, monkeypatch):
    plan = Nth()
    for hit in range(200):
        stage = Stage(f"sqlite:///{tmp_path}/{hit}.sqlite3")
        stage.grow(*WORLD.founding())
        if hit == 0:
            receipt = anchor_through_a_reorg(stage, plan, monkeypatch)
            assert "reorged" in stage.states()
        else:
            with pytest.raises(StoreUnavailableError):
                anchor_through_a_reorg(stage, Nth(hit), monkeypatch)
            stage.chain.overrides.clear()
            receipt = stage.anchorer("tag:finalized").anchor_newest()
        assert_anchored(stage, receipt, FOUNDING)
        stage.database.close()
        if hit == plan.passed:
            break
    assert plan.passed > 12


def test_an_adopted_event_that_vanishes_leads_to_a_transaction_of_our_own(stage):
    stage.chain.run_foreign(stage.identity.log_id, *stage.head)
    with pytest.raises(ChainUnavailableError):
        stage.anchorer("depth:9", deadline=3.0).anchor_newest()
    stage.chain.reorg(len(stage.chain.blocks) - stage.under_way().block_number)
    assert_anchored(stage, stage.anchorer("depth:2").resume(), FOUNDING)
    assert len(stage.chain.sent) == 1


# --- alarms -------------------------------------------------------------------------------------------------


def test_a_head_with_another_root_is_an_alarm_and_is_not_overwritten(stage):
    stage.chain.run_foreign(stage.identity.log_id, FOUNDING - 1, b"\x07" * 32)
    with pytest.raises(LogIntegrityError, match="does not contain"):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent


def test_a_head_of_our_size_with_another_root_is_an_alarm(stage):
    stage.chain.run_foreign(stage.identity.log_id, FOUNDING, b"\x07" * 32)
    with pytest.raises(LogIntegrityError, match="does not contain"):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent


def test_a_head_beyond_our_log_is_an_alarm(stage):
    stage.chain.run_foreign(stage.identity.log_id, FOUNDING + 10, b"\x07" * 32)
    with pytest.raises(
        LogIntegrityError, match=f"the contract holds {FOUNDING + 10} leaves that our log of {FOUNDING}"
    ):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent


def test_tiles_that_do_not_give_the_checkpoint_are_an_alarm(stage):
    with stage.database.write() as connection:
        connection.exec_driver_sql("UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0")
    with pytest.raises(LogIntegrityError, match="tiles"):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent


def test_an_account_that_is_not_the_operator_sends_nothing(stage):
    with pytest.raises(StateError, match="the log's operator on chain is 0x7e5f"):
        stage.anchorer(account=Account(bytes(31) + b"\x02")).anchor_newest()
    assert not stage.chain.sent


def test_a_frozen_log_gets_nothing_more(stage):
    stage.chain.frozen = True
    with pytest.raises(StateError, match="frozen"):
        stage.anchorer().anchor_newest()
    assert not stage.chain.sent


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"chain_id": 1}, "the node serves chain 7777, this log is anchored on 1"),
        ({"genesis_hash": bytes(32)}, "genesis block differs"),
        ({"contract": bytes(20)}, "is not the registry contract"),
        ({"log_id": bytes(32)}, "the contract does not know the log"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_another_chain_contract_or_log_is_refused(stage, change, sentence):
    with pytest.raises(WrongChainError, match=sentence):
        stage.anchorer(identity=replace(stage.identity, **change)).anchor_newest()
    assert not stage.chain.sent


@pytest.mark.parametrize(
    ("method", "lie"),
    [
        ("eth_call", "0x"),
        ("eth_call", "0x" + "ff" * 128),
        ("eth_getTransactionCount", hex(2**255)),
        ("eth_getTransactionReceipt", {"blockHash": 7}),
        ("eth_getLogs", "nothing"),
        ("eth_sendRawTransaction", None),
        ("eth_chainId", 7777),
    ],
)
def test_nonsense_is_never_a_traceback(stage, method, lie):
    if method == "eth_getLogs":
        stage.chain.run_foreign(stage.identity.log_id, *stage.head)
    stage.chain.overrides[method] = lambda *_: lie
    with pytest.raises(ChainUnavailableError):
        stage.anchorer().anchor_newest()
    del stage.chain.overrides[method]
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)


def forge_receipt(**changes):
    """A node that answers with an event of our transaction that it makes up, while nothing is mined."""

    def forge(stage):
        stage.chain.is_mining = False
        stage.chain.overrides["eth_getTransactionReceipt"] = lambda _, tx_hash: {
            "transactionHash": tx_hash,
            "blockNumber": "0x1",
            "blockHash": "0x" + stage.chain.blocks[1].hash.hex(),
            "status": "0x1",
            "gasUsed": "0x1",
            "logs": [
                {
                    "address": "0x" + stage.identity.contract.hex(),
                    "topics": [
                        "0x" + topic.hex()
                        for topic in (ANCHORED_TOPIC, stage.identity.log_id, FOUNDING.to_bytes(32))
                    ],
                    "data": "0x" + stage.head[1].hex(),
                    "blockNumber": "0x1",
                    "blockHash": "0x" + stage.chain.blocks[1].hash.hex(),
                    "transactionHash": tx_hash,
                    "logIndex": "0x0",
                }
                | changes
            ],
        }

    return forge


def forge_events(stage):
    forge_receipt()(stage)
    made_up = stage.chain.overrides["eth_getTransactionReceipt"]
    asked = []

    def answer(_, tx_hash):
        asked.append(tx_hash)
        return made_up(None, tx_hash)

    stage.chain.overrides |= {
        "eth_getTransactionReceipt": answer,
        "eth_getLogs": lambda *_: made_up(None, asked[0])["logs"],
    }


@pytest.mark.parametrize(
    ("forge", "sentence"),
    [
        (forge_receipt(), "shows an event that block 1 does not have"),
        (forge_receipt(blockHash="0x" + "07" * 32), "of another block 1 than its chain"),
        (forge_events, "the contract does not hold the head"),
    ],
    ids=["receipt", "block", "receipt and events"],
)
def test_what_a_node_makes_up_is_never_graded(stage, forge, sentence):
    forge(stage)
    with pytest.raises(ChainContradictionError, match=f"{sentence}.*look with another node"):
        stage.anchorer().anchor_newest()
    assert Receipts(stage.store).list_all() == []
    stage.chain.overrides.clear()
    stage.chain.is_mining = True
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)


def test_a_status_that_is_a_lie_ends_at_what_the_contract_holds(stage):
    stage.chain.overrides["eth_getTransactionReceipt"] = lambda receipt, _: (
        receipt and receipt | {"status": "0x0", "logs": []}
    )
    for _ in range(2):
        with pytest.raises(LedgerError):
            stage.anchorer(deadline=5.0).anchor_newest()
    assert Receipts(stage.store).list_all() == []
    stage.chain.overrides.clear()
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)


@pytest.mark.parametrize("member", ["blockNumber", "timestamp"])
def test_numbers_beyond_every_chain_are_nonsense(stage, member):
    def lie(answer, *_):
        if answer is None:
            return None
        changed = answer | ({member: hex(2**200)} if member in answer else {})
        logs = [log | ({member: hex(2**200)} if member in log else {}) for log in answer.get("logs", [])]
        return changed | {"logs": logs} if "logs" in answer else changed

    method = "eth_getTransactionReceipt" if member == "blockNumber" else "eth_getBlockByNumber"
    stage.chain.overrides[method] = lie
    with pytest.raises(ChainUnavailableError):
        stage.anchorer().anchor_newest()
    del stage.chain.overrides[method]
    assert_anchored(stage, stage.anchorer().anchor_newest(), FOUNDING)


def test_a_second_sender_on_the_same_database_is_noticed(stage):
    with stage.database.write() as connection:
        queries = AnchorQueries(connection)
        draft = queries.add_draft(*stage.head, stage.clock())
        queries.save(draft, replace(draft, state=AnchorState.SUBMITTED), stage.clock())
        with pytest.raises(LogIntegrityError, match="changed by another process"):
            queries.save(draft, draft, stage.clock())


def test_a_submitted_anchor_without_its_transaction_is_an_alarm(stage):
    with stage.database.write() as connection:
        queries = AnchorQueries(connection)
        draft = queries.add_draft(*stage.head, stage.clock())
        queries.save(draft, replace(draft, state=AnchorState.SUBMITTED), stage.clock())
    with pytest.raises(LogIntegrityError, match="is missing"):
        stage.anchorer().resume()


# --- witnesses --------------------------------------------------------------------------------------------

QUORUM = make_quorum("w1", "w2", "w3", threshold=2)


def test_only_what_a_quorum_has_cosigned_is_anchored(stage):
    stage.grow()
    stage.cosign("w1", "stranger")
    with pytest.raises(NotFoundError, match="by 2 of 3 witnesses"):
        stage.anchorer(quorum=QUORUM).anchor_newest()
    assert stage.under_way() is None
    stage.cosign("w3")
    size = stage.log.head.tree_size
    assert stage.anchorer(quorum=QUORUM).anchor_newest().tree_size == size
    stage.grow()
    stage.cosign("w2")
    assert stage.anchorer(quorum=QUORUM).anchor_newest().tree_size == size, "the newer one has no quorum"
    stage.cosign("w1")
    assert stage.anchorer(quorum=QUORUM).anchor_newest().tree_size == stage.log.head.tree_size


def test_a_draft_from_before_there_were_witnesses_waits_for_them(stage):
    stage.grow()
    stage.cosign("w1", "w2")
    first = stage.anchorer(quorum=QUORUM).anchor_newest()
    stage.grow()
    with stage.database.write() as connection:
        head = stage.log.head
        AnchorQueries(connection).add_draft(head.tree_size, head.root_hash, stage.clock())
    assert stage.anchorer(quorum=QUORUM).anchor_newest() == first
    assert stage.under_way().tree_size == stage.log.head.tree_size
    stage.cosign("w1", "w2")
    assert stage.anchorer(quorum=QUORUM).anchor_newest().tree_size == stage.log.head.tree_size
    assert stage.under_way() is None
