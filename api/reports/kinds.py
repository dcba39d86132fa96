"""What can be reported, by which way, and what becomes of it; with the words that people read.

>>> About("SHORT_WEIGHT").words.zh
'缺斤短两'
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ledger.core.step import Sentence


class Route(StrEnum):
    """The two ways of the law."""

    TIP = "tip"
    """举报: somebody breaks the rules; no name is asked for."""
    COMPLAINT = "complaint"
    """投诉: a dispute of one's own with a trader; needs a name and a way to answer."""


class About(StrEnum):
    """What is wrong, by the word of whoever reports it."""

    MISMATCH = "MISMATCH"
    SEAL_BROKEN = "SEAL_BROKEN"
    SHORT_WEIGHT = "SHORT_WEIGHT"
    NO_STICKER = "NO_STICKER"
    OTHER = "OTHER"

    @property
    def words(self) -> Sentence:
        """Return how people call it."""
        return _ABOUT[self]


class CaseState(StrEnum):
    """What has become of a report."""

    SENT = "sent"
    """It lies on the public site, sealed; the authority has not fetched it yet."""
    TAKEN = "taken"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    IN_HAND = "in_hand"
    EXTENDED = "extended"
    """More time to decide, once; of a tip only."""
    CLOSED = "closed"

    def say(self, route: Route) -> Sentence:
        """Return how people call it, which differs between the ways."""
        return _STATES[route][self]


_ABOUT: Final = MappingProxyType(
    {
        About.MISMATCH: Sentence("The instrument is not the one on the page", "与实物不符"),
        About.SEAL_BROKEN: Sentence("A seal is broken or missing", "铅封损坏"),
        About.SHORT_WEIGHT: Sentence("Short weight or short measure", "缺斤短两"),
        About.NO_STICKER: Sentence("This instrument has no sticker at all", "这台没有合格证"),
        About.OTHER: Sentence("Something else", "其他"),
    }
)
_SHARED: Final = {
    CaseState.SENT: Sentence("Sent; the authority has not fetched it yet", "已提交，主管部门尚未接收"),
    CaseState.TAKEN: Sentence("With the authority", "主管部门已收到"),
    CaseState.IN_HAND: Sentence("Being handled", "办理中"),
    CaseState.EXTENDED: Sentence("More time was taken to decide", "决定期限已延长"),
    CaseState.CLOSED: Sentence("Closed", "已办结"),
}
_STATES: Final = MappingProxyType(
    {
        Route.TIP: _SHARED
        | {
            CaseState.ACCEPTED: Sentence("A case was opened", "已立案"),
            CaseState.NOT_ACCEPTED: Sentence("No case was opened", "不予立案"),
        },
        Route.COMPLAINT: _SHARED
        | {
            CaseState.ACCEPTED: Sentence("Accepted", "已受理"),
            CaseState.NOT_ACCEPTED: Sentence("Not accepted", "不予受理"),
        },
    }
)
ROUTES: Final = MappingProxyType(
    {
        Route.TIP: Sentence("Report a breach, without a name", "举报（不留姓名）"),
        Route.COMPLAINT: Sentence("Complain about a trader, with your name", "投诉（需留联系方式）"),
    }
)

NEXT: Final = MappingProxyType(
    {
        CaseState.TAKEN: frozenset({CaseState.ACCEPTED, CaseState.NOT_ACCEPTED, CaseState.EXTENDED}),
        CaseState.EXTENDED: frozenset({CaseState.ACCEPTED, CaseState.NOT_ACCEPTED}),
        CaseState.ACCEPTED: frozenset({CaseState.IN_HAND, CaseState.CLOSED}),
        CaseState.IN_HAND: frozenset({CaseState.CLOSED}),
        CaseState.NOT_ACCEPTED: frozenset[CaseState](),
        CaseState.CLOSED: frozenset[CaseState](),
    }
)
"""State -> those that may follow it at the authority's desk."""

OVER: Final = frozenset({CaseState.NOT_ACCEPTED, CaseState.CLOSED})
"""After which nothing is open any more."""
SPOKEN: Final = OVER | {CaseState.EXTENDED}
"""States that come with a sentence for everybody who holds the case code."""


def list_next(state: CaseState, route: Route) -> list[CaseState]:
    """Return the states that may follow, in the order of the table."""
    allowed = NEXT.get(state, frozenset())
    return [
        one for one in CaseState if one in allowed and (route is Route.TIP or one is not CaseState.EXTENDED)
    ]


INSTRUMENTS: Final = MappingProxyType(
    {
        "SCALE": Sentence("Scale", "秤（电子秤、地磅等）"),
        "FUEL": Sentence("Fuel or gas dispenser", "加油机、加气机"),
        "TAXIMETER": Sentence("Taximeter", "出租车计价器"),
        "CHARGER": Sentence("EV charger", "充电桩"),
        "WATER": Sentence("Water meter", "水表"),
        "GAS": Sentence("Gas meter", "燃气表"),
        "ELECTRICITY": Sentence("Electricity meter", "电能表"),
        "MEDICAL": Sentence("Medical instrument", "医用计量器具"),
        "OTHER": Sentence("Something else", "其他"),
    }
)
"""Kinds of instruments as people at a market know them."""
