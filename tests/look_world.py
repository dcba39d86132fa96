"""A served log that is anchored on a chain, and a node of that chain that pages may ask.

with ChainWorld() as world, node_of(world.chain) as node, serving(world.app) as url:
    code = world.issue(1)
    world.anchor()
    page.goto(f"{url}/look?code={code}&node={node.url}")
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from api_world import ApiWorld
from fake_chain import CHAIN_ID, FakeChain
from world import ORIGIN

from contracts.artifact import load_artifact
from contracts.registry import compute_origin_hash
from ledger.chain.transactions import Account
from ledger.core.anchor import AnchorGrade, ChainIdentity, sign_receipt
from ledger.core.ids import RootHash, TreeSize
from ledger.core.policy import ContractPin


class ChainWorld(ApiWorld):
    """A served log whose newest state can be anchored, once, on a chain in memory."""

    def __init__(self, **policy):
        self.chain = FakeChain(Account(bytes(31) + b"\x01"))
        contract, log_id = self.chain.found_log(compute_origin_hash(ORIGIN))
        self.identity = ChainIdentity(CHAIN_ID, self.chain.blocks[0].hash, contract, log_id)
        pin = ContractPin(self.identity, load_artifact().code_sha256, "immediate")
        super().__init__(**{"contract": pin, **policy})

    def anchor(self, *, root=None):
        """Anchor what the log holds now; `root` stands in the contract instead of the log's own."""
        head = self.log.head
        self.chain.run_foreign(self.identity.log_id, head.tree_size, root or head.root_hash)
        self.hold_receipt()

    def hold_receipt(self):
        """Sign a receipt of what the log holds now, whatever the chain has."""
        self.seconds += 1
        head = self.log.head
        self.receipts.receipts[head.tree_size] = sign_receipt(
            self.identity,
            TreeSize(head.tree_size),
            RootHash(head.root_hash),
            bytes([4]) * 32,
            len(self.chain.blocks) - 1,
            self.chain.blocks[-1].hash,
            self.now,
            AnchorGrade.FINAL,
            self.world.log_key,
        )


class FakeNode:
    """A node behind a socket: `lets_pages` is CORS, `answer` what it says to method and parameters."""

    def __init__(self, chain):
        self.lets_pages = True
        self.asked = []
        self.headers = []
        self.answer = chain.answer
        self.url = ""


@contextmanager
def node_of(chain):
    """Serve a chain on 127.0.0.1 until the block is left."""
    node = FakeNode(chain)

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self):
            self._reply(204, b"")

        def do_POST(self):
            node.headers.append({name.lower(): value for name, value in self.headers.items()})
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node.asked.append((self.path, request["method"]))
            found = node.answer(request["method"], request["params"])
            self._reply(200, found if isinstance(found, bytes) else json.dumps(found).encode())

        def _reply(self, status, body):
            self.send_response(status)
            if node.lets_pages:
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "content-type")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
