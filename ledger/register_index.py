"""Which register leaves an institution's authority rests on.

Register events are few beside documents, so all of them are kept in memory, and only new ones are read.

>>> index = RegisterIndex()
>>> index.update(queries, tree_size)
>>> [leaf.leaf_index for leaf in index.select(InstitutionId("350100-01"), tree_size)]
[0, 1, 2, 3, 4]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

from ledger.core.authority import CompromiseContent, parse_compromise_content
from ledger.core.canonical import as_object, parse_canonical_json
from ledger.core.entry import parse_leaf
from ledger.core.errors import NotFoundError
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId, KeyId, LeafIndex, TreeSize
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.status import Status
from ledger.store.records import Head, StoredEntry


class RegisterReading(Protocol):
    """Stored register leaves, at one state of the log."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...

    def read_register_leaves(self, begin: int = 0) -> Sequence[StoredEntry]:
        """Return every leaf of a register event from index `begin` on, in order."""
        ...


@dataclass(frozen=True, slots=True)
class _RegisterLeaf:
    """One register event, as far as it matters here."""

    entry: StoredEntry
    issuer: str
    is_root: bool
    authority: str | None
    """Id of the authority that it is about."""
    institution: str | None
    """Id of the institution that it is about."""
    compromise: CompromiseContent | None


class RegisterIndex:
    """Every register leaf with an effect, in order. Safe to share between threads."""

    def __init__(self) -> None:
        self._leaves: list[_RegisterLeaf] = []
        self._compromised: dict[KeyId, list[tuple[LeafIndex, datetime]]] = {}
        self._size = 0
        self._lock = Lock()

    def update(self, reading: RegisterReading, tree_size: TreeSize) -> None:
        """Read what has been appended, unless everything up to this size is known."""
        with self._lock:
            if tree_size > self._size:
                size = reading.read_head().tree_size
                found = [_parse(entry) for entry in reading.read_register_leaves(self._size)]
                self._leaves += [leaf for leaf in found if leaf is not None]
                for leaf in found:
                    self._note_compromise(leaf)
                self._size = size

    def find_compromise(self, key_id: KeyId, tree_size: TreeSize) -> datetime | None:
        """Return since when a key counts as compromised, by the leaves below a size; None: it does not."""
        known = self._compromised.get(key_id, [])
        return min((since for index, since in known if index < tree_size), default=None)

    def _note_compromise(self, leaf: _RegisterLeaf | None) -> None:
        if leaf is not None and leaf.compromise is not None:
            at = leaf.entry.leaf_index
            known = self._compromised.setdefault(leaf.compromise.key.key_id, [])
            known.append((at, leaf.compromise.since))

    def select(self, institution: InstitutionId | None, tree_size: TreeSize) -> list[StoredEntry]:
        """Return the leaves that say what an institution may do, every version of each, in order.

        These are the root, the authorities that registered it, its own registration, keys and scope lines.

        Args:
            institution: whose authority; None: everybody's.
            tree_size: leaves from this index on are left out.

        Raises:
            NotFoundError: the institution is not registered at this size.
        """
        leaves = [leaf for leaf in self._leaves if leaf.entry.leaf_index < tree_size]
        if institution is None:
            return [leaf.entry for leaf in leaves]
        authorities = {leaf.issuer for leaf in leaves if leaf.institution == institution}
        if not authorities:
            raise NotFoundError(f"institution {institution} is not registered in this ledger")
        return [
            leaf.entry
            for leaf in leaves
            if leaf.institution == institution or leaf.authority in authorities or leaf.is_root
        ]


def _parse(entry: StoredEntry) -> _RegisterLeaf | None:
    leaf = parse_leaf(entry.leaf)
    if leaf.header.status == Status.VOID:
        return None
    statement = parse_signed_statement(leaf.statement_raw).statement
    if not isinstance(statement.claims, RegisterClaims):
        return None
    content = as_object(parse_canonical_json(statement.claims.content))
    is_root = statement.type in {EventType.ROOT, EventType.POLICY}
    is_authority = statement.type is EventType.DELEGATE
    about = str(content.get("institution", content.get("id")))
    return _RegisterLeaf(
        entry,
        statement.issuer,
        is_root,
        authority=about if is_authority else None,
        institution=None if is_root or is_authority else about,
        compromise=_parse_compromise(statement.type, statement.claims.content),
    )


def _parse_compromise(event_type: EventType, content: bytes) -> CompromiseContent | None:
    return parse_compromise_content(content) if event_type is EventType.KEY_COMPROMISED_FROM else None
