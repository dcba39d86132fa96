"""What stands under a verdict as a remark: what a check warns of, in words for whoever stands at the instrument.

Members of the record are named further down, where every step has its own words.

>>> say_warning(check, None, zone, Language.EN)
'The log took it 38 days after the verification.'
"""

from datetime import date, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from api.ended import Ended
from api.negotiation import Language
from api.web.words import say, say_date
from ledger.core.judging import SINCE
from ledger.core.register_fields import RegisterState
from ledger.core.step import Check, Sentence, Step

_STATES: Final = MappingProxyType(
    {
        RegisterState.SUSPENDED: Sentence("suspended", "暂停"),
        RegisterState.WITHDRAWN: Sentence("withdrawn", "撤销"),
    }
)


SOON: Final = timedelta(days=30)
"""How long before the last day the days that are left are counted."""


def say_days_left(until: date, today: date, language: Language) -> str | None:
    """Return how many days a document has left, shortly before its last one; None: more, or none.

    Args:
        until: its last day, which counts.
        today: in the zone of its dates.
        language: of the page.
    """
    left = (until - today).days
    if not 0 <= left <= SOON.days:
        return None
    words = {
        0: Sentence("Today is the last day", "今天到期"),
        1: Sentence("Tomorrow is the last day", "明天到期"),
    }
    return say(words.get(left, Sentence(f"{left} days left", f"还有{left}天到期")), language)


def say_warning(check: Check, ended: Ended | None, zone: ZoneInfo, language: Language) -> str:
    """Return what a step warns of.

    Args:
        check: with a warning.
        ended: what has ended of the authority behind the document.
        zone: in which days begin.
        language: of the page.
    """
    if SINCE.en not in check.reason.en:
        return say(check.reason, language)
    if check.step is Step.SCOPE and ended is not None:
        return _say_ended(ended, zone, language)
    title = check.step.title
    words = Sentence(
        f"What was registered after the issue speaks against it ({title.en}); see the steps below.",
        f"签发之后有与其不符的登记（{title.zh}），详见下方全部步骤。",
    )
    return say(words, language)


def _say_ended(ended: Ended, zone: ZoneInfo, language: Language) -> str:
    day, state = ended.registered_at.astimezone(zone).date(), _STATES[ended.state]
    which = Sentence("", "") if ended.is_institution else Sentence(" for this", "本项")
    words = Sentence(
        f"The institution's authorisation{which.en} has been {state.en} (registered {say_date(day, Language.EN)}). "
        "This certificate was issued before that was registered. If in doubt, call 12315.",
        f"签发机构的{which.zh}授权已被{state.zh}（{say_date(day, Language.ZH)}登记），"
        "本证书签发在该登记之前；如有疑问请拨打12315。",
    )
    return say(words, language)
