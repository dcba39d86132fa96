"""scripts/bench works and says what it promises; its figures are never a test's business."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GAS = {"1000->2000", "1001000->1002000", "1000012345->1001012345", "worst_of_random"}


@pytest.fixture(scope="module")
def quick():
    command = [sys.executable, str(ROOT / "scripts" / "benchmarks"), "--json", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done


def test_it_prints_one_object_and_nothing_else(quick):
    assert quick.stdout.count("\n") == 1
    assert isinstance(json.loads(quick.stdout), dict)


def test_every_promised_figure_is_there(quick):
    result = json.loads(quick.stdout)
    for name in (
        "issue_per_s",
        "verify_offline_per_s",
        "sequencer_entries_per_s",
        "sequencer_map_entries_per_s",
        "replay_entries_per_s",
        "q_page_per_s",
        "q_json_per_s",
        "q_unchanged_per_s",
        "q_page_p50_ms",
        "q_page_p99_ms",
        "qr_per_s",
        "pdf_unsigned_per_s",
        "pdf_signed_per_s",
    ):
        assert result[name] > 0
    assert result["anchor_gas"].keys() == GAS
    assert all(gas > 21_000 for gas in result["anchor_gas"].values())
    assert result["inclusion_proof_bytes_1e6"] == 640
    assert result["statement_bytes"] <= 214
    assert result["map"]["subjects"] == 1_000
    assert [larger["subjects"] for larger in result["larger_maps"]] == [2_000]
    assert result["map"].keys() == {"subjects", "build_and_store_s", "start_ms", "mb_per_1e6_subjects"}
    assert {"sequencer_map", "sequencer_map_after_start"} <= result["measures"].keys()
    assert result["environment"]["cores"] >= 1


def test_a_log_that_grows_is_measured_at_each_size(quick):
    stages = json.loads(quick.stdout)["curve"]
    assert list(stages) == ["100", "300"]
    for stage in stages.values():
        assert {
            *("append_us", "start_s", "map_mb", "map_proof_bytes", "inclusion_proof_bytes")
        } <= stage.keys()
        assert stage["disk_bytes_per_entry"] > 300
        assert stage["audit"]["workers_2"]["processor_s_of_workers"] > 0
        assert stage["audit"]["workers_0"]["processor_s_of_workers"] == 0


def test_a_stage_for_which_there_is_no_time_is_named():
    folder = ROOT / "scripts" / "benchmarks"
    program = (
        "import json; from curve import measure_curve; print(json.dumps(measure_curve((50, 10**9), 30)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "would take about" in json.loads(done.stdout)[str(10**9)]["left_out"]


def test_wrong_usage_is_told():
    command = [sys.executable, str(ROOT / "scripts" / "benchmarks"), "--jsno"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--jsno" in done.stderr


ASKING = """
import json, sys, time, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from asking import ask, write_request

class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(404 if self.path == "/missing" else 304 if self.path == "/same" else 200)
        if self.path == "/same":
            self.end_headers()
            return
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(bytes(60_000))
        self.wfile.flush()
        time.sleep(0.05)
        self.wfile.write(bytes(0 if self.path == "/cut" else 40_000))
        self.close_connection = self.path == "/cut"
    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Answers)
threading.Thread(target=server.serve_forever, daemon=True).start()
path, status = sys.argv[1], int(sys.argv[2])
print(json.dumps(ask("127.0.0.1", server.server_port, [write_request(path, {})] * 3, connections=1, status=status)))
"""


def run_asking(path, status):
    folder = ROOT / "scripts" / "benchmarks"
    command = [sys.executable, "-c", ASKING, path, str(status)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_an_answer_counts_when_all_of_it_has_come():
    waited = json.loads(run_asking("/whole", 200).stdout)
    assert len(waited) == 3
    assert min(waited) >= 0.05
    assert len(json.loads(run_asking("/same", 304).stdout)) == 3


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/missing", 200, "another answer"), ("/whole", 304, "another answer"), ("/cut", 200, "hung up")],
)
def test_another_answer_is_not_measured(path, status, said):
    done = run_asking(path, status)
    assert done.returncode == 1
    assert said in done.stderr
