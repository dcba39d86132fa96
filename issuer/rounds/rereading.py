"""Re-reads rounds: what devices brought back is what they signed, of a round and a device that are kept.

>>> check_rounds(connection, on_progress)
RoundCount(rounds=12, findings=214)
"""

from typing import Final, NamedTuple, NoReturn

from sqlalchemy import Connection, inspect, select

from issuer.rounds.content import Round, parse_round
from issuer.rounds.finding import Finding, parse_finding, verify_finding
from issuer.rounds.tables import devices, findings, rounds, stickers
from issuer.row_check import OnProgress
from issuer.saying_tables import sayings
from issuer.signoff.tables import drafts
from ledger.core.canonical import as_object, parse_canonical_json
from ledger.core.errors import DamagedRowError, InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.signature import PublicKey, parse_multikey

_FINDINGS: Final = "desk_round_findings"


class RoundCount(NamedTuple):
    """How many rows were read."""

    rounds: int = 0
    findings: int = 0


class _Kept(NamedTuple):
    """What findings must fit to."""

    rounds: dict[str, Round]
    devices: dict[str, tuple[PublicKey, str]]
    """Key and person of each."""


def check_rounds(connection: Connection, on_progress: OnProgress) -> RoundCount:
    """Check every round, device and finding; nothing where this desk has never had any.

    Raises:
        DamagedRowError: the first row that cannot be.
    """
    if not inspect(connection).has_table(rounds.name):
        return RoundCount()
    kept = _Kept(_read_rounds(connection), _read_devices(connection))
    known = {row.position for row in connection.execute(select(drafts.c.position))}
    count = 0
    for found in connection.execute(select(findings).order_by(findings.c.position)).mappings():
        key = f"position {found['position']}"
        _check_finding(key, _read_finding(key, bytes(found["content"])), dict(found), kept)
        if found["draft"] is not None and found["draft"] not in known:
            _refuse(key, "draft", "a draft that there is")
        count += 1
        on_progress(count)
    _check_revisions(connection)
    _check_stickers(connection, known)
    return RoundCount(len(kept.rounds), count)


def _read_rounds(connection: Connection) -> dict[str, Round]:
    found = {}
    for row in connection.execute(select(rounds).order_by(rounds.c.position)):
        key, column = f"position {row.position}", "content"
        try:
            read = parse_round(bytes(row.content))
            column = "private"
            as_object(parse_canonical_json(bytes(row.private)))
        except InputError as err:
            wanted = "a round" if column == "content" else "a canonical JSON object"
            raise DamagedRowError("desk_rounds", key, column, wanted, str(err)) from err
        if read.id != row.id:
            raise DamagedRowError("desk_rounds", key, "id", read.id, "the round says so")
        found[read.id] = read
    return found


def _read_devices(connection: Connection) -> dict[str, tuple[PublicKey, str]]:
    found = {}
    for row in connection.execute(select(devices)):
        try:
            found[row.id] = parse_multikey(row.key), row.person
        except InputError as err:
            raise DamagedRowError("desk_round_devices", f"id {row.id}", "key", "a key", str(err)) from err
    return found


def _read_finding(key: str, raw: bytes) -> Finding:
    try:
        return parse_finding(raw)
    except InputError as err:
        raise DamagedRowError(_FINDINGS, key, "content", "a finding", str(err)) from err


def _check_finding(key: str, finding: Finding, row: dict[str, object], kept: _Kept) -> None:
    stated = {
        "round": finding.round,
        "device": finding.device,
        "item": finding.item,
        "revision": finding.revision,
        "verified_on": finding.verified_on.isoformat(),
    }
    for column, wanted in stated.items():
        if row[column] != wanted:
            _refuse(key, column, str(wanted), "the finding says so")
    round_ = kept.rounds.get(finding.round)
    if round_ is None or finding.item not in round_.items:
        _refuse(key, "round", "one that is kept, with this instrument")
    if finding.round_digest != round_.digest:
        _refuse(
            key, "content", f"of the round {finding.round} as it is kept", "its bytes have another digest"
        )
    if row["instrument"] != round_.items[finding.item].key:
        _refuse(key, "instrument", "that of the round", "its nameplate has another digest")
    _check_device(key, finding, row, kept)
    try:
        as_object(parse_canonical_json(bytes(_bytes(row["remarks"]))))
    except InputError as err:
        _refuse(key, "remarks", "a canonical JSON object", str(err))


def _check_revisions(connection: Connection) -> None:
    """Check that every revision but the newest of a device about an instrument is replaced."""
    table = findings.c
    rows = connection.execute(
        select(table.position, table.round, table.device, table.item, table.revision, table.state).order_by(
            table.position
        )
    ).all()
    newest: dict[tuple[str, str, str], int] = {}
    for row in rows:
        place = (row.round, row.device, row.item)
        newest[place] = max(row.revision, newest.get(place, 0))
    for row in rows:
        last = newest[row.round, row.device, row.item]
        if (row.state == "replaced") != (row.revision < last):
            wanted = "replaced" if row.revision < last else "drafted or held"
            _refuse(f"position {row.position}", "state", wanted, f"the newest revision is {last}")


def _check_stickers(connection: Connection, known: set[int]) -> None:
    """Check that stickers were put on by drafts that there are, and bound by what this desk has said."""
    tables = inspect(connection)
    if not tables.has_table(stickers.name):
        return
    bound = set[int]()
    if tables.has_table(sayings.name):
        wanted = sayings.c.type == int(EventType.STICKER_BOUND)
        bound = {row.leaf_index for row in connection.execute(select(sayings.c.leaf_index).where(wanted))}
    table = stickers.c
    columns = (table.position, table.draft, table.leaf_index)
    for row in connection.execute(select(*columns).order_by(table.position)):
        key = f"position {row.position}"
        if row.draft not in known:
            raise DamagedRowError(stickers.name, key, "draft", "a draft that there is")
        if row.leaf_index is not None and row.leaf_index not in bound:
            wanted_leaf = "the leaf of a binding that the desk has said"
            raise DamagedRowError(stickers.name, key, "leaf_index", wanted_leaf)


def _check_device(key: str, finding: Finding, row: dict[str, object], kept: _Kept) -> None:
    known = kept.devices.get(finding.device)
    if known is None:
        _refuse(key, "device", "one that is kept")
    device_key, person = known
    if row["person"] != person:
        _refuse(key, "person", person, f"the device {finding.device} is theirs")
    try:
        verify_finding(finding, _bytes(row["signature"]), device_key)
    except (InputError, VerificationError) as err:
        _refuse(key, "signature", f"the device's over these bytes ({finding.device})", str(err))


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else b""


def _refuse(key: str, column: str, expected: str, reason: str = "") -> NoReturn:
    raise DamagedRowError(_FINDINGS, key, column, expected, reason)
