"""The desk of one institution: check input documents, number and seal them, hand them to the log.

    check    rows -> ready documents and faults; nothing is changed
    issue    ready documents -> numbered, sealed, stored -> handed in -> the log's answers stored

Both know what was issued before: the same document again is answered with what it became then, under the number
that it got then. Killed at any moment, the same command goes on where it ended: numbers are given, documents
signed and both stored in one transaction; only what is stored is handed in, and always with the stored bytes.
The log is asked in chunks, never inside a transaction.

>>> desk = Desk(profile, signer, origin, store, log, rule_book, clock, secrets.token_bytes)
>>> checked = desk.check_rows(read_rows(raw, InputForm.JSON_LINES))
>>> report = desk.issue(checked.documents)
>>> [document.number for document in report.documents]
['JY2026-000001']
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from issuer.batch import Row
from issuer.checking import Checked, CheckedBatch, Checking, Progress, cut
from issuer.defaults import DraftContext
from issuer.delivery import CHUNK, Delivery, Failpoint, pass_by, to_milliseconds
from issuer.gate import Gate
from issuer.gateway import LedgerGateway
from issuer.numbering import NumberAllotment
from issuer.profile import DeskProfile
from issuer.signing import Randomness, ReadyDocument, Seal, seal_document, sign_issue
from issuer.store import DeskStore, DeskWriting, SignedDocument, StoredDocument, WaitingDocument
from issuer.tables import DocumentState
from ledger.core.canonical import JsonObject
from ledger.core.errors import AlreadyIssuedError, UnavailableError
from ledger.core.ids import CertificateNumber, Subject
from ledger.core.regulation import RuleBook
from ledger.core.signature import Signer
from ledger.core.status import Registers


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of a batch."""

    documents: tuple[StoredDocument, ...]
    """In the order of the batch."""
    outage: UnavailableError | None
    """Why the log was out of reach, if it was: what waits is handed in by the next run."""
    held: Mapping[CertificateNumber, str]
    """Why the log did not take a document now."""

    def list_in(self, state: DocumentState) -> list[StoredDocument]:
        """Return the documents that are in one state."""
        return [document for document in self.documents if document.state is state]


class Desk:
    """Issues for one institution into one log. One process at a time works on one store."""

    def __init__(
        self,
        profile: DeskProfile,
        signer: Signer,
        origin: str,
        store: DeskStore,
        log: LedgerGateway,
        rule_book: RuleBook,
        clock: Callable[[], datetime],
        randomness: Randomness,
        *,
        registers: Callable[[], Registers] | None = None,
        persons: Sequence[Signer] = (),
        failpoint: Failpoint = pass_by,
    ) -> None:
        """Put a desk together.

        Args:
            profile: of the institution.
            signer: its seal key.
            origin: of the log; statements are good in no other.
            store: prepared, see `DeskStore.prepare`.
            log: where documents go.
            rule_book: regulations.
            clock: returns the time, aware UTC.
            randomness: source of nonces and salts.
            registers: what the gate goes by; None: what the log says.
            persons: keys of persons who sign here, together with the institution.
            failpoint: is told when a named place is passed.
        """
        self._profile = profile
        self._signer = signer
        self._origin = origin
        self._store = store
        self._log = log
        self._rule_book = rule_book
        self._clock = clock
        self._randomness = randomness
        self._registers = registers or log.registers
        self._persons = {signer.public_key.multikey: signer for signer in persons}
        self._failpoint = failpoint

    def check_rows(
        self, rows: Iterable[Row], *, base_date: date | None = None, progress: Progress | None = None
    ) -> CheckedBatch:
        """Check a batch and change nothing; every fault of every row is in the result.

        Args:
            rows: see `batch.read_rows`.
            base_date: day 0 of day offsets; None: they are refused.
            progress: is told after each chunk how many rows are done.

        Raises:
            InputError: the file as a whole cannot be read.
            UnavailableError: the registers or the desk's own database are out of reach.
        """
        return self.start_check(base_date=base_date).check_rows(rows, progress)

    def check_document(self, value: JsonObject, *, base_date: date | None = None) -> Checked:
        """Check one document and change nothing.

        Raises:
            InputError: not a proper document, or it must not be issued; every reason is in the message.
            AlreadyIssuedError: its request id or its number belongs to another document.
            UnavailableError: the registers or the desk's own database are out of reach.
        """
        return self.start_check(base_date=base_date).check_value(value)

    def start_check(self, *, base_date: date | None = None) -> Checking:
        """Return what checks several files that will be issued together.

        Raises:
            UnavailableError: the registers are out of reach.
        """
        profile, registers = self._profile, self._registers()
        book = registers.rules.over(self._rule_book)
        context = DraftContext(profile.institution, book, profile.zone, base_date)
        key_id = self._signer.public_key.key_id
        gate = Gate(registers, self._rule_book, profile.institution, key_id, profile.zone)
        return Checking(context, gate, self._store, self._clock())

    def issue(
        self,
        documents: Sequence[Checked],
        *,
        signed: Progress | None = None,
        progress: Progress | None = None,
    ) -> BatchReport:
        """Issue what was checked, after handing in what waits from earlier runs.

        Where the log is out of reach, documents are numbered, sealed and stored all the same; the next run hands
        them in.

        Args:
            documents: from `check_rows`.
            signed: is told after each chunk how many documents are numbered, sealed and stored.
            progress: is told after each chunk how many documents are done.

        Raises:
            AlreadyIssuedError: a request id or a number was taken since the check; that chunk is not issued.
            StoreUnavailableError: the desk's own database is out of reach; the same call goes on later.
            LogIntegrityError: the desk's or the log's records disagree.
        """
        delivery = self._delivery()
        delivery.deliver_all()
        done = 0
        for chunk in cut(documents, CHUNK):
            ready = [document for document in chunk if isinstance(document, ReadyDocument)]
            done += len(chunk)
            if ready:
                versions = delivery.look_up({document.subject for document in ready})
                waiting = self._sign(ready, versions)
                _tell(signed, done)
                delivery.deliver(waiting)
            else:
                _tell(signed, done)
            _tell(progress, done)
        return self._report([_request_id(document) for document in documents], delivery)

    def resume(self) -> BatchReport:
        """Hand in what waits from earlier runs; the report is about these documents.

        Raises:
            StoreUnavailableError: the desk's own database is out of reach.
            LogIntegrityError: the desk's or the log's records disagree.
        """
        with self._store.read() as desk:
            waiting = [document.request_id for document in desk.list_documents(DocumentState.SIGNED)]
        delivery = self._delivery()
        delivery.deliver_all()
        return self._report(waiting, delivery)

    def _delivery(self) -> Delivery:
        return Delivery(self._store, self._log, self.make_seal, self._clock, self._failpoint)

    def make_seal(self) -> Seal:
        """Return who signs here, as of now."""
        profile, now = self._profile, self._clock()
        return Seal(self._signer, self._origin, profile.institution, now, self._persons)

    def _sign(
        self, documents: Sequence[ReadyDocument], versions: Mapping[Subject, int]
    ) -> list[WaitingDocument]:
        """Number, seal and store documents in one transaction; those stored meanwhile are left out."""
        self._failpoint("desk.before_signing")
        seal = self.make_seal()
        with self._store.write() as desk:
            fresh = _leave_out_known(documents, desk)
            signed = self._sign_fresh(fresh, versions, seal, desk)
            waiting = desk.add(signed, to_milliseconds(seal.sealed_at))
            self._failpoint("desk.before_commit")
        self._failpoint("desk.signed")
        return waiting

    def _sign_fresh(
        self,
        documents: Sequence[ReadyDocument],
        versions: Mapping[Subject, int],
        seal: Seal,
        desk: DeskWriting,
    ) -> list[SignedDocument]:
        following = desk.find_next_versions({document.subject for document in documents})
        numbers = self._give_numbers(documents, desk)
        signed = []
        for document, number in zip(documents, numbers, strict=True):
            subject = document.subject
            version = max(versions.get(subject, 0), following.get(subject, 0))
            following[subject] = version + 1
            sealed = seal_document(document, number, seal, self._randomness)
            statement = sign_issue(sealed.claims, version, seal)
            signed.append(
                SignedDocument(
                    document.request.id,
                    document.request.content_digest,
                    number,
                    document.number is not None,
                    subject,
                    version,
                    sealed.certificate,
                    statement,
                    sealed.disclosure,
                )
            )
        return signed

    def _give_numbers(self, documents: Sequence[ReadyDocument], desk: DeskWriting) -> list[CertificateNumber]:
        """Return a number for each document, and store where the series stand now."""
        own = [document.number for document in documents if document.number is not None]
        brought, taken = set(own), desk.find_numbers(own) if own else {}
        if len(brought) != len(own) or taken:
            doubles = sorted(taken or {number for number in brought if own.count(number) > 1})
            raise AlreadyIssuedError(f"two documents have the number {doubles[0]}")
        allotment = NumberAllotment(self._profile.numbers, desk.read_counter, _taken_numbers(desk))
        numbers = [document.number or allotment.take(document.dated, brought) for document in documents]
        desk.write_counters(allotment.counters)
        return numbers

    def _report(self, request_ids: Sequence[str], delivery: Delivery) -> BatchReport:
        found: dict[str, StoredDocument] = {}
        with self._store.read() as desk:
            for chunk in cut(request_ids, CHUNK):
                found |= desk.find(chunk)
        documents = tuple(found[request_id] for request_id in request_ids)
        return BatchReport(documents, delivery.outage, delivery.held)


def _tell(progress: Progress | None, done: int) -> None:
    if progress is not None:
        progress(done)


def _leave_out_known(documents: Sequence[ReadyDocument], desk: DeskWriting) -> list[ReadyDocument]:
    """Return the documents that have not been stored since they were checked, each once."""
    once = {document.request.id: document for document in documents}
    known = desk.find(list(once))
    for document in documents:
        stored = known.get(document.request.id)
        if stored is not None and stored.content_digest != document.request.content_digest:
            raise AlreadyIssuedError(f"{stored.request_id} was issued meanwhile with other content")
    return [document for request_id, document in once.items() if request_id not in known]


def _taken_numbers(desk: DeskWriting) -> Callable[[CertificateNumber], bool]:
    """Return what tells whether a document that brought its own number has this one."""
    if not desk.has_brought_numbers():
        return lambda _: False
    return lambda number: bool(desk.find_numbers([number]))


def _request_id(document: Checked) -> str:
    return document.request_id if isinstance(document, StoredDocument) else document.request.id
