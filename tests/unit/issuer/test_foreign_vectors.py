"""Every DCC that others wrote behaves as the vectors' README says: one test a file."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from dcc_oracle import list_schema_faults
from lxml import etree
from vectors import vector_path

from issuer.foreign.dcc import SIGNABLE_SINCE, check_foreign_dcc
from issuer.foreign.revocation import Revocation
from issuer.foreign.signature import TimeSource
from issuer.foreign.x509_chain import TrustedCertificates, parse_trusted
from ledger.core.errors import BrokenSignatureError, InputError, VerificationError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TYPICAL, SIGNED = "dcc_gp_temperature_typical_v12", "signed/dcc_gp_temperature_typical_v12"
UNSIGNED = {
    "dcclib_fixtures/invalid_schematron.xml": ("3.3.0", "123"),
    "dcclib_fixtures/valid.xml": ("3.3.0", "1234"),
    "dcclib_fixtures/valid_formula.xml": ("3.3.0", "GP_DCC_temperature_resistance_1.2"),
    "good_practice/dcc_gp_humidity_v1.0.xml": ("3.1.2", "Id 123456789 HtW"),
    "good_practice/dcc_gp_temperatur_resistance_v12.xml": ("3.1.1", "GP_DCC_temperature_resistance_1.2"),
    "good_practice/dcc_gp_temperature_extensive_v12.xml": ("3.1.1", "GP_DCC_temperature_extensive_1.2"),
    "good_practice/dcc_gp_temperature_simplified_v12.xml": ("3.1.1", "GP_DCC_temperature_minimal_1.2"),
    "good_practice/dcc_gp_temperature_typical_adjustment_v12.xml": (
        "3.1.1",
        "GP_DCC_temperature_typical_adjustment_1.2",
    ),
    f"good_practice/{TYPICAL}.xml": ("3.1.1", "GP_DCC_temperature_typical_1.2"),
    "good_practice/dcc_ngp_temperature_typical_v12_refType2ID.xml": (
        "3.1.1",
        "GP_DCC_temperature_typical_1.2",
    ),
    "older/dcc-vacuumlab-CDG.xml": ("3.0.0", "75999PTB20"),
    "older/dcc-vacuumlab-SRG.xml": ("3.0.0", "75998PTB20"),
    "older/example.xml": ("2.3.0", "PTB - 11044 17"),
    "older/siliziumkugel.xml": ("2.3.0", "PTB - 11129 18"),
    "older/siliziumkugel_2_4_0.xml": ("2.4.0", "PTB - 11129 18"),
}
HOLDING = {
    f"{SIGNED}_v3.2.0_signed.xml": "2023-03-27T15:14:30Z",
    f"{SIGNED}_v3.2.0_signed_lt.xml": "2023-06-20T12:12:42Z",
    f"{SIGNED}_signed.xml": "2022-10-21T07:47:21Z",
}
REFUSED = {
    "dcclib_fixtures/invalid_schema.xml": (InputError, "uniqueIdentifier: is empty"),
    "dcclib_fixtures/invalid_syntax.xml": (InputError, "not well-formed XML: mismatched tag, line 7"),
    "dcclib_fixtures/invalid_signature.xml": (BrokenSignatureError, "Digest mismatch"),
    "older/siliziumkugel_wrong_schema.xml": (InputError, "no version of the DCC has an element dcc:named"),
    f"{SIGNED}_v3.2.0_signed_lt_revoked.xml": (
        VerificationError,
        "Calibration Lab B1.* was revoked at 2023-06-15T10:58:",
    ),
    f"{SIGNED}_v3.2.0_signed_manipulated.xml": (BrokenSignatureError, "Digest mismatch"),
    f"{SIGNED}_signed_manipulated.xml": (BrokenSignatureError, "Digest mismatch"),
    "signed/signed_siliziumkugel.xml": (VerificationError, "does not cover the whole document"),
}
PLAIN = "dcclib_fixtures/valid_signature.xml"
BROKEN_BY_SCHEMA = {
    *("dcclib_fixtures/invalid_schema.xml", "dcclib_fixtures/valid_formula.xml"),
    *("older/siliziumkugel_wrong_schema.xml", "signed/signed_siliziumkugel.xml"),
    *(f"{SIGNED}_signed.xml", f"{SIGNED}_signed_manipulated.xml"),
}
"""What the README says of the copied schemas."""


def read(name):
    return vector_path("domain", "dcc", *name.split("/")).read_bytes()


def trust(*names):
    return parse_trusted([read(name) for name in names])


def community():
    return trust("signed/root.crt", "signed/sub.crt")


def everybody():
    return trust("signed/root.crt", "signed/sub.crt", "dcclib_fixtures/ca.pem")


def check(name, trusted=None, now=NOW, **given):
    return check_foreign_dcc(read(name), everybody() if trusted is None else trusted, now, **given)


def test_no_file_is_left_out():
    folder = vector_path("domain", "dcc")
    there = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.xml")}
    assert there == {*UNSIGNED, *HOLDING, *REFUSED, PLAIN}
    assert len(there) == 27


@pytest.mark.parametrize("name", UNSIGNED)
def test_an_unsigned_one_is_read_and_said_to_be_unsigned(name):
    found = check(name, TrustedCertificates((), ()))
    assert (found.version, found.unique_identifier) == UNSIGNED[name]
    assert found.signature is None
    assert any(remark.en.startswith("unsigned") for remark in found.remarks)
    assert found.quantity_count > 0
    assert found.items[0].identifications


@pytest.mark.parametrize("name", HOLDING)
def test_a_signed_one_holds_at_its_signing_time(name):
    found = check(name)
    assert found.signature is not None
    assert found.signature.signed_at.isoformat().replace("+00:00", "Z") == HOLDING[name]
    assert found.signature.time_source is TimeSource.SIGNER
    assert found.signature.signer.startswith("CN=Calibration Lab A1")
    assert found.signature.root.startswith("CN=Calibration Community Root CA 01")
    assert found.unique_identifier == "GP_DCC_temperature_typical_1.2"
    assert found.laboratory == "Kalibrierfirma GmbH"


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_one_is_refused(name):
    error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        check(name)


@pytest.mark.parametrize("name", [*UNSIGNED, *HOLDING, PLAIN, *REFUSED])
def test_the_schema_says_what_the_readme_says(name):
    if name.endswith("invalid_syntax.xml"):
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(read(name))
        return
    version = etree.fromstring(read(name)).get("schemaVersion")
    assert bool(list_schema_faults(read(name), version)) == (name in BROKEN_BY_SCHEMA)


# --- more of what the README says ---------------------------------------------------------------------------


def test_a_signature_without_time_is_judged_now():
    found = check(PLAIN)
    assert found.signature is not None
    assert found.signature.time_source is TimeSource.CHECK
    with pytest.raises(VerificationError, match=r"is valid from 2026-01-06T.* to 2027-01-06T"):
        check(PLAIN, now=datetime(2027, 1, 7, tzinfo=UTC))
    later = check(PLAIN, now=datetime(2027, 1, 7, tzinfo=UTC), signed_at=datetime(2026, 6, 1, tzinfo=UTC))
    assert later.signature is not None
    assert later.signature.time_source is TimeSource.OPERATOR


@pytest.mark.parametrize("name", HOLDING)
def test_today_the_signers_certificate_has_ended(name):
    """So a check as of now would refuse what is good; ours asks about the signing time."""
    found = check(name)
    assert found.signature is not None
    with pytest.raises(InputError, match="the signature itself says"):
        check(name, signed_at=NOW)


@pytest.mark.parametrize("name", HOLDING)
def test_a_root_that_was_not_named_vouches_for_nobody(name):
    with pytest.raises(VerificationError, match="does not lead to a root that you named"):
        check(name, trust("dcclib_fixtures/ca.pem"))
    with pytest.raises(InputError, match="--trust: signed: name a root"):
        check(name, TrustedCertificates((), ()))


def test_a_chain_with_a_gap_is_no_chain():
    with pytest.raises(VerificationError, match="does not lead to a root"):
        check(f"{SIGNED}_v3.2.0_signed.xml", trust("signed/root.crt"))


def test_a_link_of_the_chain_alone_is_no_root():
    with pytest.raises(InputError, match="name a root"):
        trust("signed/sub.crt")
    with pytest.raises(InputError, match="neither PEM nor DER"):
        trust("dcclib_fixtures/invalid_cert.pem")


def test_the_long_term_one_brings_revocation_lists_and_a_stamp():
    found = check(f"{SIGNED}_v3.2.0_signed_lt.xml", trust("signed/root.crt"))
    signature = found.signature
    assert signature is not None
    assert signature.revocation is Revocation.GOOD
    assert signature.time_stamp is not None
    assert signature.time_stamp.stamped_at == datetime(2023, 6, 20, 12, 12, 37, tzinfo=UTC)
    assert "Zeitstempel 2022" in signature.time_stamp.authority
    assert not signature.time_stamp.is_trusted
    assert check(f"{SIGNED}_v3.2.0_signed.xml").signature.revocation is Revocation.NOT_SHOWN


def test_the_stamp_is_believed_where_its_root_is_named():
    """The file brings the root of the stamping authority; naming it is the operator's act."""
    raw = read(f"{SIGNED}_v3.2.0_signed_lt.xml")
    brought = [b64decode(one.text) for one in etree.fromstring(raw).iter("{*}EncapsulatedX509Certificate")]
    trusted = everybody()
    named = parse_trusted([read("signed/root.crt"), *brought])
    assert len(named.roots) == 2
    found = check_foreign_dcc(raw, named, NOW)
    assert found.signature is not None
    assert found.signature.time_stamp is not None
    assert found.signature.time_stamp.is_trusted
    assert not check_foreign_dcc(raw, trusted, NOW).signature.time_stamp.is_trusted


def test_a_signature_where_its_schema_has_no_place_is_remarked():
    old, new = check(f"{SIGNED}_signed.xml"), check(f"{SIGNED}_v3.2.0_signed.xml")
    assert (
        old.remarks[-1].en
        == f"the schema of version 3.1.1 has no place for a signature, {SIGNABLE_SINCE} has"
    )
    assert old.remarks[:-1] == new.remarks
    assert [remark.en[:13] for remark in new.remarks] == ["not looked at"]
    assert check(f"{SIGNED}_v3.2.0_signed_lt.xml").remarks == ()
    assert check(PLAIN).remarks[1].en.startswith("the signature does not say when it was made")


def test_what_is_read_of_a_real_one():
    found = check("older/dcc-vacuumlab-CDG.xml", TrustedCertificates((), ()))
    assert found.laboratory.startswith("Physikalisch-Technische Bundesanstalt")
    assert found.performed_from <= found.performed_until
    assert {one.issuer for one in found.items[0].identifications} <= {
        "manufacturer",
        "calibrationLaboratory",
        "customer",
    }
