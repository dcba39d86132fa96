"""The history of an instrument, read from both kinds of database as from memory."""

from acts import People, make_instrument
from world import AUTHORITY, INSTITUTION, World, submit

from ledger.core.event import EventType
from ledger.history import read_history
from ledger.log import Log


def test_a_history_is_walked_along_stored_leaves(store, clock):
    people = People(World())
    log = Log(store, people.world.origin, people.world.log_key, clock)
    submit(log, *people.founding())
    submit(log, people.issue(INSTITUTION, 1, 0), people.issue(INSTITUTION, 2, 2))
    submit(log, people.act(EventType.SUSPEND, AUTHORITY, INSTITUTION, 1, 0, version=1))
    submit(log, people.say_same(AUTHORITY, (INSTITUTION, 1, 0), (INSTITUTION, 2, 2), version=2))
    with store.read() as reading:
        found = read_history(reading, make_instrument(1), None, ())
        assert [one.header.type.name for one in found.happenings] == [
            "INSTRUMENT_SAME_AS",
            "SUSPEND",
            "ISSUE",
            "ISSUE",
        ]
        assert read_history(reading, make_instrument(0), None, ()) == found
        assert not found.is_cut
