"""An evidence pack of a real home: by command and from a server the same bytes; opened without network."""

import json
import subprocess
import sys

import httpx2
import pytest
import tally
from evidence_packs import read_all, unpack
from line import Line, run_process, write_meters
from printed import attachments, read_text
from served_home import serve

from ledger.core.entry import parse_leaf
from ledger.core.event import EventType
from ledger.core.qr import compute_code, format_code


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A home with one anchored certificate."""
    made = Line(tmp_path_factory.mktemp("evidence"))
    with made.chain():
        made.found()
        made.issue(write_meters(made.out / "meters.jsonl", 1), "--anchor")
        yield made


@pytest.fixture(scope="module")
def code(line):
    (issue,) = [leaf for raw in line.leaves() if (leaf := parse_leaf(raw)).header.type is EventType.ISSUE]
    return compute_code(issue.statement_raw)


@pytest.fixture(scope="module")
def answer(line, code):
    with serve(line.home, "public") as server, httpx2.Client(base_url=server.url, trust_env=False) as client:
        found = client.get(f"/c/{code}/evidence.zip", timeout=60)
        assert f"/c/{code}/evidence.zip" in client.get(f"/c/{code}").text
        again = client.get(f"/c/{code}/evidence.zip", headers={"If-None-Match": found.headers["etag"]})
        assert again.status_code == 304
        yield found


def test_command_and_server_make_the_same_pack(line, code, answer, tmp_path):
    assert answer.status_code == 200
    path = tmp_path / "pack.zip"
    done = run_process("evidence", format_code(code), "--home", line.home, "-o", path, "--json")
    assert done.code == 0, done
    assert path.read_bytes() == answer.content
    members = done.members
    assert (members["pack"], members["bytes"], members["code"]) == (str(path), len(answer.content), code)
    assert (members["shown"], members["verdict"], members["absent"]) == ("VALID", "VALID", ["newest.json"])
    tally.note(f"evidence pack of a certificate with one reading: {len(answer.content)} bytes")


def test_its_files_are_right_by_the_commands_of_others_and_ours(line, answer, tmp_path):
    folder = unpack(answer.content, tmp_path / "pack")
    sums = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert sums.returncode == 0, sums
    whole = tmp_path / "whole.zip"
    whole.write_bytes(answer.content)
    for document in (whole, folder / "bundle.json"):
        verified = run_process("verify", document, "--policy", line.policy, "--json")
        assert (verified.code, verified.members["verdict"]) == (0, "VALID"), verified


def test_the_readable_document_says_what_it_is(answer, tmp_path):
    files = read_all(answer.content)
    text = read_text(files["document.pdf"], tmp_path)
    for words in ("检定证书", "存证副本，未签名", "EVIDENCE COPY, unsigned", "检定有效"):
        assert words in text
    held = attachments(files["document.pdf"])
    assert held["bundle.json"][0] == files["bundle.json"]
    assert held["certificate.json"][0] == files["certificate.json"]


def test_the_page_checks_it_without_network(browser, answer, tmp_path):
    folder = unpack(answer.content, tmp_path / "pack")
    context = browser.new_context(locale="zh-CN", viewport={"width": 360, "height": 640}, offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "verify.html").as_uri())
    page.wait_for_selector("html[data-done]", timeout=60_000)
    assert page.inner_text("h1") == "检定有效"
    assert page.inner_text("#checker") == "本机已离线自行核验"
    page.set_input_files("#picker", [str(path) for path in sorted(folder.iterdir())])
    page.locator("#dropped li").nth(len(list(folder.iterdir())) - 1).wait_for()
    assert page.locator("#dropped .changed").count() == 0
    assert asked == [(folder / "verify.html").as_uri()]
    context.close()


def test_a_pack_of_proof_files_needs_no_home(line, answer, tmp_path):
    folder = unpack(answer.content, tmp_path / "pack")
    path = tmp_path / "again.zip"
    words = ("evidence", folder / "bundle.json", "--policy", line.policy, "--trust", folder / "trust.json")
    done = run_process(*words, "-o", path, "--json")
    assert done.code == 0, done
    assert set(done.members["absent"]) == {"newest.json", "history.json"}
    files, original = read_all(path.read_bytes()), read_all(answer.content)
    for name in ("bundle.json", "certificate.json", "document.pdf", "trust.json"):
        assert files[name] == original[name]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nonsense",), "neither a file nor the code of a document"),
        (("YEQY-V3V1-MXZY-RY9B",), "no statement in the ledger has this code"),
        (("{policy}",), "bundle"),
        (("{bundle}", "--policy", "absent.json"), "cannot read absent.json"),
        (("{bundle}", "--policy", "{policy}", "--newest", "{policy}"), "bundle"),
        (("{bundle}", "--policy", "{policy}", "--trust", "{policy}"), "trust"),
        (("{code}", "--newest", "{bundle}"), "is for a pack from a file"),
        (("{bundle}", "--policy", "{policy}", "-o", "{folder}"), ""),
    ],
)
def test_what_cannot_be_packed_is_said_in_a_sentence(line, code, answer, tmp_path, words, sentence):
    folder = unpack(answer.content, tmp_path / "pack")
    places = {"bundle": folder / "bundle.json", "policy": line.policy, "code": code, "folder": folder}
    done = run_process("evidence", *(word.format(**places) for word in words), "--home", line.home, "--json")
    assert done.code == 2, done
    assert sentence in done.members["error"]
    assert not list(tmp_path.glob("*.zip"))


def test_the_command_loads_no_issuer():
    program = "import sys, api.evidence.cli; sys.exit('issuer' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0


def test_the_manifest_says_what_it_is_of(line, code, answer):
    manifest = json.loads(read_all(answer.content)["manifest.json"])
    assert manifest["address"].endswith(f"/c/{code}")
    assert manifest["environment"] == "development"
    assert manifest["as_of"]["tree_size"] == len(list(line.leaves()))
