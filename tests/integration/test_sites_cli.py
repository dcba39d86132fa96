"""Sites and pledges through their commands, on SQLite and PostgreSQL; the poster's code resolves."""

import json

import httpx2
import pytest
from labels import read_texts
from line import HOST, Line, run, write_json
from served_home import serve, wait_until
from servers import postgres_server

OWNER = "350102-M7"
SITE = {
    "id": "M-01",
    "name": {"zh": "示例农贸市场", "en": "Example Market"},
    "division": "350102",
    "kind": "market",
    "instruments": ["02" * 16, "01" * 16],
    "fair_scales": ["02" * 16],
}
PLEDGE = {"text": {"zh": ["诚信经营，计量准确。"]}, "compensation": {"zh": ["短斤缺两，假一赔十。"]}}


class OwnersLine(Line):
    """A home whose desk is that of an owner."""

    def set_up_owner(self):
        self.found()
        self.run("anchor")
        self.run("authority", "keygen", "owner")
        self.owner = {
            "id": OWNER,
            "name": {"zh": "示例市场管理有限公司"},
            "division": "350102",
            "state": "active",
            "trade": "owner",
        }
        key = {"institution": OWNER, "state": "active"}
        self.run("authority", "submit", self.decide("institution", self.owner))
        self.run("authority", "submit", self.decide("key", key, endorsers=["owner"], new_key="owner"))
        self.own_file = write_json(self.out / "owner.json", {"institution": self.owner, "scopes": {}})

    def own(self, *words, code=0):
        return self.run(*words, "--institution", self.own_file, "--key", "owner", code=code)

    def register(self, code=0, **changes):
        members = {name: each for name, each in (SITE | changes).items() if each is not None}
        return self.own("sites", "register", write_json(self.out / "site.json", members), code=code)

    def pledge(self, *words, code=0, **changes):
        source = write_json(self.out / "pledge.json", PLEDGE | changes)
        return self.own("pledges", "make", source, *words, code=code)


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def line(request, tmp_path):
    """Return a home of an owner whose databases lie on one engine."""
    if request.param == "sqlite":
        line = OwnersLine(tmp_path)
        with line.chain():
            line.set_up_owner()
            yield line
        return
    server = request.getfixturevalue("postgres")
    with server.fresh_database() as url, server.fresh_database() as desk:
        line = OwnersLine(tmp_path, ["--database", url, "--desk-database", desk])
        with line.chain():
            line.set_up_owner()
            yield line


def test_a_site_and_its_pledge_from_the_command_to_the_wall(line):
    first = line.register()
    assert first["page"] == f"https://{HOST}/site/{OWNER}/M-01"
    assert (first["instruments"], first["fair_scales"]) == (2, 1)
    assert line.register() == first, "the same again changes nothing"
    (listed,) = line.own("sites", "list")["sites"]
    assert listed["leaf"] == first["leaf"]

    made = line.pledge("--site", "M-01")
    assert line.pledge("--site", "M-01") == made
    changed = line.pledge("--site", "M-01", until="2090-12-31")
    assert (made["state"], changed["state"], changed["until"]) == ("active", "changed", "2090-12-31")
    poster = line.out / "poster.pdf"
    printed = line.own("pledges", "poster", "--site", "M-01", "--paper", "a3", "--out", poster)
    assert printed["paper"] == "a3"
    (code,) = read_texts(poster.read_bytes(), line.out, 100)
    assert code == f"https://{HOST}/site/{OWNER}/M-01"

    with serve(line.home, "public") as server, httpx2.Client(base_url=server.url, trust_env=False) as client:
        path = code.removeprefix(f"https://{HOST}")
        page = client.get(path)
        assert page.status_code == 200
        for text in ("示例农贸市场", "自我承诺，未经核验", "短斤缺两，假一赔十。", "公平秤"):
            assert text in page.text
        assert client.get(f"{path}/due.ics").text.startswith("BEGIN:VCALENDAR")
        found = wait_until(lambda: find(client, site="农贸", division="350102"))
        assert found == [{"kind": "site", "path": path, "name": SITE["name"]}]
        gone = line.own("pledges", "withdraw", "--site", "M-01")
        assert gone["state"] == "withdrawn"
        shown = wait_until(lambda: look(client, path, "withdrawn"))
        assert [each["state"] for each in shown["versions"]] == ["withdrawn", "changed", "active"]
    refused = line.own("pledges", "poster", "--site", "M-01", "--out", poster, code=2)
    assert "no such pledge stands" in refused["error"]
    check_what_others_say(line)


def check_what_others_say(line):
    """Auditors find both kinds of events; a replay, and whoever reads everything again, find nothing wrong."""
    for event, count in (("SITE", 1), ("PLEDGE", 3)):
        rows = line.run("query", "--event", event)["entries"]
        assert [(each["event"], each["effect"], each["institution"]) for each in rows] == [
            (event, True, OWNER)
        ] * count
        assert event == "PLEDGE" or rows[0]["division"] == "350102"
    line.run("anchor")
    log = line.out / "log"
    line.run("log", "export", log)
    audit = run("audit", "--from", log, "--policy", line.policy, "--json")
    assert audit.code == 0, audit
    counted = {name: audit.members["events"][name] for name in ("SITE", "PLEDGE")}
    assert counted == {"SITE": {"effective": 1, "void": 0}, "PLEDGE": {"effective": 3, "void": 0}}
    line.run("doctor", "--deep")


def find(client, **query):
    answer = client.get("/find", params=query, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()["hits"] or None


def look(client, path, shown):
    (pledge,) = client.get(path, headers={"Accept": "application/json"}).json()["pledges"]
    return pledge if pledge["shown"] == shown else None


def test_words_that_are_wrong_are_named(tmp_path):
    line = OwnersLine(tmp_path)
    with line.chain():
        line.set_up_owner()
        line.register()
        for changes, reason in (
            ({"id": "m 1"}, "id"),
            ({"division": "福州"}, "division"),
            ({"division": "350203"}, "outside that of"),
            ({"fair_scales": ["03" * 16]}, "fair_scales"),
            ({"instruments": ["01"]}, "instruments"),
            ({"owner": "350100-01"}, "owner"),
        ):
            assert reason in json.dumps(line.register(code=2, **changes), ensure_ascii=False)
        assert "until" in json.dumps(line.pledge(code=2, until="2020-01-01"))
        assert "text.zh" in json.dumps(line.pledge(code=2, text={"zh": []}))
        assert "--site" in json.dumps(line.pledge("--site", "no such", code=2))
        assert "is not in use" in json.dumps(line.pledge("--site", "M-99", code=2))
        for words in (("--site", "M-99"), ("--site", "M-01")):
            refused = line.own("pledges", "poster", *words, "--out", line.out / "x.pdf", code=2)
            assert "not entered" in str(refused) or "no such pledge" in str(refused)
        missing = run("sites", "register", line.out / "absent.json", "--home", line.home)
        assert missing.code == 2


def test_a_home_that_cannot_be_written_serves_all_but_the_search(tmp_path):
    line = OwnersLine(tmp_path)
    with line.chain():
        line.set_up_owner()
        line.register()
        (line.home / "search.lock").mkdir()
        with (
            serve(line.home, "public") as server,
            httpx2.Client(base_url=server.url, trust_env=False) as client,
        ):
            assert client.get(f"/site/{OWNER}/M-01").status_code == 200
            assert client.get("/healthz").status_code == 200
            assert client.get("/find").status_code == 200, "the form asks nobody"
            away = client.get("/find", params=ASKED)
            assert (away.status_code, "暂时无法查询" in away.text) == (503, True)
            (line.home / "search.lock").rmdir()
            back = wait_until(lambda: _find_hit(client))
            assert back["path"] == f"/site/{OWNER}/M-01"
            _, _, err = server.stop()
        assert "nothing is found until the database of the search can be used" in err


ASKED = {"site": "示例", "division": "350102"}


def _find_hit(client):
    answer = client.get("/find", params=ASKED, headers={"Accept": "application/json"})
    hits = answer.json()["hits"] if answer.status_code == 200 else []
    return hits[0] if hits else None
