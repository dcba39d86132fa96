"""Findings that a device brings back: each becomes a draft of its operator, or waits with its reasons.

    same bytes again           the same answer; nothing changes
    same revision, other bytes refused: a revision is written once
    a later revision           takes the place of the earlier one, in its draft if that is still open
    not in order               held: kept whole, with every reason, until its operator makes a draft of it; a draft
                               of an earlier revision is not submitted, checked or approved until then
    not this device's own      refused, and not kept: the device keeps it and shows why

A finding is stored in one transaction after its draft; killed in between, the same again finds the draft by its
request id and goes on.

>>> Receiver(store, writer, person, now).take("r-…", [Sent(raw, signature)], sent_at)
[Taken(item='1', revision=1, state='drafted', draft=7, ...)]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from issuer.faults import Fault, list_faults
from issuer.rounds.binding import find_fault
from issuer.rounds.content import Round, parse_round
from issuer.rounds.finding import Finding, compose_content, find_doubts, parse_finding, verify_finding
from issuer.rounds.remarks import describe_faults, make_fault, read_faults
from issuer.rounds.store import (
    Device,
    RoundReading,
    RoundStore,
    StoredFinding,
    StoredRound,
    StoredSticker,
)
from issuer.saying_store import SayingStore
from issuer.signoff.office import to_ms
from issuer.signoff.states import DraftState
from issuer.signoff.store import StoredDraft
from issuer.signoff.writing import Writer
from ledger.core.canonical import JsonObject, as_object
from ledger.core.errors import AlreadyIssuedError, BrokenSignatureError, InputError, Reason, StateError
from ledger.core.signature import parse_multikey

MAX_SKEW: Final = timedelta(minutes=5)
"""Clocks of devices may be so far off (domain §6.4); beyond it a finding is taken, and flagged."""
MAX_LOOKED_BACK: Final = 200
"""Revisions among whose drafts the one that is still open is looked for."""
RIVAL_DAYS: Final = 7
"""Findings of two devices about one instrument contradict each other if they lie so near."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One finding as it came."""

    raw: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one finding."""

    item: str
    revision: int
    state: str
    """`drafted`, `held`, `replaced` or `refused`."""
    draft: int | None = None
    reasons: tuple[Fault, ...] = ()
    flags: tuple[Fault, ...] = ()
    has_rivals: bool = False
    """Another device has a finding about the same instrument."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes findings for one operator; its caller holds the desk alone."""

    store: RoundStore
    writer: Writer
    person: str
    now: datetime

    def take(self, round_: str, sent: Sequence[Sent], sent_at: datetime) -> list[Taken]:
        """Take findings of one round, each for itself; return what became of them, in order.

        Args:
            round_: whose they should be.
            sent: as they came.
            sent_at: what the device's clock said when it sent them.

        Raises:
            NotFoundError: there is no such round.
            UnavailableError: the database or the registers are out of reach.
        """
        with self.store.read() as reading:
            stored = reading.fetch_round(round_)
        round_content = parse_round(stored.content)
        flags = [] if abs(sent_at - self.now) <= MAX_SKEW else [_flag_clock(sent_at, self.now)]
        return [self._take_one(stored, round_content, one, flags) for one in sent]

    def _take_one(self, stored: StoredRound, round_: Round, sent: Sent, flags: Sequence[Fault]) -> Taken:
        try:
            finding = parse_finding(sent.raw)
        except InputError as err:
            return Taken("", 0, "refused", reasons=tuple(list_faults(err)))
        with self.store.read() as reading:
            device = reading.find_device(finding.device)
            revisions = reading.list_revisions(stored.id, finding.device, finding.item)
        refusal = self._refuse(finding, sent, round_, device)
        if refusal is not None:
            return Taken(finding.item, finding.revision, "refused", reasons=(refusal,))
        known = {one.revision: one for one in revisions}
        there = known.get(finding.revision)
        if there is not None and there.content != sent.raw:
            en, zh = "was received with other content", "该版本已收到，但内容不同"
            reason = make_fault("REVISION_TAKEN", "revision", en, zh)
            return Taken(finding.item, finding.revision, "refused", reasons=(reason,))
        if there is None:
            there = self._keep(stored, round_, finding, sent, revisions, flags)
        return self.describe(there)

    def _refuse(self, finding: Finding, sent: Sent, round_: Round, device: Device | None) -> Fault | None:
        """Return why a finding is not taken at all; None: it is."""
        if finding.round != round_.id or finding.round_digest != round_.digest:
            return make_fault("OTHER_ROUND", "round", "belongs to another round", "属于另一任务单")
        if device is None or device.person != self.person:
            return make_fault("OTHER_DEVICE", "device", "is no device of yours", "不是您的设备")
        if not device.is_active:
            return make_fault("DEVICE_REVOKED", "device", "this device was revoked", "该设备已被停用")
        if finding.item not in round_.items:
            return make_fault("OTHER_ITEM", "item", "is not in this round", "不在本任务单内")
        try:
            verify_finding(finding, sent.signature, parse_multikey(device.key))
        except BrokenSignatureError:
            en = "is not what this device has signed"
            return make_fault("SIGNATURE", "signature", en, "与该设备的签名不符")
        return None

    def _keep(
        self,
        stored: StoredRound,
        round_: Round,
        finding: Finding,
        sent: Sent,
        revisions: Sequence[StoredFinding],
        flags: Sequence[Fault],
    ) -> StoredFinding:
        private = as_object(stored.private.get(finding.item, {}))
        is_newest = all(one.revision < finding.revision for one in revisions)
        stickers = _list_stickers(finding)
        flags = [*flags, *self._flag(finding), *self._flag_stickers(stickers)]
        draft, reasons = self._try_draft(finding, round_, private) if is_newest else (None, [])
        self.writer.office.failpoint("rounds.drafted")
        state = "replaced" if not is_newest else "held" if draft is None else "drafted"
        new = StoredFinding(
            position=0,
            round=stored.id,
            device=finding.device,
            item=finding.item,
            revision=finding.revision,
            instrument=round_.items[finding.item].key,
            person=self.person,
            verified_on=finding.verified_on,
            content=sent.raw,
            signature=sent.signature,
            received_at_ms=to_ms(self.now),
            state=state,
            draft=draft,
            remarks=_spell(reasons, flags),
        )
        with self.store.write() as writing:
            for older in revisions if is_newest else ():
                writing.set_state(older.position, "replaced", older.draft)
            kept = writing.add_finding(new)
            if draft is not None:
                writing.put_stickers(draft, stickers)
            self.writer.office.failpoint("rounds.before_keeping")
        self.writer.office.failpoint("rounds.kept")
        return kept

    def _flag(self, finding: Finding) -> list[Fault]:
        if finding.made_at - self.now > MAX_SKEW:
            return [_flag_clock(finding.made_at, self.now)]
        return []

    def _flag_stickers(self, stickers: Sequence[StoredSticker]) -> list[Fault]:
        """Say at once of a sticker that it will not be bound, while whoever put it on is still there."""
        if not stickers:
            return []
        office = self.writer.office
        SayingStore(office.store.database).prepare()
        registers = office.log.registers()
        faults = [find_fault(one, None, registers, office) for one in stickers]
        return [one for one in faults if one is not None]

    def _try_draft(
        self, finding: Finding, round_: Round, private: JsonObject
    ) -> tuple[int | None, list[Fault]]:
        """Make a draft of a finding that is in order; say why not of one that is not."""
        reasons = [_from_reason(one) for one in find_doubts(finding, round_)]
        try:
            content = compose_content(finding, round_, private)
            applicant = {"applicant": self.writer.find_applicant(round_.application)}
            reasons += self.writer.look({**applicant, **content}, self.person)[0]
            if reasons:
                return None, reasons
            return self._write(finding, round_, content).id, []
        except (InputError, AlreadyIssuedError) as err:
            return None, [*reasons, *list_faults(err)]
        except StateError as err:
            zh = "该器具的草稿已提交或已由他人处理，未作更改"
            return None, [*reasons, make_fault("DRAFT_CLOSED", "draft", str(err), zh)]

    def _write(self, finding: Finding, round_: Round, content: JsonObject) -> StoredDraft:
        """Make the draft of a device and instrument, or write its later revision into it.

        A draft that was given up stays so; a later revision begins another one.
        """
        known = self._find_drafts(finding)
        left = [one for one in known.values() if one.state is not DraftState.DISCARDED]
        if left:
            applicant = {"applicant": self.writer.find_applicant(round_.application)}
            return self.writer.edit(left[-1].id, {**applicant, **content}, self.person)
        request_id = f"{finding.request_id}/{finding.revision}" if known else finding.request_id
        whole = {**content, "request_id": request_id}
        return self.writer.create([whole], self.person, application=round_.application)[0]

    def _find_drafts(self, finding: Finding) -> dict[str, StoredDraft]:
        """Return the drafts of this device and instrument by request id, the earlier ones first."""
        revisions = range(max(1, finding.revision - MAX_LOOKED_BACK), finding.revision + 1)
        names = [finding.request_id, *(f"{finding.request_id}/{number}" for number in revisions)]
        with self.writer.office.store.read() as desk:
            found = desk.find_draft_requests(names)
        return {name: found[name] for name in names if name in found}

    def make_draft(self, round_: str, position: int) -> Taken:
        """Make a draft of a finding that is held, whatever stands against it: its operator corrects it there.

        Raises:
            NotFoundError: the round has no such finding.
            StateError: it is not held, or another person's, or its draft is not open.
            InputError: no draft can hold it.
        """
        with self.store.read() as reading:
            stored, held = reading.fetch_round(round_), reading.fetch_finding(round_, position)
        if held.state != "held":
            raise StateError("this finding does not wait for a draft", zh="该记录不是待处理状态")
        if held.person != self.person:
            raise StateError(f"this finding is {held.person}'s", zh=f"该记录属于{held.person}")
        content_of_round, finding = parse_round(stored.content), parse_finding(held.content)
        private = as_object(stored.private.get(finding.item, {}))
        draft = self._write(finding, content_of_round, compose_content(finding, content_of_round, private))
        with self.store.write() as writing:
            writing.set_state(position, "drafted", draft.id)
            writing.put_stickers(draft.id, _list_stickers(finding))
            return self.describe(writing.fetch_finding(round_, position))

    def describe(self, finding: StoredFinding) -> Taken:
        """Return what became of a finding that is stored."""
        with self.store.read() as reading:
            rivals = find_rivals(reading, [finding])
        return Taken(
            finding.item,
            finding.revision,
            finding.state,
            finding.draft,
            read_remarks(finding, "reasons"),
            read_remarks(finding, "flags"),
            has_rivals=bool(rivals),
        )


def find_rivals(
    reading: RoundReading, findings: Sequence[StoredFinding]
) -> dict[int, tuple[StoredFinding, ...]]:
    """Return the findings of other devices about the same instruments, by the number of these findings.

    Both are kept, and the approver decides (domain §6.4). A replaced revision is nobody's rival.
    """
    counting = [one for one in findings if one.state != "replaced"]
    about = reading.list_about([one.instrument for one in counting]) if counting else []
    found = {}
    for one in counting:
        others = tuple(other for other in about if _is_rival(one, other))
        if others:
            found[one.position] = others
    return found


def _is_rival(one: StoredFinding, other: StoredFinding) -> bool:
    is_other = other.device != one.device and other.state != "replaced"
    near = abs((other.verified_on - one.verified_on).days) <= RIVAL_DAYS
    return is_other and near and other.instrument == one.instrument


def read_remarks(finding: StoredFinding, name: str) -> tuple[Fault, ...]:
    """Return the reasons, or the flags, of a finding."""
    return read_faults(finding.remarks, name)


def _list_stickers(finding: Finding) -> list[StoredSticker]:
    """Return what a finding says of stickers, to be bound once its document is in the log."""
    put_on_ms = to_ms(finding.made_at)
    return [StoredSticker(0, 0, one.text, one.part, put_on_ms) for one in finding.stickers]


def _spell(reasons: Iterable[Fault], flags: Iterable[Fault]) -> JsonObject:
    return {"reasons": describe_faults(reasons), "flags": describe_faults(flags)}


def _from_reason(reason: Reason) -> Fault:
    return Fault(None, reason.code, reason.field, reason.en, reason.zh)


def _flag_clock(shown: datetime, now: datetime) -> Fault:
    minutes = int(abs((shown - now).total_seconds()) // 60)
    way, zh = ("ahead", "快") if shown > now else ("behind", "慢")
    en = f"the clock of the device was {minutes} minutes {way} when it was compared"
    return make_fault("CLOCK", "made_at", en, f"设备时钟{zh}{minutes}分钟")
