"""Where a passphrase, or the PIN of a token, comes from: a file, a descriptor, a person; never the environment.

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

MAX_PIN_BYTES = 255
"""More than any token takes; how short a PIN may be, the token decides, which locks after a few wrong ones."""


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


class Pin:
    """What opens a PKCS#11 token; never shown.

    Raises:
        InputError: empty, longer than 255 bytes, or not UTF-8.
    """

    __slots__ = ("raw",)

    raw: bytes
    """As the token takes it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        try:
            raw.decode()
        except UnicodeDecodeError:
            raise InputError("is not UTF-8 text", field="PIN") from None
        if not 1 <= len(raw) <= MAX_PIN_BYTES:
            raise InputError(f"has 1 to {MAX_PIN_BYTES} bytes", field="PIN")

    def __repr__(self) -> str:
        return "<Pin>"


def read_passphrase_file(path: Path) -> Passphrase:
    """Return the passphrase on the only line of a file.

    Raises:
        InputError: the file cannot be read, or holds no passphrase.
    """
    try:
        with path.open("rb") as stream:
            return Passphrase(_parse_line(stream.read(MAX_BYTES + 3), "passphrase"))
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror}", field="passphrase file") from err


def read_passphrase_descriptor(descriptor: int) -> Passphrase:
    """Return the passphrase that an open file descriptor gives until its end; it is closed.

    Raises:
        InputError: it cannot be read, or gives no passphrase.
    """
    try:
        with open(descriptor, "rb") as stream:
            return Passphrase(_parse_line(stream.read(MAX_BYTES + 3), "passphrase"))
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


def read_pin_file(path: Path) -> Pin:
    """Return the PIN on the only line of a file, as systemd's `LoadCredential` leaves one.

    Raises:
        InputError: the file cannot be read, or holds no PIN.
    """
    try:
        with path.open("rb") as stream:
            return Pin(_parse_line(stream.read(MAX_PIN_BYTES + 3), "PIN"))
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror}", field="PIN file") from err


def ask_pin(token: str) -> Pin:
    """Ask the person at the terminal for the PIN of a token, without showing what is typed.

    Raises:
        InputError: nobody is there, or nothing usable is typed.
    """
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise InputError(
            "name a file with pin-source=file:/… when the key is registered: nobody can be asked here",
            field=f"PIN of the token {token}",
        )
    try:
        return Pin(getpass.getpass(f"PIN of the token {token}: ").encode())
    except EOFError:
        raise InputError("none was typed", field=f"PIN of the token {token}") from None


def _parse_line(content: bytes, what: str) -> bytes:
    """Return a line without the line end that editors add."""
    line = content.removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in line:
        raise InputError("stands alone on one line", field=what)
    return line
