"""The curves of @noble in one text, for a page that can fetch nothing: each is made when it is first asked for.

A module becomes a function that returns what it exports, under its path in the folder; what imports it calls that
function. Where the folder is not there, as it is before `npm ci`, there is no text, and pages have WebCrypto alone.

>>> pack_curves(files("api.web") / "static" / "vendor" / "noble").startswith("const noble_")
True
"""

import posixpath
import re
from importlib.resources.abc import Traversable
from typing import Final

ENTRIES: Final = ("ed25519.js", "nist.js", "bls12-381.js")
HEAD: Final = (
    "const noble_ = {};\nconst once_ = (make) => { let made = null; return () => (made ??= make()); };\n"
)

_FROM: Final = r""" from ['"](\.[^'"]+)['"];$"""
_NAMES: Final = re.compile(r"^import \{([^}]*)\}" + _FROM, re.MULTILINE)
_ALL: Final = re.compile(r"^import \* as (\w+)" + _FROM, re.MULTILINE)
_AGAIN: Final = re.compile(r"^export \{([^}]*)\}" + _FROM, re.MULTILINE)
_LIST: Final = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:const|class|(?:async )?function) (\w+))", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)


def pack_curves(folder: Traversable) -> str:
    """Return the text; without the folder what finds no curve.

    Raises:
        ValueError: a module imports or exports in a form that is not known here, or modules import each other.
    """
    if not folder.joinpath(ENTRIES[0]).is_file():
        return HEAD
    packed: dict[str, str] = {}
    for name in ENTRIES:
        _pack(folder, name, packed, ())
    return HEAD + "".join(packed.values())


def _pack(folder: Traversable, path: str, packed: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module behind those that it imports."""
    if path in above:
        raise ValueError(f"modules import each other: {', '.join([*above, path])}")
    if path in packed:
        return
    text = folder.joinpath(*path.split("/")).read_text("utf-8")
    for pattern in (_NAMES, _ALL, _AGAIN):
        for found in pattern.finditer(text):
            _pack(folder, _resolve(path, found[2]), packed, (*above, path))
    packed[path] = f'noble_["{path}"] = once_(() => {{\n{_rewrite(path, text)}}});\n'


def _rewrite(path: str, text: str) -> str:
    """Return a module's text as the body of a function that returns what it exports."""
    exports = [names for found in _LIST.findall(text) if (names := _rename(found))]
    exports += _EXPORT.findall(text)
    for found in _AGAIN.finditer(text):
        exports += [f'{name}: noble_["{_resolve(path, found[2])}"]().{name}' for name in _split(found[1])]
    body = _NAMES.sub(lambda found: f"const {{ {_rename(found[1])} }} = {_call(path, found[2])};", text)
    body = _ALL.sub(lambda found: f"const {found[1]} = {_call(path, found[2])};", body)
    body = _EXPORT.sub("", _LIST.sub("", _AGAIN.sub("", body)))
    if (unknown := _OTHER.search(body)) is not None:
        raise ValueError(f"{path}: not known here: {unknown[0]}")
    return f"{body}\nreturn {{ {', '.join(exports)} }};\n"


def _call(path: str, wanted: str) -> str:
    return f'noble_["{_resolve(path, wanted)}"]()'


def _resolve(path: str, wanted: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), wanted))


def _split(names: str) -> list[str]:
    return [name for each in names.split(",") if (name := each.strip())]


def _rename(names: str) -> str:
    """Return names of an import as those of a pattern: `a as b` becomes `a: b`."""
    return ", ".join(name.replace(" as ", ": ") for name in _split(names))
