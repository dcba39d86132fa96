"""Stickers and absences in the browser: the same of each proof as Python says, and of every way to spoil one.

Asked is every vector, what the tests of the Python verifier ask, proofs in which any byte or member was changed,
and what a log that lies itself would sign.
"""

import json
import os
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from browser_cases import Case, ask_node, ask_python, find_differences, read_vector
from browser_changes import mutate
from ledger_in_memory import AUTHORITY, INSTITUTION, NOW, START, make_rejection
from mutations import ODD_VALUES, added, removed, replaced, walk
from recorded_cases import assert_recorded, record
from registered import INSTITUTE
from sticker_proofs import make_event, prove_absence, prove_sticker
from stickers import DECISION, FIRST, PUMP, ROLL, SCALE, SECOND, StickerLedger
from witnesses import cosign, make_quorum

from ledger.core.absence_proof import MissingCertificate, MissingVerification
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, LeafIndex
from ledger.core.policy import DEFAULT_REQUIRED, encode_policy
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status
from ledger.core.step import Step
from ledger.core.sticker import compute_sticker_id

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
LONG = os.environ.get("HENGZHENG_LONG") == "1"
RUNS = ("tests/unit/verifier/test_sticker_proof.py", "tests/unit/verifier/test_absence_proof.py")
MADE_UP = (
    compute_sticker_id(replace(ROLL, roll="ZZZZZZZ"), 1),
    compute_sticker_id(replace(ROLL, count=500), 300),
    compute_sticker_id(replace(ROLL, seed=bytes([1]) * 16), 5),
)
KNOWN = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000001"))
UNKNOWN = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-999999"))


def assert_same(cases: list[Case]) -> list[dict]:
    """Require the same of both, and return what they say."""
    answers = [ask_python(case) for case in cases]
    assert find_differences(answers, ask_node(cases)) == []
    return answers


def make_case(ledger, raw, kind="sticker", now=NOW, trust=None, **policy):
    return Case(kind, raw, encode_policy(ledger.policy(**policy)), trust, now)


# --- vectors, and what other tests ask ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sticker", "absence"])
def test_vectors(kind):
    folders = sorted(path for path in (VECTORS / f"{kind}_proof").iterdir() if path.is_dir())
    cases = [read_vector(kind, folder) for folder in folders]
    for folder, answer in zip(folders, assert_same(cases), strict=True):
        want = json.loads((folder / "expected.json").read_bytes())
        if "fails" not in want:
            found = want.get("standing", want.get("absence"))
            assert (answer["verdict"], answer["found"]) == (want["verdict"], found)
        elif want["fails"] == "evidence":
            assert (answer["verdict"], answer["found"]) == ("INVALID", None)
        else:
            assert "error" in answer
    assert len(folders) >= 17


def test_what_the_tests_of_the_verifier_ask(tmp_path):
    recorded = record(tmp_path, *RUNS)
    assert_recorded(recorded)
    kinds = Counter(case.kind for case, _ in recorded)
    assert kinds["sticker"] > 130
    assert kinds["absence"] >= 30
    found = {answer.get("found") for _, answer in recorded}
    assert found >= {"BOUND", "UNUSED", "RELEASED", "REPLACED", "NEVER_GIVEN_OUT", "NO_INSTRUMENT", None}


# --- changed files --------------------------------------------------------------------------------------------


def make_world():
    """Return a ledger with a sticker of every standing, and proofs of them."""
    ledger = StickerLedger()
    third, fourth = compute_sticker_id(ROLL, 2), compute_sticker_id(ROLL, 3)
    ledger.issue(1)
    ledger.append(ledger.bind())
    ledger.append(ledger.bind(SECOND, SCALE, "1"))
    ledger.append(ledger.bind(third, SCALE))
    ledger.append(ledger.bind(fourth, SCALE))
    ledger.append(ledger.release(SECOND, SCALE, "1", issuer=AUTHORITY, decision=DECISION))
    stickers = (FIRST, SECOND, third, fourth, compute_sticker_id(ROLL, 9), *MADE_UP)
    missing = (UNKNOWN, MissingVerification(SCALE, None), MissingVerification(PUMP, "7"))
    cases = [make_case(ledger, prove_sticker(ledger, sticker)) for sticker in stickers]
    return ledger, [*cases, *(make_case(ledger, prove_absence(ledger, one), "absence") for one in missing)]


def test_every_standing():
    _, cases = make_world()
    found = [answer["found"] for answer in assert_same(cases)]
    assert found[:5] == ["BOUND", "RELEASED", "REPLACED", "BOUND", "UNUSED"]
    assert found[5:8] == ["NEVER_GIVEN_OUT"] * 3
    assert found[8:] == ["NO_CERTIFICATE", "NO_VERIFICATION", "NO_INSTRUMENT"]


def test_changed_bytes():
    seed = random.Random(42)
    changed = [
        replace(case, raw=raw)
        for case in make_world()[1]
        for raw in mutate(seed, case.raw, 1500 if LONG else 25)
    ]
    answers = assert_same(changed)
    assert len([answer for answer in answers if "error" not in answer]) > len(answers) // 20


def test_changed_members():
    seed, changed = random.Random(43), []
    for case in make_world()[1]:
        members = json.loads(case.raw)
        paths = [(path, value) for path, value in walk(members) if path]
        for path, value in paths if LONG else seed.sample(paths, min(12, len(paths))):
            odd = ODD_VALUES if LONG else seed.sample(ODD_VALUES, 2)
            others = [removed(members, path), *(replaced(members, path, one) for one in odd)]
            if isinstance(value, dict):
                others.append(added(members, path))
            changed += [replace(case, raw=write(one)) for one in others]
    assert len(assert_same(changed)) > 400


def write(members) -> bytes:
    try:
        return encode_canonical_json(members)
    except InputError:
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def test_parts_of_other_proofs():
    """Every member of every proof, in every other one."""
    cases, mixed = make_world()[1], []
    members = [json.loads(case.raw) for case in cases]
    for case, own in zip(cases, members, strict=True):
        for other in members:
            names = {"event", "map", "evidence", "sticker", "certificate", "instrument"} & {*own, *other}
            for name in sorted(names):
                rest = {key: value for key, value in own.items() if key != name}
                taken = rest | ({name: other[name]} if name in other else {})
                mixed.append(replace(case, raw=write(taken)))
    seed = random.Random(44)
    answers = assert_same(mixed if LONG else seed.sample(mixed, 160))
    assert {answer.get("verdict") for answer in answers} >= {"INVALID", "UNKNOWN"}


# --- what a log would sign --------------------------------------------------------------------------------------


def force_bound(**changes):
    return lambda ledger: ledger.force(ledger.bind(**changes))


FORCED = {
    "by a stranger's key": force_bound(by="thief"),
    "by another institution": force_bound(issuer=INSTITUTE, by="institute"),
    "by the authority": force_bound(issuer=AUTHORITY, by="authority"),
    "with another version": force_bound(version=3),
    "of a suspended roll": lambda ledger: (
        ledger.append(ledger.allot(replace(ROLL, state=RegisterState.SUSPENDED), version=1)),
        ledger.force(ledger.bind()),
    )[1],
    "twice": lambda ledger: (ledger.append(ledger.bind()), ledger.force(ledger.bind(FIRST, SCALE)))[1],
    "released, and never bound": lambda ledger: ledger.force(ledger.release(), status=Status.INACTIVE),
    "released from elsewhere": lambda ledger: (
        ledger.append(ledger.bind()),
        ledger.force(ledger.release(FIRST, SCALE), status=Status.INACTIVE),
    )[1],
    "released by an authority without a decision": lambda ledger: (
        ledger.append(ledger.bind()),
        ledger.force(ledger.release(issuer=AUTHORITY), status=Status.INACTIVE),
    )[1],
    "released by an institution with a decision": lambda ledger: (
        ledger.append(ledger.bind()),
        ledger.force(ledger.release(decision=DECISION), status=Status.INACTIVE),
    )[1],
    "released by another institution": lambda ledger: (
        ledger.append(ledger.bind()),
        ledger.force(ledger.release(issuer=INSTITUTE, by="institute"), status=Status.INACTIVE),
    )[1],
    "an act in its place": lambda ledger: (ledger.issue(1), ledger.act(EventType.SUSPEND))[1],
}
ONLY_REPLAY_SHOWS = {"twice": "BOUND", "released from elsewhere": "RELEASED"}
"""What went before is taken as the statement expects it (decision 35): witnesses, who replay, refuse such a log."""
HEADERS = (
    {"version": 5},
    {"status": Status.INACTIVE},
    {"status": Status.VALID},
    {"status": Status.VOID},
    {"prev": LeafIndex(3)},
    {"prev": LeafIndex(2**53 + 1)},
    {"prev": LeafIndex(2**64 - 2)},
    {"version": 2**32 - 1},
)


def test_forced_leaves():
    cases = []
    for force in [
        *FORCED.values(),
        *(lambda own, h=header: own.force(own.bind(), **h) for header in HEADERS),
    ]:
        ledger = StickerLedger()
        index = force(ledger)
        try:
            cases.append(make_case(ledger, prove_sticker(ledger, FIRST, index=index)))
        except (InputError, VerificationError):  # it is not about a sticker: put into an honest proof
            honest = prove_sticker(ledger, FIRST, event=make_event(ledger, index, ledger.publish()))
            cases.append(make_case(ledger, honest))
    answers = assert_same(cases)
    believed = dict(zip(FORCED, (answer["found"] for answer in answers), strict=False))
    assert {name: found for name, found in believed.items() if found} == ONLY_REPLAY_SHOWS
    assert {answer["found"] for answer in answers[len(FORCED) :]} == {None}


def test_keys_and_anchors():
    """A key that is compromised or has ended, receipts, witnesses, ages, trust lists."""
    ledger, cases = StickerLedger(), []
    ledger.append(ledger.bind())
    size, raw = ledger.publish(), prove_sticker(ledger, FIRST)
    trusts = [None, ledger.trust_raw(size)]
    ledger.now_ms += 10_000_000
    ledger.append(ledger.compromise(START + timedelta(hours=2)))
    receipts = (None, ledger.receipt(size), ledger.receipt(ledger.publish()))
    cases += [make_case(ledger, prove_sticker(ledger, FIRST, receipt=receipt)) for receipt in receipts]
    trusts.append(ledger.trust_raw())
    ended = StickerLedger()
    ended.append(ended.key(version=1, state=RegisterState.WITHDRAWN))
    index = ended.force(ended.bind())
    cases.append(make_case(ended, prove_sticker(ended, FIRST, index=index)))
    cases += [make_case(ledger, raw, trust=trust) for trust in trusts]
    quorum = make_quorum("w1", "w2", "w3", threshold=2)
    for required in (frozenset(), frozenset({Step.QUORUM}), frozenset(DEFAULT_REQUIRED) | {Step.QUORUM}):
        for names in (("w1",), ("w1", "w3"), ()):
            for age in (None, timedelta(minutes=30), timedelta(days=2)):
                note = cosign(ledger.checkpoint(size), NOW - timedelta(hours=1), *names)
                own = prove_sticker(ledger, FIRST, size, checkpoint=note)
                lacks = prove_absence(ledger, UNKNOWN, size, checkpoint=note)
                beliefs = {"witnesses": quorum, "required": required, "max_status_age": age}
                cases += [make_case(ledger, own, **beliefs), make_case(ledger, lacks, "absence", **beliefs)]
    answers = assert_same(cases)
    assert {answer["verdict"] for answer in answers} == {"UNKNOWN", "INVALID"}


def test_what_an_instrument_has_become():
    """What it stands on has failed, or was verified: the whole, a part, both."""
    cases = []
    for part in (None, "1"):
        for number in (1, 2):
            ledger = StickerLedger()
            index = ledger.issue(1) if number == 1 else ledger.issue_record(make_rejection(1))
            instrument = bytes.fromhex(
                ledger.documents[index].credential["credentialSubject"]["instrument"]["id"]
            )
            ledger.append(ledger.bind(FIRST, instrument, part))
            cases.append(make_case(ledger, prove_sticker(ledger, FIRST)))
            denied = (MissingVerification(instrument, part), KNOWN)
            cases += [make_case(ledger, prove_absence(ledger, one), "absence") for one in denied]
    answers = assert_same(cases)
    assert [answer["verdict"] for answer in answers[::3]] == ["UNKNOWN", "INVALID", "UNKNOWN", "INVALID"]
    assert {answer["found"] for answer in answers[1::3]} == {None}
