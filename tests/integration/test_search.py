"""Finding instruments and sites without a code: on SQLite and PostgreSQL, through HTTP."""

import hashlib
from contextlib import closing
from dataclasses import replace

import pytest
from page_reader import Page
from place_world import PlaceWorld
from sites import BARE_SITE, MARKET, OWNER
from sqlalchemy import text
from stickers import PUMP, REGISTRATION
from world import INSTITUTION

from api.schemas.sites import FindAnswer
from api.sites.view import Sites
from api.web.site_page import NOT_PROVED
from ledger.core.errors import StateError, UnavailableError
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.register_fields import Name, RegisterState
from ledger.core.registration import encode_instrument_content
from ledger.core.site import SiteName
from ledger.core.statement import parse_signed_statement
from ledger.search.search import MOST_HITS, Search
from ledger.store.engine import Database
from ledger.store.records import Withheld
from ledger.submission import Submission

ENGLISH = {"Accept-Language": "en"}
MAKER = "示例机械有限公司"
WATER = {"category": "WATER_METER_SMALL"}


@pytest.fixture
def search_database(database_url, tmp_path):
    """A database for the search alone; of PostgreSQL the one that the log's tables lie in too."""
    if database_url.startswith("sqlite"):
        database_url = f"sqlite:///{tmp_path}/search.sqlite3"
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def world(store, search_database):
    """A served ledger whose store is a database."""
    with PlaceWorld(store, search_database) as world:
        yield world


@pytest.fixture
def quick(tmp_path):
    """The same in memory, but for what is searched: for what does not depend on the database."""
    database = Database(f"sqlite:///{tmp_path}/quick.sqlite3")
    with PlaceWorld(None, database) as world:
        yield world
    database.close()


def plate(world, number, **changes):
    return world.world.record(number)["instrument"] | changes


# --- by nameplate -----------------------------------------------------------------------------------------


def test_an_instrument_is_found_by_maker_and_serial(world):
    pump = world.put_in(1)
    world.put_in(2)
    answer = world.find(maker="示例", serial="SN00000001")
    FindAnswer.model_validate(answer)
    assert answer["hits"] == [
        {"kind": "instrument", "path": f"/i/{pump.hex()}", "status": "VALID", "category": "FUEL_DISPENSER"}
    ]
    assert answer["more"] is False


@pytest.mark.parametrize(
    ("maker", "serial"),
    [
        (MAKER, "SN00000001"),
        ("机械有限", "sn00000001"),
        ("示例 机械", " SN 0000 0001 "),
        ("机械", "ＳＮ０００００００１"),
        ("公司", "ЅN00000001"),
    ],
)
def test_width_case_spaces_and_look_alikes_make_no_difference(world, maker, serial):
    world.put_in(1)
    assert len(world.find(maker=maker, serial=serial)["hits"]) == 1


@pytest.mark.parametrize(
    ("maker", "serial"),
    [
        ("示例", "SN0000000"),
        ("示例", "N00000001"),
        ("示机", "SN00000001"),
        ("%%", "SN00000001"),
        ("__", "SN00000001"),
        ("示例", "%"),
    ],
)
def test_what_is_not_on_the_nameplate_finds_nothing(world, maker, serial):
    world.put_in(1)
    absent = world.find(maker="无此厂家", serial="SN99999999")
    assert world.find(maker=maker, serial=serial) == absent
    assert absent["hits"] == []


def test_a_registration_is_found_and_a_failure_is_told(world):
    content = encode_instrument_content(replace(REGISTRATION, answers=()))
    world.places.say(EventType.INSTRUMENT, "350100-01", world.world.seal, content, REGISTRATION.subject)
    hits = world.find(maker="示例", serial="SN20240001")["hits"]
    assert hits == [{"kind": "instrument", "path": f"/i/{PUMP.hex()}", "category": "FUEL_DISPENSER"}]
    world.reject(7)
    assert [hit["status"] for hit in world.find(maker="示例", serial="SN00000007")["hits"]] == ["FAILED"]


def test_two_instruments_of_one_serial_are_both_told(world):
    for number in (1, 2):
        world.put_in(number, instrument=plate(world, number, serial="000257"))
    assert len(world.find(maker="示例", serial="000257")["hits"]) == 2


def test_more_than_twenty_are_not_told(world):
    for number in range(MOST_HITS + 2):
        world.put_in(number, instrument=plate(world, number, serial="000257"))
    answer = world.find(maker="示例", serial="000257")
    assert (len(answer["hits"]), answer["more"]) == (MOST_HITS, True)
    page = world.look("/find?maker=示例&serial=000257")
    assert "仅列出前20条" in page.text


def enter_meter(world):
    """Put a household's meter straight into the log, whose scope of authorisation has no such category."""
    issued = world.sign(5, instrument=plate(world, 5, **WATER))
    signed = parse_signed_statement(issued.raw)
    world.log.append([Submission(signed, issued.body)])
    world.seconds += 1
    return signed.statement.claims.instrument_id


def test_a_households_meter_is_found_only_where_a_site_names_it(world):
    meter = enter_meter(world)
    asked = {"maker": "示例", "serial": "SN00000005"}
    assert world.find(**asked)["hits"] == []
    world.enter(MARKET, meter)
    assert [hit["path"] for hit in world.find(**asked)["hits"]] == [f"/i/{meter.hex()}"]
    world.enter(MARKET, meter, state=RegisterState.WITHDRAWN)
    assert world.find(**asked)["hits"] == []
    world.enter(MARKET)
    assert world.find(**asked)["hits"] == []


def test_what_the_law_withholds_is_not_found(world):
    world.put_in(1)
    assert len(world.find(maker="示例", serial="SN00000001")["hits"]) == 1
    digest = hashlib.sha256(world.sign(1).body).digest()
    with world.store.write() as unit:
        unit.withhold_document(digest, Withheld("示例决定", 0, b""))
    assert world.find(maker="示例", serial="SN00000001")["hits"] == []


# --- by name ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["农贸", "示例农贸市场", "市场", "example market", "ＭＡＲＫＥＴ", "Ex"])
def test_a_site_is_found_by_a_part_of_its_name(world, name):
    world.enter(MARKET)
    world.enter(replace(BARE_SITE, division="350102"))
    hits = world.find(site=name, division="350102")["hits"]
    assert hits == [
        {
            "kind": "site",
            "path": f"/site/{OWNER}/M-01",
            "name": {"zh": "示例农贸市场", "en": "Example Market"},
        }
    ]


@pytest.mark.parametrize(
    ("name", "division", "count"),
    [
        ("示例", "350102", 2),
        ("示例", "3501", 2),
        ("示例", "350103", 0),
        ("示例", "350102001", 0),
        ("超市", "3501", 0),
        ("%%", "3501", 0),
        ("__", "3501", 0),
        ("市农", "3501", 0),
    ],
)
def test_a_site_is_found_within_its_division_alone(world, name, division, count):
    world.enter(MARKET)
    world.enter(replace(BARE_SITE, division="350102"))
    assert len(world.find(site=name, division=division)["hits"]) == count


def test_the_newest_entry_is_what_is_found(world):
    world.enter(MARKET)
    world.enter(MARKET, name=Name("新名百货", None))
    assert world.find(site="农贸", division="3501")["hits"] == []
    assert len(world.find(site="百货", division="3501")["hits"]) == 1
    world.enter(MARKET, name=Name("新名百货", None), state=RegisterState.WITHDRAWN)
    assert world.find(site="百货", division="3501")["hits"] == []


# --- pledges on an instrument's page ----------------------------------------------------------------------


def test_an_instrument_has_the_pledges_of_its_sites(world):
    pump, other = world.put_in(1), world.put_in(2)
    world.enter(MARKET, pump)
    world.promise()
    world.search.follow()
    sites = Sites(world.store, world.prover, world.policy, world.clock, search=world.search)
    told = InstitutionId(INSTITUTION), MARKET.division
    (found,) = sites.list_pledges_about(pump, *told)
    assert (found.site.content.site, found.owner.id) == (SiteName(OWNER, "M-01"), OWNER)
    assert found.pledge.newest.content.owner == OWNER
    assert sites.list_pledges_about(other, *told) == []
    world.enter(MARKET, other)
    assert sites.list_pledges_about(pump, *told) == [], "even before the search has followed"


# --- what is asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "site"),
        ({"site": "市", "division": "3501"}, "site"),
        ({"site": "市 ", "division": "3501"}, "site"),
        ({"site": "市场"}, "division"),
        ({"site": "市场", "division": "35"}, "division"),
        ({"site": "市场", "division": "35010X"}, "division"),
        ({"site": "市场", "division": "３５０１"}, "division"),
        ({"site": "市" * 70, "division": "3501"}, "site"),
        ({"division": "3501"}, "site"),
        ({"maker": "示例"}, "serial"),
        ({"maker": "示", "serial": "17"}, "maker"),
        ({"maker": "\u200b\u200b\u200b", "serial": "17"}, "maker"),
        ({"serial": "17"}, "maker"),
        ({"maker": "示例", "serial": "1" * 201}, "serial"),
        ({"maker": "示例", "serial": "17", "site": "市场", "division": "3501"}, "site"),
    ],
)
def test_a_search_that_is_not_enough_is_refused_by_name(quick, query, field):
    response = quick.client.get("/find", params=query, headers={"Accept": "application/json"})
    assert response.status_code == 422
    assert response.json()["field"] == f"query.{field}"
    if query:
        page = quick.client.get("/find", params=query, headers=ENGLISH)
        assert page.status_code == 422
        wrong = Page(page)
        fields = [attrs["id"] for attrs in wrong.find("input") if "aria-invalid" in attrs]
        assert field in fields
        assert any(attrs.get("role") == "alert" for attrs in wrong.find("p"))


def test_without_a_question_there_are_two_forms(quick):
    page = Page(quick.look("/find"))
    assert page.response.status_code == 200
    assert [attrs["action"] for attrs in page.find("form")] == ["find", "find"]
    assert "form-action 'self'" in page.response.headers["content-security-policy"]


def test_where_something_is_in_order_the_page_says_what_that_does_not_prove(quick):
    quick.put_in(1)
    quick.reject(2)
    quick.search.follow()
    for serial, is_said in (("SN00000001", True), ("SN00000002", False), ("SN00000003", False)):
        page = quick.look(f"/find?maker=示例&serial={serial}")
        assert page.status_code == 200
        assert (NOT_PROVED.zh in page.text) is is_said


def test_what_was_typed_is_shown_as_text(quick):
    page = quick.look('/find?maker="><script>alert(1)</script>&serial=17&lang=en')
    assert "<script" not in page.text
    assert Page(page).find("script") == []
    assert page.headers["cache-control"] == "no-store"


def test_a_caller_has_thirty_searches_a_minute(quick):
    quick.put_in(1)
    for _ in range(30):
        quick.find(maker="示例", serial="SN00000001")
    refused = quick.client.get("/find?maker=示例&serial=1", headers={"Accept": "application/json"})
    assert refused.status_code == 429
    assert "30 a minute and 300 a day" in refused.json()["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    page = quick.look("/find?maker=示例&serial=1")
    assert (page.status_code, Page(page).headline) == (429, "请稍候")
    assert "每分钟最多30次" in page.text
    assert quick.look("/find").status_code == 200, "the forms cost nothing"
    quick.now = quick.now.replace(minute=quick.now.minute + 1)
    assert quick.look("/find?maker=示例&serial=1").status_code == 200


# --- following --------------------------------------------------------------------------------------------


def test_what_is_searched_may_be_thrown_away(world, search_database):
    world.put_in(1)
    world.enter(MARKET)
    asked = ({"maker": "示例", "serial": "SN00000001"}, {"site": "农贸", "division": "3501"})
    before = [world.find(**each) for each in asked]
    with search_database.write() as connection:
        for name in ("meta", "head", "plates", "sites", "listed"):
            connection.execute(text(f"DROP TABLE search_{name}"))
    again = Search(world.store, search_database, world.prover.origin)
    assert again.follow() == before[0]["tree_size"]
    assert [world.find(**each) for each in asked] == before


def test_another_log_begins_anew_and_another_origin_is_refused(world, search_database):
    world.put_in(1)
    world.find(maker="示例", serial="SN00000001")
    with search_database.write() as connection:
        connection.execute(text("UPDATE search_head SET last_leaf = :other"), {"other": bytes(32)})
        connection.execute(text("DELETE FROM search_plates"))
    world.put_in(2)
    assert len(world.find(maker="示例", serial="SN00000001")["hits"]) == 1
    with search_database.write() as connection:
        connection.execute(text("UPDATE search_head SET tree_size = 100000"))
    assert len(world.find(maker="示例", serial="SN00000002")["hits"]) == 1
    other = Search(world.store, search_database, "another.example/log")
    with pytest.raises(StateError, match="remove it, and it is made again"):
        other.prepare()
    asked = (
        other.follow,
        lambda: other.find_instruments("示例", "SN00000001"),
        lambda: other.find_sites("农贸", "3501"),
        lambda: other.find_sites_of(bytes(16)),
    )
    for ask in asked:
        with pytest.raises(UnavailableError, match="nothing can be searched"):
            ask()


def test_a_database_that_is_away_is_used_from_when_it_is_back(world, tmp_path):
    pump = world.put_in(1)
    world.enter(MARKET, pump)
    with closing(Database(f"sqlite:///{tmp_path}/away/search.db")) as database:
        search = Search(world.store, database, world.prover.origin)
        for ask in (search.prepare, search.follow, lambda: search.find_instruments("示例", "SN00000001")):
            with pytest.raises(UnavailableError):
                ask()
        (tmp_path / "away").mkdir()
        assert search.find_instruments("示例", "SN00000001").instruments == ()
        assert search.follow() == world.log.head.tree_size
        assert search.find_instruments("示例", "SN00000001").instruments == (pump,)


def test_a_run_that_is_told_to_stop_goes_on_later(quick, monkeypatch):
    monkeypatch.setattr("ledger.search.search.CHUNK", 3)
    for number in range(1, 5):
        quick.put_in(number)
    assert quick.search.follow(lambda: True) == 3
    assert quick.search.follow() == quick.prover.newest_checkpoint().tree_size
    assert len(quick.find(maker="示例", serial="SN00000004")["hits"]) == 1
