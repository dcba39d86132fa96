"""The page's scripts and the office understand each other: what node signs with them, Python takes."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from rounds_world import open_round
from signoff_world import OPERATOR
from world import INSTITUTION

from issuer.rounds.finding import encode_device_claim, parse_device_key
from issuer.rounds.receiving import Sent
from issuer.rounds.store import Device
from ledger.core.signature import verify_signature

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
  form.stickers = [{ text: "http://v.example.cn/s/7kq2-m9xo-oIrc-ccf83".replace("cc", "c"), part: "1" }];
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


def run_script(value):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--no-warnings", "--input-type=module", "-e", RUN, SCRIPTS.as_uri()]
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
