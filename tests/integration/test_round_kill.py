"""kill -9 while a device brings findings back, and while stickers are bound: each is there once, and none is lost.

A real server on a real home, on each database; the device is a client that signs as the page does.
`HENGZHENG_LONG=1` kills at every place.
"""

import base64
import hashlib
import os
import re
import signal
from datetime import UTC, datetime

import httpx2
import pytest
from line import DAY, run_process
from office_browser import PASSWORD, Office
from registered_line import STANDARD
from served_home import serve
from signoff_line import APPROVER, OPERATOR, SignOffLine

from issuer.rounds.content import parse_round
from issuer.rounds.finding import FINDING_DOMAIN, encode_device_claim
from issuer.rounds.judging import Series, compute_results
from issuer.rounds.store import RoundStore
from issuer.signoff.store import SignOffStore
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import encode_instant
from ledger.core.signature import P256Signer
from ledger.core.sticker import compute_sticker_id, parse_roll_content
from ledger.failpoint import KILL_VARIABLE
from ledger.store.engine import Database

PUMPS = 3
READINGS = (("20.00", "20.02"), ("20.00", "20.03"), ("20.00", "20.02"))
PLACES = (
    "rounds.drafted:3",
    "rounds.before_keeping:2",
    *(
        ("signoff.before_creating:2", "rounds.drafted:1", "rounds.kept:2")
        if os.environ.get("HENGZHENG_LONG") == "1"
        else ()
    ),
)
"""In the middle of a request of three findings: before and after the draft, within and after the transaction."""


class Client:
    """A browser of the operator, which outlives the server's processes."""

    def __init__(self, office):
        self.office, self.cookies = office, {}

    def on(self, url):
        """Return a client for the process that serves now."""
        headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
        return httpx2.Client(base_url=url, headers=headers, cookies=self.cookies, trust_env=False, timeout=60)

    def log_in(self, url, name, tenant):
        with self.on(url) as client:
            form = {"tenant": tenant, "name": name, "password": PASSWORD}
            answer = client.post("/login", data={**form, "code": self.office.recovery[name].pop()})
            assert answer.status_code == 303, answer.text
            self.cookies = dict(client.cookies)

    def post_form(self, url, path, form):
        with self.on(url) as client:
            token = re.search(r'name="form_token" value="(\w+)"', client.get("/account").text)[1]
            answer = client.post(path, data={"form_token": token, **form})
            assert answer.status_code == 303, answer.text
            return answer.headers["location"]

    def ask(self, url, path):
        with self.on(url) as client:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.content

    def post(self, url, path, body):
        with self.on(url) as client:
            token = client.get("/api/round/session").json()["form_token"]
            return client.post(path, json=body, headers={"X-Form-Token": token})


class Desk:
    """A home with a round of pumps, served again and again."""

    def __init__(self, folder, *options):
        self.line = SignOffLine(folder, options)
        self.line.init()
        self.line.set_up_authority()
        self.line.register()
        self.line.sign_all(self.line.draft(*range(1, PUMPS + 1)))
        roll = folder / "roll.json"
        self.line.run("stickers", "allot", 1000, "--out", roll, "--institution", self.line.institution)
        self.roll = parse_roll_content(roll.read_bytes())
        words = ("--display", "林示例", "--pid", OPERATOR, "--role", "operator")
        self.account = self.line.run("office", "account", "add", "lin", *words)
        with serve(self.line.home, "office") as server:
            self.prepare(server.url)

    def prepare(self, url):
        office = Office(url)
        office.recovery = {"lin": office.enrol("lin", self.account["code"], self.account["institution"])}
        self.client = Client(office)
        self.client.log_in(url, "lin", self.account["institution"])
        application = {
            "applicant": "福州示例石油有限公司",
            "what": "燃油加油机",
            "received_on": DAY.isoformat(),
        }
        self.client.post_form(url, "/applications", application)
        page = self.client.ask(url, "/rounds/new").decode()
        chosen = re.findall(r'name="instrument" value="([^"]+)"', page)
        form = {"title": "加油站", "application": "2", "u": "0.05", "k": "2", "instrument": chosen}
        self.round = self.client.post_form(url, "/rounds", form).rpartition("/")[2]
        self.raw = self.client.ask(url, f"/api/rounds/{self.round}")

    def register_device(self, url, number):
        signer = P256Signer(number.to_bytes(32, "big"))
        claim = encode_device_claim("平板", signer.public_key, OPERATOR, self.account["institution"])
        body = {
            "label": "平板",
            "key": signer.public_key.raw.hex(),
            "signature": base64.b64encode(signer.sign(claim)).decode(),
        }
        answer = self.client.post(url, "/api/devices", body)
        assert answer.status_code == 201, answer.text
        return signer, answer.json()["device"]

    def write(self, signer, device, number):
        """Return what a device sends of every pump, each with a sticker."""
        round_ = parse_round(self.raw)
        findings = []
        for item in round_.items:
            results = compute_results(
                [Series("indication_error", None, READINGS)], round_.measure(round_.items[item])
            )
            id_ = compute_sticker_id(self.roll, number * 10 + int(item))
            value = {
                "v": 1,
                "round": round_.id,
                "round_digest": hashlib.sha256(self.raw).hexdigest(),
                "device": device,
                "item": item,
                "revision": 1,
                "made_at": encode_instant(datetime.now(UTC).replace(microsecond=0)),
                "verified_on": DAY.isoformat(),
                "nameplate": "agrees",
                "seals_before": "intact",
                "adjusted": False,
                "standards": [STANDARD["id"]],
                "results": results,
                "conclusion": "pass",
                "seals": [],
                "stickers": [{"id": id_}],
            }
            raw = encode_canonical_json(value)
            signature = signer.sign(FINDING_DOMAIN + raw)
            findings.append(
                {
                    "finding": base64.b64encode(raw).decode(),
                    "signature": base64.b64encode(signature).decode(),
                }
            )
        return findings

    def send(self, url, findings):
        sent_at = encode_instant(datetime.now(UTC).replace(microsecond=0))
        return self.client.post(
            url, f"/api/rounds/{self.round}/findings", {"sent_at": sent_at, "findings": findings}
        )

    def look(self, device):
        """Return what the desk has of a device: its findings, their drafts, and the stickers of these."""
        database = Database(self.line.opened.desk_database_url)
        try:
            rounds = RoundStore(database)
            with rounds.read() as reading:
                findings = [one for one in reading.list_findings(self.round) if one.device == device]
                stickers = reading.find_stickers([one.draft for one in findings])
            store = SignOffStore(database, self.account["institution"], self.line.opened.origin)
            with store.read() as desk:
                drafts = [one for one in desk.list_drafts() if f"/{device}/" in one.request_id]
        finally:
            database.close()
        return findings, drafts, stickers


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request, tmp_path):
    if request.param == "sqlite":
        yield Desk(tmp_path)
        return
    with request.getfixturevalue("postgres").fresh_database() as url:
        yield Desk(tmp_path, "--desk-database", url)


def test_killed_in_the_middle_of_a_sync_the_device_sends_again(desk):
    for number, place in enumerate(PLACES, start=1):
        with serve(desk.line.home, "office", **{KILL_VARIABLE: place}) as server:
            signer, device = desk.register_device(server.url, number)
            findings = desk.write(signer, device, number)
            with pytest.raises(httpx2.TransportError):
                desk.send(server.url, findings)
            assert server.process.wait(60) == -signal.SIGKILL, place
        kept, drafts, _ = desk.look(device)
        assert len(kept) < PUMPS, f"{place}: it was killed before the end"
        assert len(kept) <= len(drafts) <= len(kept) + 1, place
        with serve(desk.line.home, "office") as server:
            again = desk.send(server.url, findings)
            assert again.status_code == 200, again.text
            assert desk.send(server.url, findings).json() == again.json(), "a third time changes nothing"
        check(desk, device, findings, again.json()["findings"])
    bind_and_kill(desk, device)


def bind_and_kill(desk, device):
    """Approve what the last device has brought; killed between two stickers, the same command binds the rest."""
    line = desk.line
    _, drafts, _ = desk.look(device)
    ids = [one.id for one in drafts]
    assert not line.submit(ids)["refused"]
    assert not line.check_drafts(ids)["refused"]
    batch = line.draw(ids)
    decided = [word for one in ids for word in ("--decided", one)]
    words = ("desk", "approve", batch, *line.signing(APPROVER), *decided, "--home", line.home, "--json")
    killed = run_process(*words, **{KILL_VARIABLE: "rounds.bound:2"})
    assert killed.code == -signal.SIGKILL, killed
    done = line.check(run_process(*words))
    assert [one["state"] for one in done["stickers"]] == ["bound"] * (PUMPS - 1), (
        "the first was settled before"
    )
    bound = line.run("stickers", "list", "--institution", line.institution)["bound"]
    assert len({one["instrument"] for one in bound}) == len(bound) == PUMPS
    _, _, stickers = desk.look(device)
    leaves = [one.leaf_index for listed in stickers.values() for one in listed]
    assert {one.state for listed in stickers.values() for one in listed} == {"bound"}
    assert len(set(leaves)) == PUMPS
    assert "stickers" not in line.check(run_process(*words)), "nothing is left"


def check(desk, device, findings, answers):
    """Every finding is there once, with one draft and its sticker, byte for byte as it was signed."""
    assert [one["state"] for one in answers] == ["drafted"] * PUMPS, answers
    kept, drafts, stickers = desk.look(device)
    sent = [base64.b64decode(one["finding"]) for one in findings]
    assert sorted(one.content for one in kept) == sorted(sent)
    assert sorted(one.draft for one in kept) == sorted(one.id for one in drafts)
    assert [one["draft"] for one in answers] == [one.draft for one in sorted(kept, key=lambda one: one.item)]
    assert {draft: len(listed) for draft, listed in stickers.items()} == {one.id: 1 for one in drafts}
