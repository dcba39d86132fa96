"""Words of an authority's pages: events, states, statuses, and errors of contents in Chinese.

>>> name_error(InputError("ends before it begins", field="content.until"), labels).zh
'截止日期早于起始日期'
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from issuer.deciding.forms import DECISION_FIELDS, Field
from issuer.deciding.kinds import KINDS
from ledger.core.authority import Power
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status
from ledger.core.step import Sentence

EVENT_WORDS: Final[Mapping[EventType, Sentence]] = MappingProxyType(
    {kind.event: kind.title for kind in KINDS.values()}
    | {
        EventType.CANCEL: Sentence("Cancel", "注销"),
        EventType.SUSPEND: Sentence("Suspend", "暂停使用"),
        EventType.REINSTATE: Sentence("Reinstate", "恢复"),
        EventType.REVERIFY_NEEDED: Sentence("Must be verified again", "须重新检定"),
        EventType.REPORT_TAKEN: Sentence("Reports taken", "投诉举报收件"),
    }
)
STATE_WORDS: Final = MappingProxyType(
    {
        RegisterState.ACTIVE: Sentence("active", "有效"),
        RegisterState.SUSPENDED: Sentence("suspended", "暂停"),
        RegisterState.WITHDRAWN: Sentence("withdrawn", "撤销"),
    }
)
STATUS_WORDS: Final[Mapping[str, Sentence]] = MappingProxyType(
    {
        "VALID": Sentence("valid", "有效"),
        "EXPIRED": Sentence("expired", "已过有效期"),
        "FAILED": Sentence("failed", "检定不合格"),
        "FAILED_SINCE": Sentence("failed since", "后续检定不合格"),
        "SUPERSEDED": Sentence("replaced", "已被代替"),
        "SUPERSEDED_SINCE": Sentence("verified again since", "已有新证书"),
        "CANCELLED": Sentence("cancelled", "已注销"),
        "WITHDRAWN": Sentence("withdrawn", "已撤回"),
        "SUSPENDED": Sentence("suspended", "已暂停使用"),
        "NEEDS_REVERIFICATION": Sentence("must be verified again", "须重新检定"),
        "CALIBRATED": Sentence("calibrated", "校准"),
        "PAPER": Sentence("from paper", "纸质登记"),
    }
)

POWER_WORDS: Final = MappingProxyType(
    {
        Power.CERTIFICATE: Sentence("documents", "证书"),
        Power.INSTITUTION: Sentence("institutions", "机构"),
        Power.KEY: Sentence("keys", "密钥"),
        Power.SCOPE: Sentence("scope lines", "授权项目"),
        Power.PERSON: Sentence("persons", "检定人员"),
        Power.STANDARD: Sentence("standards and reference materials", "计量标准和标准物质"),
        Power.REGULATION: Sentence("regulations", "检定规程"),
        Power.TYPE_APPROVAL: Sentence("type approvals and blocks", "型式批准和禁止检定"),
    }
)

_SAID: Final = (
    ("ends before it begins", "截止日期早于起始日期"),
    ("expected at least one, each once, in order", "至少填写一项，不得重复"),
    ("is missing", "缺少该项"),
    ("two instruments have the same number", "两件主标准器编号相同"),
    ("names a software twice", "软件重复填写"),
    ("ends below where it begins", "上限小于下限"),
)
_INNER: Final = re.compile(r"\[.*|\.(?!number|ground|dated|until|remedy|lower|upper|unit).*")


def say_status(status: Status | str | None) -> Sentence:
    """Return how a document stands, in words; a code that has none stands for itself."""
    if status is None:
        return Sentence("unknown to the ledger", "账本中没有")
    code = status.name if isinstance(status, Status) else status
    return STATUS_WORDS.get(code, Sentence(code, code))


def list_labels(fields: Iterable[Field]) -> dict[str, tuple[str, str]]:
    """Return what errors call the fields of a form, in English and Chinese."""
    found = {field.name: (field.label.en, field.label.zh) for field in (*fields, *DECISION_FIELDS)}
    return found | {
        "passphrase": ("Passphrase", "密钥口令"),
        "state": ("State", "状态"),
        "from": ("From", "起始日期"),
        "ground": ("Why", "理由"),
        "documents": ("Documents", "证书"),
        "act": ("Act", "处理"),
        "reason": ("Reason", "原因"),
    }


def name_error(err: InputError) -> InputError:
    """Return an error of a content as one of the form: its field, and a sentence in Chinese."""
    field = (err.field or "").removeprefix("content.")
    field = _INNER.sub("", field) if field not in {"content", ""} else ""
    zh = err.zh or next(
        (said for known, said in _SAID if known in err.reason), f"内容不符合要求（{err.reason}）"
    )
    return InputError(err.reason, field=field or None, zh=zh)
