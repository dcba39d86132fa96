"""The command: what it takes, what it prints, and its exit codes."""

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ledger_in_memory import MemoryLedger, make_rejection
from printed import render, sign

from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import ChainUnavailableError, LogIntegrityError
from ledger.core.policy import encode_policy
from ledger.core.qr import compute_code, encode_long_url, encode_short_url
from ledger.core.step import Step, failed, not_checked, passed
from verifier import cli

ROOT = Path(__file__).resolve().parents[3]
AT = "2026-03-03T08:00:00Z"
LATER = datetime(2026, 3, 2, tzinfo=UTC)
LEDGER = MemoryLedger().found()
INDEX = LEDGER.issue(1)
BUNDLE = LEDGER.bundle(INDEX)
CERTIFICATE = encode_canonical_json(LEDGER.documents[INDEX].credential)
STATEMENT = LEDGER.documents[INDEX].statement_raw
LONG = encode_long_url(STATEMENT, "v.example.cn")
SHORT = encode_short_url(compute_code(STATEMENT), "v.example.cn")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "policy.json").write_bytes(encode_policy(LEDGER.policy()))
    (tmp_path / "trust.json").write_bytes(LEDGER.trust_raw())
    (tmp_path / "bundle.json").write_bytes(BUNDLE)
    (tmp_path / "certificate.json").write_bytes(CERTIFICATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(capsys):
    def run(*arguments: str, policy: str = "policy.json", at: str = AT) -> tuple[int, dict]:
        code = cli.main([*arguments, "--policy", policy, "--at", at, "--json"])
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.endswith("}\n")
        return code, json.loads(captured.out)

    return run


def put(name: str, raw: bytes) -> str:
    Path(name).write_bytes(raw)
    return name


# --- what it takes ----------------------------------------------------------------------------------------


def test_a_signed_pdf_is_verified_as_its_bundle_is(command):
    code, members = command(put("certificate.pdf", sign(render(LEDGER, INDEX), at=LATER)))
    assert (code, members["verdict"], members["document"]["number"]) == (0, "VALID", "JY2026-000001")
    assert "the PDF is signed by institution 350100-01" in members["checks"][2]["reason"]
    assert "PDF由机构350100-01签名" in members["checks"][2]["reason_zh"]


def test_a_changed_pdf_shows_nothing_of_what_it_says(command):
    raw = bytearray(sign(render(LEDGER, INDEX), at=LATER))
    raw[len(raw) // 3] ^= 1
    code, members = command(put("certificate.pdf", bytes(raw)))
    assert (code, members["verdict"], members["authentic"]) == (1, "INVALID", False)
    assert "document" not in members


def test_an_unsigned_pdf_is_refused_with_a_sentence(command):
    code, members = command(put("certificate.pdf", render(LEDGER, INDEX)))
    assert (code, members["verdict"]) == (2, None)
    assert "is not signed; check the bundle instead" in members["error"]


def test_a_bundle(command):
    code, members = command("bundle.json")
    assert code == 0
    assert {name: members[name] for name in ("verdict", "authentic", "status", "environment")} == {
        "verdict": "VALID",
        "authentic": True,
        "status": "VALID",
        "environment": "development",
    }
    assert [check["step"] for check in members["checks"]] == list(range(1, 21))
    assert {"step", "name", "outcome", "reason"} <= members["checks"][0].keys()


@pytest.mark.parametrize("document", ["certificate.json", LONG, "long.txt"])
def test_less_than_a_bundle_is_authentic_and_unknown(command, document):
    put("long.txt", LONG.encode() + b"\n")
    code, members = command(document)
    assert (code, members["verdict"], members["authentic"]) == (3, "UNKNOWN", True)
    assert members["document"]["number"] == "JY2026-000001"


def test_the_code_of_a_sticker(command):
    code, members = command("https://v.example.cn/s/7KQ2-M9X0-000C-W2TT")
    assert (code, members["verdict"], members["authentic"]) == (3, "UNKNOWN", False)
    (said,) = [check for check in members["checks"] if check["name"] == "statement"]
    assert "open its page" in said["reason"]
    assert "校验位正确" in said["reason_zh"]
    code, members = command("https://v.example.cn/s/7KQ2-M9X0-000C-W2TV")
    assert (code, members["verdict"]) == (2, None)
    assert "is wrong or in the wrong place" in members["error"]
    assert command("https://w.example.cn/s/7KQ2M9X0000CW2TT")[0] == 2


def test_a_short_code(command):
    code, members = command(SHORT)
    assert (code, members["verdict"], members["authentic"]) == (3, "UNKNOWN", False)


@pytest.mark.parametrize(("text", "authentic"), [(LONG, True), (SHORT, False)])
def test_a_picture_of_a_code(command, text, authentic):
    qrcode = pytest.importorskip("qrcode")
    picture = io.BytesIO()
    qrcode.make(text).save(picture)
    code, members = command(put("qr.png", picture.getvalue()))
    assert (code, members["verdict"], members["authentic"]) == (3, "UNKNOWN", authentic)


def test_a_rejection_notice(command):
    Path("trust.json").unlink()  # it is of another history than the one made here
    ledger = MemoryLedger().found()
    code, members = command(put("rejection.json", ledger.bundle(ledger.issue_record(make_rejection(1)))))
    assert (code, members["verdict"], members["status"], members["authentic"]) == (
        1,
        "INVALID",
        "FAILED",
        True,
    )


def test_the_day_is_said_with_at(command):
    for at, code, status in (("2026-08-27", 0, "VALID"), ("2026-08-28", 1, "EXPIRED")):
        found, members = command("bundle.json", at=at)
        assert (found, members["status"]) == (code, status)
    assert command("bundle.json", at="2026-02-28T09:00:00Z")[0] == 3
    assert command("bundle.json", at="9999-12-31")[1]["status"] == "EXPIRED"
    assert command("bundle.json", at="0001-01-01")[0] == 3


# --- what it believes -------------------------------------------------------------------------------------


def test_a_trust_list_is_taken_from_beside_the_policy_or_as_named(command, folder):
    (folder / "trust.json").rename(folder / "other.json")
    assert command("certificate.json")[1]["authentic"] is False
    assert command("certificate.json", "--trust", "other.json")[1]["authentic"] is True


@pytest.mark.parametrize(
    "trust",
    [
        *(b"", b"{}", LEDGER.trust_raw()[:-1], MemoryLedger("ledger.example/other").found().trust_raw()),
        MemoryLedger(log="thief").found().trust_raw(),
        LEDGER.trust_raw().replace(b'"index":4', b'"index":5'),
    ],
    ids=["empty", "none", "cut", "another log", "another key", "changed"],
)
def test_a_trust_list_that_cannot_be_used_says_nothing_about_the_document(command, trust):
    code, members = command("bundle.json", "--trust", put("bad.json", trust))
    assert (code, members["verdict"], members["checks"]) == (2, None, [])


def test_a_policy_of_another_log_is_refused(command):
    other = MemoryLedger("ledger.example/other").found().policy()
    code, members = command("bundle.json", policy=put("other.json", encode_policy(other)))
    assert code == 2
    Path("trust.json").unlink()
    code, members = command("bundle.json", policy=put("other.json", encode_policy(other)))
    assert (code, members["verdict"], members["step"]) == (2, None, "integrity")
    assert "ledger.example/2026; the policy is for ledger.example/other" in members["error"]


def test_a_policy_for_production_refuses_a_development_chain(command):
    raw = encode_policy(LEDGER.policy()).replace(b'"development":true', b'"development":false')
    code, members = command("bundle.json", policy=put("production.json", raw))
    assert (code, members["verdict"]) == (2, None)
    assert "chain 31337 is a development chain" in members["error"]


def test_an_older_policy_than_one_seen_is_refused(command):
    newer = put("newer.json", encode_policy(LEDGER.policy(version=2)))
    assert command("bundle.json")[0] == 0
    assert command("bundle.json", policy=newer)[0] == 0
    code, members = command("bundle.json")
    assert (code, members["verdict"]) == (2, None)
    assert "version 2 has been seen" in members["error"]


def test_without_a_folder_to_remember_in_nothing_is_remembered(command, monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    assert command("bundle.json")[0] == 0


def test_a_code_of_another_host_is_refused(command):
    for host in ("v.example.com", "v.example.cn.evil.example", "xn--v-example.cn", "localhost:8000"):
        code, members = command(encode_long_url(STATEMENT, host))
        assert code == 2
        assert f"of the site {host}, not of v.example.cn: do not rely on it" in members["error"]


# --- the chain --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "code", "verdict"),
    [
        (passed(Step.CHAIN, "seen", "已核对"), 0, "VALID"),
        (not_checked(Step.CHAIN, "out of reach", "无法连接"), 3, "UNKNOWN"),
        (failed(Step.CHAIN, "another root", "不同"), 1, "INVALID"),
    ],
)
def test_the_chain_is_looked_at_when_asked(command, monkeypatch, check, code, verdict):
    from verifier import chain

    monkeypatch.setattr(chain, "look_at_contract", lambda url, policy: lambda checkpoint: check)
    found, members = command("bundle.json", "--chain", "http://127.0.0.1:1")
    assert (found, members["verdict"]) == (code, verdict)


def test_a_node_that_is_not_there_leaves_the_bundle_unconfirmed(command):
    code, members = command("bundle.json", "--chain", "http://127.0.0.1:1")
    assert (code, members["verdict"], members["authentic"]) == (3, "UNKNOWN", True)
    assert members["checks"][15]["outcome"] == "NOT_CHECKED"


@pytest.mark.parametrize(("error", "code"), [(ChainUnavailableError("no"), 3), (LogIntegrityError("no"), 4)])
def test_errors_end_with_the_code_of_their_branch(command, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "_open_chain", fail)
    found, members = command("bundle.json")
    assert (found, members["verdict"], members["authentic"], members["error"]) == (code, None, False, "no")
    assert members["environment"] == "development"


@pytest.mark.parametrize("document", ["certificate.json", LONG, "long.txt"])
def test_only_a_bundle_can_be_looked_up(command, document):
    put("long.txt", LONG.encode())
    code, members = command(document, "--chain", "http://127.0.0.1:1")
    assert code == 2
    assert members["error"] == "--chain: only a bundle or a proof can be looked up on the chain"


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "saying"),
    [
        ("nowhere.json", "cannot read nowhere.json: No such file"),
        (".", "cannot read .: Is a directory"),
        ("a\x00b", "cannot read a\x00b: embedded null byte"),
        ("x" * 5000, "File name too long"),
        ("HTTPS://v.example.cn/q/1", "QR code of something else"),
        ("http://v.example.cn/c/ABC", "QR code of something else"),
        ("weixin://dl/business", "QR code of something else"),
        (LONG[:-1], "digits"),
        (LONG + "0", "digits"),
        (SHORT[:-1] + ("0" if SHORT[-1] != "0" else "1"), "wrong"),
        ("https://v.example.cn/s/ABC", "a code has 16 letters and digits"),
        ("", "cannot read"),
    ],
    ids=lambda value: value[:30],
)
def test_a_document_that_is_none_is_refused_with_a_sentence(command, document, saying):
    code, members = command(document)
    assert (code, members["verdict"], members["authentic"], members["status"]) == (2, None, False, None)
    assert saying in members["error"]


@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"{", "not JSON"),
        (b"{}", "neither a bundle, a certificate, a proof of a sticker"),
        (b"[]", "neither a bundle, a certificate, a proof of a sticker"),
        (b'"text"', "neither a bundle, a certificate, a proof of a sticker"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":1.5}', "must be written as text"),
        (b'{"a":NaN}', "is not a number"),
        (b'{"a":null}', "null is not allowed"),
        (b"\xef\xbb\xbf" + BUNDLE, "byte order mark"),
        (BUNDLE + b"\n", "not in canonical form"),
        (b" " + BUNDLE, "not in canonical form"),
        (BUNDLE[:1000], "not JSON"),
        (BUNDLE.replace(b'"suite":', b'"suitf":'), "missing"),
        (b"[" * 100_000, "nested deeper"),
        (LEDGER.trust_raw(), "neither a bundle, a certificate, a proof of a sticker"),
        (encode_policy(LEDGER.policy()), "neither a bundle, a certificate, a proof of a sticker"),
        (b"\x89PNG\r\n\x1a\n", "nor a picture"),
        (b"hello", "nor a picture"),
        (b"%PDF-1.7", "this PDF is cut off"),
        (b"https://v.example.cn/q/\xff", "not made of the digits"),
        (bytes(100), "nor a picture"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(command, raw, saying):
    code, members = command(put("file", raw))
    assert (code, members["verdict"]) == (2, None)
    assert saying in members["error"]


def test_a_file_that_is_too_large_is_not_read(command, monkeypatch):
    monkeypatch.setattr(cli, "MAX_INPUT_BYTES", 100)
    monkeypatch.setattr(cli._read, "__defaults__", ("document", 100))
    code, members = command("bundle.json")
    assert code == 2
    assert "larger than 100 bytes" in members["error"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"\xff", encode_policy(LEDGER.policy()).replace(b"Asia/Shanghai", b"Mars/Olympus")],
    ids=["empty", "cut", "list", "bytes", "zone"],
)
def test_a_policy_that_is_none_is_refused_with_a_sentence(command, raw):
    code, members = command("bundle.json", policy=put("bad.json", raw))
    assert (code, members["verdict"], members["environment"]) == (2, None, None)
    assert members["error"]


def test_a_policy_that_is_not_there_is_named(command):
    code, members = command("bundle.json", policy="nowhere.json")
    assert (code, members["error"]) == (2, "policy: cannot read nowhere.json: No such file or directory")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json"],
        ["a", "b", "--json"],
        ["a", "--json", "--nonsense"],
        ["a", "--json", "--at", "yesterday"],
        ["a", "--json", "--at", "2026-02-30"],
        ["a", "--json", "--at", "2026-03-03T08:00:00"],
        ["a", "--json", "--pol", "x"],
    ],
)
def test_wrong_usage_is_one_json_object_too(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    members = json.loads(capsys.readouterr().out)
    assert (members["verdict"], members["checks"]) == (None, [])
    assert members["error"].startswith("arguments: ")


def test_wrong_usage_without_json_is_said_on_the_error_stream(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["hengzheng", "--json"])
    with pytest.raises(SystemExit) as caught:
        cli.main(["--nonsense"])
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out) == (2, "")
    assert "usage: hengzheng verify" in captured.err


# --- for people -------------------------------------------------------------------------------------------


def say(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main([*arguments, "--policy", "policy.json", "--at", AT])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_people_read_a_verdict_in_both_languages(capsys):
    code, out, _ = say(capsys, "bundle.json")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "DEVELOPMENT ENVIRONMENT, not for real use / 开发环境，不得用于实际业务"
    assert lines[1] == "VALID: valid / 有效"
    assert "status: in its period of validity / 在有效期内" in lines
    assert "  serial: SN00000001" in lines
    assert sum(line[:2].strip().isdecimal() for line in lines) == 20
    assert "不证明此刻称量准确" in lines[-1]


def test_what_is_not_green_has_no_reassurance_and_a_forgery_no_fields(capsys):
    code, out, _ = say(capsys, put("changed.json", BUNDLE.replace("主板".encode(), "主版".encode())))
    assert code == 1
    assert "INVALID: do not rely on this / 不可依据" in out
    assert "FAILED" in out
    assert "SN00000001" not in out
    assert "称量准确" not in out


def test_a_note_is_printed(capsys):
    code, out, _ = say(capsys, LONG)
    assert code == 3
    assert "note: signed, status not checked / 签名有效，状态未查" in out


def test_a_warning_is_marked(capsys):
    put("policy.json", encode_policy(LEDGER.policy(lag_warning=LEDGER.policy().clock_tolerance * 0)))
    code, out, _ = say(capsys, "bundle.json")
    assert code == 0
    assert "17 warning" in out


def test_errors_go_to_the_error_stream(capsys):
    code, out, err = say(capsys, "nowhere.json")
    assert (code, out, err) == (
        2,
        "",
        "error: document: cannot read nowhere.json: No such file or directory\n",
    )


# --- as its own process -----------------------------------------------------------------------------------

PROGRAM = "from verifier.cli import run_alone; run_alone()"


def start(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess:
    inherited = {
        "PATH": os.environ["PATH"],
        "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        capture_output=True,
        check=False,
        env=inherited | environment,
    )


def test_the_installed_command_verifies_without_a_network():
    done = start("bundle.json", "--policy", "policy.json", "--at", AT, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["verdict"] == "VALID"
    cut = start(put("cut.json", BUNDLE[:2000]), "--policy", "policy.json", "--json")
    assert (cut.returncode, cut.stderr) == (2, b"")
    changed = start(
        put("changed.json", BUNDLE.replace(b"SN00000001", b"SN00000002")), "--policy", "policy.json"
    )
    assert (changed.returncode, changed.stderr) == (1, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "utf-8"])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_no_terminal_turns_a_verdict_into_a_traceback(encoding, flags):
    done = start("bundle.json", "--policy", "policy.json", "--at", AT, *flags, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    done = start(b"\xff\xfe", "--policy", "policy.json", *flags, PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
