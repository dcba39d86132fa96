"""Idempotency keys of requests: the same key with the same body is the same request, with another it is a mistake.

Statements are idempotent by their content, so a key adds one thing: it tells a client that mixed up two requests.
Keys are remembered by this process, the newest ten thousand.
"""

import hashlib
import re
from collections import OrderedDict
from threading import Lock
from typing import Final

from ledger.core.errors import AlreadyIssuedError, MalformedDocumentError

MOST: Final = 10_000
PATTERN: Final = "^[!-~]{1,128}$"
_KEY: Final = re.compile("[!-~]{1,128}")


class RecentKeys:
    """Keys and what came with them. Safe to share between threads."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def check(self, key: str, body: bytes) -> None:
        """Remember a key, or compare with what came with it before.

        Raises:
            MalformedDocumentError: not 1 to 128 visible ASCII characters.
            AlreadyIssuedError: another body came with this key.
        """
        if _KEY.fullmatch(key) is None:
            raise MalformedDocumentError("1 to 128 visible ASCII characters", field="Idempotency-Key")
        digest = hashlib.sha256(body).digest()
        with self._lock:
            if self._bodies.setdefault(key, digest) != digest:
                raise AlreadyIssuedError("this Idempotency-Key came with another body before")
            self._bodies.move_to_end(key)
            while len(self._bodies) > MOST:
                self._bodies.popitem(last=False)
