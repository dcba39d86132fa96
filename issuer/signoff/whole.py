"""Everything that the sign-off keeps of a draft, in one piece, for whoever checks that it fits together.

>>> [whole.draft.id for whole in list_whole_drafts(connection, after=0, limit=256)]
[1, 2, 3]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, inspect, select

from issuer.signoff.store import RevisionKey, SignOffReading, StoredDraft, Submission
from issuer.signoff.tables import (
    actions,
    batch_members,
    batches,
    draft_rows,
    openings,
    revisions,
    signatures,
    submissions,
    voided_numbers,
)
from issuer.tables import erasures


class KeptSignature(NamedTuple):
    """A row of `desk_signatures`."""

    role: str
    person: str
    signed_at_ms: int
    proof: bytes | None


class KeptAction(NamedTuple):
    """A row of `desk_actions`."""

    sequence: int
    revision: int
    action: str
    person: str
    reason: str | None


class KeptBatch(NamedTuple):
    """A row of `desk_batches`, with its members."""

    id: int
    approver: str
    seed: bytes
    members: tuple[tuple[RevisionKey, bool], ...]
    """Each with whether it is in the sample."""


class VoidedRow(NamedTuple):
    """A row of `desk_voided_numbers`."""

    number: str
    draft: int
    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class WholeDraft:
    """A draft with all that was written, signed and done."""

    draft: StoredDraft
    contents: Mapping[int, bytes]
    """By revision."""
    submissions: Mapping[int, Submission]
    """By revision."""
    signatures: Mapping[int, Sequence[KeptSignature]]
    """By revision."""
    actions: Sequence[KeptAction]
    """In their order."""
    voided: Mapping[int, VoidedRow]
    """Numbers that were given up, by revision."""
    looked_at: frozenset[tuple[int, str]]
    """Revision and person of each opening."""
    in_batches: Sequence[tuple[str, int, bool]]
    """Approver, revision and whether in the sample, of each batch that it was in."""
    is_erased: bool
    """Whether the desk has forgotten its personal members, see `issuer.erasing`."""


def list_whole_drafts(connection: Connection, after: int, limit: int) -> list[WholeDraft]:
    """Return drafts beyond an id, rising, each with everything that is kept of it."""
    reading = SignOffReading(connection)
    drafts = reading.list_drafts(after=after, limit=limit)
    ids = [draft.id for draft in drafts]
    erased = list_erased(connection)
    contents = _group(connection, revisions, ids)
    signed = _group(connection, signatures, ids)
    done = _group(connection, actions, ids)
    voided = _group(connection, voided_numbers, ids)
    opened = _group(connection, openings, ids)
    keys = [RevisionKey(row.draft, row.revision) for row in _select(connection, submissions, ids)]
    fixed = reading.find_submissions(keys) if keys else {}
    query = select(batch_members, batches.c.approver).join(
        batches, batches.c.position == batch_members.c.batch
    )
    drawn: dict[int, list[tuple[str, int, bool]]] = {}
    for row in connection.execute(query.where(batch_members.c.draft.in_(ids))):
        drawn.setdefault(row.draft, []).append((row.approver, row.revision, bool(row.in_sample)))
    return [
        WholeDraft(
            draft,
            {row.revision: bytes(row.content) for row in contents.get(draft.id, ())},
            {key.revision: one for key, one in fixed.items() if key.draft == draft.id},
            _group_signatures(signed.get(draft.id, ())),
            sorted(
                KeptAction(row.sequence, row.revision, row.action, row.person, row.reason)
                for row in done.get(draft.id, ())
            ),
            {
                row.revision: VoidedRow(row.number, row.draft, row.revision, row.reason)
                for row in voided.get(draft.id, ())
            },
            frozenset((row.revision, row.person) for row in opened.get(draft.id, ())),
            drawn.get(draft.id, []),
            draft.number in erased or (draft.number is None and draft.corrects in erased),
        )
        for draft in drafts
    ]


def list_erased(connection: Connection) -> frozenset[str]:
    """Return the numbers of documents whose personal members were erased."""
    if not inspect(connection).has_table(erasures.name):
        return frozenset()
    return frozenset(row.number for row in connection.execute(select(erasures.c.number)))


def list_voided_rows(connection: Connection) -> list[VoidedRow]:
    """Return every number that was given up, in the order of the numbers."""
    table = voided_numbers.c
    query = select(table.number, table.draft, table.revision, table.reason).order_by(table.number)
    return [VoidedRow(*row) for row in connection.execute(query)]


def list_strays(connection: Connection, ids: Sequence[int]) -> tuple[str, int] | None:
    """Return a table and an id of a draft that rows there belong to, and that is none of these."""
    tables = [revisions, submissions, signatures, actions, openings, batch_members]
    if inspect(connection).has_table(draft_rows.name):
        tables.append(draft_rows)
    known = set(ids)
    for table in tables:
        for row in connection.execute(select(table.c.draft).distinct()):
            if row.draft not in known:
                return table.name, row.draft
    return None


def list_kept_batches(connection: Connection) -> list[KeptBatch]:
    """Return every batch, in the order in which they were drawn."""
    members: dict[int, list[tuple[RevisionKey, bool]]] = {}
    for row in connection.execute(select(batch_members).order_by(batch_members.c.draft)):
        members.setdefault(row.batch, []).append((RevisionKey(row.draft, row.revision), bool(row.in_sample)))
    found = connection.execute(select(batches).order_by(batches.c.position)).all()
    return [
        KeptBatch(row.position, row.approver, bytes(row.seed), tuple(members.pop(row.position, ())))
        for row in found
    ] + [KeptBatch(batch, "", b"", tuple(left)) for batch, left in members.items()]


def _select(connection: Connection, table: Any, ids: Sequence[int]) -> Sequence[Row[Any]]:  # noqa: ANN401 -- any table with drafts
    return connection.execute(select(table).where(table.c.draft.in_(ids))).all()


def _group(connection: Connection, table: Any, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:  # noqa: ANN401 -- likewise
    found: dict[int, list[Row[Any]]] = {}
    for row in _select(connection, table, ids):
        found.setdefault(row.draft, []).append(row)
    return found


def _group_signatures(rows: Sequence[Row[Any]]) -> dict[int, list[KeptSignature]]:
    found: dict[int, list[KeptSignature]] = {}
    for row in rows:
        proof = None if row.proof is None else bytes(row.proof)
        found.setdefault(row.revision, []).append(
            KeptSignature(row.role, row.person, row.signed_at_ms, proof)
        )
    return found
