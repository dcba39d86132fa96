"""What the institution has issued: a list to search, and each document by itself."""

import orjson
from starlette.responses import Response

from api.office.call import Call
from api.office.counter import Counter
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.store import NOT_HERE
from issuer.preview import as_members
from ledger.core.canonical import reread_canonical_json
from ledger.core.errors import NotFoundError
from ledger.core.ids import CertificateNumber
from ledger.core.step import Sentence

PAGE = 50
_HIGHEST = 2**62


def list_documents(call: Call) -> Response:
    """Show documents in which every word of a text stands, newest first."""
    text = call.form.text("q", most=100)
    before = call.form.whole("before", _HIGHEST, least=1, most=_HIGHEST)
    found = call.tenant.documents.search(text, limit=PAGE + 1, before=before)
    older = found[PAGE - 1].position if len(found) > PAGE else None
    return write_page(call, "office/documents.html", documents=found[:PAGE], older=older, q=text)


def show_document(call: Call) -> Response:
    """Show one document: what its record says, and how it stands.

    Raises:
        NotFoundError: the institution has none of this number.
    """
    number = call.part("number")
    document = call.tenant.documents.find(number)
    if document is None:
        raise NotFoundError(NOT_HERE)
    with call.tenant.desk.read() as desk:
        stored = desk.fetch(CertificateNumber(number))
    record = as_members(as_members(reread_canonical_json(stored.certificate)).get("credentialSubject", {}))
    shown = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    keys = Counter(call).find_instrument(document.instrument_id).keys
    with call.tenant.said.read() as book:
        stickers = book.list_standing(keys)
    return write_page(
        call,
        "office/document.html",
        document=document,
        record=record,
        shown=shown,
        stickers=stickers,
        may_bind=OfficeRole.OPERATOR in call.known.roles,
        may_print=bool(call.known.roles & STAFF),
    )


OPERATIONS = (
    Operation(
        "documents.list",
        "GET",
        "/documents",
        list_documents,
        READERS,
        Sentence("Documents", "证书"),
        in_menu=True,
    ),
    Operation(
        "documents.show",
        "GET",
        "/documents/{number}",
        show_document,
        READERS,
        Sentence("A document", "证书详情"),
        resource="number",
    ),
)
