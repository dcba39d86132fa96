"""What people read follows from the steps in the browser as at the server: verdict, status, what is shown."""

import os
import random
from dataclasses import replace
from datetime import date, timedelta

from browser_node import run_node
from ledger_in_memory import MemoryLedger
from witnesses import make_quorum

from api.choosing import choose_shown, doubt_status
from api.shown import Shown
from ledger.core.policy import encode_policy
from ledger.core.step import Check, Outcome, Sentence, Step, Verdict
from verifier.newest import bring_up_to_date
from verifier.report import DocumentStatus, DocumentSummary, build_report

COUNT = 20_000 if os.environ.get("HENGZHENG_LONG") == "1" else 1_500
OUTCOMES = [Outcome.PASSED] * 40 + [Outcome.NOT_CHECKED] * 3 + [Outcome.FAILED]
WITNESSES = make_quorum("w1", "w2", "w3", threshold=2)

_ASK = """async ({load}, {cases}) => {
  const [{buildReport}, {bringUpToDate, chooseShown, doubtStatus}, {STEPS}, {parsePolicy}] =
    await Promise.all(["report", "shown", "step", "policy"].map(load))
  const policies = new Map()
  return cases.map(({policy: text, document, complete, asked, reports}) => {
    if (!policies.has(text)) policies.set(text, parsePolicy(new TextEncoder().encode(text)))
    const policy = policies.get(text)
    const askedFor = asked.map((number) => STEPS[number - 1])
    const [then, now] = reports.map(({checks, status}) => buildReport(
      checks.map(([number, outcome, warning]) =>
        ({step: STEPS[number - 1], outcome, reason: {en: "x", zh: "x"}, warning})),
      status, policy, document && {documentType: document}, {complete, askedFor}))
    const joined = bringUpToDate(then, now, policy)
    const doubted = doubtStatus(then, policy, {en: "x", zh: "x"})
    return [then, now, joined, doubted].map((one) =>
      [one.verdict, one.status, one.authentic, one.exitCode, chooseShown(one, policy)])
  })
}"""


WITHOUT_BUNDLE = {
    *(Shown.CONTENT_WITHHELD, Shown.NOT_LOGGED, Shown.NOT_FOUND, Shown.UNKNOWN_CODE),
    *(Shown.NEVER_GIVEN_OUT, Shown.NOT_VERIFIED),
    *(each for each in Shown if each.startswith("STICKER_")),
}
"""What no report of a bundle leads to."""


def draw_report(chance):
    steps = [step for step in Step if chance.random() < 0.97]
    checks = [(step.number, chance.choice(OUTCOMES), chance.random() < 0.02) for step in steps]
    return {"checks": checks, "status": chance.choice([*DocumentStatus, DocumentStatus.VALID, None])}


def draw_case(chance):
    policy = MemoryLedger().policy(
        required=frozenset(step for step in Step if chance.random() < 0.5),
        witnesses=chance.choice([None, WITNESSES]),
        max_status_age=chance.choice([None, None, timedelta(hours=2)]),
    )
    then, now = draw_report(chance), draw_report(chance)
    if chance.random() < 0.5:  # as it mostly is: the newest lacks receipt and witnesses, and no more
        outcomes = {
            Step.RECEIPT.number: Outcome.NOT_CHECKED,
            Step.QUORUM.number: chance.choice(OUTCOMES[-6:]),
        }
        now = then | {"checks": [(at, outcomes.get(at, said), warned) for at, said, warned in then["checks"]]}
    return {
        "policy": policy,
        "document": chance.choice([None, "verification_certificate", "paper_register"]),
        "complete": chance.random() < 0.9,
        "asked": [step.number for step in Step if chance.random() < 0.05],
        "reports": [then, now],
    }


def judge(case):
    policy, name = case["policy"], case["document"]
    document = None if name is None else replace(DOCUMENT, document_type=name)
    steps = {step.number: step for step in Step}
    said = Sentence("x", "x")
    then, now = (
        build_report(
            [Check(steps[number], outcome, said, warned) for number, outcome, warned in report["checks"]],
            report["status"],
            policy,
            document,
            complete=case["complete"],
            asked_for=frozenset(steps[number] for number in case["asked"]),
        )
        for report in case["reports"]
    )
    found = [then, now, bring_up_to_date(then, now, policy), doubt_status(then, policy)]
    return [
        [one.verdict, one.status, one.authentic, one.exit_code, choose_shown(one, policy)] for one in found
    ]


DOCUMENT = DocumentSummary("", "N1", "x", None, None, "S", None, "OTHER", date(2026, 2, 28), None)


def test_the_same_is_shown():
    chance = random.Random(11)
    cases = [draw_case(chance) for _ in range(COUNT)]
    asked = [case | {"policy": encode_policy(case["policy"]).decode()} for case in cases]
    wanted, found = [judge(case) for case in cases], run_node(_ASK, {"cases": asked})
    for case, ours, theirs in zip(cases, wanted, found, strict=True):
        assert theirs == ours, case
    shown = {one[-1] for each in wanted for one in each}
    assert shown == set(Shown) - WITHOUT_BUNDLE
    assert {one[0] for each in wanted for one in each} == set(Verdict)
