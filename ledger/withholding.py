"""A document or photograph that the law withholds: its bytes go for ever, what was signed about it stays.

The leaf holds digests and codes only, so the tree, every proof and the status map are as they were. Whoever has a
copy still verifies it; whoever asks here is told that the content is withheld, and how the document stands.

>>> withhold(database, find_document(SqlStore(database), "350100", "JY2026-000001"), "榕市监〔2026〕8号", now)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ledger.core.canonical import as_object, parse_canonical_json
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import Digest, InstrumentId, LeafIndex, Subject
from ledger.core.statement import parse_signed_statement
from ledger.core.text import is_plain
from ledger.named import list_related
from ledger.registration_reading import find_naming, list_registrations
from ledger.store.engine import Database
from ledger.store.records import Withheld
from ledger.store.unit_of_work import SqlStore

MAX_GROUNDS: Final = 500
"""Characters."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class LoggedDocument:
    """A document in the log, and whether its content is withheld."""

    issuer: str
    number: str
    leaf_index: LeafIndex
    digest: Digest
    withheld: Withheld | None
    related: bytes
    """See `Withheld.related`; empty where the content is withheld already."""


def find_document(store: SqlStore, issuer: str, number: str) -> LoggedDocument:
    """Return the document that an institution gave this number.

    Raises:
        NotFoundError: the log has none.
        StoreUnavailableError: the database is out of reach.
    """
    with store.read() as reading:
        entry = reading.find_issue(issuer, number)
        if entry is None:
            raise NotFoundError(f"the log has no document {number} of institution {issuer}")
        leaf = parse_leaf(entry.leaf)
        digest = leaf.header.certificate_digest
        body = reading.read_documents([digest]).get(digest)
        related = [] if body is None else _list_related(leaf, body)
        withheld = reading.find_withheld(digest)
    return LoggedDocument(issuer, number, entry.leaf_index, digest, withheld, b"".join(related))


def _list_related(leaf: Leaf, body: bytes) -> Sequence[Subject]:
    statement = parse_signed_statement(leaf.statement_raw).statement
    return list_related(statement, as_object(parse_canonical_json(body, max_bytes=MAX_CERTIFICATE_BYTES)))


def withhold(database: Database, document: LoggedDocument, grounds: str, now: datetime) -> LoggedDocument:
    """Take the bytes of a document away for ever; what is withheld already stays as it is.

    SQLite's file and write-ahead log hold nothing of them afterwards. Backups, and what PostgreSQL has not vacuumed
    yet, are for the operator to see to.

    Args:
        database: of the log, which nobody else writes meanwhile.
        document: from `find_document`.
        grounds: which decision demands it, 1 to 500 characters on one line.
        now: aware UTC.

    Raises:
        InputError: no grounds, or none that can be printed.
        StoreUnavailableError: the database is out of reach, or somebody reads an older state of it.
    """
    wanted = _make_withheld(grounds, now, document.related)
    return replace(document, withheld=_empty(database, document.digest, document.withheld, wanted))


@dataclass(frozen=True, slots=True)
class LoggedPhoto:
    """A photograph that a registration names, and whether it is withheld."""

    instrument: InstrumentId
    leaf_index: LeafIndex
    digest: Digest
    withheld: Withheld | None


def find_logged_photo(store: SqlStore, instrument: InstrumentId, digest: Digest) -> LoggedPhoto:
    """Return the photograph with this digest that a registration of an instrument names.

    Raises:
        NotFoundError: none of its registrations names it.
        StoreUnavailableError: the database is out of reach.
    """
    with store.read() as reading:
        naming = find_naming(list_registrations(reading, instrument), digest)
        withheld = reading.find_withheld(digest)
    if naming is None:
        raise NotFoundError("no registration of this instrument names such a photograph")
    return LoggedPhoto(instrument, naming.index, digest, withheld)


def withhold_photo(database: Database, photo: LoggedPhoto, grounds: str, now: datetime) -> LoggedPhoto:
    """Take the bytes of a photograph away for ever, wherever else it is named; as `withhold`."""
    wanted = _make_withheld(grounds, now, b"")
    return replace(photo, withheld=_empty(database, photo.digest, photo.withheld, wanted))


def _make_withheld(grounds: str, now: datetime, related: bytes) -> Withheld:
    if not is_plain(grounds) or not 1 <= len(grounds) <= MAX_GROUNDS:
        raise InputError(f"1 to {MAX_GROUNDS} characters on one line", field="--grounds")
    return Withheld(grounds, (now - _EPOCH) // _MILLISECOND, related)


def _empty(database: Database, digest: Digest, before: Withheld | None, wanted: Withheld) -> Withheld:
    if before is None:
        with SqlStore(database).write() as writing:
            writing.withhold_document(digest, wanted)
    database.drop_traces()
    return before or wanted


def describe_withheld(document: LoggedDocument) -> dict[str, Any]:
    """Return a document as members of an answer."""
    members: dict[str, Any] = {
        "institution": document.issuer,
        "number": document.number,
        "leaf_index": document.leaf_index,
        "digest": encode_hex(document.digest),
    }
    return members | _describe(document.withheld)


def describe_withheld_photo(photo: LoggedPhoto) -> dict[str, Any]:
    """Return a photograph as members of an answer."""
    members: dict[str, Any] = {
        "instrument": encode_hex(photo.instrument),
        "leaf_index": photo.leaf_index,
        "digest": encode_hex(photo.digest),
    }
    return members | _describe(photo.withheld)


def _describe(withheld: Withheld | None) -> dict[str, Any]:
    if withheld is None:
        return {"withheld": False}
    at = _EPOCH + withheld.withheld_at_ms * _MILLISECOND
    return {"withheld": True, "grounds": withheld.grounds, "withheld_at": encode_instant(at)}
