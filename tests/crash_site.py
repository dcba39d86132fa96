"""Sites where a crash drill works, and the invariants that hold of each of them after every fault.

I1  what was acknowledged is there, once, where it was said to be
I2  indices and numbers have no gap; no certificate without its leaf, none twice
I3  every leaf has the hash that is in the tree
I4  every checkpoint that was given out, and every root on the chain, is that of the stored leaves
I5  no size has two roots, and no size is anchored twice
I6  what is final here is on the chain, and final there; what is on the chain was in the outbox first
I7  proofs verify with the RFC's own algorithm
I8  once faults stop, the same command ends the work, without a person
I9  meanwhile reads answer, and nothing is half there: doctor has no complaint before anything is mended
"""

import hashlib
import secrets
import shutil
import signal
from contextlib import closing, contextmanager
from functools import partial
from itertools import pairwise

from chain_helpers import fresh_account, read_events
from crash_worker import COUNT, EXIT_GAVE_UP, Site, work
from log_invariants import assert_sound
from reference import is_consistent, is_included
from sqlalchemy import text
from world import ORIGIN, World, submit

from issuer.desk_check import check_desk
from issuer.doctor_cli import find_leaves
from issuer.store import DeskReading, has_desk
from ledger.anchoring.deployment import Founder
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.chain.waiting import Pace
from ledger.core.anchor import encode_chain_identity
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.entry import HEADER_BYTES, parse_leaf
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.merkle import hash_leaf
from ledger.core.note import NoteVerifier
from ledger.doctor.diagnosis import diagnose
from ledger.local import read_clock
from ledger.log import Log
from ledger.proving import Prover
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore

WORLD = World()
QUICK = Pace(deadline=30.0, resend=5.0, first_poll=0.005, longest_poll=0.1)


def found(url):
    """Make a founded log in an empty database."""
    with closing(Database(url)) as database:
        migrate(database)
        submit(Log(SqlStore(database), ORIGIN, WORLD.log_key, read_clock), *WORLD.founding())


class SqliteSites:
    """Copies of one founded file."""

    def __init__(self, folder):
        self._folder, self._count = folder, 0
        found(f"sqlite:///{folder / 'founded.db'}")

    @contextmanager
    def fresh(self):
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        shutil.copy(self._folder / "founded.db", folder / "ledger.db")
        yield folder, f"sqlite:///{folder / 'ledger.db'}", f"sqlite:///{folder / 'desk.db'}"
        shutil.rmtree(folder)


class PostgresSites:
    """Copies of one founded database, which ledger and desk share."""

    def __init__(self, folder, server):
        self._folder, self._server, self._count = folder, server, 0
        self._name = f"founded_{secrets.token_hex(6)}"
        server._execute(f"CREATE DATABASE {self._name}")
        found(server._url(self._name))

    @contextmanager
    def fresh(self):
        self._count += 1
        folder, name = self._folder / str(self._count), f"{self._name}_{self._count}"
        folder.mkdir()
        self._server._execute(f"CREATE DATABASE {name} TEMPLATE {self._name}")
        try:
            yield folder, self._server._url(name), self._server._url(name)
        finally:
            self._server._execute(f"DROP DATABASE {name} WITH (FORCE)")
            shutil.rmtree(folder)


@contextmanager
def open_site(sites, node, contract, **options):
    with sites.fresh() as (folder, url, desk_url), ChainClient(node) as client:
        account = fresh_account(client)
        binding = Founder(client, account, parse_finality("immediate"), pace=QUICK).open_log(contract, ORIGIN)
        with closing(Database(url)) as database, SqlStore(database).write() as queries:
            queries.bind_meta(
                {name: str(value) for name, value in encode_chain_identity(binding.chain).items()}
            )
        yield Site(url, desk_url, node, account, binding, folder, **options)


def execute(processes, site, at=0, what="", bug=""):
    """Run the worker; return how it ended."""
    process = processes.Process(target=work, args=(site, at, what, bug))
    process.start()
    process.join(120)
    process.kill()
    process.join()
    return process.exitcode


def list_points(processes, site, bug=""):
    """Return the names of all points that a whole run passes, in order."""
    execute(processes, site, bug=bug)
    return site.passed.read_text().split("\n")[:-1]


def drill(processes, site, at, what, *, then=0, bug=""):
    """Fail at a point, and perhaps once more while it recovers; check; end the work; check again."""
    code = execute(processes, site, at, what, bug)
    assert code in ({-signal.SIGKILL, 0} if what == "kill" else {0, EXIT_GAVE_UP}), code
    check(site)
    assert what or not (site.folder / "errors").exists(), f"without a fault: {read_errors(site)}"
    if then:
        assert execute(processes, site, then, "kill", bug) in {-signal.SIGKILL, 0}
        check(site)
    assert execute(processes, site, bug=bug) == 0, f"I8: {read_errors(site)}"
    check(site, is_finished=True)


def read_errors(site):
    path = site.folder / "errors"
    return path.read_text() if path.exists() else "it was killed"


# --- invariants ---------------------------------------------------------------------------------------------


def check(site, *, is_finished=False):
    """Assert I1 to I9; once the work is finished, that all of it is there."""
    with closing(Database(site.url)) as database, ChainClient(site.node) as client:
        store = SqlStore(database)
        diagnose(store, ORIGIN, deep=True)
        assert_sound(store)
        with store.read() as reading:
            size = reading.read_head().tree_size
            leaves = reading.read_leaves(0, size)
            checkpoints = {item.tree_size: item for item in reading.read_checkpoints()}
        _check_acknowledged(site, leaves)
        _check_given_out(site, checkpoints)
        _check_chain(site, client, database, checkpoints, is_finished=is_finished)
        _check_desk(site, store, leaves, is_finished=is_finished)
        _check_proofs(store, leaves, checkpoints)


def _check_acknowledged(site, leaves):
    """I1, I2."""
    where = {}
    for index, leaf in enumerate(leaves):
        digest = hashlib.sha256(leaf[HEADER_BYTES:] or leaf).hexdigest()
        assert where.setdefault(digest, index) == index, f"I1: leaf {index} is there twice"
    lines = site.acknowledged.read_text().splitlines() if site.acknowledged.exists() else []
    for line in lines:
        digest, index = line.split()
        assert where.get(digest) == int(index), f"I1: {digest[:8]} was acknowledged as leaf {index}"


def _check_given_out(site, checkpoints):
    """I4, I5: a checkpoint that somebody has seen is one of ours, whatever happened to its transaction."""
    path = site.folder / "checkpoints"
    for note in path.read_bytes().split(b"\0")[:-1] if path.exists() else ():
        seen = verify_checkpoint(note, NoteVerifier(ORIGIN, WORLD.log_key.public_key))
        assert seen.tree_size in checkpoints, f"I4: a checkpoint of {seen.tree_size} leaves was given out"
        assert checkpoints[seen.tree_size].root_hash == seen.root_hash, "I5: two roots of one size"


def _check_chain(site, client, database, checkpoints, *, is_finished):
    """I4, I5, I6."""
    events = read_events(client, site.binding.chain)
    sizes = [size for size, _ in events]
    assert sizes == sorted(set(sizes)), f"I5: anchored twice: {sizes}"
    for size, root in events:
        assert checkpoints[size].root_hash == root, f"I4: the chain has another root of {size} leaves"
    with database.read() as connection:
        rows = connection.execute(
            text("SELECT tree_size, state, tx_hash, block_number FROM anchors ORDER BY tree_size")
        ).all()
        outbox = {bytes(row[0]) for row in connection.execute(text("SELECT tx_hash FROM anchor_attempts"))}
    for row in rows:
        assert row.tx_hash is None or bytes(row.tx_hash) in outbox, "I6: sent before it was in the outbox"
        if row.state == "final":
            assert row.tree_size in sizes, "I6: final here, but not on the chain"
            assert client.is_final(row.block_number, parse_finality(site.finality)), "I6: final too early"
    if is_finished:
        assert [(row.tree_size, row.state) for row in rows] == [(size, "final") for size in sizes], "I6"
        assert sizes[-1] == max(checkpoints), "I8: the newest checkpoint is not anchored"


def _check_desk(site, store, leaves, *, is_finished):
    """I2: the desk's documents and the log's issues are the same, and their numbers have no gap."""
    with closing(Database(site.desk_url)) as database, database.read() as connection:
        if not has_desk(connection):
            assert not is_finished
            return
        check_desk(DeskReading(connection), partial(find_leaves, store), lambda _: None)
        rows = connection.execute(
            text("SELECT number, state, statement FROM desk_documents ORDER BY position")
        ).all()
        counters = [row[0] for row in connection.execute(text("SELECT counter FROM desk_series"))]
    assert [row.number for row in rows] == [f"JY2026-{at:06d}" for at in range(1, len(rows) + 1)], (
        "I2: numbers"
    )
    assert counters == ([len(rows)] if rows else []), f"I2: the series stands at {counters}"
    issues = [
        parse_leaf(leaf).statement_raw for leaf in leaves if parse_leaf(leaf).header.type is EventType.ISSUE
    ]
    known = {bytes(row.statement) for row in rows}
    assert set(issues) <= known, "I2: a leaf without its document"
    if is_finished:
        assert {row.state for row in rows} == {"logged"}, "I8: documents wait"
        assert len(rows) == len(issues) == COUNT, "I8: not every document is in the log, once"


def _check_proofs(store, leaves, checkpoints):
    """I7."""
    prover = Prover(store, ORIGIN)
    newest = max(checkpoints)
    root = checkpoints[newest].root_hash
    indices = [LeafIndex(index) for index in range(len(leaves))]
    for index, proof in zip(indices, prover.inclusions(indices, newest), strict=True):
        assert is_included(hash_leaf(leaves[index]), index, newest, proof, root), f"I7: leaf {index}"
    for old, new in pairwise(sorted(checkpoints)):
        proof = prover.consistency(old, new)
        roots = checkpoints[old].root_hash, checkpoints[new].root_hash
        assert is_consistent(old, new, *roots, proof), f"I7: {old} to {new} leaves"
