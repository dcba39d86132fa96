"""A witness that also reads the log's contract on a real node: it cosigns nothing that the chain contradicts."""

import shutil

import httpx2
import pytest
from line import Line, run, write_meters
from served_home import serve, serve_witness, wait_until
from servers import anvil_node

from ledger.core.add_checkpoint import AddCheckpoint, encode_request
from ledger.core.ids import TreeSize

DEAD_NODE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def node():
    with anvil_node() as node:
        yield node


@pytest.fixture
def newest(tmp_path, node):
    """A home with one certificate, anchored."""
    line = Line(tmp_path / "newest", options=["--node", node.url, "--finality", "immediate"])
    line.found()
    line.issue(write_meters(tmp_path / "first.jsonl", 1))
    return line


@pytest.fixture
def old(newest, node):
    """A copy of that home from before another certificate was anchored; it is cut off from the chain."""
    shutil.copytree(newest.out, newest.out.parent / "old")
    line = Line(newest.out.parent / "old")
    config = line.home / "home.toml"
    config.write_text(config.read_text().replace(node.url, DEAD_NODE))
    newest.issue(write_meters(newest.out.parent / "second.jsonl", 1, first=2))
    return line


class Witness:
    """A witness of one log; it looks at its server and its contract every second."""

    def __init__(self, line, server, node):
        self.folder = line.out / "witness"
        self.server = server
        for words in (
            ["init", "--name", "w1.example", "--development"],
            ["add", "--policy", line.policy, "--url", server.url, "--node", node.url],
        ):
            assert run("witness", *words, "--dir", self.folder).code == 0

    def serve(self):
        return serve_witness(self.folder, "--poll-seconds", 1)

    def ask(self, url):
        """Ask it for its line over what the server shows."""
        note = httpx2.get(f"{self.server.url}/checkpoint", trust_env=False).text
        body = encode_request(AddCheckpoint(TreeSize(0), (), note))
        return httpx2.post(f"{url}/add-checkpoint", content=body, trust_env=False)


def standing(url):
    return httpx2.get(f"{url}/healthz", trust_env=False).json()["logs"][0]


def serve_log(line):
    return serve(line.home, "all", "--anchor-seconds", 0)


def test_a_log_that_agrees_with_its_contract_is_cosigned(newest, node):
    size = len(newest.leaves())
    with serve_log(newest) as server:
        witness = Witness(newest, server, node)
        with witness.serve() as served:
            wait_until(lambda: standing(served.url)["least_size"] == size or None)
            answer = witness.ask(served.url)
    assert (answer.status_code, answer.text.startswith("— w1.example ")) == (200, True)


def test_a_log_that_is_behind_its_contract_is_not_cosigned(old, newest, node):
    anchored = len(newest.leaves())
    with serve_log(old) as server:
        witness = Witness(old, server, node)
        with witness.serve() as served:
            wait_until(lambda: standing(served.url)["least_size"] == anchored or None)
            answer = witness.ask(served.url)
    assert (answer.status_code, f"has shown {anchored} leaves" in answer.text) == (422, True)


def test_a_log_that_goes_on_beside_its_contract_is_not_cosigned(old, newest, node):
    rows = write_meters(old.out / "other.jsonl", 3, first=9)
    old.issue(rows, anchor=False, out=False)
    assert len(old.leaves()) > len(newest.leaves())
    with serve_log(old) as server:
        witness = Witness(old, server, node)
        with witness.serve() as served:
            wait_until(lambda: standing(served.url).get("doubt"))
            answer = witness.ask(served.url)
    expected = f"the contract holds another root for {len(newest.leaves())} leaves"
    assert (answer.status_code, expected in answer.text) == (422, True)
