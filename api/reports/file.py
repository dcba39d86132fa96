"""The file of a report: what is open about it, and what is sealed to the authority that takes it.

    {"about":"SHORT_WEIGHT","authority":"CN-35","case":"4f…","format":1,"route":"tip",
     "salt":"9c…","sealed":"bXk…","taken_at":"2026-03-01T08:00:00Z"}      also instrument, institution, where known

`sealed` is HPKE (RFC 9180: base mode, DHKEM X25519, HKDF-SHA256, AES-256-GCM; key and text in one) of a canonical
JSON object with all that a person has written, bound by `info` to the rest of the file. The log has its digest.

>>> raw = write_file(head, {"text": "少了三两"}, public_key, salt)
>>> open_file(raw, private_key)["text"]
'少了三两'
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from api.reports.kinds import About, Route
from ledger.core.canonical import (
    JsonObject,
    as_object,
    encode_canonical_json,
    parse_canonical_json,
)
from ledger.core.encoding import encode_base64, encode_hex, encode_instant
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN

FORMAT: Final = 1
SALT_BYTES: Final = 16
CASE_BYTES: Final = 8
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
_INFO: Final = b"hengzheng/report-seal/v1\0"
_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class FileHead:
    """What is open about a report: nothing that a person has written."""

    case: bytes
    """8 random bytes, under which staff know the case; never the case code."""
    authority: str
    route: Route
    about: About
    taken_at: datetime
    """Aware UTC, a whole minute."""
    instrument: bytes | None = None
    """Id of the instrument, 16 bytes, if the code named one."""
    institution: str | None = None
    """Who issued the document, or allotted the sticker, that the code named."""


def write_file(head: FileHead, said: JsonObject, key: X25519PublicKey, salt: bytes) -> bytes:
    """Return the file of a report.

    Args:
        head: what stays open.
        said: what is sealed.
        key: of the authority.
        salt: 16 random bytes.
    """
    members = _spell(head, salt)
    sealed = _SUITE.encrypt(encode_canonical_json(said), key, _INFO + encode_canonical_json(members))
    return encode_canonical_json(members | {"sealed": encode_base64(sealed)})


def read_head(raw: bytes) -> FileHead:
    """Return what is open about a report.

    Raises:
        InputError: not such a file.
    """
    return _read(raw)[0]


def open_file(raw: bytes, key: X25519PrivateKey) -> JsonObject:
    """Return what a person has written.

    Raises:
        InputError: not such a file, or it was sealed to another key.
        LogIntegrityError: what it holds is not what the form writes.
    """
    _, members, sealed = _read(raw)
    try:
        plain = _SUITE.decrypt(sealed, key, _INFO + encode_canonical_json(members))
    except (InvalidTag, ValueError):
        raise InputError(
            "was sealed to another key, or has been altered",
            field="report",
            zh="并非以本密钥封存，或内容已被改动",
        ) from None
    try:
        return as_object(parse_canonical_json(plain, max_bytes=MAX_FILE_BYTES), "report")
    except InputError as err:
        raise LogIntegrityError("a report holds something else than a form writes") from err


def _spell(head: FileHead, salt: bytes) -> JsonObject:
    members: JsonObject = {
        "format": FORMAT,
        "case": encode_hex(head.case),
        "authority": head.authority,
        "route": head.route.value,
        "about": head.about.value,
        "taken_at": encode_instant(head.taken_at),
        "salt": encode_hex(salt),
    }
    if head.instrument is not None:
        members["instrument"] = encode_hex(head.instrument)
    if head.institution is not None:
        members["institution"] = head.institution
    return members


def _read(raw: bytes) -> tuple[FileHead, JsonObject, bytes]:
    found = as_object(parse_canonical_json(raw, max_bytes=MAX_FILE_BYTES), "report")
    reader = Reader(found, "report")
    reader.integer("format", FORMAT, FORMAT)
    reader.hex("salt", SALT_BYTES)
    sealed = reader.base64("sealed")
    head = FileHead(
        case=reader.hex("case", CASE_BYTES),
        authority=reader.text("authority", max_bytes=12, pattern=ID_PATTERN),
        route=reader.enum("route", Route),
        about=reader.enum("about", About),
        taken_at=reader.instant("taken_at"),
        instrument=reader.opt_hex("instrument", 16),
        institution=reader.opt_text("institution", max_bytes=12, pattern=ID_PATTERN),
    )
    reader.finish()
    return head, {name: value for name, value in found.items() if name != "sealed"}, sealed
