"""The report of an audit as one page: no script, no font, nothing from elsewhere; Chinese and English side by side.

It says what was found, where the first contradiction stands, and what was not looked up: a page that only says that
all is well would say too much.

>>> write_page(report, "https://ledger.example.cn", policy, now)
b'<!doctype html>...'
"""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger.audit.report import AuditReport
from ledger.core.encoding import encode_hex
from ledger.core.policy import Policy
from ledger.core.step import Sentence

_TEMPLATES: Final = "api.web.templates"
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_NOT_LOOKED_UP: Final = {
    "anchors": Sentence(
        "the anchors, in the contract on the chain (--chain URL): receipts are the log's own word",
        "未在链上合约中核对存证（--chain URL）：回执仅为账本自己的陈述",
    ),
    "documents": Sentence(
        "the certificates themselves (--documents FOLDER): only their hashes stand in the log",
        "未核对证书原件（--documents FOLDER）：账本中只有其哈希值",
    ),
}
_ALWAYS: Final = Sentence(
    "whether a measurement was made as recorded, and whether witnesses or other readers were shown the same log",
    "检定是否如记录所述实际进行；其他读者或见证方所见账本是否与此一致",
)
_EVENTS: Final = {
    "ISSUE": "出具证书",
    "CANCEL": "注销",
    "WITHDRAW": "撤回",
    "SUSPEND": "暂停",
    "REINSTATE": "恢复",
    "SUPPLEMENT": "补充",
    "REPLACE": "换发",
    "OPENED_FOR_REPAIR": "拆封修理",
    "LOT": "批次",
    "INSTRUMENT_SAME_AS": "同一器具",
    "INSTRUMENT_SPLIT": "器具拆分",
    "POLICY": "策略发布",
    "KEY_COMPROMISED_FROM": "密钥失密",
    "REVERIFY_NEEDED": "要求重新检定",
    "ROOT": "信任根",
    "DELEGATE": "授权部门",
    "INSTITUTION": "检定机构",
    "KEY": "密钥",
    "SCOPE": "授权范围",
    "PERSON": "检定人员",
    "STANDARD": "计量标准",
    "REFERENCE_MATERIAL": "标准物质",
    "REGULATION": "检定规程",
    "TYPE_APPROVAL": "型式批准",
    "BLOCK": "停止检定",
    "INSTRUMENT": "器具登记",
    "STICKER_ALLOTTED": "合格证发放",
    "STICKER_BOUND": "合格证粘贴",
    "STICKER_UNBOUND": "合格证停用",
    "REPORT_TAKEN": "举报投诉收件",
    "PLEDGE": "诚信计量自我承诺",
    "SITE": "经营场所登记",
}
_STATUSES: Final = {
    "VALID": Sentence("in force by its own state", "自身状态有效"),
    "FAILED": Sentence("rejection notice", "检定不合格"),
    "SUPERSEDED": Sentence("replaced by a corrected certificate", "已换发"),
    "CANCELLED": Sentence("cancelled", "已注销"),
    "WITHDRAWN": Sentence("withdrawn", "已撤回"),
    "SUSPENDED": Sentence("suspended", "已暂停"),
}
_LOT_STATUSES: Final = _STATUSES | {
    "VALID": Sentence("nothing stands against it any more", "已无不利记载"),
    "FAILED": Sentence("the lot failed", "批次不合格"),
}
"""What may be said of a lot; it holds of every member."""


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """What stands at the top."""

    kind: str
    words: Sentence


def write_page(report: AuditReport, place: str, policy: Policy, now: datetime) -> bytes:
    """Return the page.

    Args:
        report: of an audit, ended or broken off by a contradiction.
        place: where the log was read, as it was given.
        policy: that was believed.
        now: aware UTC.
    """
    template = _ENVIRONMENT.get_template("audit.html")
    page = template.render(
        style=(files(_TEMPLATES) / "audit.css").read_text("utf-8"),
        report=report,
        place=place,
        conclusion=_conclude(report),
        audited_at=f"{now.astimezone(policy.zone):%Y-%m-%d %H:%M} {policy.zone.key}",
        root_hash=None if report.checkpoint is None else encode_hex(report.checkpoint.root_hash),
        map_root=encode_hex(report.map_root),
        not_looked_up=[*(_NOT_LOOKED_UP[name] for name in report.not_looked_up), _ALWAYS],
        event_words=_EVENTS,
        status_words=_STATUSES,
        lot_words=_LOT_STATUSES,
    )
    return page.encode()


def _conclude(report: AuditReport) -> _Conclusion:
    if report.contradiction is not None:
        words = Sentence(
            "This log contradicts itself, or the policy. Nothing behind this place was looked at.",
            "账本自相矛盾或与策略不符。此处之后的内容未予核对。",
        )
        return _Conclusion("bad", words)
    if report.anchors.doubts:
        words = Sentence(
            "No contradiction; but a node could not confirm every anchor.",
            "未发现矛盾，但节点未能确认全部存证。",
        )
        return _Conclusion("open", words)
    words = Sentence(
        "No contradiction: every file and every leaf follows from what is signed.",
        "未发现矛盾：每个文件、每条记录均与签名内容一致。",
    )
    return _Conclusion("good", words)
