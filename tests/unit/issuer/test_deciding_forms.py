"""The fields of registers: what a form says becomes the content, and the content stands in the form again."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.deciding.forms import DECISION_FIELDS, FIELDS, fill_values, read_decision, read_members
from issuer.deciding.kinds import KINDS
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError
from ledger.core.register_content import parse_content

DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))
WORDS = st.text("abcXYZ 衡证|#", min_size=1, max_size=20).map(str.strip).filter(bool)
CELLS = st.text("abc 证-", min_size=1, max_size=12).map(str.strip).filter(bool)
PERIOD = {"from": ["2026-01-01"], "until": ["2029-12-31"]}
OWN = {"institution": ["350100-01"], "id": ["S1"]}
CATEGORIES = {"categories": ["TAXIMETER", "FUEL_DISPENSER"]}
DECISION = {
    "decision.number": ["闽市监检撤〔2026〕3号"],
    "decision.ground": ["计量法第二十六条"],
    "decision.dated": ["2026-11-02"],
    "decision.remedy": ["六十日内"],
}
FILLED = {
    "scope": OWN
    | CATEGORIES
    | PERIOD
    | {
        "authorisation_no": ["A"],
        "kinds": ["periodic", "initial"],
        "range.lower": ["0"],
        "range.upper": ["30"],
        "range.unit": ["kg"],
        "follow_up": ["2026-06-30"],
        "classes": ["III\nII"],
    },
    "person": OWN | CATEGORIES | PERIOD | {"qualification": ["assessed"], "roles": ["operator", "checker"]},
    "standard": OWN
    | CATEGORIES
    | PERIOD
    | {
        "name": ["标准"],
        "exam_no": ["1"],
        "range": ["5"],
        "u": ["1"],
        "mandatory": ["yes"],
        "instruments": [
            "\n".join(
                (
                    f"Q-1 | Z-1 | 2026-01-10 | 2027-01-09 | {'ab' * 32} | 350000-01/350000-03",
                    f"Q-2｜Z-2｜2026-01-10｜2027-01-09｜{'cd' * 32}｜root:NIM",
                    "",
                    "Q-3\tZ-3\t2026-01-10\t2027-01-09",
                )
            )
        ],
    },
    "material": {"id": ["G"], "lot": ["1"], "name": ["n"], "value": ["v"]} | PERIOD,
    "type-approval": {
        "number": ["2018F258-32"],
        "category": ["TAXIMETER"],
        "maker": ["m"],
        "models": ["B\nA\nA"],
        "software": [f"fw | {'ab' * 32}\nfw 2"],
        "from": ["2018-01-01"],
    },
    "block": {"id": ["B1"], "maker": ["m"], "serials": ["2\n1"], "from": ["2026-01-01"]} | DECISION,
}


@pytest.mark.parametrize("kind", FILLED)
def test_a_form_is_a_content_that_stands_in_the_form_again(kind):
    members = read_members(kind, FILLED[kind])
    content = parse_content(KINDS[kind].event, encode_canonical_json(members))
    assert parse_canonical_json(KINDS[kind].encode(content)) == members
    assert read_members(kind, fill_values(kind, members)) == members


def test_every_register_but_institutions_has_a_form():
    assert set(FIELDS) == set(KINDS) - {"institution"}


@given(WORDS, WORDS, DAYS)
def test_texts_and_days_stay_as_they_are_typed(name, value, day):
    form = {**FILLED["material"], "name": [name], "value": [value], "from": [day.isoformat()]}
    form["until"] = ["2031-01-01"]
    members = read_members("material", form)
    assert (members["name"], members["value"], members["from"]) == (name, value, day.isoformat())
    assert read_members("material", fill_values("material", members)) == members


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_rows_stay_as_they_are_typed(rows):
    form = {**FILLED["standard"], "instruments": ["\n".join(f"{one} | {other}" for one, other in rows)]}
    found = read_members("standard", form)["instruments"]
    assert [(row["no"], row["cert_no"]) for row in found] == rows


@given(st.dictionaries(st.sampled_from([one.name for one in FIELDS["scope"]]), st.lists(st.text(max_size=8))))
def test_whatever_is_filled_in_is_a_content_or_names_a_field(form):
    refused = None
    try:
        assert read_members("scope", form)["state"] == "active"
    except InputError as err:
        refused = err
    assert refused is None or refused.zh
    assert refused is None or refused.field in {one.name for one in FIELDS["scope"]}


@pytest.mark.parametrize("missing", [one.name for one in DECISION_FIELDS if one.required])
def test_half_a_decision_is_refused(missing):
    with pytest.raises(InputError) as refused:
        read_decision({**DECISION, missing: [" "]})
    assert refused.value.field == missing


def test_no_decision_is_none():
    assert read_decision({}) is None
    assert read_decision({name: [""] for name in DECISION}) is None
    assert read_decision(DECISION) == {
        "number": "闽市监检撤〔2026〕3号",
        "ground": "计量法第二十六条",
        "dated": "2026-11-02",
        "remedy": "六十日内",
    }
