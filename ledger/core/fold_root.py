"""The fold of what the root says: its own versions, its policies, and which authorities there are.

>>> check_root(signed, claims, content, index, registers)
"""

from ledger.core.authority import ROOT_ISSUER, AuthorityContent, PolicyContent, RootContent
from ledger.core.ids import LeafIndex
from ledger.core.powers import NoEffectError, check_key
from ledger.core.register_fields import RegisterState
from ledger.core.register_keys import require_own_key
from ledger.core.signature import verify_signature
from ledger.core.statement import (
    RegisterClaims,
    SignedStatement,
    Statement,
    compute_endorsed_bytes,
    verify_statement,
)
from ledger.core.status import Registers


def check_root(
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


def check_policy(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: PolicyContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    """Require the root's word, and a version above the newest."""
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


def check_authority(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: AuthorityContent,
    index: LeafIndex,
    registers: Registers,
) -> None:
    """Require the root's word, and the new key's own."""
    if registers.root is None or signed.statement.issuer != ROOT_ISSUER:
        raise NoEffectError("only the root registers authorities")
    check_key(registers, signed.key_id, ROOT_ISSUER, index)
    _check_root_endorsements(signed.statement, claims, registers.root)
    if content.id in registers.institutions:
        raise NoEffectError(f"{content.id} is the id of an institution")
    is_active = content.state is RegisterState.ACTIVE
    require_own_key(signed.statement, claims, content.key, content.id, registers, is_active=is_active)
