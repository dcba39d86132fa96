"""Vectors of quorum certificates, and of the shares that they are made of."""

from dataclasses import replace

from bls_witnesses import certify, change_line, make_bls_list, make_bls_quorum, make_bls_signer, make_line
from ledger_in_memory import START, MemoryLedger
from vector_kind import Kind, show

from ledger.core.cosignature import add_lines
from ledger.core.note import NoteSignature, encode_line, parse_note
from ledger.core.quorum_certificate import MAX_MINUTES, BlsWitness, encode_bls_witness, sign_share_line


def build_quorum_certificates() -> Kind:
    kind = Kind(
        "quorum_certificate",
        {
            "checkpoint.txt": "a checkpoint with the line of its log and certificates",
            "expected.json": "vkeys of the BLS keys, in the order of the list, and the time of each that "
            "has signed; of a `_fail` case the vkeys only",
        },
    )
    ledger = MemoryLedger().found().issue_many(2)
    older = MemoryLedger().found().checkpoint()
    note, at = ledger.checkpoint(), START
    known = make_bls_quorum(7, threshold=4).bls

    def add(name: str, why: str, certified: str, signers: tuple[int, ...] = (), keys: object = None) -> None:
        vkeys = keys or [encode_bls_witness(one) for one in known]
        seconds = int(at.timestamp()) // 60 * 60
        signed = {f"b{number}.example": seconds for number in signers}
        want = {"witnesses": vkeys} | ({} if name.endswith("_fail") else {"signed": signed})
        kind.add(name, why, checkpoint_txt=certified.encode(), expected_json=show(want))

    line = make_line(note, at, 0, 1, 2, 3)
    add("four", "four of seven", add_lines(note, [line]), (0, 1, 2, 3))
    add("seven", "all seven", certify(note, at, *range(7)), tuple(range(7)))
    add("none", "no certificate", note)
    add("other_list", "a certificate under a list of six", certify(note, at, 0, 1, 2, 3, count=6))
    raw = line.signature
    for name, why, wrong in (
        ("time", "another minute than signed", change_line(line, 7)),
        ("signature", "one bit of the signature", change_line(line, 104)),
        ("added", "a signer who has not signed", change_line(line, 8, 0b10000)),
        ("removed", "without one of the signers", change_line(line, 8, 0b1)),
        ("stray", "a bit of nobody's", change_line(line, 8, 0x80)),
        ("nobody", "no signer and the identity", _with(line, raw[:8] + b"\0\xc0" + bytes(95))),
        ("identity", "the identity in place of the signature", _with(line, raw[:9] + b"\xc0" + bytes(95))),
        ("uncompressed", "the flag of compression cleared", change_line(line, 9, 0x80)),
        ("short", "one byte too few", _with(line, raw[:-1])),
        ("long", "a bitmap of two bytes", _with(line, raw[:9] + b"\0" + raw[9:])),
        ("checkpoint", "that of an older checkpoint", make_line(older, at, 0, 1, 2, 3)),
    ):
        add(f"{name}_fail", why, add_lines(note, [wrong]))
    swapped = [_swap_proofs(place) for place in range(7)]
    add("possession_fail", "keys with the proofs of others", add_lines(note, [line]), keys=swapped)
    return kind


def build_shares() -> Kind:
    kind = Kind(
        "share",
        {
            "checkpoint.txt": "a checkpoint with the line of its log",
            "answer.txt": "what a witness answers: the line of its share",
            "expected.json": "vkey of its BLS key and the time of the share; of a `_fail` case the vkey only",
        },
    )
    note, older = MemoryLedger().found().issue_many(2).checkpoint(), MemoryLedger().found().checkpoint()
    witness, other = make_bls_list(2)
    line = sign_share_line(parse_note(note).text, witness, make_bls_signer(0), START)

    def add(name: str, why: str, answer: NoteSignature, key: BlsWitness = witness) -> None:
        seconds = int(START.timestamp()) // 60 * 60
        want = {"witness": encode_bls_witness(key)} | ({} if name.endswith("_fail") else {"signed": seconds})
        files = {"checkpoint_txt": note.encode(), "answer_txt": encode_line(answer).encode()}
        kind.add(name, why, **files, expected_json=show(want))

    raw = line.signature
    add("share", "a share of the first witness", line)
    for name, why, wrong in (
        ("time", "another minute than signed", change_line(line, 7)),
        ("far", "a time after the year 9999", _with(line, (MAX_MINUTES + 1).to_bytes(8) + raw[8:])),
        ("signature", "one bit of the signature", change_line(line, 103)),
        ("identity", "the identity in place of the signature", _with(line, raw[:8] + b"\xc0" + bytes(95))),
        ("uncompressed", "the flag of compression cleared", change_line(line, 8, 0x80)),
        ("short", "one byte too few", _with(line, raw[:-1])),
        ("long", "one byte too many", _with(line, raw + b"\0")),
        ("untimed", "no time", _with(line, raw[8:])),
        ("bitmap", "a certificate of this witness alone", _with(line, raw[:8] + b"\1" + raw[8:])),
        ("possession", "its proof of possession", _with(line, raw[:8] + witness.possession)),
        (
            "other",
            "a share of another witness",
            sign_share_line(parse_note(note).text, other, make_bls_signer(1), START),
        ),
        ("renamed", "that of another witness under this one's name", _with(line, _of_other(note))),
        (
            "checkpoint",
            "that of an older checkpoint",
            sign_share_line(parse_note(older).text, witness, make_bls_signer(0), START),
        ),
    ):
        add(f"{name}_fail", why, wrong)
    unproved = replace(witness, possession=other.possession)
    add("unproved_fail", "a key with the proof of another", replace(line, key_id=unproved.key_id), unproved)
    return kind


def _of_other(note: str) -> bytes:
    return sign_share_line(parse_note(note).text, make_bls_list(2)[1], make_bls_signer(1), START).signature


def _with(line: NoteSignature, raw: bytes) -> NoteSignature:
    return NoteSignature(line.name, line.key_id, raw)


def _swap_proofs(place: int) -> str:
    known = make_bls_list(7)
    return encode_bls_witness(replace(known[place], possession=known[(place + 1) % 7].possession))
