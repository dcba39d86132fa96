"""The norm, `ledger/core/README.md`: its examples are cut from the vectors, its tables are those of the code."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_in_memory import START, MemoryLedger
from registered import RegisteredLedger
from sites import MARKET, PLEDGE, WITHDRAWN
from stickers import REGISTRATION, ROLL, StickerLedger

from ledger.core import constants
from ledger.core.absence_proof import ABSENCE_PROOF_TYPE, MAX_ABSENCE_PROOF_BYTES
from ledger.core.act import ReasonCode
from ledger.core.anchor import DEVELOPMENT_CHAIN_IDS
from ledger.core.authority import SUITES, Power, Register
from ledger.core.bundle import MAX_BUNDLE_BYTES
from ledger.core.canonical import MAX_LEVELS, encode_canonical_json, parse_canonical_json
from ledger.core.cbor import parse_cbor
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.constants import REPORT_DOMAIN
from ledger.core.entry import HEADER_BYTES, MAX_LEAF_BYTES
from ledger.core.errors import InputError
from ledger.core.event import DEFINED_TYPES, EventType, SubjectKind
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstitutionId, LeafIndex
from ledger.core.instrument import NameplateIdentity, compute_instrument_id
from ledger.core.map_proof import MAX_MAP_PROOF_BYTES
from ledger.core.person import Qualification
from ledger.core.photo import Photograph
from ledger.core.photo_proof import PhotoProof, encode_photo_proof
from ledger.core.pledge import MAX_PARAGRAPH_BYTES, MAX_PARAGRAPHS, PledgeState, encode_pledge
from ledger.core.policy import FINALITY_PATTERN, parse_policy
from ledger.core.qr import MAX_PRINTED_BYTES, encode_long_url, encode_short_url
from ledger.core.record import DocumentType, PlaceKind, Role, VerificationKind
from ledger.core.record_parsing import VALIDITY_KINDS
from ledger.core.register_fields import RegisterState
from ledger.core.registration import encode_instrument_content
from ledger.core.report import (
    MOST_REPORTS,
    compute_report_digest,
    encode_report_content,
    make_report_content,
)
from ledger.core.scope import Basis, ReadingRange
from ledger.core.site import MAX_SITE_INSTRUMENTS, SiteKind, encode_site
from ledger.core.statement import Field, compute_external_aad, parse_signed_statement
from ledger.core.status import Status
from ledger.core.status_map import EMPTY_MAP_ROOT, STATE_BYTES
from ledger.core.step import Step
from ledger.core.sticker import compute_sticker_id, encode_sticker_url
from ledger.core.sticker_proof import MAX_STICKER_PROOF_BYTES, STICKER_PROOF_TYPE, MadeUp
from ledger.core.sticker_use import StickerReason
from ledger.core.supplement import (
    ACT_PROOF_TYPE,
    MAX_SUPPLEMENT_BYTES,
    SUPPLEMENT_TYPE,
    ActProof,
    Supplement,
    encode_act_proof,
    encode_supplement,
)
from ledger.core.text import has_forbidden_character, has_outer_space
from ledger.core.unit import UNITS
from verifier.report import DocumentStatus

ROOT = Path(__file__).resolve().parents[2]
NORM = (ROOT / "ledger" / "core" / "README.md").read_text(encoding="utf-8")
VECTORS = ROOT / "tests" / "vectors"
SECTIONS = dict(re.findall(r"^##+ ([0-9.]+) [^\n]*\n(.*?)(?=^##|\Z)", NORM, re.MULTILINE | re.DOTALL))
SECTIONS = {number.rstrip("."): text for number, text in SECTIONS.items()}


def examples(section: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)


def join(example: str) -> str:
    """Return an example on one line, as the file has it."""
    return "".join(line.strip() for line in example.splitlines())


def fits(example: str, whole: str) -> bool:
    """Say whether an example is the whole text with parts left out where it has `…`."""
    pattern = ".*?".join(map(re.escape, example.split("…")))
    return re.fullmatch(pattern, whole, re.DOTALL) is not None


def read(*parts: str) -> str:
    return VECTORS.joinpath(*parts).read_text(encoding="utf-8")


def rows(section: str) -> list[list[str]]:
    """Return the cells of the tables of a section, without their heads."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if not line.startswith("| ---")
    ]


def numbered(text: str) -> dict[int, str]:
    return {int(number): name for number, name in re.findall(r"\b(\d+) ([A-Za-z_]{3,})", text)}


def test_every_section_is_there():
    assert [number for number in SECTIONS if "." not in number] == [str(number) for number in range(1, 20)]


# --- 1 to 3 -----------------------------------------------------------------------------------------------


def test_domains_are_those_of_the_code():
    listed = {name.replace(" ", "_").upper(): value for name, value, _ in rows("1")[1:]}
    known = {
        name.removesuffix("_DOMAIN"): f"`{value[:-1].decode()}\\0`"
        for name, value in vars(constants).items()
        if name.endswith("_DOMAIN")
    }
    assert listed == known
    assert len(set(known.values())) == len(known)


def code_points(text: str) -> set[int]:
    found: set[int] = set()
    for first, last in re.findall(r"U\+([0-9A-F]{4,5})(?:–([0-9A-F]{4,5}))?", text):
        found |= set(range(int(first, 16), int(last or first, 16) + 1))
    return found


def test_characters_are_those_of_the_code():
    sentence = re.search(
        r"It holds none of (.*?), and begins and ends with none of (.*?)\. Every", SECTIONS["1"], re.DOTALL
    )
    forbidden, spaces = map(code_points, sentence.groups())
    assert forbidden == {number for number in range(0x110000) if has_forbidden_character(chr(number))}
    assert spaces == {number for number in range(0x110000) if has_outer_space(chr(number))}


def test_the_example_of_canonical_json():
    (example,) = examples("2")
    assert encode_canonical_json(parse_canonical_json(example.strip().encode())) == example.strip().encode()
    assert f"at most {MAX_LEVELS} levels" in SECTIONS["2"]


def test_the_example_of_a_certificate():
    (example,) = examples("3")
    assert fits(join(example), read("certificate", "pump", "certificate.json"))
    assert f"at most {MAX_CERTIFICATE_BYTES // 1024} KiB" in SECTIONS["3"]
    for word in ("VerificationCertificate", "RejectionNotice"):
        assert word in SECTIONS["3"]


def test_the_values_of_a_record():
    table = {row[0]: row[1] for row in rows("3.1") if len(row) > 1}
    for member, kind in (("`doc_type`", DocumentType), ("`kind`", VerificationKind)):
        assert re.findall(r"`(\w+)`", table[member]) == [value.value for value in kind]
    assert all(f"`{role.value}`" in table["`persons`"] for role in Role)
    assert all(f"`{kind.value}`" in table["`place`?"] for kind in PlaceKind)
    assert all(f"`{kind}`" in table["`validity`"] for kind in VALIDITY_KINDS)


def test_the_members_of_a_record_are_those_of_the_table():
    listed = set(re.findall(r"`([a-z_]+)[`?{]", " ".join(row[0] for row in rows("3.1"))))
    full = json.loads(read("certificate", "full", "certificate.json"))["credentialSubject"]
    personal = json.loads(read("certificate", "personal", "certificate.json"))["credentialSubject"]
    further = [
        json.loads(read("certificate", name, "certificate.json"))["credentialSubject"].keys()
        for name in ("calibration_judged", "paper")
    ]
    assert listed - {"member"} == full.keys() | personal.keys() | set().union(*further)
    table = {row[0].strip("`?"): row[1] for row in rows("3.1") if len(row) > 1}
    for name, inner in (
        ("instrument", full["instrument"]),
        ("issuer", full["issuer"]),
        ("standards", full["standards"][0]),
    ):
        assert all(re.search(rf"\b{member}\b", table[name]) for member in inner), name
    for member in {name for result in full["results"] for name in result}:
        assert member in table["results"]


def test_the_example_of_a_disclosure():
    (example,) = examples("3.1")
    assert fits(join(example), read("disclosure", "one", "disclosure.json"))


def test_the_formula_of_an_instrument():
    identity = NameplateIdentity(model="SK52", serial="000257", maker="某厂", owner="某单位")
    (example,) = examples("3.2")
    canonical = re.search(r"\{.*\}", example)[0].replace("…", "某厂", 1).replace("…", "某单位", 1)
    message = b"hengzheng/instrument/v1\0" + canonical.encode()
    assert compute_instrument_id(identity) == hashlib.sha256(message).digest()[:16]


# --- 4 to 8 -----------------------------------------------------------------------------------------------


def test_the_example_of_a_statement():
    (example,) = examples("4")
    raw = bytes.fromhex(read("statement", "issue", "statement.hex"))
    pieces = [re.split(r" {3,}", line.strip())[0] for line in example.split("payload {")[0].splitlines()]
    assert fits("".join(pieces).replace(" ", ""), raw.hex())
    signed = parse_signed_statement(raw)
    payload = parse_cbor(signed.sign1.payload)
    shown = dict(re.findall(r"(\d+): (\"[^\"]*\"|h'[0-9a-f]+…'|\d+)", join(example).split("payload ")[1]))
    assert [int(key) for key in shown] == list(payload)
    for key, text in shown.items():
        value = payload[int(key)]
        assert text == (f"h'{value.hex()[:8]}…'" if isinstance(value, bytes) else json.dumps(value))
    origin = re.search(r'SHA-256\("(.*?)"\)', example)[1]
    assert (
        compute_external_aad(origin) == b"hengzheng/statement/v1\0" + hashlib.sha256(origin.encode()).digest()
    )
    assert f"≤ {MAX_PRINTED_BYTES} bytes" in SECTIONS["4"]


def test_the_keys_of_a_statement():
    listed = [int(number) for row in rows("4")[1:] for number in row[0].split(", ")]
    assert sorted(listed) == [field.value for field in Field]
    assert f"`{ID_PATTERN}`" in SECTIONS["4"]
    assert f"`{ID_PATTERN}`" in SECTIONS["6"]


def test_the_codes_of_events():
    paragraph = SECTIONS["5"].split("\n\n")[0]
    listed = numbered(paragraph.split("are given to nothing")[0].rpartition(". ")[0])
    assert listed == {event.value: event.name for event in EventType}
    assert set(EventType) - {EventType.MAPHEAD} == DEFINED_TYPES


def test_the_kinds_of_subjects():
    table = {int(cells[0].split()[0]): cells[0].split(maxsplit=1)[1] for cells in rows("5")[1:]}
    assert table == {kind.value: kind.name.lower().replace("_", " ") for kind in SubjectKind}


def test_the_examples_of_register_contents():
    example, later, registered = examples("6")
    shown = re.findall(r"^([A-Z_]+) +(\{.*?)(?=^[A-Z]|\Z)", example + later, re.MULTILINE | re.DOTALL)
    ledger = MemoryLedger()
    raws = [*ledger.founding(), ledger.publish_policy(2), ledger.compromise(START - timedelta(hours=2))]
    statements = [parse_signed_statement(raw).statement for raw in raws]
    assert [name for name, _ in shown] == [statement.type.name for statement in statements]
    for (_, content), statement in zip(shown, statements, strict=True):
        assert fits(join(content), statement.claims.content.decode())
    check_registered(registered)
    assert all(f"`{state.value}`" in SECTIONS["6"] for state in RegisterState)
    assert json.dumps([power.value for power in sorted(Power)], separators=(",", ":")) in join(example)
    assert json.dumps(list(SUITES), separators=(",", ":")) in join(example)


def check_registered(example: str) -> None:
    """Compare what is shown of the registers of persons, standards and types with such statements."""
    shown = re.findall(r"^([A-Z_]+) +(\S.*?)(?=^[A-Z]|\Z)", example, re.MULTILINE | re.DOTALL)
    ledger = RegisteredLedger()
    limits = ReadingRange(Decimal(5), Decimal(100), UNITS["L"])
    line = ledger.scope(
        classes=frozenset({"0.3"}),
        regulations=frozenset({"JJG 443-2023(试行)"}),
        range=limits,
        basis=Basis.PLEDGED,
        follow_up=date(2026, 12, 31),
    )
    raws = [line, ledger.person(), ledger.standard(), ledger.material(), ledger.publish_rule()]
    statements = [parse_signed_statement(raw).statement for raw in (*raws, ledger.approve(), ledger.block())]
    assert [name for name, _ in shown] == [statement.type.name for statement in statements]
    for (name, content), statement in zip(shown[1:], statements[1:], strict=True):
        assert fits(join(content), statement.claims.content.decode()), name
    content = json.loads(statements[0].claims.content)
    for member in re.findall(r'"(\w+)":', shown[0][1]):
        assert member in content or member in content["range"], member
    for word in (*Qualification, *Register):
        assert f"`{word.value}`" in SECTIONS["6"]


def test_the_examples_of_registrations_and_stickers():
    (registration,) = examples("5.4")
    photo = Photograph(Digest(bytes.fromhex("4fb3" + "00" * 30)), 64, 48, date(2026, 2, 28))
    whole = replace(REGISTRATION, photo=photo)
    assert fits(join(registration), encode_instrument_content(whole).decode())
    shown = dict(re.findall(r"^(STICKER_[A-Z]+) +(\S.*)$", examples("5.5")[0], re.MULTILINE))
    ledger = StickerLedger()
    roll = replace(ROLL, count=1000)
    sticker = compute_sticker_id(roll, 56)
    raws = {
        "STICKER_ALLOTTED": ledger.allot(roll),
        "STICKER_BOUND": ledger.bind(sticker, part="1"),
        "STICKER_UNBOUND": ledger.release(sticker),
    }
    for name, raw in raws.items():
        assert fits(shown[name], parse_signed_statement(raw).statement.claims.content.decode()), name
    symbols = examples("5.5")[0].splitlines()[-1].split("  ")[0]
    assert symbols.replace(" ", "") == sticker
    for reason in StickerReason:
        assert reason.value in SECTIONS["5.5"]


def test_the_example_of_a_photograph_proof():
    proof = PhotoProof(
        "ledger.example/2026", "ledger.example/2026\n", LeafIndex(21), b"HZL1\x0b", (bytes(32),)
    )
    (example,) = examples("19")
    assert fits(join(example), encode_photo_proof(proof).decode())


def test_the_example_of_reports():
    (example,) = examples("5.6")
    content = make_report_content([compute_report_digest(b"1"), compute_report_digest(b"2")], START)
    shown = re.search(r"REPORT_TAKEN +(\S.*)$", example, re.MULTILINE)[1]
    assert list(json.loads(shown.replace("…", ""))) == list(json.loads(encode_report_content(content)))
    assert REPORT_DOMAIN.decode().replace("\0", "\\0") in example
    assert f"1 to {MOST_REPORTS}, rising" in SECTIONS["5.6"]


def test_the_examples_of_sites_and_pledges():
    shown = re.findall(r"^([A-Z]+) +(\{.*?)(?=^[A-Z]|\Z)", examples("5.7")[0], re.MULTILINE | re.DOTALL)
    expected = [("SITE", encode_site(MARKET))]
    expected += [("PLEDGE", encode_pledge(each)) for each in (PLEDGE, WITHDRAWN)]
    assert [name for name, _ in shown] == [name for name, _ in expected]
    for (_, content), (_, raw) in zip(shown, expected, strict=True):
        assert fits(join(content), raw.decode())
    for word in (*SiteKind, *PledgeState):
        assert f"`{word.value}`" in SECTIONS["5.7"]
    assert f"1 to {MAX_SITE_INSTRUMENTS} ids" in SECTIONS["5.7"]
    assert f"1 to {MAX_PARAGRAPHS} paragraphs" in SECTIONS["5.7"]
    assert f"≤ {MAX_PARAGRAPH_BYTES} bytes" in SECTIONS["5.7"]


def test_the_example_of_a_leaf():
    (example,) = examples("7")
    assert fits(example.splitlines()[0].replace(" ", ""), read("leaf", "issue", "leaf.hex").strip())
    assert f"{HEADER_BYTES} bytes, big-endian" in SECTIONS["7"]
    assert f"At most {MAX_LEAF_BYTES:,} bytes" in SECTIONS["7"]


def test_the_codes_of_statuses():
    sentence = re.search(r"Status after the event: (.*?)\)", SECTIONS["7"], re.DOTALL)[1]
    assert numbered(sentence) == {status.value: status.name for status in Status}


# --- the status map ---------------------------------------------------------------------------------------


def piecewise(example: str) -> str:
    """Return an example in hex without its explanations, which stand behind three or more spaces."""
    return "".join(re.split(r" {3,}", line.strip())[0] for line in example.splitlines()).replace(" ", "")


def test_the_hashes_of_the_status_map():
    (example,) = examples("8.1")
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in example.splitlines()}
    want = json.loads(read("status_map", "one", "expected.json"))
    ((subject, row),) = want["subjects"].items()
    value = re.split(" {3,}", shown["value"])[0].replace(" ", "")
    assert value == row["value"]
    assert f"{STATE_BYTES} bytes" in SECTIONS["8.1"]
    assert shown["leaf"].startswith(f"SHA-256(02 ‖ {subject[:8]}… ‖ value)")
    assert shown["leaf"].endswith(f"= {want['root'][:8]}…")
    assert shown["empty"].endswith(f"= {EMPTY_MAP_ROOT.hex()[:8]}…")
    message = b"\x02" + bytes.fromhex(subject) + bytes.fromhex(value)
    assert hashlib.sha256(message).hexdigest() == want["root"] == row["leaf_hash"]
    assert hashlib.sha256(b"\x04").digest() == EMPTY_MAP_ROOT


def test_the_inner_nodes_of_the_status_map():
    line = next(line for line in examples("8.1")[0].splitlines() if line.startswith("inner"))
    assert line.split(maxsplit=1)[1] == "SHA-256(03 ‖ bit ‖ left ‖ right)"
    rows = json.loads(read("status_map", "bit_255", "expected.json"))
    left, right = (bytes.fromhex(rows["subjects"][f"{number:064x}"]["leaf_hash"]) for number in (0, 1))
    assert hashlib.sha256(b"\x03" + bytes([255]) + left + right).hexdigest() == rows["root"]


def test_the_example_of_a_map_proof():
    (example,) = examples("8.2")
    assert fits(piecewise(example), read("map_proof", "one_of_four", "proof.hex").strip())
    assert f"At most {MAX_MAP_PROOF_BYTES // 1024**2} MiB" in SECTIONS["8.2"]
    assert read("map_proof", "empty", "proof.hex").strip() == "04"


def test_the_example_of_a_maphead():
    (example,) = examples("8.3")
    raw = read("maphead", "first", "leaf.hex").strip()
    assert fits(example.splitlines()[0].replace(" ", ""), raw)
    assert len(raw) == 2 * HEADER_BYTES
    numbers = re.search(r"Status (\d+), subject of kind (\d+)", SECTIONS["8.3"]).groups()
    assert tuple(map(int, numbers)) == (Status.ACTIVE, SubjectKind.STATUS_MAP)


# --- 9 to 14 ----------------------------------------------------------------------------------------------


def test_the_example_of_a_checkpoint():
    (example,) = examples("9")
    assert fits(example, read("checkpoint", "eight", "checkpoint.txt"))


@pytest.mark.parametrize(
    ("section", "number", "parts"),
    [
        ("10", 0, ("receipt", "final", "receipt.json")),
        ("11", 0, ("bundle", "pump", "bundle.json")),
        ("11", 1, ("trust", "registers", "trust.json")),
        ("12", 0, ("policy", "development", "policy.json")),
        ("16", 0, ("as_of", "valid", "as_of.json")),
    ],
)
def test_examples_of_files(section, number, parts):
    example = join(examples(section)[number]).replace(",…", "…").replace("\\n", "\\n")
    whole = read(*parts)
    assert fits(example, whole)
    members = json.loads(whole)
    assert all(f'"{name}":' in example for name in members), "every member is shown"


def test_limits_and_lists_of_files():
    assert f"At most {MAX_BUNDLE_BYTES // 1024**2} MiB" in SECTIONS["11"]
    listed = {
        int(number)
        for number in re.findall(r"\d{4,}", re.search(r"Chains with id (.*?) are", SECTIONS["12"])[1])
    }
    assert listed == DEVELOPMENT_CHAIN_IDS
    for finality in ("immediate", "depth:1", "depth:99999", "tag:safe", "tag:finalized"):
        assert re.fullmatch(FINALITY_PATTERN, finality)
        assert f"`{re.sub('[0-9]+', 'N', finality)}`" in SECTIONS["12"]


def test_the_maximum_age_of_a_status():
    least, most = re.search(r"`max_status_age_seconds` \((\d+) to (\d+)\)", SECTIONS["12"]).groups()
    members = json.loads(read("policy", "max_age", "policy.json"))
    for seconds, good in (
        (int(least), True),
        (int(most), True),
        (int(least) - 1, False),
        (int(most) + 1, False),
    ):
        raw = json.dumps(members | {"max_status_age_seconds": seconds}).encode()
        if good:
            assert parse_policy(raw).max_status_age == timedelta(seconds=seconds)
        else:
            with pytest.raises(InputError):
                parse_policy(raw)


def test_the_statuses_of_documents():
    sentence = SECTIONS["11"].split("**Status.**")[1]
    for status in (DocumentStatus.SUPERSEDED, DocumentStatus.FAILED_SINCE):
        assert status.value in sentence
        assert status.value in SECTIONS["14"]


def test_the_examples_of_codes():
    (example,) = examples("13")
    raw = bytes.fromhex(read("statement", "issue", "statement.hex"))
    want = json.loads(read("statement", "issue", "expected.json"))
    long, short, sticker = (line.split()[0] for line in example.splitlines())
    first = compute_sticker_id(ROLL, 0)
    assert encode_sticker_url(first, "example.cn") == sticker.replace("<sticker>", first)
    assert encode_long_url(raw, "example.cn") == long.replace("<digits>", want["digits"][1:])
    assert encode_short_url(want["short_code"], "example.cn") == short.replace("<code>", want["short_code"])


def test_the_steps():
    assert numbered(SECTIONS["14"].split(". Each")[0]) == {step.number: step.code for step in Step}


# --- 17 ---------------------------------------------------------------------------------------------------


def test_the_members_of_a_supplement_and_of_the_proof_of_its_act():
    (example,) = examples("17")
    supplement, proof = (
        set(re.findall(r'"([a-z_]+)":', part))
        for part in re.split(r"^(?=\{\"proof)", example, flags=re.MULTILINE)
    )
    made = Supplement(
        InstitutionId("X"),
        CertificateNumber("1"),
        Digest(bytes(32)),
        ReasonCode.TYPO,
        ("a",),
        date(2026, 3, 3),
    )
    written = json.loads(encode_supplement(made))
    assert supplement == written.keys() | written["certificate"].keys()
    assert proof == json.loads(encode_act_proof(ActProof(b"a", b"b"))).keys()
    assert SUPPLEMENT_TYPE in example
    assert ACT_PROOF_TYPE in example
    assert f"at most {MAX_SUPPLEMENT_BYTES // 1024} KiB" in SECTIONS["17"]


# --- 18 ---------------------------------------------------------------------------------------------------


def test_the_examples_of_proofs_of_stickers_and_absences():
    (example,) = examples("18")
    sticker, absence = (
        re.sub(r"\s", "", part) for part in re.split(r"^(?=\{\"certificate)", example, flags=re.MULTILINE)
    )
    written = json.loads(read("sticker_proof", "bound", "sticker_proof.json"))
    members = {*written, *written["event"], *written["evidence"]}
    assert set(re.findall(r'"([a-z_]+)":', sticker)) == members
    assert f'"index":{written["event"]["index"]},"leaf":"{written["event"]["leaf"][:7]}…"' in sticker
    assert (f'"sticker":"{written["sticker"]}"' in sticker, STICKER_PROOF_TYPE in sticker) == (True, True)
    lacking = json.loads(read("absence_proof", "certificate", "absence_proof.json"))
    assert set(re.findall(r'"([a-z_]+)":', absence)) == {*lacking, *lacking["certificate"]}
    assert json.dumps(lacking["certificate"], separators=(",", ":")) in absence
    assert ABSENCE_PROOF_TYPE in absence


def test_the_words_of_section_18():
    assert set(re.findall(r"`(NO_[A-Z]+|WRONG_[A-Z]+)`", SECTIONS["18"])) == set(MadeUp)
    assert MAX_STICKER_PROOF_BYTES == MAX_ABSENCE_PROOF_BYTES == 2 * 1024 * 1024
    assert "At most 2 MiB" in SECTIONS["18"]
