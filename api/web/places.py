"""Where an instrument is used, in a line beside the nameplate: a site's name and place, and whose word that is.

>>> list_places([market], InstitutionId("350100-01"), Language.EN)[0]["whose"]
"Entered by the instrument's user"
"""

from collections.abc import Sequence
from typing import Final

from api.negotiation import Language
from api.web.site_page import say_name
from api.web.words import say
from ledger.core.ids import InstitutionId
from ledger.core.step import Sentence
from ledger.place_reading import LoggedSite

_BY_ISSUER: Final = Sentence("Entered by the issuing institution", "出具本文件的机构登记")
_BY_OWNER: Final = Sentence("Entered by the instrument's user, not verified", "使用单位登记，未经核验")
_BY_OTHER: Final = Sentence("Entered by {}, not verified", "{}登记，未经核验")


def list_places(
    sites: Sequence[LoggedSite], issuer: InstitutionId, language: Language
) -> list[dict[str, str]]:
    """Return places as `verdict.html` shows them.

    Args:
        sites: from `choose_claims`.
        issuer: of the document beside which they stand.
        language: of the page.
    """
    return [_describe(each, issuer, language) for each in sites]


def _describe(site: LoggedSite, issuer: InstitutionId, language: Language) -> dict[str, str]:
    content = site.content
    return {
        "name": say_name(content.name, language),
        "address": "" if content.address is None else say_name(content.address, language),
        "page": f"site/{content.site.keeper}/{content.site.id}",
        "whose": say(_find_words(site, issuer), language).format(content.site.keeper),
    }


def _find_words(site: LoggedSite, issuer: InstitutionId) -> Sentence:
    keeper = site.content.site.keeper
    if keeper == issuer:
        return _BY_ISSUER
    return _BY_OWNER if keeper == site.content.owner else _BY_OTHER
