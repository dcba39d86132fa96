"""Witnesses that somebody else wrote hand over shares of quorum certificates; the log keeps what holds."""

import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from foreign_witness import DOMAIN, ForeignWitness
from ledger_in_memory import MemoryLedger
from sqlalchemy import text
from world import ORIGIN, World, submit

from ledger.core.cosignature import open_cosignatures
from ledger.core.errors import InputError, NotFoundError
from ledger.core.note import NoteVerifier
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.quorum_certificate import open_certificates
from ledger.core.step import Step
from ledger.cosigning.cosigner import REFRESH, RETRY, Cosigner
from ledger.cosigning.heads import find_newest_witnessed
from ledger.cosigning.publishing import find_anchorable
from ledger.cosigning.witnesses import WITNESSES_TYPE, load_witnesses, parse_witnesses
from ledger.doctor.diagnosis import diagnose
from ledger.home import create_home
from ledger.home_policy import build_policy
from ledger.passphrase import Passphrase
from ledger.proving import Prover

WORLD = World()
LOG = NoteVerifier(ORIGIN, WORLD.log_key.public_key)
NAMES = tuple(f"n{number}.example" for number in range(7))


def make_item(witness, *members):
    return {"url": witness.url} | {
        name: getattr(witness, f"{name}_vkey" if name == "bls" else name) for name in members
    }


def make_file(items, quorum=4):
    return json.dumps({"type": WITNESSES_TYPE, "quorum": quorum, "witnesses": items}).encode()


class Stage:
    """A log on a real database, and seven witnesses of which four are a quorum."""

    def __init__(self, log, store, witnesses, members=("vkey", "bls")):
        self.log, self.store, self.witnesses = log, store, witnesses
        self.ahead = timedelta()
        self.name_witnesses([make_item(witness, *members) for witness in witnesses])

    def name_witnesses(self, items):
        self.named = parse_witnesses(make_file(items))
        self.quorum = self.named.quorum
        self.prover = Prover(self.store, ORIGIN, self.quorum)
        self.cosigner = Cosigner(self.store, self.prover, self.named, lambda: datetime.now(UTC) + self.ahead)

    def published(self):
        """Return whom lines and certificates under the published checkpoint name."""
        note = self.prover.published_checkpoint().note
        lines = [one.witness.name for one in open_cosignatures(note, self.quorum.witnesses)]
        return lines, [one.witness.name for one in open_certificates(note, self.quorum.bls)]

    def count_rows(self, witness):
        """Return how many lines and shares of a witness are stored."""
        with self.store.database.read() as connection:
            wanted = text("SELECT count(*) FROM cosignatures WHERE witness = :vkey")
            return tuple(
                connection.execute(wanted, {"vkey": vkey}).scalar_one()
                for vkey in (witness.vkey, witness.bls_vkey)
            )


@pytest.fixture(scope="module")
def running():
    with ExitStack() as stack:
        key = WORLD.log_key.public_key.raw
        yield [stack.enter_context(ForeignWitness(name, key, ORIGIN, bls=True)) for name in NAMES]


@pytest.fixture
def witnesses(running):
    for witness in running:
        witness.forget()
    return running


@pytest.fixture
def stage(log, store, witnesses):
    return Stage(log, store, witnesses)


def others(*places):
    return [name for place, name in enumerate(NAMES) if place not in places]


def test_seven_witnesses_certify_the_log_as_it_grows(stage):
    with stage.store.read() as reading, pytest.raises(NotFoundError, match="by 4 of 7 witnesses"):
        find_anchorable(reading, stage.quorum)
    assert stage.cosigner.ask_all() == 7
    assert stage.published() == (list(NAMES), list(NAMES))
    submit(stage.log, WORLD.issue(1))
    stage.cosigner.ask_all()
    assert stage.prover.published_checkpoint().tree_size == stage.log.head.tree_size
    assert stage.published() == (list(NAMES), list(NAMES))
    assert {stage.count_rows(witness) for witness in stage.witnesses} == {(2, 2)}
    assert diagnose(stage.store, ORIGIN)["checkpoints"] > 1


def test_witnesses_that_sign_certificates_only(log, store, witnesses):
    stage = Stage(log, store, witnesses, ["bls"])
    assert stage.cosigner.ask_all() == 7
    assert stage.published() == ([], list(NAMES))
    assert stage.count_rows(stage.witnesses[0]) == (0, 1), "its line is a stranger's, and not kept"
    found = find_newest_witnessed(stage.named, LOG, stage.cosigner.read_newest())
    assert [item.witness.name for item in found] == list(NAMES)


def of_another_body(witness, body, minutes):
    return witness.make_share(body.replace("\n", "\n1", 1), minutes)


def of_another_minute(witness, body, minutes):
    return (minutes + 1).to_bytes(8, "big") + witness.make_share(body, minutes)[8:]


def without_time(witness, body, minutes):
    begin = minutes.to_bytes(8, "big")
    return begin + witness.sign_bls(DOMAIN + body.encode())


def of_the_future(witness, body, minutes):
    return witness.make_share(body, minutes + 7)


def of_far_beyond(witness, body, minutes):
    return witness.make_share(body, 2**64 - 1)


LIES = {
    "another body": of_another_body,
    "another minute": of_another_minute,
    "time not signed": without_time,
    "a time in the future": of_the_future,
    "a time after the year 9999": of_far_beyond,
    "one byte less": lambda *of: ForeignWitness.make_share(*of)[:-1],
    "one byte more": lambda *of: ForeignWitness.make_share(*of) + b"\0",
    "a time only": lambda *of: ForeignWitness.make_share(*of)[:8],
    "the identity": lambda *of: ForeignWitness.make_share(*of)[:8] + b"\xc0" + bytes(95),
    "zeros": lambda *_: bytes(104),
    "its proof of possession": lambda *of: (
        ForeignWitness.make_share(*of)[:8] + of[0].sign_bls(of[0].bls_key, "POP")
    ),
    "nothing": lambda *_: None,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_share_that_does_not_hold_is_not_kept_and_the_line_is(stage, lie):
    stage.witnesses[2].lie = lie
    assert stage.cosigner.ask_all() == 7
    assert stage.count_rows(stage.witnesses[2]) == (1, 0)
    assert stage.published() == (list(NAMES), others(2))
    assert diagnose(stage.store, ORIGIN)["checkpoints"] == 1


def test_another_witnesss_share_is_not_kept(stage):
    """A copy under one's own key, and the other's line word for word."""
    stage.witnesses[2].lie = lambda _, body, minutes: stage.witnesses[3].make_share(body, minutes)
    stage.witnesses[4].spoil = lambda status, kind, body: (
        status,
        kind,
        body.split(b"\n")[0] + b"\n" + stolen(),
    )

    def stolen():
        return stage.witnesses[3]._share_lines(stage.body, int(time.time()) // 60).encode()

    stage.body = stage.cosigner.read_newest().note.split("\n\n")[0] + "\n"
    stage.cosigner.ask_all()
    assert [stage.count_rows(stage.witnesses[place]) for place in (2, 3, 4)] == [(1, 0), (1, 1), (1, 0)]
    assert stage.published() == (list(NAMES), others(2, 4))


def test_a_line_that_does_not_hold_is_not_kept_and_the_share_is(stage):
    def change(status, kind, body):
        line, share = body.decode().splitlines()
        other = "BBBB" if line[-12:-8] == "AAAA" else "AAAA"
        return status, kind, f"{line[:-12]}{other}{line[-8:]}\n{share}\n".encode()

    stage.witnesses[2].spoil = change
    assert stage.cosigner.ask_all() == 7
    assert stage.count_rows(stage.witnesses[2]) == (0, 1)
    assert stage.published() == (others(2), list(NAMES))


def test_one_of_several_shares_that_does_not_hold_spoils_the_rest(stage):
    stage.witnesses[2].spoil = lambda status, kind, body: (
        status,
        kind,
        body + body.replace(b"AAAAAB", b"AAAAAC"),
    )
    stage.cosigner.ask_all()
    assert stage.count_rows(stage.witnesses[2])[1] == 0


def test_a_quorum_of_honest_ones_is_enough_and_three_liars_count_by_their_lines(stage):
    for place, lie in ((0, of_another_body), (1, of_the_future), (2, LIES["nothing"])):
        stage.witnesses[place].lie = lie
    stage.witnesses[0].spoil = lambda *_: (503, "text/plain", b"later")
    assert stage.cosigner.ask_all() == 6
    assert stage.published() == (others(0), others(0, 1, 2))
    with stage.store.read() as reading:
        assert find_anchorable(reading, stage.quorum).tree_size == stage.log.head.tree_size


def test_a_witness_without_a_bls_key_goes_on_as_before(stage):
    items = [make_item(one, "vkey", "bls") for one in stage.witnesses[:6]]
    stage.name_witnesses([*items, make_item(stage.witnesses[6], "vkey")])
    for _ in range(3):
        assert stage.cosigner.ask_all() == 7
    assert requests(stage) == [1] * 7
    assert stage.count_rows(stage.witnesses[6]) == (1, 0), "a share that nobody has asked for is a stranger's"
    assert stage.published() == (list(NAMES), others(6))


def test_both_keys_of_a_witness_are_one_name(stage):
    for place in range(4):
        stage.witnesses[place].spoil = lambda *_: (503, "text/plain", b"later")
    assert stage.cosigner.ask_all() == 3, "three names, with six signatures"
    with stage.store.read() as reading, pytest.raises(NotFoundError, match="by 4 of 7 witnesses"):
        find_anchorable(reading, stage.quorum)


# --- when a witness is asked again ------------------------------------------------------------------------


def requests(stage):
    return [len(witness.requests) for witness in stage.witnesses]


def test_who_has_signed_with_one_key_only_is_asked_again_after_a_while(stage):
    stage.witnesses[2].lie = LIES["nothing"]
    for _ in range(3):
        stage.cosigner.ask_all()
    assert requests(stage) == [1] * 7
    stage.ahead = RETRY
    stage.witnesses[2].ahead = int(RETRY.total_seconds())
    stage.witnesses[2].lie = None
    for _ in range(3):
        assert stage.cosigner.ask_all() == 7
    assert requests(stage) == [1, 1, 2, 1, 1, 1, 1]
    assert stage.count_rows(stage.witnesses[2]) == (1, 1), "the line that is still fresh is not stored twice"
    assert stage.published()[1] == list(NAMES)


def test_a_new_checkpoint_is_asked_about_at_once(stage):
    stage.witnesses[2].lie = LIES["nothing"]
    stage.cosigner.ask_all()
    submit(stage.log, WORLD.issue(1))
    stage.witnesses[2].lie = None
    stage.cosigner.ask_all()
    assert requests(stage) == [2] * 7
    assert stage.count_rows(stage.witnesses[2]) == (2, 1)


def test_a_later_share_replaces_an_older_one(stage):
    stage.cosigner.ask_all()
    first = stage.prover.published_checkpoint().note
    stage.ahead = REFRESH
    for witness in stage.witnesses:
        witness.ahead = int(REFRESH.total_seconds())
    for _ in range(2):
        stage.cosigner.ask_all()
    assert requests(stage) == [2] * 7
    assert {stage.count_rows(witness) for witness in stage.witnesses} == {(2, 2)}
    times = [
        {one.cosigned_at for one in open_certificates(note, stage.quorum.bls)}
        for note in (first, stage.prover.published_checkpoint().note)
    ]
    assert max(times[1]) > min(times[1]) - timedelta(minutes=2) > max(times[0])


def test_line_and_share_are_refreshed_together(stage):
    """A share says an earlier time than the line of the same answer, and so is the first to be old."""

    def set_clocks(seconds):
        stage.ahead = timedelta(seconds=seconds)
        for witness in stage.witnesses:
            witness.ahead = seconds

    begin = 35 - int(time.time()) % 60
    set_clocks(begin)
    stage.cosigner.ask_all()
    set_clocks(begin + int(REFRESH.total_seconds()) - 25)
    for _ in range(2):
        stage.cosigner.ask_all()
    assert requests(stage) == [2] * 7
    assert {stage.count_rows(witness) for witness in stage.witnesses} == {(2, 2)}


def test_a_clock_that_runs_a_little_ahead_is_no_reason_to_ask_again(stage):
    stage.witnesses[2].ahead = 200
    for _ in range(3):
        assert stage.cosigner.ask_all() == 7
    assert requests(stage) == [1] * 7


# --- the file ---------------------------------------------------------------------------------------------


def test_an_item_names_one_witness(witnesses):
    first, second = witnesses[:2]
    swapped = make_item(first, "vkey") | {"bls": second.bls_vkey}
    with pytest.raises(InputError, match=r"bls: is a key of n1\.example, and the vkey one of n0\.example"):
        parse_witnesses(make_file([swapped], 1))
    items = [make_item(first, "vkey"), make_item(first, "bls")]
    with pytest.raises(InputError, match="a name stands in one item only"):
        parse_witnesses(make_file(items, 1))


@pytest.mark.parametrize(
    ("change", "saying"),
    [
        ({"bls": "x"}, "bls"),
        ({"vkey": "x"}, "vkey"),
        ({"key": "development-witness-1"}, "vkey|url"),
        ({"x": 1}, "unknown member"),
        ({"url": "http://n0.example"}, "url"),
    ],
)
def test_another_item_is_refused_with_its_member(witnesses, change, saying):
    with pytest.raises(InputError, match=saying):
        parse_witnesses(make_file([make_item(witnesses[0], "vkey", "bls") | change], 1))


def test_an_item_without_any_key_is_refused(witnesses):
    with pytest.raises(InputError, match="vkey"):
        parse_witnesses(make_file([{"url": witnesses[0].url}], 1))


def make_production_home(path, raw):
    settings = {"node": "http://127.0.0.1:9", "finality": "depth:3"}
    passphrase = Passphrase(b"correct horse battery")
    home = create_home(path, origin=ORIGIN, development=False, passphrase=passphrase, settings=settings)
    home.witnesses_path.write_bytes(raw)
    return home


def test_a_home_for_production_names_them_and_so_does_its_policy(witnesses, tmp_path):
    items = [make_item(one, "vkey", "bls") for one in witnesses]
    home = make_production_home(tmp_path / "home", make_file(items))
    named = load_witnesses(home)
    assert [one.name for one in named.quorum.bls] == list(NAMES)
    assert named.keys == {}
    registers = MemoryLedger().found().registers
    policy = build_policy(home, registers, named)
    assert parse_policy(encode_policy(policy)).witnesses == named.quorum
    assert Step.QUORUM in policy.required


def test_an_unproved_key_is_refused_where_the_file_is_read(witnesses, tmp_path):
    first, second = witnesses[:2]
    vkey = first.spell_bls_vkey(first.bls_encoded[:-96] + second.bls_encoded[-96:])
    home = make_production_home(tmp_path / "home", make_file([make_item(first, "vkey") | {"bls": vkey}], 1))
    with pytest.raises(InputError, match=r"the BLS key of n0\.example is not proved"):
        load_witnesses(home)
