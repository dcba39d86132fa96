"""The browser's statements, leaves, proofs and printed codes beside Python's."""

import inspect
import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser_changes import mutate
from browser_node import AsMap, Keywords, assert_same, call_node, dump, run_node

from ledger.core import category, data_integrity, entry, event, map_proof, maphead, qr, statement, sticker
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.cbor import encode_byte_string, encode_cbor, parse_cbor
from ledger.core.cose import encode_sig_structure, encode_sign1, parse_sign1
from ledger.core.errors import LedgerError
from ledger.core.merkle import (
    MemoryTree,
    build_inclusion_proof,
    build_multi_proof,
    compute_root_from_inclusion,
    compute_root_from_multi_proof,
    hash_leaf,
    verify_inclusion,
    verify_multi_proof,
)
from ledger.core.register_fields import RegisterState
from ledger.core.signature import Ed25519Signer, P256Signer
from ledger.core.statement import Conclusion, DocumentKind, Field

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
SEED = random.Random(20261124)
SIGNERS = (Ed25519Signer(bytes([7]) * 32), P256Signer(bytes([7]) * 32))
OTHERS = (Ed25519Signer(bytes([8]) * 32), P256Signer(bytes([8]) * 32))


def read_vectors(kind, name):
    """Return the bytes of every case's file: hexadecimal ones decoded."""
    found = [(path.parent.name, path.read_bytes()) for path in sorted((VECTORS / kind).glob(f"*/{name}"))]
    assert found
    return [(case, bytes.fromhex(raw.decode()) if name.endswith(".hex") else raw) for case, raw in found]


# --- statements -------------------------------------------------------------------------------------------

PARSE = """async ({load, outcome}, raws) => {
  const {parseSignedStatement} = await load("statement")
  const show = ({statement, keyId, digest, sign1}) => ({statement, keyId, digest, algorithm: sign1.algorithm,
    signature: sign1.signature})
  return Promise.all(raws.map((raw) => outcome(() => show(parseSignedStatement(raw)))))
}"""


def show_statement(raw):
    try:
        signed = statement.parse_signed_statement(raw)
    except LedgerError as err:
        return {"error": type(err).__name__}
    shown = {
        "statement": signed.statement,
        "key_id": signed.key_id,
        "digest": signed.digest,
        "algorithm": signed.sign1.algorithm,
        "signature": signed.sign1.signature,
    }
    return {"value": dump(Keywords(shown))}


def drop_sentence(outcome):
    return {name: item for name, item in outcome.items() if name != "message"}


SERIAL = "SN2024000000000000000000001"


def change_payload(payload):
    """Return a payload with one member changed, dropped or added."""
    changed = dict(payload)
    key = SEED.choice([*changed, *changed, *range(24)])
    value = changed.get(key)
    choices = [
        0, 1, 2, 3, 24, 26, 27, 40, 255, -1, 2**32 - 1, 2**32, 2**53, 2**64 - 1, 2_932_896, 2_932_897, True,
          "", "A", "a", "ROOT", " A", "A\u200e", "中" * 8, "中" * 9,
        "A" * 12, "A" * 13, "x" * 24, "x" * 25, "x" * 64, "x" * 65, "y" * 9, b"", bytes(7), bytes(8),
          bytes(16), bytes(32), [], {}, {0: 1}, ["x" * 9, bytes(4)], ["x" * 12, bytes(4)],
        ["x" * 13, bytes(4)], ["x" * 8, bytes(4)], ["中" * 4, bytes(4)], ["x" * 9, bytes(3)], ["x" * 9],
          ["x" * 9, "abcd"], [["x"]], [[bytes(8), bytes(64)]], [[bytes(8), bytes(64)]] * 2,
        [[bytes(8), bytes(63)]], [[bytes(7), bytes(64)]], [[b"a" * 8, bytes(64)], [b"b" * 8, bytes(64)]],
          [[b"b" * 8, bytes(64)], [b"a" * 8, bytes(64)]], [bytes(8), bytes(64)],
    ]  # fmt: skip
    if SEED.random() < 0.15 and key in changed:
        del changed[key]
    elif isinstance(value, bytes) and SEED.random() < 0.3:
        changed[key] = value[:-1]
    else:
        changed[key] = SEED.choice(choices)
    return changed


def test_statements():
    raws = [raw for _, raw in read_vectors("statement", "statement.hex")]
    good = [raw for raw in raws if "value" in show_statement(raw)]
    cases = list(raws)
    for raw in good:
        cases += mutate(SEED, raw, 25)
        payload = parse_cbor(parse_sign1(raw).payload)
        for _ in range(60):
            cases.append(encode_sign1(encode_cbor(change_payload(payload)), SEED.choice(SIGNERS), b""))
    size = len(good[0]) - len(parse_sign1(good[0]).payload)
    cases += [good[0][:end] for end in range(100)] + [
        good[0] + b"\0",
        bytes(65_407),
        bytes(65_408),
        good[0][:size],
    ]
    found = run_node(PARSE, cases)
    expected = [show_statement(raw) for raw in cases]
    assert [drop_sentence(item) for item in found] == expected
    kinds = {item.get("error") for item in expected}
    assert kinds == {None, "MalformedDocumentError", "NonCanonicalEncodingError"}
    assert sum("value" in item for item in expected) > len(raws)


FIRST, SECOND = [b"a" * 8, bytes(64)], [b"b" * 8, bytes(64)]
SPECIAL = {
    Field.SERIAL: [
        *([SERIAL[:size], bytes(4)] for size in (8, 9, 12, 13)),
        *(SERIAL[:24], SERIAL[:25], ["x" * 9, bytes(3)], ["x" * 9]),
        *(["x" * 9, bytes(4), 1], ["x\u200e" * 3, bytes(4)]),
    ],
    Field.ENDORSEMENTS: [
        *([FIRST, SECOND], [SECOND, FIRST], [FIRST, FIRST], [FIRST], [FIRST, []], [[8, 64]]),
        *([[bytes(one), bytes(other)]] for one, other in ((7, 64), (8, 65), (64, 8))),
        *([[bytes(8)]], [[bytes(8), bytes(64), b""]]),
    ],
    Field.EXPECTED_VERSION: [2**32 - 1, 2**32],
}


def test_every_member_of_every_kind_of_statement_is_looked_at():
    """For each member of each good statement and each odd value: the same answer."""
    cases = []
    odd = (None, 0, 1, 5, 255, -1, 2**40, "", "A", "x" * 80, b"", bytes(8), bytes(32), [], {1: 1}, True)
    for case, raw in read_vectors("statement", "statement.hex"):
        if case.endswith("_fail"):
            continue
        payload = parse_cbor(parse_sign1(raw).payload)
        for key in range(24):
            for value in (*odd, *SPECIAL.get(key, ())):
                changed = {**payload, key: value}
                cases.append(
                    encode_sign1(
                        encode_cbor({k: v for k, v in changed.items() if v is not None}), SIGNERS[0], b""
                    )
                )
    found = run_node(PARSE, cases)
    assert [drop_sentence(item) for item in found] == [show_statement(raw) for raw in cases]


def test_signatures_of_statements():
    script = """async ({load, outcome}, cases) => {
      const {parseSignedStatement, verifyStatement} = await load("statement")
      const {parseMultikey} = await load("signature")
      return Promise.all(cases.map(([raw, key, origin]) =>
        outcome(async () => { await verifyStatement(parseSignedStatement(raw), parseMultikey(key), origin);
          return true })))
    }"""
    cases = []
    for signer in SIGNERS:
        for _, raw in read_vectors("statement", "statement.hex")[:20]:
            try:
                payload = parse_sign1(raw).payload
            except LedgerError:
                continue
            mine = encode_sign1(payload, signer, statement.compute_external_aad("ledger.example/2026"))
            cases += [(mine, signer, "ledger.example/2026"), (mine, signer, "ledger.example/2027")]
            cases += [(raw, signer, "ledger.example/2026"), (mine, SIGNERS[0], "ledger.example/2026")]
            cases += [
                (sign_as(payload, signer, *named), signer, "ledger.example/2026") for named in list_names()
            ]
    found = run_node(script, [[raw, signer.public_key.multikey, origin] for raw, signer, origin in cases])
    for (raw, signer, origin), theirs in zip(cases, found, strict=True):
        try:
            statement.verify_statement(statement.parse_signed_statement(raw), signer.public_key, origin)
            ours = {"value": True}
        except LedgerError as err:
            ours = {"error": type(err).__name__}
        assert drop_sentence(theirs) == ours
    assert {"value": True} in found


def list_names():
    """Every algorithm with every key id, the right ones among them."""
    return [
        (start, one.public_key.key_id)
        for start in (b"\xa2\x01\x27\x04\x48", b"\xa2\x01\x26\x04\x48")
        for one in SIGNERS
    ]


def sign_as(payload, signer, start, key_id):
    """Return a message that names this algorithm and key, whoever signs it."""
    protected = start + key_id
    aad = statement.compute_external_aad("ledger.example/2026")
    signature = signer.sign(encode_sig_structure(protected, aad, payload))
    return b"".join((b"\x84\x4d", protected, b"\xa0", encode_byte_string(payload), b"\x58\x40", signature))


def test_endorsed_bytes():
    calls = [
        [event.EventType.KEY, "ledger.example/2026", b"{}", version] for version in (0, 1, 255, 2**32 - 1)
    ]
    assert_same("statement", "computeEndorsedBytes", statement.compute_endorsed_bytes, calls)


# --- names of things --------------------------------------------------------------------------------------


def test_enumerations_are_the_same():
    script = """async ({load}) => {
      const {EventType, SubjectKind, ISSUE_TYPES, CONTENT_TYPES, DEFINED_TYPES} = await load("event")
      const {Conclusion, DocumentKind, ID_PATTERN} = await load("statement")
      const {Category, nameCategory} = await load("category")
      const sorted = (types) => [...types].sort((a, b) => a - b)
      return {enums: [EventType, SubjectKind, Conclusion, DocumentKind, Category],
        sets: [ISSUE_TYPES, CONTENT_TYPES, DEFINED_TYPES].map(sorted),
        names: Object.values(Category).map(nameCategory), ID_PATTERN}
    }"""
    found = run_node(script)
    kinds = (event.EventType, event.SubjectKind, Conclusion, DocumentKind, category.Category)
    assert found["enums"] == [{one.name: one.value for one in kind} for kind in kinds]
    names = ("ISSUE_TYPES", "CONTENT_TYPES", "DEFINED_TYPES")
    assert found["sets"] == [sorted(int(one) for one in getattr(event, name)) for name in names]
    assert found["names"] == [one.name for one in category.Category]
    assert found["ID_PATTERN"] == statement.ID_PATTERN
    calls = [[one.name, "f"] for one in category.Category] + [
        [text, "f"] for text in ("", "other", "toString", "__proto__")
    ]
    assert_same("category", "parseCategory", category.parse_category, calls)


def test_constants_are_the_same():
    script = "async ({load, dump}) => dump({...(await load('constants'))})"
    from ledger.core import constants

    found = run_node(script)
    assert found == {name: dump(getattr(constants, name)) for name in found}
    assert len(found) == 10


NOT_IN_BUNDLES = {"pledge_subject", "report_subject", "site_subject"}
"""Subjects that stand in no bundle: the browser computes none."""


@pytest.mark.parametrize(
    "name", sorted(name for name in vars(event) if name.endswith("_subject") and name not in NOT_IN_BUNDLES)
)
def test_subjects(name):
    function = getattr(event, name)
    count = len(inspect.signature(function).parameters)
    if name == "compute_subject":
        calls = [[kind, b"350100-01"] for kind in event.SubjectKind] + [[3, b""]]
    elif name in {"instrument_subject", "placement_subject"}:
        calls = [[bytes(16)], [bytes(16), "1"], [bytes(16), "中"], [b"a" * 16, None]]
    elif name == "registration_subject":
        calls = [[bytes(16)], [b"a" * 16]]
    else:
        calls = [[*texts] for texts in (("A", "B"), ("中文", "x\u0001"), ("", ""))]
        calls = [call[:count] for call in calls]
    assert_same(
        "event", name.split("_")[0] + "".join(one.title() for one in name.split("_")[1:]), function, calls
    )


def test_relatives():
    calls = [[bytes(16), None, ["1", "2"]], [bytes(16), None, []], [bytes(16), "1", ["1", "2"]]]
    assert_same("event", "listRelatives", event.list_relatives, calls)


# --- leaves -----------------------------------------------------------------------------------------------


def test_leaves():
    cases = [raw for kind in ("leaf", "maphead") for _, raw in read_vectors(kind, "leaf.hex")]
    for raw in list(cases):
        cases += mutate(SEED, raw, 30)
        for _ in range(60):  # the header alone, bit by bit
            changed = bytearray(raw[:128].ljust(128, b"\0"))
            at = SEED.randrange(128)
            changed[at] = SEED.choice((0, 1, 255, changed[at] ^ 1 << SEED.randrange(8)))
            cases.append(bytes(changed) + raw[128:])
    cases += [raw[:48] + bytes([255] * 8) + raw[56:] for raw in cases[:20]]
    outcomes = assert_same("entry", "parseLeaf", entry.parse_leaf, [[raw] for raw in cases])
    assert {item.get("error") for item in outcomes} == {None, "MalformedDocumentError"}
    headers = [[raw[:128]] for raw in cases] + [[bytes(size)] for size in (0, 127, 129)]
    assert_same("entry", "parseHeader", entry.parse_header, headers)
    good = [raw for raw, item in zip(cases, outcomes, strict=True) if "value" in item]
    assert_same("entry", "readTime", entry.read_time, [[raw] for raw in good])


def test_mapheads():
    cases = [raw for kind in ("leaf", "maphead") for _, raw in read_vectors(kind, "leaf.hex")]
    good = next(raw for case, raw in read_vectors("maphead", "leaf.hex") if case == "second")
    for at in range(128):
        cases += [good[:at] + bytes([value]) + good[at + 1 :] for value in (0, 1, 2, 255)]
    for prev, version in ((None, 1), (None, 2), (0, 0), (0, 1), (0, 2), (5, 9), (2**60, 3)):
        header = replace(entry.parse_header(good[:128]), prev=prev, version=version)
        cases.append(entry.encode_leaf(header, b""))
    outcomes = assert_same("maphead", "requireMaphead", maphead.require_maphead, [[raw] for raw in cases])
    assert {item.get("error") for item in outcomes} == {None, "MalformedDocumentError", "VerificationError"}


# --- proofs -----------------------------------------------------------------------------------------------

PROVE = """async ({load, outcome}, cases) => {
  const {openMapProof} = await load("map_proof")
  return Promise.all(cases.map(async ([raw, root, subjects]) => {
    const answers = []
    for (const subject of subjects) answers.push(await outcome(() => openMapProof(raw, root).find(subject)))
    return answers
  }))
}"""


def test_map_proofs():
    cases = []
    for case, raw in read_vectors("map_proof", "proof.hex"):
        want = json.loads((VECTORS / "map_proof" / case / "expected.json").read_text())
        root = bytes.fromhex(want.get("root", "00" * 32))
        subjects = [bytes.fromhex(one) for one in want.get("subjects", {})] + [
            bytes(32),
            b"\xff" * 32,
            SEED.randbytes(32),
        ]
        cases.append((raw, root, subjects))
        for changed in mutate(SEED, raw, 40) if raw else []:
            cases.append((changed, root, subjects))
            cases.append((changed, implied_root(changed) or root, subjects))
    deep = b"".join(bytes([3, bit]) + b"\0" + bytes(32) for bit in range(256)) + b"\0" + bytes(32)
    cases.append((deep, implied_root(deep), [bytes(32), b"\xff" * 32]))
    ours = [[prove(raw, root, subject) for subject in subjects] for raw, root, subjects in cases]
    found = run_node(PROVE, cases)
    assert [[drop_sentence(item) for item in answers] for answers in found] == ours
    flat = [item for answers in ours for item in answers]
    assert {item.get("error") for item in flat} == {None, "MalformedDocumentError", "MapProofError"}
    assert sum("value" in item for item in flat) > 100


def implied_root(raw):
    """Return the root that a changed proof leads to, so that more than its root is looked at."""
    try:
        root = map_proof._Reading(raw).read_all()
    except LedgerError:
        return None
    return root.hash


def prove(raw, root, subject):
    try:
        return {"value": dump(map_proof.open_map_proof(raw, root).find(subject))}
    except LedgerError as err:
        return {"error": type(err).__name__}


def grow(size):
    return MemoryTree([hash_leaf(index.to_bytes(8)) for index in range(size)])


def hash_of(index):
    return hash_leaf(index.to_bytes(8))


def test_inclusion_of_every_leaf_of_small_trees():
    calls, bare = [], []
    for size in (*range(1, 18), 31, 32, 33, 100):
        tree = grow(size)
        for index in range(size):
            proof = list(build_inclusion_proof(index, size, tree.read))
            calls.append([hash_of(index), index, size, proof, tree.root()])
            if size > 13:
                continue
            calls.append([hash_of(index), (index + 1) % size, size, proof, tree.root()])
            calls.append([hash_of(index), index, size + 1, proof, tree.root()])
            calls.append([hash_of(index), index, size, proof[:-1], tree.root()])
            calls.append([hash_of(index), index, size, [*proof, bytes(32)], tree.root()])
            calls.append([hash_of(index), index, size, [one[:31] for one in proof], tree.root()])
            calls.append([hash_of(index)[:31], index, size, proof, tree.root()])
            calls.append([hash_of(index), index, size, proof[::-1], tree.root()])
            if proof and index % 2 == 0:  # the same bytes, cut in another place
                shifted = [hash_of(index)[31:] + proof[0], *proof[1:]]
                calls.append([hash_of(index)[:31], index, size, shifted, tree.root()])
    for index, size in (
        (0, 0),
        (-1, 5),
        (5, 5),
        (0, 2**63),
        (2**40, 2**41),
        (2**53, 2**62),
        (2**63 - 2, 2**63 - 1),
        (2**62, 2**63 - 1),
    ):
        bare += [
            [bytes(32), index, size, [bytes([n]) * 32 for n in range(count)]]
            for count in (0, 1, 40, 41, 62, 63)
        ]
    outcomes = assert_same("merkle", "verifyInclusion", verify_none(verify_inclusion), calls)
    assert {item.get("error") for item in outcomes} == {None, "InclusionProofError"}
    known = [[*call, implied(compute_root_from_inclusion, *call)] for call in bare]
    outcomes = assert_same("merkle", "verifyInclusion", verify_none(verify_inclusion), known)
    assert sum("value" in item for item in outcomes) == 4


def implied(function, *args):
    """Return the root that a proof leads to, zeros for one that leads nowhere."""
    try:
        return function(*args)
    except LedgerError:
        return bytes(32)


def verify_none(function):
    """Return the function with nothing where JavaScript gives undefined."""

    def call(*args):
        function(*args)
        return Keywords({"$undefined": True})

    return call


def test_batched_inclusion():
    calls = []
    for path in sorted((VECTORS / "batched_inclusion").glob("*/proof.json")):
        value = json.loads(path.read_text())
        leaves = AsMap({index: bytes.fromhex(one) for index, one in value["leaves"]})
        proof = [bytes.fromhex(one) for one in value["proof"]]
        calls.append([leaves, value["tree_size"], proof, bytes.fromhex(value["root"])])
    for _ in range(400):
        size = SEED.choice((1, 2, 3, 7, 8, 13, 64, 100))
        tree = grow(size)
        wanted = sorted(SEED.sample(range(size), SEED.randint(1, min(size, 6))))
        proof = list(build_multi_proof(wanted, size, tree.read))
        leaves = AsMap({index: hash_of(index) for index in SEED.sample(wanted, len(wanted))})
        calls.append([leaves, size, proof, tree.root()])
        match SEED.randrange(8):
            case 0:
                calls.append([leaves, size, proof[:-1], tree.root()])
            case 1:
                calls.append([leaves, size, [*proof, bytes(32)], tree.root()])
            case 2:
                calls.append([leaves, size + 1, proof, tree.root()])
            case 3:
                calls.append([AsMap({}), size, proof, tree.root()])
            case 4:
                calls.append([AsMap({**leaves, size: bytes(32)}), size, proof, tree.root()])
            case 5:
                calls.append([AsMap({**leaves, wanted[0]: bytes(31)}), size, proof, tree.root()])
            case 6:
                calls.append([leaves, size, [bytes(33), *proof[1:]], tree.root()])
            case _:
                calls.append(
                    [AsMap({index + 1: one for index, one in leaves.items()}), size, proof, tree.root()]
                )
    outcomes = assert_same("merkle", "verifyMultiProof", verify_none(verify_multi_proof), calls)
    assert {item.get("error") for item in outcomes} == {None, "InclusionProofError"}
    huge = AsMap({0: bytes(32), 2**53: bytes(32), 2**62: bytes(32)})
    bare = [
        [huge, size, [bytes([n % 251]) * 32 for n in range(count)]]
        for size in (2**63 - 1, 2**63)
        for count in range(60, 260)
    ]
    known = [[*call, implied(compute_root_from_multi_proof, *call)] for call in bare]
    outcomes = assert_same("merkle", "verifyMultiProof", verify_none(verify_multi_proof), known)
    assert sum("value" in item for item in outcomes) == 1


# --- proof sets -------------------------------------------------------------------------------------------

CREDENTIAL = """async ({load, outcome}, cases) => {
  const {parseCanonicalJson} = await load("canonical")
  const {splitProofs, parseProof, verifyProof, readSigningTimes, hashDocument} = await load("data_integrity")
  const {parseMultikey} = await load("signature")
  const judge = async (raw, key) => {
    const [document, proofs] = splitProofs(parseCanonicalJson(raw))
    const shown = []
    for (const proof of proofs) {
      shown.push(await outcome(() => { const {key, created, context, configDigest,
        signature} = parseProof(proof); return [key.multikey, created, context, configDigest, signature] }))
      shown.push(await outcome(async () => { await verifyProof(document, proof, parseMultikey(key)); return true }))
      shown.push(await outcome(async () => { await verifyProof(document, parseProof(proof), parseMultikey(key),
        {digest: hashDocument(document)}); return true }))
    }
    return {shown, times: readSigningTimes(proofs)}
  }
  const found = []
  for (const [raw, key] of cases) found.push(await outcome(() => judge(raw, key)))
  return found
}"""


def judge_credential(raw, key):
    document, proofs = data_integrity.split_proofs(parse_canonical_json(raw))
    shown = []
    for proof in proofs:
        shown.append(settle(lambda proof=proof: show_proof(data_integrity.parse_proof(proof))))
        shown.append(settle(lambda proof=proof: data_integrity.verify_proof(document, proof, key) is None))
        shown.append(settle(lambda proof=proof: verify_parsed(document, proof, key)))
    return {"shown": shown, "times": dump(AsMap(data_integrity.read_signing_times(proofs)))}


def verify_parsed(document, proof, key):
    digest = data_integrity.hash_document(document)
    return (
        data_integrity.verify_proof(document, data_integrity.parse_proof(proof), key, digest=digest) is None
    )


def show_proof(proof):
    return dump([proof.key.multikey, proof.created, proof.context, proof.config_digest, proof.signature])


def settle(run):
    try:
        return {"value": run()}
    except LedgerError as err:
        return {"error": type(err).__name__}


def change_proof(credential):
    changed = json.loads(json.dumps(credential))
    proof = SEED.choice(changed["proof"])
    other = SEED.choice(SIGNERS).public_key
    name = SEED.choice([*proof, "extra"])
    proof[name] = SEED.choice(
        ["", "z", "z" * 90, 1, True, [], {}, "DataIntegrityProof", "assertionMethod", "eddsa-jcs-2022",
          "ecdsa-jcs-2019", other.verification_method, other.did_key,
         "2026-02-28T07:00:00Z", "2026-02-28T07:00:00.001Z", "2026-02-28",
           ["https://www.w3.org/ns/credentials/v2"], proof.get("proofValue", "z")[:-1] + "1"]
    )  # fmt: skip
    if SEED.random() < 0.1:
        del proof[name]
    if SEED.random() < 0.1:
        changed["proof"] = SEED.choice([[], proof, [proof] * 17, [1], "x", [proof, proof]])
    if SEED.random() < 0.1:
        changed["issuer"] = "did:key:zzz"
    return changed


def test_proof_sets():
    cases = []
    for _, raw in read_vectors("certificate", "certificate.json"):
        try:
            credential = parse_canonical_json(raw)
        except LedgerError:
            continue
        proofs = credential.get("proof")
        keys = (
            [one["verificationMethod"].partition("#")[2] for one in proofs]
            if isinstance(proofs, list)
            else []
        )
        key = SEED.choice([*keys, SIGNERS[0].public_key.multikey])
        cases.append((raw, key))
        cases += [(encode_canonical_json(change_proof(credential)), key) for _ in range(25) if keys]
    document = {"@context": ["x"], "a": "b"}
    for signer in SIGNERS:
        proof = data_integrity.create_proof(document, signer, "2026-02-28T07:00:00Z")
        for context in (["x"], ["y"], "x"):
            whole = {**document, "@context": context, "proof": [proof]}
            cases.append((encode_canonical_json(whole), signer.public_key.multikey))
        cases.append((encode_canonical_json({"a": "b", "proof": [proof]}), signer.public_key.multikey))
        other = {**document, "@context": ["y"]}  # signed as a whole, but under another context
        digest = data_integrity.hash_document(document)
        foreign = data_integrity.create_proof(other, signer, "2026-02-28T07:00:00Z", digest=digest)
        cases.append((encode_canonical_json({**document, "proof": [foreign]}), signer.public_key.multikey))
        named = next(one for one in OTHERS if one.public_key.algorithm == signer.public_key.algorithm)
        thief = SimpleNamespace(public_key=named.public_key, sign=signer.sign)  # signs what names another
        stolen = data_integrity.create_proof(document, thief, "2026-02-28T07:00:00Z")
        cases.append((encode_canonical_json({**document, "proof": [stolen]}), signer.public_key.multikey))
    found = run_node(CREDENTIAL, cases)
    from ledger.core.signature import parse_multikey

    ours = [settle(lambda raw=raw, key=key: judge_credential(raw, parse_multikey(key))) for raw, key in cases]
    assert [strip_sentences(item) for item in found] == ours
    flat = [item for answer in ours if "value" in answer for item in answer["value"]["shown"]]
    assert {item.get("error") for item in flat} == {None, "BrokenSignatureError", "MalformedDocumentError"}
    assert {"value": True} in flat


def strip_sentences(value):
    if isinstance(value, list):
        return [strip_sentences(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: strip_sentences(item)
        for name, item in value.items()
        if name != "message" or "error" not in value
    }


# --- printed codes ----------------------------------------------------------------------------------------


def change_text(text, alphabet):
    piece = list(text)
    for _ in range(SEED.choice((1, 1, 2))):
        at = SEED.randrange(len(piece) + 1)
        piece[at : at + SEED.randrange(2)] = SEED.choice(alphabet) * SEED.randrange(3)
    return "".join(piece)


def test_digits_of_every_size():
    good = [qr.encode_digits(SEED.randbytes(size)) for size in range(1, 215)] + [
        qr.encode_digits(b"\xff" * size) for size in range(1, 215)
    ]
    cases = (
        good
        + ["1" + "9" * width for width in range(530)]
        + [change_text(text, "0129x ５") for text in good]
        + ["", "0", "2" + good[0][1:], "１２"]
    )
    outcomes = assert_same("qr", "parseDigits", qr.parse_digits, [[text] for text in cases])
    assert {item.get("error") for item in outcomes} == {
        None,
        "MalformedDocumentError",
        "NonCanonicalEncodingError",
    }


def test_short_codes():
    statements = [SEED.randbytes(size) for size in range(60)]
    assert_same("qr", "computeCode", qr.compute_code, [[one] for one in statements])
    good = [qr.compute_code(one) for one in statements]
    texts = (
        [qr.format_code(one) for one in good]
        + [one.lower() for one in good]
        + ["", "-" * 64, "-" * 65, "é" * 16, "ﬀ" * 8]
    )
    texts += [change_text(text, "0OoIiLlU-*é1Zſ") for text in good for _ in range(20)]
    for at in range(16):  # every symbol in every place of one code
        texts += [good[0][:at] + symbol + good[0][at + 1 :] for symbol in qr.ALPHABET]
    outcomes = assert_same("qr", "parseCode", qr.parse_code, [[text] for text in texts])
    assert 80 < sum("value" in item for item in outcomes) < len(texts) / 2


def test_hosts():
    hosts = ["v.example.cn", "localhost", "v.example.cn:8443", "v.example.cn:443", "v.example.cn:65536",
      "v.example.cn:65535", "1.2.3.4", "1.2.3.4x", "a.1b", "-a.cn", "a-.cn", "a..cn",
             "V.example.cn", "v.example.cn.", "xn--fiq228c.cn", "а.cn", "a" * 63 + ".cn", "a" * 64 + ".cn",
               ".".join(["a" * 63] * 4), ".".join(["a" * 49] * 5), "a_b.cn", "", "a.cn:0", "a.cn:01", "a.cn:",
             "a\n.cn", "a.cn\n"]  # fmt: skip
    hosts += [change_text(host, ".:-aZ0é") for host in hosts for _ in range(20)]
    assert_same("qr", "parseHost", qr.parse_host, [[host] for host in hosts])


def test_stickers():
    rolls = [
        sticker.RollContent("7KQ2M9X", "350100-01", count, SEED.randbytes(16), RegisterState.ACTIVE)
        for count in (1, 57, 1000, 1 << 20)
    ]
    ids = [
        sticker.compute_sticker_id(roll, number)
        for roll in rolls
        for number in (0, 56, 57, 999, roll.count - 1)
        if number < roll.count
    ]
    others = [qr.complete_code("".join(SEED.choice(qr.ALPHABET) for _ in range(15))) for _ in range(50)]
    others += [
        qr.complete_code(one[:7] + "".join(SEED.choice(qr.ALPHABET) for _ in range(8))) for one in ids * 5
    ]
    asked = [[one, roll] for one in ids + others for roll in rolls]
    answers = assert_same("sticker", "isOfRoll", sticker.is_of_roll, asked)
    assert {item["value"] for item in answers} == {True, False}
    longer = [[one, replace(roll, count=count)] for one in ids for roll in rolls for count in (1, 56, 57, 58)]
    assert_same("sticker", "isOfRoll", sticker.is_of_roll, longer)
    assert_same("sticker", "findRoll", sticker.find_roll, [[one] for one in ids])
    assert_same(
        "sticker",
        "parseStickerId",
        sticker.parse_sticker_id,
        [[qr.format_code(one).lower()] for one in ids + others],
    )


def test_fields_have_the_numbers_of_the_norm():
    found = call_node("statement", "parseSignedStatement", [[b""]])
    assert found[0]["error"] == "MalformedDocumentError"
    source = (ROOT / "verifier" / "browser" / "statement.js").read_text()
    assert " ".join(one.name for one in Field) in source
