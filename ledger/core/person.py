"""PERSON: who may verify, check and approve in an institution, by a public pseudonym; never by a name.

A person may have a key of their own, with which they sign documents (a proof each). A first registration of a
key is endorsed by the key itself, as with seals. An institution registers those whom it has authorised itself;
registered metrologists (注册计量师) and those whom an authority has assessed are registered by an authority.

>>> parse_person_content(encode_person_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.ids import InstitutionId
from ledger.core.record import Role
from ledger.core.register_fields import (
    RegisterState,
    check_period,
    open_content,
    parse_categories,
    parse_institution_id,
    parse_set,
)
from ledger.core.signature import PublicKey, parse_multikey

PERSON_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"
"""Public pseudonyms."""


class Qualification(StrEnum):
    """On which basis a person is qualified."""

    REGISTERED = "registered"
    """Registered metrologist (注册计量师)."""
    ASSESSED = "assessed"
    """Assessed by an authority."""
    AUTHORISED = "authorised"
    """Authorised by the institution itself."""


@dataclass(frozen=True, slots=True)
class PersonContent:
    """A person of an institution."""

    institution: InstitutionId
    id: str
    """Public pseudonym, unique within the institution."""
    qualification: Qualification
    roles: frozenset[Role]
    categories: frozenset[Category]
    """Registered items (检定项目)."""
    valid_from: date
    """First day on which the registration is as it stands here."""
    valid_until: date
    state: RegisterState
    key: PublicKey | None = None
    """With which this person signs; None: documents name them, and they sign none."""

    @property
    def owner(self) -> str:
        """Return whose key it is, in the register of keys; no organisation can have such an id."""
        return name_person(self.institution, self.id)


def name_person(institution: InstitutionId, person_id: str) -> str:
    """Return how the register of keys names a person: organisations have no slash in their ids."""
    return f"{institution}/{person_id}"


def encode_person_content(content: PersonContent) -> bytes:
    """Return the canonical bytes of a PERSON content."""
    members: JsonObject = {
        "institution": content.institution,
        "id": content.id,
        "qualification": content.qualification.value,
        "roles": [role.value for role in sorted(content.roles)],
        "categories": [category.name for category in sorted(content.categories, key=lambda item: item.name)],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    if content.key is not None:
        members["key"] = content.key.multikey
    return encode_canonical_json(members)


def parse_person_content(raw: bytes) -> PersonContent:
    """Parse a PERSON content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = PersonContent(
        institution=parse_institution_id(reader),
        id=reader.text("id", max_bytes=40, pattern=PERSON_ID_PATTERN),
        qualification=reader.enum("qualification", Qualification),
        roles=parse_set(reader, "roles", Role),
        categories=parse_categories(reader),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
        key=reader.parse("key", parse_multikey) if "key" in reader else None,
    )
    reader.finish()
    check_period(content.valid_from, content.valid_until)
    return content
