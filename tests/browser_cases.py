"""What is asked of both verifiers, here and in the browser, and how their answers are compared.

>>> answers = ask_node([Case("bundle", raw, policy, None, NOW)])
>>> find_differences(cases, answers)
[]
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from browser_node import run_node

from ledger.core.absence_proof import Absence, parse_absence_proof
from ledger.core.bundle import parse_bundle
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import LedgerError
from ledger.core.policy import parse_policy
from ledger.core.sticker_proof import ShownSticker, parse_sticker_proof
from ledger.core.trust import parse_trust_list
from verifier.absence_proof import verify_absence_proof
from verifier.report import Report, report_members
from verifier.session import Session
from verifier.sticker_proof import verify_sticker_proof
from verifier.verify import verify_bundle, verify_certificate, verify_statement_alone

ROOT = Path(__file__).resolve().parent.parent
DRIVER = Path(__file__).with_name("browser_driver.mjs")
DATA = ROOT / "ledger" / "core" / "data"
RULE_BOOK = {
    "rules": (DATA / "verification_rules.csv").read_text("utf-8"),
    "limits": (DATA / "limits.csv").read_text("utf-8"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One question to a verifier."""

    kind: str
    """`bundle`, `certificate`, `statement`, `sticker` or `absence`."""
    raw: bytes
    policy: bytes
    trust: bytes | None
    now: datetime


Answer = dict[str, Any]
"""Members of the report, or `{"error": class}`."""


def to_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def to_members(case: Case) -> dict[str, Any]:
    trust = None if case.trust is None else encode_base64(case.trust)
    raw, policy = encode_base64(case.raw), encode_base64(case.policy)
    return {"kind": case.kind, "raw": raw, "policy": policy, "trust": trust, "now": to_ms(case.now)}


def encode_case(case: Case, answer: Answer) -> str:
    """Return a case and its answer as one line."""
    return json.dumps(to_members(case) | {"answer": answer}, ensure_ascii=False)


def load_cases(file: Path) -> Iterator[tuple[Case, Answer]]:
    """Read what `encode_case` wrote."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            members = json.loads(line)
            trust = None if members["trust"] is None else parse_base64(members["trust"])
            now = _EPOCH + timedelta(milliseconds=members["now"])
            raw, policy = parse_base64(members["raw"]), parse_base64(members["policy"])
            yield Case(members["kind"], raw, policy, trust, now), members["answer"]


def ask_python(case: Case) -> Answer:
    """Return what the verifier here says."""
    try:
        trust = None if case.trust is None else parse_trust_list(case.trust)
        session = Session(parse_policy(case.policy), load_rule_book(), trust)
        if case.kind == "statement":
            report = verify_statement_alone(case.raw, session, case.now)
        elif case.kind == "certificate":
            report = verify_certificate(parse_certificate(case.raw), session, case.now)
        elif case.kind == "sticker":
            return describe_shown(*verify_sticker_proof(parse_sticker_proof(case.raw), session, case.now))
        elif case.kind == "absence":
            return describe_shown(*verify_absence_proof(parse_absence_proof(case.raw), session, case.now))
        else:
            report = verify_bundle(parse_bundle(case.raw), session, case.now)
    except LedgerError as err:
        return {"error": type(err).__name__}
    return report_members(report)


def read_vector(kind: str, folder: Path) -> Case:
    """Return what a vector of a proof of a sticker, or of an absence, asks."""
    want = json.loads((folder / "expected.json").read_bytes())
    raw, policy = (folder / f"{kind}_proof.json").read_bytes(), (folder / "policy.json").read_bytes()
    return Case(kind, raw, policy, None, datetime.fromisoformat(want["now"]))


def describe_shown(report: Report, shown: ShownSticker | Absence | None) -> Answer:
    """Return a report on a sticker or an absence, and how the one stands or what is lacking."""
    standing = shown.standing if isinstance(shown, ShownSticker) else shown
    return report_members(report) | {"found": None if standing is None else standing.value}


_ASK = """async ({load}, {driver, ruleBook, cases}) => {
  const {judge} = await import(driver)
  const answers = []
  for (const one of cases) answers.push(await judge(load, ruleBook, one))
  return answers
}"""


def ask_node(cases: Iterable[Case], chunk: int = 400) -> list[Answer]:
    """Return what the browser's verifier says of each case in node."""
    waiting, answers = [to_members(case) for case in cases], []
    for start in range(0, len(waiting), chunk):
        payload = {"driver": DRIVER.as_uri(), "ruleBook": RULE_BOOK, "cases": waiting[start : start + chunk]}
        answers += run_node(_ASK, payload, timeout=900)
    return answers


def outline(answer: Answer) -> Answer:
    """Return what must be equal of two answers: all but the sentences of steps."""
    if "checks" not in answer:
        return answer
    checks = [[check["name"], check["outcome"], check.get("warning", False)] for check in answer["checks"]]
    return answer | {"checks": checks}


def find_differences(wanted: list[Answer], answers: list[Answer]) -> list[tuple[int, Any, Any]]:
    """Return the places where two verifiers differ, with what each says there."""
    assert len(wanted) == len(answers)
    found = []
    for place, (ours, theirs) in enumerate(zip(wanted, answers, strict=True)):
        one, other = outline(ours), outline(theirs)
        names = [name for name in {*one, *other} if one.get(name) != other.get(name)]
        found += [
            (place, _pick(ours, one, other, name), _pick(theirs, other, one, name)) for name in sorted(names)
        ]
    return found


def _pick(answer: Answer, own: Answer, other: Answer, name: str) -> Any:
    """Return one member; of the steps those that differ, with their sentences."""
    if name != "checks" or name not in own or name not in other:
        return {name: own.get(name)}
    pairs = zip(answer["checks"], own["checks"], other["checks"], strict=True)
    return [(one["name"], one["outcome"], one["reason"]) for one, mine, its in pairs if mine != its]
