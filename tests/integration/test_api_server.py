"""`hengzheng serve` on a real home: listens, anchors, shares the home, stops, and comes back after a kill."""

import json
import os
import shutil
import signal
import socket
import subprocess

import httpx2
import pytest
from line import FOUNDED, Line, meter, run
from served_home import serve, wait_until

from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.errors import UnavailableError
from ledger.core.policy import parse_policy
from ledger.core.qr import compute_code
from ledger.core.step import Verdict
from ledger.local import read_clock
from ledger.remote import RemoteLedger
from verifier.session import Session
from verifier.verify import verify_bundle

SIZE = FOUNDED + 2
"""Leaves of a line with one certificate."""
QR_AND_CERTIFICATE = {"certificate.json", "qr.png", "qr.svg"}


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A home with root, authority and institution, and one document; anchored."""
    line = Line(tmp_path_factory.mktemp("founded"))
    with line.chain():
        line.found()
        line.issue(write(line, "first", 1))
    return line


@pytest.fixture
def line(founded, tmp_path):
    """A copy of that home for one test."""
    shutil.copytree(founded.out, tmp_path / "line", ignore=shutil.ignore_patterns("port"))
    return Line(tmp_path / "line")


def write(line, name, *numbers):
    path = line.out / f"{name}.jsonl"
    path.write_text("".join(json.dumps(meter(number), ensure_ascii=False) + "\n" for number in numbers))
    return path


def get(server, path, **headers):
    return httpx2.get(server.url + path, headers=headers, trust_env=False)


def codes(line):
    """Return the short code of each document that has files."""
    bundles = [folder / "bundle.json" for folder in line.folders()]
    return [compute_code(parse_bundle(path.read_bytes()).statement_raw) for path in bundles if path.exists()]


def issue_remotely(line, server, *numbers, out=False, code=0):
    words = line.issue_words(write(line, f"more-{numbers[0]}", *numbers), anchor=False, out=out)
    return line.run(*words, "--ledger", server.url, code=code)


def await_anchor(server, size):
    wait_until(lambda: get(server, "/healthz").json()["anchored_size"] >= size or None)


def find_status(line, server):
    """Return the status of the document that was numbered last."""
    number = line.desk()[-1][1]
    return get(server, f"/certificates/{number}").json()["certificates"][0]["status"]


def children(pid):
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_pages_are_those_of_the_documents_that_were_issued(line):
    with serve(line.home, "public") as server:
        assert server.first_line == f"{server.url}\n"
        assert server.url.startswith("http://127.0.0.1:")
        health = get(server, "/healthz").json()
        assert (health["status"], health["tree_size"], health["anchored_size"]) == ("ok", SIZE, SIZE)
        assert (health["anchoring"]["backlog"], health["anchoring"]["last"]["state"]) == (0, "ok")
        assert int(health["anchoring"]["balance_wei"]) > 0
        (code,) = codes(line)
        page = get(server, f"/c/{code}")
        bundle = get(server, f"/c/{code}/bundle.json").content
    assert (page.status_code, "检定有效" in page.text, "server" in page.headers) == (200, True, False)
    assert bundle == (line.folders()[0] / "bundle.json").read_bytes()
    session = Session(parse_policy(line.policy.read_bytes()), load_rule_book(), None)
    assert verify_bundle(parse_bundle(bundle), session, read_clock()).verdict is Verdict.VALID


def test_with_json_there_is_one_object_and_ctrl_c_stops_in_order(line):
    with serve(line.home, "public", "--json") as server:
        assert json.loads(server.first_line) == {"url": server.url, "role": "public"}
        get(server, "/c/x")
        assert server.stop(signal.SIGINT) == (0, "", "")


def test_a_desk_hands_in_over_http_and_the_server_anchors(line):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        assert issue_remotely(line, server, 2, 3, 4)["logged"] == 3
        await_anchor(server, SIZE + 4)
        wait_until(lambda: find_status(line, server) == "VALID" or None)
        with RemoteLedger(server.url, parse_policy(line.policy.read_bytes())) as remote:
            assert "350100-01" in remote.registers.institutions
    assert line.anchors()[-1] == (SIZE + 4, "final")


def test_the_bundles_of_a_remote_ledger_come_with_the_anchor(line):
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        first = issue_remotely(line, server, 2, 3, out=True, code=3)
    assert first["logged"] == 2
    assert first["queued_because"].startswith("2 bundles are still to come")
    new = line.folders()[1:]
    assert [{path.name for path in folder.iterdir()} for folder in new] == [QR_AND_CERTIFICATE] * 2
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        await_anchor(server, SIZE + 3)
        assert "queued_because" not in issue_remotely(line, server, 2, 3, out=True)
        for code, folder in zip(codes(line)[1:], new, strict=True):
            bundle = (folder / "bundle.json").read_bytes()
            assert bundle == get(server, f"/c/{code}/bundle.json").content
            assert parse_bundle(bundle).certificate.raw == (folder / "certificate.json").read_bytes()
    assert [line.verify(folder.name)["verdict"] for folder in new] == ["VALID", "VALID"]


def test_only_missing_bundles_are_fetched_again(line):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        issue_remotely(line, server, 2, 3, 4)
        await_anchor(server, SIZE + 4)
        issue_remotely(line, server, 2, 3, 4, out=True)
        _, lost, damaged, kept = (folder / "bundle.json" for folder in line.folders())
        wanted = [path.read_bytes() for path in (lost, damaged, kept)]
        lost.unlink()
        damaged.write_bytes(wanted[2])
        os.utime(kept, ns=(1, 1))
        issue_remotely(line, server, 2, 3, 4, out=True)
        assert [path.read_bytes() for path in (lost, damaged, kept)] == wanted
        assert kept.stat().st_mtime_ns == 1
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        issue_remotely(line, server, 2, 3, 4, out=True)
        added = issue_remotely(line, server, 2, 3, 4, 5, out=True, code=3)
    assert added["queued_because"].startswith("1 bundle is still to come")


def test_a_ledger_that_is_gone_before_the_bundles_leaves_them_for_later(line, monkeypatch):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        issue_remotely(line, server, 2)
        await_anchor(server, SIZE + 2)

        def fail(*_):
            raise UnavailableError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(RemoteLedger, "bundles", fail)
            assert issue_remotely(line, server, 2, out=True, code=3)["queued_because"] == "gone"
        assert {path.name for path in line.folders()[-1].iterdir()} == QR_AND_CERTIFICATE
        issue_remotely(line, server, 2, out=True)
    assert parse_bundle((line.folders()[-1] / "bundle.json").read_bytes()).leaf_index == SIZE


def test_the_same_again_over_http_adds_nothing(line):
    with serve(line.home, "ledger", "--anchor-seconds", 0) as server:
        issue_remotely(line, server, 2, 3)
        issue_remotely(line, server, 2, 3)
        assert get(server, "/healthz").json()["tree_size"] == SIZE + 3


def test_pages_and_ledger_may_be_two_processes(line):
    with serve(line.home, "ledger", "--anchor-seconds", 0) as ledger, serve(line.home, "public") as public:
        assert get(public, "/healthz").json()["tree_size"] == SIZE
        issue_remotely(line, ledger, 2)
        assert get(public, "/healthz").json()["tree_size"] == SIZE + 2
        wait_until(lambda: find_status(line, public) == "PENDING" or None)
        assert get(public, "/registers").status_code == 404
        assert get(ledger, "/certificates/x").status_code == 404


def test_it_stops_in_order(line):
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        issue_remotely(line, server, 2)
        helpers = wait_until(lambda: children(server.process.pid) or None)
        code, _, err = server.stop()
    assert (code, "Traceback" in err) == (0, False), err
    assert not [pid for pid in helpers if is_alive(pid)]
    line.run("doctor")


def test_it_comes_back_after_a_kill(line):
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        issue_remotely(line, server, 2, 3)
        server.process.kill()
        server.process.wait()
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        issue_remotely(line, server, 2, 3, 4)
        assert get(server, "/healthz").json()["tree_size"] == SIZE + 3 + 2


def test_a_chain_out_of_reach_stops_nothing(line):
    config = line.home / "home.toml"
    config.write_text(config.read_text() + 'node = "http://127.0.0.1:9"\n')
    with serve(line.home, "all", "--anchor-seconds", 1) as server:
        issue_remotely(line, server, 2)
        assert find_status(line, server) == "PENDING"
        _, _, err = server.stop()
    assert "not anchored" in err


def test_one_home_has_one_ledger(line):
    with serve(line.home, "ledger", "--anchor-seconds", 0):
        answer = run("serve", "ledger", "--home", line.home, "--port", 0, "--json")
        assert (answer.code, answer.members["kind"]) == (3, "HomeLocked")
        assert line.run("doctor", code=3)["kind"] == "HomeLocked"


def test_a_port_that_is_taken_is_said(line):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run("serve", "public", "--home", line.home, "--port", port, "--json")
    assert answer.code == 3
    assert str(port) in answer.members["error"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["serve"], 2),
        (["serve", "everything"], 2),
        (["serve", "public", "--port", "70000"], 2),
        (["serve", "public", "--port", "-1"], 2),
        (["serve", "public", "--host", "203.0.113.1"], 3),
        (["serve", "ledger", "--passphrase-file", "absent"], 2),
    ],
)
def test_wrong_usage_is_said(line, words, code):
    answer = run(*words, "--home", line.home, "--json")
    assert answer.code == code, answer
    assert "error" in answer.members


def test_without_a_home_or_a_policy_there_is_nothing_to_serve(tmp_path, line):
    answer = run("serve", "public", "--home", tmp_path / "none", "--port", 0, "--json")
    assert (answer.code, answer.members["kind"]) == (2, "NotFound")
    line.policy.unlink()
    answer = run("serve", "public", "--home", line.home, "--port", 0, "--json")
    assert answer.code == 2
    assert "hengzheng anchor" in answer.members["error"]


def test_the_ledger_writes_the_policy_that_its_pages_need(line):
    before = line.policy.read_bytes()
    line.policy.unlink()
    with serve(line.home, "all", "--anchor-seconds", 0):
        assert line.policy.read_bytes() == before
