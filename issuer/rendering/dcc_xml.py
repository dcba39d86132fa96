"""Elements of a DCC (Digital Calibration Certificate 3.3.0, PTB), as few as this product writes.

A child that is None is left out. Text stands as given: nothing is trimmed, folded or normalised. A `Sentence` is
written in both languages of the document, a plain text without a language, as it is somebody's own words.

>>> etree.tostring(dcc("name", *contents(Sentence("Seal", "铅封"))), encoding="unicode")
'<dcc:name …><dcc:content lang="zh">铅封</dcc:content><dcc:content lang="en">Seal</dcc:content></dcc:name>'
"""

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from ledger.core.step import Sentence

DCC: Final = "https://ptb.de/dcc"
SI: Final = "https://ptb.de/si"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES: Final = {"dcc": DCC, "si": SI, "xsi": XSI}

Element = Any
"""An element of lxml, which carries no types."""
Words = Sentence | str
"""What people read: in both languages, or as somebody wrote it."""


def dcc(
    name: str, *children: Element | str | None, ref_type: str | None = None, **attributes: str
) -> Element:
    """Return an element of the DCC namespace with these children; a text is its only content.

    Args:
        name: local name.
        children: elements, or one text; None is left out.
        ref_type: what this element means beyond its name, as `basic_conformity`.
        attributes: others.
    """
    return _make(DCC, name, children, attributes | ({} if ref_type is None else {"refType": ref_type}))


def si(name: str, *children: Element | str | None) -> Element:
    """Return an element of the D-SI namespace with these children."""
    return _make(SI, name, children, {})


def contents(words: Words) -> Iterator[Element]:
    """Yield `content`: one for each language of a sentence, or one without language."""
    if isinstance(words, str):
        yield dcc("content", words)
        return
    yield dcc("content", words.zh, lang="zh")
    yield dcc("content", words.en, lang="en")


def text(name: str, words: Words | None) -> Element | None:
    """Return an element that holds words; None for None."""
    return None if words is None else dcc(name, *contents(words))


def identification(
    ref_type: str, value: str | None, name: Words, *, by: str = "calibrationLaboratory"
) -> Element | None:
    """Return an identification, or None where there is no value.

    Args:
        ref_type: of this product, without its prefix.
        value: not empty, without white space at its ends.
        name: what it identifies.
        by: `manufacturer`, `calibrationLaboratory`, `customer`, `owner` or `other`.
    """
    if value is None:
        return None
    return dcc(
        "identification", dcc("issuer", by), dcc("value", value), text("name", name), ref_type=own(ref_type)
    )


def listed(name: str, *children: Element | None) -> Element | None:
    """Return a list element, or None if nothing is in it: the schema knows no empty lists."""
    found = [child for child in children if child is not None]
    return dcc(name, *found) if found else None


def own(ref_type: str) -> str:
    """Return a refType of this product."""
    return f"hengzheng_{ref_type}"


def boolean(*, value: bool) -> str:
    """Return how XML writes a truth value."""
    return "true" if value else "false"


def _make(
    space: str, name: str, children: tuple[Element | str | None, ...], attributes: dict[str, str]
) -> Element:
    element = etree.Element(f"{{{space}}}{name}", attributes, nsmap=NAMESPACES)
    for child in children:
        if isinstance(child, str):
            element.text = child
        elif child is not None:
            element.append(child)
    return element
