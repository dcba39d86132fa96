"""Files are there whole or not at all, with their mode, and leave no drafts behind."""

import os
import stat

import pytest

from ledger.files import create_file, make_private_directory, replace_file


def names(directory):
    return [path.name for path in directory.iterdir()]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("write", [create_file, replace_file])
def test_a_new_file_has_content_and_mode_and_no_draft_beside_it(tmp_path, write):
    write(tmp_path / "secret", b"content", mode=0o600)
    assert (tmp_path / "secret").read_bytes() == b"content"
    assert mode(tmp_path / "secret") == 0o600
    assert names(tmp_path) == ["secret"]


def test_creating_never_overwrites(tmp_path):
    create_file(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert names(tmp_path) == ["key"]


def test_creating_does_not_follow_a_link_to_somewhere_else(tmp_path):
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "key", b"second")
    assert not (tmp_path / "elsewhere").exists()


def test_replacing_overwrites(tmp_path):
    replace_file(tmp_path / "policy", b"first")
    replace_file(tmp_path / "policy", b"second")
    assert (tmp_path / "policy").read_bytes() == b"second"
    assert names(tmp_path) == ["policy"]


@pytest.mark.parametrize("write", [create_file, replace_file])
def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch, write):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "policy", b"content")
    assert names(tmp_path) == []


def test_a_private_directory_is_for_its_owner_only(tmp_path):
    make_private_directory(tmp_path / "a" / "keystore")
    assert mode(tmp_path / "a" / "keystore") == 0o700
    make_private_directory(tmp_path / "a" / "keystore")
