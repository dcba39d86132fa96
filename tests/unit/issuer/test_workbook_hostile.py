"""Workbooks that nobody means well with, or that no program would write: refused with a sentence, each of them."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import ZIP_TIME, pack, read_here, spoil, unpack, workbook

from issuer.workbook import container, markup, reader
from ledger.core.errors import InputError

READER = "issuer.workbook.reader:read_workbook"
SHEET, BOOK, SHARED = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"
GOOD = workbook([["no", "kind"], ["1", "x"]])
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def refuse(raw, match):
    with pytest.raises(InputError, match=match) as caught:
        read_here(READER, raw)
    assert caught.value.field
    return caught.value


def replace(part, before, after):
    assert before in unpack(GOOD)[part]
    return spoil(GOOD, part, lambda xml: xml.replace(before, after))


def test_the_file_that_the_others_are_made_of_is_read():
    assert len(read_here(READER, GOOD)) == 3


# --- the container ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"", b"PK", b"x" * 100, b"PK\x05\x06" + bytes(18), GOOD[:-30], GOOD[40:]])
def test_what_is_no_zip(raw):
    refuse(raw, "not an XLSX workbook|no part xl/workbook.xml|damaged|overlap")


def test_encrypted_workbooks_and_old_ones():
    refuse(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504), "encrypted with a password, or an old .xls")


def with_header(raw, offset, value):
    """Return a ZIP with two bytes changed in every header of its central directory."""
    parts = bytearray(raw)
    at = parts.find(b"PK\x01\x02")
    while at >= 0:
        parts[at + offset : at + offset + 2] = struct.pack("<H", value)
        at = parts.find(b"PK\x01\x02", at + 1)
    return bytes(parts)


def test_encrypted_parts():
    refuse(with_header(GOOD, 8, 1), "is encrypted; save the file without a password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_parts_that_are_packed_otherwise(method):
    refuse(with_header(GOOD, 10, method), "packed in a way that workbooks do not use")


NAMES = [
    "../evil",
    "/etc/passwd",
    "C:\\evil",
    "c:evil",
    "a/../../b",
    "a\\b",
    "xl\\..\\x",
    "a\nb",
    "..",
    "//host/x",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere(name):
    refuse(pack({**unpack(GOOD), name: b"x"}), "a name that leads out of the file")


def test_a_name_with_a_zero_byte():
    raw = pack({**unpack(GOOD), "xl/zzz.bin": b"x"}).replace(b"xl/zzz.bin", b"xl/z\x00z.bin")
    refuse(raw, "a name that leads out of the file|damaged")


def test_links():
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("xl/link", ZIP_TIME)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refuse(file.getvalue(), "'xl/link' is a link")


def test_the_same_name_twice():
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, unpack(GOOD)[SHEET])
    refuse(file.getvalue(), "two parts of the file have the same name")


def test_too_many_parts():
    many = {f"xl/media/{number}.png": b"" for number in range(container.MAX_ENTRIES)}
    refuse(pack({**unpack(GOOD), **many}), "parts; at most 1000 are read")


def test_a_part_that_unpacks_to_a_thousand_times_its_size():
    refuse(
        pack({**unpack(GOOD), "xl/media/x.bin": bytes(2_000_000)}), "unpacks to more than 200 times its size"
    )
    refuse(spoil(GOOD, SHEET, lambda xml: xml + b" " * 3_000_000), "unpacks to more than 200 times its size")


def test_parts_that_unpack_to_too_much_together(monkeypatch):
    monkeypatch.setattr(container, "MAX_UNPACKED_BYTES", 2000)
    refuse(GOOD, "unpacks to [0-9]+ bytes; at most 2000 are read")


def lie_about_size(raw, name, size):
    """Return a ZIP in which a part says another size than it has."""
    parts = bytearray(raw)
    for mark, offset, start in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        at = parts.find(mark)
        while at >= 0:
            if parts[at + start : at + start + len(name)] == name.encode():
                parts[at + offset : at + offset + 4] = struct.pack("<I", size)
            at = parts.find(mark, at + 1)
    return bytes(parts)


@pytest.mark.parametrize("size", [0, 10, 100])
def test_a_part_that_unpacks_to_more_than_it_says(size):
    refuse(lie_about_size(GOOD, SHEET, size), "damaged inside the file|longer than it says")


def test_a_part_that_is_damaged():
    raw = bytearray(GOOD)
    at = raw.find(SHEET.encode()) + len(SHEET) + 20
    raw[at] ^= 0xFF
    refuse(bytes(raw), "damaged|not well-formed")


def test_parts_that_overlap():
    """Many names for one packed part: 10 MB from 10 kB, each within its ratio."""
    content = zlib.compress(b"x" * 100_000)[2:-4]
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(content), 100_000, 1, 0)
    body = local + b"a" + content
    central = b"".join(
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            *(b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(content), 100_000, 2, 0, 0, 0, 0, 0, 0),
        )
        + f"{number:02}".encode()
        for number in range(50)
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 50, 50, len(central), len(body), 0)
    refuse(body + central + end, "parts of the file overlap each other")


# --- what workbooks may hold besides cells ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("xl/vbaProject.bin", "holds macros"),
        ("xl/macrosheets/sheet1.xml", "holds macros"),
        ("xl/externalLinks/externalLink1.xml", "takes values from other files"),
        ("xl/connections.xml", "takes values from elsewhere"),
        ("xl/queryTables/queryTable1.xml", "takes values from elsewhere"),
        ("xl/embeddings/oleObject1.bin", "holds other files"),
    ],
)
def test_parts_that_are_not_for_a_table(name, match):
    refuse(pack({**unpack(GOOD), name: b"x"}), match)


# --- XML --------------------------------------------------------------------------------------------------------

LOL = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
FETCH = '<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">'
PARAMETER = '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://192.0.2.1/x"> %a;]>'


@pytest.mark.parametrize(
    "declaration", [LOL, XXE, FETCH, PARAMETER], ids=["lol", "xxe", "fetch", "parameter"]
)
@pytest.mark.parametrize("part", [SHEET, BOOK, SHARED, "xl/styles.xml", "xl/_rels/workbook.xml.rels"])
def test_document_types_and_entities(part, declaration):
    def declare(xml):
        head, _, rest = xml.partition(b"?>")
        return head + b"?>" + declaration.encode() + rest.replace(b"<v>0</v>", b"<v>&a;</v>")

    refuse(spoil(GOOD, part, declare), "declares a document type or entities")


def test_entities_that_are_not_declared():
    refuse(replace(SHEET, b"<v>0</v>", b"<v>&x;</v>"), "not well-formed")


def test_xml_that_is_nested_too_deep():
    deep = b"<a>" * 40 + b"</a>" * 40
    refuse(replace(SHEET, b"<sheetData>", deep + b"<sheetData>"), "nested too deep")


def test_tags_with_too_many_attributes():
    many = " ".join(f'a{number}="1"' for number in range(100)).encode()
    refuse(replace(SHEET, b"<sheetData>", b"<sheetData " + many + b">"), "nested too deep")


@pytest.mark.parametrize(
    "change", [lambda xml: xml[:-20], lambda xml: xml + b"x", lambda _: b"", lambda _: b"\xff"]
)
@pytest.mark.parametrize("part", [SHEET, BOOK, SHARED])
def test_xml_that_is_not_well_formed(part, change):
    refuse(spoil(GOOD, part, change), "not well-formed")


@pytest.mark.parametrize("part", [SHEET, BOOK, "xl/_rels/workbook.xml.rels"])
def test_parts_that_are_missing(part):
    parts = unpack(GOOD)
    del parts[part]
    refuse(pack(parts), f"no part {part}")


def test_other_namespaces_are_not_read():
    assert read_here(
        READER,
        replace(SHEET, b"<sheetData>", b'<sheetData xmlns="urn:x"><row r="9"/></sheetData><sheetData>'),
    )


# --- cells ------------------------------------------------------------------------------------------------------


def sheet(rows):
    return spoil(
        GOOD, SHEET, lambda _: f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>".encode()
    )


@pytest.mark.parametrize("size", [markup.MAX_TEXT + 1, 200_000])
def test_huge_cells(size):
    refuse(
        sheet(f'<row r="1"><c r="A1" t="str"><v>{"ab" * (size // 2 + 1)}</v></c></row>'),
        "more than 32767 characters",
    )
    text = f"<sst {MAIN}><si><t>{'ab' * (size // 2 + 1)}</t></si></sst>".encode()
    refuse(spoil(GOOD, SHARED, lambda _: text), "more than 32767 characters")


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ('<row r="2"/><row r="1"/>', "row 1 stands behind row 2"),
        ('<row r="1"/><row r="1"/>', "row 1 stands behind row 1"),
        ('<row r="0"/>', "stands behind"),
        ('<row r="1048577"/>', "stands behind"),
        ('<row r="-1"/>', "stands behind"),
        ('<row r="x"/>', "stands behind"),
        ('<row r="1"><c r="B1"/><c r="A1"/></row>', "a cell stands in a wrong place"),
        ('<row r="1"><c r="A1"/><c r="A1"/></row>', "a cell stands in a wrong place"),
        ('<row r="1"><c r="A2"/></row>', "a cell stands in a wrong place"),
        ('<row r="1"><c r="ZZZ1" t="str"><v>x</v></c></row>', "more than 2000 columns"),
        ('<row r="1"><c r="A1" t="s"><v>99</v></c></row>', "a text that is not there"),
        ('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', "a text that is not there"),
        ('<row r="1"><c r="A1" t="s"><v>1e9</v></c></row>', "a text that is not there"),
        ('<row r="1"><c r="A1" t="s"><v>99999999999999999999</v></c></row>', "a text that is not there"),
    ],
)
def test_cells_that_no_program_writes(rows, match):
    refuse(sheet(rows), match)


@pytest.mark.parametrize("value", ["NaN", "1e400", "x", "１", "0x10", "1_0_x"])
def test_numbers_that_are_none(value):
    found = read_here(READER, sheet(f'<row r="1"><c r="A1"><v>{value}</v></c></row>'))
    assert found[1:] in ([[1, [["x", value]]]], [[1, [["n", "1", None, "General"]]]])


def test_styles_that_are_not_there():
    found = read_here(
        READER, sheet('<row r="1"><c r="A1" s="999"><v>5</v></c><c r="B1" s="x"><v>5</v></c></row>')
    )
    assert found[1] == [1, [["n", "5", None, "General"]] * 2]


def test_too_many_rows(monkeypatch):
    monkeypatch.setattr(reader, "MAX_ROWS", 1)
    refuse(GOOD, "more than 1 rows; split the file")


def test_too_many_cells(monkeypatch):
    monkeypatch.setattr(reader, "MAX_CELLS", 3)
    refuse(GOOD, "more than 3 cells")


def test_half_a_surrogate_pair_stays_escaped():
    text = f"<sst {MAIN}><si><t>_xD800_</t></si><si><t>_xDFFF_x_x0041_</t></si></sst>".encode()
    found = read_here(READER, spoil(workbook([["a", "b"]]), SHARED, lambda _: text))
    assert found[1] == [1, ["_xD800_", "_xDFFF_xA"]]


@settings(max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_any_flipped_bit_gives_rows_or_an_input_error(place, bit):
    raw = bytearray(GOOD)
    raw[place] ^= 1 << bit
    with suppress(InputError):
        read_here(READER, bytes(raw))


@settings(max_examples=200)
@given(st.sampled_from([SHEET, BOOK, SHARED, "xl/styles.xml", "xl/_rels/workbook.xml.rels"]), st.data())
def test_any_changed_xml_gives_rows_or_an_input_error(part, data):
    xml = unpack(GOOD)[part]
    place = data.draw(st.integers(0, len(xml) - 1))
    piece = data.draw(
        st.sampled_from([b"", b"<", b'"', b"-1", b"999999999999", b"&#0;", b"<c/>", "１".encode(), b"\x00"])
    )
    width = data.draw(st.integers(0, 8))
    with suppress(InputError):
        read_here(READER, spoil(GOOD, part, lambda xml: xml[:place] + piece + xml[place + width :]))
