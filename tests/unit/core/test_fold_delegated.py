"""Who may register persons, standards, materials, regulations, types and blocks, and what that does."""

from dataclasses import replace
from datetime import date

import pytest
from ledger_in_memory import AUTHORITY, INSTITUTION, make_signer
from registered import MAKER, PERSON, STANDARD, TYPE, RegisteredLedger

from ledger.core.authority import AuthorityContent, Power, encode_authority_content
from ledger.core.event import EventType, maker_subject, person_subject, standard_subject
from ledger.core.person import PersonContent, Qualification, encode_person_content
from ledger.core.register_fields import Name, RegisterState
from ledger.core.standard import StandardContent, encode_standard_content
from ledger.core.status import Effect, Status, Void
from ledger.core.type_approval import BlockContent, encode_type_approval_content

CITY = "CN-3502"
DAY = date(2026, 2, 28)
WITHDRAWN, SUSPENDED = RegisterState.WITHDRAWN, RegisterState.SUSPENDED


@pytest.fixture
def ledger():
    return RegisteredLedger()


def say(ledger, raw):
    """Return what the fold makes of one more leaf."""
    return ledger.outcomes[ledger.append(raw)]


def assert_void(ledger, raw, saying):
    outcome = say(ledger, raw)
    assert isinstance(outcome, Void)
    assert saying in outcome.reason


def appoint(ledger, authority=CITY, division="3502", powers=frozenset(Power)):
    """Register another authority, with a key named after it."""
    key = make_signer(authority)
    content = AuthorityContent(
        authority,
        Name("厦门市市场监督管理局", None),
        key.public_key,
        division,
        powers,
        date(2020, 1, 1),
        date(2039, 12, 31),
        RegisterState.ACTIVE,
    )
    raw = encode_authority_content(content)
    root = ledger.roots[0]
    statement = ledger.register(EventType.DELEGATE, "ROOT", raw, root, endorsers=(root, key))
    assert isinstance(say(ledger, statement), Effect)
    return key


# --- persons ----------------------------------------------------------------------------------------------


def own_person(ledger, qualification=Qualification.AUTHORISED, person_id="P-0101", version=0, by="seal"):
    """Return what an institution says of a person itself."""
    signer = make_signer(person_id)
    content = PersonContent(
        INSTITUTION, person_id, qualification, PERSON.roles, PERSON.categories, PERSON.valid_from,
        PERSON.valid_until, RegisterState.ACTIVE, signer.public_key,
    )  # fmt: skip
    raw = encode_person_content(content)
    return ledger.register(
        EventType.PERSON, INSTITUTION, raw, make_signer(by), endorsers=(signer,), version=version
    )


def test_an_institution_registers_whom_it_has_authorised_itself(ledger):
    assert isinstance(say(ledger, own_person(ledger)), Effect)
    found = ledger.registers.find_on(person_subject(INSTITUTION, "P-0101"), PersonContent, DAY)
    assert found.qualification is Qualification.AUTHORISED
    assert ledger.registers.keys[found.key.key_id].owner == "350100-01/P-0101"


@pytest.mark.parametrize("qualification", [Qualification.REGISTERED, Qualification.ASSESSED])
def test_an_institution_does_not_say_what_is_an_authoritys(ledger, qualification):
    assert_void(ledger, own_person(ledger, qualification), "is registered by an authority")


def test_an_institution_does_not_change_what_an_authority_has_registered(ledger):
    raw = own_person(ledger, person_id="P-0001", version=1)
    assert_void(ledger, raw, "is registered by an authority")


def test_a_strangers_key_registers_nobody(ledger):
    assert_void(ledger, own_person(ledger, by="stranger"), "the key is not registered")


def test_a_person_cannot_register_another(ledger):
    assert_void(ledger, own_person(ledger, by="P-0001"), "is not registered for 350100-01")


def test_a_persons_new_key_speaks_for_itself(ledger):
    key = make_signer("P-0101").public_key
    content = encode_person_content(PersonContent(
        INSTITUTION, "P-0101", Qualification.REGISTERED, PERSON.roles, PERSON.categories, PERSON.valid_from,
        PERSON.valid_until, RegisterState.ACTIVE, key,
    ))  # fmt: skip
    assert_void(ledger, ledger.by_authority(EventType.PERSON, content), "has not endorsed its own")


def test_a_key_is_one_persons_for_ever(ledger):
    raw = ledger.person("P-0009", signer="P-0001")
    assert_void(ledger, raw, "is registered for somebody else")
    assert_void(ledger, ledger.person("P-0009", signer="seal"), "is registered for somebody else")


def test_a_new_key_ends_the_old_one(ledger):
    index = ledger.append(ledger.person("P-0001", version=1, signer="new"))
    old, new = (ledger.registers.keys[make_signer(name).public_key.key_id] for name in ("P-0001", "new"))
    assert (old.until, new.since, new.until) == (index, index, None)
    assert_void(ledger, ledger.person("P-0001", version=2), "does not become active again")


def test_who_is_suspended_from_a_later_day_keeps_the_key_until_then(ledger):
    ledger.append(ledger.person("P-0001", version=1, state=SUSPENDED, valid_from=date(2026, 4, 1)))
    ledger.append(ledger.person("P-0002", version=1, state=SUSPENDED, valid_from=date(2026, 3, 1)))
    keys = [ledger.registers.keys[make_signer(name).public_key.key_id] for name in ("P-0001", "P-0002")]
    assert [key.until is None for key in keys] == [True, False]


# --- powers and divisions ---------------------------------------------------------------------------------


def test_powers_are_kept_apart(ledger):
    needed = {
        Power.PERSON: ledger.person("P-0101"),
        Power.STANDARD: ledger.standard(STANDARD, id="S-2"),
        Power.REGULATION: ledger.publish_rule(),
        Power.TYPE_APPROVAL: ledger.approve(number="2020F1"),
    }
    for power, raw in needed.items():
        poor = RegisteredLedger()
        poor.append(poor.authority(version=1, powers=frozenset(Power) - {power}))
        assert_void(poor, raw, f"no power to register a {power.value}")
        assert isinstance(say(RegisteredLedger(), raw), Effect)


def test_an_institutions_own_is_its_authoritys(ledger):
    city = appoint(ledger)
    raw = encode_standard_content(STANDARD)
    statement = ledger.register(EventType.STANDARD, CITY, raw, city, version=1)
    assert_void(ledger, statement, "division 3501 is outside that of authority CN-3502")


def test_what_holds_everywhere_is_changed_by_who_registered_it_or_above(ledger):
    city = appoint(ledger)
    withdrawn = encode_type_approval_content(replace(TYPE, state=WITHDRAWN))
    below = ledger.register(EventType.TYPE_APPROVAL, CITY, withdrawn, city, version=1)
    assert_void(ledger, below, "division 35 is outside that of authority CN-3502")
    own = encode_type_approval_content(TYPE).replace(b"2018F258-32", b"2019F258-32")
    assert isinstance(say(ledger, ledger.register(EventType.TYPE_APPROVAL, CITY, own, city)), Effect)
    above = ledger.register(EventType.TYPE_APPROVAL, AUTHORITY, own, make_signer("authority"), version=1)
    assert isinstance(say(ledger, above), Effect)


def test_only_an_authority_of_no_division_speaks_of_primary_standards(ledger):
    content, reason = (
        replace(STANDARD, id="S-9"),
        f"division anywhere is outside that of authority {AUTHORITY}",
    )
    assert_void(ledger, ledger.primary(content, by="authority"), reason)
    assert isinstance(say(ledger, ledger.nation()), Effect)
    assert isinstance(say(ledger, ledger.primary(content)), Effect)
    assert_void(ledger, ledger.standard(content, version=1), reason)


def test_two_rows_of_one_category_do_not_begin_on_one_day(ledger):
    assert isinstance(say(ledger, ledger.publish_rule()), Effect)
    other = ledger.publish_rule(regulation="JJG 9999-2024")
    assert_void(ledger, other, "is in force from the same day")
    assert isinstance(say(ledger, ledger.publish_rule(version=1, state=WITHDRAWN)), Effect)
    assert isinstance(say(ledger, ledger.publish_rule(regulation="JJG 9999-2024")), Effect)
    assert [row.rule.regulation_id for row in ledger.registers.rules.contents] == ["JJG 9999-2024"]


# --- versions as of a day ---------------------------------------------------------------------------------


def test_the_version_of_a_day_is_the_newest_that_begins_by_then(ledger):
    subject = standard_subject(INSTITUTION, STANDARD.id)
    ledger.append(ledger.standard(version=1, valid_from=date(2026, 5, 3), state=SUSPENDED))
    states = {
        day: ledger.registers.find_on(subject, StandardContent, day).state
        for day in (date(2024, 6, 1), date(2026, 5, 2), date(2026, 5, 3), date(2030, 1, 1))
    }
    assert list(states.values()) == [RegisterState.ACTIVE] * 2 + [SUSPENDED] * 2
    assert ledger.registers.find_on(subject, StandardContent, date(2024, 5, 31)) is None
    ledger.append(ledger.standard(version=2, valid_from=date(2026, 5, 2)))
    assert ledger.registers.find_on(subject, StandardContent, date(2026, 5, 3)).state is RegisterState.ACTIVE


def test_a_stale_version_has_no_effect(ledger):
    for raw in (ledger.standard(version=0), ledger.standard(version=2), ledger.person("P-0001")):
        assert_void(ledger, raw, "expects version")


# --- blocks -----------------------------------------------------------------------------------------------


def test_a_maker_is_marked_as_long_as_any_block_of_it_is_active(ledger):
    def state():
        found = ledger.states.get(maker_subject(MAKER))
        return None if found is None else (found.status, found.version)

    assert state() is None
    steps = (
        (ledger.block(), (Status.ACTIVE, 1)),
        (ledger.block(id="B-2"), (Status.ACTIVE, 2)),
        (ledger.block(version=1, state=WITHDRAWN), (Status.ACTIVE, 3)),
        (ledger.block(id="B-2", version=1, state=WITHDRAWN), (Status.INACTIVE, 4)),
        (ledger.block(version=2), (Status.ACTIVE, 5)),
    )
    for raw, expected in steps:
        assert isinstance(say(ledger, raw), Effect)
        assert state() == expected
    assert {block.id for block in ledger.registers.list_blocks(MAKER)} == {"B-2026-1", "B-2"}
    assert ledger.registers.list_blocks("别家") == []


@pytest.mark.parametrize(
    ("models", "serials", "covered"),
    [
        ((), (), True),
        (("EX-1224",), (), True),
        (("EX-1",), (), False),
        ((), ("7",), True),
        ((), ("8",), False),
        (("EX-1224",), ("7",), True),
        (("EX-1224",), ("8",), False),
        (("EX-1",), ("7",), False),
    ],
)
def test_what_a_block_covers(ledger, models, serials, covered):
    ledger.append(ledger.block(models=frozenset(models), serials=frozenset(serials)))
    (block,) = ledger.registers.list_blocks(MAKER)
    assert isinstance(block, BlockContent)
    assert block.covers("EX-1224", "7") == covered
    assert block.covers(None, "7") == (not serials or "7" in serials), "without a model, the worse is taken"


def test_registers_that_were_copied_do_not_change_with_the_original(ledger):
    copied = ledger.registers.copy()
    assert copied == ledger.registers
    ledger.append(ledger.block())
    ledger.append(ledger.publish_rule())
    assert (copied.list_blocks(MAKER), copied.rules.contents) == ([], ())
