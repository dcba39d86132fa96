"""The strict reader of PDFs: what it reads, and that it ends with a sentence on everything else."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError
from verifier.pdf_objects import HexString, Name, PdfFile, Reference


def build(*objects: bytes, root: bytes = b"1 0 R", trailer: bytes = b"", size: int | None = None) -> bytes:
    """Return a PDF with these objects, numbered from 1."""
    raw, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(raw)
    raw += b"xref\n0 %d\n0000000000 65535 f \n" % (size or len(objects) + 1)
    raw += b"".join(b"%010d 00000 n \n" % place for place in places)
    return raw + b"trailer\n<</Root %s%s>>\nstartxref\n%d\n%%%%EOF\n" % (root, trailer, start)


def read(content: bytes):
    return read_root(build(content))


def read_root(raw: bytes):
    pdf = PdfFile(raw)
    return pdf.resolve(pdf.trailer["Root"])


def stream(content: bytes, members: bytes = b"/Filter/FlateDecode") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), members, content)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"<</A 1/B[true false null]/C 2 0 R>>", {"A": 1, "B": [True, False, None], "C": Reference(2, 0)}),
        (b"[-1 +2 .5 4. 1.25]", [-1, 2, 0.5, 4.0, 1.25]),
        (b"(a(b)c\\)\\\\\\n\\101\\0501)", b"a(b)c)\\\nA(1"),
        (b"/A#20B", "A B"),
        (b"[1 0 R 1 0]", [Reference(1, 0), 1, 0]),
        (b"<<>>", {}),
    ],
)
def test_objects_are_read(content, value):
    assert read(content) == value


def test_a_string_in_hexadecimal_digits_knows_where_it_stands():
    raw = build(b"<</C <0aFf 7>>>")
    pdf = PdfFile(raw)
    found = pdf.resolve(pdf.trailer["Root"])["C"]
    assert found.content == b"\x0a\xff\x70"
    assert raw[found.start : found.end] == b"<0aFf 7>"
    assert isinstance(found, HexString)


def test_names_are_not_strings():
    assert isinstance(read(b"/Sig"), Name)
    assert not isinstance(read(b"(Sig)"), Name)


@pytest.mark.parametrize(
    ("content", "packed"),
    [(b"{}", False), (b"x" * 10_000, True), (b"", True)],
    ids=["plain", "packed", "empty"],
)
def test_streams_are_read(content, packed):
    members = b"/Filter/FlateDecode" if packed else b""
    pdf = PdfFile(build(stream(zlib.compress(content) if packed else content, members)))
    assert pdf.read_stream(Reference(1, 0), "x", 10_000) == content


@pytest.mark.parametrize(
    "content",
    [
        stream(zlib.compress(b"x" * 10_001)),
        stream(b"x" * 10_001, b""),
        stream(zlib.compress(b"x" * 100)[:-8]),
        stream(b"nothing packed"),
        stream(zlib.compress(b"x") + b"more"),
        stream(zlib.compress(b"x"), b"/Filter/LZWDecode"),
        stream(zlib.compress(b"x"), b"/Filter[/FlateDecode]"),
        stream(zlib.compress(b"x"), b"/Filter/FlateDecode/DecodeParms<<>>"),
        b"<</Length 5>>\nstream\nabc\nendstream",
        b"<</Length 99999999>>\nstream\nabc\nendstream",
        b"<</Length -1>>\nstream\nabc\nendstream",
        b"<</Length true>>\nstream\nabc\nendstream",
        b"<</Length 2 0 R>>\nstream\nabc\nendstream",
        b"<</Length 3>>\nstream\nabc",
        b"(no stream)",
    ],
)
def test_other_streams_are_refused(content):
    with pytest.raises(InputError):
        PdfFile(build(content)).read_stream(Reference(1, 0), "attachment", 10_000)


@pytest.mark.parametrize(
    "content",
    [
        b"<</A 1/A 2>>",
        b"<<(A) 1>>",
        b"<</A>>",
        b"<</A 1",
        b"[1 2",
        b"(without end",
        b"(\\q)",
        b"<0g>",
        b"nul",
        b"truer",
        b"",
        b"]",
        b">>",
        b"1 2",
        b"2 0 R",
        b"[" * 100 + b"]" * 100,
        b"[" + b"1 " * 20_000 + b"]",
        b"<<" * 5_000,
        b"9" * 1_000,
        b"/" + b"n" * 1_000,
    ],
)
def test_other_objects_are_refused(content):
    with pytest.raises(InputError):
        read(content)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"%PDF-1.7",
        b"%PDF-2.0\n",
        b"\n" + build(b"null"),
        build(b"null")[:-1] + b"\nx",
        build(b"null").replace(b"startxref\n", b"startxref\n9"),
        build(b"null").replace(b"startxref\n", b"startxref\n-"),
        build(b"null").replace(b"xref\n0 ", b"xref\n9 ", 1),
        build(b"null").replace(b" 00000 n", b" 00001 n"),
        build(b"null").replace(b"00000 n \n", b"00000 n\n"),
        build(b"null").replace(b"1 0 obj", b"2 0 obj"),
        build(b"null").replace(b"endobj", b"object"),
        build(b"null", size=9_999_999),
        build(b"null", size=3),
        build(b"null", trailer=b"/Encrypt 1 0 R"),
        build(b"null", trailer=b"/XRefStm 9"),
        build(b"null", trailer=b"/Prev 9999999999"),
        build(b"null", trailer=b"/Prev -5"),
        build(b"null", trailer=b"/Prev (x)"),
        build(b"null", trailer=b"/Root 1 0 R"),
        build(b"null", root=b"7 0 R"),
        build(b"null", root=b"1 5 R"),
        build(b"null").replace(b"trailer", b"tailor"),
    ],
)
def test_other_files_are_refused(raw):
    with pytest.raises(InputError):
        read_root(raw)


def test_tables_that_go_in_circles_end():
    raw = build(b"null", trailer=b"/Prev 0000000")
    start = raw.index(b"xref\n0")
    with pytest.raises(InputError, match="updated more often"):
        PdfFile(raw.replace(b"/Prev 0000000", b"/Prev %07d" % start))


def test_an_older_table_does_not_hide_a_newer_one():
    first = build(b"(old)")
    place = len(first)
    raw = first + b"1 0 obj\n(new)\nendobj\n"
    start = len(raw)
    raw += b"xref\n1 1\n%010d 00000 n \ntrailer\n<</Root 1 0 R/Prev %d>>\n" % (place, first.index(b"xref\n0"))
    pdf = PdfFile(raw + b"startxref\n%d\n%%%%EOF\n" % start)
    assert (pdf.resolve(pdf.trailer["Root"]), pdf.revisions) == (b"new", 2)


GOOD = build(
    b"<</Names<</EmbeddedFiles<</Names[(a)2 0 R]>>>>/C <00ff>>>",
    stream(zlib.compress(b"abc")),
    b"[1 0 R(x\\051)]",
)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_damage_ends_in_anything_but_a_sentence(changes):
    raw = bytearray(GOOD)
    for place, value in changes:
        raw[place] = value
    visit(bytes(raw))


@given(st.binary(max_size=200))
def test_nothing_behind_a_heading_ends_in_anything_but_a_sentence(tail):
    visit(b"%PDF-1.7\n" + tail)
    visit(build(tail))


def visit(raw: bytes) -> None:
    try:
        pdf = PdfFile(raw)
        for number in range(5):
            pdf.resolve(Reference(number, 0))
        pdf.read_stream(Reference(2, 0), "x", 100)
    except InputError:
        pass
