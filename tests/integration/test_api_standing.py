"""What the public side says of a ledger that is behind, and of anchoring: `/healthz`, pages and answers."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from api_world import ENGLISH, JSON, ApiWorld
from standings import BEHIND, QUIET, boot
from starlette.testclient import TestClient
from world import NOW

from api.app import create_app
from api.schemas.problems import ProblemShape
from api.schemas.verdicts import Health
from ledger.boot_check import BootState
from ledger.core.anchor import AnchorState
from ledger.core.ids import TreeSize
from ledger.standing import ANCHORING, AnchoringState, describe_standing
from ledger.store.condition_queries import Condition

SECRET = "http://user:hunter2@10.0.0.5:8545"
ALARMED = replace(
    QUIET,
    boot=boot(BootState.COMPARED),
    under_way=AnchorState.REORGED,
    lost=TreeSize(10),
    anchoring=Condition(ANCHORING, AnchoringState.ALARM.value, SECRET, SECRET, NOW, "12"),
)


@pytest.fixture
def served():
    with ApiWorld() as served:
        served.found()
        yield served


@contextmanager
def standing_as(served, standing):
    """The same server, whose ledger stands so towards the world."""
    app = create_app(replace(served.parts(), read_standing=lambda: standing))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def health(served, standing):
    with standing_as(served, standing) as client:
        members = client.get("/healthz").json()
    Health.model_validate(members)
    return members


def test_a_ledger_in_order_says_how_far_anchoring_is(served):
    members = health(served, QUIET)
    assert members["status"] == "ok"
    assert members["anchoring"] == {"backlog": 7, "anchored_at": "2026-11-02T08:00:00Z", "age_seconds": 90}


def test_a_ledger_that_is_behind_says_what_a_person_does(served):
    members = health(served, BEHIND)
    assert (members["status"], members["reason"]) == ("read-only", "put the newest copy back")
    assert members["reason_zh"] == "请恢复最新副本"


def test_an_alarm_is_said_to_everybody_and_its_reason_to_the_operator_only(served):
    members = health(served, ALARMED)
    assert (members["status"], members["anchoring"]["lost_size"]) == ("alarm", 10)
    assert members["anchoring"]["last"] == {"state": "alarm", "at": "2026-11-02T08:00:00Z"}
    assert members["anchoring"]["under_way"] == "reorged"
    assert SECRET not in str(members)
    assert describe_standing(ALARMED, inside=True)["reason"] == SECRET


def test_nothing_is_green_on_the_pages_of_a_ledger_that_is_behind(served):
    code = served.issue(1)
    served.anchor()
    with standing_as(served, QUIET) as client:
        assert client.get(f"/c/{code}", headers=JSON).json()["shown"] == "VALID"
    with standing_as(served, BEHIND) as client:
        answer = client.get(f"/c/{code}", headers=JSON).json()
        assert (answer["shown"], answer["verdict"]) == ("CANNOT_CHECK", "UNKNOWN")
        page = client.get(f"/c/{code}", headers=ENGLISH)
        assert page.status_code == 503
        assert "SN" not in page.text
        assert client.get(f"/c/{code}/bundle.json").status_code == 200


def test_a_bad_word_stays_on_the_pages_of_a_ledger_that_is_behind(served):
    code = served.reject(1)
    served.anchor()
    with standing_as(served, BEHIND) as client:
        assert client.get(f"/c/{code}", headers=JSON).json()["shown"] == "FAILED"


@pytest.mark.parametrize("path", ["/c/Y0E5Q0BVPKA486WB", "/certificates/JY2026-000009"])
def test_what_a_ledger_that_is_behind_does_not_hold_is_not_denied(served, path):
    with standing_as(served, QUIET) as client:
        absent = client.get(path, headers=JSON).status_code
    with standing_as(served, BEHIND) as client:
        answer = client.get(path, headers=JSON)
        assert (absent, answer.status_code) == (404, 503)
        ProblemShape.model_validate(answer.json())


def test_pages_change_as_soon_as_it_is_found_out(served):
    code = served.issue(1)
    served.anchor()
    standings = [QUIET]
    app = create_app(replace(served.parts(), read_standing=lambda: standings[-1]))
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get(f"/c/{code}", headers=JSON).json()["shown"] == "VALID"
    standings.append(BEHIND)
    served.seconds += 2
    assert client.get(f"/c/{code}", headers=JSON).json()["shown"] == "CANNOT_CHECK"
