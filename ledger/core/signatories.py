"""Who signs a document: the persons who have a key of their own, in the record's order, and the institution's seal.

    proof = [operator's, checker's, approver's, seal]

Every proof is over the same document, so that each person signs all that the document says. A person without a
key is named by the record alone. Whose the keys are is for the registers to say.

>>> sealed_at = verify_signatures(certificate, seal_key)
"""

from collections.abc import Sequence
from datetime import datetime

from ledger.core.certificate import Certificate
from ledger.core.data_integrity import parse_proof, verify_proof
from ledger.core.encoding import parse_instant
from ledger.core.errors import BrokenSignatureError
from ledger.core.record import Role, Signatory
from ledger.core.signature import PublicKey


def list_signing_keys(persons: Sequence[Signatory]) -> list[PublicKey]:
    """Return the keys with which these persons sign, in the order of their proofs: one of each person."""
    return list(dict.fromkeys(person.key for person in persons if person.key is not None))


def verify_signatures(certificate: Certificate, seal: PublicKey) -> datetime:
    """Check that exactly the persons with keys and the institution have signed; return when it was sealed.

    Args:
        certificate: parsed.
        seal: the institution's key, which signs the statement too.

    Raises:
        InputError: a proof is not of the profile.
        BrokenSignatureError: too many or too few proofs, another key's, or a signature does not hold.
    """
    if certificate.issuer_did != seal.did_key:
        raise BrokenSignatureError("the certificate names another key as its issuer")
    keys = [*list_signing_keys(certificate.record.persons), seal]
    if len(certificate.proofs) != len(keys):
        raise BrokenSignatureError(f"{len(certificate.proofs)} proofs instead of {_describe(len(keys))}")
    proof = None
    for key, item in zip(keys, certificate.proofs, strict=True):
        proof = parse_proof(item)
        verify_proof(certificate.document, proof, key, digest=certificate.document_digest)
    return parse_instant("" if proof is None else proof.created)


def _describe(count: int) -> str:
    return "one seal" if count == 1 else f"{count - 1} of persons and one seal"


def find_person(persons: Sequence[Signatory], role: Role) -> Signatory | None:
    """Return who has this role, if anybody."""
    return next((person for person in persons if person.role is role), None)
