"""What the witnesses have seen of our own log: at a start, nothing may be signed behind any of them.

A log that was restored from an old backup would go on from there and fork. Witnesses of this product show the
newest checkpoint that they have cosigned, with the log's own signature: a proof. Others only say a size, in the
conflict with which they answer a request from a wrong old size; they sign nothing new because of it, unless they
hold this very state.

>>> [found.tree_size for found in find_newest_witnessed(witnesses, log_verifier, newest)]
[1042, 1042, None]
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import httpx2

from ledger.core.add_checkpoint import AddCheckpoint, encode_request, parse_size
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.errors import InputError, UnavailableError, VerificationError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier
from ledger.cosigning.witnesses import AskedWitness, HomeWitnesses
from ledger.http_client import make_client, read_body
from ledger.store.records import StoredCheckpoint

TIMEOUT_SECONDS: Final = 5.0
"""For one answer of a witness, and for each part of it."""

_MAX_SENTENCE: Final = 300


@dataclass(frozen=True, slots=True)
class NewestWitnessed:
    """What one witness has of our log."""

    witness: AskedWitness
    tree_size: TreeSize | None
    """None: it could not be asked, or does not say."""
    root_hash: RootHash | None = None
    """32 bytes, out of a checkpoint with the log's own signature; None: only a size was said."""
    reason: str = ""
    """Why there is no size, or why the witness does not cosign any more."""


def find_newest_witnessed(
    witnesses: HomeWitnesses, log: NoteVerifier, newest: StoredCheckpoint | None
) -> list[NewestWitnessed]:
    """Ask every witness, all at once, what it has of our log; one answer each, in their order.

    Args:
        witnesses: whom, and where.
        log: our log and its key.
        newest: our newest checkpoint, for witnesses that only answer to one; None in an empty log.
    """
    with ThreadPoolExecutor(max(1, len(witnesses.asked))) as pool:
        return list(pool.map(lambda witness: _find(witness, log, newest), witnesses.asked))


def _find(witness: AskedWitness, log: NoteVerifier, newest: StoredCheckpoint | None) -> NewestWitnessed:
    try:
        with make_client(witness.url, field="url") as client:
            shown = _read_shown(client, log)
            if shown is not None:
                return NewestWitnessed(witness, shown.tree_size, shown.root_hash)
            if newest is None:
                return NewestWitnessed(witness, None, reason="it shows no checkpoint, and our log has none")
            return _probe(client, witness, newest)
    except (UnavailableError, InputError, VerificationError) as err:
        return NewestWitnessed(witness, None, reason=str(err))
    except (httpx2.HTTPError, httpx2.InvalidURL) as err:
        return NewestWitnessed(witness, None, reason=f"it does not answer: {type(err).__name__}")


def _read_shown(client: httpx2.Client, log: NoteVerifier) -> Checkpoint | None:
    """Return the checkpoint that a witness of this product shows; None where there is no such thing."""
    path = f"logs/{sha256(log.name.encode()).hexdigest()}/checkpoint"
    status, raw = _send(client, "GET", path, b"")
    with suppress(InputError, VerificationError):  # whatever else a foreign server has there
        return verify_checkpoint(raw, log) if status == HTTPStatus.OK else None
    return None


def _probe(client: httpx2.Client, witness: AskedWitness, newest: StoredCheckpoint) -> NewestWitnessed:
    """Ask from our own newest size: only a witness with another one answers with its size."""
    request = AddCheckpoint(newest.tree_size, (), newest.note)
    status, raw = _send(client, "POST", "add-checkpoint", encode_request(request))
    if status == HTTPStatus.CONFLICT:
        return NewestWitnessed(witness, parse_size(raw))
    if status == HTTPStatus.OK:
        return NewestWitnessed(witness, newest.tree_size, newest.root_hash)
    sentence = raw[:_MAX_SENTENCE].decode("utf-8", "replace").strip()
    return NewestWitnessed(witness, None, reason=f"it answers with status {status}: {sentence}")


def _send(client: httpx2.Client, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    with client.stream(method, path, content=body, timeout=TIMEOUT_SECONDS) as response:
        return response.status_code, read_body(response, MAX_NOTE_BYTES)
