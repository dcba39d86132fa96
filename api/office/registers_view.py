"""What the registers say of an institution as of a day, as tables; and what ends within the next six months.

Pure: registers and a day in, tables out. A thing whose newest version begins later stands as it was on that day;
one that was not registered yet is not there.

>>> view = build_view(registers, InstitutionId("350100-01"), date(2026, 11, 3), rule_book)
>>> [table.name for table in view.tables]
['scopes', 'persons', 'standards', 'materials', 'regulations', 'types', 'blocks']
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from issuer.rendering.wording import KINDS, ROLES
from ledger.core.authority import InstitutionContent
from ledger.core.calendar_rules import add_months
from ledger.core.category import Category
from ledger.core.ids import InstitutionId
from ledger.core.person import PersonContent
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import RuleBook
from ledger.core.scope import Basis, ScopeContent
from ledger.core.standard import MaterialContent, StandardContent
from ledger.core.status import DatedT, Registers
from ledger.core.step import Sentence
from ledger.core.type_approval import BlockContent, TypeApprovalContent

MONTHS_AHEAD: Final = 6
_STATES: Final = {
    RegisterState.ACTIVE: Sentence("active", "有效"),
    RegisterState.SUSPENDED: Sentence("suspended", "暂停"),
    RegisterState.WITHDRAWN: Sentence("withdrawn", "撤销"),
}
_QUALIFICATIONS: Final = {
    "registered": Sentence("registered metrologist", "注册计量师"),
    "assessed": Sentence("assessed by the authority", "经主管部门考核"),
    "authorised": Sentence("authorised by the institution", "机构授权"),
}
Cell = str | Sentence
"""What stands in a cell: a text as it is registered, or our words for a code."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One thing that is registered."""

    cells: tuple[Cell, ...]
    state: Sentence
    is_active: bool
    until: date | None
    """Last day, if it has one."""


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """One register."""

    name: str
    title: Sentence
    columns: tuple[Sentence, ...]
    rows: tuple[RegisterRow, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends soon, or has ended."""

    table: Sentence
    what: str
    detail: Sentence
    on: date
    is_over: bool


@dataclass(frozen=True, slots=True)
class RegisterView:
    """The registers of an institution as of a day."""

    institution: InstitutionContent | None
    tables: tuple[RegisterTable, ...]
    endings: tuple[Ending, ...]
    """By date."""


def build_view(
    registers: Registers, institution: InstitutionId, day: date, rule_book: RuleBook
) -> RegisterView:
    """Return what is registered for an institution, and for everybody, as of a day.

    Args:
        registers: as the log has established them.
        institution: whose.
        day: as of its end.
        rule_book: says how categories are called.
    """
    words = _category_words(rule_book)
    scopes = _own(_find(registers, ScopeContent, day), institution)
    persons = _own(_find(registers, PersonContent, day), institution)
    standards = _own(_find(registers, StandardContent, day), institution)
    materials = list(_find(registers, MaterialContent, day))
    types = list(_find(registers, TypeApprovalContent, day))
    blocks = [one for one in registers.list_newest(BlockContent) if one.valid_from <= day]
    tables = (
        _table_scopes(scopes, words),
        _table_persons(persons, words),
        _table_standards(standards, words),
        _table_materials(materials),
        _table_regulations(registers, day),
        _table_types(types, words),
        _table_blocks(blocks),
    )
    endings = sorted(_list_endings(scopes, persons, standards, materials, types, day), key=lambda one: one.on)
    return RegisterView(registers.institutions.get(institution), tables, tuple(endings))


def _find(registers: Registers, kind: type[DatedT], day: date) -> Iterator[DatedT]:
    """Yield the version of everything of one kind that counts on a day."""
    for subject, versions in registers.versions.items():
        if isinstance(versions[-1].content, kind):
            found = registers.find_on(subject, kind, day)
            if found is not None:
                yield found


def _own(contents: Iterable[DatedT], institution: InstitutionId) -> list[DatedT]:
    found = [one for one in contents if getattr(one, "institution", None) == institution]
    return sorted(found, key=lambda one: str(getattr(one, "id", "")))


def _category_words(rule_book: RuleBook) -> dict[Category, Sentence]:
    return {row.category: Sentence(row.name_en or row.category.name, row.name_zh) for row in rule_book.rows}


def _join(items: Iterable[Sentence]) -> Sentence:
    found = list(items)
    return Sentence(", ".join(one.en for one in found), "、".join(one.zh for one in found))


def _spell_categories(categories: Iterable[Category], words: dict[Category, Sentence]) -> Sentence:
    ordered = sorted(categories)
    if len(ordered) == len(Category):
        return Sentence("every category", "全部类别")
    return _join(words.get(one, Sentence(one.name, one.name)) for one in ordered)


def _row(state: RegisterState, until: date | None, *cells: Cell) -> RegisterRow:
    return RegisterRow(cells, _STATES[state], state is RegisterState.ACTIVE, until)


def _table_scopes(scopes: list[ScopeContent], words: dict[Category, Sentence]) -> RegisterTable:
    rows = tuple(
        _row(
            one.state,
            one.valid_until,
            one.id,
            one.authorisation_no,
            _spell_categories(one.categories, words),
            _join(Sentence(KINDS[kind].en, KINDS[kind].zh) for kind in sorted(one.kinds)),
            ", ".join(sorted(one.classes)),
            "" if one.range is None else f"{one.range.lower} – {one.range.upper} {one.range.unit.symbol}",
            one.division or Sentence("anywhere", "不限"),
            one.valid_from.isoformat(),
            _spell_basis(one),
        )
        for one in scopes
    )
    columns = (
        Sentence("Line", "项目"),
        Sentence("Authorisation", "授权证书"),
        Sentence("Categories", "器具类别"),
        Sentence("Kinds", "检定类别"),
        Sentence("Classes", "准确度等级"),
        Sentence("Range", "测量范围"),
        Sentence("Region", "区域"),
        Sentence("From", "起始日期"),
        Sentence("Basis", "授权依据"),
    )
    return RegisterTable("scopes", Sentence("Scope lines", "授权项目"), columns, rows)


def _spell_basis(scope: ScopeContent) -> Sentence:
    if scope.basis is Basis.EXAMINED:
        return Sentence("examined", "考核")
    follow_up = "" if scope.follow_up is None else scope.follow_up.isoformat()
    return Sentence(f"pledge, followed up by {follow_up}", f"告知承诺，{follow_up}前核查")


def _table_persons(persons: list[PersonContent], words: dict[Category, Sentence]) -> RegisterTable:
    rows = tuple(
        _row(
            one.state,
            one.valid_until,
            one.id,
            _QUALIFICATIONS[one.qualification.value],
            _join(Sentence(ROLES[role].en.lower(), ROLES[role].zh) for role in sorted(one.roles)),
            _spell_categories(one.categories, words),
            one.valid_from.isoformat(),
            Sentence("own key", "本人密钥") if one.key is not None else Sentence("none", "无"),
        )
        for one in persons
    )
    columns = (
        Sentence("Person", "人员代号"),
        Sentence("Qualification", "资格"),
        Sentence("Roles", "角色"),
        Sentence("Items", "检定项目"),
        Sentence("From", "起始日期"),
        Sentence("Signs with", "签名方式"),
    )
    return RegisterTable("persons", Sentence("Persons", "检定人员"), columns, rows)


def _table_standards(standards: list[StandardContent], words: dict[Category, Sentence]) -> RegisterTable:
    rows = tuple(
        _row(
            one.state,
            one.valid_until,
            one.id,
            one.name,
            one.examination_no,
            _spell_use(one),
            _spell_categories(one.categories, words),
            one.range,
            one.uncertainty,
            "; ".join(f"{item.no}: {item.certificate_no} → {item.until}" for item in one.instruments),
        )
        for one in standards
    )
    columns = (
        Sentence("Code", "代号"),
        Sentence("Standard", "计量标准"),
        Sentence("Examination", "考核证书"),
        Sentence("Use", "用途"),
        Sentence("Categories", "器具类别"),
        Sentence("Range", "测量范围"),
        Sentence("Uncertainty", "不确定度"),
        Sentence("Main instruments", "主标准器"),
    )
    return RegisterTable("standards", Sentence("Measurement standards", "计量标准"), columns, rows)


def _spell_use(standard: StandardContent) -> Cell:
    if standard.is_primary:
        return Sentence("primary standard", "国家计量基准")
    if standard.public_no is not None:
        return Sentence(f"public, {standard.public_no}", f"社会公用，{standard.public_no}")
    if standard.is_mandatory:
        return Sentence("authorised for mandatory verification", "授权用于强制检定")
    return Sentence("own use", "内部使用")


def _table_materials(materials: list[MaterialContent]) -> RegisterTable:
    rows = tuple(
        _row(one.state, one.valid_until, one.id, one.lot, one.name, one.value, one.valid_from.isoformat())
        for one in sorted(materials, key=lambda one: (one.id, one.lot))
    )
    columns = (
        Sentence("Number", "编号"),
        Sentence("Lot", "批号"),
        Sentence("Name", "名称"),
        Sentence("Certified value", "标准值"),
        Sentence("From", "起始日期"),
    )
    return RegisterTable("materials", Sentence("Reference materials", "标准物质"), columns, rows)


def _table_regulations(registers: Registers, day: date) -> RegisterTable:
    """Return published regulations; those that are not in force yet, or no more, say so."""
    rows = []
    for content in registers.rules.contents:
        rule = content.rule
        begins, ends = rule.effective_on, rule.superseded_on
        in_force = (begins is None or begins <= day) and (ends is None or day < ends)
        state = _STATES[RegisterState.ACTIVE] if in_force else Sentence("not in force", "当日不适用")
        cells = (
            content.regulation_id,
            Sentence(rule.name_en or content.category.name, rule.name_zh),
            "" if begins is None else begins.isoformat(),
            "" if ends is None else ends.isoformat(),
            rule.superseded_by or "",
            str(len(rule.limits)),
        )
        rows.append(RegisterRow(cells, state, in_force, None))
    columns = (
        Sentence("Regulation", "规程"),
        Sentence("Category", "器具类别"),
        Sentence("In force from", "实施日期"),
        Sentence("No more from", "废止日期"),
        Sentence("Then", "替代规程"),
        Sentence("Limits", "限值条数"),
    )
    return RegisterTable("regulations", Sentence("Published regulations", "已发布规程"), columns, tuple(rows))


def _table_types(types: list[TypeApprovalContent], words: dict[Category, Sentence]) -> RegisterTable:
    rows = tuple(
        _row(
            one.state,
            one.valid_until,
            one.number,
            one.maker,
            words.get(one.category, Sentence(one.category.name, one.category.name)),
            ", ".join(sorted(one.models)) or Sentence("every model", "全部型号"),
            ", ".join(software.id for software in one.software),
            one.oiml or "",
            one.valid_from.isoformat(),
        )
        for one in sorted(types, key=lambda one: one.number)
    )
    columns = (
        Sentence("Number", "批准号"),
        Sentence("Maker", "制造单位"),
        Sentence("Category", "器具类别"),
        Sentence("Models", "型号"),
        Sentence("Software", "软件"),
        Sentence("OIML", "OIML 证书"),
        Sentence("From", "起始日期"),
    )
    return RegisterTable("types", Sentence("Type approvals", "型式批准"), columns, rows)


def _table_blocks(blocks: list[BlockContent]) -> RegisterTable:
    rows = tuple(
        _row(
            one.state,
            None,
            one.id,
            one.maker,
            ", ".join(sorted(one.models)) or Sentence("every model", "全部型号"),
            ", ".join(sorted(one.serials)) or Sentence("every one", "全部"),
            one.valid_from.isoformat(),
            one.decision.number,
        )
        for one in sorted(blocks, key=lambda one: one.id)
    )
    columns = (
        Sentence("Block", "编号"),
        Sentence("Maker", "制造单位"),
        Sentence("Models", "型号"),
        Sentence("Serial numbers", "出厂编号"),
        Sentence("From", "起始日期"),
        Sentence("Decision", "决定文号"),
    )
    return RegisterTable("blocks", Sentence("Blocks", "禁止检定名单"), columns, rows)


# --- what ends ----------------------------------------------------------------------------------------------

_END: Final = Sentence("ends", "到期")


def _list_endings(
    scopes: list[ScopeContent],
    persons: list[PersonContent],
    standards: list[StandardContent],
    materials: list[MaterialContent],
    types: list[TypeApprovalContent],
    day: date,
) -> Iterator[Ending]:
    """Yield what ends within six months of a day, or has ended and still stands as active."""
    horizon = add_months(day, MONTHS_AHEAD)
    note = _Noting(day, horizon)
    for scope in _active(scopes):
        table = Sentence("Scope line", "授权项目")
        yield from note(table, scope.id, _END, scope.valid_until)
        follow_up = Sentence("pledge to be followed up", "告知承诺核查")
        yield from note(table, scope.id, follow_up, scope.follow_up)
    for person in _active(persons):
        yield from note(Sentence("Person", "检定人员"), person.id, _END, person.valid_until)
    for standard in _active(standards):
        table = Sentence("Measurement standard", "计量标准")
        yield from note(table, f"{standard.id} {standard.name}", _END, standard.valid_until)
        for item in standard.instruments:
            detail = Sentence("certificate of a main instrument ends", "主标准器证书到期")
            yield from note(table, f"{standard.id} / {item.no}, {item.certificate_no}", detail, item.until)
    for material in _active(materials):
        what = f"{material.id}, {material.lot}"
        yield from note(Sentence("Reference material", "标准物质"), what, _END, material.valid_until)
    for approval in _active(types):
        yield from note(Sentence("Type approval", "型式批准"), approval.number, _END, approval.valid_until)


def _active(contents: Iterable[DatedT]) -> Iterator[DatedT]:
    return (one for one in contents if one.state is RegisterState.ACTIVE)


@dataclass(frozen=True, slots=True)
class _Noting:
    """Notes what ends up to a horizon."""

    day: date
    horizon: date

    def __call__(self, table: Sentence, what: str, detail: Sentence, on: date | None) -> Iterator[Ending]:
        """Yield an ending if it is near enough."""
        if on is not None and on <= self.horizon:
            yield Ending(table, what, detail, on, on < self.day)
