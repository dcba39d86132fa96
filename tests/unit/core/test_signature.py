"""Keys are admitted by one rule and spelled in one way; signatures are checked strictly."""

import copy
import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.encoding import encode_base58
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.signature import (
    Algorithm,
    Ed25519Signer,
    P256Signer,
    PublicKey,
    parse_multikey,
    parse_multikey_bytes,
    parse_verification_method,
    verify_signature,
)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET = bytes(range(32))
SIGNERS = [Ed25519Signer(SECRET), P256Signer(SECRET)]
both = pytest.mark.parametrize("signer", SIGNERS, ids=["ed25519", "p256"])


# RFC 8032 §7.1, TEST 1 to 3.
@pytest.mark.parametrize(
    ("secret", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_ed25519_of_rfc_8032(secret, public, message, signature):
    signer = Ed25519Signer(bytes.fromhex(secret))
    assert signer.public_key.raw.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    verify_signature(signer.public_key, bytes.fromhex(signature), bytes.fromhex(message))


# RFC 6979 §A.2.5, SHA-256; the second has s in the upper half, ours is n - s.
@pytest.mark.parametrize(
    ("message", "r", "s"),
    [
        (
            b"sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            b"test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ],
)
def test_p256_of_rfc_6979(message, r, s):
    secret = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
    signer = P256Signer(bytes.fromhex(secret))
    assert (
        signer.public_key.raw.hex().upper().startswith("0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6C")
    )
    low = min(int(s, 16), ORDER - int(s, 16))
    assert signer.sign(message) == bytes.fromhex(r) + low.to_bytes(32, "big")
    verify_signature(signer.public_key, signer.sign(message), message)


@both
@given(message=st.binary(max_size=200))
def test_what_is_signed_verifies_with_another_library_too(signer, message):
    signature = signer.sign(message)
    verify_signature(signer.public_key, signature, message)
    if signer.public_key.algorithm is Algorithm.ED25519:
        ed25519.Ed25519PublicKey.from_public_bytes(signer.public_key.raw).verify(signature, message)
        return
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signer.public_key.raw)
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    assert s <= ORDER // 2
    point.verify(encode_der(int.from_bytes(r, "big"), s), message, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        point.verify(encode_der(int.from_bytes(r, "big"), s), message + b"x", ec.ECDSA(hashes.SHA256()))


def encode_der(r, s):
    parts = b"".join(
        b"\x02" + bytes([len(raw)]) + raw
        for raw in (n.to_bytes(n.bit_length() // 8 + 1, "big") for n in (r, s))
    )
    return b"\x30" + bytes([len(parts)]) + parts


@both
@given(data=st.data())
def test_every_changed_bit_is_found(signer, data):
    message = data.draw(st.binary(min_size=1, max_size=60))
    signed = bytearray(signer.sign(message) + message)
    signed[data.draw(st.integers(0, len(signed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BrokenSignatureError):
        verify_signature(signer.public_key, bytes(signed[:64]), bytes(signed[64:]))


@both
def test_other_sizes_keys_and_algorithms_are_refused(signer):
    key, signature = signer.public_key, signer.sign(b"m")
    for other in (b"", signature[:-1], signature + b"\0", bytes(64), b"\xff" * 64, signature * 2):
        with pytest.raises(BrokenSignatureError):
            verify_signature(key, other, b"m")
    for stranger in (Ed25519Signer(b"\x07" * 32), P256Signer(b"\x07" * 32)):
        with pytest.raises(BrokenSignatureError):
            verify_signature(stranger.public_key, signature, b"m")


def test_p256_wants_r_and_s_in_range_and_s_low():
    signer = P256Signer(SECRET)
    signature = signer.sign(b"m")
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    zero, order = bytes(32), ORDER.to_bytes(32, "big")
    for other in (
        zero + signature[32:],
        r + zero,
        order + signature[32:],
        r + order,
        r + (ORDER - s).to_bytes(32, "big"),
    ):
        with pytest.raises(BrokenSignatureError, match="out of range"):
            verify_signature(signer.public_key, other, b"m")


def test_ed25519_wants_s_below_the_order():
    signer = Ed25519Signer(SECRET)
    signature = signer.sign(b"m")
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(BrokenSignatureError):
        verify_signature(signer.public_key, signature[:32] + s.to_bytes(32, "little"), b"m")


# --- keys -------------------------------------------------------------------------------------------------


def test_the_forms_of_a_key():
    key = Ed25519Signer(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    ).public_key
    raw = bytes.fromhex("ed01d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert key.multikey_bytes == raw
    assert key.multikey == "z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
    assert key.key_id == hashlib.sha256(raw).digest()[:8]
    assert key.did_key == "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
    assert key.verification_method == key.did_key + "#" + key.multikey


def test_a_p256_key_starts_as_did_key_says():
    assert P256Signer(SECRET).public_key.multikey.startswith("zDn")
    assert P256Signer(SECRET).public_key.multikey_bytes[:2] == b"\x80\x24"


@both
def test_keys_come_back_and_compare(signer):
    key = signer.public_key
    for again in (
        parse_multikey(key.multikey),
        parse_multikey_bytes(key.multikey_bytes),
        parse_verification_method(key.verification_method),
        PublicKey(key.algorithm, key.raw),
        pickle.loads(pickle.dumps(key)),
    ):
        assert again == key
        assert hash(again) == hash(key)
        assert again.key_id == key.key_id
    assert key not in {other.public_key for other in SIGNERS if other is not signer}


P256 = P256Signer(SECRET).public_key
ED25519 = Ed25519Signer(SECRET).public_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "Z" + ED25519.multikey[1:],
        ED25519.multikey[1:],
        "u" + ED25519.multikey[1:],
        ED25519.multikey + " ",
        ED25519.multikey + "1",
        "z1" + ED25519.multikey[1:],
        ED25519.multikey[:-1],
        "z" + encode_base58(b"\xed\x01" + ED25519.raw[:-1]),
        "z" + encode_base58(b"\xed\x01" + ED25519.raw + b"\0"),
        "z" + encode_base58(b"\xed\x01" + bytes(32)),
        "z" + encode_base58(b"\xed\x01" + b"\xff" * 32),
        "z" + encode_base58(b"\xed" + ED25519.raw),
        "z" + encode_base58(b"\xe7\x01" + P256.raw),
        "z" + encode_base58(b"\x81\x24" + P256.raw),
        "z" + encode_base58(b"\x80\x24" + ED25519.raw),
        "z" + encode_base58(b"\xed\x01" + P256.raw),
        "z" + encode_base58(b"\x80\x24\x04" + P256.raw[1:]),
        "z" + encode_base58(b"\x80\x24\x05" + P256.raw[1:]),
        "z" + encode_base58(b"\x80\x24\x00" + P256.raw[1:]),
        "z" + encode_base58(b"\x80\x24\x02" + b"\xff" * 32),
        "z" + encode_base58(b"\x80\x24\x02" + bytes(31) + b"\x07"),
        "z" + encode_base58(b"\x80\x24\x02" + (2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32, "big")),
        "z" * 100_000,
        "zé",
        "z\ud800",
    ],
)
def test_other_texts_are_no_keys(text):
    with pytest.raises(MalformedDocumentError):
        parse_multikey(text)


def test_the_refused_x_of_p256_is_really_off_the_curve():
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    assert pow(7**3 - 3 * 7 + b, (prime - 1) // 2, prime) == prime - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "did:key:#",
        ED25519.did_key,
        ED25519.multikey,
        ED25519.did_key + "#",
        ED25519.did_key + "#" + P256.multikey,
        ED25519.did_key + "##" + ED25519.multikey,
        "did:web:" + ED25519.multikey + "#" + ED25519.multikey,
        "DID:KEY:" + ED25519.multikey + "#" + ED25519.multikey,
        ED25519.verification_method + "#x",
        " " + ED25519.verification_method,
    ],
)
def test_other_texts_are_no_verification_methods(text):
    with pytest.raises(MalformedDocumentError):
        parse_verification_method(text)


@given(st.text() | st.binary(max_size=40).map(lambda raw: "z" + encode_base58(raw)))
def test_any_text_is_a_key_or_refused_as_input(text):
    for parse in (parse_multikey, parse_verification_method):
        try:
            key = parse(text)
        except InputError:
            continue
        assert key.multikey == text


@given(st.binary(min_size=32, max_size=33), st.sampled_from(Algorithm))
def test_an_admitted_key_is_one_that_both_libraries_read(raw, algorithm):
    try:
        key = PublicKey(algorithm, raw)
    except InputError:
        return
    if algorithm is Algorithm.ED25519:
        assert ed25519.Ed25519PublicKey.from_public_bytes(raw).public_bytes_raw() == key.raw
    assert parse_multikey(key.multikey) == key


# --- signers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Ed25519Signer, P256Signer])
def test_private_keys_of_other_sizes_are_refused(kind):
    for secret in (b"", SECRET[:-1], SECRET + b"\0"):
        with pytest.raises(MalformedDocumentError):
            kind(secret)


def test_p256_private_keys_are_in_range():
    for scalar in (0, ORDER, 2**256 - 1):
        with pytest.raises(MalformedDocumentError):
            P256Signer(scalar.to_bytes(32, "big"))
    assert (
        P256Signer((ORDER - 1).to_bytes(32, "big")).public_key.raw[1:]
        == P256Signer(bytes(31) + b"\1").public_key.raw[1:]
    )


@both
def test_private_keys_stay_hidden(signer):
    for text in (repr(signer), str(signer), f"{signer}", repr([signer])):
        assert signer.public_key.key_id.hex() in text
        assert SECRET.hex() not in text
        assert repr(SECRET)[2:-1] not in text
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied"):
            leak(signer)
    assert not hasattr(signer, "__dict__")


@both
def test_signers_serve_several_threads(signer):
    messages = [bytes([number]) * 40 for number in range(64)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(signer.sign, messages)) == [signer.sign(message) for message in messages]
