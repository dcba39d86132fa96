"""The page on which a device looks at the chain itself, through a node of the reader's choice.

Only this page may speak to another place than its own site: to the one that stands in its content security policy,
because somebody has typed it. The server asks no node, and knows of that place no more than its origin.

>>> LookPage(policy, "v.example.cn", StaticFiles()).write(tongue, code=code, node="https://node.example")
b'<!doctype html>...'
"""

from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Tongue
from api.static_files import StaticFiles
from api.web.looks import list_looks
from api.web.pages import STYLE, STYLE_SOURCE
from api.web.words import say
from ledger.core.policy import Policy
from ledger.core.qr import ShortCode, format_code
from ledger.core.step import Sentence
from verifier.browser import PACK

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def make_security(node: str | None) -> str:
    """Return the content security policy of the page.

    Args:
        node: from `parse_node_origin`: where the page may look beside its own site; None: nowhere.
    """
    connect = "connect-src 'self'" if node is None else f"connect-src 'self' {node}"
    return (
        f"default-src 'none'; script-src 'self'; {connect}; style-src 'self' {STYLE_SOURCE}; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@dataclass(frozen=True, slots=True)
class _Scripts:
    """Addresses from the root of the site."""

    page: str
    style: str
    verifier: str


class LookPage:
    """Writes the page of one site."""

    def __init__(self, policy: Policy, host: str, static: StaticFiles) -> None:
        """Take what the page says of itself, and the scripts it needs."""
        self._policy = policy
        self._host = host
        self._scripts = _find_scripts(static)
        self._template = _TEMPLATES.get_template("look.html")

    def write(
        self, tongue: Tongue, *, code: ShortCode | None, node: str | None = None, said: Sentence | None = None
    ) -> bytes:
        """Return the page, UTF-8.

        Args:
            tongue: language of the page.
            code: whose proof is looked up; None: there is nothing to look up.
            node: from `parse_node_origin`; None: nobody has chosen one.
            said: what is wrong with what was asked for.
        """
        language = tongue.language

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        contract = self._policy.contract
        page = self._template.render(
            t=t,
            language=language.value,
            is_asked=tongue.is_asked,
            style=STYLE,
            development=self._policy.development,
            scripts=self._scripts,
            looks=list_looks(language),
            code=code,
            spaced_code=None if code is None else format_code(code),
            node=node,
            said=None if said is None else say(said, language),
            chain_id=None if contract is None else contract.chain.chain_id,
            host=self._host,
        )
        return page.encode()


def _find_scripts(static: StaticFiles) -> _Scripts | None:
    found = [
        static.address(*place) for place in (("page", "look.js"), ("page", "look.css"), ("verifier", PACK))
    ]
    if None in found:
        return None
    return _Scripts(*(address for address in found if address is not None))
