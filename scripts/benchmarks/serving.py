"""Public answers of `/q/…`: the server as `hengzheng serve public` runs it, a process of its own, and its callers.

What is counted for the server is its own processor time, so that the cost of asking stays apart; how long a caller
waits is wall time, with the callers on the same machine.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from typing import Final

from asking import ask, fetch, read_etag, write_request
from fixture import HOST, NOW, ORIGIN, READINGS, World, make_input
from measuring import Figures, Stopwatch, repeat, summarise

from api.app import Parts, PublicParts, create_app
from api.running import LOCAL, listen, run_app
from issuer.batch import InputForm, read_rows
from ledger.core.anchor import AnchorReceipt
from ledger.core.bundle import parse_bundle
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.qr import encode_digits
from ledger.register_list import RegisterList

CONNECTIONS: Final = 32
DOCUMENTS: Final = 100
"""Different codes that are asked for in turn; each is computed once, before anything is measured."""

_BROWSER: Final = {"Accept-Encoding": "gzip, deflate, br", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
_PAGE: Final = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_JSON: Final = {"Accept": "application/json"}
_START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    port: int
    paths: tuple[str, ...]
    line: Connection

    def read_processor_time(self) -> float:
        """Return the processor seconds that the server has used since it started."""
        self.line.send(None)
        seconds: float = self.line.recv()
        return seconds


def measure_serving(
    requests: int, rounds: int, seconds: float
) -> tuple[dict[str, Figures], dict[str, float]]:
    """Return the figures of pages, JSON and unchanged pages, and how long callers wait for them."""
    figures: dict[str, Figures] = {}
    waits: dict[str, float] = {}
    with serving() as served:
        pages = _write_requests(served, _PAGE)
        for name, one_each, status in (
            ("q_page", pages, 200),
            ("q_json", _write_requests(served, _JSON), 200),
            ("q_unchanged", _ask_again(served, pages), 304),
        ):
            asked = [one_each[turn % len(one_each)] for turn in range(requests)]
            _ask(served, asked[:DOCUMENTS], status)
            done = repeat(lambda: _ask(served, asked, status), rounds=rounds, seconds=seconds)  # noqa: B023 -- called at once
            figures[name] = summarise(requests, [watch for watch, _ in done])
            waits |= _summarise_waits(name, [waited for _, waited in done])
    return figures, waits


@contextmanager
def serving() -> Iterator[Served]:
    """Run a server until the block is left."""
    context = get_context("spawn")
    own, other = context.Pipe()
    process = context.Process(target=_serve, args=(other,), daemon=True)
    process.start()
    try:
        if not own.poll(_START_SECONDS):
            raise RuntimeError("the server of the bench does not start")
        port, paths = own.recv()
        yield Served(port, paths, own)
    finally:
        process.terminate()
        process.join()


def _write_requests(served: Served, headers: dict[str, str]) -> list[bytes]:
    return [write_request(path, _BROWSER | headers) for path in served.paths]


def _ask_again(served: Served, pages: Sequence[bytes]) -> list[bytes]:
    """Return what a browser asks that has these pages already."""
    tags = [read_etag(fetch(LOCAL, served.port, page)) for page in pages]
    return [
        write_request(path, _BROWSER | _PAGE | {"If-None-Match": tag})
        for path, tag in zip(served.paths, tags, strict=True)
    ]


def _ask(served: Served, requests: Sequence[bytes], status: int) -> tuple[Stopwatch, list[float]]:
    processor, wall = served.read_processor_time(), time.perf_counter()
    waited = ask(LOCAL, served.port, requests, connections=CONNECTIONS, status=status)
    wall = time.perf_counter() - wall
    return Stopwatch(served.read_processor_time() - processor, wall), waited


def _summarise_waits(name: str, rounds: Sequence[list[float]]) -> dict[str, float]:
    """Return the medians of the rounds' 50th and 99th hundredth, in milliseconds."""
    cuts = [quantiles(waited, n=100) for waited in rounds]
    return {f"{name}_p{at}_ms": round(median(cut[at - 1] for cut in cuts) * 1000, 1) for at in (50, 99)}


# --- in the process of the server -----------------------------------------------------------------------------


def _serve(line: Connection) -> None:
    """Issue some certificates, say where they are asked for, and answer until told to stop."""
    with (
        tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder,
        World(Path(folder)) as world,
        listen(LOCAL, 0) as listener,
    ):
        paths = _issue(world)
        anchored = _Anchored(world.receipt(world.prover.newest_checkpoint()))
        public = PublicParts(world.store, world.policy, HOST, lambda: NOW + timedelta(minutes=1))
        registers = RegisterList(world.store, world.prover, ORIGIN)
        app = create_app(Parts(world.prover, anchored, registers, public=public))
        Thread(target=_tell_processor_time, args=(line,), daemon=True).start()
        run_app(app, listener, None, lambda: line.send((listener.getsockname()[1], paths)))


def _issue(world: World) -> tuple[str, ...]:
    batch = world.desk.check_rows(read_rows(make_input(DOCUMENTS, READINGS), InputForm.JSON_LINES))
    report = world.desk.issue(batch.documents)
    indices = [found.leaf_index for found in report.documents if found.leaf_index is not None]
    statements = [parse_bundle(raw).statement_raw for raw in world.bundles(indices)]
    return tuple(f"/q/{encode_digits(statement)}" for statement in statements)


def _tell_processor_time(line: Connection) -> None:
    """Answer whatever is asked with the processor seconds of this process, until the other end is gone."""
    try:
        while True:
            line.recv()
            line.send(time.process_time())
    except (EOFError, OSError):
        return


class _Anchored:
    """Stands for `Receipts`: all of the log is under one anchor."""

    def __init__(self, receipt: AnchorReceipt) -> None:
        self._receipt = receipt

    def find(self, leaf_index: LeafIndex) -> AnchorReceipt | None:
        return self._receipt if leaf_index < self._receipt.tree_size else None

    def find_earlier(self, leaf_index: LeafIndex, _at: object) -> AnchorReceipt | None:
        return self.find(leaf_index)

    def newest_size(self) -> TreeSize:
        return TreeSize(self._receipt.tree_size)

    def list_all(self) -> Sequence[AnchorReceipt]:
        return [self._receipt]
