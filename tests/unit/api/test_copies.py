"""Cells and rules of copied stickers, at their edges; marks, evidence, what a page counts as."""

import itertools
import math
import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest

from api.copies.cells import Cell, find_cell, least_km, parse_cell
from api.copies.codes import MOBILE, Observed, identify, name_printed
from api.copies.counting import MOST_WAITING, ScanCounter
from api.copies.evidence import Evidence, read_evidence, write_evidence
from api.copies.findings import OVER, FindingState, list_next
from api.copies.marks import CopyMark, choose_mark
from api.copies.rules import (
    MOST_EVIDENCE,
    Area,
    CodeKind,
    Counted,
    Rule,
    Seen,
    Standing,
    Suspicion,
    Watched,
    find_travel,
    judge,
    load_numbers,
    parse_numbers,
)
from api.copies.tables import metadata
from api.office.copy_tables import metadata as desk_metadata
from api.shown import Shown
from api.verdicts import Finding
from ledger.core.category import Category
from ledger.core.errors import InputError, LogIntegrityError, MalformedDocumentError
from verifier.report import StickerSummary

FUZHOU, BEIJING = Cell(260, 1192), Cell(399, 1163)
NUMBERS = load_numbers()
NOW = 500_000
STICKER = Watched(CodeKind.STICKER, Standing.BOUND, is_mobile=False)
TABLE = files("api.copies.data").joinpath("rules.csv").read_text(encoding="utf-8")


def seen(cell, hour=NOW, count=1):
    return Seen(cell, hour, count)


def rules(watched, *observations, counted=(), now=NOW):
    return [one.rule for one in judge(watched, observations, counted, NUMBERS, now)]


def east_of(cell, km):
    """Return the first cell to the east that is at least so many km away, and the last that is not."""
    for step in itertools.count(1):
        other = Cell(cell.south, cell.west + step)
        if least_km(cell, other) > km:
            return other, Cell(cell.south, other.west - 1)
    raise AssertionError


# --- cells --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "cell"),
    [
        (26.0745, 119.2965, Cell(260, 1192)),
        (26.1, 119.3, Cell(261, 1193)),
        (-0.01, -0.01, Cell(-1, -1)),
        (0.0, 0.0, Cell(0, 0)),
        (90.0, 180.0, Cell(899, 1799)),
        (-90.0, -180.0, Cell(-900, -1800)),
    ],
)
def test_a_place_has_a_cell(latitude, longitude, cell):
    assert find_cell(latitude, longitude) == cell
    assert parse_cell(str(cell)) == cell


@pytest.mark.parametrize("place", [(90.1, 0.0), (0.0, 180.1), (math.nan, 0.0), (0.0, math.inf), (-91.0, 0.0)])
def test_no_place_on_earth_has_none(place):
    with pytest.raises(InputError):
        find_cell(*place)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "260",
            "260,",
            ",1192",
            "260,1192,0",
            "26.0745,119.2965",
            "260.5,1192",
            "+260,1192",
            " 260,1192",
        ),
        *(
            "260, 1192",
            "0260,1192",
            "-0,5",
            "5,-0",
            "900,0",
            "0,1800",
            "-901,0",
            "0,-1801",
            "２６０,1192",
            "x,y",
        ),
        *("260,1192\n", "26074500,1192", "1e2,3"),
    ],
)
def test_another_spelling_is_refused_a_finer_place_too(text):
    with pytest.raises(InputError) as caught:
        parse_cell(text)
    assert caught.value.zh


def test_no_two_places_are_nearer_than_their_cells():
    chance = random.Random(7)
    for _ in range(2000):
        places = [(chance.uniform(-89.9, 89.9), chance.uniform(-179.9, 179.9)) for _ in range(2)]
        if chance.random() < 0.5:  # near each other, where the bound is tight
            places[1] = tuple(value + chance.uniform(-0.4, 0.4) for value in places[0])
            if abs(places[1][0]) > 90 or abs(places[1][1]) > 180:
                continue
        one, other = (find_cell(*place) for place in places)
        assert least_km(one, other) <= measure(*places) + 1e-6
        assert least_km(one, other) == pytest.approx(least_km(other, one))


def measure(one, other):
    """Return the great-circle distance in km, by the law of cosines on vectors."""
    a, b = (to_vector(*place) for place in (one, other))
    cross = math.hypot(*(a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)))
    return 6371.0 * math.atan2(cross, sum(x * y for x, y in zip(a, b, strict=True)))


def to_vector(latitude, longitude):
    south, west = math.radians(latitude), math.radians(longitude)
    return math.cos(south) * math.cos(west), math.cos(south) * math.sin(west), math.sin(south)


def test_neighbours_are_not_apart_and_far_cells_nearly_as_far_as_their_centres():
    assert least_km(FUZHOU, FUZHOU) == 0
    assert least_km(FUZHOU, Cell(261, 1193)) == 0
    assert 1540 < least_km(FUZHOU, BEIJING) < 1560
    assert least_km(Cell(0, 1799), Cell(0, -1800)) == 0, "across the date line"


# --- travel -------------------------------------------------------------------------------------------------


def test_what_nobody_can_drive_in_the_time_is_found():
    assert rules(STICKER, seen(FUZHOU), seen(BEIJING)) == [Rule.TRAVEL]
    assert rules(STICKER, seen(FUZHOU, NOW - 2), seen(BEIJING)) == [Rule.TRAVEL]


def test_the_edge_of_the_time_is_kept():
    """1,554 km at 120 km/h take 12.95 h: in 12 hours' difference 13 may have passed, in 11 only 12."""
    assert rules(STICKER, seen(FUZHOU, NOW - 11), seen(BEIJING)) == [Rule.TRAVEL]
    assert rules(STICKER, seen(FUZHOU, NOW - 12), seen(BEIJING)) == []


def test_what_one_hour_allows_is_not_found():
    far, near = east_of(FUZHOU, 120)
    assert rules(STICKER, seen(FUZHOU), seen(near)) == []
    assert rules(STICKER, seen(FUZHOU), seen(far)) == [Rule.TRAVEL]


def test_a_distance_that_a_wrong_position_can_make_is_never_found():
    slow = {**NUMBERS, (Rule.TRAVEL, "speed_kmh"): 1}
    far, near = east_of(FUZHOU, 100)
    assert find_travel([seen(FUZHOU), seen(near)], slow) == []
    assert len(find_travel([seen(FUZHOU), seen(far)], slow)) == 2


def test_one_place_often_is_nothing():
    assert rules(STICKER, *(seen(FUZHOU, NOW - hour, 9) for hour in range(48))) == []


def test_only_what_is_odd_is_evidence_oldest_first():
    found = judge(STICKER, [seen(BEIJING), seen(FUZHOU, NOW - 1), seen(FUZHOU, NOW - 90)], (), NUMBERS, NOW)
    assert found[0].seen == (seen(FUZHOU, NOW - 1), seen(BEIJING))


def test_evidence_has_a_limit():
    observations = [seen(cell, NOW - hour) for hour in range(60) for cell in (FUZHOU, BEIJING)]
    (found, *_) = judge(STICKER, observations, (), NUMBERS, NOW)
    assert len(found.seen) == MOST_EVIDENCE
    assert found.seen[-1].hour == NOW


def test_a_taximeter_has_no_wings():
    taxi = replace(STICKER, is_mobile=True, area=Area(FUZHOU, 30))
    assert rules(taxi, seen(FUZHOU), seen(BEIJING)) == [Rule.TRAVEL]
    assert rules(taxi, seen(FUZHOU, NOW - 30), seen(BEIJING)) == []


@pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.BOUND])
def test_places_of_what_is_not_in_use_are_nothing_by_themselves(standing):
    assert rules(replace(STICKER, standing=standing), seen(FUZHOU), seen(BEIJING)) == []


def test_a_document_travels():
    paper = replace(STICKER, kind=CodeKind.DOCUMENT, area=Area(FUZHOU, 30))
    assert rules(paper, seen(FUZHOU), seen(BEIJING)) == []


# --- outside ------------------------------------------------------------------------------------------------


def test_outside_is_farther_than_the_radius_wherever_in_the_cells():
    placed = replace(STICKER, area=Area(FUZHOU, 30))
    far, near = east_of(FUZHOU, 30)
    assert rules(placed, seen(near)) == []
    assert rules(placed, seen(far)) == [Rule.OUTSIDE]
    assert rules(STICKER, seen(far)) == [], "nobody has said where it belongs"
    assert rules(replace(placed, is_mobile=True), seen(far)) == []


# --- many places --------------------------------------------------------------------------------------------


def places(count, *, hours_apart=24, km=50):
    cells = [FUZHOU]
    while len(cells) < count:
        cells.append(east_of(cells[-1], km)[0])
    return [seen(cell, NOW - hours_apart * index) for index, cell in enumerate(cells)]


def test_four_places_in_a_week_are_many():
    assert rules(STICKER, *places(4)) == [Rule.PLACES]
    assert rules(STICKER, *places(3)) == []
    assert rules(replace(STICKER, kind=CodeKind.DOCUMENT), *places(4)) == [Rule.PLACES], "of paper too"
    assert rules(replace(STICKER, is_mobile=True), *places(4)) == []


def test_the_window_ends():
    assert rules(STICKER, *places(4, hours_apart=55)) == [Rule.PLACES], "165 hours"
    assert rules(STICKER, *places(4, hours_apart=56)) == [], "168 hours: the first is a week old"


def test_places_near_each_other_are_one():
    near = [seen(Cell(260, 1192 + step), NOW - 24 * step) for step in range(4)]
    assert rules(STICKER, *near) == []


# --- counts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "standing", "rule", "least"),
    [
        (CodeKind.STICKER, Standing.RETIRED, Rule.RETIRED, 3),
        (CodeKind.STICKER, Standing.UNUSED, Rule.UNUSED, 5),
        (CodeKind.ROLL, Standing.UNKNOWN, Rule.UNKNOWN, 10),
    ],
)
def test_what_nobody_should_find_anywhere_is_noted_from_so_many_callers(kind, standing, rule, least):
    watched = Watched(kind, standing, is_mobile=False)
    days = [Counted(1, 500, least - 1), Counted(2, 500, least - 1)]
    assert rules(watched, counted=days) == []
    assert rules(watched, counted=[*days, Counted(3, least, least)]) == [rule]
    (found,) = judge(watched, (), [*days, Counted(3, least, least)], NUMBERS, NOW)
    assert found.counted == Counted(3, least, least)


def test_how_often_a_sticker_in_use_is_scanned_is_nothing():
    assert rules(STICKER, counted=[Counted(1, 10**6, 10**6)]) == []
    paper = Watched(CodeKind.DOCUMENT, Standing.UNKNOWN, is_mobile=False)
    assert rules(paper, counted=[Counted(1, 10**6, 10**6)]) == []


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OUTSIDE,area_km,30", "OUTSIDE,area_km,0"),
        ("OUTSIDE,area_km,30", "OUTSIDE,area_km,"),
        ("OUTSIDE,area_km,30", "OUTSIDE,radius,30"),
        ("OUTSIDE,area_km,30", "ELSEWHERE,area_km,30"),
        ("OUTSIDE,area_km,30", "TRAVEL,speed_kmh,30"),
        ("TRAVEL,speed_kmh,120", "TRAVEL,speed_kmh,1e3"),
        ("120,km/h", "120,"),
        (",confirm", ","),
        ("rule,number", "number,rule"),
    ],
)
def test_a_wrong_table_is_refused(old, new):
    with pytest.raises(MalformedDocumentError):
        parse_numbers(TABLE.replace(old, new, 1))


def test_every_number_has_a_reason_in_both_languages():
    rows = [line for line in TABLE.splitlines()[1:] if line]
    assert len(rows) == len(NUMBERS)
    assert all(re.search(r"[\u4e00-\u9fff]{4}", line) for line in rows)


# --- marks, evidence, states --------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", Rule)
def test_only_places_of_a_sticker_are_hinted_at(rule):
    hinted = {
        Rule.OUTSIDE: CopyMark.OUTSIDE,
        Rule.TRAVEL: CopyMark.SUSPECTED,
        Rule.PLACES: CopyMark.SUSPECTED,
    }
    assert choose_mark(CodeKind.STICKER, [(rule, FindingState.OPEN)]) is hinted.get(rule)
    assert choose_mark(CodeKind.DOCUMENT, [(rule, FindingState.OPEN)]) is None
    for kind in CodeKind:
        assert choose_mark(kind, [(rule, FindingState.CONFIRMED)]) is CopyMark.CONFIRMED
        assert choose_mark(kind, [(rule, state) for state in OVER]) is None


def test_the_heaviest_mark_is_shown():
    found = [(Rule.OUTSIDE, FindingState.OPEN), (Rule.TRAVEL, FindingState.OPEN)]
    assert choose_mark(CodeKind.STICKER, found) is CopyMark.SUSPECTED
    assert (
        choose_mark(CodeKind.STICKER, [*found, (Rule.UNUSED, FindingState.CONFIRMED)]) is CopyMark.CONFIRMED
    )
    assert choose_mark(CodeKind.STICKER, []) is None


def test_nothing_is_confirmed_twice_or_after_it_is_over():
    assert list_next(FindingState.OPEN) == (FindingState.CONFIRMED, FindingState.DISMISSED)
    assert list_next(FindingState.CONFIRMED) == (FindingState.LIFTED,)
    assert all(list_next(state) == () for state in OVER)


def test_evidence_comes_back():
    for suspicion in (
        Suspicion(Rule.TRAVEL, (seen(FUZHOU), seen(Cell(-1, -1800), 7, 3))),
        Suspicion(Rule.RETIRED, counted=Counted(5, 9, 3)),
    ):
        assert read_evidence(write_evidence(suspicion)) == Evidence(suspicion.seen, suspicion.counted)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"seen":[[1,2,3]]}', '{"seen":1}', '{"seen":[],"counted":[1]}']
)
def test_damaged_evidence_is_said(text):
    with pytest.raises(LogIntegrityError):
        read_evidence(text)


# --- what a page counts as ----------------------------------------------------------------------------------

CODE = "Y0E5Q0BVPKA486WB"
DAY = date(2026, 11, 2)


def of_sticker(standing, institution="某市计量所"):
    summary = StickerSummary(CODE, standing, CODE[:7], 1, institution)
    report = type("Report", (), {"sticker": summary, "document": None})()
    return Finding(Shown.VALID, DAY, report=report)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ("BOUND", (CodeKind.STICKER, CODE, Standing.BOUND)),
        ("UNUSED", (CodeKind.STICKER, CODE, Standing.UNUSED)),
        ("REPLACED", (CodeKind.STICKER, CODE, Standing.RETIRED)),
        ("RELEASED", (CodeKind.STICKER, CODE, Standing.RETIRED)),
        ("NEVER_GIVEN_OUT", (CodeKind.ROLL, CODE[:7], Standing.UNKNOWN)),
    ],
)
def test_a_sticker_counts_as_it_stands(standing, expected):
    assert identify(f"/s/{CODE}", of_sticker(standing)) == Observed(*expected, is_mobile=False)


@pytest.mark.parametrize(
    ("path", "finding", "expected"),
    [
        (f"/c/{CODE}", Finding(Shown.VALID, DAY, code=CODE), (CodeKind.DOCUMENT, CODE)),
        ("/q/1234", Finding(Shown.EXPIRED, DAY, code=CODE), (CodeKind.DOCUMENT, CODE)),
        (f"/c/{CODE}", Finding(Shown.UNKNOWN_CODE, DAY), (CodeKind.ROLL, "")),
        ("/q/1234", Finding(Shown.NEVER_GIVEN_OUT, DAY), (CodeKind.ROLL, "")),
        ("/q/1234", Finding(Shown.NOT_LOGGED, DAY), (CodeKind.ROLL, "")),
        ("/c/x", Finding(Shown.NOT_FOUND, DAY), None),
        (f"/c/{CODE}", Finding(Shown.CANNOT_CHECK, DAY), None),
        (f"/c/{CODE}", Finding(Shown.CONTENT_WITHHELD, DAY, code=CODE, is_withheld=True), None),
        (f"/s/{CODE}", Finding(Shown.CANNOT_CHECK, DAY), None),
        (f"/i/{'0' * 32}", Finding(Shown.VALID, DAY, code=CODE), None),
        ("/find", Finding(Shown.VALID, DAY, code=CODE), None),
        ("/", Finding(Shown.VALID, DAY, code=CODE), None),
    ],
)
def test_what_a_page_counts_as(path, finding, expected):
    found = identify(path, finding)
    assert (None if found is None else found.key) == expected


def test_what_is_printed_is_named_whether_it_is_known_or_not():
    assert name_printed(f"/s/{CODE.lower()}", Finding(Shown.VALID, DAY)) == (CodeKind.STICKER, CODE)
    assert name_printed(f"/c/{CODE}", Finding(Shown.UNKNOWN_CODE, DAY)) == (CodeKind.DOCUMENT, CODE)
    assert name_printed("/q/12", Finding(Shown.VALID, DAY, code=CODE)) == (CodeKind.DOCUMENT, CODE)
    assert name_printed("/q/12", Finding(Shown.NEVER_GIVEN_OUT, DAY)) is None
    assert name_printed("/s/nonsense", Finding(Shown.NOT_FOUND, DAY)) is None


def test_what_drives_about_is_in_the_list_of_categories():
    assert set(Category.__members__) >= MOBILE


# --- counting -----------------------------------------------------------------------------------------------


def test_ten_looks_of_one_person_are_one_caller_until_the_day_ends():
    counter, now = ScanCounter(lambda size: b"s" * size), datetime(2026, 11, 2, 23, 59, tzinfo=UTC)
    page = Finding(Shown.VALID, DAY, code=CODE)
    for _ in range(10):
        counter.note(f"/c/{CODE}", "203.0.113.7", page)
    counter.note(f"/c/{CODE}", "2001:db8::1", page)
    counter.note(f"/c/{CODE}", "2001:db8::2", page)
    (found,) = counter.drain(now)
    assert (found.scans, found.callers) == (12, 2), "an IPv6 network is one caller"
    assert counter.drain(now) == []
    counter.note(f"/c/{CODE}", "203.0.113.7", page)
    assert counter.drain(now)[0].callers == 0
    counter.note(f"/c/{CODE}", "203.0.113.7", page)
    (found,) = counter.drain(now + timedelta(minutes=1))
    assert found.callers == 1, "another day, another salt"


def test_what_waits_has_a_limit():
    counter = ScanCounter(bytes)
    page = Finding(Shown.VALID, DAY, code=CODE)
    for _ in range(MOST_WAITING + 5):
        counter.note(f"/c/{CODE}", "203.0.113.7", page)
    assert counter.drain(datetime(2026, 11, 2, tzinfo=UTC))[0].scans == MOST_WAITING


# --- what is stored -----------------------------------------------------------------------------------------

NAMES = re.compile(r"addr|ip$|ip_|device|agent|caller_|who|salt|lat|lon|minute|second|user|phone")


@pytest.mark.parametrize("tables", [metadata, desk_metadata], ids=["site", "desk"])
def test_no_column_is_for_an_address_a_device_or_a_place(tables):
    for table in tables.tables.values():
        for column in table.columns:
            assert not NAMES.search(column.name), (table.name, column.name)
