"""Chain or database out of reach: exit code 3, the work is queued, and the same command heals it."""

import subprocess
import time
from contextlib import closing

import pytest
from line import FOUNDED, Answer, Line, command, run, write_meters
from line_invariants import assert_complete, assert_sound
from servers import Restarter, free_port, postgres_server

from ledger.chain.devchain_launch import launch_devchain
from ledger.core.errors import StoreUnavailableError
from ledger.log import Log

COUNT = 5


def test_without_a_chain_documents_are_logged_and_anchored_later(tmp_path):
    data, port = tmp_path / "chain", free_port()
    line = Line(tmp_path, ["--node", f"http://127.0.0.1:{port}"])
    with closing(launch_devchain(data, port=port)):
        line.found()
    write_meters(tmp_path / "meters.jsonl", COUNT)

    report = line.issue(tmp_path / "meters.jsonl", code=3)
    assert (report["logged"], "cannot be reached" in report["queued_because"]) == (COUNT, True)
    assert line.run("anchor", code=3)["kind"] == "ChainUnavailable"
    waiting = line.verify(line.folders()[0] / "bundle.json", code=3)
    assert (waiting["verdict"], waiting["authentic"]) == ("UNKNOWN", True)
    assert outcome(waiting, "receipt") == "NOT_CHECKED"
    before = line.desk()

    with closing(launch_devchain(data, port=port)) as node:
        assert line.issue(tmp_path / "meters.jsonl")["logged"] == COUNT
        assert line.events(node.url) == [FOUNDED + COUNT + 1]
        for folder in line.folders():
            bundle = folder / "bundle.json"
            assert line.verify(bundle, "--chain", node.url, code=0)["verdict"] == "VALID"
    assert line.desk() == before
    unseen = line.verify(line.folders()[0] / "bundle.json", "--chain", node.url, code=3)
    assert (unseen["verdict"], unseen["authentic"]) == ("UNKNOWN", True)
    assert outcome(unseen, "chain") == "NOT_CHECKED"


def outcome(report, name):
    return next(check["outcome"] for check in report["checks"] if check["name"] == name)


def test_a_home_without_a_contract_issues_nothing_that_it_could_not_anchor(tmp_path):
    line = Line(tmp_path)
    line.init()
    line.set_up_authority()
    write_meters(tmp_path / "meters.jsonl", COUNT)
    refused = line.issue(tmp_path / "meters.jsonl", code=2)
    assert "hengzheng chain deploy" in refused["error"]
    assert not (line.home / "desk.db").exists()
    assert line.issue(tmp_path / "meters.jsonl", anchor=False)["logged"] == COUNT


@pytest.mark.parametrize("written", [False, True])
def test_a_log_that_fails_in_the_middle_leaves_the_rest_waiting(tmp_path, monkeypatch, written):
    line = Line(tmp_path)
    with line.chain() as url:
        line.found()
        write_meters(tmp_path / "meters.jsonl", 300)
        append, calls = Log.append, []

        def fail(log, submissions):
            calls.append(len(submissions))
            results = append(log, submissions) if written or len(calls) != 2 else None
            if len(calls) == 2:
                raise StoreUnavailableError("injected")
            return results

        monkeypatch.setattr(Log, "append", fail)
        report = line.issue(tmp_path / "meters.jsonl", code=3)
        assert report == {
            "documents": 300,
            "signed": 44,
            "logged": 256,
            "voided": 0,
            "queued_because": "injected",
        }
        assert len(line.folders()) == 256
        numbers = [row[:2] for row in line.desk()]
        assert line.issue(tmp_path / "meters.jsonl")["logged"] == 300
        assert [row[:2] for row in line.desk()] == numbers
        assert line.run("doctor")["documents"] == 300
        assert len(line.statements()) == 305
        assert line.events(url) == [len(line.leaves())]


# --- PostgreSQL ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres():
    """A server of its own, since these tests stop it."""
    with postgres_server(fsync="on", synchronous_commit="on") as server:
        yield server


@pytest.fixture(scope="module")
def restarter(postgres):
    with closing(Restarter(postgres)) as restarter:
        yield restarter


def test_without_its_database_a_command_says_so_and_the_next_one_goes_on(tmp_path, postgres, restarter):
    with postgres.fresh_database() as url:
        line = Line(tmp_path, ["--database", url])
        with line.chain() as node:
            line.found()
            write_meters(tmp_path / "meters.jsonl", COUNT)
            with restarter.stopped():
                for words in (line.issue_words(tmp_path / "meters.jsonl"), ["anchor"], ["doctor"]):
                    assert line.run(*words, code=3)["kind"] == "StoreUnavailable"
                people = run("doctor", "--home", line.home)
                assert (people.code, people.out) == (3, "")
                assert people.err.startswith("error: the database is out of reach")
            line.issue(tmp_path / "meters.jsonl")
            assert_complete(line, COUNT, node)


@pytest.mark.parametrize("same", [True, False])
def test_a_database_that_dies_under_a_batch(tmp_path, postgres, restarter, same):
    """At some moment of the run the log's database is gone, and the desk's with it if they are the same."""
    count = 1_500
    with postgres.fresh_database() as url:
        line = Line(tmp_path, ["--database", url, *(["--desk-database", url] if same else [])])
        with line.chain() as node:
            line.found()
            write_meters(tmp_path / "meters.jsonl", count)
            words = [*line.issue_words(tmp_path / "meters.jsonl"), "--home", line.home, "--json"]
            with subprocess.Popen(command(*words), stdout=subprocess.PIPE, text=True) as process:
                while process.poll() is None and len(line.leaves()) == FOUNDED:
                    time.sleep(0.02)
                with restarter.stopped():
                    out, _ = process.communicate()
            answer = line.check(Answer(process.returncode, out, ""), 3)
            assert "out of reach" in answer.get("queued_because", answer.get("error"))
            logged = assert_sound(line)
            assert 0 < len(logged) < count
            line.issue(tmp_path / "meters.jsonl")
            assert logged.items() <= assert_complete(line, count, node).items()
