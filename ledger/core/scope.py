"""SCOPE: one line of a metrological authorisation (计量授权): what, how, where and when an institution may verify.

What a line does not limit it leaves open: a line without `classes` covers every class. A line rests on an
examination of the institution, or on its pledge (告知承诺), which the authority then follows up by a day.

>>> parse_scope_content(encode_scope_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.encoding import encode_decimal
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.record import VerificationKind
from ledger.core.register_fields import (
    RegisterState,
    check_period,
    division_members,
    open_content,
    parse_categories,
    parse_division,
    parse_institution_id,
    parse_set,
    parse_sorted_texts,
)
from ledger.core.unit import Unit, parse_unit


class Basis(StrEnum):
    """What the authority granted a line on."""

    EXAMINED = "examined"
    """On an examination (考核); what no content says otherwise."""
    PLEDGED = "pledged"
    """On the institution's pledge (告知承诺); followed up later."""


@dataclass(frozen=True, slots=True)
class ReadingRange:
    """Between which reference values an institution may verify, both inclusive."""

    lower: Decimal
    upper: Decimal
    unit: Unit


@dataclass(frozen=True, slots=True)
class ScopeContent:
    """One line of an authorisation."""

    institution: InstitutionId
    id: str
    authorisation_no: str
    categories: frozenset[Category]
    kinds: frozenset[VerificationKind]
    division: str
    valid_from: date
    """First day on which the line is as it stands here; earlier days go by the version before."""
    valid_until: date
    state: RegisterState
    classes: frozenset[str] = frozenset()
    """Accuracy classes; empty: any."""
    regulations: frozenset[str] = frozenset()
    """As certificates cite them; empty: any that is in force."""
    range: ReadingRange | None = None
    basis: Basis = Basis.EXAMINED
    follow_up: date | None = None
    """By when a pledge is followed up; set exactly for `PLEDGED`."""


def encode_scope_content(content: ScopeContent) -> bytes:
    """Return the canonical bytes of a SCOPE content."""
    members: JsonObject = {
        "institution": content.institution,
        "id": content.id,
        "authorisation_no": content.authorisation_no,
        "categories": [category.name for category in sorted(content.categories, key=lambda item: item.name)],
        "kinds": [kind.value for kind in sorted(content.kinds)],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    return encode_canonical_json(members | division_members(content.division) | _limit_members(content))


def _limit_members(content: ScopeContent) -> JsonObject:
    members: JsonObject = {}
    if content.classes:
        members["classes"] = [*sorted(content.classes)]
    if content.regulations:
        members["regulations"] = [*sorted(content.regulations)]
    if content.range is not None:
        members["range"] = {
            "lower": encode_decimal(content.range.lower),
            "upper": encode_decimal(content.range.upper),
            "unit": content.range.unit.code,
        }
    if content.follow_up is not None:
        members |= {"basis": content.basis.value, "follow_up": content.follow_up.isoformat()}
    return members


def parse_scope_content(raw: bytes) -> ScopeContent:
    """Parse a SCOPE content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    basis, follow_up = _parse_basis(reader)
    content = ScopeContent(
        institution=parse_institution_id(reader),
        id=reader.text("id", max_bytes=12, pattern=ID_PATTERN),
        authorisation_no=reader.text("authorisation_no", max_bytes=120),
        categories=parse_categories(reader),
        kinds=parse_set(reader, "kinds", VerificationKind),
        division=parse_division(reader),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
        classes=_parse_texts(reader, "classes"),
        regulations=_parse_texts(reader, "regulations"),
        range=_parse_range(reader.opt_object("range")),
        basis=basis,
        follow_up=follow_up,
    )
    reader.finish()
    check_period(content.valid_from, content.valid_until)
    return content


def _parse_texts(reader: Reader, name: str) -> frozenset[str]:
    return frozenset(parse_sorted_texts(reader, name)) if name in reader else frozenset()


def _parse_basis(reader: Reader) -> tuple[Basis, date | None]:
    """Return what a line rests on; an examination has one spelling only: no member."""
    follow_up = reader.opt_date("follow_up")
    basis = reader.opt_enum("basis", Basis)
    if basis is Basis.EXAMINED:
        reader.refuse("basis", "an examination goes without saying")
    if (basis is None) != (follow_up is None):
        reader.refuse("follow_up", "a pledge, and nothing else, is followed up by a day")
    return basis or Basis.EXAMINED, follow_up


def _parse_range(reader: Reader | None) -> ReadingRange | None:
    if reader is None:
        return None
    unit = parse_unit(reader.text("unit", max_bytes=16), field=reader.path_of("unit"))
    found = ReadingRange(reader.decimal("lower"), reader.decimal("upper"), unit)
    reader.finish()
    if found.upper < found.lower:
        raise MalformedDocumentError("ends below where it begins", field="content.range.upper")
    return found
