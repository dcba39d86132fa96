import pytest

from issuer.faults import MAX_ERRORS, Fault, Gathering, list_faults, merge_errors
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    Reason,
    StateError,
    UnitError,
)


@pytest.mark.parametrize(
    ("error", "code", "field", "en", "zh"),
    [
        (
            MalformedDocumentError("is missing", field="lot.no"),
            "MALFORMED",
            "lot.no",
            "is missing",
            "内容有误：is missing",
        ),
        (UnitError("unknown", field="unit"), "UNIT", "unit", "unknown", "计量单位有误：unknown"),
        (NonCanonicalEncodingError("upper case"), "SPELLING", None, "upper case", "写法有误：upper case"),
        (AlreadyIssuedError("taken"), "ALREADY_ISSUED", "request_id", "taken", "重复签发：taken"),
        (InputError("no"), "MALFORMED", None, "no", "内容有误：no"),
    ],
)
def test_an_error_becomes_a_fault(error, code, field, en, zh):
    assert list_faults(error, 7) == [Fault(7, code, field, en, zh)]


def test_a_refusal_becomes_a_fault_for_each_reason():
    reasons = [
        Reason("SCOPE", "kind", "is outside the scope", "不在授权范围内"),
        Reason("TIME", "issued_on", "x", "y"),
    ]
    faults = list_faults(DocumentRefusedError(reasons), 3)
    assert [(fault.code, fault.field, fault.zh) for fault in faults] == [
        ("SCOPE", "kind", "不在授权范围内"),
        ("TIME", "issued_on", "y"),
    ]


def test_a_fault_reads_as_a_sentence_in_both_languages():
    fault = Fault(7, "EXPIRY", "validity.until", "later than 2027-05-19", "晚于2027-05-19")
    assert fault.text == "row 7: validity.until: later than 2027-05-19"
    assert fault.text_zh == "第7行: validity.until: 晚于2027-05-19"
    assert Fault(None, "X", None, "no", "否").text == "no"


def test_one_error_stays_itself_and_many_become_one_that_says_all():
    first, second = UnitError("unknown", field="unit"), MalformedDocumentError("is missing", field="no")
    assert merge_errors([first]) is first
    assert str(merge_errors([first, second])) == "unit: unknown; no: is missing"


def test_a_path_is_spoiled_by_a_part_of_it_or_by_its_whole():
    gathering = Gathering(spoiled={"persons[1].name", "lot"})
    assert all(map(gathering.is_spoiled, ["persons", "persons[1]", "persons[1].name", "lot", "lot.size"]))
    assert not any(
        map(gathering.is_spoiled, ["person", "persons[0]", "persons[1].pid", "lots", "", "persons[10]"])
    )


def test_of_very_many_errors_the_first_are_told():
    gathering = Gathering()
    for number in range(MAX_ERRORS + 5):
        assert gathering.is_full == (number >= MAX_ERRORS)
        gathering.add(MalformedDocumentError("bad"), f"seals[{number}]")
    assert (len(gathering.errors), len(gathering.spoiled)) == (MAX_ERRORS, MAX_ERRORS + 5)


def test_only_input_errors_are_gathered():
    gathering = Gathering()
    with gathering.watch("lot"):
        raise MalformedDocumentError("bad", field="lot.no")
    assert (len(gathering.errors), gathering.spoiled) == (1, {"lot"})
    with pytest.raises(StateError), gathering.watch("lot"):
        raise StateError("not ours")
