"""The authorisation matrix: every operation, every role, both institutions, nobody and a machine, over HTTP.

What must not pass is refused before anything else is looked at, so that requests need no proper body for that; what
may pass is anything but 401 and 403, and for a foreign or unknown id 404 with one and the same body.
"""

import re

import pytest
from office_world import AUTHORITY_TENANT, OTHER, OTHER_AUTHORITY, documents_of, open_office_world
from world import INSTITUTION, SCOPE

from api.office.application import OPERATIONS, build_office
from api.office.matrix import README, place_matrix
from api.office.operations import EVERYBODY, Operation
from api.office.roles import PEOPLE, PEOPLE_OF, OfficeRole, TenantKind
from ledger.core.errors import StateError
from ledger.core.event import scope_subject
from ledger.core.step import Sentence

UNKNOWN = {
    "account": "a-0",
    "machine": "m-0",
    "number": "XX2026-000001",
    "import": "i-0",
    "draft": "990001",
    "batch": "990002",
    "request": "990003",
    "round": "r-0",
    "device": "d-0",
    "decision": "990004",
    "report": "990005",
    "note": "990006",
    "instrument": "00" * 16,
    "roll": "0000000",
    "sticker": "0000000000000000",
}
"""Kind of a thing in a path -> an id that nobody has."""
FREE_PARTS = {
    "name": "office.css",
    "finding": "1",
    "kind": "standard",
    "subject": scope_subject(INSTITUTION, SCOPE).hex(),
}
"""Parts of a path that belong to no institution."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, open_office_world(tmp_path_factory.mktemp("matrix")) as world:
        patch.setattr("api.office.login.FREE_FOR_ADDRESS", 10_000)  # all of these come from one address
        yield world


@pytest.fixture(scope="module")
def things(world):
    """Institution -> kind of a thing -> id of one that is there."""
    found = {}
    for tenant in (INSTITUTION, OTHER):
        world.enrol("target", frozenset({OfficeRole.OPERATOR}), tenant)
        found[tenant] = {
            "account": world.accounts[tenant, "target"],
            "machine": world.add_machine("target", tenant),
            "number": world.issue(*documents_of(1 if tenant == INSTITUTION else 2), tenant=tenant)[-1],
            "import": upload(world, tenant),
            **world.sign_off(tenant, 1 if tenant == INSTITUTION else 5),
            **world.go_round(tenant),
            "decision": world.decide(DESKS[TenantKind.AUTHORITY][tenant == OTHER]),
            **world.put_on(tenant, f"REG-{tenant}"),
            "report": world.report(DESKS[TenantKind.AUTHORITY][tenant == OTHER], 7 if tenant == OTHER else 1),
            "note": world.note(DESKS[TenantKind.AUTHORITY][tenant == OTHER], 7 if tenant == OTHER else 1),
        }
    return found


DESKS = {
    TenantKind.INSTITUTION: (INSTITUTION, OTHER),
    TenantKind.AUTHORITY: (AUTHORITY_TENANT, OTHER_AUTHORITY),
}
"""Kind of a desk -> the desk of the walk, and another one."""


def find_desk(operation, who):
    """Return where somebody asks for an operation: at a desk that has it, if the role is known there."""
    kind = min(operation.offered, key=lambda one: one != TenantKind.INSTITUTION)
    return DESKS[kind][0] if who in PEOPLE_OF[kind] else INSTITUTION


def upload(world, tenant):
    browser = world.browser("operator", tenant)
    files = {"file": ("one.csv", b"request_id,kind\nx,periodic\n")}
    answer = browser.post("/imports", data={"form_token": browser.form_token}, files=files)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


def place(operation, ids):
    """Return the path of an operation with ids in it."""
    return re.sub(r"{(\w+)}", lambda found: {**FREE_PARTS, **ids}[found[1]], operation.path)


def ask(world, operation, path, who):
    """Send a request as somebody; `who` is a role, `nobody` or `machine`."""
    if who == "machine":
        client = world.client()
        headers = world.sign(world.the_machine, operation.method, path)
        return client.request(operation.method, path, headers=headers)
    client = world.client() if who == "nobody" else world.browser(who, find_desk(operation, who))
    token = getattr(client, "form_token", "")
    if operation.method == "GET":
        return client.get(path)
    if operation.is_api:
        return client.post(path, json={}, headers={"X-Form-Token": token})
    return client.post(path, data={"form_token": token})


@pytest.fixture(scope="module", autouse=True)
def machine(world):
    world.the_machine = world.add_machine("lims")


EVERYONE = [*sorted(PEOPLE), "machine", "nobody"]
LOGS_IN = {"login.password", "login.passkey"}
"""Open to everybody; what is refused there is the log-in itself."""


def may(operation, who):
    if operation.is_open:
        return True
    return who in operation.roles


def is_elsewhere(operation, who):
    """Say whether somebody is at a desk of a kind that does not have the operation."""
    if who == "nobody" or operation.is_open:
        return False
    kind = TenantKind.AUTHORITY if find_desk(operation, who) == AUTHORITY_TENANT else TenantKind.INSTITUTION
    return kind not in operation.offered


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("who", EVERYONE)
def test_each_cell_of_the_own_institution(world, things, operation, who):
    answer = ask(
        world, operation, place(operation, UNKNOWN if changes(operation) else things[INSTITUTION]), who
    )
    if is_elsewhere(operation, who):
        assert answer.status_code == 404
    elif may(operation, who):
        refusals = {403, 500} if operation.name in LOGS_IN else {401, 403, 500}
        assert answer.status_code not in refusals, answer.text
        if not changes(operation) or operation.resource is None:
            assert answer.status_code != 404 or operation.name in {"static.others", "round.file"}
    else:
        assert answer.status_code == (401 if who == "nobody" else 403)


def changes(operation):
    """Say whether an allowed request would take away what later cells need."""
    return operation.resource is not None and operation.method != "GET"


SCOPED = [operation for operation in OPERATIONS if operation.resource is not None]


@pytest.mark.parametrize("operation", SCOPED, ids=lambda one: one.name)
@pytest.mark.parametrize("who", EVERYONE)
def test_a_thing_of_another_institution_is_answered_as_one_that_does_not_exist(world, things, operation, who):
    foreign = ask(world, operation, place(operation, things[OTHER]), who)
    unknown = ask(world, operation, place(operation, UNKNOWN), who)
    elsewhere = is_elsewhere(operation, who)
    wanted = 404 if may(operation, who) or elsewhere else 401 if who == "nobody" else 403
    assert (foreign.status_code, unknown.status_code) == (wanted, wanted)
    assert strip(foreign.text, things[OTHER]) == strip(unknown.text, UNKNOWN)


def strip(page, ids):
    """Return a page without what says where it was asked for, or by which session."""
    page = re.sub(r'name="form_token" value="\w*"', "", page)
    for identity in ids.values():
        if len(identity) > 3:  # ids that are mere counters stand in no page, their digits do
            page = page.replace(identity, "ID")
    return page


def test_another_institutions_things_are_still_there(world, things):
    """What the walk above must not have touched."""
    with world.office.store.read() as office:
        account = office.fetch_account(OTHER, things[OTHER]["account"])
        machine = office.fetch_machine(OTHER, things[OTHER]["machine"])
        found = office.imports.fetch(OTHER, things[OTHER]["import"])
    assert account.is_active
    assert not account.is_enrolling
    assert machine.is_active
    assert found.state == "checked"


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if changes(one)], ids=lambda one: one.name)
def test_who_may_change_a_thing_of_their_own_institution_can(world, things, operation):
    who = min(operation.roles)
    answer = ask(world, operation, place(operation, things[INSTITUTION]), who)
    assert answer.status_code in {200, 303, 409, 422}, answer.text


def test_every_kind_of_thing_has_an_example(things):
    assert {operation.resource for operation in SCOPED} == set(UNKNOWN)
    assert set(things[OTHER]) == set(UNKNOWN)


def test_the_readme_has_the_matrix():
    text = README.read_text(encoding="utf-8")
    assert text == place_matrix(text), "run python -m api.office.matrix"
    assert all(f"| {operation.name} |" in text for operation in OPERATIONS)


# --- what no operation may be -------------------------------------------------------------------------------

TITLE = Sentence("x", "x")


def operation(**changes):
    members = {"name": "x.y", "method": "POST", "path": "/x", "answer": lambda call: None, "title": TITLE}
    return Operation(**{**members, "roles": frozenset({OfficeRole.OPERATOR}), **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "HEAD"}, "no method HEAD"),
        ({"roles": frozenset({OfficeRole.AUDITOR})}, "an auditor changes nothing"),
        ({"roles": frozenset({OfficeRole.MACHINE}), "is_api": True, "signs": True}, "never checks, approves"),
        ({"roles": frozenset({OfficeRole.MACHINE})}, "machines read no pages"),
        ({"resource": "draft"}, "draft is not in /x"),
        ({"desks": frozenset()}, "no desk has it"),
    ],
)
def test_what_no_operation_may_be(changes, sentence):
    with pytest.raises(StateError, match=sentence):
        operation(**changes)


def test_an_application_with_a_route_that_is_no_operation_does_not_start(world):
    one = operation(method="GET", roles=EVERYBODY)
    app = build_office(world.office, (one,))
    app.add_api_route("/stray", lambda: None)
    from api.office.operations import require_declared

    with pytest.raises(StateError, match="GET /stray declares no operation"):
        require_declared(app.routes, (one,))


@pytest.mark.parametrize("changes", [{"name": "x.z"}, {"path": "/other"}])
def test_two_operations_of_one_name_or_place_are_refused(world, changes):
    with pytest.raises(StateError, match="two operations"):
        build_office(world.office, (operation(), operation(**changes)))
