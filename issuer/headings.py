"""Headings of columns in Chinese, and the words that stand in their cells for codes.

`{}` is a position in a list, `{*}` the item of a result. Each name of `columns.COLUMNS` has one heading and each
heading one name; some have further headings that are in use, as e-CQS has them.

>>> find_name("铅封2编号"), find_name("示值误差 第3点 示值")
('seals.2.no', 'item.indication_error.3.measured')
>>> find_heading("item.repeatability.error", "item.*.error")
'重复性 误差'
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from ledger.core.data import load_rule_book
from ledger.core.decision import AcceptanceRule
from ledger.core.record import DocumentType, PlaceKind, Purpose, Role, VerificationKind

_ITEMS: Final = {
    "示值误差": "indication_error",
    "低区示值误差": "indication_error_low",
    "高区示值误差": "indication_error_high",
    "重复性": "repeatability",
    "使用误差": "error_in_use",
}
"""Items that the rule book has limits for; another one is written by its code."""

_ROLES: Final = {Role.OPERATOR: "检定员", Role.CHECKER: "核验员", Role.APPROVER: "批准人"}
_POINT: Final = {
    "nominal": "标准值",
    "measured": "示值",
    "error": "误差",
    "mpe": "最大允许误差",
    "u": "不确定度",
    "pass": "合格",
}
_RESULT: Final = {
    "part": "部件编号",
    "unit": "单位",
    "error_unit": "误差单位",
    "k": "包含因子",
    "before_adjustment": "调修前",
}
_PERSON: Final = {
    "pid": "编号",
    "name": "姓名",
    "key": "公钥",
    "signed_at": "签字时间",
    "signed_at.day": "签字日偏移",
    "signed_at.time": "签字时刻",
}

HEADINGS: Final[Mapping[str, str]] = {
    "request_id": "请求编号",
    "no": "证书编号",
    "doc_type": "文件类型",
    "kind": "检定类别",
    "conclusion": "检定结论",
    "class_awarded": "评定等级",
    "sticker_id": "合格证编号",
    "commission_no": "仲裁检定委托文号",
    "crms.#.id": "标准物质{}编号",
    "crms.#.lot": "标准物质{}批号",
    "instrument.e.value": "检定分度值e",
    "instrument.e.unit": "检定分度值e单位",
    "adjusted": "是否调修",
    "issuer.id": "机构代码",
    "issuer.scope_line_id": "授权项目编号",
    "applicant.name": "委托方",
    "applicant.code": "委托方信用代码",
    "instrument.id": "器具标识",
    "instrument.local_id": "器具自编号",
    "instrument.category": "器具类别",
    "instrument.name": "器具名称",
    "instrument.model": "型号规格",
    "instrument.range": "测量范围",
    "instrument.class": "准确度等级",
    "instrument.serial": "出厂编号",
    "instrument.year": "出厂年份",
    "instrument.maker": "生产厂家",
    "instrument.cpa_no": "型式批准号",
    "instrument.purpose": "用途",
    "instrument.software.id": "软件标识",
    "instrument.software.hash": "软件散列值",
    "instrument.codes.production": "生产码",
    "instrument.codes.repair": "维修码",
    "instrument.codes.verification": "检定码",
    "instrument.parts.#.id": "部件{}编号",
    "instrument.parts.#.name": "部件{}名称",
    "instrument.parts.#.serial": "部件{}出厂编号",
    "instrument.owner.name": "使用单位",
    "instrument.owner.code": "使用单位信用代码",
    "instrument.owner.organisation": "使用单位是组织",
    "instrument.site.division": "行政区划代码",
    "instrument.site.address": "安装地点",
    "regulation.id": "检定依据",
    "regulation.title": "检定依据名称",
    "place.kind": "检定地点类型",
    "place.where": "检定地点",
    "environment.temperature.value": "温度",
    "environment.temperature.unit": "温度单位",
    "environment.humidity.value": "湿度",
    "environment.humidity.unit": "湿度单位",
    "environment.other": "其他环境条件",
    "standards.#.id": "计量标准{}代号",
    "standards.#.name": "计量标准{}名称",
    "standards.#.exam_no": "计量标准{}考核证书号",
    "standards.#.exam_until": "计量标准{}考核证书有效期至",
    "standards.#.exam_until.day": "计量标准{}考核证书有效期日偏移",
    "standards.#.range": "计量标准{}测量范围",
    "standards.#.u": "计量标准{}不确定度",
    "standards.#.instruments.#.no": "计量标准{}主标准器{}编号",
    "standards.#.instruments.#.cert_no": "计量标准{}主标准器{}证书号",
    "standards.#.instruments.#.cert_hash": "计量标准{}主标准器{}证书散列值",
    "standards.#.instruments.#.until": "计量标准{}主标准器{}有效期至",
    "standards.#.instruments.#.until.day": "计量标准{}主标准器{}有效期日偏移",
    "results.#.item": "结果{}项目",
    "results.#.pass": "结果{}合格",
    **{f"results.#.{name}": f"结果{{}}{zh}" for name, zh in _RESULT.items()},
    **{f"results.#.points.#.{name}": f"结果{{}}第{{}}点{zh}" for name, zh in _POINT.items()},
    "seals.#.no": "铅封{}编号",
    "seals.#.point": "铅封{}位置",
    "lot.no": "批号",
    "lot.size": "批量",
    "raw_record.no": "原始记录号",
    "raw_record.hash": "原始记录散列值",
    "verified_on": "检定日期",
    "verified_on.day": "检定日偏移",
    "issued_on": "签发日期",
    "issued_on.day": "签发日偏移",
    "validity.kind": "有效期类型",
    "validity.until": "有效期至",
    "validity.until.day": "有效期日偏移",
    "validity.reason": "有效期理由",
    "validity.agreed": "复校日期系与客户约定",
    "specification.id": "校准依据",
    "specification.title": "校准依据名称",
    "decision_rule.rule": "判定规则",
    "decision_rule.guard_factor": "保护带系数",
    "decision_rule.requirement": "符合性要求",
    "comparisons.#.name": "比对{}名称",
    "comparisons.#.unit": "比对{}单位",
    "comparisons.#.value": "比对{}本机构值",
    "comparisons.#.u": "比对{}本机构扩展不确定度",
    "comparisons.#.reference": "比对{}参考值",
    "comparisons.#.reference_u": "比对{}参考值扩展不确定度",
    "paper.scan": "纸质证书扫描件散列值",
    "paper.entered_by": "登记人员编号",
    "paper.entered_on": "登记日期",
    "paper.entered_on.day": "登记日偏移",
    "persons.#.role": "人员{}职责",
    **{f"persons.#.{name}": f"人员{{}}{zh}" for name, zh in _PERSON.items()},
    **{f"{role}.{name}": f"{who}{zh}" for role, who in _ROLES.items() for name, zh in _PERSON.items()},
    **{f"item.*.{name}": f"{{*}} {zh}" for name, zh in (_RESULT | _POINT).items()},
    **{f"item.*.#.{name}": f"{{*}} 第{{}}点 {zh}" for name, zh in _POINT.items()},
}
"""Pattern of a column -> its heading."""

_FURTHER: Final = {
    "规格型号": "instrument.model",
    "型号": "instrument.model",
    "制造单位": "instrument.maker",
    "制造厂": "instrument.maker",
    "出厂号": "instrument.serial",
    "等级": "instrument.class",
    "安装/使用地点": "instrument.site.address",
    "委托单位": "applicant.name",
    **{who: f"{role}.name" for role, who in _ROLES.items()},
}
"""Other headings that are in use -> name."""

_YES_NO: Final = {"是": "true", "否": "false"}
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "kind": {
        "首次检定": VerificationKind.INITIAL.value,
        "周期检定": VerificationKind.PERIODIC.value,
        "修理后检定": VerificationKind.AFTER_REPAIR.value,
        "有效期内检定": VerificationKind.WITHIN_VALIDITY.value,
        "仲裁检定": VerificationKind.ARBITRATION.value,
        "抽样检定": VerificationKind.SAMPLING.value,
        "进口检定": VerificationKind.IMPORT.value,
        "使用中检查": VerificationKind.IN_SERVICE.value,
        "校准": VerificationKind.CALIBRATION.value,
    },
    "conclusion": {
        "合格": "pass",
        "不合格": "fail",
        "待定": "conditional",
    },
    "doc_type": {
        "检定证书": DocumentType.VERIFICATION_CERTIFICATE.value,
        "检定结果通知书": DocumentType.REJECTION_NOTICE.value,
        "校准证书": DocumentType.CALIBRATION_CERTIFICATE.value,
        "纸质证书登记": DocumentType.PAPER_REGISTER.value,
    },
    "instrument.purpose": {
        "贸易结算": Purpose.TRADE.value,
        "安全防护": Purpose.SAFETY.value,
        "医疗卫生": Purpose.HEALTH.value,
        "环境监测": Purpose.ENVIRONMENT.value,
    },
    "place.kind": {"实验室": PlaceKind.LABORATORY.value, "现场": PlaceKind.ON_SITE.value},
    "validity.kind": {"有效期": "date", "限期使用": "service_life", "无": "none"},
    "persons.#.role": {who: role.value for role, who in _ROLES.items()},
    "adjusted": _YES_NO,
    "validity.agreed": _YES_NO,
    "decision_rule.rule": {
        "简单接受": AcceptanceRule.SIMPLE.value,
        "带保护带的接受": AcceptanceRule.GUARDED.value,
    },
    "instrument.owner.organisation": _YES_NO,
    "results.#.pass": _YES_NO,
    "results.#.before_adjustment": _YES_NO,
    "results.#.points.#.pass": _YES_NO,
    "item.*.pass": _YES_NO,
    "item.*.before_adjustment": _YES_NO,
    "item.*.#.pass": _YES_NO,
}
"""Pattern of a column -> word in a cell -> code."""
_ITEM_CODE: Final = r"[a-z][a-z0-9_]{0,63}"
_POSITION: Final = r"([1-9][0-9]{0,2})"


def find_name(text: str) -> str | None:
    """Return the name of the column with this heading; None if no column has it."""
    heading = unicodedata.normalize("NFKC", " ".join(text.split()))
    plain = _plain_headings()
    if heading in plain:
        return plain[heading]
    for shape, pattern in _shaped_headings():
        if found := shape.fullmatch(heading):
            return _fill(pattern, list(found.groups()))
    return None


def find_heading(name: str, pattern: str) -> str:
    """Return the heading of a column.

    Args:
        name: of the column, as `seals.2.no`.
        pattern: its entry in `COLUMNS`, as `seals.#.no`.
    """
    heading = HEADINGS[pattern]
    for step, general in zip(name.split("."), pattern.split("."), strict=True):
        if general == "#":
            heading = heading.replace("{}", step, 1)
        elif general == "*":
            labels = {code: label for label, code in _ITEMS.items()}
            heading = heading.replace("{*}", labels.get(step, step), 1)
    return heading


def find_choices(pattern: str) -> Mapping[str, str]:
    """Return the words that may stand in a column's cells for its codes; none where the cells are free."""
    return _category_names() if pattern == "instrument.category" else _CHOICES.get(pattern, {})


@cache
def _category_names() -> Mapping[str, str]:
    """Return the categories by the names that the rule book gives them."""
    return {rule.name_zh: rule.category.name for rule in load_rule_book().rows}


@cache
def _plain_headings() -> Mapping[str, str]:
    return {heading: name for name, heading in HEADINGS.items() if "{" not in heading} | _FURTHER


@cache
def _shaped_headings() -> tuple[tuple[re.Pattern[str], str], ...]:
    item = f"({'|'.join(_ITEMS)}|{_ITEM_CODE})"
    return tuple(
        (re.compile(re.escape(heading).replace(r"\{\}", _POSITION).replace(r"\{\*\}", item)), pattern)
        for pattern, heading in HEADINGS.items()
        if "{" in heading
    )


def _fill(pattern: str, values: list[str]) -> str:
    """Return a name from its pattern and what stood in the heading."""
    steps = pattern.split(".")
    return ".".join(
        _ITEMS.get(value := values.pop(0), value) if step in {"#", "*"} else step for step in steps
    )
