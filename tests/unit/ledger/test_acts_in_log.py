"""Random histories of issues and acts: log, replay, status map and a naive fold agree, leaf by leaf."""

from dataclasses import dataclass, field

from acts import ELSEWHERE, PARTS, SECOND, People, make_instrument, make_number
from fakes import MemoryStore
from hypothesis import given
from hypothesis import strategies as st
from world import AUTHORITY, INSTITUTION, ORIGIN, Clock, World, submit

from ledger.core.entry import parse_leaf
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.map_proof import build_map_proof, open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.replay import Replay
from ledger.core.status import Status, SubjectState
from ledger.log import Log
from ledger.map_history import open_map_under, read_maphead
from ledger.submission import Acknowledgement

WORLD = World()
INSTITUTIONS = (INSTITUTION, SECOND)

# --- the naive fold -----------------------------------------------------------------------------------------


@dataclass
class Thing:
    status: str
    version: int
    last: int
    issue: int
    """Leaf of the certificate, or of the instrument's newest one."""
    about: int = -1
    """Of a certificate: its instrument."""


@dataclass
class Naive:
    """Says in words what the norm says."""

    things: dict[int, Thing] = field(default_factory=dict)
    certificates: dict[tuple[str, int], Thing] = field(default_factory=dict)

    def version_of(self, thing):
        return self.things[thing].version if thing in self.things else 0

    def issue(self, index, issuer, number, thing, *, passed, version):
        if (issuer, number) in self.certificates or version != self.version_of(thing):
            return False
        status = "VALID" if passed else "FAILED"
        self.certificates[issuer, number] = Thing(status, 1, index, index, thing)
        self.things[thing] = Thing(status, version + 1, index, index)
        return True

    def act(self, index, kind, speaker, issuer, number, thing, *, version, decided):
        certificate = self.certificates.get((issuer, number))
        if certificate is None or certificate.about != thing or version != self.version_of(thing):
            return False
        if not self._may(kind, speaker, issuer, decided=decided):
            return False
        own, status = self.things[thing], certificate.status
        if kind == "REVERIFY_NEEDED":
            if own.issue != certificate.issue:
                return False
            if own.status != "FAILED":
                own.status = "NEEDS_REVERIFICATION"
        else:
            after = {
                ("WITHDRAW", "VALID"): "WITHDRAWN",
                ("WITHDRAW", "FAILED"): "WITHDRAWN",
                ("WITHDRAW", "SUSPENDED"): "WITHDRAWN",
                ("CANCEL", "VALID"): "CANCELLED",
                ("CANCEL", "SUSPENDED"): "CANCELLED",
                ("SUSPEND", "VALID"): "SUSPENDED",
                ("REINSTATE", "SUSPENDED"): "VALID",
                ("REINSTATE", "CANCELLED"): "VALID",
            }.get((kind, status))
            if after is None:
                return False
            certificate.status, certificate.last = after, index
            certificate.version += 1
            if own.issue == certificate.issue and own.status != "NEEDS_REVERIFICATION":
                own.status = after
        own.version, own.last = own.version + 1, index
        return True

    def _may(self, kind, speaker, issuer, *, decided):
        if speaker in INSTITUTIONS:
            return speaker == issuer and not decided and kind in {"WITHDRAW", "SUSPEND", "REVERIFY_NEEDED"}
        if speaker == ELSEWHERE or kind == "WITHDRAW":
            return False
        return decided or kind == "REINSTATE"

    def states(self):
        found = {}
        for thing, state in self.things.items():
            instrument, part = PARTS[thing]
            found[instrument_subject(make_instrument(instrument), part)] = to_state(state)
        for (issuer, number), state in self.certificates.items():
            found[certificate_subject(issuer, make_number(number))] = to_state(state)
        return found


def to_state(thing):
    return SubjectState(Status[thing.status], thing.version, thing.last, thing.issue)


# --- histories ----------------------------------------------------------------------------------------------

NUMBERS, THINGS = st.integers(0, 3), st.integers(0, len(PARTS) - 1)
BEHIND = st.sampled_from([0] * 9 + [1, -1])
ISSUES = st.tuples(
    st.just("ISSUE"),
    st.sampled_from(INSTITUTIONS),
    NUMBERS,
    THINGS,
    st.sampled_from([True, True, False]),
    BEHIND,
)
SPEAKERS = st.sampled_from([INSTITUTION, INSTITUTION, SECOND, AUTHORITY, AUTHORITY, AUTHORITY, ELSEWHERE])
KINDS = ["WITHDRAW", "CANCEL", "SUSPEND", "SUSPEND", "SUSPEND", "REINSTATE", "REINSTATE", "REVERIFY_NEEDED"]
ACTS = st.tuples(
    st.sampled_from(KINDS),
    SPEAKERS,
    st.sampled_from([INSTITUTION, INSTITUTION, SECOND]),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
    st.sampled_from([None] * 5 + list(range(len(PARTS)))),
    st.sampled_from([None] * 5 + [True, False]),
    BEHIND,
)
BEGINNING = [
    ("ISSUE", INSTITUTION, 0, 0, True, 0),
    ("ISSUE", SECOND, 0, 1, True, 0),
    ("ISSUE", INSTITUTION, 1, 2, False, 0),
]
HISTORIES = st.lists(st.lists(ISSUES | ACTS | ACTS | ACTS, min_size=4, max_size=12), min_size=1, max_size=5)


def take(naive, people, step, index):
    """Return the statement of a step, and whether it takes effect at this index."""
    if step[0] == "ISSUE":
        _, issuer, number, thing, passed, behind = step
        version = max(0, naive.version_of(thing) - behind)
        raw = people.issue(issuer, number, thing, passed=passed, version=version)
        return raw, naive.issue(index, issuer, number, thing, passed=passed, version=version)
    kind, speaker, issuer, number, thing, decided, behind = step
    known = naive.certificates.get((issuer, number))
    if thing is None:
        thing = 0 if known is None else known.about
    if decided is None:
        decided = speaker not in INSTITUTIONS
    version = max(0, naive.version_of(thing) - behind)
    said = {"version": version, "decided": decided}
    raw = people.act(EventType[kind], speaker, issuer, number, thing, **said)
    return raw, naive.act(index, kind, speaker, issuer, number, thing, **said)


def read_states(store, subjects):
    with store.read() as reading:
        return reading.find_states(list(subjects))


def assert_history(history):
    people, naive, store = People(WORLD), Naive(), MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *people.founding())
    after: dict[int, dict] = {}
    for batch in history:
        raws, expected, index = [], [], log.head.tree_size
        for step in batch:
            before = naive.states()
            raw, effective = take(naive, people, step, index)
            raws.append(raw)
            expected.append(effective)
            index += effective
            changed = {subject for subject, state in naive.states().items() if before.get(subject) != state}
            assert len(changed) <= 2 * effective
        results = submit(log, *raws)
        assert [isinstance(result, Acknowledgement) for result in results] == expected
        after[log.head.tree_size] = naive.states()
        assert read_states(store, naive.states()) == naive.states()
    assert_replayed(store, naive.states())
    for size, states in after.items():
        assert_proved(store, size, states)


def assert_replayed(store, states):
    replay = Replay()
    with store.read() as reading:
        leaves = reading.read_leaves(0, reading.read_head().tree_size)
        for leaf in leaves:
            replay.take(leaf)
        stored = reading.find_states(list(replay.states))
    assert replay.states == stored
    assert {subject: replay.states[subject] for subject in states} == states
    assert not [leaf for leaf in leaves if parse_leaf(leaf).header.status == Status.VOID]


def assert_proved(store, size, states):
    """Compare the map under a checkpoint, as it is proved today, with the states of then."""
    with store.read() as reading:
        status_map = open_map_under(reading, size)
        root = get_map_root(read_maphead(reading, size))
        every = [
            certificate_subject(issuer, make_number(number)) for issuer in INSTITUTIONS for number in range(4)
        ]
        proof = build_map_proof(status_map, {*states, *every}, reading.load_pages)
    proven = open_map_proof(proof, root)
    assert {subject: proven.find(subject) for subject in {*states, *every}} == dict.fromkeys(every) | states


@given(HISTORIES)
def test_log_replay_map_and_a_naive_fold_agree(history):
    assert_history([BEGINNING, *history])


def test_an_issue_and_acts_on_it_may_come_in_one_batch():
    steps = [
        ("ISSUE", INSTITUTION, 0, 0, True, 0),
        ("SUSPEND", INSTITUTION, INSTITUTION, 0, None, None, 0),
        ("REINSTATE", INSTITUTION, INSTITUTION, 0, None, None, 0),
        ("REINSTATE", AUTHORITY, INSTITUTION, 0, None, None, 0),
        ("CANCEL", AUTHORITY, INSTITUTION, 0, 1, None, 0),
        ("CANCEL", ELSEWHERE, INSTITUTION, 0, None, None, 0),
        ("CANCEL", AUTHORITY, INSTITUTION, 0, None, False, 0),
        ("CANCEL", AUTHORITY, INSTITUTION, 0, None, None, 1),
        ("CANCEL", AUTHORITY, INSTITUTION, 0, None, None, 0),
        ("ISSUE", SECOND, 0, 0, False, 0),
        ("REVERIFY_NEEDED", AUTHORITY, SECOND, 0, None, None, 0),
        ("WITHDRAW", SECOND, SECOND, 0, None, None, 0),
    ]
    assert_history([steps])
    assert_history([[step] for step in steps])


def test_a_log_that_is_opened_again_knows_which_instruments_are_the_same():
    world, store = World(), MemoryStore()
    people, log = People(world), Log(store, ORIGIN, world.log_key, Clock())
    submit(log, *people.founding(), people.issue(INSTITUTION, 1, 0), people.issue(INSTITUTION, 2, 2))
    one, other = (INSTITUTION, 1, 0), (INSTITUTION, 2, 2)
    submit(log, people.say_same(INSTITUTION, one, other, version=1))
    opened = Log(store, ORIGIN, world.log_key, Clock())
    assert opened.registers == log.registers
    assert opened.registers.twins
    (failed,) = submit(opened, people.issue(SECOND, 3, 0, passed=False, version=2))
    assert isinstance(failed, Acknowledgement)
    found = read_states(store, [instrument_subject(make_instrument(number)) for number in (0, 1)])
    assert {(state.status, state.last_event) for state in found.values()} == {
        (Status.FAILED, failed.leaf_index)
    }
    submit(opened, people.say_split(INSTITUTION, other, [make_instrument(9)], version=3))
    assert not Log(store, ORIGIN, world.log_key, Clock()).registers.twins
