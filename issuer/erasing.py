"""A person asks for removal: the desk forgets the personal members of a document, and everything else stands.

What was signed holds commitments to them only, so the public record verifies as before. The desk's own tables hold
the values in several places; all of them are emptied in one transaction, and who asked for it on what grounds is
written down:

    the document's disclosure, and those of its submissions
    what operators wrote, in every revision, and in corrections that were begun and have no number yet
    the application, once none of its documents needs it
    what a round kept back from its device

The address of a place that a round took along stays in that round: what devices have signed is bound to it.

>>> erase_personal(database, CertificateNumber("JY2026-000001"), Erasure("个人请求 2026-11-05", "P-0107", now))
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Table, func, insert, select, update

from issuer.personal import drop_personal
from issuer.rounds.tables import findings, rounds
from issuer.rounds.tables import metadata as rounds_metadata
from issuer.signoff.states import DraftState
from issuer.signoff.tables import applications, drafts, revisions, submissions
from issuer.store import Database
from issuer.tables import DocumentState, documents, erasures
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.ids import CertificateNumber
from ledger.core.text import is_plain

MAX_GROUNDS: Final = 500
"""Characters."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Erasure:
    """That personal members were erased."""

    grounds: str
    """Who asked for it, and by what right: no name."""
    erased_by: str
    """Pseudonym of who did it."""
    erased_at: datetime
    """Aware UTC."""


def find_erasure(connection: Connection, number: CertificateNumber) -> Erasure | None:
    """Return on what grounds the personal members of a document were erased; None: they were not."""
    row = connection.execute(select(erasures).where(erasures.c.number == number)).one_or_none()
    if row is None:
        return None
    return Erasure(row.grounds, row.erased_by, _EPOCH + row.erased_at_ms * _MILLISECOND)


def erase_personal(database: Database, number: CertificateNumber, erasure: Erasure) -> Erasure:
    """Forget the personal members of a document for ever; what was erased before stays as it is.

    Files that were made of it, and backups, are for whoever keeps them.

    Args:
        database: of the desk; its tables are there.
        number: of a document that the log has, or has refused for good.
        erasure: what is written down.

    Raises:
        InputError: grounds or person cannot be printed.
        NotFoundError: the desk has no such document.
        StateError: it waits for the log, and may have to be sealed anew with them.
        StoreUnavailableError: the database is out of reach, or somebody reads an older state of it.
    """
    for field, text in (("--grounds", erasure.grounds), ("--person", erasure.erased_by)):
        if not is_plain(text) or not 1 <= len(text) <= MAX_GROUNDS:
            raise InputError(f"1 to {MAX_GROUNDS} characters on one line", field=field)
    with database.write() as connection:
        rounds_metadata.create_all(connection)
        _require_settled(connection, number)
        done = find_erasure(connection, number)
        if done is None:
            _erase(connection, number)
            at_ms = (erasure.erased_at - _EPOCH) // _MILLISECOND
            row = {"grounds": erasure.grounds, "erased_by": erasure.erased_by, "erased_at_ms": at_ms}
            connection.execute(insert(erasures).values(number=number, **row))
            _erase_applications(connection, number)
            done = find_erasure(connection, number)
    database.drop_traces()
    return done or erasure


def _require_settled(connection: Connection, number: CertificateNumber) -> None:
    state = connection.execute(select(documents.c.state).where(documents.c.number == number)).scalar()
    if state is None:
        raise NotFoundError(f"the desk has issued no document {number}")
    if state == DocumentState.SIGNED:
        raise StateError(f"{number} waits for the log: hand it in first")


def _erase(connection: Connection, number: CertificateNumber) -> None:
    connection.execute(update(documents).where(documents.c.number == number).values(disclosure=None))
    for (draft,) in connection.execute(select(drafts.c.position).where(_is_about(number))).all():
        connection.execute(update(submissions).where(submissions.c.draft == draft).values(disclosure=None))
        _rewrite(connection, revisions, revisions.c.draft == draft, revisions.c.content, drop_personal)
        _erase_in_round(connection, draft)


def _is_about(number: CertificateNumber) -> ColumnElement[bool]:
    """Return which drafts hold the values of a document: its own, and corrections of it that have no number yet."""
    return (drafts.c.number == number) | ((drafts.c.corrects == number) & drafts.c.number.is_(None))


def _erase_in_round(connection: Connection, draft: int) -> None:
    """Empty what a round kept back of the item that became a draft."""
    found = connection.execute(
        select(findings.c.round, findings.c.item).where(findings.c.draft == draft)
    ).all()
    for name, item in found:

        def forget(private: JsonObject, item: str = item) -> JsonObject:
            return {held: value for held, value in private.items() if held != item}

        _rewrite(connection, rounds, rounds.c.id == name, rounds.c.private, forget)


def _erase_applications(connection: Connection, number: CertificateNumber) -> None:
    """Empty the application of a document, if every other document under it is erased too, or was given up."""
    own = select(drafts.c.application).where(drafts.c.number == number)
    for (application,) in connection.execute(own.where(drafts.c.application.is_not(None))).all():
        others = select(func.count()).where(
            drafts.c.application == application,
            drafts.c.state != DraftState.DISCARDED,
            drafts.c.number.is_(None) | drafts.c.number.not_in(select(erasures.c.number)),
        )
        if connection.execute(others).scalar_one() == 0:
            is_it = applications.c.position == application
            _rewrite(connection, applications, is_it, applications.c.content, drop_personal)


def _rewrite(
    connection: Connection,
    table: Table,
    chosen: ColumnElement[bool],
    column: "Column[bytes]",
    change: Callable[[JsonObject], JsonObject],
) -> None:
    """Change a column of canonical JSON in the rows that are chosen."""
    keys = list(table.primary_key)
    for row in connection.execute(select(column, *keys).where(chosen).where(column.is_not(None))).all():
        changed = encode_canonical_json(change(as_object(parse_canonical_json(bytes(row[0])))))
        is_row = [key == value for key, value in zip(keys, row[1:], strict=True)]
        connection.execute(update(table).where(*is_row).values({column: changed}))
