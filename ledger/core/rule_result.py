"""What a rule says of one document: the outcome that a verifier reports, the reasons that a gate refuses for.

>>> judge([], "in order", "符合").outcome
<Outcome.PASSED: 'PASSED'>
"""

from dataclasses import dataclass

from ledger.core.errors import Reason
from ledger.core.step import Outcome, Sentence


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What a rule says of one document."""

    outcome: Outcome
    sentence: Sentence
    """What it found; empty where the reasons alone speak."""
    reasons: tuple[Reason, ...] = ()
    """Grounds on which the desk and the log refuse the document."""
    warning: bool = False

    @property
    def text(self) -> Sentence:
        """Return what was found and all reasons as one sentence."""
        if not self.reasons:
            return self.sentence
        en = [f"{reason.field}: {reason.en}" for reason in self.reasons]
        zh = [f"{reason.field}：{reason.zh}" for reason in self.reasons]
        if self.sentence.en:
            en, zh = [self.sentence.en, *en], [self.sentence.zh, *zh]
        return Sentence("; ".join(en), "；".join(zh))


def judge(reasons: list[Reason], en: str, zh: str) -> RuleResult:
    """Return a failure for these reasons; without any, that all is well, in these words."""
    return judge_failed(reasons) if reasons else judge_passed(en, zh)


def judge_passed(en: str, zh: str) -> RuleResult:
    """Return that a rule is kept."""
    return RuleResult(Outcome.PASSED, Sentence(en, zh))


def judge_failed(reasons: list[Reason]) -> RuleResult:
    """Return that a rule is broken."""
    return RuleResult(Outcome.FAILED, Sentence("", ""), tuple(reasons))


def judge_open(reasons: list[Reason], en: str, zh: str) -> RuleResult:
    """Return a failure for these reasons; without any, that a part could not be judged, in these words."""
    return judge_failed(reasons) if reasons else RuleResult(Outcome.NOT_CHECKED, Sentence(en, zh))
