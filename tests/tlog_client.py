"""A reader of any C2SP log, written from the specifications alone; nothing of ours is used.

    entries, size, root = read_log(lambda path: requests.get(prefix + "/" + path).content)

As a program it reads a whole log over HTTP and exits with 0 if all of it agrees:

    python tests/tlog_client.py URL VKEY

tlog-checkpoint: three lines and the signatures. tlog-tiles: bundles of 256 entries, each behind a uint16; the
name of a partial one ends in `.p/<width>`; tiles of 256 hashes, whose level above hashes full tiles only.
RFC 6962 §2.1: MTH.
"""

import base64
import sys
import urllib.request
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def main(url, vkey):
    """Read a log below a URL whose checkpoint is signed by a key (C2SP signed-note: `name+hash+key`)."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(path):
        with direct.open(f"{url.rstrip('/')}/{path}", timeout=30) as answer:
            return answer.read()

    check_note(get("checkpoint").decode(), vkey)
    entries, size, _ = read_log(get)
    assert len(entries) == size
    sys.stdout.write(f"{size} entries\n")


def check_note(note, vkey):
    """Check that a note is signed by a key (C2SP signed-note, Ed25519)."""
    name, key_hash, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    assert raw[0] == 1
    assert sha256(f"{name}\n".encode() + raw).hexdigest()[:8] == key_hash
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    assert text.split("\n")[0] == name
    lines = [line.split(" ") for line in signatures.splitlines()]
    (signed,) = [base64.b64decode(value) for dash, who, value in lines if dash == "—" and who == name]
    assert signed[:4].hex() == key_hash
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signed[4:], text.encode())


def read_log(get):
    """Return all entries, and the checkpoint's size and root, which every entry and every tile has agreed with."""
    origin, size, root, *_ = get("checkpoint").decode().split("\n")
    assert origin
    size = int(size)
    entries = [entry for width, name in names(size) for entry in split(get(f"tile/entries/{name}"), width)]
    hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert mth(hashes) == base64.b64decode(root)
    level = 0
    while hashes:
        tiles = [get(f"tile/{level}/{name}") for _, name in names(len(hashes))]
        assert b"".join(tiles) == b"".join(hashes)
        hashes = [mth(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    return entries, size, base64.b64decode(root)


def names(count):
    """Yield the width and the name of each tile over so many hashes."""
    for index in range((count + 255) // 256):
        digits = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
        width = min(256, count - 256 * index)
        yield width, digits if width == 256 else f"{digits}.p/{width}"


def split(bundle, width):
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        assert len(entries[-1]) == length
        bundle = bundle[2 + length :]
    assert len(entries) == width
    return entries


def mth(hashes):
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def check_proof(text, entry):
    """Check a .tlog-proof file over an entry (C2SP tlog-proof; RFC 9162 §2.1.3.2); return index and extra data."""
    head, _, checkpoint = text.partition("\n\n")
    name, *lines = head.split("\n")
    assert name == "c2sp.org/tlog-proof@v1"
    extra = base64.b64decode(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
    index = int(lines[0].removeprefix("index "))
    _, size, root, *_ = checkpoint.split("\n")
    fn, sn, r = index, int(size) - 1, sha256(b"\x00" + entry).digest()
    for p in map(base64.b64decode, lines[1:]):
        assert sn
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    assert r == base64.b64decode(root)
    return index, extra


if __name__ == "__main__":
    main(*sys.argv[1:])
