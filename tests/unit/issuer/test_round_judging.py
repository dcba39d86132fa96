"""Readings and results of a round: what Python computes, and that the page's script computes the same."""

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.rounds.judging import (
    Measuring,
    Series,
    compute_results,
    describe_limit,
    find_conclusion,
    is_judged_on_site,
    parse_described_limit,
)
from ledger.core.canonical import encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.limit import judge_indication_error, limit_for

SCRIPTS = Path(__file__).resolve().parents[3] / "api" / "web" / "static" / "round"
BOOK = load_rule_book()
RULES = [rule for rule in BOOK.rows if is_judged_on_site(rule.limits)]
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


def test_limits_by_load_are_not_judged_on_site():
    assert {rule.category.name for rule in RULES} >= {"FUEL_DISPENSER", "WATER_METER_SMALL"}
    assert "PRICE_SCALE" not in {rule.category.name for rule in RULES}
    assert not is_judged_on_site(())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.category.name}-{rule.regulation_id}")
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


# --- the page's script ----------------------------------------------------------------------------------------

RUN = """
import { readFileSync } from "node:fs";
const { computeResults, findConclusion } = await import(process.argv[1] + "/judge.js");
const { spell } = await import(process.argv[1] + "/canonical.js");
const { tidy, isDecimal } = await import(process.argv[1] + "/decimal.js");
const input = JSON.parse(readFileSync(0, "utf8"));
const judged = input.cases.map(({ series, measuring }) => {
  try {
    const results = computeResults(series, measuring);
    return { results: spell(results), conclusion: findConclusion(results) };
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
    measuring = {
        "limits": [describe_limit(one) for one in rule.limits],
        "unit": "L",
        **({} if limit.accuracy_class is None else {"class": limit.accuracy_class}),
        **random.choice([{}, {"uncertainty": "0.05", "k": "2"}]),
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
    )
    series = [
        Series(one["item"], one["part"], tuple(map(tuple, one["readings"])), one["before_adjustment"])
        for one in case["series"]
    ]
    results = compute_results(series, by)
    return {
        "results": encode_canonical_json({"x": results})[5:-1].decode(),
        "conclusion": find_conclusion(results),
    }


def test_the_page_judges_as_python_does():
    random = Random(20261103)
    cases = [make_case(random) for _ in range(3000)]
    found = run_script({"cases": cases, "typed": [], "decimals": []})["judged"]
    expected = [judge_in_python(case) for case in cases]
    assert found == expected
    verdicts = [one["conclusion"] for one in expected]
    assert min(verdicts.count("pass"), verdicts.count("fail")) > 500, "both sides of the limits were met"


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
