r"""A published certificate as DCC 3.3.0 XML (Digital Calibration Certificate, PTB): a rendering, never the norm.

The sealed certificate travels inside, byte for byte, with its SHA-256, so that a reader can go back to what was
signed; where the two differ the certificate decides. Equal input gives equal bytes. What the DCC has no place for
(valid until, scope of the authorisation, seals, lot) stands in statements and identifications with a refType of
this product, `hengzheng_…`; `issuer/README.md` has the table. Personal members are in the holder's copy only, which
is made with the disclosure of the document.

>>> render_dcc(parse_certificate(raw))
b'<?xml version=\'1.0\' encoding=\\'UTF-8\\'?>\n<dcc:digitalCalibrationCertificate …'
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from issuer.rendering.dcc_items import build_item
from issuer.rendering.dcc_personal import Personal, build_party, read_personal
from issuer.rendering.dcc_results import build_measurement_results, list_foreign_units
from issuer.rendering.dcc_words import (
    CALIBRATOR,
    CONCLUSIONS,
    CONFORMITIES,
    DECISION_RULES,
    DOCUMENTS,
    KINDS,
    NEXT_CALIBRATION,
    NO_CONFORMITY,
    NON_SI,
    NOT_DISCLOSED,
    ROLES,
    UNTIL,
)
from issuer.rendering.dcc_xml import DCC, XSI, Element, dcc, identification, listed, own, text
from ledger.core.canonical import JsonValue
from ledger.core.certificate import Certificate
from ledger.core.comparison import compute_normalised_error
from ledger.core.disclosure import Disclosure, encode_disclosure
from ledger.core.encoding import encode_date, encode_decimal, encode_hex, encode_instant
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.policy import DEFAULT_ZONE
from ledger.core.record import PlaceKind, Record, Role, Signatory
from ledger.core.rules import find_issued_on
from ledger.core.statement import Conclusion, DocumentKind
from ledger.core.step import Sentence

SCHEMA_VERSION: Final = "3.3.0"
RELEASE: Final = "v1"
"""Of this rendering: goes up when the XML of one and the same certificate changes."""
MEANING: Final = "urn:x-hengzheng:dcc:1"
"""Names this product's refTypes; a name, nothing to fetch."""
_COUNTRY: Final = "CN"
_LOCATIONS: Final = {PlaceKind.LABORATORY: "laboratory", PlaceKind.ON_SITE: "customer"}
_ZONE: Final = ZoneInfo(DEFAULT_ZONE)
_NOT_IN_XML: Final = re.compile("[\ufffe\uffff]")
"""The only characters that a certificate may hold and XML 1.0 may not (§2.2)."""


def render_dcc(
    certificate: Certificate, disclosure: Disclosure | None = None, zone: ZoneInfo = _ZONE
) -> bytes:
    """Return a certificate as DCC XML, UTF-8.

    Args:
        certificate: as published; its bytes are embedded.
        disclosure: the personal members, for the holder's copy; None for everybody's.
        zone: whose calendar days count, where the approver's signature says the day of issue.

    Raises:
        VerificationError: the disclosure is not of this certificate.
        InputError: a text holds U+FFFE or U+FFFF, which XML cannot; the member is named. Or what it renders is
            an entry from paper.
    """
    if certificate.record.document_kind is DocumentKind.PAPER:
        raise InputError("an entry from paper is no certificate, and has no DCC", field="doc_type")
    personal = read_personal(certificate, disclosure)
    _check_characters(certificate.document["credentialSubject"], "")
    _check_characters(dict(personal.values), "disclosure")
    root = dcc(
        "digitalCalibrationCertificate",
        _build_administrative_data(certificate, personal, disclosure, zone),
        build_measurement_results(certificate.record),
        schemaVersion=SCHEMA_VERSION,
    )
    root.set(f"{{{XSI}}}schemaLocation", f"{DCC} {DCC}/v{SCHEMA_VERSION}/dcc.xsd")
    etree.cleanup_namespaces(root, keep_ns_prefixes=["dcc", "si", "xsi"])
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _check_characters(value: JsonValue, path: str) -> None:
    """Refuse what cannot be written: nothing is left out or replaced silently."""
    if isinstance(value, dict):
        for name, member in value.items():
            _check_characters(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check_characters(item, f"{path}[{number}]")
    elif isinstance(value, str) and (found := _NOT_IN_XML.search(value)):
        raise MalformedDocumentError(f"XML cannot hold the character U+{ord(found[0]):04X}", field=path)


def _build_administrative_data(
    certificate: Certificate, personal: Personal, disclosure: Disclosure | None, zone: ZoneInfo
) -> Element:
    record = certificate.record
    return dcc(
        "administrativeData",
        _build_software(),
        _build_definitions(),
        _build_core_data(certificate, zone),
        dcc("items", build_item(record, personal)),
        _build_laboratory(record),
        dcc("respPersons", *_build_persons(record, personal)),
        build_party("customer", personal, "applicant", is_there=record.applicant is not None),
        dcc("statements", *_build_statements(certificate, personal, disclosure)),
    )


def _build_software() -> Element:
    software = dcc("software", text("name", "hengzheng"), dcc("release", RELEASE), dcc("type", "application"))
    return dcc("dccSoftware", software)


def _build_definitions() -> Element:
    """Say whose refTypes these are."""
    return dcc(
        "refTypeDefinitions",
        dcc(
            "refTypeDefinition",
            text("name", Sentence("Terms of the Hengzheng verification record", "衡证检定记录术语")),
            dcc("namespace", "hengzheng"),
            dcc("link", MEANING),
        ),
    )


def _build_core_data(certificate: Certificate, zone: ZoneInfo) -> Element:
    record, day = certificate.record, encode_date(certificate.record.verified_on)
    issued_on = find_issued_on(record, zone)
    return dcc(
        "coreData",
        dcc("countryCodeISO3166_1", _COUNTRY),
        dcc("usedLangCodeISO639_1", "zh"),
        dcc("usedLangCodeISO639_1", "en"),
        dcc("mandatoryLangCodeISO639_1", "zh"),
        dcc("uniqueIdentifier", record.number),
        dcc("identifications", *_identify(certificate)),
        dcc("beginPerformanceDate", day),
        dcc("endPerformanceDate", day),
        _build_location(record.place),
        None if issued_on is None else dcc("issueDate", encode_date(issued_on)),
        _build_replacement(record),
    )


def _identify(certificate: Certificate) -> Iterator[Element | None]:
    record = certificate.record
    yield identification("documentType", record.document_type, DOCUMENTS[record.document_type])
    yield identification("verificationKind", record.kind, KINDS[record.kind])
    yield identification(
        "certificateDigest",
        encode_hex(certificate.digest),
        Sentence("SHA-256 of the sealed certificate", "已签章证书的 SHA-256"),
        by="other",
    )
    yield identification(
        "institution", record.issuer.id, Sentence("Institution in the ledger", "账本中的机构编号"), by="other"
    )
    yield identification(
        "scopeLine", record.issuer.scope_id, Sentence("Line of the authorisation", "授权项目")
    )
    if record.lot is not None:
        yield identification("lotNo", record.lot.no, Sentence("Lot", "批号"))
        yield identification("lotSize", str(record.lot.size), Sentence("Instruments in the lot", "批量"))
    commission = Sentence("Commission of the arbitration", "仲裁检定委托文号")
    yield identification("commissionNo", record.commission_no, commission, by="other")
    yield identification("stickerId", record.sticker_id, Sentence("Sticker", "检定标志编号"))
    if record.raw_record is not None:
        yield identification("rawRecordNo", record.raw_record.no, Sentence("Technical record", "原始记录号"))
        if record.raw_record.digest is not None:
            name = Sentence("SHA-256 of the technical record", "原始记录的 SHA-256")
            yield identification("rawRecordDigest", encode_hex(record.raw_record.digest), name)


def _build_location(place: PlaceKind | None) -> Element:
    """Return where it was done; a record that does not say is `other`, and marked."""
    if place is None:
        return dcc("performanceLocation", "other", ref_type=own("notStated"))
    return dcc("performanceLocation", _LOCATIONS[place])


def _build_replacement(record: Record) -> Element | None:
    if record.replaces is None:
        return None
    return dcc(
        "reportAmendedSubstituted",
        dcc("typeOfChange", "substituted"),
        dcc("replacedUniqueIdentifier", record.replaces.number),
    )


def _build_laboratory(record: Record) -> Element:
    contact = dcc("contact", text("name", record.issuer.name), dcc("location", dcc("countryCode", _COUNTRY)))
    code = dcc("calibrationLaboratoryCode", record.issuer.authorisation_no)
    return dcc("calibrationLaboratory", code, contact)


# --- persons ------------------------------------------------------------------------------------------------


def _build_persons(record: Record, personal: Personal) -> Iterator[Element]:
    """Yield who answers for the document; the institution itself where the record names nobody."""
    calibrates = record.document_kind is DocumentKind.CALIBRATION
    for number, person in enumerate(record.persons):
        role = CALIBRATOR if calibrates and person.role is Role.OPERATOR else ROLES[person.role]
        yield _build_person(person, role, personal.find_text(f"persons.{number}.name"))
    if not record.persons:
        yield dcc(
            "respPerson",
            dcc("person", text("name", record.issuer.name)),
            dcc("role", "检定机构"),
            dcc("mainSigner", "true"),
        )


def _build_person(person: Signatory, role: Sentence, name: str | None) -> Element:
    """Return a person: by name in the holder's copy, else by the public pseudonym."""
    instant = "-" if person.signed_at is None else encode_instant(person.signed_at)
    said = Sentence(
        f"{role.en} {person.person_id}, signed at {instant}",
        f"{role.zh} {person.person_id}，签名时间 {instant}",
    )
    return dcc(
        "respPerson",
        dcc("person", text("name", person.person_id if name is None else name)),
        text("description", said),
        dcc("role", role.zh),
        dcc("mainSigner", "true") if person.role is Role.APPROVER else None,
        ref_type=own(person.role),
    )


# --- statements ---------------------------------------------------------------------------------------------


def _build_statements(
    certificate: Certificate, personal: Personal, disclosure: Disclosure | None
) -> Iterator[Element | None]:
    record = certificate.record
    if record.document_kind is DocumentKind.CALIBRATION:
        yield _state_conformity(record)
        yield _state_next_calibration(record)
        yield from _state_comparisons(record)
    else:
        yield _state_conclusion(record)
        yield _state_validity(record)
    adjusted = Sentence("Adjusted", "已调修") if record.adjusted else Sentence("Not adjusted", "未调修")
    yield _state("adjustment", Sentence("Adjustment", "调修"), adjusted)
    if record.replaces is not None:
        reason = Sentence(
            f"It replaces {record.replaces.number}; reason {record.replaces.reason}",
            f"代替证书 {record.replaces.number}，原因 {record.replaces.reason}",
        )
        yield _state("replacement", Sentence("Replacement", "换发"), reason)
        if record.replaces.changed:
            listed = ", ".join(record.replaces.changed)
            yield _state("changed", Sentence("Changed members", "更改的内容"), Sentence(listed, listed))
    where = personal.find_text("place.where")
    if where is not None:
        yield _state("place", Sentence("Place of the verification", "检定地点"), Sentence(where, where))
    yield from (_define_unit(unit) for unit in list_foreign_units(record))
    yield _state("scope", Sentence("Reach", "适用范围"), _REACH)
    if disclosure is None:
        yield _state("publicCopy", Sentence("Personal members", "个人信息"), _PUBLIC_COPY)
    yield _embed_certificate(certificate, disclosure)


_REACH: Final = Sentence(
    "Holds for the instrument described only. To be copied whole or not at all.",
    "仅对所检器具有效；部分复制无效。",
)
_PUBLIC_COPY: Final = Sentence(
    f"Applicant, owner, addresses and names of persons are {NOT_DISCLOSED.en}; the certificate commits to them.",
    f"委托方、使用单位、地址和人员姓名{NOT_DISCLOSED.zh}；证书内含其承诺值。",
)
_ORIGINAL: Final = Sentence(
    "This XML renders the sealed certificate embedded here. That certificate decides; check it with the ledger.",
    "本 XML 为所嵌已签章证书的另一种表示；以该证书为准，并以账本核验。",
)


def _state(ref_type: str, name: Sentence, words: Sentence, *members: Element | None) -> Element:
    return dcc("statement", text("name", name), text("declaration", words), *members, ref_type=own(ref_type))


def _state_conformity(record: Record) -> Element:
    """Return the conclusion of a calibration with its decision rule; the DCC has no word for an undecided one."""
    name, rule = Sentence("Statement of conformity", "符合性结论"), record.decision_rule
    if record.conclusion is None or rule is None:
        return _state("conformity", name, NO_CONFORMITY)
    words, by = CONFORMITIES[record.conclusion], DECISION_RULES[rule.rule]
    guard = "" if rule.guard_factor is None else f" w={encode_decimal(rule.guard_factor)}U"
    said = Sentence(
        f"{words.en}; {by.en}{guard}; {rule.requirement}", f"{words.zh}；{by.zh}{guard}；{rule.requirement}"
    )
    if record.conclusion is Conclusion.CONDITIONAL:
        return _state("conformity", name, said)
    return dcc(
        "statement",
        text("name", name),
        text("declaration", said),
        dcc("conformity", "pass" if record.conclusion is Conclusion.PASS else "fail"),
        ref_type="basic_conformity",
    )


def _state_next_calibration(record: Record) -> Element | None:
    """Return the date that the customer has agreed on; without one nothing is recommended."""
    if record.validity.until is None:
        return None
    day = encode_date(record.validity.until)
    words = Sentence(f"{NEXT_CALIBRATION.en} {day}", f"{NEXT_CALIBRATION.zh} {day}")
    return _state("nextCalibration", Sentence("Next calibration", "复校日期"), words, dcc("date", day))


def _state_comparisons(record: Record) -> Iterator[Element]:
    for item in record.comparisons:
        own_value, reference = (
            f"({encode_decimal(value)} ± {encode_decimal(uncertainty)}) {item.unit.symbol}"
            for value, uncertainty in (item.own, item.reference)
        )
        error = encode_decimal(compute_normalised_error(item.own, item.reference))
        words = Sentence(
            f"{own_value}; reference {reference}; En {error}", f"{own_value}；参考值{reference}；En {error}"
        )
        yield _state("comparison", Sentence(item.name, item.name), words)


def _state_conclusion(record: Record) -> Element:
    words = CONCLUSIONS[record.conclusion or Conclusion.FAIL]
    if record.class_awarded is not None:
        words = Sentence(f"{words.en}: {record.class_awarded}", f"{words.zh}：{record.class_awarded}")
    regulation = record.regulation
    passed = record.conclusion is Conclusion.PASS
    return dcc(
        "statement",
        text("name", Sentence("Conclusion of the verification", "检定结论")),
        None if regulation is None else dcc("norm", regulation.id),
        text("declaration", words),
        dcc("conformity", "pass" if passed else "fail"),
        ref_type="basic_conformity",
    )


def _state_validity(record: Record) -> Element:
    """Return until when the document may be used; the day itself counts."""
    validity = record.validity
    words = UNTIL[validity.kind]
    if validity.until is not None:
        day = encode_date(validity.until)
        words = Sentence(f"{words.en} {day}", f"{words.zh} {day}")
    if validity.reason is not None:
        words = Sentence(f"{words.en} ({validity.reason})", f"{words.zh}（{validity.reason}）")
    until = None if validity.until is None else dcc("date", encode_date(validity.until))
    return _state("validity", Sentence("Validity", "有效期"), words, until)


def _define_unit(unit: str) -> Element:
    """Define a unit that D-SI has no form for."""
    return dcc(
        "statement",
        text("name", NON_SI[unit]),
        dcc("nonSIDefinition", f"{NON_SI[unit].zh} / {NON_SI[unit].en}"),
        dcc("nonSIUnit", f"|{unit}"),
        ref_type=own("unit"),
    )


def _embed_certificate(certificate: Certificate, disclosure: Disclosure | None) -> Element:
    """Return the sealed certificate as it is, and in the holder's copy what discloses its personal members."""
    return dcc(
        "statement",
        text("name", Sentence("The sealed certificate", "已签章证书")),
        dcc("reference", f"sha-256:{encode_hex(certificate.digest)}"),
        text("declaration", _ORIGINAL),
        listed(
            "data",
            _embed("certificate.json", certificate.raw),
            None if disclosure is None else _embed("disclosure.json", encode_disclosure(disclosure)),
        ),
        ref_type=own("sealedCertificate"),
    )


def _embed(name: str, content: bytes) -> Element:
    return dcc(
        "byteData",
        dcc("fileName", name),
        dcc("mimeType", "application/json"),
        dcc("dataBase64", b64encode(content).decode()),
    )
