"""The log's side of witnessing: asks each witness for its lines over a checkpoint, and keeps what holds.

Rules it keeps: the addresses are the operator's; the proof begins at the size that the witness names; a line, and a
share of a certificate, is verified before it is stored, each by itself; a witness that is slow, wrong or away
delays and harms nothing else; issuing never waits for any of this. The same size is asked for again after some
minutes, so that an idle log stays fresh; sooner where only one of a witness's two keys has signed. A witness that
knows more leaves than there are, or refuses for good, may know another copy of this log: then the ledger is
compared with whatever others hold of it, before anything more is signed.

>>> cosigner = Cosigner(store, prover, witnesses, read_clock)
>>> cosigner.ask_all()
2
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from ledger.core.cosignature import encode_witness, verify_cosignature
from ledger.core.errors import InputError, LedgerError, NotFoundError, UnavailableError, VerificationError
from ledger.core.ids import TreeSize
from ledger.core.note import NoteSignature, parse_note
from ledger.core.quorum_certificate import (
    MINUTE,
    BlsWitness,
    encode_bls_witness,
    sign_share,
    verify_share_line,
)
from ledger.cosigning.witnesses import AskedWitness, HomeWitnesses
from ledger.http_client import make_client
from ledger.proving import Prover
from ledger.store.records import StoredCheckpoint, StoredCosignature
from ledger.store.unit_of_work import SqlStore

REFRESH: Final = timedelta(minutes=10)
"""A line of this age over the newest checkpoint is replaced by a fresh one."""

TIMEOUT_SECONDS: Final = 10.0
"""For one answer of a witness, and for each part of it."""

RETRY: Final = timedelta(minutes=1)
"""How long a witness is left alone that has signed a checkpoint with one of its two keys."""

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
            signers: BLS keys of a development home that sign here, see `development`.
            compare: compares the ledger with what others hold of it, and closes it where it has to.
        """
        self._compare = compare
        self._disputing: set[str] = set()
        self._signers = signers or {}
        self._store = store
        self._prover = prover
        self._clock = clock
        self._asked: dict[str, tuple[TreeSize, float]] = {}
        """By name: about which size a witness was asked last, and when, POSIX seconds."""
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
        with ThreadPoolExecutor(max(1, len(self.witnesses.asked))) as pool:
            return own + sum(pool.map(lambda witness: self.ask(witness, checkpoint), self.witnesses.asked))

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
            held = _Held(checkpoint.tree_size, now, {vkey: reading.find_cosigned(vkey)})
        return not held.list_older(REFRESH)

    def ask(self, witness: AskedWitness, checkpoint: StoredCheckpoint) -> bool:
        """Ask one witness about a checkpoint, unless it has just signed it; return whether it has, with any key.

        What it answers else, or that it does not answer, is logged.

        Args:
            witness: one of those that are named.
            checkpoint: as the log signed it.

        Raises:
            StoreUnavailableError: the store is out of reach.
            LogIntegrityError: the store contradicts itself.
        """
        now = self._clock().timestamp()
        with self._store.read() as reading:
            found = {vkey: reading.find_cosigned(vkey) for vkey in witness.vkeys}
        held = _Held(checkpoint.tree_size, now, found)
        missing = held.list_older(REFRESH)
        has_signed = len(missing) < len(found)
        if not missing or (has_signed and self._was_asked(witness, checkpoint, now)):
            return True
        self._asked[witness.name] = checkpoint.tree_size, now
        try:
            rows = self._ask(witness, checkpoint, held.size)
        except (UnavailableError, InputError, VerificationError, NotFoundError) as err:
            _LOG.warning("not cosigned", witness=witness.name, tree_size=checkpoint.tree_size, error=str(err))
            return has_signed
        self._disputing.discard(witness.name)
        wanted = held.list_older(REFRESH / 2)
        for row in rows:
            if row.witness in wanted:
                self._add(row, witness.name)
        return True

    def _was_asked(self, witness: AskedWitness, checkpoint: StoredCheckpoint, now: float) -> bool:
        size, at = self._asked.get(witness.name, (0, 0.0))
        return size == checkpoint.tree_size and 0 <= now - at < RETRY.total_seconds()

    # --- one witness ----------------------------------------------------------------------------------------

    def _ask(
        self, witness: AskedWitness, checkpoint: StoredCheckpoint, old_size: TreeSize
    ) -> list[StoredCosignature]:
        """Return what the witness has signed, as far as it holds: by one key or by both.

        Raises:
            LedgerError: it gave nothing that holds.
        """
        if old_size > checkpoint.tree_size:
            raise NotFoundError(f"it has cosigned {old_size} leaves, which are more than these")
        with make_client(witness.url, field="url") as client:
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
        return self._judge(witness, parse_answer(body), checkpoint)

    def _make_request(self, checkpoint: StoredCheckpoint, old_size: TreeSize) -> bytes:
        new_size = checkpoint.tree_size
        proof = self._prover.consistency(old_size, new_size) if 0 < old_size < new_size else ()
        return encode_request(AddCheckpoint(old_size, proof, checkpoint.note))

    def _read_conflict(self, witness: AskedWitness, body: bytes, checkpoint: StoredCheckpoint) -> TreeSize:
        size = parse_size(body)
        if size > checkpoint.tree_size:
            _LOG.error("witness is ahead", witness=witness.name, its=size, ours=checkpoint.tree_size)
            self._dispute(witness)
            raise NotFoundError(f"it says that it has cosigned {size} leaves, which are more than these")
        return size

    def _dispute(self, witness: AskedWitness) -> None:
        """Compare the ledger with what others hold of it, once until this witness cosigns again."""
        if witness.name not in self._disputing:
            self._compare()
            self._disputing.add(witness.name)

    def _judge(
        self, witness: AskedWitness, lines: Sequence[NoteSignature], checkpoint: StoredCheckpoint
    ) -> list[StoredCosignature]:
        """Return what holds of an answer; the rest is logged.

        Raises:
            VerificationError: nothing holds.
        """
        rows: list[StoredCosignature] = []
        faults: list[LedgerError] = []
        for find in (_find_line, _find_share):
            try:
                rows += find(witness, lines, checkpoint, self._clock() + _AHEAD)
            except (InputError, VerificationError) as err:
                faults.append(err)
        if not rows:
            raise VerificationError("; ".join(str(fault) for fault in faults))
        for fault in faults:
            _LOG.warning(
                "cosigned by one of two keys",
                witness=witness.name,
                tree_size=checkpoint.tree_size,
                error=str(fault),
            )
        return rows

    def _add(self, row: StoredCosignature, name: str) -> None:
        with self._store.write() as queries:
            queries.add_cosignature(row)
        _LOG.info("cosigned", witness=name, tree_size=row.tree_size)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is stored of one witness's keys."""

    tree_size: TreeSize
    """Of the checkpoint that it is asked about."""
    now: float
    """POSIX seconds."""
    found: Mapping[str, tuple[TreeSize, int]]
    """By vkey: the largest size that it has signed, and when last, POSIX seconds."""

    @property
    def size(self) -> TreeSize:
        """The largest size that the witness has signed."""
        return max(size for size, _ in self.found.values())

    def list_older(self, age: timedelta) -> frozenset[str]:
        """Return the vkeys that have not signed the checkpoint within some time; a clock may run ahead a little."""
        return frozenset(
            vkey
            for vkey, (size, seconds) in self.found.items()
            if size != self.tree_size
            or not -_AHEAD.total_seconds() <= self.now - seconds < age.total_seconds()
        )


def _find_line(
    witness: AskedWitness, lines: Sequence[NoteSignature], checkpoint: StoredCheckpoint, latest: datetime
) -> list[StoredCosignature]:
    """Return the newest line of a witness's Ed25519 key, if it is to have one.

    Raises:
        VerificationError: there is none, one does not hold, or it is of later than `latest`.
    """
    key = witness.line_key
    if key is None:
        return []
    text = parse_note(checkpoint.note).text
    own = [line for line in lines if (line.name, line.key_id) == (key.name, key.key_id)]
    found = [verify_cosignature(line, text, key) for line in own]
    if not found:
        raise VerificationError("its answer holds no line of its own")
    newest = max(found, key=lambda item: item.cosigned_at)
    seconds = _require_past(newest.cosigned_at, latest)
    return [StoredCosignature(checkpoint.tree_size, encode_witness(key), seconds, newest.line.signature)]


def _find_share(
    witness: AskedWitness, lines: Sequence[NoteSignature], checkpoint: StoredCheckpoint, latest: datetime
) -> list[StoredCosignature]:
    """Return the newest share by a witness's BLS key, if it is to have one.

    Raises:
        VerificationError: there is none, one does not hold, or it is of later than `latest`.
    """
    key = witness.bls
    if key is None:
        return []
    text = parse_note(checkpoint.note).text
    own = [line for line in lines if (line.name, line.key_id) == (key.name, key.key_id)]
    found = [verify_share_line(line, text, key) for line in own]
    if not found:
        raise VerificationError("its answer holds no share of a quorum certificate")
    newest = max(found, key=lambda item: item.minutes)
    seconds = _require_past(newest.signed_at, latest)
    return [StoredCosignature(checkpoint.tree_size, encode_bls_witness(key), seconds, newest.signature)]


def _require_past(at: datetime, latest: datetime) -> int:
    """Return a time in POSIX seconds.

    Raises:
        VerificationError: it is later than a clock that runs well says.
    """
    if at > latest:
        raise VerificationError(f"its clock runs ahead: {at.isoformat()}")
    return int(at.timestamp())


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
