"""Contents of statements that one key signs alone: of acts, lots, links, registrations, stickers, reports, sites.

>>> parse_act_content(EventType.LOT, encode_lot(content)) == content
True
"""

from ledger.core.act import Act, parse_act
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import Digest
from ledger.core.link import SameAs, Split, parse_link
from ledger.core.lot import LotContent, parse_lot
from ledger.core.pledge import PledgeContent, parse_pledge
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.report import ReportContent, parse_report_content
from ledger.core.site import SiteContent, parse_site
from ledger.core.statement import ActClaims, IssueClaims, Statement
from ledger.core.sticker_use import StickerBinding, StickerRelease, parse_binding, parse_release

StickerContent = StickerBinding | StickerRelease

PlaceContent = SiteContent | PledgeContent

ActContent = (
    Act | LotContent | SameAs | Split | InstrumentContent | StickerContent | ReportContent | PlaceContent
)
"""Each has a `subject`, whose version its statement expects."""


def parse_act_content(event_type: EventType, raw: bytes) -> ActContent:
    """Parse the content of an act, a lot, a link, a registration, or what is said of a sticker, reports, a site.

    Raises:
        InputError: not the content of such an event.
    """
    match event_type:
        case EventType.LOT:
            return parse_lot(raw)
        case EventType.INSTRUMENT_SAME_AS | EventType.INSTRUMENT_SPLIT:
            return parse_link(event_type, raw)
        case EventType.INSTRUMENT:
            return parse_instrument_content(raw)
        case EventType.STICKER_BOUND:
            return parse_binding(raw)
        case EventType.STICKER_UNBOUND:
            return parse_release(raw)
        case EventType.REPORT_TAKEN:
            return parse_report_content(raw)
        case EventType.SITE:
            return parse_site(raw)
        case EventType.PLEDGE:
            return parse_pledge(raw)
        case _:
            return parse_act(raw)


def find_attached(statement: Statement) -> Digest | None:
    """Return the digest of the bytes that come with a statement: a certificate, or an instrument's photograph.

    None: there are none, or the content cannot be read.
    """
    claims = statement.claims
    if isinstance(claims, IssueClaims):
        return claims.certificate_digest
    if statement.type is not EventType.INSTRUMENT or not isinstance(claims, ActClaims):
        return None
    try:
        photo = parse_instrument_content(claims.content).photo
    except InputError:
        return None
    return None if photo is None else photo.digest
