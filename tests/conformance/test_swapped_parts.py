"""Parts swapped between valid bundles are found, in every combination.

Bundles of one log under one checkpoint share what is not about the document: checkpoint, receipt, often the
evidence. Where everything that differs is swapped at once, the result *is* the other bundle, and valid; every
other mixture is INVALID or no bundle of the log, also with the member `digest` put right.
"""

import hashlib
import json
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest
from ledger_in_memory import INSTITUTION, NOW, MemoryLedger, make_record, make_rejection, make_signer

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError
from ledger.core.evidence import encode_evidence
from ledger.core.ids import InstitutionId
from ledger.core.register_fields import Name
from ledger.core.step import Outcome, Step, Verdict
from verifier.session import Session
from verifier.verify import verify_bundle

PARTS = (
    "certificate",
    "statement",
    "leaf",
    "inclusion",
    "checkpoint",
    "receipt",
    "evidence",
    "map",
    "origin",
)
OTHER_INSTITUTION = InstitutionId("350200-01")


def encode(members: dict[str, Any]) -> bytes:
    """Return a bundle with the right digest."""
    rest = {name: value for name, value in members.items() if name != "digest"}
    return encode_canonical_json(
        rest | {"digest": encode_hex(hashlib.sha256(encode_canonical_json(rest)).digest())}
    )


@cache
def logs() -> dict[str, MemoryLedger]:
    """Return two logs with the same root, authority and seal keys, but other origins and log keys."""
    first = MemoryLedger().found()
    first.append(first.institution(id=OTHER_INSTITUTION, name=Name("厦门市计量所", None), division="3502"))
    first.append(first.key(institution=OTHER_INSTITUTION, seal="other seal"))
    first.append(first.scope(institution=OTHER_INSTITUTION, division="3502"))
    for number in (1, 2):
        first.issue(number)
    first.publish()
    place = make_record(4)["instrument"] | {"site": {"division": "350203"}}
    first.issue(1, institution=OTHER_INSTITUTION, seal="other seal", instrument=place)
    first.issue_record(make_rejection(3))
    second = MemoryLedger("ledger.example/other", log="other log").found()
    for number in (1, 2):
        second.issue(number)
    return {"first": first, "second": second}


def without_strangers(ledger: MemoryLedger, *strangers: int, size: int | None = None) -> dict[str, Any]:
    return {"evidence": encode_evidence(ledger.evidence(size, without=frozenset(strangers)))}


@cache
def bundles() -> dict[str, dict[str, Any]]:
    first, second = logs()["first"], logs()["second"]
    raw = {
        "first": first.bundle(8, **without_strangers(first, 5, 6, 7)),
        "second of the same institution": first.bundle(9, **without_strangers(first, 5, 6, 7)),
        "first, under an older state": first.bundle(8, size=11, **without_strangers(first, 5, 6, 7, size=11)),
        "other institution": first.bundle(11, **without_strangers(first, 2, 3, 4)),
        "rejection": first.bundle(12, **without_strangers(first, 5, 6, 7)),
        "same document in another log": second.bundle(5),
    }
    assert all(encode(json.loads(bundle)) == bundle for bundle in raw.values())
    return {name: json.loads(bundle) for name, bundle in raw.items()}


@cache
def sessions() -> tuple[Session, ...]:
    return tuple(ledger.session() for ledger in logs().values())


def find_verdicts(raw: bytes) -> set[Verdict | None]:
    """Return what each log's verifier says; None where it says that this is no bundle of its log."""
    verdicts: set[Verdict | None] = set()
    for session in sessions():
        try:
            report = verify_bundle(parse_bundle(raw), session, NOW)
        except InputError:
            verdicts.add(None)
        else:
            failed = any(check.outcome is Outcome.FAILED for check in report.checks)
            assert failed == (report.verdict is Verdict.INVALID) or report.authentic
            verdicts.add(report.verdict)
    return verdicts


def mix(*chosen: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle that takes each part from the bundle that stands at its place."""
    return chosen[0] | {name: bundle[name] for name, bundle in zip(PARTS, chosen, strict=True)}


def is_whole(members: dict[str, Any]) -> bool:
    return any(all(members[name] == whole[name] for name in PARTS) for whole in bundles().values())


def test_the_bundles_themselves_are_good():
    good = {Verdict.VALID, None}
    expected = [good, good, good, good, {Verdict.INVALID, None}, good]
    assert [find_verdicts(encode(members)) for members in bundles().values()] == expected


def test_evidence_about_other_institutions_too_is_refused():
    first = logs()["first"]
    report = verify_bundle(parse_bundle(first.bundle(8)), sessions()[0], NOW)
    (failed,) = [check for check in report.checks if check.outcome is Outcome.FAILED]
    assert (failed.step, failed.reason.en) == (
        Step.AUTHORITY,
        "the authority evidence is about other institutions too: 350200-01",
    )


def test_the_keys_are_the_same_in_both_logs():
    issuers = {name: members["certificate"]["issuer"] for name, members in bundles().items()}
    assert (
        issuers["first"] == issuers["same document in another log"] == make_signer("seal").public_key.did_key
    )
    assert bundles()["first"]["certificate"] == bundles()["same document in another log"]["certificate"]
    assert INSTITUTION != OTHER_INSTITUTION


@pytest.mark.parametrize(("one", "other"), list(combinations(bundles(), 2)))
def test_no_mixture_of_two_passes(one, other):
    pair, swapped, complete = (bundles()[one], bundles()[other]), 0, 0
    for choice in product(pair, repeat=len(PARTS)):
        members = mix(*choice)
        if is_whole(members):
            complete += 1
            continue
        swapped += 1
        assert find_verdicts(encode(members)) <= {Verdict.INVALID, None}, members.keys()
        assert find_verdicts(encode_canonical_json(members | {"digest": pair[0]["digest"]})) <= {
            Verdict.INVALID,
            None,
        }
    same = sum(pair[0][name] == pair[1][name] for name in PARTS)
    assert complete == 2 * 2**same, "each of the two, in every way that the equal parts allow"
    assert swapped == 2 ** len(PARTS) - complete


@pytest.mark.parametrize(
    "names",
    [
        ("first", "second of the same institution", "other institution"),
        ("first", "other institution", "same document in another log"),
        ("first", "first, under an older state", "rejection"),
    ],
)
def test_no_mixture_of_three_passes(names):
    three = [bundles()[name] for name in names]
    seen = set()
    for choice in product(three, repeat=len(PARTS)):
        raw = encode(mix(*choice))
        if raw not in seen and not is_whole(json.loads(raw)):
            assert find_verdicts(raw) <= {Verdict.INVALID, None}
        seen.add(raw)
    assert len(seen) > 100


@pytest.mark.parametrize("part", ["statement", "leaf", "inclusion", "checkpoint", "evidence", "map"])
def test_the_report_names_where_a_swapped_part_was_found(part):
    expected = {
        "statement": {"binding", "authority", "inclusion", "status"},
        "leaf": {"binding", "authority", "inclusion", "status"},
        "inclusion": {"inclusion"},
        "checkpoint": {"inclusion", "authority", "receipt"},
        "evidence": {"authority"},
        "map": {"status"},
    }[part]
    other = (
        "first, under an older state"
        if part in {"checkpoint", "evidence"}
        else "second of the same institution"
    )
    members = bundles()["first"] | {part: bundles()[other][part]}
    report = verify_bundle(parse_bundle(encode(members)), sessions()[0], NOW)
    assert {check.step.code for check in report.checks if check.outcome is Outcome.FAILED} == expected


def test_parts_inside_the_certificate_cannot_be_swapped_either():
    one, other = bundles()["first"], bundles()["second of the same institution"]
    for inner in ("credentialSubject", "proof"):
        mixed = one["certificate"] | {inner: other["certificate"][inner]}
        assert find_verdicts(encode(one | {"certificate": mixed})) <= {Verdict.INVALID, None}
    for name in one["certificate"]["credentialSubject"]:
        subject = one["certificate"]["credentialSubject"]
        theirs = other["certificate"]["credentialSubject"][name]
        if subject[name] != theirs:
            mixed = one["certificate"] | {"credentialSubject": subject | {name: theirs}}
            assert find_verdicts(encode(one | {"certificate": mixed})) <= {Verdict.INVALID, None}
