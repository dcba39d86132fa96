import copy
from datetime import date

import pytest
from desk_world import BASE_DATE, CONTEXT, INSTITUTION, changed, document
from hypothesis import given
from hypothesis import strategies as st

from issuer.defaults import DraftContext
from issuer.drafting import Draft, draft_document, parse_draft, read_request
from issuer.faults import MAX_ERRORS, list_faults
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.errors import InputError, MalformedDocumentError, UnitError
from ledger.core.fields import Reader
from ledger.core.ids import InstitutionId
from ledger.core.record import DocumentType, Role
from ledger.core.record_parsing import parse_record
from ledger.core.statement import Conclusion

DEMO = DraftContext(INSTITUTION, CONTEXT.rule_book, CONTEXT.zone, BASE_DATE)
SCALE = {"category": "PRICE_SCALE", "name": "电子计价秤", "model": "ACS-15", "serial": "1", "maker": "示例"}


def rejected(**changes):
    """Return a document about a pump that failed."""
    point = {"nominal": "20.00", "measured": "20.20", "error": "1.00", "mpe": "0.30", "pass": False}
    result = {
        "item": "indication_error",
        "part": "1",
        "unit": "L",
        "error_unit": "%",
        "points": [point],
        "pass": False,
    }
    return document(conclusion="fail", results=[result], **changes)


# --- what is made of a good document -------------------------------------------------------------------------


def test_a_document_becomes_a_record_and_personal_members():
    draft = parse_draft(document(), CONTEXT)
    assert draft.record.conclusion is Conclusion.PASS
    assert draft.record.instrument.serial == "SN00000001"
    assert [member.name for member in draft.personal] == [
        "applicant",
        "instrument.owner",
        "instrument.site.address",
        "place.where",
        "persons.0.name",
        "persons.1.name",
        "persons.2.name",
    ]
    assert draft.request.id == "R-1"
    assert draft.number is draft.scope_id is None


def test_nothing_personal_is_left_in_what_will_be_signed():
    draft = parse_draft(document(), CONTEXT)
    published = encode_canonical_json(draft.members).decode()
    for secret in ("福州示例石油", "91350100M000100Y43", "示例路", "示例加油站", "operator某"):
        assert secret not in published


def test_the_members_of_a_draft_are_its_record():
    draft = parse_draft(document(), CONTEXT)
    assert parse_record(Reader(draft.members, "")) == draft.record


def test_the_input_is_left_as_it_was():
    value = changed(document(), "verified_on", {"day": -1})
    before = copy.deepcopy(value)
    parse_draft(value, DEMO)
    assert value == before


def test_the_longest_validity_and_the_regulation_in_force_are_filled_in():
    record = parse_draft(document(), CONTEXT).record
    assert (record.validity.kind, record.validity.until) == (ValidityKind.DATE, date(2027, 5, 1))
    assert (record.regulation.id, record.regulation.title) == ("JJG 443-2023(试行)", "燃油加油机")


@pytest.mark.parametrize(
    ("verified_on", "regulation"),
    [("2027-01-07", "JJG 539-2016"), ("2027-01-08", "JJG 1204-2025(试行)")],
)
def test_the_verification_date_chooses_the_version_of_the_regulation(verified_on, regulation):
    value = document(instrument=SCALE, results=[], verified_on=verified_on)
    assert parse_draft(value, CONTEXT).record.regulation.id == regulation


def test_a_citation_keeps_its_spelling_and_gets_its_title():
    record = parse_draft(document(regulation={"id": "JJG443—2023"}), CONTEXT).record
    assert (record.regulation.id, record.regulation.title) == ("JJG443—2023", "燃油加油机")
    assert record.validity.until == date(2027, 5, 1)


def test_a_meter_gets_a_service_life():
    meter = {
        "category": "WATER_METER_SMALL",
        "name": "水表",
        "model": "LXS-20",
        "serial": "1",
        "maker": "示例",
    }
    validity = parse_draft(document(instrument=meter, results=[]), CONTEXT).record.validity
    assert (validity.kind, validity.until) == (ValidityKind.SERVICE_LIFE, date(2032, 11, 1))


def test_a_thermometer_gets_no_date():
    glass = {"category": "THERMOMETER_GLASS", "name": "体温计", "model": "T", "serial": "1", "maker": "示例"}
    validity = parse_draft(document(instrument=glass, results=[]), CONTEXT).record.validity
    assert (validity.kind, validity.until) == (ValidityKind.NONE, None)


def test_a_failure_becomes_a_rejection_notice_without_validity():
    record = parse_draft(rejected(), CONTEXT).record
    assert record.document_type is DocumentType.REJECTION_NOTICE
    assert record.validity.kind is ValidityKind.NONE


@pytest.mark.parametrize(
    ("signed_at", "issued_on"),
    [("2026-11-02T15:59:59Z", date(2026, 11, 2)), ("2026-11-02T16:00:00Z", date(2026, 11, 3))],
)
def test_the_day_of_issue_is_the_approvers_in_the_desks_zone(signed_at, issued_on):
    value = changed(document(), "persons.2.signed_at", signed_at)
    assert parse_draft(value, CONTEXT).record.issued_on == issued_on


def test_a_number_and_a_scope_line_of_its_own_are_taken_out_of_the_record():
    draft = parse_draft(document(no="京A-1", issuer={"id": INSTITUTION, "scope_line_id": "S2"}), CONTEXT)
    assert (draft.number, draft.scope_id) == ("京A-1", "S2")
    assert draft.members["issuer"]["scope_line_id"] == "-", "the gate fills it in"


def test_day_offsets_are_resolved_from_the_base_date():
    value = changed(document(), "verified_on", {"day": -3})
    value = changed(value, "standards.0.exam_until", {"day": 900})
    value = changed(value, "standards.0.instruments.0.until", {"day": 90})
    for position, day in enumerate((-3, -2, -1)):
        value = changed(value, f"persons.{position}.signed_at", {"day": day, "time": "10:30:00"})
    record = parse_draft(value, DEMO).record
    assert record.verified_on == date(2026, 10, 31)
    assert record.issued_on == date(2026, 11, 2)
    assert record.standards[0].instruments[0].until == date(2027, 2, 1)
    assert record.persons[2].role is Role.APPROVER
    assert record.persons[2].signed_at.isoformat() == "2026-11-02T02:30:00+00:00"


# --- how a document is recognised ----------------------------------------------------------------------------


def test_a_request_id_is_the_documents_own():
    assert read_request(document(request_id="round-7/pump 3"), INSTITUTION).id == "round-7/pump 3"


def test_without_one_the_content_and_the_institution_name_the_request():
    value = changed(document(), "request_id", ...)
    mine, same = read_request(value, INSTITUTION), read_request(copy.deepcopy(value), INSTITUTION)
    assert mine == same
    assert mine.id == mine.content_digest.hex()
    assert read_request(value, InstitutionId("350100-02")).id != mine.id
    assert read_request(changed(value, "adjusted", to=True), INSTITUTION).id != mine.id


def test_the_order_of_members_makes_no_other_request():
    value = changed(document(), "request_id", ...)
    turned = dict(reversed(value.items()))
    assert read_request(turned, INSTITUTION) == read_request(value, INSTITUTION)


def test_day_offsets_give_the_same_request_on_every_day():
    value = changed(document(), "verified_on", {"day": -3})
    tomorrow = DraftContext(INSTITUTION, CONTEXT.rule_book, CONTEXT.zone, date(2026, 11, 4))
    one, other = parse_draft(value, DEMO), parse_draft(value, tomorrow)
    assert one.request == other.request
    assert one.record.verified_on != other.record.verified_on


# --- which instrument it is ----------------------------------------------------------------------------------


def identity(**instrument):
    base = {
        "category": "FUEL_DISPENSER",
        "name": "燃油加油机",
        "serial": "SN1",
        "model": "EX",
        "maker": "示例",
    }
    merged = {name: item for name, item in {**base, **instrument}.items() if item is not None}
    return parse_draft(document(instrument=merged, results=[]), CONTEXT).record.instrument.id


def test_the_nameplate_and_an_organisation_that_owns_it_identify_an_instrument():
    plain = identity()
    assert identity(name="另一名称", year=2020) == plain
    others = [
        identity(serial="SN2"),
        identity(model="EY"),
        identity(maker="示例2"),
        identity(maker=None, cpa_no="示例"),
        identity(owner={"name": "甲", "code": "91350100M000100Y43"}),
        identity(owner={"name": "甲", "organisation": True}),
        identity(local_id="SN1"),
    ]
    assert len({plain, *others}) == len(others) + 1


def test_a_natural_person_takes_no_part_in_an_identity():
    assert identity(owner={"name": "张三"}) == identity(owner={"name": "李四"}) == identity()
    assert identity(owner={"name": "张三", "organisation": False}) == identity()


def test_the_code_of_an_organisation_counts_and_not_its_name():
    code = "91350100M000100Y43"
    assert identity(owner={"name": "甲", "code": code}) == identity(owner={"name": "乙", "code": code})


def test_a_type_number_counts_where_there_is_no_maker():
    assert identity(maker="示例", cpa_no="2019F1-35") == identity()
    assert identity(maker=None, cpa_no="2019F1-35") != identity(maker=None, cpa_no="2019F2-35")


def test_the_institutions_own_number_comes_before_the_nameplate():
    assert identity(local_id="P-7", model=None, maker=None) == identity(local_id="P-7", serial="SN9")


def test_an_id_of_the_ledger_comes_before_everything():
    assert identity(id="0123456789abcdef" * 2, local_id="P-7").hex() == "0123456789abcdef" * 2


# --- what is refused: the member, and a reason ---------------------------------------------------------------

LONG = "长" * 100
BAD = [
    # not of this shape
    ("colour", "red", "colour: unknown member"),
    ("v", 1, "v: the desk itself adds this member; leave it out"),
    ("nonce", "00" * 16, "nonce: the desk itself adds this member; leave it out"),
    ("instrument.colour", "red", "instrument: unknown member: colour"),
    ("results.0.points.0.flow", "5", "results[0].points[0]: unknown member: flow"),
    ("applicant.phone", "1", "applicant: unknown member: phone"),
    ("kind", ..., "kind: this member is missing"),
    ("kind", "yearly", "kind: 'yearly' is not one of: initial, periodic"),
    ("kind", 5, "kind: text is expected here"),
    (
        "doc_type",
        "certificate",
        "doc_type: 'certificate' is not one of: verification_certificate, rejection_notice",
    ),
    ("conclusion", ..., "conclusion: this member is missing"),
    ("conclusion", "合格", "conclusion: "),
    ("adjusted", ..., "adjusted: this member is missing"),
    ("adjusted", "no", "adjusted: true or false is expected here"),
    ("class_awarded", "", "class_awarded: text must not be empty"),
    ("sticker_id", "S" * 41, "sticker_id: text of 41 bytes, at most 40 are allowed"),
    # the instrument
    ("instrument", ..., "instrument: this member is missing"),
    ("instrument", "a pump", "instrument: an object is expected here"),
    ("instrument.category", "PUMP", "instrument.category: unknown category 'PUMP'"),
    ("instrument.category", ..., "instrument.category: this member is missing"),
    ("instrument.serial", ..., "instrument.serial: this member is missing"),
    ("instrument.serial", 257, "instrument.serial: text is expected here"),
    ("instrument.serial", " SN1", "instrument.serial: text must not begin or end with white space"),
    ("instrument.serial", "SN\u202e1", "instrument.serial: "),
    ("instrument.serial", LONG[:30], "instrument.serial: text of 90 bytes, at most 64 are allowed"),
    ("instrument.model", ..., "instrument.model: needed to tell the instrument apart, or else local_id"),
    (
        "instrument.maker",
        ...,
        "instrument.maker: needed to tell the instrument apart, or else cpa_no or local_id",
    ),
    ("instrument.maker", LONG, "instrument.maker: expected 1 to 200 bytes of text"),
    ("instrument.local_id", "", "instrument.local_id: expected 1 to 200 bytes of text"),
    ("instrument.id", "xyz", "instrument.id: expected 32 hexadecimal digits, got 3 characters"),
    ("instrument.id", "AB" * 16, "instrument.id: hexadecimal digits are written in lower case"),
    ("instrument.year", "2020", "instrument.year: an integer is expected here"),
    ("instrument.year", 20200, "instrument.year: 20200 is not between 1800 and 9999"),
    (
        "instrument.purpose",
        "fun",
        "instrument.purpose: 'fun' is not one of: trade, safety, health, environment",
    ),
    ("instrument.parts", [{"id": "1"}, {"id": "1"}], "instrument.parts: two parts have the same id"),
    ("instrument.parts.0.id", "nozzle-01", "instrument.parts[0].id: text of 9 bytes, at most 8 are allowed"),
    ("instrument.site.division", "福州", "instrument.site.division: "),
    ("instrument.site.address", 7, "instrument.site.address: text is expected here"),
    ("instrument.owner", "甲公司", "instrument.owner: an object is expected here"),
    (
        "instrument.owner.code",
        "12100000400001234X",
        "instrument.owner.code: credit code '12100000400001234X' should end in",
    ),
    ("instrument.owner.code", "350102199001011234", "instrument.owner.code: "),
    ("instrument.owner.organisation", "yes", "instrument.owner.organisation: true or false is expected here"),
    ("applicant.name", ..., "applicant.name: this member is missing"),
    ("applicant.code", "913501", "applicant.code: '913501' does not have the form of a credit code"),
    # readings and units
    (
        "results.0.unit",
        "gal",
        "results[0].unit: 'gal' is not a legal unit of measurement in China; write 'L'",
    ),
    ("results.0.unit", "litre", "results[0].unit: unknown unit of measurement 'litre'"),
    ("results.0.error_unit", "％", "results[0].error_unit: '％' is not how this unit is written; write '%'"),
    ("results.0.error_unit", ..., "results[0].error_unit: this member is missing"),
    ("results.0.item", "示值误差", "results[0].item: "),
    ("results.0.part", "9", "results.part: no such part: 9"),
    ("results.0.points.0.error", ..., "results[0].points[0].error: this member is missing"),
    (
        "results.0.points.0.error",
        "+0.10",
        "results[0].points[0].error: '+0.10' is not a plain decimal number",
    ),
    ("results.0.points.0.error", "NaN", "results[0].points[0].error: 'NaN' is not a plain decimal number"),
    ("results.0.points.0.error", "-0.00", "results[0].points[0].error: '-0.00' is zero with a minus sign"),
    (
        "results.0.points.0.nominal",
        "2e1",
        "results[0].points[0].nominal: '2e1' is not a plain decimal number",
    ),
    ("results.0.points.0.measured", 20, "results[0].points[0].measured: text is expected here"),
    (
        "results.0.points.0.measured",
        "1" * 31,
        "results[0].points[0].measured: a decimal number of more than 30",
    ),
    ("results.0.pass", False, "results: a certificate cannot hold a failed result"),
    (
        "environment.temperature.unit",
        "℃",
        "environment.temperature.unit: '℃' is not how this unit is written",
    ),
    (
        "environment.temperature.value",
        "22,4",
        "environment.temperature.value: '22,4' is not a plain decimal number",
    ),
    # times
    ("verified_on", "2026-02-30", "verified_on: '2026-02-30' is not a calendar date YYYY-MM-DD"),
    ("verified_on", "2.11.2026", "verified_on: '2.11.2026' is not a calendar date YYYY-MM-DD"),
    ("verified_on", "20261102", "verified_on: '20261102' is not a calendar date in the form YYYY-MM-DD"),
    ("verified_on", "1969-12-31", "verified_on: no document is older than 1970-01-01"),
    ("verified_on", {"day": -3}, "verified_on.day: a day offset is for examples only; write the date itself"),
    ("issued_on", "2026-13-01", "issued_on: '2026-13-01' is not a calendar date YYYY-MM-DD"),
    ("validity", {"kind": "forever"}, "validity.kind: "),
    ("validity", {"kind": "date"}, "validity.until: a date belongs to every kind but none"),
    ("validity", {"kind": "date", "until": "2026-11-01"}, "validity.until: ends before the verification"),
    ("standards.0.exam_until", ..., "standards[0].exam_until: this member is missing"),
    ("standards.0.exam_until", "2029-06-31", "standards[0].exam_until: '2029-06-31' is not a calendar date"),
    ("standards.0.instruments.0.until", {"day": 1}, "standards[0].instruments[0].until.day: a day offset"),
    (
        "standards.0.instruments.0.cert_hash",
        "00",
        "standards[0].instruments[0].cert_hash: expected 64 hexadecimal",
    ),
    (
        "persons.0.signed_at",
        "2026-11-02 04:00",
        "persons[0].signed_at: '2026-11-02 04:00' is not a UTC instant",
    ),
    (
        "persons.0.signed_at",
        "2026-11-02T24:30:00Z",
        "persons[0].signed_at: '2026-11-02T24:30:00Z' is not a time",
    ),
    (
        "persons.0.signed_at",
        "2026-11-02T10:61:00+08:00",
        "persons[0].signed_at: '2026-11-02T10:61:00+08:00' is not",
    ),
    ("persons.0.signed_at", {"day": -1, "time": "10:00:00"}, "persons[0].signed_at.day: a day offset"),
    # persons, seals, lot, number
    ("persons", ..., "persons: this member is missing"),
    ("persons.0.role", "boss", "persons[0].role: 'boss' is not one of: operator, checker, approver"),
    ("persons.1.role", "operator", "persons: two persons have the same role"),
    ("persons.0.pid", ..., "persons[0].pid: this member is missing"),
    ("persons.0.name", ["李"], "persons[0].name: text is expected here"),
    ("seals", [{"no": "A1", "point": "p"}] * 2, "seals: the same seal stands twice at one point"),
    ("seals.0.point", ..., "seals[0].point: this member is missing"),
    ("lot", {"no": "L1", "size": 0}, "lot.size: 0 is not between 1 and 10000000"),
    ("lot", {"no": "L1", "size": "40"}, "lot.size: an integer is expected here"),
    ("raw_record", {"no": "Y1", "hash": "zz"}, "raw_record.hash: expected 64 hexadecimal digits"),
    ("place.kind", "home", "place.kind: 'home' is not one of: laboratory, on_site"),
    ("place.where", "", "place.where: text must not be empty"),
    ("regulation", {"title": "燃油加油机"}, "regulation.id: this member is missing"),
    ("regulation", "JJG 443-2023", "regulation: an object is expected here"),
    ("no", "", "no: text must not be empty"),
    ("no", "A" * 65, "no: text of 65 bytes, at most 64 are allowed"),
    ("no", "A\u30001", "no: a number holds printable characters only"),
    ("request_id", 7, "request_id: text is expected here"),
    ("request_id", "r" * 65, "request_id: text of 65 bytes, at most 64 are allowed"),
    ("issuer", {"id": "999999-99"}, "issuer.id: this desk issues for 350100-01, not for '999999-99'"),
    ("issuer", {"name": "某所"}, "issuer: unknown member: name"),
]


@pytest.mark.parametrize(("path", "to", "message"), BAD, ids=[f"{path}={to!r}"[:50] for path, to, _ in BAD])
def test_a_bad_member_is_named_with_its_reason(path, to, message):
    errors = draft_document(changed(document(), path, to), CONTEXT)
    assert [str(error)[: len(message)] for error in errors] == [message]


def test_the_table_of_bad_members_is_long_and_without_doubles():
    assert len(BAD) >= 60
    assert len({(path, repr(to)) for path, to, _ in BAD}) == len(BAD)


def test_an_unknown_unit_is_a_unit_error():
    with pytest.raises(UnitError) as caught:
        parse_draft(changed(document(), "results.0.unit", "gal"), CONTEXT)
    assert caught.value.field == "results[0].unit"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"adjusted": 0.5}', "adjusted: the number 0.5 must be written as text (line 1 column 14)"),
        (b'{"results": [{"k": NaN}]}', "results[0].k: NaN is not a number (line 1 column 20)"),
        (b'{"kind": "a", "kind": "b"}', "kind: this member stands here twice (line 1 column 23)"),
        (b'{"lot": null}', "lot: null is not allowed: leave the member out (line 1 column 9)"),
        (b'{"kind": "periodic"', "not JSON: Expecting ',' delimiter (line 1 column 20)"),
        ("{}".encode("utf-16"), "not UTF-8: byte 0 cannot be read"),
        ('{"kind": "周期"}'.encode("gb18030"), "not UTF-8: byte 10 cannot be read"),
    ],
)
def test_what_is_not_json_of_the_profile_never_comes_here(raw, message):
    with pytest.raises(MalformedDocumentError) as caught:
        parse_json(raw)
    assert str(caught.value).startswith(message)


# --- many errors at once -------------------------------------------------------------------------------------


def messages(value, context=CONTEXT):
    found = draft_document(value, context)
    assert not isinstance(found, Draft)
    return [fault.text for error in found for fault in list_faults(error, 7)]


def test_every_member_that_is_wrong_is_named_in_one_go():
    value = document(kind="x", verified_on="2026-02-30", lot={"no": "L"}, colour=1, adjusted="no")
    value = changed(value, "instrument.serial", 5)
    value = changed(value, "results.0.unit", "gal")
    value = changed(value, "persons.0.pid", "")
    assert messages(value) == [
        "row 7: colour: unknown member",
        (
            "row 7: kind: 'x' is not one of: initial, periodic, after_repair, within_validity, arbitration, "
            "sampling, import, in_service, calibration"
        ),
        "row 7: instrument.serial: text is expected here",
        "row 7: results[0].unit: 'gal' is not a legal unit of measurement in China; write 'L'",
        "row 7: adjusted: true or false is expected here",
        "row 7: lot.size: this member is missing",
        "row 7: verified_on: '2026-02-30' is not a calendar date YYYY-MM-DD",
        "row 7: persons[0].pid: text must not be empty",
    ]


def fields(value, context=CONTEXT):
    return sorted(message.split(": ")[1] for message in messages(value, context))


def spoil(value, *paths):
    """Return a copy with 7 at each path: no member takes it but a few numbers."""
    for path in paths:
        value = changed(value, path, 7)
    return value


def spell(path):
    """Return the path of a field as errors write it."""
    return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path.split("."))[1:]


def test_an_unknown_category_does_not_hide_what_tells_the_instrument_apart():
    value = changed(document(), "instrument.category", "PUMP")
    assert fields(changed(value, "instrument.maker", ...)) == ["instrument.category", "instrument.maker"]
    bare = {"category": "PUMP", "name": "泵", "year": "2020", "colour": "red"}
    assert fields(document(instrument=bare)) == [
        "instrument", "instrument.category", "instrument.maker", "instrument.model", "instrument.serial",
        "instrument.year",
    ]  # fmt: skip


INSTRUMENT_PATHS = (
    *("instrument.category", "instrument.name", "instrument.serial", "instrument.model", "instrument.maker"),
    *("instrument.class", "instrument.purpose", "instrument.parts.0.id", "instrument.parts.0.name"),
    *("instrument.owner.name", "instrument.site.division", "instrument.site.address"),
)
OTHER_PATHS = (
    *("standards.0.exam_no", "standards.0.instruments.0.until", "results.0.item", "results.0.error_unit"),
    *("results.0.points.0.error", "results.0.points.0.pass", "results.0.pass", "seals.0.point"),
    *("environment.temperature.unit", "place.where", "applicant.code"),
    *("persons.0.pid", "persons.0.name", "persons.1.signed_at", "persons.2.name"),
)


def test_every_wrong_member_is_named_however_deep_it_stands():
    paths = (*INSTRUMENT_PATHS, *OTHER_PATHS)
    assert fields(spoil(document(), *paths)) == sorted(map(spell, paths))


@pytest.mark.parametrize("second", OTHER_PATHS)
@pytest.mark.parametrize("first", ["instrument.parts.0.id", "persons.1.role", "seals.0.no", "results.0.part"])
def test_two_faults_make_two_messages(first, second):
    assert fields(spoil(document(), first, second)) == sorted(map(spell, (first, second)))


def test_fillers_do_not_contradict_each_other():
    seals = [{"no": 7, "point": 7}, {"no": 7, "point": 7}]
    parts = [{"id": 7}, {"id": 7}]
    value = changed(document(seals=seals), "instrument.parts", parts)
    value = spoil(value, "persons.0.role", "persons.1.role", "conclusion")
    twice = ("instrument.parts[{}].id", "persons[{}].role", "seals[{}].no", "seals[{}].point")
    assert fields(value) == sorted(["conclusion", *(path.format(n) for path in twice for n in (0, 1))])


def test_a_row_of_very_many_faults_names_the_first_of_them():
    seals = [{"no": 7, "point": 7} for _ in range(1000)]
    assert len(messages(document(seals=seals))) == MAX_ERRORS


def test_an_error_does_not_breed_others_that_only_follow_from_it():
    assert messages(changed(document(), "instrument.category", "PUMP")) == [
        "row 7: instrument.category: unknown category 'PUMP'"
    ]
    assert messages(changed(rejected(), "doc_type", "notice")) == [
        (
            "row 7: doc_type: 'notice' is not one of: verification_certificate, rejection_notice, "
            "calibration_certificate, paper_register"
        )
    ]
    assert len(messages(changed(document(), "persons.2.signed_at", "yesterday"))) == 1


def test_all_that_can_be_said_about_an_empty_document_is_said():
    fields = {message.split(": ")[1] for message in messages({})}
    assert fields == {"instrument", "kind", "conclusion", "adjusted", "verified_on", "persons"}


def test_without_a_rule_the_document_must_say_how_long():
    other = {"category": "OTHER", "name": "大地电阻表", "model": "M", "serial": "1", "maker": "示例"}
    value = document(instrument=other, results=[])
    assert messages(value) == ["row 7: validity: needed, as no rule on record says how long"]
    assert parse_draft({**value, "validity": {"kind": "none"}}, CONTEXT).record.regulation is None


def test_an_unknown_regulation_is_left_to_the_gate_if_the_validity_is_given():
    value = document(
        regulation={"id": "JJG 9-1999", "title": "旧规程"}, validity={"kind": "date", "until": "2027-01-01"}
    )
    assert parse_draft(value, CONTEXT).record.regulation.id == "JJG 9-1999"
    assert messages(changed(value, "validity", ...)) == [
        "row 7: validity: needed, as no rule on record says how long"
    ]


def test_a_day_before_any_regulation_needs_one_to_be_named():
    value = document(instrument=SCALE, results=[], verified_on="2010-01-01")
    assert messages(value)[0] == (
        "row 7: regulation: no regulation of PRICE_SCALE is on record as in force on 2010-01-01; name it"
    )


@pytest.mark.parametrize("until", ["2099-12-31", "9999-12-31"])
def test_a_placeholder_for_without_end_is_refused(until):
    other = {"category": "OTHER", "name": "滴定管", "model": "M", "serial": "1", "maker": "示例"}
    value = document(instrument=other, results=[], validity={"kind": "date", "until": until})
    assert messages(value) == [
        f"row 7: validity.until: {until} stands for 'without end' in some registers; write the kind none instead"
    ]


# --- any input at all ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.sampled_from(["\ud800", "\0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = [
    "instrument",
    "instrument.parts",
    "instrument.parts.0",
    "instrument.site",
    "instrument.owner",
    "instrument.serial",
    "persons",
    "persons.0",
    "persons.1.signed_at",
    "standards",
    "standards.0",
    "standards.0.instruments",
    "standards.0.instruments.0.until",
    "results",
    "results.0",
    "results.0.points",
    "results.0.points.0.error",
    "validity",
    "verified_on",
    "issued_on",
    "conclusion",
    "doc_type",
    "regulation",
    "environment",
    "place",
    "applicant",
    "no",
    "request_id",
    "issuer",
    "lot",
    "seals",
    "kind",
    "adjusted",
]


@given(st.sampled_from(PATHS), JSON, st.sampled_from([CONTEXT, DEMO]))
def test_any_value_anywhere_gives_a_draft_or_input_errors(path, value, context):
    whole = document(validity={"kind": "date", "until": "2027-01-01"}, issued_on="2026-11-02")
    for name in ("no", "issuer", "doc_type", "regulation", "lot"):
        whole.setdefault(name, "x")
    found = draft_document(changed(whole, path, value), context)
    assert isinstance(found, Draft) or (found and all(isinstance(error, InputError) for error in found))


@given(st.dictionaries(st.sampled_from([*document(), "x"]), JSON))
def test_any_object_gives_a_draft_or_input_errors(value):
    found = draft_document(value, DEMO)
    assert isinstance(found, Draft) or (found and all(isinstance(error, InputError) for error in found))
