"""How a document stood at a past instant: its bundle from then, judged by the clock of then.

What the older state of the log lacks, an anchor and witnesses, the later one has, which follows from it.

>>> verify_as_of(parse_as_of(raw), session, now).status
<DocumentStatus.VALID: 'VALID'>
"""

from dataclasses import replace
from datetime import datetime

from ledger.core.as_of import AsOf, LaterState, verify_nothing_between
from ledger.core.errors import VerificationError
from ledger.core.maphead import require_maphead
from ledger.core.policy import require_origin
from ledger.core.step import Sentence
from verifier.report import Report
from verifier.session import Session
from verifier.verify import ChainLook, Covering, verify_bundle


def verify_as_of(as_of: AsOf, session: Session, now: datetime, look: ChainLook | None = None) -> Report:
    """Check how a document stood at an instant; the report says what held then, not what holds now.

    Args:
        as_of: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC; only the cosignatures of witnesses are judged by it.
        look: step 16, at the later state where there is one.

    Raises:
        PolicyMismatchError: it is of another log.
        InputError: a statement, leaf or checkpoint in it is malformed, or the state is of after that instant.
        VerificationError: the later state of the log does not show what it is there for.
    """
    require_origin(session.policy, as_of.bundle.origin)
    if require_maphead(as_of.bundle.evidence.maphead).sequenced_at > as_of.at:
        raise VerificationError("the state of the log that this shows is of after that instant")
    covering = None if as_of.later is None else _open_later(as_of, as_of.later, session, now)
    report = verify_bundle(as_of.bundle, session, as_of.at, look, covering)
    instant = f"{as_of.at:%Y-%m-%d %H:%M:%S} UTC"
    note = Sentence(f"as of {instant}, not now", f"截至{instant}的状态，并非现在")
    return replace(report, note=note)


def _open_later(as_of: AsOf, later: LaterState, session: Session, now: datetime) -> Covering:
    older = session.open_checkpoint(as_of.bundle.checkpoint)
    newer = session.open_checkpoint(later.checkpoint)
    verify_nothing_between(as_of.at, older, newer, later)
    return Covering(newer, later.checkpoint, later.receipt, now)
