"""What one run of the verifier believes and what it has verified already.

Authority evidence and checkpoints are the same in thousands of bundles; a session verifies each once and
remembers the outcome by digest. Nothing is remembered beyond the run.

>>> session = Session(policy, load_rule_book(), trust_list=None)
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Generic, TypeVar

from ledger.core.anchor import AnchorReceipt, verify_receipt
from ledger.core.bundle import ProofBundle
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.errors import LedgerError
from ledger.core.evidence import fold_evidence, verify_evidence_inclusion
from ledger.core.ids import TreeSize
from ledger.core.note import NoteVerifier
from ledger.core.policy import Policy
from ledger.core.regulation import RuleBook
from ledger.core.status import Registers
from ledger.core.trust import TrustList, open_trust_list

ValueT = TypeVar("ValueT")
REMEMBERED = 1024


class _Memory(Generic[ValueT]):
    """Outcomes by digest, errors included; forgets everything when full."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[object, ...], ValueT | LedgerError] = {}

    def recall(self, key: tuple[object, ...], compute: Callable[[], ValueT]) -> ValueT:
        outcome = self._outcomes.get(key)
        if outcome is None:
            if len(self._outcomes) >= REMEMBERED:
                self._outcomes.clear()
            try:
                outcome = compute()
            except LedgerError as err:
                outcome = err
            self._outcomes[key] = outcome
        if isinstance(outcome, LedgerError):
            raise outcome.with_traceback(None)
        return outcome


class Session:
    """Policy, rule book, trust list, and what has been verified with them."""

    def __init__(self, policy: Policy, rule_book: RuleBook, trust_list: TrustList | None) -> None:
        """Take what to believe.

        Raises:
            PolicyMismatchError: the trust list is of another log.
            VerificationError: the trust list does not hold.
        """
        self.policy = policy
        self.rule_book = rule_book
        self.log_verifier = NoteVerifier(policy.origin, policy.log_key)
        self.trusted: tuple[Registers, Checkpoint] | None = None
        if trust_list is not None:
            self.trusted = open_trust_list(trust_list, policy)
        self._checkpoints = _Memory[Checkpoint]()
        self._receipts = _Memory[bool]()
        self._registers = _Memory[Registers]()

    def open_checkpoint(self, note: str) -> Checkpoint:
        """Return the checkpoint in a signed note.

        Raises:
            InputError: not a checkpoint.
            BrokenSignatureError: not signed by the policy's log key.
        """
        return self._checkpoints.recall((note,), lambda: verify_checkpoint(note, self.log_verifier))

    def verify_receipt(self, receipt: AnchorReceipt) -> None:
        """Check that the policy's log key signed this receipt.

        Raises:
            BrokenSignatureError: it did not.
        """
        self._receipts.recall((receipt,), lambda: self._verify_receipt(receipt))

    def open_evidence(self, bundle: ProofBundle, checkpoint: Checkpoint) -> Registers:
        """Return what a bundle's authority evidence establishes at its document's position in the log.

        Raises:
            InputError: a leaf is malformed.
            VerificationError: a proof, a signature or an event in it does not hold.
        """
        indices = [index for index, _ in bundle.evidence.leaves]
        key = (bundle.evidence_digest, checkpoint, bisect_left(indices, bundle.leaf_index))
        return self._registers.recall(key, lambda: self._open_evidence(bundle, checkpoint))

    def _verify_receipt(self, receipt: AnchorReceipt) -> bool:
        verify_receipt(receipt, self.policy.log_key)
        return True

    def _open_evidence(self, bundle: ProofBundle, checkpoint: Checkpoint) -> Registers:
        size = TreeSize(checkpoint.tree_size)
        verify_evidence_inclusion(bundle.evidence, size, checkpoint.root_hash)
        policy = self.policy
        return fold_evidence(bundle.evidence, policy.origin, policy.root_digest, before=bundle.leaf_index)
