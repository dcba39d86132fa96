"""STANDARD and REFERENCE_MATERIAL: what an institution measures with, and where its values come from.

A measurement standard (计量标准) is examined by an authority, and may be public (社会公用计量标准). Each of its
main instruments names the certificate that attests it and where that certificate comes from: another standard in
this log, or an external root of traceability. Following these links leads to a primary standard or to such a
root; `core.traceability` walks them.

>>> parse_standard_content(encode_standard_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.encoding import encode_hex
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import Digest, InstitutionId
from ledger.core.register_fields import (
    RegisterState,
    check_period,
    open_content,
    parse_categories,
    parse_institution_id,
    parse_yes,
)

MAX_MAIN_INSTRUMENTS = 64


@dataclass(frozen=True, slots=True)
class StandardReference:
    """A measurement standard in this log."""

    institution: InstitutionId
    id: str


@dataclass(frozen=True, slots=True)
class MainInstrument:
    """A main instrument (主标准器) and the certificate that attests it."""

    no: str
    certificate_no: str
    certificate_digest: Digest | None
    """32 bytes over the certificate; None: known by its number only, which shows nothing."""
    dated: date
    """When that certificate's verification or calibration was made."""
    until: date
    source: "StandardReference | str | None"
    """The standard that it was compared with; or the name of an external root; None: not stated."""


@dataclass(frozen=True, slots=True)
class StandardContent:
    """A measurement standard of an institution."""

    institution: InstitutionId
    id: str
    name: str
    examination_no: str
    """Certificate of its examination (计量标准考核证书)."""
    public_no: str | None
    """Its certificate as a public standard (社会公用计量标准证书)."""
    is_mandatory: bool
    """Whether an authority has expressly authorised it for mandatory verification without being public."""
    is_primary: bool
    """A primary standard (国家计量基准): the end of every chain."""
    categories: frozenset[Category]
    range: str
    uncertainty: str
    """As the examination certificate states it, with its coverage factor."""
    instruments: tuple[MainInstrument, ...]
    valid_from: date
    """First day on which the standard is as it stands here."""
    valid_until: date
    state: RegisterState

    @property
    def reference(self) -> StandardReference:
        """Return what others name it by."""
        return StandardReference(self.institution, self.id)


@dataclass(frozen=True, slots=True)
class MaterialContent:
    """A lot of a certified reference material (有证标准物质)."""

    id: str
    """GBW or GBW(E) number."""
    lot: str
    name: str
    value: str
    """Certified value with its uncertainty, as the certificate states it."""
    valid_from: date
    """First day on which the lot is as it stands here."""
    valid_until: date
    state: RegisterState


def encode_standard_content(content: StandardContent) -> bytes:
    """Return the canonical bytes of a STANDARD content."""
    members: JsonObject = {
        "institution": content.institution,
        "id": content.id,
        "name": content.name,
        "exam_no": content.examination_no,
        "categories": [category.name for category in sorted(content.categories, key=lambda item: item.name)],
        "range": content.range,
        "u": content.uncertainty,
        "instruments": [_encode_instrument(instrument) for instrument in content.instruments],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    if content.public_no is not None:
        members["public_no"] = content.public_no
    if content.is_mandatory:
        members["mandatory"] = True
    if content.is_primary:
        members["primary"] = True
    return encode_canonical_json(members)


def parse_standard_content(raw: bytes) -> StandardContent:
    """Parse a STANDARD content.

    Raises:
        InputError: not such a content, or two instruments have one number.
    """
    reader = open_content(raw)
    content = StandardContent(
        institution=parse_institution_id(reader),
        id=reader.text("id", max_bytes=64),
        name=reader.text("name", max_bytes=200),
        examination_no=reader.text("exam_no", max_bytes=120),
        public_no=reader.opt_text("public_no", max_bytes=120),
        is_mandatory=parse_yes(reader, "mandatory"),
        is_primary=parse_yes(reader, "primary"),
        categories=parse_categories(reader),
        range=reader.text("range", max_bytes=200),
        uncertainty=reader.text("u", max_bytes=200),
        instruments=tuple(
            _parse_instrument(item) for item in reader.objects("instruments", most=MAX_MAIN_INSTRUMENTS)
        ),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    check_period(content.valid_from, content.valid_until)
    numbers = [instrument.no for instrument in content.instruments]
    if len(set(numbers)) != len(numbers):
        raise MalformedDocumentError("two instruments have the same number", field="content.instruments")
    return content


def encode_material_content(content: MaterialContent) -> bytes:
    """Return the canonical bytes of a REFERENCE_MATERIAL content."""
    return encode_canonical_json(
        {
            "id": content.id,
            "lot": content.lot,
            "name": content.name,
            "value": content.value,
            "from": content.valid_from.isoformat(),
            "until": content.valid_until.isoformat(),
            "state": content.state.value,
        }
    )


def parse_material_content(raw: bytes) -> MaterialContent:
    """Parse a REFERENCE_MATERIAL content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = MaterialContent(
        id=reader.text("id", max_bytes=64),
        lot=reader.text("lot", max_bytes=64),
        name=reader.text("name", max_bytes=200),
        value=reader.text("value", max_bytes=200),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    check_period(content.valid_from, content.valid_until)
    return content


def _encode_instrument(instrument: MainInstrument) -> JsonObject:
    members: JsonObject = {
        "no": instrument.no,
        "cert_no": instrument.certificate_no,
        "dated": instrument.dated.isoformat(),
        "until": instrument.until.isoformat(),
    }
    if instrument.certificate_digest is not None:
        members["cert_hash"] = encode_hex(instrument.certificate_digest)
    if isinstance(instrument.source, StandardReference):
        members["source"] = {"institution": instrument.source.institution, "standard": instrument.source.id}
    elif instrument.source is not None:
        members["source"] = {"root": instrument.source}
    return members


def _parse_instrument(reader: Reader) -> MainInstrument:
    digest = reader.opt_hex("cert_hash", 32)
    instrument = MainInstrument(
        no=reader.text("no", max_bytes=64),
        certificate_no=reader.text("cert_no", max_bytes=120),
        certificate_digest=None if digest is None else Digest(digest),
        dated=reader.date("dated"),
        until=reader.date("until"),
        source=_parse_source(reader.opt_object("source")),
    )
    reader.finish()
    if instrument.source is not None and digest is None:
        reader.refuse("cert_hash", "needed, as a source without the digest of its certificate shows nothing")
    return instrument


def _parse_source(reader: Reader | None) -> StandardReference | str | None:
    if reader is None:
        return None
    if "root" in reader:
        found: StandardReference | str = reader.text("root", max_bytes=64)
    else:
        found = StandardReference(parse_institution_id(reader), reader.text("standard", max_bytes=64))
    reader.finish()
    return found
