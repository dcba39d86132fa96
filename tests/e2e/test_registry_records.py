"""Records of a foreign register, issued by the real command: each QR picture leads to its own certificate."""

import hashlib
import json

import pytest
from line import HOST, Line, write_rows
from registry_records import TWICE, WITHOUT_END, load_records, to_document

from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.qr import LongForm, compute_code, parse_qr_text
from ledger.core.statement import parse_signed_statement
from verifier.picture import read_qr_picture


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A home that has issued and anchored the 22 records."""
    records = load_records()
    assert len(records) == 22
    line = Line(tmp_path_factory.mktemp("register"), anywhere=True)
    with line.chain():
        line.found()
        report = line.issue(write_rows(line.out / "register.jsonl", list(map(to_document, records))))
    assert report == {"documents": 22, "signed": 0, "logged": 22, "voided": 0}
    return line


def test_each_picture_leads_to_its_own_certificate(line):
    seen = set()
    for record in load_records():
        folder = line.folder(record["result_docnum"])
        certificate = parse_certificate((folder / "certificate.json").read_bytes())
        bundle = json.loads((folder / "bundle.json").read_bytes())
        printed = parse_qr_text(read_qr_picture((folder / "qr.png").read_bytes()), host=HOST)
        if isinstance(printed, LongForm):
            claims = parse_signed_statement(printed.statement).statement.claims
            assert claims.certificate_digest == certificate.digest
            assert claims.number == certificate.record.number == record["result_docnum"]
            alone = line.verify(folder / "qr.png", code=3)
            assert (alone["authentic"], alone["document"]["number"]) == (True, record["result_docnum"])
        else:
            assert printed.code == compute_code(bytes.fromhex(bundle["statement"]))
        assert certificate.digest == hashlib.sha256(certificate.raw).digest()
        assert certificate.record.instrument.category is Category.OTHER
        seen.add(printed)
    assert len(seen) == len(line.folders()) == 22


def test_every_bundle_is_authentic_and_says_whether_it_has_expired(line):
    superseded = []
    for record in load_records():
        report = line.verify(line.folder(record["result_docnum"]) / "bundle.json")
        superseded += [record["vri_id"]] if report["status"] == "SUPERSEDED" else []
        assert report["authentic"], report
        assert {check["outcome"] for check in report["checks"]} == {"PASSED", "NOT_CHECKED"}
        assert report["status"] in {"VALID", "EXPIRED", "SUPERSEDED"}
        assert (report["status"] == "VALID") == (report["code"] == 0)
        if record["valid_date"] == WITHOUT_END:
            assert (report["verdict"], report["status"]) == ("ATTENTION", "VALID")  # logged years later
            assert "valid_until" not in report["document"]
    assert len(superseded) == 1
    assert set(superseded) < set(TWICE)


def test_two_records_that_the_data_cannot_tell_apart_are_two_certificates_of_one_instrument(line):
    bundles = [json.loads((folder / "bundle.json").read_bytes()) for folder in line.folders()]
    subjects = [bundle["certificate"]["credentialSubject"]["instrument"]["id"] for bundle in bundles]
    numbers = {record["vri_id"]: record["result_docnum"] for record in load_records()}
    twice = [
        bundle["certificate"]["credentialSubject"]["no"]
        for bundle, subject in zip(bundles, subjects, strict=True)
        if subjects.count(subject) == 2
    ]
    assert sorted(twice) == sorted(numbers[name] for name in TWICE)
    assert len(set(subjects)) == 21
