"""Erasing on both kinds of database: every place where the desk holds personal values, and no other row."""

from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select

from issuer.erasing import Erasure, erase_personal, find_erasure
from issuer.personal import ERASED, drop_personal
from issuer.rounds.tables import findings, rounds
from issuer.rounds.tables import metadata as rounds_metadata
from issuer.signoff.store import SignOffStore
from issuer.signoff.tables import applications, correction_requests, drafts, revisions, submissions
from issuer.signoff.writing import Writer
from issuer.store import DeskStore
from issuer.tables import documents, erasures
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.store.engine import Database

NOW = datetime(2026, 11, 5, 8, 0, 0, 123_456, tzinfo=UTC)
ASKED = Erasure("个人信息删除请求 2026-11-05", "P-0107", NOW)
OPEN = {
    "applicant": {"name": "李娜"},
    "conclusion": "pass",
    "instrument": {"owner": {"name": "李娜"}, "serial": "SN1", "site": {"address": "示例路八号", "division": "35"}},
    "persons": [{"name": "林示例", "pid": "P-0107"}, "damaged"],
    "place": {"kind": "on_site", "where": "示例路八号"},
}  # fmt: skip
CLOSED = {
    "applicant": ERASED,
    "conclusion": "pass",
    "instrument": {"serial": "SN1", "site": {"division": "35"}},
    "persons": [{"pid": "P-0107"}, "damaged"],
    "place": {"kind": "on_site"},
}
RAW = encode_canonical_json(OPEN)


@pytest.fixture
def database(database_url):
    with closing(Database(database_url)) as database:
        DeskStore(database, "350100-01", "ledger.example/test").prepare()
        with database.write() as connection:
            rounds_metadata.create_all(connection)
            for number in (1, 2):
                fill(connection, number)
        yield database


def fill(connection, number):
    """Put a document that came of a round into the desk, as many rows as it can have."""
    no, b = f"JY-{number}", bytes([number])
    times = {"signed_at_ms": 1, "changed_at_ms": 1}
    add = lambda table, **row: connection.execute(insert(table).values(**row))  # noqa: E731 -- short for many rows
    add(
        documents, position=number, request_id=no, content_digest=b, number=no, brings_number=0, subject=b,
        expected_version=0, state="logged", certificate=b, statement=b, disclosure=RAW, leaf_index=number, **times,
    )  # fmt: skip
    if number == 1:
        add(
            applications,
            position=1,
            request_id="a",
            content_digest=b,
            content=RAW,
            accepted_by="P",
            accepted_at_ms=1,
        )
    add(
        drafts, position=number, request_id=no, content_digest=b, application=1, state="approved", revision=2,
        sequence=3, operator="P-0107", number=no, title="t", changed_at_ms=1,
    )  # fmt: skip
    for revision in (1, 2):
        add(revisions, draft=number, revision=revision, content=RAW)
    add(
        submissions, draft=number, revision=2, number=no, brings_number=0, issuer_did="", record=b, disclosure=RAW,
    )  # fmt: skip
    add(
        correction_requests, position=number, number=no, type=3, reason="TYPO", note="n", document=bytes(32),
        asked_by="P", asked_at_ms=1, state="asked",
    )  # fmt: skip
    if number == 1:
        private = encode_canonical_json({"1": OPEN["instrument"], "2": OPEN["instrument"]})
        add(rounds, position=1, id="r-1", content=b, private=private, person="P", prepared_at_ms=1)
    add(
        findings, position=number, round="r-1", device="d", item=str(number), revision=1, instrument=b, person="P",
        verified_on="2026-11-03", content=b, signature=b, received_at_ms=1, state="drafted", draft=number,
        remarks=b,
    )  # fmt: skip


def read(database, column, *conditions):
    with database.read() as connection:
        found = connection.execute(select(column).where(*conditions).order_by(column)).scalars().all()
        return [None if raw is None else parse_canonical_json(bytes(raw)) for raw in found]


def test_every_place_is_emptied_and_no_other(database):
    assert erase_personal(database, "JY-1", ASKED).erased_at == NOW.replace(microsecond=123_000)
    for table, of in ((documents, documents.c.number), (submissions, submissions.c.number)):
        assert read(database, table.c.disclosure, of == "JY-1") == [None]
        assert read(database, table.c.disclosure, of == "JY-2") == [OPEN]
    assert read(database, revisions.c.content, revisions.c.draft == 1) == [CLOSED, CLOSED]
    assert read(database, revisions.c.content, revisions.c.draft == 2) == [OPEN, OPEN]
    assert read(database, rounds.c.private) == [{"2": OPEN["instrument"]}]
    assert read(database, applications.c.content) == [OPEN], "the other document needs it"
    erase_personal(database, "JY-2", ASKED)
    assert read(database, applications.c.content) == [CLOSED]
    assert read(database, rounds.c.private) == [{}]


def test_a_correction_that_was_begun_is_emptied_one_that_became_a_document_is_not(database):
    with database.write() as connection:
        for draft, number in ((3, None), (4, "JY-9")):
            state = "draft" if number is None else "submitted"
            row = {"request_id": f"c{draft}", "content_digest": b"", "corrects": "JY-1", "state": state}
            times = {"revision": 1, "sequence": 1, "changed_at_ms": 1}
            of = {"position": draft, "operator": "P-0107", "title": "t", "number": number}
            connection.execute(insert(drafts).values(**row, **times, **of))
            connection.execute(insert(revisions).values(draft=draft, revision=1, content=RAW))
    erase_personal(database, "JY-1", ASKED)
    assert read(database, revisions.c.content, revisions.c.draft == 3) == [CLOSED]
    assert read(database, revisions.c.content, revisions.c.draft == 4) == [OPEN]


def test_an_application_stays_while_a_draft_under_it_has_no_number_yet(database):
    with database.write() as connection:
        connection.execute(drafts.update().where(drafts.c.position == 2).values(number=None, state="draft"))
    erase_personal(database, "JY-1", ASKED)
    assert read(database, applications.c.content) == [OPEN]


def test_an_application_whose_applicant_was_erased_is_not_accepted_again_as_the_same(database):
    value = {"applicant": {"name": "李娜"}, "received_on": "2026-11-02", "what": "加油机"}
    office = SimpleNamespace(
        store=SignOffStore(database, "350100-01", "ledger.example/test"), now=lambda: NOW
    )
    writer = Writer(office)
    accepted = writer.accept(value, "P-0107")
    assert writer.accept(value, "P-0107") == accepted
    with database.write() as connection:
        closed = encode_canonical_json(drop_personal(value))
        connection.execute(
            applications.update().where(applications.c.position == accepted.id).values(content=closed)
        )
    with pytest.raises(StateError, match="was erased"):
        writer.accept(value, "P-0107")


def test_what_was_erased_stays_as_it_was_said_first(database):
    first = erase_personal(database, "JY-1", ASKED)
    again = erase_personal(database, "JY-1", Erasure("another", "P-0200", NOW))
    assert again == first
    with database.read() as connection:
        assert find_erasure(connection, "JY-1") == first
        assert find_erasure(connection, "JY-2") is None


@pytest.mark.parametrize(
    ("number", "erasure", "error"),
    [
        ("JY-9", ASKED, NotFoundError),
        ("JY-1", Erasure("", "P", NOW), InputError),
        ("JY-1", Erasure("a\nb", "P", NOW), InputError),
        ("JY-1", Erasure("x" * 501, "P", NOW), InputError),
        ("JY-1", Erasure("x", "", NOW), InputError),
    ],
)
def test_what_is_refused_changes_nothing(database, number, erasure, error):
    with pytest.raises(error):
        erase_personal(database, number, erasure)
    assert_untouched(database)


def test_a_document_that_waits_for_the_log_is_refused(database):
    with database.write() as connection:
        connection.execute(
            documents.update().where(documents.c.number == "JY-1").values(state="signed", leaf_index=None)
        )
    with pytest.raises(StateError, match="waits for the log"):
        erase_personal(database, "JY-1", ASKED)
    assert_untouched(database)


def assert_untouched(database):
    assert read(database, documents.c.disclosure) == [OPEN, OPEN]
    assert read(database, revisions.c.content) == [OPEN] * 4
    with database.read() as connection:
        assert connection.execute(select(erasures)).all() == []
