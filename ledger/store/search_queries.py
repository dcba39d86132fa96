"""Every query of the search, by name; see `search_tables`.

Words are found inside names by comparing substrings: full-text indices of both databases split Chinese at spaces,
of which it has none, or know no word under three characters. An index narrows first: by serial number, by division.

>>> with database.read() as connection:
...     SearchQueries(connection).find_plates("永衡", "sn17", limit=20)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select

from ledger.core.ids import InstitutionId, InstrumentId, LeafIndex, Subject, TreeSize
from ledger.core.site import SiteName
from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.catalogue_queries import begins_with
from ledger.store.derived import prepare_derived, read_derived_head, write_derived_head
from ledger.store.search_tables import head, listed, meta, metadata, plates, sites

FORMAT: Final = "1"
"""Format of these tables; a database of another one is refused."""


class Plate(NamedTuple):
    """One reading of a nameplate; the members are the columns of `search_tables.plates`."""

    instrument: InstrumentId
    maker: str
    serial: str
    category: int
    source: LeafIndex


class EnteredSite(NamedTuple):
    """A site as its newest entry has it; the members are the columns of `search_tables.sites`."""

    subject: Subject
    keeper: InstitutionId
    id: str
    name: str
    name_en: str
    division: str
    is_open: int


class SearchQueries:
    """What is searched, and what the follower writes, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- making ---------------------------------------------------------------------------------------------

    def prepare(self, origin: str) -> None:
        """Make the tables of one log's search, unless they are there.

        Raises:
            StateError: the database is that of another log, or of another version of this program.
        """
        wanted = {"format": FORMAT, "origin": origin}
        prepare_derived(self._connection, metadata, meta, head, wanted, "search")

    def clear(self) -> None:
        """Forget every leaf."""
        for table in (plates, sites, listed):
            self._connection.execute(delete(table))
        self.write_head(TreeSize(0), b"")

    def read_head(self) -> tuple[TreeSize, bytes]:
        """Return how many leaves have been taken, and SHA-256 of the last of them (empty if there is none)."""
        return read_derived_head(self._connection, head, "search")

    def write_head(self, tree_size: TreeSize, last_leaf: bytes) -> None:
        """Say how far the search has come."""
        write_derived_head(self._connection, head, tree_size, last_leaf)

    def write(self, read: Iterable[Plate], entered: Mapping[EnteredSite, Sequence[InstrumentId]]) -> None:
        """Store what a run of leaves has brought.

        Args:
            read: nameplates, each reading once.
            entered: sites, each once, with the instruments that their newest entries name.
        """
        insert_rows(self._connection, plates, list(read), OnConflict.REPLACE)
        insert_rows(self._connection, sites, list(entered), OnConflict.REPLACE)
        for site in entered:
            self._connection.execute(delete(listed).where(listed.c.site == site.subject))
        rows = [(each, site.subject) for site, instruments in entered.items() for each in instruments]
        insert_rows(self._connection, listed, rows)

    # --- asking ---------------------------------------------------------------------------------------------

    def find_plates(
        self, maker: str, serial: str, hidden: Sequence[int], limit: int
    ) -> list[tuple[InstrumentId, LeafIndex]]:
        """Return instruments by what their nameplates say, each once, with the newest leaf that says so.

        Args:
            maker: stands somewhere in the maker's name; folded.
            serial: the whole serial number; folded.
            hidden: categories that are found only where a site in use names the instrument.
            limit: most instruments.
        """
        is_shown = exists().where(
            listed.c.instrument == plates.c.instrument,
            sites.c.subject == listed.c.site,
            sites.c.is_open == 1,
        )
        wanted = (
            select(plates.c.instrument, func.max(plates.c.source))
            .where(
                plates.c.serial == serial,
                plates.c.maker.contains(maker, autoescape=True),
                or_(plates.c.category.not_in(hidden), is_shown),
            )
            .group_by(plates.c.instrument)
            .order_by(plates.c.instrument)
            .limit(limit)
        )
        rows = self._connection.execute(wanted)
        return [(InstrumentId(bytes(row[0])), LeafIndex(row[1])) for row in rows]

    def find_sites(self, name: str, division: str, limit: int) -> list[SiteName]:
        """Return sites in use by a part of their names, either language.

        Args:
            name: folded.
            division: decimal digits with which the division code begins.
            limit: most sites.
        """
        wanted = (
            select(sites.c.keeper, sites.c.id)
            .where(
                begins_with(sites.c.division, division),
                or_(
                    sites.c.name.contains(name, autoescape=True),
                    sites.c.name_en.contains(name, autoescape=True),
                ),
                sites.c.is_open == 1,
            )
            .order_by(sites.c.division, sites.c.keeper, sites.c.id)
            .limit(limit)
        )
        return [SiteName(InstitutionId(row.keeper), row.id) for row in self._connection.execute(wanted)]

    def find_sites_of(self, instrument: InstrumentId, limit: int) -> list[SiteName]:
        """Return the sites in use whose newest entries name an instrument."""
        wanted = (
            select(sites.c.keeper, sites.c.id)
            .join(listed, listed.c.site == sites.c.subject)
            .where(listed.c.instrument == bindparam("instrument"), sites.c.is_open == 1)
            .order_by(sites.c.keeper, sites.c.id)
            .limit(limit)
        )
        rows = self._connection.execute(wanted, {"instrument": instrument})
        return [SiteName(InstitutionId(row.keeper), row.id) for row in rows]
