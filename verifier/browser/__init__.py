"""The verifier's modules for browsers, and all of them in one file, for pages that wait for a network.

Nothing is built: each module is served as it stands here. `pack_modules` puts the same text, without comments and
indentation, into one module: one request instead of sixty. Each module becomes an object of its name, exported, and
what `device.js` exports is exported beside them. `pack_further` does so with what another entry needs beside that.

>>> b"export const {" in pack_modules()
True
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
ENTRY: Final = "device"
PACK: Final = "all.js"
"""Name under which `pack_modules` is served beside the modules."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";?\n', re.MULTILINE)
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
    entry = ", ".join(_EXPORT.findall(_read(ENTRY)))
    names = ", ".join(f"{name}_ as {name}" for name in packed)
    tail = f"export const {{ {entry} }} = {ENTRY}_;\nexport {{ {names} }};\n"
    return "".join([*packed.values(), tail]).encode()


@cache
def pack_further(entry: str) -> bytes:
    """Return what an entry needs beside the modules of `device.js`, which it takes from their pack.

    Raises:
        ValueError: as `pack_modules`.
    """
    packed = dict.fromkeys(list_modules(ENTRY), "")
    _pack(entry, packed, ())
    names = [name for name, text in packed.items() if text]
    wanted = {found for name in names for _, found in _IMPORT.findall(_read(name))} - set(names)
    head = ", ".join(f"{name} as {name}_" for name in sorted(wanted))
    exports = ", ".join(_EXPORT.findall(_read(entry)))
    text = "".join(packed[name] for name in names)
    return f'import {{ {head} }} from "./{PACK}";\n{text}export const {{ {exports} }} = {entry}_;\n'.encode()


def list_modules(entry: str) -> list[str]:
    """Return the names of the modules that an entry needs, each behind those that it imports."""
    packed: dict[str, str] = {}
    _pack(entry, packed, ())
    return list(packed)


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
    body = _SPACE.sub("", _EXPORT.sub("", body))
    if (unknown := _OTHER.search(body)) is not None:
        raise ValueError(f"{name}.js: not known here: {unknown[0]}")
    packed[name] = f"const {name}_ = (() => {{\n{body}return {{ {exports} }};\n}})();\n"


def _bind(found: re.Match[str]) -> str:
    names = " ".join(found[1].split()).rstrip(",").replace(" as ", ": ")
    return f"const {{ {names} }} = {found[2]}_;\n"


def _read(name: str) -> str:
    return _COMMENT.sub("", (FOLDER / f"{name}.js").read_text("utf-8"))
