"""Step 16 in the browser beside Python's: the same requests, and on the same answers the same outcome and sentence.

Each case is a conversation that Python's look had with a node. The browser's look must ask the same, word for word,
and come to the same step; what is said with it may differ only where a node's nonsense is described.
"""

import json
import random
from dataclasses import replace

import pytest
from anchored_stage import SIZES, URL, Stage
from browser_node import run_node
from chain_helpers import make_policy

from ledger.core.errors import ChainUnavailableError
from ledger.core.policy import encode_policy
from verifier.chain import look_at_contract
from verifier.node import Node

METHODS = ("eth_syncing", "eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_call", "eth_getLogs")
UNKNOWN_LOG = "0x3d199f11" + "00" * 32
TOO_MANY = {"error": {"code": -32005, "message": "range too large"}}
ASK = """async ({load}, cases) => {
  const [{ lookAtContract }, { parsePolicy }, { UnavailableError }] =
    await Promise.all(["chain", "policy", "errors"].map(load));
  const answers = [];
  for (const { policy, size, root, said } of cases) {
    const left = [...said];
    const post = async (body) => {
      const [asked, answer] = left.shift() ?? ["nothing more"];
      if (asked !== body) throw new Error(`asks ${body}, where Python asked ${asked}`);
      if (answer === null) throw new UnavailableError("the node is out of reach");
      return answer;
    };
    const look = lookAtContract(post, parsePolicy(policy));
    const found = await look({ treeSize: size, rootHash: root });
    if ((await look({ treeSize: size, rootHash: root.slice() })) !== found) throw new Error("looked up twice");
    answers.push({ step: found.step.number, outcome: found.outcome, reason: found.reason, left: left.length });
  }
  return answers;
}"""


class Recorder:
    """Has Python's look talk to a chain, and keeps every conversation."""

    def __init__(self, patch):
        self.patch = patch
        self.cases = []
        self.checks = []

    def record(self, answer, pin, checkpoint):
        """Look once; `answer` gives bytes for method and parameters, or None where nobody answers."""
        said = []

        def post(_node, body):
            request = json.loads(body)
            raw = answer(request["method"], request["params"])
            said.append([body.decode(), raw])
            if raw is None:
                raise ChainUnavailableError("the node is out of reach")
            return raw

        self.patch.setattr(Node, "_post", post)
        policy = make_policy(pin)
        self.checks.append(look_at_contract(URL, policy)(checkpoint))
        self.cases.append(
            {
                "policy": encode_policy(policy),
                "size": checkpoint.tree_size,
                "root": checkpoint.root_hash,
                "said": said,
            }
        )

    def compare(self):
        """Require the same of the browser's look; return how often each outcome came about."""
        answers = run_node(ASK, self.cases)
        counts = {}
        for case, ours, theirs in zip(self.cases, self.checks, answers, strict=True):
            assert theirs["left"] == 0, case["said"]
            assert (theirs["step"], theirs["outcome"]) == (ours.step.number, ours.outcome.value), case["said"]
            assert theirs["reason"] == {"en": ours.reason.en, "zh": ours.reason.zh}, case["said"]
            counts[ours.outcome.value] = counts.get(ours.outcome.value, 0) + 1
        return counts


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


@pytest.fixture
def stage():
    return Stage()


def honest(stage):
    return lambda method, params: json.dumps(stage.chain.answer(method, params)).encode()


def instead(stage, wanted, raw):
    """Return what answers one method with these bytes, and the others truly."""
    truth = honest(stage)
    return lambda method, params: raw if method == wanted else truth(method, params)


def limited(stage, most):
    """Return what shows events of so many blocks at once."""

    def answer(method, params):
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first + 1 > most:
                return json.dumps(TOO_MANY).encode()
        return honest(stage)(method, params)

    return answer


def result(value):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


def test_what_an_honest_node_shows(recorder, stage):
    chain = stage.pin.chain
    pins = [replace(stage.pin, finality=each) for each in ("immediate", "depth:9", "depth:10", "depth:31")]
    pins += [replace(stage.pin, finality=each) for each in ("tag:safe", "tag:finalized")]
    pins += [replace(stage.pin, chain=replace(chain, chain_id=1)), replace(stage.pin, code_hash=bytes(32))]
    pins += [replace(stage.pin, chain=replace(chain, genesis_hash=bytes(32)))]
    pins += [replace(stage.pin, chain=replace(chain, log_id=bytes(32)))]
    pins += [replace(stage.pin, chain=replace(chain, contract=bytes(20))), None]
    newest = stage.checkpoints[-1]
    states = [*stage.checkpoints, *(replace(each, root_hash=b"\x01" * 32) for each in stage.checkpoints)]
    states += [replace(newest, tree_size=size) for size in (1, 5, 21, 2**53 - 1, 2**53 + 1, 2**62)]
    for pin in pins:
        for state in states:
            recorder.record(honest(stage), pin, state)
    counts = recorder.compare()
    assert counts["PASSED"] == 14
    assert counts["FAILED"] > 60
    assert counts["NOT_CHECKED"] > 30


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_events_are_asked_for_page_by_page(recorder, stage, place):
    for most in (0, 1, 2, 5, 16, 32, 33):
        recorder.record(limited(stage, most), stage.pin, stage.checkpoints[place])
    assert recorder.compare() == {"PASSED": 6, "NOT_CHECKED": 1}


@pytest.mark.parametrize("method", METHODS)
def test_refusals_silence_and_bytes_that_mean_nothing(recorder, stage, method):
    errors = [{"code": -32000, "message": "no"}, "no", 7, [None], 0, False, None, {"data": UNKNOWN_LOG}]
    errors += [{"data": data} for data in ("0x", "0xdeadbeef", {"data": UNKNOWN_LOG}, UNKNOWN_LOG + "00", 1)]
    raws = [json.dumps({"error": error}).encode() for error in errors]
    raws += [None, b"", b"null", b"[]", b"{}", b"\xff", b"\xef\xbb\xbf{}", b'{"result":', b"<html>", b"NaN"]
    raws += [b"[" * 300_000, b'{"result":1}{"result":2}', b'{"result":"0x1e61","result":"0x1"}']
    raws += [b'{"__proto__":{"result":"0x1"}}', b'{"error":null,"result":null}', b'{"result":0x1}']
    for raw in raws:
        for state in (stage.checkpoints[-1], replace(stage.checkpoints[-1], root_hash=b"\x01" * 32)):
            recorder.record(instead(stage, method, raw), stage.pin, state)
    counts = recorder.compare()
    assert counts["NOT_CHECKED"] >= 20
    assert counts.get("FAILED", 0) > 0 or method != "eth_call"


def test_a_node_without_final_blocks(recorder, stage):
    for raw in (result(None), result({"number": "0x1", "hash": "0x"}), None, json.dumps(TOO_MANY).encode()):

        def answer(method, params, raw=raw):
            is_final = method == "eth_getBlockByNumber" and params[0] == "finalized"
            return raw if is_final else honest(stage)(method, params)

        recorder.record(answer, replace(stage.pin, finality="tag:finalized"), stage.checkpoints[0])
    assert recorder.compare() == {"NOT_CHECKED": 4}


@pytest.mark.parametrize(
    "change",
    [
        {"address": "0x" + "09" * 20},
        {"address": "0x09"},
        {"address": 9},
        {"topics": []},
        {"topics": None},
        {"topics": ["0x" + "09" * 32]},
        {"topics": ["0x09", "0x", "0xABCD"]},
        {"data": "0x"},
        {"data": "0xf"},
        {"blockNumber": "0x7f"},
        {"blockNumber": hex(2**53)},
        {"blockNumber": "0x0c"},
    ],
    ids=str,
)
def test_events_that_were_not_asked_for(recorder, stage, change):
    entries = json.loads(honest(stage)("eth_getLogs", _ask_for_newest(stage)))["result"]
    assert entries
    spoilt = [entry | change for entry in entries]
    for shown in (spoilt, [*spoilt, *entries], [*entries, *spoilt], [{}, *entries], [None], "0x"):
        recorder.record(instead(stage, "eth_getLogs", result(shown)), stage.pin, stage.checkpoints[-1])
    assert recorder.compare()["NOT_CHECKED"] >= 3


def _ask_for_newest(stage):
    """Return the parameters with which the newest event is asked for."""
    seen = []
    truth = honest(stage)

    def answer(method, params):
        if method == "eth_getLogs":
            seen.append(params)
        return truth(method, params)

    with pytest.MonkeyPatch.context() as patch:
        Recorder(patch).record(answer, stage.pin, stage.checkpoints[-1])
    return seen[0]


def make_lie(rng, depth=0):
    """Return some JSON, often of a kind that a node answers."""
    kinds = [
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.choice([0, -1, 7777, 1.5, 2**64, 10**30]),
        lambda: rng.choice(["0x", "0x0", "0x1e61", "0x00", "0xg", hex(2**64), hex(2**255), "1", "0X1", ""]),
        lambda: "0x" + rng.randbytes(rng.choice([1, 4, 20, 32, 64, 128])).hex(),
        lambda: "0x" + (bytes(31) + b"\x07" + bytes(95) + b"\x01").hex(),
    ]
    if depth < 3:
        names = ["number", "hash", "address", "topics", "data", "blockNumber", "result", "error"]
        kinds += [
            lambda: [make_lie(rng, depth + 1) for _ in range(rng.randrange(4))],
            lambda: {name: make_lie(rng, depth + 1) for name in rng.sample(names, rng.randrange(5))},
        ]
    return rng.choice(kinds)()


def test_lies_without_end(recorder, stage):
    rng = random.Random(20_261_123)
    forged = replace(stage.checkpoints[-1], root_hash=b"\x01" * 32)
    for _ in range(150):
        for method in METHODS:
            raw = result(make_lie(rng)) if rng.random() < 0.8 else json.dumps(make_lie(rng)).encode()
            state = rng.choice([forged, *stage.checkpoints])
            recorder.record(instead(stage, method, raw), stage.pin, state)
    counts = recorder.compare()
    assert sum(counts.values()) == 900
    assert counts["NOT_CHECKED"] > 400


# --- sending ------------------------------------------------------------------------------------------------

SEND = """async ({load}, cases) => {
  const { postBy } = await load("node");
  const streams = {
    text: (text) => new Response(text),
    status: (status) => new Response("no", { status }),
    bytes: (size) => new Response(new Uint8Array(size)),
    never: () => new Promise(() => {}),
    trickle: () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    throws: (message) => { throw new TypeError(message); },
  };
  const answers = [];
  for (const [kind, value] of cases) {
    let asked = null;
    const send = (url, options) => {
      asked = [url, options];
      const answer = streams[kind](value);
      const { signal } = options;
      const end = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      if (kind === "trickle") return { ok: true, body: { getReader: () => ({ read: () => end, cancel() {} }) } };
      return Promise.race([answer, end]);
    };
    try {
      const raw = await postBy(send, "https://node.example/key", { timeoutMs: 100 })("{}");
      answers.push({ size: raw.length, url: asked[0], ...asked[1], signal: undefined });
    } catch (error) {
      answers.push({ error: error.name, message: error.message });
    }
  }
  return answers;
}"""


def test_what_is_sent_goes_to_one_place_and_says_nothing_of_the_sender():
    (sent,) = run_node(SEND, [["text", "{}"]])
    assert sent == {
        "size": 2,
        "url": "https://node.example/key",
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": "{}",
        "cache": "no-store",
        "credentials": "omit",
        "redirect": "error",
        "referrerPolicy": "no-referrer",
    }


def test_what_comes_back_has_limits():
    cases = [["bytes", 2**20], ["bytes", 2**20 + 1], ["status", 403], ["never", 0], ["trickle", 0]]
    answers = run_node(SEND, [*cases, ["throws", "Failed to fetch: https://node.example/key"]])
    assert answers[0]["size"] == 2**20
    assert [(each["error"], each["message"]) for each in answers[1:]] == [
        ("NonsenseError", "the node answers more than can be meant"),
        ("UnavailableError", "the node answers HTTP 403"),
        ("UnavailableError", "the node is too slow"),
        ("UnavailableError", "the node is too slow"),
        ("UnavailableError", "the node is out of reach"),
    ]
