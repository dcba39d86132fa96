"""Requests that machines sign: HTTP Message Signatures (RFC 9421), one strict profile of them.

    Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
    Signature-Input: sig=("@method" "@target-uri" "content-digest");created=1793600000;expires=1793600060;
        nonce="b3k2pp5k7z-50gnwp.yemd";keyid="m-0a1b…";alg="ed25519"
    Signature: sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1…:

One signature, over method, target URI and the digest of the body (RFC 9530), also of an empty one; all parameters
but `alg` must be there. A signature lasts five minutes at most, and its nonce counts once. Ed25519, or ECDSA on
P-256 with SHA-256.

>>> signed = parse_signed_request(headers)
>>> verify_signed_request(signed, key, request, now)
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.core.encoding import parse_base64
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.signature import Algorithm, PublicKey

COMPONENTS: Final = ("@method", "@target-uri", "content-digest")
LONGEST: Final = timedelta(minutes=5)
"""Between `created` and `expires`."""
SKEW: Final = timedelta(seconds=60)
"""How far the machine's clock may be ahead of ours."""
_ALGORITHMS: Final = {Algorithm.ED25519: "ed25519", Algorithm.P256: "ecdsa-p256-sha256"}
_LABEL: Final = r"(?P<label>[a-z*][a-z0-9_.*-]{0,31})"
_INPUT: Final = re.compile(
    rf"{_LABEL}=(?P<all>\((?P<components>[^()]*)\)(?P<parameters>(?:;[^;]+)*))", re.ASCII
)
_SIGNATURE: Final = re.compile(rf"{_LABEL}=:(?P<value>[A-Za-z0-9+/=]+):", re.ASCII)
_DIGEST: Final = re.compile(r"sha-256=:(?P<value>[A-Za-z0-9+/=]+):", re.ASCII)
_NUMBER: Final = re.compile(r";(created|expires)=(0|[1-9][0-9]{0,14})", re.ASCII)
_TEXT: Final = re.compile(r';(nonce|keyid|alg)="([ !#-\[\]-~]{1,128})"', re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the headers of a signed request say; nothing is verified yet."""

    parameters: str
    """As they are signed: from the opening bracket on."""
    created: datetime
    expires: datetime
    nonce: str
    key_id: str
    """Which machine it is, by its id."""
    algorithm: str | None
    signature: bytes
    digest: bytes
    """What Content-Digest says, 32 bytes."""
    digest_text: str


@dataclass(frozen=True, slots=True)
class RequestLine:
    """The rest of what is signed."""

    method: str
    target_uri: str
    """`https://office.example.cn/api/drafts?after=3`, as the machine has asked."""
    body: bytes


def is_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether a request says that it is signed."""
    return "signature-input" in headers or "signature" in headers


def parse_signed_request(headers: Mapping[str, str]) -> SignedRequest:
    """Read the three headers.

    Raises:
        InputError: one is missing, or is not of the profile; it is named.
    """
    found = _match(_INPUT, headers, "Signature-Input")
    components = tuple(found["components"].split(" "))
    if components != tuple(f'"{name}"' for name in COMPONENTS):
        named = " ".join(f'"{name}"' for name in COMPONENTS)
        raise MalformedDocumentError(f"covers ({named}), in this order", field="Signature-Input")
    numbers, texts = _parse_parameters(found["parameters"])
    signature = _match(_SIGNATURE, headers, "Signature")
    if signature["label"] != found["label"]:
        raise MalformedDocumentError("has another label than Signature-Input", field="Signature")
    digest = _match(_DIGEST, headers, "Content-Digest")
    return SignedRequest(
        parameters=found["all"],
        created=numbers["created"],
        expires=numbers["expires"],
        nonce=texts["nonce"],
        key_id=texts["keyid"],
        algorithm=texts.get("alg"),
        signature=_read(signature["value"], 64, "Signature"),
        digest=_read(digest["value"], 32, "Content-Digest"),
        digest_text=digest.string,
    )


def _match(pattern: re.Pattern[str], headers: Mapping[str, str], name: str) -> re.Match[str]:
    found = pattern.fullmatch(headers.get(name.lower(), ""))
    if found is None:
        raise MalformedDocumentError("is missing, or is not of the profile", field=name)
    return found


def _read(text: str, size: int, name: str) -> bytes:
    try:
        return parse_base64(text, size=size)
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=name) from None


def _parse_parameters(text: str) -> tuple[dict[str, datetime], dict[str, str]]:
    numbers: dict[str, datetime] = {}
    texts: dict[str, str] = {}
    at = 0
    while at < len(text):
        number, quoted = _NUMBER.match(text, at), _TEXT.match(text, at)
        found = number or quoted
        if found is None or found[1] in numbers.keys() | texts.keys():
            raise MalformedDocumentError(
                "has a parameter that is unknown or stands there twice", field="Signature-Input"
            )
        if number is not None:
            numbers[number[1]] = _to_instant(int(number[2]))
        else:
            texts[found[1]] = found[2]
        at = found.end()
    for name in ("created", "expires", "nonce", "keyid"):
        if name not in numbers.keys() | texts.keys():
            raise MalformedDocumentError(f"has no {name}", field="Signature-Input")
    return numbers, texts


def _to_instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise MalformedDocumentError("has a time that no calendar has", field="Signature-Input") from None


def verify_signed_request(signed: SignedRequest, key: PublicKey, request: RequestLine, now: datetime) -> None:
    """Check times, digest and signature; whether the nonce was used before is for the caller to ask.

    Raises:
        BrokenSignatureError: one of them does not hold; the sentence says which.
    """
    if not timedelta(0) < signed.expires - signed.created <= LONGEST:
        raise BrokenSignatureError(f"a signature lasts up to {LONGEST.seconds} s from created to expires")
    if signed.created > now + SKEW or now >= signed.expires:
        raise BrokenSignatureError("the signature is of another time: compare the clocks")
    if not hmac.compare_digest(hashlib.sha256(request.body).digest(), signed.digest):
        raise BrokenSignatureError("Content-Digest is not that of the body")
    if signed.algorithm not in {None, _ALGORITHMS[key.algorithm]}:
        raise BrokenSignatureError("the signature names another algorithm than the key's")
    values = (request.method, request.target_uri, signed.digest_text)
    base = build_signature_base(list(zip(COMPONENTS, values, strict=True)), signed.parameters)
    verify_message(key, signed.signature, base)


def build_signature_base(components: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """Return what is signed (RFC 9421 §2.5).

    Args:
        components: name and value of each, in order.
        parameters: as Signature-Input has them behind the label.
    """
    lines = [f'"{name}": {value}' for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def build_parameters(
    created: datetime, expires: datetime, nonce: str, key_id: str, algorithm: Algorithm
) -> str:
    """Return the parameters of a request that is about to be signed."""
    named = " ".join(f'"{name}"' for name in COMPONENTS)
    times = f"created={int(created.timestamp())};expires={int(expires.timestamp())}"
    return f'({named});{times};nonce="{nonce}";keyid="{key_id}";alg="{_ALGORITHMS[algorithm]}"'


def spell_digest(body: bytes) -> str:
    """Return the Content-Digest of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def verify_message(key: PublicKey, signature: bytes, message: bytes) -> None:
    """Check a signature as HTTP has it: ECDSA as r‖s, either s (RFC 9421 §3.3.4).

    Raises:
        BrokenSignatureError: it does not hold.
    """
    try:
        if key.algorithm is Algorithm.ED25519:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
        else:
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.raw)
            point.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise BrokenSignatureError("the signature does not hold") from None
