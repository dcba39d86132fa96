"""The instruments of a site in pages, so that a large market is read by a phone as well.

>>> cut_page(view, 2).last
10
"""

from dataclasses import dataclass
from typing import Final

from api.sites.instruments import Standing
from api.sites.view import SiteView
from ledger.core.site import MAX_SITE_INSTRUMENTS

ON_A_PAGE: Final = 100
"""Instruments that one page lists. A site may have 1,000, which took 467 kB."""

MOST_PAGES: Final = -(-MAX_SITE_INSTRUMENTS // ON_A_PAGE)


@dataclass(frozen=True, slots=True)
class SitePart:
    """What one page shows of a site's instruments."""

    number: int
    last: int
    fair_scales: tuple[Standing, ...]
    instruments: tuple[Standing, ...]


def cut_page(view: SiteView, number: int) -> SitePart:
    """Return a page of a site's instruments: fair scales first, then the others as they are sorted.

    Args:
        view: the site.
        number: from 1; beyond the last page it is that.
    """
    count = len(view.fair_scales)
    last = max(1, -(-(count + len(view.instruments)) // ON_A_PAGE))
    number = min(max(1, number), last)
    begin, end = (number - 1) * ON_A_PAGE, number * ON_A_PAGE
    others = view.instruments[max(0, begin - count) : max(0, end - count)]
    return SitePart(number, last, view.fair_scales[begin:end], others)
