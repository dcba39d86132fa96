"""XML that was made to do harm: refused with a sentence, soon, in little memory."""

import time
import tracemalloc

import pytest
from foreign_signer import DCC
from hypothesis import given
from hypothesis import strategies as st

from issuer.foreign.safe_xml import (
    MAX_ATTRIBUTES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_NAMESPACES,
    parse_safe_xml,
)
from ledger.core.errors import InputError

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
BOMBS = {
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l19;</a>',
    "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"x" * 100_000}">]><a>{"&x;" * 50_000}</a>',
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "network": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>',
    "parameter": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/"> %x;]><a/>',
    "external subset": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "public": '<!DOCTYPE a PUBLIC "-//x//EN" "http://127.0.0.1:9/a.dtd"><a/>',
    "empty": "<!DOCTYPE a><a/>",
    "default attributes": '<!DOCTYPE a [<!ATTLIST a schemaVersion CDATA "3.3.0">]><a/>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_document_type_is_refused_before_anything_is_built(name):
    tracemalloc.start()
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"DOCTYPE|entit"):
        parse_safe_xml(BOMBS[name].encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - begun < 2
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no element found"),
        (b"hello", "not well-formed"),
        (b"<a>", "no element found"),
        (b"<a/><b/>", "junk after document element"),
        (b"<a>&x;</a>", "undefined entity"),
        (b"<a b='1' b='2'/>", "duplicate attribute"),
        (b"<x:a/>", "not well-formed XML"),
        (b"<a>\xff</a>", "not UTF-8 at byte 3"),
        (b"<a>\x00</a>", "zero byte"),
        (b"<a>\x01</a>", "not well-formed"),
        (b"<a><?x y?></a>", "processing instruction"),
        (b"<a><?xml-stylesheet href='http://127.0.0.1:9/'?></a>", "processing instruction"),
        (b"<?xml version='1.1'?><a/>", "XML 1.1"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "declared as ISO-8859-1"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "not well-formed|declared as UTF-7"),
        (b"<?xml version='1.0' encoding='UTF-16'?><a/>", "not well-formed|declared as UTF-16"),
        ("<a/>".encode("utf-16"), "not UTF-8"),
        ("<?xml version='1.0' encoding='UTF-16LE'?><a/>".encode("utf-16-le"), "zero byte"),
        ("<!DOCTYPE a><a/>".encode("utf-32"), "not UTF-8"),
        (b"<a>" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH}"),
        (b"<a>" * 100_000, f"nested deeper than {MAX_DEPTH}"),
        (b"<r>" + b"<a/>" * MAX_ELEMENTS + b"</r>", f"more than {MAX_ELEMENTS} elements"),
        (b"<r>" + b"<!---->" * MAX_ELEMENTS + b"</r>", "elements and attributes"),
        (b"<r>" + b"<![CDATA[]]>" * MAX_ELEMENTS + b"</r>", "elements and attributes"),
        (b"<?x?>" * (MAX_ELEMENTS + 1) + b"<r/>", "elements and attributes"),
        (b"<r>" + b"<a b='' c='' d=''/>" * (MAX_ELEMENTS // 4) + b"</r>", "elements and attributes"),
        (b"<a " + b" ".join(b"b%d=''" % n for n in range(MAX_ATTRIBUTES + 1)) + b"/>", "attributes"),
        (b"".join(b"<a xmlns:x%d='u'>" % n for n in range(MAX_NAMESPACES + 1)), "more than 32 namespaces"),
        (b"<a>" + b"x" * MAX_BYTES + b"</a>", "at most 8388608 are read"),
    ],
)
def test_what_a_dcc_never_needs_is_refused(raw, words):
    with pytest.raises(InputError, match=words):
        parse_safe_xml(raw)


def test_what_a_dcc_may_have_is_read():
    deep = b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH
    assert parse_safe_xml(deep).tag == "a"
    assert parse_safe_xml(b"\xef\xbb\xbf<a/>").tag == "a"
    assert (
        parse_safe_xml(b"<?xml version='1.0' encoding='utf-8' standalone='no'?><?x y?><!-- c --><a/>").tag
        == "a"
    )
    beside = b"<a>" + b"<b xmlns:x='u' xmlns='v'/>" * 100 + b"</a>"
    assert len(parse_safe_xml(beside)) == 100
    big = parse_safe_xml(b"<a>" + b"x" * (MAX_BYTES - 7) + b"</a>")
    assert len(big.text) == MAX_BYTES - 7
    assert parse_safe_xml(b"<a><![CDATA[<!DOCTYPE a>]]><!-- <!DOCTYPE a> --></a>").text == "<!DOCTYPE a>"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_sentence(raw):
    for content in (raw, b"<a>" + raw + b"</a>", DCC[:200] + raw + DCC[200:]):
        sentence = "read"
        try:
            parse_safe_xml(content)
        except InputError as err:
            sentence = str(err)
        assert 0 < len(sentence) < 500
