"""What lists say of an instrument is what its own page says: never a better word, whatever it has lived through."""

from contextlib import closing
from datetime import timedelta

import pytest
from acts import People
from api_world import JSON
from further_kinds import to_calibration, to_paper
from place_world import PlaceWorld
from sites import MARKET
from sticker_lives import LIVES, with_parts
from sticker_world import PUMP, SCALE, StickerWorld
from verdict_states import withhold
from world import AUTHORITY, INSTITUTION

from api.shown import RELIED_ON, Shown
from ledger.core.event import EventType
from ledger.store.engine import Database

SERIALS = ("SN00000001", "SN00000002", "SN20240001")
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
