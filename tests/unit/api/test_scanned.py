"""Codes of ours, of others, and of those who imitate us."""

import pytest
from scanned_cases import ALIKE, BARE, CODE, ELSEWHERE, HOSTS, MISTYPED, OWN, TYPED

from api.scanned import Foreign, Own, Typed, read_scanned
from ledger.core.errors import MalformedDocumentError


@pytest.mark.parametrize("text", OWN)
def test_what_we_print_is_ours(text):
    assert read_scanned(text, HOSTS) == Own(text.removeprefix("https://v.example.cn"))


@pytest.mark.parametrize("text", BARE)
def test_what_is_typed_from_a_label_is_ours_without_its_scheme(text):
    assert read_scanned(text, HOSTS) == Own(text.removeprefix("v.example.cn"))


@pytest.mark.parametrize("name", ALIKE)
def test_imitations_are_called_so(name):
    found = read_scanned(ALIKE[name], HOSTS)
    assert isinstance(found, Foreign)
    assert found.is_look_alike
    assert found.site.isascii()


@pytest.mark.parametrize("text", ELSEWHERE)
def test_other_sites_are_named(text):
    found = read_scanned(text, HOSTS)
    assert found in {
        Foreign(ELSEWHERE[text], is_look_alike=False),
        Foreign(ELSEWHERE[text], is_look_alike=True),
    }
    assert found.is_look_alike == ("example" in text)


def test_sites_of_one_authority_are_not_taken_for_imitations_of_another():
    assert read_scanned("https://www.cq.gov.cn/", ("jl.gov.cn",)) == Foreign(
        "www.cq.gov.cn", is_look_alike=False
    )


@pytest.mark.parametrize("text", TYPED)
def test_typed_codes_are_understood(text):
    assert read_scanned(text, HOSTS) == Typed(CODE)


@pytest.mark.parametrize("text", [*MISTYPED, "", "hello", "12315", "x" * 3000, "javascript:alert(1)"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(MalformedDocumentError) as caught:
        read_scanned(text, HOSTS)
    assert caught.value.field == "code"
