"""The closed table of units of measurement that certificates may use.

A unit stands in a document by its code, in one spelling (`kWh`, `m3/h`, `°C`); the table gives what to print,
how D-SI (in a DCC) and UCUM write it, and its exact size. Units that are not legal in China are refused with
the reason; mmHg is legal for blood pressure only, so a rule has to admit it (`regulation.is_unit_admitted`).

Celsius and kelvin: a *reading* shifts by 273.15 between them, a *difference* (an error, an uncertainty) does
not, and a bare number does not say which it is: `convert` refuses the pair, `convert_difference` takes it.

>>> convert(Decimal("1.5"), parse_unit("m3/h"), parse_unit("L/min"))
Decimal('25')
>>> parse_unit("斤")
Traceback (most recent call last):
ledger.core.errors.UnitError: '斤' is not a legal unit of measurement in China; write 'kg'
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from ledger.core.errors import UnitError
from ledger.core.exact import decimal_from_fraction, fraction_from_decimal


class Dimension(StrEnum):
    """Kind of quantity; only units of one kind are comparable, and the coherent SI unit has factor 1."""

    MASS = "mass"
    VOLUME = "volume"
    VOLUME_FLOW = "volume flow"
    MASS_FLOW = "mass flow"
    DENSITY = "density"
    TEMPERATURE = "temperature"
    RATIO = "ratio"
    RELATIVE_HUMIDITY = "relative humidity"
    PRESSURE = "pressure"
    VOLTAGE = "voltage"
    CURRENT = "electric current"
    POWER = "power"
    ENERGY = "energy"
    FREQUENCY = "frequency"
    TIME = "time"
    LENGTH = "length"
    SPEED = "speed"
    VERGENCE = "vergence"
    MONEY = "money"
    SCALE_INTERVAL = "verification scale interval"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of measurement."""

    code: str
    """How documents write it, as `m3/h`."""
    symbol: str
    """How people see it, as `m³/h`."""
    dimension: Dimension
    factor: Fraction
    """Size in the coherent SI unit of its kind; a fraction, because 1 m3/h is 1/3600 m3/s."""
    dsi: str | None
    """D-SI 2.2.1 spelling; None where D-SI has none."""
    ucum: str | None
    """UCUM case-sensitive spelling; None where UCUM has none."""
    zero_at: Decimal = Decimal(0)
    """Reading of the base scale where this scale reads 0: 273.15 for °C, else 0."""
    is_restricted: bool = False
    """Legal in China for a stated purpose only; a rule must name it."""


_RATE: Final = r"\tothe{-1}"
_THOUSANDTH: Final = Fraction(1, 1000)
_MILLIONTH: Final = Fraction(1, 10**6)
_ONE: Final = Fraction(1)
_THOUSAND: Final = Fraction(1000)
_MINUTE: Final = Fraction(60)
_HOUR: Final = Fraction(3600)

_TABLE: Final = (
    Unit("kg", "kg", Dimension.MASS, _ONE, r"\kilogram", "kg"),
    Unit("g", "g", Dimension.MASS, _THOUSANDTH, r"\gram", "g"),
    Unit("mg", "mg", Dimension.MASS, _MILLIONTH, r"\milli\gram", "mg"),
    Unit("t", "t", Dimension.MASS, _THOUSAND, r"\tonne", "t"),
    Unit("m3", "m³", Dimension.VOLUME, _ONE, r"\metre\tothe{3}", "m3"),
    Unit("L", "L", Dimension.VOLUME, _THOUSANDTH, r"\litre", "L"),
    Unit("mL", "mL", Dimension.VOLUME, _MILLIONTH, r"\milli\litre", "mL"),
    Unit("m3/h", "m³/h", Dimension.VOLUME_FLOW, 1 / _HOUR, rf"\metre\tothe{{3}}\hour{_RATE}", "m3/h"),
    Unit("L/min", "L/min", Dimension.VOLUME_FLOW, _THOUSANDTH / _MINUTE, rf"\litre\minute{_RATE}", "L/min"),
    Unit("L/h", "L/h", Dimension.VOLUME_FLOW, _THOUSANDTH / _HOUR, rf"\litre\hour{_RATE}", "L/h"),
    Unit("kg/min", "kg/min", Dimension.MASS_FLOW, 1 / _MINUTE, rf"\kilogram\minute{_RATE}", "kg/min"),
    Unit("kg/h", "kg/h", Dimension.MASS_FLOW, 1 / _HOUR, rf"\kilogram\hour{_RATE}", "kg/h"),
    Unit("kg/m3", "kg/m³", Dimension.DENSITY, _ONE, r"\kilogram\metre\tothe{-3}", "kg/m3"),
    Unit("g/L", "g/L", Dimension.DENSITY, _ONE, rf"\gram\litre{_RATE}", "g/L"),
    Unit("mg/L", "mg/L", Dimension.DENSITY, _THOUSANDTH, rf"\milli\gram\litre{_RATE}", "mg/L"),
    Unit("K", "K", Dimension.TEMPERATURE, _ONE, r"\kelvin", "K"),
    Unit("°C", "°C", Dimension.TEMPERATURE, _ONE, r"\degreecelsius", "Cel", zero_at=Decimal("273.15")),
    Unit("1", "", Dimension.RATIO, _ONE, r"\one", "1"),
    Unit("%", "%", Dimension.RATIO, Fraction(1, 100), r"\percent", "%"),
    Unit("%RH", "%RH", Dimension.RELATIVE_HUMIDITY, Fraction(1, 100), r"\percent", "%{RH}"),
    Unit("Pa", "Pa", Dimension.PRESSURE, _ONE, r"\pascal", "Pa"),
    Unit("kPa", "kPa", Dimension.PRESSURE, _THOUSAND, r"\kilo\pascal", "kPa"),
    Unit("MPa", "MPa", Dimension.PRESSURE, _THOUSAND**2, r"\mega\pascal", "MPa"),
    Unit("mmHg", "mmHg", Dimension.PRESSURE, Fraction("133.322"), r"\mmHg", "mm[Hg]", is_restricted=True),
    Unit("V", "V", Dimension.VOLTAGE, _ONE, r"\volt", "V"),
    Unit("mV", "mV", Dimension.VOLTAGE, _THOUSANDTH, r"\milli\volt", "mV"),
    Unit("kV", "kV", Dimension.VOLTAGE, _THOUSAND, r"\kilo\volt", "kV"),
    Unit("A", "A", Dimension.CURRENT, _ONE, r"\ampere", "A"),
    Unit("mA", "mA", Dimension.CURRENT, _THOUSANDTH, r"\milli\ampere", "mA"),
    Unit("W", "W", Dimension.POWER, _ONE, r"\watt", "W"),
    Unit("kW", "kW", Dimension.POWER, _THOUSAND, r"\kilo\watt", "kW"),
    Unit("kWh", "kWh", Dimension.ENERGY, _THOUSAND * _HOUR, r"\kilo\watt\hour", "kW.h"),
    Unit("Wh", "Wh", Dimension.ENERGY, _HOUR, r"\watt\hour", "W.h"),
    Unit("J", "J", Dimension.ENERGY, _ONE, r"\joule", "J"),
    Unit("Hz", "Hz", Dimension.FREQUENCY, _ONE, r"\hertz", "Hz"),
    Unit("s", "s", Dimension.TIME, _ONE, r"\second", "s"),
    Unit("min", "min", Dimension.TIME, _MINUTE, r"\minute", "min"),
    Unit("h", "h", Dimension.TIME, _HOUR, r"\hour", "h"),
    Unit("d", "d", Dimension.TIME, 24 * _HOUR, r"\day", "d"),
    Unit("m", "m", Dimension.LENGTH, _ONE, r"\metre", "m"),
    Unit("km", "km", Dimension.LENGTH, _THOUSAND, r"\kilo\metre", "km"),
    Unit("cm", "cm", Dimension.LENGTH, Fraction(1, 100), r"\centi\metre", "cm"),
    Unit("mm", "mm", Dimension.LENGTH, _THOUSANDTH, r"\milli\metre", "mm"),
    Unit("m/s", "m/s", Dimension.SPEED, _ONE, rf"\metre\second{_RATE}", "m/s"),
    Unit("km/h", "km/h", Dimension.SPEED, _THOUSAND / _HOUR, rf"\kilo\metre\hour{_RATE}", "km/h"),
    Unit("m-1", "m⁻¹", Dimension.VERGENCE, _ONE, r"\metre\tothe{-1}", "m-1"),
    Unit("CNY", "元", Dimension.MONEY, _ONE, None, None),
    Unit("e", "e", Dimension.SCALE_INTERVAL, _ONE, None, None),
)
"""mmHg: 133.322 Pa, as in UCUM. e: the size is the instrument's own, so
it converts into nothing here; `limit.compute_limit_in_unit` does that with the instrument's e at hand."""

UNITS: Final[Mapping[str, Unit]] = MappingProxyType({unit.code: unit for unit in _TABLE})
"""Every known unit by its code."""

_NOT_LEGAL: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("斤", "市斤", "两", "钱", "担", "lb", "lbs", "磅", "oz", "盎司", "ct", "克拉"), "kg")
    | dict.fromkeys(("gal", "加仑", "qt", "pt", "bbl", "桶", "cc"), "L")
    | dict.fromkeys(("尺", "寸", "丈", "市里", "ft", "英尺", "in", "英寸", "yd", "码", "mile", "英里"), "m")
    | dict.fromkeys(
        ("bar", "mbar", "atm", "at", "psi", "kgf/cm2", "kgf/cm²", "Torr", "mmH2O", "mmH₂O"), "kPa"
    )
    | dict.fromkeys(("cal", "kcal", "大卡", "Btu"), "J")
    | dict.fromkeys(("hp", "PS", "马力"), "kW")
    | dict.fromkeys(("mph",), "km/h")
    | dict.fromkeys(("°F", "℉"), "°C")
    | dict.fromkeys(("D",), "m-1")
)
"""Units met in old documents -> the legal unit to use instead (State Council order of 1984-02-27)."""

_MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "千克": "kg",
        "公斤": "kg",
        "KG": "kg",
        "Kg": "kg",
        "克": "g",
        "吨": "t",
        "升": "L",
        "l": "L",
        "ml": "mL",
    }
    | {"立方米": "m3", "度": "kWh", "kwh": "kWh", "KWH": "kWh", "kW·h": "kWh", "kW.h": "kWh", "KW": "kW"}
    | {"kw": "kW", "Kpa": "kPa", "kpa": "kPa", "KPa": "kPa", "Mpa": "MPa", "mm[Hg]": "mmHg", "mmhg": "mmHg"}
    | {"Cel": "°C", "C": "°C", "元": "CNY", "RMB": "CNY", "¥": "CNY", "l/min": "L/min", "l/h": "L/h"}
)
"""Other spellings of known units -> the code; used to say what to write, never to accept them."""


def parse_unit(text: str, *, field: str | None = None) -> Unit:
    """Return the unit of this code.

    Args:
        text: exactly a code of the table; no other spelling is accepted.
        field: path of the member, for the message.

    Raises:
        UnitError: unknown, spelled otherwise, or not legal in China; the message says which.
    """
    unit = UNITS.get(text)
    if unit is None:
        raise UnitError(_explain(text), field=field)
    return unit


def compute_base_value(value: Decimal, unit: Unit) -> Fraction:
    """Return a difference or amount in the coherent SI unit, exactly; the zero of °C is not considered.

    Raises:
        MalformedDocumentError: not a plain number.
    """
    return fraction_from_decimal(value) * unit.factor


def convert(value: Decimal, source: Unit, target: Unit) -> Decimal:
    """Return the same quantity in another unit, exactly, with as few decimal places as it needs.

    Raises:
        UnitError: the units measure different things; or their scales have different zeros (°C and K); or the
            result is not a finite decimal (1 m3/h in L/min): compare by `compute_base_value` instead.
        MalformedDocumentError: not a plain number.
    """
    if source.zero_at != target.zero_at and source.dimension is target.dimension:
        raise UnitError(f"a reading and a difference convert differently from {source.code} to {target.code}")
    return convert_difference(value, source, target)


def convert_difference(value: Decimal, source: Unit, target: Unit) -> Decimal:
    """Return the same difference (an error, an uncertainty) in another unit: 0.5 °C is 0.5 K.

    Raises:
        UnitError: the units measure different things, or the result is not a finite decimal.
        MalformedDocumentError: not a plain number.
    """
    if source.dimension is not target.dimension:
        raise UnitError(
            f"{source.code} ({source.dimension}) and {target.code} ({target.dimension}) do not compare"
        )
    converted = decimal_from_fraction(compute_base_value(value, source) / target.factor)
    if converted is None:
        raise UnitError(f"{value} {source.code} is not a finite decimal number of {target.code}")
    return converted


def _explain(text: str) -> str:
    if text in _NOT_LEGAL:
        return f"{text!r} is not a legal unit of measurement in China; write {_NOT_LEGAL[text]!r}"
    meant = _MEANT.get(text) or _find_by_look(text)
    if meant is not None:
        return f"{text[:40]!r} is not how this unit is written; write {meant!r}"
    return f"unknown unit of measurement {text[:40]!r}"


def _find_by_look(text: str) -> str | None:
    """Return the code that this text would be after NFKC and without outer white space, as `℃` for `°C`."""
    plain = unicodedata.normalize("NFKC", text[:40]).strip()
    return plain if plain in UNITS else None
