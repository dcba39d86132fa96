"""The memory of policies: an older one is not slipped in, and nothing here stops a verification."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger, make_signer

from ledger.core.errors import PolicyMismatchError
from verifier.seen import FILE_NAME, find_memory, remember_policy

POLICY = MemoryLedger().policy(version=5)


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "a" / "b" / FILE_NAME


def test_an_older_version_is_refused(memory):
    remember_policy(POLICY, memory)
    remember_policy(POLICY, memory)
    for version in (1, 4):
        with pytest.raises(
            PolicyMismatchError, match=f"version {version} of the policy; version 5 has been seen"
        ):
            remember_policy(replace(POLICY, version=version), memory)
    remember_policy(replace(POLICY, version=7), memory)
    with pytest.raises(PolicyMismatchError, match="version 7 has been seen"):
        remember_policy(POLICY, memory)


def test_a_refusal_changes_nothing(memory):
    remember_policy(POLICY, memory)
    before = memory.read_bytes()
    with pytest.raises(PolicyMismatchError):
        remember_policy(replace(POLICY, version=1), memory)
    assert memory.read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        replace(POLICY, version=1, origin="ledger.example/other"),
        replace(POLICY, version=1, log_key=make_signer("other log").public_key),
        replace(POLICY, version=1, origin="账本.example/一"),
    ],
)
def test_each_log_has_its_own_versions(memory, other):
    remember_policy(POLICY, memory)
    remember_policy(other, memory)
    remember_policy(replace(other, version=2), memory)
    with pytest.raises(PolicyMismatchError):
        remember_policy(other, memory)
    remember_policy(POLICY, memory)
    assert len(json.loads(memory.read_bytes())) == 2


@given(st.lists(st.integers(1, 9), min_size=1))
def test_what_is_accepted_never_goes_down(tmp_path_factory, versions):
    memory = tmp_path_factory.mktemp("seen") / FILE_NAME
    highest = 0
    for version in versions:
        if version < highest:
            with pytest.raises(PolicyMismatchError):
                remember_policy(replace(POLICY, version=version), memory)
        else:
            remember_policy(replace(POLICY, version=version), memory)
            highest = version


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"\xff", b'{"a":"b"}', b"1", b"null"])
def test_a_damaged_memory_is_begun_anew(memory, damaged):
    memory.parent.mkdir(parents=True)
    memory.write_bytes(damaged)
    remember_policy(POLICY, memory)
    with pytest.raises(PolicyMismatchError):
        remember_policy(replace(POLICY, version=4), memory)


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    remember_policy(POLICY, tmp_path / "file" / FILE_NAME)
    remember_policy(replace(POLICY, version=1), tmp_path / "file" / FILE_NAME)


def test_nothing_else_is_left_in_the_folder(memory):
    remember_policy(POLICY, memory)
    remember_policy(replace(POLICY, version=6), memory)
    assert [path.name for path in memory.parent.iterdir()] == [FILE_NAME]


def test_the_memory_lies_in_the_users_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert find_memory() == tmp_path / "hengzheng" / FILE_NAME
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_memory() == tmp_path / ".local" / "state" / "hengzheng" / FILE_NAME
    monkeypatch.delenv("HOME")
    assert find_memory() is None
