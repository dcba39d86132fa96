"""Checking a batch before anything of it is issued: every bad row with its reasons, every good one made ready.

A document that the desk has issued before is recognised by its request id and passes as it is, whatever the
rules say today; the same request id with other content is a fault.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from issuer.batch import Row
from issuer.defaults import DraftContext
from issuer.drafting import Draft, Request, draft_document, read_request
from issuer.faults import Fault, list_faults
from issuer.gate import Gate
from issuer.signing import ReadyDocument, prepare_document
from issuer.store import DeskStore, StoredDocument
from ledger.core.canonical import JsonObject
from ledger.core.errors import AlreadyIssuedError, InputError
from ledger.core.ids import CertificateNumber

CHECK_CHUNK: Final = 256
"""Rows that are looked up together."""

Progress: TypeAlias = Callable[[int], None]
"""Is told how many documents are done."""

ItemT = TypeVar("ItemT")
Checked: TypeAlias = ReadyDocument | StoredDocument
"""A document that may be issued, or one that was."""
_Place: TypeAlias = tuple[int, int | None]
"""Number of a file, from 1, and of a row in it."""


@dataclass(slots=True)
class CheckedBatch:
    """What a file holds: documents in its order, and what is wrong with the rest."""

    documents: list[Checked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def bad_rows(self) -> int:
        """Return how many rows have faults."""
        return len({fault.row for fault in self.faults})


@dataclass(slots=True)
class Checking:
    """One check of what is to be issued together: the rows of one file, or of several, one after the other."""

    context: DraftContext
    gate: Gate
    store: DeskStore
    now: datetime
    _batch: CheckedBatch = field(default_factory=CheckedBatch)
    _files: int = 0
    _requests: dict[str, _Place] = field(default_factory=dict)
    _numbers: dict[CertificateNumber, _Place] = field(default_factory=dict)

    def check_rows(self, rows: Iterable[Row], progress: Progress | None = None) -> CheckedBatch:
        """Check every row of a file, and return what was found; what earlier files hold counts as doubles.

        Raises:
            InputError: the file as a whole cannot be read.
            UnavailableError: the desk's own database is out of reach.
        """
        self._batch, self._files = CheckedBatch(), self._files + 1
        done = 0
        for chunk in cut(rows, CHECK_CHUNK):
            self._check_chunk(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done)
        self._batch.faults.sort(key=lambda fault: fault.row or 0)
        return self._batch

    def check_value(self, value: JsonObject) -> Checked:
        """Check one document.

        Raises:
            InputError: not a proper document, or it must not be issued; every reason is in the message.
            AlreadyIssuedError: its request id or its number belongs to another document.
        """
        request = read_request(value, self.context.institution)
        with self.store.read() as desk:
            stored = desk.find([request.id]).get(request.id)
        if stored is not None:
            return _recognise(stored, request)
        draft = draft_document(value, self.context, request)
        if not isinstance(draft, Draft):
            raise draft[0] if len(draft) == 1 else InputError("; ".join(map(str, draft)))
        ready = self._pass_gate(draft)
        if ready.number is not None:
            with self.store.read() as desk:
                taken = desk.find_numbers([ready.number])
            if taken:
                raise AlreadyIssuedError(f"number {ready.number} belongs to another document")
        return ready

    def _check_chunk(self, rows: Sequence[Row]) -> None:
        requests = [self._read_request(row) for row in rows]
        with self.store.read() as desk:
            known = desk.find([request.id for request in requests if request is not None])
        ready: list[tuple[Row, Checked]] = []
        for row, request in zip(rows, requests, strict=True):
            if row.error is not None:
                self._batch.faults += list_faults(row.error, row.number)
                continue
            found = self._check_row(row, request, known)
            if found is not None:
                ready.append((row, found))
        self._accept(ready)

    def _read_request(self, row: Row) -> Request | None:
        """Return the request of a row, None where the draft will say what is wrong."""
        if row.value is None:
            return None
        try:
            return read_request(row.value, self.context.institution)
        except InputError:
            return None

    def _check_row(
        self, row: Row, request: Request | None, known: Mapping[str, StoredDocument]
    ) -> Checked | None:
        if request is not None and not self._is_first(row, request):
            return None
        stored = None if request is None else known.get(request.id)
        try:
            if stored is not None and request is not None:
                return _recognise(stored, request)
            draft = draft_document(row.value or {}, self.context, request)
            if isinstance(draft, Draft):
                return self._pass_gate(draft)
            for error in draft:
                self._batch.faults += list_faults(error, row.number)
        except (InputError, AlreadyIssuedError) as err:
            self._batch.faults += list_faults(err, row.number)
        return None

    def _is_first(self, row: Row, request: Request) -> bool:
        """Note the request of a row; tell whether it stands in the file for the first time."""
        if request.id in self._requests:
            earlier = self._requests[request.id]
            self._add_double(row, "request_id", "the same document or request id", "文件或请求编号", earlier)
            return False
        self._requests[request.id] = self._files, row.number
        return True

    def _pass_gate(self, draft: Draft) -> ReadyDocument:
        issuer = self.gate.name_issuer(draft.record, draft.scope_id)
        self.gate.require(replace(draft.record, issuer=issuer), self.now)
        return prepare_document(draft, issuer)

    def _accept(self, found: Sequence[tuple[Row, Checked]]) -> None:
        """Take the documents over, except those whose own number is in use."""
        brought = [item.number for _, item in found if isinstance(item, ReadyDocument) and item.number]
        taken = {}
        if brought:
            with self.store.read() as desk:
                taken = desk.find_numbers(brought)
        for row, item in found:
            if not isinstance(item, ReadyDocument) or item.number is None:
                self._batch.documents.append(item)
            elif item.number in self._numbers:
                self._add_double(row, "no", "the same number", "编号", self._numbers[item.number])
            elif item.number in taken:
                en, zh = f"{item.number} belongs to another document", f"编号{item.number}已用于另一文件"
                self._batch.faults.append(Fault(row.number, "ALREADY_ISSUED", "no", en, zh))
            else:
                self._numbers[item.number] = self._files, row.number
                self._batch.documents.append(item)

    def _add_double(self, row: Row, name: str, en: str, zh: str, earlier: _Place) -> None:
        file, number = earlier
        if file == self._files:
            there, there_zh = f"row {number}", f"第{number}行"
        else:
            line, line_zh = ("", "") if number is None else (f"row {number} of ", f"第{number}行")
            there, there_zh = f"{line}file {file}", f"第{file}个文件{line_zh}"
        self._batch.faults.append(
            Fault(row.number, "DUPLICATE", name, f"{en} as in {there}", f"与{there_zh}的{zh}相同")
        )


def cut(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Yield the items in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _recognise(stored: StoredDocument, request: Request) -> StoredDocument:
    if stored.content_digest != request.content_digest:
        raise AlreadyIssuedError(
            f"{request.id} was issued with other content, under the number {stored.number}"
        )
    return stored
