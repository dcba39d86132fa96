"""Vectors of quorum certificates."""

from dataclasses import replace

from bls_witnesses import certify, change_line, make_bls_list, make_bls_quorum, make_line
from ledger_in_memory import START, MemoryLedger
from vector_kind import Kind, show

from ledger.core.cosignature import add_lines
from ledger.core.note import NoteSignature
from ledger.core.quorum_certificate import encode_bls_witness


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


def _with(line: NoteSignature, raw: bytes) -> NoteSignature:
    return NoteSignature(line.name, line.key_id, raw)


def _swap_proofs(place: int) -> str:
    known = make_bls_list(7)
    return encode_bls_witness(replace(known[place], possession=known[(place + 1) % 7].possession))
