"""Whether the authority behind a document has ended since: its institution, or the line of its authorisation.

>>> find_ended(store, record).state
<RegisterState.SUSPENDED: 'suspended'>
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.authority import InstitutionContent
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import SubjectKind, compute_subject, scope_subject
from ledger.core.record import Record
from ledger.core.register_content import parse_content
from ledger.core.register_fields import RegisterState
from ledger.core.scope import ScopeContent
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.proving import ProofStore


@dataclass(frozen=True, slots=True)
class Ended:
    """What counts no longer."""

    is_institution: bool
    """Whether the institution itself; else only the line of its authorisation that the document names."""
    state: RegisterState
    registered_at: datetime
    """When the ledger took it, aware UTC."""


def find_ended(store: ProofStore, record: Record) -> Ended | None:
    """Return what has ended of the authority behind a document; None: all of it counts.

    Raises:
        LogIntegrityError: a leaf that the log must have cannot be read.
        UnavailableError: the store is out of reach.
    """
    issuer = record.issuer
    subjects = [
        compute_subject(SubjectKind.INSTITUTION, issuer.id.encode()),
        scope_subject(issuer.id, issuer.scope_id),
    ]
    with store.read() as reading:
        states = reading.find_states(subjects)
        newest = [states[subject].last_event for subject in subjects if subject in states]
        leaves = reading.read_leaves_at(newest)
    found = (_read_end(leaves[index]) for index in newest)
    return next((ended for ended in found if ended is not None), None)


def _read_end(raw: bytes) -> Ended | None:
    """Return what the newest word on an institution, or on a line of its authorisation, ends."""
    try:
        leaf = parse_leaf(raw)
        statement = parse_signed_statement(leaf.statement_raw).statement
        if not isinstance(statement.claims, RegisterClaims):
            return None
        content = parse_content(statement.type, statement.claims.content)
    except InputError as err:
        raise LogIntegrityError(f"a leaf of a register cannot be read: {err}") from err
    if not isinstance(content, InstitutionContent | ScopeContent) or content.state is RegisterState.ACTIVE:
        return None
    return Ended(
        isinstance(content, InstitutionContent), content.state, leaf.header.sequenced_at.astimezone(UTC)
    )
