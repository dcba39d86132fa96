"""`hengzheng dcc`: documents of a real desk as DCC XML, foreign ones as evidence, by the commands themselves."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy
from dcc_oracle import find_text, find_texts, list_schema_faults, list_schematron_faults
from foreign_signer import DCC, ROOT, SIGNED_AT, SUB, sign
from line import DAY, Line, copy_folder, failed_meter, meter, run, write_rows
from servers import postgres_server
from vectors import vector_path

from ledger.core.encoding import encode_instant

OWNER = {"applicant": {"name": "福州示例自来水有限公司", "code": "91350100M000100Y43"}}


def issue_some(line):
    """Issue a certificate with personal members and a rejection notice; nothing is anchored."""
    line.init()
    line.set_up_authority()
    rows = [meter(1, **OWNER), failed_meter(2)]
    line.issue(write_rows(line.out / "meters.jsonl", rows), anchor=False, out=False)
    return line


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return issue_some(Line(tmp_path_factory.mktemp("line")))


def numbers(line):
    return [number for _, number, _, _ in line.desk()]


# --- export -------------------------------------------------------------------------------------------------


def test_issued_documents_are_exported(line, tmp_path):
    done = line.run("dcc", "export", *numbers(line), "--out", tmp_path)
    assert done["documents"] == 2
    for number, path in zip(numbers(line), done["files"], strict=True):
        assert path == str(tmp_path / "certificates" / number / "certificate.dcc.xml")
        xml = (tmp_path / "certificates" / number / "certificate.dcc.xml").read_bytes()
        assert list_schema_faults(xml) == []
        assert list_schematron_faults(xml) == []
        assert find_text(xml, "//dcc:uniqueIdentifier") == number
        assert "福州示例自来水有限公司" not in xml.decode()


def test_what_is_exported_leads_back_to_the_log(line, tmp_path):
    number = numbers(line)[0]
    [path] = line.run("dcc", "export", number, "--out", tmp_path)["files"]
    raw = base64.b64decode(find_text(Path(path).read_bytes(), "//dcc:dataBase64"))
    stored = hashlib.sha256(raw).digest()
    assert any(stored in leaf for leaf in line.leaves())


def test_the_same_again_changes_nothing(line, tmp_path):
    before = line.snapshot()
    words = ["dcc", "export", *numbers(line), numbers(line)[0], "--out", tmp_path]
    line.run(*words)
    written = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*.xml")}
    line.run(*words)
    assert written == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*.xml")}
    assert line.snapshot() == before


def test_the_holders_copy_is_a_file_of_its_own_for_its_owner_only(line, tmp_path):
    number = numbers(line)[0]
    [path] = line.run("dcc", "export", number, "--out", tmp_path, "--holder")["files"]
    assert path.endswith("/certificate-holder.dcc.xml")
    written = tmp_path / "certificates" / number / "certificate-holder.dcc.xml"
    assert written.stat().st_mode & 0o777 == 0o600
    xml = written.read_bytes()
    assert find_text(xml, "//dcc:customer/dcc:name").strip() == "福州示例自来水有限公司"
    assert find_texts(xml, "//dcc:byteData/dcc:fileName") == ["certificate.json", "disclosure.json"]
    assert list_schema_faults(xml) == []


def test_a_document_without_personal_members_has_no_holders_copy(tmp_path):
    line = Line(tmp_path / "line")
    line.init()
    line.set_up_authority()
    nameless = meter(1)
    for person in nameless["persons"]:
        del person["name"]
    rows = write_rows(line.out / "meters.jsonl", [meter(2), nameless])
    line.issue(rows, anchor=False, out=False)
    answer = run("dcc", "export", *numbers(line), "--home", line.home, "--out", tmp_path / "out", "--holder")
    assert answer.code == 2
    assert "there is no holder's copy" in answer.err
    assert not (tmp_path / "out").exists()


def test_numbers_that_were_not_issued_are_refused_before_anything_is_written(line, tmp_path):
    words = ["dcc", "export", numbers(line)[0], "JY1999-000001", "--home", line.home, "--out", tmp_path]
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert "the desk has no document JY1999-000001" in answer.err
    assert list(tmp_path.rglob("*.xml")) == []


@pytest.mark.parametrize(
    "change", ["state = 'signed', leaf_index = NULL", "state = 'voided', leaf_index = NULL, reason = 'TIME'"]
)
def test_a_document_that_the_log_has_not_is_refused(line, tmp_path, change):
    copied = Line(copy_folder(line.out, tmp_path / "copy"))
    number = numbers(copied)[1]
    engine = sqlalchemy.create_engine(copied.opened.desk_database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE desk_documents SET {change} WHERE number = '{number}'")
    engine.dispose()
    answer = run("dcc", "export", number, "--home", copied.home, "--out", tmp_path / "out")
    assert answer.code == 2
    assert f"{number} is {change[9:15]}, not logged" in answer.err
    assert not (tmp_path / "out").exists()


def test_a_desk_in_postgresql_exports_too(tmp_path):
    with postgres_server() as server, server.fresh_database() as url:
        line = issue_some(Line(tmp_path / "line", ("--desk-database", url)))
        done = line.run("dcc", "export", *numbers(line), "--out", tmp_path)
        assert done["documents"] == 2
        holder = line.run("dcc", "export", numbers(line)[0], "--out", tmp_path, "--holder")
        assert holder["documents"] == 1


# --- check --------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    """Return what writes a file, and the options that name the roots of the tests."""
    trust = []
    for party in (ROOT, SUB):
        path = tmp_path / f"{party.name}.der"
        path.write_bytes(party.der)
        trust += ["--trust", path]

    def write(raw):
        path = tmp_path / "foreign.xml"
        path.write_bytes(raw)
        return path

    return write, trust


def test_a_signed_one_ends_with_0_and_says_what_a_record_needs(files):
    write, trust = files
    path = write(sign())
    answer = run("dcc", "check", path, *trust, "--json")
    assert answer.code == 0
    found = answer.members
    assert found["standard_instrument"] == {
        "cert_no": "LAB-7",
        "cert_hash": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert found["signature"] == {
        "signer": "CN=Laboratory A",
        "root": "CN=Root",
        "signed_at": encode_instant(SIGNED_AT),
        "time_said_by": "signer",
        "revocation": "not_shown",
    }
    assert set(found["verdict"]) == {"en", "zh"}
    for_people = run("dcc", "check", path, *trust)
    assert for_people.code == 0
    assert "unique identifier: LAB-7\n" in for_people.out
    assert "签名在签署时有效" in for_people.out


def test_an_unsigned_one_ends_with_3(files):
    write, trust = files
    for words in ([], trust):
        answer = run("dcc", "check", write(DCC), *words, "--json")
        assert answer.code == 3
        assert answer.members["signature"] == "unsigned"


def test_a_tampered_one_ends_with_1(files):
    write, trust = files
    answer = run("dcc", "check", write(sign().replace(b"LAB-7", b"LAB-8")), *trust, "--json")
    assert answer.code == 1
    assert answer.members["kind"] == "BrokenSignature"


@pytest.mark.parametrize(
    ("raw", "words", "mention"),
    [
        (b"hello", [], "not well-formed XML"),
        (b"<!DOCTYPE a><a/>", [], "DOCTYPE"),
        (b"<a>" + b" " * (8 * 1024 * 1024), [], "at most 8388608"),
        (sign(), [], "name a root"),
        (sign(), ["--trust", "/nowhere.pem"], "cannot be read"),
        (DCC, ["--signed-at", "yesterday"], "--signed-at"),
        (DCC, ["--xsd", "/nowhere"], "--xsd: there is no"),
    ],
)
def test_what_cannot_be_judged_ends_with_2(files, raw, words, mention):
    write, _ = files
    path = write(raw)
    for_programs, for_people = run("dcc", "check", path, *words, "--json"), run("dcc", "check", path, *words)
    assert for_programs.code == for_people.code == 2
    assert mention in json.dumps(for_programs.members)
    assert mention in for_people.err
    assert for_people.out == ""


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    answer = run("dcc", "check", tmp_path / "none.xml", "--json")
    assert answer.code == 2
    assert "cannot be read" in answer.members["error"]


def test_the_schema_is_asked_where_the_operator_has_it(files):
    write, trust = files
    schemas = vector_path("domain", "dcc", "xsd", "dcc")
    assert (
        run("dcc", "check", write(sign()), *trust, "--xsd", schemas, "--json").members["schema"] == "followed"
    )
    broken = DCC.replace(b"<dcc:performanceLocation>laboratory", b"<dcc:performanceLocation>moon")
    answer = run("dcc", "check", write(broken), "--xsd", schemas, "--json")
    assert answer.code == 2
    assert "breaks the schema of 3.3.0" in answer.members["error"]


def test_files_of_others_are_judged_by_the_command_too():
    folder = vector_path("domain", "dcc", "signed")
    trust = ["--trust", folder / "root.crt", "--trust", folder / "sub.crt"]
    good, revoked = (
        folder / f"dcc_gp_temperature_typical_v12_v3.2.0_signed_lt{name}.xml" for name in ("", "_revoked")
    )
    assert run("dcc", "check", good, *trust).code == 0
    assert run("dcc", "check", revoked, *trust).code == 1


def test_a_foreign_dcc_becomes_evidence_of_a_standard_and_stays_linked(files, tmp_path):
    """From a file of a laboratory abroad, through a record, to the link in the DCC of that record."""
    write, trust = files
    path = write(sign())
    evidence = run("dcc", "check", path, *trust, "--json").members["standard_instrument"]
    standard = {
        "id": "350100-17",
        "name": "水表检定装置",
        "exam_no": "闽量标（榕）证字第0017号",
        "exam_until": f"{DAY.year + 2}-05-31",
        "range": "(0.1~2) m3/h",
        "u": "U=0.2%, k=2",
        "instruments": [{"no": "17-1", "until": f"{DAY.year + 1}-03-01", **evidence}],
    }
    line = Line(tmp_path / "line")
    line.init()
    line.set_up_authority()
    rows = write_rows(line.out / "meters.jsonl", [meter(1, standards=[standard])])
    line.issue(rows, anchor=False, out=False)
    [exported] = line.run("dcc", "export", *numbers(line), "--out", tmp_path)["files"]
    xml = Path(exported).read_bytes()
    link = "//dcc:measuringEquipment/dcc:certificate"
    assert find_text(xml, f"{link}/dcc:referralID") == "LAB-7"
    assert find_text(xml, f"{link}/dcc:procedure") == "sha256"
    assert find_text(xml, f"{link}/dcc:value") == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list_schema_faults(xml) == []
