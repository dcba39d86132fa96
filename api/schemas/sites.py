"""What the public side answers of sites, their instruments and pledges."""

from datetime import date, datetime
from typing import Literal

from api.schemas.base import Code, Shape
from api.schemas.verdicts import AsOfShape
from api.sites.instruments import NoWord
from api.sites.view import PledgeShown
from ledger.core.pledge import PledgeState
from ledger.core.site import SiteKind
from verifier.report import DocumentStatus


class NamesShape(Shape):
    """A name in Chinese, and in English if there is one."""

    zh: str
    en: str | None = None


class ParagraphsShape(Shape):
    """Paragraphs in Chinese, and in English if there are any."""

    zh: list[str]
    en: list[str] | None = None


class PlacedInstrumentShape(Shape):
    """An instrument at a site, as the newest states in the ledger have it; no evidence was checked."""

    instrument: str
    """16 bytes in hexadecimal."""
    fair_scale: bool
    status: DocumentStatus | NoWord | None = None
    """Absent: the ledger has no verification of it, or none of one of its parts."""
    category: str | None = None
    name: str | None = None
    model: str | None = None
    serial: str | None = None
    verified_on: date | None = None
    valid_until: date | None = None
    code: Code | None = None
    """Names its newest verification."""


class PledgeVersionShape(Shape):
    """One version of a pledge."""

    state: PledgeState
    made_on: date
    until: date | None = None
    text: ParagraphsShape | None = None
    compensation: ParagraphsShape | None = None
    leaf_index: int
    logged_at: datetime


class PledgeShape(Shape):
    """What an owner promises: its own word, not verified."""

    verified: Literal[False]
    about: Literal["site", "owner"]
    shown: PledgeShown
    versions: list[PledgeVersionShape]
    """The newest first."""


class SiteAnswer(Shape):
    """A site, as the newest states in the ledger have it."""

    keeper: str
    id: str
    owner: str | None = None
    keeper_name: NamesShape
    owner_name: NamesShape | None = None
    name: NamesShape
    address: NamesShape | None = None
    division: str
    kind: SiteKind
    open: bool
    leaf_index: int
    instruments: list[PlacedInstrumentShape]
    """What is not in order first, then by due date."""
    pledges: list[PledgeShape]
    checked_on: date
    as_of: AsOfShape
    behind: bool
    """Whether others hold more of this log than this server does."""
    unsure: bool
    """Whether states may have changed since: that, or they are older than the policy lets them be."""


class HitShape(Shape):
    """One thing that was found: how it stands, and where its page is."""

    kind: Literal["instrument", "site"]
    path: str
    status: DocumentStatus | NoWord | None = None
    """Of an instrument; absent: the ledger has no verification of it or of one of its parts, or it is a site."""
    category: str | None = None
    name: NamesShape | None = None
    """Of a site."""


class FindAnswer(Shape):
    """What was found; at most 20."""

    hits: list[HitShape]
    more: bool
    """Whether there are more than are listed."""
    tree_size: int
    """Leaves of the log that were searched."""
    unsure: bool
    """Whether what was found may have changed since: nothing good is said of it then."""
