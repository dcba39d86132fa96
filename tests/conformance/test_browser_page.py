"""The verifier's modules in Chromium, under the pages' content policy: they say what Python says, in time."""

import json
import os
import random
import statistics
from datetime import datetime
from pathlib import Path

import pytest
from browser_cases import Case, ask_python, find_differences, read_vector
from browser_lies import LIES, honest, world
from browser_page import LOAD, LOAD_PACKED, ask_page, copy_curves, verifier_pages
from browser_sticker_lies import STICKER_LIES, honest_absence, honest_sticker

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "bundle"
LONG = os.environ.get("HENGZHENG_LONG") == "1"
TIMES = ROOT / "test-artifacts" / "verifier" / "times.txt"
NO_ED25519 = """
const own = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) =>
  (algorithm.name ?? algorithm) === "Ed25519"
    ? Promise.reject(new DOMException("Unrecognized name", "NotSupportedError"))
    : own(format, key, algorithm, ...rest);
"""
LARGEST_MS = 100
"""Within which a device is to check one document, on a machine that does nothing else; CI does other things too."""


@pytest.fixture(scope="module")
def open_page(tmp_path_factory):
    with verifier_pages(copy_curves(tmp_path_factory.mktemp("vendor"))) as opening:
        yield opening


def read_vectors():
    cases = []
    for folder in sorted(path for path in VECTORS.iterdir() if path.is_dir()):
        at = datetime.fromisoformat(json.loads((folder / "expected.json").read_bytes())["at"])
        raw, policy = (folder / "bundle.json").read_bytes(), (folder / "policy.json").read_bytes()
        cases.append(Case("bundle", raw, policy, None, at))
    return cases


@pytest.mark.parametrize("load", [LOAD, LOAD_PACKED], ids=["modules", "one file"])
@pytest.mark.parametrize("before", ["", NO_ED25519], ids=["WebCrypto", "without Ed25519"])
def test_vectors_in_a_page(open_page, before, load):
    cases = read_vectors()
    page = open_page(before)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    assert find_differences([ask_python(case) for case in cases], ask_page(page, cases, load)) == []
    own = [url.partition("/static/verifier/")[2] for url in asked if "/static/verifier/" in url]
    assert load == LOAD or set(own) <= {
        "all.js",
        "all/alone.js",
        "all/code_device.js",
        "all/quorum_certificate.js",
    }
    curves = [url for url in asked if "/vendor/noble/ed25519" in url]
    assert bool(curves) == bool(before), "the fallback is loaded where it is needed, and only there"


def test_changed_bundles_in_a_page(open_page):
    chance, changed = random.Random(5), []
    for case in read_vectors():
        for _ in range(40 if LONG else 3):
            position = chance.randrange(len(case.raw))
            raw = case.raw[:position] + bytes([case.raw[position] ^ 1]) + case.raw[position + 1 :]
            changed.append(Case(case.kind, raw, case.policy, case.trust, case.now))
    assert find_differences([ask_python(case) for case in changed], ask_page(open_page(), changed)) == []


_CHECK = """async (cases) => {
  const {checkOnDevice} = await (%s)("device")
  const found = []
  for (const one of cases) {
    const {shown, checkedByDevice, report} = await checkOnDevice(one)
    found.push([shown, checkedByDevice, report?.verdict ?? null])
  }
  return found
}"""


def test_lies_in_a_page(open_page):
    page = open_page(NO_ED25519)
    told = LIES if LONG else LIES[::4]
    found = page.evaluate(_CHECK % LOAD, [honest(), *(lie.tell() for lie in told)])
    assert found[0] == ["VALID", True, "VALID"]
    for lie, (shown, by_device, verdict) in zip(told, found[1:], strict=True):
        assert by_device, lie.name
        assert shown not in {"VALID", "ATTENTION", "CALIBRATED", "PAPER"}, lie.name
        assert verdict in {"INVALID", "UNKNOWN", None}, lie.name


@pytest.mark.parametrize("kind", ["sticker", "absence"])
def test_vectors_of_stickers_and_absences_in_a_page(open_page, kind):
    folders = sorted(path for path in (VECTORS.parent / f"{kind}_proof").iterdir() if path.is_dir())
    cases = [read_vector(kind, folder) for folder in folders]
    assert (
        find_differences([ask_python(case) for case in cases], ask_page(open_page(NO_ED25519), cases)) == []
    )


def test_lies_about_stickers_in_a_page(open_page):
    """With the packed modules: what is loaded later works on the first file's classes."""
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    told = STICKER_LIES if LONG else STICKER_LIES[::3]
    cases = [honest_sticker(), honest_absence(), *(lie.tell() for lie in told)]
    found = page.evaluate(_CHECK % LOAD_PACKED, cases)
    assert [shown for shown, _, _ in found[:2]] == ["VALID", "NEVER_GIVEN_OUT"]
    for lie, (shown, by_device, verdict) in zip(told, found[2:], strict=True):
        assert by_device, lie.name
        assert shown in {"TAMPERED", "CANNOT_CHECK"}, lie.name
        assert verdict in {"INVALID", "UNKNOWN", None}, lie.name
    loaded = [url.partition("/static/verifier/")[2] for url in asked if "/static/verifier/" in url]
    assert sorted(loaded) == ["all.js", "all/alone.js", "all/sticker_device.js"]


_TIME = """async ({given, count}) => {
  const start = performance.now()
  const {checkOnDevice} = await (%s)("device")
  const loaded = performance.now() - start
  const times = []
  for (let turn = 0; turn < count; turn += 1) {
    const before = performance.now()
    const {shown} = await checkOnDevice(given)
    if (shown !== "VALID") throw new Error(shown)
    times.push(performance.now() - before)
  }
  return [loaded, times]
}"""


@pytest.mark.parametrize("before", ["", NO_ED25519], ids=["WebCrypto", "without Ed25519"])
@pytest.mark.parametrize("what", ["two bundles", "one bundle"])
def test_a_check_takes_no_longer_than_a_blink(open_page, before, what):
    own = world()
    text = own.ledger.bundle(own.first, own.newest, checkpoint=own.note(own.newest)).decode()
    given = honest() if what == "two bundles" else own.given(bundleText=text, newestText=None)
    firsts, warm = [], []
    for _ in range(5):
        loaded, times = open_page(before).evaluate(_TIME % LOAD_PACKED, {"given": given, "count": 21})
        firsts.append(times[0])
        warm += times[1:]
    first, then = statistics.median(firsts), statistics.median(warm)
    TIMES.parent.mkdir(parents=True, exist_ok=True)
    with TIMES.open("a", encoding="utf-8") as file:
        how = "without Ed25519" if before else "WebCrypto"
        file.write(f"{what}, {how}: loading {loaded:.0f} ms, first {first:.1f} ms, then {then:.1f} ms\n")
    assert then <= LARGEST_MS * (1 if LONG else 10)
