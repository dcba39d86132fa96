"""Who may enter a site and who may promise, and what follows for the states."""

from dataclasses import replace

import pytest
from ledger_in_memory import AUTHORITY, INSTITUTION
from registered import INSTITUTE
from sites import BARE_SITE, MARKET, OWNER, PLEDGE, RIVAL, WITHDRAWN, SiteLedger

from ledger.core.authority import Trade
from ledger.core.event import instrument_subject
from ledger.core.fold_sites import find_region
from ledger.core.pledge import PledgeState
from ledger.core.register_fields import RegisterState
from ledger.core.replay import Replay
from ledger.core.site import SiteName
from ledger.core.status import Effect, Status, Void

CHANGED = replace(PLEDGE, state=PledgeState.CHANGED)


@pytest.fixture
def ledger():
    return SiteLedger()


def assert_void(ledger, raw, reason):
    outcome = ledger.say(raw)
    assert isinstance(outcome, Void)
    assert reason in outcome.reason


def state_of(outcome):
    assert isinstance(outcome, Effect), outcome
    return outcome.state.status, outcome.state.version


# --- sites ------------------------------------------------------------------------------------------------


def test_an_owner_enters_its_site_and_changes_it(ledger):
    first = ledger.say(ledger.enter_site())
    assert state_of(first) == (Status.ACTIVE, 1)
    assert set(first.changes) == {MARKET.subject}, "no instrument's state changes"
    closed = replace(MARKET, state=RegisterState.WITHDRAWN)
    assert state_of(ledger.say(ledger.enter_site(closed))) == (Status.INACTIVE, 2)
    assert state_of(ledger.say(ledger.enter_site())) == (Status.ACTIVE, 3)


def test_an_institution_enters_a_site_with_or_without_an_owner(ledger):
    for owner in (None, OWNER):
        content = replace(BARE_SITE, owner=owner, division="350102")
        assert isinstance(ledger.say(ledger.enter_site(content, by="seal")), Effect)


def test_two_keepers_may_use_one_id(ledger):
    ledger.append(ledger.enter_site())
    theirs = replace(BARE_SITE, site=SiteName(INSTITUTION, "M-01"))
    assert state_of(ledger.say(ledger.enter_site(theirs, by="seal"))) == (Status.ACTIVE, 1)


def test_a_site_lies_within_the_keepers_division(ledger):
    assert_void(ledger, ledger.enter_site(replace(MARKET, division="350103")), "outside that of 350102-M7")
    assert_void(ledger, ledger.enter_site(replace(MARKET, division="3501")), "outside that of 350102-M7")
    elsewhere = replace(BARE_SITE, division="3502")
    assert_void(ledger, ledger.enter_site(elsewhere, by="seal"), f"outside that of {INSTITUTION}")


@pytest.mark.parametrize(
    ("division", "region"),
    [
        ("350100", "3501"),
        ("350000", "35"),
        ("350102", "350102"),
        ("3501", "3501"),
        ("", ""),
        ("3500", "35"),
        ("350102100", "350102100"),
    ],
)
def test_a_code_that_ends_in_zeros_is_of_the_whole(division, region):
    assert find_region(division) == region


def test_an_institution_of_a_city_enters_sites_in_its_districts(ledger):
    ledger.append(ledger.institution(version=1, division="350100"))
    assert isinstance(ledger.say(ledger.enter_site(replace(BARE_SITE, division="350102"), by="seal")), Effect)
    elsewhere = replace(BARE_SITE, site=SiteName(INSTITUTION, "S2"), division="350202")
    assert_void(ledger, ledger.enter_site(elsewhere, by="seal"), "outside that of")


def test_a_keeper_speaks_of_its_own_entries(ledger):
    raw = ledger.enter_site(issuer=RIVAL, by="rival")
    assert_void(ledger, raw, f"site M-01 is of {OWNER}, not of {RIVAL}")
    assert_void(ledger, ledger.enter_site(by="rival"), "the key is not registered for")


@pytest.mark.parametrize("owner", [None, RIVAL])
def test_what_an_owner_keeps_is_its_own(ledger, owner):
    assert_void(ledger, ledger.enter_site(replace(MARKET, owner=owner)), "is of 350102-M7")


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ("350102-M9", "is not registered or not active"),
        (INSTITUTE, "is registered for verification, not owner"),
        (RIVAL, "division 3501 is outside that of 350102-M8"),
    ],
)
def test_an_institution_names_an_owner_who_is_one(ledger, owner, reason):
    assert_void(ledger, ledger.enter_site(replace(BARE_SITE, owner=owner), by="seal"), reason)


def test_an_owner_who_is_suspended_says_and_is_said_to_have_nothing(ledger):
    ledger.append(ledger.own(version=1, state=RegisterState.SUSPENDED))
    assert_void(ledger, ledger.enter_site(), "is not registered or not active")
    assert_void(ledger, ledger.promise(), "is not registered or not active")
    theirs = replace(BARE_SITE, owner=OWNER, division="350102")
    assert_void(ledger, ledger.enter_site(theirs, by="seal"), "is not registered or not active")


def test_repairers_and_authorities_keep_no_sites(ledger):
    ledger.append(ledger.own(version=1, trade=Trade.REPAIR))
    assert_void(ledger, ledger.enter_site(), "keeps no sites")
    by_authority = replace(BARE_SITE, site=SiteName(AUTHORITY, "S1"))
    assert_void(ledger, ledger.enter_site(by_authority, by="authority"), "is not registered or not active")


def test_an_entry_knows_the_one_before(ledger):
    ledger.append(ledger.enter_site())
    assert_void(ledger, ledger.enter_site(version=0), "expects version 0")


# --- pledges ----------------------------------------------------------------------------------------------


def test_a_pledge_is_made_changed_withdrawn_and_made_again(ledger):
    ledger.append(ledger.enter_site())
    states = [state_of(ledger.say(ledger.promise(each))) for each in (PLEDGE, CHANGED, WITHDRAWN, PLEDGE)]
    assert states == [(Status.ACTIVE, 1), (Status.ACTIVE, 2), (Status.INACTIVE, 3), (Status.ACTIVE, 4)]
    assert ledger.states[MARKET.subject].version == 1, "the site's entry stays what it was"


def test_each_step_follows_from_the_one_before(ledger):
    ledger.append(ledger.enter_site())
    for early in (CHANGED, WITHDRAWN):
        assert_void(ledger, ledger.promise(early), "no such pledge stands")
    ledger.append(ledger.promise())
    assert_void(ledger, ledger.promise(), "the pledge stands already")
    assert_void(ledger, ledger.promise(CHANGED, version=0), "expects version 0")
    ledger.append(ledger.promise(WITHDRAWN))
    assert_void(ledger, ledger.promise(WITHDRAWN), "no such pledge stands")


def test_a_pledge_of_all_sites_needs_none_and_is_another(ledger):
    whole = replace(PLEDGE, site=None)
    assert state_of(ledger.say(ledger.promise(whole))) == (Status.ACTIVE, 1)
    ledger.append(ledger.enter_site())
    assert state_of(ledger.say(ledger.promise())) == (Status.ACTIVE, 1)


def test_only_an_owner_promises_and_for_itself(ledger):
    ledger.append(ledger.enter_site())
    assert_void(ledger, ledger.promise(issuer=RIVAL, by="rival"), f"the pledge is of {OWNER}, not of {RIVAL}")
    theirs = replace(PLEDGE, owner=INSTITUTION)
    assert_void(ledger, ledger.promise(theirs, by="seal"), "is registered for verification, not owner")
    assert_void(ledger, ledger.promise(issuer=OWNER, by="rival"), "the key is not registered for")


def test_the_site_of_a_pledge_is_there_and_not_anothers(ledger):
    assert_void(ledger, ledger.promise(), "site M-01 of 350102-M7 is not in use")
    ledger.append(ledger.enter_site())
    theirs = replace(PLEDGE, owner=RIVAL)
    assert_void(ledger, ledger.promise(theirs, by="rival"), "site M-01 is of 350102-M7, not of 350102-M8")


def test_a_pledge_of_a_site_that_was_closed_can_only_be_withdrawn(ledger):
    ledger.append(ledger.enter_site())
    ledger.append(ledger.promise())
    ledger.append(ledger.enter_site(replace(MARKET, state=RegisterState.WITHDRAWN)))
    assert_void(ledger, ledger.promise(CHANGED), "is not in use")
    assert state_of(ledger.say(ledger.promise(WITHDRAWN))) == (Status.INACTIVE, 2)


def test_an_owner_promises_of_a_site_that_an_institution_keeps(ledger):
    entry = replace(BARE_SITE, owner=OWNER, division="350102")
    ledger.append(ledger.enter_site(entry, by="seal"))
    assert isinstance(ledger.say(ledger.promise(replace(PLEDGE, site=entry.site))), Effect)


def test_whoever_replays_the_log_comes_to_the_same(ledger):
    ledger.issue(0)
    ledger.append(ledger.enter_site())
    ledger.append(ledger.enter_site(replace(MARKET, division="350103")))
    for each in (PLEDGE, CHANGED, WITHDRAWN):
        ledger.append(ledger.promise(each))
    ledger.publish()
    replay = Replay()
    for leaf in ledger.leaves:
        replay.take(leaf)
    assert replay.states == ledger.states
    assert instrument_subject(MARKET.instruments[0]) not in ledger.states
