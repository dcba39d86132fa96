"""A ledger behind HTTP, as an institution's desk sees it; it offers what `local.LocalLedger` offers.

Nothing is believed that can be checked: a logged statement counts only with its leaf proved under a checkpoint
that the policy's log key signed, a refusal only with that key's signature, the registers only as the trust list
proves them. The newest states of subjects are taken as they come: a wrong one only makes the log refuse.

>>> with RemoteLedger("https://ledger.example.cn", policy) as ledger:
...     ledger.submit([(statement, certificate)])
[Acknowledgement(leaf_index=5, leaf=b'HZL1...')]
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from typing import Final, NamedTuple, Self, TypeVar

import httpx2

from ledger.core.anchor import AnchorReceipt, verify_receipt
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import parse_json
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.entry import encode_header, parse_leaf
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    NotFoundError,
    StaleVersionError,
    UnavailableError,
    VerificationError,
)
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex, Subject, TreeSize
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.note import NoteVerifier
from ledger.core.policy import Policy
from ledger.core.refusal import parse_refusal, verify_refusal
from ledger.core.status import Registers, Status, SubjectState
from ledger.core.trust import MAX_TRUST_BYTES, open_trust_list, parse_trust_list
from ledger.http_client import make_client, read_body
from ledger.store.records import compute_statement_name
from ledger.submission import Acknowledgement, Refusal, Result
from ledger.wire import (
    MAX_ANSWER_BYTES,
    MAX_BUNDLES,
    MAX_BUNDLES_BYTES,
    MAX_ENTRIES,
    MAX_REQUEST_BYTES,
    MAX_SUBJECTS,
    Entry,
    Outcome,
    Refused,
    encode_entries,
    encode_names,
    encode_subjects,
    parse_anchored_size,
    parse_answer,
    parse_states,
    split_bundles,
)

_ENTRY_OVERHEAD: Final = 64
"""Bytes that the names and marks of one entry take in a request, and a little more."""

_ERRORS: Final[dict[int, type[InputError | NotFoundError | AlreadyIssuedError]]] = {
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: AlreadyIssuedError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InputError,
    HTTPStatus.UNPROCESSABLE_ENTITY: InputError,
}
_Parsed = TypeVar("_Parsed")


class _Response(NamedTuple):
    """What a server answered."""

    status: int
    tag: str
    body: bytes


class RemoteLedger:
    """One log behind one URL. For one thread at a time."""

    def __init__(self, url: str, policy: Policy, *, transport: httpx2.BaseTransport | None = None) -> None:
        """Prepare to talk to a server; nothing is sent yet.

        Args:
            url: `https://...`, or `http://...` of this machine; a path in it stands before the routes.
            policy: which log is believed.
            transport: in place of the network.

        Raises:
            InputError: not such a URL.
        """
        self._policy = policy
        self._log = NoteVerifier(policy.origin, policy.log_key)
        self._registers: tuple[str, Registers] | None = None
        self._client = make_client(url, field="ledger", transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> list[Result]:
        """Hand statements in with their bodies; one result each, in order.

        Args:
            entries: pairs of signed statement and published certificate, sent in as many requests as they need.

        Raises:
            UnavailableError: it is not known what was appended; send the same again.
            VerificationError: the server claims what it cannot prove.
            InputError: the server cannot read an entry.
        """
        return [result for batch in _split(entries) for result in self._submit(batch)]

    def find_states(self, subjects: Sequence[Subject]) -> dict[Subject, SubjectState]:
        """Return the newest states of those subjects that have one, as the server says.

        Raises:
            UnavailableError: out of reach.
        """
        states: dict[Subject, SubjectState] = {}
        for start in range(0, len(subjects), MAX_SUBJECTS):
            body = encode_subjects(subjects[start : start + MAX_SUBJECTS])
            states |= _read(parse_states, self._send("POST", "subjects", body).body)
        return states

    def bundles(self, documents: Mapping[LeafIndex, Entry]) -> dict[LeafIndex, bytes]:
        """Return the bundles of those documents that the ledger has anchored; of all, if it anchors nowhere.

        A bundle is taken if it is this document's, under a checkpoint and a receipt of the log's key; the
        registers that it brings as evidence are for its verifier to judge.

        Args:
            documents: statement and published certificate of each, by its leaf.

        Raises:
            UnavailableError: out of reach.
            VerificationError: the server gives out something else.
            NotFoundError: the server does not know one of them.
        """
        wanted = self._choose_anchored(list(documents))
        bundles: dict[LeafIndex, bytes] = {}
        for start in range(0, len(wanted), MAX_BUNDLES):
            some = wanted[start : start + MAX_BUNDLES]
            names = [compute_statement_name(documents[index].statement) for index in some]
            body = self._send("POST", "bundles", encode_names(names), most=MAX_BUNDLES_BYTES).body
            found = split_bundles(body)
            if len(found) != len(some):
                raise VerificationError(f"{len(found)} bundles for {len(some)} documents")
            for index, raw in zip(some, found, strict=True):
                self._check_bundle(raw, index, documents[index])
                bundles[index] = raw
        return bundles

    def entry_proof(self, index: LeafIndex) -> bytes:
        """Return the proof file of a leaf, with its header; it is for a verifier to judge.

        Raises:
            UnavailableError: out of reach.
            NotFoundError: the server has no such leaf.
        """
        return self._send("GET", f"entries/{index}/proof").body

    def anchored_size(self) -> TreeSize:
        """Return how many leaves the newest anchor holds, as the server says.

        Raises:
            UnavailableError: out of reach.
        """
        return TreeSize(_read(parse_anchored_size, self._send("GET", "healthz").body))

    def _choose_anchored(self, indices: Sequence[LeafIndex]) -> Sequence[LeafIndex]:
        if self._policy.contract is None or not indices:
            return indices
        anchored_size = self.anchored_size()
        return [index for index in indices if index < anchored_size]

    def _check_bundle(self, raw: bytes, index: LeafIndex, document: Entry) -> None:
        bundle = _read(parse_bundle, raw)
        if (bundle.leaf_index, bundle.statement_raw, bundle.certificate.raw) != (
            index,
            document.statement,
            document.certificate,
        ):
            raise VerificationError(f"the bundle of leaf {index} is of another document")
        if bundle.origin != self._policy.origin or bundle.stated_digest != bundle.computed_digest:
            raise VerificationError(f"the bundle of leaf {index} is of another log, or damaged")
        checkpoint = verify_checkpoint(bundle.checkpoint, self._log)
        leaf = encode_header(bundle.header) + bundle.statement_raw
        size, root = checkpoint.tree_size, checkpoint.root_hash
        verify_inclusion(hash_leaf(leaf), index, size, bundle.inclusion, root)
        self._check_receipt(bundle.receipt, checkpoint)

    def _check_receipt(self, receipt: AnchorReceipt | None, checkpoint: Checkpoint) -> None:
        """Require the receipt of this checkpoint in the policy's contract, if the policy has one."""
        if receipt is not None:
            verify_receipt(receipt, self._policy.log_key)
        contract = self._policy.contract
        if contract is None:
            return
        expected = contract.chain, checkpoint.tree_size, checkpoint.root_hash
        if receipt is None or (receipt.chain, receipt.tree_size, receipt.root_hash) != expected:
            raise VerificationError(f"the checkpoint of {checkpoint.tree_size} leaves is without its receipt")

    @property
    def registers(self) -> Registers:
        """Return what the register events establish, verified; to be read only.

        Raises:
            UnavailableError: out of reach.
            VerificationError: the server claims what it cannot prove.
        """
        known = self._registers
        response = self._send("GET", "registers", tag=known[0] if known else "", most=MAX_TRUST_BYTES)
        if known is not None and response.status == HTTPStatus.NOT_MODIFIED:
            return known[1]
        registers, _ = open_trust_list(_read(parse_trust_list, response.body), self._policy)
        self._registers = response.tag, registers
        return registers

    def _submit(self, batch: Sequence[Entry]) -> list[Result]:
        answer = _read(parse_answer, self._send("POST", "entries", encode_entries(batch)).body)
        if len(answer.outcomes) != len(batch):
            raise VerificationError(f"{len(answer.outcomes)} results for {len(batch)} statements")
        checkpoint = None if answer.checkpoint is None else verify_checkpoint(answer.checkpoint, self._log)
        return [
            self._accept(entry.statement, outcome, checkpoint)
            for entry, outcome in zip(batch, answer.outcomes, strict=True)
        ]

    def _accept(self, statement: bytes, outcome: Outcome, checkpoint: Checkpoint | None) -> Result:
        """Return what the server says of a statement, once it has proved it."""
        if isinstance(outcome, Refused):
            return self._accept_refusal(statement, outcome.raw)
        if checkpoint is None:
            raise VerificationError("a logged statement without a checkpoint")
        leaf, index = outcome.header + statement, outcome.leaf_index
        size, root = checkpoint.tree_size, checkpoint.root_hash
        verify_inclusion(hash_leaf(leaf), index, size, outcome.inclusion, root)
        if _read(parse_leaf, leaf).header.status == Status.VOID:
            raise VerificationError(f"leaf {index} holds the statement without effect")
        return Acknowledgement(index, leaf)

    def _accept_refusal(self, statement: bytes, raw: bytes) -> Refusal:
        refusal = _read(parse_refusal, raw)
        verify_refusal(refusal, self._policy.log_key)
        if refusal.statement_digest != sha256(statement).digest():
            raise VerificationError("the refusal is of another statement")
        first = refusal.reasons[0]
        if first.code == "STALE_VERSION":
            return Refusal(StaleVersionError(first.en))
        if first.code == "ALREADY_ISSUED":
            return Refusal(AlreadyIssuedError(first.en))
        return Refusal(DocumentRefusedError(refusal.reasons))

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        tag: str = "",
        most: int = MAX_ANSWER_BYTES,
    ) -> _Response:
        headers = {"Accept-Encoding": "identity"} | ({"If-None-Match": tag} if tag else {})
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        try:
            with self._client.stream(method, path, content=body, headers=headers) as response:
                content = read_body(response, most)
        except (httpx2.HTTPError, httpx2.InvalidURL) as err:
            raise UnavailableError("the ledger's server is out of reach") from err
        status = response.status_code
        if status not in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            raise _ERRORS.get(status, UnavailableError)(_explain(status, content))
        return _Response(status, response.headers.get("ETag", ""), content)


def _split(entries: Sequence[tuple[bytes, bytes | None]]) -> Iterator[list[Entry]]:
    """Yield the entries in requests that a server takes."""
    batch: list[Entry] = []
    room = MAX_REQUEST_BYTES
    for statement, certificate in entries:
        size = (len(statement) + len(certificate or b"")) * 4 // 3 + _ENTRY_OVERHEAD
        if batch and (len(batch) == MAX_ENTRIES or size > room):
            yield batch
            batch, room = [], MAX_REQUEST_BYTES
        batch.append(Entry(statement, certificate))
        room -= size
    if batch:
        yield batch


def _read(parse: Callable[[bytes], _Parsed], raw: bytes) -> _Parsed:
    try:
        return parse(raw)
    except InputError as err:
        raise UnavailableError(f"the ledger's server answers what cannot be read: {err}") from err


def _explain(status: int, body: bytes) -> str:
    """Return the sentence of a problem document (RFC 9457), or the status alone."""
    with suppress(InputError):
        return Reader(parse_json(body)).text("detail")
    return f"the ledger's server answers with status {status}"
