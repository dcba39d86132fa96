"""Make a round in the office: instruments as their newest documents have them, standards, rules to judge by.

An instrument that was verified here before comes with the record of its newest document; one that is only listed
(台账) comes with what the list says of it. What a document needs and a device does not, as the owner, stays here.

>>> prepared = prepare_round(plan, [chosen], standards, book)
>>> prepared.content[:10], prepared.private
(b'{"applica…', {'1': {'owner': {...}}})
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from issuer.instruments import ListedInstrument
from issuer.rounds.content import KINDS, MAX_INSTRUMENTS, VERSION, describe_rule, encode_round
from issuer.rounds.judging import is_judged_on_site
from issuer.template import build_template
from ledger.core.canonical import JsonObject, as_object
from ledger.core.category import Category, parse_category
from ledger.core.encoding import encode_decimal, encode_instant, parse_decimal
from ledger.core.errors import InputError
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import RuleBook, RuleRow
from ledger.core.standard import StandardContent

PRIVATE: Final = frozenset({"owner"})
"""Members of an instrument that no device gets."""
_USUAL_NOMINAL: Final = {Category.FUEL_DISPENSER: "20.00"}
"""What a reference usually gives, for the first look at an instrument that was never verified here."""


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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A round that may be stored."""

    content: bytes
    private: JsonObject


def prepare_round(
    plan: Plan, chosen: Sequence[Chosen], standards: Iterable[StandardContent], book: RuleBook
) -> Prepared:
    """Make a round.

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
        rules[rule.category.name] = rule
        hidden: JsonObject = {name: value for name, value in instrument.items() if name in PRIVATE}
        shown: JsonObject = {name: value for name, value in instrument.items() if name not in PRIVATE}
        private[str(number)] = hidden
        items.append({"id": str(number), "instrument": shown, **_find_habits(one, rule, plan.day, book)})
    return Prepared(encode_round(_describe(plan, rules, items, chosen, standards)), private)


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
        "standards": list(list_standards(standards, chosen, rules, plan.day).values()),
        "rules": {
            name: describe_rule(rule.regulation_id or "-", rule.name_zh, rule.limits)
            for name, rule in rules.items()
        },
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
    if chosen.record is not None:
        return dict(as_object(chosen.record["instrument"]))
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
    if rule is None or not is_judged_on_site(rule.limits):
        named = instrument.get("serial", category.name)
        raise InputError(
            f"{named} ({category.name}) has no limits that a device can judge: draft it in the office",
            field="instrument",
            zh=f"{named}（{category.name}）没有可在现场判定的限值，请在办公室起草",
        )
    return rule


def _find_habits(chosen: Chosen, rule: RuleRow, day: date, book: RuleBook) -> JsonObject:
    """Return the unit of the readings, the usual reference value, and what the newest document said."""
    if chosen.record is None:
        nominal = _USUAL_NOMINAL.get(rule.category)
        usual: JsonObject = {} if nominal is None else {"nominal": nominal}
        return {"unit": _find_unit(rule.category, day, book), **usual}
    record = chosen.record
    results = record.get("results")
    readings = [as_object(one) for one in results] if isinstance(results, list) else []
    first = next((one for one in readings if "unit" in one), None)
    habits: JsonObject = {"unit": _find_unit(rule.category, day, book) if first is None else first["unit"]}
    points = [] if first is None else first["points"]
    if isinstance(points, list) and points and "nominal" in as_object(points[0]):
        habits["nominal"] = as_object(points[0])["nominal"]
    last: JsonObject = {name: record[name] for name in ("no", "verified_on", "seals") if name in record}
    until = as_object(record.get("validity", {})).get("until")
    return {**habits, "last": last | ({} if until is None else {"until": until})}


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
