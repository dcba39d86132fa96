"""What lists say of an instrument is what its own page says: never a better word, whatever it has lived through."""

from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from acts import People
from api_world import ENGLISH, JSON
from further_kinds import to_calibration, to_paper
from page_reader import Page
from place_world import PATH, PlaceWorld
from sites import MARKET
from standings import BEHIND
from starlette.testclient import TestClient
from sticker_lives import LIVES, with_parts
from sticker_world import PUMP, SCALE, StickerWorld, name_instrument
from verdict_states import withhold
from world import AUTHORITY, INSTITUTION

from api.app import create_app
from api.schemas.sites import FindAnswer, SiteAnswer
from api.shown import RELIED_ON, Shown
from api.web.site_page import NOT_PROVED
from ledger.core.event import EventType
from ledger.store.engine import Database

SERIALS = ("SN00000001", "SN00000002", "SN20240001")
METER = name_instrument(3)
SOON = {"kind": "date", "until": "2026-11-20", "reason": "约定"}


@pytest.fixture
def world(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/search.db")) as search, PlaceWorld(None, search) as world:
        yield world


# --- what may happen to an instrument -------------------------------------------------------------------------


def act_on_part(event_type, speaker):
    """Return a life in which somebody acts on the document of a part, which is newer than the whole's."""

    def live(desk):
        desk.verify(1, **with_parts())
        issued = desk.documents[desk.verify(1, "1", **with_parts())]
        desk.hand_in(People(desk.served.world).act_on(issued, event_type, speaker, 1))

    return live


def part_that_ends_before_the_whole(desk):
    desk.verify(1, **with_parts())
    desk.verify(1, "1", validity=SOON, **with_parts())
    desk.served.now += timedelta(days=25)


def part_that_nobody_has_registered(desk):
    desk.register(PUMP, parts=("1",))
    desk.verify(1, "1", **with_parts())


def part_that_a_document_of_a_part_names(desk):
    desk.register(PUMP, parts=("1",))
    for part in ("1", "2"):
        desk.verify(1, part, **with_parts())


def part_that_no_document_names(desk):
    desk.register(PUMP, parts=("1", "4"))
    desk.verify(1, **with_parts())


def part_that_no_document_names_and_that_failed(desk):
    part_that_no_document_names(desk)
    desk.verify(
        1, "4", fails=True, instrument=desk.served.world.record(1)["instrument"] | {"parts": [{"id": "4"}]}
    )


def parts_alone_of_which_one_ends(desk):
    desk.register(PUMP)
    desk.verify(1, "1", validity=SOON, **with_parts())
    desk.verify(1, "2", **with_parts())
    desk.served.now += timedelta(days=25)


def calibrated(desk):
    issue_as(desk, to_calibration)


def entered_from_paper(desk):
    issue_as(desk, to_paper)


def issue_as(desk, convert):
    served = desk.served
    record = convert(served.world.record(1))
    served.submit(served.world.issue(1, record=record))


def withheld(desk):
    desk.verify(1)
    withhold(desk.served)


def withheld_and_past_its_last_day(desk):
    withheld(desk)
    desk.served.now += timedelta(days=300)


FURTHER = {
    "withdrawn part": (act_on_part(EventType.WITHDRAW, INSTITUTION), "WITHDRAWN"),
    "cancelled part": (act_on_part(EventType.CANCEL, AUTHORITY), "CANCELLED"),
    "suspended part": (act_on_part(EventType.SUSPEND, AUTHORITY), "SUSPENDED"),
    "part that ends before the whole": (part_that_ends_before_the_whole, "EXPIRED"),
    "part that nobody has registered": (part_that_nobody_has_registered, "NOT_VERIFIED"),
    "part that a document of a part names": (part_that_a_document_of_a_part_names, "VALID"),
    "part that no document names": (part_that_no_document_names, "VALID"),
    "the same, failed": (part_that_no_document_names_and_that_failed, "FAILED"),
    "parts alone of which one ends": (parts_alone_of_which_one_ends, "EXPIRED"),
    "calibrated": (calibrated, "NOT_VERIFIED"),
    "from paper": (entered_from_paper, "NOT_VERIFIED"),
    "withheld": (withheld, "CONTENT_WITHHELD"),
    "withheld and past its last day": (withheld_and_past_its_last_day, "EXPIRED"),
}


# --- what is said of it ---------------------------------------------------------------------------------------


def read_page(world, instrument):
    """Return what an instrument's own page shows, in the words of a list."""
    world.seconds += 2
    shown = world.client.get(f"/i/{instrument.hex()}", headers=JSON).json()["shown"]
    return {Shown.NOT_VERIFIED: None, Shown.NEVER_GIVEN_OUT: None}.get(
        Shown(shown), "VALID" if shown in RELIED_ON else shown
    )


def read_lists(world, instrument):
    """Return what `/site` and `/find` say of it; the latter is silent of what nobody can look for."""
    (listed,) = [each for each in world.read()["instruments"] if each["instrument"] == instrument.hex()]
    hits = [hit for serial in SERIALS for hit in world.find(maker="示例", serial=serial)["hits"]]
    found = {hit.get("status") for hit in hits if hit["path"] == f"/i/{instrument.hex()}"}
    return {listed.get("status")} | found


@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
def test_of_what_stickers_stand_on(world, live):
    live(StickerWorld(world))
    world.enter(MARKET, PUMP, SCALE)
    for instrument in (PUMP, SCALE):
        assert read_lists(world, instrument) == {read_page(world, instrument)}


@pytest.mark.parametrize("name", FURTHER)
def test_of_an_instrument_and_its_parts(world, name):
    live, shown = FURTHER[name]
    live(StickerWorld(world))
    world.enter(MARKET, PUMP)
    world.anchor()
    expected = None if shown == "NOT_VERIFIED" else shown
    assert (read_page(world, PUMP), read_lists(world, PUMP)) == (expected, {expected})


# --- where nothing good may be said ---------------------------------------------------------------------------


@contextmanager
def put_behind(world):
    """Let everybody know that others hold more of the log, and serve it so."""
    parts = replace(world.parts(), read_standing=lambda: BEHIND)
    with TestClient(create_app(parts), raise_server_exceptions=False) as world.client:
        yield world


@contextmanager
def let_grow_old(world):
    """Let the newest state grow older than the policy lets any be."""
    world.policy = replace(world.policy, max_status_age=timedelta(hours=24))
    world.now += timedelta(days=3)
    parts = world.parts()
    with TestClient(create_app(parts), raise_server_exceptions=False) as world.client:
        yield world


UNSURE = {"behind": put_behind, "too old": let_grow_old}


@pytest.fixture(params=UNSURE)
def unsure(request, world):
    """A served log that holds a pump in order, a scale that failed, and a meter that nobody has verified."""
    desk = StickerWorld(world)
    desk.verify(1, **with_parts())
    desk.verify(2, fails=True)
    desk.register(METER)
    world.enter(MARKET, PUMP, SCALE, METER, fair=(PUMP,))
    world.anchor()
    with UNSURE[request.param](world) as served:
        served.search.follow()
        yield served


def list_tones(page):
    return [attrs["class"].removeprefix("state ") for attrs in page.find("div") if "state" in attrs["class"]]


def test_nothing_good_is_said_of_what_may_have_changed(unsure):
    assert read_page(unsure, PUMP) == read_page(unsure, METER) == "CANNOT_CHECK"
    for instrument, status in ((PUMP, "CANNOT_CHECK"), (METER, "CANNOT_CHECK"), (SCALE, "FAILED")):
        assert read_lists(unsure, instrument) == {status}
    site, found = unsure.read(), unsure.find(maker="示例", serial="SN00000001")
    SiteAnswer.model_validate(site)
    FindAnswer.model_validate(found)
    assert (site["unsure"], found["unsure"]) == (True, True)


def test_pages_of_lists_say_so_in_words(unsure):
    for address in (PATH, "/find?maker=示例&serial=SN00000001"):
        page = Page(unsure.look(address))
        assert "good" not in list_tones(page)
        assert page.text.count("暂时无法核验") == list_tones(page).count("unchecked") > 0
        assert any(words in page.text for words in ("本站记录可能已过时", "本站记录落后"))
        assert "还有" not in page.text
        assert NOT_PROVED.zh not in page.text
        english = Page(unsure.look(address, **ENGLISH)).text
        assert "Cannot check right now" in english
        assert "may have changed since" in english


def test_what_is_not_found_may_be_held_by_others(unsure):
    for query in ({"maker": "示例", "serial": "SN99999999"}, {"site": "超市", "division": "3501"}):
        page = unsure.client.get("/find", params=query)
        assert (page.status_code, Page(page).headline) == (503, "暂时无法查询")
        assert "这不代表" in page.text
        problem = unsure.client.get("/find", params=query, headers=JSON)
        assert problem.status_code == 503
        assert problem.headers["content-type"] == "application/problem+json"
    assert Page(unsure.client.get("/find")).headline == "查找器具或场所", "the forms are there all the same"
    assert unsure.find(site="农贸", division="3501")["unsure"] is True


def test_last_days_stay_in_calendars(unsure):
    assert "DTSTART;VALUE=DATE:20270501" in unsure.look(f"{PATH}/due.ics").text


def test_of_what_is_withheld_a_list_tells_no_field(world):
    withheld(StickerWorld(world))
    world.enter(MARKET, PUMP)
    (listed,) = world.read()["instruments"]
    assert listed.keys() == {"instrument", "fair_scale", "status", "code"}
    page = Page(world.look())
    assert list_tones(page) == ["unchecked"]
    assert "依法不予公开" in page.text
    for field in ("SN00000001", "EX-1224", "2027年05月01日"):
        assert field not in page.text
    assert "Content withheld by law" in Page(world.look(**ENGLISH)).text
