"""Reports on the public site, over HTTP: two ways, every field, what is stored, floods, the case page."""

import base64
import html
import re
import sqlite3
import struct
import zlib
from contextlib import closing
from urllib.parse import urljoin

import pytest
from api_world import JSON, ApiWorld
from reports_world import COMPLAINT, COUNTY, PRIVATE, TIP, make_photo, open_reports_world
from scanned_cases import widen
from sticker_world import PUMP, StickerWorld
from world import AUTHORITY, INSTITUTION

from api.reports.case_code import format_case_code
from api.reports.file import open_file, read_head
from api.reports.floods import CALLER_A_DAY, CODE_A_DAY, MISSES_A_DAY, SCANNER_A_DAY
from api.reports.kinds import About, CaseState, Route
from api.reports.store import Answer, ReportStore
from ledger.core.errors import LogIntegrityError, StateError, UnavailableError
from ledger.core.report import compute_report_digest
from ledger.store.engine import Database


@pytest.fixture
def world(tmp_path):
    with open_reports_world(f"sqlite:///{tmp_path}/reports.db") as world:
        yield world


@pytest.fixture
def any_world(database_url):
    with open_reports_world(database_url) as world:
        yield world


def open_only(world, authority=AUTHORITY):
    (report,) = world.waiting(authority)
    return read_head(report.raw), open_file(report.raw, PRIVATE[authority]), report


# --- taken --------------------------------------------------------------------------------------------------


def test_a_tip_is_taken_without_a_name(any_world):
    code = any_world.send()
    head, said, report = open_only(any_world)
    assert (head.route, head.about, head.authority) == (Route.TIP, About.SHORT_WEIGHT, AUTHORITY)
    assert said == {"kind": "SCALE", "place": TIP["place"], "text": TIP["text"]}
    assert head.taken_at.second == 0
    assert report.digest == compute_report_digest(report.raw)
    page = any_world.browse().get(f"/reports/{code}").text
    assert format_case_code(code) in page
    assert "the authority has not fetched it yet" in page


def test_a_complaint_has_name_contact_and_what_is_asked_for(any_world):
    any_world.send(route="complaint")
    _, said, _ = open_only(any_world)
    for name in ("name", "phone", "email", "asked", "text"):
        assert said[name] == COMPLAINT[name]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("１３８　００１３　８０００", "138 0013 8000"),
        ("（０５９１）８７６５－４３２１", "(0591)8765-4321"),
        ("＋８６ 591—8765 4321", "+86 591-8765 4321"),
        ("138 0013 8000", "138 0013 8000"),
    ],
)
def test_a_telephone_number_is_understood_as_keyboards_give_it(world, typed, kept):
    world.send(route="complaint", phone=typed)
    assert open_only(world)[1]["phone"] == kept


def test_a_scanned_code_says_instrument_institution_and_authority(world):
    code = world.issue(1)
    world.send(code=str(code), kind="", place="", text="")
    head, said, _ = open_only(world)
    assert head.institution == INSTITUTION
    assert head.instrument is not None
    assert said == {"code": code}


@pytest.mark.parametrize("text", ["https://v.example.cn/c/{code}", "{lower}", "{instrument}", "{wide}"])
def test_a_code_is_found_in_every_spelling(world, text):
    code = world.issue(1)
    instrument = world.directory.find(str(code)).instrument.hex()
    given = text.format(code=code, lower=str(code).lower(), instrument=instrument, wide=widen(code))
    assert world.directory.find(given).instrument.hex() == instrument
    assert world.directory.find(given).institution == INSTITUTION


def test_a_code_that_nobody_gave_out_is_reported_all_the_same(world):
    world.send(code="FORGED-STICKER-1", about="MISMATCH")
    head, said, _ = open_only(world)
    assert head.instrument is None
    assert said["code"] == "FORGED-STICKER-1"


def test_the_longest_division_is_in_charge(tmp_path):
    with open_reports_world(f"sqlite:///{tmp_path}/r.db", takers=(AUTHORITY, COUNTY)) as world:
        code = world.issue(1)
        world.send(code=str(code))
        assert read_head(world.waiting(COUNTY)[0].raw).authority == COUNTY
        assert not world.waiting(AUTHORITY)
        browser = world.browse()
        fields = world.fill(browser)
        refused = world.post_form(browser, fields)
        assert refused.status_code == 422
        assert "choose where the instrument stands" in refused.text
        assert world.post_form(browser, {**fields, "region": AUTHORITY}).status_code == 303
        assert world.waiting(AUTHORITY)


def test_the_same_form_twice_is_one_report(any_world):
    browser = any_world.browse()
    fields = any_world.fill(browser)
    first, second = (any_world.post_form(browser, fields).headers["location"] for _ in range(2))
    assert (first.partition("?")[0], first[-1], second[-1]) == (second.partition("?")[0], "1", "0")
    assert len(any_world.waiting()) == 1


def test_who_changes_a_form_that_was_sent_is_not_told_that_the_change_was_taken(any_world):
    browser = any_world.browse()
    fields = any_world.fill(browser)
    any_world.post_form(browser, fields)
    again = any_world.post_form(browser, fields | {"text": "another stall, too"})
    page = browser.get(again.headers["location"]).text
    assert "Your report is with us" not in page
    assert "nothing was added" in page
    assert 'href="../report"' in page, "the way to a new form"
    assert open_only(any_world)[1]["text"] == TIP["text"]


def test_photographs_come_without_what_the_camera_wrote(world):
    raws = [make_photo(kind) for kind in ("JPEG", "PNG", "WEBP")]
    assert b"Camera of somebody" in raws[0]
    world.send(photos=raws)
    _, said, _ = open_only(world)
    assert len(said["photos"]) == 3
    for text in said["photos"]:
        clean = base64.b64decode(text)
        assert clean[:2] == b"\xff\xd8"
        assert b"somebody" not in clean
        assert b"taken at home" not in clean


# --- refused, by field --------------------------------------------------------------------------------------

BAD = [
    ({"about": ""}, "about", "choose one", "请选择一项"),
    ({"about": "NOISE"}, "about", "choose one", "请选择一项"),
    ({"about": "OTHER", "text": ""}, "text", "must be filled in", "必须填写"),
    ({"text": "x" * 2001}, "text", "2001 characters; at most 2000", "最多2000个"),
    ({"text": "a\x00b"}, "text", "cannot be printed", "无法显示"),
    ({"place": ""}, "place", "must be filled in", "必须填写"),
    ({"place": "x" * 201}, "place", "at most 200", "最多200个"),
    ({"kind": ""}, "kind", "choose one", "请选择一项"),
    ({"kind": "SPACESHIP"}, "kind", "choose one", "请选择一项"),
    ({"code": "x" * 601}, "code", "at most 600", "最多600个"),
    ({"about": "NO_STICKER", "place": ""}, "place", "must be filled in", "必须填写"),
    ({"website": "http://spam.example"}, "website", "must stay empty", "必须留空"),
    ({"case": "0" * 17 + "1"}, "case", "send the form again", "再次提交"),
    ({"route": "complaint", "name": ""}, "name", "must be filled in", "必须填写"),
    ({"route": "complaint", "asked": ""}, "asked", "must be filled in", "必须填写"),
    (
        {"route": "complaint", "phone": "", "email": ""},
        "phone",
        "telephone number or an e-mail",
        "至少填写一项",
    ),
    (
        {"route": "complaint", "phone": "１３８００１３８０００转"},
        "phone",
        "no telephone number",
        "不是电话号码",
    ),
    ({"route": "complaint", "phone": "call me"}, "phone", "no telephone number", "不是电话号码"),
    ({"route": "complaint", "email": "jia@"}, "email", "no e-mail address", "不是电子邮箱地址"),
    ({"route": "complaint", "text": ""}, "text", "must be filled in", "必须填写"),
    ({"place": ["a", "b"]}, "place", "given twice", "重复填写"),
]


@pytest.mark.parametrize(("changes", "field", "en", "zh"), BAD)
def test_a_wrong_field_is_named_and_nothing_is_taken(world, changes, field, en, zh):
    for language, words in (("en", en), ("zh-CN", zh)):
        browser = world.browse(language=language)
        fields = {**world.fill(browser, route=changes.get("route", "tip")), **changes}
        answer = world.post_form(browser, fields)
        assert answer.status_code == 422
        assert words in answer.text
        assert f'href="#f-{field}"' in answer.text
    assert not world.waiting()


def test_all_faults_are_said_at_once_and_what_was_typed_stays(world):
    browser = world.browse()
    answer = world.post_form(browser, world.fill(browser, about="", place="", kind="", text="<b>kept</b>"))
    assert {name for name in ("about", "place", "kind") if f'href="#f-{name}"' in answer.text} == {
        *("about", "place", "kind")
    }
    assert "&lt;b&gt;kept&lt;/b&gt;" in answer.text


@pytest.mark.parametrize(
    ("raws", "words"),
    [
        ([b"no picture"], "no photograph"),
        ([make_photo()[:200]], "no photograph"),
        ([b"GIF89a" + bytes(100)], "no photograph"),
        ([make_photo()] * 4, "at most 3"),
        ([bytes(5 * 1024 * 1024 + 1)], "5 MiB"),
    ],
)
def test_what_is_no_photograph_is_refused(world, raws, words):
    browser = world.browse()
    answer = world.post_form(browser, world.fill(browser), raws)
    assert answer.status_code == 422
    assert words in answer.text
    assert not world.waiting()


def test_a_picture_that_would_fill_the_memory_is_refused(world):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000_000)))
    browser = world.browse()
    answer = world.post_form(browser, world.fill(browser), [bomb + chunk(b"IEND", b"")])
    assert answer.status_code == 422


def test_bodies_have_a_limit(world):
    answer = world.browse().post("/report", content=b"x" * (16 * 1024 * 1024))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"junk", "multipart/form-data"),
        (b"junk", "multipart/form-data; boundary=x"),
        (b"", ""),
    ],
)
def test_another_body_is_refused_on_a_page(world, content, kind):
    answer = world.browse().post("/report", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert "<!doctype html>" in answer.text


def test_a_form_on_another_site_is_refused(world):
    browser = world.browse()
    fields = world.fill(browser)
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert world.post_form(browser, fields).status_code == 403
    assert not world.waiting()


# --- what is stored -----------------------------------------------------------------------------------------


def test_nothing_that_a_person_wrote_is_readable_in_the_database(tmp_path):
    path = tmp_path / "reports.db"
    marks = {
        "text": "MARK-TEXT-1",
        "place": "MARK-PLACE-2",
        "name": "MARK-NAME-3",
        "phone": "138 0013 8000",
        "email": "mark4@example.cn",
        "asked": "MARK-ASKED-5",
        "code": "MARK-CODE-6",
    }
    with open_reports_world(f"sqlite:///{path}") as world:
        photo = make_photo(comment=b"MARK-PHOTO-7")
        code = world.send(world.browse("198.51.100.77"), [photo], route="complaint", **marks)
        _, said, _ = open_only(world)
        clean = said["photos"][0].encode()
        assert all(said[name] == value for name, value in marks.items())
    stored = b"".join(found.read_bytes() for found in tmp_path.glob("reports.db*"))
    for mark in [*map(str.encode, marks.values()), b"MARK", b"198.51.100.77", code.encode(), clean[:200]]:
        assert mark not in stored, mark
    assert b"complaint" in stored, "the search above finds what is there"


def test_the_next_day_nobody_knows_who_has_sent_something(tmp_path):
    path = tmp_path / "reports.db"
    with open_reports_world(f"sqlite:///{path}") as world:
        world.send()
        before = list(_rows(path, "report_salts"))
        world.move(days=1)
        world.send()
        after = list(_rows(path, "report_salts"))
        assert len(before) == len(after) == 1
        assert before != after
        assert {row[0] for row in _rows(path, "report_counts")} == {after[0][0]}


def _rows(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_a_database_of_another_log_is_refused(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/r.db")) as database:
        ReportStore(database, "one.example/1").prepare()
        with pytest.raises(StateError, match="origin"):
            ReportStore(database, "two.example/1").prepare()


# --- floods -------------------------------------------------------------------------------------------------


def test_one_caller_sends_a_few_a_day_and_more_with_a_scan(any_world):
    browser = any_world.browse()
    for number in range(CALLER_A_DAY):
        any_world.send(browser, place=f"stall {number}")
    answer = any_world.post_form(browser, any_world.fill(browser))
    assert answer.status_code == 429
    assert "Scan the code" in answer.text
    assert answer.headers["retry-after"]
    assert TIP["place"] in answer.text, "what was typed is still there"
    any_world.send(any_world.browse("203.0.113.8"))
    code = str(any_world.issue(1))
    scan = any_world.intake.make_link(code).partition("scan=")[2]
    forged = any_world.post_form(browser, any_world.fill(browser, code=code, scan=f"{scan[:-1]}x"))
    assert forged.status_code == 429
    any_world.send(browser, code=code, scan=scan)
    assert len(any_world.waiting()) == CALLER_A_DAY + 2


def test_scanning_has_a_limit_of_its_own(world):
    code = str(world.issue(1))
    browser, scan = world.browse(), world.intake.make_link(code).partition("scan=")[2]
    for _ in range(SCANNER_A_DAY):
        world.send(browser, code=code, scan=scan)
    assert world.post_form(browser, world.fill(browser, code=code, scan=scan)).status_code == 429


def test_one_instrument_is_not_flooded_from_many_places(world):
    code = str(world.issue(1))
    for number in range(CODE_A_DAY):
        world.send(world.browse(f"203.0.113.{number}"), code=code)
    other = world.browse("198.51.100.1")
    assert world.post_form(other, world.fill(other, code=code)).status_code == 429
    world.send(other, code=str(world.issue(2)))


@pytest.mark.parametrize("change", ["old", "future", "other", "forged", "empty", "none"])
def test_only_a_fresh_scan_of_this_code_counts(world, change):
    code = str(world.issue(1))
    scan = world.intake.make_link(code).partition("scan=")[2]
    minute, _, tag = scan.partition(".")
    given = {
        "old": scan,
        "future": scan,
        "other": world.intake.make_link("Y0E5Q0BVPKA486WB").partition("scan=")[2],
        "forged": f"{int(minute) - 1}.{tag}",
        "empty": ".",
        "none": "",
    }[change]
    world.move(minutes={"old": 31, "future": -2}.get(change, 0))
    assert not world.intake.tokens.is_fresh(given, code, world.now)


def test_a_scan_is_good_for_half_an_hour(world):
    code = str(world.issue(1))
    scan = world.intake.make_link(code).partition("scan=")[2]
    world.move(minutes=29)
    assert world.intake.tokens.is_fresh(scan, code, world.now)


def test_the_verdict_page_leads_to_the_form(world):
    code = str(world.issue(1))
    world.anchor()
    page = world.browse().get(f"/c/{code}").text
    links = re.findall(r'href="\.\./(report\?code=[^"]+)"', page)
    assert [re.search("about=([A-Z_]+)", link)[1] for link in links] == [
        *("MISMATCH", "SEAL_BROKEN", "SHORT_WEIGHT")
    ]
    choice = world.browse().get(f"/{html.unescape(links[0])}").text
    (tip, _) = re.findall(r'class="choice" href="(report\?code=[^"]+)"', choice)
    form = world.browse().get(f"/{html.unescape(tip)}").text
    assert f'value="{code}"' in form
    assert re.search(r'name="scan" value="[0-9]+\.[0-9a-f]{32}"', form)
    assert 'value="MISMATCH" checked' in form


@pytest.mark.parametrize("path", ["/c/0000000000000000", "/s/0000000000000000", f"/i/{'00' * 16}", "/q/1"])
def test_a_page_of_nothing_leads_to_reports_too(world, path):
    page = world.browse().get(path, params={"lang": "en"})
    (link,) = re.findall(r'href="(\.\./report[^"]*)"', page.text)
    form = world.browse(language="zh").get(urljoin(path, html.unescape(link)))
    assert (form.status_code, "Report something" in form.text) == (200, True)


def test_a_site_that_takes_no_reports_has_no_such_page(tmp_path):
    with ApiWorld() as plain:
        plain.found()
        code = plain.issue(1)
        assert plain.client.get("/report").status_code == 404
        for path in (f"/c/{code}", "/c/0000000000000000"):
            assert "/report" not in plain.client.get(path).text


# --- the case page ------------------------------------------------------------------------------------------


def test_case_codes_cannot_be_guessed(world):
    browser = world.browse()
    known = world.send()
    for number in range(MISSES_A_DAY):
        wrong = world.intake.make_code()
        assert browser.get(f"/reports/{wrong}").status_code == 404, number
    assert browser.get(f"/reports/{known}").status_code == 429
    assert world.browse("198.51.100.2").get(f"/reports/{known}").status_code == 200


@pytest.mark.parametrize("code", ["x", "0" * 18 + "1", "0" * 17 + "1", "é" * 18, "../healthz"])
def test_what_is_no_case_code_is_refused(world, code):
    answer = world.browse().get("/reports", params={"case": code})
    assert answer.status_code == 422
    assert "18 letters and digits" in answer.text


def test_a_typed_code_leads_to_its_case(world):
    code = world.send()
    answer = world.browse().get("/reports", params={"case": format_case_code(code).lower()})
    assert answer.headers["location"] == f"reports/{code}"


def test_the_case_page_shows_state_clocks_and_outcome_and_nothing_else(any_world):
    code = any_world.send(route="complaint")
    (report,) = any_world.waiting()
    now = int(any_world.now.timestamp() * 1000)
    given = [
        Answer(report.case, 1, CaseState.TAKEN, None, now),
        Answer(report.case, 2, CaseState.ACCEPTED, None, now),
        Answer(report.case, 3, CaseState.CLOSED, "秤已查封，差价已退还。<b>", now),
    ]
    any_world.reports.answer("CN-99", given)
    assert "已提交" in any_world.browse(language="zh-CN").get(f"/reports/{code}").text, "not its authority"
    any_world.reports.answer(AUTHORITY, given)
    any_world.reports.answer(AUTHORITY, given)
    page = any_world.browse(language="zh-CN").get(f"/reports/{code}").text
    assert "已办结" in page
    assert "秤已查封，差价已退还。&lt;b&gt;" in page
    assert "决定是否受理" in page
    assert "终结调解" in page
    for value in {*COMPLAINT.values(), report.case.hex()} - {"complaint"}:
        assert value not in page, value
    assert not any_world.waiting(), "what was answered waits no longer"


def test_pages_are_kept_by_nobody_and_hold_no_script(world):
    code = world.send()
    for path in ("/report", "/report?route=tip", f"/reports/{code}", "/reports?case=x"):
        answer = world.browse().get(path)
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "form-action 'self'" in policy
        assert "<script" not in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Many reports are being sent"), ("zh-CN", "当前提交较多")]
)
def test_who_comes_while_too_many_reports_are_read_gets_a_page_with_its_headers(
    world, monkeypatch, language, words
):
    monkeypatch.setattr("api.door.MAX_UNDER_WAY", 0)
    answer = world.browse(language=language).post("/report", data={"route": "tip"})
    assert answer.status_code == 503
    assert words in answer.text
    assert answer.headers["retry-after"]
    for name in ("x-content-type-options", "permissions-policy", "cross-origin-opener-policy"):
        assert answer.headers[name], name
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_method_that_is_not_there_names_those_that_are(world):
    answer = world.browse().put("/report")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_nothing_is_taken_while_the_database_is_away(world, monkeypatch):
    browser = world.browse()
    fields = world.fill(browser)

    def fail(*_args, **_options):
        raise UnavailableError("injected")

    monkeypatch.setattr(type(world.reports), "add", fail)
    answer = world.post_form(browser, fields)
    assert answer.status_code == 503
    assert "nothing was taken" in answer.text
    assert TIP["place"] in answer.text
    monkeypatch.undo()
    assert world.post_form(browser, fields).status_code == 303


@pytest.mark.parametrize(
    "error", [StateError("of another log"), LogIntegrityError("a row contradicts another")]
)
@pytest.mark.parametrize("step", ["find", "add"])
def test_whatever_keeps_a_report_from_being_taken_the_form_comes_back_with_it(
    world, monkeypatch, error, step
):
    browser = world.browse()
    fields = world.fill(browser)

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(type(world.reports), step, fail)
    answer = world.post_form(browser, fields)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "nothing was taken" in answer.text
    assert TIP["place"] in answer.text
    assert str(error) not in answer.text
    monkeypatch.undo()
    assert world.post_form(browser, fields).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/000000000000000000", 404),
        ("/reports/x", 422),
        ("/reports?case=x%26y", 422),
        ("/report?code=Y0E5Q0BVPKA486WB", 200),
        ("/report?route=tip&code=Y0E5Q0BVPKA486WB", 200),
    ],
)
def test_every_page_is_had_in_the_other_language_at_its_own_address(world, path, status):
    chinese = world.browse(language="zh-CN").get(path)
    assert chinese.status_code == status
    (other,) = re.findall(r'<header>.*?href="([^"]+)"', chinese.text, re.DOTALL)
    english = world.browse(language="zh-CN").get(urljoin(path, html.unescape(other)))
    assert english.status_code == status
    assert 'lang="en"' in english.text
    for page in (chinese, english):
        for link in re.findall(r'(?:href|action)="([^"#]+)"', page.text):
            assert not link.startswith("/"), "it works behind a path of its own"


def test_files_are_emptied_when_authority_and_log_have_them(any_world):
    any_world.send()
    (report,) = any_world.waiting()
    assert any_world.intake.tidy() == (0, 0)
    now = int(any_world.now.timestamp() * 1000)
    any_world.reports.answer(AUTHORITY, [Answer(report.case, 1, CaseState.TAKEN, None, now)])
    assert any_world.intake.tidy() == (0, 0), "the log does not have it yet"
    assert any_world.reports.tidy(any_world.today, lambda digests: digests) == (1, 0)
    assert any_world.reports.tidy(any_world.today, lambda digests: digests) == (0, 0)


def test_reports_are_forgotten_in_time(any_world):
    code = any_world.send()
    any_world.move(days=1095)
    assert any_world.intake.tidy() == (0, 0)
    any_world.move(days=1)
    assert any_world.intake.tidy() == (0, 1)
    assert any_world.browse().get(f"/reports/{code}").status_code == 404


def test_json_is_not_offered(world):
    code = world.send()
    assert "<!doctype html>" in world.browse().get(f"/reports/{code}", headers=JSON).text


# --- from the page of a sticker -----------------------------------------------------------------------------


def test_the_authority_learns_which_sticker_was_scanned(world):
    """Whoever copies a sticker is found by it, not by the document."""
    desk = StickerWorld(world)
    code = desk.verify(1)
    desk.bind(desk.sticker(0), PUMP)
    world.seconds += 2
    page = world.browse().get(f"/s/{desk.sticker(0)}").text
    links = [html.unescape(link) for link in re.findall(r'href="\.\./(report\?code=[^"]+)"', page)]
    assert len(links) == 3
    assert all(link.startswith(f"report?code={desk.sticker(0)}&about=") for link in links)
    assert not any(str(code) in link for link in links)
    scan = links[0].partition("&scan=")[2].partition("&")[0]
    world.send(code=desk.sticker(0), scan=scan, kind="", place="", text="")
    head, said, _ = open_only(world)
    assert (head.institution, head.instrument) == (INSTITUTION, PUMP)
    assert said == {"code": desk.sticker(0)}


def test_the_page_of_a_document_names_the_document(world):
    desk = StickerWorld(world)
    code = desk.verify(1)
    desk.bind(desk.sticker(0), PUMP)
    world.seconds += 2
    page = world.browse().get(f"/c/{code}").text
    assert page.count(f"report?code={code}&amp;about=") == 3
    assert desk.sticker(0) not in page.partition("<details")[0]
