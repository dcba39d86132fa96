"""What the log holds of sites, their owners and pledges: newest versions, and the pledges before them.

Each is found by its subject, and an older version by the index in the header of the next; nothing is searched.

>>> with store.read() as reading:
...     read_site(reading, SiteName("350102-M7", "M-01")).content.name.zh
'示例农贸市场'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ledger.core.act_content import ActContent, parse_act_content
from ledger.core.authority import InstitutionContent, parse_institution_content
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import InputError, LogIntegrityError, NotFoundError
from ledger.core.event import EventType, SubjectKind, compute_subject, pledge_subject
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.pledge import PledgeContent
from ledger.core.site import SiteContent, SiteName
from ledger.core.statement import ActClaims, RegisterClaims, parse_signed_statement
from ledger.core.status import SubjectState

MOST_VERSIONS: Final = 50
"""Versions of a pledge that are read, from the newest back."""


class PlaceReading(Protocol):
    """One committed state of the log."""

    def find_states(self, wanted: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of these subjects; whoever has none is left out."""
        ...

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> Mapping[LeafIndex, bytes]:
        """Return the leaves at these indices; what is not stored is left out."""
        ...


@dataclass(frozen=True, slots=True)
class LoggedSite:
    """The newest version of a site's entry."""

    index: LeafIndex
    sequenced_at: datetime
    content: SiteContent


@dataclass(frozen=True, slots=True)
class LoggedPledge:
    """One version of a pledge."""

    index: LeafIndex
    sequenced_at: datetime
    content: PledgeContent


def read_site(reading: PlaceReading, name: SiteName) -> LoggedSite:
    """Return the newest version of a site's entry.

    Raises:
        NotFoundError: nobody has entered such a site.
        LogIntegrityError: what is stored cannot be read.
    """
    state = reading.find_states([name.subject]).get(name.subject)
    if state is None:
        raise NotFoundError(f"{name.keeper} has entered no site {name.id}")
    leaf = read_leaf(reading, state.last_event)
    content = _read_content(leaf, EventType.SITE, state.last_event)
    if not isinstance(content, SiteContent):
        raise LogIntegrityError(f"leaf {state.last_event} is no entry of a site")
    return LoggedSite(state.last_event, leaf.header.sequenced_at, content)


def list_pledges(reading: PlaceReading, owner: InstitutionId, site: SiteName | None) -> list[LoggedPledge]:
    """Return what an owner has said of its pledge, of a site or of all, the newest first.

    Raises:
        LogIntegrityError: what is stored cannot be read.
    """
    subject = pledge_subject(owner, None if site is None else (site.keeper, site.id))
    state = reading.find_states([subject]).get(subject)
    index, found = None if state is None else state.last_event, list[LoggedPledge]()
    while index is not None and len(found) < MOST_VERSIONS:
        leaf = read_leaf(reading, index)
        content = _read_content(leaf, EventType.PLEDGE, index)
        if not isinstance(content, PledgeContent) or content.subject != subject:
            raise LogIntegrityError(f"leaf {index} is not about the pledge that leads to it")
        found.append(LoggedPledge(index, leaf.header.sequenced_at, content))
        index = leaf.header.prev
    return found


def read_organisation(reading: PlaceReading, organisation: InstitutionId) -> InstitutionContent | None:
    """Return how an organisation is registered now; None: nobody has registered it.

    Raises:
        LogIntegrityError: what is stored cannot be read.
    """
    subject = compute_subject(SubjectKind.INSTITUTION, organisation.encode())
    state = reading.find_states([subject]).get(subject)
    if state is None:
        return None
    claims = parse_signed_statement(read_leaf(reading, state.last_event).statement_raw).statement.claims
    if not isinstance(claims, RegisterClaims):
        raise LogIntegrityError(f"leaf {state.last_event} registers no organisation")
    return parse_institution_content(claims.content)


def read_leaf(reading: PlaceReading, index: LeafIndex) -> Leaf:
    """Return a leaf to which another one, or a state, leads.

    Raises:
        LogIntegrityError: it is missing or damaged.
    """
    raw = reading.read_leaves_at([index]).get(index)
    if raw is None:
        raise LogIntegrityError(f"leaf {index} is missing")
    try:
        return parse_leaf(raw)
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} is damaged: {err}") from err


def _read_content(leaf: Leaf, event_type: EventType, index: LeafIndex) -> ActContent:
    try:
        statement = parse_signed_statement(leaf.statement_raw).statement
        if statement.type is event_type and isinstance(statement.claims, ActClaims):
            return parse_act_content(event_type, statement.claims.content)
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} cannot be read: {err}") from err
    raise LogIntegrityError(f"leaf {index} is no {event_type.name}")
