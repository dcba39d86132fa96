"""Checks a supplement (补充件): the PDF as any of ours, and whether the ledger holds its digest.

What the PDF holds says which certificate it supplements; only the act in the log says that it does. The proof of
the act stands beside the PDF: without it, or with one whose key the bundle's evidence does not know, step 12 is
NOT_CHECKED, and required.

>>> check_act(supplement, sha256, proof, established, session).outcome
<Outcome.PASSED: 'PASSED'>
"""

from ledger.core.act import Act, parse_act
from ledger.core.certificate import Certificate
from ledger.core.entry import HEADER_BYTES, parse_header
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.evidence import Established
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.statement import ActClaims, SignedStatement, parse_signed_statement, verify_statement
from ledger.core.status import Status
from ledger.core.step import Check, Sentence, Step, failed, not_checked, passed
from ledger.core.supplement import ActProof, Supplement
from ledger.core.tlog_proof import parse_tlog_proof
from verifier import checks
from verifier.session import Session


def describe_supplement(supplement: Supplement) -> Sentence:
    """Say what a supplement is one of."""
    number, reason = supplement.number, supplement.reason.value
    return Sentence(
        f"a supplement of {supplement.made_on} to {number}, reason {reason}",
        f"{number}的补充件，日期{supplement.made_on}，原因{reason}",
    )


def check_supplement(supplement: Supplement, certificate: Certificate) -> Check:
    """Step 2: the supplement names the very certificate that it comes with."""
    record = certificate.record
    named = (supplement.issuer, supplement.number, supplement.certificate_digest)
    if named != (record.issuer.id, record.number, certificate.digest):
        return failed(Step.BINDING, "the supplement is to another certificate", "补充件所补充的是另一份证书")
    return passed(Step.BINDING, f"supplements certificate {record.number}", f"补充证书{record.number}")


def check_act(
    supplement: Supplement,
    pdf_digest: bytes,
    proof: ActProof | None,
    certificate: Certificate,
    established: Established | None,
    session: Session,
) -> Check:
    """Step 12: the log holds an act of this institution with the digest of this very file.

    Args:
        supplement: what the file says of itself.
        pdf_digest: SHA-256 of the whole file, 32 bytes.
        proof: of the act; None: not at hand.
        certificate: that is supplemented.
        established: what the evidence of the certificate's bundle shows.
        session: what to believe.
    """
    if proof is None:
        return not_checked(
            Step.INCLUSION,
            "whether the ledger has this supplement is not shown: --act names the proof",
            "未表明账本是否载有本补充件：请以 --act 指明证明文件",
        )
    try:
        signed = parse_signed_statement(proof.statement)
        act = _read_act(signed)
        _require_same(act, supplement, pdf_digest, certificate)
        index, size = _verify_leaf(signed, proof, session)
    except (InputError, VerificationError) as err:
        return checks.from_error(Step.INCLUSION, err)
    return _check_key(signed, index, size, established, session)


def _read_act(signed: SignedStatement) -> Act:
    claims = signed.statement.claims
    if signed.statement.type is not EventType.SUPPLEMENT or not isinstance(claims, ActClaims):
        raise VerificationError("the proof is not of a supplement")
    act = parse_act(claims.content)
    if signed.statement.issuer != act.issuer:
        raise VerificationError("the act is not by the institution of the certificate")
    return act


def _require_same(act: Act, supplement: Supplement, pdf_digest: bytes, certificate: Certificate) -> None:
    if act.document != pdf_digest:
        raise VerificationError("the ledger has the digest of another file")
    instrument = certificate.record.instrument.id
    if (act.issuer, act.number, act.instrument_id) != (supplement.issuer, supplement.number, instrument):
        raise VerificationError("the act is about another certificate")
    if act.reason is not supplement.reason:
        raise VerificationError(f"the act has the reason {act.reason.value}")


def _verify_leaf(signed: SignedStatement, proof: ActProof, session: Session) -> tuple[int, int]:
    """Return the index of the act's leaf, which must have taken effect, and the size of the tree."""
    found = parse_tlog_proof(proof.proof)
    if len(found.extra) != HEADER_BYTES:
        raise VerificationError("the proof has no header of a leaf")
    header = parse_header(found.extra)
    if header.status == Status.VOID or header.statement_digest != signed.digest:
        raise VerificationError("the leaf has no effect, or is of another statement")
    tree = session.open_checkpoint(found.checkpoint)
    leaf_hash = hash_leaf(found.extra + signed.raw)
    verify_inclusion(leaf_hash, found.leaf_index, tree.tree_size, found.inclusion, tree.root_hash)
    return found.leaf_index, tree.tree_size


def _check_key(
    signed: SignedStatement, index: int, size: int, established: Established | None, session: Session
) -> Check:
    known = None if established is None else established.registers.keys.get(signed.key_id)
    if known is None or established is None:
        return not_checked(
            Step.INCLUSION,
            "the key of the act is not in the evidence of this file",
            "本文件所附证据中没有该声明的密钥",
        )
    ended_at = session.find_end_of_key(signed.key_id)
    is_active = known.is_active_at(index) and (ended_at is None or index < ended_at)
    since = session.find_compromise(signed.key_id, established.registers)
    if known.owner != signed.statement.issuer or not is_active or since is not None:
        return failed(
            Step.INCLUSION, "the key of the act does not count at its leaf", "该声明的密钥在其账本位置无效"
        )
    try:
        verify_statement(signed, known.key, session.policy.origin)
    except VerificationError as err:
        return checks.from_error(Step.INCLUSION, err)
    return passed(
        Step.INCLUSION,
        f"the ledger has the digest of this supplement, leaf {index} of {size}",
        f"账本第{index}条载有本补充件的摘要，共{size}条",
    )
