r"""The measuring half of a DCC: method, standards, conditions, readings.

Each result of the record is one `measurementResult`, each reading one `list` of quantities, digits as recorded.
Results before adjustment are what good practice makes of them: an influence condition `beforeAdjustment`, so that
no reader takes them for results of the instrument as it left.

Units are written in D-SI, by `Unit.dsi`. A unit that D-SI has no form for (CNY, the scale interval e) is written
`|CNY`, as D-SI marks foreign units, and defined in a statement (`nonSIUnit`, `nonSIDefinition`). D-SI demands a
coverage probability beside every expanded uncertainty; the record holds none, and `NaN` says so.

>>> build_quantity("basic_measurementError", Decimal("-0.06"), "%")
<Element {https://ptb.de/dcc}quantity at …>
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from issuer.rendering.dcc_words import NOT_STATED, say_item
from issuer.rendering.dcc_xml import (
    Element,
    Words,
    boolean,
    contents,
    dcc,
    identification,
    listed,
    own,
    si,
    text,
)
from ledger.core.encoding import encode_date, encode_decimal, encode_hex
from ledger.core.quantity import Quantity
from ledger.core.record import (
    Environment,
    Point,
    Record,
    ReferenceMaterial,
    ReferenceStandard,
    Result,
    StandardInstrument,
)
from ledger.core.step import Sentence
from ledger.core.unit import parse_unit

NOT_A_NUMBER: Final = "NaN"
"""How D-SI says that a number it demands was not stated."""
NO_RESULTS: Final = Sentence("No measured values in the record", "记录中无测量数据")
_LEAST_FACTOR: Final = 1


def build_measurement_results(record: Record) -> Element:
    """Return `measurementResults` of a record; a record without results says that it has none."""
    return dcc(
        "measurementResults",
        listed("measuringEquipments", *_build_equipments(record)),
        *(_build_result(record, result, before) for result, before in _pair_results(record)),
    )


def _pair_results(record: Record) -> list[tuple[Result | None, list[Result]]]:
    """Return each result of the instrument as it left, with those from before the adjustment that belong to it.

    The same item of the same part belongs together; what is left over stands with the first. A record that has no
    result from after an adjustment gives one pair without it.
    """
    after: list[Result | None] = [result for result in record.results if not result.before_adjustment]
    left = [result for result in record.results if result.before_adjustment]
    pairs: list[tuple[Result | None, list[Result]]] = []
    for result in after or [None]:
        own_ones = [one for one in left if result is not None and _is_about_the_same(one, result)]
        left = [one for one in left if one not in own_ones]
        pairs.append((result, own_ones))
    pairs[0][1].extend(left)
    return pairs


def _is_about_the_same(one: Result, other: Result) -> bool:
    return (one.item, one.part) == (other.item, other.part)


def spell_unit(code: str) -> str:
    """Return how D-SI writes a unit of the product's table."""
    unit = parse_unit(code)
    return f"|{code}" if unit.dsi is None else unit.dsi


def list_foreign_units(record: Record) -> list[str]:
    """Return the codes of the units in a record that D-SI has no form for, each once, in order."""
    units = [unit for result in record.results for unit in (result.unit, result.error_unit) if unit]
    return sorted({unit for unit in units if parse_unit(unit).dsi is None})


def build_quantity(ref_type: str, value: Decimal, unit: str, uncertainty: Element | None = None) -> Element:
    """Return a quantity with the digits of this number.

    Args:
        ref_type: what was measured.
        value: its digits are written as they are, trailing zeros too.
        unit: code of the product's table.
        uncertainty: `measurementUncertaintyUnivariate`, if there is one.
    """
    real = si("real", si("value", encode_decimal(value)), si("unit", spell_unit(unit)), uncertainty)
    return dcc("quantity", real, ref_type=ref_type)


# --- results ------------------------------------------------------------------------------------------------


def _build_result(record: Record, result: Result | None, before: Sequence[Result]) -> Element:
    words = NO_RESULTS if result is None else _name_result(record, result)
    data = dcc("data", text("text", NO_RESULTS)) if result is None else _build_data(result)
    return dcc(
        "measurementResult",
        text("name", words),
        _build_methods(record),
        dcc("influenceConditions", *_build_conditions(record, before)),
        dcc("results", dcc("result", text("name", words), data)),
        None if result is None or result.passed is None else _build_verdict(result.passed),
        ref_type=own("noResults" if result is None else result.item),
    )


def _name_result(record: Record, result: Result) -> Sentence:
    name = say_item(result.item)
    if result.part is None:
        return name
    part = next((part for part in record.instrument.parts if part.id == result.part), None)
    label = result.part if part is None or part.name is None else f"{part.id} {part.name}"
    return Sentence(f"{name.en}, part {label}", f"{name.zh}（部件 {label}）")


def _build_data(result: Result) -> Element:
    points = [_build_point(result, point) for point in result.points]
    return dcc("data", *(points or [text("text", Sentence("no readings", "无读数"))]))


def _build_point(result: Result, point: Point) -> Element:
    return dcc(
        "list",
        *_build_quantities(result, point),
        None if point.passed is None else _build_verdict(point.passed),
        ref_type=own("reading"),
    )


def _build_quantities(result: Result, point: Point) -> Iterator[Element]:
    """Yield what a reading holds; a reference value without a unit is a plain number."""
    unit, error_unit = result.unit or "1", result.error_unit
    if point.nominal is not None:
        yield build_quantity("basic_referenceValue", point.nominal, unit)
    if point.measured is not None:
        yield build_quantity("basic_measuredValue", point.measured, unit)
    uncertainty, factor = point.expanded_uncertainty, result.coverage_factor
    is_usual = uncertainty is not None and uncertainty >= 0 and (factor is None or factor >= _LEAST_FACTOR)
    yield build_quantity(
        "basic_measurementError",
        point.indication_error,
        error_unit,
        _build_uncertainty(uncertainty, factor) if uncertainty is not None and is_usual else None,
    )
    if uncertainty is not None and not is_usual:
        yield build_quantity(own("expandedUncertainty"), uncertainty, error_unit)
    if point.maximum_permissible_error is not None:
        yield build_quantity(own("maximumPermissibleError"), point.maximum_permissible_error, error_unit)


def _build_uncertainty(value: Decimal, factor: Decimal | None) -> Element:
    return si(
        "measurementUncertaintyUnivariate",
        si(
            "expandedMU",
            si("valueExpandedMU", encode_decimal(value)),
            si("coverageFactor", NOT_A_NUMBER if factor is None else encode_decimal(factor)),
            si("coverageProbability", NOT_A_NUMBER),
        ),
    )


def _build_verdict(passed: bool) -> Element:
    """Return metadata that say pass or fail."""
    conformity = dcc("conformity", "pass" if passed else "fail")
    return dcc("measurementMetaData", dcc("metaData", conformity, ref_type="basic_conformity"))


def _build_methods(record: Record) -> Element:
    """Return the methods: every quantity of a DCC needs one."""
    cited = [item for item in (record.specification, record.regulation) if item is not None]
    if not cited:
        return dcc("usedMethods", dcc("usedMethod", text("name", _without("regulation", "检定规程"))))
    methods = [dcc("usedMethod", text("name", item.title), dcc("norm", item.id)) for item in cited]
    return dcc("usedMethods", *methods)


def _without(en: str, zh: str) -> Sentence:
    return Sentence(f"{en} {NOT_STATED.en}", f"{zh}{NOT_STATED.zh}")


# --- conditions ---------------------------------------------------------------------------------------------


def _build_conditions(record: Record, before: Sequence[Result]) -> list[Element]:
    """Return what the readings were taken under; every quantity of a DCC needs conditions, if only to say none."""
    found = [
        *([] if record.environment is None else _build_environment(record.environment)),
        *(_build_before(record, result) for result in before),
    ]
    return found or [_say_condition("noCondition", Sentence("Conditions", "环境条件"), NOT_STATED)]


def _build_environment(environment: Environment) -> Iterator[Element]:
    if environment.temperature is not None:
        yield _build_condition("basic_temperature", Sentence("Temperature", "温度"), environment.temperature)
    if environment.humidity is not None:
        name = Sentence("Relative humidity", "相对湿度")
        yield _build_condition("basic_humidityRelative", name, environment.humidity)
    if environment.other is not None:
        yield _say_condition("otherCondition", Sentence("Other conditions", "其他条件"), environment.other)


def _build_condition(ref_type: str, name: Sentence, quantity: Quantity) -> Element:
    value = build_quantity(ref_type, quantity.value, quantity.unit.code)
    return dcc("influenceCondition", text("name", name), dcc("data", value), ref_type=ref_type)


def _say_condition(ref_type: str, name: Sentence, words: Words) -> Element:
    data = dcc("data", text("text", words))
    return dcc("influenceCondition", text("name", name), data, ref_type=own(ref_type))


def _build_before(record: Record, result: Result) -> Element:
    """Return readings from before the adjustment, with what they came to."""
    name = _name_result(record, result)
    verdict = Sentence("failed", "不合格") if not result.passed else Sentence("passed", "合格")
    return dcc(
        "influenceCondition",
        text("name", Sentence(f"{name.en}, before adjustment", f"{name.zh}，调修前")),
        None if result.passed is None else text("description", verdict),
        dcc("status", "beforeAdjustment"),
        _build_data(result),
        ref_type="basic_adjustment",
    )


# --- standards ----------------------------------------------------------------------------------------------


def _build_equipments(record: Record) -> Iterator[Element]:
    for standard in record.standards:
        yield _build_standard(standard)
        for instrument in standard.instruments:
            yield _build_instrument(standard, instrument, record.verified_on)
    for material in record.reference_materials:
        yield _build_material(material)


def _build_material(material: ReferenceMaterial) -> Element:
    """Return a lot of a certified reference material (有证标准物质)."""
    return dcc(
        "measuringEquipment",
        text("name", Sentence(f"reference material {material.id}", f"标准物质{material.id}")),
        dcc(
            "identifications",
            identification("referenceMaterial", material.id, Sentence("Reference material", "标准物质编号")),
            identification("lotNo", material.lot, Sentence("Lot", "批号")),
        ),
        ref_type="basic_standardUsed",
    )


def _build_standard(standard: ReferenceStandard) -> Element:
    """Return a measurement standard: what it can do, and the certificate of its examination (考核证书)."""
    words = Sentence(
        f"measuring range: {standard.range}; uncertainty, class or limit: {standard.uncertainty}",
        f"测量范围：{standard.range}；不确定度、准确度等级或最大允许误差：{standard.uncertainty}",
    )
    examined = Sentence("Certificate of examination of the standard", "计量标准考核证书编号")
    return dcc(
        "measuringEquipment",
        text("name", standard.name),
        text("description", words),
        dcc(
            "identifications",
            identification("standardId", standard.id, Sentence("Number of the standard", "计量标准编号")),
            identification("examinationNo", standard.examination_no, examined, by="other"),
            identification(
                "examinationUntil",
                encode_date(standard.examination_until),
                Sentence("Examination valid until", "计量标准考核证书有效期至"),
                by="other",
            ),
        ),
        ref_type=f"basic_standardUsed {own('measurementStandard')}",
    )


def _build_instrument(standard: ReferenceStandard, instrument: StandardInstrument, on: date) -> Element:
    """Return a main instrument of a standard, linked to its certificate by hash where the record holds one."""
    return dcc(
        "measuringEquipment",
        text("name", Sentence(f"{standard.name}, {instrument.no}", f"{standard.name}，{instrument.no}")),
        _build_link(instrument, on),
        dcc(
            "identifications",
            identification("standardId", standard.id, Sentence("Number of the standard", "计量标准编号")),
            identification("instrumentNo", instrument.no, Sentence("Number of the instrument", "标准器编号")),
            identification(
                "certificateNo",
                instrument.certificate_no,
                Sentence("Number of its certificate", "标准器证书编号"),
                by="other",
            ),
            identification(
                "certificateUntil",
                encode_date(instrument.until),
                Sentence("Its certificate valid until", "标准器证书有效期至"),
                by="other",
            ),
        ),
        ref_type=f"basic_standardUsed {own('standardInstrument')}",
    )


def _build_link(instrument: StandardInstrument, on: date) -> Element | None:
    if instrument.certificate_digest is None:
        return None
    return dcc(
        "certificate",
        dcc("referral", *contents(Sentence("Certificate of the standard instrument", "标准器证书"))),
        dcc("referralID", instrument.certificate_no),
        dcc("procedure", "sha256"),
        dcc("value", encode_hex(instrument.certificate_digest)),
        dcc("inValidityRange", boolean(value=on <= instrument.until)),
    )
