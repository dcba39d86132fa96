"""`hengzheng watch` through its command: on a real server, on a lying one, killed anywhere."""

import json
import subprocess

import pytest
from ledger_in_memory import MemoryLedger
from line import DAY, Line, command, run, run_process, write_meters
from served_home import serve
from shown_log import ShownLog

from issuer.amending import read_act
from ledger.core.encoding import encode_hex
from ledger.core.entry import HEADER_BYTES
from ledger.core.event import EventType
from ledger.core.policy import encode_policy

DECISION = {
    "number": "闽市监检撤〔2026〕3号",
    "ground": "《中华人民共和国计量法》第二十六条",
    "dated": DAY.isoformat(),
    "remedy": "可在六十日内向福建省人民政府申请行政复议",
}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with 500 certificates, one of them suspended by its institution."""
    made = Line(tmp_path_factory.mktemp("watch"))
    with made.chain():
        made.found()
        assert made.issue(write_meters(made.out / "meters.jsonl", 500), out=False)["logged"] == 500
        yield made


def watch(line, url, state, *options, code=0):
    words = ["watch", "--ledger", url, "--home", line.home, "--state", state, "--once", "--json", *options]
    return line.check(run(*words), code)


def test_a_desk_watches_an_honest_server_in_silence(line, tmp_path):
    (number, *_) = [row[1] for row in line.desk()]
    with serve(line.home, "public") as server:
        found = watch(line, server.url, tmp_path / "state")
        assert (found["own"], found["checked"], found["waiting"], found["subjects"]) == (500, 500, 0, 1000)
        assert (found["news"], found["alarms"]) == ([], [])
        suspended = line.run("amend", "suspend", number, "--reason", "WRONG_RESULT")
        found = watch(line, server.url, tmp_path / "state")
        assert (found["own"], found["checked"], found["alarms"]) == (501, 1, [])
        content = {
            "certificate": {"issuer": "350100-01", "number": number},
            "instrument": _find_instrument(line, suspended["leaf"]),
            "reason": "FAILED_SPOT_CHECK",
            "effective_at": f"{DECISION['dated']}T00:00:00Z",
            "decision": DECISION,
        }
        cancelled = line.decide("cancel", content, version=2)
        line.run("authority", "submit", cancelled)
        found = watch(line, server.url, tmp_path / "state")
        assert [item["event"] for item in found["news"]] == ["CANCEL", "CANCEL"]
        assert (found["alarms"], found["changed_by_others"]) == ([], 2)
        folder = tmp_path / "statements"
        folder.mkdir()
        (folder / "cancelled").write_bytes(cancelled.read_bytes())
        found = watch(line, server.url, tmp_path / "authority", "--statements", folder)
        assert (found["own"], found["waiting"], found["alarms"], found["news"]) == (502, 0, [], [])
    assert watch(line, server.url, tmp_path / "state", code=3)["kind"] == "Unavailable"


def _find_instrument(line, index):
    return encode_hex(read_act(line.leaves()[index][HEADER_BYTES:]).instrument_id)


def test_it_goes_on_until_it_is_stopped(line, tmp_path):
    with serve(line.home, "public") as server:
        words = [
            "--ledger",
            server.url,
            "--home",
            line.home,
            "--state",
            tmp_path / "s",
            "--every",
            1,
            "--json",
        ]
        process = subprocess.Popen(command("watch", *words), stdout=subprocess.PIPE, text=True)
        try:
            rounds = [json.loads(process.stdout.readline()) for _ in range(2)]
        finally:
            process.terminate()
            process.communicate(timeout=30)
    assert [one["alarms"] for one in rounds] == [[], []]
    assert rounds[1]["checked"] == 0


# --- a lying server ---------------------------------------------------------------------------------------


@pytest.fixture
def watched(tmp_path):
    """Return a ledger in memory, what shows it, and the words that watch its cancellation."""
    ledger = MemoryLedger().found()
    ledger.issue(1)
    honest = dict(ledger.states)
    index = ledger.act(EventType.CANCEL, 1)
    folder = tmp_path / "statements"
    folder.mkdir()
    for number, at in enumerate((5, index)):
        (folder / f"{number}.cose").write_bytes(ledger.leaves[at][HEADER_BYTES:])
    policy = tmp_path / "policy.json"
    policy.write_bytes(encode_policy(ledger.policy()))
    words = ["--policy", policy, "--state", tmp_path / "state", "--statements", folder, "--once", "--json"]
    return ledger, honest, words, policy


def test_a_lie_ends_with_a_file_that_the_verifier_takes(watched):
    ledger, before, words, policy = watched
    ledger.states = before
    with ShownLog(ledger).listening() as url:
        answer = run("watch", "--ledger", url, *words)
    assert answer.code == 1
    files = [item["file"] for item in answer.members["alarms"]]
    assert len(files) == 2
    for file in files:
        judged = run("verify", file, "--policy", policy, "--json")
        assert (judged.code, judged.members["verdict"]) == (1, "INVALID")
    spoken = run("verify", files[0], "--policy", policy)
    assert "rely on nothing that it says" in spoken.out


@pytest.mark.parametrize("place", ["watch.note_stored", "watch.leaves_stored"])
def test_killed_anywhere_it_goes_on(watched, place):
    ledger, _, words, _ = watched
    with ShownLog(ledger).listening() as url:
        killed = run_process("watch", "--ledger", url, *words, HENGZHENG_FAILPOINT=place)
        assert killed.code == -9
        done = run_process("watch", "--ledger", url, *words)
    assert (done.code, done.members["own"], done.members["alarms"]) == (0, 2, [])


def test_wrong_usage_is_told(watched, tmp_path):
    ledger, _, words, policy = watched
    for given, field in (
        (["--ledger", "ftp://x", *words], "--ledger"),
        (["--ledger", "http://127.0.0.1:1", "--policy", policy, "--json"], "arguments"),
        (["--ledger", "http://127.0.0.1:1", "--statements", tmp_path, "--json"], "--policy"),
        (
            [
                "--ledger",
                "http://127.0.0.1:1",
                "--policy",
                tmp_path / "none",
                "--statements",
                tmp_path,
                "--json",
            ],
            "--policy",
        ),
        (["--json", "--policy", policy], "arguments"),
    ):
        answer = run("watch", *given)
        assert (answer.code, answer.members["field"]) == (2, field), answer
    assert run("watch", "--ledger", "http://127.0.0.1:1", *words).code == 3
    (tmp_path / "statements" / "x.json").write_bytes(b"{}")
    with ShownLog(ledger).listening() as url:
        answer = run("watch", "--ledger", url, *words)
    assert (answer.code, answer.members["field"]) == (2, str(tmp_path / "statements" / "x.json"))
