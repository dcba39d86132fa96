"""Which one verdict people read, given what the steps found."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from witnesses import make_quorum

from api.choosing import choose_shown
from api.negotiation import Language
from api.shown import Shown
from api.web.words import LOOKS, OUTCOMES, UNTIL, say_date, say_zone
from ledger.core.calendar_rules import ValidityKind
from ledger.core.policy import DEFAULT_REQUIRED, Policy
from ledger.core.signature import Ed25519Signer
from ledger.core.step import Outcome, Step, Verdict, failed, not_checked, passed
from verifier.newest import bring_up_to_date
from verifier.report import DocumentStatus, build_report

POLICY = Policy(
    version=1,
    origin="ledger.example/test",
    log_key=Ed25519Signer(bytes(32)).public_key,
    root_version=1,
    root_digest=bytes(32),
    contract=None,
    hosts=("v.example.cn",),
    required=frozenset(DEFAULT_REQUIRED),
    lag_warning=timedelta(days=30),
    clock_tolerance=timedelta(minutes=5),
    max_status_age=None,
    zone=ZoneInfo("Asia/Shanghai"),
    development=False,
)
ACTED_ON = (
    DocumentStatus.WITHDRAWN,
    DocumentStatus.CANCELLED,
    DocumentStatus.SUSPENDED,
    DocumentStatus.NEEDS_REVERIFICATION,
)


def choose(says=DocumentStatus.VALID, **outcomes):
    """Return what is shown if every step passed, but those named in `outcomes`."""
    made = {"failed": failed, "unknown": not_checked}
    checks = []
    for step in Step:
        outcome = outcomes.get(step.code, "passed")
        if outcome == "warned":
            checks.append(passed(step, "x", "x", warning=True))
        else:
            checks.append(made.get(outcome, passed)(step, "x", "x"))
    return choose_shown(build_report(checks, says, POLICY, None), POLICY)


@pytest.mark.parametrize("step", [step.code for step in Step])
def test_one_step_that_fails_outweighs_everything(step):
    for says in DocumentStatus:
        assert choose(says, **{step: "failed"}) is Shown.TAMPERED


@pytest.mark.parametrize("step", [step.code for step in DEFAULT_REQUIRED if step is not Step.RECEIPT])
def test_a_required_step_that_nobody_could_take_is_never_green(step):
    assert choose(**{step: "unknown"}) is Shown.CANNOT_CHECK
    assert choose(**{step: "unknown", "receipt": "unknown"}) is Shown.CANNOT_CHECK


@pytest.mark.parametrize("step", [step.code for step in Step if step not in DEFAULT_REQUIRED])
def test_a_step_that_is_not_required_may_stay_open(step):
    assert choose(**{step: "unknown"}) is Shown.VALID


@pytest.mark.parametrize(
    ("shown", "arguments"),
    [
        (Shown.VALID, {}),
        (Shown.PENDING, {"receipt": "unknown"}),
        (Shown.PENDING, {"receipt": "unknown", "time": "warned"}),
        (Shown.ATTENTION, {"time": "warned"}),
        (Shown.SUPERSEDED, {"says": DocumentStatus.SUPERSEDED}),
        (Shown.SUPERSEDED, {"says": DocumentStatus.SUPERSEDED, "receipt": "unknown"}),
        (Shown.SUPERSEDED, {"says": DocumentStatus.SUPERSEDED, "limits": "unknown", "time": "warned"}),
        (Shown.EXPIRED, {"says": DocumentStatus.EXPIRED}),
        (Shown.EXPIRED, {"says": DocumentStatus.SERVICE_LIFE_ENDED}),
        (Shown.EXPIRED, {"says": DocumentStatus.EXPIRED, "receipt": "unknown"}),
        (Shown.FAILED_SINCE, {"says": DocumentStatus.FAILED_SINCE}),
        (Shown.FAILED_SINCE, {"says": DocumentStatus.FAILED_SINCE, "receipt": "unknown"}),
        *((Shown(status), {"says": status}) for status in ACTED_ON),
        *((Shown(status), {"says": status, "receipt": "unknown"}) for status in ACTED_ON),
        (Shown.CALIBRATED, {"says": DocumentStatus.CALIBRATED}),
        (Shown.CALIBRATED, {"says": DocumentStatus.CALIBRATED, "receipt": "unknown", "time": "warned"}),
        (Shown.CANNOT_CHECK, {"says": DocumentStatus.CALIBRATED, "integrity": "unknown"}),
        (Shown.PAPER, {"says": DocumentStatus.PAPER}),
        (Shown.PAPER, {"says": DocumentStatus.PAPER, "receipt": "unknown"}),
        (Shown.CANNOT_CHECK, {"says": DocumentStatus.PAPER, "integrity": "unknown"}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED, "receipt": "unknown"}),
    ],
)
def test_the_harder_fact_is_shown(shown, arguments):
    assert choose(**arguments) is shown


def report(says=DocumentStatus.VALID, **outcomes):
    made = {"failed": failed, "unknown": not_checked}
    checks = [made.get(outcomes.get(step.code), passed)(step, "x", "x") for step in Step]
    return build_report(checks, says, POLICY, None)


@pytest.mark.parametrize("says", DocumentStatus)
def test_the_newest_status_counts_and_the_anchored_steps_stay(says):
    found = bring_up_to_date(report(), report(says, receipt="unknown"), POLICY)
    assert (found.status, found.checks) == (says, report().checks)


def test_a_newest_status_that_nobody_could_check_leaves_that_step_open():
    found = bring_up_to_date(report(), report(status="unknown"), POLICY)
    assert {check.step for check in found.checks if check.outcome is Outcome.NOT_CHECKED} == {Step.STATUS}


def test_a_newest_state_that_lacks_only_its_witnesses_keeps_the_age_of_the_anchored_one():
    unwitnessed = {"status": "unknown", "quorum": "unknown"}
    found = bring_up_to_date(report(), report(**unwitnessed), POLICY)
    assert found.checks == report().checks
    found = bring_up_to_date(report(quorum="unknown"), report(**unwitnessed), POLICY)
    assert Step.STATUS in {check.step for check in found.checks if check.outcome is Outcome.NOT_CHECKED}


def test_a_newest_state_that_lacks_its_witnesses_and_says_something_else_counts():
    newest = report(DocumentStatus.WITHDRAWN, status="unknown", quorum="unknown")
    found = bring_up_to_date(report(), newest, POLICY)
    assert found.status is DocumentStatus.WITHDRAWN
    assert Step.STATUS in {check.step for check in found.checks if check.outcome is Outcome.NOT_CHECKED}


def test_who_limits_the_age_of_a_status_requires_one_here_too():
    aged = replace(POLICY, required=POLICY.required - {Step.STATUS}, max_status_age=timedelta(hours=2))
    found = bring_up_to_date(report(), report(status="unknown"), aged)
    assert (found.verdict, choose_shown(found, aged)) == (Verdict.UNKNOWN, Shown.CANNOT_CHECK)
    found = bring_up_to_date(report(), report(status="unknown"), replace(aged, max_status_age=None))
    assert (found.verdict, choose_shown(found, replace(aged, max_status_age=None))) == (
        Verdict.VALID,
        Shown.VALID,
    )


def test_what_is_not_witnessed_yet_is_pending():
    required = replace(POLICY, required=POLICY.required | {Step.QUORUM})
    policy = replace(required, witnesses=make_quorum("w1", "w2", "w3", threshold=2))
    for missing in ({"quorum": "unknown"}, {"quorum": "unknown", "receipt": "unknown"}):
        assert choose_shown(report(**missing), policy) is Shown.PENDING
        assert choose_shown(report(**missing), required) is Shown.CANNOT_CHECK, "there is nobody to wait for"


@pytest.mark.parametrize("step", [step.code for step in Step])
@pytest.mark.parametrize("at", ["then", "now"])
def test_what_fails_under_either_checkpoint_is_tampered(step, at):
    broken = report(**{step: "failed"})
    found = bring_up_to_date(*((broken, report()) if at == "then" else (report(), broken)), POLICY)
    if step == Step.STATUS.code and at == "then":
        assert found.verdict is Verdict.VALID
    else:
        assert (choose_shown(found, POLICY), found.verdict) == (Shown.TAMPERED, Verdict.INVALID)


def test_every_verdict_has_a_look_of_its_own():
    assert set(LOOKS) == set(Shown)
    looks = {(look.style, look.icon) for look in LOOKS.values()}
    assert (
        len({look.icon for look in LOOKS.values()})
        == len({look.style for look in LOOKS.values()})
        == len(looks)
    )


def test_every_outcome_and_kind_of_validity_has_a_word():
    assert set(OUTCOMES) == set(Outcome)
    assert set(UNTIL) == set(ValidityKind)


@pytest.mark.parametrize("shown", Shown)
def test_every_sentence_is_there_in_both_languages(shown):
    for sentence in (LOOKS[shown].headline, LOOKS[shown].sentence):
        assert sentence.en.isascii() or "–" in sentence.en
        assert any("\u4e00" <= character <= "\u9fff" for character in sentence.zh)


def test_dates_are_written_in_full():
    day = date(2027, 5, 1)
    assert say_date(day, Language.ZH) == "2027年05月01日"
    assert say_date(day, Language.EN) == "1 May 2027"
    assert say_date(date(1, 1, 1), Language.EN) == "1 January 1"


def test_zones_have_the_names_that_people_use():
    assert say_zone(ZoneInfo("Asia/Shanghai"), Language.ZH) == "北京时间"
    assert say_zone(ZoneInfo("Asia/Shanghai"), Language.EN) == "Beijing time"
    assert say_zone(ZoneInfo("Europe/Paris"), Language.EN) == "Europe/Paris"
