"""Readings and results of a round: what Python computes, and that the page's script computes the same."""

import json
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import make_record

from issuer.rounds.judging import (
    Measuring,
    Series,
    Weighing,
    compute_results,
    describe_limit,
    describe_weighing,
    find_conclusion,
    is_by_load,
    is_judged_on_site,
    parse_described_limit,
    parse_described_weighing,
)
from ledger.core.canonical import encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.limit import LimitedItem, judge_indication_error, limit_for
from ledger.core.quantity import Quantity, compute_uncertainty_ratio
from ledger.core.record_parsing import parse_record
from ledger.core.regulation import RuleBook
from ledger.core.rules import check_limits
from ledger.core.step import Outcome
from ledger.core.unit import UNITS

SCRIPTS = Path(__file__).resolve().parents[3] / "api" / "web" / "static" / "round"
BOOK = load_rule_book()
RULES = [
    rule
    for rule in BOOK.rows
    if not is_by_load(rule.limits)
    and any(is_judged_on_site(rule.limits, limit.accuracy_class) for limit in rule.limits)
]
SCALE = next(rule for rule in BOOK.rows if is_by_load(rule.limits))
PUMP = next(rule for rule in RULES if rule.category.name == "FUEL_DISPENSER")
MEASURING = Measuring(PUMP.limits, "L")


def compute(*readings, measuring=MEASURING, **changes):
    return compute_results([Series("indication_error", "1", readings, **changes)], measuring)


def test_errors_and_repeatability_of_a_nozzle():
    error, spread = compute(("20.00", "20.02"), ("20.00", "20.03"), ("20.00", "19.99"))
    assert [point["error"] for point in error["points"]] == ["0.10", "0.15", "-0.05"]
    assert error["pass"] is True
    assert spread["points"][0] == {"error": "0.20", "mpe": "0.10", "pass": False}
    assert find_conclusion([error, spread]) == "fail"


@pytest.mark.parametrize(
    ("measured", "passed"),
    [("20.06", True), ("19.94", True), ("20.0601", False), ("19.9399", False), ("20.00", True)],
)
def test_the_limit_itself_passes_and_what_lies_beyond_does_not(measured, passed):
    """±0.30 % is inclusive and judged unrounded (JJG 443-2023)."""
    (result,) = compute(("20.00", measured))
    assert result["pass"] is passed


def test_a_stated_error_never_contradicts_its_judgement():
    """0.3005 % is stated with the places that show why it fails: 0.30 and 0.300 would pass."""
    (result,) = compute(("20.00", "20.0601"))
    assert result["points"][0]["error"] == "0.3005"


def test_readings_before_adjustment_do_not_decide():
    before, after = compute(("20.00", "21.00"), before_adjustment=True), compute(("20.00", "20.00"))
    assert find_conclusion([*before, *after]) == "pass"
    assert find_conclusion(before) == "fail"
    assert find_conclusion([]) == "fail"


@pytest.mark.parametrize(
    ("readings", "field"),
    [
        ((), "series[0]"),
        ((("0", "1"),), "series[0].points[0].nominal"),
        ((("x", "1"),), "series[0].points[0]"),
    ],
)
def test_readings_that_have_no_error_are_refused(readings, field):
    with pytest.raises(MalformedDocumentError) as caught:
        compute(*readings)
    assert caught.value.field == field


@pytest.mark.parametrize("item", ["repeatability", "error_in_use", "speed"])
def test_an_item_without_limit_is_refused(item):
    with pytest.raises(MalformedDocumentError, match="no limit is known"):
        compute_results([Series(item, None, (("1", "1"),))], MEASURING)


def test_what_is_judged_on_site():
    assert {rule.category.name for rule in RULES} >= {"FUEL_DISPENSER", "WATER_METER_SMALL"}
    assert SCALE.category.name == "PRICE_SCALE"
    assert is_judged_on_site(SCALE.limits, "III")
    assert not is_judged_on_site(SCALE.limits, None), "which limits apply says the class"
    assert not is_judged_on_site(SCALE.limits, "II")
    assert not is_judged_on_site((), None)


@pytest.mark.parametrize(
    "rule", [*RULES, SCALE], ids=lambda rule: f"{rule.category.name}-{rule.regulation_id}"
)
def test_limits_are_described_and_read_back(rule):
    for limit in rule.limits:
        found = parse_described_limit(describe_limit(limit))
        assert describe_limit(found) == describe_limit(limit)
        assert found.is_confirmed == limit.is_confirmed


@pytest.mark.parametrize("change", [{"item": "speed"}, {"upper": "x"}, {"unit": "foot"}, {"extra": "1"}])
def test_other_limits_are_refused(change):
    with pytest.raises(InputError):
        parse_described_limit({**describe_limit(PUMP.limits[0]), **change})


@given(
    st.lists(
        st.tuples(
            st.decimals(min_value="0.01", max_value=1000, places=2), st.decimals(-1000, 1000, places=4)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_stated_is_judged_as_what_was_computed(readings):
    results = compute(*((f"{nominal}", f"{abs(measured)}") for nominal, measured in readings))
    for result in results:
        limit = limit_for(PUMP.limits, result["item"])
        for point in result["points"]:
            assert judge_indication_error(limit, Decimal(point["error"])) == point["pass"]


# --- weighing -------------------------------------------------------------------------------------------------


def weigh(*readings, item="indication_error", e="5", **changes):
    weighing = Weighing(Quantity(Decimal(e), UNITS["g"]), UNITS["g"])
    measuring = Measuring(SCALE.limits, "kg", "III", weighing=weighing)
    return compute_results([Series(item, None, readings, **changes)], measuring)


@pytest.mark.parametrize(
    ("load", "mpe"),
    [("0", "2.5"), ("2.5", "2.5"), ("2.505", "5"), ("10", "5"), ("10.005", "7.5"), ("50", "7.5")],
)
def test_the_limit_of_a_load_is_that_of_its_step(load, mpe):
    """Domain §2.8: e = 5 g, 500 e = 2.5 kg, 2000 e = 10 kg; a step's end belongs to it."""
    edge, beyond = (
        Decimal(load) + Decimal(mpe) / 1000,
        Decimal(load) + Decimal(mpe) / 1000 + Decimal("0.0001"),
    )
    (at,), (over,) = weigh((load, f"{edge}")), weigh((load, f"{beyond}"))
    assert (at["points"][0]["mpe"], at["error_unit"], at["unit"]) == (mpe, "g", "kg")
    assert (at["pass"], over["pass"]) == (True, False)


def test_several_weighings_of_one_load_have_a_repeatability():
    """OIML R 76-1:2006 §3.6.1: they differ by no more than the limit at that load."""
    _, spread = weigh(("7.5", "7.5"), ("7.50", "7.505"), ("7.5", "7.5025"))
    assert spread["item"] == "repeatability"
    assert (spread["unit"], spread["error_unit"]) == ("kg", "g")
    assert spread["points"] == [{"nominal": "7.5", "error": "5.00", "mpe": "5", "pass": True}]
    _, spread = weigh(("7.5", "7.4975"), ("7.5", "7.5026"))
    assert spread["points"][0]["pass"] is False, "although each keeps its limit"
    assert len(weigh(("7.5", "7.5"), ("5", "5"))) == 1, "different loads have none"
    assert len(weigh(("7.5", "7.5"))) == 1


def test_eccentric_loading_keeps_the_limit_of_its_load():
    """OIML R 76-1:2006 §3.6.2."""
    (result,) = weigh(*[("5", one) for one in ("5", "5.005", "5", "4.995", "5.0051")], item="eccentricity")
    assert result["item"] == "eccentricity"
    assert [point["pass"] for point in result["points"]] == [True] * 4 + [False]


@pytest.mark.parametrize("load", ["50.001", "-1"])
def test_a_load_that_no_limit_covers_is_refused(load):
    with pytest.raises(MalformedDocumentError) as caught:
        weigh((load, "1"))
    assert caught.value.field.startswith("series[0]")


@pytest.mark.parametrize(
    ("e", "unit", "error_unit"),
    [("0", "g", "g"), ("-5", "g", "g"), ("5", "L", "g"), ("5", "g", "L"), ("5", "%", "%")],
)
def test_scale_intervals_that_are_none(e, unit, error_unit):
    with pytest.raises(InputError):
        describe_weighing(Weighing(Quantity(Decimal(e), UNITS[unit]), UNITS[error_unit]), "kg")


@pytest.mark.parametrize(
    "change", [{"in_readings": "0.05"}, {"in_errors": "5.0"}, {"error_unit": "kg"}, {"more": "1"}, {"e": "5"}]
)
def test_a_scale_interval_that_contradicts_itself_is_refused(change):
    described = describe_weighing(Weighing(Quantity(Decimal(5), UNITS["g"]), UNITS["g"]), "kg")
    assert described == {
        "e": {"value": "5", "unit": "g"},
        "error_unit": "g",
        "in_readings": "0.005",
        "in_errors": "5",
    }
    assert describe_weighing(parse_described_weighing(described, "kg"), "kg") == described
    with pytest.raises(InputError):
        parse_described_weighing({**described, **change}, "kg")


@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from(["0.5", "1", "1.5", "0"]), st.integers(-3, 3)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["1", "2", "5", "10", "0.5"]),
)
def test_the_core_judges_a_scale_as_the_round_does(cases, e):
    """The core's own judgement of a document, by the same rows as if they were confirmed, has nothing to say."""
    readings = []
    for count, edge, last in cases:
        load = count * Decimal(e) / 1000
        measured = load + Decimal(edge) * Decimal(e) / 1000 * (-1) ** count + Decimal(last).scaleb(-6)
        readings.append((f"{load:f}", f"{measured:f}"))
    (result, *_) = weigh(*readings, e=e)
    book, record = confirm(SCALE), describe_scale(result, e)
    assert check_limits(record, book).outcome is Outcome.PASSED
    for point in range(len(readings)):
        turned = deepcopy(result)
        turned["points"][point]["pass"] = not turned["points"][point]["pass"]
        assert check_limits(describe_scale({**turned, "pass": False}, e), book).outcome is Outcome.FAILED


def confirm(rule):
    """Return a book in which the limits of a rule decide."""
    limits = tuple(replace(limit, confidence="V") for limit in rule.limits)
    return RuleBook((replace(rule, limits=limits),), BOOK.digest)


def describe_scale(result, e):
    """Return the record of a scale with this result."""
    value = make_record(1)
    value["instrument"] |= {"category": "PRICE_SCALE", "class": "III", "e": {"value": e, "unit": "g"}}
    value["regulation"] = {"id": SCALE.regulation_id, "title": SCALE.name_zh}
    value["results"] = [{**result, "before_adjustment": True}]  # so that one may have failed
    return parse_record(Reader(value, ""))


# --- the page's script ----------------------------------------------------------------------------------------

RUN = """
import { readFileSync } from "node:fs";
const { computeResults, findConclusion, keepsShare } = await import(process.argv[1] + "/judge.js");
const { spell } = await import(process.argv[1] + "/canonical.js");
const { tidy, isDecimal } = await import(process.argv[1] + "/decimal.js");
const input = JSON.parse(readFileSync(0, "utf8"));
const judged = input.cases.map(({ series, measuring }) => {
  try {
    const results = computeResults(series, measuring);
    const shares = results.map((one) => keepsShare(one, "1/3"));
    return { results: spell(results), conclusion: findConclusion(results), shares };
  } catch (error) {
    return { error: error.constructor.name };
  }
});
const typed = input.typed.map((text) => tidy(text));
const decimals = input.decimals.map((text) => isDecimal(text));
console.log(JSON.stringify({ judged, typed, decimals }));
"""


def run_script(value):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--no-warnings", "--input-type=module", "-e", RUN, SCRIPTS.as_uri()]
    done = subprocess.run(
        command, input=json.dumps(value), capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def make_case(random):
    """Return a case near the limits of some rule: readings, by what they are judged, and what Python says."""
    rule = random.choice(RULES)
    limit = random.choice([one for one in rule.limits if one.item != "repeatability"])
    places = random.choice([0, 1, 2, 3, 5])
    readings = []
    for _ in range(random.randint(1, 4)):
        nominal = Decimal(random.randint(1, 50000)).scaleb(-random.choice([0, 1, 2]))
        edge = random.choice([limit.upper, limit.lower or Decimal(0), Decimal(0)])
        size = nominal * edge / 100 if limit.unit.code == "%" else edge
        noise = Decimal(random.choice([-1, 0, 0, 1, 7, -13])).scaleb(-places)
        measured = round(nominal + size, 5) + noise
        readings.append([f"{nominal:f}", f"{abs(measured):f}"])
    series = {
        "item": limit.item.value,
        "part": random.choice([None, "1", "12"]),
        "before_adjustment": random.random() < 0.2,
        "readings": readings,
    }
    if random.random() < 0.3:
        series["flow"] = random.choice(["50", "5.5"])
    measuring = {
        "limits": [describe_limit(one) for one in rule.limits],
        "unit": "L",
        **({} if limit.accuracy_class is None else {"class": limit.accuracy_class}),
        **random.choice([{}, {"uncertainty": random.choice(["0.05", "0.1", "0.101", "1"]), "k": "2"}]),
    }
    return {"series": [series], "measuring": measuring}


def make_weighing_case(random):
    """Return a case of a scale: loads at the edges of its steps, errors at the edges of its limits."""
    e, rounding = (
        random.choice(["1", "2", "5", "10", "0.5"]),
        random.choice([None, None, "0.1", "0.5", "0.2"]),
    )
    limits = [replace(one, rounding_interval=rounding and Decimal(rounding)) for one in SCALE.limits]
    if random.random() < 0.2:
        limits.append(replace(limits[0], item=LimitedItem.REPEATABILITY, lower=None, load_up_to=None))
    unit, error_unit = random.choice([("kg", "g"), ("g", "g"), ("kg", "kg"), ("g", "kg")])
    weighing = Weighing(Quantity(Decimal(e), UNITS["g"]), UNITS[error_unit])
    interval = Decimal(e) / (1000 if unit == "kg" else 1)
    count = random.choice([0, 1, 400, 500, 501, 1500, 2000, 2001, 9999, 10_000, 10_001])
    readings = []
    for _ in range(random.randint(1, 5)):
        if random.random() < 0.5:
            count = random.choice([0, 20, 500, 501, 2000, 2001, 10_000])
        load = count * interval
        edge = Decimal(random.choice(["0", "0.5", "-0.5", "1", "-1", "1.5", "-1.5", "0.05", "1.25"]))
        noise = random.choice([-1, 0, 0, 1, 3]) * interval / random.choice([1, 10, 100, 1000])
        readings.append([f"{load:f}", f"{abs(load + edge * interval + noise):f}"])
    series = {
        "item": random.choice(["indication_error", "indication_error", "eccentricity"]),
        "part": None,
        "before_adjustment": random.random() < 0.2,
        "readings": readings,
    }
    measuring = {
        "limits": [describe_limit(one) for one in limits],
        "unit": unit,
        "class": "III",
        "weighing": describe_weighing(weighing, unit),
    }
    return {"series": [series], "measuring": measuring}


def judge_in_python(case):
    measuring = case["measuring"]
    by = Measuring(
        tuple(parse_described_limit(one) for one in measuring["limits"]),
        measuring["unit"],
        measuring.get("class"),
        measuring.get("uncertainty"),
        measuring.get("k"),
        parse_described_weighing(measuring["weighing"], measuring["unit"])
        if "weighing" in measuring
        else None,
    )
    series = [
        Series(
            one["item"],
            one["part"],
            tuple(map(tuple, one["readings"])),
            one["before_adjustment"],
            one.get("flow"),
        )
        for one in case["series"]
    ]
    try:
        results = compute_results(series, by)
    except MalformedDocumentError:
        return {"error": "RangeError"}
    return {
        "results": encode_canonical_json({"x": results})[5:-1].decode(),
        "conclusion": find_conclusion(results),
        "shares": [keeps_share(one) for one in results],
    }


def keeps_share(result):
    """Return whether U is at most a third of the limit, by the core's own ratio; None: none is stated."""
    points = [point for point in result["points"] if "u" in point]
    ratios = [compute_uncertainty_ratio(Decimal(one["u"]), Decimal(one["mpe"])) for one in points]
    return all(ratio <= Fraction(1, 3) for ratio in ratios) if ratios else None


@pytest.mark.parametrize("make", [make_case, make_weighing_case])
def test_the_page_judges_as_python_does(make):
    random = Random(20261103)
    cases = [make(random) for _ in range(3000)]
    found = run_script({"cases": cases, "typed": [], "decimals": []})["judged"]
    expected = [judge_in_python(case) for case in cases]
    for case, one, other in zip(cases, found, expected, strict=True):
        assert one == other, case
    verdicts = [one.get("conclusion", "none") for one in expected]
    assert min(verdicts.count("pass"), verdicts.count("fail")) > 500, "both sides of the limits were met"
    if make is make_weighing_case:
        assert verdicts.count("none") > 100, "loads beyond the limits were met"
        assert sum("repeatability" in one.get("results", "") for one in expected) > 100


def test_the_page_reads_numbers_as_they_are_typed():
    typed = {
        " 20.02 ": "20.02",
        "２０．０２": "20.02",
        "20,02": "20.02",
        "20。02": "20.02",
        "+1": "1",
        "007.5": "7.5",
        ".5": "0.5",
        "-.5": "-0.5",
        "1e3": None,
        "-0": None,
        "-0.00": None,
        "": None,
        "1.": None,
        "1 000": None,
        "NaN": None,
        "9" * 31: None,
    }
    found = run_script({"cases": [], "typed": list(typed), "decimals": []})["typed"]
    assert dict(zip(typed, found, strict=True)) == typed
