"""The browser's formats beside Python's: the same value, or the same class of error, for whatever bytes."""

import hashlib
import json
import random

import pytest
from browser_changes import mutate
from browser_node import AsMap, Keywords, assert_same, call_node, run_node

from ledger.core import canonical, cbor, encoding, step, text

SEED = random.Random(20261123)


def test_sha256_of_every_length_around_blocks():
    messages = [SEED.randbytes(size) for size in [*range(260), 1000, 65535, 1 << 20]]
    found = call_node("sha256", "sha256", [[message] for message in messages])
    assert [item["value"]["$hex"] for item in found] == [
        hashlib.sha256(item).hexdigest() for item in messages
    ]


CHARACTERS = "0123456789abcdefABCDEF ghzZ+/=-_.:T1\t\nＡ é\x00\u2028😀"


def make_texts(*good: str, count: int = 1500) -> list[str]:
    """Return texts, and what becomes of them by a few changes of characters."""
    found = list(good)
    for _ in range(count):
        piece = list(SEED.choice(good))
        for _ in range(SEED.choice((1, 1, 2, 3))):
            at = SEED.randrange(len(piece) + 1)
            piece[at : at + SEED.randrange(2)] = SEED.choice(CHARACTERS) * SEED.randrange(3)
        found.append("".join(piece))
    return found


@pytest.mark.parametrize(
    ("name", "function", "texts"),
    [
        ("parseHex", encoding.parse_hex, make_texts("", "00", "deadbeef", "0" * 64, "DEAD", "ab cd", " ab", "a b")),
        (
            "parseBase64",
            encoding.parse_base64,
            make_texts("", "AA==", "AAA=", "AAAA", "AB==", "A===", "====", "AA=A", "YWJjZGVm", "++//", "AAAA=", "AAAA====", "=AAA", "=", "=="),
        ),
        ("parseBase58", encoding.parse_base58, make_texts("", "1", "111", "11233QC4", "z" * 90, "z" * 179, "1" * 130)),
        (
            "parseDate",
            encoding.parse_date,
            make_texts(
                "2026-02-28", "2024-02-29", "2023-02-29", "1900-02-29", "0001-01-01", "0000-12-31", "9999-12-31",
                "20260228", "2026-W09-6", "2026-13-01", "2026-04-31", "10000-01-01", "2026-2-8",
            ),
        ),
        (
            "parseInstant",
            encoding.parse_instant,
            make_texts(
                "2026-03-01T08:00:00Z", "2026-03-01T08:00:00.250Z", "2026-03-01T08:00:00.000Z",
                "2026-03-01T24:00:00Z", "2026-03-01T23:59:60Z", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z", "2026-03-01T08:60:00Z", "2026-03-01 08:00:00Z",
            ),
        ),
        (
            "parseDecimal",
            encoding.parse_decimal,
            make_texts("0", "-0", "0.00", "-0.0", "0.050", "12", "-12.5", "01", "1e3", "+1", "1.", ".5", "9" * 30, "9" * 31,
                       "0." + "1" * 29, "0." + "1" * 30, "-" + "9" * 30, "-1." + "9" * 29),
        ),
    ],
)  # fmt: skip
def test_spellings(name, function, texts):
    outcomes = assert_same("encoding", name, function, [[item] for item in texts])
    assert len({item.get("error") for item in outcomes}) > 1


def test_sizes_of_spellings():
    for name, function, good in (
        ("parseHex", encoding.parse_hex, "00ff"),
        ("parseBase64", encoding.parse_base64, "AP8="),
    ):
        assert_same("encoding", name, function, [[good, Keywords(size=size)] for size in range(4)])
    texts = [encoding.encode_base58(bytes(size // 3) + SEED.randbytes(size)) for size in range(0, 96, 5)]
    assert_same(
        "encoding", "parseBase58", encoding.parse_base58, [[item, Keywords(max_bytes=64)] for item in texts]
    )


def test_writers_of_spellings():
    blobs = (
        [SEED.randbytes(size) for size in range(90)]
        + [bytes(size) for size in range(5)]
        + [SEED.randbytes(9000)]
    )
    assert_same("encoding", "encodeHex", encoding.encode_hex, [[item] for item in blobs])
    assert_same("encoding", "encodeBase64", encoding.encode_base64, [[item] for item in blobs])
    assert_same("encoding", "encodeBase58", encoding.encode_base58, [[item] for item in blobs[:95]])
    instants = [
        encoding.parse_instant(item)
        for item in ("2026-03-01T08:00:00Z", "1969-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z")
    ]
    assert_same("encoding", "encodeInstant", encoding.encode_instant, [[item] for item in instants])
    assert_same("encoding", "encodeDate", encoding.encode_date, [[item.date()] for item in instants])


def test_every_character_of_texts():
    """Each code point of the basic plane, surrogates included, and some beyond, alone and between others."""
    script = """async ({load}, points) => {
      const {hasForbiddenCharacter, hasOuterSpace, isPlain} = await load("text")
      return points.map((point) => {
        const one = String.fromCodePoint(point), inner = `a${one}b`
        return [hasForbiddenCharacter(inner), hasOuterSpace(one), hasOuterSpace(inner), hasForbiddenCharacter(one)]
      })
    }"""
    points = [*range(0x10000), 0x1F600, 0xE0001, 0x10FFFF]
    ours = []
    for point in points:
        one, inner = chr(point), f"a{chr(point)}b"
        ours.append([
            text.has_forbidden_character(inner), text.has_outer_space(one),
            text.has_outer_space(inner), text.has_forbidden_character(one),
        ])  # fmt: skip
    assert run_node(script, points) == ours


JSON_CASES = [
    b"", b" ", b"{}", b"[]", b"{ }", b"[ ]", b'{"a":1}', b'{"a":1,}', b"[1,]", b"[,1]", b"1", b"-0", b"0", b"01", b"-1", b"1.0", b"1e3",
    b"1E+3", b"1.", b".5", b"+1", b"-", b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"false", b"truex", b"nul",
    b"9007199254740991", b"9007199254740992", b"-9007199254740991", b"-9007199254740992", b"1" * 17, b"1" * 18,
    b'"\\u0000"', b'"\\u0001"', b'"\x01"', b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\\ude00"', b'"\\ud83d\\u0041"', b'"\\/"', b'"\\x"', b'"\\u12g4"',
    b'"a', b'"\\"', b'"\\', b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b'{"\\u0061":1}', b'{"\xc3\xa9":1}', b'{"\\u00e9":1}', b'{"":1}',
    b'{"__proto__":{"a":1}}', b'{"constructor":1,"b":2}', b'{"b":1,"a":2}', b'{"10":1,"9":2}', b'{"9":1,"10":2}', b"\xef\xbb\xbf{}", b'"\xff"', b'"\xed\xa0\x80"',
    b'"\xc0\xaf"', b'"\xf4\x90\x80\x80"', b"{}x", b"{} \n", b"[1 2]", b'{"a" : [ true , false ] }', b'{a:1}', b"{'a':1}", b'{"a"}', b'{"a":}', b"[[]", b"[]]",
    b"[" * 32 + b"]" * 32, b"[" * 33 + b"]" * 33, b"[" * 5000, b'{"a":' * 32 + b"1" + b"}" * 32, b'{"a":' * 33 + b"1" + b"}" * 33, b'["' + b"[" * 90 + b'"]',
    '"中\u2028\u007f\u0080"'.encode(), b'"\\u2028"', b'"\\u007f"', b'"\x7f"', b'"\\b\\f\\n\\r\\t"', b'"\\u0008"', b'"\\u001f"', b'"\\u001F"', b'"\\\\u0000"', b"/**/{}",
]  # fmt: skip


def make_json(level: int = 0):
    """Return a random value of the profile."""
    match SEED.randrange(7 if level < 4 else 4):
        case 0:
            return SEED.choice((0, 1, -7, 2**53 - 1, 1 - 2**53))
        case 1:
            return SEED.choice(("", "a", "中文", 'q"\\/', "\t\u001f\u007f", "😀", "\u2028"))
        case 2:
            return SEED.choice((True, False))
        case 3:
            return SEED.choice(("x" * 70, "é"))
        case 4:
            return [make_json(level + 1) for _ in range(SEED.randrange(4))]
        case _:
            return {
                SEED.choice(("a", "b", "A", "10", "9", " ", "~", "@x", "__proto__", "")): make_json(level + 1)
                for _ in range(4)
            }


def test_json():
    cases = list(JSON_CASES)
    for _ in range(300):
        value = make_json()
        raw = canonical.encode_canonical_json(value)
        loose = json.dumps(
            value, indent=SEED.choice((None, 1)), ensure_ascii=SEED.choice((True, False))
        ).encode()
        cases += [raw, loose, *mutate(SEED, raw, 6), *mutate(SEED, loose, 4)]
    calls = [[item] for item in cases]
    outcomes = assert_same("canonical", "parseCanonicalJson", canonical.parse_canonical_json, calls)
    assert {item.get("error") for item in outcomes} == {
        None,
        "MalformedDocumentError",
        "NonCanonicalEncodingError",
    }
    assert_same("canonical", "parseJson", canonical.parse_json, calls)
    assert_same(
        "canonical",
        "parseJson",
        canonical.parse_json,
        [[b"[1,2]", Keywords(max_bytes=size)] for size in (4, 5)],
    )


def test_json_is_written_again_as_python_writes_it():
    values = [make_json() for _ in range(500)]
    assert_same(
        "canonical", "encodeCanonicalJson", canonical.encode_canonical_json, [[item] for item in values]
    )
    script = """async ({load, outcome}) => {
      const {encodeCanonicalJson} = await load("canonical")
      const wrong = [null, undefined, 1.5, NaN, 2 ** 53, "\\0", "\\ud800", {a: null}, {"é": 1}, [undefined], new Uint8Array(2), 1n, () => 1]
      let deep = 1
      for (let level = 0; level < 33; level++) deep = [deep]
      return Promise.all([...wrong, deep].map((value) => outcome(() => encodeCanonicalJson(value))))
    }"""
    assert {item.get("error") for item in run_node(script)} == {"MalformedDocumentError"}


def make_cbor(level: int = 0):
    """Return a random value of the profile of CBOR."""
    match SEED.randrange(7 if level < 4 else 5):
        case 0:
            return SEED.choice((0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 2**64 - 1))
        case 1:
            return -SEED.choice((1, 24, 25, 256, 257, 2**32, 2**53, 2**64))
        case 2:
            return SEED.randbytes(SEED.choice((0, 1, 23, 24, 300)))
        case 3:
            return SEED.choice(("", "a", "中文😀", "x" * 30))
        case 4:
            return SEED.choice((True, False))
        case 5:
            return [make_cbor(level + 1) for _ in range(SEED.randrange(4))]
        case _:
            return {
                SEED.choice((0, 1, 7, 24, 300, 2**40, 2**64 - 1)): make_cbor(level + 1)
                for _ in range(SEED.randrange(5))
            }


def as_maps(value):
    """Return the value with each object marked as a map."""
    if isinstance(value, dict):
        return AsMap({key: as_maps(item) for key, item in value.items()})
    return [as_maps(item) for item in value] if isinstance(value, list) else value


def test_cbor():
    cases = [bytes([first]) for first in range(256)]
    cases += [b"\x81" * depth + b"\x00" for depth in range(7, 11)]
    cases += [b"\xa1\x00" * depth + b"\x00" for depth in range(7, 11)]
    cases += [bytes.fromhex(item) for item in (
        "1817", "190017", "1a0000ffff", "1b00000000ffffffff", "1bffffffffffffffff", "3bffffffffffffffff", "5803aabbcc", "9b0000000100000000",
        "bb0000000000000001", "a2010001", "a201000100", "a2020001ff", "a1200000", "f90000", "f6", "f814", "f815", "c000", "7f6161ff", "61ff", "63eda080",
    )]  # fmt: skip
    for _ in range(500):
        raw = cbor.encode_cbor(make_cbor())
        cases += [raw, *mutate(SEED, raw, 8)]
    outcomes = assert_same(
        "cbor", "parseCbor", lambda raw: as_maps(cbor.parse_cbor(raw)), [[item] for item in cases]
    )
    assert {item.get("error") for item in outcomes} == {
        None,
        "MalformedDocumentError",
        "NonCanonicalEncodingError",
    }
    assert_same(
        "cbor", "parseCbor", cbor.parse_cbor, [[b"\x00", Keywords(max_bytes=size)] for size in (0, 1)]
    )
    sizes = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1]
    assert_same(
        "cbor", "encodeHead", cbor.encode_head, [[major, size] for major in range(8) for size in sizes]
    )


def test_steps_and_their_titles():
    script = """async ({load}) => {
      const {STEPS, Step, passed, failed, notChecked} = await load("step")
      const checks = [passed(Step.SCOPE, "a", "b", {warning: true}), failed(Step.TYPE, "c", "d"), notChecked(Step.CHAIN, "e", "f")]
      return [STEPS.map((one) => [one.number, one.code, one.title.en, one.title.zh, Step[one.name] === one]),
              checks.map((one) => [one.step.number, one.outcome, one.reason.en, one.reason.zh, one.warning])]
    }"""
    steps, checks = run_node(script)
    assert steps == [[one.number, one.code, one.title.en, one.title.zh, True] for one in step.Step]
    ours = (
        step.passed(step.Step.SCOPE, "a", "b", warning=True),
        step.failed(step.Step.TYPE, "c", "d"),
        step.not_checked(step.Step.CHAIN, "e", "f"),
    )
    assert checks == [
        [one.step.number, one.outcome, one.reason.en, one.reason.zh, one.warning] for one in ours
    ]
