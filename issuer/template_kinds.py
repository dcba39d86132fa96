"""Templates of tables for documents that verify nothing: calibration certificates, and entries from paper.

Form and help are those of `template`; what kind of document a row is stands in a column of its own, so that a table
cannot be taken for one of verifications.

>>> build_paper_template(Category.FUEL_DISPENSER, date(2026, 11, 22), load_rule_book()).columns[1].example
'纸质证书登记'
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from issuer.tabular import EXAMPLE_MARK
from issuer.template import (
    MAX_POINTS,
    PERSONS,
    UNITS_OF,
    Cell,
    Template,
    TemplateColumn,
    list_surroundings,
    make_column,
)
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.regulation import RuleBook

_CALIBRATION: Final = "校准证书"
_PAPER: Final = "纸质证书登记"
_EXAMPLE_SCAN: Final = "0" * 64


def build_calibration_template(category: Category, on: date, book: RuleBook, *, points: int) -> Template:
    """Return the template of calibration certificates for a category; `points` values, at most `MAX_POINTS`.

    Raises:
        InputError: too many points, or the rule book does not know the category on that day.
    """
    if not 1 <= points <= MAX_POINTS:
        raise InputError(f"a template has 1 to {MAX_POINTS} points", field="--points")
    name, day = _name_category(category, on, book), on - timedelta(days=1)
    cells = [
        *_list_instrument(name, _CALIBRATION),
        ("verified_on", day.isoformat(), True),
        ("specification.id", "JJF 0-2026", True),
        ("specification.title", "示例校准规范", True),
        *list_surroundings(day),
        *_list_values(category, points),
        ("conclusion", "", False),
        ("decision_rule.rule", "", False),
        ("decision_rule.guard_factor", "", False),
        ("decision_rule.requirement", "", False),
        ("validity.kind", "", False),
        ("validity.until", "", False),
        ("validity.agreed", "", False),
        ("adjusted", "否", True),
        *_list_persons(day),
    ]
    columns = _make_columns(cells, {"doc_type": (_CALIBRATION,), "conclusion": ("合格", "不合格", "待定")})
    return Template(f"{name} {_CALIBRATION}", "", columns)


def build_paper_template(category: Category, on: date, book: RuleBook) -> Template:
    """Return the template of entries of paper certificates for a category; the example is of two years ago.

    Raises:
        InputError: the rule book does not know the category on that day.
    """
    name = _name_category(category, on, book)
    verified_on, day = (on - timedelta(days=731)).isoformat(), (on - timedelta(days=1)).isoformat()
    cells = [
        *_list_instrument(name, _PAPER),
        ("no", "2024检字第0001号", True),
        ("kind", "周期检定", True),
        ("regulation.id", "JJG 0-2020", False),
        ("regulation.title", "示例规程", False),
        ("verified_on", verified_on, True),
        ("issued_on", verified_on, True),
        ("conclusion", "合格", True),
        ("class_awarded", "", False),
        ("validity.kind", "无", True),
        ("validity.until", "", False),
        ("paper.scan", _EXAMPLE_SCAN, True),
        ("paper.entered_by", "P-entry", True),
        ("paper.entered_on", day, True),
    ]
    return Template(f"{name} {_PAPER}", "", _make_columns(cells, {"doc_type": (_PAPER,)}))


def _name_category(category: Category, on: date, book: RuleBook) -> str:
    rule = book.find_rule(category, on)
    if rule is None:
        raise InputError(f"no regulation of {category.name} is in force on {on}", field="category")
    return rule.name_zh


def _make_columns(cells: list[Cell], only: dict[str, tuple[str, ...]]) -> tuple[TemplateColumn, ...]:
    made = (make_column(name, example, needed) for name, example, needed in cells)
    return tuple(replace(one, only=only.get(one.column.name, one.only)) for one in made)


def _list_instrument(name: str, document_type: str) -> Iterator[Cell]:
    yield "request_id", EXAMPLE_MARK, True
    yield "doc_type", document_type, True
    yield "instrument.category", name, True
    yield "instrument.name", name.partition(" ")[0], True
    yield "instrument.model", "示例型号", True
    yield "instrument.range", "见铭牌", False
    yield "instrument.class", "", False
    yield "instrument.serial", "SN20260001", True
    yield "instrument.maker", "示例仪表有限公司", True
    yield "applicant.name", "示例单位", False
    yield "applicant.code", "", False
    yield "instrument.owner.name", "", False
    yield "instrument.site.division", "350100", False
    yield "instrument.site.address", "", False


def _list_values(category: Category, points: int) -> Iterator[Cell]:
    unit, error_unit = UNITS_OF[category]
    yield "item.indication_error.unit", unit, True
    yield "item.indication_error.error_unit", error_unit, True
    yield "item.indication_error.k", "2", True
    for place in range(1, points + 1):
        point = f"item.indication_error.{place}"
        yield f"{point}.nominal", "10.00", True
        yield f"{point}.measured", "10.00", True
        yield f"{point}.error", "0.00", True
        yield f"{point}.u", "0.05", True
        yield f"{point}.mpe", "", False


def _list_persons(day: date) -> Iterator[Cell]:
    for role, time in PERSONS.items():
        yield f"{role}.pid", f"P-{role}", True
        yield f"{role}.name", "姓名", False
        yield f"{role}.signed_at", f"{day} {time}", True
