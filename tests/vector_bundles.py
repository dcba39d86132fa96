"""Vectors of bundles: good ones, broken ones, and those of a log that lies."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from further_kinds import (
    GUARDED,
    found_for_all_kinds,
    make_calibration,
    make_paper,
    make_value,
    make_values,
)
from ledger_in_memory import (
    MemoryLedger,
    make_point,
    make_record,
    make_rejection,
    make_signer,
)
from vector_kind import Kind, show
from witnesses import cosign, cosign_falsely, make_quorum

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.evidence import encode_evidence
from ledger.core.map_proof import build_map_proof
from ledger.core.policy import DEFAULT_REQUIRED, encode_policy
from ledger.core.register_fields import RegisterState
from ledger.core.status_map import load_nothing
from ledger.core.step import Step
from verifier.verify import verify_bundle

NOW = "2026-03-03T08:00:00Z"

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
    _add_status_bundles(kind)
    _add_witnessed_bundles(kind)
    _add_further_bundles(kind)
    return kind


def _add_further_bundles(kind: Kind) -> None:
    """Documents that verify nothing: genuine, and never VALID."""
    ledger = found_for_all_kinds()
    first = ledger.issue_record(make_calibration(1))
    ledger.issue_record(make_record(1))
    paper, last = ledger.issue_record(make_paper(1)), ledger.issue_record(make_calibration(1, no="XZ-2"))
    for name, why, index in (
        ("calibration_unverified", "a calibration of an instrument that was registered by it", first),
        ("calibration", "a calibration of an instrument that is verified", last),
        ("paper", "what was entered from paper; no rule of its day is required", paper),
    ):
        _add_bundle(kind, name, why, ledger, ledger.bundle(index))
    forced = found_for_all_kinds()
    wrong = make_values(make_value("0.40", measured="20.08", mpe="0.30"))
    index = forced.issue_record(
        make_calibration(1, results=wrong, conclusion="pass", decision_rule=GUARDED), force=True
    )
    why = "a calibration that concludes what its decision rule does not give"
    _add_bundle(kind, "calibration_concludes_wrongly_fail", why, forced, forced.bundle(index))


def _expect(ledger: MemoryLedger, raw: bytes, at: str, **beliefs: Any) -> dict[str, Any]:
    report = verify_bundle(parse_bundle(raw), ledger.session(**beliefs), datetime.fromisoformat(at))
    return {
        "at": at,
        "verdict": report.verdict.value,
        "authentic": report.authentic,
        "status": None if report.status is None else report.status.value,
        "exit_code": report.exit_code,
        "steps": {check.step.code: check.outcome.value for check in report.checks},
    }


def _add_bundle(
    kind: Kind, name: str, why: str, ledger: MemoryLedger, raw: bytes, at: str = NOW, **beliefs: Any
) -> None:
    expected = _expect(ledger, raw, at, **beliefs)
    assert name.endswith("_fail") == (expected["verdict"] == "INVALID" and not expected["authentic"]), name
    policy = encode_policy(ledger.policy(**beliefs))
    kind.add(name, why, bundle_json=raw, policy_json=policy, expected_json=show(expected))


def _add_good_bundles(kind: Kind) -> None:
    ledger = MemoryLedger().found().issue_many(3)
    _add_bundle(kind, "pump", "valid", ledger, ledger.bundle(5))
    rejection = ledger.issue_record(make_rejection(3))
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
    ledger = MemoryLedger().found().issue_many(1)
    older = json.loads(ledger.bundle(5))
    second = ledger.issue(1)
    raw, other = ledger.bundle(5), json.loads(ledger.bundle(second))
    members = json.loads(raw)
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
        ("map", "the map proof of another bundle"),
    ):
        _add_bundle(kind, f"{part}_swapped_fail", why, ledger, _with_digest(members | {part: other[part]}))
    for part, why in (
        ("checkpoint", "the checkpoint of an older state"),
        ("evidence", "the evidence of an older state"),
        ("receipt", "the receipt of an older state"),
        ("map", "the map proof of an older state"),
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
        expected = show({"at": NOW, "fails": at, "exit_code": 2})
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


def _add_status_bundles(kind: Kind) -> None:
    """Add what only the status map tells."""
    ledger = MemoryLedger().found().issue_many(1)
    instrument = make_record(0)["instrument"]
    first, newest = ledger.bundle(5), ledger.issue(1, instrument=instrument)
    _add_bundle(kind, "superseded", "a newer certificate of the same instrument", ledger, ledger.bundle(5))
    _add_bundle(kind, "second", "that newer certificate", ledger, ledger.bundle(newest))
    _add_bundle(kind, "not_yet_superseded", "under the state before", ledger, first)
    ledger.issue_record(make_rejection(2, instrument=instrument))
    why = "it passed, and the instrument failed a later verification"
    _add_bundle(kind, "failed_since", why, ledger, ledger.bundle(5))
    why = "anchored two days ago, which is longer than the policy allows"
    _add_bundle(kind, "too_old", why, ledger, first, max_status_age=timedelta(days=2))
    why = "anchored 55 hours ago, as long as the policy allows"
    _add_bundle(kind, "just_not_too_old", why, ledger, first, max_status_age=timedelta(hours=55))

    ledger = MemoryLedger().found().issue_many(1)
    end = ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    less = encode_evidence(ledger.evidence(without=frozenset({end})))
    why = "evidence that leaves out the end of the key"
    _add_bundle(kind, "evidence_end_fail", why, ledger, ledger.bundle(5, evidence=less))
    other = MemoryLedger("ledger.example/other").found().issue_many(1)
    why = "the map proof of another log"
    _add_bundle(kind, "map_other_log_fail", why, ledger, ledger.bundle(5, map_proof=other.map_proof(5)))
    why = "a map proof that shows the root and nothing under it"
    shut = build_map_proof(ledger.maps[ledger.size], [], load_nothing)
    _add_bundle(kind, "map_shut_fail", why, ledger, ledger.bundle(5, map_proof=shut))
    why = "a map proof that is cut off"
    _add_bundle(kind, "map_cut_fail", why, ledger, ledger.bundle(5, map_proof=ledger.map_proof(5)[:-1]))

    ledger = MemoryLedger().found().issue_many(1)
    states = dict(ledger.states)
    index = ledger.issue(1, instrument=instrument)
    ledger.states |= states
    why = "a log whose map holds an earlier document for the newest"
    _add_bundle(kind, "map_behind_fail", why, ledger, ledger.bundle(index))
    ledger = MemoryLedger().found()
    before = dict(ledger.states)
    ledger.issue(0)
    ledger.states = before
    _add_bundle(kind, "map_without_fail", "a log whose map lacks the document", ledger, ledger.bundle(5))


# --- witnesses --------------------------------------------------------------------------------------------


def _add_witnessed_bundles(kind: Kind) -> None:
    ledger = MemoryLedger().found().issue_many(1)
    note, now = ledger.checkpoint(), datetime.fromisoformat(NOW)
    hour = timedelta(hours=1)
    beliefs = {
        "witnesses": make_quorum("w1", "w2", "w3", threshold=2),
        "required": frozenset(DEFAULT_REQUIRED) | {Step.QUORUM},
        "max_status_age": 6 * hour,
    }
    both = cosign(note, now - hour, "w3", "w1")
    held = cosign(cosign(note, now - 24 * hour, "w1", "w2", "w3"), now, "w2")
    for name, why, cosigned in (
        ("witnessed", "cosigned by two of three witnesses; their lines stand after the log's", both),
        ("witnessed_first", "the same, with the log's line at the end", _put_last(both)),
        ("witnessed_others", "the same, with lines of strangers", cosign(both, now, "stranger")),
        ("witnessed_by_one", "one of three witnesses, where two are needed", cosign(note, now, "w1")),
        ("witnessed_by_one_twice", "one witness twice", cosign(cosign(note, now, "w1"), now - hour, "w1")),
        ("witness_held", "fresh for one witness, a day old for the other", held),
        (
            "witness_ahead",
            "a witness's clock is an hour ahead",
            cosign(cosign(note, now, "w1"), now + hour, "w2"),
        ),
        ("witness_false_fail", "a false line of a known witness", cosign_falsely(both, "w2")),
        ("witness_swapped_fail", "a witness's line over another checkpoint", both + _other_line(ledger, now)),
    ):
        _add_bundle(kind, name, why, ledger, ledger.bundle(5, checkpoint=cosigned), **beliefs)


def _put_last(note: str) -> str:
    head, _, lines = note.partition("\n\n")
    own, *others = lines.splitlines()
    return "\n".join([head, "", *others, own, ""])


def _other_line(ledger: MemoryLedger, at: datetime) -> str:
    return cosign(ledger.checkpoint(6), at, "w2").splitlines()[-1] + "\n"
