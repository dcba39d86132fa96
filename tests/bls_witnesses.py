"""Witnesses with BLS keys by number, their certificates, and policies that ask for them.

>>> note = certify(ledger.checkpoint(), NOW, 0, 1, 2, 3)
>>> ledger.session(witnesses=make_bls_quorum(7, threshold=4))
"""

from functools import cache

from ledger.core.bls import BlsSigner
from ledger.core.cosignature import add_lines
from ledger.core.note import NoteSignature, parse_note
from ledger.core.quorum import WitnessQuorum
from ledger.core.quorum_certificate import build_certificate, make_bls_witness, sign_share


@cache
def make_bls_signer(number):
    return BlsSigner(bytes([number + 1]) * 32)


@cache
def make_bls_list(count):
    """Return the witnesses `b0.example`, `b1.example`, …"""
    return tuple(make_bls_witness(f"b{number}.example", make_bls_signer(number)) for number in range(count))


def make_bls_quorum(count, *, threshold, witnesses=()):
    return WitnessQuorum(tuple(witnesses), threshold, make_bls_list(count))


def make_line(note, at, *numbers, count=7):
    """Return the line of a certificate by these witnesses of the list of `count`."""
    body, minutes = parse_note(note).text, int(at.timestamp()) // 60
    known = make_bls_list(count)
    shares = {known[number]: sign_share(body, minutes, make_bls_signer(number)) for number in numbers}
    return build_certificate(body, minutes, shares, known)


def certify(note, at, *numbers, count=7):
    """Return a note with one more certificate."""
    return add_lines(note, [make_line(note, at, *numbers, count=count)])


def change_line(line, place, value=1):
    """Return a line with some bits of one byte behind the key id changed."""
    raw = bytearray(line.signature)
    raw[place] ^= value
    return NoteSignature(line.name, line.key_id, bytes(raw))
