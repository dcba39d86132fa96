"""Personal members: salted commitments in the public record, values in a separate disclosure file.

The public record verifies without the values, and erasing them breaks nothing. A disclosure file goes to the
holder and the authority only.

>>> conceal("Li Na", bytes(16))
{'sd': '...'}
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import MalformedDocumentError, VerificationError
from ledger.core.fields import Reader
from ledger.core.ids import Digest

DISCLOSURE_TYPE: Final = "hengzheng/disclosure/v1"
SALT_BYTES: Final = 16
_POSITION: Final = re.compile("0|[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class DisclosedMember:
    """Salt and value of one personal member."""

    salt: bytes
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The values behind the commitments of one document, by path, as `persons.0.name`."""

    certificate_digest: Digest
    members: Mapping[str, DisclosedMember]


def compute_commitment(value: JsonValue, salt: bytes) -> bytes:
    """Return SHA-256(salt || canonical value), 32 bytes.

    Args:
        value: any value of the JSON profile.
        salt: 16 random bytes, never reused.
    """
    if len(salt) != SALT_BYTES:
        raise MalformedDocumentError(f"salt of {len(salt)} bytes; expected {SALT_BYTES}")
    return hashlib.sha256(salt + encode_canonical_json(value)).digest()


def conceal(value: JsonValue, salt: bytes) -> JsonObject:
    """Return what stands in the record for a personal value."""
    return {"sd": encode_hex(compute_commitment(value, salt))}


def encode_disclosure(disclosure: Disclosure) -> bytes:
    """Return the canonical bytes of a disclosure file."""
    members: JsonObject = {
        path: {"salt": encode_hex(member.salt), "value": member.value}
        for path, member in disclosure.members.items()
    }
    return encode_canonical_json(
        {
            "type": DISCLOSURE_TYPE,
            "certificate": encode_hex(disclosure.certificate_digest),
            "members": members,
        }
    )


def parse_disclosure(raw: bytes) -> Disclosure:
    """Parse a disclosure file.

    Raises:
        InputError: not such a file.
    """
    value = parse_canonical_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a disclosure is a JSON object")
    reader = Reader(value, "")
    reader.text("type", max_bytes=40, pattern=DISCLOSURE_TYPE)
    digest = Digest(reader.hex("certificate", 32))
    members = reader.members("members")
    reader.finish()
    return Disclosure(digest, {path: _parse_member(path, item) for path, item in members.items()})


def _parse_member(path: str, item: JsonValue) -> DisclosedMember:
    if not isinstance(item, dict) or set(item) != {"salt", "value"}:
        raise MalformedDocumentError("expected salt and value", field=f"members.{path}")
    salt = Reader({"salt": item["salt"]}, f"members.{path}").hex("salt", SALT_BYTES)
    return DisclosedMember(salt, item["value"])


def verify_disclosure(record: JsonObject, disclosure: Disclosure) -> None:
    """Check that every disclosed value is the one that the record commits to.

    Args:
        record: `credentialSubject` of the certificate, as it stands.
        disclosure: its member `certificate` helps to find the certificate and proves nothing.

    Raises:
        VerificationError: a value is not the committed one, or the record has no such commitment.
    """
    for path, member in disclosure.members.items():
        expected = encode_hex(compute_commitment(member.value, member.salt))
        if _find(record, path) != {"sd": expected}:
            raise VerificationError(f"{path} is not the value that the record commits to")


def _find(record: JsonObject, path: str) -> "JsonValue | None":
    value: JsonValue | None = record
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and _POSITION.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
