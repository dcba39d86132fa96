"""The log's counter: statements come in, and go out as proved leaves or signed refusals.

What the log holds already is answered with its stored leaf before anything is judged, so the same request sent
again gives the same indices, whatever has changed since. The rest passes admission; what is admitted goes to the
pool, and is proved under a checkpoint that was committed with it or later.

Entries count in their order: an institution, its key and its scope may come in one request.

>>> intake = Intake(ledger, pool, clock)
>>> intake.take([Entry(statement, certificate)]).outcomes
(Logged(leaf_index=5, ...),)
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Final, Protocol

from ledger.admission import admit, find_reasons
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import (
    InputError,
    StateError,
    UnavailableError,
    VerificationError,
)
from ledger.core.ids import Digest
from ledger.core.refusal import encode_refusal
from ledger.local import LocalLedger
from ledger.store.records import StoredEntry, compute_statement_name
from ledger.submission import Acknowledgement, Refusal, Result, Submission
from ledger.wire import Answer, Entry, Logged, Outcome, Refused

COMMIT_SECONDS: Final = 30.0
"""Longest wait for a commit; what was handed in may still be committed afterwards."""


class Appending(Protocol):
    """The pool in front of the log."""

    def submit(self, submissions: Sequence[Submission]) -> "Future[list[Result]]":
        """Hand in what is to be appended together; at most 256 submissions."""
        ...


class Intake:
    """Takes entries for one log. Safe to share between threads."""

    def __init__(self, ledger: LocalLedger, pool: Appending, clock: Callable[[], datetime]) -> None:
        """Take what admission, appending and answering need.

        Args:
            ledger: an opened ledger.
            pool: in front of its log.
            clock: returns the time, aware UTC.
        """
        self._ledger = ledger
        self._pool = pool
        self._clock = clock

    def take(self, entries: Sequence[Entry]) -> Answer:
        """Admit, append and prove entries; one outcome for each, in order.

        Args:
            entries: at most 256.

        Raises:
            UnavailableError: the store is out of reach, or too much is waiting; send the same again.
            ReadOnlyError: nothing may be signed now.
            LogIntegrityError: our own records disagree.
        """
        self._ledger.gate.require_open()
        with self._ledger.store.read() as queries:
            stored = queries.find_entries([compute_statement_name(entry.statement) for entry in entries])
        results: list[Result] = []
        for is_document, group in groupby(entries, lambda entry: entry.certificate is not None):
            batch = list(group)
            # An act or a register event is in the log before what follows it is judged.
            for part in [batch] if is_document else [[entry] for entry in batch]:
                results += self._append(part, stored)
        return self._answer(entries, results)

    def _append(self, entries: Sequence[Entry], stored: Mapping[bytes, StoredEntry]) -> list[Result]:
        judged = [self._judge(entry, stored) for entry in entries]
        admitted = [item for item in judged if isinstance(item, Submission)]
        appended = iter(self._commit(admitted) if admitted else ())
        return [next(appended) if isinstance(item, Submission) else item for item in judged]

    def _judge(self, entry: Entry, stored: Mapping[bytes, StoredEntry]) -> Submission | Result:
        known = stored.get(compute_statement_name(entry.statement))
        if known is not None:
            return Acknowledgement(known.leaf_index, known.leaf)
        ledger = self._ledger
        try:
            return admit(entry.statement, entry.certificate, ledger.standing, ledger.rules, self._clock())
        except (InputError, StateError, VerificationError) as err:
            return Refusal(err)

    def _commit(self, submissions: Sequence[Submission]) -> list[Result]:
        try:
            return self._pool.submit(submissions).result(COMMIT_SECONDS)
        except TimeoutError:
            raise UnavailableError("the commit takes too long: send the same statements again") from None

    def _answer(self, entries: Sequence[Entry], results: Sequence[Result]) -> Answer:
        indices = [result.leaf_index for result in results if isinstance(result, Acknowledgement)]
        prover = self._ledger.prover
        checkpoint = prover.newest_checkpoint() if indices else None
        proofs = iter(prover.inclusions(indices, checkpoint.tree_size) if checkpoint else ())
        outcomes: list[Outcome] = [
            Logged(result.leaf_index, result.leaf[:HEADER_BYTES], next(proofs))
            if isinstance(result, Acknowledgement)
            else self._refuse(entry, result)
            for entry, result in zip(entries, results, strict=True)
        ]
        return Answer(checkpoint.note if checkpoint else None, tuple(outcomes))

    def _refuse(self, entry: Entry, refusal: Refusal) -> Refused:
        now = self._clock()
        refused_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        digest = Digest(sha256(entry.statement).digest())
        return Refused(encode_refusal(find_reasons(refusal.error), digest, refused_at, self._ledger.signer))
