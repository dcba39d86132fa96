"""Many modules as few files: the same text without comments and indentation, in one scope instead of one for each.

Names stay as they are. Where two modules name something alike, the later one gets a scope of its own; where they
export it, the later one becomes an object, from which those that import it take their names. What a module loads by
`import("./name.js")` when it is met stands in a file of its own, with what only that one needs.

>>> Packer(read).split("device", ())["all.js"][:26]
'class LedgerError extends '
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

PACK: Final = "all.js"
"""What is needed at once."""

LATER: Final = "all/"
"""Folder of what is loaded when it is met."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";?\n', re.MULTILINE)
_LATER: Final = re.compile(r'\bimport\("\./(\w+)\.js"\)')
_EXPORT: Final = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\w+))", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?:[^*]|\*(?!/))*\*/)\n", re.MULTILINE)
_SPACE: Final = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b(?!\().*", re.MULTILINE)
_NAMED: Final = re.compile(r"^(?:class|(?:async )?function\*?) (\w+)", re.MULTILINE)
_BOUND: Final = re.compile(r"^(?:const|let) (.*)", re.MULTILINE)
_PATTERN: Final = re.compile(r"(?:^|, )(\w+|[{\[][^{}\[\]]*[}\]]) =(?![=>])")
_NESTED: Final = re.compile(r'"[^"]*"|\([^()]*\)|(?<== )[\[{][^\[\]{}]*[\]}]')


@dataclass(frozen=True)
class Module:
    """One module, taken apart."""

    name: str
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    """Module -> names in the form `a` or `a: b`."""
    later: tuple[str, ...]
    """Modules that it loads when it meets what they are for."""
    exports: tuple[str, ...]
    own: frozenset[str]
    """What it names itself, exports included; rather a name too many than one too few."""
    body: str


def parse_module(name: str, text: str) -> Module:
    """Take a module apart.

    Raises:
        ValueError: it imports or exports in a form that is not known here.
    """
    text = _COMMENT.sub("", text)
    imports = tuple((found[2], _read_names(found[1])) for found in _IMPORT.finditer(text))
    body = _IMPORT.sub("", text)
    exports = tuple(_EXPORT.findall(body))
    body = _EXPORT.sub("", body)
    if (unknown := _OTHER.search(body)) is not None:
        raise ValueError(f"{name}.js: not known here: {unknown[0]}")
    own = frozenset(_find_own(body))
    return Module(name, imports, tuple(_LATER.findall(body)), exports, own, _SPACE.sub("", body).lstrip())


class Packer:
    """Puts modules together, which `read` gives by their names."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._modules: dict[str, Module] = {}

    def split(self, entry: str, offered: Collection[str]) -> dict[str, str]:
        """Return the file of what `entry` needs at once, and one for each module that is loaded when it is met.

        Args:
            entry: module whose exports are those of the first file.
            offered: further names that it exports, each exported by one module.

        Raises:
            ValueError: a module's form is not known here, modules import each other, or one is needed at once that
                another loads when it meets what it is for.
        """
        first = self._reach(entry)
        later = self._list_later(first)
        reached = [self._reach(name) for name in later]
        shared = {name for some in reached for name in some if sum(name in other for other in reached) > 1}
        core = list(dict.fromkeys([*self._reach(*sorted(shared)), *first]))
        if both := sorted(set(core) & set(later)):
            raise ValueError(f"loaded at once, and when it is met: {', '.join(both)}")
        scope = _Scope()
        scope.add(map(self._get, core), f"./{LATER}")
        files = {}
        wanted = {*offered, *self._get(entry).exports}
        for name, all_of_it in zip(later, reached, strict=True):
            more = [self._get(each) for each in all_of_it if each not in core]
            needed = scope.find_needed(more)
            wanted |= needed
            own = _Scope(set(needed), scope.objects)
            own.add(more, "./")
            head = f'import {{ {", ".join(sorted(needed))} }} from "../{PACK}";\n'
            tail = f"export {{ {', '.join(self._get(name).exports)} }};\n"
            files[f"{LATER}{name}.js"] = f"{head}{own.text}{tail}"
        return {PACK: f"{scope.text}export {{ {', '.join(sorted(wanted))} }};\n", **files}

    def join(self, entry: str) -> str:
        """Return one text with every module, each as an object of its name and `_`, which is exported by its name.

        Raises:
            ValueError: as `split` does.
        """
        first = self._reach(entry)
        names = [*first, *(name for name in self._reach(*self._list_later(first)) if name not in first)]
        scope = _Scope()
        scope.add(map(self._get, names), None)
        objects = ", ".join(f"{name}_" for name in names)
        made = ",\n".join(f"{name}_: {scope.describe(self._get(name))}" for name in names)
        inner = f"const {{ {objects} }} = (() => {{\n{scope.text}return {{\n{made},\n}};\n}})();\n"
        exports = f"export const {{ {', '.join(self._get(entry).exports)} }} = {entry}_;\n"
        return f"{inner}{exports}export {{ {', '.join(f'{name}_ as {name}' for name in names)} }};\n"

    def _get(self, name: str) -> Module:
        if name not in self._modules:
            self._modules[name] = parse_module(name, self._read(name))
        return self._modules[name]

    def _reach(self, *names: str) -> list[str]:
        """Return these modules and all that they import, each behind those that it imports."""
        reached: dict[str, None] = {}
        for name in names:
            self._walk(name, reached, ())
        return list(reached)

    def _walk(self, name: str, reached: dict[str, None], above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules import each other: {', '.join([*above, name])}")
        if name in reached:
            return
        for wanted, _ in self._get(name).imports:
            self._walk(wanted, reached, (*above, name))
        reached[name] = None

    def _list_later(self, names: Iterable[str]) -> list[str]:
        """Return the modules that these load when they meet what they are for, and those that these load then."""
        found: dict[str, None] = {}
        waiting = [name for each in names for name in self._get(each).later]
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += [more for each in self._reach(name) for more in self._get(each).later]
        return list(found)


@dataclass
class _Scope:
    """Modules one behind the other, in one scope."""

    taken: set[str] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)
    """Modules whose names are taken from an object."""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, modules: Iterable[Module], folder: str | None) -> None:
        """Add modules; what they load later is in this folder, or None: in this scope."""
        added = list(modules)
        for module in added:
            self._add(module)
        if folder is None:
            self._bind_later({module.name: module for module in added})
        else:
            self.parts = [_LATER.sub(rf'import("{folder}\1.js")', part) for part in self.parts]

    def _bind_later(self, by_name: Mapping[str, Module]) -> None:
        """Let modules find in this scope what they load later: from a function, for who asks names it alike."""
        later = dict.fromkeys(name for part in self.parts for name in _LATER.findall(part))
        self.parts = [_LATER.sub(r"load_\1_()", part) for part in self.parts]
        self.parts += [
            f"const load_{name}_ = async () => ({self.describe(by_name[name])});\n" for name in later
        ]

    def describe(self, module: Module) -> str:
        """Return what stands for a module as an object."""
        return f"{module.name}_" if module.name in self.objects else f"{{ {', '.join(module.exports)} }}"

    def find_needed(self, modules: Collection[Module]) -> set[str]:
        """Return what other modules need of this scope, by the names that it has here."""
        inside = {module.name for module in modules}
        return {
            f"{wanted}_" if wanted in self.objects else name.partition(":")[0]
            for module in modules
            for wanted, names in module.imports
            if wanted not in inside
            for name in names
        }

    def _add(self, module: Module) -> None:
        lines = "".join(self._bind(wanted, names) for wanted, names in module.imports)
        exports = ", ".join(module.exports)
        closed = f"(() => {{\n{lines}{module.body}return {{ {exports} }};\n}})();\n"
        if not lines and not module.own & self.taken:
            self.parts.append(module.body)
            self.taken |= module.own
        elif not set(module.exports) & self.taken:
            self.parts.append(f"const {{ {exports} }} = {closed}" if exports else closed)
            self.taken |= set(module.exports)
        else:
            self.parts.append(f"const {module.name}_ = {closed}")
            self.taken.add(f"{module.name}_")
            self.objects.add(module.name)

    def _bind(self, wanted: str, names: tuple[str, ...]) -> str:
        """Return the line that gives a module the names that the scope has not, or has otherwise."""
        if wanted in self.objects:
            return f"const {{ {', '.join(names)} }} = {wanted}_;\n"
        renamed = [name.split(": ") for name in names if ":" in name]
        return "".join(f"const {own} = {given};\n" for given, own in renamed)


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(name.replace(" as ", ": ") for each in text.split(",") if (name := " ".join(each.split())))


def _find_own(body: str) -> Iterable[str]:
    """Yield the names that a module binds at its outermost level."""
    yield from _NAMED.findall(body)
    for line in _BOUND.findall(body):
        for pattern in _PATTERN.findall(_drop_nested(line)):
            yield from re.findall(r"\w+", pattern)


def _drop_nested(line: str) -> str:
    """Return the patterns of a declaration without what stands in brackets of their values."""
    while (shorter := _NESTED.sub("", line)) != line:
        line = shorter
    return line
