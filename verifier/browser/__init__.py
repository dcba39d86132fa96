"""The verifier's modules for browsers, and all of them in one file, for pages that wait for a network.

Nothing is built: each module is served as it stands here. `pack_modules` puts the same text, without comments and
indentation, into one module: one request instead of sixty. Each module becomes an object of its name, exported, and
what `device.js` exports is exported beside them. What is imported only when it is asked for, by `import("./….js")`,
is packed by itself: `pack_later` takes from the first pack what that has.

>>> b"export const {" in pack_modules()
True
>>> b'from "./all.js"' in pack_later("sticker_device")
True
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
ENTRY: Final = "device"
PACK: Final = "all.js"
"""All modules that every page needs, as one, beside them."""
LATER: Final = ("sticker_device", "chain")
"""What is imported only when it is asked for."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";?\n', re.MULTILINE)
_LATER: Final = re.compile(r'\bimport\("\./(\w+)\.js"\)')
_EXPORT: Final = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\w+))", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?:[^*]|\*(?!/))*\*/)\n", re.MULTILINE)
_SPACE: Final = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


@cache
def pack_modules() -> bytes:
    """Return every module that `device.js` needs as one.

    Raises:
        ValueError: a module imports or exports in a form that is not known here, or modules import each other.
    """
    packed: dict[str, str] = {}
    _pack(ENTRY, packed, ())
    names = ", ".join(f"{name}_ as {name}" for name in packed)
    return "".join([*packed.values(), _export(ENTRY), f"export {{ {names} }};\n"]).encode()


@cache
def pack_later(entry: str) -> bytes:
    """Return a module that is imported later, with all that it needs beyond `pack_modules`; raises as that does."""
    first: dict[str, str] = {}
    _pack(ENTRY, first, ())
    packed = dict(first)
    _pack(entry, packed, ())
    own = "".join(text for name, text in packed.items() if name not in first)
    names = ", ".join(f"{name} as {name}_" for name in first if f"= {name}_;" in own)
    return f'import {{ {names} }} from "./{PACK}";\n{own}{_export(entry)}'.encode()


def name_pack(entry: str) -> str:
    """Return the name of the file of `pack_later`."""
    return f"{entry}.all.js"


def _export(entry: str) -> str:
    return f"export const {{ {', '.join(_EXPORT.findall(_read(entry)))} }} = {entry}_;\n"


def _pack(name: str, packed: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module behind those that it imports."""
    if name in above:
        raise ValueError(f"modules import each other: {', '.join([*above, name])}")
    if name in packed:
        return
    text = _read(name)
    for _, wanted in _IMPORT.findall(text):
        _pack(wanted, packed, (*above, name))
    body = _IMPORT.sub(_bind, text)
    exports = ", ".join(_EXPORT.findall(body))
    body = _LATER.sub(lambda found: f'import("./{name_pack(found[1])}")', body)
    body = _SPACE.sub("", _EXPORT.sub("", body))
    if (unknown := _OTHER.search(body)) is not None:
        raise ValueError(f"{name}.js: not known here: {unknown[0]}")
    packed[name] = f"const {name}_ = (() => {{\n{body}return {{ {exports} }};\n}})();\n"


def _bind(found: re.Match[str]) -> str:
    names = " ".join(found[1].split()).rstrip(",").replace(" as ", ": ")
    return f"const {{ {names} }} = {found[2]}_;\n"


def _read(name: str) -> str:
    return _COMMENT.sub("", (FOLDER / f"{name}.js").read_text("utf-8"))
