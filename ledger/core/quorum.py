"""Which witnesses count, and how many of them make a checkpoint a witnessed one.

The threshold is more than half of them: two quorums then share a witness, and none that is honest signs two
histories. A checkpoint is as fresh as the threshold-th newest of its cosignatures, one for each witness: all but
one of a quorum cannot make it look newer than the last says.

>>> find_quorum_time(cosignatures, quorum)
datetime.datetime(2026, 3, 1, 1, 0, tzinfo=datetime.timezone.utc)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.canonical import JsonObject
from ledger.core.cosignature import Cosignature, Witness, encode_witness, parse_witness
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.signature import PublicKey

MAX_WITNESSES: Final = 32


@dataclass(frozen=True, slots=True)
class WitnessQuorum:
    """The witnesses that count, and how many must have signed.

    Raises:
        MalformedDocumentError: none, too many, one twice, or a threshold that is not more than half.
    """

    witnesses: tuple[Witness, ...]
    threshold: int

    def __post_init__(self) -> None:
        count = len(self.witnesses)
        if not 0 < count <= MAX_WITNESSES:
            raise MalformedDocumentError(f"1 to {MAX_WITNESSES} witnesses, not {count}", field="keys")
        if len({one.name for one in self.witnesses}) != count:
            raise MalformedDocumentError("two witnesses have one name", field="keys")
        if len({one.key for one in self.witnesses}) != count:
            raise MalformedDocumentError("two witnesses have one key", field="keys")
        if not count < 2 * self.threshold <= 2 * count:
            raise MalformedDocumentError(
                f"is more than half of the {count} witnesses and at most all, not {self.threshold}",
                field="quorum",
            )

    def require_other_key(self, log_key: PublicKey) -> None:
        """Refuse a log that witnesses itself.

        Raises:
            MalformedDocumentError: one of the witnesses has the log's key.
        """
        if any(one.key == log_key for one in self.witnesses):
            raise MalformedDocumentError("the log's own key is no witness", field="keys")


def encode_quorum(quorum: WitnessQuorum) -> JsonObject:
    """Return the member of a policy."""
    return {"keys": [encode_witness(one) for one in quorum.witnesses], "quorum": quorum.threshold}


def parse_quorum(reader: Reader) -> WitnessQuorum:
    """Parse the member of a policy.

    Raises:
        InputError: not such a member.
    """
    keys = reader.texts("keys", max_bytes=400, most=MAX_WITNESSES)
    threshold = reader.integer("quorum", 1, MAX_WITNESSES)
    reader.finish()
    try:
        return WitnessQuorum(tuple(parse_witness(key) for key in keys), threshold)
    except InputError as err:
        reader.refuse(err.field or "keys", err.reason)


def list_signed(
    cosignatures: Iterable[Cosignature], quorum: WitnessQuorum, latest: datetime
) -> list[Cosignature]:
    """Return the cosignatures that count, newest first: one a witness of the quorum, none from the future.

    Args:
        cosignatures: verified.
        quorum: whose witnesses count.
        latest: a later time is not believed.
    """
    newest: dict[Witness, Cosignature] = {}
    for item in cosignatures:
        known = newest.get(item.witness)
        if item.cosigned_at <= latest and (known is None or item.cosigned_at > known.cosigned_at):
            newest[item.witness] = item
    counted = [item for item in newest.values() if item.witness in quorum.witnesses]
    return sorted(counted, key=lambda item: item.cosigned_at, reverse=True)


def find_quorum_time(signed: list[Cosignature], quorum: WitnessQuorum) -> datetime | None:
    """Return for when a quorum vouches: its threshold-th newest time; None where there is no quorum.

    Args:
        signed: as `list_signed` gives them.
        quorum: says how many it takes.
    """
    return signed[quorum.threshold - 1].cosigned_at if len(signed) >= quorum.threshold else None
