"""XML of a workbook, element by element, without any document type: no entities, nothing fetched, nothing deep.

>>> read_xml([b'<a xmlns="…/main"><b x="1">text</b></a>'], handler, "xl/workbook.xml")
"""

from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, Protocol
from xml.parsers import expat

from ledger.core.errors import InputError, MalformedDocumentError

MAX_DEPTH: Final = 32
MAX_ATTRIBUTES: Final = 64
MAX_TEXT: Final = 32_767
"""Characters of one cell, as spreadsheets have it."""

NAMESPACES: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main ",
    "http://purl.oclc.org/ooxml/spreadsheetml/main ",
    "http://schemas.openxmlformats.org/package/2006/relationships ",
    "http://schemas.openxmlformats.org/package/2006/content-types ",
)
"""Elements of other namespaces are passed over. The second is the strict form."""


class Handler(Protocol):
    """Takes elements in the order of the document; names are local names."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        ...

    def end(self, name: str, text: str) -> None:
        """Take an end tag, and the text since the last tag."""
        ...


class _Reading:
    """Hands elements of our namespaces on, with their text; counts depth and length."""

    def __init__(self, handler: Handler, part: str) -> None:
        self._handler = handler
        self._part = part
        self._names: dict[str, str] = {}
        self._text: list[str] = []
        self._length = 0
        self._depth = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._take
        self.parser.StartDoctypeDeclHandler = self._refuse_type
        self.parser.EntityDeclHandler = self._refuse_type

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH or len(attributes) > MAX_ATTRIBUTES:
            raise MalformedDocumentError(f"{self._part} is nested too deep", field="file")
        self._clear()
        if local := self._names.get(name) or self._localise(name):
            self._handler.start(local, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if local := self._names.get(name):
            self._handler.end(local, "".join(self._text))
        self._clear()

    def _take(self, data: str) -> None:
        self._length += len(data)
        if self._length > MAX_TEXT:
            message = f"a text in {self._part} has more than {MAX_TEXT} characters"
            raise MalformedDocumentError(message, field="file")
        self._text.append(data)

    def _clear(self) -> None:
        if self._text:
            self._text.clear()
            self._length = 0

    def _localise(self, name: str) -> str:
        for namespace in NAMESPACES:
            if name.startswith(namespace):
                return self._names.setdefault(name, name[len(namespace) :])
        return self._names.setdefault(name, "")

    def _refuse_type(self, *_: object) -> NoReturn:
        raise InputError(f"{self._part} declares a document type or entities", field="file")


def read_xml(chunks: Iterable[bytes], handler: Handler, part: str) -> None:
    """Read one part.

    Args:
        chunks: its bytes.
        handler: takes elements of the namespaces of workbooks; raises `InputError`.
        part: its name, for messages.

    Raises:
        InputError: not such XML, a document type, nested too deep, or what the handler says.
    """
    for _ in read_xml_in_steps(chunks, handler, part):
        pass


def read_xml_in_steps(chunks: Iterable[bytes], handler: Handler, part: str) -> Iterator[None]:
    """As `read_xml`, but pause after each chunk, so that what the handler has got may be taken from it."""
    reading = _Reading(handler, part)
    try:
        for chunk in chunks:
            reading.parser.Parse(chunk, False)  # noqa: FBT003 -- a positional parameter of expat
            yield
        reading.parser.Parse(b"", True)  # noqa: FBT003 -- likewise
    except (expat.ExpatError, ValueError, LookupError) as err:
        raise MalformedDocumentError(f"{part} is not well-formed", field="file") from err
