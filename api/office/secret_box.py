"""Secrets that must be read again, as those of one-time codes: encrypted with a key beside the database.

Whoever gets a copy of the database alone cannot make codes from it. AES-256-GCM, a random nonce of 12 bytes, and
whose secret it is as associated data, so that one row's secret is of no use in another.

>>> box = SecretBox(load_box_key(home))
>>> box.open(box.seal(b"secret", "a1"), "a1")
b'secret'
"""

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.core.errors import InputError, LogIntegrityError
from ledger.files import PRIVATE_FILE, create_file, make_private_directory

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SecretBox:
    """Encrypts and opens small secrets."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "<SecretBox>"

    def seal(self, secret: bytes, owner: str) -> bytes:
        """Return a secret of this owner, encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """Return the secret.

        Raises:
            LogIntegrityError: it was made with another key, for another owner, or is damaged.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise LogIntegrityError("a secret of the office cannot be opened with its key") from None


def load_box_key(path: Path) -> bytes:
    """Return the key in a file, which is made if it is not there; only its owner may read it.

    Raises:
        InputError: the file holds something else.
    """
    make_private_directory(path.parent)
    with suppress(FileExistsError):
        create_file(path, secrets.token_bytes(KEY_BYTES), mode=PRIVATE_FILE)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(f"holds {len(key)} bytes, not the {KEY_BYTES} of a key", field=str(path))
    return key
