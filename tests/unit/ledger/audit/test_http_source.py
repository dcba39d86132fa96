"""An audited log behind HTTP: what is missing is a contradiction, what cannot be reached is none."""

import gzip

import httpx2
import pytest
from ledger_in_memory import MemoryLedger
from published import publish

from ledger.audit.reading import FIELD, HttpSource, open_source
from ledger.audit.replay import audit_log
from ledger.core.errors import InputError, NotFoundError, UnavailableError
from ledger.http_client import make_client

LEDGER = MemoryLedger().found()
FILES = publish(LEDGER)
POLICY = LEDGER.policy()
LEAF_TILE = "tile/0/000.p/6"


def open_fake(answer, url="https://ledger.example/some/log/"):
    transport = httpx2.MockTransport(lambda request: answer(request.url.path.removeprefix("/some/log/")))
    return HttpSource(make_client(url, field=FIELD, transport=transport))


def serve(path, **changes):
    content = (FILES | changes).get(path)
    return httpx2.Response(404) if content is None else httpx2.Response(200, content=content)


@pytest.mark.parametrize("url", ["https://ledger.example/some/log", "https://ledger.example/some/log/"])
def test_a_log_below_any_address_holds(url):
    assert audit_log(open_fake(serve, url), POLICY).exit_code == 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_tile_that_the_server_does_not_have_is_a_contradiction(status):
    def answer(path):
        return httpx2.Response(status) if path == LEAF_TILE else serve(path)

    report = audit_log(open_fake(answer), POLICY)
    assert (report.contradiction.file, report.contradiction.reason) == (LEAF_TILE, "is missing")


@pytest.mark.parametrize("status", [301, 403, 429, 500, 503])
def test_a_server_that_does_not_answer_is_out_of_reach(status):
    def answer(path):
        return httpx2.Response(status, headers={"Location": "/"}) if path == LEAF_TILE else serve(path)

    with pytest.raises(UnavailableError, match=f"{LEAF_TILE}.*{status}"):
        audit_log(open_fake(answer), POLICY)


def test_a_connection_that_breaks_is_out_of_reach():
    def answer(path):
        raise httpx2.ConnectError(path)

    with pytest.raises(UnavailableError, match="out of reach"):
        audit_log(open_fake(answer), POLICY)


def test_a_server_without_a_checkpoint_is_no_log():
    with pytest.raises(NotFoundError):
        audit_log(open_fake(lambda path: serve(path, checkpoint=None)), POLICY)


def test_an_answer_without_end_is_cut():
    with pytest.raises(UnavailableError, match="more than it should"):
        audit_log(open_fake(lambda path: serve(path, **{LEAF_TILE: bytes(8193)})), POLICY)


def test_compressed_answers_are_read():
    def answer(path):
        content = gzip.compress(FILES[path])
        return httpx2.Response(200, content=content, headers={"Content-Encoding": "gzip"})

    assert audit_log(open_fake(answer), POLICY).exit_code == 0


def test_a_receipt_that_comes_in_between_is_not_newer_than_the_checkpoint():
    asked = []

    def answer(path):
        asked.append(path)
        return serve(path)

    audit_log(open_fake(answer), POLICY)
    assert asked[:2] == ["anchors.json", "checkpoint"]


@pytest.mark.parametrize(
    "place", ["http://ledger.example", "ftp://ledger.example", "https://", "s3://log", "nowhere"]
)
def test_what_is_neither_folder_nor_address_is_wrong_input(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=FIELD), open_source(place):
        pass
