"""What the two bundles of a pack show, at the moment that they themselves name: the same files, the same answer.

No clock is asked: a pack is judged as of the newest time that the log, its witnesses or the chain have put on it.
So everybody who packs the same state of the log gets the same bytes, on whatever day.

>>> judge(bundle, None, session).shown
<Shown.VALID: 'VALID'>
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api.choosing import choose_shown
from api.details import Details
from api.shown import Shown
from api.verdicts import find_details
from ledger.core.bundle import ProofBundle, parse_bundle
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.errors import InputError, VerificationError
from ledger.core.note import parse_note
from ledger.core.qr import ShortCode, compute_code
from verifier.newest import join_states
from verifier.report import Report
from verifier.session import Session
from verifier.verify import verify_bundle
from verifier.witnessing import judge_witnesses

_AFTER_ALL: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Later than whatever a witness may state."""

FIELDLESS: Final = frozenset({Shown.TAMPERED, Shown.CANNOT_CHECK})
"""Where no field of a document is repeated: its evidence does not hold, or does not reach."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about the document of a pack."""

    bundle: ProofBundle
    newest: ProofBundle
    """The same document's under the newest state; the same object where there is no other."""
    at: datetime
    """As of when, aware UTC."""
    report: Report
    shown: Shown
    code: ShortCode
    details: Details | None
    """None where no fields are shown."""


def judge(bundle_raw: bytes, newest_raw: bytes | None, session: Session) -> Judged:
    """Verify a document's bundle, and how it stands by its newest one.

    Args:
        bundle_raw: under the newest anchor.
        newest_raw: under the newest state of the log; None: the other is.
        session: what to believe; without trust list, as devices check.

    Raises:
        InputError: not bundles, of another log, or of two documents, or the newest is older.
    """
    bundle = parse_bundle(bundle_raw)
    newest = bundle if newest_raw is None else parse_bundle(newest_raw)
    if newest.statement_raw != bundle.statement_raw:
        raise InputError("is the proof of another document", field="newest", zh="属于另一份证书")
    if _measure(newest) < _measure(bundle):
        raise InputError("is of an older state of the log", field="newest", zh="对应更旧的账本状态")
    at = max(*_list_times(bundle, session), *_list_times(newest, session))
    report = verify_bundle(bundle, session, at)
    if newest is not bundle:
        report = join_states((bundle, report), (newest, verify_bundle(newest, session, at)), session)
    shown = choose_shown(report, session.policy)
    has_fields = report.authentic and shown not in FIELDLESS
    code = compute_code(bundle.statement_raw)
    details = find_details(bundle, session) if has_fields else None
    return Judged(bundle, newest, at, report, shown, code, details)


def _measure(bundle: ProofBundle) -> int:
    """Return the size of the state that a bundle is proved under, by its own word."""
    return parse_checkpoint_body(parse_note(bundle.checkpoint).text).tree_size


def _list_times(bundle: ProofBundle, session: Session) -> Iterator[datetime]:
    """Yield the times that log, chain and witnesses have put on a bundle."""
    yield bundle.header.sequenced_at
    if bundle.receipt is not None:
        yield bundle.receipt.anchored_at
    try:
        checkpoint = session.open_checkpoint(bundle.checkpoint)
        yield session.open_evidence(bundle, checkpoint)[1].stated_at
    except (InputError, VerificationError):
        return
    witnessed = judge_witnesses(session, bundle.checkpoint, _AFTER_ALL).as_of
    if witnessed is not None:
        yield witnessed
