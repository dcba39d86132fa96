"""A whole line whose keys lie in a token, and a seal key that is followed by another."""

from uuid import uuid4

import pytest
from line import INSTITUTION, Line, run_process, write_meters
from servers import soft_hsm

from ledger.core.signature import Algorithm
from ledger.failpoint import KILL_VARIABLE

KEYS = {"authority": "--p256", "seal": "--p256", "seal-2": "--p256", "seal-3": "--p256"}


@pytest.fixture(scope="module")
def hsm(tmp_path_factory):
    with soft_hsm(tmp_path_factory.mktemp("softhsm")) as made:
        yield made


@pytest.fixture(scope="module")
def line(tmp_path_factory, hsm):
    """A line with log key, authority's key and seals in a token, and its running chain."""
    uri = hsm.make_token(f"t{uuid4().hex[:8]}")
    made = Line(tmp_path_factory.mktemp("token"), options=("--log-token", uri))
    with made.chain():
        made.run("chain", "deploy")
        for name, kind in KEYS.items():
            made.run("authority", "keygen", name, kind, "--token", uri)
        made.set_up_authority()
        yield made


def issue(line, name, key, first=1, code=0):
    """Issue a meter more, sealed with a key."""
    source = write_meters(line.out / f"{name}.jsonl", 1, first)
    return line.run(*line.issue_words(source), "--key", key, code=code)


def set_key(line, key, state, version):
    content = {"institution": INSTITUTION, "state": state}
    endorsers = [key] if state == "active" else []
    words = line.decide("key", content, new_key=key, endorsers=endorsers, version=version)
    line.run("authority", "submit", words)


def newest(line):
    return line.desk()[-1]


def test_every_signature_of_a_line_may_come_from_a_token(line):
    for name in ("log", *KEYS):
        label = line.opened.keystore.label(name)
        assert label.token is not None
        assert label.public_key.algorithm is (Algorithm.ED25519 if name == "log" else Algorithm.P256)
    assert issue(line, "first", "seal")["logged"] == 1
    assert line.verify(newest(line)[1], code=0)["verdict"] == "VALID"


def test_a_seal_key_is_followed_by_another(line):
    before = newest(line)[1]
    set_key(line, "seal-2", "active", 0)
    assert issue(line, "both", "seal", 10)["logged"] == 1  # either seals meanwhile
    assert issue(line, "second", "seal-2", 20)["logged"] == 1
    set_key(line, "seal", "withdrawn", 1)
    assert "the seal key is no longer active" in str(issue(line, "late", "seal", 30, code=2)["faults"])
    assert issue(line, "third", "seal-2", 30)["logged"] == 1
    line.run("anchor")
    for row in line.desk():
        assert row[2] == "logged"
        assert line.verify(row[1], code=0)["verdict"] == "VALID"
    assert before in {row[1] for row in line.desk()}


def test_a_token_that_is_away_stops_nothing_halfway(line, hsm):
    documents, leaves = line.desk(), line.leaves()
    away = hsm.tokens.rename(hsm.tokens.with_name("away"))
    try:
        refused = issue(line, "away", "seal-2", 40, code=3)
    finally:
        away.rename(hsm.tokens)
    assert "token" in refused["error"]
    assert (line.desk(), line.leaves()) == (documents, leaves)
    assert issue(line, "away", "seal-2", 40)["logged"] == 1


def test_a_document_that_waits_when_its_key_is_withdrawn_is_sealed_anew(line):
    source = write_meters(line.out / "waits.jsonl", 1, 50)
    words = [*line.issue_words(source), "--key", "seal-2"]
    killed = run_process(*words, "--home", line.home, **{KILL_VARIABLE: "desk.signed:1"})
    assert killed.code < 0
    number = newest(line)[1]
    assert newest(line)[2] == "signed"
    set_key(line, "seal-3", "active", 0)
    set_key(line, "seal-2", "withdrawn", 1)
    held = line.run(*words, code=3)
    assert "it waits until the desk has another seal key" in str(held)
    assert newest(line)[1:3] == (number, "signed")
    assert line.run(*words[:-1], "seal-3")["logged"] == 1
    assert newest(line)[1:3] == (number, "logged")
    line.run("anchor")
    for row in line.desk():
        assert line.verify(row[1], code=0)["verdict"] == "VALID"
