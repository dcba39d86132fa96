"""The sign-off on SQLite and PostgreSQL: who may, what is fixed, what is void, what two people at once see."""

import copy
import json
from dataclasses import replace

import pytest
from desk_world import CountingRandomness, make_desk, rows
from signoff_world import (
    APPLICATION,
    APPROVER,
    CHECKER,
    NAMED,
    OPERATOR,
    content,
    open_office,
)
from sqlalchemy import text
from world import INSTITUTION, ORIGIN, make_signer

from issuer.signoff.office import Person
from issuer.signoff.signing_off import Named, load_signed
from issuer.signoff.states import DraftState
from issuer.signoff.store import SignOffStore
from issuer.signoff.view import describe_round, describe_whole
from issuer.tables import DocumentState
from ledger.core.act import ReasonCode
from ledger.core.certificate import parse_certificate
from ledger.core.errors import (
    AlreadyIssuedError,
    InputError,
    NotFoundError,
    StateError,
    StoreUnavailableError,
    UnavailableError,
)
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.record import Role
from ledger.core.signatories import verify_signatures
from ledger.store.engine import Database

ALL = (OPERATOR, CHECKER, APPROVER)


@pytest.fixture
def office(database_url):
    with open_office(None, database=Database(database_url)) as found:
        yield found


def documents(office, state=None):
    with office.office.store.read() as desk:
        return list(desk.list_documents(state))


def fetch(office, number):
    with office.office.store.read() as desk:
        return desk.fetch(number)


def record(office, number):
    return parse_certificate(fetch(office, number).certificate).record


# --- the way through ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyed", [ALL, (), (APPROVER,), (CHECKER, APPROVER)])
def test_every_mixture_of_keys_and_times_that_fixes_the_bytes_passes(database_url, keyed):
    with open_office(None, database=Database(database_url), keyed=keyed) as office:
        done = office.sign_all(office.create(1, 2))
        assert (len(done.done), done.refused, done.held, done.outage) == (2, {}, {}, None)
        for stored in documents(office):
            assert stored.state is DocumentState.LOGGED
            certificate = parse_certificate(fetch(office, stored.number).certificate)
            verify_signatures(certificate, office.seal.public_key)
            times = [person.signed_at for person in certificate.record.persons]
            assert times == sorted(times)
            assert len(set(times)) == 3
            assert len(certificate.proofs) == len(keyed) + 1


@pytest.mark.parametrize("keyed", [(OPERATOR,), (CHECKER,), (OPERATOR, CHECKER), (OPERATOR, APPROVER)])
def test_who_signs_by_time_after_a_key_is_refused_before_anything_is_fixed(database_url, keyed):
    with open_office(None, database=Database(database_url), keyed=keyed) as office:
        with pytest.raises(InputError, match="has no registered key and would sign after"):
            office.submit(office.create(1))
        assert office.draft(1).state is DraftState.DRAFT


def test_a_checker_who_may_approve_signs_one_published_proof(database_url):
    with open_office(None, database=Database(database_url)) as office:
        content_ = office.gateway.founded.institutions[INSTITUTION]
        office.gateway.founded.institutions[INSTITUTION] = replace(content_, checker_may_approve=True)
        ids = office.create(1)
        assert not office.submit(ids, named=Named(CHECKER, CHECKER)).refused
        assert not office.check(ids).refused
        done = office.approve(ids, person=CHECKER)
        assert not done.refused
        certificate = parse_certificate(fetch(office, "JY2026-000001").certificate)
        verify_signatures(certificate, office.seal.public_key)
        assert len(certificate.proofs) == 3 - 1 + 1
        assert {one.role for one in _signatures(office, ids[0])} == set(Role)


def _signatures(office, draft):
    with office.office.store.read() as desk:
        return desk.list_signatures([desk.fetch_draft(draft).key])


def test_the_operators_and_checkers_proofs_are_over_the_published_bytes(office):
    """Kept proofs are published byte for byte: nobody had to sign anew."""
    office.sign_all(office.create(1))
    published = json.loads(fetch(office, "JY2026-000001").certificate)["proof"]
    kept = {one.role: json.loads(one.proof) for one in _signatures(office, 1)}
    assert published[:3] == [kept[role] for role in Role]


def test_names_of_staff_are_personal_members(office):
    office.sign_all(office.create(1))
    files = fetch(office, "JY2026-000001")
    assert "林示例".encode() not in files.certificate
    assert json.loads(files.disclosure)["members"]["persons.0.name"]["value"] == "林示例"


def test_an_application_gives_its_applicant_and_is_accepted_once(office):
    first = office.writer.accept(APPLICATION, OPERATOR)
    assert office.writer.accept(APPLICATION, CHECKER) == first
    named = {**APPLICATION, "request_id": "A-1"}
    office.writer.accept(named, OPERATOR)
    with pytest.raises(AlreadyIssuedError, match="was accepted with other content"):
        office.writer.accept({**named, "what": "电子秤"}, OPERATOR)
    (draft,) = office.create(1)
    with office.office.store.read() as desk:
        whole = describe_whole(desk, desk.fetch_draft(draft), office.office)
    assert whole["content"]["applicant"] == APPLICATION["applicant"]
    with pytest.raises(InputError, match="application"):
        office.writer.create([content(2)], OPERATOR)
    with pytest.raises(NotFoundError, match="no application 99"):
        office.writer.create([content(2)], OPERATOR, application=99)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"applicant": {}}, "applicant.name"),
        ({"applicant": {"name": "x", "code": "91350100M000100Y44"}}, "applicant.code"),
        ({"received_on": "2026-02-30"}, "received_on"),
        ({"what": ""}, "what"),
        ({"extra": 1}, None),
    ],
)
def test_an_application_that_is_none(office, changes, field):
    with pytest.raises(InputError) as refused:
        office.writer.accept({**APPLICATION, **changes}, OPERATOR)
    assert refused.value.field == field


# --- drafts -------------------------------------------------------------------------------------------------


def test_the_same_draft_again_is_the_same_and_another_content_is_refused(office):
    assert office.create(1) == office.create(1) == [1]
    with pytest.raises(AlreadyIssuedError, match="R-1 belongs to a draft with other content"):
        office.create(1, adjusted=True)


@pytest.mark.parametrize("name", ["persons", "issued_on"])
def test_what_comes_later_does_not_stand_in_a_draft(office, name):
    with pytest.raises(InputError) as refused:
        office.create(1, **{name: "x"})
    assert refused.value.field == name


def test_every_edit_is_a_revision_and_the_old_ones_stay(office):
    (draft,) = office.create(1)
    office.writer.edit(draft, content(1, adjusted=True), OPERATOR)
    assert office.writer.edit(draft, content(1, adjusted=True), OPERATOR).revision == 2, (
        "the same changes nothing"
    )
    with office.office.store.read() as desk:
        found = desk.fetch_contents([(draft, 1), (draft, 2)])
    assert [json.loads(raw)["adjusted"] for raw in found.values()] == [False, True]
    with pytest.raises(StateError, match="for the operator of this draft"):
        office.writer.edit(draft, content(1), CHECKER)


def test_an_incomplete_draft_is_kept_and_refused_with_every_reason_when_it_is_submitted(office):
    value = content(1)
    for name in ("conclusion", "verified_on"):
        del value[name]
    value["instrument"]["serial"] = ""
    application = office.writer.accept(APPLICATION, OPERATOR)
    (draft,) = office.writer.create([value], OPERATOR, application=application.id)
    faults, ready = office.writer.look(value, OPERATOR)
    fields = {fault.field for fault in faults}
    assert {"conclusion", "verified_on", "instrument.serial"} <= fields
    assert ready is None
    (left,) = describe_round(office.submit([draft.id]))["refused"]
    assert {"conclusion", "verified_on", "instrument.serial"} <= {one["field"] for one in left["reasons"]}
    assert office.draft(draft.id).state is DraftState.DRAFT


def test_a_look_misses_nobody_who_is_named_later_and_judges_the_readings(office):
    value = content(1)
    assert office.writer.look(value, OPERATOR)[0] == []
    bad = copy.deepcopy(value)
    bad["results"][0]["points"][0]["measured"] = "20.09"
    found = {(fault.code, fault.field) for fault in office.writer.look(bad, OPERATOR)[0]}
    assert found == {("LIMITS", f"results[0].points[0].{name}") for name in ("error", "pass")}


def test_a_discarded_draft_is_over(office):
    (draft,) = office.create(1)
    done = office.writer.discard([draft, 77], OPERATOR, "重复")
    assert ([one.id for one in done.done], list(done.refused)) == ([draft], [77])
    for action in (office.submit, lambda ids: office.writer.discard(ids, OPERATOR, "again")):
        assert draft in action([draft]).refused
    with pytest.raises(StateError, match="is not open"):
        office.writer.edit(draft, content(1, adjusted=True), OPERATOR)


# --- two at once --------------------------------------------------------------------------------------------


def test_who_comes_later_is_told_who_was_first(office):
    first, second, third = office.create(1, 2, 3)
    seen = office.draft(first).sequence
    office.writer.edit(first, content(1, adjusted=True), OPERATOR)
    with pytest.raises(StateError, match=r"P-0107 was first: edited draft 1 at 2026-11-03T08:00:00Z"):
        office.writer.edit(first, content(1), OPERATOR, expected=seen)
    (left,) = office.submit([first, second], expected={first: seen}).refused.values()
    assert "P-0107 was first" in str(left)
    office.submit([third])
    seen = office.draft(third).sequence
    office.give_back([third], APPROVER, "读数有误")
    assert "is not open" in str(office.check([third], expected={third: seen}).refused[third])


def test_a_return_between_look_and_transaction_wins(office):
    """The checker has it on the screen; the approver returns it while the checker's transaction begins."""
    ids = office.create(1, 2)
    office.submit(ids)
    late = office.reopen(failpoint=lambda name: _return_at(name, "signoff.before_checking", office, ids[0]))
    done = late.check(ids)
    assert [one.id for one in done.done] == [ids[1]]
    assert "P-0003 was first: returned draft 1" in str(done.refused[ids[0]])
    assert office.draft(ids[0]).state is DraftState.DRAFT


def _return_at(name, place, office, draft):
    if name == place and office.draft(draft).number is not None:
        office.give_back([draft], APPROVER, "先退回")


def test_a_return_between_the_approvers_look_and_seal_wins(office):
    ids = office.create(1, 2)
    office.submit(ids)
    office.check(ids)
    late = office.reopen(failpoint=lambda name: _return_at(name, "signoff.before_approving", office, ids[0]))
    done = late.approve(ids)
    assert [one.id for one in done.done] == [ids[1]]
    assert [item.number for item in documents(office)] == ["JY2026-000002"]
    assert [item.number for item in office.voided()] == ["JY2026-000001"]


def test_two_submissions_of_one_draft_give_one_number(office):
    ids = office.create(1)
    other = office.reopen(failpoint=lambda name: name == "signoff.before_submitting" and office.submit(ids))
    left = other.submit(ids)
    assert "P-0107 was first: submitted" in str(left.refused[ids[0]])
    assert office.draft(ids[0]).number == "JY2026-000001"
    assert _counter(office) == 1


def _counter(office):
    with office.office.store.read() as desk:
        return desk.list_series()["JY2026-*"]


# --- return and numbers -------------------------------------------------------------------------------------


def test_returned_numbers_are_void_counted_and_never_given_again(office):
    ids = office.create(1, 2, 3)
    office.submit(ids)
    office.give_back([ids[1]], CHECKER, "出厂编号有误")
    (voided,) = office.voided()
    assert (voided.number, voided.reason, voided.person) == ("JY2026-000002", "出厂编号有误", CHECKER)
    assert office.submit([ids[1]]).done[0].number == "JY2026-000004"
    office.check(ids)
    office.approve(ids)
    given = {item.number for item in documents(office)} | {item.number for item in office.voided()}
    assert given == {f"JY2026-{number:06d}" for number in range(1, 5)}, "no gap"
    assert _counter(office) == 4


def test_a_brought_number_is_used_once(office):
    own, same, other = office.create(1, no="X-1"), office.create(2, no="X-1"), office.create(3, no="X-2")
    done = office.submit([*own, *same, *other])
    assert [one.number for one in done.done] == ["X-1", "X-2"]
    assert "the same number as another draft" in str(done.refused[same[0]])
    office.give_back(own, CHECKER, "读数有误")
    (left,) = office.submit(own).refused.values()
    assert "belongs to another document" in str(left)


def test_a_number_of_a_draft_is_not_given_by_an_issue_beside_it(office):
    """The desk of `issue` and the sign-off share series and brought numbers."""
    from desk_world import document

    office.submit(office.create(1, no="JY2026-000001"))
    desk = make_desk(office.database, office.gateway, randomness=CountingRandomness(b"desk"))
    office.gateway.register_person("P-operator", keyed=False)
    report = desk.issue(desk.check_rows(rows(document(2), document(3))).documents)
    assert [item.number for item in report.documents] == ["JY2026-000002", "JY2026-000003"]
    faults = desk.check_rows(rows(document(4, no="JY2026-000001"))).faults
    assert [fault.code for fault in faults] == ["ALREADY_ISSUED"]
    assert office.submit(office.create(5)).done[0].number == "JY2026-000004"


def test_a_return_needs_a_reason_and_one_of_the_three(office):
    ids = office.create(1)
    office.submit(ids)
    with pytest.raises(InputError, match="reason"):
        office.give_back(ids, CHECKER, " ")
    assert "is for the operator or checker or approver" in str(office.give_back(ids, "P-9").refused[ids[0]])
    assert office.draft(ids[0]).number == "JY2026-000001"


# --- the gate, again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["check", "approve"])
def test_what_has_changed_since_refuses_one_and_lets_the_others_go_on(office, step):
    from ledger.core.register_fields import RegisterState

    pump, scale = office.create(1)[0], office.create(2)[0]
    office.gateway.register_person("P-0113")
    office.submit([pump])
    office.submit([scale], named=Named("P-0113", APPROVER))
    if step == "approve":
        office.check([pump])
        office.check([scale], person="P-0113")
    office.gateway.register_person(CHECKER, version=1, state=RegisterState.SUSPENDED)
    if step == "check":
        done = office.check([pump])
        assert office.check([scale], person="P-0113").done[0].id == scale
    else:
        done = office.approve([pump, scale])
        assert [one.id for one in done.done] == [scale]
    (left,) = describe_round(done)["refused"]
    assert "PERSON_EXPIRED" in {reason["code"] for reason in left["reasons"]}
    assert all(reason["zh"] for reason in left["reasons"])


def test_another_seal_key_since_the_submission_is_refused(office):
    ids = office.create(1)
    office.submit(ids)
    rotated = office.reopen(seal_key=make_signer("seal-2").public_key)
    assert "submitted for another seal key" in str(rotated.check(ids).refused[ids[0]])


def test_a_clock_that_went_back_signs_nothing(office):
    ids = office.create(1)
    office.submit(ids)
    office.clock.move(hours=-1)
    assert "stands before the last signature" in str(office.check(ids).refused[ids[0]])


@pytest.mark.parametrize("signer", [None, make_signer("somebody")])
def test_a_person_comes_with_their_own_key(office, signer):
    ids = office.create(1)
    with pytest.raises(InputError, match="signs with their registered key"):
        office.signing.submit(ids, Person(OPERATOR, signer), NAMED)
    office.submit(ids)
    done = office.signing.check(ids, Person(CHECKER, signer))
    assert "signs with their registered key" in str(done.refused[ids[0]])
    office.check(ids)
    done = office.approver.approve(office.draw(ids), Person(APPROVER, signer), office.seal)
    assert "signs with their registered key" in str(done.refused[ids[0]])


def test_a_key_that_nobody_registered_does_not_sign(database_url):
    with (
        open_office(None, database=Database(database_url), keyed=()) as office,
        pytest.raises(InputError, match="is not registered for P-0107"),
    ):
        office.signing.submit(office.create(1), Person(OPERATOR, make_signer(OPERATOR)), NAMED)


# --- approval of a batch ------------------------------------------------------------------------------------


def checked(office, count):
    ids = office.create(*range(1, count + 1))
    office.submit(ids)
    office.check(ids)
    return ids


def test_nothing_is_approved_before_this_approver_has_opened_the_whole_sample(office):
    ids = checked(office, 30)
    batch = office.approver.draw(ids, APPROVER)
    assert len(batch.sample) == 6
    first, *others = sorted(batch.sample)
    for draft in others:
        office.approver.open(draft, APPROVER)
    office.approver.open(first, CHECKER)
    with pytest.raises(StateError, match=f"open these drafts of the sample first: {first}"):
        office.approver.approve(batch.id, office.person(APPROVER), office.seal)
    assert documents(office) == []
    office.approver.open(first, APPROVER)
    assert len(office.approver.approve(batch.id, office.person(APPROVER), office.seal).done) == 30
    with office.office.store.read() as desk:
        ((key, person, _), (_, other, _)) = desk.list_openings(first)
        assert {person, other} == {APPROVER, CHECKER}
        assert key == (first, 1)


def test_drawing_again_is_no_way_around_what_was_drawn(office):
    ids = checked(office, 30)
    first = office.approver.draw(ids, APPROVER)
    second = office.approver.draw(ids, APPROVER)
    assert first.sample <= second.sample
    assert first.seed != second.seed


def test_what_was_opened_before_a_return_does_not_count_after_it(office):
    (draft,) = checked(office, 1)
    office.approver.open(draft, APPROVER)
    office.give_back([draft], APPROVER, "封印号不符")
    office.submit([draft])
    office.check([draft])
    assert office.approver.look(office.draw([draft], opened=False)).unopened == (draft,)


def test_a_batch_is_its_approvers_and_of_checked_drafts(office):
    ids = checked(office, 1)
    with pytest.raises(StateError, match="for the approver of this draft"):
        office.approver.draw(ids, CHECKER)
    with pytest.raises(InputError, match="one draft or more"):
        office.approver.draw([], APPROVER)
    with pytest.raises(NotFoundError, match="no draft 99"):
        office.approver.draw([99], APPROVER)
    with pytest.raises(StateError, match="is not open"):
        office.approver.draw(office.create(7), APPROVER)
    batch = office.draw(ids)
    with pytest.raises(StateError, match="P-0003's to approve, not P-0112's"):
        office.approver.approve(batch, office.person(CHECKER), office.seal)
    with pytest.raises(InputError, match="seal key"):
        office.approver.approve(batch, office.person(APPROVER), make_signer("other"))


def test_two_drafts_on_one_instrument_wait_for_the_approvers_decision(office):
    first, second = office.create(1)[0], office.create(1, request_id="R-1b", adjusted=True)[0]
    office.submit([first, second])
    office.check([first, second])
    batch = office.draw([first, second])
    done = office.approver.approve(batch, office.person(APPROVER), office.seal)
    assert set(done.refused) == {first, second}
    done = office.approver.approve(batch, office.person(APPROVER), office.seal, decided=[second])
    assert [one.id for one in done.done] == [second]
    done = office.approver.approve(batch, office.person(APPROVER), office.seal)
    assert "by P-0107 of 2026-11-02 (approved)" in str(done.refused[first])
    done = office.approver.approve(batch, office.person(APPROVER), office.seal, decided=[first])
    assert {one.id for one in done.done} == {first, second}
    assert [item.state for item in documents(office)] == [DocumentState.LOGGED] * 2


def test_while_the_log_is_out_of_reach_documents_wait_and_the_same_command_hands_them_in(office):
    ids = checked(office, 3)
    batch = office.draw(ids)
    office.gateway.fail("submit")
    done = office.approver.approve(batch, office.person(APPROVER), office.seal)
    assert (len(done.done), str(done.outage)) == (3, "injected: nothing was written")
    assert {item.state for item in documents(office)} == {DocumentState.SIGNED}
    done = office.approver.approve(batch, office.person(APPROVER), office.seal)
    assert (len(done.done), done.outage) == (3, None)
    assert {item.state for item in documents(office)} == {DocumentState.LOGGED}


def test_registers_out_of_reach_change_nothing(office):
    ids = office.create(1)
    office.gateway.fail("registers")
    with pytest.raises(UnavailableError):
        office.submit(ids)
    assert office.draft(ids[0]).state is DraftState.DRAFT


# --- corrections --------------------------------------------------------------------------------------------


def test_a_replacement_says_exactly_what_changed_whatever_its_author_claims(office):
    office.sign_all(office.create(1))
    begun = office.corrections.begin(CertificateNumber("JY2026-000001"), ReasonCode.TYPO, "编号", OPERATOR)
    value = copy.deepcopy(begun.content)
    assert value["instrument"]["owner"]["name"] == "福州示例石油有限公司", "filled in from the disclosure"
    (left,) = office.submit([begun.draft.id]).refused.values()
    assert "nothing differs" in str(left)
    value["instrument"]["serial"] = "SN-1B"
    value["applicant"] = {"name": "另一公司"}
    wrong = copy.deepcopy(value)
    wrong["replaces"]["changed"] = ["instrument.serial"]
    office.writer.edit(begun.draft.id, wrong, OPERATOR)
    (left,) = office.submit([begun.draft.id]).refused.values()
    assert "what differs is applicant, instrument.serial" in str(left)
    office.writer.edit(begun.draft.id, value, OPERATOR)
    done = office.sign_all([begun.draft.id])
    assert not done.refused
    assert record(office, "JY2026-000002").replaces.changed == ("applicant", "instrument.serial")


def test_a_document_is_replaced_once(office):
    office.sign_all(office.create(1))
    for number in (1, 2):
        begun = office.corrections.begin(
            CertificateNumber("JY2026-000001"), ReasonCode.TYPO, "编号", OPERATOR
        )
        value = copy.deepcopy(begun.content)
        value["instrument"]["serial"] = f"SN-{number}"
        if number == 2:
            break
        office.writer.edit(begun.draft.id, value, OPERATOR)
        office.sign_all([begun.draft.id])
    left = office.submit([begun.draft.id]).refused or {0: StateError("is APPROVED")}
    assert left
    with pytest.raises(NotFoundError, match="no document NONE"):
        office.corrections.begin(CertificateNumber("NONE"), ReasonCode.TYPO, "编号", OPERATOR)


def test_what_is_asked_is_decided_by_somebody_else_and_done_once(office):
    office.sign_all(office.create(1))
    number = CertificateNumber("JY2026-000001")
    request = office.corrections.ask(
        EventType.SUSPEND, number, ReasonCode.FAILED_SPOT_CHECK, "抽查", OPERATOR
    )
    with pytest.raises(StateError, match="P-0107 has asked for this"):
        office.corrections.grant(request.id, OPERATOR, office.amender)
    done = office.corrections.grant(request.id, APPROVER, office.amender)
    assert (done.state, done.decided_by) == ("done", APPROVER)
    assert office.corrections.grant(request.id, APPROVER, office.amender) == done
    with pytest.raises(StateError, match="P-0003 was first: granted request 1"):
        office.corrections.refuse(request.id, CHECKER, "不同意")
    refused = office.corrections.ask(EventType.WITHDRAW, number, ReasonCode.TYPO, "撤回", CHECKER)
    assert office.corrections.refuse(refused.id, APPROVER, "不同意").answer == "不同意"
    with pytest.raises(StateError, match="refused request 2"):
        office.corrections.grant(refused.id, APPROVER, office.amender)


@pytest.mark.parametrize("place", ["corrections.granted", "corrections.acted"])
def test_a_decision_that_is_broken_off_goes_on(office, place):
    office.sign_all(office.create(1))
    number = CertificateNumber("JY2026-000001")
    request = office.corrections.ask(EventType.WITHDRAW, number, ReasonCode.TYPO, "撤回", OPERATOR)

    def die(name):
        if name == place:
            raise KeyboardInterrupt

    broken = office.reopen(failpoint=die)
    with pytest.raises(KeyboardInterrupt):
        broken.corrections.grant(request.id, APPROVER, office.amender)
    office.tick(60)
    size = office.gateway.size
    done = office.corrections.grant(request.id, APPROVER, office.amender)
    assert done.state == "done"
    assert office.gateway.size == size + (place == "corrections.granted")


@pytest.mark.parametrize(
    ("event_type", "document", "note", "message"),
    [
        (EventType.REINSTATE, None, "x", "is not asked for here"),
        (EventType.SUPPLEMENT, None, "x", "belongs to a supplement"),
        (EventType.WITHDRAW, b"d" * 32, "x", "belongs to a supplement"),
        (EventType.WITHDRAW, None, "", "reason"),
    ],
)
def test_what_cannot_be_asked(office, event_type, document, note, message):
    office.sign_all(office.create(1))
    number = CertificateNumber("JY2026-000001")
    with pytest.raises(InputError, match=message):
        office.corrections.ask(event_type, number, ReasonCode.TYPO, note, OPERATOR, document)


# --- the store ----------------------------------------------------------------------------------------------


def test_a_database_of_the_older_format_is_refused_and_left_alone(database_url):
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE desk_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"))
        for key, value in (("format", "1"), ("institution", INSTITUTION), ("origin", ORIGIN)):
            connection.execute(text("INSERT INTO desk_meta VALUES (:k, :v)"), {"k": key, "v": value})
    store = SignOffStore(database, InstitutionId(INSTITUTION), ORIGIN)
    with pytest.raises(
        StateError, match=r"format '1', not '2': until version 1\.0 a new desk needs a new home"
    ):
        store.prepare()
    with database.read() as connection, pytest.raises(StoreUnavailableError):
        _read_drafts(connection)
    database.close()


def _read_drafts(connection):
    import sqlalchemy

    if not sqlalchemy.inspect(connection).has_table("desk_drafts"):
        raise StoreUnavailableError("no such table")


def test_lists_are_by_state_person_and_role(office):
    ids = office.create(1, 2, 3)
    office.submit(ids[:2])
    office.check(ids[:1])
    with office.office.store.read() as desk:
        assert [one.id for one in desk.list_drafts(DraftState.DRAFT)] == ids[2:]
        assert [one.id for one in desk.list_drafts(role=Role.CHECKER, person=CHECKER)] == ids[:2]
        assert [one.id for one in desk.list_drafts(DraftState.CHECKED, person=APPROVER)] == ids[:1]
        assert desk.list_drafts(role=Role.OPERATOR, person=APPROVER) == []
        assert [one.id for one in desk.list_drafts(after=ids[0], limit=1)] == ids[1:2]
        assert load_signed(desk, desk.list_drafts(DraftState.DRAFT)) == []
