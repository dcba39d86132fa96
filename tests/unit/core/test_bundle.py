"""The bundle file: one spelling, exactly these members, nothing in it believed."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import ORIGIN, MemoryLedger, make_record, seal_record
from mutations import JSON, ODD_VALUES, added, get, removed, replaced, show, walk

from ledger.core.bundle import MAX_BUNDLE_BYTES, encode_bundle, parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError
from ledger.core.evidence import encode_evidence

LEDGER = MemoryLedger().found()
INDEX = LEDGER.issue(1)
RAW = LEDGER.bundle(INDEX)
MEMBERS = json.loads(RAW)
PATHS = [path for path, _ in walk(MEMBERS)]


def encode_again(bundle) -> bytes:
    return encode_bundle(
        origin=bundle.origin,
        credential=json.loads(bundle.certificate.raw),
        statement_raw=bundle.statement_raw,
        leaf_index=bundle.leaf_index,
        header=bundle.header,
        inclusion=bundle.inclusion,
        checkpoint=bundle.checkpoint,
        evidence=encode_evidence(bundle.evidence),
        map_proof=bundle.map_proof,
        receipt=bundle.receipt,
    )


@pytest.mark.parametrize("raw", [RAW, LEDGER.bundle(INDEX, receipt=None)], ids=["anchored", "not yet"])
def test_what_is_written_is_read_back(raw):
    assert encode_again(parse_bundle(raw)) == raw


def test_its_members_are_those_of_the_norm():
    assert list(MEMBERS) == [
        *("certificate", "checkpoint", "digest", "evidence", "inclusion", "leaf", "map", "origin", "receipt"),
        *("statement", "suite", "type"),
    ]
    assert (MEMBERS["type"], MEMBERS["suite"], MEMBERS["origin"]) == (
        "hengzheng/bundle/v1",
        "ed25519/sha-256",
        ORIGIN,
    )


def test_what_is_in_it_is_handed_out():
    bundle = parse_bundle(RAW)
    leaf = parse_leaf(LEDGER.leaves[INDEX])
    assert (bundle.header, bundle.statement_raw, bundle.leaf_index) == (
        leaf.header,
        leaf.statement_raw,
        INDEX,
    )
    assert bundle.certificate.raw == encode_canonical_json(LEDGER.documents[INDEX].credential)
    assert bundle.certificate.digest == leaf.header.certificate_digest
    assert bundle.evidence == LEDGER.evidence()
    assert bundle.map_proof == LEDGER.map_proof(INDEX)
    assert bundle.receipt == LEDGER.receipt()
    assert bundle.evidence_digest == hashlib.sha256(encode_canonical_json(MEMBERS["evidence"])).digest()


def test_the_digest_is_over_everything_else():
    rest = {name: value for name, value in MEMBERS.items() if name != "digest"}
    expected = hashlib.sha256(encode_canonical_json(rest)).digest()
    bundle = parse_bundle(RAW)
    assert bundle.stated_digest == bundle.computed_digest == expected
    other = parse_bundle(encode_canonical_json(MEMBERS | {"digest": "00" * 32}))
    assert other.stated_digest == bytes(32)
    assert other.computed_digest == expected


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(name):
    raw = encode_canonical_json(removed(MEMBERS, (name,)))
    if name == "receipt":
        assert parse_bundle(raw).receipt is None
    else:
        with pytest.raises(InputError, match=rf"^bundle\.{name}: this member is missing"):
            parse_bundle(raw)


@pytest.mark.parametrize(
    "path", [path for path in [(), *PATHS] if isinstance(get(MEMBERS, path), dict)], ids=show
)
def test_an_unknown_member_is_refused(path):
    if path[:1] == ("certificate",) and path[-1:] == (0,) and path[-2] == "proof":
        return  # a proof is read when it is verified
    with pytest.raises(InputError):
        parse_bundle(encode_canonical_json(added(MEMBERS, path)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("type",), "hengzheng/bundle/v2"),
        (("suite",), "ed25519/sha-512"),
        (("suite",), "sm2/sm3"),
        (("digest",), "00" * 31),
        (("digest",), MEMBERS["digest"].upper()),
        (("origin",), ""),
        (("statement",), MEMBERS["statement"] + "="),
        (("statement",), "A" * 100_000),
        (("leaf", "index"), -1),
        (("leaf", "index"), 2**53),
        (("leaf", "header"), "AAAA"),
        (("inclusion",), ["AAAA"]),
        (("inclusion",), "x"),
        (("checkpoint",), "x" * 1_000_001),
        (("receipt",), {}),
        (("evidence",), {}),
        (("map",), ""),
        (("map",), MEMBERS["map"] + "="),
        (("map",), MEMBERS["map"][:-1]),
        (("map",), [MEMBERS["map"]]),
        (("map",), "A" * (MAX_BUNDLE_BYTES + 4)),
        (("certificate",), {}),
        (("certificate",), "x"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_out_of_range_is_refused(path, value):
    with pytest.raises(InputError):
        parse_bundle(encode_canonical_json(replaced(MEMBERS, path, value)))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{}", b"[]", b"null", b'"x"', b"\xff\xfe", RAW[:-1], RAW + b"\n", b" " + RAW, RAW + RAW),
        b"\xef\xbb\xbf" + RAW,
        RAW.decode().encode("utf-16"),
        json.dumps(MEMBERS).encode(),
        json.dumps(MEMBERS, sort_keys=True, separators=(",", ":")).encode(),
        RAW.replace(b'"index":5', b'"index":5.0'),
        RAW.replace(b'"index":5', b'"index":NaN'),
        RAW.replace(b'"index":5', b'"index":5,"index":5'),
        RAW.replace(b'"index":5', b'"index":null'),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"' + b"x" * MAX_BUNDLE_BYTES + b'"',
        b"1" * 100_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_what_is_no_bundle_is_refused(raw):
    with pytest.raises(InputError):
        parse_bundle(raw)


def test_a_certificate_is_as_large_as_it_may_be_alone():
    record = make_record(1, results=[])
    parts = [{"id": f"{number:07}", "name": "名" * 33} for number in range(1800)]
    record["instrument"] = record["instrument"] | {"parts": parts}
    credential = seal_record(record, LEDGER.log_signer)
    assert len(encode_canonical_json(credential)) < MAX_CERTIFICATE_BYTES
    parse_bundle(encode_canonical_json(MEMBERS | {"certificate": credential}))
    record["instrument"]["parts"] = parts + [
        {"id": f"x{number:06}", "name": "名" * 33} for number in range(300)
    ]
    credential = seal_record(record, LEDGER.log_signer)
    with pytest.raises(InputError, match="at most 262144"):
        parse_bundle(encode_canonical_json(MEMBERS | {"certificate": credential}))


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_as_input(raw):
    with pytest.raises(InputError):
        parse_bundle(raw)


@given(st.sampled_from(PATHS), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_read_or_refused_as_input(path, value):
    members = replaced(MEMBERS, path, value)
    try:
        raw = encode_canonical_json(members)
        bundle = parse_bundle(raw)
    except InputError:
        return
    if bundle.stated_digest == bundle.computed_digest:
        assert encode_again(bundle) == raw, "one spelling"
    else:
        assert members != MEMBERS
