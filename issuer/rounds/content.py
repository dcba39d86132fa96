"""A round (一轮检定): what a device takes along for a day, and what of it stays in the office.

    {"v": 1, "id": "r-…", "title": "示例加油站", "day": "2026-11-03", "kind": "periodic",
     "institution": "350100-01", "application": 7, "prepared_by": "P-0107", "prepared_at": "…Z",
     "uncertainty"?: "0.05", "k"?: "2",
     "standards": [as input documents write them],
     "rules": {"FUEL_DISPENSER": {"regulation": "JJG 443-2023(试行)", "title": "…", "share"?: "1/3",
                                  "limits": [see `judging`]}},
     "host": "v.example.cn", "rolls": [{"roll": "7KQ2M9X", "count": 1000}],
     "items": [{"id": "1", "instrument": {nameplate, class, parts, site}, "unit": "L", "nominal"?: "20.00",
                "flow_unit"?: "L/min", "weighing"?: {see `judging`}, "loads"?: ["0", "2.5"],
                "last"?: {"no": "…", "verified_on": "…", "until"?: "…", "seals": […]}}]}

The device gets these bytes and names their digest in all that it brings back. A sticker's code that leads to
another `host` is refused there, before its id is read (decision 29). Applicant and owner are not among
them: `private` holds what a document needs besides, by item.

>>> parse_round(raw).items["1"].instrument["serial"]
'SN00000001'
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from issuer.rounds.judging import (
    Measuring,
    Weighing,
    describe_limit,
    is_by_load,
    parse_described_limit,
    parse_described_weighing,
)
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import parse_decimal
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.limit import Limit
from ledger.core.qr import ALPHABET, parse_host
from ledger.core.regulation import RuleRow
from ledger.core.sticker import MAX_STICKERS, ROLL_SYMBOLS

VERSION: Final = 1
MAX_ROUND_BYTES: Final = 1 << 20
MAX_INSTRUMENTS: Final = 200
MAX_ROLLS: Final = 500
"""Rolls of stickers that a round names."""
MAX_LOADS: Final = 30
"""Loads, or readings, of one series that a round suggests."""
ID_PATTERN: Final = r"[rd]-[0-9a-f]{16}"
ITEM_PATTERN: Final = r"[1-9][0-9]{0,2}"
KINDS: Final = ("initial", "periodic", "after_repair")
"""Kinds of verification that use the initial limits; in-service checks have others and are not made in rounds."""
_KEY: Final = ("name", "model", "serial", "maker")


@dataclass(frozen=True, slots=True)
class RoundItem:
    """One instrument of a round."""

    id: str
    """Its place in the round, from 1."""
    instrument: JsonObject
    """As input documents write it, without its owner."""
    unit: str
    """Of the readings."""
    limits: tuple[Limit, ...]
    weighing: Weighing | None = None
    """Of an instrument whose limits are by load."""
    flow_unit: str | None = None
    """In which the flow of a series is noted; None: the instrument has none."""

    @property
    def key(self) -> bytes:
        """Return 32 bytes by which two rounds tell that they mean one instrument: hash of the nameplate."""
        return compute_instrument_key(self.instrument)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the ids of its nozzles, lanes or phases; none where it is verified as a whole."""
        parts = self.instrument.get("parts")
        return tuple(str(as_object(part)["id"]) for part in parts) if isinstance(parts, list) else ()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round is about."""

    id: str
    title: str
    day: date
    kind: str
    application: int
    standards: Mapping[str, JsonObject]
    """By their ids."""
    uncertainty: str | None
    coverage_factor: str | None
    items: Mapping[str, RoundItem]
    digest: bytes
    """32 bytes, SHA-256 of the bytes that devices get."""

    def measure(self, item: RoundItem) -> Measuring:
        """Return by what an instrument of this round is judged."""
        accuracy_class = item.instrument.get("class")
        return Measuring(
            item.limits,
            item.unit,
            str(accuracy_class) if accuracy_class is not None else None,
            self.uncertainty,
            self.coverage_factor,
            item.weighing,
        )


def compute_instrument_key(instrument: Mapping[str, object]) -> bytes:
    """Return 32 bytes of name, model, serial number and maker, as written."""
    texts = [str(instrument.get(name, "")) for name in _KEY]
    return hashlib.sha256("\x00".join(texts).encode()).digest()


def encode_round(value: JsonObject) -> bytes:
    """Return the bytes of a round that was made, after reading them once.

    Raises:
        InputError: too long, or not such a round.
    """
    raw = encode_canonical_json(value)
    parse_round(raw)
    return raw


def describe_rule(rule: RuleRow) -> JsonObject:
    """Return the row of a regulation as devices get it; `share` is the part of an MPE that U may be."""
    described: JsonObject = {
        "regulation": rule.regulation_id or "-",
        "title": rule.name_zh,
        "limits": [describe_limit(one) for one in rule.limits],
    }
    share = rule.uncertainty_share
    return described if share is None else {**described, "share": f"{share.numerator}/{share.denominator}"}


def parse_round(raw: bytes) -> Round:
    """Read a round.

    Raises:
        InputError: not such a round.
    """
    if len(raw) > MAX_ROUND_BYTES:
        raise MalformedDocumentError(f"a round is at most {MAX_ROUND_BYTES} bytes: take fewer instruments")
    reader = Reader(as_object(parse_canonical_json(raw)), "")
    reader.integer("v", VERSION, VERSION)
    for name in ("institution", "prepared_by"):
        reader.text(name)
    reader.instant("prepared_at")
    limits = {name: _parse_rule(value) for name, value in reader.members("rules").items()}
    items = [_parse_item(one, limits) for one in reader.objects("items", least=1, most=MAX_INSTRUMENTS)]
    standards = reader.values("standards", least=0, most=100)
    _check_host(reader.text("host"))
    for roll in reader.objects("rolls", most=MAX_ROLLS):
        roll.text("roll", pattern=rf"[{ALPHABET}]{{{ROLL_SYMBOLS}}}")
        roll.integer("count", 1, MAX_STICKERS)
        roll.finish()
    uncertainty, factor = reader.opt_decimal("uncertainty"), reader.opt_decimal("k")
    found = Round(
        id=reader.text("id", pattern=ID_PATTERN),
        title=reader.text("title", max_bytes=200),
        day=reader.date("day"),
        kind=reader.text("kind", pattern="|".join(KINDS)),
        application=reader.integer("application", 1, 2**53 - 1),
        standards={str(as_object(one).get("id", "")): as_object(one) for one in standards},
        uncertainty=None if uncertainty is None else str(uncertainty),
        coverage_factor=None if factor is None else str(factor),
        items={one.id: one for one in items},
        digest=hashlib.sha256(raw).digest(),
    )
    reader.finish()
    if len(found.items) != len(items):
        raise MalformedDocumentError("two instruments have one id", field="items")
    return found


def _check_host(host: str) -> None:
    try:
        parse_host(host)
    except MalformedDocumentError as err:
        raise MalformedDocumentError(err.reason, field="host") from None


def _parse_rule(value: object) -> tuple[Limit, ...]:
    if not isinstance(value, dict):
        raise MalformedDocumentError("is no object", field="rules")
    reader = Reader(value, "rules")
    reader.text("regulation")
    reader.text("title")
    reader.opt_text("share", pattern=r"[1-9][0-9]?/[1-9][0-9]?")
    limits = tuple(
        parse_described_limit(as_object(one)) for one in reader.values("limits", least=1, most=100)
    )
    reader.finish()
    return limits


def _parse_item(reader: Reader, rules: Mapping[str, tuple[Limit, ...]]) -> RoundItem:
    instrument = reader.members("instrument")
    category = instrument.get("category")
    if not isinstance(category, str) or category not in rules:
        raise MalformedDocumentError("no rule stands for its category", field=reader.path_of("instrument"))
    unit, limits = reader.text("unit", max_bytes=16), rules[category]
    weighing = reader.members("weighing") if "weighing" in reader else None
    if (weighing is not None) != is_by_load(limits):
        raise MalformedDocumentError("goes with limits by load", field=reader.path_of("weighing"))
    item = RoundItem(
        reader.text("id", pattern=ITEM_PATTERN),
        instrument,
        unit,
        limits,
        None if weighing is None else parse_described_weighing(weighing, unit),
        reader.opt_text("flow_unit", max_bytes=16),
    )
    reader.opt_decimal("nominal")
    if "loads" in reader:
        for load in reader.texts("loads", most=MAX_LOADS):
            parse_decimal(load)
    if "last" in reader:
        reader.members("last")
    reader.finish()
    return item
