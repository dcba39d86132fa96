"""What acts do to certificates and instruments, and who may take them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from ledger_in_memory import (
    AUTHORITY,
    DECISION,
    INSTITUTION,
    START,
    MemoryLedger,
    make_act,
    make_record,
    make_rejection,
    make_signer,
)

from ledger.core.act import ADVERSE_TYPES, encode_act
from ledger.core.authority import Power, Trade
from ledger.core.entry import HEADER_BYTES, NO_CERTIFICATE, parse_header
from ledger.core.event import ACT_TYPES, EventType, SubjectKind, compute_subject
from ledger.core.fold import find_subject, judge_event, judge_signed_event, list_touched
from ledger.core.fold_documents import TRANSITIONS
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.register_fields import Name, RegisterState
from ledger.core.statement import ActClaims, Statement, parse_signed_statement, sign_statement
from ledger.core.status import Effect, Registers, Status, SubjectState, Void

SECOND = InstitutionId("350100-02")
AUTHORITIES = {
    "CN-36": {"division": "36"},
    "CN-3502": {"division": "3502"},
    "CN-350102": {"division": "350102"},
    "CN-POOR": {"powers": frozenset(Power) - {Power.CERTIFICATE}},
    "CN-OLD": {"valid_until": date(2026, 2, 28)},
    "CN-OFF": {"state": RegisterState.SUSPENDED},
}
SUPPLEMENT, CANCEL, WITHDRAW, SUSPEND, REINSTATE, REVERIFY, OPENED = sorted(ACT_TYPES)


def found():
    """Return a ledger with two institutions of one region, one authority of it, and authorities that are not."""
    ledger = MemoryLedger().found()
    ledger.append(ledger.institution(id=SECOND, name=Name("福州市第二计量所", None), credit_code=None))
    ledger.append(ledger.key(seal="second", institution=SECOND))
    ledger.append(ledger.scope(institution=SECOND))
    for name, changes in AUTHORITIES.items():
        ledger.append(ledger.authority(key=name, id=name, **changes))
    assert all(isinstance(outcome, Effect) for outcome in ledger.outcomes)
    return ledger


def judge(ledger, raw, *, at=None):
    """Return what the fold says of a statement as the next leaf."""
    index = LeafIndex(len(ledger.leaves))
    signed = parse_signed_statement(raw)
    return judge_signed_event(
        signed,
        index,
        at or START + timedelta(hours=1),
        ledger.registers,
        ledger.states.get,
        ledger.subject_of,
    )


def assert_void(ledger, raw, why, **options):
    outcome = judge(ledger, raw, **options)
    assert isinstance(outcome, Void), outcome
    assert why in outcome.reason, outcome.reason
    assert outcome.subject == find_subject(parse_signed_statement(raw).statement)


def take(ledger, raw):
    index = ledger.append(raw)
    assert isinstance(ledger.outcomes[index], Effect), ledger.outcomes[index]
    return index


def status_of(ledger, subject):
    return ledger.states[subject].status


# --- who × act × status -------------------------------------------------------------------------------------

WAYS = {
    Status.VALID: [],
    Status.FAILED: [],
    Status.SUSPENDED: [SUSPEND],
    Status.CANCELLED: [CANCEL],
    Status.WITHDRAWN: [WITHDRAW],
}
"""Acts that lead to each status of a certificate."""


@cache
def standing(status, *, reverify=False):
    """Return a ledger in which certificate 1 has a status; its instrument needs another verification, or not."""
    ledger = found()
    ledger.issue_record(make_rejection() if status is Status.FAILED else make_record())
    for event_type in WAYS[status]:
        take(ledger, ledger.sign_act(event_type))
    if reverify:
        take(ledger, ledger.sign_act(REVERIFY))
    assert status_of(ledger, make_act().certificate) is status
    return ledger


SPEAKERS = {
    "the institution itself": (
        INSTITUTION,
        "seal",
        "SUPPLEMENT WITHDRAW SUSPEND REVERIFY_NEEDED OPENED_FOR_REPAIR",
    ),
    "the authority of its region": (AUTHORITY, "authority", "CANCEL SUSPEND REINSTATE REVERIFY_NEEDED"),
    "another institution": (SECOND, "second", ""),
    "an authority elsewhere": ("CN-36", "CN-36", ""),
    "an authority beside it": ("CN-3502", "CN-3502", ""),
    "an authority below it": ("CN-350102", "CN-350102", ""),
    "an authority without the power": ("CN-POOR", "CN-POOR", ""),
    "an authority past its period": ("CN-OLD", "CN-OLD", ""),
    "an authority that was suspended": ("CN-OFF", "CN-OFF", ""),
    "the root": ("ROOT", "root", ""),
    "nobody that is known": ("CN-99", "authority", ""),
    "the institution with a stranger's key": (INSTITUTION, "second", ""),
    "the authority with an institution's key": (AUTHORITY, "seal", ""),
}
"""Id, key, and what they may do."""

OUTCOMES = """
                 VALID                 FAILED     SUSPENDED             CANCELLED             WITHDRAWN
SUPPLEMENT       VALID                 FAILED     SUSPENDED             -                     -
WITHDRAW         WITHDRAWN             WITHDRAWN  WITHDRAWN             -                     -
CANCEL           CANCELLED             -          CANCELLED             -                     -
SUSPEND          SUSPENDED             -          -                     -                     -
REINSTATE        -                     -          VALID                 VALID                 -
REVERIFY_NEEDED  NEEDS_REVERIFICATION  FAILED     NEEDS_REVERIFICATION  NEEDS_REVERIFICATION  NEEDS_REVERIFICATION
OPENED_FOR_REPAIR NEEDS_REVERIFICATION  FAILED     NEEDS_REVERIFICATION  NEEDS_REVERIFICATION  NEEDS_REVERIFICATION
"""
"""Act, status of the certificate before: the instrument's status afterwards; `-`: no effect."""

HEAD, *ROWS = (line.split() for line in OUTCOMES.strip().splitlines())
EXPECTED = {
    (EventType[row[0]], Status[before]): None if cell == "-" else Status[cell]
    for row in ROWS
    for before, cell in zip(HEAD, row[1:], strict=True)
}


def test_the_table_is_whole():
    assert set(EXPECTED) == {(kind, status) for kind in ACT_TYPES for status in WAYS}
    for kind, transition in TRANSITIONS.items():
        assert transition.before == {before for before in WAYS if EXPECTED[kind, before] is not None}
        assert {EXPECTED[kind, before] for before in transition.before} == {transition.after}


@pytest.mark.parametrize("reverify", [False, True], ids=["as it is", "to be verified again"])
@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("who", SPEAKERS)
def test_who_may_do_what_to_which_certificate(who, before, event_type, reverify):
    issuer, key, powers = SPEAKERS[who]
    ledger = standing(before, reverify=reverify)
    decided = issuer not in {INSTITUTION, SECOND}
    raw = ledger.sign_act(event_type, issuer=issuer, by=key, decision=DECISION if decided else None)
    outcome, act = judge(ledger, raw), make_act()
    after = EXPECTED[event_type, before] if event_type.name in powers.split() else None
    if after is None:
        assert isinstance(outcome, Void)
        assert outcome.reason
        return
    assert isinstance(outcome, Effect), outcome
    certificate, instrument = ledger.states[act.certificate], ledger.states[act.subject]
    index = LeafIndex(len(ledger.leaves))
    stays = instrument.status is Status.NEEDS_REVERIFICATION
    expected = {
        act.subject: SubjectState(
            instrument.status if stays else after,
            instrument.version + 1,
            index,
            instrument.current_certificate,
        )
    }
    if event_type not in {REVERIFY, OPENED}:
        expected[act.certificate] = SubjectState(
            after, certificate.version + 1, index, certificate.current_certificate
        )
    assert outcome.changes == expected
    assert (outcome.subject, outcome.prev, outcome.apply) == (act.subject, instrument.last_event, None)


# --- one by one -------------------------------------------------------------------------------------------


def issued():
    ledger = found()
    ledger.issue(1)
    return ledger


def test_reasons_are_sentences():
    ledger = issued()
    for raw, why in (
        (ledger.sign_act(CANCEL, issuer=INSTITUTION, decision=None), "CANCEL is not for an institution"),
        (
            ledger.sign_act(REINSTATE, issuer=INSTITUTION, decision=None),
            "REINSTATE is not for an institution",
        ),
        (ledger.sign_act(WITHDRAW, issuer=AUTHORITY), "WITHDRAW is not for an authority"),
        (
            ledger.sign_act(WITHDRAW, issuer=SECOND, by="second", decision=None),
            "certificate JY2026-000001 is of 350100-01, not of 350100-02",
        ),
        (
            ledger.sign_act(CANCEL, issuer="CN-36", by="CN-36"),
            "division 3501 is outside that of authority CN-36",
        ),
        (ledger.sign_act(CANCEL, issuer="CN-POOR", by="CN-POOR"), "has no power over a certificate"),
        (ledger.sign_act(CANCEL, issuer="CN-OLD", by="CN-OLD"), "decides from 2020-01-01 to 2026-02-28"),
        (
            ledger.sign_act(CANCEL, issuer="CN-OFF", by="CN-OFF"),
            "authority CN-OFF is not registered or not active",
        ),
        (ledger.sign_act(CANCEL, by="seal"), "the key is not registered for CN-35"),
        (ledger.sign_act(CANCEL, by="stranger"), "the key is not registered"),
        (ledger.sign_act(REINSTATE), "certificate JY2026-000001 is VALID: REINSTATE does not follow that"),
        (ledger.sign_act(SUSPEND, version=0), "expects version 0 of its subject, which is at version 1"),
        (ledger.sign_act(SUSPEND, version=2), "expects version 2 of its subject, which is at version 1"),
        (ledger.sign_act(SUSPEND, number=2), "institution 350100-01 has no certificate JY2026-000002"),
        (
            sign(ledger, CANCEL, replace(make_act(decided=True), issuer=InstitutionId("999999-99"))),
            "institution 999999-99 is not registered",
        ),
    ):
        assert_void(ledger, raw, why)


def sign(ledger, event_type, act, *, issuer=AUTHORITY, by="authority", version=1):
    claims = ActClaims(bytes(8), encode_act(act))
    return sign_statement(Statement(event_type, issuer, claims, version), make_signer(by), ledger.origin)


@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
def test_an_authoritys_adverse_act_names_its_decision(event_type):
    ledger = issued() if event_type is not REINSTATE else standing(Status.SUSPENDED)
    bare = ledger.sign_act(event_type, issuer=AUTHORITY, decision=None)
    if event_type in ADVERSE_TYPES:
        assert_void(ledger, bare, f"an authority's {event_type.name} names its decision")
    elif event_type is REINSTATE:
        assert isinstance(judge(ledger, bare), Effect)


@pytest.mark.parametrize("event_type", [WITHDRAW, SUSPEND, REVERIFY])
def test_an_institutions_own_act_carries_none(event_type):
    ledger = issued()
    raw = ledger.sign_act(event_type, decision=DECISION)
    assert_void(ledger, raw, "an institution's own act carries no decision")


@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
@pytest.mark.parametrize("wrong", ["another instrument", "a part", "an unknown instrument"])
def test_certificate_and_instrument_belong_together(event_type, wrong):
    ledger = issued()
    ledger.issue(2)
    changes = {
        "another instrument": {"instrument_id": make_act(2).instrument_id},
        "a part": {"part": "1"},
        "an unknown instrument": {"instrument_id": bytes(16)},
    }[wrong]
    raw = ledger.sign_act(event_type, **changes)
    assert_void(ledger, raw, "certificate JY2026-000001 is about another instrument")


def test_an_ended_key_and_a_suspended_institution_act_no_more():
    ledger = issued()
    take(ledger, ledger.key(version=1, state=RegisterState.WITHDRAWN))
    assert_void(ledger, ledger.sign_act(WITHDRAW), "the key is not active at this index")
    take(ledger, ledger.key(seal="new"))
    assert isinstance(judge(ledger, ledger.sign_act(WITHDRAW, by="new")), Effect)
    take(ledger, ledger.institution(version=1, state=RegisterState.SUSPENDED))
    assert_void(
        ledger, ledger.sign_act(WITHDRAW, by="new"), "institution 350100-01 is not registered or not active"
    )
    assert isinstance(judge(ledger, ledger.sign_act(CANCEL)), Effect), "its authority still may"
    take(ledger, ledger.authority(version=1, key="other"))
    assert_void(ledger, ledger.sign_act(CANCEL), "the key is not active at this index")
    assert isinstance(judge(ledger, ledger.sign_act(CANCEL, by="other")), Effect)


def test_the_leafs_day_decides_about_the_authoritys_period():
    ledger = issued()
    raw = ledger.sign_act(CANCEL, issuer="CN-OLD", by="CN-OLD")
    assert isinstance(judge(ledger, raw, at=datetime(2026, 2, 28, 23, 59, tzinfo=UTC)), Effect)
    assert_void(ledger, raw, "decides from", at=datetime(2026, 3, 1, tzinfo=UTC))


def test_a_broken_signature_has_no_effect():
    ledger = issued()
    raw = ledger.sign_act(WITHDRAW)
    assert_void(ledger, raw[:-1] + bytes([raw[-1] ^ 1]), "signature does not verify")
    other = MemoryLedger("other.example/1").sign_act(WITHDRAW, version=1)
    assert_void(ledger, other, "signature does not verify")


def test_an_act_that_cannot_be_read_is_about_its_own_bytes():
    ledger = issued()
    claims = ActClaims(bytes(8), b"{}")
    raw = sign_statement(Statement(WITHDRAW, INSTITUTION, claims, 1), make_signer("seal"), ledger.origin)
    statement = parse_signed_statement(raw).statement
    assert find_subject(statement) == compute_subject(SubjectKind.UNREADABLE, b"{}")
    assert list_touched(statement) == (find_subject(statement),)
    assert_void(ledger, raw, "content.certificate: ")


def test_a_fold_without_issues_gives_acts_no_effect():
    ledger = issued()
    signed = parse_signed_statement(ledger.sign_act(WITHDRAW))
    index = LeafIndex(len(ledger.leaves))
    for judging in (judge_event, judge_signed_event):
        outcome = judging(signed, index, START, ledger.registers, ledger.states.get)
        assert outcome == Void(make_act().subject, "acts are not judged here")
        empty = judging(signed, index, START, Registers(), {}.get)
        assert isinstance(empty, Void)


# --- instruments --------------------------------------------------------------------------------------------


def test_only_the_newest_certificate_speaks_for_its_instrument():
    ledger = issued()
    again = ledger.issue(1, no="JY2026-000100")
    take(ledger, ledger.sign_act(CANCEL))
    assert status_of(ledger, make_act().certificate) is Status.CANCELLED
    assert ledger.states[make_act().subject] == SubjectState(Status.VALID, 3, again + 1, again)
    assert_void(
        ledger, ledger.sign_act(REVERIFY), "certificate JY2026-000001 is not the newest of its instrument"
    )
    take(ledger, act_on(ledger, SUSPEND, again))
    assert status_of(ledger, make_act().subject) is Status.SUSPENDED


def act_on(ledger, event_type, index):
    """Return an act on the document of a leaf."""
    claims = parse_signed_statement(ledger.documents[index].statement_raw).statement.claims
    version = ledger.states[make_act().subject].version
    act = make_act(decided=event_type not in {WITHDRAW, SUSPEND, REVERIFY})
    act = replace(act, number=claims.number, instrument_id=claims.instrument_id, part=claims.part)
    own = act.decision is None
    return sign(
        ledger,
        event_type,
        act,
        issuer=INSTITUTION if own else AUTHORITY,
        by="seal" if own else "authority",
        version=version,
    )


def test_only_another_issue_ends_the_need_for_one():
    ledger = issued()
    take(ledger, ledger.sign_act(REVERIFY))
    for event_type in (REVERIFY, SUSPEND, REINSTATE, CANCEL, REINSTATE, WITHDRAW, REVERIFY):
        take(ledger, ledger.sign_act(event_type))
        assert status_of(ledger, make_act().subject) is Status.NEEDS_REVERIFICATION
    ledger.issue(1, no="JY2026-000100")
    assert status_of(ledger, make_act().subject) is Status.VALID
    assert status_of(ledger, make_act().certificate) is Status.WITHDRAWN


def test_an_authority_may_ask_for_another_verification_by_whoever_issued_last():
    ledger = issued()
    second = {
        "id": SECOND,
        "name": "福州市第二计量所",
        "authorisation_no": make_record()["issuer"]["authorisation_no"],
        "scope_line_id": "S1",
    }
    ledger.issue_record(make_record(1, no="X-1", issuer=second), seal="second")
    assert_void(ledger, ledger.sign_act(REVERIFY), "is not the newest of its instrument")
    theirs = replace(make_act(decided=True), issuer=SECOND, number="X-1")
    assert isinstance(judge(ledger, sign(ledger, REVERIFY, theirs, version=2)), Effect)
    own = replace(theirs, decision=None)
    assert isinstance(
        judge(ledger, sign(ledger, REVERIFY, own, issuer=SECOND, by="second", version=2)), Effect
    )
    assert_void(
        ledger,
        sign(ledger, REVERIFY, own, issuer=INSTITUTION, by="seal", version=2),
        "certificate X-1 is of 350100-02, not of 350100-01",
    )


def test_a_part_is_acted_on_alone():
    ledger = found()
    credential_index = ledger.issue(1)
    raw = ledger.sign_issue(ledger.documents[credential_index].credential, part="1", number="P-1", version=0)
    take(ledger, raw)
    whole, part = make_act(), replace(make_act(), part="1", number="P-1")
    take(ledger, sign(ledger, SUSPEND, part, issuer=INSTITUTION, by="seal"))
    assert status_of(ledger, part.subject) is Status.SUSPENDED
    assert status_of(ledger, whole.subject) is Status.VALID


# --- replacements -----------------------------------------------------------------------------------------


def replacement(ledger, number=1, of="JY2026-000001", *, rejected=False, **changes):
    make = make_rejection if rejected else make_record
    record = make(number, no=f"R-{len(ledger.leaves)}", replaces={"no": of, "reason": "TYPO"}, **changes)
    index = ledger.issue_record(record)
    return index, ledger.outcomes[index]


@pytest.mark.parametrize("before", WAYS)
def test_a_replacement_takes_the_place_of_the_newest_certificate(before):
    ledger = standing.__wrapped__(before)
    instrument = ledger.states[make_act().subject]
    index, outcome = replacement(ledger)
    if before in {Status.CANCELLED, Status.WITHDRAWN}:
        assert outcome.reason == f"certificate JY2026-000001 is {before.name}: it is not replaced"
        return
    assert isinstance(outcome, Effect), outcome
    replaced = ledger.states[make_act().certificate]
    assert (replaced.status, replaced.last_event) == (Status.SUPERSEDED, index)
    assert replaced.current_certificate == instrument.current_certificate
    assert ledger.states[make_act().subject] == SubjectState(
        Status.VALID, instrument.version + 1, index, index
    )
    statement = parse_signed_statement(ledger.documents[index].statement_raw).statement
    assert set(list_touched(statement)) == set(outcome.changes)
    assert list_touched(statement)[2] == make_act().certificate
    for event_type in (WITHDRAW, SUSPEND, CANCEL, SUPPLEMENT):
        assert_void(ledger, ledger.sign_act(event_type), "is SUPERSEDED")


def test_a_replacement_verifies_nothing():
    ledger = issued()
    take(ledger, ledger.sign_act(REVERIFY))
    index, outcome = replacement(ledger)
    assert isinstance(outcome, Effect)
    assert ledger.states[make_act().subject].status is Status.NEEDS_REVERIFICATION
    assert ledger.states[make_act().subject].current_certificate == index
    index, _ = replacement(ledger, of=f"R-{index}", rejected=True)
    assert ledger.states[make_act().subject].status is Status.FAILED


def test_what_cannot_be_replaced():
    ledger = issued()
    ledger.issue(2)
    ledger.issue(1, no="X-2")
    for of, why in (
        ("none", "institution 350100-01 has no certificate none"),
        ("JY2026-000002", "certificate JY2026-000002 is about another instrument"),
        ("JY2026-000001", "certificate JY2026-000001 is not the newest of its instrument"),
    ):
        outcome = replacement(ledger, of=of)[1]
        assert isinstance(outcome, Void)
        assert outcome.reason == why


# --- repairers and owners ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trade", [Trade.REPAIR, Trade.OWNER])
def test_repairers_and_owners_say_what_was_opened_and_nothing_else(trade):
    ledger = issued()
    for name, division, authority, by in (
        ("NEAR", "35", AUTHORITY, "authority"),
        ("FAR", "36", "CN-36", "CN-36"),
    ):
        own_id = InstitutionId(name)
        members = {"id": own_id, "division": division, "trade": trade, "credit_code": None}
        take(ledger, ledger.institution(authority=authority, by=by, **members))
        take(ledger, ledger.key(seal=name, institution=own_id, authority=authority, by=by))
    opened = ledger.sign_act(OPENED, issuer="NEAR", by="NEAR", decision=None)
    for event_type in sorted(ACT_TYPES - {OPENED}):
        raw = ledger.sign_act(event_type, issuer="NEAR", by="NEAR", decision=None)
        assert_void(ledger, raw, f"{event_type.name} is not for a registered {trade.value}")
    far = ledger.sign_act(OPENED, issuer="FAR", by="FAR", decision=None)
    assert_void(ledger, far, "350100-01 is not within the region of FAR")
    decided = ledger.sign_act(OPENED, issuer="NEAR", by="NEAR", decision=DECISION)
    assert_void(ledger, decided, "carries no decision")
    by_authority = ledger.sign_act(OPENED, issuer=AUTHORITY)
    assert_void(ledger, by_authority, "OPENED_FOR_REPAIR is not for an authority")
    take(ledger, opened)
    assert status_of(ledger, make_act().subject) is Status.NEEDS_REVERIFICATION
    assert status_of(ledger, make_act().certificate) is Status.VALID
    ledger.issue(1, no="AFTER", kind="periodic")
    assert status_of(ledger, make_act().subject) is Status.VALID, "only a verification ends it"
    record = make_record(7, issuer=make_record()["issuer"] | {"id": "NEAR"})
    index = ledger.issue_record(record, seal="NEAR")
    assert ledger.outcomes[index].reason == f"NEAR is registered for {trade.value}, not verification"


# --- leaves -------------------------------------------------------------------------------------------------


def test_acts_stand_in_the_history_of_their_instrument():
    ledger = issued()
    first = len(ledger.leaves) - 1
    before = dict(ledger.states)
    indices = [take(ledger, ledger.sign_act(kind)) for kind in (SUSPEND, REINSTATE, REVERIFY, CANCEL)]
    headers = [parse_header(ledger.leaves[index][:HEADER_BYTES]) for index in indices]
    assert [header.prev for header in headers] == [first, *indices[:-1]]
    assert [header.version for header in headers] == [2, 3, 4, 5]
    assert [Status(header.status).name for header in headers] == [
        *("SUSPENDED", "VALID", "NEEDS_REVERIFICATION", "NEEDS_REVERIFICATION")
    ]
    assert {header.subject for header in headers} == {make_act().subject}
    assert {header.certificate_digest for header in headers} == {NO_CERTIFICATE}
    assert ledger.states[make_act().certificate] == SubjectState(Status.CANCELLED, 4, indices[-1], first)
    touched = {make_act().subject, make_act().certificate}
    assert {subject for subject in ledger.states if ledger.states[subject] != before.get(subject)} == touched


@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
def test_what_is_touched_is_told_before_it_is_judged(event_type):
    ledger = standing(Status.SUSPENDED if event_type is REINSTATE else Status.VALID)
    raw = ledger.sign_act(event_type)
    changed = set(judge(ledger, raw).changes)
    assert changed <= {make_act().subject, make_act().certificate}
    assert set(list_touched(parse_signed_statement(raw).statement)) == {
        make_act().subject,
        make_act().certificate,
    }
    assert list_touched(parse_signed_statement(raw).statement)[0] == make_act().subject
