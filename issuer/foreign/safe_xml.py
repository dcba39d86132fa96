"""XML from strangers: parsed without a document type, entities, network, or more than a bounded effort.

Two parsers read the bytes. The first, expat, only screens: it stops at the first thing that a DCC has no need of,
before anything is built. What passes is read by libxml2, whose trees signatures are checked on.

>>> parse_safe_xml(b"<!DOCTYPE a [<!ENTITY x 'ha'>]><a>&x;</a>")
Traceback (most recent call last):
ledger.core.errors.MalformedDocumentError: a document type (DOCTYPE) is not accepted
"""

from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from lxml import etree

from ledger.core.errors import MalformedDocumentError

MAX_BYTES: Final = 8 * 1024 * 1024
"""Largest document; certificates with embedded files are about a hundredth of it."""
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 200_000
"""And attributes, comments and the like, all together: each costs about a kilobyte while a signature is checked."""
MAX_ATTRIBUTES: Final = 32
"""Of one element, namespaces among them."""
MAX_NAMESPACES: Final = 32
"""Declared by an element and those around it: canonicalization looks at all of them, for each element anew."""

Element = Any
"""An element of lxml, which carries no types; and its parser."""
Parser = Any


def parse_safe_xml(raw: bytes) -> Element:
    """Return the root element of a document.

    Args:
        raw: at most 8 MiB of UTF-8; a byte order mark is fine.

    Raises:
        MalformedDocumentError: too large, not UTF-8, not well-formed, too deep, too many elements; or it has a
            document type, entities, or processing instructions inside.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedDocumentError(f"a document of {len(raw)} bytes; at most {MAX_BYTES} are read")
    _check_encoding(raw)
    _screen(raw)
    try:
        return etree.fromstring(raw, parser=make_parser())
    except (etree.LxmlError, ValueError) as err:
        raise MalformedDocumentError(f"not well-formed XML: {make_printable(str(err))}") from err


def make_parser() -> Parser:
    """Return a parser that fetches nothing and replaces nothing."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


def has_outer_instructions(root: Element) -> bool:
    """Say whether processing instructions stand before or after the root: no signature covers them."""
    instructions = etree.ProcessingInstruction
    beside = [*root.itersiblings(instructions, preceding=True), *root.itersiblings(instructions)]
    return bool(beside)


def make_printable(text: str, most: int = 200) -> str:
    """Return a stranger's words for a sentence: one line, cut, what a terminal would act upon as escapes."""
    line = " ".join(text.split())[:most]
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def _check_encoding(raw: bytes) -> None:
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise MalformedDocumentError(f"not UTF-8 at byte {err.start}; other encodings are not read") from None
    if b"\0" in raw:
        raise MalformedDocumentError("a zero byte; only UTF-8 is read")


@dataclass(slots=True)
class _Screen:
    """Counts while expat reads, and stops it."""

    depth: int = 0
    elements: int = 0
    namespaces: list[int] = field(default_factory=list)
    """How many each open element declares."""

    def count(self, more: int = 1) -> None:
        self.elements += more
        if self.elements > MAX_ELEMENTS:
            raise MalformedDocumentError(f"more than {MAX_ELEMENTS} elements and attributes")

    def start(self, _name: str, attributes: list[str]) -> None:
        self.depth += 1
        self.count(1 + len(attributes) // 2)
        if self.depth > MAX_DEPTH:
            raise MalformedDocumentError(f"elements nested deeper than {MAX_DEPTH}")
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise MalformedDocumentError(f"an element with more than {MAX_ATTRIBUTES} attributes")
        self.namespaces.append(sum(name.startswith("xmlns") for name in attributes[::2]))
        if sum(self.namespaces) > MAX_NAMESPACES:
            raise MalformedDocumentError(f"more than {MAX_NAMESPACES} namespaces at one place")

    def end(self, _name: str) -> None:
        self.depth -= 1
        self.namespaces.pop()

    def instruct(self, target: str, _data: str) -> None:
        self.count()
        if self.depth:
            raise MalformedDocumentError(f"a processing instruction ({target[:40]}) inside the document")


def _refuse_document_type(*_: object) -> None:
    raise MalformedDocumentError("a document type (DOCTYPE) is not accepted")


def _check_declaration(version: str, encoding: str | None, _standalone: int) -> None:
    if version != "1.0":
        raise MalformedDocumentError(f"XML {version[:10]}; only 1.0 is read")
    if encoding is not None and encoding.upper() != "UTF-8":
        raise MalformedDocumentError(f"declared as {encoding[:40]}; only UTF-8 is read")


def _screen(raw: bytes) -> None:
    screen, parser = _Screen(), expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler = screen.start
    parser.EndElementHandler = screen.end
    parser.CommentHandler = lambda _text: screen.count()
    parser.StartCdataSectionHandler = screen.count
    parser.ProcessingInstructionHandler = screen.instruct
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.XmlDeclHandler = _check_declaration
    try:
        parser.Parse(raw, True)  # noqa: FBT003 -- it takes no keywords
    except expat.ExpatError as err:
        sentence = expat.ErrorString(err.code)
        raise MalformedDocumentError(f"not well-formed XML: {sentence}, line {err.lineno}") from None
