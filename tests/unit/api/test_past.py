"""`/c/{code}/as-of.json`: a past state with its proof, refused where there is none; and `/map-proofs`."""

from datetime import UTC, datetime, timedelta

import pytest
from api_world import SHANGHAI, ApiWorld
from world import NOW

from api.past import read_past
from ledger.core.as_of import parse_as_of
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError
from ledger.core.fold import list_touched
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import open_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.note import NoteVerifier
from ledger.core.statement import parse_signed_statement
from ledger.wire import MAX_MAP_SUBJECTS, parse_map_answer
from verifier.past import verify_as_of
from verifier.report import DocumentStatus
from verifier.session import Session


@pytest.fixture
def site():
    """A document of 08:05, superseded at 08:15; asked at 09:00."""
    with ApiWorld() as world:
        world.found()
        world.now += timedelta(minutes=1)
        world.code = world.issue(1)
        world.issued_at = world.now
        world.now += timedelta(minutes=10)
        world.issue(2, version=1, **world_same_instrument(world))
        world.now = NOW + timedelta(hours=1)
        world.seconds += 5
        yield world


def world_same_instrument(world):
    return {"instrument": world.world.record(1)["instrument"]}


def ask(site, at):
    return site.client.get(f"/c/{site.code}/as-of.json", params={"at": at})


def status(site, answer):
    session = Session(site.policy, load_rule_book(), None)
    return verify_as_of(parse_as_of(answer.content), session, site.now)


def test_the_state_of_then_and_not_of_now(site):
    before, after = (site.issued_at + timedelta(minutes=minutes) for minutes in (5, 15))
    assert status(site, ask(site, encode_instant(before))).status is DocumentStatus.VALID
    assert status(site, ask(site, encode_instant(after))).status is DocumentStatus.SUPERSEDED


def test_the_file_has_a_name_and_is_asked_for_again_by_its_tag(site):
    at = encode_instant(site.issued_at)
    answer = ask(site, at)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{site.code}.as-of.json"'
    again = site.client.get(
        f"/c/{site.code}/as-of.json", params={"at": at}, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_newest_anchor_is_the_later_state_where_it_is_later(site):
    at = encode_instant(site.issued_at)
    assert parse_as_of(ask(site, at).content).later.receipt is None
    site.anchor()
    site.issue(7)
    site.seconds += 5
    later = parse_as_of(ask(site, at).content).later
    assert later.receipt.tree_size < site.log.head.tree_size
    newest = encode_instant(site.now)
    shown = parse_as_of(ask(site, newest).content)
    assert shown.later is None


def test_the_anchor_of_the_very_state_stands_in_the_bundle(site):
    site.anchor()
    shown = parse_as_of(ask(site, encode_instant(site.now)).content)
    assert shown.later is None
    assert shown.bundle.receipt.tree_size == site.log.head.tree_size


def test_before_the_issue_there_is_nothing(site):
    for at in (site.issued_at - timedelta(milliseconds=1), datetime(2020, 1, 1, tzinfo=UTC)):
        answer = ask(site, encode_instant(at))
        assert answer.status_code == 404
        assert encode_instant(at) in answer.json()["detail"]


def test_the_first_millisecond_counts(site):
    assert ask(site, encode_instant(site.issued_at)).status_code == 200


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("2026-11-02T09:00:00.001Z", "has not come yet"),
        ("2026-11-02", "has not come yet"),
        ("9999-12-31", "last day"),
        ("2026-13-01", "2026-13-01"),
        ("2026-11-01T00:00:00.0001Z", "UTC instant"),
        ("2026-11-01T00:00:00+08:00", "UTC instant"),
        ("yesterday", "UTC instant"),
        ("", "UTC instant"),
    ],
)
def test_what_is_no_past_instant_is_refused(site, at, sentence):
    answer = ask(site, at)
    assert (answer.status_code, answer.json()["field"]) == (422, "query.at")
    assert sentence in answer.json()["detail"]


def test_it_must_be_said_when(site):
    answer = site.client.get(f"/c/{site.code}/as-of.json")
    assert (answer.status_code, answer.json()["field"]) == (422, "query.at")


def test_nothing_has_a_code_that_nobody_printed(site):
    for code in ("0000-0000-0000-0000", "x"):
        answer = site.client.get(f"/c/{code}/as-of.json", params={"at": encode_instant(site.issued_at)})
        assert answer.status_code == 404


def test_a_date_is_its_last_millisecond_in_the_zone():
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert read_past("2026-03-01", SHANGHAI, now) == datetime(2026, 3, 1, 15, 59, 59, 999000, tzinfo=UTC)
    assert read_past("2026-03-01T15:59:59.999Z", SHANGHAI, now) == read_past("2026-03-01", SHANGHAI, now)
    with pytest.raises(InputError, match="has not come yet"):
        read_past("2026-03-02", SHANGHAI, now)


# --- map proofs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["all", "public", "ledger"])
def test_a_map_proof_is_proved_under_the_published_checkpoint(role):
    with ApiWorld() as full:
        full.found()
        issued = full.sign(1)
        full.submit(issued)
        subjects = [*list_touched(parse_signed_statement(issued.raw).statement), bytes(32)]
        from starlette.testclient import TestClient

        from api.app import create_app

        client = TestClient(create_app(full.parts(role)))
        body = {"subjects": [subject.hex() for subject in subjects]}
        raw = client.post("/map-proofs", json=body)
        assert (raw.status_code, raw.headers["Cache-Control"]) == (200, "no-store")
        answer = parse_map_answer(raw.content)
        checkpoint = verify_checkpoint(
            answer.checkpoint, NoteVerifier(full.policy.origin, full.policy.log_key)
        )
        size = checkpoint.tree_size
        assert size == full.log.head.tree_size
        verify_inclusion(
            hash_leaf(answer.maphead), LeafIndex(size - 1), size, answer.inclusion, checkpoint.root_hash
        )
        proven = open_map_proof(answer.map_proof, get_map_root(require_maphead(answer.maphead)))
        assert proven.find(subjects[0]).last_event == LeafIndex(size - 2)
        assert proven.find(subjects[-1]) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "subjects"),
        ({"subjects": []}, "subjects"),
        ({"subjects": ["00"]}, "subjects[0]"),
        ({"subjects": ["00" * 32] * (MAX_MAP_SUBJECTS + 1)}, "subjects"),
    ],
)
def test_a_wrong_request_is_told_why(site, body, field):
    answer = site.client.post("/map-proofs", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field, answer.json()


def test_an_unknown_member_is_refused(site):
    answer = site.client.post("/map-proofs", json={"subjects": ["00" * 32], "more": 1})
    assert answer.status_code == 422
    assert "more" in answer.json()["detail"]


def test_a_thousand_subjects_pass_and_an_empty_log_has_none(site):
    body = {"subjects": ["00" * 32] * MAX_MAP_SUBJECTS}
    assert site.client.post("/map-proofs", json=body).status_code == 200
    with ApiWorld() as empty:
        assert empty.client.post("/map-proofs", json=body).status_code == 404
