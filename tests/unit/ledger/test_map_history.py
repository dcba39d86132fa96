"""The stored map under every checkpoint, against a plain fold of the leaves before it."""

import pytest
from fakes import MemoryStore
from reference import reference_map_root
from world import FOUNDING, ORIGIN, Clock, World, make_signer, submit

from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import LogIntegrityError
from ledger.core.event import EventType, certificate_subject
from ledger.core.ids import InstitutionId, LeafIndex, TreeSize
from ledger.core.map_proof import build_map_proof, open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import PAGE_DEPTHS
from ledger.log import Log
from ledger.map_history import MapProofs, open_map_under, read_maphead
from ledger.store.records import decode_replaced, encode_replaced

WORLD = World()
ABSENT = bytes(31) + b"\x01"


@pytest.fixture(scope="module")
def history():
    """A log whose subjects come, change, change back, and change twice in one batch."""
    store = MemoryStore()
    clock = Clock()
    log = Log(store, ORIGIN, WORLD.log_key, clock, keep_void=True)
    batches = [
        WORLD.founding(),
        [WORLD.bare_issue(1)],
        [WORLD.bare_issue(number) for number in range(2, 200)],
        [WORLD.bare_issue(200, instrument=1, version=1)],
        [WORLD.bare_issue(201, seal=make_signer("stranger"))],
        [WORLD.bare_issue(202, instrument=1, version=2), WORLD.bare_issue(203, instrument=1, version=3)],
        [WORLD.institution(version=1, state=RegisterState.SUSPENDED)],
        [WORLD.institution(version=2)],
        [
            WORLD.bare_issue(number, instrument=number - 204, version=4 if number == 205 else 1)
            for number in range(205, 215)
        ],
    ]
    for batch in batches:
        submit(log, *batch)
        clock.move(minutes=1)
    return store


@pytest.fixture
def store(history):
    """A copy that may be damaged."""
    store = MemoryStore()
    store.data = history.data.copy()
    return store


def sizes_of(store):
    return sorted(store.data.checkpoints)


def fold(store, size):
    """Return the states after the leaves below a size, from their headers and statements alone."""
    states = {}
    for entry in store.data.entries[:size]:
        leaf, index = parse_leaf(entry.leaf), entry.leaf_index
        header = leaf.header
        if header.type is EventType.MAPHEAD or header.status == Status.VOID:
            continue
        current = index if header.type is EventType.ISSUE else None
        states[header.subject] = SubjectState(Status(header.status), header.version, index, current)
        if header.type is EventType.ISSUE:
            statement = parse_signed_statement(leaf.statement_raw).statement
            document = certificate_subject(InstitutionId(statement.issuer), statement.claims.number)
            states[document] = SubjectState(Status(header.status), 1, index, index)
    return states


def root_of(states):
    return reference_map_root(
        {
            subject: (state.status, state.version, state.last_event, state.current_certificate)
            for subject, state in states.items()
        }
    )


# --- what is proved -----------------------------------------------------------------------------------------


def test_the_map_under_every_checkpoint_is_that_of_a_plain_fold(store):
    everybody = fold(store, store.data.head.tree_size)
    for size in sizes_of(store):
        states = fold(store, size)
        with store.read() as reading:
            found = open_map_under(reading, TreeSize(size))
            assert found.root_hash == root_of(states), size
            wanted = [*everybody, ABSENT]
            proven = open_map_proof(build_map_proof(found, wanted, reading.load_pages), found.root_hash)
        assert {subject: proven.find(subject) for subject in wanted} == {
            subject: states.get(subject) for subject in wanted
        }


def test_every_checkpoint_has_its_own_map_unless_nothing_took_effect(store):
    with store.read() as reading:
        roots = [get_map_root(read_maphead(reading, TreeSize(size))) for size in sizes_of(store)]
    assert len(set(roots)) == len(roots) - 1
    assert roots[3] == roots[4]


def test_a_map_under_an_older_checkpoint_stays_what_it_was_while_the_log_grows(store):
    before = {}
    with store.read() as reading:
        for size in sizes_of(store):
            before[size] = open_map_under(reading, TreeSize(size)).root_hash
    log = Log(store, ORIGIN, WORLD.log_key, Clock(Clock().now.replace(year=2027)))
    submit(log, *(WORLD.bare_issue(number) for number in range(300, 400)))
    submit(log, WORLD.bare_issue(400, instrument=300, version=1))
    with store.read() as reading:
        assert {size: open_map_under(reading, TreeSize(size)).root_hash for size in before} == before


def test_replaced_states_are_read_as_they_were_written():
    states = {
        ABSENT: None,
        bytes([7]) * 32: SubjectState(Status.VALID, 3, LeafIndex(9), LeafIndex(0)),
        bytes([8]) * 32: SubjectState(Status.ACTIVE, 2**32 - 1, LeafIndex(2**63), None),
    }
    assert decode_replaced(encode_replaced(states)) == states


# --- what is kept between proofs ------------------------------------------------------------------------------


class Watched:
    """A reading that notes how many pages are loaded from it."""

    def __init__(self, reading):
        self._reading = reading
        self.loaded = 0

    def __getattr__(self, name):
        return getattr(self._reading, name)

    def load_pages(self, pages):
        self.loaded += len(pages)
        return self._reading.load_pages(pages)


def prove_all(proofs, store, size):
    """Return the proof of everybody and how many pages had to be loaded for it."""
    with store.read() as reading:
        watched = Watched(reading)
        raw = proofs.open(watched, TreeSize(size)).prove([*store.data.states, ABSENT])
        assert raw == build_map_proof(
            open_map_under(reading, TreeSize(size)), [*store.data.states, ABSENT], reading.load_pages
        )
    return watched.loaded


def test_pages_are_loaded_once_as_long_as_the_log_stays_what_it_is(store):
    proofs, size = MapProofs(most=10_000), sizes_of(store)[-1]
    assert prove_all(proofs, store, size) > 0
    assert prove_all(proofs, store, size) == 0


def test_other_checkpoints_and_a_log_that_has_grown_are_proved_afresh(store):
    proofs = MapProofs(most=10_000)
    for size in [*sizes_of(store), *sizes_of(store)[::-2]]:
        prove_all(proofs, store, size)
    older = sizes_of(store)[-1]
    log = Log(store, ORIGIN, WORLD.log_key, Clock(Clock().now.replace(year=2027)))
    submit(log, *(WORLD.bare_issue(number) for number in range(500, 520)))
    assert prove_all(proofs, store, older) > 0
    assert prove_all(proofs, store, sizes_of(store)[-1]) > 0


def test_what_is_kept_has_an_end(store):
    proofs, size = MapProofs(most=0), sizes_of(store)[-1]
    assert prove_all(proofs, store, size) == prove_all(proofs, store, size) > 0


def test_many_subjects_are_loaded_together(store):
    proofs, size, asked = MapProofs(most=10_000), sizes_of(store)[-1], []
    with store.read() as reading:
        watched = Watched(reading)
        watched.load_pages = lambda pages: asked.append(len(pages)) or reading.load_pages(pages)
        states = proofs.open(watched, TreeSize(size))
        states.prepare([*store.data.states, ABSENT])
        assert len(asked) == len((0, *PAGE_DEPTHS))
        assert max(asked) > len(asked)
        states.prove([*store.data.states, ABSENT])
        assert len(asked) == len((0, *PAGE_DEPTHS))


# --- what is noticed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, FOUNDING - 1, FOUNDING + 1])
def test_a_size_without_a_checkpoint_has_no_map(store, size):
    with store.read() as reading, pytest.raises(LogIntegrityError):
        open_map_under(reading, TreeSize(size))


def look_everywhere(store, size):
    """Prove every subject under a checkpoint, as whoever needs all of it."""
    with store.read() as reading:
        found = open_map_under(reading, TreeSize(size))
        return build_map_proof(found, list(store.data.states), reading.load_pages)


def flip(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


def change_maphead(store, size, **changes):
    entry = store.data.entries[size - 1]
    header = parse_leaf(entry.leaf).header
    changed = encode_leaf(type(header)(**{**members(header), **changes}), b"")
    store.data.entries[size - 1] = entry._replace(leaf=changed)


def members(header):
    return {name: getattr(header, name) for name in header.__dataclass_fields__}


def test_every_page_that_changed_is_noticed_under_every_checkpoint(history):
    sizes = sizes_of(history)
    for place in list(history.data.pages)[::7]:
        store = MemoryStore()
        store.data = history.data.copy()
        store.data.pages[place] = flip(store.data.pages[place])
        for size in (sizes[-1], sizes[2]):
            with pytest.raises(LogIntegrityError):
                look_everywhere(store, size)


@pytest.mark.parametrize("size", [0, 1, 4, -1])
def test_a_state_that_changed_is_noticed(store, size):
    subject = parse_leaf(store.data.entries[FOUNDING].leaf).header.subject
    state = store.data.states[subject]
    store.data.states[subject] = SubjectState(Status.FAILED, state.version, state.last_event, None)
    with pytest.raises(LogIntegrityError):
        look_everywhere(store, sizes_of(store)[size])


def test_a_replaced_state_that_changed_is_noticed_under_every_checkpoint_before_it(history):
    sizes = sizes_of(history)
    for place in (1, 3, 5, len(sizes) - 1):
        store = MemoryStore()
        store.data = history.data.copy()
        row = store.data.replaced[sizes[place]]
        store.data.replaced[sizes[place]] = row[:-9] + flip(row[-9:-8]) + row[-8:]
        assert look_everywhere(store, sizes[-1])
        with pytest.raises(LogIntegrityError):
            look_everywhere(store, sizes[place - 1])


@pytest.mark.parametrize("place", [1, 2, 3, 5, 8])
def test_a_row_of_replaced_states_that_is_gone_is_noticed(store, place):
    sizes = sizes_of(store)
    del store.data.replaced[sizes[place]]
    assert look_everywhere(store, sizes[-1])
    with pytest.raises(LogIntegrityError, match="does not lead back"):
        look_everywhere(store, sizes[place - 1])


@pytest.mark.parametrize("place", [0, 4, -1])
def test_a_maphead_with_another_root_is_noticed(store, place):
    size = sizes_of(store)[place]
    change_maphead(store, size, certificate_digest=bytes(32))
    with pytest.raises(LogIntegrityError):
        look_everywhere(store, size)


@pytest.mark.parametrize("place", [0, 4, -1])
@pytest.mark.parametrize(
    "changes",
    [
        {"type": EventType.INSTITUTION},
        {"status": Status.VOID},
        {"version": 0},
        {"subject": bytes(32)},
        {"statement_digest": bytes(32)},
        {"prev": 0, "version": 1},
    ],
)
def test_another_leaf_in_the_place_of_a_maphead_is_noticed(store, place, changes):
    size = sizes_of(store)[place]
    change_maphead(store, size, **changes)
    with store.read() as reading, pytest.raises(LogIntegrityError, match="does not state the status map"):
        read_maphead(reading, TreeSize(size))


def test_a_maphead_that_is_gone_is_noticed(store):
    size = sizes_of(store)[-1]
    del store.data.entries[-1]
    with store.read() as reading, pytest.raises(LogIntegrityError):
        read_maphead(reading, TreeSize(size))


@pytest.mark.parametrize("cut", [1, 20, 21, 22, 52])
def test_replaced_states_that_were_cut_off_are_an_alarm(cut):
    raw = encode_replaced({ABSENT: SubjectState(Status.VALID, 1, LeafIndex(0), None)})
    with pytest.raises(LogIntegrityError, match="damaged"):
        decode_replaced(raw + raw[:-cut])
