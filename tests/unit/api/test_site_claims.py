"""Which sites' word on where an instrument is used stands beside a document."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sites import BARE_SITE, MARKET, OWNER
from stickers import PUMP, SCALE

from api.negotiation import Language
from api.sites.claims import MOST_CLAIMS, choose_claims, is_within
from api.web.places import list_places
from api.web.sections import say_division
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.register_fields import RegisterState
from ledger.core.site import SiteName
from ledger.place_reading import LoggedSite

ISSUER, AT = InstitutionId("350100-01"), datetime(2026, 3, 1, tzinfo=UTC)
OWN = replace(BARE_SITE, instruments=(PUMP,))


def log(*contents):
    return [LoggedSite(LeafIndex(index), AT, content) for index, content in enumerate(contents)]


def choose(*contents, division="350102"):
    return [each.content.site.id for each in choose_claims(log(*contents), PUMP, ISSUER, division)]


def test_a_site_where_the_document_says_counts():
    assert choose(MARKET) == ["M-01"]
    assert choose(MARKET, division="350100") == ["M-01"], "the document names the city alone"
    assert choose(replace(MARKET, division="3501")) == ["M-01"], "the site names the city alone"


@pytest.mark.parametrize("division", ["350103", "35010", "350200", "110101", "3502"])
def test_a_site_elsewhere_does_not(division):
    assert choose(MARKET, division=division) == (["M-01"] if division == "35010" else [])


@pytest.mark.parametrize("division", [None, ""])
def test_where_the_document_names_no_place_the_institutions_own_word_alone_counts(division):
    assert choose(MARKET, OWN, division=division) == ["S1"]


@pytest.mark.parametrize(
    "changes", [{"state": RegisterState.WITHDRAWN}, {"instruments": (SCALE,)}, {"instruments": ()}]
)
def test_what_is_closed_or_names_others_does_not(changes):
    assert choose(replace(MARKET, **changes)) == []


def test_the_institutions_word_comes_first_and_two_are_enough():
    many = [replace(MARKET, site=SiteName(OWNER, f"M-{number}")) for number in range(4)]
    assert choose(*many, OWN) == ["S1", "M-0"]
    assert len(choose(*many)) == MOST_CLAIMS


def test_divisions_hold_each_other_by_their_codes():
    assert is_within("350102", "350100")
    assert is_within("350102", "350000")
    assert is_within("350102", "350102")
    assert not is_within("350100", "350102")
    assert not is_within("350202", "350100")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MARKET, ("使用单位登记，未经核验", "Entered by the instrument's user, not verified")),
        (OWN, ("出具本文件的机构登记", "Entered by the issuing institution")),
        (
            replace(OWN, site=SiteName(InstitutionId("350100-02"), "S1")),
            ("350100-02登记，未经核验", "Entered by 350100-02, not verified"),
        ),
    ],
)
def test_it_is_said_whose_word_it_is(content, words):
    said = [list_places(log(content), ISSUER, each)[0]["whose"] for each in (Language.ZH, Language.EN)]
    assert tuple(said) == words


def test_a_division_is_named_to_the_province_with_its_whole_code():
    assert say_division("350102", Language.ZH) == "福建省（区划代码350102）"
    assert say_division("350102", Language.EN) == "Fujian (division 350102)"
    assert say_division("990102", Language.ZH) == "区划代码990102"
