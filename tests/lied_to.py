"""Asks the device's one entry, in node, and says what is left open of its answer.

>>> ask(honest())[0]["shown"]
'VALID'
"""

from pathlib import Path
from typing import Any

from browser_lies import Given, Lie
from browser_node import run_node

README = Path(__file__).resolve().parents[1] / "verifier" / "browser" / "README.md"
GREEN = {"VALID", "ATTENTION", "CALIBRATED", "PAPER"}
ASK = """async ({load}, {cases}) => {
  const {checkOnDevice} = await load("device")
  const found = []
  for (const one of cases) {
    const {report, ...rest} = await checkOnDevice(one)
    const checks = report?.checks.map(({step, outcome, reason}) => [step.code, outcome, reason.en]) ?? []
    found.push({...rest, verdict: report?.verdict ?? null, status: report?.status ?? null, checks})
  }
  return found
}"""


def ask(*cases: Given) -> list[dict[str, Any]]:
    """Return what a device answers to each; of the report its verdict, status and steps."""
    return run_node(ASK, {"cases": list(cases)})


def open_steps(answer: dict[str, Any]) -> set[str]:
    """Return the steps that did not pass."""
    return {name for name, outcome, _ in answer["checks"] if outcome != "PASSED"}


def write_row(lie: Lie) -> str:
    """Return the row of a lie in the page's table."""
    return f"| {lie.name} | {lie.caught_by} |"
