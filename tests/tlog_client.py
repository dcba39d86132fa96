"""A reader of any C2SP log, written from the specifications alone; nothing of ours is used.

    entries, size, root = read_log(lambda path: requests.get(prefix + "/" + path).content)

tlog-checkpoint: three lines and the signatures. tlog-tiles: bundles of 256 entries, each behind a uint16; the
name of a partial one ends in `.p/<width>`; tiles of 256 hashes, whose level above hashes full tiles only.
RFC 6962 §2.1: MTH.
"""

import base64
from hashlib import sha256


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
