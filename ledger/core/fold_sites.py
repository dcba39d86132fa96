"""The fold of sites and pledges: who may enter a site, and who may promise.

A site is kept by its owner, or by a verification institution, within the divisions of each. A pledge is the word
of an owner alone. Whether the site of a pledge is that owner's says the site's newest entry, to whoever shows it.

>>> judge_site(signed, content, index, view, registers).changes[content.subject].status
<Status.ACTIVE: 16>
"""

from ledger.core.authority import InstitutionContent, Trade
from ledger.core.ids import LeafIndex
from ledger.core.pledge import PledgeContent, PledgeState
from ledger.core.powers import NoEffectError, check_institution, check_own, check_version, require_trade
from ledger.core.register_fields import RegisterState
from ledger.core.site import SiteContent
from ledger.core.statement import SignedStatement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState


def judge_site(
    signed: SignedStatement, content: SiteContent, index: LeafIndex, view: StateView, registers: Registers
) -> Effect:
    """Return what an entry of a site does: it is the newest, and nothing else changes.

    Raises:
        NoEffectError: who speaks may not keep it, its owner is none, or it does not know the newest version.
    """
    keeper = check_institution(signed.statement.issuer, signed.key_id, index, registers)
    check_own(signed.statement, content.site.keeper, f"site {content.site.id}")
    if keeper.trade is Trade.REPAIR:
        raise NoEffectError(f"{keeper.id} is registered for {keeper.trade.value}, and keeps no sites")
    if keeper.trade is Trade.OWNER and content.owner != keeper.id:
        raise NoEffectError(f"a site that its owner keeps is of {keeper.id}")
    _require_within(keeper, content.division)
    if content.owner is not None and content.owner != keeper.id:
        _check_owner(content, registers)
    before = view(content.subject)
    check_version(signed.statement, before)
    status = Status.ACTIVE if content.state is RegisterState.ACTIVE else Status.INACTIVE
    return _build_effect(content, before, status, index)


def judge_pledge(
    signed: SignedStatement, content: PledgeContent, index: LeafIndex, view: StateView, registers: Registers
) -> Effect:
    """Return what a pledge does; raises as `judge_site`, and if it does not follow from the one before."""
    owner = check_institution(signed.statement.issuer, signed.key_id, index, registers)
    check_own(signed.statement, content.owner, "the pledge")
    require_trade(owner, Trade.OWNER)
    before = view(content.subject)
    check_version(signed.statement, before)
    stands = before is not None and before.status is Status.ACTIVE
    if stands is (content.state is PledgeState.ACTIVE):
        raise NoEffectError(
            "the pledge stands already, and can be changed or withdrawn"
            if stands
            else "no such pledge stands"
        )
    if content.state is PledgeState.WITHDRAWN:
        return _build_effect(content, before, Status.INACTIVE, index)
    _check_site(content, view, registers)
    return _build_effect(content, before, Status.ACTIVE, index)


def _require_within(institution: InstitutionContent, division: str) -> None:
    if not division.startswith(find_region(institution.division)):
        raise NoEffectError(f"division {division} is outside that of {institution.id}")


def find_region(division: str) -> str:
    """Return what the codes within a division begin with: `350100`, a city, holds all of `3501` (GB/T 2260)."""
    while division.endswith("00") and len(division) % 2 == 0:
        division = division[:-2]
    return division


def _check_owner(content: SiteContent, registers: Registers) -> None:
    """Require that the owner whom an institution names is one, and active there."""
    owner = None if content.owner is None else registers.institutions.get(content.owner)
    if owner is None or owner.state is not RegisterState.ACTIVE:
        raise NoEffectError(f"owner {content.owner} is not registered or not active")
    require_trade(owner, Trade.OWNER)
    _require_within(owner, content.division)


def _check_site(content: PledgeContent, view: StateView, registers: Registers) -> None:
    """Require that the site of a pledge is there, and not kept by another owner, whose it would be."""
    if content.site is None:
        return
    keeper = registers.institutions.get(content.site.keeper)
    if keeper is not None and keeper.trade is Trade.OWNER and keeper.id != content.owner:
        raise NoEffectError(f"site {content.site.id} is of {keeper.id}, not of {content.owner}")
    site = view(content.site.subject)
    if site is None or site.status is not Status.ACTIVE:
        raise NoEffectError(f"site {content.site.id} of {content.site.keeper} is not in use")


def _build_effect(
    content: SiteContent | PledgeContent, before: SubjectState | None, status: Status, index: LeafIndex
) -> Effect:
    version = 1 if before is None else before.version + 1
    state = SubjectState(status, version, index, None)
    return Effect(content.subject, None if before is None else before.last_event, {content.subject: state})
