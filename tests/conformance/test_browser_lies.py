"""A server that lies to a phone: every lie of `browser_lies` is caught by the phone, and by what the table says.

Caught means: no good verdict, and the reason is the device's own finding. The page has its table in
`verifier/browser/README.md`, which is compared with the lies here.
"""

import hashlib
import re
from dataclasses import replace
from functools import cache

import pytest
from browser_cases import RULE_BOOK, to_ms
from browser_lies import BELIEFS, HOUR, LIES, World, cancelled, honest, issue_part, pin, world
from browser_node import run_node
from ledger_in_memory import NOW, MemoryLedger, make_record, make_rejection, make_signer, seal_record
from lied_to import ASK, GREEN, README, ask, open_steps, write_row

from ledger.core.authority import ROOT_ISSUER, PolicyContent, encode_policy_content
from ledger.core.bundle import parse_bundle
from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.data import load_rule_book
from ledger.core.event import EventType
from ledger.core.ids import RootHash, TreeSize
from ledger.core.policy import encode_policy
from ledger.core.qr import compute_code, encode_digits
from ledger.core.step import Outcome, Step
from verifier.session import Session
from verifier.verify import verify_bundle


@cache
def answers():
    return ask(*(lie.tell() for lie in LIES))


# --- lies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(len(LIES)), ids=[lie.name for lie in LIES])
def test_a_lie_is_caught(place):
    lie, answer, true = LIES[place], answers()[place], ask_honest()
    assert answer["checkedByDevice"], answer["reason"]
    assert answer["verdict"] in {"INVALID", "UNKNOWN", None}
    assert answer["shown"] not in GREEN
    if lie.caught_by == "server":
        assert answer["checks"] == []
        assert answer["reason"]["en"]
        assert re.search(r"[\u4e00-\u9fff]", answer["reason"]["zh"])
    else:
        assert lie.caught_by in open_steps(answer) - (open_steps(true) - {"type", "persons"})
    if answer["verdict"] != "UNKNOWN":
        assert answer["remember"] == lie.tell()["remembered"]


@cache
def ask_honest():
    return ask(honest())[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("older policy", "this is version 1 of the policy; version 2 has been seen already"),
        ("a policy of the same version that asks for less", "changed without a new version"),
        ("a later policy that the root has not published", "has not published this version 2"),
        (
            "a later policy whose version the root has published with other content",
            "has not published this version 2",
        ),
        ("a policy with another log key", "another log, or another key of it"),
        ("a policy of another log", "another log, or another key of it"),
        ("a policy with another root", "another root"),
        ("a table of larger limits", "not the tables of this verifier"),
        ("old checkpoint: smaller than one that the device has seen", "has already seen the log with 15"),
        ("changed dates: the device's clock was set back", "clock is behind what it has already seen"),
        (
            "omitted cancellation: an older state as the newest",
            "an older state of the log was sent as the newest",
        ),
        ("the newest proof of another document", "the newest proof is of another document"),
        (
            "another instrument's valid bundle, for a short code",
            "the proof is of another document than the one that was asked for",
        ),
    ],
)
def test_a_lie_is_caught_in_words_of_its_own(name, words):
    (place,) = (place for place, lie in enumerate(LIES) if lie.name == name)
    assert words in answers()[place]["reason"]["en"]


def test_there_are_enough_lies_and_each_has_a_name_of_its_own():
    assert len(LIES) >= 90
    assert len({lie.name for lie in LIES}) == len(LIES)


def test_the_page_has_the_table_of_lies():
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert [row for lie in LIES if (row := write_row(lie)) not in rows] == []


# --- the truth --------------------------------------------------------------------------------------------


def test_what_is_true_is_valid_and_remembered():
    answer = ask_honest()
    assert (answer["shown"], answer["verdict"], answer["checkedByDevice"]) == ("VALID", "VALID", True)
    assert answer["reason"] is None
    own = world()
    assert answer["remember"] == own.remembered(own.newest)


def test_a_device_that_has_seen_nothing_pins_the_policy_and_remembers():
    answer = ask(honest() | {"remembered": None})[0]
    assert (answer["shown"], answer["remember"]) == ("VALID", ask_honest()["remember"])
    again = ask(honest() | {"remembered": answer["remember"]})[0]
    assert again == answer


def test_a_later_policy_is_not_believed_for_a_code_alone():
    """No proof stands beside the digits, so that nothing shows whether the root has published it."""
    own = world()
    later = replace(own.policy, version=2, required=frozenset({Step.SEAL}), witnesses=None)
    text = encode_policy(later).decode()
    alone = own.given(
        policyText=text, bundleText=None, newestText=None, trustText=own.ledger.trust_raw().decode()
    )
    answer = ask(alone)[0]
    assert (answer["shown"], answer["remember"]) == ("CANNOT_CHECK", alone["remembered"])
    assert "has not published this version 2" in answer["reason"]["en"]
    believed = alone | {"policyText": encode_policy(own.policy).decode()}
    assert ask(believed)[0]["remember"]["policy"] == believed["remembered"]["policy"]


@pytest.mark.parametrize("size", [(1 << 53) - 1, 1 << 53, 1 << 60])
def test_a_size_beyond_counting_is_refused_by_both(size):
    """Whatever a log has signed: no number in the files of a proof reaches so far."""
    own = world()
    signed = sign_checkpoint(
        Checkpoint(own.ledger.origin, TreeSize(size), RootHash(bytes(32))), own.ledger.log_signer
    )
    given = own.given(bundleText=own.bundle(own.first, own.anchored, checkpoint=signed))
    report = verify_bundle(
        parse_bundle(given["bundleText"].encode()), Session(own.policy, load_rule_book(), None), NOW
    )
    (checkpoint,) = (check for check in report.checks if check.step is Step.CHECKPOINT)
    assert (checkpoint.outcome is Outcome.FAILED) is (size >= 1 << 53)
    answer = ask(given)[0]
    assert (answer["shown"], answer["checkedByDevice"]) == ("TAMPERED", True)
    assert ("checkpoint" in open_steps(answer)) is (size >= 1 << 53)


def test_a_policy_is_not_pinned_by_a_proof_that_lacks_what_it_asks_for():
    own = world()
    text = own.bundle(own.first, own.anchored, receipt=None)
    answer = ask(own.given(bundleText=text, remembered=None))[0]
    assert (answer["shown"], answer["remember"]) == ("PENDING", None)


@pytest.mark.parametrize(("part", "shown"), [("2", "VALID"), (None, "NOT_VERIFIED")])
def test_what_is_true_of_a_part_is_said_of_that_part_alone(part, shown):
    ledger = MemoryLedger().found()
    own_of_part = issue_part(ledger, 7, "2")
    asked = {"instrument": make_record(7)["instrument"]["id"], "part": part}
    answer = ask(World(ledger).given(own_of_part, expected=asked))[0]
    assert (answer["shown"], answer["checkedByDevice"]) == (shown, True)
    assert (answer["verdict"] == "VALID") is (part == "2")


def test_a_part_that_the_whole_names_is_shown_by_its_document():
    asked = {"instrument": make_record(1)["instrument"]["id"], "part": "1"}
    answer = ask(world().given(expected=asked))[0]
    assert (answer["shown"], answer["reason"]) == ("VALID", None)


@pytest.mark.parametrize("expected", ["digits", "code", "instrument", None])
def test_the_document_that_was_asked_for_is_valid(expected):
    own = world()
    raw = own.ledger.documents[own.first].statement_raw
    asked = {
        "digits": honest()["expected"],
        "code": {"code": compute_code(raw)},
        "instrument": {"instrument": make_record(1)["instrument"]["id"]},
        None: None,
    }
    answer = ask(own.given(expected=asked[expected]))[0]
    assert answer["shown"] == "VALID"


def test_a_code_that_cannot_be_read_is_of_no_document():
    for expected in ({"digits": "17"}, {"code": "0000-0000-0000-0000"}, {"instrument": "zz"}):
        answer = ask(honest() | {"expected": expected})[0]
        assert answer["shown"] == "TAMPERED"


def test_what_has_happened_since_is_said():
    answer = ask(cancelled().given())[0]
    assert (answer["shown"], answer["status"], answer["verdict"]) == ("CANCELLED", "CANCELLED", "INVALID")
    assert answer["remember"]["checkpoint"]["size"] == cancelled().newest


def test_a_rejection_notice_is_genuine():
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_rejection(7))
    answer = ask(World(ledger).given(index))[0]
    assert (answer["shown"], answer["verdict"]) == ("FAILED", "INVALID")


def test_a_bundle_under_the_newest_checkpoint_needs_no_second():
    own = world()
    text = own.ledger.bundle(own.first, own.newest, checkpoint=own.note(own.newest)).decode()
    answer = ask(own.given(bundleText=text, newestText=None))[0]
    assert answer["shown"] == "VALID"


_COUNT = """async ({load}, {cases}) => {
  const {checkOnDevice} = await load("device")
  const own = crypto.subtle.verify.bind(crypto.subtle)
  let asked = 0
  Object.defineProperty(crypto.subtle, "verify", {value: (...given) => { asked += 1; return own(...given) }})
  const found = []
  for (const one of cases) {
    asked = 0
    const {report, ...rest} = await checkOnDevice(one)
    found.push([asked, {...rest, checks: report.checks.map(({step, outcome}) => [step.code, outcome])}])
  }
  return found
}"""


def test_the_same_bundle_twice_is_looked_at_once():
    own = world()
    text = own.bundle(own.first, own.newest)
    alone, twice, both = run_node(
        _COUNT,
        {
            "cases": [
                own.given(bundleText=text, newestText=None),
                own.given(bundleText=text, newestText=text),
                honest(),
            ]
        },
    )
    assert alone == twice
    assert both[0] > alone[0] > 0


def test_a_later_policy_that_the_root_has_published_is_believed_and_pinned():
    ledger = MemoryLedger().found()
    later = ledger.policy(version=2, **BELIEFS)
    content = encode_policy(later)
    ledger.append(_publish(ledger, 2, content))
    own = World(ledger)
    answer = ask(own.given(policyText=content.decode()))[0]
    assert (answer["shown"], answer["reason"]) == ("VALID", None)
    assert answer["remember"]["policy"] == pin(later)


def _publish(ledger, version, policy):
    content = encode_policy_content(PolicyContent(version, hashlib.sha256(policy).digest()))
    return ledger.register(
        EventType.POLICY, ROOT_ISSUER, content, ledger.roots[0], endorsers=tuple(ledger.roots)
    )


def test_a_trust_list_tells_too():
    own = world()
    for size in (own.anchored, own.newest):
        answer = ask(own.given(trustText=own.ledger.trust_raw(size).decode(), remembered=None))[0]
        assert (answer["shown"], answer["remember"]["checkpoint"]["size"]) == ("VALID", own.newest)


# --- without a proof, and without the means ---------------------------------------------------------------


def test_digits_alone_say_who_has_signed_and_nothing_of_the_state():
    own = world()
    given = own.given(bundleText=None, newestText=None, trustText=own.ledger.trust_raw(own.newest).decode())
    answer = ask(given)[0]
    outcomes = {name: outcome for name, outcome, _ in answer["checks"]}
    assert (answer["shown"], answer["verdict"]) == ("CANNOT_CHECK", "UNKNOWN")
    assert {outcomes[name] for name in ("statement", "key", "authority")} == {"PASSED"}
    assert outcomes["status"] == "NOT_CHECKED"


def test_digits_of_somebody_else_are_not_authentic():
    own = world()
    trust = MemoryLedger("ledger.example/2026").found().trust_raw().decode()
    raw = own.ledger.sign_issue(seal_record(make_record(12), make_signer("stranger")), "stranger")
    digits = {"digits": encode_digits(raw)}
    answer = ask(
        own.given(bundleText=None, newestText=None, trustText=trust, expected=digits, remembered=None)
    )[0]
    assert answer["verdict"] == "UNKNOWN"
    assert {"key", "authority"} <= open_steps(answer)


def test_a_device_that_cannot_compute_says_so():
    script = ASK.replace(
        'await load("device")',
        'await load("device"); curves.subtle = null; curves.load = () => Promise.reject(new Error("not here"))',
    ).replace("{load}", "{load, curves}")
    answer = run_node(script, {"cases": [honest()]})[0]
    assert (answer["checkedByDevice"], answer["shown"], answer["verdict"]) == (False, "CANNOT_CHECK", None)
    assert answer["reason"]["zh"].startswith("本机不能自检")
    assert answer["remember"] == honest()["remembered"]


def test_the_tables_of_regulations_are_those_of_this_product():
    digest = run_node('async ({load}) => (await load("believed")).RULE_BOOK_DIGEST')
    assert digest == load_rule_book().digest.hex()
    assert set(RULE_BOOK) == {"rules", "limits"}


def test_a_status_grows_old_between_two_looks():
    given = honest()
    for hours, shown in ((4, "VALID"), (6, "CANNOT_CHECK")):
        answer = ask(given | {"now": to_ms(NOW + hours * HOUR)})[0]
        assert answer["shown"] == shown
