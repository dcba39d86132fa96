"""The witnesses of a home: whom its log asks to cosign, where, and how many make a quorum.

    {"quorum":2,"type":"hengzheng/witnesses/v1","witnesses":[{"url":"https://w1.example","vkey":"w1.example+1acaa49d+BAlp…"},…]}

The operator writes it, as `witnesses.json` in the home; no address ever comes from anywhere else. Without the file
the log has no witnesses. It is read when the ledger is opened.

>>> load_witnesses(home).quorum.threshold
2
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import parse_json
from ledger.core.cosignature import Witness, parse_witness
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.quorum import MAX_WITNESSES, WitnessQuorum
from ledger.home import LOG_KEY, Home
from ledger.http_client import make_client

WITNESSES_TYPE: Final = "hengzheng/witnesses/v1"


@dataclass(frozen=True, slots=True)
class HomeWitnesses:
    """Whom the log asks."""

    quorum: WitnessQuorum
    urls: Mapping[Witness, str]
    """Submission prefix of each."""


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
    try:
        quorum = WitnessQuorum(tuple(witness for witness, _ in items), threshold)
    except InputError as err:
        reader.refuse({"keys": "witnesses"}.get(err.field or "", err.field or "witnesses"), err.reason)
    return HomeWitnesses(quorum, dict(items))


def _parse_item(reader: Reader) -> tuple[Witness, str]:
    vkey, url = reader.text("vkey", max_bytes=400), reader.text("url", max_bytes=2000)
    reader.finish()
    try:
        witness = parse_witness(vkey)
    except InputError as err:
        reader.refuse("vkey", err.reason)
    make_client(url, field=reader.path_of("url")).close()
    return witness, url
