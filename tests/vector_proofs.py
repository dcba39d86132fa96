"""Vectors of what is believed and proved: policies, trust lists, checkpoints, receipts, batched inclusion."""

import json
from dataclasses import replace
from datetime import timedelta

from ledger_in_memory import (
    ORIGIN,
    START,
    MemoryLedger,
    make_signer,
)
from vector_kind import Kind, show
from vector_statements import fold_keys
from witnesses import cosign, cosign_falsely, make_quorum, make_witness

from ledger.core.anchor import encode_receipt
from ledger.core.canonical import encode_canonical_json
from ledger.core.cosignature import Witness, add_lines, encode_witness
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.merkle import MemoryTree, build_multi_proof, hash_leaf
from ledger.core.note import NoteSignature, NoteSigner, encode_vkey, parse_note
from ledger.core.policy import encode_policy
from ledger.core.trust import encode_trust_list

# --- proofs, receipts, policies ---------------------------------------------------------------------------


def build_proofs() -> Kind:
    kind = Kind(
        "batched_inclusion",
        {
            "proof.json": "tree size, root, the wanted leaf indices with their leaf hashes, and the "
            "proof, all in hex; "
            "the leaf of index i is the 8 bytes of i, big-endian",
        },
    )
    for size, wanted in (
        (1, [0]),
        (2, [1]),
        (7, [0, 3, 6]),
        (8, [2, 3]),
        (8, list(range(8))),
        (13, [0, 12]),
        (1000, [0, 499, 500, 999]),
    ):
        hashes = [hash_leaf(index.to_bytes(8, "big")) for index in range(size)]
        tree = MemoryTree(hashes)
        proof = build_multi_proof([LeafIndex(index) for index in wanted], TreeSize(size), tree.read)
        value = {
            "tree_size": size,
            "root": tree.root().hex(),
            "leaves": [[index, hashes[index].hex()] for index in wanted],
            "proof": [one.hex() for one in proof],
        }
        name = f"size_{size}_of_{len(wanted)}"
        kind.add(name, f"{len(wanted)} of {size} leaves", proof_json=show(value))
        if size == 13:
            for fault, why, members in (
                ("short", "a hash is missing", {"proof": value["proof"][:-1]}),
                ("long", "a hash too many", {"proof": [*value["proof"], "00" * 32]}),
                ("order", "hashes in another order", {"proof": value["proof"][::-1]}),
                ("size", "another size", {"tree_size": 12}),
                ("index", "another index", {"leaves": [[1, value["leaves"][0][1]], value["leaves"][1]]}),
            ):
                kind.add(f"{name}_{fault}_fail", why, proof_json=show(value | members))
    return kind


def build_receipts() -> Kind:
    kind = Kind(
        "receipt",
        {
            "receipt.json": "the receipt",
            "expected.json": "the log key; of a `_fail` case whether it cannot be read (`parse`) or "
            "does not verify (`signature`)",
        },
    )
    ledger = MemoryLedger().found()
    good = encode_canonical_json(encode_receipt(ledger.receipt()))
    key = ledger.log_signer.public_key.multikey
    kind.add("final", "a receipt of a final anchor", receipt_json=good, expected_json=show({"key": key}))
    assert b'"tree_size":6' in good
    for name, why, raw, at in (
        (
            "block",
            "another block number",
            good.replace(b'"block_number":7', b'"block_number":8'),
            "signature",
        ),
        ("grade", "a lower grade than signed", good.replace(b'"final"', b'"safe"'), "signature"),
        (
            "thief",
            "signed by another key",
            encode_canonical_json(encode_receipt(ledger.receipt(signer=make_signer("thief")))),
            "signature",
        ),
        ("upper_case", "hex in upper case", good.replace(b"0101", b"0A0A"), "parse"),
        ("unknown_grade", "no such grade", good.replace(b'"final"', b'"settled"'), "parse"),
        (
            "milliseconds",
            "an instant has one spelling",
            good.replace(b"01:00:00Z", b"01:00:00.000Z"),
            "parse",
        ),
        (
            "empty_tree",
            "nothing is anchored of an empty tree",
            good.replace(b'"tree_size":6', b'"tree_size":0'),
            "parse",
        ),
    ):
        kind.add(f"{name}_fail", why, receipt_json=raw, expected_json=show({"key": key, "fails": at}))
    return kind


def build_policies() -> Kind:
    kind = Kind("policy", {"policy.json": "the policy; people may format it as they like"})
    policy = MemoryLedger().found().policy()
    good = encode_policy(policy)
    kind.add("development", "a policy for a development chain", policy_json=good)
    kind.add("formatted", "the same, formatted by hand", policy_json=show(json.loads(good)))
    bare = encode_policy(replace(policy, contract=None, development=False))
    kind.add("no_contract", "without a contract", policy_json=bare)
    aged = encode_policy(replace(policy, max_status_age=timedelta(days=7)))
    kind.add("max_age", "with a maximum age of the status", policy_json=aged)
    kind.add(
        "max_age_fail",
        "a maximum age of zero",
        policy_json=aged.replace(b'"max_status_age_seconds":604800', b'"max_status_age_seconds":0'),
    )
    quorum = make_quorum("w1", "w2", "w3", threshold=2)
    witnessed = encode_policy(replace(policy, witnesses=quorum))
    kind.add("witnesses", "two of three witnesses", policy_json=witnessed)
    vkeys = [encode_witness(one) for one in quorum.witnesses]
    log_vkey = encode_witness(Witness("w1.example", policy.log_key))
    for name, why, old, new in (
        ("quorum_half", "a quorum of half of the witnesses", f',"{vkeys[2]}"],"quorum":2', '],"quorum":1'),
        ("quorum_more", "a quorum of more than there are", '"quorum":2', '"quorum":4'),
        ("witness_twice", "a witness twice", vkeys[1], vkeys[0]),
        ("witness_key_id", "a vkey with another key id", "w1.example+", "w9.example+"),
        ("witness_log", "the log's own key", vkeys[0], log_vkey),
        ("witness_none", "no witnesses", f'"{vkeys[0]}","{vkeys[1]}","{vkeys[2]}"', ""),
    ):
        wrong = witnessed.replace(old.encode(), new.encode(), 1)
        assert wrong != witnessed, name
        kind.add(f"{name}_fail", why, policy_json=wrong)
    for name, why, old, new in (
        (
            "production",
            "a development chain in a policy for production",
            b'"development":true',
            b'"development":false',
        ),
        ("zone", "no such time zone", b"Asia/Shanghai", b"Mars/Olympus"),
        ("step", "no such step", b'"integrity"', b'"Integrity"'),
        ("host", "a host is a lower-case DNS name", b"v.example.cn", b"127.0.0.1"),
        ("finality", "depth is at least 1", b'"immediate"', b'"depth:0"'),
        ("root", "a version of the root that cannot be", b'"version":1},', b'"version":0},'),
        ("version", "a version is an integer", b'"version":1,"zone"', b'"version":"1","zone"'),
        (
            "unknown_member",
            "a member that a policy does not have",
            b'"version":1,"zone"',
            b'"version":1,"x":1,"zone"',
        ),
        (
            "duplicate",
            "a member stands there twice",
            b'"version":1,"zone"',
            b'"version":1,"version":1,"zone"',
        ),
        ("log_key", "not a key", b'"log_key":"z', b'"log_key":"y'),
    ):
        wrong = good.replace(old, new, 1)
        assert wrong != good, name
        kind.add(f"{name}_fail", why, policy_json=wrong)
    return kind


def build_trust_lists() -> Kind:
    kind = Kind(
        "trust",
        {
            "trust.json": "the trust list",
            "policy.json": "what it is believed under",
            "expected.json": "what it establishes; of a `_fail` case whether it cannot be read "
            "(`parse`), is of another log "
            "(`log`) or does not hold (`evidence`)",
        },
    )
    ledger = fold_keys()
    ledger.publish()
    policy = encode_policy(ledger.policy())
    registers = ledger.registers
    expected = {
        "tree_size": ledger.size,
        "authorities": sorted(registers.authorities),
        "institutions": {key: item.state.value for key, item in registers.institutions.items()},
        "scopes": {f"{owner}/{line}": item.state.value for (owner, line), item in registers.scopes.items()},
        "keys": {
            known.key.multikey: {"owner": known.owner, "since": known.since, "until": known.until}
            for known in registers.keys.values()
        },
    }
    kind.add(
        "registers",
        "everything that a log had registered",
        trust_json=ledger.trust_raw(),
        policy_json=policy,
        expected_json=show(expected),
    )
    good, older = ledger.trust(), MemoryLedger().found().evidence()

    def fail(name: str, why: str, raw: bytes, at: str) -> None:
        kind.add(f"{name}_fail", why, trust_json=raw, policy_json=policy, expected_json=show({"fails": at}))

    fail("cut", "cut off", ledger.trust_raw()[:-1], "parse")
    fail("other_log", "of another log", MemoryLedger("ledger.example/other").found().trust_raw(), "log")
    fail(
        "thief",
        "the checkpoint is signed by another key",
        MemoryLedger(log="thief").found().trust_raw(),
        "evidence",
    )
    fail(
        "missing",
        "a version of a key is missing",
        encode_trust_list(replace(good, evidence=ledger.evidence(without=frozenset({3})))),
        "evidence",
    )
    fail(
        "older",
        "evidence of an older state",
        encode_trust_list(replace(good, evidence=older)),
        "evidence",
    )
    fail(
        "end",
        "the end of a key is left out; the status map tells",
        encode_trust_list(replace(good, evidence=ledger.evidence(without=frozenset({7})))),
        "evidence",
    )
    fail(
        "map",
        "the map proof of an older state",
        encode_trust_list(replace(good, evidence=replace(good.evidence, map_proof=older.map_proof))),
        "evidence",
    )
    fail(
        "maphead",
        "the MAPHEAD of an older state",
        encode_trust_list(replace(good, evidence=replace(good.evidence, maphead=older.maphead))),
        "evidence",
    )
    cosigned = cosign(good.checkpoint, START, "w1") + "— x.example AAAAAAAA\n"
    kind.add(
        "line",
        "with lines of witnesses that nobody knows here",
        trust_json=encode_trust_list(replace(good, checkpoint=cosigned)),
        policy_json=policy,
        expected_json=show(expected),
    )
    kind.add(
        "witness_fail",
        "a false line of a witness that the policy names",
        trust_json=encode_trust_list(replace(good, checkpoint=cosign_falsely(cosigned, "w1"))),
        policy_json=encode_policy(ledger.policy(witnesses=make_quorum("w1", threshold=1))),
        expected_json=show({"fails": "evidence"}),
    )
    return kind


def build_checkpoints() -> Kind:
    kind = Kind(
        "checkpoint",
        {
            "checkpoint.txt": "a signed note",
            "expected.json": "the log's vkey, size and root; of a `_fail` case the vkey only",
        },
    )
    ledger = MemoryLedger().found().issue_many(2)
    vkey = encode_vkey(NoteSigner(ledger.origin, ledger.log_signer).verifier)
    note = ledger.checkpoint()
    expected = {"vkey": vkey, "tree_size": ledger.size, "root": ledger.tree().root().hex()}
    kind.add("eight", "a tree of eight leaves", checkpoint_txt=note.encode(), expected_json=show(expected))
    for name, why, wrong in (
        ("size", "another size than signed", note.replace("\n8\n", "\n9\n")),
        ("zero", "a size with a leading zero", note.replace("\n8\n", "\n08\n")),
        ("extension", "an extension line", note.replace("\n\n", "\nextension\n\n", 1)),
        ("unsigned", "no signature", note.partition("\n\n")[0] + "\n"),
        ("key_name", "signed under another name", note.replace(f"— {ORIGIN}", "— ledger.example/2027")),
    ):
        kind.add(f"{name}_fail", why, checkpoint_txt=wrong.encode(), expected_json=show({"vkey": vkey}))
    return kind


def build_cosignatures() -> Kind:
    kind = Kind(
        "cosignature",
        {
            "checkpoint.txt": "a checkpoint with lines of its log and of witnesses",
            "expected.json": "the log's vkey, those of the known witnesses, and the time of each that "
            "has signed; of a `_fail` case the vkeys only",
        },
    )
    ledger = MemoryLedger().found().issue_many(2)
    note, at = ledger.checkpoint(), START
    vkeys = {
        "log": encode_vkey(NoteSigner(ledger.origin, ledger.log_signer).verifier),
        "witnesses": [encode_witness(make_witness(name)) for name in ("w1", "w2")],
    }

    def add(name: str, why: str, cosigned: str, **times: int) -> None:
        signed = {f"{short}.example": int(at.timestamp()) + seconds for short, seconds in times.items()}
        want = vkeys | ({} if name.endswith("_fail") else {"signed": signed})
        kind.add(name, why, checkpoint_txt=cosigned.encode(), expected_json=show(want))

    both = cosign(note, at, "w1", "w2")
    add("two", "two witnesses", both, w1=0, w2=0)
    add("none", "the log alone", note)
    head, _, lines = both.partition("\n\n")
    add("order", "in another order", "\n".join([head, "", *lines.splitlines()[::-1], ""]), w1=0, w2=0)
    add(
        "stranger",
        "beside a stranger, and a known name with another key id",
        _with_strangers(both),
        w1=0,
        w2=0,
    )
    add(
        "newest",
        "one witness twice: the newest counts",
        cosign(both, at + timedelta(hours=1), "w2"),
        w1=0,
        w2=3600,
    )
    add("false_fail", "zeros instead of time and signature", cosign_falsely(both, "w1"))
    for name, why, line in (
        ("time", "another time than signed", _change_line(cosign(note, at, "w1"), 11)),
        ("signature", "one bit of the signature", _change_line(cosign(note, at, "w1"), 75)),
        ("plain", "a plain signature in place of a cosignature", _plain_line(note)),
    ):
        add(f"{name}_fail", why, note + line)
    return kind


def _with_strangers(note: str) -> str:
    same_name = add_lines("", [NoteSignature("w1.example", bytes(4), bytes(72))])
    return cosign(note, START, "stranger") + same_name


def _change_line(note: str, at: int) -> str:
    line = parse_note(note).signatures[-1]
    raw = bytearray(line.key_id + line.signature)
    raw[at] ^= 1
    return add_lines("", [NoteSignature(line.name, bytes(raw[:4]), bytes(raw[4:]))])


def _plain_line(note: str) -> str:
    witness = make_witness("w1")
    signature = int(START.timestamp()).to_bytes(8) + make_signer("w1").sign(parse_note(note).text.encode())
    return add_lines("", [NoteSignature(witness.name, witness.key_id, signature)])
