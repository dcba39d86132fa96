"""How a document stood at a past instant: asked of a real server over SQLite, verified by the command."""

from datetime import UTC, datetime

import httpx2
import pytest
from line import Line, run, write_meters
from served_home import serve

from ledger.core.encoding import encode_instant, parse_instant
from ledger.core.entry import HEADER_BYTES, parse_header
from ledger.core.qr import compute_code


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line with a certificate that is anchored, suspended, and anchored again."""
    made = Line(tmp_path_factory.mktemp("as_of"))
    with made.chain():
        made.found()
        assert made.issue(write_meters(made.out / "meters.jsonl", 1))["logged"] == 1
        (number,) = [row[1] for row in made.desk()]
        made.run("amend", "suspend", number, "--reason", "WRONG_RESULT")
        made.run("anchor")
        yield made


def ask(line, url, path, at):
    """Ask a server, and let the command judge what it gives."""
    leaf = next(leaf for leaf in line.leaves() if leaf[4] == 1)
    answer = httpx2.get(f"{url}/c/{compute_code(leaf[HEADER_BYTES:])}/as-of.json", params={"at": at})
    if answer.status_code != 200:
        return answer.status_code, answer.json()["detail"]
    path.write_bytes(answer.content)
    found = run("verify", path, "--policy", line.policy, "--json")
    return found.code, found.members["status"]


def test_it_stood_otherwise_before_it_was_suspended(line, tmp_path):
    issued = next(leaf for leaf in line.leaves() if leaf[4] == 1)
    suspended = next(leaf for leaf in line.leaves() if leaf[4] == 6)
    times = [encode_instant(parse_header(leaf[:HEADER_BYTES]).sequenced_at) for leaf in (issued, suspended)]
    with serve(line.home, "public") as server:
        path = tmp_path / "as-of.json"
        assert ask(line, server.url, path, times[0]) == (0, "VALID")
        assert ask(line, server.url, path, times[1]) == (1, "SUSPENDED")
        now = encode_instant(datetime.now(UTC).replace(microsecond=0))
        assert parse_instant(now) >= parse_instant(times[1]).replace(microsecond=0)
        assert ask(line, server.url, path, now)[1] == "SUSPENDED"
        status, detail = ask(line, server.url, path, "2020-01-01")
        assert (status, "was empty" in detail) == (404, True)
        status, detail = ask(line, server.url, path, "2099-01-01")
        assert (status, "has not come yet" in detail) == (422, True)
