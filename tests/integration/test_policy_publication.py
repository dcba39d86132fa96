"""A policy from the settings of a home to the log and to the servers that hand it out."""

import hashlib
import json
import shutil

import httpx2
import pytest
from line import Line, run
from served_home import serve, wait_until

from ledger.core.policy import parse_policy
from ledger.home import find_passphrase
from ledger.local import open_ledger


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A home with root, authority and institution, and no contract."""
    line = Line(tmp_path_factory.mktemp("founded"))
    line.init()
    line.set_up_authority()
    return line


@pytest.fixture
def line(founded, tmp_path):
    shutil.copytree(founded.out, tmp_path / "line", ignore=shutil.ignore_patterns("port"))
    return Line(tmp_path / "line")


def change_settings(line, text):
    path = line.home / "home.toml"
    path.write_text(path.read_text("utf-8") + text + "\n", "utf-8")


def publish(line, *words, **options):
    """Draft, endorse and sign; return the statement's path."""
    line.run("authority", "policy", *words, "--out", line.out / "policy.draft", **options)
    return line._sign(line.out / "policy.draft", ["root"], "root")


def served(line):
    return parse_policy(line.policy.read_bytes())


def see(line):
    """Return what doctor says of the policy."""
    return line.run("doctor")["policy"]


def test_the_next_version_is_drafted_published_and_served(line):
    assert see(line) == {"version": 1, "published": False}
    line.run("authority", "submit", publish(line))
    assert see(line) == {"version": 1, "published": True}
    first = line.policy.read_bytes()

    change_settings(line, 'traceability_roots = ["NIM"]')
    said = see(line)
    assert (said["version"], said["published"]) == (1, True)
    assert "the settings ask for another policy than version 1" in said["reason"]
    assert "第2版" in said["reason_zh"]
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        ledger.write_policy()
    assert line.policy.read_bytes() == first, "what nobody has published is not served"

    line.run("authority", "submit", publish(line))
    assert see(line) == {"version": 2, "published": True}
    assert (served(line).version, served(line).traceability_roots) == (2, {"NIM"})
    assert line.policy.read_bytes() == (line.home / "policy-next.json").read_bytes()
    refused = line.run("authority", "policy", "--out", line.out / "again.draft", code=2)
    assert refused["error"].endswith("the root has published what the settings ask for, as version 2")


def test_a_file_that_somebody_wrote_is_served_once_it_is_published_and_at_hand(line):
    own = json.loads(line.policy.read_text("utf-8")) | {"version": 5, "max_status_age_seconds": 86_400}
    path = line.out / "own.json"
    path.write_text(json.dumps(own), "utf-8")
    line.run("authority", "submit", publish(line, path))
    said = see(line)
    assert (said["version"], said["published"]) == (6, False)
    assert "the policy that the root has published as version 5 is not in this home" in said["reason"]
    shutil.copyfile(path, line.policy)
    assert see(line)["published"] is True
    assert served(line).max_status_age.days == 1


def test_an_older_version_cannot_be_published_again(line):
    line.run("authority", "submit", publish(line))
    statement = publish(line, line.policy, "--expected-version", 1)
    refused = line.run("authority", "submit", statement, code=2)
    assert "policy version 1 is not newer than 1" in refused["error"]


def test_a_server_follows_what_is_published_and_refuses_to_go_back(line):
    with serve(line.home, "public") as server:
        first = get(server)
        assert first == line.policy.read_bytes()
        line.run("authority", "submit", publish(line))
        change_settings(line, "published_rules = true")
        line.run("authority", "submit", publish(line))
        second = wait_until(lambda: next((raw for raw in [get(server)] if raw != first), None))
        assert second == line.policy.read_bytes()
        assert parse_policy(second).version == 2
        line.policy.write_bytes(first)
        wait_for_word(server, "an older policy is not served")
        assert get(server) == second


def test_a_ledger_that_is_served_says_that_its_settings_are_ahead(line):
    line.run("authority", "submit", publish(line))
    published = line.policy.read_bytes()
    change_settings(line, "published_rules = true")
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        assert get(server) == published
        _, _, errors = server.stop()
    assert "the settings ask for another policy than version 1, which the root has published" in errors


def test_a_ledger_that_is_served_hands_out_what_is_published_meanwhile(line):
    line.run("authority", "submit", publish(line))
    change_settings(line, "published_rules = true")
    statement = publish(line)
    draft = parse_policy((line.home / "policy-next.json").read_bytes())
    with serve(line.home, "all", "--anchor-seconds", 0) as server:
        answer = run("authority", "submit", statement, "--ledger", server.url, "--home", line.home, "--json")
        assert answer.code == 0, answer
        found = wait_until(
            lambda: next((raw for raw in [get(server)] if parse_policy(raw).version == 2), None)
        )
    assert parse_policy(found) == draft
    assert hashlib.sha256(found).digest() == hashlib.sha256(line.policy.read_bytes()).digest()


def get(server):
    answer = httpx2.get(server.url + "/policy.json", trust_env=False)
    assert answer.status_code == 200
    return answer.content


def wait_for_word(server, sentence):
    while sentence not in (line := server.process.stderr.readline()):
        assert line, "the server has ended"
