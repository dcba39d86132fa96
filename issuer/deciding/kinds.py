"""What an authority registers, kind by kind: names in addresses, events, words, and how a thing is called.

>>> KINDS["standard"].event
<EventType.STANDARD: 40>
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from issuer.rendering.wording import ROLES
from ledger.core.authority import InstitutionContent, encode_institution_content
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId, Subject
from ledger.core.person import PersonContent, encode_person_content
from ledger.core.published_rule import RegulationContent
from ledger.core.register_content import RegisterContent
from ledger.core.register_fields import RegisterState
from ledger.core.register_subject import register_subject
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.standard import (
    MaterialContent,
    StandardContent,
    encode_material_content,
    encode_standard_content,
)
from ledger.core.status import Registers, Version
from ledger.core.step import Sentence
from ledger.core.type_approval import (
    BlockContent,
    TypeApprovalContent,
    encode_block_content,
    encode_type_approval_content,
)

Encode = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of registered things."""

    name: str
    """In addresses."""
    event: EventType
    content: type[RegisterContent]
    title: Sentence
    encode: Encode | None
    """Content -> canonical bytes; None: published rows are not written back."""
    identity: tuple[str, ...]
    """Members that say which thing it is: other ones are another thing."""
    used: str | None = None
    """How `query --used` begins for it; None: documents do not name it."""


def _list_kinds() -> Iterator[Kind]:
    own = ("institution", "id")
    yield Kind(
        "institution",
        EventType.INSTITUTION,
        InstitutionContent,
        Sentence("Institution", "机构"),
        encode_institution_content,
        ("id",),
    )
    yield Kind(
        "scope",
        EventType.SCOPE,
        ScopeContent,
        Sentence("Scope line", "授权项目"),
        encode_scope_content,
        own,
    )
    yield Kind(
        "person",
        EventType.PERSON,
        PersonContent,
        Sentence("Person", "检定人员"),
        encode_person_content,
        own,
        "person",
    )
    yield Kind(
        "standard",
        EventType.STANDARD,
        StandardContent,
        Sentence("Measurement standard", "计量标准"),
        encode_standard_content,
        own,
        "standard",
    )
    yield Kind(
        "material",
        EventType.REFERENCE_MATERIAL,
        MaterialContent,
        Sentence("Reference material", "标准物质"),
        encode_material_content,
        ("id", "lot"),
        "material",
    )
    yield Kind(
        "type-approval",
        EventType.TYPE_APPROVAL,
        TypeApprovalContent,
        Sentence("Type approval", "型式批准"),
        encode_type_approval_content,
        ("number",),
        "type",
    )
    yield Kind(
        "block",
        EventType.BLOCK,
        BlockContent,
        Sentence("Block", "禁止检定"),
        encode_block_content,
        ("id",),
    )
    yield Kind(
        "regulation",
        EventType.REGULATION,
        RegulationContent,
        Sentence("Regulation", "检定规程"),
        None,
        (),
    )


KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _list_kinds()}
"""By their names in addresses, in the order of pages."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A registered thing as it counts on a day."""

    kind: Kind
    subject: Subject
    content: RegisterContent
    registered_by: str
    """Authority or institution; empty where the registers do not say."""
    division: str | None
    """Of its institution; None: it holds for every institution."""

    @property
    def institution(self) -> InstitutionId | None:
        """Return whose it is."""
        found = self.content.id if isinstance(self.content, InstitutionContent) else None
        return cast("InstitutionId | None", found or getattr(self.content, "institution", None))

    @property
    def state(self) -> RegisterState:
        """Return whether it counts."""
        return cast("RegisterState", getattr(self.content, "state"))  # noqa: B009 -- every kind here has it

    @property
    def valid_from(self) -> date | None:
        """Return since when it is as it stands here."""
        return cast("date | None", getattr(self.content, "valid_from", None))

    @property
    def valid_until(self) -> date | None:
        """Return its last day, if it has one."""
        return cast("date | None", getattr(self.content, "valid_until", None))

    @property
    def name(self) -> str:
        """Return by which number or id people know it."""
        match self.content:
            case TypeApprovalContent():
                return self.content.number
            case RegulationContent():
                return self.content.regulation_id
            case MaterialContent():
                return f"{self.content.id} / {self.content.lot}"
            case _:
                return str(getattr(self.content, "id", ""))

    @property
    def words(self) -> Sentence:
        """Return what it is: as it is registered, but for the roles of persons, which have words of ours."""
        match self.content:
            case InstitutionContent():
                name = self.content.name
                return Sentence(name.en or name.zh, name.zh)
            case PersonContent():
                roles = [ROLES[role] for role in sorted(self.content.roles)]
                return Sentence(", ".join(one.en for one in roles), "、".join(one.zh for one in roles))
            case RegulationContent():
                rule = self.content.rule
                return Sentence(rule.name_en or rule.name_zh, rule.name_zh)
            case _:
                text = self._find_text()
                return Sentence(text, text)

    def _find_text(self) -> str:
        match self.content:
            case StandardContent() | MaterialContent():
                return self.content.name
            case TypeApprovalContent() | BlockContent():
                models = ", ".join(sorted(self.content.models))
                return f"{self.content.maker} {models}".strip()
            case ScopeContent():
                return self.content.authorisation_no
            case _:
                return ""

    @property
    def label(self) -> str:
        """Return how decisions name it."""
        whose = "" if self.institution in {None, self.name} else f"{self.institution} "
        return f"{whose}{self.name}"

    @property
    def used(self) -> str | None:
        """Return how to ask which documents name it; None: they name no such thing."""
        if self.kind.used is None:
            return None
        parts = [str(getattr(self.content, name)) for name in self.kind.identity]
        return "/".join([self.kind.used, *parts])

    def list_members(self) -> JsonObject | None:
        """Return its content as it is registered; None: it is not written back."""
        if self.kind.encode is None:
            return None
        return as_object(parse_canonical_json(self.kind.encode(self.content)))


def list_things(registers: Registers, day: date) -> list[Thing]:
    """Return everything that authorities register, as it counts on a day, by kind."""
    found = [
        _make_thing(KINDS["institution"], content, "", registers)
        for content in registers.institutions.values()
    ]
    for versions in registers.versions.values():
        version = _find_on(versions, day)
        if version is None:
            continue
        kind = next((one for one in KINDS.values() if isinstance(version.content, one.content)), None)
        if kind is not None:
            found.append(_make_thing(kind, version.content, version.issuer, registers))
    order = list(KINDS)
    return sorted(found, key=lambda one: (order.index(one.kind.name), str(one.institution or ""), one.name))


def find_thing(registers: Registers, subject: bytes) -> Thing | None:
    """Return the newest version of a registered thing; None: there is none of this subject."""
    versions = registers.versions.get(Subject(subject))
    if versions:
        content, issuer = versions[-1].content, versions[-1].issuer
        for kind in KINDS.values():
            if isinstance(content, kind.content):
                return _make_thing(kind, content, issuer, registers)
        return None
    for institution in registers.institutions.values():
        if register_subject(institution) == subject:
            return _make_thing(KINDS["institution"], institution, "", registers)
    return None


def make_thing(kind: Kind, content: RegisterContent, registers: Registers) -> Thing:
    """Return a thing that is to be registered."""
    return _make_thing(kind, content, "", registers)


def _make_thing(kind: Kind, content: RegisterContent, issuer: str, registers: Registers) -> Thing:
    own = content.id if isinstance(content, InstitutionContent) else getattr(content, "institution", None)
    division = None
    if own is not None:
        registered = registers.institutions.get(own)
        division = "" if registered is None else registered.division
    return Thing(kind, register_subject(content), content, issuer, division)


def _find_on(versions: tuple[Version, ...], day: date) -> Version | None:
    """Return the version that counts on a day; of what has no first day, the newest."""
    for version in reversed(versions):
        begins = getattr(version.content, "valid_from", None)
        if begins is None or begins <= day:
            return version
    return None
