"""Documents of a whole region, for an authority's pages: asked of the auditors' catalogue, here or over HTTP.

An authority's home holds none of the documents that its institutions issue. Who has them in columns is the role
auditor (`GET /audit/entries`); an office that opens the home's own ledger asks that ledger's catalogue itself.
Where there is neither, pages say that nobody has looked: no answer is not "none".

>>> find_documents(catalogue, {"used": "standard/350000-01/350000-03"}, most=500)
FoundDocuments(rows=[DocumentRow(number='JY2026-000001', ...)], is_whole=True)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Protocol

import httpx2

from api.auditing import MAX_PAGE, Auditor, parse_question, write_rows
from ledger.core.act import NamedInstrument
from ledger.core.canonical import as_object, parse_json
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, UnavailableError
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId, LeafIndex
from ledger.http_client import make_client, read_body

_MAX_ANSWER: Final = 8 << 20
_OK: Final = 200
_WRONG: Final = 422


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as the catalogue has it."""

    named: NamedInstrument
    leaf_index: LeafIndex
    serial: str
    category: str
    verified_on: str
    status: str
    """As the verifier would say it."""


@dataclass(frozen=True, slots=True)
class FoundDocuments:
    """Documents that fit."""

    rows: list[DocumentRow]
    is_whole: bool
    """Whether these are all; else there are more than were asked for."""


class RegionCatalogue(Protocol):
    """The auditors' catalogue of one log; safe to share between threads."""

    def ask(self, given: Mapping[str, str]) -> tuple[list[dict[str, Any]], str | None]:
        """Return rows as `GET /audit/entries` gives them, and what to ask for as `next`.

        Raises:
            InputError: a parameter has a value that it cannot have; it is named.
            UnavailableError: out of reach.
        """
        ...


class LocalCatalogue:
    """The catalogue of the log that lies in this home."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def ask(self, given: Mapping[str, str]) -> tuple[list[dict[str, Any]], str | None]:
        """Return rows, and what to ask next; see `RegionCatalogue`."""
        self._auditor.follow()
        question = parse_question(given, self._auditor, field=str)
        page = self._auditor.read(question)
        later = question.after_page(page)
        rows = list(write_rows(self._auditor, page, proof=False))
        return rows, None if later is None else later.cursor


class RemoteCatalogue:
    """The role auditor behind a URL."""

    def __init__(self, url: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            url: `https://…`, or `http://…` of this machine.
            transport: in place of the network.

        Raises:
            InputError: not such a URL.
        """
        self._client = make_client(url, field="--auditor", transport=transport)
        self._lock = Lock()

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()

    def ask(self, given: Mapping[str, str]) -> tuple[list[dict[str, Any]], str | None]:
        """Return rows, and what to ask next; see `RegionCatalogue`."""
        try:
            with (
                self._lock,
                self._client.stream("GET", "audit/entries", params=dict(given)) as response,
            ):
                raw, status = read_body(response, _MAX_ANSWER), response.status_code
            members = as_object(parse_json(raw, max_bytes=_MAX_ANSWER))
        except (httpx2.HTTPError, InputError) as err:
            raise UnavailableError("the auditors' catalogue is out of reach") from err
        if status == _WRONG:
            field = str(members.get("field", "")).removeprefix("query.")
            raise InputError(str(members.get("detail", "cannot be asked")), field=field or None)
        if status != _OK:
            raise UnavailableError(f"the auditors' catalogue answers with status {status}")
        rows, later = members.get("entries"), members.get("next")
        found = [dict(as_object(row)) for row in rows] if isinstance(rows, list) else []
        return found, None if later is None else str(later)


def find_documents(catalogue: RegionCatalogue, given: Mapping[str, str], *, most: int) -> FoundDocuments:
    """Return the documents that fit, in the order of the log, each once; acts on them are left out.

    Args:
        catalogue: whom to ask.
        given: filters, as `GET /audit/entries` has them.
        most: rows at most.

    Raises:
        InputError: a filter has a value that it cannot have.
        UnavailableError: out of reach.
    """
    found: list[DocumentRow] = []
    asked: dict[str, str] = {**given, "limit": str(MAX_PAGE)}
    while True:
        rows, later = catalogue.ask(asked)
        found += [_read_row(row) for row in rows if _is_document(row)]
        if len(found) > most:
            return FoundDocuments(found[:most], is_whole=False)
        if later is None:
            return FoundDocuments(found, is_whole=True)
        asked = {**asked, "next": later}


def find_at(catalogue: RegionCatalogue, leaf_index: LeafIndex) -> DocumentRow | None:
    """Return the document of a leaf; None: the catalogue has none there."""
    where = f"{leaf_index + 1}-{leaf_index - 1}"
    rows, _ = catalogue.ask({"next": where, "limit": "1"})
    return next((_read_row(row) for row in rows if _is_document(row)), None)


def _is_document(row: Mapping[str, Any]) -> bool:
    return row.get("document_leaf") is not None and row.get("document_leaf") == row.get("leaf_index")


def _read_row(row: Mapping[str, Any]) -> DocumentRow:
    """Return a row; one that cannot be read is a server that is out of order.

    Raises:
        UnavailableError: it is.
    """
    try:
        part = row.get("part")
        named = NamedInstrument(
            InstitutionId(str(row["institution"])),
            CertificateNumber(str(row["number"])),
            InstrumentId(parse_hex(str(row["instrument"]))),
            None if part is None else str(part),
        )
        return DocumentRow(
            named,
            LeafIndex(int(row["leaf_index"])),
            str(row.get("serial") or ""),
            str(row.get("category") or ""),
            str(row.get("verified_on") or ""),
            str(row.get("status") or ""),
        )
    except (KeyError, ValueError, InputError) as err:
        raise UnavailableError("the auditors' catalogue answers with what cannot be read") from err
