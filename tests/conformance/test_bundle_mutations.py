"""A bundle in which anything was changed never passes: INVALID, or no bundle at all, and never a traceback.

The attacker is allowed to put the member `digest` right again: it guards against damage and proves nothing.
What is then left is one honest bundle of another state: without its receipt, as before the log was anchored.
"""

import hashlib
import json
from functools import cache
from itertools import product
from typing import Any

import orjson
import pytest
from ledger_in_memory import NOW, MemoryLedger, make_record
from mutations import get, removed, replaced, show, walk

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.policy import encode_policy
from ledger.core.step import Outcome, Verdict
from verifier import cli
from verifier.report import Report
from verifier.verify import verify_bundle

CHUNKS = 12
SMALL: dict[str, Any] = {
    "results": [],
    "seals": [],
    "regulation": None,
    "instrument": make_record()["instrument"] | {"category": "OTHER", "parts": []},
}
"""Changes that make a record short; a thousand bytes fewer to walk over."""


@cache
def world() -> MemoryLedger:
    ledger = MemoryLedger()
    for raw in ledger.founding()[:4]:
        ledger.append(raw)
    ledger.append(ledger.scope(categories=frozenset({Category.OTHER})))
    ledger.issue(1, **SMALL)
    ledger.issue(2, **SMALL | {"instrument": SMALL["instrument"] | {"id": "02" * 16}})
    return ledger


@cache
def session():
    return world().session()


@cache
def bundle() -> bytes:
    return world().bundle(5)


def verify(raw: bytes) -> Report | None:
    """Return the report, None for what is no bundle of this log; anything else that is raised is a fault."""
    try:
        return verify_bundle(parse_bundle(raw), session(), NOW)
    except InputError:
        return None


def is_refused(raw: bytes) -> bool:
    report = verify(raw)
    if report is None:
        return True
    failed = any(check.outcome is Outcome.FAILED for check in report.checks)
    nothing_shown = report.document is None and report.status is None and not report.authentic
    return report.verdict is Verdict.INVALID and report.exit_code == 1 and failed and nothing_shown


def with_digest(members: dict[str, Any]) -> bytes:
    rest = {name: value for name, value in members.items() if name != "digest"}
    digest = hashlib.sha256(encode_canonical_json(rest)).hexdigest()
    return encode_canonical_json(rest | {"digest": digest})


def repair_digest(raw: bytes) -> bytes | None:
    """Return the same bundle with the right digest, None where it cannot be read or has no such member."""
    try:
        members = orjson.loads(raw)
        return with_digest(members) if "digest" in members else None
    except (ValueError, InputError):
        return None


def test_the_bundle_itself_is_valid():
    report = verify(bundle())
    assert (report.verdict, report.exit_code, report.authentic) == (Verdict.VALID, 0, True)
    assert repair_digest(bundle()) == bundle()
    assert not is_refused(bundle())


# --- single characters ------------------------------------------------------------------------------------

STRUCTURE = b'"\\,:{}[] \x00\x7f\xff'


def replacements(position: int, byte: int) -> set[int]:
    """Return what stands instead of one byte: three that fit in, one that breaks the structure, in turn."""
    other = {byte ^ 1, STRUCTURE[position % len(STRUCTURE)]}
    for alphabet in (
        b"0123456789abcdef",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    ):
        if byte in alphabet:
            other.add(alphabet[(alphabet.index(byte) + 1 + position) % len(alphabet)])
    return other - {byte}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_changed_character_is_found(chunk):
    raw = bundle()
    for position in range(chunk, len(raw), CHUNKS):
        for byte in replacements(position, raw[position]):
            changed = raw[:position] + bytes([byte]) + raw[position + 1 :]
            assert is_refused(changed), (position, chr(byte))
            repaired = repair_digest(changed)
            if repaired is not None and repaired != raw:
                assert is_refused(repaired), (position, chr(byte), "with its digest put right")


@pytest.mark.slow
@pytest.mark.parametrize("sixteenth", range(16))
def test_every_character_in_every_place_is_found(sixteenth):
    raw = bundle()
    for position, byte in product(range(len(raw)), range(sixteenth, 256, 16)):
        if raw[position] != byte:
            changed = raw[:position] + bytes([byte]) + raw[position + 1 :]
            assert is_refused(changed), position
            repaired = repair_digest(changed)
            assert repaired in {None, raw} or is_refused(repaired), position


def test_every_added_or_dropped_character_is_found():
    raw = bundle()
    for position in range(0, len(raw), 3):
        assert is_refused(raw[:position] + raw[position + 1 :]), position
        assert is_refused(raw[:position] + raw[position : position + 1] + raw[position:]), position


def test_a_bundle_cut_off_anywhere_is_no_bundle():
    raw = bundle()
    assert all(verify(raw[:length]) is None for length in range(len(raw)))


@pytest.mark.parametrize("tail", [b"\n", b" ", b"}", b"{}", b"\x00", b"\xef\xbb\xbf"])
def test_a_bundle_with_something_behind_or_before_it_is_no_bundle(tail):
    assert verify(bundle() + tail) is None
    assert verify(tail + bundle()) is None
    assert verify(bundle() + bundle()) is None


# --- members and items ------------------------------------------------------------------------------------


def copy_of_members() -> dict[str, Any]:
    return json.loads(bundle())


PATHS = [path for path, _ in walk(copy_of_members())]


def assert_found(members: dict[str, Any]) -> None:
    """Assert that changed members are refused, with the digest left as it was and with it put right."""
    assert is_refused(orjson.dumps(members, option=orjson.OPT_SORT_KEYS))
    if "digest" in members:
        try:
            repaired = with_digest(members)
        except InputError:
            return
        assert repaired == bundle() or is_refused(repaired)


def test_paths_reach_everything():
    assert {path[0] for path in PATHS} == set(copy_of_members())
    assert ("certificate", "credentialSubject", "persons", 2, "signed_at") in PATHS


@pytest.mark.parametrize("path", [path for path in PATHS if path != ("receipt",)], ids=show)
def test_every_removed_part_is_missed(path):
    assert_found(removed(copy_of_members(), path))


def test_without_its_receipt_it_is_the_bundle_from_before_the_anchor():
    members = copy_of_members()
    del members["receipt"]
    assert is_refused(orjson.dumps(members, option=orjson.OPT_SORT_KEYS))
    report = verify(with_digest(members))
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 3)
    assert with_digest(members) == world().bundle(5, receipt=None)


@pytest.mark.parametrize("path", [(), *PATHS], ids=show)
def test_every_added_part_is_found(path):
    value = get(copy_of_members(), path)
    if isinstance(value, dict):
        for name in ("x", "Type", "zzz", " "):
            members = copy_of_members()
            get(members, path)[name] = "x"
            assert_found(members)
    elif isinstance(value, list):
        for item in (*value[:1], *value[-1:], "AAAA", {}, 7):
            members = copy_of_members()
            get(members, path).append(item)
            assert_found(members)


@pytest.mark.parametrize("path", PATHS, ids=show)
def test_every_exchanged_part_is_found(path):
    value = get(copy_of_members(), path)
    others = ["", "A", "AAAA", 0, 1, -1, 2**53 - 1, True, False, [], {}, [[]], {"sd": "00"}, None, 1.5]
    if isinstance(value, str):
        others += [value + " ", value.upper(), value.lower(), value + value, value[::-1], value + "\n"]
    elif isinstance(value, int) and not isinstance(value, bool):
        others += [value + 1, value - 1, str(value)]
    elif isinstance(value, list):
        others += [value[::-1], value[1:] + value[:1], value + value]
    for other in others:
        if other != value or type(other) is not type(value):
            assert_found(replaced(copy_of_members(), path, other))


@pytest.mark.parametrize("name", copy_of_members())
def test_a_member_that_stands_there_twice_is_no_bundle(name):
    text = bundle().decode()
    member = f'"{name}":' + encode_canonical_json(copy_of_members()[name]).decode()
    assert text.count(member) == 1
    for twice in (text.replace(member, f"{member},{member}"), "{" + member + "," + text[1:]):
        assert verify(twice.encode()) is None


def test_members_in_another_order_or_with_spaces_are_no_bundle():
    members = copy_of_members()
    names = list(members)
    for shift in range(1, len(names)):
        moved = {name: members[name] for name in names[shift:] + names[:shift]}
        assert verify(orjson.dumps(moved)) is None
    assert verify(json.dumps(members, sort_keys=True, ensure_ascii=False).encode()) is None
    assert verify(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()) is None, "\\u escapes"


def test_lines_added_to_the_checkpoint_change_nothing_that_is_proved():
    """Anybody may cosign; a false line of a witness that the policy names is found, see `test_witnessing`."""
    other = MemoryLedger(log="somebody").found()
    foreign = other.checkpoint().rpartition("\n— ")[2]
    own = copy_of_members()["checkpoint"].rpartition("\n— ")[2]
    for line in (foreign, own, "witness.example AAAAAAAA\n"):
        members = copy_of_members()
        members["checkpoint"] += f"— {line}"
        assert is_refused(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)), "the digest finds it"
        assert verify(with_digest(members)) == verify(bundle())


# --- through the command ----------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    policy, file = tmp_path / "policy.json", tmp_path / "bundle.json"
    policy.write_bytes(encode_policy(world().policy()))

    def run(raw: bytes) -> tuple[int, dict[str, Any]]:
        file.write_bytes(raw)
        code = cli.main([str(file), "--policy", str(policy), "--at", "2026-03-03T08:00:00Z", "--json"])
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.count("\n") == 1
        return code, json.loads(captured.out)

    return run


def test_the_command_says_the_same(command):
    code, members = command(bundle())
    assert (code, members["verdict"], members["authentic"]) == (0, "VALID", True)
    raw = bundle()
    for position in range(0, len(raw), 29):
        for changed in (raw[:position], raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]):
            for tried in {changed, repair_digest(changed) or changed} - {raw}:
                code, members = command(tried)
                assert code in {1, 2}, position
                assert members["verdict"] == ("INVALID" if code == 1 else None)
                assert "document" not in members
                if code == 1:
                    failed = [check for check in members["checks"] if check["outcome"] == "FAILED"]
                    assert all(check["name"] and check["reason"] and check["reason_zh"] for check in failed)
                    assert failed
                else:
                    assert members["step"] == "integrity"
                    assert members["error"]
