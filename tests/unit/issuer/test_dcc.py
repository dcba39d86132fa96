"""A certificate as DCC XML: valid by PTB's schema and schematron, whole, and never more than the record says."""

import base64
import copy
import hashlib

import pytest
from dcc_oracle import find_text, find_texts, list_schema_faults, list_schematron_faults
from dcc_records import PERSONAL, RECORDS, disclose, publish
from further_kinds import make_paper
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import make_point, make_record, make_result
from lxml import etree
from mutations import walk

from issuer.rendering.dcc import render_dcc
from issuer.rendering.dcc_results import spell_unit
from ledger.core.disclosure import parse_disclosure
from ledger.core.errors import InputError, VerificationError
from ledger.core.record import VerificationKind
from ledger.core.unit import UNITS

FULL = publish(RECORDS["full"])


def identified(xml, ref_type):
    return find_text(xml, f"//dcc:identification[@refType='hengzheng_{ref_type}']/dcc:value")


def all_identified(xml, ref_type):
    return find_texts(xml, f"//dcc:identification[@refType='hengzheng_{ref_type}']/dcc:value")


def embedded(xml, name):
    text = find_text(xml, f"//dcc:byteData[dcc:fileName='{name}']/dcc:dataBase64")
    return None if text is None else base64.b64decode(text, validate=True)


# --- what others say of it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDS)
def test_every_kind_of_document_passes_the_schema(name):
    assert list_schema_faults(render_dcc(publish(RECORDS[name]))) == []


@pytest.mark.parametrize("name", RECORDS)
def test_every_kind_of_document_passes_the_schematron(name):
    assert list_schematron_faults(render_dcc(publish(RECORDS[name]))) == []


def test_the_oracles_find_what_is_wrong():
    xml = render_dcc(FULL)
    assert list_schema_faults(xml.replace(b"<dcc:conformity>pass", b"<dcc:conformity>good"))
    assert list_schematron_faults(xml.replace(b'lang="en"', b'lang="fr"'))
    assert list_schematron_faults(xml.replace(b"<dcc:release>v1<", b"<dcc:release>one<"))


def test_the_holders_copy_passes_too():
    xml = render_dcc(FULL, disclose(FULL))
    assert list_schema_faults(xml) == []
    assert list_schematron_faults(xml) == []


def test_a_calibration_says_its_values_its_method_and_its_rule():
    xml = render_dcc(publish(RECORDS["calibration that conforms"]))
    assert identified(xml, "documentType") == "calibration_certificate"
    assert find_texts(xml, "//dcc:usedMethod/dcc:norm")[0] == "JJF 9001-2020"
    assert find_texts(xml, "//si:valueExpandedMU") == ["0.05", "0.05"]
    assert find_texts(xml, "//dcc:conformity") == ["pass"]
    (said,) = [text for text in find_texts(xml, "//dcc:declaration/dcc:content") if "guarded" in text]
    assert said == "conforms to the requirement; guarded acceptance w=1U; JJG 443-2023(试行) §5.1"
    assert "检定合格" not in xml.decode()
    assert "校准员" in find_texts(xml, "//dcc:respPerson/dcc:role")


def test_a_calibration_without_conclusion_has_none_and_no_date():
    xml = render_dcc(publish(RECORDS["calibration"]))
    assert find_texts(xml, "//dcc:conformity") == []
    assert find_texts(xml, "//dcc:statement/dcc:date") == []
    assert "no statement of conformity" in xml.decode()


def test_what_is_left_undecided_is_said_in_words_alone():
    xml = render_dcc(publish(RECORDS["calibration left undecided"]))
    assert find_texts(xml, "//dcc:conformity") == []
    assert "待定：处于保护带内" in xml.decode()
    assert find_texts(xml, "//dcc:statement/dcc:date") == ["2027-02-27"]


def test_a_calibration_that_does_not_conform_says_so_and_its_comparisons():
    xml = render_dcc(publish(RECORDS["calibration that does not conform"]))
    assert find_texts(xml, "//dcc:conformity") == ["fail"]
    assert "En 0.343" in xml.decode()
    assert find_texts(xml, "//dcc:usedMethod/dcc:norm")[:2] == ["JJF 9001-2020", "JJG 443-2023(试行)"]


def test_an_entry_from_paper_has_no_dcc():
    with pytest.raises(InputError, match=r"^doc_type: an entry from paper is no certificate, and has no DCC"):
        render_dcc(publish(make_paper()))


@pytest.mark.parametrize("kind", sorted(set(VerificationKind) - {VerificationKind.CALIBRATION}))
def test_every_kind_of_verification_is_named(kind):
    xml = render_dcc(publish(make_record(1, kind=kind.value)))
    assert identified(xml, "verificationKind") == kind
    assert list_schema_faults(xml) == []


# --- what it says -------------------------------------------------------------------------------------------


def test_nothing_of_the_record_is_left_out():
    """Every text and number of the fullest record stands in the XML itself, not only in what is embedded."""
    root = etree.fromstring(render_dcc(FULL, disclose(FULL)))
    for data in root.iter("{*}dataBase64"):
        data.text = ""
    said = "\n".join(root.itertext())
    silent = {"nonce", "v", "sd"}
    for path, value in walk(RECORDS["full"]):
        if isinstance(value, str | int) and not isinstance(value, bool) and path[-1] not in silent:
            coded = {"on_site": "customer", "L": r"\litre", "%": r"\percent", "°C": r"\degreecelsius"}
            words = {"%RH": r"\percent", "trade": "贸易结算", "operator": "检定员", "checker": "核验员"}
            words |= {
                "approver": "批准人",
                "indication_error": "示值误差",
                "repeatability": "重复性",
                "date": "有效期至",
            }
            assert (coded | words).get(value, str(value)) in said, path
    for value in PERSONAL.values():
        for text in value.values() if isinstance(value, dict) else [value]:
            assert text in said


def test_it_leads_back_to_the_sealed_certificate():
    xml = render_dcc(FULL)
    digest = hashlib.sha256(FULL.raw).hexdigest()
    assert embedded(xml, "certificate.json") == FULL.raw
    assert identified(xml, "certificateDigest") == digest
    assert find_text(xml, "//dcc:statement/dcc:reference") == f"sha-256:{digest}"


def test_equal_input_gives_equal_bytes():
    again = publish(RECORDS["full"])
    assert render_dcc(FULL) == render_dcc(again)
    assert render_dcc(FULL, disclose(FULL)) == render_dcc(again, disclose(again))
    assert render_dcc(FULL).startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<dcc:digital")


def test_digits_stand_as_recorded():
    xml = render_dcc(FULL)
    values = find_texts(xml, "//dcc:influenceCondition[@refType='basic_temperature']//si:value")
    assert set(values) == {"20.50"}
    assert "20.00" in find_texts(xml, "//dcc:quantity[@refType='basic_referenceValue']//si:value")
    assert "1.96" in find_texts(xml, "//si:coverageFactor")
    assert set(find_texts(xml, "//si:coverageProbability")) == {"NaN"}


def test_a_replacement_names_what_it_replaces():
    xml = render_dcc(publish(RECORDS["replacement"]))
    assert find_text(xml, "//dcc:reportAmendedSubstituted/dcc:typeOfChange") == "substituted"
    assert find_text(xml, "//dcc:reportAmendedSubstituted/dcc:replacedUniqueIdentifier") == "JY2026-000001"
    assert find_text(render_dcc(FULL), "//dcc:replacedUniqueIdentifier") == "JY2026-000003"
    assert find_text(render_dcc(publish(RECORDS["plain"])), "//dcc:reportAmendedSubstituted") is None


def test_a_rejection_says_fail_and_has_no_end_of_validity():
    xml = render_dcc(publish(RECORDS["rejection"]))
    assert find_text(xml, "//dcc:statement[@refType='basic_conformity']/dcc:conformity") == "fail"
    assert identified(xml, "documentType") == "rejection_notice"
    assert find_text(xml, "//dcc:statement[@refType='hengzheng_validity']/dcc:date") is None
    assert "pass" not in find_texts(xml, "//dcc:conformity")


def test_readings_before_adjustment_are_no_results():
    xml = render_dcc(FULL)
    before = "//dcc:influenceCondition[dcc:status='beforeAdjustment']"
    assert find_text(xml, f"{before}//dcc:quantity[@refType='basic_measurementError']//si:value") == "0.50"
    assert "0.50" not in find_texts(xml, "//dcc:results//si:value")
    assert find_texts(xml, "//dcc:results//dcc:conformity") == ["pass"] * 3
    alone = render_dcc(publish(RECORDS["only before adjustment"]))
    assert find_text(alone, "//dcc:results//dcc:quantity") is None
    assert find_texts(alone, f"{before}//si:value")


def test_parts_are_items_of_the_item():
    xml = render_dcc(FULL)
    parts = "//dcc:subItems/dcc:item"
    assert find_texts(xml, f"{parts}//dcc:identification[@refType='hengzheng_part']/dcc:value") == ["1", "2"]
    assert find_text(xml, f"{parts}//dcc:identification[@refType='hengzheng_serial']/dcc:value") == "N1"
    names = find_texts(xml, "//dcc:measurementResult/dcc:name/dcc:content[@lang='zh']")
    assert names[0] == "示值误差（部件 1 1号枪（92#））"


def test_a_standards_certificate_is_linked_by_hash_where_there_is_one():
    xml = render_dcc(FULL)
    link = "//dcc:measuringEquipment/dcc:certificate"
    assert find_text(xml, f"{link}/dcc:referralID") == "C1"
    assert find_text(xml, f"{link}/dcc:value") == "ab" * 32
    assert find_text(xml, f"{link}/dcc:inValidityRange") == "true"
    assert all_identified(xml, "certificateNo") == ["C1", "C2"]


def test_a_lapsed_certificate_of_a_standard_is_said_to_be_lapsed():
    standard = RECORDS["full"]["standards"][0]
    lapsed = {"no": "M1", "cert_no": "C1", "cert_hash": "ab" * 32, "until": "2026-02-27"}
    record = make_record(1, standards=[{**standard, "instruments": [lapsed]}])
    assert find_text(render_dcc(publish(record)), "//dcc:inValidityRange") == "false"


@pytest.mark.parametrize(("place", "location"), [("on_site", "customer"), ("laboratory", "laboratory")])
def test_the_place_is_one_of_the_schemas(place, location):
    xml = render_dcc(publish(make_record(1, place={"kind": place})))
    assert find_text(xml, "//dcc:performanceLocation") == location


def test_what_the_record_does_not_say_is_said_to_be_so():
    xml = render_dcc(publish(RECORDS["without regulation"]))
    assert find_text(xml, "//dcc:performanceLocation/@refType") == "hengzheng_notStated"
    assert find_text(xml, "//dcc:customer/dcc:name/dcc:content[@lang='en']") == "not stated in the record"
    assert find_text(xml, "//dcc:norm") is None
    assert find_text(render_dcc(publish(RECORDS["without results"])), "//dcc:quantity") is None


# --- units --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_has_a_form_that_ptbs_parser_and_schema_take(unit):
    dsi_unit = pytest.importorskip(
        "dsi_unit", reason="dsiunits, a parser of D-SI units, is not installed here"
    )
    with pytest.warns():  # it warns of each unit that its own hints are deprecated
        parsed = dsi_unit.DsiUnit(spell_unit(unit))
    assert parsed.valid
    xml = render_dcc(
        publish(make_record(1, results=[make_result("indication_error", unit, error_unit=unit)]))
    )
    assert set(find_texts(xml, "//dcc:results//si:unit")) == {spell_unit(unit)}
    assert list_schema_faults(xml) == []
    assert list_schematron_faults(xml) == []


def test_a_unit_without_a_form_is_marked_and_defined():
    xml = render_dcc(publish(RECORDS["money and scale intervals"]))
    assert set(find_texts(xml, "//dcc:results//si:unit")) == {"|CNY", "|e"}
    assert find_texts(xml, "//dcc:statement/dcc:nonSIUnit") == ["|CNY", "|e"]
    assert find_text(render_dcc(FULL), "//dcc:nonSIUnit") is None


# --- personal members ---------------------------------------------------------------------------------------


def test_everybodys_copy_holds_nothing_personal():
    xml = render_dcc(FULL).decode()
    for value in PERSONAL.values():
        for text in value.values() if isinstance(value, dict) else [value]:
            assert text not in xml
    assert find_text(xml.encode(), "//dcc:customer/dcc:name/dcc:content[@lang='zh']") == "本副本未公开"
    assert find_texts(xml.encode(), "//dcc:respPerson/dcc:person")[0].strip() == "P0"


def test_the_holders_copy_names_people_and_embeds_what_proves_the_names():
    disclosure = disclose(FULL)
    xml = render_dcc(FULL, disclosure)
    assert find_text(xml, "//dcc:customer/dcc:name").strip() == "福州示例石油有限公司"
    assert "91350100M000100Y43" in find_text(xml, "//dcc:customer")
    assert find_text(xml, "//dcc:owner/dcc:name").strip() == "示例加油站"
    assert find_texts(xml, "//dcc:respPerson/dcc:person")[0].strip() == "林𠮷示例"
    assert parse_disclosure(embedded(xml, "disclosure.json")) == disclosure
    assert embedded(render_dcc(FULL), "disclosure.json") is None


def test_a_disclosure_of_another_certificate_is_refused():
    with pytest.raises(VerificationError, match="another certificate"):
        render_dcc(FULL, disclose(publish(RECORDS["plain"])))


@pytest.mark.parametrize("path", PERSONAL)
def test_a_value_that_is_not_the_committed_one_is_refused(path):
    with pytest.raises(VerificationError, match=path):
        render_dcc(FULL, disclose(FULL, PERSONAL | {path: "somebody else"}))


def test_a_committed_value_of_the_wrong_shape_is_refused_by_name():
    from ledger.core.disclosure import conceal

    record = make_record(1, applicant=conceal("a text", bytes(16)))
    certificate = publish(record)
    with pytest.raises(InputError, match="applicant"):
        render_dcc(certificate, disclose(certificate, {"applicant": "a text"}, bytes(16)))


# --- texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_refused_by_name(character):
    record = make_record(1, seals=[{"no": f"A{character}1", "point": "主板"}])
    with pytest.raises(InputError, match=r"^seals\[0\]\.no: .*U\+FFF[EF]"):
        render_dcc(publish(record))


def _is_text(text):
    from ledger.core.text import has_forbidden_character, has_outer_space

    return bool(text) and not has_forbidden_character(text) and not has_outer_space(text)


@given(st.text(max_size=10).filter(_is_text))
def test_any_text_that_a_record_may_hold_comes_out_as_it_went_in(text):
    record = make_record(1, no=text, seals=[{"no": text, "point": text}], class_awarded=text)
    record["instrument"] = {**record["instrument"], "model": text, "serial": text, "name": text}
    certificate = publish(record)
    if "\ufffe" in text or "\uffff" in text:
        with pytest.raises(InputError):
            render_dcc(certificate)
        return
    xml = render_dcc(certificate)
    assert find_text(xml, "//dcc:uniqueIdentifier") == text
    assert find_text(xml, "//dcc:item/dcc:model") == text
    assert identified(xml, "serial") == text
    assert identified(xml, "seal") == text
    assert list_schema_faults(xml) == []


def _list_optional(record):
    """Return the paths of what a record may leave out, all of which the fullest has."""
    top = (
        "applicant",
        "regulation",
        "place",
        "environment",
        "class_awarded",
        "sticker_id",
        "lot",
        "raw_record",
    )
    nested = ("temperature", "humidity", "other")
    of_instrument = (
        "local_id",
        "model",
        "range",
        "class",
        "year",
        "maker",
        "cpa_no",
        "purpose",
        "software",
        "codes",
    )
    return [
        *((name,) for name in (*top, "replaces")),
        *(("environment", name) for name in nested),
        *(("instrument", name) for name in (*of_instrument, "owner", "site")),
        *(("instrument", "codes", name) for name in ("production", "repair", "verification")),
        *(("instrument", "software", "hash"), ("instrument", "site", "address"), ("place", "where")),
        *(("raw_record", "hash"), ("validity", "reason"), ("persons", 0, "name")),
        *(("standards", 0, "instruments"), ("standards", 0, "instruments", 0, "cert_hash")),
        *(("results", place, name) for place in range(len(record["results"])) for name in ("k", "unit")),
        *(("results", 1, "points", 0, name) for name in ("nominal", "measured", "mpe", "u")),
    ]


@given(st.sets(st.sampled_from(_list_optional(RECORDS["full"]))))
def test_whatever_a_record_leaves_out_the_dcc_is_valid(paths):
    record = copy.deepcopy(RECORDS["full"])
    for *parents, name in sorted(paths, key=len, reverse=True):
        place = record
        for step in parents:
            place = place[step]
        place.pop(name, None)
    xml = render_dcc(publish(record))
    assert list_schema_faults(xml) == []
    assert list_schematron_faults(xml) == []


def test_an_odd_uncertainty_is_a_quantity_of_its_own():
    """D-SI has no place for a negative uncertainty or a factor below 1; the record's digits stand all the same."""
    point = make_point("0.10", "0.30", u="-0.05")
    for changes in ({"points": [point]}, {"k": "0.5"}):
        xml = render_dcc(publish(make_record(1, results=[make_result("indication_error", "L", **changes)])))
        assert find_text(xml, "//dcc:quantity[@refType='hengzheng_expandedUncertainty']//si:value") in {
            "-0.05",
            "0.05",
        }
        assert find_text(xml, "//si:expandedMU") is None
        assert list_schema_faults(xml) == []
