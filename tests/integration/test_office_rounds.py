"""Rounds over HTTP: what a device may ask for and bring back, and what it is told when it may not."""

import base64
import hashlib

import orjson
import pytest
from office_world import HOST, OTHER, open_office_world
from rounds_world import READINGS
from world import INSTITUTION

from api.office.roles import OfficeRole
from api.office.routes.round_api import _FILES, MAX_BODY_BYTES, write_worker
from issuer.rounds.content import parse_round
from issuer.rounds.finding import FINDING_DOMAIN, encode_device_claim
from issuer.rounds.judging import Series, compute_results
from ledger.core.canonical import as_object, encode_canonical_json, parse_canonical_json
from ledger.core.signature import P256Signer

OPERATOR = "P-op"


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=("administrator", "approver")) as world:
        for tenant in (INSTITUTION, OTHER):
            world.enrol("op", frozenset({OfficeRole.OPERATOR}), tenant, pid=OPERATOR)
        world.enrol("op2", frozenset({OfficeRole.OPERATOR}), pid="P-op2")
        world.round = world.go_round()["round"]
        world.foreign = world.go_round(OTHER)["round"]
        yield world


def post(browser, path, body, code=200):
    answer = browser.post(path, json=body, headers={"X-Form-Token": browser.form_token})
    assert answer.status_code == code, answer.text
    return answer.json()


def claim(number=1, *, person=OPERATOR, label="平板", institution=INSTITUTION):
    signer = P256Signer(number.to_bytes(32, "big"))
    signature = signer.sign(encode_device_claim(label, signer.public_key, person, institution))
    return {
        "label": label,
        "key": signer.public_key.raw.hex(),
        "signature": base64.b64encode(signature).decode(),
    }


def write_finding(raw_round, device, *, number=1, **changes):
    """Return a finding as the page sends it."""
    round_ = parse_round(raw_round)
    item = round_.items["1"]
    results = compute_results([Series("indication_error", "1", READINGS)], round_.measure(item))
    value = {
        "v": 1,
        "round": round_.id,
        "round_digest": hashlib.sha256(raw_round).hexdigest(),
        "device": device,
        "item": "1",
        "revision": 1,
        "made_at": "2026-11-03T07:50:00Z",
        "verified_on": "2026-11-02",
        "nameplate": "agrees",
        "seals_before": "intact",
        "adjusted": False,
        "standards": ["STD-1"],
        "results": results,
        "conclusion": "pass",
        "seals": [],
        "stickers": [],
        **changes,
    }
    raw = encode_canonical_json(value)
    signature = P256Signer(number.to_bytes(32, "big")).sign(FINDING_DOMAIN + raw)
    return {"finding": base64.b64encode(raw).decode(), "signature": base64.b64encode(signature).decode()}


SENT_AT = "2026-11-03T08:05:00Z"


def bring(world, browser, *findings, code=200, round_=None):
    body = {"sent_at": SENT_AT, "findings": list(findings)}
    return post(browser, f"/api/rounds/{round_ or world.round}/findings", body, code)


@pytest.fixture
def browser(world):
    browser = world.browser("op")
    browser.device = post(browser, "/api/devices", claim(), 201)["device"]
    browser.raw = browser.get(f"/api/rounds/{world.round}").content
    return browser


def test_a_device_takes_a_round_along_and_brings_a_finding_back(world, browser):
    session = browser.get("/api/round/session").json()
    assert (session["person"], session["institution"]) == (OPERATOR, INSTITUTION)
    assert [one["id"] for one in browser.get("/api/rounds").json()["rounds"]] == [world.round]
    finding = write_finding(browser.raw, browser.device)
    first = bring(world, browser, finding)
    assert first["findings"][0]["state"] == "drafted", first
    assert first["findings"][0]["digest"] == hashlib.sha256(base64.b64decode(finding["finding"])).hexdigest()
    assert bring(world, browser, finding) == first, "the same again"
    page = browser.get(f"/drafts/{first['findings'][0]['draft']}")
    assert page.status_code == 200


def test_the_owner_is_not_downloaded(browser):
    assert "福州示例石油有限公司".encode() not in browser.raw
    assert browser.raw == encode_canonical_json(orjson.loads(browser.raw))


def test_a_round_of_another_institution_is_not_found(world, browser):
    foreign = browser.get(f"/api/rounds/{world.foreign}")
    unknown = browser.get("/api/rounds/r-00000000000000aa")
    assert (foreign.status_code, foreign.json()["detail"]) == (404, unknown.json()["detail"])
    bring(world, browser, write_finding(browser.raw, browser.device), code=404, round_=world.foreign)
    page = browser.get(f"/rounds/{world.foreign}")
    assert page.status_code == 404


def test_a_finding_of_a_foreign_device_is_refused(world, browser):
    other = world.browser("op", OTHER)
    device = post(other, "/api/devices", claim(2, institution=OTHER), 201)["device"]
    (answer,) = bring(world, browser, write_finding(browser.raw, device, number=2))["findings"]
    assert (answer["state"], answer["reasons"][0]["code"]) == ("refused", "OTHER_DEVICE")


def test_a_device_belongs_to_who_registered_it(world, browser):
    other = world.browser("op2")
    (answer,) = bring(world, other, write_finding(browser.raw, browser.device))["findings"]
    assert (answer["state"], answer["reasons"][0]["code"]) == ("refused", "OTHER_DEVICE")
    body = post(other, "/api/devices", claim(person="P-op2"), 409)
    assert "registered before" in body["detail"]


def test_the_same_device_again_is_the_same(browser):
    assert post(browser, "/api/devices", claim(), 201)["device"] == browser.device


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "02" + "ff" * 32}, "key"),
        ({"key": "zz"}, "key"),
        ({"signature": base64.b64encode(bytes(64)).decode()}, "signature"),
        ({"signature": "AA=="}, "signature"),
        ({"label": ""}, "label"),
        ({"label": "another"}, "signature"),
    ],
)
def test_devices_that_are_not_registered(browser, change, field):
    body = post(browser, "/api/devices", {**claim(3), **change}, 422)
    assert body["field"] == field


def test_an_administrator_revokes_a_device(world, browser):
    finding = write_finding(browser.raw, browser.device)
    administrator = world.browser("administrator")
    answer = world.post(administrator, f"/devices/{browser.device}/revoke")
    assert answer.status_code == 303
    (answer,) = bring(world, browser, finding)["findings"]
    assert (answer["state"], answer["reasons"][0]["code"]) == ("refused", "DEVICE_REVOKED")
    post(browser, "/api/devices", claim(), 409)
    assert (
        "device-revoked" in administrator.get("/happenings").text
        or "device revoked" in administrator.get("/happenings").text
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sent_at": SENT_AT, "findings": []},
        {"sent_at": "now", "findings": [{"finding": "AA==", "signature": "AA=="}]},
        {"sent_at": SENT_AT, "findings": [{"finding": "AA=="}]},
        {"sent_at": SENT_AT, "findings": [{"finding": "not base64", "signature": "AA=="}]},
        {"sent_at": SENT_AT, "findings": [{}] * 51},
        {"sent_at": SENT_AT, "findings": [], "more": 1},
    ],
)
def test_requests_that_are_none(world, browser, body):
    post(browser, f"/api/rounds/{world.round}/findings", body, 422)


def test_bodies_beyond_the_limit_are_refused_unread(world, browser):
    path = f"/api/rounds/{world.round}/findings"
    headers = {"X-Form-Token": browser.form_token, "Content-Type": "application/json"}
    assert browser.post(path, content=b" " * (MAX_BODY_BYTES + 1), headers=headers).status_code == 413
    assert browser.post(path, content=b" " * 100_000, headers=headers).status_code == 422
    assert browser.post("/api/devices", content=b" " * 100_000, headers=headers).status_code == 413


def test_what_is_held_becomes_a_draft_by_its_operator(world, browser):
    finding = write_finding(browser.raw, browser.device, nameplate="differs", note="SN9")
    (answer,) = bring(world, browser, finding)["findings"]
    assert answer["state"] == "held"
    assert "NAMEPLATE" in [one["code"] for one in answer["reasons"]]
    page = browser.get(f"/rounds/{world.round}")
    assert "the nameplate was other" in page.text
    done = world.post(browser, f"/rounds/{world.round}/findings/2/draft")
    assert done.headers["location"] == "/drafts/1"
    again = world.post(browser, f"/rounds/{world.round}/findings/2/draft")
    assert again.status_code == 409
    assert "does not wait" in again.text


def test_an_approver_sees_two_devices_side_by_side(world, browser):
    other = post(browser, "/api/devices", claim(2, label="tablet 2"), 201)["device"]
    bring(world, browser, write_finding(browser.raw, browser.device))
    (second,) = bring(world, browser, write_finding(browser.raw, other, number=2, note="two"))["findings"]
    assert second["conflict"] is True
    page = world.browser("approver").get(f"/rounds/{world.round}").text
    assert "Two devices have verified this instrument" in page
    assert "平板" in page
    assert "tablet 2" in page
    assert page.count("/drafts/") == 2


def test_texts_of_devices_never_become_markup(world, browser):
    note = "<script>alert(1)</script>"
    bring(world, browser, write_finding(browser.raw, browser.device, note=note))
    page = browser.get(f"/rounds/{world.round}").text
    assert note not in page
    assert "&lt;script&gt;" in page


def test_a_sticker_that_nobody_gave_out_is_said_at_once_and_asked_again(world, browser):
    """The device is told; the round's page shows it to whoever approves, who may have it looked at again."""
    sent = write_finding(browser.raw, browser.device, stickers=[{"id": "7KQ2M9X001RCCF83", "part": "1"}])
    (answer,) = bring(world, browser, sent)["findings"]
    assert (answer["state"], [one["code"] for one in answer["flags"]]) == ("drafted", ["STICKER_UNKNOWN"])
    approver = world.browser("approver")
    for path in (f"/rounds/{world.round}", f"/drafts/{answer['draft']}"):
        page = approver.get(path).text
        assert "7KQ2-M9X0-01RC-CF83" in page
        assert "was never given out" in page
    assert world.post(approver, f"/rounds/{world.round}/stickers").status_code == 303
    assert world.post(browser, f"/rounds/{world.round}/stickers").status_code == 403
    assert "cannot be bound" in approver.get(f"/rounds/{world.round}").text


# --- preparing, and the page --------------------------------------------------------------------------------


def test_an_operator_prepares_a_round_of_what_was_verified(world, browser):
    from desk_world import document

    (number,) = world.issue(document(7))
    page = browser.get("/rounds/new")
    assert number in page.text
    form = {"title": "加油站", "application": "1", "instrument": number, "u": "0.05", "k": "2"}
    done = world.post(browser, "/rounds", form)
    assert done.status_code == 303, done.text
    assert "SN00000007" in browser.get(done.headers["location"]).text
    with world.office.tenants[INSTITUTION].rounds.read() as reading:
        (stored,) = reading.list_rounds(limit=1)
    assert as_object(parse_canonical_json(stored.content))["host"] == HOST, (
        "of the codes that its stickers have"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"application": "99"}, "choose the application"),
        ({"application": ""}, "choose the application"),
        ({"instrument": "JY2026-999999"}, "not on the list"),
        ({"title": ""}, "must be filled in"),
        ({"day": "soon"}, "is no day"),
        ({"u": "1e3"}, "plain decimal"),
        ({"k": ""}, "go together"),
        ({"kind": "in_service"}, "is one of"),
        ({"instrument": ""}, "not on the list"),
    ],
)
def test_rounds_that_are_not_prepared(world, browser, change, sentence):
    from desk_world import document

    (number,) = world.issue(document(7))
    form = {"title": "x", "application": "1", "instrument": number, "u": "0.05", "k": "2", **change}
    answer = world.post(browser, "/rounds", form)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_the_page_and_its_files_need_no_log_in_and_say_nothing(world):
    client = world.client()
    for path in ("/round/", "/round/worker.js", *(f"/round/{name}" for name in _FILES)):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "require-trusted-types-for 'script'" in answer.headers["content-security-policy"]
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert INSTITUTION not in answer.text
    assert client.get("/round/index.html").status_code == 404
    assert client.get("/api/rounds").status_code == 401


def test_the_worker_keeps_the_files_of_the_page_and_nothing_else():
    head = write_worker().decode().splitlines()[:2]
    assert orjson.loads(head[1].removeprefix("const FILES = ").removesuffix(";")) == [
        "/round/",
        *(f"/round/{name}" for name in _FILES),
    ]
