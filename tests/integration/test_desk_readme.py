"""The examples in the desk's README are documents that the desk takes as they stand."""

import re
from pathlib import Path

import pytest
from desk_world import FlakyDatabase, MemoryGateway, fetch, make_desk

from issuer.batch import InputForm, parse_common, read_rows
from issuer.tables import DocumentState
from ledger.core.certificate import parse_certificate
from ledger.core.statement import Conclusion

README = (Path(__file__).resolve().parents[2] / "issuer" / "README.md").read_text()


def block(language):
    [found] = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return found.encode()


@pytest.mark.parametrize(
    ("form", "common", "conclusions"),
    [
        (InputForm.JSON, None, [Conclusion.PASS]),
        (InputForm.JSON_LINES, "json common", [Conclusion.PASS, Conclusion.FAIL]),
        (InputForm.CSV, None, [Conclusion.PASS, Conclusion.PASS]),
    ],
)
def test_each_example_is_issued_as_it_stands(tmp_path, form, common, conclusions):
    database = FlakyDatabase(tmp_path / "desk.db")
    desk = make_desk(database, MemoryGateway(division="3501"))
    shared = None if common is None else parse_common(block(common))
    checked = desk.check_rows(read_rows(block(form.value), form, shared))
    assert not checked.faults, [fault.text for fault in checked.faults]
    report = desk.issue(checked.documents)
    assert len(report.list_in(DocumentState.LOGGED)) == len(conclusions)
    records = [parse_certificate(fetch(desk, item.number).certificate).record for item in report.documents]
    assert [record.conclusion for record in records] == conclusions
    database.close()


def test_every_state_is_explained():
    assert all(f"| `{state.value}` |" in README for state in DocumentState)
