"""Personal members: what stands for them says nothing, what they were can be shown, and only that."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import make_record
from mutations import JSON, ODD_VALUES, added, removed, replaced, walk

from ledger.core.canonical import encode_canonical_json
from ledger.core.disclosure import (
    DisclosedMember,
    Disclosure,
    compute_commitment,
    conceal,
    encode_disclosure,
    parse_disclosure,
    verify_disclosure,
)
from ledger.core.errors import InputError, VerificationError
from ledger.core.fields import Reader
from ledger.core.ids import Digest
from ledger.core.record_parsing import parse_record

SALTS = [bytes([number]) * 16 for number in range(4)]
VALUES = {
    "applicant": {"name": "某加油站", "code": "91350100M000100Y43"},
    "persons.0.name": "李娜",
    "persons.2.name": "王芳",
    "instrument.site.address": "福州市鼓楼区一路1号",
}
DISCLOSURE = Disclosure(
    Digest(bytes([7]) * 32),
    {path: DisclosedMember(salt, value) for (path, value), salt in zip(VALUES.items(), SALTS, strict=True)},
)


def make_concealed_record():
    record = make_record(1, applicant=conceal(VALUES["applicant"], SALTS[0]))
    record["persons"][0]["name"] = conceal(VALUES["persons.0.name"], SALTS[1])
    record["persons"][2]["name"] = conceal(VALUES["persons.2.name"], SALTS[2])
    record["instrument"]["site"]["address"] = conceal(VALUES["instrument.site.address"], SALTS[3])
    return record


RECORD = make_concealed_record()
RAW = encode_disclosure(DISCLOSURE)
MEMBERS = json.loads(RAW)


def test_a_commitment_is_a_hash_over_salt_and_canonical_value():
    expected = hashlib.sha256(bytes(16) + '"李娜"'.encode()).digest()
    assert compute_commitment("李娜", bytes(16)) == expected
    assert conceal("李娜", bytes(16)) == {"sd": expected.hex()}
    assert (
        compute_commitment({"b": 1, "a": 2}, bytes(16))
        == hashlib.sha256(bytes(16) + b'{"a":2,"b":1}').digest()
    )


@given(JSON, JSON, st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_another_value_or_salt_gives_another_commitment(one, other, salt, pepper):
    try:
        first, spelled = compute_commitment(one, salt), encode_canonical_json(one)
        second, respelled = compute_commitment(other, pepper), encode_canonical_json(other)
    except InputError:
        return
    assert (first == second) == ((spelled, salt) == (respelled, pepper))


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_salt_has_16_bytes(size):
    with pytest.raises(InputError, match="expected 16"):
        compute_commitment("x", bytes(size))


def test_the_record_is_good_without_the_values():
    record = parse_record(Reader(RECORD, ""))
    assert record.applicant.digest == compute_commitment(VALUES["applicant"], SALTS[0])
    assert "李娜" not in json.dumps(RECORD, ensure_ascii=False)


def test_what_is_disclosed_is_what_the_record_commits_to():
    verify_disclosure(RECORD, DISCLOSURE)
    verify_disclosure(RECORD, Disclosure(DISCLOSURE.certificate_digest, {}))


@pytest.mark.parametrize("path", VALUES)
def test_another_value_salt_or_place_is_found(path):
    member = DISCLOSURE.members[path]
    others = [path for path in VALUES if DISCLOSURE.members[path] is not member]
    for wrong_path, wrong in (
        (path, DisclosedMember(member.salt, "别人")),
        (path, DisclosedMember(bytes([9]) * 16, member.value)),
        (others[0], member),
        (others[1], member),
    ):
        with pytest.raises(VerificationError, match=f"^{wrong_path.replace('.', '[.]')} is not"):
            verify_disclosure(RECORD, Disclosure(DISCLOSURE.certificate_digest, {wrong_path: wrong}))


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "persons", "persons.3.name", "persons.-1.name", "persons.00.name", "persons.٠.name"),
        *(
            "persons.0",
            "persons.name",
            "persons.0.name.sd",
            "no.0",
            "applicant.sd",
            "stranger",
            "persons.0x0.name",
        ),
        *("persons. 0.name", "persons.0.", "persons." + "9" * 6000 + ".name"),
    ],
    ids=lambda path: repr(path)[:30],
)
def test_a_path_that_leads_to_no_commitment_is_refused(path):
    disclosed = Disclosure(DISCLOSURE.certificate_digest, {path: DISCLOSURE.members["persons.0.name"]})
    with pytest.raises(VerificationError):
        verify_disclosure(RECORD, disclosed)


def test_what_is_written_is_read_back():
    assert parse_disclosure(RAW) == DISCLOSURE
    assert encode_disclosure(parse_disclosure(RAW)) == RAW
    assert MEMBERS["type"] == "hengzheng/disclosure/v1"
    assert MEMBERS["certificate"] == "07" * 32


@pytest.mark.parametrize(
    "document",
    [
        *({}, [], MEMBERS | {"type": "hengzheng/disclosure/v2"}, MEMBERS | {"certificate": "07" * 31}),
        *(removed(MEMBERS, (name,)) for name in MEMBERS),
        *(added(MEMBERS, path) for path in [(), ("members", "applicant")]),
        *(removed(MEMBERS, ("members", "applicant", name)) for name in ("salt", "value")),
        *(
            replaced(MEMBERS, ("members", "applicant", "salt"), salt)
            for salt in ("", "00" * 15, "0A" * 16, 7)
        ),
        *(replaced(MEMBERS, ("members",), value) for value in ([], "x", {"a": 1}, {"a": {}})),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_no_disclosure_is_refused(document):
    with pytest.raises(InputError):
        parse_disclosure(encode_canonical_json(document))


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_as_input(raw):
    with pytest.raises(InputError):
        parse_disclosure(raw)


@given(st.sampled_from([path for path, _ in walk(MEMBERS)]), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_refused_or_contradicts_the_record(path, value):
    members = replaced(MEMBERS, path, value)
    try:
        disclosure = parse_disclosure(encode_canonical_json(members))
    except InputError:
        return
    assert encode_disclosure(disclosure) == encode_canonical_json(members)
    if members["members"] not in (MEMBERS["members"], {}):
        with pytest.raises(VerificationError):
            verify_disclosure(RECORD, disclosure)
