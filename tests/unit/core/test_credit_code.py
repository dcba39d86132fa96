from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.credit_code import compute_check_character, parse_credit_code
from ledger.core.errors import MalformedDocumentError

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VALID = ("91350100M000100Y43", "91110000600037341L")
BODIES = st.tuples(
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
).map("".join)


@pytest.mark.parametrize("code", VALID)
def test_real_codes_pass(code):
    assert parse_credit_code(code) == code


def test_a_wrong_check_character_is_refused_and_the_right_one_named():
    with pytest.raises(MalformedDocumentError, match="should end in 'Y'") as refused:
        parse_credit_code("12100000400001234X", field="issuer.credit_code")
    assert refused.value.field == "issuer.credit_code"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100m000100y43",
        " 91350100M000100Y43",
        "91350100M000100Y43\n",
        "９１350100M000100Y43",
        "9135010IM000100Y43",
        "91350100M000100O43",
        "91350100M000100S43",
        "91350100M000100V43",
        "91350100M000100Z43",
        "9135A100M000100Y43",
        "91350100-M000100Y4",
        "\ud800" * 18,
    ],
)
def test_another_form_is_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_credit_code(text)


@given(BODIES)
def test_every_body_has_exactly_one_check_character(body):
    accepted = [character for character in ALPHABET if _is_accepted(body + character)]
    assert accepted == [compute_check_character(body)]


@given(BODIES, st.data())
def test_one_wrong_character_is_found(body, data):
    code = body + compute_check_character(body)
    position = data.draw(st.integers(0, 17))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda character: character != code[position]))
    assert not _is_accepted(code[:position] + wrong + code[position + 1 :])


@given(BODIES, st.integers(0, 16))
def test_swapped_neighbours_are_found(body, position):
    code = body + compute_check_character(body)
    swapped = code[:position] + code[position + 1] + code[position] + code[position + 2 :]
    assert swapped == code or not _is_accepted(swapped)


@given(st.text())
def test_parsing_raises_nothing_else(text):
    with suppress(MalformedDocumentError):
        assert parse_credit_code(text) == text


def _is_accepted(code):
    try:
        parse_credit_code(code)
    except MalformedDocumentError:
        return False
    return True
