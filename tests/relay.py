"""A small JSON-RPC relay in front of a real node: it can refuse, and change what the node answers.

with Relay(node.url) as relay:
    relay.change("eth_getTransactionReceipt", lambda result, params: result and result | {"status": "0x0"})
    ChainClient(relay.url)
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx2


class Relay:
    """One relay on a free port of 127.0.0.1."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.requests: list[str] = []
        self._changes: dict[str, Callable[[Any, list[Any]], Any]] = {}
        self._refuses = False
        self._client = httpx2.Client(trust_env=False, timeout=10)
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = relay.answer(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def refuse(self) -> None:
        """Answer nothing any more."""
        self._refuses = True

    def accept(self) -> None:
        self._refuses = False

    def change(self, method: str, function: Callable[[Any, list[Any]], Any]) -> None:
        """Let a function of the true result and the parameters give the result."""
        self._changes[method] = function

    def be_honest(self) -> None:
        self._changes.clear()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        self.requests.append(asked["method"])
        if self._refuses:
            return 502, b"{}"
        answer = self._client.post(
            self.target, content=body, headers={"Content-Type": "application/json"}
        ).json()
        if "result" in answer and asked["method"] in self._changes:
            answer["result"] = self._changes[asked["method"]](answer["result"], asked["params"])
        return 200, json.dumps(answer).encode()
