"""The leaf: 128 bytes at fixed places, then the statement."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger

from ledger.core.entry import (
    HEADER_BYTES,
    MAX_LEAF_BYTES,
    NO_CERTIFICATE,
    LeafHeader,
    encode_header,
    encode_leaf,
    parse_header,
    parse_leaf,
)
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject

STATEMENT = b"a statement"
HEADER = LeafHeader(
    type=EventType.ISSUE,
    status=1,
    sequenced_at_ms=1_772_524_800_250,
    subject=Subject(bytes([0xAA]) * 32),
    prev=LeafIndex(0x0102030405060708),
    version=0x11223344,
    statement_length=len(STATEMENT),
    certificate_digest=Digest(bytes([0xBB]) * 32),
    statement_digest=Digest(hashlib.sha256(STATEMENT).digest()),
)


def test_every_member_stands_at_its_offset():
    raw = encode_header(HEADER)
    assert len(raw) == HEADER_BYTES == 128
    assert raw[0:4] == b"HZL1"
    assert raw[4:8] == bytes([1, 1, 0, 0])
    assert int.from_bytes(raw[8:16], "big") == HEADER.sequenced_at_ms
    assert raw[16:48] == bytes([0xAA]) * 32
    assert raw[48:56] == bytes(range(1, 9))
    assert raw[56:60] == bytes([0x11, 0x22, 0x33, 0x44])
    assert raw[60:64] == bytes([0, 0, 0, len(STATEMENT)])
    assert raw[64:96] == bytes([0xBB]) * 32
    assert raw[96:128] == hashlib.sha256(STATEMENT).digest()


def test_no_predecessor_is_all_ones_and_no_certificate_all_zeros():
    raw = encode_header(replace(HEADER, prev=None, certificate_digest=NO_CERTIFICATE))
    assert raw[48:56] == b"\xff" * 8
    assert raw[64:96] == bytes(32)
    assert parse_header(raw).prev is None


def test_the_time_is_utc_in_whole_milliseconds():
    assert HEADER.sequenced_at == datetime(2026, 3, 3, 8, 0, 0, 250_000, tzinfo=UTC)
    last = replace(HEADER, sequenced_at_ms=253_402_300_799_999)
    assert parse_header(encode_header(last)).sequenced_at.year == 9999


@given(
    st.builds(
        LeafHeader,
        type=st.sampled_from(EventType),
        status=st.integers(0, 255),
        sequenced_at_ms=st.integers(0, 253_402_300_799_999),
        subject=st.binary(min_size=32, max_size=32),
        prev=st.none() | st.integers(0, 2**64 - 2),
        version=st.integers(0, 2**32 - 1),
        statement_length=st.integers(0, 2**32 - 1),
        certificate_digest=st.binary(min_size=32, max_size=32),
        statement_digest=st.binary(min_size=32, max_size=32),
    )
)
def test_every_header_is_read_back(header):
    assert parse_header(encode_header(header)) == header


@given(st.binary(max_size=140) | st.binary(min_size=124, max_size=124).map(lambda rest: b"HZL1" + rest))
@example(b"HZL1" + b"\xff" * 124)
def test_any_bytes_are_a_header_in_one_spelling_or_refused(raw):
    try:
        header = parse_header(raw)
    except InputError:
        return
    assert encode_header(header) == raw
    assert header.sequenced_at <= datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("offset", "raw", "saying"),
    [
        (0, b"HZL2", "HZL1"),
        (0, b"hzl1", "HZL1"),
        (6, b"\x00\x01", "HZL1 and zero reserved bytes"),
        (6, b"\x80\x00", "HZL1 and zero reserved bytes"),
        (4, b"\x00", "unknown event type 0"),
        (4, b"\x11", "unknown event type 17"),
        (8, (253_402_300_800_000).to_bytes(8, "big"), "after the year 9999"),
        (8, b"\xff" * 8, "after the year 9999"),
    ],
)
def test_a_header_outside_its_ranges_is_refused(offset, raw, saying):
    good = encode_header(HEADER)
    with pytest.raises(InputError, match=saying):
        parse_header(good[:offset] + raw + good[offset + len(raw) :])


@pytest.mark.parametrize("size", [0, 1, 127, 129, 256])
def test_a_header_of_another_size_is_refused(size):
    with pytest.raises(InputError, match=f"leaf header of {size} bytes"):
        parse_header(encode_header(HEADER).ljust(size, b"\0")[:size])


# --- leaves -----------------------------------------------------------------------------------------------


def test_a_leaf_is_header_and_statement():
    raw = encode_leaf(HEADER, STATEMENT)
    assert raw == encode_header(HEADER) + STATEMENT
    leaf = parse_leaf(raw)
    assert (leaf.header, leaf.statement_raw) == (HEADER, STATEMENT)


def test_every_leaf_of_a_log_is_read_back():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    ledger.issue(1)
    for raw in ledger.leaves:
        leaf = parse_leaf(raw)
        assert encode_leaf(leaf.header, leaf.statement_raw) == raw


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: encode_header(HEADER) + tail))
def test_any_bytes_are_a_leaf_or_refused(raw):
    try:
        leaf = parse_leaf(raw)
    except InputError:
        return
    assert encode_leaf(leaf.header, leaf.statement_raw) == raw


@pytest.mark.parametrize(
    ("header", "statement", "saying"),
    [
        (HEADER, b"a statemenu", "digest of another statement"),
        (HEADER, b"a statement ", "longer or shorter"),
        (HEADER, b"a stat", "longer or shorter"),
        (HEADER, b"", "longer or shorter"),
        (replace(HEADER, statement_length=0), STATEMENT, "longer or shorter"),
        (replace(HEADER, statement_digest=Digest(bytes(32))), STATEMENT, "digest of another statement"),
    ],
)
def test_header_and_statement_belong_together(header, statement, saying):
    with pytest.raises(InputError, match=saying):
        parse_leaf(encode_header(header) + statement)


def test_a_leaf_is_at_most_65535_bytes_long():
    assert MAX_LEAF_BYTES == 65_535
    largest = bytes(MAX_LEAF_BYTES - HEADER_BYTES)
    assert len(encode_leaf(HEADER, largest)) == MAX_LEAF_BYTES
    with pytest.raises(InputError, match="leaf of 65536 bytes; at most 65535"):
        encode_leaf(HEADER, largest + b"\0")
