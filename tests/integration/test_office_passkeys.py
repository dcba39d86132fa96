"""Passkeys over HTTP: what registers, what logs in, and everything that is refused."""

import pytest
from office_authenticator import USER_PRESENT, Authenticator
from office_world import OTHER, PASSWORD, URL, open_office_world
from world import INSTITUTION

from api.office.passkeys import MAX_PASSKEYS


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["administrator", "operator"]) as world:
        yield world


def ask(browser, path, body=None):
    return browser.post(path, json=body or {}, headers={"X-Form-Token": getattr(browser, "form_token", "")})


def add(browser, token, label="phone", **wrong):
    options = ask(browser, "/account/passkeys/options").json()
    credential = token.register(options, **{"origin": URL, **wrong})
    return ask(browser, "/account/passkeys", {"label": label, "credential": credential})


def enter(world, token, **wrong):
    client = world.client()
    options = client.post("/login/passkey/options", json={}).json()
    answer = client.post("/login/passkey", json=token.log_in(options, **{"origin": URL, **wrong}))
    return client, answer


@pytest.fixture
def token(world):
    token = Authenticator()
    assert add(world.browser("operator"), token).status_code == 204
    return token


def test_a_passkey_logs_its_person_in(world, token):
    client, answer = enter(world, token)
    assert answer.status_code == 204
    assert "operator某" in client.get("/").text
    assert "phone" in client.get("/account").text


def test_what_is_asked_names_this_site_and_wants_the_person(world):
    options = ask(world.browser("operator"), "/account/passkeys/options").json()
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    asked = world.client().post("/login/passkey/options", json={}).json()
    assert (asked["rpId"], asked["userVerification"]) == ("localhost", "required")


WRONG = [
    {"origin": "https://evil.example"},
    {"origin": "http://localhost:9999"},
    {"rp_id": "evil.example"},
    {"flags": USER_PRESENT},
    {"flags": 0},
    {"challenge": "AAAA"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_does_not_fit_logs_nobody_in(world, token, wrong):
    client, answer = enter(world, token, **wrong)
    assert answer.status_code == 401
    assert client.get("/").status_code == 401


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_does_not_fit_adds_no_passkey(world, wrong):
    browser = world.browser("operator")
    assert add(browser, Authenticator(), **wrong).status_code == 422
    assert "None so far" in browser.get("/account").text


def test_an_answer_counts_once_and_in_its_time(world, token):
    client = world.client()
    options = client.post("/login/passkey/options", json={}).json()
    answer = token.log_in(options, origin=URL)
    assert client.post("/login/passkey", json=answer).status_code == 204
    assert world.client().post("/login/passkey", json=answer).status_code == 401
    late = client.post("/login/passkey/options", json={}).json()
    world.clock.move(minutes=5)
    assert world.client().post("/login/passkey", json=token.log_in(late, origin=URL)).status_code == 401


def test_a_copied_key_is_found_by_its_count(world, token):
    assert enter(world, token)[1].status_code == 204
    token.count -= 2
    assert enter(world, token)[1].status_code == 401


def test_a_stranger_s_key_and_nonsense_log_nobody_in(world, token):
    assert enter(world, Authenticator(b"another"))[1].status_code == 401
    thief = Authenticator(b"thief")
    thief.credential = token.credential
    assert enter(world, thief)[1].status_code == 401
    for body in (
        {},
        {"id": 1},
        {"id": "x", "response": {}},
        {"id": "!", "response": {"clientDataJSON": "x"}},
    ):
        assert world.client().post("/login/passkey", json=body).status_code == 401
    assert world.client().post("/login/passkey", content=b"{").status_code == 422


def test_a_challenge_for_adding_logs_nobody_in_and_belongs_to_its_account(world, token):
    browser = world.browser("operator")
    options = ask(browser, "/account/passkeys/options").json()
    assert world.client().post("/login/passkey", json=token.log_in(options, origin=URL)).status_code == 401
    other = world.browser("administrator")
    credential = Authenticator(b"third").register(options, origin=URL)
    assert ask(other, "/account/passkeys", {"label": "x", "credential": credential}).status_code == 422


def test_one_passkey_is_registered_once_in_the_whole_office(world, token):
    assert add(world.browser("operator", OTHER), token).status_code == 409


def test_a_removed_passkey_and_a_disabled_account_log_nobody_in(world, token):
    administrator, browser = world.browser("administrator"), world.browser("operator")
    identity = world.accounts[INSTITUTION, "operator"]
    assert world.post(administrator, f"/staff/{identity}/disable").status_code == 303
    assert enter(world, token)[1].status_code == 401
    assert world.post(administrator, f"/staff/{identity}/enable").status_code == 303
    assert enter(world, token)[1].status_code == 204
    browser = world.browser("operator")
    assert (
        world.post(
            world.browser("administrator"), "/account/passkeys/remove", {"credential": token.credential.hex()}
        ).status_code
        == 404
    )
    assert (
        world.post(browser, "/account/passkeys/remove", {"credential": token.credential.hex()}).status_code
        == 303
    )
    assert enter(world, token)[1].status_code == 401


@pytest.mark.parametrize("label", ["", "x" * 61, "a\nb", 7, None])
def test_a_label_can_be_read(world, label):
    browser = world.browser("operator")
    assert add(browser, Authenticator(), label=label).status_code == 422


def test_an_account_has_so_many_passkeys(world):
    browser = world.browser("operator")
    for number in range(MAX_PASSKEYS):
        assert add(browser, Authenticator(bytes([number]))).status_code == 204
    assert ask(browser, "/account/passkeys/options").status_code == 422


def test_only_a_page_of_ours_asks(world):
    answer = world.client().post(
        "/login/passkey/options", json={}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert PASSWORD not in answer.text
