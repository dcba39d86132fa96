"""Which stickers there are: what a roll gives, what speaks against a certificate, and what its label says."""

from dataclasses import replace
from datetime import date

import pytest
from labels import HOST, INSTITUTION, NAME, ROLL, SOURCE
from ledger_in_memory import MemoryLedger, make_record, make_rejection

from issuer.rendering.wording import LABELS, STICKER_BANNER, STICKER_TITLE, Words
from issuer.sticker_labels import (
    NOT_LOGGED,
    Standing,
    build_certificate_label,
    check_roll,
    find_refusals,
    list_roll_labels,
)
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.qr import MAX_PRINTED_BYTES, LongForm, ShortForm, compute_code, format_code, parse_qr_text
from ledger.core.record import VerificationKind
from ledger.core.register_fields import RegisterState
from ledger.core.statement import Conclusion
from ledger.core.status import Status, SubjectState
from ledger.core.sticker import compute_sticker_id, is_of_roll, parse_sticker_id

TODAY = date(2026, 3, 3)


def parse(record):
    ledger = MemoryLedger().found()
    document = ledger.documents[ledger.issue_record(record)]
    return parse_certificate(encode_canonical_json(document.credential)).record


RECORD = parse(make_record(1))
STATEMENT = bytes(range(205))


def state(status=Status.VALID, current=5):
    return SubjectState(status, 1, LeafIndex(9), None if current is None else LeafIndex(current))


def standing(document=Status.VALID, instrument=Status.VALID, current=5, lot=None):
    return Standing(state(document), state(instrument, current), None if lot is None else state(lot, None))


def reasons(record=RECORD, how=None, today=TODAY):
    return [sentence.en for sentence in find_refusals(record, how or standing(), today)]


# --- rolls ------------------------------------------------------------------------------------------------


def test_labels_of_a_roll_bear_its_ids_and_nothing_about_an_instrument():
    labels = list(list_roll_labels(ROLL, range(10, 13), SOURCE, date_line=False))
    for number, label in zip(range(10, 13), labels, strict=True):
        sticker = compute_sticker_id(ROLL, number)
        assert label.qr_texts == (f"https://{HOST}/s/{sticker}",)
        assert is_of_roll(parse_sticker_id(label.code), ROLL)
        assert (label.host, label.issuer, label.title, label.lines, label.banner) == (
            HOST,
            NAME,
            None,
            (),
            None,
        )


def test_a_line_to_write_the_date_on_is_empty():
    [label] = list_roll_labels(ROLL, range(1), SOURCE, date_line=True)
    assert [(line.words, line.value) for line in label.lines] == [(LABELS["valid_until"], "")]


def test_development_stands_on_labels_of_both_sources():
    source = replace(SOURCE, development=True)
    [label] = list_roll_labels(ROLL, range(1), source, date_line=False)
    assert label.banner == STICKER_BANNER
    assert build_certificate_label(RECORD, STATEMENT, source).banner == STICKER_BANNER


@pytest.mark.parametrize("span", [(0, 0), (0, 99), (99, 99)])
def test_numbers_of_a_roll(span):
    check_roll(replace(ROLL, count=100), *span, INSTITUTION)


@pytest.mark.parametrize(
    ("first", "last", "field", "saying"),
    [
        (5, 4, "--from", "5 is beyond 4, where the stickers end"),
        (0, 100, "--to", "roll 7KQ2M9X has the numbers 0 to 99, not 100"),
        (100, 100, "--to", "not 100"),
        (101, 100, "--to", "not 100"),
    ],
)
def test_numbers_that_a_roll_lacks(first, last, field, saying):
    with pytest.raises(InputError, match=saying) as caught:
        check_roll(replace(ROLL, count=100), first, last, INSTITUTION)
    assert caught.value.field == field


def test_another_institutions_roll_is_refused():
    with pytest.raises(InputError, match="allotted to 350100-01, this home is that of 350100-02") as caught:
        check_roll(ROLL, 0, 0, InstitutionId("350100-02"))
    assert caught.value.field == "roll.institution"


@pytest.mark.parametrize("ended", [item for item in RegisterState if item is not RegisterState.ACTIVE])
def test_a_roll_that_is_not_active_is_refused(ended):
    with pytest.raises(InputError, match=rf"roll 7KQ2M9X is {ended.value}") as caught:
        check_roll(replace(ROLL, state=ended), 0, 0, INSTITUTION)
    assert caught.value.field == "roll.state"


# --- certificates -----------------------------------------------------------------------------------------


def test_nothing_speaks_against_a_certificate_in_force():
    assert reasons() == []
    assert reasons(how=standing(lot=Status.VALID)) == []


@pytest.mark.parametrize(
    ("status", "saying"),
    [
        (Status.SUPERSEDED, "it is superseded"),
        (Status.CANCELLED, "it is cancelled"),
        (Status.WITHDRAWN, "it is withdrawn"),
        (Status.SUSPENDED, "it is suspended"),
        (Status.INACTIVE, "it is INACTIVE"),
    ],
)
def test_a_certificate_out_of_force_is_refused(status, saying):
    assert reasons(how=standing(status, status)) == [saying]


def test_a_superseded_certificate_says_so_once():
    assert reasons(how=standing(Status.SUPERSEDED, current=7)) == ["it is superseded"]


@pytest.mark.parametrize(
    ("instrument", "current", "saying"),
    [
        (Status.VALID, 7, "its instrument has a newer document"),
        (Status.FAILED, 7, "its instrument has failed a later verification"),
        (Status.NEEDS_REVERIFICATION, 5, "its instrument must be verified again"),
        (Status.NEEDS_REVERIFICATION, 7, "its instrument must be verified again"),
        (Status.VALID, None, "its instrument has a newer document"),
    ],
)
def test_an_instrument_about_which_more_is_known(instrument, current, saying):
    assert reasons(how=standing(instrument=instrument, current=current)) == [saying]


@pytest.mark.parametrize(
    "lot", [Status.FAILED, Status.CANCELLED, Status.WITHDRAWN, Status.SUSPENDED, Status.VOID]
)
def test_a_lot_of_which_something_was_said(lot):
    [reason] = reasons(how=standing(lot=lot))
    assert reason.startswith("it")


@pytest.mark.parametrize("missing", ["document", "instrument"])
def test_what_the_log_does_not_know_is_not_logged(missing):
    assert find_refusals(RECORD, replace(standing(), **{missing: None}), TODAY) == [NOT_LOGGED]


def test_a_rejection_notice_is_refused_and_the_old_sticker_named():
    rejected = parse(make_rejection(7))
    how = standing(Status.FAILED, Status.FAILED)
    assert reasons(rejected, how) == ["it is a rejection notice; the old sticker is to be unbound"]


def test_other_documents_are_refused():
    other = replace(RECORD, document_type="calibration_certificate")
    assert reasons(other) == ["it is no verification certificate"]
    assert reasons(replace(RECORD, conclusion=Conclusion.FAIL)) == ["it states a failure"]
    [reason] = reasons(replace(RECORD, kind=VerificationKind.IN_SERVICE))
    assert reason.startswith("it is about an in-service inspection")


def test_the_last_day_of_validity_counts():
    until = RECORD.validity.until
    assert reasons(today=until) == []
    [reason] = reasons(today=date.fromordinal(until.toordinal() + 1))
    assert reason == f"it has expired on {until}"


def test_a_service_life_that_has_ended():
    ended = replace(RECORD.validity, kind=ValidityKind.SERVICE_LIFE, until=date(2026, 3, 2))
    assert reasons(replace(RECORD, validity=ended)) == ["its service life has ended on 2026-03-02"]


def test_all_reasons_are_told_at_once():
    ended = replace(RECORD.validity, until=date(2026, 3, 2))
    how = standing(Status.SUSPENDED, Status.FAILED, current=7, lot=Status.FAILED)
    assert len(reasons(replace(RECORD, validity=ended), how)) == 4
    assert all(sentence.zh for sentence in find_refusals(replace(RECORD, validity=ended), how, TODAY))


def test_a_label_says_what_the_record_says():
    label = build_certificate_label(RECORD, STATEMENT, SOURCE)
    said = {line.field: line.value for line in label.lines}
    assert said == {
        "validity.until": RECORD.validity.until.isoformat(),
        "instrument.name": "燃油加油机",
        "instrument.model": "SK52",
        "instrument.serial": "SN00000001",
        "no": "JY2026-000001",
    }
    assert (label.name, label.title) == ("JY2026-000001", STICKER_TITLE)
    assert label.issuer == Words(RECORD.issuer.name, NAME.en)
    assert label.code == format_code(compute_code(STATEMENT))
    long, short = (parse_qr_text(text, host=HOST) for text in label.qr_texts)
    assert isinstance(long, LongForm)
    assert long.statement == STATEMENT
    assert isinstance(short, ShortForm)
    assert short.code == compute_code(STATEMENT)


def test_members_that_a_record_lacks_have_no_line():
    bare = replace(
        RECORD,
        validity=replace(RECORD.validity, kind=ValidityKind.NONE, until=None),
        instrument=replace(RECORD.instrument, model=None),
    )
    fields = [line.field for line in build_certificate_label(bare, STATEMENT, SOURCE).lines]
    assert fields == ["instrument.name", "instrument.serial", "no"]


def test_a_statement_too_long_for_any_code_has_the_short_form_only():
    label = build_certificate_label(RECORD, bytes(MAX_PRINTED_BYTES + 1), SOURCE)
    assert [text.split("/")[3] for text in label.qr_texts] == ["c"]
