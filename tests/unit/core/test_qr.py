"""Text forms of QR codes: one spelling, every near miss refused, any text answered with InputError only."""

import hashlib
from decimal import ROUND_CEILING, Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.constants import CODE_DOMAIN
from ledger.core.errors import (
    InputError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    PolicyMismatchError,
)
from ledger.core.qr import (
    ALPHABET,
    MAX_PRINTED_BYTES,
    LongForm,
    QrForm,
    ShortForm,
    choose_form,
    compute_code,
    encode_digits,
    encode_long_url,
    encode_short_url,
    format_code,
    parse_code,
    parse_digits,
    parse_host,
    parse_qr_text,
)

HOST = "v.example.cn"
GOLDEN = b"statement"
GOLDEN_CODE = "Y0E5Q0BVPKA486WB"
GOLDEN_DIGITS = "12129761680436714892916"

statements = st.binary(min_size=1, max_size=MAX_PRINTED_BYTES)
codes = st.binary(max_size=300).map(compute_code)
positions = st.integers(0, 15)


def reference_width(size: int) -> int:
    """The design's formula, with 200 digits of precision instead of integer arithmetic."""
    with localcontext(prec=200):
        return int((8 * size * Decimal(2).log10()).to_integral_value(ROUND_CEILING))


def reference_code(statement: bytes) -> str:
    """Bits as text, and the check symbol found by trying all 32 with powers of x written out."""
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(CODE_DOMAIN + statement).digest())
    values = [int(bits[start : start + 5], 2) for start in range(0, 75, 5)]
    fitting = [check for check in range(32) if reference_sum([*values, check]) == 0]
    assert len(fitting) == 1
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value] for value in [*values, *fitting])


def reference_sum(values: list[int]) -> int:
    """Sum of x^(15-i) * value_i: carry-less products first, one long division by 0b100101 at the end."""
    total = 0
    for index, value in enumerate(values):
        total ^= value << (15 - index)
    for degree in range(total.bit_length() - 1, 4, -1):
        if total >> degree & 1:
            total ^= 0b100101 << degree - 5
    return total


# Digits


def test_digits_are_as_published() -> None:
    assert encode_digits(GOLDEN) == GOLDEN_DIGITS
    assert encode_digits(b"\x00") == "1000"
    assert encode_digits(b"\xff") == "1255"
    assert encode_digits(b"\x00\x01") == "100001"


def test_widths_follow_the_formula_for_every_size() -> None:
    widths = [len(encode_digits(bytes(size))) - 1 for size in range(1, MAX_PRINTED_BYTES + 1)]
    assert widths == [reference_width(size) for size in range(1, MAX_PRINTED_BYTES + 1)]
    assert len(set(widths)) == MAX_PRINTED_BYTES


@pytest.mark.parametrize("size", [1, 2, 3, 150, 175, 213, 214])
@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\xff"])
def test_extreme_statements_come_back(size: int, byte: bytes) -> None:
    assert parse_digits(encode_digits(byte * size)) == byte * size


@given(statements)
def test_digits_come_back(statement: bytes) -> None:
    assert parse_digits(encode_digits(statement)) == statement


@given(statements, st.data())
def test_no_two_spellings(statement: bytes, data: st.DataObject) -> None:
    digits = encode_digits(statement)
    place = data.draw(st.integers(0, len(digits) - 1))
    other = digits[:place] + data.draw(st.sampled_from("0123456789")) + digits[place + 1 :]
    try:
        assert encode_digits(parse_digits(other)) == other
    except InputError:
        assert other != digits


@pytest.mark.parametrize("size", range(1, MAX_PRINTED_BYTES + 1))
def test_the_first_number_too_large_is_refused(size: int) -> None:
    with pytest.raises(NonCanonicalEncodingError, match="larger than"):
        parse_digits(f"1{256**size}")


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "1",
        "10",
        "100",
        "10000",  # no statement has 4 digits
        "1" + "0" * 517,
        "1" * 5_000,  # beyond Python's own limit for integers
        "0000",
        "2000",
        "9000",
        "1 00",
        "1-00",
        "+000",
        "1_00",
        "100\n",
        " 1000",
        "1٠٠٠",  # Arabic digits
        "1００0",  # full-width digits
        "1²00",
        "1e10",
    ],
)
def test_other_digits_are_refused(digits: str) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_digits(digits)


@pytest.mark.parametrize("size", [0, 215, 300, 65_535])
def test_statements_that_do_not_fit_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="1 to 214 bytes"):
        encode_digits(bytes(size))


# Codes


def test_code_is_as_published() -> None:
    assert compute_code(GOLDEN) == GOLDEN_CODE
    assert format_code(compute_code(GOLDEN)) == "Y0E5-Q0BV-PKA4-86WB"


@given(st.binary(max_size=300))
def test_code_follows_the_reference(statement: bytes) -> None:
    assert compute_code(statement) == reference_code(statement)


@given(codes)
def test_codes_come_back(code: str) -> None:
    assert parse_code(code) == code
    assert parse_code(format_code(code)) == code


@pytest.mark.parametrize(
    "typed",
    ["y0e5-q0bv-pka4-86wb", "yoe5qobvpka486wb", "YOE5-QObv-PKA486WB", "-Y0E5--Q0BVPKA486WB-"],
)
def test_codes_are_read_as_people_type_them(typed: str) -> None:
    assert parse_code(typed) == GOLDEN_CODE


def test_i_and_l_are_one() -> None:
    code = next(code for code in map(compute_code, map(bytes, range(99))) if "1" in code)
    for alias in "ILil":
        assert parse_code(code.replace("1", alias)) == code


@pytest.mark.parametrize(
    ("symbol", "alias"), [("S", "ſ"), ("1", "ı"), ("1", "ﬁ"), ("0", "０"), ("K", "\u212a")]
)
def test_aliases_of_other_alphabets_are_refused(symbol: str, alias: str) -> None:
    code = next(code for code in map(compute_code, map(bytes, range(99))) if symbol in code)
    with pytest.raises(MalformedDocumentError, match="16 letters"):
        parse_code(code.replace(symbol, alias, 1))


@given(codes, positions, st.sampled_from(ALPHABET))
def test_every_wrong_symbol_is_found(code: str, place: int, symbol: str) -> None:
    wrong = code[:place] + symbol + code[place + 1 :]
    if wrong == code:
        assert parse_code(wrong) == code
    else:
        with pytest.raises(MalformedDocumentError, match="wrong"):
            parse_code(wrong)


def test_every_wrong_symbol_of_one_code_is_found() -> None:
    for place in range(16):
        for symbol in set(ALPHABET) - {GOLDEN_CODE[place]}:
            with pytest.raises(MalformedDocumentError, match="wrong"):
                parse_code(GOLDEN_CODE[:place] + symbol + GOLDEN_CODE[place + 1 :])


@given(codes, positions, positions)
def test_every_exchange_is_found_near_or_far(code: str, one: int, two: int) -> None:
    symbols = list(code)
    symbols[one], symbols[two] = symbols[two], symbols[one]
    if "".join(symbols) == code:
        return
    with pytest.raises(MalformedDocumentError, match="wrong"):
        parse_code("".join(symbols))


@given(codes, st.integers(0, 14), st.sampled_from(ALPHABET))
def test_every_wrong_double_is_found(code: str, place: int, symbol: str) -> None:
    doubled = code[:place] + code[place] * 2 + code[place + 2 :]
    other = code[:place] + symbol * 2 + code[place + 2 :]
    if doubled == code and other != code:
        with pytest.raises(MalformedDocumentError, match="wrong"):
            parse_code(other)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        GOLDEN_CODE[:15],
        GOLDEN_CODE + "0",
        GOLDEN_CODE + GOLDEN_CODE,
        "Y0E5 Q0BV PKA4 86WB",
        "Y0E5_Q0BV_PKA4_86WB",
        "U0E5Q0BVPKA486WB",
        "*0E5Q0BVPKA486WB",
        "Y0E5Q0BVPKA486WB\n",
        "Ｙ0E5Q0BVPKA486WB",  # full-width Y
        "Y0E5QОBVPKA486WB",  # Cyrillic O
        "Y0E5Q0BVPKA486Wß",  # longer in upper case
        "ſ0E5Q0BVPKA486WB",  # an S in upper case
        "-" * 100,
        "-" * 49 + GOLDEN_CODE,
    ],
)
def test_other_codes_are_refused(typed: str) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_code(typed)


# Addresses


def test_addresses_are_as_published() -> None:
    assert encode_long_url(GOLDEN, HOST) == f"https://v.example.cn/q/{GOLDEN_DIGITS}"
    assert encode_short_url(compute_code(GOLDEN), HOST) == f"https://v.example.cn/c/{GOLDEN_CODE}"


@given(statements, st.sampled_from([HOST, None]))
def test_long_form_comes_back(statement: bytes, pinned: str | None) -> None:
    assert parse_qr_text(encode_long_url(statement, HOST), host=pinned) == LongForm(statement, HOST)


@given(codes, st.sampled_from([HOST, None]))
def test_short_form_comes_back(code: str, pinned: str | None) -> None:
    assert parse_qr_text(encode_short_url(code, HOST), host=pinned) == ShortForm(code, HOST)


def test_short_form_may_be_typed() -> None:
    text = f"https://{HOST}/c/y0e5-q0bv-pka4-86wb"
    assert parse_qr_text(text, host=HOST) == ShortForm(compute_code(GOLDEN), HOST)


def test_short_form_is_spelled_once_when_printed() -> None:
    assert encode_short_url("y0e5-qobv-pka4-86wb", HOST) == f"https://v.example.cn/c/{GOLDEN_CODE}"


@pytest.mark.parametrize(
    "host",
    ["v.cn", "localhost", "localhost:8443", "a-b.c1.example", "xn--fiq228c.cn", "1a.cn", "l" * 63 + ".cn"],
)
def test_hosts(host: str) -> None:
    assert parse_host(host) == host
    assert parse_qr_text(encode_long_url(GOLDEN, host), host=host) == LongForm(GOLDEN, host)


LONGEST_HOST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])


def test_the_longest_text_is_read() -> None:
    text = encode_long_url(b"\xff" * MAX_PRINTED_BYTES, f"{LONGEST_HOST}:65535")
    assert len(text) == 787
    assert parse_qr_text(text, host=None).host == f"{LONGEST_HOST}:65535"


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "V.example.cn",
        "v.example.cn.",
        ".v.example.cn",
        "v..cn",
        "-v.cn",
        "v-.cn",
        "v_1.cn",
        "v.example.cn:",
        "v.example.cn:0",
        "v.example.cn:080",
        "v.example.cn:443",
        "v.example.cn:65536",
        "v.example.cn:8443:1",
        "v.example.cn\n",
        "127.0.0.1",
        "127.0.0.1:8443",
        "127.1",
        "127.0.0.0x1",
        "[::1]",
        "user@v.example.cn",
        "v.example.cn@evil.cn",
        "v.example.cn/",
        "v.exаmple.cn",  # Cyrillic a
        "衡证.cn",
        "v。example.cn",  # ideographic full stop
        "%76.example.cn",
        "l" * 64 + ".cn",
        f"{LONGEST_HOST}d",
    ],
)
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_host(host)
    with pytest.raises(MalformedDocumentError):
        encode_long_url(GOLDEN, host)
    with pytest.raises(MalformedDocumentError):
        encode_short_url(compute_code(GOLDEN), host)
    with pytest.raises(InputError):
        parse_qr_text(f"https://{host}/q/{GOLDEN_DIGITS}", host=None)


@pytest.mark.parametrize(
    "host",
    [
        "v.examp1e.cn",
        "v.example.cn.evil.cn",
        "evil-v.example.cn",
        "example.cn",
        "v.example.cn:8443",
        "w.example.cn",
    ],
)
@pytest.mark.parametrize("content", [f"q/{GOLDEN_DIGITS}", f"c/{GOLDEN_CODE}"])
def test_another_site_is_named_and_refused(host: str, content: str) -> None:
    with pytest.raises(PolicyMismatchError, match="do not rely on it") as caught:
        parse_qr_text(f"https://{host}/{content}", host=HOST)
    assert host in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        GOLDEN_DIGITS,
        GOLDEN_CODE,
        f"{HOST}/q/{GOLDEN_DIGITS}",
        f"http://{HOST}/q/{GOLDEN_DIGITS}",
        f"HTTPS://{HOST}/q/{GOLDEN_DIGITS}",
        f"HTTPS://{HOST.upper()}/C/{GOLDEN_CODE}",
        f"https:/{HOST}/q/{GOLDEN_DIGITS}",
        f"//{HOST}/q/{GOLDEN_DIGITS}",
        f" https://{HOST}/q/{GOLDEN_DIGITS}",
        f"https://{HOST}/q/{GOLDEN_DIGITS}\n",
        f"https://{HOST}/q/{GOLDEN_DIGITS} ",
        f"https://{HOST}/q/{GOLDEN_DIGITS}/",
        f"https://{HOST}/q/{GOLDEN_DIGITS}?x=1",
        f"https://{HOST}/q/{GOLDEN_DIGITS}#x",
        f"https://{HOST}/c/{GOLDEN_CODE}?x=1",
        f"https://{HOST}/c/{GOLDEN_CODE}#x",
        f"https://{HOST}/c/{GOLDEN_CODE}/",
        f"https://{HOST}?/q/{GOLDEN_DIGITS}",
        f"https://{HOST}#/q/{GOLDEN_DIGITS}",
        f"https://{HOST}//q/{GOLDEN_DIGITS}",
        f"https://{HOST}/q//{GOLDEN_DIGITS}",
        f"https:///{HOST}/q/{GOLDEN_DIGITS}",
        f"https://{HOST}\\q\\{GOLDEN_DIGITS}",
        f"https://{HOST}\\@evil.cn/q/{GOLDEN_DIGITS}",
        f"https://{HOST}@evil.cn/q/{GOLDEN_DIGITS}",
        f"https://user:word@{HOST}/q/{GOLDEN_DIGITS}",
        f"https://{HOST}/x/../q/{GOLDEN_DIGITS}",
        f"https://{HOST}/Q/{GOLDEN_DIGITS}",
        f"https://{HOST}/C/{GOLDEN_CODE}",
        f"https://{HOST}/Q/{GOLDEN_CODE}",
        f"https://{HOST}/x/{GOLDEN_CODE}",
        f"https://{HOST}/%71/{GOLDEN_DIGITS}",
        f"https://{HOST}/q",
        f"https://{HOST}/q/",
        f"https://{HOST}/c/",
        f"https://{HOST}/",
        f"https://{HOST}",
        "https://",
        f"https://{HOST}/q/{GOLDEN_CODE}",
        f"https://{HOST}/c/{GOLDEN_DIGITS}",
        f"https://{HOST}/c/{GOLDEN_CODE[:-1]}0",
        f"https://v.exаmple.cn/q/{GOLDEN_DIGITS}",
        f"https://{HOST}∕q∕{GOLDEN_DIGITS}",  # division slash
        f"https://{HOST}/q/{GOLDEN_DIGITS}\u200b",
        f"\ufeffhttps://{HOST}/q/{GOLDEN_DIGITS}",
        f"https://{HOST}/q/1" + "0" * 5_000,
        f"https://{HOST}/s/2000001",
        "weixin://wxpay/bizpayurl?pr=abc",
        "\ud800",
    ],
)
@pytest.mark.parametrize("pinned", [HOST, None])
def test_codes_of_something_else_are_refused(text: str, pinned: str | None) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_qr_text(text, host=pinned)


def test_sentences_say_what_to_think_of_it() -> None:
    with pytest.raises(InputError, match="something else"):
        parse_qr_text("https://evil.example/login", host=HOST)
    with pytest.raises(InputError, match="16 letters and digits"):
        parse_qr_text(f"https://{HOST}/s/2000001", host=HOST)
    with pytest.raises(InputError, match="format 2"):
        parse_qr_text(f"https://{HOST}/q/2000", host=HOST)


def test_a_pinned_host_must_be_one() -> None:
    with pytest.raises(InputError, match="DNS name"):
        parse_qr_text(encode_long_url(GOLDEN, HOST), host="V.example.cn")


near_misses = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            ["https://", HOST, "/", "q", "c", "s", ":", "8443", "@", "?", "#", ".", "1", GOLDEN_CODE]
        )
        | st.text(max_size=3)
        | st.text("0123456789", max_size=530),
        max_size=10,
    ),
)


@given(st.text() | near_misses, st.sampled_from([HOST, None]))
@example(f"https://{HOST}/q/{GOLDEN_DIGITS}", HOST)
def test_any_text_gives_a_form_or_input_error(text: str, pinned: str | None) -> None:
    try:
        form = parse_qr_text(text, host=pinned)
    except InputError:
        return
    assert form.host == (pinned or form.host)
    if isinstance(form, LongForm):
        assert encode_long_url(form.statement, form.host) == text
    else:
        assert encode_short_url(form.code, form.host)[: -len(GOLDEN_CODE)] == text[: text.rindex("/") + 1]


@given(st.text() | st.text("0123456789", max_size=600) | st.text(ALPHABET + "-oOiIlLu", max_size=20))
def test_any_text_gives_a_result_or_input_error(text: str) -> None:
    for parse, encode in ((parse_digits, encode_digits), (parse_code, str), (parse_host, str)):
        try:
            result = parse(text)
        except InputError:
            continue
        assert parse(encode(result)) == result


# Choice


@pytest.mark.parametrize("size", [1, 150, 214])
def test_small_statements_are_printed_whole(size: int) -> None:
    choice = choose_form(bytes(size))
    assert choice.form is QrForm.LONG
    assert str(size) in choice.en
    assert str(size) in choice.zh


@pytest.mark.parametrize("size", [215, 300, 65_407])
def test_large_statements_fall_back_and_say_so(size: int) -> None:
    choice = choose_form(bytes(size))
    assert choice.form is QrForm.SHORT
    assert str(size) in choice.en
    assert "214" in choice.en
    assert str(size) in choice.zh
    assert "214" in choice.zh
