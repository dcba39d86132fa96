"""The input of the demo, through the desk: nothing in it expires, and every reading follows from its numbers."""

import re
import runpy
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from desk_world import NOW, ZONE, FlakyDatabase, MemoryGateway, fetch, make_desk, stored
from world import World, make_signer

from issuer.batch import find_form, parse_common, read_rows
from issuer.profile import parse_authority_file, parse_institution_file
from issuer.tables import DocumentState
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.qr import MAX_PRINTED_BYTES
from ledger.core.rules import check_expiry, check_limits, check_regulation
from ledger.core.statement import Conclusion
from ledger.core.step import Outcome

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
INPUTS = sorted([*EXAMPLES.glob("*.jsonl"), *EXAMPLES.glob("*.csv")])
COUNTS = {Category.FUEL_DISPENSER: 12, Category.PRICE_SCALE: 20, Category.WATER_METER_SMALL: 1000}
DAYS = [
    NOW.date(),
    date(2027, 1, 8),
    date(2027, 1, 12),
    date(2028, 3, 1),
    date(2028, 12, 31),
    date(2030, 1, 1),
]
"""Today; the days around a new regulation of price scales; after a leap day; the turns of years."""
BOOK = load_rule_book()


class ExampleWorld(World):
    """As the examples' own files say who the authority and the institution are."""

    def __init__(self, day):
        super().__init__()
        key = make_signer("authority").public_key
        self.example = parse_institution_file((EXAMPLES / "institution.json").read_bytes(), day)
        self.delegate = parse_authority_file((EXAMPLES / "authority.json").read_bytes(), key, day)

    def authority(self):
        members = {name: getattr(self.delegate, name) for name in self.delegate.__dataclass_fields__}
        return super().authority(
            **{name: value for name, value in members.items() if name not in {"id", "key"}}
        )

    def institution(self):
        content = self.example.content
        return super().institution(
            name=content.name, credit_code=content.credit_code, division=content.division
        )

    def scope(self, **_):
        line = self.example.scopes[0]
        members = {name: getattr(line, name) for name in line.__dataclass_fields__}
        changes = {name: value for name, value in members.items() if name not in {"institution", "id"}}
        return super().scope(scope_id=line.id, **changes)


def make_example_desk(database, day):
    world = ExampleWorld(day)
    clock = datetime.combine(day, time(8, 30), ZONE)
    return make_desk(
        database, MemoryGateway(world, at=clock), clock=lambda: clock, profile=world.example.profile
    )


def check(desk, day):
    checking = desk.start_check(base_date=day)
    for path in INPUTS:
        common = parse_common((EXAMPLES / f"{path.stem}.common.json").read_bytes())
        checked = checking.check_rows(read_rows(path.read_bytes(), find_form(path.name), common))
        assert not checked.faults, [fault.text for fault in checked.faults][:5]
        yield from checked.documents


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """Return certificate and statement of every example, issued today."""
    database = FlakyDatabase(tmp_path_factory.mktemp("examples") / "desk.db")
    desk = make_example_desk(database, DAYS[0])
    report = desk.issue(list(check(desk, DAYS[0])))
    assert len(report.list_in(DocumentState.LOGGED)) == len(report.documents) == 1032
    tomorrow = DAYS[0] + timedelta(days=1)
    assert list(check(desk, tomorrow)) == list(report.documents), "a run on another day adds nothing"
    assert len(stored(desk)) == 1032
    found = [fetch(desk, item.number) for item in report.documents]
    database.close()
    return [(parse_certificate(files.certificate), files.statement) for files in found]


def test_there_are_twelve_pumps_twenty_scales_and_a_lot_of_meters(issued):
    assert Counter(certificate.record.instrument.category for certificate, _ in issued) == COUNTS


def test_two_scales_fail_and_nothing_else(issued):
    failed = [
        certificate.record for certificate, _ in issued if certificate.record.conclusion is Conclusion.FAIL
    ]
    assert [record.instrument.category for record in failed] == [Category.PRICE_SCALE] * 2
    assert all(not result.passed for record in failed for result in record.results[:1])


def test_no_two_examples_are_one_instrument_or_one_request(issued):
    assert len({certificate.record.instrument.id for certificate, _ in issued}) == 1032
    assert len({certificate.record.instrument.serial for certificate, _ in issued}) > 1000


def test_pumps_have_nozzles_with_three_flows_and_repeatability(issued):
    for certificate, _ in issued:
        record = certificate.record
        if record.instrument.category is not Category.FUEL_DISPENSER:
            continue
        assert 2 <= len(record.instrument.parts) <= 4
        assert len(record.seals) == 3
        assert record.environment.temperature is not None
        for part in record.instrument.parts:
            mine = {result.item: result for result in record.results if result.part == part.id}
            assert len(mine["indication_error"].points) >= 3
            assert mine["repeatability"].passed


def test_meters_are_one_lot_with_a_service_life(issued):
    meters = [
        certificate.record
        for certificate, _ in issued
        if certificate.record.instrument.category is Category.WATER_METER_SMALL
    ]
    assert {(record.lot.size, record.lot.no) for record in meters} == {(1000, meters[0].lot.no)}
    assert {record.validity.kind.name for record in meters} == {"SERVICE_LIFE"}
    assert all(
        {"indication_error_low", "indication_error_high"} <= {result.item for result in record.results}
        for record in meters
    )


def test_readings_are_judged_where_limits_are_confirmed_and_left_open_where_not(issued):
    wanted = {
        Category.FUEL_DISPENSER: Outcome.PASSED,
        Category.PRICE_SCALE: Outcome.NOT_CHECKED,
        Category.WATER_METER_SMALL: Outcome.PASSED,
    }
    for certificate, _ in issued:
        found = check_limits(certificate.record, BOOK)
        assert (found.outcome, found.reasons) == (wanted[certificate.record.instrument.category], ())


def test_regulations_are_in_force_and_validities_the_longest(issued):
    for certificate, _ in issued:
        for found in (check_regulation(certificate.record, BOOK), check_expiry(certificate.record, BOOK)):
            assert found.outcome is not Outcome.FAILED
            assert found.reasons == ()


def test_every_statement_fits_into_a_printed_code(issued):
    assert max(len(statement) for _, statement in issued) <= MAX_PRINTED_BYTES


@pytest.mark.parametrize("day", DAYS[1:], ids=str)
def test_the_examples_never_expire(tmp_path, day):
    database = FlakyDatabase(tmp_path / "desk.db")
    assert len(list(check(make_example_desk(database, day), day))) == 1032
    database.close()


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_no_file_holds_a_date(path):
    assert not re.search(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}", path.read_bytes())


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in EXAMPLES.iterdir()) < 1_500_000


def test_every_document_says_which_request_it_is():
    for path in INPUTS:
        rows = [row.value for row in read_rows(path.read_bytes(), find_form(path.name))]
        assert all("request_id" in value for value in rows)


def test_the_generator_writes_what_is_committed(tmp_path):
    made = runpy.run_path(str(ROOT / "scripts" / "make_examples"))
    main = made["main"]
    main.__globals__["EXAMPLES"] = tmp_path
    main()
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(written) >= {path.name for path in INPUTS}
    assert all((EXAMPLES / name).read_bytes() == content for name, content in written.items())
