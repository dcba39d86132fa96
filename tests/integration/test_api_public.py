"""Codes, bundles, languages, caches, headers, status by number: what anybody may ask for."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from api_world import ENGLISH, FOUNDED, JSON, ApiWorld, entry, long_path
from page_reader import look, look_json
from starlette.testclient import TestClient
from world import make_signer

from api.app import create_app
from api.schemas.problems import ProblemShape
from api.schemas.verdicts import CertificatesAnswer, Health
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.errors import StoreUnavailableError
from ledger.core.event import EventType
from ledger.core.qr import compute_code, encode_digits, format_code
from ledger.core.step import Verdict
from verifier.report import report_members
from verifier.session import Session
from verifier.verify import verify_bundle

ANOTHER = {"no": "2026-0000101", "nonce": "ab" * 16}
FIELDS = (
    "SN00000001",
    "EX-1224",
    "示例机械有限公司",
    "燃油加油机",
    "2026-0000001",
    "福州市计量所",
    "2026年11月02日",
)


@pytest.fixture
def served():
    with ApiWorld() as world:
        world.found()
        yield world


@pytest.fixture
def valid(served):
    code = served.issue(1)
    served.anchor()
    return code


def cut_off(served):
    """Let nobody read the store."""

    def fail():
        raise StoreUnavailableError("postgresql://secret")

    served.store.read = fail


# --- long and short codes -----------------------------------------------------------------------------------


def test_both_codes_lead_to_the_same_verdict(served):
    issued = served.sign(1)
    code = served.submit(issued)
    served.anchor()
    assert look(served, long_path(issued)).style == look(served, f"/c/{code}").style == "valid"
    assert look_json(served, long_path(issued)) == look_json(served, f"/c/{code}")


def test_a_code_may_be_typed_as_people_type(served, valid):
    spellings = [valid.lower(), format_code(valid), format_code(valid).lower(), valid.replace("0", "O")]
    assert {look(served, f"/c/{spelling}").style for spelling in spellings} == {"valid"}


@pytest.mark.parametrize(
    "path",
    [
        "/c/",
        "/c/X",
        "/c/0000000000000001",
        "/c/UUUUUUUUUUUUUUUU",
        "/c/" + "0" * 65,
        "/c/%00",
        "/c/%F0%9F%98%80",
        "/c/0000000000000000/bundle.xml",
        "/q/",
        "/q/x",
        "/q/0",
        "/q/2000",
        "/q/1",
        "/q/1999",
        "/q/" + "1" * 517,
        "/q/" + "1" + "9" * 516,
        "/q/" + "1" * 1500,
        "/q/１２３４",
        "/q/1000",
        "/q/1000/bundle.json",
        "/c/1000/bundle.json",
    ],
)
def test_what_nobody_can_have_printed_is_not_found(served, path):
    for headers in ({}, JSON):
        response = served.client.get(path, headers=headers)
        assert response.status_code == 404
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("place", range(4))
def test_one_changed_symbol_of_a_code_is_found(served, valid, place):
    for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
        changed = valid[:place] + symbol + valid[place + 1 :]
        if changed != valid:
            assert look(served, f"/c/{changed}").style == "unknown"


def test_a_register_statement_has_no_page(served):
    for raw in served.world.founding():
        assert look(served, f"/c/{compute_code(raw)}").response.status_code == 404
        assert served.client.get(f"/c/{compute_code(raw)}/bundle.json").status_code == 404


def test_a_maphead_has_no_page(served, valid):
    for leaf in (item.leaf for item in served.store.data.entries if item.type == EventType.MAPHEAD):
        for path in (f"/c/{compute_code(leaf)}", f"/q/{encode_digits(leaf)}"):
            assert look(served, path).response.status_code == 404
            assert served.client.get(f"{path}/bundle.json").status_code == 404


def test_an_empty_log_knows_nothing():
    with ApiWorld() as served:
        page = look(served, "/c/0000000000000000")
        assert (page.response.status_code, page.style) == (404, "unchecked")


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_changed_statement_is_never_green_and_shows_no_field(served, place):
    issued = served.sign(1)
    served.submit(issued)
    served.anchor()
    raw = bytearray(issued.raw)
    raw[place] ^= 1 << place % 8
    page = look(served, f"/q/{encode_digits(bytes(raw))}")
    assert page.style in {"tampered", "unknown"}
    assert not [field for field in FIELDS[:6] if field in page.text]


# --- bundles ------------------------------------------------------------------------------------------------


def test_the_bundle_verifies_by_itself(served, valid):
    response = served.client.get(f"/c/{valid}/bundle.json")
    bundle = parse_bundle(response.content)
    report = verify_bundle(bundle, Session(served.policy, load_rule_book(), None), served.now)
    assert report.verdict is Verdict.VALID


def test_a_bundle_stays_until_the_next_anchor(served, valid):
    first = served.client.get(f"/c/{valid}/bundle.json")
    assert first.headers["cache-control"] == "public, max-age=60"
    known = {"If-None-Match": first.headers["etag"]}
    served.issue(2)
    second = served.client.get(f"/c/{valid}/bundle.json", headers=known)
    assert (second.status_code, second.content) == (304, b"")
    served.anchor()
    served.seconds += 2
    assert served.client.get(f"/c/{valid}/bundle.json", headers=known).status_code == 200


def test_a_bundle_that_is_not_anchored_is_kept_for_a_minute(served):
    path = f"/c/{served.issue(1)}/bundle.json"
    first = served.client.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    served.anchor()
    assert served.client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_bundle_is_saved_under_a_name_of_ours(served, valid):
    response = served.client.get(f"/c/{format_code(valid).lower()}/bundle.json")
    assert response.headers["content-disposition"] == f'attachment; filename="{valid}.bundle.json"'


def test_both_codes_give_the_same_bundle(served):
    issued = served.sign(1)
    code = served.submit(issued)
    assert served.client.get(f"{long_path(issued)}/bundle.json").content == (
        served.client.get(f"/c/{code}/bundle.json").content
    )


def test_the_page_leads_to_its_bundle(served, valid):
    for path in (f"/c/{valid}", long_path(served.sign(1))):
        page = look(served, path)
        (link,) = [attrs["href"] for attrs in page.find("a") if "bundle" in attrs["href"]]
        response = served.client.get(str(served.client.base_url.join(path).join(link).path))
        assert parse_bundle(response.content).leaf_index == FOUNDED


# --- language, headers, caches ------------------------------------------------------------------------------


def test_the_language_can_be_switched(served, valid):
    page = look(served, f"/c/{valid}")
    (link,) = [attrs for attrs in page.find("a") if attrs["href"].startswith("?")]
    assert link == {"href": "?lang=en", "lang": "en", "hreflang": "en"}
    switched = look(served, f"/c/{valid}{link['href']}")
    assert switched.headline == "Valid"
    (back,) = [attrs for attrs in switched.find("a") if attrs["href"].startswith("?")]
    assert back == {"href": "?lang=zh", "lang": "zh-CN", "hreflang": "zh-CN"}


def test_what_is_asked_for_outweighs_the_header(served, valid):
    assert look(served, f"/c/{valid}?lang=zh", **ENGLISH).headline == "检定有效"
    assert look(served, f"/c/{valid}?lang=xx", **ENGLISH).headline == "Valid"


def test_representations_are_not_mixed_up(served, valid):
    bodies = set()
    for headers in ({}, ENGLISH, JSON, {}, ENGLISH, JSON):
        response = served.client.get(f"/c/{valid}", headers=headers)
        assert response.headers["vary"] == "Accept, Accept-Language, Accept-Encoding"
        bodies.add((response.headers["content-type"], response.content))
    assert len(bodies) == 3


@pytest.mark.parametrize("headers", [{}, ENGLISH, JSON])
def test_a_page_is_sent_once(served, valid, headers):
    first = served.client.get(f"/c/{valid}", headers=headers)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = served.client.get(f"/c/{valid}", headers=headers | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_another_server_gives_the_same_page(served, valid):
    other = TestClient(create_app(served.parts("public")))
    assert other.get(f"/c/{valid}").headers["etag"] == served.client.get(f"/c/{valid}").headers["etag"]


def test_the_tag_changes_with_the_log(served, valid):
    before = served.client.get(f"/c/{valid}").headers["etag"]
    served.now += timedelta(minutes=1)
    served.issue(2)
    assert served.client.get(f"/c/{valid}").headers["etag"] != before, "data as of a later minute"


def test_what_the_log_does_not_hold_is_not_kept_anywhere(served):
    changed = bytearray(served.sign(1).raw)
    changed[-1] ^= 1
    tampered, unlogged = f"/q/{encode_digits(bytes(changed))}", long_path(served.sign(1))
    for path in (tampered, unlogged, f"/c/{compute_code(b'never')}"):
        for headers in ({}, JSON):
            assert served.client.get(path, headers=headers).headers["cache-control"] == "no-store"


def test_head_is_get_without_the_body(served, valid):
    for path in (f"/c/{valid}", f"/c/{valid}/bundle.json", "/checkpoint", "/healthz", "/c/x"):
        get, head = served.client.get(path), served.client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_public_can_be_changed(served, valid, method):
    for path in (f"/c/{valid}", "/checkpoint", "/healthz", "/certificates/x"):
        assert served.client.request(method, path).status_code == 405


@pytest.mark.parametrize(
    "path", ["/c/x", "/q/1", "/healthz", "/checkpoint", "/nothing", "/certificates/x", "/openapi.json"]
)
def test_every_answer_carries_the_security_headers(served, path):
    headers = served.client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert ("script-src 'self'" in policy) is headers["content-type"].startswith("text/html")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"].startswith("camera=()")
    assert "server" not in headers


def test_the_policy_names_the_style_sheet_of_the_page(served, valid):
    response = served.client.get(f"/c/{valid}")
    style = re.search("<style>(.*?)</style>", response.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["content-security-policy"]


# --- status by number ---------------------------------------------------------------------------------------


def test_a_number_gives_the_status_and_nothing_else(served, valid):
    response = served.client.get("/certificates/2026-0000001")
    CertificatesAnswer.model_validate(response.json())
    assert response.json() == {
        "number": "2026-0000001",
        "checked_on": "2026-11-02",
        "certificates": [{"issuer": "350100-01", "status": "VALID"}],
    }
    assert response.headers["cache-control"] == "public, max-age=60"
    assert not [field for field in FIELDS if field in response.text and field != "2026-0000001"]


def found_second(served):
    seal = make_signer("second seal")
    world = served.world
    raws = [
        world.institution("350100-02"),
        world.key("350100-02", seal),
        world.scope("350100-02"),
    ]
    assert all("index" in result for result in served.post([entry(raw) for raw in raws]).json()["results"])
    record = world.record(1, "350100-02", nonce="ee" * 16)
    record["instrument"]["id"] = "77" * 16
    return world.issue(1, record=record, seal=seal)


def test_each_institution_counts_on_its_own(served, valid):
    served.submit(found_second(served))
    found = served.client.get("/certificates/2026-0000001").json()["certificates"]
    assert found == [
        {"issuer": "350100-01", "status": "VALID"},
        {"issuer": "350100-02", "status": "PENDING"},
    ]
    one = served.client.get("/certificates/2026-0000001?issuer=350100-02").json()["certificates"]
    assert one == found[1:]


@pytest.mark.parametrize("number", ["福检字第2026/001号", "a b", "A/B/C", "x" * 64, "100%", "ä?", "#1"])
def test_any_number_can_be_asked_for(served, number):
    served.issue(1, no=number)
    response = served.client.get(f"/certificates/{quote(number, safe='')}")
    assert response.status_code == 200, response.text
    assert response.json()["number"] == number


@pytest.mark.parametrize(
    "path",
    [
        "2026-9999999",
        "x" * 65,
        "%00",
        "%0A",
        "%ED%A0%80",
        "2026-0000001?issuer=",
        "2026-0000001?issuer=CN-35",
        "",
    ],
)
def test_an_unknown_number_is_not_found(served, valid, path):
    response = served.client.get(f"/certificates/{path}")
    assert ProblemShape.model_validate(response.json()).status == 404


def test_among_many_institutions_the_caller_says_which(served, valid, monkeypatch):
    monkeypatch.setattr("api.routes.certificates.MAX_INSTITUTIONS", 0)
    served.seconds += 1
    problem = ProblemShape.model_validate(served.client.get("/certificates/2026-0000001").json())
    assert (problem.status, problem.field) == (422, "query.issuer")
    assert served.client.get("/certificates/2026-0000001?issuer=350100-01").status_code == 200


def test_a_number_follows_the_log(served, valid):
    served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    statuses = [
        served.client.get(f"/certificates/{number}").json()["certificates"][0]["status"]
        for number in ("2026-0000001", "2026-0000101")
    ]
    assert statuses == ["FAILED_SINCE", "FAILED"]


# --- the rest -----------------------------------------------------------------------------------------------


def test_health_tells_how_far_the_log_has_come(served, valid):
    served.issue(2)
    response = served.client.get("/healthz")
    Health.model_validate(response.json())
    assert response.json() == {"status": "ok", "tree_size": FOUNDED + 4, "anchored_size": FOUNDED + 2}


def test_a_server_that_cannot_look_is_not_healthy(served):
    cut_off(served)
    assert ProblemShape.model_validate(served.client.get("/healthz").json()).status == 503


def test_the_role_public_takes_nothing():
    with ApiWorld("public") as served:
        for path in ("/entries", "/subjects"):
            assert served.client.post(path, json={}).status_code == 404
        assert served.client.get("/registers").status_code == 404


def test_json_of_a_verdict_is_what_the_verifier_reports(served, valid):
    members = look_json(served, f"/c/{valid}")
    bundle = parse_bundle(served.client.get(f"/c/{valid}/bundle.json").content)
    report = verify_bundle(bundle, Session(served.policy, load_rule_book(), None), served.now)
    ours = json.loads(json.dumps(report_members(report)))
    for name in ("verdict", "authentic", "status", "environment", "document"):
        assert members[name] == ours[name]
    assert members["checks"][:18] == ours["checks"][:18]
