"""What people read where no page is for them: a mistyped address, a file that is too large, a server in trouble.

Machines get the problem itself (RFC 9457). The page has both languages: who came by a broken link or a refused form
should not have to look for theirs.

>>> ProblemPage(is_development=lambda: False).write(HTTPStatus.NOT_FOUND, choose_language("zh-CN", None))
b'<!doctype html>...'
"""

from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Language, Tongue
from api.web.pages import STYLE, STYLE_SOURCE
from api.web.words import say
from ledger.core.step import Sentence

SECURITY: Final = (
    f"default-src 'none'; style-src {STYLE_SOURCE}; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of these pages, whatever the route has that was asked for."""


class Place(NamedTuple):
    """Where such a page stands, and the way on from it."""

    name: Sentence
    path: str
    """From the root."""
    way: Sentence


PUBLIC_SITE: Final = Place(
    Sentence("Verification record", "衡证 · 检定记录查询"),
    "scan",
    Sentence("Scan a code, or type it", "扫码，或输入编码"),
)
OFFICE: Final = Place(
    Sentence("Hengzheng office", "衡证 · 业务办理"), "./", Sentence("To the start", "返回首页")
)


class _Words(NamedTuple):
    headline: Sentence
    sentence: Sentence


_USUAL: Final = _Words(
    Sentence("This cannot be answered", "无法处理该请求"),
    Sentence(
        "What was asked for cannot be answered here. Nothing was taken.",
        "本站无法处理该请求，未收到任何内容。",
    ),
)
_LATER: Final = _Words(
    Sentence("Cannot answer right now", "暂时无法应答"),
    Sentence("Nothing is lost. Please try again in a moment.", "没有丢失任何内容，请稍后重试。"),
)
_WORDS: Final = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: _Words(
            Sentence("No such page", "没有这个页面"),
            Sentence(
                "This address leads nowhere here; that says nothing about any certificate.",
                "本站没有该网址对应的页面；这不表明任何证书的真假。",
            ),
        ),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _Words(
            Sentence("Too large", "内容过大"),
            Sentence(
                "What was sent is too large; nothing was taken. Send a smaller picture or file.",
                "提交的内容过大，未收到任何内容；请改用较小的照片或文件。",
            ),
        ),
        HTTPStatus.REQUEST_TIMEOUT: _Words(
            Sentence("It took too long", "传输超时"),
            Sentence(
                "What was sent did not arrive in time; nothing was taken. Try again where the network is better.",
                "提交的内容未能及时送达，未收到任何内容；请在网络较好处重试。",
            ),
        ),
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: _Words(
            Sentence("Content withheld by law", "依法不予公开"),
            Sentence(
                "This document is in the ledger; its content is not public.",
                "该文件已载入账本，其内容依法不予公开。",
            ),
        ),
        HTTPStatus.TOO_MANY_REQUESTS: _Words(
            Sentence("Too often", "请求过于频繁"),
            Sentence(
                "Too much was asked for from here. Wait a minute; if it is still too often then, until tomorrow.",
                "来自此处的请求过多，请一分钟后再试；如仍提示过于频繁，请明日再试。",
            ),
        ),
        HTTPStatus.INTERNAL_SERVER_ERROR: _LATER,
        HTTPStatus.SERVICE_UNAVAILABLE: _LATER,
    }
)

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class ProblemPage:
    """Writes such pages; nothing of the request stands on them."""

    def __init__(self, place: Place = PUBLIC_SITE, *, is_development: Callable[[], bool]) -> None:
        """Take where they stand, and who says whether that is for development."""
        self._place = place
        self._is_development = is_development
        self._template = _TEMPLATES.get_template("problem.html")

    def write(self, status: HTTPStatus, tongue: Tongue, up: str = "") -> bytes:
        """Return the page, UTF-8.

        Args:
            status: of the answer.
            tongue: language of the page.
            up: from the address that was asked for to the root of the site.
        """
        language = tongue.language
        words = _WORDS.get(status, _USUAL)

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        page = self._template.render(
            t=t,
            language=language.value,
            other=(Language.EN if language is Language.ZH else Language.ZH).value,
            style=STYLE,
            development=self._is_development(),
            place=say(self._place.name, language),
            path=self._place.path,
            way=say(self._place.way, language),
            headline=say(words.headline, language),
            sentence=say(words.sentence, language),
            other_words=[
                say(each, Language.EN if language is Language.ZH else Language.ZH)
                for each in (words.headline, words.sentence)
            ],
            up=up,
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
        )
        return page.encode()
