from contextlib import suppress
from datetime import date
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import MalformedDocumentError
from ledger.core.table import MAX_CHARACTERS, read_table


class Colour(StrEnum):
    RED = "red"


def row(cell):
    [found] = read_table("rules", f'cell,other\n"{cell}",x\n', ("cell", "other"))
    return found


def test_rows_come_in_order_with_the_number_an_editor_shows():
    rows = list(read_table("rules", 'a,b\n1,"x, ""y"""\n2,\n', ("a", "b")))
    assert [found.label for found in rows] == ["rules row 2", "rules row 3"]
    assert rows[0].text("b") == 'x, "y"'
    assert rows[1].optional_text("b") is None


def test_line_ends_of_windows_are_read():
    assert [found.text("a") for found in read_table("rules", "a\r\n1\r\n", ("a",))] == ["1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "b,a\n1,2\n",
        "a\n1\n",
        "a,b,c\n1,2,3\n",
        "\ufeffa,b\n1,2\n",
        "a,b\n1\n",
        "a,b\n1,2,3\n",
        "a,b\n\n",
        'a,b\n"1,2\n',
        'a,b\n"1"x,2\n',
        "a,b\n" + "x" * 200_000 + ",2\n",
        "a,b\n" + "1,2\n" * (MAX_CHARACTERS // 4),
    ],
)
def test_another_shape_is_refused(text):
    with pytest.raises(MalformedDocumentError):
        list(read_table("rules", text, ("a", "b")))


def test_cells_have_their_types():
    assert row("0.30").optional_decimal("cell") == Decimal("0.30")
    assert row("12").optional_count("cell", 99) == 12
    assert row("2027-01-08").optional_date("cell") == date(2027, 1, 8)
    assert row("red").optional_code("cell", Colour) is Colour.RED
    assert (row("yes").flag("cell"), row("no").flag("cell")) == (True, False)


def test_an_empty_cell_is_an_absent_value():
    empty = row("")
    assert empty.optional_text("cell") is None
    assert empty.optional_decimal("cell") is None
    assert empty.optional_count("cell", 9) is None
    assert empty.optional_date("cell") is None
    assert empty.optional_code("cell", Colour) is None


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (" x", lambda found: found.text("cell")),
        ("x\n", lambda found: found.text("cell")),
        ("", lambda found: found.text("cell")),
        ("1e3", lambda found: found.optional_decimal("cell")),
        ("-0", lambda found: found.optional_decimal("cell")),
        ("0", lambda found: found.optional_count("cell", 9)),
        ("10", lambda found: found.optional_count("cell", 9)),
        ("1.0", lambda found: found.optional_count("cell", 9)),
        ("-1", lambda found: found.optional_count("cell", 9)),
        ("2027-1-8", lambda found: found.optional_date("cell")),
        ("20270108", lambda found: found.optional_date("cell")),
        ("2027-02-30", lambda found: found.optional_date("cell")),
        ("Red", lambda found: found.optional_code("cell", Colour)),
        ("", lambda found: found.flag("cell")),
        ("true", lambda found: found.flag("cell")),
    ],
)
def test_a_wrong_cell_is_named(cell, read):
    with pytest.raises(MalformedDocumentError) as refused:
        read(row(cell))
    assert refused.value.field.endswith(": cell")


@given(st.text())
def test_reading_raises_nothing_else(text):
    with suppress(MalformedDocumentError):
        for found in read_table("rules", "a,b\n" + text, ("a", "b")):
            assert set(found.cells) == {"a", "b"}
