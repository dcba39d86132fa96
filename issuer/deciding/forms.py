"""The fields of every register, described once: forms are drawn from these rows, and contents read by them.

A dot in a name leads into a member of a member. Lists of things stand in one field, a thing a line, its cells
between bars, as people copy them from a table.

>>> members = read_members("material", {"id": ["GBW(E)130070"], "lot": ["2025-03"], ...})
>>> fill_values("material", members)["lot"]
['2025-03']
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from issuer.rendering.wording import KINDS as OCCASIONS
from issuer.rendering.wording import ROLES
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.category import Category
from ledger.core.encoding import parse_date
from ledger.core.errors import InputError
from ledger.core.limit import LIMIT_COLUMNS
from ledger.core.record import Role, VerificationKind
from ledger.core.regulation import RULE_COLUMNS
from ledger.core.step import Sentence
from ledger.core.unit import UNITS

Values = Mapping[str, Sequence[str]]
"""Name of a field -> what was filled in, each once or several times."""


class FieldForm(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    DAY = "day"
    CHOICE = "choice"
    """One of a few."""
    CHOICES = "choices"
    """Some of a few: boxes to tick."""
    LINES = "lines"
    """Several texts, one a line."""
    ROWS = "rows"
    """Several things, one a line, cells between bars."""
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    name: str
    label: Sentence
    form: FieldForm = FieldForm.TEXT
    required: bool = True
    choices: tuple[tuple[str, Sentence], ...] = ()
    """Value and words; of a field that offers them."""
    columns: tuple[tuple[str, Sentence], ...] = ()
    """Of `ROWS`: member and words of each cell; absent cells are left out."""
    hint: Sentence | None = None
    most: int = 400
    """Characters."""


_SEPARATORS: Final = re.compile(r"[|｜\t]")
_MAX_LINES: Final = 20_000


def _category_choices() -> tuple[tuple[str, Sentence], ...]:
    return tuple((one.name, Sentence(one.name, one.name)) for one in Category)


_ID: Final = Sentence("Id", "编号")
_INSTITUTION: Final = Field("institution", Sentence("Institution", "机构代码"), FieldForm.CHOICE)
_FROM: Final = Field("from", Sentence("From", "起始日期"), FieldForm.DAY)
_UNTIL: Final = Field("until", Sentence("Until", "截止日期"), FieldForm.DAY)
_CATEGORIES: Final = Field(
    "categories", Sentence("Categories", "器具类别"), FieldForm.CHOICES, choices=_category_choices()
)
_ONE_A_LINE: Final = Sentence("one a line", "每行一项")

DECISION_FIELDS: Final = (
    Field("decision.number", Sentence("Number of the decision", "决定文号"), most=120),
    Field("decision.ground", Sentence("Legal ground", "法律依据")),
    Field("decision.dated", Sentence("Date of the decision", "决定日期"), FieldForm.DAY),
    Field("decision.until", Sentence("Limited until", "措施期限"), FieldForm.DAY, required=False),
    Field("decision.remedy", Sentence("Where to object", "救济途径")),
)
"""The administrative decision behind a block, or behind what is decided about documents."""

_SCOPE: Final = (
    _INSTITUTION,
    Field("id", _ID, most=12),
    Field("authorisation_no", Sentence("Authorisation", "授权证书号"), most=120),
    _CATEGORIES,
    Field(
        "kinds",
        Sentence("Occasions", "检定种类"),
        FieldForm.CHOICES,
        choices=tuple(
            (one.value, Sentence(OCCASIONS[one].en, OCCASIONS[one].zh)) for one in VerificationKind
        ),
    ),
    Field(
        "division",
        Sentence("Region", "行政区划代码"),
        required=False,
        most=12,
        hint=Sentence("empty: anywhere", "留空表示不限"),
    ),
    Field(
        "classes",
        Sentence("Accuracy classes", "准确度等级"),
        FieldForm.LINES,
        required=False,
        hint=Sentence("one a line; empty: any", "每行一项，留空表示不限"),
    ),
    Field(
        "regulations",
        Sentence("Regulations", "检定规程"),
        FieldForm.LINES,
        required=False,
        hint=Sentence("one a line; empty: any in force", "每行一项，留空表示不限"),
    ),
    Field("range.lower", Sentence("Range from", "测量范围下限"), required=False, most=40),
    Field("range.upper", Sentence("Range to", "测量范围上限"), required=False, most=40),
    Field(
        "range.unit",
        Sentence("Unit of the range", "测量范围单位"),
        FieldForm.CHOICE,
        required=False,
        choices=tuple((unit.code, Sentence(unit.symbol, unit.symbol)) for unit in UNITS.values()),
    ),
    Field(
        "follow_up",
        Sentence("Pledge, to be followed up by", "告知承诺，核查期限"),
        FieldForm.DAY,
        required=False,
        hint=Sentence("empty: granted on an examination", "留空表示经考核授权"),
    ),
    _FROM,
    _UNTIL,
)
_PERSON: Final = (
    _INSTITUTION,
    Field("id", Sentence("Pseudonym", "公开代号"), most=40, hint=Sentence("never a name", "不得使用姓名")),
    Field(
        "qualification",
        Sentence("Qualified as", "资格依据"),
        FieldForm.CHOICE,
        choices=(
            ("registered", Sentence("registered metrologist", "注册计量师")),
            ("assessed", Sentence("assessed by the authority", "经主管部门考核")),
            ("authorised", Sentence("authorised by the institution", "机构授权")),
        ),
    ),
    Field(
        "roles",
        Sentence("Roles", "角色"),
        FieldForm.CHOICES,
        choices=tuple((one.value, Sentence(ROLES[one].en, ROLES[one].zh)) for one in Role),
    ),
    _CATEGORIES,
    Field(
        "key",
        Sentence("Key", "公钥"),
        required=False,
        most=100,
        hint=Sentence(
            "only one that is registered for this person already; a new one is endorsed by itself, by command",
            "仅可填写该人员已登记的公钥；新公钥须由其自身背书，请使用命令登记",
        ),
    ),
    _FROM,
    _UNTIL,
)
_STANDARD: Final = (
    _INSTITUTION,
    Field("id", Sentence("Code", "代号"), most=64),
    Field("name", Sentence("Name", "名称"), most=200),
    Field("exam_no", Sentence("Examination certificate", "考核证书号"), most=120),
    Field(
        "public_no",
        Sentence("Public standard certificate", "社会公用计量标准证书号"),
        required=False,
        most=120,
    ),
    Field(
        "mandatory",
        Sentence(
            "Authorised for mandatory verification without being public", "未建社会公用但授权用于强制检定"
        ),
        FieldForm.YES,
        required=False,
    ),
    Field("primary", Sentence("Primary standard", "国家计量基准"), FieldForm.YES, required=False),
    _CATEGORIES,
    Field("range", Sentence("Range", "测量范围"), most=200),
    Field("u", Sentence("Uncertainty", "不确定度"), most=200),
    Field(
        "instruments",
        Sentence("Main instruments", "主标准器"),
        FieldForm.ROWS,
        required=False,
        columns=(
            ("no", Sentence("number", "编号")),
            ("cert_no", Sentence("certificate", "证书号")),
            ("dated", Sentence("dated", "证书日期")),
            ("until", Sentence("until", "有效期至")),
            ("cert_hash", Sentence("SHA-256 of the certificate", "证书的SHA-256")),
            ("source", Sentence("INSTITUTION/STANDARD or root:NAME", "机构/标准 或 root:溯源根")),
        ),
    ),
    _FROM,
    _UNTIL,
)
_MATERIAL: Final = (
    Field("id", Sentence("Number", "编号"), most=64),
    Field("lot", Sentence("Lot", "批号"), most=64),
    Field("name", Sentence("Name", "名称"), most=200),
    Field("value", Sentence("Certified value", "标准值"), most=200),
    _FROM,
    _UNTIL,
)
_TYPE: Final = (
    Field("number", Sentence("Number", "批准号"), most=64),
    Field("category", Sentence("Category", "器具类别"), FieldForm.CHOICE, choices=_category_choices()),
    Field("maker", Sentence("Maker", "制造单位"), most=200),
    Field("models", Sentence("Models", "型号"), FieldForm.LINES, required=False, hint=_ONE_A_LINE),
    Field(
        "software",
        Sentence("Software", "软件"),
        FieldForm.ROWS,
        required=False,
        columns=(
            ("id", Sentence("name and version", "名称及版本")),
            ("hash", Sentence("SHA-256", "SHA-256")),
        ),
    ),
    Field("oiml", Sentence("OIML certificate", "OIML 证书"), required=False, most=64),
    _FROM,
    Field("until", Sentence("Until", "截止日期"), FieldForm.DAY, required=False),
)
_BLOCK: Final = (
    Field("id", _ID, most=12),
    Field("maker", Sentence("Maker", "制造单位"), most=200),
    Field("models", Sentence("Models", "型号"), FieldForm.LINES, required=False, hint=_ONE_A_LINE),
    Field(
        "serials", Sentence("Serial numbers", "出厂编号"), FieldForm.LINES, required=False, hint=_ONE_A_LINE
    ),
    _FROM,
    *DECISION_FIELDS,
)
_NAMED_COLUMNS: Final = {
    "category_code": Sentence("Category", "器具类别代码"),
    "name_zh": Sentence("Name (Chinese)", "中文名称"),
    "name_en": Sentence("Name (English)", "英文名称"),
    "regulation": Sentence("Regulation", "规程编号"),
    "effective_on": Sentence("In force from", "实施日期"),
    "superseded_on": Sentence("No more from", "废止日期"),
    "superseded_by": Sentence("Then", "替代规程"),
    "control": Sentence("Control", "管理方式"),
    "verification_mode": Sentence("Verification", "检定方式"),
    "validity_months": Sentence("Validity, months", "检定周期（月）"),
    "accuracy_or_mpe": Sentence("Accuracy or limits", "准确度或最大允许误差"),
    "seal_points": Sentence("Points of seals", "封印数"),
    "uncertainty_share": Sentence("U / MPE at most", "不确定度与最大允许误差之比"),
    "restricted_units": Sentence("Restricted units", "限用单位"),
    "note": Sentence("Note", "备注"),
}
_REGULATION: Final = (
    *(
        Field(
            f"rule.{column}",
            _NAMED_COLUMNS[column],
            required=column in {"category_code", "name_zh", "regulation"},
            most=400,
        )
        for column in RULE_COLUMNS
        if column != "confidence"
    ),
    Field(
        "limits",
        Sentence("Limits", "限值"),
        FieldForm.ROWS,
        required=False,
        columns=tuple(
            (column, Sentence(column, column))
            for column in LIMIT_COLUMNS
            if column not in {"regulation", "confidence"}
        ),
    ),
    Field(
        "state",
        Sentence("State", "状态"),
        FieldForm.CHOICE,
        choices=(("active", Sentence("active", "有效")), ("withdrawn", Sentence("withdrawn", "撤销"))),
    ),
)

FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "scope": _SCOPE,
    "person": _PERSON,
    "standard": _STANDARD,
    "material": _MATERIAL,
    "type-approval": _TYPE,
    "block": _BLOCK,
    "regulation": _REGULATION,
}
"""Kind, as in `kinds.KINDS` -> the fields of its form. Institutions are registered with their keys, by command."""

_ALWAYS_THERE: Final = frozenset({"instruments", "limits"})
"""Lists that stand in a content even where they are empty."""


def read_members(kind: str, values: Values) -> JsonObject:
    """Return the content that a filled-in form stands for; a thing that is registered is active.

    Raises:
        InputError: a field is empty that must not be, or is not spelled as it must be; it is named.
    """
    members: dict[str, JsonValue] = {}
    for field in FIELDS[kind]:
        value = read_field(field, values)
        if value is None and field.name in _ALWAYS_THERE:
            value = []
        if value is not None:
            _put(members, field.name, value)
    if kind == "scope" and "follow_up" in members:
        members["basis"] = "pledged"
    members.setdefault("state", "active")
    return members


def read_decision(values: Values) -> JsonObject | None:
    """Return the decision that stands in a form; None where every field of it is empty.

    Raises:
        InputError: as `read_members`.
    """
    if not any("".join(values.get(field.name, ())).strip() for field in DECISION_FIELDS):
        return None
    members: dict[str, JsonValue] = {}
    for field in DECISION_FIELDS:
        value = read_field(field, values)
        if value is not None:
            _put(members, field.name, value)
    found = members["decision"]
    return found if isinstance(found, dict) else None


def read_field(field: Field, values: Values) -> "JsonValue | None":
    """Return one member; None where its field is empty and may be.

    Raises:
        InputError: as `read_members`.
    """
    given = [text.strip() for text in values.get(field.name, ())]
    found = _READERS.get(field.form, _read_text)(field, [text for text in given if text])
    if found is None and field.required:
        raise InputError("must be filled in", field=field.name, zh="必须填写")
    return found


def _read_text(field: Field, given: list[str]) -> "JsonValue | None":
    if not given:
        return None
    if len(given[0]) > field.most:
        raise InputError(f"at most {field.most} characters", field=field.name, zh=f"不超过{field.most}个字符")
    if not given[0].isprintable():
        raise InputError("has characters that cannot be printed", field=field.name, zh="含有无法显示的字符")
    return given[0]


def _read_day(field: Field, given: list[str]) -> "JsonValue | None":
    if not given:
        return None
    try:
        return parse_date(given[0]).isoformat()
    except InputError:
        raise InputError(
            "is a date, as 2026-11-02", field=field.name, zh="应为日期，例如 2026-11-02"
        ) from None


def _read_choice(field: Field, given: list[str]) -> "JsonValue | None":
    found = _read_text(field, given)
    if found is not None and field.choices and found not in dict(field.choices):
        raise InputError("is none of those offered", field=field.name, zh="不在可选范围内")
    return found


def _read_choices(field: Field, given: list[str]) -> "JsonValue | None":
    for text in given:
        _read_choice(field, [text])
    return [*sorted(set(given))] or None


def _read_yes(_: Field, given: list[str]) -> "JsonValue | None":
    return True if given else None


def _split_lines(given: Iterable[str]) -> list[str]:
    return [line.strip() for text in given for line in text.splitlines()[:_MAX_LINES] if line.strip()]


def _read_lines(field: Field, given: list[str]) -> "JsonValue | None":
    lines = _split_lines(given)
    for line in lines:
        _read_text(field, [line])
    return [*sorted(set(lines))] or None


def _read_rows(field: Field, given: list[str]) -> "JsonValue | None":
    rows: list[JsonValue] = []
    for number, line in enumerate(_split_lines(given), 1):
        cells = [cell.strip() for cell in _SEPARATORS.split(line)]
        if len(cells) > len(field.columns):
            raise InputError(
                f"line {number} has {len(cells)} cells, at most {len(field.columns)} are expected",
                field=field.name,
                zh=f"第{number}行有{len(cells)}列，最多{len(field.columns)}列",
            )
        names = [name for name, _ in field.columns]
        row: dict[str, JsonValue] = {
            name: _read_cell(name, cell) for name, cell in zip(names, cells, strict=False) if cell
        }
        rows.append(row)
    return rows or None


def _read_cell(name: str, cell: str) -> JsonValue:
    if name != "source":
        return cell
    if cell.startswith("root:"):
        return {"root": cell.removeprefix("root:").strip()}
    institution, _, standard = cell.partition("/")
    return {"institution": institution.strip(), "standard": standard.strip()}


_READERS: Final = {
    FieldForm.DAY: _read_day,
    FieldForm.CHOICE: _read_choice,
    FieldForm.CHOICES: _read_choices,
    FieldForm.YES: _read_yes,
    FieldForm.LINES: _read_lines,
    FieldForm.ROWS: _read_rows,
}


def _put(members: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        members[outer] = value
        return
    there = members.setdefault(outer, {})
    if isinstance(there, dict):
        there[inner] = value


# --- back into the form -------------------------------------------------------------------------------------


def fill_values(kind: str, members: Mapping[str, JsonValue]) -> dict[str, list[str]]:
    """Return what stands in the fields of a form for a content that is registered already."""
    return {field.name: _spell(field, _find(members, field.name)) for field in FIELDS[kind]}


def _find(members: Mapping[str, JsonValue], name: str) -> "JsonValue | None":
    outer, _, inner = name.partition(".")
    found = members.get(outer)
    return found.get(inner) if inner and isinstance(found, dict) else None if inner else found


def _spell(field: Field, value: "JsonValue | None") -> list[str]:
    if value is None or value is False:
        return []
    if field.form is FieldForm.YES:
        return ["yes"]
    if field.form is FieldForm.ROWS and isinstance(value, list):
        return ["\n".join(_spell_row(field, row) for row in value if isinstance(row, dict))]
    if field.form is FieldForm.LINES and isinstance(value, list):
        return ["\n".join(map(str, value))]
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _spell_row(field: Field, row: Mapping[str, JsonValue]) -> str:
    cells = [_spell_cell(row.get(name)) for name, _ in field.columns]
    while cells and not cells[-1]:
        cells.pop()
    return " | ".join(cells)


def _spell_cell(value: "JsonValue | None") -> str:
    if isinstance(value, dict):
        if "root" in value:
            return f"root:{value['root']}"
        return f"{value.get('institution')}/{value.get('standard')}"
    return "" if value is None else str(value)
