"""The log's counter: statements come in, and go out as proved leaves or signed refusals.

What the log holds already is answered with its stored leaf before anything is judged, so the same request sent
again gives the same indices, whatever has changed since. The rest passes admission; what is admitted goes to the
pool, and is proved under a checkpoint that was committed with it or later.

Entries count in their order: an institution, its key and its scope may come in one request.

>>> intake = Intake(ledger, pool, clock)
>>> intake.take([Entry(statement, certificate)]).outcomes
(Logged(leaf_index=5, ...),)
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Final, Protocol

from ledger.admission import RuleSet, Standing, admit, find_reasons
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError, StateError, UnavailableError, VerificationError
from ledger.core.ids import Digest, Subject, TreeSize
from ledger.core.refusal import encode_refusal
from ledger.core.signature import Signer
from ledger.core.status import Registers, SubjectState
from ledger.proving import Prover
from ledger.store.records import Head, StoredEntry, compute_statement_name
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Acknowledgement, Refusal, Result, Submission
from ledger.wire import Answer, Entry, Logged, Outcome, Refused

COMMIT_SECONDS: Final = 30.0
"""Longest wait for a commit; what was handed in may still be committed afterwards."""
