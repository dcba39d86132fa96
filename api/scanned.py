"""What a scanned or typed text is: a code of ours, an id to look up, a code of another site, or no code.

Only what is printed exactly as we print it is ours. A code of another site is never followed: who reads it
sees the name of that site, and a warning where it looks like ours.

>>> read_scanned("https://v.example.cn/c/Y0E5Q0BVPKA486WB", ["v.example.cn"])
Own(path='/c/Y0E5Q0BVPKA486WB')
>>> read_scanned("https://v.example.cn.check.top/c/Y0E5Q0BVPKA486WB", ["v.example.cn"])
Foreign(site='v.example.cn.check.top', is_look_alike=True)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.typed import fold_typed
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import ID_PATTERN, InstrumentId
from ledger.core.qr import ALPHABET, ShortCode, parse_code, parse_digits
from ledger.core.sticker import parse_sticker_id

MAX_TEXT: Final = 2048
"""Longest text that is looked at, in characters; the longest QR code holds more, ours never do."""
MAX_SITE: Final = 120
"""Longest name of a site that is shown."""

_ADDRESS: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}):[/\\]{2,}(?P<authority>[^/\\?#]*)")
_INSTRUMENT: Final = re.compile("[0-9a-f]{32}")
_SITE: Final = re.compile(f"{ID_PATTERN}/{ID_PATTERN}")
_CONFUSABLES: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "-": None, ".": None, "_": None})
_NEAR: Final = 2
"""Letters by which a name may differ from ours and still look like it."""
_COMMON: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
"""What stands before the ending of many names, and makes none look like another."""


@dataclass(frozen=True, slots=True)
class Own:
    """A code of this site."""

    path: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Sixteen symbols: the short code of a document, or the id of a sticker."""

    code: ShortCode


@dataclass(frozen=True, slots=True)
class Foreign:
    """An address of another site, or one that is not spelled as we print it."""

    site: str
    """Its name, in ASCII, cut to `MAX_SITE` characters."""
    is_look_alike: bool


def read_scanned(text: str, hosts: Sequence[str]) -> Own | Typed | Foreign:
    """Return what a text is.

    Args:
        text: as a scanner read it, or as somebody typed it.
        hosts: names of this site, as they are printed.

    Raises:
        MalformedDocumentError: neither an address nor 16 letters and digits with their check symbol.
    """
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise MalformedDocumentError(f"a code has at most {MAX_TEXT} characters", field="code")
    match = _ADDRESS.match(text)
    if match is None:
        return _read_bare(text, hosts) or Typed(_parse_typed(text))
    for host in hosts:
        own = _read_own(text, host)
        if own is not None:
            return own
    return _name_site(match["scheme"], match["authority"], hosts)


def is_look_alike(site: str, hosts: Sequence[str]) -> bool:
    """Tell whether people may take the name of a site for one of ours."""
    return any(_resembles(site.lower(), host.partition(":")[0]) for host in hosts)


def _read_bare(text: str, hosts: Sequence[str]) -> Own | Typed | None:
    """Return the code of an address of ours that somebody typed as labels are read: without `https://`."""
    typed = fold_typed(text)
    for host in hosts:
        if typed[: len(host) + 1].lower() != f"{host}/":
            continue
        kind, _, content = typed[len(host) + 1 :].partition("/")
        if kind.lower() in _OF_CODES:
            return Typed(_parse_typed(content))
        return _read_own(f"https://{host}/{kind}/{content}", host)
    return None


def _parse_typed(text: str) -> ShortCode:
    try:
        return parse_code(fold_typed(text))
    except InputError as err:
        raise MalformedDocumentError(err.reason, field="code") from err


def _read_own(text: str, host: str) -> Own | None:
    """Return the code of a text in the one spelling that is printed; None: it is not ours."""
    start = f"https://{host}/"
    if not text.startswith(start):
        return None
    kind, _, content = text.removeprefix(start).partition("/")
    try:
        _PARSERS[kind](content)
    except (KeyError, InputError):
        return None
    return Own(f"/{kind}/{content}")


def _parse_instrument(text: str) -> InstrumentId:
    if not _INSTRUMENT.fullmatch(text):
        raise MalformedDocumentError("no instrument has such an id")
    return InstrumentId(bytes.fromhex(text))


def _parse_site(text: str) -> str:
    """Return keeper and id of a site, as posters of pledges are printed."""
    if not _SITE.fullmatch(text):
        raise MalformedDocumentError("no site has such an address")
    return text


def _parse_plain(text: str) -> ShortCode:
    """Return a code that is spelled as it is printed, without what people may type otherwise."""
    if not set(text) <= set(ALPHABET):
        raise MalformedDocumentError("a code is printed in capital letters and digits")
    return parse_code(text)


_OF_CODES: Final = frozenset({"c", "s"})
_PARSERS: Final = {
    "q": parse_digits,
    "c": _parse_plain,
    "s": parse_sticker_id,
    "i": _parse_instrument,
    "site": _parse_site,
}


def _name_site(scheme: str, authority: str, hosts: Sequence[str]) -> Foreign:
    """Say whose an address is that is none of ours."""
    user, at, rest = authority.rpartition("@")
    site = _spell_site(rest)
    resembles = is_look_alike(site, hosts) or (at != "" and is_look_alike(_spell_site(user), hosts))
    return Foreign(site[:MAX_SITE] or f"{scheme}:", resembles)


def _spell_site(authority: str) -> str:
    """Return a name in ASCII: what only looks like our letters is spelled out (RFC 3492, `xn--`)."""
    name = re.sub(":[0-9]*$", "", authority).lower()
    if name.isascii():
        return ascii(name)[1:-1]
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return ascii(name)[1:-1]


def _resembles(site: str, own: str) -> bool:
    if own in site or any(label.startswith("xn--") for label in site.split(".")):
        return True
    names = set(own.split(".")[:-1]) - _COMMON
    if any(len(name) > _NEAR and name in site.split(".") for name in names):
        return True  # the same name under another ending, or before another name
    return _is_near(site.translate(_CONFUSABLES), own.translate(_CONFUSABLES))


def _is_near(one: str, other: str) -> bool:
    """Tell whether two names differ in at most `_NEAR` letters (Levenshtein)."""
    one, other = (text.replace("rn", "m").replace("vv", "w") for text in (one, other))
    if abs(len(one) - len(other)) > _NEAR:
        return False
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, against in enumerate(other, start=1):
            change = above[column - 1] + (letter != against)
            line.append(min(change, above[column] + 1, line[-1] + 1))
        above = line
    return above[-1] <= _NEAR
