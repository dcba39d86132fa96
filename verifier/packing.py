r"""Joins the modules of the verifier for browsers into one script: one request instead of seventy.

The modules are served as they are, for whoever wants to read them; the pack is for those who wait on a slow
network, and for a page that works without a server. Nothing is renamed or rewritten: each module becomes a
function that is called once, in the order in which they need each other, without comments and indentation.

>>> modules = {"a.js": "export const a = 1;", "b.js": 'import { a } from "./a.js";\nexport const b = a;'}
>>> pack_modules(modules, ["b.js"]).splitlines()[-1]
'export const{b}=$b;'
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Final

from ledger.core.errors import MalformedDocumentError

PACK: Final = "pack.js"
"""Name of the pack beside the modules that it is made of."""

_WANTED: Final = (
    *("device.js", "encoding.js", "maphead.js", "policy.js", "qr.js"),
    *("regulation.js", "session.js", "trust.js", "verify.js"),
)
"""Modules whose exports pages use."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([a-z0-9_]+\.js)";?$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_NAME: Final = re.compile(
    r"^export (?:async )?(?:function\*?|class|const|let) ([A-Za-z_$][\w$]*)", re.MULTILINE
)


def read_browser_modules() -> dict[str, str]:
    """Return the modules of the verifier for browsers: name -> text."""
    folder = files("verifier.browser")
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".js"))
    return {entry.name: entry.read_text(encoding="utf-8") for entry in found}


def pack_verifier() -> str:
    """Return the whole verifier for browsers as one module, for pages."""
    return pack_modules(read_browser_modules(), _WANTED)


def pack_modules(modules: Mapping[str, str], entries: Sequence[str]) -> str:
    """Return one module that exports what these modules export.

    Args:
        modules: name -> text.
        entries: names of the modules whose exports are wanted; what they need comes along.

    Raises:
        MalformedDocumentError: a module is missing, needs itself, or is written in a form that is not understood.
    """
    order = _sort(modules, entries)
    scripts = [_wrap(name, modules[name]) for name in order]
    exported = [
        f"export const{{{','.join(_list_exports(modules[name]))}}}={_spell(name)};\n" for name in entries
    ]
    return "".join([*scripts, *exported])


def _sort(modules: Mapping[str, str], entries: Sequence[str]) -> list[str]:
    """Return what the entries need, each behind what it needs itself."""
    needs: dict[str, list[str]] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        if name not in modules:
            raise MalformedDocumentError(f"there is no module {name}")
        needs[name] = [match[2] for match in _IMPORT.finditer(modules[name])]
        waiting += needs[name]
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as err:
        raise MalformedDocumentError(f"modules need each other: {err.args[1]}") from err


def _wrap(name: str, text: str) -> str:
    body = _EXPORT.sub("", _IMPORT.sub(_take, text))
    lines = list(_shorten(body))
    for line in lines:
        if line.startswith(("import ", "export ")):
            raise MalformedDocumentError(f"{name}: this form is not understood: {line}")
    kept = "\n".join(lines)
    return f"const {_spell(name)}=(()=>{{\n{kept}\nreturn{{{','.join(_list_exports(text))}}};\n}})();\n"


def _shorten(text: str) -> Iterator[str]:
    """Yield the lines without whole-line comments and indentation; texts of several lines stay as they are."""
    in_comment = in_text = False
    for line in text.splitlines():
        bare = line if in_text else line.strip()
        if in_text or not (in_comment or bare.startswith(("//", "/*"))):
            if bare:
                yield bare
            in_text ^= bare.replace("\\`", "").count("`") % 2 == 1
        else:
            in_comment = "*/" not in bare and (in_comment or bare.startswith("/*"))


def _take(match: re.Match[str]) -> str:
    names = (name.strip().replace(" as ", ":") for name in match[1].split(",") if name.strip())
    return f"const{{{','.join(names)}}}={_spell(match[2])};"


def _list_exports(text: str) -> list[str]:
    return _NAME.findall(text)


def _spell(name: str) -> str:
    return "$" + name.removesuffix(".js")
