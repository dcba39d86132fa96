"""PKCS#11 URIs: read back as written, strict, never with a PIN."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError
from ledger.token_uri import TokenUri, parse_token_uri

PRINTABLE = st.text(min_size=1, max_size=20).filter(str.isprintable)
PATHS = st.text(min_size=1, max_size=20).filter(str.isprintable).map(lambda text: Path("/", text.strip("/")))


@given(
    st.builds(
        TokenUri,
        PATHS,
        PRINTABLE,
        st.none() | PRINTABLE,
        st.none() | PRINTABLE,
        st.none() | st.binary(min_size=1, max_size=16),
        st.none() | PATHS,
    )
)
def test_what_is_written_is_read_back(uri):
    assert parse_token_uri(str(uri)) == uri


def test_an_example_of_the_specification_is_read():
    """RFC 7512 §3, with the members that name other things left out."""
    text = "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=my-certificate;id=%69%95%3E%5C%F4%BD%EC%91"
    found = parse_token_uri(text + "?module-path=/usr/lib/p11.so&pin-source=file:/etc/token_pin")
    assert found.token == "The Software PKCS#11 Softtoken"
    assert found.id == bytes.fromhex("69953e5cf4bdec91")
    assert found.label == "my-certificate"
    assert (found.module, found.pin_file) == (Path("/usr/lib/p11.so"), Path("/etc/token_pin"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "starts with pkcs11:"),
        ("https://a", "starts with pkcs11:"),
        ("pkcs11:", "token is missing"),
        ("pkcs11:token=a", "module-path is missing"),
        ("pkcs11:object=a?module-path=/m", "token is missing"),
        ("pkcs11:token=a?module-path=m.so", "whole path"),
        ("pkcs11:token=a?module-path=/m&pin-source=file:pin", "whole path"),
        ("pkcs11:token=a?module-path=/m&pin-source=|cat", "characters"),
        ("pkcs11:token=a?module-path=/m&pin-value=4711", "holds no PIN"),
        ("pkcs11:token=a;token=b?module-path=/m", "stands there twice"),
        ("pkcs11:token=a;slot-id=1?module-path=/m", "is none of token, serial"),
        ("pkcs11:token=?module-path=/m", "token is empty"),
        ("pkcs11:token?module-path=/m", "token is empty"),
        ("pkcs11:token=a b?module-path=/m", "written as %XX"),
        ("pkcs11:token=%ff?module-path=/m", "not UTF-8"),
        ("pkcs11:token=%0a?module-path=/m", "cannot be printed"),
        ("pkcs11:token=%zz?module-path=/m", "written as %XX"),
        ("pkcs11:token=a;?module-path=/m", "is none of"),
        ("pkcs11:token=" + "a" * 3000 + "?module-path=/m", "2048 characters"),
    ],
)
def test_what_is_no_such_uri_is_refused(text, sentence):
    with pytest.raises(InputError, match="PKCS#11 URI") as caught:
        parse_token_uri(text)
    assert sentence in str(caught.value)
    assert "4711" not in str(caught.value)


@given(st.text(max_size=60) | st.text(max_size=60).map("pkcs11:{}".format))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse_token_uri(text)
    except InputError:
        return
    assert parse_token_uri(str(found)) == found
