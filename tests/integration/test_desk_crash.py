"""The desk killed or failing at every step: nothing lost, nothing twice, no gap, and the same command goes on."""

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from desk_world import FlakyDatabase, MemoryGateway, document, fetch, make_desk, rows, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from issuer.tables import DocumentState
from ledger.core.errors import StoreUnavailableError, UnavailableError
from ledger.core.statement import parse_signed_statement

ROOT = Path(__file__).resolve().parents[2]
FAILPOINTS = (
    "desk.before_signing",
    "desk.before_commit",
    "desk.signed",
    "desk.submitted",
    "desk.before_recording",
    "desk.recorded",
    "desk.before_renewing",
    "desk.renewed",
)


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


class Trap:
    """Kills at the n-th time that a place is passed."""

    def __init__(self, place=None, count=1):
        self.place, self.left, self.passed = place, count, []

    def __call__(self, name):
        self.passed.append(name)
        if name == self.place:
            self.left -= 1
            if self.left == 0:
                raise Killed(name)


BATCH = [
    *map(document, range(1, 5)),
    document(2, request_id="R-2b"),
    document(5),
    document(2, request_id="R-2c"),
]


def run(database, gateway, failpoint, values=BATCH):
    """Check and issue, as a command does; return the report."""
    desk = make_desk(database, gateway, failpoint=failpoint)
    checked = desk.check_rows(rows(*values))
    assert not checked.faults, [fault.text for fault in checked.faults]
    return desk.issue(checked.documents)


def check_books(database, gateway, values=BATCH):
    """Check that desk and log agree, that nothing is lost or double, and that numbers have no gap."""
    desk = make_desk(database, gateway)
    documents = stored(desk)
    assert sorted(item.request_id for item in documents) == sorted({value["request_id"] for value in values})
    assert [item.number for item in documents] == [f"JY2026-{n:06d}" for n in range(1, len(documents) + 1)]
    assert {item.state for item in documents} == {DocumentState.LOGGED}
    assert gateway.size == 5 + len(documents)
    assert len(gateway.entries) == len(gateway.certificates) == len(documents)
    for item in documents:
        files = fetch(desk, item.number)
        assert gateway.entries[files.statement] == item.leaf_index
        assert gateway.certificates[item.number] == files.certificate
        claims = parse_signed_statement(files.statement).statement.claims
        assert claims.certificate_digest == hashlib.sha256(files.certificate).digest()


@pytest.fixture
def database(tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    yield database
    database.close()


def make_gateway():
    """Return a log that calls one statement stale, so that every place is passed."""
    gateway = MemoryGateway()
    from issuer.gateway import RefusalKind, Refused

    gateway.answer("JY2026-000003", Refused(RefusalKind.STALE_VERSION, "stale"))
    return gateway


def test_every_place_is_passed_in_a_run(database):
    trap, gateway = Trap(), make_gateway()
    run(database, gateway, trap)
    assert set(trap.passed) == set(FAILPOINTS)
    check_books(database, gateway)


@pytest.mark.parametrize("place", FAILPOINTS)
@pytest.mark.parametrize("count", [1, 2])
def test_killed_anywhere_the_same_command_ends_the_work(database, place, count):
    gateway = make_gateway()
    try:
        run(database, gateway, Trap(place, count))
    except Killed:
        pass
    else:
        assert count == 2, "each place is passed at least once"
    before = {item.request_id: item.number for item in stored(make_desk(database, gateway))}
    report = run(database, gateway, Trap())
    after = {item.request_id: item.number for item in report.documents}
    assert before.items() <= after.items(), "a number that was given stays"
    check_books(database, gateway)


@pytest.mark.parametrize("place", FAILPOINTS)
def test_killed_again_while_going_on(database, place):
    gateway = make_gateway()
    for _ in range(4):
        try:
            run(database, gateway, Trap(place))
        except Killed:
            continue
    run(database, gateway, Trap())
    check_books(database, gateway)


@pytest.mark.parametrize("written", [False, True], ids=["failed", "failed but written"])
@pytest.mark.parametrize("write", range(1, 7))
def test_when_a_write_of_the_database_fails_the_same_command_ends_the_work(database, write, written):
    gateway = make_gateway()
    desk = make_desk(database, gateway)
    database.fail_write(write, written=written)
    checked = desk.check_rows(rows(*BATCH))
    if write <= 4:
        with pytest.raises(StoreUnavailableError):
            desk.issue(checked.documents)
    else:
        desk.issue(checked.documents)
    database.fail_write(0, written=False)
    run(database, gateway, Trap())
    check_books(database, gateway)


STEPS = st.one_of(
    st.tuples(st.just("gateway"), st.sampled_from(["submit", "subject_versions"]), st.booleans()),
    st.tuples(st.just("database"), st.integers(1, 8), st.booleans()),
    st.tuples(st.just("kill"), st.sampled_from(FAILPOINTS), st.integers(1, 3)),
)


@settings(max_examples=25)
@given(st.lists(st.tuples(STEPS, st.integers(1, len(BATCH))), max_size=6))
def test_whatever_fails_in_whatever_order_the_books_agree_in_the_end(tmp_path_factory, failures):
    database = FlakyDatabase(tmp_path_factory.mktemp("desk") / "desk.db")
    gateway = make_gateway()
    try:
        for (kind, what, how), size in failures:
            trap = Trap(what, how) if kind == "kill" else Trap()
            if kind == "gateway":
                gateway.fail(what, written=how and what == "submit")
            elif kind == "database":
                database.fail_write(what, written=how)
            with suppress(Killed, UnavailableError):
                run(database, gateway, trap, BATCH[:size])
            database.fail_write(0, written=False)
            gateway.failures.clear()
        run(database, gateway, Trap())
        check_books(database, gateway)
    finally:
        database.close()


PROGRAM = """
import sys
from desk_world import FlakyDatabase, MemoryGateway, document, make_desk, rows
from ledger.failpoint import failpoint
desk = make_desk(FlakyDatabase(sys.argv[1]), MemoryGateway(), failpoint=failpoint)
desk.issue(desk.check_rows(rows(*map(document, range(1, 601)))).documents)
"""


@pytest.mark.parametrize("kill", ["desk.before_commit:2", "desk.signed:2", "desk.before_recording:1"])
def test_a_process_that_is_really_killed_leaves_whole_documents(tmp_path, kill):
    """The log dies with the process here, so what it had acknowledged is handed in again, byte for byte."""
    path = tmp_path / "desk.db"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "HENGZHENG_FAILPOINT": kill}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], env=environment, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    database, gateway = FlakyDatabase(path), MemoryGateway()
    before = stored(make_desk(database, gateway))
    assert len(before) % 256 == 0
    assert before
    values = [document(number) for number in range(1, 601)]
    database.database.close()
    redo = FlakyDatabase(path)
    with redo.write() as connection:
        from sqlalchemy import text

        connection.execute(text("UPDATE desk_documents SET state = 'signed', leaf_index = NULL"))
    run(redo, gateway, Trap(), values)
    check_books(redo, gateway, values)
    assert [item.number for item in stored(make_desk(redo, gateway))][: len(before)] == [
        item.number for item in before
    ]
    redo.close()
