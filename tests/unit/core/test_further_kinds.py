"""Documents that verify nothing: what their records must hold, and must not."""

import pytest
from further_kinds import GUARDED, SCAN, SIMPLE, make_calibration, make_paper, make_value, make_values
from ledger_in_memory import make_record, make_signer, seal_record

from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.record import DocumentType, VerificationKind
from ledger.core.record_parsing import parse_record
from ledger.core.rules import build_issue_claims
from ledger.core.statement import Conclusion, DocumentKind

PERSON = {"role": "operator", "pid": "P-1", "signed_at": "2026-02-28T04:00:00Z"}
AGREED = {"kind": "date", "until": "2027-02-27", "agreed": True}


def read(record):
    return parse_record(Reader(record, ""))


def test_a_calibration_states_values_and_no_conclusion():
    record = read(make_calibration())
    assert record.document_kind is DocumentKind.CALIBRATION
    assert record.conclusion is record.decision_rule is None
    assert record.specification.id == "JJF 9001-2020"
    assert [result.passed for result in record.results] == [None]
    assert [point.passed for result in record.results for point in result.points] == [None]


def test_a_paper_register_says_what_the_paper_says_and_who_has_entered_it():
    record = read(make_paper())
    assert record.document_kind is DocumentKind.PAPER
    assert (record.conclusion, record.persons, record.results) == (Conclusion.PASS, (), ())
    assert (record.paper.scan.hex(), record.paper.entered_by) == (SCAN, "P-0001")
    assert read(make_paper(conclusion="fail", validity={"kind": "none"})).conclusion is Conclusion.FAIL


@pytest.mark.parametrize(
    ("make", "name"), [(make_calibration, "CalibrationCertificate"), (make_paper, "PaperRegister")]
)
def test_the_credential_says_its_kind(make, name):
    credential = seal_record(make(), make_signer("seal"))
    assert credential["type"] == ["VerifiableCredential", name]
    parsed = parse_certificate(encode_canonical_json(credential))
    assert build_issue_claims(parsed.record, parsed.digest).kind is parsed.record.document_kind
    with pytest.raises(InputError, match="type: expected exactly"):
        parse_certificate(
            encode_canonical_json(credential | {"type": ["VerifiableCredential", "VerificationCertificate"]})
        )


@pytest.mark.parametrize("conclusion", ["pass", "fail", "conditional"])
def test_a_calibration_concludes_by_its_decision_rule(conclusion):
    record = read(make_calibration(conclusion=conclusion, decision_rule=GUARDED))
    assert record.conclusion is Conclusion[conclusion.upper()]
    assert record.decision_rule.guard_factor == 1


def test_the_customer_may_agree_on_a_date():
    assert read(make_calibration(validity=AGREED)).validity.agreed


def test_what_was_found_before_an_adjustment_may_stand_beside():
    before = make_values(make_value("0.40", measured="20.08"), before_adjustment=True)
    assert (
        read(make_calibration(results=[*before, *make_values()], adjusted=True)).results[0].before_adjustment
    )


CALIBRATION_FAULTS = [
    ({"specification": None}, "specification: the specification that was followed is missing"),
    ({"kind": "periodic"}, "kind: periodic is not for a calibration certificate"),
    ({"results": []}, "results: a calibration certificate states values"),
    ({"results": make_values(k="0.9")}, r"results\[0\].k: needed: the coverage factor"),
    (
        {"results": [{key: value for key, value in make_values()[0].items() if key != "k"}]},
        r"results\[0\].k: needed: the coverage factor",
    ),
    (
        {"results": make_values({"error": "0.10"})},
        r"results\[0\].points\[0\].u: needed: the expanded uncertainty",
    ),
    ({"results": make_values(make_value("0.10", u="0"))}, r"results\[0\].points\[0\].u: needed"),
    ({"results": make_values(make_value("0.10", u="-0.05"))}, r"results\[0\].points\[0\].u: needed"),
    (
        {"results": make_values(make_value("0.10") | {"pass": True})},
        r"results\[0\].points\[0\]: unknown member: pass",
    ),
    ({"results": make_values(**{"pass": True})}, r"results\[0\]: unknown member: pass"),
    ({"conclusion": "pass"}, "decision_rule: needed where conformity is stated"),
    ({"decision_rule": SIMPLE}, "decision_rule: nothing is concluded by it"),
    ({"conclusion": "good", "decision_rule": SIMPLE}, "conclusion: "),
    ({"conclusion": "pass", "decision_rule": SIMPLE | {"guard_factor": "1"}}, "decision_rule.guard_factor: "),
    (
        {"conclusion": "pass", "decision_rule": GUARDED | {"guard_factor": "0"}},
        "decision_rule.guard_factor: ",
    ),
    (
        {"conclusion": "pass", "decision_rule": GUARDED | {"guard_factor": "11"}},
        "decision_rule.guard_factor: ",
    ),
    (
        {"conclusion": "pass", "decision_rule": {"rule": "guarded_acceptance", "requirement": "x"}},
        "decision_rule.guard_factor: ",
    ),
    ({"conclusion": "pass", "decision_rule": {"rule": "simple_acceptance"}}, "decision_rule.requirement: "),
    ({"validity": {"kind": "date", "until": "2027-02-27"}}, "validity.agreed: "),
    ({"validity": {"kind": "none", "agreed": True}}, "validity.agreed: "),
    ({"validity": {"kind": "service_life", "until": "2027-02-27"}}, "validity.kind: "),
    ({"class_awarded": "0.3"}, "class_awarded: is not for a calibration certificate"),
    ({"seals": [{"no": "A1", "point": "主板"}]}, "seals: is not for a calibration certificate"),
    ({"sticker_id": "S1"}, "sticker_id: is not for a calibration certificate"),
    ({"lot": {"no": "L1", "size": 2}}, "lot: is not for a calibration certificate"),
    ({"commission_no": "1"}, "commission_no: is not for a calibration certificate"),
    ({"paper": {"scan": SCAN, "entered_by": "P", "entered_on": "2026-02-28"}}, "paper: is not for a calib"),
    ({"persons": [PERSON, PERSON | {"pid": "P-2"}]}, "persons: two persons have the same role"),
]


@pytest.mark.parametrize(("changes", "message"), CALIBRATION_FAULTS)
def test_what_is_no_calibration_certificate_is_refused_by_its_member(changes, message):
    with pytest.raises(InputError, match=f"^{message}"):
        read(make_calibration(**changes))


PAPER_FAULTS = [
    ({"paper": None}, "paper: this member is missing"),
    ({"paper": {"entered_by": "P", "entered_on": "2026-02-28"}}, "paper.scan: "),
    ({"paper": {"scan": SCAN[2:], "entered_by": "P", "entered_on": "2026-02-28"}}, "paper.scan: "),
    ({"paper": {"scan": SCAN, "entered_by": "P", "entered_on": "2019-03-05"}}, "paper.entered_on: is before"),
    (
        {"paper": {"scan": SCAN, "entered_by": "P", "entered_on": "2026-02-28", "x": 1}},
        "paper: unknown member: x",
    ),
    ({"issued_on": None}, "issued_on: this member is missing"),
    ({"conclusion": "conditional"}, "conclusion: "),
    ({"conclusion": None}, "conclusion: "),
    ({"conclusion": "fail"}, "validity: a paper that concludes fail has no validity"),
    ({"kind": "calibration"}, "kind: calibration is not for a paper register"),
    ({"verified_on": "1969-12-31"}, "verified_on: no document is older"),
    ({"validity": {"kind": "date", "until": "2019-03-03"}}, "validity.until: ends before the verification"),
    (
        {"validity": {"kind": "date", "until": "2019-09-03", "agreed": True}},
        "validity.agreed: is not for a paper",
    ),
    ({"persons": [PERSON]}, "persons: is not for a paper register"),
    ({"results": make_record()["results"]}, "results: is not for a paper register"),
    ({"seals": [{"no": "A1", "point": "主板"}]}, "seals: is not for a paper register"),
    ({"standards": None}, "standards: "),
    ({"place": {"kind": "laboratory"}}, "place: is not for a paper register"),
    ({"environment": {"other": "x"}}, "environment: is not for a paper register"),
    ({"adjusted": True}, "adjusted: is not for a paper register"),
    ({"sticker_id": "S1"}, "sticker_id: is not for a paper register"),
    ({"crms": [{"id": "GBW", "lot": "1"}]}, "crms: is not for a paper register"),
    ({"specification": {"id": "JJF 1", "title": "x"}}, "specification: is not for a paper register"),
]


@pytest.mark.parametrize(("changes", "message"), PAPER_FAULTS)
def test_what_is_no_entry_from_paper_is_refused_by_its_member(changes, message):
    with pytest.raises(InputError, match=f"^{message}"):
        read(make_paper(**changes))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"specification": {"id": "JJF 1", "title": "x"}}, "specification"),
        ({"decision_rule": SIMPLE}, "decision_rule"),
        ({"paper": {"scan": SCAN, "entered_by": "P", "entered_on": "2026-02-28"}}, "paper"),
        ({"kind": "calibration"}, "kind"),
        ({"conclusion": None}, "conclusion"),
        ({"conclusion": "conditional"}, "conclusion"),
        ({"validity": {"kind": "date", "until": "2026-08-27", "agreed": True}}, "validity.agreed"),
        ({"results": make_values()}, r"results\[0\].points\[0\].pass"),
    ],
)
def test_a_verification_has_nothing_of_them(changes, name):
    with pytest.raises(InputError, match=f"^{name}: "):
        read(make_record(**changes))


def test_every_type_of_document_has_a_kind():
    kinds = {
        DocumentType.CALIBRATION_CERTIFICATE: make_calibration(),
        DocumentType.PAPER_REGISTER: make_paper(),
    }
    for document_type in DocumentType:
        record = kinds.get(document_type) or make_record()
        verifies = document_type not in kinds
        assert (read(record).document_kind is DocumentKind.VERIFICATION) is verifies
    assert VerificationKind.CALIBRATION == "calibration"
