"""Contents of statements that one key signs alone: acts, what is said of lots, and links between instruments.

>>> parse_act_content(EventType.LOT, encode_lot(content)) == content
True
"""

from ledger.core.act import Act, parse_act
from ledger.core.event import EventType
from ledger.core.link import SameAs, Split, parse_link
from ledger.core.lot import LotContent, parse_lot

ActContent = Act | LotContent | SameAs | Split
"""Each has a `subject`, whose version its statement expects, and says since when it holds."""


def parse_act_content(event_type: EventType, raw: bytes) -> ActContent:
    """Parse the content of an act, a lot or a link.

    Raises:
        InputError: not the content of such an event.
    """
    match event_type:
        case EventType.LOT:
            return parse_lot(raw)
        case EventType.INSTRUMENT_SAME_AS | EventType.INSTRUMENT_SPLIT:
            return parse_link(event_type, raw)
        case _:
            return parse_act(raw)
