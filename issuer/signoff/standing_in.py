"""Documents that do not name everybody yet, checked all the same: nobody stands in, and nobody is not missed.

>>> people = stand_in(Assignment("P-0107"))
>>> people.checker
'-checker'
>>> PatientGate.of(office.make_gate(registers)).find_reasons(record, now)
[]
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final, Self

from issuer.gate import Gate
from issuer.signoff.states import Assignment
from ledger.core.errors import Reason
from ledger.core.record import Record, Role

_NOBODY: Final = {role: f"-{role.value}" for role in Role}
"""Role -> who stands in: another one for each, so that no two roles seem to be of one person."""
NOBODY: Final = _NOBODY[Role.OPERATOR]
"""Operator of a document whose operator nobody knows yet."""


def stand_in(people: Assignment) -> Assignment:
    """Return people with somebody in every role."""
    return replace(
        people,
        checker=people.checker or _NOBODY[Role.CHECKER],
        approver=people.approver or _NOBODY[Role.APPROVER],
    )


@dataclass(frozen=True, slots=True)
class PatientGate(Gate):
    """A gate that says nothing about those who stand in; what passes may still be refused when all are named."""

    @classmethod
    def of(cls, gate: Gate) -> Self:
        """Return the patient sister of a gate."""
        return cls(**{one.name: getattr(gate, one.name) for one in fields(gate)})

    def find_reasons(self, record: Record, now: datetime) -> list[Reason]:
        """Return every reason that is not about somebody who stands in; see `Gate.find_reasons`."""
        absent = tuple(
            f"persons[{place}]"
            for place, person in enumerate(record.persons)
            if person.person_id == _NOBODY[person.role]
        )
        reasons = Gate.find_reasons(self, record, now)
        return [one for one in reasons if not (absent and one.field.startswith(absent))]
