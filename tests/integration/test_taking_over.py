"""Rows of a file as drafts, on SQLite and PostgreSQL: which way, whom they name, never twice, what is refused."""

import copy
import hashlib
from dataclasses import replace
from datetime import date

import pytest
from desk_world import document, make_desk, rows
from signoff_world import (
    APPLICATION,
    APPROVER,
    CHECKER,
    NAMED,
    OPERATOR,
    content,
    open_office,
    person_content,
)
from world import make_signer

from issuer.batch import Row
from issuer.drafting import read_request
from issuer.signoff.rows import Way
from issuer.signoff.states import DraftState
from issuer.signoff.taking_over import Taken, Taker
from issuer.signoff.writing import Writer
from ledger.core.errors import AlreadyIssuedError, MalformedDocumentError, NotFoundError
from ledger.core.record import Role
from ledger.store.engine import Database

FILE = hashlib.sha256(b"round.xlsx").digest()
OTHER_FILE = hashlib.sha256(b"corrected.xlsx").digest()
PEOPLE = {Role.OPERATOR: OPERATOR, Role.CHECKER: CHECKER, Role.APPROVER: APPROVER}
NAMES = {OPERATOR: "林示例", CHECKER: "陈示例", APPROVER: "张示例"}


@pytest.fixture
def office(database_url):
    with open_office(None, database=Database(database_url)) as found:
        found.application = Writer(found.office).accept(APPLICATION, OPERATOR).id
        yield found


def named(number, people=PEOPLE, **changes):
    """Return a row that names its persons, as a filled-in template does."""
    persons = [
        {"role": role.value, "pid": pid, "name": NAMES.get(pid, "某人"), "signed_at": "2026-11-02T04:00:00Z"}
        for role, pid in people.items()
    ]
    return content(number, persons=persons, **changes)


def changed_person(value, place, **changes):
    value = copy.deepcopy(value)
    value["persons"][place] |= changes
    return value


def take(office, values, *, file=FILE, operator=OPERATOR, only_own=True):
    taker = Taker(office.office)
    look = taker.look(rows(*values), operator)
    return look, taker.take(look, file, office.application, operator, only_own=only_own)


def drafts(office):
    with office.office.store.read() as desk:
        return desk.list_drafts()


def texts(look):
    return [fault.text for fault in look.faults]


# --- which way ----------------------------------------------------------------------------------------------


def test_whoever_has_a_key_decides_the_way(office):
    taker = Taker(office.office)
    stranger = dict.fromkeys(Role, "P-9999")
    assert taker.find_way(rows(named(1))).way is Way.SIGN_OFF
    assert taker.find_way(rows(named(1))).keyed == (APPROVER, OPERATOR, CHECKER)
    assert taker.find_way(rows(named(1, stranger))).way is Way.ISSUE
    one_of_many = [*(named(number, stranger) for number in range(5)), named(9)]
    assert taker.find_way(rows(*one_of_many)).way is Way.SIGN_OFF
    brought = changed_person(named(1, stranger), 2, key=make_signer("x").public_key.multikey)
    assert taker.find_way(rows(brought)).keyed == ("P-9999",)


def test_a_file_that_names_nobody_is_for_the_sign_off_and_one_from_paper_is_not(office):
    taker = Taker(office.office)
    assert taker.find_way(rows(content(1))).keyed == ()
    assert taker.find_way(rows(content(1))).way is Way.SIGN_OFF
    assert taker.find_way([Row(1, None, MalformedDocumentError("x"))]).way is Way.SIGN_OFF
    assert taker.find_way(rows(content(1, doc_type="paper_register"))).way is Way.ISSUE
    assert taker.find_way(rows(content(1, persons="nobody"))).way is Way.SIGN_OFF


def test_without_keys_nothing_stands_in_the_way_of_an_issue(database_url):
    with open_office(None, database=Database(database_url), keyed=()) as office:
        assert Taker(office.office).find_way(rows(named(1))).way is Way.ISSUE
    with open_office(None, database=Database(database_url), keyed=(APPROVER,)) as office:
        found = Taker(office.office).find_way(rows(named(1)))
        assert (found.way, found.keyed) == (Way.SIGN_OFF, (APPROVER,))


# --- drafts -------------------------------------------------------------------------------------------------


def test_each_good_row_is_one_draft_that_people_sign(office):
    look, taken = take(office, [named(number) for number in (1, 2, 3)])
    assert (taken, texts(look), look.times, look.unnamed) == (Taken(3, 0, {}), [], 3, set())
    assert len(look.batch.documents) == 3
    made = drafts(office)
    assert [one.people.checker for one in made] == [CHECKER] * 3
    assert [one.application for one in made] == [office.application] * 3
    with office.office.store.read() as desk:
        origins = desk.rows.find_by_draft([one.id for one in made])
        assert desk.rows.count_of_file(FILE) == 3
        ids = desk.rows.list_ids_of_file(FILE, DraftState.DRAFT, OPERATOR, 2)
    assert [(one.row, one.file) for one in origins[made[1].id]] == [(2, FILE)]
    assert ids == [one.id for one in made[:2]]
    done = office.sign_all([one.id for one in made])
    assert (len(done.done), done.refused) == (3, {})
    with office.office.store.read() as desk:
        assert desk.rows.list_ids_of_file(FILE, DraftState.DRAFT, OPERATOR, 2) == []


def test_the_same_again_makes_no_second_whatever_file_and_application(office):
    values = [named(number) for number in (1, 2)]
    for value in values:
        del value["request_id"]
    _, first = take(office, values)
    other = Writer(office.office).accept({**APPLICATION, "applicant": {"name": "另一委托方"}}, OPERATOR).id
    office.application = other
    look, again = take(office, [named(9), *values], file=OTHER_FILE)
    assert (first, again) == (Taken(2, 0, {}), Taken(1, 2, {}))
    assert len(look.known) == 2
    assert len(drafts(office)) == 3
    with office.office.store.read() as desk:
        assert [(one.row, one.draft) for one in desk.rows.list_of_file(OTHER_FILE, 9)] == [
            (1, 3),
            (2, 1),
            (3, 2),
        ]
        assert [one.row for one in desk.rows.list_of_file(OTHER_FILE, 2)] == [1, 2]
    office.sign_all([1, 2, 3])
    assert take(office, values)[1] == Taken(0, 2, {}), "and so when they are issued"


def test_a_row_is_known_while_its_draft_goes_on(office):
    take(office, [named(1)])
    office.submit([1])
    office.give_back([1])
    assert take(office, [named(1)])[1] == Taken(0, 1, {})
    office.writer.discard([1], OPERATOR, "误录")
    assert take(office, [named(1)])[1] == Taken(0, 1, {}), (
        "what was given up is not made again by the same file"
    )


def test_people_of_a_row_are_proposals_that_the_operator_may_replace(office):
    take(office, [named(1)])
    office.gateway.register_person("P-0113")
    office.tick()
    done = office.signing.submit([1], office.person(OPERATOR), NAMED._replace(checker="P-0113"))
    assert (done.refused, office.draft(1).people.checker) == ({}, "P-0113")


def test_rows_of_another_operator_are_left_for_that_one(office):
    office.gateway.register_person("P-0108")
    values = [named(1), named(2, {**PEOPLE, Role.OPERATOR: "P-0108"}), content(3)]
    look, taken = take(office, values)
    assert (texts(look), taken) == ([], Taken(2, 0, {"P-0108": 1}))
    assert [one.people.operator for one in drafts(office)] == [OPERATOR] * 2
    assert take(office, values, operator="P-0108")[1] == Taken(1, 2, {})
    assert [one.people.operator for one in drafts(office)] == [OPERATOR, OPERATOR, "P-0108"]


def test_a_program_takes_all_rows_for_those_whom_they_name(office):
    office.gateway.register_person("P-0108")
    values = [named(1), named(2, {**PEOPLE, Role.OPERATOR: "P-0108"}), content(3)]
    assert take(office, values, only_own=False)[1] == Taken(3, 0, {})
    assert [one.people.operator for one in drafts(office)] == [OPERATOR, "P-0108", OPERATOR]


def test_who_is_not_named_is_not_missed_even_where_the_register_is_whole(office):
    """Nor is the operator before anybody knows who that is; the samples show documents all the same."""
    from ledger.core.authority import Register, encode_institution_content
    from ledger.core.event import EventType

    founded = office.gateway.founded.institutions[office.office.profile.institution]
    whole = replace(founded, registers=frozenset({Register.PERSON}))
    office.gateway.register(EventType.INSTITUTION, encode_institution_content(whole), version=1)
    look = Taker(office.office).look(rows(content(1), named(2, {Role.CHECKER: CHECKER})), None)
    assert (texts(look), len(look.ready)) == ([], 2)
    look = Taker(office.office).look(rows(named(3, {Role.CHECKER: "P-9999"})), None)
    assert texts(look) == ["row 1: persons[1].pid: the checker is not registered"]


def test_nothing_is_written_by_a_look(office):
    Taker(office.office).look(rows(named(1)), OPERATOR)
    assert drafts(office) == []


def test_no_draft_without_an_application(office):
    office.application = 99
    with pytest.raises(NotFoundError, match="no application 99"):
        take(office, [named(1)])
    assert drafts(office) == []


# --- what stands against a row ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (named(1, issued_on="2026-11-02"), "issued_on: is the day of the approval"),
        (changed_person(named(1), 0, role="visitor"), "persons[0].role"),
        (changed_person(named(1), 1, role="operator"), "persons[1].role: a second operator is named"),
        (changed_person(named(1), 1, pid=""), "persons[1].pid"),
        (changed_person(named(1), 1, pid="x" * 41), "persons[1].pid"),
        (changed_person(named(1), 1, title="Dr"), "persons[1]: unknown member: title"),
        (
            changed_person(named(1), 2, name="王某"),
            "persons[2].name: is not how the institution's file names",
        ),
        (changed_person(named(1), 2, key="z6MkNone"), "persons[2].key: is not the key registered for P-0003"),
        (named(1, {**PEOPLE, Role.CHECKER: OPERATOR}), "persons: operator and checker are one person"),
        (named(1, {**PEOPLE, Role.CHECKER: "P-9999"}), "P-9999 has no registered key and would sign after"),
        (content(1, persons="x"), "persons: a list is expected here"),
        (content(1, persons=[1]), "persons[0]: an object is expected here"),
        (named(1, conclusion="perhaps"), "conclusion"),
        (named(1, verified_on="2026-13-01"), "verified_on"),
        (named(1, kind=...), "kind"),
    ],
)
def test_a_bad_row_stays_out_with_its_reason(office, value, sentence):
    value = {name: item for name, item in value.items() if item is not ...}
    look, taken = take(office, [named(5), value])
    assert taken == Taken(1, 0, {})
    assert any(text.startswith("row 2: ") and sentence in text for text in texts(look)), texts(look)
    assert all(fault.zh for fault in look.faults)
    assert len(drafts(office)) == 1


def test_a_person_whose_registration_has_ended_is_said(office):
    office.gateway.register_person("P-old", valid_until=date(2025, 1, 1))
    look, taken = take(office, [named(1, {**PEOPLE, Role.CHECKER: "P-old"})])
    assert taken.made == 0
    assert look.faults
    assert person_content("P-old").key is not None


def test_doubles_in_one_file_are_said_also_when_the_first_is_a_draft(office):
    values = [named(1), named(2), named(1)]
    for _ in range(2):
        look, _ = take(office, values)
        assert texts(look) == ["row 3: request_id: the same document or request id as in row 1"]
    assert len(drafts(office)) == 2


def test_a_request_id_with_other_content_is_refused(office):
    take(office, [named(1)])
    look, taken = take(office, [named(1, adjusted=True)])
    assert taken == Taken(0, 0, {})
    assert "belongs to draft 1, which has other content" in texts(look)[0]
    (made,) = office.create(7)
    look, _ = take(office, [content(7)])
    assert f"belongs to draft {made}, which has other content or was made in another way" in texts(look)[0]


def test_a_row_that_a_command_made_a_draft_is_no_second_one(office):
    """`hengzheng desk draft` names a row by the same request id."""
    value = content(7)
    del value["request_id"]
    named_by_row = {**value, "request_id": read_request(value, office.office.profile.institution).id}
    office.writer.create([named_by_row], OPERATOR, application=office.application)
    look, taken = take(office, [value])
    assert (taken.made, "belongs to draft 1" in texts(look)[0]) == (0, True)
    other = content(8)
    del other["request_id"]
    take(office, [other])
    again = {**other, "request_id": read_request(other, office.office.profile.institution).id}
    assert [one.id for one in office.writer.create([again], OPERATOR, application=office.application)] == [2]
    assert len(drafts(office)) == 2


def test_what_was_issued_at_once_is_not_made_a_draft(database_url):
    """Its persons have keys only since."""
    with open_office(None, database=Database(database_url), keyed=()) as office:
        office.application = Writer(office.office).accept(APPLICATION, OPERATOR).id
        desk = make_desk(office.database, office.gateway)
        desk.issue(desk.check_rows(rows(document(1))).documents)
        look, taken = take(office, [document(1), document(2)], only_own=False)
        assert (len(look.issued), taken.made, texts(look)) == (1, 1, [])
        look, taken = take(office, [document(1, adjusted=True)])
        assert (taken.made, "belongs to JY2026-000001" in texts(look)[0]) == (0, True)


def test_a_draft_made_meanwhile_by_somebody_else_is_kept(office):
    taker = Taker(office.office)
    look = taker.look(rows(named(1), named(2)), OPERATOR)
    other = content(1, adjusted=True)
    office.writer.create([other], OPERATOR, application=office.application)
    with pytest.raises(AlreadyIssuedError, match="belongs to a draft with other content"):
        taker.take(look, FILE, office.application, OPERATOR)
    assert len(drafts(office)) == 1, "the chunk is left as a whole"
    assert take(office, [named(1), named(2)])[1] == Taken(1, 0, {})


def test_the_only_document_of_a_file_has_no_row(office):
    taker = Taker(office.office)
    look = taker.look([Row(None, named(1))], OPERATOR)
    assert taker.take(look, FILE, office.application, OPERATOR).made == 1
    with office.office.store.read() as desk:
        assert [one.row for one in desk.rows.list_of_file(FILE, 9)] == [0]
    look = taker.look([Row(None, named(2, conclusion="x"))], OPERATOR)
    assert {fault.row for fault in look.faults} == {None}


def test_names_that_only_the_file_knows_are_noted(office):
    office.gateway.register_person("P-0113")
    look, taken = take(office, [named(1, {**PEOPLE, Role.CHECKER: "P-0113"})])
    assert (taken.made, look.unnamed) == (1, {"P-0113"})
