"""Approval of many documents in one go: the sample is opened first, then one signature each, and the seal.

    draw      the documents of a batch, and which of them the approver must open
    open      what somebody looks at is noted: who, what, when
    approve   the gate is asked again; approver and institution sign; the document waits for the log

In one transaction a chunk of drafts becomes APPROVED and its documents are stored, sealed and stated; only what
is stored is handed in. Killed at any moment, the same call goes on: no document twice, none without its number.

>>> batch = approver.draw([7, 8, 9], "P-0003")
>>> sorted(batch.sample)
[7, 8, 9]
>>> approver.approve(batch.id, Person("P-0003", signer), seal_signer).done
[...]
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from issuer.checking import cut
from issuer.delivery import Delivery
from issuer.gate import Gate
from issuer.gateway import LedgerGateway
from issuer.rounds.binding import StickerBinder
from issuer.rounds.store import StoredSticker
from issuer.signing import Seal, SealedDocument, sign_issue
from issuer.signoff.freezing import seal_frozen
from issuer.signoff.office import Office, Person, Round, check_first, list_once, say_first, to_ms
from issuer.signoff.sampling import SEED_BYTES, draw_sample
from issuer.signoff.signing_off import Signed, SigningOff
from issuer.signoff.states import FROZEN, Action, DraftState, take_step
from issuer.signoff.store import Batch, RevisionKey, Signature, SignOffReading, StoredDraft
from issuer.signoff.writing import CHUNK
from issuer.sticker_desk import release_from_failed
from issuer.store import SignedDocument, WaitingDocument
from issuer.tables import DocumentState
from ledger.core.errors import InputError, LogIntegrityError, StateError, UnavailableError
from ledger.core.ids import CertificateNumber, Subject
from ledger.core.record import Role
from ledger.core.signature import Signer
from ledger.core.sticker import StickerId


@dataclass(slots=True)
class Approval(Round):
    """What became of a batch."""

    outage: UnavailableError | None = None
    """Why the log was out of reach, if it was: what waits is handed in by the next run."""
    held: dict[CertificateNumber, str] = field(default_factory=dict)
    """Why the log did not take a document now."""
    voided: dict[CertificateNumber, str] = field(default_factory=dict)
    """Why the log will never take a document that was approved."""
    stickers: list[StoredSticker] = field(default_factory=list)
    """What became of the stickers that rounds have put on, of these documents and of those that waited."""
    released: list[StickerId] = field(default_factory=list)
    """Stickers that stand on nothing any more: what they stood on has failed."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A batch as it stands before its approval."""

    batch: Batch
    waiting: tuple[StoredDraft, ...]
    """Of its members, those that are still to be approved."""
    unopened: tuple[int, ...]
    """Drafts that the approver has yet to open."""
    rivals: Mapping[int, tuple[StoredDraft, ...]]
    """Other drafts about the same instrument, by the id of the member that must be decided about."""


@dataclass(frozen=True, slots=True)
class Approver:
    """The last step, and the seal."""

    office: Office

    def draw(self, ids: Iterable[int], person: str) -> Batch:
        """Make a batch of checked drafts, and draw the sample that must be opened.

        Raises:
            InputError: no draft at all.
            StateError: one is not checked, or not this person's to approve.
            NotFoundError: there is no such draft.
        """
        members = list_once(ids)
        if not members:
            raise InputError("a batch holds one draft or more", field="drafts")
        seed = self.office.randomness(SEED_BYTES)
        with self.office.store.write() as desk:
            drafts = [desk.fetch_draft(draft) for draft in members]
            for draft in drafts:
                take_step(draft.standing, Action.APPROVE, person)
            keys = [draft.key for draft in drafts]
            always = self._find_always(desk, drafts, person)
            sample = frozenset(draw_sample(members, seed, always))
            batch = Batch(0, person, seed, tuple(sorted(keys)), sample)
            return desk.add_batch(batch, to_ms(self.office.now()))

    def _find_always(self, desk: SignOffReading, drafts: Sequence[StoredDraft], person: str) -> set[int]:
        """Return the drafts that are in the sample whatever is drawn."""
        always = {draft.id for draft in drafts if draft.corrects is not None}
        for chunk in cut(drafts, CHUNK):
            always |= set(find_rivals(desk, chunk))
            keys = [draft.key for draft in chunk]
            opened = desk.find_openings(person, [draft.id for draft in chunk])
            always |= {key.draft for key in desk.find_drawn(person, keys) - opened}
        return always

    def open(self, draft: int, person: str) -> StoredDraft:
        """Note that somebody opens a draft; the caller shows it to them.

        Raises:
            NotFoundError: there is no such draft.
        """
        with self.office.store.read() as desk:
            found = desk.fetch_draft(draft)
        if found.state in FROZEN:
            with self.office.store.write() as desk:
                desk.add_opening(found.key, person, to_ms(self.office.now()))
        return found

    def look(self, batch: int) -> Prospect:
        """Return what a batch still needs.

        Raises:
            NotFoundError: there is no such batch.
        """
        with self.office.store.read() as desk:
            return _look(desk, desk.fetch_batch(batch))

    def approve(
        self, batch: int, person: Person, seal_signer: Signer, *, decided: Collection[int] = ()
    ) -> Approval:
        """Approve what is left of a batch; every member is judged for itself.

        Args:
            batch: from `draw`.
            person: the approver, with the key if one is registered.
            seal_signer: the institution's key.
            decided: drafts in conflict with another about the same instrument that are approved all the same.

        Raises:
            StateError: another approver's batch, or not all of the sample was opened.
            InputError: another seal key than the office's, or another key than this person's.
            UnavailableError: registers or the desk's database are out of reach.
        """
        if seal_signer.public_key != self.office.seal_key:
            raise InputError("is another than the desk's", field="seal key")
        prospect = self.look(batch)
        _require_opened(prospect, person.id)
        delivery = self._start_delivery(seal_signer)
        delivery.deliver_all()
        done = Approval()
        with self.office.store.read() as desk:
            _note_others(desk, prospect, done)
        ids = [draft.id for draft in prospect.waiting]
        ids = [id_ for id_ in ids if _is_decided(id_, prospect, decided, done)]
        gate = self.office.make_gate(self.office.log.registers())
        for chunk in cut(ids, CHUNK):
            self._approve_chunk(chunk, person, gate, delivery, done)
        done.outage, done.held = delivery.outage, dict(delivery.held)
        office = self.office
        make_seal = delivery.make_seal
        done.released = release_from_failed(
            office.store.database, office.log, make_seal, office.clock, office.randomness
        )
        done.stickers = StickerBinder(office, make_seal).bind_waiting()
        with self.office.store.read() as desk:
            done.voided = _find_voided(desk, [draft.number for draft in done.done if draft.number])
        return done

    def deliver(self, seal_signer: Signer) -> Approval:
        """Hand in what waits from earlier runs."""
        delivery = self._start_delivery(seal_signer)
        delivery.deliver_all()
        stickers = StickerBinder(self.office, delivery.make_seal).bind_waiting()
        return Approval(outage=delivery.outage, held=dict(delivery.held), stickers=stickers)

    def _approve_chunk(
        self, ids: Sequence[int], person: Person, gate: Gate, delivery: Delivery, done: Approval
    ) -> None:
        office, signing = self.office, SigningOff(self.office)
        now = office.now()
        signed = signing.load(ids, Action.APPROVE, person, done)
        passed = [item for item in signed if signing.passes(item, gate, now, done)]
        new = signing.sign_all(passed, Role.APPROVER, person, now, done)
        items = [item for item in passed if item.draft.id in new]
        seal = delivery.make_seal()
        sealed = {item.draft.id: self._seal(item, new[item.draft.id], now, seal) for item in items}
        subjects = {item.draft.subject for item in items if item.draft.subject is not None}
        versions = delivery.look_up(subjects) if subjects else {}
        office.failpoint("signoff.before_approving")
        with office.store.write() as desk:
            free = check_first(desk, {item.draft.id: item.draft for item in items}, {}, done.refused)
            going = [item for item in items if item.draft.id in free]
            documents = _state_all(desk, going, sealed, versions, seal)
            changed = [signing.advance(item.draft, Action.APPROVE, person, now) for item in going]
            desk.add_signatures([new[item.draft.id] for item in going])
            desk.save_drafts(changed, Action.APPROVE, person.id)
            waiting: list[WaitingDocument] = desk.add(documents, to_ms(seal.sealed_at))
            office.failpoint("signoff.before_approval_commit")
        office.failpoint("signoff.approved")
        done.done += changed
        delivery.deliver(waiting)

    def _seal(self, item: Signed, signature: Signature, now: datetime, seal: Seal) -> SealedDocument:
        proofs = dict(item.proofs)
        if signature.proof is not None:
            proofs[Role.APPROVER] = signature.proof
        times = {**item.times, Role.APPROVER: now}
        return seal_frozen(item.frozen, proofs, times, seal, self.office.profile.zone)

    def _start_delivery(self, seal_signer: Signer) -> Delivery:
        office = self.office

        def make_seal() -> Seal:
            return Seal(seal_signer, office.origin, office.profile.institution, office.clock())

        log: LedgerGateway = office.log
        return Delivery(office.store, log, make_seal, office.clock, office.failpoint)


def find_rivals(desk: SignOffReading, drafts: Sequence[StoredDraft]) -> dict[int, tuple[StoredDraft, ...]]:
    """Return the other drafts about the same instrument, by id of these drafts, at most a few hundred.

    Two persons, or devices, may have verified one instrument: both drafts are kept, and the approver decides.
    A draft that waits counts, and one of the same day that became a document, but for the document corrected.
    """
    subjects = {draft.subject for draft in drafts if draft.subject is not None}
    found = desk.find_rivals(subjects) if subjects else {}
    rivals = {}
    for draft in drafts:
        others = [] if draft.subject is None else found.get(draft.subject, [])
        kept = tuple(other for other in others if _is_rival(draft, other))
        if kept:
            rivals[draft.id] = kept
    return rivals


def _is_rival(draft: StoredDraft, other: StoredDraft) -> bool:
    if other.id == draft.id or other.number == draft.corrects:
        return False
    return other.state is not DraftState.APPROVED or other.verified_on == draft.verified_on


def _look(desk: SignOffReading, batch: Batch) -> Prospect:
    waiting: list[StoredDraft] = []
    unopened: list[int] = []
    rivals: dict[int, tuple[StoredDraft, ...]] = {}
    for chunk in cut(batch.members, CHUNK):
        drafts = desk.find_drafts([key.draft for key in chunk])
        still = [drafts[key.draft] for key in chunk if _still_waits(drafts.get(key.draft), key)]
        opened = desk.find_openings(batch.approver, [draft.id for draft in still])
        unopened += [one.id for one in still if one.id in batch.sample and one.key not in opened]
        waiting += still
        rivals |= find_rivals(desk, still)
    return Prospect(batch, tuple(waiting), tuple(unopened), rivals)


def _still_waits(draft: StoredDraft | None, key: RevisionKey) -> bool:
    return draft is not None and draft.key == key and draft.state is DraftState.CHECKED


def _require_opened(prospect: Prospect, person: str) -> None:
    batch = prospect.batch
    if batch.approver != person:
        raise StateError(f"batch {batch.id} is {batch.approver}'s to approve, not {person}'s")
    if prospect.unopened:
        listed = ", ".join(map(str, prospect.unopened[:20]))
        more = "" if len(prospect.unopened) <= 20 else f" and {len(prospect.unopened) - 20} more"
        raise StateError(f"open these drafts of the sample first: {listed}{more}")


def _note_others(desk: SignOffReading, prospect: Prospect, done: Approval) -> None:
    """Note the members that do not wait any more: approved already, or returned by somebody."""
    waiting = {draft.id for draft in prospect.waiting}
    gone = [key for key in prospect.batch.members if key.draft not in waiting]
    for chunk in cut(gone, CHUNK):
        ids = [key.draft for key in chunk]
        drafts, last = desk.find_drafts(ids), desk.find_last_actions(ids)
        for key in chunk:
            draft = drafts[key.draft]
            if draft.key == key and draft.state is DraftState.APPROVED:
                done.done.append(draft)
            elif draft.revision != key.revision:
                message = f"draft {draft.id} was returned after batch {prospect.batch.id} had been drawn"
                done.refused[draft.id] = StateError(message)
            else:
                done.refused[draft.id] = StateError(say_first(last[draft.id]))


def _find_voided(desk: SignOffReading, numbers: Sequence[CertificateNumber]) -> dict[CertificateNumber, str]:
    found = {}
    for chunk in cut(numbers, CHUNK):
        for number, document in desk.find_documents(chunk).items():
            if document.state is DocumentState.VOIDED:
                found[number] = document.reason or ""
    return found


def _is_decided(draft: int, prospect: Prospect, decided: Collection[int], done: Approval) -> bool:
    """Tell whether nothing, or a decision of the approver, is to be said of other drafts on the instrument."""
    others = prospect.rivals.get(draft)
    if others is None or draft in decided:
        return True
    listed = ", ".join(
        f"draft {other.id} by {other.people.operator} of {other.verified_on} ({other.state})"
        for other in others
    )
    done.refused[draft] = StateError(f"the same instrument is in {listed}: decide, or return one of them")
    return False


def _state_all(
    desk: SignOffReading,
    going: Sequence[Signed],
    sealed: Mapping[int, SealedDocument],
    versions: Mapping[Subject, int],
    seal: Seal,
) -> list[SignedDocument]:
    """Return the documents as the desk stores them, each with its statement for the version that it will meet."""
    subjects = {item.draft.subject for item in going if item.draft.subject is not None}
    following = desk.find_next_versions(subjects)
    documents = []
    for item in going:
        draft, document = item.draft, sealed[item.draft.id]
        subject = draft.subject
        if subject is None or draft.number is None:
            raise LogIntegrityError(f"draft {draft.id} is checked, and has no instrument or no number")
        version = max(versions.get(subject, 0), following.get(subject, 0))
        following[subject] = version + 1
        statement = sign_issue(document.claims, version, seal)
        documents.append(
            SignedDocument(
                draft.request_id,
                draft.content_digest,
                draft.number,
                brings_number=False,  # its submission says so
                subject=subject,
                expected_version=version,
                certificate=document.certificate,
                statement=statement,
                disclosure=document.disclosure,
            )
        )
    return documents
