"""Certificate, sign, log, anchor, proof, verify: the whole line through its commands, on every engine and chain."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from line import FOUNDED, HOST, Line, failed_meter, meter, run, run_process, write_meters, write_rows
from servers import anvil_node, dev_chain, postgres_server

from ledger.core.qr import parse_qr_text
from ledger.home import lock_ledger
from verifier.picture import read_qr_picture

GOOD, BAD = 9, 2
MISSING_HERE = {"persons", "standards", "type", "quorum", "chain"}
"""Steps for which this issue's evidence has nothing."""

TOLD_WITH_TIMES = {"boot": None, "anchoring": None}
"""What `doctor` says of the world outside, and when it was found out."""


@contextmanager
def default_line(out):
    """SQLite and our own development chain: what a home is without settings."""
    line = Line(out)
    with line.chain() as url:
        yield line, url


@contextmanager
def postgres_line(out):
    """PostgreSQL for ledger and desk, in two databases, and a chain behind a URL."""
    with (
        postgres_server() as server,
        server.fresh_database() as ledger,
        server.fresh_database() as desk,
        dev_chain(out / "chain") as node,
    ):
        options = ["--database", ledger, "--desk-database", desk, "--node", node.url]
        yield Line(out, options), node.url


@contextmanager
def anvil_line(out):
    """Ledger and desk in one PostgreSQL database, and an anvil where a block is final when it is `safe`."""
    with postgres_server() as server, server.fresh_database() as url, anvil_node() as node:
        options = ["--database", url, "--desk-database", url, "--node", node.url, "--finality", "tag:safe"]
        yield Line(out, options), node.url


@contextmanager
def own_anvil_line(out):
    """SQLite and an anvil that the home starts itself."""
    with anvil_node():  # skips where there is none
        pass
    line = Line(out, ["--node", "anvil"])
    with line.chain() as url:
        yield line, url


@pytest.mark.parametrize("start", [default_line, postgres_line, anvil_line, own_anvil_line])
def test_from_an_empty_folder_to_a_verdict_and_once_more(tmp_path, monkeypatch, start):
    with start(tmp_path) as (line, url):
        line.found()
        rows = [*map(meter, range(1, GOOD + 1)), *map(failed_meter, range(GOOD + 1, GOOD + BAD + 1))]
        write_rows(tmp_path / "meters.jsonl", rows)
        issued = line.issue(tmp_path / "meters.jsonl")
        assert issued == {"documents": GOOD + BAD, "signed": 0, "logged": GOOD + BAD, "voided": 0}

        assert_verdicts(line, url)
        size = FOUNDED + GOOD + BAD + 1
        assert line.anchors() == [(size, "final")]
        assert line.events(url) == [size]

        before, health = line.snapshot(), line.run("doctor")
        assert (health["documents"], health["anchors"]) == (GOOD + BAD, 1)
        once_more = issued | {"issued_before": GOOD + BAD}
        assert line.issue(tmp_path / "meters.jsonl") == once_more
        put_clocks_on(monkeypatch, days=3)
        assert line.issue(tmp_path / "meters.jsonl") == once_more
        assert line.snapshot() == before
        assert {**line.run("doctor"), **TOLD_WITH_TIMES} == {**health, **TOLD_WITH_TIMES}
        assert line.events(url) == [size]

        line.issue(write_meters(tmp_path / "more.jsonl", 2, first=100))
        assert line.events(url) == [size, size + 3]
        assert [row[1] for row in line.desk()] == [f"JY{year(line)}-{count:06}" for count in range(1, 14)]


def assert_verdicts(line, url):
    """Each bundle offline and on the chain, each certificate, each picture."""
    failed = 0
    for folder in line.folders():
        bundle = folder / "bundle.json"
        offline, on_chain = line.verify(bundle), line.verify(bundle, "--chain", url)
        assert {check["name"] for check in offline["checks"] if check["outcome"] == "FAILED"} == set()
        assert not_checked(offline) - {"limits"} == MISSING_HERE
        assert not_checked(on_chain) - {"limits"} == MISSING_HERE - {"chain"}
        assert offline["authentic"]
        assert on_chain["authentic"]
        if offline["status"] == "FAILED":
            failed += 1
            assert (offline["verdict"], offline["code"]) == ("INVALID", 1)
            assert (on_chain["verdict"], on_chain["code"]) == ("INVALID", 1)
        else:
            assert (offline["verdict"], offline["status"], offline["code"]) == ("VALID", "VALID", 0)
            assert (on_chain["verdict"], on_chain["code"]) == ("VALID", 0)
        assert offline["environment"] == "development"
        number = offline["document"]["number"]
        for document in (folder / "qr.png", folder / "certificate.json"):
            alone = line.verify(document, code=3)
            assert (alone["verdict"], alone["authentic"]) == ("UNKNOWN", True)
            assert alone["document"]["number"] == number
        text = read_qr_picture((folder / "qr.png").read_bytes())
        assert parse_qr_text(text, host=HOST).statement
        assert line.verify(text, code=3)["document"]["number"] == number
    assert (len(line.folders()), failed) == (GOOD + BAD, BAD)


def not_checked(report):
    return {check["name"] for check in report["checks"] if check["outcome"] == "NOT_CHECKED"}


def put_clocks_on(monkeypatch, **by):
    def read_clock():
        return datetime.now(UTC) + timedelta(**by)

    for module in ("ledger.local", "ledger.cli", "issuer.cli"):
        monkeypatch.setattr(f"{module}.read_clock", read_clock)


def year(line):
    return line.desk()[0][1][2:6]


def test_commands_as_processes_of_their_own(tmp_path):
    """Without a terminal; each starts the development chain when it needs it, and ends it."""
    line, home = Line(tmp_path), ("--home", tmp_path / "home")
    started = run_process("init", "--development", "--host", HOST, *home)
    assert started.code == 0, started
    assert "environment: development" in started.out
    with line.chain():
        line.run("chain", "deploy")
    line.set_up_authority()
    write_meters(tmp_path / "meters.jsonl", 3)
    issued = run_process(*line.issue_words(tmp_path / "meters.jsonl"), *home)
    assert (issued.code, issued.err) == (0, "")
    assert "logged: 3" in issued.out
    verified = run_process("verify", line.folders()[0] / "bundle.json", "--policy", line.policy)
    assert verified.code == 0
    assert verified.out.startswith("DEVELOPMENT ENVIRONMENT")
    assert verified.out.splitlines()[1].startswith("VALID")
    shown = line.check(run_process("chain", "show", *home, "--json"))
    assert (shown["chain_id"], shown["tree_size"], shown["frozen"]) == (31337, FOUNDED + 4, False)
    assert line.check(run_process("doctor", *home, "--json"))["documents"] == 3


def test_a_second_process_waits_for_its_turn(tmp_path):
    line = Line(tmp_path)
    line.init()
    with lock_ledger(line.opened):
        refused = run("doctor", "--home", line.home, "--json")
    assert refused.code == 3
    assert refused.members["kind"] == "HomeLocked"
    assert line.run("doctor")["entries"] == 0
