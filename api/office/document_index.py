"""An institution's documents by what people search for, and the newest of each instrument.

It follows the desk's database: documents are only ever added there, so that only new ones are read, and those that
still waited for the log are looked at again. Texts are compared in NFC, without case; they are shown as they are.

>>> index = DocumentIndex(desk_store)
>>> index.search("SN0001", limit=50)
[IndexedDocument(number='JY2026-000001', ...)]
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import Any, Final

from issuer.store import DeskReading, DeskStore, StoredAct, WholeDocument
from issuer.tables import DocumentState
from ledger.core.canonical import JsonObject, reread_canonical_json
from ledger.core.disclosure import parse_disclosure
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber

_CHUNK: Final = 500
_SITE: Final = "instrument.site.address"
_OWNER: Final = "instrument.owner"


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """What lists show of a document."""

    position: int
    number: str
    state: DocumentState
    reason: str | None
    """Why it was voided."""
    document_type: str
    kind: str
    category: str
    instrument_id: str
    name: str
    model: str
    serial: str
    maker: str
    owner: str
    """From the disclosure; "" where there is none."""
    site: str
    """Address from the disclosure, else the division code of the record."""
    verified_on: date
    valid_until: date | None
    passed: bool
    withdrawn: bool = False

    @property
    def counts(self) -> bool:
        """Tell whether it says how the instrument stands: neither voided nor withdrawn."""
        return self.state is not DocumentState.VOIDED and not self.withdrawn


class DocumentIndex:
    """Follows one desk. Safe to share between threads."""

    def __init__(self, store: DeskStore) -> None:
        self._store = store
        self._lock = Lock()
        self._documents: dict[str, IndexedDocument] = {}
        self._words: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._erased: frozenset[str] = frozenset()
        self._after = 0
        self._acts_after = 0

    def search(self, text: str, *, limit: int, before: int | None = None) -> list[IndexedDocument]:
        """Return documents in which every word of a text stands, newest first.

        Args:
            text: words, parted by spaces; none: every document.
            limit: at most so many.
            before: only those of a smaller position.
        """
        words = fold(text).split()
        with self._lock:
            self._follow()
            found: list[IndexedDocument] = []
            for number in reversed(self._documents):
                document = self._documents[number]
                if (before is None or document.position < before) and all(
                    word in self._words[number] for word in words
                ):
                    found.append(document)
                    if len(found) == limit:
                        break
        return found

    def list_newest(self) -> list[IndexedDocument]:
        """Return the newest document that counts of every instrument, by date of verification, then of signing."""
        newest: dict[str, IndexedDocument] = {}
        with self._lock:
            self._follow()
            for document in self._documents.values():
                if not document.counts:
                    continue
                earlier = newest.get(document.instrument_id)
                if earlier is None or document.verified_on >= earlier.verified_on:
                    newest[document.instrument_id] = document
        return list(newest.values())

    def list_instruments(self) -> dict[str, IndexedDocument]:
        """Return the newest document of every instrument by its id: one that counts, if there is any."""
        found = {document.instrument_id: document for document in self._list_all()}
        return found | {document.instrument_id: document for document in self.list_newest()}

    def list_about(self, instrument_ids: Collection[str]) -> list[IndexedDocument]:
        """Return every document about these instruments, newest first."""
        return [one for one in reversed(self._list_all()) if one.instrument_id in instrument_ids]

    def _list_all(self) -> list[IndexedDocument]:
        with self._lock:
            self._follow()
            return list(self._documents.values())

    def find(self, number: str) -> IndexedDocument | None:
        """Return the document of a number."""
        with self._lock:
            self._follow()
            return self._documents.get(number)

    def count(self) -> dict[DocumentState, int]:
        """Return how many documents are in each state."""
        with self._lock:
            self._follow()
            counted = Counter(document.state for document in self._documents.values())
        return {state: counted[state] for state in DocumentState}

    def _follow(self) -> None:
        with self._store.read() as desk:
            self._look_again(desk)
            self._forget_erased(desk)
            while new := desk.list_whole(self._after, _CHUNK):
                for whole in new:
                    self._add(_index(whole))
                self._after = new[-1].position
            self._follow_acts(desk)

    def _forget_erased(self, desk: DeskReading) -> None:
        """Show and find nothing personal of a document any more that was erased since it was read."""
        erased = desk.list_erased()
        for number in erased - self._erased:
            known = self._documents.get(number)
            if known is not None:
                (whole,) = desk.list_whole(known.position - 1, 1)
                self._add(replace(_index(whole), withdrawn=known.withdrawn))
        self._erased = erased

    def _add(self, document: IndexedDocument) -> None:
        self._documents[document.number] = document
        shown = (document.number, document.name, document.model, document.serial, document.maker)
        self._words[document.number] = fold(" ".join((*shown, document.owner, document.site)))
        if document.state is DocumentState.SIGNED:
            self._waiting.add(document.number)

    def _look_again(self, desk: DeskReading) -> None:
        """Note what the log has said meanwhile."""
        waiting = sorted(self._waiting)
        for start in range(0, len(waiting), _CHUNK):
            numbers = [CertificateNumber(number) for number in waiting[start : start + _CHUNK]]
            for number, stored in desk.find_documents(numbers).items():
                if stored.state is not DocumentState.SIGNED:
                    changed = replace(self._documents[number], state=stored.state, reason=stored.reason)
                    self._documents[number] = changed
                    self._waiting.discard(number)

    def _follow_acts(self, desk: DeskReading) -> None:
        """Note what was withdrawn; an act that waits for the log is asked for again."""
        while acts := desk.list_acts(self._acts_after, _CHUNK):
            for act in acts:
                if act.state is DocumentState.SIGNED:
                    return
                self._note(act)
                self._acts_after = act.position

    def _note(self, act: StoredAct) -> None:
        is_withdrawal = act.type is EventType.WITHDRAW and act.state is DocumentState.LOGGED
        if is_withdrawal and act.number in self._documents:
            self._documents[act.number] = replace(self._documents[act.number], withdrawn=True)


def fold(text: str) -> str:
    """Return a text as it is compared: NFC, without case."""
    return unicodedata.normalize("NFC", text).casefold()


def _index(whole: WholeDocument) -> IndexedDocument:
    document = reread_canonical_json(whole.certificate)
    record = _object(document, "credentialSubject")
    instrument = _object(record, "instrument")
    validity = _object(record, "validity")
    personal = _read_personal(whole.disclosure)
    division = str(_object(instrument, "site").get("division", ""))
    until = validity.get("until")
    return IndexedDocument(
        position=whole.position,
        number=whole.number,
        state=DocumentState(whole.state),
        reason=None,
        document_type=str(record.get("doc_type", "")),
        kind=str(record.get("kind", "")),
        category=str(instrument.get("category", "")),
        instrument_id=str(instrument.get("id", "")),
        name=str(instrument.get("name", "")),
        model=str(instrument.get("model", "")),
        serial=str(instrument.get("serial", "")),
        maker=str(instrument.get("maker", "")),
        owner=personal.get(_OWNER, ""),
        site=personal.get(_SITE, "") or division,
        verified_on=date.fromisoformat(str(record.get("verified_on"))),
        valid_until=None if until is None else date.fromisoformat(str(until)),
        passed=record.get("conclusion") == "pass",
    )


def _object(value: Any, name: str) -> JsonObject:  # noqa: ANN401 -- a JSON value
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _read_personal(raw: bytes | None) -> dict[str, str]:
    """Return what lists show of a disclosure; nothing where it was erased or cannot be read."""
    if raw is None:
        return {}
    try:
        return dict(_spell_members(raw))
    except InputError:
        return {}


def _spell_members(raw: bytes) -> Iterator[tuple[str, str]]:
    for name, member in parse_disclosure(raw).members.items():
        value = member.value
        if isinstance(value, dict):
            value = value.get("name", "")
        if isinstance(value, str):
            yield name, value
