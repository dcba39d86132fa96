"""From which rows of which files drafts were made, in the desk's database.

>>> with store.write() as desk:
...     desk.rows.add([MadeFrom(file, 5, 7, digest)])
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select

from issuer.signoff.tables import draft_rows, drafts


class MadeFrom(NamedTuple):
    """A row, and the draft that was made of it."""

    file: bytes
    """SHA-256 of the file, 32 bytes."""
    row: int
    draft: int
    content_digest: bytes
    """Of the row as it was given, 32 bytes; see `drafting.Request`."""


class RowReading:
    """Questions about rows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_draft(self, ids: Sequence[int]) -> dict[int, list[MadeFrom]]:
        """Return from which rows these drafts, at most a few hundred, were made."""
        query = select(draft_rows).where(draft_rows.c.draft.in_(ids))
        found: dict[int, list[MadeFrom]] = {}
        for row in self._connection.execute(query.order_by(draft_rows.c.file, draft_rows.c.row)):
            found.setdefault(row.draft, []).append(_to_made_from(row))
        return found

    def list_of_file(self, file: bytes, limit: int) -> list[MadeFrom]:
        """Return the first rows of a file that are drafts, in order."""
        query = select(draft_rows).where(draft_rows.c.file == file)
        rows = self._connection.execute(query.order_by(draft_rows.c.row, draft_rows.c.draft).limit(limit))
        return [_to_made_from(row) for row in rows]

    def count_of_file(self, file: bytes) -> int:
        """Return how many rows of a file are drafts."""
        query = select(func.count(draft_rows.c.row.distinct())).where(draft_rows.c.file == file)
        return int(self._connection.execute(query).scalar_one())

    def list_ids_of_file(self, file: bytes, state: str, operator: str, limit: int) -> list[int]:
        """Return the ids of an operator's drafts of a file that are in one state, rising."""
        joined = drafts.join(draft_rows, draft_rows.c.draft == drafts.c.position)
        chosen = (draft_rows.c.file == file, drafts.c.state == state, drafts.c.operator == operator)
        query = select(drafts.c.position).select_from(joined).where(*chosen).distinct()
        rows = self._connection.execute(query.order_by(drafts.c.position).limit(limit))
        return [row.position for row in rows]


class RowWriting(RowReading):
    """Changes to rows, inside one transaction."""

    def add(self, new: Iterable[MadeFrom]) -> None:
        """Store of which rows, at most a few hundred, drafts were made; what is there stays."""
        wanted = {(one.file, one.row, one.draft): one for one in new}
        there = {
            (one.file, one.row, one.draft)
            for found in self.find_by_draft([one.draft for one in wanted.values()]).values()
            for one in found
        }
        rows = [one._asdict() for key, one in wanted.items() if key not in there]
        if rows:
            self._connection.execute(insert(draft_rows), rows)


def _to_made_from(row: Row[*tuple[Any, ...]]) -> MadeFrom:
    return MadeFrom(bytes(row.file), row.row, row.draft, bytes(row.content_digest))
