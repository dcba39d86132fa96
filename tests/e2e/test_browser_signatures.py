"""Signatures in Chromium: by its own cryptography, and by the curves that are served where it has none."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from browser_node import BROWSER, ROOT, find_node
from browsers import chromium

from ledger.core.signature import Ed25519Signer, P256Signer

CHECK = """async ([cases, lacking]) => {
  const subtle = crypto.subtle, importKey = subtle.importKey.bind(subtle)
  subtle.importKey = (form, raw, algorithm, ...rest) => lacking.includes(algorithm.name)
    ? Promise.reject(new DOMException("unknown", "NotSupportedError")) : importKey(form, raw, algorithm, ...rest)
  const {parseMultikey, verifySignature} = await import("/static/verifier/signature.js")
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
  const answers = []
  for (const [multikey, signature, message] of cases) {
    const started = performance.now()
    const key = parseMultikey(multikey)
    const admitted = performance.now()
    const error = await verifySignature(key, bytes(signature), bytes(message)).catch((error) => error.name)
    answers.push([error ?? null, admitted - started, performance.now() - admitted])
  }
  return answers
}"""


class _Quiet(SimpleHTTPRequestHandler):
    asked: list

    def log_message(self, *_args):
        self.asked.append(self.path)


@contextmanager
def serve_files(folder):
    """Serve a folder on the loopback; give its address and the list of what is asked for."""
    asked: list = []
    handler = partial(type("_Listed", (_Quiet,), {"asked": asked}), directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Serve modules and curves at the addresses that pages know."""
    folder = tmp_path_factory.mktemp("site")
    vendor = folder / "static" / "vendor"
    shutil.copytree(BROWSER, folder / "static" / "verifier")
    vendor.mkdir()
    shutil.copy(ROOT / "node_modules" / "htmx.org" / "dist" / "htmx.min.js", vendor)
    subprocess.run([find_node(), ROOT / "scripts" / "vendor.mjs", vendor], check=True)
    (folder / "page.html").write_text("<!doctype html><title>page</title>")
    with serve_files(folder) as served:
        yield served


def list_cases():
    cases = []
    for number in range(1, 9):
        for signer in (Ed25519Signer(bytes([number]) * 32), P256Signer(bytes([number]) * 32)):
            signature = signer.sign(b"message")
            cases.append([signer.public_key.multikey, signature.hex(), b"message".hex()])
            cases.append([signer.public_key.multikey, signature.hex(), b"massage".hex()])
    return cases


@pytest.mark.parametrize(
    ("lacking", "loaded"),
    [
        ([], set()),
        (["Ed25519"], {"ed25519.js"}),
        (["Ed25519", "ECDSA"], {"ed25519.js", "nist.js"}),
    ],
    ids=["native", "without_ed25519", "without_any"],
)
def test_signatures_in_chromium(site, lacking, loaded):
    url, asked = site
    asked.clear()
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{url}/page.html")
        answers = page.evaluate(CHECK, [list_cases(), lacking])
    assert [answer[0] for answer in answers] == [None, "BrokenSignatureError"] * 16
    entries = {path.rsplit("/", 1)[1] for path in asked if "/vendor/noble/" in path and path.count("/") == 4}
    assert entries - {"utils.js"} == loaded
    assert "bls12-381.js" not in json.dumps(asked)
