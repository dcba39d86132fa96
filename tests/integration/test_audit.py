"""A real home's log, exported by its command and served by its server, audited by the real command."""

import json
import os
import random
import shutil
import subprocess
import sys

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from line import Line, failed_meter, meter, run, run_process, write_meters, write_rows
from published import FilesSource, write_files
from served_home import serve
from tlog_client import check_proof, read_log

from ledger.audit.replay import audit_log
from ledger.core.errors import InputError
from ledger.core.policy import parse_policy


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A home with 270 documents under two anchors, and its exported log."""
    line = Line(tmp_path_factory.mktemp("founded"))
    with line.chain() as url:
        line.found()
        line.issue(write_meters(line.out / "many.jsonl", 268))
        line.issue(write_rows(line.out / "more.jsonl", [meter(900), failed_meter(901)]))
        exported = line.run("log", "export", line.out / "log")
        looked_up = audit(line.out / "log", line, "--chain", url, "--documents", line.out / "certificates")
    return line, exported, looked_up


@pytest.fixture(scope="module")
def line(founded):
    return founded[0]


def audit(place, line, *options, code=0):
    answer = run("audit", "--from", place, "--policy", line.policy, "--json", *options)
    assert answer.code == code, answer
    return answer.members


def read_files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_exported_log_holds_down_to_the_contract_and_the_documents(founded):
    _, exported, looked_up = founded
    assert exported["tree_size"] == looked_up["entries"] == looked_up["tree_size"] > 276
    assert looked_up["contradictions"] == looked_up["void"] == looked_up["not_looked_up"] == []
    assert looked_up["anchors"]["seen"] == looked_up["anchors"]["receipts"] == exported["receipts"] == 2
    assert looked_up["documents"] == {"checked": 270, "missing": []}
    assert looked_up["root_hash"] == exported["root_hash"]


def test_without_a_node_the_anchors_are_not_looked_up(line):
    members = audit(line.out / "log", line)
    assert (members["not_looked_up"], "seen" in members["anchors"]) == (["anchors", "documents"], False)


def test_a_node_out_of_reach_is_no_contradiction(line):
    members = audit(line.out / "log", line, "--chain", "http://127.0.0.1:9", code=3)
    assert (members["contradictions"], len(members["anchors"]["doubts"])) == ([], 2)


def test_the_exported_log_is_that_of_the_store_and_a_foreign_reader_reads_it(line):
    entries, size, _ = read_log(lambda path: (line.out / "log" / path).read_bytes())
    assert (entries, size) == (line.leaves(), len(line.leaves()))


def test_an_export_again_changes_nothing(line, founded):
    before = read_files(line.out / "log")
    again = line.run("log", "export", line.out / "log")
    assert again == founded[1] | {"written": 0}
    assert read_files(line.out / "log") == before


def test_a_log_is_not_exported_to_an_address_or_a_file(line):
    for target in ("gs://bucket/log", line.policy):
        answer = run("log", "export", target, "--home", line.home, "--json")
        assert (answer.code, answer.members["kind"]) == (2, "Input")


def test_a_changed_file_is_named_and_nothing_else_is_said(line, tmp_path):
    files = read_files(line.out / "log")
    name = "tile/entries/000"
    folder = write_files(files | {name: files[name][:-1] + b"x"}, tmp_path)
    members = audit(folder, line, code=1)
    assert members["contradictions"] == [
        {"file": "tile/0/000", "leaf_index": 255, "error": "is not the hash of the leaf in tile/entries/000"}
    ]
    answer = run_process("audit", "--from", folder, "--policy", line.policy)
    assert answer.code == 1
    assert "CONTRADICTION in tile/0/000, leaf 255: " in answer.out
    assert answer.err == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"checkpoint": None}, 2),
        ({"checkpoint": b"\x89PNG"}, 2),
        ({"anchors.json": None}, 1),
        ({"tile/0/000": None}, 1),
        ({"tile/0/000.p/3": b"x"}, 1),
    ],
)
def test_the_exit_code_says_what_kind_of_fault_it_is(line, tmp_path, change, code):
    files = read_files(line.out / "log") | change
    folder = write_files({name: content for name, content in files.items() if content is not None}, tmp_path)
    audit(folder, line, code=code)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_of_the_exported_log_is_found(line, data):
    files = read_files(line.out / "log")
    path = data.draw(st.sampled_from(sorted(files)))
    at, by = data.draw(st.integers(0, len(files[path]) - 1)), data.draw(st.integers(1, 255))
    changed = files[path][:at] + bytes([files[path][at] ^ by]) + files[path][at + 1 :]
    try:
        report = audit_log(FilesSource(files | {path: changed}), parse_policy(line.policy.read_bytes()))
    except InputError:
        assert path == "checkpoint"
    else:
        assert report.exit_code == 1


def spoil(folder, name, how, chance):
    """Spoil one file of an exported tree."""
    path = folder / name
    content = path.read_bytes()
    if how == "flipped":
        at = chance.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ chance.randint(1, 255)]) + content[at + 1 :])
    elif how == "cut":
        path.write_bytes(content[: chance.randrange(len(content))])
    elif how == "prolonged":
        path.write_bytes(content + chance.randbytes(1))
    elif how == "removed":
        path.unlink()
    else:
        path.with_name(f"{path.name}.old").write_bytes(content)


@pytest.mark.parametrize("how", ["flipped", "cut", "prolonged", "removed", "stray"])
def test_whatever_is_spoiled_in_whichever_file_is_named(line, tmp_path, how):
    seed = random.randrange(2**32)
    chance, names = random.Random(seed), sorted(read_files(line.out / "log"))
    for name in names:
        if how == "stray" and not name.startswith("tile/"):
            continue
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(line.out / "log", folder)
        spoil(folder, name, how, chance)
        answer = run("audit", "--from", folder, "--policy", line.policy, "--json")
        assert answer.code in {1, 2}, (seed, name)
        if answer.code == 2:
            assert name == "checkpoint", (seed, name)
            said = answer.members["error"]
            assert "checkpoint" in said or "this is of the log" in said, (seed, answer)
            continue
        (found,) = answer.members["contradictions"]
        place = f"{name}.old" if how == "stray" else name
        told = {found["file"], *found["error"].split()}
        assert place in told or name == "checkpoint", (seed, name, found)


def test_every_file_of_the_tree_is_among_those(line):
    names = read_files(line.out / "log")
    assert {"checkpoint", "anchors.json", "tile/0/000", "tile/entries/000"} <= set(names)
    assert len(names) >= 7


def test_a_killed_audit_goes_on_by_the_same_command(line, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    words = ["--resume", "--html", tmp_path / "report.html"]
    first = audit(line.out / "log", line, *words)
    assert (tmp_path / "report.html.state").exists()
    assert audit(line.out / "log", line, *words) == first == audit(line.out / "log", line)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert first["root_hash"] in page
    assert "福州市计量所" in page
    (tmp_path / "report.html.state").write_bytes(b"{}")
    assert audit(line.out / "log", line, *words) == first
    answer = run("audit", "--from", line.out / "log", "--policy", line.policy, "--state", "x", "--json")
    assert (answer.code, answer.members["field"]) == (2, "--state")


def test_a_report_counts_what_the_log_holds(line):
    members = audit(line.out / "log", line)
    assert members["certificates"] == {"VALID": 269, "FAILED": 1}
    assert members["institutions"] == {"350100-01": {"passed": 269, "failed": 1}}
    assert members["events"]["ISSUE"] == {"effective": 270, "void": 0}
    leaves = sum(each["effective"] + each["void"] for each in members["events"].values())
    assert leaves + members["mapheads"] == members["entries"]


def test_another_logs_policy_is_wrong_input(line, tmp_path):
    policy = json.loads(line.policy.read_bytes()) | {"origin": "ledger.example/other"}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    answer = run("audit", "--from", line.out / "log", "--policy", tmp_path / "policy.json", "--json")
    assert (answer.code, answer.members["kind"]) == (2, "PolicyMismatch")


def test_people_read_sentences(line):
    answer = run("audit", "--from", line.out / "log", "--policy", line.policy)
    size = len(line.leaves())
    assert f": {size} entries replayed, 0 contradictions\n" in answer.out
    assert "DEVELOPMENT" in answer.out
    assert "not looked up (--chain URL)" in answer.out


def test_wrong_usage_is_told(line):
    for words in (["audit"], ["audit", "--from", line.out / "nowhere", "--policy", line.policy]):
        answer = run(*words, "--json")
        assert (answer.code, answer.members["kind"]) == (2, "Input")


# --- over HTTP ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(line):
    copy = Line(line.out / "copy")
    shutil.copytree(line.home, copy.home, ignore=shutil.ignore_patterns("port"))
    with serve(copy.home, "public") as running:
        yield running


def test_the_served_log_holds(line, server):
    served, exported = audit(server.url, line), audit(line.out / "log", line)
    assert served == exported


def test_a_foreign_reader_reads_every_entry_over_http(line, server):
    with httpx2.Client(base_url=server.url + "/", trust_env=False) as client:
        entries, size, _ = read_log(lambda path: client.get(path).raise_for_status().content)
        assert (entries, size) == (line.leaves(), len(line.leaves()))
        for index in (0, 255, 256, size - 1):
            check_proof(client.get(f"entries/{index}/proof").text, entries[index])


def test_the_exported_files_are_those_that_are_served(line, server):
    with httpx2.Client(base_url=server.url + "/", trust_env=False) as client:
        for path, content in read_files(line.out / "log").items():
            assert client.get(path).content == content, path


def test_a_server_out_of_reach_is_not_a_verdict(line):
    answer = run("audit", "--from", "http://127.0.0.1:9", "--policy", line.policy, "--json")
    assert (answer.code, answer.members["kind"]) == (3, "Unavailable")


# --- what it loads ------------------------------------------------------------------------------------------


def test_an_auditor_needs_neither_database_nor_web_framework():
    program = "import sys, api.audit; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert not set(done.stdout.split()) & {
        "sqlalchemy",
        "fastapi",
        "starlette",
        "web3",
        "eth",
        "issuer",
        "alembic",
    }
