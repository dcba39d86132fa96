"""Refutations: every planted false map is shown false by a leaf and a path, no true one is."""

from dataclasses import replace
from functools import cache

import pytest
from further_kinds import make_calibration, make_paper
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import INSTITUTION, MemoryLedger, make_act, make_record, make_rejection, make_signer
from vector_statements import sign_lot, sign_same_as, sign_split

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import EventType, certificate_subject
from ledger.core.ids import LeafIndex, Subject
from ledger.core.lot import LotStatus
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_multi_proof
from ledger.core.note import NoteVerifier
from ledger.core.refutation import (
    Refutation,
    _list_changes,
    encode_refutation,
    find_contradiction,
    list_suspects,
    parse_refutation,
    verify_refutation,
)
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import load_nothing


def live(links=True):
    """Return a ledger in which everything has happened that can."""
    ledger = MemoryLedger().found()
    for number in range(6):
        ledger.issue(number, **({"lot": {"no": "L1", "size": 2}} if number < 2 else {}))
    for event_type, number in (
        (EventType.SUPPLEMENT, 0),
        (EventType.SUSPEND, 1),
        (EventType.REINSTATE, 1),
        (EventType.OPENED_FOR_REPAIR, 2),
        (EventType.CANCEL, 3),
        (EventType.WITHDRAW, 3),
    ):
        ledger.act(event_type, number)
    ledger.issue_record(make_rejection(4, no="N-4"))
    replaces = {"no": "JY2026-000000", "reason": "TYPO"}
    ledger.issue_record(make_record(0, no="R-0", replaces=replaces))
    for record in (make_calibration(0), make_paper(7), make_calibration(8)):
        ledger.issue_record(record)
    ledger.append(sign_lot(ledger, LotStatus.FAILED))
    ledger.append(ledger.key(version=0, seal="seal"))
    if links:
        ledger.append(sign_same_as(ledger, 1, 2))
        ledger.issue(1, no="N-1")
        ledger.issue_record(make_calibration(1))
        ledger.append(sign_split(ledger, 5))
    ledger.publish()
    return ledger


def refute(ledger, subject, index):
    """Return the refutation of what the newest map says of a subject, by one leaf."""
    size = ledger.publish()
    last = LeafIndex(size - 1)
    return Refutation(
        ledger.origin,
        ledger.checkpoint(size),
        subject,
        LeafIndex(index),
        ledger.leaves[index],
        ledger.leaves[last],
        build_multi_proof(sorted({LeafIndex(index), last}), size, ledger.tree().read),
        build_map_proof(ledger.maps[size], [subject], load_nothing),
    )


def log_of(ledger):
    return NoteVerifier(ledger.origin, ledger.log_signer.public_key)


def test_no_leaf_contradicts_a_true_map():
    ledger = live()
    subjects = [*ledger.states, Subject(bytes(32))]
    for index, raw in enumerate(ledger.leaves[:-1]):
        for subject in subjects:
            found = find_contradiction(LeafIndex(index), parse_leaf(raw), subject, ledger.states.get(subject))
            assert found is None, (index, found)


def test_a_refutation_of_a_true_map_is_not_accepted():
    ledger = live()
    for subject in [*ledger.states][::5]:
        for index in range(0, len(ledger.leaves) - 1, 3):
            with pytest.raises(VerificationError, match="does not contradict the status map"):
                verify_refutation(refute(ledger, subject, index), log_of(ledger))


@cache
def template(links):
    return live(links)


def tell(ledger, subject, stated):
    """Let the log state something else about a subject, and publish it."""
    if stated is None:
        del ledger.states[subject]
    else:
        ledger.states[subject] = stated
    ledger.append(ledger.institution(version=7))


LIES = {
    "nothing has happened": lambda state, size: None,
    "an older state": lambda state, size: replace(
        state, version=max(1, state.version - 1), last_event=LeafIndex(0)
    ),
    "another status": lambda state, size: replace(
        state, status=Status.VALID if state.status is not Status.VALID else Status.CANCELLED
    ),
    "another version": lambda state, size: replace(state, version=state.version + 1),
    "an event that is none": lambda state, size: replace(
        state, version=state.version + 1, last_event=LeafIndex(size - 1)
    ),
    "an event of a register": lambda state, size: replace(state, last_event=LeafIndex(1)),
    "a document that is none": lambda state, size: replace(state, current_certificate=LeafIndex(1)),
}


@pytest.mark.parametrize("links", [False, True], ids=["plain", "with links"])
@pytest.mark.parametrize("lie", LIES)
def test_every_planted_lie_has_a_refutation(lie, links):
    true, refuted = template(links), 0
    for subject, state in true.states.items():
        stated = LIES[lie](state, len(true.leaves))
        if stated == state or ("document" in lie and state.current_certificate is None):
            continue
        if lie in TOLD and not TOLD[lie](_last_leaf(true, subject), subject):
            continue  # what no leaf tells of this subject is found by replaying
        ledger = live(links)
        tell(ledger, subject, stated)
        newest = find_newest(true, subject)
        accepted = [index for index in list_suspects(newest, stated) if is_accepted(ledger, subject, index)]
        assert accepted, (lie, subject.hex()[:16], state, stated)
        refuted += 1
    assert refuted >= LEAST[lie], "the lie was told of subjects enough"


TOLD = {
    "another status": lambda leaf, subject: _list_changes(leaf).get(subject) is not None,
    "another version": lambda leaf, subject: leaf.header.subject == subject,
}
"""Whether the last leaf about a subject tells the truth that the lie is about: a leaf tells the version of its own
subject alone, a supplement no status, and no leaf what follows for an instrument that it does not name."""

LEAST = dict.fromkeys(LIES, 12) | {"another version": 10}


def _last_leaf(ledger, subject):
    return parse_leaf(ledger.leaves[ledger.states[subject].last_event])


def find_newest(ledger, subject):
    """Return the newest leaf that surely changed a subject."""
    named = {LeafIndex(i): parse_leaf(leaf) for i, leaf in enumerate(ledger.leaves)}
    return max((index for index, leaf in named.items() if subject in _list_changes(leaf)), default=None)


def is_accepted(ledger, subject, index):
    try:
        verify_refutation(refute(ledger, subject, index), log_of(ledger))
    except VerificationError:
        return False
    return True


def test_what_it_says():
    ledger = live(links=False)
    subject, act = make_act(1).subject, ledger.states[make_act(1).subject]
    tell(ledger, subject, SubjectState(Status.VALID, 1, LeafIndex(6), LeafIndex(6)))
    size = ledger.publish()
    found = verify_refutation(refute(ledger, subject, act.last_event), log_of(ledger))
    expected = f"does not know that leaf {act.last_event} changed subject {subject.hex()[:16]}"
    assert found == f"the status map under {size} leaves {expected}"


# --- the file ---------------------------------------------------------------------------------------------


def false_map():
    ledger = live(links=False)
    subject = make_act(1).subject
    index = ledger.states[subject].last_event
    tell(ledger, subject, SubjectState(Status.VALID, 1, LeafIndex(6), LeafIndex(6)))
    return ledger, refute(ledger, subject, index)


def test_it_is_read_as_it_was_written():
    ledger, refutation = false_map()
    raw = encode_refutation(refutation)
    assert parse_refutation(raw) == refutation
    assert verify_refutation(parse_refutation(raw), log_of(ledger))
    assert len(raw) < 8_000


@pytest.mark.parametrize(
    "change",
    [
        {"leaf_index": LeafIndex(1)},
        {"leaf_index": LeafIndex(999)},
        {"leaf": b"HZL1"},
        {"maphead": b""},
        {"proof": ()},
        {"map_proof": b"\x04"},
        {"subject": Subject(bytes(32))},
        {"subject": certificate_subject(INSTITUTION, "JY2026-000005")},
        {"checkpoint": ""},
        {"origin": "other.example/1"},
    ],
    ids=str,
)
def test_what_does_not_hold_is_not_accepted(change):
    ledger, refutation = false_map()
    with pytest.raises((InputError, VerificationError)):
        verify_refutation(replace(refutation, **change), log_of(ledger))


def test_it_must_be_of_this_log():
    ledger, refutation = false_map()
    for log in (
        NoteVerifier("other.example/1", ledger.log_signer.public_key),
        NoteVerifier(ledger.origin, make_signer("other").public_key),
    ):
        with pytest.raises((InputError, VerificationError)):
            verify_refutation(refutation, log)


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(raw):
    with pytest.raises(InputError):
        parse_refutation(raw)


RAW = encode_refutation(false_map()[1])


def test_every_flipped_bit_is_found():
    log = log_of(template(links=False))
    for bit in range(len(RAW) * 8):
        changed = bytearray(RAW)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((InputError, VerificationError)):
            verify_refutation(parse_refutation(bytes(changed)), log)


@pytest.mark.parametrize("name", sorted(parse_canonical_json(RAW)))
def test_a_missing_member_is_named(name):
    members = {key: value for key, value in parse_canonical_json(RAW).items() if key != name}
    with pytest.raises(InputError, match=name):
        parse_refutation(encode_canonical_json(members))


# --- documents that verify nothing --------------------------------------------------------------------------


def test_a_map_that_makes_a_calibration_the_newest_verification_is_refuted():
    ledger = live(links=False)
    index = next(
        number for number, leaf in enumerate(ledger.leaves) if is_of(leaf, make_calibration(8)["no"])
    )
    leaf = parse_leaf(ledger.leaves[index])
    subject, version = leaf.header.subject, leaf.header.version
    wrong = f"names leaf {index} as the newest document, which is none"
    state = SubjectState(Status.REGISTERED, version, index, index)
    assert find_contradiction(index, leaf, subject, state) == wrong
    assert find_contradiction(index, leaf, subject, replace(state, last_event=index + 1)) == wrong
    assert find_contradiction(index, leaf, subject, replace(state, current_certificate=None)) is None
    verified = replace(state, status=Status.VALID, current_certificate=None)
    assert "which left REGISTERED" in find_contradiction(index, leaf, subject, verified)


def test_the_certificate_of_a_calibration_is_its_own_newest():
    ledger = live(links=False)
    index = next(
        number for number, leaf in enumerate(ledger.leaves) if is_of(leaf, make_calibration(8)["no"])
    )
    leaf, subject = (
        parse_leaf(ledger.leaves[index]),
        certificate_subject(INSTITUTION, make_calibration(8)["no"]),
    )
    assert find_contradiction(index, leaf, subject, SubjectState(Status.VALID, 1, index, index)) is None
    assert find_contradiction(index, leaf, subject, SubjectState(Status.VALID, 1, index, None)) is not None
    assert find_contradiction(index, leaf, subject, SubjectState(Status.FAILED, 1, index, index)) is not None


def is_of(raw, number):
    return number.encode() in raw
