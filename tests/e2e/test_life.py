"""The life of documents, instruments, lots, keys and roots, through the commands."""

import json
from datetime import timedelta

import pytest
from line import DAY, INSTITUTION, Line, run, write_json, write_meters

from ledger.core.encoding import encode_hex
from ledger.core.statement import parse_signed_statement

DECISION = {
    "number": "闽市监检撤〔2026〕3号",
    "ground": "《中华人民共和国计量法》第二十六条",
    "dated": DAY.isoformat(),
    "remedy": "可在六十日内向福建省人民政府申请行政复议",
}


class LivingLine(Line):
    """A line whose documents are looked at again and again."""

    source = "meters.jsonl"

    def renew(self, *more):
        """Anchor, and write every bundle again."""
        self.run("anchor")
        self.issue(self.out / self.source, *more)

    def status(self, number, code=None):
        report = self.verify(number, code=code)
        return report["status"], report["verdict"]

    def instrument(self, number):
        bundle = json.loads((self.folder(number) / "bundle.json").read_text("utf-8"))
        return bundle["certificate"]["credentialSubject"]["instrument"]["id"]

    def named(self, number):
        return {"certificate": {"issuer": INSTITUTION, "number": number}, "id": self.instrument(number)}

    def rows(self):
        return [json.loads(row) for row in (self.out / self.source).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with six certificates, anchored, and its running chain."""
    made = LivingLine(tmp_path_factory.mktemp("life"))
    with made.chain():
        made.found()
        write_meters(made.out / made.source, 6)
        rows = [row | {"lot": {"no": "L1", "size": 2}} for row in made.rows()[:2]] + made.rows()[2:]
        (made.out / made.source).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        assert made.issue(made.out / made.source)["logged"] == 6
        yield made


@pytest.fixture(scope="module")
def numbers(line):
    return [row[1] for row in line.desk()]


def test_a_lot_that_fails_fails_with_every_member(line, numbers):
    assert line.status(numbers[0]) == ("VALID", "VALID")
    words = ("amend", "lot", "L1", "--status", "failed", "--reason", "FAILED_SPOT_CHECK")
    done = line.run(*words)
    assert done["status"] == "FAILED"
    assert line.run(*words) == done
    refused = line.run("amend", "lot", "L1", "--status", "suspended", "--reason", "TYPO", code=2)
    assert refused["error"] == "lot L1 is FAILED; that cannot be done any more"
    for status, mention in (("cancelled", "not for an institution"), ("gone", "--status")):
        refused = line.run("amend", "lot", "L2", "--status", status, "--reason", "TYPO", code=2)
        assert mention in refused["error"]
    line.renew()
    for number in numbers[:2]:
        assert line.status(number, code=1) == ("FAILED_SINCE", "INVALID")
    assert line.status(numbers[2]) == ("VALID", "VALID")


def test_an_instrument_that_was_opened_is_verified_again(line, numbers):
    number = numbers[2]
    done = line.run("amend", "opened", number, "--reason", "REPAIRED")
    assert line.run("amend", "opened", number, "--reason", "REPAIRED") == done
    line.renew()
    assert line.status(number, code=1) == ("NEEDS_REVERIFICATION", "ATTENTION")


def test_a_supplement_changes_no_status(line, numbers, tmp_path):
    number, page = numbers[3], tmp_path / "page.pdf"
    page.write_bytes(b"%PDF-1.7 a page more")
    words = ("amend", "supplement", number, "--reason", "TYPO", "--document")
    done = line.run(*words, page)
    assert line.run(*words, page) == done
    assert "cannot be read" in line.run(*words, tmp_path / "none", code=2)["error"]
    line.renew()
    assert line.status(number) == ("VALID", "VALID")


def test_a_replacement_takes_the_place_of_a_certificate(line, numbers):
    row = line.rows()[4] | {"replaces": {"no": numbers[4], "reason": "TYPO"}, "request_id": "replacement"}
    again = line.out / "again.jsonl"
    again.write_text(json.dumps(row) + "\n", "utf-8")
    assert line.issue(again)["logged"] == 1
    line.renew()
    newest = line.desk()[-1][1]
    assert line.status(newest) == ("VALID", "VALID")
    assert line.status(numbers[4], code=1) == ("SUPERSEDED", "ATTENTION")
    row |= {"replaces": {"no": "NONE-1", "reason": "TYPO"}, "request_id": "another"}
    again.write_text(json.dumps(row) + "\n", "utf-8")
    refused = line.issue(again, code=2)
    assert "has no certificate NONE-1" in json.dumps(refused)


def test_a_repairer_says_what_was_opened(line, numbers):
    line.run("authority", "keygen", "repairer")
    content = {
        "id": "REPAIR-1",
        "name": {"zh": "某衡器修理厂"},
        "division": "35",
        "state": "active",
        "trade": "repair",
    }
    line.run("authority", "submit", line.decide("institution", content))
    key = {"institution": "REPAIR-1", "state": "active"}
    line.run("authority", "submit", line.decide("key", key, new_key="repairer", endorsers=["repairer"]))
    opened = {
        "certificate": {"issuer": INSTITUTION, "number": numbers[5]},
        "instrument": line.instrument(numbers[5]),
        "reason": "REPAIRED",
        "effective_at": f"{DAY}T00:00:00Z",
    }
    statement = line.decide("opened", opened, issuer="REPAIR-1", signer="repairer", version=1)
    line.run("authority", "submit", statement)
    line.renew()
    assert line.status(numbers[5], code=1) == ("NEEDS_REVERIFICATION", "ATTENTION")


def test_two_registrations_of_one_instrument(line, numbers):
    content = {
        "instrument": line.named(numbers[3]),
        "other": line.named(numbers[5]),
        "reason": "WRONG_INSTRUMENT",
        "effective_at": f"{DAY}T00:00:00Z",
    }
    statement = line.decide("same-as", content, version=2)
    line.run("authority", "submit", statement)
    line.renew()
    assert line.status(numbers[3], code=1)[0] == "NEEDS_REVERIFICATION", "the other was opened since"
    split = {
        "instrument": line.named(numbers[3]),
        "into": [encode_hex(b"\1" * 16)],
        "reason": "WRONG_INSTRUMENT",
        "effective_at": f"{DAY}T00:00:00Z",
        "decision": DECISION,
    }
    line.run("authority", "submit", line.decide("split", split, version=3))


def test_the_root_is_followed_and_publishes_a_policy(line, numbers):
    line.run("authority", "keygen", "root-2")
    old = json.loads(line.policy.read_text("utf-8"))
    draft, statement = line.out / "root-2.json", line.out / "root-2.statement"
    words = ("authority", "root", "--root-key", "root-2", "--out", draft)
    line.run(*words, "--after", line.out / "root.statement")
    for key in ("root", "root-2"):
        line.run("authority", "endorse", draft, "--key", key)
    line.run("authority", "sign", draft, "--key", "root-2", "--out", statement)
    assert parse_signed_statement(statement.read_bytes()).statement.expected_version == 1
    line.run("authority", "submit", statement)
    new = json.loads(line.policy.read_text("utf-8"))
    assert (old["root"]["version"], new["root"]["version"]) == (1, 2)
    line.run("authority", "policy", line.policy, "--out", draft)
    line.run("authority", "endorse", draft, "--key", "root-2")
    line.run("authority", "sign", draft, "--key", "root-2", "--out", statement)
    line.run("authority", "submit", statement)
    line.renew()
    assert line.status(numbers[3], code=1)[0] == "NEEDS_REVERIFICATION"
    pinned = write_json(line.out / "old-policy.json", old)
    bundle = line.folder(numbers[3]) / "bundle.json"
    report = line.check(run("verify", bundle, "--policy", pinned, "--json"), 1)
    assert report["status"] == "NEEDS_REVERIFICATION", "a verifier walks from the root that it pins"
    line.run(*words, "--after", line.out / "meters.jsonl", code=2)


def test_a_compromised_key(line, numbers):
    since = (DAY + timedelta(days=400)).isoformat()
    content = {
        "institution": INSTITUTION,
        "key": line.opened.keystore.label("seal").public_key.multikey,
        "since": f"{since}T00:00:00Z",
    }
    refused = line.run("authority", "submit", line.decide("compromised", content, version=1), code=2)
    assert "the compromise lies in the future" in refused["error"]
    content["since"] = f"{DAY}T00:00:00Z"
    line.run("authority", "submit", line.decide("compromised", content, version=1))
    line.renew()
    report = line.verify(numbers[1], code=1)
    step = next(check for check in report["checks"] if check["name"] == "key")
    assert (report["verdict"], step["outcome"]) == ("INVALID", "FAILED")
    assert "no anchor from before covers this document" in json.dumps(step)
