"""Who may do what to a draft, and from which state: a table, and nothing else.

    DRAFT --submit, operator--> SUBMITTED --check, checker--> CHECKED --approve, approver--> APPROVED
      ^ |                           |                            |
      | +--discard--> DISCARDED     |                            |
      +--------return, with a reason, any of the three-----------+

What is submitted is never edited: it is returned, its number is void for ever, and a new revision is open. An
APPROVED draft has its seal; how far the document has come then, the desk's documents say.

>>> take_step(Standing(DraftState.SUBMITTED, PEOPLE), Action.CHECK, "P-0112")
<DraftState.CHECKED: 'checked'>
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.core.errors import InputError, StateError
from ledger.core.record import Role


class DraftState(StrEnum):
    """How far a draft has come."""

    DRAFT = "draft"
    """Its operator works on it."""
    SUBMITTED = "submitted"
    """Its bytes and its number are fixed, and the operator has signed."""
    CHECKED = "checked"
    """The checker has signed too."""
    APPROVED = "approved"
    """The approver has signed, and the institution has put its seal on it."""
    DISCARDED = "discarded"
    """Given up by its operator; it never becomes a document."""


class Action(StrEnum):
    """What somebody does to a draft."""

    CREATE = "create"
    EDIT = "edit"
    SUBMIT = "submit"
    CHECK = "check"
    APPROVE = "approve"
    RETURN = "return"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who answers for a draft, by public pseudonyms."""

    operator: str
    checker: str | None = None
    """None: nobody is named yet. Who is named before the submission was named by a file, and may be replaced."""
    approver: str | None = None

    def find_roles(self, person: str) -> frozenset[Role]:
        """Return the roles of a person; none for a stranger."""
        named = {Role.OPERATOR: self.operator, Role.CHECKER: self.checker, Role.APPROVER: self.approver}
        return frozenset(role for role, holder in named.items() if holder == person)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the table looks at."""

    state: DraftState
    people: Assignment


@dataclass(frozen=True, slots=True)
class _Step:
    after: DraftState
    by: frozenset[Role]
    """Any of these."""


_OPERATOR: Final = frozenset({Role.OPERATOR})
_ANY: Final = frozenset(Role)

STEPS: Final[Mapping[tuple[DraftState, Action], _Step]] = {
    (DraftState.DRAFT, Action.EDIT): _Step(DraftState.DRAFT, _OPERATOR),
    (DraftState.DRAFT, Action.SUBMIT): _Step(DraftState.SUBMITTED, _OPERATOR),
    (DraftState.DRAFT, Action.DISCARD): _Step(DraftState.DISCARDED, _OPERATOR),
    (DraftState.SUBMITTED, Action.CHECK): _Step(DraftState.CHECKED, frozenset({Role.CHECKER})),
    (DraftState.SUBMITTED, Action.RETURN): _Step(DraftState.DRAFT, _ANY),
    (DraftState.CHECKED, Action.APPROVE): _Step(DraftState.APPROVED, frozenset({Role.APPROVER})),
    (DraftState.CHECKED, Action.RETURN): _Step(DraftState.DRAFT, _ANY),
}
"""Every step that there is; whatever is not here is refused."""

FROZEN: Final = frozenset({DraftState.SUBMITTED, DraftState.CHECKED, DraftState.APPROVED})
"""States in which a draft holds a number."""

NEEDS_REASON: Final = frozenset({Action.RETURN, Action.DISCARD})

_DONE: Final = {
    Action.SUBMIT: frozenset({DraftState.SUBMITTED, DraftState.CHECKED, DraftState.APPROVED}),
    Action.CHECK: frozenset({DraftState.CHECKED, DraftState.APPROVED}),
    Action.APPROVE: frozenset({DraftState.APPROVED}),
    Action.DISCARD: frozenset({DraftState.DISCARDED}),
}
"""States in which an action has been done already."""


def is_done(state: DraftState, action: Action) -> bool:
    """Tell whether a draft is where an action leads to, or beyond."""
    return state in _DONE.get(action, frozenset())


def take_step(standing: Standing, action: Action, person: str) -> DraftState:
    """Return the state after an action.

    Args:
        standing: of the draft now.
        action: what is to be done.
        person: who does it, a public pseudonym.

    Raises:
        StateError: not from this state, or not for this person.
    """
    step = STEPS.get((standing.state, action))
    if step is None:
        raise StateError(f"a draft that is {standing.state} is not open for the step {action!r}")
    if not step.by & standing.people.find_roles(person):
        who = " or ".join(role.value for role in Role if role in step.by)
        raise StateError(f"the step {action!r} is for the {who} of this draft, not for {person}")
    return step.after


def check_assignment(people: Assignment, *, checker_may_approve: bool) -> None:
    """Refuse people who must not answer for one document together.

    Args:
        people: all three named.
        checker_may_approve: whether the authority allows this institution that checker and approver are one.

    Raises:
        InputError: one is missing, or has two roles that are kept apart.
    """
    for name, person in (("checker", people.checker), ("approver", people.approver)):
        if not person:
            raise InputError("must be named when the operator submits", field=name)
        if person == people.operator:
            raise InputError("is the operator, who does not check or approve their own work", field=name)
    if people.checker == people.approver and not checker_may_approve:
        message = "is the checker; the authority has not allowed this institution that both are one person"
        raise InputError(message, field="approver")


def require_reason(reason: str) -> str:
    """Return a reason as it is kept: one line that says something.

    Raises:
        InputError: empty, longer than 400 bytes of UTF-8, or with characters that cannot be printed.
    """
    text = reason.strip()
    if not text:
        raise InputError("is needed: it is kept for ever", field="reason")
    if len(text.encode()) > MAX_REASON_BYTES or not text.isprintable():
        raise InputError(f"is one line of at most {MAX_REASON_BYTES} bytes", field="reason")
    return text


MAX_REASON_BYTES: Final = 400
