"""Which document took the place of one that was replaced (换发), and why: as the ledger and that document say.

>>> find_replacing(store, prover, issuer, number).reason
<ReasonCode.WRONG_RESULT: 'WRONG_RESULT'>
"""

from dataclasses import dataclass
from typing import Any

from ledger.core.act import ReasonCode
from ledger.core.certificate import parse_certificate
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import ContentWithheldError, InputError, LogIntegrityError
from ledger.core.event import certificate_subject
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.qr import ShortCode, compute_code
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.status import Status
from ledger.proving import ProofStore, Prover


@dataclass(frozen=True, slots=True)
class Replacing:
    """The document that stands in another one's place."""

    number: CertificateNumber
    code: ShortCode
    reason: ReasonCode | None
    """As it says itself; None: the law withholds its content."""


def find_replacing(
    store: ProofStore, prover: Prover, issuer: InstitutionId, number: CertificateNumber
) -> Replacing | None:
    """Return what took the place of a certificate; None: nothing did.

    Nothing can be done to a certificate once it is replaced, so that its newest event is the replacement.

    Raises:
        LogIntegrityError: the document that took its place cannot be read.
        UnavailableError: the store is out of reach.
    """
    subject = certificate_subject(issuer, number)
    with store.read() as reading:
        state = reading.find_states([subject]).get(subject)
        if state is None or state.status is not Status.SUPERSEDED:
            return None
        leaf = parse_leaf(reading.read_leaves_at([state.last_event])[state.last_event])
    claims = parse_signed_statement(leaf.statement_raw).statement.claims
    if not isinstance(claims, IssueClaims) or claims.predecessor != number:
        raise LogIntegrityError(
            f"leaf {state.last_event} does not replace {number}, whose newest event it is"
        )
    return Replacing(claims.number, compute_code(leaf.statement_raw), _read_reason(prover, leaf))


def describe_replacing(replacing: Replacing) -> dict[str, Any]:
    """Return JSON members, without a reason that the law withholds."""
    members = {"number": replacing.number, "code": replacing.code}
    return members if replacing.reason is None else members | {"reason": replacing.reason.value}


def _read_reason(prover: Prover, leaf: Leaf) -> ReasonCode | None:
    try:
        record = parse_certificate(prover.read_document(leaf.header.certificate_digest)).record
    except ContentWithheldError:
        return None
    except InputError as err:
        raise LogIntegrityError(f"the document that replaces another cannot be read: {err}") from err
    return None if record.replaces is None else record.replaces.reason
