"""Requests to witnesses and their answers: one spelling each way, and only `InputError` for anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.add_checkpoint import (
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    encode_request,
    parse_answer,
    parse_request,
    parse_size,
)
from ledger.core.errors import InputError
from ledger.core.ids import TreeSize

C2SP_REQUEST = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+\
xeMcTOAYQ8=
"""
"""The example of C2SP tlog-witness."""


def test_the_example_of_the_specification_is_read_and_written():
    request = parse_request(C2SP_REQUEST.encode())
    assert (request.old_size, len(request.proof)) == (20852014, 4)
    assert request.note.startswith("example.com/behind-the-sofa\n20852163\n")
    assert encode_request(request) == C2SP_REQUEST.encode()


@given(
    st.builds(
        AddCheckpoint,
        st.integers(0, 10**18).map(TreeSize),
        st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
        st.text(st.characters(codec="utf-8"), max_size=50),
    )
)
def test_what_is_written_is_read_back(request):
    assert parse_request(encode_request(request)) == request


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"old 1 \n\nx",
        b"Old 1\n\nx",
        b"old 1\r\n\nx",
        b"old 1\n\x80\n\nx",
        b"old 1\nAAAA\n\nx",
        b"old 1\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\nx",
        b"old 1\n\n" + b"x" * MAX_REQUEST_BYTES,
        b"old " + b"9" * 20 + b"\n\nx",
    ],
)
def test_what_is_no_request_is_refused(raw):
    with pytest.raises(InputError):
        parse_request(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_input(raw):
    for parse in (parse_request, parse_answer, parse_size):
        try:
            parse(raw)
        except InputError:
            continue


def test_an_answer_is_signature_lines():
    (one, two) = parse_answer("— a AAAAAAE=\n— b AAAAAAI=\n".encode())
    assert (one.name, two.signature) == ("a", b"\x02")


@pytest.mark.parametrize(
    "raw", [b"", b"\n", "— a AAAAAAE=".encode(), b"- a AAAAAAE=\n", b"\xff\n", b"x\n" * 200]
)
def test_what_is_no_answer_is_refused(raw):
    with pytest.raises(InputError):
        parse_answer(raw)


def test_a_size_is_a_line():
    assert parse_size(b"20852163\n") == 20852163
    for raw in (b"", b"1", b"01\n", b"1\n\n", b"-1\n", b"1\n" + b"x" * 40, b"\xff\n", "１\n".encode()):
        with pytest.raises(InputError):
            parse_size(raw)
