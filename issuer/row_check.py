"""What every check of a desk's rows asks: is this a signed statement, and does the log hold it where the desk says.

>>> check_place("desk_sayings", 3, "logged", 17, FoundLeaf(17, has_effect=True))
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from issuer.tables import DocumentState
from ledger.core.errors import DamagedRowError, InputError
from ledger.core.statement import Statement, parse_signed_statement


@dataclass(frozen=True, slots=True)
class FoundLeaf:
    """Where the log holds a statement."""

    index: int
    has_effect: bool
    """Whether it has any; a leaf that is VOID has none."""


FindLeaves = Callable[[Sequence[bytes]], Mapping[bytes, FoundLeaf]]
"""Returns the leaf of each of these statements that is in the log."""

OnProgress = Callable[[int], None]
"""Is told how many rows are done."""

_CHUNK: Final = 256


class SignedRow(Protocol):
    """A row with a statement that the desk has signed."""

    @property
    def position(self) -> int:
        """Return its place in the order of signing, from 1."""
        ...

    @property
    def statement(self) -> bytes:
        """Return the signed bytes."""
        ...

    @property
    def state(self) -> str:
        """Return how far it has come, a `DocumentState`."""
        ...

    @property
    def leaf_index(self) -> int | None:
        """Return where the desk believes that the log has it."""
        ...


RowT = TypeVar("RowT", bound=SignedRow)


def check_rows(
    table: str,
    list_after: Callable[[int, int], Sequence[RowT]],
    check_row: Callable[[RowT], None],
    find_leaves: FindLeaves,
    on_progress: OnProgress,
) -> int:
    """Compare every row with its statement and with the log; return how many there are.

    Args:
        table: their name.
        list_after: returns rows beyond a position, at most so many.
        check_row: compares one with its own statement.
        find_leaves: looks statements up in the log.
        on_progress: is told after each some how many are done.

    Raises:
        DamagedRowError: the first row that is not what it must be.
    """
    count = position = 0
    while rows := list_after(position, _CHUNK):
        found = find_leaves([row.statement for row in rows])
        for row in rows:
            check_row(row)
            check_place(table, row.position, row.state, row.leaf_index, found.get(row.statement))
        count, position = count + len(rows), rows[-1].position
        on_progress(count)
    return count


def name_row(position: int) -> str:
    """Return how a row that is counted is named."""
    return f"position {position}"


def check_place(table: str, position: int, state: str, stored: int | None, found: FoundLeaf | None) -> None:
    """Compare where the log has a statement with where the desk believes it.

    Raises:
        DamagedRowError: the log has it elsewhere, without effect, or not at all; or has what it never took.
    """
    key = name_row(position)
    if stored is not None and found is None:
        raise DamagedRowError(table, key, "statement", f"a statement that the log holds as leaf {stored}")
    if found is None:
        return
    if stored is not None and stored != found.index:
        raise DamagedRowError(table, key, "leaf_index", str(found.index))
    if state == DocumentState.VOIDED:
        raise DamagedRowError(table, key, "state", "logged", f"the log holds it as leaf {found.index}")
    if stored is not None and not found.has_effect:
        reason = f"the log holds it as leaf {stored}, which is VOID"
        raise DamagedRowError(table, key, "statement", "a statement with effect", reason)


def parse_row_statement(table: str, position: int, raw: bytes) -> Statement:
    """Return the statement of a row.

    Raises:
        DamagedRowError: it is none.
    """
    try:
        return parse_signed_statement(raw).statement
    except InputError as err:
        raise DamagedRowError(table, name_row(position), "statement", "a signed statement", str(err)) from err
