"""Registers and folds, there and here: the same values written in one way, and scripts that run the browser's side.

>>> show(SubjectState(Status.VALID, 1, LeafIndex(5), None))
{'status': 1, 'version': 1, 'lastEvent': 5, 'currentCertificate': None}
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

from browser_node import camel, run_node

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.entry import parse_leaf
from ledger.core.errors import LedgerError
from ledger.core.evidence import (
    Evidence,
    encode_evidence,
    establish,
    fold_evidence,
    parse_evidence,
    verify_evidence_inclusion,
    verify_sequence,
)
from ledger.core.fields import Reader
from ledger.core.fold import build_header, judge_signed_event
from ledger.core.published_rule import PublishedRules
from ledger.core.signature import PublicKey
from ledger.core.statement import ActClaims, parse_signed_statement
from ledger.core.status import Effect, Registers
from ledger.core.unit import Unit

SHOW = """(value) => {
  const show = (value) => {
    if (value === undefined) return "$undefined"
    if (typeof value === "bigint") return String(value)
    if (value === null || typeof value !== "object") return value
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
    const sort = (items) => items.map((item) => JSON.stringify(show(item))).sort().map((text) => JSON.parse(text))
    if (value instanceof Set) return sort([...value])
    if (value instanceof Map) return sort([...value])
    if (Array.isArray(value)) return value.map(show)
    if ("multikey" in value) return value.multikey
    if ("factor" in value && "dimension" in value) return value.code
    if ("coefficient" in value) return `${value.coefficient}e${value.exponent}`
    if (typeof value.n === "bigint") return `${value.n}/${value.d}`
    const { validityKind, ...members } = value
    return Object.fromEntries(Object.entries(members).map(([name, item]) => [name, show(item)]))
  }
  return show(value)
}"""

EVIDENCE_SCRIPT = (
    """async ({load, outcome}, {cases}) => {
  const show = """
    + SHOW
    + """
  const [own, { Reader }, { parseCanonicalJson }] = await Promise.all(["evidence", "fields", "canonical"].map(load))
  const answers = []
  for (const { raw, origin, rootDigest, treeSize, rootHash, before, times } of cases) {
    let evidence = null
    const found = [await outcome(() => {
      evidence = own.parseEvidence(new Reader(parseCanonicalJson(raw, { maxBytes: 1 << 26 }), "evidence"))
      return null
    })]
    const look = async (run) => found.push(await outcome(async () => show((await run()) ?? null)))
    const fold = async () => {
      for (const limit of before) {
        await look(() => own.foldEvidence(evidence, origin, rootDigest, { before: limit }))
      }
    }
    if (evidence) {
      await fold()
      await look(() => own.verifyEvidenceInclusion(evidence, treeSize, rootHash))
      await look(async () => {
        const { registers, mapRoot, statedAt } = await own.establish(evidence, origin, rootDigest)
        return { registers, mapRoot, statedAt }
      })
      await fold()
      for (const [index, at] of found.some(({ error }) => error) ? [] : times) {
        await look(() => own.verifySequence(evidence, index, at))
      }
    }
    answers.push(found)
  }
  return answers
}"""
)

LOG_SCRIPT = (
    """async ({load}, {logs}) => {
  const show = """
    + SHOW
    + """
  const names = ["fold", "statement", "status", "encoding"]
  const [{ judgeSignedEvent, buildHeader }, { parseSignedStatement }, { Effect, Registers }, { encodeHex }] =
    await Promise.all(names.map(load))
  const answers = []
  for (const leaves of logs) {
    const [registers, states, subjects, headers] = [new Registers(), new Map(), [], []]
    for (const [index, [raw, at]] of leaves.entries()) {
      const signed = parseSignedStatement(raw)
      const view = (subject) => states.get(encodeHex(subject)) ?? null
      const outcome = await judgeSignedEvent(signed, index, at, registers, view, (leaf) => subjects[leaf])
      const header = buildHeader(signed, outcome, at)
      headers.push({ ...show(header), reason: outcome.reason ?? null })
      subjects.push(header.subject)
      if (!(outcome instanceof Effect)) continue
      for (const [subject, state] of outcome.changes) states.set(subject, state)
      outcome.apply?.(registers)
    }
    answers.push({ headers, registers: show(registers), states: show(states) })
  }
  return answers
}"""
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def show(value: Any) -> Any:  # noqa: C901, PLR0912 - one line a kind of value
    """Return how both sides write a value: as the browser's objects are, in JSON."""
    match value:
        case None | bool() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return show(value.value)
        case int():
            return value if abs(value) < 1 << 53 else str(value)
        case bytes():
            return value.hex()
        case datetime():
            return (value - _EPOCH) // timedelta(milliseconds=1)
        case date():
            return (value - _EPOCH.date()).days
        case PublicKey():
            return value.multikey
        case Unit():
            return value.code
        case Decimal():
            sign, digits, exponent = value.as_tuple()
            return f"{'-' * sign}{int(''.join(map(str, digits)))}e{exponent}"
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case PublishedRules():
            return {"contents": show(value.contents)}
        case frozenset() | set():
            return _sort([show(item) for item in value])
        case Mapping():
            return _sort([[_name(key), show(item)] for key, item in value.items()])
        case list() | tuple():
            return [show(item) for item in value]
        case _:
            return {
                camel(field.name): show(getattr(value, field.name)) for field in dataclasses.fields(value)
            }


def _name(key: Any) -> str:
    """Return the text that a map of the browser has for a key: ids joined by NUL, bytes in hex."""
    return "\0".join(key) if isinstance(key, tuple) else show(key)


def _sort(items: list) -> list:
    texts = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items]
    return [json.loads(text) for text in sorted(texts, key=lambda text: text.encode("utf-16-be"))]


def run_here(run: Any, *args: Any, **options: Any) -> dict:
    """Return the value of a call, or the class of its error."""
    try:
        return {"value": show(run(*args, **options))}
    except LedgerError as err:
        return {"error": type(err).__name__}


def without_message(outcome: dict) -> dict:
    return {name: item for name, item in outcome.items() if name != "message"}


# --- evidence ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class EvidenceCase:
    """Evidence as it stands in a file, and under what it is looked at."""

    raw: bytes
    origin: str
    root_digest: bytes
    tree_size: int
    root_hash: bytes
    before: tuple[int, ...] = ()
    times: tuple[tuple[int, int], ...] = ()
    """Leaf indices with times, for `verify_sequence`."""


def write_evidence(evidence: Evidence) -> bytes:
    return encode_canonical_json(encode_evidence(evidence))


def judge_here(case: EvidenceCase) -> list[dict]:
    """Return what Python says of parsing, folding up to each index, inclusion, establishing and times."""
    found = [run_here(lambda: _parse(case) and None)]
    if "error" in found[0]:
        return found
    evidence, pins = _parse(case), (case.origin, case.root_digest)
    folds = [run_here(fold_evidence, evidence, *pins, before=limit) for limit in case.before]
    included = run_here(verify_evidence_inclusion, evidence, case.tree_size, case.root_hash)
    found += [*folds, included, run_here(_establish, evidence, *pins), *folds]
    if not any("error" in each for each in found):
        found += [run_here(verify_sequence, evidence, index, at) for index, at in case.times]
    return found


def _parse(case: EvidenceCase) -> Evidence:
    return parse_evidence(Reader(parse_canonical_json(case.raw, max_bytes=1 << 26), "evidence"))


def _establish(evidence: Evidence, origin: str, root_digest: bytes) -> dict:
    found = establish(evidence, origin, root_digest)
    return _Established(found.registers, found.map_root, found.stated_at)


@dataclasses.dataclass(frozen=True)
class _Established:
    registers: Registers
    map_root: bytes
    stated_at: datetime


def judge_there(cases: Sequence[EvidenceCase]) -> list[list[dict]]:
    """Return what the browser's modules say of the same."""
    payload = [
        {camel(field.name): getattr(case, field.name) for field in dataclasses.fields(case)} for case in cases
    ]
    return [
        [without_message(each) for each in found] for found in run_node(EVIDENCE_SCRIPT, {"cases": payload})
    ]


# --- whole logs -------------------------------------------------------------------------------------------


def fold_here(leaves: Sequence[tuple[bytes, int]]) -> dict:
    """Fold statements, each with its time in milliseconds, as a log does."""
    registers, states, subjects, headers = Registers(), {}, [], []
    for index, (raw, at) in enumerate(leaves):
        signed = parse_signed_statement(raw)
        instant = _EPOCH + timedelta(milliseconds=at)
        outcome = judge_signed_event(signed, index, instant, registers, states.get, subjects.__getitem__)
        header = build_header(signed, outcome, at)
        headers.append(show(header))
        subjects.append(header.subject)
        if isinstance(outcome, Effect):
            states |= outcome.changes
            if outcome.apply is not None:
                outcome.apply(registers)
    return {"headers": headers, "registers": show(registers), "states": show(states)}


def fold_there(logs: Sequence[Sequence[tuple[bytes, int]]]) -> list[dict]:
    """Fold the same in the browser's modules."""
    answers = run_node(LOG_SCRIPT, {"logs": logs})
    for answer in answers:
        for header in answer["headers"]:
            assert (header.pop("reason") is None) == (header["status"] != 255)
    return answers


def list_statements(leaves: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Return the statements of a log's leaves with their times; MAPHEADs have none."""
    parsed = [parse_leaf(raw) for raw in leaves]
    return [(leaf.statement_raw, leaf.header.sequenced_at_ms) for leaf in parsed]


def leave_acts(leaves: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Return the statements without acts, lots, links and stickers, which the browser does not fold."""
    claims = (parse_signed_statement(raw).statement.claims for raw, _ in leaves)
    return [leaf for leaf, said in zip(leaves, claims, strict=True) if not isinstance(said, ActClaims)]
