"""Which content each register event has: the table that the fold, drafts and indexes read by.

>>> parse_content(EventType.KEY, raw)
KeyContent(institution='350100-01', ...)
"""

from collections.abc import Callable, Mapping
from typing import Final

from ledger.core.authority import (
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    RootContent,
    parse_authority_content,
    parse_compromise_content,
    parse_institution_content,
    parse_key_content,
    parse_policy_content,
    parse_root_content,
)
from ledger.core.errors import MalformedDocumentError
from ledger.core.event import EventType
from ledger.core.person import PersonContent, parse_person_content
from ledger.core.published_rule import RegulationContent, parse_regulation_content
from ledger.core.scope import ScopeContent, parse_scope_content
from ledger.core.standard import (
    MaterialContent,
    StandardContent,
    parse_material_content,
    parse_standard_content,
)
from ledger.core.sticker import RollContent, parse_roll_content
from ledger.core.type_approval import (
    BlockContent,
    TypeApprovalContent,
    parse_block_content,
    parse_type_approval_content,
)

OwnContent = KeyContent | CompromiseContent | ScopeContent | PersonContent | StandardContent | RollContent
"""What is an institution's, and names it."""

CommonContent = MaterialContent | RegulationContent | TypeApprovalContent | BlockContent
"""What holds for every institution."""

DelegatedContent = InstitutionContent | OwnContent | CommonContent
"""What authorities register."""

RegisterContent = RootContent | AuthorityContent | PolicyContent | DelegatedContent

CONTENT_PARSERS: Final[Mapping[EventType, Callable[[bytes], RegisterContent]]] = {
    EventType.ROOT: parse_root_content,
    EventType.DELEGATE: parse_authority_content,
    EventType.POLICY: parse_policy_content,
    EventType.INSTITUTION: parse_institution_content,
    EventType.KEY: parse_key_content,
    EventType.KEY_COMPROMISED_FROM: parse_compromise_content,
    EventType.SCOPE: parse_scope_content,
    EventType.PERSON: parse_person_content,
    EventType.STANDARD: parse_standard_content,
    EventType.REFERENCE_MATERIAL: parse_material_content,
    EventType.REGULATION: parse_regulation_content,
    EventType.TYPE_APPROVAL: parse_type_approval_content,
    EventType.BLOCK: parse_block_content,
    EventType.STICKER_ALLOTTED: parse_roll_content,
}
"""How the content of each register event is read."""


def parse_content(event_type: EventType, raw: bytes) -> RegisterContent:
    """Parse the content of a register event.

    Raises:
        InputError: not the content of such an event.
    """
    parse = CONTENT_PARSERS.get(event_type)
    if parse is None:
        raise MalformedDocumentError(f"{event_type.name} is not a register event")
    return parse(raw)
