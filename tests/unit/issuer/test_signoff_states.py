import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.signoff.states import (
    FROZEN,
    STEPS,
    Action,
    Assignment,
    DraftState,
    Standing,
    check_assignment,
    is_done,
    require_reason,
    take_step,
)
from ledger.core.errors import InputError, StateError

PEOPLE = Assignment("op", "ch", "ap")
ROLES = {"op": "operator", "ch": "checker", "ap": "approver"}
EXPECTED = {
    (DraftState.DRAFT, Action.EDIT): ("op", DraftState.DRAFT),
    (DraftState.DRAFT, Action.SUBMIT): ("op", DraftState.SUBMITTED),
    (DraftState.DRAFT, Action.DISCARD): ("op", DraftState.DISCARDED),
    (DraftState.SUBMITTED, Action.CHECK): ("ch", DraftState.CHECKED),
    (DraftState.SUBMITTED, Action.RETURN): ("op ch ap", DraftState.DRAFT),
    (DraftState.CHECKED, Action.APPROVE): ("ap", DraftState.APPROVED),
    (DraftState.CHECKED, Action.RETURN): ("op ch ap", DraftState.DRAFT),
}


@pytest.mark.parametrize("state", DraftState)
@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("person", ["op", "ch", "ap", "stranger"])
def test_every_cell_of_the_table(state, action, person):
    """All states, actions and persons: what is not expected here is refused."""
    who, after = EXPECTED.get((state, action), ("", None))
    if person in who.split():
        assert take_step(Standing(state, PEOPLE), action, person) is after
        return
    with pytest.raises(StateError, match="is not open for" if not who else "is for the"):
        take_step(Standing(state, PEOPLE), action, person)


def test_the_table_has_no_step_beside_those():
    assert STEPS.keys() == EXPECTED.keys()


@pytest.mark.parametrize(
    ("people", "shared", "field"),
    [
        (Assignment("a"), False, "checker"),
        (Assignment("a", "b"), False, "approver"),
        (Assignment("a", "a", "b"), True, "checker"),
        (Assignment("a", "b", "a"), True, "approver"),
        (Assignment("a", "b", "b"), False, "approver"),
        (Assignment("a", "", "b"), False, "checker"),
    ],
)
def test_people_who_must_not_answer_together(people, shared, field):
    with pytest.raises(InputError) as refused:
        check_assignment(people, checker_may_approve=shared)
    assert refused.value.field == field


@pytest.mark.parametrize(("people", "shared"), [(PEOPLE, False), (Assignment("a", "b", "b"), True)])
def test_people_who_may(people, shared):
    check_assignment(people, checker_may_approve=shared)


MOVES = st.lists(st.tuples(st.sampled_from(Action), st.sampled_from(["op", "ch", "ap", "x"])), max_size=40)


@given(MOVES)
def test_whatever_people_try_three_different_signatures_stand_behind_an_approval(moves):
    """Random sequences: an approval follows a check, which follows a submission: three persons, none undone."""
    state, signed = DraftState.DRAFT, []
    for action, person in moves:
        try:
            after = take_step(Standing(state, PEOPLE), action, person)
        except StateError:
            continue
        if action in {Action.RETURN, Action.EDIT}:
            signed = []
        elif action is not Action.DISCARD:
            signed.append((action, person))
        assert state not in {DraftState.APPROVED, DraftState.DISCARDED}, "nothing leaves these"
        state = after
        assert (state in FROZEN) == bool(signed)
    if state is DraftState.APPROVED:
        assert signed == [(Action.SUBMIT, "op"), (Action.CHECK, "ch"), (Action.APPROVE, "ap")]


@pytest.mark.parametrize("state", DraftState)
def test_what_is_done_is_not_open_any_more(state):
    for action in Action:
        if is_done(state, action):
            assert (state, action) not in STEPS


@pytest.mark.parametrize("reason", ["", "   ", "两\n行", "a" * 401, "字" * 134, "\x1b[31m"])
def test_reasons_that_say_nothing_or_cannot_be_kept(reason):
    with pytest.raises(InputError, match="reason"):
        require_reason(reason)


def test_a_reason_is_one_line():
    assert require_reason(" 封印号不符 ") == "封印号不符"
