"""Trust lists in the browser beside Python: the vectors under every policy, changed ones, and witnesses."""

import json
from pathlib import Path
from random import Random

import pytest
from browser_changes import mutate
from browser_node import run_node
from browser_registers import SHOW, run_here, without_message
from ledger_in_memory import NOW, MemoryLedger
from registered import RegisteredLedger
from witnesses import cosign, cosign_falsely, make_quorum

from ledger.core.canonical import parse_json
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.trust import MAX_TRUST_BYTES, open_trust_list, parse_trust_list

VECTORS = sorted((Path(__file__).resolve().parents[1] / "vectors" / "trust").glob("*/trust.json"))

SCRIPT = (
    """async ({load, outcome}, {cases}) => {
  const show = """
    + SHOW
    + """
  const names = ["trust", "signature", "quorum", "fields"]
  const [{ openTrustList, parseTrustList }, { parseMultikey }, { parseQuorum }, { Reader }] =
    await Promise.all(names.map(load))
  const answers = []
  for (const { raw, origin, logKey, rootDigest, witnesses } of cases) {
    const quorum = witnesses && parseQuorum(new Reader(witnesses, "policy.witnesses"))
    const policy = { origin, logKey: parseMultikey(logKey), rootDigest, witnesses: quorum }
    answers.push(await outcome(async () => show(await openTrustList(parseTrustList(raw), policy))))
  }
  return answers
}"""
)


def write_case(raw: bytes, policy_raw: bytes) -> dict:
    """Return what the script takes: the parts of a policy that a trust list is opened by."""
    policy = parse_policy(policy_raw)
    return {
        "raw": raw,
        "origin": policy.origin,
        "logKey": policy.log_key.multikey,
        "rootDigest": policy.root_digest,
        "witnesses": parse_json(policy_raw).get("witnesses"),
    }


def assert_opened_alike(cases: list[tuple[bytes, bytes]]) -> list[dict]:
    found = run_node(SCRIPT, {"cases": [write_case(*case) for case in cases]})
    for number, ((raw, policy), theirs) in enumerate(zip(cases, found, strict=True)):
        assert without_message(theirs) == run_here(open_raw, raw, policy), number
    return found


def open_raw(raw: bytes, policy: bytes) -> tuple:
    return open_trust_list(parse_trust_list(raw), parse_policy(policy))


def test_trust_lists_among_the_vectors_are_opened_alike():
    cases = [(path.read_bytes(), path.with_name("policy.json").read_bytes()) for path in VECTORS]
    assert len(cases) == 11  # noqa: PLR2004 - as many as there are
    policies = sorted({policy for _, policy in cases})
    found = assert_opened_alike([(raw, policy) for raw, _ in cases for policy in policies])
    errors = {each.get("error") for each in found}
    assert errors >= {None, "VerificationError", "PolicyMismatchError", "BrokenSignatureError", "MapProofError"}


@pytest.mark.parametrize("seed", range(2))
def test_a_trust_list_that_was_changed_is_opened_alike(seed):
    ledger, random = RegisteredLedger(), Random(seed)
    raw, policy = ledger.trust_raw(), encode_policy(ledger.policy())
    found = assert_opened_alike([(each, policy) for each in [raw, *mutate(random, raw, 150)]])
    assert "value" in found[0]
    assert sum("error" in each for each in found) > 140  # noqa: PLR2004 - nearly all


def test_witnesses_and_their_lies_are_heard_alike():
    ledger = MemoryLedger().found()
    policy = encode_policy(ledger.policy(witnesses=make_quorum("w0", "w1", "w2", threshold=2)))
    trust = json.loads(ledger.trust_raw())
    notes = [cosign(trust["checkpoint"], NOW, "w0", "w1"), cosign_falsely(trust["checkpoint"], "w1")]
    cases = [json.dumps(trust | {"checkpoint": note}, separators=(",", ":"), sort_keys=True, ensure_ascii=False) for note in notes]
    honest, lying = assert_opened_alike([(case.encode(), policy) for case in cases])
    assert "value" in honest
    assert lying["error"] == "BrokenSignatureError"


def test_no_trust_list_is_read_that_is_too_long():
    script = "async ({load}) => (await load('trust')).MAX_TRUST_BYTES"
    assert run_node(script) == MAX_TRUST_BYTES
