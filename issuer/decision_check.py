"""Re-reads what an authority has decided at its desk: each row against its own statement and the log.

>>> check_decisions(connection, find_leaves, on_progress)
12
"""

from functools import partial
from typing import Final

from sqlalchemy import Connection

from issuer.deciding.store import StoredDecision, list_decisions
from issuer.row_check import FindLeaves, OnProgress, check_rows, name_row, parse_row_statement
from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError
from ledger.core.fold import find_subject

TABLE: Final = "desk_decisions"


def check_decisions(connection: Connection, find_leaves: FindLeaves, on_progress: OnProgress) -> int:
    """Compare every row with its statement and with the log; return how many there are.

    Raises:
        DamagedRowError: the first row that is not what it must be.
    """
    first = 0

    def check(row: StoredDecision) -> None:
        nonlocal first
        _check_decision(row)
        if row.taken_together not in {first, row.position}:
            raise DamagedRowError(TABLE, name_row(row.position), "taken_together", str(first))
        first = row.taken_together

    return check_rows(TABLE, partial(list_decisions, connection), check, find_leaves, on_progress)


def _check_decision(row: StoredDecision) -> None:
    statement = parse_row_statement(TABLE, row.position, row.statement)
    key = name_row(row.position)
    if statement.type != row.type:
        raise DamagedRowError(TABLE, key, "type", str(int(statement.type)), "the statement says so")
    subject = find_subject(statement)
    if subject != row.subject:
        raise DamagedRowError(TABLE, key, "subject", encode_hex(subject), "the statement says so")
    for column, text in (("ground", row.ground), ("person", row.person)):
        if not text.strip():
            raise DamagedRowError(TABLE, key, column, "who has decided, and why")
