"""Vectors of bundles: good ones, broken ones, and those of a log that lies."""

import hashlib
import json
from datetime import datetime
from typing import Any

from ledger_in_memory import (
    MemoryLedger,
    make_point,
    make_record,
    make_rejection,
    make_signer,
)
from vector_kind import Kind, show

from ledger.core.authority import RegisterState
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.policy import encode_policy
from verifier.verify import verify_bundle

# --- bundles ----------------------------------------------------------------------------------------------


def build_bundles() -> Kind:
    kind = Kind(
        "bundle",
        {
            "bundle.json": "the bundle",
            "policy.json": "what it is believed under",
            "expected.json": "`at`, the verifier's clock, and what it reports: verdict, authentic, "
            "status, exit code, outcome of "
            "every step; of a `_fail` case that is no bundle (`parse`), or none of this log (`log`), "
            "only that",
        },
    )
    _add_good_bundles(kind)
    _add_broken_bundles(kind)
    _add_forced_bundles(kind)
    return kind


def _expect(ledger: MemoryLedger, raw: bytes, at: str = "2026-03-03T08:00:00Z") -> dict[str, Any]:
    report = verify_bundle(parse_bundle(raw), ledger.session(), datetime.fromisoformat(at))
    return {
        "at": at,
        "verdict": report.verdict.value,
        "authentic": report.authentic,
        "status": None if report.status is None else report.status.value,
        "exit_code": report.exit_code,
        "steps": {check.step.code: check.outcome.value for check in report.checks},
    }


def _add_bundle(kind: Kind, name: str, why: str, ledger: MemoryLedger, raw: bytes, **options: str) -> None:
    expected = _expect(ledger, raw, **options)
    assert name.endswith("_fail") == (expected["verdict"] == "INVALID" and not expected["authentic"]), name
    kind.add(
        name, why, bundle_json=raw, policy_json=encode_policy(ledger.policy()), expected_json=show(expected)
    )


def _add_good_bundles(kind: Kind) -> None:
    ledger = MemoryLedger().found().issue_many(3)
    rejection = ledger.issue_record(make_rejection(3))
    _add_bundle(kind, "pump", "valid", ledger, ledger.bundle(5, size=8))
    _add_bundle(
        kind, "expired", "the day after its last day", ledger, ledger.bundle(5), at="2026-08-27T16:00:00Z"
    )
    _add_bundle(
        kind,
        "last_day",
        "the last second of its last day",
        ledger,
        ledger.bundle(5),
        at="2026-08-27T15:59:59Z",
    )
    _add_bundle(kind, "rejection", "authentic, and not to be relied on", ledger, ledger.bundle(rejection))
    _add_bundle(
        kind,
        "no_receipt",
        "not anchored yet, which the policy asks for",
        ledger,
        ledger.bundle(5, receipt=None),
    )
    _add_bundle(kind, "late", "logged 31 days after the verification: a warning", *_late())
    broken = make_record(
        9,
        results=[
            {
                "item": "indication_error",
                "error_unit": "%",
                "points": [make_point("0.5", "0.4")],
                "pass": True,
            }
        ],
    )
    other = MemoryLedger().found()
    other.issue_record(broken)
    _add_bundle(kind, "limits_fail", "an error of 0.5 % that passed a limit of 0.4 %", other, other.bundle(5))


def _late() -> tuple[MemoryLedger, bytes]:
    ledger = MemoryLedger().found()
    record = make_record(
        1, verified_on="2026-01-29", issued_on="2026-01-29", validity={"kind": "date", "until": "2026-07-28"}
    )
    for person in record["persons"]:
        person["signed_at"] = person["signed_at"].replace("2026-02-28", "2026-01-29")
    return ledger, ledger.bundle(ledger.issue_record(record))


def _with_digest(members: dict[str, Any]) -> bytes:
    rest = {name: value for name, value in members.items() if name != "digest"}
    return encode_canonical_json(rest | {"digest": hashlib.sha256(encode_canonical_json(rest)).hexdigest()})


def _add_broken_bundles(kind: Kind) -> None:
    ledger = MemoryLedger().found().issue_many(2)
    raw, other = ledger.bundle(5), json.loads(ledger.bundle(6))
    members = json.loads(raw)
    older = json.loads(ledger.bundle(5, size=6))
    serial = json.loads(raw.replace(b"SN00000000", b"SN00000001"))
    _add_bundle(
        kind,
        "damaged_fail",
        "a digit was changed; its own digest tells",
        ledger,
        raw.replace(b"SN00000000", b"SN00000001"),
    )
    _add_bundle(kind, "serial_fail", "the same, with the digest put right", ledger, _with_digest(serial))
    for part, why in (
        ("certificate", "the certificate of another bundle"),
        ("statement", "the statement of another bundle"),
        ("leaf", "the leaf of another bundle"),
        ("inclusion", "the inclusion proof of another bundle"),
    ):
        _add_bundle(kind, f"{part}_swapped_fail", why, ledger, _with_digest(members | {part: other[part]}))
    for part, why in (
        ("checkpoint", "the checkpoint of an older state"),
        ("evidence", "the evidence of an older state"),
        ("receipt", "the receipt of an older state"),
    ):
        _add_bundle(kind, f"{part}_older_fail", why, ledger, _with_digest(members | {part: older[part]}))
    for name, why, wrong, at in (
        ("cut", "cut off", raw[:-100], "parse"),
        ("spaces", "not the canonical spelling", json.dumps(members, ensure_ascii=False).encode(), "parse"),
        ("suite", "another suite", raw.replace(b"ed25519/sha-256", b"sm2/sm3"), "parse"),
        (
            "other_log",
            "of another log",
            _other_log(),
            "log",
        ),
    ):
        expected = show({"at": "2026-03-03T08:00:00Z", "fails": at, "exit_code": 2})
        policy = encode_policy(ledger.policy())
        kind.add(f"{name}_fail", why, bundle_json=wrong, policy_json=policy, expected_json=expected)


def _other_log() -> bytes:
    other = MemoryLedger("ledger.example/other").found()
    return other.bundle(other.issue(0))


def _add_forced_bundles(kind: Kind) -> None:
    """Add leaves that an honest log would have left without effect."""
    ledger = MemoryLedger().found()
    index = ledger.issue(0, kind="after_repair")
    _add_bundle(kind, "scope_fail", "a kind of verification outside the scope", ledger, ledger.bundle(index))
    ledger = MemoryLedger().found()
    ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    index = ledger.issue(0, force=True)
    _add_bundle(kind, "key_ended_fail", "the key had ended before the leaf", ledger, ledger.bundle(index))
    ledger = MemoryLedger().found()
    index = ledger.issue(0, institution="350100-02", force=True)
    _add_bundle(
        kind, "institution_fail", "an institution that is not registered", ledger, ledger.bundle(index)
    )
    ledger = MemoryLedger().found()
    ledger.issue(0)
    index = ledger.issue(0)
    _add_bundle(kind, "void_fail", "a leaf that the log itself holds as VOID", ledger, ledger.bundle(index))
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_record(0), version=2)
    _add_bundle(
        kind,
        "header_fail",
        "a header with another version than its statement gives",
        ledger,
        ledger.bundle(index),
    )
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_record(0), sequenced_at_ms=ledger.now_ms - 1500)
    _add_bundle(kind, "time_fail", "dated before an earlier leaf", ledger, ledger.bundle(index))
    ledger = MemoryLedger()
    for number, raw in enumerate(ledger.founding()):
        ledger.force(ledger.scope(categories=frozenset(Category), division="36") if number == 4 else raw)
    index = ledger.issue(0, force=True)
    _add_bundle(
        kind, "division_fail", "a scope line outside its authority's division", ledger, ledger.bundle(index)
    )
    ledger = MemoryLedger(roots=("root 1", "root 2", "root 3"), threshold=2)
    ledger.append(ledger.root())
    ledger.force(ledger.authority(endorsers=(ledger.roots[0], make_signer("authority"))))
    for raw in ledger.founding()[2:]:
        ledger.force(raw)
    index = ledger.issue(0, force=True)
    _add_bundle(
        kind, "threshold_fail", "an authority endorsed by one root key of two", ledger, ledger.bundle(index)
    )
    ledger = MemoryLedger().found()
    ledger.append(ledger.institution(id="350200-01", division="3502"))
    index = ledger.issue(0)
    _add_bundle(kind, "stranger_fail", "evidence about another institution too", ledger, ledger.bundle(index))
