"""The ledger of instruments in the desk's database: a table of its own, made when it is first used.

>>> store = InstrumentStore(database)
>>> store.prepare()
>>> store.list_all()
[]
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from issuer.instruments import Key, ListedInstrument
from issuer.store import Database

_KEY: Final = ("name", "model", "serial", "maker")
_NAMES: Final = tuple(one.name for one in fields(ListedInstrument))
metadata = MetaData()

instruments = Table(
    "desk_instruments",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    *(Column(name, Integer if name == "quantity" else Text, nullable=False) for name in _NAMES),
    UniqueConstraint(*_KEY, name="desk_instruments_key"),
)
"""Every instrument once, in the order in which they came: `position` counts from 1."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is taken over of a file."""

    new: Sequence[ListedInstrument]
    changed: Sequence[ListedInstrument]
    """With the key of one that is there."""


class InstrumentStore:
    """Instruments that are to be verified. One process at a time writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Make the table if it is not there.

        Raises:
            UnavailableError: the database is out of reach.
        """
        with self._database.write() as connection:
            metadata.create_all(connection)

    def list_all(self) -> list[ListedInstrument]:
        """Return all instruments, in the order in which they came."""
        with self._database.read() as connection:
            return _list_all(connection)

    def take(self, decide: Callable[[Mapping[Key, ListedInstrument]], Decision]) -> Decision:
        """Add and change, in one transaction, what is decided about all that is there; return the decision."""
        with self._database.write() as connection:
            decision = decide({instrument.key: instrument for instrument in _list_all(connection)})
            _add(connection, decision.new)
            _change(connection, decision.changed)
        return decision


def _list_all(connection: Connection) -> list[ListedInstrument]:
    columns = [instruments.c[name] for name in _NAMES]
    rows = connection.execute(select(*columns).order_by(instruments.c.position))
    return [ListedInstrument(*row) for row in rows]


def _add(connection: Connection, new: Iterable[ListedInstrument]) -> None:
    last = connection.execute(select(func.max(instruments.c.position))).scalar_one() or 0
    rows = [
        {"position": position, **{name: getattr(instrument, name) for name in _NAMES}}
        for position, instrument in enumerate(new, start=last + 1)
    ]
    if rows:
        connection.execute(insert(instruments), rows)


def _change(connection: Connection, changed: Iterable[ListedInstrument]) -> None:
    others = [name for name in _NAMES if name not in _KEY]
    rows = [{f"to_{name}": getattr(instrument, name) for name in _NAMES} for instrument in changed]
    if rows:
        chosen = [instruments.c[name] == bindparam(f"to_{name}") for name in _KEY]
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in others}
        connection.execute(update(instruments).where(*chosen).values(**values), rows)
