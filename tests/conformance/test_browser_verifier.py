"""The verifier in the browser says of everything what the one in Python says: every step, verdict and status.

Asked is what the tests of the Python verifier ask (`browser_recorder` listens to them), every vector, and bundles
in which anything was changed. Here in node; `test_browser_page` asks the same in Chromium.
"""

import hashlib
import json
import os
import random
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import orjson
import pytest
from browser_cases import Case, ask_node, ask_python, find_differences
from browser_node import run_node
from ledger_in_memory import CHAIN, NOW, MemoryLedger, make_record
from mutations import ODD_VALUES, added, removed, replaced, walk
from recorded_cases import assert_recorded, record
from registered import TIMES, RegisteredLedger, make_registered_record, seal_by_all

from ledger.core.anchor import AnchorGrade, parse_receipt, verify_receipt
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, LedgerError
from ledger.core.fields import Reader
from ledger.core.policy import ContractPin, encode_policy, parse_policy
from ledger.core.register_fields import RegisterState
from ledger.core.signature import parse_multikey
from ledger.core.trust import open_trust_list, parse_trust_list

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
LONG = os.environ.get("HENGZHENG_LONG") == "1"
SHORT_RUNS = (
    "tests/conformance/test_forced_leaves.py",
    "tests/conformance/test_gate_matrix.py",
    "tests/unit/verifier/test_acts_verified.py",
    "tests/unit/verifier/test_certified.py",
    "tests/unit/verifier/test_further_kinds_verified.py",
    "tests/unit/verifier/test_witnessing.py",
)
LONG_RUNS = (*SHORT_RUNS, "tests/conformance/test_swapped_parts.py", "tests/unit/verifier")


def list_folders(kind: str) -> list[Path]:
    return sorted(path for path in (VECTORS / kind).iterdir() if path.is_dir())


def assert_same(cases: list[Case]) -> None:
    assert find_differences([ask_python(case) for case in cases], ask_node(cases)) == []


# --- vectors ----------------------------------------------------------------------------------------------


def test_bundles_of_the_vectors():
    folders = list_folders("bundle")
    cases = [read_case(folder) for folder in folders]
    answers = ask_node(cases)
    assert find_differences([ask_python(case) for case in cases], answers) == []
    for folder, answer in zip(folders, answers, strict=True):
        want = json.loads((folder / "expected.json").read_bytes())
        if "fails" in want:
            assert answer["error"] in {"PolicyMismatchError", *INPUT_ERRORS}
        else:
            assert (answer["verdict"], answer["authentic"]) == (want["verdict"], want["authentic"])
            assert {check["name"]: check["outcome"] for check in answer["checks"]} == want["steps"]


INPUT_ERRORS = {"MalformedDocumentError", "NonCanonicalEncodingError"}


def read_case(folder: Path) -> Case:
    want = json.loads((folder / "expected.json").read_bytes())
    raw, policy = (folder / "bundle.json").read_bytes(), (folder / "policy.json").read_bytes()
    return Case("bundle", raw, policy, None, datetime.fromisoformat(want["at"]))


_PARSE_POLICIES = """async ({load, outcome}, {policies}) => {
  const {parsePolicy} = await load("policy")
  const found = []
  for (const raw of policies) found.push(await outcome(() => {
    const {version, origin, required, hosts, zone, witnesses, contract, ...rest} = parsePolicy(raw)
    return [version, origin, [...required].map((step) => step.code).sort(), hosts, zone, contract === null,
      witnesses === null ? null : witnesses.names, rest.lagWarning, rest.clockTolerance, rest.maxStatusAge,
      rest.development, rest.publishedRules, [...rest.traceabilityRoots].sort()]
  }))
  return found
}"""


def describe_policy(raw: bytes):
    try:
        policy = parse_policy(raw)
    except LedgerError as err:
        return {"error": type(err).__name__}
    second = timedelta(milliseconds=1)
    age = policy.max_status_age
    names = None if policy.witnesses is None else list(policy.witnesses.names)
    return {
        "value": [
            *(
                policy.version,
                policy.origin,
                sorted(step.code for step in policy.required),
                list(policy.hosts),
            ),
            *(policy.zone.key, policy.contract is None, names),
            *(
                policy.lag_warning // second,
                policy.clock_tolerance // second,
                None if age is None else age // second,
            ),
            *(policy.development, policy.published_rules, sorted(policy.traceability_roots)),
        ]
    }


def vary_policies() -> list[bytes]:
    """Return the policies of the vectors, and each with one thing changed."""
    raw = [(folder / "policy.json").read_bytes() for folder in list_folders("policy")]
    chance = random.Random(7)
    for name in ("max_age", "witnesses", "development"):
        policy = json.loads((VECTORS / "policy" / name / "policy.json").read_bytes())
        policy |= {"published_rules": True, "traceability_roots": ["NIM"]}
        for path, value in walk(policy):
            odd = ODD_VALUES if LONG else chance.sample(ODD_VALUES, 6)
            varied = [removed(policy, path), *(replaced(policy, path, other) for other in odd)]
            if isinstance(value, (dict, list)):
                varied.append(added(policy, path))
            raw += [orjson.dumps(each) for each in varied]
        for zone in ("UTC", "Europe/Berlin", "asia/shanghai", "Mars/Base", "+08:00", "Asia/Shanghai "):
            raw.append(orjson.dumps(policy | {"zone": zone}))
    return raw


def test_policies():
    policies = vary_policies()
    found = run_node(_PARSE_POLICIES, {"policies": policies})
    wanted = [describe_policy(raw) for raw in policies]
    for raw, ours, theirs in zip(policies, wanted, found, strict=True):
        assert theirs.get("error") == ours.get("error"), raw
        assert theirs.get("value") == ours.get("value"), raw
    assert sum("value" in each for each in wanted) > 10
    assert sum("error" in each for each in wanted) > 200


_OPEN_TRUST = """async ({load, outcome}, {lists}) => {
  const [{parsePolicy}, {parseTrustList, openTrustList}] = await Promise.all(["policy", "trust"].map(load))
  const found = []
  for (const [trust, policy] of lists) found.push(await outcome(async () => {
    const [registers, checkpoint] = await openTrustList(parseTrustList(trust), parsePolicy(policy))
    return [checkpoint.treeSize, [...registers.keys.keys()].sort(), [...registers.institutions.keys()].sort()]
  }))
  return found
}"""


def describe_trust(raw: bytes, policy: bytes):
    try:
        registers, checkpoint = open_trust_list(parse_trust_list(raw), parse_policy(policy))
    except LedgerError as err:
        return {"error": type(err).__name__}
    keys = sorted(encode_hex(key_id) for key_id in registers.keys)
    return {"value": [checkpoint.tree_size, keys, sorted(registers.institutions)]}


def test_trust_lists():
    names = ("trust.json", "policy.json")
    lists = [[(folder / name).read_bytes() for name in names] for folder in list_folders("trust")]
    raw, policy = lists[-3]
    positions = range(0, len(raw), len(raw) // (2000 if LONG else 60))
    lists += [[raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], policy] for at in positions]
    found = run_node(_OPEN_TRUST, {"lists": lists})
    wanted = [describe_trust(*each) for each in lists]
    assert [strip(each) for each in found] == wanted
    assert {"value", "error"} == {name for each in wanted for name in each}


def strip(outcome: dict) -> dict:
    return {name: value for name, value in outcome.items() if name != "message"}


_RECEIPTS = """async ({load, outcome}, {receipts}) => {
  const [{parseReceipt, verifyReceipt}, {Reader}] = await Promise.all(["anchor", "fields"].map(load))
  const {parseMultikey} = await load("signature")
  const found = []
  for (const [members, key] of receipts)
    found.push(await outcome(() => verifyReceipt(parseReceipt(new Reader(members)), parseMultikey(key))))
  return found.map((each) => each.error ?? "holds")
}"""


def test_receipts():
    receipts = []
    for folder in list_folders("receipt"):
        members = json.loads((folder / "receipt.json").read_bytes())
        key = json.loads((folder / "expected.json").read_bytes())["key"]
        receipts += [
            [members, key],
            *([replaced(members, path, odd), key] for path, _ in walk(members) for odd in ("", 7, "00")),
        ]
    assert run_node(_RECEIPTS, {"receipts": receipts}) == [judge_receipt(*each) for each in receipts]


def judge_receipt(members: dict, key: str) -> str:
    try:
        verify_receipt(parse_receipt(Reader(members, "")), parse_multikey(key))
    except LedgerError as err:
        return type(err).__name__
    return "holds"


# --- what other tests ask ---------------------------------------------------------------------------------


def test_what_the_tests_of_the_verifier_ask(tmp_path):
    recorded = record(tmp_path, *SHORT_RUNS)
    assert_recorded(recorded)
    verdicts = {answer.get("verdict") for _, answer in recorded}
    assert verdicts >= {"VALID", "ATTENTION", "INVALID", "UNKNOWN"}
    assert {case.kind for case, _ in recorded} == {"bundle", "certificate", "statement"}
    assert len(recorded) > 300
    assert any(case.trust is not None for case, _ in recorded)


@pytest.mark.slow
def test_what_all_tests_of_the_verifier_ask(tmp_path):
    recorded = record(tmp_path, *LONG_RUNS)
    assert len(recorded) > 20_000
    for start in range(0, len(recorded), 4000):
        assert_recorded(recorded[start : start + 4000])


# --- what the tests of the verifier leave to others ------------------------------------------------------


def test_what_is_registered_after_the_document():
    cases = []
    for later in (
        lambda own: own.publish_rule(effective_on="2026-03-01"),
        lambda own: own.publish_rule(effective_on="2026-02-28"),
        lambda own: own.scope(version=1, state=RegisterState.SUSPENDED),
        lambda own: own.person("P-0001", version=1, state=RegisterState.SUSPENDED),
        lambda own: own.standard(version=1, state=RegisterState.WITHDRAWN),
        lambda own: own.material(version=1, state=RegisterState.WITHDRAWN),
        lambda own: own.approve(version=1, state=RegisterState.SUSPENDED),
        lambda own: own.block(),
        lambda own: own.publish_policy(2, version=0),
        lambda own: own.compromise(NOW - timedelta(days=2)),
        lambda own: own.compromise(NOW + timedelta(days=2)),
    ):
        ledger = RegisteredLedger()
        index = ledger.issue_credential(seal_by_all(make_registered_record(), TIMES))
        size = ledger.publish()
        ledger.append(later(ledger))
        policy = encode_policy(ledger.policy(traceability_roots=frozenset({"NIM"})))
        raw = [ledger.bundle(index, size), ledger.bundle(index)]
        cases += [Case("bundle", each, policy, None, NOW) for each in raw]
    answers = [ask_python(case) for case in cases]
    assert find_differences(answers, ask_node(cases)) == []
    changed = {json.dumps(after["checks"]) for before, after in zip(answers[::2], answers[1::2], strict=True)}
    assert len(changed) > 6


def test_receipts_and_what_a_policy_believes_of_chains():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    chains = (CHAIN, replace(CHAIN, chain_id=1), replace(CHAIN, chain_id=1, contract=bytes(20)))
    pins = [None, *(ContractPin(chain, bytes(32), rule) for chain in chains for rule in FINALITIES)]
    cases = []
    for pin, development, chain, grade in product(pins, (True, False), chains, AnchorGrade):
        if pin is not None and pin.chain.is_development and not development:
            continue
        policy = encode_policy(ledger.policy(contract=pin, development=development))
        raw = ledger.bundle(index, receipt=ledger.receipt(chain=chain, grade=grade))
        cases.append(Case("bundle", raw, policy, None, NOW))
    assert_same(cases)


FINALITIES = ("immediate", "depth:12", "tag:safe", "tag:finalized")


# --- changed bundles --------------------------------------------------------------------------------------


@cache
def small_world() -> tuple[bytes, bytes]:
    """Return a short bundle, and its policy."""
    ledger = MemoryLedger()
    for raw in ledger.founding()[:4]:
        ledger.append(raw)
    ledger.append(ledger.scope(categories=frozenset({Category.OTHER})))
    instrument = make_record()["instrument"] | {"category": "OTHER", "parts": []}
    ledger.issue(1, results=[], seals=[], regulation=None, instrument=instrument)
    return ledger.bundle(5), encode_policy(ledger.policy())


def repair(raw: bytes) -> bytes | None:
    """Return the same bundle with the right digest, None where it has none."""
    try:
        members = orjson.loads(raw)
        return mend(members) if "digest" in members else None
    except (ValueError, InputError):
        return None


def mend(members: dict) -> bytes:
    rest = {name: value for name, value in members.items() if name != "digest"}
    return encode_canonical_json(rest | {"digest": hashlib.sha256(encode_canonical_json(rest)).hexdigest()})


def change_characters(count: int, seed: int) -> list[bytes]:
    """Return the bundle with one character changed, dropped or doubled, and each with its digest put right."""
    raw, chance, changed = small_world()[0], random.Random(seed), []
    for _ in range(count):
        position = chance.randrange(len(raw))
        other = chance.choice(b'0123456789abcdefABCDEFz+/="\\,:{}[] -\x00\x7f\xff')
        how = chance.randrange(8)
        middle = b"" if how == 0 else raw[position : position + 1] * 2 if how == 1 else bytes([other])
        changed.append(raw[:position] + middle + raw[position + 1 :])
    return changed + [mended for mended in map(repair, changed) if mended is not None]


def change_members(count: int, seed: int) -> list[bytes]:
    """Return the bundle with one member or item removed, added or exchanged, its digest put right."""
    raw, chance, changed = small_world()[0], random.Random(seed), []
    paths = [()] + [path for path, _ in walk(json.loads(raw))]
    while len(changed) < count:
        path, how = chance.choice(paths), chance.randrange(4)
        try:
            if how == 0 and path:
                members = removed(json.loads(raw), path)
            elif how == 1:
                members = added(json.loads(raw), path)
            elif path:
                members = replaced(json.loads(raw), path, chance.choice(ODD_VALUES))
            changed.append(mend(members))
        except (InputError, AttributeError, UnboundLocalError):
            continue
    return changed


def assert_changed(raws: list[bytes]) -> None:
    policy = small_world()[1]
    cases = [Case("bundle", raw, policy, None, NOW) for raw in raws]
    wanted = [ask_python(case) for case in cases]
    assert find_differences(wanted, ask_node(cases)) == []
    assert {each.get("verdict") for each in wanted} <= {None, "INVALID", "UNKNOWN", "VALID"}
    assert sum(each.get("verdict") == "INVALID" for each in wanted) > len(wanted) / 20


def test_changed_characters():
    assert_changed(change_characters(200, seed=1))


def test_a_member_added_anywhere_is_found():
    members = json.loads(small_world()[0])
    paths = [(), *(path for path, value in walk(members) if isinstance(value, dict))]
    changed = [mend(added(members, path)) for path in paths]
    assert_same([Case("bundle", raw, small_world()[1], None, NOW) for raw in changed])
    assert len(changed) > 15


def test_changed_members():
    assert_changed(change_members(250, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 13))
def test_many_changed_characters(seed):
    assert_changed(change_characters(3000, seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(13, 23))
def test_many_changed_members(seed):
    assert_changed(change_members(2000, seed))


@pytest.mark.slow
def test_every_removed_member_of_every_vector():
    for folder in list_folders("bundle"):
        case = read_case(folder)
        try:
            members = orjson.loads(case.raw)
        except ValueError:
            continue
        changed = [mend(removed(members, path)) for path, _ in walk(members) if path != ("digest",)]
        assert_same([Case("bundle", raw, case.policy, None, case.now) for raw in changed])
