"""The fold: who may do what, and that it is a function of the leaves and of nothing else."""

from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_in_memory import (
    AUTHORITY,
    INSTITUTION,
    START,
    MemoryLedger,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)

from ledger.core.authority import Power
from ledger.core.entry import NO_CERTIFICATE, parse_leaf
from ledger.core.event import (
    EventType,
    SubjectKind,
    certificate_subject,
    compute_subject,
    instrument_subject,
    scope_subject,
)
from ledger.core.fold import build_header, find_subject, judge_event, judge_signed_event, list_touched
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId, LeafIndex
from ledger.core.register_fields import Name, RegisterState
from ledger.core.signature import P256Signer
from ledger.core.statement import (
    Endorsement,
    RegisterClaims,
    Statement,
    parse_signed_statement,
    sign_statement,
)
from ledger.core.status import Effect, RegisteredKey, Registers, Status, SubjectState, Void

OTHER = InstitutionId("350200-01")


def founded(**options) -> MemoryLedger:
    return MemoryLedger(**options).found()


def outcome(ledger: MemoryLedger, raw: bytes) -> Effect | Void:
    return ledger.outcomes[ledger.append(raw)]


def assert_void(ledger: MemoryLedger, raw: bytes, saying: str) -> None:
    before = deepcopy((ledger.registers, ledger.states))
    found = outcome(ledger, raw)
    assert isinstance(found, Void), "it took effect"
    assert saying in found.reason, found.reason
    assert (ledger.registers, ledger.states) == before, "a VOID leaf changes nothing"


def assert_effect(ledger: MemoryLedger, raw: bytes) -> Effect:
    found = outcome(ledger, raw)
    assert isinstance(found, Effect), found
    return found


# --- what takes effect ------------------------------------------------------------------------------------


def test_a_log_is_founded():
    ledger = founded()
    assert all(isinstance(one, Effect) for one in ledger.outcomes)
    registers = ledger.registers
    assert registers.root == ledger.root_content
    assert registers.authorities[AUTHORITY].division == "35"
    assert registers.institutions[INSTITUTION].name == Name("福州市计量所", "Fuzhou Institute of Metrology")
    assert registers.scopes[(INSTITUTION, "S1")].authorisation_no == "(闽)法计(2024)35001号"
    owners = {known.owner: (known.since, known.until) for known in registers.keys.values()}
    assert owners == {"ROOT": (0, None), AUTHORITY: (1, None), INSTITUTION: (3, None)}


def test_each_event_touches_its_subjects():
    ledger = founded()
    key = make_signer("seal").public_key
    expected = [
        compute_subject(SubjectKind.ROOT, b""),
        compute_subject(SubjectKind.AUTHORITY, AUTHORITY.encode()),
        compute_subject(SubjectKind.INSTITUTION, INSTITUTION.encode()),
        compute_subject(SubjectKind.KEY, key.multikey_bytes),
        scope_subject(INSTITUTION, "S1"),
    ]
    assert [one.subject for one in ledger.outcomes] == expected
    assert [parse_leaf(leaf).header.subject for leaf in ledger.leaves] == expected
    assert [list(one.changes) for one in ledger.outcomes] == [[subject] for subject in expected]


def test_an_issue_touches_instrument_and_certificate():
    ledger = founded()
    index = ledger.issue(1)
    instrument = instrument_subject(InstrumentId(bytes.fromhex(make_record(1)["instrument"]["id"])))
    document = certificate_subject(INSTITUTION, CertificateNumber("JY2026-000001"))
    state = SubjectState(Status.VALID, 1, index, index)
    effect = ledger.outcomes[index]
    assert (effect.subject, effect.prev, effect.state) == (instrument, None, state)
    assert effect.changes == {instrument: state, document: state}
    header = parse_leaf(ledger.leaves[index]).header
    assert (header.status, header.version, header.prev) == (1, 1, None)


def test_what_a_statement_touches_is_what_its_effect_changes():
    ledger = founded()
    ledger.issue(1)
    ledger.issue_record(make_rejection(2))
    ledger.append(ledger.sign_issue(seal_record(make_record(3), make_signer("seal")), part="1"))
    ledger.append(ledger.scope(version=1))
    for leaf, found in zip(ledger.leaves, ledger.outcomes, strict=True):
        statement = parse_signed_statement(parse_leaf(leaf).statement_raw).statement
        touched = list_touched(statement)
        assert touched[0] == found.subject == find_subject(statement), "its own first"
        assert len(touched) == len(set(touched))
        assert set(touched) == found.changes.keys()


def test_a_rejection_sets_the_instrument_to_failed_and_a_later_pass_back():
    ledger = founded()
    instrument = make_record(1)["instrument"]
    first = ledger.issue(1)
    second = ledger.issue_record(make_rejection(2, instrument=instrument))
    third = ledger.issue(3, instrument=instrument)
    headers = [parse_leaf(ledger.leaves[index]).header for index in (first, second, third)]
    assert [header.status for header in headers] == [Status.VALID, Status.FAILED, Status.VALID]
    assert [header.version for header in headers] == [1, 2, 3]
    assert [header.prev for header in headers] == [None, first, second]


def test_a_part_is_a_subject_of_its_own():
    ledger = founded()
    credential = seal_record(make_record(1), make_signer("seal"))
    effect = assert_effect(ledger, ledger.sign_issue(credential, part="2"))
    instrument = InstrumentId(bytes.fromhex(make_record(1)["instrument"]["id"]))
    assert effect.subject == instrument_subject(instrument, "2") != instrument_subject(instrument)


def test_versions_of_a_registered_thing_follow_each_other():
    ledger = founded()
    effect = assert_effect(ledger, ledger.scope(version=1, state=RegisterState.SUSPENDED))
    assert (effect.prev, effect.state) == (4, SubjectState(Status.INACTIVE, 2, LeafIndex(5), None))
    effect = assert_effect(ledger, ledger.scope(version=2))
    assert (effect.prev, effect.state.version, effect.state.status) == (5, 3, Status.ACTIVE)


@pytest.mark.parametrize("version", [0, 2, 3, 2**32 - 1])
def test_only_the_newest_version_is_followed(version):
    ledger = founded()
    assert_void(
        ledger, ledger.institution(version=version) if version < 256 else _far(ledger), "expects version"
    )


def _far(ledger: MemoryLedger) -> bytes:
    signed = parse_signed_statement(ledger.institution(version=1))
    statement = replace(signed.statement, expected_version=2**32 - 1)
    return sign_statement(statement, make_signer("authority"), ledger.origin)


def test_a_number_is_used_once():
    ledger = founded()
    ledger.issue(1)
    other = make_record(1, instrument=make_record(2)["instrument"])
    assert_void(
        ledger, ledger.sign_issue(seal_record(other, make_signer("seal"))), "number JY2026-000001 is taken"
    )


def test_the_same_number_of_another_institution_is_another_number():
    ledger = founded()
    ledger.issue(1)
    ledger.append(ledger.institution(id=OTHER, division="3502"))
    ledger.append(ledger.key(institution=OTHER, seal="other"))
    index = ledger.issue(1, institution=OTHER, seal="other", instrument=make_record(2)["instrument"])
    assert isinstance(ledger.outcomes[index], Effect)


# --- the root ---------------------------------------------------------------------------------------------

THREE = {"roots": ("root 1", "root 2", "root 3"), "threshold": 2}


@pytest.mark.parametrize(
    ("endorsing", "enough"),
    [((), False), ((0,), False), ((2,), False), ((0, 1), True), ((1, 2), True), ((0, 1, 2), True)],
)
def test_two_of_three_root_keys_must_endorse(endorsing, enough):
    ledger = MemoryLedger(**THREE)
    keys = tuple(ledger.roots[number] for number in endorsing)
    if enough:
        assert_effect(ledger, ledger.root(endorsers=keys))
    else:
        assert_void(ledger, ledger.root(endorsers=keys), f"endorsed by {len(keys)} root keys; 2 are needed")
    ledger = founded(**THREE)
    raw = ledger.authority(id="CN-36", key="new", endorsers=(*keys, make_signer("new")))
    if enough:
        assert_effect(ledger, raw)
    else:
        assert_void(ledger, raw, f"endorsed by {len(keys)} root keys; 2 are needed")


def test_endorsements_of_others_count_for_nothing():
    ledger = founded(**THREE)
    crowd = tuple(make_signer(name) for name in ("new", "a", "b", "c", "authority", "seal", "log"))
    raw = ledger.authority(id="CN-36", key="new", endorsers=(ledger.roots[0], *crowd))
    assert_void(ledger, raw, "endorsed by 1 root keys")


def test_a_wrong_endorsement_of_a_root_key_spoils_the_decision():
    ledger = founded(**THREE)
    signed = parse_signed_statement(ledger.authority(version=1))
    claims = signed.statement.claims
    root_id = ledger.roots[0].public_key.key_id
    broken = tuple(
        replace(one, signature=bytes(64)) if one.key_id == root_id else one for one in claims.endorsements
    )
    statement = replace(signed.statement, claims=replace(claims, endorsements=broken))
    assert_void(
        ledger, sign_statement(statement, ledger.roots[1], ledger.origin), "signature does not verify"
    )


@pytest.mark.parametrize("version", [0, 2])
def test_an_old_endorsement_does_not_bring_an_old_content_back(version):
    ledger = founded(**THREE)
    first = parse_signed_statement(ledger.authority()).statement
    assert_effect(ledger, ledger.authority(version=1, key="new key"))
    replayed = replace(first, expected_version=version)
    one_thief = sign_statement(replayed, ledger.roots[0], ledger.origin)
    assert_void(ledger, one_thief, "expects version" if version == 0 else "signature does not verify")


def test_the_root_is_leaf_0_and_no_other():
    ledger = MemoryLedger()
    assert_void(ledger, ledger.authority(), "the key is not registered")
    assert_void(ledger, ledger.root(), "version 1 of the root does not follow version none")
    ledger = founded()
    assert_void(ledger, ledger.root(), "expects version 0")


@pytest.mark.parametrize(
    ("change", "saying"),
    [
        (lambda own: {"by": make_signer("stranger")}, "not signed by one of its own keys"),
        (lambda own: {"endorsers": (make_signer("stranger"),)}, "endorsed by 0 root keys"),
    ],
)
def test_a_root_is_signed_by_its_own_keys(change, saying):
    ledger = MemoryLedger()
    assert_void(ledger, ledger.root(**change(ledger)), saying)


def test_a_root_is_version_1_and_of_issuer_root():
    ledger = MemoryLedger()
    ledger.root_content = replace(ledger.root_content, version=2, previous=bytes(32))
    assert_void(ledger, ledger.root(), "leaf 0 is version 1")
    ledger = MemoryLedger()
    statement = replace(parse_signed_statement(ledger.root()).statement, issuer="CN-35")
    assert_void(ledger, sign_statement(statement, ledger.roots[0], ledger.origin), "issued by ROOT")


def test_a_root_is_of_the_log_that_its_signature_names():
    ledger, other = MemoryLedger(), MemoryLedger("ledger.example/other")
    statement = parse_signed_statement(other.root()).statement
    assert_void(ledger, sign_statement(statement, ledger.roots[0], ledger.origin), "does not verify")


def test_root_keys_may_be_of_either_algorithm():
    ledger = MemoryLedger()
    signer = P256Signer(bytes([3]) * 32)
    ledger.roots = [signer]
    ledger.root_content = replace(ledger.root_content, keys=(signer.public_key,))
    ledger.found()
    assert all(isinstance(one, Effect) for one in ledger.outcomes)


# --- authorities ------------------------------------------------------------------------------------------


def test_only_root_keys_register_authorities():
    ledger = founded()
    for name in ("authority", "seal"):
        assert_void(ledger, ledger.authority(version=1, by=make_signer(name)), "not registered for ROOT")
    signed = parse_signed_statement(ledger.authority(version=1))
    forged = replace(signed.statement, issuer=AUTHORITY)
    assert_void(ledger, sign_statement(forged, ledger.roots[0], ledger.origin), "only the root")


def test_an_authority_changes_its_key():
    ledger = founded()
    assert_effect(ledger, ledger.authority(version=1, key="second"))
    assert_void(ledger, ledger.scope(version=1), "the key is not active at this index")
    assert_effect(ledger, ledger.scope(version=1, by="second"))
    assert_void(ledger, ledger.authority(version=2), "the key has ended and does not become active again")
    assert_effect(ledger, ledger.authority(version=2, key="third"))


def test_a_new_key_of_an_authority_must_speak_for_itself():
    ledger = founded()
    raw = ledger.authority(version=1, key="second", endorsers=tuple(ledger.roots))
    assert_void(ledger, raw, "has not endorsed its own registration")


def test_a_suspended_authority_decides_nothing_and_comes_back_with_a_new_key_only():
    ledger = founded()
    assert_effect(ledger, ledger.authority(version=1, state=RegisterState.SUSPENDED))
    assert_void(ledger, ledger.scope(version=1), "authority CN-35 is not registered or not active")
    assert_void(ledger, ledger.authority(version=2), "the key has ended")
    assert_effect(ledger, ledger.authority(version=2, key="second"))
    assert_effect(ledger, ledger.scope(version=1, by="second"))


@pytest.mark.parametrize("power", list(Power))
def test_powers_are_kept_apart(power):
    ledger = founded()
    ledger.append(ledger.authority(version=1, powers=frozenset({power})))
    tries = {
        Power.INSTITUTION: ledger.institution(version=1),
        Power.KEY: ledger.key(version=1),
        Power.SCOPE: ledger.scope(version=1),
    }
    for needed, raw in tries.items():
        if needed is power:
            assert_effect(ledger, raw)
        else:
            assert_void(ledger, raw, f"has no power to register a {needed.value}")


def test_an_authority_decides_within_its_period():
    ledger = founded()
    today = START.date()
    ledger.append(ledger.authority(version=1, valid_from=today, valid_until=today))
    assert_effect(ledger, ledger.institution(version=1))
    ledger.now_ms = int((START + timedelta(days=1)).timestamp() * 1000) - 1
    assert_effect(ledger, ledger.institution(version=2))
    ledger.now_ms = int((START + timedelta(days=1)).timestamp() * 1000)
    assert_void(ledger, ledger.institution(version=3), "decides from 2026-03-01 to 2026-03-01")


@pytest.mark.parametrize(
    ("build", "saying"),
    [
        (lambda own: own.institution(id=OTHER, division="36"), "division 36 is outside"),
        (lambda own: own.institution(id=OTHER, division="3"), "does not have the form"),
        (lambda own: own.institution(id=OTHER, division=""), "division anywhere is outside"),
        (lambda own: own.institution(version=1, division="3502"), "does not move to another division"),
        (lambda own: own.institution(version=1, division="35"), "does not move to another division"),
        (lambda own: own.scope(id="S2", division="34"), "division 34 is outside"),
        (lambda own: own.scope(id="S2", division=""), "division anywhere is outside"),
        (lambda own: own.scope(institution=OTHER), "institution 350200-01 is not registered"),
        (lambda own: own.key(institution=OTHER, seal="x"), "institution 350200-01 is not registered"),
    ],
)
def test_an_authority_decides_within_its_division(build, saying):
    ledger = founded()
    assert_void(ledger, build(ledger), saying)


def test_within_its_division_an_authority_decides():
    ledger = founded()
    assert_effect(ledger, ledger.institution(version=1, division="350100"))
    assert_effect(ledger, ledger.institution(id=OTHER, division="3502"))
    assert_effect(ledger, ledger.scope(institution=OTHER, division="350203"))
    assert_effect(ledger, ledger.scope(id="S2", division="35"))


def city(ledger: MemoryLedger) -> MemoryLedger:
    """Add the authority of one city of the province."""
    ledger.append(ledger.authority(id="CN-3501", key="city", division="3501"))
    return ledger


def test_a_lower_authority_does_not_narrow_or_end_what_a_higher_one_registered():
    ledger = MemoryLedger()
    ledger.append(ledger.root())
    ledger.append(ledger.authority())
    ledger.append(ledger.institution(division="35"))
    city(ledger)
    low = {"authority": "CN-3501", "by": "city"}
    for state in RegisterState:
        raw = ledger.institution(version=1, division="3501", state=state, **low)
        assert_void(ledger, raw, "division 35 is outside that of authority CN-3501")
    assert_void(ledger, ledger.key(**low), "division 35 is outside")
    assert_void(ledger, ledger.scope(**low), "division 35 is outside")


def test_a_lower_authority_does_not_take_a_wider_line_over():
    ledger = city(founded())
    low = {"authority": "CN-3501", "by": "city"}
    assert_effect(ledger, ledger.scope(id="WIDE", division="35"))
    raw = ledger.scope(id="WIDE", version=1, division="3501", state=RegisterState.WITHDRAWN, **low)
    assert_void(ledger, raw, "division 35 is outside that of authority CN-3501")
    assert_effect(ledger, ledger.scope(version=1, division="350102", **low))


def test_ids_of_authorities_and_institutions_are_one_space():
    ledger = founded()
    assert_void(ledger, ledger.institution(id=InstitutionId(AUTHORITY)), "CN-35 is the id of an authority")
    raw = ledger.authority(id=INSTITUTION, key="x", division="35")
    assert_void(ledger, raw, "350100-01 is the id of an institution")


# --- keys -------------------------------------------------------------------------------------------------


def test_a_first_key_must_speak_for_itself():
    ledger = founded()
    for endorsers in ((), (make_signer("authority"),), (make_signer("seal"),)):
        raw = ledger.key(seal="second", endorsers=endorsers)
        assert_void(ledger, raw, "the new key has not endorsed its own registration")
    assert_effect(ledger, ledger.key(seal="second"))


def test_a_wrong_proof_of_possession_is_refused():
    ledger = founded()
    signed = parse_signed_statement(ledger.key(seal="second"))
    claims = signed.statement.claims
    broken = (Endorsement(claims.endorsements[0].key_id, bytes(64)),)
    statement = replace(signed.statement, claims=replace(claims, endorsements=broken))
    assert_void(ledger, sign_statement(statement, make_signer("authority"), ledger.origin), "does not verify")


@pytest.mark.parametrize("state", [RegisterState.SUSPENDED, RegisterState.WITHDRAWN])
def test_an_ended_key_never_becomes_active_again(state):
    ledger = founded()
    seal = make_signer("seal").public_key.key_id
    assert_effect(ledger, ledger.key(version=1, state=state))
    assert ledger.registers.keys[seal] == RegisteredKey(make_signer("seal").public_key, INSTITUTION, 3, 5)
    assert_void(ledger, ledger.key(version=2), "the key has ended and does not become active again")
    assert_void(ledger, ledger.sign_issue(seal_record(make_record(1), make_signer("seal"))), "not active")
    assert_effect(ledger, ledger.key(version=2, state=RegisterState.WITHDRAWN))
    assert ledger.registers.keys[seal].until == 5, "the end does not move"


def test_a_key_counts_from_its_registration_to_its_end():
    key = RegisteredKey(make_signer("seal").public_key, INSTITUTION, LeafIndex(3), LeafIndex(6))
    assert [key.is_active_at(index) for index in range(8)] == [False] * 3 + [True] * 3 + [False] * 2
    assert all(replace(key, until=None).is_active_at(index) for index in (3, 4, 2**62))


def test_a_key_registered_as_ended_never_counts():
    ledger = founded()
    assert_effect(ledger, ledger.key(seal="second", state=RegisterState.WITHDRAWN))
    known = ledger.registers.keys[make_signer("second").public_key.key_id]
    assert (known.since, known.until) == (5, 5)
    assert not known.is_active_at(5)


@pytest.mark.parametrize("seal", ["root", "authority", "seal"])
def test_a_key_has_one_owner_for_ever(seal):
    ledger = founded()
    ledger.append(ledger.institution(id=OTHER, division="3502"))
    version = 1 if seal == "seal" else 0
    raw = ledger.key(institution=OTHER, seal=seal, version=version, endorsers=(make_signer(seal),))
    assert_void(ledger, raw, "is registered for somebody else")
    if seal != "authority":
        raw = ledger.authority(id="CN-36", key=seal, division="36")
        assert_void(ledger, raw, "is registered for somebody else")


@pytest.mark.parametrize("seal", ["stranger", "authority", "root", "log"])
def test_only_an_institutions_own_key_issues(seal):
    ledger = founded()
    credential = seal_record(make_record(1), make_signer(seal))
    assert_void(ledger, ledger.sign_issue(credential, seal), "the key is not registered")


def test_an_institution_that_is_not_active_issues_nothing():
    ledger = founded()
    ledger.append(ledger.institution(version=1, state=RegisterState.WITHDRAWN))
    raw = ledger.sign_issue(seal_record(make_record(1), make_signer("seal")))
    assert_void(ledger, raw, "institution 350100-01 is not registered or not active")
    ledger.append(ledger.institution(version=2))
    assert isinstance(ledger.outcomes[ledger.issue(1)], Effect), "it came back, with its key"


def test_a_statement_for_another_log_is_void():
    ledger, other = founded(), founded(origin="ledger.example/other")
    assert_void(ledger, other.sign_issue(seal_record(make_record(1), make_signer("seal"))), "does not verify")
    assert_void(ledger, other.scope(version=1), "does not verify")


def test_a_content_that_cannot_be_read_is_void_and_about_nothing_else():
    ledger = founded()
    for content in (b"", b"{}", b"\xff", b'{"id":"ROOT"}'):
        claims = RegisterClaims(bytes(8), content)
        raw = sign_statement(
            Statement(EventType.SCOPE, AUTHORITY, claims), make_signer("authority"), ledger.origin
        )
        assert_void(ledger, raw, "")
        header = parse_leaf(ledger.leaves[-1]).header
        assert header.subject == compute_subject(SubjectKind.UNREADABLE, content)
        assert header.subject != compute_subject(SubjectKind.ROOT, content)


# --- headers ----------------------------------------------------------------------------------------------


def test_a_void_leaf_has_no_place_in_the_history_of_its_subject():
    ledger = founded()
    index = ledger.append(ledger.institution(version=7))
    header = parse_leaf(ledger.leaves[index]).header
    assert (header.status, header.prev, header.version) == (Status.VOID, None, 0)
    assert header.subject == compute_subject(SubjectKind.INSTITUTION, INSTITUTION.encode())
    assert assert_effect(ledger, ledger.institution(version=1)).prev == 2


def test_a_header_names_the_certificate_of_an_issue_and_none_for_registers():
    ledger = founded()
    index = ledger.issue(1)
    header = parse_leaf(ledger.leaves[index]).header
    signed = parse_signed_statement(parse_leaf(ledger.leaves[index]).statement_raw)
    assert header.certificate_digest == signed.statement.claims.certificate_digest
    assert header.statement_digest == signed.digest
    assert all(parse_leaf(leaf).header.certificate_digest == NO_CERTIFICATE for leaf in ledger.leaves[:5])


def test_judging_changes_nothing():
    ledger = founded()
    before = deepcopy((ledger.registers, ledger.states))
    for raw in (ledger.scope(version=1), ledger.scope(version=9), ledger.root()):
        signed = parse_signed_statement(raw)
        judge_signed_event(signed, LeafIndex(5), START, ledger.registers, ledger.states.get)
        judge_event(signed, LeafIndex(5), START, ledger.registers, ledger.states.get)
    assert (ledger.registers, ledger.states) == before


# --- the fold as a function of the leaves -----------------------------------------------------------------


def replay(leaves: list[bytes]) -> tuple[Registers, dict, list]:
    """Fold leaves from the beginning, as an auditor does, and compare every header."""
    registers, states, outcomes = Registers(), {}, []
    for number, raw in enumerate(leaves):
        leaf = parse_leaf(raw)
        signed = parse_signed_statement(leaf.statement_raw)
        index = LeafIndex(number)
        found = judge_signed_event(signed, index, leaf.header.sequenced_at, registers, states.get)
        assert build_header(signed, found, leaf.header.sequenced_at_ms) == leaf.header
        assert find_subject(signed.statement) == leaf.header.subject
        if isinstance(found, Effect):
            states.update(found.changes)
            if found.apply is not None:
                found.apply(registers)
        outcomes.append(type(found))
    return registers, states, outcomes


STATES = st.sampled_from(RegisterState)
DIVISIONS = st.sampled_from(["35", "3501", "350100", "3502", "36", ""])
ACTIONS = st.one_of(
    st.tuples(st.just("authority"), st.sampled_from(["authority", "second"]), DIVISIONS, STATES),
    st.tuples(st.just("institution"), st.sampled_from([INSTITUTION, OTHER]), DIVISIONS, STATES),
    st.tuples(
        st.just("key"), st.sampled_from(["seal", "b", "root"]), st.sampled_from([INSTITUTION, OTHER]), STATES
    ),
    st.tuples(st.just("scope"), st.sampled_from([INSTITUTION, OTHER]), DIVISIONS, STATES),
    st.tuples(st.just("issue"), st.integers(1, 3), st.integers(1, 2), st.sampled_from(["seal", "b"])),
)


def newest_version(ledger: MemoryLedger, raw: bytes) -> int:
    before = ledger.states.get(find_subject(parse_signed_statement(raw).statement))
    return 0 if before is None else before.version


def act(ledger: MemoryLedger, action: tuple, shift: int) -> bytes:
    """Return the statement of an action: it expects the newest version, or one `shift` beside it."""

    def at_newest(build):
        return build(version=max(0, newest_version(ledger, build(version=0)) + shift))

    match action:
        case ("authority", key, division, state):
            return at_newest(
                lambda version: ledger.authority(version=version, key=key, division=division, state=state)
            )
        case ("institution", name, division, state):
            return at_newest(
                lambda version: ledger.institution(version=version, id=name, division=division, state=state)
            )
        case ("key", seal, name, state):
            return at_newest(
                lambda version: ledger.key(
                    version=version, seal=seal, institution=name, state=state, endorsers=(make_signer(seal),)
                )
            )
        case ("scope", name, division, state):
            return at_newest(
                lambda version: ledger.scope(
                    version=version, institution=name, division=division, state=state
                )
            )
        case ("issue", number, instrument, seal):
            record = make_record(number, instrument=make_record(instrument)["instrument"])
            credential = seal_record(record, make_signer(seal))
            return at_newest(lambda version: ledger.sign_issue(credential, seal, version=version))
    raise AssertionError


@settings(max_examples=40)
@given(st.lists(st.tuples(ACTIONS, st.sampled_from([0, 0, 0, 1])), max_size=12))
def test_replay_gives_what_was_built_step_by_step(actions):
    ledger = founded()
    ends: dict = {}
    owners: dict = {}
    for action, shift in actions:
        before = deepcopy((ledger.registers, ledger.states))
        if isinstance(outcome(ledger, act(ledger, action, shift)), Void):
            assert (ledger.registers, ledger.states) == before
        for key_id, known in ledger.registers.keys.items():
            assert owners.setdefault(key_id, (known.owner, known.since)) == (known.owner, known.since)
            assert key_id not in ends or ends[key_id] == known.until
            if known.until is not None:
                ends[key_id] = known.until
    registers, states, outcomes = replay(ledger.leaves)
    assert registers == ledger.registers
    assert states == ledger.states
    assert outcomes == [type(one) for one in ledger.outcomes]
    for length in range(len(ledger.leaves)):
        replay(ledger.leaves[:length])


def test_a_replay_without_a_leaf_is_another_history():
    ledger = founded()
    ledger.issue(1)
    with pytest.raises(AssertionError):
        replay(ledger.leaves[:3] + ledger.leaves[4:])
    with pytest.raises(AssertionError):
        replay([ledger.leaves[0], *ledger.leaves[2:0:-1], *ledger.leaves[3:]])


def test_the_day_of_an_event_is_a_day_of_utc():
    ledger = founded()
    late = datetime.fromisoformat("2026-03-01T23:59:59.999+00:00")
    day = date(2026, 3, 1)
    ledger.append(ledger.authority(version=1, valid_from=day, valid_until=day))
    signed = parse_signed_statement(ledger.institution(version=1))
    judged = [
        judge_signed_event(signed, LeafIndex(6), at, ledger.registers, ledger.states.get)
        for at in (late, late + timedelta(milliseconds=1))
    ]
    assert [type(one) for one in judged] == [Effect, Void]
