import gzip
import hashlib
from http import HTTPStatus

import brotli
import pytest
from starlette.requests import Request

from api import ready as ready_module
from api.ready import LOOK_SECONDS, NO_STORE, Ready, ReadyAnswers, pack, pack_for_good, respond
from ledger.core.errors import NotFoundError, StoreUnavailableError, UnavailableError

PAGE = Ready(b"page", "text/html", "public, max-age=60")
OTHER = Ready(b"other", "text/html", "public, max-age=60")


class Site:
    """A log that moves by hand, and the answers about it."""

    def __init__(self):
        self.state, self.seconds, self.looks = 0, 0.0, 0
        self.broken, self.tries, self.withheld = False, 0, 0
        self.answers = ReadyAnswers(self.look, lambda: self.seconds, lambda: self.withheld)

    def look(self):
        self.tries += 1
        if self.broken:
            raise StoreUnavailableError("x")
        self.looks += 1
        return self.state

    def move(self, **changes):
        """Let the log, or what is withheld, change, and look at it."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.seconds += LOOK_SECONDS
        self.answers.fill("another", lambda: OTHER)


@pytest.fixture
def site():
    return Site()


def never(*_, **__):
    pytest.fail("computed again")


def request(**headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": pairs})


def test_nothing_is_ready_at_first(site):
    assert site.answers.find("a") is None


def test_an_answer_is_computed_once(site):
    assert site.answers.fill("a", lambda: PAGE) is PAGE
    assert site.answers.find("a") is PAGE
    assert site.answers.fill("a", never) is PAGE
    assert site.looks == 1


def test_nothing_is_found_without_looking_for_longer_than_a_second(site):
    site.answers.fill("a", lambda: PAGE)
    site.seconds = LOOK_SECONDS - 0.01
    assert site.answers.find("a") is PAGE
    site.seconds = LOOK_SECONDS
    assert site.answers.find("a") is None


def test_an_answer_stays_while_the_log_has_not_moved(site):
    site.answers.fill("a", lambda: PAGE)
    site.seconds = 100.0
    assert site.answers.fill("a", never) is PAGE
    assert site.looks == 2


def test_every_answer_goes_when_the_log_has_moved(site):
    site.answers.fill("a", lambda: PAGE)
    site.answers.fill("b", lambda: PAGE)
    site.state, site.seconds = 1, 100.0
    assert site.answers.fill("a", lambda: OTHER) is OTHER
    assert site.answers.find("b") is None


def test_an_answer_that_was_overtaken_is_given_once_and_not_kept(site):
    def compute():
        site.state, site.seconds = 1, 100.0
        site.answers.fill("b", lambda: OTHER)
        return PAGE

    assert site.answers.fill("a", compute) is PAGE
    assert site.answers.find("a") is None


def test_what_must_not_be_stored_is_not_stored_here_either(site):
    secret = Ready(b"x", "text/html", NO_STORE)
    assert site.answers.fill("a", lambda: secret) is secret
    assert site.answers.find("a") is None


def test_an_error_leaves_nothing_behind(site):
    def fail():
        raise StoreUnavailableError("x")

    with pytest.raises(StoreUnavailableError):
        site.answers.fill("a", fail)
    assert site.answers.fill("a", lambda: PAGE) is PAGE


def test_while_nobody_can_look_nothing_is_found_but_the_last_is_known(site):
    site.answers.fill("a", lambda: PAGE)
    site.broken, site.seconds = True, 100.0
    with pytest.raises(StoreUnavailableError):
        site.answers.fill("a", never)
    assert site.answers.find("a") is None
    assert site.answers.recall("a") is PAGE


def test_a_proof_is_given_again_while_nobody_can_look(site):
    site.answers.fill_proof("a", lambda: PAGE)
    site.move(state=1)
    assert site.answers.find("a") is None
    site.broken, site.seconds = True, 100.0
    assert site.answers.fill_proof("a", never) is PAGE
    with pytest.raises(UnavailableError):
        site.answers.fill_proof("b", never)
    with pytest.raises(UnavailableError):
        site.answers.fill("another", never)


def test_a_proof_is_made_anew_as_soon_as_somebody_can_look(site):
    site.answers.fill_proof("a", lambda: PAGE)
    site.move(state=1)
    assert site.answers.fill_proof("a", lambda: OTHER) is OTHER
    assert site.answers.find("a") is OTHER


def test_no_proof_is_kept_once_the_law_withholds_something(site):
    site.answers.fill_proof("a", lambda: PAGE)
    site.move(withheld=1)
    site.broken, site.seconds = True, 100.0
    with pytest.raises(UnavailableError):
        site.answers.fill_proof("a", never)


def test_a_proof_that_is_refused_is_not_given_later(site):
    def refuse():
        raise NotFoundError("x")

    site.answers.fill_proof("a", lambda: PAGE)
    site.move(state=1)
    with pytest.raises(NotFoundError):
        site.answers.fill_proof("a", refuse)
    site.broken, site.seconds = True, 100.0
    with pytest.raises(UnavailableError):
        site.answers.fill_proof("a", never)


def test_who_comes_while_nobody_can_look_does_not_wait_for_the_store_again(site):
    site.broken = True
    for _ in range(5):
        with pytest.raises(UnavailableError):
            site.answers.fill("a", never)
    assert site.tries == 1
    site.broken, site.seconds = False, LOOK_SECONDS
    assert site.answers.fill("a", lambda: PAGE) is PAGE


def test_the_bytes_of_what_is_dropped_are_counted_off(site, monkeypatch):
    monkeypatch.setattr(ready_module, "MOST_BYTES", 2 * PAGE.size)
    for key in "ab":
        site.answers.fill_proof(key, lambda: PAGE)
    site.move(state=1, withheld=1)
    for key in "cd":
        site.answers.fill_proof(key, lambda: PAGE)
    assert [key for key in "abcd" if site.answers.find(key)] == ["c", "d"]


def test_the_answer_used_longest_ago_goes_first(site, monkeypatch):
    monkeypatch.setattr(ready_module, "MOST", 2)
    for key in "ab":
        site.answers.fill(key, lambda: PAGE)
    site.answers.find("a")
    site.answers.fill("c", lambda: PAGE)
    assert [key for key in "abc" if site.answers.find(key)] == ["a", "c"]


def test_the_tag_names_the_bytes():
    assert PAGE.etag == Ready(b"page", "text/plain", NO_STORE).etag
    assert PAGE.etag != OTHER.etag


@pytest.mark.parametrize(
    "header",
    ["{tag}", "W/{tag}", '"x", {tag}', "*", ' {tag} , "y"'],
)
def test_a_client_that_has_the_bytes_is_told_so(header):
    response = respond(PAGE, request(if_none_match=header.format(tag=PAGE.etag)), vary="Accept")
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == PAGE.etag
    assert response.headers["cache-control"] == PAGE.cache_control
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize("header", ["", '"x"', PAGE.etag.strip('"'), OTHER.etag])
def test_other_clients_get_the_bytes(header):
    response = respond(PAGE, request(if_none_match=header))
    assert (response.status_code, response.body) == (200, b"page")


def test_only_success_is_ever_not_modified():
    lost = Ready(b"page", "text/html", NO_STORE, HTTPStatus.NOT_FOUND)
    assert respond(lost, request(if_none_match="*")).status_code == 404


# --- compressed -----------------------------------------------------------------------------------------------

LONG = Ready("检定有效 ".encode() * 200, "text/html; charset=utf-8", "public, max-age=60")


def test_an_answer_is_compressed_once(site, monkeypatch):
    kept = site.answers.fill("a", lambda: LONG)
    assert gzip.decompress(kept.packed) == LONG.body
    assert len(kept.packed) < len(LONG.body) / 10
    monkeypatch.setattr(ready_module.gzip, "compress", never)
    assert site.answers.find("a") is kept
    assert site.answers.fill("a", never) is kept


@pytest.mark.parametrize(
    "ready",
    [
        Ready(b"x" * 511, "text/html", "public"),
        Ready(b"x" * 5000, "application/octet-stream", "public"),
        Ready(hashlib.shake_128(b"seed").digest(5000), "text/plain", "public"),
    ],
    ids=["short", "tiles", "noise"],
)
def test_what_compressing_does_not_help_stays_as_it_is(ready):
    assert pack(ready) is ready


@pytest.mark.parametrize("accepted", ["gzip", "gzip, br", "br;q=1, gzip;q=0.5", "*", "deflate, *;q=0.1"])
def test_who_takes_it_gets_it_compressed(accepted):
    answer = respond(pack(LONG), request(accept_encoding=accepted), vary="Accept")
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept, Accept-Encoding")
    assert gzip.decompress(answer.body) == LONG.body
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity", "gzip;q=0, *", "*;q=0", "gzipped"])
def test_who_does_not_gets_it_plain(accepted):
    answer = respond(pack(LONG), request(accept_encoding=accepted))
    assert "content-encoding" not in answer.headers
    assert (answer.body, answer.headers["vary"]) == (LONG.body, "Accept-Encoding")


def test_the_two_forms_have_tags_of_their_own():
    ready = pack(LONG)
    plain = respond(ready, request()).headers["etag"]
    packed = respond(ready, request(accept_encoding="gzip")).headers["etag"]
    assert plain != packed
    assert respond(ready, request(accept_encoding="gzip", if_none_match=packed)).status_code == 304
    assert respond(ready, request(accept_encoding="gzip", if_none_match=plain)).status_code == 200
    assert respond(ready, request(if_none_match=plain)).status_code == 304
    assert respond(ready, request(if_none_match=packed)).status_code == 200


def test_what_stays_is_compressed_in_both_ways():
    ready = pack_for_good(LONG)
    assert (brotli.decompress(ready.denser), gzip.decompress(ready.packed)) == (LONG.body, LONG.body)
    assert len(ready.denser) < len(ready.packed)
    assert ready.size == len(ready.body) + len(ready.packed) + len(ready.denser)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br", "br"),
        ("*", "br"),
        ("br;q=0.5, gzip;q=0.5", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("identity", None),
        ("brotli", None),
        ("", None),
        ("br;q=nonsense", None),
    ],
)
def test_what_stays_is_sent_as_the_client_likes_it_best(accepted, coding):
    ready = pack_for_good(LONG)
    answer = respond(ready, request(accept_encoding=accepted))
    assert answer.headers.get("content-encoding") == coding
    read = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding]
    assert read(answer.body) == LONG.body
    assert answer.headers["etag"] == ready.tag(coding)
    known = respond(ready, request(accept_encoding=accepted, if_none_match=answer.headers["etag"]))
    assert known.status_code == 304
    assert len({ready.tag(one) for one in (None, *ready.codings)}) == 3


@pytest.mark.parametrize(
    "ready",
    [
        Ready(b"x" * 511, "text/html", "public"),
        Ready(b"x" * 5000, "application/octet-stream", "public"),
        Ready(b"x" * 5000, "application/wasm", "public"),
    ],
    ids=["short", "tiles", "WebAssembly"],
)
def test_what_brotli_does_not_help_has_none(ready):
    assert pack_for_good(ready).denser is None


def test_further_headers_stand_beside_ours_and_never_instead():
    answer = respond(LONG, request(), more={"X-More": "1", "Cache-Control": "private"})
    assert (answer.headers["x-more"], answer.headers["cache-control"]) == ("1", "public, max-age=60")


def test_no_more_bytes_are_kept_than_may_be(site, monkeypatch):
    monkeypatch.setattr(ready_module, "MOST_BYTES", 3 * 600)
    for name in "abcd":
        site.answers.fill(name, lambda: Ready(b"x" * 600, "application/octet-stream", "public"))
    assert [site.answers.find(name) is not None for name in "abcd"] == [False, True, True, True]
    site.answers.fill("e", lambda: Ready(b"x" * 9000, "application/octet-stream", "public"))
    assert [site.answers.find(name) is not None for name in "abcde"] == [False] * 4 + [True]
    site.state, site.seconds = 1, 100.0
    for name in "abc":
        site.answers.fill(name, lambda: Ready(b"x" * 600, "application/octet-stream", "public"))
    assert [site.answers.find(name) is not None for name in "abc"] == [True] * 3
