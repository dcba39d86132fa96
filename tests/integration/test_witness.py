"""Our witness: replays before it cosigns, refuses a lie for ever, and never signs two histories."""

import base64
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from bls_witnesses import make_bls_signer
from ledger_in_memory import MemoryLedger, make_record, make_signer, seal_record
from published import FilesSource, publish
from starlette.testclient import TestClient
from witnesses import make_witness

from api.witness import create_witness_app
from ledger.core.add_checkpoint import AddCheckpoint, encode_request
from ledger.core.checkpoint import Checkpoint, parse_checkpoint_body, sign_checkpoint
from ledger.core.cosignature import add_lines, open_cosignatures
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import LogIntegrityError, UnavailableError
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.core.merkle import build_consistency_proof
from ledger.core.note import NoteSigner, parse_line, parse_note, sign_note
from ledger.core.quorum_certificate import make_bls_witness, verify_share_line
from ledger.core.status import Status, SubjectState
from ledger.store.engine import Database
from ledger.store.witness_queries import prepare_witness_database
from ledger.witness.follower import CHUNK
from ledger.witness.log_witness import Cosigned, LogWitness, RefusalKind, Refused, WatchedLog, poll_all

AT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
W1 = make_witness("w1")
EMPTY_NOTE_ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


class Stage:
    """A witness, the log that it watches, and what that log's server shows."""

    def __init__(self, folder, ledger=None):
        self.ledger = ledger or MemoryLedger().found()
        self.ledger.publish()
        self.folder = folder
        self.now = AT
        self.source = FilesSource(publish(self.ledger))
        self.contract = None
        self.bls = None
        self.open()

    def open(self):
        """Start the witness, or start it again."""
        self.database = Database(f"sqlite:///{self.folder}/witness.db")
        prepare_witness_database(self.database, W1.name)
        self.witness = self.make()

    def make(self):
        look = (lambda: self.contract) if self.contract else None
        watched = WatchedLog(self.ledger.policy(), self.source, look)
        arguments = self.database, W1, make_signer("w1"), [watched], lambda: self.now
        return LogWitness(*arguments, self.folder / "evidence", self.bls)

    def restart(self):
        self.database.close()
        self.open()

    def show(self, ledger=None, size=None):
        """Let the server show the log as it is now, or another one."""
        shown = ledger or self.ledger
        shown.publish()
        self.source.files = publish(shown, size)

    def grow(self, count=1):
        for _ in range(count):
            self.ledger.issue(len(self.ledger.leaves))
        self.ledger.publish()
        self.show()

    def ask(self, old, size=None, ledger=None, *, note=None, proof=None, witness=None):
        ledger = ledger or self.ledger
        size = size or ledger.size
        if proof is None:
            proof = build_consistency_proof(TreeSize(old), size, ledger.tree().read) if 0 < old < size else ()
        request = AddCheckpoint(TreeSize(old), tuple(proof), note or ledger.checkpoint(size))
        return (witness or self.witness).add_checkpoint(encode_request(request))

    @property
    def standing(self):
        return self.witness.list_standings()[0]

    def evidence(self):
        files = sorted((self.folder / "evidence").glob("*.json"))
        return [json.loads(file.read_bytes()) for file in files]


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.database.close()


def assert_cosigned(stage, answer, size=None, at=None):
    """Assert that an answer is W1's line over the log's checkpoint."""
    assert isinstance(answer, Cosigned), answer
    note = add_lines(stage.ledger.checkpoint(size), [parse_line(answer.lines.rstrip("\n"))])
    (found,) = open_cosignatures(note, [W1])
    assert found.cosigned_at == (at or stage.now)


def assert_refused(answer, kind, saying=""):
    assert isinstance(answer, Refused), answer
    assert answer.kind is kind
    assert saying in answer.sentence


def make_fork(stage, *, size_same=True):
    """Return a log with the same keys and another history: same size, or two leaves more."""
    fork, number = MemoryLedger().found(), 900
    fork.publish()
    while fork.size < stage.ledger.size + (0 if size_same else 2):
        number += 1
        fork.issue(number)
        fork.publish()
    return fork


# --- what it signs ----------------------------------------------------------------------------------------


def test_a_log_is_cosigned_as_it_grows(stage):
    assert_cosigned(stage, stage.ask(0))
    first = stage.ledger.size
    stage.grow(3)
    stage.now += timedelta(minutes=1)
    assert_cosigned(stage, stage.ask(first))
    assert (stage.standing.cosigned_size, stage.standing.replayed_size) == (stage.ledger.size,) * 2
    assert stage.standing.fault is stage.standing.doubt is None


def test_the_same_state_is_signed_again_with_a_newer_time(stage):
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    stage.now += timedelta(hours=1)
    assert_cosigned(stage, stage.ask(size))


def test_the_empty_tree_is_cosigned(tmp_path):
    stage = Stage(tmp_path)
    note = sign_checkpoint(
        Checkpoint(stage.ledger.origin, TreeSize(0), RootHash(base64.b64decode(EMPTY_NOTE_ROOT))),
        stage.ledger.log_signer,
    )
    assert isinstance(stage.ask(0, note=note), Cosigned)
    stage.database.close()


def test_a_larger_log_is_replayed_in_parts_and_from_where_it_was(tmp_path):
    stage = Stage(tmp_path, MemoryLedger().found().issue_many(CHUNK - 3))
    size = stage.ledger.size
    assert size > CHUNK
    assert_cosigned(stage, stage.ask(0))
    stage.restart()
    stage.grow(300)
    read = stage.source.files.keys()
    seen = []
    plain = stage.source.read
    stage.source.read = lambda path, most: seen.append(path) or plain(path, most)
    assert_cosigned(stage, stage.ask(size))
    entries = [path for path in seen if path.startswith("tile/entries/")]
    assert len(entries) == 2 < len([path for path in read if path.startswith("tile/entries/")])
    stage.database.close()


def test_partial_files_that_are_gone_are_read_whole(stage):
    stage.grow(3)
    size, note = stage.ledger.size, stage.ledger.checkpoint()
    stage.grow(300)
    assert_cosigned(stage, stage.ask(0, size, note=note), size)


def test_a_void_leaf_is_an_alarm_and_no_fault(stage):
    stage.ledger.append(
        stage.ledger.sign_issue(seal_record(make_record(99), make_signer("seal")), "stranger")
    )
    stage.show()
    assert_cosigned(stage, stage.ask(0))
    assert stage.standing.void_leaves == 1
    size = stage.ledger.size
    stage.restart()
    stage.grow()
    assert_cosigned(stage, stage.ask(size))
    assert stage.standing.void_leaves == 1


# --- the codes of the specification -----------------------------------------------------------------------


def test_the_codes_over_http(stage):
    client = TestClient(create_witness_app(stage.witness))

    def post(body):
        return client.post("/add-checkpoint", content=body)

    def body(old, note, proof=()):
        return encode_request(AddCheckpoint(TreeSize(old), tuple(proof), note))

    note = stage.ledger.checkpoint()
    size = stage.ledger.size
    path = f"/logs/{sha256(stage.ledger.origin.encode()).hexdigest()}/checkpoint"
    assert client.get(path).status_code == 404
    for wrong in (b"", b"old 0\n", body(0, "x"), body(0, note[:-1]), body(size + 1, note)):
        assert post(wrong).status_code == 400, wrong
    assert post(body(0, MemoryLedger("ledger.example/other").found().checkpoint())).status_code == 404
    assert post(body(0, MemoryLedger(log="thief").found().checkpoint())).status_code == 403
    assert post(body(0, note, [bytes(32)])).status_code == 422, "from the empty tree the proof is empty"
    conflict = post(body(1, note))
    assert (conflict.status_code, conflict.text) == (409, "0\n")
    assert conflict.headers["Content-Type"].partition(";")[0] == "text/x.tlog.size"
    good = post(body(0, note))
    assert (good.status_code, good.text.count("\n")) == (200, 1)
    assert good.text.startswith("— w1.example ")
    assert client.get(path).text == note
    assert client.get("/logs/00/checkpoint").status_code == 404
    conflict = post(body(0, note))
    assert (conflict.status_code, conflict.text) == (409, f"{size}\n")
    stage.grow()
    assert post(body(size, stage.ledger.checkpoint(), [bytes(32)])).status_code == 422
    assert post(body(size, stage.ledger.checkpoint(), [bytes(32)] * 64)).status_code == 400
    health = client.get("/healthz").json()
    assert health["logs"][0]["cosigned_size"] == size
    stage.grow()
    stage.source.files = {}
    proof = build_consistency_proof(size, stage.ledger.size, stage.ledger.tree().read)
    assert post(body(size, stage.ledger.checkpoint(), proof)).status_code == 503
    fork = make_fork(stage)
    assert post(body(size, fork.checkpoint(size))).status_code == 422


def test_an_empty_tree_with_another_root_is_refused(stage):
    text = f"{stage.ledger.origin}\n0\n{base64.b64encode(bytes(32)).decode()}\n"
    note = sign_note(text, [NoteSigner(stage.ledger.origin, stage.ledger.log_signer)])
    assert_refused(stage.ask(0, note=note), RefusalKind.REFUSED, "not the root of the empty tree")


def test_a_smaller_tree_is_never_cosigned_again(stage):
    old, note = stage.ledger.size, stage.ledger.checkpoint()
    stage.grow()
    assert_cosigned(stage, stage.ask(0))
    answer = stage.ask(0, note=note)
    assert_refused(answer, RefusalKind.OTHER_SIZE)
    assert answer.cosigned_size == stage.ledger.size
    assert_refused(stage.ask(old, note=note), RefusalKind.OTHER_SIZE)
    assert stage.standing.fault is None, "an old checkpoint is no fault: anybody may have kept it"


def test_nothing_smaller_than_what_was_seen_is_cosigned(stage):
    size, note = stage.ledger.size, stage.ledger.checkpoint()
    stage.grow()
    poll_all(stage.witness)
    assert stage.standing.least_size == stage.ledger.size
    assert_refused(stage.ask(0, size, note=note), RefusalKind.REFUSED, "nothing smaller is cosigned")
    stage.restart()
    assert_refused(stage.ask(0, size, note=note), RefusalKind.REFUSED, "nothing smaller is cosigned")
    assert_cosigned(stage, stage.ask(0))


# --- forks and lies ---------------------------------------------------------------------------------------


def test_another_state_of_the_same_size_is_refused_for_ever_and_kept(stage):
    stage.grow()
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    fork = make_fork(stage)
    assert fork.size == size
    assert_refused(stage.ask(size, ledger=fork), RefusalKind.REFUSED, "two different states of 8 leaves")
    (evidence,) = stage.evidence()
    bodies = [parse_checkpoint_body(parse_note(note).text) for note in evidence["checkpoints"]]
    assert [item.tree_size for item in bodies] == [size, size]
    assert bodies[0].root_hash != bodies[1].root_hash
    stage.restart()
    stage.grow()
    assert_refused(stage.ask(size), RefusalKind.REFUSED, "two different states of 8 leaves")
    assert stage.standing.fault == "the log has signed two different states of 8 leaves"


def test_a_fork_that_grows_is_refused_for_ever_and_shown_to_be_one(stage):
    stage.grow()
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    fork = make_fork(stage, size_same=False)
    stage.show(fork)
    saying = "does not extend the 8 leaves it had before"
    assert_refused(stage.ask(size, ledger=fork), RefusalKind.REFUSED, saying)
    (evidence,) = stage.evidence()
    assert evidence["old_root"] != evidence["old_root_of_new_tree"]
    assert len(evidence["checkpoints"]) == 2
    stage.restart()
    stage.show()
    stage.grow()
    assert_refused(stage.ask(size), RefusalKind.REFUSED, saying)


def test_a_bad_proof_of_a_good_checkpoint_is_refused_and_no_fault(stage):
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    stage.grow()
    assert_refused(stage.ask(size, proof=[bytes(32)]), RefusalKind.REFUSED)
    assert stage.standing.fault is None
    assert_cosigned(stage, stage.ask(size))


def plant_false_map(stage):
    """Let the log state that a certificate which it holds is withdrawn, without any leaf that says so."""
    subject = next(iter(stage.ledger.states))
    stage.ledger.issue(50)
    stage.ledger.states[subject] = SubjectState(Status.INACTIVE, 9, LeafIndex(1), None)
    stage.show()


def test_a_false_map_is_refused_for_ever(stage):
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    plant_false_map(stage)
    saying = "states another status map than the earlier leaves give"
    assert_refused(stage.ask(size), RefusalKind.REFUSED, saying)
    (evidence,) = stage.evidence()
    assert evidence["leaf"]["index"] == stage.ledger.size - 1
    assert base64.b64decode(evidence["leaf"]["leaf"]) == stage.ledger.leaves[-1]
    stage.restart()
    assert_refused(stage.ask(size), RefusalKind.REFUSED, saying)
    assert stage.standing.cosigned_size == size


def test_a_false_map_is_found_by_the_witness_alone(stage):
    size = stage.ledger.size
    plant_false_map(stage)
    poll_all(stage.witness)
    assert "another status map" in stage.standing.fault
    assert_refused(stage.ask(0), RefusalKind.REFUSED, "another status map")
    assert size


@pytest.mark.parametrize(
    "change",
    [
        lambda leaf: b"",
        lambda leaf: leaf[:60],
        lambda leaf: encode_leaf(_with(leaf, version=5), parse_leaf(leaf).statement_raw),
        lambda leaf: encode_leaf(_with(leaf, status=Status.FAILED), parse_leaf(leaf).statement_raw),
        lambda leaf: encode_leaf(_with(leaf, sequenced_at_ms=0), parse_leaf(leaf).statement_raw),
        lambda leaf: leaf[:-1] + bytes([leaf[-1] ^ 1]),
    ],
    ids=["empty", "cut", "version", "status", "time", "signature"],
)
def test_a_wrong_leaf_that_the_log_has_signed_is_refused_for_ever(stage, change):
    index = stage.ledger.issue(1)
    stage.ledger.leaves[index] = change(stage.ledger.leaves[index])
    stage.show()
    assert_refused(stage.ask(0), RefusalKind.REFUSED, f"leaf {index}")
    stage.restart()
    assert_refused(stage.ask(0), RefusalKind.REFUSED, f"leaf {index}")


def _with(leaf, **changes):
    return replace(parse_leaf(leaf).header, **changes)


def test_a_checkpoint_that_ends_without_a_map_is_refused_for_ever(stage):
    stage.ledger.issue(1)
    size = TreeSize(len(stage.ledger.leaves))
    stage.source.files = publish(stage.ledger, size)
    assert_refused(stage.ask(0, size), RefusalKind.REFUSED, "does not state the status map")
    stage.grow()
    assert_refused(stage.ask(0), RefusalKind.REFUSED, "does not state the status map")


# --- what is no fault of the log --------------------------------------------------------------------------


def test_a_damaged_server_is_no_fault_of_the_log(stage):
    stage.grow()
    good = dict(stage.source.files)
    for path in [path for path in good if path.startswith("tile/entries/")]:
        flipped = good[path][:-1] + bytes([good[path][-1] ^ 1])
        for content in (None, b"", good[path][:-1], flipped):
            stage.source.files = {name: raw for name, raw in good.items() if name != path}
            if content is not None:
                stage.source.files[path] = content
            with pytest.raises(UnavailableError):
                stage.ask(0)
    assert stage.standing.fault is None
    stage.source.files = good
    assert_cosigned(stage, stage.ask(0))


def test_a_server_that_shows_another_log_than_it_asks_for_is_not_believed(stage):
    stage.grow()
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    fork = make_fork(stage, size_same=False)
    stage.grow(3)
    note = stage.ledger.checkpoint()
    stage.show(fork)
    with pytest.raises(UnavailableError):
        stage.ask(size, note=note)
    assert stage.standing.fault is None


def test_another_root_than_the_policys_is_not_cosigned_and_not_remembered(tmp_path):
    stage = Stage(tmp_path)
    stage.ledger.policy = lambda: MemoryLedger().policy(root_digest=bytes(32))
    stage.restart()
    with pytest.raises(UnavailableError, match="not the root that the policy pins"):
        stage.ask(0)
    assert stage.standing.fault is None
    stage.database.close()


def test_damage_in_its_own_database_is_its_own_fault(stage):
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    stage.database.close()
    with sqlite3.connect(stage.folder / "witness.db") as connection:
        connection.execute("DROP TRIGGER witness_leaves_no_update")
        connection.execute(
            "UPDATE witness_leaves SET leaf = CAST(leaf || x'00' AS BLOB) WHERE leaf_index = 2"
        )
    stage.open()
    stage.grow()
    with pytest.raises(LogIntegrityError):
        stage.ask(size)
    assert stage.standing.fault is None


def test_what_it_holds_is_never_changed(stage):
    assert_cosigned(stage, stage.ask(0))
    stage.database.close()
    with sqlite3.connect(stage.folder / "witness.db") as connection:
        for table in ("witness_leaves", "witness_seen"):
            for change in (f"DELETE FROM {table}", f"UPDATE {table} SET log_id = 2"):
                with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
                    connection.execute(change)
    stage.open()


def test_a_clock_that_runs_back_signs_nothing(stage):
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    stage.now -= timedelta(seconds=5)
    assert_cosigned(stage, stage.ask(size), at=AT)
    stage.now -= timedelta(seconds=1)
    with pytest.raises(UnavailableError, match="clock"):
        stage.ask(size)


# --- the contract -----------------------------------------------------------------------------------------


def test_nothing_smaller_than_what_the_contract_holds_is_cosigned(stage):
    stage.contract = (TreeSize(stage.ledger.size + 1), RootHash(bytes(32)))
    stage.restart()
    poll_all(stage.witness)
    assert_refused(stage.ask(0), RefusalKind.REFUSED, "nothing smaller")


def test_a_contract_with_another_root_keeps_it_from_signing(stage):
    size = stage.ledger.size
    stage.contract = (size, RootHash(bytes(32)))
    stage.restart()
    poll_all(stage.witness)
    assert_refused(stage.ask(0), RefusalKind.REFUSED, "the contract holds another root")
    assert "another root" in stage.standing.doubt
    stage.contract = (size, stage.ledger.tree().root())
    poll_all(stage.witness)
    assert_cosigned(stage, stage.ask(0))


# --- two at once ------------------------------------------------------------------------------------------


def test_two_requests_never_move_it_to_two_states(stage):
    """Two witnesses on one database, as two processes would be, and two forks of one size."""
    base = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    fork = make_fork(stage, size_same=False)
    stage.grow()
    other = Stage.__new__(Stage)
    other.__dict__ |= stage.__dict__
    other.source = FilesSource(publish(fork))
    witnesses = [(stage.witness, stage.ledger), (other.make(), fork)]
    assert stage.ledger.size == fork.size
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(stage.ask, base, ledger=ledger, witness=witness) for witness, ledger in witnesses * 4
        ]
    signed = [job.result() for job in jobs if job.exception() is None]
    roots = {
        root
        for answer in signed
        if isinstance(answer, Cosigned)
        for root in [item for item in (stage.ledger, fork) if _is_over(answer, item)]
    }
    assert len(roots) <= 1
    assert stage.standing.fault is not None, "both were seen"


def _is_over(answer, ledger):
    note = add_lines(ledger.checkpoint(), [parse_line(answer.lines.rstrip("\n"))])
    try:
        return bool(open_cosignatures(note, [W1]))
    except Exception:  # noqa: BLE001 - of the other ledger
        return False


def test_a_move_that_lost_the_race_is_told_the_size(stage):
    """While one witness replays, another on the same database, as a second process would be, signs."""
    size = stage.ledger.size
    assert_cosigned(stage, stage.ask(0))
    stage.grow()
    other = stage.make()
    follower = other._watches[stage.ledger.origin]._follower
    plain = follower.follow

    def follow(checkpoint, note):
        plain(checkpoint, note)
        assert_cosigned(stage, stage.ask(size))

    follower.follow = follow
    answer = stage.ask(size, witness=other)
    assert_refused(answer, RefusalKind.OTHER_SIZE)
    assert answer.cosigned_size == stage.ledger.size


# --- with a BLS key ---------------------------------------------------------------------------------------

B1 = make_bls_witness(W1.name, make_bls_signer(1))


@pytest.fixture
def certifying(stage):
    stage.bls = make_bls_signer(1)
    stage.restart()
    return stage


def open_lines(stage, answer, size=None):
    """Return the times of line and share; both hold over the log's checkpoint."""
    assert isinstance(answer, Cosigned), answer
    line, share = [parse_line(one) for one in answer.lines.splitlines()]
    note = stage.ledger.checkpoint(size)
    (found,) = open_cosignatures(add_lines(note, [line]), [W1])
    return found.cosigned_at, verify_share_line(share, parse_note(note).text, B1).signed_at


def test_a_second_line_is_the_share_of_the_minute_of_the_first(certifying):
    certifying.now = AT + timedelta(seconds=59)
    assert open_lines(certifying, certifying.ask(0)) == (certifying.now, AT)
    client = TestClient(create_witness_app(certifying.witness))
    size = certifying.ledger.size
    body = encode_request(AddCheckpoint(size, (), certifying.ledger.checkpoint()))
    answer = client.post("/add-checkpoint", content=body)
    assert [line.split(" ")[1] for line in answer.text.splitlines()] == ["w1.example"] * 2


def test_a_share_of_a_clock_that_went_back_over_the_minute_is_of_the_newest_cosignature(certifying):
    size = certifying.ledger.size
    certifying.ask(0)
    certifying.now = AT - timedelta(seconds=5)
    assert open_lines(certifying, certifying.ask(size)) == (AT, AT)
    certifying.restart()
    assert open_lines(certifying, certifying.ask(size)) == (AT, AT)
    certifying.now = AT - timedelta(seconds=6)
    with pytest.raises(UnavailableError, match="clock"):
        certifying.ask(size)


class Watchful:
    """A BLS key that lets nobody sign what is not stored yet."""

    def __init__(self, stage):
        self.stage, self.plain, self.count = stage, make_bls_signer(1), 0
        self.public_key, self.prove_possession = self.plain.public_key, self.plain.prove_possession

    def sign(self, message):
        text = message[len(b"hengzheng/quorum/v1\0") + 8 :].decode()
        with sqlite3.connect(self.stage.folder / "witness.db") as connection:
            (row,) = connection.execute("SELECT cosigned_note, cosigned_size FROM witness_logs").fetchall()
        assert parse_note(row[0]).text == text, "stored and committed, as another connection sees it"
        self.count += 1
        return self.plain.sign(message)


def test_nothing_is_signed_before_it_is_stored_or_that_is_refused(stage):
    key = stage.bls = Watchful(stage)
    stage.restart()
    stage.grow()
    size = stage.ledger.size
    good, stage.source.files = stage.source.files, {}
    with pytest.raises(UnavailableError):
        stage.ask(0)
    stage.source.files = good
    assert_refused(stage.ask(1), RefusalKind.OTHER_SIZE)
    assert_refused(stage.ask(0, proof=[bytes(32)]), RefusalKind.REFUSED)
    assert key.count == 0
    open_lines(stage, stage.ask(0))
    assert key.count == 1
    assert_refused(stage.ask(size, ledger=make_fork(stage)), RefusalKind.REFUSED, "two different states")
    assert_refused(stage.ask(size), RefusalKind.REFUSED, "two different states")
    assert key.count == 1


def test_a_move_that_lost_the_race_signs_no_share(certifying):
    size = certifying.ledger.size
    certifying.ask(0)
    certifying.grow()
    key = certifying.bls = Watchful(certifying)
    other = certifying.make()
    follower = other._watches[certifying.ledger.origin]._follower
    plain = follower.follow

    def follow(checkpoint, note):
        plain(checkpoint, note)
        open_lines(certifying, certifying.ask(size))

    follower.follow = follow
    assert_refused(certifying.ask(size, witness=other), RefusalKind.OTHER_SIZE)
    assert key.count == 0
