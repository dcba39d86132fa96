"""The desk of one institution: check input documents, number and seal them, hand them to the log.

    check    rows -> ready documents and faults; nothing is changed
    issue    ready documents -> numbered, sealed, stored -> handed in -> the log's answers stored

Both know what was issued before: the same document again is answered with what it became then, under the number
that it got then. Killed at any moment, the same command goes on where it ended: numbers are given, documents
signed and both stored in one transaction, and only what is stored is handed in, always with the stored bytes.
The log is asked in chunks, never inside a transaction.

>>> desk = Desk(profile, signer, origin, store, log, rule_book, clock, secrets.token_bytes)
>>> checked = desk.check_rows(read_rows(raw, InputForm.JSON_LINES))
>>> report = desk.issue(checked.documents)
>>> [document.number for document in report.documents]
['JY2026-000001']
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from ledger.core.canonical import JsonObject
from ledger.core.errors import AlreadyIssuedError, InputError, UnavailableError
from ledger.core.ids import CertificateNumber, InstitutionId, Subject
from ledger.core.regulation import RuleBook
from ledger.core.signature import Signer
from ledger.core.status import Registers

from issuer.batch import Row
from issuer.checking import CheckedBatch, Checking
from issuer.defaults import DraftContext
from issuer.delivery import CHUNK, Delivery, Failpoint, pass_by, to_milliseconds
from issuer.gate import Gate
from issuer.gateway import LedgerGateway
from issuer.numbering import NumberAllotment, NumberPattern
from issuer.signing import Randomness, ReadyDocument, Seal, seal_document, sign_issue
from issuer.store import DeskStore, DeskWriting, SignedDocument, StoredDocument, WaitingDocument
from issuer.tables import DocumentState
