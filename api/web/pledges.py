"""What owners promise of an instrument, in short, for its own page: never in the look of a certificate.

Any owner may enter a site with any instrument, so each line says whose word it is; the whole pledge and its earlier
versions stand on the page of the site.

>>> list_pledges(promised, Language.EN)[0]["tag"]
'Self-declared, not verified'
"""

from collections.abc import Sequence
from typing import Any, Final

from api.negotiation import Language
from api.sites.view import Promised
from api.web.site_page import SELF_DECLARED, say_name
from api.web.words import say, say_date
from ledger.core.step import Sentence

MOST_PLEDGES: Final = 3
"""On one page; each has at most 600 bytes there."""


def list_pledges(promised: Sequence[Promised], language: Language) -> list[dict[str, Any]]:
    """Return pledges as `verdict.html` shows them; at most three."""
    return [_describe(each, language) for each in promised[:MOST_PLEDGES]]


def _describe(promised: Promised, language: Language) -> dict[str, Any]:
    site, newest = promised.site.content, promised.pledge.newest.content
    text = None if newest.promise is None else newest.promise.text
    is_english = language is Language.EN and text is not None and bool(text.en)
    owner = newest.owner if promised.owner is None else say_name(promised.owner.name, language)
    place, day = say_name(site.name, language), say_date(newest.made_on, language)
    who = Sentence(f"{owner} promised on {day}:", f"{owner}于{day}承诺：")
    whose = Sentence(
        f"That this instrument is used at {place} is the word of {site.site.keeper}.",
        f"本器具用于“{place}”由{site.site.keeper}填报。",
    )
    return {
        "tag": say(SELF_DECLARED, language),
        "who": say(who, language),
        "first": "" if text is None else (text.en if is_english else text.zh)[0],
        "language": "zh-CN" if language is Language.EN and not is_english else None,
        "whose": say(whose, language),
        "page": f"site/{site.site.keeper}/{site.site.id}",
    }
