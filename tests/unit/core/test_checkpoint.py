import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.checkpoint import (
    Checkpoint,
    encode_checkpoint_body,
    parse_checkpoint_body,
    sign_checkpoint,
    verify_checkpoint,
)
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    PolicyMismatchError,
)
from ledger.core.merkle import EMPTY_ROOT
from ledger.core.note import NoteSigner, NoteVerifier, sign_note
from ledger.core.signature import Ed25519Signer, P256Signer

ORIGIN = "example.com/log"
ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
EMPTY_TEXT = base64.b64encode(EMPTY_ROOT).decode()
SIGNER = Ed25519Signer(bytes([1] * 32))
OTHER = Ed25519Signer(bytes([2] * 32))
LOG = NoteVerifier(ORIGIN, SIGNER.public_key)
CHECKPOINT = Checkpoint(ORIGIN, 42, ROOT)
BODY = f"{ORIGIN}\n42\n{ROOT_TEXT}\n"
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)

origins = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1, max_size=30
)
checkpoints = st.builds(
    Checkpoint, origins, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32)
) | st.builds(Checkpoint, origins, st.just(0), st.just(EMPTY_ROOT))


def test_the_body_is_origin_size_and_root():
    assert encode_checkpoint_body(CHECKPOINT) == BODY
    assert parse_checkpoint_body(BODY) == CHECKPOINT


@given(checkpoints)
def test_bodies_are_read_back(checkpoint):
    assert parse_checkpoint_body(encode_checkpoint_body(checkpoint)) == checkpoint


@given(checkpoints, st.binary(min_size=32, max_size=32))
def test_signed_checkpoints_are_read_back(checkpoint, seed):
    signer = Ed25519Signer(seed)
    note = sign_checkpoint(checkpoint, signer)
    assert verify_checkpoint(note, NoteVerifier(checkpoint.origin, signer.public_key)) == checkpoint
    assert verify_checkpoint(note.encode(), NoteVerifier(checkpoint.origin, signer.public_key)) == checkpoint


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n\n\n",
        BODY[:-1],
        BODY + "\n",
        BODY + "an extension line\n",
        BODY + "an extension line",
        "\n" + BODY,
        f"\n42\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n\n{ROOT_TEXT}\n",
        f"{ORIGIN}\n42\n\n",
        f"example com\n42\n{ROOT_TEXT}\n",
        f"example+com\n42\n{ROOT_TEXT}\n",
        f" {BODY}",
        BODY.replace("\n", "\r\n"),
        *(
            f"{ORIGIN}\n{size}\n{ROOT_TEXT}\n"
            for size in (
                "042",
                "00",
                "-1",
                "+42",
                "-0",
                " 42",
                "42 ",
                "4_2",
                "4,2",
                "42.0",
                "1e3",
                "0x2a",
                "٤٢",
                "４２",
                "²",
                "forty-two",
                str(2**63),
                str(2**64),
                "9" * 5_000,
            )
        ),
        *(
            f"{ORIGIN}\n42\n{root}\n"
            for root in (
                ROOT_TEXT[:-1],
                ROOT_TEXT + "=",
                ROOT_TEXT + "AAAA",
                " " + ROOT_TEXT,
                ROOT_TEXT + " ",
                "A" * 44,
                ROOT.hex(),
                base64.b64encode(ROOT[:31]).decode(),
                base64.b64encode(ROOT + b"\x00").decode(),
                base64.urlsafe_b64encode(b"\xff" * 32).decode(),
            )
        ),
        f"{ORIGIN}\n0\n{ROOT_TEXT}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_even_when_signed(body):
    with pytest.raises(InputError):
        parse_checkpoint_body(body)
    if body.endswith("\n") and "\r" not in body:
        with pytest.raises(InputError):
            verify_checkpoint(sign_note(body, [NoteSigner(ORIGIN, SIGNER)]), LOG)


def test_a_second_spelling_of_the_root_is_refused():
    assert ROOT_TEXT.endswith("8=")
    with pytest.raises(NonCanonicalEncodingError):
        parse_checkpoint_body(BODY.replace("8=\n", "9=\n"))


@pytest.mark.parametrize("size", [0, 1, 9, 10, 2**53, 2**63 - 1])
def test_sizes_from_empty_to_largest(size):
    root = ROOT if size else EMPTY_ROOT
    body = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
    assert parse_checkpoint_body(body) == Checkpoint(ORIGIN, size, root)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ROOT),
        ("a b", 1, ROOT),
        ("a+b", 1, ROOT),
        ("a\nb", 1, ROOT),
        ("a\ud800", 1, ROOT),
        ("a", -1, ROOT),
        ("a", 2**63, ROOT),
        ("a", 1, ROOT[:31]),
        ("a", 1, ROOT + b"\x00"),
        ("a", 1, b""),
        ("a", 0, ROOT),
    ],
)
def test_an_impossible_checkpoint_cannot_be_made(origin, size, root):
    with pytest.raises(MalformedDocumentError):
        Checkpoint(origin, size, root)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(InputError):
        assert encode_checkpoint_body(parse_checkpoint_body(text)) == text


@given(st.text(max_size=5), st.text("0123456789-+ ", max_size=25), st.text("AZaz09+/=", max_size=50))
def test_any_three_lines_are_read_or_refused(origin, size, root):
    body = f"{origin}\n{size}\n{root}\n"
    with suppress(InputError):
        assert encode_checkpoint_body(parse_checkpoint_body(body)) == body


# Signatures


def test_the_line_of_the_log_need_not_be_first():
    witness = NoteSigner("witness.example", OTHER)
    assert verify_checkpoint(sign_note(BODY, [witness, NoteSigner(ORIGIN, SIGNER)]), LOG) == CHECKPOINT


def test_a_checkpoint_of_another_log_is_refused_before_its_signature_is_looked_at():
    foreign = sign_checkpoint(Checkpoint("other.example/log", 42, ROOT), OTHER)
    with pytest.raises(PolicyMismatchError):
        verify_checkpoint(foreign, LOG)


def test_another_origin_under_the_key_name_of_the_log_is_refused():
    note = sign_note(BODY.replace(ORIGIN, "other.example/log"), [NoteSigner(ORIGIN, SIGNER)])
    with pytest.raises(PolicyMismatchError):
        verify_checkpoint(note, LOG)


def test_the_key_of_the_log_under_another_name_is_not_the_log():
    with pytest.raises(BrokenSignatureError):
        verify_checkpoint(sign_note(BODY, [NoteSigner("other.example/log", SIGNER)]), LOG)


def test_another_key_under_the_name_of_the_log_is_not_the_log():
    with pytest.raises(BrokenSignatureError):
        verify_checkpoint(sign_checkpoint(CHECKPOINT, OTHER), LOG)


@pytest.mark.parametrize(
    "forged",
    [
        NOTE.replace("\n42\n", "\n43\n"),
        NOTE.replace("\n42\n", "\n4\n"),
        NOTE.replace(ROOT_TEXT, base64.b64encode(bytes(32)).decode()),
    ],
)
def test_another_size_or_root_breaks_the_signature(forged):
    assert forged != NOTE
    with pytest.raises(BrokenSignatureError):
        verify_checkpoint(forged, LOG)


def test_a_signature_for_another_checkpoint_does_not_fit():
    other = sign_checkpoint(Checkpoint(ORIGIN, 43, ROOT), SIGNER)
    with pytest.raises(BrokenSignatureError):
        verify_checkpoint(NOTE.partition("\n\n")[0] + "\n\n" + other.partition("\n\n")[2], LOG)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_a_changed_bit_anywhere_is_refused(bit):
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputError, BrokenSignatureError)):
        verify_checkpoint(bytes(raw), LOG)


@given(st.integers(0, len(NOTE) - 1))
def test_a_cut_checkpoint_is_refused(length):
    with pytest.raises(MalformedDocumentError):
        verify_checkpoint(NOTE[:length], LOG)


def test_only_an_ed25519_key_signs_checkpoints():
    with pytest.raises(MalformedDocumentError):
        sign_checkpoint(CHECKPOINT, P256Signer(bytes(31) + b"\x01"))
