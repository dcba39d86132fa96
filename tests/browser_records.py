"""Records and rules for the browser: what node and Python are asked alike, and how their answers compare.

A parsed record is compared member by member, a rule's result by outcome, warning and both sentences.
"""

import random
from copy import deepcopy
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

from browser_node import camel
from mutations import ODD_VALUES, get, walk

from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.judging import judge_by_book
from ledger.core.record_parsing import parse_record
from ledger.core.regulation import RuleBook
from ledger.core.rules import check_times
from ledger.core.signature import PublicKey
from ledger.core.unit import Unit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LIBRARY = """
  const { parseRecord } = await load("record_parsing"), { Reader } = await load("fields");
  const { InputError } = await load("errors"), { Decimal, encodeHex } = await load("encoding");
  await load("exact");
  const flat = (value) => {
    if (value === undefined) throw new Error("undefined stands in a parsed object");
    if (value === null || typeof value !== "object") return value;
    if (value instanceof Uint8Array) return encodeHex(value);
    if (value instanceof Decimal) return String(value);
    if (value.multikey) return value.multikey;
    if (value.factor) return value.code;
    if (Array.isArray(value)) return value.map(flat);
    const names = Object.keys(value).filter((name) => name !== "documentKind");
    return Object.fromEntries(names.map((name) => [name, flat(value[name])]));
  };
  const attempt = (run) => {
    try { return run() } catch (error) {
      if (error instanceof InputError) return { error: error.name };
      throw error;
    }
  };
  const show = (result) => [result.outcome, result.text.en, result.text.zh, result.warning];
  const showAll = (results) => Object.fromEntries([...results].map(([step, result]) => [step.name, show(result)]));
"""
"""Functions that scripts for node share."""


def flatten(value):
    """Return what `flat` gives in node for the same value: days, milliseconds, hex, digits."""
    if isinstance(value, Unit):
        return value.code
    if isinstance(value, PublicKey):
        return value.multikey
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, date):
        return to_days(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "_asdict"):
        return {camel(name): flatten(item) for name, item in value._asdict().items()}
    if is_dataclass(value):
        return {camel(field.name): flatten(getattr(value, field.name)) for field in fields(value)}
    return [flatten(item) for item in value] if isinstance(value, (list, tuple)) else value


def to_ms(instant):
    """Return milliseconds since 1970, None for None."""
    return None if instant is None else round((instant - EPOCH).total_seconds() * 1000)


def to_days(day):
    """Return days since 1970-01-01."""
    return (day - EPOCH.date()).days


def attempt(run):
    """Return what a function gives, or the class of its refusal."""
    try:
        return run()
    except InputError as err:
        return {"error": type(err).__name__}


def show(result):
    """Return outcome, both sentences and warning of a rule's result."""
    return [result.outcome.value, result.text.en, result.text.zh, result.warning]


def show_all(results):
    """Return the results of rules by the name of their step."""
    return {step.name: show(result) for step, result in results.items()}


def read_and_judge(value: dict, book: RuleBook) -> dict:
    """Return a record as Python reads it, and what the rules of its own say; or the class of the refusal."""

    def run():
        record = parse_record(Reader(value, ""))
        return {"record": flatten(record), "rules": show_all(judge_by_book(record, book))}

    return attempt(run)


def judge_times(record, clocks, zone, tolerance, lag):
    """Return step 17 as Python judges it."""
    return show(check_times(record, clocks, zone, tolerance, lag))


# --- changes ----------------------------------------------------------------------------------------------

_WORDS = (
    *("initial", "periodic", "arbitration", "in_service", "calibration", "import"),
    *("verification_certificate", "rejection_notice", "calibration_certificate", "paper_register"),
    *("date", "service_life", "none", "pass", "fail", "conditional"),
    *("operator", "checker", "approver", "trade", "laboratory", "on_site"),
    *("simple_acceptance", "guarded_acceptance", "indication_error", "repeatability", "TYPO"),
    *("kg", "g", "L", "mL", "%", "e", "kPa", "mmHg", "°C", "K", "斤", "KG", "m3/h", "1"),
    *(
        "FUEL_DISPENSER",
        "PRICE_SCALE",
        "OTHER",
        "SPHYG_AUTO",
        "TAXIMETER",
        "JJG 443-2015",
        "jjg443—2023（试行）",
    ),
    *("1", "2", "III", "instrument.serial", "results.0.points", "350102", "SN1"),
)


def change(rng: random.Random, value: dict) -> dict:
    """Return a copy of a document with one change, or a few, that a reader or a rule may notice."""
    changed = deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path, item = rng.choice(list(walk(changed)))
        _change_once(rng, get(changed, path[:-1]), path[-1], item)
    return changed


def _change_once(rng, container, name, item):
    choice = rng.random()
    if choice < 0.12:
        del container[name]
    elif choice < 0.2 and isinstance(container, list):
        container.insert(name, deepcopy(item))
    elif choice < 0.24 and isinstance(container, dict):
        container[rng.choice(("extra", *_OPTIONAL))] = deepcopy(item)
    elif choice < 0.32:
        container[name] = deepcopy(rng.choice(ODD_VALUES))
    elif choice < 0.42:
        container[name] = rng.choice(_WORDS)
    elif isinstance(item, bool):
        container[name] = not item
    elif isinstance(item, str):
        container[name] = _change_text(rng, item)


_OPTIONAL = (
    *(
        "lot",
        "e",
        "class",
        "class_awarded",
        "commission_no",
        "sticker_id",
        "specification",
        "paper",
        "key",
        "mpe",
    ),
    *(
        "measured",
        "nominal",
        "u",
        "part",
        "before_adjustment",
        "agreed",
        "until",
        "issued_on",
        "site",
        "software",
    ),
)


def _change_text(rng, text):
    """Return another number, another day, or a text with one other character."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return _change_day(rng, text)
    places = rng.choice((0, 1, 2, 3, 5))
    step = Decimal(rng.choice((-3, -1, 1, 2, 7))).scaleb(-places)
    return format(rng.choice((number + step, -number, number * 2, number / 4, number.copy_abs())), "f")


def _change_day(rng, text):
    try:
        day = date.fromisoformat(text)
    except ValueError:
        if rng.random() < 0.3:
            return text.upper()
        at = rng.randrange(len(text) + 1)
        return (
            text[:at]
            + rng.choice(("", "0", "9", " ", "z", "Z", "é", "\u200b", "\u202e", "\U0001f600"))
            + text[at + 1 :]
        )
    ordinal = day.toordinal() + rng.choice((-400, -31, -1, 1, 2, 30, 181, 366, 20000))
    return date.fromordinal(max(1, ordinal)).isoformat()
