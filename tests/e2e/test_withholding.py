"""A document's content is withheld by law, through the commands: its bytes are gone, what was signed stays."""

import httpx2
import pytest
from line import INSTITUTION, Line, run, write_meters
from served_home import serve

ORDER = "榕市监〔2026〕8号"
GONE, KEPT = "JY2026-000001", "JY2026-000002"


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("withheld"))
    with made.chain():
        made.found()
        assert made.issue(write_meters(made.out / "meters.jsonl", 2))["logged"] == 2
        yield made


def withhold(line, number, *options, grounds=ORDER, code=0):
    words = ("log", "withhold", number, "--institution", INSTITUTION, "--grounds", grounds)
    return line.run(*words, *options, code=code)


def read_files(line):
    """Return what the ledger's database has on disk, its write-ahead log included."""
    return b"".join(path.read_bytes() for path in line.home.glob("ledger.db*"))


def find_bytes(line, number):
    return (line.folder(number) / "certificate.json").read_bytes()


@pytest.mark.parametrize(
    ("number", "grounds", "said"), [("JY2026-000009", ORDER, "no document"), (GONE, "a\nb", "--grounds")]
)
def test_what_cannot_be_withheld_is_refused_and_nothing_changes(line, number, grounds, said):
    answer = run(
        *("log", "withhold", number, "--institution", INSTITUTION, "--grounds", grounds, "--yes"),
        *("--home", line.home),
    )
    assert (answer.code, said in answer.err) == (2, True)
    assert find_bytes(line, GONE) in read_files(line)


def test_without_yes_it_is_only_said_what_would_be_done(line):
    assert withhold(line, GONE)["withheld"] is False
    assert find_bytes(line, GONE) in read_files(line)


def test_the_bytes_go_and_everything_else_stays(line):
    said = withhold(line, GONE, "--yes")
    assert (said["withheld"], said["grounds"]) == (True, ORDER)
    assert withhold(line, GONE, "--yes", grounds="another") == said, "the same again changes nothing"
    on_disk = read_files(line)
    assert find_bytes(line, GONE) not in on_disk
    assert find_bytes(line, KEPT) in on_disk
    assert line.run("doctor", "--deep")["rows"]["withheld_documents"] == 1
    assert line.verify(GONE)["verdict"] == "VALID", "whoever has the bundle still verifies it"
    line.run("log", "export", line.out / "log")
    audit = run("audit", "--from", line.out / "log", "--policy", line.policy, "--json")
    assert (audit.code, audit.members["contradictions"]) == (0, [])


def test_pages_say_so_and_no_bundle_is_handed_out(line):
    code = line.verify(KEPT)["document"]["number"]
    assert code == KEPT
    with serve(line.home, "public") as server:
        known = {
            number: httpx2.get(f"{server.url}/certificates/{number}").json()["certificates"]
            for number in (GONE, KEPT)
        }
    assert {number: found[0]["status"] for number, found in known.items()} == {
        GONE: "CONTENT_WITHHELD",
        KEPT: "VALID",
    }


def test_the_same_documents_again_bring_nothing_back(line):
    line.issue(line.out / "meters.jsonl")
    line.run("anchor")
    (line.folder(GONE) / "bundle.json").unlink()
    answer = run(*line.issue_words(line.out / "meters.jsonl"), "--home", line.home)
    assert (answer.code, "withheld by law" in answer.err) == (2, True)
    assert find_bytes(line, GONE) not in read_files(line)
