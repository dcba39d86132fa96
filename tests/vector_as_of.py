"""Vectors of how a document stood at a past instant."""

from dataclasses import replace
from datetime import timedelta

from ledger_in_memory import MemoryLedger
from vector_kind import Kind, show

from ledger.core.as_of import LaterState, encode_as_of
from ledger.core.entry import HEADER_BYTES, parse_header
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.merkle import build_consistency_proof, build_inclusion_proof
from ledger.core.policy import encode_policy

_MOMENT = timedelta(milliseconds=1)


def build_as_of() -> Kind:
    kind = Kind(
        "as_of",
        {
            "as_of.json": "the file",
            "policy.json": "what it is judged under",
            "expected.json": "the verifier's clock, verdict and status; of a `_fail` case whether it cannot be "
            "read (`parse`), is of another log (`log`) or does not hold (`evidence`)",
        },
    )
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    older = ledger.publish()
    ledger.act(EventType.SUSPEND, 1)
    middle = ledger.publish()
    ledger.act(EventType.REINSTATE, 1)
    newer = ledger.publish()
    policy, now = ledger.policy(), ledger.receipt().anchored_at + timedelta(hours=1)
    begin, next_at = (
        parse_header(ledger.leaves[at][:HEADER_BYTES]).sequenced_at for at in (older - 1, older)
    )
    bundle = ledger.bundle(index, older, receipt=None)
    later = _later(ledger, older, newer)

    def add(name: str, why: str, raw: bytes, expected: dict[str, object]) -> None:
        values = show({"now": now.isoformat(), **expected})
        kind.add(name, why, as_of_json=raw, policy_json=encode_policy(policy), expected_json=values)

    def good(name: str, why: str, raw: bytes, verdict: str, status: str) -> None:
        add(name, why, raw, {"verdict": verdict, "status": status})

    def fail(name: str, why: str, raw: bytes, at: str) -> None:
        add(f"{name}_fail", why, raw, {"fails": at})

    valid = encode_as_of(begin, bundle, later)
    good("valid", "before it was suspended", valid, "VALID", "VALID")
    good("last", "the last millisecond", encode_as_of(next_at - _MOMENT, bundle, later), "VALID", "VALID")
    between = parse_header(ledger.leaves[middle - 1][:HEADER_BYTES]).sequenced_at
    suspended = encode_as_of(
        between, ledger.bundle(index, middle, receipt=None), _later(ledger, middle, newer)
    )
    good("suspended", "while it was suspended", suspended, "ATTENTION", "SUSPENDED")
    good(
        "newest",
        "nothing came after",
        encode_as_of(now, ledger.bundle(index, newer), None),
        "VALID",
        "VALID",
    )
    fail("after", "at the time of the next leaf", encode_as_of(next_at, bundle, later), "evidence")
    fail("before", "before the state", encode_as_of(begin - _MOMENT, bundle, later), "evidence")
    cut = replace(later, consistency=later.consistency[:-1])
    fail("consistency", "a hash of the consistency is missing", encode_as_of(begin, bundle, cut), "evidence")
    skipped = replace(
        later,
        leaf=ledger.leaves[older + 1],
        inclusion=build_inclusion_proof(LeafIndex(older + 1), newer, ledger.tree().read),
    )
    fail("skipped", "the leaf after the next", encode_as_of(begin, bundle, skipped), "evidence")
    forged = replace(later, checkpoint=MemoryLedger(log="thief").found().issue_many(4).checkpoint())
    fail("thief", "the later state is signed by another key", encode_as_of(begin, bundle, forged), "evidence")
    same = replace(later, checkpoint=ledger.checkpoint(older))
    fail("no_later", "the later state is the same", encode_as_of(begin, bundle, same), "evidence")
    other = MemoryLedger("ledger.example/other").found()
    foreign = encode_as_of(begin, other.bundle(other.issue(1)), None)
    fail("other_log", "of another log", foreign, "log")
    fail("cut", "cut off", valid[:-1], "parse")
    fail("spaced", "not canonical", valid.replace(b",", b", ", 1), "parse")
    return kind


def _later(ledger: MemoryLedger, older: int, newer: int) -> LaterState:
    first, read = LeafIndex(older), ledger.tree().read
    return LaterState(
        ledger.checkpoint(newer),
        build_consistency_proof(older, newer, read),
        ledger.leaves[first],
        build_inclusion_proof(first, newer, read),
        ledger.receipt(newer),
    )
