"""What an authority is about to say, before anything is signed: the very contents, and a fingerprint of them.

A page shows what was planned and its fingerprint; whoever signs sends the fingerprint back, and what is signed is
planned anew from the same words. Another content, another version, another document: another fingerprint.

>>> plan = plan_state(thing, RegisterState.SUSPENDED, date(2026, 5, 3), version=2)
>>> compute_fingerprint([plan])
'5d41…'
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from issuer.authority import draft_decision
from issuer.deciding.kinds import Kind, Thing, make_thing
from ledger.core.act import ADVERSE_TYPES, Act, Decision, NamedInstrument, ReasonCode, encode_act
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType
from ledger.core.fold_documents import ON_INSTRUMENTS, TRANSITIONS, require_verification
from ledger.core.ids import Subject
from ledger.core.register_content import parse_content
from ledger.core.register_fields import RegisterState
from ledger.core.status import Registers, Status, SubjectState

_DOMAIN: Final = b"hengzheng/plan/v1\x00"
ACTS: Final = (EventType.CANCEL, EventType.SUSPEND, EventType.REINSTATE, EventType.REVERIFY_NEEDED)
"""What an authority decides about documents, as pages list it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One statement that is to be signed."""

    event: EventType
    subject: Subject
    label: str
    content: bytes
    """Canonical JSON, as it will stand in the statement."""
    expected_version: int


def compute_fingerprint(planned: Sequence[Planned]) -> str:
    """Return SHA-256 of all that will be signed but for event ids, 64 hex digits."""
    listed: list[JsonObject] = [
        {
            "event": one.event.name,
            "content": parse_canonical_json(one.content),
            "expected_version": one.expected_version,
        }
        for one in planned
    ]
    return encode_hex(hashlib.sha256(_DOMAIN + encode_canonical_json({"plan": list(listed)})).digest())


# --- registers ----------------------------------------------------------------------------------------------


def plan_state(thing: Thing, state: RegisterState, begins: date | None, version: int) -> Planned:
    """Plan to suspend, reinstate or withdraw a registered thing: the same content, its state, its first day.

    Args:
        thing: its newest version.
        state: from then on.
        begins: first day on which it is so; None where the content has no such member.
        version: of its subject in the log.

    Raises:
        InputError: the content cannot be, as a period that would end before it begins.
        StateError: it stands so already, or is published in one piece only.
    """
    members = thing.list_members()
    if members is None:
        raise StateError(
            "a regulation's row is published anew with another state",
            zh="检定规程须以新的状态重新发布",
        )
    changed = members | {"state": state.value}
    if "from" in members:
        if begins is None:
            raise InputError("must be filled in", field="from", zh="必须填写")
        changed["from"] = begins.isoformat()
    if changed == members:
        raise StateError("it stands so already", zh="当前登记已是此状态，无需更改")
    return _plan(thing.kind, thing.label, thing.subject, changed, version)


def plan_registration(
    kind: Kind, members: JsonObject, registers: Registers, versions: Mapping[Subject, int]
) -> tuple[Planned, Thing]:
    """Plan to register a thing, or another version of it.

    Args:
        kind: of the thing.
        members: of its content.
        registers: as they stand.
        versions: asked by subject; what is absent is at version 0.

    Raises:
        InputError: not such a content; the member is named.
    """
    raw = encode_canonical_json(members)
    thing = make_thing(kind, parse_content(kind.event, raw), registers)
    planned = _plan(kind, thing.label, thing.subject, members, versions.get(thing.subject, 0))
    return planned, thing


def _plan(kind: Kind, label: str, subject: Subject, members: JsonObject, version: int) -> Planned:
    raw = encode_canonical_json(members)
    draft_decision(kind.event, "-", "-", raw, version, bytes(8))
    return Planned(kind.event, subject, label, raw, version)


# --- documents ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided about documents."""

    event: EventType
    reason: ReasonCode
    effective_at: datetime
    """Aware UTC, whole milliseconds."""
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Affected:
    """A document, how it stands, and whether the ruling reaches it."""

    named: NamedInstrument
    status: Status | None
    """None: the log has no such document."""
    follows: bool
    """Whether the act has an effect; what it does not reach is left as it is."""
    after: Status | None = None


def check_ruling(ruling: Ruling, now: datetime) -> None:
    """Refuse a ruling that no log would take.

    Raises:
        InputError: not an authority's, without its decision, or from a later time on.
    """
    if ruling.event not in ACTS:
        raise InputError("is not an authority's act", field="act", zh="不是主管部门可作的处理")
    if ruling.effective_at > now:
        raise InputError("is in the future", field="from", zh="不能晚于今日")
    if ruling.event in ADVERSE_TYPES and ruling.decision is None:
        raise InputError("must be filled in", field="decision.number", zh="必须填写")


def plan_acts(
    ruling: Ruling, documents: Sequence[NamedInstrument], states: Mapping[Subject, SubjectState]
) -> tuple[list[Planned], list[Affected]]:
    """Plan one act for each document that the ruling reaches; say of each how it stands.

    Two acts about one instrument follow each other: the second expects the version that the first leaves.

    Args:
        ruling: what is decided.
        documents: of which, each once.
        states: of certificates and instruments, as the log has them.
    """
    planned: list[Planned] = []
    affected: list[Affected] = []
    versions = {subject: state.version for subject, state in states.items()}
    for named in documents:
        certificate, instrument = states.get(named.certificate), states.get(named.subject)
        found = _judge(ruling.event, named, certificate, instrument)
        affected.append(found)
        if not found.follows:
            continue
        act = Act(
            named.issuer,
            named.number,
            named.instrument_id,
            named.part,
            ruling.reason,
            ruling.effective_at,
            ruling.decision,
        )
        raw, version = encode_act(act), versions[named.subject]
        draft_decision(ruling.event, "-", "-", raw, version, bytes(8))
        label = f"{named.issuer} {named.number}"
        planned.append(Planned(ruling.event, named.subject, label, raw, version))
        versions[named.subject] = version + 1
    return planned, affected


def _judge(
    event: EventType,
    named: NamedInstrument,
    certificate: SubjectState | None,
    instrument: SubjectState | None,
) -> Affected:
    if certificate is None or instrument is None:
        return Affected(named, None, follows=False)
    if event in ON_INSTRUMENTS:
        is_newest = instrument.current_certificate == certificate.current_certificate
        return Affected(
            named, certificate.status, follows=is_newest, after=require_verification(instrument.status)
        )
    transition = TRANSITIONS[event]
    follows = certificate.status in transition.before
    return Affected(named, certificate.status, follows, transition.after if follows else None)
