"""The file that shows that the ledger lacks something: strict, whole, and read as it was written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import JSON, ODD_VALUES, added, removed, replaced, walk
from sticker_proofs import make_absence_proof
from stickers import PUMP, StickerLedger

from ledger.core.absence_proof import (
    MAX_ABSENCE_PROOF_BYTES,
    MissingCertificate,
    MissingVerification,
    encode_absence_proof,
    list_missing_subjects,
    parse_absence_proof,
)
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import certificate_subject, instrument_subject, placement_subject, registration_subject
from ledger.core.ids import CertificateNumber, InstitutionId

CERTIFICATE = MissingCertificate(InstitutionId("350100-01"), CertificateNumber("JY2026-999999"))
WHOLE, PART = MissingVerification(PUMP, None), MissingVerification(PUMP, "1")
LEDGER = StickerLedger()
DOCUMENTS = {
    name: json.loads(encode_absence_proof(make_absence_proof(LEDGER, missing)))
    for name, missing in (("certificate", CERTIFICATE), ("whole", WHOLE), ("part", PART))
}
PATHS = [(name, path) for name in ("certificate", "part") for path, _ in walk(DOCUMENTS[name])]


def encode(document):
    try:
        return encode_canonical_json(document)
    except InputError:  # outside the profile: a parser must see it all the same
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("missing", [CERTIFICATE, WHOLE, PART])
def test_what_was_written_is_read(missing):
    for receipt in (LEDGER.receipt(), None):
        proof = make_absence_proof(LEDGER, missing, receipt=receipt)
        assert parse_absence_proof(encode_absence_proof(proof)) == proof


def test_what_is_shown_of_each():
    assert list_missing_subjects(CERTIFICATE) == (
        certificate_subject(CERTIFICATE.issuer, CERTIFICATE.number),
    )
    registered = registration_subject(PUMP)
    assert list_missing_subjects(WHOLE) == (instrument_subject(PUMP), registered, placement_subject(PUMP))
    own, place = instrument_subject(PUMP, "1"), placement_subject(PUMP, "1")
    assert list_missing_subjects(PART) == (own, instrument_subject(PUMP), registered, place)


@pytest.mark.parametrize(("name", "path"), PATHS, ids=str)
def test_a_member_that_is_missing_or_odd_is_refused_or_read_as_it_is(name, path):
    document = DOCUMENTS[name]
    for other in [removed(document, path), *(replaced(document, path, odd) for odd in ODD_VALUES)]:
        raw = encode(other)
        try:
            proof = parse_absence_proof(raw)
        except InputError:
            continue
        assert encode_absence_proof(proof) == raw


@pytest.mark.parametrize("path", [(), ("instrument",), ("evidence",), ("receipt",)])
def test_a_member_that_nobody_knows_is_refused(path):
    with pytest.raises(InputError):
        parse_absence_proof(encode(added(DOCUMENTS["whole"], path)))


def test_it_is_about_one_thing():
    both = DOCUMENTS["whole"] | {"certificate": DOCUMENTS["certificate"]["certificate"]}
    neither = removed(DOCUMENTS["whole"], ("instrument",))
    for document in (both, neither):
        with pytest.raises(InputError, match="either a certificate or an instrument"):
            parse_absence_proof(encode(document))


def test_spaces_cuts_and_too_large_a_file_are_refused():
    raw = encode(DOCUMENTS["whole"])
    for other in (raw.replace(b",", b", ", 1), raw[:-1], b"[]", raw + b" " * MAX_ABSENCE_PROOF_BYTES):
        with pytest.raises(InputError):
            parse_absence_proof(other)


@settings(max_examples=200)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_with_a_sentence(raw):
    with pytest.raises(InputError):
        parse_absence_proof(raw)
