"""Which register leaves are chosen, and that only new ones are read."""

import pytest
from fakes import MemoryStore
from world import FOUNDING, INSTITUTION, ORIGIN, Clock, World, make_signer, submit

from ledger.core.errors import NotFoundError
from ledger.log import Log
from ledger.register_index import RegisterIndex

WORLD = World()
OTHER = "350200-02"
REGISTERED = FOUNDING + 1
"""Where the second institution stands, between two issues; a MAPHEAD ends each batch."""
SIZE = FOUNDING + 4 + 3


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def log(store):
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *WORLD.founding())
    submit(log, WORLD.bare_issue(1), WORLD.institution(OTHER, division="350200"), WORLD.bare_issue(2))
    submit(log, WORLD.key(OTHER, seal=make_signer("other")), WORLD.scope(OTHER, division="3502"))
    assert log.head.tree_size == SIZE
    return log


class CountingReading:
    """Remembers from where register leaves were read."""

    def __init__(self, store):
        self.store = store
        self.begins = []

    def read_head(self):
        return self.store.data.head

    def read_register_leaves(self, begin=0):
        self.begins.append(begin)
        with self.store.read() as reading:
            return reading.read_register_leaves(begin)


def choose(index, institution, size):
    return [entry.leaf_index for entry in index.select(institution, size)]


def test_an_institution_rests_on_the_root_its_authority_and_itself(log, store):
    index = RegisterIndex()
    index.update(CountingReading(store), log.head.tree_size)
    assert choose(index, INSTITUTION, SIZE) == [0, 1, 2, 3, 4]
    assert choose(index, OTHER, SIZE) == [0, 1, REGISTERED, SIZE - 3, SIZE - 2]
    assert choose(index, None, SIZE) == [0, 1, 2, 3, 4, REGISTERED, SIZE - 3, SIZE - 2]


def test_a_smaller_size_leaves_out_what_came_later(log, store):
    index = RegisterIndex()
    index.update(CountingReading(store), log.head.tree_size)
    assert choose(index, OTHER, SIZE - 2) == [0, 1, REGISTERED, SIZE - 3]
    with pytest.raises(NotFoundError):
        index.select(OTHER, REGISTERED)


@pytest.mark.parametrize("name", ["ROOT", "CN-35", "350100", "", "350100-01x"])
def test_what_is_no_institution_is_not_found(log, store, name):
    index = RegisterIndex()
    index.update(CountingReading(store), log.head.tree_size)
    with pytest.raises(NotFoundError):
        index.select(name, SIZE)


def test_only_new_leaves_are_read_and_only_when_needed(log, store):
    reading, index = CountingReading(store), RegisterIndex()
    index.update(reading, log.head.tree_size)
    index.update(reading, log.head.tree_size)
    assert reading.begins == [0]
    size = log.head.tree_size
    submit(log, WORLD.scope(version=1, division="35010"))
    index.update(reading, size)
    assert reading.begins == [0]
    index.update(reading, log.head.tree_size)
    assert reading.begins == [0, size]
    assert choose(index, INSTITUTION, size + 1) == [0, 1, 2, 3, 4, size]
