"""Photographs and registrations: the browser's side beside Python's, good, changed and lied about."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from browser_node import assert_same, run_node
from browser_registers import LONG
from mutations import ODD_VALUES, removed, replaced, walk
from photo_world import PhotoWorld
from photos import KEPT, OTHER, describe, paint, save, taken_by_phone
from stickers import REGISTRATION

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import LedgerError
from ledger.core.photo import measure_photo
from ledger.core.photo_proof import encode_photo_proof, parse_photo_proof
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.registration import encode_instrument_content, parse_instrument_content
from ledger.core.statement import parse_signed_statement
from verifier.photo_proof import verify_photo
from verifier.session import Session

WITH_PHOTO = replace(REGISTRATION, photo=describe(KEPT))
RANDOM = random.Random(45)

JUDGE = """async ({load, outcome}, {policy, bundle, cases}) => {
  const { checkPhotoOnDevice } = await load("photo_device")
  const answers = []
  for (const [photo, proofText] of cases) {
    const given = { photo, proofText, bundleText: bundle, policyText: policy }
    answers.push(await outcome(() => checkPhotoOnDevice(given)))
  }
  return answers
}"""


def spoil(raw, count):
    """Return the bytes with one of them changed, left out or added, in many places."""
    for _ in range(count):
        at = RANDOM.randrange(len(raw))
        yield raw[:at] + bytes([RANDOM.randrange(256)]) + raw[at + 1 :]
        yield raw[:at] + raw[at + 1 :]
        yield raw[:at] + RANDOM.choice((b"\xff", b"\0", b"\xff\0", b"\xff\xd9")) + raw[at:]


def test_the_same_bytes_are_a_photograph():
    raws = [
        KEPT,
        OTHER,
        b"",
        b"\xff\xd8",
        KEPT + KEPT,
        KEPT + b"\0",
        taken_by_phone((40, 30)),
        bytes(210_000),
    ]
    raws += [
        save(paint(), "PNG"),
        save(paint((1281, 4))),
        save(paint((1280, 4))),
        save(paint(), progressive=True),
    ]
    raws += [save(paint().convert("L")), KEPT.replace(b"JFIF", b"JFXX")]
    raws += list(spoil(KEPT, 400 if LONG else 60))
    answers = assert_same("photo", "measurePhoto", measure_photo, [[raw] for raw in raws])
    assert sum("value" in answer for answer in answers) >= 3


def test_the_same_contents_are_a_registration():
    raw = encode_instrument_content(WITH_PHOTO)
    value = parse_canonical_json(raw)
    contents = [raw, encode_instrument_content(REGISTRATION)]
    for path, _ in walk(value):
        contents.append(encode_canonical_json(removed(value, path)))
        contents += [encode_canonical_json(replaced(value, path, odd)) for odd in ODD_VALUES]
    contents += [raw.replace(b"{", b'{"!":1,', 1), raw.replace(b'"photo":{', b'"photo":{"!":1,')]
    contents += [raw.replace(b'"3"', b'"1"'), raw.replace(b"02020202", b"01010101"), raw[:-1], b"", b"[]"]
    answers = assert_same(
        "registration", "parseInstrumentContent", parse_instrument_content, [[each] for each in contents]
    )
    assert sum("error" in answer for answer in answers) > len(answers) // 2


@pytest.fixture(scope="module")
def shown():
    """A served ledger; the proofs of pictures of two instruments and two institutions; the bundle of the first."""
    with PhotoWorld() as world:
        world.register()
        proofs = {"good": read(world, KEPT)}
        world.register(OTHER)
        proofs["other"] = read(world, OTHER)
        world.register(None)
        name, key = world.found_other()
        world.register(KEPT, issuer=name, signer=key)
        proofs["theirs"] = read(world, KEPT)
        world.seconds += 2
        world.bundle = world.client.get(f"/c/{world.code}/newest.json").text
        issued = world.sign(2)
        world.submit(issued)
        world.pump, world._version = parse_signed_statement(issued.raw).statement.claims.instrument_id, 0
        world.register()
        proofs["elsewhere"] = read(world, KEPT)
        yield world, proofs


def read(world, photo):
    answer = world.client.get(world.path(photo, "json"))
    assert answer.status_code == 200, answer.text
    return answer.content


def lie(raw, **changes):
    return encode_photo_proof(replace(parse_photo_proof(raw), **changes))


def flip(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def list_cases(proofs):
    """Return pictures with proofs, each with what a device must say: true, false or null."""
    good, proof = proofs["good"], parse_photo_proof(proofs["good"])
    yield KEPT, good, True
    yield OTHER, proofs["other"], True
    yield OTHER, good, False
    yield KEPT, proofs["other"], False
    yield KEPT, proofs["theirs"], False
    yield KEPT, proofs["elsewhere"], None
    yield b"", good, False
    yield KEPT[:-2], good, False
    yield KEPT + b"\0", good, False
    yield KEPT, b"", False
    yield KEPT, b"{}", False
    yield KEPT, good[:-1], False
    yield KEPT, good + b" ", False
    yield KEPT, lie(good, origin="other.example/2026"), False
    yield KEPT, lie(good, leaf_index=proof.leaf_index + 1), False
    yield KEPT, lie(good, leaf_index=0), False
    yield KEPT, lie(good, inclusion=proof.inclusion[:-1]), False
    yield KEPT, lie(good, inclusion=(*proof.inclusion[:-1], bytes(32))), False
    yield KEPT, lie(good, checkpoint=parse_photo_proof(proofs["elsewhere"]).checkpoint), False
    yield KEPT, lie(good, checkpoint=proof.checkpoint.replace("— ", "— x", 1)), False
    for at in range(0, len(proof.leaf), 1 if LONG else 23):
        yield KEPT, lie(good, leaf=flip(proof.leaf, at)), False


def judge_here(world, raw, proof):
    """Return what Python says, as `checkPhotoOnDevice` does."""
    session = Session(parse_policy(encode_policy(world.policy)), load_rule_book(), None)
    try:
        verify_photo(raw, parse_photo_proof(proof), parse_bundle(world.bundle.encode()), session)
    except LedgerError as err:
        return None if type(err).__name__ == "UnavailableError" else False
    return True


def test_a_device_says_the_same_of_every_proof(shown):
    world, proofs = shown
    cases = list(list_cases(proofs))
    given = {
        "policy": world.client.get("/policy.json").text,
        "bundle": world.bundle,
        "cases": [[raw, proof.decode()] for raw, proof, _ in cases],
    }
    answers = run_node(JUDGE, given)
    for (raw, proof, expected), answer in zip(cases, answers, strict=True):
        assert answer == {"value": expected}, (answer, expected, proof[:200])
        assert judge_here(world, raw, proof) is expected
    assert len(cases) >= 40


VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "photo_proof"
JUDGE_VECTORS = """async ({load, outcome}, cases) => {
  const { checkPhotoOnDevice } = await load("photo_device")
  const answers = []
  for (const given of cases) answers.push(await outcome(() => checkPhotoOnDevice(given)))
  return answers
}"""


def test_vectors():
    folders = sorted(path for path in VECTORS.iterdir() if path.is_dir())
    texts = {"proofText": "photo_proof.json", "bundleText": "bundle.json", "policyText": "policy.json"}
    given = [
        {name: (folder / file).read_text("utf-8") for name, file in texts.items()}
        | {"photo": (folder / "photo.jpg").read_bytes()}
        for folder in folders
    ]
    found = [answer["value"] for answer in run_node(JUDGE_VECTORS, given)]
    for folder, said in zip(folders, found, strict=True):
        fails = json.loads((folder / "expected.json").read_bytes()).get("fails")
        assert said is {None: True, "late": None}.get(fails, False), folder.name
    assert len(folders) >= 20
