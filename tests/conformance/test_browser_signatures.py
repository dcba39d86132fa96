"""The browser's signatures beside Python's, once through WebCrypto and once through @noble/curves."""

import hashlib
import json
import random
import re
import shutil
import subprocess

import pytest
from browser_node import NOBLE, ROOT, find_node, run_node
from vectors import vector_path

from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.signature import (
    Algorithm,
    Ed25519Signer,
    P256Signer,
    PublicKey,
    parse_multikey,
    parse_verification_method,
    verify_signature,
)

SEED = random.Random(20261123)
Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TORSION = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
ODD_POINTS = [
    *TORSION,
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
]
PATHS = pytest.mark.parametrize("path", ["webcrypto", "noble", "served"])
"""The device's own cryptography; @noble/curves as npm gives it; the copy that `scripts/vendor` makes for pages."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Return a folder with the copies that pages are served."""
    folder = tmp_path_factory.mktemp("vendor")
    shutil.copy(ROOT / "node_modules" / "htmx.org" / "dist" / "htmx.min.js", folder)
    subprocess.run([find_node(), ROOT / "scripts" / "vendor.mjs", folder], check=True)
    return folder

JUDGE = """async ({load, outcome, curves}, {path, cases}) => {
  const {publicKey, verifySignature} = await load("signature")
  let loaded = 0
  const {load: from} = curves
  curves.load = (name) => { loaded++; return from(name) }
  if (path !== "webcrypto") curves.subtle = null
  const answers = []
  for (const [algorithm, raw, signature, message] of cases) {
    const found = await outcome(() => verifySignature(publicKey(algorithm, raw), signature, message))
    answers.push(found.error ?? null)
  }
  return {loaded, answers}
}"""


def judge(case):
    """Return the class of error of one case here, or None."""
    algorithm, raw, signature, message = case
    try:
        verify_signature(PublicKey(algorithm, raw), signature, message)
    except (InputError, BrokenSignatureError) as err:
        return type(err).__name__
    return None


def assert_judged_alike(cases, path, served):
    noble = served / "noble" if path == "served" else NOBLE
    found = run_node(JUDGE, {"path": path, "cases": cases}, noble=noble)
    expected = [judge(case) for case in cases]
    assert [
        (at, *pair)
        for at, pair in enumerate(zip(found["answers"], expected, strict=True))
        if pair[0] != pair[1]
    ] == []
    assert bool(found["loaded"]) == (path != "webcrypto")
    return expected


def load_wycheproof(name):
    document = json.loads(vector_path("crypto", "wycheproof", name).read_text())
    return [(group, test) for group in document["testGroups"] for test in group["tests"]]


def compress(group):
    x, y = (int(group["publicKey"][name], 16) for name in ("wx", "wy"))
    return bytes([2 + y % 2]) + x.to_bytes(32, "big")


@PATHS
def test_wycheproof(path, served):
    cases = [
        [
            Algorithm.ED25519,
            bytes.fromhex(group["publicKey"]["pk"]),
            bytes.fromhex(test["sig"]),
            bytes.fromhex(test["msg"]),
        ]
        for group, test in load_wycheproof("ed25519_test.json")
    ]
    cases += [
        [Algorithm.P256, compress(group), bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])]
        for group, test in load_wycheproof("ecdsa_secp256r1_sha256_p1363_test.json")
    ]
    for algorithm, raw, signature, message in list(cases):
        if algorithm is Algorithm.P256 and len(signature) == 64:  # the other of (r, s) and (r, n - s)
            s = int.from_bytes(signature[32:], "big")
            cases.append([algorithm, raw, signature[:32] + ((N - s) % N).to_bytes(32, "big"), message])
    expected = assert_judged_alike(cases, path, served)
    assert {None, "BrokenSignatureError"} <= set(expected)


def decode_point(raw):
    whole = int.from_bytes(raw, "little")
    y, d = whole & (2**255 - 1), -121665 * pow(121666, -1, Q) % Q
    square = (y * y - 1) * pow(d * y * y + 1, -1, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if (x * x - square) % Q:
        x = x * pow(2, (Q - 1) // 4, Q) % Q
    assert (x * x - square) % Q == 0
    return (Q - x) % Q if x & 1 != whole >> 255 else x, y


def add_points(one, other):
    d = -121665 * pow(121666, -1, Q) % Q
    (x, y), (x2, y2) = one, other
    both = d * x * x2 * y * y2
    return (x * y2 + x2 * y) * pow(1 + both, -1, Q) % Q, (y * y2 + x * x2) * pow(1 - both, -1, Q) % Q


def encode_point(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def multiply_base(factor):
    """Return factor times the base point, as the key of no seed: by doubling and adding."""
    base = decode_point(bytes.fromhex("58" + "66" * 31))
    total = (0, 1)
    for bit in bin(factor)[2:]:
        total = add_points(total, total)
        if bit == "1":
            total = add_points(total, base)
    return total


def make_odd_signatures():
    """Signatures that the equation with the cofactor accepts, by keys whose scalar is known."""
    secret, nonce, message = SEED.randrange(L), SEED.randrange(L), b"odd"
    key = encode_point(multiply_base(secret))

    def sign(commitment, scalar):
        factor = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little")
        return commitment + ((scalar + factor * secret) % L).to_bytes(32, "little")

    plain = multiply_base(nonce)
    good = sign(encode_point(plain), nonce)
    cases = [[Algorithm.ED25519, key, good, message]]
    s = int.from_bytes(good[32:], "little")
    cases += [
        [Algorithm.ED25519, key, good[:32] + (s + k * L).to_bytes(32, "little"), message] for k in range(1, 8)
    ]
    for raw in TORSION:
        point = decode_point(bytes.fromhex(raw)) if raw[:2] != "00" else decode_point(bytes(32))
        mixed = encode_point(add_points(plain, point))
        cases.append([Algorithm.ED25519, key, sign(mixed, nonce), message])
    cases += [[Algorithm.ED25519, key, sign(bytes.fromhex(raw), 0), message] for raw in ODD_POINTS]
    cases += [[Algorithm.ED25519, bytes.fromhex(raw), good, message] for raw in ODD_POINTS]
    cases.append(
        [
            Algorithm.ED25519,
            encode_point(add_points(multiply_base(secret), decode_point(bytes.fromhex(TORSION[6])))),
            good,
            message,
        ]
    )
    cases += [
        [Algorithm.ED25519, key, good[:32] + bytes(32), message],
        [Algorithm.ED25519, key, bytes(64), message],
    ]
    return cases


@PATHS
def test_signatures_about_which_verifiers_disagree(path, served):
    expected = assert_judged_alike(make_odd_signatures(), path, served)
    assert expected[0] is None
    assert expected.count(None) == 2  # the plain one, and the one whose odd part is the neutral element
    assert {"MalformedDocumentError", "BrokenSignatureError"} <= set(expected)


@PATHS
def test_mutated_signatures(path, served):
    cases = []
    for signer, algorithm in (
        (Ed25519Signer(bytes(range(32))), Algorithm.ED25519),
        (P256Signer(bytes(range(1, 33))), Algorithm.P256),
    ):
        for size in (0, 1, 63, 64, 300):
            message = SEED.randbytes(size)
            signature, raw = signer.sign(message), signer.public_key.raw
            cases.append([algorithm, raw, signature, message])
            cases.append([algorithm, raw, signature, message + b"\x00"])
            cases += [[algorithm, raw, signature[:cut], message] for cut in (0, 32, 63)] + [
                [algorithm, raw, signature + b"\x00", message]
            ]
            for _ in range(25):
                changed = bytearray(signature)
                changed[SEED.randrange(64)] ^= 1 << SEED.randrange(8)
                cases.append([algorithm, raw, bytes(changed), message])
    for s in (0, N // 2, N // 2 + 1, N - 1, N, N + 1, 2**256 - 1):
        cases.append([Algorithm.P256, cases[-1][1], s.to_bytes(32, "big") + s.to_bytes(32, "big"), b""])
    expected = assert_judged_alike(cases, path, served)
    assert expected.count(None) == 10


def test_admission_of_keys():
    script = """async ({load, outcome}, cases) => {
      const {publicKey} = await load("signature")
      return Promise.all(cases.map(([algorithm, raw]) => outcome(() => publicKey(algorithm, raw).multikey)))
    }"""
    cases = [[Algorithm.ED25519, bytes.fromhex(raw)] for raw in ODD_POINTS]
    cases += [
        [Algorithm.ED25519, value.to_bytes(32, "little")]
        for value in [*range(40), *range(Q - 20, Q + 19), 2**256 - 1]
    ]
    cases += [[Algorithm.ED25519, SEED.randbytes(32)] for _ in range(200)]
    cases += [[Algorithm.ED25519, Ed25519Signer(SEED.randbytes(32)).public_key.raw] for _ in range(60)]
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    cases += [
        [Algorithm.P256, bytes([SEED.choice((2, 3, 2, 3, 0, 4))]) + SEED.randbytes(32)] for _ in range(200)
    ]
    cases += [
        [Algorithm.P256, b"\x02" + value.to_bytes(32, "big")] for value in [*range(9), *range(p - 5, p + 9)]
    ]
    cases += [[algorithm, bytes(size)] for algorithm in Algorithm for size in (0, 31, 32, 33, 34, 65)]
    found = run_node(script, cases)
    for (algorithm, raw), theirs in zip(cases, found, strict=True):
        try:
            ours = PublicKey(algorithm, raw).multikey
        except InputError as err:
            assert theirs.get("error") == type(err).__name__, raw.hex()
        else:
            assert theirs == {"value": ours}
    refused = [theirs for theirs in found if "error" in theirs]
    assert 100 < len(refused) < len(found) - 100


def test_names_of_keys():
    script = """async ({load, outcome}, texts) => {
      const signature = await load("signature")
      return Promise.all(texts.map(async ([name, text]) => outcome(() => {
        const {multikey, keyId, verificationMethod, algorithm} = signature[name](text)
        return [multikey, keyId, verificationMethod, algorithm]
      })))
    }"""
    keys = [Ed25519Signer(bytes([at] * 32)).public_key for at in range(1, 5)]
    keys += [P256Signer(bytes([at] * 32)).public_key for at in range(1, 5)]
    texts = [["parseMultikey", key.multikey] for key in keys] + [
        ["parseVerificationMethod", key.verification_method] for key in keys
    ]
    for name, good in list(texts):
        for _ in range(20):
            at = SEED.randrange(len(good))
            texts.append(
                [
                    name,
                    good[:at] + SEED.choice("z1a#:0 ") * SEED.randrange(3) + good[at + SEED.randrange(2) :],
                ]
            )
    texts += [["parseMultikey", text] for text in ("", "z", "z1", "m" + keys[0].multikey[1:], "z6", "zé")]
    both = f"{keys[0].verification_method}#{keys[0].multikey}"
    texts += [
        ["parseVerificationMethod", text]
        for text in ("", "#", "did:key:#", "did:key:", both, keys[0].did_key)
    ]
    parse = {"parseMultikey": parse_multikey, "parseVerificationMethod": parse_verification_method}
    for (name, text), theirs in zip(texts, run_node(script, texts), strict=True):
        try:
            key = parse[name](text)
        except InputError as err:
            assert theirs.get("error") == type(err).__name__, text
        else:
            assert theirs == {
                "value": [
                    key.multikey,
                    {"$hex": key.key_id.hex()},
                    key.verification_method,
                    int(key.algorithm),
                ]
            }


def test_keys_are_the_same_object_wherever_they_are_named():
    script = """async ({load}, text) => {
      const {parseMultikey, publicKey} = await load("signature")
      const key = parseMultikey(text)
      return key === publicKey(key.algorithm, key.raw) && key === parseMultikey(text)
    }"""
    assert run_node(script, Ed25519Signer(bytes(32)).public_key.multikey) is True


def test_without_any_curve_nothing_is_said():
    """Neither forged nor valid: the device could not look."""
    script = """async ({load, outcome, curves}, [key, signature, message]) => {
      const {parseMultikey, verifySignature} = await load("signature")
      Object.assign(curves, {subtle: null, load: () => Promise.reject(new Error("offline"))})
      return outcome(() => verifySignature(parseMultikey(key), signature, message))
    }"""
    signer = Ed25519Signer(bytes(32))
    found = run_node(script, [signer.public_key.multikey, signer.sign(b"x"), b"x"])
    assert found["error"] == "UnavailableError"


def test_a_webcrypto_that_lacks_a_curve_is_replaced():
    """As browsers before Ed25519 came: importing the key fails, P-256 works."""
    script = """async ({load, outcome, curves}, cases) => {
      const {publicKey, verifySignature} = await load("signature")
      const subtle = curves.subtle, used = []
      const from = curves.load
      curves.load = (name) => { used.push(name); return from(name) }
      curves.subtle = {
        importKey: (form, raw, algorithm, ...rest) => algorithm.name === "Ed25519"
          ? Promise.reject(new DOMException("no", "NotSupportedError")) : subtle.importKey(form, raw, algorithm, ...rest),
        verify: (...all) => subtle.verify(...all),
      }
      const found = []
      for (const [algorithm, raw, signature] of cases) {
        found.push((await outcome(() => verifySignature(publicKey(algorithm, raw), signature, new Uint8Array(1)))).error ?? null)
      }
      return [found, used]
    }"""
    signers = (Ed25519Signer(bytes(32)), P256Signer(bytes([1] * 32)))
    cases = [
        [one.public_key.algorithm, one.public_key.raw, one.sign(text)]
        for one in signers
        for text in (b"\x00", b"\x01")
    ]
    assert run_node(script, cases) == [[None, "BrokenSignatureError"] * 2, ["ed25519"]]


def test_what_is_served_of_others_is_written_down(served):
    """Each file once, with package, version and licence; imports lead to files that are there."""
    packages = json.loads((served / "manifest.json").read_text())["packages"]
    assert [one["name"] for one in packages] == ["@noble/curves", "@noble/hashes", "htmx.org"]
    named = {path: digest for one in packages for path, digest in one["files"].items()}
    found = {path.relative_to(served).as_posix(): path for path in served.rglob("*") if path.is_file()}
    assert found.keys() - named.keys() == {"manifest.json", "LICENSES.txt"}
    assert {path: hashlib.sha256(found[path].read_bytes()).hexdigest() for path in named} == named
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for one in packages:
        assert one["version"] == lock[f"node_modules/{one['name']}"]["version"]
        assert f"{one['name']} {one['version']} ({one['licence']})" in (served / "LICENSES.txt").read_text()
    for path in (served / "noble").rglob("*.js"):
        text = path.read_text()
        assert "sourceMappingURL" not in text
        for wanted in re.findall(r"""(?:from|import\()\s*["']([^"']+)["']""", text):
            assert wanted.startswith("."), (path, wanted)
            assert (path.parent / wanted).is_file(), (path, wanted)
