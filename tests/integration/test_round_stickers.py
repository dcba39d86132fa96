"""Stickers of rounds: bound when their document is in the log, refused with a reason, never bound twice."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rounds_world import open_round
from signoff_world import OPERATOR, open_office
from world import INSTITUTION, ORIGIN

from issuer.rounds.binding import StickerBinder, describe_stickers, preview_stickers
from issuer.rounds.store import RoundStore
from issuer.saying_store import SayingStore
from issuer.signing import Seal
from issuer.signoff.states import DraftState
from issuer.speaking import Speaker
from issuer.sticker_desk import StickerDesk
from ledger.core.errors import UnavailableError
from ledger.core.event import EventType, instrument_subject, sticker_subject
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.qr import format_code
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_use import StickerReason
from ledger.store.engine import Database

ELSEWHERE = InstrumentId(bytes([9]) * 16)
FAILING = (("20.00", "20.20"),)
ALL_PLACES = ("rounds.before_binding", "rounds.bound", "rounds.before_settling", "rounds.settled")


@pytest.fixture
def rounds(tmp_path):
    with open_round(tmp_path, 3, ("1", "2")) as rounds:
        rounds.device()
        yield equip(rounds)


def equip(rounds):
    """Give the institution a roll of stickers."""
    SayingStore(rounds.office.database).prepare()
    rounds.roll = desk(rounds).allot(20)
    return rounds


def make_seal(rounds):
    office = rounds.office
    return lambda: Seal(office.seal, ORIGIN, INSTITUTION, office.clock())


def desk(rounds):
    office = rounds.office
    sayings = SayingStore(office.database)
    speaker = Speaker(sayings, office.gateway, make_seal(rounds), office.clock, office.office.randomness)
    return StickerDesk(speaker)


def sticker(rounds, number):
    return compute_sticker_id(rounds.roll, number)


def binder(rounds):
    return StickerBinder(rounds.office.office, make_seal(rounds))


def approve(rounds, *values):
    """Bring findings back, and take their drafts through every step; return what became of stickers."""
    taken = [rounds.take(value)[0] for value in values]
    assert [one.state for one in taken] == ["drafted"] * len(taken), [one.reasons for one in taken]
    done = rounds.office.sign_all([one.draft for one in taken])
    assert not done.refused
    return done.stickers


def status(rounds, id_):
    found = rounds.office.gateway.find_states([sticker_subject(id_)])
    return found[sticker_subject(id_)].status if found else None


def bound(rounds):
    return {(one.sticker, one.part) for one in desk(rounds).list_bound()}


def count_bindings(rounds):
    types = [parse_signed_statement(raw).statement.type for raw in rounds.office.gateway.entries]
    return types.count(EventType.STICKER_BOUND)


def preview(rounds, draft):
    office = rounds.office
    found = preview_stickers(office.office, rounds.store, [office.draft(draft)])
    return [(one.state, [fault.code for fault in faults]) for one, faults in found.get(draft, [])]


# --- bound --------------------------------------------------------------------------------------------------


def test_a_sticker_is_bound_when_its_document_is_in_the_log(rounds):
    id_ = sticker(rounds, 0)
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": id_}]))
    assert taken.flags == ()
    assert rounds.draft_content(taken.draft)["sticker_id"] == format_code(id_)
    assert status(rounds, id_) is None, "nothing is said before somebody approves"
    assert preview(rounds, taken.draft) == [("waiting", [])]
    (one,) = rounds.office.sign_all([taken.draft]).stickers
    assert (one.state, one.part) == ("bound", None)
    assert status(rounds, id_) is Status.ACTIVE
    assert preview(rounds, taken.draft) == [("bound", [])]
    (described,) = describe_stickers([one])
    assert described["leaf"] == one.leaf_index == desk(rounds).bind(id_, *place(rounds, id_)).leaf_index


def place(rounds, id_):
    (found,) = [one for one in desk(rounds).list_bound() if one.sticker == id_]
    return found.instrument_id, found.part


def test_each_nozzle_has_its_own_and_the_one_before_is_released(rounds):
    one, two, newer = (sticker(rounds, number) for number in range(3))
    approve(rounds, rounds.finding(stickers=[{"id": one, "part": "1"}, {"id": two, "part": "2"}]))
    assert bound(rounds) == {(one, "1"), (two, "2")}
    rounds.office.clock.move(days=1)
    other = rounds.device(2)
    approve(rounds, rounds.finding("2", device=other, stickers=[]))
    assert bound(rounds) == {(one, "1"), (two, "2")}
    again = rounds.finding(revision=2, verified_on="2026-11-03", stickers=[{"id": newer, "part": "2"}])
    (held,) = rounds.take(again)
    assert [reason.code for reason in held.reasons] == ["DRAFT_CLOSED"], "its draft is a document by now"
    approve(
        rounds, rounds.finding(device=other, verified_on="2026-11-03", stickers=[{"id": newer, "part": "2"}])
    )
    assert bound(rounds) == {(one, "1"), (newer, "2")}
    assert status(rounds, two) is Status.INACTIVE


def test_it_was_put_on_when_the_device_says_so_and_never_in_the_future(rounds):
    early, late = sticker(rounds, 0), sticker(rounds, 1)
    approve(rounds, rounds.finding(stickers=[{"id": early}], made_at="2026-11-03T07:30:00Z"))
    approve(rounds, rounds.finding("2", stickers=[{"id": late}], made_at="2026-11-09T07:30:00Z"))
    times = {one.sticker: one.effective_at for one in desk(rounds).list_bound()}
    assert times[early].isoformat() == "2026-11-03T07:30:00+00:00"
    assert times[late] <= rounds.office.clock()


def test_the_approved_document_decides_which_sticker_stands_on_the_whole(rounds):
    wrong, right = sticker(rounds, 0), sticker(rounds, 1)
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": wrong}]))
    corrected = {**rounds.draft_content(taken.draft), "sticker_id": format_code(right).lower()}
    rounds.office.writer.edit(taken.draft, corrected, OPERATOR)
    (one,) = rounds.office.sign_all([taken.draft]).stickers
    assert (one.state, one.sticker) == ("bound", format_code(right).lower())
    assert bound(rounds) == {(right, None)}


def test_a_sticker_that_the_operator_takes_out_of_the_draft_is_left_out(rounds):
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": sticker(rounds, 0)}]))
    content = rounds.draft_content(taken.draft)
    content.pop("sticker_id")
    rounds.office.writer.edit(taken.draft, content, OPERATOR)
    (one,) = rounds.office.sign_all([taken.draft]).stickers
    assert one.state == "dropped"
    assert bound(rounds) == set()


def test_a_later_revision_names_other_stickers(rounds):
    first, second = sticker(rounds, 0), sticker(rounds, 1)
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": first, "part": "1"}]))
    approve(rounds, rounds.finding(revision=2, stickers=[{"id": second, "part": "1"}]))
    assert bound(rounds) == {(second, "1")}
    assert preview(rounds, taken.draft) == [("bound", [])]


def test_a_draft_that_is_given_up_binds_nothing(rounds):
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": sticker(rounds, 0)}]))
    rounds.office.writer.discard([taken.draft], OPERATOR, "twice")
    (one,) = binder(rounds).bind_waiting()
    assert (one.state, describe_stickers([one])[0]["reasons"][0]["en"]) == (
        "dropped",
        "the draft was given up",
    )


def test_a_returned_draft_keeps_its_sticker_waiting(rounds):
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": sticker(rounds, 0)}]))
    rounds.office.submit([taken.draft])
    rounds.office.give_back([taken.draft])
    assert binder(rounds).bind_waiting() == []
    (one,) = rounds.office.sign_all([taken.draft]).stickers
    assert one.state == "bound"


# --- what fails ---------------------------------------------------------------------------------------------


def test_what_fails_gets_none_and_its_old_one_is_released_from_parts_too(rounds):
    whole, part = sticker(rounds, 0), sticker(rounds, 1)
    approve(rounds, rounds.finding(stickers=[{"id": whole}, {"id": part, "part": "2"}]))
    assert bound(rounds) == {(whole, None), (part, "2")}
    rounds.office.clock.move(days=1)
    other = rounds.device(2)
    approve(rounds, rounds.finding(device=other, readings=FAILING, verified_on="2026-11-03"))
    assert bound(rounds) == set()
    assert status(rounds, whole) is status(rounds, part) is Status.INACTIVE


def test_a_sticker_on_what_fails_is_held_and_then_refused(rounds):
    id_ = sticker(rounds, 0)
    (taken,) = rounds.take(rounds.finding(readings=FAILING, stickers=[{"id": id_, "part": "1"}]))
    assert taken.state == "held"
    assert [one.code for one in taken.reasons] == ["STICKER"]
    (held,) = rounds.findings()
    made = rounds.receiver().make_draft(held.round, held.position)
    (one,) = rounds.office.sign_all([made.draft]).stickers
    assert (one.state, describe_stickers([one])[0]["reasons"][0]["code"]) == ("refused", "STICKER_FAILED")
    assert bound(rounds) == set()


def test_a_sticker_on_a_part_that_the_document_does_not_name_is_refused(rounds):
    known, unknown = sticker(rounds, 0), sticker(rounds, 1)
    stickers = [{"id": known, "part": "2"}, {"id": unknown, "part": "9"}]
    (taken,) = rounds.take(rounds.finding(stickers=stickers))
    assert [one.code for one in taken.reasons] == ["STICKER"]
    (held,) = rounds.findings()
    made = rounds.receiver().make_draft(held.round, held.position)
    one, other = rounds.office.sign_all([made.draft]).stickers
    assert (one.state, other.state) == ("bound", "refused")
    (fault,) = describe_stickers([other])[0]["reasons"]
    assert (fault["code"], "9" in fault["en"], "9" in fault["zh"]) == ("STICKER_PART", True, True)
    assert bound(rounds) == {(known, "2")}


def test_a_sticker_on_what_another_document_failed_is_refused(rounds):
    whole, part, states = sticker(rounds, 0), sticker(rounds, 1), rounds.office.gateway.states
    approve(rounds, rounds.finding(stickers=[{"id": whole}]))
    instrument_id, _ = place(rounds, whole)
    state = states[instrument_subject(instrument_id, None)]
    states[instrument_subject(instrument_id, "1")] = replace(state, status=Status.FAILED)
    rounds.office.clock.move(days=1)
    stickers = [{"id": part, "part": "1"}]
    finding = rounds.finding(device=rounds.device(2), verified_on="2026-11-03", stickers=stickers)
    (one,) = approve(rounds, finding)
    (fault,) = describe_stickers([one])[0]["reasons"]
    assert (one.state, fault["code"]) == ("refused", "STICKER_REFUSED")
    assert ("what fails" in fault["en"], "检定不合格" in fault["zh"]) == (True, True)


# --- refused ------------------------------------------------------------------------------------------------


def spoil(rounds, case):
    """Return an id that will not be bound, and why not."""
    roll, id_ = rounds.roll, sticker(rounds, 0)
    rolls = rounds.office.gateway.founded.rolls
    if case == "unknown":
        return compute_sticker_id(replace(roll, roll="0000000"), 0), "STICKER_UNKNOWN"
    if case == "made up":
        return compute_sticker_id(replace(roll, seed=bytes(16)), 0), "STICKER_UNKNOWN"
    if case == "foreign":
        other = replace(roll, roll="0000001", institution=InstitutionId("350100-02"))
        rolls[other.roll] = other
        return compute_sticker_id(other, 0), "STICKER_FOREIGN"
    if case == "withdrawn":
        desk(rounds).withdraw(roll.roll)
        return id_, "STICKER_WITHDRAWN"
    desk(rounds).bind(id_, ELSEWHERE, None)
    return id_, "STICKER_ELSEWHERE"


@pytest.mark.parametrize("case", ["unknown", "made up", "foreign", "withdrawn", "elsewhere"])
def test_what_is_not_bound_is_said_to_device_approver_and_afterwards(rounds, case):
    id_, code = spoil(rounds, case)
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": id_, "part": "1"}]))
    assert taken.state == "drafted", "the readings are in order"
    if case != "elsewhere":  # where it is to stand is known once the draft is submitted
        assert [one.code for one in taken.flags] == [code]
    rounds.office.submit([taken.draft])
    assert preview(rounds, taken.draft) == [("waiting", [code])]
    rounds.office.check([taken.draft])
    done = rounds.office.approve([taken.draft])
    assert [draft.state for draft in done.done] == [DraftState.APPROVED], (
        "the document is issued all the same"
    )
    (one,) = done.stickers
    assert one.state == "refused"
    assert preview(rounds, taken.draft) == [("refused", [code])]
    (fault,) = describe_stickers([one])[0]["reasons"]
    assert fault["en"]
    assert fault["zh"]


def test_what_was_refused_is_asked_again_once_its_reason_is_gone(rounds):
    id_, _ = spoil(rounds, "elsewhere")
    (one,) = approve(rounds, rounds.finding(stickers=[{"id": id_}]))
    assert binder(rounds).bind_waiting() == [], "it does not ask for ever"
    desk(rounds).release(id_, StickerReason.WRONG_INSTRUMENT)
    with rounds.store.write() as writing:
        writing.retry_stickers([one.draft])
    (again,) = binder(rounds).bind_waiting()
    assert again.state == "bound"
    assert bound(rounds) == {(id_, None)}


def test_an_older_one_that_is_asked_again_does_not_replace_a_newer_one(rounds):
    old, _ = spoil(rounds, "elsewhere")
    newer = sticker(rounds, 5)
    (one,) = approve(rounds, rounds.finding(stickers=[{"id": old, "part": "1"}]))
    rounds.office.clock.move(days=1)
    approve(
        rounds,
        rounds.finding(
            device=rounds.device(2),
            verified_on="2026-11-03",
            made_at="2026-11-04T07:50:00Z",
            stickers=[{"id": newer, "part": "1"}],
        ),
    )
    desk(rounds).release(old, StickerReason.WRONG_INSTRUMENT)
    with rounds.store.write() as writing:
        writing.retry_stickers([one.draft])
    (again,) = binder(rounds).bind_waiting()
    assert describe_stickers([again])[0]["reasons"][0]["code"] == "STICKER_OLDER"
    assert bound(rounds) == {(newer, "1")}


@pytest.mark.parametrize("reason", ["DAMAGED", "LOST", "COPIED", "COURT_OR_AUTHORITY_ORDER"])
def test_what_was_taken_off_for_good_since_it_was_put_on_is_not_put_back(rounds, reason):
    id_ = sticker(rounds, 0)
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": id_, "part": "1"}]))
    desk(rounds).bind(id_, ELSEWHERE, None)
    desk(rounds).release(id_, StickerReason(reason))
    assert preview(rounds, taken.draft) == [("waiting", ["STICKER_TAKEN_OFF"])]
    (one,) = rounds.office.sign_all([taken.draft]).stickers
    (fault,) = describe_stickers([one])[0]["reasons"]
    assert (one.state, fault["code"]) == ("refused", "STICKER_TAKEN_OFF")
    assert bound(rounds) == set()


def test_what_was_taken_off_before_it_was_put_on_is_bound(rounds):
    id_ = sticker(rounds, 0)
    desk(rounds).bind(id_, ELSEWHERE, None)
    desk(rounds).release(id_, StickerReason.LOST, datetime(2026, 11, 1, tzinfo=UTC))
    approve(rounds, rounds.finding(stickers=[{"id": id_}], made_at="2026-11-03T07:50:00Z"))
    assert bound(rounds) == {(id_, None)}


@pytest.mark.parametrize(
    ("stickers", "conclusion_code"),
    [
        ([{"id": "7KQ2M9X001RCCF84"}], "STICKER"),
        ([{"id": "ST-1"}], "STICKER"),
        ([{"id": "7KQ2M9X001RCCF83", "part": "7"}], "STICKER"),
        ([{"id": "7KQ2M9X001RCCF83"}, {"id": "7KQ2M9X001RCCF83"}], "STICKER"),
    ],
)
def test_stickers_that_cannot_stand_there_are_held(rounds, stickers, conclusion_code):
    (taken,) = rounds.take(rounds.finding(stickers=stickers))
    assert taken.state == "held"
    assert conclusion_code in [one.code for one in taken.reasons]


# --- killed, out of reach, on each database -----------------------------------------------------------------


class Away:
    """A log that takes documents and is out of reach for everything else."""

    def __init__(self, gateway):
        self._gateway = gateway

    def __getattr__(self, name):
        return getattr(self._gateway, name)

    def submit(self, entries):
        if entries[0][1] is None:
            raise UnavailableError("away")
        return self._gateway.submit(entries)


def test_while_the_log_is_away_a_sticker_waits(rounds):
    id_, office = sticker(rounds, 0), rounds.office
    (taken,) = rounds.take(rounds.finding(stickers=[{"id": id_}]))
    ids = [taken.draft]
    office.submit(ids)
    office.check(ids)
    away = office.reopen(log=Away(office.gateway))
    done = away.approve(ids)
    assert not done.refused
    assert done.stickers == []
    assert preview(rounds, taken.draft) == [("waiting", [])]
    (one,) = office.approver.deliver(office.seal).stickers
    assert one.state == "bound"
    assert count_bindings(rounds) == 1


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


@pytest.mark.parametrize("place", ALL_PLACES)
def test_killed_anywhere_the_next_run_binds_once(tmp_path, place):
    armed = [place]

    def trap(name):
        if name in armed:
            armed.clear()
            raise Killed(name)

    with open_round(tmp_path, 3, ("1", "2"), failpoint=trap) as rounds:
        rounds.device()
        equip(rounds)
        stickers = [{"id": sticker(rounds, 0)}, {"id": sticker(rounds, 1), "part": "2"}]
        (taken,) = rounds.take(rounds.finding(stickers=stickers))
        rounds.office.submit([taken.draft])
        rounds.office.check([taken.draft])
        with pytest.raises(Killed):
            rounds.office.approve([taken.draft])
        binder(rounds).bind_waiting()
        assert bound(rounds) == {(sticker(rounds, 0), None), (sticker(rounds, 1), "2")}
        assert count_bindings(rounds) == 2
        assert binder(rounds).bind_waiting() == []
        assert {state for state, _ in preview(rounds, taken.draft)} == {"bound"}


@pytest.mark.parametrize("made_at", ["2026-11-03T07:50:00Z", "2026-11-09T07:50:00Z"])
@pytest.mark.parametrize("reason", ["DAMAGED", "TYPO"])
def test_what_was_taken_off_after_a_kill_is_not_put_back(tmp_path, reason, made_at):
    armed = ["rounds.bound"]

    def trap(name):
        if name in armed:
            armed.clear()
            raise Killed(name)

    with open_round(tmp_path, 3, ("1", "2"), failpoint=trap) as rounds:
        rounds.device()
        id_ = sticker(equip(rounds), 0)
        (taken,) = rounds.take(rounds.finding(stickers=[{"id": id_}], made_at=made_at))
        rounds.office.submit([taken.draft])
        rounds.office.check([taken.draft])
        with pytest.raises(Killed):
            rounds.office.approve([taken.draft])
        rounds.office.clock.move(days=1)
        desk(rounds).release(id_, StickerReason(reason))
        (one,) = binder(rounds).bind_waiting()
        assert (one.state, one.leaf_index is None) == ("bound", False)
        assert (bound(rounds), count_bindings(rounds)) == (set(), 1), "its page says that it was taken off"


def test_stickers_on_each_database(tmp_path, database_url):
    with open_round(tmp_path, 2, ("1", "2"), database=Database(database_url)) as rounds:
        rounds.device()
        equip(rounds)
        good, bad = sticker(rounds, 0), compute_sticker_id(replace(rounds.roll, roll="0000000"), 0)
        settled = approve(rounds, rounds.finding(stickers=[{"id": good}, {"id": bad, "part": "2"}]))
        assert [one.state for one in settled] == ["bound", "refused"]
        with rounds.store.write() as writing:
            writing.retry_stickers([settled[0].draft])
        assert [one.state for one in binder(rounds).bind_waiting()] == ["refused"]


def test_a_desk_without_rounds_has_nothing_to_bind(tmp_path):
    with open_office(tmp_path) as office:
        assert not RoundStore(office.database).has_stickers()
        assert office.sign_all(office.create(1)).stickers == []
