from contextlib import suppress
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import UnitError
from ledger.core.exact import decimal_from_fraction
from ledger.core.unit import (
    _MEANT,
    _NOT_LEGAL,
    UNITS,
    Dimension,
    compute_base_value,
    convert,
    convert_difference,
    parse_unit,
)

ALL = st.sampled_from(list(UNITS.values()))
VALUES = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)


@pytest.mark.parametrize("code", list(UNITS))
def test_every_unit_is_found_by_its_code_and_says_all_it_should(code):
    unit = parse_unit(code)
    assert unit.code == code
    assert unit.factor > 0
    assert (unit.dsi is None) == (unit.ucum is None) == (code in {"CNY", "e"})
    assert unit.is_restricted == (code == "mmHg")


def test_every_kind_of_quantity_has_a_coherent_unit():
    kinds = {unit.dimension for unit in UNITS.values()}
    per_second_or_hundred = {Dimension.VOLUME_FLOW, Dimension.MASS_FLOW, Dimension.RELATIVE_HUMIDITY}
    coherent = {unit.dimension for unit in UNITS.values() if unit.factor == 1}
    assert kinds == set(Dimension)
    assert coherent == kinds - per_second_or_hundred


@pytest.mark.parametrize(
    ("code", "dsi", "ucum"),
    [
        ("kg", r"\kilogram", "kg"),
        ("%", r"\percent", "%"),
        ("°C", r"\degreecelsius", "Cel"),
        ("mmHg", r"\mmHg", "mm[Hg]"),
        ("kWh", r"\kilo\watt\hour", "kW.h"),
        ("L/min", r"\litre\minute\tothe{-1}", "L/min"),
        ("m/s", r"\metre\second\tothe{-1}", "m/s"),
    ],
)
def test_foreign_spellings_are_the_ones_that_other_software_reads(code, dsi, ucum):
    assert (parse_unit(code).dsi, parse_unit(code).ucum) == (dsi, ucum)


@pytest.mark.parametrize(("old", "legal"), list(_NOT_LEGAL.items()))
def test_a_unit_that_is_not_legal_is_refused_and_the_legal_one_named(old, legal):
    assert legal in UNITS
    with pytest.raises(UnitError, match="not a legal unit") as refused:
        parse_unit(old, field="results.unit")
    assert repr(legal) in str(refused.value)
    assert refused.value.field == "results.unit"


@pytest.mark.parametrize(
    ("spelling", "code"), [*_MEANT.items(), ("℃", "°C"), ("m³", "m3"), ("ｋｇ", "kg"), (" kg", "kg")]
)
def test_another_spelling_is_refused_and_the_right_one_named(spelling, code):
    assert code in UNITS
    with pytest.raises(UnitError, match="not how this unit is written") as refused:
        parse_unit(spelling)
    assert repr(code) in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", " ", "parsec", "mPa", "Mg", "k g", "kg\n", "kg\x00", "\ud800", "x" * 10_000]
)
def test_an_unknown_unit_is_named_in_the_message_and_nothing_is_guessed(text):
    with pytest.raises(UnitError) as refused:
        parse_unit(text)
    assert len(str(refused.value)) < 400


@given(st.text())
def test_parsing_raises_nothing_else(text):
    with suppress(UnitError):
        assert parse_unit(text).code == text


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "t", "kg", "1000"),
        ("2.5", "kg", "g", "2500"),
        ("20.06", "L", "mL", "20060"),
        ("1.5", "m3/h", "L/min", "25"),
        ("1", "kWh", "J", "3600000"),
        ("4", "mmHg", "kPa", "0.533288"),
        ("0.5", "kPa", "Pa", "500"),
        ("36", "km/h", "m/s", "10"),
        ("0.3", "%", "1", "0.003"),
        ("1", "d", "min", "1440"),
        ("75.0", "g/L", "kg/m3", "75"),
        ("-40.0", "°C", "°C", "-40"),
    ],
)
def test_conversion_is_exact(value, source, target, expected):
    assert convert(Decimal(value), parse_unit(source), parse_unit(target)) == Decimal(expected)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("kg", "L"),
        ("%", "%RH"),
        ("e", "g"),
        ("CNY", "1"),
        ("Hz", "s"),
        ("kW", "kWh"),
        ("m-1", "m"),
        ("V", "A"),
    ],
)
def test_units_of_different_things_do_not_convert(source, target):
    with pytest.raises(UnitError, match="do not compare"):
        convert(Decimal(1), parse_unit(source), parse_unit(target))
    with pytest.raises(UnitError, match="do not compare"):
        convert_difference(Decimal(1), parse_unit(source), parse_unit(target))


@pytest.mark.parametrize(("source", "target"), [("°C", "K"), ("K", "°C")])
def test_a_temperature_converts_as_a_difference_only(source, target):
    with pytest.raises(UnitError, match="convert differently"):
        convert(Decimal("20.0"), parse_unit(source), parse_unit(target))
    assert convert_difference(Decimal("0.5"), parse_unit(source), parse_unit(target)) == Decimal("0.5")


@pytest.mark.parametrize(("source", "target"), [("m3/h", "L/min"), ("s", "h"), ("kPa", "mmHg")])
def test_what_is_no_finite_decimal_is_refused_and_compared_as_a_fraction(source, target):
    with pytest.raises(UnitError, match="not a finite decimal"):
        convert(Decimal(1), parse_unit(source), parse_unit(target))
    assert compute_base_value(Decimal(1), parse_unit(source)) == parse_unit(source).factor


@given(VALUES, ALL, ALL)
def test_a_conversion_there_and_back_is_the_same_value(value, source, target):
    try:
        there = convert_difference(value, source, target)
    except UnitError:
        return
    assert compute_base_value(there, target) == compute_base_value(value, source)
    assert convert_difference(there, target, source) == value


def test_conversion_ignores_the_thread_context():
    with localcontext() as context:
        context.prec = 3
        assert str(convert(Decimal("123456.789"), parse_unit("kg"), parse_unit("g"))) == "123456789"
    assert compute_base_value(Decimal("0.1"), parse_unit("L/min")) == Fraction(1, 600_000)


def test_every_mass_is_a_decimal_of_every_unit_of_mass():
    """What converts scale intervals relies on it."""
    masses = [unit for unit in UNITS.values() if unit.dimension is Dimension.MASS]
    assert len(masses) > 2
    for one in masses:
        assert all(decimal_from_fraction(one.factor / other.factor) is not None for other in masses)
