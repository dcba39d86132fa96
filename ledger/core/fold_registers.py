"""The fold of register events: roots, authorities, institutions, their keys and the lines of their scope.

>>> judge_register(signed, claims, index, sequenced_at, registers, view).state.status
<Status.ACTIVE: 16>
"""

from datetime import datetime
from typing import Final

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
from ledger.core.event import EventType, SubjectKind, compute_subject, scope_subject
from ledger.core.ids import LeafIndex, Subject
from ledger.core.powers import NoEffectError, check_key, check_power, check_version
from ledger.core.signature import PublicKey, verify_signature
from ledger.core.statement import (
    RegisterClaims,
    SignedStatement,
    Statement,
    compute_endorsed_bytes,
    verify_statement,
)
from ledger.core.status import Effect, RegisteredKey, Registers, StateView, Status, SubjectState

_POWERS: Final = {
    EventType.INSTITUTION: Power.INSTITUTION,
    EventType.KEY: Power.KEY,
    EventType.SCOPE: Power.SCOPE,
}


def judge_register(
    signed: SignedStatement,
    claims: RegisterClaims,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
) -> Effect:
    """Return what a register event does.

    Raises:
        NoEffectError: nothing; with the reason.
        InputError: its content cannot be read.
        BrokenSignatureError: an endorsement does not hold.
    """
    statement = signed.statement
    content = parse_content(statement.type, claims.content)
    subject = register_subject(content)
    before = view(subject)
    check_version(statement, before)
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


def register_subject(content: RegisterContent) -> Subject:
    """Return what a register event is about."""
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


def _check_root(
    signed: SignedStatement, claims: RegisterClaims, content: RootContent, index: LeafIndex
) -> None:
    if index != 0:
        raise NoEffectError("ROOT is leaf 0 and no other")
    if content.version != 1 or signed.statement.issuer != ROOT_ISSUER:
        raise NoEffectError("leaf 0 is version 1, issued by ROOT")
    keys = {key.key_id: key for key in content.keys}
    signer = keys.get(signed.key_id)
    if signer is None:
        raise NoEffectError("ROOT is not signed by one of its own keys")
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
        raise NoEffectError(f"endorsed by {good} root keys; {root.threshold} are needed")


def _check_possession(statement: Statement, claims: RegisterClaims, key: PublicKey, origin: str) -> None:
    """Require the newly registered key's own signature over the content that names it."""
    message = compute_endorsed_bytes(statement.type, origin, claims.content, statement.expected_version)
    for item in claims.endorsements:
        if item.key_id == key.key_id:
            verify_signature(key, item.signature, message)
            return
    raise NoEffectError("the new key has not endorsed its own registration")


def _check_authority(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: AuthorityContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    if registers.root is None or signed.statement.issuer != ROOT_ISSUER:
        raise NoEffectError("only the root registers authorities")
    check_key(registers, signed.key_id, ROOT_ISSUER, index)
    _check_root_endorsements(signed.statement, claims, registers.root)
    if content.id in registers.institutions:
        raise NoEffectError(f"{content.id} is the id of an institution")
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
        raise NoEffectError("this key, or one with the same id, is registered for somebody else")
    elif known.until is not None and content.state is RegisterState.ACTIVE:
        raise NoEffectError("the key has ended and does not become active again")


def _check_delegated(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: InstitutionContent | KeyContent | ScopeContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    power, divisions = _POWERS[signed.statement.type], _find_divisions(content, registers)
    check_power(signed, power, divisions, index, sequenced_at, registers)
    if isinstance(content, KeyContent):
        _check_registered_key(signed.statement, claims, content, content.institution, registers)


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
        raise NoEffectError(f"institution {content.institution} is not registered")
    if isinstance(content, KeyContent):
        return [institution.division]
    line = registers.scopes.get((content.institution, content.id))
    return [institution.division, content.division, *([] if line is None else [line.division])]


def _find_institution_divisions(content: InstitutionContent, registers: Registers) -> list[str]:
    if content.id in registers.authorities:
        raise NoEffectError(f"{content.id} is the id of an authority")
    registered = registers.institutions.get(content.id)
    if registered is None:
        return [content.division]
    if not content.division.startswith(registered.division):
        raise NoEffectError("an institution does not move to another division")
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
