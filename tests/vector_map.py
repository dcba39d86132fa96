"""Vectors of the status map: whole maps, proofs of some subjects in them, and the leaves that state them."""

import hashlib
from dataclasses import replace
from typing import Any

from ledger_in_memory import MemoryLedger
from vector_kind import Kind, show

from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject
from ledger.core.map_proof import build_map_proof
from ledger.core.maphead import build_maphead
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import (
    EMPTY_MAP,
    StatusMap,
    encode_state,
    hash_map_inner,
    hash_map_leaf,
    load_nothing,
)

States = dict[Subject, SubjectState]


def _subject(number: int) -> Subject:
    return Subject(number.to_bytes(32))


def _named(name: str) -> Subject:
    return Subject(hashlib.sha256(b"test subject " + name.encode()).digest())


def _state(
    index: int, status: Status = Status.VALID, version: int = 1, *, document: bool = True
) -> SubjectState:
    return SubjectState(status, version, LeafIndex(index), LeafIndex(index) if document else None)


def _four() -> States:
    """Return four subjects, two on each side of bit 0, which part at bit 1."""
    return {
        _subject(0b00 << 254): _state(5),
        _subject(0b01 << 254): _state(6, Status.FAILED, 2),
        _subject(0b10 << 254): _state(0, Status.ACTIVE, document=False),
        _subject(0b11 << 254): _state(7, Status.INACTIVE, 3, document=False),
    }


def _many() -> States:
    return {_named(str(number)): _state(number) for number in range(100)}


def _grow(states: States) -> StatusMap:
    return EMPTY_MAP.update(states, load_nothing)


def _members(state: SubjectState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "status": state.status,
        "version": state.version,
        "last_event": state.last_event,
        "current_certificate": state.current_certificate,
    }


# --- maps -------------------------------------------------------------------------------------------------


def build_maps() -> Kind:
    kind = Kind(
        "status_map",
        {
            "states.json": "every subject in hex with its state; `current_certificate` is null where there is none",
            "expected.json": "value and leaf hash of each subject, and the root of the map, in hex",
        },
    )
    most = SubjectState(Status.VOID, 2**32 - 1, LeafIndex(2**64 - 2), LeafIndex(2**64 - 2))
    for name, why, states in (
        ("empty", "the root of the empty map", {}),
        ("one", "one subject is one leaf", {_named("0"): _state(5)}),
        (
            "bit_0",
            "two subjects that part at the first bit",
            {_subject(0): _state(5), _subject(2**255): most},
        ),
        ("bit_255", "two subjects that part at the last bit", {_subject(0): _state(5), _subject(1): most}),
        ("four", "two inner nodes under the root", _four()),
        (
            "skipped_bits",
            "bits in which all agree have no node",
            {_subject(number): _state(at) for at, number in enumerate((0, 1, 2**100, 3 * 2**99, 2**248))},
        ),
        ("hundred", "a hundred subjects spread evenly", _many()),
        ("log", "the states of a small log", dict(MemoryLedger().found().issue_many(2).states)),
    ):
        rows = {subject.hex(): _members(state) for subject, state in states.items()}
        expected = {
            "root": _grow(states).root_hash.hex(),
            "subjects": {
                subject.hex(): {
                    "value": encode_state(state).hex(),
                    "leaf_hash": hash_map_leaf(subject, encode_state(state)).hex(),
                }
                for subject, state in states.items()
            },
        }
        kind.add(name, why, states_json=show(rows), expected_json=show(expected))
    return kind


# --- proofs -----------------------------------------------------------------------------------------------


def build_map_proofs() -> Kind:
    kind = Kind(
        "map_proof",
        {
            "proof.hex": "the proof in lower-case hex, and a line feed",
            "expected.json": "`root`: what it is checked against; `shown`: state of each subject that it shows, "
            "null where the map does not have it; `not_shown`: subjects of which it says nothing; of a `_fail` "
            "case whether it cannot be read (`parse`) or leads to another root (`root`)",
        },
    )
    four, many = _four(), _many()
    a, b, c, d = four
    named = [_named(str(number)) for number in (0, 50, 99)]
    for name, why, states, wanted, hidden in (
        ("empty", "the empty map has nobody", {}, [_named("0")], []),
        ("alone", "the only subject of a map", {a: four[a]}, [a], []),
        ("alone_absent", "every other subject is absent from it", {a: four[a]}, [d, _named("0")], []),
        ("one_of_four", "one subject; its neighbours are cut", four, [a], [b, c, d]),
        ("absent", "an absent subject: the path ends at another", four, [_subject(1)], [b, c, d]),
        ("two_of_four", "two subjects on both sides", four, [a, d], [b, c]),
        ("all_of_four", "nothing is cut", four, [a, b, c, d], []),
        (
            "three_of_hundred",
            "some of many, and one that is absent",
            many,
            [*named, _named("x")],
            [_named("1")],
        ),
        ("nobody", "a root and nothing under it shows nobody", four, [], [a, b, c, d]),
    ):
        grown = _grow(states)
        expected = {
            "root": grown.root_hash.hex(),
            "shown": {subject.hex(): _members(states.get(subject)) for subject in wanted},
            "not_shown": [subject.hex() for subject in hidden],
        }
        raw = build_map_proof(grown, wanted, load_nothing)
        kind.add(name, why, proof_hex=raw.hex().encode() + b"\n", expected_json=show(expected))
    _add_broken_proofs(kind, four)
    _add_misshapen_proofs(kind, four)
    return kind


def _fail(kind: Kind, name: str, why: str, raw: bytes, root_hash: bytes, at: str) -> None:
    expected = {"root": root_hash.hex(), "fails": at}
    kind.add(f"{name}_fail", why, proof_hex=raw.hex().encode() + b"\n", expected_json=show(expected))


def _add_broken_proofs(kind: Kind, four: States) -> None:
    """Add proofs that an honest log would not give."""
    a, b, *_ = four
    grown = _grow(four)
    raw, root_hash = build_map_proof(grown, [a], load_nothing), grown.root_hash
    older = _grow(four | {a: _state(4)})
    gone = _grow({subject: state for subject, state in four.items() if subject != a})
    cut_at = raw.index(b"\x00", 58)
    for name, why, wrong, at in (
        ("bit", "the last bit was turned", raw[:-1] + bytes([raw[-1] ^ 1]), "root"),
        (
            "version",
            "the version of the subject was raised",
            raw.replace(b"\1\0\0\0\1", b"\1\0\0\0\2", 1),
            "root",
        ),
        ("older", "the map from before the newest event", build_map_proof(older, [a], load_nothing), "root"),
        ("denied", "a map that lacks the subject", build_map_proof(gone, [a], load_nothing), "root"),
        ("other_bit", "the children part at another bit", raw[:1] + b"\x02" + raw[2:], "parse"),
        ("nothing", "no bytes", b"", "parse"),
        ("short", "a byte is missing", raw[:-1], "parse"),
        ("behind", "a byte follows", raw + b"\x00", "parse"),
        ("twice", "the proof stands there twice", raw + raw, "parse"),
        ("kind", "a node of an unknown kind", raw[:cut_at] + b"\x01" + raw[cut_at + 1 :], "parse"),
        ("empty_inside", "the empty map stands alone", b"\x03\x00\x04\x04", "parse"),
        ("not_empty", "a map with subjects is not empty", b"\x04", "root"),
        ("other_subject", "the proof of a neighbour, renamed", raw.replace(a, b), "parse"),
    ):
        assert wrong != raw, name
        _fail(kind, name, why, wrong, root_hash, at)
    _fail(kind, "empty", "the empty map has its own root", raw, EMPTY_MAP.root_hash, "root")


def _add_misshapen_proofs(kind: Kind, four: States) -> None:
    """Add tries that a lying log could state: they lead to their root, and must be refused all the same."""
    leaves = {
        subject: (b"\x02" + subject + encode_state(state), hash_map_leaf(subject, encode_state(state)))
        for subject, state in four.items()
    }
    (a, hash_a), (b, hash_b), (c, hash_c), _ = leaves.values()

    def fail(name: str, why: str, bits: tuple[int, int], nodes: tuple[bytes, bytes, bytes]) -> None:
        hashes = {a: hash_a, b: hash_b, c: hash_c}
        above, below = bits
        left, right, other = nodes
        raw = b"\x03" + bytes([above]) + b"\x03" + bytes([below]) + left + right + other
        inner = hash_map_inner(below, hashes[left], hashes[right])
        _fail(kind, name, why, raw, hash_map_inner(above, inner, hashes[other]), "parse")

    fail("bits_equal", "the same bit again on the way down", (0, 0), (a, b, c))
    fail("bits_fall", "an earlier bit on the way down", (1, 0), (a, c, b))
    fail("wrong_side", "two subjects in each other's place", (0, 1), (b, a, c))
    fail("two_places", "a subject in a second place", (0, 1), (a, a, c))
    fail("wrong_half", "a subject where the bit above does not lead", (0, 1), (a, b, a))
    subject, state = next(iter(four.items()))
    value = b"\x09" + encode_state(state)[1:]
    wrong = b"\x02" + subject + value
    _fail(kind, "status", "an unknown status", wrong, hash_map_leaf(subject, value), "parse")


# --- MAPHEAD ----------------------------------------------------------------------------------------------


def build_mapheads() -> Kind:
    kind = Kind(
        "maphead",
        {
            "leaf.hex": "the last leaf under a checkpoint in lower-case hex, and a line feed",
            "expected.json": "root of the status map, prev and version; of a `_fail` case whether it is no leaf "
            "(`parse`) or no MAPHEAD (`maphead`)",
        },
    )
    ledger = MemoryLedger().found()
    first = ledger.publish() - 1
    ledger.issue(0)
    second = ledger.publish() - 1
    for name, why, index in (("first", "the first of a log", first), ("second", "the second", second)):
        header = parse_leaf(ledger.leaves[index]).header
        expected = {"root": header.certificate_digest.hex(), "prev": header.prev, "version": header.version}
        kind.add(
            name, why, leaf_hex=ledger.leaves[index].hex().encode() + b"\n", expected_json=show(expected)
        )
    good, raw = parse_leaf(ledger.leaves[second]).header, ledger.leaves[second]
    statement = parse_leaf(ledger.leaves[5 + 1])
    filled = replace(
        good,
        statement_length=statement.header.statement_length,
        statement_digest=statement.header.statement_digest,
    )
    uncounted = build_maphead(good.certificate_digest, good.sequenced_at_ms, None)
    for name, why, wrong, at in (
        ("issue", "a leaf about a certificate", ledger.leaves[6], "maphead"),
        ("status", "another status", encode_leaf(replace(good, status=Status.VALID), b""), "maphead"),
        ("type", "another type", encode_leaf(replace(good, type=EventType.ROOT), b""), "maphead"),
        ("subject", "another subject", encode_leaf(replace(good, subject=_named("0")), b""), "maphead"),
        ("version", "the first has no number 2", encode_leaf(replace(uncounted, version=2), b""), "maphead"),
        ("zero", "no number 0", encode_leaf(replace(uncounted, version=0), b""), "maphead"),
        ("prev", "number 1 has none before it", encode_leaf(replace(good, version=1), b""), "maphead"),
        ("statement", "it has no statement", encode_leaf(filled, statement.statement_raw), "maphead"),
        ("short", "a byte is missing", raw[:-1], "parse"),
        ("behind", "a byte follows", raw + b"\x00", "parse"),
        (
            "digest",
            "not the digest of no statement",
            encode_leaf(replace(good, statement_digest=Digest(bytes(32))), b""),
            "parse",
        ),
    ):
        kind.add(
            f"{name}_fail", why, leaf_hex=wrong.hex().encode() + b"\n", expected_json=show({"fails": at})
        )
    return kind
