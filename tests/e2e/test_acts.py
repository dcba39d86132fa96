"""Acts through the commands: an institution withdraws and suspends, its authority cancels and reinstates."""

import json

import pytest
from line import DAY, INSTITUTION, Line, run, write_json, write_meters
from served_home import serve

DECISION = {
    "number": "闽市监检撤〔2026〕3号",
    "ground": "《中华人民共和国计量法》第二十六条",
    "dated": DAY.isoformat(),
    "remedy": "可在六十日内向福建省人民政府申请行政复议",
}


class ActingLine(Line):
    """A line that shows again what has become of its certificates."""

    def renew(self):
        """Anchor, and write every bundle again."""
        self.run("anchor")
        self.issue(self.out / "meters.jsonl")

    def status(self, number, code=None):
        report = self.verify(number, code=code)
        return report["status"], report["verdict"], report["code"]

    def amend(self, act, number, *options, code=0, reason="WRONG_RESULT"):
        return self.run("amend", act, number, "--reason", reason, *options, code=code)

    def content(self, number, **changes):
        """Return the content of an act, as people write it."""
        bundle = json.loads((self.folder(number) / "bundle.json").read_text("utf-8"))
        members = {
            "certificate": {"issuer": INSTITUTION, "number": number},
            "instrument": bundle["certificate"]["credentialSubject"]["instrument"]["id"],
            "reason": "FAILED_SPOT_CHECK",
            "effective_at": f"{DAY}T00:00:00Z",
            "decision": DECISION,
        } | changes
        return {name: value for name, value in members.items() if value is not None}

    def order(self, act, number, version, **changes):
        """Let the authority decide; return the path of the statement."""
        return self.decide(act, self.content(number, **changes), version=version)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with five certificates, anchored, and its running chain."""
    made = ActingLine(tmp_path_factory.mktemp("acts"))
    with made.chain():
        made.found()
        assert made.issue(write_meters(made.out / "meters.jsonl", 5))["logged"] == 5
        yield made


@pytest.fixture(scope="module")
def numbers(line):
    return [row[1] for row in line.desk()]


def test_suspended_and_reinstated(line, numbers):
    number = numbers[0]
    assert line.status(number) == ("VALID", "VALID", 0)
    done = line.amend("suspend", number, "--effective-at", f"{DAY}T00:00:00Z", reason="standard_invalid")
    assert done | {"leaf": 0} == {
        "number": number,
        "act": "SUSPEND",
        "reason": "STANDARD_INVALID",
        "effective_at": f"{DAY}T00:00:00Z",
        "leaf": 0,
    }
    before = line.leaves()
    for options in ((), ("--effective-at", f"{DAY}T00:00:00Z")):
        assert line.amend("suspend", number, *options, reason="STANDARD_INVALID") == done
    assert line.leaves() == before
    line.renew()
    assert line.status(number) == ("SUSPENDED", "ATTENTION", 1)
    spoken = run("verify", line.folder(number) / "bundle.json", "--policy", line.policy).out
    assert "已暂停使用/调查中" in spoken
    line.run("authority", "submit", line.order("reinstate", number, 2))
    line.renew()
    assert line.status(number) == ("VALID", "VALID", 0)
    again = line.amend("suspend", number, reason="STANDARD_INVALID")
    assert again["leaf"] > done["leaf"], "it had been reinstated: this is another suspension"


def test_withdrawn_for_ever(line, numbers):
    number = numbers[1]
    done = line.amend("withdraw", number)
    assert line.amend("withdraw", number) == done
    refused = line.amend("withdraw", number, reason="TYPO", code=2)
    assert refused["error"] == f"certificate {number} is WITHDRAWN already"
    refused = line.amend("suspend", number, code=2)
    assert refused["error"] == f"certificate {number} is WITHDRAWN; that cannot be done any more"
    line.renew()
    assert line.status(number) == ("WITHDRAWN", "INVALID", 1)
    reinstated = line.order("reinstate", number, 2)
    refused = line.run("authority", "submit", reinstated, code=2)
    assert "is WITHDRAWN: REINSTATE does not follow that" in refused["error"]


def test_cancelled_by_a_decision(line, numbers):
    number = numbers[2]
    line.run("authority", "submit", line.order("cancel", number, 1))
    line.renew()
    assert line.status(number) == ("CANCELLED", "INVALID", 1)
    refused = line.amend("withdraw", number, code=2)
    assert "is CANCELLED" in refused["error"]
    assert line.run("doctor")["documents"] == 5


def test_to_be_verified_again(line, numbers):
    number = numbers[3]
    line.run("authority", "submit", line.order("reverify", number, 1))
    line.renew()
    assert line.status(number) == ("NEEDS_REVERIFICATION", "ATTENTION", 1)


def test_an_authority_without_a_decision_is_refused(line, numbers):
    number = numbers[4]
    source = write_json(line.out / "bare.content", line.content(number, decision=None))
    draft = line.out / "bare.json"
    words = ("authority", "draft", "cancel", source, "--issuer", "CN-35", "--out", draft)
    refused = line.run(*words, "--expected-version", 1, code=2)
    assert refused["field"] == "content.decision"
    assert "an authority's CANCEL names its decision" in refused["error"]
    assert not draft.exists()
    whole = line.out / "cancel-7.json"
    line.order("cancel", number, 7)
    members = json.loads(whole.read_text("utf-8"))
    del members["content"]["decision"]
    whole.write_text(json.dumps(members), "utf-8")
    assert line.run("authority", "sign", whole, "--key", "authority", "--out", draft, code=2)["field"]


def test_decisions_are_signed_by_the_authority_alone(line, numbers):
    line.order("suspend", numbers[4], 1)
    refused = line.run("authority", "endorse", line.out / "suspend-1.json", "--key", "root", code=2)
    assert "is signed by the authority alone" in refused["error"]


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (("withdraw", "NONE-1", "--reason", "TYPO"), "the desk has no document NONE-1"),
        (("withdraw", "{number}", "--reason", "BECAUSE"), "'BECAUSE' is none of TYPO"),
        (("withdraw", "{number}"), "--reason"),
        (("suspend", "{number}", "--reason", "TYPO", "--effective-at", "tomorrow"), "--effective-at"),
        (
            ("suspend", "{number}", "--reason", "TYPO", "--effective-at", "2999-01-01T00:00:00Z"),
            "in the future",
        ),
        (("suspend", "{number}", "--reason", "TYPO", "--key", "nobody"), "nobody"),
        (("cancel", "{number}", "--reason", "TYPO"), "cancel"),
        (
            ("suspend", "{number}", "--reason", "TYPO", "--key", "root"),
            "the key is not registered for 350100-01",
        ),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(line, numbers, words, mention):
    before = line.leaves()
    refused = line.run("amend", *(word.format(number=numbers[4]) for word in words), code=2)
    assert mention in refused["error"]
    assert line.leaves() == before


def test_a_refused_act_does_not_stand_in_the_way(line, numbers):
    line.run("amend", "withdraw", numbers[4], "--reason", "TYPO", "--key", "root", code=2)
    done = line.amend("withdraw", numbers[4], reason="TYPO")
    assert line.amend("withdraw", numbers[4], reason="TYPO") == done


def test_through_a_server(line, tmp_path):
    other = ActingLine(tmp_path)
    other.init()
    other.set_up_authority()
    assert other.issue(write_meters(tmp_path / "meters.jsonl", 2), anchor=False)["logged"] == 2
    number = other.desk()[0][1]
    with serve(other.home, "ledger") as server:
        done = other.amend("suspend", number, "--ledger", server.url)
        assert other.amend("suspend", number, "--ledger", server.url) == done
        assert (
            "SUSPENDED already"
            in other.amend("suspend", number, "--ledger", server.url, reason="TYPO", code=2)["error"]
        )
    assert other.amend("suspend", number) == done
