import json
from datetime import date

import pytest
from desk_world import changed
from world import make_signer

from issuer.profile import parse_authority_file, parse_institution_file
from ledger.core.authority import Power
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.record import VerificationKind
from ledger.core.register_fields import RegisterState

BASE = date(2026, 11, 3)
INSTITUTION = {
    "institution": {
        "id": "350100-01",
        "name": {"zh": "福州市示例计量所", "en": "Example Institute"},
        "credit_code": "91350100M000100Y43",
        "division": "350100",
        "state": "active",
    },
    "scopes": {
        "S1": {
            "authorisation_no": "（闽）法计（2025）35001号",
            "categories": ["FUEL_DISPENSER", "PRICE_SCALE"],
            "kinds": ["initial", "periodic"],
            "division": "3501",
            "from": {"day": -365},
            "until": "2029-12-31",
            "state": "active",
        }
    },
    "desk": {"numbers": {"pattern": "{prefix}{year}-{counter:06d}", "prefix": "JY"}, "zone": "Asia/Shanghai"},
}
AUTHORITY = {
    "authority": {
        "id": "CN-35",
        "name": {"zh": "福建省示例市场监督管理局"},
        "division": "35",
        "powers": ["institution", "key", "scope"],
        "from": {"day": -365},
        "until": {"day": 3650},
        "state": "active",
    }
}


def parse(value, base=BASE):
    return parse_institution_file(json.dumps(value).encode(), base)


def test_an_institution_says_how_it_is_registered_and_how_it_numbers():
    found = parse(INSTITUTION)
    assert found.content.credit_code == "91350100M000100Y43"
    assert found.profile.numbers.format_number(date(2026, 11, 20), 1) == "JY2026-000001"
    assert found.profile.zone.key == "Asia/Shanghai"
    [scope] = found.scopes
    assert (scope.institution, scope.id, scope.state) == ("350100-01", "S1", RegisterState.ACTIVE)
    assert (scope.valid_from, scope.valid_until) == (date(2025, 11, 3), date(2029, 12, 31))
    assert scope.categories == {Category.FUEL_DISPENSER, Category.PRICE_SCALE}
    assert scope.kinds == {VerificationKind.INITIAL, VerificationKind.PERIODIC}


def test_a_desk_that_says_nothing_numbers_by_year_and_lives_in_china():
    profile = parse(changed(INSTITUTION, "desk", ...)).profile
    assert profile.numbers.format_number(date(2026, 11, 20), 1) == "2026-000001"
    assert parse(changed(INSTITUTION, "desk", {})).profile == profile
    assert profile.zone.key == "Asia/Shanghai"


def test_an_authority_says_everything_but_its_key():
    key = make_signer("authority").public_key
    found = parse_authority_file(json.dumps(AUTHORITY).encode(), key, BASE)
    assert (found.id, found.key, found.division) == ("CN-35", key, "35")
    assert found.powers == {Power.INSTITUTION, Power.KEY, Power.SCOPE}
    assert found.valid_until == date(2036, 10, 31)


@pytest.mark.parametrize(
    ("path", "to", "message"),
    [
        ("institution", ..., "institution: this member is missing"),
        ("institution.id", "350100_01", "institution.id: "),
        ("institution.credit_code", "91350100M000100Y44", "institution.credit_code: credit code"),
        ("institution.colour", 1, "institution: unknown member: colour"),
        ("scopes", [], "scopes: an object is expected here"),
        ("scopes.S1", 1, "scopes.S1: an object is expected here"),
        ("scopes.S1.categories", ["PUMP"], "scopes.S1.categories: unknown category 'PUMP'"),
        (
            "scopes.S1.categories",
            ["PRICE_SCALE", "FUEL_DISPENSER"],
            "scopes.S1.categories: expected at least one",
        ),
        ("scopes.S1.until", {"day": -400}, "scopes.S1.until: ends before it begins"),
        ("scopes.S1.from", "2025-02-29", "scopes.S1.from: '2025-02-29' is not a calendar date"),
        ("scopes.S1.from", {"day": "x"}, "scopes.S1.from.day: an integer is expected here"),
        ("scopes.S1.id", "S1", None),
        ("desk.zone", "Asia/Nowhere", "desk.zone: no time zone has the name 'Asia/Nowhere'"),
        ("desk.zone", "../etc/passwd", "desk.zone: no time zone has the name"),
        ("desk.numbers.pattern", "JY", "numbers.pattern: {counter} is missing"),
        ("desk.numbers.start", 5, "desk.numbers: unknown member: start"),
        ("desk.colour", 1, "desk: unknown member: colour"),
        ("colour", 1, "unknown member: colour"),
    ],
)
def test_what_is_wrong_is_named(path, to, message):
    if message is None:
        assert parse(changed(INSTITUTION, path, to)) == parse(INSTITUTION), "the name of the line counts"
        return
    with pytest.raises(InputError) as caught:
        parse(changed(INSTITUTION, path, to))
    assert str(caught.value).startswith(message), str(caught.value)


def test_offsets_need_a_base_date():
    with pytest.raises(InputError, match=r"scopes\.S1\.from\.day: a day offset is for examples only"):
        parse(INSTITUTION, base=None)


@pytest.mark.parametrize(
    ("path", "to", "message"),
    [
        ("authority.id", "ROOT", "authority.id: ROOT names the root itself"),
        ("authority.key", "z6Mk", None),
        ("authority.powers", ["all"], "authority.powers: unknown value"),
        ("authority.until", ..., "authority.until: this member is missing"),
        ("authority", 5, "authority: an object is expected here"),
    ],
)
def test_what_is_wrong_with_an_authority_is_named(path, to, message):
    raw = json.dumps(changed(AUTHORITY, path, to)).encode()
    key = make_signer("authority").public_key
    if message is None:
        assert parse_authority_file(raw, key, BASE).key == key, "the key is the one at hand"
        return
    with pytest.raises(InputError) as caught:
        parse_authority_file(raw, key, BASE)
    assert str(caught.value).startswith(message), str(caught.value)
