"""What each role says of itself (OpenAPI 3.1) is what is stored, and says enough."""

import json
import re

import pytest
from starlette.testclient import TestClient

from api.app import LedgerParts, Parts, PublicParts, create_app
from api.auditing import Auditor
from api.export import FOLDER, OFFICE, ROLES, main, render
from api.office.application import OPERATIONS

LOG = {"/checkpoint", "/healthz", "/tile/{place}", "/entries/{index}/proof", "/anchors.json"}
ROUTES = {
    "public": LOG
    | {
        "/q/{digits}",
        "/q/{digits}/bundle.json",
        "/q/{digits}/evidence.zip",
        "/c/{code}",
        "/c/{code}/bundle.json",
        "/c/{code}/evidence.zip",
        "/c/{code}/certificate.json",
        "/policy.json",
        "/rules.json",
        "/trust.json",
        "/c/{code}/as-of.json",
        "/c/{code}/newest.json",
        "/q/{digits}/absence.json",
        "/s/{sticker}",
        "/s/{sticker}/proof.json",
        "/i/{instrument}",
        "/i/{instrument}/photo-{digest}.jpg",
        "/i/{instrument}/photo-{digest}.json",
        "/i/{instrument}/proof.json",
        "/certificates/{number}",
        "/map-proofs",
        "/site/{keeper}/{site}",
        "/site/{keeper}/{site}/due.ics",
        "/find",
    },
    "ledger": LOG | {"/entries", "/subjects", "/bundles", "/registers", "/map-proofs"},
    "auditor": LOG | {"/audit/entries"},
}
ROUTES["all"] = ROUTES["public"] | ROUTES["ledger"]
ROUTES[OFFICE] = {operation.path for operation in OPERATIONS if operation.is_api}

every_role = pytest.mark.parametrize("role", [*ROLES, OFFICE])


def load(role):
    return json.loads((FOLDER / f"{role}.json").read_text(encoding="utf-8"))


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@every_role
def test_the_stored_document_is_what_the_code_says(role):
    assert (FOLDER / f"{role}.json").read_text(encoding="utf-8") == render(role), "run scripts/export_openapi"


def test_nothing_else_is_stored():
    assert {path.name for path in FOLDER.iterdir()} == {f"{role}.json" for role in (*ROLES, OFFICE)}
    assert main(["--check"]) == 0


@every_role
def test_each_role_has_its_routes_and_no_others(role):
    document = load(role)
    assert document["openapi"].startswith("3.1.")
    assert set(document["paths"]) == ROUTES[role]


@every_role
def test_every_operation_says_how_it_fails(role):
    for path, _, operation in operations(load(role)):
        problems = {code for code, answer in operation["responses"].items() if code not in {"200", "304"}}
        assert {"400", "404", "413", "422", "429", "503", "default"} <= problems, path
        for code in problems:
            assert "application/problem+json" in operation["responses"][code]["content"]


def test_handing_in_says_that_keys_may_conflict():
    assert "409" in load("ledger")["paths"]["/entries"]["post"]["responses"]


@every_role
def test_every_operation_is_named_once_and_described(role):
    found = operations(load(role))
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)
    assert all(operation["summary"] and operation["tags"] for _, _, operation in found)


@every_role
def test_every_reference_leads_somewhere(role):
    text = (FOLDER / f"{role}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert names
    assert names <= set(document["components"]["schemas"])


@every_role
def test_no_shape_takes_what_it_does_not_name(role):
    for name, schema in load(role)["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


@pytest.mark.parametrize("role", ROLES)
def test_the_document_is_served_and_nothing_from_elsewhere(role):
    has_public, has_ledger, has_auditor = ROLES[role]
    public = PublicParts(None, None, "", None, search=object()) if has_public else None
    ledger = LedgerParts(None, None) if has_ledger else None
    auditor = Auditor(None, None, None, None, None, None) if has_auditor else None
    parts = Parts(None, None, None, public=public, ledger=ledger, auditor=auditor)
    client = TestClient(create_app(parts))
    assert client.get("/openapi.json").json() == load(role)
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404
