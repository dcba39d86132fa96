"""Where an instrument is used, as sites claim it: whose word it is, and which of them are worth showing.

Any owner, and any institution, may enter a site that names any instrument. So a claim is shown beside a document
only if the document itself does not speak against it: the site lies where the document says that the instrument
stands. Of a document that says nothing of a place, only what the institution which issued it has entered counts.

>>> choose_claims([market], pump, InstitutionId("350100-01"), "350102")[0].content.name.zh
'示例农贸市场'
"""

from collections.abc import Iterable
from typing import Final

from ledger.core.fold_sites import find_region
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.register_fields import RegisterState
from ledger.core.site import SiteContent
from ledger.place_reading import LoggedSite

MOST_CLAIMS: Final = 2
"""Beside one document: who stands before the instrument knows where he is."""


def choose_claims(
    sites: Iterable[LoggedSite], instrument: InstrumentId, issuer: InstitutionId, division: str | None
) -> list[LoggedSite]:
    """Return the sites whose word is shown, that of the institution first; at most two.

    Args:
        sites: newest entries.
        instrument: that the document is about.
        issuer: of the document.
        division: where the document says that the instrument stands; None: it does not say.
    """
    fit = [each for each in sites if _fits(each.content, instrument, issuer, division)]
    fit.sort(key=lambda each: (each.content.site.keeper != issuer, each.index))
    return fit[:MOST_CLAIMS]


def _fits(
    content: SiteContent, instrument: InstrumentId, issuer: InstitutionId, division: str | None
) -> bool:
    if content.state is not RegisterState.ACTIVE or instrument not in content.instruments:
        return False
    if not division:
        return content.site.keeper == issuer
    return is_within(content.division, division) or is_within(division, content.division)


def is_within(inner: str, outer: str) -> bool:
    """Say whether one division lies within another, or is the same (GB/T 2260)."""
    return inner.startswith(find_region(outer))
