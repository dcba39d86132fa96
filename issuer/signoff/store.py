"""The sign-off's memory: rows of `tables` as objects, in the same transactions as the desk's documents.

>>> store = SignOffStore(database, institution, origin)
>>> store.prepare()
>>> with store.read() as desk:
...     desk.list_drafts(DraftState.SUBMITTED)
[]
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import func, insert, or_, select, tuple_, update
from sqlalchemy.engine import RowMapping

from issuer.signoff.row_store import RowReading, RowWriting
from issuer.signoff.states import Action, Assignment, DraftState, Standing
from issuer.signoff.tables import (
    actions,
    applications,
    batch_members,
    batches,
    correction_requests,
    drafts,
    openings,
    revisions,
    signatures,
    submissions,
    voided_numbers,
)
from issuer.store import DeskReading, DeskStore, DeskWriting
from ledger.core.errors import NotFoundError
from ledger.core.ids import CertificateNumber, Subject
from ledger.core.record import Role

MAX_LISTED: Final = 10_000
"""Most rows of one list; whoever has more asks for the rest by the id of the last one."""


class RevisionKey(NamedTuple):
    """One revision of one draft."""

    draft: int
    revision: int


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """Where a draft stands."""

    id: int
    request_id: str
    content_digest: bytes
    """Of its creation; see `drafting.Request`."""
    application: int | None
    corrects: CertificateNumber | None
    state: DraftState
    revision: int
    sequence: int
    people: Assignment
    number: CertificateNumber | None
    subject: Subject | None
    """The instrument, or part, since the last submission."""
    verified_on: str | None
    title: str
    """The instrument in words, for lists."""
    changed_at_ms: int

    @property
    def standing(self) -> Standing:
        """Return what the table of states looks at."""
        return Standing(self.state, self.people)

    @property
    def key(self) -> RevisionKey:
        """Return the present revision."""
        return RevisionKey(self.id, self.revision)


@dataclass(frozen=True, slots=True)
class Application:
    """What was accepted to be verified, and for whom."""

    id: int
    request_id: str
    content_digest: bytes
    content: bytes
    """Canonical JSON."""
    accepted_by: str
    accepted_at_ms: int


@dataclass(frozen=True, slots=True)
class Submission:
    """What was fixed when an operator submitted."""

    key: RevisionKey
    number: CertificateNumber
    brings_number: bool
    issuer_did: str
    record: bytes
    disclosure: bytes | None


@dataclass(frozen=True, slots=True)
class Signature:
    """What one person has signed."""

    key: RevisionKey
    role: Role
    person: str
    signed_at_ms: int
    proof: bytes | None


@dataclass(frozen=True, slots=True)
class DoneAction:
    """One line of a draft's history."""

    draft: int
    sequence: int
    revision: int
    action: Action
    person: str
    reason: str | None
    done_at_ms: int


@dataclass(frozen=True, slots=True)
class VoidedNumber:
    """A number that was given and will never be used."""

    number: CertificateNumber
    reason: str
    draft: int | None = None
    """None: the document had its seal, and the log refused it for good."""
    revision: int | None = None
    person: str | None = None
    voided_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents that are approved in one go."""

    id: int
    approver: str
    seed: bytes
    members: tuple[RevisionKey, ...]
    sample: frozenset[int]
    """Drafts that the approver must open first."""


@dataclass(frozen=True, slots=True)
class CorrectionRequest:
    """What somebody asks to be done to an issued document."""

    id: int
    number: CertificateNumber
    type: int
    """Code of the event."""
    reason: str
    note: str
    document: bytes | None
    asked_by: str
    asked_at_ms: int
    state: str
    """`asked`, `granted` (the act is on its way), `done` or `refused`."""
    decided_by: str | None = None
    decided_at_ms: int | None = None
    answer: str | None = None
    leaf_index: int | None = None


class SignOffReading(DeskReading):
    """Questions about one state of the desk, drafts included."""

    @property
    def rows(self) -> RowReading:
        """Rows of files that became drafts."""
        return RowReading(self._connection)

    def find_drafts(self, ids: Sequence[int]) -> dict[int, StoredDraft]:
        """Return these drafts, at most a few hundred; absent ones are left out."""
        rows = self._connection.execute(select(drafts).where(drafts.c.position.in_(ids))).mappings()
        return {row["position"]: _to_draft(row) for row in rows}

    def fetch_draft(self, draft: int) -> StoredDraft:
        """Return one draft.

        Raises:
            NotFoundError: there is none.
        """
        found = self.find_drafts([draft]).get(draft)
        if found is None:
            raise NotFoundError(f"there is no draft {draft}")
        return found

    def find_draft_requests(self, request_ids: Sequence[str]) -> dict[str, StoredDraft]:
        """Return the drafts that were made by these requests, at most a few hundred."""
        rows = self._connection.execute(select(drafts).where(drafts.c.request_id.in_(request_ids)))
        return {row["request_id"]: _to_draft(row) for row in rows.mappings()}

    def list_drafts(
        self,
        state: DraftState | None = None,
        *,
        role: Role | None = None,
        person: str | None = None,
        after: int = 0,
        limit: int = MAX_LISTED,
    ) -> list[StoredDraft]:
        """Return drafts beyond an id, rising: in one state, and of one person in one role or in any."""
        query = select(drafts).where(drafts.c.position > after)
        if state is not None:
            query = query.where(drafts.c.state == state)
        if person is not None:
            columns = [drafts.c[each.value] for each in ([role] if role else Role)]
            query = query.where(or_(*(column == person for column in columns)))
        rows = self._connection.execute(query.order_by(drafts.c.position).limit(limit)).mappings()
        return [_to_draft(row) for row in rows]

    def fetch_contents(self, keys: Sequence[RevisionKey]) -> dict[RevisionKey, bytes]:
        """Return the contents of these revisions, at most a few hundred."""
        here = tuple_(revisions.c.draft, revisions.c.revision).in_(keys)
        rows = self._connection.execute(select(revisions).where(here))
        return {RevisionKey(row.draft, row.revision): bytes(row.content) for row in rows}

    def find_submissions(self, keys: Sequence[RevisionKey]) -> dict[RevisionKey, Submission]:
        """Return what was fixed of these revisions, at most a few hundred."""
        here = tuple_(submissions.c.draft, submissions.c.revision).in_(keys)
        rows = self._connection.execute(select(submissions).where(here))
        found = (
            Submission(
                RevisionKey(row.draft, row.revision),
                CertificateNumber(row.number),
                bool(row.brings_number),
                row.issuer_did,
                bytes(row.record),
                None if row.disclosure is None else bytes(row.disclosure),
            )
            for row in rows
        )
        return {submission.key: submission for submission in found}

    def list_signatures(self, keys: Sequence[RevisionKey]) -> list[Signature]:
        """Return the signatures on these revisions, in the order of signing."""
        here = tuple_(signatures.c.draft, signatures.c.revision).in_(keys)
        rows = self._connection.execute(select(signatures).where(here).order_by(signatures.c.signed_at_ms))
        return [
            Signature(
                RevisionKey(row.draft, row.revision),
                Role(row.role),
                row.person,
                row.signed_at_ms,
                None if row.proof is None else bytes(row.proof),
            )
            for row in rows
        ]

    def list_actions(self, draft: int) -> list[DoneAction]:
        """Return a draft's history, in order."""
        query = select(actions).where(actions.c.draft == draft).order_by(actions.c.sequence)
        return [_to_action(row) for row in self._connection.execute(query).mappings()]

    def find_last_actions(self, ids: Sequence[int]) -> dict[int, DoneAction]:
        """Return what was done last to each of these drafts, at most a few hundred."""
        query = (
            select(actions)
            .join(
                drafts,
                (drafts.c.position == actions.c.draft) & (drafts.c.sequence == actions.c.sequence),
            )
            .where(drafts.c.position.in_(ids))
        )
        return {row["draft"]: _to_action(row) for row in self._connection.execute(query).mappings()}

    def find_rivals(self, subjects: Collection[Subject]) -> dict[Subject, list[StoredDraft]]:
        """Return all drafts that hold a number and are about one of these instruments, at most a few hundred."""
        chosen = (drafts.c.subject.in_(list(subjects)), drafts.c.number.is_not(None))
        rows = self._connection.execute(select(drafts).where(*chosen).order_by(drafts.c.position)).mappings()
        found: dict[Subject, list[StoredDraft]] = {}
        for row in rows:
            draft = _to_draft(row)
            if draft.subject is not None:
                found.setdefault(draft.subject, []).append(draft)
        return found

    def find_voided(self) -> Iterator[VoidedNumber]:
        """Yield every number that was given and will never be used, in the order of the numbers."""
        returned = [
            VoidedNumber(
                CertificateNumber(row.number),
                row.reason,
                row.draft,
                row.revision,
                row.person,
                row.voided_at_ms,
            )
            for row in self._connection.execute(select(voided_numbers))
        ]
        refused = [
            VoidedNumber(document.number, document.reason or "") for document in self.list_voided_documents()
        ]
        yield from sorted([*returned, *refused], key=lambda voided: voided.number)

    # --- batches --------------------------------------------------------------------------------------------

    def find_openings(self, person: str, ids: Sequence[int]) -> set[RevisionKey]:
        """Return which revisions of these drafts, at most a few hundred, a person has opened."""
        query = select(openings).where(openings.c.person == person, openings.c.draft.in_(ids))
        return {RevisionKey(row.draft, row.revision) for row in self._connection.execute(query)}

    def list_openings(self, draft: int) -> list[tuple[RevisionKey, str, int]]:
        """Return which revisions of a draft were opened, by whom and when, in order."""
        query = select(openings).where(openings.c.draft == draft).order_by(openings.c.opened_at_ms)
        rows = self._connection.execute(query)
        return [(RevisionKey(row.draft, row.revision), row.person, row.opened_at_ms) for row in rows]

    def fetch_batch(self, batch: int) -> Batch:
        """Return a batch.

        Raises:
            NotFoundError: there is none.
        """
        row = self._connection.execute(select(batches).where(batches.c.position == batch)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no batch {batch}")
        query = select(batch_members).where(batch_members.c.batch == batch).order_by(batch_members.c.draft)
        found = self._connection.execute(query).all()
        return Batch(
            row.position,
            row.approver,
            bytes(row.seed),
            tuple(RevisionKey(member.draft, member.revision) for member in found),
            frozenset(member.draft for member in found if member.in_sample),
        )

    def list_batches(self, approver: str) -> list[int]:
        """Return the ids of the batches of an approver, rising."""
        query = select(batches.c.position).where(batches.c.approver == approver)
        return [row.position for row in self._connection.execute(query.order_by(batches.c.position))]

    def find_drawn(self, approver: str, keys: Sequence[RevisionKey]) -> set[RevisionKey]:
        """Return which of these revisions, at most a few hundred, were in a sample of this approver before."""
        query = (
            select(batch_members.c.draft, batch_members.c.revision)
            .join(batches, batches.c.position == batch_members.c.batch)
            .where(
                batches.c.approver == approver,
                batch_members.c.in_sample == 1,
                tuple_(batch_members.c.draft, batch_members.c.revision).in_(keys),
            )
        )
        return {RevisionKey(row.draft, row.revision) for row in self._connection.execute(query)}

    # --- applications and corrections -----------------------------------------------------------------------

    def fetch_application(self, application: int) -> Application:
        """Return an application.

        Raises:
            NotFoundError: there is none.
        """
        query = select(applications).where(applications.c.position == application)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"there is no application {application}")
        return _to_application(row)

    def find_application_request(self, request_id: str) -> Application | None:
        """Return the application that a request has made, if there is one."""
        query = select(applications).where(applications.c.request_id == request_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _to_application(row)

    def list_applications(self, after: int = 0, limit: int = MAX_LISTED) -> list[Application]:
        """Return applications beyond an id, rising."""
        query = select(applications).where(applications.c.position > after)
        rows = self._connection.execute(query.order_by(applications.c.position).limit(limit)).mappings()
        return [_to_application(row) for row in rows]

    def fetch_request(self, request: int) -> CorrectionRequest:
        """Return what somebody has asked.

        Raises:
            NotFoundError: there is no such request.
        """
        query = select(correction_requests).where(correction_requests.c.position == request)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"there is no request {request} for a correction")
        return _to_request(row)

    def list_requests(self, number: CertificateNumber | None = None) -> list[CorrectionRequest]:
        """Return what was asked, of one document or at all, in order."""
        query = select(correction_requests).order_by(correction_requests.c.position)
        if number is not None:
            query = query.where(correction_requests.c.number == number)
        return [_to_request(row) for row in self._connection.execute(query.limit(MAX_LISTED)).mappings()]


class SignOffWriting(SignOffReading, DeskWriting):
    """Changes to the desk, drafts included, inside one transaction."""

    @property
    def rows(self) -> RowWriting:
        """Rows of files that became drafts."""
        return RowWriting(self._connection)

    def add_application(self, application: Application) -> Application:
        """Store an application behind all others; return it with its id."""
        added = replace(application, id=self._next(applications.c.position))
        row = {name: getattr(added, name) for name in Application.__dataclass_fields__ if name != "id"}
        self._connection.execute(insert(applications).values(position=added.id, **row))
        return added

    def add_drafts(self, new: Sequence[StoredDraft], contents: Sequence[bytes]) -> list[StoredDraft]:
        """Store drafts behind all others, each with its first content; return them with their ids."""
        first = self._next(drafts.c.position)
        added = [replace(draft, id=first + offset) for offset, draft in enumerate(new)]
        if added:
            self._connection.execute(insert(drafts), [_to_row(draft) for draft in added])
            self._add_actions(
                added, Action.CREATE, [draft.people.operator for draft in added], [None] * len(added)
            )
            self.add_contents(dict(zip((draft.key for draft in added), contents, strict=True)))
        return added

    def add_contents(self, contents: Mapping[RevisionKey, bytes]) -> None:
        """Store the contents of new revisions."""
        rows = [
            {"draft": key.draft, "revision": key.revision, "content": content}
            for key, content in contents.items()
        ]
        if rows:
            self._connection.execute(insert(revisions), rows)

    def save_drafts(
        self, changed: Sequence[StoredDraft], action: Action, person: str, reason: str | None = None
    ) -> None:
        """Store where drafts stand after an action, and the action itself."""
        for draft in changed:
            row = _to_row(draft)
            position = row.pop("position")
            self._connection.execute(update(drafts).where(drafts.c.position == position).values(**row))
        self._add_actions(changed, action, [person] * len(changed), [reason] * len(changed))

    def _add_actions(
        self,
        changed: Sequence[StoredDraft],
        action: Action,
        persons: Sequence[str],
        reasons: Sequence[str | None],
    ) -> None:
        rows = [
            {
                "draft": draft.id,
                "sequence": draft.sequence,
                "revision": draft.revision,
                "action": action,
                "person": person,
                "reason": reason,
                "done_at_ms": draft.changed_at_ms,
            }
            for draft, person, reason in zip(changed, persons, reasons, strict=True)
        ]
        if rows:
            self._connection.execute(insert(actions), rows)

    def add_submissions(self, new: Iterable[Submission]) -> None:
        """Store what was fixed."""
        rows = [
            {
                "draft": item.key.draft,
                "revision": item.key.revision,
                "number": item.number,
                "brings_number": int(item.brings_number),
                "issuer_did": item.issuer_did,
                "record": item.record,
                "disclosure": item.disclosure,
            }
            for item in new
        ]
        if rows:
            self._connection.execute(insert(submissions), rows)

    def add_signatures(self, new: Iterable[Signature]) -> None:
        """Store signatures."""
        rows = [
            {
                "draft": item.key.draft,
                "revision": item.key.revision,
                "role": item.role.value,
                "person": item.person,
                "signed_at_ms": item.signed_at_ms,
                "proof": item.proof,
            }
            for item in new
        ]
        if rows:
            self._connection.execute(insert(signatures), rows)

    def void_numbers(self, voided: Iterable[VoidedNumber]) -> None:
        """Store that numbers will never be used."""
        rows = [{name: getattr(one, name) for name in VoidedNumber.__dataclass_fields__} for one in voided]
        if rows:
            self._connection.execute(insert(voided_numbers), rows)

    def add_opening(self, key: RevisionKey, person: str, now_ms: int) -> None:
        """Store that somebody opens a submission, unless they have before."""
        if key not in self.find_openings(person, [key.draft]):
            row = {"draft": key.draft, "revision": key.revision, "person": person, "opened_at_ms": now_ms}
            self._connection.execute(insert(openings).values(**row))

    def add_batch(self, batch: Batch, now_ms: int) -> Batch:
        """Store a batch behind all others; return it with its id."""
        added = replace(batch, id=self._next(batches.c.position))
        row = {"position": added.id, "approver": added.approver, "seed": added.seed, "drawn_at_ms": now_ms}
        self._connection.execute(insert(batches).values(**row))
        members = [
            {
                "batch": added.id,
                "draft": key.draft,
                "revision": key.revision,
                "in_sample": int(key.draft in added.sample),
            }
            for key in added.members
        ]
        self._connection.execute(insert(batch_members), members)
        return added

    def add_request(self, request: CorrectionRequest) -> CorrectionRequest:
        """Store a request behind all others; return it with its id."""
        added = replace(request, id=self._next(correction_requests.c.position))
        self._connection.execute(insert(correction_requests).values(**_request_row(added)))
        return added

    def save_request(self, request: CorrectionRequest) -> None:
        """Store how far a request has come."""
        row = _request_row(request)
        position = row.pop("position")
        chosen = correction_requests.c.position == position
        self._connection.execute(update(correction_requests).where(chosen).values(**row))

    def _next(self, column: Any) -> int:  # noqa: ANN401 -- a column of any table
        return (self._connection.execute(select(func.max(column))).scalar_one() or 0) + 1


class SignOffStore(DeskStore):
    """The desk of one institution for one log, drafts included."""

    @contextmanager
    def read(self) -> Iterator[SignOffReading]:
        """Ask questions of one unchanging state; raises as the database does."""
        with self._database.read() as connection:
            yield SignOffReading(connection)

    @contextmanager
    def write(self) -> Iterator[SignOffWriting]:
        """Change the desk; stored when the block is left. Raises as the database does."""
        with self._database.write() as connection:
            yield SignOffWriting(connection)


def _to_draft(row: RowMapping) -> StoredDraft:
    return StoredDraft(
        id=row["position"],
        request_id=row["request_id"],
        content_digest=bytes(row["content_digest"]),
        application=row["application"],
        corrects=None if row["corrects"] is None else CertificateNumber(row["corrects"]),
        state=DraftState(row["state"]),
        revision=row["revision"],
        sequence=row["sequence"],
        people=Assignment(row["operator"], row["checker"], row["approver"]),
        number=None if row["number"] is None else CertificateNumber(row["number"]),
        subject=None if row["subject"] is None else Subject(bytes(row["subject"])),
        verified_on=row["verified_on"],
        title=row["title"],
        changed_at_ms=row["changed_at_ms"],
    )


def _to_row(draft: StoredDraft) -> dict[str, Any]:
    names = (name for name in StoredDraft.__dataclass_fields__ if name not in {"id", "people"})
    people = {role.value: getattr(draft.people, role.value) for role in Role}
    return {"position": draft.id, **{name: getattr(draft, name) for name in names}, **people}


def _to_action(row: RowMapping) -> DoneAction:
    return DoneAction(
        draft=row["draft"],
        sequence=row["sequence"],
        revision=row["revision"],
        action=Action(row["action"]),
        person=row["person"],
        reason=row["reason"],
        done_at_ms=row["done_at_ms"],
    )


def _to_application(row: RowMapping) -> Application:
    return Application(
        row["position"],
        row["request_id"],
        bytes(row["content_digest"]),
        bytes(row["content"]),
        row["accepted_by"],
        row["accepted_at_ms"],
    )


def _to_request(row: RowMapping) -> CorrectionRequest:
    names = (name for name in CorrectionRequest.__dataclass_fields__ if name not in {"id", "document"})
    document = None if row["document"] is None else bytes(row["document"])
    return CorrectionRequest(id=row["position"], document=document, **{name: row[name] for name in names})


def _request_row(request: CorrectionRequest) -> dict[str, Any]:
    names = (name for name in CorrectionRequest.__dataclass_fields__ if name != "id")
    return {"position": request.id, **{name: getattr(request, name) for name in names}}
