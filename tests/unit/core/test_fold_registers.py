"""Roots that follow each other, policies that the root publishes, keys that somebody else may have."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_in_memory import INSTITUTION, START, MemoryLedger, make_signer

from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.register_fields import RegisterState
from ledger.core.status import Effect, RegisteredKey, Registers, Status, Void


def take(ledger, raw):
    outcome = ledger.outcomes[ledger.append(raw)]
    assert isinstance(outcome, Effect), outcome
    return outcome


def refuse(ledger, raw, why):
    outcome = ledger.outcomes[ledger.append(raw)]
    assert isinstance(outcome, Void), outcome
    assert why in outcome.reason, outcome.reason


# --- roots ------------------------------------------------------------------------------------------------


def test_a_root_is_followed_by_the_word_of_both():
    ledger = MemoryLedger().found()
    first = ledger.registers.root
    take(ledger, ledger.next_root("root-2", "root-3", threshold=2))
    assert ledger.registers.root.version == 2
    assert len(ledger.registers.roots) == 2
    old, new = first.keys[0].key_id, make_signer("root-2").public_key.key_id
    assert ledger.registers.keys[old].until == ledger.registers.keys[new].since == len(ledger.leaves) - 1
    assert isinstance(take(ledger, ledger.authority(key="CN-36", id="CN-36", division="36")), Effect)
    take(ledger, ledger.next_root("root-2", "root-4"))
    assert ledger.registers.keys[new].until is None, "kept"
    assert len(ledger.registers.roots) == len(set(ledger.registers.roots)) == 3


def test_the_root_before_rules_no_more():
    ledger = MemoryLedger().found()
    before = list(ledger.roots)
    take(ledger, ledger.next_root("root-2"))
    raw = ledger.authority(key="CN-36", id="CN-36", endorsers=(*before, make_signer("CN-36")), by=before[0])
    refuse(ledger, raw, "the key is not active at this index")
    raw = ledger.authority(key="CN-36", id="CN-36", endorsers=(*before, make_signer("CN-36")))
    refuse(ledger, raw, "endorsed by 0 root keys")


def test_a_key_that_the_root_has_given_up_does_not_come_back():
    ledger = MemoryLedger().found()
    take(ledger, ledger.next_root("root-2"))
    refuse(ledger, ledger.next_root("root"), "a key of the root is somebody else's, or has ended")
    ledger = MemoryLedger().found()
    refuse(ledger, ledger.next_root("seal"), "a key of the root is somebody else's, or has ended")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 3}, "version 3 of the root does not follow version 1"),
        ({"version": 1, "previous": None}, "version 1 of the root does not follow version 1"),
        ({"previous": bytes(32)}, "the root names another version before it"),
        ({"log_key": make_signer("other").public_key}, "log key and predecessor of a log do not change"),
        ({"predecessor": "old.example/1"}, "log key and predecessor of a log do not change"),
        ({"origin": "ledger.example/other"}, "origin, log key and predecessor of a log do not change"),
    ],
)
def test_what_a_later_root_must_not_change(change, why):
    ledger = MemoryLedger().found()
    roots = list(ledger.roots)
    ledger.next_root("root-2")
    ledger.root_content = replace(ledger.root_content, **change)
    refuse(ledger, ledger.root(endorsers=(*roots, *ledger.roots), version=1), why)


@pytest.mark.parametrize("lacking", ["old", "new"])
def test_both_roots_must_agree(lacking):
    ledger = MemoryLedger().found()
    old = list(ledger.roots)
    ledger.next_root("root-2")
    endorsers = old if lacking == "new" else ledger.roots
    refuse(ledger, ledger.root(endorsers=tuple(endorsers), version=1), "endorsed by 0 root keys")


def test_a_later_root_is_signed_by_one_of_its_own_keys():
    ledger = MemoryLedger().found()
    old = list(ledger.roots)
    ledger.next_root("root-2")
    raw = ledger.root(endorsers=(*old, *ledger.roots), by=old[0], version=1)
    refuse(ledger, raw, "ROOT is not signed by one of its own keys")


# --- policies ---------------------------------------------------------------------------------------------


def test_the_root_publishes_policies_one_after_the_other():
    ledger = MemoryLedger().found()
    take(ledger, ledger.publish_policy(1))
    take(ledger, ledger.publish_policy(7, version=1))
    assert ledger.registers.policy_version == 7
    refuse(ledger, ledger.publish_policy(7, version=2), "policy version 7 is not newer than 7")
    refuse(ledger, ledger.publish_policy(8, version=1), "expects version 1")
    refuse(ledger, ledger.publish_policy(8, version=2, endorsers=()), "endorsed by 0 root keys")
    refuse(
        ledger, ledger.publish_policy(8, version=2, by=make_signer("authority")), "the key is not registered"
    )


# --- keys that are compromised ----------------------------------------------------------------------------


def test_a_compromised_key_ends_and_is_marked():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    since = START - timedelta(hours=1)
    outcome = take(ledger, ledger.compromise(since))
    known = ledger.registers.keys[make_signer("seal").public_key.key_id]
    index = LeafIndex(len(ledger.leaves) - 1)
    assert (known.until, known.compromised_from, known.since) == (index, since, 3)
    assert outcome.state.status is Status.INACTIVE
    assert isinstance(ledger.outcomes[ledger.issue(2)], Void)
    refuse(ledger, ledger.compromise(since, version=2), "the key is known to be compromised from")
    take(ledger, ledger.compromise(since - timedelta(days=1), version=2))
    again = ledger.registers.keys[known.key.key_id]
    assert (again.until, again.compromised_from) == (index, since - timedelta(days=1)), "found out more"


def test_a_key_that_has_ended_may_turn_out_to_have_been_compromised():
    ledger = MemoryLedger().found()
    take(ledger, ledger.key(version=1, state=RegisterState.WITHDRAWN))
    ended = len(ledger.leaves) - 1
    take(ledger, ledger.compromise(START - timedelta(days=2), version=2))
    assert ledger.registers.keys[make_signer("seal").public_key.key_id].until == ended


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"since": START + timedelta(days=1)}, "the compromise lies in the future"),
        ({"seal": "stranger", "version": 0}, "the key is not registered for 350100-01"),
        (
            {"institution": InstitutionId("350100-02"), "version": 1},
            "institution 350100-02 is not registered",
        ),
        ({"issuer": "CN-36", "by": "CN-36"}, "division 3501 is outside that of authority CN-36"),
        ({"issuer": INSTITUTION, "by": "seal"}, "authority 350100-01 is not registered"),
        ({"version": 0}, "expects version 0"),
    ],
)
def test_who_may_say_so(options, why):
    ledger = MemoryLedger().found()
    take(ledger, ledger.authority(key="CN-36", id="CN-36", division="36"))
    refuse(ledger, ledger.compromise(**({"since": START - timedelta(days=1)} | options)), why)


def test_a_copy_of_the_registers_is_one_of_its_own():
    ledger = MemoryLedger().found()
    take(ledger, ledger.publish_policy(1))
    copied = ledger.registers.copy()
    assert copied == ledger.registers
    assert {name for name in Registers.__dataclass_fields__ if getattr(copied, name)} >= {
        *("root", "roots", "authorities", "institutions", "scopes", "keys", "policy_version")
    }
    key = make_signer("new").public_key
    copied.keys[key.key_id] = RegisteredKey(key, "X", LeafIndex(0))
    copied.twins[bytes(32)] = frozenset()
    assert key.key_id not in ledger.registers.keys
    assert not ledger.registers.twins
