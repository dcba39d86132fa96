"""A site's page, its JSON and its calendar, over a served log in memory."""

import html
import re
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urljoin

import pytest
from api_world import entry
from page_reader import Page
from place_world import PATH, PlaceWorld
from sites import BARE_SITE, MARKET, OWNER, PLEDGE, WITHDRAWN

from api.schemas.sites import SiteAnswer
from api.sites.view import Sites
from ledger.core.errors import StoreUnavailableError
from ledger.core.event import EventType
from ledger.core.pledge import Paragraphs, PledgeState, Promise, encode_pledge
from ledger.core.register_fields import Name, RegisterState
from ledger.core.statement import ActClaims, Statement, parse_signed_statement, sign_statement

ENGLISH = {"Accept-Language": "en"}
WHOLE = replace(PLEDGE, site=None)
MARKUP = "<script>alert(1)</script>\"'&amp;"


@pytest.fixture
def world():
    with PlaceWorld() as world:
        yield world


def page_of(response):
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text
    return Page(response)


def test_a_site_shows_its_name_its_instruments_and_who_entered_it(world):
    world.enter(MARKET, world.put_in(1), world.put_in(2))
    page = page_of(world.look())
    assert page.headline == "示例农贸市场"
    for text in ("集贸市场", "350102", "鼓楼区示例路1号", "示例市场管理有限公司", "SN00000001", "SN00000002"):
        assert text in page.text
    assert "在用计量器具 (2)" in page.text
    assert page.text.count("在有效期内") >= 2
    english = page_of(world.look(**ENGLISH))
    assert english.headline == "Example Market"
    assert "1 Example Road, Gulou" in english.text
    assert english.response.headers["content-language"] == "en"


def test_the_json_has_the_shape_that_is_described(world):
    pump = world.put_in(1)
    world.enter(MARKET, pump, fair=[pump])
    world.promise()
    answer = world.read()
    SiteAnswer.model_validate(answer)
    assert answer["instruments"][0] == {
        "instrument": pump.hex(),
        "fair_scale": True,
        "status": "VALID",
        "category": "FUEL_DISPENSER",
        "name": "燃油加油机",
        "model": "EX-1224",
        "serial": "SN00000001",
        "verified_on": "2026-11-02",
        "valid_until": "2027-05-01",
        "code": answer["instruments"][0]["code"],
    }
    assert world.client.get(f"/c/{answer['instruments'][0]['code']}").status_code == 200
    assert answer["pledges"][0]["verified"] is False


# --- how instruments stand --------------------------------------------------------------------------------


def statuses(world):
    return [each.get("status") for each in world.read()["instruments"]]


def test_what_needs_attention_comes_first_and_fair_scales_above_all(world):
    late = world.put_in(1, validity={"kind": "date", "until": "2027-05-01"})
    soon = world.put_in(2, validity={"kind": "date", "until": "2027-01-01", "reason": "约定"})
    fair = world.put_in(4)
    bad = parse_id(world.sign_rejection(3))
    world.reject(3)
    unknown = bytes([9]) * 16
    world.enter(MARKET, late, soon, bad, fair, unknown, fair=[fair])
    found = [(each["instrument"], each.get("status")) for each in world.read()["instruments"]]
    assert found == [
        (fair.hex(), "VALID"),
        *sorted([(bad.hex(), "FAILED"), (unknown.hex(), None)]),
        (soon.hex(), "VALID"),
        (late.hex(), "VALID"),
    ]
    page = page_of(world.look())
    assert page.text.index("公平秤：") < page.text.index("其他在用计量器具 (4)")
    assert "账本中无检定记录" in page.text
    assert "检定不合格" in page.text


# --- many of them -----------------------------------------------------------------------------------------


def make_ids(count):
    return [number.to_bytes(16, "big") for number in range(1, count + 1)]


def list_shown(page):
    return re.findall(r'href="\.\./\.\./i/([0-9a-f]{32})', page.response.text)


def follow(page, relation):
    return re.search(rf'rel="{relation}" href="([^"]+)"', page.response.text)


@pytest.mark.parametrize("count", [1, 100, 101, 1000])
def test_a_large_site_is_read_page_by_page(world, count):
    ids = make_ids(count)
    world.enter(MARKET, *ids, fair=ids[:2])
    address, seen, pages = PATH, [], 0
    while address is not None:
        page = page_of(world.look(address))
        assert len(page.response.content) < 60_000
        shown = list_shown(page)
        assert 1 <= len(shown) <= 100
        seen, pages = seen + shown, pages + 1
        found = follow(page, "next")
        address = None if found is None else urljoin(PATH, html.unescape(found[1]))
    assert pages == -(-count // 100)
    assert sorted(seen) == [one.hex() for one in ids]
    assert seen == [each["instrument"] for each in world.read()["instruments"]], "the JSON has them all"


def test_a_page_keeps_its_place_in_another_language_and_its_language_in_another_place(world):
    world.enter(MARKET, *make_ids(250))
    middle = page_of(world.look(f"{PATH}?page=2"))
    assert "第 2 页，共 3 页" in middle.text
    assert (follow(middle, "prev")[1], follow(middle, "next")[1]) == ("?", "?page=3")
    assert 'href="?page=2&amp;lang=en"' in middle.response.text
    english = page_of(world.look(f"{PATH}?page=2&lang=en"))
    assert "Page 2 of 3" in english.text
    assert (follow(english, "prev")[1], follow(english, "next")[1]) == ("?lang=en", "?page=3&amp;lang=en")
    assert list_shown(english) == list_shown(middle)
    assert "在用计量器具 (250)" in middle.text


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("0", 1),
        ("-1", 1),
        ("x", 1),
        ("", 1),
        ("2", 2),
        ("3", 3),
        ("4", 3),
        ("999", 3),
        ("1000", 1),
        ("２", 1),
    ],
)
def test_a_page_that_is_not_there_is_the_nearest_or_the_first(world, asked, number):
    world.enter(MARKET, *make_ids(201))
    page = page_of(world.look(f"{PATH}?page={asked}"))
    assert (page.response.status_code, f"第 {number} 页，共 3 页" in page.text) == (200, True)


def test_pages_that_no_site_has_are_one_page(world, monkeypatch):
    """Else one address is a thousand answers, each looked up, and kept in the place of others."""
    world.enter(MARKET, *make_ids(3))
    looked, look = [], Sites.look
    monkeypatch.setattr(Sites, "look", lambda *given: looked.append(given) or look(*given))
    assert len({world.look(f"{PATH}?page={asked}").text for asked in range(10, 1000, 9)}) == 1
    assert len(looked) == 1


def test_a_small_site_has_no_pages_and_the_calendar_has_every_date(world, monkeypatch):
    world.enter(MARKET, *(world.put_in(number) for number in range(1, 6)))
    whole = page_of(world.look())
    assert "<nav" not in whole.response.text
    monkeypatch.setattr("api.sites.paging.ON_A_PAGE", 2)
    world.seconds += 120
    assert world.look(f"{PATH}/due.ics").text.count("BEGIN:VEVENT") == 5
    with PlaceWorld() as other:
        other.enter(MARKET, *(other.put_in(number) for number in range(1, 6)))
        other.promise()
        first, second = (page_of(other.look(f"{PATH}?page={number}")) for number in (1, 2))
        assert [len(list_shown(page)) for page in (first, second)] == [2, 2]
        assert ("自我承诺" in first.text, "自我承诺" in second.text) == (True, False)


def parse_id(issued):
    return parse_signed_statement(issued.raw).statement.claims.instrument_id


def test_a_day_after_the_last_day_it_is_overdue(world):
    world.enter(MARKET, world.put_in(1))
    for day, status, words, english in (
        (date(2027, 4, 29), "VALID", "还有 2 天", "(2 days left)"),
        (date(2027, 4, 30), "VALID", "还有 1 天", "(1 day left)"),
        (date(2027, 5, 1), "VALID", "最后一天", "(last day)"),
        (date(2027, 5, 2), "EXPIRED", "已过 1 天", "(1 day over)"),
        (date(2027, 5, 3), "EXPIRED", "已过 2 天", "(2 days over)"),
    ):
        world.now = world.now.replace(year=day.year, month=day.month, day=day.day, hour=4)
        world.seconds += 2
        assert statuses(world) == [status]
        assert words in page_of(world.look()).text
        assert english in page_of(world.look(**ENGLISH)).text


def test_later_failures_and_parts_count(world):
    pump = world.put_in(
        1, instrument=world.world.record(1)["instrument"] | {"parts": [{"id": "1"}, {"id": "2"}]}
    )
    world.enter(MARKET, pump)
    assert statuses(world) == ["VALID"]
    record = world.sign_rejection(2, instrument=world.world.record(1)["instrument"])
    assert parse_id(record) == pump
    world.submit(world.sign_rejection(2, version=1, instrument=world.world.record(1)["instrument"]))
    assert statuses(world) == ["FAILED"]


def test_a_part_that_failed_makes_the_whole_fail(world):
    plate = world.world.record(1)["instrument"] | {"parts": [{"id": "1"}, {"id": "2"}]}
    pump = world.put_in(1, instrument=plate)
    world.enter(MARKET, pump)
    failed = world.world.record(2, instrument=plate, **REJECTED)
    world.submit(world.world.issue(2, record=failed, part="2"))
    own = world.client.get(f"/i/{pump.hex()}", headers={"Accept": "application/json"}).json()
    assert statuses(world) == [own["shown"]] == ["FAILED"]


REJECTED = {
    "doc_type": "rejection_notice",
    "conclusion": "fail",
    "results": [
        {
            "item": "indication_error",
            "unit": "L",
            "error_unit": "%",
            "k": "2",
            "points": [
                {
                    "nominal": "20.00",
                    "measured": "20.10",
                    "error": "0.50",
                    "mpe": "0.30",
                    "pass": False,
                    "u": "0.05",
                }
            ],
            "pass": False,
        }
    ],
    "validity": {"kind": "none"},
}


# --- sites ------------------------------------------------------------------------------------------------


def test_a_closed_site_says_so_and_lists_nothing(world):
    pump = world.put_in(1)
    world.enter(MARKET, pump)
    world.enter(MARKET, pump, state=RegisterState.WITHDRAWN)
    page = page_of(world.look())
    assert "已停用" in page.text
    assert "SN00000001" not in page.text
    assert world.read()["open"] is False


def test_a_site_that_an_institution_keeps_has_no_owner_and_no_pledge(world):
    world.promise(WHOLE)
    world.enter(replace(BARE_SITE, division="350102"), world.put_in(1))
    page = page_of(world.look("/site/350100-01/S1"))
    assert "未登记" in page.text
    assert "自我承诺" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/site/350102-M7/NONE",
        "/site/nobody/M-01",
        "/site/350102-M7/m-01",
        "/site/%E5%B8%82/M-01",
        "/site/A/" + "A" * 40,
    ],
)
def test_what_nobody_has_entered_is_not_found(world, path):
    response = world.look(path)
    assert response.status_code == 404
    assert page_of(response).headline == "未查到此场所"
    assert response.headers["cache-control"] == "no-store"
    problem = world.client.get(path, headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"


def test_a_store_out_of_reach_is_no_verdict(world, monkeypatch):
    world.enter(MARKET, world.put_in(1))

    def refuse():
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(world.store, "read", refuse)
    response = world.look()
    assert response.status_code == 503
    assert page_of(response).headline == "暂时无法查询"


# --- pledges ----------------------------------------------------------------------------------------------


def test_a_pledge_is_shown_as_the_owners_own_word(world):
    world.enter(MARKET)
    world.promise()
    page = page_of(world.look())
    for text in (
        "自我承诺，未经核验",
        "诚信经营，计量准确。",
        "短斤缺两，假一赔十。",
        "Honest trade, true measure.",
        "2027年02月27日",
    ):
        assert text in page.text
    boxes = [attrs["class"] for attrs in page.find("section")]
    assert boxes == ["place", "pledge"]
    style = page.response.text.split("<style>")[1].split("</style>")[0]
    rule = re.search(r"\.pledge\{(.*?)\}", style)[1]
    assert "dashed" in rule
    assert "0b6b3a" not in rule, "not the green of a certificate"
    assert "Self-declared, not verified" in page_of(world.look(**ENGLISH)).text


def test_a_pledge_that_is_changed_and_withdrawn_keeps_its_history(world):
    world.enter(MARKET)
    first = world.promise()
    other = Promise(Paragraphs(("缺一两，赔一斤。",)))
    second = world.promise(replace(PLEDGE, state=PledgeState.CHANGED, promise=other))
    page = page_of(world.look())
    assert "缺一两，赔一斤。" in page.text
    assert "承诺的全部版本 (2)" in page.text
    third = world.promise(WITHDRAWN)
    page = page_of(world.look())
    assert "已于2026年02月28日撤回该承诺" in page.text
    assert "承诺的全部版本 (3)" in page.text
    assert "诚信经营，计量准确。" in page.text.split("全部版本")[1]
    (pledge,) = world.read()["pledges"]
    assert [each["leaf_index"] for each in pledge["versions"]] == [third, second, first]
    assert [each["state"] for each in pledge["versions"]] == ["withdrawn", "changed", "active"]
    assert pledge["shown"] == "withdrawn"


@pytest.mark.parametrize(("days", "admitted"), [(0, True), (1, False), (300, False), (-300, True)])
def test_a_pledge_is_not_made_on_a_day_that_has_not_come(world, days, admitted):
    world.enter(MARKET)
    day = date(2026, 11, 2) + timedelta(days=days)
    content = replace(PLEDGE, made_on=day, promise=replace(PLEDGE.promise, until=None))
    claims = ActClaims(bytes(8), encode_pledge(content))
    statement = Statement(EventType.PLEDGE, OWNER, claims, 0)
    raw = sign_statement(statement, world.places.owner_key, world.world.origin)
    (result,) = world.post([entry(raw)]).json()["results"]
    assert ("index" in result) is admitted
    assert admitted or "content.made_on" in str(result)


def test_a_pledge_past_its_last_day_does_not_stand(world):
    world.enter(MARKET)
    world.promise()
    world.now = world.now.replace(year=2027, month=2, day=28, hour=4)
    world.seconds += 2
    assert world.read()["pledges"][0]["shown"] == "ended"
    assert "现已到期" in page_of(world.look()).text


def test_a_pledge_of_all_sites_stands_at_each(world):
    world.promise(WHOLE)
    world.enter(MARKET)
    world.enter(replace(BARE_SITE, division="350102", owner=OWNER))
    assert [each["about"] for each in world.read()["pledges"]] == ["owner"]
    assert [each["about"] for each in world.read("/site/350100-01/S1")["pledges"]] == ["owner"]


def test_whose_site_it_is_no_more_promises_nothing_of_it(world):
    site = replace(BARE_SITE, division="350102", owner=OWNER)
    world.enter(site)
    world.promise(replace(PLEDGE, site=site.site))
    assert len(world.read("/site/350100-01/S1")["pledges"]) == 1
    world.enter(replace(site, owner=None))
    assert world.read("/site/350100-01/S1")["pledges"] == []


# --- what is served ---------------------------------------------------------------------------------------


def test_markup_in_any_text_is_text(world):
    evil = Name(MARKUP, MARKUP)
    pump = world.put_in(1, instrument=world.world.record(1)["instrument"] | {"name": MARKUP, "model": MARKUP})
    world.enter(replace(MARKET, name=evil, address=evil), pump)
    promise = Promise(Paragraphs((MARKUP,), (MARKUP,)), Paragraphs((MARKUP,)))
    world.promise(replace(PLEDGE, promise=promise))
    for headers in ({}, ENGLISH):
        response = world.look(**headers)
        assert "<script" not in response.text
        assert page_of(response).find("script") == []
        policy = response.headers["content-security-policy"]
        assert "script" not in policy
        assert policy.startswith("default-src 'none'")


def test_bytes_are_kept_until_the_log_moves(world):
    world.enter(MARKET, world.put_in(1))
    first = world.look()
    again = world.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert first.headers["cache-control"] == "public, max-age=60"
    assert "Accept-Language" in first.headers["vary"]
    world.promise()
    assert world.look().headers["etag"] != first.headers["etag"]


def test_a_page_is_small(world):
    world.enter(MARKET, *(world.put_in(number) for number in range(1, 6)))
    world.promise()
    assert len(world.look().content) < 15_000


# --- the calendar -----------------------------------------------------------------------------------------


def unfold(text):
    return text.replace("\r\n ", "").split("\r\n")


def test_the_calendar_has_an_event_on_every_last_day(world):
    world.enter(MARKET, world.put_in(1), world.put_in(2), parse_id(world.sign_rejection(3)))
    world.reject(3)
    response = world.look(f"{PATH}/due.ics")
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert 'filename="350102-M7-M-01.ics"' in response.headers["content-disposition"]
    text = response.content.decode()
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    lines = unfold(text)
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2, "what failed is due on no day"
    assert "DTSTART;VALUE=DATE:20270501" in lines
    assert "DTEND;VALUE=DATE:20270502" in lines
    assert "SUMMARY:检定到期: 燃油加油机 EX-1224 出厂编号 SN00000001" in lines
    assert any(line.startswith("URL:https://v.example.cn/i/") for line in lines)
    english = unfold(world.look(f"{PATH}/due.ics?lang=en").text)
    assert any(line.startswith("SUMMARY:Verification due: ") for line in english)


def test_texts_of_a_calendar_are_escaped_and_cut_between_characters(world):
    name = "油,机;一\\二" + "长" * 50
    world.enter(MARKET, world.put_in(1, instrument=world.world.record(1)["instrument"] | {"name": name}))
    raw = world.look(f"{PATH}/due.ics").content
    for line in raw.split(b"\r\n"):
        line.decode()
        assert len(line) <= 75
    summary = next(line for line in unfold(raw.decode()) if line.startswith("SUMMARY:"))
    assert "油\\,机\\;一\\\\二" + "长" * 50 in summary


def test_a_calendar_of_no_site_is_not_found(world):
    assert world.look("/site/350102-M7/NONE/due.ics").status_code == 404
