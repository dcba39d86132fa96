"""What an owner promises, on the pages of its instruments: as its own word, and never in the way of a verdict."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from page_reader import Page
from place_world import PlaceWorld
from sites import MARKET, OWNER, PLEDGE, WITHDRAWN
from world import make_signer

from ledger.core.errors import StoreUnavailableError
from ledger.core.ids import InstitutionId
from ledger.core.pledge import Paragraphs, PledgeState, Promise
from ledger.core.register_fields import RegisterState
from ledger.core.site import SiteName
from ledger.core.statement import parse_signed_statement
from ledger.store.engine import Database

TAG = "自我承诺，未经核验"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def world(tmp_path):
    with (
        closing(Database(f"sqlite:///{tmp_path}/search.db")) as search,
        PlaceWorld(None, search) as world,
    ):
        issued = world.sign(1)
        world.code = world.submit(issued)
        world.pump = parse_signed_statement(issued.raw).statement.claims.instrument_id
        world.enter(MARKET, world.pump)
        world.anchor()
        yield world


def look(world, path=None, language="zh-CN"):
    world.search.follow()
    world.seconds += 2
    return Page(world.client.get(path or f"/c/{world.code}", headers={"Accept-Language": language}))


def test_a_pledge_stands_below_the_verdict_as_the_owners_own_word(world):
    plain = look(world)
    world.promise()
    world.anchor()
    for path in (f"/c/{world.code}", f"/i/{world.pump.hex()}"):
        page = look(world, path)
        assert page.headline == plain.headline == "检定有效"
        for words in (
            TAG,
            PLEDGE.promise.text.zh[0],
            "示例市场管理有限公司于",
            "示例农贸市场",
            f"由{OWNER}填报",
        ):
            assert words in page.response.text, words
        assert page.response.text.index(page.headline) < page.response.text.index(TAG)
        (link,) = {attrs["href"] for attrs in page.find("a") if "site/" in attrs["href"]}
        assert "示例农贸市场" in world.client.get(urljoin(path, link)).text


def test_in_english_a_pledge_is_in_english_or_marked_as_chinese(world):
    world.promise()
    text = look(world, language="en").response.text
    assert "Self-declared, not verified" in text
    assert f"<p>{PLEDGE.promise.text.en[0]}</p>" in text
    chinese = replace(PLEDGE.promise, text=Paragraphs(PLEDGE.promise.text.zh))
    world.promise(replace(PLEDGE, state=PledgeState.CHANGED, promise=chinese))
    assert f'<p lang="zh-CN">{PLEDGE.promise.text.zh[0]}</p>' in look(world, language="en").response.text


def test_what_does_not_stand_or_is_not_about_it_is_not_there(world):
    other = world.put_in(2)
    assert TAG not in look(world).response.text, "nobody has promised anything"
    world.promise()
    world.promise(WITHDRAWN)
    assert TAG not in look(world).response.text, "it was withdrawn"
    world.promise()
    assert TAG in look(world).response.text
    world.enter(MARKET, other)
    assert TAG not in look(world).response.text, "the site has others"
    world.enter(MARKET, world.pump, state=RegisterState.WITHDRAWN)
    assert TAG not in look(world).response.text, "it is closed"


@pytest.mark.parametrize(("division", "is_shown"), [("350102", True), ("350103", False), ("350200", False)])
def test_an_owner_elsewhere_than_the_document_says_has_no_word_on_its_page(world, division, is_shown):
    """Any owner may enter a site that names anybody's instrument."""
    owner = InstitutionId("350200-M1")
    site = SiteName(owner, "M-01")
    world.places.owner_key = make_signer("elsewhere")
    world.places.found_owner(owner, world.places.owner_key, division)
    world.enter(MARKET, world.pump, site=site, division=division, owner=owner)
    world.promise(replace(PLEDGE, owner=owner, site=site))
    text = look(world).response.text
    assert (TAG in text, PLEDGE.promise.text.zh[0] in text) == (is_shown, is_shown)


def test_a_verdict_waits_for_nobodys_promise(world, monkeypatch):
    world.promise()
    whole = look(world)

    def away(_instrument):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(world.search, "find_sites_of", away)
    world.now += timedelta(minutes=1)
    page = look(world)
    assert (page.response.status_code, page.headline) == (200, whole.headline)
    assert TAG not in page.response.text
    unknown = SiteName(InstitutionId(OWNER), "NOWHERE")
    monkeypatch.setattr(world.search, "find_sites_of", lambda _: [unknown, MARKET.site])
    world.now += timedelta(minutes=1)
    assert TAG in look(world).response.text, "one that the log does not know hides no other"


def test_markup_in_a_promise_is_text(world):
    world.promise(replace(PLEDGE, promise=Promise(Paragraphs((MARKUP,), (MARKUP,)))))
    for language in ("zh-CN", "en"):
        page = look(world, language=language)
        assert "&lt;script&gt;" in page.response.text
        assert MARKUP not in page.response.text
