"""The photograph of an instrument at an institution's desk: uploaded, made anew, registered, taken away."""

import hashlib
import html
import re

import pytest
from office_world import open_office_world
from photos import KEPT, MAKER, bomb, paint, save, taken_by_phone
from world import INSTITUTION

from ledger.core.photo import MAX_PHOTO_BYTES, measure_photo

FORM = {
    "category": "FUEL_DISPENSER",
    "maker": "示例机械有限公司",
    "model": "EX-1224",
    "serial": "SN 77",
    "division": "350102",
}
LOOKED = {"seen": "yes", "taken_on": "2026-11-01"}


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=["operator", "auditor"]) as world:
        yield world


@pytest.fixture
def browser(world):
    return world.browser("operator")


@pytest.fixture
def page(world, browser):
    answer = world.post(browser, "/instruments", FORM)
    assert answer.status_code == 303
    return answer.headers["location"]


def upload(world, browser, page, raw, name="photo.jpg", **fields):
    return world.post(
        browser, f"{page}/photo", LOOKED | fields, files={"photo": (name, raw)} if raw is not None else None
    )


def find_photo(world):
    with world.office.tenants[INSTITUTION].said.read() as book:
        (content,) = [one.content for one in book.list_instruments()]
    return content.photo


def alert(answer):
    return html.unescape(
        re.sub(r"<[^>]+>", "", answer.text.partition('role="alert"')[2].partition("</div>")[0])
    )


def test_a_photograph_is_made_anew_registered_and_shown(world, browser, page):
    raw = taken_by_phone()
    assert MAKER in raw
    answer = upload(world, browser, page, raw)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    photo = find_photo(world)
    assert (photo.width, photo.height, str(photo.taken_on)) == (853, 1280, "2026-11-01"), (
        "upright, and smaller"
    )
    shown = browser.get(f"{page}/photo")
    assert shown.headers["content-type"] == "image/jpeg"
    assert hashlib.sha256(shown.content).digest() == photo.digest
    assert measure_photo(shown.content) == (853, 1280)
    assert len(shown.content) <= MAX_PHOTO_BYTES
    for word in (MAKER, b"private note", b"Exif", b"GPS"):
        assert word not in shown.content
    text = browser.get(page).text
    assert f'src="{page}/photo"' in text
    assert "number plates" in text


@pytest.mark.parametrize(
    ("raw", "fields", "words"),
    [
        (None, {}, "choose a photograph"),
        (b"", {}, "choose a photograph"),
        (b"<svg onload=alert(1)>", {}, "is no photograph"),
        (b"%PDF-1.7", {}, "is no photograph"),
        (save(paint(), "GIF"), {}, "is no photograph"),
        (bomb(), {}, "is no photograph"),
        (KEPT[:200], {}, "is no photograph"),
        (b"\xff\xd8" + bytes(5 * 1024 * 1024), {}, "is longer than 5 MiB"),
        (KEPT, {"seen": ""}, "look at it first"),
        (KEPT, {"seen": "no"}, "look at it first"),
        (KEPT, {"taken_on": "2026-02-30"}, "is no day"),
        (KEPT, {"taken_on": "2099-01-01"}, "is in the future"),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_registered(world, browser, page, raw, fields, words):
    answer = upload(world, browser, page, raw, **fields)
    assert answer.status_code == 422
    assert words in alert(answer)
    assert find_photo(world) is None
    assert browser.get(f"{page}/photo").status_code == 404


def test_a_picture_that_is_far_too_large_is_refused_on_a_page(world, page):
    """As many phones make them; the request is refused before the office itself has seen it."""
    browser = world.browser("operator")
    browser.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    answer = upload(world, browser, page, b"\xff\xd8" + bytes(6 * 1024 * 1024))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert "Send a smaller picture or file" in answer.text
    assert "请改用较小的照片或文件" in answer.text
    assert re.search(r'href="(\.\./)+\./"', answer.text)
    assert "/scan" not in answer.text


def test_it_is_said_in_chinese_too(world, page):
    browser = world.browser("operator", language="zh-CN")
    assert "不是可读取的JPEG、PNG或WebP照片" in alert(upload(world, browser, page, b"x"))
    assert "请先确认照片内容" in alert(upload(world, browser, page, KEPT, seen=""))
    assert "不得拍入人脸、车牌" in browser.get(page).text


def test_the_same_picture_again_changes_nothing(world, browser, page):
    upload(world, browser, page, KEPT)
    calls = world.gateway.size
    upload(world, browser, page, KEPT)
    assert world.gateway.size == calls


def test_a_change_of_the_registration_keeps_it_and_it_can_be_taken_away(world, browser, page):
    upload(world, browser, page, KEPT)
    photo = find_photo(world)
    assert world.post(browser, page, FORM | {"seal_points": "表头"}).status_code == 303
    assert find_photo(world) == photo
    assert world.post(browser, f"{page}/photo/remove").status_code == 303
    assert find_photo(world) is None
    assert browser.get(f"{page}/photo").status_code == 404


def test_what_is_not_registered_has_no_photograph(world, browser):
    assert upload(world, browser, f"/instruments/{'00' * 16}", KEPT).status_code == 404


def test_who_only_reads_does_not_upload(world, browser, page):
    auditor = world.browser("auditor")
    assert upload(world, auditor, page, KEPT).status_code == 403
    assert world.post(auditor, f"{page}/photo/remove").status_code == 403
    assert 'name="photo"' not in auditor.get(page).text
    upload(world, browser, page, KEPT)
    assert auditor.get(f"{page}/photo").status_code == 200


def test_while_the_ledger_is_away_it_waits(world, browser, page):
    world.gateway.fail("submit")
    answer = upload(world, browser, page, KEPT)
    assert answer.status_code == 503
    assert upload(world, browser, page, KEPT).status_code == 303
    assert find_photo(world) is not None
