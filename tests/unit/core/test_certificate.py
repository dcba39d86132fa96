"""The published document and its record: every member is read strictly and named when it is wrong."""

import hashlib
import json
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import SIGNED_AT, make_point, make_record, make_rejection, make_signer, seal_record
from mutations import JSON, ODD_VALUES, added, get, removed, replaced, show, walk

from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import CONTEXTS, MAX_CERTIFICATE_BYTES, build_document, parse_certificate
from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.record import DocumentType, PlaceKind, Purpose, Role, VerificationKind
from ledger.core.record_parsing import parse_record
from ledger.core.statement import Conclusion

SEAL = make_signer("seal")
HASH = "ab" * 32
SD = {"sd": "cd" * 32}
FULL = make_record(
    1,
    applicant=SD,
    instrument={
        **make_record(1)["instrument"],
        "local_id": "福-001",
        "range": "(5~50)L/min",
        "class": "0.3",
        "year": 2020,
        "cpa_no": "2018F258-32",
        "purpose": "trade",
        "software": {"id": "V1.2", "hash": HASH},
        "codes": {"production": "P1", "repair": "R1", "verification": "V1"},
        "parts": [{"id": "1", "name": "枪1", "serial": "N1"}, {"id": "2"}],
        "owner": SD,
        "site": {"division": "350102", "address": SD},
        "e": {"value": "5", "unit": "g"},
    },
    place={"kind": "on_site", "where": SD},
    environment={
        "temperature": {"value": "20.5", "unit": "°C"},
        "humidity": {"value": "60", "unit": "%RH"},
        "other": "无风",
    },
    standards=[
        {
            "id": "std-1",
            "name": "标准金属量器",
            "exam_no": "〔2024〕闽量标证字第1号",
            "exam_until": "2028-12-31",
            "range": "(5~100)L",
            "u": "U=0.05%,k=2",
            "instruments": [{"no": "M1", "cert_no": "C1", "cert_hash": HASH, "until": "2026-12-31"}],
        }
    ],
    crms=[{"id": "GBW(E)130070", "lot": "2025-03"}],
    commission_no="仲〔2026〕1号",
    class_awarded="0.3级",
    sticker_id="S-0001",
    lot={"no": "L1", "size": 1000},
    raw_record={"no": "Y1", "hash": HASH},
    validity={"kind": "date", "until": "2026-08-27", "reason": "按规程"},
)
FULL["persons"][0]["name"] = SD
FULL["results"].append(
    {
        "item": "indication_error",
        "unit": "L",
        "error_unit": "%",
        "points": [make_point("0.50", "0.30", passed=False)],
        "pass": False,
        "before_adjustment": True,
    }
)
FULL = json.loads(json.dumps(FULL))
PATHS = [path for path, _ in walk(FULL)]
OPTIONAL = {
    *("crms", "commission_no", "instrument.e"),
    *("applicant", "regulation", "place", "environment", "class_awarded", "sticker_id", "lot", "raw_record"),
    *(
        f"instrument.{name}"
        for name in ("local_id", "model", "range", "class", "year", "maker", "cpa_no", "purpose")
    ),
    *(f"instrument.{name}" for name in ("software", "software.hash", "codes", "parts", "owner", "site")),
    *(f"instrument.codes.{name}" for name in ("production", "repair", "verification")),
    *("instrument.parts.N.name", "instrument.parts.N.serial", "instrument.site.address", "place.where"),
    *("environment.temperature", "environment.humidity", "environment.other", "raw_record.hash"),
    *("standards.N.instruments", "standards.N.instruments.N.cert_hash", "validity.reason", "persons.N.name"),
    *(
        "results.N.part",
        "results.N.unit",
        "results.N.k",
        "results.N.points.N.nominal",
        "results.N.points.N.measured",
    ),
    *("results.N.points.N.mpe", "results.N.points.N.u", "results.N.before_adjustment"),
}
"""Members with a question mark in the norm; N is a place in a list."""


def parse(record):
    return parse_record(Reader(json.loads(encode_canonical_json(record)), ""))


def generic(path: tuple) -> str:
    return ".".join("N" if isinstance(name, int) else name for name in path)


def test_a_full_record_is_read():
    record = parse(FULL)
    assert (record.document_type, record.kind) == (
        DocumentType.VERIFICATION_CERTIFICATE,
        VerificationKind.PERIODIC,
    )
    assert (record.number, record.issuer.id, record.issuer.scope_id) == ("JY2026-000001", "350100-01", "S1")
    assert record.applicant.digest == bytes([0xCD]) * 32
    instrument = record.instrument
    assert (instrument.category, instrument.purpose, instrument.year) == (
        Category.FUEL_DISPENSER,
        Purpose.TRADE,
        2020,
    )
    assert instrument.codes == (("production", "P1"), ("repair", "R1"), ("verification", "V1"))
    assert [part.name for part in instrument.parts] == ["枪1", None]
    assert (instrument.software.digest, instrument.site.division) == (bytes([0xAB]) * 32, "350102")
    assert (record.place, record.place_where.digest[:1]) == (PlaceKind.ON_SITE, b"\xcd")
    assert str(record.environment.temperature.value) == "20.5"
    assert record.standards[0].instruments[0].until == date(2026, 12, 31)
    point = record.results[0].points[0]
    assert (point.indication_error, point.maximum_permissible_error) == (Decimal("0.10"), Decimal("0.30"))
    assert str(point.nominal) == "20.00", "trailing zeros state a resolution"
    assert [result.before_adjustment for result in record.results] == [False, False, False, True]
    assert (record.conclusion, record.validity.kind) == (Conclusion.PASS, ValidityKind.DATE)
    assert [person.role for person in record.persons] == list(Role)
    assert (record.lot.size, record.raw_record.no, len(record.nonce)) == (1000, "Y1", 16)


def test_a_record_without_anything_optional_is_read():
    record = json.loads(json.dumps(FULL))
    for path in sorted((path for path in PATHS if generic(path) in OPTIONAL), key=len, reverse=True):
        record = removed(record, path)
    record["results"] = []
    parsed = parse(record)
    assert (parsed.applicant, parsed.regulation, parsed.place, parsed.lot) == (None,) * 4
    assert parsed.instrument.parts == parsed.instrument.codes == ()


def test_a_rejection_notice_is_read():
    record = parse(make_rejection(1))
    assert record.document_type is DocumentType.REJECTION_NOTICE
    assert (record.conclusion, record.validity.until) == (Conclusion.FAIL, None)


@pytest.mark.parametrize("path", [path for path in PATHS if isinstance(path[-1], str)], ids=show)
def test_a_missing_member_is_named(path):
    record = removed(FULL, path)
    if generic(path) in OPTIONAL:
        if generic(path) in {"instrument.parts", "results.N.before_adjustment"}:
            record["results"] = []
        parse(record)
        return
    with pytest.raises(InputError) as caught:
        parse(record)
    if generic(path) == "validity.until":
        assert caught.value.reason == "a date belongs to every kind but none"
    else:
        assert caught.value.reason == "this member is missing"
    assert caught.value.field == re.sub(r"\.(\d+)", r"[\1]", show(path))


@pytest.mark.parametrize(
    "path", [path for path in [(), *PATHS] if isinstance(get(FULL, path), dict)], ids=show
)
def test_an_unknown_member_is_refused(path):
    with pytest.raises(InputError, match="unknown member: stranger"):
        parse(added(FULL, path))


@pytest.mark.parametrize("path", PATHS, ids=show)
def test_a_member_of_another_kind_is_refused(path):
    value = get(FULL, path)
    for odd in (0, 2**53 - 1, True, "", " x", "x ", "\u202e", "a\x00b", "x" * 5000, [], [0], {}, {"x": 1}):
        if type(odd) is type(value) and (odd in ([], {}) or isinstance(odd, bool)):
            continue
        with pytest.raises(InputError):
            parse(replaced(FULL, path, odd))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("v", (0, 2, 2**31 + 1)),
        ("doc_type", ("calibration_certificate", "VERIFICATION_CERTIFICATE")),
        ("kind", ("Periodic", "routine")),
        ("no", ("x" * 65, "号" * 22, "a\u2028b")),
        ("issuer.id", ("350100_01", "a", "A" * 13, "-1")),
        ("issuer.scope_line_id", ("A" * 13,)),
        ("applicant.sd", ("cd" * 31, "CD" * 32, "zz" * 32)),
        ("instrument.id", ("00" * 15, "00" * 17, "AB" * 16)),
        ("instrument.category", ("fuel_dispenser", "0", "SPACESHIP")),
        ("instrument.serial", ("x" * 65,)),
        ("instrument.year", (1799, 10000, "2020")),
        ("instrument.purpose", ("Trade",)),
        ("instrument.parts.0.id", ("123456789", "件件件", "2")),
        ("instrument.site.division", ("3", "35A", "1234567890123", "３５")),
        ("place.kind", ("site",)),
        ("environment.temperature.unit", ("C", "℃", "K°", "")),
        ("environment.temperature.value", ("20,5", "+20", "2e1", "NaN", "-0", "020", ".5", "20.", "1" * 31)),
        ("standards.0.exam_until", ("2028-02-30", "2028-2-3", "28-12-31", "2028-12-31T00:00:00Z")),
        ("results.0.item", ("Indication", "1x", "indication error", "示值误差", "x" * 65)),
        ("results.0.unit", ("升", "l", "斤", "gal", "L ")),
        ("results.0.error_unit", ("pct", "％")),
        ("results.0.part", ("3",)),
        ("results.0.k", ("2.", "k=2")),
        ("results.0.points.0.error", ("0.1%", "", "--1", "∞")),
        ("conclusion", ("PASS", "passed", "合格", "fail")),
        ("seals.0.no", ("x" * 65,)),
        ("sticker_id", ("x" * 41,)),
        ("lot.size", (0, 10_000_001, -1)),
        ("verified_on", ("2026-02-29", "1969-12-31", "2026-13-01", "20260228", "0000-01-01", "2026-08-28")),
        ("issued_on", ("2026-02-30", "1969-12-31")),
        ("validity.kind", ("Date", "unlimited", "none")),
        ("validity.until", ("2026-02-27", "2026-02-29", "forever")),
        ("persons.0.role", ("Operator", "boss", "checker")),
        ("persons.0.pid", ("x" * 41,)),
        (
            "persons.0.signed_at",
            ("2026-02-28", "2026-02-28T04:00:00", "2026-02-28T24:00:00Z", "2026-02-28T04:00:60Z"),
        ),
        ("raw_record.hash", ("ab" * 31,)),
        ("nonce", ("00" * 15, "00" * 17)),
    ],
)
def test_a_value_out_of_range_is_named(path, values):
    place = tuple(int(name) if name.isdecimal() else name for name in path.split("."))
    for value in values:
        with pytest.raises(InputError) as caught:
            parse(replaced(FULL, place, value))
        assert caught.value.field, "errors name the field"


# --- persons who sign with a key of their own -------------------------------------------------------------


def with_keys(*keys, **changes):
    """Return a record whose persons sign with these keys; an approver's own proof says the day of issue."""
    record = {name: value for name, value in make_record(1).items() if name != "issued_on"}
    roles = ("operator", "checker", "approver")
    persons = [
        {"role": role, "pid": f"P{key or 0}", "key": make_signer(key).public_key.multikey}
        for role, key in zip(roles, keys, strict=True)
    ]
    return record | {"persons": persons} | changes


def test_a_key_of_a_person_takes_the_place_of_a_time():
    record = parse(with_keys("A", "B", "C"))
    assert [person.key for person in record.persons] == [make_signer(name).public_key for name in "ABC"]
    assert ([person.signed_at for person in record.persons], record.issued_on) == ([None] * 3, None)
    times = {make_signer("B").public_key.multikey: SIGNED_AT}
    assert parse_record(Reader(with_keys("A", "B", "C"), ""), times).persons[1].signed_at == SIGNED_AT


def test_one_person_in_two_roles_has_one_key():
    assert len(parse(with_keys("A", "B", "B")).persons) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda record: record | {"issued_on": "2026-02-28"}, "issued_on"),
        (lambda record: replaced(record, ("persons", 1, "pid"), "P9"), "persons"),
        (lambda record: replaced(record, ("persons", 0, "key"), "z6Mk"), "persons[0].key"),
        (lambda record: replaced(record, ("persons", 0, "key"), 7), "persons[0].key"),
        (lambda record: replaced(record, ("persons", 0, "signed_at"), "2026-02-28T04:00:00Z"), "persons[0]"),
    ],
)
def test_what_persons_keys_do_not_allow(change, field):
    with pytest.raises(InputError) as caught:
        parse(change(with_keys("A", "B", "B")))
    assert caught.value.field.startswith(field)


# --- members that must agree ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"doc_type": "rejection_notice"}, "conclusion"),
        ({"conclusion": "fail"}, "conclusion"),
        ({"doc_type": "rejection_notice", "conclusion": "fail"}, "validity"),
        ({"validity": {"kind": "none", "until": "2026-08-27"}}, "validity.until"),
        ({"validity": {"kind": "date"}}, "validity.until"),
        ({"validity": {"kind": "service_life"}}, "validity.until"),
        ({"validity": {"kind": "date", "until": "2026-02-27"}}, "validity.until"),
        ({"seals": [{"no": "A", "point": "主板"}] * 2}, "seals"),
        ({"persons": [FULL["persons"][0], FULL["persons"][0]]}, "persons"),
        ({"instrument": FULL["instrument"] | {"parts": [{"id": "1"}, {"id": "1"}]}}, "instrument.parts"),
        ({"results": [FULL["results"][0] | {"part": "9"}]}, "results.part"),
        ({"results": [FULL["results"][0] | {"pass": False}]}, "results"),
        ({"verified_on": "1969-12-31"}, "verified_on"),
        ({"issued_on": "1969-12-31"}, "issued_on"),
    ],
)
def test_members_that_contradict_each_other_are_refused(changes, field):
    with pytest.raises(InputError) as caught:
        parse(FULL | changes)
    assert caught.value.field == field


def test_what_failed_before_the_adjustment_may_stand_on_a_certificate():
    failed = FULL["results"][0] | {"pass": False, "before_adjustment": True}
    assert not parse(FULL | {"results": [failed]}).results[0].passed


def test_the_same_number_of_a_seal_at_two_points_is_two_seals():
    assert (
        len(parse(FULL | {"seals": [{"no": "A", "point": point} for point in ("主板", "表壳")]}).seals) == 2
    )


# --- the credential ---------------------------------------------------------------------------------------

CREDENTIAL = seal_record(make_record(1), SEAL)
RAW = encode_canonical_json(CREDENTIAL)


def test_a_credential_is_read_and_keeps_its_bytes():
    certificate = parse_certificate(RAW)
    assert certificate.raw == RAW
    assert certificate.digest == hashlib.sha256(RAW).digest()
    assert certificate.issuer_did == SEAL.public_key.did_key
    assert certificate.proofs == (CREDENTIAL["proof"][0],)
    assert certificate.document == {name: value for name, value in CREDENTIAL.items() if name != "proof"}
    assert certificate.document == build_document(make_record(1), SEAL.public_key.did_key)


@pytest.mark.parametrize("wrong", ["verification", "", "None", None, 1, ["calibration_certificate"], {}])
def test_a_record_of_no_kind_of_document_becomes_none(wrong):
    with pytest.raises(InputError) as caught:
        build_document(make_record(1) | {"doc_type": wrong}, SEAL.public_key.did_key)
    assert caught.value.field == "doc_type"


def test_nor_does_one_that_does_not_say_its_kind():
    record = make_record(1)
    del record["doc_type"]
    with pytest.raises(InputError, match="doc_type: this member is missing"):
        build_document(record, SEAL.public_key.did_key)


@pytest.mark.parametrize(
    ("make", "kind"), [(make_record, "VerificationCertificate"), (make_rejection, "RejectionNotice")]
)
def test_the_type_says_which_document_it_is(make, kind):
    credential = seal_record(make(1), SEAL)
    assert credential["type"] == ["VerifiableCredential", kind]
    assert credential["@context"] == list(CONTEXTS)
    parse_certificate(encode_canonical_json(credential))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ["VerifiableCredential"]},
        {"type": ["VerifiableCredential", "RejectionNotice"]},
        {"type": ["VerificationCertificate", "VerifiableCredential"]},
        {"@context": [CONTEXTS[0]]},
        {"@context": list(CONTEXTS[::-1])},
        {"@context": [*CONTEXTS, "https://example.com/x"]},
        {"@context": CONTEXTS[0]},
        {"issuer": "https://example.com"},
        {"issuer": "did:key:"},
        {"issuer": "did:key:zO0Il"},
        {"issuer": {"id": SEAL.public_key.did_key}},
        {"proof": CREDENTIAL["proof"][0]},
        {"proof": []},
        {"proof": [1]},
        {"proof": CREDENTIAL["proof"] * 17},
        {"credentialSubject": [make_record(1)]},
        {"id": "urn:x"},
        {"credentialStatus": {}},
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_a_credential_of_another_shape_is_refused(changes):
    with pytest.raises(InputError):
        parse_certificate(encode_canonical_json(CREDENTIAL | changes))


@pytest.mark.parametrize("name", CREDENTIAL)
def test_a_credential_without_a_member_is_refused(name):
    with pytest.raises(InputError):
        parse_certificate(encode_canonical_json(removed(CREDENTIAL, (name,))))


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b"\xff",
            RAW[:-1],
            RAW + b"\n",
            b"\xef\xbb\xbf" + RAW,
            json.dumps(CREDENTIAL).encode(),
        ),
        json.dumps(CREDENTIAL, sort_keys=True, separators=(",", ":")).encode(),
        RAW.replace(b'"v":1', b'"v":1.0'),
        RAW.replace(b'"v":1', b'"v":1,"v":1'),
        RAW.replace(b'"adjusted":false', b'"adjusted":null'),
        b'{"a":"' + b"x" * MAX_CERTIFICATE_BYTES + b'"}',
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_no_certificate_is_refused(raw):
    with pytest.raises(InputError):
        parse_certificate(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_as_input(raw):
    with pytest.raises(InputError):
        parse_certificate(raw)


@given(st.sampled_from(PATHS), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_of_a_record_is_read_or_refused_as_input(path, value):
    try:
        parse(replaced(FULL, path, value))
    except InputError:
        return
