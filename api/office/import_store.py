"""Uploaded files in the office's database; each asked for together with its institution.

>>> with store.write() as office:
...     office.imports.add(upload)
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, insert, select, update

from api.office.import_tables import imports
from ledger.core.errors import NotFoundError
from ledger.core.ids import InstitutionId


class ImportState(StrEnum):
    """What became of a file."""

    CHECKED = "checked"
    """Looked at; it may be issued, or become drafts."""
    ISSUED = "issued"
    DRAFTED = "drafted"
    """Every good row is a draft of the sign-off."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Import:
    """A file that was uploaded."""

    id: str
    tenant: InstitutionId
    account: str
    """Who uploaded it."""
    file_name: str
    """Empty once it was tidied."""
    digest: bytes
    """SHA-256 of the file, 32 bytes."""
    raw: bytes | None = field(repr=False)
    """None once it was issued, became drafts or was dropped."""
    common: bytes | None = field(repr=False)
    """Members that all rows share, JSON."""
    state: ImportState
    summary: dict[str, Any] = field(repr=False)
    errors: bytes | None = field(repr=False)
    """The workbook of errors, if the file is a table with bad rows."""
    created_at: datetime
    changed_at: datetime
    done_by: str | None = None
    """Account that issued it, or made drafts of it last."""
    tidied_at: datetime | None = None

    @property
    def was_used(self) -> bool:
        """Tell whether documents or drafts came of it."""
        return self.state in {ImportState.ISSUED, ImportState.DRAFTED} or "report" in self.summary


_LIGHT = [column for column in imports.c if column.name not in {"raw", "common", "errors"}]


class ImportReading:
    """Questions about uploaded files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_newest(self, tenant: InstitutionId, limit: int) -> list[Import]:
        """Return the newest files of an institution, without their bytes."""
        query = select(*_LIGHT).where(imports.c.tenant == tenant)
        rows = self._connection.execute(
            query.order_by(imports.c.created_at_ms.desc(), imports.c.id).limit(limit)
        )
        return [_to_import(row) for row in rows]

    def fetch(self, tenant: InstitutionId, identity: str) -> Import:
        """Return a file of this institution.

        Raises:
            NotFoundError: there is none, or it is another institution's.
        """
        found = self.find(tenant, identity)
        if found is None:
            raise NotFoundError("there is nothing under this name here")
        return found

    def find(self, tenant: InstitutionId, identity: str) -> Import | None:
        """Return a file of this institution; None: there is none, or it is another institution's."""
        chosen = (imports.c.tenant == tenant, imports.c.id == identity)
        row = self._connection.execute(select(imports).where(*chosen)).one_or_none()
        return None if row is None else _to_import(row)

    def list_unchanged(self, since: datetime, limit: int) -> list[Import]:
        """Return files of every institution that were not changed since, oldest first, without their bytes."""
        chosen = (imports.c.changed_at_ms < _to_ms(since), imports.c.tidied_at_ms.is_(None))
        query = select(*_LIGHT).where(*chosen).order_by(imports.c.changed_at_ms, imports.c.id).limit(limit)
        return [_to_import(row) for row in self._connection.execute(query)]


class ImportWriting(ImportReading):
    """Changes to uploaded files, inside one transaction."""

    def add(self, new: Import) -> None:
        """Store a file."""
        self._connection.execute(insert(imports).values(**_to_row(new)))

    def change(self, before: Import, after: Import) -> bool:
        """Store what became of a file that waits; return whether nobody else did so before."""
        chosen = (
            imports.c.id == before.id,
            imports.c.tenant == before.tenant,
            imports.c.state == ImportState.CHECKED,
        )
        return bool(
            self._connection.execute(update(imports).where(*chosen).values(**_to_row(after))).rowcount
        )

    def forget(self, one: Import) -> None:
        """Take a file out with everything that was kept of it."""
        self._connection.execute(delete(imports).where(imports.c.id == one.id))

    def tidy(self, one: Import, now: datetime) -> None:
        """Keep of a file what `one` says of it, and nothing else."""
        values = {**_to_row(one), "tidied_at_ms": _to_ms(now)}
        self._connection.execute(update(imports).where(imports.c.id == one.id).values(**values))


def _to_row(one: Import) -> dict[str, Any]:
    return {
        "id": one.id,
        "tenant": one.tenant,
        "account": one.account,
        "file_name": one.file_name,
        "digest": one.digest,
        "raw": one.raw,
        "common": one.common,
        "state": one.state,
        "summary": orjson.dumps(one.summary),
        "errors": one.errors,
        "created_at_ms": _to_ms(one.created_at),
        "changed_at_ms": _to_ms(one.changed_at),
        "done_by": one.done_by,
    }


def _to_import(row: Row[*tuple[Any, ...]]) -> Import:
    columns = row._mapping  # noqa: SLF001 -- public in spite of its name, says SQLAlchemy
    return Import(
        columns["id"],
        InstitutionId(columns["tenant"]),
        columns["account"],
        columns["file_name"],
        bytes(columns["digest"]),
        _bytes(columns.get("raw")),
        _bytes(columns.get("common")),
        ImportState(columns["state"]),
        orjson.loads(bytes(columns["summary"])),
        _bytes(columns.get("errors")),
        _to_instant(columns["created_at_ms"]),
        _to_instant(columns["changed_at_ms"]),
        columns["done_by"],
        None if columns["tidied_at_ms"] is None else _to_instant(columns["tidied_at_ms"]),
    )


def _to_ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _to_instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _bytes(value: Any) -> bytes | None:  # noqa: ANN401 -- as the driver gives it
    return None if value is None else bytes(value)
