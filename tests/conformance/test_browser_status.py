"""Step 19 in the browser: whatever a status map says of a document, both verifiers make the same of it."""

import os
import random
from datetime import timedelta

from browser_node import run_node
from further_kinds import found_for_all_kinds, make_calibration, make_paper
from ledger_in_memory import NOW, make_record, make_rejection

from ledger.core.bundle import parse_bundle
from ledger.core.errors import MapProofError
from ledger.core.event import certificate_subject, instrument_subject, list_relatives, lot_subject
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status, SubjectState
from verifier import checks
from verifier.freshness import judge_age

COUNT = 4_000 if os.environ.get("HENGZHENG_LONG") == "1" else 400
"""Maps a document."""

_ASK = """async ({load}, {documents}) => {
  const [{parseBundle}, {parseSignedStatement}, {checkStatus}, {judgeAge}] =
    await Promise.all(["bundle", "statement", "checks", "freshness"].map(load))
  const [{MapProofError}, {SubjectState}] = await Promise.all(["errors", "status"].map(load))
  const {encodeHex} = await load("encoding")
  return documents.map(([raw, maps, now]) => {
    const bundle = parseBundle(raw), signed = parseSignedStatement(bundle.statementRaw)
    return maps.map((states) => {
      const find = (subject) => {
        const found = states[encodeHex(subject)]
        if (found === undefined) throw new MapProofError("not shown")
        return found === null ? null : new SubjectState(...found)
      }
      try {
        const [check, status] = checkStatus(bundle, signed, {find}, judgeAge(now - 60_000, now, null))
        return [check.outcome, status, check.reason.en, check.reason.zh]
      } catch (error) {
        if (!(error instanceof MapProofError)) throw error
        return ["not shown"]
      }
    })
  })
}"""


class Map:
    """What a map says, without a proof."""

    def __init__(self, states):
        self.states = states

    def find(self, subject):
        if subject.hex() not in self.states:
            raise MapProofError("not shown")
        state = self.states[subject.hex()]
        return None if state is None else SubjectState(Status(state[0]), *state[1:])


def make_documents():
    """Return a bundle of every kind: issued, rejected, replacing, of a part, of a lot, calibrated, from paper."""
    ledger = found_for_all_kinds()
    made = [
        ledger.issue_record(make(no=f"N-{number}"))
        for number, make in enumerate((make_calibration, make_paper))
    ]
    made += [ledger.issue(1), ledger.issue_record(make_rejection(2))]
    other = make_record(1)["instrument"]
    replacing = {"replaces": {"no": "JY2026-000001", "reason": "TYPO"}}
    made.append(ledger.issue(3, instrument=other, **replacing))
    made.append(ledger.issue(4, lot={"no": "L1", "size": 100}))
    bundles = [ledger.bundle(index) for index in made]
    return [(raw, parse_bundle(raw)) for raw in bundles]


def list_subjects(bundle, claims, issuer):
    parts = [part.id for part in bundle.certificate.record.instrument.parts]
    subjects = [
        certificate_subject(issuer, claims.number),
        instrument_subject(claims.instrument_id, claims.part),
    ]
    subjects += [] if claims.lot is None else [lot_subject(issuer, claims.lot)]
    subjects += [] if claims.predecessor is None else [certificate_subject(issuer, claims.predecessor)]
    return subjects, [subject for _, subject in list_relatives(claims.instrument_id, claims.part, parts)]


def draw_state(chance, index):
    near = [index - 2, index - 1, index, index, index, index + 1, index + 2]
    status = chance.choice([*Status, Status.VALID, Status.VALID, Status.FAILED, Status.REGISTERED])
    return [int(status), chance.choice([1, 1, 1, 2, 2, 3]), chance.choice(near), chance.choice([*near, None])]


def draw_map(chance, bundle, signed):
    """Return a map near the one that the leaf itself would leave."""
    claims, issuer, index = signed.statement.claims, signed.statement.issuer, bundle.leaf_index
    own, relatives = list_subjects(bundle, claims, issuer)
    issued = int(checks.find_issued_status(claims))
    true = [issued, 1, index, index]
    left = [bundle.header.status, bundle.header.version, index, index if claims.is_verification else None]
    states = {own[0].hex(): true, own[1].hex(): left}
    states |= {subject.hex(): [int(Status.SUPERSEDED), 2, index, index - 1] for subject in own[2:]}
    states |= {subject.hex(): None for subject in relatives}
    for name in list(states):
        if chance.random() < 0.4:
            state, drawn = states[name], draw_state(chance, index)
            at = chance.randrange(4)
            whole = state is None or chance.random() < 0.4
            states[name] = drawn if whole else [*state[:at], drawn[at], *state[at + 1 :]]
        elif chance.random() < 0.03:
            states[name] = None
        elif chance.random() < 0.03:
            del states[name]
    return states


def judge(bundle, signed, states):
    try:
        age = judge_age(NOW - timedelta(minutes=1), NOW, None)
        check, status = checks.check_status(bundle, signed, Map(states), age)
    except MapProofError:
        return ["not shown"]
    return [check.outcome, status, check.reason.en, check.reason.zh]


def test_every_map_is_judged_alike():
    chance = random.Random(3)
    documents, wanted = [], []
    for raw, bundle in make_documents():
        signed = parse_signed_statement(bundle.statement_raw)
        maps = [draw_map(chance, bundle, signed) for _ in range(COUNT)]
        documents.append([raw, maps, NOW])
        wanted.append([judge(bundle, signed, states) for states in maps])
    found = run_node(_ASK, {"documents": documents})
    for (_, maps, _), ours, theirs in zip(documents, wanted, found, strict=True):
        for states, one, other in zip(maps, ours, theirs, strict=True):
            assert other == one, states
        assert {"PASSED", "FAILED", "not shown"} <= {one[0] for one in ours}
