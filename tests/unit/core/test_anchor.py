"""The anchor receipt: every field under the log's signature."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import CHAIN, MemoryLedger, make_signer
from mutations import JSON, ODD_VALUES, added, removed, replaced, show, walk

from ledger.core.anchor import (
    DEVELOPMENT_CHAIN_IDS,
    AnchorGrade,
    AnchorReceipt,
    ChainIdentity,
    encode_chain_identity,
    encode_receipt,
    parse_chain_identity,
    parse_receipt,
    sign_receipt,
    verify_receipt,
)
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.core.signature import verify_signature

LOG = make_signer("log")
RECEIPT = sign_receipt(
    CHAIN,
    TreeSize(8),
    RootHash(bytes([9]) * 32),
    bytes([4]) * 32,
    5,
    bytes([5]) * 32,
    datetime(2026, 11, 22, 8, 0, 2, tzinfo=UTC),
    AnchorGrade.FINAL,
    LOG,
)
MEMBERS = json.loads(encode_canonical_json(encode_receipt(RECEIPT)))


def parse(members) -> AnchorReceipt:
    return parse_receipt(Reader(members, "receipt"))


def test_what_is_written_is_read_back():
    assert parse(MEMBERS) == RECEIPT
    assert encode_receipt(parse(MEMBERS)) == MEMBERS
    assert set(MEMBERS) == {
        *("anchored_at", "block_hash", "block_number", "chain_id", "contract", "genesis_hash", "grade"),
        *("log_id", "root_hash", "signature", "tree_size", "tx_hash", "type"),
    }


def test_the_signature_is_over_domain_and_canonical_object():
    unsigned = {name: value for name, value in MEMBERS.items() if name != "signature"}
    message = b"hengzheng/receipt/v1\x00" + encode_canonical_json(unsigned)
    verify_signature(LOG.public_key, RECEIPT.signature, message)
    verify_receipt(RECEIPT, LOG.public_key)


@pytest.mark.parametrize("name", [field.name for field in fields(AnchorReceipt)])
def test_every_field_is_signed(name):
    value = getattr(RECEIPT, name)
    other = {
        "chain": replace(CHAIN, chain_id=1),
        "anchored_at": RECEIPT.anchored_at + timedelta(seconds=1),
        "grade": AnchorGrade.SAFE,
    }.get(
        name,
        value + 1 if isinstance(value, int) else bytes(len(value)) if isinstance(value, bytes) else value,
    )
    assert other != value
    with pytest.raises(BrokenSignatureError):
        verify_receipt(replace(RECEIPT, **{name: other}), LOG.public_key)


@pytest.mark.parametrize("name", [field.name for field in fields(ChainIdentity)])
def test_every_field_of_the_chain_is_signed(name):
    value = getattr(CHAIN, name)
    other = value + 1 if isinstance(value, int) else bytes(len(value))
    with pytest.raises(BrokenSignatureError):
        verify_receipt(replace(RECEIPT, chain=replace(CHAIN, **{name: other})), LOG.public_key)


def test_another_key_did_not_sign():
    with pytest.raises(BrokenSignatureError):
        verify_receipt(RECEIPT, make_signer("root").public_key)
    forged = MemoryLedger().found().receipt(signer=make_signer("thief"))
    with pytest.raises(BrokenSignatureError):
        verify_receipt(forged, LOG.public_key)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(name):
    with pytest.raises(InputError, match=rf"^receipt\.{name}: this member is missing"):
        parse(removed(MEMBERS, (name,)))


def test_an_unknown_member_is_refused():
    with pytest.raises(InputError, match="unknown member: stranger"):
        parse(added(MEMBERS, ()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "hengzheng/receipt/v2"),
        ("tree_size", 0),
        ("tree_size", 2**53),
        ("block_number", -1),
        ("chain_id", -1),
        ("chain_id", "31337"),
        ("contract", "0x" + "02" * 20),
        ("contract", "02" * 21),
        ("contract", "0A" * 20),
        ("genesis_hash", "01" * 31),
        ("log_id", ""),
        ("root_hash", "z" * 64),
        ("tx_hash", "04" * 33),
        ("block_hash", " " + "05" * 32),
        ("anchored_at", "2026-11-22"),
        ("anchored_at", "2026-11-22T08:00:02"),
        ("anchored_at", "2026-11-22T08:00:02.000Z"),
        ("anchored_at", "2026-11-22T16:00:02+08:00"),
        ("grade", "FINAL"),
        ("grade", "settled"),
        ("signature", "00" * 63),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(InputError, match=rf"^receipt\.{name}: "):
        parse(MEMBERS | {name: value})


@given(st.sampled_from([path for path, _ in walk(MEMBERS)]), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_refused_as_input_or_breaks_the_signature(path, value):
    members = replaced(MEMBERS, path, value)
    try:
        receipt = parse(members)
    except InputError:
        return
    assert encode_receipt(receipt) == members, "one spelling"
    if members != MEMBERS:
        with pytest.raises(BrokenSignatureError):
            verify_receipt(receipt, LOG.public_key)


def test_a_chain_is_named_by_four_members():
    members = encode_chain_identity(CHAIN)
    assert set(members) == {"chain_id", "genesis_hash", "contract", "log_id"}
    assert parse_chain_identity(Reader(members, "")) == CHAIN


def test_chain_ids_of_development_nodes_are_known():
    assert {1337, 31337} < DEVELOPMENT_CHAIN_IDS
    for chain_id in DEVELOPMENT_CHAIN_IDS:
        assert replace(CHAIN, chain_id=chain_id).is_development
    for chain_id in (1, 10, 56, 137, 11_155_111, 0, 31336):
        assert not replace(CHAIN, chain_id=chain_id).is_development, show((chain_id,))
