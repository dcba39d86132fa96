"""Machines over HTTP: who has signed properly is answered once; everything else is 401."""

from datetime import timedelta

import pytest
from office_world import OTHER, open_office_world
from world import INSTITUTION

from api.office.accounts import Machine
from ledger.core.errors import AlreadyIssuedError


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["administrator"]) as world:
        yield world


@pytest.fixture
def machine(world):
    return world.add_machine("lims")


def ask(world, headers, path="/api/whoami"):
    return world.client().get(path, headers=headers)


def test_a_machine_is_known_by_its_signature(world, machine):
    answer = ask(world, world.sign(machine, "GET", "/api/whoami"))
    assert answer.status_code == 200
    assert answer.json() == {"institution": INSTITUTION, "id": machine, "name": "lims", "roles": ["machine"]}


def test_the_machine_of_another_institution_is_of_that_one(world):
    other = world.add_machine("lims", OTHER)
    assert ask(world, world.sign(other, "GET", "/api/whoami")).json()["institution"] == OTHER


def test_a_signed_request_is_answered_once(world, machine):
    headers = world.sign(machine, "GET", "/api/whoami")
    assert ask(world, headers).status_code == 200
    again = ask(world, headers)
    assert again.status_code == 401
    assert "answered already" in again.json()["detail"]
    assert "zh" in again.json()


def test_a_nonce_is_each_machines_own(world, machine):
    other = world.add_machine("second")
    for one in (machine, other):
        assert ask(world, world.sign(one, "GET", "/api/whoami", nonce="same")).status_code == 200


@pytest.mark.parametrize("seconds", [-61, 60, 3600])
def test_a_request_of_another_time_is_refused(world, machine, seconds):
    headers = world.sign(machine, "GET", "/api/whoami")
    world.clock.move(seconds=seconds)
    assert ask(world, headers).status_code == 401


def test_a_signature_that_lasts_too_long_is_refused(world, machine):
    expires = world.clock.now + timedelta(seconds=301)
    assert ask(world, world.sign(machine, "GET", "/api/whoami", expires=expires)).status_code == 401


@pytest.mark.parametrize("path", ["/api/whoami?x=1", "/openapi.json", "/"])
def test_a_signature_is_good_for_its_path_alone(world, machine, path):
    answer = ask(world, world.sign(machine, "GET", "/api/whoami"), path)
    assert answer.status_code in {401, 403}


def test_a_disabled_machine_is_nobody_until_it_is_enabled(world, machine):
    browser = world.browser("administrator")
    assert world.post(browser, f"/machines/{machine}/disable").status_code == 303
    assert ask(world, world.sign(machine, "GET", "/api/whoami")).status_code == 401
    assert world.post(browser, f"/machines/{machine}/enable").status_code == 303
    assert ask(world, world.sign(machine, "GET", "/api/whoami")).status_code == 200


def test_an_unknown_key_id_is_nobody(world, machine):
    headers = world.sign(machine, "GET", "/api/whoami")
    headers["Signature-Input"] = headers["Signature-Input"].replace(machine, "m-0000000000000000")
    assert ask(world, headers).status_code == 401


def test_a_broken_signature_beside_a_session_is_still_refused(world, machine):
    """Whoever signs is judged by the signature; a cookie does not rescue it."""
    browser = world.browser("administrator")
    headers = world.sign(machine, "GET", "/other")
    assert browser.get("/api/whoami", headers=headers).status_code == 401


def test_machines_read_no_pages(world, machine):
    for path in ("/", "/documents", "/staff"):
        assert ask(world, world.sign(machine, "GET", path), path).status_code == 403


def test_an_administrator_registers_a_machine(world):
    browser = world.browser("administrator")
    key = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert world.post(browser, "/machines", {"name": "lims-2", "key": key}).status_code == 303
    assert key in browser.get("/machines").text
    for name, given, words in (
        ("lims-2", key, "already"),
        ("lims-3", key, "already"),
        ("lims-3", "z6Mk", "Public key"),
        ("lims-3", "", "Public key"),
        ("LIMS 3!", key, "Name"),
    ):
        page = world.post(browser, "/machines", {"name": name, "key": given})
        assert page.status_code == 422
        assert words in page.text


def test_a_key_belongs_to_one_machine_of_the_whole_office(world, machine):
    with world.office.store.read() as office:
        known = office.fetch_machine(INSTITUTION, machine)
    copy = Machine("m-1", OTHER, "x", known.key, is_active=True, created_by="a-0", created_at=world.clock.now)
    with pytest.raises(AlreadyIssuedError), world.office.store.write() as office:
        office.add_machine(copy)
