"""A run of leaves on its way into the catalogue: folded as the log folds them, then weighed.

What a leaf changes is said by `core.fold` alone, from the states that the catalogue keeps; where the header that
the log wrote says something else, one of the two is wrong, and nothing is stored. A leaf without effect is
believed to have none: its signature may be the reason, and signatures are for the audit.

Every certificate of an instrument whose state changes is weighed anew, and every member of a lot: the certificates
that an event bears on are written once, so that asking how they stood is a lookup.

>>> run = Run(queries, find_stated_status, registers)
>>> run.take(begin, leaves)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.catalogue.rows import make_row
from ledger.catalogue.uses import list_mentioned
from ledger.core.entry import LeafHeader, parse_leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import EventType, certificate_subject, lot_subject
from ledger.core.fold import build_header, judge_event, list_touched
from ledger.core.ids import Digest, InstitutionId, LeafIndex, Subject
from ledger.core.statement import (
    ActClaims,
    DocumentKind,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    Statement,
    parse_signed_statement,
)
from ledger.core.status import Effect, Registers, Status, SubjectState, Void
from ledger.store.catalogue_queries import (
    CALIBRATED,
    IN_FORCE,
    CatalogueDocument,
    CatalogueEntry,
    CatalogueQueries,
    Period,
)
from ledger.store.catalogue_tables import NEVER

Weigh = Callable[
    [SubjectState, SubjectState, SubjectState | None, DocumentKind, Sequence[SubjectState]], str | None
]
"""Says how a certificate stands; None: as it says itself.

Asked with the states of certificate, instrument and lot, its kind, and the states of parts or of the whole."""

_STANDINGS: Final = {DocumentKind.CALIBRATION: CALIBRATED, DocumentKind.PAPER: DocumentKind.PAPER.name}
"""How documents stand by themselves that verify nothing."""


ReadBodies = Callable[[Sequence[Digest]], Mapping[Digest, bytes]]
"""Returns the documents with these digests; what is not stored is left out."""


def read_nothing(_: Sequence[Digest]) -> Mapping[Digest, bytes]:
    """Return no document: nobody will ask what documents have used."""
    return {}


@dataclass(frozen=True, slots=True)
class _Logged:
    """One leaf that is no MAPHEAD."""

    index: LeafIndex
    header: LeafHeader
    signed: SignedStatement


class Run:
    """Leaves that follow the last catalogued one."""

    def __init__(self, queries: CatalogueQueries, weigh: Weigh, registers: Registers) -> None:
        """Begin behind what is catalogued.

        Args:
            queries: the catalogue, in a transaction.
            weigh: how certificates stand.
            registers: what the catalogued leaves establish; changed by `take`.
        """
        self.registers = registers
        self._queries = queries
        self._weigh = weigh
        self._divisions = _list_divisions(registers)
        self._states: dict[Subject, SubjectState | None] = {}
        self._changed: dict[Subject, SubjectState] = {}
        self._documents: dict[int, CatalogueDocument] = {}
        self._issued: list[CatalogueDocument] = []
        self._by_subject: dict[Subject, set[int]] = {}
        self._by_lot: dict[Subject, set[int]] = {}
        self._relatives: dict[int, Sequence[Subject]] = {}
        self._by_relative: dict[Subject, set[int]] = {}
        self._asked: set[Subject] = set()
        self._old_rows: dict[int, CatalogueEntry] = {}
        self._new_rows: dict[int, CatalogueEntry] = {}
        self._open: dict[int, Period] = {}
        self._periods: dict[tuple[int, int], Period] = {}
        self._bodies: Mapping[Digest, bytes] = {}
        self._used: list[tuple[Subject, int]] = []
        self._related: list[tuple[Subject, int]] = []

    def take(self, begin: int, leaves: Sequence[bytes], read_bodies: ReadBodies = read_nothing) -> None:
        """Take leaves in their order, and store what they bring and change.

        Args:
            begin: index of the first.
            leaves: as the log holds them.
            read_bodies: returns the documents with these digests.

        Raises:
            LogIntegrityError: one cannot be read, or its header is not what its statement gives.
        """
        logged = [item for index, raw in enumerate(leaves, start=begin) if (item := _parse(index, raw))]
        self._look_ahead(logged)
        self._bodies = read_bodies([item.header.certificate_digest for item in logged if _is_issue(item)])
        for item in logged:
            self._take(item)
        self._queries.write(
            list(self._new_rows.values()),
            self._issued,
            self._changed,
            self._periods.values(),
            self._divisions,
            self._used,
            self._related,
        )

    # --- looking up -----------------------------------------------------------------------------------------

    def _look_ahead(self, logged: Sequence[_Logged]) -> None:
        """Load at once what most of these leaves will ask for."""
        touched = {subject for item in logged for subject in list_touched(item.signed.statement)}
        twins = {twin for subject in touched for twin in self.registers.twins.get(subject, ())}
        self._load_states(touched | twins)
        self._load_documents_of(touched | twins)
        acts = [
            item.signed.statement for item in logged if isinstance(item.signed.statement.claims, ActClaims)
        ]
        named = (self._states[subject] for statement in acts for subject in list_touched(statement)[1:2])
        indices = {state.current_certificate for state in named if state is not None}
        rows = self._queries.find_entries([index for index in indices if index is not None])
        self._old_rows = {row.leaf_index: row for row in rows}

    def _load_states(self, subjects: Iterable[Subject]) -> None:
        wanted = [subject for subject in subjects if subject not in self._states]
        self._states |= dict.fromkeys(wanted) | self._queries.find_states(wanted)

    def _load_documents_of(self, subjects: Iterable[Subject]) -> None:
        wanted = [subject for subject in subjects if subject not in self._asked]
        self._bring_in(self._queries.find_documents_of(wanted))
        self._bring_in(self._queries.find_documents_near(wanted))
        self._asked.update(wanted)

    def _bring_in(self, found: Sequence[CatalogueDocument]) -> None:
        """Take over catalogued certificates, with all that is needed to weigh them."""
        unknown = [document for document in found if document.document not in self._documents]
        related = self._queries.find_relatives([document.document for document in unknown])
        for document in unknown:
            self._add(document, related[document.document])
        self._load_states(
            {subject for document in unknown for subject in document[1:4] if subject is not None}.union(
                *related.values()
            )
        )
        periods = self._queries.find_open_periods([document.document for document in unknown])
        self._open |= {period.document: period for period in periods}

    def _add(self, document: CatalogueDocument, related: Sequence[Subject]) -> None:
        self._documents[document.document] = document
        self._by_subject.setdefault(document.subject, set()).add(document.document)
        if document.lot is not None:
            self._by_lot.setdefault(document.lot, set()).add(document.document)
        self._relatives[document.document] = related
        for subject in related:
            self._by_relative.setdefault(subject, set()).add(document.document)

    def _view(self, subject: Subject) -> SubjectState | None:
        if subject not in self._states:
            self._load_states([subject])
        return self._states[subject]

    def _find_issue(self, index: LeafIndex) -> Subject:
        """Return what an earlier issue is about."""
        if index not in self._documents:
            self._bring_in(self._queries.find_documents([index]))
        return self._documents[index].subject

    # --- taking ---------------------------------------------------------------------------------------------

    def _take(self, item: _Logged) -> None:
        statement, effect, issued = item.signed.statement, self._judge(item), None
        if effect is not None:
            self._apply(item, effect)
            issued = self._find_row(statement)
        self._new_rows[item.index] = make_row(item.index, item.header, statement, self._divisions, issued)

    def _judge(self, item: _Logged) -> Effect | None:
        """Return what a leaf changes; None: nothing."""
        header = item.header
        if header.status == Status.VOID:
            return None
        at = header.sequenced_at
        outcome = judge_event(item.signed, item.index, at, self.registers, self._view, self._find_issue)
        if isinstance(outcome, Void) or build_header(item.signed, outcome, header.sequenced_at_ms) != header:
            raise LogIntegrityError(f"the header of leaf {item.index} is not what its statement gives")
        return outcome

    def _find_row(self, statement: Statement) -> CatalogueEntry | None:
        """Return the row of the certificate that an act or a link names, if it names one."""
        named = list_touched(statement)[1:2] if isinstance(statement.claims, ActClaims) else ()
        for subject in named:
            state = self._view(subject)
            if state is not None and state.current_certificate is not None:
                index = state.current_certificate
                return self._new_rows.get(index) or self._old_rows[index]
        return None

    def _apply(self, item: _Logged, effect: Effect) -> None:
        claims = item.signed.statement.claims
        if isinstance(claims, IssueClaims):
            self._add_issued(item, claims)
        self._states.update(effect.changes)
        self._changed.update(effect.changes)
        if effect.apply is not None:
            effect.apply(self.registers)
            self._divisions = _list_divisions(self.registers)
        if not isinstance(claims, RegisterClaims):
            for document in self._list_weighed(item.header.type, effect):
                self._note(document, item.index, self._find_standing(document))

    def _add_issued(self, item: _Logged, claims: IssueClaims) -> None:
        issuer = InstitutionId(item.signed.statement.issuer)
        name = certificate_subject(issuer, claims.number)
        lot = None if claims.lot is None else lot_subject(issuer, claims.lot)
        document = CatalogueDocument(item.index, item.header.subject, name, lot, int(claims.kind))
        mentioned = list_mentioned(item.signed.statement, self._bodies.get(item.header.certificate_digest))
        self._issued.append(document)
        self._add(document, mentioned.related)
        self._used += [(subject, item.index) for subject in sorted(mentioned.used)]
        self._related += [(subject, item.index) for subject in sorted(set(mentioned.related))]

    def _list_weighed(self, event_type: EventType, effect: Effect) -> set[int]:
        """Return the certificates that a change may make stand otherwise."""
        if event_type is EventType.LOT:
            self._bring_in(self._queries.find_documents_in([effect.subject]))
            return self._by_lot.get(effect.subject, set())
        self._load_documents_of(effect.changes)
        bearing = (self._by_subject, self._by_relative)
        return set().union(*(known.get(subject, ()) for subject in effect.changes for known in bearing))

    def _find_standing(self, index: int) -> str:
        document = self._documents[index]
        state, instrument = self._states[document.name], self._states[document.subject]
        if state is None or instrument is None:
            raise LogIntegrityError(f"the audit database has lost a state of the certificate of leaf {index}")
        lot = None if document.lot is None else self._view(document.lot)
        itself, kind = (
            Status.FAILED.name if state.status is Status.FAILED else IN_FORCE,
            DocumentKind(document.kind),
        )
        found = (self._view(subject) for subject in self._relatives[index])
        relatives = [relative for relative in found if relative is not None]
        return self._weigh(state, instrument, lot, kind, relatives) or _STANDINGS.get(kind, itself)

    def _note(self, document: int, index: LeafIndex, standing: str) -> None:
        before = self._open.get(document)
        if before is not None:
            if before.standing == standing:
                return
            self._put(before._replace(until=index))
        self._put(Period(document, index, NEVER, standing))

    def _put(self, period: Period) -> None:
        self._periods[period.document, period.since] = period
        if period.until == NEVER:
            self._open[period.document] = period


def _is_issue(item: _Logged) -> bool:
    return isinstance(item.signed.statement.claims, IssueClaims)


def _list_divisions(registers: Registers) -> dict[str, str]:
    return {item.id: item.division for item in registers.institutions.values()}


def _parse(index: int, raw: bytes) -> _Logged | None:
    """Return a stored leaf; None for a MAPHEAD, which has no statement."""
    try:
        leaf = parse_leaf(raw)
        if leaf.header.type is EventType.MAPHEAD:
            return None
        return _Logged(LeafIndex(index), leaf.header, parse_signed_statement(leaf.statement_raw))
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} is damaged: {err}") from err
