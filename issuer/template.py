"""Templates of tables, one for each category: headings, help, units, drop-downs, an example; made from the schema.

What stands here comes from where it is judged: columns and their kinds from `columns`, headings and words from
`headings`, items, limits and seals from the rule book. So a template cannot ask for what the desk does not read.

    row 1     headings
    row 2     help, begins with 说明 HELP
    row 3     an example, begins with 示例 EXAMPLE; neither is ever issued
    row 4 …   the documents

>>> template = build_template(Category.WATER_METER_SMALL, date(2026, 11, 22), load_rule_book())
>>> [column.heading for column in template.columns][:3]
['请求编号', '检定类别', '器具类别']
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

from issuer.columns import CellKind, Column, parse_column
from issuer.headings import find_choices, find_heading
from issuer.tabular import EXAMPLE_MARK, HELP_MARK
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.limit import Limit, LimitedItem
from ledger.core.record import Role, VerificationKind
from ledger.core.regulation import RuleBook, RuleRow

MAX_PARTS: Final = 8
MAX_POINTS: Final = 12
DEFAULT_POINTS: Final = 3
_DEFAULT_ITEM: Final = LimitedItem.INDICATION_ERROR
UNITS_OF: Final[Mapping[Category, tuple[str, str]]] = {
    Category.OTHER: ("1", "%"),
    Category.FUEL_DISPENSER: ("L", "%"),
    Category.PRICE_SCALE: ("kg", "g"),
    Category.DIGITAL_SCALE: ("kg", "g"),
    Category.TRUCK_SCALE: ("t", "kg"),
    Category.TAXIMETER: ("km", "%"),
    Category.WATER_METER_SMALL: ("L", "%"),
    Category.WATER_METER_MID: ("L", "%"),
    Category.WATER_METER_LARGE: ("m3", "%"),
    Category.GAS_METER_NG: ("L", "%"),
    Category.GAS_METER_OTHER: ("L", "%"),
    Category.GAS_METER_ULTRASONIC: ("L", "%"),
    Category.ELEC_METER_C: ("kWh", "%"),
    Category.ELEC_METER_A: ("kWh", "%"),
    Category.EV_CHARGER_AC: ("kWh", "%"),
    Category.EV_CHARGER_DC: ("kWh", "%"),
    Category.SPHYG_MERCURY: ("kPa", "kPa"),
    Category.SPHYG_AUTO: ("kPa", "kPa"),
    Category.PRESSURE_GAUGE: ("MPa", "MPa"),
    Category.CNG_DISPENSER: ("kg", "%"),
    Category.GRAIN_MOISTURE: ("%", "%"),
    Category.BREATH_ALCOHOL: ("mg/L", "mg/L"),
    Category.THERMOMETER_GLASS: ("°C", "°C"),
    Category.WEIGHTS: ("g", "mg"),
    Category.GRAIN_HECTOLITRE: ("g/L", "g/L"),
    Category.LENSMETER: ("m-1", "m-1"),
    Category.REFRACTOMETER_OPTOMETRY: ("m-1", "m-1"),
}
"""Units of reference values and of errors in the example; a row may have others."""
PERSONS: Final = {Role.OPERATOR: "16:20", Role.CHECKER: "17:05", Role.APPROVER: "17:40"}
_KIND_HELP: Final = {
    CellKind.TEXT: ("文本", "text"),
    CellKind.INTEGER: ("整数", "a whole number"),
    CellKind.BOOLEAN: ("是或否", "是 yes, 否 no"),
    CellKind.DECIMAL: ("照读数录入文本，保留末尾的零", "as it was read, as text, zeros at its end too"),
    CellKind.DATE: ("日期，如 2026-11-02", "a date, as 2026-11-02"),
    CellKind.INSTANT: ("本地日期时间，如 2026-11-02 16:20", "local date and time, as 2026-11-02 16:20"),
}
_OWN_HELP: Final = {
    "request_id": (
        "本单位的唯一流水号；再次提交同一行不会重复签发",
        "your own unique number: the same row again is not issued twice",
    ),
    "instrument.site.division": ("行政区划代码（GB/T 2260）", "division code, GB/T 2260"),
    "applicant.code": ("统一社会信用代码", "unified social credit code"),
    "item.*.#.error": ("由示值和标准值算得", "as it follows from reading and reference value"),
}


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """One column of a template."""

    column: Column
    heading: str
    example: str
    is_needed: bool
    """Whether a document lacks something without it."""
    only: tuple[str, ...] = ()
    """Which words of its list are for this template; empty: all."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return what its cells may hold, where that is a list."""
        if self.only:
            return self.only
        words = find_choices(self.column.pattern)
        if self.column.pattern == "instrument.category":
            return (self.example,)
        return tuple(words)

    @property
    def help(self) -> tuple[str, str]:
        """Return what to write there, in Chinese and English."""
        own = _OWN_HELP.get(self.column.pattern)
        if own is not None:
            return own
        zh, en = _KIND_HELP[self.column.kind]
        if self.words and self.column.kind is not CellKind.BOOLEAN:
            zh, en = "选择：" + "、".join(self.words), "one of the list"
        return zh, en


@dataclass(frozen=True, slots=True)
class Template:
    """A table to fill in."""

    title: str
    regulation: str
    """What its limits come from; empty where the book has none."""
    columns: tuple[TemplateColumn, ...]

    def help_row(self) -> list[str]:
        """Return the row of help below the headings."""
        return [HELP_MARK, *(f"{one.help[0]} / {one.help[1]}" for one in self.columns[1:])]

    def example_row(self) -> list[str]:
        """Return the example."""
        return [EXAMPLE_MARK, *(one.example for one in self.columns[1:])]


def build_template(
    category: Category, on: date, book: RuleBook, *, points: int = DEFAULT_POINTS, parts: int = 0
) -> Template:
    """Return the template of a category.

    Args:
        category: of the instruments.
        on: a day of verification; the regulation in force then counts, and the example is of the day before.
        book: rules.
        points: readings of each indication error, at most `MAX_POINTS`.
        parts: parts with results of their own (nozzles, lanes), at most `MAX_PARTS`; 0: the instrument as a whole.

    Raises:
        InputError: too many, or no regulation of this category is in force.
    """
    if not 1 <= points <= MAX_POINTS or not 0 <= parts <= MAX_PARTS:
        message = f"a template has 1 to {MAX_POINTS} points and at most {MAX_PARTS} parts"
        raise InputError(message, field="--points")
    rule = book.find_rule(category, on)
    if rule is None:
        raise InputError(f"no regulation of {category.name} is in force on {on}", field="category")
    cells = _list_cells(category, rule, on - timedelta(days=1), points, parts)
    columns = tuple(make_column(name, example, needed) for name, example, needed in cells)
    return Template(rule.name_zh, rule.regulation_id or "", columns)


def make_column(name: str, example: str, needed: bool) -> TemplateColumn:
    """Return a column of a template by its name; its drop-down has the words of verifications."""
    column = parse_column(name)
    only = _VERIFICATION_WORDS.get(name, ())
    return TemplateColumn(column, find_heading(name, column.pattern), example, needed, only)


_VERIFICATION_WORDS: Final = {
    "kind": tuple(
        word for word, code in find_choices("kind").items() if code != VerificationKind.CALIBRATION
    ),
    "conclusion": ("合格", "不合格"),
}
Cell: TypeAlias = tuple[str, str, bool]
"""Name, example, whether it is needed."""


def _list_cells(category: Category, rule: RuleRow, day: date, points: int, parts: int) -> Iterator[Cell]:
    yield from _list_head(category, rule, day)
    for number in range(1, parts + 1):
        yield f"instrument.parts.{number}.id", str(number), True
        yield f"instrument.parts.{number}.name", f"{number}号", False
    yield from list_surroundings(day)
    yield from _list_results(category, rule, points, parts)
    for number in range(1, (rule.seal_points or 1) + 1):
        yield f"seals.{number}.no", f"QF26{number:04}", False
        yield f"seals.{number}.point", f"封印点{number}", False
    yield "conclusion", "合格", True
    yield "adjusted", "否", True
    for role, time in PERSONS.items():
        yield f"{role}.pid", f"P-{role}", True
        yield f"{role}.name", "姓名", False
        yield f"{role}.signed_at", f"{day} {time}", True


def _list_head(category: Category, rule: RuleRow, day: date) -> Iterator[Cell]:
    classes = [limit.accuracy_class for limit in rule.limits if limit.accuracy_class]
    yield "request_id", EXAMPLE_MARK, True
    yield "kind", "首次检定", True
    yield "instrument.category", rule.name_zh, True
    yield "instrument.name", rule.name_zh.partition(" ")[0], True
    yield "instrument.model", "示例型号", True
    yield "instrument.range", "见铭牌", False
    yield "instrument.class", classes[0] if classes else "", False
    yield "instrument.serial", "SN20260001", True
    yield "instrument.year", str(day.year), False
    yield "instrument.maker", "示例仪表有限公司", True
    yield "instrument.cpa_no", "", False
    yield "instrument.purpose", "贸易结算", False
    yield "applicant.name", "示例单位", False
    yield "applicant.code", "", False
    yield "instrument.owner.name", "", False
    yield "instrument.owner.code", "", False
    yield "instrument.site.division", "350100", False
    yield "instrument.site.address", "", False
    yield "verified_on", day.isoformat(), True
    if category is Category.OTHER:
        yield "regulation.id", "JJG 0-2026", True
        yield "regulation.title", "示例规程", True
        yield "validity.kind", "无", True
        yield "validity.until", "", False


def list_surroundings(day: date) -> Iterator[Cell]:
    """Yield place, conditions and one measurement standard."""
    until = day.replace(year=day.year + 2, day=min(day.day, 28)).isoformat()
    yield "place.kind", "实验室", False
    yield "place.where", "", False
    for name, value, unit in (("temperature", "20.5", "°C"), ("humidity", "60", "%RH")):
        yield f"environment.{name}.value", value, False
        yield f"environment.{name}.unit", unit, False
    yield "standards.1.id", "SB-0001", False
    yield "standards.1.name", "示例标准装置", False
    yield "standards.1.exam_no", "〔2025〕示量标证字第0001号", False
    yield "standards.1.exam_until", until, False
    yield "standards.1.range", "见证书", False
    yield "standards.1.u", "见证书", False
    yield "standards.1.instruments.1.no", "ZB-0001", False
    yield "standards.1.instruments.1.cert_no", "SL-0001", False
    yield "standards.1.instruments.1.until", until, False


def _list_results(category: Category, rule: RuleRow, points: int, parts: int) -> Iterator[Cell]:
    limits: dict[LimitedItem, Limit | None] = {limit.item: limit for limit in reversed(rule.limits)}
    items = sorted(limits, key=list(LimitedItem).index) or [_DEFAULT_ITEM]
    number = 0
    for part in range(1, parts + 1) if parts else [0]:
        for item in items:
            number += 1
            start = f"results.{number}" if part else f"item.{item}"
            if part:
                yield f"{start}.item", item, True
                yield f"{start}.part", str(part), True
            yield from _list_result(start, category, item, limits.get(item), points)


def _list_result(
    start: str, category: Category, item: LimitedItem, limit: Limit | None, points: int
) -> Iterator[Cell]:
    unit, error_unit = _find_units(category, limit)
    is_magnitude = item is LimitedItem.REPEATABILITY
    mpe = _find_mpe(limit, error_unit)
    if not is_magnitude:
        yield f"{start}.unit", unit, True
    yield f"{start}.error_unit", error_unit, True
    if not is_magnitude:
        yield f"{start}.k", "2", False
    for place in range(1, 2 if is_magnitude else points + 1):
        point = f"{start}.points.{place}" if start.startswith("results.") else f"{start}.{place}"
        if not is_magnitude:
            yield f"{point}.nominal", "10.00", True
            yield f"{point}.measured", "10.00", True
        yield f"{point}.error", "0.00", True
        yield f"{point}.mpe", mpe, False
        if not is_magnitude:
            yield f"{point}.u", "", False
        yield f"{point}.pass", "是", True
    if start.startswith("results."):
        yield f"{start}.pass", "是", True


def _find_units(category: Category, limit: Limit | None) -> tuple[str, str]:
    unit, error_unit = UNITS_OF[category]
    if limit is None or limit.unit.code == "e":
        return unit, error_unit
    return unit, limit.unit.code


def _find_mpe(limit: Limit | None, error_unit: str) -> str:
    """Return the limit as a document states it; empty where it is not symmetrical, or in another unit."""
    if limit is None or limit.unit.code != error_unit:
        return ""
    return "" if limit.lower is not None and limit.lower != -limit.upper else str(limit.upper)
