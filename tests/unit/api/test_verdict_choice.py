"""Which one verdict people read, given what the steps found."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.negotiation import Language
from api.verdicts import Shown, choose_shown
from api.web.words import LOOKS, OUTCOMES, UNTIL, say_date, say_zone
from ledger.core.calendar_rules import ValidityKind
from ledger.core.policy import DEFAULT_REQUIRED, Policy
from ledger.core.signature import Ed25519Signer
from ledger.core.step import Outcome, Sentence, Step, failed, not_checked, passed
from verifier.report import DocumentStatus, build_report, restate

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


def choose(says=DocumentStatus.VALID, newer=None, **outcomes):
    """Return what is shown if every step passed, but those named in `outcomes`.

    Args:
        says: what the evidence shows.
        newer: what the log has said since.
        outcomes: of steps, by their codes.
    """
    made = {"failed": failed, "unknown": not_checked}
    checks = []
    for step in Step:
        outcome = outcomes.get(step.code, "passed")
        if outcome == "warned":
            checks.append(passed(step, "x", "x", warning=True))
        else:
            checks.append(made.get(outcome, passed)(step, "x", "x"))
    report = restate(build_report(checks, says, POLICY, None), newer, Sentence("y", "y"), POLICY)
    return choose_shown(report, POLICY)


@pytest.mark.parametrize("step", [step.code for step in Step])
def test_one_step_that_fails_outweighs_everything(step):
    for says in DocumentStatus:
        for newer in (None, *DocumentStatus):
            assert choose(says, newer, **{step: "failed"}) is Shown.TAMPERED


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
        (Shown.SUPERSEDED, {"newer": DocumentStatus.SUPERSEDED}),
        (Shown.SUPERSEDED, {"newer": DocumentStatus.SUPERSEDED, "receipt": "unknown"}),
        (Shown.EXPIRED, {"says": DocumentStatus.EXPIRED}),
        (Shown.EXPIRED, {"says": DocumentStatus.SERVICE_LIFE_ENDED}),
        (Shown.SUPERSEDED, {"says": DocumentStatus.EXPIRED, "newer": DocumentStatus.SUPERSEDED}),
        (Shown.EXPIRED, {"says": DocumentStatus.EXPIRED, "receipt": "unknown"}),
        (Shown.FAILED_SINCE, {"newer": DocumentStatus.FAILED_SINCE}),
        (Shown.FAILED_SINCE, {"newer": DocumentStatus.FAILED_SINCE, "says": DocumentStatus.EXPIRED}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED, "newer": DocumentStatus.SUPERSEDED}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED, "newer": DocumentStatus.FAILED_SINCE}),
        (Shown.FAILED, {"says": DocumentStatus.FAILED, "receipt": "unknown"}),
        *((Shown(status), {"says": status}) for status in ACTED_ON),
        *((Shown(status), {"newer": status}) for status in ACTED_ON),
        *((Shown(status), {"newer": status, "receipt": "unknown"}) for status in ACTED_ON),
        *((Shown(status), {"says": DocumentStatus.EXPIRED, "newer": status}) for status in ACTED_ON),
        (Shown.CANCELLED, {"says": DocumentStatus.CANCELLED, "newer": DocumentStatus.FAILED_SINCE}),
        (Shown.WITHDRAWN, {"says": DocumentStatus.CANCELLED, "newer": DocumentStatus.WITHDRAWN}),
        (Shown.SUSPENDED, {"says": DocumentStatus.SUSPENDED, "newer": DocumentStatus.SUPERSEDED}),
    ],
)
def test_the_harder_fact_is_shown(shown, arguments):
    assert choose(**arguments) is shown


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
