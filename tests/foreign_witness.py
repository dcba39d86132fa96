"""A witness by somebody else: C2SP tlog-witness in a few lines, without any code of the product.

    with ForeignWitness("w9.example", log_key, origin) as witness:
        witness.url, witness.vkey

It does what the specification asks and no more: it checks consistency, and replays nothing. With `bls` it also
hands over shares of quorum certificates, by the norm alone. It can be slow, run ahead, or answer what no witness
should.
"""

import base64
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

DOMAIN = b"hengzheng/quorum/v1\0"
SUITES = {kind: f"BLS_{kind}_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_".encode() for kind in ("SIG", "POP")}


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_consistent(old, new, old_root, new_root, proof):
    """RFC 9162 §2.1.4.2, step by step."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for item in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(item, fr), node(item, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, item)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


class ForeignWitness:
    """One witness that listens on a port of its own as long as the block."""

    def __init__(self, name, log_key, origin, *, bls=False):
        self.name = name
        self.origin = origin
        self.log_key = Ed25519PublicKey.from_public_bytes(log_key)
        self.log_key_raw = log_key
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        key = int.from_bytes(hashlib.sha256(b"bls" + name.encode()).digest()[:31])
        self.secret = Scalar(key) if bls else None
        self._lock = threading.Lock()
        self.forget()

    def forget(self):
        """Become as new, and honest."""
        self.size, self.root = 0, hashlib.sha256(b"").digest()
        self.requests = []
        """(old, new, status) of every request."""
        self.delay = 0.0
        self.ahead = 0
        """Seconds that its clock runs ahead."""
        self.lie = None
        """What it hands over instead of a share, by (itself, checkpoint, minutes); None: no line."""
        self.spoil = None
        """Changes status, content type and body of each answer."""

    @property
    def public(self):
        return self.key.public_key().public_bytes_raw()

    def key_id(self, kind, key):
        name = self.origin if kind == 1 else self.name
        return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]

    @property
    def vkey(self):
        encoded = base64.b64encode(b"\x04" + self.public).decode()
        return f"{self.name}+{self.key_id(4, self.public).hex()}+{encoded}"

    # --- BLS --------------------------------------------------------------------------------------------------

    @property
    def bls_key(self):
        return bytes((G1Point() * self.secret).to_compressed_bytes())

    @property
    def bls_encoded(self):
        proof = self.sign_bls(self.bls_key, "POP")
        return DOMAIN + self.bls_key + proof

    @property
    def bls_vkey(self):
        return self.spell_bls_vkey(self.bls_encoded)

    def spell_bls_vkey(self, raw):
        encoded = base64.b64encode(b"\xff" + raw).decode()
        return f"{self.name}+{self.key_id(0xFF, raw).hex()}+{encoded}"

    def sign_bls(self, message, kind="SIG"):
        return bytes((G2Point.hash_to_curve(message, SUITES[kind]) * self.secret).to_compressed_bytes())

    def make_share(self, body, minutes):
        """Return what stands behind the key id in the line of a share."""
        begin = minutes.to_bytes(8, "big")
        return begin + self.sign_bls(DOMAIN + begin + body.encode())

    def _share_lines(self, body, minutes):
        if self.secret is None:
            return ""
        raw = (self.lie or ForeignWitness.make_share)(self, body, minutes)
        return "" if raw is None else self._spell(self.key_id(0xFF, self.bls_encoded) + raw)

    def _spell(self, raw):
        return f"— {self.name} {base64.b64encode(raw).decode()}\n"

    # --- HTTP -------------------------------------------------------------------------------------------------

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(owner.delay)
                status, kind, answer = owner.answer(self.path, body)
                if owner.spoil is not None:
                    status, kind, answer = owner.spoil(status, kind, answer)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body):
        if path != "/add-checkpoint":
            return 404, "text/plain", b""
        with self._lock:
            old, new, found = self._judge(body.decode())
        self.requests.append((old, new, found[0]))
        return found

    def _judge(self, text):
        head, note = text.split("\n\n", 1)
        first, *hashes = head.split("\n")
        old = int(first.removeprefix("old "))
        body, lines = note.split("\n\n", 1)
        body += "\n"
        origin, size, root = body.split("\n")[:3]
        new, root = int(size), base64.b64decode(root)
        if origin != self.origin:
            return old, new, (404, "text/plain", b"")
        if not any(self._is_signed(line, body) for line in lines.splitlines()):
            return old, new, (403, "text/plain", b"")
        if old > new:
            return old, new, (400, "text/plain", b"")
        if old != self.size:
            return old, new, (409, "text/x.tlog.size", f"{self.size}\n".encode())
        proof = [base64.b64decode(item) for item in hashes]
        if not is_consistent(old, new, self.root, root, proof):
            return old, new, (422, "text/plain", b"")
        self.size, self.root = new, root
        now = int(time.time()) + self.ahead
        signature = self.key.sign(f"cosignature/v1\ntime {now}\n{body}".encode())
        raw = self.key_id(4, self.public) + now.to_bytes(8, "big") + signature
        lines = self._spell(raw) + self._share_lines(body, now // 60)
        return old, new, (200, "text/plain", lines.encode())

    def _is_signed(self, line, body):
        _, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        if name != self.origin or raw[:4] != self.key_id(1, self.log_key_raw):
            return False
        try:
            self.log_key.verify(raw[4:], body.encode())
        except InvalidSignature:
            return False
        return True
