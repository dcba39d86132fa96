"""The page's scripts and the office understand each other: what node signs with them, Python takes."""

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from rounds_world import make_plan, open_round
from signoff_world import OPERATOR
from world import INSTITUTION

from issuer.instruments import ListedInstrument
from issuer.rounds.finding import encode_device_claim, parse_device_key
from issuer.rounds.preparing import Chosen, prepare_round
from issuer.rounds.receiving import Sent
from issuer.rounds.store import Device
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.qr import ALPHABET, format_code
from ledger.core.register_fields import RegisterState
from ledger.core.signature import verify_signature
from ledger.core.sticker import RollContent, compute_sticker_id, parse_sticker_id

SCRIPTS = Path(__file__).resolve().parents[2] / "api" / "web" / "static" / "round"
RUN = """
import { readFileSync } from "node:fs";
const base = process.argv[1];
const { makeKey, signClaim } = await import(base + "/device.js");
const { beginForm, listMissing, listSeries, signForm } = await import(base + "/work.js");
const { digest } = await import(base + "/canonical.js");
const { text, claim, deviceId, times } = JSON.parse(readFileSync(0, "utf8"));
const round = JSON.parse(text);
const item = round.items[0];
const made = [];
for (let number = 0; number < times; number += 1) {
  const { privateKey, publicHex } = await makeKey();
  const form = { ...beginForm(round, "2026-11-02"), nameplate: "agrees", seals_before: "intact" };
  form.adjusted = ["1"];
  form.flows = ["５０"];
  form.stickers = [{ text: "https://v.example.cn/s/7kq2-m9xo-oIrc-ccf83".replace("cc", "c"), part: "1" }];
  form.note = "  调修：\\u3000“½”\\t𠮷 ";
  form.humidity = "６０";
  form.seals = [{ no: "C9", point: "主板与壳体" }, { no: " ", point: "" }];
  for (const series of listSeries(round, item, form)) {
    const measured = series.before_adjustment ? ["20.12", "20,15"] : ["20.02", "20.03", "20.02"];
    form.readings[series.key] = measured.map((one) => ["20.00", one]);
  }
  const signed = await signForm(round, item, form, {
    deviceId, revision: 1, privateKey, roundDigest: await digest(new TextEncoder().encode(text)),
    now: new Date("2026-11-03T07:50:00.123Z"),
  });
  const signature = await signClaim(privateKey, { ...claim, publicHex });
  made.push({ publicHex, signature, signed, missing: listMissing(round, item, form) });
}
console.log(JSON.stringify(made));
"""
CLAIM = {"label": "平板 1", "person": OPERATOR, "institution": INSTITUTION}
TIMES = 12
"""So many keys: half of all signatures need the other half of s, half of all points the other sign."""


def run_script(value, script=RUN):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--no-warnings", "--input-type=module", "-e", script, SCRIPTS.as_uri()]
    done = subprocess.run(
        command, input=json.dumps(value), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_the_page_signs_the_office_takes(tmp_path):
    with open_round(tmp_path) as rounds:
        value = {"text": rounds.content.decode(), "claim": CLAIM, "deviceId": "d-" + "0" * 16, "times": TIMES}
        for number, made in enumerate(run_script(value)):
            assert made["missing"] == []
            key = parse_device_key(bytes.fromhex(made["publicHex"]))
            claim = encode_device_claim(CLAIM["label"], key, CLAIM["person"], CLAIM["institution"])
            verify_signature(key, base64.b64decode(made["signature"]), claim)
            with rounds.store.write() as writing:
                writing._connection.exec_driver_sql("DELETE FROM desk_round_devices")
                writing.add_device(Device("d-" + "0" * 16, OPERATOR, "x", key.multikey, number))
            signed = made["signed"]
            sent = Sent(base64.b64decode(signed["finding"]), base64.b64decode(signed["signature"]))
            (taken,) = rounds.take(sent)
            if number:  # ECDSA draws: the bytes are the same, the key is another
                assert taken.state == "drafted"
                continue
            assert (taken.state, taken.reasons) == ("drafted", ()), taken
            content = rounds.draft_content(taken.draft)
    before, spread, after, _ = content["results"]
    assert before["before_adjustment"] is True
    assert [point["measured"] for point in before["points"]] == ["20.12", "20.15"]
    assert spread["pass"] is False
    assert after["part"] == "1"
    assert content["environment"]["humidity"]["value"] == "60"
    assert content["seals"] == [{"no": "C9", "point": "主板与壳体"}]
    assert content["conclusion"] == "pass"


# --- stickers -----------------------------------------------------------------------------------------------

READ_STICKERS = """
import { readFileSync } from "node:fs";
const { formatSticker, readSticker } = await import(process.argv[1] + "/sticker.js");
const { texts, rolls } = JSON.parse(readFileSync(0, "utf8"));
const found = texts.map((text) => readSticker(text, { host: "v.example.cn", rolls }));
console.log(JSON.stringify(found.map((one) => ({ ...one, printed: one.id && formatSticker(one.id) }))));
"""
ROLL = RollContent("7KQ2M9X", INSTITUTION, 1000, bytes(16), RegisterState.ACTIVE)


def read_stickers(*texts, rolls=({"roll": "7KQ2M9X", "count": 1000},)):
    return run_script({"texts": texts, "rolls": list(rolls)}, READ_STICKERS)


def spoil(random, text):
    """Return an id as somebody types it: another letter, two exchanged, one too few, or just as well."""
    at, other = random.randrange(16), random.randrange(16)
    letters = list(text)
    match random.randrange(6):
        case 0:
            letters[at] = random.choice(ALPHABET + "OILU*é")
        case 1:
            letters[at], letters[other] = letters[other], letters[at]
        case 2:
            del letters[at]
        case 3:
            letters.insert(at, "-")
        case 4:
            letters = list("".join(letters).lower().replace("0", "o").replace("1", random.choice("il")))
    return "".join(letters)


def test_the_page_reads_ids_of_stickers_as_the_office_does():
    random = Random(7)
    texts = [spoil(random, compute_sticker_id(ROLL, random.randrange(1000))) for _ in range(1500)]
    found = read_stickers(*texts)
    for text, one in zip(texts, found, strict=True):
        try:
            expected = parse_sticker_id(text)
        except InputError:
            expected = None
        assert one["id"] == expected, text
        assert (one["fault"] is None) is (expected is not None)
    assert 200 < sum(one["id"] is None for one in found) < 1300


def test_what_the_page_says_of_a_sticker():
    id_ = compute_sticker_id(ROLL, 999)
    link, full_width = (
        f"https://v.example.cn/s/{format_code(id_)}",
        "".join(chr(ord(one) + 0xFEE0) for one in id_),
    )
    for text in (link, full_width, f"  {id_[:8]} {id_[8:]} "):
        assert read_stickers(text) == [{"id": id_, "fault": None, "doubt": None, "printed": format_code(id_)}]
    (unknown,) = read_stickers(id_, rolls=[])
    assert unknown["id"] == id_
    assert "7KQ2M9X" in unknown["doubt"]["zh"]
    (beyond,) = read_stickers(id_, rolls=[{"roll": "7KQ2M9X", "count": 999}])
    assert beyond["id"] is None
    assert "no sticker of this number" in beyond["fault"]["en"]
    assert [one["id"] for one in read_stickers("https://v.example.cn/c/" + id_, "ST-1", "")] == [None] * 3


@pytest.mark.parametrize(
    "start",
    [
        "http://v.example.cn/s/",
        "HTTPS://V.EXAMPLE.CN/s/",
        "https://v.example.cn.evil.cn/s/",
        "https://evil.cn/s/",
        "https://v.example.cn:8443/s/",
        "https://v.example.cn@evil.cn/s/",
        "https://ｖ.example.cn/s/",
        "https:／／evil.cn／s／",
        "//v.example.cn/s/",
        "evil.cn/s/",
    ],
)
def test_a_right_id_under_another_host_is_refused_before_it_is_read(start):
    (found,) = read_stickers(start + compute_sticker_id(ROLL, 999))
    assert (found["id"], found["fault"]["en"]) == (
        None,
        "this code does not lead to v.example.cn: do not use it",
    )
    assert "请勿使用" in found["fault"]["zh"]


@pytest.mark.parametrize("text", ["/c/{}", "/s/{}/", "/s/{}?a=1", "/s/", "/{}", "/s//{}", "/s/{}#x"])
def test_other_codes_of_the_own_host_are_no_stickers(text):
    (found,) = read_stickers("https://v.example.cn" + text.format(compute_sticker_id(ROLL, 999)))
    assert found["id"] is None


# --- forms --------------------------------------------------------------------------------------------------

FORMS = """
import { readFileSync } from "node:fs";
const work = await import(process.argv[1] + "/work.js");
const round = JSON.parse(JSON.parse(readFileSync(0, "utf8")).text);
const item = round.items[0];
const form = { ...work.beginForm(round, "2026-11-02"), nameplate: "agrees", seals_before: "intact" };
const list = () => work.listSeries(round, item, form).map(({ key, typed }) => [key, typed.map((row) => row[1])]);
const missing = () => work.listMissing(round, item, form).map(({ en }) => en);
const read = (key, ...indications) => {
  const { typed } = work.listSeries(round, item, form).find((one) => one.key === key);
  form.readings[key] = indications.map((one, number) => [typed[number][0], one]);
};
const said = [];
%s
console.log(JSON.stringify(said));
"""
"""Moves a form, and says what it has become."""


def test_what_was_read_before_an_adjustment_is_kept_as_that(tmp_path):
    body = """
read("1|indication_error|0|", "20.20");
work.setAdjusted(form, "1", true);
said.push(list());
read("1|indication_error|0|", "20.00");
said.push(missing(), work.conclude(round, item, form));
form.readings["1|indication_error|0|"].push(["20.00", "20.00"]);
said.push(missing(), work.conclude(round, item, form));
work.setAdjusted(form, "1", false);
said.push(list());
form.flows.push("5"); form.flows[0] = "5";
said.push(missing());
form.flows[0] = "50";
read("1|indication_error|1|", "20.00");
said.push(missing());
form.readings["1|indication_error|1|"].push(["20.00", ""], ["20.00", "20.01"]);
said.push(missing(), work.judgeForm(round, item, form).results.map((one) => one.flow));
work.dropFlow(form);
said.push(list().length, Object.keys(form.readings));
"""
    with open_round(tmp_path) as rounds:
        said = run_script({"text": rounds.content.decode()}, FORMS % body)
    both, once, unknown, missing, conclusion, back, twice, alone, none, flows, count, left = said
    least = "two readings or more of one load or flow, for the repeatability: 1"
    assert (once, unknown) == ([least], "fail")
    assert alone == [f"{least} @ 5"]
    assert both == [
        ["1|indication_error|0|before", ["20.20"]],
        ["1|indication_error|0|", ["", "", ""]],
    ]
    assert (missing, conclusion) == ([], "pass")
    assert back == [["1|indication_error|0|", ["20.00", "20.00"]]], "what was read after stays"
    assert "each flow once" in twice
    assert (none, flows) == ([], ["50", "50", "5", "5"])
    assert (count, left) == (1, ["1|indication_error|0|"])


SCALE = ListedInstrument("电子计价秤", "ACS-15A", "YH1", "永衡", accuracy_class="III", site="市场")


def test_a_scale_needs_its_loads_and_its_repeatability():
    plan = make_plan(prepared_at=datetime(2026, 11, 3, tzinfo=UTC), uncertainty=None, coverage_factor=None)
    chosen = Chosen(None, SCALE, "PRICE_SCALE", 0, "350100", "5 g")
    prepared = prepare_round(plan, [chosen], [], load_rule_book())
    body = """
form.standards = ["x"];
said.push(list().map(([key]) => key), missing());
read("|indication_error|0|", "0", "2.5", "10.005");
said.push(missing());
form.readings["|repeatability|0|"] = [["7.5", "7.5"], ["7.5", "7.505"], ["7.5", ""]];
said.push(missing(), work.conclude(round, item, form));
for (const other of ["", "7.505"]) {
  form.readings["|repeatability|0|"] = [["7.5", "7.5"], ["8", other && "8"]];
  said.push(missing(), work.conclude(round, item, form));
}
form.readings["|repeatability|0|"] = [["7.5", "7.5"], ["7.5", "7.505"], ["7.5", ""]];
form.readings["|eccentricity|0|"] = [["5", "5.006"]];
said.push(missing(), work.conclude(round, item, form));
form.readings["|eccentricity|0|"] = [["51", "51"]];
said.push(missing());
form.stickers[0].text = "7KQ2M9X001RCCF83";
form.readings["|eccentricity|0|"] = [["5", "5.006"]];
said.push(missing());
"""
    said = run_script({"text": prepared.content.decode()}, FORMS % body)
    keys, empty, loads, complete, passed, *unrepeated, place, failed, beyond, stuck = said
    least = "two readings or more of one load or flow, for the repeatability: -"
    assert unrepeated == [[least], "fail"] * 2, "one weighing, and two of different loads"
    assert keys == ["|indication_error|0|", "|eccentricity|0|", "|repeatability|0|"]
    assert empty == loads == ["readings of every part"]
    assert (complete, passed) == ([], "pass"), "eccentric loading may stay empty"
    assert (place, failed) == ([], "fail")
    assert beyond == ["loads and indications that are numbers, at loads that have a limit"]
    assert stuck == ["no sticker: what fails bears none"]
