"""A file whose persons have keys over HTTP: no issue at once, each row one draft, sealed after three signatures."""

import base64
import json
import re

import pytest
from desk_world import document
from import_world import (
    NEW,
    alert,
    call_machine,
    documents,
    drafts,
    give_key,
    hand_in,
    kept,
    lines,
    open_keyed_world,
    row,
    secret,
    take,
    upload,
)
from office_world import APPLICATION, OTHER, begin_draft
from sheets import workbook
from world import INSTITUTION

from api.office.roles import OfficeRole
from api.office.routes import import_api
from issuer.signoff.states import DraftState
from issuer.tables import DocumentState


@pytest.fixture
def world(tmp_path):
    with open_keyed_world(tmp_path) as world:
        yield world


# --- the page -----------------------------------------------------------------------------------------------


def test_where_somebody_has_a_key_drafts_are_offered_and_nothing_else(world):
    path = hand_in(world, row(1), row(2))
    page = world.browser("op").get(path).text
    assert "P-ap, P-ch, P-op" in page
    assert "nothing is issued at once" in page
    assert f'action="{path}/drafts"' in page
    zh = world.browser("op", language="zh").get(path).text
    assert "不能直接签发" in zh
    assert f"{path}/issue" not in world.browser("ap").get(path).text
    answer = world.post(world.browser("ap"), f"{path}/issue", {"count": "2"})
    assert answer.status_code == 409
    assert "its operators make drafts of it" in alert(answer)
    assert documents(world) == []


def test_from_a_file_to_sealed_documents(world):
    path = hand_in(world, row(1), row(2), row(3), row(4, conclusion="perhaps"))
    take(world, path)
    page = world.browser("op").get(path).text
    assert "Drafts</h2>" in page or "Drafts (3)" in page
    assert "conclusion" in page, "what was wrong is still said"
    (link,) = re.findall(r'href="(/drafts\?import=[^"]+)"', page)
    form = world.browser("op").get(link.replace("&amp;", "&")).text
    ticked = re.findall(r'name="draft" value="(\d+)"[^>]* checked', form)
    assert len(ticked) == 3
    assert 'name="checker" value="P-ch"' in form
    assert 'name="approver" value="P-ap"' in form
    submit = {"draft": ticked, "checker": "P-ch", "approver": "P-ap", "passphrase": secret("P-op")}
    done = world.post(world.browser("op"), "/drafts/submit", {**submit, "import": kept(world, path).id})
    assert "<b>Done: 3</b>" in done.text
    assert "Open (0)" in done.text, "the page of this file's drafts, as before"
    ch, ap = world.browser("ch"), world.browser("ap")
    assert "<b>Done: 3</b>" in world.post(ch, "/checks", {"draft": ticked, "passphrase": secret("P-ch")}).text
    batch = world.post(ap, "/batches", {"draft": ticked}).headers["location"]
    for draft in ticked:
        world.post(ap, f"/drafts/{draft}/open")
    approved = world.post(ap, f"{batch}/approve", {"passphrase": secret("P-ap")})
    assert "<b>Done: 3</b>" in approved.text
    assert [one.state for one in documents(world)] == [DocumentState.LOGGED] * 3
    take(world, path, code=409)
    path = hand_in(world, row(1), row(2), row(3))
    assert "Drafts made" in world.browser("op").get(path).text
    take(world, path, {})
    assert (len(drafts(world)), len(documents(world))) == (3, 3), "sealed once each"


def test_more_than_a_thousand_rows_go_through_and_are_signed_in_two_goes(world):
    """One request makes all drafts; a page ticks a thousand of them."""
    path = hand_in(world, *(row(number) for number in range(1, 1002)))
    take(world, path)
    op = world.browser("op")
    page = op.get(path).text
    assert "Drafts (1001)" in page
    assert "The first 200 are shown." in page
    address = f"/drafts?import={kept(world, path).id}"
    for count, left in ((1000, 1), (1, 0)):
        ticked = re.findall(r'name="draft" value="(\d+)"[^>]* checked', op.get(address).text)
        assert len(ticked) == count
        form = {"draft": ticked, "checker": "P-ch", "approver": "P-ap", "passphrase": secret("P-op")}
        done = world.post(op, "/drafts/submit", {**form, "import": kept(world, path).id})
        assert f"<b>Done: {count}</b>" in done.text
        assert f"Open ({left})" in done.text
    assert {one.state for one in drafts(world)} == {DraftState.SUBMITTED}


def test_drafts_are_signed_in_groups_of_those_whom_their_rows_name(world):
    other = row(2)
    other["persons"][1]["pid"] = "P-op2"
    path = hand_in(world, row(1), other)
    take(world, path)
    op = world.browser("op")
    links = re.findall(r'href="(/drafts\?import=[^"]+)"', op.get(path).text)
    assert len(links) == 2
    for link, checker in zip(links, ("P-ch", "P-op2"), strict=True):
        form = op.get(link.replace("&amp;", "&")).text
        assert len(re.findall(r'name="draft" value="\d+"[^>]* checked', form)) == 1
        assert f'name="checker" value="{checker}"' in form
    both = op.get(f"/drafts?import={kept(world, path).id}").text
    assert 'name="checker" value=""' in both, "nobody is proposed for rows that name different people"


def test_a_draft_says_of_which_row_it_was_made(world):
    take(world, hand_in(world, row(1), row(2)))
    page = world.browser("op").get("/drafts/2").text
    assert "row 2 of the file" in page
    whole = call_machine(world, "GET", "/api/drafts/2")
    assert [one["row"] for one in whole["rows"]] == [2]


def test_a_workbook_keeps_its_rows_and_gives_its_errors_back(world):
    head = ["request_id", "kind", "instrument.serial", "operator.pid"]
    raw = workbook([head, ["x-1", "periodic", "SN1", "P-op"]])
    answer = upload(world, world.browser("op"), "round.xlsx", raw)
    path = answer.headers["location"]
    assert world.browser("op").get(f"{path}/errors.xlsx").status_code == 200
    refused = take(world, path, code=422)
    assert "no row may become a draft" in alert(refused)


def test_the_file_is_forgotten_once_every_row_is_a_draft(world):
    path = hand_in(world, row(1), row(2, operator="P-op2"))
    take(world, path)
    found = kept(world, path)
    assert (found.state, found.raw is None) == ("checked", False), "another operator's row is left"
    assert "P-op2 (1)" in world.browser("op").get(path).text
    mine = take(world, path, {"application": "1"}, name="op2")
    assert mine.headers["location"] == path
    found = kept(world, path)
    assert (found.state, found.raw, found.common) == ("drafted", None, None)
    assert found.done_by == world.accounts[INSTITUTION, "op2"]
    page = world.browser("op").get(path).text
    assert "Drafts made now: 1" in page
    assert f"{path}/drafts" not in page
    assert f"{path}/drop" not in page
    assert [one.people.operator for one in drafts(world)] == ["P-op", "P-op2"]


def test_who_has_no_row_makes_no_draft(world):
    path = hand_in(world, row(1))
    refused = take(world, path, code=422, name="op2")
    assert "each operator makes drafts of their own" in alert(refused)
    assert drafts(world) == []


def test_an_application_is_chosen_or_made_once(world):
    path = hand_in(world, row(1), row(2, operator="P-op2"))
    assert "application" in alert(take(world, path, {}, 422)).lower()
    assert "what" in alert(take(world, path, {**NEW, "what": ""}, 422)).lower()
    assert take(world, path, {**NEW, "code": "1"}, 422)
    assert take(world, path, {"application": "77"}, 422)
    take(world, path)
    other = take(world, path, {**NEW, "applicant": "另一委托方"}, 409, name="op2")
    assert "as application 1" in alert(other)
    take(world, path, NEW, name="op2")
    assert {one.application for one in drafts(world)} == {1}


def test_a_row_without_its_operator_is_of_whoever_makes_drafts_of_it(world):
    value = row(1)
    value["persons"] = value["persons"][1:]
    take(world, hand_in(world, value), name="op2")
    assert [one.people.operator for one in drafts(world)] == ["P-op2"]


def test_a_file_that_names_nobody_becomes_drafts(world):
    path = hand_in(world, begin_draft(1))
    assert "name nobody who answers for them" in world.browser("op").get(path).text
    take(world, path)
    assert [(one.people.checker, one.people.approver) for one in drafts(world)] == [(None, None)]


def test_a_file_of_persons_without_keys_is_issued_at_once(world):
    path = hand_in(world, document(1))
    assert f"{path}/drafts" not in world.browser("op").get(path).text
    refused = take(world, path, code=409)
    assert "an approver issues it at once" in alert(refused)


def test_a_key_registered_since_the_look_stops_the_issue(world, tmp_path):
    answer = upload(world, world.browser("ap"), "round.jsonl", lines(document(1)))
    path = answer.headers["location"]
    give_key(world, world.office.tenants[INSTITUTION].home, "P-checker")
    refused = world.post(world.browser("ap"), f"{path}/issue", {"count": "1"})
    assert refused.status_code == 409
    assert "upload the file again" in alert(refused)
    assert documents(world) == []


def test_drafts_of_a_file_of_another_institution_are_not_found(world):
    path = hand_in(world, row(1))
    take(world, path)
    world.enrol("far", frozenset({OfficeRole.OPERATOR}), OTHER, pid="P-far")
    browser = world.browser("far", OTHER)
    assert browser.get(f"/drafts?import={kept(world, path).id}").status_code == 404
    assert browser.get("/drafts?import=i-0").status_code == 404


def test_what_happens_to_a_file_is_noted_without_its_name(world):
    path = hand_in(world, row(1))
    take(world, path)
    with world.office.store.read() as office:
        found = [one for one in office.list_happenings(INSTITUTION, 50) if one.event.startswith("import-")]
    assert [one.event for one in found] == ["import-drafted", "import-checked"]
    assert all("round" not in one.detail and "sha256:" in one.detail for one in found)


# --- killed -------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path):
    """An office on either kind of database."""
    if request.param == "sqlite":
        with open_keyed_world(tmp_path) as world:
            yield world
        return
    server = request.getfixturevalue("postgres")
    with (
        server.fresh_database() as one,
        server.fresh_database() as two,
        server.fresh_database() as three,
        open_keyed_world(tmp_path, [one, two, three]) as world,
    ):
        yield world


PLACES = ("signoff.before_rows", "signoff.before_rows_commit", "signoff.rows_drafted", "imports.drafted")


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_the_same_request_makes_each_row_one_draft(site, monkeypatch, place):
    """At the second chunk, where there is one."""
    count, left = 260, [1 if place == "imports.drafted" else 2]
    path = hand_in(site, *(row(number) for number in range(1, count + 1)))

    def trap(name):
        left[0] -= name == place
        if name == place and left[0] == 0:
            raise Killed

    browser = site.browser("op")
    with monkeypatch.context() as patch:
        patch.setattr("api.office.tenants.failpoint", trap)
        patch.setattr("api.office.routes.imports.failpoint", trap)
        with pytest.raises(BaseException) as died:  # noqa: PT011 -- groups of the server hold it
            site.post(browser, f"{path}/drafts", NEW)
        assert find_killed(died.value)
    made = len(drafts(site))
    assert made == {"signoff.before_rows": 256, "signoff.before_rows_commit": 256}.get(place, count)
    assert kept(site, path).state == "checked"
    page = browser.get(path).text
    assert "none is made twice" in page
    assert site.post(browser, f"{path}/drafts", NEW).status_code == 303
    found = drafts(site)
    assert len(found) == count
    assert len({one.title for one in found}) == count
    assert {one.state for one in found} == {DraftState.DRAFT}
    assert kept(site, path).state == "drafted"
    with site.office.tenants[INSTITUTION].desk.read() as desk:
        assert len(desk.list_applications()) == 1
        rows = desk.rows.list_of_file(kept(site, path).digest, 1000)
    assert [one.row for one in rows] == list(range(1, count + 1))


def find_killed(error):
    return isinstance(error, Killed) or any(map(find_killed, getattr(error, "exceptions", ())))


# --- a LIMS -------------------------------------------------------------------------------------------------


def body_of(*values, name="round.jsonl", **more):
    return {"file_name": name, "file": base64.b64encode(lines(*values)).decode(), **more}


def accept(world):
    return call_machine(world, "POST", "/api/applications", {**APPLICATION, "accepted_by": "P-op"}, 201)[
        "application"
    ]


def test_a_lims_hands_a_file_in_and_makes_drafts_for_each_operator(world):
    key = {"Idempotency-Key": "round-2611-04"}
    body = body_of(row(1), row(2, operator="P-op2"), {"kind": 1})
    found = call_machine(world, "POST", "/api/imports", body, 201, **key)
    assert (found["way"], found["to_issue"], found["refused"], found["state"]) == (
        "sign_off",
        2,
        1,
        "checked",
    )
    assert found["faults"][0]["row"] == 3
    assert call_machine(world, "POST", "/api/imports", body, 201, **key) == found, "the same again"
    path = f"/api/imports/{found['import']}"
    ask = {"application": accept(world), "operator": "P-op"}
    made = call_machine(world, "POST", f"{path}/drafts", ask)
    assert [(one["row"], one["draft"]) for one in made["drafts"]] == [(1, 1), (2, 2)]
    assert (made["state"], made["report"]["made"]) == ("drafted", 2)
    assert [one.people.operator for one in drafts(world)] == ["P-op", "P-op2"]
    problem = call_machine(world, "POST", f"{path}/drafts", ask, 409)
    assert "already" in problem["detail"]
    again = call_machine(world, "GET", path)
    assert again["drafts"] == made["drafts"]
    other = body_of(row(5))
    problem = call_machine(world, "POST", "/api/imports", other, 409, **key)
    assert "used with another file" in problem["detail"]


@pytest.mark.parametrize("change", [{"common": {"note": "x"}}, {"file_name": "other.jsonl"}])
def test_another_request_under_the_same_key_is_refused(world, change):
    key = {"Idempotency-Key": "round-2611-05"}
    body = body_of(row(1))
    call_machine(world, "POST", "/api/imports", body, 201, **key)
    problem = call_machine(world, "POST", "/api/imports", body | change, 409, **key)
    assert "another file, name or common members" in problem["detail"]


def test_two_requests_with_one_key_at_once_are_one_import(world, monkeypatch):
    key, body, looked = {"Idempotency-Key": "round-2611-06"}, body_of(row(1)), import_api.look_anew
    first = []

    def look_while_another_comes(*arguments):
        if not first:
            first.append(None)
            first.append(call_machine(world, "POST", "/api/imports", body, 201, **key))
        return looked(*arguments)

    monkeypatch.setattr(import_api, "look_anew", look_while_another_comes)
    assert call_machine(world, "POST", "/api/imports", body, 201, **key) == first[1]


def test_what_a_lims_sends_without_a_key_is_another_import_and_no_second_draft(world):
    ask = {"application": accept(world), "operator": "P-op"}
    for known in (0, 1):
        found = call_machine(world, "POST", "/api/imports", body_of(row(1)), 201)
        assert found["drafted_before"] == known
        call_machine(world, "POST", f"/api/imports/{found['import']}/drafts", ask)
    assert len(drafts(world)) == 1


@pytest.mark.parametrize(
    ("body", "status", "mention"),
    [
        ({}, 422, "file_name"),
        ({"file_name": "a.jsonl", "file": "%%%"}, 422, "file"),
        ({"file_name": "a.jsonl", "file": ""}, 422, "file"),
        ({"file_name": "a.exe", "file": "eA=="}, 422, "ends in none"),
        ({"file_name": "a.jsonl", "file": "eA==", "common": []}, 422, "common"),
        ({"file_name": "a.jsonl", "file": "eA==", "x": 1}, 422, "unknown member"),
    ],
)
def test_a_file_that_a_lims_sends_in_error(world, body, status, mention):
    problem = call_machine(world, "POST", "/api/imports", body, status)
    assert mention in json.dumps(problem, ensure_ascii=False)


@pytest.mark.parametrize(
    ("body", "status", "mention"),
    [
        ({}, 422, "application"),
        ({"application": 99, "operator": "P-op"}, 404, "no application 99"),
        ({"application": 1}, 422, "operator"),
        ({"application": 1, "operator": "P-op", "x": 1}, 422, "unknown member"),
    ],
)
def test_drafts_that_a_lims_asks_for_in_error(world, body, status, mention):
    accept(world)
    found = call_machine(world, "POST", "/api/imports", body_of(row(1)), 201)
    problem = call_machine(world, "POST", f"/api/imports/{found['import']}/drafts", body, status)
    assert mention in json.dumps(problem, ensure_ascii=False)
    assert drafts(world) == []


def test_members_that_all_rows_share_come_with_the_file(world):
    whole = row(1)
    own = {"request_id": "R-1", "instrument": {"serial": whole["instrument"].pop("serial")}}
    del whole["request_id"]
    found = call_machine(world, "POST", "/api/imports", body_of(own, common=whole), 201)
    assert (found["to_issue"], found["refused"]) == (1, 0), found["faults"]
