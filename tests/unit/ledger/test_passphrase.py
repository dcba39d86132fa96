"""Passphrases: from files, descriptors and people; long enough; never shown."""

import getpass
import os
import sys

import pytest

from ledger.core.errors import InputError
from ledger.passphrase import (
    MAX_BYTES,
    MIN_CHARACTERS,
    Passphrase,
    ask_passphrase,
    read_passphrase_descriptor,
    read_passphrase_file,
)

GOOD = b"correct horse battery"


def test_it_is_never_shown():
    passphrase = Passphrase(GOOD)
    assert GOOD.decode() not in f"{passphrase!r} {passphrase} {[passphrase]}"


@pytest.mark.parametrize(
    "raw", [b"", b"x" * (MIN_CHARACTERS - 1), b"x" * (MAX_BYTES + 1), b"\xff" * 20, "检定证书".encode() * 3]
)
def test_short_long_and_undecodable_ones_are_refused_without_being_repeated(raw):
    with pytest.raises(InputError) as caught:
        Passphrase(raw)
    assert caught.value.field == "passphrase"
    assert not raw or repr(raw)[2:-1] not in str(caught.value)


def test_length_counts_characters():
    assert Passphrase("检定证书账本衡证计量标准器具溯源".encode()).raw


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_holds_it_on_its_only_line(tmp_path, end):
    path = tmp_path / "passphrase"
    path.write_bytes(GOOD + end)
    assert read_passphrase_file(path).raw == GOOD


def test_spaces_belong_to_it(tmp_path):
    path = tmp_path / "passphrase"
    path.write_bytes(b"  " + GOOD + b" \n")
    assert read_passphrase_file(path).raw == b"  " + GOOD + b" "


@pytest.mark.parametrize("content", [b"", b"\n", GOOD + b"\n" + GOOD, GOOD + b"\n\n", b"x" * 5_000])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_passphrase_file(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="absent cannot be read: No such file"):
        read_passphrase_file(tmp_path / "absent")
    with pytest.raises(InputError, match="Is a directory"):
        read_passphrase_file(tmp_path)


def test_a_descriptor_gives_it_and_is_closed():
    reader, writer = os.pipe()
    os.write(writer, GOOD + b"\n")
    os.close(writer)
    assert read_passphrase_descriptor(reader).raw == GOOD
    with pytest.raises(InputError, match="cannot be read: Bad file descriptor"):
        read_passphrase_descriptor(reader)


class Terminal:
    def __init__(self, *typed):
        self.typed = list(typed)

    closed = False

    def isatty(self):
        return True

    def answer(self, _prompt):
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)


def at_terminal(monkeypatch, *typed):
    terminal = Terminal(*typed)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(getpass, "getpass", terminal.answer)


def test_a_person_is_asked(monkeypatch):
    at_terminal(monkeypatch, GOOD.decode())
    assert ask_passphrase().raw == GOOD


def test_a_new_one_is_asked_for_twice(monkeypatch):
    at_terminal(monkeypatch, GOOD.decode(), GOOD.decode())
    assert ask_passphrase(twice=True).raw == GOOD
    at_terminal(monkeypatch, GOOD.decode(), GOOD.decode() + "x")
    with pytest.raises(InputError, match="the two are not the same"):
        ask_passphrase(twice=True)


def test_nobody_there_or_nothing_typed_is_no_traceback(monkeypatch):
    at_terminal(monkeypatch)
    with pytest.raises(InputError, match="none was typed"):
        ask_passphrase()
    monkeypatch.setattr(Terminal, "isatty", lambda _: False)
    with pytest.raises(InputError, match="nobody can be asked here"):
        ask_passphrase()


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_a_process_without_input_is_no_traceback(monkeypatch, tmp_path, stdin):
    if stdin is not None:
        stdin = (tmp_path / "input").open("w+")
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(InputError, match="nobody can be asked here"):
        ask_passphrase()
