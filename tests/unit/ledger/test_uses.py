"""What documents have used, and what a recall bears on: a standard, and whatever was compared with it."""

from dataclasses import replace

import pytest
from ledger_in_memory import INSTITUTION
from registered import (
    INSTITUTE,
    MATERIAL,
    PARENT,
    STANDARD,
    RegisteredLedger,
    canonical,
    make_registered_record,
)
from world import World

from ledger.catalogue.uses import Mentioned, list_mentioned, parse_used
from ledger.core.errors import InputError
from ledger.core.event import (
    instrument_subject,
    material_subject,
    person_subject,
    standard_subject,
    type_approval_subject,
)
from ledger.core.standard import StandardReference
from ledger.core.statement import parse_signed_statement

OWN = standard_subject(INSTITUTION, STANDARD.id)
ABOVE = standard_subject(INSTITUTE, PARENT.id)


def make_statement(part):
    """Return the statement of an issue about an instrument, or about one of its parts."""
    statement = parse_signed_statement(World().bare_issue(1)).statement
    return replace(statement, claims=replace(statement.claims, part=part))


@pytest.fixture(scope="module")
def registers():
    return RegisteredLedger().registers


def test_a_document_names_what_it_has_used():
    body = canonical({"credentialSubject": make_registered_record(1)})
    used = list_mentioned(make_statement(None), body).used
    assert {OWN, material_subject(MATERIAL.id, MATERIAL.lot), type_approval_subject("2018F258-32")} < used
    assert {person_subject(INSTITUTION, f"P-000{at}") for at in (1, 2, 3)} < used
    assert len(used) == 6


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"content withheld", b'{"credentialSubject":[]}'])
def test_what_is_no_document_names_nothing(body):
    assert list_mentioned(make_statement(None), body) == Mentioned(frozenset(), ())


def test_parts_bear_on_the_whole_and_the_whole_on_its_parts():
    body = canonical({"credentialSubject": {"instrument": {"parts": [{"id": "1"}, {"id": "2"}]}}})
    claims = make_statement(None).claims
    whole, parts = instrument_subject(claims.instrument_id), ("1", "2")
    assert list_mentioned(make_statement(None), body).related == tuple(
        instrument_subject(claims.instrument_id, part) for part in parts
    )
    for known in (body, None):
        assert list_mentioned(make_statement("1"), known).related == (whole,)
    assert list_mentioned(make_statement(None), None).related == ()


def test_whoever_was_compared_with_a_standard_depends_on_it(registers):
    assert parse_used(f"standard/{INSTITUTE}/{PARENT.id}", registers) == {ABOVE, OWN}
    assert parse_used(f"standard/{INSTITUTION}/{STANDARD.id}", registers) == {OWN}


def test_a_chain_is_followed_to_its_end_and_a_circle_once():
    ledger = RegisteredLedger()
    first = replace(STANDARD.instruments[0], source=StandardReference(INSTITUTION, STANDARD.id))
    ledger.append(ledger.standard(replace(STANDARD, id="S-2", instruments=(first,))))
    second = replace(first, source=StandardReference(INSTITUTION, "S-2"))
    ledger.append(ledger.standard(replace(PARENT, instruments=(second,)), version=1))
    ends = {ABOVE, OWN, standard_subject(INSTITUTION, "S-2")}
    for text in (f"{INSTITUTE}/{PARENT.id}", f"{INSTITUTION}/{STANDARD.id}", f"{INSTITUTION}/S-2"):
        assert parse_used(f"standard/{text}", ledger.registers) == ends


def test_other_things_are_named_by_themselves(registers):
    assert parse_used("person/350100-01/P-0001", registers) == {person_subject(INSTITUTION, "P-0001")}
    assert parse_used("type/2018F258-32", registers) == {type_approval_subject("2018F258-32")}
    assert parse_used("material/GBW(E)130070/2025/03", registers) == {
        material_subject("GBW(E)130070", "2025/03")
    }


@pytest.mark.parametrize(
    "text", ["", "standard", "standard/350100-01", "standard//X", "pump/1", "type/", "person/a/"]
)
def test_other_spellings_are_refused(registers, text):
    with pytest.raises(InputError, match="is none of standard/INSTITUTION/ID"):
        parse_used(text, registers)
