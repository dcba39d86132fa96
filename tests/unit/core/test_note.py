import base64
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    MalformedDocumentError,
    NonCanonicalEncodingError,
    PolicyMismatchError,
)
from ledger.core.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteSignature,
    NoteSigner,
    NoteVerifier,
    SignedNote,
    compute_note_key_id,
    encode_note,
    encode_vkey,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from ledger.core.signature import Algorithm, Ed25519Signer, P256Signer, PublicKey

TEXT = "A message.\nIn two lines.\n"
LOG = NoteSigner("example.com/log", Ed25519Signer(bytes([1] * 32)))
WITNESS = NoteSigner("witness.example", Ed25519Signer(bytes([2] * 32)))
STRANGER = NoteSigner("example.com/log", Ed25519Signer(bytes([3] * 32)))
NOTE = sign_note(TEXT, [LOG])
SIGNATURE = parse_note(NOTE).signatures[0]

NAME_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+")
names = st.text(NAME_CHARACTERS, min_size=1, max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=80).map(
    lambda text: text + "\n"
)
seeds = st.binary(min_size=32, max_size=32)


def with_lines(*lines, text=TEXT):
    return text + "\n" + "".join(lines)


def line(name, raw):
    return f"— {name} {base64.b64encode(raw).decode()}\n"


GOOD_LINE = line(SIGNATURE.name, SIGNATURE.key_id + SIGNATURE.signature)
UNKNOWN_LINE = line("unknown.example", b"\x00\x00\x00\x01" + bytes(64))


# Signing and opening


@given(texts, st.lists(st.tuples(names, seeds), min_size=1, max_size=4))
def test_what_is_signed_opens_with_each_signer(text, keys):
    signers = [NoteSigner(name, Ed25519Signer(seed)) for name, seed in keys]
    note = sign_note(text, signers)
    for signer in signers:
        opened = open_note(note, [signer.verifier])
        assert (opened.text, opened.verifiers) == (text, (signer.verifier,))
    everybody = open_note(note.encode(), [signer.verifier for signer in signers])
    assert everybody.verifiers == tuple(dict.fromkeys(signer.verifier for signer in signers))


def test_lines_of_unknown_keys_are_ignored_wherever_they_stand():
    other = UNKNOWN_LINE
    for lines in ([other, GOOD_LINE], [GOOD_LINE, other], [other, GOOD_LINE, other]):
        assert open_note(with_lines(*lines), [LOG.verifier]).verifiers == (LOG.verifier,)


def test_a_line_with_the_name_or_the_id_of_a_known_key_but_not_both_is_ignored():
    same_name = line(LOG.name, b"\x00\x00\x00\x01" + bytes(64))
    same_id = line("other.example", LOG.verifier.key_id + bytes(64))
    opened = open_note(with_lines(same_name, GOOD_LINE, same_id), [LOG.verifier])
    assert opened.verifiers == (LOG.verifier,)
    with pytest.raises(BrokenSignatureError):
        open_note(with_lines(same_name, same_id), [LOG.verifier])


def test_verified_keys_come_in_the_order_of_the_note():
    note = sign_note(TEXT, [WITNESS, LOG])
    assert open_note(note, [LOG.verifier, WITNESS.verifier]).verifiers == (WITNESS.verifier, LOG.verifier)


def test_a_repeated_line_counts_once():
    opened = open_note(with_lines(GOOD_LINE, UNKNOWN_LINE, UNKNOWN_LINE, GOOD_LINE), [LOG.verifier])
    assert opened.verifiers == (LOG.verifier,)


def test_a_key_given_twice_is_one_key():
    assert open_note(NOTE, [LOG.verifier, LOG.verifier]).verifiers == (LOG.verifier,)


@pytest.mark.parametrize("broken", [bytes(64), b"", b"\x00", bytes(63), bytes(65)])
def test_one_broken_line_of_a_known_key_breaks_the_note_in_any_place(broken):
    bad = line(LOG.name, LOG.verifier.key_id + broken)
    good = line(WITNESS.name, WITNESS.verifier.key_id + WITNESS.signer.sign(TEXT.encode()))
    expected = BrokenSignatureError if broken else MalformedDocumentError
    for lines in ([bad], [bad, GOOD_LINE], [GOOD_LINE, bad], [good, bad], [bad, good]):
        with pytest.raises(expected):
            open_note(with_lines(*lines), [LOG.verifier, WITNESS.verifier])


@pytest.mark.parametrize("known", [[], [WITNESS.verifier], [STRANGER.verifier]])
def test_a_note_without_a_known_key_is_refused(known):
    with pytest.raises(BrokenSignatureError):
        open_note(NOTE, known)


@given(st.integers(0, len(TEXT.encode()) * 8 - 1))
def test_a_changed_bit_of_the_text_breaks_the_note(bit):
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((BrokenSignatureError, MalformedDocumentError)):
        open_note(bytes(raw), [LOG.verifier])


@given(st.integers(0, 68 * 8 - 1))
def test_a_changed_bit_of_key_id_or_signature_breaks_the_note(bit):
    raw = bytearray(SIGNATURE.key_id + SIGNATURE.signature)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BrokenSignatureError):
        open_note(with_lines(line(LOG.name, bytes(raw))), [LOG.verifier])


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1] + " \n",
        TEXT + "\n",
        TEXT + "more\n",
        TEXT[2:],
        "\n" + TEXT,
        TEXT.replace("\n", "\n\n", 1),
        "\n",
    ],
)
def test_another_text_breaks_the_note(text):
    with pytest.raises(BrokenSignatureError):
        open_note(with_lines(GOOD_LINE, text=text), [LOG.verifier])


def test_a_signature_under_one_name_is_worth_nothing_under_another():
    renamed = NoteVerifier("other.example/log", LOG.signer.public_key)
    assert renamed.key_id != LOG.verifier.key_id
    with pytest.raises(BrokenSignatureError):
        open_note(NOTE, [renamed])


def test_known_keys_that_cannot_be_told_apart_are_a_fault_of_the_policy(monkeypatch):
    monkeypatch.setattr("ledger.core.note.compute_note_key_id", lambda *_: SIGNATURE.key_id)
    with pytest.raises(PolicyMismatchError):
        open_note(NOTE, [LOG.verifier, STRANGER.verifier])


# Shape


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        TEXT + "\n\n",
        GOOD_LINE,
        "\n" + GOOD_LINE,
        TEXT + GOOD_LINE,
        with_lines(GOOD_LINE[:-1]),
        with_lines(GOOD_LINE) + "\n",
        with_lines(GOOD_LINE) + "\n\n",
        with_lines(GOOD_LINE, "more\n"),
        with_lines("more\n", GOOD_LINE),
        with_lines(GOOD_LINE).replace("\n", "\r\n"),
        with_lines(GOOD_LINE, text="tab\there\n"),
        with_lines(GOOD_LINE, text="nul\x00here\n"),
        with_lines(GOOD_LINE, text="unit separator\x1fhere\n"),
        with_lines(GOOD_LINE, text="lone \ud800 surrogate\n"),
        with_lines(GOOD_LINE.replace("—", "-")),
        with_lines(GOOD_LINE.replace("—", "–")),
        with_lines(GOOD_LINE.replace("— ", "—")),
        with_lines(GOOD_LINE.replace("— ", "—  ")),
        with_lines(" " + GOOD_LINE),
        with_lines(GOOD_LINE.replace("/log ", "/log  ")),
        with_lines(GOOD_LINE.replace("/log ", "/log\u00a0")),
        with_lines(GOOD_LINE.replace("\n", " \n")),
        with_lines(GOOD_LINE.replace("example.com/log", "")),
        with_lines(GOOD_LINE.replace("example.com/log", "example.com log")),
        with_lines(GOOD_LINE.replace("example.com/log", "example.com+log")),
        with_lines(GOOD_LINE.replace("example.com/log", "example.com\u2003log")),
        with_lines(GOOD_LINE.replace("example.com/log", "example.com\u2028log")),
        with_lines(GOOD_LINE.replace("example.com/log", "example.com\x85log")),
        with_lines("— name \n"),
        with_lines("— name\n"),
        with_lines("— \n"),
        with_lines("—\n"),
        with_lines(line("name", b"")),
        with_lines(line("name", b"123")),
        with_lines(line("name", b"1234")),
        with_lines("— name !!!!\n"),
        with_lines("— name AAAAAAA\n"),
        with_lines("— name AAAAAAA==\n"),
        with_lines("— name AAAAAAA=AAAA\n"),
        with_lines("— name AAAA_-AA\n"),
    ],
)
def test_what_is_no_note_is_refused(note):
    with pytest.raises(InputError):
        parse_note(note)
    with pytest.raises(InputError):
        open_note(note, [LOG.verifier])


def test_a_second_spelling_of_base64_is_refused():
    with pytest.raises(NonCanonicalEncodingError):
        parse_note(with_lines("— name AAAAAAB=\n"))
    assert parse_note(with_lines("— name AAAAAAA=\n")).signatures == (
        NoteSignature("name", bytes(4), bytes(1)),
    )


@pytest.mark.parametrize(
    "raw", [b"\xff" + NOTE.encode(), NOTE.encode("utf-16"), b"\xed\xa0\x80" + NOTE.encode()]
)
def test_what_is_not_utf_8_is_refused(raw):
    with pytest.raises(MalformedDocumentError):
        parse_note(raw)


def test_the_last_blank_line_divides_text_and_signatures():
    inner = with_lines(UNKNOWN_LINE)
    text = inner + "\nafter a blank line\n\n\n"
    note = sign_note(text, [LOG])
    assert open_note(note, [LOG.verifier]).text == text
    assert len(parse_note(note).signatures) == 1


@pytest.mark.parametrize(
    "text", ["\n", "\n\n", "a\n\n", "— looks like a line AAAAAAA=\n", "衡证\n", "\x7f\n"]
)
def test_unusual_texts_are_signed_and_opened(text):
    assert open_note(sign_note(text, [LOG]), [LOG.verifier]).text == text


@pytest.mark.parametrize(
    "text", ["", "no newline", "tab\t\n", "\r\n", "\x00\n", "\ud800\n", "x\n\n" + GOOD_LINE[:-1]]
)
def test_what_could_not_be_read_back_is_not_signed(text):
    with pytest.raises(MalformedDocumentError):
        sign_note(text, [LOG])


def test_a_note_needs_a_signer():
    with pytest.raises(MalformedDocumentError):
        sign_note(TEXT, [])


def test_up_to_100_lines_are_read_and_no_more():
    assert len(parse_note(with_lines(*[UNKNOWN_LINE] * MAX_SIGNATURES)).signatures) == MAX_SIGNATURES
    with pytest.raises(MalformedDocumentError):
        parse_note(with_lines(*[UNKNOWN_LINE] * (MAX_SIGNATURES + 1)))


def test_a_note_of_one_million_bytes_is_read_and_no_longer_one():
    text = "衡" * ((MAX_NOTE_BYTES - len(GOOD_LINE.encode()) - 2) // 3)
    text += "x" * (MAX_NOTE_BYTES - len(with_lines(GOOD_LINE, text=text + "\n").encode())) + "\n"
    longest = with_lines(GOOD_LINE, text=text)
    assert len(longest.encode()) == MAX_NOTE_BYTES
    parse_note(longest)
    parse_note(longest.encode())
    for longer in ("x" + longest, ("x" + longest).encode(), "x" * 10 * MAX_NOTE_BYTES):
        with pytest.raises(MalformedDocumentError):
            parse_note(longer)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(InputError):
        assert encode_note(parse_note(text)) == text


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw):
    with suppress(InputError):
        assert encode_note(parse_note(raw)).encode() == raw


@given(st.integers(0, len(NOTE)), st.integers(0, 3), st.text(max_size=3))
def test_a_damaged_note_is_refused_or_says_what_was_signed(at, removed, inserted):
    damaged = NOTE[:at] + inserted + NOTE[at + removed :]
    try:
        assert open_note(damaged, [LOG.verifier]).text == TEXT
    except (InputError, BrokenSignatureError):
        assert damaged != NOTE


@given(
    texts,
    st.lists(
        st.tuples(names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)),
        min_size=1,
        max_size=5,
    ),
)
def test_notes_are_read_back(text, lines):
    note = SignedNote(text, tuple(NoteSignature(*parts) for parts in lines))
    assert parse_note(encode_note(note)) == note


@pytest.mark.parametrize(
    "signature",
    [
        NoteSignature("", bytes(4), bytes(64)),
        NoteSignature("a b", bytes(4), bytes(64)),
        NoteSignature("a\nb", bytes(4), bytes(64)),
        NoteSignature("a", bytes(3), bytes(64)),
        NoteSignature("a", bytes(5), bytes(64)),
        NoteSignature("a", bytes(4), b""),
    ],
)
def test_a_line_that_would_be_read_as_another_is_not_written(signature):
    with pytest.raises(MalformedDocumentError):
        encode_note(SignedNote(TEXT, (signature,)))


# Keys


@given(names, seeds)
def test_vkeys_are_read_back(name, seed):
    verifier = NoteSigner(name, Ed25519Signer(seed)).verifier
    vkey = encode_vkey(verifier)
    assert re.fullmatch(r"[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}", vkey)
    assert parse_vkey(vkey) == verifier


def test_a_key_id_covers_name_type_and_key():
    ids = {
        compute_note_key_id("a", 1, bytes(32)),
        compute_note_key_id("b", 1, bytes(32)),
        compute_note_key_id("a", 4, bytes(32)),
        compute_note_key_id("a", 1, bytes(31) + b"\x01"),
    }
    assert len(ids) == 4
    assert {len(key_id) for key_id in ids} == {4}


def vkey_of(name="a", signature_type=1, key=LOG.verifier.key.raw, key_id=None, tail=b""):
    key_id = compute_note_key_id(name, signature_type, key) if key_id is None else key_id
    return f"{name}+{key_id.hex()}+{base64.b64encode(bytes([signature_type]) + key + tail).decode()}"


def test_the_vkey_of_the_tests_is_good_before_it_is_spoiled():
    assert parse_vkey(vkey_of()).key == LOG.verifier.key


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "+",
        "++",
        "a",
        "a+b+c",
        vkey_of(name=""),
        vkey_of(name="a b"),
        vkey_of(name="a\u00a0b"),
        vkey_of(name="a\x00b"),
        vkey_of(name="a+b"),
        vkey_of(signature_type=0),
        vkey_of(signature_type=2),
        vkey_of(signature_type=4),
        vkey_of(signature_type=255),
        vkey_of(tail=b"\x00"),
        vkey_of(key=LOG.verifier.key.raw[:31]),
        vkey_of(key=b""),
        vkey_of(key_id=b"\x00\x00\x00\x00"),
        vkey_of(key_id=b""),
        vkey_of(key_id=LOG.verifier.key_id),
        vkey_of() + "\n",
        vkey_of() + "=",
        " " + vkey_of(),
        vkey_of().replace("a+", "\ud800+", 1),
        vkey_of()[:-1],
        vkey_of(key=bytes(32)),
        vkey_of(key=b"\x01" + bytes(31)),
        vkey_of(key=b"\xff" * 32),
    ],
)
def test_a_bad_vkey_is_refused(vkey):
    with pytest.raises(InputError):
        parse_vkey(vkey)


def test_a_vkey_with_an_upper_case_key_id_is_refused():
    name, key_id, encoded = encode_vkey(LOG.verifier).split("+", 2)
    assert key_id.upper() != key_id
    with pytest.raises(NonCanonicalEncodingError):
        parse_vkey(f"{name}+{key_id.upper()}+{encoded}")


@given(st.one_of(st.text(), st.from_regex(r"[a-z]+\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}", fullmatch=True)))
def test_any_text_as_a_vkey_is_read_or_refused(text):
    with suppress(InputError):
        assert encode_vkey(parse_vkey(text)) == text


def test_only_ed25519_keys_sign_notes():
    p256 = P256Signer(bytes(31) + b"\x01")
    with pytest.raises(MalformedDocumentError):
        NoteVerifier("a", p256.public_key)
    with pytest.raises(MalformedDocumentError):
        sign_note(TEXT, [NoteSigner("a", p256)])


@pytest.mark.parametrize("name", ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u3000b", "a\x01b", "\udc00"])
def test_a_key_under_a_bad_name_is_refused(name):
    with pytest.raises(MalformedDocumentError):
        NoteVerifier(name, LOG.verifier.key)
    with pytest.raises(MalformedDocumentError):
        sign_note(TEXT, [NoteSigner(name, LOG.signer)])


def test_a_key_of_small_order_cannot_be_known():
    with pytest.raises(MalformedDocumentError):
        NoteVerifier("a", PublicKey(Algorithm.ED25519, bytes(32)))


def test_a_signer_does_not_show_its_key():
    assert bytes([1] * 32).hex() not in repr(LOG)
    assert repr(bytes([1] * 32)) not in repr(LOG)
