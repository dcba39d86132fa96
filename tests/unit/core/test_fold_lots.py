"""What is said of a lot, by whom, and that one event is enough for any number of members."""

from dataclasses import replace

import pytest
from ledger_in_memory import AUTHORITY, DECISION, INSTITUTION, START, MemoryLedger, make_record

from ledger.core.act import ReasonCode
from ledger.core.event import EventType, lot_subject
from ledger.core.fold import list_touched
from ledger.core.fold_lots import AUTHORITY_LOTS, INSTITUTION_LOTS
from ledger.core.ids import InstitutionId
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.register_fields import Name
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Effect, Status, SubjectState, Void

LOT = lot_subject(INSTITUTION, "L1")
CONTENT = LotContent(INSTITUTION, "L1", LotStatus.FAILED, ReasonCode.FAILED_SPOT_CHECK, START)


def say(ledger, status, *, issuer=INSTITUTION, by=None, version=None, **changes):
    decision = DECISION if issuer != INSTITUTION else None
    content = replace(CONTENT, status=status, **({"decision": decision} | changes))
    raw = ledger.sign_content(
        EventType.LOT, encode_lot(content), content.subject, issuer=issuer, by=by, version=version
    )
    return ledger.outcomes[ledger.append(raw)]


OUTCOMES = """
institution  failed     VALID SUSPENDED
institution  suspended  VALID
institution  withdrawn  VALID FAILED SUSPENDED
authority    failed     VALID SUSPENDED
authority    suspended  VALID
authority    cancelled  VALID SUSPENDED
authority    valid      SUSPENDED CANCELLED
"""
ALLOWED = {tuple(line.split()[:2]): set(line.split()[2:]) for line in OUTCOMES.strip().splitlines()}
WAYS = {
    "VALID": [],
    "FAILED": [(INSTITUTION, "failed")],
    "SUSPENDED": [(AUTHORITY, "suspended")],
    "CANCELLED": [(AUTHORITY, "cancelled")],
    "WITHDRAWN": [(INSTITUTION, "withdrawn")],
}


@pytest.mark.parametrize("status", LotStatus)
@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("who", ["institution", "authority"])
def test_who_may_say_what_of_which_lot(who, before, status):
    ledger = MemoryLedger().found()
    for issuer, word in WAYS[before]:
        assert isinstance(say(ledger, LotStatus(word), issuer=issuer), Effect)
    outcome = say(ledger, status, issuer=INSTITUTION if who == "institution" else AUTHORITY)
    if before not in ALLOWED.get((who, status.value), ()):
        assert isinstance(outcome, Void), outcome
        return
    index = len(ledger.leaves) - 1
    state = SubjectState(Status[status.name], len(WAYS[before]) + 1, index, None)
    assert outcome.changes == {LOT: state}
    assert outcome.prev == (index - 1 if WAYS[before] else None)


def test_the_tables_are_those_of_the_fold():
    ways = {"institution": INSTITUTION_LOTS, "authority": AUTHORITY_LOTS}
    assert {
        (who, status.value): {one.name for one in before}
        for who, table in ways.items()
        for status, before in table.items()
    } == ALLOWED


def test_who_may_not_is_told_why():
    ledger = MemoryLedger().found()
    second = InstitutionId("350100-02")
    ledger.append(ledger.institution(id=second, name=Name("二所", None), credit_code=None))
    ledger.append(ledger.key(seal="second", institution=second))
    ledger.append(ledger.authority(key="CN-36", id="CN-36", division="36"))
    for options, why in (
        ({"issuer": second, "by": "second", "decision": None}, "lot L1 is of 350100-01, not of 350100-02"),
        ({"issuer": "CN-36", "by": "CN-36"}, "division 3501 is outside that of authority CN-36"),
        ({"issuer": AUTHORITY, "decision": None}, "an authority's LOT names its decision"),
        ({"decision": DECISION}, "an institution's own act carries no decision"),
        ({"by": "stranger"}, "the key is not registered"),
        ({"version": 1}, "expects version 1 of its subject, which is at version 0"),
    ):
        outcome = say(ledger, LotStatus.FAILED, **options)
        assert isinstance(outcome, Void)
        assert why in outcome.reason
    outcome = say(ledger, LotStatus.CANCELLED)
    assert outcome.reason == "CANCELLED is not for an institution to say of a lot"


def test_one_event_is_enough_whatever_the_number_of_members():
    ledger = MemoryLedger().found()
    for number in range(20):
        index = ledger.issue(number, lot={"no": "L1", "size": 20})
        statement = parse_signed_statement(ledger.documents[index].statement_raw).statement
        assert list_touched(statement)[-1] == LOT
    before = dict(ledger.states)
    assert isinstance(say(ledger, LotStatus.FAILED), Effect)
    assert {one for one in ledger.states if ledger.states[one] != before.get(one)} == {LOT}


def test_a_number_that_a_record_may_have_a_statement_may_have():
    record = make_record(lot={"no": "批" * 21, "size": 1})
    ledger = MemoryLedger().found()
    assert isinstance(ledger.outcomes[ledger.issue_record(record)], Effect)
