"""A server that lies to a phone of stickers, and of what the ledger lacks: every lie is caught by what must."""

from functools import cache

import pytest
from browser_lies import pin
from browser_sticker_lies import (
    STICKER_LIES,
    digits_of,
    honest_absence,
    honest_sticker,
    released,
    replaced,
    site,
    trust_of,
)
from lied_to import GREEN, README, ask, open_steps, write_row

from ledger.core.policy import encode_policy

STEPS = {"status", "binding", "checkpoint", "inclusion", "key", "authority", "time", "quorum"}


@cache
def answers():
    return ask(*(lie.tell() for lie in STICKER_LIES))


@pytest.mark.parametrize("place", range(len(STICKER_LIES)), ids=[lie.name for lie in STICKER_LIES])
def test_a_lie_is_caught(place):
    lie, answer = STICKER_LIES[place], answers()[place]
    assert answer["checkedByDevice"], answer["reason"]
    assert answer["verdict"] in {"INVALID", "UNKNOWN", None}
    assert answer["shown"] in {"TAMPERED", "CANNOT_CHECK"}
    if lie.caught_by == "server":
        assert answer["checks"] == []
        assert answer["reason"]["en"]
    else:
        assert lie.caught_by in STEPS & open_steps(answer), answer["checks"]
    if answer["shown"] == "TAMPERED":
        assert answer["remember"] == lie.tell()["remembered"]


def test_there_are_enough_lies_and_each_has_a_name_of_its_own():
    assert len(STICKER_LIES) >= 45
    assert len({lie.name for lie in STICKER_LIES}) == len(STICKER_LIES)


def test_the_page_has_the_table_of_lies():
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert [row for lie in STICKER_LIES if (row := write_row(lie)) not in rows] == []


# --- the truth --------------------------------------------------------------------------------------------


def test_what_is_true_of_a_sticker_is_valid_and_remembered():
    answer = ask(honest_sticker())[0]
    assert (answer["shown"], answer["verdict"], answer["reason"]) == ("VALID", "VALID", None)
    assert answer["remember"] == site().remembered(site().newest)
    assert not STEPS & open_steps(answer)


def test_a_device_that_has_seen_nothing_pins_by_the_document_of_a_sticker():
    answer = ask(honest_sticker() | {"remembered": None})[0]
    assert answer["remember"]["policy"] == pin(site().policy)


@pytest.mark.parametrize(
    ("own", "shown"),
    [(released, "STICKER_RELEASED"), (replaced, "STICKER_REPLACED")],
    ids=["released", "replaced"],
)
def test_what_is_true_of_a_sticker_that_stands_nowhere(own, shown):
    answer = ask(own().ask(expected=honest_sticker()["expected"], proofText=own().prove()))[0]
    assert (answer["shown"], answer["verdict"]) == (shown, "INVALID")
    assert answer["remember"] == own().remembered(own().newest)


def test_a_proof_without_a_document_does_not_pin_a_policy():
    own = released()
    given = own.ask(expected=honest_sticker()["expected"], proofText=own.prove(), remembered=None)
    assert ask(given)[0]["remember"] is None


def test_what_is_true_of_an_absence():
    own = site()
    answer = ask(honest_absence())[0]
    assert (answer["shown"], answer["verdict"]) == ("NEVER_GIVEN_OUT", "INVALID")
    signed = honest_absence() | {"expected": digits_of(own, 999, "seal")}
    answer = ask(signed | {"trustText": trust_of(own)})[0]
    assert (answer["shown"], answer["verdict"]) == ("NOT_LOGGED", "UNKNOWN")


def test_a_state_that_waits_for_its_witnesses_says_so():
    """Nothing limits the age of a state here: what is shown is not green, and the words say what is missing."""
    gone = released()
    gone_policy = gone.ledger.policy(witnesses=gone.policy.witnesses, required=gone.policy.required)
    given = gone.ask(expected=honest_sticker()["expected"], remembered=None)
    given |= {"proofText": gone.prove(checkpoint=gone.ledger.checkpoint(gone.newest))}
    given |= {"policyText": encode_policy(gone_policy).decode()}
    answer = ask(given)[0]
    assert answer["shown"] == "STICKER_RELEASED"
    assert "not yet witnessed" in answer["reason"]["en"]
    assert GREEN.isdisjoint({answer["shown"]})
