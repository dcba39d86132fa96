"""The scanner's page without script: typed codes, pictures, files; and codes of other sites."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
import qrcode
from api_world import ENGLISH, HOST, ApiWorld, entry
from starlette.testclient import TestClient
from sticker_world import StickerWorld

from api.negotiation import Language, choose_language
from api.routes.scan import A_DAY, A_MINUTE, MAX_BODY_BYTES
from api.shown import Shown
from api.trusting import TrustingSessions
from api.uploads import UploadDesk
from api.verdicts import Verdicts
from api.web.scan_page import ScanPage, describe_file
from ledger.core.errors import StoreUnavailableError
from ledger.core.qr import encode_short_url, format_code
from ledger.core.trust import parse_trust_list
from ledger.register_list import RegisterList
from verifier.report import DISCLAIMER

CALLERS = count(1)
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def served():
    with ApiWorld() as world:
        world.found()
        yield world


@pytest.fixture(scope="module")
def code(served):
    code = served.issue(1)
    served.anchor()
    return code


def draw(text, kind="PNG"):
    picture = io.BytesIO()
    qrcode.make(text).convert("L").save(picture, kind)
    return picture.getvalue()


def send(served, raw, name="file", headers=ENGLISH, caller=None):
    """Hand a file in, as somebody who has not been here yet."""
    caller = caller or f"10.0.{next(CALLERS)}.1"
    client = TestClient(served.app, raise_server_exceptions=False, client=(caller, 1))
    return client.post("/scan", files={name: ("a", raw)}, headers=headers, follow_redirects=False)


def ask(served, text, headers=ENGLISH):
    return served.client.get("/scan", params={"code": text}, headers=headers, follow_redirects=False)


def read_title(answer):
    found = re.search("<h2>([^<]*)</h2>", answer.text)
    return found and found[1]


def test_the_page_has_a_camera_and_a_policy_of_its_own(served):
    answer = served.client.get("/scan")
    assert answer.status_code == 200
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert "'wasm-unsafe-eval'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert f"https://{HOST}/" in answer.text


@pytest.mark.parametrize("query", ["", "?lang=en", "?code=wrong", "?code=https://pay.test.org/1"])
def test_no_link_of_the_page_leaves_the_path_that_a_proxy_has_put_in_front(served, code, query):
    links = r'(?:href|src|action)="([^"]*)"'
    pages = [served.client.get(f"/scan{query}").text]
    pages.append(send(served, served.client.get(f"/c/{code}/bundle.json").content).text)
    for page in pages:
        found = re.findall(links, page)
        assert len(found) >= 7
        assert all(each.startswith("./") for each in found)
    assert any(each.startswith("./c/") for each in found)
    head = served.client.get("/worker.js").text.partition("\n// ")[0]
    assert '"/' not in head


def test_other_pages_have_neither(served, code):
    answer = served.client.get(f"/c/{code}")
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "wasm" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("spell", [str, format_code, str.lower, lambda code: encode_short_url(code, HOST)])
def test_a_typed_code_leads_to_its_page(served, code, spell):
    answer = ask(served, spell(code))
    assert (answer.status_code, answer.headers["location"]) == (303, f"./c/{code}")


def test_the_language_that_was_asked_for_stays(served, code):
    answer = served.client.get("/scan", params={"code": code, "lang": "en"}, follow_redirects=False)
    assert answer.headers["location"] == f"./c/{code}?lang=en"


@pytest.mark.parametrize("text", ["", "0000", "Y0E5Q0BVPKA486WC", "<script>alert(1)</script>"])
def test_a_wrong_code_stays_to_be_corrected(served, text):
    answer = ask(served, text)
    assert answer.status_code == 422
    assert "not a code of ours" in answer.text
    assert "<script>alert" not in answer.text


def test_codes_of_others_are_not_followed(served):
    answer = ask(served, "https://v.example.cn.check.top/c/Y0E5Q0BVPKA486WB")
    assert answer.status_code == 200
    assert read_title(answer) == "Careful: this code imitates this site"
    assert "<b>v.example.cn.check.top</b>" in answer.text
    assert 'href="https://v.example.cn.check.top' not in answer.text


def test_what_leads_elsewhere_is_said_calmly(served):
    assert read_title(ask(served, "https://pay.test.org/1")) == "This code leads to another site"
    assert read_title(ask(served, "https://pay.test.org/1", {})) == "该二维码指向其他网站"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_read_here(served, code, kind):
    answer = send(served, draw(encode_short_url(code, HOST), kind))
    assert (answer.status_code, answer.headers["location"]) == (303, f"./c/{code}")


def test_a_picture_of_another_code_is_not_followed(served):
    answer = send(served, draw("https://evil.test/c/1"))
    assert read_title(answer) == "This code leads to another site"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"%PDF-1.7\n",
        b"{}",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0" + bytes(100),
        b"<svg>",
        b"[]",
    ],
)
def test_what_cannot_be_checked_is_refused_in_both_languages(served, raw):
    answer = send(served, raw)
    assert answer.status_code == 422
    assert "This file cannot be checked" in answer.text
    assert "无法核验该文件" in send(served, raw, headers={}).text


def test_an_empty_picture_has_no_code(served):
    picture = io.BytesIO()
    qrcode.make("1").convert("L").point(lambda _: 255).save(picture, "PNG")
    assert send(served, picture.getvalue()).status_code == 422


def test_a_form_without_its_file_is_refused(served):
    assert send(served, b"x", name="other").status_code == 422
    assert served.client.post("/scan", content=b"--x\r\nrubbish", headers=FORM).status_code == 422
    assert served.client.post("/scan", json={}).status_code == 422


def test_a_file_that_is_too_large_is_refused_before_it_is_read(served):
    assert (
        served.client.post(
            "/scan", content=b"", headers={"Content-Length": str(MAX_BODY_BYTES + 1)}
        ).status_code
        == 413
    )


@pytest.mark.parametrize(
    ("headers", "words"), [(ENGLISH, "Too many files from here"), ({}, "提交过于频繁")], ids=["en", "zh"]
)
def test_each_caller_has_few_files(code, headers, words):
    with ApiWorld() as fresh:
        answers = [send(fresh, b"{}", headers=headers, caller="203.0.113.7") for _ in range(A_MINUTE + 1)]
        assert [answer.status_code for answer in answers] == [422] * A_MINUTE + [429]
        page = answers[-1]
        assert 0 < int(page.headers["retry-after"]) <= 60
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert words in page.text
        assert str(A_DAY) in page.text
        assert send(fresh, b"{}").status_code == 422, "another caller"
        asked = fresh.client.get("/scan", params={"code": code}, follow_redirects=False)
        assert asked.status_code == 303, "codes may be typed"
        fresh.now += timedelta(minutes=1)
        assert send(fresh, b"{}", caller="203.0.113.7").status_code == 422


@pytest.mark.parametrize(
    ("headers", "words"), [(ENGLISH, "yours was not taken"), ({}, "您的文件尚未收到")], ids=["en", "zh"]
)
def test_who_comes_while_too_many_files_are_in_memory_is_asked_to_come_again(
    served, monkeypatch, headers, words
):
    monkeypatch.setattr("api.door.MAX_UNDER_WAY", 0)
    answer = send(served, b"{}", headers=headers)
    assert answer.status_code == 503
    assert words in answer.text
    assert answer.headers["retry-after"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "'wasm-unsafe-eval'" in answer.headers["content-security-policy"], "it is the scanner's page"
    assert served.client.get("/scan").status_code == 200


def test_a_bundle_is_checked_and_its_document_looked_up(served, code):
    raw = served.client.get(f"/c/{code}/bundle.json").content
    answer = send(served, raw)
    assert answer.status_code == 200
    assert read_title(answer) == "Valid"
    assert "unaltered, as it was issued" in answer.text
    assert f'href="./c/{code}"' in answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_green_answer_says_whose_it_is_and_what_it_does_not_prove(served, code, language):
    raw = served.client.get(f"/c/{code}/bundle.json").content
    said = {
        "zh": (DISCLAIMER.zh, "以上是本服务器的核验结论"),
        "en": (DISCLAIMER.en, "the verdict of this server"),
    }
    for sent, is_green in ((raw, True), (raw.replace(b"EX-1224", b"EX-1225"), False)):
        answer = send(served, sent, headers={"Accept-Language": language})
        disclaimer, own = said[language]
        said_of_it = answer.text.partition("<template")[
            0
        ]  # behind it: what a device may come to say by itself
        assert (disclaimer in said_of_it) is is_green
        assert own in answer.text


def test_a_bundle_of_what_this_server_does_not_hold_is_never_green(served, code):
    raw = served.client.get(f"/c/{code}/bundle.json").content
    with ApiWorld() as empty:
        answer = send(empty, raw)
    assert answer.status_code == 200
    assert read_title(answer) == "Cannot check right now"
    assert "does not hold the document" in answer.text
    assert "verdict unchecked" in answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_that_could_not_be_checked_is_not_called_unaltered(served, code, language):
    tongue = choose_language("", language)
    desk = UploadDesk(
        Verdicts(served.store, served.prover, served.receipts, served.policy, served.clock),
        TrustingSessions(served.policy, RegisterList(served.store, served.prover, served.policy.origin)),
        served.prover,
        served.clock,
    )
    found = desk.look(served.client.get(f"/c/{code}/bundle.json").content)
    unchecked = replace(found, report=replace(found.report, authentic=False))
    said = [describe_file(each, Shown.VALID, tongue).sentences[0] for each in (found, unchecked)]
    intact = {"zh": "文件完整，与签发时一致。", "en": "The file is unaltered, as it was issued."}
    assert said[0] == intact[language]
    assert said[1] in {"无法确认该文件与签发时一致。", "Nothing shows that this file is as it was issued."}


def test_a_poster_of_this_site_is_no_imitation(served):
    address = f"https://{HOST}/site/350100-01/M-12"
    for answer in (ask(served, address), send(served, draw(address))):
        assert (answer.status_code, answer.headers["location"]) == (303, "./site/350100-01/M-12")


def test_an_altered_bundle_is_called_so(served, code):
    raw = served.client.get(f"/c/{code}/bundle.json").content
    answer = send(served, raw.replace(b"EX-1224", b"EX-1225"))
    assert read_title(answer) == "Does not match the register"
    assert "not what was issued" in answer.text
    assert "EX-1225" not in answer.text
    assert f'href="./c/{code}"' in answer.text


def test_a_store_out_of_reach_is_no_verdict(served, code, monkeypatch):
    raw = served.client.get(f"/c/{code}/bundle.json").content

    def fail(*_):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(served.store, "read", fail)
    for answer in (send(served, raw), ask(served, code)):
        assert answer.status_code == 503
        assert "cannot be looked up right now" in answer.text


def test_sixteen_symbols_of_a_roll_lead_to_a_sticker(served):
    sticker = StickerWorld(served).sticker(0)
    for text in (sticker, format_code(sticker), f"https://{HOST}/s/{sticker}"):
        assert ask(served, text).headers["location"] == f"./s/{sticker}"


# --- what a device keeps for the time without network ---------------------------------------------------------


def test_the_trust_list_is_made_once_and_asked_for_again(served, code, monkeypatch):
    answer = served.client.get("/trust.json")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert parse_trust_list(answer.content).origin == served.policy.origin
    monkeypatch.setattr(RegisterList, "trust_list", lambda _: pytest.fail("made again"))
    again = served.client.get("/trust.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_trust_list_follows_the_registers():
    with ApiWorld() as world:
        assert world.client.get("/trust.json").status_code == 404
        world.found()
        before = world.client.get("/trust.json")
        world.issue(1)
        assert world.client.get("/trust.json").headers["etag"] == before.headers["etag"], (
            "registers are as before"
        )
        world.post([entry(world.world.institution("350100-02"))])
        after = world.client.get("/trust.json")
        assert parse_trust_list(after.content).evidence != parse_trust_list(before.content).evidence
        assert after.headers["etag"] != before.headers["etag"]


def test_the_trust_list_is_given_while_the_store_is_out_of_reach(monkeypatch):
    with ApiWorld() as world:
        world.found()
        before = world.client.get("/trust.json")

        def fail():
            raise StoreUnavailableError("x")

        monkeypatch.setattr(world.store, "read", fail)
        world.seconds += 5
        again = world.client.get("/trust.json")
        assert (again.status_code, again.content) == (200, before.content)


def read_version(client):
    return re.match('const VERSION = "([0-9a-f]{16})";', client.get("/worker.js").text)[1]


def test_the_worker_is_made_once_and_asked_for_again(served):
    answer = served.client.get("/worker.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "wasm-unsafe-eval" in answer.headers["content-security-policy"]
    again = served.client.get("/worker.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_page_of_the_scanner_is_another_worker(served, monkeypatch):
    with ApiWorld() as same:
        assert read_version(same.client) == read_version(served.client)
    with ApiWorld(hosts=(HOST, "other.example.cn")) as other:
        assert read_version(other.client) != read_version(served.client)
    write = ScanPage.write

    def write_english_anew(page, tongue, **rest):
        return write(page, tongue, **rest) + (b" " if tongue.language is Language.EN else b"")

    monkeypatch.setattr(ScanPage, "write", write_english_anew)
    with ApiWorld() as changed:
        assert read_version(changed.client) != read_version(served.client)
