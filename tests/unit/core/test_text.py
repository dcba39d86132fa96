"""Characters of texts: a fixed set, whatever version of Unicode the interpreter knows."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.instrument import compute_statement_serial
from ledger.core.text import WHITE_SPACE, has_forbidden_character, has_outer_space, is_plain

FORBIDDEN = [
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *(0x200E, 0x200F, 0x2028, 0x2029),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
]
NEWER_THAN_SOME_INTERPRETERS = ["\u0378", "\U0001fae8", "\U0001fadf", "\u1c89", "\U000323af", "\U0001f6d8"]
"""Unassigned, or assigned in Unicode 15, 15.1, 16 and 17: `str.isprintable` differs between 3.11 and 3.13."""


def test_exactly_these_characters_are_forbidden():
    found = [number for number in range(sys.maxunicode + 1) if has_forbidden_character(chr(number))]
    assert found == FORBIDDEN


def test_exactly_these_characters_are_white_space():
    found = [number for number in range(sys.maxunicode + 1) if has_outer_space("a" + chr(number))]
    listed = [*range(9, 14), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
    assert found == [*listed, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
    assert sorted(map(ord, WHITE_SPACE)) == found
    assert all(has_outer_space(chr(number) + "a") for number in found)


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_the_quick_answer_is_never_wrong(text):
    if is_plain(text):
        assert not has_forbidden_character(text)
        assert not has_outer_space(text)


@pytest.mark.parametrize("text", ["SN1", "中国", "a b", *NEWER_THAN_SOME_INTERPRETERS], ids=ascii)
def test_documents_and_statements_take_the_same_texts(text):
    assert Reader({"x": text}).text("x") == text
    assert compute_statement_serial(text).text == text


@pytest.mark.parametrize(
    "text", ["a\x00", "a\x7fb", "a\u061cb", "a\u202eb", "a\u2028b", "a\ud800b"], ids=ascii
)
def test_documents_and_statements_refuse_the_same_texts(text):
    with pytest.raises(InputError):
        Reader({"x": text}).text("x")
    with pytest.raises(InputError):
        compute_statement_serial(text)


def test_the_newest_characters_are_not_what_the_interpreter_calls_printable():
    assert not all(text.isprintable() for text in NEWER_THAN_SOME_INTERPRETERS)
