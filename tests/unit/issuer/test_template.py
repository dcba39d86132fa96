"""Templates of every category: what they ask for is what the desk reads, and their example may be issued."""

import csv
import io
from datetime import date

import pytest
from desk_world import CONTEXT, NOW, ZONE, make_registers
from sheets import read_here, unpack, workbook
from world import INSTITUTION, World

from issuer.batch import InputForm, read_input
from issuer.columns import COLUMNS
from issuer.drafting import Draft, draft_document
from issuer.gate import Gate
from issuer.headings import find_name
from issuer.tabular import EXAMPLE_MARK
from issuer.template import MAX_PARTS, MAX_POINTS, build_template
from issuer.template_files import render_csv, render_xlsx
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError

BOOK = load_rule_book()
DAYS = (NOW.date(), date(2027, 1, 20))
"""Before and after a new regulation of price scales."""


@pytest.fixture(scope="module")
def gate():
    world = World()
    registers, _, _ = make_registers(world, anywhere=True)
    return Gate(registers, BOOK, INSTITUTION, world.seal.public_key.key_id, ZONE)


def read(raw, form):
    return read_input(raw, form, read_here, zone=ZONE)


def fill_csv(raw):
    """Return a template with its example as a document."""
    return raw.replace(EXAMPLE_MARK.encode(), b"R-1")


def fill_xlsx(raw):
    head, *rows = read_here("issuer.workbook.reader:read_workbook", raw)
    filled = [["R-1" if cell == EXAMPLE_MARK else cell for cell in cells] for _, cells in rows]
    assert [number for number, _ in rows] == [1, 2, 3]
    return workbook(filled, sheet=head["sheet"])


def require_issuable(found, gate, category):
    [row] = found.rows
    assert row.error is None, row.error
    draft = draft_document(row.value, CONTEXT)
    assert isinstance(draft, Draft), [str(error) for error in draft]
    assert draft.record.instrument.category is category
    issuer = gate.name_issuer(draft.record, None)
    from dataclasses import replace

    assert gate.find_reasons(replace(draft.record, issuer=issuer), NOW) == []
    return draft


@pytest.mark.parametrize("category", Category)
def test_the_example_of_every_template_could_be_issued_as_it_stands(gate, category):
    template = build_template(category, NOW.date(), BOOK)
    for found in (
        read(fill_xlsx(render_xlsx(template)), InputForm.XLSX),
        read(fill_csv(render_csv(template)), InputForm.CSV),
    ):
        assert found.skipped == 1, "the help stays"
        require_issuable(found, gate, category)


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("parts", [1, 2])
def test_parts_have_results_of_their_own(gate, category, parts):
    template = build_template(category, NOW.date(), BOOK, parts=parts, points=2)
    draft = require_issuable(read(fill_csv(render_csv(template)), InputForm.CSV), gate, category)
    assert {result.part for result in draft.record.results} == {
        part.id for part in draft.record.instrument.parts
    }
    assert len(draft.record.instrument.parts) == parts


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("day", DAYS)
def test_an_untouched_template_holds_no_document(category, day):
    template = build_template(category, day, BOOK)
    for raw, form in ((render_xlsx(template), InputForm.XLSX), (render_csv(template), InputForm.CSV)):
        found = read(raw, form)
        assert (found.rows, found.skipped) == ([], 2)


@pytest.mark.parametrize("category", Category)
def test_items_and_units_are_those_of_the_rule_book(category):
    rule = BOOK.find_rule(category, NOW.date())
    template = build_template(category, NOW.date(), BOOK)
    asked = {one.column.name.split(".")[1] for one in template.columns if one.column.name.startswith("item.")}
    assert asked == ({limit.item.value for limit in rule.limits} or {"indication_error"})
    assert template.regulation == (rule.regulation_id or "")
    seals = sum(one.column.pattern == "seals.#.no" for one in template.columns)
    assert seals == (rule.seal_points or 1)


@pytest.mark.parametrize("category", Category)
def test_every_heading_leads_back_to_its_column(category):
    for one in build_template(category, NOW.date(), BOOK, parts=2).columns:
        assert find_name(one.heading) == one.column.name
        assert one.column.pattern in COLUMNS
        assert all(one.help)


def test_a_template_follows_the_regulation_of_its_day():
    names = [build_template(Category.PRICE_SCALE, day, BOOK).regulation for day in DAYS]
    assert names == ["JJG 539-2016", "JJG 1204-2025(试行)"]


def test_words_that_a_template_offers_are_words_that_are_read():
    for category in Category:
        for one in build_template(category, NOW.date(), BOOK).columns:
            assert not one.words or one.example in {*one.words, ""}


@pytest.mark.parametrize(("points", "parts"), [(0, 0), (MAX_POINTS + 1, 0), (1, MAX_PARTS + 1), (1, -1)])
def test_a_template_has_limits(points, parts):
    with pytest.raises(InputError, match="a template has 1 to"):
        build_template(Category.TAXIMETER, NOW.date(), BOOK, points=points, parts=parts)


def test_no_regulation_no_template():
    with pytest.raises(InputError, match="no regulation of PRICE_SCALE is in force on 1990-01-01"):
        build_template(Category.PRICE_SCALE, date(1990, 1, 1), BOOK)


def test_columns_are_text_and_choices_are_lists():
    parts = unpack(render_xlsx(build_template(Category.WATER_METER_SMALL, NOW.date(), BOOK)))
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert sheet.count('type="list"') >= 5
    assert "合格,不合格" in sheet
    assert 'formatCode="@"' in parts["xl/styles.xml"].decode(), "text"


def test_the_same_template_is_the_same_file():
    template = build_template(Category.TAXIMETER, NOW.date(), BOOK)
    assert render_xlsx(template) == render_xlsx(template)


def test_a_template_of_csv_tells_spreadsheets_its_encoding():
    raw = render_csv(build_template(Category.TAXIMETER, NOW.date(), BOOK))
    assert raw.startswith(b"\xef\xbb\xbf")
    assert len({len(row) for row in csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))}) == 1
