"""The browser's record and rules beside Python's: the same records are read, and every rule says the same."""

import csv
import importlib.util
import io
import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from browser_node import run_node
from browser_records import (
    LIBRARY,
    attempt,
    change,
    flatten,
    judge_times,
    read_and_judge,
    show,
    show_all,
    to_days,
    to_ms,
)
from browser_registers import list_statements
from further_kinds import ENTRY, GUARDED, SIMPLE, make_calibration, make_paper, make_value, make_values
from ledger_in_memory import INSTITUTION, make_record, make_rejection, make_signer, seal_record
from registered import (
    PARENT,
    STANDARD,
    TIMES,
    RegisteredLedger,
    canonical,
    make_registered_record,
    seal_by_all,
    state_person,
    state_standard,
)
from rule_tables import LIMIT, RULE, limits_table, rules_table
from world import World

from ledger.core.calendar_rules import compute_last_valid_date
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.errors import LedgerError
from ledger.core.event import EventType
from ledger.core.fields import Reader
from ledger.core.instrument import compute_statement_serial
from ledger.core.judging import Grounds, judge_by_book, judge_by_registers
from ledger.core.limit import LIMIT_COLUMNS
from ledger.core.record_parsing import parse_record
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import RULE_COLUMNS, normalise_citation, parse_rule_book
from ledger.core.rules import Clocks, build_issue_claims, check_binding, local_date
from ledger.core.signatories import verify_signatures
from ledger.core.signature import parse_multikey
from ledger.core.standard import StandardReference
from ledger.core.statement import ActClaims, Statement
from ledger.core.unit import UNITS

VECTORS = Path(__file__).parent.parent / "vectors"
TIMES_MORE = 10 if os.environ.get("HENGZHENG_LONG") == "1" else 1
DATA = Path(__file__).parents[2] / "ledger" / "core" / "data"
TABLES = [(DATA / name).read_text("utf-8") for name in ("verification_rules.csv", "limits.csv")]

READ_AND_JUDGE = (
    """async ({ load }, { records, books }) => {"""
    + LIBRARY
    + """
  const { judgeByBook } = await load("judging"), { parseRuleBook } = await load("regulation");
  const parsed = books.map(([rules, limits]) => parseRuleBook(rules, limits));
  return records.map(([value, book]) => attempt(() => {
    const record = parseRecord(new Reader(value));
    return { record: flat(record), rules: showAll(judgeByBook(record, parsed[book])) };
  }));
}"""
)


def assert_judged_alike(cases, books):
    """Require the same record and the same results, or the same refusal, of every pair of record and book."""
    parsed = [parse_rule_book(*book) for book in books]
    ours = [read_and_judge(value, parsed[book]) for value, book in cases]
    theirs = run_node(READ_AND_JUDGE, {"records": cases, "books": books})
    for (value, _), mine, other in zip(cases, ours, theirs, strict=True):
        assert other == mine, value
    return ours


SCALE = {
    "category": "PRICE_SCALE",
    "class": "III",
    "e": {"value": "5", "unit": "g"},
}
SCALE_RESULT = {
    "item": "indication_error",
    "unit": "kg",
    "error_unit": "g",
    "points": [{"error": "2.5", "mpe": "2.5", "nominal": "1.000", "measured": "1.0025", "pass": True}],
    "pass": True,
}


def list_records():
    """Return good records of every kind, with every optional member in one of them at least."""
    full = make_registered_record(
        lot={"no": "L1", "size": 20},
        sticker_id="S-0001",
        class_awarded="0.3",
        replaces={
            "no": "OLD-1",
            "reason": "TYPO",
            "changed": ["instrument.serial", "results.0.points.0.error"],
        },
        place={"kind": "on_site", "where": {"sd": "00" * 32}},
        environment={
            "temperature": {"value": "20.5", "unit": "°C"},
            "humidity": {"value": "50", "unit": "%RH"},
        },
        raw_record={"no": "R-1", "hash": "11" * 32},
        applicant={"sd": "22" * 32},
        instrument={
            "codes": {"production": "A1", "verification": "B2"},
            "year": 2020,
            "local_id": "7",
            "range": "5-50 L/min",
            "owner": {"sd": "33" * 32},
            "site": {"division": "350102", "address": {"sd": "44" * 32}},
        },
    )
    scale = make_record(instrument=make_record()["instrument"] | SCALE, results=[SCALE_RESULT])
    other = make_record(instrument=make_record()["instrument"] | {"category": "OTHER"})
    arbitration = make_record(kind="arbitration", commission_no="闽仲〔2026〕1号")
    judged = make_calibration(
        conclusion="conditional",
        decision_rule={
            "rule": "guarded_acceptance",
            "guard_factor": "1",
            "requirement": "JJG 443-2023(试行) §5.1",
        },
        results=[
            {
                "item": "indication_error",
                "unit": "L",
                "error_unit": "%",
                "k": "2",
                "points": [{"error": "0.28", "nominal": "20.00", "u": "0.05", "mpe": "0.30"}],
            }
        ],
        comparisons=[
            {"name": "A", "unit": "1", "value": "5", "u": "13", "reference": "-3.1", "reference_u": "7.4"},
            {"name": "B", "unit": "L", "value": "5", "u": "1", "reference": "-3.1", "reference_u": "0.4"},
        ],
    )
    return [
        *(make_record(), make_rejection(), make_calibration(), make_paper(), make_registered_record()),
        *(full, scale, other, arbitration, judged),
        make_rejection(kind="in_service"),
        *(
            make_record(regulation={"id": name, "title": "示例"}, verified_on=day)
            for name, day in ON_THE_EDGE
        ),
    ]


ON_THE_EDGE = [
    (f"JJG 443-{version}", f"{year}-{day}")
    for version, year in (("2015", 2015), ("2015", 2023), ("2023(试行)", 2023))
    for day in ("06-30", "07-01", "07-02")
]
"""A version's first day in force, and the first on which it is not, each with its neighbours."""


def list_vectors():
    """Return the records of every certificate and bundle in the vectors that is JSON, and of the small world."""
    found = []
    for path in sorted(VECTORS.glob("certificate/*/certificate.json")) + sorted(
        VECTORS.glob("bundle/*/bundle.json")
    ):
        try:
            value = parse_canonical_json(path.read_bytes())
        except LedgerError:
            continue
        value = value.get("certificate", value)
        if isinstance(value.get("credentialSubject"), dict):
            found.append(value["credentialSubject"])
    issued = (World().issue(number) for number in range(3))
    return found + [parse_canonical_json(one.body)["credentialSubject"] for one in issued]


CONFIRMED = [
    rules_table(
        RULE | {"regulation": "JJG 443-2023(试行)", "effective_on": "2023-07-01", "uncertainty_share": "1/3"},
        RULE
        | {
            "regulation": "JJG 443-2015",
            "effective_on": "2015-07-01",
            "superseded_on": "2023-07-01",
            "superseded_by": "JJG 443-2023(试行)",
        },
        RULE | {"category_code": "PRICE_SCALE", "regulation": "JJG 539-2016", "validity_months": "12"},
        RULE | {"category_code": "SPHYG_AUTO", "regulation": "JJG 692-2010", "restricted_units": "mmHg"},
        RULE
        | {
            "category_code": "WATER_METER_SMALL",
            "regulation": "JJG 162-2019",
            "verification_mode": "first_only_limited_use",
            "validity_months": "72",
        },
        RULE
        | {
            "category_code": "THERMOMETER_GLASS",
            "regulation": "JJG 111-2019",
            "verification_mode": "first_only_scrap",
            "validity_months": "",
        },
    ),
    limits_table(
        LIMIT | {"regulation": "JJG 443-2023(试行)"},
        LIMIT
        | {"regulation": "JJG 443-2023(试行)", "item": "repeatability", "mpe_lower": "", "mpe_upper": "0.10"},
        *(
            LIMIT
            | {
                "regulation": "JJG 539-2016",
                "accuracy_class": "III",
                "unit": "e",
                "mpe_lower": f"-{mpe}",
                "mpe_upper": mpe,
                "load_over": over,
                "load_up_to": up_to,
                "in_service_factor": "2",
                "rounding_interval": "0.1",
            }
            for over, up_to, mpe in (("2000", "10000", "1.5"), ("500", "2000", "1"), ("", "500", "0.5"))
        ),
    ),
]


def test_records_of_every_kind_and_category_are_read_and_judged_alike():
    records = list_records() + list_vectors()
    of_category = [
        value | {"instrument": value["instrument"] | {"category": category.name}}
        for value in (make_record(), make_rejection(), make_calibration(), make_paper())
        for category in Category
    ]
    cases = [(value, book) for value in [*records, *of_category] for book in (0, 1)]
    ours = assert_judged_alike(cases, [TABLES, CONFIRMED])
    assert sum("error" in one for one in ours) < len(ours) / 4


@pytest.mark.parametrize("seed", range(4))
def test_changed_records_are_read_and_judged_alike(seed):
    rng = random.Random(seed)
    good = list_records() + list_vectors()
    cases = [(change(rng, rng.choice(good)), rng.randrange(2)) for _ in range(700 * TIMES_MORE)]
    ours = assert_judged_alike(cases, [TABLES, CONFIRMED])
    classes = {one.get("error") for one in ours}
    assert {None, "MalformedDocumentError", "UnitError", "NonCanonicalEncodingError"} <= classes
    outcomes = {result[0] for one in ours for result in one.get("rules", {}).values()}
    assert outcomes == {"PASSED", "FAILED", "NOT_CHECKED"}


def of(make, **changes):
    """Return a record with changes inside its members, as `validity={"until": None}`; None drops a member."""
    record = make()
    for name, value in changes.items():
        inner = isinstance(value, dict) and isinstance(record.get(name), dict)
        record[name] = drop_absent(record[name] | value) if inner else value
    return drop_absent(record)


def drop_absent(members):
    return {name: value for name, value in members.items() if value is not None}


def make_judged(**rule):
    """Return a calibration that concludes by a rule with changes."""
    decision = drop_absent(GUARDED | rule)
    point = {"error": "0.10", "nominal": "20.00", "u": "0.05", "mpe": "0.30"}
    return make_calibration(conclusion="pass", decision_rule=decision, results=make_values(point))


def sign(*people):
    """Return persons; each is a role and the one who has it, with a key of their own, or none."""
    persons = [state_person(pid, role=role) for role, pid in people]
    return [
        one if len(one["pid"]) > 3 else drop_absent(one | {"key": None, "signed_at": SIGNED})
        for one in persons
    ]


SIGNED = "2026-02-28T04:00:00Z"
SEAL = {"no": "A1001", "point": "主板"}
FAILED = make_rejection()["results"]
AGREED = {"kind": "date", "until": "2027-02-27", "agreed": True}
COMPARED = {"name": "A", "unit": "1", "value": "5", "u": "13", "reference": "-3.1", "reference_u": "7.4"}
REFUSED = [
    of(make_record, v=2),
    of(make_record, replaces={"no": "JY2026-000001", "reason": "TYPO"}),
    of(make_record, replaces={"no": "OLD", "reason": "typo"}),
    *(
        of(make_record, replaces={"no": "OLD", "reason": "TYPO", "changed": changed})
        for changed in ([], ["b", "a"], ["a", "a"], ["a.01"], ["A"], ["a." + "b" * 119])
    ),
    of(make_record, seals=[SEAL, SEAL]),
    of(make_record, instrument={"parts": [{"id": "1"}, {"id": "1"}]}),
    of(make_record, instrument={"parts": [{"id": "1"}]}),
    of(make_record, instrument={"category": "__proto__"}),
    of(make_record, instrument={"id": "AB" * 16}),
    of(make_record, persons=sign(("operator", "P1"), ("operator", "P2"))),
    of(
        make_record,
        persons=[state_person("P-0001"), state_person("P-0001", role="checker", pid="P-9")],
    ),
    of(make_record, persons=sign(("operator", "P1"), ("approver", "P-0003"))),
    of(make_record, persons=sign(("operator", "P-0001"), ("approver", "P3")), issued_on=None),
    of(make_record, persons=[], issued_on=None),
    of(make_record, conclusion="fail"),
    of(make_record, conclusion="conditional"),
    of(make_record, conclusion=None),
    of(make_record, results=FAILED),
    of(make_record, validity={"until": None}),
    of(make_record, validity={"kind": "none"}),
    of(make_record, validity={"until": "2026-02-27"}),
    of(make_record, validity={"agreed": True}),
    of(make_record, verified_on="1969-12-31"),
    of(make_record, issued_on="1969-12-31"),
    of(make_record, kind="calibration"),
    of(make_record, paper=ENTRY),
    of(make_record, specification={"id": "JJF 1-2026", "title": "示例"}),
    of(make_record, comparisons=[COMPARED]),
    of(make_record, decision_rule=SIMPLE),
    of(make_rejection, conclusion="pass"),
    of(make_rejection, validity={"kind": "date", "until": "2026-08-27"}),
    of(make_calibration, specification=None),
    of(make_calibration, results=[]),
    of(make_calibration, results=make_values(k="0.99")),
    of(make_calibration, results=[drop_absent(make_values()[0] | {"k": None})]),
    of(make_calibration, results=make_values(make_value("0.10", u="0"))),
    of(make_calibration, results=make_values(make_value("0.10", u="-1"))),
    of(make_calibration, results=make_values({"error": "0.10"})),
    of(make_calibration, results=FAILED),
    of(make_calibration, conclusion="pass"),
    of(make_calibration, decision_rule=SIMPLE),
    of(make_calibration, validity={"agreed": True}),
    of(make_calibration, validity={"kind": "date", "until": "2027-02-27"}),
    of(make_calibration, validity={"kind": "service_life", "until": "2027-02-27"}),
    of(make_calibration, validity={"kind": "service_life", "until": "2027-02-27", "agreed": True}),
    of(make_calibration, kind="periodic"),
    *(
        of(make_calibration, **{name: value})
        for name, value in (
            ("class_awarded", "0.3"),
            ("seals", [SEAL]),
            ("sticker_id", "S"),
            ("lot", {"no": "L", "size": 1}),
            ("commission_no", "C"),
            ("paper", ENTRY),
        )
    ),
    *(make_judged(guard_factor=factor) for factor in ("0", "-1", "10.01", None)),
    make_judged(rule="simple_acceptance"),
    of(make_calibration, comparisons=[COMPARED | {"u": "0"}]),
    of(make_calibration, comparisons=[COMPARED | {"reference_u": "-7.4"}]),
    of(make_paper, paper=None),
    of(make_paper, paper={"entered_on": "2019-03-05"}),
    of(make_paper, conclusion="fail", validity=AGREED),
    of(make_paper, conclusion="fail", validity={"kind": "date", "until": "2020-03-03"}),
    *(
        of(make_paper, **{name: value})
        for name, value in (
            ("place", {"kind": "laboratory"}),
            ("environment", {"other": "x"}),
            ("standards", [make_registered_record()["standards"][0]]),
            ("crms", [{"id": "GBW", "lot": "1"}]),
            ("results", make_record()["results"][2:]),
            ("adjusted", True),
            ("seals", [SEAL]),
            ("sticker_id", "S"),
            ("lot", {"no": "L", "size": 1}),
            ("persons", sign(("operator", "P1"))),
            ("commission_no", "C"),
            ("decision_rule", SIMPLE),
        )
    ),
]
ADMITTED = [
    of(make_record, replaces={"no": "OLD", "reason": "TYPO", "changed": ["a", "a.0", "b"]}),
    of(make_record, results=[FAILED[0] | {"before_adjustment": True}]),
    of(make_record, persons=sign(("checker", "P-0002"), ("approver", "P-0002")), issued_on=None),
    of(make_record, seals=[SEAL, SEAL | {"point": "端盖"}]),
    of(make_record, validity={"until": "2026-02-28"}),
    of(make_record, verified_on="1970-01-01", issued_on="1970-01-01"),
    of(make_calibration, validity=AGREED),
    make_judged(guard_factor="10"),
    make_judged(guard_factor=None, rule="simple_acceptance"),
    of(make_paper, paper={"entered_on": "2019-03-06"}),
]


def test_each_contradiction_is_refused_alike_and_its_neighbour_read():
    ours = assert_judged_alike([(value, 0) for value in REFUSED + ADMITTED], [TABLES])
    assert [number for number, one in enumerate(ours[: len(REFUSED)]) if "record" in one] == []
    assert [one for one in ours[len(REFUSED) :] if "error" in one] == []


# --- limits at their edges --------------------------------------------------------------------------------


def list_limit_cases(rng, count):
    """Return tables of one limit, and a record whose reading lies at the limit, or beside it."""
    cases, books = [], []
    for _ in range(count):
        size = Decimal(rng.choice(("0.30", "0.5", "1", "2.5", "0.05", "12")))
        lower = rng.choice(("", f"-{size}", f"-{size * 2}"))
        rounding = rng.choice(("", "", "0.05", "0.1", "0.5", "0.02", "0.30"))
        unit, reading = rng.choice(
            (("%", "L"), ("L", "L"), ("mL", "L"), ("kPa", "mmHg"), ("L/min", "m3/h"), ("K", "°C"))
        )
        limit = LIMIT | {
            "mpe_lower": lower,
            "mpe_upper": str(size),
            "unit": unit,
            "inclusive": rng.choice(("yes", "no")),
            "rounding_interval": rounding,
            "in_service_factor": rng.choice(("", "2", "1.5")),
            "accuracy_class": rng.choice(("", "III")),
            "confidence": rng.choice(("V", "V", "V", "K/U")),
        }
        rule = RULE | {"restricted_units": "mmHg", "uncertainty_share": "1/3"}
        books.append([rules_table(rule), limits_table(limit)])
        cases.append((make_edge_record(rng, size, lower, rounding, unit, reading), len(books) - 1))
    return cases, books


def make_edge_record(rng, size, lower, rounding, unit, reading):
    edge = rng.choice((size, Decimal(lower or 0), size * 2, size + Decimal(rounding or 0) / 2, Decimal(0)))
    step = Decimal(rng.choice((-1, 0, 0, 0, 1))).scaleb(-rng.choice((1, 2, 3, 6)))
    error = edge + step
    nominal = rng.choice(("20.00", "3", "-5", "0", "1000", "0.7"))
    factor = Decimal(nominal) / 100 if unit == "%" else {"mL": Decimal("0.001")}.get(unit, Decimal(1))
    measured = Decimal(nominal) + error * factor
    point = {
        "error": format(error.quantize(Decimal(1).scaleb(-rng.randrange(5))), "f"),
        "mpe": rng.choice((str(size), format(size * 2, "f"), "0.3", "0")),
        "u": format(size / 3 + rng.choice((0, 0, 1, -1)) * Decimal("0.0001"), ".6f"),
        "pass": rng.random() < 0.5,
    }
    if not Decimal(point["error"]):
        point["error"] = "0.00"
    pair = {"nominal": nominal, "measured": format(measured, "f")[:25]}
    point |= {name: text for name, text in pair.items() if rng.random() < 0.8}
    for name in ("mpe", "u"):
        if rng.random() < 0.3:
            del point[name]
    result = {
        "item": "indication_error",
        "unit": reading,
        "error_unit": unit,
        "points": [point],
        "pass": point["pass"],
    }
    kind = rng.choice(("periodic", "periodic", "in_service"))
    make = make_record if point["pass"] and kind == "periodic" else make_rejection
    return make(
        kind=kind,
        regulation={"id": "JJG 1-2026", "title": "示例"},
        instrument=make_record()["instrument"] | {"class": rng.choice(("III", "II"))},
        results=[result],
    )


@pytest.mark.parametrize("seed", range(2))
def test_limits_are_judged_alike_at_their_edges(seed):
    cases, books = list_limit_cases(random.Random(100 + seed), 700 * TIMES_MORE)
    ours = assert_judged_alike(cases, books)
    found = [one["rules"]["LIMITS"] for one in ours if "rules" in one]
    assert len(found) > 500 * TIMES_MORE
    assert {result[0] for result in found} == {"PASSED", "FAILED", "NOT_CHECKED"}
    assert any("contradicts the error" in result[1] for result in found)
    assert any("does not follow" in result[1] for result in found)


@pytest.mark.parametrize("seed", range(2))
def test_loads_in_scale_intervals_are_judged_alike(seed):
    rng = random.Random(200 + seed)
    cases = []
    for _ in range(500 * TIMES_MORE):
        load = rng.choice(("0", "2.5", "2.500", "2.501", "2.4995", "10", "10.0001", "50", "50.001", "-1"))
        interval = rng.choice(
            (
                {"value": "5", "unit": "g"},
                {"value": "0.005", "unit": "kg"},
                {"value": "0", "unit": "g"},
                {"value": "5", "unit": "mL"},
            )
        )
        error_unit = rng.choice(("g", "kg", "mg", "e", "%", "t"))
        unit = rng.choice(("kg", "kg", "g", "L"))
        error = rng.choice(("2.5", "2.51", "-2.5", "5", "5.01", "7.5", "0.0025", "10", "-7.6"))
        point = {"error": error, "nominal": load, "pass": rng.random() < 0.6}
        if rng.random() < 0.5:
            point["mpe"] = rng.choice(("2.5", "5", "7.5", "0.0025", "0.5"))
        result = {
            "item": "indication_error",
            "unit": unit,
            "error_unit": error_unit,
            "points": [point],
            "pass": point["pass"],
        }
        instrument = (
            make_record()["instrument"] | SCALE | {"e": interval, "class": rng.choice(("III", "III", "II"))}
        )
        kind = rng.choice(("periodic", "in_service"))
        make = make_record if point["pass"] and kind == "periodic" else make_rejection
        regulation = {"id": "JJG 539-2016", "title": "示例"}
        cases.append((make(kind=kind, regulation=regulation, instrument=instrument, results=[result]), 0))
    ours = assert_judged_alike(cases, [CONFIRMED])
    found = [one["rules"]["LIMITS"] for one in ours if "rules" in one]
    assert {result[0] for result in found} == {"PASSED", "FAILED", "NOT_CHECKED"}


# --- the rule book ----------------------------------------------------------------------------------------

PARSE_BOOKS = (
    """async ({ load }, { books }) => {"""
    + LIBRARY
    + """
  const { parseRuleBook } = await load("regulation");
  return books.map(([rules, limits]) => attempt(() => {
    const { rows, digest } = parseRuleBook(rules, limits);
    const show = ({ uncertaintyShare: share, validityKind, ...row }) =>
      flat({ ...row, uncertaintyShare: share && `${share.n}/${share.d}` });
    return { rows: rows.map(show), digest: encodeHex(digest) };
  }));
}"""
)


def parse_book(rules, limits):
    def run():
        book = parse_rule_book(rules, limits)
        rows = [flatten(row) for row in book.rows]
        for row in rows:
            share = row["uncertaintyShare"]
            row["uncertaintyShare"] = None if share is None else f"{share.numerator}/{share.denominator}"
        return {"rows": rows, "digest": book.digest.hex()}

    return attempt(run)


ODD_CELLS = (
    *(
        "",
        " ",
        "x",
        "yes",
        "no",
        '"',
        'a"b',
        '"a""b"',
        "a,b",
        "\n",
        "\r",
        "\r\n",
        "1/3",
        "1/0",
        "1/100",
        "V",
        "K/U",
        "V/V",
    ),
    *(
        "0",
        "1",
        "99",
        "100",
        "1201",
        "1.0",
        "-0.30",
        "0.30",
        "2023-02-29",
        "2024-02-29",
        "V\u3000",
        "mmHg",
        "kPa",
        "P+V",
    ),
    *(
        "periodic",
        "first_only_scrap",
        "OTHER",
        "斤",
        "e",
        "JJG443—2023",
        "2022-01-01",
        "0001-01-01",
        "\ufeff",
        "\x85",
    ),
)


def change_table(rng, text):
    """Return a table with another cell, another row, or another character."""
    choice = rng.random()
    if choice < 0.3:
        at = rng.randrange(len(text))
        return (
            text[:at]
            + rng.choice(('"', ",", "\n", "\r", "", "x", "\r\n", '""'))
            + text[at + rng.randrange(2) :]
        )
    rows = list(csv.reader(io.StringIO(text, newline="")))
    row = rng.randrange(len(rows))
    if choice < 0.4:
        rows.insert(rng.randrange(1, len(rows) + 1), list(rows[row]))
    else:
        rows[row][rng.randrange(len(rows[row]))] = rng.choice(ODD_CELLS)
    written = io.StringIO()
    csv.writer(written, lineterminator=rng.choice(("\n", "\r\n", "\r"))).writerows(rows)
    return written.getvalue()


def test_rule_books_are_read_alike():
    rng = random.Random(7)
    days = [RULE | {"superseded_on": f"2023-07-0{day}", "superseded_by": "JJG 2-2023"} for day in (1, 2)]
    books = [
        *([rules_table(row | {"effective_on": "2023-07-01"}), limits_table(LIMIT)] for row in days),
        [rules_table(RULE, RULE | {"regulation": "JJG 2-2023"}), limits_table(LIMIT)],
        TABLES,
        CONFIRMED,
        ["", ""],
        [TABLES[0], ""],
        [TABLES[0] + "\n", TABLES[1]],
        [TABLES[0].rstrip("\n"), TABLES[1]],
    ]
    books += [
        [rules_table(RULE | {name: cell}), limits_table(LIMIT)] for name in RULE_COLUMNS for cell in ODD_CELLS
    ]
    books += [
        [rules_table(RULE), limits_table(LIMIT | {name: cell})]
        for name in LIMIT_COLUMNS
        for cell in ODD_CELLS
    ]
    for _ in range(300 * TIMES_MORE):
        book = list(rng.choice((TABLES, CONFIRMED)))
        table = rng.randrange(2)
        book[table] = change_table(rng, book[table])
        books.append(book)
    theirs = run_node(PARSE_BOOKS, {"books": books})
    ours = [parse_book(*book) for book in books]
    for book, mine, other in zip(books, ours, theirs, strict=True):
        assert other == mine, book
    assert sum("rows" in one for one in ours) > 50
    assert {"MalformedDocumentError", "UnitError"} <= {one.get("error") for one in ours}


def test_citations_and_units_are_the_same():
    citations = [
        "JJG443—2023",
        " jjg 443-2023（试行）",
        "ＪＪＧ ４４３－２０２３(试行)",
        "JJG 443‐2023 (试行) ",
        "ßﬁ\u2003x",
        "(试行)",
    ]
    script = """async ({ load }, { citations }) => {
  const { normaliseCitation } = await load("regulation"), { UNITS } = await load("unit");
  const units = [...UNITS.values()];
  const dimensions = units.map((one) => units.findIndex((other) => other.dimension === one.dimension));
  return { citations: citations.map(normaliseCitation), dimensions,
    units: units.map((one) => [one.code, `${one.factor.n}`, `${one.factor.d}`, one.isRestricted]) };
}"""
    found = run_node(script, {"citations": citations})
    assert found["citations"] == [normalise_citation(text) for text in citations]
    units = list(UNITS.values())
    theirs = {code: (Decimal(n) / Decimal(d), restricted) for code, n, d, restricted in found["units"]}
    ours = {
        one.code: (Decimal(one.factor.numerator) / Decimal(one.factor.denominator), one.is_restricted)
        for one in units
    }
    assert theirs == ours
    by_code = dict(zip([code for code, *_ in found["units"]], found["dimensions"], strict=True))
    for one in units:
        for other in units:
            assert (by_code[one.code] == by_code[other.code]) == (one.dimension is other.dimension)


# --- the calendar and the times ---------------------------------------------------------------------------


def test_periods_end_on_the_same_day():
    days = [date(2023, 12, 1) + timedelta(days=number) for number in range(460)]
    days += [
        date(1970, 1, 1),
        date(2000, 2, 29),
        date(1900, 2, 28),
        date(9999, 12, 31),
        date(9999, 11, 30),
        date(9899, 12, 31),
    ]
    calls = [(day, months) for day in days for months in (1, 2, 6, 11, 12, 13, 24, 36, 72, 1200)]
    calls += [(days[0], months) for months in (0, -1, 1201)]
    script = (
        "async ({ load }, { calls }) => {"
        + LIBRARY
        + """
  const { computeLastValidDate } = await load("calendar_rules");
  return calls.map((call) => attempt(() => computeLastValidDate(...call)));
}"""
    )
    theirs = run_node(script, {"calls": [[to_days(day), months] for day, months in calls]})
    ours = [
        attempt(lambda day=day, months=months: to_days(compute_last_valid_date(day, months)))
        for day, months in calls
    ]
    assert theirs == ours
    assert {"error": "MalformedDocumentError"} in ours


ZONES = (
    "Asia/Shanghai",
    "UTC",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/Los_Angeles",
    "Pacific/Apia",
    "Asia/Kathmandu",
)


def test_local_dates_are_the_same():
    rng = random.Random(11)
    instants = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=rng.randrange(4 * 10**12))
        for _ in range(600)
    ]
    instants += [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    instants += [datetime(2026, 2, 28, 16, tzinfo=UTC) + timedelta(milliseconds=one) for one in (-1, 0, 1)]
    script = """async ({ load }, { calls }) => {
  const { localDate } = await load("rules");
  return calls.map((call) => localDate(...call));
}"""
    calls = [(instant, zone) for instant in instants for zone in ZONES]
    theirs = run_node(script, {"calls": [[to_ms(instant), zone] for instant, zone in calls]})
    assert theirs == [to_days(local_date(instant, ZoneInfo(zone))) for instant, zone in calls]


JUDGE_TIMES = (
    "async ({ load }, { cases }) => {"
    + LIBRARY
    + """
  const { checkTimes } = await load("rules");
  return cases.map(([value, clocks, ...rest]) => show(checkTimes(parseRecord(new Reader(value)), clocks, ...rest)));
}"""
)
DAYS = {
    "Asia/Shanghai": [date(2026, 2, 28), date(2024, 2, 29), date(1991, 4, 14)],
    "America/Sao_Paulo": [date(2018, 11, 4), date(2018, 2, 18), date(2017, 10, 15)],
    "Asia/Beirut": [date(2022, 3, 27), date(2021, 10, 31)],
    "Pacific/Apia": [date(2011, 12, 31), date(2011, 12, 29)],
    "America/Los_Angeles": [date(2026, 3, 8), date(2026, 11, 1)],
}
"""Days on which clocks were changed, at midnight in some of these zones."""


def make_timed_case(rng):
    """Return a record, its clocks and the policy's measures, each time near the edge of a rule."""
    zone = rng.choice(list(DAYS))
    day = rng.choice(DAYS[zone])
    tolerance = timedelta(seconds=rng.choice((0, 300)))
    midnight = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    edges = (
        0,
        0,
        1,
        -1,
        300_000,
        300_001,
        -300_000,
        -300_001,
        3_600_000,
        -3_600_000,
        86_400_000,
        86_399_999,
        20 * 86_400_000,
    )

    def near(start):
        return start + timedelta(milliseconds=rng.choice(edges))

    last = midnight
    signed = []
    for _ in range(3):
        last = near(last)
        signed.append(last)
    sealed = near(last)
    sequenced = rng.choice((None, near(sealed)))
    anchored = rng.choice((None, near(sealed)))
    clocks = Clocks(sealed, sequenced, anchored, near(anchored or sequenced or sealed))
    make = rng.choice((make_record, make_calibration, make_paper))
    local = local_date(signed[2], ZoneInfo(zone)) + timedelta(days=rng.choice((0, 0, 0, 0, 1, -1)))
    record = make(
        verified_on=day.isoformat(),
        issued_on=max(local, date(1970, 1, 1)).isoformat(),
        validity={"kind": "none"},
    )
    if make is make_paper:
        entered = max(local, local + timedelta(days=rng.choice((0, 1, 2))))
        record |= {"paper": record["paper"] | {"entered_on": entered.isoformat()}}
    else:
        for person, at in zip(record["persons"], signed, strict=True):
            person["signed_at"] = at.isoformat(timespec="milliseconds")[:-6].replace(".000", "") + "Z"
        record["persons"] = rng.sample(record["persons"], rng.choice((1, 2, 3, 3, 3)))
    return record, clocks, zone, tolerance, timedelta(days=rng.choice((0, 1, 15)))


def test_times_are_judged_alike():
    rng = random.Random(13)
    cases = [make_timed_case(rng) for _ in range(1500 * TIMES_MORE)]
    ours, sent = [], []
    for value, clocks, zone, tolerance, lag in cases:
        record = parse_record(Reader(value, ""))
        ours.append(judge_times(record, clocks, ZoneInfo(zone), tolerance, lag))
        times = {
            "sealedAt": to_ms(clocks.sealed_at),
            "sequencedAt": to_ms(clocks.sequenced_at),
            "anchoredAt": to_ms(clocks.anchored_at),
            "now": to_ms(clocks.now),
        }
        sent.append(
            [value, times, zone, tolerance // timedelta(milliseconds=1), lag // timedelta(milliseconds=1)]
        )
    theirs = run_node(JUDGE_TIMES, {"cases": sent})
    for case, mine, other in zip(cases, ours, theirs, strict=True):
        assert other == mine, case
    assert {(one[0], one[3]) for one in ours} == {
        ("PASSED", False),
        ("PASSED", True),
        ("FAILED", False),
        ("NOT_CHECKED", True),
    }


# --- what needs registers ---------------------------------------------------------------------------------

ROOTS = frozenset({"NIM"})
BY_REGISTERS = (
    "async ({ load }, { worlds, tables }) => {"
    + LIBRARY
    + """
  const { judgeSignedEvent } = await load("fold"), { parseSignedStatement } = await load("statement");
  const { Effect, Registers } = await load("status");
  const { Grounds, judgeByBook, judgeByRegisters } = await load("judging");
  const { parseRuleBook } = await load("regulation");
  const book = parseRuleBook(...tables);
  const fold = async (leaves) => {
    const [registers, states] = [new Registers(), new Map()];
    for (const [index, [raw, at]] of leaves.entries()) {
      const view = (subject) => states.get(encodeHex(subject)) ?? null;
      const effect = await judgeSignedEvent(parseSignedStatement(raw), index, at, registers, view, () => null);
      if (!(effect instanceof Effect)) throw new Error(effect.reason);
      for (const [subject, state] of effect.changes) states.set(subject, state);
      effect.apply(registers);
    }
    return registers;
  };
  const answers = [];
  for (const { leaves, count, records } of worlds) {
    const [then, newest] = [await fold(leaves.slice(0, count)), await fold(leaves)];
    answers.push(records.map((value) => attempt(() => {
      const record = parseRecord(new Reader(value));
      const all = [
        new Grounds(newest, book, new Set(["NIM"])),
        new Grounds(then, book, null, newest),
        new Grounds(then, book, new Set(), newest, true),
      ];
      const judge = (grounds) => [...judgeByRegisters(record, grounds), ...judgeByBook(record, grounds.book)];
      return all.map((grounds) => showAll(judge(grounds)));
    })));
  }
  return answers;
}"""
)


def load_cells():
    """Return the matrix of every rule, which is a test of its own."""
    spec = importlib.util.spec_from_file_location(
        "gate_matrix", Path(__file__).with_name("test_gate_matrix.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judge_in_world(value, then, newest, book):
    def run():
        record = parse_record(Reader(value, ""))
        grounds = (
            Grounds(newest, book, ROOTS),
            Grounds(then, book, None, newest),
            Grounds(then, book, frozenset(), newest, published_only=True),
        )
        return [
            show_all(judge_by_registers(record, each) | judge_by_book(record, each.book)) for each in grounds
        ]

    return attempt(run)


def build_chain(length):
    """Return a ledger whose standard has so many others between itself and an external root, and a document."""
    ledger = RegisteredLedger()
    (last,) = PARENT.instruments
    for number in range(length):
        source = StandardReference(INSTITUTION, f"S-{number + 1}") if number + 1 < length else last.source
        named = replace(STANDARD, id=f"S-{number}", instruments=(replace(last, source=source),))
        ledger.append(ledger.standard(named))
    first = replace(STANDARD, id="S-0", instruments=(last,))
    return ledger, make_registered_record(standards=[state_standard(first)])


@pytest.mark.parametrize("length", [15, 16, 17])
def test_chains_are_walked_alike_to_the_last_step(length):
    ledger, value = build_chain(length)
    world = {"leaves": list_statements(ledger.leaves), "count": len(ledger.leaves), "records": [value]}
    (((judged, *_),),) = run_node(BY_REGISTERS, {"worlds": [world], "tables": TABLES})
    mine, *_ = judge_in_world(value, ledger.registers, ledger.registers, load_rule_book())
    assert judged == mine
    assert mine["STANDARDS"][0] == ("PASSED" if length <= 16 else "FAILED"), mine["STANDARDS"]


@pytest.mark.parametrize("state", RegisterState)
@pytest.mark.parametrize("end_of_scope", [False, True])
def test_the_end_of_an_institution_is_held_alike_against_what_it_issued(state, end_of_scope):
    ledger = RegisteredLedger()
    base = RegisteredLedger()
    ledger.append(ledger.institution(version=2, state=state))
    if end_of_scope:
        ledger.append(ledger.scope(version=1, state=RegisterState.WITHDRAWN))
    records = [value for value in list_records() if value["doc_type"] != "rejection_notice"]
    leaves, book = list_statements(ledger.leaves), load_rule_book()
    world = {"leaves": leaves, "count": len(base.leaves), "records": records}
    (theirs,) = run_node(BY_REGISTERS, {"worlds": [world], "tables": TABLES})
    assert theirs == [judge_in_world(value, base.registers, ledger.registers, book) for value in records]
    warned = [each["SCOPE"][3] for one in theirs if isinstance(one, list) for each in one]
    assert any(warned) is (state is not RegisterState.ACTIVE or end_of_scope)


PROVED = STANDARD.instruments[0].certificate_digest


def with_digest(digest):
    """Return a record that states the certificate of a main instrument by its digest, too."""
    (instrument,) = state_standard()["instruments"]
    return make_registered_record(
        standards=[state_standard(instruments=[instrument | {"cert_hash": digest.hex()}])]
    )


def test_documents_are_held_alike_against_registers():
    rng = random.Random(17)
    matrix, book = load_cells(), load_rule_book()
    bases = {whole: RegisteredLedger(whole=whole) for whole in (True, False)}
    good = [value for value in list_records() if value["doc_type"] != "rejection_notice"]
    worlds, ours = [], []
    for cell in matrix.CELLS:
        ledger, credential = matrix.build(cell)
        base = bases[cell.whole]
        records = [
            credential["credentialSubject"],
            *(with_digest(digest) for digest in (PROVED, bytes(32))),
            *(change(rng, rng.choice(good)) for _ in range(5 * TIMES_MORE)),
        ]
        leaves = list_statements(ledger.leaves)
        worlds.append({"leaves": leaves, "count": len(base.leaves), "records": records})
        ours.append([judge_in_world(value, base.registers, ledger.registers, book) for value in records])
    theirs = run_node(BY_REGISTERS, {"worlds": worlds, "tables": TABLES})
    for cell, world, mine, other in zip(matrix.CELLS, worlds, ours, theirs, strict=True):
        for value, one, two in zip(world["records"], mine, other, strict=True):
            assert two == one, (matrix.name_cell(cell), value)
    judged = [
        result
        for world in ours
        for one in world
        if isinstance(one, list)
        for each in one
        for result in each.values()
    ]
    assert any("registered since" in result[1] and result[3] for result in judged)
    assert {result[0] for result in judged} == {"PASSED", "FAILED", "NOT_CHECKED"}


# --- the document and its signatures ----------------------------------------------------------------------

SEALED = (
    "async ({ load }, { cases }) => {"
    + LIBRARY
    + """
  const { parseCertificate } = await load("certificate"), { verifySignatures } = await load("signatories");
  const { parseMultikey } = await load("signature"), { LedgerError } = await load("errors");
  const answers = [];
  for (const [raw, seal] of cases) {
    try {
      const certificate = parseCertificate(raw);
      const at = await verifySignatures(certificate, parseMultikey(seal));
      const { record, issuerDid, digest, documentDigest } = certificate;
      answers.push(flat({ record, issuerDid, digest, documentDigest, at }));
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      answers.push({ error: error.name });
    }
  }
  return answers;
}"""
)


def read_sealed(raw, seal):
    try:
        certificate = parse_certificate(raw)
        at = verify_signatures(certificate, parse_multikey(seal))
    except LedgerError as err:
        return {"error": type(err).__name__}
    return {
        "record": flatten(certificate.record),
        "issuerDid": certificate.issuer_did,
        "digest": certificate.digest.hex(),
        "documentDigest": certificate.document_digest.hex(),
        "at": to_ms(at),
    }


def change_credential(rng, credential):
    """Return a document with other proofs, or another member of its own."""
    changed = dict(credential)
    proofs = list(credential["proof"])
    choice = rng.randrange(7)
    if choice == 0:
        rng.shuffle(proofs)
    elif choice == 1:
        proofs.pop(rng.randrange(len(proofs)))
    elif choice == 2:
        proofs.append(proofs[rng.randrange(len(proofs))])
    elif choice == 3:
        proofs[0] = proofs[0] | {
            rng.choice(list(proofs[0])): rng.choice(("", "x", "2026-02-28T04:00:01Z", 1))
        }
    elif choice == 4:
        changed["credentialSubject"] = change(rng, credential["credentialSubject"])
    else:
        changed = change(rng, credential)
    return changed if choice > 3 else changed | {"proof": proofs}


def test_documents_and_their_signatures_are_read_alike():
    rng = random.Random(19)
    seal = make_signer("seal").public_key.multikey
    shared = [state_person("P-0001"), state_person("P-0002"), state_person("P-0002", role="approver")]
    good = [
        seal_record(make_record(), make_signer("seal")),
        seal_record(make_paper(), make_signer("seal")),
        seal_by_all(make_registered_record(), TIMES),
        seal_by_all(make_registered_record(persons=shared), TIMES),
    ]
    cases = [(encode_canonical_json(one), seal) for one in good]
    for path in sorted(VECTORS.glob("certificate/*/certificate.json")):
        raw = path.read_bytes()
        found = raw.partition(b'"issuer":"did:key:')[2].partition(b'"')[0].decode("ascii", "replace")
        cases.append((raw, found if found.startswith("z6Mk") else seal))
    cases.append((cases[0][0], make_signer("other").public_key.multikey))
    changed = (change_credential(rng, rng.choice(good)) for _ in range(600 * TIMES_MORE))
    cases += [(encode_canonical_json(one), seal) for one in changed]
    for _ in range(200):
        raw = bytearray(rng.choice(cases)[0])
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(7)
        cases.append((bytes(raw), seal))
    ours = [read_sealed(*case) for case in cases]
    theirs = run_node(SEALED, {"cases": cases})
    for case, mine, other in zip(cases, ours, theirs, strict=True):
        assert other == mine, case
    assert [one for one in ours[: len(good)] if "error" in one] == []
    assert {"MalformedDocumentError", "BrokenSignatureError", "NonCanonicalEncodingError"} <= {
        one.get("error") for one in ours
    }


BINDING = (
    "async ({ load }, { cases }) => {"
    + LIBRARY
    + """
  const { parseCertificate } = await load("certificate"), { checkBinding } = await load("rules");
  const { ActClaims, IssueClaims } = await load("statement");
  return cases.map(([raw, issuer, claims]) => show(checkBinding(
    { issuer, claims: claims === null ? new ActClaims(raw, raw) : new IssueClaims(claims) },
    parseCertificate(raw))));
}"""
)


def change_claims(rng, claims):
    """Return claims that differ from the certificate in one member, or none."""
    name = rng.choice((None, *(field for field in type(claims).__dataclass_fields__)))
    value = None if name is None else getattr(claims, name)
    if name is None:
        return claims
    if isinstance(value, bytes):
        return replace(claims, **{name: bytes([value[0] ^ 1]) + value[1:]})
    if isinstance(value, date):
        return replace(claims, **{name: value + timedelta(days=1)})
    options = {
        "number": "X",
        "part": rng.choice(("1", "9", "null")),
        "serial": compute_statement_serial("SN-9"),
        "category": Category.WEIGHTS,
        "conclusion": None,
        "valid_until": date(2027, 1, 1),
        "validity_kind": type(claims.validity_kind)(2),
        "seals_digest": bytes(8),
        "predecessor": "OLD-2",
        "lot": "null",
        "kind": type(claims.kind)(2),
    }
    return replace(claims, **{name: options[name]})


def test_statements_are_bound_alike():
    rng = random.Random(23)
    long_serials = ["示例" * 8, "A" * 11 + "示" * 8, "A" * 24, "A" * 25, "\ufeff" + "A" * 30]
    values = [
        *list_records(),
        *(
            make_record(instrument=make_record()["instrument"] | {"serial": serial})
            for serial in long_serials
        ),
    ]
    cases, ours = [], []
    for value in values * 12:
        raw = canonical(seal_by_all(value, TIMES))
        certificate = parse_certificate(raw)
        part = rng.choice((None, None, *(part.id for part in certificate.record.instrument.parts)))
        claims = change_claims(rng, build_issue_claims(certificate.record, certificate.digest, part))
        issuer = rng.choice((certificate.record.issuer.id, certificate.record.issuer.id, "OTHER"))
        if rng.random() < 0.1:
            claims = None
        said = ActClaims(bytes(8), b"") if claims is None else claims
        ours.append(show(check_binding(Statement(EventType.ISSUE, issuer, said, 0), certificate)))
        cases.append([raw, issuer, claims])
    theirs = run_node(BINDING, {"cases": cases})
    for case, mine, other in zip(cases, ours, theirs, strict=True):
        assert other == mine, case
    assert {one[0] for one in ours} == {"PASSED", "FAILED"}
