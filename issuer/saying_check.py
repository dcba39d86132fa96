"""Re-reads what a desk has said of instruments and stickers: each row against its own statement and the log.

>>> check_sayings(connection, find_leaves, on_progress)
31
"""

from functools import partial
from typing import Final

from sqlalchemy import Connection

from issuer.row_check import FindLeaves, OnProgress, check_rows, name_row, parse_row_statement
from issuer.saying_store import Saying, list_sayings
from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError, InputError
from ledger.core.event import EventType
from ledger.core.fold import find_subject
from ledger.core.ids import Subject
from ledger.core.statement import IssueClaims, Statement
from ledger.core.sticker_use import parse_binding

TABLE: Final = "desk_sayings"


def check_sayings(connection: Connection, find_leaves: FindLeaves, on_progress: OnProgress) -> int:
    """Compare every row with its statement and with the log; return how many there are.

    Raises:
        DamagedRowError: the first row that is not what it must be.
    """
    return check_rows(TABLE, partial(list_sayings, connection), _check_saying, find_leaves, on_progress)


def _check_saying(row: Saying) -> None:
    statement = parse_row_statement(TABLE, row.position, row.statement)
    key = name_row(row.position)
    if statement.type != row.type:
        raise DamagedRowError(TABLE, key, "type", str(int(statement.type)), "the statement says so")
    subject, place = _read_subjects(statement, key)
    for column, wanted, found in (("subject", subject, row.subject), ("place", place, row.place)):
        if wanted != found:
            shown = "nothing" if wanted is None else encode_hex(wanted)
            raise DamagedRowError(TABLE, key, column, shown, "the statement says so")


def _read_subjects(statement: Statement, key: str) -> tuple[Subject, Subject | None]:
    """Return what a statement is about, and where it puts a sticker."""
    if isinstance(statement.claims, IssueClaims):
        raise DamagedRowError(TABLE, key, "statement", "no issue of a document")
    try:
        subject = find_subject(statement)
        if statement.type is EventType.STICKER_BOUND:
            return subject, parse_binding(statement.claims.content).placement
    except InputError as err:
        raise DamagedRowError(TABLE, key, "statement", "a content that can be read", str(err)) from err
    return subject, None
