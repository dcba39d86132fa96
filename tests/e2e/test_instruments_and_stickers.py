"""Instruments and stickers through the commands: registered, bound, shown, released by what fails."""

import json

import pytest
from line import DAY, Line, run, write_json

from ledger.core.sticker import compute_sticker_id, parse_roll_content

NAMEPLATE = {
    "category": "FUEL_DISPENSER",
    "model": "EX-1224",
    "serial": "SN20240077",
    "maker": "示例机械有限公司",
    "year": 2024,
    "parts": ["1", "2"],
    "division": "350102",
}


class StickerLine(Line):
    """A line with pumps of two nozzles."""

    def register(self, *words, code=0, **changes):
        source = write_json(self.out / "pump-registration.json", NAMEPLATE | changes)
        return self.run(
            "instruments", "register", source, "--institution", self.institution, *words, code=code
        )

    def stickers(self, *words, code=0):
        return self.run("stickers", *words, "--institution", self.institution, code=code)

    def pump(self, request, *, error="0.10", serial=NAMEPLATE["serial"], day=DAY):
        passed = error == "0.10"
        measured = "20.02" if passed else "20.10"
        readings = [
            {"item": "indication_error", "part": part, "unit": "L", "error_unit": "%", "k": "2", "pass": passed,
             "points": [{"nominal": "20.00", "measured": measured, "error": error, "mpe": "0.30", "u": "0.05",
                         "pass": passed}]}
            for part in ("1", "2")
        ]  # fmt: skip
        times = {"operator": "01:00:00", "checker": "02:00:00", "approver": "03:00:00"}
        document = {
            "request_id": request,
            "kind": "periodic",
            "instrument": {
                "category": "FUEL_DISPENSER", "name": "燃油加油机", "model": NAMEPLATE["model"], "serial": serial,
                "maker": NAMEPLATE["maker"], "site": {"division": "350102"},
                "parts": [{"id": "1"}, {"id": "2"}],
            },
            "results": [
                *readings,
                *({"item": "repeatability", "part": part, "error_unit": "%", "pass": True,
                   "points": [{"error": "0.03", "mpe": "0.10", "pass": True}]} for part in ("1", "2")),
            ],
            "conclusion": "pass" if passed else "fail",
            "adjusted": False,
            "verified_on": day.isoformat(),
            "persons": [
                {"role": role, "pid": f"P-000{at}", "signed_at": f"{day}T{time}Z"}
                for at, (role, time) in enumerate(times.items(), 1)
            ],
        }  # fmt: skip
        return write_json(self.out / f"{request}.json", document)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = StickerLine(tmp_path_factory.mktemp("stickers"))
    with line.chain():
        line.found()
        yield line


def bound(line):
    return line.stickers("list")["bound"]


def test_an_instrument_is_registered_and_its_likeness_is_answered(line):
    first = line.register()
    assert line.register() == first, "the same again changes nothing"
    refused = run("instruments", "register", line.out / "x.json", "--home", line.home)
    assert refused.code == 2
    again = line.register(maker="示例机械", code=2)
    assert f"looks like {first['instrument']}" in json.dumps(again, ensure_ascii=False)
    other = line.register("--different", first["instrument"], "--by", "P-0001", maker="示例机械")
    assert other["instrument"] != first["instrument"]


def test_a_sticker_is_put_on_before_the_certificate_and_released_by_what_fails(line):
    instrument = line.register()["instrument"]
    roll = parse_roll_content(allot(line))
    sticker = compute_sticker_id(roll, 0)
    said = line.stickers("bind", sticker, "--instrument", instrument)
    assert line.stickers("bind", sticker, "--instrument", instrument) == said
    line.issue(line.pump("pump-pass"))
    (folder,) = line.folders()
    assert line.verify(folder / "bundle.json", code=0)["status"] == "VALID"
    assert [each["instrument"] for each in bound(line)] == [instrument]
    sheet = line.out / "sheet.pdf"
    line.run("stickers", "sheet", folder.name, "--template", "a4-3x8", "--out", sheet)
    assert sheet.read_bytes().startswith(b"%PDF")

    line.issue(line.pump("pump-fail", error="0.50"))
    assert bound(line) == [], "what fails bears no sticker"
    line.run("anchor")
    line.issue(line.pump("pump-pass"))
    assert line.verify(folder / "bundle.json")["status"] == "FAILED_SINCE"
    refused = line.run("stickers", "sheet", folder.name, "--template", "a4-3x8", "--out", sheet, code=2)
    assert folder.name in json.dumps(refused)


def test_words_that_are_wrong_are_named(line):
    roll = parse_roll_content(allot(line))
    sticker = compute_sticker_id(roll, 1)
    for words, reason in (
        (("bind", sticker), "--number or --instrument"),
        (("bind", sticker, "--instrument", "00"), "--instrument"),
        (("bind", f"{sticker[:-1]}{'0' if sticker[-1] != '0' else '1'}", "--instrument", "00" * 16), "wrong"),
        (("bind", sticker, "--number", "JY1999-000001"), "no document"),
        (("unbind", sticker, "--reason", "TIRED"), "is none of VERIFICATION_FAILED"),
        (("unbind", sticker, "--reason", "LOST"), "has bound no sticker"),
        (("withdraw", "0000000"), "has allotted no roll"),
        (("bind", sticker, "--instrument", "00" * 16, "--effective-at", "2099-01-01T00:00:00Z"), "future"),
    ):
        assert reason in json.dumps(line.stickers(*words, code=2)), words


def allot(line):
    out = line.out / "roll.json"
    line.stickers("allot", 5, "--out", out)
    return out.read_bytes()
