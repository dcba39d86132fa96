"""Proof files: one spelling, and nothing that can be changed unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import ORIGIN, MemoryLedger, make_signer
from tlog_client import check_proof

from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError, LedgerError, MalformedDocumentError, VerificationError
from ledger.core.ids import LeafIndex
from ledger.core.merkle import build_inclusion_proof
from ledger.core.note import NoteVerifier
from ledger.core.tlog_proof import TlogProof, encode_tlog_proof, parse_tlog_proof, verify_tlog_proof

LEDGER = MemoryLedger().found()
SIZE = LEDGER.publish()
LOG = NoteVerifier(ORIGIN, make_signer("log").public_key)
START = "c2sp.org/tlog-proof@v1\n"
HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

proofs = st.builds(
    TlogProof,
    st.integers(0, 2**63 - 2),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.text(min_size=1),
    st.binary(max_size=300),
)


def make_proof(index: int) -> TlogProof:
    inclusion = build_inclusion_proof(LeafIndex(index), SIZE, LEDGER.tree().read)
    return TlogProof(LeafIndex(index), inclusion, LEDGER.checkpoint(), LEDGER.leaves[index][:HEADER_BYTES])


@given(proofs)
def test_what_is_written_is_read_back(proof):
    assert parse_tlog_proof(encode_tlog_proof(proof).encode()) == proof


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: (START + text).encode())))
def test_what_is_read_is_written_back_or_refused(raw):
    try:
        proof = parse_tlog_proof(raw)
    except InputError:
        return
    assert encode_tlog_proof(proof).encode() == raw


@pytest.mark.parametrize("index", range(SIZE))
def test_every_leaf_is_proved_from_the_file_and_its_statement(index):
    text = encode_tlog_proof(make_proof(index))
    leaf = LEDGER.leaves[index]
    assert check_proof(text, leaf) == (index, leaf[:HEADER_BYTES])
    proof = parse_tlog_proof(text.encode())
    assert verify_tlog_proof(proof, proof.extra + leaf[HEADER_BYTES:], LOG).tree_size == SIZE


def test_every_changed_byte_is_found_but_in_the_extra_data():
    leaf, good = LEDGER.leaves[2], make_proof(2)
    raw = encode_tlog_proof(TlogProof(good.leaf_index, good.inclusion, good.checkpoint)).encode()
    for at in range(len(raw)):
        for change in (0x01, 0x20, 0x80):
            changed = raw[:at] + bytes([raw[at] ^ change]) + raw[at + 1 :]
            with pytest.raises((InputError, VerificationError)):
                verify_tlog_proof(parse_tlog_proof(changed), leaf, LOG)


@pytest.mark.parametrize(
    "text",
    [
        START + "index 0\n",
        START + "index 00\n\nc\n",
        START + "index +1\n\nc\n",
        START + "index 9223372036854775807\n\nc\n",
        START + "index 0\n\n",
        START + "extra \nindex 0\n\nc\n",
        START + "index 0\nextra AAAA\n\nc\n",
        START + "extra AAAA\nextra AAAA\nindex 0\n\nc\n",
        START + "extra AAB=\nindex 0\n\nc\n",
        START + "Index 0\n\nc\n",
        START + "index 0\n" + HASH * 64 + "\nc\n",
        START.replace("\n", "\r\n") + "index 0\r\n\r\nc\r\n",
        "\ufeff" + START + "index 0\n\nc\n",
    ],
)
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(InputError):
        parse_tlog_proof(text.encode())


def test_63_hashes_are_allowed_and_what_is_too_long_is_not_read():
    raw = (START + "index 0\n" + HASH * 63 + "\nc\n").encode()
    assert len(parse_tlog_proof(raw).inclusion) == 63
    with pytest.raises(MalformedDocumentError, match="at most"):
        parse_tlog_proof(raw + b"x" * 2_000_000)


def test_another_log_another_key_and_another_leaf_are_refused():
    proof, leaf = make_proof(1), LEDGER.leaves[1]
    for other in (
        NoteVerifier("ledger.example/2027", LOG.key),
        NoteVerifier(ORIGIN, make_signer("other").public_key),
    ):
        with pytest.raises(LedgerError):
            verify_tlog_proof(proof, leaf, other)
    with pytest.raises(VerificationError):
        verify_tlog_proof(proof, LEDGER.leaves[2], LOG)
