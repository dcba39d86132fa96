"""What each register event is about, and which subjects it touches beside that.

>>> register_subject(content) == institution_subject
True
"""

from ledger.core.authority import (
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    RootContent,
)
from ledger.core.event import (
    SubjectKind,
    compute_subject,
    maker_subject,
    material_subject,
    person_subject,
    regulation_subject,
    roll_subject,
    scope_subject,
    standard_subject,
    type_approval_subject,
)
from ledger.core.ids import Subject
from ledger.core.person import PersonContent
from ledger.core.published_rule import RegulationContent
from ledger.core.register_content import CommonContent, DelegatedContent, OwnContent, RegisterContent
from ledger.core.scope import ScopeContent
from ledger.core.standard import MaterialContent, StandardContent
from ledger.core.sticker import RollContent
from ledger.core.type_approval import BlockContent, TypeApprovalContent


def register_subject(content: RegisterContent) -> Subject:
    """Return what a register event is about."""
    match content:
        case RootContent():
            return compute_subject(SubjectKind.ROOT, b"")
        case AuthorityContent():
            return compute_subject(SubjectKind.AUTHORITY, content.id.encode())
        case PolicyContent():
            return compute_subject(SubjectKind.POLICY, b"")
        case _:
            return _delegated_subject(content)


def _delegated_subject(content: DelegatedContent) -> Subject:
    if isinstance(content, InstitutionContent):
        return compute_subject(SubjectKind.INSTITUTION, content.id.encode())
    return _own_subject(content) if isinstance(content, OwnContent) else _common_subject(content)


def _own_subject(content: OwnContent) -> Subject:
    match content:
        case KeyContent() | CompromiseContent():
            return compute_subject(SubjectKind.KEY, content.key.multikey_bytes)
        case ScopeContent():
            return scope_subject(content.institution, content.id)
        case PersonContent():
            return person_subject(content.institution, content.id)
        case StandardContent():
            return standard_subject(content.institution, content.id)
        case RollContent():
            return roll_subject(content.roll)


def _common_subject(content: CommonContent) -> Subject:
    match content:
        case MaterialContent():
            return material_subject(content.id, content.lot)
        case RegulationContent():
            return regulation_subject(content.category.name, content.regulation_id)
        case TypeApprovalContent():
            return type_approval_subject(content.number)
        case BlockContent():
            return compute_subject(SubjectKind.BLOCK, content.id.encode())


def list_register_subjects(content: RegisterContent) -> tuple[Subject, ...]:
    """Return every subject that a register event touches, its own first."""
    own = register_subject(content)
    return (own, maker_subject(content.maker)) if isinstance(content, BlockContent) else (own,)
