"""The fold: what every leaf does to the state of its subjects, and who may do it.

An event takes effect only if its key is registered and active at its own index, its signer has the power for
it, and the subject's version is the one it expects. Any other well-formed leaf is VOID: it stays provable and
changes nothing. The fold is a pure function of the leaves in their order, so that replaying gives the same
states everywhere.

Institutions, keys, authorities and scope lines are few and live in `Registers`, in memory; instruments and
certificates are many and are read through `StateView`. What a certificate is about stands in the header of its
issue, which acts look up through `IssueSubjects`.

>>> outcome = judge_event(signed, index, sequenced_at, registers, view)
>>> isinstance(outcome, Effect)
True
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Final

from ledger.core.act import Act, find_decision_fault, parse_act
from ledger.core.authority import (
    ROOT_ISSUER,
    AuthorityContent,
    InstitutionContent,
    KeyContent,
    Power,
    RegisterContent,
    RegisterState,
    RootContent,
    ScopeContent,
    parse_content,
)
from ledger.core.entry import NO_CERTIFICATE, LeafHeader
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.event import (
    EventType,
    SubjectKind,
    certificate_subject,
    compute_subject,
    instrument_subject,
    scope_subject,
)
from ledger.core.ids import Digest, InstitutionId, KeyId, LeafIndex, Subject
from ledger.core.signature import PublicKey, verify_signature
from ledger.core.statement import (
    ActClaims,
    Conclusion,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    Statement,
    compute_endorsed_bytes,
    verify_statement,
)


class Status(IntEnum):
    """Status of a subject after an event; one byte in the leaf header and in the map."""

    VALID = 1
    FAILED = 2
    SUPERSEDED = 3
    CANCELLED = 4
    WITHDRAWN = 5
    SUSPENDED = 6
    NEEDS_REVERIFICATION = 7
    ACTIVE = 16
    INACTIVE = 17
    VOID = 255


@dataclass(frozen=True, slots=True)
class SubjectState:
    """Newest state of one subject."""

    status: Status
    version: int
    last_event: LeafIndex
    current_certificate: LeafIndex | None


StateView = Callable[[Subject], SubjectState | None]
"""Looks a subject up; None if nothing has happened to it yet."""

IssueSubjects = Callable[[LeafIndex], Subject]
"""Looks up the subject in the header of an earlier issue: the instrument, or the part, that it is about."""


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key and the leaf indices between which it counts."""

    key: PublicKey
    owner: str
    """Institution or authority id, or ROOT."""
    since: LeafIndex
    until: LeafIndex | None = None
    """First index at which it no longer counts."""

    def is_active_at(self, index: int) -> bool:
        """Tell whether a statement at this index may be signed with the key."""
        return self.since <= index and (self.until is None or index < self.until)


@dataclass(slots=True)
class Registers:
    """What the register events have established so far; mutable, owned by one fold."""

    root: RootContent | None = None
    authorities: dict[str, AuthorityContent] = field(default_factory=dict)
    institutions: dict[InstitutionId, InstitutionContent] = field(default_factory=dict)
    scopes: dict[tuple[InstitutionId, str], ScopeContent] = field(default_factory=dict)
    keys: dict[KeyId, RegisteredKey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does: new states, and the change to the registers if it is a register event."""

    subject: Subject
    prev: LeafIndex | None
    changes: Mapping[Subject, SubjectState]
    apply: Callable[[Registers], None] | None = None

    @property
    def state(self) -> SubjectState:
        """Return the new state of the event's own subject."""
        return self.changes[self.subject]


@dataclass(frozen=True, slots=True)
class Void:
    """Why a leaf has no effect."""

    subject: Subject
    reason: str


VerifyStatement = Callable[[SignedStatement, PublicKey, str], None]
"""As `statement.verify_statement`: raises `BrokenSignatureError` unless this key signed for this log."""


class _NoEffectError(Exception):
    """Ends the judging of an event; its text is the reason."""


def refuse_acts(_: LeafIndex) -> Subject:
    """Give acts no effect: the `IssueSubjects` of folds that hold no issues."""
    raise _NoEffectError("acts are not judged here")


_POWERS: Final = {
    EventType.INSTITUTION: Power.INSTITUTION,
    EventType.KEY: Power.KEY,
    EventType.SCOPE: Power.SCOPE,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """What an act does to the status of a certificate."""

    before: frozenset[Status]
    """From any other status it has no effect."""
    after: Status


TRANSITIONS: Final[Mapping[EventType, Transition]] = {
    EventType.WITHDRAW: Transition(
        frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED}), Status.WITHDRAWN
    ),
    EventType.CANCEL: Transition(frozenset({Status.VALID, Status.SUSPENDED}), Status.CANCELLED),
    EventType.SUSPEND: Transition(frozenset({Status.VALID}), Status.SUSPENDED),
    EventType.REINSTATE: Transition(frozenset({Status.SUSPENDED, Status.CANCELLED}), Status.VALID),
}
"""The acts on certificates; what was withdrawn stays withdrawn. REVERIFY_NEEDED is about the instrument."""

INSTITUTION_ACTS: Final = frozenset({EventType.WITHDRAW, EventType.SUSPEND, EventType.REVERIFY_NEEDED})
"""What an institution may do to its own certificates and the instruments that they are the newest of."""

AUTHORITY_ACTS: Final = frozenset(
    {EventType.CANCEL, EventType.SUSPEND, EventType.REINSTATE, EventType.REVERIFY_NEEDED}
)
"""What an authority may do to the certificates of the institutions in its region."""


def judge_signed_event(
    signed: SignedStatement,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects = refuse_acts,
    verify: VerifyStatement = verify_statement,
) -> Effect | Void:
    """Verify the statement's signature and say what its leaf does at this index.

    Args:
        signed: the statement.
        index: the leaf's index; also decides which keys are active.
        sequenced_at: the header's time, aware UTC; only ever narrows an authority's period.
        registers: state after the leaves before `index`; not changed.
        view: states of instruments and certificates after the leaves before `index`.
        issues: subjects of the issues before `index`.
        verify: for who has verified signatures ahead.
    """
    known = registers.keys.get(signed.key_id)
    if signed.statement.type is EventType.ROOT:
        return judge_event(signed, index, sequenced_at, registers, view, issues)
    if known is None or registers.root is None:
        return Void(find_subject(signed.statement), "the key is not registered")
    try:
        verify(signed, known.key, registers.root.origin)
    except BrokenSignatureError as err:
        return Void(find_subject(signed.statement), str(err))
    return judge_event(signed, index, sequenced_at, registers, view, issues)


def judge_event(
    signed: SignedStatement,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects = refuse_acts,
) -> Effect | Void:
    """As `judge_signed_event`, for a statement whose signature has been verified already."""
    statement = signed.statement
    try:
        match statement.claims:
            case IssueClaims() as claims:
                return _judge_issue(statement, claims, signed.key_id, index, registers, view)
            case ActClaims() as claims:
                act = parse_act(claims.content)
                _check_actor(signed, act, index, sequenced_at, registers)
                return _judge_act(statement, act, index, view, issues)
            case RegisterClaims() as claims:
                return _judge_register(signed, claims, index, sequenced_at, registers, view)
    except (_NoEffectError, InputError, BrokenSignatureError) as err:
        return Void(find_subject(statement), str(err))


def find_subject(statement: Statement) -> Subject:
    """Return the subject that a leaf's header names for this statement.

    An act or a register statement whose content cannot be read is about nothing but that content.
    """
    claims = statement.claims
    if isinstance(claims, IssueClaims):
        return instrument_subject(claims.instrument_id, claims.part)
    try:
        if isinstance(claims, ActClaims):
            return parse_act(claims.content).subject
        return _register_subject(parse_content(statement.type, claims.content))
    except InputError:
        return compute_subject(SubjectKind.UNREADABLE, claims.content)


def list_touched(statement: Statement) -> tuple[Subject, ...]:
    """Return every subject whose state a statement changes if it takes effect, its own first.

    A document touches its instrument, or the part of it, and itself, and so does an act on a document; a register
    event only what it registers.
    """
    claims, own = statement.claims, find_subject(statement)
    if isinstance(claims, IssueClaims):
        return own, certificate_subject(InstitutionId(statement.issuer), claims.number)
    if isinstance(claims, ActClaims) and statement.type in TRANSITIONS:
        with suppress(InputError):
            return own, parse_act(claims.content).certificate
    return (own,)


def build_header(signed: SignedStatement, outcome: Effect | Void, sequenced_at_ms: int) -> LeafHeader:
    """Return the header that the log writes before this statement, given what the fold says of it."""
    claims = signed.statement.claims
    certificate = claims.certificate_digest if isinstance(claims, IssueClaims) else NO_CERTIFICATE
    common = (len(signed.raw), Digest(certificate), signed.digest)
    if isinstance(outcome, Void):
        return LeafHeader(
            signed.statement.type, Status.VOID, sequenced_at_ms, outcome.subject, None, 0, *common
        )
    state = outcome.state
    return LeafHeader(
        signed.statement.type,
        state.status,
        sequenced_at_ms,
        outcome.subject,
        outcome.prev,
        state.version,
        *common,
    )


def _judge_issue(
    statement: Statement,
    claims: IssueClaims,
    key_id: KeyId,
    index: LeafIndex,
    registers: Registers,
    view: StateView,
) -> Effect:
    institution = _check_institution(statement.issuer, key_id, index, registers)
    document = certificate_subject(institution.id, claims.number)
    if view(document) is not None:
        raise _NoEffectError(f"number {claims.number} is taken")
    subject = instrument_subject(claims.instrument_id, claims.part)
    before = view(subject)
    _check_version(statement, before)
    status = Status.VALID if claims.conclusion is Conclusion.PASS else Status.FAILED
    after = SubjectState(status, statement.expected_version + 1, index, index)
    prev = None if before is None else before.last_event
    return Effect(subject, prev, {subject: after, document: SubjectState(status, 1, index, index)})


def _judge_act(
    statement: Statement, act: Act, index: LeafIndex, view: StateView, issues: IssueSubjects
) -> Effect:
    certificate, instrument = _find_named(act, view, issues)
    _check_version(statement, instrument)
    is_current = instrument.current_certificate == certificate.current_certificate
    changes: dict[Subject, SubjectState] = {}
    if statement.type is EventType.REVERIFY_NEEDED:
        if not is_current:
            raise _NoEffectError(f"certificate {act.number} is not the newest of its instrument")
        failed = instrument.status is Status.FAILED
        status = Status.FAILED if failed else Status.NEEDS_REVERIFICATION
    else:
        after = _find_status_after(statement.type, act, certificate.status)
        changes[act.certificate] = _follow(certificate, after, index)
        keeps = not is_current or instrument.status is Status.NEEDS_REVERIFICATION
        status = instrument.status if keeps else after
    changes[act.subject] = _follow(instrument, status, index)
    return Effect(act.subject, instrument.last_event, changes)


def _find_named(act: Act, view: StateView, issues: IssueSubjects) -> tuple[SubjectState, SubjectState]:
    """Return the states of certificate and instrument that an act names, if they belong together."""
    certificate, instrument = view(act.certificate), view(act.subject)
    if certificate is None or certificate.current_certificate is None:
        raise _NoEffectError(f"institution {act.issuer} has no certificate {act.number}")
    if instrument is None or issues(certificate.current_certificate) != act.subject:
        raise _NoEffectError(f"certificate {act.number} is about another instrument")
    return certificate, instrument


def _find_status_after(event_type: EventType, act: Act, before: Status) -> Status:
    transition = TRANSITIONS[event_type]
    if before not in transition.before:
        raise _NoEffectError(
            f"certificate {act.number} is {before.name}: {event_type.name} does not follow that"
        )
    return transition.after


def _follow(before: SubjectState, status: Status, index: LeafIndex) -> SubjectState:
    return SubjectState(status, before.version + 1, index, before.current_certificate)


def _check_actor(
    signed: SignedStatement, act: Act, index: LeafIndex, sequenced_at: datetime, registers: Registers
) -> None:
    """Require that who speaks may do this to certificates of this institution."""
    statement = signed.statement
    by_authority = statement.issuer in registers.authorities
    if statement.type not in (AUTHORITY_ACTS if by_authority else INSTITUTION_ACTS):
        who = "an authority" if by_authority else "an institution"
        raise _NoEffectError(f"{statement.type.name} is not for {who}")
    if by_authority:
        issuer = registers.institutions.get(act.issuer)
        if issuer is None:
            raise _NoEffectError(f"institution {act.issuer} is not registered")
        _check_power(signed, Power.CERTIFICATE, [issuer.division], index, sequenced_at, registers)
    else:
        _check_institution(signed.statement.issuer, signed.key_id, index, registers)
        if statement.issuer != act.issuer:
            raise _NoEffectError(f"certificate {act.number} is of {act.issuer}, not of {statement.issuer}")
    fault = find_decision_fault(statement.type, act, by_authority=by_authority)
    if fault is not None:
        raise _NoEffectError(fault)


def _check_institution(
    issuer: str, key_id: KeyId, index: LeafIndex, registers: Registers
) -> InstitutionContent:
    institution = registers.institutions.get(InstitutionId(issuer))
    if institution is None or institution.state is not RegisterState.ACTIVE:
        raise _NoEffectError(f"institution {issuer} is not registered or not active")
    _check_key(registers, key_id, issuer, index)
    return institution


def _judge_register(
    signed: SignedStatement,
    claims: RegisterClaims,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
) -> Effect:
    statement = signed.statement
    content = parse_content(statement.type, claims.content)
    subject = _register_subject(content)
    before = view(subject)
    _check_version(statement, before)
    if isinstance(content, RootContent):
        _check_root(signed, claims, content, index)
    elif isinstance(content, AuthorityContent):
        _check_authority(signed, claims, content, index, registers)
    else:
        _check_delegated(signed, claims, content, index, sequenced_at, registers)
    active = isinstance(content, RootContent) or content.state is RegisterState.ACTIVE
    state = SubjectState(
        Status.ACTIVE if active else Status.INACTIVE, statement.expected_version + 1, index, None
    )
    prev = None if before is None else before.last_event
    return Effect(subject, prev, {subject: state}, lambda target: _apply_content(target, content, index))


def _register_subject(content: RegisterContent) -> Subject:
    match content:
        case RootContent():
            return compute_subject(SubjectKind.ROOT, b"")
        case AuthorityContent():
            return compute_subject(SubjectKind.AUTHORITY, content.id.encode())
        case InstitutionContent():
            return compute_subject(SubjectKind.INSTITUTION, content.id.encode())
        case KeyContent():
            return compute_subject(SubjectKind.KEY, content.key.multikey_bytes)
        case ScopeContent():
            return scope_subject(content.institution, content.id)


def _check_version(statement: Statement, before: SubjectState | None) -> None:
    version = 0 if before is None else before.version
    if statement.expected_version != version:
        raise _NoEffectError(
            f"expects version {statement.expected_version} of its subject, which is at version {version}"
        )


def _check_key(registers: Registers, key_id: KeyId, owner: str, index: LeafIndex) -> RegisteredKey:
    known = registers.keys.get(key_id)
    if known is None or known.owner != owner:
        raise _NoEffectError(f"the key is not registered for {owner}")
    if not known.is_active_at(index):
        raise _NoEffectError("the key is not active at this index")
    return known


def _check_root(
    signed: SignedStatement, claims: RegisterClaims, content: RootContent, index: LeafIndex
) -> None:
    if index != 0:
        raise _NoEffectError("ROOT is leaf 0 and no other")
    if content.version != 1 or signed.statement.issuer != ROOT_ISSUER:
        raise _NoEffectError("leaf 0 is version 1, issued by ROOT")
    keys = {key.key_id: key for key in content.keys}
    signer = keys.get(signed.key_id)
    if signer is None:
        raise _NoEffectError("ROOT is not signed by one of its own keys")
    verify_statement(signed, signer, content.origin)
    _check_root_endorsements(signed.statement, claims, content)


def _check_root_endorsements(statement: Statement, claims: RegisterClaims, root: RootContent) -> None:
    """Count the root keys that endorse a content; others may endorse too, but count for nothing here."""
    message = compute_endorsed_bytes(statement.type, root.origin, claims.content, statement.expected_version)
    keys = {key.key_id: key for key in root.keys}
    good = 0
    for item in claims.endorsements:
        if item.key_id in keys:
            verify_signature(keys[item.key_id], item.signature, message)
            good += 1
    if good < root.threshold:
        raise _NoEffectError(f"endorsed by {good} root keys; {root.threshold} are needed")


def _check_possession(statement: Statement, claims: RegisterClaims, key: PublicKey, origin: str) -> None:
    """Require the newly registered key's own signature over the content that names it."""
    message = compute_endorsed_bytes(statement.type, origin, claims.content, statement.expected_version)
    for item in claims.endorsements:
        if item.key_id == key.key_id:
            verify_signature(key, item.signature, message)
            return
    raise _NoEffectError("the new key has not endorsed its own registration")


def _check_authority(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: AuthorityContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    if registers.root is None or signed.statement.issuer != ROOT_ISSUER:
        raise _NoEffectError("only the root registers authorities")
    _check_key(registers, signed.key_id, ROOT_ISSUER, index)
    _check_root_endorsements(signed.statement, claims, registers.root)
    if content.id in registers.institutions:
        raise _NoEffectError(f"{content.id} is the id of an institution")
    _check_registered_key(signed.statement, claims, content, content.id, registers)


def _check_registered_key(
    statement: Statement,
    claims: RegisterClaims,
    content: AuthorityContent | KeyContent,
    owner: str,
    registers: Registers,
) -> None:
    """Require that a key is its owner's alone, that it has not ended, and that a new one speaks for itself."""
    known = registers.keys.get(content.key.key_id)
    if known is None:
        origin = "" if registers.root is None else registers.root.origin
        _check_possession(statement, claims, content.key, origin)
    elif known.key != content.key or known.owner != owner:
        raise _NoEffectError("this key, or one with the same id, is registered for somebody else")
    elif known.until is not None and content.state is RegisterState.ACTIVE:
        raise _NoEffectError("the key has ended and does not become active again")


def _check_delegated(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: InstitutionContent | KeyContent | ScopeContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    power, divisions = _POWERS[signed.statement.type], _find_divisions(content, registers)
    _check_power(signed, power, divisions, index, sequenced_at, registers)
    if isinstance(content, KeyContent):
        _check_registered_key(signed.statement, claims, content, content.institution, registers)


def _check_power(
    signed: SignedStatement,
    power: Power,
    divisions: Sequence[str],
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require that the statement is of an authority that may decide this, there and on that day."""
    issuer = signed.statement.issuer
    authority = registers.authorities.get(issuer)
    if authority is None or authority.state is not RegisterState.ACTIVE:
        raise _NoEffectError(f"authority {issuer} is not registered or not active")
    _check_key(registers, signed.key_id, authority.id, index)
    if power not in authority.powers:
        what = "over a" if power is Power.CERTIFICATE else "to register a"
        raise _NoEffectError(f"authority {authority.id} has no power {what} {power.value}")
    _check_period(authority, sequenced_at.date())
    for division in divisions:
        if not division.startswith(authority.division):
            raise _NoEffectError(
                f"division {division or 'anywhere'} is outside that of authority {authority.id}"
            )


def _check_period(authority: AuthorityContent, day: date) -> None:
    if not authority.valid_from <= day <= authority.valid_until:
        raise _NoEffectError(
            f"authority {authority.id} decides from {authority.valid_from} to {authority.valid_until}"
        )


def _find_divisions(
    content: InstitutionContent | KeyContent | ScopeContent, registers: Registers
) -> list[str]:
    """Return every division that a decision touches: as registered now, and as it would be after it.

    What a higher authority has registered for a wider region cannot be narrowed, or ended, by a lower one.
    """
    if isinstance(content, InstitutionContent):
        return _find_institution_divisions(content, registers)
    institution = registers.institutions.get(content.institution)
    if institution is None:
        raise _NoEffectError(f"institution {content.institution} is not registered")
    if isinstance(content, KeyContent):
        return [institution.division]
    line = registers.scopes.get((content.institution, content.id))
    return [institution.division, content.division, *([] if line is None else [line.division])]


def _find_institution_divisions(content: InstitutionContent, registers: Registers) -> list[str]:
    if content.id in registers.authorities:
        raise _NoEffectError(f"{content.id} is the id of an authority")
    registered = registers.institutions.get(content.id)
    if registered is None:
        return [content.division]
    if not content.division.startswith(registered.division):
        raise _NoEffectError("an institution does not move to another division")
    return [registered.division, content.division]


def _apply_content(registers: Registers, content: RegisterContent, index: LeafIndex) -> None:
    match content:
        case RootContent():
            registers.root = content
            for key in content.keys:
                registers.keys[key.key_id] = RegisteredKey(key, ROOT_ISSUER, index)
        case AuthorityContent():
            _replace_authority_key(registers, content, index)
            registers.authorities[content.id] = content
        case InstitutionContent():
            registers.institutions[content.id] = content
        case KeyContent():
            _set_key(
                registers,
                content.key,
                content.institution,
                index,
                active=content.state is RegisterState.ACTIVE,
            )
        case ScopeContent():
            registers.scopes[(content.institution, content.id)] = content


def _replace_authority_key(registers: Registers, content: AuthorityContent, index: LeafIndex) -> None:
    before = registers.authorities.get(content.id)
    if before is not None and before.key != content.key:
        _set_key(registers, before.key, content.id, index, active=False)
    _set_key(registers, content.key, content.id, index, active=content.state is RegisterState.ACTIVE)


def _set_key(registers: Registers, key: PublicKey, owner: str, index: LeafIndex, *, active: bool) -> None:
    known = registers.keys.get(key.key_id)
    if known is None:
        registers.keys[key.key_id] = RegisteredKey(key, owner, index, None if active else index)
    elif not active and known.until is None:
        registers.keys[key.key_id] = RegisteredKey(key, owner, known.since, index)
