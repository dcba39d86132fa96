"""What a client would rather have: which media type, language and compression (RFC 9110 §12.5).

>>> choose_language("en-GB,en;q=0.9,zh;q=0.1", asked=None).language
<Language.EN: 'en'>
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_MAX_ITEMS = 32


class Coding(StrEnum):
    """Ways to compress, as `Content-Encoding` spells them."""

    BROTLI = "br"
    GZIP = "gzip"


class Language(StrEnum):
    """Languages of the pages, as the `lang` attribute spells them."""

    ZH = "zh-CN"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language, and whether the address asks for it; links then keep it."""

    language: Language
    is_asked: bool


def choose_language(accepted: str, asked: str | None) -> Tongue:
    """Return the language of a page; Chinese unless English is asked for or preferred.

    Args:
        accepted: header `Accept-Language`, possibly empty.
        asked: parameter `lang`: `zh` or `en`; anything else does not count.
    """
    for language in Language:
        if asked == language[:2]:
            return Tongue(language, is_asked=True)
    weights = _read_weights(accepted)
    best = max(Language, key=lambda language: _weigh_language(weights, language[:2]))
    return Tongue(best, is_asked=False)


def prefers_json(accepted: str) -> bool:
    """Return whether a client would rather have JSON than a page; those that do not care get the page."""
    weights = _read_weights(accepted)
    return _weigh_type(weights, "application/json") > _weigh_type(weights, "text/html")


def names_html(accepted: str) -> bool:
    """Return whether a client asks for pages by name, as browsers do that go to an address."""
    return _read_weights(accepted).get("text/html", 0.0) > 0 and not prefers_json(accepted)


def choose_coding(accepted: str, offered: Sequence[Coding]) -> Coding | None:
    """Return how a body is compressed for a client (RFC 9110 §12.5.3); None: not at all.

    Args:
        accepted: header `Accept-Encoding`; a client that does not say what it takes takes none.
        offered: what there is, the smallest first; it comes before what the client takes as willingly.
    """
    if not accepted or not offered:
        return None
    weights = _read_weights(accepted.replace("x-gzip", "gzip"))
    rest = weights.get("*", 0.0)
    best = max(offered, key=lambda coding: weights.get(coding, rest))
    return best if weights.get(best, rest) > 0 else None


def _weigh_language(weights: dict[str, float], language: str) -> float:
    given = [weight for name, weight in weights.items() if name.partition("-")[0] == language]
    return max(given, default=weights.get("*", 0.0))


def _weigh_type(weights: dict[str, float], media_type: str) -> float:
    main = media_type.partition("/")[0]
    return next((weights[name] for name in (media_type, f"{main}/*", "*/*") if name in weights), 0.0)


def _read_weights(header: str) -> dict[str, float]:
    """Return name -> weight of the items of a header; what cannot be read weighs nothing."""
    weights: dict[str, float] = {}
    for item in header.split(",")[:_MAX_ITEMS]:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name:
            weights[name] = _read_weight(parameters)
    return weights


def _read_weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            text = parameter[2:]
            # RFC 9110 §12.4.2: 0 to 1, up to three decimals.
            return float(text) if text in {"0", "1"} or _is_fraction(text) else 0.0
    return 1.0


def _is_fraction(text: str) -> bool:
    whole, _, decimals = text.partition(".")
    return whole in {"0", "1"} and decimals.isascii() and decimals.isdigit() and len(decimals) <= 3
