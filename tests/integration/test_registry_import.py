"""Real records of a foreign register: 22 verifications of instruments that share one serial number."""

from datetime import date

import pytest
from desk_world import FlakyDatabase, MemoryGateway, fetch, make_desk, rows
from registry_records import TWICE, WITHOUT_END, load_records, parse_day, to_document

from issuer.outputs import build_qr_text
from issuer.tables import DocumentState
from ledger.core.calendar_rules import ValidityKind
from ledger.core.certificate import parse_certificate
from ledger.core.qr import LongForm, compute_code, parse_qr_text
from ledger.core.statement import parse_signed_statement

HOST = "q.example.cn"


@pytest.fixture(scope="module")
def records():
    return load_records()


@pytest.fixture(scope="module")
def issued(tmp_path_factory, records):
    """Return vri_id -> certificate, statement of every record, issued by a desk."""
    database = FlakyDatabase(tmp_path_factory.mktemp("registry") / "desk.db")
    desk = make_desk(database, MemoryGateway(anywhere=True, valid_from=date(2020, 1, 1)))
    checked = desk.check_rows(rows(*map(to_document, records)))
    assert not checked.faults, [fault.text for fault in checked.faults]
    report = desk.issue(checked.documents)
    assert len(report.list_in(DocumentState.LOGGED)) == 22
    found = {item.request_id: fetch(desk, item.number) for item in report.documents}
    database.close()
    return {
        name: (parse_certificate(files.certificate), parse_signed_statement(files.statement), files.statement)
        for name, files in found.items()
    }


def test_every_record_keeps_its_number_and_its_days(records, issued):
    for record in records:
        found = issued[record["vri_id"]][0].record
        assert found.number == record["result_docnum"]
        assert found.instrument.serial == "000257"
        assert found.verified_on == parse_day(record["verification_date"])
        assert found.issued_on == found.verified_on


def test_the_placeholder_for_without_end_becomes_no_expiry(records, issued):
    endless = [record["vri_id"] for record in records if record["valid_date"] == WITHOUT_END]
    assert len(endless) == 2
    for record in records:
        validity = issued[record["vri_id"]][0].record.validity
        if record["vri_id"] in endless:
            assert (validity.kind, validity.until) == (ValidityKind.NONE, None)
        else:
            assert (validity.kind, validity.until) == (ValidityKind.DATE, parse_day(record["valid_date"]))


def test_two_records_that_cannot_be_told_apart_are_one_instrument_with_two_certificates(issued):
    first, second = (issued[name] for name in TWICE)
    assert first[0].record.instrument.id == second[0].record.instrument.id
    assert first[0].record.number != second[0].record.number
    assert [statement.statement.expected_version for _, statement, _ in (first, second)] == [0, 1]


def test_all_other_instruments_are_distinct_though_they_share_a_serial_number(issued):
    ids = {name: certificate.record.instrument.id for name, (certificate, _, _) in issued.items()}
    assert len(set(ids.values())) == 21
    assert all(issued[name][1].statement.expected_version == 0 for name in ids if name != TWICE[1])


def test_each_code_leads_to_its_own_certificate(issued):
    texts = {name: build_qr_text(raw, HOST) for name, (_, _, raw) in issued.items()}
    assert len(set(texts.values())) == 22
    for name, text in texts.items():
        form = parse_qr_text(text, host=HOST)
        certificate, _, raw = issued[name]
        if isinstance(form, LongForm):
            claims = parse_signed_statement(form.statement).statement.claims
            assert claims.certificate_digest == certificate.digest
        else:
            assert form.code == compute_code(raw)
    assert len({compute_code(raw) for _, _, raw in issued.values()}) == 22


def test_the_owner_is_hidden_and_still_tells_instruments_apart(records, issued):
    for record in records:
        certificate = issued[record["vri_id"]][0]
        assert record["org_title"].encode() not in certificate.raw


def test_a_sentinel_that_slips_through_is_refused(records, tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    desk = make_desk(database, MemoryGateway(anywhere=True, valid_from=date(2020, 1, 1)))
    sentinel = {**to_document(records[0]), "validity": {"kind": "date", "until": "2099-12-31"}}
    [fault] = desk.check_rows(rows(sentinel)).faults
    assert fault.field == "validity.until"
    database.close()
