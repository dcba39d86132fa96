"""A served ledger in memory: real log, pool, prover, verifier and routes; only the store and the anchors are fakes.

    with ApiWorld() as world:
        world.found()
        code = world.issue(1)                        # through POST /entries
        world.anchor()
        world.client.get(f"/c/{code}")

Time stands still: `now` is the clock, `seconds` what runs on; both are moved by hand.
"""

import base64
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fakes import MemoryStore
from starlette.testclient import TestClient
from world import NOW, ORIGIN, Issued, World

from api.app import LedgerParts, Parts, PublicParts, create_app
from ledger.admission import RuleSet
from ledger.core.anchor import AnchorGrade, ChainIdentity, sign_receipt
from ledger.core.data import load_rule_book
from ledger.core.ids import RootHash, TreeSize
from ledger.core.policy import DEFAULT_REQUIRED, ContractPin, Policy
from ledger.core.qr import ShortCode, compute_code, encode_digits
from ledger.intake import Intake
from ledger.local import LocalLedger
from ledger.log import Log
from ledger.pool import Pool
from ledger.proving import Prover
from ledger.register_list import RegisterList

HOST = "v.example.cn"
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHAIN = ChainIdentity(31337, bytes([1]) * 32, bytes([2]) * 20, bytes([3]) * 32)
FOUNDED = 10
"""Leaves after `ApiWorld.found`: each register event is a batch of its own, and a MAPHEAD ends each."""

FOUNDING_INDICES = range(0, FOUNDED, 2)
"""Where the register events stand."""

JSON = {"Accept": "application/json"}
ENGLISH = {"Accept-Language": "en"}


class MemoryReceipts:
    """Stands for `Receipts`: anchors are whatever was put in."""

    def __init__(self) -> None:
        self.receipts = {}

    def find(self, leaf_index):
        newest = self.newest_size()
        return self.receipts[newest] if newest > leaf_index else None

    def find_earlier(self, leaf_index, at):
        found = [one for one in self.list_all() if one.tree_size > leaf_index and one.anchored_at <= at]
        return found[-1] if found else None

    def newest_size(self):
        return TreeSize(max(self.receipts, default=0))

    def list_all(self):
        return [self.receipts[size] for size in sorted(self.receipts)]


class ApiWorld(AbstractContextManager):
    """One log and its server, in memory or on another store. `policy` changes what its verifier believes."""

    def __init__(
        self, roles: str = "all", world: World | None = None, store: Any = None, **policy: Any
    ) -> None:
        self.world = world or World()
        self.now = NOW + timedelta(minutes=5)
        self.seconds = 0.0
        self.store = store or self.make_store()
        self.log = Log(self.store, ORIGIN, self.world.log_key, self.clock)
        self.prover = Prover(self.store, ORIGIN)
        self.receipts = MemoryReceipts()
        rules = RuleSet(load_rule_book(), SHANGHAI, timedelta(minutes=5))
        self.ledger = LocalLedger(None, self.store, self.log, self.prover, self.world.log_key, rules)
        self.pool = Pool(self.log)
        self.intake = Intake(self.ledger, self.pool, self.clock)
        self.policy = self._make_policy(**policy)
        self.app = create_app(self.parts(roles))
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def __exit__(self, *_: object) -> None:
        self.pool.stop()

    def make_store(self) -> Any:
        """Return where the log lives; a database where a test says so."""
        return MemoryStore()

    def clock(self) -> datetime:
        return self.now

    def parts(self, roles: str = "all") -> Parts:
        """Return the parts of `public`, `ledger` or `all`."""
        public = PublicParts(
            self.store, self.policy, HOST, self.clock, lambda: self.seconds, **self.public_options()
        )
        ledger = LedgerParts(self.intake, self.ledger.find_states)
        return Parts(
            self.prover,
            self.receipts,
            RegisterList(self.store, self.prover, ORIGIN),
            public=None if roles == "ledger" else public,
            ledger=None if roles == "public" else ledger,
        )

    def public_options(self) -> dict[str, Any]:
        """Return what else the public part is made of."""
        return {}

    def _make_policy(self, **changes: Any) -> Policy:
        return Policy(
            **{
                "version": 1,
                "origin": ORIGIN,
                "log_key": self.world.log_key.public_key,
                "root_version": 1,
                "root_digest": self.world.root_digest,
                "contract": ContractPin(CHAIN, bytes([6]) * 32, "immediate"),
                "hosts": (HOST,),
                "required": frozenset(DEFAULT_REQUIRED),
                "lag_warning": timedelta(days=30),
                "clock_tolerance": timedelta(minutes=5),
                "max_status_age": None,
                "zone": SHANGHAI,
                "development": True,
                **changes,
            }
        )

    # --- what a desk and an operator do ---------------------------------------------------------------------

    def found(self) -> "ApiWorld":
        """Put root, authority, institution, key and scope into the log."""
        results = self.post([entry(raw) for raw in self.world.founding()]).json()["results"]
        assert [result.get("index") for result in results] == list(FOUNDING_INDICES), results
        return self

    def post(self, entries: Sequence[dict], **headers: str):
        """Send `POST /entries`; the pages look at the log anew."""
        self.seconds += 1
        return self.client.post("/entries", json={"entries": list(entries)}, headers=headers)

    def issue(self, number: int = 1, **changes: Any) -> ShortCode:
        """Issue a certificate; `changes` are those of its record. Return its short code."""
        return self.submit(self.sign(number, **changes))

    def sign(self, number: int = 1, *, version: int = 0, **changes: Any) -> Issued:
        return self.world.issue(number, record=self.world.record(number, **changes), version=version)

    def submit(self, issued: Issued) -> ShortCode:
        answer = self.post([entry(issued.raw, issued.body)]).json()
        assert "index" in answer["results"][0], answer
        return compute_code(issued.raw)

    def anchor(self) -> None:
        """Anchor what the log holds now; the pages look anew."""
        self.seconds += 1
        head = self.log.head
        self.receipts.receipts[head.tree_size] = sign_receipt(
            CHAIN,
            TreeSize(head.tree_size),
            RootHash(head.root_hash),
            bytes([4]) * 32,
            7,
            bytes([5]) * 32,
            datetime.fromtimestamp(head.sequenced_at_ms // 1000 + 1, UTC),
            AnchorGrade.FINAL,
            self.world.log_key,
        )

    def reject(self, number: int = 1, **changes: Any) -> ShortCode:
        """Issue a rejection notice."""
        return self.submit(self.sign_rejection(number, **changes))

    def sign_rejection(self, number: int = 1, *, version: int = 0, **changes: Any) -> Issued:
        point = {"nominal": "20.00", "measured": "20.10", "error": "0.50", "mpe": "0.30", "pass": False}
        result = {
            "item": "indication_error",
            "unit": "L",
            "error_unit": "%",
            "k": "2",
            "points": [point | {"u": "0.05"}],
            "pass": False,
        }
        failed = {
            "doc_type": "rejection_notice",
            "conclusion": "fail",
            "results": [result],
            "validity": {"kind": "none"},
        }
        return self.sign(number, version=version, **(failed | changes))


def entry(raw: bytes, body: bytes | None = None) -> dict[str, str]:
    """Return one entry of a request."""
    members = {"statement": base64.b64encode(raw).decode()}
    if body is not None:
        members["certificate"] = base64.b64encode(body).decode()
    return members


def long_path(issued: Issued) -> str:
    return f"/q/{encode_digits(issued.raw)}"
