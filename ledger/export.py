"""The log as a plain tree of files, for auditors, mirrors and static servers; the same names as over HTTP.

The tree stands in a folder, or below a prefix of an object store (`object_target`).

    checkpoint                 newest checkpoint (with a quorum, where there are witnesses), a signed note
    tile/<level>/<index>       hashes, and tile/entries/<index>: leaves; partial ones end in .p/<width>
    anchors.json               receipts of all final anchors under that checkpoint

Rules it keeps: it is derived data, which may be thrown away and made again; every file appears whole, and the
checkpoint last, so that whoever finds it finds all that it needs; under `tile/` stands what this checkpoint needs
and nothing else; a place that holds something else, or another history, is left as it is.

>>> with store.read() as reading:
...     export_log(reading, receipts, "ledger.example/2026", FolderTarget(Path("log"))).written
7
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ledger.core.anchor import AnchorReceipt, encode_anchor_list
from ledger.core.checkpoint import Checkpoint, parse_checkpoint_body
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.ids import TreeSize
from ledger.core.merkle import build_root
from ledger.core.note import parse_note
from ledger.core.quorum import WitnessQuorum
from ledger.core.tiles import TileReader, list_files, parse_tile_path, tile_path
from ledger.cosigning.publishing import CheckpointReading, find_published
from ledger.files import replace_file
from ledger.proof_parts import TileReading
from ledger.proving import read_tile
from ledger.store.records import StoredCheckpoint

CHECKPOINT_NAME: Final = "checkpoint"
ANCHORS_NAME: Final = "anchors.json"
TILE_FOLDER: Final = "tile"

_DRAFT: Final = re.compile(r"\.[^/]+\.[0-9a-f]{16}")
"""What `files.replace_file` leaves behind when it is killed."""


class ExportReading(CheckpointReading, TileReading, Protocol):
    """One state of the log."""


class ExportTarget(Protocol):
    """A place for one exported log. What is written there is on its way until `flush` has returned."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    def list_tiles(self) -> set[str]:
        """Return every path below `tile/`, as `tile/0/000`, whatever lies there."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return a small file; None if there is none."""
        ...

    def write(self, path: str, content: bytes) -> bool:
        """Put a file in place, whole, unless the same is known to be there; tell whether it was put."""
        ...

    def flush(self) -> None:
        """Return when all that was written is there."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away."""
        ...


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did."""

    checkpoint: StoredCheckpoint
    receipts: int
    written: int
    """Files under `tile/` that were new."""
    removed: int
    """Files under `tile/` that only an older checkpoint needed."""


def export_log(
    reading: ExportReading,
    receipts: Sequence[AnchorReceipt],
    origin: str,
    target: ExportTarget,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
    *,
    quorum: WitnessQuorum | None = None,
) -> Exported:
    """Write the published checkpoint and all that stands under it; what is there already stays.

    Args:
        reading: the log.
        receipts: of final anchors, oldest first.
        origin: name of the log.
        target: where to.
        on_progress: called with the number of files done and of all files.
        quorum: whose lines stand under the checkpoint; None: the log has no witnesses.

    Raises:
        NotFoundError: the log is empty.
        StateError: the place holds another log, or files that no exported log has; nothing is written.
        UnavailableError: the place is out of reach.
        LogIntegrityError: the store contradicts itself.
        OSError: the folder cannot be written.
    """
    checkpoint = find_published(reading, quorum)
    if checkpoint is None:
        raise NotFoundError("the log is empty: there is nothing to export")
    present = _list_present(target)
    kept = _find_kept(reading, origin, target, checkpoint.tree_size) & present
    wanted = {tile_path(tile): tile for tile in list_files(checkpoint.tree_size)}
    missing = [path for path in wanted if path not in kept]
    written = 0
    for done, path in enumerate(missing):
        on_progress(done, len(missing))
        written += target.write(path, read_tile(reading, wanted[path]))
    under = [receipt for receipt in receipts if receipt.tree_size <= checkpoint.tree_size]
    for path, content in (
        (ANCHORS_NAME, encode_anchor_list(origin, under)),
        (CHECKPOINT_NAME, checkpoint.note.encode()),
    ):
        target.write(path, content)
        target.flush()
    on_progress(len(missing), len(missing))
    stale = present - wanted.keys()
    for path in stale:
        target.remove(path)
    return Exported(checkpoint, len(under), written, len(stale))


def _list_present(target: ExportTarget) -> set[str]:
    """Return the files under `tile/`, by their paths.

    Raises:
        StateError: one of them is none of an exported log.
    """
    present = target.list_tiles()
    for path in sorted(present):
        if not _is_ours(path):
            raise StateError(
                f"{target.name}/{path} is no file of an exported log: remove it, or name another place"
            )
    return present


def _is_ours(path: str) -> bool:
    if _DRAFT.fullmatch(path.rpartition("/")[2]):
        return True
    try:
        parse_tile_path(path)
    except InputError:
        return False
    return True


def _find_kept(reading: ExportReading, origin: str, target: ExportTarget, tree_size: TreeSize) -> set[str]:
    """Return what an earlier export has written for good; nothing where it never came to its checkpoint."""
    note = target.read(CHECKPOINT_NAME)
    if note is None:
        return set()
    before = _parse_own(note, origin, target)
    if before.tree_size > tree_size or before.root_hash != build_root(
        before.tree_size, TileReader(before.tree_size, lambda tile: read_tile(reading, tile)).read
    ):
        raise StateError(
            f"{target.name} holds {before.tree_size} leaves that this log does not have: name another place"
        )
    return {tile_path(tile) for tile in list_files(before.tree_size)}


def _parse_own(note: bytes, origin: str, target: ExportTarget) -> Checkpoint:
    try:
        checkpoint = parse_checkpoint_body(parse_note(note).text)
    except InputError as err:
        raise StateError(
            f"{target.name}/{CHECKPOINT_NAME} is no checkpoint: remove it, or name another place"
        ) from err
    if checkpoint.origin != origin:
        raise StateError(f"{target.name} holds the log {checkpoint.origin}, not {origin}: name another place")
    return checkpoint


class FolderTarget:
    """A folder; made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name: Final = str(folder)

    def list_tiles(self) -> set[str]:
        """Return every path below `tile/`; links count, wherever they lead."""
        paths = (self._folder / TILE_FOLDER).rglob("*")
        return {
            path.relative_to(self._folder).as_posix()
            for path in paths
            if path.is_symlink() or not path.is_dir()
        }

    def read(self, path: str) -> bytes | None:
        """Return a file; None if there is none."""
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> bool:
        """Put a file in place, on disk."""
        (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._folder / path, content)
        return True

    def flush(self) -> None:
        """Do nothing: every file is on disk already."""

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty then."""
        (self._folder / path).unlink()
        for parent in (self._folder / path).parents:
            if parent == self._folder or any(parent.iterdir()):
                return
            parent.rmdir()
