"""Requests made up from our own OpenAPI document: whatever comes, the answer is one that is described."""

import os

import pytest
import schemathesis
from api_world import ApiWorld
from hypothesis import HealthCheck, settings

from api.export import FOLDER

EXAMPLES = 200 if os.environ.get("HENGZHENG_LONG") == "1" else 15


@pytest.fixture(scope="module")
def served():
    with ApiWorld() as world:
        world.found()
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
    case.validate_response(response)
