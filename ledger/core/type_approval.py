"""TYPE_APPROVAL and BLOCK: which types of instruments may be verified, and what must not be any more.

A type approval (型式批准, CPA) says who makes which models of which category, with which legally relevant software.
To block an approval, its authority registers it anew as suspended or withdrawn. A block stops what a maker has
made: everything, certain models, or certain serial numbers (three of the ways in which cheating instruments are
found). Every block touches a subject of its maker, so that the status map shows that there is none.

>>> parse_block_content(encode_block_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date

from ledger.core.act import Decision, encode_decision, parse_decision
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.encoding import encode_hex
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN
from ledger.core.record import Software
from ledger.core.record_parsing import parse_software
from ledger.core.register_fields import (
    RegisterState,
    open_content,
    parse_open_period,
    parse_sorted_texts,
    period_members,
)

MAX_SERIALS = 1000
"""In one block; a longer list is several blocks."""
MAX_SOFTWARE = 64


@dataclass(frozen=True, slots=True)
class TypeApprovalContent:
    """An approved type."""

    number: str
    """CPA number, as `2018F258-32`: text, its forms are many."""
    category: Category
    maker: str
    models: frozenset[str]
    """Empty: every model that bears the number."""
    software: tuple[Software, ...]
    """Legally relevant software that was examined with the type; without a digest any build of that name. Empty:
    the approval names none."""
    oiml: str | None
    """Number of the OIML certificate that was recognised."""
    valid_from: date
    """First day on which the approval is as it stands here."""
    valid_until: date | None
    state: RegisterState


@dataclass(frozen=True, slots=True)
class BlockContent:
    """What must not be verified any more: a maker's instruments, all or some."""

    id: str
    maker: str
    models: frozenset[str]
    """Empty: any model."""
    serials: frozenset[str]
    """Empty: any serial number."""
    valid_from: date
    """First day on which the block is as it stands here."""
    state: RegisterState
    """Active: blocked; withdrawn: lifted."""
    decision: Decision

    def covers(self, model: str | None, serial: str) -> bool:
        """Say whether an instrument of this maker is meant; one without a model is meant by every model's block."""
        fits_model = not self.models or model is None or model in self.models
        return fits_model and (not self.serials or serial in self.serials)


def encode_type_approval_content(content: TypeApprovalContent) -> bytes:
    """Return the canonical bytes of a TYPE_APPROVAL content."""
    members: JsonObject = {
        "number": content.number,
        "category": content.category.name,
        "maker": content.maker,
        "state": content.state.value,
    }
    if content.models:
        members["models"] = [*sorted(content.models)]
    if content.software:
        members["software"] = [_encode_software(software) for software in content.software]
    if content.oiml is not None:
        members["oiml"] = content.oiml
    return encode_canonical_json(members | period_members(content.valid_from, content.valid_until))


def parse_type_approval_content(raw: bytes) -> TypeApprovalContent:
    """Parse a TYPE_APPROVAL content.

    Raises:
        InputError: not such a content, or it names a software twice.
    """
    reader = open_content(raw)
    valid_from, valid_until = parse_open_period(reader)
    content = TypeApprovalContent(
        number=reader.text("number", max_bytes=64),
        category=parse_category(reader.text("category", max_bytes=40), "content.category"),
        maker=reader.text("maker", max_bytes=200),
        models=_parse_texts(reader, "models"),
        software=tuple(
            parse_software(item) for item in reader.opt_objects("software", least=1, most=MAX_SOFTWARE) or ()
        ),
        oiml=reader.opt_text("oiml", max_bytes=64),
        valid_from=valid_from,
        valid_until=valid_until,
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    if len(set(content.software)) != len(content.software):
        raise MalformedDocumentError("names a software twice", field="content.software")
    return content


def encode_block_content(content: BlockContent) -> bytes:
    """Return the canonical bytes of a BLOCK content."""
    members: JsonObject = {
        "id": content.id,
        "maker": content.maker,
        "from": content.valid_from.isoformat(),
        "state": content.state.value,
        "decision": encode_decision(content.decision),
    }
    if content.models:
        members["models"] = [*sorted(content.models)]
    if content.serials:
        members["serials"] = [*sorted(content.serials)]
    return encode_canonical_json(members)


def parse_block_content(raw: bytes) -> BlockContent:
    """Parse a BLOCK content.

    Raises:
        InputError: not such a content, or it names no decision.
    """
    reader = open_content(raw)
    decision = parse_decision(reader.object("decision"))
    content = BlockContent(
        id=reader.text("id", max_bytes=12, pattern=ID_PATTERN),
        maker=reader.text("maker", max_bytes=200),
        models=_parse_texts(reader, "models"),
        serials=_parse_texts(reader, "serials", most=MAX_SERIALS),
        valid_from=reader.date("from"),
        state=reader.enum("state", RegisterState),
        decision=decision,
    )
    reader.finish()
    return content


def _parse_texts(reader: Reader, name: str, most: int = 256) -> frozenset[str]:
    return (
        frozenset(parse_sorted_texts(reader, name, max_bytes=200, most=most))
        if name in reader
        else frozenset()
    )


def _encode_software(software: Software) -> JsonObject:
    if software.digest is None:
        return {"id": software.id}
    return {"id": software.id, "hash": encode_hex(software.digest)}
