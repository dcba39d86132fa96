"""Before it signs, a ledger compares itself with what others hold; one that is behind signs nothing, ever."""

import json
import shutil

import httpx2
import pytest
from foreign_witness import ForeignWitness
from line import FOUNDED, Line, run, write_meters
from relay import Relay
from served_home import serve, wait_until
from servers import anvil_node
from world import NOW, ORIGIN, World, submit

from ledger.boot_check import BOOT, BootCheck, BootState, Claim, WriteGate
from ledger.core.errors import ReadOnlyError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import EMPTY_ROOT
from ledger.core.policy import parse_policy
from ledger.cosigning.witnesses import WITNESSES_TYPE
from ledger.home import find_passphrase
from ledger.local import open_ledger
from ledger.log import Log
from ledger.outside import CONTRACT, CONTRACT_ZH
from ledger.store.condition_queries import ConditionQueries

WORLD = World()


# --- comparing ----------------------------------------------------------------------------------------------


def claim(size, root, name="witness W1"):
    return Claim(name, "见证方W1", TreeSize(size), RootHash(root))


def check(store):
    return BootCheck(store, WriteGate(), lambda: NOW)


def read_condition(store):
    with store.database.read() as connection:
        return ConditionQueries(connection).find(BOOT)


@pytest.fixture
def heads(log):
    """Three heads of one log."""
    heads = [log.head]
    for number in range(2):
        submit(log, WORLD.bare_issue(number))
        heads.append(log.head)
    return [claim(head.tree_size, head.root_hash) for head in heads]


def test_whoever_extends_all_claims_may_sign(store, heads):
    for some in ([], heads[:1], heads, [claim(0, EMPTY_ROOT)]):
        found = check(store)
        found.compare(some)
        found.gate.require_open()
        assert read_condition(store).state == BootState.COMPARED


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_root_at_any_size_is_read_only(store, heads, place):
    forged = claim(heads[place].tree_size, b"\x07" * 32)
    found = check(store)
    found.compare([*heads, forged])
    with pytest.raises(ReadOnlyError, match="are not those that witness W1 holds"):
        found.gate.require_open()


def test_a_claim_of_more_leaves_is_read_only_in_both_languages(store, heads):
    size = heads[-1].tree_size + 1
    found = check(store)
    found.compare([*heads, claim(size, b"\x07" * 32)])
    with pytest.raises(ReadOnlyError) as caught:
        found.gate.require_open()
    assert (
        f"it holds {size - 1} leaves, witness W1 holds {size}; it comes from an old backup" in caught.value.en
    )
    assert f"本地只有{size - 1}条记录，见证方W1已有{size}条" in caught.value.zh


def test_what_was_found_is_known_at_the_next_start_until_somebody_has_looked(store, heads):
    check(store).compare([claim(99, b"\x07" * 32)])
    again = check(store)
    with pytest.raises(ReadOnlyError, match="holds 99"):
        again.gate.require_open()
    again.compare(heads, missing="the node is away")
    with pytest.raises(ReadOnlyError, match="holds 99"):
        again.gate.require_open()
    assert read_condition(store).state == BootState.READ_ONLY
    again.compare(heads)
    again.gate.require_open()


def test_a_chain_out_of_reach_is_said_and_signing_goes_on(store, heads):
    found = check(store)
    found.compare(heads, missing="the node is away")
    found.gate.require_open()
    condition = read_condition(store)
    assert condition.state == BootState.NOT_COMPARED
    assert "the node is away" in condition.en
    assert "尚未" in condition.zh


def test_witnesses_count_while_the_chain_is_out_of_reach(store, heads):
    found = check(store)
    found.compare([claim(99, b"\x07" * 32)], missing="the node is away")
    with pytest.raises(ReadOnlyError):
        found.gate.require_open()


def test_a_closed_gate_stops_the_log_itself(store, clock, heads):
    gate = WriteGate()
    log = Log(store, ORIGIN, WORLD.log_key, clock, require_open=gate.require_open)
    gate.set(ReadOnlyError("no", "否"))
    before = log.head
    with pytest.raises(ReadOnlyError):
        submit(log, WORLD.bare_issue(7))
    assert log.head == before
    gate.set(None)
    submit(log, WORLD.bare_issue(7))
    assert log.head.tree_size == before.tree_size + 2


# --- a home from an old backup ------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request):
    """Addresses of the ledger's database now, and of its copy from before."""
    if request.param == "sqlite":
        yield None
    else:
        server = request.getfixturevalue("postgres")
        with server.fresh_database() as new, server.fresh_database() as old:
            yield new, old, server


@pytest.fixture(scope="module")
def node():
    with anvil_node() as node:
        yield node


class Backup:
    """A home, and a copy of it from before two more certificates were issued and anchored."""

    def __init__(self, folder, url, databases):
        options = ["--node", url, "--finality", "immediate"]
        if databases:
            options += ["--database", databases[0]]
        self.newest = Line(folder / "newest", options=options)
        self.newest.found()
        self.newest.issue(write_meters(folder / "first.jsonl", 1))
        shutil.copytree(self.newest.out, folder / "old")
        self.old = Line(folder / "old")
        if databases:
            self._copy_database(databases)
        self.later = write_meters(folder / "later.jsonl", 2, first=2)
        self.newest.issue(self.later)
        self.other = write_meters(folder / "other.jsonl", 1, first=9)

    def _copy_database(self, databases):
        new, old, server = databases
        names = [url.rpartition("/")[2] for url in (new, old)]
        server._execute(f"DROP DATABASE {names[1]}")
        server._execute(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
        config = self.old.home / "home.toml"
        config.write_text(config.read_text().replace(names[0], names[1]))


@pytest.fixture
def backup(tmp_path, node, databases):
    return Backup(tmp_path, node.url, databases)


def test_a_restored_backup_refuses_to_sign_and_still_answers(backup, node):
    old, size = backup.old, FOUNDED + 2
    heads, events = len(old.leaves()), old.events(node.url)
    sentence = f"it holds {size} leaves, {CONTRACT} holds {size + 3}; it comes from an old backup"
    for words in (
        old.issue_words(backup.other),
        old.issue_words(backup.other, anchor=False),
        ["anchor"],
        ["anchor", "--after-reorg"],
        ["amend", "withdraw", "JY2026-000001", "--reason", "COURT_OR_AUTHORITY_ORDER"],
        ["authority", "submit", old.out / "root.statement"],
    ):
        answer = run(*words, "--home", old.home, "--json")
        assert (answer.code, answer.members.get("kind")) == (2, "ReadOnly"), (words, answer)
        assert sentence in answer.members["error"]
        assert "旧备份" in answer.members["zh"]
    assert len(old.desk()) == 1

    found = old.run("doctor", code=2)
    assert (found["status"], found["entries"]) == ("read-only", size)
    assert sentence in found["error"]
    assert f"{CONTRACT_ZH}已有{size + 3}条" in found["reason_zh"]
    assert old.run("anchor", "--status")["status"] == "read-only"

    with serve(old.home, "all", "--anchor-seconds", 1) as server:

        def get(path, **headers):
            return httpx2.get(server.url + path, headers=headers, trust_env=False)

        health = get("/healthz").json()
        assert (health["status"], health["tree_size"]) == ("read-only", size)
        assert sentence in health["reason"]
        problem = httpx2.post(
            f"{server.url}/entries",
            json={"entries": [{"statement": "AA==", "certificate": "AA=="}]},
            trust_env=False,
        )
        assert (problem.status_code, problem.json()["type"]) == (503, "urn:hengzheng:problem:read-only")
        assert sentence in problem.json()["detail"]
        assert "旧备份" in problem.json()["zh"]
        assert "retry-after" not in problem.headers
        for path in (
            "/checkpoint",
            "/tile/0/000.p/12",
            "/anchors.json",
            "/registers",
            f"/entries/{size - 2}/proof",
        ):
            assert get(path).status_code == 200, path
        assert get("/certificates/JY2026-000001").json()["certificates"][0]["status"] == "CANNOT_CHECK"
        assert get("/certificates/JY2026-000003").status_code == 503
        words = old.issue_words(backup.other, anchor=False, out=False)
        remote = run(*words, "--ledger", server.url, "--home", old.home, "--json")
        assert (remote.code, sentence in remote.members["queued_because"]) == (3, True), remote
    assert (len(old.leaves()), old.events(node.url)) == (heads, [*events])


def test_the_newest_copy_signs_as_before(backup):
    backup.newest.issue(backup.other)
    assert backup.newest.run("doctor")["boot"]["state"] == "compared"


def test_a_backup_that_signed_on_without_the_chain_is_found_out_later(backup, node):
    """It starts, says "not compared", signs; with the chain back it is another log, and read-only for good."""
    old = backup.old
    config = old.home / "home.toml"
    with_node = config.read_text()
    config.write_text(with_node.replace(node.url, "http://127.0.0.1:9"))
    for number in (9, 10, 11):
        old.issue(write_meters(old.out / f"{number}.jsonl", 1, first=number), anchor=False, out=False)
    assert old.run("doctor")["boot"]["state"] == "not-compared"
    config.write_text(with_node)
    found = old.run("doctor", code=2)
    assert (
        "are not those that the contract on chain holds; another copy of this log has signed"
        in found["error"]
    )
    config.write_text(with_node.replace(node.url, "http://127.0.0.1:9"))
    assert old.issue(backup.other, code=2)["kind"] == "ReadOnly"


def test_a_server_turns_read_only_as_soon_as_the_node_answers(backup, node):
    old = backup.old
    with Relay(node.url) as relay:
        config = old.home / "home.toml"
        config.write_text(config.read_text().replace(node.url, relay.url))
        relay.refuse()
        with serve(old.home, "ledger", "--anchor-seconds", 0) as server:

            def health():
                return httpx2.get(f"{server.url}/healthz", trust_env=False).json()

            assert (health()["status"], health()["boot"]["state"]) == ("ok", "not-compared")
            relay.accept()
            wait_until(lambda: health()["status"] == "read-only" or None, 20)


# --- witnesses of a ledger that is served -------------------------------------------------------------------


@pytest.fixture
def witnessed(tmp_path):
    """A home with a witness that somebody else wrote."""
    line = Line(tmp_path / "line")
    line.found()
    policy = parse_policy(line.policy.read_bytes())
    with ForeignWitness("w9.example", policy.log_key.raw, policy.origin) as witness:
        items = [{"url": witness.url, "vkey": witness.vkey}]
        members = {"quorum": 1, "type": WITNESSES_TYPE, "witnesses": items}
        line.opened.witnesses_path.write_text(json.dumps(members))
        yield line, witness


def serve_ledger(line):
    return serve(line.home, "ledger", "--anchor-seconds", 0, "--cosign-seconds", 1)


def read_health(server):
    return httpx2.get(f"{server.url}/healthz", trust_env=False).json()


def await_read_only(server):
    wait_until(lambda: read_health(server)["status"] == "read-only" or None, 30)
    return read_health(server)["reason"]


def test_a_server_turns_read_only_when_a_witness_has_cosigned_more_than_there_is(witnessed):
    line, witness = witnessed
    with serve_ledger(line) as server:
        wait_until(lambda: read_health(server).get("witnessed_size") == FOUNDED or None)
        assert read_health(server)["status"] == "ok"
        witness.size, witness.root = FOUNDED + 5, bytes(32)
        later = line.issue_words(write_meters(line.out / "later.jsonl", 1), anchor=False, out=False)
        line.run(*later, "--ledger", server.url)
        assert f"the witness w9.example holds {FOUNDED + 5}" in await_read_only(server)
    assert line.run("doctor", code=2)["status"] == "read-only"


def test_a_witness_that_was_silent_at_the_start_is_asked_again(witnessed):
    line, witness = witnessed
    witness.size, witness.root = FOUNDED + 5, bytes(32)
    witness.spoil = lambda *_: (503, "text/plain", b"later")
    with serve_ledger(line) as server:
        wait_until(lambda: witness.requests or None)
        assert read_health(server)["status"] == "ok"
        witness.spoil = None
        assert f"the witness w9.example holds {FOUNDED + 5}" in await_read_only(server)


def test_an_older_comparison_does_not_open_what_a_newer_has_closed(store, heads):
    found = check(store)
    found.compare([claim(99, b"\x07" * 32)])
    found.compare(heads)
    with pytest.raises(ReadOnlyError, match="holds 99"):
        found.gate.require_open()
    assert read_condition(store).state == BootState.READ_ONLY


def test_what_contradicted_itself_since_the_start_is_not_settled_by_comparing(store, heads):
    found = check(store)
    found.close("the contract holds another root")
    found.compare(heads)
    with pytest.raises(ReadOnlyError, match="contradict each other"):
        found.gate.require_open()
    again = check(store)
    again.compare(heads)
    again.gate.require_open()


def test_witnesses_are_asked_too(backup):
    opened = backup.newest.opened
    ahead = claim(10**6, b"\x07" * 32)
    with (
        open_ledger(opened, find_passphrase(opened), witnessed=[ahead]) as ledger,
        pytest.raises(ReadOnlyError, match="witness W1 holds 1000000"),
    ):
        ledger.submit([])
    with open_ledger(opened, find_passphrase(opened)) as ledger:
        ledger.submit([])
