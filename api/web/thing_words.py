"""What people read of stickers, instruments and their parts, beside the one verdict.

>>> say_thing(finding, ZoneInfo("Asia/Shanghai"), Language.ZH)
['截至2026年11月02日 16:05，本系统从未发放此码。']
"""

from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from api.negotiation import Language
from api.shown import Shown
from api.verdicts import Finding, PartFinding
from api.web.words import LOOKS, say, say_date, say_instant
from ledger.core.encoding import parse_instant
from ledger.core.qr import ShortCode, format_code
from ledger.core.step import Sentence
from ledger.core.sticker_proof import StickerStanding
from ledger.core.sticker_use import StickerReason
from verifier.report import StickerSummary
from verifier.sticker_proof import REASON_WORDS

NEVER: Final = Sentence(
    "This system had never given out this code as of {at}.", "截至{at}，本系统从未发放此码。"
)
STANDINGS: Final = MappingProxyType(
    {
        StickerStanding.UNUSED: Sentence(
            "Sticker {code}, given out to {whom}.", "贴纸{code}，发放给{whom}。"
        ),
        StickerStanding.BOUND: Sentence(
            "Sticker {code} of {whom}, in use here since {at}.", "贴纸{code}，{whom}，{at}起在此启用。"
        ),
        StickerStanding.REPLACED: Sentence(
            "Sticker {code} of {whom}, in use since {at}, replaced since.",
            "贴纸{code}，{whom}，{at}启用，此后已被更换。",
        ),
        StickerStanding.RELEASED: Sentence(
            "Sticker {code} of {whom}, out of use since {at}: {reason}.",
            "贴纸{code}，{whom}，{at}起停用：{reason}。",
        ),
    }
)
PART: Final = Sentence("For part {part} of the instrument.", "对应器具的部件{part}。")
SAME: Final = Sentence(
    "This record is about an instrument that was registered twice: it is the same one.",
    "该器具曾重复登记，以下记录为同一器具。",
)
SPLIT: Final = Sentence(
    "What was registered as one turned out to be several instruments; each must be verified again.",
    "该登记经查实为多台器具，均须重新检定。",
)
TAKES_LONG: Final = Sentence(
    "Issuing takes long, more than {days} days by now: please ask the institution.",
    "签发时间较长，已超过{days}天，请向检定机构查询。",
)
COVERED: Final = Sentence("by the certificate of the whole instrument", "随整机证书")


def say_thing(finding: Finding, zone: ZoneInfo, language: Language) -> list[str]:
    """Return what is said of the sticker, or the instrument, that was asked for."""
    sticker = None if finding.report is None else finding.report.sticker
    said = []
    if finding.shown is Shown.NEVER_GIVEN_OUT and finding.as_of is not None:
        said.append(say(NEVER, language).format(at=say_instant(finding.as_of, zone, language)))
    elif sticker is not None and sticker.standing in STANDINGS:
        said.append(_say_sticker(sticker, zone, language))
    if finding.overdue_after is not None:
        said.append(say(TAKES_LONG, language).format(days=finding.overdue_after.days))
    facts = finding.instrument
    part = None if facts is None else facts.part
    if part is None and finding.details is not None:
        part = finding.details.part
    if part is not None:
        said.append(say(PART, language).format(part=part))
    if facts is None:
        return said
    if facts.is_split:
        said.append(say(SPLIT, language))
    elif facts.is_same:
        said.append(say(SAME, language))
    return said


def _say_sticker(sticker: StickerSummary, zone: ZoneInfo, language: Language) -> str:
    reason = None if sticker.reason is None else REASON_WORDS[StickerReason(sticker.reason)]
    return say(STANDINGS[StickerStanding(sticker.standing)], language).format(
        code=format_code(ShortCode(sticker.id)),
        whom=sticker.institution or "",
        at="" if sticker.since is None else say_instant(parse_instant(sticker.since), zone, language),
        reason="" if reason is None else say(reason, language),
    )


def say_part(each: PartFinding, language: Language) -> str:
    """Return how a part stands."""
    words = say(COVERED if each.shown is None else LOOKS[each.shown].headline, language)
    if each.until is None:
        return words
    until = say_date(each.until, language)
    return f"{words}（至{until}）" if language is Language.ZH else f"{words} (until {until})"
