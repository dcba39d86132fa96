"""What an operator submits, fixed: every later signature is over these very bytes.

    ready document + number, nonce, salts -> Frozen: the record; commitments in it, their values beside it
    Frozen + who signed when              -> the credential without proofs, as each person with a key signs it

A person with a registered key signs a proof, whose `created` is the time. A person without one signs by time:
`signed_at` is written into the record when they act. So that no byte changes under a signature, whoever signs
after a person with a key has a key too; see decision 0023.

>>> frozen = freeze_document(ready, number, did_key, randomness)
>>> unsigned = build_unsigned(frozen, times, zone)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from issuer.signing import Randomness, ReadyDocument, Seal, SealedDocument, number_document, seal_signed
from ledger.core.canonical import JsonObject, encode_canonical_json, reread_canonical_json
from ledger.core.certificate import build_document
from ledger.core.data_integrity import create_proof
from ledger.core.disclosure import DisclosedMember, Disclosure, encode_disclosure, parse_disclosure
from ledger.core.encoding import encode_date, encode_instant
from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.record import Record, Role
from ledger.core.record_parsing import parse_record
from ledger.core.rules import build_issue_claims
from ledger.core.signature import Signer

_UNPUBLISHED: Final = Digest(bytes(32))
"""Stands in the disclosure of a document that has no published bytes yet."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A document whose content is fixed."""

    number: CertificateNumber
    issuer_did: str
    """did:key of the seal that will close it."""
    record: bytes
    """Canonical JSON, without the times of those who sign by time and what follows from them."""
    disclosure: bytes | None
    """Values of its personal members."""

    @property
    def disclosed(self) -> Mapping[str, DisclosedMember]:
        """Return the values of the personal members, by path."""
        return {} if self.disclosure is None else parse_disclosure(self.disclosure).members

    def read_members(self) -> JsonObject:
        """Return the record as it stands."""
        return cast("JsonObject", reread_canonical_json(self.record))


def freeze_document(
    document: ReadyDocument,
    number: CertificateNumber,
    issuer_did: str,
    randomness: Randomness,
    changed: Sequence[str] = (),
) -> Frozen:
    """Give a checked document its number, nonce and salts; take the times out that nobody has signed yet.

    Args:
        document: what the gate let through.
        number: its own for ever.
        issuer_did: of the seal key.
        randomness: source of nonce and salts.
        changed: paths in which it differs from the document that it replaces.
    """
    record, disclosed = number_document(document, number, randomness)
    persons = cast("list[JsonObject]", record["persons"])
    record["persons"] = [
        {name: value for name, value in person.items() if name != "signed_at"} for person in persons
    ]
    record.pop("issued_on", None)
    if changed:
        record["replaces"] = {**cast("JsonObject", record["replaces"]), "changed": list(changed)}
    disclosure = encode_disclosure(Disclosure(_UNPUBLISHED, disclosed)) if disclosed else None
    return Frozen(number, issuer_did, encode_canonical_json(record), disclosure)


def fill_times(frozen: Frozen, times: Mapping[Role, datetime], zone: ZoneInfo) -> JsonObject:
    """Return the record with the times of those who have signed by time.

    Args:
        frozen: the document.
        times: when each role signed, those with keys too; aware UTC, whole seconds.
        zone: the day of issue is a day of this zone.
    """
    record: dict[str, Any] = frozen.read_members()
    for person in record["persons"]:
        role = Role(person["role"])
        if "key" not in person and role in times:
            person["signed_at"] = encode_instant(times[role])
            if role is Role.APPROVER:
                record["issued_on"] = encode_date(times[role].astimezone(zone).date())
    return record


def build_unsigned(frozen: Frozen, times: Mapping[Role, datetime], zone: ZoneInfo) -> JsonObject:
    """Return the credential as a person with a key signs it; see `fill_times`."""
    return build_document(fill_times(frozen, times, zone), frozen.issuer_did)


def read_frozen(frozen: Frozen, times: Mapping[Role, datetime], now: datetime, zone: ZoneInfo) -> Record:
    """Return the record for the gate, with `now` for those who have yet to sign by time."""
    members = fill_times(frozen, {role: times.get(role, now) for role in Role}, zone)
    keys = {
        str(person["key"]): times[role]
        for person in cast("list[JsonObject]", members["persons"])
        if "key" in person and (role := Role(str(person["role"]))) in times
    }
    return parse_record(Reader(members, ""), keys)


def find_key(frozen: Frozen, role: Role) -> str | None:
    """Return the multikey that signs for a role; None: this person signs by time."""
    persons = cast("list[JsonObject]", frozen.read_members()["persons"])
    found = next((person for person in persons if person["role"] == role), {})
    return None if "key" not in found else str(found["key"])


def sign_frozen(
    frozen: Frozen, role: Role, signer: Signer, times: Mapping[Role, datetime], zone: ZoneInfo
) -> bytes:
    """Return a person's proof over the document, canonical JSON.

    Args:
        frozen: the document.
        role: of this person.
        signer: their key, the one that the record names.
        times: when everybody up to and including this person signed.
        zone: see `fill_times`.

    Raises:
        InputError: the record names another key for this role.
    """
    if find_key(frozen, role) != signer.public_key.multikey:
        raise InputError(f"{frozen.number} names another key for the {role.value}", field="key")
    unsigned = build_unsigned(frozen, times, zone)
    return encode_canonical_json(create_proof(unsigned, signer, encode_instant(times[role])))


def seal_frozen(
    frozen: Frozen,
    proofs: Mapping[Role, bytes],
    times: Mapping[Role, datetime],
    seal: Seal,
    zone: ZoneInfo,
) -> SealedDocument:
    """Put the seal on a document that all its persons have signed.

    Where checker and approver are one person with one key, the approver's proof alone is published: it is over
    the same bytes, and its time is the day of issue.

    Args:
        frozen: the document.
        proofs: of the roles that sign with keys.
        times: when each role signed.
        seal: who seals, and when.
        zone: see `fill_times`.
    """
    unsigned = build_unsigned(frozen, times, zone)
    record = parse_record(Reader(unsigned["credentialSubject"], ""))
    by_key: dict[str, bytes] = {}
    for person in record.persons:
        if person.key is not None:
            by_key[person.key.multikey] = proofs[person.role]
    published = [cast("JsonObject", reread_canonical_json(proof)) for proof in by_key.values()]
    claims = build_issue_claims(record, bytes(32))
    return seal_signed(unsigned, published, claims, frozen.disclosed, seal)
