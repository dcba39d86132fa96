from contextlib import contextmanager

import pytest
from desk_world import ORIGIN, FlakyDatabase
from servers import postgres_server
from sqlalchemy import text

from issuer.store import DeskStore, DocumentBytes, SignedDocument
from issuer.tables import DocumentState
from ledger.core.errors import LogIntegrityError, NotFoundError, StateError
from ledger.core.ids import CertificateNumber, InstitutionId, LeafIndex, Subject
from ledger.store.engine import Database

INSTITUTION = InstitutionId("350100-01")


@contextmanager
def sqlite(path):
    database = Database(f"sqlite:///{path / 'desk.db'}")
    yield database
    database.close()


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        with sqlite(tmp_path) as found:
            yield found
        return
    server = request.getfixturevalue("postgres")
    with server.fresh_database() as url:
        found = Database(url)
        yield found
        found.close()


@pytest.fixture
def store(database):
    store = DeskStore(database, INSTITUTION, ORIGIN)
    store.prepare()
    return store


def signed(number, *, version=0, subject=None, brings=False, disclosure=b"d"):
    raw = str(number).encode()
    return SignedDocument(
        request_id=f"R-{number}",
        content_digest=raw.rjust(32),
        number=CertificateNumber(f"N-{number}"),
        brings_number=brings,
        subject=Subject((raw if subject is None else subject).rjust(32)),
        expected_version=version,
        certificate=b"certificate " + raw,
        statement=b"statement " + raw,
        disclosure=disclosure,
    )


def add(store, *documents):
    with store.write() as desk:
        return desk.add(documents, 1)


def test_documents_are_found_by_request_number_and_state(store):
    first, second, third = add(store, signed(1), signed(2), signed(3, disclosure=None))
    assert [item.position for item in (first, second, third)] == [1, 2, 3]
    with store.write() as desk:
        desk.mark_logged({1: LeafIndex(70)}, 2)
        desk.void({3: "out of scope"}, 2)
    with store.read() as desk:
        found = desk.find(["R-1", "R-3", "R-9"])
        assert found["R-1"].leaf_index == 70
        assert (found["R-3"].state, found["R-3"].reason) == (DocumentState.VOIDED, "out of scope")
        assert desk.find_numbers([CertificateNumber("N-2"), CertificateNumber("N-9")]) == {"N-2": "R-2"}
        assert desk.list_waiting(0, 10) == [second]
        assert [item.number for item in desk.list_documents()] == ["N-1", "N-2", "N-3"]
        assert [item.number for item in desk.list_documents(DocumentState.VOIDED)] == ["N-3"]
        assert desk.fetch(CertificateNumber("N-3")).disclosure is None
        assert desk.fetch(CertificateNumber("N-1")).certificate == b"certificate 1"
        with pytest.raises(NotFoundError, match="the desk has no document N-9"):
            desk.fetch(CertificateNumber("N-9"))


def test_waiting_documents_come_in_the_order_of_signing_and_in_pieces(store):
    waiting = add(store, *map(signed, range(1, 8)))
    with store.read() as desk:
        assert desk.list_waiting(0, 3) == waiting[:3]
        assert desk.list_waiting(3, 100) == waiting[3:]
        assert desk.list_waiting(7, 100) == []


def test_versions_follow_what_is_stored_but_not_what_was_voided(store):
    subject = b"pump"
    add(
        store,
        *(signed(number, version=number + 4, subject=subject) for number in range(3)),
        signed(9, subject=b"x"),
    )
    with store.write() as desk:
        desk.void({3: "no"}, 2)
        found = desk.find_next_versions([Subject(subject.rjust(32)), Subject(b"none".rjust(32))])
    assert found == {subject.rjust(32): 6}


def test_counters_are_stored_a_series_each(store):
    with store.write() as desk:
        assert desk.read_counter("JY2026-*") == 0
        desk.write_counters({"JY2026-*": 7, "JY2027-*": 1})
    with store.write() as desk:
        desk.write_counters({"JY2026-*": 9})
        assert desk.read_counter("JY2026-*") == 9
        assert desk.list_series() == {"JY2026-*": 9, "JY2027-*": 1}


def test_a_statement_is_replaced_while_it_waits_only(store):
    add(store, signed(1), signed(2))
    with store.write() as desk:
        desk.mark_logged({2: LeafIndex(5)}, 2)
        new, never = (DocumentBytes(b"c", raw, None) for raw in (b"new", b"never"))
        desk.replace_signed({1: (new, 4), 2: (never, 4)}, 3)
    with store.read() as desk:
        assert desk.fetch(CertificateNumber("N-1")).statement == b"new"
        assert desk.fetch(CertificateNumber("N-2")).statement == b"statement 2"


def test_what_is_decided_stays_decided(store):
    add(store, signed(1), signed(2))
    with store.write() as desk:
        desk.mark_logged({1: LeafIndex(5)}, 2)
        desk.void({1: "too late", 2: "no"}, 3)
        desk.mark_logged({2: LeafIndex(6)}, 4)
    with store.read() as desk:
        assert [item.state for item in desk.list_documents()] == [DocumentState.LOGGED, DocumentState.VOIDED]


@pytest.mark.parametrize("clash", ["number", "request_id"])
def test_the_database_itself_refuses_a_double(store, clash):
    add(store, signed(1))
    with pytest.raises(LogIntegrityError):
        add(
            store,
            type(signed(2))(
                **{
                    **{name: getattr(signed(2), name) for name in signed(2).__slots__},
                    clash: getattr(signed(1), clash),
                }
            ),
        )
    with store.read() as desk:
        assert len(list(desk.list_documents())) == 1


def test_two_documents_never_share_a_leaf(store):
    add(store, signed(1), signed(2))
    with pytest.raises(LogIntegrityError), store.write() as desk:
        desk.mark_logged({1: LeafIndex(5), 2: LeafIndex(5)}, 2)
    with store.read() as desk:
        assert len(desk.list_waiting(0, 9)) == 2


def test_own_numbers_are_remembered(store):
    add(store, signed(1))
    with store.write() as desk:
        assert not desk.has_brought_numbers()
        desk.add([signed(2, brings=True)], 1)
        assert desk.has_brought_numbers()


def test_preparing_twice_keeps_everything(database, store):
    add(store, signed(1))
    again = DeskStore(database, INSTITUTION, ORIGIN)
    again.prepare()
    with again.read() as desk:
        assert len(desk.list_waiting(0, 9)) == 1


@pytest.mark.parametrize(
    ("institution", "origin", "message"),
    [
        ("350100-02", ORIGIN, "this desk's database is of the institution '350100-01', not '350100-02'"),
        (INSTITUTION, "other.example/1", "this desk's database is of the origin"),
    ],
)
def test_the_database_of_another_desk_is_refused(database, store, institution, origin, message):
    with pytest.raises(StateError, match=message):
        DeskStore(database, InstitutionId(institution), origin).prepare()


def test_a_database_of_another_format_is_refused(database, store):
    with database.write() as connection:
        connection.execute(text("UPDATE desk_meta SET value = '0' WHERE key = 'format'"))
    with pytest.raises(StateError, match="this desk's database is of the format '0', not '2'"):
        store.prepare()


def test_sqlite_looks_up_what_waits_by_its_index(tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    store = DeskStore(database, INSTITUTION, ORIGIN)
    store.prepare()
    asked = []

    class Spy:
        def execute(self, query):
            asked.append(str(query.compile(compile_kwargs={"literal_binds": False})))
            return ()

    from issuer.store import DeskReading

    DeskReading(Spy()).list_waiting(0, 256)
    with database.read() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN " + asked[0]), {"position_1": 0, "param_1": 256}
        ).all()
    assert "desk_documents_waiting_idx" in str(plan)
    database.close()
