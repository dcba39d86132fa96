"""What auditors ask of a ledger, and the rows that they get: the same words over HTTP and on the command line.

A row is a leaf. Its columns come from signed statements alone, which hold codes and no personal members; acts and
links repeat what their certificate says. `status` is the certificate's, as the verifier would say it for the state
that is asked for; lots and register events have none, and `VOID` marks a leaf without effect.

>>> question = parse_question({"category": "TAXIMETER", "as_of": "2026-11-02"}, auditor, field="query.{}".format)
>>> [entry.status for entry in auditor.read(question)]
['VALID', 'SUSPENDED']
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, StrEnum
from threading import Lock
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import orjson

from ledger.bundling import ReceiptFinding, build_bundles
from ledger.catalogue.catalogue import Catalogue, OnProgress, to_ms
from ledger.catalogue.uses import parse_used
from ledger.core.calendar_rules import ValidityKind, date_from_days, days_from_date
from ledger.core.category import Category
from ledger.core.encoding import encode_base64, encode_hex, encode_instant, parse_date
from ledger.core.errors import InputError
from ledger.core.event import DEFINED_TYPES, EventType
from ledger.core.ids import LeafIndex, Subject, TreeSize
from ledger.core.statement import Conclusion, DocumentKind
from ledger.proving import Prover
from ledger.store.catalogue_queries import VOID, Filters, FoundEntry, View
from ledger.wire import MAX_BUNDLES
from verifier.report import DocumentStatus

COLUMNS: Final = (
    *("leaf_index", "event", "effect", "sequenced_at", "speaker", "institution", "division", "number"),
    *("instrument", "part", "serial", "category", "conclusion", "verified_on", "valid_until"),
    *("validity_kind", "reason", "status", "certificate_digest", "statement_digest", "document_leaf"),
    *("lot", "lot_status", "replaces", "other_instruments", "supplement_digest", "document_kind", "sticker"),
)
"""In this order in CSV; new ones are put behind them. A column `proof` follows where it is asked for."""

MAX_PAGE: Final = 1000
"""Rows of one answer."""

USUAL_PAGE: Final = 100
MAX_PROVED: Final = MAX_BUNDLES
"""Rows of one answer with proofs: a usual bundle has 8 kB."""

FOLLOW_SECONDS: Final = 1.0
"""How old the catalogue may be when a server answers."""

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula."""

STATUSES: Final = (*(status.value for status in DocumentStatus), VOID)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REGION_DIGITS: Final = 12
_FILTERS: Final = (
    *("institution", "category", "event", "region", "status", "as_of"),
    *("verified_from", "verified_to", "sequenced_from", "sequenced_to", "used"),
)
PARAMETERS: Final = (*_FILTERS, "limit", "next", "proof", "format")
_EnumT = TypeVar("_EnumT", bound=IntEnum)


class Form(StrEnum):
    """How rows are written."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and where to begin."""

    filters: Filters
    view: View
    after: int = -1
    limit: int = USUAL_PAGE
    proof: bool = False
    form: Form = Form.JSON

    def after_page(self, page: Sequence[FoundEntry]) -> "Question | None":
        """Return what is asked next; None where nothing is left."""
        if len(page) < self.limit:
            return None
        return replace(self, after=page[-1].entry.leaf_index)

    @property
    def cursor(self) -> str:
        """Return the words of `next`: size of the log that is looked at, and the last leaf that was given."""
        return f"{self.view.tree_size}-{self.after}"


class Auditor:
    """Answers from the catalogue. Safe to share between threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        prover: Prover,
        receipts: ReceiptFinding,
        zone: ZoneInfo,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Take what answers are made of.

        Args:
            catalogue: of the log.
            prover: over the log's store.
            receipts: over the same store.
            zone: of the policy; days are its days.
            clock: returns the time, aware UTC.
            monotonic: returns seconds that never run back.
        """
        self.catalogue = catalogue
        self.zone: Final = zone
        self._prover = prover
        self._receipts = receipts
        self._clock = clock
        self._monotonic = monotonic
        self._lock = Lock()
        self._followed_at = float("-inf")

    @property
    def today(self) -> date:
        """Return the day in the policy's zone."""
        return self._clock().astimezone(self.zone).date()

    def follow(self, on_progress: OnProgress = lambda _done, _all: None) -> None:
        """Take in what the log has committed since; not more often than once a second."""
        with self._lock:
            if self._monotonic() >= self._followed_at + FOLLOW_SECONDS:
                self.catalogue.follow(on_progress)
                self._followed_at = self._monotonic()

    def read(self, question: Question) -> list[FoundEntry]:
        """Return one page."""
        return self.catalogue.read_page(
            question.filters, question.view, after=question.after, limit=question.limit
        )

    def prove(self, page: Sequence[FoundEntry]) -> dict[int, Any]:
        """Return the proof of each row: the bundle of an issue; of any other leaf its proof file and map proof.

        Raises:
            NotFoundError: the document of an issue is not stored.
        """
        issues = [found.entry.leaf_index for found in page if found.entry.document == found.entry.leaf_index]
        bundles = build_bundles(self._prover, self._receipts, [LeafIndex(index) for index in issues])
        proofs: dict[int, Any] = {index: orjson.Fragment(raw) for index, raw in bundles.items()}
        for found in page:
            index = found.entry.leaf_index
            if index not in proofs:
                proofs[index] = self._prove_leaf(LeafIndex(index))
        return proofs

    def _prove_leaf(self, index: LeafIndex) -> dict[str, str]:
        statement = self._prover.statement(index)
        return {
            "statement": encode_base64(statement),
            "tlog_proof": self._prover.tlog_proof(index),
            "map_proof": encode_base64(self._prover.map_proof(index)),
        }


# --- asking -------------------------------------------------------------------------------------------------


def parse_question(given: Mapping[str, str], auditor: Auditor, *, field: Callable[[str], str]) -> Question:
    """Return what the parameters ask for.

    Args:
        given: name -> value, as they were typed.
        auditor: knows the institutions, the sizes and the day.
        field: returns how a parameter is called where it comes from.

    Raises:
        InputError: a parameter is unknown, or has a value that it cannot have; it is named.
    """
    ask = _Asking(given, field)
    ask.refuse_unknown()
    filters = Filters(
        institution=ask.institution(auditor),
        category=ask.code("category", Category),
        event=ask.event(),
        region=ask.region(),
        verified_from=ask.days("verified_from"),
        verified_to=ask.days("verified_to"),
        sequenced_from_ms=ask.instant("sequenced_from", auditor.zone),
        sequenced_before_ms=ask.instant("sequenced_to", auditor.zone, days=1),
        status=ask.choice("status", STATUSES),
        used=ask.used(auditor),
    )
    ask.require_order("verified")
    ask.require_order("sequenced")
    proof = ask.choice("proof", ("0", "1")) == "1"
    most = MAX_PROVED if proof else MAX_PAGE
    limit = ask.number("limit", 1, most)
    size, after = ask.cursor()
    view = _choose_view(ask, auditor, size)
    form = Form(ask.choice("format", tuple(Form)) or Form.JSON)
    return Question(filters, view, after, limit or min(USUAL_PAGE, most), proof, form)


def _choose_view(ask: "_Asking", auditor: Auditor, size: int | None) -> View:
    day = ask.date("as_of")
    if day is not None and day > auditor.today:
        raise ask.refuse("as_of", f"{day} has not come yet in {auditor.zone.key}")
    view = (
        auditor.catalogue.view_now(auditor.today)
        if day is None
        else auditor.catalogue.view_at(day, auditor.zone)
    )
    if size is None:
        return view
    if size > view.tree_size:
        raise ask.refuse("next", f"the log that is asked for has {view.tree_size} leaves, not {size}")
    return replace(view, tree_size=TreeSize(size))


class _Asking:
    """Reads parameters, and says of each what is wrong with it."""

    def __init__(self, given: Mapping[str, str], field: Callable[[str], str]) -> None:
        self._given = given
        self._field = field

    def refuse(self, name: str, sentence: str) -> InputError:
        return InputError(sentence, field=self._field(name))

    def refuse_unknown(self) -> None:
        for name in self._given:
            if name not in PARAMETERS:
                raise self.refuse(name, f"no such parameter; there are {', '.join(PARAMETERS)}")

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        value = self._given.get(name)
        if value is not None and value not in known:
            raise self.refuse(name, f"{_quote(value)} is none of {', '.join(known)}")
        return value

    def code(self, name: str, kind: type[_EnumT]) -> int | None:
        value = self.choice(name, [item.name for item in kind])
        return None if value is None else int(kind[value])

    def event(self) -> int | None:
        value = self.choice("event", [item.name for item in sorted(DEFINED_TYPES)])
        return None if value is None else int(EventType[value])

    def institution(self, auditor: Auditor) -> str | None:
        value = self._given.get("institution")
        if value is not None and not auditor.catalogue.is_institution(value):
            raise self.refuse("institution", f"no institution {_quote(value)} is registered in this ledger")
        return value

    def used(self, auditor: Auditor) -> frozenset[Subject] | None:
        value = self._given.get("used")
        if value is None:
            return None
        try:
            return parse_used(value, auditor.catalogue.read_registers())
        except InputError as err:
            raise self.refuse("used", err.reason) from None

    def region(self) -> str | None:
        value = self._given.get("region")
        is_digits = value is not None and value.isascii() and value.isdigit()
        if value is not None and not (is_digits and len(value) <= _REGION_DIGITS):
            raise self.refuse("region", f"{_quote(value)} does not begin a division code: 1 to 12 digits do")
        return value

    def date(self, name: str) -> date | None:
        value = self._given.get(name)
        if value is None:
            return None
        try:
            day = parse_date(value)
            days_from_date(day)
            day + timedelta(days=1)
        except (InputError, OverflowError):
            raise self.refuse(name, f"{_quote(value)} is no date from 1970 on, as 2026-11-02") from None
        return day

    def days(self, name: str) -> int | None:
        day = self.date(name)
        return None if day is None else days_from_date(day)

    def instant(self, name: str, zone: ZoneInfo, *, days: int = 0) -> int | None:
        day = self.date(name)
        return None if day is None else to_ms(day + timedelta(days=days), zone)

    def require_order(self, name: str) -> None:
        first, last = self.date(f"{name}_from"), self.date(f"{name}_to")
        if first is not None and last is not None and last < first:
            raise self.refuse(f"{name}_to", f"{last} is before {first}, where the period begins")

    def number(self, name: str, least: int, most: int) -> int | None:
        value = self._given.get(name)
        if value is None:
            return None
        if not _is_number(value) or not least <= int(value) <= most:
            raise self.refuse(name, f"{_quote(value)} is no number from {least} to {most}")
        return int(value)

    def cursor(self) -> tuple[int | None, int]:
        """Return the size of the log and the leaf in `next`."""
        value = self._given.get("next")
        if value is None:
            return None, -1
        size, _, after = value.partition("-")
        if not _is_number(size) or not _is_number(after):
            raise self.refuse("next", f"{_quote(value)} is not what an answer of this ledger has as `next`")
        return int(size), int(after)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _REGION_DIGITS


def _quote(value: str) -> str:
    return repr(value[:40])


# --- answering ----------------------------------------------------------------------------------------------


def row_members(found: FoundEntry) -> dict[str, Any]:
    """Return a row, column by column; what a leaf does not have is absent."""
    entry, kind = found.entry, found.entry.validity_kind
    values = {
        "leaf_index": entry.leaf_index,
        "event": EventType(entry.event).name,
        "effect": not entry.is_void,
        "sequenced_at": encode_instant(_EPOCH + timedelta(milliseconds=entry.sequenced_at_ms)),
        "speaker": entry.speaker,
        "institution": entry.institution,
        "division": entry.division,
        "number": entry.number,
        "instrument": _hex(entry.instrument),
        "part": entry.part,
        "serial": entry.serial,
        "category": None if entry.category is None else Category(entry.category).name,
        "conclusion": None if entry.conclusion is None else Conclusion(entry.conclusion).name,
        "verified_on": _date(entry.verified_on),
        "valid_until": _date(entry.valid_until),
        "validity_kind": None if kind is None else ValidityKind(kind).name,
        "reason": entry.reason,
        "status": found.status,
        "certificate_digest": _hex(entry.certificate_digest),
        "statement_digest": _hex(entry.statement_digest),
        "document_leaf": entry.document,
        "lot": entry.lot,
        "lot_status": entry.lot_status,
        "replaces": entry.replaces,
        "other_instruments": entry.other_instruments,
        "supplement_digest": _hex(entry.supplement_digest),
        "document_kind": None if entry.document_kind is None else DocumentKind(entry.document_kind).name,
        "sticker": entry.sticker,
    }
    return {name: value for name, value in values.items() if value is not None}


def write_rows(auditor: Auditor, page: Sequence[FoundEntry], *, proof: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of a page, with their proofs if they are asked for."""
    proofs = auditor.prove(page) if proof else {}
    for found in page:
        members = row_members(found)
        if proof:
            members["proof"] = proofs[found.entry.leaf_index]
        yield members


def encode_jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as JSON lines."""
    return b"".join(orjson.dumps(members) + b"\n" for members in rows)


def encode_csv(rows: Iterable[dict[str, Any]], *, proof: bool, title: bool) -> bytes:
    """Return rows as CSV (RFC 4180, UTF-8); no cell is a formula to a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    columns = (*COLUMNS, "proof") if proof else COLUMNS
    if title:
        writer.writerow(columns)
    for members in rows:
        writer.writerow([_cell(members.get(name)) for name in columns])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, int | str) else orjson.dumps(value).decode()
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else encode_hex(raw)


def _date(days: int | None) -> str | None:
    return None if days is None else date_from_days(days).isoformat()
