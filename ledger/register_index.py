"""Which register leaves an institution's authority rests on, and what a document of it needs beside them.

Register events are few beside documents, so all of them are kept in memory, and only new ones are read.

>>> index = RegisterIndex()
>>> index.update(queries, tree_size)
>>> [leaf.leaf_index for leaf in index.select(InstitutionId("350100-01"), tree_size)]
[0, 1, 2, 3, 4]
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final, Protocol

from ledger.core.authority import (
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    RootContent,
)
from ledger.core.entry import parse_leaf
from ledger.core.errors import NotFoundError
from ledger.core.event import maker_subject, roll_subject, standard_subject
from ledger.core.ids import InstitutionId, KeyId, LeafIndex, TreeSize
from ledger.core.person import PersonContent
from ledger.core.published_rule import RegulationContent
from ledger.core.register_content import OwnContent, RegisterContent, parse_content
from ledger.core.register_fields import Name
from ledger.core.register_subject import register_subject
from ledger.core.regulation import normalise_citation
from ledger.core.scope import ScopeContent
from ledger.core.standard import StandardContent
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.status import Status
from ledger.core.sticker import RollContent
from ledger.core.traceability import list_sources
from ledger.core.type_approval import BlockContent
from ledger.named import Named
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
    content: RegisterContent

    @property
    def index(self) -> LeafIndex:
        return self.entry.leaf_index


class RegisterIndex:
    """Every register leaf with an effect, in order. Safe to share between threads."""

    def __init__(self) -> None:
        self._leaves: list[_RegisterLeaf] = []
        self._groups: dict[object, list[_RegisterLeaf]] = defaultdict(list)
        """By subject; institutions' own by id; regulations by category and name; blocks by maker."""
        self._compromised: dict[KeyId, list[tuple[LeafIndex, datetime]]] = {}
        self._size = 0
        self._lock = Lock()

    def update(self, reading: RegisterReading, tree_size: TreeSize) -> None:
        """Read what has been appended, unless everything up to this size is known."""
        with self._lock:
            if tree_size > self._size:
                size = reading.read_head().tree_size
                for entry in reading.read_register_leaves(self._size):
                    self._take(entry)
                self._size = size

    def find_compromise(self, key_id: KeyId, tree_size: TreeSize) -> datetime | None:
        """Return since when a key counts as compromised, by the leaves below a size; None: it does not."""
        known = self._compromised.get(key_id, [])
        return min((since for index, since in known if index < tree_size), default=None)

    def find_name(self, speaker: str) -> Name | None:
        """Return what an institution or an authority is called by its newest registration; None: it has none."""
        with self._lock:
            known = [
                *self._groups.get(("registration", speaker), ()),
                *self._groups.get(("authority", speaker), ()),
            ]
        content = known[-1].content if known else None
        return content.name if isinstance(content, InstitutionContent | AuthorityContent) else None

    def select(
        self, institution: InstitutionId | None, tree_size: TreeSize, named: Named | None = None
    ) -> list[StoredEntry]:
        """Return the leaves that say what an institution may do, every version of each, in order.

        These are the root, the authorities that registered it, its own registration, keys and scope lines; and
        whatever is registered of what a document names, with the standards that its standards are traced to.

        Args:
            institution: whose authority; None: everybody's.
            tree_size: leaves from this index on are left out.
            named: by the document that is to be proved; None: the institution alone.

        Raises:
            NotFoundError: the institution is not registered at this size.
        """
        with self._lock:
            if institution is None:
                return [leaf.entry for leaf in self._leaves if leaf.index < tree_size]
            chosen = self._choose(institution, tree_size, named)
        return [leaf.entry for _, leaf in sorted(chosen.items())]

    def select_roll(self, roll: str | None, speaker: str | None, tree_size: TreeSize) -> list[StoredEntry]:
        """Return the leaves that say whose a roll of stickers is, and what its institution may do, in order.

        Args:
            roll: its 7 symbols; None, or one that is not registered at this size: the root's leaves alone.
            speaker: institution or authority that said the last of a sticker of it.
            tree_size: leaves from this index on are left out.
        """
        with self._lock:
            allotted = () if roll is None else self._groups.get(roll_subject(roll), ())
            contents = (leaf.content for leaf in allotted if leaf.index < tree_size)
            owners = {content.institution for content in contents if isinstance(content, RollContent)}
            speakers = () if speaker is None or not owners else (("authority", speaker),)
            keys = () if roll is None else (roll_subject(roll), *owners, *speakers)
            chosen = self._gather(tree_size, *keys, _ROOT)
        return [leaf.entry for _, leaf in sorted(chosen.items())]

    def _choose(
        self, institution: InstitutionId, tree_size: TreeSize, named: Named | None
    ) -> dict[LeafIndex, _RegisterLeaf]:
        chosen = self._gather(tree_size, institution)
        if not chosen:
            raise NotFoundError(f"institution {institution} is not registered in this ledger")
        if named is not None:
            chosen |= self._gather(tree_size, *named.subjects, named.regulation, named.maker)
        return chosen | self._gather(tree_size, _ROOT)

    def _gather(self, tree_size: TreeSize, *keys: object) -> dict[LeafIndex, _RegisterLeaf]:
        """Return the leaves of these groups, and whatever those need."""
        chosen: dict[LeafIndex, _RegisterLeaf] = {}

        def add(*keys: object) -> None:
            for leaf in (leaf for key in keys for leaf in self._groups.get(key, ())):
                if leaf.index < tree_size and leaf.index not in chosen:
                    chosen[leaf.index] = leaf
                    add(*_list_needed(leaf))

        add(*keys)
        return chosen

    def _take(self, entry: StoredEntry) -> None:
        leaf = _parse(entry)
        if leaf is None:
            return
        self._leaves.append(leaf)
        for key in _list_groups(leaf):
            self._groups[key].append(leaf)
        if isinstance(leaf.content, CompromiseContent):
            known = self._compromised.setdefault(leaf.content.key.key_id, [])
            known.append((leaf.index, leaf.content.since))


_ROOT: Final = "root"


def _list_groups(leaf: _RegisterLeaf) -> tuple[object, ...]:
    """Return under what a leaf is found."""
    content = leaf.content
    match content:
        case RootContent() | PolicyContent():
            return (_ROOT,)
        case AuthorityContent():
            return (("authority", content.id),)
        case InstitutionContent():
            return content.id, ("registration", content.id)
        case KeyContent() | ScopeContent():
            return (content.institution,)
        case CompromiseContent():
            return (("compromised", content.key.key_id),)
        case RegulationContent():
            return ((content.category.name, normalise_citation(content.regulation_id)),)
        case BlockContent():
            return (maker_subject(content.maker),)
        case _:
            return (register_subject(content),)


def _list_needed(leaf: _RegisterLeaf) -> Iterable[object]:
    """Return what must be shown beside a leaf, so that it has its effect: who registered it, and whose it is."""
    content = leaf.content
    yield "authority", leaf.issuer
    if isinstance(content, OwnContent):
        yield "registration", content.institution
    if isinstance(content, KeyContent | PersonContent) and content.key is not None:
        yield "compromised", content.key.key_id
    if isinstance(content, StandardContent):
        yield from (standard_subject(source.institution, source.id) for source in list_sources(content))


def _parse(entry: StoredEntry) -> _RegisterLeaf | None:
    leaf = parse_leaf(entry.leaf)
    if leaf.header.status == Status.VOID:
        return None
    statement = parse_signed_statement(leaf.statement_raw).statement
    if not isinstance(statement.claims, RegisterClaims):
        return None
    content = parse_content(statement.type, statement.claims.content)
    return _RegisterLeaf(entry, statement.issuer, content)
