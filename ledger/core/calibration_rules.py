"""Rules that a calibration certificate must keep, in the places of those of a verification.

Scope line, persons, measurement standards and their chain, order of the times: as for a verification. The share of
the limit that a standard's uncertainty may have, limits of a regulation, its period, type approval and blocks are
of verifications, and do not apply; what is stated is recomputed, and a conclusion is judged by its decision rule.

>>> check_conformity(record).outcome
<Outcome.PASSED: 'PASSED'>
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from ledger.core.comparison import is_consistent
from ledger.core.decision import DecisionRule, find_worst, judge_conformity
from ledger.core.errors import Reason
from ledger.core.exact import fraction_from_decimal
from ledger.core.record import Point, Record, Result
from ledger.core.regulation import RuleBook, is_in_force
from ledger.core.rule_result import RuleResult, judge_failed, judge_passed
from ledger.core.rules import compute_indication_error, find_cited_rule, find_misstated_error
from ledger.core.statement import Conclusion
from ledger.core.step import Outcome, Sentence

_NAMES: Final = {
    Conclusion.PASS: Sentence("pass", "符合"),
    Conclusion.CONDITIONAL: Sentence("conditional", "待定"),
    Conclusion.FAIL: Sentence("fail", "不符合"),
}


def check_method(record: Record, book: RuleBook) -> RuleResult:
    """Say by what was calibrated; a regulation that is cited too must have been in force if it is on record."""
    rule = find_cited_rule(record, book)
    if rule is not None and not is_in_force(rule, record.verified_on):
        en = f"{rule.regulation_id} is not in force on {record.verified_on}"
        zh = f"{rule.regulation_id}在{record.verified_on}不是现行规程"
        return judge_failed([Reason("REGULATION", "regulation.id", en, zh)])
    cited = [item.id for item in (record.specification, record.regulation) if item is not None]
    return judge_passed(
        f"calibrated by {', '.join(cited)}; a calibration verifies nothing by a regulation",
        f"依据{'、'.join(cited)}校准；校准不是检定",
    )


def check_conformity(record: Record) -> RuleResult:
    """Recompute every error, and the conclusion by the decision rule that the certificate states."""
    reasons = list(_find_misstated(record))
    if record.decision_rule is not None and record.conclusion is not None:
        reasons += _find_wrong_conclusions(record, record.decision_rule, record.conclusion)
    if reasons:
        return judge_failed(reasons)
    count = sum(len(result.points) for result in record.results)
    sentence = _describe(record, count)
    apart = [item.name for item in record.comparisons if not is_consistent(item.own, item.reference)]
    if apart:
        en, zh = f"En above 1: {', '.join(apart)}", f"En大于1：{'、'.join(apart)}"
        sentence = Sentence(f"{sentence.en}; {en}", f"{sentence.zh}；{zh}")
    return RuleResult(Outcome.PASSED, sentence, warning=bool(apart))


def check_interval(record: Record) -> RuleResult:
    """Say whether a date is stated; that the customer has agreed on it is a condition of reading the record."""
    until = record.validity.until
    if until is None:
        return judge_passed("no interval is recommended", "未给出复校时间间隔")
    return judge_passed(f"{until} was agreed with the customer", f"{until}系与客户约定")


def check_no_type() -> RuleResult:
    """Say that types are approved for verification, and blocked from it."""
    return judge_passed("a calibration needs no type approval", "校准不要求型式批准")


def _describe(record: Record, count: int) -> Sentence:
    if record.decision_rule is None or record.conclusion is None:
        return Sentence(f"{count} values, no conclusion", f"{count}个校准结果，未作符合性结论")
    rule, name = record.decision_rule, _NAMES[record.conclusion]
    guard = "" if rule.guard_factor is None else f" w={rule.guard_factor}U"
    return Sentence(
        f"{count} values, {name.en} by {rule.rule.value.replace('_', ' ')}{guard} ({rule.requirement})",
        f"{count}个校准结果，按{_RULE_NAMES[rule.rule.value]}{guard}判定为{name.zh}（{rule.requirement}）",
    )


_RULE_NAMES: Final = {"simple_acceptance": "简单接受", "guarded_acceptance": "带保护带的接受"}


def _find_misstated(record: Record) -> Iterator[Reason]:
    for number, result in enumerate(record.results):
        for position, point in enumerate(result.points):
            if find_misstated_error(result, point):
                field = f"results[{number}].points[{position}].error"
                en, zh = "does not follow from nominal and measured", "与标准值和示值计算不符"
                yield Reason("LIMITS", field, en, zh)


def _find_wrong_conclusions(record: Record, rule: DecisionRule, stated: Conclusion) -> Iterator[Reason]:
    """Compare the conclusion with the worst that its values give; those before an adjustment do not count."""
    found = []
    for number, result in enumerate(record.results):
        for position, point in enumerate(() if result.before_adjustment else result.points):
            if point.maximum_permissible_error is None:
                field = f"results[{number}].points[{position}].mpe"
                yield Reason(
                    "DECISION", field, "needed where conformity is stated", "作出符合性结论须给出限值"
                )
            else:
                found.append(_judge(result, point, rule))
    worst = find_worst(found)
    if not found:
        en, zh = "conformity of no value", "没有可判定的校准结果"
        yield Reason("DECISION", "conclusion", en, zh)
    elif worst is not stated:
        en, zh = f"is {_NAMES[worst].en} by its decision rule", f"按判定规则应为{_NAMES[worst].zh}"
        yield Reason("DECISION", "conclusion", en, zh)


def _judge(result: Result, point: Point, rule: DecisionRule) -> Conclusion:
    computed = compute_indication_error(result, point)
    error: Fraction = (
        fraction_from_decimal(point.indication_error) if computed is None else computed.to_fraction()
    )
    limit, uncertainty = point.maximum_permissible_error, point.expanded_uncertainty
    if (
        limit is None or uncertainty is None
    ):  # neither happens: see `_find_wrong_conclusions`, `further_kinds`
        return Conclusion.FAIL
    return judge_conformity(error, limit, uncertainty, rule)
