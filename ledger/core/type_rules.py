"""Rules about types: approved where the law asks for it, with the software that was examined, and not blocked.

>>> check_type(record, registers, book).outcome
<Outcome.PASSED: 'PASSED'>
"""

from collections.abc import Iterator

from ledger.core.authority import Register
from ledger.core.errors import Reason
from ledger.core.event import type_approval_subject
from ledger.core.record import Instrument, Record, Software
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import is_whole
from ledger.core.regulation import Control, RuleBook
from ledger.core.rule_result import RuleResult, judge, judge_open
from ledger.core.rules import find_cited_rule
from ledger.core.status import Registers
from ledger.core.type_approval import TypeApprovalContent


def check_type(record: Record, registers: Registers, book: RuleBook) -> RuleResult:
    """Check type approval, software and blocks, as of the verification date."""
    reasons = list(_find_blocks(record, registers))
    number = record.instrument.type_approval_no
    if number is None:
        return _judge_unnamed(reasons, record, registers, book)
    content = registers.find_on(type_approval_subject(number), TypeApprovalContent, record.verified_on)
    if content is None:
        if is_whole(Register.TYPE_APPROVAL, record, registers):
            en, zh = f"{number} is not registered", f"{number}未登记"
            reasons.append(Reason("CPA_UNREGISTERED", "instrument.cpa_no", en, zh))
        return judge_open(reasons, f"type approval not on record: {number}", f"型式批准未见登记：{number}")
    reasons += _find_faults(record, content)
    return judge(
        reasons, f"of the approved type {number}, not blocked", f"符合型式批准{number}，未被停止检定"
    )


def _judge_unnamed(reasons: list[Reason], record: Record, registers: Registers, book: RuleBook) -> RuleResult:
    rule = find_cited_rule(record, book)
    if rule is None or rule.control is not Control.TYPE_APPROVAL_AND_VERIFICATION:
        return judge(
            reasons, "no type approval is needed, and nothing is blocked", "无须型式批准，且未被停止检定"
        )
    if is_whole(Register.TYPE_APPROVAL, record, registers):
        en, zh = "needed for this category", "此类器具须经型式批准"
        reasons.append(Reason("CPA_MISSING", "instrument.cpa_no", en, zh))
    return judge_open(reasons, "no type approval is named", "未注明型式批准号")


def _find_blocks(record: Record, registers: Registers) -> Iterator[Reason]:
    instrument = record.instrument
    for block in () if instrument.maker is None else registers.list_blocks(instrument.maker):
        is_in_force = block.state is RegisterState.ACTIVE and block.valid_from <= record.verified_on
        if is_in_force and block.covers(instrument.model, instrument.serial):
            yield Reason(
                "BLOCKED",
                "instrument",
                f"blocked by decision {block.decision.number} of {block.decision.dated}",
                f"依{block.decision.dated}第{block.decision.number}号决定停止检定",
            )


def _find_faults(record: Record, content: TypeApprovalContent) -> Iterator[Reason]:
    instrument, number = record.instrument, content.number
    if content.state is not RegisterState.ACTIVE:
        en, zh = f"{number} is {content.state.value}", f"{number}已暂停或撤销"
        yield Reason("CPA_NOT_IN_FORCE", "instrument.cpa_no", en, zh)
    elif content.valid_until is not None and content.valid_until < record.verified_on:
        until = content.valid_until
        en, zh = f"{number} was good until {until}", f"{number}有效期至{until}"
        yield Reason("CPA_NOT_IN_FORCE", "instrument.cpa_no", en, zh)
    if instrument.category is not content.category:
        yield _differs("category", content.category.name)
    if instrument.maker != content.maker:
        yield _differs("maker", content.maker)
    if content.models and instrument.model not in content.models:
        yield _differs("model", ", ".join(sorted(content.models)))
    if content.software and not _is_approved(instrument.software, content):
        yield _software_reason(instrument, content)


def _differs(name: str, registered: str) -> Reason:
    en, zh = f"the type approval is for {registered}", f"型式批准为{registered}"
    return Reason("CPA_DIFFERS", f"instrument.{name}", en, zh)


def _is_approved(software: Software | None, content: TypeApprovalContent) -> bool:
    """Say whether software is what was examined: by name, and by hash wherever the approval has one."""
    if software is None:
        return False
    found = [item for item in content.software if item.id == software.id]
    return any(item.digest is None or item.digest == software.digest for item in found)


def _software_reason(instrument: Instrument, content: TypeApprovalContent) -> Reason:
    names = ", ".join(item.id for item in content.software)
    if instrument.software is None:
        en, zh = f"needed: the type approval names {names}", f"须注明：型式批准列明软件{names}"
    else:
        en, zh = f"is not what was examined with the type ({names})", f"与型式批准的软件不符（{names}）"
    return Reason("SOFTWARE", "instrument.software", en, zh)
