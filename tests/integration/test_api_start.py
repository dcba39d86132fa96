"""The page at the root of a site: what it is, and the ways on from there."""

import re
from urllib.parse import urljoin

import pytest
from api_world import ApiWorld
from page_reader import Page
from place_world import PlaceWorld
from reports_world import open_reports_world

from ledger.core.errors import StoreUnavailableError
from ledger.core.policy import compute_policy_digest
from ledger.store.engine import Database


@pytest.fixture
def world():
    with ApiWorld() as world:
        yield world


def links_of(page):
    return re.findall(r'<a [^>]*href="([^"]+)"', page.response.text)


def test_it_says_what_this_is_and_where_to_go(world):
    page = Page(world.client.get("/"))
    assert (page.response.status_code, page.headline) == (200, "计量器具检定查询")
    assert "扫码或上传文件核验" in page.text
    assert "不证明此刻称量准确" in page.text
    assert compute_policy_digest(world.policy).hex() in page.text
    assert f"第 {world.policy.version} 版" in page.text
    assert page.response.headers["content-language"] == "zh-CN"
    assert "script-src" not in page.response.headers["content-security-policy"]


def test_it_speaks_english_and_keeps_that_only_where_it_was_chosen(world):
    english = Page(world.client.get("/", headers={"Accept-Language": "en"}))
    assert english.headline == "Check a measuring instrument"
    assert "scan" in links_of(english)
    chosen = Page(world.client.get("/?lang=en"))
    assert {"scan?lang=en", "?lang=zh"} <= set(links_of(chosen))
    assert 'name="lang" value="en"' in chosen.response.text


def test_nothing_above_the_fold_speaks_of_how_it_is_done(world):
    for language in ("zh", "en"):
        shown = world.client.get(f"/?lang={language}").text.partition("<main>")[2].partition("<details>")[0]
        assert "12315" in shown
        assert not re.search(r"(?i)sha-256|hash|merkle|blockchain|anchor|哈希|区块链|存证", shown)


def test_it_leads_only_to_what_is_there(world, tmp_path):
    bare = links_of(Page(world.client.get("/")))
    assert not [link for link in bare if link.startswith(("find", "report"))]
    database = Database(f"sqlite:///{tmp_path}/search.db")
    with PlaceWorld(None, database) as places:
        links = links_of(Page(places.client.get("/")))
        assert {"find#by-plate", "find#by-site"} <= set(links)
        assert_they_answer(places.client, links)
    database.close()
    with open_reports_world(f"sqlite:///{tmp_path}/reports.db") as reports:
        links = links_of(Page(reports.client.get("/")))
        assert "report" in links
        assert_they_answer(reports.client, links)


def assert_they_answer(client, links):
    for link in links:
        assert not link.startswith(("/", "http")), "it works behind a path of its own"
        assert client.get(urljoin("/", link)).status_code == 200, link


def test_it_is_there_while_the_store_is_not(world, monkeypatch):
    def fail():
        raise StoreUnavailableError("the store is away")

    monkeypatch.setattr(world.store, "read", fail)
    assert world.client.get("/checkpoint").status_code == 503
    assert world.client.get("/").status_code == 200


def test_it_is_not_sent_again_to_whoever_has_it(world):
    first = world.client.get("/")
    assert first.headers["vary"].startswith("Accept-Language")
    again = world.client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert world.client.head("/").status_code == 200


def test_it_belongs_to_the_public_alone(world):
    assert world.client.get("/").status_code == 200
    with ApiWorld("ledger") as ledger:
        assert ledger.client.get("/").status_code == 404
