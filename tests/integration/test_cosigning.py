"""The log's side of witnessing, against witnesses that somebody else wrote, on both kinds of database."""

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from foreign_witness import ForeignWitness
from servers import free_port
from sqlalchemy import text
from world import ORIGIN, World, submit

from api.cosigning_loop import CosigningLoop
from ledger.boot_check import Claim, find_discrepancy
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.cosignature import encode_witness, open_cosignatures
from ledger.core.errors import DamagedRowError, InputError, NotFoundError
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.core.note import NoteVerifier
from ledger.core.tlog_proof import parse_tlog_proof, verify_tlog_proof
from ledger.cosigning.cosigner import REFRESH, Cosigner
from ledger.cosigning.heads import find_newest_witnessed
from ledger.cosigning.publishing import find_anchorable, find_published
from ledger.cosigning.witnesses import WITNESSES_TYPE, parse_witnesses
from ledger.doctor.diagnosis import diagnose
from ledger.export import FolderTarget, export_log
from ledger.proving import Prover
from ledger.store.records import StoredCosignature

WORLD = World()
LOG = NoteVerifier(ORIGIN, WORLD.log_key.public_key)


class Stage:
    """A log on a real database, and three witnesses of which two are a quorum."""

    def __init__(self, log, store, witnesses, urls=None):
        self.log, self.store, self.witnesses = log, store, witnesses
        self.ahead = timedelta()
        items = [
            {"vkey": witness.vkey, "url": (urls or {}).get(witness.name, witness.url)}
            for witness in witnesses
        ]
        members = {"type": WITNESSES_TYPE, "quorum": 2, "witnesses": items}
        self.named = parse_witnesses(json.dumps(members).encode())
        self.quorum = self.named.quorum
        self.prover = Prover(store, ORIGIN, self.quorum)
        self.compared = 0
        self.cosigner = Cosigner(
            store, self.prover, self.named, lambda: datetime.now(UTC) + self.ahead, compare=self.compare
        )

    def compare(self):
        self.compared += 1

    def issue(self, number):
        submit(self.log, WORLD.issue(number))

    def signers(self, note):
        """Return who has cosigned a note."""
        found = open_cosignatures(note, self.quorum.witnesses)
        return [item.witness.name for item in found]

    def published(self):
        found = self.prover.published_checkpoint()
        assert verify_checkpoint(found.note, LOG).tree_size == found.tree_size
        return found.tree_size, self.signers(found.note)

    def lines(self, witness):
        """Return how many lines of a witness are stored."""
        vkey = encode_witness(self.quorum.witnesses[self.witnesses.index(witness)])
        with self.store.database.read() as connection:
            wanted = text("SELECT count(*) FROM cosignatures WHERE witness = :vkey")
            return connection.execute(wanted, {"vkey": vkey}).scalar_one()


@pytest.fixture
def witnesses():
    with ExitStack() as stack:
        names = ("a.example", "b.example", "c.example")
        key = WORLD.log_key.public_key.raw
        yield [stack.enter_context(ForeignWitness(name, key, ORIGIN)) for name in names]


@pytest.fixture
def stage(log, store, witnesses):
    return Stage(log, store, witnesses)


def test_foreign_witnesses_cosign_our_log_as_it_grows(stage):
    assert stage.published() == (stage.log.head.tree_size, [])
    assert stage.cosigner.ask_all() == 3
    first = stage.log.head.tree_size
    assert stage.published() == (first, ["a.example", "b.example", "c.example"])
    stage.issue(1)
    assert stage.published() == (first, ["a.example", "b.example", "c.example"]), "not witnessed yet"
    assert stage.cosigner.ask_all() == 3
    second = stage.log.head.tree_size
    assert stage.published() == (second, ["a.example", "b.example", "c.example"])
    assert stage.witnesses[0].requests == [(0, first, 200), (first, second, 200)]
    assert diagnose(stage.store, ORIGIN)["checkpoints"] > 1


def test_a_witness_that_is_elsewhere_names_its_size(stage):
    stage.cosigner.ask_all()
    first = stage.log.head.tree_size
    stage.issue(1)
    witness = stage.witnesses[0]
    stage.issue(2)
    witness.size, witness.root = 0, bytes(32)
    stage.cosigner.ask_all()
    size = stage.log.head.tree_size
    assert witness.requests[1:] == [(first, size, 409), (0, size, 200)]


def test_a_witness_that_disputes_has_the_ledger_compared_once_until_it_cosigns_again(stage):
    stage.cosigner.ask_all()
    ahead, forked = stage.witnesses[:2]
    ahead.size += 5
    forked.root = bytes(32)
    stage.issue(1)
    assert (stage.cosigner.ask_all(), stage.compared) == (1, 2)
    assert (ahead.requests[-1][2], forked.requests[-1][2]) == (409, 422)
    assert (stage.cosigner.ask_all(), stage.compared) == (1, 2)
    ahead.size, ahead.root = 0, bytes(32)
    assert (stage.cosigner.ask_all(), stage.compared) == (2, 2)
    stage.issue(2)
    ahead.size += 5
    assert (stage.cosigner.ask_all(), stage.compared) == (1, 3)


def test_one_witness_is_no_quorum(stage):
    for witness in stage.witnesses[1:]:
        witness.spoil = lambda *_: (503, "text/plain", b"later")
    assert stage.cosigner.ask_all() == 1
    size = stage.log.head.tree_size
    assert stage.published() == (size, ["a.example"]), "the newest, as long as none has a quorum"
    with stage.store.read() as reading:
        with pytest.raises(NotFoundError, match="by 2 of 3 witnesses"):
            find_anchorable(reading, stage.quorum)
        assert find_anchorable(reading, None).tree_size == size
    stage.witnesses[1].spoil = None
    stage.cosigner.ask_all()
    with stage.store.read() as reading:
        assert find_anchorable(reading, stage.quorum).tree_size == size
    stage.issue(1)
    with stage.store.read() as reading:
        assert find_anchorable(reading, stage.quorum).tree_size == size


def test_the_same_state_is_asked_for_again_only_after_a_while(stage):
    stage.cosigner.ask_all()
    stage.cosigner.ask_all()
    assert [len(witness.requests) for witness in stage.witnesses] == [1, 1, 1]
    stage.ahead = REFRESH
    time.sleep(1.1)  # a cosignature's time has whole seconds
    assert stage.cosigner.ask_all() == 3
    assert [stage.lines(witness) for witness in stage.witnesses] == [2, 2, 2]


def _change(body):
    at = len(body) - 20
    return body[:at] + (b"B" if body[at : at + 1] == b"A" else b"A") + body[at + 1 :]


SPOILT = {
    "another status": lambda *_: (500, "text/plain", b"x" * 10_000),
    "nothing": lambda *_: (200, "text/plain", b""),
    "no line": lambda *_: (200, "text/plain", b"hello\n"),
    "somebody's line": lambda *_: (200, "text/plain", "— x.example AAAAAAE=\n".encode()),
    "a changed line": lambda status, kind, body: (status, kind, _change(body)),
    "no size": lambda *_: (409, "text/x.tlog.size", b"many\n"),
    "too large a size": lambda *_: (409, "text/x.tlog.size", b"999999\n"),
    "always another size": lambda *_: (409, "text/x.tlog.size", b"1\n"),
    "too much": lambda *_: (200, "text/plain", b"x" * 100_000),
    "not text": lambda *_: (200, "text/plain", b"\xff" * 100),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_a_witness_answers_wrongly_is_not_kept(stage, spoil):
    stage.witnesses[1].spoil = spoil
    assert stage.cosigner.ask_all() == 2
    assert stage.published()[1] == ["a.example", "c.example"]
    assert stage.lines(stage.witnesses[1]) == 0
    assert len(stage.witnesses[1].requests) <= 3


def test_a_witness_that_is_away_harms_nothing(log, store, witnesses):
    stage = Stage(log, store, witnesses, {"b.example": f"http://127.0.0.1:{free_port()}"})
    assert stage.cosigner.ask_all() == 2
    assert stage.published()[1] == ["a.example", "c.example"]


def test_a_slow_witness_delays_nobody(stage):
    stage.witnesses[2].delay = 2.0
    begin = time.monotonic()
    with CosigningLoop(stage.cosigner, seconds=0.05):
        _wait(lambda: stage.published()[1] == ["a.example", "b.example"])
        stage.issue(1)
        size = stage.log.head.tree_size
        _wait(lambda: stage.published() == (size, ["a.example", "b.example"]))
        assert time.monotonic() - begin < 2.0
    assert len(stage.witnesses[2].requests) <= 2, "one request at a time"


def test_several_witnesses_sign_the_same_size_while_the_log_grows(stage):
    with CosigningLoop(stage.cosigner, seconds=0.05):
        for number in range(1, 20):
            stage.issue(number)
        size = stage.log.head.tree_size
        _wait(lambda: stage.published() == (size, ["a.example", "b.example", "c.example"]))


def test_proof_files_and_exports_carry_the_lines(stage, tmp_path):
    stage.cosigner.ask_all()
    size = stage.log.head.tree_size
    stage.issue(1)
    old = parse_tlog_proof(stage.prover.tlog_proof(LeafIndex(0)).encode())
    new = parse_tlog_proof(stage.prover.tlog_proof(LeafIndex(size)).encode())
    with stage.store.read() as reading:
        (leaf,) = reading.read_leaves(0, 1)
        exported = export_log(reading, [], ORIGIN, FolderTarget(tmp_path / "log"), quorum=stage.quorum)
    assert verify_tlog_proof(old, leaf, LOG).tree_size == size
    assert len(stage.signers(old.checkpoint)) == 3
    assert stage.signers(new.checkpoint) == []
    assert exported.checkpoint.tree_size == size
    assert len(stage.signers((tmp_path / "log" / "checkpoint").read_text("utf-8"))) == 3


def test_lines_are_kept_after_the_witnesses_are_no_longer_named(stage):
    stage.cosigner.ask_all()
    plain = Prover(stage.store, ORIGIN)
    assert plain.published_checkpoint().note == stage.log.checkpoint
    with stage.store.read() as reading:
        assert find_published(reading, None).note == stage.log.checkpoint


def test_a_damaged_line_is_found_by_the_doctor(stage):
    vkey = encode_witness(stage.quorum.witnesses[0])
    with stage.store.write() as queries:
        queries.add_cosignature(StoredCosignature(stage.log.head.tree_size, vkey, 1, bytes(72)))
    with pytest.raises(DamagedRowError) as caught:
        diagnose(stage.store, ORIGIN)
    assert (caught.value.table, caught.value.column) == ("cosignatures", "signature")


# --- what witnesses have seen, at a start -----------------------------------------------------------------


def find(stage):
    return find_newest_witnessed(stage.named, LOG, stage.cosigner.read_newest())


def test_what_foreign_witnesses_have_is_asked_without_signing(stage):
    stage.cosigner.ask_all()
    size = stage.log.head.tree_size
    found = find(stage)
    assert [(item.witness.name, item.tree_size) for item in found] == [
        (witness.name, size) for witness in stage.witnesses
    ]
    stage.issue(1)
    assert [item.tree_size for item in find(stage)] == [size] * 3
    assert [witness.size for witness in stage.witnesses] == [size] * 3, "nobody has moved"


def test_a_head_behind_a_witness_is_named(stage):
    stage.cosigner.ask_all()
    stage.witnesses[1].size = 1000
    size = stage.log.head.tree_size
    found = [find_discrepancy(stage.store, claim) for claim in claims(stage)]
    assert [refusal is None for refusal in found] == [True, False, True]
    assert f"it holds {size} leaves, b.example holds 1000" in found[1].en


def claims(stage):
    """Return what the witnesses say, as the boot check takes it."""
    return [Claim(item.witness.name, "", item.tree_size, item.root_hash) for item in find(stage)]


def test_another_state_of_a_size_is_named(stage):
    stage.cosigner.ask_all()
    forged = replace(claims(stage)[0], root_hash=RootHash(bytes(32)))
    refusal = find_discrepancy(stage.store, forged)
    assert "leaves are not those that a.example holds" in refusal.en
    assert find_discrepancy(stage.store, replace(forged, root_hash=None)) is None, "only a size was said"


def test_who_cannot_be_asked_is_named_with_a_reason(log, store, witnesses):
    stage = Stage(log, store, witnesses, {"b.example": f"http://127.0.0.1:{free_port()}"})
    stage.witnesses[2].spoil = lambda *_: (422, "text/plain", b"never again\n")
    found = find(stage)
    assert [item.tree_size for item in found] == [TreeSize(0), None, None]
    assert "does not answer" in found[1].reason
    assert found[2].reason.endswith("422: never again")
    nothing = find_newest_witnessed(stage.named, LOG, None)
    assert [item.tree_size for item in nothing] == [None] * 3


# --- the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "saying"),
    [
        ({"type": "x"}, "type"),
        ({"quorum": 1}, "quorum: is more than half"),
        ({"quorum": 4}, "quorum: is more than half"),
        ({"witnesses": []}, "witnesses"),
        ({"x": 1}, "unknown member: x"),
        ({"witnesses": [{"vkey": "x", "url": "https://w.example"}]}, "vkey"),
    ],
)
def test_another_file_is_refused_with_its_member(stage, change, saying):
    items = [{"vkey": one.vkey, "url": one.url} for one in stage.witnesses]
    members = {"type": WITNESSES_TYPE, "quorum": 2, "witnesses": items} | change
    with pytest.raises(InputError, match=saying):
        parse_witnesses(json.dumps(members).encode())


@pytest.mark.parametrize("url", ["", "w.example", "http://w.example", "ftp://127.0.0.1"])
def test_an_address_is_https_or_of_this_machine(stage, url):
    items = [{"vkey": one.vkey, "url": one.url} for one in stage.witnesses]
    items[1]["url"] = url
    members = {"type": WITNESSES_TYPE, "quorum": 2, "witnesses": items}
    with pytest.raises(InputError, match=r"witnesses\.1\.url|witnesses\[1\]\.url|url"):
        parse_witnesses(json.dumps(members).encode())


def _wait(look, seconds=10.0):
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
