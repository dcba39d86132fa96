from dataclasses import replace
from datetime import date, timedelta

import pytest
from desk_world import CONTEXT, NOW, ZONE, apply, changed, document, make_registers
from world import AUTHORISATION_NO, World

from issuer.drafting import parse_draft
from issuer.gate import Gate
from ledger.core.category import Category
from ledger.core.errors import DocumentRefusedError
from ledger.core.ids import InstitutionId
from ledger.core.record import VerificationKind
from ledger.core.register_fields import RegisterState

WORLD = World()
OTHER = {
    "category": "OTHER",
    "name": "量杯",
    "model": "M",
    "serial": "1",
    "maker": "示例",
    "site": {"division": "350102"},
}


def gate(registers=None, **scope):
    registers = registers or make_registers(WORLD, **scope)[0]
    return Gate(registers, CONTEXT.rule_book, CONTEXT.institution, WORLD.seal.public_key.key_id, ZONE)


def reasons(value, at=None, now=NOW):
    """Return code, field and English sentence of every reason against a document."""
    at = at or gate()
    draft = parse_draft(value, CONTEXT)
    record = replace(draft.record, issuer=at.name_issuer(draft.record, draft.scope_id))
    return [(reason.code, reason.field, reason.en) for reason in at.find_reasons(record, now)]


def codes(*args, **kwargs):
    return [(code, field) for code, field, _ in reasons(*args, **kwargs)]


def test_a_proper_document_passes():
    assert reasons(document()) == []


def test_the_issuer_is_named_as_it_is_registered():
    issuer = gate().name_issuer(parse_draft(document(), CONTEXT).record, None)
    assert (issuer.id, issuer.name, issuer.authorisation_no, issuer.scope_id) == (
        "350100-01",
        "福州市计量所",
        AUTHORISATION_NO,
        "S1",
    )


def test_the_first_line_that_covers_a_document_is_taken():
    registers, states, size = make_registers(WORLD, categories=frozenset({Category.TAXIMETER}))
    apply(
        registers, states, WORLD.scope(scope_id="S2", categories=frozenset({Category.FUEL_DISPENSER})), size
    )
    apply(registers, states, WORLD.scope(scope_id="S3"), size + 1)
    draft = parse_draft(document(), CONTEXT)
    assert gate(registers).name_issuer(draft.record, None).scope_id == "S2"
    assert gate(registers).name_issuer(draft.record, "S3").scope_id == "S3"
    assert reasons(document(), gate(registers)) == []
    assert codes(document(issuer={"scope_line_id": "S1"}), gate(registers)) == [
        ("SCOPE", "instrument.category")
    ]


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        ({"categories": frozenset({Category.TAXIMETER})}, "instrument.category"),
        ({"kinds": frozenset({VerificationKind.INITIAL})}, "kind"),
        ({"division": "350104"}, "instrument.site.division"),
        ({"valid_from": date(2026, 11, 3)}, "verified_on"),
        ({"valid_until": date(2026, 11, 1)}, "verified_on"),
        ({"state": RegisterState.SUSPENDED}, "issuer.scope_line_id"),
    ],
)
def test_a_document_outside_the_scope_is_refused(scope, field):
    assert codes(document(), gate(**scope)) == [("SCOPE", field)]


@pytest.mark.parametrize("day", [date(2026, 11, 2)])
def test_the_scope_counts_on_its_first_and_last_day(day):
    assert reasons(document(), gate(valid_from=day, valid_until=day)) == []


def test_an_unknown_scope_line_is_refused():
    assert reasons(document(issuer={"scope_line_id": "S9"})) == [
        ("SCOPE", "issuer.scope_line_id", "institution 350100-01 has no scope line S9")
    ]


def test_an_institution_that_is_not_registered_issues_nothing():
    at = replace(gate(), institution=InstitutionId("350100-99"))
    assert codes(document(), at) == [
        ("AUTHORITY", "issuer.id"),
        ("KEY", "issuer"),
        ("SCOPE", "issuer.scope_line_id"),
    ]


def test_a_suspended_institution_issues_nothing():
    registers, states, size = make_registers(WORLD)
    apply(registers, states, WORLD.institution(version=1, state=RegisterState.SUSPENDED), size)
    assert reasons(document(), gate(registers)) == [("AUTHORITY", "issuer.id", "is suspended")]


def test_a_seal_that_was_withdrawn_seals_nothing():
    registers, states, size = make_registers(WORLD)
    apply(registers, states, WORLD.key(version=1, state=RegisterState.WITHDRAWN), size)
    assert reasons(document(), gate(registers)) == [("KEY", "issuer", "the seal key is no longer active")]


def test_an_authoritys_key_is_no_seal():
    at = replace(gate(), key_id=WORLD.authority_key.public_key.key_id)
    assert codes(document(), at) == [("KEY", "issuer")]


FAILING = {
    "nominal": "20.00",
    "measured": "20.062",
    "error": "0.31",
    "mpe": "0.30",
    "u": "0.05",
    "pass": True,
}


@pytest.mark.parametrize(
    ("path", "to", "code", "field"),
    [
        ("validity", {"kind": "date", "until": "2027-05-02"}, "EXPIRY", "validity.until"),
        ("validity", {"kind": "date", "until": "2027-04-30"}, "EXPIRY", "validity.reason"),
        ("validity", {"kind": "service_life", "until": "2027-05-01"}, "EXPIRY", "validity.kind"),
        ("validity", {"kind": "none"}, "EXPIRY", "validity.kind"),
        ("results.0.points.0", FAILING, "LIMITS", "results[0].points[0].pass"),
        ("results.0.points.0.error", "0.11", "LIMITS", "results[0].points[0].error"),
        ("results.0.points.0.mpe", "0.50", "LIMITS", "results[0].points[0].mpe"),
        ("results.0.points.0.u", "0.11", "UNCERTAINTY", "results[0].points[0].u"),
        ("persons.1.pid", "P-operator", "PERSONS", "persons"),
        ("standards.0.exam_until", "2026-11-01", "STANDARD_EXPIRED", "standards[0].exam_until"),
        ("standards.0.instruments.0.until", "2026-11-01", "STANDARD_EXPIRED", "standards[0].instruments[0].until"),
        ("persons.2.signed_at", "2026-11-04T06:00:00Z", "TIME", "proof.created"),
        ("issued_on", "2026-11-03", "TIME", "issued_on"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused(path, to, code, field):
    assert (code, field) in codes(changed(document(), path, to))


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("standards.0.exam_until", "2026-11-02"),
        ("results.0.points.0.u", "0.10"),
        ("validity", {"kind": "date", "until": "2027-04-30", "reason": "封存期届满"}),
        ("results.0.points.0", {"error": "0.30", "nominal": "20.00", "measured": "20.06", "pass": True}),
    ],
)
def test_what_just_keeps_a_rule_passes(path, to):
    assert reasons(changed(document(), path, to)) == []


def test_an_unknown_regulation_is_refused():
    value = document(
        regulation={"id": "JJG 9-1999", "title": "旧规程"}, validity={"kind": "date", "until": "2027-01-01"}
    )
    assert ("REGULATION", "regulation.id", "no rule of FUEL_DISPENSER has this name") in reasons(value)


def test_a_regulation_not_in_force_is_refused():
    scale = {
        "category": "PRICE_SCALE",
        "name": "秤",
        "model": "A",
        "serial": "1",
        "maker": "示例",
        "site": {"division": "350102"},
    }
    value = document(instrument=scale, results=[], regulation={"id": "JJG 1204-2025(试行)"})
    assert codes(value) == [("REGULATION", "regulation.id")]


def test_a_unit_that_is_not_for_the_category_is_refused():
    value = changed(
        document(),
        "results.0",
        {"item": "pressure", "unit": "mmHg", "error_unit": "mmHg", "points": [], "pass": True},
    )
    assert ("UNIT", "results.unit") in codes(value)


def test_missing_roles_are_named_each():
    value = document(persons=[], issued_on="2026-11-02")
    assert [code for code, _ in codes(value)] == ["PERSONS"] * 3


def test_a_document_from_tomorrow_is_refused_and_a_fast_clock_tolerated():
    value = document()
    assert codes(value, now=NOW - timedelta(days=2)) != []
    assert (
        codes(value, now=parse_draft(value, CONTEXT).record.persons[2].signed_at - timedelta(minutes=4)) == []
    )


def test_late_is_no_ground_for_refusing():
    assert reasons(document(), now=NOW + timedelta(days=900)) == []


def test_all_reasons_come_at_once_and_each_once():
    value = changed(document(), "validity", {"kind": "date", "until": "2028-01-01"})
    value = changed(value, "results.0.points.0.u", "0.11")
    value = changed(value, "persons.1.pid", "P-operator")
    value = changed(value, "standards.0.exam_until", "2020-01-01")
    found = codes(value, gate(division="350104"))
    assert {code for code, _ in found} == {"SCOPE", "PERSONS", "EXPIRY", "STANDARD_EXPIRED", "UNCERTAINTY"}
    assert len(set(found)) == len(found)


def test_refusing_carries_every_reason_in_both_languages():
    draft = parse_draft(changed(document(), "standards.0.exam_until", "2026-11-01"), CONTEXT)
    at = gate(division="350104")
    record = replace(draft.record, issuer=at.name_issuer(draft.record, None))
    with pytest.raises(DocumentRefusedError) as caught:
        at.require(record, NOW)
    assert len(caught.value.reasons) == 2
    assert "certificate 〔2024〕闽量标证字第001号 had run out" in caught.value.reasons[1].en
    assert caught.value.reasons[1].zh == "证书〔2024〕闽量标证字第001号在检定日期2026-11-02已过有效期"


def test_other_instruments_have_no_rules_but_scope_persons_and_times():
    value = document(instrument=OTHER, results=[], validity={"kind": "none"})
    assert reasons(value) == []
    assert codes(changed(value, "persons.1.pid", "P-operator")) == [("PERSONS", "persons")]


def test_an_unconfirmed_period_still_binds_the_desk():
    scale = {
        "category": "PRICE_SCALE",
        "name": "秤",
        "model": "A",
        "serial": "1",
        "maker": "示例",
        "site": {"division": "350102"},
    }
    value = document(instrument=scale, results=[], validity={"kind": "date", "until": "2027-11-02"})
    assert codes(value) == [("EXPIRY", "validity.until")]
