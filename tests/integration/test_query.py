"""What auditors ask: the command on a real home, and the role auditor over HTTP; both give the same rows."""

import csv
import io
import json
import shlex
import shutil
import subprocess
import time
from datetime import date, timedelta

import httpx2
import pytest
from line import DAY, FOUNDED, Line, command, failed_meter, meter, run, run_process, write_rows
from served_home import serve
from tlog_client import check_proof

from api.auditing import COLUMNS, FOLLOW_SECONDS, PARAMETERS
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import parse_base64
from ledger.core.entry import encode_header, parse_leaf
from ledger.core.fold import list_touched
from ledger.core.map_proof import open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.statement import parse_signed_statement

SERIAL = "=HYPERLINK(1)"
TODAY = date.today()  # noqa: DTZ011 -- the real clock judges these documents
NAMES = ("张三", "李四", "王五")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Twelve certificates, one of them suspended, one of an odd serial number, and one rejection notice."""
    made = Line(tmp_path_factory.mktemp("queried"))
    made.init()
    made.set_up_authority()
    rows = [meter(number) for number in range(1, 12)]
    odd = meter(12)
    odd["instrument"]["serial"] = SERIAL
    made.issue(write_rows(made.out / "rows.jsonl", [*rows, odd, failed_meter(13)]), anchor=False, code=0)
    made.run("amend", "suspend", "JY2026-000003".replace("2026", str(DAY.year)), "--reason", "WRONG_RESULT")
    return made


def query(line, *words, code=0):
    answer = run("query", "--home", line.home, *words)
    assert answer.code == code, answer
    return answer


def rows(line, *words):
    return query(line, *words, "--json").members["entries"]


def fault(line, *words):
    members = query(line, *words, "--json", code=2).members
    return members["field"], members["error"]


def test_every_leaf_is_listed_and_counted(line):
    found = rows(line)
    assert [row["leaf_index"] for row in found] == [
        index for index, leaf in enumerate(line.leaves()) if parse_leaf(leaf).statement_raw
    ]
    assert [row["event"] for row in found[:5]] == ["ROOT", "DELEGATE", "INSTITUTION", "KEY", "SCOPE"]
    issues = [row for row in found if row["event"] == "ISSUE"]
    assert len(issues) == 13
    assert {row["leaf_index"] for row in issues} == set(range(FOUNDED, FOUNDED + 13))
    assert {row["category"] for row in issues} == {"WATER_METER_SMALL"}


def test_status_is_that_of_the_certificate(line):
    assert len(rows(line, "--event", "ISSUE", "--status", "VALID")) == 11
    assert [row["conclusion"] for row in rows(line, "--status", "FAILED")] == ["FAIL"]
    issue, act = rows(line, "--status", "SUSPENDED")
    assert (issue["event"], act["event"], act["reason"]) == ("ISSUE", "SUSPEND", "WRONG_RESULT")
    assert (act["document_leaf"], act["number"]) == (issue["leaf_index"], issue["number"])
    assert rows(line, "--as-of", (DAY - timedelta(days=3)).isoformat()) == []


def test_filters_meet(line):
    year_ago = (DAY - timedelta(days=365)).isoformat()
    assert len(rows(line, "--region", "3501", "--verified-from", year_ago, "--event", "ISSUE")) == 13
    assert rows(line, "--region", "36") == []
    assert rows(line, "--verified-to", year_ago) == []
    assert (
        len(rows(line, "--institution", "350100-01", "--category", "WATER_METER_SMALL", "--limit", "4")) == 4
    )
    assert rows(line, "--sequenced-to", year_ago) == []


def test_csv_has_stable_columns_and_no_formulas(line):
    told = query(line).out
    table = list(csv.reader(io.StringIO(told)))
    assert tuple(table[0]) == COLUMNS
    assert len(table) == 1 + len(rows(line))
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    serials = [row[COLUMNS.index("serial")] for row in table]
    assert f"'{SERIAL}" in serials
    assert SERIAL in [row.get("serial") for row in rows(line)], "JSON is no spreadsheet"


def test_json_lines_are_the_rows_of_json(line):
    told = query(line, "--format", "jsonl").out
    assert [json.loads(each) for each in told.splitlines()] == rows(line)


def test_proofs_hold_and_nobody_is_named(line, tmp_path):
    told = query(line, "--proof", "--json").out
    assert not [name for name in NAMES if name in told]
    assert any(name in (line.out / "rows.jsonl").read_text("utf-8") for name in NAMES)
    leaves = line.leaves()
    maphead = parse_leaf(leaves[-1]).header
    for row in json.loads(told)["entries"]:
        proof, leaf = row["proof"], leaves[row["leaf_index"]]
        if row["event"] == "ISSUE":
            bundle = parse_bundle(encode_canonical_json(proof))
            assert (bundle.leaf_index, bundle.certificate.record.number) == (row["leaf_index"], row["number"])
            assert leaf == encode_header(bundle.header) + bundle.statement_raw
            continue
        raw = parse_base64(proof["statement"])
        assert leaf[128:] == raw
        index, header = check_proof(proof["tlog_proof"], leaf)
        assert (index, header) == (row["leaf_index"], leaf[:128])
        proven = open_map_proof(parse_base64(proof["map_proof"]), get_map_root(maphead))
        for subject in list_touched(parse_signed_statement(raw).statement):
            assert proven.find(subject) is not None


@pytest.mark.parametrize(
    ("words", "name", "mention"),
    [
        (("--institution", "350100-77"), "--institution", "no institution '350100-77'"),
        (("--category", "PUMP"), "--category", "TAXIMETER"),
        (("--event", "MAPHEAD"), "--event", "ISSUE"),
        (("--region", "35x"), "--region", "digits"),
        (("--region", "٣٥"), "--region", "digits"),
        (("--region", ""), "--region", "digits"),
        (("--status", "GOOD"), "--status", "SUSPENDED"),
        (("--as-of", "2026-02-30"), "--as-of", "no date"),
        (("--as-of", "2999-01-01"), "--as-of", "has not come yet"),
        (("--verified-from", "1969-12-31"), "--verified-from", "from 1970 on"),
        (("--verified-to", "9999-12-31"), "--verified-to", "no date"),
        (("--verified-from", "2026-02-02", "--verified-to", "2026-02-01"), "--verified-to", "is before"),
        (("--sequenced-from", "2.2.2026"), "--sequenced-from", "no date"),
        (("--format", "csv"), "--format", "--json"),
    ],
)
def test_a_bad_value_is_named(line, words, name, mention):
    field, sentence = fault(line, *words)
    assert field == name
    assert mention in sentence


def test_without_a_home_or_a_log(tmp_path):
    answer = run("query", "--home", tmp_path / "none", "--json")
    assert (answer.code, answer.members["kind"]) == (2, "NotFound")
    empty = Line(tmp_path / "empty")
    empty.init()
    assert rows(empty) == []


# --- over HTTP ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(line):
    with (
        serve(line.home, "auditor") as server,
        httpx2.Client(base_url=server.url, trust_env=False) as client,
    ):
        assert server.url.startswith("http://127.0.0.1:")
        yield client


def test_an_auditor_of_the_whole_net_is_warned_of(line):
    with serve(line.home, "auditor", "--host", "0.0.0.0") as server:
        _, _, err = server.stop()
    assert "let a server in front of it decide" in err
    with serve(line.home, "auditor") as server:
        _, _, err = server.stop()
    assert "decide" not in err


def test_pages_follow_each_other_to_the_end(client, line):
    path, found, sizes = "/audit/entries?limit=4", [], set()
    while path:
        answer = client.get(path)
        assert answer.status_code == 200
        found += answer.json()["entries"]
        sizes.add(answer.json()["tree_size"])
        assert ("next" in answer.json()) == ("link" in answer.headers)
        path = answer.links["next"]["url"] if "link" in answer.headers else None
    assert found == rows(line)
    assert sizes == {len(line.leaves())}


def test_a_page_says_what_the_command_says(client, line):
    for given in ({"status": "SUSPENDED"}, {"event": "ISSUE", "proof": "1"}, {"as_of": TODAY.isoformat()}):
        words = [
            word
            for name, value in given.items()
            if name != "proof"
            for word in (f"--{name.replace('_', '-')}", value)
        ]
        expected = rows(line, *words, *(["--proof"] if "proof" in given else []))
        assert client.get("/audit/entries", params=given).json()["entries"] == expected
    answer = client.get("/audit/entries", params={"format": "csv", "limit": "1000"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == query(line).out
    assert "attachment" in answer.headers["content-disposition"]
    answer = client.get("/audit/entries", params={"format": "jsonl", "limit": "2"})
    assert len(answer.text.splitlines()) == 2


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("limit=65&proof=1", "query.limit"),
        ("limit=1e2", "query.limit"),
        ("next=5", "query.next"),
        ("next=999999-3", "query.next"),
        ("next=-1-3", "query.next"),
        ("proof=yes", "query.proof"),
        ("format=xlsx", "query.format"),
        ("category=pump", "query.category"),
        ("institution=%27%20OR%201=1", "query.institution"),
        ("used=pump/1", "query.used"),
        ("statsu=VALID", "query.statsu"),
        ("status=VALID&status=VOID", "query.status"),
    ],
)
def test_a_bad_parameter_is_named(client, asked, field):
    answer = client.get(f"/audit/entries?{asked}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_no_parameter_is_ignored(client):
    assert len(PARAMETERS) == len(set(PARAMETERS)) == 15
    described = client.get("/openapi.json").json()["paths"]["/audit/entries"]["get"]["parameters"]
    assert [each["name"] for each in described] == list(PARAMETERS)


def test_auditors_read_only_and_nobody_else_has_their_route(client, line):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/audit/entries").status_code == 405
        assert client.request(method, "/entries").status_code in {404, 405}
    assert client.get("/checkpoint").status_code == 200


@pytest.mark.parametrize("role", ["public", "ledger", "all"])
def test_no_other_role_answers_auditors(role):
    from api.export import render

    assert "/audit/entries" not in json.loads(render(role))["paths"]


def test_a_server_sees_what_the_log_takes_in(client, line):
    before = client.get("/audit/entries?event=ISSUE&limit=1000").json()["entries"]
    line.issue(write_rows(line.out / "more.jsonl", [meter(50)]), anchor=False)
    time.sleep(FOLLOW_SECONDS)
    after = client.get("/audit/entries?event=ISSUE&limit=1000").json()["entries"]
    assert len(after) == len(before) + 1


def test_many_ask_at_once(line, tmp_path):
    """Each brings the catalogue up to date, which one of them does at a time; all read the same."""
    home = tmp_path / "home"
    shutil.copytree(line.home, home, ignore=shutil.ignore_patterns("audit.db*"))
    words = command("query", "--home", home)
    asked = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(5)]
    answers = [process.communicate(timeout=120) for process in asked]
    assert len(set(answers)) == 1
    assert answers[0] == (query(line).out.encode(), b"")


def test_who_has_read_enough_may_go(line):
    words = shlex.join(command("query", "--home", line.home, "--format", "jsonl", "--proof"))
    done = subprocess.run(
        f"set -o pipefail; {words} | head -c 10",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 10, b"")


def test_rows_alone_are_on_stdout(line):
    answer = run_process("query", "--home", line.home, "--format", "jsonl")
    assert (answer.code, answer.err) == (0, "")
    assert len(answer.out.splitlines()) == len(rows(line))
