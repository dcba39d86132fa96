"""The fold of what authorities register: institutions and what is theirs, and what holds for every institution.

An authority registers within its division codes, by the power that each register needs. What holds everywhere (a
type approval, a regulation's row, a lot of a reference material, a block) may be changed by who registered it, or
by an authority above. Primary standards, where chains of traceability end, are for an authority of no division. An
institution registers the persons whom it has authorised itself, and its rolls of stickers.

>>> check_delegated(signed, claims, content, index, sequenced_at, registers)
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from ledger.core.authority import CompromiseContent, InstitutionContent, KeyContent, Power, Trade
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.person import PersonContent, Qualification
from ledger.core.powers import NoEffectError, check_institution, check_power, require_trade
from ledger.core.published_rule import RegulationContent
from ledger.core.register_content import CommonContent, DelegatedContent, OwnContent
from ledger.core.register_fields import RegisterState
from ledger.core.register_keys import require_own_key
from ledger.core.register_subject import register_subject
from ledger.core.scope import ScopeContent
from ledger.core.standard import StandardContent
from ledger.core.statement import RegisterClaims, SignedStatement
from ledger.core.status import Registers
from ledger.core.sticker import RollContent

_POWERS: Final = {
    EventType.INSTITUTION: Power.INSTITUTION,
    EventType.KEY: Power.KEY,
    EventType.KEY_COMPROMISED_FROM: Power.KEY,
    EventType.SCOPE: Power.SCOPE,
    EventType.PERSON: Power.PERSON,
    EventType.STANDARD: Power.STANDARD,
    EventType.REFERENCE_MATERIAL: Power.STANDARD,
    EventType.REGULATION: Power.REGULATION,
    EventType.TYPE_APPROVAL: Power.TYPE_APPROVAL,
    EventType.BLOCK: Power.TYPE_APPROVAL,
    EventType.STICKER_ALLOTTED: Power.INSTITUTION,
}

_ANYWHERE: Final = ""
"""The division of what concerns the whole country: where chains of traceability end."""


def check_delegated(
    signed: SignedStatement,
    claims: RegisterClaims,
    content: DelegatedContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require that who speaks may register this.

    Raises:
        NoEffectError: not so, with the reason.
        BrokenSignatureError: the endorsement of a new key does not hold.
    """
    if isinstance(content, PersonContent) and signed.statement.issuer == content.institution:
        _check_own_person(signed, content, index, registers)
    elif isinstance(content, RollContent) and signed.statement.issuer == content.institution:
        require_trade(
            check_institution(content.institution, signed.key_id, index, registers), Trade.VERIFICATION
        )
    else:
        power, divisions = _POWERS[signed.statement.type], _find_divisions(content, registers)
        check_power(signed, power, divisions, index, sequenced_at, registers)
    if isinstance(content, KeyContent | PersonContent) and content.key is not None:
        owner = content.owner if isinstance(content, PersonContent) else content.institution
        is_active = content.state is RegisterState.ACTIVE
        require_own_key(signed.statement, claims, content.key, owner, registers, is_active=is_active)
    if isinstance(content, CompromiseContent):
        _check_compromise(content, sequenced_at, registers)
    if isinstance(content, RegulationContent):
        _check_first_days(content, registers)
    if isinstance(content, RollContent):
        _check_roll(content, registers)


def _check_own_person(
    signed: SignedStatement, content: PersonContent, index: LeafIndex, registers: Registers
) -> None:
    """Require that an institution speaks of a person whom it has authorised itself, before and now."""
    institution = check_institution(signed.statement.issuer, signed.key_id, index, registers)
    require_trade(institution, Trade.VERIFICATION)
    before = registers.find_newest(register_subject(content), PersonContent)
    for state in (content, before):
        if state is not None and state.qualification is not Qualification.AUTHORISED:
            raise NoEffectError(f"a person who is {state.qualification.value} is registered by an authority")


def _check_compromise(content: CompromiseContent, sequenced_at: datetime, registers: Registers) -> None:
    known = registers.keys.get(content.key.key_id)
    if known is None or known.key != content.key or known.owner.partition("/")[0] != content.institution:
        raise NoEffectError(f"the key is not registered for {content.institution}")
    if content.since > sequenced_at:
        raise NoEffectError("the compromise lies in the future")
    if known.compromised_from is not None and content.since >= known.compromised_from:
        raise NoEffectError(f"the key is known to be compromised from {known.compromised_from} on")


def _check_roll(content: RollContent, registers: Registers) -> None:
    """Require that a roll stays what it is: a version changes its state and nothing else."""
    before = registers.rolls.get(content.roll)
    if before is not None and replace(before, state=content.state) != content:
        raise NoEffectError(f"roll {content.roll} stays as it was allotted, but for its state")


def _check_first_days(content: RegulationContent, registers: Registers) -> None:
    """Require that one row of a category at most begins on a day: which rule holds must never be open."""
    for other in registers.list_newest(RegulationContent):
        same = other.category is content.category and other.regulation_id != content.regulation_id
        starts_together = same and other.rule.effective_on == content.rule.effective_on
        if starts_together and RegisterState.ACTIVE is other.state is content.state:
            raise NoEffectError(
                f"{other.regulation_id} is in force from the same day as {content.regulation_id}"
            )


def _find_divisions(content: DelegatedContent, registers: Registers) -> list[str]:
    """Return every division that a decision touches: as registered now, and as it would be after it.

    What a higher authority has registered for a wider region cannot be narrowed, or ended, by a lower one.
    """
    if isinstance(content, InstitutionContent):
        return _find_institution_divisions(content, registers)
    if isinstance(content, OwnContent):
        return _find_own_divisions(content, registers)
    return _find_granting_division(content, registers)


def _find_own_divisions(content: OwnContent, registers: Registers) -> list[str]:
    institution = registers.institutions.get(content.institution)
    if institution is None:
        raise NoEffectError(f"institution {content.institution} is not registered")
    if isinstance(content, StandardContent):
        before = registers.find_newest(register_subject(content), StandardContent)
        is_primary = content.is_primary or (before is not None and before.is_primary)
        return [institution.division, *([_ANYWHERE] if is_primary else [])]
    if not isinstance(content, ScopeContent):
        return [institution.division]
    line = registers.scopes.get((content.institution, content.id))
    return [institution.division, content.division, *([] if line is None else [line.division])]


def _find_granting_division(content: CommonContent, registers: Registers) -> list[str]:
    """Return the division of the authority that has registered this before, if any has."""
    versions = registers.versions.get(register_subject(content), ())
    granting = registers.authorities.get(versions[-1].issuer) if versions else None
    return [] if granting is None else [granting.division]


def _find_institution_divisions(content: InstitutionContent, registers: Registers) -> list[str]:
    if content.id in registers.authorities:
        raise NoEffectError(f"{content.id} is the id of an authority")
    registered = registers.institutions.get(content.id)
    if registered is None:
        return [content.division]
    if not content.division.startswith(registered.division):
        raise NoEffectError("an institution does not move to another division")
    return [registered.division, content.division]
