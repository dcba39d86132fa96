"""Judging a batch: which of its statements become leaves, and what each changes.

Every statement is judged against the stored log and all statements before it in the batch. The fold of
`core.fold` decides alone; what it gives no effect is refused, with the reason.

>>> batch = Sequencing(transaction, head, registers, now_ms, submissions)
>>> results = batch.judge()
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ledger.core.act_content import find_attached
from ledger.core.entry import HEADER_BYTES, encode_leaf, parse_header
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    LogIntegrityError,
    Reason,
    StaleVersionError,
)
from ledger.core.fold import build_header, judge_event, list_touched
from ledger.core.ids import Digest, LeafIndex, Subject
from ledger.core.statement import IssueClaims, SignedStatement, Statement
from ledger.core.status import Effect, Registers, SubjectState, Void
from ledger.map_history import LeafReading
from ledger.store.records import Head, Known, NewEntry, StoredEntry, compute_statement_name
from ledger.submission import Acknowledgement, Refusal, Result, Submission

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class StateReading(LeafReading, Protocol):
    """What the log holds, at one state."""

    def find_known(
        self, names: Sequence[bytes], digests: Sequence[Digest], wanted: Sequence[Subject]
    ) -> Known:
        """Return the entries, documents and states that are stored under these keys."""
        ...


class Sequencing:
    """One batch, judged from its first statement to its last."""

    def __init__(
        self,
        reading: StateReading,
        head: Head,
        registers: Registers,
        sequenced_at_ms: int,
        submissions: Sequence[Submission],
        *,
        keep_void: bool = False,
    ) -> None:
        """Look up what is known of the batch.

        Args:
            reading: the stored log at `head`.
            head: newest tree head.
            registers: what the leaves under `head` establish; copied before it is changed.
            sequenced_at_ms: time of the batch.
            submissions: the batch.
            keep_void: make leaves of statements without effect too.
        """
        self._reading = reading
        self._size = head.tree_size
        self._at_ms = sequenced_at_ms
        self._at = _EPOCH + timedelta(milliseconds=sequenced_at_ms)
        self._keep_void = keep_void
        self._submissions = submissions
        self._names = [compute_statement_name(item.signed.raw) for item in submissions]
        self._subjects = [list_touched(item.signed.statement) for item in submissions]
        wanted = list({subject for subjects in self._subjects for subject in subjects})
        known = reading.find_known(self._names, _list_digests(submissions), wanted)
        self._stored = dict(known.entries)
        self._digests = set(known.digests)
        self._states: dict[Subject, SubjectState | None] = dict.fromkeys(wanted) | dict(known.states)
        self.registers = registers
        self.entries: list[NewEntry] = []
        self.documents: dict[Digest, bytes] = {}
        self.states: dict[Subject, SubjectState] = {}
        self.replaced: dict[Subject, SubjectState | None] = {}

    def judge(self) -> list[Result]:
        """Judge every submission, in order; what they change is found in the public members afterwards."""
        work = zip(self._submissions, self._names, self._subjects, strict=True)
        return [self._judge(*item) for item in work]

    def _judge(self, submission: Submission, name: bytes, subjects: Sequence[Subject]) -> Result:
        signed = submission.signed
        stored = self._stored.get(name)
        if stored is not None:
            return _answer_again(stored, signed)
        conflict = self._find_conflict(signed.statement, subjects)
        if conflict is not None and not self._keep_void:
            return Refusal(conflict)
        index = LeafIndex(self._size + len(self.entries))
        outcome = judge_event(signed, index, self._at, self.registers, self._view, self._find_issue)
        if isinstance(outcome, Void) and not self._keep_void:
            return Refusal(_explain(outcome))
        entry = StoredEntry(index, encode_leaf(build_header(signed, outcome, self._at_ms), signed.raw))
        self._add(submission, outcome, entry, name)
        return Acknowledgement(index, entry.leaf)

    def _find_conflict(
        self, statement: Statement, subjects: Sequence[Subject]
    ) -> AlreadyIssuedError | StaleVersionError | None:
        claims = statement.claims
        if isinstance(claims, IssueClaims):
            taken = self._view(subjects[1])
            if taken is not None:
                return AlreadyIssuedError(f"number {claims.number} is taken by leaf {taken.last_event}")
            if claims.certificate_digest in self._digests:
                return AlreadyIssuedError("this certificate has been issued by another statement")
        before = self._view(subjects[0])
        version = 0 if before is None else before.version
        if statement.expected_version != version:
            return StaleVersionError(f"expects version {statement.expected_version}; the newest is {version}")
        return None

    def _view(self, subject: Subject) -> SubjectState | None:
        if subject not in self._states:
            self._states[subject] = self._reading.find_known([], [], [subject]).states.get(subject)
        return self._states[subject]

    def _find_issue(self, index: LeafIndex) -> Subject:
        """Return what an earlier issue is about, of this batch or of the stored log."""
        if index < self._size:
            return read_subject(self._reading, index)
        return _get_subject(self.entries[index - self._size].leaf)

    def _add(self, submission: Submission, outcome: Effect | Void, entry: StoredEntry, name: bytes) -> None:
        statement, claims = submission.signed.statement, submission.signed.statement.claims
        number = None
        if isinstance(outcome, Effect):
            number = claims.number if isinstance(claims, IssueClaims) else None
            self._apply(outcome)
        digest = None if submission.body is None else find_attached(statement)
        if digest is not None and submission.body is not None:
            self.documents[digest] = submission.body
        if digest is not None and isinstance(claims, IssueClaims):
            self._digests.add(digest)
        self._stored[name] = entry
        self.entries.append(
            NewEntry(entry.leaf_index, name, entry.leaf, int(statement.type), statement.issuer, number)
        )

    def _apply(self, effect: Effect) -> None:
        for subject in effect.changes:
            if subject not in self.states:
                self.replaced[subject] = self._view(subject)
        self.states.update(effect.changes)
        self._states.update(effect.changes)
        if effect.apply is not None:
            self.registers = self.registers.copy()
            effect.apply(self.registers)


def read_subject(reading: LeafReading, index: LeafIndex) -> Subject:
    """Return the subject in the header of a stored leaf.

    Raises:
        LogIntegrityError: it is missing.
    """
    return _get_subject(reading.read_leaves(index, index + 1)[0])


def _get_subject(leaf: bytes) -> Subject:
    return parse_header(leaf[:HEADER_BYTES]).subject


def _list_digests(submissions: Sequence[Submission]) -> list[Digest]:
    claims = [item.signed.statement.claims for item in submissions]
    return [item.certificate_digest for item in claims if isinstance(item, IssueClaims)]


def _answer_again(stored: StoredEntry, signed: SignedStatement) -> Acknowledgement:
    """Answer with what is stored, never with what was sent."""
    if stored.leaf[HEADER_BYTES:] != signed.raw:
        raise LogIntegrityError(f"leaf {stored.leaf_index} is stored under the name of another statement")
    return Acknowledgement(stored.leaf_index, stored.leaf)


def _explain(outcome: Void) -> DocumentRefusedError:
    zh = f"该声明不产生效力（{outcome.reason}）"
    return DocumentRefusedError([Reason("NO_EFFECT", "statement", outcome.reason, zh)])
