"""What the rules forbid, forced into a log all the same; what cannot be looked at; and a chain that is another."""

import json
import secrets
import shutil

import pytest
from line import (
    AUTHORISATION_NO,
    DAY,
    FOUNDED,
    INSTITUTION,
    Line,
    failed_meter,
    meter,
    write_meters,
    write_rows,
)
from servers import dev_chain

from issuer.defaults import DraftContext
from issuer.drafting import parse_draft
from issuer.signing import Seal, prepare_document, seal_document, sign_issue
from ledger.core.canonical import encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.ids import CertificateNumber, InstitutionId, LeafIndex
from ledger.core.record import Issuer
from ledger.core.statement import parse_signed_statement
from ledger.core.step import Step
from ledger.home import find_passphrase
from ledger.local import open_ledger, read_clock
from ledger.receipts import Receipts
from ledger.submission import Submission


@pytest.fixture
def founded(tmp_path):
    """A line whose institution may verify price scales and water meters, and the URL of its running chain."""
    line = Line(tmp_path, scope={"categories": ["PRICE_SCALE", "WATER_METER_SMALL"]})
    with line.chain() as url:
        line.found()
        yield line, url


# --- out of scope -------------------------------------------------------------------------------------------

OUTSIDE = {
    "instrument.category": {"category": "WATER_METER_MID"},
    "instrument.site.division": {"site": {"division": "360100"}},
}


def outside(field):
    value = meter(1)
    value["instrument"] |= OUTSIDE[field]
    return value


@pytest.mark.parametrize("field", OUTSIDE)
def test_the_desk_refuses_what_its_scope_does_not_cover(founded, field):
    line, _ = founded
    write_rows(line.out / "outside.jsonl", [outside(field)])
    refused = line.issue(line.out / "outside.jsonl", code=2)
    assert [(fault["code"], fault["field"]) for fault in refused["faults"]] == [("SCOPE", field)]
    assert line.desk() == []


def seal_without_asking(home, value):
    """Return statement and certificate from a desk that has no gate."""
    signer = home.keystore.open_signer("seal", find_passphrase(home))
    draft = parse_draft(value, DraftContext(INSTITUTION, load_rule_book(), home.zone, DAY))
    issuer = Issuer(INSTITUTION, "福州市计量所", AUTHORISATION_NO, "S1")
    seal = Seal(signer, home.origin, INSTITUTION, read_clock())
    number = CertificateNumber("FORCED-1")
    sealed = seal_document(prepare_document(draft, issuer), number, seal, secrets.token_bytes)
    return sign_issue(sealed.claims, 0, seal), sealed.certificate


@pytest.mark.parametrize("field", OUTSIDE)
def test_what_was_forced_into_the_log_out_of_scope_is_invalid(founded, field):
    line, url = founded
    raw, body = seal_without_asking(line.opened, outside(field))
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        [refused] = ledger.submit([(raw, body)])
        assert [reason.code for reason in refused.error.reasons] == ["SCOPE"]
        [forced] = ledger.log.append([Submission(parse_signed_statement(raw), body)])
    assert line.run("anchor")["tree_size"] == FOUNDED + 2
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        receipt = Receipts(ledger.store).find(forced.leaf_index)
        [bundle] = ledger.prover.bundles([forced.leaf_index], ledger.prover.newest_checkpoint(), receipt)
    (line.out / "forced.json").write_bytes(bundle)
    for options in ([], ["--chain", url]):
        report = line.verify(line.out / "forced.json", *options, code=1)
        assert (report["verdict"], report["authentic"], "document" in report) == ("INVALID", False, False)
        failed = [check["name"] for check in report["checks"] if check["outcome"] == "FAILED"]
        assert failed == ["scope"]


# --- what cannot be looked at -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["quorum", "persons", "chain"])
def test_a_required_step_that_cannot_be_looked_at(founded, tmp_path, step):
    line, url = founded
    line.issue(write_meters(tmp_path / "meters.jsonl", 1))
    policy = json.loads(line.policy.read_bytes())
    policy["required"] = sorted({*policy["required"], step})
    (tmp_path / "strict.json").write_bytes(encode_canonical_json(policy))
    shutil.copy(line.home / "trust.json", tmp_path)
    bundle, strict = line.folders()[0] / "bundle.json", ("--policy", tmp_path / "strict.json")
    report = line.verify(bundle, *strict, code=3)
    assert (report["verdict"], report["authentic"]) == ("UNKNOWN", True)
    silent = line.verify(bundle, *strict, "--chain", "http://127.0.0.1:9", code=3)
    assert silent["verdict"] == "UNKNOWN"
    looked = line.verify(bundle, *strict, "--chain", url)
    assert looked["verdict"] == ("VALID" if step == "chain" else "UNKNOWN")
    assert line.verify(bundle, code=0)["verdict"] == "VALID"


def test_a_status_that_is_older_than_the_policy_allows_is_not_green(founded, tmp_path):
    line, _ = founded
    line.issue(write_meters(tmp_path / "meters.jsonl", 1))
    policy = json.loads(line.policy.read_bytes()) | {"max_status_age_seconds": 86_400}
    policy["required"] = sorted({*policy["required"], "status"})
    (tmp_path / "strict.json").write_bytes(encode_canonical_json(policy))
    shutil.copy(line.home / "trust.json", tmp_path)
    bundle, strict = line.folders()[0] / "bundle.json", ("--policy", tmp_path / "strict.json")
    assert line.verify(bundle, *strict, code=0)["verdict"] == "VALID"
    later = line.verify(bundle)["document"]["valid_until"]
    stale = line.verify(bundle, *strict, "--at", later, code=3)
    assert (stale["verdict"], stale["authentic"], stale["status"]) == ("UNKNOWN", True, "VALID")
    (check,) = [check for check in stale["checks"] if check["step"] == Step.STATUS.number]
    assert "older than the policy allows" in check["reason"]


def test_what_came_later_is_told_by_a_bundle_that_was_made_later(founded, tmp_path):
    """One meter, verified three times: replaced, then failed; the first bundle still tells how it stood."""
    line, _ = founded
    first = meter(1, request_id="first")
    line.issue(write_rows(tmp_path / "first.jsonl", [first]))
    bundle = line.folders()[0] / "bundle.json"
    then = tmp_path / "then.json"
    shutil.copy(bundle, then)
    assert line.verify(then, code=0)["status"] == "VALID"
    for request, row, expected in (
        ("second", meter(1, request_id="second", kind="periodic"), ("ATTENTION", "SUPERSEDED")),
        ("third", failed_meter(1) | {"request_id": "third", "kind": "periodic"}, ("INVALID", "FAILED_SINCE")),
    ):
        line.issue(write_rows(tmp_path / f"{request}.jsonl", [row]))
        with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
            newest = ledger.prover.newest_checkpoint()
            receipt = Receipts(ledger.store).find(LeafIndex(newest.tree_size - 2))
            issue = ledger.prover.find_issue(InstitutionId(INSTITUTION), CertificateNumber(line.desk()[0][1]))
            [raw] = ledger.prover.bundles([issue.leaf_index], newest, receipt)
        (tmp_path / "now.json").write_bytes(raw)
        now = line.verify(tmp_path / "now.json", code=1)
        assert (now["verdict"], now["status"], now["authentic"]) == (*expected, True)
        assert line.verify(then, code=0)["status"] == "VALID"


def test_a_day_on_which_it_has_expired_or_was_not_yet_made(founded, tmp_path):
    line, _ = founded
    line.issue(write_meters(tmp_path / "meters.jsonl", 1))
    bundle = line.folders()[0] / "bundle.json"
    last = line.verify(bundle)["document"]["valid_until"]
    assert line.verify(bundle, "--at", last, code=0)["verdict"] == "VALID"
    expired = line.verify(bundle, "--at", f"{int(last[:4]) + 1}{last[4:]}", code=1)
    assert (expired["verdict"], expired["status"]) == ("ATTENTION", "SERVICE_LIFE_ENDED")
    assert line.verify(bundle, "--at", "1999-01-01")["code"] != 0


# --- another chain ------------------------------------------------------------------------------------------


def test_a_home_refuses_another_chain(tmp_path):
    line = Line(tmp_path)
    with line.chain():
        line.found()
        line.issue(write_meters(tmp_path / "meters.jsonl", 2))
    shutil.rmtree(line.home / "devchain")
    report = line.issue(write_meters(tmp_path / "more.jsonl", 1, first=3), code=2)
    assert (report["logged"], "another chain" in report["error"]) == (1, True)
    binding, waiting = (
        (line.home / "chain.json").read_bytes(),
        [
            (FOUNDED + 3, "final"),
            (FOUNDED + 5, "drafted"),
        ],
    )
    for words in (["anchor"], ["chain", "deploy"]):
        refused = line.run(*words, code=2)
        assert (refused["kind"], "another chain" in refused["error"]) == ("WrongChain", True)
    assert (line.home / "chain.json").read_bytes() == binding
    assert line.anchors() == waiting
    with dev_chain(tmp_path / "chain") as other:
        seen = line.verify(line.folders()[0] / "bundle.json", "--chain", other.url)
    assert (seen["verdict"], seen["code"]) == ("INVALID", 1)
    assert line.verify(line.folders()[0] / "bundle.json", code=0)["verdict"] == "VALID"
    assert line.verify(line.folders()[2] / "bundle.json", code=3)["verdict"] == "UNKNOWN"


def test_a_home_refuses_the_database_of_another(tmp_path):
    one, other = Line(tmp_path / "one"), Line(tmp_path / "other")
    for line in (one, other):
        with line.chain():
            line.found()
    shutil.copy(other.home / "ledger.db", one.home / "ledger.db")
    for words in (["anchor"], ["doctor"], one.issue_words(write_meters(tmp_path / "m.jsonl", 1))):
        assert one.run(*words, code=2)["kind"] in {"State", "WrongChain"}
    (one.home / "ledger.db").unlink()
    assert one.run("doctor", code=2)["kind"] == "WrongChain"


def test_a_second_deployment_changes_nothing_on_chain(founded):
    line, _ = founded
    before = line.run("chain", "show")
    assert line.run("chain", "deploy").items() <= before.items()
    line.init()
    assert line.run("chain", "show") == before
