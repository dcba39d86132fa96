"""The page of the scanner: what was handed in or typed, and what to do next.

>>> ScanPage(policy).write(choose_language("zh-CN", None))
b'<!doctype html>...'
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Tongue
from api.scanned import Foreign
from api.shown import RELIED_ON, Shown
from api.uploads import FileFinding
from api.web.looks import list_looks
from api.web.pages import STYLE, STYLE_SOURCE
from api.web.words import LOOKS, say
from ledger.core.policy import Policy
from ledger.core.step import Sentence, Step
from verifier.report import DISCLAIMER

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        f"style-src 'self' {STYLE_SOURCE}",
        "worker-src 'self'",
        "media-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
"""Content security policy of the scanner, and of nothing else: it alone runs WebAssembly and has a camera."""

_IMITATION: Final = (
    Sentence("Careful: this code imitates this site", "当心：该二维码冒充本站"),
    Sentence(
        "It is not printed as we print it. Enter nothing there, pay nothing, and report it: call 12315.",
        "其网址并非本站所印制。请勿打开、勿输入信息、勿付款，可拨打12315举报。",
    ),
)
_ELSEWHERE: Final = (
    Sentence("This code leads to another site", "该二维码指向其他网站"),
    Sentence(
        "It says nothing about this instrument. Look for the verification sticker.",
        "它不能说明该器具是否检定合格，请查找检定合格标志。",
    ),
)
_INTACT: Final = Sentence("The file is unaltered, as it was issued.", "文件完整，与签发时一致。")
_UNSHOWN: Final = Sentence(
    "Nothing shows that this file is as it was issued.", "无法确认该文件与签发时一致。"
)
_NOT_HELD: Final = Sentence(
    "This server does not hold the document, so it cannot say how it stands now.",
    "本站没有该文件的记录，无法说明其现行状态。",
)
_ALTERED: Final = Sentence(
    "This file is not what was issued. Do not rely on it, and read the issued document instead.",
    "该文件与签发内容不符，请勿依据；请以登记的原件为准。",
)
_UNPROVED: Final = Sentence(
    "Nothing shows that this file is as it was issued. Do not rely on it, and read the issued document instead.",
    "无法确认该文件与签发时一致，请勿依据；请以登记的原件为准。",
)
"""Where the file holds together, but its signature does not speak for it: perhaps it was issued so."""
_READ_INSTEAD: Final = Sentence(
    "This does not mean that the certificate is invalid: read the document as it is registered here.",
    "这不代表证书无效；请以本站登记的原件为准。",
)
_NOT_LOGGED: Final = Sentence(
    "Nothing in this register shows that this supplement was issued.", "登记中没有该补充件的签发记录。"
)
_OF_THE_PARTS: Final = {Step.INTEGRITY, Step.BINDING}
_OWN_WORD: Final = Sentence("The above is the verdict of this server.", "以上是本服务器的核验结论。")

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands above the forms."""

    style: str
    title: str
    sentences: tuple[str, ...]
    icon: str | None = None
    site: str | None = None
    code: str | None = None
    notes: tuple[str, ...] = ()
    """Below it: whose verdict it is, and what it does not prove."""


class ScanPage:
    """Writes the pages of the scanner of one site."""

    def __init__(self, policy: Policy) -> None:
        """Take what the page says of itself."""
        self._policy = policy
        self._template = _TEMPLATES.get_template("scan.html")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of this site, as they are printed."""
        return self._policy.hosts

    def write(
        self, tongue: Tongue, *, outcome: Outcome | None = None, said: str | None = None, typed: str = ""
    ) -> bytes:
        """Return the page, UTF-8.

        Args:
            tongue: language of the page.
            outcome: of what was handed in.
            said: one sentence, where there is no outcome.
            typed: what was typed, to be corrected.
        """
        language = tongue.language

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        page = self._template.render(
            t=t,
            language=language.value,
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
            style=STYLE,
            development=self._policy.development,
            hosts=orjson.dumps(self._policy.hosts).decode(),
            names=self._policy.hosts,
            looks=list_looks(language),
            outcome=outcome,
            said=said,
            typed=typed,
        )
        return page.encode()


def describe_foreign(foreign: Foreign, tongue: Tongue) -> Outcome:
    """Return the warning of a code that is not ours."""
    title, sentence = _IMITATION if foreign.is_look_alike else _ELSEWHERE
    shown = Shown.TAMPERED if foreign.is_look_alike else Shown.NOT_FOUND
    return Outcome(
        LOOKS[shown].style,
        say(title, tongue.language),
        (say(sentence, tongue.language),),
        icon=LOOKS[shown].icon,
        site=foreign.site,
    )


def describe_file(finding: FileFinding, shown: Shown, tongue: Tongue) -> Outcome:
    """Return what is said of a document that was handed in."""
    language, look = tongue.language, LOOKS[shown]
    sentences = [*_judge_file(finding), *_say_how_it_stands(finding, shown)]
    code = None if finding.now is None else finding.now.code
    return Outcome(
        look.style,
        say(look.headline, language),
        tuple(say(sentence, language) for sentence in sentences),
        icon=look.icon,
        code=code,
        notes=tuple(
            say(note, language) for note in [_OWN_WORD, *([DISCLAIMER] if shown in RELIED_ON else [])]
        ),
    )


def _judge_file(finding: FileFinding) -> Iterator[Sentence]:
    """Say whether the file is as it was issued, and if that does not show, why."""
    if finding.is_altered:
        failed = {check.step for check in finding.failures}
        yield _ALTERED if failed & _OF_THE_PARTS else _UNPROVED
        yield from (check.reason for check in finding.failures)
    elif finding.is_intact:
        yield _INTACT
    else:
        yield _UNSHOWN
        for check in finding.doubts:
            yield _NOT_LOGGED if check.step is Step.INCLUSION else check.reason


def _say_how_it_stands(finding: FileFinding, shown: Shown) -> Iterator[Sentence]:
    """Say how the document of a file stands now; of an altered file that would only mislead."""
    if finding.is_altered:
        return
    if finding.now is None:
        yield _NOT_HELD
    elif shown is finding.now.shown:
        yield LOOKS[shown].sentence
    else:
        yield _READ_INSTEAD
