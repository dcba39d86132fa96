"""What every step of the sign-off works with, and what all of them do alike.

>>> office = Office(profile, seal_key, ORIGIN, store, log, rule_book, clock, secrets.token_bytes)
>>> office.now()
datetime.datetime(2026, 11, 3, 8, 0, tzinfo=datetime.timezone.utc)
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from issuer.checking import Checking
from issuer.defaults import DraftContext
from issuer.delivery import Failpoint, pass_by, to_milliseconds
from issuer.gate import Gate
from issuer.gateway import Answer
from issuer.profile import DeskProfile
from issuer.signing import Randomness
from issuer.signoff.states import Action
from issuer.signoff.store import DoneAction, SignOffReading, SignOffStore, StoredDraft
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, LedgerError, StateError
from ledger.core.event import person_subject
from ledger.core.ids import Subject
from ledger.core.person import PersonContent
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import RuleBook
from ledger.core.signature import PublicKey, Signer
from ledger.core.status import Registers, SubjectState


class OfficeLog(Protocol):
    """One log, as a desk with sign-off sees it; durable and idempotent as `gateway.LedgerGateway` says."""

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> Sequence[Answer]:
        """Hand in statements, issues with their certificates; one answer for each."""
        ...

    def subject_versions(self, subjects: Collection[Subject]) -> Mapping[Subject, int]:
        """Return the newest version of each subject; those that nothing has happened to may be absent."""
        ...

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        ...

    def registers(self) -> Registers:
        """Return what the register events have established so far; to be read only."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, and with which key; opened for this one action."""

    id: str
    """Public pseudonym."""
    signer: Signer | None = None
    """None: this person signs by time."""


@dataclass(frozen=True, slots=True)
class Office:
    """The desk of one institution for one log, as far as sign-off needs it."""

    profile: DeskProfile
    seal_key: PublicKey
    """Which key will seal; the key itself is needed for approvals only."""
    origin: str
    store: SignOffStore
    log: OfficeLog
    rule_book: RuleBook
    clock: Callable[[], datetime]
    randomness: Randomness
    failpoint: Failpoint = pass_by
    base_date: date | None = None
    """Day 0 of day offsets; None: they are refused."""

    def now(self) -> datetime:
        """Return the time as signatures have it: aware UTC, whole seconds."""
        return self.clock().replace(microsecond=0)

    def start_check(self, registers: Registers, gate: Gate | None = None) -> Checking:
        """Return what checks drafts as if they were issued now.

        Args:
            registers: what counts.
            gate: asked in place of the usual one.
        """
        book = registers.rules.over(self.rule_book)
        context = DraftContext(self.profile.institution, book, self.profile.zone, self.base_date)
        return Checking(context, gate or self.make_gate(registers), self.store, self.clock())

    def make_gate(self, registers: Registers) -> Gate:
        """Return the gate by one state of the registers."""
        profile = self.profile
        return Gate(registers, self.rule_book, profile.institution, self.seal_key.key_id, profile.zone)

    def may_share(self, registers: Registers) -> bool:
        """Tell whether checker and approver may be one person here."""
        institution = registers.institutions.get(self.profile.institution)
        return institution is not None and institution.checker_may_approve

    def find_key(self, person: str, registers: Registers) -> str | None:
        """Return the multikey with which a person has to sign today; None: they sign by time."""
        today = self.now().astimezone(self.profile.zone).date()
        subject = person_subject(self.profile.institution, person)
        content = registers.find_on(subject, PersonContent, today)
        if content is None or content.key is None or content.state is not RegisterState.ACTIVE:
            return None
        return content.key.multikey

    def require_own_key(self, person: Person, key: str | None) -> None:
        """Refuse a person who does not come with the key that is theirs.

        Args:
            person: who acts.
            key: multikey with which they have to sign; None: none.

        Raises:
            InputError: another key, a key although none is registered, or none.
        """
        brought = None if person.signer is None else person.signer.public_key.multikey
        if brought == key:
            return
        if key is None:
            raise InputError(f"is not registered for {person.id}, who signs by time", field="key")
        given = "none was given" if brought is None else f"{brought} is another"
        raise InputError(f"{person.id} signs with their registered key {key}; {given}", field="key")


@dataclass(slots=True)
class Round:
    """What became of several drafts that were acted on together."""

    done: list[StoredDraft] = field(default_factory=list)
    """As they stand now."""
    refused: dict[int, LedgerError] = field(default_factory=dict)
    """Why the others stay as they were, by id."""

    def require_one(self) -> StoredDraft:
        """Return the only draft of a round.

        Raises:
            LedgerError: why it was refused.
        """
        for err in self.refused.values():
            raise err
        return self.done[0]


def list_once(ids: Iterable[int]) -> list[int]:
    """Return ids in their order, each once."""
    return list(dict.fromkeys(ids))


def check_first(
    desk: SignOffReading,
    known: Mapping[int, StoredDraft],
    expected: Mapping[int, int],
    refused: dict[int, LedgerError],
) -> dict[int, StoredDraft]:
    """Return the drafts to which nothing has happened since; say of the others who was first.

    Args:
        desk: inside the transaction that acts.
        known: drafts as they were looked at.
        expected: the sequence that the person who acts has seen, for those drafts where it is known.
        refused: takes the reasons.
    """
    now = desk.find_drafts(list(known))
    seen = {id_: expected.get(id_, draft.sequence) for id_, draft in known.items()}
    late = [id_ for id_, draft in now.items() if draft.sequence != seen[id_]]
    last = desk.find_last_actions(late) if late else {}
    refused |= {id_: StateError(say_first(last[id_])) for id_ in late}
    return {id_: draft for id_, draft in now.items() if id_ not in refused}


def say_first(action: DoneAction) -> str:
    """Return the sentence about an action that came before another one."""
    when = encode_instant(datetime.fromtimestamp(action.done_at_ms // 1000, UTC))
    return f"{action.person} was first: {_PAST[action.action]} draft {action.draft} at {when}"


_PAST = {
    Action.CREATE: "made",
    Action.EDIT: "edited",
    Action.SUBMIT: "submitted",
    Action.CHECK: "checked",
    Action.APPROVE: "approved",
    Action.RETURN: "returned",
    Action.DISCARD: "discarded",
}


def to_ms(moment: datetime) -> int:
    """Return an instant as rows have it."""
    return to_milliseconds(moment)
