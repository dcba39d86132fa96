"""Stopwatches and what becomes of their readings: medians of rounds, in work a second.

Two clocks: processor time of this process (what one core can do, whoever else uses the machine) and wall time
(what a caller waits for, the disk included).

>>> rounds = repeat(lambda: time_work(work), rounds=5, seconds=20)
>>> summarise(1_000, rounds)
{'per_core_s': 3100.0, 'per_core_s_lowest': 2900.0, ...}
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Figures: TypeAlias = dict[str, float | int]


@dataclass(slots=True)
class Stopwatch:
    """Adds up what the blocks that it ran in have cost, in seconds."""

    processor: float = 0.0
    wall: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block."""
        processor, wall = time.process_time(), time.perf_counter()
        yield
        self.processor += time.process_time() - processor
        self.wall += time.perf_counter() - wall

    def __add__(self, other: "Stopwatch") -> "Stopwatch":
        return Stopwatch(self.processor + other.processor, self.wall + other.wall)

    def __sub__(self, other: "Stopwatch") -> "Stopwatch":
        return Stopwatch(self.processor - other.processor, self.wall - other.wall)


def time_work(work: Callable[[], object]) -> Stopwatch:
    """Return what a call cost."""
    watch = Stopwatch()
    with watch.running():
        work()
    return watch


def repeat(work: Callable[[], T], *, rounds: int, seconds: float) -> list[T]:
    """Return the results of so many rounds; of fewer, but one at least, once this much time has passed."""
    end = time.monotonic() + seconds
    results: list[T] = []
    while len(results) < rounds and (not results or time.monotonic() < end):
        gc.collect()
        results.append(work())
    return results


def summarise(count: int, rounds: Sequence[Stopwatch]) -> Figures:
    """Return rates of rounds that each did so much: per second of a core with its range, and per second."""
    per_core = [count / watch.processor for watch in rounds]
    return {
        "per_core_s": round(median(per_core), 1),
        "per_core_s_lowest": round(min(per_core), 1),
        "per_core_s_highest": round(max(per_core), 1),
        "per_wall_s": round(median(count / watch.wall for watch in rounds), 1),
        "rounds": len(rounds),
        "each": count,
    }
