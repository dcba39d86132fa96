"""The log's side of witnessing: asks each witness for its line over a checkpoint, and keeps what holds.

Rules it keeps: the addresses are the operator's; the proof begins at the size that the witness names; a line is
verified before it is stored; a witness that is slow, wrong or away delays and harms nothing else; issuing never
waits for any of this. The same size is asked for again after some minutes, so that an idle log stays fresh. A
witness that knows more leaves than there are, or refuses for good, may know another copy of this log: then the
ledger is compared with whatever others hold of it, before anything more is signed.

>>> cosigner = Cosigner(store, prover, witnesses, read_clock)
>>> cosigner.ask_all()
2
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import httpx2
import structlog

from ledger.core.add_checkpoint import (
    MAX_ANSWER_BYTES,
    AddCheckpoint,
    encode_request,
    parse_answer,
    parse_size,
)
from ledger.core.bls import BlsSigner
from ledger.core.cosignature import Cosignature, Witness, encode_witness, verify_cosignature
from ledger.core.errors import InputError, NotFoundError, UnavailableError, VerificationError
from ledger.core.ids import TreeSize
from ledger.core.note import parse_note
from ledger.core.quorum_certificate import MINUTE, BlsWitness, encode_bls_witness, sign_share
from ledger.http_client import make_client
from ledger.proving import Prover
from ledger.store.records import StoredCheckpoint, StoredCosignature
from ledger.store.unit_of_work import SqlStore
from ledger.witnesses import HomeWitnesses

REFRESH: Final = timedelta(minutes=10)
"""A line of this age over the newest checkpoint is replaced by a fresh one."""

TIMEOUT_SECONDS: Final = 10.0
"""For one answer of a witness, and for each part of it."""

_TRIES: Final = 3
"""Requests in one round: a first one, one from the size that the witness names, one if that has just moved."""

_AHEAD: Final = timedelta(minutes=5)
_MAX_SENTENCE: Final = 300
_LOG = structlog.get_logger(__name__)


class Cosigner:
    """Asks the witnesses of one log. Safe to share between threads."""

    def __init__(
        self,
        store: SqlStore,
        prover: Prover,
        witnesses: HomeWitnesses,
        clock: Callable[[], datetime],
        signers: Mapping[BlsWitness, BlsSigner] | None = None,
        compare: Callable[[], object] = lambda: None,
    ) -> None:
        """Take what asking needs; nothing is sent yet.

        Args:
            store: where lines are kept.
            prover: over the same store; builds the consistency proofs.
            witnesses: whom, and where.
            clock: returns the time, aware UTC.
            signers: BLS keys of a development home that sign here, see `development_witnesses`.
            compare: compares the ledger with what others hold of it, and closes it where it has to.
        """
        self._compare = compare
        self._disputing: set[Witness] = set()
        self._signers = signers or {}
        self._store = store
        self._prover = prover
        self._clock = clock
        self.witnesses: Final = witnesses

    def read_newest(self) -> StoredCheckpoint | None:
        """Return the checkpoint that a round is about; None in an empty log."""
        with self._store.read() as reading:
            return reading.read_newest_checkpoint()

    def ask_all(self) -> int:
        """Ask every witness about the newest checkpoint, all at once; return how many have signed it.

        Raises:
            UnavailableError: the store is out of reach.
        """
        checkpoint = self.read_newest()
        if checkpoint is None:
            return 0
        own = self.sign_here(checkpoint)
        with ThreadPoolExecutor(max(1, len(self.witnesses.urls))) as pool:
            return own + sum(pool.map(lambda witness: self.ask(witness, checkpoint), self.witnesses.urls))

    def sign_here(self, checkpoint: StoredCheckpoint) -> int:
        """Sign a checkpoint with the keys of this process, unless they have just done so; return how many have.

        Raises:
            StoreUnavailableError: the store is out of reach.
        """
        now = int(self._clock().timestamp())
        body, minutes = parse_note(checkpoint.note).text, now // MINUTE
        for witness, signer in self._signers.items():
            vkey = encode_bls_witness(witness)
            if not self._is_fresh(vkey, checkpoint, now):
                share = sign_share(body, minutes, signer)
                self._add(
                    StoredCosignature(checkpoint.tree_size, vkey, minutes * MINUTE, share), witness.name
                )
        return len(self._signers)

    def _is_fresh(self, vkey: str, checkpoint: StoredCheckpoint, now: int) -> bool:
        with self._store.read() as reading:
            size, seconds = reading.find_cosigned(vkey)
        return size == checkpoint.tree_size and 0 <= now - seconds < REFRESH.total_seconds()

    def ask(self, witness: Witness, checkpoint: StoredCheckpoint) -> bool:
        """Ask one witness about a checkpoint, unless it has just signed it; return whether it has.

        What it answers else, or that it does not answer, is logged.

        Args:
            witness: one of those that are named.
            checkpoint: as the log signed it.

        Raises:
            StoreUnavailableError: the store is out of reach.
            LogIntegrityError: the store contradicts itself.
        """
        with self._store.read() as reading:
            size, seconds = reading.find_cosigned(encode_witness(witness))
        age = self._clock().timestamp() - seconds
        if size == checkpoint.tree_size and 0 <= age < REFRESH.total_seconds():
            return True
        try:
            found = self._ask(witness, checkpoint, size)
        except (UnavailableError, InputError, VerificationError, NotFoundError) as err:
            _LOG.warning("not cosigned", witness=witness.name, tree_size=checkpoint.tree_size, error=str(err))
            return False
        self._disputing.discard(witness)
        self._keep(found, checkpoint)
        return True

    # --- one witness ----------------------------------------------------------------------------------------

    def _ask(self, witness: Witness, checkpoint: StoredCheckpoint, old_size: TreeSize) -> Cosignature:
        """Return the witness's line.

        Raises:
            LedgerError: it gave none that holds.
        """
        if old_size > checkpoint.tree_size:
            raise NotFoundError(f"it has cosigned {old_size} leaves, which are more than these")
        with make_client(self.witnesses.urls[witness], field="url") as client:
            for _ in range(_TRIES):
                status, body = _post(client, self._make_request(checkpoint, old_size))
                if status != HTTPStatus.CONFLICT:
                    break
                old_size = self._read_conflict(witness, body, checkpoint)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            self._dispute(witness)
        if status != HTTPStatus.OK:
            sentence = body[:_MAX_SENTENCE].decode("utf-8", "replace").strip()
            raise UnavailableError(f"it answers with status {status}: {sentence}")
        return self._find_line(witness, body, checkpoint)

    def _make_request(self, checkpoint: StoredCheckpoint, old_size: TreeSize) -> bytes:
        new_size = checkpoint.tree_size
        proof = self._prover.consistency(old_size, new_size) if 0 < old_size < new_size else ()
        return encode_request(AddCheckpoint(old_size, proof, checkpoint.note))

    def _read_conflict(self, witness: Witness, body: bytes, checkpoint: StoredCheckpoint) -> TreeSize:
        size = parse_size(body)
        if size > checkpoint.tree_size:
            _LOG.error("witness is ahead", witness=witness.name, its=size, ours=checkpoint.tree_size)
            self._dispute(witness)
            raise NotFoundError(f"it says that it has cosigned {size} leaves, which are more than these")
        return size

    def _dispute(self, witness: Witness) -> None:
        """Compare the ledger with what others hold of it, once until this witness cosigns again."""
        if witness not in self._disputing:
            self._compare()
            self._disputing.add(witness)

    def _find_line(self, witness: Witness, body: bytes, checkpoint: StoredCheckpoint) -> Cosignature:
        text = parse_note(checkpoint.note).text
        lines = [line for line in parse_answer(body) if (line.name, line.key_id) == _name(witness)]
        found = [verify_cosignature(line, text, witness) for line in lines]
        if not found:
            raise VerificationError("its answer holds no line of its own")
        newest = max(found, key=lambda item: item.cosigned_at)
        if newest.cosigned_at > self._clock() + _AHEAD:
            raise VerificationError(f"its clock runs ahead: {newest.cosigned_at.isoformat()}")
        return newest

    def _keep(self, found: Cosignature, checkpoint: StoredCheckpoint) -> None:
        row = StoredCosignature(
            checkpoint.tree_size,
            encode_witness(found.witness),
            int(found.cosigned_at.timestamp()),
            found.line.signature,
        )
        self._add(row, found.witness.name)

    def _add(self, row: StoredCosignature, name: str) -> None:
        with self._store.write() as queries:
            queries.add_cosignature(row)
        _LOG.info("cosigned", witness=name, tree_size=row.tree_size)


def _name(witness: Witness) -> tuple[str, bytes]:
    return witness.name, witness.key_id


def _post(client: httpx2.Client, body: bytes) -> tuple[int, bytes]:
    """Return status and body of an answer.

    Raises:
        UnavailableError: none came in time, or one that is too long.
    """
    end = time.monotonic() + TIMEOUT_SECONDS
    try:
        with client.stream("POST", "add-checkpoint", content=body, timeout=TIMEOUT_SECONDS) as response:
            return response.status_code, _read(response.iter_bytes(), end)
    except (httpx2.HTTPError, httpx2.InvalidURL) as err:
        raise UnavailableError(f"it does not answer: {type(err).__name__}") from err


def _read(chunks: Iterable[bytes], end: float) -> bytes:
    raw = b""
    for chunk in chunks:
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES or time.monotonic() > end:
            raise UnavailableError("its answer is too long, or takes too long")
    return raw
