"""A foreign DCC (Digital Calibration Certificate, PTB) as evidence for a measurement standard.

The reader is strict about what it takes: root, version, required members, each once and not empty. It is not the
schema, which is not part of this product; `hengzheng dcc check --xsd FOLDER` asks the schema too. What stands under
a signature is read from the bytes that the signature covers, and from nothing else.

>>> evidence = check_foreign_dcc(raw, trusted, now)
>>> evidence.unique_identifier, evidence.signature.signer
('GP_DCC_temperature_typical_1.2', 'CN=Calibration Lab A1,O=Calibration A GmbH,C=DE')
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from issuer.foreign.dcc_names import ELEMENT_NAMES
from issuer.foreign.revocation import Revocation
from issuer.foreign.safe_xml import Element, parse_safe_xml
from issuer.foreign.signature import Signature, TimeSource, check_signature, find_signatures
from issuer.foreign.x509_chain import TrustedCertificates, refuse_odd_x509
from ledger.core.encoding import parse_date
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import Digest
from ledger.core.step import Sentence
from ledger.core.text import has_forbidden_character

DCC: Final = "https://ptb.de/dcc"
VERSIONS: Final = (
    *("2.1.0", "2.1.1", "2.2.0", "2.3.0", "2.4.0", "3.0.0", "3.1.0"),
    *("3.1.1", "3.1.2", "3.2.0", "3.2.1", "3.3.0"),
)
"""Every released version that this reader knows."""
SIGNABLE_SINCE: Final = "3.2.0"
"""The first version whose schema has a place for a signature."""
UNSIGNED: Final = Sentence(
    "unsigned: nothing proves who wrote it, or that it is unchanged",
    "未签名：无法证明由谁出具，也无法证明未被改动",
)
NOT_LOOKED_AT: Final = Sentence(
    "not looked at: whether a certificate was revoked; the file brings no word of it from that time",
    "未查：签名证书是否已被吊销；文件未附当时的吊销信息",
)
TIME_GIVEN: Final = Sentence(
    "the signature does not say when it was made; judged as of the time that you gave",
    "签名未载明签署时间；按您给出的时间判断",
)
TIME_OF_CHECK: Final = Sentence(
    "the signature does not say when it was made; judged as of now", "签名未载明签署时间；按当前时间判断"
)
MAX_TEXT: Final = 1000
"""Characters of a name or identification."""
MAX_IDENTIFICATIONS: Final = 1000
_NAME: Final = f"{{{DCC}}}"
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
_RINGS: Final = ("administrativeData", "measurementResults")
_PARTS: Final = ("dccSoftware", "coreData", "items", "calibrationLaboratory", "respPersons", "customer")
_TAILS: Final = ("comment", "document")
_NUMBERS: Final = ("real", "hybrid", "complex", "constant", "list", "realListXMLList", "complexListXMLList")


@dataclass(frozen=True, slots=True)
class Identification:
    """How somebody names the calibrated object."""

    issuer: str
    """`manufacturer`, `calibrationLaboratory`, `customer`, `owner` or `other`."""
    value: str
    name: str | None
    """What kind of identification it is, in the document's words."""


@dataclass(frozen=True, slots=True)
class Item:
    """A calibrated object."""

    name: str
    manufacturer: str | None
    model: str | None
    identifications: tuple[Identification, ...]


@dataclass(frozen=True, slots=True)
class ForeignDcc:
    """What a foreign DCC says, and how far it is proved."""

    digest: Digest
    """SHA-256 of the bytes: what a record's `cert_hash` of a standard's instrument holds."""
    version: str
    unique_identifier: str
    laboratory: str
    laboratory_code: str | None
    items: tuple[Item, ...]
    performed_from: date
    performed_until: date
    issued_on: date | None
    replaces: str | None
    """Unique identifier of the certificate that this one replaces."""
    result_count: int
    quantity_count: int
    """How many numbers its results hold: 0 says that nothing can be read from them."""
    signature: Signature | None
    """None: unsigned; nothing proves who wrote it."""
    remarks: tuple[Sentence, ...]
    """What a reader should know and no error is."""


def check_foreign_dcc(
    raw: bytes, trusted: TrustedCertificates, now: datetime, *, signed_at: datetime | None = None
) -> ForeignDcc:
    """Read a foreign DCC and check its signature, if it has one, at its signing time.

    Args:
        raw: the file, at most 8 MiB.
        trusted: roots that the operator named, and certificates between them and signers.
        now: aware; no signature is from later.
        signed_at: aware; when it was signed, for a signature that does not say.

    Raises:
        InputError: not such a document, or not one that can be judged; the member is named.
        VerificationError: signed, and the signature does not hold.
    """
    root = parse_safe_xml(raw)
    version = _read_version(root)
    signature = None
    signatures = find_signatures(root)
    if signatures:
        with refuse_odd_x509("ds:Signature"):
            root, signature = check_signature(root, trusted, now, signed_at=signed_at)
    return _read(root, version, Digest(hashlib.sha256(raw).digest()), signature)


def _read_version(root: Element) -> str:
    if root.tag != f"{_NAME}digitalCalibrationCertificate":
        raise MalformedDocumentError("not a DCC: the root is not dcc:digitalCalibrationCertificate")
    version = root.get("schemaVersion")
    if version not in VERSIONS:
        shown = "none" if version is None else repr(version[:20])
        raise MalformedDocumentError(
            f"version {shown}; known are {VERSIONS[0]} to {VERSIONS[-1]}", field="schemaVersion"
        )
    return str(version)


def _read(root: Element, version: str, digest: Digest, signature: Signature | None) -> ForeignDcc:
    rings = [_take_one(root, name) for name in _RINGS]
    _check_rings(root)
    _check_names(root)
    administrative = rings[0]
    core, items, laboratory = (
        _take_one(administrative, name) for name in ("coreData", "items", "calibrationLaboratory")
    )
    for name in _PARTS:
        _take_one(administrative, name)
    begin, end = (_take_day(core, name) for name in ("beginPerformanceDate", "endPerformanceDate"))
    if end < begin:
        raise MalformedDocumentError("ends before it begins", field="coreData.endPerformanceDate")
    results = _take_some(rings[1], "measurementResult")
    return ForeignDcc(
        digest=digest,
        version=version,
        unique_identifier=_take_text(core, "uniqueIdentifier"),
        laboratory=_take_name(_take_one(laboratory, "contact")),
        laboratory_code=_find_text(laboratory, "calibrationLaboratoryCode"),
        items=tuple(_read_item(item) for item in _take_some(items, "item")),
        performed_from=begin,
        performed_until=end,
        issued_on=_find_day(core, "issueDate"),
        replaces=_find_replaced(core),
        result_count=len(results),
        quantity_count=sum(_count_numbers(result) for result in results),
        signature=signature,
        remarks=tuple(_list_remarks(version, signature)),
    )


def _check_rings(root: Element) -> None:
    """Refuse what a DCC has no place for below its root; comments are nothing."""
    known = {f"{_NAME}{name}" for name in (*_RINGS, *_TAILS)}
    for child in root.iterchildren("*"):
        if child.tag not in known and not child.tag.startswith("{http://www.w3.org/2000/09/xmldsig#}"):
            raise MalformedDocumentError(f"a DCC has no {_shorten(child.tag)} below its root")


def _check_names(root: Element) -> None:
    """Refuse an element that no version of the DCC has."""
    for element in root.iter(f"{_NAME}*"):
        if _shorten(element.tag) not in ELEMENT_NAMES:
            raise MalformedDocumentError(f"no version of the DCC has an element dcc:{_shorten(element.tag)}")


def _list_remarks(version: str, signature: Signature | None) -> Iterator[Sentence]:
    if signature is None:
        yield UNSIGNED
        return
    if signature.revocation is Revocation.NOT_SHOWN:
        yield NOT_LOOKED_AT
    if signature.time_source is TimeSource.OPERATOR:
        yield TIME_GIVEN
    if signature.time_source is TimeSource.CHECK:
        yield TIME_OF_CHECK
    if _order(version) < _order(SIGNABLE_SINCE):
        yield Sentence(
            f"the schema of version {version} has no place for a signature, {SIGNABLE_SINCE} has",
            f"{version} 版的模式没有签名的位置，{SIGNABLE_SINCE} 版起才有",
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# --- members ------------------------------------------------------------------------------------------------


def _read_item(item: Element) -> Item:
    manufacturer = _find_one(item, "manufacturer")
    identified = _take_one(item, "identifications")
    found = _take_some(identified, "identification")
    if len(found) > MAX_IDENTIFICATIONS:
        raise MalformedDocumentError(f"more than {MAX_IDENTIFICATIONS}", field="item.identifications")
    return Item(
        name=_take_name(item),
        manufacturer=None if manufacturer is None else _take_name(manufacturer),
        model=_find_text(item, "model"),
        identifications=tuple(_read_identification(one) for one in found),
    )


def _read_identification(one: Element) -> Identification:
    return Identification(_take_text(one, "issuer"), _take_text(one, "value"), _find_name(one))


def _find_replaced(core: Element) -> str | None:
    replaced = _find_one(core, "reportAmendedSubstituted")
    return None if replaced is None else _take_text(replaced, "replacedUniqueIdentifier")


def _count_numbers(result: Element) -> int:
    wanted = [f"{{https://ptb.de/si}}{name}" for name in _NUMBERS]
    return sum(1 for _ in result.iter(*wanted))


def _take_some(parent: Element, name: str) -> list[Element]:
    found = list(parent.iterchildren(_NAME + name))
    if not found:
        raise MalformedDocumentError("this member is missing", field=f"{_shorten(parent.tag)}.{name}")
    return found


def _take_one(parent: Element, name: str) -> Element:
    found = _take_some(parent, name)
    if len(found) > 1:
        raise MalformedDocumentError(f"stands {len(found)} times", field=f"{_shorten(parent.tag)}.{name}")
    return found[0]


def _find_one(parent: Element, name: str) -> Element | None:
    return _take_one(parent, name) if parent.find(_NAME + name) is not None else None


def _take_name(parent: Element) -> str:
    """Return a name in its first language.

    The content of a name may be empty in another language, not in all.
    """
    name = _find_name(parent)
    if name is None:
        raise MalformedDocumentError("this member is missing", field=f"{_shorten(parent.tag)}.name")
    return name


def _find_name(parent: Element) -> str | None:
    name = _find_one(parent, "name")
    if name is None:
        return None
    field = f"{_shorten(parent.tag)}.name"
    texts = [_read_text(content, field) for content in _take_some(name, "content")]
    return next((text for text in texts if text), None)


def _take_text(parent: Element, name: str) -> str:
    field = f"{_shorten(parent.tag)}.{name}"
    text = _read_text(_take_one(parent, name), field)
    if not text:
        raise MalformedDocumentError("is empty", field=field)
    return text


def _find_text(parent: Element, name: str) -> str | None:
    return None if parent.find(_NAME + name) is None else _take_text(parent, name)


def _read_text(element: Element, field: str) -> str:
    """Return the text of an element that has no children; comments inside do not cut it short."""
    if next(element.iterchildren("*"), None) is not None:
        raise MalformedDocumentError("expected text, not elements", field=field)
    text = "".join(element.xpath("text()"))
    text = " ".join(text.split())
    if len(text) > MAX_TEXT:
        raise MalformedDocumentError(
            f"text of {len(text)} characters, at most {MAX_TEXT} are read", field=field
        )
    if has_forbidden_character(text):
        raise MalformedDocumentError("control or direction characters are not accepted", field=field)
    return text


def _take_day(parent: Element, name: str) -> date:
    field = f"{_shorten(parent.tag)}.{name}"
    found = _DAY.fullmatch(_take_text(parent, name))
    if found is None:
        raise MalformedDocumentError("expected a date as 2026-11-02", field=field)
    try:
        return parse_date(found[1])
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=field) from None


def _find_day(parent: Element, name: str) -> date | None:
    return None if parent.find(_NAME + name) is None else _take_day(parent, name)


def _shorten(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2][:60]
