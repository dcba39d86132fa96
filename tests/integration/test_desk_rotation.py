"""A desk whose seal key is followed by another while documents wait: same number, same record, a new seal."""

import hashlib

import pytest
from desk_world import FlakyDatabase, MemoryGateway, apply, document, fetch, make_desk, rows, stored
from world import make_signer

from issuer.gateway import RefusalKind, Refused
from issuer.tables import DocumentState
from ledger.core.canonical import parse_json
from ledger.core.disclosure import parse_disclosure, verify_disclosure
from ledger.core.statement import parse_signed_statement

NUMBER = "JY2026-000001"
KEY = Refused(RefusalKind.KEY, "the key is no longer active")
STALE = Refused(RefusalKind.STALE_VERSION, "stale")
SIGNED, LOGGED = DocumentState.SIGNED, DocumentState.LOGGED


class KilledError(BaseException):
    pass


@pytest.fixture
def database(tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    yield database
    database.close()


@pytest.fixture
def gateway(database):
    """A log that has refused a document because its key has ended."""
    gateway = MemoryGateway()
    gateway.answer(NUMBER, KEY)
    desk = make_desk(database, gateway)
    report = desk.issue(desk.check_rows(rows(document(1))).documents)
    assert report.documents[0].state is SIGNED
    assert report.held == {
        NUMBER: "the key is no longer active; it waits until the desk has another seal key"
    }
    return gateway


def rotate(gateway):
    """Register another seal key, and let desks use it from now on."""
    gateway.world.seal = make_signer("seal-2")
    apply(gateway.founded, gateway.states, gateway.world.key(), gateway.size)
    gateway.size += 1


def record_of(files):
    return parse_json(files.certificate)["credentialSubject"]


@pytest.mark.parametrize("answer", [KEY, STALE])
def test_a_waiting_document_is_sealed_anew_under_its_number(database, gateway, answer):
    before = fetch(make_desk(database, gateway), NUMBER)
    rotate(gateway)
    gateway.answer(NUMBER, answer)
    desk = make_desk(database, gateway)
    assert [item.state for item in desk.resume().documents] == [LOGGED]
    after = fetch(desk, NUMBER)
    assert record_of(after) == record_of(before)
    signed = parse_signed_statement(after.statement)
    assert signed.key_id == gateway.world.seal.public_key.key_id
    assert parse_json(after.certificate)["issuer"] == gateway.world.seal.public_key.did_key
    assert signed.statement.claims.certificate_digest == hashlib.sha256(after.certificate).digest()
    assert signed.statement.expected_version == 0
    disclosure = parse_disclosure(after.disclosure)
    assert disclosure.certificate_digest == hashlib.sha256(after.certificate).digest()
    assert disclosure.members == parse_disclosure(before.disclosure).members
    verify_disclosure(record_of(after), disclosure)
    assert gateway.certificates == {NUMBER: after.certificate}


def test_while_the_old_key_counts_the_old_seal_is_handed_in(database, gateway):
    before = fetch(make_desk(database, gateway), NUMBER)
    rotate(gateway)
    desk = make_desk(database, gateway)
    assert desk.resume().documents[0].state is LOGGED
    assert fetch(desk, NUMBER) == before


def test_without_another_key_it_goes_on_waiting(database, gateway):
    before = fetch(make_desk(database, gateway), NUMBER)
    for _ in range(3):
        gateway.answer(NUMBER, KEY)
        report = make_desk(database, gateway).resume()
        assert (report.documents[0].state, list(report.held)) == (SIGNED, [NUMBER])
    assert fetch(make_desk(database, gateway), NUMBER) == before


def test_another_key_that_does_not_count_either_leaves_it_waiting(database, gateway):
    rotate(gateway)
    gateway.answer(NUMBER, KEY, KEY)
    report = make_desk(database, gateway).resume()
    assert (report.documents[0].state, list(report.held)) == (SIGNED, [NUMBER])


@pytest.mark.parametrize("place", ["desk.before_renewing", "desk.renewed", "desk.submitted"])
def test_killed_while_it_is_sealed_anew_the_same_command_ends_the_work(database, gateway, place):
    def trap(name):
        if name == place:
            raise KilledError

    rotate(gateway)
    gateway.answer(NUMBER, KEY)
    with pytest.raises(KilledError):
        make_desk(database, gateway, failpoint=trap).resume()
    if place == "desk.before_renewing":
        gateway.answer(NUMBER, KEY)
    desk = make_desk(database, gateway)
    assert desk.resume().documents[0].state is LOGGED
    assert len(stored(desk)) == len(gateway.entries) == 1
    assert gateway.certificates == {NUMBER: fetch(desk, NUMBER).certificate}
