"""A session of the verifier that knows what this server's registers say by now of every key.

A document that is handed in carries evidence as of when it was made: what has become of a key since stands in the
trust list alone. The session is made anew when that list changes, and shared until then.

>>> TrustingSessions(policy, registers).open().find_end_of_key(key_id)
LeafIndex(18)
"""

from threading import Lock
from typing import Protocol

from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, LogIntegrityError, NotFoundError, VerificationError
from ledger.core.policy import Policy
from ledger.core.trust import parse_trust_list
from verifier.session import Session


class TrustReading(Protocol):
    """Hands out the trust list; the same bytes until a register event is added."""

    def trust_list(self) -> bytes:
        """Return the trust list.

        Raises:
            NotFoundError: the log is empty.
            UnavailableError: the store is out of reach.
        """
        ...


class TrustingSessions:
    """Hands out the session under the newest trust list. Safe to share between threads."""

    def __init__(self, policy: Policy, registers: TrustReading) -> None:
        """Take what is believed, and who knows the registers."""
        self.policy = policy
        self._registers = registers
        self._lock = Lock()
        self._raw: bytes | None = None
        self._session: Session | None = None

    def open(self) -> Session:
        """Return a session with this server's trust list; with none where the log is empty.

        Raises:
            UnavailableError: the store is out of reach, so nobody can say what has become of a key.
            LogIntegrityError: this server's own trust list does not hold.
        """
        with self._lock:  # read under it as well: no thread puts an older list back in the place of a newer
            raw = self._read()
            if self._session is None or raw != self._raw:
                self._session = self._make(raw)
                self._raw = raw
            return self._session

    def _read(self) -> bytes | None:
        try:
            return self._registers.trust_list()
        except NotFoundError:
            return None

    def _make(self, raw: bytes | None) -> Session:
        try:
            trust = None if raw is None else parse_trust_list(raw)
            return Session(self.policy, load_rule_book(), trust)
        except (InputError, VerificationError) as err:  # else the file that was handed in would be blamed
            raise LogIntegrityError(f"the trust list of this server does not hold: {err}") from err
