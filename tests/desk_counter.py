"""The counter of a desk, over a log in memory: speaks of instruments and stickers.

>>> Counter(path).desk().allot(10).count
10
"""

from acts import People
from desk_world import CountingRandomness, DirectLedger, FlakyDatabase
from fakes import MemoryStore
from world import INSTITUTION, ORIGIN, Clock, World, submit

from issuer.cli import Gateway
from issuer.saying_store import SayingStore
from issuer.signing import Seal
from issuer.speaking import Speaker
from issuer.sticker_desk import StickerDesk
from ledger.core.entry import parse_leaf
from ledger.log import Log

WORLD = World()


class Counter:
    """A desk with stickers, over a log in memory."""

    def __init__(self, path):
        self.people, self.clock, self.store = People(WORLD), Clock(), MemoryStore()
        self.log = Log(self.store, ORIGIN, WORLD.log_key, self.clock)
        submit(self.log, *self.people.founding())
        self.ledger = DirectLedger(self.log, self.store)
        self.database = FlakyDatabase(path / "desk.db")
        self.sayings = SayingStore(self.database)
        self.sayings.prepare()
        self.randomness = CountingRandomness()

    def speaker(self, gateway=None):
        def make_seal():
            return Seal(WORLD.seal, ORIGIN, INSTITUTION, self.clock())

        gateway = gateway or Gateway(self.ledger)
        return Speaker(self.sayings, gateway, make_seal, self.clock, self.randomness)

    def desk(self, gateway=None):
        return StickerDesk(self.speaker(gateway))

    def size(self):
        return len(self.leaves())

    def leaves(self):
        with self.store.read() as reading:
            return [parse_leaf(raw) for raw in reading.read_leaves(0, reading.read_head().tree_size)]

    def state(self, subject):
        found = self.ledger.find_states([subject]).get(subject)
        return None if found is None else found.status


class Answering:
    """A ledger that gives these answers first."""

    def __init__(self, ledger, *answers):
        self.ledger, self.answers, self.asked = Gateway(ledger), list(answers), 0

    def submit(self, entries):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return self.ledger.submit(entries) if answer is None else [answer]

    def find_states(self, subjects):
        return self.ledger.find_states(subjects)
