"""Instruments as an institution knows them: each once, whatever it is called; and the form of a registration."""

from dataclasses import replace
from datetime import date

import pytest
from stickers import PUMP, REGISTRATION, SCALE

from api.office.document_index import IndexedDocument
from api.office.instrument_view import (
    compare,
    fill_form,
    find_serial,
    list_known,
    read_members,
    search,
)
from issuer.known_instruments import parse_registration
from issuer.said_book import Said
from issuer.tables import DocumentState
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.registration import Answer, Likeness

DAY = date(2026, 11, 2)
THIRD = InstrumentId(bytes([3]) * 16)
INSTITUTION = InstitutionId("350100-01")


def document(instrument, serial="SN20240001", *, position=1, verified=DAY, passed=True):
    return IndexedDocument(
        position, f"JY-{position}", DocumentState.LOGGED, None, "verification_certificate", "periodic",
        "FUEL_DISPENSER", instrument.hex(), "燃油加油机", "EX-1224", serial, "示例机械有限公司", "某公司",
        "某路1号", verified, None, passed,
    )  # fmt: skip


def said(content, position=1):
    return Said(position, DocumentState.LOGGED, None, content)


def known(registered, *documents):
    return list_known([said(one) for one in registered], {one.instrument_id: one for one in documents})


def test_an_instrument_is_there_once_from_both_sources():
    found = known([REGISTRATION], document(PUMP), document(SCALE, "SN3", position=2))
    assert list(found) == [PUMP.hex(), SCALE.hex()]
    assert found[PUMP.hex()].content == REGISTRATION
    assert (found[PUMP.hex()].name, found[PUMP.hex()].site) == ("燃油加油机", "某路1号")
    assert (found[SCALE.hex()].content, found[SCALE.hex()].category) == (None, "FUEL_DISPENSER")


def test_what_was_found_to_be_the_same_is_one_with_the_newest_document_of_both():
    same = replace(REGISTRATION, answers=(Answer(SCALE, Likeness.SAME, "P-1", DAY),))
    older, newer = document(PUMP), document(SCALE, position=2, verified=date(2026, 11, 3))
    (one,) = known([same], older, newer).values()
    assert (one.id, one.aliases, one.newest) == (PUMP.hex(), (SCALE.hex(),), newer)
    assert one.keys == [PUMP, SCALE]
    (one,) = known([same], older).values()
    assert one.newest == older


def test_what_is_the_same_as_an_alias_is_the_one_that_is_kept():
    one = replace(REGISTRATION, answers=(Answer(SCALE, Likeness.SAME, "P-1", DAY),))
    third = replace(REGISTRATION, id=THIRD, answers=(Answer(PUMP, Likeness.SAME, "P-1", DAY),))
    for registered in ([one, third], [third, one]):
        (kept,) = known(registered, document(SCALE, position=2)).values()
        assert (kept.id, set(kept.aliases)) == (THIRD.hex(), {PUMP.hex(), SCALE.hex()})
        assert kept.newest == document(SCALE, position=2)


def test_what_leads_into_a_circle_is_kept_by_itself():
    last = InstrumentId(bytes([4]) * 16)
    ring = [(PUMP, SCALE), (SCALE, THIRD), (THIRD, PUMP), (PUMP, last)]
    answers = {kept: tuple(Answer(alias, Likeness.SAME, "P-1", DAY) for one, alias in ring if one == kept)
               for kept, _ in ring}  # fmt: skip
    found = known([replace(REGISTRATION, id=kept, answers=given) for kept, given in answers.items()])
    assert set(found) == {PUMP.hex(), SCALE.hex(), THIRD.hex()}


def test_two_that_are_each_said_to_be_the_other_are_both_kept():
    one = replace(REGISTRATION, answers=(Answer(SCALE, Likeness.SAME, "P-1", DAY),))
    other = replace(REGISTRATION, id=SCALE, answers=(Answer(PUMP, Likeness.SAME, "P-1", DAY),))
    assert set(known([one, other])) == {PUMP.hex(), SCALE.hex()}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 2),
        ("示例机械 sn2024", 1),
        ("EX-1224", 2),
        ("某路", 1),
        ("350102", 1),
        ("永衡", 0),
        (PUMP.hex(), 1),
    ],
)
def test_every_word_is_looked_for(text, count):
    found = known(
        [REGISTRATION, replace(REGISTRATION, id=SCALE, serial="17", maker="另一")], document(SCALE, "17")
    )
    assert len(search(found, text)) == count


def test_serial_numbers_are_compared_as_people_read_them():
    found = known([REGISTRATION])
    assert [one.id for one in find_serial(found, "ｓｎ 20240001")] == [PUMP.hex()]
    assert find_serial(found, "SN2024000") == []


def test_the_form_says_what_is_registered():
    plain = replace(REGISTRATION, answers=())
    members = read_members(fill_form(plain) | {"id": plain.id.hex()})
    raw = encode_canonical_json(members | {"id": plain.id.hex()})
    assert parse_registration(raw, INSTITUTION) == plain


def test_both_nameplates_are_compared_member_by_member():
    other = replace(REGISTRATION, maker="示例机械", year=None, serial="sn 20240001")
    found = {label.en: agree for label, _, _, agree in compare(REGISTRATION, other)}
    assert found == {
        "Maker": False,
        "Model": True,
        "Serial number": True,
        "Number of the type approval": True,
        "Year of manufacture": None,
        "Division code of the site": True,
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "X"}, "category"),
        ({"serial": ""}, "serial"),
        ({"model": ""}, "model"),
        ({"maker": "", "cpa_no": ""}, "maker"),
        ({"division": "x"}, "division"),
        ({"year": "1799"}, "year"),
        ({"year": "²024"}, "year"),
        ({"parts": "1,2,1"}, "parts"),
        ({"retired": "1"}, "retired"),
        ({"retired": "ninebytes"}, "retired"),
        ({"seal_points": "a;a"}, "seal_points"),
    ],
)
def test_a_fault_names_its_field(changes, field):
    with pytest.raises(InputError) as refused:
        read_members(fill_form(REGISTRATION) | changes)
    assert refused.value.field == field
    assert refused.value.zh
