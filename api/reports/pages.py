"""Pages about reports on the public site: two ways, the form, the case; without any script.

>>> pages = ReportPages("v.example.cn", policy, zone, 1095)
>>> pages.write_case(shown, tongue, has_proof=True, came=None)
b'<!doctype html>...'
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Language, Tongue
from api.reports.case_code import CaseCode, format_case_code
from api.reports.directory import Taker
from api.reports.form import FIELDS, Fault
from api.reports.intake import Shown
from api.reports.kinds import INSTRUMENTS, ROUTES, About, Route
from api.web.words import say, say_date, say_instant
from ledger.core.policy import Policy
from ledger.core.register_fields import Name
from ledger.core.step import Sentence

_FOLDER: Final = files("api.web").joinpath("templates")
STYLE: Final = "\n".join(
    _FOLDER.joinpath(name).read_text(encoding="utf-8").strip() for name in ("page.css", "report/report.css")
)
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
    "X-Robots-Tag": "noindex",
}
"""No picture, no script, no other site; nothing is kept by anybody on the way."""
_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class ReportPages:
    """Writes the pages of one site."""

    def __init__(self, host: str, policy: Policy, zone: ZoneInfo, keep_days: int) -> None:
        self._host = host
        self._policy = policy
        self._zone = zone
        self._keep_days = keep_days

    def write_choice(self, asked: Mapping[str, str], tongue: Tongue) -> bytes:
        """Return the page with the two ways; what the address asks for goes along."""
        addresses = [(route, self._address({**asked, "route": route.value}, tongue)) for route in Route]
        return self._write("choice", tongue, asked, addresses=addresses)

    def write_form(
        self,
        route: Route,
        values: Mapping[str, str],
        code: CaseCode,
        takers: Sequence[Taker],
        tongue: Tongue,
        faults: Sequence[Fault] = (),
        sentence: str | None = None,
    ) -> bytes:
        """Return the form.

        Args:
            route: which way.
            values: what stands in the fields.
            code: the case code that the report will have.
            takers: who takes reports here.
            tongue: language of the page.
            faults: what is wrong with the fields.
            sentence: why it was not taken, if that is no field's fault.
        """
        asked = {name: values[name] for name in ("code", "about", "scan") if values.get(name)}
        return self._write(
            "form",
            tongue,
            asked | {"route": route},
            route=route,
            values=values,
            case=code,
            takers=takers,
            abouts=list(About),
            instruments=INSTRUMENTS,
            fields=FIELDS,
            faults={fault.field: fault.words for fault in faults},
            sentence=sentence,
            keep_days=self._keep_days,
        )

    def write_case(self, shown: Shown, tongue: Tongue, *, has_proof: bool, came: str | None) -> bytes:
        """Return the page of a case: state, clocks, public outcome, and where it is in the ledger.

        Args:
            shown: the case.
            tongue: language of the page.
            has_proof: whether the log gives a proof of its leaf by now.
            came: "1" right after it was sent, "0" after its form was sent once more; anything else: later.
        """
        known, language = shown.known, tongue.language
        history = [
            (self._say_at(one.at_ms, language), one.state.say(known.route), one.sentence)
            for one in known.answers
        ]
        return self._write(
            "case",
            tongue,
            {},
            up="../",
            code=format_case_code(shown.code),
            route=known.route,
            taken_at=say_instant(shown.taken_at, self._zone, language),
            taker=shown.taker,
            state=shown.state.say(known.route),
            history=history,
            clocks=shown.clocks,
            leaf_index=shown.leaf_index,
            has_proof=has_proof,
            digest=known.digest.hex(),
            waited=_say_span(shown.waited, language),
            came=came,
        )

    def write_problem(
        self, sentence: str, tongue: Tongue, asked: Mapping[str, str] | None = None, *, up: str = ""
    ) -> bytes:
        """Return a page with one sentence.

        Args:
            sentence: what is wrong.
            tongue: language of the page.
            asked: what the address asks for; goes along into the other language.
            up: from the page to the root of the site.
        """
        return self._write("problem", tongue, asked or {}, up=up, sentence=sentence)

    def _say_at(self, milliseconds: int, language: Language) -> str:
        return say_instant(datetime.fromtimestamp(milliseconds / 1000, self._zone), self._zone, language)

    def _address(self, asked: Mapping[str, str], tongue: Tongue) -> str:
        words = dict(asked) | ({"lang": tongue.language[:2]} if tongue.is_asked else {})
        return "report?" + urlencode(words)

    def _write(
        self,
        name: str,
        tongue: Tongue,
        asked: Mapping[str, str],
        *,
        up: str = "",
        **values: Any,  # noqa: ANN401 -- what a template shows
    ) -> bytes:
        language = tongue.language
        other = "zh" if language is Language.EN else "en"

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        def name_of(given: Name) -> str:
            return (given.en or given.zh) if language is Language.EN else given.zh

        page = _TEMPLATES.get_template(f"report/{name}.html").render(
            t=t,
            say=lambda sentence: say(sentence, language),
            say_date=lambda day: say_date(day, language),
            name_of=name_of,
            language=language.value,
            other=f"?{urlencode(dict(asked) | {'lang': other})}",
            up=up,
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
            style=STYLE,
            development=self._policy.development,
            host=self._host,
            routes=ROUTES,
            **values,
        )
        return page.encode()


def _say_span(span: timedelta, language: Language) -> str:
    minutes = max(0, int(span.total_seconds()) // 60)
    days, hours = divmod(minutes // 60, 24)
    if minutes == 0:
        return say(Sentence("less than a minute", "不到1分钟"), language)
    if days:
        return say(Sentence(f"{days} d {hours} h", f"{days}天{hours}小时"), language)
    return say(Sentence(f"{hours} h {minutes % 60} min", f"{hours}小时{minutes % 60}分钟"), language)
