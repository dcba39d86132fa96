"""A signed message has one shape, one encoding, one key."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.cose import MAX_BYTES, Sign1, encode_sig_structure, encode_sign1, parse_sign1, verify_sign1
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    LedgerError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
)
from ledger.core.signature import Algorithm, Ed25519Signer, P256Signer

SIGNERS = [Ed25519Signer(b"\x01" * 32), P256Signer(b"\x01" * 32)]
STRANGERS = [Ed25519Signer(b"\x02" * 32), P256Signer(b"\x02" * 32)]
both = pytest.mark.parametrize("signer", SIGNERS, ids=["ed25519", "p256"])
AAD = b"domain\0" + bytes(32)


@both
@given(payload=st.binary(max_size=300), aad=st.binary(max_size=60))
def test_what_is_signed_is_read_and_verifies(signer, payload, aad):
    raw = encode_sign1(payload, signer, aad)
    sign1 = parse_sign1(raw)
    assert sign1.payload == payload
    assert sign1.key_id == signer.public_key.key_id
    assert sign1.algorithm is signer.public_key.algorithm
    verify_sign1(sign1, signer.public_key, aad)


@both
def test_a_general_library_reads_the_same(signer):
    key = signer.public_key
    raw = encode_sign1(b"payload", signer, AAD)
    protected, unprotected, payload, signature = cbor2.loads(raw)
    assert cbor2.loads(protected) == {1: int(key.algorithm), 4: key.key_id}
    assert (unprotected, payload) == ({}, b"payload")
    assert raw == cbor2.dumps([protected, {}, payload, signature])
    assert parse_sign1(raw).protected == protected
    structure = cbor2.dumps(["Signature1", protected, AAD, b"payload"])
    assert encode_sig_structure(protected, AAD, b"payload") == structure
    assert signer.sign(structure) == signature


@both
@given(data=st.data())
def test_every_changed_bit_is_found(signer, data):
    raw = bytearray(encode_sign1(b"some payload", signer, AAD))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(LedgerError) as caught:
        verify_sign1(parse_sign1(bytes(raw)), signer.public_key, AAD)
    assert isinstance(caught.value, (InputError, BrokenSignatureError))


@both
def test_another_surrounding_or_key_is_refused(signer):
    sign1 = parse_sign1(encode_sign1(b"payload", signer, AAD))
    for aad in (b"", AAD[:-1], AAD + b"\0"):
        with pytest.raises(BrokenSignatureError):
            verify_sign1(sign1, signer.public_key, aad)
    for other in STRANGERS:
        with pytest.raises(BrokenSignatureError, match="names the key"):
            verify_sign1(sign1, other.public_key, AAD)


def test_the_algorithm_is_the_keys_and_not_the_messages():
    signer, other = SIGNERS
    sign1 = parse_sign1(encode_sign1(b"payload", signer, AAD))
    forged = Sign1(Algorithm.P256, sign1.key_id, sign1.payload, sign1.signature)
    with pytest.raises(BrokenSignatureError):
        verify_sign1(forged, signer.public_key, AAD)
    renamed = Sign1(sign1.algorithm, other.public_key.key_id, sign1.payload, sign1.signature)
    with pytest.raises(BrokenSignatureError):
        verify_sign1(renamed, signer.public_key, AAD)


@both
def test_a_signature_over_one_payload_is_none_over_another(signer):
    one, other = (parse_sign1(encode_sign1(payload, signer, AAD)) for payload in (b"a", b"b"))
    with pytest.raises(BrokenSignatureError):
        verify_sign1(Sign1(one.algorithm, one.key_id, other.payload, one.signature), signer.public_key, AAD)


# --- other shapes -----------------------------------------------------------------------------------------

GOOD = encode_sign1(b"\x01\x02", SIGNERS[0], AAD)
PROTECTED, _, PAYLOAD, SIGNATURE = cbor2.loads(GOOD)
KID = SIGNERS[0].public_key.key_id


@pytest.mark.parametrize(
    "message",
    [
        cbor2.CBORTag(18, [PROTECTED, {}, PAYLOAD, SIGNATURE]),
        cbor2.CBORTag(61, [PROTECTED, {}, PAYLOAD, SIGNATURE]),
        [PROTECTED, {}, PAYLOAD],
        [PROTECTED, {}, PAYLOAD, SIGNATURE, b""],
        [PROTECTED, {4: KID}, PAYLOAD, SIGNATURE],
        [PROTECTED, {}, None, SIGNATURE],
        [PROTECTED, {}, "text", SIGNATURE],
        [PROTECTED, {}, [1], SIGNATURE],
        [PROTECTED, {}, PAYLOAD, SIGNATURE[:-1]],
        [PROTECTED, {}, PAYLOAD, SIGNATURE + b"\0"],
        [PROTECTED, {}, PAYLOAD, SIGNATURE.hex()],
        [b"", {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -8}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({4: KID}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -8, 4: KID[:7]}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -8, 4: KID + b"\0"}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -8, 4: "8 charac"}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({4: KID, 1: -8}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -8, 3: 0, 4: KID}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -9, 4: KID}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: -35, 4: KID}), {}, PAYLOAD, SIGNATURE],
        [cbor2.dumps({1: 7, 4: KID}), {}, PAYLOAD, SIGNATURE],
        {0: PROTECTED},
        [],
        0,
    ],
    ids=repr,
)
def test_other_shapes_are_refused(message):
    with pytest.raises(InputError):
        parse_sign1(cbor2.dumps(message))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x84\x4d", b"\x9f\x4d"),
        (b"\x84\x4d", b"\x98\x04\x4d"),
        (b"\x84\x4d", b"\x84\x58\x0d"),
        (b"\xa0\x42", b"\xb8\x00\x42"),
        (b"\xa0\x42", b"\xa0\x58\x02"),
        (b"\xa0\x42", b"\xa0\x59\x00\x02"),
        (b"\xa0\x42", b"\xa0\x5a\x00\x00\x00\x02"),
        (b"\xa0\x42", b"\xa0\x43"),
        (b"\xa0\x42", b"\xa0\x41"),
        (b"\xa0\x42", b"\xa0\x62"),
        (b"\x58\x40", b"\x59\x00\x40"),
        (b"\x58\x40", b"\x58\x41"),
        (b"\x58\x40", b"\x78\x40"),
    ],
)
def test_other_encodings_are_refused(old, new):
    assert GOOD.count(old) == 1
    with pytest.raises(InputError):
        parse_sign1(GOOD.replace(old, new))


def test_bytes_before_or_after_are_refused():
    for raw in (GOOD + b"\0", b"\0" + GOOD, GOOD * 2, b""):
        with pytest.raises(InputError):
            parse_sign1(raw)
    with pytest.raises(NonCanonicalEncodingError):
        parse_sign1(GOOD + b"\0")


def test_no_beginning_is_a_message():
    for size in range(len(GOOD)):
        with pytest.raises(InputError):
            parse_sign1(GOOD[:size])


def test_the_size_is_limited():
    overhead = len(encode_sign1(b"x" * 300, SIGNERS[0], AAD)) - 300
    largest = encode_sign1(b"x" * (MAX_BYTES - overhead), SIGNERS[0], AAD)
    assert len(largest) == MAX_BYTES
    assert parse_sign1(largest).payload == b"x" * (MAX_BYTES - overhead)
    with pytest.raises(MalformedDocumentError, match="65536 bytes"):
        encode_sign1(b"x" * (MAX_BYTES - overhead + 1), SIGNERS[0], AAD)
    with pytest.raises(MalformedDocumentError, match="70000 bytes"):
        parse_sign1(bytes(70_000))


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 1000])
def test_payloads_at_the_borders_of_lengths(size):
    assert parse_sign1(encode_sign1(bytes(size), SIGNERS[0], b"")).payload == bytes(size)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_any_bytes_are_read_or_refused_as_input(raw, keep):
    for candidate in (raw, GOOD[:keep] + raw):
        try:
            sign1 = parse_sign1(candidate)
        except InputError:
            continue
        assert cbor2.dumps([sign1.protected, {}, sign1.payload, sign1.signature]) == candidate
