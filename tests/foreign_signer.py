"""A laboratory abroad, its certification authorities and a time-stamping authority.

Made by hand, so that a test can make any of them wrong.

check_foreign_dcc(sign(), trust(ROOT), NOW)
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from issuer.foreign.x509_chain import TrustedCertificates

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ENVELOPED = f"{DS}enveloped-signature"
PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"

BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SIGNED_AT = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
"""Long after every certificate has ended."""

DCC = b"""<?xml version="1.0" encoding="UTF-8"?>
<dcc:digitalCalibrationCertificate
    xmlns:dcc="https://ptb.de/dcc" xmlns:si="https://ptb.de/si" schemaVersion="3.3.0">
  <dcc:administrativeData>
    <dcc:dccSoftware><dcc:software>
      <dcc:name><dcc:content>x</dcc:content></dcc:name><dcc:release>v1</dcc:release>
    </dcc:software></dcc:dccSoftware>
    <dcc:coreData>
      <dcc:countryCodeISO3166_1>DE</dcc:countryCodeISO3166_1>
      <dcc:usedLangCodeISO639_1>en</dcc:usedLangCodeISO639_1>
      <dcc:mandatoryLangCodeISO639_1>en</dcc:mandatoryLangCodeISO639_1>
      <dcc:uniqueIdentifier>LAB-7</dcc:uniqueIdentifier>
      <dcc:beginPerformanceDate>2025-05-30</dcc:beginPerformanceDate>
      <dcc:endPerformanceDate>2025-05-31</dcc:endPerformanceDate>
      <dcc:performanceLocation>laboratory</dcc:performanceLocation>
      <dcc:issueDate>2025-06-01</dcc:issueDate>
    </dcc:coreData>
    <dcc:items><dcc:item>
      <dcc:name><dcc:content lang="en">Weight 1 kg</dcc:content></dcc:name>
      <dcc:manufacturer><dcc:name><dcc:content>Weights Ltd</dcc:content></dcc:name></dcc:manufacturer>
      <dcc:model>E2</dcc:model>
      <dcc:identifications><dcc:identification>
        <dcc:issuer>manufacturer</dcc:issuer><dcc:value>W-17</dcc:value>
        <dcc:name><dcc:content>serial</dcc:content></dcc:name>
      </dcc:identification></dcc:identifications>
    </dcc:item></dcc:items>
    <dcc:calibrationLaboratory><dcc:calibrationLaboratoryCode>D-K-1</dcc:calibrationLaboratoryCode>
      <dcc:contact><dcc:name><dcc:content>Laboratory A</dcc:content></dcc:name>
      <dcc:location><dcc:city>X</dcc:city></dcc:location></dcc:contact>
    </dcc:calibrationLaboratory>
    <dcc:respPersons><dcc:respPerson>
      <dcc:person><dcc:name><dcc:content>P</dcc:content></dcc:name></dcc:person>
    </dcc:respPerson></dcc:respPersons>
    <dcc:customer><dcc:name><dcc:content>C</dcc:content></dcc:name>
      <dcc:location><dcc:city>X</dcc:city></dcc:location></dcc:customer>
  </dcc:administrativeData>
  <dcc:measurementResults><dcc:measurementResult>
    <dcc:name><dcc:content>mass</dcc:content></dcc:name>
    <dcc:results><dcc:result><dcc:name><dcc:content>mass</dcc:content></dcc:name><dcc:data><dcc:quantity>
      <si:real><si:value>1.0000003</si:value><si:unit>\\kilogram</si:unit></si:real>
    </dcc:quantity></dcc:data></dcc:result></dcc:results>
  </dcc:measurementResult></dcc:measurementResults>
</dcc:digitalCalibrationCertificate>
"""


def make_key(name):
    """Return the same key for the same name, always."""
    secret = int.from_bytes(hashlib.sha256(b"test x509 " + name.encode()).digest()) >> 1
    return ec.derive_private_key(secret, ec.SECP256R1())


def make_name(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def usage(**said):
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    )
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: said.get(name, False) for name in names})


@dataclass(frozen=True)
class Party:
    """Somebody with a key and a certificate."""

    name: str
    issuer: "Party | None" = None
    ca: bool = False
    path_length: int | None = None
    key_usage: x509.KeyUsage | None = None
    extended: tuple = ()
    extra: tuple = ()
    begin: datetime = BEGIN
    end: datetime = END
    key_name: str = ""

    @cached_property
    def key(self):
        return make_key(self.key_name or self.name)

    @cached_property
    def certificate(self):
        issuer = self.issuer or self
        builder = x509.CertificateBuilder(make_name(issuer.name), make_name(self.name), self.key.public_key())
        number = int.from_bytes(hashlib.sha256(repr((self.name, self.begin)).encode()).digest()[:8]) | 1
        builder = builder.serial_number(number).not_valid_before(self.begin).not_valid_after(self.end)
        builder = builder.add_extension(x509.BasicConstraints(self.ca, self.path_length), critical=True)
        if self.key_usage is not None:
            builder = builder.add_extension(self.key_usage, critical=True)
        if self.extended:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.extended), critical=True)
        for extension in self.extra:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(issuer.key, hashes.SHA256())

    @property
    def der(self):
        return self.certificate.public_bytes(Encoding.DER)


ISSUING = usage(key_cert_sign=True, crl_sign=True)
ROOT = Party("Root", ca=True, key_usage=ISSUING)
SUB = Party("Sub", ROOT, ca=True, path_length=0, key_usage=ISSUING)
SIGNER = Party("Laboratory A", SUB, key_usage=usage(digital_signature=True, content_commitment=True))
STAMPER = Party(
    "Stamper", ROOT, key_usage=usage(digital_signature=True), extended=(ExtendedKeyUsageOID.TIME_STAMPING,)
)


def trust(*parties):
    certificates = [party.certificate for party in parties]
    roots = tuple(one for one in certificates if one.issuer == one.subject)
    return TrustedCertificates(roots, tuple(one for one in certificates if one not in roots))


@dataclass(frozen=True)
class Form:
    """How a signature is written; a test changes one thing."""

    signer: Party = SIGNER
    brings: tuple = (SIGNER, SUB)
    signed_at: str | None = "2025-06-01T08:00:00Z"
    names_signer: Party | None = SIGNER
    canonical: str = EXCLUSIVE
    transforms: tuple = (ENVELOPED, EXCLUSIVE)
    uri: str = ""
    target: str = "#sig"
    properties_uri: str = "#props"
    method: str = ECDSA
    unsigned: str = ""
    extra_reference: str = ""
    second_time: str = ""
    key_info: str | None = None
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)


def c14n(element, *, exclusive=True):
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)


def sign(raw=DCC, **changes):
    """Return a document with a signature as its root's last child."""
    form = replace(Form(), **changes)
    root = etree.fromstring(raw)
    digest = hashlib.sha256(c14n(root, exclusive=form.transforms[-1:] == (EXCLUSIVE,))).digest()
    root.append(etree.fromstring(_write(form, digest)))
    signature = root[-1]
    _fill(signature, form)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _write(form, digest):
    transforms = "".join(f'<ds:Transform Algorithm="{one}"/>' for one in form.transforms)
    certificates = "".join(
        f"<ds:X509Certificate>{b64encode(one.der).decode()}</ds:X509Certificate>" for one in form.brings
    )
    key_info = form.key_info if form.key_info is not None else f"<ds:X509Data>{certificates}</ds:X509Data>"
    second, properties = _write_properties(form)
    return f"""<ds:Signature xmlns:ds="{DS}" Id="sig"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{form.canonical}"/><ds:SignatureMethod Algorithm="{form.method}"/>
<ds:Reference URI="{form.uri}"><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/>
<ds:DigestValue>{b64encode(digest).decode()}</ds:DigestValue></ds:Reference>{second}{form.extra_reference}
</ds:SignedInfo>
<ds:SignatureValue Id="value"></ds:SignatureValue><ds:KeyInfo>{key_info}</ds:KeyInfo>{properties}</ds:Signature>"""


def _write_properties(form):
    if form.signed_at is None:
        return "", ""
    named = ""
    if form.names_signer is not None:
        digest = b64encode(hashlib.sha256(form.names_signer.der).digest()).decode()
        named = f"""<xades:SigningCertificateV2><xades:Cert>
<xades:CertDigest><ds:DigestMethod Algorithm="{SHA256}"/>
<ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"""
    unsigned = form.unsigned and f"<xades:UnsignedProperties>{form.unsigned}</xades:UnsignedProperties>"
    properties = f"""<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="{form.target}">
<xades:SignedProperties Id="props"><xades:SignedSignatureProperties>
<xades:SigningTime>{form.signed_at}</xades:SigningTime>{form.second_time}{named}</xades:SignedSignatureProperties>
</xades:SignedProperties>{unsigned}</xades:QualifyingProperties></ds:Object>"""
    second = f"""<ds:Reference Type="{PROPERTIES}" URI="{form.properties_uri}"><ds:Transforms>
<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/>
<ds:DigestValue id="hole"></ds:DigestValue></ds:Reference>"""
    return second, properties


def _fill(signature, form):
    """Put in the digest of the signed properties, then the signature itself."""
    for hole in signature.xpath("//*[@id='hole']"):
        del hole.attrib["id"]
        properties = etree.fromstring(etree.tostring(signature.find(f".//{{{XADES}}}SignedProperties")))
        hole.text = b64encode(hashlib.sha256(c14n(properties)).digest()).decode()
    info = etree.fromstring(etree.tostring(signature.find(f"{{{DS}}}SignedInfo")))
    value = form.signer.key.sign(c14n(info), ec.ECDSA(form.hash))
    r, s = utils.decode_dss_signature(value)
    plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    signature.find(f"{{{DS}}}SignatureValue").text = b64encode(plain).decode()


# --- revocation ---------------------------------------------------------------------------------------------


def make_list(issuer, revoked=(), *, at=SIGNED_AT, key=None, until=None, extra=()):
    """Return a CRL, DER; `revoked` are pairs of a party and an instant, or triples with the invalidity too."""
    builder = x509.CertificateRevocationListBuilder(
        make_name(issuer.name), at, until or at + timedelta(days=30)
    )
    for party, revoked_at, *invalid in revoked:
        entry = x509.RevokedCertificateBuilder(party.certificate.serial_number, revoked_at)
        if invalid:
            entry = entry.add_extension(x509.InvalidityDate(invalid[0]), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension in extra:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign((key or issuer).key, hashes.SHA256()).public_bytes(Encoding.DER)


def answer(about, issuer, status=ocsp.OCSPCertStatus.GOOD, *, responder=None, at=SIGNED_AT, revoked_at=None):
    """Return an OCSP answer, DER."""
    responder = responder or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate,
        issuer.certificate,
        hashes.SHA256(),
        status,
        at,
        at + timedelta(days=7),
        revoked_at,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, responder.certificate)
    if responder is not issuer:
        builder = builder.certificates([responder.certificate])
    return builder.sign(responder.key, hashes.SHA256()).public_bytes(Encoding.DER)


def bring(*, lists=(), answers=(), stamps=(), certificates=()):
    """Return unsigned properties, XML."""

    def write(name, items):
        return "".join(f"<xades:{name}>{b64encode(one).decode()}</xades:{name}>" for one in items)

    stamped = "".join(
        f"""<xades:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>
<xades:EncapsulatedTimeStamp>{b64encode(one).decode()}</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"""
        for one in stamps
    )
    brought = write("EncapsulatedX509Certificate", [one.der for one in certificates])
    return f"""<xades:UnsignedSignatureProperties>{stamped}
<xades:CertificateValues>{brought}</xades:CertificateValues>
<xades:RevocationValues><xades:CRLValues>{write("EncapsulatedCRLValue", lists)}</xades:CRLValues>
<xades:OCSPValues>{write("EncapsulatedOCSPValue", answers)}</xades:OCSPValues></xades:RevocationValues>
</xades:UnsignedSignatureProperties>"""


# --- time stamps --------------------------------------------------------------------------------------------


def der(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def oid(text):
    return der(0x06, bytes.fromhex(text))


OID_SHA256, OID_ECDSA = "608648016503040201", "2a8648ce3d040302"
OID_STAMP, OID_SIGNED = "2a864886f70d0109100104", "2a864886f70d010702"


@dataclass(frozen=True)
class Stamping:
    """How a time stamp is made; a test changes one thing."""

    by: Party = STAMPER
    at: str = "20250601080500Z"
    brings: tuple = field(default=(STAMPER,))
    imprint: bytes | None = None
    info_digest: bytes | None = None
    content_type: str = OID_STAMP
    key: Party | None = None


def stamp_value(value, **changes):
    """Return a time stamp over the bytes of a signature value element."""
    how = replace(Stamping(), **changes)
    imprint = hashlib.sha256(value).digest() if how.imprint is None else how.imprint
    algorithm = der(0x30, oid(OID_SHA256))
    info = der(
        0x30,
        der(0x02, b"\x01"),
        oid("2a0304"),
        der(0x30, algorithm, der(0x04, imprint)),
        der(0x02, b"\x07"),
        der(0x18, how.at.encode()),
    )
    attributes = der(
        0x31,
        der(0x30, oid("2a864886f70d010903"), der(0x31, oid(how.content_type))),
        der(
            0x30,
            oid("2a864886f70d010904"),
            der(0x31, der(0x04, how.info_digest or hashlib.sha256(info).digest())),
        ),
    )
    signature = (how.key or how.by).key.sign(attributes, ec.ECDSA(hashes.SHA256()))
    certificate = how.by.certificate
    number = certificate.serial_number
    named = der(
        0x30,
        certificate.issuer.public_bytes(),
        der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")),
    )
    signer = der(
        0x30,
        der(0x02, b"\x01"),
        named,
        algorithm,
        b"\xa0" + attributes[1:],
        der(0x30, oid(OID_ECDSA)),
        der(0x04, signature),
    )
    signed = der(
        0x30,
        der(0x02, b"\x03"),
        der(0x31, algorithm),
        der(0x30, oid(OID_STAMP), der(0xA0, der(0x04, info))),
        der(0xA0, *(one.der for one in how.brings)),
        der(0x31, signer),
    )
    return der(0x30, oid(OID_SIGNED), der(0xA0, signed))


def add_stamp(raw, *, how=None, lists=(), **changes):
    """Return a signed document with a time stamp over its signature; unsigned properties are covered by nothing."""
    root = etree.fromstring(raw)
    value = root[-1].find(f"{{{DS}}}SignatureValue")
    token = stamp_value(c14n(etree.fromstring(etree.tostring(value))), **changes) if how is None else how
    qualifying = root[-1].find(f".//{{{XADES}}}QualifyingProperties")
    stamped = bring(stamps=[token], lists=lists)
    wrapped = f"""<x xmlns:xades="{XADES}" xmlns:ds="{DS}">
<xades:UnsignedProperties>{stamped}</xades:UnsignedProperties></x>"""
    qualifying.append(etree.fromstring(wrapped)[0])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
