"""The ledger of a home, opened in this process: what commands and servers put together, put together once.

>>> with open_ledger(home, passphrase) as ledger:
...     ledger.submit([(statement, certificate)])
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.admission import RuleSet, Standing, admit
from ledger.boot_check import BootCheck, Claim, WriteGate, describe_contradiction
from ledger.bundling import build_bundles
from ledger.core.data import load_rule_book
from ledger.core.entry import parse_leaf
from ledger.core.errors import (
    InputError,
    LogIntegrityError,
    StateError,
    VerificationError,
)
from ledger.core.ids import LeafIndex, Subject, TreeSize
from ledger.core.policy import encode_policy
from ledger.core.signature import Signer
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Registers, SubjectState
from ledger.core.trust import TrustList, encode_trust_list
from ledger.cosigning.witnesses import HomeWitnesses, load_witnesses
from ledger.files import replace_file
from ledger.home import LOG_KEY, Home, lock_ledger
from ledger.home_policy import CLOCK_TOLERANCE, PolicyChoice, find_choice
from ledger.log import Log
from ledger.outside import compare_with_outside
from ledger.passphrase import Passphrase
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.sequencing import read_subject
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.records import compute_statement_name
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Refusal, Result, Submission


def read_clock() -> datetime:
    """Return the time now, aware UTC: the clock that entry points pass on."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LocalLedger:
    """An opened ledger; the only writer of its database while it is open."""

    home: Home
    store: SqlStore
    log: Log
    prover: Prover
    signer: Signer
    """The log key."""
    rules: RuleSet
    witnesses: HomeWitnesses | None = None
    """Who is asked to cosign; None: nobody."""
    gate: WriteGate = field(default_factory=WriteGate)
    """Closed while this ledger must not sign."""
    check: BootCheck | None = None
    """Decides that; None in tests without a home."""
    witnessed: tuple[Claim, ...] = ()
    """What others hold, beside the contract and the home's witnesses."""
    is_compared: bool = True
    """All who hold something of this log, contract and witnesses, have answered when it was opened."""

    def halt(self, alarm: LogIntegrityError) -> None:
        """Sign nothing more: the ledger contradicts itself or its contract, and a person must look."""
        if self.check is None:
            self.gate.set(describe_contradiction())
        else:
            self.check.close(str(alarm))

    def compare(self) -> bool:
        """Ask contract and witnesses again; return whether all of them have answered.

        Raises:
            UnavailableError: the store is out of reach.
        """
        return self.check is None or compare_with_outside(self.home, self.store, self.check, self.witnessed)

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> list[Result]:
        """Admit and append statements with their bodies; one result each, in order.

        What the log holds already is acknowledged as it is stored, whatever has changed since.

        Args:
            entries: at most 4,096 pairs of signed statement and published certificate.

        Raises:
            UnavailableError: the store is out of reach; send the same again.
            ReadOnlyError: nothing may be signed now.
            LogIntegrityError: our own records disagree.
        """
        self.gate.require_open()
        with self.store.read() as queries:
            known = queries.find_entries([compute_statement_name(raw) for raw, _ in entries])
        stored = {parse_leaf(entry.leaf).statement_raw for entry in known.values()}
        admitted = [
            Submission(parse_signed_statement(raw), body) if raw in stored else self._admit(raw, body)
            for raw, body in entries
        ]
        appended = iter(self.log.append([item for item in admitted if isinstance(item, Submission)]))
        return [next(appended) if isinstance(item, Submission) else item for item in admitted]

    def _admit(self, raw: bytes, body: bytes | None) -> Submission | Refusal:
        try:
            return admit(raw, body, self.standing, self.rules, read_clock())
        except (InputError, StateError, VerificationError) as err:
            return Refusal(err)

    @property
    def standing(self) -> Standing:
        """Return what a statement is admitted against now."""
        return Standing(self.log.registers, self.log.head.tree_size, self.find_state, self._find_issue)

    def _find_issue(self, index: LeafIndex) -> Subject:
        with self.store.read() as queries:
            return read_subject(queries, index)

    def find_state(self, subject: Subject) -> SubjectState | None:
        """Return the newest state of one subject."""
        return self.find_states([subject]).get(subject)

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        with self.store.read() as queries:
            return queries.find_states(list(subjects))

    def anchored_size(self) -> TreeSize:
        """Return how many leaves the newest final anchor holds; 0 if there is none."""
        return Receipts(self.store).newest_size()

    def bundles(self, indices: Collection[LeafIndex]) -> dict[LeafIndex, bytes]:
        """Return the bundles of some issues: with receipts where they are anchored.

        Raises:
            NotFoundError: one is no issue in the log.
        """
        return build_bundles(self.prover, Receipts(self.store), indices)

    def entry_proof(self, index: LeafIndex) -> bytes:
        """Return the proof file of a leaf, with its header.

        Raises:
            NotFoundError: the newest checkpoint does not reach that far.
        """
        return self.prover.tlog_proof(index).encode()

    @property
    def registers(self) -> Registers:
        """Return what the register events establish now."""
        return self.log.registers

    def choose_policy(self) -> PolicyChoice:
        """Return which policy verifiers get now, and what is to be published.

        Raises:
            NotFoundError: the log has no root yet.
        """
        return find_choice(self.home, self.store, self.registers, self.witnesses)

    def write_policy(self) -> None:
        """Write what verifiers need to believe this log: policy and trust list, beside each other.

        Raises:
            NotFoundError: the log has no root yet.
        """
        replace_file(self.home.policy_path, encode_policy(self.choose_policy().served))
        checkpoint = self.prover.newest_checkpoint()
        trust = TrustList(self.log.origin, checkpoint.note, self.prover.evidence(None, checkpoint.tree_size))
        replace_file(self.home.trust_path, encode_trust_list(trust))


@contextmanager
def open_ledger(
    home: Home, passphrase: Passphrase, *, witnessed: Sequence[Claim] = ()
) -> Iterator[LocalLedger]:
    """Open a home's ledger as its only process, and compare it with what others hold of it.

    Args:
        home: whose.
        passphrase: opens the log key.
        witnessed: what others hold; the contract and the home's witnesses are asked here.

    Raises:
        HomeLockedError: another process has it.
        StateError: the database was made for another log, key or program.
        UnavailableError: the database is out of reach.
        LogIntegrityError: the database contradicts itself.
    """
    signer = home.keystore.open_signer(LOG_KEY, passphrase)
    with lock_ledger(home):
        database = Database(home.database_url)
        try:
            migrate(database)
            store, gate = SqlStore(database), WriteGate()
            log = Log(store, home.origin, signer, read_clock, require_open=gate.require_open)
            check = BootCheck(store, gate, read_clock)
            is_done = compare_with_outside(home, store, check, witnessed)
            rules = RuleSet(load_rule_book(), home.zone, CLOCK_TOLERANCE)
            witnesses = load_witnesses(home)
            prover = Prover(store, home.origin, None if witnesses is None else witnesses.quorum)
            yield LocalLedger(
                home, store, log, prover, signer, rules, witnesses, gate, check, tuple(witnessed), is_done
            )
        finally:
            database.close()
