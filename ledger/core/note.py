r"""Signed notes (C2SP signed-note): text, a blank line, and one signature line per key.

    This is an example message.

    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZ…

Rules it keeps: only Ed25519 (signature type 0x01) is signed and verified here, cosignatures of witnesses in
`cosignature`; lines of other keys are carried along and ignored, wherever they stand; a line that names a known
key must verify or the whole note falls; a repeated line is checked again and counts once. Base64 has one spelling.

>>> signer = NoteSigner("example.com/foo", Ed25519Signer(bytes(32)))
>>> open_note(sign_note("A message.\n", [signer]), [signer.verifier]).text
'A message.\n'
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.core.encoding import encode_base64, encode_hex, parse_base64, parse_hex
from ledger.core.errors import BrokenSignatureError, MalformedDocumentError, PolicyMismatchError
from ledger.core.signature import Algorithm, PublicKey, Signer, verify_signature

MAX_NOTE_BYTES = 1_000_000
"""Longest note that is read; Go's sumdb/note has the same limit."""

MAX_SIGNATURES = 100
"""Most signature lines that are read; the specification asks for at least 16, Go takes 100."""

ED25519_TYPE = 1
"""Signature type byte of plain Ed25519 signatures."""

NOTE_KEY_ID_SIZE = 4
"""Bytes of the key id in a signature line; other than the 8 bytes of a `KeyId`."""

_LINE_START = "— "
_CONTROL_CHARACTER = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, as it stands, unverified."""

    name: str
    """Key name: not empty, no Unicode spaces, no `+`."""
    key_id: bytes
    """4 bytes."""
    signature: bytes
    """At least 1 byte; what it means is the matter of the key's signature type."""


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note taken apart, nothing verified: its text must not be believed."""

    text: str
    """The signed text, ending in a newline."""
    signatures: tuple[NoteSignature, ...]
    """1 to 100 lines, in the order of the note."""


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A known Ed25519 key under its name.

    Raises:
        MalformedDocumentError: a bad name, or not an Ed25519 key.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.key.algorithm is not Algorithm.ED25519:
            raise MalformedDocumentError("notes are signed with Ed25519 keys only")

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, say which key made a line."""
        return compute_note_key_id(self.name, ED25519_TYPE, self.key.raw)


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """An Ed25519 key that signs under a name."""

    name: str
    signer: Signer

    @property
    def verifier(self) -> NoteVerifier:
        """What others need to check this signer's lines."""
        return NoteVerifier(self.name, self.signer.public_key)


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A note whose lines by known keys all verify; there is at least one."""

    text: str
    verifiers: tuple[NoteVerifier, ...]
    """The known keys that signed, each once, in the order of the note."""


def check_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a signature line.

    Raises:
        MalformedDocumentError: empty, or with a Unicode space, control character, lone surrogate or `+`.
    """
    if not _KEY_NAME.fullmatch(name):
        raise MalformedDocumentError("a key name is not empty and has no spaces, control characters or '+'")


def compute_note_key_id(name: str, signature_type: int, key_bytes: bytes) -> bytes:
    """Return the first 4 bytes of SHA-256(name || 0x0A || signature type || key).

    Args:
        name: key name, hashed as UTF-8.
        signature_type: one byte; 1 is Ed25519.
        key_bytes: public key as that type encodes it; 32 bytes for Ed25519.

    Source: C2SP signed-note, "Signatures".
    """
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + key_bytes).digest()[:NOTE_KEY_ID_SIZE]


def encode_vkey(verifier: NoteVerifier) -> str:
    """Return `<name>+<key id, 8 hex digits>+<base64 of type byte and key>`."""
    return spell_vkey(verifier.name, ED25519_TYPE, verifier.key)


def parse_vkey(vkey: str) -> NoteVerifier:
    """Return the key that a vkey text stands for.

    Raises:
        InputError: another form or signature type, a bad name, a key id that is not this key's, a key that
            the admission rule refuses.
    """
    return NoteVerifier(*read_vkey(vkey, ED25519_TYPE))


def spell_vkey(name: str, signature_type: int, key: PublicKey) -> str:
    """Return the vkey of an Ed25519 key that makes signatures of this type (C2SP signed-note, "Verifier keys")."""
    key_id = compute_note_key_id(name, signature_type, key.raw)
    return f"{name}+{encode_hex(key_id)}+{encode_base64(bytes([signature_type]) + key.raw)}"


def read_vkey(vkey: str, signature_type: int) -> tuple[str, PublicKey]:
    """Return name and Ed25519 key of a vkey of this signature type.

    Raises:
        InputError: as `parse_vkey`.
    """
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = parse_base64(encoded, size=33)
    if raw[0] != signature_type:
        raise MalformedDocumentError(
            f"a key of signature type {raw[0]}, expected one of type {signature_type}"
        )
    check_key_name(name)
    key = PublicKey(Algorithm.ED25519, raw[1:])
    expected = compute_note_key_id(name, signature_type, key.raw)
    if parse_hex(key_id, size=NOTE_KEY_ID_SIZE) != expected:
        raise MalformedDocumentError(f"the key id {encode_hex(expected)} belongs to this name and key")
    return name, key


def parse_note(note: str | bytes) -> SignedNote:
    """Take a note apart without verifying it.

    Args:
        note: the whole note, as text or as UTF-8; at most 1,000,000 bytes and 100 signature lines.

    Raises:
        InputError: not a signed note, or above the limits.
    """
    content = _decode(note)
    if _CONTROL_CHARACTER.search(content):
        raise MalformedDocumentError("a note has no control characters other than newline")
    end = content.rfind("\n\n")
    if end < 0 or not content.endswith("\n"):
        raise MalformedDocumentError(
            "a note has a text, a blank line and signature lines, each ended by a newline"
        )
    lines = content[end + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedDocumentError(f"a note has at most {MAX_SIGNATURES} signature lines")
    return SignedNote(content[: end + 1], tuple(parse_line(line) for line in lines))


def encode_note(note: SignedNote) -> str:
    """Return the note as text: the inverse of `parse_note`.

    Raises:
        InputError: no note could be read back as this one; the text does not end in a newline, for example.
    """
    encoded = note.text + "\n" + "".join(encode_line(line) for line in note.signatures)
    if parse_note(encoded) != note:
        raise MalformedDocumentError("the text of a note ends in a newline and runs into no signature line")
    return encoded


def sign_note(text: str, signers: Sequence[NoteSigner]) -> str:
    """Return the note with one line by each signer, in their order.

    Args:
        text: ends in a newline; no control characters other than newline.
        signers: 1 to 100.

    Raises:
        InputError: the text or a signer cannot make a note.
    """
    try:
        message = text.encode()
    except UnicodeEncodeError as err:
        raise MalformedDocumentError("the text of a note is valid Unicode") from err
    lines = [NoteSignature(by.name, by.verifier.key_id, by.signer.sign(message)) for by in signers]
    return encode_note(SignedNote(text, tuple(lines)))


def open_note(note: str | bytes, verifiers: Iterable[NoteVerifier]) -> VerifiedNote:
    """Check a note against known keys; lines of other keys are ignored.

    Raises:
        InputError: not a signed note, or above the limits.
        PolicyMismatchError: two of the known keys share a name and a key id.
        BrokenSignatureError: a line of a known key does not verify, or no known key signed.
    """
    known = _index(verifiers)
    parsed = parse_note(note)
    message = parsed.text.encode()
    signed: dict[NoteVerifier, None] = {}
    for line in parsed.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is not None:
            verify_signature(verifier.key, line.signature, message)
            signed[verifier] = None
    if not signed:
        raise BrokenSignatureError("no known key signed this note")
    return VerifiedNote(parsed.text, tuple(signed))


def _index(verifiers: Iterable[NoteVerifier]) -> dict[tuple[str, bytes], NoteVerifier]:
    known: dict[tuple[str, bytes], NoteVerifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise PolicyMismatchError(f"two known keys share the name {verifier.name} and a key id")
    return known


def _decode(note: str | bytes) -> str:
    """Return the note as valid Unicode of a bearable size."""
    try:
        raw = note if isinstance(note, bytes) or len(note) > MAX_NOTE_BYTES else note.encode()
        if len(raw) > MAX_NOTE_BYTES:
            raise MalformedDocumentError(f"a note has at most {MAX_NOTE_BYTES} bytes")
        return note.decode() if isinstance(note, bytes) else note
    except UnicodeError as err:
        raise MalformedDocumentError("a note is valid UTF-8") from err


def parse_line(line: str) -> NoteSignature:
    """Take one signature line apart, without its newline; nothing is verified.

    Raises:
        InputError: not such a line.
    """
    name, separator, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not separator:
        raise MalformedDocumentError(
            "a signature line is an em dash, a key name and base64, one space between"
        )
    check_key_name(name)
    raw = parse_base64(encoded)
    if len(raw) <= NOTE_KEY_ID_SIZE:
        raise MalformedDocumentError("a signature line holds a key id of 4 bytes and a signature")
    return NoteSignature(name, raw[:NOTE_KEY_ID_SIZE], raw[NOTE_KEY_ID_SIZE:])


def encode_line(line: NoteSignature) -> str:
    """Return a signature line, ended by a newline."""
    return f"{_LINE_START}{line.name} {encode_base64(line.key_id + line.signature)}\n"
