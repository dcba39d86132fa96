"""The fold of register events: roots, authorities, institutions, their keys and the lines of their scope.

>>> judge_register(signed, claims, index, sequenced_at, registers, view).state.status
<Status.ACTIVE: 16>
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Final

from ledger.core.authority import (
    ROOT_ISSUER,
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    Power,
    RegisterContent,
    RegisterState,
    RootContent,
    ScopeContent,
    encode_root_content,
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
    EventType.KEY_COMPROMISED_FROM: Power.KEY,
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
        _check_root(signed, claims, content, index, registers)
    elif isinstance(content, PolicyContent):
        _check_policy(signed, claims, content, index, registers)
    elif isinstance(content, AuthorityContent):
        _check_authority(signed, claims, content, index, registers)
    else:
        _check_delegated(signed, claims, content, index, sequenced_at, registers)
    status = Status.ACTIVE if _is_active(content) else Status.INACTIVE
    state = SubjectState(status, statement.expected_version + 1, index, None)
    prev = None if before is None else before.last_event
    return Effect(subject, prev, {subject: state}, lambda target: _apply_content(target, content, index))


def _is_active(content: RegisterContent) -> bool:
    match content:
        case RootContent() | PolicyContent():
            return True
        case CompromiseContent():
            return False
        case _:
            return content.state is RegisterState.ACTIVE


def register_subject(content: RegisterContent) -> Subject:
    """Return what a register event is about."""
    match content:
        case RootContent():
            return compute_subject(SubjectKind.ROOT, b"")
        case AuthorityContent():
            return compute_subject(SubjectKind.AUTHORITY, content.id.encode())
        case PolicyContent():
            return compute_subject(SubjectKind.POLICY, b"")
        case InstitutionContent():
            return compute_subject(SubjectKind.INSTITUTION, content.id.encode())
        case KeyContent() | CompromiseContent():
            return compute_subject(SubjectKind.KEY, content.key.multikey_bytes)
        case ScopeContent():
            return scope_subject(content.institution, content.id)


def _check_root(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: RootContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    """Require leaf 0 to be version 1, and every later root to follow the one before, by the word of both."""
    if signed.statement.issuer != ROOT_ISSUER:
        raise NoEffectError("a root is issued by ROOT")
    if index == 0:
        if content.version != 1:
            raise NoEffectError("leaf 0 is version 1 of the root")
    else:
        _check_succession(signed, claims, content, registers)
    keys = {key.key_id: key for key in content.keys}
    signer = keys.get(signed.key_id)
    if signer is None:
        raise NoEffectError("ROOT is not signed by one of its own keys")
    verify_statement(signed, signer, content.origin)
    _check_root_endorsements(signed.statement, claims, content)


def _check_succession(
    signed: SignedStatement, claims: RegisterClaims, content: RootContent, registers: Registers
) -> None:
    before = registers.root
    if before is None or content.version != before.version + 1:
        newest = "none" if before is None else str(before.version)
        raise NoEffectError(f"version {content.version} of the root does not follow version {newest}")
    if content.previous != registers.roots[-1]:
        raise NoEffectError("the root names another version before it")
    if (content.origin, content.log_key, content.predecessor) != (
        before.origin,
        before.log_key,
        before.predecessor,
    ):
        raise NoEffectError("origin, log key and predecessor of a log do not change")
    known = (registers.keys.get(key.key_id) for key in content.keys)
    if any(key is not None and (key.owner != ROOT_ISSUER or key.until is not None) for key in known):
        raise NoEffectError("a key of the root is somebody else's, or has ended")
    _check_root_endorsements(signed.statement, claims, before)


def _check_policy(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: PolicyContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    if registers.root is None or signed.statement.issuer != ROOT_ISSUER:
        raise NoEffectError("only the root publishes policies")
    check_key(registers, signed.key_id, ROOT_ISSUER, index)
    _check_root_endorsements(signed.statement, claims, registers.root)
    if content.version <= (registers.policy_version or 0):
        raise NoEffectError(f"policy version {content.version} is not newer than {registers.policy_version}")


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
    content: InstitutionContent | KeyContent | CompromiseContent | ScopeContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    power, divisions = _POWERS[signed.statement.type], _find_divisions(content, registers)
    check_power(signed, power, divisions, index, sequenced_at, registers)
    if isinstance(content, KeyContent):
        _check_registered_key(signed.statement, claims, content, content.institution, registers)
    if isinstance(content, CompromiseContent):
        _check_compromise(content, sequenced_at, registers)


def _check_compromise(content: CompromiseContent, sequenced_at: datetime, registers: Registers) -> None:
    known = registers.keys.get(content.key.key_id)
    if known is None or known.key != content.key or known.owner != content.institution:
        raise NoEffectError(f"the key is not registered for {content.institution}")
    if content.since > sequenced_at:
        raise NoEffectError("the compromise lies in the future")
    if known.compromised_from is not None and content.since >= known.compromised_from:
        raise NoEffectError(f"the key is known to be compromised from {known.compromised_from} on")


def _find_divisions(
    content: InstitutionContent | KeyContent | CompromiseContent | ScopeContent, registers: Registers
) -> list[str]:
    """Return every division that a decision touches: as registered now, and as it would be after it.

    What a higher authority has registered for a wider region cannot be narrowed, or ended, by a lower one.
    """
    if isinstance(content, InstitutionContent):
        return _find_institution_divisions(content, registers)
    institution = registers.institutions.get(content.institution)
    if institution is None:
        raise NoEffectError(f"institution {content.institution} is not registered")
    if isinstance(content, KeyContent | CompromiseContent):
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
            _replace_root_keys(registers, content, index)
            registers.root = content
            registers.roots += (hashlib.sha256(encode_root_content(content)).digest(),)
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
        case CompromiseContent():
            _mark_compromised(registers, content, index)
        case PolicyContent():
            registers.policy_version = content.version
        case ScopeContent():
            registers.scopes[(content.institution, content.id)] = content


def _replace_root_keys(registers: Registers, content: RootContent, index: LeafIndex) -> None:
    kept = {key.key_id for key in content.keys}
    for key in () if registers.root is None else registers.root.keys:
        if key.key_id not in kept:
            _set_key(registers, key, ROOT_ISSUER, index, active=False)
    for key in content.keys:
        _set_key(registers, key, ROOT_ISSUER, index, active=True)


def _mark_compromised(registers: Registers, content: CompromiseContent, index: LeafIndex) -> None:
    known = registers.keys[content.key.key_id]
    until = index if known.until is None else known.until
    registers.keys[content.key.key_id] = replace(known, until=until, compromised_from=content.since)


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
        registers.keys[key.key_id] = replace(known, until=index)
