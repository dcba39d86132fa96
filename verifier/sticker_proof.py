"""What a sticker's proof shows: never given out, not used yet, or where it stands, or stood.

    never given out, released, replaced     INVALID: do not rely on it
    what it stands on has failed            INVALID
    else                                    UNKNOWN: a sticker is no certificate, the newest one decides

>>> report, shown = verify_sticker_proof(parse_sticker_proof(raw), session, now)
>>> shown.standing
<StickerStanding.BOUND: 'BOUND'>
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.anchor import AnchorReceipt
from ledger.core.bundle import EarlierAnchor
from ledger.core.encoding import encode_instant
from ledger.core.entry import LeafHeader
from ledger.core.errors import InputError, VerificationError
from ledger.core.evidence import verify_sequence
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.policy import require_origin
from ledger.core.qr import format_code
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Registers, Status, SubjectState
from ledger.core.step import Check, Outcome, Sentence, Step, Verdict, failed, not_checked, passed
from ledger.core.sticker import find_number, find_roll
from ledger.core.sticker_proof import (
    MadeUp,
    ShownSticker,
    StickerEvent,
    StickerProof,
    StickerStanding,
    show_sticker,
)
from ledger.core.sticker_use import StickerReason
from verifier import checks
from verifier.report import Report, StickerSummary, build_report
from verifier.session import Session
from verifier.state_proof import OpenedState, judge_shown, open_state, report_state
from verifier.verify import ChainLook

REASON_WORDS: Final = {
    StickerReason.VERIFICATION_FAILED: Sentence("the instrument failed", "检定不合格"),
    StickerReason.REPLACED: Sentence("another one was put on", "已换贴新标志"),
    StickerReason.DAMAGED: Sentence("damaged", "标志损坏"),
    StickerReason.LOST: Sentence("lost", "标志遗失"),
    StickerReason.WRONG_INSTRUMENT: Sentence("it was on the wrong instrument", "贴错器具"),
    StickerReason.TYPO: Sentence("a slip of the pen", "录入有误"),
    StickerReason.INSTRUMENT_SCRAPPED: Sentence("the instrument was scrapped", "器具已报废"),
    StickerReason.COPIED: Sentence("seen in two places, perhaps copied", "疑似被复制"),
    StickerReason.COURT_OR_AUTHORITY_ORDER: Sentence("by order of an authority", "依行政或司法决定"),
}
MADE_UP_WORDS: Final = {
    MadeUp.NO_ROLL: Sentence("the ledger has no roll of this name", "账本中没有该卷号"),
    MadeUp.NO_NUMBER: Sentence("the roll has no such number", "该卷没有此序号"),
    MadeUp.WRONG_TAG: Sentence("its tag is not that of the roll", "防伪位与该卷不符"),
}
_AGAINST: Final = frozenset({Status.FAILED, Status.CANCELLED, Status.WITHDRAWN})
_RELIED_ON: Final = frozenset({StickerStanding.UNUSED, StickerStanding.BOUND})


@dataclass(frozen=True, slots=True)
class _LoggedEvent:
    """A sticker's event as the steps on bundles take it, see `checks.Logged`."""

    origin: str
    statement_raw: bytes
    leaf_index: LeafIndex
    header: LeafHeader
    inclusion: tuple[bytes, ...]
    receipt: AnchorReceipt | None
    earlier: EarlierAnchor | None


def verify_sticker_proof(
    proof: StickerProof, session: Session, now: datetime, look: ChainLook | None = None
) -> tuple[Report, ShownSticker | None]:
    """Check a sticker's proof, offline unless `look` is given.

    Args:
        proof: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16, which is then required.

    Returns:
        The report, and what the proof shows; None if it does not hold.

    Raises:
        PolicyMismatchError: it is of another log.
        InputError: the statement of its event is not one.
    """
    require_origin(session.policy, proof.origin)
    event = proof.event
    opened, found = open_state(proof, None if event is None else event.leaf_index, session, now, look)
    if opened is None:
        return report_state(found, Verdict.INVALID, session, None, look), None
    if event is not None:
        found += _check_event(proof, event, opened, session)
    try:
        shown = show_sticker(proof, opened.established, opened.before)
        _refuse_strangers(opened.established.registers, shown)
    except (InputError, VerificationError) as err:
        found.append(checks.from_error(Step.STATUS, err))
        return report_state(found, Verdict.INVALID, session, None, look), None
    registers = opened.established.registers
    note = describe_sticker(shown, registers)
    found += [_check_id(shown), *_check_allotment(shown, registers)]
    found.append(judge_shown(note.en, note.zh, opened.age))
    report = report_state(found, _judge(shown), session, note, look, summarise_sticker(shown, registers))
    is_good = all(check.outcome is not Outcome.FAILED for check in report.checks)
    return report, shown if is_good else None


def report_sticker_code(session: Session) -> Report:
    """Report on the QR code of a sticker read offline: its id has the right check symbol, and that is all."""
    check = not_checked(
        Step.STATEMENT,
        "a sticker carries no signature, only an id without a typing error; open its page, or check its proof",
        "贴纸上没有签名，只有编号，其校验位正确；请打开其网页，或核验其证明文件",
    )
    return build_report([check], None, session.policy, None, complete=False)


def summarise_sticker(shown: ShownSticker, registers: Registers) -> StickerSummary:
    """Return what a proof shows, for programs."""
    binding, newest = shown.binding, shown.instrument
    return StickerSummary(
        id=shown.sticker,
        standing=shown.standing.value,
        roll=find_roll(shown.sticker),
        number=find_number(shown.sticker),
        institution=_name_owner(shown, registers),
        instrument=None if binding is None else binding.instrument_id.hex(),
        part=None if binding is None else binding.part,
        since=None if shown.since is None else encode_instant(shown.since),
        reason=None if shown.reason is None else shown.reason.value,
        leaf=shown.event,
        newest_document=None if newest is None else newest.current_certificate,
    )


def _name_owner(shown: ShownSticker, registers: Registers) -> str | None:
    """Return whose sticker it is; of an id that was made up, nobody's."""
    if shown.roll is None or shown.made_up is not None:
        return None
    return _name(shown.roll.institution, registers).zh


# --- steps --------------------------------------------------------------------------------------------------


def _check_event(
    proof: StickerProof, event: StickerEvent, opened: OpenedState, session: Session
) -> list[Check]:
    """Steps 4, 5, 12 and 17: the event is in the log, in order, by a key that counts there."""
    logged = _LoggedEvent(
        proof.origin,
        event.statement_raw,
        event.leaf_index,
        event.header,
        event.inclusion,
        proof.receipt,
        event.earlier,
    )
    signed = parse_signed_statement(event.statement_raw)
    known = opened.before.keys.get(signed.key_id)
    ended_at = session.find_end_of_key(signed.key_id)
    key = checks.check_key(known, signed.statement.issuer, event.leaf_index, ended_at)
    since = session.find_compromise(signed.key_id, opened.established.registers)
    if since is not None and key.outcome is Outcome.PASSED:
        key = checks.check_compromise(
            logged,
            since,
            opened.checkpoint,
            lambda receipt, state: checks.check_receipt(
                receipt, state, session.policy, session.verify_receipt
            ),
        )
    statement = checks.check_statement(signed, None if known is None else known.key, proof.origin)
    return [
        statement,
        key,
        checks.check_inclusion(logged, opened.checkpoint),
        _check_order(proof, event),
    ]


def _check_order(proof: StickerProof, event: StickerEvent) -> Check:
    try:
        verify_sequence(proof.evidence, event.leaf_index, event.header.sequenced_at_ms)
    except VerificationError as err:
        return checks.from_error(Step.TIME, err)
    return passed(Step.TIME, "between the times of its neighbours", "与前后记录的时间顺序一致")


def _refuse_strangers(registers: Registers, shown: ShownSticker) -> None:
    own = set[InstitutionId]() if shown.roll is None else {shown.roll.institution}
    strangers = sorted(registers.institutions.keys() - own)
    if strangers:
        raise VerificationError(f"the authority evidence is about other institutions too: {strangers[0]}")


def _check_id(shown: ShownSticker) -> Check:
    """Step 2: whether the roll has given this id out."""
    if shown.made_up is not None:
        words = MADE_UP_WORDS[shown.made_up]
        return passed(Step.BINDING, f"never given out: {words.en}", f"从未发放：{words.zh}")
    roll, number = find_roll(shown.sticker), find_number(shown.sticker)
    return passed(Step.BINDING, f"number {number} of roll {roll}", f"卷{roll}第{number}号")


def _check_allotment(shown: ShownSticker, registers: Registers) -> list[Check]:
    """Step 6: whose roll it is, under the pinned root."""
    if shown.roll is None:
        return [passed(Step.AUTHORITY, "the registers lead to the pinned root", "登记信息可追溯至信任根")]
    if shown.roll.institution not in registers.institutions:
        institution = shown.roll.institution
        en = f"institution {institution} is not registered"
        return [failed(Step.AUTHORITY, en, f"机构{institution}未登记")]
    name = _name(shown.roll.institution, registers)
    return [
        passed(
            Step.AUTHORITY,
            f"allotted to {name.en}, registered under the pinned root",
            f"发放给{name.zh}，已在信任根下登记",
        )
    ]


def _judge(shown: ShownSticker) -> Verdict:
    if shown.standing not in _RELIED_ON:
        return Verdict.INVALID
    has_failed = any(_is_against(state) for state in (shown.instrument, shown.whole))
    return Verdict.INVALID if has_failed else Verdict.UNKNOWN


def _is_against(state: SubjectState | None) -> bool:
    return state is not None and state.status in _AGAINST


# --- words --------------------------------------------------------------------------------------------------


def describe_sticker(shown: ShownSticker, registers: Registers) -> Sentence:
    """Say what a proof shows, in one sentence."""
    code = format_code(shown.sticker)
    if shown.made_up is not None:
        words = MADE_UP_WORDS[shown.made_up]
        return Sentence(f"sticker {code} was never given out: {words.en}", f"贴纸{code}从未发放：{words.zh}")
    whom = Sentence("", "") if shown.roll is None else _name(shown.roll.institution, registers)
    if shown.binding is None or shown.since is None:
        return Sentence(
            f"sticker {code} was given out to {whom.en}, and is not in use",
            f"贴纸{code}已发放给{whom.zh}，尚未启用",
        )
    place, day = _describe_place(shown), f"{shown.since:%Y-%m-%d %H:%M} UTC"
    by = _name(shown.speaker or "", registers)
    if shown.standing is StickerStanding.RELEASED and shown.reason is not None:
        why = REASON_WORDS[shown.reason]
        return Sentence(
            f"sticker {code} was taken off {place.en} by {by.en} ({why.en}), in the log since {day}",
            f"贴纸{code}已由{by.zh}从{place.zh}收回（{why.zh}），入账时间{day}",
        )
    if shown.standing is StickerStanding.REPLACED:
        return Sentence(
            f"sticker {code} stood on {place.en}, where another one has taken its place",
            f"贴纸{code}曾贴于{place.zh}，该处已换贴其他标志",
        )
    newest = _describe_instrument(shown.instrument)
    return Sentence(
        f"sticker {code} stands on {place.en}, by {by.en}, in the log since {day}; {newest.en}",
        f"贴纸{code}由{by.zh}贴于{place.zh}，入账时间{day}；{newest.zh}",
    )


def _describe_place(shown: ShownSticker) -> Sentence:
    if shown.binding is None:
        return Sentence("nothing", "无")
    name, part = shown.binding.instrument_id.hex(), shown.binding.part
    if part is None:
        return Sentence(f"instrument {name}", f"器具{name}")
    return Sentence(f"part {part} of instrument {name}", f"器具{name}的部件{part}")


def _describe_instrument(state: SubjectState | None) -> Sentence:
    if state is None or state.current_certificate is None:
        return Sentence("no verification of that is in the ledger yet", "账本中尚无其检定记录")
    newest, status = state.current_certificate, state.status.name
    return Sentence(
        f"its newest document is leaf {newest}, status {status}",
        f"其最新证书为账本第{newest}条，状态{status}",
    )


def _name(owner: str, registers: Registers) -> Sentence:
    """Return how an institution, or an authority, is called."""
    known = registers.institutions.get(InstitutionId(owner)) or registers.authorities.get(owner)
    if known is None:
        return Sentence(owner, owner)
    return Sentence(known.name.en or known.name.zh, known.name.zh)
