"""From a checked document and a number to signed bytes: certificate, statement, disclosure.

A `ReadyDocument` waits for its number in the form of bytes, so that a hundred thousand of them fit into memory.

>>> sealed = seal_document(document, number, seal, randomness)
>>> statement = sign_issue(sealed.claims, 0, seal)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeAlias, cast

from issuer.drafting import Draft, Request
from issuer.personal import PersonalMember, conceal_members
from ledger.core.canonical import (
    JsonObject,
    as_object,
    encode_canonical_json,
    parse_canonical_json,
    reread_canonical_json,
    respell_canonical_json,
)
from ledger.core.certificate import build_document
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.disclosure import (
    SALT_BYTES,
    DisclosedMember,
    Disclosure,
    encode_disclosure,
    parse_disclosure,
)
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import MalformedDocumentError
from ledger.core.event import EventType, instrument_subject
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, Subject
from ledger.core.record import Issuer
from ledger.core.signature import Signer
from ledger.core.statement import IssueClaims, Statement, parse_signed_statement, sign_statement

NONCE_BYTES = 16

Randomness: TypeAlias = Callable[[int], bytes]
"""Returns so many random bytes, fit for secrets: `secrets.token_bytes`."""


@dataclass(frozen=True, slots=True)
class ReadyDocument:
    """A document that has passed the gate; it lacks its number, its nonce, its salts and its seal."""

    request: Request
    number: CertificateNumber | None
    """The document's own number; None: the desk gives one."""
    template: bytes
    """The record in canonical JSON, with `PENDING` and `HIDDEN` in their places."""
    personal: tuple[PersonalMember, ...]
    claims: IssueClaims
    """What the statement will say; number and digest come with the seal."""
    dated: date
    """Decides the series of the number: the day of issue, of the verification where the former is not known yet."""

    @property
    def subject(self) -> Subject:
        """Return what the statement touches."""
        return instrument_subject(self.claims.instrument_id, self.claims.part)


@dataclass(frozen=True, slots=True)
class Seal:
    """Who signs, where it is good, and when."""

    signer: Signer
    origin: str
    institution: InstitutionId
    sealed_at: datetime
    """Aware UTC; a fraction of a second is left out."""
    persons: Mapping[str, Signer] = field(default_factory=dict)
    """Keys of persons by multikey: of those who sign here and now, together with the institution."""


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document under its seal."""

    certificate: bytes
    claims: IssueClaims
    disclosure: bytes | None
    """None: there is nothing personal in the document."""


def prepare_document(draft: Draft, issuer: Issuer) -> ReadyDocument:
    """Return a draft in the form in which it waits; the caller has asked the gate."""
    members: JsonObject = {
        **draft.members,
        "issuer": {
            "id": issuer.id,
            "name": issuer.name,
            "authorisation_no": issuer.authorisation_no,
            "scope_line_id": issuer.scope_id,
        },
    }
    template, record = encode_canonical_json(members), draft.record
    return ReadyDocument(
        draft.request,
        draft.number,
        template,
        draft.personal,
        draft.claims,
        record.issued_on or record.verified_on,
    )


def seal_document(
    document: ReadyDocument, number: CertificateNumber, seal: Seal, randomness: Randomness
) -> SealedDocument:
    """Give a document its number, its nonce and its salts, and put the institution's seal on it.

    Args:
        document: what the gate let through.
        number: of this document only, for ever.
        seal: who signs and when.
        randomness: source of nonce and salts.

    Raises:
        MalformedDocumentError: a person is to sign with a key that is not at hand.
    """
    record, disclosed = number_document(document, number, randomness)
    return _seal_record(record, replace(document.claims, number=number), disclosed, seal)


def number_document(
    document: ReadyDocument, number: CertificateNumber, randomness: Randomness
) -> tuple[JsonObject, dict[str, DisclosedMember]]:
    """Return the record of a document with its number, nonce and commitments, and what these commit to."""
    record = cast("JsonObject", reread_canonical_json(document.template))
    random = randomness(NONCE_BYTES + SALT_BYTES * len(document.personal))
    record["no"], record["nonce"] = number, encode_hex(random[:NONCE_BYTES])
    salts = (random[start : start + SALT_BYTES] for start in range(NONCE_BYTES, len(random), SALT_BYTES))
    return record, conceal_members(record, document.personal, salts)


def seal_signed(
    unsigned: JsonObject,
    proofs: Sequence[JsonObject],
    claims: IssueClaims,
    disclosed: Mapping[str, DisclosedMember],
    seal: Seal,
) -> SealedDocument:
    """Put the institution's seal on a document that its persons have signed already.

    Args:
        unsigned: the credential without proofs, which names the seal's key as its issuer.
        proofs: of the persons who have keys, in the record's order.
        claims: what the statement will say; the digest is filled in.
        disclosed: values of the personal members.
        seal: who seals, and when.
    """
    created = encode_instant(seal.sealed_at.replace(microsecond=0))
    sealed = create_proof(unsigned, seal.signer, created)
    certificate = respell_canonical_json(join_proofs(unsigned, [*proofs, sealed]))
    published = Digest(hashlib.sha256(certificate).digest())
    disclosure = encode_disclosure(Disclosure(published, disclosed)) if disclosed else None
    return SealedDocument(certificate, replace(claims, certificate_digest=published), disclosure)


def seal_anew(certificate: bytes, disclosure: bytes | None, statement: bytes, seal: Seal) -> SealedDocument:
    """Put another seal on a document that no log has: the record stays as it is, number, nonce and salts too.

    Args:
        certificate: as it was sealed before.
        disclosure: of that certificate.
        statement: of that certificate.
        seal: who signs now, and when; persons who have keys sign again too.

    Raises:
        MalformedDocumentError: not an issue, or a person is to sign with a key that is not at hand.
    """
    claims = parse_signed_statement(statement).statement.claims
    if not isinstance(claims, IssueClaims):
        raise MalformedDocumentError("not an issue", field="statement.type")
    record = as_object(as_object(parse_canonical_json(certificate))["credentialSubject"])
    disclosed = {} if disclosure is None else parse_disclosure(disclosure).members
    return _seal_record(record, claims, disclosed, seal)


def _seal_record(
    record: JsonObject, claims: IssueClaims, disclosed: Mapping[str, DisclosedMember], seal: Seal
) -> SealedDocument:
    unsigned = build_document(record, seal.signer.public_key.did_key)
    digest = Digest(hashlib.sha256(respell_canonical_json(unsigned)).digest())
    created = encode_instant(seal.sealed_at.replace(microsecond=0))
    signers = [*_find_persons(record, seal.persons), seal.signer]
    proofs = [create_proof(unsigned, signer, created, digest=digest) for signer in signers]
    certificate = respell_canonical_json(join_proofs(unsigned, proofs))
    published = Digest(hashlib.sha256(certificate).digest())
    claims = replace(claims, certificate_digest=published)
    disclosure = encode_disclosure(Disclosure(published, disclosed)) if disclosed else None
    return SealedDocument(certificate, claims, disclosure)


def _find_persons(record: JsonObject, signers: Mapping[str, Signer]) -> list[Signer]:
    """Return the signers of the persons who have keys, in the record's order, each once."""
    persons = record["persons"]
    keys = [as_object(person).get("key") for person in (persons if isinstance(persons, list) else ())]
    named = dict.fromkeys(key for key in keys if isinstance(key, str))
    missing = [key for key in named if key not in signers]
    if missing:
        raise MalformedDocumentError(f"the key {missing[0]} is not at hand to sign", field="persons.key")
    return [signers[key] for key in named]


def sign_issue(claims: IssueClaims, expected_version: int, seal: Seal) -> bytes:
    """Return the signed statement about a sealed document.

    Raises:
        MalformedDocumentError: a claim is out of its range.
    """
    event_type = EventType.ISSUE if claims.predecessor is None else EventType.REPLACE
    statement = Statement(event_type, seal.institution, claims, expected_version)
    return sign_statement(statement, seal.signer, seal.origin)


def renew_issue(raw: bytes, expected_version: int, seal: Seal) -> bytes:
    """Return the same statement with another expected version; the certificate stays as it is.

    Raises:
        MalformedDocumentError: not an issue.
    """
    claims = parse_signed_statement(raw).statement.claims
    if not isinstance(claims, IssueClaims):
        raise MalformedDocumentError("not an issue", field="statement.type")
    return sign_issue(claims, expected_version, seal)
