"""PTB's own schema, asked where the operator has it: it is LGPL and no part of this product.

>>> check_schema(raw, "3.3.0", Path("xsd/dcc"))
"""

from pathlib import Path

from lxml import etree

from issuer.foreign.safe_xml import make_printable, parse_safe_xml
from ledger.core.errors import InputError, MalformedDocumentError


def check_schema(raw: bytes, version: str, folder: Path) -> None:
    """Check a document against the schema of its version.

    Args:
        raw: the document.
        version: of the DCC, as `3.3.0`.
        folder: where `v3.3.0/dcc.xsd` and what it imports lie; their paths are relative.

    Raises:
        InputError: the document breaks the schema, the first fault is named; or there is no such schema.
    """
    path = folder / f"v{version}" / "dcc.xsd"
    if not path.is_file():
        raise InputError(f"there is no {path}", field="--xsd")
    try:
        schema = etree.XMLSchema(etree.parse(path, parser=etree.XMLParser(no_network=True)))
    except etree.LxmlError as err:
        raise InputError(f"{path} is no schema, or imports what is not there: {err}", field="--xsd") from err
    root = parse_safe_xml(raw)
    if not schema.validate(root):
        first, count = schema.error_log[0], len(schema.error_log)
        said = make_printable(first.message, 400)
        raise MalformedDocumentError(
            f"breaks the schema of {version}, {count} times; line {first.line}: {said}"
        )
