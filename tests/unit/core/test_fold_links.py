"""Instruments that are the same follow each other; one that is several must be verified again."""

from dataclasses import replace

import pytest
from ledger_in_memory import AUTHORITY, DECISION, INSTITUTION, START, MemoryLedger, make_act, make_rejection

from ledger.core.act import NamedInstrument, ReasonCode
from ledger.core.event import EventType, instrument_subject
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.register_fields import Name
from ledger.core.status import Effect, Status, Void

ONE, TWO, THREE = (make_act(number).subject for number in (1, 2, 3))


def named(number, certificate=None):
    act = make_act(number)
    return NamedInstrument(INSTITUTION, certificate or act.number, act.instrument_id)


def link(ledger, content, *, issuer=AUTHORITY, by=None, version=None):
    is_same = isinstance(content, SameAs)
    event_type = EventType.INSTRUMENT_SAME_AS if is_same else EventType.INSTRUMENT_SPLIT
    raw = (encode_same_as if is_same else encode_split)(content)
    subject = content.instrument.subject
    return ledger.outcomes[
        ledger.append(ledger.sign_content(event_type, raw, subject, issuer=issuer, by=by, version=version))
    ]


def same(first=1, second=2, **changes):
    content = SameAs(named(first), named(second), ReasonCode.WRONG_INSTRUMENT, START, DECISION)
    return replace(content, **changes)


def parted(number=1, into=(b"\1" * 16,), **changes):
    content = Split(
        named(number), tuple(map(InstrumentId, into)), ReasonCode.WRONG_INSTRUMENT, START, DECISION
    )
    return replace(content, **changes)


def founded(count=2):
    ledger = MemoryLedger().found()
    for number in range(1, count + 1):
        ledger.issue(number)
    return ledger


def shown(ledger, subject):
    state = ledger.states[subject]
    return state.status, state.last_event, state.current_certificate


def test_the_newest_certificate_speaks_for_both():
    ledger = founded()
    assert isinstance(link(ledger, same()), Effect)
    index = len(ledger.leaves) - 1
    assert shown(ledger, ONE) == shown(ledger, TWO) == (Status.VALID, index, 6)
    assert (ledger.states[ONE].version, ledger.states[TWO].version) == (2, 2)


@pytest.mark.parametrize("first", [1, 2])
def test_a_rejection_of_either_holds_of_both_until_the_next_issue(first):
    ledger = founded()
    link(ledger, same())
    failed = ledger.issue_record(make_rejection(first, no="N-1"))
    assert shown(ledger, ONE) == shown(ledger, TWO) == (Status.FAILED, failed, failed)
    passed = ledger.issue(3 - first, no="N-2")
    assert shown(ledger, ONE) == shown(ledger, TWO) == (Status.VALID, passed, passed)


def test_what_happened_to_one_before_they_were_found_to_be_one_holds_of_both():
    ledger = founded()
    ledger.act(EventType.REVERIFY_NEEDED, 1)
    link(ledger, same())
    assert ledger.states[TWO].status is Status.NEEDS_REVERIFICATION
    ledger = founded()
    ledger.issue_record(make_rejection(1, no="N-1"))
    link(ledger, same(instrument=named(1, "N-1")))
    assert ledger.states[TWO].status is Status.FAILED
    ledger = MemoryLedger().found()
    ledger.issue_record(make_rejection(1))
    ledger.issue(2)
    link(ledger, same())
    assert ledger.states[ONE].status is Status.VALID, "verified since"


def test_acts_on_either_hold_of_both():
    ledger = founded()
    link(ledger, same())
    ledger.act(EventType.SUSPEND, 2)
    assert ledger.states[ONE].status is ledger.states[TWO].status is Status.SUSPENDED
    ledger.act(EventType.SUPPLEMENT, 1)
    assert ledger.states[ONE].status is ledger.states[TWO].status is Status.SUSPENDED
    assert ledger.states[ONE].last_event == ledger.states[TWO].last_event == len(ledger.leaves) - 1


def test_three_that_are_one():
    ledger = founded(3)
    assert isinstance(link(ledger, same(1, 2)), Effect)
    assert isinstance(link(ledger, same(3, 2)), Effect)
    ledger.issue_record(make_rejection(1, no="N-1"))
    assert {ledger.states[one].status for one in (ONE, TWO, THREE)} == {Status.FAILED}
    for first, second in ((1, 2), (2, 1), (1, 3), (3, 1)):
        content = same(first, second, instrument=named(first, "N-1" if first == 1 else None))
        outcome = link(ledger, content)
        assert isinstance(outcome, Void)
        assert outcome.reason == "the two are known to be the same"


def test_a_split_leaves_nobody_with_a_valid_paper():
    ledger = founded()
    link(ledger, same())
    assert isinstance(link(ledger, parted()), Effect)
    new = instrument_subject(InstrumentId(b"\1" * 16))
    assert {ledger.states[one].status for one in (ONE, TWO, new)} == {Status.NEEDS_REVERIFICATION}
    assert ledger.states[new].current_certificate is None
    passed = ledger.issue(1, no="N-1")
    assert shown(ledger, ONE) == (Status.VALID, passed, passed)
    assert ledger.states[TWO].status is Status.NEEDS_REVERIFICATION, "no longer the same"
    assert isinstance(link(ledger, same(instrument=named(1, "N-1"))), Effect), "and may be found so again"


def test_what_has_failed_stays_failed_after_a_split():
    ledger = MemoryLedger().found()
    ledger.issue_record(make_rejection(1))
    link(ledger, parted())
    assert ledger.states[ONE].status is Status.FAILED


def test_who_may():
    second = InstitutionId("350100-02")
    ledger = founded()
    ledger.append(ledger.institution(id=second, name=Name("二所", None), credit_code=None))
    ledger.append(ledger.key(seal="second", institution=second))
    ledger.append(ledger.authority(key="CN-36", id="CN-36", division="36"))
    theirs = replace(named(2), issuer=second)
    for content, options, why in (
        (same(), {"issuer": "CN-36", "by": "CN-36"}, "division 3501 is outside that of authority CN-36"),
        (same(other=replace(named(2), issuer=InstitutionId("X"))), {}, "institution X is not registered"),
        (same(other=theirs, decision=None), {"issuer": INSTITUTION}, "a certificate that is named is of"),
        (same(decision=None), {"issuer": second, "by": "second"}, "a certificate that is named is of"),
        (same(), {"issuer": INSTITUTION}, "an institution's own act carries no decision"),
        (parted(decision=None), {}, "an authority's INSTRUMENT_SPLIT names its decision"),
        (same(), {"version": 7}, "expects version 7"),
        (same(other=replace(named(2), number="JY2026-000001")), {}, "is about another instrument"),
        (same(instrument=replace(named(1), number="none")), {}, "has no certificate none"),
        (parted(instrument=replace(named(1), part="1")), {}, "is about another instrument"),
    ):
        outcome = link(ledger, content, **options)
        assert isinstance(outcome, Void), content
        assert why in outcome.reason
    assert isinstance(link(ledger, same(decision=None), issuer=INSTITUTION), Effect)
    assert isinstance(link(ledger, parted(decision=None), issuer=INSTITUTION), Effect)


def test_changes_are_listed_by_subject_in_every_process():
    """Sets of bytes have another order in each process; what a batch replaced is stored in this one."""
    ledger = founded(6)
    for other in range(2, 7):
        outcome = link(ledger, same(1, other))
        assert list(outcome.changes) == sorted(outcome.changes)
        assert len(outcome.changes) == other
    twins = ledger.outcomes[ledger.act(EventType.SUSPEND, 1)].changes
    listed = [
        subject
        for subject in twins
        if subject != ONE and subject in {make_act(n).subject for n in range(2, 7)}
    ]
    assert len(listed) == 5
    assert listed == sorted(listed)
    parts = tuple(bytes([at]) * 16 for at in range(1, 6))
    outcome = link(ledger, parted(1, parts))
    assert list(outcome.changes) == sorted(outcome.changes)
    assert len(outcome.changes) == 11
