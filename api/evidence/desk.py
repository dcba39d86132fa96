"""Packs of one log's documents, made when they are asked for: few at a time, none twice while nothing has changed.

What a pack is made from is gathered each time, and is cheap; its digest names the pack. So who has it already is
told so before anything is made, and a pack that was made is given again. The readable document, the dearest part,
stays the same between two anchors, and is kept by itself.

>>> desk.gather_by_code(parse_code("YEQY-V3V1-MXZY-RY9B")).compute_digest()
'5b1f...'
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Final

from api.details import Details
from api.evidence.judging import FIELDLESS, Judged, judge
from api.evidence.keeping import KeptBytes
from api.evidence.pack import PrintCopy, Source, is_final, make_pack
from api.evidence.printing import PublicCopy, print_copy
from api.evidence.telling import ToldHistory, tell_history
from api.verdicts import Bundle, Verdicts
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.data import load_rule_book
from ledger.core.errors import UnavailableError
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.note import parse_note
from ledger.core.policy import Policy, encode_policy
from ledger.core.qr import ShortCode
from ledger.proving import Prover
from ledger.register_list import RegisterList
from verifier.session import Session

MOST_AT_ONCE: Final = 2
"""Packs that are made at a time."""

PATIENCE_SECONDS: Final = 10.0
"""How long one waits for its turn."""

KEPT_BYTES: Final = 24 * 1024 * 1024
"""Of packs, and as many of readable documents."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the log's documents and their proofs are found."""

    verdicts: Verdicts
    prover: Prover
    registers: RegisterList
    policy: Policy
    host: str
    is_behind: Callable[[], bool] | None = None
    """Says whether others hold more of this log than this server does, or another log."""


class EvidenceDesk:
    """Makes packs. Safe to share between threads."""

    def __init__(
        self, shelf: Shelf, print_pdf: PrintCopy = print_copy, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Take where documents are found, and who makes the readable ones."""
        self._shelf = shelf
        self._print_pdf = print_pdf
        self._patience = patience_seconds
        self._session = Session(shelf.policy, load_rule_book(), None)
        self._turns = BoundedSemaphore(MOST_AT_ONCE)
        self._packs = KeptBytes(KEPT_BYTES)
        self._copies = KeptBytes(KEPT_BYTES)

    def gather_by_code(self, code: ShortCode) -> Source:
        """Return what the pack of the document with a short code is made from.

        Raises:
            NotFoundError: none has this code.
            ContentWithheldError: the law withholds its content.
            UnavailableError: the store is out of reach, or others hold more of the log than this server.
        """
        return self._gather(self._shelf.verdicts.bundle_of_code(code))

    def gather_by_statement(self, raw: bytes) -> Source:
        """Return the same of the document with a statement; raises as `gather_by_code`."""
        return self._gather(self._shelf.verdicts.bundle_of_statement(raw))

    def make(self, source: Source) -> bytes:
        """Return the pack; one that was made is given again, unless something in it may come a moment later.

        Raises:
            UnavailableError: too many are being made.
        """
        name = source.compute_digest()
        found = self._packs.find(name)
        if found is not None:
            return found
        if not self._turns.acquire(timeout=self._patience):
            raise UnavailableError("too many evidence packs are being made")
        try:
            return self._packs.fill(
                name, lambda: make_pack(source, self._session, self._print), is_kept=is_final
            )
        finally:
            self._turns.release()

    def _gather(self, bundle: Bundle) -> Source:
        shelf = self._shelf
        if shelf.is_behind is not None and shelf.is_behind():
            raise UnavailableError("this server's records are behind: no pack is made of an old state")
        newest = shelf.verdicts.newest_of_code(bundle.code).raw
        source = Source(
            bundle.raw,
            None if newest == bundle.raw else newest,
            encode_policy(shelf.policy),
            shelf.registers.trust_list(),
            None,
            shelf.host,
        )
        judged = judge(source.bundle, source.newest, self._session)
        if judged.details is None or judged.shown in FIELDLESS:
            return source
        replacing = shelf.verdicts.replacing_of(judged.details.record, judged.shown)
        return replace(source, history=self._tell(judged, judged.details), replacing=replacing)

    def _tell(self, judged: Judged, details: Details) -> ToldHistory:
        """Return the events of the instrument up to the newest state of the pack, each with its proof."""
        history, names = self._shelf.verdicts.history_about(details)
        size = parse_checkpoint_body(parse_note(judged.newest.checkpoint).text).tree_size
        indices = [each.leaf_index for each in history.happenings if each.leaf_index < size]
        proofs = self._prove(indices, TreeSize(size))
        return tell_history(history, names, details, self._shelf.policy.zone, proofs)

    def _prove(self, indices: list[LeafIndex], size: TreeSize) -> Mapping[LeafIndex, tuple[bytes, ...]]:
        if not indices:
            return {}
        return dict(zip(indices, self._shelf.prover.inclusions(indices, size), strict=True))

    def _print(self, copy: PublicCopy) -> bytes:
        name = hashlib.sha256(repr(copy).encode()).hexdigest()
        return self._copies.fill(name, lambda: self._print_pdf(copy))
