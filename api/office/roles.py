"""What staff and machines of an institution may be; the words by which people know these roles.

>>> spell_roles(frozenset({OfficeRole.CHECKER, OfficeRole.OPERATOR}))
'checker operator'
"""

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ledger.core.errors import InputError
from ledger.core.step import Sentence


class TenantKind(StrEnum):
    """Whose desk it is."""

    INSTITUTION = "institution"
    """A verification institution's: it issues documents."""
    AUTHORITY = "authority"
    """A metrology authority's: it decides registers, and about documents."""


class OfficeRole(StrEnum):
    """Who somebody is in the office of one institution or authority; an account may hold several."""

    OPERATOR = "operator"
    """Verifies instruments and drafts documents (检定员)."""
    CHECKER = "checker"
    """Checks what an operator has drafted (核验员)."""
    APPROVER = "approver"
    """Approves and issues (批准人)."""
    ADMINISTRATOR = "administrator"
    """Keeps accounts, machines and rolls of stickers; signs nothing as a person."""
    AUTHORITY = "authority"
    """Somebody of the metrology authority (计量行政部门): at an institution's desk reads, at its own decides."""
    AUDITOR = "auditor"
    """Reads everything of the institution, changes nothing."""
    MACHINE = "machine"
    """A program of the institution, as its LIMS, that signs its requests; never a person's role."""


PEOPLE: Final = frozenset(OfficeRole) - {OfficeRole.MACHINE}
"""Roles that accounts may hold."""

STAFF: Final = frozenset({OfficeRole.OPERATOR, OfficeRole.CHECKER, OfficeRole.APPROVER})
"""Who works on documents."""

PEOPLE_OF: Final = MappingProxyType(
    {
        TenantKind.INSTITUTION: PEOPLE,
        TenantKind.AUTHORITY: frozenset({OfficeRole.AUTHORITY, OfficeRole.ADMINISTRATOR, OfficeRole.AUDITOR}),
    }
)
"""Whose desk -> roles that its accounts may hold."""

READERS: Final = PEOPLE - {OfficeRole.ADMINISTRATOR}
"""Who may look at the institution's documents and registers; administrators keep accounts only."""

ROLE_WORDS: Final = MappingProxyType(
    {
        OfficeRole.OPERATOR: Sentence("Operator", "检定员"),
        OfficeRole.CHECKER: Sentence("Checker", "核验员"),
        OfficeRole.APPROVER: Sentence("Approver", "批准人"),
        OfficeRole.ADMINISTRATOR: Sentence("Administrator", "管理员"),
        OfficeRole.AUTHORITY: Sentence("Authority", "计量行政部门"),
        OfficeRole.AUDITOR: Sentence("Auditor", "审计员"),
        OfficeRole.MACHINE: Sentence("Machine", "系统（LIMS）"),
    }
)


def spell_roles(roles: Iterable[OfficeRole]) -> str:
    """Return roles as the database has them: sorted words."""
    return " ".join(sorted(roles))


def parse_roles(words: Iterable[str], kind: TenantKind = TenantKind.INSTITUTION) -> frozenset[OfficeRole]:
    """Return the roles of an account at this kind of desk.

    Raises:
        InputError: none, an unknown one, one that this desk does not have, or the one of machines.
    """
    found = set()
    for word in words:
        if word not in PEOPLE_OF[kind]:
            raise InputError(
                f"no person has the role {word[:40]!r}", field="roles", zh=f"没有角色{word[:40]!r}"
            )
        found.add(OfficeRole(word))
    if not found:
        raise InputError("choose at least one", field="roles", zh="至少选择一个")
    return frozenset(found)
