"""A site and its pledges -> page: everything escaped, no script, and no pledge in the look of a certificate.

>>> SitePageWriter(policy, "v.example.cn").write(view, choose_language("zh-CN", None))
b'<!doctype html>...'
"""

import base64
import hashlib
from datetime import date
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Language, Tongue
from api.sites.instruments import NoWord, Standing, find_shown
from api.sites.paging import cut_page
from api.sites.view import Pledge, PledgeShown, SiteView, is_open
from api.web.words import LOOKS, say, say_date, say_instant, say_zone
from ledger.core.authority import InstitutionContent
from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId
from ledger.core.pledge import Paragraphs, PledgeState
from ledger.core.policy import Policy
from ledger.core.register_fields import Name
from ledger.core.regulation import RuleBook
from ledger.core.site import SiteKind
from ledger.core.step import Sentence
from ledger.place_reading import LoggedPledge
from verifier.report import STATUS_WORDS, DocumentStatus

SITE_STYLE: Final = files("api.web").joinpath("templates/site.css").read_text(encoding="utf-8").strip()
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(SITE_STYLE.encode()).digest()).decode()
SITE_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Content security policy of these pages: one style sheet, no script, forms of our own."""

SELF_DECLARED: Final = Sentence("Self-declared, not verified", "自我承诺，未经核验")
"""What stands on every pledge."""

NOT_PROVED: Final = Sentence(
    "That a record is in its period of validity does not show that the instrument measures right now. Compare "
    "nameplate and seals, use a fair scale, or call 12315.",
    "检定记录在有效期内，不证明此刻称量准确；请核对铭牌、铅封，可用公平秤复称或拨打12315。",
)
"""What the states on a page do not say."""

UNSURE: Final = Sentence(
    "This server's records may be out of date: what stands here may have changed since.",
    "本站记录可能已过时：以下内容此后可能已变化。",
)
"""Where nothing good is said of any instrument."""

NO_VERIFICATION: Final = Sentence("no verification in the ledger", "账本中无检定记录")

KINDS: Final = {
    SiteKind.MARKET: Sentence("Market", "集贸市场"),
    SiteKind.FUEL_STATION: Sentence("Petrol station", "加油站"),
    SiteKind.SHOP: Sentence("Shop", "商店"),
    SiteKind.CHARGING_STATION: Sentence("Charging station", "充电站"),
    SiteKind.OTHER: Sentence("Place of business", "经营场所"),
}
_PLEDGE_STATES: Final = {
    PledgeState.ACTIVE: Sentence("made", "作出"),
    PledgeState.CHANGED: Sentence("changed", "变更"),
    PledgeState.WITHDRAWN: Sentence("withdrawn", "撤回"),
}
SHORT_ID: Final = 8
"""Digits of an instrument's id that tell two in a list apart."""

_ODD: Final = {
    DocumentStatus.CALIBRATED,
    DocumentStatus.PAPER,
    DocumentStatus.SUPERSEDED,
    DocumentStatus.EXPIRED,
    DocumentStatus.SERVICE_LIFE_ENDED,
    DocumentStatus.NEEDS_REVERIFICATION,
    DocumentStatus.SUSPENDED,
}
_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def describe_state(status: DocumentStatus | NoWord | None, language: Language) -> dict[str, str]:
    """Return how an instrument's state is shown in a list: word, icon and tone, never colour alone."""
    look = LOOKS[find_shown(status)]
    if status is None:
        return {"word": say(NO_VERIFICATION, language), "icon": look.icon, "tone": "none"}
    if isinstance(status, NoWord):
        return {"word": say(look.headline, language), "icon": look.icon, "tone": "unchecked"}
    tone = "good" if status is DocumentStatus.VALID else "odd" if status in _ODD else "bad"
    return {"word": say(STATUS_WORDS[status], language), "icon": look.icon, "tone": tone}


def name_category(category: Category | None, book: RuleBook, language: Language) -> str:
    """Return what a kind of instrument is called."""
    unknown = Sentence("Instrument", "计量器具")
    if category is None:
        return say(unknown, language)
    try:
        rule = book.rules_of(category)[0]
    except InputError:
        return say(unknown, language)
    return rule.name_zh if language is Language.ZH else rule.name_en


class SitePageWriter:
    """Writes the pages of sites."""

    def __init__(self, policy: Policy, host: str, book: RuleBook, report_path: str | None = None) -> None:
        """Take what stands on every page.

        Args:
            policy: names the zone, and whether this is for real.
            host: name of the site, as it stands in QR codes.
            book: names the kinds of instruments.
            report_path: where people report an instrument without a certificate, with its query, from the root of
                the site; None: nowhere.
        """
        self._policy = policy
        self._host = host
        self._book = book
        self._report_path = report_path

    def write(self, view: SiteView, tongue: Tongue, number: int = 1) -> bytes:
        """Return a page of a site, UTF-8.

        Args:
            view: the site.
            tongue: language of the page.
            number: which page of the instruments, from 1; beyond the last one it is that.
        """
        language, content = tongue.language, view.content
        page = cut_page(view, number)
        fair = [self._card(each, view.checked_on, language) for each in page.fair_scales]
        lines = [self._card(each, view.checked_on, language) for each in page.instruments]
        in_order = any(each.is_in_order for each in (*view.fair_scales, *view.instruments))
        return self._render(
            "site.html",
            tongue,
            up="../../",
            here=content.site.id,
            name=say_name(content.name, language),
            second_name=_say_other(content.name, language),
            second_language="en" if language is Language.ZH else "zh-CN",
            kind=say(KINDS[content.kind], language),
            division=content.division,
            address=None if content.address is None else say_name(content.address, language),
            owner=None if content.owner is None else _say_organisation(view.owner, content.owner, language),
            keeper=_say_organisation(view.keeper, content.site.keeper, language),
            is_behind=view.is_behind,
            warning=say(UNSURE, language) if view.is_unsure else None,
            is_closed=not is_open(content),
            fair=fair,
            lines=lines,
            count=len(view.instruments),
            is_one_of_many=page.last > 1,
            where=say(
                Sentence(f"Page {page.number} of {page.last}", f"第 {page.number} 页，共 {page.last} 页"),
                language,
            ),
            before=None if page.number == 1 else _link_page(page.number - 1, tongue),
            after=None if page.number == page.last else _link_page(page.number + 1, tongue),
            other_link=_link_page(page.number, _other(tongue)),
            pledges=[self.describe_pledge(each, language) for each in view.pledges if page.number == 1],
            disclaimer=say(NOT_PROVED, language) if in_order else None,
            report_link=self._link_report("../../", tongue),
            checked_on=f"{say_date(view.checked_on, language)} · {say_zone(self._policy.zone, language)}",
            as_of=say_instant(view.as_of, self._policy.zone, language),
            leaf_index=view.site.index,
        )

    def name_category(self, category: Category | None, language: Language) -> str:
        """Return what a kind of instrument is called."""
        return name_category(category, self._book, language)

    def write_nothing(self, headline: Sentence, sentence: Sentence, tongue: Tongue, find_link: str) -> bytes:
        """Return the page where there is no such site, or nobody could look."""
        return self._render(
            "place_nothing.html",
            tongue,
            headline=say(headline, tongue.language),
            sentence=say(sentence, tongue.language),
            find_link=f"{find_link}{_query(tongue)}",
        )

    def write_found(self, members: dict[str, Any], tongue: Tongue) -> bytes:
        """Return the page of the search, with its forms; `members` as `find.html` names them."""
        asked = tongue.language[:2] if tongue.is_asked else None
        report = {"report_link": self._link_report("", tongue), "asked_language": asked}
        return self._render("find.html", tongue, **report, **members)

    def _link_report(self, up: str, tongue: Tongue) -> str | None:
        """Return where the form is, in the language of this page if that was chosen."""
        if self._report_path is None:
            return None
        return f"{up}{self._report_path}{_query(tongue).replace('?', '&')}"

    def _render(self, template: str, tongue: Tongue, **members: Any) -> bytes:  # noqa: ANN401 -- what the template names
        language = tongue.language

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        other_link = "?lang=en" if language is Language.ZH else "?lang=zh"
        page = _TEMPLATES.get_template(template).render(
            t=t,
            language=language.value,
            other_link=members.pop("other_link", other_link),
            query=_query(tongue),
            style=SITE_STYLE,
            development=self._policy.development,
            host=self._host,
            **members,
        )
        return page.encode()

    def _card(self, standing: Standing, today: date, language: Language) -> dict[str, Any]:
        return {
            **describe_state(standing.status, language),
            "id": encode_hex(standing.id),
            "name": standing.name or name_category(standing.category, self._book, language),
            "model": standing.model,
            "serial": standing.serial,
            "short": encode_hex(standing.id)[:SHORT_ID],
            "due": None if isinstance(standing.status, NoWord) else say_due(standing, today, language),
        }

    def describe_pledge(self, pledge: Pledge, language: Language) -> dict[str, Any]:
        """Return a pledge as the template `pledge_box.html` shows it, with all its versions."""
        content = pledge.newest.content
        promise = content.promise
        whole = Sentence("The owner's pledge for all its sites", "经营者对其全部场所的诚信计量承诺")
        own = Sentence("The owner's pledge for this site", "经营者对本场所的诚信计量承诺")
        stands = pledge.shown is PledgeShown.STANDS and promise is not None
        return {
            "title": say(whole if content.site is None else own, language),
            "tag": say(SELF_DECLARED, language),
            "stands": stands,
            "said": _say_end(pledge, language),
            "text": None if promise is None else _order(promise.text, language),
            "compensation": None
            if promise is None or promise.compensation is None
            else _order(promise.compensation, language),
            "dates": self._say_dates(pledge.newest, language),
            "history": [
                {
                    "said": self._say_version(each, language),
                    "text": [] if each.content.promise is None else [*each.content.promise.text.zh],
                }
                for each in pledge.versions
            ],
        }

    def _say_dates(self, version: LoggedPledge, language: Language) -> str:
        until = None if version.content.promise is None else version.content.promise.until
        made = f"{say(Sentence('Made on ', '承诺日期：'), language)}{say_date(version.content.made_on, language)}"
        if until is None:
            return (
                f"{made} · {say(Sentence('until it is changed or withdrawn', '至变更或撤回为止'), language)}"
            )
        return f"{made} · {say(Sentence('until ', '有效至：'), language)}{say_date(until, language)}"

    def _say_version(self, version: LoggedPledge, language: Language) -> str:
        state = say(_PLEDGE_STATES[version.content.state], language)
        logged = say_instant(version.sequenced_at, self._policy.zone, language)
        entry = say(Sentence("ledger entry", "账本条目"), language)
        return f"{say_date(version.content.made_on, language)} {state} · {entry} {version.index} ({logged})"


def _link_page(number: int, tongue: Tongue) -> str:
    """Return where a page of the same site is; the first one has no number."""
    asked = ([f"page={number}"] if number > 1 else []) + (
        [f"lang={tongue.language[:2]}"] if tongue.is_asked else []
    )
    return f"?{'&'.join(asked)}"


def _other(tongue: Tongue) -> Tongue:
    return Tongue(Language.EN if tongue.language is Language.ZH else Language.ZH, is_asked=True)


def say_name(name: Name, language: Language) -> str:
    """Return a name in one language; in Chinese where there is no other."""
    return name.zh if language is Language.ZH or name.en is None else name.en


def say_due(standing: Standing, today: date, language: Language) -> str | None:
    """Return until when an instrument's verification holds, in words with the days that are left or over."""
    until = standing.valid_until
    if until is None:
        is_endless = standing.validity_kind is ValidityKind.NONE and standing.is_in_order
        return say(Sentence("Without a date of expiry", "无有效期限"), language) if is_endless else None
    is_life = standing.validity_kind is ValidityKind.SERVICE_LIFE
    words = Sentence("To be used until ", "限期使用至 ") if is_life else Sentence("Valid until ", "有效期至 ")
    left = (until - today).days
    if left < 0:
        rest = Sentence(f"{_count_days(-left)} over", f"已过 {-left} 天")
    else:
        rest = Sentence(
            f"{_count_days(left)} left" if left else "last day", f"还有 {left} 天" if left else "最后一天"
        )
    return f"{say(words, language)}{say_date(until, language)} ({say(rest, language)})"


def _count_days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _query(tongue: Tongue) -> str:
    return f"?lang={tongue.language[:2]}" if tongue.is_asked else ""


def _say_other(name: Name, language: Language) -> str | None:
    """Return a name in the other language, if there is one."""
    return None if name.en is None else name.en if language is Language.ZH else name.zh


def _say_organisation(
    content: InstitutionContent | None, organisation: InstitutionId, language: Language
) -> str:
    return organisation if content is None else f"{say_name(content.name, language)} ({organisation})"


def _say_end(pledge: Pledge, language: Language) -> str | None:
    content = pledge.newest.content
    if pledge.shown is PledgeShown.WITHDRAWN:
        day = say_date(content.made_on, language)
        return say(Sentence(f"The owner withdrew it on {day}.", f"经营者已于{day}撤回该承诺。"), language)
    if (
        pledge.shown is PledgeShown.ENDED
        and content.promise is not None
        and content.promise.until is not None
    ):
        day = say_date(content.promise.until, language)
        return say(Sentence(f"It held until {day}.", f"该承诺有效至{day}，现已到期。"), language)
    return None


def _order(words: Paragraphs, language: Language) -> dict[str, Any]:
    """Return paragraphs, those in the page's language first."""
    if language is Language.ZH or not words.en:
        return {"first": words.zh, "second": words.en, "second_language": "en"}
    return {"first": words.en, "second": words.zh, "second_language": "zh-CN"}
