"""What a desk keeps of its sign-off and its rounds, damaged in one place at a time: the place is named."""

import pytest
from office_world import held_finding
from rounds_world import open_round
from signoff_world import APPROVER, CHECKER, OPERATOR, open_office
from sqlalchemy import text
from world import INSTITUTION

from issuer.erasing import Erasure, erase_personal
from issuer.rounds.rereading import RoundCount, check_rounds
from issuer.signoff.rereading import check_signoff
from ledger.core.act import ReasonCode
from ledger.core.errors import DamagedRowError
from ledger.core.event import EventType


def tell_nothing(_):
    """Hear how far a check is."""


def check(database):
    with database.read() as connection:
        return check_signoff(connection, INSTITUTION, tell_nothing)


def damage(database, *statements):
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def office(tmp_path):
    """Return a desk: 1 approved, 2 returned and submitted again, 3 checked, 4 given up, 5 edited, 6 corrects 1."""
    with open_office(tmp_path) as office:
        office.create(1, 2, 3, 4, 5)
        assert not office.sign_all([1]).refused
        office.submit([2])
        office.give_back([2])
        office.submit([2, 3])
        office.check([3])
        office.writer.discard([4], OPERATOR, "重复")
        changed = {**content_of(office, 5), "place": {"kind": "laboratory", "where": "二号"}}
        office.writer.edit(5, changed, OPERATOR)
        number = office.draft(1).number
        request = office.corrections.ask(EventType.SUSPEND, number, ReasonCode.TYPO, "写错", OPERATOR)
        office.corrections.grant(request.id, APPROVER, office.amender)
        office.draw([3], opened=False)
        yield office


def content_of(office, draft):
    from ledger.core.canonical import parse_canonical_json

    with office.office.store.read() as desk:
        key = desk.fetch_draft(draft).key
        return parse_canonical_json(desk.fetch_contents([key])[key])


def test_a_desk_in_order_is_counted(office):
    assert check(office.database) == 5


def test_persons_without_keys_are_in_order_too(tmp_path):
    with open_office(tmp_path, keyed=(CHECKER, APPROVER)) as office:
        assert not office.sign_all(office.create(1, 2)).refused
        assert check(office.database) == 2


def test_what_a_person_had_erased_is_missed_by_nobody(office):
    number = office.draft(1).number
    erasure = Erasure("个人信息删除请求 2026-11-05", OPERATOR, office.clock())
    erase_personal(office.database.database, number, erasure)
    assert check(office.database) == 5
    damage(office.database, "DELETE FROM desk_erasures")
    with pytest.raises(DamagedRowError, match="draft 1, revision 1, column content"):
        check(office.database)


def test_an_application_that_was_erased_is_in_order(tmp_path):
    with open_office(tmp_path) as office:
        office.sign_all(office.create(1))
        erasure = Erasure("个人信息删除请求 2026-11-05", OPERATOR, office.clock())
        erase_personal(office.database.database, office.draft(1).number, erasure)
        assert check(office.database) == 1
        damage(office.database, "UPDATE desk_applications SET content = X'7B7D'")
        with pytest.raises(DamagedRowError, match="desk_applications"):
            check(office.database)


FLIPPED = "X'7B7D'"
DAMAGES = [
    ("UPDATE desk_drafts SET state = 'submitted' WHERE position = 3", "desk_drafts", "position 3", "state"),
    ("UPDATE desk_drafts SET state = 'discarded', number = NULL WHERE position = 3", "desk_drafts", "position 3",
     "state"),
    ("UPDATE desk_drafts SET state = 'approved' WHERE position = 2", "desk_drafts", "position 2", "state"),
    ("UPDATE desk_drafts SET sequence = 9 WHERE position = 5", "desk_drafts", "position 5", "sequence"),
    ("UPDATE desk_drafts SET revision = 1 WHERE position = 5", "desk_drafts", "position 5", "revision"),
    ("UPDATE desk_drafts SET number = 'JY2026-999999' WHERE position = 3", "desk_drafts", "position 3", "number"),
    ("UPDATE desk_drafts SET checker = 'P-9999' WHERE position = 3", "desk_drafts", "position 3", "checker"),
    ("UPDATE desk_drafts SET content_digest = zeroblob(32) WHERE position = 4", "desk_revisions",
     "draft 4, revision 1", "content"),
    ("UPDATE desk_drafts SET operator = 'P-9999' WHERE position = 4", "desk_actions", "draft 4, sequence 1",
     "person"),
    (f"UPDATE desk_revisions SET content = {FLIPPED} WHERE draft = 5 AND revision = 2", "desk_revisions",
     "draft 5, revision 2", "content"),
    ("UPDATE desk_revisions SET content = X'7B' WHERE draft = 5 AND revision = 2", "desk_revisions",
     "draft 5, revision 2", "content"),
    ("DELETE FROM desk_revisions WHERE draft = 5 AND revision = 1", "desk_revisions", "draft 5, revision 1", ""),
    ("DELETE FROM desk_actions WHERE draft = 3 AND sequence = 2", "desk_actions", "draft 3, sequence 2", ""),
    ("UPDATE desk_actions SET action = 'check' WHERE draft = 3 AND sequence = 2", "desk_actions",
     "draft 3, sequence 2", "action"),
    ("UPDATE desk_actions SET action = 'create' WHERE draft = 3 AND sequence = 2", "desk_actions",
     "draft 3, sequence 2", "action"),
    ("UPDATE desk_actions SET reason = NULL WHERE action = 'return'", "desk_actions",
     "draft 2, sequence 3", "reason"),
    ("UPDATE desk_actions SET reason = ' ' WHERE action = 'discard'", "desk_actions",
     "draft 4, sequence 2", "reason"),
    ("UPDATE desk_actions SET revision = 7 WHERE draft = 5 AND sequence = 2", "desk_actions", "draft 5, sequence 2",
     "revision"),
    (("UPDATE desk_submissions SET record = "
      "CAST(replace(CAST(record AS TEXT), 'SN00000003', 'SN00000009') AS BLOB) "
      "WHERE draft = 3"), "desk_signatures", "draft 3, revision 1, role operator", "proof"),
    (f"UPDATE desk_submissions SET record = {FLIPPED} WHERE draft = 3", "desk_submissions", "draft 3, revision 1",
     "number"),
    ("UPDATE desk_submissions SET number = 'JY2026-999998' WHERE draft = 3", "desk_submissions",
     "draft 3, revision 1", "number"),
    ("DELETE FROM desk_submissions WHERE draft = 3", "desk_submissions", "draft 3, revision 1", ""),
    ("UPDATE desk_submissions SET revision = 2 WHERE draft = 3", "desk_submissions", "draft 3, revision 2", ""),
    ("UPDATE desk_signatures SET proof = NULL WHERE draft = 3 AND role = 'checker'", "desk_signatures",
     "draft 3, revision 1, role checker", "proof"),
    ("UPDATE desk_signatures SET person = 'P-9999' WHERE draft = 3 AND role = 'checker'", "desk_signatures",
     "draft 3, revision 1, role checker", "person"),
    (("UPDATE desk_signatures SET proof = (SELECT proof FROM desk_signatures WHERE draft = 1 AND role = 'checker') "
      "WHERE draft = 3 AND role = 'checker'"), "desk_signatures", "draft 3, revision 1, role checker", "proof"),
    ("UPDATE desk_signatures SET role = 'owner' WHERE draft = 3 AND role = 'checker'", "desk_signatures",
     "draft 3, revision 1", "role"),
    ("DELETE FROM desk_signatures WHERE draft = 3 AND role = 'checker'", "desk_signatures",
     "draft 3, revision 1, role checker", ""),
    (("INSERT INTO desk_signatures SELECT 2, 2, role, person, signed_at_ms, NULL FROM desk_signatures "
      "WHERE draft = 3 AND role = 'checker'"), "desk_signatures", "draft 2, revision 2, role checker", "proof"),
    ("DELETE FROM desk_voided_numbers", "desk_voided_numbers", "number JY2026-000002", ""),
    ("UPDATE desk_voided_numbers SET reason = ''", "desk_voided_numbers", "number JY2026-000002", "reason"),
    ("UPDATE desk_voided_numbers SET reason = '另有原因'", "desk_voided_numbers", "number JY2026-000002", "reason"),
    ("UPDATE desk_voided_numbers SET number = 'JY2026-000077'", "desk_voided_numbers", "number JY2026-000002", ""),
    (("INSERT INTO desk_voided_numbers SELECT number, draft, revision, '误', 'P-0003', 1 FROM desk_submissions "
      "WHERE draft = 3"), "desk_voided_numbers", "number JY2026-000004", ""),
    ("INSERT INTO desk_voided_numbers VALUES ('JY2026-000078', 5, 1, '误', 'P-0003', 1)", "desk_voided_numbers",
     "number JY2026-000078", "number"),
    ("UPDATE desk_documents SET number = 'JY2026-000002'", "desk_documents", "number JY2026-000001", ""),
    ("DELETE FROM desk_documents", "desk_documents", "number JY2026-000001", ""),
    ("UPDATE desk_documents SET request_id = 'another'", "desk_documents", "number JY2026-000001", "request_id"),
    ("UPDATE desk_documents SET content_digest = zeroblob(32)", "desk_documents", "number JY2026-000001",
     "content_digest"),
    ("DELETE FROM desk_openings WHERE draft = 1", "desk_openings", "draft 1, revision 1", ""),
    ("DELETE FROM desk_batch_members WHERE draft = 1", "desk_batch_members", "draft 1, revision 1", ""),
    ("UPDATE desk_batch_members SET in_sample = 0 WHERE draft = 3", "desk_batch_members", "batch 2, draft 3",
     "in_sample"),
    ("UPDATE desk_batch_members SET draft = 77 WHERE draft = 3", "desk_batch_members", "draft 77", "draft"),
    ("DELETE FROM desk_batch_members WHERE draft = 3", "desk_batch_members", "batch 2", ""),
    ("DELETE FROM desk_batches WHERE position = 2", "desk_batches", "batch 2", ""),
    ("UPDATE desk_batches SET seed = zeroblob(3) WHERE position = 2", "desk_batches", "position 2", "seed"),
    ("UPDATE desk_applications SET content = X'7B7D'", "desk_applications", "position 1", "content"),
    ("UPDATE desk_correction_requests SET leaf_index = 3", "desk_correction_requests", "position 1", "leaf_index"),
    (f"UPDATE desk_correction_requests SET decided_by = '{OPERATOR}'", "desk_correction_requests", "position 1",
     "decided_by"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "table", "key", "column"), DAMAGES, ids=lambda one: one[:60])
def test_each_damage_of_the_sign_off_is_named(office, statement, table, key, column):
    damage(office.database, statement)
    with pytest.raises(DamagedRowError) as refused:
        check(office.database)
    found = refused.value
    assert (found.table, found.key, found.column) == (table, key, column), str(found)
    assert str(found).startswith(f"table {table}, row {key}")


def test_a_document_that_says_something_else_than_its_draft_is_named(office):
    """A whole document of another draft under this one's number."""
    with office.office.store.read() as desk:
        other = desk.fetch(office.draft(1).number).certificate.replace(b"SN00000001", b"SN00000008")
    with office.database.write() as connection:
        connection.execute(text("UPDATE desk_documents SET certificate = :raw"), {"raw": other})
    with pytest.raises(DamagedRowError, match="the document says something else") as refused:
        check(office.database)
    assert (refused.value.table, refused.value.column) == ("desk_submissions", "record")


# --- rounds -------------------------------------------------------------------------------------------------


@pytest.fixture
def rounds(tmp_path):
    """Return a desk with a round: item 1 written twice by one device, item 2 by another that is held."""
    with open_round(tmp_path, 2) as rounds:
        one, two = rounds.device(1), rounds.device(2)
        rounds.take(rounds.finding("1", one), rounds.finding("1", one, revision=2, temperature="23.0"))
        rounds.take(rounds.finding("2", two, nameplate="differs"))
        assert [each.state for each in rounds.findings()] == ["replaced", "drafted", "held"]
        yield rounds


def check_round(rounds):
    with rounds.office.database.read() as connection:
        return check_rounds(connection, tell_nothing)


def test_rounds_in_order_are_counted(rounds):
    assert check_round(rounds) == RoundCount(1, 3)
    assert check(rounds.office.database) == 1


def test_a_desk_without_rounds_has_none(tmp_path):
    with open_office(tmp_path) as office, office.database.read() as connection:
        assert check_rounds(connection, tell_nothing) == RoundCount()


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        ("signature = zeroblob(64)", "signature"),
        ("signature = X'00'", "signature"),
        ("content = CAST(replace(CAST(content AS TEXT), '23.0', '24.0') AS BLOB)", "signature"),
        ("content = X'7B7D'", "content"),
        ("item = '2'", "item"),
        ("revision = 3", "revision"),
        ("device = 'd-0000000000000002'", "device"),
        ("verified_on = '2026-01-01'", "verified_on"),
        ("instrument = zeroblob(32)", "instrument"),
        ("person = 'P-9999'", "person"),
        ("state = 'replaced'", "state"),
        ("draft = 99", "draft"),
        ("remarks = X'7B'", "remarks"),
    ],
)
def test_each_damage_of_a_finding_is_named(rounds, statement, column):
    damage(rounds.office.database, f"UPDATE desk_round_findings SET {statement} WHERE position = 2")
    with pytest.raises(DamagedRowError) as refused:
        check_round(rounds)
    found = refused.value
    assert (found.table, found.column) == ("desk_round_findings", column), str(found)


@pytest.mark.parametrize(
    ("statement", "table", "column"),
    [
        ("UPDATE desk_round_findings SET state = 'held' WHERE position = 1", "desk_round_findings", "state"),
        ("DELETE FROM desk_round_devices", "desk_round_findings", "device"),
        ("UPDATE desk_round_devices SET key = 'z6Mk' WHERE id LIKE '%1'", "desk_round_devices", "key"),
        ("DELETE FROM desk_rounds", "desk_round_findings", "round"),
        ("UPDATE desk_rounds SET content = X'7B7D'", "desk_rounds", "content"),
        ("UPDATE desk_rounds SET private = X'7B'", "desk_rounds", "private"),
        ("UPDATE desk_rounds SET id = 'r-0000000000000009'", "desk_rounds", "id"),
        (
            (
                "UPDATE desk_rounds SET "
                "content = CAST(replace(CAST(content AS TEXT), '示例加油站', '别的加油站') AS BLOB)"
            ),
            "desk_round_findings",
            "content",
        ),
    ],
)
def test_each_damage_of_a_round_or_device_is_named(rounds, statement, table, column):
    damage(rounds.office.database, statement)
    with pytest.raises(DamagedRowError) as refused:
        check_round(rounds)
    assert (refused.value.table, refused.value.column) == (table, column), str(refused.value)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ("(1, 99, 'X', NULL, 1, 'waiting', X'7B7D', NULL)", "draft"),
        ("(1, 1, 'X', NULL, 1, 'bound', X'7B7D', 7)", "leaf_index"),
    ],
)
def test_a_sticker_of_a_round_that_nobody_has_bound_is_named(rounds, values, column):
    damage(rounds.office.database, f"INSERT INTO desk_round_stickers VALUES {values}")
    with pytest.raises(DamagedRowError) as refused:
        check_round(rounds)
    assert (refused.value.table, refused.value.column) == ("desk_round_stickers", column)


def test_a_row_of_a_file_whose_draft_is_gone_is_named(office):
    damage(office.database, "INSERT INTO desk_draft_rows VALUES (zeroblob(32), 1, 99, zeroblob(32))")
    with pytest.raises(DamagedRowError, match="desk_draft_rows, row draft 99"):
        check(office.database)


def test_a_finding_that_no_device_has_signed_is_named(tmp_path):
    """As the worlds of pages have them: a digest and a signature of nothing."""
    with open_round(tmp_path) as rounds:
        rounds.device(1)
        with rounds.store.write() as writing:
            stored = writing.fetch_round(rounds.round.id)
            device = writing.find_device("d-0000000000000001")
            writing.add_finding(held_finding(stored, device))
        with pytest.raises(DamagedRowError, match="digest"):
            check_round(rounds)
