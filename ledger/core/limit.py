"""Limits of a regulation in numbers, and the judgement of an error against them.

Which row applies is said by item, accuracy class and, for scales, the load in verification scale intervals e.
Water and gas meters have one limit for low and one for high flow (`indication_error_low` from Q1 to below Q2,
`indication_error_high` from Q2 to Q4): where the zones lie is the meter's own data, so the document names the
zone by the item. A limit whose tag is not exactly V is sample data: it may be shown, never decide.

>>> limit = limit_for(limits, LimitedItem.INDICATION_ERROR)
>>> judge_indication_error(limit, compute_relative_error_percent(Decimal("20.06"), Decimal("20.00")))
True
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from ledger.core.errors import MalformedDocumentError, UnitError
from ledger.core.exact import Exact, decimal_from_fraction, fraction_from_decimal
from ledger.core.quantity import Quantity, round_to_interval
from ledger.core.table import TableRow, read_table
from ledger.core.unit import UNITS, Dimension, Unit, compute_base_value, parse_unit

LIMIT_COLUMNS: Final = (
    "regulation",
    "accuracy_class",
    "item",
    "condition",
    "load_over",
    "load_up_to",
    "mpe_lower",
    "mpe_upper",
    "unit",
    "inclusive",
    "rounding_interval",
    "in_service_factor",
    "confidence",
    "note",
)
CONFIRMED: Final = "V"
_TAGS: Final = frozenset("VKU")


class LimitedItem(StrEnum):
    """Items of verification (检定项目) that have limits in numbers."""

    INDICATION_ERROR = "indication_error"
    INDICATION_ERROR_LOW = "indication_error_low"
    INDICATION_ERROR_HIGH = "indication_error_high"
    ERROR_IN_USE = "error_in_use"
    """使用误差 of a taximeter: the whole vehicle, not the meter on the bench."""
    REPEATABILITY = "repeatability"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one regulation."""

    regulation_id: str
    item: LimitedItem
    accuracy_class: str | None
    """None: for any class."""
    lower: Decimal | None
    """Below 0; None: one-sided, the item is a magnitude such as repeatability."""
    upper: Decimal
    """Above 0."""
    unit: Unit
    is_inclusive: bool
    """Whether a value exactly at the limit passes."""
    rounding_interval: Decimal | None
    """The regulation rounds the error to this before it judges, in the limit's unit; None: judged unrounded."""
    load_over: Decimal | None
    """Applies above this load, in e; None: from 0."""
    load_up_to: Decimal | None
    """Applies up to and at this load, in e; None: without end."""
    in_service_factor: Decimal | None
    """Limits of in-service inspection (使用中检查) are this multiple; None: not known."""
    condition: str
    """Where it applies, in the regulation's symbols, as `Q1 ≤ Q < Q2`."""
    confidence: str
    """Trust tags, as `V` or `K/U`."""
    note: str

    @property
    def is_confirmed(self) -> bool:
        """Whether the number was found in public text; only then may it decide."""
        return self.confidence == CONFIRMED

    @property
    def maximum_permissible_error(self) -> Decimal:
        """The smaller magnitude of the bounds: what an uncertainty is compared with."""
        if self.lower is None:
            return self.upper
        return min(self.lower.copy_abs(), self.upper)


def parse_limits(text: str) -> tuple[Limit, ...]:
    """Read the table of limits.

    Raises:
        InputError: not such a table, or two rows answer the same question.
    """
    limits = tuple(parse_limit(row) for row in read_table("limits", text, LIMIT_COLUMNS))
    check_overlaps(limits)
    return limits


def check_overlaps(limits: Sequence[Limit]) -> None:
    """Refuse limits two of which answer the same question.

    Raises:
        MalformedDocumentError: there are such two.
    """
    for number, limit in enumerate(limits):
        if any(_overlap(limit, earlier) for earlier in limits[:number]):
            raise MalformedDocumentError(
                f"{limit.regulation_id} limits {limit.item} twice in {limit.unit.code}", field="limits"
            )


def parse_tags(row: TableRow, column: str) -> str:
    """Return trust tags: V, K and U joined by `/`, each once.

    Raises:
        MalformedDocumentError: anything else.
    """
    text = row.text(column)
    tags = text.split("/")
    if not _TAGS.issuperset(tags) or len(set(tags)) != len(tags):
        raise MalformedDocumentError(
            "expected V, K, U or several of them joined by /", field=row.path(column)
        )
    return text


def limit_for(
    limits: Iterable[Limit],
    item: str,
    *,
    accuracy_class: str | None = None,
    unit: Unit | None = None,
    load: Exact | None = None,
    in_service: bool = False,
) -> Limit | None:
    """Return the limit that applies, or None where none is on record.

    Args:
        limits: of one regulation, as `RuleRow.limits`.
        item: code of the item.
        accuracy_class: as awarded, `III`, `2`, `1.5`; a limit without class applies to all.
        unit: only a limit in this unit (a regulation may state kPa and mmHg side by side, not quite equal).
        load: in verification scale intervals e, see `compute_load_in_intervals`; limits with steps need it.
        in_service: the limit of in-service inspection (使用中检查) instead; None where its factor is unknown.
    """
    for limit in limits:
        if limit.item != item or (unit is not None and limit.unit.code != unit.code):
            continue
        fits_class = limit.accuracy_class is None or limit.accuracy_class == accuracy_class
        if fits_class and _covers(limit, load):
            return _widen(limit) if in_service else limit
    return None


def judge_indication_error(limit: Limit, error: Exact) -> bool:
    """Return whether an error, or a repeatability, in the limit's unit keeps the limit.

    The value is compared exactly; it is rounded first only where the regulation says so.

    Raises:
        MalformedDocumentError: the error is not a plain number.
    """
    value = fraction_from_decimal(error)
    if limit.rounding_interval is not None:
        value = fraction_from_decimal(round_to_interval(value, limit.rounding_interval))
    upper = fraction_from_decimal(limit.upper)
    if limit.lower is None:
        return 0 <= value <= upper if limit.is_inclusive else 0 <= value < upper
    lower = fraction_from_decimal(limit.lower)
    return lower <= value <= upper if limit.is_inclusive else lower < value < upper


def compute_load_in_intervals(load: Quantity, interval: Quantity) -> Fraction:
    """Return a load as a number of verification scale intervals: 2.5 kg at e = 5 g is 500.

    Raises:
        UnitError: not two masses.
        MalformedDocumentError: the load is negative or the interval is not above 0.
    """
    if load.unit.dimension is not Dimension.MASS or interval.unit.dimension is not Dimension.MASS:
        raise UnitError("a load and a verification scale interval are masses")
    if interval.value <= 0 or load.value < 0:
        raise MalformedDocumentError(f"a load of {load.value} with an interval of {interval.value}")
    return compute_base_value(load.value, load.unit) / compute_base_value(interval.value, interval.unit)


def compute_limit_in_unit(limit: Limit, interval: Quantity) -> Limit:
    """Return a limit stated in e as one in the unit of the instrument's e: ±0.5 e at e = 5 g is ±2.5 g.

    Raises:
        UnitError: the limit is not stated in e.
        MalformedDocumentError: the interval is not above 0.
    """
    if limit.unit is not UNITS["e"]:
        raise UnitError(f"the limit is stated in {limit.unit.code}, not in e")
    if interval.value <= 0:
        raise MalformedDocumentError(f"a verification scale interval is above 0, not {interval.value}")
    return _convert(limit, interval.value, interval.unit)


def compute_limit_in_error_unit(limit: Limit, interval: Quantity, unit: Unit) -> Limit | None:
    """Return a limit stated in e as one in the unit of the stated errors: ±0.5 e at e = 5 g is ±0.0025 kg.

    None where errors are not stated in a unit of mass, or the limit has no decimal form in it.

    Raises:
        UnitError: the limit is not stated in e.
        MalformedDocumentError: the interval is not above 0.
    """
    found = compute_limit_in_unit(limit, interval)
    if unit.dimension is not interval.unit.dimension:
        return None
    factor = decimal_from_fraction(interval.unit.factor / unit.factor)
    return None if factor is None else _convert(found, factor, unit)


def _widen(limit: Limit) -> Limit | None:
    return None if limit.in_service_factor is None else _scale(limit, limit.in_service_factor)


def _scale(limit: Limit, factor: Decimal) -> Limit:
    lower = None if limit.lower is None else _multiply(limit.lower, factor)
    return replace(limit, lower=lower, upper=_multiply(limit.upper, factor))


def _convert(limit: Limit, factor: Decimal, unit: Unit) -> Limit:
    """Return the same limit in another unit: what it rounds to is stated in that unit, too."""
    step = None if limit.rounding_interval is None else _multiply(limit.rounding_interval, factor)
    return replace(_scale(limit, factor), unit=unit, rounding_interval=step)


def _multiply(number: Decimal, factor: Decimal) -> Decimal:
    product = decimal_from_fraction(fraction_from_decimal(number) * fraction_from_decimal(factor))
    if product is None:  # pragma: no cover -- a product of decimals is a decimal
        raise MalformedDocumentError(f"{number} * {factor} is not a decimal")
    return product


def _covers(limit: Limit, load: Exact | None) -> bool:
    if limit.load_over is None and limit.load_up_to is None:
        return True
    if load is None:
        return False
    size = fraction_from_decimal(load)
    above = size >= 0 if limit.load_over is None else size > fraction_from_decimal(limit.load_over)
    return above and (limit.load_up_to is None or size <= fraction_from_decimal(limit.load_up_to))


def _overlap(one: Limit, other: Limit) -> bool:
    """Return whether some question would have both limits for an answer."""
    if (one.regulation_id, one.item, one.unit) != (other.regulation_id, other.item, other.unit):
        return False
    if None not in {one.accuracy_class, other.accuracy_class} and one.accuracy_class != other.accuracy_class:
        return False
    return not (_ends_before(one, other) or _ends_before(other, one))


def _ends_before(one: Limit, other: Limit) -> bool:
    return one.load_up_to is not None and other.load_over is not None and one.load_up_to <= other.load_over


def parse_limit(row: TableRow) -> Limit:
    """Read one row of the table of limits.

    Raises:
        InputError: not such a row.
    """
    item = row.optional_code("item", LimitedItem)
    upper = row.optional_decimal("mpe_upper")
    if item is None or upper is None:
        raise MalformedDocumentError("an item and an upper limit are needed", field=row.label)
    limit = Limit(
        regulation_id=row.text("regulation"),
        item=item,
        accuracy_class=row.optional_text("accuracy_class"),
        lower=row.optional_decimal("mpe_lower"),
        upper=upper,
        unit=parse_unit(row.text("unit"), field=row.path("unit")),
        is_inclusive=row.flag("inclusive"),
        rounding_interval=row.optional_decimal("rounding_interval"),
        load_over=row.optional_decimal("load_over"),
        load_up_to=row.optional_decimal("load_up_to"),
        in_service_factor=row.optional_decimal("in_service_factor"),
        condition=row.optional_text("condition") or "",
        confidence=parse_tags(row, "confidence"),
        note=row.optional_text("note") or "",
    )
    _check_ranges(limit, row)
    return limit


def _check_ranges(limit: Limit, row: TableRow) -> None:
    if limit.upper <= 0 or (limit.lower is not None and limit.lower >= 0):
        raise MalformedDocumentError("0 must lie between the limits", field=row.path("mpe_upper"))
    if limit.rounding_interval is not None and limit.rounding_interval <= 0:
        raise MalformedDocumentError("must be above 0", field=row.path("rounding_interval"))
    if limit.in_service_factor is not None and limit.in_service_factor < 1:
        raise MalformedDocumentError("must be at least 1", field=row.path("in_service_factor"))
    over = Decimal(0) if limit.load_over is None else limit.load_over
    if over < 0 or (limit.load_up_to is not None and limit.load_up_to <= over):
        raise MalformedDocumentError("the step of load is empty", field=row.path("load_up_to"))
