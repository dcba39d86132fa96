"""Foreign certificates that somebody tampered with: every way that is known, on a signature that holds."""

import hashlib
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from dcc_oracle import list_schema_faults
from foreign_signer import (
    BEGIN,
    DCC,
    DS,
    END,
    EXCLUSIVE,
    ISSUING,
    NOW,
    ROOT,
    SIGNED_AT,
    SIGNER,
    STAMPER,
    SUB,
    Party,
    add_stamp,
    answer,
    bring,
    make_list,
    sign,
    stamp_value,
    trust,
    usage,
)
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import SignatureMethod

from issuer.foreign.dcc import check_foreign_dcc
from issuer.foreign.revocation import Revocation
from issuer.foreign.x509_chain import parse_trusted
from ledger.core.errors import BrokenSignatureError, InputError, VerificationError

TRUSTED = trust(ROOT)
HOUR = timedelta(hours=1)
SIGNED = sign()


def check(raw, trusted=TRUSTED, now=NOW, **given):
    return check_foreign_dcc(raw, trusted, now, **given)


def refuse(raw, words, error=VerificationError, **given):
    with pytest.raises(error, match=words):
        check(raw, **given)


# --- what holds ---------------------------------------------------------------------------------------------


def test_a_signed_one_is_evidence():
    found = check(SIGNED)
    assert found.digest == hashlib.sha256(SIGNED).digest()
    assert (found.version, found.unique_identifier, found.laboratory, found.laboratory_code) == (
        *("3.3.0", "LAB-7"),
        *("Laboratory A", "D-K-1"),
    )
    item = found.items[0]
    assert (item.name, item.manufacturer, item.model) == ("Weight 1 kg", "Weights Ltd", "E2")
    assert [(one.issuer, one.value, one.name) for one in item.identifications] == [
        ("manufacturer", "W-17", "serial")
    ]
    assert [str(day) for day in (found.performed_from, found.performed_until, found.issued_on)] == [
        *("2025-05-30", "2025-05-31", "2025-06-01"),
    ]
    assert (found.result_count, found.quantity_count, found.replaces) == (1, 1, None)
    assert [remark.en[:13] for remark in found.remarks] == ["not looked at"]
    assert found.signature is not None
    assert (found.signature.signer, found.signature.root) == ("CN=Laboratory A", "CN=Root")
    assert found.signature.signed_at == SIGNED_AT
    assert found.signature.x509_certificate == SIGNER.der
    assert list_schema_faults(SIGNED) == []


def test_the_same_unsigned_is_said_to_be_unsigned():
    found = check(DCC)
    assert found.signature is None
    assert [remark.en for remark in found.remarks] == [
        "unsigned: nothing proves who wrote it, or that it is unchanged"
    ]


def test_comments_change_nothing_that_is_read():
    """Canonicalization leaves comments out, so anybody may add one; no text may be cut short by it."""
    raw = SIGNED.replace(b"LAB-7", b"LAB<!-- x -->-7")
    assert check(raw).unique_identifier == "LAB-7"
    assert check(DCC.replace(b"LAB-7", b"LAB<!-- x -->-7")).unique_identifier == "LAB-7"


def test_a_replacement_names_what_it_replaces():
    changed = b"</dcc:issueDate><dcc:reportAmendedSubstituted><dcc:typeOfChange>amended</dcc:typeOfChange>"
    changed += (
        b"<dcc:replacedUniqueIdentifier>LAB-6</dcc:replacedUniqueIdentifier></dcc:reportAmendedSubstituted>"
    )
    assert check(DCC.replace(b"</dcc:issueDate>", changed)).replaces == "LAB-6"


# --- changed bytes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"LAB-7", b"LAB-8"),
        (b"1.0000003", b"1.0000004"),
        (b"<dcc:model>E2<", b"<dcc:model>E1<"),
        (b"2025-05-31", b"2025-06-30"),
        (b'lang="en"', b'lang="de"'),
        (b"W-17", b"W-17 "),
    ],
)
def test_a_changed_document_is_refused(old, new):
    assert old in SIGNED
    refuse(SIGNED.replace(old, new), "Digest mismatch", BrokenSignatureError)


def test_a_changed_signing_time_is_refused():
    refuse(SIGNED.replace(b"T08:00:00Z", b"T07:00:00Z"), "Digest mismatch", BrokenSignatureError)


def test_a_changed_signature_value_is_refused():
    root = etree.fromstring(SIGNED)
    value = root[-1].find(f"{{{DS}}}SignatureValue")
    value.text = ("B" if value.text[0] != "B" else "C") + value.text[1:]
    refuse(etree.tostring(root), "does not hold", BrokenSignatureError)


def test_the_word_of_another_signer_is_refused():
    other = Party("Laboratory B", SUB, key_usage=usage(digital_signature=True))
    refuse(sign(brings=(other, SUB)), "not the one that was signed with it")
    refuse(sign(brings=(other, SUB), names_signer=other), "does not hold", BrokenSignatureError)
    twin = Party("Laboratory A", SUB, key_usage=usage(digital_signature=True), begin=BEGIN + HOUR)
    assert twin.certificate.public_key() == SIGNER.certificate.public_key()
    refuse(sign(brings=(twin, SUB)), "not the one that was signed with it")


@given(st.data())
def test_no_byte_under_the_signature_can_be_changed(data):
    """Every change is refused, or changes nothing that is read: only comments and spelling may differ."""
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    changed = bytearray(SIGNED)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = check(bytes(changed))
    except (InputError, VerificationError):
        return
    assert found.signature is not None
    plain = check(SIGNED)
    assert (found.unique_identifier, found.items, found.laboratory) == (
        *(plain.unique_identifier, plain.items, plain.laboratory),
    )
    assert found.signature.signed_at == SIGNED_AT


# --- signature wrapping -------------------------------------------------------------------------------------

EVIL = DCC.replace(b"LAB-7", b"EVIL-1")


def parts(raw=SIGNED):
    root = etree.fromstring(raw)
    return root, root[-1]


def evil():
    return etree.fromstring(EVIL)


def wrap_root_around():
    """1: a new root holds the signed one."""
    outer = evil()
    outer.append(etree.fromstring(SIGNED))
    return outer


def wrap_signed_in_object():
    """2: the signed document moves into an Object of its signature, under a new root."""
    root, signature = parts()
    outer = evil()
    root.remove(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    outer.append(signature)
    return outer


def wrap_signed_as_sibling():
    """3: the signature is moved under a new root, the signed document beside it."""
    root, signature = parts()
    outer = evil()
    root.remove(signature)
    outer.append(root)
    outer.append(signature)
    return outer


def wrap_signature_deeper():
    """4: the signature sinks into a member of an evil root."""
    _, signature = parts()
    outer = evil()
    outer[0].append(signature)
    return outer


def wrap_in_comment_ring():
    """5: the whole signed document hides in the ring that may hold anything."""
    outer = evil()
    ring = etree.SubElement(outer, "{https://ptb.de/dcc}comment")
    ring.append(etree.fromstring(SIGNED))
    return outer


def wrap_with_second_signature():
    """6: an evil document carries a copy of the signature beside a signature in its comment."""
    outer = wrap_in_comment_ring()
    outer.append(parts()[1])
    return outer


def wrap_by_moving_properties():
    """7: the signed properties move out of the signature, other ones take their place."""
    root, signature = parts()
    found = next(signature.iter("{*}QualifyingProperties"))
    ring = etree.SubElement(evil(), "{https://ptb.de/dcc}comment")
    copied = etree.fromstring(etree.tostring(found))
    next(copied.iter("{*}SigningTime")).text = "2025-05-01T08:00:00Z"
    found.getparent().append(copied)
    ring.append(found)
    root.insert(2, ring)
    return root


def wrap_with_double_id():
    """8: an id of the signed properties stands a second time."""
    root, _ = parts()
    root[0].set("id", "props")
    return root


WRAPPINGS = [
    *(wrap_root_around, wrap_signed_in_object, wrap_signed_as_sibling, wrap_signature_deeper),
    *(wrap_in_comment_ring, wrap_with_second_signature, wrap_by_moving_properties, wrap_with_double_id),
]


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
def test_no_wrapping_passes(wrap):
    with pytest.raises((InputError, VerificationError)):
        check(etree.tostring(wrap()))


def test_wrapping_without_a_signature_of_its_own_is_no_signed_document():
    """What stands in a ring that may hold anything is never read as the certificate."""
    outer = evil()
    etree.SubElement(outer, "{https://ptb.de/dcc}comment").append(etree.fromstring(DCC))
    found = check(etree.tostring(outer))
    assert (found.unique_identifier, found.signature) == ("EVIL-1", None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uri": "#sig"}, "does not cover the whole document"),
        ({"uri": "#props"}, "does not cover the whole document"),
        ({"uri": "other.xml"}, "does not cover the whole document"),
        ({"uri": "#xpointer(/)"}, "does not cover the whole document"),
        ({"transforms": ()}, "does not cover the whole document"),
        ({"transforms": (EXCLUSIVE,)}, "does not cover the whole document"),
        (
            {"transforms": (f"{DS}enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116")},
            "no canonical",
        ),
        (
            {"transforms": (f"{DS}enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116")},
            "no canonical",
        ),
        ({"transforms": (f"{DS}enveloped-signature", f"{EXCLUSIVE}WithComments")}, "no canonicalization"),
        ({"transforms": (f"{DS}enveloped-signature", EXCLUSIVE, EXCLUSIVE)}, "more transforms"),
        ({"canonical": f"{EXCLUSIVE}WithComments"}, "no canonicalization"),
        ({"method": f"{DS}hmac-sha1"}, "does not hold"),
        ({"method": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"}, "does not hold"),
        ({"method": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}, "does not hold"),
        ({"target": "#other"}, "those of another signature"),
        ({"properties_uri": "#value"}, "not to the signed properties"),
        ({"names_signer": None}, "do not name the signer's certificate"),
        ({"second_time": "<xades:SigningTime>2025-05-01T08:00:00Z</xades:SigningTime>"}, "says twice"),
        ({"extra_reference": f'<ds:Reference xmlns:ds="{DS}" URI=""/>'}, "does not cover the whole document"),
        ({"extra_reference": f'<ds:Reference xmlns:ds="{DS}" URI="#value"/>'}, "references beside"),
        ({"brings": ()}, "does not bring the signer's certificate"),
    ],
)
def test_a_signature_of_another_form_is_refused(changes, words):
    refuse(sign(**changes), words)


def test_a_signer_without_a_certificate_is_nobody():
    refuse(sign(key_info="<ds:KeyName>me</ds:KeyName>"), "does not bring the signer's certificate")


def test_a_key_beside_the_certificate_must_be_its_own():
    numbers = STAMPER.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    value = f"""<ds:KeyValue><e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#">
<e:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><e:PublicKey>{b64encode(numbers).decode()}</e:PublicKey>
</e:ECKeyValue></ds:KeyValue>"""
    signer = b64encode(SIGNER.der).decode()
    brought = f"<ds:X509Data><ds:X509Certificate>{signer}</ds:X509Certificate></ds:X509Data>"
    refuse(sign(key_info=value + brought), "different public keys", trusted=trust(ROOT, SUB))


def test_an_id_that_stands_twice_is_refused_where_nothing_signs_it_too():
    twice = bring().replace("<xades:CertificateValues>", '<xades:CertificateValues Id="props">')
    refuse(sign(unsigned=twice), "'props' stands twice")


def test_instructions_outside_what_is_signed_are_refused():
    refuse(
        SIGNED.replace(b"<dcc:digital", b"<?xml-stylesheet href='x'?><dcc:digital", 1),
        "processing instructions",
    )


def test_a_signature_that_holds_at_another_place_is_refused():
    """The same bytes are signed wherever the signature stands, as it is taken out before they are hashed."""
    signed = etree.fromstring(sign(DCC.replace(b"</dcc:digital", b"<dcc:comment/></dcc:digital")))
    assert check(etree.tostring(signed)).signature is not None
    signed[2].append(signed[-1])
    refuse(etree.tostring(signed), "not the last member")
    first = etree.fromstring(SIGNED)
    first.insert(0, first[-1])
    refuse(etree.tostring(first), "not the last member")


@pytest.mark.parametrize(
    ("method", "weak"),
    [
        (SignatureMethod.ECDSA_SHA1, hashes.SHA1()),
        (SignatureMethod.ECDSA_SHA224, hashes.SHA224()),
    ],
)
def test_a_weak_hash_is_refused_though_the_signature_holds(method, weak):
    refuse(sign(method=method.value, hash=weak), "forbidden by configuration")


def test_two_signatures_are_not_judged():
    refuse(sign(SIGNED), "2 signatures", InputError)


# --- certificates -------------------------------------------------------------------------------------------


def test_certificates_are_asked_about_the_signing_time():
    assert SIGNED_AT < END < NOW
    assert check(SIGNED).signature is not None
    late = sign(signed_at="2026-06-01T08:00:00Z")
    refuse(late, "is valid from 2024-01-01T00:00:00Z to 2026-01-01T00:00:00Z")
    refuse(sign(signed_at="2023-06-01T08:00:00Z"), "is valid from")


def test_a_signature_from_the_future_is_refused():
    refuse(SIGNED, "still to come", now=SIGNED_AT - HOUR)
    assert check(SIGNED, now=SIGNED_AT - timedelta(minutes=4)).signature is not None


@pytest.mark.parametrize(
    "time",
    [
        "",
        "yesterday",
        "2025-06-01",
        "2025-06-01T08:00:00",
        "2025-13-01T08:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_signing_time_that_is_none_is_refused(time):
    refuse(sign(signed_at=time), "SigningTime", InputError)


def test_a_signing_time_has_a_zone():
    found = check(sign(signed_at="2025-06-01T10:00:00.5+02:00"))
    assert found.signature is not None
    assert found.signature.signed_at == SIGNED_AT + timedelta(milliseconds=500)


def chain(**changes):
    """Return a signed document whose issuing authority differs from SUB in one thing."""
    members = {"issuer": ROOT, "ca": True, "path_length": 0, "key_usage": ISSUING} | changes
    sub = Party("Sub", **members)
    signer = Party("Laboratory A", sub, key_usage=usage(digital_signature=True))
    return sign(signer=signer, brings=(signer, sub), names_signer=signer)


def test_the_chain_of_the_tests_is_good():
    assert check(chain()).signature is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"ca": False, "path_length": None},
        {"key_usage": usage(crl_sign=True)},
        {"issuer": Party("Root", ca=True, key_usage=ISSUING, key_name="thief")},
        {"end": SIGNED_AT - HOUR},
        {"begin": SIGNED_AT + HOUR},
    ],
)
def test_an_issuer_that_may_not_issue_is_refused(changes):
    with pytest.raises(VerificationError):
        check(chain(**changes))


def test_a_path_that_is_too_long_is_refused():
    low = Party("Low", SUB, ca=True, key_usage=ISSUING)
    signer = Party("Laboratory A", low, key_usage=usage(digital_signature=True))
    with pytest.raises(VerificationError):
        check(sign(signer=signer, brings=(signer, low, SUB), names_signer=signer))


def test_a_key_that_is_not_for_signatures_is_refused():
    signer = Party("Laboratory A", SUB, key_usage=usage(key_encipherment=True))
    refuse(sign(signer=signer, brings=(signer, SUB), names_signer=signer), "is not for signatures")


def test_a_critical_extension_that_nobody_knows_is_refused():
    extra = (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"),)
    signer = Party("Laboratory A", SUB, key_usage=usage(digital_signature=True), extra=extra)
    with pytest.raises(VerificationError):
        check(sign(signer=signer, brings=(signer, SUB), names_signer=signer))


def test_a_self_signed_signer_is_nobody():
    signer = Party("Laboratory A", key_usage=usage(digital_signature=True))
    refuse(
        sign(signer=signer, brings=(signer,), names_signer=signer), "does not lead to a root that you named"
    )


def test_a_root_that_the_document_brings_is_trusted_in_nothing():
    root = Party("Root", ca=True, key_usage=ISSUING, key_name="thief")
    signer = Party("Laboratory A", root, key_usage=usage(digital_signature=True))
    refuse(sign(signer=signer, brings=(signer, root), names_signer=signer), "does not lead to a root")


def test_certificates_that_are_none_are_refused():
    brought = b64encode(SIGNER.der)
    refuse(SIGNED.replace(brought, b64encode(b"hello")), "not an X.509 certificate", InputError)
    refuse(SIGNED.replace(brought, b"\xe2\x82\xac"), "not base64", InputError)
    with pytest.raises(InputError, match="neither PEM nor DER"):
        parse_trusted([b"hello"])


def test_what_the_library_takes_with_a_warning_is_refused():
    """A serial number below 1 (RFC 5280 §4.1.2.2): the library still takes it, and says that it will not."""
    number = SIGNER.certificate.serial_number
    encoded = number.to_bytes(number.bit_length() // 8 + 1, "big")
    assert encoded in SIGNER.der
    negative = SIGNER.der.replace(encoded, b"\xff" * len(encoded), 1)
    refuse(SIGNED.replace(b64encode(SIGNER.der), b64encode(negative)), "X509Certificate: ", InputError)
    with pytest.raises(InputError, match="neither PEM nor DER"):
        parse_trusted([negative])


@given(st.binary(max_size=200))
def test_trusted_files_raise_input_errors_only(raw):
    for content in (raw, b"-----BEGIN CERTIFICATE-----\n" + raw, SIGNER.der[:50] + raw):
        with pytest.raises(InputError):
            parse_trusted([content])


# --- revocation ---------------------------------------------------------------------------------------------

CLEAN = [make_list(ROOT), make_list(SUB)]


def with_lists(*lists, **members):
    return sign(unsigned=bring(lists=lists, **members))


def test_lists_in_force_show_that_nothing_was_revoked():
    assert check(with_lists(*CLEAN)).signature.revocation is Revocation.GOOD
    assert check(SIGNED).signature.revocation is Revocation.NOT_SHOWN


@pytest.mark.parametrize(
    "lists",
    [
        [CLEAN[1]],
        [CLEAN[0]],
        [CLEAN[0], make_list(SUB, at=SIGNED_AT - timedelta(days=60))],
        [CLEAN[0], make_list(SUB, key=Party("thief"))],
        [CLEAN[0], make_list(Party("Somebody"))],
    ],
)
def test_lists_that_say_nothing_show_nothing(lists):
    assert check(with_lists(*lists)).signature.revocation is Revocation.NOT_SHOWN


def test_a_partial_list_shows_nothing():
    scope = x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=True,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    found = check(with_lists(CLEAN[0], make_list(SUB, extra=[scope])))
    assert found.signature.revocation is Revocation.NOT_SHOWN


def test_revoked_before_the_signature_is_refused():
    refuse(
        with_lists(make_list(SUB, [(SIGNER, SIGNED_AT - HOUR)])), "was revoked at .*, before the signature"
    )
    refuse(with_lists(make_list(SUB, [(SIGNER, SIGNED_AT)])), "before the signature")
    refuse(with_lists(make_list(ROOT, [(SUB, SIGNED_AT - HOUR)])), "CN=Sub was revoked")


def test_invalid_before_the_signature_is_refused_though_revoked_later():
    late = make_list(SUB, [(SIGNER, SIGNED_AT + HOUR, SIGNED_AT - HOUR)], at=SIGNED_AT + 2 * HOUR)
    refuse(with_lists(late), "before the signature")


def test_revoked_later_is_refused_where_only_the_signer_says_when_it_signed():
    late = make_list(SUB, [(SIGNER, SIGNED_AT + HOUR)], at=SIGNED_AT + 2 * HOUR)
    refuse(with_lists(late), "only the signer says that it signed before")
    assert check(add_stamp(SIGNED, lists=[late])).signature.time_stamp.is_trusted
    refuse(add_stamp(SIGNED, lists=[late], at="20250601093000Z"), "only the signer says")
    stranger = Party("Stamper", extended=(ExtendedKeyUsageOID.TIME_STAMPING,))
    refuse(add_stamp(SIGNED, lists=[late], by=stranger, brings=(stranger,)), "only the signer says")


def test_a_revocation_that_nobody_has_signed_revokes_nobody():
    forged = make_list(SUB, [(SIGNER, SIGNED_AT - HOUR)], key=Party("thief"))
    assert check(with_lists(forged)).signature.revocation is Revocation.NOT_SHOWN


def with_answers(*answers, **members):
    return sign(unsigned=bring(answers=answers, **members))


RESPONDER = Party("Responder", SUB, extended=(ExtendedKeyUsageOID.OCSP_SIGNING,))


def test_answers_show_it_too():
    both = [answer(SIGNER, SUB), answer(SUB, ROOT)]
    assert check(with_answers(*both)).signature.revocation is Revocation.GOOD
    assert (
        check(with_answers(answer(SIGNER, SUB, responder=RESPONDER), both[1])).signature.revocation
        is Revocation.GOOD
    )


@pytest.mark.parametrize(
    "responder",
    [
        Party("Responder", SUB),
        Party("Responder", SUB, extended=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
        Party("Responder", ROOT, extended=(ExtendedKeyUsageOID.OCSP_SIGNING,)),
    ],
)
def test_an_answer_by_nobodys_responder_is_none(responder):
    found = check(with_answers(answer(SIGNER, SUB, responder=responder), answer(SUB, ROOT)))
    assert found.signature.revocation is Revocation.NOT_SHOWN


def test_an_answer_about_another_is_none():
    other = Party("Laboratory B", SUB)
    assert (
        check(with_answers(answer(other, SUB), answer(SUB, ROOT))).signature.revocation
        is Revocation.NOT_SHOWN
    )


def test_an_answer_that_revokes_is_heard():
    revoked = answer(SIGNER, SUB, ocsp.OCSPCertStatus.REVOKED, revoked_at=SIGNED_AT - HOUR)
    refuse(with_answers(revoked, answer(SIGNER, SUB)), "was revoked")
    unknown = answer(SIGNER, SUB, ocsp.OCSPCertStatus.UNKNOWN)
    assert check(with_answers(unknown, answer(SUB, ROOT))).signature.revocation is Revocation.NOT_SHOWN


@pytest.mark.parametrize(
    "members", [{"lists": [b"hello"]}, {"answers": [b"hello"]}, {"lists": [b"\x30\x00"] * 40}]
)
def test_lists_that_are_none_are_refused(members):
    refuse(sign(unsigned=bring(**members)), "RevocationValues", InputError)


# --- time stamps --------------------------------------------------------------------------------------------


def test_a_stamp_of_a_named_root_is_believed():
    stamp = check(add_stamp(SIGNED)).signature.time_stamp
    assert (stamp.stamped_at, stamp.authority, stamp.is_trusted) == (
        *(datetime(2025, 6, 1, 8, 5, tzinfo=UTC), "CN=Stamper", True),
    )


@pytest.mark.parametrize(
    "by",
    [
        Party("Stamper", extended=(ExtendedKeyUsageOID.TIME_STAMPING,)),
        Party("Stamper", ROOT, key_usage=usage(digital_signature=True)),
        Party("Stamper", ROOT, extended=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH)),
        Party("Stamper", ROOT, extended=(ExtendedKeyUsageOID.TIME_STAMPING,), end=SIGNED_AT - HOUR),
    ],
)
def test_a_stamp_of_somebody_else_is_said_not_to_be_believed(by):
    assert check(add_stamp(SIGNED, by=by, brings=(by,))).signature.time_stamp.is_trusted is False


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imprint": bytes(32)}, "of another signature"),
        ({"info_digest": bytes(32)}, "not what its authority has signed"),
        ({"content_type": "2a864886f70d010701"}, "no time stamp"),
        ({"key": Party("thief")}, "signature does not hold"),
        ({"brings": ()}, "does not bring its authority's certificate"),
        ({"at": "20250601070000Z"}, "time-stamped before"),
    ],
)
def test_a_wrong_stamp_is_refused(changes, words):
    refuse(add_stamp(SIGNED, **changes), words)


@pytest.mark.parametrize("at", ["20251301000000Z", "2025", "20250601080500+0200", ""])
def test_a_stamp_without_a_time_is_refused(at):
    refuse(add_stamp(SIGNED, at=at), "SignatureTimeStamp", InputError)


def test_a_stamp_of_another_document_is_refused():
    refuse(add_stamp(SIGNED, how=stamp_value(b"other bytes")), "of another signature")


@given(st.binary(max_size=60), st.integers(0, 700), st.booleans())
def test_bytes_instead_of_a_stamp_raise_errors_of_the_tree_only(noise, place, keep):
    token = stamp_value(b"x", by=STAMPER)
    bad = token[:place] + noise + (token[place + len(noise) :] if keep else b"")
    with pytest.raises((InputError, VerificationError)):
        check(add_stamp(SIGNED, how=bad))


# --- members ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'schemaVersion="3.3.0"', b'schemaVersion="9.9.9"', "schemaVersion: version '9.9.9'"),
        (b'schemaVersion="3.3.0"', b"", "schemaVersion: version none"),
        (b"LAB-7", b" ", "coreData.uniqueIdentifier: is empty"),
        (b"LAB-7", b"<dcc:name/>", "expected text, not elements"),
        (b"LAB-7", b"L" * 1001, "at most 1000 are read"),
        (b"LAB-7", "L\u202e7".encode(), "control or direction characters"),
        (b"2025-05-30", b"2025-02-30", "coreData.beginPerformanceDate"),
        (b"2025-05-30", b"30.05.2025", "coreData.beginPerformanceDate: expected a date"),
        (b"2025-05-31", b"2025-05-29", "coreData.endPerformanceDate: ends before it begins"),
        (b"2025-06-01<", b"soon<", "coreData.issueDate"),
        (b"<dcc:model>", b"<dcc:modele>", "not well-formed"),
        (b"dcc:model>", b"dcc:modele>", "no version of the DCC has an element dcc:modele"),
        (b"dcc:identification>", b"dcc:item>", "identifications.identification: this member is missing"),
        (b"dcc:customer>", b"dcc:owner>", "administrativeData.customer: this member is missing"),
        (b"<dcc:measurementResult>", b"<dcc:measurementResult/><dcc:measurementResult>", None),
        (b"<dcc:measurementResults>", b"<dcc:measurementResults/><dcc:measurementResults>", "stands 2 times"),
        (
            b"<dcc:measurementResults>",
            b"<si:real/><dcc:measurementResults>",
            "a DCC has no real below its root",
        ),
        (b"https://ptb.de/dcc", b"https://ptb.de/other", "not a DCC"),
        (b"digitalCalibrationCertificate", b"comment", "not a DCC"),
        (
            b'<dcc:content lang="en">Weight 1 kg</dcc:content>',
            b"<dcc:content/>",
            "item.name: this member is missing",
        ),
    ],
)
def test_a_wrong_member_is_named(old, new, words):
    assert old in DCC
    raw = DCC.replace(old, new)
    if words is None:
        assert check(raw).result_count == 2
    else:
        refuse(raw, words, InputError)


def test_a_document_of_ours_is_read_too():
    """What this product exports is a DCC like any other: unsigned XML around a sealed certificate."""
    from dcc_records import RECORDS, publish

    from issuer.rendering.dcc import render_dcc

    found = check(render_dcc(publish(RECORDS["full"])))
    assert (found.unique_identifier, found.laboratory, found.replaces) == (
        *("JY2026-000007", "福州市计量所", "JY2026-000003"),
    )
    assert found.signature is None


def test_a_namespace_that_cannot_be_canonicalized_is_refused():
    """A relative namespace name has no canonical form, and libxml2 says so by an error of its own."""
    refuse(SIGNED.replace(b"<dcc:model>", b"<dcc:model xmlns:x='y'>"), "does not hold", BrokenSignatureError)


@given(st.integers(0, len(SIGNED)), st.binary(max_size=40), st.integers(0, 200))
def test_damaged_files_raise_errors_of_the_tree_only(place, noise, cut):
    raw, sentence = SIGNED[:place] + noise + SIGNED[place + cut :], "read"
    try:
        check(raw)
    except (InputError, VerificationError) as err:
        sentence = str(err)
    assert 0 < len(sentence) < 1000


def test_a_strangers_name_cannot_move_the_cursor():
    signer = Party("Lab\x1b[2J\u202eA\nB", SUB, key_usage=usage(digital_signature=True))
    found = check(sign(signer=signer, brings=(signer, SUB), names_signer=signer))
    assert found.signature.signer == "CN=Lab\\x1b[2J\\u202eA B"


FULL = add_stamp(SIGNED, lists=[*CLEAN, make_list(SUB, [(RESPONDER, SIGNED_AT - HOUR, SIGNED_AT)])])
WITH_ANSWERS = with_answers(answer(SIGNER, SUB, responder=RESPONDER), answer(SUB, ROOT), certificates=[SUB])
BLOBS = [
    (raw, found.span(1))
    for raw in (FULL, WITH_ANSWERS)
    for found in re.finditer(rb">([A-Za-z0-9+/=]{80,})<", raw)
]


@given(st.data())
def test_damaged_certificates_lists_answers_and_stamps_raise_errors_of_the_tree_only(data):
    """Odd DER comes up anywhere: libraries read most of it when it is asked for."""
    raw, (begin, end) = data.draw(st.sampled_from(BLOBS))
    blob, sentence = bytearray(b64decode(raw[begin:end])), "read"
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.sampled_from([0, 1, 0x30, 0x80, 0xFF]))
    try:
        check(raw[:begin] + b64encode(blob) + raw[end:])
    except (InputError, VerificationError) as err:
        sentence = str(err)
    assert 0 < len(sentence) < 1000
