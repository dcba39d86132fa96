"""The small parts of a workbook: which sheets there are, how cells are formatted, the texts that cells share."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from issuer.workbook.container import Container
from issuer.workbook.formats import Format, Kind, classify_format, name_format
from issuer.workbook.markup import MAX_TEXT, read_xml
from ledger.core.errors import InputError, MalformedDocumentError

MAX_SHARED: Final = 5_000_000
MAX_SHEETS: Final = 100
_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_STYLES: Final = "xl/styles.xml"
_SHARED: Final = "xl/sharedStrings.xml"
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_RELATION_ID: Final = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)
_REFUSED_PARTS: Final = (
    ("vbaProject", "holds macros: save it as .xlsx without them"),
    ("xl/externalLinks/", "takes values from other files: replace its links by the values"),
    ("xl/connections", "takes values from elsewhere: replace its connections by the values"),
    ("xl/queryTables/", "takes values from elsewhere: replace its queries by the values"),
    ("xl/embeddings/", "holds other files: take them out"),
    ("xl/macrosheets/", "holds macros: save it as .xlsx without them"),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as the workbook lists it."""

    name: str
    part: str
    """Name of its entry."""


@dataclass(slots=True)
class Workbook:
    """What the sheets of a workbook have in common."""

    sheets: list[Sheet] = field(default_factory=list)
    from_1904: bool = False
    formats: list[tuple[Format, str]] = field(default_factory=list)
    """By the number in a cell's `s`: what it means, and how it is written."""
    shared: list[str] = field(default_factory=list)


def read_parts(container: Container) -> Workbook:
    """Read everything but the cells.

    Raises:
        InputError: macros, links, hidden sheets, or not such parts.
    """
    for start, reason in _REFUSED_PARTS:
        if any(start in name for name in container.entries):
            raise InputError(reason, field="file")
    listing = _Listing()
    read_xml(container.read(_WORKBOOK), listing, _WORKBOOK)
    relations = _Relations()
    read_xml(container.read(_RELATIONS), relations, _RELATIONS)
    workbook = Workbook(list(_find_sheets(listing, relations)), listing.from_1904)
    if _STYLES in container:
        styles = _Styles()
        read_xml(container.read(_STYLES), styles, _STYLES)
        workbook.formats = [(classify_format(*key), name_format(*key)) for key in styles.find_formats()]
    if _SHARED in container:
        texts = _SharedTexts()
        read_xml(container.read(_SHARED), texts, _SHARED)
        workbook.shared = texts.found
    return workbook


def unescape(text: str) -> str:
    """Return a text without the escapes of what XML cannot hold; halves of surrogate pairs stay escaped."""
    return _ESCAPE.sub(_unescape_one, text) if "_x" in text else text


def _unescape_one(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if "\ud800" <= letter <= "\udfff" else letter


def _find_sheets(listing: "_Listing", relations: "_Relations") -> Iterator[Sheet]:
    for name, relation, state in listing.sheets:
        if state not in {"", "visible"}:
            raise InputError("is hidden: show it or delete it", field=f"sheet {name}")
        target = relations.targets.get(relation)
        if target is None:
            raise MalformedDocumentError("is not in the file", field=f"sheet {name}")
        yield Sheet(name, target.removeprefix("/") if target.startswith("/") else f"xl/{target}")


class _Listing:
    """`xl/workbook.xml`."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.from_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}
        if name != "sheet":
            return
        relation = next((attributes[key] for key in _RELATION_ID if key in attributes), "")
        self.sheets.append((attributes.get("name", "")[:80], relation, attributes.get("state", "")))
        if len(self.sheets) > MAX_SHEETS:
            raise InputError(f"more than {MAX_SHEETS} sheets", field="file")

    def end(self, name: str, text: str) -> None:
        """Do nothing."""


class _Relations:
    """`xl/_rels/workbook.xml.rels`."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def end(self, name: str, text: str) -> None:
        """Do nothing."""


class _Styles:
    """`xl/styles.xml`: number formats of the cells."""

    def __init__(self) -> None:
        self._codes: dict[int, str] = {}
        self._used: list[int] = []
        self._in_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt" and attributes.get("numFmtId", "").isdecimal():
            self._codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")[:MAX_TEXT]
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            number = attributes.get("numFmtId", "0")
            self._used.append(int(number) if number.isdecimal() and len(number) < 10 else 0)

    def end(self, name: str, text: str) -> None:  # noqa: ARG002 -- the signature of a handler
        if name == "cellXfs":
            self._in_cells = False

    def find_formats(self) -> list[tuple[int, str | None]]:
        return [(number, self._codes.get(number)) for number in self._used]


class _SharedTexts:
    """`xl/sharedStrings.xml`: runs of rich text are joined, readings of characters (rPh) left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._runs: list[str] = []
        self._in_reading = False

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 -- the signature of a handler
        if name == "si":
            self._runs = []
        elif name == "rPh":
            self._in_reading = True

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self._in_reading:
            self._runs.append(text)
        elif name == "rPh":
            self._in_reading = False
        elif name == "si":
            if len(self.found) >= MAX_SHARED:
                raise InputError(f"more than {MAX_SHARED} texts", field="file")
            self.found.append(unescape("".join(self._runs)))


DEFAULT_FORMAT: Final = (Kind.GENERAL, "General")
