"""What a finding rests on, as text in databases.

>>> read_evidence(write_evidence(suspicion)).seen == suspicion.seen
True
"""

from dataclasses import dataclass

import orjson

from api.copies.cells import Cell
from api.copies.rules import Counted, Seen, Suspicion
from ledger.core.errors import LogIntegrityError


@dataclass(frozen=True, slots=True)
class Evidence:
    """Cells with hours and counts, or the count of a day."""

    seen: tuple[Seen, ...] = ()
    counted: Counted | None = None


def write_evidence(suspicion: Suspicion) -> str:
    """Return `{"seen":[[south,west,hour,count],...]}` or `{"counted":[day,scans,callers]}`."""
    members: dict[str, object] = {
        "seen": [[one.cell.south, one.cell.west, one.hour, one.count] for one in suspicion.seen]
    }
    if suspicion.counted is not None:
        day = suspicion.counted
        members["counted"] = [day.day, day.scans, day.callers]
    return orjson.dumps(members).decode()


def read_evidence(text: str) -> Evidence:
    """Read it again.

    Raises:
        LogIntegrityError: nothing of ours has written this.
    """
    try:
        members = orjson.loads(text)
        seen = tuple(Seen(Cell(south, west), hour, count) for south, west, hour, count in members["seen"])
        counted = Counted(*members["counted"]) if "counted" in members else None
    except (ValueError, KeyError, TypeError) as err:
        raise LogIntegrityError("the evidence of a finding is damaged") from err
    return Evidence(seen, counted)
