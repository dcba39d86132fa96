"""What tests of anchoring share: fresh accounts with a contract, quick senders, events as others read them."""

import hashlib
import secrets
from datetime import timedelta
from zoneinfo import ZoneInfo

from world import ORIGIN, World

from contracts.registry import ANCHORED_TOPIC, parse_anchored_event
from ledger.anchoring.anchorer import Anchorer
from ledger.anchoring.binding import ChainBinding
from ledger.anchoring.deployment import Founder
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.chain.payment import give_allowance
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account
from ledger.chain.waiting import Pace
from ledger.core.anchor import ChainIdentity
from ledger.core.policy import ContractPin, Policy

WORLD = World()
QUICK = Pace(deadline=30.0, resend=5.0, first_poll=0.01, longest_poll=0.2)


def fresh_account(client: ChainClient) -> Account:
    """Return a new account of a development chain, with ether."""
    account = Account(hashlib.sha256(secrets.token_bytes(32)).digest())
    give_allowance(client, account.address)
    return account


def found_log(client: ChainClient, account: Account, finality: str = "immediate") -> ChainBinding:
    founder = Founder(client, account, parse_finality(finality), pace=QUICK)
    return founder.open_log(founder.deploy_registry(), ORIGIN)


def make_anchorer(store, client, account, binding, clock, finality="immediate", pace=QUICK) -> Anchorer:
    registry = Registry(client, binding.chain, binding.first_block)
    return Anchorer(store, registry, account, WORLD.log_key, parse_finality(finality), clock, pace=pace)


def read_events(client: ChainClient, chain: ChainIdentity) -> list[tuple[int, bytes]]:
    """Return size and root of every anchor of a log, oldest first."""
    topics = [ANCHORED_TOPIC, chain.log_id]
    entries = client.logs(chain.contract, topics, 0, client.block("latest").number)
    events = [parse_anchored_event(entry.topics, entry.data) for entry in entries]
    return [(event.size, event.root) for event in events]


def make_policy(pin: ContractPin | None) -> Policy:
    return Policy(
        version=1,
        origin=ORIGIN,
        log_key=WORLD.log_key.public_key,
        root_version=1,
        root_digest=WORLD.root_digest,
        contract=pin,
        hosts=("localhost:8000",),
        required=frozenset(),
        lag_warning=timedelta(days=30),
        clock_tolerance=timedelta(minutes=5),
        max_status_age=None,
        zone=ZoneInfo("Asia/Shanghai"),
        development=True,
    )
