"""Issue, log, anchor in one process that is made to fail at any write; started by `crash_site.py`.

Every write is two points: `>insert tiles` before it, `<insert tiles` when it has taken effect; likewise `commit`
and `send`. Between them lie the product's own failpoints. At one point something happens:

    kill   SIGKILL
    fail   the error that a database or node gives: before the write "failed", after it "failed but written"
    rot    one bit of what is about to be written is another

Nothing here is known to the product: writes are seen by SQLAlchemy's events and by wrapping the node's client.
"""

import hashlib
import os
import secrets
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import every_kind
from chain_helpers import make_anchorer
from desk_world import BASE_DATE, PROFILE, document, rows
from ledger_in_memory import make_signer
from planted import plant
from sqlalchemy import event, exc
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from witnesses import make_witness
from world import INSTITUTION, ORIGIN, World

from issuer.cli import Gateway, _answer
from issuer.gateway import Acknowledged
from issuer.issuing import Desk
from issuer.store import DeskStore
from ledger import failpoint
from ledger.admission import RuleSet
from ledger.chain.client import ChainClient
from ledger.chain.waiting import Pace
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.cosignature import encode_witness, sign_cosignature
from ledger.core.data import load_rule_book
from ledger.core.errors import ChainUnavailableError, LedgerError, UnavailableError
from ledger.core.lot import LotStatus
from ledger.core.note import NoteVerifier, parse_note
from ledger.home_policy import CLOCK_TOLERANCE
from ledger.local import LocalLedger, read_clock
from ledger.log import Log
from ledger.proving import Prover
from ledger.store.engine import Database
from ledger.store.records import StoredCosignature
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Acknowledgement

WORLD = World()
RULES = load_rule_book()
with ChainClient("http://127.0.0.1:1"):
    pass  # a client loads web3; both are done once, for all processes of a server that preloads this module

FIRST, SECOND, THIRD = (1, 2), (3,), (4, 5)
"""Numbers of the documents of each step; 4 is about the instrument of 1."""

COUNT = len(FIRST) + len(SECOND) + len(THIRD)
TRIES = 3
"""How often one process gives the same command again after an error."""

EXIT_GAVE_UP = 7


@dataclass(frozen=True)
class Site:
    """Where a run works."""

    url: str
    desk_url: str
    node: str
    account: object
    binding: object
    folder: Path
    finality: str = "immediate"
    deadline: float = 10.0

    @property
    def acknowledged(self):
        return self.folder / "acknowledged"

    @property
    def passed(self):
        return self.folder / "passed"


class Trouble:
    """Counts points, and makes one of them fail; `what` is "" where nothing shall."""

    def __init__(self, site, at=0, what=""):
        self.site, self.at, self.what, self.count = site, at, what, 0
        self._names = site.passed.open("w", encoding="ascii") if not at else None

    def visit(self, name):
        """Pass one of the product's own failpoints."""
        if self.pass_by(f"={name}") and self.what == "fail":
            raise UnavailableError(f"injected at {name}")

    def pass_by(self, name):
        """Count a point; die there, or tell whether it is the one."""
        self.count += 1
        if self._names is not None:
            self._names.write(f"{name}\n")
            self._names.flush()
        if self.count != self.at:
            return False
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def around(self, name, do):
        """Do a write between its two points."""
        if self.pass_by(f">{name}") and self.what == "fail":
            raise _database_error()
        done = do()
        if self.pass_by(f"<{name}") and self.what == "fail":
            raise _database_error()
        return done


def _database_error():
    return exc.OperationalError("injected", {}, sqlite3.OperationalError("injected"))


def install(trouble):
    """Let every write of this process pass by."""
    failpoint._PLAN = trouble
    commit, send = DefaultDialect.do_commit, ChainClient.send_raw

    def before(_connection, _cursor, statement, parameters, _context, executemany):
        name = _name(statement)
        if name is None:
            return statement, parameters
        if trouble.pass_by(f">{name}"):
            if trouble.what == "fail":
                raise _database_error()
            if trouble.what == "rot":
                return statement, _rot(parameters)
        return statement, parameters

    def after(_connection, _cursor, statement, _parameters, _context, _executemany):
        name = _name(statement)
        if name is not None and trouble.pass_by(f"<{name}") and trouble.what == "fail":
            raise _database_error()

    def sent(client, raw):
        try:
            return trouble.around("send", lambda: send(client, raw))
        except exc.OperationalError:
            raise ChainUnavailableError("injected") from None

    event.listen(Engine, "before_cursor_execute", before, retval=True)
    event.listen(Engine, "after_cursor_execute", after)
    DefaultDialect.do_commit = lambda dialect, connection: trouble.around(
        "commit", lambda: commit(dialect, connection)
    )
    ChainClient.send_raw = sent


def _name(statement):
    words = statement.split()
    if words[0] == "INSERT":
        return f"insert {words[2]}"
    return f"update {words[1]}" if words[0] == "UPDATE" else None


def _rot(parameters):
    """Return the rows with one bit of the longest value of the last one changed."""
    if isinstance(parameters, tuple) and all(isinstance(column, list) for column in parameters):  # PostgreSQL
        columns = [list(column) for column in parameters]
        at = max(range(len(columns)), key=lambda at: _length(columns[at][-1]))
        columns[at][-1] = _flip(columns[at][-1])
        return tuple(columns)
    if isinstance(parameters, tuple):  # one row
        return tuple(_rot([parameters])[0])
    rows_ = [list(row) for row in parameters]
    at = max(range(len(rows_[-1])), key=lambda at: _length(rows_[-1][at]))
    rows_[-1][at] = _flip(rows_[-1][at])
    return [tuple(row) for row in rows_]


def _length(value):
    return len(value) if isinstance(value, bytes) else 0


def _flip(value):
    return value[:-1] + bytes([value[-1] ^ 1])


# --- the work -----------------------------------------------------------------------------------------------


def work(site, at=0, what="", bug=""):
    """Issue, log and anchor; give the same commands again after an error; end with code 7 if it does not help."""
    trouble = Trouble(site, at, what)
    install(trouble)
    plant(bug, trouble, site)
    for _ in range(TRIES):
        try:
            run(site)
        except LedgerError as err:
            (site.folder / "errors").open("a", encoding="utf-8").write(f"{type(err).__name__} {err}\n")
            read_something(site)
        else:
            return
    os._exit(EXIT_GAVE_UP)


def read_something(site):
    """After an error reads answer, in the same process."""
    with closing(Database(site.url)) as database, SqlStore(database).read() as queries:
        assert queries.read_head().tree_size > 0


def run(site):
    with closing(Database(site.url)) as database, closing(Database(site.desk_url)) as desk_database:
        store = SqlStore(database)
        log, rival = (Log(store, ORIGIN, WORLD.log_key, read_clock) for _ in range(2))
        desk, second = (make_desk(site, store, desk_database, each) for each in (log, rival))
        issue(site, desk, FIRST)
        issue(site, second, SECOND)
        say_of_lot(site, desk)
        cosign(store, log)
        anchor(site, store)
        issue(site, desk, THIRD)
        anchor(site, store)


def make_desk(site, store, desk_database, log):
    ledger = LocalLedger(
        None,
        store,
        log,
        Prover(store, ORIGIN),
        WORLD.log_key,
        RuleSet(RULES, PROFILE.zone, CLOCK_TOLERANCE),
    )
    desk_store = DeskStore(desk_database, INSTITUTION, ORIGIN)
    desk_store.prepare()
    return Desk(
        PROFILE,
        WORLD.seal,
        ORIGIN,
        desk_store,
        WatchedGateway(ledger, site),
        RULES,
        read_clock,
        secrets.token_bytes,
        failpoint=failpoint.failpoint,
    )


def acknowledge(site, digest, index):
    """Tell the world: from now on this must be true for ever."""
    with site.acknowledged.open("a", encoding="ascii") as stream:
        stream.write(f"{digest} {index}\n")


class WatchedGateway:
    """Tells the world what the log has acknowledged, and which checkpoint it has given out."""

    def __init__(self, ledger, site):
        self.ledger, self._site, self._inner = ledger, site, Gateway(ledger)

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def submit(self, entries):
        results = self.ledger.submit(list(entries))
        for (raw, _), result in zip(entries, results, strict=True):
            if isinstance(result, Acknowledgement):
                acknowledge(self._site, hashlib.sha256(raw).hexdigest(), result.leaf_index)
        with (self._site.folder / "checkpoints").open("ab") as stream:
            stream.write(self.ledger.log.checkpoint.encode() + b"\0")
        return [_answer(result) for result in results]


def issue(site, desk, numbers):
    checked = desk.check_rows(rows(*(make_document(number) for number in numbers)), base_date=BASE_DATE)
    assert not checked.faults, [fault.text for fault in checked.faults]
    report = desk.issue(checked.documents)
    if report.outage is not None:
        raise report.outage
    for item in report.documents:
        with (site.folder / "reported").open("a", encoding="ascii") as stream:
            stream.write(f"{item.request_id} {item.number} {item.leaf_index}\n")


def make_document(number):
    if number != 4:
        return document(number)
    return {**document(1), "request_id": "R-4"}


def say_of_lot(site, desk):
    """Say something of a lot: the same statement each time, so that the log knows it again."""
    raw = every_kind.say_of_lot(WORLD, "L1", LotStatus.FAILED, version=0)
    [answer] = desk._log.submit([(raw, None)])
    assert isinstance(answer, Acknowledged), answer


def cosign(store, log):
    """Keep a witness's line under the newest checkpoint, as the ledger does when a witness answers."""
    body = parse_note(log.checkpoint).text
    line = sign_cosignature(body, make_witness("w1"), make_signer("w1"), read_clock())
    size = verify_checkpoint(log.checkpoint, NoteVerifier(ORIGIN, WORLD.log_key.public_key)).tree_size
    seconds = int.from_bytes(line.signature[:8])
    with store.write() as queries:
        vkey = encode_witness(make_witness("w1"))
        queries.add_cosignature(StoredCosignature(size, vkey, seconds, line.signature))


def anchor(site, store):
    pace = Pace(deadline=site.deadline, resend=1.0, first_poll=0.01, longest_poll=0.1)
    with ChainClient(site.node) as client:
        make_anchorer(
            store, client, site.account, site.binding, read_clock, site.finality, pace
        ).anchor_newest()
