"""Re-reads what witnesses have signed: every stored line must hold, under the checkpoint that it is of.

>>> check_cosignatures(rows, note)
4
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from ledger.core.cosignature import Witness, encode_witness, parse_witness, verify_cosignature
from ledger.core.encoding import encode_hex
from ledger.core.errors import BrokenSignatureError, DamagedRowError, InputError, VerificationError
from ledger.core.ids import TreeSize
from ledger.core.note import NoteSignature, parse_note
from ledger.core.quorum_certificate import MINUTE, encode_bls_witness, parse_bls_witness
from ledger.cosigning.publishing import verify_stored
from ledger.doctor.derived import is_same, name_key
from ledger.store.records import StoredCosignature
from ledger.store.scan import CHUNK, RawRow, RawRows, get_key
from ledger.store.tables import checkpoints, cosignatures

_TIME_BYTES: Final = 8

_Line = tuple[str, bytes, bytes]
"""Name, key id and signature."""


def check_cosignatures(rows: RawRows, known: tuple[TreeSize, str] | None = None) -> int:
    """Verify every line of every witness; the checkpoints have been compared before.

    Args:
        rows: of the log's tables.
        known: size and note of a checkpoint from elsewhere: lines in it by a witness of the table are stored, too.
            Lines of strangers count for nothing.

    Returns:
        How many lines there are.

    Raises:
        DamagedRowError: the first row that does not hold, or is missing.
    """
    count = 0
    witnesses: dict[tuple[str, bytes], str] = {}
    found: set[_Line] = set()
    for values, text in _read(rows):
        row = StoredCosignature(*values)
        count += 1
        if _is_share(row):
            _check_share(values, row, text)
            continue
        witness, line = _check_line(values, row, text)
        witnesses[line.name, line.key_id] = encode_witness(witness)
        if known is not None and row.tree_size == known[0]:
            found.add((line.name, line.key_id, line.signature))
    if known is not None:
        _require_lines(known, witnesses, found)
    return count


def _read(rows: RawRows) -> Iterator[tuple[RawRow, str]]:
    """Yield each row with the text of its checkpoint."""
    stored = rows.scan(cosignatures)
    while some := list(islice(stored, CHUNK)):
        notes = rows.find(checkpoints, sorted({row[:1] for row in some}))
        texts = {key: parse_note(row[2]).text for key, row in notes.items()}
        for row in some:
            if row[:1] not in texts:
                raise _damaged(row, "tree_size", "the size of a checkpoint")
            yield row, texts[row[:1]]


def _is_share(row: StoredCosignature) -> bool:
    """Say whether a row is of a BLS key, whose signature goes into certificates and stands in no line."""
    try:
        parse_bls_witness(row.witness if isinstance(row.witness, str) else "")
    except InputError:
        return False
    return True


def _check_share(values: RawRow, row: StoredCosignature, text: str) -> None:
    if not isinstance(row.signature, bytes):
        raise _damaged(values, "signature", "96 bytes")
    if not isinstance(row.cosigned_at, int) or row.cosigned_at % MINUTE:
        raise _damaged(values, "cosigned_at", "a whole minute")
    try:
        verify_stored(row, row.witness, text)
    except (InputError, VerificationError) as err:
        wanted = f"a BLS signature under the checkpoint of {row.tree_size} leaves, of that minute"
        raise _damaged(values, "signature", wanted, str(err)) from err
    if encode_bls_witness(parse_bls_witness(row.witness)) != row.witness:
        raise _damaged(values, "witness", "the vkey in its one spelling")


def _check_line(values: RawRow, row: StoredCosignature, text: str) -> tuple[Witness, NoteSignature]:
    try:
        witness = parse_witness(row.witness if isinstance(row.witness, str) else "")
    except InputError as err:
        raise _damaged(values, "witness", "the vkey of a witness", str(err)) from err
    if not isinstance(row.signature, bytes):
        raise _damaged(values, "signature", "72 bytes")
    line = NoteSignature(witness.name, witness.key_id, row.signature)
    try:
        verify_cosignature(line, text, witness)
    except BrokenSignatureError as err:
        wanted = f"a line of {witness.name} under the checkpoint of {row.tree_size} leaves"
        raise _damaged(values, "signature", wanted, str(err)) from err
    seconds = int.from_bytes(row.signature[:_TIME_BYTES])
    if not is_same(seconds, row.cosigned_at):
        raise _damaged(values, "cosigned_at", str(seconds), "the line says so")
    if encode_witness(witness) != row.witness:
        raise _damaged(values, "witness", repr(encode_witness(witness)), "a vkey has one spelling")
    return witness, line


def _require_lines(
    known: tuple[TreeSize, str], witnesses: dict[tuple[str, bytes], str], found: set[_Line]
) -> None:
    size, note = known
    for line in parse_note(note).signatures:
        vkey = witnesses.get((line.name, line.key_id))
        if vkey is not None and (line.name, line.key_id, line.signature) not in found:
            seconds = int.from_bytes(line.signature[:_TIME_BYTES])
            key = name_key(cosignatures, (size, vkey, seconds))
            reason = (
                f"the checkpoint kept beside the database has the line {encode_hex(line.signature)[:24]}…"
            )
            raise DamagedRowError("cosignatures", key, "", "there", reason)


def _damaged(row: Sequence[Any], column: str, expected: str, reason: str = "") -> DamagedRowError:
    key = name_key(cosignatures, get_key(cosignatures, tuple(row)))
    return DamagedRowError("cosignatures", key, column, expected, reason)
