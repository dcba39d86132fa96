"""Signs what an authority has decided, keeps it, and hands it in: in this order, so that nothing is lost.

    SIGNED --acknowledged--> LOGGED
    SIGNED --refused--> VOIDED, with the reason: whoever decides looks again
    SIGNED --no answer, or not now--> SIGNED: handed in again, the same bytes, without any key

Nothing is ever signed again by itself: what has become stale was decided about something that has changed since.

>>> decider.decide(planned, signer, "标准器失准", "林示例")[0].state
<DocumentState.LOGGED: 'logged'>
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from issuer.authority import draft_decision, sign_decision
from issuer.checking import cut
from issuer.deciding.planning import Planned
from issuer.deciding.store import DecisionStore, StoredDecision
from issuer.delivery import to_milliseconds
from issuer.gateway import Acknowledged, Answer, RefusalKind, Refused
from issuer.signing import Randomness
from issuer.tables import DocumentState
from ledger.core.errors import UnavailableError
from ledger.core.signature import Signer

_EVENT_ID_BYTES: Final = 8
_CHUNK: Final = 256
_STALE_ZH: Final = "其间对象已有更新的状态，请重新预览后再作决定"


class DecisionLog(Protocol):
    """One log, as an authority's desk sees it; durable and idempotent as `gateway.LedgerGateway` says."""

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> Sequence[Answer]:
        """Hand in statements without bodies, at most 256; one answer for each."""
        ...


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides for one authority. One process at a time works on one store."""

    authority: str
    origin: str
    store: DecisionStore
    log: DecisionLog
    clock: Callable[[], datetime]
    randomness: Randomness

    def decide(
        self, planned: Sequence[Planned], signer: Signer, ground: str, person: str
    ) -> list[StoredDecision]:
        """Sign all that was planned, keep it, and hand it in; return how far each has come.

        Args:
            planned: at least one.
            signer: the authority's key.
            ground: why, in words; kept here, never logged.
            person: who decides.

        Raises:
            InputError: a statement would be too long.
        """
        now_ms = to_milliseconds(self.clock())
        signed = [
            StoredDecision(
                0, 0, one.event, one.subject, one.label, ground, person, self._sign(one, signer), now_ms
            )
            for one in planned
        ]
        return self.hand_in(self.store.add(signed)[0].position)

    def hand_in(self, first: int) -> list[StoredDecision]:
        """Hand in what waits of all that was decided in one go; return how far each has come.

        A log out of reach leaves them waiting.
        """
        waiting = [one for one in self.store.list_together(first) if one.state is DocumentState.SIGNED]
        for chunk in cut(waiting, _CHUNK):
            try:
                answers = self.log.submit([(one.statement, None) for one in chunk])
            except UnavailableError:
                break
            changed = [_take(one, answer) for one, answer in zip(chunk, answers, strict=True)]
            self.store.save(changed, to_milliseconds(self.clock()))
        return self.store.list_together(first)

    def _sign(self, one: Planned, signer: Signer) -> bytes:
        event_id = self.randomness(_EVENT_ID_BYTES)
        drafted = draft_decision(
            one.event, self.origin, self.authority, one.content, one.expected_version, event_id
        )
        return sign_decision(drafted, signer)


def _take(one: StoredDecision, answer: Answer) -> StoredDecision:
    """Return a decision after what the log has said of it."""
    if isinstance(answer, Acknowledged):
        return replace(one, state=DocumentState.LOGGED, leaf_index=answer.index)
    if answer.kind is RefusalKind.NOT_NOW:
        return one
    return replace(one, state=DocumentState.VOIDED, reason=answer.reason, reason_zh=_say_zh(answer))


def _say_zh(refused: Refused) -> str | None:
    return _STALE_ZH if refused.kind is RefusalKind.STALE_VERSION else refused.zh
