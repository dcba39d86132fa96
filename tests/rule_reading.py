"""What tests look at in the results of rules."""

import re

from ledger.core.rule_result import RuleResult


def codes(result: RuleResult) -> list[tuple[str, str]]:
    return [(reason.code, reason.field) for reason in result.reasons]


def assert_bilingual(result: RuleResult) -> None:
    assert result.text.en
    assert re.search(r"[\u4e00-\u9fff]", result.text.zh)
    for reason in result.reasons:
        assert reason.en
        assert re.search(r"[\u4e00-\u9fff]", reason.zh)
