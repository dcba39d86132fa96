"""Issuing in bulk: from a file of input documents to proof bundles, and what each part of the way costs.

`check` reads and judges the input; `desk` numbers, seals, signs the statement and stores all of it; `admission`
is the log's own look at what the desk hands in (two signatures, every rule); `leaf` is the log; `bundle` the
proof files. The figure that is compared with others is statement + seal + leaf + bundle: desk, leaf and bundle.
"""

import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fixture import INSTITUTION, NOW, ORIGIN, READINGS, World, make_input
from measuring import Figures, Stopwatch, repeat, summarise, time_work

from issuer.batch import InputForm, read_rows
from issuer.checking import Checked
from issuer.issuing import BatchReport
from issuer.signing import ReadyDocument, Seal, seal_document, sign_issue
from issuer.tables import DocumentState
from ledger.core.ids import CertificateNumber, LeafIndex


@dataclass(frozen=True, slots=True)
class Round:
    """One batch, issued into a new log."""

    parts: dict[str, Stopwatch]
    bundles: list[bytes]

    def cost(self, *names: str) -> Stopwatch:
        """Return what these parts cost together; all of them if none is named."""
        return sum((self.parts[name] for name in names or self.parts), Stopwatch())


def issue_batch(folder: Path, count: int, readings: int = READINGS, *, persons_sign: bool = False) -> Round:
    """Issue so many certificates into a new log in an empty folder."""
    raw = make_input(count, readings, persons_sign=persons_sign)
    with World(folder) as world:
        if persons_sign:
            world.register_persons()
        counter = world.counter
        check, desk, bundle = Stopwatch(), Stopwatch(), Stopwatch()
        with check.running():
            batch = world.desk.check_rows(read_rows(raw, InputForm.JSON_LINES))
        with desk.running():
            report = world.desk.issue(batch.documents)
        indices = _require_all(report, count)
        with bundle.running():
            bundles = world.bundles(indices)
        parts = {
            "check": check,
            "desk": desk - counter.admission - counter.appending,
            "admission": counter.admission,
            "leaf": counter.appending,
            "bundle": bundle,
        }
        return Round(parts, bundles)


def _require_all(report: BatchReport, count: int) -> list[LeafIndex]:
    logged = report.list_in(DocumentState.LOGGED)
    if len(logged) != count:
        reasons = {document.reason for document in report.documents} | set(report.held.values())
        raise RuntimeError(f"{count - len(logged)} of {count} certificates were not issued: {reasons}")
    return [document.leaf_index for document in logged if document.leaf_index is not None]


def issue_in_new_log(count: int, readings: int = READINGS, *, persons_sign: bool = False) -> Round:
    """As `issue_batch`, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder:
        return issue_batch(Path(folder), count, readings, persons_sign=persons_sign)


def measure_issuing(
    count: int, rounds: int, seconds: float, readings: int = READINGS, *, persons_sign: bool = False
) -> dict[str, Figures]:
    """Return the figures of issuing batches of this size: the whole way, the compared part, and every part."""
    done = repeat(
        lambda: issue_in_new_log(count, readings, persons_sign=persons_sign), rounds=rounds, seconds=seconds
    )
    figures = {
        "issue": summarise(count, [one.cost("desk", "leaf", "bundle") for one in done]),
        "issue_from_input_to_bundle": summarise(count, [one.cost() for one in done]),
    }
    for name in done[0].parts:
        figures[f"issue_part_{name}"] = summarise(count, [one.cost(name) for one in done])
    return figures


def measure_sealing(count: int, rounds: int, seconds: float) -> Figures:
    """Return the figures of seal and statement alone, without any database."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        batch = world.desk.check_rows(read_rows(make_input(count), InputForm.JSON_LINES))
        seal = Seal(world.seal, ORIGIN, INSTITUTION, NOW)
    work = repeat(lambda: time_work(lambda: _seal_all(batch.documents, seal)), rounds=rounds, seconds=seconds)
    return summarise(count, work)


def _seal_all(documents: Sequence[Checked], seal: Seal) -> None:
    for number, document in enumerate(documents):
        if isinstance(document, ReadyDocument):
            sealed = seal_document(
                document, CertificateNumber(f"JY2026-{number:06}"), seal, secrets.token_bytes
            )
            sign_issue(sealed.claims, 0, seal)
