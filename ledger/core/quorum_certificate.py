"""Quorum certificates: one BLS signature of many witnesses over a checkpoint, and who they are.

    — ledger.example/2026/quorum 0bTfvwAAAAABwVFgfw…   key id (4) ‖ minutes (8) ‖ bitmap ‖ BLS signature (96)

It is a further line under a checkpoint, so it goes wherever the checkpoint goes, and readers that do not know the
key id ignore it. The key id names the whole ordered list of witnesses; bit i of the bitmap, from the lowest bit of
its first byte, stands for the i-th of them. All sign the same bytes: domain, time in whole minutes, checkpoint.
A certificate says of each signer what its Ed25519 line would say; whether that is a quorum, `quorum` counts.
A witness hands its share to the log as a line of its own, which stands under no checkpoint:

    — b0.example yjdVmQAAAAABwrmgqmjZ…                 key id of its vkey (4) ‖ minutes (8) ‖ its BLS signature (96)

>>> shares = {one: sign_share(body, minutes, signer) for one, signer in signers.items()}
>>> line = build_certificate(body, minutes, shares, witnesses)
>>> [found.witness.name for found in open_certificates(note + encode_line(line), witnesses)]
['w1.example', 'w2.example', 'w4.example']
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from ledger.core.bls import (
    PUBLIC_KEY_BYTES,
    SIGNATURE_BYTES,
    BlsSigner,
    aggregate_signatures,
    verify_bls,
    verify_possession,
)
from ledger.core.constants import QUORUM_DOMAIN
from ledger.core.encoding import encode_base64, encode_hex, parse_base64, parse_hex
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    MalformedDocumentError,
    PolicyMismatchError,
    VerificationError,
)
from ledger.core.note import (
    NOTE_KEY_ID_SIZE,
    NoteSignature,
    check_key_name,
    compute_note_key_id,
    parse_note,
)

CERTIFICATE_TYPE: Final = 0xFF
"""Signature type byte that C2SP signed-note leaves to everybody; the domain behind it says whose it is."""

MAX_MINUTES: Final = 253_402_300_799 // 60
"""Latest time that is read: the end of the year 9999."""

MINUTE: Final = 60
_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class BlsWitness:
    """A witness's BLS key under its name, with the proof that somebody holds its secret.

    Sizes are checked here, the points and the proof by `require_possession`.

    Raises:
        MalformedDocumentError: a bad name or size.
    """

    name: str
    key: bytes
    """48 bytes."""
    possession: bytes
    """96 bytes."""

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if (len(self.key), len(self.possession)) != (PUBLIC_KEY_BYTES, SIGNATURE_BYTES):
            raise MalformedDocumentError(
                "a BLS witness has a key of 48 bytes and a proof of possession of 96"
            )

    @property
    def key_id(self) -> bytes:
        """The 4 bytes in its vkey."""
        return compute_note_key_id(self.name, CERTIFICATE_TYPE, QUORUM_DOMAIN + self.key + self.possession)


@dataclass(frozen=True, slots=True)
class Certified:
    """One signer of a certificate that holds."""

    witness: BlsWitness
    cosigned_at: datetime
    """Aware UTC, a whole minute."""


@dataclass(frozen=True, slots=True)
class Share:
    """One witness's part of a certificate, as its line says it."""

    minutes: int
    """Since 1970-01-01 UTC, rounded down."""
    signature: bytes
    """96 bytes."""

    @property
    def signed_at(self) -> datetime:
        """Aware UTC, a whole minute."""
        return datetime.fromtimestamp(self.minutes * MINUTE, UTC)


@dataclass(frozen=True, slots=True)
class QuorumCertificate:
    """A certificate taken apart, unverified."""

    minutes: int
    """Since 1970-01-01 UTC, rounded down."""
    signers: tuple[BlsWitness, ...]
    """At least one, in the order of the list."""
    signature: bytes
    """96 bytes: theirs, added up."""


def make_bls_witness(name: str, signer: BlsSigner) -> BlsWitness:
    """Return what others need to know of a witness's key."""
    return BlsWitness(name, signer.public_key, signer.prove_possession())


def encode_bls_witness(witness: BlsWitness) -> str:
    """Return `<name>+<key id, 8 hex digits>+<base64 of FF, domain, key and proof of possession>`."""
    raw = bytes([CERTIFICATE_TYPE]) + QUORUM_DOMAIN + witness.key + witness.possession
    return f"{witness.name}+{encode_hex(witness.key_id)}+{encode_base64(raw)}"


def parse_bls_witness(vkey: str) -> BlsWitness:
    """Return the witness that a vkey stands for; its proof of possession is not verified yet.

    Raises:
        InputError: another form or signature type, a bad name, a key id that is not this key's.
    """
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    prefix = bytes([CERTIFICATE_TYPE]) + QUORUM_DOMAIN
    raw = parse_base64(encoded, size=len(prefix) + PUBLIC_KEY_BYTES + SIGNATURE_BYTES)
    if not raw.startswith(prefix):
        raise MalformedDocumentError("not the BLS key of a witness")
    key, possession = raw[len(prefix) : -SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    witness = BlsWitness(name, key, possession)
    if parse_hex(key_id, size=NOTE_KEY_ID_SIZE) != witness.key_id:
        raise MalformedDocumentError(f"the key id {encode_hex(witness.key_id)} belongs to this name and key")
    return witness


def require_possession(witness: BlsWitness) -> None:
    """Refuse a key whose secret nobody has shown to hold; each is verified once.

    Raises:
        PolicyMismatchError: it is no key, or its proof does not hold.
    """
    try:
        _verify_possession(witness.key, witness.possession)
    except (InputError, VerificationError) as err:
        raise PolicyMismatchError(f"the BLS key of {witness.name} is not proved: {err}") from err


def compute_certificate_name(origin: str) -> str:
    """Return the name in the lines of a log's certificates."""
    return f"{origin}/quorum"


def compute_list_id(name: str, witnesses: Sequence[BlsWitness]) -> bytes:
    """Return the 4 bytes that, with the name, say under which ordered list of witnesses a line was made."""
    keys = b"".join(witness.key for witness in witnesses)
    return compute_note_key_id(name, CERTIFICATE_TYPE, QUORUM_DOMAIN + keys)


def sign_share(body: str, minutes: int, signer: BlsSigner) -> bytes:
    """Return one witness's part of a certificate, 96 bytes.

    Args:
        body: text of the checkpoint, ended by a newline, without signature lines.
        minutes: since 1970-01-01 UTC, rounded down.
        signer: its key.
    """
    return signer.sign(_compute_message(body, minutes))


def verify_share(share: bytes, body: str, minutes: int, witness: BlsWitness) -> None:
    """Check one witness's part of a certificate.

    Raises:
        PolicyMismatchError: its key is not proved.
        BrokenSignatureError: it does not hold.
    """
    _verify(share, body, minutes, [witness], f"the signature of {witness.name}")


def sign_share_line(
    body: str, witness: BlsWitness, signer: BlsSigner, cosigned_at: datetime
) -> NoteSignature:
    """Return the line with which a witness hands over its part of a certificate.

    Args:
        body: text of the checkpoint, ended by a newline, without signature lines.
        witness: under whose name; its key is the signer's.
        signer: its key.
        cosigned_at: aware UTC; cut to whole minutes.
    """
    minutes = int(cosigned_at.timestamp()) // MINUTE
    return encode_share(Share(minutes, sign_share(body, minutes, signer)), witness)


def encode_share(share: Share, witness: BlsWitness) -> NoteSignature:
    """Return the line of a share."""
    return NoteSignature(witness.name, witness.key_id, share.minutes.to_bytes(_TIME_BYTES) + share.signature)


def parse_share(raw: bytes) -> Share:
    """Take a share apart; nothing is verified.

    Args:
        raw: what stands in the line behind the key id.

    Raises:
        MalformedDocumentError: another size, or a time after the year 9999.
    """
    size = _TIME_BYTES + SIGNATURE_BYTES
    if len(raw) != size:
        raise MalformedDocumentError(f"a share of a certificate has {size} bytes, not {len(raw)}")
    minutes = int.from_bytes(raw[:_TIME_BYTES])
    if minutes > MAX_MINUTES:
        raise MalformedDocumentError("the time of a share is at most the end of the year 9999")
    return Share(minutes, raw[_TIME_BYTES:])


def verify_share_line(line: NoteSignature, body: str, witness: BlsWitness) -> Share:
    """Check the line of a share of this witness.

    Raises:
        PolicyMismatchError: its key is not proved.
        BrokenSignatureError: it does not hold, or is not a time and a signature, or another's.
    """
    if (line.name, line.key_id) != (witness.name, witness.key_id):
        raise BrokenSignatureError(f"the line is no share of {witness.name}")
    try:
        share = parse_share(line.signature)
    except InputError as err:
        raise BrokenSignatureError(f"the share of {witness.name} does not hold: {err.reason}") from err
    verify_share(share.signature, body, share.minutes, witness)
    return share


def build_certificate(
    body: str, minutes: int, shares: Mapping[BlsWitness, bytes], witnesses: Sequence[BlsWitness]
) -> NoteSignature:
    """Return the line of a certificate.

    Args:
        body: text of the checkpoint.
        minutes: what all of them have signed.
        shares: verified, of at least one of the witnesses.
        witnesses: the whole list, in its order.

    Raises:
        InputError: no shares, or one that is no signature.
    """
    bitmap = sum(1 << place for place, witness in enumerate(witnesses) if witness in shares)
    name = compute_certificate_name(body.partition("\n")[0])
    signature = (
        minutes.to_bytes(_TIME_BYTES)
        + bitmap.to_bytes(_count_bitmap_bytes(witnesses), "little")
        + aggregate_signatures([shares[witness] for witness in witnesses if witness in shares])
    )
    return NoteSignature(name, compute_list_id(name, witnesses), signature)


def parse_certificate(raw: bytes, witnesses: Sequence[BlsWitness]) -> QuorumCertificate:
    """Take a certificate apart.

    Args:
        raw: what stands in the line behind the key id.
        witnesses: the list that the key id names.

    Raises:
        MalformedDocumentError: another size, a time after the year 9999, nobody signs, or a bit of nobody's.
    """
    size = _TIME_BYTES + _count_bitmap_bytes(witnesses) + SIGNATURE_BYTES
    if len(raw) != size:
        raise MalformedDocumentError(
            f"a certificate of {len(witnesses)} witnesses has {size} bytes, not {len(raw)}"
        )
    minutes = int.from_bytes(raw[:_TIME_BYTES])
    bitmap = int.from_bytes(raw[_TIME_BYTES:-SIGNATURE_BYTES], "little")
    if minutes > MAX_MINUTES:
        raise MalformedDocumentError("the time of a certificate is at most the end of the year 9999")
    if not bitmap:
        raise MalformedDocumentError("nobody has signed this certificate")
    if bitmap >> len(witnesses):
        raise MalformedDocumentError("a certificate has a signer who is not in the list")
    signers = tuple(witness for place, witness in enumerate(witnesses) if bitmap >> place & 1)
    return QuorumCertificate(minutes, signers, raw[-SIGNATURE_BYTES:])


def verify_certificate(certificate: QuorumCertificate, body: str) -> None:
    """Check that these signers have signed this checkpoint at this time.

    Raises:
        PolicyMismatchError: the key of one of them is not proved.
        BrokenSignatureError: the signature does not hold.
    """
    _verify(certificate.signature, body, certificate.minutes, certificate.signers, "the quorum certificate")


def open_certificates(note: str | bytes, witnesses: Sequence[BlsWitness]) -> tuple[Certified, ...]:
    """Return who has signed a note by certificates under this list: of each the newest time, in their order.

    Lines under other lists are ignored; the log's own signature is not looked at.

    Raises:
        InputError: not a signed note.
        PolicyMismatchError: the key of a signer is not proved.
        BrokenSignatureError: a certificate under this list does not hold.
    """
    if not witnesses:
        return ()
    parsed = parse_note(note)
    name = compute_certificate_name(parsed.text.partition("\n")[0])
    list_id = compute_list_id(name, witnesses)
    newest: dict[BlsWitness, int] = {}
    for line in parsed.signatures:
        if (line.name, line.key_id) == (name, list_id):
            found = _open(line, parsed.text, witnesses)
            newest |= {one: max(found.minutes, newest.get(one, 0)) for one in found.signers}
    return tuple(
        Certified(one, datetime.fromtimestamp(newest[one] * MINUTE, UTC))
        for one in witnesses
        if one in newest
    )


def _open(line: NoteSignature, body: str, witnesses: Sequence[BlsWitness]) -> QuorumCertificate:
    try:
        found = parse_certificate(line.signature, witnesses)
    except InputError as err:
        raise BrokenSignatureError(f"the quorum certificate does not hold: {err.reason}") from err
    verify_certificate(found, body)
    return found


def _verify(signature: bytes, body: str, minutes: int, signers: Sequence[BlsWitness], what: str) -> None:
    for signer in signers:
        require_possession(signer)
    try:
        verify_bls([signer.key for signer in signers], _compute_message(body, minutes), signature)
    except (InputError, VerificationError) as err:
        raise BrokenSignatureError(f"{what} does not hold") from err


@lru_cache(maxsize=256)
def _verify_possession(key: bytes, possession: bytes) -> None:
    verify_possession(key, possession)


def _count_bitmap_bytes(witnesses: Sequence[BlsWitness]) -> int:
    return (len(witnesses) + 7) // 8


def _compute_message(body: str, minutes: int) -> bytes:
    """Return what every witness of a certificate signs."""
    return QUORUM_DOMAIN + minutes.to_bytes(_TIME_BYTES) + body.encode()
