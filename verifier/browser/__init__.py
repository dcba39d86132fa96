"""The verifier's modules for browsers, and a few files that hold them all, for pages that wait for a network.

Nothing is built: each module is served as it stands here. `packing.py` puts the same text together, names and lines
as they are, so that a page asks for one file instead of sixty.

>>> sorted(split_modules())[:2]
['all.js', 'all/alone.js']
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from verifier.browser.packing import LATER, PACK, Packer

__all__ = ["ENTRY", "FOLDER", "LATER", "OFFERED", "PACK", "pack_modules", "split_modules"]

FOLDER: Final = Path(__file__).parent
ENTRY: Final = "device"

OFFERED: Final = (
    "ALPHABET",
    "STATUS_WORDS",
    "computeCode",
    "encodeUtf8",
    "parseCode",
    "parseDigits",
    "parseTrustList",
    "requireMaphead",
)
"""What pages import from the first file beside what `device.js` exports."""


@cache
def split_modules() -> Mapping[str, bytes]:
    """Return what pages load: name -> file, the first with what every check needs, one for each part met rarely.

    Raises:
        ValueError: a module imports or exports in a form that is not known, or modules import each other.
    """
    files = Packer(_read).split(ENTRY, OFFERED)
    # made once for the whole process: nobody may take one out
    return MappingProxyType({name: text.encode() for name, text in files.items()})


@cache
def pack_modules() -> bytes:
    """Return every module that a check may need as one script, for a page that can fetch nothing.

    Each is an object of its name and `_`, exported by its name; what `device.js` exports is exported beside them.

    Raises:
        ValueError: as `split_modules` does.
    """
    return Packer(_read).join(ENTRY).encode()


def _read(name: str) -> str:
    return (FOLDER / f"{name}.js").read_text("utf-8")
