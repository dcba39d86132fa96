"""Re-reads what the ledger's process has noted of the world outside: names, states and forms; nothing repeats more.

>>> check_conditions(rows)
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from ledger.boot_check import BOOT, BootState
from ledger.core.errors import DamagedRowError
from ledger.doctor.derived import name_key
from ledger.standing import ANCHORING, AnchoringState
from ledger.store.scan import RawRow, RawRows, get_key
from ledger.store.tables import conditions

KNOWN: Final[Mapping[str, type[StrEnum]]] = {BOOT: BootState, ANCHORING: AnchoringState}
"""Every condition that is kept, with its states."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


def check_conditions(rows: RawRows) -> None:
    """Compare every condition with what it can be.

    Raises:
        DamagedRowError: the first row that cannot have been written.
    """
    for row in rows.scan(conditions):
        values = dict(zip(conditions.columns.keys(), row, strict=True))
        if values["name"] not in KNOWN:
            raise _damaged(row, "name", " or ".join(KNOWN))
        states = KNOWN[values["name"]]
        if values["state"] not in set(states):
            raise _damaged(row, "state", f"one of {', '.join(states)}")
        for column in ("en", "zh"):
            if not isinstance(values[column], str) or not values[column]:
                raise _damaged(row, column, "a sentence")
        if not _is_measured(values["name"], values["value"]):
            raise _damaged(row, "value", "wei, in digits" if values["name"] == ANCHORING else "None")
        if not isinstance(values["at_ms"], int) or values["at_ms"] < 0:
            raise _damaged(row, "at_ms", "milliseconds since 1970-01-01")


def _is_measured(name: str, value: object) -> bool:
    """Say whether a value can have been measured: a balance by the sender, and nothing else by anybody."""
    if value is None:
        return True
    return name == ANCHORING and isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def _damaged(row: RawRow, column: str, expected: str) -> DamagedRowError:
    found: Any = get_key(conditions, row)
    return DamagedRowError("conditions", name_key(conditions, found), column, expected)
