"""Small files that must never be half there: written beside their place, synced, then put in place at once.

>>> create_file(Path("secret"), b"...", mode=0o600)     # refuses to overwrite
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner may look into, and its parents, unless it is there."""
    path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def create_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a new file; it appears whole or not at all.

    Raises:
        FileExistsError: there is one already; it is left as it is.
    """
    with _draft(path, content, mode) as draft:
        os.link(draft, path)


def replace_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file, new or in place of an old one; readers see the old or the new content, whole."""
    with _draft(path, content, mode) as draft:
        draft.replace(path)


@contextmanager
def _draft(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write the content beside its place, under a name that starts with a dot; sync it and its directory."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        yield draft
        _sync_directory(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
