"""The page of a pack that checks the pack itself: one file, opened by a double click, without network.

Everything is in it: the verifier's modules, the curves of @noble, the tables of regulations, policy and proofs. A
browser lets no page of a folder read the files beside it, so they stand in the page as data; files of the folder,
or others, can be dropped on it. Its content policy lets the one script with its digest run, and nothing be fetched.

Whoever packs writes the data, so nothing stands in them that decides what a verdict looks like or as of when it is
given: words, styles and icons are part of the script, whose digest is one for all packs, and the time is that of
the proofs.

>>> write_page(PageContent(...))[:15]
b'<!doctype html>'
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.evidence.archive import PackFile
from api.evidence.curves import pack_curves
from api.evidence.judging import Judged
from api.evidence.telling import ToldHistory, describe_events
from api.evidence.words import FILE_WORDS
from api.shown import RELIED_ON, Shown
from api.web.detail_words import EVENTS, ISSUED, REPLACED
from api.web.pages import STYLE
from api.web.words import LOOKS
from ledger.core.data import read_tables
from ledger.core.policy import Policy
from ledger.core.qr import format_code
from ledger.core.step import Sentence
from verifier.browser import pack_modules
from verifier.report import DISCLAIMER

TEMPLATES: Final = Environment(
    loader=PackageLoader("api.evidence", "assets"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ESCAPES: Final = str.maketrans(
    {letter: f"\\u{ord(letter):04x}" for letter in ("<", ">", "&", "\u2028", "\u2029")}
)
"""So that no text ends the element that it stands in, whatever it says."""
_FORBIDDEN: Final = ("</script", "<!--", "\r", "\0")
"""What a script in a page may not hold: a parser would end it, or read it as something else."""


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page is made from."""

    judged: Judged
    bundle: bytes
    newest: bytes | None
    policy: Policy
    policy_raw: bytes
    history: ToldHistory | None
    host: str
    files: Sequence[PackFile]
    """Beside the page, to be compared when they are dropped on it."""


def write_page(content: PageContent) -> bytes:
    """Return the page, UTF-8."""
    style, script = _build_style(), build_script()
    page = TEMPLATES.get_template("page.html").render(
        code=format_code(content.judged.code),
        development=content.policy.development,
        style=style,
        script=script,
        data=embed_json(_build_data(content)),
        security=f"default-src 'none'; script-src {name_source(script)}; style-src {name_source(style)}; "
        "img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'",
    )
    return page.encode()


@cache
def build_script() -> str:
    """Return the one script of every page: the verifier, the curves, and what shows their answers, in which words.

    Raises:
        ValueError: it holds what would end it before its end.
    """
    noble = files("api.web").joinpath("static", "vendor", "noble")
    words = f"const LOOKS = {embed_json(_build_looks())};\nconst WORDS = {embed_json(_build_words())};\n"
    shows = f"{words}{read_asset('words.js')}{read_asset('page.js')}"
    script = f"{pack_modules().decode()}{pack_curves(noble)}{shows}"
    if any(each in script.lower() for each in _FORBIDDEN):
        raise ValueError("the page's script holds what would end it")
    return script


def compute_script_digest() -> str:
    """Return SHA-256 over that script, hex: what authorities can publish, and people compare."""
    return hashlib.sha256(build_script().encode()).hexdigest()


def embed_json(value: Mapping[str, Any]) -> str:
    """Return JSON that can stand inside a script element of a page."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def _build_data(content: PageContent) -> dict[str, Any]:
    judged, history = content.judged, content.history
    return {
        "code": judged.code,
        "host": content.host,
        "shown": judged.shown.value,
        "bundle": content.bundle.decode(),
        "newest": None if content.newest is None else content.newest.decode(),
        "policy": content.policy_raw.decode(),
        "rules": read_tables(),
        "events": None if history is None else describe_events(history.events),
        "is_cut": history is not None and history.is_cut,
        "files": [{"name": file.name, "sha256": file.digest} for file in content.files],
    }


def _build_style() -> str:
    """Return the one style of every page; the script knows its digest, and takes any other off."""
    return f"{STYLE}\n{read_asset('page.css')}".strip()


def _build_looks() -> dict[str, Any]:
    """Return what each verdict looks like."""
    return {
        shown.value: {
            "style": look.style,
            "icon": look.icon,
            "headline": _say(look.headline),
            "sentence": _say(look.sentence),
        }
        for shown, look in LOOKS.items()
    }


def _build_words() -> dict[str, Any]:
    """Return what else the page says by a name."""
    return {
        "relied_on": [shown.value for shown in RELIED_ON],
        "dated": [shown.value for shown in (*RELIED_ON, Shown.EXPIRED)],
        "disclaimer": _say(DISCLAIMER),
        "files": {name: _say(what) for name, what in FILE_WORDS.items()},
        "events": {event_type.name: _say(words) for event_type, words in EVENTS.items()},
        "issued": {
            f"{kind.value} {str(passed).lower()}": _say(words) for (kind, passed), words in ISSUED.items()
        },
        "replaced": _say(REPLACED),
        "style": hashlib.sha256(_build_style().encode()).hexdigest(),
    }


def _say(sentence: Sentence) -> dict[str, str]:
    return {"en": sentence.en, "zh": sentence.zh}


def name_source(text: str) -> str:
    """Return how a content policy names a script or a style in the page itself."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@cache
def read_asset(name: str) -> str:
    """Return a file of the folder `assets`."""
    return files("api.evidence").joinpath("assets", name).read_text(encoding="utf-8")
