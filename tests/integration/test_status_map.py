"""The status map in real databases: it comes back, older ones are found, and doctor sees each changed byte."""

import pytest
from log_invariants import assert_sound
from reference import reference_map_root
from sqlalchemy import text
from world import FOUNDING, ORIGIN, Clock, Issued, World, make_signer, submit

from ledger.core.errors import LogIntegrityError
from ledger.core.event import certificate_subject, instrument_subject
from ledger.core.ids import CertificateNumber, InstitutionId, TreeSize
from ledger.core.map_proof import build_map_proof, open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.statement import parse_signed_statement
from ledger.core.status_map import open_map
from ledger.doctor.diagnosis import diagnose
from ledger.log import Log
from ledger.map_history import open_map_under, read_maphead

WORLD = World()


def issue(number, **changes):
    """Return an issue whose certificate is no more than bytes with its digest."""
    return Issued(WORLD.bare_issue(number, **changes), b"bare" + number.to_bytes(8))


@pytest.fixture
def grown(log, store):
    """A log of which doctor has no complaint: batches add subjects, change some of them, and one of them twice."""
    submit(log, *(WORLD.issue(number) for number in range(3)))
    submit(log, *(issue(number) for number in range(10, 70)))
    submit(log, issue(300, instrument=10, version=1))
    submit(
        log,
        issue(301, instrument=10, version=2),
        issue(302, instrument=10, version=3),
        issue(303, instrument=11, version=1),
    )
    assert diagnose(store, ORIGIN)["entries"] == log.head.tree_size
    return log


def read_sizes(store):
    with store.read() as reading:
        return [checkpoint.tree_size for checkpoint in reading.read_checkpoints()]


def issue_subjects(number, instrument):
    claims = parse_signed_statement(WORLD.bare_issue(number, instrument=instrument)).statement.claims
    return instrument_subject(claims.instrument_id, None), certificate_subject(
        InstitutionId("350100-01"), CertificateNumber(claims.number)
    )


def flip(raw, at=-1):
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


# --- what is written comes back -----------------------------------------------------------------------------


def test_the_pages_that_were_written_hold_all_subjects(grown, store):
    """Loading each page from the root down gives every state, and each page has the hash above it."""
    with store.read() as reading:
        head = reading.read_head()
        newest = open_map(get_map_root(read_maphead(reading, head.tree_size)))
        instrument, document = issue_subjects(12, 12)
        wanted = [instrument, document, bytes(32)]
        states = reading.find_states(wanted)
        assert states.keys() == {instrument, document}
        proven = open_map_proof(build_map_proof(newest, wanted, reading.load_pages), newest.root_hash)
        assert [proven.find(subject) for subject in wanted] == [states[instrument], states[document], None]
        pages = reading.read_map_pages()
    assert {depth for depth, _ in pages} == {8, 16}
    assert all(len(found) == 32 for found in pages.values())
    assert_sound(store)


def test_the_map_under_every_older_checkpoint_is_found(grown, store):
    instrument, _ = issue_subjects(10, 10)
    versions = []
    with store.read() as reading:
        for size in read_sizes(store):
            found = open_map_under(reading, TreeSize(size))
            assert found.root_hash == get_map_root(read_maphead(reading, TreeSize(size)))
            state = found.find(instrument, reading.load_pages)
            versions.append(state and (state.version, state.current_certificate))
    third = FOUNDING + 4 + 1
    assert versions == [None, None, (1, third - 1), (2, third + 60), (4, third + 63)]


def test_a_reader_keeps_its_map_while_the_log_goes_on(grown, store):
    """A proof is made within one state of the database, whatever is committed meanwhile."""
    size = grown.head.tree_size
    instrument, _ = issue_subjects(10, 10)
    with store.read() as reading:
        before = open_map_under(reading, size)
        submit(grown, WORLD.bare_issue(304, instrument=10, version=4))
        assert before.find(instrument, reading.load_pages).version == 4
        assert open_map_under(reading, size).root_hash == before.root_hash
    with store.read() as reading:
        assert open_map_under(reading, size).find(instrument, reading.load_pages).version == 4
        assert open_map_under(reading, grown.head.tree_size).find(instrument, reading.load_pages).version == 5


def test_a_log_with_leaves_without_effect_is_sound(log, store):
    bad = Log(store, ORIGIN, WORLD.log_key, Clock(), keep_void=True)
    submit(bad, issue(1, seal=make_signer("stranger")))
    assert_sound(store)
    assert diagnose(store, ORIGIN)["entries"] == FOUNDING + 2


def test_the_map_of_an_empty_log_is_not_stated(store):
    assert diagnose(store, ORIGIN)["entries"] == 0
    with store.read() as reading:
        assert (reading.read_map_pages(), reading.read_replaced_sizes(), reading.count_states()) == (
            {},
            [],
            0,
        )
        with pytest.raises(LogIntegrityError):
            open_map_under(reading, TreeSize(0))
    assert reference_map_root({}) == open_map(reference_map_root({})).root_hash


# --- doctor -------------------------------------------------------------------------------------------------


def run_statement(database, table, statement, **values):
    """Change a table behind the log's back, its triggers taken away."""
    drops = {
        "sqlite": [f"DROP TRIGGER IF EXISTS {table}_no_{change}" for change in ("update", "delete")],
        "postgresql": [f"DROP TRIGGER IF EXISTS {table}_insert_only ON {table}"],
    }
    with database.write() as connection:
        for drop in drops[connection.dialect.name]:
            connection.execute(text(drop))
        done = connection.execute(text(statement), values)
        assert done.rowcount >= 1


def read_rows(database, query):
    with database.read() as connection:
        return connection.execute(text(query)).all()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("at", [0, -1])
def test_doctor_finds_a_changed_byte_of_a_page(grown, store, database, depth, at):
    prefix, found = read_rows(
        database, f"SELECT prefix, hash FROM map_pages WHERE depth = {depth} ORDER BY prefix LIMIT 1"
    )[0]
    change = "UPDATE map_pages SET hash = :hash WHERE depth = :depth AND prefix = :prefix"
    run_statement(database, "map_pages", change, hash=flip(found, at), depth=depth, prefix=prefix)
    with pytest.raises(LogIntegrityError, match="table map_pages, row depth"):
        diagnose(store, ORIGIN)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM map_pages WHERE depth = 8 AND prefix = (SELECT max(prefix) FROM map_pages WHERE depth = 8)",
        "DELETE FROM map_pages WHERE depth = 16",
        "INSERT INTO map_pages SELECT 8, 256, hash FROM map_pages WHERE depth = 8 LIMIT 1",
    ],
)
def test_doctor_finds_a_page_that_is_gone_or_too_many(grown, store, database, statement):
    run_statement(database, "map_pages", statement)
    with pytest.raises(LogIntegrityError, match="table map_pages, row depth"):
        diagnose(store, ORIGIN)


@pytest.mark.parametrize("at", [0, 31, 32, 36, 44, 52, -1])
def test_doctor_finds_a_changed_byte_of_a_replaced_state(grown, store, database, at):
    size = grown.head.tree_size
    [(states,)] = read_rows(database, f"SELECT states FROM replaced_states WHERE tree_size = {size}")
    change = "UPDATE replaced_states SET states = :states WHERE tree_size = :size"
    run_statement(database, "replaced_states", change, states=flip(states, at), size=size)
    with pytest.raises(LogIntegrityError, match=r"replaced"):
        diagnose(store, ORIGIN)


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM replaced_states WHERE tree_size = {FOUNDING}",
        f"DELETE FROM replaced_states WHERE tree_size > {FOUNDING}",
        f"INSERT INTO replaced_states SELECT 1, states FROM replaced_states WHERE tree_size = {FOUNDING}",
        f"UPDATE replaced_states SET tree_size = 1 WHERE tree_size = {FOUNDING}",
    ],
)
def test_doctor_finds_replaced_states_that_are_gone_or_too_many(grown, store, database, statement):
    run_statement(database, "replaced_states", statement)
    with pytest.raises(LogIntegrityError, match=r"replaced"):
        diagnose(store, ORIGIN)


@pytest.mark.parametrize("at", [4, 5, 13, 16, 55, 59, 64, 95, 127])
@pytest.mark.parametrize("place", [0, 2, -1])
def test_doctor_finds_a_changed_byte_of_a_maphead(grown, store, database, place, at):
    index = read_sizes(store)[place] - 1
    [(leaf,)] = read_rows(database, f"SELECT leaf FROM entries WHERE leaf_index = {index}")
    change = "UPDATE entries SET leaf = :leaf WHERE leaf_index = :index"
    run_statement(database, "entries", change, leaf=flip(leaf, at), index=index)
    with pytest.raises(LogIntegrityError):
        diagnose(store, ORIGIN)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE subjects SET version = version + 1 WHERE version = 4",
        "UPDATE subjects SET status = 99 WHERE version = 4",
        "UPDATE subjects SET version = -1 WHERE version = 4",
        "UPDATE subjects SET current_certificate = NULL WHERE version = 4",
        "DELETE FROM subjects WHERE version = 4",
    ],
)
def test_a_state_that_changed_is_found_by_doctor_and_by_every_proof(grown, store, database, statement):
    instrument, _ = issue_subjects(10, 10)
    run_statement(database, "subjects", statement)
    with pytest.raises(LogIntegrityError):
        diagnose(store, ORIGIN)
    with store.read() as reading, pytest.raises(LogIntegrityError):
        open_map_under(reading, grown.head.tree_size).find(instrument, reading.load_pages)


def test_doctor_finds_a_state_of_a_subject_that_no_leaf_is_about(grown, store, database):
    stranger = "INSERT INTO subjects VALUES (:subject, 1, 1, 0, NULL)"
    run_statement(database, "subjects", stranger, subject=bytes(31) + b"\x01")
    with pytest.raises(LogIntegrityError, match="no leaf gives such a row"):
        diagnose(store, ORIGIN)


def test_a_page_that_changed_stops_the_log_that_needs_it(grown, store, database):
    instrument, _ = issue_subjects(10, 10)
    prefix = int.from_bytes(instrument[:2])
    change = "UPDATE map_pages SET hash = :hash WHERE depth = 16 AND prefix = :prefix"
    run_statement(database, "map_pages", change, hash=bytes(32), prefix=prefix)
    again = Log(store, ORIGIN, WORLD.log_key, Clock())
    with pytest.raises(LogIntegrityError, match="does not hold what its hash promises"):
        submit(again, WORLD.bare_issue(400, instrument=10, version=4))
    assert read_sizes(store)[-1] == grown.head.tree_size
