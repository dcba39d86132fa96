"""A day of sign-off through the commands: three keys, all VALID; refused, returned, corrected, forced in."""

import json
from contextlib import closing
from datetime import timedelta

import pytest
from line import DAY, INSTITUTION, write_json
from signoff_line import APPROVER, CHECKER, OPERATOR, STANDARD, SignOffLine

from issuer.gate import Gate
from issuer.signoff.store import SignOffStore
from ledger.core.statement import parse_signed_statement
from ledger.core.step import Step
from ledger.home import find_passphrase
from ledger.local import open_ledger
from ledger.store.engine import Database
from ledger.submission import Submission
from ledger.wire import Entry


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = SignOffLine(tmp_path_factory.mktemp("signoff"))
    with line.chain():
        line.found()
        line.register()
        yield line


def certificate(line, number):
    return json.loads((line.folder(number) / "certificate.json").read_bytes())


def test_every_document_of_three_persons_is_valid(line):
    ids = line.draft(1, 2, 3)
    done = line.sign_all(ids, "--anchor", "--out", line.out)
    numbers = [one["number"] for one in done["done"]]
    assert (len(numbers), done["refused"]) == (3, [])
    for number in numbers:
        found = line.verify(number, code=0)
        outcomes = {check["step"]: check["outcome"] for check in found["checks"]}
        assert found["verdict"] == "VALID"
        assert outcomes[Step.PERSONS.number] == outcomes[Step.SEAL.number] == "PASSED"
        document = certificate(line, number)
        assert len(document["proof"]) == 4
        times = [proof["created"] for proof in document["proof"]]
        assert times == sorted(times)
        assert [person["role"] for person in document["credentialSubject"]["persons"]] == [
            "operator", "checker", "approver",
        ]  # fmt: skip
    assert line.approve(1)["done"] == done["done"], "the same again changes nothing"
    assert line.office("show", ids[0])["document"]["state"] == "logged"


def test_nobody_signs_with_the_passphrase_or_in_the_place_of_another(line):
    (draft,) = line.draft(10)
    wrong = ("--person", OPERATOR, "--key-passphrase-file", line.secret(CHECKER))
    named = ("--checker", CHECKER, "--approver", APPROVER)
    refused = line.office("submit", draft, *wrong, *named, code=2)
    assert "passphrase is wrong" in refused["error"]
    own = ("--checker", OPERATOR, "--approver", APPROVER)
    assert "does not check" in line.office("submit", draft, *line.signing(OPERATOR), *own, code=2)["error"]
    twice = ("--checker", CHECKER, "--approver", CHECKER)
    refused = line.office("submit", draft, *line.signing(OPERATOR), *twice, code=2)
    assert "the authority has not allowed" in refused["error"]
    line.submit([draft])
    (left,) = line.office("check", draft, *line.signing(APPROVER), code=2)["refused"]
    assert "for the checker of this draft" in left["error"]
    line.check_drafts([draft])
    batch = line.draw([draft], opened=False)
    assert "open these drafts" in line.approve(batch, code=2)["error"]
    line.office("show", draft, "--person", OPERATOR)
    assert "open these drafts" in line.approve(batch, code=2)["error"], "somebody else has opened it"
    line.office("return", draft, "--person", APPROVER, "--reason", "封印号不符")
    (left,) = line.approve(batch, code=2)["refused"]
    assert "was returned after batch" in left["error"]


def test_a_returned_number_is_void_for_ever_and_the_next_revision_gets_another(line):
    (draft,) = line.draft(20)
    first = line.submit([draft])["done"][0]["number"]
    line.office("return", draft, "--person", CHECKER, "--reason", "出厂编号有误")
    voided = {one["number"]: one for one in line.office("voided")["voided"]}
    assert (voided[first]["reason"], voided[first]["person"]) == ("出厂编号有误", CHECKER)
    content = line.content(21) | {"request_id": "pump-20"}
    line.office("edit", draft, write_json(line.out / "edited.json", content), "--person", OPERATOR)
    second = line.submit([draft])["done"][0]["number"]
    assert second != first
    history = [one["action"] for one in line.office("show", draft)["history"]]
    assert history == ["create", "submit", "return", "edit", "submit"]


def test_a_typo_is_replaced_and_says_what_changed(line):
    (draft,) = line.draft(30)
    number = line.sign_all([draft])["done"][0]["number"]
    words = ("--reason", "TYPO", "--note", "出厂编号少一位", "--person", OPERATOR)
    begun = line.office("correct", number, *words)
    content = begun["content"]
    content["instrument"]["serial"] = "SN0030"
    path = write_json(line.out / "corrected.json", content)
    line.office("edit", begun["draft"], path, "--person", OPERATOR)
    newer = line.sign_all([begun["draft"]], "--anchor", "--out", line.out)["done"][0]["number"]
    line.office("files", "--all", "--out", line.out)
    replaces = certificate(line, newer)["credentialSubject"]["replaces"]
    assert replaces == {"no": number, "reason": "TYPO", "changed": ["instrument.serial"]}
    assert line.verify(newer, code=0)["verdict"] == "VALID"
    older = line.verify(number)
    assert (older["status"], older["verdict"], older["authentic"]) == ("SUPERSEDED", "ATTENTION", True)


@pytest.mark.parametrize(("reason", "pump"), [("WRONG_RESULT", 40), ("WRONG_INSTRUMENT", 41)])
def test_what_must_not_be_relied_on_is_withdrawn_first(line, reason, pump):
    (draft,) = line.draft(pump)
    number = line.sign_all([draft])["done"][0]["number"]
    words = ("--reason", reason, "--note", "示值抄错", "--person", OPERATOR)
    begun = line.office("correct", number, *words)
    content = begun["content"]
    content["instrument"]["serial"] = f"SN{pump}" if reason == "WRONG_RESULT" else f"SN{pump}-B"
    content["results"][0]["points"][0] |= {"measured": "20.04", "error": "0.20"}
    path = write_json(line.out / "corrected.json", content)
    line.office("edit", begun["draft"], path, "--person", OPERATOR)
    (left,) = line.submit([begun["draft"]], code=2)["refused"]
    assert "is withdrawn before a new document" in left["error"]
    request = begun["withdrawal"]["request"]
    assert "somebody else decides" in line.office("decide", request, "--person", OPERATOR, code=2)["error"]
    granted = line.office("decide", request, "--person", APPROVER)
    assert granted["state"] == "done"
    assert line.office("decide", request, "--person", APPROVER) == granted
    newer = line.sign_all([begun["draft"]], "--anchor", "--out", line.out)["done"][0]["number"]
    line.office("files", "--all", "--out", line.out)
    older = line.verify(number, code=1)
    assert (older["status"], older["verdict"], older["authentic"]) == ("WITHDRAWN", "INVALID", True)
    assert line.verify(newer, code=0)["verdict"] == "VALID"


def test_two_who_verify_one_instrument_are_told_and_the_approver_decides(line):
    first, second = line.draft(50)[0], line.draft(50, request_id="pump-50b", adjusted=True)[0]
    for draft in (first, second):
        line.submit([draft])
        line.check_drafts([draft])
    batch = line.draw([first, second])
    left = line.approve(batch, code=2)["refused"]
    assert [one["draft"] for one in left] == [first, second]
    assert all("the same instrument is in draft" in one["error"] for one in left)
    line.office("return", first, "--person", APPROVER, "--reason", "同一器具重复检定")
    done = line.approve(line.draw([second]))
    assert [one["draft"] for one in done["done"]] == [second]


def test_a_cancellation_is_asked_for_and_is_the_authoritys(line):
    (draft,) = line.draft(60)
    number = line.sign_all([draft])["done"][0]["number"]
    words = ("cancel", number, "--person", OPERATOR, "--reason", "FAILED_SPOT_CHECK", "--note", "抽查不合格")
    asked = line.office("ask", *words)
    assert line.office("ask", *words) == asked
    granted = line.office("decide", asked["request"], "--person", CHECKER)
    content = granted["for_the_authority"]
    assert content["certificate"]["number"] == number
    decision = {
        "number": "闽市监检撤〔2026〕3号",
        "ground": "《中华人民共和国计量法》第二十六条",
        "dated": DAY.isoformat(),
        "remedy": "可在六十日内申请行政复议",
    }
    done = line.decide("cancel", content | {"decision": decision}, version=1)
    line.run("authority", "submit", done)
    line.run("anchor")
    line.office("files", number, "--out", line.out)
    assert line.verify(number, code=1)["status"] == "CANCELLED"


def force(line, number):
    """Put a document that the ledger has refused into its log all the same; return its bundle."""
    with closing(Database(line.opened.desk_database_url)) as database:
        store = SignOffStore(database, INSTITUTION, line.opened.origin)
        with store.read() as desk:
            files = desk.fetch(number)
    submission = Submission(parse_signed_statement(files.statement), files.certificate)
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        (done,) = ledger.log.append([submission])
    line.run("anchor")
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        entry = {done.leaf_index: Entry(files.statement, files.certificate)}
        raw = ledger.bundles(entry)[done.leaf_index]
    path = line.out / "forced.json"
    path.write_bytes(raw)
    return path


def test_after_a_standard_lapses_the_gate_refuses_at_every_step_and_force_is_found(line, monkeypatch):
    """The last test: the standard stays lapsed."""
    drafted, submitted, checked = line.draft(70, 71, 72)
    line.submit([submitted, checked])
    line.check_drafts([checked])
    batch = line.draw([checked])
    day = (DAY - timedelta(days=1)).isoformat()
    line.run("authority", "submit", line.decide("standard", STANDARD | {"until": day}, version=1))
    for done in (
        line.submit([drafted], code=2),
        line.check_drafts([submitted], code=2),
        line.approve(batch, code=2),
    ):
        (left,) = done["refused"]
        assert {reason["code"] for reason in left["reasons"]} == {"STANDARD_EXPIRED", "STANDARD_DIFFERS"}
    monkeypatch.setattr(Gate, "find_reasons", lambda *_: [])
    number = line.office("show", checked)["number"]
    assert "standards[0]" in line.approve(batch, code=2)["voided"][number]
    assert number in {one["number"] for one in line.office("voided")["voided"]}
    found = line.verify(force(line, number), code=1)
    failed = {check["step"] for check in found["checks"] if check["outcome"] == "FAILED"}
    assert (found["verdict"], failed) == ("INVALID", {Step.STANDARDS.number})
    assert line.run("doctor")["documents"] > 0
