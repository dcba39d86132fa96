"""Vectors of sticker proofs and of proofs of absence."""

import json
from collections.abc import Callable
from dataclasses import replace

from ledger_in_memory import INSTITUTION, NOW, MemoryLedger
from sticker_proofs import (
    choose_evidence,
    make_event,
    make_sticker_proof,
    prove_absence,
    prove_sticker,
)
from stickers import FIRST, PUMP, ROLL, SCALE, SECOND, StickerLedger
from vector_kind import Kind, show

from ledger.core.absence_proof import MissingCertificate, MissingVerification
from ledger.core.canonical import encode_canonical_json
from ledger.core.ids import CertificateNumber
from ledger.core.map_proof import build_map_proof
from ledger.core.policy import encode_policy
from ledger.core.status_map import load_nothing
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_proof import encode_sticker_proof, list_roll_subjects

_FAILS = (
    "of a `_fail` case whether it cannot be read (`parse`), is of another log (`log`) or does not hold "
    "(`evidence`)"
)
_OTHER_LOG = "ledger.example/other"

Add = Callable[[str, str, bytes, dict[str, object]], None]


def build_sticker_proofs() -> Kind:
    """Return the vectors of how stickers stand."""
    kind, add = _start(
        "sticker_proof",
        "the verifier's clock, verdict and the sticker's standing, `made_up` where it has one",
    )
    ledger = StickerLedger()
    proof = prove_sticker(ledger, FIRST)
    _add_good(add, "unused", "given out, not in use", proof, "UNKNOWN", "UNUSED")
    for name, why, roll, number in (
        ("no_roll", "the ledger has no such roll", replace(ROLL, roll="ZZZZZZZ"), 1),
        ("no_number", "the roll has no such number", replace(ROLL, count=500), 300),
        ("wrong_tag", "the tag is not the roll's", replace(ROLL, seed=bytes([1]) * 16), 5),
    ):
        raw = prove_sticker(ledger, compute_sticker_id(roll, number))
        expected = {"verdict": "INVALID", "standing": "NEVER_GIVEN_OUT", "made_up": name.upper()}
        add(name, why, raw, expected)
    bound = ledger.append(ledger.bind())
    size = ledger.publish()
    good = make_sticker_proof(ledger, FIRST)
    raw = encode_sticker_proof(good)
    _add_good(add, "bound", "on an instrument", raw, "UNKNOWN", "BOUND")
    _add_good(
        add,
        "no_receipt",
        "not anchored yet",
        encode_sticker_proof(replace(good, receipt=None)),
        "UNKNOWN",
        "BOUND",
    )
    older_map = good.map_proof
    cut = build_map_proof(ledger.maps[size], list_roll_subjects(FIRST), load_nothing)
    _add_fail(add, "place_hidden", "the map shows no place", replace(good, map_proof=cut))
    _add_fail(add, "binding_hidden", "the binding is left out", replace(good, event=None))
    alone = choose_evidence(ledger, None, size)
    _add_fail(add, "roll_hidden", "the roll's leaves are left out", replace(good, evidence=alone))
    _add_fail(
        add, "strangers", "evidence of other institutions too", replace(good, evidence=ledger.evidence())
    )
    _add_fail(add, "other_sticker", "the event is of another", replace(good, sticker=SECOND))
    ledger.append(ledger.bind(SECOND))
    _add_good(add, "replaced", "another stands there", prove_sticker(ledger, FIRST), "INVALID", "REPLACED")
    ledger.append(ledger.release())
    _add_good(add, "released", "stands nowhere", prove_sticker(ledger, FIRST), "INVALID", "RELEASED")
    hidden = make_sticker_proof(ledger, FIRST, index=bound)
    _add_fail(add, "release_hidden", "an older binding under a newer map", hidden)
    _add_fail(add, "map_older", "an older map", replace(hidden, map_proof=older_map))
    ledger.append(ledger.bind(FIRST, SCALE, "1"))
    _add_good(add, "part", "on a part", prove_sticker(ledger, FIRST), "UNKNOWN", "BOUND")
    _add_good(add, "second", "the newer of two", prove_sticker(ledger, SECOND), "UNKNOWN", "BOUND")
    forged = ledger.force(ledger.bind(compute_sticker_id(ROLL, 2), by="thief"))
    thief = make_sticker_proof(ledger, compute_sticker_id(ROLL, 2), index=forged)
    _add_fail(add, "thief", "bound by a key that is not registered", thief)
    other = StickerLedger()
    moved = make_event(other, other.append(other.bind()), other.publish())
    moved = replace(moved, leaf_index=moved.leaf_index - 1)
    _add_fail(add, "moved", "the event at another index", make_sticker_proof(other, FIRST, event=moved))
    _add_fail(
        add,
        "unsigned",
        "a checkpoint by another key",
        replace(good, checkpoint=MemoryLedger(log="thief").found().checkpoint()),
    )
    add(
        "other_log_fail",
        "of another log",
        encode_sticker_proof(replace(good, origin=_OTHER_LOG)),
        {"fails": "log"},
    )
    for name, why, broken in (
        ("cut", "cut off", raw[:-1]),
        ("spaced", "not canonical", raw.replace(b",", b", ", 1)),
        ("spelled", "the id with hyphens", raw.replace(FIRST.encode(), b"7KQ2-M9X0-000C-W2TT")),
        ("check_symbol", "a wrong check symbol", raw.replace(FIRST.encode(), FIRST[:-1].encode() + b"0")),
        ("member", "an unknown member", raw.replace(b'"type":', b'"tyqe":"x","type":', 1)),
        ("type", "another type", raw.replace(b"sticker-proof/v1", b"sticker-proof/v2")),
    ):
        add(f"{name}_fail", why, broken, {"fails": "parse"})
    return kind


def build_absence_proofs() -> Kind:
    """Return the vectors of what the ledger lacks."""
    kind, add = _start("absence_proof", "the verifier's clock, verdict and what the ledger lacks")
    ledger = StickerLedger()
    older = ledger.publish()
    ledger.issue(1)
    ledger.append(ledger.enter())
    instrument = _name_instrument(ledger)
    unknown = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-999999"))
    known = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000001"))
    for name, why, missing, verdict, absence in (
        ("certificate", "a number that was never used", unknown, "INVALID", "NO_CERTIFICATE"),
        ("instrument", "nobody knows it", MissingVerification(SCALE, None), "INVALID", "NO_INSTRUMENT"),
        ("part", "nobody knows this part", MissingVerification(SCALE, "1"), "INVALID", "NO_INSTRUMENT"),
        ("registered", "known, not verified", MissingVerification(PUMP, None), "UNKNOWN", "NO_VERIFICATION"),
    ):
        add(name, why, prove_absence(ledger, missing), {"verdict": verdict, "absence": absence})
    add(
        "older",
        "before it was issued",
        prove_absence(ledger, known, older),
        {"verdict": "INVALID", "absence": "NO_CERTIFICATE"},
    )
    empty = {"map_proof": b"\x04"}
    hidden = {"map_proof": build_map_proof(ledger.maps[older], [bytes(32)], load_nothing)}
    for name, why, missing, changes in (
        ("known", "the ledger has it", known, {}),
        ("verified", "the instrument is verified", MissingVerification(instrument, None), {}),
        ("verified_part", "the whole is verified", MissingVerification(instrument, "1"), {}),
        ("empty_map", "the empty map", unknown, empty),
        ("map_older", "an older map", known, hidden),
        ("no_root", "without the root", unknown, {"evidence": ledger.evidence(only=frozenset({1}))}),
        ("unsigned", "a checkpoint by another key", unknown, {"checkpoint": _forge()}),
    ):
        add(f"{name}_fail", why, prove_absence(ledger, missing, **changes), {"fails": "evidence"})
    raw = prove_absence(ledger, unknown)
    other = prove_absence(ledger, unknown, origin=_OTHER_LOG)
    add("other_log_fail", "of another log", other, {"fails": "log"})
    both = raw.replace(b'"checkpoint":', b'"certificate":{"issuer":"1","number":"1"},"checkpoint":', 1)
    for name, why, broken in (
        ("cut", "cut off", raw[:-1]),
        ("spaced", "not canonical", raw.replace(b",", b", ", 1)),
        ("twice", "two of one member", both),
        ("nothing", "about nothing", _drop(raw, "certificate")),
    ):
        add(f"{name}_fail", why, broken, {"fails": "parse"})
    return kind


def _start(name: str, expected: str) -> tuple[Kind, Add]:
    kind = Kind(
        name,
        {
            f"{name}.json": "the file",
            "policy.json": "what it is judged under",
            "expected.json": f"{expected}; {_FAILS}",
        },
    )
    policy = encode_policy(StickerLedger().policy())

    def add(case: str, why: str, raw: bytes, values: dict[str, object]) -> None:
        files = {f"{name}_json": raw, "policy_json": policy}
        kind.add(case, why, **files, expected_json=show({"now": NOW.isoformat(), **values}))

    return kind, add


def _add_good(add: Add, name: str, why: str, raw: bytes, verdict: str, standing: str) -> None:
    add(name, why, raw, {"verdict": verdict, "standing": standing})


def _add_fail(add: Add, name: str, why: str, proof: object) -> None:
    add(f"{name}_fail", why, encode_sticker_proof(proof), {"fails": "evidence"})


def _drop(raw: bytes, name: str) -> bytes:
    return encode_canonical_json({key: value for key, value in json.loads(raw).items() if key != name})


def _forge() -> str:
    return MemoryLedger(log="thief").found().checkpoint()


def _name_instrument(ledger: MemoryLedger) -> bytes:
    (document,) = ledger.documents.values()
    return bytes.fromhex(document.credential["credentialSubject"]["instrument"]["id"])
