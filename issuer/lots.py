"""What an institution says of a lot of its own, for all its members at once.

Nothing needs to be stored: the lot's newest state tells whether what is asked for has been said already, so that
the same request again, after whatever happened, changes nothing.

>>> LotKeeper(log, make_seal, clock, randomness).say("L1", LotStatus.FAILED, ReasonCode.WRONG_RESULT, None)
SubjectState(status=<Status.FAILED: 2>, version=1, last_event=1042, current_certificate=None)
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from issuer.amending import ActLog, check_not_later, cut_to_milliseconds, sign_act
from issuer.delivery import MAX_ATTEMPTS
from issuer.gateway import Acknowledged, RefusalKind
from issuer.signing import Randomness, Seal
from ledger.core.act import ReasonCode
from ledger.core.errors import InputError, StateError, UnavailableError
from ledger.core.event import EventType
from ledger.core.fold_lots import INSTITUTION_LOTS
from ledger.core.ids import InstitutionId
from ledger.core.lot import MAX_LOT_NUMBER_BYTES, LotContent, LotStatus, encode_lot
from ledger.core.statement import ActClaims
from ledger.core.status import Status, SubjectState

_EVENT_ID_BYTES: Final = 8


class LotKeeper:
    """Speaks of the lots of one institution."""

    def __init__(
        self,
        log: ActLog,
        make_seal: Callable[[], Seal],
        clock: Callable[[], datetime],
        randomness: Randomness,
    ) -> None:
        """Take what signing and handing in need; see `amending.Amender`."""
        self._log = log
        self._make_seal = make_seal
        self._clock = clock
        self._randomness = randomness

    def say(
        self, number: str, status: LotStatus, reason: ReasonCode, effective_at: datetime | None
    ) -> SubjectState:
        """Say something of a lot, and return its newest state.

        Args:
            number: of the lot, 1 to 64 bytes, as its members' documents name it.
            status: what is said.
            reason: why.
            effective_at: since when, aware UTC, whole milliseconds; None: from now on.

        Raises:
            InputError: no such lot can be, or it is to hold from a later time on.
            StateError: the log refuses it; with the reason.
            UnavailableError: the log is out of reach, or does not take it now: ask the same again.
        """
        content = self._draft(number, status, reason, effective_at)
        for _ in range(MAX_ATTEMPTS):
            state = self._log.find_states([content.subject]).get(content.subject)
            if state is not None and state.status.name == status.name:
                return state
            _check_status(content, state)
            self._submit(content, 0 if state is None else state.version)
        raise UnavailableError("the lot changed again and again")

    def _draft(
        self, number: str, status: LotStatus, reason: ReasonCode, effective_at: datetime | None
    ) -> LotContent:
        now = self._clock()
        check_not_later(effective_at, now)
        if not 1 <= len(number.encode()) <= MAX_LOT_NUMBER_BYTES or number != number.strip():
            raise InputError(f"expected 1 to {MAX_LOT_NUMBER_BYTES} bytes of text", field="lot")
        issuer = InstitutionId(self._make_seal().institution)
        return LotContent(issuer, number, status, reason, effective_at or cut_to_milliseconds(now))

    def _submit(self, content: LotContent, version: int) -> None:
        claims = ActClaims(self._randomness(_EVENT_ID_BYTES), encode_lot(content))
        (answer,) = self._log.submit([(sign_act(EventType.LOT, claims, version, self._make_seal()), None)])
        if isinstance(answer, Acknowledged) or answer.kind is RefusalKind.STALE_VERSION:
            return
        if answer.kind is RefusalKind.NOT_NOW:
            raise UnavailableError(f"the ledger does not take this now: {answer.reason}")
        raise StateError(f"the ledger refuses this: {answer.reason}")


def _check_status(content: LotContent, state: SubjectState | None) -> None:
    before = Status.VALID if state is None else state.status
    if content.status not in INSTITUTION_LOTS:
        raise StateError(f"{content.status.value} is not for an institution to say of a lot")
    if before not in INSTITUTION_LOTS[content.status]:
        raise StateError(f"lot {content.number} is {before.name}; that cannot be done any more")
