"""Requests made up from our own OpenAPI document: whatever comes, the answer is one that is described."""

import os
import time

import pytest
import schemathesis
from api_world import SHANGHAI
from hypothesis import HealthCheck, settings
from place_world import PlaceWorld
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sites import MARKET
from starlette.testclient import TestClient
from world import ORIGIN

from api.app import Parts, create_app
from api.auditing import Auditor
from api.export import FOLDER
from ledger.catalogue.catalogue import Catalogue
from ledger.register_list import RegisterList
from ledger.store.engine import Database
from verifier.checks import find_stated_status

EXAMPLES = 200 if os.environ.get("HENGZHENG_LONG") == "1" else 15


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('search')}/search.sqlite3")
    with PlaceWorld(None, database) as world:
        world.enter(MARKET)
        for number in range(3):
            world.issue(number)
        world.anchor()
        yield world


schema = schemathesis.openapi.from_path(FOLDER / "all.json")


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_described(case, served):
    response = served.client.request(
        case.method,
        case.formatted_path,
        params=case.query,
        headers={name: value for name, value in dict(case.headers or {}).items() if value.isascii()},
        json=case.body if isinstance(case.body, dict) else None,
    )
    assert response.status_code < 500, response.text
    # Which members of a search go together, and how many letters they have when folded, no schema can say.
    excluded = [positive_data_acceptance] if case.path == "/find" else []
    case.validate_response(response, excluded_checks=excluded)


@pytest.fixture(scope="module")
def audited(served, tmp_path_factory):
    """The role auditor over the same log."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('audit')}/audit.sqlite3")
    catalogue = Catalogue(served.store, database, ORIGIN, find_stated_status)
    auditor = Auditor(catalogue, served.prover, served.receipts, SHANGHAI, served.clock, time.monotonic)
    parts = Parts(
        served.prover, served.receipts, RegisterList(served.store, served.prover, ORIGIN), auditor=auditor
    )
    yield TestClient(create_app(parts), raise_server_exceptions=False)
    database.close()


@schemathesis.openapi.from_path(FOLDER / "auditor.json").parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_to_auditors_is_described(case, audited):
    response = audited.request(case.method, case.formatted_path, params=case.query)
    assert response.status_code < 500, response.text
    # An unknown institution, or a day that has not come, is refused although its form is right.
    case.validate_response(response, excluded_checks=[positive_data_acceptance])
