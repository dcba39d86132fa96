"""Re-reads the desk's memory: what it repeats of statements, certificates and the log must be what they say.

What nobody repeats, as request ids and the desk's own times, cannot be checked.

What was said of instruments and stickers, what was signed off, and what came back from rounds, is read by
`saying_check`, `signoff.rereading` and `rounds.rereading`. Nothing is repaired: nothing of it follows from the log.

>>> check_desk(DeskReading(connection), find_leaves, on_progress)
DeskCount(documents=1037, acts=2)
"""

import hashlib
from dataclasses import dataclass

from issuer.row_check import FindLeaves, OnProgress, check_rows, name_row, parse_row_statement
from issuer.store import DeskReading, StoredAct, WholeDocument
from ledger.core.certificate import Certificate, parse_certificate
from ledger.core.disclosure import parse_disclosure, verify_disclosure
from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError, InputError, VerificationError
from ledger.core.fold import find_subject
from ledger.core.statement import IssueClaims


@dataclass(frozen=True, slots=True)
class DeskCount:
    """How many rows were compared."""

    documents: int
    acts: int


def check_desk(desk: DeskReading, find_leaves: FindLeaves, on_progress: OnProgress) -> DeskCount:
    """Compare every document and every act of a desk with its own statement and with the log.

    Raises:
        DamagedRowError: the first row that is not what it must be.
    """
    documents = check_rows("desk_documents", desk.list_whole, _check_document, find_leaves, on_progress)

    def show_acts(done: int) -> None:
        on_progress(documents + done)

    return DeskCount(documents, check_rows("desk_acts", desk.list_acts, _check_act, find_leaves, show_acts))


def _check_document(row: WholeDocument) -> None:
    key = name_row(row.position)
    statement = parse_row_statement("desk_documents", row.position, row.statement)
    claims = statement.claims
    if not isinstance(claims, IssueClaims):
        raise DamagedRowError("desk_documents", key, "statement", "the issue of a document")
    expected = {
        "number": (claims.number, row.number),
        "subject": (find_subject(statement), row.subject),
        "expected_version": (statement.expected_version, row.expected_version),
    }
    for column, (wanted, found) in expected.items():
        if wanted != found:
            shown = encode_hex(wanted) if isinstance(wanted, bytes) else str(wanted)
            raise DamagedRowError("desk_documents", key, column, shown, "the statement says so")
    if hashlib.sha256(row.certificate).digest() != claims.certificate_digest:
        wanted = f"bytes whose SHA-256 is {encode_hex(claims.certificate_digest)}"
        raise DamagedRowError("desk_documents", key, "certificate", wanted, "the statement says so")
    if row.disclosure is not None:
        _check_disclosure(key, row.disclosure, parse_certificate(row.certificate))


def _check_disclosure(key: str, raw: bytes, certificate: Certificate) -> None:
    try:
        disclosure = parse_disclosure(raw)
        record = certificate.document["credentialSubject"]
        verify_disclosure(record if isinstance(record, dict) else {}, disclosure)
        is_its_own = disclosure.certificate_digest == certificate.digest
    except (InputError, VerificationError) as err:
        wanted = "the values that the certificate commits to"
        raise DamagedRowError("desk_documents", key, "disclosure", wanted, str(err)) from err
    if not is_its_own:
        raise DamagedRowError("desk_documents", key, "disclosure", "that of its certificate")


def _check_act(act: StoredAct) -> None:
    statement = parse_row_statement("desk_acts", act.position, act.statement)
    if statement.type != act.type:
        key = name_row(act.position)
        raise DamagedRowError("desk_acts", key, "type", str(int(statement.type)), "the statement says so")
