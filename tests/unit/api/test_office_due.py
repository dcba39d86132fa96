"""What is due when: by hand, with leap days, double keys, failures, and what is listed only."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.office.document_index import IndexedDocument
from api.office.due import Standing, choose, count_sites, list_due, list_months
from issuer.instruments import ListedInstrument
from issuer.tables import DocumentState
from ledger.core.errors import InputError

TODAY = date(2028, 2, 10)


def document(serial, until, *, verified=date(2027, 8, 30), passed=True, site="350102", position=1, **changes):
    members = {
        "position": position, "number": f"JY-{position}", "state": DocumentState.LOGGED, "reason": None,
        "document_type": "verification_certificate", "kind": "periodic", "category": "FUEL_DISPENSER",
        "instrument_id": serial, "name": "燃油加油机", "model": "EX", "serial": serial, "maker": "示例",
        "owner": "",
        "site": site, "verified_on": verified, "valid_until": until,
        "passed": passed,
    }  # fmt: skip
    return IndexedDocument(**{**members, **changes})


def listed(serial, site="示例加油站", name="燃油加油机"):
    return ListedInstrument(name, "EX", serial, "示例", site=site)


def only(items):
    (item,) = items
    return item


@pytest.mark.parametrize(
    ("until", "standing"),
    [
        (date(2028, 2, 9), Standing.OVERDUE),
        (date(2028, 2, 10), Standing.DUE),
        (date(2028, 2, 29), Standing.DUE),
        (None, Standing.UNDATED),
    ],
)
def test_an_instrument_is_due_on_its_last_day_and_overdue_after_it(until, standing):
    item = only(list_due([listed("1")], [document("1", until)], TODAY))
    assert (item.standing, item.due_on) == (standing, until)
    assert item.site == "示例加油站"
    assert item.is_listed


def test_what_was_never_verified_has_no_day():
    item = only(list_due([listed("1")], [], TODAY))
    assert (item.standing, item.due_on, item.number) == (Standing.NEVER, None, None)


def test_what_has_failed_is_not_due_but_failed():
    failed = document("1", None, passed=False)
    item = only(list_due([listed("1")], [failed], TODAY))
    assert (item.standing, item.due_on, item.number) == (Standing.FAILED, None, "JY-1")


def test_what_is_not_listed_stands_under_the_site_of_its_document():
    item = only(list_due([], [document("1", date(2028, 3, 1))], TODAY))
    assert (item.site, item.is_listed) == ("350102", False)


def test_the_newer_of_two_documents_for_one_nameplate_counts():
    older = document("1", date(2028, 2, 1), verified=date(2027, 8, 2), position=1)
    newer = document("1", date(2028, 8, 1), verified=date(2028, 2, 2), position=2, instrument_id="again")
    for order in ([older, newer], [newer, older]):
        assert only(list_due([listed("1")], order, TODAY)).number == "JY-2"


def test_one_serial_number_of_two_makers_is_two_instruments():
    items = list_due([listed("1")], [document("1", date(2028, 3, 1), maker="另一家")], TODAY)
    assert sorted(item.standing for item in items) == [Standing.DUE, Standing.NEVER]


def test_the_counts_of_a_station_by_hand():
    """Ten: 1 overdue; February 2 (10th, 29th), March 1, January 2029 1; later 1; never 2; failed 1; undated 1."""
    days = [
        date(2028, 2, 9), date(2028, 2, 10), date(2028, 2, 29),
        date(2028, 3, 1), date(2029, 1, 31), date(2029, 2, 1),
    ]  # fmt: skip
    documents = [document(str(number), day, position=number + 1) for number, day in enumerate(days)]
    documents += [document("6", None, passed=False, position=7), document("7", None, position=8)]
    stock = [listed(str(number)) for number in range(10)] + [listed("x", site="市场")]
    station, market = sorted(
        count_sites(list_due(stock, documents, TODAY), TODAY), key=lambda one: one.total, reverse=True
    )
    assert list_months(TODAY)[0] == "2028-02"
    assert list_months(TODAY)[-1] == "2029-01"
    assert station.months == (2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    counted = (station.total, station.overdue, station.later, station.never, station.failed, station.undated)
    assert counted == (10, 1, 1, 2, 1, 1)
    assert (market.site, market.total, market.never) == ("市场", 1, 1)


@pytest.mark.parametrize(
    ("when", "serials"),
    [("", "0123456"), ("overdue", "0"), ("2028-02", "1"), ("2028-03", "2"), ("later", "3"), ("never", "4"),
     ("failed", "5"), ("undated", "6"), ("due", "123"), ("2030-01", "")],
)  # fmt: skip
def test_each_cell_leads_to_its_instruments(when, serials):
    days = [date(2028, 2, 1), date(2028, 2, 29), date(2028, 3, 31), date(2031, 1, 1)]
    documents = [document(str(number), day, position=number + 1) for number, day in enumerate(days)]
    documents += [document("5", None, passed=False, position=8), document("6", None, position=9)]
    items = list_due([listed(str(number)) for number in range(7)], documents, TODAY)
    found = choose(items, site="示例加油站", when=when, today=TODAY)
    assert sorted(item.serial for item in found) == sorted(serials)
    assert not choose(items, site="elsewhere", when=when, today=TODAY)


@pytest.mark.parametrize("when", ["x", "2028-2", "2028_02", "OVERDUE", "20280-2", "<script>"])
def test_no_other_group_is_known(when):
    with pytest.raises(InputError) as caught:
        choose([], site=None, when=when, today=TODAY)
    assert caught.value.field == "when"


@given(
    st.dates(date(2026, 1, 1), date(2032, 12, 31)),
    st.lists(st.tuples(st.none() | st.dates(date(2025, 1, 1), date(2036, 1, 1)), st.booleans()), max_size=20),
)
def test_every_instrument_is_counted_once_and_its_cell_shows_it(today, found):
    documents = [
        document(str(number), until if passed else None, passed=passed, position=number + 1)
        for number, (until, passed) in enumerate(found)
    ]
    stock = [listed(str(number)) for number in range(len(found) + 2)]
    items = list_due(stock, documents, today)
    (counts,) = count_sites(items, today)
    parts = (counts.overdue, *counts.months, counts.later, counts.never, counts.failed, counts.undated)
    assert sum(parts) == counts.total == len(stock)
    groups = ["overdue", *list_months(today), "later", "never", "failed", "undated"]
    for group, number in zip(groups, parts, strict=True):
        assert len(choose(items, site=None, when=group, today=today)) == number
