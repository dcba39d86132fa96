"""Every rule x {inside, edge, one off, missing}: the gate gives exactly this code, and the verifier agrees.

Each cell changes one thing of a document that keeps every rule, or of what is registered. The gate is asked as the
desk asks it; then the document is put into the log by force, and the verifier judges the bundle.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from further_kinds import ENTRY, GUARDED, SIMPLE, make_value, make_values, to_calibration, to_paper
from ledger_in_memory import INSTITUTION, NOW, make_point, make_result, make_signer
from registered import (
    MATERIAL,
    PARENT,
    SOFTWARE,
    STANDARD,
    TIMES,
    RegisteredLedger,
    canonical,
    make_registered_record,
    seal_by_all,
    state_person,
    state_standard,
)

from issuer.gate import Gate
from ledger.core.authority import Register
from ledger.core.bundle import parse_bundle
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.paper_rules import PAPER_STEPS
from ledger.core.record import Role, VerificationKind
from ledger.core.register_fields import RegisterState
from ledger.core.scope import Basis, ReadingRange
from ledger.core.step import Outcome, Step
from ledger.core.unit import UNITS
from verifier.verify import verify_bundle

DAY = date(2026, 2, 28)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
ROOTS = frozenset({"NIM"})
SUSPENDED = RegisterState.SUSPENDED


@dataclass(frozen=True)
class Cell:
    """One change, and what must come of it."""

    step: Step
    id: str
    record: dict = field(default_factory=dict)
    """Members that replace those of the good record."""
    registers: tuple = ()
    """Functions of the ledger that return statements; appended before the document."""
    codes: frozenset = frozenset()
    outcome: Outcome = Outcome.PASSED
    times: dict = field(default_factory=dict)
    whole: bool = True


def refused(step, name, *codes, **parts):
    return Cell(step, name, codes=frozenset(codes), outcome=Outcome.FAILED, **parts)


def open_(step, name, *codes, **parts):
    return Cell(step, name, codes=frozenset(codes), outcome=Outcome.NOT_CHECKED, **parts)


def scope(**changes):
    return (lambda ledger: ledger.scope(version=1, **changes),)


def person(**changes):
    return (lambda ledger: ledger.person("P-0001", version=1, **changes),)


def standard(**changes):
    return (lambda ledger: ledger.standard(version=1, **changes),)


def parent(**changes):
    return (lambda ledger: ledger.standard(PARENT, version=1, **changes),)


def material(**changes):
    return (lambda ledger: ledger.material(version=1, **changes),)


def approve(**changes):
    return (lambda ledger: ledger.approve(version=1, **changes),)


def block(**changes):
    return (lambda ledger: ledger.block(**changes),)


def institution(**changes):
    registers = changes.pop("registers", frozenset(Register))
    return (lambda ledger: ledger.institution(version=2, registers=registers, **changes),)


def litres(lower, upper):
    return ReadingRange(Decimal(lower), Decimal(upper), UNITS["L"])


def named(*persons):
    return {"persons": list(persons)}


def other_persons(**changes):
    """Return the three persons, the operator with changes."""
    return named(state_person("P-0001", **changes), state_person("P-0002"), state_person("P-0003"))


def pump(error, mpe="0.30", *, passed=True, u="0.05", measured=None):
    point = make_point(error, mpe, passed=passed, nominal="20.00", u=u)
    if measured is not None:
        point["measured"] = measured
    return {"results": [make_result("indication_error", "L") | {"points": [point], "pass": passed}]}


def instrument(**changes):
    return {"instrument": changes}


CELLS = [
    Cell(Step.SCOPE, "inside"),
    Cell(Step.SCOPE, "last day", registers=scope(valid_until=DAY)),
    Cell(
        Step.SCOPE, "first day of a version", registers=scope(valid_from=DAY, categories=frozenset(Category))
    ),
    refused(Step.SCOPE, "a day late", "SCOPE", registers=scope(valid_until=BEFORE)),
    Cell(Step.SCOPE, "suspended from the next day", registers=scope(valid_from=AFTER, state=SUSPENDED)),
    refused(Step.SCOPE, "suspended from that day", "SCOPE", registers=scope(valid_from=DAY, state=SUSPENDED)),
    refused(
        Step.SCOPE, "other category", "SCOPE", registers=scope(categories=frozenset({Category.PRICE_SCALE}))
    ),
    refused(Step.SCOPE, "other region", "SCOPE", record=instrument(site={"division": "350202"})),
    refused(Step.SCOPE, "no such line", "SCOPE", record={"issuer": {"scope_line_id": "S9"}}),
    Cell(
        Step.SCOPE,
        "class covered",
        registers=scope(classes=frozenset({"0.3"})),
        record=instrument(**{"class": "0.3"}),
    ),
    refused(
        Step.SCOPE,
        "class not covered",
        "SCOPE",
        registers=scope(classes=frozenset({"0.5"})),
        record=instrument(**{"class": "0.3"}),
    ),
    refused(Step.SCOPE, "class not stated", "SCOPE", registers=scope(classes=frozenset({"0.3"}))),
    Cell(Step.SCOPE, "regulation covered", registers=scope(regulations=frozenset({"JJG443—2023"}))),
    refused(
        Step.SCOPE,
        "regulation not covered",
        "SCOPE",
        registers=scope(regulations=frozenset({"JJG 443-2015"})),
    ),
    Cell(Step.SCOPE, "reading at the end of the range", registers=scope(range=litres("5", "20"))),
    refused(Step.SCOPE, "reading beyond the range", "SCOPE", registers=scope(range=litres("5", "19.99"))),
    Cell(Step.SCOPE, "pledge", registers=scope(basis=Basis.PLEDGED, follow_up=DAY)),
    Cell(Step.PERSONS, "inside"),
    Cell(Step.PERSONS, "last day", registers=person(valid_until=DAY)),
    refused(Step.PERSONS, "a day late", "PERSON_EXPIRED", registers=person(valid_until=BEFORE)),
    refused(
        Step.PERSONS,
        "key has ended",
        "PERSON_KEY_ENDED",
        registers=(lambda ledger: ledger.person("P-0001", version=1, signer="P-0001 new"),),
    ),
    refused(Step.PERSONS, "suspended", "PERSON_EXPIRED", registers=person(valid_from=DAY, state=SUSPENDED)),
    Cell(
        Step.PERSONS,
        "suspended from a later day",
        registers=person(valid_from=date(2026, 3, 5), state=SUSPENDED),
    ),
    refused(
        Step.PERSONS,
        "not registered",
        "PERSON_UNREGISTERED",
        record=named(
            {"role": "operator", "pid": "P-0009", "signed_at": TIMES["operator"]},
            state_person("P-0002"),
            state_person("P-0003"),
        ),
    ),
    open_(
        Step.PERSONS,
        "not registered, register not whole",
        record=named(
            {"role": "operator", "pid": "P-0009", "signed_at": TIMES["operator"]},
            state_person("P-0002"),
            state_person("P-0003"),
        ),
        whole=False,
    ),
    refused(Step.PERSONS, "other role", "PERSON_ROLE", registers=person(roles=frozenset({Role.CHECKER}))),
    refused(
        Step.PERSONS,
        "other item",
        "PERSON_ITEM",
        registers=person(categories=frozenset({Category.TAXIMETER})),
    ),
    refused(
        Step.PERSONS,
        "does not sign",
        "PERSON_KEY",
        record=other_persons(key=..., signed_at=TIMES["operator"]),
    ),
    refused(
        Step.PERSONS,
        "one person twice",
        "PERSONS",
        "PERSON_ROLE",
        record=named(state_person("P-0001"), state_person("P-0001", role="checker"), state_person("P-0003")),
    ),
    refused(
        Step.PERSONS, "nobody checks", "PERSONS", record=named(state_person("P-0001"), state_person("P-0003"))
    ),
    refused(
        Step.PERSONS,
        "checker approves",
        "PERSONS",
        "PERSON_ROLE",
        record=named(state_person("P-0001"), state_person("P-0002"), state_person("P-0002", role="approver")),
    ),
    Cell(
        Step.PERSONS,
        "checker may approve",
        record=named(state_person("P-0001"), state_person("P-0002"), state_person("P-0002", role="approver")),
        registers=(
            *institution(checker_may_approve=True),
            lambda ledger: ledger.person("P-0002", version=1, roles=frozenset({Role.CHECKER, Role.APPROVER})),
        ),
    ),
    Cell(Step.STANDARDS, "inside"),
    Cell(
        Step.STANDARDS,
        "last day",
        registers=standard(valid_until=DAY),
        record={"standards": [state_standard(exam_until="2026-02-28")]},
    ),
    refused(
        Step.STANDARDS,
        "a day late",
        "STANDARD_EXPIRED",
        registers=standard(valid_until=BEFORE),
        record={"standards": [state_standard(exam_until="2026-02-27")]},
    ),
    refused(
        Step.STANDARDS,
        "not registered",
        "STANDARD_UNREGISTERED",
        record={"standards": [state_standard(id="X")]},
    ),
    refused(Step.STANDARDS, "none named", "STANDARD_MISSING", record={"standards": []}),
    open_(Step.STANDARDS, "none named, register not whole", record={"standards": []}, whole=False),
    refused(
        Step.STANDARDS,
        "withdrawn",
        "STANDARD_STATE",
        registers=standard(valid_from=DAY, state=RegisterState.WITHDRAWN),
    ),
    refused(
        Step.STANDARDS,
        "other examination",
        "STANDARD_DIFFERS",
        record={"standards": [state_standard(exam_no="X")]},
    ),
    refused(
        Step.STANDARDS,
        "other category",
        "STANDARD_SCOPE",
        registers=standard(categories=frozenset({Category.TAXIMETER})),
    ),
    refused(Step.STANDARDS, "not public", "STANDARD_NOT_PUBLIC", registers=standard(public_no=None)),
    Cell(Step.STANDARDS, "authorised instead", registers=standard(public_no=None, is_mandatory=True)),
    Cell(
        Step.STANDARDS,
        "not public, and not needed",
        registers=standard(public_no=None),
        record=instrument(purpose=...),
    ),
    refused(
        Step.STANDARDS,
        "source lapsed when compared",
        "STANDARD_CHAIN",
        registers=parent(valid_until=date(2025, 8, 31)),
    ),
    Cell(Step.STANDARDS, "source lapsed a day after", registers=parent(valid_until=date(2025, 9, 1))),
    refused(
        Step.STANDARDS,
        "traced to itself",
        "STANDARD_CHAIN",
        registers=(lambda ledger: ledger.standard(PARENT, version=1, instruments=STANDARD.instruments),),
    ),
    open_(
        Step.STANDARDS,
        "source not stated",
        registers=(
            lambda ledger: ledger.standard(
                PARENT, version=1, instruments=(replace(PARENT.instruments[0], source=None),)
            ),
        ),
    ),
    Cell(
        Step.STANDARDS,
        "primary",
        registers=(lambda ledger: ledger.nation(), lambda ledger: ledger.primary(PARENT, version=1)),
    ),
    Cell(Step.STANDARDS, "uncertainty a third", record=pump("0.10", u="0.10", measured="20.02")),
    refused(
        Step.STANDARDS,
        "uncertainty above a third",
        "UNCERTAINTY",
        record=pump("0.10", u="0.101", measured="20.02"),
    ),
    Cell(Step.STANDARDS, "material on its last day", registers=material(valid_until=DAY)),
    refused(Step.STANDARDS, "material a day late", "CRM_EXPIRED", registers=material(valid_until=BEFORE)),
    refused(
        Step.STANDARDS,
        "material recalled",
        "CRM_RECALLED",
        registers=material(valid_from=DAY, state=RegisterState.WITHDRAWN),
    ),
    refused(
        Step.STANDARDS,
        "material not registered",
        "CRM_UNREGISTERED",
        record={"crms": [{"id": MATERIAL.id, "lot": "X"}]},
    ),
    Cell(Step.TYPE, "inside"),
    refused(Step.TYPE, "not approved", "CPA_UNREGISTERED", record=instrument(cpa_no="2018F000-00")),
    refused(Step.TYPE, "not named", "CPA_MISSING", record=instrument(cpa_no=...)),
    open_(Step.TYPE, "not named, register not whole", record=instrument(cpa_no=...), whole=False),
    Cell(Step.TYPE, "approval on its last day", registers=approve(valid_until=DAY)),
    refused(Step.TYPE, "approval a day late", "CPA_NOT_IN_FORCE", registers=approve(valid_until=BEFORE)),
    refused(
        Step.TYPE,
        "approval suspended",
        "CPA_NOT_IN_FORCE",
        registers=approve(valid_from=DAY, state=SUSPENDED),
    ),
    refused(Step.TYPE, "other model", "CPA_DIFFERS", record=instrument(model="EX-1")),
    refused(Step.TYPE, "other maker", "CPA_DIFFERS", record=instrument(maker="别家")),
    refused(
        Step.TYPE,
        "software of another hash",
        "SOFTWARE",
        record=instrument(software={"id": SOFTWARE.id, "hash": "ab" * 32}),
    ),
    refused(
        Step.TYPE, "software without its hash", "SOFTWARE", record=instrument(software={"id": SOFTWARE.id})
    ),
    refused(Step.TYPE, "software not stated", "SOFTWARE", record=instrument(software=...)),
    refused(Step.TYPE, "maker blocked", "BLOCKED", registers=block()),
    Cell(Step.TYPE, "maker blocked from the next day", registers=block(valid_from=AFTER)),
    refused(Step.TYPE, "model blocked", "BLOCKED", registers=block(models=frozenset({"EX-1224"}))),
    Cell(Step.TYPE, "other model blocked", registers=block(models=frozenset({"EX-1248"}))),
    refused(Step.TYPE, "serial blocked", "BLOCKED", registers=block(serials=frozenset({"SN00000001"}))),
    Cell(Step.TYPE, "other serial blocked", registers=block(serials=frozenset({"SN00000002"}))),
    Cell(
        Step.TYPE,
        "block lifted",
        registers=(*block(), lambda ledger: ledger.block(version=1, state=RegisterState.WITHDRAWN)),
    ),
    Cell(Step.REGULATION, "inside"),
    open_(Step.REGULATION, "unknown", "REGULATION", record={"regulation": {"id": "JJG 1", "title": "x"}}),
    open_(Step.REGULATION, "missing", "REGULATION", record={"regulation": ...}),
    Cell(
        Step.REGULATION,
        "published, first day",
        registers=(lambda ledger: ledger.publish_rule(effective_on="2026-02-28"),),
    ),
    refused(
        Step.REGULATION,
        "published, a day early",
        "REGULATION",
        registers=(lambda ledger: ledger.publish_rule(effective_on="2026-03-01"),),
    ),
    refused(
        Step.REGULATION,
        "arbitration without commission",
        "COMMISSION",
        record={"kind": "arbitration"},
        registers=scope(kinds=frozenset(VerificationKind)),
    ),
    Cell(
        Step.REGULATION,
        "arbitration",
        record={"kind": "arbitration", "commission_no": "仲〔2026〕1号"},
        registers=scope(kinds=frozenset(VerificationKind)),
    ),
    Cell(Step.LIMITS, "exactly at the limit", record=pump("0.30", measured="20.06")),
    refused(Step.LIMITS, "just above, called passed", "LIMITS", record=pump("0.305", measured="20.061")),
    refused(Step.LIMITS, "error does not follow", "LIMITS", record=pump("0.20", measured="20.06")),
    refused(Step.LIMITS, "other limit stated", "LIMITS", record=pump("0.10", mpe="0.50", measured="20.02")),
    open_(Step.LIMITS, "nothing measured", record={"results": []}),
    Cell(Step.EXPIRY, "last day allowed"),
    refused(
        Step.EXPIRY, "a day longer", "EXPIRY", record={"validity": {"kind": "date", "until": "2026-08-28"}}
    ),
    refused(
        Step.EXPIRY,
        "shorter without a reason",
        "EXPIRY",
        record={"validity": {"kind": "date", "until": "2026-08-26"}},
    ),
    Cell(
        Step.EXPIRY,
        "shorter with a reason",
        record={"validity": {"kind": "date", "until": "2026-08-26", "reason": "使用频繁"}},
    ),
    refused(Step.EXPIRY, "no end", "EXPIRY", record={"validity": {"kind": "none"}}),
]


def calibration(*points, **changes):
    """Return the registered record as a calibration of the same pump, with these points."""
    results = {"results": make_values(*points)} if points else {}
    return {"kind_of_document": to_calibration, **results, **changes}


def value(error, measured, u="0.05", **members):
    return make_value(error, measured=measured, u=u, **members)


def concluded(conclusion, rule, *points):
    return calibration(*points, conclusion=conclusion, decision_rule=rule)


def paper(**changes):
    return {"kind_of_document": to_paper, **changes}


def entry(**changes):
    return paper(paper=ENTRY | changes)


ALL_KINDS = scope(kinds=frozenset(VerificationKind))
CALIBRATIONS = [
    Cell(Step.SCOPE, "inside", record=calibration(), registers=ALL_KINDS),
    refused(Step.SCOPE, "scope line without calibrations", "SCOPE", record=calibration()),
    Cell(
        Step.SCOPE,
        "specification covered",
        record=calibration(),
        registers=scope(kinds=frozenset(VerificationKind), regulations=frozenset({"JJF9001—2020"})),
    ),
    refused(
        Step.SCOPE,
        "specification not covered",
        "SCOPE",
        record=calibration(),
        registers=scope(kinds=frozenset(VerificationKind), regulations=frozenset({"JJG 443-2023"})),
    ),
    refused(
        Step.SCOPE,
        "reading beyond the range",
        "SCOPE",
        record=calibration(),
        registers=scope(kinds=frozenset(VerificationKind), range=litres("5", "19.99")),
    ),
    Cell(Step.PERSONS, "inside", record=calibration(), registers=ALL_KINDS),
    refused(
        Step.PERSONS,
        "a day late",
        "PERSON_EXPIRED",
        record=calibration(),
        registers=(*ALL_KINDS, *person(valid_until=BEFORE)),
    ),
    refused(
        Step.PERSONS,
        "one person in two roles",
        "PERSONS",
        "PERSON_KEY",
        "PERSON_ROLE",
        record=calibration(
            persons=[
                state_person("P-0001"),
                state_person("P-0001", role="checker", key=...) | {"signed_at": TIMES["checker"]},
                state_person("P-0003"),
            ]
        ),
        registers=ALL_KINDS,
    ),
    Cell(Step.STANDARDS, "inside", record=calibration(), registers=ALL_KINDS),
    Cell(
        Step.STANDARDS,
        "above a third of the limit, which is for verifications",
        record=calibration(value("0.10", "20.02", u="0.20", mpe="0.30")),
        registers=ALL_KINDS,
    ),
    Cell(
        Step.STANDARDS,
        "not public, which is for mandatory verification",
        record=calibration(),
        registers=(*ALL_KINDS, *standard(public_no=None)),
    ),
    refused(
        Step.STANDARDS,
        "a day late",
        "STANDARD_DIFFERS",
        "STANDARD_EXPIRED",
        record=calibration(),
        registers=(*ALL_KINDS, *standard(valid_until=BEFORE)),
    ),
    refused(
        Step.STANDARDS,
        "none named",
        "STANDARD_MISSING",
        record=calibration(standards=[]),
        registers=ALL_KINDS,
    ),
    refused(
        Step.STANDARDS,
        "chain broken",
        "STANDARD_CHAIN",
        record=calibration(),
        registers=(*ALL_KINDS, *parent(state=SUSPENDED, valid_from=date(2023, 1, 1))),
    ),
    Cell(
        Step.TYPE,
        "no type approval",
        record=calibration(instrument={"cpa_no": ..., "software": ...}),
        registers=ALL_KINDS,
    ),
    Cell(
        Step.TYPE, "maker blocked from verification", record=calibration(), registers=(*ALL_KINDS, *block())
    ),
    Cell(Step.REGULATION, "a specification", record=calibration(), registers=ALL_KINDS),
    Cell(
        Step.REGULATION,
        "a regulation in force beside it",
        record=calibration(regulation={"id": "JJG 443-2023(试行)", "title": "燃油加油机"}),
        registers=ALL_KINDS,
    ),
    refused(
        Step.REGULATION,
        "a regulation that is not in force",
        "REGULATION",
        record=calibration(regulation={"id": "JJG 443-2023(试行)", "title": "燃油加油机"}),
        registers=(*ALL_KINDS, lambda ledger: ledger.publish_rule(effective_on="2026-03-01")),
    ),
    Cell(Step.LIMITS, "no conclusion", record=calibration(), registers=ALL_KINDS),
    refused(
        Step.LIMITS,
        "error does not follow",
        "LIMITS",
        record=calibration(value("0.20", "20.02")),
        registers=ALL_KINDS,
    ),
    *(
        Cell(Step.LIMITS, name, record=concluded(said, rule, point), registers=ALL_KINDS)
        for name, said, rule, point in (
            ("simple, at the limit", "pass", SIMPLE, value("0.30", "20.06", mpe="0.30")),
            ("simple, one off", "fail", SIMPLE, value("0.35", "20.07", mpe="0.30")),
            ("guarded, at the band", "pass", GUARDED, value("0.25", "20.05", mpe="0.30")),
            ("guarded, in the band", "conditional", GUARDED, value("0.30", "20.06", mpe="0.30")),
            ("guarded, at its other end", "conditional", GUARDED, value("0.35", "20.07", mpe="0.30")),
            ("guarded, beyond", "fail", GUARDED, value("0.40", "20.08", mpe="0.30")),
        )
    ),
    *(
        refused(Step.LIMITS, name, "DECISION", record=concluded(said, rule, point), registers=ALL_KINDS)
        for name, said, rule, point in (
            ("simple, one off, called pass", "pass", SIMPLE, value("0.35", "20.07", mpe="0.30")),
            ("simple, at the limit, called fail", "fail", SIMPLE, value("0.30", "20.06", mpe="0.30")),
            ("guarded, in the band, called pass", "pass", GUARDED, value("0.30", "20.06", mpe="0.30")),
            (
                "guarded, beyond, called conditional",
                "conditional",
                GUARDED,
                value("0.40", "20.08", mpe="0.30"),
            ),
            (
                "guarded, inside, called conditional",
                "conditional",
                GUARDED,
                value("0.20", "20.04", mpe="0.30"),
            ),
            ("no limit to judge by", "pass", SIMPLE, value("0.10", "20.02")),
        )
    ),
    Cell(Step.EXPIRY, "no date", record=calibration(), registers=ALL_KINDS),
    Cell(
        Step.EXPIRY,
        "a date agreed, longer than any verification's",
        record=calibration(validity={"kind": "date", "until": "2031-02-27", "agreed": True}),
        registers=ALL_KINDS,
    ),
]
PAPERS = [
    *(open_(step, "as on the paper", record=paper()) for step in PAPER_STEPS),
    open_(Step.PERSONS, "entered on the last day", record=paper(), registers=person(valid_until=DAY)),
    refused(
        Step.PERSONS,
        "entered a day late",
        "PERSON_EXPIRED",
        record=paper(),
        registers=person(valid_until=BEFORE),
    ),
    refused(
        Step.PERSONS,
        "entered by a suspended person",
        "PERSON_EXPIRED",
        record=paper(),
        registers=person(valid_from=DAY, state=SUSPENDED),
    ),
    refused(
        Step.PERSONS, "entered by nobody known", "PERSON_UNREGISTERED", record=entry(entered_by="P-0009")
    ),
    open_(
        Step.PERSONS,
        "entered by nobody known, register not whole",
        record=entry(entered_by="P-0009"),
        whole=False,
    ),
    open_(
        Step.PERSONS,
        "entered by a person of any role",
        record=entry(entered_by="P-0002"),
    ),
    open_(
        Step.STANDARDS,
        "whatever has lapsed since",
        record=paper(),
        registers=standard(valid_until=BEFORE),
    ),
    refused(Step.TIME, "entered tomorrow", "TIME", record=entry(entered_on="2026-03-04")),
]
CELLS += [*CALIBRATIONS, *PAPERS]


def build(cell):
    """Return the ledger before the document, and the document."""
    ledger = RegisteredLedger(whole=cell.whole)
    for make in cell.registers:
        ledger.append(make(ledger))
    members = dict(cell.record)
    parts = members.pop("instrument", {})
    issuer = members.pop("issuer", {})
    convert, changes = members.pop("kind_of_document", None), members
    record = make_registered_record(**({} if convert else members))
    if convert is not None:
        record = convert(record, **changes)
    kept = record["instrument"] | parts
    record["instrument"] = {name: value for name, value in kept.items() if value is not ...}
    record["issuer"] |= issuer
    return ledger, seal_by_all(record, TIMES | cell.times)


def name_cell(cell):
    kind = {to_calibration: "calibration ", to_paper: "paper "}.get(cell.record.get("kind_of_document"), "")
    return f"{kind}{cell.step.code}: {cell.id}"


@pytest.mark.parametrize("cell", CELLS, ids=name_cell)
def test_gate_and_verifier_agree(cell):
    ledger, credential = build(cell)
    record = parse_certificate(canonical(credential)).record
    gate = Gate(
        ledger.registers,
        load_rule_book(),
        INSTITUTION,
        make_signer("seal").public_key.key_id,
        ZoneInfo("Asia/Shanghai"),
    )
    assert {reason.code for reason in gate.find_reasons(record, NOW)} == cell.codes
    index = ledger.issue_credential(credential, force=True)
    report = verify_bundle(parse_bundle(ledger.bundle(index)), ledger.session(traceability_roots=ROOTS), NOW)
    outcomes = {check.step: check.outcome for check in report.checks}
    assert outcomes[cell.step] is cell.outcome, report.checks
    others = {step for step, outcome in outcomes.items() if outcome is Outcome.FAILED} - {cell.step}
    assert others == set()


def test_every_rule_has_cells_that_pass_and_cells_that_fail():
    for step in (
        Step.SCOPE,
        Step.PERSONS,
        Step.STANDARDS,
        Step.TYPE,
        Step.REGULATION,
        Step.LIMITS,
        Step.EXPIRY,
    ):
        found = [cell for cell in CELLS if cell.step is step]
        assert {Outcome.PASSED, Outcome.FAILED} <= {cell.outcome for cell in found}, step
