"""What every check of a desk's rows asks: is this a signed statement, and does the log hold it where the desk says.

>>> check_place("desk_sayings", 3, "logged", 17, FoundLeaf(17, has_effect=True))
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
