"""From readings to results: errors, repeatability and their judgement, as a device shows them on site.

The device computes the same in `api/web/static/round/judge.js`; a test compares both over generated cases. What a
device says is computed again here, exactly, and no result enters a draft that does not follow from its readings.

    indication error   (measured - nominal) / nominal * 100 for limits in %, else measured - nominal
    repeatability      largest minus smallest error of a series (JJG 443: of the readings at one flow)

Weighing instruments have limits by load, in steps of the verification scale interval e. Each reading is judged by
the limit at its load, in the unit of the errors. Eccentric loading keeps the limit of the indication error at that
load (OIML R 76-1:2006 §3.6.2); several weighings of one load differ by no more than its size (§3.6.1).

>>> compute_results([Series("indication_error", "1", (("20.00", "20.02"),))], Measuring(limits, "L"))
[{'item': 'indication_error', 'part': '1', 'unit': 'L', 'error_unit': '%', 'points': [...], 'pass': True}]
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_decimal, parse_decimal
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.exact import decimal_from_fraction, fraction_from_decimal, make_decimal
from ledger.core.fields import Reader
from ledger.core.limit import (
    Limit,
    LimitedItem,
    compute_limit_in_error_unit,
    compute_load_in_intervals,
    judge_indication_error,
    limit_for,
)
from ledger.core.quantity import Quantity, compute_relative_error_percent, round_to_interval
from ledger.core.unit import UNITS, Dimension, Unit, compute_base_value, parse_unit

MIN_PLACES: Final = 2
"""Decimal places in which a quotient is stated, at least."""
MAX_PLACES: Final = 12
_PERCENT: Final = UNITS["%"]
_E: Final = UNITS["e"]
_LIMIT_NAMES: Final = ("lower", "upper", "rounding", "over", "up_to")
ECCENTRICITY: Final = "eccentricity"
"""偏载: one load at several places of the receptor; judged by the limits of the indication error."""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one item, of one part or of the whole instrument, in the order in which they were taken."""

    item: str
    part: str | None
    readings: tuple[tuple[str, str], ...]
    """Reference value and indication, as written."""
    before_adjustment: bool = False
    flow: str | None = None
    """At which flow, as written; None: the instrument has no flow, or it was not noted."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What limits by load need besides."""

    interval: Quantity
    """检定分度值 e."""
    error_unit: Unit
    """In which errors are stated."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """By what one instrument is judged."""

    limits: tuple[Limit, ...]
    """Of one regulation."""
    unit: str
    """Of the readings."""
    accuracy_class: str | None = None
    uncertainty: str | None = None
    """Expanded, in the unit of the errors; stands in every point."""
    coverage_factor: str | None = None
    weighing: Weighing | None = None
    """Of an instrument whose limits are by load."""


def is_by_load(limits: Sequence[Limit]) -> bool:
    """Tell whether limits are stated in e, or by steps of the load in e."""
    return any(one.load_over is not None or one.load_up_to is not None or one.unit is _E for one in limits)


def is_judged_on_site(limits: Sequence[Limit], accuracy_class: str | None) -> bool:
    """Tell whether a device can judge by these limits: some error of this class has one."""
    return any(
        one.item is not LimitedItem.REPEATABILITY and one.accuracy_class in {None, accuracy_class}
        for one in limits
    )


def describe_weighing(weighing: Weighing, unit: str) -> JsonObject:
    """Return e as devices get it, which know no units: also in the unit of the readings and in that of the errors.

    Raises:
        InputError: e is not above 0, or readings, errors and e are not all masses.
    """
    interval = weighing.interval
    if interval.value <= 0:
        raise MalformedDocumentError("a verification scale interval is above 0", field="e")
    return {
        "e": {"value": encode_decimal(interval.value), "unit": interval.unit.code},
        "error_unit": weighing.error_unit.code,
        "in_readings": encode_decimal(_convert(interval, parse_unit(unit))),
        "in_errors": encode_decimal(_convert(interval, weighing.error_unit)),
    }


def parse_described_weighing(value: JsonObject, unit: str) -> Weighing:
    """Read what `describe_weighing` wrote for readings in a unit.

    Raises:
        InputError: it is not that.
    """
    reader = Reader(value, "weighing")
    interval = reader.object("e")
    e = Quantity(interval.decimal("value"), parse_unit(interval.text("unit")))
    interval.finish()
    found = Weighing(e, parse_unit(reader.text("error_unit")))
    for name in ("in_readings", "in_errors"):
        reader.decimal(name)
    reader.finish()
    if describe_weighing(found, unit) != value:
        raise MalformedDocumentError("e is another in the units of the readings", field="weighing")
    return found


def _convert(interval: Quantity, unit: Unit) -> Decimal:
    if {interval.unit.dimension, unit.dimension} != {Dimension.MASS}:
        raise MalformedDocumentError("a verification scale interval and its readings are masses", field="e")
    found = decimal_from_fraction(compute_base_value(interval.value, interval.unit) / unit.factor)
    if found is None:  # pragma: no cover -- units of mass are powers of ten of each other
        raise MalformedDocumentError(f"a verification scale interval is no number of {unit.code}", field="e")
    return found


def describe_limit(limit: Limit) -> JsonObject:
    """Return a limit as devices get it; absent is absent."""
    numbers = (limit.lower, limit.upper, limit.rounding_interval, limit.load_over, limit.load_up_to)
    return {
        "item": limit.item.value,
        "unit": limit.unit.code,
        "inclusive": limit.is_inclusive,
        "confirmed": limit.is_confirmed,
        "regulation": limit.regulation_id,
        **({} if limit.accuracy_class is None else {"class": limit.accuracy_class}),
        **{
            name: encode_decimal(one)
            for name, one in zip(_LIMIT_NAMES, numbers, strict=True)
            if one is not None
        },
    }


def parse_described_limit(value: JsonObject) -> Limit:
    """Read what `describe_limit` wrote.

    Raises:
        InputError: not such a limit.
    """
    reader = Reader(value, "limit")
    is_confirmed = reader.boolean("confirmed")
    limit = Limit(
        regulation_id=reader.text("regulation"),
        item=LimitedItem(reader.text("item", pattern="|".join(LimitedItem))),
        accuracy_class=reader.opt_text("class"),
        lower=reader.opt_decimal("lower"),
        upper=reader.decimal("upper"),
        unit=parse_unit(reader.text("unit")),
        is_inclusive=reader.boolean("inclusive"),
        rounding_interval=reader.opt_decimal("rounding"),
        load_over=reader.opt_decimal("over"),
        load_up_to=reader.opt_decimal("up_to"),
        in_service_factor=None,
        condition="",
        confidence="V" if is_confirmed else "U",
        note="",
    )
    reader.finish()
    return limit


def compute_results(series: Sequence[Series], measuring: Measuring) -> list[JsonObject]:
    """Return results as input documents write them: each series, and its repeatability if that is limited.

    Raises:
        MalformedDocumentError: no limit for an item, no reading, or a reading that is no number or has no error.
    """
    results: list[JsonObject] = []
    for place, one in enumerate(series):
        if one.item == LimitedItem.REPEATABILITY:
            raise MalformedDocumentError(f"no limit is known for {one.item}", field=f"series[{place}].item")
        if not one.readings:
            raise MalformedDocumentError("no reading was taken", field=f"series[{place}]")
        judged = [_judge(one, number, measuring, place) for number in range(len(one.readings))]
        results.append(_describe_series(one, judged, measuring))
        spread = _find_spread_limit(one, judged, measuring)
        if spread is not None:
            errors = [error for error, _ in judged]
            results.append(_describe_repeatability(one, max(errors) - min(errors), spread, measuring))
    return results


_Judged: TypeAlias = tuple[Fraction, Limit]
"""An error, and the limit that decides about it."""
Place: TypeAlias = tuple[str | None, str | None]
"""Part and flow at which something was read; None: the instrument as a whole, no flow."""


def find_conclusion(results: Sequence[JsonObject]) -> str:
    """Return `pass` if everything measured after adjustment passed, and something was."""
    counting = [one["pass"] for one in results if not one.get("before_adjustment", False)]
    return "pass" if counting and all(counting) else "fail"


def find_unrepeated(results: Sequence[JsonObject], measuring: Measuring) -> list[Place]:
    """Return where a repeatability is due and is not among results: one reading has none, nor have two loads.

    It is due wherever something was read (after an adjustment), if the instrument weighs or its limits name one.
    """
    if not _limits_repeatability(measuring):
        return []
    counting = [one for one in results if not one.get("before_adjustment", False)]
    found = {_find_place(one) for one in counting if one["item"] == LimitedItem.REPEATABILITY}
    return [place for place in dict.fromkeys(map(_find_place, counting)) if place not in found]


def _limits_repeatability(measuring: Measuring) -> bool:
    """Tell whether some series of readings has a limit of its repeatability, see `_find_spread_limit`."""
    if measuring.weighing is not None:
        return True
    awarded = measuring.accuracy_class
    own = limit_for(measuring.limits, LimitedItem.REPEATABILITY, accuracy_class=awarded)
    return own is not None and any(
        one.unit is own.unit and one.item is not own.item and one.accuracy_class in {None, awarded}
        for one in measuring.limits
    )


def _find_place(result: JsonObject) -> Place:
    part, flow = result.get("part"), result.get("flow")
    return None if part is None else str(part), None if flow is None else str(flow)


def _judge(series: Series, number: int, measuring: Measuring, place: int) -> _Judged:
    field = f"series[{place}].points[{number}]"
    nominal, measured = (_parse_reading(text, field) for text in series.readings[number])
    try:
        limit = _find_limit(series.item, nominal, measuring)
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=f"{field}.nominal") from None
    if limit is None:
        at = "" if measuring.weighing is None else f" at a load of {nominal} {measuring.unit}"
        raise MalformedDocumentError(
            f"no limit is known for {series.item}{at}", field=f"series[{place}].item"
        )
    if limit.unit is not _PERCENT:
        difference = fraction_from_decimal(measured) - fraction_from_decimal(nominal)
        return difference * _find_factor(measuring), limit
    try:
        return compute_relative_error_percent(measured, nominal), limit
    except MalformedDocumentError as err:
        raise MalformedDocumentError(err.reason, field=f"{field}.nominal") from None


def _find_limit(item: str, nominal: Decimal, measuring: Measuring) -> Limit | None:
    """Return the limit of an item, for a weighing instrument the one at a load, in the unit of the errors."""
    limits, weighing, awarded = measuring.limits, measuring.weighing, measuring.accuracy_class
    if weighing is None:
        return limit_for(limits, item, accuracy_class=awarded)
    code = LimitedItem.INDICATION_ERROR if item == ECCENTRICITY else item
    plain = limit_for(limits, code, accuracy_class=awarded, unit=weighing.error_unit)
    if plain is not None:
        return plain
    load = compute_load_in_intervals(Quantity(nominal, parse_unit(measuring.unit)), weighing.interval)
    stepped = limit_for(limits, code, accuracy_class=awarded, unit=_E, load=load)
    if stepped is None:
        return None
    return compute_limit_in_error_unit(stepped, weighing.interval, weighing.error_unit)


def _find_factor(measuring: Measuring) -> Fraction:
    """Return by what a difference of readings is multiplied to be an error: 1000 from kg to g."""
    if measuring.weighing is None:
        return Fraction(1)
    return parse_unit(measuring.unit).factor / measuring.weighing.error_unit.factor


def _find_spread_limit(series: Series, judged: Sequence[_Judged], measuring: Measuring) -> Limit | None:
    """Return the limit of the repeatability of a series; None: it has none, or none was looked for."""
    (_, limit), few = judged[0], len(judged) == 1
    if measuring.weighing is None:
        own = limit_for(measuring.limits, LimitedItem.REPEATABILITY, accuracy_class=measuring.accuracy_class)
        return None if few or own is None or own.unit is not limit.unit else own
    loads = {fraction_from_decimal(parse_decimal(nominal)) for nominal, _ in series.readings}
    if few or len(loads) > 1 or series.item != LimitedItem.INDICATION_ERROR:
        return None
    own = _find_limit(LimitedItem.REPEATABILITY, parse_decimal(series.readings[0][0]), measuring)
    return own or replace(limit, lower=None, upper=limit.maximum_permissible_error)


def _parse_reading(text: str, field: str) -> Decimal:
    try:
        return parse_decimal(text)
    except MalformedDocumentError as err:
        raise MalformedDocumentError(err.reason, field=field) from None


def _describe_series(series: Series, judged: Sequence[_Judged], measuring: Measuring) -> JsonObject:
    more = {} if measuring.uncertainty is None else {"u": measuring.uncertainty}
    points: list[JsonObject] = [
        {
            "nominal": nominal,
            "measured": measured,
            "error": encode_decimal(_state(error, limit)),
            "mpe": encode_decimal(limit.maximum_permissible_error),
            "pass": judge_indication_error(limit, error),
            **more,
        }
        for (nominal, measured), (error, limit) in zip(series.readings, judged, strict=True)
    ]
    factor = {} if measuring.coverage_factor is None else {"k": measuring.coverage_factor}
    head: JsonObject = {"item": series.item, **_name_part(series), "unit": measuring.unit, **factor}
    return {
        **head,
        "error_unit": judged[0][1].unit.code,
        "points": list(points),
        "pass": all(bool(point["pass"]) for point in points),
    }


def _describe_repeatability(
    series: Series, spread: Fraction, limit: Limit, measuring: Measuring
) -> JsonObject:
    passed = judge_indication_error(limit, spread)
    point: JsonObject = {
        "error": encode_decimal(_state(spread, limit)),
        "mpe": encode_decimal(limit.maximum_permissible_error),
        "pass": passed,
    }
    head: JsonObject = {"item": LimitedItem.REPEATABILITY.value, **_name_part(series)}
    if measuring.weighing is not None:  # its limit depends on the load
        point["nominal"], head["unit"] = series.readings[0][0], measuring.unit
    return {**head, "error_unit": limit.unit.code, "points": [point], "pass": passed}


def _name_part(series: Series) -> JsonObject:
    part: JsonObject = {} if series.part is None else {"part": series.part}
    part |= {} if series.flow is None else {"flow": series.flow}
    return part | ({"before_adjustment": True} if series.before_adjustment else {})


def _state(error: Fraction, limit: Limit) -> Decimal:
    """Return an error with as few places, `MIN_PLACES` or more, as keep its judgement the same."""
    passed = judge_indication_error(limit, error)
    for places in range(MIN_PLACES, MAX_PLACES):
        stated = round_to_interval(error, make_decimal(1, -places))
        if judge_indication_error(limit, stated) == passed:
            return stated
    return round_to_interval(error, make_decimal(1, -MAX_PLACES))
