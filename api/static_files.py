"""Files of the pages that anybody may fetch: scripts of ours and of third parties, from the packages themselves.

What may be fetched is listed when the application starts: a name that is not in the list leads nowhere, whatever it
is made of. A folder has two addresses. `static/page/check.js` is asked for again each time; the pages themselves
name `static/page@<digest>/check.js`, whose digest is that of every file in the folder, so that it never changes and
modules that import each other are always of one make.

>>> StaticFiles().address("page", "check.js")
'static/page@5f1c3f0b2d9e4a77/check.js'
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

from api.ready import ASK_AGAIN, IMMUTABLE, Ready, pack
from ledger.core.errors import NotFoundError
from verifier.browser import PACK, pack_further, pack_modules

TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".png": "image/png",
}
"""What is served; everything else in a folder is not."""

PHOTO_PACK: Final = "all_photo.js"
"""What checking a photograph needs beside the modules of `PACK`, which are in the folder `verifier` as one."""

_DIGEST_DIGITS: Final = 16


def _list_folders() -> dict[str, Traversable]:
    static = files("api.web").joinpath("static")
    return {
        "page": static.joinpath("page"),
        "scan": static.joinpath("scan"),
        "verifier": files("verifier").joinpath("browser"),
        "vendor": static.joinpath("vendor"),
    }


class StaticFiles:
    """Every file that is served, compressed once. Safe to share between threads."""

    def __init__(
        self,
        folders: Mapping[str, Traversable] | None = None,
        made: Mapping[tuple[str, str], bytes] | None = None,
    ) -> None:
        """Read the files; a folder that is not there is empty.

        Args:
            folders: name in addresses -> where it lies; None: those of the product.
            made: folder and name of files that lie nowhere -> what is in them; None: what the product makes,
                none for other folders.
        """
        made = made or (_make() if folders is None else {})
        self._files: dict[tuple[str, str], Ready] = {}
        self._digests: dict[str, str] = {}
        for folder, place in (_list_folders() if folders is None else folders).items():
            made_here = {name: raw for (where, name), raw in made.items() if where == folder}
            found = dict(sorted((dict(_read(place)) | made_here).items()))
            digest = hashlib.sha256()
            for name, raw in found.items():
                digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(raw).digest())
            self._digests[folder] = digest.hexdigest()[:_DIGEST_DIGITS]
            for name, raw in found.items():
                ready = pack(Ready(raw, TYPES[PurePosixPath(name).suffix], ASK_AGAIN), level=9)
                self._files[folder, name] = ready
                kept = replace(ready, cache_control=IMMUTABLE)
                self._files[f"{folder}@{self._digests[folder]}", name] = kept

    def find(self, folder: str, name: str) -> Ready:
        """Return a file.

        Raises:
            NotFoundError: there is none of this name, or no longer with this digest.
        """
        found = self._files.get((folder, name))
        if found is None:
            raise NotFoundError("there is no such file")
        return found

    def list_names(self, folder: str) -> list[str]:
        """Return the names of all files of a folder, sorted."""
        return sorted(name for found, name in self._files if found == folder)

    def address(self, folder: str, name: str) -> str | None:
        """Return where a file is that never changes, from the root of the site; None: there is none."""
        return f"static/{folder}@{self._digests[folder]}/{name}" if (folder, name) in self._files else None


def _make() -> dict[tuple[str, str], bytes]:
    """Return what is made of other files when the application starts."""
    photo = pack_further("photo_device")
    return {("verifier", PACK): pack_modules(), ("verifier", PHOTO_PACK): photo}


def _read(place: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    if not place.is_dir():
        return
    for child in place.iterdir():
        name = prefix + child.name
        if child.is_dir():
            yield from _read(child, f"{name}/")
        elif PurePosixPath(name).suffix in TYPES:
            yield name, child.read_bytes()
