"""All rules that a document must keep: asked alike by desk, log and verifier.

>>> results = judge_record(record, Grounds(registers, load_rule_book()))
>>> [step.code for step, result in results.items() if result.outcome is Outcome.FAILED]
[]
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ledger.core.calibration_rules import check_conformity, check_interval, check_method, check_no_type
from ledger.core.errors import Reason
from ledger.core.paper_rules import judge_paper
from ledger.core.record import Record
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import KEY_ENDED, check_persons, check_scope
from ledger.core.regulation import RuleBook
from ledger.core.rule_result import RuleResult, judge_failed
from ledger.core.rules import check_expiry, check_limits, check_regulation
from ledger.core.standard_rules import check_standards
from ledger.core.statement import DocumentKind
from ledger.core.status import Registers
from ledger.core.step import Outcome, Sentence, Step
from ledger.core.type_rules import check_type

SINCE: Final = Sentence("; registered since: ", "；此后登记：")
"""Between what a rule found and what has been registered against the document since."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a document is judged by."""

    registers: Registers
    """As they were when it came into the log; as they are, if it has not yet."""
    tables: RuleBook
    """The product's own tables; what authorities have published takes their place."""
    roots: frozenset[str] | None = None
    """External roots of traceability that are believed; None: that is for each verifier to say."""
    newest: Registers | None = None
    """As they are now; None: nothing is known of later."""
    published_only: bool = False
    """Whether only regulations count that an authority has published."""

    @property
    def book(self) -> RuleBook:
        """Return the regulations that count."""
        rules = (self.newest or self.registers).rules
        return rules.alone if self.published_only else rules.over(self.tables)


def judge_record(record: Record, grounds: Grounds) -> dict[Step, RuleResult]:
    """Return what every rule says of a document, by step."""
    return judge_by_registers(record, grounds) | judge_by_book(record, grounds.book)


_OF_BOOK: Final = (Step.REGULATION, Step.LIMITS, Step.EXPIRY)
_OF_REGISTERS: Final = (Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.TYPE)


def judge_by_book(record: Record, book: RuleBook) -> dict[Step, RuleResult]:
    """Return what the rules say that need regulations only."""
    if record.document_kind is DocumentKind.PAPER:
        results = judge_paper(record, Registers())
        return {step: results[step] for step in _OF_BOOK}
    if record.document_kind is DocumentKind.CALIBRATION:
        return {
            Step.REGULATION: check_method(record, book),
            Step.LIMITS: check_conformity(record),
            Step.EXPIRY: check_interval(record),
        }
    return {
        Step.REGULATION: check_regulation(record, book),
        Step.LIMITS: check_limits(record, book),
        Step.EXPIRY: check_expiry(record, book),
    }


def judge_by_registers(record: Record, grounds: Grounds) -> dict[Step, RuleResult]:
    """Return what the rules say that need registers; what has become known since makes a warning."""
    rules = _list_rules(record, grounds)
    results = {step: check(grounds.registers) for step, check in rules.items()}
    newest = grounds.newest
    if newest is not None and _have_changed(grounds.registers, newest):
        since = {step: check(newest) for step, check in rules.items()}
        if ended := _find_end(record, grounds.registers, newest):
            since[Step.SCOPE] = judge_failed([*ended, *since[Step.SCOPE].reasons])
        return {step: _warn(result, since[step]) for step, result in results.items()}
    return results


def _list_rules(record: Record, grounds: Grounds) -> dict[Step, Callable[[Registers], RuleResult]]:
    """Return the rules that hold for this kind of document."""
    if record.document_kind is DocumentKind.PAPER:
        return {step: partial(_judge_paper_step, record, step) for step in _OF_REGISTERS}
    rules: dict[Step, Callable[[Registers], RuleResult]] = {
        Step.SCOPE: lambda registers: check_scope(record, registers),
        Step.PERSONS: lambda registers: check_persons(record, registers),
        Step.STANDARDS: lambda registers: check_standards(record, registers, grounds.book, grounds.roots),
        Step.TYPE: lambda registers: check_type(record, registers, grounds.book),
    }
    if record.document_kind is DocumentKind.CALIBRATION:
        rules[Step.TYPE] = lambda _: check_no_type()
    return rules


def _judge_paper_step(record: Record, step: Step, registers: Registers) -> RuleResult:
    return judge_paper(record, registers)[step]


def _have_changed(then: Registers, now: Registers) -> bool:
    """Say whether anything was registered between two states of one log."""
    if len(then.versions) != len(now.versions) or then.institutions != now.institutions:
        return True
    if any(known.compromised_from is not None for known in now.keys.values()):
        return True
    return any(len(versions) != len(now.versions[subject]) for subject, versions in then.versions.items())


def _find_end(record: Record, then: Registers, now: Registers) -> list[Reason]:
    """Say that the institution itself, which was in order then, is suspended or withdrawn now."""
    institution = record.issuer.id
    before, after = then.institutions.get(institution), now.institutions.get(institution)
    if before is None or after is None or before.state is not RegisterState.ACTIVE:
        return []
    if after.state is RegisterState.ACTIVE:
        return []
    return [
        Reason(
            "INSTITUTION",
            "issuer.id",
            f"institution {institution} is {after.state.value}",
            "该机构已暂停或撤销",
        )
    ]


def _warn(then: RuleResult, now: RuleResult) -> RuleResult:
    """Return a result as it stands after something against the document has been registered since."""
    against = tuple(reason for reason in now.reasons if reason.code != KEY_ENDED)
    if then.outcome is Outcome.FAILED or not against:
        return then
    since = replace(now, reasons=against).text
    sentence = Sentence(f"{then.sentence.en}{SINCE.en}{since.en}", f"{then.sentence.zh}{SINCE.zh}{since.zh}")
    return replace(then, sentence=sentence, warning=True)
