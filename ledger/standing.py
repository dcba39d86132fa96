"""How a ledger stands towards chain and witnesses, from what is stored: for operators and whoever watches.

No node is asked. The one word for it:

    ok         it signs, and anchors without trouble
    read-only  it must not sign; the reason says what a person does
    alarm      anchoring waits for a person; issuing goes on

>>> describe_standing(read_standing(connection, now), inside=True)["status"]
'ok'
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection

from ledger.boot_check import BOOT, BootState
from ledger.core.anchor import AnchorState
from ledger.core.encoding import encode_instant
from ledger.core.ids import TreeSize
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.condition_queries import Condition, ConditionQueries
from ledger.store.queries import ReadQueries

ANCHORING: Final = "anchoring"
"""Name of the condition that a sender keeps."""

_ALARM: Final = "anchoring waits for a person: `hengzheng anchor --status` says why"
_ALARM_ZH: Final = "链上存证等待人工处理：原因见 `hengzheng anchor --status`"


class AnchoringState(StrEnum):
    """What came of the last try."""

    OK = "ok"
    WAITING = "waiting"
    """It is tried again, and heals when what it waits for comes about."""
    ALARM = "alarm"
    """A person must look."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one ledger stands towards the world outside."""

    tree_size: TreeSize
    anchored_size: TreeSize
    anchored_at: datetime | None
    """Block time of the newest final anchor, aware UTC."""
    age: timedelta | None
    """Since then."""
    under_way: AnchorState | None
    """Of the anchor that is on its way."""
    lost: TreeSize | None
    """Leaves of the newest anchor whose final block is gone."""
    boot: Condition | None
    """What came of the comparison with others; None before the first."""
    anchoring: Condition | None
    """What came of the last try; its value is what the account owned, in wei."""

    @property
    def backlog(self) -> int:
        """Return how many leaves no final anchor holds."""
        return max(0, self.tree_size - self.anchored_size)


def read_standing(connection: Connection, now: datetime) -> Standing:
    """Return how a ledger stands.

    Args:
        connection: of one read transaction.
        now: aware UTC.
    """
    anchors, conditions = AnchorQueries(connection), ConditionQueries(connection)
    final, under_way, lost = anchors.find_newest_final(), anchors.find_open(), anchors.find_newest_lost()
    receipt = None if final is None else final.receipt
    return Standing(
        tree_size=ReadQueries(connection).read_head().tree_size,
        anchored_size=TreeSize(0) if receipt is None else receipt.tree_size,
        anchored_at=None if receipt is None else receipt.anchored_at,
        age=None if receipt is None else now - receipt.anchored_at,
        under_way=None if under_way is None else under_way.state,
        lost=None if lost is None else lost.tree_size,
        boot=conditions.find(BOOT),
        anchoring=conditions.find(ANCHORING),
    )


def describe_standing(standing: Standing, *, inside: bool) -> dict[str, Any]:
    """Return a standing as JSON members; what nobody knows is left out.

    Args:
        standing: how the ledger stands.
        inside: for its operator, who may read which node failed and how.
    """
    members = _describe_status(standing, inside=inside)
    if standing.boot is not None:
        members["boot"] = _describe(standing.boot, inside=inside)
    anchoring: dict[str, Any] = {"backlog": standing.backlog}
    if standing.anchored_at is not None and standing.age is not None:
        anchoring["anchored_at"] = encode_instant(standing.anchored_at)
        anchoring["age_seconds"] = max(0, int(standing.age.total_seconds()))
    if standing.under_way is not None:
        anchoring["under_way"] = standing.under_way.value
    if standing.lost is not None:
        anchoring["lost_size"] = standing.lost
    if standing.anchoring is not None:
        anchoring["last"] = _describe(standing.anchoring, inside=inside)
        if standing.anchoring.value is not None:
            anchoring["balance_wei"] = standing.anchoring.value
    return members | {"anchoring": anchoring}


def is_read_only(standing: Standing) -> bool:
    """Return whether this ledger must not sign."""
    return standing.boot is not None and standing.boot.state == BootState.READ_ONLY


def _describe_status(standing: Standing, *, inside: bool) -> dict[str, Any]:
    boot, anchoring = standing.boot, standing.anchoring
    if boot is not None and boot.state == BootState.READ_ONLY:
        return {"status": "read-only", "reason": boot.en, "reason_zh": boot.zh}
    if anchoring is None or anchoring.state != AnchoringState.ALARM:
        return {"status": "ok"}
    en, zh = (anchoring.en, anchoring.zh) if inside else (_ALARM, _ALARM_ZH)
    return {"status": "alarm", "reason": en, "reason_zh": zh}


def _describe(condition: Condition, *, inside: bool) -> dict[str, str]:
    members = {"state": condition.state, "at": encode_instant(condition.at)}
    return members | ({"en": condition.en, "zh": condition.zh} if inside else {})
