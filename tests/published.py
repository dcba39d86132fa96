"""A published log as a dictionary of files, written straight through the core: honest, or as a liar would sign it.

>>> files = publish(MemoryLedger().found())
>>> sorted(files)
['anchors.json', 'checkpoint', 'tile/0/000.p/6', 'tile/entries/000.p/6']
>>> audit_log(FilesSource(files), ledger.policy()).exit_code
0
"""

from pathlib import Path

from ledger.core.anchor import encode_anchor_list
from ledger.core.errors import ContradictionError
from ledger.core.ids import TreeSize
from ledger.core.tiles import ENTRIES, encode_entry_bundle, encode_tile, list_files, tile_path


def publish(ledger, size=None, *, receipts=(), checkpoint=None):
    """Return the files of a log in memory, whatever its leaves say."""
    size = TreeSize(size or ledger.publish())
    tree = ledger.tree()
    files = {
        "checkpoint": (checkpoint or ledger.checkpoint(size)).encode(),
        "anchors.json": encode_anchor_list(ledger.origin, receipts),
    }
    for tile in list_files(size):
        begin = 256 * tile.index
        if tile.level == ENTRIES:
            files[tile_path(tile)] = encode_entry_bundle(ledger.leaves[begin : begin + tile.width])
        else:
            hashes = [tree.read(8 * tile.level, begin + at) for at in range(tile.width)]
            files[tile_path(tile)] = encode_tile(hashes)
    return files


def write_files(files, folder: Path) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


class FilesSource:
    """Stands for `FolderSource`."""

    def __init__(self, files) -> None:
        self.files = files

    def read(self, path, most):
        raw = self.files.get(path)
        if raw is not None and len(raw) > most:
            raise ContradictionError("is too long", file=path)
        return raw

    def find_stranger(self, expected):
        found = sorted(path for path in self.files if path.startswith("tile/") and path not in expected)
        return found[0] if found else None
