"""Steps: numbered from 1 without gaps, named once, and titled in both languages."""

import re

import pytest

from ledger.core.step import Check, Outcome, Sentence, Step, Verdict, failed, not_checked, passed
from verifier import verify

CODES = [
    *("integrity", "binding", "seal", "statement", "key", "authority", "scope", "persons", "regulation"),
    *(
        "standards",
        "limits",
        "inclusion",
        "checkpoint",
        "quorum",
        "receipt",
        "chain",
        "time",
        "expiry",
        "status",
        "type",
    ),
]


def test_steps_are_numbered_in_their_order():
    assert [step.number for step in Step] == list(range(1, 21))
    assert [step.code for step in Step] == CODES


def test_every_step_has_a_title_in_both_languages():
    for step in Step:
        assert re.fullmatch(r"[a-z ]+", step.title.en)
        assert re.search(r"[\u4e00-\u9fff]", step.title.zh)
    assert len({step.title for step in Step}) == len(Step)


def test_the_verifier_lists_the_steps_by_the_same_numbers():
    listed = dict(re.findall(r"(?:^ ?| {2,})(\d+) (\w+) ", verify.__doc__, re.MULTILINE))
    assert listed == {str(step.number): step.code for step in Step}


def test_outcomes_and_verdicts_are_words():
    assert [str(outcome) for outcome in Outcome] == ["PASSED", "FAILED", "NOT_CHECKED"]
    assert [str(verdict) for verdict in Verdict] == ["VALID", "ATTENTION", "INVALID", "UNKNOWN"]


@pytest.mark.parametrize(
    ("make", "outcome"),
    [(passed, Outcome.PASSED), (failed, Outcome.FAILED), (not_checked, Outcome.NOT_CHECKED)],
)
def test_checks_are_made_by_outcome(make, outcome):
    assert make(Step.KEY, "en", "zh") == Check(Step.KEY, outcome, Sentence("en", "zh"), warning=False)


def test_a_warning_is_a_passed_step_that_people_should_look_at():
    assert passed(Step.TIME, "late", "迟", warning=True).warning


def test_steps_can_be_looked_up_and_kept_in_sets():
    assert {step: step.number for step in Step}[Step.TIME] == 17
    assert Step["TIME"] in frozenset(Step)
