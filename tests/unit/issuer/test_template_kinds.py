"""Templates of documents that verify nothing: read back, their example may be issued as what it is."""

import csv
import io
from dataclasses import replace

import pytest
from desk_world import CONTEXT, NOW, ZONE, make_registers
from sheets import read_here
from world import INSTITUTION, World

from issuer.batch import InputForm, read_input
from issuer.drafting import Draft, draft_document
from issuer.faults import list_faults
from issuer.gate import Gate
from issuer.headings import find_choices, find_name
from issuer.tabular import EXAMPLE_MARK
from issuer.template import MAX_POINTS
from issuer.template_files import render_csv, render_xlsx
from issuer.template_kinds import build_calibration_template, build_paper_template
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.record import VerificationKind
from ledger.core.statement import Conclusion, DocumentKind

BOOK, DAY = load_rule_book(), NOW.date()


@pytest.fixture(scope="module")
def gate():
    world = World()
    registers, _, _ = make_registers(world, anywhere=True)
    scopes = {key: replace(line, kinds=frozenset(VerificationKind)) for key, line in registers.scopes.items()}
    versions = {
        subject: tuple(
            replace(one, content=replace(one.content, kinds=frozenset(VerificationKind)))
            if hasattr(one.content, "kinds")
            else one
            for one in found
        )
        for subject, found in registers.versions.items()
    }
    found = replace(registers, scopes=scopes, versions=versions)
    return Gate(found, BOOK, INSTITUTION, world.seal.public_key.key_id, ZONE)


def build(kind, category=Category.FUEL_DISPENSER, points=2):
    if kind is DocumentKind.PAPER:
        return build_paper_template(category, DAY, BOOK)
    return build_calibration_template(category, DAY, BOOK, points=points)


def fill(template, **cells):
    """Return the CSV with the example as a document, and cells by the names of their columns changed."""
    rows = list(csv.reader(io.StringIO(render_csv(template).decode("utf-8-sig"))))
    row = ["R-1", *rows[2][1:]]
    names = [one.column.name for one in template.columns]
    for name, text in cells.items():
        row[names.index(name.replace("__", "."))] = text
    out = io.StringIO()
    csv.writer(out).writerows([rows[0], row])
    return out.getvalue().encode()


def read_draft(raw):
    [row] = read_input(raw, InputForm.CSV, read_here, zone=ZONE).rows
    assert row.error is None, row.error
    return draft_document(row.value, CONTEXT)


def faults(raw):
    found = read_draft(raw)
    assert not isinstance(found, Draft)
    return [fault.text for error in found for fault in list_faults(error, 2)]


KINDS = pytest.mark.parametrize("kind", [DocumentKind.CALIBRATION, DocumentKind.PAPER])


@KINDS
@pytest.mark.parametrize("category", Category)
def test_the_example_could_be_issued_as_it_stands(gate, kind, category):
    draft = read_draft(fill(build(kind, category)))
    assert isinstance(draft, Draft), draft
    assert draft.record.document_kind is draft.claims.kind is kind
    issuer = gate.name_issuer(draft.record, draft.scope_id)
    assert gate.find_reasons(replace(draft.record, issuer=issuer), NOW) == []


@KINDS
def test_an_untouched_template_holds_no_document(kind):
    template = build(kind)
    for raw, form in ((render_xlsx(template), InputForm.XLSX), (render_csv(template), InputForm.CSV)):
        found = read_input(raw, form, read_here, zone=ZONE)
        assert (found.rows, found.skipped) == ([], 2)


@KINDS
def test_headings_lead_back_and_words_are_those_of_the_kind(kind):
    for one in build(kind).columns:
        assert find_name(one.heading) == one.column.name
        assert set(one.words) <= {*find_choices(one.column.pattern), one.example}
    words = {one.column.name: one.words for one in build(kind).columns}
    assert words["doc_type"] == (("纸质证书登记",) if kind is DocumentKind.PAPER else ("校准证书",))
    assert ("待定" in words["conclusion"]) is (kind is DocumentKind.CALIBRATION)


@pytest.mark.parametrize("points", [0, MAX_POINTS + 1])
def test_points_have_bounds(points):
    with pytest.raises(InputError, match=r"^--points: "):
        build(DocumentKind.CALIBRATION, points=points)


def test_a_conclusion_is_read_with_its_rule():
    template = build(DocumentKind.CALIBRATION, points=1)
    raw = fill(
        template,
        conclusion="待定",
        decision_rule__rule="带保护带的接受",
        decision_rule__guard_factor="1",
        decision_rule__requirement="JJG 0-2020 §5",
        item__indication_error__1__mpe="0.02",
        validity__kind="有效期",
        validity__until="2099-01-01",
        validity__agreed="是",
    )
    draft = read_draft(raw)
    assert draft.record.conclusion is Conclusion.CONDITIONAL
    assert draft.record.validity.agreed


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        (
            "CALIBRATION",
            {"specification__id": "", "specification__title": ""},
            "specification: the specification",
        ),
        ("CALIBRATION", {"item__indication_error__1__u": ""}, "results[0].points[0].u: needed"),
        ("CALIBRATION", {"item__indication_error__k": ""}, "results[0].k: needed: the coverage"),
        ("CALIBRATION", {"conclusion": "合格"}, "decision_rule: needed where conformity is stated"),
        ("CALIBRATION", {"validity__kind": "有效期", "validity__until": "2099-01-01"}, "validity.agreed: "),
        ("CALIBRATION", {"item__indication_error__1__u": "0,05"}, "results[0].points[0].u: "),
        ("PAPER", {"no": ""}, "no: needed: the number of the paper certificate"),
        ("PAPER", {"paper__scan": ""}, "paper.scan: this member is missing"),
        ("PAPER", {"paper__scan": "abc"}, "paper.scan: "),
        ("PAPER", {"paper__entered_by": ""}, "paper.entered_by: this member is missing"),
        ("PAPER", {"paper__entered_on": ""}, "paper.entered_on: this member is missing"),
        ("PAPER", {"paper__entered_on": "2001-01-01"}, "paper.entered_on: is before the paper was issued"),
        ("PAPER", {"issued_on": ""}, "issued_on: needed, as the paper has it"),
        ("PAPER", {"validity__kind": ""}, "validity: needed, as the paper has it"),
        ("PAPER", {"kind": "校准"}, "kind: calibration is not for a paper register"),
        ("PAPER", {"conclusion": "待定"}, "conclusion: "),
        ("PAPER", {"conclusion": ""}, "conclusion: this member is missing"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_by_its_member_and_nothing_else(kind, cells, message):
    found = faults(fill(build(DocumentKind[kind], points=1), **cells))
    assert len(found) == 1, found
    assert found[0].startswith(f"row 2: {message}"), found


def test_a_paper_certificate_that_failed_has_no_validity():
    raw = fill(build(DocumentKind.PAPER), conclusion="不合格", validity__kind="")
    draft = read_draft(raw)
    assert draft.record.conclusion is Conclusion.FAIL
    assert EXAMPLE_MARK not in draft.request.id
