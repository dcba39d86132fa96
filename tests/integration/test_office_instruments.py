"""Instruments on the office's pages: found, shown, registered, changed; likely matches are answered by a person."""

import html
import re

import pytest
from desk_world import changed, document
from office_world import APPLICATION, NAMEPLATE, OTHER, begin_draft, open_office_world
from world import INSTITUTION

from api.office.roles import OfficeRole
from issuer.signoff.writing import Writer
from ledger.core.encoding import parse_hex
from ledger.core.event import instrument_subject
from ledger.core.ids import InstrumentId
from ledger.core.registration import Likeness

FORM = {
    "category": "FUEL_DISPENSER",
    "maker": "示例机械有限公司",
    "model": "EX-1224",
    "serial": "SN 77",
    "year": "2024",
    "division": "350102",
    "codes.production": "PC-1",
    "parts": "1、2",
    "retired": "3",
    "seal_points": "主板与机壳；流量计",
}


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["operator", "auditor"]) as world:
        world.enrol("nobody", frozenset({OfficeRole.OPERATOR}), pid=None)
        yield world


@pytest.fixture
def browser(world):
    return world.browser("operator")


def register(world, browser, code=303, **changes):
    answer = world.post(browser, "/instruments", FORM | changes)
    assert answer.status_code == code, text(answer)
    return answer


def text(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def alert(answer):
    return html.unescape(
        re.sub(r"<[^>]+>", "", answer.text.partition('role="alert"')[2].partition("</div>")[0])
    )


def registered(world, tenant=INSTITUTION):
    with world.office.tenants[tenant].said.read() as book:
        return [one.content for one in book.list_instruments()]


def find_id(answer):
    return answer.headers["location"].rpartition("/")[2]


def test_an_instrument_is_registered_and_shown(world, browser):
    answer = register(world, browser)
    (content,) = registered(world)
    assert answer.headers["location"] == f"/instruments/{content.id.hex()}"
    assert (content.parts, content.retired, content.seal_points) == (
        ("1", "2"),
        ("3",),
        ("主板与机壳", "流量计"),
    )
    assert (content.year, content.codes) == (2024, (("production", "PC-1"),))
    page = text(browser.get(answer.headers["location"]))
    for words in (
        "SN 77",
        "示例机械有限公司",
        "1, 2",
        "主板与机壳; 流量计",
        "PC-1",
        "not verified",
        "350102",
    ):
        assert words in page, words
    assert "SN 77" in text(browser.get("/instruments?q=示例机械 sn"))
    assert "SN 77" not in text(browser.get("/instruments?q=永衡"))


def test_the_same_form_again_changes_nothing(world, browser):
    first = register(world, browser)
    calls = world.gateway.size
    assert register(world, browser).headers["location"] == first.headers["location"]
    assert world.gateway.size == calls


def test_what_documents_name_is_there_without_registration(world, browser):
    (number,) = world.issue(document(1))
    listed = text(browser.get("/instruments?q=SN00000001"))
    assert number in listed
    id_ = world.office.tenants[INSTITUTION].documents.find(number).instrument_id
    page = browser.get(f"/instruments/{id_}")
    assert "verified, passed" in text(page)
    assert "A1001 (主板与壳体)" in text(page), "its seals"
    assert "福州市鼓楼区示例路1号" in text(page)
    assert "named by documents only" in text(page)
    assert f'href="/instruments/{id_}"' in browser.get(f"/documents/{number}").text
    assert 'value="SN00000001"' in browser.get(f"/instruments/{id_}/edit").text


def test_what_failed_is_shown_as_failed(world, browser):
    world.issue(failed(document(1)))
    id_ = next(iter(world.office.tenants[INSTITUTION].documents.list_instruments()))
    assert "failed" in text(browser.get(f"/instruments/{id_}"))
    assert "检定不合格" in text(world.browser("operator", language="zh-CN").get(f"/instruments/{id_}"))


def failed(value):
    value = changed(value, "results.0.points.0", {
        "nominal": "20.00", "measured": "20.10", "error": "0.50", "mpe": "0.30", "u": "0.05", "pass": False,
    })  # fmt: skip
    return changed(changed(value, "results.0.pass", to=False), "conclusion", "fail")


# --- likely matches -----------------------------------------------------------------------------------------


def test_a_likely_match_stops_and_shows_both_side_by_side(world, browser):
    known = find_id(register(world, browser))
    answer = register(world, browser, code=409, maker="示例机械", serial="SN77")
    page = text(answer)
    for words in ("示例机械有限公司", "示例机械", "SN77", "SN 77", "agrees", "differs", "2024", "P-approver"):
        assert words in page, words
    assert f'name="answer-{known}"' in answer.text
    assert 'name="maker" value="示例机械"' in answer.text, "what was typed is not lost"
    assert len(registered(world)) == 1, "nothing is registered before the answer"


def test_different_is_another_instrument_by_the_word_of_who_is_logged_in(world, browser):
    known = find_id(register(world, browser))
    other = find_id(
        register(world, browser, maker="示例机械", **{f"answer-{known}": "different", "by": "P-forged"})
    )
    assert other != known
    content = next(one for one in registered(world) if one.id.hex() == other)
    (answer,) = content.answers
    assert (answer.likeness, answer.person, answer.other.hex()) == (Likeness.DIFFERENT, "P-approver", known)
    assert answer.answered_on == world.office.tenants[INSTITUTION].today()
    assert "another instrument" in text(browser.get(f"/instruments/{other}"))
    register(world, browser, maker="示例机械")  # nobody is asked again


def test_same_keeps_the_known_id_and_leads_there(world, browser):
    known = find_id(register(world, browser))
    for _ in range(2):
        again = find_id(register(world, browser, maker="示例机械", **{f"answer-{known}": "same"}))
        assert again == known, "sent twice as well"
    (content,) = registered(world)
    (answer,) = content.answers
    assert (answer.likeness, answer.person) == (Likeness.SAME, "P-approver")
    moved = browser.get(f"/instruments/{answer.other.hex()}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/instruments/{known}")
    assert text(browser.get("/instruments")).count("SN 77") == 1


def test_what_documents_name_is_asked_about_as_well(world, browser):
    world.issue(document(1))
    known = next(iter(world.office.tenants[INSTITUTION].documents.list_instruments()))
    typed = {"serial": "SN00000001", "maker": "示例机械"}
    assert f"answer-{known}" in register(world, browser, code=409, **typed).text
    assert find_id(register(world, browser, **typed, **{f"answer-{known}": "same"})) == known


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"answer-{known}": "perhaps"}, "say whether it is the same"),
        ({"answer-{known}": ""}, "say whether it is the same"),
        ({"answer-00": "same"}, "is about no instrument"),
        (
            {"answer-{known}": "different", "answer-" + "ab" * 16: "different"},
            "is no instrument that it looks like",
        ),
        ({"answer-{known}": "same", "answer-" + "ab" * 16: "same"}, "one other at most"),
    ],
)
def test_an_answer_that_is_none_registers_nothing(world, browser, answers, words):
    known = find_id(register(world, browser))
    given = {name.format(known=known): value for name, value in answers.items()}
    answer = register(world, browser, code=422, maker="示例机械", **given)
    assert "Answers" in alert(answer)
    assert words in alert(answer)
    assert len(registered(world)) == 1


def test_who_is_no_person_of_the_register_answers_nothing(world, browser):
    known = find_id(register(world, browser))
    nobody = world.browser("nobody")
    answer = register(world, nobody, code=422, maker="示例机械", **{f"answer-{known}": "same"})
    assert "has no person of the register" in alert(answer)
    assert len(registered(world)) == 1


# --- changes ------------------------------------------------------------------------------------------------


def test_a_change_is_the_next_version(world, browser):
    id_ = find_id(register(world, browser))
    page = browser.get(f"/instruments/{id_}/edit").text
    assert 'value="1, 2"' in page
    answer = world.post(browser, f"/instruments/{id_}", FORM | {"parts": "1", "retired": "2, 3"})
    assert answer.headers["location"] == f"/instruments/{id_}"
    (content,) = registered(world)
    assert (content.parts, content.retired) == (("1",), ("2", "3"))
    with world.office.tenants[INSTITUTION].said.read() as book:
        assert len(book.list_registrations(content.id)) == 2


def test_a_change_may_leave_out_what_once_told_it_apart(world, browser):
    id_ = find_id(register(world, browser, local_id="P-7"))
    bare = {"category": "FUEL_DISPENSER", "serial": "SN 77"}
    answer = world.post(browser, f"/instruments/{id_}", bare)
    assert answer.headers["location"] == f"/instruments/{id_}"
    (content,) = registered(world)
    assert (content.id.hex(), content.maker, content.parts) == (id_, None, ())


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "en", "zh"),
    [
        ({"category": ""}, ("Category", "类别"), "choose one", "请选择"),
        ({"category": "TEAPOT"}, ("Category", "类别"), "choose one", "请选择"),
        ({"serial": " "}, ("Serial number", "出厂编号"), "must be filled in", "必须填写"),
        ({"model": ""}, ("Model", "型号规格"), "to tell the instrument apart", "须填写以识别器具"),
        ({"maker": ""}, ("Maker", "制造单位"), "to tell the instrument apart", "须填写以识别器具"),
        ({"year": "24"}, ("Year of manufacture", "出厂年份"), "is a year", "应为年份"),
        ({"year": "二〇二四"}, ("Year of manufacture", "出厂年份"), "is a year", "应为年份"),
        ({"division": "Fuzhou"}, ("Division code of the site", "使用地行政区划代码"), "digits", "位数字"),
        ({"parts": "1, 1"}, ("Parts in use", "在用部件"), "1 stands there twice", "1重复"),
        ({"parts": "1 2 3"}, ("Parts not in use any more", "停用部件"), "in use as well", "仍列为在用部件"),
        ({"parts": "a-very-long-name"}, ("Parts in use", "在用部件"), "more than 8 bytes", "超过8个字节"),
        ({"serial": "x" * 201}, ("Serial number", "出厂编号"), "at most 200", "不超过200个字符"),
        ({"maker": "\u0007"}, ("Maker", "制造单位"), "cannot be printed", "无法显示"),
    ],
)
def test_every_fault_names_its_field_in_both_languages(world, browser, changes, field, en, zh):
    answer = register(world, browser, code=422, **changes)
    assert field[0] in alert(answer)
    assert en in alert(answer)
    answer = register(world, world.browser("operator", language="zh-CN"), code=422, **changes)
    assert field[1] in alert(answer)
    assert zh in alert(answer)
    assert registered(world) == []


def test_where_the_ledger_is_away_the_registration_waits_and_goes_in_later(world, browser):
    world.gateway.fail("submit")
    answer = register(world, browser, code=503)
    assert "waiting to be handed in: 1" in alert(answer)
    assert 'value="SN 77"' in answer.text
    (content,) = registered(world)
    assert "waits for the ledger" in text(browser.get("/instruments"))
    assert register(world, browser).status_code == 303
    assert len(registered(world)) == 1
    assert "waits for the ledger" not in text(browser.get(f"/instruments/{content.id.hex()}"))


def test_where_nothing_was_signed_the_page_says_so(world, browser):
    world.gateway.fail("find_states")
    answer = register(world, browser, code=503)
    assert "Nothing was signed or changed" in alert(answer)
    assert registered(world) == []


def test_a_page_of_one_says_that_the_ledger_is_away(world, browser):
    path = register(world, browser).headers["location"]
    world.gateway.fail_always("find_states", "registers")
    answer = browser.get(path)
    assert answer.status_code == 200
    assert "the ledger is out of reach" in text(answer)


@pytest.mark.parametrize("path", ["/instruments/{id}", "/instruments/{id}/edit"])
def test_instruments_of_another_institution_are_not_found(world, browser, path):
    theirs = world.put_on(OTHER, "REG-9")["instrument"]
    assert browser.get(path.format(id=theirs)).status_code == 404
    assert world.post(browser, f"/instruments/{theirs}", FORM).status_code == 404
    assert "REG-9" not in browser.get("/instruments").text
    assert registered(world) == []


@pytest.mark.parametrize("name", ["0", "zz" * 16, "...", "%00", "00" * 17])
def test_what_is_no_id_is_not_found(browser, name):
    assert browser.get(f"/instruments/{name}").status_code == 404


def test_a_draft_leads_to_the_registration_of_its_instrument(world, browser):
    signoff = world.office.tenants[INSTITUTION].make_signoff(world.gateway)
    content = begin_draft(5, sticker_id="no-sticker")
    writer = Writer(signoff)
    application = writer.accept(APPLICATION, "P-approver").id
    (draft,) = writer.create([content], "P-approver", application=application)
    page = browser.get(f"/drafts/{draft.id}").text
    assert "not given out to this institution" in page
    form = browser.get(f"/instruments/new?draft={draft.id}").text
    for words in ('value="SN00000005"', 'value="示例机械有限公司"', 'value="350102"', 'value="1"'):
        assert words in form, words
    assert browser.get("/instruments/new?draft=990").status_code == 404


def test_twins_that_an_authority_has_found_are_shown(world, browser):
    one = world.put_on(serial="REG-1")["instrument"]
    other = world.put_on(serial="REG-2")["instrument"]
    subjects = [instrument_subject(InstrumentId(parse_hex(id_))) for id_ in (one, other)]
    world.gateway.founded.twins[subjects[0]] = frozenset(subjects)
    page = browser.get(f"/instruments/{one}").text
    assert f'href="/instruments/{other}"' in page
    assert NAMEPLATE["model"] in page
