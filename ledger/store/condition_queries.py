"""What the ledger's process found out last about the world outside: for other processes, and for its next start.

    boot        whether this ledger may sign: see `ledger.boot_check`
    anchoring   how anchoring stands: see `ledger.standing`

>>> with database.write() as connection:
...     ConditionQueries(connection).put(Condition("boot", "compared", "…", "…", now))
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from ledger.store.tables import conditions

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Condition:
    """How one thing stands."""

    name: str
    state: str
    en: str
    """One plain sentence in English."""
    zh: str
    """The same sentence in Chinese."""
    at: datetime
    """When that was found out, aware UTC."""
    value: str | None = None
    """What was measured with it."""


class ConditionQueries:
    """Reads and writes conditions, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Condition | None:
        """Return how a thing stood last; None if nobody has looked yet."""
        row = self._connection.execute(select(*conditions.c).where(conditions.c.name == name)).one_or_none()
        if row is None:
            return None
        return Condition(name, row.state, row.en, row.zh, _EPOCH + row.at_ms * _MILLISECOND, row.value)

    def put(self, condition: Condition) -> None:
        """Write down how a thing stands now, in place of what was written before."""
        self._connection.execute(delete(conditions).where(conditions.c.name == condition.name))
        self._connection.execute(
            insert(conditions).values(
                name=condition.name,
                state=condition.state,
                en=condition.en,
                zh=condition.zh,
                value=condition.value,
                at_ms=(condition.at - _EPOCH) // _MILLISECOND,
            )
        )
