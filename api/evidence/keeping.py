"""Bytes that were dear to make, kept by the digest of what they were made from until the memory is needed.

>>> KeptBytes(1024).fill("a1", lambda: b"x")
b'x'
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock


class KeptBytes:
    """Keeps what was asked for last. Safe to share between threads."""

    def __init__(self, most_bytes: int) -> None:
        """Begin with nothing.

        Args:
            most_bytes: of all that is kept; what alone is longer is not kept.
        """
        self._most = most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, key: str) -> bytes | None:
        """Return what was kept under a key."""
        with self._lock:
            raw = self._kept.get(key)
            if raw is not None:
                self._kept.move_to_end(key)
            return raw

    def fill(
        self, key: str, make: Callable[[], bytes], *, is_kept: Callable[[bytes], bool] = lambda _: True
    ) -> bytes:
        """Return what is kept under a key, or what `make` makes, which is kept then; nothing is where it raises.

        Args:
            key: names what it is made from.
            make: makes it.
            is_kept: says whether what was made would be made so again.
        """
        raw = self.find(key)
        if raw is None:
            raw = make()
            if is_kept(raw):
                self._keep(key, raw)
        return raw

    def _keep(self, key: str, raw: bytes) -> None:
        if len(raw) > self._most:
            return
        with self._lock:
            self._bytes += len(raw) - len(self._kept.pop(key, b""))
            self._kept[key] = raw
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])
