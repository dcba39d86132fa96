"""Persons, standards and types through the commands: registered, used, refused once they are not in force."""

import json
from datetime import timedelta

import pytest
from line import DAY, INSTITUTION, run
from registered_line import STANDARD, RegisteredLine

from ledger.core.step import Step

REGISTERED = (Step.SEAL, Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.TYPE)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = RegisteredLine(tmp_path_factory.mktemp("registers"))
    with line.chain():
        line.found()
        line.register()
        yield line


def outcomes(members):
    return {check["step"]: check["outcome"] for check in members["checks"]}


def test_three_persons_sign_and_every_register_speaks_for_the_document(line):
    line.issue(line.pump(1))
    (folder,) = line.folders()
    assert len(json.loads((folder / "certificate.json").read_bytes())["proof"]) == 4
    members = line.verify(folder / "bundle.json", code=0)
    found = outcomes(members)
    assert members["verdict"] == "VALID"
    assert {found[step.number] for step in REGISTERED} == {"PASSED"}
    assert (
        outcomes(line.verify(folder / "bundle.json", "--policy", line.doubt_root()))[Step.STANDARDS.number]
        == "NOT_CHECKED"
    ), "this root is not believed"


def test_a_recall_finds_exactly_what_depends_on_it(line):
    line.issue(line.pump(1))
    (folder,) = line.folders()
    source = {"institution": INSTITUTION, "standard": "350100-17"}
    lower = STANDARD | {"id": "350100-99", "instruments": [STANDARD["instruments"][0] | {"source": source}]}
    line.run("authority", "submit", line.decide("standard", lower))

    def ask(*words):
        return [row["number"] for row in line.run("query", *words)["entries"]]

    for used in ("standard/350100-01/350100-17", "person/350100-01/p-0001", "type/2018F258-32"):
        assert ask("--used", used) == [folder.name], used
    for used in ("standard/350100-01/350100-99", "person/350100-01/p-0009", "type/2018F258-33"):
        assert ask("--used", used) == [], used
    assert ask("--used", "type/2018F258-32", "--verified-from", (DAY + timedelta(days=1)).isoformat()) == []
    assert "is none of standard" in line.run("query", "--used", "pump/1", code=2)["error"]


def test_who_is_not_in_force_is_refused_with_every_reason(line):
    day = (DAY - timedelta(days=1)).isoformat()
    persons = [line.person("p-0001", 1, until=day)]
    lapsed = line.decide("standard", STANDARD | {"until": day}, version=1)
    line.run("authority", "submit", *persons, lapsed)
    refused = line.issue(line.pump(2), code=2)
    codes = {fault["code"] for fault in refused["faults"]}
    assert codes == {"PERSON_EXPIRED", "STANDARD_EXPIRED", "STANDARD_DIFFERS"}


def test_the_earlier_document_gets_a_warning(line):
    (folder,) = line.folders()
    line.run("anchor")
    line.issue(line.pump(1))
    members = line.verify(folder / "bundle.json")
    assert (members["verdict"], members["code"]) == ("ATTENTION", 0)
    warned = [check["step"] for check in members["checks"] if check.get("warning")]
    assert warned == [Step.PERSONS.number, Step.STANDARDS.number]


def test_the_ledger_is_in_order_with_all_of_it(line, tmp_path):
    line.run("log", "export", tmp_path / "log")
    audited = line.check(run("audit", "--from", tmp_path / "log", "--policy", line.policy, "--json"))
    assert (audited["contradictions"], audited["void"]) == ([], [])
    assert line.run("doctor")["documents"] == 1
