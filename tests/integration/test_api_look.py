"""The page of the look at the chain, as the server gives it: what stands in its content policy, what never does."""

import re

import pytest
from api_world import ENGLISH, ApiWorld

NODE = "https://node.example:8545"


@pytest.fixture(scope="module")
def served():
    with ApiWorld() as world:
        world.found()
        yield world


@pytest.fixture(scope="module")
def code(served):
    code = served.issue(1)
    served.anchor()
    return code


def ask(served, headers=None, **parameters):
    return served.client.get("/look", params=parameters, headers=headers or {})


def read_connect(answer):
    (found,) = re.findall(r"connect-src ([^;]*)", answer.headers["content-security-policy"])
    return found


def test_the_page_may_speak_to_the_node_that_was_typed(served, code):
    answer = ask(served, code=code, node=NODE)
    assert (answer.status_code, read_connect(answer)) == (200, f"'self' {NODE}")
    assert answer.headers["cache-control"] == "no-store"
    assert f'data-node="{NODE}"' in answer.text


def test_without_a_choice_it_may_not(served, code):
    answer = ask(served, code=code)
    assert (answer.status_code, read_connect(answer)) == (200, "'self'")
    assert "data-node" not in answer.text


def test_no_other_page_changes(served, code):
    for path in (f"/c/{code}", "/scan", f"/c/{code}?node={NODE}", f"/scan?node={NODE}"):
        assert read_connect(served.client.get(path)) == "'self'", path


@pytest.mark.parametrize(
    "node",
    [
        "",
        "node.example",
        "https://node.example; script-src *",
        "https://node.example\r\nX-Evil: 1",
        "https://node.example/path",
        "https://user:word@node.example",
        "http://node.example",
        "*",
        "'unsafe-inline'",
        '"><script>alert(1)</script>',
        "https://" + "a" * 2000,
    ],
)
def test_what_is_no_node_stands_nowhere(served, code, node):
    answer = ask(served, code=code, node=node)
    assert (answer.status_code, read_connect(answer)) == (422, "'self'")
    assert "x-evil" not in answer.headers
    assert "节点地址须为https加域名" in answer.text
    assert "A node is asked by https" in ask(served, ENGLISH, code=code, node=node).text
    assert "<script>alert" not in answer.text
    assert "user:" not in answer.text


@pytest.mark.parametrize("text", ["", "0000", "Y0E5Q0BVPKA486WC", '"><script>alert(1)</script>', "s/" * 20])
def test_without_a_code_of_ours_there_is_nothing_to_look_up(served, text):
    answer = ask(served, code=text, node=NODE)
    assert (answer.status_code, read_connect(answer)) == (422, "'self'")
    assert "编码有误" in answer.text
    assert "<script" not in answer.text
    assert ask(served).status_code == 422


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_language_stays(served, code, language):
    page = ask(served, code=code, node=NODE, lang=language).text
    other = {"zh": "en", "en": "zh"}[language]
    assert f"?code={code}&amp;node=https%3A//node.example%3A8545&amp;lang={other}" in page
    assert f"c/{code}?lang={language}" in page


def test_a_typed_spelling_of_the_code_is_taken(served, code):
    assert f'data-code="{code}"' in ask(served, code=code.lower()).text


def test_it_names_the_command_and_says_who_learns_what(served, code):
    text = ask(served, code=code).text
    assert f"hengzheng verify {code}.bundle.json --policy policy.json --chain https://" in text
    assert "本站只得知其域名" in text
    assert "须为链31337的节点" in text


def test_a_log_without_a_contract_names_no_chain(code):
    with ApiWorld(contract=None) as world:
        assert "须为链" not in ask(world, code=code).text


def test_the_verdict_page_grows_by_a_link_alone(served, code):
    page = served.client.get(f"/c/{code}").text
    (link,) = re.findall(r"<p><a [^>]*look\?code=[^\n]*</p>", page)
    assert len(link.encode()) < 200
    assert "look.js" not in page
