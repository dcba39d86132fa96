"""Replay: what follows from the leaves, one by one, and nothing else.

Every header is compared with what the fold gives its statement, every MAPHEAD with the map that all earlier
leaves give. Whoever replays a log to its end knows its root, its map and its registers without believing
anybody; signatures of statements are verified too.

>>> replay = Replay()
>>> for leaf in leaves:
...     replay.take(leaf)
>>> replay.tree.root() == checkpoint.root_hash
True
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.fold import build_header, judge_event, judge_signed_event
from ledger.core.fold_links import apply_link
from ledger.core.ids import LeafIndex, Subject
from ledger.core.link import parse_link
from ledger.core.maphead import build_maphead, get_map_root
from ledger.core.merkle import CompactRange, hash_leaf
from ledger.core.statement import ActClaims, SignedStatement, parse_signed_statement, verify_statement
from ledger.core.status import Effect, Registers, Status, SubjectState, VerifyStatement, Void
from ledger.core.status_map import EMPTY_MAP, SUBJECT_BYTES, StatusMap, load_nothing


@dataclass(frozen=True, slots=True)
class Replayed:
    """One leaf, and what the fold says of it."""

    index: LeafIndex
    leaf: Leaf
    signed: SignedStatement | None
    """None for a MAPHEAD."""
    outcome: Effect | Void | None
    """None for a MAPHEAD."""
    replaced: Mapping[Subject, SubjectState | None] | None = None
    """For a MAPHEAD: the states that its batch replaced, None where there was none, in the order of its leaves."""


class Replay:
    """The state after the leaves taken so far."""

    def __init__(self) -> None:
        self.tree = CompactRange()
        self.registers = Registers()
        self.states: dict[Subject, SubjectState] = {}
        self.map: StatusMap = EMPTY_MAP
        """As of the newest MAPHEAD."""
        self.maphead: LeafIndex | None = None
        """Index of the newest MAPHEAD."""
        self._mapheads = 0
        self._changes: dict[Subject, SubjectState] = {}
        self._replaced: dict[Subject, SubjectState | None] = {}
        self._newest_ms = 0
        self._subjects = bytearray()
        """Of every leaf, 32 bytes each: acts ask what a certificate was about."""

    def take(self, raw: bytes, verify: VerifyStatement = verify_statement) -> Replayed:
        """Take the next leaf.

        Args:
            raw: the leaf's bytes.
            verify: for who has verified the signature ahead.

        Raises:
            VerificationError: the leaf is damaged, its header is not what its statement and the earlier leaves
                give, it goes back in time, or it states another map. Nothing has changed then.
        """
        index = LeafIndex(self.tree.size)
        try:
            leaf = parse_leaf(raw)
            if leaf.header.type is EventType.MAPHEAD:
                replayed = self._take_maphead(index, leaf)
            else:
                replayed = self._take_statement(index, leaf, verify)
        except InputError as err:
            raise VerificationError(f"leaf {index} is damaged: {err}") from err
        self._newest_ms = leaf.header.sequenced_at_ms
        self._subjects += leaf.header.subject
        self.tree.append(hash_leaf(raw))
        return replayed

    def _find_subject(self, index: LeafIndex) -> Subject:
        begin = SUBJECT_BYTES * index
        return Subject(bytes(self._subjects[begin : begin + SUBJECT_BYTES]))

    def _take_maphead(self, index: LeafIndex, leaf: Leaf) -> Replayed:
        grown = self.map.update(self._changes, load_nothing)
        before = None if self.maphead is None else (self.maphead, self._mapheads)
        if get_map_root(leaf.header) != grown.root_hash:
            raise VerificationError(f"leaf {index} states another status map than the earlier leaves give")
        if leaf.header != build_maphead(grown.root_hash, leaf.header.sequenced_at_ms, before):
            raise VerificationError(f"the header of leaf {index} is not that of a MAPHEAD at this place")
        self._require_time(index, leaf)
        self.map, self.maphead = grown, index
        self._mapheads += 1
        replaced, self._changes, self._replaced = self._replaced, {}, {}
        return Replayed(index, leaf, None, None, replaced)

    def _take_statement(self, index: LeafIndex, leaf: Leaf, verify: VerifyStatement) -> Replayed:
        header, signed = leaf.header, parse_signed_statement(leaf.statement_raw)
        at, states = header.sequenced_at, self.states.get
        outcome = judge_signed_event(signed, index, at, self.registers, states, self._find_subject, verify)
        if build_header(signed, outcome, header.sequenced_at_ms) != header:
            raise VerificationError(f"the header of leaf {index} is not what its statement gives")
        self._require_time(index, leaf)
        if isinstance(outcome, Effect):
            for subject in outcome.changes:
                self._replaced.setdefault(subject, self.states.get(subject))
            self.states.update(outcome.changes)
            self._changes.update(outcome.changes)
            if outcome.apply is not None:
                outcome.apply(self.registers)
        return Replayed(index, leaf, signed, outcome)

    def _require_time(self, index: LeafIndex, leaf: Leaf) -> None:
        if leaf.header.sequenced_at_ms < self._newest_ms:
            raise VerificationError(f"leaf {index} is dated before the leaf in front of it")


def replay_registers(leaves: Iterable[tuple[LeafIndex, bytes]]) -> Registers:
    """Return what the register leaves of a log establish, without the leaves between them.

    Args:
        leaves: every register leaf with its index, in order, of a log whose statements were verified and judged
            before they got in: links, which are about instruments, are believed to be what their headers say.

    Raises:
        InputError: a leaf is damaged.
    """
    registers, states = Registers(), dict[Subject, SubjectState]()
    for index, raw in leaves:
        leaf = parse_leaf(raw)
        signed = parse_signed_statement(leaf.statement_raw)
        claims = signed.statement.claims
        if isinstance(claims, ActClaims):
            if leaf.header.status != Status.VOID:
                apply_link(registers, parse_link(signed.statement.type, claims.content))
            continue
        outcome = judge_event(signed, index, leaf.header.sequenced_at, registers, states.get)
        if isinstance(outcome, Effect):
            states.update(outcome.changes)
            if outcome.apply is not None:
                outcome.apply(registers)
    return registers
