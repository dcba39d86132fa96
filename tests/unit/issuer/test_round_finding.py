"""Rounds and findings as bytes: what is read, what is refused, what is not believed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounds_world import READINGS, chosen, make_plan, open_round, record
from world import INSTITUTION

from issuer.instruments import ListedInstrument
from issuer.rounds.content import MAX_ROUND_BYTES, encode_round, parse_round
from issuer.rounds.finding import (
    MAX_FINDING_BYTES,
    compose_content,
    find_doubts,
    parse_device_key,
    parse_finding,
    verify_finding,
)
from issuer.rounds.judging import Series, compute_results
from issuer.rounds.preparing import Chosen, prepare_round
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.register_fields import RegisterState
from ledger.core.signature import P256Signer
from ledger.core.sticker import RollContent

BOOK = load_rule_book()
ROLL = RollContent("7KQ2M9X", INSTITUTION, 1000, bytes(16), RegisterState.ACTIVE)
PLAN = make_plan(prepared_at=datetime(2026, 11, 3, tzinfo=UTC))
SCALE = ListedInstrument("电子计价秤", "ACS-15A", "YH010341", "永衡衡器有限公司", site="台江农贸市场")
PUMP = ListedInstrument("燃油加油机", "EX-1", "SN9", "示例", site="示例加油站", accuracy_class="0.3")


@pytest.fixture
def rounds(tmp_path):
    with open_round(tmp_path, 2) as rounds:
        rounds.device()
        yield rounds


# --- rounds -------------------------------------------------------------------------------------------------


def test_the_owner_stays_in_the_office():
    prepared = prepare_round(PLAN, [chosen(1)], [], BOOK)
    assert "福州示例石油有限公司".encode() not in prepared.content
    assert prepared.private["1"]["owner"]["name"] == "福州示例石油有限公司"


def test_a_round_has_what_a_live_check_needs():
    round_ = parse_round(prepare_round(PLAN, [chosen(1), chosen(2)], [], BOOK).content)
    item = round_.items["2"]
    assert item.parts == ("1",)
    assert [limit.item.value for limit in item.limits] == ["indication_error", "repeatability"]
    assert round_.standards["STD-1"]["exam_until"] == "2029-05-31"
    raw = parse_canonical_json(prepare_round(PLAN, [chosen(1)], [], BOOK).content)
    assert raw["items"][0]["nominal"] == "20.00"
    assert raw["items"][0]["last"]["seals"] == [{"no": "A1001", "point": "主板与壳体"}]


def test_an_instrument_that_is_only_listed_comes_with_its_nozzles():
    prepared = prepare_round(PLAN, [Chosen(None, PUMP, "FUEL_DISPENSER", 2, "350100")], [], BOOK)
    item = parse_round(prepared.content).items["1"]
    assert item.parts == ("1", "2")
    assert item.instrument["site"] == {"division": "350100", "address": "示例加油站"}
    assert item.unit == "L"


def test_a_scale_comes_with_e_and_its_loads_and_a_pump_beside_it_without():
    plan = replace(PLAN, uncertainty=None, coverage_factor=None)
    scale = Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100", "5 g")
    pump = chosen(1)._replace(interval="5 g")
    raw = prepare_round(plan, [scale, pump], [], BOOK, [ROLL, replace(ROLL, state=RegisterState.WITHDRAWN)])
    value = parse_canonical_json(raw.content)
    first, second = value["items"]
    assert first["instrument"]["e"] == {"value": "5", "unit": "g"}
    assert (first["unit"], first["loads"]) == ("kg", ["0", "2.5", "10"])
    assert first["weighing"]["in_errors"] == "5"
    assert "e" not in second["instrument"]
    assert "weighing" not in second
    assert second["flow_unit"] == "L/min"
    assert value["rolls"] == [{"roll": ROLL.roll, "count": ROLL.count}], "what was withdrawn stays here"
    item = parse_round(raw.content).items["1"]
    assert item.weighing.interval.value == 5


def test_a_scale_that_was_verified_before_comes_with_the_loads_of_then():
    earlier = record(1)
    earlier["instrument"] |= {"category": "PRICE_SCALE", "class": "III", "e": {"value": "10", "unit": "g"}}
    points = [{"nominal": load, "error": "0", "pass": True} for load in ("0.2", "5", "30", "5")]
    earlier["results"] = [
        {"item": "indication_error", "unit": "kg", "error_unit": "g", "points": points, "pass": True}
    ]
    plan = replace(PLAN, uncertainty=None, coverage_factor=None)
    raw = prepare_round(plan, [Chosen(earlier, None, "", 0, "", "5 g")], [], BOOK).content
    (item,) = parse_canonical_json(raw)["items"]
    assert item["loads"] == ["0.2", "5", "30"]
    assert item["weighing"]["e"] == {"value": "10", "unit": "g"}, "what is on record counts"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weighing": ...}, "limits by load"),
        ({"weighing": {}}, "weighing"),
        ({"loads": ["x"]}, "decimal"),
        ({"loads": ["0"] * 31}, "loads"),
        ({"unit": "L"}, "masses"),
    ],
)
def test_scales_of_rounds_that_are_none(change, sentence):
    plan = replace(PLAN, uncertainty=None, coverage_factor=None)
    scale = Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100", "5 g")
    value = parse_canonical_json(prepare_round(plan, [scale], [], BOOK).content)
    item = {name: one for name, one in {**value["items"][0], **change}.items() if one is not ...}
    with pytest.raises(InputError, match=sentence):
        encode_round({**value, "items": [item]})


@pytest.mark.parametrize(
    ("plan", "instruments", "sentence"),
    [
        ({}, [], "choose 1 to 200"),
        ({}, [chosen(1)] * 201, "choose 1 to 200"),
        (
            {},
            [Chosen(None, SCALE, "PRICE_SCALE", 0, "350100")],
            "YH010341 .* no limits to judge by at its class",
        ),
        (
            {},
            [Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100")],
            "YH010341 .* verification scale interval e is needed",
        ),
        *(
            (
                {},
                [Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100", e)],
                sentence,
            )
            for e, sentence in (
                ("5", "e:"),
                ("x g", "e:"),
                ("0 g", "above 0"),
                ("5 lb", "e:"),
                ("5 L", "YH010341.*masses"),
            )
        ),
        (
            {},
            [
                chosen(1),
                Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100", "5 g"),
            ],
            "one uncertainty cannot stand for errors in %, g",
        ),
        ({}, [Chosen(None, SCALE, "SPEED", 0, "350100")], "category"),
        ({"kind": "in_service"}, [chosen(1)], "kind"),
        ({"uncertainty": "x"}, [chosen(1)], "u:"),
        ({"coverage_factor": None}, [chosen(1)], "go together"),
        ({"title": " x"}, [chosen(1)], "title"),
    ],
)
def test_rounds_that_are_not_prepared(plan, instruments, sentence):
    with pytest.raises(InputError, match=sentence):
        prepare_round(replace(PLAN, **plan), instruments, [], BOOK)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"items": []},
        {"rules": {}},
        {"day": "today"},
        {"id": "x"},
        {"more": "1"},
        {"kind": "in_service"},
        {"host": "https://v.example.cn"},
        {"host": "V.example.cn"},
        {"host": "127.0.0.1"},
        {"host": 1},
        {"application": 0},
        {"title": "x" * MAX_ROUND_BYTES},
    ],
)
def test_rounds_that_are_none(change):
    value = parse_canonical_json(prepare_round(PLAN, [chosen(1)], [], BOOK).content)
    with pytest.raises(InputError):
        encode_round({**value, **change})


def test_no_round_is_without_the_host_of_its_stickers():
    value = parse_canonical_json(prepare_round(PLAN, [chosen(1)], [], BOOK).content)
    assert value.pop("host") == PLAN.host
    with pytest.raises(InputError, match="host"):
        encode_round(value)


def test_two_instruments_never_share_an_id():
    value = parse_canonical_json(prepare_round(PLAN, [chosen(1)], [], BOOK).content)
    with pytest.raises(InputError, match="one id"):
        encode_round({**value, "items": value["items"] * 2})


# --- findings -----------------------------------------------------------------------------------------------


def test_a_finding_is_read_and_its_signature_counts(rounds):
    value = rounds.finding()
    sent = rounds.send(value)
    finding = parse_finding(sent.raw)
    assert encode_canonical_json(value) == finding.raw
    verify_finding(finding, sent.signature, rounds.signers[finding.device].public_key)
    assert find_doubts(finding, rounds.round) == []


def test_a_changed_byte_is_another_finding(rounds):
    sent = rounds.send(rounds.finding())
    changed = parse_finding(sent.raw.replace(b'"B2001"', b'"B2002"'))
    with pytest.raises(BrokenSignatureError):
        verify_finding(changed, sent.signature, rounds.signers[changed.device].public_key)


def test_the_signature_of_another_device_does_not_count(rounds):
    finding = parse_finding(rounds.send(rounds.finding()).raw)
    other = P256Signer(bytes(31) + b"\x09")
    with pytest.raises(BrokenSignatureError):
        verify_finding(finding, other.sign(finding.raw), other.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"round": "x"},
        {"device": "r"},
        {"item": "0"},
        {"revision": 0},
        {"revision": 10_001},
        {"made_at": "2026-11-03"},
        {"verified_on": "2026-02-30"},
        {"nameplate": "perhaps"},
        {"seals_before": ""},
        {"adjusted": "no"},
        {"stickers": [{"id": ""}]},
        {"stickers": [{"id": "x", "more": "1"}]},
        {"stickers": ...},
        {"temperature": "warm"},
        {"results": [1]},
        {"conclusion": "maybe"},
        {"seals": ["B1"]},
        {"note": "x" * 401},
        {"more": True},
        {"round_digest": "ab"},
    ],
)
def test_findings_that_are_none(rounds, change):
    with pytest.raises(InputError):
        parse_finding(encode_canonical_json(rounds.finding(**change)))


@given(st.binary(max_size=200))
def test_any_other_bytes_are_an_input_error(raw):
    with pytest.raises(InputError):
        parse_finding(raw)


def test_huge_findings_and_other_spellings_are_refused(rounds):
    raw = encode_canonical_json(rounds.finding())
    for other in (
        b" " + raw,
        raw[:-1] + b',"z":1}',
        b"[" * 70_000,
        b'{"a":"' + b"x" * MAX_FINDING_BYTES + b'"}',
    ):
        with pytest.raises(InputError):
            parse_finding(other)


@pytest.mark.parametrize("raw", [b"", bytes(33), b"\x04" + bytes(64), b"\x02" + b"\xff" * 32])
def test_keys_of_devices_are_points_of_p256(raw):
    with pytest.raises(InputError):
        parse_device_key(raw)


WRONG_ERROR = {
    "nominal": "20.00",
    "measured": "20.08",
    "error": "0.10",
    "mpe": "0.30",
    "pass": True,
    "u": "0.05",
}
SHORT = {"item": "indication_error", "part": "1", "unit": "L", "error_unit": "%", "k": "2", "pass": True}


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"nameplate": "differs", "note": "x"}, ["NAMEPLATE"]),
        ({"seals_before": "broken", "seals": []}, ["SEALS"]),
        ({"conclusion": "fail"}, ["CONCLUSION"]),
        ({"conclusion": "fail", "note": "漏油"}, []),
        ({"readings": [("20.00", "20.02")]}, ["REPEATABILITY"]),
        ({"readings": [("20.00", "20.02")], "conclusion": "fail", "note": "漏油"}, []),
        ({"results": []}, ["CONCLUSION", "PARTS"]),
        (
            {"results": [{**SHORT, "points": [WRONG_ERROR]}]},
            ["COMPUTED_OTHERWISE", "CONCLUSION", "REPEATABILITY"],
        ),
        ({"results": [{**SHORT, "item": "speed", "points": [WRONG_ERROR]}]}, ["READINGS"]),
        ({"results": [{**SHORT, "points": [{**WRONG_ERROR, "nominal": "0"}]}]}, ["READINGS"]),
    ],
)
def test_what_is_not_believed(rounds, change, codes):
    finding = parse_finding(encode_canonical_json(rounds.finding(**change)))
    assert [one.code for one in find_doubts(finding, rounds.round)] == codes


@pytest.mark.parametrize(
    ("readings", "codes"),
    [
        ([("2.5", "2.5"), ("7.5", "7.505")], ["REPEATABILITY"]),
        ([("7.5", "7.5")], ["REPEATABILITY"]),
        ([("7.5", "7.5"), ("7.5", "7.505")], []),
    ],
)
def test_a_scale_passes_with_a_repeatability_only(rounds, readings, codes):
    plan = replace(PLAN, uncertainty=None, coverage_factor=None)
    scale = Chosen(None, replace(SCALE, accuracy_class="III"), "PRICE_SCALE", 0, "350100", "5 g")
    round_ = parse_round(prepare_round(plan, [scale], [], BOOK).content)
    loads = Series("indication_error", None, (("0", "0"), ("2.5", "2.5")))
    series = [loads, Series("indication_error", None, tuple(readings))]
    results = compute_results(series, round_.measure(round_.items["1"]))
    finding = parse_finding(encode_canonical_json(rounds.finding(results=results)))
    assert finding.conclusion == "pass"
    assert [one.code for one in find_doubts(finding, round_)] == codes


def test_each_flow_passes_with_a_repeatability_only(rounds):
    series = [
        Series("indication_error", "1", READINGS[:count], flow=flow) for count, flow in ((2, "50"), (1, "5"))
    ]
    finding = parse_finding(encode_canonical_json(rounds.finding(results=rounds.results(*series))))
    (doubt,) = find_doubts(finding, rounds.round)
    assert (doubt.code, "1 @ 5:" in doubt.en, "1 @ 5（" in doubt.zh) == ("REPEATABILITY", True, True)


def test_a_document_is_composed_of_round_and_finding(rounds):
    finding = parse_finding(
        encode_canonical_json(rounds.finding(stickers=[{"id": "7KQ2M9X001RCCF83"}], humidity="60"))
    )
    content = compose_content(finding, rounds.round, {"owner": {"name": "某"}})
    assert content["instrument"]["owner"] == {"name": "某"}
    assert content["sticker_id"] == "7KQ2-M9X0-01RC-CF83"
    assert content["environment"]["humidity"] == {"value": "60", "unit": "%RH"}
    assert content["place"] == {"kind": "on_site", "where": "福州市鼓楼区示例路1号"}


def test_a_standard_that_the_round_does_not_name_is_refused(rounds):
    finding = parse_finding(encode_canonical_json(rounds.finding(standards=["STD-9"])))
    with pytest.raises(InputError, match="STD-9"):
        compose_content(finding, rounds.round, {})
