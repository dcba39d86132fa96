"""Rows as spreadsheets and programs read them: no cell is a formula, and everything comes back."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auditing import COLUMNS, encode_csv, encode_jsonl, row_members
from api.schemas.audit import AuditRow
from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.event import EventType
from ledger.core.statement import Conclusion
from ledger.store.catalogue_queries import CatalogueEntry, FoundEntry

FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "='", "-", "="]
TEXTS = ("speaker", "institution", "division", "number", "part", "serial", "reason", "lot", "replaces")


def entry(**changes):
    given = {
        "leaf_index": 7,
        "document": 7,
        "event": EventType.ISSUE,
        "is_void": 0,
        "sequenced_at_ms": 1_762_070_400_123,
        "speaker": "350100-01",
        "institution": "350100-01",
        "division": "350100",
        "number": "JY2026-000001",
        "instrument": bytes(16),
        "serial": "SN1",
        "category": Category.TAXIMETER,
        "conclusion": Conclusion.PASS,
        "verified_on": 20_759,
        "valid_until": 20_939,
        "validity_kind": ValidityKind.DATE,
        "certificate_digest": bytes(32),
        "statement_digest": bytes(32),
    }
    return FoundEntry(CatalogueEntry(**(given | changes)), "VALID")


def read(raw):
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_of_a_statement_is_a_formula(name, formula):
    title, row = read(encode_csv([row_members(entry(**{name: formula}))], proof=False, title=True))
    assert tuple(title) == COLUMNS
    assert row[COLUMNS.index(name)] == f"'{formula}"
    assert [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=24))
def test_what_is_no_formula_comes_back_as_it_is(text):
    members = row_members(entry(serial=text))
    (row,) = read(encode_csv([members], proof=False, title=False))
    assert row[COLUMNS.index("serial")].removeprefix("'" if text[0] in "=+-@\t\r" else "") == text
    (line,) = encode_jsonl([members]).split(b"\n")[:-1]
    assert json.loads(line)["serial"] == text


def test_a_row_has_every_column_or_none_of_others():
    lot = {"lot": "L1", "lot_status": "FAILED"}
    names = {"replaces": "R", "other_instruments": "00/1", "supplement_digest": bytes(32), "sticker": "S"}
    members = row_members(entry(part="1", reason="TYPO", document_kind=1, **lot, **names))
    assert tuple(members) == COLUMNS
    assert members["sequenced_at"] == "2025-11-02T08:00:00.123Z"
    assert (members["verified_on"], members["valid_until"]) == ("2026-11-02", "2027-05-01")
    assert (members["category"], members["event"], members["effect"]) == ("TAXIMETER", "ISSUE", True)
    assert members["document_kind"] == "CALIBRATION"
    bare = CatalogueEntry(0, None, EventType.ROOT, 0, 0, "ROOT", statement_digest=bytes(32))
    assert row_members(FoundEntry(bare, None)).keys() == {
        *("leaf_index", "event", "effect", "sequenced_at", "speaker", "statement_digest")
    }


def test_a_proof_is_one_cell():
    members = row_members(entry()) | {"proof": {"a": [1, "=x"]}}
    title, row = read(encode_csv([members], proof=True, title=True))
    assert (title[-1], json.loads(row[-1])) == ("proof", {"a": [1, "=x"]})


def test_the_shape_of_a_row_has_every_column():
    assert set(AuditRow.model_fields) == {*COLUMNS, "proof"}
