"""An uploaded file: looked at (dry run), and then either issued at once or made drafts of the sign-off.

    file ──► rows, in a confined process ──► check, which changes nothing ──► how many, what not and why, samples
                                                ├─ issue: checked once more, then numbered, sealed, handed in
                                                └─ drafts: of each good row one, which people with keys sign

Which of both is decided by whom the file names: see `issuer.signoff.rows`.

>>> found = look_at(tenant, gateway, "round.xlsx", raw, None, None)
>>> found.summary["to_issue"]
12
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from api.office.tenants import Tenant
from issuer.batch import InputFile, find_form, parse_common, read_input
from issuer.check_report import GivenFile, build_check
from issuer.checking import CheckedBatch, cut
from issuer.error_workbook import render_error_workbook
from issuer.issuing import BatchReport
from issuer.preview import as_members
from issuer.signing import ReadyDocument
from issuer.signoff.office import OfficeLog
from issuer.signoff.rows import FoundWay, Way
from issuer.signoff.store import StoredDraft
from issuer.signoff.taking_over import RowsLook, Taken, Taker
from issuer.signoff.writing import CHUNK
from issuer.sticker_desk import release_from_failed
from issuer.store import StoredDocument
from issuer.tables import DocumentState
from ledger.confined.runner import read_confined
from ledger.core.canonical import reread_canonical_json
from ledger.core.errors import InputError
from ledger.core.sticker import StickerId

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
SHOWN_FAULTS: Final = 500
"""Faults that a page lists; the workbook of errors has all of them."""
_BUSY: Final = BoundedSemaphore(2)
"""Files that are looked at at the same time: each takes a core, and a process of its own where it is a workbook."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a file."""

    file: InputFile
    found: FoundWay
    batch: CheckedBatch
    rows: RowsLook | None
    """The same as drafts; None: the file is issued at once."""
    summary: dict[str, Any]
    errors: bytes | None


def look_at(
    tenant: Tenant, gateway: OfficeLog, name: str, raw: bytes, common: bytes | None, operator: str | None
) -> Look:
    """Check a file and change nothing.

    Args:
        tenant: whose desk.
        gateway: the ledger, for its registers.
        name: of the file; its ending says how it is written.
        raw: the file.
        common: members that all rows share, JSON.
        operator: of rows that become drafts and name none; None: nobody knows yet.

    Raises:
        InputError: the file as a whole cannot be read.
        UnavailableError: the registers are out of reach, or no process could be started.
    """
    with _BUSY:
        return _look_at(tenant, gateway, name, raw, common, operator)


def _look_at(
    tenant: Tenant, gateway: OfficeLog, name: str, raw: bytes, common: bytes | None, operator: str | None
) -> Look:
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(
            f"at most {MAX_FILE_BYTES // 2**20} MiB; split it",
            field="file",
            zh=f"不超过{MAX_FILE_BYTES // 2**20} MiB，请拆分",
        )
    shared = None if common is None else parse_common(common)
    file = read_input(raw, find_form(name), read_confined, shared, tenant.institution.profile.zone)
    taker = Taker(tenant.make_signoff(gateway))
    found = taker.find_way(file.rows)
    if found.way is Way.ISSUE:
        batch, rows = tenant.make_desk(gateway).check_rows(file.rows), None
    else:
        rows = taker.look(file.rows, operator)
        batch = rows.batch
    summary = _summarise(name, file, batch) | {"fingerprint": _fingerprint(found, batch)}
    return Look(file, found, batch, rows, summary | _describe_way(found, rows), _render_errors(file, batch))


def _summarise(name: str, file: InputFile, batch: CheckedBatch) -> dict[str, Any]:
    members = build_check(
        [GivenFile(Path(name), file)], batch.documents, [(Path(name), fault) for fault in batch.faults]
    )
    faults = members.pop("faults")
    read = members.pop("read", None)
    return members | {
        "rows": len(file.rows),
        "source": file.source,
        "skipped": 0 if read is None else read[0].get("skipped", 0),
        "faults": [{name: one[name] for name in one if name != "file"} for one in faults[:SHOWN_FAULTS]],
        "fault_count": len(faults),
    }


def _describe_way(found: FoundWay, rows: RowsLook | None) -> dict[str, Any]:
    members: dict[str, Any] = {"way": found.way.value, "keyed": list(found.keyed)}
    if rows is None:
        return members
    return members | {
        "drafted_before": len(rows.known),
        "times": rows.times,
        "unnamed": sorted(rows.unnamed),
    }


def _fingerprint(found: FoundWay, batch: CheckedBatch) -> str:
    """Return what tells whether a check found the same: which way, how many to issue, how many not."""
    ready = sum(isinstance(document, ReadyDocument) for document in batch.documents)
    return f"{found.way}/{ready}/{batch.bad_rows}"


def _render_errors(file: InputFile, batch: CheckedBatch) -> bytes | None:
    if file.table is None or not batch.faults:
        return None
    return render_error_workbook(file.table, batch.faults)


def find_other_approvers(batch: CheckedBatch, pid: str | None) -> list[str]:
    """Return who else than this person stands as approver in documents that are about to be issued."""
    found = Counter(
        approver
        for document in batch.documents
        if isinstance(document, ReadyDocument)
        for approver in _list_approvers(document)
        if approver != pid
    )
    return sorted(found)


def _list_approvers(document: ReadyDocument) -> Iterable[str]:
    persons = as_members(reread_canonical_json(document.template)).get("persons", [])
    for person in persons if isinstance(persons, list) else []:
        members = as_members(person)
        if members.get("role") == "approver":
            yield str(members.get("pid", ""))


def issue(tenant: Tenant, gateway: OfficeLog, look: Look) -> tuple[BatchReport, list[StickerId]]:
    """Issue what a check has found good; the caller holds `tenant.busy`.

    Returns:
        What became of the documents, and the stickers that were released from what has failed.
    """
    desk = tenant.make_desk(gateway)
    report = desk.issue(look.batch.documents)
    database, clock = tenant.desk.database, tenant.clock
    return report, release_from_failed(database, gateway, desk.make_seal, clock, secrets.token_bytes)


def take_over(
    tenant: Tenant,
    gateway: OfficeLog,
    look: RowsLook,
    file: bytes,
    application: int | None,
    operator: str,
    *,
    only_own: bool,
) -> Taken:
    """Make drafts of what a look has found good; the caller holds `tenant.busy`. See `Taker.take`."""
    taker = Taker(tenant.make_signoff(gateway))
    return taker.take(look, file, application, operator, only_own=only_own)


@dataclass(frozen=True, slots=True)
class MadeDraft:
    """A row of a file, and the draft that it became."""

    row: int
    draft: StoredDraft


def list_made(tenant: Tenant, file: bytes, limit: int) -> list[MadeDraft]:
    """Return the first rows of a file that are drafts, with the drafts as they stand now."""
    with tenant.desk.read() as desk:
        rows = desk.rows.list_of_file(file, limit)
        drafts: dict[int, StoredDraft] = {}
        for chunk in cut(sorted({one.draft for one in rows}), CHUNK):
            drafts |= desk.find_drafts(chunk)
    return [MadeDraft(one.row, drafts[one.draft]) for one in rows]


def describe_report(report: BatchReport, released: Sequence[StickerId] = ()) -> dict[str, Any]:
    """Return what became of documents and stickers, for a page."""
    counts = {state.value: len(report.list_in(state)) for state in DocumentState}
    return {
        "documents": len(report.documents),
        **counts,
        "numbers": _spell_numbers(report.documents),
        "voided_because": {one.number: one.reason for one in report.list_in(DocumentState.VOIDED)},
        "held": dict(report.held),
        "released": list(released),
        "outage": None if report.outage is None else str(report.outage),
    }


def _spell_numbers(documents: Sequence[StoredDocument]) -> list[str]:
    """Return the first and the last number."""
    numbers = [str(document.number) for document in documents]
    return numbers if len(numbers) <= 2 else [numbers[0], numbers[-1]]
