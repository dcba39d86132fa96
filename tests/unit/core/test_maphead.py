"""MAPHEAD leaves: the root of the status map, and nothing that a log could choose but the time."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger

from ledger.core.entry import HEADER_BYTES, encode_leaf, parse_leaf
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject
from ledger.core.maphead import MAPHEAD_SUBJECT, build_maphead, get_map_root, require_maphead
from ledger.core.status import Status
from ledger.core.status_map import EMPTY_MAP_ROOT

ROOT = bytes(range(32))
FIRST = build_maphead(ROOT, 1_767_225_600_000, None)
THIRD = build_maphead(ROOT, 1_767_225_600_000, (LeafIndex(17), 2))


def test_the_bytes_of_a_maphead():
    raw = encode_leaf(THIRD, b"")
    assert len(raw) == HEADER_BYTES
    subject = hashlib.sha256(b"hengzheng/subject/v1\x00\x11").digest()
    assert raw == (
        b"HZL1\xff\x10\x00\x00"
        + (1_767_225_600_000).to_bytes(8)
        + subject
        + (17).to_bytes(8)
        + (3).to_bytes(4)
        + bytes(4)
        + ROOT
        + hashlib.sha256(b"").digest()
    )
    assert subject == MAPHEAD_SUBJECT


def test_the_first_has_no_predecessor():
    assert (FIRST.prev, FIRST.version) == (None, 1)
    assert (THIRD.prev, THIRD.version) == (17, 3)
    assert get_map_root(FIRST) == ROOT


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 253_402_300_799_999),
    st.none() | st.tuples(st.integers(0, 2**64 - 2).map(LeafIndex), st.integers(1, 2**32 - 2)),
)
def test_what_a_log_writes_is_taken(map_root, at_ms, before):
    header = build_maphead(map_root, at_ms, before)
    found = require_maphead(encode_leaf(header, b""))
    assert (found, get_map_root(found)) == (header, map_root)


@pytest.mark.parametrize("good", [FIRST, THIRD], ids=["first", "third"])
@pytest.mark.parametrize(
    "change",
    [
        *({"type": event} for event in EventType if event is not EventType.MAPHEAD),
        *({"status": status} for status in (*Status, 0) if status != Status.ACTIVE),
        {"subject": Subject(bytes(32))},
        {"version": 0},
        {"statement_length": 1},
        {"statement_digest": Digest(bytes(32))},
    ],
    ids=str,
)
def test_no_other_header_is_taken(good, change):
    with pytest.raises((VerificationError, InputError)):
        require_maphead(encode_leaf(replace(good, **change), b""))


@pytest.mark.parametrize(
    ("prev", "version"),
    [(None, 0), (None, 2), (None, 2**32 - 1), (LeafIndex(0), 0), (LeafIndex(17), 1), (LeafIndex(2**63), 1)],
)
def test_the_number_of_a_maphead_fits_its_predecessor(prev, version):
    with pytest.raises(VerificationError, match="does not state the status map"):
        require_maphead(encode_leaf(replace(FIRST, prev=prev, version=version), b""))


def test_leaves_with_a_statement_are_none():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    for leaf in ledger.leaves:
        with pytest.raises(VerificationError, match="does not state the status map"):
            require_maphead(leaf)
    statement = parse_leaf(ledger.leaves[5]).statement_raw
    digest = Digest(hashlib.sha256(statement).digest())
    padded = replace(FIRST, statement_length=len(statement), statement_digest=digest)
    with pytest.raises(VerificationError, match="does not state the status map"):
        require_maphead(encode_leaf(padded, statement))


@pytest.mark.parametrize(
    "raw", [b"", encode_leaf(FIRST, b"")[:-1], encode_leaf(FIRST, b"") + b"\0", bytes(128)]
)
def test_what_is_no_leaf_is_refused_as_input(raw):
    with pytest.raises(InputError):
        require_maphead(raw)


@given(st.integers(0, 8 * HEADER_BYTES - 1))
def test_a_changed_bit_is_refused_or_said(position):
    raw = bytearray(encode_leaf(THIRD, b""))
    raw[position // 8] ^= 1 << position % 8
    try:
        found = require_maphead(bytes(raw))
    except (InputError, VerificationError):
        return
    assert encode_leaf(found, b"") == raw
    free = {"certificate_digest", "sequenced_at_ms", "prev", "version"}
    assert [name for name in free if getattr(found, name) != getattr(THIRD, name)] != []


def test_the_memory_ledger_publishes_such_leaves():
    ledger = MemoryLedger().found()
    first = ledger.publish()
    ledger.issue(1)
    second = ledger.publish()
    headers = [require_maphead(ledger.leaves[size - 1]) for size in (first, second)]
    assert [(header.prev, header.version) for header in headers] == [(None, 1), (first - 1, 2)]
    assert EMPTY_MAP_ROOT not in {get_map_root(header) for header in headers}
    assert ledger.publish() == second, "nothing new, no new leaf"
