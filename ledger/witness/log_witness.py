"""A witness: replays a log before it cosigns it, and never signs two histories (C2SP tlog-witness).

    request    parsed; of a known log; signed by it; kept as seen         400, 404, 403
               a fault of the log, now or ever before                     422, for ever
               `old` is the size that was cosigned last                   409 with that size
               the consistency proof holds                                422
               no smaller than anything that was seen                     422
    replay     every leaf up to this size, see `follower`                 422 for ever; 503 where it cannot look
    store      compare with what was cosigned last and replace it, in one transaction
    sign       only then; a request that is lost after that is sent again and signed again; with a BLS key a second
               line of the same time, cut to its minute: the share of a quorum certificate

Rules it keeps: leaves come from the address in the witness's own configuration, never from a request; what a log
has signed is kept as evidence; a fault (another state of a size, a tree that does not extend the one before, a
wrong leaf or status map) is remembered for ever, and nothing else is; a VOID leaf is an alarm and no fault.

>>> witness = LogWitness(database, identity, signer, [watched], read_clock, folder)
>>> witness.add_checkpoint(body)
Cosigned(lines='— w1.example GsqknQAAAABpo4GA…')
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

import structlog

from ledger.audit.reading import TreeSource
from ledger.core.add_checkpoint import AddCheckpoint, parse_request
from ledger.core.bls import BlsSigner
from ledger.core.canonical import encode_canonical_json
from ledger.core.checkpoint import (
    Checkpoint,
    encode_checkpoint_body,
    parse_checkpoint_body,
    verify_checkpoint,
)
from ledger.core.cosignature import Witness, sign_cosignature
from ledger.core.encoding import encode_hex
from ledger.core.errors import (
    ConsistencyProofError,
    InputError,
    LedgerError,
    LogIntegrityError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import verify_consistency
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier, encode_line, open_note, parse_note
from ledger.core.policy import Policy
from ledger.core.quorum_certificate import make_bls_witness, sign_share_line
from ledger.core.signature import Signer
from ledger.failpoint import failpoint
from ledger.files import replace_file
from ledger.store.engine import Database
from ledger.store.witness_queries import WitnessedLog, WitnessQueries
from ledger.witness.follower import Follower, LogFaultError

BUSY_SECONDS: Final = 5.0
"""How long a request waits for the one before it, which may be replaying."""

CLOCK_TOLERANCE_SECONDS: Final = 5
"""A clock that went back by no more than this counts as standing still."""

_LOG = structlog.get_logger(__name__)


class RefusalKind(Enum):
    """Why a checkpoint is not cosigned; the HTTP status of each is the specification's."""

    MALFORMED = "malformed"
    NOT_SIGNED = "not signed by the log"
    UNKNOWN_LOG = "unknown log"
    OTHER_SIZE = "another size was cosigned last"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to a request that is not granted."""

    kind: RefusalKind
    sentence: str
    cosigned_size: TreeSize | None = None
    """Of another size: which one was cosigned last."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The answer to a request that is granted."""

    lines: str
    """Signature lines, each ended by a newline."""


ReadContract = Callable[[], tuple[TreeSize, RootHash]]
"""Reads size and root that the log's contract holds now; raises `UnavailableError`, `WrongChainError`."""


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """One log in the witness's configuration."""

    policy: Policy
    """Pins origin, log key and root."""
    source: TreeSource
    """Where its files are read."""
    read_contract: ReadContract | None = None
    """None: the contract is not looked at."""


class _Hand:
    """Signs for the witness, with every key that it has."""

    def __init__(self, identity: Witness, signer: Signer, bls: BlsSigner | None) -> None:
        self._identity = identity
        self._signer = signer
        self._bls = None if bls is None else (make_bls_witness(identity.name, bls), bls)

    def sign(self, body: str, at: datetime) -> str:
        """Return the lines over a checkpoint, all of one time.

        Args:
            body: text of the checkpoint; it is stored already that this is the one.
            at: aware UTC, whole seconds.
        """
        lines = [sign_cosignature(body, self._identity, self._signer, at)]
        if self._bls is not None:
            lines.append(sign_share_line(body, *self._bls, at))
        return "".join(encode_line(line) for line in lines)


@dataclass(frozen=True, slots=True)
class LogStanding:
    """What a witness says of a log."""

    origin: str
    cosigned_size: TreeSize
    replayed_size: TreeSize
    least_size: TreeSize
    """Nothing smaller is cosigned: the largest that was seen."""
    void_leaves: int
    """Leaves without effect, each an alarm."""
    fault: str | None
    """Why the log is never cosigned again."""
    doubt: str | None
    """Why the log is not cosigned as long as the contract says something else."""


class LogWitness:
    """Cosigns the checkpoints of some logs. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        identity: Witness,
        signer: Signer,
        logs: Sequence[WatchedLog],
        clock: Callable[[], datetime],
        evidence: Path,
        bls: BlsSigner | None = None,
    ) -> None:
        """Take what witnessing needs; nothing is read yet.

        Args:
            database: of this witness alone, prepared.
            identity: its name and key.
            signer: the same key.
            logs: which it witnesses.
            clock: returns the time, aware UTC.
            evidence: folder for what shows a log's faults to others.
            bls: its BLS key, if it has one.
        """
        hand = _Hand(identity, signer, bls)
        self._watches = {log.policy.origin: _Watch(database, hand, log, clock, evidence) for log in logs}

    def add_checkpoint(self, raw: bytes) -> Cosigned | Refused:
        """Answer a request.

        Args:
            raw: its body.

        Raises:
            UnavailableError: the log, the database or the clock is out of order now; ask again.
            LogIntegrityError: the witness's own records disagree.
        """
        try:
            request = parse_request(raw)
            note = parse_note(request.note)
        except InputError as err:
            return Refused(RefusalKind.MALFORMED, str(err))
        watch = self._watches.get(note.text.partition("\n")[0])
        if watch is None:
            return Refused(RefusalKind.UNKNOWN_LOG, "this witness does not know the log")
        return watch.consider(request)

    def poll(self, origin: str) -> None:
        """Look at the log's own checkpoint, and at its contract.

        Raises:
            UnavailableError: out of reach, or it shows nothing that the log has signed.
            LogIntegrityError: the witness's own records disagree.
        """
        self._watches[origin].poll()

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the logs that are witnessed."""
        return tuple(self._watches)

    def newest(self, origin_hash: str) -> str:
        """Return the newest checkpoint that was cosigned, as the log has signed it.

        Args:
            origin_hash: SHA-256 of the log's origin, hex.

        Raises:
            NotFoundError: no such log, or nothing was cosigned yet.
        """
        for origin, watch in self._watches.items():
            if sha256(origin.encode()).hexdigest() == origin_hash:
                note = watch.read_newest()
                if note:
                    return note
        raise NotFoundError("this witness has cosigned nothing of such a log")

    def list_standings(self) -> list[LogStanding]:
        """Return what the witness says of each log."""
        return [watch.describe() for watch in self._watches.values()]


class _Watch:
    """One log and all that the witness does with it."""

    def __init__(
        self,
        database: Database,
        hand: _Hand,
        log: WatchedLog,
        clock: Callable[[], datetime],
        evidence: Path,
    ) -> None:
        self._database = database
        self._hand = hand
        self._watched = log
        self._clock = clock
        self._evidence = evidence
        self._verifier = NoteVerifier(log.policy.origin, log.policy.log_key)
        self._follower = Follower(database, log.policy, log.source)
        self._lock = Lock()
        self._doubt: str | None = None

    # --- requests -------------------------------------------------------------------------------------------

    def consider(self, request: AddCheckpoint) -> Cosigned | Refused:
        """Answer a request about this log."""
        try:
            open_note(request.note, [self._verifier])
        except VerificationError as err:
            return Refused(RefusalKind.NOT_SIGNED, str(err))
        try:
            checkpoint = parse_checkpoint_body(parse_note(request.note).text)
        except InputError as err:
            kind = RefusalKind.REFUSED if err.field == "root_hash" else RefusalKind.MALFORMED
            return Refused(kind, str(err))
        if request.old_size > checkpoint.tree_size:
            return Refused(RefusalKind.MALFORMED, "the old size is above that of the checkpoint")
        with self._alone():
            return self._consider(request, checkpoint)

    def _consider(self, request: AddCheckpoint, checkpoint: Checkpoint) -> Cosigned | Refused:
        log, fault = self._note_down(checkpoint, request.note)
        if fault is not None:
            return _refuse(fault)
        if request.old_size != log.cosigned_size:
            sentence = f"{log.cosigned_size} leaves were cosigned last"
            return Refused(RefusalKind.OTHER_SIZE, sentence, log.cosigned_size)
        try:
            _require_consistency(log, checkpoint, request.proof)
        except ConsistencyProofError as err:
            with suppress(UnavailableError, LogFaultError):
                self._follow(checkpoint, request.note)  # to tell a bad proof from a log that has forked
            return _refuse(self._read_fault() or str(err))
        if self._doubt is not None:
            return _refuse(self._doubt)
        try:
            self._follow(checkpoint, request.note)
        except LogFaultError as err:
            return _refuse(str(err))
        return self._cosign(log, checkpoint, request.note)

    def _cosign(self, log: WitnessedLog, checkpoint: Checkpoint, note: str) -> Cosigned | Refused:
        """Replace what was cosigned last, and sign."""
        with self._database.write() as connection:
            queries = WitnessQueries(connection)
            now = queries.require_log(log.origin)
            fault = queries.find_fault(now)
            if fault is not None:
                return _refuse(fault)
            if checkpoint.tree_size < now.least_size:
                return _refuse(f"the log has shown {now.least_size} leaves: nothing smaller is cosigned")
            seconds = self._read_seconds(now)
            size, root = checkpoint.tree_size, checkpoint.root_hash
            if not queries.move_cosigned(log, size, root, note, seconds):
                sentence = f"{now.cosigned_size} leaves were cosigned last"
                return Refused(RefusalKind.OTHER_SIZE, sentence, now.cosigned_size)
            failpoint("witness.moved")
        failpoint("witness.stored")
        at = datetime.fromtimestamp(seconds, UTC)
        lines = self._hand.sign(encode_checkpoint_body(checkpoint), at)
        failpoint("witness.signed")
        return Cosigned(lines)

    def _read_seconds(self, log: WitnessedLog) -> int:
        """Return the time, which never runs back: two cosignatures say which state is the newer one."""
        seconds = int(self._clock().timestamp())
        if seconds < log.cosigned_at - CLOCK_TOLERANCE_SECONDS:
            raise UnavailableError("the witness's clock is behind its newest cosignature: nothing is signed")
        return max(seconds, log.cosigned_at)

    # --- looking by itself ----------------------------------------------------------------------------------

    def poll(self) -> None:
        """Look at the log's own checkpoint, and at its contract."""
        note, checkpoint = self._fetch_checkpoint()
        with self._alone():
            _, fault = self._note_down(checkpoint, note)
            if fault is None:
                with suppress(LogFaultError):  # written down, and said
                    self._follow(checkpoint, note)
        if self._watched.read_contract is not None:
            size, root = self._watched.read_contract()
            with self._alone():
                self._compare_contract(size, root)

    def _fetch_checkpoint(self) -> tuple[str, Checkpoint]:
        raw = self._watched.source.read("checkpoint", MAX_NOTE_BYTES)
        if raw is None:
            raise UnavailableError("the log's server shows no checkpoint")
        try:
            return raw.decode(), verify_checkpoint(raw, self._verifier)
        except (InputError, VerificationError, UnicodeDecodeError) as err:
            raise UnavailableError(f"the log's server shows no checkpoint of the log: {err}") from err

    def _compare_contract(self, size: TreeSize, root_hash: RootHash) -> None:
        """Take the contract's size as one that was seen; doubt the log while it holds another root."""
        with self._database.write() as connection:
            queries = WitnessQueries(connection)
            queries.raise_least(queries.require_log(self._verifier.name), size)
        own = self._follower.compute_root_at(size) if size else None
        if own is None or own == root_hash:
            self._doubt = None
            return
        self._doubt = f"the contract holds another root for {size} leaves than the log has shown"
        _LOG.critical("contract differs", origin=self._verifier.name, tree_size=size)

    # --- shared ---------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the log.

        Raises:
            UnavailableError: a replay takes long.
        """
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise UnavailableError(f"the log is being replayed: {self._follower.replayed} leaves so far")
        try:
            yield
        finally:
            self._lock.release()

    def _note_down(self, checkpoint: Checkpoint, note: str) -> tuple[WitnessedLog, str | None]:
        """Keep what the log has signed; return the log as it stands, and its fault if it has one."""
        size, root = checkpoint.tree_size, checkpoint.root_hash
        with self._database.write() as connection:
            queries = WitnessQueries(connection)
            log = queries.require_log(self._verifier.name)
            others = [found for other, found in queries.read_seen(log, size) if other != root]
            queries.add_seen(log, size, root, note)
            queries.raise_least(log, size)
            fault = queries.find_fault(log)
        if others and fault is None:
            fault = f"the log has signed two different states of {size} leaves"
            self._remember(LogFaultError(fault, {"checkpoints": [others[0], note]}))
        return log, fault

    def _follow(self, checkpoint: Checkpoint, note: str) -> None:
        try:
            self._follower.follow(checkpoint, note)
        except LogFaultError as err:
            self._remember(err)
            raise

    def _remember(self, fault: LogFaultError) -> None:
        """Keep the evidence, then that the log is never cosigned again."""
        origin, now = self._verifier.name, self._clock()
        members: dict[str, Any] = {"type": "hengzheng/log-fault/v1", "origin": origin, "fault": str(fault)}
        raw = encode_canonical_json(members | fault.evidence)
        self._evidence.mkdir(parents=True, exist_ok=True)
        replace_file(self._evidence / f"{encode_hex(sha256(raw).digest()[:8])}.json", raw)
        failpoint("witness.evidence")
        with self._database.write() as connection:
            queries = WitnessQueries(connection)
            queries.add_fault(queries.require_log(origin), str(fault), int(now.timestamp()))
        _LOG.critical("log fault", origin=origin, fault=str(fault))

    def _read_fault(self) -> str | None:
        with self._database.read() as connection:
            queries = WitnessQueries(connection)
            log = queries.find_log(self._verifier.name)
            return None if log is None else queries.find_fault(log)

    def read_newest(self) -> str:
        """Return the newest checkpoint that was cosigned; empty before the first."""
        with self._database.read() as connection:
            found = WitnessQueries(connection).find_log(self._verifier.name)
        return "" if found is None else found.cosigned_note

    def describe(self) -> LogStanding:
        """Return what the witness says of the log."""
        return replace(describe_log(self._database, self._verifier.name), doubt=self._doubt)


def describe_log(database: Database, origin: str) -> LogStanding:
    """Return what a witness's database says of a log."""
    with database.read() as connection:
        queries = WitnessQueries(connection)
        log = queries.find_log(origin)
        if log is None:
            return LogStanding(origin, TreeSize(0), TreeSize(0), TreeSize(0), 0, None, None)
        fault, void = queries.find_fault(log), queries.count_void(log)
    return LogStanding(origin, log.cosigned_size, log.replayed_size, log.least_size, void, fault, None)


def _require_consistency(log: WitnessedLog, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that a checkpoint extends what was cosigned last; from the empty tree the proof is empty.

    Raises:
        ConsistencyProofError: it does not.
    """
    if log.cosigned_size:
        old = log.cosigned_size, log.cosigned_root
        verify_consistency(old[0], checkpoint.tree_size, old[1], checkpoint.root_hash, proof)
    elif proof:
        raise ConsistencyProofError("a proof from the empty tree is empty")


def _refuse(sentence: str) -> Refused:
    return Refused(RefusalKind.REFUSED, sentence)


def poll_all(witness: LogWitness) -> None:
    """Poll every log; what is out of reach is tried again the next time.

    Raises:
        LogIntegrityError: the witness's own records disagree.
    """
    for origin in witness.origins:
        try:
            witness.poll(origin)
        except LogIntegrityError:
            raise
        except LedgerError as err:
            _LOG.warning("not polled", origin=origin, error=str(err))
