"""The desk's table of acts, on every engine."""

from contextlib import closing
from dataclasses import replace

import pytest
from desk_world import ORIGIN
from servers import postgres_server
from sqlalchemy import text
from world import INSTITUTION

from issuer.store import DeskStore, StoredAct
from issuer.tables import DocumentState
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, LeafIndex
from ledger.store.engine import Database

NUMBER = CertificateNumber("JY2026-000001")


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        with closing(Database(f"sqlite:///{tmp_path / 'desk.db'}")) as found:
            yield found
        return
    with request.getfixturevalue("postgres").fresh_database() as url, closing(Database(url)) as found:
        yield found


@pytest.fixture
def store(database):
    made = DeskStore(database, INSTITUTION, ORIGIN)
    made.prepare()
    return made


def test_acts_are_kept_in_their_order_with_what_became_of_them(store):
    with store.write() as desk:
        first = desk.add_act(NUMBER, EventType.SUSPEND, b"\x84first", 1)
        desk.save_act(replace(first, state=DocumentState.LOGGED, leaf_index=LeafIndex(2**40)), 2)
        second = desk.add_act(NUMBER, EventType.WITHDRAW, b"\x84second", 3)
        desk.add_act(CertificateNumber("another"), EventType.SUSPEND, b"\x84third", 4)
        desk.save_act(replace(second, state=DocumentState.VOIDED, reason="because"), 5)
        desk.save_act(replace(second, state=DocumentState.SIGNED, statement=b"\x84changed"), 6)
    with store.read() as desk:
        assert desk.find_newest_act(NUMBER) == StoredAct(
            2, NUMBER, EventType.WITHDRAW, b"\x84second", DocumentState.VOIDED, None, "because"
        )
        assert desk.find_newest_act(CertificateNumber("another")).position == 3
        assert desk.find_newest_act(CertificateNumber("nobody")) is None


def test_a_desk_made_before_there_were_acts_gets_their_table(database, store):
    with database.write() as connection:
        connection.execute(text("DROP TABLE desk_acts"))
    DeskStore(database, INSTITUTION, ORIGIN).prepare()
    with store.write() as desk:
        assert desk.add_act(NUMBER, EventType.SUSPEND, b"\x84", 1).position == 1
