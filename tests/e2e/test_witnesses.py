"""A home with witnesses of ours, each a process of its own with a BLS key, and one that somebody else wrote."""

import json
import shutil
import signal
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
from foreign_witness import ForeignWitness
from line import FOUNDED, Line, meter, run
from served_home import serve, serve_witness, wait_until
from servers import free_port

from ledger.core.bundle import parse_bundle
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.cosignature import open_cosignatures, parse_witness
from ledger.core.data import load_rule_book
from ledger.core.entry import parse_leaf
from ledger.core.note import NoteVerifier
from ledger.core.policy import parse_policy
from ledger.core.qr import compute_code
from ledger.core.quorum_certificate import open_certificates, parse_bls_witness
from ledger.core.step import Outcome, Step, Verdict
from ledger.cosigning.heads import find_newest_witnessed
from ledger.cosigning.witnesses import WITNESSES_TYPE, load_witnesses
from ledger.failpoint import KILL_VARIABLE
from ledger.local import read_clock
from verifier.session import Session
from verifier.verify import verify_bundle

SLOW = pytest.mark.slow
SIZE = FOUNDED + 2
"""Leaves of a line with one certificate."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A home with root, authority and institution, and one document; anchored without witnesses."""
    line = Line(tmp_path_factory.mktemp("founded"))
    with line.chain():
        line.found()
        line.issue(write(line, 1))
    return line


def write(line, number):
    path = line.out / f"row-{number}.jsonl"
    path.write_text(json.dumps(meter(number), ensure_ascii=False) + "\n")
    return path


class Town:
    """The home and its witnesses."""

    def __init__(self, line, foreign, *, count=2, quorum=2):
        self.line = line
        self.port, self.ports = free_port(), [free_port() for _ in range(count)]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folders = [line.out / f"w{number}" for number in range(1, count + 1)]
        items = [] if foreign is None else [{"vkey": foreign.vkey, "url": foreign.url}]
        for folder, port in zip(self.folders, self.ports, strict=True):
            made = self.witness(folder, "init", "--name", f"{folder.name}.example", "--development", "--bls")
            self.witness(folder, "add", "--policy", line.policy, "--url", self.url)
            items.append({"vkey": made["vkey"], "bls": made["bls"], "url": f"http://127.0.0.1:{port}"})
        members = {"type": WITNESSES_TYPE, "quorum": quorum, "witnesses": items}
        line.opened.witnesses_path.write_text(json.dumps(members, indent=1))

    @staticmethod
    def witness(folder, word, *options):
        answer = run("witness", word, "--dir", folder, *options, "--json")
        assert answer.code == 0, answer
        return answer.members

    def show(self, at):
        return self.witness(self.folders[at], "show")["logs"][0]

    @contextmanager
    def witnesses(self, *chosen):
        with ExitStack() as stack:
            for at in chosen:
                stack.enter_context(self.serve_witness(at))
            yield

    def serve_witness(self, at, *, poll=1, **environment):
        options = "--port", self.ports[at], "--poll-seconds", poll
        return serve_witness(self.folders[at], *options, **environment)

    def serve(self):
        options = "--port", self.port, "--anchor-seconds", 1, "--cosign-seconds", 1
        return serve(self.line.home, "all", *options)

    def get(self, path):
        return httpx2.get(self.url + path, trust_env=False)

    def health(self):
        return self.get("/healthz").json()

    def await_witnessed(self, size):
        wait_until(lambda: self.health()["witnessed_size"] >= size or None)

    def issue(self, number):
        words = self.line.issue_words(write(self.line, number), anchor=False, out=False)
        assert self.line.run(*words, "--ledger", self.url)["logged"] == 1

    def verify_newest(self):
        """Return the report of the bundle that the server hands out for the newest document."""
        policy = parse_policy(self.line.policy.read_bytes())
        code = compute_code(parse_leaf(self.line.statements()[-1]).statement_raw)
        bundle = parse_bundle(self.get(f"/c/{code}/bundle.json").content)
        return verify_bundle(bundle, Session(policy, load_rule_book(), None), read_clock())

    def signers(self):
        """Return who has cosigned the published checkpoint, and its size."""
        note = self.get("/checkpoint").text
        policy = parse_policy(self.line.policy.read_bytes())
        size = verify_checkpoint(note, NoteVerifier(policy.origin, policy.log_key)).tree_size
        found = open_cosignatures(note, policy.witnesses.witnesses)
        return size, {item.witness.name for item in found}

    def certified(self):
        """Return whom the certificates under the published checkpoint name."""
        policy = parse_policy(self.line.policy.read_bytes())
        found = open_certificates(self.get("/checkpoint").text, policy.witnesses.bls)
        return {item.witness.name for item in found}


def copy_line(founded, tmp_path):
    shutil.copytree(founded.out, tmp_path / "line", ignore=shutil.ignore_patterns("port"))
    return Line(tmp_path / "line")


@pytest.fixture
def town(founded, tmp_path):
    line = copy_line(founded, tmp_path)
    policy = parse_policy(line.policy.read_bytes())
    with ForeignWitness("w9.example", policy.log_key.raw, policy.origin) as foreign:
        made = Town(line, foreign)
        made.foreign = foreign
        yield made


def outcome(report, step):
    return next(check.outcome for check in report.checks if check.step is step)


def test_what_a_quorum_has_cosigned_is_published_anchored_and_valid(town):
    with town.serve():
        wait_until(lambda: town.signers()[1] == {"w9.example"} or None)
        expected = {"status": "ok", "tree_size": SIZE, "anchored_size": SIZE, "witnessed_size": 0}
        assert town.health().items() >= expected.items()
        town.issue(2)
        report = town.verify_newest()
        assert outcome(report, Step.QUORUM) is outcome(report, Step.RECEIPT) is Outcome.NOT_CHECKED
        assert (report.authentic, report.verdict) == (True, Verdict.UNKNOWN)
        assert town.health()["anchored_size"] == SIZE, "nothing is anchored that is not witnessed"
        with town.witnesses(0, 1):
            town.await_witnessed(SIZE + 2)
            wait_until(lambda: town.health()["anchored_size"] >= SIZE + 2 or None)
            wait_until(lambda: len(town.signers()[1]) == 3 or None)
            wait_until(lambda: town.certified() == {"w1.example", "w2.example"} or None)
            report = town.verify_newest()
            assert report.verdict is Verdict.VALID
            assert outcome(report, Step.QUORUM) is Outcome.PASSED
            policy = parse_policy(town.line.policy.read_bytes())
            found = find_newest_witnessed(
                load_witnesses(town.line.opened), NoteVerifier(policy.origin, policy.log_key), None
            )
            assert [(item.tree_size, item.root_hash is None) for item in found] == [
                (None, True),
                (SIZE + 2, False),
                (SIZE + 2, False),
            ]
        town.issue(3)
        wait_until(lambda: town.foreign.size == SIZE + 4 or None)
        assert town.signers()[0] == SIZE + 2, "published is what a quorum has cosigned"
        assert town.health()["tree_size"] == SIZE + 4
    assert town.show(0)["cosigned_size"] == SIZE + 2
    assert "fault" not in town.show(0)
    assert town.line.anchors()[-1] == (SIZE + 2, "final")
    town.line.run("doctor")
    exported = town.line.run("log", "export", town.line.out / "log")
    assert exported["tree_size"] == SIZE + 2
    audited = run("audit", "--from", town.line.out / "log", "--policy", town.line.policy, "--json")
    assert (audited.code, audited.members["contradictions"]) == (0, [])


def test_seven_witnesses_certify_over_the_network(founded, tmp_path):
    town = Town(copy_line(founded, tmp_path), None, count=7, quorum=4)
    everybody = {f"w{number}.example" for number in range(1, 8)}
    with town.serve(), town.witnesses(0, 1, 2, 3):
        wait_until(
            lambda: town.certified() == {"w1.example", "w2.example", "w3.example", "w4.example"} or None
        )
        with town.witnesses(4, 5, 6):
            town.issue(2)
            size = SIZE + 2
            wait_until(lambda: (town.signers(), town.certified()) == ((size, everybody), everybody) or None)
            wait_until(lambda: town.health()["anchored_size"] >= size or None)
            code = compute_code(parse_leaf(town.line.statements()[-1]).statement_raw)
            bundle = town.line.out / "newest.json"
            bundle.write_bytes(town.get(f"/c/{code}/bundle.json").content)
    report = town.line.verify(bundle, code=0)
    (said,) = [check["reason"] for check in report["checks"] if check["step"] == Step.QUORUM.number]
    assert said.startswith("cosigned by 7 of 7 witnesses, 4 are needed, 7 of them by a quorum certificate: ")
    town.line.run("doctor")
    town.line.run("authority", "policy", town.line.policy, "--out", town.line.out / "policy.draft")


@pytest.mark.parametrize(
    "place",
    ["moved", "stored", *(pytest.param(one, marks=SLOW) for one in ("replayed", "leaves_stored", "signed"))],
)
def test_a_witness_killed_anywhere_goes_on(town, place):
    with town.serve(), town.witnesses(1):
        with town.serve_witness(0, poll=0, **{KILL_VARIABLE: f"witness.{place}:1"}) as first:
            wait_until(first.process.poll)
            assert first.process.returncode == -signal.SIGKILL
        held = town.show(0)
        assert held["replayed_size"] == (0 if place == "replayed" else SIZE)
        assert held["cosigned_size"] == (SIZE if place in {"stored", "signed"} else 0)
        with town.witnesses(0):
            wait_until(lambda: "w1.example" in town.signers()[1] or None)
            town.issue(2)
            wait_until(
                lambda: town.signers() == (SIZE + 2, {"w1.example", "w2.example", "w9.example"}) or None
            )
            wait_until(lambda: town.certified() == {"w1.example", "w2.example"} or None)
    assert town.show(0)["cosigned_size"] == SIZE + 2
    assert "fault" not in town.show(0)


def test_a_witness_has_one_name_and_serves_once(town):
    answer = run("witness", "init", "--dir", town.folders[0], "--name", "other.example", "--development")
    assert answer.code == 2
    again = town.witness(town.folders[0], "init", "--name", "w1.example", "--development")
    assert parse_witness(again["vkey"]).name == "w1.example"
    assert parse_bls_witness(again["bls"]).name == "w1.example", "what it has, it keeps"
    with town.witnesses(0):
        second = run("witness", "serve", "--dir", town.folders[0], "--port", 0, "--json")
        assert (second.code, second.members["kind"]) == (3, "HomeLocked")
    missing = run("witness", "show", "--dir", town.line.out / "nobody", "--json")
    assert (missing.code, missing.members["kind"]) == (2, "NotFound")
    for url in ("http://ledger.example", "ledger.example"):
        words = "--policy", town.line.policy, "--url", url, "--json"
        answer = run("witness", "add", "--dir", town.folders[0], *words)
        assert (answer.code, answer.members["field"]) == (2, "--url")


def test_a_copy_from_before_a_witness_cosigned_signs_nothing(town, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(town.line.home, old, ignore=shutil.ignore_patterns("port"))
    with town.witnesses(0, 1):
        with town.serve():
            town.issue(2)
            town.await_witnessed(SIZE + 2)
        shutil.rmtree(town.line.home)
        shutil.copytree(old, town.line.home)
        words = town.line.issue_words(write(town.line, 3), anchor=False, out=False)
        refused = town.line.run(*words, code=2)
        assert f"it holds {SIZE} leaves, the witness w9.example holds {SIZE + 2}" in refused["error"]
        with town.serve():
            assert town.health()["status"] == "read-only"
            assert town.get("/checkpoint").status_code == 200
    assert len(town.line.leaves()) == SIZE
    refused = town.line.run(*words, code=2)
    assert "read-only" in refused["error"], "nobody answers, and what was found out stays"
