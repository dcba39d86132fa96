"""Where an audited log is read: a folder with its files, or its server.

>>> with open_source("https://ledger.example.cn") as source:
...     source.read("checkpoint", 1_000_000)
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import httpx2

from ledger.core.errors import ContradictionError, InputError, UnavailableError
from ledger.http_client import make_client, read_body

FIELD: Final = "--from"
_TILES: Final = "tile"
_URL: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")


class TreeSource(Protocol):
    """The files of one log; they may be anybody's."""

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file; None if there is none.

        Args:
            path: relative, as `tile/0/000`.
            most: bytes that such a file can have.

        Raises:
            ContradictionError: it is longer.
            UnavailableError: nobody can tell now.
        """
        ...

    def find_stranger(self, expected: Collection[str]) -> str | None:
        """Return a file under `tile/` that is not expected; None if there is none, or nobody can tell."""
        ...


@contextmanager
def open_source(place: str) -> Iterator[TreeSource]:
    """Open a folder, or an https URL; an http one of this machine will do too.

    Raises:
        InputError: it is neither.
    """
    if _URL.match(place):
        with make_client(place, field=FIELD) as client:
            yield HttpSource(client)
    elif Path(place).is_dir():
        yield FolderSource(Path(place))
    else:
        raise InputError(f"{place} is neither a folder nor a URL", field=FIELD)


class FolderSource:
    """A folder that `hengzheng log export`, or a mirror, has written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file; see `TreeSource`."""
        try:
            with (self._folder / path).open("rb") as file:
                raw = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        if len(raw) > most:
            raise ContradictionError(f"is longer than {most} bytes", file=path)
        return raw

    def find_stranger(self, expected: Collection[str]) -> str | None:
        """Return a file under `tile/` that is not expected; a link counts as one, wherever it leads."""
        for path in self._walk(self._folder / _TILES):
            name = path.relative_to(self._folder).as_posix()
            if name not in expected or path.is_symlink() or not path.is_file():
                return name
        return None

    def _walk(self, folder: Path) -> Iterator[Path]:
        """Yield everything below a folder that is no folder itself, in order."""
        if folder.is_symlink() or not folder.is_dir():
            if folder.is_symlink() or folder.exists():
                yield folder
            return
        for path in sorted(folder.iterdir()):
            yield from self._walk(path)


class HttpSource:
    """A server that answers as C2SP tlog-tiles has it."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file; see `TreeSource`."""
        try:
            with self._client.stream("GET", path) as response:
                content = read_body(response, most)
        except (httpx2.HTTPError, httpx2.InvalidURL) as err:
            raise UnavailableError(f"{path}: the log's server is out of reach") from err
        if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            return None
        if response.status_code != HTTPStatus.OK:
            raise UnavailableError(f"{path}: the log's server answers with status {response.status_code}")
        return content

    def find_stranger(self, expected: Collection[str]) -> str | None:
        """Return None: a server does not say what else it has."""
        del expected
        return None
