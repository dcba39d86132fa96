"""What may stand in a content security policy as a node: an origin, spelled in one way, and nothing more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.node_origin import MAX_CHARACTERS, parse_node_origin
from api.web.look_page import make_security
from ledger.core.errors import InputError

GOOD = [
    "https://node.example",
    "https://node.example:8545",
    "https://a-b.c1.xn--fiqs8s:65535",
    "https://localhost:1",
    "http://127.0.0.1:8545",
    "http://localhost:8545",
    "http://127.0.0.1",
    "https://node",
    "https://" + ".".join(["a" * 63] * 3 + ["b" * 61]),
]
BAD = [
    "",
    "node.example",
    "//node.example",
    "https://",
    "https:node.example",
    "https:///node.example",
    "ftp://node.example",
    "ws://127.0.0.1",
    "javascript:alert(1)",
    "data:,x",
    "HTTPS://node.example",
    "https://Node.example",
    "https://node.example/",
    "https://node.example/v3/key",
    "https://node.example?x",
    "https://node.example#x",
    "https://node.example\\x",
    "https://user@node.example",
    "https://user:word@node.example",
    "https://node.example:0",
    "https://node.example:00001",
    "https://node.example:443",
    "https://node.example:65536",
    "https://node.example:99999999",
    "https://node.example:x",
    "https://node.example:",
    "http://localhost:80",
    "http://node.example",
    "http://127.0.0.2:8545",
    "http://0.0.0.0:8545",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "https://10.0.0.1",
    "https://1",
    "https://0x7f.1",
    "https://[::1]:8545",
    "https://*",
    "https://*.example",
    "https://node.example:*",
    "https://.example",
    "https://node..example",
    "https://node.example.",
    "https://-node.example",
    "https://node-.example",
    "https://node_.example",
    "https://knoten-ä.example",
    "https://node。example",
    "https://node.example https://evil.example",
    "https://node.example; script-src *",
    "https://node.example,https://evil.example",
    "https://node.example'unsafe-inline'",
    "https://node.example\r\nSet-Cookie: a=b",
    "https://node.example\n",
    " https://node.example",
    "https://node.example\t",
    "https://node.example\0",
    "https://node.example%20x",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 130 + "example",
    "https://" + "a" * MAX_CHARACTERS,
]


@pytest.mark.parametrize("text", GOOD)
def test_an_origin_stays_as_it_is(text):
    assert parse_node_origin(text) == text
    assert f"; connect-src 'self' {text};" in make_security(text)


@pytest.mark.parametrize("text", BAD)
def test_everything_else_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_node_origin(text)
    assert caught.value.field == "node"


@given(st.text() | st.from_regex(r"https?://[!-~ ]{0,40}", fullmatch=True))
def test_whatever_passes_adds_one_source_and_no_directive(text):
    try:
        origin = parse_node_origin(text)
    except InputError:
        return
    directives = make_security(origin).split("; ")
    assert len(directives) == len(make_security(None).split("; "))
    (connect,) = [each.split(" ") for each in directives if each.startswith("connect-src")]
    assert connect == ["connect-src", "'self'", origin]
    assert not set(origin) & set("*;,'\"\\@% \r\n")
    assert origin.count("/") == 2


def test_without_a_node_the_page_speaks_to_its_site_alone():
    assert "; connect-src 'self';" in make_security(None)
    assert "unsafe" not in make_security(None)
