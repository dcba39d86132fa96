"""A day of sign-off over HTTP: a LIMS hands in, three people sign, nothing twice, keys opened for one action."""

import json
import re
from dataclasses import replace

import pytest
from desk_world import document
from office_world import APPLICATION, OTHER, begin_draft, find_form_token, open_office_world
from signoff_world import person_content
from world import AUTHORITY, INSTITUTION, ORIGIN

from api.office.call import Office
from api.office.draft_form import begin_content, list_fields, list_readings, read_content
from api.office.roles import OfficeRole
from issuer.tables import DocumentState
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.person import encode_person_content
from ledger.home import create_home
from ledger.keystore import KeyAlgorithm
from ledger.passphrase import Passphrase

SECRET = "the long pass phrase of P-op"
STAFF = {
    "op": ("P-op", OfficeRole.OPERATOR),
    "ch": ("P-ch", OfficeRole.CHECKER),
    "ap": ("P-ap", OfficeRole.APPROVER),
}


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=("auditor",)) as world:
        for name, (pid, role) in STAFF.items():
            world.enrol(name, frozenset({role}), pid=pid)
        world.lims = world.add_machine("lims")
        yield world


def call_machine(world, method, path, body=None, code=200, **headers):
    raw = b"" if body is None else json.dumps(body).encode()
    signed = world.sign(world.lims, method, path, raw)
    answer = world.client().request(
        method, path, content=raw, headers={**signed, "Content-Type": "application/json", **headers}
    )
    assert answer.status_code == code, answer.text
    return answer.json()


def call_person(world, name, path, body, code=200):
    browser = world.browser(name)
    answer = browser.post(path, json=body, headers={"X-Form-Token": browser.form_token})
    assert answer.status_code == code, answer.text
    return answer.json()


def hand_in(world, *numbers, **headers):
    """Let the LIMS accept an application and make drafts; return their ids."""
    application = call_machine(
        world, "POST", "/api/applications", {**APPLICATION, "accepted_by": "P-op"}, 201
    )["application"]
    body = {"application": application, "operator": "P-op", "drafts": [begin_draft(one) for one in numbers]}
    return [
        one["draft"] for one in call_machine(world, "POST", "/api/drafts", body, 201, **headers)["drafts"]
    ]


def documents(world):
    with world.office.tenants[INSTITUTION].desk.read() as desk:
        return list(desk.list_documents())


def test_a_lims_hands_in_and_three_people_sign(world):
    ids = hand_in(world, 1, 2, 3)
    assert hand_in(world, 1, 2, 3) == ids, "the same again is the same"
    done = call_person(
        world, "op", "/api/desk/submit", {"drafts": ids, "checker": "P-ch", "approver": "P-ap"}
    )
    assert [one["number"] for one in done["done"]] == [f"JY2026-{number:06d}" for number in (1, 2, 3)]
    assert len(call_person(world, "ch", "/api/desk/check", {"drafts": ids})["done"]) == 3
    batch = call_person(world, "ap", "/api/batches", {"drafts": ids}, 201)
    path = f"/api/batches/{batch['batch']}/approve"
    refused = call_person(world, "ap", path, {}, 409)
    assert "open these drafts of the sample first: 1, 2, 3" in refused["detail"]
    for draft in batch["to_open"]:
        assert call_person(world, "ap", f"/api/drafts/{draft}/open", {})["opened"]
    done = call_person(world, "ap", path, {})
    assert len(done["done"]) == 3
    assert call_person(world, "ap", path, {})["done"] == done["done"]
    assert [one.state for one in documents(world)] == [DocumentState.LOGGED] * 3
    whole = call_machine(world, "GET", f"/api/drafts/{ids[0]}")
    assert whole["document"]["state"] == "logged"
    assert [one["action"] for one in whole["history"]] == ["create", "submit", "check", "approve"]


def test_an_idempotency_key_is_one_request(world):
    application = call_machine(
        world, "POST", "/api/applications", {**APPLICATION, "accepted_by": "P-op"}, 201
    )["application"]
    value = begin_draft(1)
    del value["request_id"]
    body = {"application": application, "operator": "P-op", "drafts": [value]}
    key = {"Idempotency-Key": "lims-77"}
    first = call_machine(world, "POST", "/api/drafts", body, 201, **key)
    assert call_machine(world, "POST", "/api/drafts", body, 201, **key) == first
    assert first["drafts"][0]["request_id"] == "lims-77/0"
    other = {**body, "drafts": [{**value, "adjusted": True}]}
    problem = call_machine(world, "POST", "/api/drafts", other, 409, **key)
    assert "belongs to a draft with other content" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "mention"),
    [
        ({}, 422, "application"),
        ({"application": 1, "operator": "P-op", "drafts": []}, 422, "drafts"),
        ({"application": 1, "operator": "P-op", "drafts": [1]}, 422, "drafts[0]"),
        ({"application": 99, "operator": "P-op", "drafts": [{}]}, 404, "no application 99"),
        ({"application": 1, "drafts": [{}]}, 422, "operator"),
        ({"application": 1, "operator": "P-op", "drafts": [{}], "x": 1}, 422, "unknown member"),
        ({"application": 1, "operator": "P-op", "drafts": [{"persons": []}]}, 422, "persons"),
    ],
)
def test_what_a_lims_sends_in_error(world, body, status, mention):
    hand_in(world, 9)
    problem = call_machine(world, "POST", "/api/drafts", body, status)
    assert mention in json.dumps(problem, ensure_ascii=False)


@pytest.mark.parametrize("ids", [[], [0], ["1"], [True], [1.5], "1", [2**60]])
def test_ids_that_are_none(world, ids):
    call_person(world, "ch", "/api/desk/check", {"drafts": ids}, 422)


def test_one_refusal_is_the_answer_and_several_are_listed(world):
    (draft,) = hand_in(world, 1)
    problem = call_person(world, "ch", "/api/desk/check", {"drafts": [draft]}, 409)
    assert "is not open for the step" in problem["detail"]
    found = call_person(world, "ch", "/api/desk/check", {"drafts": [draft, 99]})
    assert [one["draft"] for one in found["refused"]] == [draft, 99]


def test_a_look_says_every_reason_and_keeps_nothing(world):
    value = begin_draft(1)
    value["results"][0]["points"][0]["measured"] = "20.09"
    found = call_machine(world, "POST", "/api/look", {"content": value, "operator": "P-op"})
    assert not found["may_be_submitted"]
    assert {one["code"] for one in found["faults"]} == {"LIMITS"}
    assert all(one["zh"] for one in found["faults"])
    assert call_machine(world, "GET", "/api/drafts")["drafts"] == []


def test_who_comes_later_gets_a_409_that_names_who_was_first(world):
    (draft,) = hand_in(world, 1)
    body = {"content": begin_draft(1, adjusted=True), "operator": "P-op", "sequence": 1}
    call_machine(world, "POST", f"/api/drafts/{draft}", body)
    body["content"] = begin_draft(1)
    problem = call_machine(world, "POST", f"/api/drafts/{draft}", body, 409)
    assert "P-op was first: edited draft 1" in problem["detail"]


def test_another_institution_sees_nothing_of_it(world):
    hand_in(world, 1)
    world.enrol("far", frozenset({OfficeRole.OPERATOR}), OTHER, pid="P-far")
    browser = world.browser("far", OTHER)
    assert browser.get("/api/drafts").json() == {"drafts": []}
    assert browser.get("/api/drafts/1").status_code == 404
    assert browser.get("/drafts/1").status_code == 404


def test_corrections_over_http(world):
    ids = hand_in(world, 1)
    finish(world, ids)
    body = {"number": "JY2026-000001", "reason": "WRONG_RESULT", "note": "示值抄错"}
    begun = call_person(world, "op", "/api/corrections", body, 201)
    request = begun["withdrawal"]["request"]
    problem = call_person(
        world,
        "op",
        "/api/desk/submit",
        {"drafts": [begun["draft"]], "checker": "P-ch", "approver": "P-ap"},
        409,
    )
    assert "is withdrawn before a new document" in problem["detail"]
    call_person(world, "op", f"/api/requests/{request}/decide", {"granted": True}, 403)
    decided = call_person(world, "ap", f"/api/requests/{request}/decide", {"granted": True})
    assert (decided["state"], decided["decided_by"]) == ("done", "P-ap")
    assert call_person(world, "ap", f"/api/requests/{request}/decide", {"granted": True}) == decided
    problem = call_person(
        world, "ch", f"/api/requests/{request}/decide", {"granted": False, "reason": "x"}, 409
    )
    assert "P-ap was first" in problem["detail"]


def finish(world, ids):
    call_person(world, "op", "/api/desk/submit", {"drafts": ids, "checker": "P-ch", "approver": "P-ap"})
    call_person(world, "ch", "/api/desk/check", {"drafts": ids})
    batch = call_person(world, "ap", "/api/batches", {"drafts": ids}, 201)
    for draft in batch["to_open"]:
        call_person(world, "ap", f"/api/drafts/{draft}/open", {})
    call_person(world, "ap", f"/api/batches/{batch['batch']}/approve", {})


# --- pages --------------------------------------------------------------------------------------------------


def post(world, browser, path, data, code=200):
    answer = world.post(browser, path, data)
    assert answer.status_code == code, answer.text
    return answer


def read_form(page):
    """Return the fields of the form on a draft's page, as a browser would send them."""
    fields = dict(re.findall(r'<input id="f-[^"]*" name="([^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(r'<select id="f-[^"]*" name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields | {"sequence": re.search(r'name="sequence" value="(\d+)"', page)[1]}


def test_a_whole_day_on_pages_without_script(world):
    op, ch, ap = (world.browser(name) for name in ("op", "ch", "ap"))
    form = {"applicant": "福州示例石油有限公司", "what": "加油机", "received_on": "2026-11-01"}
    to = post(world, op, "/applications", form, 303).headers["location"]
    assert to == "/drafts/new?application=1"
    assert 'value="1" selected' in op.get(to).text
    to = post(
        world, op, "/drafts/new", {"application": "1", "category": "FUEL_DISPENSER", "points": "1"}, 303
    ).headers["location"]
    page = op.get(to).text
    fields = read_form(page)
    assert fields["results.0.item"] == "indication_error"
    assert fields["results.0.points.0.mpe"] == "0.30"
    fields |= fill_in()
    page = post(world, op, to.replace("edit", "judge"), fields).text
    assert "it may be submitted" in page, page
    assert post(world, op, to, fields, 303).headers["location"] == to
    page = post(world, op, "/drafts/submit", {"draft": "1", "checker": "P-ch", "approver": "P-ap"}).text
    assert "<b>Done: 1</b>" in page
    assert "JY2026-000001" in page
    assert "JY2026-000001" in ch.get("/checks").text
    page = post(world, ch, "/drafts/return", {"draft": "1", "reason": "铅封号不符", "from": "checker"}).text
    assert "<b>Done: 1</b>" in page
    page = op.get("/drafts").text
    assert "铅封号不符" in page
    assert "JY2026-000001" in op.get("/voided").text
    post(world, op, "/drafts/submit", {"draft": "1", "checker": "P-ch", "approver": "P-ap"})
    post(world, ch, "/checks", {"draft": "1"})
    to = post(world, ap, "/batches", {"draft": "1"}, 303).headers["location"]
    page = post(world, ap, f"{to}/approve", {}, 409).text
    assert "open these drafts of the sample first: 1" in page
    opened = post(world, ap, "/drafts/1/open", {}, 303).headers["location"]
    assert "20.02" in ap.get(opened).text
    assert "<b>Done: 1</b>" in post(world, ap, f"{to}/approve", {}).text
    (issued,) = documents(world)
    assert (issued.number, issued.state) == ("JY2026-000002", DocumentState.LOGGED)
    assert "JY2026-000002" in op.get("/drafts/1").text
    for path in ("/applications", "/drafts", "/drafts/new", "/drafts/1", "/corrections", "/voided"):
        zh = world.browser("op", language="zh").get(path)
        assert zh.status_code == 200
        assert 'lang="zh-CN"' in zh.text


def fill_in():
    value = document(1)
    return {
        "kind": "periodic",
        "verified_on": value["verified_on"],
        "conclusion": "pass",
        "adjusted": "false",
        "instrument.model": "EX-1224",
        "instrument.serial": "SN00000001",
        "instrument.maker": "示例机械有限公司",
        "instrument.site.division": "350102",
        **{
            f"standards.0.{name}": value["standards"][0][name]
            for name in ("id", "name", "exam_no", "range", "u")
        },
        "standards.0.exam_until": "2029-05-31",
        "results.0.unit": "L",
        "results.0.pass": "true",
        "results.0.points.0.nominal": "20.00",
        "results.0.points.0.measured": "20.02",
        "results.0.points.0.error": "0.10",
        "results.0.points.0.u": "0.05",
        "results.0.points.0.pass": "true",
        "results.1.pass": "true",
        "results.1.points.0.error": "0.03",
        "results.1.points.0.pass": "true",
        "seals.0.no": "A1001",
        "seals.0.point": "主板",
    }


def test_a_changed_reading_is_judged_row_by_row(world):
    """What htmx asks when a field changes, and the same by a button without script."""
    hand_in(world, 1)
    op = world.browser("op")
    fields = read_form(op.get("/drafts/1/edit").text)
    good = op.post(
        "/drafts/1/judge", data={**fields, "form_token": op.form_token}, headers={"HX-Request": "true"}
    ).text
    assert 'id="j-0-0" hx-swap-oob="true"' in good
    assert "✓" in good
    fields["results.0.points.0.measured"] = "20.09"
    bad = op.post(
        "/drafts/1/judge", data={**fields, "form_token": op.form_token}, headers={"HX-Request": "true"}
    ).text
    assert "✗" in bad
    assert "contradicts the error and its limit" in bad
    whole = post(world, op, "/drafts/1/judge", fields).text
    assert 'value="20.09"' in whole, "what was typed is still there"
    assert "contradicts the error and its limit" in whole
    assert "20.09" not in op.get("/drafts/1/edit").text, "and nothing was kept"


@pytest.mark.parametrize(
    ("path", "data", "mention"),
    [
        ("/applications", {"applicant": "", "what": "x"}, "applicant"),
        ("/applications", {"applicant": "a", "what": "x", "code": "1"}, "code"),
        ("/drafts/new", {"category": "SPACESHIP", "application": "1"}, "category"),
        ("/drafts/new", {"category": "FUEL_DISPENSER", "points": "99"}, "points"),
        ("/drafts/submit", {"checker": "P-ch", "approver": "P-ap"}, "draft"),
        ("/drafts/submit", {"draft": "1", "checker": "", "approver": "P-ap"}, "checker"),
        ("/corrections", {"number": "NONE", "reason": "TYPO", "note": "x"}, "NONE"),
        ("/corrections", {"number": "NONE", "reason": "WHY", "note": "x"}, "reason"),
        ("/corrections/requests", {"act": "erase", "number": "N", "reason": "TYPO", "note": "x"}, "act"),
    ],
)
def test_what_is_wrong_in_a_form_is_said_on_its_page(world, path, data, mention):
    hand_in(world, 1)
    answer = world.post(world.browser("op"), path, data)
    assert answer.status_code in {409, 422}
    assert 'role="alert"' in answer.text
    assert mention in answer.text


def test_a_persons_key_is_opened_by_their_passphrase_for_one_action(world, tmp_path):
    home = create_home(tmp_path / "home", origin=ORIGIN, development=True)
    label = home.keystore.create("p-op", KeyAlgorithm.ED25519, Passphrase(SECRET.encode()))
    signer = home.keystore.open_signer("p-op", Passphrase(SECRET.encode()))
    content = encode_person_content(person_content("P-op", key=label.public_key))
    gateway = world.gateway
    raw = gateway.world._register(
        EventType.PERSON, AUTHORITY, content, gateway.world.authority_key, endorsers=[signer]
    )
    from desk_world import apply

    apply(gateway.founded, gateway.states, raw, gateway.size)
    gateway.size += 1
    tenants = {**world.office.tenants, INSTITUTION: replace(world.office.tenants[INSTITUTION], home=home)}
    object.__setattr__(world.office, "tenants", tenants)
    assert isinstance(world.office, Office)
    ids = hand_in(world, 1)
    body = {"drafts": ids, "checker": "P-ch", "approver": "P-ap"}
    assert "passphrase" in call_person(world, "op", "/api/desk/submit", body, 422)["detail"]
    wrong = call_person(world, "op", "/api/desk/submit", {**body, "passphrase": "x" * 20}, 422)
    assert "passphrase is wrong" in wrong["detail"]
    short = call_person(world, "op", "/api/desk/submit", {**body, "passphrase": "x"}, 422)
    assert "16 characters" in short["detail"]
    refused = call_person(world, "op", "/api/desk/submit", {**body, "passphrase": SECRET}, 422)
    assert "has no registered key and would sign after" in refused["detail"]
    page = world.post(world.browser("op"), "/drafts/submit", {**body, "draft": "1", "passphrase": "x" * 20})
    assert SECRET not in page.text
    assert "x" * 20 not in page.text


def test_three_hundred_are_ticked_at_once(world):
    ids = hand_in(world, *range(1, 301))
    ticked = {"draft": [str(one) for one in ids], "checker": "P-ch", "approver": "P-ap"}
    assert "<b>Done: 300</b>" in post(world, world.browser("op"), "/drafts/submit", ticked).text
    many = {"draft": [str(one) for one in range(1, 1002)]}
    answer = world.post(world.browser("ch"), "/checks", many)
    assert (answer.status_code, "more than 1000 times" in answer.text) == (422, True)
    assert "<b>Done: 300</b>" in post(world, world.browser("ch"), "/checks", ticked).text


@pytest.mark.parametrize("path", ["/drafts/1/edit", "/api/drafts", "/drafts/submit"])
def test_a_stranger_sends_nothing_long(world, path):
    assert world.client().post(path, content=b"x" * 100_000).status_code == 401


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/drafts/7/edit", 512 * 1024), ("/drafts/7/8/edit", None), ("/drafts//edit", None), ("/login", None)],
)
def test_limits_of_paths_with_ids(path, limit):
    from api.office.application import BODY_LIMITS

    assert BODY_LIMITS.get(path) == limit


# --- the form -----------------------------------------------------------------------------------------------


def test_a_document_goes_through_the_form_unchanged():
    value = begin_draft(1)
    value.pop("request_id")
    fields = {one.path: one.value for one in list_fields(value)}
    for result in list_readings(value):
        for one in (*result.fields, *(field for row in result.rows for field in row)):
            fields[one.path] = one.value
    assert read_content({**fields, "Bad Name": "x", "../x": "y"}) == value
    del fields["environment.temperature.unit"]
    assert read_content(fields) == value


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"adjusted": "maybe"}, "adjusted"),
        ({"instrument.year": "x"}, "instrument.year"),
        ({"place": "x", "place.kind": "on_site"}, "place.kind"),
    ],
)
def test_fields_that_cannot_be(values, field):
    with pytest.raises(InputError) as refused:
        read_content(values)
    assert refused.value.field == field


@pytest.mark.parametrize("category", sorted({rule.category for rule in load_rule_book().rows}, key=str))
def test_every_category_has_a_beginning(category):
    from datetime import date

    content = begin_content(Category(category), date(2026, 11, 2), load_rule_book(), 3)
    assert content["instrument"]["category"] == category.name
    assert all("item" in result for result in content["results"])


def test_a_certificate_made_on_pages_parses(world):
    finish(world, hand_in(world, 1))
    with world.office.tenants[INSTITUTION].desk.read() as desk:
        raw = desk.fetch("JY2026-000001").certificate
    assert parse_certificate(raw).record.instrument.serial == "SN00000001"
    assert find_form_token("") == ""
