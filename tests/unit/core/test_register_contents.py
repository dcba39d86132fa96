"""Contents of the registers of persons, standards, materials, types and rules: one spelling, strictly read."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from ledger_in_memory import MemoryLedger
from registered import (
    BLOCK,
    MATERIAL,
    PARENT,
    PERSON,
    PUMP_LIMITS,
    PUMP_RULE,
    STANDARD,
    TYPE,
)

from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.person import encode_person_content, parse_person_content
from ledger.core.published_rule import PublishedRules, encode_regulation_content, parse_regulation_content
from ledger.core.register_fields import RegisterState
from ledger.core.scope import Basis, ReadingRange, encode_scope_content, parse_scope_content
from ledger.core.standard import (
    encode_material_content,
    encode_standard_content,
    parse_material_content,
    parse_standard_content,
)
from ledger.core.type_approval import (
    encode_block_content,
    encode_type_approval_content,
    parse_block_content,
    parse_type_approval_content,
)
from ledger.core.unit import UNITS

(LINE,) = MemoryLedger().found().registers.scopes.values()
FULL_LINE = replace(
    LINE,
    classes=frozenset({"0.3", "0.5"}),
    regulations=frozenset({"JJG 443-2023(试行)"}),
    range=ReadingRange(Decimal(5), Decimal("100.0"), UNITS["L"]),
    basis=Basis.PLEDGED,
    follow_up=date(2026, 12, 31),
)
KINDS = {
    "scope": (encode_scope_content, parse_scope_content, (LINE, FULL_LINE)),
    "person": (encode_person_content, parse_person_content, (PERSON,)),
    "standard": (
        encode_standard_content,
        parse_standard_content,
        (
            STANDARD,
            PARENT,
            replace(STANDARD, public_no=None, is_mandatory=True, is_primary=True, instruments=()),
        ),
    ),
    "material": (encode_material_content, parse_material_content, (MATERIAL,)),
    "type approval": (
        encode_type_approval_content,
        parse_type_approval_content,
        (TYPE, replace(TYPE, models=frozenset(), software=(), oiml=None, valid_until=date(2030, 1, 1))),
    ),
    "block": (
        encode_block_content,
        parse_block_content,
        (BLOCK, replace(BLOCK, models=frozenset({"A"}), serials=frozenset({"1", "2"}))),
    ),
}
CASES = [(name, content) for name, (_, _, contents) in KINDS.items() for content in contents]
PUBLISHED = encode_regulation_content(PUMP_RULE, PUMP_LIMITS, RegisterState.ACTIVE)


@pytest.mark.parametrize(
    ("name", "content"), CASES, ids=[f"{name}-{at}" for at, (name, _) in enumerate(CASES)]
)
def test_what_is_written_is_read_again(name, content):
    encode, parse, _ = KINDS[name]
    assert parse(encode(content)) == content
    assert encode(parse(encode(content))) == encode(content)


def spoil(raw, **members):
    value = json.loads(raw) | members
    return encode_canonical_json({name: item for name, item in value.items() if item is not ...})


@pytest.mark.parametrize("name", list(KINDS))
def test_nothing_is_missing_and_nothing_is_strange(name):
    encode, parse, contents = KINDS[name]
    raw = encode(contents[-1])
    for member in json.loads(raw):
        with pytest.raises(InputError):
            parse(spoil(raw, **{member: 7}))
    with pytest.raises(InputError, match="stranger"):
        parse(spoil(raw, stranger="x"))
    for bad in (b"", b"[]", b"{}", raw + b" ", b"null"):
        with pytest.raises(InputError):
            parse(bad)


@pytest.mark.parametrize(
    ("name", "changes", "saying"),
    [
        ("scope", {"until": "2023-12-31"}, "ends before it begins"),
        ("scope", {"basis": "examined"}, "goes without saying"),
        ("scope", {"follow_up": ...}, "followed up"),
        ("scope", {"basis": ...}, "followed up"),
        ("scope", {"classes": ["0.5", "0.3"]}, "in order"),
        ("scope", {"classes": []}, "at least one"),
        ("scope", {"range": {"lower": "5", "upper": "4", "unit": "L"}}, "ends below"),
        ("scope", {"range": {"lower": "5", "upper": "6", "unit": "斤"}}, "not a legal unit"),
        ("person", {"id": "林示例"}, "does not have the form"),
        ("person", {"roles": []}, "at least one"),
        ("person", {"roles": ["approver", "approver"]}, "each once"),
        ("person", {"qualification": "licensed"}, "is not one of"),
        ("person", {"key": "z6Mk"}, "key"),
        ("standard", {"mandatory": False}, "goes without saying"),
        ("standard", {"exam_no": ""}, "must not be empty"),
        ("type approval", {"category": "PUMP"}, "unknown category"),
        ("type approval", {"until": "2018-05-31"}, "ends before it begins"),
        ("block", {"decision": ...}, "decision"),
        ("block", {"serials": ["2", "1"]}, "in order"),
    ],
)
def test_what_makes_no_sense_is_refused(name, changes, saying):
    encode, parse, contents = KINDS[name]
    with pytest.raises(InputError, match=saying):
        parse(spoil(encode(contents[-1]), **changes))


def test_a_source_without_the_digest_of_its_certificate_shows_nothing():
    raw = json.loads(encode_standard_content(STANDARD))
    (instrument,) = raw["instruments"]
    del instrument["cert_hash"]
    with pytest.raises(InputError, match="shows nothing"):
        parse_standard_content(encode_canonical_json(raw))
    good = encode_standard_content(STANDARD)
    twice = spoil(good, instruments=json.loads(good)["instruments"] * 2)
    with pytest.raises(InputError, match="same number"):
        parse_standard_content(twice)


# --- regulations ------------------------------------------------------------------------------------------


def test_a_published_row_is_confirmed_by_the_authoritys_word():
    content = parse_regulation_content(PUBLISHED)
    assert (content.category, content.regulation_id) == (Category.FUEL_DISPENSER, "JJG 443-2023(试行)")
    assert content.rule.is_confirmed
    assert [limit.is_confirmed for limit in content.rule.limits] == [True, True]
    assert content.rule.effective_on == date(2023, 7, 1)


@pytest.mark.parametrize(
    ("rule", "limits", "saying"),
    [
        ({"confidence": "K"}, [], "confidence"),
        ({"validity_months": ""}, [], "mode and period disagree"),
        ({"category_code": "PUMP"}, [], "unknown category"),
        ({"regulation": ""}, [], "regulation"),
        ({}, [PUMP_LIMITS[0]] * 2, "twice"),
        ({}, [PUMP_LIMITS[0] | {"mpe_upper": "-1"}], "between the limits"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(rule, limits, saying):
    members = {
        "rule": {k: v for k, v in (PUMP_RULE | rule).items() if v},
        "limits": limits,
        "state": "active",
    }
    with pytest.raises(InputError, match=saying):
        parse_regulation_content(encode_canonical_json(members))


def test_published_rows_take_the_place_of_the_products_own():
    book = load_rule_book()
    assert PublishedRules().over(book) is book
    shorter = encode_regulation_content(
        PUMP_RULE | {"validity_months": "3"}, PUMP_LIMITS, RegisterState.ACTIVE
    )
    rules = PublishedRules().follow(parse_regulation_content(shorter))
    found = rules.over(book).rule_named(Category.FUEL_DISPENSER, "JJG443—2023")
    assert (found.validity_months, len(rules.over(book).rows)) == (3, len(book.rows))
    assert rules.over(book).digest not in {book.digest, rules.alone.digest}
    assert [row.regulation_id for row in rules.alone.rows] == ["JJG 443-2023(试行)"]
    withdrawn = parse_regulation_content(encode_regulation_content(PUMP_RULE, [], RegisterState.WITHDRAWN))
    assert rules.follow(withdrawn) == PublishedRules()
