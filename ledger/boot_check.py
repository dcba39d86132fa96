"""Whether this ledger may sign: its log must extend whatever the contract and the witnesses hold of it.

A ledger that was restored from an old backup has forgotten what it signed. If it signed again it would make two
histories under one name, and nobody could ever believe either. So whoever opens it compares first; a ledger that
is behind, or holds another log, is read-only: proofs, tiles and pages answer, every write is refused with one
sentence. What was found is kept in the database, so that the next start knows it while the chain is out of reach.

    claim                                          this ledger
    fewer leaves or as many, with our root         may sign
    more leaves than we have                       read-only: behind
    fewer leaves or as many, with another root     read-only: another log
    nobody can be asked                            may sign, "not compared"; unless it was read-only before

>>> check = BootCheck(store, WriteGate(), clock)
>>> check.compare([Claim("the contract on chain", "链上合约", TreeSize(1042), root)])
>>> check.gate.require_open()
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Final

import structlog

from ledger.core.errors import ReadOnlyError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import build_root
from ledger.core.tiles import TileReader
from ledger.store.condition_queries import Condition, ConditionQueries
from ledger.store.unit_of_work import SqlStore

BOOT: Final = "boot"
"""Name of the condition that is kept."""

_LOG = structlog.get_logger(__name__)


class BootState(StrEnum):
    """What came of the comparison."""

    COMPARED = "compared"
    NOT_COMPARED = "not-compared"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody outside holds of this log."""

    name: str
    """Who, in English, as `the contract on chain`."""
    name_zh: str
    tree_size: TreeSize
    root_hash: RootHash | None
    """None: only a size is said."""


class WriteGate:
    """Open while this ledger may sign. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._refusal: ReadOnlyError | None = None

    @property
    def refusal(self) -> ReadOnlyError | None:
        """Return why nothing is written; None while it is."""
        return self._refusal

    def require_open(self) -> None:
        """Pass only while this ledger may sign.

        Raises:
            ReadOnlyError: it may not.
        """
        if self._refusal is not None:
            raise ReadOnlyError(self._refusal.en, self._refusal.zh)

    def set(self, refusal: ReadOnlyError | None) -> None:
        """Close the gate for this reason, or open it."""
        with self._lock:
            self._refusal = refusal


class BootCheck:
    """Compares one ledger with what others hold. Safe to share between threads."""

    def __init__(self, store: SqlStore, gate: WriteGate, clock: Callable[[], datetime]) -> None:
        """Begin with what was found the last time.

        Args:
            store: the log's database.
            gate: closed and opened by what is found.
            clock: returns the time, aware UTC.
        """
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._is_closed = False
        self.gate: Final = gate
        with store.database.read() as connection:
            known = ConditionQueries(connection).find(BOOT)
        if known is not None and known.state == BootState.READ_ONLY:
            gate.set(ReadOnlyError(known.en, known.zh))

    def compare(self, claims: Sequence[Claim], missing: str = "") -> None:
        """Compare with everybody who could be asked, and open or close the gate.

        Args:
            claims: what each of them holds of this log.
            missing: why the contract could not be asked; empty if it was, or if there is none. A ledger that was
                read-only stays so then.

        Raises:
            UnavailableError: the store is out of reach.
        """
        found = (find_discrepancy(self._store, claim) for claim in claims)
        refusal = next((each for each in found if each is not None), None)
        with self._lock:
            if refusal is not None:
                self._close(refusal, refusal.en)
            elif self._is_closed:
                _LOG.warning("read-only still", reason="what was found since the start takes another start")
            elif not missing:
                names = ", ".join(claim.name for claim in claims) or "nobody, as nobody holds it"
                names_zh = "、".join(claim.name_zh for claim in claims) or "无外部记录"
                self._conclude(BootState.COMPARED, f"compared with {names}", f"已比对：{names_zh}")
                self.gate.set(None)
            elif self.gate.refusal is None:
                self._conclude(
                    BootState.NOT_COMPARED,
                    f"not compared with the contract on chain: {missing}",
                    f"尚未与链上合约比对（{missing}）",
                )

    def close(self, reason: str) -> None:
        """Turn read-only until the next start, because a contradiction has shown itself after this one."""
        with self._lock:
            self._close(describe_contradiction(), reason)

    def _close(self, refusal: ReadOnlyError, reason: str) -> None:
        """Close the gate until the next start: comparisons run side by side, and an older one must not open it."""
        _LOG.critical("read-only", reason=reason)
        self._is_closed = True
        self.gate.set(refusal)
        self._conclude(BootState.READ_ONLY, refusal.en, refusal.zh)

    def _conclude(self, state: BootState, en: str, zh: str) -> None:
        with self._store.database.write() as connection:
            ConditionQueries(connection).put(Condition(BOOT, state.value, en, zh, self._clock()))


def find_discrepancy(store: SqlStore, claim: Claim) -> ReadOnlyError | None:
    """Return why our log does not extend what somebody holds of it; None if it does.

    Raises:
        LogIntegrityError: a tile that is needed is missing.
        UnavailableError: the store is out of reach.
    """
    with store.read() as queries:
        own_size = queries.read_head().tree_size
        if claim.tree_size > own_size:
            return _describe_behind(claim, own_size)
        root_hash = build_root(claim.tree_size, TileReader(own_size, queries.read_tile).read)
    return None if claim.root_hash in {None, root_hash} else _describe_other(claim)


def describe_contradiction() -> ReadOnlyError:
    """Return the refusal after a contradiction that has shown itself while the ledger was open."""
    return ReadOnlyError(
        "this ledger is read-only: its records and the contract contradict each other; `hengzheng anchor --status` "
        "and `hengzheng doctor` say how. Until that is settled nothing is signed",
        "本账本只读：本地记录与链上合约相互矛盾，详见 `hengzheng anchor --status` 与 `hengzheng doctor`；"
        "在查明之前不签发任何内容",
    )


def _describe_behind(claim: Claim, own_size: TreeSize) -> ReadOnlyError:
    return ReadOnlyError(
        f"this ledger is read-only: it holds {own_size} leaves, {claim.name} holds {claim.tree_size}; it comes "
        "from an old backup. Put the newest copy back and start again; until then nothing is signed",
        f"本账本只读：本地只有{own_size}条记录，{claim.name_zh}已有{claim.tree_size}条，本地数据来自旧备份。"
        "请恢复最新副本后重新启动；在此之前不签发任何内容",
    )


def _describe_other(claim: Claim) -> ReadOnlyError:
    return ReadOnlyError(
        f"this ledger is read-only: its first {claim.tree_size} leaves are not those that {claim.name} holds; "
        "another copy of this log has signed. Put that copy back and start again; until then nothing is signed",
        f"本账本只读：本地前{claim.tree_size}条记录与{claim.name_zh}不一致，另有副本签发过内容。"
        "请恢复那份副本后重新启动；在此之前不签发任何内容",
    )
