"""The vectors of our own formats: made anew byte for byte, and judged as their names say."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from ledger_in_memory import make_signer
from map_world import naive_root
from vector_cases import BUILDERS, build_files

from ledger.core.absence_proof import parse_absence_proof
from ledger.core.add_checkpoint import parse_answer
from ledger.core.anchor import parse_receipt, verify_receipt
from ledger.core.as_of import parse_as_of
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import parse_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.cosignature import open_cosignatures, parse_witness
from ledger.core.data import load_rule_book
from ledger.core.disclosure import parse_disclosure, verify_disclosure
from ledger.core.encoding import parse_base64
from ledger.core.entry import encode_header, parse_leaf
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    LedgerError,
    MapProofError,
    PolicyMismatchError,
    UnavailableError,
    VerificationError,
)
from ledger.core.event import SubjectKind, compute_subject
from ledger.core.fields import Reader
from ledger.core.fold import build_header, judge_signed_event
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import open_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.merkle import hash_leaf, verify_multi_proof
from ledger.core.note import parse_note, parse_vkey
from ledger.core.photo_proof import encode_photo_proof, parse_photo_proof
from ledger.core.policy import parse_policy
from ledger.core.qr import compute_code, parse_digits
from ledger.core.quorum_certificate import open_certificates, parse_bls_witness, verify_share_line
from ledger.core.signature import parse_multikey
from ledger.core.statement import parse_signed_statement, verify_statement
from ledger.core.status import Effect, Registers, Status, SubjectState
from ledger.core.status_map import EMPTY_MAP, encode_state, hash_map_leaf, load_nothing
from ledger.core.step import Outcome
from ledger.core.sticker_proof import parse_sticker_proof
from ledger.core.text import has_forbidden_character, has_outer_space
from ledger.core.trust import open_trust_list, parse_trust_list
from verifier import checks
from verifier.absence_proof import verify_absence_proof
from verifier.past import verify_as_of
from verifier.photo_proof import verify_photo
from verifier.session import Session
from verifier.sticker_proof import verify_sticker_proof
from verifier.verify import verify_bundle

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "vectors"


def list_cases(kind: str) -> list[Path]:
    cases = sorted(path for path in (FOLDER / kind).iterdir() if path.is_dir())
    assert cases, f"no vectors of kind {kind}: run scripts/make_vectors"
    return cases


def cases(kind: str):
    return pytest.mark.parametrize("case", list_cases(kind), ids=lambda path: path.name)


def is_good(case: Path) -> bool:
    return not case.name.endswith("_fail")


def expected(case: Path) -> dict:
    return json.loads((case / "expected.json").read_bytes())


def read_hex(path: Path) -> bytes:
    return bytes.fromhex(path.read_text())


# --- the files --------------------------------------------------------------------------------------------


def test_the_files_are_made_anew_byte_for_byte():
    made = build_files()
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()
    }
    assert made.keys() == found.keys(), "run scripts/make_vectors"
    assert [name for name in made if made[name] != found[name]] == []


def test_the_script_compares_them_too():
    command = [sys.executable, ROOT / "scripts" / "make_vectors", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_most_cases_must_be_refused():
    names = [path.name for path in FOLDER.glob("*/*") if path.is_dir()]
    refused = [name for name in names if name.endswith("_fail")]
    assert len(refused) > len(names) / 2
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == {build().name for build in BUILDERS}


# --- stickers, and what the ledger lacks -----------------------------------------------------------------------


def open_case(case, parse):
    """Return the file of a case, what is expected of it, and a session; None where it must not be read."""
    raw, want = (case / f"{case.parent.name}.json").read_bytes(), expected(case)
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse(raw)
        return None
    session = Session(parse_policy((case / "policy.json").read_bytes()), load_rule_book(), None)
    return parse(raw), want, session


def judge_case(case, parse, verify):
    """Return what a case shows and its report; None where it is refused as it must be."""
    opened = open_case(case, parse)
    if opened is None:
        return None
    proof, want, session = opened
    now = datetime.fromisoformat(want["now"])
    if want.get("fails") == "log":
        with pytest.raises(PolicyMismatchError):
            verify(proof, session, now)
        return None
    report, shown = verify(proof, session, now)
    assert (shown is not None) is is_good(case)
    assert report.verdict == want.get("verdict", "INVALID")
    failed = [check for check in report.checks if check.outcome is Outcome.FAILED]
    assert bool(failed) is not is_good(case)
    return shown


@cases("sticker_proof")
def test_sticker_proofs(case):
    shown, want = judge_case(case, parse_sticker_proof, verify_sticker_proof), expected(case)
    if shown is not None:
        assert (shown.standing, shown.made_up) == (want["standing"], want.get("made_up"))


@cases("absence_proof")
def test_absence_proofs(case):
    shown, want = judge_case(case, parse_absence_proof, verify_absence_proof), expected(case)
    assert shown == want.get("absence")


# --- photographs ------------------------------------------------------------------------------------------


@cases("photo_proof")
def test_photo_proofs(case):
    opened = open_case(case, parse_photo_proof)
    if opened is None:
        return
    proof, want, session = opened
    raw, bundle = (case / "photo.jpg").read_bytes(), parse_bundle((case / "bundle.json").read_bytes())
    if not is_good(case):
        refused = {"log": PolicyMismatchError, "late": UnavailableError}
        kinds = refused.get(want["fails"], (VerificationError, InputError))
        with pytest.raises(kinds):
            verify_photo(raw, proof, bundle, session)
        return
    found = verify_photo(raw, proof, bundle, session)
    assert (found.width, found.height, str(found.taken_on)) == (
        want["width"],
        want["height"],
        want["taken_on"],
    )
    assert encode_photo_proof(proof) == (case / "photo_proof.json").read_bytes()


# --- documents --------------------------------------------------------------------------------------------


@cases("certificate")
def test_certificates(case):
    raw, want = (case / "certificate.json").read_bytes(), expected(case)
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_certificate(raw)
        return
    certificate = parse_certificate(raw)
    outcome = checks.check_seal(certificate, make_signer("seal").public_key).outcome
    assert outcome is (Outcome.PASSED if is_good(case) else Outcome.FAILED)
    if is_good(case):
        record = certificate.record
        assert certificate.digest.hex() == want["digest"]
        assert certificate.issuer_did == want["issuer"]
        assert (record.issuer.id, record.number) == (want["institution"], want["number"])
        assert record.instrument.id.hex() == want["instrument_id"]


@cases("disclosure")
def test_disclosures(case):
    record = parse_canonical_json((case / "record.json").read_bytes())
    raw, want = (case / "disclosure.json").read_bytes(), expected(case)
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_disclosure(raw)
    elif want.get("fails") == "values":
        with pytest.raises(VerificationError):
            verify_disclosure(record, parse_disclosure(raw))
    else:
        verify_disclosure(record, parse_disclosure(raw))


@cases("text")
def test_texts(case):
    value = json.loads((case / "characters.json").read_bytes())
    for first, last in value["forbidden"]:
        assert all(has_forbidden_character(chr(number)) for number in range(first, last + 1))
        assert not has_forbidden_character(chr(last + 1)) or [last + 1] in [
            pair[:1] for pair in value["forbidden"]
        ]
    assert all(has_outer_space(chr(number)) for number in value["not_at_an_end"])
    for text in value["good"]:
        assert Reader({"x": text}).text("x") == text


# --- statements and leaves --------------------------------------------------------------------------------


@cases("statement")
def test_statements(case):
    raw, want = read_hex(case / "statement.hex"), expected(case)
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_signed_statement(raw)
        return
    signed = parse_signed_statement(raw)
    if want.get("fails") == "signature":
        with pytest.raises(VerificationError):
            verify_statement(signed, parse_multikey(want["key"]), want["origin"])
        return
    verify_statement(signed, parse_multikey(want["key"]), want["origin"])
    assert (signed.digest.hex(), signed.key_id.hex()) == (want["digest"], want["key_id"])
    assert (signed.statement.type.name, signed.statement.issuer) == (want["type"], want["issuer"])
    assert compute_code(raw) == want["short_code"]
    if "digits" in want:
        assert parse_digits(want["digits"]) == raw


@cases("leaf")
def test_leaves(case):
    raw, want = read_hex(case / "leaf.hex"), expected(case)
    if not is_good(case):
        with pytest.raises(InputError):
            parse_leaf(raw)
        return
    header = parse_leaf(raw).header
    assert hash_leaf(raw).hex() == want["leaf_hash"]
    assert (header.type.name, header.status, header.version) == (
        want["type"],
        want["status"],
        want["version"],
    )
    assert (header.subject.hex(), header.prev) == (want["subject"], want["prev"])


@cases("subject")
def test_subjects(case):
    for row in json.loads((case / "subjects.json").read_bytes()):
        kind = SubjectKind(row["kind"])
        assert kind.name == row["name"]
        assert compute_subject(kind, bytes.fromhex(row["identity"])).hex() == row["subject"]


@cases("fold")
def test_folds(case):
    log, want = json.loads((case / "log.json").read_bytes()), expected(case)
    registers, states, headers, subjects, void = Registers(), {}, [], [], []
    for number, entry in enumerate(log["statements"]):
        signed = parse_signed_statement(parse_base64(entry["statement"]))
        at = datetime.fromtimestamp(entry["sequenced_at_ms"] / 1000).astimezone()
        outcome = judge_signed_event(
            signed, LeafIndex(number), at, registers, states.get, subjects.__getitem__
        )
        header = build_header(signed, outcome, entry["sequenced_at_ms"])
        headers.append(encode_header(header).hex())
        subjects.append(header.subject)
        if isinstance(outcome, Effect):
            states.update(outcome.changes)
            if outcome.apply is not None:
                outcome.apply(registers)
        else:
            void.append(number)
    assert headers == want["headers"]
    assert void == want["void"]


# --- the status map ---------------------------------------------------------------------------------------


def read_state(members: dict | None) -> SubjectState | None:
    return (
        None
        if members is None
        else SubjectState(Status(members["status"]), *(members[name] for name in REST))
    )


REST = ("version", "last_event", "current_certificate")


@cases("status_map")
def test_status_maps(case):
    rows, want = json.loads((case / "states.json").read_bytes()), expected(case)
    states = {bytes.fromhex(subject): read_state(members) for subject, members in rows.items()}
    assert EMPTY_MAP.update(states, load_nothing).root_hash.hex() == naive_root(states).hex() == want["root"]
    assert want["subjects"] == {
        subject.hex(): {
            "value": encode_state(state).hex(),
            "leaf_hash": hash_map_leaf(subject, encode_state(state)).hex(),
        }
        for subject, state in states.items()
    }


@cases("map_proof")
def test_map_proofs(case):
    raw, want = read_hex(case / "proof.hex"), expected(case)
    root_hash = bytes.fromhex(want["root"])
    if not is_good(case):
        with pytest.raises(InputError if want["fails"] == "parse" else MapProofError):
            open_map_proof(raw, root_hash)
        return
    proven = open_map_proof(raw, root_hash)
    for subject, members in want["shown"].items():
        assert proven.find(bytes.fromhex(subject)) == read_state(members)
    for subject in want["not_shown"]:
        with pytest.raises(MapProofError):
            proven.find(bytes.fromhex(subject))


@cases("maphead")
def test_mapheads(case):
    raw, want = read_hex(case / "leaf.hex"), expected(case)
    if not is_good(case):
        with pytest.raises(InputError if want["fails"] == "parse" else VerificationError):
            require_maphead(raw)
        return
    header = require_maphead(raw)
    assert (get_map_root(header).hex(), header.prev, header.version) == (
        *(want["root"], want["prev"], want["version"]),
    )


# --- proofs -----------------------------------------------------------------------------------------------


@cases("batched_inclusion")
def test_batched_inclusion(case):
    value = json.loads((case / "proof.json").read_bytes())
    leaves = {LeafIndex(index): bytes.fromhex(text) for index, text in value["leaves"]}
    proof = [bytes.fromhex(text) for text in value["proof"]]
    arguments = (leaves, value["tree_size"], proof, bytes.fromhex(value["root"]))
    if is_good(case):
        verify_multi_proof(*arguments)
        assert all(hash_leaf(index.to_bytes(8, "big")) == leaf_hash for index, leaf_hash in leaves.items())
    else:
        with pytest.raises(VerificationError):
            verify_multi_proof(*arguments)


@cases("receipt")
def test_receipts(case):
    members, want = json.loads((case / "receipt.json").read_bytes()), expected(case)
    key = parse_multikey(want["key"])
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_receipt(Reader(members, ""))
    elif want.get("fails") == "signature":
        with pytest.raises(VerificationError):
            verify_receipt(parse_receipt(Reader(members, "")), key)
    else:
        verify_receipt(parse_receipt(Reader(members, "")), key)


@cases("checkpoint")
def test_checkpoints(case):
    note, want = (case / "checkpoint.txt").read_bytes(), expected(case)
    if is_good(case):
        checkpoint = verify_checkpoint(note, parse_vkey(want["vkey"]))
        assert (checkpoint.tree_size, checkpoint.root_hash.hex()) == (want["tree_size"], want["root"])
    else:
        with pytest.raises(LedgerError):
            verify_checkpoint(note, parse_vkey(want["vkey"]))


@cases("cosignature")
def test_cosignatures(case):
    note, want = (case / "checkpoint.txt").read_text("utf-8"), expected(case)
    known = [parse_witness(vkey) for vkey in want["witnesses"]]
    assert verify_checkpoint(note, parse_vkey(want["log"])).tree_size == 8
    if is_good(case):
        found = open_cosignatures(note, known)
        assert {item.witness.name: item.cosigned_at.timestamp() for item in found} == want["signed"]
    else:
        with pytest.raises(BrokenSignatureError):
            open_cosignatures(note, known)


@cases("quorum_certificate")
def test_quorum_certificates(case):
    note, want = (case / "checkpoint.txt").read_text("utf-8"), expected(case)
    known = [parse_bls_witness(vkey) for vkey in want["witnesses"]]
    if is_good(case):
        found = open_certificates(note, known)
        assert {item.witness.name: item.cosigned_at.timestamp() for item in found} == want["signed"]
    else:
        with pytest.raises((BrokenSignatureError, PolicyMismatchError)):
            open_certificates(note, known)


@cases("share")
def test_shares(case):
    body, want = parse_note((case / "checkpoint.txt").read_text("utf-8")).text, expected(case)
    (line,) = parse_answer((case / "answer.txt").read_bytes())
    witness = parse_bls_witness(want["witness"])
    if is_good(case):
        assert verify_share_line(line, body, witness).signed_at.timestamp() == want["signed"]
    else:
        with pytest.raises((BrokenSignatureError, PolicyMismatchError)):
            verify_share_line(line, body, witness)


@cases("policy")
def test_policies(case):
    raw = (case / "policy.json").read_bytes()
    if is_good(case):
        parse_policy(raw)
    else:
        with pytest.raises(InputError):
            parse_policy(raw)


@cases("trust")
def test_trust_lists(case):
    raw, want = (case / "trust.json").read_bytes(), expected(case)
    policy = parse_policy((case / "policy.json").read_bytes())
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_trust_list(raw)
        return
    trust = parse_trust_list(raw)
    if not is_good(case):
        with pytest.raises(PolicyMismatchError if want["fails"] == "log" else VerificationError):
            open_trust_list(trust, policy)
        return
    registers, checkpoint = open_trust_list(trust, policy)
    assert checkpoint.tree_size == want["tree_size"]
    assert {known.key.multikey: known.until for known in registers.keys.values()} == {
        key: row["until"] for key, row in want["keys"].items()
    }
    assert {owner: item.state for owner, item in registers.institutions.items()} == want["institutions"]


# --- bundles ----------------------------------------------------------------------------------------------


@cases("bundle")
def test_bundles(case):
    raw, want = (case / "bundle.json").read_bytes(), expected(case)
    session = Session(parse_policy((case / "policy.json").read_bytes()), load_rule_book(), trust_list=None)
    at = datetime.fromisoformat(want["at"])
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_bundle(raw)
        return
    if want.get("fails") == "log":
        with pytest.raises(PolicyMismatchError):
            verify_bundle(parse_bundle(raw), session, at)
        return
    report = verify_bundle(parse_bundle(raw), session, at)
    assert (report.verdict, report.authentic, report.exit_code) == (
        *(want["verdict"], want["authentic"], want["exit_code"]),
    )
    assert {check.step.code: check.outcome for check in report.checks} == want["steps"]
    assert is_good(case) == report.authentic


@cases("as_of")
def test_past_states(case):
    raw, want = (case / "as_of.json").read_bytes(), expected(case)
    session = Session(parse_policy((case / "policy.json").read_bytes()), load_rule_book(), trust_list=None)
    now = datetime.fromisoformat(want["now"])
    if want.get("fails") == "parse":
        with pytest.raises(InputError):
            parse_as_of(raw)
        return
    if not is_good(case):
        with pytest.raises(PolicyMismatchError if want["fails"] == "log" else VerificationError):
            verify_as_of(parse_as_of(raw), session, now)
        return
    report = verify_as_of(parse_as_of(raw), session, now)
    assert (report.verdict, report.status) == (want["verdict"], want["status"])
