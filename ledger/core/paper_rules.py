"""What can be said of an entry from paper (纸质证书登记): who made it. All else is as the paper has it.

The rules of its day are not held against it: what was in force and authorised then is not in the ledger, and
whoever signed the paper has signed the paper.

>>> judge_paper(record, registers)[Step.LIMITS].outcome
<Outcome.NOT_CHECKED: 'NOT_CHECKED'>
"""

from typing import Final

from ledger.core.authority import Register
from ledger.core.errors import Reason
from ledger.core.event import person_subject
from ledger.core.person import PersonContent
from ledger.core.record import PaperEntry, Record
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import is_whole
from ledger.core.rule_result import RuleResult, judge_open
from ledger.core.status import Registers
from ledger.core.step import Outcome, Sentence, Step

PAPER_STEPS: Final = (
    *(Step.SCOPE, Step.PERSONS, Step.REGULATION, Step.STANDARDS, Step.LIMITS, Step.EXPIRY, Step.TYPE),
)
"""Steps that nobody can take for a paper certificate: they are never required of its entry."""

_AS_ON_PAPER: Final = RuleResult(
    Outcome.NOT_CHECKED,
    Sentence(
        "paper register: as the paper has it, not held against the rules of its day",
        "纸质证书登记：照录纸质证书，未按当时的规定核对",
    ),
)


def judge_paper(record: Record, registers: Registers) -> dict[Step, RuleResult]:
    """Return what the rules say of an entry from paper, by step."""
    return dict.fromkeys(PAPER_STEPS, _AS_ON_PAPER) | {Step.PERSONS: check_entry(record, registers)}


def check_entry(record: Record, registers: Registers) -> RuleResult:
    """Check that whoever has made the entry was registered with the institution on that day."""
    paper = record.paper
    reasons = [] if paper is None else list(_find_faults(record, paper, registers))
    en = "paper register: whoever signed the paper signs no entry of it"
    zh = "纸质证书登记：签字人员已在纸质证书上签字，无须对登记签名"
    if paper is None:
        return judge_open(reasons, en, zh)
    day = paper.entered_on
    return judge_open(reasons, f"{en}; entered on {day}", f"{zh}；登记日期{day}")


def _find_faults(record: Record, paper: PaperEntry, registers: Registers) -> list[Reason]:
    """Find what is against whoever has entered it; sentences do not name the person."""
    subject = person_subject(record.issuer.id, paper.entered_by)
    content = registers.find_on(subject, PersonContent, paper.entered_on)
    field = "paper.entered_by"
    if content is None:
        if not is_whole(Register.PERSON, record, registers):
            return []
        en, zh = "whoever has entered it is not registered", "登记人员未登记"
        return [Reason("PERSON_UNREGISTERED", field, en, zh)]
    if content.state is not RegisterState.ACTIVE:
        en, zh = f"whoever has entered it is {content.state.value}", "登记人员的登记已暂停或撤销"
        return [Reason("PERSON_EXPIRED", field, en, zh)]
    if content.valid_until < paper.entered_on:
        until = content.valid_until
        en, zh = f"whoever has entered it was registered until {until}", f"登记人员的登记有效期至{until}"
        return [Reason("PERSON_EXPIRED", field, en, zh)]
    return []
