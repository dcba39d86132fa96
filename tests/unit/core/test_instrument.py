import hashlib
import json
from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vectors import vector_path

from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.instrument import (
    LocalIdentity,
    NameplateIdentity,
    StatementSerial,
    check_part_ids,
    compute_instrument_id,
    compute_seals_digest,
    compute_statement_serial,
    normalise_for_search,
)

PUMP = NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240001")
SERIALS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=40
)


def test_an_id_is_the_hash_of_the_canonical_identity():
    canonical = '{"maker":"示例","model":"EX-1224","serial":"SN20240001"}'.encode()
    expected = hashlib.sha256(b"hengzheng/instrument/v1\x00" + canonical).digest()[:16]
    assert compute_instrument_id(PUMP) == expected == bytes.fromhex("2e5b3e22b5d423422235294a29dbc5bd")


def test_a_local_id_is_scoped_by_its_institution():
    canonical = b'{"id":"000257","institution":"350100-01"}'
    expected = hashlib.sha256(b"hengzheng/instrument/v1\x00" + canonical).digest()[:16]
    assert compute_instrument_id(LocalIdentity(InstitutionId("350100-01"), "000257")) == expected
    assert compute_instrument_id(LocalIdentity(InstitutionId("350100-02"), "000257")) != expected


def test_identities_that_differ_anywhere_have_different_ids():
    identities = [
        PUMP,
        NameplateIdentity(type_number="示例", model="EX-1224", serial="SN20240001"),
        NameplateIdentity(maker="示例", model="SN20240001", serial="EX-1224"),
        NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240002"),
        NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240001", owner="91350100M000100Y43"),
        NameplateIdentity(maker="示例", model="EX-1224", serial="ＳN20240001"),
        NameplateIdentity(maker="示例", model="ЕХ-1224", serial="SN20240001"),
        NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240001 ".strip() + "é"),
        NameplateIdentity(maker="示例", model="EX-1224", serial="SN20240001e\u0301"),
    ]
    assert len({compute_instrument_id(identity) for identity in identities}) == len(identities)


def test_one_serial_on_many_real_instruments_gives_many_ids():
    records = json.loads(vector_path("domain", "registries", "arshin_serial_000257_2022.json").read_bytes())
    names = records["fields"]
    rows = [dict(zip(names, record, strict=True)) for record in records["records"]]
    nameplates = {(row["mit_number"], row["mi_modification"], row["mi_number"]) for row in rows}
    ids = {
        compute_instrument_id(NameplateIdentity(type_number=number, model=model, serial=serial))
        for number, model, serial in nameplates
    }
    assert {row["mi_number"] for row in rows} == {"000257"}
    assert len(ids) == len(nameplates) > 15
    assert len(rows) > len(nameplates), (
        "type, model and serial agree on several: the owner has to tell them apart"
    )
    owners = {
        (*key, row["org_title"]) for row in rows for key in [(row["mit_number"], row["mi_modification"])]
    }
    assert len(owners) > len(nameplates)


@pytest.mark.parametrize(
    "members",
    [
        {"model": "M", "serial": "1"},
        {"model": "M", "serial": "1", "maker": "A", "type_number": "2018F258-32"},
        {"model": "", "serial": "1", "maker": "A"},
        {"model": "M", "serial": "", "maker": "A"},
        {"model": "M", "serial": " ", "maker": "A"},
        {"model": "M", "serial": "1 ", "maker": "A"},
        {"model": "M", "serial": "1\n", "maker": "A"},
        {"model": "M", "serial": "1\x00", "maker": "A"},
        {"model": "M", "serial": "\u202e1", "maker": "A"},
        {"model": "M", "serial": "\ud800", "maker": "A"},
        {"model": "M", "serial": "1", "maker": ""},
        {"model": "M", "serial": "1", "maker": "A", "owner": ""},
        {"model": "M" * 201, "serial": "1", "maker": "A"},
    ],
)
def test_a_nameplate_that_identifies_nothing_is_refused(members):
    with pytest.raises(MalformedDocumentError):
        NameplateIdentity(**members)


@pytest.mark.parametrize(
    ("institution", "local_id"),
    [("", "1"), ("a-1", "1"), ("A" * 13, "1"), ("A\n", "1"), ("A", ""), ("A", "\t"), ("A", "x" * 201)],
)
def test_a_local_id_that_identifies_nothing_is_refused(institution, local_id):
    with pytest.raises(MalformedDocumentError):
        LocalIdentity(InstitutionId(institution), local_id)


@given(st.dictionaries(st.sampled_from(["maker", "type_number", "owner"]), st.text()), st.text(), st.text())
def test_making_an_id_raises_nothing_else(members, model, serial):
    with suppress(InputError):
        assert len(compute_instrument_id(NameplateIdentity(model=model, serial=serial, **members))) == 16


@pytest.mark.parametrize("serial", ["1", "SN20240001", "x" * 24, "加油机加油机加油", "𠮷" * 6])
def test_a_short_serial_stands_whole(serial):
    assert compute_statement_serial(serial) == StatementSerial(serial, None)


@pytest.mark.parametrize(
    ("serial", "prefix"),
    [
        ("x" * 25, "x" * 12),
        ("加油机加油机加油机", "加油机加"),
        ("a加油机加油机加油机", "a加油机"),
        ("𠮷" * 7, "𠮷𠮷𠮷"),
        ("xxxxxxxxx𠮷yyyyyyyyyyyy", "x" * 9),
        ("xxxxxxxxxxx yyyyyyyyyyyyyy", "xxxxxxxxxxx "),
    ],
)
def test_a_long_serial_is_cut_between_characters_and_hashed(serial, prefix):
    cut = compute_statement_serial(serial)
    tail = hashlib.sha256(b"hengzheng/serial/v1\x00" + serial.encode()).digest()[:4]
    assert (cut.text, cut.tail) == (prefix, tail)


@given(SERIALS)
@example("x" * 24)
@example("x" * 25)
def test_a_serial_matches_itself_and_its_size_is_bounded(serial):
    stated = compute_statement_serial(serial)
    assert stated.matches(serial)
    assert (stated.tail is None) == (len(serial.encode()) <= 24)
    assert len(stated.text.encode()) + len(stated.tail or b"") <= 24
    assert serial.startswith(stated.text)
    assert StatementSerial(stated.text, stated.tail) == stated


@given(SERIALS, SERIALS)
def test_another_serial_does_not_match(one, other):
    assert compute_statement_serial(one).matches(other) is (one == other)


@pytest.mark.parametrize("serial", ["", "\x00", "\ud800", "x" * 201, "SN2024000\u202e1"])
def test_a_serial_that_cannot_be_stated_is_refused_and_matches_nothing(serial):
    with pytest.raises(MalformedDocumentError):
        compute_statement_serial(serial)
    assert not compute_statement_serial("SN20240001").matches(serial)


def test_a_short_serial_never_matches_a_cut_one():
    long = "x" * 30
    assert not compute_statement_serial("x" * 12).matches(long)
    assert not compute_statement_serial(long).matches("x" * 12)
    assert not StatementSerial("x" * 9, compute_statement_serial(long).tail).matches(long)


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("", None),
        ("x" * 25, None),
        ("x\x00", None),
        ("x" * 8, b"1234"),
        ("x" * 13, b"1234"),
        ("x" * 12, b""),
        ("x" * 12, b"123"),
        ("x" * 12, b"12345"),
    ],
)
def test_another_form_of_a_stated_serial_is_refused(text, tail):
    with pytest.raises(MalformedDocumentError):
        StatementSerial(text, tail)


def test_the_digest_of_seals_is_over_their_canonical_list():
    canonical = '[{"no":"QF-000456","point":"主板"},{"no":"QF-000457","point":"编码器"}]'.encode()
    expected = hashlib.sha256(b"hengzheng/seals/v1\x00" + canonical).digest()[:8]
    assert compute_seals_digest([("QF-000456", "主板"), ("QF-000457", "编码器")]) == expected


def test_any_change_of_the_seals_changes_their_digest():
    lists = [
        [],
        [("1", "a")],
        [("a", "1")],
        [("1", "b")],
        [("1", "a"), ("2", "a")],
        [("2", "a"), ("1", "a")],
        [("1", "a"), ("1", "b")],
    ]
    for one, other in combinations(lists, 2):
        assert compute_seals_digest(one) != compute_seals_digest(other)


@pytest.mark.parametrize("seals", [[("1", "a"), ("1", "a")], [("\ud800", "a")], [("1", "\x00")]])
def test_a_list_of_seals_that_makes_no_sense_is_refused(seals):
    with pytest.raises(MalformedDocumentError):
        compute_seals_digest(seals)


@pytest.mark.parametrize("part_ids", [[], ["1"], ["1", "2", "枪3"], ["01", "1"], ["x" * 8]])
def test_parts_have_their_own_short_ids(part_ids):
    check_part_ids(part_ids)


@pytest.mark.parametrize(
    "part_ids", [["1", "1"], [""], ["x" * 9], ["枪枪枪"], ["1", "\n"], ["\ud800"], ["2", "1", "2"]]
)
def test_part_ids_that_cannot_be_told_apart_are_refused(part_ids):
    with pytest.raises(MalformedDocumentError):
        check_part_ids(part_ids)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("С-ДИЭ/28-09-2022/191617859", "c-диэ/28-09-2022/191617859"),
        ("ВСТ 000257", "BCT000257"),
        ("ＳＮ２０２４０００１", "sn20240001"),
        ("EX–1224", "EX-1224"),
        ("EX\u20111224", "EX-1224"),
        ("ΑΒΕ", "ABE"),
        ("SN\u200b1", "SN1"),
        ("Straße", "STRASSE"),
        ("é", "e\u0301"),
        ("а\u0301", "á"),
    ],
)
def test_texts_that_look_alike_are_found_together_but_hashed_apart(one, other):
    assert normalise_for_search(one) == normalise_for_search(other)
    plates = [NameplateIdentity(maker="m", model="m", serial=text) for text in (one, other)]
    assert compute_instrument_id(plates[0]) != compute_instrument_id(plates[1])


@pytest.mark.parametrize(
    ("one", "other"), [("0", "O"), ("1", "I"), ("SN1", "SN2"), ("é", "e"), ("A-1", "A1"), ("加", "油")]
)
def test_texts_that_differ_stay_apart(one, other):
    assert normalise_for_search(one) != normalise_for_search(other)


@given(st.text())
@example("\u00a8a")
@example("e\u200d\u0301")
@example("a\u0308\u200b\u0323")
def test_normalising_twice_changes_nothing(text):
    once = normalise_for_search(text)
    assert normalise_for_search(once) == once
