"""A file becomes drafts: each good row one, under an accepted application; the same again makes no second.

    rows ──► look, which changes nothing ──► ready | drafts already | issued already | faults
                └─ take: in transactions of 256 rows, each draft together with the row that it was made of

Killed in between, the same call goes on: a row that is a draft is known by the digest of what was given, whatever
the file in which it comes again.

>>> taker = Taker(office)
>>> taken = taker.take(taker.look(rows, "P-0107"), file_digest, application, "P-0107")
>>> taken.made, taken.known
(30, 0)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from issuer.batch import Row
from issuer.checking import CheckedBatch, cut
from issuer.faults import Fault, list_faults
from issuer.signing import ReadyDocument
from issuer.signoff.office import Office
from issuer.signoff.people import compose_value, require_lasting_bytes
from issuer.signoff.row_store import MadeFrom
from issuer.signoff.rows import FileRow, FoundWay, NamedPerson, find_way, read_file_row
from issuer.signoff.standing_in import NOBODY, PatientGate, stand_in
from issuer.signoff.states import Assignment
from issuer.signoff.store import StoredDraft
from issuer.signoff.writing import CHUNK, Writer, add_unknown
from issuer.store import StoredDocument
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.record import Role
from ledger.core.status import Registers

_PLACES: Final = {role: f"persons[{place}]" for place, role in enumerate(Role)}
"""Where a document that is composed for the check has each person."""


@dataclass(slots=True)
class RowsLook:
    """What the rows of a file are, each in one list."""

    ready: list[tuple[FileRow, ReadyDocument]] = field(default_factory=list)
    """May become drafts, in the order of the file."""
    known: list[tuple[FileRow, StoredDraft]] = field(default_factory=list)
    """Are drafts already."""
    issued: list[StoredDocument] = field(default_factory=list)
    """Were issued at once before."""
    faults: list[Fault] = field(default_factory=list)
    times: int = 0
    """Rows that say when somebody has signed, which drafts do not need."""
    unnamed: set[str] = field(default_factory=set)
    """Persons whose names stand in rows but not in the institution's file, from which documents take them."""

    @property
    def batch(self) -> CheckedBatch:
        """Return the same as a check of what is issued at once has it."""
        return CheckedBatch([*(document for _, document in self.ready), *self.issued], self.faults)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the good rows of a file."""

    made: int
    """Drafts that were made now."""
    known: int
    """Rows that were drafts already."""
    left: Mapping[str, int]
    """Rows that others take over, by the operator whom they name."""


@dataclass(frozen=True, slots=True)
class Taker:
    """Makes drafts of files."""

    office: Office

    def find_way(self, rows: Sequence[Row]) -> FoundWay:
        """Return which way a file goes today.

        Raises:
            UnavailableError: the registers are out of reach.
        """
        registers = self.office.log.registers()
        return find_way(rows, lambda pid: self.office.find_key(pid, registers) is not None)

    # --- looking --------------------------------------------------------------------------------------------

    def look(self, rows: Sequence[Row], operator: str | None) -> RowsLook:
        """Say of each row what it is, or everything that stands against it; nothing is changed.

        Args:
            rows: of the file.
            operator: of rows that name none; None: nobody knows yet.

        Raises:
            UnavailableError: registers or the desk's database are out of reach.
        """
        found, registers = RowsLook(), self.office.log.registers()
        sound = _Sorting(self.office, registers, found).sort(rows)
        fresh: list[FileRow] = []
        for chunk in cut(sound, CHUNK):
            fresh += self._leave_out_known(chunk, found)
        self._check(fresh, operator, registers, found)
        found.faults.sort(key=lambda fault: fault.row or 0)
        return found

    def _leave_out_known(self, rows: Sequence[FileRow], found: RowsLook) -> list[FileRow]:
        ids = [row.request.id for row in rows]
        with self.office.store.read() as desk:
            drafts, documents = desk.find_draft_requests(ids), desk.find(ids)
            origins = desk.rows.find_by_draft([draft.id for draft in drafts.values()])
        fresh = []
        for row in rows:
            draft, document = drafts.get(row.request.id), documents.get(row.request.id)
            digest = row.request.content_digest
            if draft is not None:
                if any(one.content_digest == digest for one in origins.get(draft.id, ())):
                    found.known.append((row, draft))
                else:
                    found.faults.append(_say_taken(row, f"draft {draft.id}", f"草稿{draft.id}"))
            elif document is None:
                fresh.append(row)
            elif document.content_digest == digest:
                found.issued.append(document)
            else:
                found.faults.append(_say_taken(row, document.number, document.number))
        return fresh

    def _check(
        self, rows: Sequence[FileRow], operator: str | None, registers: Registers, found: RowsLook
    ) -> None:
        """Ask every rule about rows, as if all whom they name signed now; who is not named is not missed."""
        composed = [
            Row(_spell(row), compose_value(row.content, _stand_in(row, operator), self.office, registers))
            for row in rows
        ]
        gate = PatientGate.of(self.office.make_gate(registers))
        batch = self.office.start_check(registers, gate).check_rows(composed)
        ready = {item.request.id: item for item in batch.documents if isinstance(item, ReadyDocument)}
        found.ready += [(row, ready[row.request.id]) for row in rows if row.request.id in ready]
        found.faults += batch.faults

    # --- taking over ----------------------------------------------------------------------------------------

    def take(
        self,
        look: RowsLook,
        file: bytes,
        application: int | None,
        operator: str,
        *,
        only_own: bool = True,
    ) -> Taken:
        """Make drafts of the rows that a look has found good.

        Args:
            look: see `look`.
            file: SHA-256 of the file, 32 bytes; kept with each draft, with the number of its row.
            application: under which the instruments were accepted; needed where drafts are to be made.
            operator: of rows that name none.
            only_own: whether rows that name another operator are left for that one.

        Raises:
            InputError: an application is needed.
            NotFoundError: no such application.
            AlreadyIssuedError: a row was made a draft by somebody else since the look; its chunk is left.
            StoreUnavailableError: the desk's database is out of reach; the same call goes on later.
        """
        left = Counter(
            name for row, _ in look.ready if only_own and (name := _name_operator(row, operator)) != operator
        )
        mine = [row for row, _ in look.ready if _name_operator(row, operator) not in left]
        for chunk in cut(look.known, CHUNK):
            with self.office.store.write() as desk:
                desk.rows.add(_make_origin(file, row, draft) for row, draft in chunk)
        if mine:
            self._make_drafts(mine, file, application, operator)
        return Taken(len(mine), len(look.known), dict(sorted(left.items())))

    def _make_drafts(
        self, rows: Sequence[FileRow], file: bytes, application: int | None, operator: str
    ) -> None:
        """Make a draft of each row, in transactions of `CHUNK`; raises as `take`."""
        if application is None:
            message = "under which the instruments were accepted is needed"
            raise InputError(message, field="application", zh="须选择器具所属的受理")
        writer = Writer(self.office)
        applicant = writer.find_applicant(application)
        for chunk in cut(rows, CHUNK):
            values = [{"applicant": applicant, **row.content} for row in chunk]
            drafts = [
                writer.begin(value, _list_people(row, operator), application)
                for row, value in zip(chunk, values, strict=True)
            ]
            self.office.failpoint("signoff.before_rows")
            with self.office.store.write() as desk:
                made = add_unknown(desk, list(zip(drafts, values, strict=True)))
                desk.rows.add(_make_origin(file, row, draft) for row, draft in zip(chunk, made, strict=True))
                self.office.failpoint("signoff.before_rows_commit")
            self.office.failpoint("signoff.rows_drafted")


@dataclass(slots=True)
class _Sorting:
    """Reads the rows of one file, and notes what is wrong with each as a row."""

    office: Office
    registers: Registers
    found: RowsLook
    _first: dict[str, int] = field(default_factory=dict)
    _lasting: dict[Assignment, InputError | None] = field(default_factory=dict)

    def sort(self, rows: Sequence[Row]) -> list[FileRow]:
        """Return the sound rows, each document once."""
        sound = []
        for row in rows:
            try:
                read = read_file_row(row, self.office.profile.institution)
                self._check_people(read)
            except InputError as err:
                self.found.faults += list_faults(err, row.number)
                continue
            if self._is_first(read):
                sound.append(read)
        return sound

    def _is_first(self, row: FileRow) -> bool:
        earlier = self._first.setdefault(row.request.id, row.number)
        if earlier == row.number:
            return True
        en, zh = (
            f"the same document or request id as in row {earlier}",
            f"与第{earlier}行的文件或请求编号相同",
        )
        self.found.faults.append(Fault(row.number, "DUPLICATE", "request_id", en, zh))
        return False

    def _check_people(self, row: FileRow) -> None:
        """Refuse persons whom the registers or the institution's file know otherwise.

        Raises:
            InputError: see above.
        """
        for role, person in row.people.items():
            self._check_person(person, _PLACES[role])
        self.found.times += any(person.has_time for person in row.people.values())
        if len(row.people) == len(Role):
            err = self._find_unlasting(_list_people(row, ""))
            if err is not None:
                raise err

    def _check_person(self, person: NamedPerson, place: str) -> None:
        key = self.office.find_key(person.pid, self.registers)
        if person.key is not None and person.key != key:
            message = f"is not the key registered for {person.pid}; leave it out"
            zh = f"不是{person.pid}登记的公钥，请留空"
            raise MalformedDocumentError(message, field=f"{place}.key", zh=zh)
        known = self.office.profile.staff.get(person.pid)
        if person.name is not None and known is None:
            self.found.unnamed.add(person.pid)
        elif person.name is not None and person.name != known:
            message = f"is not how the institution's file names {person.pid}"
            zh = f"与机构文件中{person.pid}的姓名不符"
            raise MalformedDocumentError(message, field=f"{place}.name", zh=zh)

    def _find_unlasting(self, people: Assignment) -> InputError | None:
        if people not in self._lasting:
            self._lasting[people] = None
            try:
                require_lasting_bytes(people, self.office, self.registers)
            except InputError as err:
                place = _PLACES[Role(str(err.field))]
                self._lasting[people] = InputError(err.reason, field=f"{place}.pid", zh=err.zh)
        return self._lasting[people]


def _name_operator(row: FileRow, operator: str) -> str:
    return row.people[Role.OPERATOR].pid if Role.OPERATOR in row.people else operator


def _list_people(row: FileRow, operator: str) -> Assignment:
    """Return whom a draft has: its operator, and those whom its row proposes."""
    pids = {role: person.pid for role, person in row.people.items()}
    return Assignment(_name_operator(row, operator), pids.get(Role.CHECKER), pids.get(Role.APPROVER))


def _stand_in(row: FileRow, operator: str | None) -> Assignment:
    """Return somebody for every role, for the check."""
    return stand_in(_list_people(row, operator or NOBODY))


def _spell(row: FileRow) -> int | None:
    """Return the number of a row as faults have it."""
    return row.number or None


def _say_taken(row: FileRow, en: str, zh: str) -> Fault:
    sentence = f"{row.request.id} belongs to {en}, which has other content or was made in another way"
    said = f"请求编号{row.request.id}已用于{zh}，内容或来源不同"
    return Fault(_spell(row), "ALREADY_ISSUED", "request_id", sentence, said)


def _make_origin(file: bytes, row: FileRow, draft: StoredDraft) -> MadeFrom:
    return MadeFrom(file, row.number, draft.id, row.request.content_digest)
