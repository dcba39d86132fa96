"""What people read: one look, one headline and one sentence for each verdict, in Chinese and English.

Colour is never alone: every look has its own icon, its own word and its own border, see `templates/page.css`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from api.negotiation import Language
from api.shown import Shown
from ledger.core.calendar_rules import ValidityKind
from ledger.core.step import Check, Outcome, Sentence


@dataclass(frozen=True, slots=True)
class Look:
    """How a verdict appears."""

    style: str
    """Class in the style sheet: colours and border."""
    icon: str
    """SVG inside a square of 24 units, drawn with lines."""
    headline: Sentence
    sentence: Sentence


_TICK: Final = '<circle cx="12" cy="12" r="10"/><path d="m7 12.5 3.5 3.5L17 9"/>'
_DIAMOND: Final = '<path d="M12 2 22 12 12 22 2 12Z"/><path d="M12 7.5V13M12 16v.5"/>'
_HOURGLASS: Final = '<path d="M5 2h14M5 22h14M7 2v4l5 6-5 6v4M17 2v4l-5 6 5 6v4"/>'
_CLOCK: Final = '<circle cx="12" cy="13" r="8.5"/><path d="M12 8v5l3.5 2.5M5 2.5 2 5.5M19 2.5l3 3"/>'
_ARROWS: Final = '<path d="M2.5 8H20l-5-5M21.5 16H4l5 5"/>'
_CROSS: Final = '<path d="M3 3h18v18H3Z"/><path d="m8 8 8 8M16 8l-8 8"/>'
_TRIANGLE: Final = '<path d="M12 2.5 22.5 21h-21Z"/><path d="M12 9.5V15M12 18v.5"/>'
_QUESTION: Final = (
    '<path d="M7.5 2h9L22 7.5v9L16.5 22h-9L2 16.5v-9Z"/>'
    '<path d="M9 9.5a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 2M12 17v.5"/>'
)
_BACK: Final = '<path d="M9 4 3.5 9.5 9 15"/><path d="M4 9.5h10a6 6 0 0 1 0 12h-4"/>'
_BAN: Final = '<circle cx="12" cy="12" r="10"/><path d="m5 5 14 14"/>'
_PAUSE: Final = '<circle cx="12" cy="12" r="10"/><path d="M9.5 8v8M14.5 8v8"/>'
_AGAIN: Final = '<path d="M20.5 12A8.5 8.5 0 1 1 17 5.2"/><path d="M17.5 1v5h-5"/>'
_DIAL: Final = (
    '<path d="M3 18a9 9 0 1 1 18 0Z"/><path d="m12 18 4.5-7M12 4.5V7M4.5 13 7 14.2M19.5 13 17 14.2"/>'
)
_SHEET: Final = '<path d="M5 2h10l4 4v16H5Z"/><path d="M15 2v4h4M8.5 11h7M8.5 14.5h7M8.5 18h4"/>'
_CLOSED: Final = '<path d="M5 2h10l4 4v16H5Z"/><path d="M8 10.5h8v6H8ZM10 10.5V9a2 2 0 0 1 4 0v1.5"/>'
_LABEL: Final = '<path d="M3 3h10l8 8-10 10-8-8Z"/><circle cx="8" cy="8" r="1.5"/>'
_PEN: Final = '<path d="M4 20 5.5 14.5 16 4l4 4L9.5 18.5Z"/><path d="m13.5 6.5 4 4M12 21h9"/>'
_CLOUD: Final = (
    '<path d="M7 19a4.5 4.5 0 0 1-.6-9A6.2 6.2 0 0 1 18.3 10a4.5 4.5 0 0 1-.8 9Z"/><path d="m3 3 18 19"/>'
)

LOOKS: Final = MappingProxyType(
    {
        Shown.VALID: Look(
            "valid",
            _TICK,
            Sentence("Valid", "检定有效"),
            Sentence(
                "In its period of validity. Compare it with the nameplate.", "在有效期内，请与器具铭牌核对。"
            ),
        ),
        Shown.ATTENTION: Look(
            "attention",
            _DIAMOND,
            Sentence("Valid, with a remark", "检定有效，请留意"),
            Sentence("In its period of validity; please read the remark.", "在有效期内，请阅读提示。"),
        ),
        Shown.PENDING: Look(
            "pending",
            _HOURGLASS,
            Sentence("Valid – not yet anchored", "有效，待存证"),
            Sentence(
                "The institution's signature holds; public anchoring usually follows within 10 minutes.",
                "机构签名有效；公开存证通常在10分钟内完成。",
            ),
        ),
        Shown.CALIBRATED: Look(
            "calibrated",
            _DIAL,
            Sentence("Calibrated – not verified", "校准证书（不是检定）"),
            Sentence(
                "The calibration values are genuine. They do not say that this instrument was verified.",
                "校准数据真实；校准不等于检定，不表明该器具检定合格。",
            ),
        ),
        Shown.PAPER: Look(
            "paper",
            _SHEET,
            Sentence("From paper – not an electronic certificate", "纸质证书登记（不是电子证书）"),
            Sentence(
                "The institution has entered what stands on a paper certificate. Ask for the paper itself.",
                "本条由机构据纸质证书登记，不是电子证书；请以纸质证书原件为准。",
            ),
        ),
        Shown.EXPIRED: Look(
            "expired",
            _CLOCK,
            Sentence("Expired", "已过有效期"),
            Sentence(
                "Do not rely on this certificate. If in doubt, call 12315.",
                "请勿再以此证书为准；如有疑问请拨打12315。",
            ),
        ),
        Shown.SUPERSEDED: Look(
            "superseded",
            _ARROWS,
            Sentence("Replaced", "已有新证书"),
            Sentence(
                "This instrument has a newer record; how the instrument stands is said there.",
                "该器具已有更新的检定记录，请以最新记录的状态为准。",
            ),
        ),
        Shown.FAILED: Look(
            "failed",
            _CROSS,
            Sentence("Failed verification", "检定不合格"),
            Sentence("This instrument must not be used for trade.", "该器具不得用于贸易结算。"),
        ),
        Shown.FAILED_SINCE: Look(
            "failed",
            _CROSS,
            Sentence("Failed a later verification", "其后检定不合格"),
            Sentence(
                "The instrument failed a later verification and must not be used for trade.",
                "该器具在此后的检定中不合格，不得用于贸易结算。",
            ),
        ),
        Shown.WITHDRAWN: Look(
            "withdrawn",
            _BACK,
            Sentence("Withdrawn", "已撤回"),
            Sentence(
                "The institution that issued this certificate has withdrawn it. Do not rely on it.",
                "签发机构已撤回本证书，请勿再以此为准。",
            ),
        ),
        Shown.CANCELLED: Look(
            "cancelled",
            _BAN,
            Sentence("Cancelled", "已注销"),
            Sentence(
                "The authority has cancelled this certificate. Do not rely on it.",
                "计量行政部门已注销本证书，请勿再以此为准。",
            ),
        ),
        Shown.SUSPENDED: Look(
            "suspended",
            _PAUSE,
            Sentence("Suspended, under investigation", "已暂停使用/调查中"),
            Sentence(
                "Do not rely on this certificate until the investigation has ended.",
                "调查结束前，请勿以本证书为准。",
            ),
        ),
        Shown.NEEDS_REVERIFICATION: Look(
            "reverify",
            _AGAIN,
            Sentence("Must be verified again", "须重新检定"),
            Sentence(
                "The instrument must pass another verification before it is used for trade.",
                "该器具须重新检定合格后，方可用于贸易结算。",
            ),
        ),
        Shown.TAMPERED: Look(
            "tampered",
            _TRIANGLE,
            Sentence("Does not match the register", "内容与登记不符"),
            Sentence("Do not believe it. You can report it: call 12315.", "请勿相信；可拨打12315举报。"),
        ),
        Shown.CONTENT_WITHHELD: Look(
            "withheld",
            _CLOSED,
            Sentence("Content withheld by law", "依法不予公开"),
            Sentence(
                "This document is in the ledger, its content is not public. Ask the institution that issued it.",
                "该文件已载入账本，其内容依法不予公开；如需核实，请联系签发机构。",
            ),
        ),
        Shown.NOT_LOGGED: Look(
            "unknown",
            _QUESTION,
            Sentence("Not in the ledger", "未载入账本"),
            Sentence(
                "A registered institution signed this, but the ledger does not hold it. Do not rely on it yet.",
                "签名来自已登记的机构，但账本中没有这份证书，暂时不能作为依据。",
            ),
        ),
        Shown.NOT_FOUND: Look(
            "unknown",
            _QUESTION,
            Sentence("Not found", "未查到此证书"),
            Sentence("Check the number, or scan the code again.", "请核对编号，或重新扫码。"),
        ),
        Shown.UNKNOWN_CODE: Look(
            "unchecked",
            _CLOUD,
            Sentence("Cannot check right now", "暂时无法核验"),
            Sentence(
                "This server does not know this code. That does not show that it is false.",
                "本服务器没有此码的记录；这并不表明该码是假的。",
            ),
        ),
        Shown.NEVER_GIVEN_OUT: Look(
            "tampered",
            _TRIANGLE,
            Sentence("Never given out", "从未发放此码"),
            Sentence(
                "Nobody was ever given this code. Do not believe it. You can report it: call 12315.",
                "此码并非本系统发放，请勿相信；可拨打12315举报。",
            ),
        ),
        Shown.NOT_VERIFIED: Look(
            "unknown",
            _QUESTION,
            Sentence("No verification on record", "无检定记录"),
            Sentence(
                "The ledger holds no verification of this. Do not take it for verified.",
                "账本中没有其检定证书，请勿据此认为检定合格。",
            ),
        ),
        Shown.STICKER_UNUSED: Look(
            "unused",
            _LABEL,
            Sentence("Sticker given out, not in use", "贴纸已发放，未启用"),
            Sentence(
                "Nobody has put this sticker on an instrument yet. It shows no verification.",
                "该贴纸尚未启用，不能作为检定合格的凭证。",
            ),
        ),
        Shown.STICKER_PENDING: Look(
            "waiting",
            _PEN,
            Sentence("Certificate being issued", "检定已完成，证书签发中"),
            Sentence(
                "The institution has put its sticker on; the certificate has not been issued yet.",
                "检定机构已粘贴标志，证书尚未签发，请稍后再查。",
            ),
        ),
        Shown.STICKER_RELEASED: Look(
            "cancelled",
            _BAN,
            Sentence("Sticker out of use", "贴纸已停用"),
            Sentence(
                "This sticker has been taken out of use. Do not rely on it.",
                "该贴纸已收回停用，不得作为检定合格的凭证。",
            ),
        ),
        Shown.STICKER_REPLACED: Look(
            "superseded",
            _ARROWS,
            Sentence("Sticker replaced", "贴纸已被更换"),
            Sentence(
                "Another sticker was put where this one stood. Look for the newer one, and scan that.",
                "原处已换贴新的贴纸，请查找并扫描新贴纸。",
            ),
        ),
        Shown.CANNOT_CHECK: Look(
            "unchecked",
            _CLOUD,
            Sentence("Cannot check right now", "暂时无法核验"),
            Sentence(
                "This does not mean that the certificate is invalid. Please try again later.",
                "这不代表证书无效，请稍后重试。",
            ),
        ),
    }
)

SERVICE_LIFE_ENDED: Final = Sentence("End of service life", "已到使用期限")
"""Headline in place of "expired" where the date is the end of a service life."""

INCLUDED: Final = Sentence(" (inclusive)", "（含当日）")

NEXT_CALIBRATION: Final = Sentence("Next calibration, as agreed with the customer", "与客户约定的复校日期")
"""In place of "valid until" where a calibration certificate has a date."""

WITHHELD: Final = Sentence(
    "The law withholds the content of this document. Its state in the ledger:",
    "该文件内容依法不予公开；账本所载状态：",
)

NO_NEWER: Final = Sentence("No newer certificate has been found.", "尚未查到新证书。")

OUTCOMES: Final = MappingProxyType(
    {
        Outcome.PASSED: Sentence("passed", "通过"),
        Outcome.FAILED: Sentence("failed", "未通过"),
        Outcome.NOT_CHECKED: Sentence("not checked", "未做"),
    }
)
REMARK: Final = Sentence("passed, with a remark", "通过，请留意")

UNTIL: Final = MappingProxyType(
    {
        ValidityKind.DATE: Sentence("Valid until", "有效期至"),
        ValidityKind.SERVICE_LIFE: Sentence("To be used until", "限期使用至"),
        ValidityKind.NONE: Sentence("Without a date of expiry", "无有效期限"),
    }
)

DOCUMENTS: Final = MappingProxyType(
    {
        "verification_certificate": Sentence("Verification certificate", "检定证书"),
        "rejection_notice": Sentence("Rejection notice", "检定结果通知书"),
        "calibration_certificate": Sentence("Calibration certificate", "校准证书"),
        "paper_register": Sentence(
            "Entry of a paper certificate, not an electronic certificate", "纸质证书登记，不是电子证书"
        ),
    }
)

CONCLUSIONS: Final = MappingProxyType(
    {
        "calibration_certificate": MappingProxyType(
            {
                "pass": Sentence(
                    "conforms, by the decision rule of the certificate", "符合（按证书所述判定规则）"
                ),
                "conditional": Sentence(
                    "undecided: within the uncertainty of the limit", "待定（处于限值的不确定度范围内）"
                ),
                "fail": Sentence(
                    "does not conform, by the decision rule of the certificate",
                    "不符合（按证书所述判定规则）",
                ),
            }
        ),
        "paper_register": MappingProxyType(
            {
                "pass": Sentence("passed, as the paper has it", "合格（照录纸质证书）"),
                "fail": Sentence("failed, as the paper has it", "不合格（照录纸质证书）"),
            }
        ),
    }
)
"""What documents conclude that are neither certificate nor notice of a verification."""

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BEIJING: Final = "Asia/Shanghai"


def say(sentence: Sentence, language: Language) -> str:
    """Return a sentence in one language."""
    return sentence.zh if language is Language.ZH else sentence.en


def say_outcome(check: Check) -> Sentence:
    """Return how a step ended."""
    return REMARK if check.warning else OUTCOMES[check.outcome]


def say_date(day: date, language: Language) -> str:
    """Return a date in full: `2027年05月21日`, `21 May 2027`."""
    if language is Language.ZH:
        return f"{day.year}年{day.month:02}月{day.day:02}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def say_zone(zone: ZoneInfo, language: Language) -> str:
    """Return how people call a time zone."""
    if zone.key == _BEIJING:
        return "北京时间" if language is Language.ZH else "Beijing time"
    return zone.key


def say_instant(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """Return an instant to the minute, in the words of a zone."""
    local = instant.astimezone(zone)
    return f"{say_date(local.date(), language)} {local:%H:%M}"
