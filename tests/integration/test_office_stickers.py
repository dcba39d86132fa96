"""Stickers on the office's pages: rolls, put on, replaced, taken off, listed, printed; stale pages, ledger away."""

import html
import re
from contextlib import ExitStack
from dataclasses import replace

import orjson
import pytest
from desk_world import changed, document
from labels import read_texts, read_words
from office_world import APPLICATION, HOST, OTHER, begin_draft, open_office_world
from world import INSTITUTION, VERIFIED_ON

from issuer.registering import Registrar
from issuer.said_book import StickerState
from issuer.signoff.approving import Approver
from issuer.signoff.office import Person
from issuer.signoff.signing_off import Named, SigningOff
from issuer.signoff.writing import Writer
from issuer.sticker_desk import StickerDesk
from ledger.core.event import EventType, placement_subject, sticker_subject
from ledger.core.ids import InstrumentId
from ledger.core.qr import format_code
from ledger.core.register_fields import RegisterState
from ledger.core.registration import Answer, Likeness, encode_instrument_content
from ledger.core.status import Status
from ledger.core.sticker import compute_sticker_id, encode_sticker_url, find_number
from ledger.core.sticker_use import StickerReason


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["operator", "administrator", "approver"]) as world:
        found = world.put_on()
        world.instrument, world.roll = found["instrument"], found["roll"]
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(request, tmp_path):
    """The same on either database, for what the database decides."""
    with ExitStack() as stack:
        urls = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            urls = [stack.enter_context(server.fresh_database()) for _ in range(3)]
        world = stack.enter_context(open_office_world(tmp_path, urls=urls, roles=["operator"]))
        found = world.put_on()
        world.instrument, world.roll = found["instrument"], found["roll"]
        yield world


@pytest.fixture
def browser(world):
    return world.browser("operator")


@pytest.fixture
def admin(world):
    return world.browser("administrator")


def text(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def alert(answer):
    return html.unescape(
        re.sub(r"<[^>]+>", "", answer.text.partition('role="alert"')[2].partition("</div>")[0])
    )


def sticker(world, number):
    return compute_sticker_id(roll(world), number)


def roll(world, code=None):
    return world.gateway.founded.rolls[code or world.roll]


def bind(world, browser, which, code=303, **changes):
    given = {"sticker": which, "where": world.instrument, "part": "1"} | changes
    answer = world.post(browser, "/stickers/bind", given)
    assert answer.status_code == code, text(answer)
    return answer


def seen(browser, path):
    return re.search(r'name="seen" value="(\d+)"', browser.get(path).text)[1]


def unbind(world, browser, which, code=303, **changes):
    given = {"reason": "DAMAGED"} | changes
    if "seen" not in given:
        given["seen"] = seen(browser, f"/stickers/{which}")
    answer = world.post(browser, f"/stickers/{which}/unbind", given)
    assert answer.status_code == code, text(answer)
    return answer


def state(world, which):
    with world.office.tenants[INSTITUTION].said.read() as book:
        return book.find_state(which, roll(world))


def figures(page):
    return [int(one) for one in re.findall(r"<dd>(\d+)</dd>", page.text)]


# --- rolls ------------------------------------------------------------------------------------------------


def test_a_roll_is_allotted_and_counted(world, admin):
    answer = world.post(admin, "/stickers/rolls", {"stickers": "40"})
    path = answer.headers["location"]
    assert figures(admin.get(path)) == [40, 0, 0, 0]
    assert roll(world, path.rpartition("/")[2]).count == 40
    assert figures(admin.get(f"/stickers/rolls/{world.roll}")) == [9, 1, 0, 0]
    listed = text(admin.get("/stickers"))
    assert world.roll in listed
    assert path.rpartition("/")[2] in listed


@pytest.mark.parametrize("count", ["", "0", "-1", "1048577", "ten", "1.5"])
def test_a_roll_has_a_size(world, admin, count):
    before = len(world.gateway.founded.rolls)
    answer = world.post(admin, "/stickers/rolls", {"stickers": count})
    assert answer.status_code == 422
    assert "Number of stickers" in alert(answer)
    assert len(world.gateway.founded.rolls) == before


def test_an_administrator_sees_rolls_and_not_what_stickers_stand_on(world, admin):
    page = text(admin.get(f"/stickers/rolls/{world.roll}"))
    assert "Its stickers" not in page
    assert format_code(sticker(world, 0)) not in page.replace(format_code(sticker(world, 0)), "", 1), (
        "its first"
    )
    assert "REG-1" not in page
    assert "REG-1" not in text(admin.get("/happenings"))


def test_a_roll_is_withdrawn_by_typing_its_name(world, admin, browser):
    path = f"/stickers/rolls/{world.roll}/withdraw"
    refused = world.post(admin, path, {"again": "0000000"})
    assert refused.status_code == 422
    assert "Roll, typed again" in alert(refused)
    assert world.post(admin, path, {"again": world.roll.lower()}).status_code == 303
    assert figures(admin.get(f"/stickers/rolls/{world.roll}")) == [0, 1, 0, 9]
    assert state(world, sticker(world, 0)) is StickerState.BOUND, "what is in use stays"
    assert state(world, sticker(world, 1)) is StickerState.WITHDRAWN
    answer = bind(world, browser, sticker(world, 1), code=422, part="2")
    assert "none of its stickers is put on any more" in alert(answer)
    assert world.post(admin, path, {"again": world.roll}).status_code == 303, "the same again changes nothing"


def test_a_roll_that_an_authority_has_allotted_is_there_and_not_ours_to_withdraw(world, admin, browser):
    theirs = compute_roll(world, "7KQ2M9X")
    assert "not allotted here" in text(admin.get("/stickers"))
    assert "typed again" not in admin.get(f"/stickers/rolls/{theirs.roll}").text
    answer = world.post(admin, f"/stickers/rolls/{theirs.roll}/withdraw", {"again": theirs.roll})
    assert answer.status_code == 409
    bind(world, browser, compute_sticker_id(theirs, 3), part="2")


def compute_roll(world, code):
    made = replace(roll(world), roll=code)
    world.gateway.founded.rolls[code] = made
    return made


# --- put on -----------------------------------------------------------------------------------------------


def test_a_sticker_is_put_on_and_what_it_replaces_is_shown(world, browser):
    old, new = sticker(world, 0), sticker(world, 1)
    answer = bind(world, browser, new)
    assert answer.headers["location"] == f"/stickers/{new}"
    page = text(browser.get(f"/stickers/{new}"))
    assert f"In the place of {format_code(old)}" in page
    assert "REG-1" in page
    assert "replaced by another" in text(browser.get(f"/stickers/{old}"))
    assert world.gateway.states[sticker_subject(old)].status is Status.INACTIVE
    shown = text(browser.get(f"/instruments/{world.instrument}"))
    assert shown.index(new) < shown.index(old)
    calls = world.gateway.size
    assert bind(world, browser, new).status_code == 303, "the same again changes nothing"
    assert world.gateway.size == calls


@pytest.mark.parametrize(
    "spell", [str.lower, format_code, lambda one: encode_sticker_url(one, HOST), " {} ".format]
)
def test_a_sticker_is_typed_or_scanned(world, browser, spell):
    bind(world, browser, spell(sticker(world, 2)), part="2")
    assert state(world, sticker(world, 2)) is StickerState.BOUND


def test_the_place_is_named_by_document_serial_number_or_id(world, browser):
    (number,) = world.issue(document(1))
    for at, (where, part) in enumerate([(number, ""), ("SN00000001", "1"), ("reg-1", "")], start=3):
        bind(world, browser, sticker(world, at), where=where, part=part)
    page = text(browser.get(f"/documents/{number}"))
    assert sticker(world, 3) in page
    assert sticker(world, 4) in page
    linked = browser.get(f"/stickers/bind?where={number}&sticker={sticker(world, 5)}").text
    assert f'value="{number}"' in linked


def test_the_time_is_that_of_the_institution(world, browser):
    bind(world, browser, sticker(world, 1), part="2", put_on="2026-11-02 16:40")
    with world.office.tenants[INSTITUTION].said.read() as book:
        (move,) = book.list_moves(sticker(world, 1))
    assert move.content.binding.effective_at.isoformat() == "2026-11-02T08:40:00+00:00"


@pytest.mark.parametrize(
    ("changes", "field", "en", "zh"),
    [
        ({"sticker": ""}, ("Sticker", "标志"), "must be filled in", "必须填写"),
        ({"sticker": "7KQ2"}, ("Sticker", "标志"), "16 letters and digits", "16位字母和数字"),
        ({"sticker": "{wrong}"}, ("Sticker", "标志"), "wrong place", "写错或位置不对"),
        (
            {"sticker": "{foreign}"},
            ("Sticker", "标志"),
            "not given out to this institution",
            "不是发放给本机构",
        ),
        ({"sticker": "0000000000000000"}, ("Sticker", "标志"), "not given out to this", "不是发放给本机构"),
        (
            {"sticker": "https://evil.example/s/{free}"},
            ("Sticker", "标志"),
            "leads to 'evil.example'",
            "请勿使用",
        ),
        ({"sticker": f"http://{HOST}/s/{{free}}"}, ("Sticker", "标志"), "do not use it", "请勿使用"),
        (
            {"sticker": f"https://{HOST}/c/{{free}}"},
            ("Sticker", "标志"),
            "code of a document",
            "证书的二维码",
        ),
        ({"sticker": "{made_up}"}, ("Sticker", "标志"), "not given out to this", "不是发放给本机构"),
        ({"where": ""}, ("Document or instrument", "证书或器具"), "must be filled in", "必须填写"),
        ({"where": "SN-NOBODY"}, ("Document or instrument", "证书或器具"), "no document", "请先登记"),
        ({"where": "{theirs}"}, ("Document or instrument", "证书或器具"), "no document", "请先登记"),
        ({"part": "3"}, ("Part", "部件"), "not in use any more", "已停用"),
        ({"part": "9"}, ("Part", "部件"), "no part 9; it has 1, 2", "没有部件9"),
        ({"put_on": "yesterday"}, ("Put on at", "粘贴时间"), "is no time", "不是时间"),
        ({"put_on": "0001-01-01T00:00"}, ("Put on at", "粘贴时间"), "is no time", "不是时间"),
        ({"put_on": "2099-01-01 00:00"}, ("Put on at", "粘贴时间"), "in the future", "不能晚于现在"),
    ],
)
def test_every_fault_names_its_field_in_both_languages(world, browser, changes, field, en, zh):
    theirs = world.put_on(OTHER, "REG-9")
    free = sticker(world, 1)
    words = {
        "free": free,
        "wrong": free[:-1] + ("0" if free[-1] != "0" else "1"),
        "foreign": theirs["sticker"],
        "theirs": theirs["instrument"],
        "made_up": compute_sticker_id(replace(roll(world), seed=bytes(16)), 1),
    }
    given = {"which": free, "part": "2"}
    given |= {
        "which" if name == "sticker" else name: value.format(**words) for name, value in changes.items()
    }
    answer = bind(world, browser, code=422, **given)
    assert field[0] in alert(answer)
    assert en in alert(answer)
    answer = bind(world, world.browser("operator", language="zh-CN"), code=422, **given)
    assert field[1] in alert(answer)
    assert zh in alert(answer)
    assert state(world, free) is StickerState.FREE


def test_a_serial_number_that_two_instruments_have_is_no_place(world, browser):
    register = {"category": "PRICE_SCALE", "serial": "REG-1", "model": "ACS", "maker": "永衡"}
    world.post(browser, "/instruments", register)
    answer = bind(world, browser, sticker(world, 1), code=422, where="REG-1", part="")
    assert "2 instruments have this serial number" in alert(answer)
    assert "永衡 ACS" in alert(answer)


def test_a_sticker_that_stands_elsewhere_is_refused_with_its_place(world, browser):
    answer = bind(world, browser, sticker(world, 0), code=409, part="2")
    assert "stands on 示例机械有限公司 EX-1224 REG-1" in alert(answer)


def test_who_has_seen_another_sticker_is_told_that_somebody_was_first(world, browser):
    path = f"/instruments/{world.instrument}"
    old = seen(browser, path)
    bind(world, world.browser("operator"), sticker(world, 1))
    answer = bind(world, browser, sticker(world, 2), code=409, seen=old)
    assert "since this page was shown" in alert(answer)
    assert state(world, sticker(world, 2)) is StickerState.FREE
    bind(world, browser, sticker(world, 1), seen=old)  # the same sent twice
    bind(world, browser, sticker(world, 2), seen=seen(browser, path))


def test_a_sticker_under_another_id_of_the_instrument_is_replaced_as_well(world, browser):
    """Documents know the pump by one id, its registration by another; somebody has found that they are the same."""
    (number,) = world.issue(document(1))
    old, new = sticker(world, 1), sticker(world, 2)
    bind(world, browser, old, where=number, part="1")
    known = world.office.tenants[INSTITUTION].documents.find(number).instrument_id
    typed = NAMEPLATE_TYPED | {f"answer-{known}": "different"}
    first = world.post(browser, "/instruments", typed)
    twin = first.headers["location"].rpartition("/")[2]
    merge(world, known, twin)
    answer = bind(world, browser, new, where=twin, part="1")
    assert state(world, old) is StickerState.RELEASED
    assert f"In the place of {format_code(old)}" in text(browser.get(answer.headers["location"]))
    assert new in text(browser.get(f"/documents/{number}"))


NAMEPLATE_TYPED = {
    "category": "FUEL_DISPENSER",
    "serial": "SN00000001",
    "model": "EX-1224",
    "maker": "示例机械",
    "parts": "1",
}


def merge(world, alias, kept):
    """Say, as the desk would, that an id was found to be that of another instrument."""
    registrar = Registrar(world.counter(), VERIFIED_ON)
    (content,) = [one for one in registrar.list_registered() if one.id.hex() == kept]
    same = Answer(InstrumentId(bytes.fromhex(alias)), Likeness.SAME, "P-1", VERIFIED_ON)
    raw = encode_instrument_content(replace(content, answers=(same,)))
    world.counter().say(EventType.INSTRUMENT, content.subject, raw)


def test_stickers_are_followed_on_either_database(on_both):
    browser, new = on_both.browser("operator"), sticker(on_both, 1)
    on_both.gateway.fail("submit")
    bind(on_both, browser, new, code=503)
    assert "waits for the ledger" in text(browser.get("/stickers/list"))
    bind(on_both, browser, new)
    assert "waits for the ledger" not in text(browser.get("/stickers/list"))
    unbind(on_both, browser, new)
    assert figures(browser.get(f"/stickers/rolls/{on_both.roll}")) == [8, 0, 2, 0]


# --- taken off --------------------------------------------------------------------------------------------


def test_a_sticker_is_taken_off_with_a_reason(world, browser):
    first = sticker(world, 0)
    unbind(world, browser, first, reason="LOST", since="2026-11-02 16:40")
    page = text(browser.get(f"/stickers/{first}"))
    assert "released: lost" in page
    assert world.gateway.states[sticker_subject(first)].status is Status.INACTIVE
    assert figures(browser.get(f"/stickers/rolls/{world.roll}")) == [9, 0, 1, 0]
    listed = text(browser.get("/stickers/list?state=released"))
    assert format_code(first) in listed
    assert format_code(first) not in text(browser.get("/stickers/list?state=bound"))
    bind(world, browser, first)  # it may be put on again
    assert state(world, first) is StickerState.BOUND


@pytest.mark.parametrize("reason", ["", "TIRED", "lost"])
def test_a_reason_is_one_of_the_list(world, browser, reason):
    answer = unbind(world, browser, sticker(world, 0), code=422, reason=reason)
    assert "Reason" in alert(answer)
    assert state(world, sticker(world, 0)) is StickerState.BOUND


def test_what_somebody_else_has_changed_since_the_page_was_shown_is_not_taken_off(world, browser):
    first = sticker(world, 0)
    old = seen(browser, f"/stickers/{first}")
    colleague = world.browser("operator")
    unbind(world, colleague, first, reason="TYPO")
    assert unbind(world, browser, first, seen=old, reason="TYPO").status_code == 303, "the same sent twice"
    assert unbind(world, browser, first, code=409, seen=old, reason="LOST").status_code == 409
    bind(world, colleague, first, part="2")
    answer = unbind(world, browser, first, code=409, seen=old)
    assert "something else has happened" in alert(answer)
    assert state(world, first) is StickerState.BOUND


def test_what_was_never_put_on_is_not_taken_off(world, browser):
    answer = unbind(world, browser, sticker(world, 5), code=409, seen="0")
    assert "has bound no sticker" in alert(answer)
    chinese = world.browser("operator", language="zh-CN")
    assert "本机构未启用过" in alert(unbind(world, chinese, sticker(world, 5), code=409, seen="0"))


# --- found ------------------------------------------------------------------------------------------------


def test_a_scanned_sticker_is_found(world, browser):
    first = sticker(world, 0)
    answer = browser.get("/stickers/list", params={"q": encode_sticker_url(first, HOST)})
    assert answer.headers["location"] == f"/stickers/{first}"
    refused = browser.get("/stickers/list", params={"q": "https://evil.example/s/x"})
    assert refused.status_code == 422
    assert "do not use it" in alert(refused)


def test_the_stickers_of_a_roll_are_listed_by_state(world, admin, browser):
    path = f"/stickers/rolls/{world.roll}"
    printed = [format_code(sticker(world, number)) for number in range(10)]
    bind(world, browser, sticker(world, 3))
    shown = {
        state: listed_on(browser.get(f"{path}?state={state}")) for state in ("", "bound", "released", "free")
    }
    assert shown == {"": [3], "bound": [3], "released": [0], "free": [1, 2, 4, 5, 6, 7, 8, 9]}
    assert printed[4] in text(browser.get(f"{path}?state=free"))
    world.post(admin, f"{path}/withdraw", {"again": world.roll})
    assert listed_on(browser.get(f"{path}?state=withdrawn")) == shown["free"]
    assert listed_on(browser.get(f"{path}?state=free")) == []


def listed_on(answer):
    assert answer.status_code == 200
    return [find_number(one) for one in re.findall(r'href="/stickers/([0-9A-Z]{16})"', answer.text)]


def test_a_long_roll_is_listed_in_pages(world, admin, browser):
    path = world.post(admin, "/stickers/rolls", {"stickers": "205"}).headers["location"]
    found, query = [], "?state=free"
    while query:
        answer = browser.get(path + query)
        found += listed_on(answer)
        more = re.search(r'href="(\?state=free&amp;after=\d+)"', answer.text)
        query = html.unescape(more[1]) if more else ""
    assert found == list(range(205))


def test_the_access_log_says_who(world, admin, browser):
    """The seal signs for the institution; who has asked for it stands in the office's own log."""
    roll_path = world.post(admin, "/stickers/rolls", {"stickers": "3"}).headers["location"]
    bind(world, browser, sticker(world, 1), part="2")
    unbind(world, browser, sticker(world, 1), reason="LOST")
    world.gateway.fail("submit")
    bind(world, browser, sticker(world, 2), code=503, part="2")
    bind(world, browser, sticker(world, 0), code=409, part="2")
    browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?template=a4-3x8&to=2")
    world.post(admin, f"{roll_path}/withdraw", {"again": roll_path.rpartition("/")[2]})
    with world.office.store.read() as office:
        events = [
            (one.event, one.name.removesuffix("某"), one.detail)
            for one in office.list_happenings(INSTITUTION, 50)
        ]
    ours = [one for one in reversed(events) if one[0].startswith(("roll", "sticker"))]
    code = roll_path.rpartition("/")[2]
    assert ours == [
        ("roll-allotted", "administrator", f"{code} 3"),
        ("sticker-put-on", "operator", sticker(world, 1)),
        ("sticker-taken-off", "operator", f"{sticker(world, 1)} LOST"),
        ("sticker-put-on", "operator", f"{sticker(world, 2)} · ledger out of reach"),
        ("stickers-printed", "operator", f"{world.roll} 0-2"),
        ("roll-withdrawn", "administrator", code),
    ]


def test_things_of_another_institution_are_not_found(world, browser, admin):
    theirs = world.put_on(OTHER, "REG-9")
    assert browser.get(f"/stickers/{theirs['sticker']}").status_code == 404
    assert browser.get(f"/stickers/rolls/{theirs['roll']}").status_code == 404
    assert browser.get(f"/stickers/rolls/{theirs['roll']}/sheet.pdf?template=a4-3x8").status_code == 404
    gone = world.post(browser, f"/stickers/{theirs['sticker']}/unbind", {"reason": "LOST", "seen": "1"})
    assert gone.status_code == 404
    path = f"/stickers/rolls/{theirs['roll']}/withdraw"
    assert world.post(admin, path, {"again": theirs["roll"]}).status_code == 404
    made_up = compute_sticker_id(replace(roll(world), seed=bytes(16)), 1)
    assert browser.get(f"/stickers/{made_up}").status_code == 404
    assert theirs["roll"] not in admin.get("/stickers").text
    assert theirs["sticker"] not in browser.get("/stickers/list").text


@pytest.mark.parametrize("spell", [str.lower, format_code, lambda one: one[:-1] + "*"])
def test_a_page_has_one_address(world, browser, spell):
    assert browser.get(f"/stickers/{spell(sticker(world, 0))}").status_code == 404


# --- the ledger away --------------------------------------------------------------------------------------


def test_a_binding_waits_and_is_finished_by_the_same_form(world, browser):
    new = sticker(world, 1)
    world.gateway.fail("submit")
    answer = bind(world, browser, new, code=503)
    assert "waiting to be handed in: 1" in alert(answer)
    assert "waits for the ledger" in text(browser.get(f"/stickers/{new}"))
    assert sticker_subject(new) not in world.gateway.states
    bind(world, browser, new)
    assert world.gateway.states[sticker_subject(new)].status is Status.ACTIVE
    assert state(world, sticker(world, 0)) is StickerState.RELEASED, "nothing is half done"


@pytest.mark.parametrize("written", [False, True])
def test_what_waits_goes_along_with_the_next_thing_that_is_said(world, browser, written):
    new = sticker(world, 1)
    world.gateway.fail("submit", written=written)
    bind(world, browser, new, code=503)
    bind(world, browser, sticker(world, 2), part="2")
    assert world.gateway.states[sticker_subject(new)].status is Status.ACTIVE
    assert state(world, sticker(world, 0)) is StickerState.RELEASED
    assert "Signed, waiting" not in text(browser.get("/stickers"))


def test_what_waits_is_handed_in_by_a_button(world, browser, admin):
    world.gateway.fail("submit")
    refused = world.post(admin, "/stickers/rolls", {"stickers": "5"})
    assert refused.status_code == 503
    assert "waiting to be handed in: 1" in alert(refused)
    assert "waits for the ledger" in text(admin.get("/stickers"))
    world.gateway.fail("submit")
    assert world.post(admin, "/stickers/deliver").status_code == 503
    assert world.post(admin, "/stickers/deliver").headers["location"] == "/stickers"
    assert "waits for the ledger" not in text(admin.get("/stickers"))
    assert len(world.gateway.founded.rolls) == 2


def test_a_replacement_that_was_broken_off_is_finished(world, browser):
    """The new sticker is in the ledger, the release of the old one was not even signed."""
    desk, new = StickerDesk(world.counter()), sticker(world, 1)
    desk._release_older = lambda newest: None
    desk.bind(new, InstrumentId(bytes.fromhex(world.instrument)), "1")
    assert state(world, sticker(world, 0)) is StickerState.BOUND
    world.post(browser, "/stickers/deliver")
    assert state(world, sticker(world, 0)) is StickerState.RELEASED
    placement = placement_subject(InstrumentId(bytes.fromhex(world.instrument)), "1")
    assert world.gateway.states[placement].status is Status.ACTIVE


def test_pages_are_there_although_the_ledger_is_away(world, browser):
    world.gateway.fail_always("submit", "find_states", "registers")
    for path in (
        "/stickers",
        f"/stickers/rolls/{world.roll}",
        f"/stickers/{sticker(world, 0)}",
        "/stickers/list",
    ):
        assert browser.get(path).status_code == 200, path
    answer = browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?template=a4-3x8")
    assert answer.status_code == 503, "whether a roll is in the ledger is not guessed"


def test_what_the_ledger_refuses_counts_as_never_said(world, browser):
    """The roll is withdrawn in the ledger, and this office has not heard of it."""
    new, known = sticker(world, 1), roll(world)
    original = world.gateway.submit

    def withdraw_first(entries):
        world.gateway.founded.rolls[known.roll] = replace(known, state=RegisterState.WITHDRAWN)
        return original(entries)

    world.gateway.submit = withdraw_first
    answer = bind(world, browser, new, code=409, part="2")
    assert "the ledger refuses this" in alert(answer)
    with world.office.tenants[INSTITUTION].said.read() as book:
        assert book.list_moves(new) == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "what fails bears no sticker"), ("zh-CN", "不得粘贴合格标志")]
)
def test_no_sticker_is_put_on_what_has_failed(world, language, words):
    (number,) = world.issue(failed(document(2)))
    browser = world.browser("operator", language=language)
    answer = bind(world, browser, sticker(world, 4), code=409, where=number, part="")
    assert words in alert(answer)
    assert state(world, sticker(world, 4)) is StickerState.FREE


# --- after an issue ---------------------------------------------------------------------------------------


def failed(value):
    value = changed(value, "results.0.points.0", {
        "nominal": "20.00", "measured": "20.10", "error": "0.50", "mpe": "0.30", "u": "0.05", "pass": False,
    })  # fmt: skip
    value = changed(changed(value, "results.0.pass", to=False), "conclusion", "fail")
    return changed(changed(value, "results.0.part", ...), "instrument.parts", ...)


def test_an_import_releases_the_stickers_of_what_failed_and_shows_it(world, browser):
    good = changed(changed(document(1), "results.0.part", ...), "instrument.parts", ...)
    (number,) = world.issue(good)
    bind(world, browser, sticker(world, 1), where=number, part="")
    raw = orjson.dumps(failed(document(1, request_id="R-again")))
    approver = world.browser("approver")
    files = {"file": ("round.jsonl", raw)}
    path = approver.post("/imports", data={"form_token": approver.form_token}, files=files).headers[
        "location"
    ]
    assert world.post(approver, f"{path}/issue", {"count": "1"}).status_code == 303
    page = text(approver.get(path))
    assert "Stickers released, as what they stood on has failed" in page
    assert sticker(world, 1) in page
    with world.office.tenants[INSTITUTION].said.read() as book:
        assert book.list_moves(sticker(world, 1))[-1].content.reason is StickerReason.VERIFICATION_FAILED
    assert state(world, sticker(world, 0)) is StickerState.BOUND, "on another instrument"


def test_an_approved_batch_names_the_stickers_that_it_has_released(world, browser):
    good = changed(changed(document(1), "results.0.part", ...), "instrument.parts", ...)
    (number,) = world.issue(good)
    bind(world, browser, sticker(world, 1), where=number, part="")
    signoff = world.office.tenants[INSTITUTION].make_signoff(world.gateway)
    writer, signing, approving = Writer(signoff), SigningOff(signoff), Approver(signoff)
    application = writer.accept(APPLICATION, "P-operator").id
    content = failed(begin_draft(1, request_id="D-1"))
    (draft,) = writer.create([content], "P-operator", application=application)
    named = Named("P-checker", "P-approver")
    assert not signing.submit([draft.id], Person("P-operator"), named).refused
    assert not signing.check([draft.id], Person("P-checker")).refused
    batch = approving.draw([draft.id], "P-approver").id
    approver = world.browser("approver")
    world.post(approver, f"/drafts/{draft.id}/open")
    answer = world.post(approver, f"/batches/{batch}/approve")
    assert answer.status_code == 200, text(answer)
    assert "Released, as what they stood on has failed" in text(answer)
    assert f'href="/stickers/{sticker(world, 1)}"' in answer.text
    assert state(world, sticker(world, 1)) is StickerState.RELEASED


def test_a_draft_shows_the_sticker_that_it_names(world, browser):
    signoff = world.office.tenants[INSTITUTION].make_signoff(world.gateway)
    writer = Writer(signoff)
    application = writer.accept(APPLICATION, "P-approver").id
    free = sticker(world, 4)
    contents = [
        begin_draft(5, sticker_id=free),
        begin_draft(6, sticker_id=format_code(free)) | {"instrument": KNOWN},
    ]
    new, known = writer.create(contents, "P-approver", application=application)
    page = browser.get(f"/drafts/{new.id}").text
    assert f'href="/stickers/{free}"' in page
    assert f'href="/instruments/new?draft={new.id}"' in page
    page = browser.get(f"/drafts/{known.id}").text
    assert f'href="/stickers/bind?sticker={free}&amp;where={world.instrument}"' in page


KNOWN = {
    "category": "FUEL_DISPENSER",
    "name": "燃油加油机",
    "model": "EX-1224",
    "serial": "REG-1",
    "maker": "示例机械有限公司",
}


# --- sheets -----------------------------------------------------------------------------------------------


def test_a_sheet_of_a_roll_decodes(world, browser, tmp_path):
    answer = browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?template=a4-3x8&from=2&to=4&date_line=yes")
    assert answer.status_code == 200, text(answer)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith(f'"stickers-{world.roll}-2-4.pdf"')
    wanted = [encode_sticker_url(sticker(world, number), HOST) for number in (2, 3, 4)]
    assert read_texts(answer.content, tmp_path) == wanted


def test_a_sheet_without_an_end_is_one_page(world, browser, tmp_path):
    answer = browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?template=a4-2x5&from=1&start=4")
    assert len(read_texts(answer.content, tmp_path)) == 7


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "Format of the labels"),
        ("template=a5", "Format of the labels"),
        ("template=a4-3x8&from=10", "First sticker"),
        ("template=a4-3x8&from=x", "First sticker"),
        ("template=a4-3x8&to=10", "Last sticker"),
        ("template=a4-3x8&from=5&to=4", "First sticker"),
        ("template=a4-3x8&start=25", "First label"),
        ("template=a4-3x8&start=0", "First label"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused_by_field(world, browser, query, field):
    answer = browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?{query}")
    assert answer.status_code == 422
    assert field in alert(answer)


def test_a_roll_that_is_withdrawn_is_not_printed(world, browser, admin):
    world.post(admin, f"/stickers/rolls/{world.roll}/withdraw", {"again": world.roll})
    answer = browser.get(f"/stickers/rolls/{world.roll}/sheet.pdf?template=a4-3x8")
    assert answer.status_code == 422
    assert "no sticker of it can be bound any more" in alert(answer)


def test_one_download_has_its_size(world, admin):
    path = world.post(admin, "/stickers/rolls", {"stickers": "2000"}).headers["location"]
    answer = admin.get(f"{path}/sheet.pdf?template=a4-3x8&to=1200")
    assert answer.status_code == 422
    assert "1201 labels; one file holds 1200" in alert(answer)


def test_stickers_of_documents_are_printed_all_or_none(world, browser, tmp_path):
    good, bad = world.issue(document(1), failed(document(2)))
    sheet = {"template": "a4-3x8", "numbers": f"{good}\r\n"}
    answer = world.post(browser, "/stickers/sheet", sheet)
    assert answer.headers["content-type"] == "application/pdf"
    (code,) = read_texts(answer.content, tmp_path)
    assert code.startswith(f"https://{HOST}/q/")
    assert "检定合格" in read_words(answer.content, tmp_path)
    refused = world.post(browser, "/stickers/sheet", sheet | {"numbers": f"{good}\n{bad}\nXX2026-000009"})
    assert refused.status_code == 422
    for words in (bad, "rejection notice", "XX2026-000009", "the desk has no document of this number"):
        assert words in alert(refused), words
    assert f"{good}:" not in alert(refused)
    chinese = world.browser("operator", language="zh-CN")
    assert "二维码只印在纸质文件上" in alert(world.post(chinese, "/stickers/sheet", sheet | {"numbers": bad}))
    assert f">{good}</textarea>" in browser.get(f"/stickers/sheet?number={good}").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"numbers": " \n "}, "Numbers of documents"),
        ({"numbers": "x" * 65}, "Numbers of documents"),
        ({"numbers": "A\x07"}, "Numbers of documents"),
        ({"numbers": "\n".join(map(str, range(1201)))}, "Numbers of documents"),
        ({"template": "a5"}, "Format of the labels"),
        ({"start": "99"}, "First label"),
    ],
)
def test_a_sheet_of_documents_is_refused_by_field(world, browser, changes, field):
    answer = world.post(
        browser, "/stickers/sheet", {"template": "a4-3x8", "numbers": "JY2026-000001"} | changes
    )
    assert answer.status_code == 422
    assert field in alert(answer)


def test_a_sheet_is_not_made_where_the_ledger_is_away(world, browser):
    (number,) = world.issue(document(1))
    world.gateway.fail("find_states")
    answer = world.post(browser, "/stickers/sheet", {"template": "a4-3x8", "numbers": number})
    assert answer.status_code == 503
