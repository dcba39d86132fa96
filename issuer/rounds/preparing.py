"""Make a round in the office: instruments as their newest documents have them, standards, rules to judge by.

An instrument that was verified here before comes with the record of its newest document; one that is only listed
(台账) comes with what the list says of it. What a document needs and a device does not, as the owner, stays here.

>>> prepared = prepare_round(plan, [chosen], standards, book, rolls)
>>> prepared.content[:10], prepared.private
(b'{"applica…', {'1': {'owner': {...}}})
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final, NamedTuple

from issuer.instruments import ListedInstrument
from issuer.rounds.content import (
    KINDS,
    MAX_INSTRUMENTS,
    MAX_LOADS,
    MAX_ROLLS,
    VERSION,
    describe_rule,
    encode_round,
)
from issuer.rounds.judging import Weighing, describe_weighing, is_by_load, is_judged_on_site
from issuer.template import UNITS_OF, build_template
from ledger.core.canonical import JsonObject, JsonValue, as_object
from ledger.core.category import Category, parse_category
from ledger.core.encoding import encode_decimal, encode_instant, parse_decimal
from ledger.core.errors import InputError
from ledger.core.exact import decimal_from_fraction, fraction_from_decimal
from ledger.core.limit import Limit
from ledger.core.quantity import Quantity
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import RuleBook, RuleRow
from ledger.core.standard import StandardContent
from ledger.core.sticker import RollContent
from ledger.core.unit import parse_unit

PRIVATE: Final = frozenset({"owner"})
"""Members of an instrument that no device gets."""
_USUAL_NOMINAL: Final = {Category.FUEL_DISPENSER: "20.00"}
"""What a reference usually gives, for the first look at an instrument that was never verified here."""
_FLOW_UNITS: Final = {Category.FUEL_DISPENSER: "L/min", Category.CNG_DISPENSER: "kg/min"}
"""Categories that are measured at several flows, each series at one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operator decides about a round."""

    id: str
    institution: str
    title: str
    day: date
    kind: str
    application: int
    person: str
    prepared_at: datetime
    host: str
    """Where codes of the institution's stickers lead to; those of others are forged."""
    uncertainty: str | None = None
    """Expanded uncertainty of the readings, in the unit of the errors."""
    coverage_factor: str | None = None


class Chosen(NamedTuple):
    """One instrument that goes into a round."""

    record: JsonObject | None
    """Of its newest document, personal values in the clear; None: it was never verified here."""
    listed: ListedInstrument | None
    category: str
    """Code; of an instrument that is only listed."""
    parts: int
    """How many nozzles, lanes or phases an instrument that is only listed has; 0: none."""
    division: str
    """Of the institution, for an instrument that is only listed."""
    interval: str = ""
    """检定分度值 e as `5 g`, for a weighing instrument whose e is not on record."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A round that may be stored."""

    content: bytes
    private: JsonObject


def prepare_round(
    plan: Plan,
    chosen: Sequence[Chosen],
    standards: Iterable[StandardContent],
    book: RuleBook,
    rolls: Iterable[RollContent] = (),
) -> Prepared:
    """Make a round.

    Args:
        plan: what its operator decides.
        chosen: its instruments.
        standards: of the institution.
        book: rules of the day.
        rolls: of stickers, the institution's own; those that are not active stay here.

    Raises:
        InputError: no instrument or too many, one whose limits no device judges, or bad numbers.
    """
    if not 1 <= len(chosen) <= MAX_INSTRUMENTS:
        raise InputError(
            f"choose 1 to {MAX_INSTRUMENTS} instruments",
            field="instrument",
            zh=f"请选择1至{MAX_INSTRUMENTS}台器具",
        )
    if plan.kind not in KINDS:
        raise InputError(f"is one of {', '.join(KINDS)}", field="kind", zh="不是可选的检定类别")
    rules: dict[str, RuleRow] = {}
    items: list[JsonObject] = []
    private: JsonObject = {}
    for number, one in enumerate(chosen, start=1):
        instrument = _take_instrument(one)
        rule = _find_rule(instrument, plan.day, book)
        if is_by_load(rule.limits) and "e" not in instrument:
            instrument["e"] = _read_interval(one.interval, instrument, rule)
        rules[rule.category.name] = rule
        hidden: JsonObject = {name: value for name, value in instrument.items() if name in PRIVATE}
        shown: JsonObject = {name: value for name, value in instrument.items() if name not in PRIVATE}
        private[str(number)] = hidden
        items.append(
            {"id": str(number), "instrument": shown, **_find_habits(one, shown, rule, plan.day, book)}
        )
    if plan.uncertainty is not None:
        _require_one_unit(rules.values())
    value = _describe(plan, rules, items, chosen, standards)
    value["rolls"] = _list_rolls(rolls)
    return Prepared(encode_round(value), private)


def _require_one_unit(rules: Iterable[RuleRow]) -> None:
    units = sorted({UNITS_OF[rule.category][1] for rule in rules})
    if len(units) > 1:
        listed = ", ".join(units)
        raise InputError(
            f"one uncertainty cannot stand for errors in {listed}: make a round for each",
            field="u",
            zh=f"误差单位不同（{listed}），不能共用一个扩展不确定度，请分开编制任务单",
        )


def _list_rolls(rolls: Iterable[RollContent]) -> list[JsonValue]:
    """Return what a device needs to tell a sticker of this institution from any other, the newest rolls."""
    active: list[JsonValue] = [
        {"roll": one.roll, "count": one.count} for one in rolls if one.state is RegisterState.ACTIVE
    ]
    return active[-MAX_ROLLS:]


def _describe(
    plan: Plan,
    rules: Mapping[str, RuleRow],
    items: Sequence[JsonObject],
    chosen: Sequence[Chosen],
    standards: Iterable[StandardContent],
) -> JsonObject:
    value: JsonObject = {
        "v": VERSION,
        "id": plan.id,
        "institution": plan.institution,
        "title": plan.title,
        "day": plan.day.isoformat(),
        "kind": plan.kind,
        "application": plan.application,
        "prepared_by": plan.person,
        "prepared_at": encode_instant(plan.prepared_at),
        "host": plan.host,
        "standards": list(list_standards(standards, chosen, rules, plan.day).values()),
        "rules": {name: describe_rule(rule) for name, rule in rules.items()},
        "items": list(items),
    }
    for name, text, field in (
        ("uncertainty", plan.uncertainty, "u"),
        ("k", plan.coverage_factor, "k"),
    ):
        if text is not None:
            value[name] = _spell_number(text, field)
    if ("uncertainty" in value) != ("k" in value):
        raise InputError(
            "an expanded uncertainty and its k go together", field="k", zh="扩展不确定度与包含因子须同时填写"
        )
    return value


def _spell_number(text: str, field: str) -> str:
    try:
        return encode_decimal(parse_decimal(text))
    except InputError as err:
        raise InputError(err.reason, field=field, zh="不是数值，应如 0.05") from None


def _take_instrument(chosen: Chosen) -> JsonObject:
    instrument = _describe_listed(chosen) if chosen.record is None else as_object(chosen.record["instrument"])
    return dict(instrument)


def _read_interval(text: str, instrument: JsonObject, rule: RuleRow) -> JsonObject:
    """Return the verification scale interval that was typed for an instrument, as documents write it.

    Raises:
        InputError: none was, or not a number above 0 and a unit.
    """
    if not text.strip():
        named = f"{instrument.get('serial')} ({rule.category.name})"
        raise InputError(
            f"{named} has limits by load: its verification scale interval e is needed",
            field="e",
            zh=f"{named}的限值按载荷分段，须填写检定分度值e",
        )
    value, _, unit = text.strip().partition(" ")
    try:
        number = parse_decimal(value)
        parse_unit(unit.strip())
    except InputError as err:
        raise InputError(err.reason, field="e", zh="检定分度值应为数值和单位，如 5 g") from None
    if number <= 0:
        raise InputError("a verification scale interval is above 0", field="e", zh="检定分度值应大于0")
    return {"value": encode_decimal(number), "unit": unit.strip()}


def _describe_listed(chosen: Chosen) -> JsonObject:
    listed = chosen.listed
    assert listed is not None  # noqa: S101 -- an instrument was verified or is listed
    texts = {"name": listed.name, "model": listed.model, "serial": listed.serial, "maker": listed.maker}
    more = {"range": listed.range, "class": listed.accuracy_class}
    site = {"division": chosen.division, **({"address": listed.site} if listed.site else {})}
    instrument: JsonObject = {"category": parse_category(chosen.category, "category").name, **texts}
    instrument |= {name: text for name, text in more.items() if text}
    instrument["site"] = dict(site)
    if chosen.parts:
        instrument["parts"] = [{"id": str(number)} for number in range(1, chosen.parts + 1)]
    return instrument


def _find_rule(instrument: JsonObject, day: date, book: RuleBook) -> RuleRow:
    category = parse_category(str(instrument.get("category", "")), "category")
    rule = book.find_rule(category, day)
    named, awarded = instrument.get("serial", category.name), instrument.get("class")
    if rule is None or not is_judged_on_site(rule.limits, None if awarded is None else str(awarded)):
        raise InputError(
            f"{named} ({category.name}) has no limits to judge by at its class: draft it in the office",
            field="instrument",
            zh=f"{named}（{category.name}，准确度等级{awarded or '未填'}）没有可在现场判定的限值，请在办公室起草",
        )
    return rule


def _find_habits(
    chosen: Chosen, instrument: JsonObject, rule: RuleRow, day: date, book: RuleBook
) -> JsonObject:
    """Return the unit of the readings, the usual reference values, and what the newest document said."""
    habits = _find_readings(chosen, rule, day, book)
    if rule.category in _FLOW_UNITS:
        habits["flow_unit"] = _FLOW_UNITS[rule.category]
    if is_by_load(rule.limits):
        habits |= _find_weighing(instrument, rule, str(habits["unit"]), habits.pop("nominals", []))
    habits.pop("nominals", None)
    return habits | _find_last(chosen.record)


def _find_readings(chosen: Chosen, rule: RuleRow, day: date, book: RuleBook) -> JsonObject:
    if chosen.record is None:
        nominal = _USUAL_NOMINAL.get(rule.category)
        usual: JsonObject = {} if nominal is None else {"nominal": nominal}
        return {"unit": _find_unit(rule.category, day, book), **usual}
    results = chosen.record.get("results")
    readings = [as_object(one) for one in results] if isinstance(results, list) else []
    first = next((one for one in readings if "unit" in one), None)
    if first is None:
        return {"unit": _find_unit(rule.category, day, book)}
    points = first["points"]
    nominals = [as_object(one).get("nominal") for one in points] if isinstance(points, list) else []
    used: list[JsonValue] = [one for one in dict.fromkeys(nominals) if one is not None]
    return {"unit": first["unit"], **({"nominal": used[0]} if used else {}), "nominals": used}


def _find_weighing(instrument: JsonObject, rule: RuleRow, unit: str, used: JsonValue) -> JsonObject:
    """Return what limits by load need, and the loads that were put on last, else those where limits change.

    Raises:
        InputError: e is no mass, or not above 0.
    """
    e = as_object(instrument["e"])
    try:
        interval = Quantity(parse_decimal(str(e.get("value"))), parse_unit(str(e.get("unit"))))
        weighing = Weighing(interval, parse_unit(UNITS_OF[rule.category][1]))
        described = describe_weighing(weighing, unit)
    except InputError as err:
        serial = instrument.get("serial")
        raise InputError(f"{serial}: {err.reason}", field="e", zh=f"{serial}：检定分度值e不正确") from None
    loads = used if isinstance(used, list) and len(used) > 1 else _list_steps(rule.limits, described)
    return {"weighing": described, "loads": list(loads[:MAX_LOADS])}


def _list_steps(limits: Sequence[Limit], described: JsonObject) -> list[JsonValue]:
    interval = fraction_from_decimal(parse_decimal(str(described["in_readings"])))
    edges = {fraction_from_decimal(one.load_over) for one in limits if one.load_over is not None}
    loads = [decimal_from_fraction(edge * interval) for edge in sorted({Fraction(0), *edges})]
    return [encode_decimal(one) for one in loads if one is not None]


def _find_last(record: JsonObject | None) -> JsonObject:
    if record is None:
        return {}
    last: JsonObject = {name: record[name] for name in ("no", "verified_on", "seals") if name in record}
    until = as_object(record.get("validity", {})).get("until")
    return {"last": last | ({} if until is None else {"until": until})}


def _find_unit(category: Category, day: date, book: RuleBook) -> str:
    columns = build_template(category, day, book, points=1, parts=1).columns
    named = [one for one in columns if _is_unit_of_readings(one.column.name)]
    return next((one.example for one in named if one.example), "1")


def _is_unit_of_readings(name: str) -> bool:
    steps = name.split(".")
    return len(steps) == 3 and steps[0] == "results" and steps[2] == "unit"


def list_standards(
    registered: Iterable[StandardContent], chosen: Sequence[Chosen], rules: Mapping[str, RuleRow], day: date
) -> dict[str, JsonObject]:
    """Return the standards that a round may name, by id: those in force on the day, else those used last."""
    categories = {rule.category for rule in rules.values()}
    found = {
        one.id: _describe_standard(one)
        for one in registered
        if one.state is RegisterState.ACTIVE
        and one.valid_from <= day <= one.valid_until
        and one.categories & categories
    }
    for record in (one.record for one in chosen if one.record is not None):
        used = record.get("standards")
        for standard in map(as_object, used if isinstance(used, list) else []):
            found.setdefault(str(standard["id"]), standard)
    return found


def _describe_standard(content: StandardContent) -> JsonObject:
    return {
        "id": content.id,
        "name": content.name,
        "exam_no": content.examination_no,
        "exam_until": content.valid_until.isoformat(),
        "range": content.range,
        "u": content.uncertainty,
        "instruments": [
            {"no": one.no, "cert_no": one.certificate_no, "until": one.until.isoformat()}
            for one in content.instruments
        ],
    }
