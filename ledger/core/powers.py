"""Who may: what every event asks of the key, the institution or the authority that speaks.

>>> check_institution("350100-01", signed.key_id, index, registers).name.zh
'福州计量所'
"""

from collections.abc import Sequence
from datetime import date, datetime

from ledger.core.authority import AuthorityContent, InstitutionContent, Power, Trade
from ledger.core.ids import InstitutionId, KeyId, LeafIndex, Subject
from ledger.core.register_fields import RegisterState
from ledger.core.statement import SignedStatement, Statement
from ledger.core.status import RegisteredKey, Registers, SubjectState


class NoEffectError(Exception):
    """Ends the judging of an event; its text is the reason."""


def refuse_acts(_: LeafIndex) -> Subject:
    """Give acts no effect: the `IssueSubjects` of folds that hold no issues."""
    raise NoEffectError("acts are not judged here")


def check_institution(
    issuer: str, key_id: KeyId, index: LeafIndex, registers: Registers
) -> InstitutionContent:
    """Require an active institution, and a key of its own."""
    institution = registers.institutions.get(InstitutionId(issuer))
    if institution is None or institution.state is not RegisterState.ACTIVE:
        raise NoEffectError(f"institution {issuer} is not registered or not active")
    check_key(registers, key_id, issuer, index)
    return institution


def require_trade(institution: InstitutionContent, trade: Trade) -> None:
    """Require that an organisation is registered for what it does here."""
    if institution.trade is not trade:
        raise NoEffectError(
            f"{institution.id} is registered for {institution.trade.value}, not {trade.value}"
        )


def check_own(statement: Statement, issuer: InstitutionId, what: str) -> None:
    """Require that an institution speaks of what is its own."""
    if statement.issuer != issuer:
        raise NoEffectError(f"{what} is of {issuer}, not of {statement.issuer}")


def check_decider(
    signed: SignedStatement,
    institutions: Sequence[InstitutionId],
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require an authority that may decide about what these institutions have issued."""
    divisions = []
    for institution in institutions:
        registered = registers.institutions.get(institution)
        if registered is None:
            raise NoEffectError(f"institution {institution} is not registered")
        divisions.append(registered.division)
    check_power(signed, Power.CERTIFICATE, divisions, index, sequenced_at, registers)


def check_version(statement: Statement, before: SubjectState | None) -> None:
    """Require that nothing has happened to the subject that the statement does not know of."""
    version = 0 if before is None else before.version
    if statement.expected_version != version:
        raise NoEffectError(
            f"expects version {statement.expected_version} of its subject, which is at version {version}"
        )


def check_key(registers: Registers, key_id: KeyId, owner: str, index: LeafIndex) -> RegisteredKey:
    """Require that a key is registered for its owner and active at this index."""
    known = registers.keys.get(key_id)
    if known is None or known.owner != owner:
        raise NoEffectError(f"the key is not registered for {owner}")
    if not known.is_active_at(index):
        raise NoEffectError("the key is not active at this index")
    return known


def check_power(
    signed: SignedStatement,
    power: Power,
    divisions: Sequence[str],
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require that the statement is of an authority that may decide this, there and on that day."""
    authority = find_authority(signed, index, registers)
    if power not in authority.powers:
        what = "over a" if power is Power.CERTIFICATE else "to register a"
        raise NoEffectError(f"authority {authority.id} has no power {what} {power.value}")
    check_period(authority, sequenced_at.date())
    for division in divisions:
        if not division.startswith(authority.division):
            raise NoEffectError(
                f"division {division or 'anywhere'} is outside that of authority {authority.id}"
            )


def find_authority(signed: SignedStatement, index: LeafIndex, registers: Registers) -> AuthorityContent:
    """Require that an active authority speaks, with its own key."""
    issuer = signed.statement.issuer
    authority = registers.authorities.get(issuer)
    if authority is None or authority.state is not RegisterState.ACTIVE:
        raise NoEffectError(f"authority {issuer} is not registered or not active")
    check_key(registers, signed.key_id, authority.id, index)
    return authority


def check_period(authority: AuthorityContent, day: date) -> None:
    """Require that an authority decides on this day."""
    if not authority.valid_from <= day <= authority.valid_until:
        raise NoEffectError(
            f"authority {authority.id} decides from {authority.valid_from} to {authority.valid_until}"
        )
