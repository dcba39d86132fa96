"""What an institution says of instruments and stickers: signed and stored first, then handed in.

    SIGNED --acknowledged--> LOGGED
    SIGNED --refused, final--> VOIDED, with the reason
    SIGNED --refused, stale version or key--> signed again, for the newest version
    SIGNED --no answer, or not now--> SIGNED: handed in by whoever speaks of the same subject next

Killed at any moment, the same request goes on with the same bytes, and gives the same answer afterwards.

>>> speaker.say(EventType.STICKER_BOUND, subject, encode_binding(content)).state
<DocumentState.LOGGED: 'logged'>
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from issuer.amending import ActLog
from issuer.delivery import MAX_ATTEMPTS, to_milliseconds
from issuer.gateway import Acknowledged, RefusalKind
from issuer.saying_store import Saying, SayingStore
from issuer.signing import Randomness, Seal
from issuer.tables import DocumentState
from ledger.core.act_content import find_attached
from ledger.core.errors import LogIntegrityError, StateError, UnavailableError
from ledger.core.event import CONTENT_TYPES, EventType
from ledger.core.ids import Subject
from ledger.core.statement import (
    ActClaims,
    IssueClaims,
    RegisterClaims,
    Statement,
    parse_signed_statement,
    sign_statement,
)

_EVENT_ID_BYTES: Final = 8


class Speaker:
    """Speaks for one institution. One process at a time works on one store."""

    def __init__(
        self,
        store: SayingStore,
        log: ActLog,
        make_seal: Callable[[], Seal],
        clock: Callable[[], datetime],
        randomness: Randomness,
    ) -> None:
        """Take what signing, storing and handing in need; see `amending.Amender`."""
        self.store = store
        self.log = log
        self.clock = clock
        self.randomness = randomness
        self._make_seal = make_seal

    @property
    def institution(self) -> str:
        """Return who speaks."""
        return self._make_seal().institution

    def finish(self, subject: Subject) -> Saying | None:
        """Return what was said last of a subject, handed in by now; None: nothing.

        Raises:
            UnavailableError: the log is out of reach, or does not take it now.
        """
        known = self.store.find_newest(subject)
        return self._deliver(known) if known is not None and known.state is DocumentState.SIGNED else known

    def say(
        self, event_type: EventType, subject: Subject, content: bytes, place: Subject | None = None
    ) -> Saying:
        """Say something, and return it with the leaf that it has got; `place` is where a sticker is put.

        Raises:
            StateError: the log refuses it; with the reason.
            UnavailableError: the log is out of reach, or does not take it now: ask the same again.
        """
        self.finish(subject)
        raw = self._sign(event_type, content, self._find_version(subject))
        now_ms = to_milliseconds(self.clock())
        done = self._deliver(self.store.add(event_type, subject, raw, now_ms, place))
        if done.state is not DocumentState.LOGGED:
            raise StateError(f"the ledger refuses this: {done.reason}", zh=f"账本拒绝：{done.reason}")
        return done

    def _find_version(self, subject: Subject) -> int:
        state = self.log.find_states([subject]).get(subject)
        return 0 if state is None else state.version

    def _sign(self, event_type: EventType, content: bytes, version: int) -> bytes:
        seal, event_id = self._make_seal(), self.randomness(_EVENT_ID_BYTES)
        is_content = event_type in CONTENT_TYPES
        claims = ActClaims(event_id, content) if is_content else RegisterClaims(event_id, content, ())
        return sign_statement(
            Statement(event_type, seal.institution, claims, version), seal.signer, seal.origin
        )

    def _deliver(self, saying: Saying) -> Saying:
        """Hand a statement in until the log has it, or refuses it for good; store which."""
        for _ in range(MAX_ATTEMPTS):
            digest = find_attached(parse_signed_statement(saying.statement).statement)
            body = None if digest is None else self.store.find_photo(digest)
            if digest is not None and body is None:
                lost = "its photograph is not kept any more"
                return self._save(replace(saying, state=DocumentState.VOIDED, reason=lost))
            (answer,) = self.log.submit([(saying.statement, body)])
            if isinstance(answer, Acknowledged):
                return self._save(replace(saying, state=DocumentState.LOGGED, leaf_index=answer.index))
            if answer.kind is RefusalKind.NOT_NOW:
                raise UnavailableError(f"the ledger does not take this now: {answer.reason}")
            if answer.kind is RefusalKind.FINAL or not self._can_renew(answer.kind, saying):
                return self._save(replace(saying, state=DocumentState.VOIDED, reason=answer.reason))
            raw = self._sign(saying.type, read_content(saying), self._find_version(saying.subject))
            saying = self._save(replace(saying, statement=raw))
        raise UnavailableError("its subject changed again and again")

    def _can_renew(self, kind: RefusalKind, saying: Saying) -> bool:
        """Return whether signing again helps: a key that was refused is of no use twice."""
        used = parse_signed_statement(saying.statement).key_id
        return kind is not RefusalKind.KEY or used != self._make_seal().signer.public_key.key_id

    def _save(self, saying: Saying) -> Saying:
        return self.store.save(saying, to_milliseconds(self.clock()))


def read_content(saying: Saying) -> bytes:
    """Return the content of a stored statement."""
    claims = parse_signed_statement(saying.statement).statement.claims
    if isinstance(claims, IssueClaims):
        raise LogIntegrityError("the desk holds an issue among what it said of instruments and stickers")
    return claims.content
