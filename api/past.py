"""How a document stood at a past instant: which state of the log shows it, and which later one shows the rest.

>>> Past(prover, receipts, policy, clock).prove(parse_code("Y0E5-Q0BV-PKA4-86WB"), "2026-03-01").raw
b'{"at":"2026-03-01T15:59:59.999Z",...'
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.verdicts import Bundle, ReceiptReading
from ledger.core.anchor import AnchorReceipt
from ledger.core.encoding import encode_instant, parse_date, parse_instant
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import LeafIndex
from ledger.core.policy import Policy
from ledger.core.qr import ShortCode, compute_code
from ledger.proving import Prover
from ledger.store.records import StoredCheckpoint

FIELD: Final = "query.at"
_DATE_LENGTH: Final = len("2026-03-01")
_MILLISECOND: Final = timedelta(milliseconds=1)


class Past:
    """Proves past states. Safe to share between threads."""

    def __init__(
        self, prover: Prover, receipts: ReceiptReading, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        """Take what proving needs.

        Args:
            prover: over the log's store.
            receipts: over the same store.
            policy: names the zone of calendar dates.
            clock: returns the time, aware UTC.
        """
        self._prover = prover
        self._receipts = receipts
        self._policy = policy
        self._clock = clock

    def prove(self, code: ShortCode, at: str) -> Bundle:
        """Return the proof of how the document that a short code names stood at an instant.

        Args:
            code: of its statement.
            at: a UTC instant, or a date, which is the end of that day.

        Raises:
            InputError: neither, or it is not past.
            NotFoundError: no document has this code, or it was not in the ledger then.
        """
        instant = read_past(at, self._policy.zone, self._clock())
        entry = self._prover.find_code(code)
        newer, receipt = self._choose_later(self._prover.checkpoint_at(instant))
        raw = self._prover.as_of(entry.leaf_index, instant, newer, receipt, self._receipts)
        return Bundle(raw, compute_code(parse_leaf(entry.leaf).statement_raw))

    def _choose_later(self, older: StoredCheckpoint) -> tuple[StoredCheckpoint, AnchorReceipt | None]:
        """Return the newest anchored state if it is a later one, else the newest that is published.

        Nothing is anchored that a quorum of the witnesses has not cosigned.
        """
        receipt = self._receipts.find(LeafIndex(older.tree_size))
        if receipt is not None:
            return self._prover.checkpoint(receipt.tree_size), receipt
        published = self._prover.published_checkpoint()
        if published.tree_size > older.tree_size:
            return published, None
        own = self._receipts.find(LeafIndex(older.tree_size - 1))
        return older, own


def read_past(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the instant that is asked for.

    Args:
        text: `2026-03-01T00:00:00Z`, perhaps with milliseconds, or `2026-03-01`: the last millisecond of that day.
        zone: of the day.
        now: aware UTC.

    Raises:
        InputError: neither, or later than now.
    """
    try:
        instant = _end_day(text, zone) if len(text) == _DATE_LENGTH else parse_instant(text)
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=FIELD) from None
    if instant > now:
        shown = encode_instant(instant)
        raise MalformedDocumentError(
            f"{shown} has not come yet; how a document will stand nobody knows", field=FIELD
        )
    return instant


def _end_day(text: str, zone: ZoneInfo) -> datetime:
    try:
        next_day = parse_date(text) + timedelta(days=1)
        return datetime.combine(next_day, time(), zone).astimezone(UTC) - _MILLISECOND
    except OverflowError:
        raise MalformedDocumentError("is the last day that there is") from None
