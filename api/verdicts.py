"""What this server has to say of a printed code: the verifier's steps over the bundle it would hand out.

The steps are the verifier's, with this home's policy; the server only looks up. The bundle that it hands out is
under the newest anchor; how the document stands now is proved by the status map under the newest checkpoint. No
chain is asked while somebody waits.

>>> Verdicts(store, prover, receipts, policy, clock).of_code(parse_code("Y0E5-Q0BV-PKA4-86WB")).shown
<Shown.VALID: 'VALID'>
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol

from api.choosing import GOOD, choose_shown, choose_unlogged, choose_withheld, doubt_status
from api.details import Details
from api.ended import Ended, find_ended
from api.replacing import Replacing, describe_replacing, find_replacing
from api.shown import Shown
from ledger.bundling import ReceiptFinding, find_checkpoint, find_published, find_receipt
from ledger.core.absence_proof import MissingCertificate, parse_absence_proof
from ledger.core.anchor import AnchorReceipt
from ledger.core.bundle import ProofBundle, parse_bundle
from ledger.core.calendar_rules import ValidityKind
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import (
    ContentWithheldError,
    InputError,
    LogIntegrityError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ledger.core.event import certificate_subject, instrument_subject, lot_subject
from ledger.core.fold import find_subject
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId, LeafIndex, TreeSize
from ledger.core.policy import Policy
from ledger.core.qr import ShortCode, compute_code, encode_digits
from ledger.core.record import Record
from ledger.core.register_fields import Name
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.step import Step
from ledger.core.trust import TrustList
from ledger.history import History, read_history
from ledger.proving import ProofStore, Prover
from ledger.sticker_proving import StickerProver
from ledger.store.records import StoredCheckpoint, StoredEntry
from verifier.absence_proof import verify_absence_proof
from verifier.checks import find_stated_status
from verifier.newest import bring_up_to_date
from verifier.report import (
    DocumentStatus,
    Report,
    build_report,
    find_heaviest,
    report_members,
)
from verifier.session import Session
from verifier.verify import verify_bundle, verify_statement_alone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PartFinding:
    """How one part of an instrument stands."""

    part: str
    shown: Shown | None
    """None: the document of the whole covers it, and nothing stands against it."""
    until: date | None = None
    """Last day of its own document."""
    code: ShortCode | None = None
    """Names its own document."""


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """Which instrument was asked for, and what is said of its identity."""

    id: InstrumentId
    """16 bytes."""
    part: str | None
    is_same: bool = False
    """The document is about another registration, of what turned out to be the same instrument."""
    is_split: bool = False
    """The last that was said: it is several instruments."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one document, sticker or instrument on one day."""

    shown: Shown
    checked_on: date
    """In the policy's zone."""
    tree_size: int = 0
    as_of: datetime | None = None
    """When the log signed the state that was looked at, aware UTC."""
    validity_kind: ValidityKind | None = None
    report: Report | None = None
    code: ShortCode | None = None
    """Names the document's statement; None where it is not in the ledger."""
    newer: ShortCode | None = None
    """Names the newer document of the same instrument."""
    replacing: Replacing | None = None
    """What took the document's place, where one did; None as well where its instrument was verified anew."""
    ended: Ended | None = None
    """What has ended since of the authority behind it; looked up where a step warns."""
    details: Details | None = None
    """What a page shows below the verdict; None where the evidence does not hold or the content is withheld."""
    is_withheld: bool = False
    """Whether the law withholds the document's content: nothing of it was checked but its statement."""
    is_partial: bool = False
    """Whether the document is of a part and does not stand for the whole that was asked for: no field is shown,
    and `code` only tells a device which files to check."""
    is_held: bool = False
    """Whether the log holds the sticker, or the instrument, that was asked for."""
    instrument: InstrumentFacts | None = None
    """Where an instrument, or a sticker on one, was asked for."""
    parts: tuple[PartFinding, ...] = ()
    """Of the whole instrument."""
    proof: str | None = None
    """Path of the file that shows all this, where it is not the document's bundle."""
    overdue_after: timedelta | None = None
    """Set where a certificate that is being issued takes longer than this, counted from the sticker's entry."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A proof bundle as it is handed out."""

    raw: bytes
    code: ShortCode


class ReceiptReading(ReceiptFinding, Protocol):
    """Where leaves are anchored, and how many are."""

    def newest_size(self) -> TreeSize:
        """Return how many leaves are anchored."""
        ...

    def list_all(self) -> Sequence[AnchorReceipt]:
        """Return the receipt of every final anchor, oldest first."""
        ...


class Verdicts:
    """Looks documents up and verifies them. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, and `LogIntegrityError` when what it
    holds cannot even be read.
    """

    def __init__(
        self,
        store: ProofStore,
        prover: Prover,
        receipts: ReceiptReading,
        policy: Policy,
        clock: Callable[[], datetime],
        is_behind: Callable[[], bool] | None = None,
    ) -> None:
        """Take what looking up and verifying need.

        Args:
            store: where the log lives.
            prover: over the same store.
            receipts: over the same store.
            policy: what this home's verifiers believe.
            clock: returns the time, aware UTC.
            is_behind: says whether others hold more of this log than this server does, or another log. What it
                says of a document may be out of date then: nothing is green, and nothing is "not found".
        """
        self._store = store
        self._prover = prover
        self._receipts = receipts
        self._policy = policy
        self._clock = clock
        self._is_behind = is_behind or (lambda: False)
        self._session = Session(policy, load_rule_book(), None)
        self._stickers = StickerProver(store, prover)

    def read_state(self) -> tuple[TreeSize, TreeSize, tuple[TreeSize, bytes] | None, bool, datetime]:
        """Return what answers depend on: leaves, published ones, newest anchor, whether others hold more, minute.

        How old a status is, is said in minutes at the finest; a day begins with one of them.
        """
        minute = self._clock().replace(second=0, microsecond=0)
        receipt = self._receipts.find(LeafIndex(0))
        anchor = None if receipt is None else (receipt.tree_size, receipt.block_hash)
        newest, published = self._prover.newest_checkpoint(), self._prover.published_checkpoint()
        return newest.tree_size, published.tree_size, anchor, self._is_behind(), minute

    def count_withheld(self) -> int:
        """Return how many documents the law withholds."""
        with self._store.read() as reading:
            return reading.count_withheld()

    def of_statement(self, raw: bytes) -> Finding:
        """Return what is known of the statement that a long code carries.

        Raises:
            NotFoundError: it is no statement of a known institution about a certificate.
        """
        try:
            entry = self._prover.find_statement(raw)
        except NotFoundError:
            self._require_newest()
            return self._judge_unlogged(raw)
        return self._judge(entry)

    def of_code(self, code: ShortCode) -> Finding:
        """Return what is known of the document that a short code names.

        Raises:
            NotFoundError: none has this code.
        """
        try:
            return self._judge(self._prover.find_code(code))
        except NotFoundError:
            self._require_newest()
            raise

    def of_number(
        self, institutions: Sequence[InstitutionId], number: CertificateNumber
    ) -> dict[InstitutionId, Finding]:
        """Return what is known of the documents that these institutions gave this number."""
        with self._store.read() as reading:
            found = {institution: reading.find_issue(institution, number) for institution in institutions}
        if None in found.values():
            self._require_newest()
        return {institution: self._judge(entry) for institution, entry in found.items() if entry is not None}

    def of_entry(self, entry: StoredEntry) -> Finding:
        """Return what is known of the document that a leaf issues."""
        return self._judge(entry)

    def newest_of_code(self, code: ShortCode) -> Bundle:
        """Return the document's bundle under the newest published checkpoint; raises as `of_code`."""
        return self.newest_of_entry(self._prover.find_code(code))

    def newest_of_entry(self, entry: StoredEntry) -> Bundle:
        """Return the bundle, under the newest published checkpoint, of the document that a leaf issues."""
        checkpoint = self._prover.checkpoint_over(entry.leaf_index)
        receipt = find_receipt(self._receipts, checkpoint)
        (raw,) = self._prover.bundles([entry.leaf_index], checkpoint, receipt, self._receipts)
        return Bundle(raw, compute_code(parse_leaf(entry.leaf).statement_raw))

    def absence_of_statement(self, raw: bytes) -> bytes:
        """Return proof that the ledger has no certificate such as a statement names, as of the published state.

        Raises:
            NotFoundError: it is no statement about a certificate, or the ledger has that certificate.
        """
        checkpoint, receipt = find_published(self._prover, self._receipts)
        missing = _find_missing(raw)
        file = self._stickers.prove_absence(missing, checkpoint, receipt)
        if verify_absence_proof(parse_absence_proof(file), self._session, self._clock())[1] is None:
            raise NotFoundError("the ledger has a certificate of this number")
        return file

    def bundle_of_statement(self, raw: bytes) -> Bundle:
        """Return the bundle of a statement; raises as `of_code`."""
        return self._prove(self._prover.find_statement(raw))

    def bundle_of_code(self, code: ShortCode) -> Bundle:
        """Return the bundle of the document that a short code names; raises as `of_code`."""
        return self._prove(self._prover.find_code(code))

    def certificate_of_code(self, code: ShortCode) -> bytes:
        """Return the published bytes of the document that a short code names; raises as `of_code`.

        Raises:
            ContentWithheldError: the law withholds them.
        """
        leaf = parse_leaf(self._prover.find_code(code).leaf)
        return self._prover.read_document(leaf.header.certificate_digest)

    def history_of(self, finding: Finding) -> tuple[History, Mapping[str, Name]]:
        """Return what has happened to the instrument of a finding, and what those who speak in it are called."""
        if finding.details is None:
            return History((), is_cut=False), {}
        return self.history_about(finding.details)

    def history_about(self, details: Details) -> tuple[History, Mapping[str, Name]]:
        """Return the same of the instrument of a document."""
        instrument = details.record.instrument
        parts = [part.id for part in instrument.parts]
        with self._store.read() as reading:
            history = read_history(reading, instrument.id, details.part, parts)
        speakers = {happening.signed.statement.issuer for happening in history.happenings}
        names = {speaker: self._prover.find_name(speaker) for speaker in sorted(speakers)}
        return history, {speaker: name for speaker, name in names.items() if name is not None}

    def replacing_of(self, record: Record, shown: Shown) -> Replacing | None:
        """Return what took the place of a document that is shown so; None: nothing did.

        Raises:
            LogIntegrityError: the document that took its place cannot be read.
        """
        if shown is not Shown.SUPERSEDED:
            return None
        return find_replacing(self._store, self._prover, record.issuer.id, record.number)

    def is_stale(self, checkpoint: StoredCheckpoint) -> bool:
        """Say whether a state is older than the policy lets any status be, so that it shows no absence."""
        most = self._policy.max_status_age
        return most is not None and self._clock() - _signed_at(checkpoint) > most

    def is_unsure(self) -> bool:
        """Say whether what is known may have changed since: others hold more, or the newest state is too old."""
        return self._is_behind() or self.is_stale(self._prover.newest_checkpoint())

    def nothing(self, shown: Shown) -> Finding:
        """Return the finding where nothing is known."""
        return Finding(shown, self._today())

    def describe(self, finding: Finding) -> dict[str, Any]:
        """Return a finding as JSON members: those of the verifier's report, and what this server adds."""
        members = {} if finding.report is None else report_members(finding.report)
        if finding.is_withheld:
            members.pop("document", None)
        members |= {"shown": finding.shown.value, "checked_on": finding.checked_on.isoformat()}
        if finding.as_of is not None:
            signed_at = encode_instant(finding.as_of)
            members["as_of"] = {"tree_size": finding.tree_size, "signed_at": signed_at}
        codes = {"code": finding.code, "newer": finding.newer, "proof": finding.proof}
        members |= {name: code for name, code in codes.items() if code is not None}
        if finding.replacing is not None:
            members["replaced_by"] = describe_replacing(finding.replacing)
        return members | _describe_instrument(finding)

    def _require_newest(self) -> None:
        """Refuse to say "not found" where others hold what this server does not.

        Raises:
            UnavailableError: they do.
        """
        if self._is_behind():
            raise UnavailableError("this server's records are behind; what it does not hold may exist")

    def _today(self) -> date:
        return self._clock().astimezone(self._policy.zone).date()

    def _prove(self, entry: StoredEntry) -> Bundle:
        checkpoint, receipt = find_checkpoint(self._prover, self._receipts, entry.leaf_index)
        raw = self._prover.bundles([entry.leaf_index], checkpoint, receipt, self._receipts)[0]
        return Bundle(raw, compute_code(parse_leaf(entry.leaf).statement_raw))

    def _judge(self, entry: StoredEntry) -> Finding:
        try:
            return self._judge_bundle(entry, self._prove(entry))
        except ContentWithheldError:
            return self._judge_withheld(entry)

    def _judge_bundle(self, entry: StoredEntry, bundle: Bundle) -> Finding:
        checkpoint = self._prover.newest_checkpoint()
        try:
            parsed = parse_bundle(bundle.raw)
            report = verify_bundle(parsed, self._session, self._clock())
            if parsed.checkpoint != checkpoint.note:
                newest = parse_bundle(
                    self._prover.bundles([entry.leaf_index], checkpoint, None, self._receipts)[0]
                )
                now = verify_bundle(newest, self._session, self._clock())
                report = bring_up_to_date(report, now, self._policy)
            is_behind = self._is_behind()
            if is_behind:
                report = doubt_status(report, self._policy)
        except InputError as err:
            raise LogIntegrityError(f"leaf {entry.leaf_index} or its document cannot be read: {err}") from err
        shown = choose_shown(report, self._policy)
        record = parsed.certificate.record
        replacing = self.replacing_of(record, shown)
        return Finding(
            shown=Shown.CANNOT_CHECK if is_behind and shown in GOOD else shown,
            checked_on=self._today(),
            tree_size=checkpoint.tree_size,
            as_of=_signed_at(checkpoint),
            validity_kind=record.validity.kind,
            report=report,
            code=bundle.code,
            newer=self._find_newer(entry) or (None if replacing is None else replacing.code),
            replacing=replacing,
            ended=find_ended(self._store, record) if _is_doubted(report) else None,
            details=find_details(parsed, self._session) if report.authentic else None,
        )

    def _judge_withheld(self, entry: StoredEntry) -> Finding:
        """Say of a document without its content what its statement and the newest states say."""
        leaf = parse_leaf(entry.leaf)
        raw = leaf.statement_raw
        checkpoint = self._prover.newest_checkpoint()
        try:
            alone = self._check_alone(raw, checkpoint)
        except InputError as err:
            raise LogIntegrityError(f"leaf {entry.leaf_index} cannot be read: {err}") from err
        status = find_heaviest(self._find_stated(leaf), alone.status)
        report = build_report(alone.checks, status, self._policy, alone.document, complete=False)
        shown = choose_withheld(report)
        return Finding(
            shown=Shown.CANNOT_CHECK if self._is_behind() and shown in GOOD else shown,
            checked_on=self._today(),
            tree_size=checkpoint.tree_size,
            as_of=_signed_at(checkpoint),
            report=report,
            code=compute_code(raw),
            newer=self._find_newer(entry),
            is_withheld=True,
        )

    def _find_stated(self, leaf: Leaf) -> DocumentStatus | None:
        """Return what the newest states say of a withheld document, its instrument, and its parts or whole."""
        statement = parse_signed_statement(leaf.statement_raw).statement
        claims, issuer = statement.claims, InstitutionId(statement.issuer)
        if not isinstance(claims, IssueClaims):
            return None
        document = certificate_subject(issuer, claims.number)
        instrument = instrument_subject(claims.instrument_id, claims.part)
        lot = [] if claims.lot is None else [lot_subject(issuer, claims.lot)]
        with self._store.read() as reading:
            withheld = reading.find_withheld(leaf.header.certificate_digest)
            related = [] if withheld is None else withheld.list_related()
            states = reading.find_states([document, instrument, *lot, *related])
        said = next((states[each] for each in lot if each in states), None)
        relatives = [states[each] for each in related if each in states]
        return find_stated_status(states[document], states[instrument], said, claims.kind, relatives)

    def _find_newer(self, entry: StoredEntry) -> ShortCode | None:
        """Return the code of the instrument's newest document, if this is not it."""
        statement = parse_signed_statement(parse_leaf(entry.leaf).statement_raw).statement
        if isinstance(statement.claims, IssueClaims) and not statement.claims.is_verification:
            return None  # the instrument's newest verification is no newer edition of this
        subject = find_subject(statement)
        with self._store.read() as reading:
            state = reading.find_states([subject]).get(subject)
            newest = None if state is None else state.current_certificate
            if state is None or newest is None or newest == entry.leaf_index:
                return None
            leaf = reading.read_leaves_at([newest])[newest]
        return compute_code(parse_leaf(leaf).statement_raw)

    def _judge_unlogged(self, raw: bytes) -> Finding:
        """Check a statement that the log does not hold, with what the log knows of its institution.

        Raises:
            NotFoundError: not a statement about a certificate, or of nobody who is known here.
        """
        missing, checkpoint = _find_missing(raw), self._prover.newest_checkpoint()
        report = self._check_unlogged(raw, checkpoint)
        shown = Shown.NOT_FOUND if report is None else choose_unlogged(report)
        absence = None if shown is Shown.TAMPERED else self._find_absence(missing, checkpoint)
        if shown is Shown.NOT_FOUND and absence is not None:
            shown, report = Shown.NEVER_GIVEN_OUT, absence
            if self.is_stale(checkpoint):
                shown = Shown.CANNOT_CHECK
        if report is None:
            raise NotFoundError(f"institution {missing.issuer} is not registered in this ledger")
        return Finding(
            shown=shown,
            checked_on=self._today(),
            tree_size=checkpoint.tree_size,
            as_of=_signed_at(checkpoint),
            report=report,
            proof=None if absence is None else f"q/{encode_digits(raw)}/absence.json",
        )

    def _check_unlogged(self, raw: bytes, checkpoint: StoredCheckpoint) -> Report | None:
        try:
            return self._check_alone(raw, checkpoint)
        except NotFoundError:
            return None

    def _find_absence(self, missing: MissingCertificate, checkpoint: StoredCheckpoint) -> Report | None:
        """Return the report on the proof that the ledger has no such certificate; None: it has one."""
        receipt = find_receipt(self._receipts, checkpoint)
        file = self._stickers.prove_absence(missing, checkpoint, receipt)
        report, absence = verify_absence_proof(parse_absence_proof(file), self._session, self._clock())
        return None if absence is None else report

    def _check_alone(self, raw: bytes, checkpoint: StoredCheckpoint) -> Report:
        """Check a statement by itself, with what the log knows of its institution.

        Raises:
            InputError: not a statement about a certificate.
            NotFoundError: of nobody who is known here.
        """
        issuer = InstitutionId(parse_signed_statement(raw).statement.issuer)
        evidence = self._prover.evidence(issuer, checkpoint.tree_size)
        trust = TrustList(self._policy.origin, checkpoint.note, evidence)
        session = Session(self._policy, self._session.rule_book, trust)
        return verify_statement_alone(raw, session, self._clock())


def find_details(bundle: ProofBundle, session: Session) -> Details:
    """Return what stands in a bundle that holds."""
    try:
        checkpoint = session.open_checkpoint(bundle.checkpoint)
        registers = session.open_evidence(bundle, checkpoint)[1].registers
    except (InputError, VerificationError):
        registers = None
    claims = parse_signed_statement(bundle.statement_raw).statement.claims
    part = claims.part if isinstance(claims, IssueClaims) else None
    return Details(bundle.certificate.record, part, bundle.leaf_index, bundle.receipt, registers)


def _is_doubted(report: Report) -> bool:
    """Say whether something that was registered since speaks against the authority behind a document."""
    return any(check.step is Step.SCOPE and check.warning for check in report.checks)


def _find_missing(raw: bytes) -> MissingCertificate:
    """Return which certificate a statement is about.

    Raises:
        NotFoundError: none.
    """
    try:
        statement = parse_signed_statement(raw).statement
    except InputError as err:
        raise NotFoundError(f"this is no statement about a certificate: {err}") from err
    if not isinstance(statement.claims, IssueClaims):
        raise NotFoundError("this is a statement, and not about a certificate")
    return MissingCertificate(InstitutionId(statement.issuer), statement.claims.number)


def _describe_instrument(finding: Finding) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if finding.instrument is not None:
        facts = finding.instrument
        members["instrument"] = {"id": encode_hex(facts.id)} | _keep(
            {
                "part": facts.part,
                "is_same": facts.is_same or None,
                "is_split": facts.is_split or None,
            }
        )
    if finding.parts:
        members["parts"] = [_describe_part(each) for each in finding.parts]
    return members


def _describe_part(each: PartFinding) -> dict[str, Any]:
    until = None if each.until is None else each.until.isoformat()
    shown = None if each.shown is None else each.shown.value
    return {"part": each.part} | _keep({"shown": shown, "until": until, "code": each.code})


def _keep(members: dict[str, Any]) -> dict[str, Any]:
    """Return members without those that are absent."""
    return {name: value for name, value in members.items() if value is not None}


def _signed_at(checkpoint: StoredCheckpoint) -> datetime:
    return _EPOCH + timedelta(milliseconds=checkpoint.signed_at_ms)
