import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.finality import Finality, FinalityKind, parse_finality
from ledger.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "finality"),
    [
        ("immediate", Finality(FinalityKind.IMMEDIATE)),
        ("depth:1", Finality(FinalityKind.DEPTH, depth=1)),
        ("depth:99999", Finality(FinalityKind.DEPTH, depth=99999)),
        ("tag:safe", Finality(FinalityKind.TAG, tag="safe")),
        ("tag:finalized", Finality(FinalityKind.TAG, tag="finalized")),
    ],
)
def test_each_rule_round_trips(text, finality):
    assert parse_finality(text) == finality
    assert str(finality) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "Immediate", "immediate ", "depth", "depth:", "depth:0", "depth:-1", "depth:01", "depth:1.5",
        "depth:100000", "depth:１", "tag", "tag:",
        "tag:latest", "tag:Safe", "tag:safe:", "safe", "finalized", "depth:1\n",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text):
    with pytest.raises(InputError):
        parse_finality(text)


@given(st.text())
def test_any_text_is_refused_or_its_own_spelling(text):
    try:
        finality = parse_finality(text)
    except InputError:
        return
    assert str(finality) == text
