import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.hexadecimal import encode_data, encode_quantity, parse_data, parse_quantity
from ledger.core.errors import InputError, MalformedDocumentError

# Examples of the execution-apis, "Hex value encoding"; the wrong ones are theirs as well.


@pytest.mark.parametrize(("text", "value"), [("0x41", 65), ("0x400", 1024), ("0x0", 0), ("0xFf", 255)])
def test_quantities_of_the_specification(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["0x", "0x0400", "ff", "0xg", "", "0X1", "0x-1", "0x1 ", " 0x1", "0x1\n", "0x１"]
)
def test_quantities_of_another_spelling_are_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_quantity(text)


def test_a_quantity_has_at_most_256_bits():
    assert parse_quantity("0x" + "f" * 64) == 2**256 - 1
    with pytest.raises(MalformedDocumentError):
        parse_quantity("0x1" + "0" * 64)


@pytest.mark.parametrize(
    ("text", "value"), [("0x41", b"A"), ("0x004200", b"\0B\0"), ("0x", b""), ("0xAb", b"\xab")]
)
def test_data_of_the_specification(text, value):
    assert parse_data(text) == value


@pytest.mark.parametrize("text", ["0xf0f0f", "004200", "0x0g", "0x ab", "0xab\n", "0xab cd", "", "x"])
def test_data_of_another_spelling_is_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_data(text)


@pytest.mark.parametrize("size", [19, 21, 0])
def test_data_of_another_size_is_refused(size):
    assert parse_data("0x" + "00" * 20, size=20) == bytes(20)
    with pytest.raises(MalformedDocumentError, match="20 bytes"):
        parse_data("0x" + "00" * 20, size=size)


@given(st.integers(0, 2**256 - 1))
def test_quantities_round_trip(value):
    assert parse_quantity(encode_quantity(value)) == value


@given(st.binary(max_size=200))
def test_data_round_trips(value):
    assert parse_data(encode_data(value)) == value


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"0x[0-9a-fA-F]*"),
        st.none(),
        st.integers(),
        st.lists(st.text()),
        st.binary(),
    )
)
def test_anything_else_raises_input_errors_only(value):
    for parse, encode in ((parse_quantity, encode_quantity), (parse_data, encode_data)):
        try:
            parsed = parse(value)
        except InputError:
            continue
        assert encode(parsed) == value.lower()
