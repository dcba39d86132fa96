"""May this document be issued? The rules of the core, asked before a number and a seal are spent on it.

The gate compares a draft with the ledger's registers and with the rule book, and gives every reason against
it at once. The log's admission and every verifier ask the same rules again; the gate is a help, not a guard.
What it asks beyond the shared rules: that the institution and its seal key are in force.

>>> gate = Gate(registers, rule_book, institution, key_id, zone)
>>> gate.find_reasons(record, now)
[Reason(code='EXPIRY', field='validity.until', en='later than 2027-05-19, the last day allowed', zh=...)]
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger.core.errors import DocumentRefusedError, Reason
from ledger.core.ids import InstitutionId, KeyId
from ledger.core.judging import Grounds, judge_record
from ledger.core.record import Issuer, Record
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import check_scope
from ledger.core.regulation import RuleBook
from ledger.core.rules import Clocks, check_times
from ledger.core.scope import ScopeContent
from ledger.core.status import Registers

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""By which clocks may disagree before a document is refused for the order of its times."""

_ANY_LAG: Final = timedelta.max
"""How late a document enters the log is for policies to judge, never a ground for refusing it."""
_UNKNOWN: Final = "-"


@dataclass(frozen=True, slots=True)
class Gate:
    """What one institution may issue, by one state of the registers."""

    registers: Registers
    rule_book: RuleBook
    institution: InstitutionId
    key_id: KeyId
    """Of the seal."""
    zone: ZoneInfo

    def name_issuer(self, record: Record, scope_id: str | None) -> Issuer:
        """Return the issuer of a document: the institution as registered, and the line that covers it.

        Args:
            record: what is to be covered.
            scope_id: the line that the document names; None: the first that covers it, else the first at all.
        """
        registered = self.registers.institutions.get(self.institution)
        name = _UNKNOWN if registered is None else registered.name.zh
        lines = self._list_lines() if scope_id is None else self._list_named(scope_id)
        issuers = [Issuer(self.institution, name, line.authorisation_no, line.id) for line in lines]
        for issuer in issuers:
            if not check_scope(replace(record, issuer=issuer), self.registers).reasons:
                return issuer
        return issuers[0] if issuers else Issuer(self.institution, name, _UNKNOWN, scope_id or _UNKNOWN)

    def find_reasons(self, record: Record, now: datetime) -> list[Reason]:
        """Return every reason why this document must not be issued now.

        Args:
            record: with its issuer, see `name_issuer`; its number does not matter.
            now: aware UTC.
        """
        clocks = Clocks(sealed_at=now, sequenced_at=None, anchored_at=None, now=now)
        results = (
            *judge_record(record, Grounds(self.registers, self.rule_book)).values(),
            check_times(record, clocks, self.zone, CLOCK_TOLERANCE, _ANY_LAG),
        )
        reasons = [*self._check_issuer(), *(reason for result in results for reason in result.reasons)]
        return list(dict.fromkeys(reasons))

    def require(self, record: Record, now: datetime) -> None:
        """Refuse what must not be issued.

        Raises:
            DocumentRefusedError: with every reason.
        """
        reasons = self.find_reasons(record, now)
        if reasons:
            raise DocumentRefusedError(reasons)

    def _check_issuer(self) -> Iterator[Reason]:
        registered = self.registers.institutions.get(self.institution)
        if registered is None:
            yield Reason(
                "AUTHORITY",
                "issuer.id",
                f"{self.institution} is not registered",
                f"机构{self.institution}未登记",
            )
        elif registered.state is not RegisterState.ACTIVE:
            yield Reason("AUTHORITY", "issuer.id", f"is {registered.state.value}", "该机构已暂停或撤销")
        key = self.registers.keys.get(self.key_id)
        if key is None or key.owner != self.institution:
            yield Reason(
                "KEY", "issuer", "the seal key is not registered for this institution", "印章密钥未登记"
            )
        elif key.until is not None:
            yield Reason("KEY", "issuer", "the seal key is no longer active", "印章密钥已停用")

    def _list_lines(self) -> list[ScopeContent]:
        scopes = self.registers.scopes.items()
        return [line for (owner, _), line in sorted(scopes) if owner == self.institution]

    def _list_named(self, scope_id: str) -> list[ScopeContent]:
        line = self.registers.scopes.get((self.institution, scope_id))
        return [] if line is None else [line]
