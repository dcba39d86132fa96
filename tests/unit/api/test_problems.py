import json

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api import problems
from api.problems import answer_problem, build_http_problem, build_problem, find_status
from ledger.core import errors
from ledger.core.errors import (
    AlreadyIssuedError,
    BrokenSignatureError,
    ChainUnavailableError,
    DocumentRefusedError,
    HomeLockedError,
    InclusionProofError,
    InputError,
    LedgerError,
    LogIntegrityError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    NotFoundError,
    OutOfTimeError,
    PolicyMismatchError,
    Reason,
    StaleVersionError,
    StateError,
    StoreUnavailableError,
    TokenUnavailableError,
    UnavailableError,
    UnitError,
    VerificationError,
    WrongChainError,
)

SECRET = "postgresql://user:hunter2@db/ledger"

STATUSES = {
    InputError: 422,
    MalformedDocumentError: 422,
    NonCanonicalEncodingError: 422,
    UnitError: 422,
    OutOfTimeError: 422,
    PolicyMismatchError: 422,
    VerificationError: 422,
    BrokenSignatureError: 422,
    InclusionProofError: 422,
    errors.MapProofError: 422,
    errors.ConsistencyProofError: 422,
    errors.AnchorMismatchError: 422,
    errors.ContradictionError: 422,
    NotFoundError: 404,
    errors.ContentWithheldError: 451,
    AlreadyIssuedError: 409,
    StaleVersionError: 409,
    StateError: 503,
    WrongChainError: 503,
    UnavailableError: 503,
    StoreUnavailableError: 503,
    TokenUnavailableError: 503,
    ChainUnavailableError: 503,
    HomeLockedError: 503,
    LogIntegrityError: 500,
    errors.ChainContradictionError: 500,
    errors.DamagedRowError: 500,
    LedgerError: 500,
}


def every_error():
    return [
        found
        for found in vars(errors).values()
        if isinstance(found, type)
        and issubclass(found, LedgerError)
        and found not in {DocumentRefusedError, errors.ReadOnlyError}
    ]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_has_its_status(kind):
    assert find_status(kind("x")) == STATUSES[kind]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_only_what_the_caller_can_mend_is_told(kind):
    problem = build_problem(kind(SECRET))
    told = answer_problem(problem).body.decode()
    assert (SECRET in told) is (STATUSES[kind] < 500)
    assert ("id" in problem.members) is (STATUSES[kind] >= 500)


def test_a_ledger_that_is_read_only_says_so_in_both_languages_and_asks_for_no_retry():
    problem = build_problem(errors.ReadOnlyError("put the newest copy back", "请恢复最新副本"))
    response = answer_problem(problem)
    told = json.loads(response.body)
    assert (response.status_code, told["type"]) == (503, "urn:hengzheng:problem:read-only")
    assert (told["detail"], told["zh"]) == ("put the newest copy back", "请恢复最新副本")
    assert "retry-after" not in response.headers


def test_an_error_that_nobody_foresaw_says_nothing():
    response = answer_problem(build_problem(RuntimeError(SECRET)))
    assert response.status_code == 500
    assert SECRET not in response.body.decode()
    assert "RuntimeError" not in response.body.decode()


def test_two_failures_have_two_ids():
    ids = {build_problem(LogIntegrityError("x")).members["id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_member_to_blame_is_named():
    members = json.loads(
        answer_problem(build_problem(MalformedDocumentError("bad", field="entries[3]"))).body
    )
    assert members == {
        "type": "urn:hengzheng:problem:malformed-document",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "entries[3]: bad",
        "field": "entries[3]",
    }


def test_every_reason_is_given():
    reasons = [Reason("SCOPE", "kind", "is outside", "超出"), Reason("KEY", "issuer", "unknown", "未知")]
    members = json.loads(answer_problem(build_problem(DocumentRefusedError(reasons))).body)
    assert [reason["zh"] for reason in members["reasons"]] == ["超出", "未知"]


@pytest.mark.parametrize(("kind", "again"), [(UnavailableError, True), (InputError, False)])
def test_retry_after_stands_where_trying_again_helps(kind, again):
    assert ("retry-after" in answer_problem(build_problem(kind("x"))).headers) is again


def test_problems_are_never_kept():
    response = answer_problem(build_http_problem(problems.HTTPStatus.NOT_FOUND, "x"))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.fixture
def client():
    app = FastAPI(openapi_url=None)

    @app.get("/boom")
    def boom():
        raise RuntimeError(SECRET)

    @app.get("/state")
    def state():
        raise StoreUnavailableError(SECRET)

    @app.get("/number/{number}")
    def number(number: int):
        return number

    router = APIRouter()

    @router.post("/number/{number}")
    def count(number: int):
        return number

    app.include_router(router)

    problems.install(app)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/boom", 500, "internal-server-error"),
        ("GET", "/state", 503, "service-unavailable"),
        ("GET", "/nothing", 404, "not-found"),
        ("POST", "/boom", 405, "method-not-allowed"),
        ("GET", "/number/x", 422, "input"),
    ],
)
def test_every_way_to_fail_ends_as_a_problem(client, method, path, status, kind):
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    members = response.json()
    assert members["type"] == f"urn:hengzheng:problem:{kind}"
    assert members["status"] == status
    assert SECRET not in response.text


def test_a_wrong_method_says_which_is_right(client):
    assert client.post("/boom").headers["allow"] == "GET"


def test_a_wrong_method_names_those_of_all_routes_of_the_path(client):
    answer = client.put("/number/7")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert client.put("/number/8/9").status_code == 404
