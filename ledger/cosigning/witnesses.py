"""The witnesses of a home: whom its log asks to cosign, where, and how many make a quorum.

    {"quorum":2,"type":"hengzheng/witnesses/v1","witnesses":[{"url":"https://w1.example","vkey":"w1.example+1acaa49d+BAlp…"},…]}

An item may have `bls` too, the BLS vkey of the same witness, or have it without `vkey`: its answers then hold a
share of a quorum certificate. An item of `bls` and `key` instead names a BLS key of this very home, if that is for
development, see `development`. A name stands in one item only.

The operator writes it, as `witnesses.json` in the home; no address ever comes from anywhere else. Without the file
the log has no witnesses. It is read when the ledger is opened.

>>> load_witnesses(home).quorum.threshold
2
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from ledger.core.canonical import parse_json
from ledger.core.cosignature import Witness, encode_witness, parse_witness
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.quorum import MAX_WITNESSES, WitnessQuorum
from ledger.core.quorum_certificate import (
    BlsWitness,
    encode_bls_witness,
    parse_bls_witness,
    require_possession,
)
from ledger.home import LOG_KEY, Home
from ledger.http_client import make_client

WITNESSES_TYPE: Final = "hengzheng/witnesses/v1"

_KeyT = TypeVar("_KeyT")


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """One witness at its address, with a key of either kind or of both."""

    name: str
    url: str
    """Submission prefix."""
    line_key: Witness | None
    """Signs lines."""
    bls: BlsWitness | None
    """Signs shares of certificates."""

    @property
    def vkeys(self) -> tuple[str, ...]:
        """One or two."""
        line = () if self.line_key is None else (encode_witness(self.line_key),)
        return line + (() if self.bls is None else (encode_bls_witness(self.bls),))


@dataclass(frozen=True, slots=True)
class HomeWitnesses:
    """Whom the log asks."""

    quorum: WitnessQuorum
    asked: tuple[AskedWitness, ...]
    """Those who have an address."""
    keys: Mapping[BlsWitness, str] = field(default_factory=dict)
    """Name in the home's own keystore of each that signs in this process; of a home for development only."""


def load_witnesses(home: Home) -> HomeWitnesses | None:
    """Return the home's witnesses; None where none are named.

    Raises:
        InputError: the file is no such file, or names the log's own key.
    """
    try:
        raw = home.witnesses_path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = parse_witnesses(raw)
        found.quorum.require_other_key(home.keystore.label(LOG_KEY).public_key)
        for one in found.quorum.bls:
            require_possession(one)
        if found.keys and not home.development:
            raise MalformedDocumentError("only a home for development signs as its own witness", field="key")
    except InputError as err:
        raise MalformedDocumentError(str(err), field=str(home.witnesses_path)) from err
    return found


def parse_witnesses(raw: bytes) -> HomeWitnesses:
    """Parse the file; people may format it as they like.

    Raises:
        InputError: not such a file.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("the witnesses are a JSON object")
    reader = Reader(value, "")
    reader.text("type", max_bytes=40, pattern=WITNESSES_TYPE)
    items = [_parse_item(item) for item in reader.objects("witnesses", least=1, most=MAX_WITNESSES)]
    threshold = reader.integer("quorum", 1, MAX_WITNESSES)
    reader.finish()
    witnesses = tuple(item.line_key for item in items if item.line_key is not None)
    certifying = tuple(item.bls for item in items if item.bls is not None)
    try:
        quorum = WitnessQuorum(witnesses, threshold, certifying)
    except InputError as err:
        member = {"keys": "witnesses", "bls": "witnesses"}.get(err.field or "", err.field or "witnesses")
        reader.refuse(member, err.reason)
    if len(quorum.names) != len(items):
        reader.refuse("witnesses", "a name stands in one item only, with all its keys")
    asked = tuple(item for item in items if isinstance(item, AskedWitness))
    return HomeWitnesses(quorum, asked, {item.bls: item.key for item in items if isinstance(item, _OwnKey)})


class _OwnKey(NamedTuple):
    """A BLS key of this home."""

    bls: BlsWitness
    key: str
    """Its name in the keystore."""
    line_key: None = None


def _parse_item(reader: Reader) -> AskedWitness | _OwnKey:
    if "key" in reader:
        own = _OwnKey(_parse_key(reader, "bls", parse_bls_witness), reader.text("key", max_bytes=64))
        reader.finish()
        return own
    bls = _parse_key(reader, "bls", parse_bls_witness) if "bls" in reader else None
    if bls is None or "vkey" in reader:
        line_key = _parse_key(reader, "vkey", parse_witness)
        name = line_key.name
    else:
        line_key, name = None, bls.name
    if bls is not None and bls.name != name:
        reader.refuse("bls", f"is a key of {bls.name}, and the vkey one of {name}: both are of one witness")
    url = reader.text("url", max_bytes=2000)
    reader.finish()
    make_client(url, field=reader.path_of("url")).close()
    return AskedWitness(name, url, line_key, bls)


def _parse_key(reader: Reader, member: str, parse: Callable[[str], _KeyT]) -> _KeyT:
    text = reader.text(member, max_bytes=700)
    try:
        return parse(text)
    except InputError as err:
        reader.refuse(member, err.reason)
