"""Documents of a region over HTTP: pages of the auditors' catalogue, and what becomes of answers that are none."""

import httpx2
import orjson
import pytest

from api.office.region_documents import RemoteCatalogue, find_at, find_documents
from ledger.core.errors import InputError, UnavailableError

URL = "https://auditor.example.cn"


def row(index, **changes):
    members = {
        "leaf_index": index,
        "document_leaf": index,
        "institution": "350100-01",
        "number": f"JY2026-{index:06d}",
        "instrument": "ab" * 16,
        "serial": "SN1",
        "category": "TAXIMETER",
        "verified_on": "2026-11-02",
        "status": "VALID",
    }
    return {**members, **changes}


def make_catalogue(*answers, asked=None):
    """Return a catalogue whose server gives these answers, one after the other."""
    left = list(answers)

    def answer(request):
        if asked is not None:
            asked.append((request.url.path, dict(request.url.params)))
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        status, body = found
        return httpx2.Response(status, content=body if isinstance(body, bytes) else orjson.dumps(body))

    return RemoteCatalogue(URL, transport=httpx2.MockTransport(answer))


def test_every_page_is_asked_for_and_acts_are_left_out():
    asked = []
    act = row(8, document_leaf=7, event="SUSPEND")
    catalogue = make_catalogue(
        (200, {"entries": [row(7), act], "next": "20-8"}), (200, {"entries": [row(9, part="2")]}), asked=asked
    )
    found = find_documents(catalogue, {"used": "type/2018F258-32"}, most=10)
    assert [(one.leaf_index, one.named.part) for one in found.rows] == [(7, None), (9, "2")]
    assert found.is_whole
    first, second = (given for _, given in asked)
    assert (first["used"], second["next"]) == ("type/2018F258-32", "20-8")
    assert {path for path, _ in asked} == {"/audit/entries"}


def test_more_than_was_asked_for_is_said():
    catalogue = make_catalogue((200, {"entries": [row(7), row(8)], "next": "20-8"}))
    found = find_documents(catalogue, {}, most=1)
    assert (len(found.rows), found.is_whole) == (1, False)


def test_one_document_is_found_by_its_leaf():
    asked = []
    catalogue = make_catalogue((200, {"entries": [row(7)]}), (200, {"entries": []}), asked=asked)
    assert find_at(catalogue, 7).named.number == "JY2026-000007"
    assert asked[0][1]["next"] == "8-6"
    assert find_at(catalogue, 7) is None


def test_a_wrong_filter_is_the_askers_fault():
    catalogue = make_catalogue((422, {"detail": "'X' is none of them", "field": "query.category"}))
    with pytest.raises(InputError, match="none of them") as refused:
        find_documents(catalogue, {"category": "X"}, most=1)
    assert refused.value.field == "category"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("refused"),
        (503, {}),
        (404, {"detail": "x"}),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, {"entries": [row(7, instrument="zz")]}),
        (200, {"entries": [row(7, number=None, institution=None) | {"instrument": None}]}),
        (200, {"entries": [{"leaf_index": 7, "document_leaf": 7}]}),
    ],
)
def test_what_cannot_be_read_is_out_of_reach_and_never_none(answer):
    with pytest.raises(UnavailableError):
        find_documents(make_catalogue(answer), {}, most=1)


@pytest.mark.parametrize("url", ["http://auditor.example.cn", "ftp://localhost", "nothing"])
def test_only_such_a_url_is_asked(url):
    with pytest.raises(InputError, match="--auditor"):
        RemoteCatalogue(url)
