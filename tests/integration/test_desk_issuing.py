import itertools
from datetime import date, timedelta

import pytest
from desk_world import (
    BASE_DATE,
    NOW,
    PROFILE,
    FlakyDatabase,
    MemoryGateway,
    changed,
    document,
    fetch,
    make_desk,
    rows,
    stored,
)

from issuer.batch import InputForm, read_rows
from issuer.gateway import RefusalKind, Refused
from issuer.signing import ReadyDocument
from issuer.tables import DocumentState
from ledger.core.certificate import parse_certificate
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    LogIntegrityError,
    UnavailableError,
)
from ledger.core.statement import parse_signed_statement

SIGNED, LOGGED, VOIDED = DocumentState.SIGNED, DocumentState.LOGGED, DocumentState.VOIDED
STALE = Refused(RefusalKind.STALE_VERSION, "stale")
FINAL = Refused(RefusalKind.FINAL, "outside the scope")
NOT_NOW = Refused(RefusalKind.NOT_NOW, "the clocks disagree")


@pytest.fixture
def database(tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    yield database
    database.close()


@pytest.fixture
def gateway():
    return MemoryGateway()


@pytest.fixture
def desk(database, gateway):
    return make_desk(database, gateway)


def issue(desk, *values, **options):
    checked = desk.check_rows(rows(*values))
    assert not checked.faults, [fault.text for fault in checked.faults]
    return desk.issue(checked.documents, **options)


def numbers(report):
    return [item.number for item in report.documents]


def version(desk, number):
    return parse_signed_statement(fetch(desk, number).statement).statement.expected_version


# --- the plain case --------------------------------------------------------------------------------------------


def test_a_batch_is_numbered_in_order_and_logged(desk, gateway):
    report = issue(desk, *map(document, range(1, 4)))
    assert numbers(report) == ["JY2026-000001", "JY2026-000002", "JY2026-000003"]
    assert [item.leaf_index for item in report.documents] == [5, 6, 7]
    assert len(report.list_in(LOGGED)) == 3
    assert report.outage is None
    for item in report.documents:
        record = parse_certificate(fetch(desk, item.number).certificate).record
        assert record.number == item.number
        assert gateway.certificates[item.number] == fetch(desk, item.number).certificate


def test_the_same_batch_again_changes_nothing(desk, gateway):
    first = issue(desk, *map(document, range(1, 4)))
    calls = gateway.calls
    second = issue(desk, *map(document, range(1, 4)))
    assert second.documents == first.documents
    assert gateway.calls == calls


def test_a_known_document_passes_whatever_the_rules_say_today(database, gateway, desk):
    first = issue(desk, document(1))
    narrow = MemoryGateway(division="350199")
    again = make_desk(database, narrow).check_rows(rows(document(1)))
    assert again.documents == list(first.documents)


def test_a_batch_on_another_day_is_the_same_batch(database, gateway):
    value = changed(document(1), "verified_on", {"day": -1})
    one = make_desk(database, gateway)
    checked = one.check_rows(rows(value), base_date=BASE_DATE)
    first = one.issue(checked.documents)
    later = make_desk(database, gateway, clock=lambda: NOW + timedelta(days=400))
    again = later.check_rows(rows(value), base_date=BASE_DATE + timedelta(days=400))
    assert not again.faults
    assert later.issue(again.documents).documents == first.documents


def test_known_and_new_documents_come_back_in_the_order_of_the_batch(desk):
    issue(desk, document(2))
    report = issue(desk, document(3), document(2), document(1))
    assert [item.request_id for item in report.documents] == ["R-3", "R-2", "R-1"]
    assert numbers(report) == ["JY2026-000002", "JY2026-000001", "JY2026-000003"]


def test_large_batches_go_in_chunks_and_progress_is_told(desk, gateway):
    told, signed = [], []
    report = issue(desk, *map(document, range(600)), progress=told.append, signed=signed.append)
    assert told == signed == [256, 512, 600]
    assert gateway.calls == 3
    assert numbers(report) == [f"JY2026-{number:06d}" for number in range(1, 601)]


def test_what_is_signed_and_not_logged_yet_is_told(desk, gateway):
    told, signed = [], []

    def submit(entries):
        assert len(signed) == len(told) + 1
        return MemoryGateway.submit(gateway, entries)

    gateway.submit = submit
    issue(desk, *map(document, range(300)), progress=told.append, signed=signed.append)
    issue(desk, *map(document, range(300)), progress=told.append, signed=signed.append)
    assert told == signed == [256, 300, 256, 300]


def test_each_year_has_its_own_series(desk):
    value = changed(document(2), "persons.2.signed_at", "2026-11-03T07:00:00Z")
    old = document(1, verified_on="2025-12-30", issued_on="2025-12-30", results=[])
    for position in range(3):
        old = changed(old, f"persons.{position}.signed_at", f"2025-12-30T0{position + 1}:00:00Z")
    assert numbers(issue(desk, old, value, document(3))) == [
        "JY2025-000001",
        "JY2026-000001",
        "JY2026-000002",
    ]


def test_one_document_at_a_time(desk):
    ready = desk.check_document(document(1))
    assert isinstance(ready, ReadyDocument)
    report = desk.issue([ready, ready])
    assert numbers(report) == ["JY2026-000001", "JY2026-000001"]
    assert desk.check_document(document(1)) == report.documents[0]


# --- the same instrument again ---------------------------------------------------------------------------------


def test_two_certificates_of_one_instrument_get_versions_in_order(desk):
    one, other = document(1), document(1, request_id="R-2", verified_on="2026-11-01")
    report = issue(desk, one, other)
    assert [version(desk, item.number) for item in report.documents] == [0, 1]
    assert len(report.list_in(LOGGED)) == 2


def test_a_later_certificate_follows_what_the_log_has(desk):
    issue(desk, document(1))
    report = issue(desk, document(1, request_id="again"))
    assert version(desk, report.documents[0].number) == 1


def test_a_stale_statement_takes_over_the_newest_version_and_keeps_its_certificate(desk, gateway):
    foreign = make_foreign_issue(gateway)
    gateway.fail("subject_versions")
    checked = desk.check_rows(rows(document(1)))
    gateway.submit([foreign])
    report = desk.issue(checked.documents)
    assert report.list_in(SIGNED), "the log was out of reach for the look-up"
    before = fetch(desk, "JY2026-000001")
    assert version(desk, "JY2026-000001") == 0
    report = desk.resume()
    assert report.documents[0].state is LOGGED
    after = fetch(desk, "JY2026-000001")
    assert version(desk, "JY2026-000001") == 1
    assert after.certificate == before.certificate
    assert after.disclosure == before.disclosure


def make_foreign_issue(gateway):
    """Return an issue about the instrument of `document(1)` that did not come from this desk's memory."""
    from desk_world import CONTEXT, CountingRandomness

    from issuer.drafting import parse_draft
    from issuer.signing import Seal, prepare_document, seal_document, sign_issue
    from ledger.core.ids import CertificateNumber
    from ledger.core.record import Issuer

    seal = Seal(gateway.world.seal, gateway.world.origin, CONTEXT.institution, NOW)
    ready = prepare_document(parse_draft(document(1), CONTEXT), Issuer(CONTEXT.institution, "x", "x", "S1"))
    sealed = seal_document(ready, CertificateNumber("X-1"), seal, CountingRandomness(b"foreign"))
    return sign_issue(sealed.claims, 0, seal), sealed.certificate


def test_an_instrument_that_never_rests_is_left_waiting(desk, gateway):
    gateway.answer("JY2026-000001", *[STALE] * 5)
    report = issue(desk, document(1))
    assert report.documents[0].state is SIGNED
    assert report.held == {"JY2026-000001": "the instrument changed again and again"}
    assert desk.resume().documents[0].state is LOGGED


def test_other_instruments_do_not_wait_for_it(desk, gateway):
    gateway.answer("JY2026-000002", *[STALE] * 5)
    report = issue(desk, *map(document, range(1, 4)))
    assert [item.state for item in report.documents] == [LOGGED, SIGNED, LOGGED]


# --- refusals --------------------------------------------------------------------------------------------------


def test_a_final_refusal_voids_the_number_with_its_reason(desk, gateway):
    gateway.answer("JY2026-000002", FINAL)
    report = issue(desk, *map(document, range(1, 4)))
    assert [item.state for item in report.documents] == [LOGGED, VOIDED, LOGGED]
    assert report.documents[1].reason == "outside the scope"
    assert numbers(issue(desk, document(4))) == ["JY2026-000004"], "a voided number is never given again"


def test_a_voided_document_stays_voided_under_its_request(desk, gateway):
    gateway.answer("JY2026-000001", FINAL)
    first = issue(desk, document(1))
    assert issue(desk, document(1)).documents == first.documents
    assert numbers(issue(desk, document(1, request_id="R-1b"))) == ["JY2026-000002"]


def test_a_voided_certificate_does_not_count_for_the_instruments_version(desk, gateway):
    gateway.answer("JY2026-000001", FINAL)
    report = issue(desk, document(1), document(1, request_id="R-2"))
    assert [item.state for item in report.documents] == [VOIDED, LOGGED]
    assert version(desk, "JY2026-000002") == 0


def test_not_now_means_later(desk, gateway):
    gateway.answer("JY2026-000001", NOT_NOW)
    report = issue(desk, document(1))
    raw = fetch(desk, "JY2026-000001").statement
    assert report.documents[0].state is SIGNED
    assert report.held == {"JY2026-000001": "the clocks disagree"}
    assert issue(desk, document(1)).documents[0].state is LOGGED
    assert fetch(desk, "JY2026-000001").statement == raw


def test_a_log_that_answers_too_little_is_not_believed(desk, gateway):
    gateway.submit = lambda entries: []
    with pytest.raises(LogIntegrityError, match="the log answered 0 of 1 statements"):
        issue(desk, document(1))
    assert [item.state for item in stored(desk)] == [SIGNED]


# --- the log out of reach --------------------------------------------------------------------------------------


def test_without_the_registers_nothing_begins(desk, gateway):
    gateway.fail("registers")
    with pytest.raises(UnavailableError):
        desk.check_rows(rows(document(1)))
    assert stored(desk) == []


@pytest.mark.parametrize("written", [False, True])
def test_without_the_log_documents_wait_and_the_next_run_hands_them_in(desk, gateway, written):
    gateway.fail("submit", written=written)
    report = issue(desk, document(1), document(2))
    assert isinstance(report.outage, UnavailableError)
    assert len(report.list_in(SIGNED)) == 2
    waiting = {number: fetch(desk, number) for number in numbers(report)}
    again = issue(desk, document(1), document(2))
    assert len(again.list_in(LOGGED)) == 2
    assert {number: fetch(desk, number) for number in numbers(again)} == waiting
    assert gateway.size == 5 + 2


def test_an_outage_in_mid_batch_asks_no_more_and_loses_nothing(desk, gateway):
    gateway.fail("subject_versions")
    report = issue(desk, *map(document, range(600)))
    assert gateway.calls == 0
    assert len(report.list_in(SIGNED)) == 600
    assert numbers(report) == [f"JY2026-{number:06d}" for number in range(1, 601)]
    assert len(desk.resume().list_in(LOGGED)) == 600


def test_two_certificates_of_one_instrument_wait_in_order(desk, gateway):
    gateway.fail("submit")
    issue(desk, document(1))
    gateway.fail("submit")
    issue(desk, document(1, request_id="R-2"))
    report = desk.resume()
    assert [item.state for item in report.documents] == [LOGGED, LOGGED]
    assert [version(desk, number) for number in numbers(report)] == [0, 1]


def test_resuming_with_nothing_to_do_does_nothing(desk, gateway):
    assert desk.resume().documents == ()
    assert gateway.calls == 0


# --- what is wrong with a batch --------------------------------------------------------------------------------


def faults(desk, *values, **options):
    return [fault.text for fault in desk.check_rows(rows(*values), **options).faults]


def test_bad_rows_are_reported_and_nothing_is_changed(desk, gateway):
    raw = b'{"kind":1.5}\n[]\n\n{"kind":"periodic","colour":"red"}\n'
    checked = desk.check_rows(read_rows(raw, InputForm.JSON_LINES))
    assert [fault.row for fault in checked.faults][:3] == [1, 2, 4]
    assert checked.faults[0].text.startswith("row 1: kind: the number 1.5 must be written as text")
    assert checked.bad_rows == 3
    assert checked.documents == []
    assert stored(desk) == []
    assert gateway.calls == 0


def test_every_fault_of_a_row_of_a_table_is_told(desk):
    table = (
        "instrument.category,instrument.name,instrument.model,instrument.serial,instrument.maker,"
        "instrument.year,lot.no,lot.size,kind,conclusion,adjusted,verified_on,approver.pid,approver.signed_at\n"
        "PUMP,泵,EX,1,,2020.0,L1,1，000,periodic,pass,no,2026-11-02,P-1,2026-11-02T09:00:00Z\n"
        "FUEL_DISPENSER,泵,EX,2,,2020,L1,9,periodic,pass,false,2026-11-02,P-1,2026-11-02T09:00:00Z\n"
    )
    checked = desk.check_rows(read_rows(table.encode(), InputForm.CSV))
    assert [(fault.row, fault.field) for fault in checked.faults] == [
        (2, "instrument.maker"),
        (2, "instrument.category"),
        (2, "instrument.year"),
        (2, "adjusted"),
        (2, "lot.size"),
        (3, "instrument.maker"),
    ]
    assert all(fault.en and fault.zh for fault in checked.faults)


def test_the_good_rows_of_a_bad_batch_may_be_issued(desk):
    bad = changed(document(2), "results.0.unit", "gal")
    checked = desk.check_rows(rows(document(1), bad, document(3)))
    assert [fault.row for fault in checked.faults] == [2]
    report = desk.issue(checked.documents)
    assert [item.request_id for item in report.documents] == ["R-1", "R-3"]
    assert numbers(report) == ["JY2026-000001", "JY2026-000002"]


def test_the_gate_speaks_for_each_row(desk):
    late = document(1, validity={"kind": "date", "until": "2028-01-01"})
    assert faults(desk, late, document(2)) == [
        "row 1: validity.until: later than 2027-05-01, the last day allowed"
    ]


def test_faults_come_in_the_order_of_the_rows(desk):
    bad = [changed(document(number), "kind", "x") for number in range(5)]
    twice = document(7)
    assert [fault.row for fault in desk.check_rows(rows(*bad, twice, twice, bad[0])).faults] == [
        1,
        2,
        3,
        4,
        5,
        7,
        8,
    ]


def test_the_same_request_twice_in_a_file_is_a_fault(desk):
    other = document(1, kind="initial")
    assert faults(desk, document(1), document(2), document(1), other) == [
        "row 3: request_id: the same document or request id as in row 1",
        "row 4: request_id: the same document or request id as in row 1",
    ]


def test_the_same_content_twice_without_request_ids_is_a_fault(desk):
    bare = changed(document(1), "request_id", ...)
    assert faults(desk, bare, bare) == ["row 2: request_id: the same document or request id as in row 1"]


def test_doubles_are_found_across_chunks(desk):
    values = [*map(document, range(300)), document(0)]
    assert faults(desk, *values) == ["row 301: request_id: the same document or request id as in row 1"]


def test_doubles_are_found_across_files_that_are_issued_together(desk):
    checking = desk.start_check()
    first = checking.check_rows(rows(document(1), document(2, no="A-1")))
    second = checking.check_rows(rows(document(3, no="A-1"), document(1), document(4)))
    assert (len(first.documents), first.faults) == (2, [])
    assert [fault.text for fault in second.faults] == [
        "row 1: no: the same number as in row 2 of file 1",
        "row 2: request_id: the same document or request id as in row 1 of file 1",
    ]
    assert second.faults[1].text_zh == "第2行: request_id: 与第1个文件第1行的文件或请求编号相同"
    assert len(desk.issue([*first.documents, *second.documents]).documents) == 3


def test_a_request_that_was_issued_with_other_content_is_a_fault(desk):
    issue(desk, document(1))
    other = document(1, kind="initial")
    assert faults(desk, other) == [
        "row 1: request_id: R-1 was issued with other content, under the number JY2026-000001"
    ]
    with pytest.raises(AlreadyIssuedError):
        desk.check_document(other)


def test_checking_tells_its_progress(desk):
    told = []
    desk.check_rows(rows(*map(document, range(300))), progress=told.append)
    assert told == [256, 300]


def test_one_bad_document_says_everything_at_once(desk):
    bad = changed(changed(document(1), "results.0.unit", "gal"), "kind", "x")
    with pytest.raises(InputError) as caught:
        desk.check_document(bad)
    assert "results[0].unit: 'gal'" in str(caught.value)
    assert "kind: 'x'" in str(caught.value)
    with pytest.raises(DocumentRefusedError) as refused:
        desk.check_document(changed(document(1), "standards.0.exam_until", "2020-01-01"))
    assert refused.value.reasons[0].code == "STANDARD_EXPIRED"


# --- numbers that documents bring along ------------------------------------------------------------------------


def test_a_document_may_bring_its_own_number(desk):
    report = issue(desk, document(1, no="С-ВЮ/13-01-2022/1"), document(2))
    assert numbers(report) == ["С-ВЮ/13-01-2022/1", "JY2026-000001"]


def test_own_numbers_in_the_desks_series_are_passed_over(desk):
    issue(desk, document(1, no="JY2026-000002"))
    report = issue(desk, document(2), document(3, no="JY2026-000003"), document(4))
    assert numbers(report) == ["JY2026-000001", "JY2026-000003", "JY2026-000004"]


def test_a_number_is_used_once(desk):
    issue(desk, document(1, no="A-1"))
    assert faults(desk, document(2, no="A-1"), document(3, no="B-1"), document(4, no="B-1")) == [
        "row 1: no: A-1 belongs to another document",
        "row 3: no: the same number as in row 2",
    ]
    with pytest.raises(AlreadyIssuedError, match="number A-1 belongs to another document"):
        desk.check_document(document(2, no="A-1"))


def test_a_number_that_was_taken_since_the_check_is_refused_and_nothing_of_the_chunk_issued(desk):
    one, other = (desk.check_document(document(number, no="A-1")) for number in (1, 2))
    with pytest.raises(AlreadyIssuedError, match="two documents have the number A-1"):
        desk.issue([one, other])
    assert stored(desk) == []
    desk.issue([one])
    with pytest.raises(AlreadyIssuedError, match="two documents have the number A-1"):
        desk.issue([desk.check_document(document(3)), other])
    assert [item.number for item in stored(desk)] == ["A-1"]


def test_a_request_that_was_taken_since_the_check_is_refused(desk):
    one, other = desk.check_document(document(1)), desk.check_document(document(1, kind="initial"))
    desk.issue([one])
    with pytest.raises(AlreadyIssuedError, match="R-1 was issued meanwhile with other content"):
        desk.issue([other])


def test_a_document_that_was_issued_since_the_check_is_the_same_document(desk):
    one, same = desk.check_document(document(1)), desk.check_document(document(1))
    first = desk.issue([one])
    assert desk.issue([same]).documents == first.documents


def test_two_desks_on_one_database_give_no_number_twice(database, gateway):
    desks = [make_desk(database, gateway), make_desk(database, gateway)]
    for number, desk in zip(range(6), itertools.cycle(desks), strict=False):
        issue(desk, document(number))
    assert [item.number for item in stored(desks[0])] == [f"JY2026-{number:06d}" for number in range(1, 7)]


def test_the_profile_decides_the_numbers():
    assert PROFILE.numbers.format_number(date(2026, 1, 1), 1) == "JY2026-000001"
