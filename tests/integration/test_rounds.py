"""Findings of devices: drafted or held, the same again, two devices, revisions; on both databases."""

from datetime import timedelta

import pytest
from rounds_world import READINGS, open_round
from signoff_world import APPROVER, CHECKER, OPERATOR

from issuer.rounds.judging import Series
from issuer.rounds.receiving import Sent, find_rivals
from issuer.signoff.states import DraftState
from ledger.core.errors import NotFoundError, StateError
from ledger.store.engine import Database


@pytest.fixture
def rounds(tmp_path):
    with open_round(tmp_path, 3) as rounds:
        rounds.device()
        yield rounds


def test_a_finding_becomes_a_draft_of_its_operator(rounds):
    (taken,) = rounds.take(rounds.finding())
    assert (taken.state, taken.reasons, taken.flags, taken.has_rivals) == ("drafted", (), (), False)
    draft = rounds.office.draft(taken.draft)
    assert (draft.state, draft.people.operator) == (DraftState.DRAFT, OPERATOR)
    content = rounds.draft_content(taken.draft)
    assert content["applicant"]["name"] == "福州示例石油有限公司"
    assert content["instrument"]["owner"]["code"] == "91350100M000100Y43"
    assert not rounds.office.submit([taken.draft]).refused


def test_the_same_again_changes_nothing(rounds):
    value = rounds.finding()
    first = rounds.take(value)
    before = rounds.findings()
    assert rounds.take(value) == first
    assert rounds.findings() == before
    assert rounds.office.draft(first[0].draft).sequence == 1


def test_killed_between_draft_and_finding_the_same_again_goes_on(rounds, monkeypatch):
    """The draft is there, the finding is not: asked again, there is one of each."""
    value = rounds.finding()
    with monkeypatch.context() as patch:
        patch.setattr("issuer.rounds.store.RoundWriting.add_finding", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rounds.take(value)
    assert rounds.findings() == []
    (taken,) = rounds.take(value)
    assert (taken.state, taken.draft, len(rounds.findings())) == ("drafted", 1, 1)
    with rounds.office.office.store.read() as desk:
        assert len(desk.list_drafts()) == 1


def test_a_later_revision_is_written_into_the_draft(rounds):
    (first,) = rounds.take(rounds.finding())
    later = rounds.finding(revision=2, seals=[{"no": "C3", "point": "主板与壳体"}])
    (second,) = rounds.take(later)
    assert (second.state, second.draft) == ("drafted", first.draft)
    assert rounds.draft_content(first.draft)["seals"] == [{"no": "C3", "point": "主板与壳体"}]
    assert [one.state for one in rounds.findings()] == ["replaced", "drafted"]
    assert rounds.take(rounds.finding())[0].state == "replaced", "asked again, the earlier one says so"


def test_an_earlier_revision_that_comes_late_changes_no_draft(rounds):
    (second,) = rounds.take(rounds.finding(revision=2, note="b"))
    (first,) = rounds.take(rounds.finding(note="a", seals=[]))
    assert first.state == "replaced"
    assert rounds.draft_content(second.draft)["seals"], "of the later revision"


def test_a_revision_after_the_draft_was_submitted_is_held(rounds):
    (first,) = rounds.take(rounds.finding())
    rounds.office.submit([first.draft])
    (second,) = rounds.take(rounds.finding(revision=2, note="b"))
    assert second.state == "held"
    assert [one.code for one in second.reasons] == ["DRAFT_CLOSED"]
    assert rounds.office.draft(first.draft).state is DraftState.SUBMITTED


def overtake(rounds, number=2):
    """Bring back that it fails after all, on paper that is not in order: held."""
    failing = (("20.00", "20.20"),) * 3
    sticker = [{"id": "7KQ2M9X001RCCF83"}]
    (taken,) = rounds.take(rounds.finding(revision=number, readings=failing, stickers=sticker))
    assert (taken.state, rounds.findings()[0].state) == ("held", "replaced")
    return taken


@pytest.mark.parametrize("step", ["submit", "check", "approve"])
def test_what_its_operator_has_replaced_goes_no_further(rounds, step):
    (first,) = rounds.take(rounds.finding())
    steps = ["submit", "check", "approve"]
    for before in steps[: steps.index(step)]:
        assert getattr(rounds.office, before)([first.draft]).refused == {}
    overtake(rounds)
    refusal = getattr(rounds.office, step)([first.draft]).refused[first.draft]
    assert isinstance(refusal, StateError)
    assert "revision 2" in str(refusal)
    assert "第2版" in refusal.zh


def test_what_replaced_it_goes_on_as_its_draft(rounds):
    (first,) = rounds.take(rounds.finding())
    overtake(rounds)
    overtake(rounds, 3)
    rounds.receiver().make_draft(rounds.round.id, rounds.findings()[-1].position)
    assert rounds.draft_content(first.draft)["conclusion"] == "fail"
    assert rounds.office.submit([first.draft]).refused == {}


def test_a_revision_in_order_takes_the_place_of_one_that_is_held(rounds):
    (first,) = rounds.take(rounds.finding())
    overtake(rounds)
    (third,) = rounds.take(rounds.finding(revision=3))
    assert (third.state, third.draft) == ("drafted", first.draft)
    assert rounds.office.sign_all([first.draft]).refused == {}


def test_a_draft_that_was_given_up_stays_so_and_a_later_revision_begins_another(rounds):
    (first,) = rounds.take(rounds.finding())
    rounds.office.writer.discard([first.draft], OPERATOR, "measured again")
    (second,) = rounds.take(rounds.finding(revision=2, note="b"))
    (third,) = rounds.take(rounds.finding(revision=3, note="c"))
    assert (second.state, third.state) == ("drafted", "drafted")
    assert second.draft == third.draft != first.draft
    assert rounds.office.draft(first.draft).state is DraftState.DISCARDED


def test_a_revision_with_the_same_number_and_other_bytes_is_refused(rounds):
    rounds.take(rounds.finding())
    (other,) = rounds.take(rounds.finding(note="x"))
    assert (other.state, other.reasons[0].code) == ("refused", "REVISION_TAKEN")
    assert len(rounds.findings()) == 1


def test_what_is_not_in_order_is_held_whole_with_every_reason(rounds):
    (taken,) = rounds.take(rounds.finding(nameplate="differs", seals_before="broken", seals=[], note="SN9"))
    assert taken.state == "held"
    assert {"NAMEPLATE", "SEALS"} <= {one.code for one in taken.reasons}
    assert all(one.en and one.zh for one in taken.reasons)
    assert taken.draft is None


def test_what_the_gate_refuses_is_held_with_its_reasons(rounds):
    (taken,) = rounds.take(rounds.finding(verified_on="2026-11-30"))
    assert taken.state == "held"
    assert taken.reasons


def test_its_operator_makes_a_draft_of_what_is_held(rounds):
    rounds.take(rounds.finding(nameplate="differs", note="SN9"))
    (held,) = rounds.findings()
    taken = rounds.receiver().make_draft(held.round, held.position)
    assert taken.state == "drafted"
    assert rounds.draft_content(taken.draft)["conclusion"] == "pass"
    with pytest.raises(StateError, match="does not wait"):
        rounds.receiver().make_draft(held.round, held.position)


def test_nobody_else_makes_a_draft_of_it(rounds):
    rounds.take(rounds.finding(nameplate="differs", note="SN9"))
    (held,) = rounds.findings()
    with pytest.raises(StateError, match=OPERATOR):
        rounds.receiver(CHECKER).make_draft(held.round, held.position)
    with pytest.raises(NotFoundError):
        rounds.receiver().make_draft(held.round, 99)


# --- what is not taken --------------------------------------------------------------------------------------


def test_a_revoked_device_brings_nothing_more_and_what_it_brought_stays(rounds):
    device = rounds.device()
    rounds.take(rounds.finding())
    with rounds.store.write() as writing:
        writing.revoke_device(device, "guan", 5)
        writing.revoke_device(device, "other", 6)
    (taken,) = rounds.take(rounds.finding("2"))
    assert (taken.state, taken.reasons[0].code) == ("refused", "DEVICE_REVOKED")
    assert len(rounds.findings()) == 1
    with rounds.store.read() as reading:
        assert reading.find_device(device).revoked_by == "guan"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"round": "r-00000000000000ff"}, "OTHER_ROUND"),
        ({"round_digest": "00" * 32}, "OTHER_ROUND"),
        ({"device": "d-00000000000000ff"}, "OTHER_DEVICE"),
        ({"item": "9"}, "OTHER_ITEM"),
        ({"conclusion": "perhaps"}, "MALFORMED"),
    ],
)
def test_what_is_refused_is_not_kept(rounds, change, code):
    (taken,) = rounds.take(rounds.finding(**change))
    assert (taken.state, taken.reasons[0].code) == ("refused", code)
    assert rounds.findings() == []


def test_an_altered_finding_is_refused(rounds):
    sent = rounds.send(rounds.finding())
    altered = Sent(sent.raw.replace(b'"intact"', b'"broken"'), sent.signature)
    (taken,) = rounds.take(altered)
    assert (taken.state, taken.reasons[0].code) == ("refused", "SIGNATURE")


def test_another_persons_device_is_refused(rounds):
    (taken,) = rounds.take(rounds.finding(), person=CHECKER)
    assert (taken.state, taken.reasons[0].code) == ("refused", "OTHER_DEVICE")


def test_one_bad_finding_does_not_stop_the_others(rounds):
    states = [one.state for one in rounds.take(rounds.finding("1"), rounds.finding("9"), rounds.finding("2"))]
    assert states == ["drafted", "refused", "drafted"]


def test_an_unknown_round_is_not_found(rounds):
    with pytest.raises(NotFoundError):
        rounds.receiver().take("r-0", [], rounds.office.clock())


# --- clocks and conflicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "flags"), [(5, []), (6, ["CLOCK"]), (-5, []), (-6, ["CLOCK"])])
def test_a_wrong_clock_is_flagged_and_not_refused(rounds, minutes, flags):
    sent_at = rounds.office.clock() + timedelta(minutes=minutes)
    (taken,) = rounds.take(rounds.finding(), sent_at=sent_at)
    assert taken.state == "drafted"
    assert [one.code for one in taken.flags] == flags


def test_a_finding_from_the_future_is_flagged(rounds):
    (taken,) = rounds.take(rounds.finding(made_at="2026-11-03T09:00:00Z"))
    assert [one.code for one in taken.flags] == ["CLOCK"]
    assert "59 minutes ahead" in taken.flags[0].en or "60 minutes ahead" in taken.flags[0].en


def test_two_devices_at_one_pump_are_both_kept_and_the_approver_decides(rounds):
    other = rounds.device(2)
    (one,) = rounds.take(rounds.finding())
    readings = (("20.00", "20.04"), ("20.00", "20.05"), ("20.00", "20.04"))
    (two,) = rounds.take(rounds.finding(device=other, readings=readings))
    assert (one.has_rivals, two.has_rivals) == (False, True)
    assert rounds.take(rounds.finding())[0].has_rivals, "asked again, the first one knows"
    assert one.draft != two.draft
    ids = [one.draft, two.draft]
    assert not rounds.office.submit(ids).refused
    assert not rounds.office.check(ids).refused
    prospect = rounds.office.approver.look(rounds.office.draw(ids))
    assert set(prospect.rivals) == set(ids), "the sign-off shows both to the approver"


@pytest.fixture
def nozzles(tmp_path):
    """A round of pumps with two nozzles, and two devices."""
    with open_round(tmp_path, 2, ("1", "2")) as rounds:
        rounds.device(1)
        rounds.device(2)
        yield rounds


def test_two_devices_disagree_about_a_nozzle_and_what_one_brings_later_is_still_compared(nozzles):
    good = Series("indication_error", "1", READINGS)
    bad = Series("indication_error", "2", (("20.00", "20.20"),))
    before = Series("indication_error", "2", bad.readings, before_adjustment=True)
    after = Series("indication_error", "2", READINGS)
    one, two = "d-0000000000000001", "d-0000000000000002"
    (failed,) = nozzles.take(nozzles.finding(device=one, results=nozzles.results(good, bad)))
    adjusted = nozzles.finding(device=two, results=nozzles.results(good, before, after), adjusted=True)
    (passed,) = nozzles.take(adjusted)
    assert (failed.state, passed.state, passed.has_rivals) == ("drafted", "drafted", True)
    contents = [nozzles.draft_content(draft) for draft in (failed.draft, passed.draft)]
    assert [content["conclusion"] for content in contents] == ["fail", "pass"]
    kept = [(one.get("part"), one.get("before_adjustment", False)) for one in contents[1]["results"]]
    assert ("2", True) in kept, "what was read before the adjustment is in the document"
    (again,) = nozzles.take(nozzles.finding(device=one, revision=2, results=nozzles.results(good, after)))
    assert (again.state, again.draft, again.has_rivals) == ("drafted", failed.draft, True)
    with nozzles.store.read() as reading:
        rivals = find_rivals(reading, nozzles.findings())
    assert {position: [other.device for other in others] for position, others in rivals.items()} == {
        2: [one],
        3: [two],
    }, "a replaced revision is nobody's rival"
    decide(nozzles, [failed.draft, passed.draft])


def decide(rounds, ids):
    """The approver must say which draft becomes the document; the other one stays as it is."""
    office = rounds.office
    assert not office.submit(ids).refused
    assert not office.check(ids).refused
    batch = office.draw(ids)
    done = office.approver.approve(batch, office.person(APPROVER), office.seal)
    assert set(done.refused) == set(ids), "neither by itself"
    office.tick()
    done = office.approver.approve(batch, office.person(APPROVER), office.seal, decided=ids[1:])
    assert [draft.id for draft in done.done] == ids[1:]
    assert office.draft(ids[0]).state is DraftState.CHECKED


def test_each_device_has_read_one_nozzle(nozzles):
    """Neither may conclude about a pump of which it has not read everything."""
    half = nozzles.finding(results=nozzles.results(Series("indication_error", "1", READINGS)))
    other = nozzles.finding(
        device="d-0000000000000002", results=nozzles.results(Series("indication_error", "2", READINGS))
    )
    taken = nozzles.take(half, other)
    assert [one.state for one in taken] == ["held", "held"]
    assert [[reason.code for reason in one.reasons] for one in taken] == [["PARTS"], ["PARTS"]]
    assert [one.has_rivals for one in taken] == [False, True]


@pytest.mark.parametrize(
    ("series", "adjusted", "code"),
    [
        ([("1", False), ("2", False)], True, "ADJUSTMENT"),
        ([("1", False), ("2", True), ("2", False)], False, "ADJUSTMENT"),
        ([("1", False), ("2", True)], True, "ADJUSTMENT"),
    ],
)
def test_an_adjustment_without_both_its_readings_is_held(nozzles, series, adjusted, code):
    read = [Series("indication_error", part, READINGS, before) for part, before in series]
    (taken,) = nozzles.take(nozzles.finding(results=nozzles.results(*read), adjusted=adjusted))
    assert taken.state == "held"
    assert code in [one.code for one in taken.reasons]


@pytest.mark.parametrize(
    ("flow", "state", "names"), [("5", "drafted", []), ("50", "held", ["1 @ 5"]), (None, "held", ["1 @ 5"])]
)
def test_every_flow_read_before_an_adjustment_is_read_after_it(rounds, flow, state, names):
    failing = (("20.00", "20.20"),) * 3
    before = [
        Series("indication_error", "1", failing, before_adjustment=True, flow=one) for one in ("50", "5")
    ]
    after = [Series("indication_error", "1", READINGS, flow=one) for one in dict.fromkeys(("50", flow))]
    (taken,) = rounds.take(rounds.finding(results=rounds.results(*before, *after), adjusted=True))
    assert (taken.state, [one.code for one in taken.reasons]) == (state, ["ADJUSTMENT"] * len(names))
    assert all(name in one.en and name in one.zh for name, one in zip(names, taken.reasons, strict=True))


def test_findings_that_do_not_contradict_each_other(rounds):
    other = rounds.device(2)
    rounds.take(rounds.finding("1"), rounds.finding("2", device=other), rounds.finding("1", revision=2))
    with rounds.store.read() as reading:
        assert find_rivals(reading, rounds.findings()) == {}


def test_a_round_on_each_database(tmp_path, database_url):
    database = Database(database_url)
    with open_round(tmp_path, 2, database=database) as rounds:
        other = rounds.device(2)
        rounds.device()
        assert [one.state for one in rounds.take(rounds.finding(), rounds.finding("2"))] == ["drafted"] * 2
        (rival,) = rounds.take(rounds.finding(device=other, readings=READINGS[:2]))
        assert rival.has_rivals
        (later,) = rounds.take(rounds.finding(revision=2, note="b"))
        assert later.state == "drafted"
        with rounds.store.read() as reading:
            assert reading.count_findings() == {rounds.round.id: (3, 0)}
            assert [one.id for one in reading.list_rounds(limit=5)] == [rounds.round.id]
            assert len(reading.list_devices()) == 2
