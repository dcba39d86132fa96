"""The register of keys: whose each key is, and between which leaves it counts.

A key belongs to one owner for ever: the root, an authority, an institution or a person of one.

>>> set_key(registers, key, "350100-01", LeafIndex(3), active=True)
>>> registers.keys[key.key_id].is_active_at(4)
True
"""

from dataclasses import replace

from ledger.core.authority import ROOT_ISSUER, CompromiseContent, RootContent
from ledger.core.ids import LeafIndex
from ledger.core.powers import NoEffectError
from ledger.core.signature import PublicKey, verify_signature
from ledger.core.statement import RegisterClaims, Statement, compute_endorsed_bytes
from ledger.core.status import RegisteredKey, Registers


def _check_possession(statement: Statement, claims: RegisterClaims, key: PublicKey, origin: str) -> None:
    """Require the newly registered key's own signature over the content that names it."""
    message = compute_endorsed_bytes(statement.type, origin, claims.content, statement.expected_version)
    for item in claims.endorsements:
        if item.key_id == key.key_id:
            verify_signature(key, item.signature, message)
            return
    raise NoEffectError("the new key has not endorsed its own registration")


def require_own_key(
    statement: Statement,
    claims: RegisterClaims,
    key: PublicKey,
    owner: str,
    registers: Registers,
    *,
    is_active: bool,
) -> None:
    """Require that a key is its owner's alone, that it has not ended, and that a new one speaks for itself."""
    known = registers.keys.get(key.key_id)
    if known is None:
        origin = "" if registers.root is None else registers.root.origin
        _check_possession(statement, claims, key, origin)
    elif known.key != key or known.owner != owner:
        raise NoEffectError("this key, or one with the same id, is registered for somebody else")
    elif known.until is not None and is_active:
        raise NoEffectError("the key has ended and does not become active again")


def replace_root_keys(registers: Registers, content: RootContent, index: LeafIndex) -> None:
    """Make the keys of a new root count, and those that it leaves out end."""
    kept = {key.key_id for key in content.keys}
    for key in () if registers.root is None else registers.root.keys:
        if key.key_id not in kept:
            set_key(registers, key, ROOT_ISSUER, index, active=False)
    for key in content.keys:
        set_key(registers, key, ROOT_ISSUER, index, active=True)


def mark_compromised(registers: Registers, content: CompromiseContent, index: LeafIndex) -> None:
    """Make a key end, and remember since when it is not believed."""
    known = registers.keys[content.key.key_id]
    until = index if known.until is None else known.until
    registers.keys[content.key.key_id] = replace(known, until=until, compromised_from=content.since)


def set_key(registers: Registers, key: PublicKey, owner: str, index: LeafIndex, *, active: bool) -> None:
    """Make a key count from this index on, or end at it; one that has ended stays so."""
    known = registers.keys.get(key.key_id)
    if known is None:
        registers.keys[key.key_id] = RegisteredKey(key, owner, index, None if active else index)
    elif not active and known.until is None:
        registers.keys[key.key_id] = replace(known, until=index)


def move_key(
    registers: Registers,
    before: PublicKey | None,
    now: PublicKey | None,
    owner: str,
    index: LeafIndex,
    *,
    active: bool,
) -> None:
    """Make an owner's new key count, and the one that it takes the place of end.

    Args:
        registers: changed.
        before: the key so far, if any.
        now: the key from now on, if any.
        owner: whose they are.
        index: of the leaf that says so.
        active: whether the owner is.
    """
    if before is not None and before != now:
        set_key(registers, before, owner, index, active=False)
    if now is not None:
        set_key(registers, now, owner, index, active=active)
