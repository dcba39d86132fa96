"""The fold of register events: who may register is said in `fold_root` and `fold_delegated`, what follows here.

>>> judge_register(signed, claims, index, sequenced_at, registers, view).state.status
<Status.ACTIVE: 16>
"""

import hashlib
from datetime import date, datetime

from ledger.core.authority import (
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    RootContent,
    encode_root_content,
)
from ledger.core.event import maker_subject
from ledger.core.fold_delegated import check_delegated
from ledger.core.fold_root import check_authority, check_policy, check_root
from ledger.core.ids import LeafIndex
from ledger.core.person import PersonContent
from ledger.core.powers import check_version
from ledger.core.published_rule import RegulationContent
from ledger.core.register_content import RegisterContent, parse_content
from ledger.core.register_fields import RegisterState
from ledger.core.register_keys import mark_compromised, move_key, replace_root_keys, set_key
from ledger.core.register_subject import list_register_subjects, register_subject
from ledger.core.scope import ScopeContent
from ledger.core.statement import RegisterClaims, SignedStatement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState, Version
from ledger.core.sticker import RollContent
from ledger.core.type_approval import BlockContent


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
    subjects = list_register_subjects(content)
    before = view(subjects[0])
    check_version(statement, before)
    match content:
        case RootContent():
            check_root(signed, claims, content, index, registers)
        case PolicyContent():
            check_policy(signed, claims, content, index, registers)
        case AuthorityContent():
            check_authority(signed, claims, content, index, registers)
        case _:
            check_delegated(signed, claims, content, index, sequenced_at, registers)
    state = SubjectState(_find_status(content), statement.expected_version + 1, index, None)
    changes = {subjects[0]: state} | {
        other: _follow(view(other), content, index, registers) for other in subjects[1:]
    }
    version = Version(index, statement.issuer, content)
    prev = None if before is None else before.last_event
    day = sequenced_at.date()
    return Effect(subjects[0], prev, changes, lambda target: _apply(target, version, day))


def _find_status(content: RegisterContent) -> Status:
    match content:
        case RootContent() | PolicyContent():
            return Status.ACTIVE
        case CompromiseContent():
            return Status.INACTIVE
        case _:
            return Status.ACTIVE if content.state is RegisterState.ACTIVE else Status.INACTIVE


def _follow(
    before: SubjectState | None, content: RegisterContent, index: LeafIndex, registers: Registers
) -> SubjectState:
    """Return the state of a maker after a block: active as long as any block of its instruments is."""
    version = 1 if before is None else before.version + 1
    blocked = _find_status(content) is Status.ACTIVE
    if isinstance(content, BlockContent) and not blocked:
        others = registers.list_blocks(content.maker)
        blocked = any(block.id != content.id and block.state is RegisterState.ACTIVE for block in others)
    return SubjectState(Status.ACTIVE if blocked else Status.INACTIVE, version, index, None)


def _apply(registers: Registers, version: Version, day: date) -> None:
    content, index = version.content, version.index
    match content:
        case RootContent():
            replace_root_keys(registers, content, index)
            registers.root = content
            registers.roots += (hashlib.sha256(encode_root_content(content)).digest(),)
        case AuthorityContent():
            before = registers.authorities.get(content.id)
            known, active = None if before is None else before.key, content.state is RegisterState.ACTIVE
            move_key(registers, known, content.key, content.id, index, active=active)
            registers.authorities[content.id] = content
        case InstitutionContent():
            registers.institutions[content.id] = content
        case KeyContent():
            active = content.state is RegisterState.ACTIVE
            set_key(registers, content.key, content.institution, index, active=active)
        case CompromiseContent():
            mark_compromised(registers, content, index)
        case PolicyContent():
            registers.policy_version = content.version
        case RollContent():
            registers.rolls[content.roll] = content
        case _:
            _apply_version(registers, version, day)


def _apply_version(registers: Registers, version: Version, day: date) -> None:
    """Add a version; `day` is the leaf's, UTC: a person who is suspended from a later day on keeps the key."""
    content, own = version.content, register_subject(version.content)
    if isinstance(content, PersonContent):
        before = registers.find_newest(own, PersonContent)
        known = None if before is None else before.key
        active = content.state is RegisterState.ACTIVE or content.valid_from > day
        move_key(registers, known, content.key, content.owner, version.index, active=active)
    if isinstance(content, ScopeContent):
        registers.scopes[(content.institution, content.id)] = content
    if isinstance(content, RegulationContent):
        registers.rules = registers.rules.follow(content)
    if isinstance(content, BlockContent):
        maker = maker_subject(content.maker)
        registers.blocks[maker] = registers.blocks.get(maker, frozenset()) | {own}
    registers.versions[own] = (*registers.versions.get(own, ()), version)
