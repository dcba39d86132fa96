"""Rounds, devices and findings in the desk's database.

>>> store = RoundStore(database)
>>> store.prepare()
>>> with store.read() as rounds:
...     rounds.list_rounds(limit=20)
[]
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, inspect, select, update

from issuer.rounds.tables import devices, findings, metadata, rounds, stickers
from issuer.store import Database
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError, NotFoundError
from ledger.core.qr import format_code
from ledger.core.sticker import parse_sticker_id

NOT_HERE: Final = "there is nothing under this name here"
MAX_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an operator."""

    id: str
    person: str
    label: str
    key: str
    """Multikey."""
    created_at_ms: int
    revoked_at_ms: int | None = None
    revoked_by: str | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether what it signs is taken."""
        return self.revoked_at_ms is None


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round as it was prepared."""

    id: str
    content: bytes
    """What devices get, canonical JSON."""
    private: JsonObject
    """Item -> members of its instrument that no device gets."""
    person: str
    prepared_at_ms: int


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding and what became of it."""

    position: int
    round: str
    device: str
    item: str
    revision: int
    instrument: bytes
    """See `content.compute_instrument_key`."""
    person: str
    verified_on: date
    content: bytes
    signature: bytes
    received_at_ms: int
    state: str
    """`drafted`, `held` with its reasons, or `replaced` by a later revision."""
    draft: int | None
    remarks: JsonObject
    """`reasons` and `flags`, each a list of code, field and sentences."""


@dataclass(frozen=True, slots=True)
class StoredSticker:
    """A sticker that was put on during a round, and what became of it."""

    position: int
    draft: int
    """What the finding became: once that is a document in the log, the sticker is bound."""
    sticker: str
    """As the device wrote it down."""
    part: str | None
    """None: on the instrument as a whole."""
    put_on_ms: int
    """By the device's own clock."""
    state: str = "waiting"
    """`waiting`, `bound`, `refused` with its reasons, or `dropped`: its document does not come or names none."""
    remarks: JsonObject = field(default_factory=dict)
    """`reasons`, a list of code, field and sentences."""
    leaf_index: int | None = None
    """Of the binding."""

    @property
    def printed(self) -> str:
        """Return its id as it stands on the sticker; what is none, as it was written down."""
        try:
            return format_code(parse_sticker_id(self.sticker))
        except InputError:
            return self.sticker


class RoundReading:
    """Questions about rounds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_devices(self) -> list[Device]:
        """Return all devices, newest first."""
        query = select(devices).order_by(devices.c.created_at_ms.desc(), devices.c.id).limit(MAX_LISTED)
        return [Device(**row) for row in self._connection.execute(query).mappings()]

    def find_device(self, device: str) -> Device | None:
        """Return a device; None: this institution has none of this id."""
        row = self._connection.execute(select(devices).where(devices.c.id == device)).mappings().one_or_none()
        return None if row is None else Device(**row)

    def find_key(self, key: str) -> Device | None:
        """Return the device that holds this key."""
        row = self._connection.execute(select(devices).where(devices.c.key == key)).mappings().one_or_none()
        return None if row is None else Device(**row)

    def list_rounds(self, *, limit: int) -> list[StoredRound]:
        """Return the newest rounds, newest first."""
        query = select(rounds).order_by(rounds.c.position.desc()).limit(limit)
        return [_to_round(row) for row in self._connection.execute(query)]

    def fetch_round(self, round_: str) -> StoredRound:
        """Return a round.

        Raises:
            NotFoundError: there is none, or it is another institution's.
        """
        row = self._connection.execute(select(rounds).where(rounds.c.id == round_)).one_or_none()
        if row is None:
            raise NotFoundError(NOT_HERE)
        return _to_round(row)

    def list_findings(self, round_: str) -> list[StoredFinding]:
        """Return what devices brought back of a round, in the order in which it came."""
        query = select(findings).where(findings.c.round == round_).order_by(findings.c.position)
        return [_to_finding(row) for row in self._connection.execute(query)]

    def list_about(self, instruments: Sequence[bytes]) -> list[StoredFinding]:
        """Return the findings about these instruments, of whichever round; at most a few hundred instruments."""
        query = select(findings).where(findings.c.instrument.in_(list(instruments)))
        return [_to_finding(row) for row in self._connection.execute(query.order_by(findings.c.position))]

    def list_revisions(self, round_: str, device: str, item: str) -> list[StoredFinding]:
        """Return all revisions of one device about one item, rising."""
        chosen = (findings.c.round == round_, findings.c.device == device, findings.c.item == item)
        query = select(findings).where(*chosen).order_by(findings.c.revision)
        return [_to_finding(row) for row in self._connection.execute(query)]

    def fetch_finding(self, round_: str, position: int) -> StoredFinding:
        """Return a finding of a round.

        Raises:
            NotFoundError: the round has none of this number.
        """
        chosen = (findings.c.round == round_, findings.c.position == position)
        row = self._connection.execute(select(findings).where(*chosen)).one_or_none()
        if row is None:
            raise NotFoundError(NOT_HERE)
        return _to_finding(row)

    def find_overtaken(self, drafts: Sequence[int]) -> dict[int, StoredFinding]:
        """Return the held findings that have replaced what these drafts, at most a few hundred, were made of.

        A draft of an earlier revision stands while its operator has said otherwise since: by draft.
        """
        older, newer = findings.alias(), findings.alias()
        same = [older.c[name] == newer.c[name] for name in ("round", "device", "item")]
        chosen = (older.c.draft.in_(list(drafts)), older.c.state == "replaced", newer.c.state == "held")
        query = select(older.c.draft.label("overtaken"), newer).where(
            *same, *chosen, newer.c.revision > older.c.revision
        )
        return {row.overtaken: _to_finding(row) for row in self._connection.execute(query)}

    def count_findings(self) -> dict[str, tuple[int, int]]:
        """Return round -> number of findings that count, and of those that are held."""
        query = select(findings.c.round, findings.c.state, func.count()).group_by(
            findings.c.round, findings.c.state
        )
        counted: dict[str, tuple[int, int]] = {}
        for round_, state, number in self._connection.execute(query):
            done, held = counted.get(round_, (0, 0))
            if state != "replaced":
                counted[round_] = done + number, held + (number if state == "held" else 0)
        return counted

    def list_waiting_stickers(self) -> list[StoredSticker]:
        """Return the stickers that are not bound yet and may be, in the order in which they came."""
        query = select(stickers).where(stickers.c.state == "waiting").order_by(stickers.c.position)
        return [_to_sticker(row) for row in self._connection.execute(query)]

    def find_stickers(self, drafts: Sequence[int]) -> dict[int, list[StoredSticker]]:
        """Return the stickers of these drafts, at most a few hundred, by draft."""
        query = select(stickers).where(stickers.c.draft.in_(list(drafts))).order_by(stickers.c.position)
        found: dict[int, list[StoredSticker]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.draft, []).append(_to_sticker(row))
        return found


class RoundWriting(RoundReading):
    """Changes to rounds, inside one transaction."""

    def add_device(self, device: Device) -> None:
        """Store a device."""
        values = {name: getattr(device, name) for name in Device.__dataclass_fields__}
        self._connection.execute(insert(devices).values(**values))

    def revoke_device(self, device: str, person: str, now_ms: int) -> None:
        """Take nothing more from a device; what it brought stays. Again: nothing changes."""
        chosen = (devices.c.id == device, devices.c.revoked_at_ms.is_(None))
        values = {"revoked_at_ms": now_ms, "revoked_by": person}
        self._connection.execute(update(devices).where(*chosen).values(**values))

    def add_round(self, new: StoredRound) -> None:
        """Store a round behind all others."""
        values: dict[str, Any] = {
            "position": self._next(rounds.c.position),
            "id": new.id,
            "content": new.content,
            "private": encode_canonical_json(new.private),
            "person": new.person,
            "prepared_at_ms": new.prepared_at_ms,
        }
        self._connection.execute(insert(rounds).values(**values))

    def add_finding(self, new: StoredFinding) -> StoredFinding:
        """Store a finding behind all others; return it with its number."""
        names = [name for name in StoredFinding.__dataclass_fields__ if name not in _SPELLED]
        values = {name: getattr(new, name) for name in names}
        position = self._next(findings.c.position)
        values |= {
            "position": position,
            "verified_on": new.verified_on.isoformat(),
            "remarks": encode_canonical_json(new.remarks),
        }
        self._connection.execute(insert(findings).values(**values))
        return self.fetch_finding(new.round, position)

    def set_state(
        self, position: int, state: str, draft: int | None, remarks: JsonObject | None = None
    ) -> None:
        """Say what became of a finding."""
        values: dict[str, Any] = {"state": state, "draft": draft}
        if remarks is not None:
            values["remarks"] = encode_canonical_json(remarks)
        self._connection.execute(update(findings).where(findings.c.position == position).values(**values))

    def put_stickers(self, draft: int, new: Sequence[StoredSticker]) -> None:
        """Store the stickers of a draft in place of those that an earlier revision named."""
        self._connection.execute(delete(stickers).where(stickers.c.draft == draft))
        for one in new:
            values = _from_sticker(one) | {"position": self._next(stickers.c.position), "draft": draft}
            self._connection.execute(insert(stickers).values(**values))

    def settle_sticker(self, sticker: StoredSticker) -> None:
        """Store what became of a sticker."""
        chosen = stickers.c.position == sticker.position
        self._connection.execute(update(stickers).where(chosen).values(**_from_sticker(sticker)))

    def retry_stickers(self, drafts: Sequence[int]) -> None:
        """Let what was refused of these drafts wait again: its reason may be gone."""
        chosen = (stickers.c.draft.in_(list(drafts)), stickers.c.state == "refused")
        values = {"state": "waiting", "remarks": encode_canonical_json({})}
        self._connection.execute(update(stickers).where(*chosen).values(**values))

    def _next(self, column: Any) -> int:  # noqa: ANN401 -- a column of any table
        return (self._connection.execute(select(func.max(column))).scalar_one() or 0) + 1


_SPELLED: Final = frozenset({"position", "verified_on", "remarks"})


class RoundStore:
    """Rounds of one institution; who writes holds the desk alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Make the tables if they are not there.

        Raises:
            UnavailableError: the database is out of reach.
        """
        with self._database.write() as connection:
            metadata.create_all(connection)

    def has_stickers(self) -> bool:
        """Tell whether a sticker of a round waits here; a desk without rounds has no table of them."""
        with self._database.read() as connection:
            if not inspect(connection).has_table(stickers.name):
                return False
            return bool(RoundReading(connection).list_waiting_stickers())

    def find_overtaken(self, drafts: Sequence[int]) -> dict[int, StoredFinding]:
        """Return what `RoundReading.find_overtaken` does; a desk without rounds has no such drafts."""
        with self._database.read() as connection:
            if not drafts or not inspect(connection).has_table(findings.name):
                return {}
            return RoundReading(connection).find_overtaken(drafts)

    @contextmanager
    def read(self) -> Iterator[RoundReading]:
        """Ask about one state of the rounds."""
        with self._database.read() as connection:
            yield RoundReading(connection)

    @contextmanager
    def write(self) -> Iterator[RoundWriting]:
        """Change rounds; stored when the block is left."""
        with self._database.write() as connection:
            yield RoundWriting(connection)


def _to_round(row: Row[Any]) -> StoredRound:
    private = as_object(parse_canonical_json(bytes(row.private)))
    return StoredRound(row.id, bytes(row.content), private, row.person, row.prepared_at_ms)


def _to_finding(row: Row[Any]) -> StoredFinding:
    return StoredFinding(
        position=row.position,
        round=row.round,
        device=row.device,
        item=row.item,
        revision=row.revision,
        instrument=bytes(row.instrument),
        person=row.person,
        verified_on=date.fromisoformat(row.verified_on),
        content=bytes(row.content),
        signature=bytes(row.signature),
        received_at_ms=row.received_at_ms,
        state=row.state,
        draft=row.draft,
        remarks=as_object(parse_canonical_json(bytes(row.remarks))),
    )


def _to_sticker(row: Row[Any]) -> StoredSticker:
    remarks = as_object(parse_canonical_json(bytes(row.remarks)))
    return StoredSticker(**{**row._asdict(), "remarks": remarks})


def _from_sticker(sticker: StoredSticker) -> dict[str, Any]:
    values = {name: getattr(sticker, name) for name in StoredSticker.__dataclass_fields__}
    return {**values, "remarks": encode_canonical_json(sticker.remarks)}
