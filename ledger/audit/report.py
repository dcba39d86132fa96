"""What an audit found: counts, roots, VOID leaves, what was not looked up, and the first contradiction.

>>> report.exit_code, report_members(report)["contradictions"]
(0, [])
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.core.checkpoint import Checkpoint
from ledger.core.encoding import encode_hex
from ledger.core.errors import ContradictionError
from ledger.core.ids import LeafIndex, TreeSize


@dataclass(frozen=True, slots=True)
class VoidLeaf:
    """A leaf that is provable and changes nothing; no contradiction."""

    leaf_index: LeafIndex
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """An anchor that the node could not, or would not, show."""

    tree_size: TreeSize
    reason: str


@dataclass(frozen=True, slots=True)
class AnchorCount:
    """What became of the receipts."""

    receipts: int
    """Signed by the log, for the policy's contract, over a root that the log had."""
    seen: int | None
    """How many were found in the contract; None if nobody asked."""
    doubts: tuple[Doubt, ...]
    newest_size: TreeSize
    """Leaves under the newest receipt; 0 without one."""


@dataclass(frozen=True, slots=True)
class DocumentCount:
    """What became of the documents."""

    checked: int
    missing: tuple[LeafIndex, ...]
    """Issues whose document is not at hand."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many leaves there are of one type."""

    event: str
    effective: int
    void: int


@dataclass(frozen=True, slots=True)
class InstitutionCount:
    """What one institution has issued."""

    institution: str
    name_zh: str
    name_en: str | None
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One audit, up to its end or to the first contradiction."""

    origin: str
    """Of the policy's log."""
    checkpoint: Checkpoint | None
    """None: already that does not hold."""
    development: bool
    """The policy is one for trying out."""
    entries: int
    """Leaves replayed."""
    mapheads: int
    map_root: bytes
    """Of the newest MAPHEAD among them, 32 bytes."""
    void: tuple[VoidLeaf, ...]
    anchors: AnchorCount
    documents: DocumentCount | None
    """None: nobody named a folder."""
    contradiction: ContradictionError | None = None
    events: tuple[EventCount, ...] = ()
    """Leaves replayed, by what they do; MAPHEADs apart."""
    institutions: tuple[InstitutionCount, ...] = ()
    """Documents that took effect, by who issued them."""
    certificates: Mapping[str, int] = field(default_factory=dict)
    """Documents by their own newest status in the map; what dates, instruments and lots say comes on top."""
    lots: Mapping[str, int] = field(default_factory=dict)
    """Lots of which something was said, by their newest status; it weighs on every member."""

    @property
    def exit_code(self) -> int:
        """Return 1 for a contradiction, 3 if a node could not confirm what it was asked for, else 0."""
        if self.contradiction is not None:
            return 1
        return 3 if self.anchors.doubts else 0

    @property
    def not_looked_up(self) -> tuple[str, ...]:
        """Name what this audit did not ask for."""
        anchors = ("anchors",) if self.anchors.seen is None else ()
        return anchors + (("documents",) if self.documents is None else ())


def report_members(report: AuditReport) -> dict[str, Any]:
    """Return the report as a JSON object; what nobody asked for is absent."""
    members: dict[str, Any] = {
        "entries": report.entries,
        "contradictions": []
        if report.contradiction is None
        else [_contradiction_members(report.contradiction)],
        "origin": report.origin,
        "environment": "development" if report.development else "production",
        "mapheads": report.mapheads,
        "map_root": encode_hex(report.map_root),
        "void": [{"leaf_index": leaf.leaf_index, "reason": leaf.reason} for leaf in report.void],
        "events": {
            count.event: {"effective": count.effective, "void": count.void} for count in report.events
        },
        "institutions": {
            count.institution: {"passed": count.passed, "failed": count.failed}
            for count in report.institutions
        },
        "certificates": dict(report.certificates),
        "lots": dict(report.lots),
        "anchors": _anchor_members(report.anchors),
        "not_looked_up": list(report.not_looked_up),
    }
    if report.checkpoint is not None:
        members["tree_size"] = report.checkpoint.tree_size
        members["root_hash"] = encode_hex(report.checkpoint.root_hash)
    if report.documents is not None:
        documents = report.documents
        members["documents"] = {"checked": documents.checked, "missing": list(documents.missing)}
    return members


def _contradiction_members(found: ContradictionError) -> dict[str, Any]:
    leaf = {} if found.leaf_index is None else {"leaf_index": found.leaf_index}
    return {"file": found.file, **leaf, "error": found.reason}


def _anchor_members(anchors: AnchorCount) -> dict[str, Any]:
    members: dict[str, Any] = {"receipts": anchors.receipts, "newest_size": anchors.newest_size}
    if anchors.seen is not None:
        members["seen"] = anchors.seen
        members["doubts"] = [
            {"tree_size": doubt.tree_size, "reason": doubt.reason} for doubt in anchors.doubts
        ]
    return members
