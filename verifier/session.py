"""What one run of the verifier believes and what it has verified already.

Authority evidence and checkpoints are the same in thousands of bundles; a session verifies each once and
remembers the outcome by digest. Nothing is remembered beyond the run.

>>> session = Session(policy, load_rule_book(), trust_list=None)
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, TypeVar

from ledger.core.anchor import AnchorReceipt, verify_receipt
from ledger.core.bundle import ProofBundle
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import LedgerError, VerificationError, copy_error
from ledger.core.evidence import Established, Evidence, fold_evidence
from ledger.core.ids import InstitutionId, KeyId, LeafIndex
from ledger.core.policy import Policy
from ledger.core.quorum import Signed
from ledger.core.regulation import RuleBook
from ledger.core.standard import StandardContent
from ledger.core.status import Registers
from ledger.core.trust import (
    TrustList,
    open_evidence,
    open_policy_cosignatures,
    open_signed_checkpoint,
    open_trust_list,
)

ValueT = TypeVar("ValueT")
REMEMBERED: Final = 1024
"""Outcomes of each kind that a session keeps."""


def _list_owners_of_standards(registers: Registers) -> frozenset[InstitutionId]:
    """Return the institutions whose standards are in the evidence: where others' standards come from."""
    return frozenset(content.institution for content in registers.list_newest(StandardContent))


class _Memory(Generic[ValueT]):
    """Outcomes by digest, errors included; forgets everything when full.

    An error is kept as a copy: the traceback of the one that was raised holds what was handed in, whole.
    """

    def __init__(self) -> None:
        self._outcomes: dict[object, ValueT | LedgerError] = {}

    def recall(self, key: object, compute: Callable[[], ValueT]) -> ValueT:
        outcome = self._outcomes.get(key)
        if outcome is None:
            if len(self._outcomes) >= REMEMBERED:
                self._outcomes.clear()
            try:
                outcome = compute()
            except LedgerError as err:
                outcome = copy_error(err)
            self._outcomes[key] = outcome
        if isinstance(outcome, LedgerError):
            raise copy_error(outcome)
        return outcome


class Session:
    """Policy, rule book, trust list, and what has been verified with them. Safe to share between threads."""

    def __init__(self, policy: Policy, rule_book: RuleBook, trust_list: TrustList | None) -> None:
        """Take what to believe.

        Raises:
            InputError: the trust list is of another log, or malformed.
            VerificationError: the trust list does not hold.
        """
        self.policy = policy
        self.rule_book = rule_book
        self.trusted: tuple[Registers, Checkpoint] | None = None
        if trust_list is not None:
            self.trusted = open_trust_list(trust_list, policy)
        self._checkpoints = _Memory[Checkpoint]()
        self._cosignatures = _Memory[tuple[Signed, ...]]()
        self._receipts = _Memory[bool]()
        self._evidence = _Memory[tuple[Registers, Established]]()

    def open_checkpoint(self, note: str) -> Checkpoint:
        """Return the checkpoint in a signed note.

        Raises:
            InputError: not a checkpoint, or one of another log.
            VerificationError: not signed by the policy's log key, or the trust list has another root for the
                same size: the log has shown different histories.
        """
        key = hashlib.sha256(note.encode()).digest()
        return self._checkpoints.recall(key, lambda: self._open_checkpoint(note))

    def open_cosignatures(self, note: str) -> tuple[Signed, ...]:
        """Return what the policy's witnesses have signed of a note.

        Raises:
            InputError: not a signed note.
            PolicyMismatchError: the BLS key of a signer is not proved in the policy.
            BrokenSignatureError: the line of one of them, or a certificate of theirs, does not hold.
        """
        key = hashlib.sha256(note.encode()).digest()
        return self._cosignatures.recall(key, lambda: open_policy_cosignatures(note, self.policy))

    def verify_receipt(self, receipt: AnchorReceipt) -> None:
        """Check that the policy's log key signed this receipt.

        Raises:
            BrokenSignatureError: it did not.
        """
        self._receipts.recall(receipt, lambda: self._verify_receipt(receipt))

    def open_evidence(self, bundle: ProofBundle, checkpoint: Checkpoint) -> tuple[Registers, Established]:
        """Return what a bundle's evidence establishes: at its document's position in the log, and in all.

        Raises:
            InputError: a leaf is malformed.
            VerificationError: a proof, a signature or an event in it does not hold, or it is about other
            institutions too.
        """
        issuer = bundle.certificate.record.issuer.id
        position = bisect_left(bundle.evidence.leaves, bundle.leaf_index, key=lambda item: item[0])
        key = (bundle.evidence_digest, checkpoint, issuer, position)
        return self._evidence.recall(key, lambda: self._open_evidence(bundle, checkpoint, issuer))

    def open_evidence_alone(
        self, evidence: Evidence, checkpoint: Checkpoint, before: LeafIndex | None
    ) -> tuple[Registers, Established]:
        """Return what evidence establishes before a leaf, or in all, and in all; whoever it is about.

        Raises:
            InputError: a leaf is malformed.
            VerificationError: a proof, a signature or an event in it does not hold.
        """
        end = len(evidence.leaves)
        position = end if before is None else bisect_left(evidence.leaves, before, key=lambda item: item[0])
        key = (evidence, checkpoint, position)
        return self._evidence.recall(key, lambda: self._open_evidence_alone(evidence, checkpoint, before))

    def find_end_of_key(self, key_id: KeyId) -> LeafIndex | None:
        """Return from which leaf on the trust list says that a key no longer counts; None: it does not say."""
        known = None if self.trusted is None else self.trusted[0].keys.get(key_id)
        return None if known is None else known.until

    def find_compromise(self, key_id: KeyId, newest: Registers) -> datetime | None:
        """Return since when a key counts as compromised, by a bundle's evidence or the trust list; None: never."""
        registers = [newest, *([] if self.trusted is None else [self.trusted[0]])]
        known = (found.keys.get(key_id) for found in registers)
        instants = (key.compromised_from for key in known if key is not None)
        return min((instant for instant in instants if instant is not None), default=None)

    def _open_checkpoint(self, note: str) -> Checkpoint:
        checkpoint = open_signed_checkpoint(note, self.policy)
        if self.trusted is not None:
            other = self.trusted[1]
            if other.tree_size == checkpoint.tree_size and other.root_hash != checkpoint.root_hash:
                raise VerificationError(
                    f"the log has signed two different states of {checkpoint.tree_size} leaves"
                )
        return checkpoint

    def _open_evidence(
        self, bundle: ProofBundle, checkpoint: Checkpoint, issuer: InstitutionId
    ) -> tuple[Registers, Established]:
        newest = open_evidence(bundle.evidence, checkpoint, self.policy)
        known = newest.registers
        strangers = sorted(known.institutions.keys() - {issuer} - _list_owners_of_standards(known))
        if strangers:
            raise VerificationError(f"the authority evidence is about other institutions too: {strangers[0]}")
        policy = self.policy
        origin, root_digest = policy.origin, policy.root_digest
        return fold_evidence(bundle.evidence, origin, root_digest, before=bundle.leaf_index), newest

    def _open_evidence_alone(
        self, evidence: Evidence, checkpoint: Checkpoint, before: LeafIndex | None
    ) -> tuple[Registers, Established]:
        newest = open_evidence(evidence, checkpoint, self.policy)
        if before is None:
            return newest.registers, newest
        policy = self.policy
        return fold_evidence(evidence, policy.origin, policy.root_digest, before=before), newest

    def _verify_receipt(self, receipt: AnchorReceipt) -> bool:
        verify_receipt(receipt, self.policy.log_key)
        return True
