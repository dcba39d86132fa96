"""What the register events have established, ready to be handed out: institutions, and the trust list's bytes.

Register events are rare, so the trust list is made once after each and stays the same until the next.

>>> RegisterList(store, prover, "ledger.example/2026").institutions()
(InstitutionId('350100-01'),)
"""

from threading import Lock

from ledger.core.authority import InstitutionContent
from ledger.core.entry import parse_leaf
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.register_content import parse_content
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.trust import TrustList, encode_trust_list
from ledger.proving import ProofStore, Prover
from ledger.store.records import StoredEntry


class RegisterList:
    """Follows the register leaves of one log. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach.
    """

    def __init__(self, store: ProofStore, prover: Prover, origin: str) -> None:
        self._store = store
        self._prover = prover
        self._origin = origin
        self._lock = Lock()
        self._seen = 0
        self._institutions: dict[InstitutionId, None] = {}
        self._trust_list = b""

    def institutions(self) -> tuple[InstitutionId, ...]:
        """Return every institution that was ever registered, oldest first."""
        with self._lock:
            self._update()
            return tuple(self._institutions)

    def trust_list(self) -> bytes:
        """Return the trust list under a checkpoint that holds every register leaf.

        Raises:
            NotFoundError: the log is empty.
        """
        with self._lock:
            self._update()
            if not self._trust_list:
                checkpoint = self._prover.newest_checkpoint()
                evidence = self._prover.evidence(None, checkpoint.tree_size)
                self._trust_list = encode_trust_list(TrustList(self._origin, checkpoint.note, evidence))
            return self._trust_list

    def _update(self) -> None:
        with self._store.read() as reading:
            leaves = reading.read_register_leaves(self._seen)
        if leaves:
            self._institutions |= {found: None for leaf in leaves if (found := _find_institution(leaf))}
            self._seen = leaves[-1].leaf_index + 1
            self._trust_list = b""


def _find_institution(entry: StoredEntry) -> InstitutionId | None:
    """Return which institution a leaf registers or changes."""
    statement = parse_signed_statement(parse_leaf(entry.leaf).statement_raw).statement
    if statement.type is not EventType.INSTITUTION or not isinstance(statement.claims, RegisterClaims):
        return None
    content = parse_content(statement.type, statement.claims.content)
    return content.id if isinstance(content, InstitutionContent) else None
