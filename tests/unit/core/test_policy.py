"""The policy file: what a verifier believes, read strictly, however people format it."""

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import CHAIN, MemoryLedger
from mutations import JSON, ODD_VALUES, added, get, removed, replaced, show, walk

from ledger.core.anchor import DEVELOPMENT_CHAIN_IDS, AnchorGrade
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.policy import DEFAULT_REQUIRED, ContractPin, encode_policy, parse_policy, require_origin
from ledger.core.signature import P256Signer
from ledger.core.step import Step

POLICY = MemoryLedger().policy()
REAL = replace(CHAIN, chain_id=1)
RAW = encode_policy(POLICY)
MEMBERS = json.loads(RAW)
PATHS = [path for path, _ in walk(MEMBERS)]


def parse(members):
    return parse_policy(json.dumps(members, indent=2, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "policy",
    [
        POLICY,
        replace(POLICY, contract=None, hosts=(), required=frozenset(), development=False),
        replace(POLICY, required=frozenset(Step), hosts=("a.example", "localhost:8000")),
        replace(POLICY, contract=ContractPin(REAL, bytes(32), "tag:finalized"), development=False),
        replace(
            POLICY,
            version=2**31,
            zone=ZoneInfo("UTC"),
            lag_warning=timedelta(0),
            clock_tolerance=timedelta(0),
        ),
        replace(POLICY, origin="账本.example/一"),
        replace(POLICY, max_status_age=timedelta(seconds=1)),
        replace(POLICY, max_status_age=timedelta(days=3660)),
    ],
)
def test_what_is_written_is_read_back(policy):
    raw = encode_policy(policy)
    assert parse_policy(raw) == policy
    assert encode_policy(parse_policy(raw)) == raw


def test_people_may_format_it():
    assert parse(MEMBERS) == POLICY
    assert parse(MEMBERS | {"required": MEMBERS["required"][::-1]}) == POLICY


def test_a_maximum_age_of_the_status_is_optional():
    assert parse(MEMBERS).max_status_age is None
    assert parse(MEMBERS | {"max_status_age_seconds": 604_800}).max_status_age == timedelta(days=7)


@pytest.mark.parametrize("seconds", [0, -1, 3660 * 86_400 + 1, "7", 7.0, True, None])
def test_a_maximum_age_out_of_range_is_refused(seconds):
    with pytest.raises(InputError, match="max_status_age_seconds"):
        parse(MEMBERS | {"max_status_age_seconds": seconds})


def test_its_members_are_those_of_the_norm():
    assert list(MEMBERS) == [
        *(
            "clock_tolerance_seconds",
            "contract",
            "development",
            "hosts",
            "lag_warning_days",
            "log_key",
            "origin",
        ),
        *("required", "root", "type", "version", "zone"),
    ]
    assert MEMBERS["required"] == [step.code for step in DEFAULT_REQUIRED]


@pytest.mark.parametrize("path", [path for path in PATHS if isinstance(path[-1], str)], ids=show)
def test_a_missing_member_is_named(path):
    members = removed(MEMBERS, path)
    if path == ("contract",):
        assert parse(members).contract is None
        return
    with pytest.raises(InputError, match=rf"^policy\.{show(path)}: this member is missing"):
        parse(members)


@pytest.mark.parametrize(
    "path", [path for path in [(), *PATHS] if isinstance(get(MEMBERS, path), dict)], ids=show
)
def test_an_unknown_member_is_refused(path):
    with pytest.raises(InputError, match="unknown member: stranger"):
        parse(added(MEMBERS, path))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("type", ("hengzheng/policy/v2",)),
        ("version", (0, -1, 2**31 + 1, "1", True)),
        ("origin", ("", "a b", "a+b", "x" * 121, "a\u3000b")),
        ("log_key", ("x", "z", P256Signer(bytes([1]) * 32).public_key.multikey, MEMBERS["log_key"][:-1])),
        ("root.version", (0, 2**31 + 1)),
        ("root.digest", ("00", "AB" * 32)),
        (
            "hosts.0",
            ("", "http://v.example.cn", "V.example.cn", "127.0.0.1", "v.example.cn/", "v.example.cn:443"),
        ),
        ("required.0", ("Integrity", "INTEGRITY", "everything", "")),
        ("lag_warning_days", (-1, 10_001, "30")),
        ("clock_tolerance_seconds", (-1, 86_401)),
        (
            "zone",
            ("Mars/Olympus", "", "../../etc/passwd", "Asia", "asia/shanghai\u0000", "中国", "/etc/localtime"),
        ),
        ("development", ("true", 1, 0)),
        (
            "contract.finality",
            ("", "final", "depth:0", "depth:-1", "depth:100000", "depth:01", "tag:latest", "tag:"),
        ),
        ("contract.contract", ("02" * 19, "0x" + "02" * 20)),
        ("contract.code_hash", ("", "00" * 33)),
    ],
)
def test_a_value_out_of_range_is_named(path, values):
    place = tuple(int(name) if name.isdecimal() else name for name in path.split("."))
    for value in values:
        with pytest.raises(InputError) as caught:
            parse(replaced(MEMBERS, place, value))
        if "\u0000" not in str(value):
            assert caught.value.field.startswith("policy." + path.split(".", maxsplit=1)[0])


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York", "Pacific/Apia"])
def test_zones_are_those_of_the_tz_database(zone):
    assert parse(MEMBERS | {"zone": zone}).zone == ZoneInfo(zone)


@pytest.mark.parametrize("finality", ["immediate", "depth:1", "depth:99999", "tag:safe", "tag:finalized"])
def test_finality_is_written_in_four_ways(finality):
    assert parse(replaced(MEMBERS, ("contract", "finality"), finality)).contract.finality == finality


@pytest.mark.parametrize(
    ("finality", "grades"),
    [
        ("immediate", {"included", "safe", "final"}),
        ("depth:12", {"final"}),
        ("tag:safe", {"safe", "final"}),
        ("tag:finalized", {"final"}),
    ],
)
def test_a_grade_settles_by_the_finality_rule(finality, grades):
    pin = ContractPin(CHAIN, bytes(32), finality)
    assert {grade.value for grade in AnchorGrade if pin.is_settled(grade)} == grades


@pytest.mark.parametrize("chain_id", sorted(DEVELOPMENT_CHAIN_IDS))
def test_a_policy_for_production_names_no_development_chain(chain_id):
    members = replaced(MEMBERS, ("contract", "chain_id"), chain_id)
    assert parse(members).development
    with pytest.raises(PolicyMismatchError, match=f"chain {chain_id} is a development chain") as caught:
        parse(members | {"development": False})
    assert caught.value.field == "policy.contract.chain_id"
    assert not parse(replaced(members, ("contract", "chain_id"), 1) | {"development": False}).development


def test_evidence_of_another_log_is_refused():
    require_origin(POLICY, "ledger.example/2026")
    for origin in ("ledger.example/2027", "ledger.example/2026 ", "Ledger.example/2026", ""):
        with pytest.raises(PolicyMismatchError, match="the policy is for ledger"):
            require_origin(POLICY, origin)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"[]",
            b"1",
            b"{",
            b"\xff",
            b"\xef\xbb\xbf" + RAW,
            RAW + b"x",
            b'{"a":1,"a":1}',
            b'{"a":1.5}',
            b'{"a":NaN}',
        ),
        RAW.replace(b'"version":1,"zone"', b'"version":1.0,"zone"'),
        RAW.replace(b'"development":true', b'"development":null'),
        b"[" * 5000,
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_no_policy_is_refused(raw):
    with pytest.raises(InputError):
        parse_policy(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_as_input(raw):
    with pytest.raises(InputError):
        parse_policy(raw)


@given(st.sampled_from(PATHS), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_read_or_refused_as_input(path, value):
    try:
        policy = parse(replaced(MEMBERS, path, value))
    except InputError:
        return
    assert parse_policy(encode_policy(policy)) == policy


@given(st.text(max_size=30))
def test_any_zone_is_found_or_refused_as_input(zone):
    try:
        parse(MEMBERS | {"zone": zone})
    except InputError:
        return
