"""How long to wait for a chain, and with whose clock.

>>> wait = Wait(Pace(deadline=120))
>>> while not is_mined():
...     wait.pause("the transaction is not mined")
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.core.errors import ChainContradictionError, ChainUnavailableError


@dataclass(frozen=True, slots=True)
class Pace:
    """Waiting times in seconds."""

    deadline: float = 120.0
    """For one call to come to its end; what is under way goes on with the next call."""
    resend: float = 30.0
    """For a transaction to be mined, before it is sent again."""
    first_poll: float = 0.05
    """Between the first two looks at the chain; the wait then doubles."""
    longest_poll: float = 2.0
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)


class Wait:
    """The patience of one call."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._end = pace.monotonic() + pace.deadline
        self._poll = pace.first_poll
        self._sent_at: float | None = None
        self.refusal = ""
        """Why the node did not take the transaction when it was last sent; empty if it did."""
        self.contradiction = ""
        """In what the node contradicted itself when it was last asked; empty if it did not."""

    def is_send_due(self) -> bool:
        """Return whether it is time to send, for the first time or again; the time until then begins anew."""
        now = self._pace.monotonic()
        if self._sent_at is not None and now - self._sent_at < self._pace.resend:
            return False
        self._sent_at = now
        return True

    def begin_step(self) -> None:
        """Look often again, and send at once."""
        self._poll = self._pace.first_poll
        self._sent_at = None

    def pause(self, state: str) -> None:
        """Sleep, each time twice as long.

        Args:
            state: what has not come about, for the sentence of the error.

        Raises:
            ChainUnavailableError: the deadline has passed.
            ChainContradictionError: it has, and the node still contradicts itself.
        """
        if self._pace.monotonic() >= self._end:
            if self.contradiction:
                raise ChainContradictionError(
                    f"{state} after {self._pace.deadline:.0f} s, and the node contradicts itself: "
                    f"{self.contradiction}. Nothing is believed; look with another node, and name that one in "
                    "the setting `node` if it says otherwise"
                )
            said = f" ({self.refusal})" if self.refusal else ""
            raise ChainUnavailableError(
                f"{state} after {self._pace.deadline:.0f} s{said}; the next call goes on from there"
            )
        self._pace.sleep(self._poll)
        self._poll = min(2 * self._poll, self._pace.longest_poll)
