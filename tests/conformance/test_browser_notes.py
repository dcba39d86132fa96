"""The browser's notes, checkpoints, cosignatures and quorum certificates beside Python's."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bls_witnesses import certify, make_bls_list, make_bls_quorum, make_bls_signer
from browser_changes import mutate
from browser_node import Keywords, assert_same, dump, run_node
from vectors import vector_path

from ledger.core import bls, note
from ledger.core.checkpoint import Checkpoint, parse_checkpoint_body, sign_checkpoint, verify_checkpoint
from ledger.core.cosignature import (
    Witness,
    add_lines,
    encode_witness,
    open_cosignatures,
    parse_witness,
    sign_cosignature,
)
from ledger.core.errors import InputError, LedgerError
from ledger.core.fields import Reader
from ledger.core.merkle import EMPTY_ROOT
from ledger.core.note import NoteSignature, NoteVerifier, encode_vkey, parse_note, parse_vkey
from ledger.core.quorum import find_quorum_time, list_signed, parse_quorum
from ledger.core.quorum_certificate import encode_bls_witness, open_certificates, parse_bls_witness
from ledger.core.signature import Ed25519Signer

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
SEED = random.Random(20261125)
START = datetime(2026, 3, 1, tzinfo=UTC)
LOG = Ed25519Signer(bytes([9]) * 32)
ORIGIN = "ledger.example/2026"


def make_witness(number):
    signer = Ed25519Signer(bytes([number + 20]) * 32)
    return Witness(f"w{number}.example", signer.public_key), signer


WITNESSES = [make_witness(number) for number in range(5)]


def make_note(size=7, root=b"\x05" * 32, signer=LOG, origin=ORIGIN):
    return sign_checkpoint(Checkpoint(origin, size, root), signer)


def cosign(text, *pairs):
    lines = [
        sign_cosignature(parse_note(text).text, *WITNESSES[at], START + timedelta(seconds=seconds))
        for at, seconds in pairs
    ]
    return add_lines(text, lines)


def list_notes():
    """Every note of the vectors, ours and those of others, and some more."""
    found = [path.read_bytes() for path in sorted(VECTORS.glob("*/*/checkpoint.txt"))]
    found += [
        path.read_bytes()
        for path in sorted(vector_path("tlog").rglob("*"))
        if path.suffix in {".txt", ".note"}
    ][:60]
    base = make_note()
    found.append(base.encode())
    found += [
        (base + f"— x.example {text}\n").encode() for text in ("", "AAAA", "AAAAAA==", "AAAAAAA=", "AAAAAAAA")
    ]
    found.append(cosign(base, (0, 5), (1, 9), (0, 7)).encode())
    found += [
        base.replace(*pair).encode()
        for pair in (
            ("\n\n", "\n"),
            ("— ", "- "),
            ("— ", "—  "),
            ("\n— ", "\n\n— "),
            ("ledger", "led ger"),
            ("ledger", "\ufeffledger"),
            ("ledger", "led\x85ger"),
            ("ledger", "led+ger"),
        )
    ]
    found += [
        base.encode() + b"\n",
        base.encode()[:-1],
        b"",
        b"\n\n",
        base.encode() + base.split("\n\n")[1].encode() * 99,
        base.encode() + base.split("\n\n")[1].encode() * 100,
    ]
    found += [b"\xef\xbb\xbf" + base.encode(), b"\xff" + base.encode(), b"x" * 1_000_001]
    return found


def test_notes_taken_apart():
    calls = [[raw] for raw in list_notes()]
    for raw in list_notes():
        if len(raw) < 10_000 and raw:
            calls += [[one] for one in mutate(SEED, raw, 25)]
    outcomes = assert_same("note", "parseNote", note.parse_note, calls)
    assert {item.get("error") for item in outcomes} == {
        None,
        "MalformedDocumentError",
        "NonCanonicalEncodingError",
    }
    texts = [[call[0].decode()] for call in calls if is_text(call[0])]
    assert_same("note", "parseNote", note.parse_note, texts)


def is_text(raw):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_names_of_keys_of_every_character():
    script = """async ({load, outcome}, points) => {
      const {checkKeyName} = await load("note")
      const found = []
      for (const point of points) found.push("error" in (await outcome(() =>
        checkKeyName(`a${String.fromCodePoint(point)}b`))))
      return found
    }"""
    points = [*range(0x3100), 0xD800, 0xDFFF, 0xFEFF, 0xFFFF, 0x1F600]

    def refused(point):
        try:
            note.check_key_name(f"a{chr(point)}b")
        except InputError:
            return True
        return False

    assert run_node(script, points) == [refused(point) for point in points]
    assert_same(
        "note",
        "checkKeyName",
        lambda name: note.check_key_name(name) or Keywords({"$undefined": True}),
        [[""], ["a"], ["+"], ["a b"]],
    )


def change_text(text, alphabet="0aZ+=\n /"):
    at = SEED.randrange(len(text) + 1)
    return text[:at] + SEED.choice(alphabet) * SEED.randrange(3) + text[at + SEED.randrange(2) :]


def show_verifier(one):
    return Keywords({"name": one.name, "key": one.key.multikey, "key_id": one.key_id})


SHOW = """async ({load, outcome}, {module, name, texts}) => {
  const parse = (await load(module))[name]
  const show = ({name, key, keyId}) => ({name, key: key.multikey ?? key, keyId})
  return Promise.all(texts.map((text) => outcome(() => show(parse(text)))))
}"""


@pytest.mark.parametrize(
    ("module", "name", "parse", "good"),
    [
        ("cosignature", "parseWitness", parse_witness, encode_witness(WITNESSES[0][0])),
        ("bls_witness", "parseBlsWitness", parse_bls_witness, encode_bls_witness(make_bls_list(2)[0])),
    ],
)
def test_vkeys(module, name, parse, good):
    texts = [
        good,
        "",
        "+",
        "++",
        "+++",
        good + "+",
        good.upper(),
        good.replace("+", " "),
        "é" + good,
        good.replace("+", "++", 1),
    ]
    texts += [change_text(good) for _ in range(400)]
    texts += [
        encode_vkey(NoteVerifier(ORIGIN, LOG.public_key)),
        encode_witness(WITNESSES[1][0]),
        encode_bls_witness(make_bls_list(2)[1]),
    ]
    found = run_node(SHOW, {"module": module, "name": name, "texts": texts})
    for text, theirs in zip(texts, found, strict=True):
        try:
            one = parse(text)
        except LedgerError as err:
            assert theirs.get("error") == type(err).__name__, text  # noqa: PT017 - both outcomes are compared
        else:
            key = one.key if isinstance(one.key, bytes) else one.key.multikey
            assert theirs == {"value": dump(Keywords({"name": one.name, "key": key, "key_id": one.key_id}))}
    assert sum("value" in item for item in found) >= 2 or name == "parseWitness"


# --- checkpoints ------------------------------------------------------------------------------------------


def test_texts_of_checkpoints():
    body = parse_note(make_note()).text
    empty = parse_note(make_note(0, EMPTY_ROOT)).text
    sizes = (
        "0",
        "00",
        "07",
        "9007199254740991",
        "9007199254740992",
        str(2**63 - 1),
        str(2**63),
        "9" * 19,
        "1" + "0" * 19,
        "-1",
        "+7",
        "７",
        " 7",
        "7 ",
        "",
    )
    texts = [body, empty, empty.replace("\n0\n", "\n1\n"), body + "x\n", body[:-1], body + "\n", "", "\n\n\n"]
    texts += [body.replace("\n7\n", f"\n{size}\n") for size in sizes] + [
        change_text(body) for _ in range(400)
    ]
    outcomes = assert_same(
        "checkpoint", "parseCheckpointBody", parse_checkpoint_body, [[text] for text in texts]
    )
    assert {item.get("error") for item in outcomes} == {
        None,
        "MalformedDocumentError",
        "NonCanonicalEncodingError",
    }


VERIFY = """async ({load, outcome}, cases) => {
  const {verifyCheckpoint} = await load("checkpoint")
  const {NoteVerifier} = await load("note")
  const {parseMultikey} = await load("signature")
  const found = []
  for (const [raw, name, key] of cases) found.push(await outcome(() => verifyCheckpoint(raw,
    new NoteVerifier(name, parseMultikey(key)))))
  return found
}"""


def settle(run):
    try:
        return {"value": dump(run())}
    except LedgerError as err:
        return {"error": type(err).__name__}


def without_sentences(outcomes):
    return [{name: item for name, item in one.items() if name != "message"} for one in outcomes]


def test_checkpoints():
    thief = Ed25519Signer(bytes([66]) * 32)
    notes = [raw for raw in list_notes() if len(raw) < 100_000]
    notes += [
        make_note(signer=thief).encode(),
        make_note(origin="other.example").encode(),
        make_note(2**53 + 1).encode(),
    ]
    for raw in (make_note().encode(), cosign(make_note(), (0, 5), (2, 6)).encode()):
        notes += mutate(SEED, raw, 300)
    two = make_note() + make_note(signer=thief).split("\n\n")[1]
    wrong = make_note() + make_note(size=8).split("\n\n")[1]
    notes += [two.encode(), wrong.encode(), (make_note() + make_note().split("\n\n")[1]).encode()]
    for path in sorted((VECTORS / "checkpoint").glob("*/checkpoint.txt")):
        notes.append(path.read_bytes())
    log = NoteVerifier(ORIGIN, LOG.public_key)
    vkeys = {
        json.loads(path.read_text()).get("vkey") for path in (VECTORS / "checkpoint").glob("*/expected.json")
    } - {None}
    cases = [(raw, log) for raw in notes] + [(raw, parse_vkey(vkey)) for raw in notes for vkey in vkeys]
    found = run_node(VERIFY, [[raw, one.name, one.key.multikey] for raw, one in cases])
    ours = [settle(lambda raw=raw, one=one: verify_checkpoint(raw, one)) for raw, one in cases]
    assert without_sentences(found) == ours
    assert {item.get("error") for item in ours} >= {
        None,
        "MalformedDocumentError",
        "PolicyMismatchError",
        "BrokenSignatureError",
    }


# --- cosignatures -----------------------------------------------------------------------------------------

OPEN = """async ({load, outcome}, {module, open, parser, parse, cases}) => {
  const [{[open]: run}, {[parse]: read}] = [await load(module), await load(parser)]
  const found = []
  for (const [raw, vkeys] of cases) {
    found.push(await outcome(async () => (await run(raw, vkeys.map((vkey) => read(vkey)))).map(({witness,
      cosignedAt}) => [witness.name, cosignedAt])))
  }
  return found
}"""


def open_all(cases):
    task = {
        "module": "cosignature",
        "open": "openCosignatures",
        "parser": "cosignature",
        "parse": "parseWitness",
        "cases": cases,
    }
    found = without_sentences(run_node(OPEN, task))

    def run(raw, vkeys):
        return [
            [one.witness.name, one.cosigned_at]
            for one in open_cosignatures(raw, [parse_witness(vkey) for vkey in vkeys])
        ]

    ours = [settle(lambda raw=raw, vkeys=vkeys: run(raw, vkeys)) for raw, vkeys in cases]
    assert found == ours
    return ours


def test_cosignatures():
    known = [encode_witness(one) for one, _ in WITNESSES[:3]]
    cases = []
    for path in sorted((VECTORS / "cosignature").glob("*/checkpoint.txt")):
        want = json.loads((path.parent / "expected.json").read_text())
        cases.append(
            [
                path.read_bytes(),
                want["witnesses"] if isinstance(want["witnesses"], list) else list(want["witnesses"]),
            ]
        )
    base = make_note()
    good = cosign(base, (0, 5), (1, 9), (0, 7), (4, 1), (0, 6))
    cases += [[text.encode(), known] for text in (base, good, cosign(base, (3, 1)))]
    cases += [[raw, known] for raw in mutate(SEED, good.encode(), 400)]
    line = parse_note(cosign(base, (1, 9))).signatures[-1]
    for signature in (
        line.signature[:-1],
        line.signature + b"\0",
        (253_402_300_799).to_bytes(8) + line.signature[8:],
        b"\xff" * 8 + line.signature[8:],
        line.signature[8:],
        b"\0",
    ):
        cases.append([add_lines(base, [NoteSignature(line.name, line.key_id, signature)]).encode(), known])
    late = sign_cosignature(
        parse_note(base).text, *WITNESSES[0], datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    cases.append([add_lines(base, [late]).encode(), known])
    witness, signer = WITNESSES[0]
    for seconds in (253_402_300_799, 253_402_300_800, 2**53, 2**63):  # truly signed, but at no time
        message = f"cosignature/v1\ntime {seconds}\n{parse_note(base).text}".encode()
        raw = seconds.to_bytes(8) + signer.sign(message)
        cases.append([add_lines(base, [NoteSignature(witness.name, witness.key_id, raw)]).encode(), known])
    ours = open_all(cases)
    assert {item.get("error") for item in ours} >= {None, "BrokenSignatureError", "MalformedDocumentError"}


QUORUM = """async ({load, outcome}, cases) => {
  const {parseQuorum, listSigned, findQuorumTime} = await load("quorum")
  const {parseWitness, Cosignature} = await load("cosignature")
  const {Reader} = await load("fields")
  return Promise.all(cases.map(([member, signed, latest]) => outcome(() => {
    const quorum = parseQuorum(new Reader(member, "witnesses"))
    const listed = listSigned(signed.map(([vkey, at]) => new Cosignature(parseWitness(vkey), at, null)),
      quorum, latest)
    return [quorum.names, quorum.threshold, listed.map((one) => [one.witness.name, one.cosignedAt]),
      findQuorumTime(listed, quorum)]
  })))
}"""


def test_quorums():
    from ledger.core.cosignature import Cosignature

    keys = [encode_witness(one) for one, _ in WITNESSES]
    certifying = [encode_bls_witness(one) for one in make_bls_list(3)]
    renamed = encode_witness(Witness(WITNESSES[0][0].name, WITNESSES[1][0].key))
    same_key = encode_witness(Witness("x.example", WITNESSES[0][0].key))
    both = encode_witness(Witness("b0.example", WITNESSES[0][0].key))
    cases = []
    for threshold in range(7):
        for count in range(6):
            cases.append(
                [
                    {"keys": keys[:count], "quorum": threshold},
                    [[one, SEED.randrange(5) * 1000] for one in keys * 2],
                    3000,
                ]
            )
            cases.append([{"keys": keys[:count], "bls": certifying, "quorum": threshold}, [], 0])
    for members in (
        {"keys": [keys[0], keys[0]]}, {"keys": [keys[0], renamed]}, {"keys": [keys[0], same_key]},
          {"keys": [both], "bls": certifying},
        {"keys": keys[:1], "bls": []}, {"keys": keys[:1], "bls": [certifying[0]] * 2}, {"keys": keys[:1],
          "bls": ["x"]}, {"keys": ["x"]}, {"keys": keys[0]},
        {"keys": [1]}, {"bls": certifying}, {"keys": keys[:1], "extra": 1}, {"keys": [keys[0][:-1]]},
          {"keys": [one + "x" * 400 for one in keys]},
    ):  # fmt: skip
        cases += [
            [{**members, "quorum": threshold}, [[one, 1000] for one in keys], 3000] for threshold in (1, 2, 3)
        ]
    cases.append(
        [
            {"keys": keys[:2], "quorum": 2},
            [[renamed, 1000], [keys[1], 1000], [keys[0], 2000], [keys[0], 9000]],
            3000,
        ]
    )

    def run(member, signed, latest):
        quorum = parse_quorum(Reader(member, "witnesses"))
        found = [Cosignature(parse_witness(vkey), from_ms(at), None) for vkey, at in signed]
        listed = list_signed(found, quorum, from_ms(latest))
        return [
            quorum.names,
            quorum.threshold,
            [[one.witness.name, one.cosigned_at] for one in listed],
            find_quorum_time(listed, quorum),
        ]

    ours = [settle(lambda case=case: run(*case)) for case in cases]
    assert without_sentences(run_node(QUORUM, cases)) == ours
    assert {item.get("error") for item in ours} == {None, "MalformedDocumentError"}


def from_ms(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def test_the_log_is_no_witness_of_its_own():
    script = """async ({load, outcome}, [member, multikeys]) => {
      const {parseQuorum} = await load("quorum")
      const {Reader} = await load("fields")
      const {parseMultikey} = await load("signature")
      const quorum = parseQuorum(new Reader(member))
      return Promise.all(multikeys.map(async (key) => (await outcome(() =>
        quorum.requireOtherKey(parseMultikey(key)))).error ?? null))
    }"""
    member = {"keys": [encode_witness(one) for one, _ in WITNESSES[:2]], "quorum": 2}
    multikeys = [WITNESSES[1][0].key.multikey, LOG.public_key.multikey]
    assert run_node(script, [member, multikeys]) == ["MalformedDocumentError", None]


# --- certificates -----------------------------------------------------------------------------------------


def test_quorum_certificates():
    """Pairings take 30 ms here and more in Python, so the changes are chosen."""
    paths = sorted((VECTORS / "quorum_certificate").glob("*/checkpoint.txt"))
    cases = [
        [path.read_bytes(), json.loads((path.parent / "expected.json").read_text())["witnesses"]]
        for path in paths
    ]
    known = [encode_bls_witness(one) for one in make_bls_list(7)]
    base = make_note()
    good = certify(base, START, 0, 2, 3)
    twice = certify(certify(base, START, 0, 1), START + timedelta(minutes=3), 1, 6)
    cases += [[text.encode(), known] for text in (base, good, twice)] + [
        [good.encode(), []],
        [good.encode(), known[:6]],
        [b"x", known],
        [b"x", []],
    ]
    cases += [[raw, known] for raw in mutate(SEED, good.encode(), 40)]
    task = {
        "module": "quorum_certificate",
        "open": "openCertificates",
        "parser": "bls_witness",
        "parse": "parseBlsWitness",
        "cases": cases,
    }
    found = without_sentences(run_node(OPEN, task))

    def run(raw, vkeys):
        return [
            [one.witness.name, one.cosigned_at]
            for one in open_certificates(raw, [parse_bls_witness(vkey) for vkey in vkeys])
        ]

    ours = [settle(lambda raw=raw, vkeys=vkeys: run(raw, vkeys)) for raw, vkeys in cases]
    assert found == ours
    assert {item.get("error") for item in ours} >= {
        None,
        "BrokenSignatureError",
        "PolicyMismatchError",
        "MalformedDocumentError",
    }


def test_bls_signatures_of_others():
    """The Ethereum vectors that speak of the same scheme, and encodings that are no points."""
    script = """async ({load, outcome}, cases) => {
      const {verifyBls} = await load("quorum_certificate")
      const found = []
      for (const [keys, message, signature, suite] of cases) found.push(await outcome(async () =>
        { await verifyBls(keys, message, signature, suite); return true }))
      return found
    }"""
    signers = [make_bls_signer(number) for number in range(3)]
    message = b"message"
    signatures = [one.sign(message) for one in signers]
    keys = [one.public_key for one in signers]
    whole = bls.aggregate_signatures(signatures)
    minus = bytes([keys[0][0] ^ 0x20]) + keys[0][1:]
    cases = [
        [keys, message, whole],
        [keys[:2], message, whole],
        [[], message, whole],
        [keys, b"other", whole],
        [[keys[0], minus], message, whole],
    ]
    identity, infinity = b"\xc0" + bytes(47), b"\xc0" + bytes(95)
    cases += [[[identity], message, whole], [keys, message, infinity], [[*keys, identity], message, whole]]
    for raw in (
        bytes(48),
        b"\x80" + bytes(47),
        b"\xa0" + bytes(46) + b"\x03",
        b"\x9a" + b"\xff" * 47,
        keys[0][:47],
        keys[0] + b"\0",
        bytes([keys[0][0] & 0x7F]) + keys[0][1:],
    ):
        cases.append([[raw], message, whole])
    for raw in (
        bytes(96),
        b"\x80" + bytes(95),
        b"\xa0" + bytes(95),
        whole[:95],
        whole + b"\0",
        whole[:48] + b"\xff" * 48,
        bytes([whole[0] ^ 0x20]) + whole[1:],
    ):
        cases.append([keys, message, raw])
    cases += [
        [[b"\x80" + bytes(46) + bytes([x])], message, whole] for x in range(2, 12)
    ]  # on the curve, outside the subgroup, or neither
    cases = [[*case, bls.CIPHERSUITE.decode()] for case in cases]
    cases += [
        [[one.public_key], one.public_key, one.prove_possession(), bls.POSSESSION_SUITE.decode()]
        for one in signers[:1]
    ]
    found = without_sentences(run_node(script, cases))

    def run(keys, message, signature, suite):
        if suite == bls.POSSESSION_SUITE.decode():
            return bls.verify_possession(keys[0], signature) is None
        return bls.verify_bls(keys, message, signature) is None

    assert found == [settle(lambda case=case: run(*case)) for case in cases]
    assert found.count({"value": True}) == 2


def test_without_pairings_certificates_are_not_checked():
    """Never believed, never called forged; a note without one needs no pairings."""
    script = """async ({load, outcome, curves}, [notes, vkeys]) => {
      const {openCertificates} = await load("quorum_certificate")
      const {parseBlsWitness} = await load("bls_witness")
      let asked = 0
      curves.load = () => { asked++; return Promise.reject(new Error("offline")) }
      const known = vkeys.map((vkey) => parseBlsWitness(vkey))
      const found = []
      for (const note of notes) found.push([(await outcome(() => openCertificates(note, known))).error ?? null,
        asked])
      return found
    }"""
    notes = [make_note(), certify(make_note(), START, 0, 1)]
    vkeys = [encode_bls_witness(one) for one in make_bls_quorum(7, threshold=4).bls]
    assert run_node(script, [notes, vkeys]) == [[None, 0], ["UnavailableError", 1]]
