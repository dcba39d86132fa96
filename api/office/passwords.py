"""Passwords and codes: what people choose, and what we give them once.

Passwords are stretched with Argon2id (RFC 9106 §4, the second recommended choice: 64 MiB, 3 passes, 4 lanes), a
PHC text that says its own parameters. Codes are random and long enough that SHA-256 hides them.

>>> hasher = PasswordHasher()
>>> hasher.verify("correct horse battery", hasher.hash("correct horse battery"))
True
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ledger.core.errors import InputError

MIN_PASSWORD: Final = 12
MAX_PASSWORD_BYTES: Final = 256
RECOVERY_CODES: Final = 10
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32."""
_CODE_LETTERS: Final = 16
_SALT_BYTES: Final = 16
_AT_A_TIME: Final = 2
"""Passwords that are stretched at the same time: each takes its memory."""


class PasswordHasher:
    """Stretches passwords."""

    def __init__(self, *, memory_kib: int = 65_536, passes: int = 3, lanes: int = 4) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._lanes = lanes
        self._busy = BoundedSemaphore(_AT_A_TIME)
        self._nobody = self.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        salt = secrets.token_bytes(_SALT_BYTES)
        with self._busy:
            return Argon2id(
                salt=salt,
                length=32,
                iterations=self._passes,
                lanes=self._lanes,
                memory_cost=self._memory_kib,
            ).derive_phc_encoded(password.encode())

    def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether a password is the stored one; where none is stored, it takes as long, and it is not."""
        with self._busy:
            try:
                Argon2id.verify_phc_encoded(_encode(password), stored or self._nobody)
            except InvalidKey:
                return False
        return stored is not None


def _encode(password: str) -> bytes:
    return password.encode("utf-8", "replace")[: MAX_PASSWORD_BYTES + 1]


def parse_new_password(text: str, again: str, name: str) -> str:
    """Return a password that somebody chooses.

    Raises:
        InputError: too short or too long, typed differently the second time, or the account's name.
    """
    if len(text) < MIN_PASSWORD or len(text.encode()) > MAX_PASSWORD_BYTES:
        raise InputError(
            f"{MIN_PASSWORD} characters or more, up to {MAX_PASSWORD_BYTES} bytes",
            field="password",
            zh=f"至少{MIN_PASSWORD}个字符，不超过{MAX_PASSWORD_BYTES}字节",
        )
    if not hmac.compare_digest(text.encode(), again.encode()):
        raise InputError("the two are not the same", field="password", zh="两次输入不一致")
    if len(set(text)) < 5 or (name and name in text.lower()):
        raise InputError(
            "is too easy to guess: not your name, not one letter repeated",
            field="password",
            zh="过于简单：不得包含用户名，不得重复同一字符",
        )
    return text


def make_code(randomness: Callable[[int], bytes]) -> str:
    """Return a new code of 80 random bits, `ABCD-EFGH-JKMN-PQRS`."""
    letters = "".join(_ALPHABET[byte & 31] for byte in randomness(_CODE_LETTERS))
    return "-".join(letters[at : at + 4] for at in range(0, _CODE_LETTERS, 4))


def hash_code(text: str) -> bytes:
    """Return what is stored of a code, 32 bytes; how it is typed does not matter."""
    cleaned = text.upper().replace("-", "").replace(" ", "")
    cleaned = cleaned.replace("O", "0").replace("I", "1").replace("L", "1")
    return hashlib.sha256(b"hengzheng/office-code/v1\x00" + cleaned.encode("utf-8", "replace")).digest()
