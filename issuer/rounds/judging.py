"""From readings to results: errors, repeatability and their judgement, as a device shows them on site.

The device computes the same in `api/web/static/round/judge.js`; a test compares both over generated cases. What a
device says is computed again here, exactly, and no result enters a draft that does not follow from its readings.

    indication error   (measured - nominal) / nominal * 100 for limits in %, else measured - nominal
    repeatability      largest minus smallest error of a series (JJG 443: of the readings at one flow)

>>> compute_results([Series("indication_error", "1", (("20.00", "20.02"),))], Measuring(limits, "L"))
[{'item': 'indication_error', 'part': '1', 'unit': 'L', 'error_unit': '%', 'points': [...], 'pass': True}]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_decimal, parse_decimal
from ledger.core.errors import MalformedDocumentError
from ledger.core.exact import fraction_from_decimal, make_decimal
from ledger.core.fields import Reader
from ledger.core.limit import Limit, LimitedItem, judge_indication_error, limit_for
from ledger.core.quantity import compute_relative_error_percent, round_to_interval
from ledger.core.unit import UNITS, parse_unit

MIN_PLACES: Final = 2
"""Decimal places in which a quotient is stated, at least."""
MAX_PLACES: Final = 12
_PERCENT: Final = UNITS["%"]
_E: Final = UNITS["e"]
_LIMIT_NAMES: Final = ("lower", "upper", "rounding")


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one item, of one part or of the whole instrument, in the order in which they were taken."""

    item: str
    part: str | None
    readings: tuple[tuple[str, str], ...]
    """Reference value and indication, as written."""
    before_adjustment: bool = False


@dataclass(frozen=True, slots=True)
class Measuring:
    """By what one instrument is judged."""

    limits: tuple[Limit, ...]
    """Of one regulation; none depends on the load."""
    unit: str
    """Of the readings."""
    accuracy_class: str | None = None
    uncertainty: str | None = None
    """Expanded, in the unit of the errors; stands in every point."""
    coverage_factor: str | None = None


def is_judged_on_site(limits: Sequence[Limit]) -> bool:
    """Tell whether a device can judge by these limits: none depends on the load, and errors have one."""
    by_load = any(one.load_over is not None or one.load_up_to is not None or one.unit is _E for one in limits)
    return not by_load and any(one.item is not LimitedItem.REPEATABILITY for one in limits)


def describe_limit(limit: Limit) -> JsonObject:
    """Return a limit as devices get it; absent is absent."""
    numbers = (limit.lower, limit.upper, limit.rounding_interval)
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
        load_over=None,
        load_up_to=None,
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
        limit = limit_for(measuring.limits, one.item, accuracy_class=measuring.accuracy_class)
        if limit is None or one.item == LimitedItem.REPEATABILITY:
            raise MalformedDocumentError(f"no limit is known for {one.item}", field=f"series[{place}].item")
        if not one.readings:
            raise MalformedDocumentError("no reading was taken", field=f"series[{place}]")
        errors = [_compute_error(one, number, limit, place) for number in range(len(one.readings))]
        results.append(_describe_series(one, errors, limit, measuring))
        spread = limit_for(
            measuring.limits, LimitedItem.REPEATABILITY, accuracy_class=measuring.accuracy_class
        )
        if spread is not None and spread.unit is limit.unit and len(errors) > 1:
            results.append(_describe_repeatability(one, max(errors) - min(errors), spread))
    return results


def find_conclusion(results: Sequence[JsonObject]) -> str:
    """Return `pass` if everything measured after adjustment passed, and something was."""
    counting = [one["pass"] for one in results if not one.get("before_adjustment", False)]
    return "pass" if counting and all(counting) else "fail"


def _compute_error(series: Series, number: int, limit: Limit, place: int) -> Fraction:
    nominal, measured = (_parse_reading(text, place, number) for text in series.readings[number])
    if limit.unit is _PERCENT:
        try:
            return compute_relative_error_percent(measured, nominal)
        except MalformedDocumentError as err:
            raise MalformedDocumentError(
                err.reason, field=f"series[{place}].points[{number}].nominal"
            ) from None
    return fraction_from_decimal(measured) - fraction_from_decimal(nominal)


def _parse_reading(text: str, place: int, number: int) -> Decimal:
    try:
        return parse_decimal(text)
    except MalformedDocumentError as err:
        raise MalformedDocumentError(err.reason, field=f"series[{place}].points[{number}]") from None


def _describe_series(
    series: Series, errors: Sequence[Fraction], limit: Limit, measuring: Measuring
) -> JsonObject:
    mpe = encode_decimal(limit.maximum_permissible_error)
    more = {} if measuring.uncertainty is None else {"u": measuring.uncertainty}
    points: list[JsonObject] = [
        {
            "nominal": nominal,
            "measured": measured,
            "error": encode_decimal(_state(error, limit)),
            "mpe": mpe,
            "pass": judge_indication_error(limit, error),
            **more,
        }
        for (nominal, measured), error in zip(series.readings, errors, strict=True)
    ]
    factor = {} if measuring.coverage_factor is None else {"k": measuring.coverage_factor}
    head: JsonObject = {"item": series.item, **_name_part(series), "unit": measuring.unit, **factor}
    return {
        **head,
        "error_unit": limit.unit.code,
        "points": list(points),
        "pass": all(bool(point["pass"]) for point in points),
    }


def _describe_repeatability(series: Series, spread: Fraction, limit: Limit) -> JsonObject:
    passed = judge_indication_error(limit, spread)
    point: JsonObject = {
        "error": encode_decimal(_state(spread, limit)),
        "mpe": encode_decimal(limit.maximum_permissible_error),
        "pass": passed,
    }
    return {
        "item": LimitedItem.REPEATABILITY.value,
        **_name_part(series),
        "error_unit": limit.unit.code,
        "points": [point],
        "pass": passed,
    }


def _name_part(series: Series) -> JsonObject:
    part: JsonObject = {} if series.part is None else {"part": series.part}
    return part | ({"before_adjustment": True} if series.before_adjustment else {})


def _state(error: Fraction, limit: Limit) -> Decimal:
    """Return an error with as few places, `MIN_PLACES` or more, as keep its judgement the same."""
    passed = judge_indication_error(limit, error)
    for places in range(MIN_PLACES, MAX_PLACES):
        stated = round_to_interval(error, make_decimal(1, -places))
        if judge_indication_error(limit, stated) == passed:
            return stated
    return round_to_interval(error, make_decimal(1, -MAX_PLACES))
