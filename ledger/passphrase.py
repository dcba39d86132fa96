"""Where a passphrase comes from: a file, an open descriptor or a person; never the environment.

Every child process and many logs see the environment; a file has an owner, and a descriptor ends with the
process.

>>> passphrase = read_passphrase_file(Path("/run/secrets/hengzheng"))   # doctest: +SKIP
>>> passphrase
<Passphrase>
"""

import getpass
import sys
from pathlib import Path

from ledger.core.errors import InputError

MIN_CHARACTERS = 16
"""A keystore file that is stolen can be tried without limit; what people choose must be long."""

MAX_BYTES = 1024


class Passphrase:
    """What opens a keystore; never shown.

    Raises:
        InputError: shorter than 16 characters, longer than 1,024 bytes, or not UTF-8.
    """

    __slots__ = ("raw",)

    raw: bytes
    """The bytes that encrypt."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        try:
            characters = len(raw.decode())
        except UnicodeDecodeError:
            raise InputError("is not UTF-8 text", field="passphrase") from None
        if characters < MIN_CHARACTERS or len(raw) > MAX_BYTES:
            raise InputError(
                f"has {MIN_CHARACTERS} characters or more, up to {MAX_BYTES} bytes", field="passphrase"
            )

    def __repr__(self) -> str:
        return "<Passphrase>"


def read_passphrase_file(path: Path) -> Passphrase:
    """Return the passphrase on the only line of a file.

    Raises:
        InputError: the file cannot be read, or holds no passphrase.
    """
    try:
        with path.open("rb") as stream:
            return _parse_line(stream.read(MAX_BYTES + 3))
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror}", field="passphrase file") from err


def read_passphrase_descriptor(descriptor: int) -> Passphrase:
    """Return the passphrase that an open file descriptor gives until its end; it is closed.

    Raises:
        InputError: it cannot be read, or gives no passphrase.
    """
    try:
        with open(descriptor, "rb") as stream:
            return _parse_line(stream.read(MAX_BYTES + 3))
    except OSError as err:
        raise InputError(
            f"{descriptor} cannot be read: {err.strerror}", field="passphrase descriptor"
        ) from err


def ask_passphrase(*, twice: bool = False) -> Passphrase:
    """Ask the person at the terminal, without showing what is typed.

    Args:
        twice: for a new passphrase, ask again and compare.

    Raises:
        InputError: nobody is there, nothing usable is typed, or the two differ.
    """
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise InputError("give a passphrase file: nobody can be asked here", field="passphrase")
    try:
        typed = getpass.getpass("Passphrase: ")
        if twice and getpass.getpass("The same again: ") != typed:
            raise InputError("the two are not the same", field="passphrase")
    except EOFError:
        raise InputError("none was typed", field="passphrase") from None
    return Passphrase(typed.encode())


def _parse_line(content: bytes) -> Passphrase:
    """Return the passphrase without the line end that editors add."""
    line = content.removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in line:
        raise InputError("stands alone on one line", field="passphrase")
    return Passphrase(line)
