"""Drafts, batches and requests as members of a result: for commands, pages and programs alike.

>>> describe_draft(draft)["state"]
'checked'
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from issuer.faults import Fault, describe_fault, list_faults
from issuer.signoff.approving import Prospect, find_rivals
from issuer.signoff.changes import reveal
from issuer.signoff.correcting import REQUESTED
from issuer.signoff.freezing import fill_times
from issuer.signoff.office import Office, Round
from issuer.signoff.row_store import MadeFrom
from issuer.signoff.rows import ONLY_ROW
from issuer.signoff.signing_off import load_signed
from issuer.signoff.store import (
    Application,
    CorrectionRequest,
    DoneAction,
    SignOffReading,
    StoredDraft,
    VoidedNumber,
)
from ledger.core.canonical import as_object, parse_canonical_json
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import AlreadyIssuedError, InputError, LedgerError
from ledger.core.event import EventType

STATE_WORDS: Final = {
    "draft": ("起草中", "draft"),
    "submitted": ("待核验", "waits for the checker"),
    "checked": ("待批准", "waits for the approver"),
    "approved": ("已批准", "approved"),
    "discarded": ("已放弃", "given up"),
    "signed": ("已盖章，待入账", "sealed, waits for the ledger"),
    "logged": ("已入账", "in the ledger"),
    "voided": ("已作废", "void"),
}
"""State of a draft or a document -> what people read, in Chinese and English."""


def describe_draft(draft: StoredDraft) -> dict[str, Any]:
    """Return where a draft stands."""
    people = draft.people
    members = {
        "draft": draft.id,
        "state": draft.state.value,
        "revision": draft.revision,
        "sequence": draft.sequence,
        "title": draft.title,
        "operator": people.operator,
        "checker": people.checker,
        "approver": people.approver,
        "number": draft.number,
        "verified_on": draft.verified_on,
        "application": draft.application,
        "corrects": draft.corrects,
        "changed_at": _spell(draft.changed_at_ms),
        "request_id": draft.request_id,
    }
    return {name: value for name, value in members.items() if value is not None}


def describe_whole(desk: SignOffReading, draft: StoredDraft, office: Office) -> dict[str, Any]:
    """Return all of a draft: what was written, what was fixed, who signed, what was done, and what rivals it."""
    members = describe_draft(draft)
    members["content"] = as_object(parse_canonical_json(desk.fetch_contents([draft.key])[draft.key]))
    for item in load_signed(desk, [draft]):
        record = fill_times(item.frozen, item.times, office.profile.zone)
        members["record"] = reveal(record, item.frozen.disclosed)
        members["signatures"] = [
            {"role": role.value, "signed_at": encode_instant(moment), "by_key": role in item.proofs}
            for role, moment in sorted(item.times.items(), key=lambda one: one[1])
        ]
    if draft.number is not None:
        document = desk.find_documents([draft.number]).get(draft.number)
        if document is not None:
            members["document"] = {"state": document.state.value, "leaf": document.leaf_index}
    made_from = desk.rows.find_by_draft([draft.id]).get(draft.id)
    if made_from:
        members["rows"] = [describe_row(one) for one in made_from]
    rivals = find_rivals(desk, [draft]).get(draft.id, ())
    members["rivals"] = [describe_draft(rival) for rival in rivals]
    members["history"] = [describe_action(action) for action in desk.list_actions(draft.id)]
    members["opened"] = [
        {"revision": key.revision, "person": person, "at": _spell(at_ms)}
        for key, person, at_ms in desk.list_openings(draft.id)
    ]
    return members


def describe_row(made_from: MadeFrom) -> dict[str, Any]:
    """Return of which row of which file a draft was made."""
    members: dict[str, Any] = {"file": encode_hex(made_from.file)}
    return members | ({} if made_from.row == ONLY_ROW else {"row": made_from.row})


def describe_action(action: DoneAction) -> dict[str, Any]:
    """Return one line of a history."""
    members: dict[str, Any] = {
        "sequence": action.sequence,
        "action": action.action.value,
        "person": action.person,
        "revision": action.revision,
        "at": _spell(action.done_at_ms),
    }
    return members if action.reason is None else members | {"reason": action.reason}


def describe_round(done: Round) -> dict[str, Any]:
    """Return what became of several drafts."""
    return {
        "done": [describe_draft(draft) for draft in done.done],
        "refused": [{"draft": id_, **describe_refusal(err)} for id_, err in sorted(done.refused.items())],
    }


def describe_refusal(err: LedgerError) -> dict[str, Any]:
    """Return why something stays as it was: one sentence, and every reason where there are several."""
    members: dict[str, Any] = {"error": str(err), "kind": type(err).__name__.removesuffix("Error")}
    if isinstance(err, (InputError, AlreadyIssuedError)):
        members["reasons"] = describe_faults(list_faults(err))
    return members


def describe_faults(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """Return reasons, each with code, field and a sentence in both languages."""
    return [*map(describe_fault, faults)]


def describe_prospect(prospect: Prospect) -> dict[str, Any]:
    """Return a batch, what of it must be opened, and what must be decided."""
    return {
        "batch": prospect.batch.id,
        "approver": prospect.batch.approver,
        "seed": encode_hex(prospect.batch.seed),
        "members": [key.draft for key in prospect.batch.members],
        "waiting": [draft.id for draft in prospect.waiting],
        "sample": sorted(prospect.batch.sample),
        "to_open": list(prospect.unopened),
        "conflicts": [
            {"draft": id_, "rivals": [describe_draft(rival) for rival in rivals]}
            for id_, rivals in sorted(prospect.rivals.items())
        ],
    }


def describe_application(application: Application) -> dict[str, Any]:
    """Return an application."""
    content: Mapping[str, Any] = as_object(parse_canonical_json(application.content))
    return {
        "application": application.id,
        **content,
        "accepted_by": application.accepted_by,
        "accepted_at": _spell(application.accepted_at_ms),
        "request_id": application.request_id,
    }


def describe_request(request: CorrectionRequest) -> dict[str, Any]:
    """Return what was asked to be done to a document, and what was decided."""
    members = {
        "request": request.id,
        "act": REQUESTED[EventType(request.type)],
        "number": request.number,
        "reason": request.reason,
        "note": request.note,
        "state": request.state,
        "asked_by": request.asked_by,
        "asked_at": _spell(request.asked_at_ms),
        "document": None if request.document is None else encode_hex(request.document),
        "decided_by": request.decided_by,
        "decided_at": None if request.decided_at_ms is None else _spell(request.decided_at_ms),
        "answer": request.answer,
        "leaf": request.leaf_index,
    }
    return {name: value for name, value in members.items() if value is not None}


def describe_voided(voided: VoidedNumber) -> dict[str, Any]:
    """Return a number that will never be used, and why."""
    members = {
        "number": voided.number,
        "reason": voided.reason,
        "draft": voided.draft,
        "revision": voided.revision,
        "person": voided.person,
        "at": None if voided.voided_at_ms is None else _spell(voided.voided_at_ms),
    }
    return {name: value for name, value in members.items() if value is not None}


def _spell(at_ms: int) -> str:
    return encode_instant(datetime.fromtimestamp(at_ms // 1000, UTC))
