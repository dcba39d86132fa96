"""What others say of a DCC: PTB's schema of its version, and PTB's schematron as dcclib runs it.

assert list_faults(xml) == []
"""

from functools import cache

import pytest
from lxml import etree
from vectors import vector_path

NAMES = {
    "dcc": "https://ptb.de/dcc",
    "si": "https://ptb.de/si",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}


@cache
def load_schema(version):
    return etree.XMLSchema(etree.parse(vector_path("domain", "dcc", "xsd", "dcc", f"v{version}", "dcc.xsd")))


def list_schema_faults(xml, version="3.3.0"):
    """Return what the schema of this version has against a document."""
    schema = load_schema(version)
    schema.validate(etree.fromstring(xml))
    return [f"line {fault.line}: {fault.message}" for fault in schema.error_log]


@cache
def _load_schematron():
    reason = "dcclib, PTB's own checker, is not installed here"
    return pytest.importorskip("dcclib.validation.schematron", reason=reason).SchematronValidator.for_dcc()


def list_schematron_faults(xml):
    """Return every error that PTB's schematron finds; its remarks and warnings are left out."""
    found = _load_schematron().validate_tree(etree.fromstring(xml))
    reports = [*found.failed_assertions, *found.successful_reports]
    return [report for report in reports if report.role == "error"]


def find_texts(xml, path):
    """Return the texts of everything at a path."""
    found = etree.fromstring(xml).xpath(path, namespaces=NAMES)
    return ["".join(one.itertext()) if hasattr(one, "itertext") else str(one) for one in found]


def find_text(xml, path):
    """Return the text at a path, of which there is one at most; None if nothing is there."""
    texts = find_texts(xml, path)
    assert len(texts) < 2, f"{len(texts)} texts at {path}"
    return texts[0] if texts else None
