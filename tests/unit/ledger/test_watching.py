"""Watching a log: an honest one is silent, every lie is told, and what is written convinces a verifier."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ledger_in_memory import MemoryLedger, make_act, make_record, make_rejection, make_signer, seal_record
from shown_log import ShownLog
from vector_statements import sign_lot, sign_same_as

from ledger.core.canonical import parse_canonical_json
from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.cosignature import Witness, add_lines, sign_cosignature
from ledger.core.entry import HEADER_BYTES, encode_header, parse_header
from ledger.core.errors import InputError, PolicyMismatchError, StateError, UnavailableError
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.lot import LotStatus
from ledger.core.policy import encode_policy
from ledger.core.quorum import WitnessQuorum
from ledger.core.status import Status
from ledger.store.engine import Database
from ledger.watch.watcher import MAX_FILES, OwnStatement, Watcher, parse_own_statement
from verifier.cli import main as verify

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def make_log(count=3):
    ledger = MemoryLedger().found()
    for number in range(count):
        ledger.issue(number)
    return ledger


def own_of(ledger, *indices):
    """Return the statements of these leaves as a desk has them; of every document, if none is given."""
    chosen = indices or tuple(ledger.documents)
    return [OwnStatement(ledger.leaves[index][HEADER_BYTES:], LeafIndex(index)) for index in chosen]


class Desk:
    """Somebody who watches one log, from one directory."""

    def __init__(self, ledger, folder, **policy):
        self.shown = ShownLog(ledger)
        self.folder = folder
        self.policy = ledger.policy(**policy)
        self.own = own_of(ledger)

    def look(self, own=None, now=NOW, policy=None):
        with (
            self.shown.server() as server,
            closing(Database(f"sqlite:///{self.folder / 'watch.db'}")) as database,
        ):
            watcher = Watcher(database, policy or self.policy, server, self.folder)
            return watcher.look(self.own if own is None else own, now)

    def verify(self, path, capsys):
        """Let `hengzheng verify` judge a file; return exit code and verdict."""
        policy = self.folder / "policy.json"
        policy.write_bytes(encode_policy(self.policy))
        code = verify([str(path), "--policy", str(policy), "--json"])
        return code, json.loads(capsys.readouterr().out)["verdict"]


@pytest.fixture
def desk(tmp_path):
    return Desk(make_log(), tmp_path)


def test_an_honest_log_of_five_hundred_documents_is_silent(tmp_path):
    ledger = make_log(500)
    desk = Desk(ledger, tmp_path)
    found = desk.look()
    assert (found.alarms, found.news) == ([], [])
    assert (found.own, found.checked, found.waiting, found.subjects) == (500, 500, 0, 1000)
    assert desk.shown.requests.count("map-proofs") == 1
    again = desk.look()
    assert (again.own, again.checked, again.is_quiet) == (500, 0, True)
    assert list(tmp_path.glob("*.json")) == []


def test_a_thousand_subjects_go_into_one_proof_and_no_more(tmp_path):
    desk = Desk(make_log(501), tmp_path)
    assert desk.look().subjects == 1002
    assert desk.shown.requests.count("map-proofs") == 2


def test_own_acts_are_watched_too(desk):
    index = desk.shown.ledger.act(EventType.WITHDRAW, 1)
    desk.shown.show(desk.shown.ledger)
    found = desk.look([*desk.own, *own_of(desk.shown.ledger, index)])
    assert (found.alarms, found.news, found.own) == ([], [], 4)


def test_the_log_may_grow(desk):
    assert desk.look().is_quiet
    ledger = desk.shown.ledger
    for number in range(10, 14):
        ledger.issue(number)
        desk.shown.show(ledger)
        found = desk.look(own_of(ledger))
        assert (found.alarms, found.checked) == ([], 1)


def test_an_event_of_somebody_else_is_news_once_and_no_alarm(desk):
    desk.look()
    ledger = desk.shown.ledger
    index = ledger.act(EventType.CANCEL, 1)
    desk.shown.show(ledger)
    found = desk.look()
    assert (found.alarms, found.changed_by_others) == ([], 2)
    assert {(item.leaf_index, item.event, item.subject) for item in found.news} == {
        (index, EventType.CANCEL, subject) for subject in (make_act(1).certificate, make_act(1).subject)
    }
    assert Status.CANCELLED in {item.status for item in found.news}
    again = desk.look()
    assert (again.alarms, again.news, again.changed_by_others) == ([], [], 2)


def test_everything_that_can_happen_to_documents_is_no_alarm(tmp_path):
    ledger = make_log(6)
    desk = Desk(ledger, tmp_path)
    for step in (
        lambda: ledger.act(EventType.SUPPLEMENT, 0),
        lambda: ledger.act(EventType.SUSPEND, 1),
        lambda: ledger.act(EventType.REINSTATE, 1),
        lambda: ledger.act(EventType.OPENED_FOR_REPAIR, 2),
        lambda: ledger.act(EventType.CANCEL, 3),
        lambda: ledger.issue_record(make_rejection(4, no="N-4")),
        lambda: ledger.issue_record(
            make_record(0, no="R-0", replaces={"no": "JY2026-000000", "reason": "TYPO"})
        ),
        lambda: ledger.append(sign_lot(ledger, LotStatus.FAILED)),
        lambda: ledger.append(sign_same_as(ledger, 1, 2)),
        lambda: ledger.issue(1, no="N-1"),
    ):
        step()
        desk.shown.show(ledger)
        found = desk.look()
        assert found.is_quiet, found.alarms


# --- lies -------------------------------------------------------------------------------------------------


def lie(desk, change):
    """Let the log state another status map than its leaves give, and show it."""
    ledger = desk.shown.ledger
    change(ledger)
    ledger.append(ledger.institution(version=7))
    desk.shown.show(ledger)


def refutations(desk, found, capsys):
    """Return how many alarms there are, each with a refutation that a verifier accepts."""
    assert found.alarms
    for alarm in found.alarms:
        assert alarm.file.name.startswith("refutation-"), alarm
        assert desk.verify(alarm.file, capsys) == (1, "INVALID")
    return len(found.alarms)


@pytest.mark.parametrize("seen_before", [False, True], ids=["at first sight", "later"])
def test_a_hidden_withdrawal_of_ours_is_refuted(desk, capsys, seen_before):
    ledger = desk.shown.ledger
    before = dict(ledger.states)
    index = ledger.act(EventType.WITHDRAW, 1)
    own = [*desk.own, *own_of(ledger, index)]
    if seen_before:
        desk.shown.show(ledger)
        assert desk.look(own).is_quiet
    lie(desk, lambda ledger: ledger.states.update(before))
    assert refutations(desk, desk.look(own), capsys) == 2


def test_a_cancellation_that_was_news_cannot_be_hidden_afterwards(desk, capsys):
    ledger = desk.shown.ledger
    before = dict(ledger.states)
    ledger.act(EventType.CANCEL, 1)
    desk.shown.show(ledger)
    assert desk.look().is_quiet
    lie(desk, lambda ledger: ledger.states.update(before))
    assert refutations(desk, desk.look(), capsys) == 2


def test_the_authority_that_cancelled_finds_it_hidden(desk, capsys):
    ledger = desk.shown.ledger
    before = dict(ledger.states)
    index = ledger.act(EventType.CANCEL, 1)
    lie(desk, lambda ledger: ledger.states.update(before))
    raw = ledger.leaves[index][HEADER_BYTES:]
    assert refutations(desk, desk.look([OwnStatement(raw, None)]), capsys) == 2


CHANGES = {
    "does not know it": lambda states, subject: states.pop(subject),
    "another status": lambda states, subject: states.update(
        {subject: replace(states[subject], status=Status.CANCELLED)}
    ),
    "another's event": lambda states, subject: states.update(
        {subject: replace(states[subject], last_event=LeafIndex(8), status=Status.CANCELLED)}
    ),
    "an event of a register": lambda states, subject: states.update(
        {subject: replace(states[subject], last_event=LeafIndex(9))}
    ),
    "an old state": lambda states, subject: states.update(
        {subject: replace(states[subject], last_event=LeafIndex(0))}
    ),
    "no document as the newest": lambda states, subject: states.update(
        {subject: replace(states[subject], current_certificate=LeafIndex(1))}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", ["certificate", "subject"])
def test_every_false_state_is_refuted(desk, capsys, change, which):
    subject = getattr(make_act(1), which)
    lie(desk, lambda ledger: CHANGES[change](ledger.states, subject))
    found = desk.look()
    assert refutations(desk, found, capsys) == 1
    assert subject.hex()[:16] in found.alarms[0].file.name
    assert refutations(desk, desk.look(), capsys) == 1


def test_an_event_that_lies_behind_the_map_is_an_alarm(desk):
    subject = make_act(1).subject
    lie(
        desk,
        lambda ledger: ledger.states.update(
            {subject: replace(ledger.states[subject], last_event=LeafIndex(4000))}
        ),
    )
    (alarm,) = desk.look().alarms
    assert "names leaf 4000, which it precedes" in alarm.sentence
    assert parse_canonical_json(alarm.file.read_bytes())["subject"] == subject.hex()


def test_a_map_that_lies_about_everything_fills_no_disk(tmp_path):
    desk = Desk(make_log(40), tmp_path)
    lie(desk, lambda ledger: [ledger.states.pop(make_act(n).certificate) for n in range(40)])
    found = desk.look()
    assert len(found.alarms) == 40
    assert len(list(tmp_path.glob("refutation-*.json"))) == MAX_FILES


def test_a_dropped_leaf_is_an_alarm_each_time(desk):
    honest = make_log()
    forged = MemoryLedger().found()
    for number in (0, 7, 2):
        forged.issue(number)
    desk.shown.show(forged)
    for _ in range(2):
        found = desk.look(own_of(honest))
        (alarm,) = found.alarms
        assert "holds something else than our statement" in alarm.sentence
        kept = parse_canonical_json(alarm.file.read_bytes())
        assert kept["leaf"]["index"] == own_of(honest)[1].leaf_index
        assert found.own == 2


def test_our_statement_without_effect_is_an_alarm_each_time(desk):
    ledger = desk.shown.ledger
    index = ledger.act(EventType.WITHDRAW, 1, version=77)
    desk.shown.show(ledger)
    for leaf_index in (LeafIndex(index), None):
        for _ in range(2):
            (alarm,) = desk.look([OwnStatement(ledger.leaves[index][HEADER_BYTES:], leaf_index)]).alarms
            assert alarm.sentence == f"leaf {index} holds our statement without effect"


def test_a_fork_is_proved(desk, capsys):
    desk.look()
    other = make_log(2)
    other.issue(9)
    desk.shown.show(other, other.publish())
    assert desk.shown.size == 9
    (alarm,) = desk.look().alarms
    assert alarm.file.name == "fork-9.json"
    assert desk.verify(alarm.file, capsys) == (1, "INVALID")


def test_a_fork_is_proved_even_of_a_tree_that_the_server_never_showed(desk, capsys):
    desk.look()
    ledger = desk.shown.ledger
    desk.shown.note = sign_checkpoint(Checkpoint(ledger.origin, 20, bytes(32)), ledger.log_signer)
    with pytest.raises(UnavailableError):
        desk.look()
    for number in range(10, 20):
        ledger.issue(number)
    desk.shown.show(ledger)
    assert desk.shown.size == 20
    (alarm,) = desk.look().alarms
    assert desk.verify(alarm.file, capsys) == (1, "INVALID")


def test_a_log_that_shrinks_is_an_alarm(desk):
    ledger, small = desk.shown.ledger, desk.shown.size
    ledger.issue(9)
    desk.shown.show(ledger)
    assert desk.look().is_quiet
    desk.shown.show(ledger, small)
    found = desk.look()
    (alarm,) = found.alarms
    assert alarm.sentence == f"the log had {small + 2} leaves and is shown with {small}"
    assert len(parse_canonical_json(alarm.file.read_bytes())["checkpoints"]) == 2
    desk.shown.show(ledger)
    assert desk.look().is_quiet


def test_a_rewritten_history_is_an_alarm_each_time_and_never_followed(desk):
    desk.look()
    other = make_log(2)
    other.issue(8)
    other.issue(9)
    desk.shown.show(other)
    for _ in range(2):
        (alarm,) = desk.look(own_of(other)).alarms
        assert "does not extend" in alarm.sentence
        kept = parse_canonical_json(alarm.file.read_bytes())
        assert {"checkpoints", "consistency", "old_root_of_new_tree"} <= set(kept)


def test_a_map_proof_under_an_older_checkpoint_is_an_alarm(desk):
    ledger, small = desk.shown.ledger, desk.shown.size
    ledger.act(EventType.WITHDRAW, 1)
    desk.shown.show(ledger)
    newest = desk.shown.note
    desk.shown.show(ledger, small)
    desk.shown.damage["checkpoint"] = lambda _: newest.encode()
    desk.shown._cut = ShownLog(ledger)._cut
    (alarm,) = desk.look().alarms
    assert "is shown with" in alarm.sentence


def test_a_checkpoint_without_a_maphead_at_its_end_is_an_alarm(desk):
    ledger = desk.shown.ledger
    header = parse_header(ledger.leaves[-1])
    ledger.leaves[-1] = encode_header(replace(header, version=0))
    desk.shown.show(ledger)
    (alarm,) = desk.look().alarms
    assert alarm.file.name == f"evidence-no-maphead-{desk.shown.size}.json"


# --- what proves nothing ----------------------------------------------------------------------------------


def flip(raw):
    """Change two bits: not every part of every file is looked at."""
    flipped = bytearray(raw)
    for at in (len(raw) // 2, len(raw) * 3 // 4):
        flipped[at] ^= 1
    return bytes(flipped)


@pytest.mark.parametrize("path", ["tile/0/000.p/10", "tile/entries/000.p/10", "checkpoint", "map-proofs"])
@pytest.mark.parametrize("damage", [flip, lambda raw: raw[: len(raw) // 2], lambda raw: b""])
def test_damage_on_the_way_is_not_held_against_the_log(desk, path, damage):
    ledger = desk.shown.ledger
    desk.shown.damage[path.replace("10", str(desk.shown.size))] = damage
    with pytest.raises(UnavailableError):
        desk.look()
    assert not list(desk.folder.glob("*.json"))
    desk.shown.damage.clear()
    assert desk.look().is_quiet
    assert ledger.size == desk.shown.size


def test_a_server_that_is_away_is_out_of_reach(desk):
    desk.shown.is_away = True
    with pytest.raises(UnavailableError):
        desk.look()


def test_a_checkpoint_of_another_key_is_the_servers_own_making(desk):
    other = MemoryLedger(log="other").found()
    desk.shown.note = other.checkpoint()
    with pytest.raises(UnavailableError, match="of its own making"):
        desk.look()


def test_another_log_is_a_wrong_policy(desk):
    desk.shown.note = MemoryLedger("other.example/1").found().checkpoint()
    with pytest.raises(PolicyMismatchError):
        desk.look()


def test_a_proof_that_does_not_show_the_subject_is_no_absence(desk):
    shown = ShownLog(desk.shown.ledger)
    desk.shown._prove = lambda _: shown._prove(b'{"subjects":["' + b"00" * 32 + b'"]}')
    with pytest.raises(UnavailableError, match="does not show"):
        desk.look()


def test_what_is_not_published_yet_waits(desk):
    ledger = desk.shown.ledger
    size, index = desk.shown.size, ledger.issue(9)
    raw = ledger.leaves[index][HEADER_BYTES:]
    desk.shown.show(ledger, size)
    found = desk.look([*desk.own, OwnStatement(raw, LeafIndex(index))])
    assert (found.waiting, found.own, found.is_quiet) == (1, 3, True)
    desk.shown.show(ledger)
    assert desk.look([*desk.own, OwnStatement(raw, LeafIndex(index))]).waiting == 0


# --- statements whose leaf nobody told --------------------------------------------------------------------


def test_statements_from_files_are_found_and_not_sought_again(tmp_path):
    ledger = make_log(300)
    desk = Desk(ledger, tmp_path)
    own = [OwnStatement(one.raw, None) for one in desk.own[::50]]
    later = ledger.sign_issue(seal_record(make_record(999), make_signer("seal")))
    found = desk.look([*own, OwnStatement(later, None)])
    assert (found.own, found.checked, found.waiting, found.is_quiet) == (6, 6, 1, True)
    desk.shown.requests.clear()
    assert desk.look([*own, OwnStatement(later, None)]).waiting == 1
    assert not [path for path in desk.shown.requests if "entries" in path]
    ledger.append(later)
    desk.shown.show(ledger)
    found = desk.look([*own, OwnStatement(later, None)])
    assert (found.own, found.waiting) == (7, 0)
    assert len([path for path in desk.shown.requests if "entries" in path]) == 1


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x84"])
def test_a_file_that_is_no_statement_is_named(raw):
    with pytest.raises(InputError, match=r"a\.cose"):
        parse_own_statement(raw, "a.cose")


# --- witnesses --------------------------------------------------------------------------------------------


def witnessed(desk, count, when=NOW):
    """Return a policy of two witnesses, both needed, of whom some have cosigned what is shown."""
    signers = [make_signer(f"w{n}") for n in (1, 2)]
    witnesses = tuple(Witness(f"w{n}.example", one.public_key) for n, one in enumerate(signers, start=1))
    lines = [
        sign_cosignature(desk.shown.note.partition("\n\n")[0] + "\n", witness, signer, when)
        for witness, signer in zip(witnesses, signers, strict=True)
    ]
    desk.shown.note = add_lines(desk.shown.note, lines[:count])
    return replace(desk.policy, witnesses=WitnessQuorum(witnesses, 2))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_witnesses_that_the_policy_names_must_have_cosigned(desk, count):
    found = desk.look(policy=witnessed(desk, count))
    assert found.is_quiet is (count == 2)
    if count < 2:
        assert f"is cosigned by {count} of 2 witnesses, 2 are needed" in found.alarms[0].sentence


def test_a_cosignature_from_the_future_does_not_count(desk):
    assert not desk.look(policy=witnessed(desk, 2, NOW.replace(year=2027))).is_quiet


# --- what is remembered -----------------------------------------------------------------------------------


def test_a_directory_is_of_one_log(desk):
    desk.look()
    with pytest.raises(StateError, match="log_key"):
        desk.look(policy=replace(desk.policy, log_key=make_signer("other").public_key))
