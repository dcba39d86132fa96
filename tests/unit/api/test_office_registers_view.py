"""Registers as of a day: which version stands there, and what ends soon."""

from datetime import date, timedelta

import pytest
from registered import CPA, MAKER, PERSON, RegisteredLedger

from api.office.registers_view import build_view
from ledger.core.calendar_rules import add_months
from ledger.core.data import load_rule_book
from ledger.core.event import person_subject, standard_subject
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.status import Version

BOOK = load_rule_book()
DAY = date(2026, 11, 3)


@pytest.fixture(scope="module")
def registers():
    return RegisteredLedger().registers


def view(registers, day=DAY, institution=PERSON.institution):
    return build_view(registers, institution, day, BOOK)


def table(found, name):
    return next(one for one in found.tables if one.name == name)


def test_every_register_is_there(registers):
    found = view(registers)
    assert found.institution.id == PERSON.institution
    assert [one.name for one in found.tables] == [
        *("scopes", "persons", "standards", "materials", "regulations", "types", "blocks")
    ]
    assert {row.cells[0] for row in table(found, "persons").rows} == {"P-0001", "P-0002", "P-0003"}
    assert [row.cells[:2] for row in table(found, "types").rows] == [(CPA, MAKER)]
    for one in found.tables:
        assert all(len(row.cells) == len(one.columns) for row in one.rows), one.name


def test_another_institution_has_its_own(registers):
    found = view(registers, institution=InstitutionId("999999-99"))
    assert found.institution is None
    assert not table(found, "persons").rows
    assert not table(found, "standards").rows
    assert table(found, "types").rows, "type approvals are everybody's"


def test_before_the_first_day_nothing_is_there(registers):
    found = view(registers, PERSON.valid_from - timedelta(days=1))
    assert not table(found, "persons").rows
    assert table(view(registers, PERSON.valid_from), "persons").rows


def test_a_version_that_begins_later_is_not_shown_before(registers):
    from dataclasses import replace

    from ledger.core.register_fields import RegisterState

    changed = registers.copy()
    subject = person_subject(PERSON.institution, PERSON.id)
    later = replace(PERSON, valid_from=date(2027, 1, 1), state=RegisterState.SUSPENDED)
    changed.versions[subject] = (*changed.versions[subject], Version(LeafIndex(99), "CN-35", later))
    states = {
        day: next(
            row.state.en for row in table(view(changed, day), "persons").rows if row.cells[0] == PERSON.id
        )
        for day in (date(2026, 12, 31), date(2027, 1, 1))
    }
    assert states == {date(2026, 12, 31): "active", date(2027, 1, 1): "suspended"}


def ends(found, what):
    return [one for one in found.endings if what in one.what]


def test_what_ends_within_six_months_is_told_from_the_first_day_on(registers):
    until = PERSON.valid_until
    first = next(
        day
        for day in (until - timedelta(days=200 - step) for step in range(40))
        if add_months(day, 6) >= until
    )
    assert not ends(view(registers, first - timedelta(days=1)), PERSON.id)
    (one,) = ends(view(registers, first), PERSON.id)
    assert (one.on, one.is_over) == (until, False)


def test_what_is_over_says_so(registers):
    until = PERSON.valid_until
    assert not ends(view(registers, until), PERSON.id)[0].is_over
    assert ends(view(registers, until + timedelta(days=1)), PERSON.id)[0].is_over


def test_main_instruments_end_too(registers):
    from ledger.core.standard import StandardContent

    standard = next(
        one for one in registers.list_newest(StandardContent) if one.institution == PERSON.institution
    )
    item = standard.instruments[0]
    told = ends(view(registers, item.until), item.certificate_no)
    assert [one.on for one in told] == [item.until]
    assert standard_subject(standard.institution, standard.id) in registers.versions


def test_endings_stand_in_the_order_of_their_days(registers):
    found = view(registers, date(2035, 1, 1)).endings
    assert found
    assert [one.on for one in found] == sorted(one.on for one in found)
