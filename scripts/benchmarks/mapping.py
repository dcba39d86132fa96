"""The status map: what it costs the sequencer, a start and memory, in a log that has many subjects already.

The subjects are put into the store directly, under a MAPHEAD of their own, so that only what is measured goes
through the log.
"""

import hashlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from fixture import ORIGIN, World, read_clock
from measuring import Figures, Stopwatch, repeat, summarise, time_work
from sequencing import WARM_UP, append_all, make_submissions

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.entry import encode_leaf
from ledger.core.ids import LeafIndex, Subject
from ledger.core.maphead import build_maphead, get_map_root
from ledger.core.merkle import hash_leaf
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import Node, StatusMap, open_map
from ledger.log import Log
from ledger.map_history import read_maphead
from ledger.pool import BATCH
from ledger.right_edge import load_edge
from ledger.store.records import Batch, Head, NewEntry, StoredCheckpoint, StoredPage, compute_leaf_name
from ledger.submission import Submission

_STARTS: Final = 5
MEGABYTE: Final = 2**20


def measure_map(
    subjects: int, batches: int, rounds: int, seconds: float
) -> tuple[dict[str, Figures], dict[str, Any]]:
    """Return the sequencer's figures over a map of so many subjects, and what the map costs beside them.

    Args:
        subjects: in the log before anything is measured.
        batches: transactions in one round; each adds an instrument and a certificate for every entry.
        rounds: at most.
        seconds: no round begins after this.
    """
    each, warm = batches * BATCH, WARM_UP * BATCH
    submissions = make_submissions(warm + (rounds + 1) * each)
    parts = (submissions[at : at + each] for at in range(warm, len(submissions), each))
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        states = _invent_states(subjects)
        building = Stopwatch()
        with building.running():
            planted = _plant(world, states)
        log = open_log(world)
        log._state = replace(log._state, map=planted)  # noqa: SLF001 -- all pages loaded, as after hours of work
        append_all(log, submissions[:warm])
        rates = repeat(lambda: _append(log, next(parts)), rounds=rounds, seconds=seconds)
        starts = [time_work(lambda: open_log(world)).wall for _ in range(_STARTS)]
        cold = _append(open_log(world), next(parts))
    facts = {
        "subjects": subjects,
        "build_and_store_s": round(building.wall, 2),
        "start_ms": round(median(starts) * 1000, 2),
        "mb_per_1e6_subjects": round(count_bytes(planted.root) / subjects * 10**6 / MEGABYTE),
    }
    return {
        "sequencer_map": summarise(each, rates),
        "sequencer_map_after_start": summarise(each, [cold]),
    }, facts


def open_log(world: World) -> Log:
    """Return the log of a world as it is just after a start."""
    return Log(world.store, ORIGIN, world.log_signer, read_clock)


def _append(log: Log, submissions: Sequence[Submission]) -> Stopwatch:
    return time_work(lambda: append_all(log, submissions))


def _invent_states(count: int) -> dict[Subject, SubjectState]:
    return {
        Subject(hashlib.sha256(number.to_bytes(8)).digest()): SubjectState(
            Status.VALID, 1, LeafIndex(number), LeafIndex(number)
        )
        for number in range(count)
    }


def _plant(world: World, states: Mapping[Subject, SubjectState]) -> StatusMap:
    """Store a batch that is only a MAPHEAD, and the states that it commits to; return the map."""
    with world.store.write() as transaction:
        before = transaction.read_head()
        newest = read_maphead(transaction, before.tree_size)
        grown = open_map(get_map_root(newest)).update(states, transaction.load_pages)
        place = LeafIndex(before.tree_size - 1), newest.version
        maphead = build_maphead(grown.root_hash, before.sequenced_at_ms, place)
        leaf = encode_leaf(maphead, b"")
        edge, tiles = load_edge(transaction, before).extend([hash_leaf(leaf)])
        head = Head(edge.size, edge.root_hash, before.sequenced_at_ms)
        entry = NewEntry(
            LeafIndex(before.tree_size), compute_leaf_name(leaf), leaf, int(maphead.type), "", None
        )
        pages = [StoredPage(page.depth, page.prefix, page.hash) for page in grown.list_pages(states)]
        transaction.write_batch(Batch(before, head, [entry], {}, tiles, states, {}, pages))
        note = sign_checkpoint(Checkpoint(ORIGIN, head.tree_size, head.root_hash), world.log_signer)
        transaction.write_checkpoint(
            StoredCheckpoint(head.tree_size, head.root_hash, note, head.sequenced_at_ms)
        )
    return grown


def count_bytes(node: Node | None) -> int:
    """Return what the nodes of a map take in memory; a hash belongs to its node."""
    count, left = 0, [node]
    while left:
        node = left.pop()
        count += sys.getsizeof(node)
        if isinstance(node, tuple):
            count += sys.getsizeof(node[0])
            left += node[2:]
    return count
