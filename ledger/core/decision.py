"""Decision rules (符合性判定规则): whether an error conforms to a limit, its uncertainty considered.

Only a calibration certificate that its customer wants a conclusion on has one; a verification is judged by its
regulation, see `limit`.

    simple acceptance     |E| <= MPE: pass, else fail; the uncertainty is a risk that both sides have agreed on
    guarded acceptance    w = factor * U:  |E| <= MPE - w: pass;  |E| > MPE + w: fail;  between: conditional

Errors may be quotients, so they are compared as fractions, and no number is rounded.

>>> rule = DecisionRule(AcceptanceRule.GUARDED, Decimal(1), "JJF 1587-2016 §5")
>>> judge_conformity(Fraction(8, 100), Decimal("0.10"), Decimal("0.03"), rule)
<Conclusion.CONDITIONAL: 3>

Source: ISO/IEC 17025:2017 §7.8.6; ILAC-G8:09/2019 §4.2; JJF 1094-2002 (待定).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger.core.exact import Exact, fraction_from_decimal
from ledger.core.fields import Reader
from ledger.core.statement import Conclusion


class AcceptanceRule(StrEnum):
    """How the uncertainty of a measured value counts."""

    SIMPLE = "simple_acceptance"
    GUARDED = "guarded_acceptance"


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """By which rule, and to which requirement, a calibration certificate states conformity."""

    rule: AcceptanceRule
    guard_factor: Decimal | None
    """w / U, above 0 and at most 10; set exactly for `GUARDED`."""
    requirement: str
    """What the limits are of: a specification with its clause, or the customer's own words."""


_LARGEST_FACTOR: Final = Decimal(10)
_WORST_FIRST: Final = (Conclusion.FAIL, Conclusion.CONDITIONAL)


def parse_decision_rule(reader: Reader) -> DecisionRule:
    """Parse the decision rule of a calibration certificate.

    Raises:
        InputError: not such a member.
    """
    rule, factor = reader.enum("rule", AcceptanceRule), reader.opt_decimal("guard_factor")
    if (factor is not None) != (rule is AcceptanceRule.GUARDED):
        reader.refuse("guard_factor", "belongs to guarded acceptance, and to nothing else")
    if factor is not None and not 0 < factor <= _LARGEST_FACTOR:
        reader.refuse("guard_factor", f"is above 0 and at most {_LARGEST_FACTOR}")
    found = DecisionRule(rule, factor, reader.text("requirement", max_bytes=200))
    reader.finish()
    return found


def judge_conformity(
    error: Exact, limit: Decimal, expanded_uncertainty: Decimal, rule: DecisionRule
) -> Conclusion:
    """Return what a rule says of one measured error.

    Args:
        error: measured, exactly; its sign does not matter.
        limit: maximum permissible error; its magnitude counts. All three in one unit.
        expanded_uncertainty: U of the error, above 0.
        rule: the decision rule.

    Raises:
        MalformedDocumentError: not plain numbers.
    """
    size, largest = abs(fraction_from_decimal(error)), abs(fraction_from_decimal(limit))
    if rule.guard_factor is None:
        return Conclusion.PASS if size <= largest else Conclusion.FAIL
    guard = fraction_from_decimal(rule.guard_factor) * fraction_from_decimal(expanded_uncertainty)
    if size <= largest - guard:
        return Conclusion.PASS
    return Conclusion.FAIL if size > largest + guard else Conclusion.CONDITIONAL


def find_worst(conclusions: Iterable[Conclusion]) -> Conclusion:
    """Return the conclusion of a whole that has these parts."""
    found = set(conclusions)
    return next((each for each in _WORST_FIRST if each in found), Conclusion.PASS)
