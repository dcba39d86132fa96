"""The log over HTTP as static files: addresses, types, caches; the same in every role."""

import pytest
from api_world import MemoryReceipts
from bare_log import bare_leaf, make_bare_store
from ledger_in_memory import MemoryLedger
from starlette.testclient import TestClient
from tlog_client import check_proof, read_log
from world import ORIGIN

from api.app import Parts, create_app
from api.ready import IMMUTABLE
from ledger.core.anchor import parse_anchor_list
from ledger.proving import Prover

SIZE = 700
TILES = ["tile/0/000", "tile/0/002.p/188", "tile/0/000.p/1", "tile/1/000.p/2", "tile/entries/001"]
NOWHERE = [
    "tile/0/003.p/1",
    "tile/0/002",
    "tile/0/002.p/189",
    "tile/1/000",
    "tile/1/000.p/3",
    "tile/2/000.p/1",
    "tile/63/000",
    "tile/64/000",
    "tile/00/000",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p",
    "tile/0/000/",
    "tile/0//000",
    "tile/-1/000",
    "tile/entries/003.p/1",
    "tile/Entries/000",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
    "tile/0/%D9%A1%D9%A1%D9%A1",
    "tile/",
    "tile/0/000%00",
    "tile/0/000%0A",
    "tile/entries/..%2F0%2F000",
    "tile/0/%30%30%30",
    "tile/0%2F000",
]


def make_client(size):
    prover = Prover(make_bare_store(size), ORIGIN)
    receipts = MemoryReceipts()
    ledger = MemoryLedger().found()
    receipts.receipts = {number: ledger.receipt(number) for number in (4, 2)}
    return TestClient(create_app(Parts(prover, receipts, None)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    return make_client(SIZE)


def test_a_foreign_reader_finds_every_entry(client):
    entries, size, _ = read_log(lambda path: client.get(f"/{path}").raise_for_status().content)
    assert (size, entries) == (SIZE, [bare_leaf(index) for index in range(SIZE)])


@pytest.mark.parametrize("path", TILES)
def test_tiles_are_bytes_that_anybody_may_keep_for_ever(client, path):
    answer = client.get(f"/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == IMMUTABLE == "public, max-age=31536000, immutable"
    again = client.get(f"/{path}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == IMMUTABLE
    head = client.head(f"/{path}")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(answer.content)))


@pytest.mark.parametrize("path", NOWHERE)
def test_what_the_newest_checkpoint_does_not_hold_is_not_found_and_not_kept(client, path):
    answer = client.get(f"/{path}", follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_the_checkpoint_is_asked_for_each_time(client):
    answer = client.get("/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_proof_file_is_text_with_a_name(client):
    answer = client.get("/entries/300/proof")
    assert check_proof(answer.text, bare_leaf(300)) == (300, bare_leaf(300)[:128])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-disposition"] == 'attachment; filename="300.tlog-proof"'


@pytest.mark.parametrize(
    ("index", "status"),
    [("700", 404), ("9" * 18, 404), ("9" * 19, 404), ("07", 422), ("x", 422), ("-1", 422)],
)
def test_proofs_of_what_is_not_there(client, index, status):
    assert client.get(f"/entries/{index}/proof").status_code == status


def test_receipts_are_listed_oldest_first(client):
    answer = client.get("/anchors.json")
    assert answer.headers["cache-control"] == "no-cache"
    anchors = parse_anchor_list(answer.content)
    assert (anchors.origin, [receipt.tree_size for receipt in anchors.receipts]) == (ORIGIN, [2, 4])


def test_an_empty_log_has_neither_checkpoint_nor_tiles():
    client = make_client(0)
    for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "entries/0/proof"):
        assert client.get(f"/{path}").status_code == 404
