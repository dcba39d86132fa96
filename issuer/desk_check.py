"""Re-reads the desk's memory: what it repeats of statements, certificates and the log must be what they say.

What nobody repeats, as request ids and the desk's own times, cannot be checked.

>>> check_desk(DeskReading(connection), find_leaves)
DeskCount(documents=1037, acts=2)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from issuer.store import DeskReading, StoredAct, WholeDocument
from issuer.tables import DocumentState
from ledger.core.certificate import Certificate, parse_certificate
from ledger.core.disclosure import parse_disclosure, verify_disclosure
from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError, InputError, VerificationError
from ledger.core.fold import find_subject
from ledger.core.statement import IssueClaims, Statement, parse_signed_statement

_CHUNK: Final = 256

FindLeaves = Callable[[Sequence[bytes]], Mapping[bytes, int]]
"""Returns the leaf index of each of these statements that is in the log."""

OnProgress = Callable[[int], None]
"""Is told how many rows are done."""


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
    documents = acts = position = 0
    while rows := desk.list_whole(position, _CHUNK):
        found = find_leaves([row.statement for row in rows])
        for row in rows:
            _check_document(row)
            _check_place("desk_documents", row.position, row.state, row.leaf_index, found.get(row.statement))
        documents, position = documents + len(rows), rows[-1].position
        on_progress(documents)
    position = 0
    while some := desk.list_acts(position, _CHUNK):
        found = find_leaves([act.statement for act in some])
        for act in some:
            _check_act(act)
            _check_place("desk_acts", act.position, act.state, act.leaf_index, found.get(act.statement))
        acts, position = acts + len(some), some[-1].position
        on_progress(documents + acts)
    return DeskCount(documents, acts)


def _check_place(table: str, position: int, state: str, stored: int | None, found: int | None) -> None:
    """Compare where the log has a statement with where the desk believes it."""
    key = f"position {position}"
    if stored is not None and found is None:
        raise DamagedRowError(table, key, "statement", f"a statement that the log holds as leaf {stored}")
    if stored is not None and stored != found:
        raise DamagedRowError(table, key, "leaf_index", str(found))
    if state == DocumentState.VOIDED and found is not None:
        raise DamagedRowError(table, key, "state", "logged", f"the log holds it as leaf {found}")


def _check_document(row: WholeDocument) -> None:
    key = f"position {row.position}"
    statement = _parse_statement("desk_documents", key, row.statement)
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
    key = f"position {act.position}"
    statement = _parse_statement("desk_acts", key, act.statement)
    if statement.type != act.type:
        raise DamagedRowError("desk_acts", key, "type", str(int(statement.type)), "the statement says so")


def _parse_statement(table: str, key: str, raw: bytes) -> Statement:
    try:
        return parse_signed_statement(raw).statement
    except InputError as err:
        raise DamagedRowError(table, key, "statement", "a signed statement", str(err)) from err
