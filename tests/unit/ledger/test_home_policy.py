import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_in_memory import MemoryLedger

from ledger.core.ids import Digest
from ledger.core.policy import compute_policy_digest, encode_policy
from ledger.home_policy import Published, choose_policy


@pytest.fixture(scope="module")
def ledger():
    return MemoryLedger().found()


@pytest.fixture
def wanted(ledger):
    return ledger.policy()


def publish(policy, version=None, count=1):
    policy = policy if version is None else replace(policy, version=version)
    return Published(policy.version, compute_policy_digest(policy), count)


def test_what_is_published_is_the_digest_of_the_canonical_file(wanted):
    assert compute_policy_digest(wanted) == hashlib.sha256(encode_policy(wanted)).digest()


def test_until_the_first_publication_the_settings_rule_as_version_1(ledger, wanted):
    other = replace(wanted, hosts=("other.example.cn",))
    choice = choose_policy(wanted, ledger.registers, None, served=other)
    assert (choice.served, choice.proposed, choice.notice, choice.is_published) == (wanted, None, None, False)


@pytest.mark.parametrize("version", [1, 2, 9])
def test_the_version_is_that_of_the_newest_publication(ledger, wanted, version):
    published = publish(wanted, version)
    choice = choose_policy(wanted, ledger.registers, published)
    assert choice.served == replace(wanted, version=version)
    assert compute_policy_digest(choice.served) == published.digest
    assert (choice.proposed, choice.notice, choice.is_published) == (None, None, True)


@pytest.mark.parametrize("is_waiting", [False, True])
def test_the_published_file_is_served_until_the_next_is_published(ledger, wanted, is_waiting):
    held = replace(wanted, version=3, max_status_age=timedelta(days=7))
    files = {"waiting": held} if is_waiting else {"served": held}
    choice = choose_policy(wanted, ledger.registers, publish(held), **files)
    assert choice.served == held
    assert choice.proposed == replace(wanted, version=4)
    assert "version 3" in choice.notice.en
    assert "until it publishes version 4" in choice.notice.en
    assert "第4版" in choice.notice.zh
    after = choose_policy(wanted, ledger.registers, publish(wanted, 4), served=held, waiting=choice.proposed)
    assert (after.served, after.notice) == (choice.proposed, None)


def test_a_publication_of_something_else_is_not_served_as_if_it_were_published(ledger, wanted):
    lost = Published(5, Digest(bytes(32)), 1)
    choice = choose_policy(wanted, ledger.registers, lost, served=replace(wanted, version=5))
    assert choice.served == choice.proposed == replace(wanted, version=6)
    assert not choice.is_published
    assert "the policy that the root has published as version 5 is not in this home" in choice.notice.en


@pytest.mark.parametrize("published", [None, Published(2, Digest(bytes(32)), 1)])
def test_a_version_that_was_served_never_falls(ledger, wanted, published):
    choice = choose_policy(wanted, ledger.registers, published, served=replace(wanted, version=8))
    assert choice.served.version == 8


def test_the_digest_alone_is_not_enough_the_version_is_published_with_it(ledger, wanted):
    published = Published(2, compute_policy_digest(wanted), 1)
    assert not choose_policy(wanted, ledger.registers, published, served=wanted).is_published


def test_a_root_that_is_followed_changes_no_published_policy():
    ledger = MemoryLedger().found()
    before = ledger.policy()
    published = publish(before, 1)
    ledger.append(ledger.next_root("root-2"))
    wanted = replace(before, root_version=2, root_digest=ledger.root_digest)
    assert ledger.registers.root.version == 2
    choice = choose_policy(wanted, ledger.registers, published)
    assert (choice.served, choice.proposed) == (before, None)
    changed = replace(wanted, hosts=("other.example.cn",))
    choice = choose_policy(changed, ledger.registers, published, served=before)
    assert choice.proposed == replace(before, version=2, hosts=("other.example.cn",))
    assert choose_policy(wanted, ledger.registers, None).served.root_version == 2
