"""`evidence.zip` over HTTP: who gets a pack, who is told to wait, what is never in it."""

import re
from datetime import timedelta

import pytest
from acts import DECISION
from api_world import ENGLISH, JSON, long_path
from evidence_packs import desk_of, pack_of, read_all, read_page
from starlette.testclient import TestClient
from verdict_states import ACTS, ANOTHER, RichSite, make_corrected, make_shown, make_unknown, withhold

from api.app import create_app
from api.evidence import desk as desk_module
from api.evidence.archive import read_manifest
from api.routes import evidence as route
from api.routes.evidence import A_DAY, A_MINUTE
from api.shown import Shown
from api.web.detail_words import REASONS
from ledger.core.act import ReasonCode
from ledger.core.errors import StoreUnavailableError, UnavailableError
from ledger.core.qr import compute_code

PERSONAL = ("福州示例石油有限公司", "林示例", "陈示例", "张示例")


@pytest.fixture(autouse=True)
def printing(monkeypatch):
    """No typesetter: that is another test's."""
    monkeypatch.setattr(desk_module.EvidenceDesk.__init__, "__defaults__", (lambda _: b"%PDF-1.7", 0.1))


@pytest.fixture
def served():
    with RichSite().found() as world:
        yield world


@pytest.fixture
def issued(served):
    made = served.sign(1)
    served.submit(made)
    served.anchor()
    return made


@pytest.fixture
def path(issued):
    return f"/c/{compute_code(issued.raw)}"


def test_a_pack_is_a_zip_that_is_saved(served, path):
    answer = served.client.get(f"{path}/evidence.zip")
    code = path.removeprefix("/c/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="hengzheng-{code}.zip"'
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert read_manifest(answer.content)["code"] == code


def test_long_and_short_code_give_the_same_pack(served, issued, path):
    short = served.client.get(f"{path}/evidence.zip")
    long = served.client.get(f"{long_path(issued)}/evidence.zip")
    assert short.content == long.content
    assert short.headers["etag"] == long.headers["etag"]


def test_who_has_it_is_told_so_until_the_log_has_moved(served, path):
    first = served.client.get(f"{path}/evidence.zip")
    known = {"If-None-Match": first.headers["etag"]}
    again = served.client.get(f"{path}/evidence.zip", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    served.issue(2)
    later = served.client.get(f"{path}/evidence.zip", headers=known)
    assert later.status_code == 200
    assert later.headers["etag"] != first.headers["etag"]


def test_it_holds_what_the_other_routes_hand_out(served, path):
    files = read_all(served.client.get(f"{path}/evidence.zip").content)
    for name in ("bundle.json", "certificate.json"):
        assert files[name] == served.client.get(f"{path}/{name}").content
    assert files["policy.json"] == served.client.get("/policy.json").content
    assert files["trust.json"] == served.client.get("/trust.json").content


@pytest.mark.parametrize(
    "shown", [Shown.VALID, Shown.EXPIRED, Shown.SUPERSEDED, Shown.FAILED, *ACTS, Shown.PAPER]
)
def test_every_state_of_a_document_has_a_pack(served, shown):
    path = make_shown(served, shown)
    answer = served.client.get(f"{path}/evidence.zip")
    # a pack is judged as of the log's own time, which a date that has passed since does not move
    expected = Shown.VALID if shown is Shown.EXPIRED else shown
    assert read_manifest(answer.content)["shown"] == expected
    events = read_page(read_all(answer.content)["verify.html"])["events"]
    assert [event["is_own"] for event in events].count(True) == 1
    assert [event["leaf_index"] for event in events] == sorted(event["leaf_index"] for event in events)


@pytest.mark.parametrize(
    ("reason", "headline"),
    [(ReasonCode.WRONG_RESULT, "证书有误，已换发"), (ReasonCode.TYPO, "已被代替")],
)
def test_what_took_a_documents_place_and_why_is_in_its_pack(served, reason, headline):
    path, newer = make_corrected(served, reason)
    raw = served.client.get(f"{path}/evidence.zip").content
    replaced_by = read_manifest(raw)["replaced_by"]
    assert replaced_by == {"number": ANOTHER["no"], "code": newer, "reason": reason.value}
    told = read_all(raw)["report.txt"].decode("utf-8-sig")
    assert f"：{headline}。" in told
    assert f"已被证书{ANOTHER['no']}代替，原因：{REASONS[reason].zh}。" in told
    assert f"Replaced by certificate {ANOTHER['no']}. Reason: {REASONS[reason].en}." in told


def test_a_damaged_store_gives_a_pack_that_says_so_and_shows_nothing(served):
    path = make_shown(served, Shown.TAMPERED)
    raw = served.client.get(f"{path}/evidence.zip").content
    files = read_all(raw)
    assert read_manifest(raw)["shown"] == "TAMPERED"
    assert "history.json" not in files
    assert "document.pdf" not in files
    assert "EX-1225" not in files["report.txt"].decode("utf-8-sig")


def test_the_page_leads_to_it(served, path):
    for headers in ({}, ENGLISH):
        page = served.client.get(path, headers=headers).text
        assert f'href="..{path}/evidence.zip" download' in page
    assert page.index("evidence.zip") > page.index('id="conclusion"'), (
        "below what was checked, not in sight at once"
    )


def test_nothing_personal_is_in_it(served):
    """Names stand in records as commitments alone."""
    applicant = {"applicant": {"sd": "ab" * 32}}
    code = served.issue(1, **applicant)
    served.anchor()
    for name, raw in read_all(pack_of(served, code)).items():
        assert not [each for each in PERSONAL if each.encode() in raw], name


# --- no pack --------------------------------------------------------------------------------------------------


def test_nobody_gets_a_pack_of_what_is_not_there(served, path):
    for address in (make_unknown(served), path[:-1] + ("0" if path[-1] != "0" else "1"), "/c/x", "/q/1"):
        answer = served.client.get(f"{address}/evidence.zip", headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), (
            address
        )


def test_what_the_law_withholds_has_no_pack_and_no_link(served, path):
    assert served.client.get(f"{path}/evidence.zip").status_code == 200
    withhold(served)
    served.seconds += 2
    assert served.client.get(f"{path}/evidence.zip").status_code == 451, "not even one that was made before"
    assert "evidence.zip" not in served.client.get(path).text


def test_an_unlogged_document_has_no_pack(served, path):
    assert served.client.get(f"{long_path(served.sign(9))}/evidence.zip").status_code == 404


def test_a_store_out_of_reach_is_no_verdict(served, path):
    def fail():
        raise StoreUnavailableError("postgresql://secret")

    served.store.read = fail
    answer = served.client.get(f"{path}/evidence.zip")
    assert answer.status_code == 503
    assert "secret" not in answer.text


def test_a_server_that_is_behind_makes_none(served, issued):
    behind = [False]
    desk = desk_of(served, is_behind=lambda: behind[0])
    code = compute_code(issued.raw)
    assert desk.make(desk.gather_by_code(code))
    behind[0] = True
    with pytest.raises(UnavailableError, match="behind"):
        desk.gather_by_code(code)


# --- limits ---------------------------------------------------------------------------------------------------


def test_each_caller_has_few(served, path):
    answers = [served.client.get(f"{path}/evidence.zip") for _ in range(A_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [200] * A_MINUTE + [429]
    problem = answers[-1]
    assert 0 < int(problem.headers["retry-after"]) <= 60
    assert str(A_DAY) in problem.json()["detail"]
    assert "频繁" in problem.json()["zh"]
    served.now += timedelta(minutes=1)
    assert served.client.get(f"{path}/evidence.zip").status_code == 200
    assert served.client.get(f"{path}/bundle.json").status_code == 200, "the proof itself is not limited so"


def test_made_once_and_the_print_once_for_each_anchor(served, issued):
    printed = []
    desk = desk_of(served, print_pdf=lambda copy: printed.append(copy) or b"%PDF")
    code = compute_code(issued.raw)
    first = desk.make(desk.gather_by_code(code))
    assert desk.make(desk.gather_by_code(code)) is first
    assert len(printed) == 1
    served.issue(2)  # the log moves on, the anchor does not
    later = desk.make(desk.gather_by_code(code))
    assert later != first
    assert len(printed) == 1
    served.anchor()
    desk.make(desk.gather_by_code(code))
    assert len(printed) == 2


def test_what_could_not_be_printed_just_now_is_tried_again(served, path, monkeypatch):
    """A pack that lacks its document for a passing reason has no name that would keep it from being made again."""
    failures = [UnavailableError("no process could be started")]

    def print_later(_):
        if failures:
            raise failures.pop()
        return b"%PDF-1.7"

    monkeypatch.setattr(desk_module.EvidenceDesk.__init__, "__defaults__", (print_later, 0.1))
    client = TestClient(create_app(served.parts("public")))
    without = client.get(f"{path}/evidence.zip")
    assert "document.pdf" not in read_all(without.content)
    assert "etag" not in without.headers
    assert without.headers["cache-control"] == "no-store"
    whole = client.get(f"{path}/evidence.zip")
    assert read_all(whole.content)["document.pdf"] == b"%PDF-1.7"
    again = client.get(f"{path}/evidence.zip", headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304


def test_only_so_many_are_made_at_once(served, issued, monkeypatch):
    monkeypatch.setattr(desk_module, "MOST_AT_ONCE", 0)
    desk = desk_of(served, patience_seconds=0.01)
    with pytest.raises(UnavailableError, match="too many"):
        desk.make(desk.gather_by_code(compute_code(issued.raw)))


def test_who_waits_for_packs_leaves_room_for_others(served, path, monkeypatch):
    """No thread is taken by one request too many; what ended, well or not, makes room again."""
    monkeypatch.setattr(route, "MOST_UNDER_WAY", 1)
    assert [served.client.get(f"{path}/evidence.zip").status_code for _ in range(2)] == [200, 200]
    assert served.client.get("/c/x/evidence.zip").status_code == 404
    assert served.client.get(f"{path}/evidence.zip").status_code == 200
    monkeypatch.setattr(route, "MOST_UNDER_WAY", 0)
    busy = served.client.get(f"{path}/evidence.zip")
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    assert served.client.get(path).status_code == 200


def test_what_fails_gives_its_turn_back(served, issued, monkeypatch):
    def fail(*_args):
        raise UnavailableError("disk")

    desk = desk_of(served, patience_seconds=0.01)
    source = desk.gather_by_code(compute_code(issued.raw))
    with monkeypatch.context() as patch:
        patch.setattr(desk_module, "make_pack", fail)
        for _ in range(desk_module.MOST_AT_ONCE + 1):
            with pytest.raises(UnavailableError, match="disk"):
                desk.make(source)
    assert desk.make(source)


def test_reasons_and_decisions_of_authorities_stand_in_the_history(served):
    path = make_shown(served, Shown.CANCELLED)
    files = read_all(served.client.get(f"{path}/evidence.zip").content)
    report = files["report.txt"].decode("utf-8-sig")
    assert "计量行政部门注销证书" in report
    assert DECISION.number in report
    assert re.search("Certificate cancelled by the authority", report)
