"""What this server has to say of a sticker or an instrument: its newest document's verdict, or why there is none.

A sticker shows how that stands on which it was put last. A document's verdict is what `Verdicts` says of it; here
is decided which document that is, and what is said where there is none. A part may have documents of its own; the
whole is no better than the worst of them. Each answer has a file that shows it to whoever believes nobody here.

>>> Things(store, prover, receipts, policy, clock, verdicts).of_sticker(parse_sticker_id(text)).shown
<Shown.STICKER_UNUSED: 'STICKER_UNUSED'>
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import quote

from api.severity import SEVERITY, find_worst, stand_part
from api.shown import Shown
from api.verdicts import Finding, InstrumentFacts, PartFinding, ReceiptReading, Verdicts
from ledger.bundling import find_published, find_receipt
from ledger.core.absence_proof import Absence, MissingVerification, parse_absence_proof
from ledger.core.act_content import parse_act_content
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_hex
from ledger.core.entry import parse_leaf
from ledger.core.errors import (
    ContentWithheldError,
    InputError,
    LogIntegrityError,
    NotFoundError,
    UnavailableError,
)
from ledger.core.event import EventType, instrument_subject, placement_subject, registration_subject
from ledger.core.ids import InstrumentId, LeafIndex
from ledger.core.policy import Policy
from ledger.core.qr import ShortCode
from ledger.core.registration import InstrumentContent
from ledger.core.statement import ActClaims, IssueClaims, parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.core.step import Step, not_checked
from ledger.core.sticker import StickerId
from ledger.core.sticker_proof import ShownSticker, StickerStanding, parse_sticker_proof
from ledger.proving import ProofReading, ProofStore, Prover
from ledger.sticker_proving import StickerProver
from ledger.store.records import StoredCheckpoint, StoredEntry
from verifier.absence_proof import verify_absence_proof
from verifier.report import DocumentStatus, Report, build_report
from verifier.session import Session
from verifier.sticker_proof import verify_sticker_proof

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_AGAINST: Final = {
    DocumentStatus.FAILED_SINCE: Shown.FAILED_SINCE,
    DocumentStatus.NEEDS_REVERIFICATION: Shown.NEEDS_REVERIFICATION,
    DocumentStatus.SUSPENDED: Shown.SUSPENDED,
}
_HARD: Final = frozenset(_AGAINST.values())
"""What counts against the whole, whichever part it is said of: that one was registered and not verified does not,
since any institution may register what it likes."""

_SAID_OF_PART: Final = not_checked(
    Step.STATUS,
    "something stands against a part of the instrument, which this document does not settle",
    "该器具有部件另有不利记载，本文件不能消除",
)

_STANDINGS: Final = {
    StickerStanding.NEVER_GIVEN_OUT: Shown.NEVER_GIVEN_OUT,
    StickerStanding.UNUSED: Shown.STICKER_UNUSED,
    StickerStanding.REPLACED: Shown.STICKER_REPLACED,
    StickerStanding.RELEASED: Shown.STICKER_RELEASED,
}


@dataclass(frozen=True, slots=True)
class ThingProof:
    """A proof file as it is handed out."""

    raw: bytes
    name: str
    """Under which it is saved."""
    is_held: bool = True
    """Whether the log holds what was asked for: anybody can make up the rest."""


@dataclass(frozen=True, slots=True)
class _Part:
    """How a part of an instrument stands."""

    shown: Shown | None
    """None: the document of the whole covers it, and nothing stands against it."""
    finding: Finding | None = None
    """On its own document, where that counts beside the whole's."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An instrument, or a part of one, as the newest states have it."""

    instrument_id: InstrumentId
    part: str | None
    own: SubjectState | None
    whole: SubjectState | None
    """Of a part: the whole instrument's. Of a whole instrument the same as `own`."""
    document: StoredEntry | None
    """The newest that verifies it."""
    parts: tuple[str, ...]
    """In use, as document and registration name them; of a whole instrument only."""
    covered: frozenset[str]
    """Parts that the newest document of the whole names."""
    is_known: bool
    is_split: bool


class Things:
    """Looks stickers and instruments up. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, or when others hold what this server does
    not and the answer would be that there is nothing; and `LogIntegrityError` when the store cannot be read.
    """

    def __init__(
        self,
        store: ProofStore,
        prover: Prover,
        receipts: ReceiptReading,
        policy: Policy,
        clock: Callable[[], datetime],
        verdicts: Verdicts,
        is_behind: Callable[[], bool] | None = None,
    ) -> None:
        """Take what looking up and verifying need; see `Verdicts`, which judges the documents."""
        self._store = store
        self._prover = prover
        self._receipts = receipts
        self._policy = policy
        self._clock = clock
        self._verdicts = verdicts
        self._is_behind = is_behind or (lambda: False)
        self._stickers = StickerProver(store, prover)
        self._session = Session(policy, load_rule_book(), None)

    # --- stickers -------------------------------------------------------------------------------------------

    def of_sticker(self, sticker: StickerId) -> Finding:
        """Return what is known of a sticker, and of what it stands on."""
        checkpoint = self._prover.newest_checkpoint()
        raw = self._prove_sticker(sticker, checkpoint)
        report, shown = verify_sticker_proof(parse_sticker_proof(raw), self._session, self._clock())
        proof = f"s/{sticker}/proof.json"
        if shown is None:
            return replace(self._found(Shown.TAMPERED, checkpoint), report=report)
        if shown.binding is not None and shown.standing is StickerStanding.BOUND:
            return self._follow(shown, report, proof)
        if shown.standing is StickerStanding.NEVER_GIVEN_OUT:
            self._require_newest()
        found = self._found(_STANDINGS[shown.standing], checkpoint)
        if self._is_unsure(checkpoint):
            found = replace(found, shown=Shown.CANNOT_CHECK)
        return replace(found, report=report, proof=proof, is_held=shown.made_up is None)

    def proof_of_sticker(self, sticker: StickerId) -> ThingProof:
        """Return the proof of how a sticker stands, under the published checkpoint."""
        raw = self._prove_sticker(sticker, self._prover.published_checkpoint())
        shown = verify_sticker_proof(parse_sticker_proof(raw), self._session, self._clock())[1]
        is_held = shown is not None and shown.made_up is None
        return ThingProof(raw, f"{sticker}.sticker.json", is_held=is_held)

    def _prove_sticker(self, sticker: StickerId, checkpoint: StoredCheckpoint) -> bytes:
        receipt = find_receipt(self._receipts, checkpoint)
        return self._stickers.prove(sticker, checkpoint, receipt, self._receipts)

    def _follow(self, shown: ShownSticker, report: Report, proof: str) -> Finding:
        """Return what is known of what a sticker stands on, as its sticker shows it."""
        binding = shown.binding
        if binding is None:
            raise LogIntegrityError("a sticker that stands somewhere has no binding")
        found = self._find(binding.instrument_id, binding.part)
        is_open = found.shown is Shown.NOT_VERIFIED
        if is_open or self._awaits_document(shown, found):
            is_unsure = self._is_unsure(self._prover.newest_checkpoint())
            found = replace(found, shown=Shown.CANNOT_CHECK if is_unsure else Shown.STICKER_PENDING)
            if self._takes_long(shown, found):
                found = replace(found, overdue_after=self._policy.lag_warning)
        document = report if is_open or found.report is None or found.code is None else found.report
        return replace(found, report=replace(document, sticker=report.sticker), proof=proof, is_held=True)

    def _awaits_document(self, shown: ShownSticker, found: Finding) -> bool:
        """Say whether a sticker was put on after the last day of the newest document: another is to come."""
        document = None if found.report is None else found.report.document
        if found.shown is not Shown.EXPIRED or document is None or document.valid_until is None:
            return False
        put_on = self._find_day(shown)
        return put_on is not None and put_on > document.valid_until

    def _takes_long(self, shown: ShownSticker, found: Finding) -> bool:
        """Say whether a certificate is still to come after more days than one may take without a warning.

        Institutions have 20 working days as a rule; the policy's days, 30 if nobody has changed them, are no fewer,
        and a certificate that comes later has that warning itself.
        """
        put_on = self._find_day(shown)
        return put_on is not None and found.checked_on - put_on > self._policy.lag_warning

    def _find_day(self, shown: ShownSticker) -> date | None:
        """Return the day on which the log took that a sticker was put on, in the policy's zone."""
        return None if shown.since is None else shown.since.astimezone(self._policy.zone).date()

    # --- instruments ----------------------------------------------------------------------------------------

    def of_instrument(self, instrument_id: InstrumentId, part: str | None = None) -> Finding:
        """Return what is known of an instrument, or of a part of one.

        Args:
            instrument_id: 16 bytes, which anybody may have made up.
            part: its id, at most 8 bytes; None: the whole instrument.
        """
        found = self._find(instrument_id, part)
        return replace(found, code=None) if found.is_partial else found

    def _find(self, instrument_id: InstrumentId, part: str | None) -> Finding:
        with self._store.read() as reading:
            place = self._look(reading, instrument_id, part)
        facts = InstrumentFacts(instrument_id, part, is_split=place.is_split)
        parts = self._judge_parts(place)
        found = self._judge_place(place, parts)
        if place.document is not None and found.code is not None:
            facts = replace(facts, is_same=not _is_about(place.document, instrument_id))
        return replace(
            found,
            instrument=facts,
            is_held=place.is_known,
            parts=tuple(
                PartFinding(name, each.shown, *_name_document(each.finding)) for name, each in parts.items()
            ),
        )

    def proof_of_instrument(self, instrument_id: InstrumentId, part: str | None = None) -> ThingProof:
        """Return the bundle of the newest document, or proof that there is none, under the published checkpoint.

        Raises:
            NotFoundError: neither holds of it: the document of the whole does not name the part.
        """
        with self._store.read() as reading:
            place = self._look(reading, instrument_id, part)
        name = encode_hex(instrument_id)
        if place.document is not None:
            bundle = self._verdicts.newest_of_entry(place.document)
            return ThingProof(bundle.raw, f"{name}.bundle.json")
        checkpoint, receipt = find_published(self._prover, self._receipts)
        missing = MissingVerification(instrument_id, part)
        raw = self._stickers.prove_absence(missing, checkpoint, receipt)
        absence = verify_absence_proof(parse_absence_proof(raw), self._session, self._clock())[1]
        if absence is None:
            raise NotFoundError("the document of the whole instrument does not name this part")
        return ThingProof(raw, f"{name}.absence.json", is_held=absence is Absence.NO_VERIFICATION)

    def _look(self, reading: ProofReading, instrument_id: InstrumentId, part: str | None) -> _Place:
        subjects = own, whole, registration, place = (
            instrument_subject(instrument_id, part),
            instrument_subject(instrument_id),
            registration_subject(instrument_id),
            placement_subject(instrument_id, part),
        )
        states = reading.find_states(subjects)
        newest = _read_newest(reading, states.get(whole))
        covered = frozenset() if newest is None else self._list_named(newest)
        document = newest
        if part is not None:
            candidates = [_read_newest(reading, states.get(own)), newest if part in covered else None]
            given = [entry for entry in candidates if entry is not None]
            document = max(given, key=lambda entry: entry.leaf_index, default=None)
        registered = () if part is not None else _read_parts(reading, states.get(registration))
        parts = () if part is not None else tuple(sorted(covered.union(registered)))
        is_known = any(subject in states for subject in (own, whole, registration, place))
        split = _is_split(reading, states.get(own))
        return _Place(
            instrument_id, part, states.get(own), states.get(whole), document, parts, covered, is_known, split
        )

    def _list_named(self, entry: StoredEntry) -> frozenset[str]:
        """Return the parts that a document names; none where its content cannot be read, which its verdict says."""
        digest = parse_leaf(entry.leaf).header.certificate_digest
        try:
            record = parse_certificate(self._prover.read_document(digest)).record
        except (InputError, NotFoundError, ContentWithheldError):
            return frozenset()
        return frozenset(part.id for part in record.instrument.parts)

    def _judge_parts(self, place: _Place) -> dict[str, _Part]:
        """Return how the parts stand, in their order.

        Where nothing verifies the whole, documents of its parts are all that says which parts it has.
        """
        judged: dict[str, _Part] = {}
        waiting = frozenset(place.parts)
        while waiting:
            judged |= {part: self._judge_part(place, part) for part in waiting}
            named = frozenset[str]() if place.document is not None else _list_named(judged.values())
            waiting = named - judged.keys()
        return dict(sorted(judged.items()))

    def _judge_part(self, place: _Place, part: str) -> _Part:
        with self._store.read() as reading:
            subject = instrument_subject(place.instrument_id, part)
            state = reading.find_states([subject]).get(subject)
            standing = stand_part(state, place.own, is_named=part in place.covered)
            own = None if standing.document is None else _read_newest(reading, state)
        if own is not None:
            found = self._verdicts.of_entry(own)
            return _Part(found.shown, found)
        if standing.against is not None:
            return _Part(_AGAINST[standing.against])
        return _Part(Shown.NOT_VERIFIED if standing.is_open else None)

    def _judge_place(self, place: _Place, parts: Mapping[str, _Part]) -> Finding:
        """Return the finding on the heaviest of the newest document and those of the parts."""
        whole = None if place.document is None else self._verdicts.of_entry(place.document)
        found = [] if whole is None else [whole]
        found += [part.finding for part in parts.values() if part.finding is not None]
        if not found:
            return self._judge_without(place)
        worst = min(found, key=lambda each: SEVERITY.index(each.shown))
        said = {part.shown for part in parts.values() if part.finding is None and part.shown is not None}
        is_lacking = whole is None and _has_unverified(parts)
        counted = _HARD & said | ({Shown.NOT_VERIFIED} if is_lacking else set())
        heaviest = find_worst([worst.shown, *counted])
        if heaviest is worst.shown:
            return worst
        if heaviest is Shown.NOT_VERIFIED:
            return self._say_lacking(place, worst)
        return self._overrule(worst, heaviest, is_partial=worst is not whole)

    def _say_lacking(self, place: _Place, found: Finding) -> Finding:
        """Return that nothing verifies the whole, whose sticker's device looks at the documents of its parts."""
        absent = self._judge_without(place)
        proof = absent.proof if absent.shown is Shown.NOT_VERIFIED else None
        return replace(
            absent,
            shown=Shown.NOT_VERIFIED,
            proof=proof,
            code=found.code,
            is_withheld=found.is_withheld,
            is_partial=True,
        )

    def _overrule(self, found: Finding, shown: Shown, *, is_partial: bool) -> Finding:
        """Return a finding without its good word, where what was said of a part since weighs more.

        Args:
            found: on the heaviest of the documents.
            shown: what weighs more.
            is_partial: whether that document is of a part.
        """
        report = found.report
        if report is None:
            return replace(found, shown=shown)
        checks = [_SAID_OF_PART if check.step is Step.STATUS else check for check in report.checks]
        document, note = (None, None) if is_partial else (report.document, report.note)
        report = build_report(checks, None, self._policy, document, complete=False, note=note)
        if not is_partial:
            return replace(found, shown=shown, report=report)
        bare = replace(self._verdicts.nothing(shown), tree_size=found.tree_size, as_of=found.as_of)
        return replace(bare, report=report, code=found.code, is_withheld=found.is_withheld, is_partial=True)

    def _judge_without(self, place: _Place) -> Finding:
        """Return the finding on what no document verifies."""
        checkpoint = self._prover.newest_checkpoint()
        missing = MissingVerification(place.instrument_id, place.part)
        raw = self._stickers.prove_absence(missing, checkpoint, find_receipt(self._receipts, checkpoint))
        report, absence = verify_absence_proof(parse_absence_proof(raw), self._session, self._clock())
        shown = Shown.NOT_VERIFIED
        if absence is Absence.NO_INSTRUMENT:
            self._require_newest()
        if place.own is not None and place.own.status is Status.NEEDS_REVERIFICATION:
            shown = Shown.NEEDS_REVERIFICATION
        elif self._is_unsure(checkpoint):
            shown = Shown.CANNOT_CHECK
        if absence is None:
            return replace(self._found(shown, checkpoint), report=self._say_not_named())
        query = "" if place.part is None else f"?part={quote(place.part, safe='')}"
        path = f"i/{encode_hex(place.instrument_id)}/proof.json{query}"
        return replace(self._found(shown, checkpoint), report=report, proof=path)

    def _say_not_named(self) -> Report:
        check = not_checked(
            Step.STATUS,
            "the document of the whole instrument does not name this part",
            "整机的证书未列出该部件",
        )
        return build_report([check], None, self._policy, None, complete=False)

    # --- both -----------------------------------------------------------------------------------------------

    def _found(self, shown: Shown, checkpoint: StoredCheckpoint) -> Finding:
        return replace(
            self._verdicts.nothing(shown),
            tree_size=checkpoint.tree_size,
            as_of=_signed_at(checkpoint),
        )

    def _is_unsure(self, checkpoint: StoredCheckpoint) -> bool:
        """Say whether what is known may have changed since: others hold more, or the state is too old."""
        return self._is_behind() or self._verdicts.is_stale(checkpoint)

    def _require_newest(self) -> None:
        if self._is_behind():
            raise UnavailableError("this server's records are behind; what it does not hold may exist")


def _read_newest(reading: ProofReading, state: SubjectState | None) -> StoredEntry | None:
    """Return the leaf of the newest verification that a state names."""
    index = None if state is None else state.current_certificate
    return None if index is None else StoredEntry(index, _read_leaf(reading, index))


def _read_leaf(reading: ProofReading, index: LeafIndex) -> bytes:
    return reading.read_leaves(index, index + 1)[0]


def _read_parts(reading: ProofReading, registration: SubjectState | None) -> tuple[str, ...]:
    """Return the parts in use that the newest registration of an instrument names."""
    if registration is None:
        return ()
    leaf = parse_leaf(_read_leaf(reading, registration.last_event))
    try:
        statement = parse_signed_statement(leaf.statement_raw).statement
        if not isinstance(statement.claims, ActClaims):
            return ()
        content = parse_act_content(statement.type, statement.claims.content)
    except InputError as err:
        raise LogIntegrityError(f"leaf {registration.last_event} cannot be read: {err}") from err
    return content.parts if isinstance(content, InstrumentContent) else ()


def _is_split(reading: ProofReading, state: SubjectState | None) -> bool:
    if state is None:
        return False
    header = parse_leaf(_read_leaf(reading, state.last_event)).header
    return header.type is EventType.INSTRUMENT_SPLIT


def _is_about(entry: StoredEntry, instrument_id: InstrumentId) -> bool:
    claims = parse_signed_statement(parse_leaf(entry.leaf).statement_raw).statement.claims
    return isinstance(claims, IssueClaims) and claims.instrument_id == instrument_id


def _list_named(parts: Iterable[_Part]) -> frozenset[str]:
    """Return the parts that documents of parts name."""
    found = (part.finding.details for part in parts if part.finding is not None)
    return frozenset(part.id for each in found if each is not None for part in each.record.instrument.parts)


def _has_unverified(parts: Mapping[str, _Part]) -> bool:
    """Say whether documents of parts name another part that none verifies: they do not verify the whole then."""
    return any(parts[name].shown is Shown.NOT_VERIFIED for name in _list_named(parts.values()))


def _name_document(found: Finding | None) -> tuple[date | None, ShortCode | None]:
    """Return the last day of a part's own document, None where it is withheld, and its code."""
    document = None if found is None or found.report is None or found.is_withheld else found.report.document
    return None if document is None else document.valid_until, None if found is None else found.code


def _signed_at(checkpoint: StoredCheckpoint) -> datetime:
    return _EPOCH + timedelta(milliseconds=checkpoint.signed_at_ms)
