from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.numbering import NumberAllotment, NumberPattern
from ledger.core.errors import MalformedDocumentError

DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("pattern", "prefix", "number", "series"),
    [
        ("{prefix}{year}-{counter:06d}", "JY", "JY2026-000007", "JY2026-*"),
        ("{counter}", "", "7", "*"),
        ("{year}{month}{counter:04d}", "", "2026110007", "202611*"),
        ("闽计〔{year}〕{counter:05d}号", "", "闽计〔2026〕00007号", "闽计〔2026〕*号"),
        ("{{{counter:02d}}}{prefix}", "{x}", "{07}{x}", "{*}{x}"),
    ],
)
def test_a_pattern_gives_numbers_and_names_their_series(pattern, prefix, number, series):
    numbers = NumberPattern(pattern, prefix)
    assert (numbers.format_number(DAY, 7), numbers.name_series(DAY)) == (number, series)


def test_a_counter_may_outgrow_its_width():
    assert NumberPattern("A{counter:02d}").format_number(DAY, 12345) == "A12345"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "{counter} is missing"),
        ("JY{year}", "{counter} is missing"),
        ("{counter}{counter}", "{counter} stands here twice"),
        ("{counter}{week}", "{week} is none of the fields of a number"),
        ("{counter}{}", "{} is none of the fields of a number"),
        ("{counter}{0}", "{0} is none of the fields of a number"),
        ("{counter.real}", "{counter.real} is none of the fields of a number"),
        ("{counter!r}", "{counter} is none of the fields of a number"),
        ("{counter:6d}", "{counter} is none of the fields of a number"),
        ("{counter:06x}", "{counter} is none of the fields of a number"),
        ("{year:04d}{counter}", "{year} is none of the fields of a number"),
        ("{counter", "not a pattern: "),
        ("{counter}}", "not a pattern: "),
        (" {counter}", "text must not begin or end with white space"),
        ("A\n{counter}", "text must not hold control characters"),
        ("A\u3000{counter}", "a number holds printable characters only"),
        ("长" * 20 + "{counter}", "text of 73 bytes, at most 64 are allowed"),
    ],
)
def test_a_pattern_that_gives_no_proper_numbers_is_refused(pattern, message):
    with pytest.raises(MalformedDocumentError) as caught:
        NumberPattern(pattern)
    assert str(caught.value).startswith(f"numbers.pattern: {message}")


def test_the_prefix_counts_too():
    with pytest.raises(MalformedDocumentError):
        NumberPattern("{prefix}{counter}", "\u202e")


def allot(days, stored=None, taken=(), reserved=()):
    stored = dict(stored or {})
    allotment = NumberAllotment(
        NumberPattern("{year}-{counter}"),
        lambda series: stored.get(series, 0),
        lambda number: number in taken,
    )
    numbers = [allotment.take(day, reserved) for day in days]
    return numbers, {**stored, **allotment.counters}


@given(st.lists(st.sampled_from([date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]), max_size=30))
def test_every_series_counts_from_one_without_gaps(days):
    numbers, counters = allot(days)
    for year in ("2026", "2027"):
        mine = [number for number in numbers if number.startswith(year)]
        assert mine == [f"{year}-{count}" for count in range(1, len(mine) + 1)]
        assert counters.get(f"{year}-*", 0) == len(mine)


def test_a_series_goes_on_where_it_ended():
    numbers, counters = allot([DAY, DAY], {"2026-*": 41})
    assert (numbers, counters) == (["2026-42", "2026-43"], {"2026-*": 43})


def test_numbers_that_documents_brought_along_are_passed_over():
    numbers, counters = allot([DAY] * 3, taken={"2026-1", "2026-3"}, reserved={"2026-2"})
    assert (numbers, counters) == (["2026-4", "2026-5", "2026-6"], {"2026-*": 6})
