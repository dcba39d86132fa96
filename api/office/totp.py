"""One-time codes of an app (RFC 6238): six digits, 30 seconds, SHA-1, as every app knows them.

A code counts in its own time step and in the one before and behind it, and never again once a code of its step, or
of a later one, was taken.

>>> find_step(SECRET, "287082", at=datetime.fromtimestamp(59, UTC), after=0)
1
"""

import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
DIGITS: Final = 6
_DRIFT: Final = (-1, 0, 1)


def make_secret(randomness: Callable[[int], bytes]) -> bytes:
    """Return a new secret."""
    return randomness(SECRET_BYTES)


def find_step(secret: bytes, code: str, *, at: datetime, after: int) -> int | None:
    """Return the time step of a code; None: it is wrong, too old, too early, or of a step that was used.

    Args:
        secret: of the account, 20 bytes.
        code: as typed.
        at: the time, aware.
        after: the last step that was used.
    """
    typed = code.strip().replace(" ", "").encode("utf-8", "replace")
    now = int(at.timestamp()) // STEP_SECONDS
    found = None
    for step in (now + drift for drift in _DRIFT if now + drift >= 0):
        if hmac.compare_digest(_compute_code(secret, step), typed) and step > after:
            found = step
    return found


def compute_code(secret: bytes, at: datetime) -> str:
    """Return the code that an app shows at a time."""
    return _compute_code(secret, int(at.timestamp()) // STEP_SECONDS).decode()


def _compute_code(secret: bytes, step: int) -> bytes:
    return HOTP(secret, DIGITS, SHA1()).generate(step)  # noqa: S303 -- RFC 6238: HMAC-SHA-1, as apps have it


def spell_secret(secret: bytes) -> str:
    """Return a secret as people type it into an app: base32, in groups."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def build_uri(secret: bytes, name: str, issuer: str) -> str:
    """Return what an app reads from a QR code (the key URI format that apps share)."""
    label = f"{quote(issuer)}:{quote(name)}"
    encoded = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{label}?secret={encoded}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_SECONDS}"
