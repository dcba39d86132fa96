"""Rules by the registers, one by one; the matrix of all of them is `conformance/test_gate_matrix.py`."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from ledger_in_memory import AUTHORITY, MemoryLedger, make_record
from rule_reading import assert_bilingual, codes

from ledger.core.category import Category
from ledger.core.event import scope_subject
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex
from ledger.core.record import Record, Role, VerificationKind
from ledger.core.record_parsing import parse_record
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import check_persons, check_scope
from ledger.core.status import Registers, Version
from ledger.core.step import Outcome


def parse(**changes) -> Record:
    return parse_record(Reader(make_record(1, **changes), ""))


# --- scope ------------------------------------------------------------------------------------------------


def make_scope(**changes):
    """Return registers in which the line of every record is as changed."""
    ledger = MemoryLedger().found()
    (line,) = ledger.registers.scopes.values()
    registers, content = ledger.registers.copy(), replace(line, **changes)
    subject = scope_subject(line.institution, line.id)
    registers.versions[subject] = (Version(LeafIndex(4), AUTHORITY, content),)
    return registers


def test_a_covered_document_passes():
    result = check_scope(parse(), make_scope())
    assert result.outcome is Outcome.PASSED
    assert_bilingual(result)


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        ({"state": RegisterState.SUSPENDED}, "issuer.scope_line_id"),
        ({"state": RegisterState.WITHDRAWN}, "issuer.scope_line_id"),
        ({"authorisation_no": "(闽)法计(2024)35002号"}, "issuer.authorisation_no"),
        ({"categories": frozenset(Category) - {Category.FUEL_DISPENSER}}, "instrument.category"),
        ({"kinds": frozenset(VerificationKind) - {VerificationKind.PERIODIC}}, "kind"),
        ({"division": "3502"}, "instrument.site.division"),
        ({"division": "3501020"}, "instrument.site.division"),
        ({"valid_from": date(2026, 3, 1)}, "verified_on"),
        ({"valid_until": date(2026, 2, 27)}, "verified_on"),
    ],
)
def test_one_member_outside_the_scope_is_refused(scope, field):
    result = check_scope(parse(), make_scope(**scope))
    assert (result.outcome, codes(result)) == (Outcome.FAILED, [("SCOPE", field)])
    assert_bilingual(result)


def test_every_breach_of_the_scope_is_named_at_once():
    scope = make_scope(
        state=RegisterState.WITHDRAWN,
        authorisation_no="x",
        categories=frozenset(),
        kinds=frozenset(),
        division="99",
        valid_until=date(2024, 1, 1),
    )
    assert len(check_scope(parse(), scope).reasons) == 6


def test_a_line_that_is_not_registered_covers_nothing():
    result = check_scope(parse(), Registers())
    assert (result.outcome, codes(result)) == (Outcome.FAILED, [("SCOPE", "issuer.scope_line_id")])


@pytest.mark.parametrize("day", [date(2024, 1, 1), date(2028, 12, 31)])
def test_first_and_last_day_of_a_scope_belong_to_it(day):
    scope = make_scope(valid_from=day, valid_until=day)
    record = replace(parse(), verified_on=day)
    assert check_scope(record, scope).outcome is Outcome.PASSED
    for other in (day - timedelta(days=1), day + timedelta(days=1)):
        assert check_scope(replace(record, verified_on=other), scope).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("site", "division", "covered"),
    [
        ("350102", "35", True),
        ("350102", "350102", True),
        ("350102", "", True),
        (None, "", True),
        ("35", "3501", False),
        (None, "35", False),
        ("360102", "35", False),
    ],
)
def test_a_scope_covers_a_region_and_what_lies_in_it(site, division, covered):
    instrument = {name: value for name, value in make_record(1)["instrument"].items() if name != "site"}
    if site is not None:
        instrument["site"] = {"division": site}
    result = check_scope(parse(instrument=instrument), make_scope(division=division))
    assert (result.outcome is Outcome.PASSED) == covered


# --- persons ----------------------------------------------------------------------------------------------


def with_persons(*pids: str | None) -> Record:
    persons = [
        {"role": role.value, "pid": pid, "signed_at": "2026-02-28T04:00:00Z"}
        for role, pid in zip(Role, pids, strict=True)
        if pid is not None
    ]
    return parse(persons=persons)


def test_three_different_persons_are_named_but_nobody_checked_what_they_may():
    result = check_persons(with_persons("A", "B", "C"), Registers())
    assert (result.outcome, result.reasons) == (Outcome.NOT_CHECKED, ())
    assert_bilingual(result)


@pytest.mark.parametrize(
    ("pids", "count"),
    [
        (("A", "A", "C"), 1),
        (("A", "B", "A"), 1),
        (("A", "B", "B"), 1),
        (("A", "A", "A"), 3),
        ((None, "B", "C"), 1),
        (("A", None, "C"), 1),
        (("A", "B", None), 1),
        ((None, None, None), 3),
        ((None, "B", "B"), 2),
    ],
)
def test_roles_are_kept_apart_and_all_filled(pids, count):
    result = check_persons(with_persons(*pids), Registers())
    assert (result.outcome, len(result.reasons)) == (Outcome.FAILED, count)
    assert_bilingual(result)
