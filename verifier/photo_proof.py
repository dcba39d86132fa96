"""What the proof of a photograph shows beside a document: its institution has registered this very picture.

    1  the proof's checkpoint is the log's, and no other state of the bundle's size
    2  the leaf is in it, and no later than the bundle's evidence reaches
    3  it is a registration, in effect, of the instrument that the document is about
    4  the institution of the document has signed it, with a key that counts there and is not compromised
    5  the bytes have the digest and the size that it names

Whether a later registration names another picture is not shown; neither is what the picture shows.

>>> verify_photo(raw, parse_photo_proof(proof), bundle, session).taken_on
datetime.date(2026, 2, 28)
"""

from ledger.core.bundle import ProofBundle
from ledger.core.errors import UnavailableError, VerificationError
from ledger.core.ids import LeafIndex
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.photo import Photograph, check_photo
from ledger.core.photo_proof import PhotoProof, read_registration
from ledger.core.policy import require_origin
from ledger.core.signature import PublicKey
from ledger.core.statement import SignedStatement, verify_statement
from ledger.core.status import Registers
from verifier.session import Session


def verify_photo(raw: bytes, proof: PhotoProof, bundle: ProofBundle, session: Session) -> Photograph:
    """Check that a picture is registered for the instrument of a document, by its institution; return what is said.

    Args:
        raw: the picture.
        proof: parsed, not verified.
        bundle: of the document; whether it holds itself is for its own report.
        session: what to believe.

    Raises:
        InputError: picture, leaf, checkpoint or evidence is not one.
        VerificationError: something does not hold; the first of the steps.
        UnavailableError: the bundle is too old to say whose key it is.
    """
    require_origin(session.policy, proof.origin)
    checkpoint, state = session.open_checkpoint(proof.checkpoint), session.open_checkpoint(bundle.checkpoint)
    if checkpoint.tree_size == state.tree_size and checkpoint.root_hash != state.root_hash:
        raise VerificationError(f"the log has signed two different states of {state.tree_size} leaves")
    verify_inclusion(
        hash_leaf(proof.leaf), proof.leaf_index, checkpoint.tree_size, proof.inclusion, checkpoint.root_hash
    )
    if proof.leaf_index >= state.tree_size:
        raise UnavailableError("the registration is later than the bundle's evidence reaches")
    signed, content = read_registration(proof)
    record = bundle.certificate.record
    if content.id != record.instrument.id:
        raise VerificationError("the registration is of another instrument")
    if signed.statement.issuer != record.issuer.id:
        raise VerificationError("the registration is of another institution than the document")
    _, established = session.open_evidence(bundle, state)
    key = _find_key(signed, proof.leaf_index, established.registers, session)
    verify_statement(signed, key, proof.origin)
    if content.photo is None:
        raise VerificationError("the registration names no photograph")
    check_photo(raw, content.photo)
    return content.photo


def _find_key(signed: SignedStatement, index: LeafIndex, registers: Registers, session: Session) -> PublicKey:
    known = registers.keys.get(signed.key_id)
    ended_at = session.find_end_of_key(signed.key_id)
    if known is None or known.owner != signed.statement.issuer:
        raise VerificationError("the evidence does not register this key for the institution")
    if not known.is_active_at(index) or (ended_at is not None and index >= ended_at):
        raise VerificationError(f"the key is not active at leaf {index}")
    if session.find_compromise(signed.key_id, registers) is not None:
        raise VerificationError("the key is compromised")
    return known.key
