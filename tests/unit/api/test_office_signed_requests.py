"""HTTP message signatures: the RFC's own vectors, then everything that must not pass."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from world import make_signer

from api.office.signed_requests import (
    COMPONENTS,
    RequestLine,
    build_parameters,
    build_signature_base,
    parse_signed_request,
    spell_digest,
    verify_message,
    verify_signed_request,
)
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.signature import Algorithm, P256Signer, PublicKey

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
SIGNER = make_signer("machine")
REQUEST = RequestLine("POST", "https://office.example.cn/api/drafts?x=1", b'{"hello": "world"}')

# RFC 9421 appendix B.1.4 and B.2.6
ED25519_PEM = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
B26_COMPONENTS = [
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("@method", "POST"),
    ("@path", "/foo"),
    ("@authority", "example.com"),
    ("content-type", "application/json"),
    ("content-length", "18"),
]
B26_PARAMETERS = (
    '("date" "@method" "@path" "@authority" "content-type" "content-length");'
    'created=1618884473;keyid="test-key-ed25519"'
)
B26_SIGNATURE = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="

# RFC 9421 appendix B.1.3 and B.2.4 (a response, ECDSA on P-256)
P256_PEM = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
B24_DIGEST = (
    "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"
)
B24_COMPONENTS = [
    ("@status", "200"),
    ("content-type", "application/json"),
    ("content-digest", B24_DIGEST),
    ("content-length", "23"),
]
B24_PARAMETERS = (
    '("@status" "content-type" "content-digest" "content-length");'
    'created=1618884473;keyid="test-key-ecc-p256"'
)
B24_SIGNATURE = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="


def load_key(pem):
    key = load_pem_public_key(pem)
    if b"MCow" in pem:
        return PublicKey(Algorithm.ED25519, key.public_bytes_raw())
    return PublicKey(Algorithm.P256, key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


@pytest.mark.parametrize(
    ("pem", "components", "parameters", "signature"),
    [
        (ED25519_PEM, B26_COMPONENTS, B26_PARAMETERS, B26_SIGNATURE),
        (P256_PEM, B24_COMPONENTS, B24_PARAMETERS, B24_SIGNATURE),
    ],
    ids=["B.2.6", "B.2.4"],
)
def test_the_vectors_of_rfc_9421(pem, components, parameters, signature):
    base = build_signature_base(components, parameters)
    raw = base64.b64decode(signature)
    verify_message(load_key(pem), raw, base)
    for broken in (base[:-1], base + b"x", base.replace(b"application", b"applicatiom")):
        with pytest.raises(BrokenSignatureError):
            verify_message(load_key(pem), raw, broken)
    with pytest.raises(BrokenSignatureError):
        verify_message(load_key(pem), bytes([raw[0] ^ 1]) + raw[1:], base)


def test_the_digest_of_rfc_9530():
    assert spell_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def sign(request=REQUEST, signer=SIGNER, **changes):
    created = changes.get("created", NOW)
    expires = changes.get("expires", created + timedelta(seconds=60))
    algorithm = changes.get("algorithm", signer.public_key.algorithm)
    parameters = build_parameters(created, expires, "n-1", "m-1", algorithm)
    digest = spell_digest(request.body)
    values = zip(COMPONENTS, (request.method, request.target_uri, digest), strict=True)
    signature = base64.b64encode(signer.sign(build_signature_base(list(values), parameters))).decode()
    return {
        "content-digest": digest,
        "signature-input": f"sig={parameters}",
        "signature": f"sig=:{signature}:",
    }


def verify(headers, request=REQUEST, key=SIGNER.public_key, now=NOW):
    verify_signed_request(parse_signed_request(headers), key, request, now)


def test_a_signed_request_holds():
    verify(sign())
    signer = P256Signer(b"\x07" * 32)
    verify(sign(signer=signer), key=signer.public_key)


def test_the_order_of_parameters_is_the_machines():
    headers = sign()
    text = headers["signature-input"]
    head, *parameters = text.split(";")
    turned = ";".join([head, *reversed(parameters)])
    base = build_signature_base(
        list(zip(COMPONENTS, (REQUEST.method, REQUEST.target_uri, headers["content-digest"]), strict=True)),
        turned.removeprefix("sig="),
    )
    signature = base64.b64encode(SIGNER.sign(base)).decode()
    verify({**headers, "signature-input": turned, "signature": f"sig=:{signature}:"})


@pytest.mark.parametrize(
    "changed",
    [
        RequestLine("PUT", REQUEST.target_uri, REQUEST.body),
        RequestLine("POST", "https://office.example.cn/api/drafts?x=2", REQUEST.body),
        RequestLine("POST", "http://office.example.cn/api/drafts?x=1", REQUEST.body),
        RequestLine("POST", "https://other.example.cn/api/drafts?x=1", REQUEST.body),
        RequestLine("POST", REQUEST.target_uri, REQUEST.body + b" "),
        RequestLine("POST", REQUEST.target_uri, b""),
    ],
)
def test_another_request_does_not_hold(changed):
    with pytest.raises(BrokenSignatureError):
        verify(sign(), changed)


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({}, NOW + timedelta(seconds=60)),
        ({}, NOW - timedelta(seconds=61)),
        ({"expires": NOW + timedelta(seconds=301)}, NOW),
        ({"expires": NOW}, NOW),
        ({"expires": NOW - timedelta(seconds=1)}, NOW - timedelta(seconds=2)),
    ],
)
def test_another_time_does_not_hold(changes, now):
    with pytest.raises(BrokenSignatureError):
        verify(sign(**changes), now=now)


def test_another_key_or_algorithm_does_not_hold():
    with pytest.raises(BrokenSignatureError):
        verify(sign(), key=make_signer("other").public_key)
    with pytest.raises(BrokenSignatureError, match="another algorithm"):
        verify(sign(algorithm=Algorithm.P256))


@pytest.mark.parametrize(
    ("header", "before", "after"),
    [
        ("signature-input", "sig=", "sig =" ),
        ("signature-input", "sig=", "other="),
        ("signature-input", '"@method" ', ""),
        ("signature-input", '"@method" "@target-uri"', '"@target-uri" "@method"'),
        ("signature-input", ";created=", ";created=+"),
        ("signature-input", ";created=", ";created=0"),
        ("signature-input", ";created=1", ";created=1;created=1"),
        ("signature-input", ";created=17", ";created=99999999999999"),
        ("signature-input", ';nonce="n-1"', ""),
        ("signature-input", ';nonce="n-1"', ';nonce=""'),
        ("signature-input", ';nonce="n-1"', ";nonce=n-1"),
        ("signature-input", ';keyid="m-1"', ""),
        ("signature-input", ';alg="ed25519"', ';alg="ed25519";tag="x"'),
        ("signature-input", ';alg="ed25519"', ';alg="ed25519", b=()'),
        ("signature", "sig=:", "sig="),
        ("signature", "sig=:", "other=:"),
        ("signature", "==:", "=:"),
        ("content-digest", "sha-256", "sha-512"),
        ("content-digest", "=:", "=:A"),
    ],
)  # fmt: skip
def test_headers_that_are_not_of_the_profile(header, before, after):
    headers = sign()
    assert before in headers[header]
    with pytest.raises(InputError) as caught:
        parse_signed_request({**headers, header: headers[header].replace(before, after, 1)})
    assert caught.value.field


@pytest.mark.parametrize("missing", ["signature-input", "signature", "content-digest"])
def test_all_three_headers_must_be_there(missing):
    headers = sign()
    del headers[missing]
    with pytest.raises(InputError):
        parse_signed_request(headers)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_the_reader(one, two, three):
    with pytest.raises(InputError):
        parse_signed_request({"signature-input": one, "signature": two, "content-digest": three})


@given(st.data())
def test_one_changed_character_does_not_hold(data):
    headers = sign()
    name = data.draw(st.sampled_from(sorted(headers)))
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = headers[name][:at] + letter + headers[name][at + 1 :]
    if changed == headers[name]:
        return
    with pytest.raises((InputError, BrokenSignatureError)):
        verify({**headers, name: changed})
