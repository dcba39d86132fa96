"""The browser's reading of authority evidence and trust lists beside Python's: whole, spoilt, of logs that lie."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from random import Random

from browser_registers import EvidenceCase, judge_here, judge_there, write_evidence
from ledger_in_memory import START, MemoryLedger
from mutations import ODD_VALUES, added, removed, replaced, walk
from random_lives import live
from registered import RegisteredLedger
from stickers import StickerLedger

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import LedgerError
from ledger.core.event import EventType
from ledger.core.evidence import Evidence
from ledger.core.ids import Digest, LeafIndex
from ledger.core.merkle import build_root
from ledger.core.policy import parse_policy
from ledger.core.register_fields import RegisterState
from ledger.core.trust import parse_trust_list

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
LONG = os.environ.get("HENGZHENG_LONG") == "1"


def case_of(ledger: MemoryLedger, evidence: Evidence, size: int | None = None, **changes) -> EvidenceCase:
    """Return how this evidence is looked at under a log's checkpoint."""
    size = size or ledger.publish()
    places = [(index, int(START.timestamp() * 1000) + 1000 * index) for index in range(0, size, 3)]
    case = EvidenceCase(
        raw=write_evidence(evidence),
        origin=ledger.origin,
        root_digest=ledger.root_digest,
        tree_size=size,
        root_hash=build_root(size, ledger.tree().read),
        before=tuple(range(1, size, max(1, size // 4))),
        times=tuple((index, at + more) for index, at in places for more in (-4000, -1000, 0, 1000, 10**9)),
    )
    return replace(case, **changes)


def assert_judged_alike(cases: list[EvidenceCase]) -> list[list[dict]]:
    found = judge_there(cases)
    for number, (case, theirs) in enumerate(zip(cases, found, strict=True)):
        assert theirs == judge_here(case), number
    return found


def is_established(outcomes: list[dict]) -> bool:
    """Say whether evidence was found good as a whole."""
    return any("mapRoot" in (each.get("value") or {}) for each in outcomes)


def list_vector_cases() -> list[EvidenceCase]:
    """Return the evidence of every bundle and trust list among the vectors that can be read."""
    cases = []
    for path in sorted(VECTORS.glob("bundle/*/bundle.json")) + sorted(VECTORS.glob("trust/*/trust.json")):
        try:
            parse = parse_bundle if path.name == "bundle.json" else parse_trust_list
            found = parse(path.read_bytes())
            policy = parse_policy((path.parent / "policy.json").read_bytes())
            checkpoint = parse_checkpoint_body(found.checkpoint.partition("\n\n")[0] + "\n")
        except LedgerError:
            continue
        index = getattr(found, "leaf_index", checkpoint.tree_size)
        times = tuple((index, at) for at in (0, 1_772_323_205_000, 1_772_323_210_000, 2**45))
        cases.append(EvidenceCase(
            write_evidence(found.evidence), policy.origin, policy.root_digest, checkpoint.tree_size,
            checkpoint.root_hash, (index,), times,
        ))  # fmt: skip
    return cases


def test_evidence_among_the_vectors_is_judged_alike():
    cases = list_vector_cases()
    assert len(cases) > 50
    found = assert_judged_alike(cases)
    errors = {each["error"] for case in found for each in case if "error" in each}
    assert errors >= {"InclusionProofError", "VerificationError", "MapProofError"}


def list_mutations(build, random: Random, count: int) -> list[EvidenceCase]:
    """Return whole evidence of a log, and what it becomes by leaving out, swapping, ageing and lying."""
    ledger = build()
    older = ledger.publish()
    for seal in ("second seal", "third seal"):
        ledger.append(ledger.key(seal=seal))
    ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    whole = ledger.evidence()
    cases = [case_of(ledger, whole), case_of(ledger, ledger.evidence(older), older)]
    cases += [case_of(ledger, ledger.evidence(older)), case_of(ledger, whole, older)]
    cases += [case_of(ledger, ledger.evidence(without=frozenset({index}))) for index, _ in whole.leaves]
    cases += [case_of(ledger, each) for each in _rearrange(whole, ledger.evidence(older))]
    cases += [
        case_of(ledger, whole, origin="ledger.example/other"),
        case_of(ledger, whole, root_digest=bytes(32)),
        case_of(ledger, whole, root_hash=bytes(32)),
        case_of(ledger, whole, tree_size=ledger.size + 1),
        case_of(ledger, whole, tree_size=ledger.size - 1),
    ]
    for _ in range(count):
        liar = build()
        index = random.choice([index for index, _ in liar.evidence().leaves])
        liar.leaves[index] = _lie(liar.leaves, index, random)
        cases.append(case_of(liar, _gather(liar)))
    return cases


def _gather(ledger: MemoryLedger) -> Evidence:
    """Return the evidence of a log whose leaves may be anything, with the map as it stands."""
    try:
        return ledger.evidence()
    except LedgerError:
        honest = RegisteredLedger().evidence()
        return replace(honest, leaves=tuple((index, ledger.leaves[index]) for index, _ in honest.leaves))


def _rearrange(whole: Evidence, older: Evidence) -> list[Evidence]:
    first, *rest = whole.leaves
    second = rest[0]
    return [
        replace(whole, maphead=older.maphead),
        replace(whole, map_proof=older.map_proof),
        replace(whole, proof=older.proof),
        replace(whole, proof=whole.proof[:-1]),
        replace(whole, proof=(*whole.proof, bytes(32))),
        replace(whole, leaves=older.leaves),
        replace(whole, leaves=((first[0], second[1]), (second[0], first[1]), *rest[1:])),
        replace(whole, leaves=(*whole.leaves, (LeafIndex(whole.leaves[-1][0] + 1), whole.maphead))),
        replace(whole, maphead=whole.leaves[-1][1]),
        replace(whole, map_proof=b"\x04"),
        replace(whole, map_proof=whole.map_proof + b"\0"),
        replace(whole, map_proof=bytes([0]) + bytes(32)),
    ]


def _lie(leaves: list[bytes], index: int, random: Random) -> bytes:
    """Return a leaf with something else in its header, or with another statement, or signed otherwise."""
    leaf = parse_leaf(leaves[index])
    header, statement = leaf.header, bytearray(leaf.statement_raw)
    match random.randrange(4):
        case 0:
            changes = random.choice((
                {"status": random.choice((1, 16, 17, 255))}, {"version": header.version + 1},
                {"prev": LeafIndex(random.choice((0, index, 2**40)))}, {"subject": bytes(32)},
                {"certificate_digest": Digest(bytes([1]) * 32)}, {"type": EventType.SCOPE},
                {"sequenced_at_ms": header.sequenced_at_ms + random.choice((-1000, -1001, 1000, 1001, 10**9))},
            ))  # fmt: skip
            return encode_leaf(replace(header, **changes), bytes(statement))
        case 1:
            statement[random.randrange(len(statement))] ^= 1 << random.randrange(8)
        case 2:
            statement = bytearray(parse_leaf(random.choice(leaves)).statement_raw)
        case 3:
            raw = bytearray(leaves[index])
            raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
            return bytes(raw)
    digest = hashlib.sha256(statement).digest()
    changed = replace(header, statement_length=len(statement), statement_digest=Digest(digest))
    return encode_leaf(changed, bytes(statement))


def seek(count: int) -> list[EvidenceCase]:
    """Return cases out of worlds whose registers are whole."""
    random = Random(20261123)
    cases = [
        case for build in (RegisteredLedger, StickerLedger) for case in list_mutations(build, random, count)
    ]
    ledger = RegisteredLedger()
    raw = write_evidence(ledger.evidence())
    return cases + [case_of(ledger, ledger.evidence(), raw=spoilt) for spoilt in spoil(raw)]


def spoil(raw: bytes) -> list[bytes]:
    """Return what becomes of a file by one change anywhere."""
    value, found = json.loads(raw), [raw + b" ", raw[:-1], b"[]"]
    changed = [added(value, ()), added(value, ("leaves", 0)), value | {"leaves": value["leaves"][::-1]}]
    for path, _ in list(walk(value))[:12] + list(walk(value))[-12:]:
        changed.append(removed(value, path))
        changed += [replaced(value, path, odd) for odd in ODD_VALUES]
    return found + [encode_canonical_json(one) for one in changed]


def test_evidence_whole_spoilt_and_of_liars_is_judged_alike():
    found = assert_judged_alike(seek(600 if LONG else 60))
    outcomes = [each for case in found for each in case]
    errors = {each["error"] for each in outcomes if "error" in each}
    assert errors >= {"InclusionProofError", "VerificationError", "MapProofError", "MalformedDocumentError"}
    assert any(is_established(case) for case in found)


def test_evidence_of_random_lives_is_judged_alike():
    cases = []
    for seed in range(300 if LONG else 30):
        ledger = live(seed, 40, forced=0.03 * (seed % 3))
        cases.append(case_of(ledger, ledger.evidence()))
    held = [is_established(each) for each in assert_judged_alike(cases)]
    assert all(held[::3]), "an honest log's evidence holds"
    assert not all(held), "a lying log's does not"
