"""Histories that are walked along the leaves are the histories that the log holds."""

import random

import pytest
from acts import SECOND as SECOND_INSTITUTION
from acts import People, get_thing, make_instrument
from fakes import MemoryStore
from stickers import FIRST, PUMP, SCALE, StickerLedger
from stickers import SECOND as SECOND_STICKER
from world import AUTHORITY, INSTITUTION, ORIGIN, Clock, World, submit

from ledger import history as history_module
from ledger.core.entry import parse_leaf
from ledger.core.errors import LogIntegrityError
from ledger.core.event import EventType, instrument_subject, registration_subject
from ledger.core.lot import LotStatus
from ledger.core.status import Status
from ledger.history import read_history
from ledger.log import Log
from ledger.submission import Refusal

ISSUE, SUSPEND, REINSTATE = EventType.ISSUE, EventType.SUSPEND, EventType.REINSTATE
BOUND, UNBOUND = EventType.STICKER_BOUND, EventType.STICKER_UNBOUND
SAME_AS, REVERIFY = EventType.INSTRUMENT_SAME_AS, EventType.REVERIFY_NEEDED


class Lived:
    """A log to which things happen."""

    def __init__(self):
        self.people, self.store = People(World()), MemoryStore()
        self.log = Log(self.store, ORIGIN, self.people.world.log_key, Clock())
        submit(self.log, *self.people.founding())

    def say(self, *raws):
        """Return where the statements stand; what the log refuses is left out."""
        results = submit(self.log, *raws)
        return [result.leaf_index for result in results if not isinstance(result, Refusal)]

    def history(self, thing=0, parts=()):
        instrument, part = get_thing(thing)
        with self.store.read() as reading:
            return read_history(reading, make_instrument(instrument), part, parts)

    def types(self, *arguments, **options):
        return [one.header.type for one in self.history(*arguments, **options).happenings]


@pytest.fixture
def lived():
    return Lived()


def test_the_newest_comes_first(lived):
    people = lived.people
    issue = lived.say(people.issue(INSTITUTION, 1, 0))
    others = lived.say(
        people.act(SUSPEND, AUTHORITY, INSTITUTION, 1, 0, version=1),
        people.act(REINSTATE, AUTHORITY, INSTITUTION, 1, 0, version=2),
        people.issue(SECOND_INSTITUTION, 1, 0, passed=False, version=3),
    )
    found = lived.history()
    assert [one.leaf_index for one in found.happenings] == [*reversed(others), *issue]
    assert [one.header.type for one in found.happenings] == [ISSUE, REINSTATE, SUSPEND, ISSUE]
    assert found.happenings[-1].content is None
    assert found.happenings[2].content.decision.number == "闽市监检撤〔2026〕3号"
    assert found.happenings[0].signed.statement.issuer == SECOND_INSTITUTION
    assert not found.is_cut


def test_what_nothing_has_happened_to_has_no_history(lived):
    assert lived.history(2).happenings == ()


def test_other_instruments_are_not_in_it(lived):
    lived.say(lived.people.issue(INSTITUTION, 1, 0), lived.people.issue(INSTITUTION, 2, 2))
    assert len(lived.history().happenings) == len(lived.history(2).happenings) == 1


def test_parts_belong_to_it_and_the_whole_to_a_part(lived):
    lived.say(lived.people.issue(INSTITUTION, 1, 0), lived.people.issue(INSTITUTION, 2, 1, passed=False))
    assert lived.types() == [ISSUE]
    assert lived.types(parts=["1"]) == [ISSUE, ISSUE]
    assert lived.types(1) == [ISSUE, ISSUE]


def test_what_is_said_of_a_lot_is_said_of_its_members(lived):
    people = lived.people
    lived.say(people.issue(INSTITUTION, 1, 0, lot="L-1"), people.issue(INSTITUTION, 2, 2))
    lived.say(people.say_of_lot(AUTHORITY, INSTITUTION, "L-1", LotStatus.FAILED, version=0))
    assert lived.types() == [EventType.LOT, ISSUE]
    assert lived.types(2) == [ISSUE]


def test_two_registrations_that_are_one_instrument_have_one_history(lived):
    people = lived.people
    lived.say(people.issue(INSTITUTION, 1, 0), people.issue(INSTITUTION, 2, 2))
    lived.say(people.say_same(AUTHORITY, (INSTITUTION, 1, 0), (INSTITUTION, 2, 2), version=1))
    assert lived.types() == lived.types(2) == [SAME_AS, ISSUE, ISSUE]
    lived.say(people.act(REVERIFY, AUTHORITY, INSTITUTION, 2, 2, version=2))
    assert lived.types() == lived.types(2) == [REVERIFY, SAME_AS, ISSUE, ISSUE]


@pytest.mark.parametrize("seed", range(20))
def test_random_histories_are_those_of_the_log(lived, seed):
    """All leaves with effect whose header names the instrument, and no others; looked for leaf by leaf."""
    chance, people = random.Random(seed), lived.people
    issued = 0
    for _ in range(30):
        thing = chance.choice((0, 2))
        subject = instrument_subject(*_split(thing))
        state = lived.store.data.states.get(subject)
        version = 0 if state is None else state.version
        if not issued or chance.random() < 0.4:
            issued += 1
            lived.say(people.issue(INSTITUTION, issued, thing, version=version))
        else:
            kind = chance.choice((SUSPEND, REINSTATE, REVERIFY, EventType.CANCEL))
            number = chance.randint(1, issued)
            lived.say(people.act(kind, AUTHORITY, INSTITUTION, number, thing, version=version))
    for thing in (0, 2):
        subject = instrument_subject(*_split(thing))
        leaves = [parse_leaf(entry.leaf).header for entry in lived.store.data.entries]
        expected = [
            index
            for index, header in enumerate(leaves)
            if header.subject == subject and header.status != Status.VOID
        ]
        assert [one.leaf_index for one in lived.history(thing).happenings] == expected[::-1]


def _split(thing):
    instrument, part = get_thing(thing)
    return make_instrument(instrument), part


def test_of_a_long_history_the_newest_part_is_read(lived, monkeypatch):
    monkeypatch.setattr(history_module, "MOST", 5)
    for version in range(7):
        lived.say(lived.people.issue(INSTITUTION, version + 1, 0, version=version))
    found = lived.history()
    assert found.is_cut
    assert [one.signed.statement.claims.number for one in found.happenings] == [
        f"A-{number}" for number in (7, 6, 5, 4, 3)
    ]
    monkeypatch.setattr(history_module, "MOST", 7)
    assert not lived.history().is_cut


def test_a_leaf_that_is_gone_is_no_short_history(lived):
    issue, act = lived.say(
        lived.people.issue(INSTITUTION, 1, 0),
        lived.people.act(SUSPEND, AUTHORITY, INSTITUTION, 1, 0, version=1),
    )
    entries = lived.store.data.entries
    entries[issue] = entries[issue]._replace(leaf=entries[issue].leaf[:-1])
    with pytest.raises(LogIntegrityError, match=f"leaf {issue} cannot be read"):
        lived.history()
    with lived.store.read() as reading:
        reading.read_leaves_at = lambda _indices: {}
        with pytest.raises(LogIntegrityError, match=f"no leaf {act}"):
            read_history(reading, make_instrument(0), None, ())


# --- registrations and stickers -------------------------------------------------------------------------------


class Stickered:
    """A ledger with stickers, read as a store."""

    def __init__(self):
        self.ledger = StickerLedger()

    def find_states(self, wanted):
        return {subject: self.ledger.states[subject] for subject in wanted if subject in self.ledger.states}

    def read_leaves_at(self, indices):
        return {index: self.ledger.leaves[index] for index in indices}

    def find_issue(self, _issuer, _number):
        return None

    def say(self, *raws):
        return [self.ledger.append(raw) for raw in raws]

    def types(self, instrument=PUMP, part=None, parts=()):
        return [one.header.type for one in read_history(self, instrument, part, parts).happenings]


def test_registration_and_sticker_stand_in_it():
    told = Stickered()
    told.say(told.ledger.enter())
    told.say(told.ledger.bind())
    assert told.types() == [BOUND, EventType.INSTRUMENT]
    told.say(told.ledger.release())
    assert told.types() == [UNBOUND, BOUND, EventType.INSTRUMENT]
    assert registration_subject(PUMP) in told.ledger.states


def test_what_has_no_effect_is_not_in_it():
    told = Stickered()
    _, again = told.say(told.ledger.bind(), told.ledger.bind(version=0))
    assert parse_leaf(told.ledger.leaves[again]).header.status == Status.VOID
    assert told.types() == [BOUND]


def test_where_else_a_sticker_has_stood_is_not_in_it():
    told = Stickered()
    told.say(told.ledger.bind(instrument=SCALE))
    told.say(told.ledger.release(instrument=SCALE))
    told.say(told.ledger.bind(instrument=PUMP))
    assert told.types(PUMP) == [BOUND]
    assert told.types(SCALE) == [UNBOUND, BOUND]


def test_the_sticker_of_a_part_is_of_that_part():
    told = Stickered()
    told.say(told.ledger.bind(part="1"), told.ledger.bind(SECOND_STICKER))
    assert told.types() == [BOUND]
    assert told.types(parts=["1"]) == [BOUND, BOUND]
    assert FIRST != SECOND_STICKER
