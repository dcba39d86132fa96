"""Files that a device fetches: scripts from an allow-list, policy, rule book, the record itself."""

import gzip
import hashlib
import re
import socket
from datetime import timedelta

import httpx2
import pytest
from api_world import JSON, long_path
from served_app import serving
from sticker_world import StickerWorld
from verdict_states import RichSite, withhold

from api.schemas.problems import ProblemShape
from api.web.pages import PAGE_SECURITY
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import StoreUnavailableError
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.qr import compute_code
from ledger.core.regulation import parse_rule_book

PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture
def served():
    with RichSite() as world:
        world.found()
        yield world


@pytest.fixture
def code(served):
    found = served.submit(served.sign(1))
    served.anchor()
    return found


def test_scripts_are_served_once_and_for_ever(served, code):
    page = served.client.get(f"/c/{code}").text
    address = re.search(r'src="\.\./(static/page@[0-9a-f]{16}/check\.js)"', page)[1]
    answer = served.client.get(f"/{address}")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("br", "Accept-Encoding")
    assert served.client.get(f"/{address}", headers=PLAIN).text == answer.text
    older = served.client.get(f"/{address}", headers={"Accept-Encoding": "gzip, deflate"})
    assert (older.headers["content-encoding"], older.text) == ("gzip", answer.text)
    assert older.headers["etag"] != answer.headers["etag"]
    again = served.client.get(f"/{address}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = served.client.get("/static/page/check.js")
    assert (plain.text, plain.headers["cache-control"]) == (answer.text, "no-cache")


OUTSIDE = (
    "/static/page/../../templates/page.css",
    "/static/page/%2e%2e/%2e%2e/templates/page.css",
    "/static/page/..%2F..%2Ftemplates%2Fpage.css",
    "/static/page/..%5c..%5cpages.py",
    "/static/page//etc/passwd",
    "/static/page/%2Fetc%2Fpasswd",
    "/static/../api/web/pages.py",
    "/static/page/__init__.py",
    "/static/page/check.js%00",
    "/static/page/check.js/",
    "/static/page/CHECK.JS",
    "/static/verifier/../page/check.js",
    "/static/office.js",
    "/static/round/app.js",
    "/static/page@/check.js",
    "/static/page@0000000000000000/check.js",
    "/static/",
    "/static/page",
    "/static/page/",
)


def test_nothing_else_is_served_however_it_is_asked_for(served):
    """Over a socket, byte for byte: a client of ours would tidy these addresses up."""
    with serving(served.app) as url:
        port = int(url.rpartition(":")[2])
        for path in OUTSIDE:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: client.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 404 "), (path, answer[:80])
            assert b"import" not in answer


def test_the_policy_is_this_homes_own(served):
    answer = served.client.get("/policy.json")
    assert answer.content == encode_policy(served.policy)
    assert parse_policy(answer.content) == served.policy
    assert answer.headers["cache-control"] == "no-cache"
    again = served.client.get("/policy.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_rule_book_is_the_one_that_this_server_judges_by(served):
    tables = served.client.get("/rules.json").json()
    assert set(tables) == {"rules", "limits"}
    assert parse_rule_book(tables["rules"], tables["limits"]) == load_rule_book()


def test_the_record_is_the_published_document_byte_for_byte(served, code):
    answer = served.client.get(f"/c/{code}/certificate.json")
    bundle = parse_bundle(served.client.get(f"/c/{code}/bundle.json").content)
    assert hashlib.sha256(answer.content).digest() == bundle.header.certificate_digest
    assert encode_canonical_json(answer.json()) == answer.content
    assert answer.headers["content-disposition"] == f'attachment; filename="{code}.certificate.json"'
    again = served.client.get(
        f"/c/{code}/certificate.json", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_there_is_no_record_of_what_is_not_in_the_ledger(served, code):
    for path in (f"/c/{compute_code(b'never')}", "/c/x", f"/c/{code[:-1]}"):
        answer = served.client.get(f"{path}/certificate.json")
        assert answer.status_code == 404
        ProblemShape.model_validate(answer.json())


def test_there_is_no_record_of_what_is_withheld(served, code):
    withhold(served)
    answer = served.client.get(f"/c/{code}/certificate.json")
    assert (answer.status_code, answer.json()["type"]) == (451, "urn:hengzheng:problem:content-withheld")
    assert "certificate.json" not in served.client.get(f"/c/{code}").text


@pytest.mark.parametrize("minutes", [0, 45])
def test_proofs_that_were_ready_are_given_while_the_store_is_out_of_reach(served, minutes):
    desk = StickerWorld(served)
    sticker = desk.sticker(0)
    code, other = served.submit(served.sign(1)), served.submit(served.sign(2))
    served.anchor()
    asked = [f"/c/{code}/{name}.json" for name in ("bundle", "newest", "certificate")]
    asked += [f"/s/{sticker}/proof.json", f"/c/{code}/as-of.json?at={served.now:%Y-%m-%dT%H:%M:%SZ}"]
    before = {path: served.client.get(path) for path in asked}
    assert {path: answer.status_code for path, answer in before.items()} == dict.fromkeys(asked, 200)
    served.now += timedelta(minutes=minutes)
    served.seconds += 5
    served.client.get(f"/c/{other}")

    def fail():
        raise StoreUnavailableError("x")

    served.store.read = fail
    served.seconds += 5
    for path, answer in before.items():
        now = served.client.get(path)
        assert (now.status_code, now.content, now.headers["etag"]) == (
            200,
            answer.content,
            answer.headers["etag"],
        )
    assert served.client.get(f"/c/{other}/bundle.json").status_code == 503
    assert served.client.get(f"/c/{code}").status_code == 503


def test_what_is_withheld_is_not_given_while_the_store_is_out_of_reach(served, code):
    path = f"/c/{code}/certificate.json"
    assert served.client.get(path).status_code == 200
    withhold(served)
    served.seconds += 5
    served.client.get("/c/7KQ2M9X001RCCF83")

    def fail():
        raise StoreUnavailableError("x")

    served.store.read = fail
    served.seconds += 5
    assert served.client.get(path).status_code == 503


def test_pages_proofs_and_answers_are_compressed_for_who_takes_it(served, code):
    with serving(served.app) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        for path, headers in (
            (f"/c/{code}", {}),
            (f"/c/{code}", JSON),
            (f"/c/{code}/bundle.json", {}),
            (f"/c/{code}/certificate.json", {}),
            ("/rules.json", {}),
        ):
            with client.stream("GET", path, headers={**headers, "Accept-Encoding": "gzip"}) as answer:
                raw = b"".join(answer.iter_raw())
            plain = client.get(path, headers={**headers, **PLAIN})
            assert answer.headers["content-encoding"] == "gzip"
            assert "content-encoding" not in plain.headers
            assert gzip.decompress(raw) == plain.content
            assert len(raw) < 0.75 * len(plain.content)
            assert "Accept-Encoding" in plain.headers["vary"]


def test_a_page_of_any_code_has_the_policy_of_pages(served, code):
    unlogged = long_path(served.sign(2))
    for path in (f"/c/{code}", unlogged, "/c/x"):
        headers = served.client.get(path).headers
        assert headers["content-security-policy"] == PAGE_SECURITY
    for path in (f"/c/{code}/bundle.json", "/policy.json", "/static/page/check.js"):
        assert "script-src" not in served.client.get(path).headers["content-security-policy"]


def test_the_policy_of_pages_is_the_one_that_was_decided():
    hashless = re.sub(r"'sha256-[A-Za-z0-9+/=]{44}'", "<hash>", PAGE_SECURITY)
    assert hashless == (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src <hash>; "
        "img-src 'self' data: blob:; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
