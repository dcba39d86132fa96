import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.columns import COLUMNS, parse_column
from issuer.headings import HEADINGS, find_choices, find_heading, find_name
from ledger.core.category import Category
from ledger.core.record import DocumentType, PlaceKind, Purpose, Role, VerificationKind
from ledger.core.record_parsing import CONCLUSIONS, VALIDITY_KINDS

POSITIONS = ("1", "2", "17", "200")
ITEMS = ("indication_error", "indication_error_low", "repeatability", "error_in_use", "zero_error2")


def spell(pattern, position, item):
    return pattern.replace("#", position).replace("*", item)


def test_every_column_has_one_heading_and_every_heading_one_column():
    assert HEADINGS.keys() == COLUMNS.keys()
    assert len(set(HEADINGS.values())) == len(HEADINGS)


@pytest.mark.parametrize("pattern", COLUMNS)
def test_a_heading_leads_back_to_its_column(pattern):
    for position in POSITIONS:
        for item in ITEMS:
            name = spell(pattern, position, item)
            heading = find_heading(name, pattern)
            assert find_name(heading) == name
            assert parse_column(heading).name == parse_column(name).name == name
            assert parse_column(heading).pattern == pattern


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("规格型号", "instrument.model"),
        ("制造单位", "instrument.maker"),
        ("安装/使用地点", "instrument.site.address"),
        ("检定员", "operator.name"),
        (" 出厂编号\n", "instrument.serial"),
        ("示值误差  第2点  示值", "item.indication_error.2.measured"),
        ("铅封１编号", "seals.1.no"),
    ],
)
def test_other_headings_in_use_and_other_spacing(heading, name):
    assert find_name(heading) == name


@pytest.mark.parametrize(
    "text", ["", "出厂", "铅封0编号", "铅封编号", "铅封1000编号", "铅封01编号", "示值误差", "第1点 示值"]
)
def test_what_is_no_heading(text):
    assert find_name(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_heading_or_is_none(text):
    name = find_name(text)
    assert name is None or parse_column(name).name == name


@pytest.mark.parametrize(
    ("pattern", "codes"),
    [
        ("kind", VerificationKind),
        ("doc_type", DocumentType),
        ("instrument.purpose", Purpose),
        ("place.kind", PlaceKind),
        ("persons.#.role", Role),
        ("validity.kind", VALIDITY_KINDS),
        ("conclusion", CONCLUSIONS),
        ("adjusted", ("true", "false")),
        ("instrument.category", Category.__members__),
    ],
)
def test_words_stand_for_every_code_of_the_record_and_for_no_other(pattern, codes):
    assert sorted(find_choices(pattern).values()) == sorted(map(str, codes)) or set(
        find_choices(pattern).values()
    ) == set(map(str, codes))
    assert all(type(code) is str for code in find_choices(pattern).values())


def test_free_columns_have_no_words():
    assert not find_choices("instrument.serial")
