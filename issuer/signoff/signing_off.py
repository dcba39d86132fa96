"""Submit, check, return: each over many drafts at once, each draft judged for itself.

    submit   every rule is asked; number, nonce, salts are given; the operator signs what is fixed now
    check    the gate is asked again; the checker signs the same bytes
    return   with a reason; the number is void for ever, and a new revision is open for the operator

Drafts are acted on in chunks, each in one transaction that compares what it changes with what was looked at:
who comes later is told who was first. Killed in between, the same call goes on: what is done stays done.

>>> done = signing_off.submit([7, 8], Person("P-0107", signer), Named("P-0112", "P-0003"))
>>> [draft.number for draft in done.done], done.refused
(['JY2026-000001', 'JY2026-000002'], {})
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple, cast

from issuer.batch import Row
from issuer.checking import CheckedBatch, cut
from issuer.drafting import PENDING
from issuer.faults import Fault
from issuer.gate import Gate
from issuer.numbering import NumberAllotment
from issuer.rounds.store import RoundStore
from issuer.signing import ReadyDocument, number_document
from issuer.signoff.changes import list_changes, read_whole_record, reveal
from issuer.signoff.freezing import Frozen, freeze_document, read_frozen, sign_frozen
from issuer.signoff.office import Office, Person, Round, check_first, to_ms
from issuer.signoff.people import compose_value, require_lasting_bytes
from issuer.signoff.states import (
    FROZEN,
    Action,
    Assignment,
    check_assignment,
    is_done,
    require_reason,
    take_step,
)
from issuer.signoff.store import (
    RevisionKey,
    Signature,
    SignOffReading,
    SignOffWriting,
    StoredDraft,
    Submission,
    VoidedNumber,
)
from issuer.signoff.writing import CHUNK, note_missing
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json, reread_canonical_json
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    MalformedDocumentError,
    NotFoundError,
    Reason,
    StateError,
)
from ledger.core.event import certificate_subject
from ledger.core.ids import CertificateNumber
from ledger.core.record import Role
from ledger.core.status import Registers, Status
from ledger.core.step import Sentence

_DOUBLE: Final = Sentence(
    "the same number as another draft of this submission", "与同时提交的另一草稿编号相同"
)
_REPLACEABLE: Final = frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED})


class Named(NamedTuple):
    """Whom an operator names when submitting."""

    checker: str
    approver: str


class Signed(NamedTuple):
    """A submission with the signatures on it."""

    draft: StoredDraft
    frozen: Frozen
    times: Mapping[Role, datetime]
    proofs: Mapping[Role, bytes]


class _Prepared(NamedTuple):
    """A draft that may be submitted."""

    draft: StoredDraft
    """As it was looked at."""
    after: StoredDraft
    ready: ReadyDocument
    changed: list[str]
    """Paths in which it differs from the document that it replaces."""


@dataclass(frozen=True, slots=True)
class SigningOff:
    """The steps between a draft and its approval."""

    office: Office

    # --- submit ---------------------------------------------------------------------------------------------

    def submit(
        self,
        ids: Sequence[int],
        person: Person,
        named: Named,
        *,
        expected: Mapping[int, int] | None = None,
    ) -> Round:
        """Submit drafts: from here on nothing in them changes.

        Args:
            ids: of the drafts.
            person: their operator, with the key if one is registered.
            named: who will check and approve.
            expected: the sequence that the operator has seen of each draft, where that is known.

        Raises:
            InputError: people or keys that cannot be; nothing is submitted.
            UnavailableError: registers or the desk's database are out of reach.
        """
        registers = self.office.log.registers()
        people = Assignment(person.id, named.checker, named.approver)
        check_assignment(people, checker_may_approve=self.office.may_share(registers))
        require_lasting_bytes(people, self.office, registers)
        self.office.require_own_key(person, self.office.find_key(person.id, registers))
        done = Round()
        for chunk in cut(ids, CHUNK):
            prepared = self._prepare(chunk, people, registers, done)
            self._store_submitted(prepared, person, expected or {}, done)
        return done

    def _prepare(
        self, ids: Sequence[int], people: Assignment, registers: Registers, done: Round
    ) -> list[_Prepared]:
        """Check drafts as documents; note what stands against each."""
        with self.office.store.read() as desk:
            known = desk.find_drafts(ids)
            contents = desk.fetch_contents([draft.key for draft in known.values()])
        note_missing(ids, known, done)
        open_ = [
            known[id_] for id_ in ids if id_ in known and self._is_open(known[id_], people.operator, done)
        ]
        open_ = self._drop_overtaken(open_, done)
        rows = []
        for draft in open_:
            content = as_object(parse_canonical_json(contents[draft.key]))
            rows.append(Row(draft.id, compose_value(content, people, self.office, registers)))
        batch = self.office.start_check(registers).check_rows(rows)
        faults = _group_faults(batch)
        ready = {item.request.id: item for item in batch.documents if isinstance(item, ReadyDocument)}
        prepared: list[_Prepared] = []
        for draft in open_:
            if draft.id in faults:
                done.refused[draft.id] = _refuse(faults[draft.id])
            elif draft.request_id not in ready:
                done.refused[draft.id] = AlreadyIssuedError(f"{draft.request_id} was issued already")
            else:
                self._prepare_one(draft, people, ready[draft.request_id], prepared, done)
        return prepared

    def _is_open(self, draft: StoredDraft, operator: str, done: Round) -> bool:
        if is_done(draft.state, Action.SUBMIT) and draft.people.operator == operator:
            done.done.append(draft)
            return False
        try:
            take_step(draft.standing, Action.SUBMIT, operator)
        except StateError as err:
            done.refused[draft.id] = err
            return False
        return True

    def _prepare_one(
        self,
        draft: StoredDraft,
        people: Assignment,
        ready: ReadyDocument,
        prepared: list[_Prepared],
        done: Round,
    ) -> None:
        after = replace(
            draft,
            state=take_step(draft.standing, Action.SUBMIT, people.operator),
            sequence=draft.sequence + 1,
            people=people,
            subject=ready.subject,
            verified_on=ready.claims.verified_on.isoformat(),
        )
        try:
            older = self._find_older(draft, ready)
            changed = [] if older is None else _compare(older, ready)
            prepared.append(_Prepared(draft, after, ready, changed))
        except LedgerError as err:
            done.refused[draft.id] = err

    def _find_older(self, draft: StoredDraft, ready: ReadyDocument) -> JsonObject | None:
        """Return the record of the document that this one replaces, personal values in the clear; None: of none.

        Raises:
            StateError: that one cannot be replaced now, or must be withdrawn first and is not.
        """
        number = ready.claims.predecessor
        if number is None:
            if draft.corrects is not None:
                self._require_withdrawn(draft.corrects)
            return None
        with self.office.store.read() as desk:
            files = desk.fetch(number)
        status = self._find_status(number)
        if status not in _REPLACEABLE:
            raise StateError(f"{number} is {status.name}: it is not replaced")
        return read_whole_record(files.certificate, files.disclosure)

    def _require_withdrawn(self, number: CertificateNumber) -> None:
        status = self._find_status(number)
        if status is not Status.WITHDRAWN:
            message = (
                f"{number} is {status.name}: what is wrong in its result is withdrawn before a new document"
            )
            raise StateError(message)

    def _find_status(self, number: CertificateNumber) -> Status:
        subject = certificate_subject(self.office.profile.institution, number)
        state = self.office.log.find_states([subject]).get(subject)
        if state is None:
            raise NotFoundError(f"certificate {number} is not in the ledger")
        return state.status

    def _store_submitted(
        self, prepared: Sequence[_Prepared], person: Person, expected: Mapping[int, int], done: Round
    ) -> None:
        """Number, fix and sign drafts in one transaction."""
        now = self.office.now()
        self.office.failpoint("signoff.before_submitting")
        with self.office.store.write() as desk:
            looked_at = {item.draft.id: item.draft for item in prepared}
            free = check_first(desk, looked_at, expected, done.refused)
            fresh = [item for item in prepared if item.draft.id in free]
            numbers = self._give_numbers(fresh, now, desk, done)
            kept = [
                self._freeze(item, numbers[item.draft.id], person, now)
                for item in fresh
                if item.draft.id in numbers
            ]
            changed = [draft for draft, _, _ in kept]
            desk.add_submissions([submission for _, submission, _ in kept])
            desk.add_signatures([signature for _, _, signature in kept])
            desk.save_drafts(changed, Action.SUBMIT, person.id)
            self.office.failpoint("signoff.before_commit")
        self.office.failpoint("signoff.submitted")
        done.done += changed

    def _give_numbers(
        self, fresh: Sequence[_Prepared], now: datetime, desk: SignOffWriting, done: Round
    ) -> dict[int, CertificateNumber]:
        """Return a number for each draft, and store where the series stand."""
        own = [item.ready.number for item in fresh if item.ready.number is not None]
        taken = desk.find_numbers(own) if own else {}
        numbers: dict[int, CertificateNumber] = {}
        for item in fresh:
            number = item.ready.number
            if number is not None and (number in taken or number in numbers.values()):
                owner = taken.get(number, "another draft")
                done.refused[item.draft.id] = AlreadyIssuedError(f"number {number} was given to {owner}")
            elif number is not None:
                numbers[item.draft.id] = number
        has_brought = desk.has_brought_numbers()
        allotment = NumberAllotment(
            self.office.profile.numbers,
            desk.read_counter,
            lambda number: has_brought and bool(desk.find_numbers([number])),
        )
        today = now.astimezone(self.office.profile.zone).date()
        for item in fresh:
            if item.ready.number is None:
                numbers[item.draft.id] = allotment.take(today, own)
        desk.write_counters(allotment.counters)
        return numbers

    def _freeze(
        self, item: _Prepared, number: CertificateNumber, person: Person, now: datetime
    ) -> tuple[StoredDraft, Submission, Signature]:
        did = self.office.seal_key.did_key
        frozen = freeze_document(item.ready, number, did, self.office.randomness, item.changed)
        draft = replace(item.after, number=number, changed_at_ms=to_ms(now))
        brings = item.ready.number is not None
        submission = Submission(draft.key, number, brings, did, frozen.record, frozen.disclosure)
        return draft, submission, self._sign(draft, frozen, Role.OPERATOR, person, {Role.OPERATOR: now})

    # --- check ----------------------------------------------------------------------------------------------

    def check(
        self, ids: Sequence[int], person: Person, *, expected: Mapping[int, int] | None = None
    ) -> Round:
        """Check drafts (核验): the gate is asked again, and the checker signs what the operator has signed.

        Raises:
            InputError: another key than this person's.
            UnavailableError: registers or the desk's database are out of reach.
        """
        registers = self.office.log.registers()
        gate = self.office.make_gate(registers)
        done = Round()
        for chunk in cut(ids, CHUNK):
            now = self.office.now()
            signed = self.load(chunk, Action.CHECK, person, done)
            passed = [item for item in signed if self.passes(item, gate, now, done)]
            after = {item.draft.id: self.advance(item.draft, Action.CHECK, person, now) for item in passed}
            new = self.sign_all(passed, Role.CHECKER, person, now, done)
            self.office.failpoint("signoff.before_checking")
            with self.office.store.write() as desk:
                looked_at = {item.draft.id: item.draft for item in passed}
                free = check_first(desk, looked_at, expected or {}, done.refused)
                changed = [after[id_] for id_ in new if id_ in free]
                desk.add_signatures([new[draft.id] for draft in changed])
                desk.save_drafts(changed, Action.CHECK, person.id)
                self.office.failpoint("signoff.before_check_commit")
            self.office.failpoint("signoff.checked")
            done.done += changed
        return done

    def load(self, ids: Sequence[int], action: Action, person: Person, done: Round) -> list[Signed]:
        """Return drafts as they were submitted and signed, if this action is open to this person now."""
        with self.office.store.read() as desk:
            known = desk.find_drafts(ids)
            note_missing(ids, known, done)
            open_ = [known[id_] for id_ in ids if id_ in known]
            open_ = [draft for draft in open_ if _may(draft, action, person.id, done)]
            signed = load_signed(desk, open_)
        going = {draft.id for draft in self._drop_overtaken(open_, done)}
        return [item for item in signed if item.draft.id in going]

    def _drop_overtaken(self, drafts: Sequence[StoredDraft], done: Round) -> list[StoredDraft]:
        """Return the drafts but those whose operator has brought back a later finding that is held.

        Whoever replaced what a draft says with something else has not stood by it since: neither its words nor
        its stickers go any further until that finding is in the draft, or a later one is.
        """
        overtaken = RoundStore(self.office.store.database).find_overtaken([draft.id for draft in drafts])
        for id_, finding in overtaken.items():
            done.refused[id_] = StateError(
                f"revision {finding.revision} of the finding in round {finding.round} has replaced what draft "
                f"{id_} says, and is held: make a draft of it there first",
                zh=f"任务单{finding.round}中该记录的第{finding.revision}版已取代草稿{id_}的内容，且尚待处理："
                "请先在任务单中将其转为草稿",
            )
        return [draft for draft in drafts if draft.id not in overtaken]

    def passes(self, item: Signed, gate: Gate, now: datetime, done: Round) -> bool:
        """Ask the gate again about what was submitted; note what stands against it now."""
        try:
            self._require_same_seal(item.frozen)
            _require_later(item, now)
            record = read_frozen(item.frozen, item.times, now, self.office.profile.zone)
            reasons = gate.find_reasons(record, now)
            if reasons:
                raise DocumentRefusedError(reasons)
        except LedgerError as err:
            done.refused[item.draft.id] = err
            return False
        return True

    def sign_all(
        self, items: Sequence[Signed], role: Role, person: Person, now: datetime, done: Round
    ) -> dict[int, Signature]:
        """Return one person's signatures by draft."""
        found = {}
        for item in items:
            try:
                times = {**item.times, role: now}
                found[item.draft.id] = self._sign(item.draft, item.frozen, role, person, times)
            except InputError as err:
                done.refused[item.draft.id] = err
        return found

    def _sign(
        self,
        draft: StoredDraft,
        frozen: Frozen,
        role: Role,
        person: Person,
        times: Mapping[Role, datetime],
    ) -> Signature:
        """Return the signature of a person, a proof where the record names a key.

        Raises:
            InputError: it names a key, and the person comes with another or none.
        """
        named = next(one for one in _persons(frozen) if one["role"] == role.value)
        key = named.get("key")
        self.office.require_own_key(person, None if key is None else str(key))
        proof = None
        if key is not None and person.signer is not None:
            proof = sign_frozen(frozen, role, person.signer, times, self.office.profile.zone)
        return Signature(draft.key, role, person.id, to_ms(times[role]), proof)

    def _require_same_seal(self, frozen: Frozen) -> None:
        if frozen.issuer_did != self.office.seal_key.did_key:
            raise StateError(
                f"{frozen.number} was submitted for another seal key than the desk has now: "
                "return it, so that all sign for the new one"
            )

    @staticmethod
    def advance(draft: StoredDraft, action: Action, person: Person, now: datetime) -> StoredDraft:
        """Return a draft after a signature."""
        state = take_step(draft.standing, action, person.id)
        return replace(draft, state=state, sequence=draft.sequence + 1, changed_at_ms=to_ms(now))

    # --- return ---------------------------------------------------------------------------------------------

    def give_back(
        self,
        ids: Sequence[int],
        person: str,
        reason: str,
        *,
        expected: Mapping[int, int] | None = None,
    ) -> Round:
        """Return drafts to their operators; their numbers are void for ever.

        Raises:
            InputError: no reason.
            UnavailableError: the desk's database is out of reach.
        """
        why, done = require_reason(reason), Round()
        for chunk in cut(ids, CHUNK):
            with self.office.store.write() as desk:
                known = desk.find_drafts(chunk)
                note_missing(chunk, known, done)
                free = check_first(desk, known, expected or {}, done.refused)
                open_ = [draft for draft in free.values() if _may(draft, Action.RETURN, person, done)]
                done.done += self._return_all(desk, open_, person, why)
                self.office.failpoint("signoff.before_returning")
            self.office.failpoint("signoff.returned")
        return done

    def _return_all(
        self, desk: SignOffWriting, open_: Sequence[StoredDraft], person: str, why: str
    ) -> list[StoredDraft]:
        now_ms = to_ms(self.office.now())
        contents = desk.fetch_contents([draft.key for draft in open_])
        voided, changed, kept = [], [], {}
        for draft in open_:
            if draft.number is not None:
                voided.append(VoidedNumber(draft.number, why, draft.id, draft.revision, person, now_ms))
            after = replace(
                draft,
                state=take_step(draft.standing, Action.RETURN, person),
                revision=draft.revision + 1,
                sequence=draft.sequence + 1,
                people=Assignment(draft.people.operator),
                number=None,
                subject=None,
                changed_at_ms=now_ms,
            )
            changed.append(after)
            kept[after.key] = contents[draft.key]
        desk.void_numbers(voided)
        desk.add_contents(kept)
        desk.save_drafts(changed, Action.RETURN, person, why)
        return changed


def load_signed(desk: SignOffReading, drafts: Sequence[StoredDraft]) -> list[Signed]:
    """Return submitted drafts, at most a few hundred, with the signatures on them."""
    keys = [draft.key for draft in drafts if draft.state in FROZEN]
    submissions, by_key = desk.find_submissions(keys), dict[RevisionKey, list[Signature]]()
    for signature in desk.list_signatures(keys):
        by_key.setdefault(signature.key, []).append(signature)
    return [
        _join(draft, submissions[draft.key], by_key.get(draft.key, []))
        for draft in drafts
        if draft.key in submissions
    ]


def _join(draft: StoredDraft, submission: Submission, signatures: Sequence[Signature]) -> Signed:
    frozen = Frozen(submission.number, submission.issuer_did, submission.record, submission.disclosure)
    times = {one.role: datetime.fromtimestamp(one.signed_at_ms // 1000, UTC) for one in signatures}
    proofs = {one.role: one.proof for one in signatures if one.proof is not None}
    return Signed(draft, frozen, times, proofs)


def _may(draft: StoredDraft, action: Action, person: str, done: Round) -> bool:
    """Tell whether an action is open; what this person has done already is done, anything else refused."""
    try:
        take_step(draft.standing, action, person)
    except StateError as err:
        role = {Action.CHECK: draft.people.checker, Action.APPROVE: draft.people.approver}.get(action)
        if is_done(draft.state, action) and role == person:
            done.done.append(draft)
        else:
            done.refused[draft.id] = err
        return False
    return True


def _require_later(item: Signed, now: datetime) -> None:
    latest = max(item.times.values(), default=None)
    if latest is not None and now < latest:
        raise StateError(f"the clock here stands before the last signature on {item.frozen.number}: set it")


def _persons(frozen: Frozen) -> list[JsonObject]:
    return cast("list[JsonObject]", frozen.read_members()["persons"])


def _compare(older: JsonObject, ready: ReadyDocument) -> list[str]:
    """Return in which members a document differs from the one that it replaces.

    Raises:
        InputError: in none.
    """
    record, disclosed = number_document(ready, CertificateNumber(PENDING), bytes)
    changed = list_changes(older, reveal(record, disclosed))
    if not changed:
        raise MalformedDocumentError("nothing differs from the document that it replaces", field="replaces")
    template = as_object(reread_canonical_json(ready.template))
    given = as_object(template["replaces"]).get("changed")
    if given is not None and given != changed:
        raise MalformedDocumentError(f"what differs is {', '.join(changed)}", field="replaces.changed")
    return changed


def _group_faults(batch: CheckedBatch) -> dict[int, list[Fault]]:
    found: dict[int, list[Fault]] = {}
    for fault in batch.faults:
        said = replace(fault, en=_DOUBLE.en, zh=_DOUBLE.zh) if fault.code == "DUPLICATE" else fault
        found.setdefault(fault.row or 0, []).append(said)
    return found


def _refuse(faults: Sequence[Fault]) -> LedgerError:
    """Return one error that says every fault of a draft."""
    return DocumentRefusedError([Reason(one.code, one.field or "-", one.en, one.zh) for one in faults])
