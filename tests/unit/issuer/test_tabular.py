import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.columns import COLUMNS, CellKind
from issuer.tabular import read_table_rows
from ledger.core.errors import InputError


def table(*lines):
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def read(*lines):
    return list(read_table_rows(table(*lines)))


def read_one(**cells):
    """Return the document of one row; `__` stands for a dot in the names of columns."""
    names = [name.replace("__", ".") for name in cells]
    [(number, value)] = read(names, list(cells.values()))
    assert number == 2
    return value


def test_a_column_is_the_path_of_a_member():
    assert read_one(kind="periodic", instrument__serial="A-17", instrument__site__division="350102") == {
        "kind": "periodic",
        "instrument": {"serial": "A-17", "site": {"division": "350102"}},
    }


def test_positions_make_lists_and_gaps_close():
    assert read_one(seals__3__no="C", seals__1__no="A", seals__2__no="", seals__1__point="p") == {
        "seals": [{"no": "A", "point": "p"}, {"no": "C"}]
    }


def test_roles_make_persons_in_the_order_of_their_work():
    value = read_one(approver__pid="P3", operator__pid="P1", checker__pid="", operator__signed_at="t")
    assert value == {
        "persons": [{"role": "operator", "pid": "P1", "signed_at": "t"}, {"role": "approver", "pid": "P3"}]
    }


def test_items_make_results_that_pass_if_every_point_does():
    cells = {
        "item.indication_error_low.unit": "L",
        "item.indication_error_low.error_unit": "%",
        "item.indication_error_low.nominal": "10.00",
        "item.indication_error_low.pass": "true",
        "item.indication_error_high.error_unit": "%",
        "item.indication_error_high.1.error": "0.5",
        "item.indication_error_high.1.pass": "TRUE",
        "item.indication_error_high.2.error": "2.5",
        "item.indication_error_high.2.pass": "FALSE",
    }
    [(_, value)] = read(list(cells), list(cells.values()))
    assert value["results"] == [
        {
            "item": "indication_error_low",
            "unit": "L",
            "error_unit": "%",
            "points": [{"nominal": "10.00", "pass": True}],
            "pass": True,
        },
        {
            "item": "indication_error_high",
            "error_unit": "%",
            "points": [{"error": "0.5", "pass": True}, {"error": "2.5", "pass": False}],
            "pass": False,
        },
    ]


def test_the_long_form_reaches_every_reading():
    cells = {"results.1.item": "x", "results.1.points.2.error": "0.1", "results.1.points.1.error": "0.2"}
    [(_, value)] = read(list(cells), list(cells.values()))
    assert value == {"results": [{"item": "x", "points": [{"error": "0.2"}, {"error": "0.1"}]}]}


def test_numbers_and_truth_values_have_their_kinds_and_all_else_is_text():
    value = read_one(instrument__year="2020", lot__size="0", adjusted="false", instrument__serial="0012")
    assert value == {"instrument": {"year": 2020, "serial": "0012"}, "lot": {"size": 0}, "adjusted": False}


def test_offsets_are_columns_of_their_own():
    assert read_one(
        verified_on__day="-3", checker__signed_at__day="-2", checker__signed_at__time="09:10:00"
    ) == {
        "verified_on": {"day": -3},
        "persons": [{"role": "checker", "signed_at": {"day": -2, "time": "09:10:00"}}],
    }


@pytest.mark.parametrize(
    "cell", ["=1+1", "+861059", "-5", "@SUM(A1)", "1E+05", "0x10", "'7", "a,b", 'say "x"', "a\nb"]
)
def test_nothing_is_a_formula(cell):
    assert read_one(instrument__serial=cell) == {"instrument": {"serial": cell}}


def test_empty_cells_are_absent_members_and_empty_rows_are_skipped():
    found = read(["no", "kind"], ["1", ""], ["", ""], [], ["", "x"])
    assert found == [(2, {"no": "1"}), (5, {"kind": "x"})]


def test_a_byte_order_mark_and_any_line_ends_are_accepted():
    for raw in (b"\xef\xbb\xbfno\r\n1\r\n", b"no\n1", b"no\r1\r"):
        assert list(read_table_rows(raw)) == [(2, {"no": "1"})]


def test_a_cell_of_several_lines_counts_as_one_row():
    found = read(["no", "instrument.name"], ["1", "a\nb"], ["2", "c"])
    assert [number for number, _ in found] == [2, 3]


BAD_HEADERS = [
    (["no", "colour"], "no column has the name 'colour'"),
    (["Instrument.serial"], "no column has the name 'Instrument.serial'; is instrument.serial meant?"),
    (["instrument.serail"], "no column has the name 'instrument.serail'; is instrument.serial meant?"),
    (["no", ""], "no column has the name ''"),
    (["no", " kind"], "no column has the name ' kind'"),
    (["seals.0.no"], "no column has the name 'seals.0.no'"),
    (["seals.no"], "no column has the name 'seals.no'"),
    (["seals.201.no"], "no column has the name 'seals.201.no'"),
    (["seals.01.no"], "no column has the name 'seals.01.no'"),
    (["instrument.1.serial"], "no column has the name 'instrument.1.serial'"),
    (["item.Error.pass"], "no column has the name 'item.Error.pass'"),
    (["item.error"], "no column has the name 'item.error'"),
    (["item.x.1.unit"], "no column has the name 'item.x.1.unit'"),
    (["operator.role"], "no column has the name 'operator.role'"),
    (["no", "no"], "the columns no and no are the same"),
    (["item.x.pass", "item.x.1.pass"], "the columns item.x.pass and item.x.1.pass are the same"),
    (["verified_on", "verified_on.day"], "the columns verified_on and verified_on.day exclude each other"),
    (["item.x.pass", "results.1.item"], "columns under item and under results exclude each other"),
    (["operator.pid", "persons.1.pid"], "columns under operator and under persons exclude each other"),
    (["no;kind"], "columns are separated by commas"),
    (["no\tkind"], "columns are separated by commas"),
    ([""], "the header with the names of the columns is missing"),
    (["", ""], "the header with the names of the columns is missing"),
    ([f"seals.{n % 200 + 1}.no" for n in range(2001)], "2001 columns; at most 2000"),
]


@pytest.mark.parametrize(("header", "message"), BAD_HEADERS, ids=[message[:40] for _, message in BAD_HEADERS])
def test_a_bad_header_is_refused_as_a_whole(header, message):
    with pytest.raises(InputError) as caught:
        list(read_table_rows(table(header, ["x"] * len(header))))
    assert str(caught.value).startswith(f"row 1: {message}")


def test_an_empty_file_has_no_header():
    with pytest.raises(InputError, match="row 1: the header with the names of the columns is missing"):
        list(read_table_rows(b""))


NOT_NUMBERS = ("2020.0", " 2020", "２０２０", "1,000", "007", "-0", "+7", "1" * 16)


@pytest.mark.parametrize("cell", NOT_NUMBERS)
def test_what_is_no_whole_number_stays_text_for_the_records_parser_to_refuse(cell):
    assert read(["lot.size"], [cell]) == [(2, {"lot": {"size": cell}})]


@pytest.mark.parametrize("cell", ["yes", "True", "1", "合格", " true"])
def test_what_is_neither_true_nor_false_stays_text_too(cell):
    assert read(["adjusted"], [cell]) == [(2, {"adjusted": cell})]
    [(_, value)] = read(["item.x.pass", "item.x.error"], [cell, "0"])
    assert value["results"] == [{"item": "x", "points": [{"pass": cell, "error": "0"}], "pass": False}]


@pytest.mark.parametrize("cells", [["1"], ["1", "x", ""]])
def test_a_row_with_other_cells_than_the_header_is_named(cells):
    [(_, bad), (_, good)] = read(["no", "kind"], cells, ["2", "x"])
    assert str(bad) == f"{len(cells)} cells; the header has 2"
    assert good == {"no": "2", "kind": "x"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"no\n1\n\xff\n", "row 3: neither UTF-8 nor GB18030: save the table as 'CSV UTF-8'"),
        ("no\n1\n".encode("utf-16"), "row 1: neither UTF-8 nor GB18030"),
        (b"no\n1\n\x80\n", "row 3: neither UTF-8 nor GB18030"),
        ("no\n\ue000\n".encode("gb18030"), "row 2: neither UTF-8 nor GB18030"),
        (b"no\n\xd6\x00\n", "row 2: neither UTF-8 nor GB18030"),
        (b"sep=|\nno|kind\n", "row 1: cells are separated by '|'; read are commas, semicolons, tabs"),
        (b'no\n1\n"2\n', "row 3: not CSV from here on: "),
        (b'no\n1\n"2"x\n', "row 3: not CSV from here on: "),
        (b"no\n" + b"x" * 140_000, "row 2: not CSV from here on: "),
    ],
)
def test_what_is_no_table_is_refused_from_there_on(raw, message):
    with pytest.raises(InputError) as caught:
        list(read_table_rows(raw))
    assert str(caught.value).startswith(message)


def spell(pattern):
    return pattern.replace("#", "1").replace("*", "repeatability")


@pytest.mark.parametrize("pattern", COLUMNS)
def test_every_column_that_is_listed_can_be_used(pattern):
    cell = {CellKind.INTEGER: "7", CellKind.BOOLEAN: "true"}.get(COLUMNS[pattern], "x")
    [(_, value)] = read([spell(pattern)], [cell])
    assert isinstance(value, dict)
    assert value


@given(
    st.lists(st.sampled_from(list(COLUMNS)), max_size=6, unique=True),
    st.lists(st.text(max_size=6), min_size=6),
)
def test_any_cells_give_a_document_or_input_errors(patterns, cells):
    header = [spell(pattern) for pattern in patterns]
    try:
        found = read(header, cells[: len(header)])
    except InputError:
        return
    assert all(isinstance(value, (dict, InputError)) for _, value in found)


@given(st.text(max_size=60))
def test_any_text_is_a_table_or_an_input_error(text):
    with suppress(InputError):
        list(read_table_rows(text.encode("utf-8", "surrogatepass")))
