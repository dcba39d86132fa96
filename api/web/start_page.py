"""The page of whoever has no address of a document yet: what this site is, and the ways on from here.

>>> StartPage(policy, "v.example.cn", finds=True, reports=False).write(choose_language("zh-CN", None))
b'<!doctype html>...'
"""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Language, Tongue
from api.web.site_page import NOT_PROVED, SITE_STYLE
from api.web.words import say
from ledger.core.encoding import encode_hex
from ledger.core.policy import Policy, compute_policy_digest
from ledger.core.step import Sentence

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class StartPage:
    """Writes the page at the root of one site. It looks nothing up, and so is there whatever else is not."""

    def __init__(self, policy: Policy, host: str, *, finds: bool, reports: bool) -> None:
        """Take what stands on the page.

        Args:
            policy: what devices pin here.
            host: name of the site, as it stands in QR codes.
            finds: whether the site finds without a code.
            reports: whether the site takes reports.
        """
        self._policy = policy
        self._host = host
        self._finds = finds
        self._reports = reports
        self._template = _TEMPLATES.get_template("start.html")

    def write(self, tongue: Tongue) -> bytes:
        """Return the page, UTF-8."""
        language = tongue.language

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        page = self._template.render(
            t=t,
            language=language.value,
            other_link="?lang=en" if language is Language.ZH else "?lang=zh",
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
            asked_language=language[:2] if tongue.is_asked else None,
            style=SITE_STYLE,
            development=self._policy.development,
            host=self._host,
            names=self._policy.hosts,
            finds=self._finds,
            reports=self._reports,
            disclaimer=say(NOT_PROVED, language),
            origin=self._policy.origin,
            version=self._policy.version,
            digest=encode_hex(compute_policy_digest(self._policy)),
        )
        return page.encode()
