"""What an English page calls the instrument."""

import pytest
from api_world import ApiWorld
from page_reader import look
from verdict_states import make_valid

from api.web.data import find_kind
from ledger.core.category import Category


@pytest.fixture
def served():
    with ApiWorld() as world:
        yield world.found()


# --- kinds --------------------------------------------------------------------------------------------------


def test_an_english_page_says_in_english_what_it_is(served):
    path = make_valid(served)
    assert "Fuel dispenser (燃油加油机)" in look(served, f"{path}?lang=en").text
    chinese = look(served, path).text
    assert "燃油加油机" in chinese
    assert "ispenser" not in chinese


def test_the_name_of_the_document_stays(served):
    record = served.world.record(1)
    record["instrument"] |= {"name": "税控加油机 <b>"}
    code = served.submit(served.world.issue(1, record=record))
    assert "Fuel dispenser (税控加油机 <b>)" in look(served, f"/c/{code}?lang=en").text
    assert "<b>)" not in look(served, f"/c/{code}?lang=en").response.text


@pytest.mark.parametrize("category", Category)
def test_every_kind_has_an_english_name(category):
    assert find_kind(category.name).en.isprintable()


@pytest.mark.parametrize("code", ["", "TEAPOT", "fuel_dispenser"])
def test_what_is_no_kind_has_no_name(code):
    assert find_kind(code) is None
