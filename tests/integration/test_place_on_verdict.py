"""Where an instrument is used, beside its nameplate: whose word it is, and which words are not shown."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from page_reader import Page
from place_world import PlaceWorld
from sites import BARE_SITE, MARKET, OWNER
from world import INSTITUTION, make_signer

from ledger.core.errors import StoreUnavailableError
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.register_fields import Name, RegisterState
from ledger.core.site import SiteName, encode_site
from ledger.core.statement import parse_signed_statement
from ledger.store.engine import Database

BY_OWNER, BY_ISSUER = "使用单位登记，未经核验", "出具本文件的机构登记"
RIVAL = InstitutionId("350102-M8")
HERE = {"division": "350102"}
MARKUP = "<script>alert(1)</script>\"'&amp;"


@pytest.fixture
def world(tmp_path):
    with (
        closing(Database(f"sqlite:///{tmp_path}/search.db")) as search,
        PlaceWorld(None, search) as world,
    ):
        plate = world.world.record(1)["instrument"]
        issued = world.sign(1, instrument=plate | {"site": HERE})
        world.code = world.submit(issued)
        world.pump = parse_signed_statement(issued.raw).statement.claims.instrument_id
        world.anchor()
        yield world


def look(world, path=None, language="zh-CN"):
    world.search.follow()
    world.seconds += 2
    return Page(world.client.get(path or f"/c/{world.code}", headers={"Accept-Language": language}))


def place(page):
    """What stands of sites beside the nameplate."""
    return [attrs["href"] for attrs in page.find("a") if "site/" in attrs["href"]]


def test_a_site_stands_beside_the_nameplate_as_the_word_of_its_user(world):
    assert place(look(world)) == []
    world.enter(MARKET, world.pump)
    for path in (f"/c/{world.code}", f"/i/{world.pump.hex()}"):
        page = look(world, path)
        for words in ("福建省（区划代码350102）", "示例农贸市场", "鼓楼区示例路1号", BY_OWNER):
            assert words in page.text, words
        assert page.text.index("出厂编号") < page.text.index(BY_OWNER) < page.text.index("证书信息")
        (link,) = place(page)
        assert "示例农贸市场" in world.client.get(urljoin(path, link)).text
    english = look(world, language="en").text
    for words in ("Fujian (division 350102)", "Example Market", "1 Example Road", "user, not verified"):
        assert words in english, words


def test_the_institutions_own_word_comes_first(world):
    world.enter(MARKET, world.pump)
    world.enter(BARE_SITE, world.pump)
    page = look(world)
    assert [link.split("/", 2)[2] for link in place(page)] == [f"{INSTITUTION}/S1", f"{OWNER}/M-01"]
    assert page.text.index(BY_ISSUER) < page.text.index(BY_OWNER)


def test_an_institution_may_enter_a_site_for_its_owner(world):
    world.enter(replace(MARKET, site=SiteName(InstitutionId(INSTITUTION), "M1")), world.pump)
    assert BY_ISSUER in look(world).text


def test_more_than_two_words_are_not_shown(world):
    for name in ("A", "B", "C"):
        world.enter(replace(MARKET, site=SiteName(OWNER, name)), world.pump)
    assert [link[-1] for link in place(look(world))] == ["A", "B"]


def enter_as_rival(world, division):
    """Enter a site as an owner of another place, who may name any instrument."""
    key = make_signer("rival")
    world.places.found_owner(RIVAL, key, division)
    content = replace(
        MARKET,
        site=SiteName(RIVAL, "X"),
        owner=RIVAL,
        division=division,
        instruments=(world.pump,),
        fair_scales=(),
        name=Name("抢注市场", None),
    )
    world.places.say(EventType.SITE, RIVAL, key, encode_site(content), content.subject)


def test_a_site_in_another_place_than_the_document_says_is_not_shown(world):
    enter_as_rival(world, "350103")
    assert "抢注市场" not in look(world).response.text


def test_a_site_in_the_same_county_is_the_word_of_its_keeper_and_no_more(world):
    enter_as_rival(world, "350102")
    text = look(world).text
    assert "抢注市场" in text
    assert BY_OWNER in text


@pytest.mark.parametrize("changes", [{"state": RegisterState.WITHDRAWN}, {"others": True}])
def test_a_site_that_is_closed_or_names_others_is_not_shown(world, changes):
    world.enter(MARKET, world.pump)
    assert len(place(look(world))) == 1
    if changes.pop("others", False):
        world.enter(MARKET, world.put_in(2))
    else:
        world.enter(MARKET, world.pump, **changes)
    assert place(look(world)) == []


def test_a_verdict_waits_for_nobodys_word(world, monkeypatch):
    world.enter(MARKET, world.pump)
    whole = look(world)

    def away(_instrument):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(world.search, "find_sites_of", away)
    world.now += timedelta(minutes=1)
    page = look(world)
    assert (page.response.status_code, page.headline) == (200, whole.headline)
    assert place(page) == []


def test_a_search_that_hangs_is_asked_once_in_a_while_and_used_when_it_is_back(world, monkeypatch):
    world.enter(MARKET, world.pump)
    world.search.follow()
    asked, find = [], world.search.find_sites_of

    def hang(instrument):
        asked.append(instrument)
        raise StoreUnavailableError("no answer within three seconds")

    monkeypatch.setattr(world.search, "find_sites_of", hang)
    for path in (f"/c/{world.code}", f"/i/{world.pump.hex()}", f"/c/{world.code}?lang=en"):
        assert world.client.get(path).status_code == 200
    assert len(asked) == 1
    world.now += timedelta(seconds=60)
    assert place(look(world)) == []
    assert len(asked) == 2
    monkeypatch.setattr(world.search, "find_sites_of", find)
    world.now += timedelta(seconds=60)
    assert place(look(world)) != []


def test_markup_in_a_site_is_text(world):
    world.enter(replace(MARKET, name=Name(MARKUP, MARKUP), address=Name(MARKUP, MARKUP)), world.pump)
    for language in ("zh-CN", "en"):
        assert "<script>alert(1)" not in look(world, language=language).response.text


def test_a_page_without_fields_shows_no_place(world):
    world.enter(MARKET, world.pump)
    page = look(world, f"/i/{'00' * 16}")
    assert place(page) == []
