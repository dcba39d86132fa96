"""Logging in: who is let in, who is refused, with the same words, and how long it lasts."""

import pytest
from office_world import open_office_world


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["administrator", "operator"]) as world:
        yield world


def test_with_name_password_and_code_somebody_gets_in(world):
    browser = world.browser("operator")
    page = browser.get("/")
    assert page.status_code == 200
    assert "operator某" in page.text
    cookie = browser.cookies.jar
    assert [one.name for one in cookie] == ["office"]


def test_a_stranger_gets_a_page_that_says_where_to_log_in(world):
    answer = world.client().get("/documents")
    assert answer.status_code == 401
    assert 'href="/login"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
