"""Acts handed in over HTTP, their refusals, and the pages of the documents that they are about."""

from datetime import timedelta

import pytest
from acts import ELSEWHERE, SECOND, People
from api_world import ENGLISH, ApiWorld, entry
from page_reader import look, look_json
from world import AUTHORITY, INSTITUTION, NOW

from ledger.core.act import ReasonCode
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.event import EventType
from ledger.core.lot import LotStatus
from ledger.core.qr import compute_code
from verifier.report import DISCLAIMER
from verifier.session import Session
from verifier.verify import verify_bundle

CANCEL, WITHDRAW, SUSPEND = EventType.CANCEL, EventType.WITHDRAW, EventType.SUSPEND
REINSTATE, REVERIFY = EventType.REINSTATE, EventType.REVERIFY_NEEDED


class Acted:
    """A served log with one anchored certificate."""

    def __init__(self, served):
        self.served = served
        self.people = People(served.world)
        answer = served.post([entry(raw) for raw in self.people.founding()]).json()
        assert all("index" in result for result in answer["results"]), answer
        self.issued = served.sign(1)
        self.path = f"/c/{served.submit(self.issued)}"
        served.anchor()
        self.version = 1

    def sign(self, event_type, speaker=None, *, version=None, **changes):
        own = event_type in {WITHDRAW, SUSPEND, REVERIFY}
        speaker = speaker or (INSTITUTION if own else AUTHORITY)
        version = self.version if version is None else version
        return self.people.act_on(self.issued, event_type, speaker, version, **changes)

    def act(self, *arguments, **options):
        (result,) = self.served.post([entry(self.sign(*arguments, **options))]).json()["results"]
        assert "index" in result, result
        self.version += 1
        return result["index"]

    def refusal(self, raw, body=None):
        (result,) = self.served.post([entry(raw, body)]).json()["results"]
        (reason,) = result["refusal"]["reasons"]
        return reason["code"], reason["en"]


@pytest.fixture
def acted():
    with ApiWorld() as world:
        yield Acted(world)


PAGES = {
    WITHDRAW: ("withdrawn", "WITHDRAWN", "INVALID", "已撤回", "Withdrawn"),
    CANCEL: ("cancelled", "CANCELLED", "INVALID", "已注销", "Cancelled"),
    SUSPEND: ("suspended", "SUSPENDED", "ATTENTION", "已暂停使用/调查中", "Suspended, under investigation"),
    REVERIFY: ("reverify", "NEEDS_REVERIFICATION", "ATTENTION", "须重新检定", "Must be verified again"),
}


@pytest.mark.parametrize("event_type", PAGES)
def test_a_page_shows_an_act_at_once_and_its_bundle_after_the_next_anchor(acted, event_type):
    style, status, verdict, zh, en = PAGES[event_type]
    served, path = acted.served, acted.path
    assert look(served, path).style == "valid"
    acted.act(event_type)
    for anchored in (False, True):
        page = look(served, path)
        assert (page.response.status_code, page.style, page.headline) == (200, style, zh)
        assert look(served, path, **ENGLISH).headline == en
        assert "SN00000001" in page.text
        assert DISCLAIMER.zh not in page.text
        members = look_json(served, path)
        assert (members["verdict"], members["status"], members["shown"]) == (verdict, status, status)
        assert members["authentic"]
        bundle = parse_bundle(served.client.get(f"{path}/bundle.json").content)
        report = verify_bundle(bundle, Session(served.policy, load_rule_book(), None), served.now)
        assert report.status == (status if anchored else "VALID")
        served.anchor()


@pytest.mark.parametrize("event_type", PAGES)
def test_a_page_says_at_a_glance_why_and_since_when(acted, event_type):
    acted.act(event_type, reason=ReasonCode.SEAL_BROKEN)
    glance = look(acted.served, acted.path).text.partition("请与器具铭牌核对")[0]
    assert glance.count("原因：铅封损坏 · 2026年11月02日") == 1
    english = look(acted.served, acted.path, **ENGLISH).text.partition("Compare with the nameplate")[0]
    assert english.count("Reason: seal broken · 2 November 2026") == 1


def test_the_reason_is_that_of_the_state_and_of_nothing_before_it(acted):
    assert "原因：" not in look(acted.served, acted.path).text
    acted.act(SUSPEND, reason=ReasonCode.STANDARD_INVALID)
    acted.act(REINSTATE)
    assert "原因：" not in look(acted.served, acted.path).text
    acted.act(SUSPEND, reason=ReasonCode.RELOCATED)
    acted.act(CANCEL, reason=ReasonCode.FORGED)
    text = look(acted.served, acted.path).text
    assert text.count("原因：") == 1
    assert "原因：伪造" in text


def test_another_documents_reason_is_not_told_of_this_one(acted):
    acted.act(CANCEL, reason=ReasonCode.FORGED)
    issued = acted.served.sign(1, version=acted.version, no="2026-0000101", nonce="ab" * 16)
    path = f"/c/{acted.served.submit(issued)}"
    raw = acted.people.act_on(issued, WITHDRAW, INSTITUTION, acted.version + 1, reason=ReasonCode.TYPO)
    acted.served.post([entry(raw)])
    assert "原因：笔误" in look(acted.served, path).text
    assert "原因：伪造" in look(acted.served, acted.path).text


def test_what_a_later_verification_has_settled_is_no_reason_for_what_came_after_it(acted):
    served = acted.served
    acted.act(REVERIFY, reason=ReasonCode.FAILED_SPOT_CHECK)
    issued = served.sign(1, version=acted.version, no="2026-0000101", nonce="ab" * 16)
    path = f"/c/{served.submit(issued)}"
    assert look(served, path).style == "pending"
    opened = acted.people.act_on(
        issued, EventType.OPENED_FOR_REPAIR, INSTITUTION, acted.version + 1, reason=ReasonCode.REPAIRED
    )
    (result,) = served.post([entry(opened)]).json()["results"]
    assert "index" in result, result
    page = look(served, path)
    assert page.headline == "须重新检定"
    assert "原因：监督抽查" not in page.text
    assert "原因：" not in page.text.partition("请与器具铭牌核对")[0]


def test_reinstatement_settles_no_verification_that_is_due(acted):
    acted.act(REVERIFY, reason=ReasonCode.SEAL_BROKEN)
    acted.act(SUSPEND)
    acted.act(REINSTATE)
    page = look(acted.served, acted.path)
    assert page.headline == "须重新检定"
    assert "原因：铅封损坏" in page.text


def test_what_was_reinstated_is_no_reason_for_what_befell_its_lot():
    with ApiWorld() as served:
        people = People(served.world)
        served.post([entry(raw) for raw in people.founding()])
        issued = served.sign(1, lot={"no": "L-1", "size": 2})
        path = f"/c/{served.submit(issued)}"
        for raw in (
            people.act_on(issued, SUSPEND, INSTITUTION, 1, reason=ReasonCode.RELOCATED),
            people.act_on(issued, REINSTATE, AUTHORITY, 2),
            people.say_of_lot(INSTITUTION, INSTITUTION, "L-1", LotStatus.SUSPENDED, version=0),
        ):
            (result,) = served.post([entry(raw)]).json()["results"]
            assert "index" in result, result
        page = look(served, path)
        assert page.headline == "已暂停使用/调查中"
        assert "原因：" not in page.text.partition("请与器具铭牌核对")[0]


def test_a_reinstated_certificate_is_valid_again(acted):
    acted.act(CANCEL)
    acted.act(REINSTATE)
    assert look(acted.served, acted.path).style == "valid"
    acted.served.anchor()
    assert look(acted.served, acted.path).style == "valid"


def test_only_another_verification_ends_the_need_for_one(acted):
    served = acted.served
    acted.act(REVERIFY, AUTHORITY)
    newer = served.sign(1, version=2, no="2026-0000101", nonce="ab" * 16)
    served.submit(newer)
    served.anchor()
    assert look(served, acted.path).style == "superseded"
    assert look(served, f"/c/{compute_code(newer.raw)}").style == "valid"


def test_the_same_act_again_is_acknowledged_again(acted):
    raw = acted.sign(WITHDRAW)
    indices = [acted.served.post([entry(raw)]).json()["results"][0]["index"] for _ in range(2)]
    assert indices[0] == indices[1]


def test_acts_follow_the_issue_in_one_request(acted):
    issued = acted.served.sign(2)
    acts = [
        acted.people.act_on(issued, SUSPEND, INSTITUTION, 1),
        acted.people.act_on(issued, REINSTATE, AUTHORITY, 2),
    ]
    entries = [entry(issued.raw, issued.body), *map(entry, acts)]
    answer = acted.served.post(entries).json()
    assert all("index" in result for result in answer["results"]), answer


@pytest.mark.parametrize(
    ("event_type", "speaker", "changes", "why"),
    [
        (CANCEL, AUTHORITY, {"decision": None}, "an authority's CANCEL names its decision"),
        (CANCEL, INSTITUTION, {}, "CANCEL is not for an institution"),
        (CANCEL, ELSEWHERE, {}, "division 350100 is outside that of authority CN-36"),
        (WITHDRAW, SECOND, {}, "certificate 2026-0000001 is of 350100-01, not of 350100-02"),
        (
            WITHDRAW,
            INSTITUTION,
            {"number": "2026-0000009"},
            "institution 350100-01 has no certificate 2026-0000009",
        ),
        (WITHDRAW, INSTITUTION, {"part": "1"}, "certificate 2026-0000001 is about another instrument"),
        (REINSTATE, AUTHORITY, {}, "certificate 2026-0000001 is VALID: REINSTATE does not follow that"),
    ],
)
def test_what_has_no_effect_is_refused_with_the_reason(acted, event_type, speaker, changes, why):
    assert acted.refusal(acted.sign(event_type, speaker, **changes)) == ("NO_EFFECT", why)
    assert look(acted.served, acted.path).style == "valid"


def test_a_stale_act_is_refused_as_such(acted):
    stale = ("STALE_VERSION", "expects version 3; the newest is 1")
    assert acted.refusal(acted.sign(WITHDRAW, version=3)) == stale


def test_an_act_does_not_begin_in_the_future(acted):
    tolerated = acted.served.now + timedelta(minutes=5)
    late = acted.sign(WITHDRAW, effective_at=tolerated + timedelta(milliseconds=1))
    assert acted.refusal(late) == ("TIME", "is in the future")
    acted.act(WITHDRAW, effective_at=tolerated)
    assert tolerated > NOW


def test_an_act_comes_without_a_certificate(acted):
    code, why = acted.refusal(acted.sign(WITHDRAW), acted.issued.body)
    assert (code, why) == ("MALFORMED", "only an issue comes with a certificate")


def test_an_act_is_not_a_document(acted):
    raw = acted.sign(WITHDRAW)
    acted.served.post([entry(raw)])
    assert acted.served.client.get(f"/c/{compute_code(raw)}").status_code == 404
    assert acted.served.client.get(f"/c/{compute_code(raw)}/bundle.json").status_code == 404
