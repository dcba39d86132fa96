"""A photograph through the commands: registered, re-read by `doctor`, served, taken away by law; SQLite on disk."""

import hashlib

import httpx2
import pytest
from line import Line, run, write_json
from photos import MAKER, bomb, taken_by_phone
from served_home import serve

NAMEPLATE = {
    "category": "FUEL_DISPENSER",
    "model": "EX-1224",
    "serial": "SN20240077",
    "maker": "示例机械有限公司",
    "division": "350102",
}
ORDER = "榕市监〔2026〕8号"


class PhotoLine(Line):
    """A line that registers one pump."""

    def register(self, *words, code=0, **changes):
        source = write_json(self.out / "pump.json", NAMEPLATE | changes)
        return self.run(
            "instruments", "register", source, "--institution", self.institution, *words, code=code
        )

    def read_files(self, pattern="*.db*"):
        """Return what ledger and desk have on disk."""
        return b"".join(path.read_bytes() for path in self.home.glob(pattern))


def is_in(raw, files):
    """Tell whether any stretch of a picture is there: SQLite cuts what is longer than a page."""
    return any(raw[at : at + 64] in files for at in range(700, len(raw) - 64, 997))


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = PhotoLine(tmp_path_factory.mktemp("photos"))
    with line.chain():
        line.found()
        (line.out / "phone.jpg").write_bytes(taken_by_phone())
        (line.out / "bomb.png").write_bytes(bomb())
        yield line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--photo", "bomb.png"), "is no photograph"),
        (("--photo", "pump.json"), "is no photograph"),
        (("--photo", "absent.jpg"), "cannot be read"),
        (("--photo", "phone.jpg", "--no-photo"), "stands beside --no-photo"),
        (("--taken-on", "2026-01-01"), "give one with --photo"),
        (("--photo", "phone.jpg", "--taken-on", "2026-02-30"), "--taken-on"),
        (("--photo", "phone.jpg", "--taken-on", "2999-01-01"), "is in the future"),
    ],
)
def test_what_cannot_be_registered_is_refused(line, words, said):
    words = [str(line.out / word) if "." in word else word for word in words]
    write_json(line.out / "pump.json", NAMEPLATE)
    command = ("instruments", "register", line.out / "pump.json", "--institution", line.institution)
    answer = run(*command, "--home", line.home, *words)
    assert (answer.code, said in answer.err) == (2, True), answer.err


def test_a_photograph_is_registered_served_and_withheld(line):
    first = line.register("--photo", line.out / "phone.jpg", "--taken-on", "2026-01-02")
    assert first["taken_on"] == "2026-01-02"
    assert line.register("--photo", line.out / "phone.jpg") == first, "the same again changes nothing"
    later = line.register(seal_points=["主板与机壳"])
    assert later["photo"] == first["photo"]
    assert later["leaf"] > first["leaf"]
    assert MAKER not in line.read_files(), "what the phone wrote beside the pixels is nowhere"
    line.run("doctor", "--deep")

    path = f"/i/{first['instrument']}/photo-{first['photo']}"
    with serve(line.home, "public") as server, httpx2.Client(base_url=server.url, trust_env=False) as client:
        raw = client.get(f"{path}.jpg").content
        assert client.get(f"{path}.json").status_code == 200
    assert hashlib.sha256(raw).hexdigest() == first["photo"]
    assert is_in(raw, line.read_files())

    words = ("log", "withhold-photo", first["photo"], "--instrument", first["instrument"], "--grounds", ORDER)
    assert line.run(*words)["withheld"] is False
    assert line.run("log", "withhold-photo", "00" * 32, *words[3:], code=2)
    said = line.run(*words, "--yes")
    assert (said["withheld"], said["grounds"]) == (True, ORDER)
    assert line.run(*words, "--yes") == said, "the same again changes nothing"
    assert not is_in(raw, line.read_files("ledger.db*"))
    assert line.run("doctor", "--deep")["rows"]["withheld_documents"] == 1

    with serve(line.home, "public") as server, httpx2.Client(base_url=server.url, trust_env=False) as client:
        assert client.get(f"{path}.jpg").status_code == 451
    line.register("--no-photo", seal_points=["主板与机壳"])
    assert not is_in(raw, line.read_files()), "the desk forgets it too"
