"""The sequencer: admitted statements into a log on SQLite, `synchronous=FULL`, 256 a transaction."""

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from fixture import INSTITUTION, ORIGIN, VERIFIED_ON, World, make_signer
from measuring import Figures, Stopwatch, repeat, summarise, time_work

from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest, InstrumentId
from ledger.core.instrument import compute_statement_serial
from ledger.core.statement import (
    Conclusion,
    IssueClaims,
    Statement,
    parse_signed_statement,
    sign_statement,
)
from ledger.log import Log
from ledger.pool import BATCH
from ledger.submission import Acknowledgement, Submission

BODY_BYTES: Final = 3_800
"""About what a certificate with 20 readings has."""
WARM_UP: Final = 4


def make_submissions(count: int, body_bytes: int = 0, first: int = 0) -> list[Submission]:
    """Return issues that admission would have let through, with or without the certificates beside them.

    Args:
        count: how many.
        body_bytes: of each certificate; 0: without them.
        first: number of the first; each number is another instrument and another certificate.
    """
    seal = make_signer("seal")
    made = []
    for number in range(first, first + count):
        body = number.to_bytes(8) * (body_bytes // 8)
        digest = hashlib.sha256(body or number.to_bytes(8)).digest()
        claims = IssueClaims(
            number=CertificateNumber(f"JY2026-{number:06}"),
            instrument_id=InstrumentId(hashlib.sha256(b"instrument" + number.to_bytes(8)).digest()[:16]),
            part=None,
            serial=compute_statement_serial(f"SN{number:08}"),
            category=Category.FUEL_DISPENSER,
            conclusion=Conclusion.PASS,
            verified_on=VERIFIED_ON,
            valid_until=VERIFIED_ON + timedelta(days=180),
            validity_kind=ValidityKind.DATE,
            certificate_digest=Digest(digest),
            seals_digest=digest[:8],
        )
        raw = sign_statement(Statement(EventType.ISSUE, INSTITUTION, claims), seal, ORIGIN)
        made.append(Submission(parse_signed_statement(raw), body or None))
    return made


def append_all(log: Log, submissions: Sequence[Submission], batch: int = BATCH) -> None:
    """Append, so many at a time; a refusal is an error of the bench."""
    for start in range(0, len(submissions), batch):
        results = log.append(submissions[start : start + batch])
        if not all(isinstance(result, Acknowledgement) for result in results):
            raise RuntimeError("the log refused statements of the bench")


def _append_to_new_log(submissions: Sequence[Submission]) -> Stopwatch:
    warm = WARM_UP * BATCH
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        append_all(world.log, submissions[:warm])
        return time_work(lambda: append_all(world.log, submissions[warm:]))


def measure_sequencing(batches: int, rounds: int, seconds: float, body_bytes: int = 0) -> Figures:
    """Return the figures of so many batches into a new log."""
    submissions = make_submissions((WARM_UP + batches) * BATCH, body_bytes)
    work = repeat(lambda: _append_to_new_log(submissions), rounds=rounds, seconds=seconds)
    return summarise(batches * BATCH, work)
