"""The verifier's modules in a page of Chromium, served from this machine under the policy that pages get.

>>> with verifier_pages(copy_curves(folder)) as open_page:
...     answers = ask_page(open_page(), cases)
"""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from browser_cases import DRIVER, ROOT, RULE_BOOK, Answer, Case, to_members
from browser_node import BROWSER, find_node
from browsers import chromium

from verifier.browser import split_modules

POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"

LOAD = "(name) => import(`/static/verifier/${name}.js`)"
LOAD_PACKED = """async (name) =>
  (await import("/static/verifier/all.js"))[name] ?? import(`/static/verifier/all/${name}.js`)"""
DRIVEN = (
    "bundle",
    "certificate",
    "device",
    "errors",
    "policy",
    "regulation",
    "report",
    "session",
    "trust",
    "verify",
)
"""Modules that tests ask for by name; what is served has them without such names."""

_ASK = """async ({ruleBook, cases}) => {
  const {judge} = await import("/tests/browser_driver.mjs")
  const answers = []
  for (const one of cases) answers.push(await judge(%s, ruleBook, one))
  return answers
}"""


def name_modules(packed: str) -> str:
    """Return the first file that pages load, which exports the modules that tests ask for as objects, too."""
    tail = ""
    for name in DRIVEN:
        text = (BROWSER / f"{name}.js").read_text("utf-8")
        exports = re.findall(r"^export (?:const|class|(?:async )?function\*?) (\w+)", text, re.MULTILINE)
        tail += f"const {name}_driven = {{ {', '.join(exports)} }};\nexport {{ {name}_driven as {name} }};\n"
    return packed + tail


class _Handler(BaseHTTPRequestHandler):
    folders: ClassVar[dict[str, Path]] = {}

    def do_GET(self):
        file = self._find_file()
        bodies = {f"/static/verifier/{name}": raw for name, raw in split_modules().items()}
        bodies["/"] = b"<!doctype html><title>x</title>"
        body = bodies.get(self.path)
        if self.path == "/static/verifier/all.js":
            body = name_modules(body.decode()).encode()
        if file is not None and file.is_file():
            body = file.read_bytes()
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "text/javascript")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body or b"")

    def _find_file(self) -> Path | None:
        found = (
            folder / self.path.removeprefix(at)
            for at, folder in self.folders.items()
            if self.path.startswith(at)
        )
        return None if ".." in self.path else next(found, None)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serve_modules(vendor: Path) -> Iterator[str]:
    """Serve the modules, and those of others from this folder; yields the address of an empty page."""
    folders = {"/static/verifier/": BROWSER, "/static/vendor/": vendor, "/tests/": DRIVER.parent}
    handler = type("Handler", (_Handler,), {"folders": folders})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def copy_curves(folder: Path) -> Path:
    """Copy the curves that pages load, as `scripts/vendor` does."""
    subprocess.run([find_node(), ROOT / "scripts" / "vendor.mjs", folder], check=True)
    return folder


@contextmanager
def verifier_pages(vendor: Path):
    """Yield a function that opens a page from which the modules can be loaded, and nothing from other machines."""
    with serve_modules(vendor) as address, chromium() as browser:

        def open_page(before: str = ""):
            page = browser.new_context().new_page()
            page.route(
                "**/*",
                lambda route: route.continue_() if route.request.url.startswith(address) else route.abort(),
            )
            page.add_init_script(before)
            page.goto(address)
            return page

        yield open_page


def ask_page(page, cases: list[Case], load: str = LOAD, chunk: int = 100) -> list[Answer]:
    """Return what the browser's verifier says of each case in this page; `load` gives a module by its name."""
    answers = []
    for start in range(0, len(cases), chunk):
        members = [to_members(case) for case in cases[start : start + chunk]]
        answers += page.evaluate(_ASK % load, {"ruleBook": RULE_BOOK, "cases": members})
    return answers
