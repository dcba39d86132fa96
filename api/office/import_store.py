"""Uploaded files in the office's database; each asked for together with its institution.

>>> with store.write() as office:
...     office.imports.add(upload)
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from api.office.import_tables import imports
from ledger.core.errors import NotFoundError
from ledger.core.ids import InstitutionId


class ImportState(StrEnum):
    """What became of a file."""

    CHECKED = "checked"
    """Looked at; it may be issued."""
    ISSUED = "issued"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Import:
    """A file that was uploaded."""

    id: str
    tenant: InstitutionId
    account: str
    file_name: str
    raw: bytes | None = field(repr=False)
    """None once it was issued or dropped."""
    common: bytes | None = field(repr=False)
    """Members that all rows share, JSON."""
    state: ImportState
    summary: dict[str, Any] = field(repr=False)
    errors: bytes | None = field(repr=False)
    """The workbook of errors, if the file is a table with bad rows."""
    created_at: datetime


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
        chosen = (imports.c.tenant == tenant, imports.c.id == identity)
        row = self._connection.execute(select(imports).where(*chosen)).one_or_none()
        if row is None:
            raise NotFoundError("there is nothing under this name here")
        return _to_import(row)


class ImportWriting(ImportReading):
    """Changes to uploaded files, inside one transaction."""

    def add(self, new: Import) -> None:
        """Store a file."""
        now = int(new.created_at.timestamp() * 1000)
        values = {
            "id": new.id,
            "tenant": new.tenant,
            "account": new.account,
            "file_name": new.file_name,
            "raw": new.raw,
            "common": new.common,
            "state": new.state,
            "summary": orjson.dumps(new.summary),
            "errors": new.errors,
            "created_at_ms": now,
            "changed_at_ms": now,
        }
        self._connection.execute(insert(imports).values(**values))

    def close(self, done: Import, state: ImportState, summary: dict[str, Any], now: datetime) -> bool:
        """Note what became of a file, and forget its bytes; return whether nobody else did so before."""
        chosen = (
            imports.c.id == done.id,
            imports.c.tenant == done.tenant,
            imports.c.state == ImportState.CHECKED,
        )
        values = {"state": state, "summary": orjson.dumps(summary), "raw": None, "common": None}
        changed = int(now.timestamp() * 1000)
        finished = update(imports).where(*chosen).values(**values, changed_at_ms=changed)
        return bool(self._connection.execute(finished).rowcount)


def _to_import(row: Row[*tuple[Any, ...]]) -> Import:
    columns = row._mapping  # noqa: SLF001 -- public in spite of its name, says SQLAlchemy
    return Import(
        columns["id"],
        InstitutionId(columns["tenant"]),
        columns["account"],
        columns["file_name"],
        _bytes(columns.get("raw")),
        _bytes(columns.get("common")),
        ImportState(columns["state"]),
        orjson.loads(bytes(columns["summary"])),
        _bytes(columns.get("errors")),
        datetime.fromtimestamp(columns["created_at_ms"] / 1000, UTC),
    )


def _bytes(value: Any) -> bytes | None:  # noqa: ANN401 -- as the driver gives it
    return None if value is None else bytes(value)
