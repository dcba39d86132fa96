"""The verifier's modules in a page of Chromium, served from this machine under the policy that pages get.

>>> with verifier_page() as page:
...     answers = ask_page(page, cases)
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser_cases import DRIVER, ROOT, RULE_BOOK, Answer, Case, to_members
from browsers import chromium

FOLDERS = {
    "/static/verifier/": ROOT / "verifier" / "browser",
    "/static/vendor/": ROOT / "api" / "web" / "static" / "vendor",
    "/tests/": DRIVER.parent,
}
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"

LOAD = "(name) => import(`/static/verifier/${name}.js`)"
_ASK = """async ({ruleBook, cases}) => {
  const {judge} = await import("/tests/browser_driver.mjs")
  const answers = []
  for (const one of cases) answers.push(await judge(%s, ruleBook, one))
  return answers
}"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        file = _find_file(self.path)
        body = b"<!doctype html><title>x</title>" if self.path == "/" else None
        if file is not None and file.is_file():
            body = file.read_bytes()
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "text/javascript")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        """Say nothing."""


def _find_file(path: str) -> Path | None:
    for prefix, folder in FOLDERS.items():
        if path.startswith(prefix) and ".." not in path:
            return folder / path.removeprefix(prefix)
    return None


@contextmanager
def serve_modules() -> Iterator[str]:
    """Serve the modules; yields the address of an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def verifier_page():
    """Open a page from which the modules can be loaded; a request to another machine is refused."""
    with serve_modules() as address, chromium() as browser:
        page = browser.new_page()
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(address) else route.abort())
        page.goto(address)
        yield page


def ask_page(page, cases: list[Case], chunk: int = 100) -> list[Answer]:
    """Return what the browser's verifier says of each case in this page."""
    answers = []
    for start in range(0, len(cases), chunk):
        members = [to_members(case) for case in cases[start : start + chunk]]
        answers += page.evaluate(_ASK % LOAD, {"ruleBook": RULE_BOOK, "cases": members})
    return answers
