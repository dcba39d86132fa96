"""Which witnesses count, and how many of them make a checkpoint a witnessed one.

The threshold is more than half of them: two quorums then share a witness, and none that is honest signs two
histories. A witness has a name, and an Ed25519 key, a BLS key or both under it; whichever it signs with, it counts
once. A checkpoint is as fresh as the threshold-th newest of its cosignatures, one for each witness: all but
one of a quorum cannot make it look newer than the last says.

>>> find_quorum_time(cosignatures, quorum)
datetime.datetime(2026, 3, 1, 1, 0, tzinfo=datetime.timezone.utc)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.canonical import JsonObject
from ledger.core.cosignature import Cosignature, Witness, encode_witness, parse_witness
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.quorum_certificate import BlsWitness, Certified, encode_bls_witness, parse_bls_witness
from ledger.core.signature import PublicKey

MAX_WITNESSES: Final = 32

Signed = Cosignature | Certified
"""One witness's word on a checkpoint, with its time."""


@dataclass(frozen=True, slots=True)
class WitnessQuorum:
    """The witnesses that count, and how many must have signed.

    Raises:
        MalformedDocumentError: none, too many, one twice, or a threshold that is not more than half.
    """

    witnesses: tuple[Witness, ...]
    """Those who sign lines of their own."""
    threshold: int
    """How many names."""
    bls: tuple[BlsWitness, ...] = ()
    """Those who sign certificates, in the order of the bitmap; a name that stands in both lists is one witness."""

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 0 < count <= MAX_WITNESSES:
            raise MalformedDocumentError(f"1 to {MAX_WITNESSES} witnesses, not {count}", field="keys")
        _require_different(self.witnesses, "keys")
        _require_different(self.bls, "bls")
        if not count < 2 * self.threshold <= 2 * count:
            raise MalformedDocumentError(
                f"is more than half of the {count} witnesses and at most all, not {self.threshold}",
                field="quorum",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Every witness's name, once."""
        names = [one.name for one in self.witnesses] + [one.name for one in self.bls]
        return tuple(dict.fromkeys(names))

    @property
    def names_by_vkey(self) -> dict[str, str]:
        """The name behind each vkey."""
        spelled = {encode_witness(one): one.name for one in self.witnesses}
        return spelled | {encode_bls_witness(one): one.name for one in self.bls}

    def require_other_key(self, log_key: PublicKey) -> None:
        """Refuse a log that witnesses itself.

        Raises:
            MalformedDocumentError: one of the witnesses has the log's key.
        """
        if any(one.key == log_key for one in self.witnesses):
            raise MalformedDocumentError("the log's own key is no witness", field="keys")


def encode_quorum(quorum: WitnessQuorum) -> JsonObject:
    """Return the member of a policy."""
    members: JsonObject = {
        "keys": [encode_witness(one) for one in quorum.witnesses],
        "quorum": quorum.threshold,
    }
    return members | ({"bls": [encode_bls_witness(one) for one in quorum.bls]} if quorum.bls else {})


def parse_quorum(reader: Reader) -> WitnessQuorum:
    """Parse the member of a policy.

    Raises:
        InputError: not such a member.
    """
    keys = reader.texts("keys", max_bytes=400, most=MAX_WITNESSES)
    bls = reader.texts("bls", max_bytes=700, least=1, most=MAX_WITNESSES) if "bls" in reader else []
    threshold = reader.integer("quorum", 1, MAX_WITNESSES)
    reader.finish()
    certifying = [_parse_bls(reader, place, vkey) for place, vkey in enumerate(bls)]
    try:
        return WitnessQuorum(tuple(parse_witness(key) for key in keys), threshold, tuple(certifying))
    except InputError as err:
        reader.refuse(err.field or "keys", err.reason)


def list_signed(signed: Iterable[Signed], quorum: WitnessQuorum, latest: datetime) -> list[Signed]:
    """Return what counts, newest first: one a witness of the quorum, none from the future.

    Args:
        signed: verified lines, and signers of verified certificates.
        quorum: whose witnesses count.
        latest: a later time is not believed.
    """
    newest: dict[str, Signed] = {}
    members = {*quorum.witnesses, *quorum.bls}
    for item in signed:
        known = newest.get(item.witness.name)
        if (
            item.witness in members
            and item.cosigned_at <= latest
            and (known is None or item.cosigned_at > known.cosigned_at)
        ):
            newest[item.witness.name] = item
    return sorted(newest.values(), key=lambda item: item.cosigned_at, reverse=True)


def find_quorum_time(signed: list[Signed], quorum: WitnessQuorum) -> datetime | None:
    """Return for when a quorum vouches: its threshold-th newest time; None where there is no quorum.

    Args:
        signed: as `list_signed` gives them.
        quorum: says how many it takes.
    """
    return signed[quorum.threshold - 1].cosigned_at if len(signed) >= quorum.threshold else None


def _require_different(witnesses: Sequence[Witness | BlsWitness], field: str) -> None:
    names, keys = {one.name for one in witnesses}, {one.key for one in witnesses}
    for what, values in (("name", names), ("key", keys)):
        if len(values) != len(witnesses):
            raise MalformedDocumentError(f"two witnesses have one {what}", field=field)


def _parse_bls(reader: Reader, place: int, vkey: str) -> BlsWitness:
    try:
        return parse_bls_witness(vkey)
    except InputError as err:
        reader.refuse(f"bls[{place}]", err.reason)
