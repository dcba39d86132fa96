import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.negotiation import Language, choose_language, prefers_json

ZH, EN = Language.ZH, Language.EN


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", ZH),
        ("zh-CN,zh;q=0.9", ZH),
        ("zh-TW", ZH),
        ("en", EN),
        ("en-GB,en;q=0.9", EN),
        ("EN-us", EN),
        ("en;q=0.5, zh;q=0.9", ZH),
        ("en;q=0.9, zh;q=0.5", EN),
        ("zh;q=0, en;q=0.1", EN),
        ("*", ZH),
        ("*;q=0.1, en;q=0.5", EN),
        ("en;q=0, *;q=0.1", ZH),
        ("de, fr", ZH),
        ("de, en;q=0.2", EN),
        ("en;q=nonsense", ZH),
        ("en;q=0.9999", ZH),
        (";;;,,,", ZH),
        ("english", ZH),
        ("en;level=1;q=0.4", EN),
    ],
)
def test_the_language_follows_the_header(accepted, language):
    tongue = choose_language(accepted, None)
    assert (tongue.language, tongue.is_asked) == (language, False)


@pytest.mark.parametrize(("asked", "language"), [("zh", ZH), ("en", EN)])
def test_a_language_that_is_asked_for_comes_first(asked, language):
    for accepted in ("", "en", "zh"):
        tongue = choose_language(accepted, asked)
        assert (tongue.language, tongue.is_asked) == (language, True)


@pytest.mark.parametrize("asked", ["", "EN", "de", "en-GB", "zh-CN", "\x00", "e"])
def test_an_unknown_language_that_is_asked_for_does_not_count(asked):
    assert choose_language("en", asked) == choose_language("en", None)


@pytest.mark.parametrize(
    ("accepted", "json"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/json, */*;q=0.1", True),
        ("application/json;q=0.5, text/html;q=0.9", False),
        ("application/json;q=0.9, text/html;q=0.5", True),
        ("application/*, text/html;q=0.2", True),
        ("application/json;q=0", False),
        ("application/problem+json", False),
        ("image/png", False),
    ],
)
def test_json_comes_only_where_it_is_preferred(accepted, json):
    assert prefers_json(accepted) is json


@given(st.text(max_size=200), st.none() | st.text(max_size=5))
def test_no_header_breaks_the_choice(header, asked):
    assert choose_language(header, asked).language in Language
    assert prefers_json(header) in {True, False}
