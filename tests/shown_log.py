"""A log in memory as a server shows it: checkpoint, tiles, map proofs. What it shows may be a lie, signed.

shown = ShownLog(ledger)
with shown.server() as server: Watcher(database, policy, server, folder).look(own, NOW)
with shown.listening() as url: main(["watch", "--ledger", url, ...])
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
from ledger_in_memory import MemoryLedger

from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import MemoryTree, build_inclusion_proof, hash_leaf
from ledger.core.status_map import load_nothing
from ledger.core.tiles import ENTRIES, compute_tile_width, encode_entry_bundle, parse_tile_path
from ledger.watch.source import LogServer
from ledger.wire import MapAnswer, encode_map_answer, parse_map_subjects


class ShownLog:
    """One server; `ledger`, `size` and `note` may be replaced at any time."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.requests: list[str] = []
        self.is_away = False
        self.damage = {}
        """Path -> what is done to the bytes before they are shown."""
        self.show(ledger)

    def show(self, ledger: MemoryLedger, size: int | None = None) -> None:
        """Show this log from now on, up to a size."""
        self.ledger = ledger
        self.size = TreeSize(size or ledger.publish())
        self.note = ledger.checkpoint(self.size)
        self.tree = MemoryTree([hash_leaf(leaf) for leaf in ledger.leaves[: self.size]])

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        path = path.strip("/")
        self.requests.append(path)
        if self.is_away:
            return 503, b"{}"
        status, raw = self._answer(method, path, body)
        return status, self.damage.get(path, lambda same: same)(raw)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "checkpoint":
            return 200, self.note.encode()
        if method == "POST" and path == "map-proofs":
            return 200, self._prove(body)
        if path.startswith("tile/"):
            return self._cut(path)
        return 404, b""

    def _prove(self, body: bytes) -> bytes:
        last = LeafIndex(self.size - 1)
        inclusion = build_inclusion_proof(last, self.size, self.tree.read)
        shown = build_map_proof(self.ledger.maps[self.size], parse_map_subjects(body), load_nothing)
        return encode_map_answer(MapAnswer(self.note, self.ledger.leaves[last], inclusion, shown))

    def _cut(self, path: str) -> tuple[int, bytes]:
        tile = parse_tile_path(path)
        if compute_tile_width(tile.level, tile.index, self.size) < tile.width:
            return 404, b""
        begin = tile.index * 256
        if tile.level == ENTRIES:
            return 200, encode_entry_bundle(self.ledger.leaves[begin : begin + tile.width])
        hashes = (self.tree.read(8 * tile.level, begin + at) for at in range(tile.width))
        return 200, b"".join(hashes)

    @contextmanager
    def server(self) -> Iterator[LogServer]:
        """Yield it without a network."""

        def handle(request: httpx2.Request) -> httpx2.Response:
            status, raw = self.answer(request.method, request.url.path, request.content)
            return httpx2.Response(status, content=raw)

        with httpx2.Client(transport=httpx2.MockTransport(handle), base_url="https://log.example/") as client:
            yield LogServer(client)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Yield the URL at which it listens on this machine."""
        shown = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                status, raw = shown.answer(self.command, self.path, self.rfile.read(length))
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_GET  # noqa: N815 -- the standard library's name

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            thread = Thread(target=http.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{http.server_port}"
            finally:
                http.shutdown()
                thread.join()
