"""The signed statement: one spelling for each, good in one log, and nothing else is read."""

import hashlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ledger_in_memory import make_record, make_signer

from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.cbor import encode_cbor, parse_cbor
from ledger.core.cose import encode_sign1
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.event import CONTENT_TYPES, DEFINED_TYPES, ISSUE_TYPES, EventType
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, Digest, InstrumentId, KeyId
from ledger.core.instrument import StatementSerial, compute_statement_serial
from ledger.core.qr import MAX_PRINTED_BYTES
from ledger.core.record_parsing import parse_record
from ledger.core.rules import build_issue_claims
from ledger.core.signature import P256Signer
from ledger.core.statement import (
    MAX_STATEMENT_BYTES,
    Conclusion,
    DocumentKind,
    Endorsement,
    Field,
    IssueClaims,
    RegisterClaims,
    Statement,
    compute_endorsed_bytes,
    compute_external_aad,
    parse_signed_statement,
    sign_statement,
    verify_statement,
)

ORIGIN = "ledger.example/2026"
SEAL, OTHER = make_signer("seal"), make_signer("other")
ISSUE = IssueClaims(
    number=CertificateNumber("JY2026-000001"),
    instrument_id=InstrumentId(bytes(range(16))),
    part=None,
    serial=StatementSerial("SN00000001"),
    category=Category.FUEL_DISPENSER,
    conclusion=Conclusion.PASS,
    verified_on=date(2026, 2, 28),
    valid_until=date(2026, 8, 27),
    validity_kind=ValidityKind.DATE,
    certificate_digest=Digest(bytes([7]) * 32),
    seals_digest=bytes(8),
)
REGISTER = RegisterClaims(
    bytes(8), b'{"a":1}', (Endorsement(KeyId(bytes(8)), bytes(64)), Endorsement(KeyId(b"\1" * 8), bytes(64)))
)
STATEMENTS = [
    Statement(EventType.ISSUE, "350100-01", ISSUE),
    Statement(EventType.ISSUE, "350100-01", replace(ISSUE, part="1", seals_digest=None), 2**32 - 1),
    Statement(
        EventType.ISSUE,
        "X",
        replace(ISSUE, validity_kind=ValidityKind.NONE, valid_until=None),
        expected_version=1,
    ),
    Statement(EventType.ROOT, "ROOT", REGISTER),
    Statement(EventType.SCOPE, "CN-35", replace(REGISTER, endorsements=()), 3),
]


def sign(statement=STATEMENTS[0], signer=SEAL):
    return sign_statement(statement, signer, ORIGIN)


def sign_payload(payload) -> bytes:
    """Return a well-signed statement with any payload."""
    raw = payload if isinstance(payload, bytes) else encode_cbor(payload)
    return encode_sign1(raw, SEAL, compute_external_aad(ORIGIN))


def payload_of(statement) -> dict:
    return parse_cbor(parse_signed_statement(sign(statement)).sign1.payload)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.type.name)
@pytest.mark.parametrize("signer", [SEAL, P256Signer(bytes([9]) * 32)], ids=["ed25519", "p256"])
def test_what_is_signed_is_read_back(statement, signer):
    raw = sign(statement, signer)
    signed = parse_signed_statement(raw)
    assert signed.statement == statement
    assert signed.raw == raw
    assert signed.key_id == signer.public_key.key_id
    assert signed.digest == hashlib.sha256(raw).digest()
    verify_statement(signed, signer.public_key, ORIGIN)
    assert sign(signed.statement, signer) == raw, "one spelling"


TEXTS = st.text(st.sampled_from("AZ09-中号é\u0378\U0001fae8"), min_size=1)
DIGESTS = st.binary(min_size=32, max_size=32)
DAYS = st.dates(date(1970, 1, 1))
ISSUES = st.builds(
    IssueClaims,
    number=TEXTS.filter(lambda text: len(text.encode()) <= 64),
    instrument_id=st.binary(min_size=16, max_size=16),
    part=st.none() | TEXTS.filter(lambda text: len(text.encode()) <= 8),
    serial=TEXTS.filter(lambda text: len(text.encode()) <= 200).map(compute_statement_serial),
    category=st.sampled_from(Category),
    conclusion=st.sampled_from(Conclusion),
    verified_on=DAYS,
    valid_until=DAYS,
    validity_kind=st.sampled_from([ValidityKind.DATE, ValidityKind.SERVICE_LIFE]),
    certificate_digest=DIGESTS,
    seals_digest=st.none() | st.binary(min_size=8, max_size=8),
    predecessor=st.none() | TEXTS.filter(lambda text: len(text.encode()) <= 64),
    lot=st.none() | TEXTS.filter(lambda text: len(text.encode()) <= 64),
    kind=st.sampled_from([DocumentKind.VERIFICATION, DocumentKind.CALIBRATION]),
)
ISSUERS = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,11}", fullmatch=True)


@given(ISSUES, ISSUERS, st.integers(0, 2**32 - 1))
def test_every_issue_is_read_back(claims, issuer, version):
    event_type = EventType.ISSUE if claims.predecessor is None else EventType.REPLACE
    statement = Statement(event_type, issuer, claims, version)
    if claims.is_verification and claims.conclusion not in {Conclusion.PASS, Conclusion.FAIL}:
        with pytest.raises(InputError, match=r"^statement\.conclusion: expected 1, pass, or 2, fail"):
            sign(statement)
        return
    assert parse_signed_statement(sign(statement)).statement == statement
    with pytest.raises(InputError, match="a replacement names what it replaces, and nothing else does"):
        sign(replace(statement, type=EventType(EventType.ISSUE + EventType.REPLACE - event_type)))


@pytest.mark.parametrize(
    ("kind", "conclusion"),
    [
        *((DocumentKind.CALIBRATION, conclusion) for conclusion in (None, *Conclusion)),
        *((DocumentKind.PAPER, conclusion) for conclusion in (Conclusion.PASS, Conclusion.FAIL)),
    ],
)
def test_a_further_kind_of_document_takes_two_bytes(kind, conclusion):
    statement = Statement(EventType.ISSUE, "350100-01", replace(ISSUE, kind=kind, conclusion=conclusion), 1)
    raw = sign(statement)
    assert parse_signed_statement(raw).statement == statement
    plain = sign(replace(statement, claims=ISSUE))
    assert len(raw) - len(plain) == (2 if conclusion is not None else 0)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({Field.DOCUMENT_KIND: 0}, "document_kind"),
        ({Field.DOCUMENT_KIND: 3}, "document_kind"),
        ({Field.DOCUMENT_KIND: "1"}, "document_kind"),
        ({Field.DOCUMENT_KIND: 2, Field.CONCLUSION: 3}, "conclusion"),
        ({Field.DOCUMENT_KIND: 2, Field.CONCLUSION: None}, "conclusion"),
        ({Field.DOCUMENT_KIND: 1, Field.CONCLUSION: 4}, "conclusion"),
        ({Field.CONCLUSION: 3}, "conclusion"),
        ({Field.CONCLUSION: None}, "conclusion"),
    ],
)
def test_a_kind_has_one_spelling_and_conclusions_of_its_own(changes, name):
    payload = payload_of(Statement(EventType.ISSUE, "350100-01", ISSUE, 1)) | changes
    with pytest.raises(InputError, match=rf"^statement\.{name}: "):
        parse_signed_statement(
            sign_payload({int(key): value for key, value in payload.items() if value is not None})
        )


@given(
    st.binary(min_size=8, max_size=8),
    st.binary(max_size=200),
    st.dictionaries(st.binary(min_size=8, max_size=8), st.binary(min_size=64, max_size=64), max_size=4),
    st.sampled_from(sorted(DEFINED_TYPES - CONTENT_TYPES - ISSUE_TYPES)),
)
def test_every_register_statement_is_read_back(event_id, content, endorsements, event_type):
    given_by = tuple(Endorsement(KeyId(key), endorsements[key]) for key in sorted(endorsements))
    statement = Statement(event_type, "CN-35", RegisterClaims(event_id, content, given_by))
    assert parse_signed_statement(sign(statement)).statement == statement


def test_a_typical_issue_fits_a_printed_code():
    sizes = {}
    for number, serial in (("JY2026-000001", "SN00000001"), ("(2026)JL-0012345", "2024-ABC-0012345")):
        claims = replace(ISSUE, number=CertificateNumber(number), serial=compute_statement_serial(serial))
        sizes[number] = len(sign(Statement(EventType.ISSUE, "350100-01", claims)))
    assert sizes == {"JY2026-000001": 204, "(2026)JL-0012345": 213}
    assert max(sizes.values()) <= MAX_PRINTED_BYTES == 214
    record = make_record(1)
    claims = build_issue_claims(parse_record(Reader(record, "")), bytes(32))
    assert len(sign(Statement(EventType.ISSUE, "350100-01", claims))) <= MAX_PRINTED_BYTES


def test_the_largest_issue_is_read_too_but_not_printed():
    claims = replace(
        ISSUE,
        number=CertificateNumber("N" * 64),
        part="P" * 8,
        serial=compute_statement_serial("衡" * 8),
        certificate_digest=Digest(bytes(32)),
    )
    raw = sign(Statement(EventType.ISSUE, "A" * 12, claims, 2**32 - 1))
    assert MAX_PRINTED_BYTES < len(raw) == 290
    assert parse_signed_statement(raw).statement.claims == claims


# --- signatures -------------------------------------------------------------------------------------------


def test_a_statement_is_good_in_one_log_and_under_one_key_only():
    signed = parse_signed_statement(sign())
    for key, origin in (
        (SEAL.public_key, "ledger.example/2027"),
        (SEAL.public_key, ""),
        (OTHER.public_key, ORIGIN),
        (P256Signer(bytes([9]) * 32).public_key, ORIGIN),
    ):
        with pytest.raises(BrokenSignatureError):
            verify_statement(signed, key, origin)


def test_the_external_data_is_domain_and_hash_of_the_origin():
    expected = b"hengzheng/statement/v1\x00" + hashlib.sha256(ORIGIN.encode()).digest()
    assert compute_external_aad(ORIGIN) == expected


def test_endorsed_bytes_are_written_as_the_norm_says():
    expected = (
        b"hengzheng/endorsement/v1\x00"
        + hashlib.sha256(ORIGIN.encode()).digest()
        + b"\x21"
        + b"\x00\x00\x00\x05"
        + b"content"
    )
    assert compute_endorsed_bytes(EventType.DELEGATE, ORIGIN, b"content", 5) == expected


def test_an_endorsement_is_for_one_event_of_one_log_only():
    variants = {
        compute_endorsed_bytes(EventType.DELEGATE, ORIGIN, b"a", 0),
        compute_endorsed_bytes(EventType.ROOT, ORIGIN, b"a", 0),
        compute_endorsed_bytes(EventType.DELEGATE, "other", b"a", 0),
        compute_endorsed_bytes(EventType.DELEGATE, ORIGIN, b"b", 0),
        compute_endorsed_bytes(EventType.DELEGATE, ORIGIN, b"a", 1),
        compute_endorsed_bytes(EventType.DELEGATE, ORIGIN, b"a", 256),
    }
    assert len(variants) == 6


@pytest.mark.parametrize("statement", STATEMENTS[:4], ids=lambda one: one.type.name)
def test_every_changed_bit_is_refused_or_breaks_the_signature(statement):
    raw = sign(statement)
    for position in range(len(raw)):
        for bit in range(8):
            changed = raw[:position] + bytes([raw[position] ^ 1 << bit]) + raw[position + 1 :]
            try:
                signed = parse_signed_statement(changed)
            except InputError:
                continue
            assert signed.raw == changed
            with pytest.raises(BrokenSignatureError):
                verify_statement(signed, SEAL.public_key, ORIGIN)


# --- what is not read -------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
@example(b"")
@example(b"\x84")
def test_any_bytes_are_read_or_refused_as_input(raw):
    try:
        signed = parse_signed_statement(raw)
    except InputError:
        return
    assert signed.raw == raw


@given(st.binary(max_size=120))
def test_any_payload_is_read_or_refused_as_input(payload):
    try:
        parse_signed_statement(sign_payload(payload))
    except InputError:
        return


def test_every_cut_or_lengthened_statement_is_refused():
    raw = sign()
    for length in range(len(raw)):
        with pytest.raises(InputError):
            parse_signed_statement(raw[:length])
    for tail in (b"\x00", b"\xf6", raw):
        with pytest.raises(InputError):
            parse_signed_statement(raw + tail)


@pytest.mark.parametrize("payload", [[], 1, b"", "text", True, {}], ids=repr)
def test_a_payload_that_is_no_statement_is_refused(payload):
    with pytest.raises(InputError):
        parse_signed_statement(sign_payload(payload))


@pytest.mark.parametrize(
    "event_type", sorted(set(EventType) - DEFINED_TYPES), ids=lambda event_type: event_type.name
)
def test_types_without_effect_are_refused(event_type):
    for statement in (STATEMENTS[0], STATEMENTS[3]):
        with pytest.raises(InputError, match=r"^statement\.type: "):
            parse_signed_statement(sign_payload(payload_of(statement) | {1: event_type}))


DOCUMENTS_ONLY = {Field.PREDECESSOR, Field.LOT, Field.VALID_UNTIL, Field.DOCUMENT_KIND}
OPTIONAL = {Field.PART, Field.SEALS_DIGEST, Field.EXPECTED_VERSION, Field.ENDORSEMENTS}
FULL_ISSUE = Statement(EventType.ISSUE, "350100-01", replace(ISSUE, part="1"), 5)


@pytest.mark.parametrize("statement", [FULL_ISSUE, STATEMENTS[3]], ids=["issue", "register"])
def test_a_missing_member_is_named(statement):
    payload = payload_of(statement)
    for key in payload:
        rest = {name: value for name, value in payload.items() if name != key}
        if Field(key) in OPTIONAL:
            parse_signed_statement(sign_payload(rest))
            continue
        with pytest.raises(InputError, match=rf"^statement\.{Field(key).name.lower()}: "):
            parse_signed_statement(sign_payload(rest))


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.type.name)
def test_a_member_that_the_type_does_not_have_is_refused(statement):
    payload = payload_of(statement)
    of_documents = DOCUMENTS_ONLY if statement.type is EventType.ISSUE else set()
    for key in {*range(30), 255, 2**32} - {*payload} - OPTIONAL - of_documents:
        for value in (1, b"", "x", []):
            with pytest.raises(InputError, match=rf"does not have: \[{key}\]"):
                parse_signed_statement(sign_payload(payload | {key: value}))


@pytest.mark.parametrize("statement", [FULL_ISSUE, STATEMENTS[3]], ids=["issue", "register"])
def test_a_member_of_another_kind_is_named(statement):
    payload = payload_of(statement)
    for key, value in payload.items():
        for odd in (
            0,
            1,
            99,
            -1,
            2**40,
            2**64 - 1,
            True,
            b"",
            b"x",
            bytes(65),
            "",
            "x" * 65,
            [],
            {},
            [b"", b""],
        ):
            if type(odd) is type(value):
                continue
            if key in {Field.VALID_UNTIL, Field.VERIFIED_ON} and isinstance(odd, int):
                continue
            with pytest.raises(InputError, match=rf"^statement\.{Field(key).name.lower()}: "):
                parse_signed_statement(sign_payload(payload | {key: odd}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((Field.FORMAT, version) for version in (0, 2, -1)),
        *((Field.TYPE, code) for code in (0, 17, 31, 44, 51, 254, 256)),
        *((Field.ISSUER, text) for text in ("", "-A", "a", "A" * 13, "A B", "中", "A\n", "ROOT1234567890")),
        *(
            (Field.NUMBER, text)
            for text in ("", "x" * 65, "号" * 22, "a\x00", "a\x7f", "a\u202e", " a", "a\u3000")
        ),
        *((Field.INSTRUMENT, raw) for raw in (bytes(15), bytes(17))),
        *((Field.PART, text) for text in ("", "x" * 9, "件件件", "\x01")),
        *((Field.SERIAL, serial) for serial in ("", "x" * 25, [], ["x" * 12], ["x" * 12, bytes(3)])),
        *((Field.SERIAL, serial) for serial in (["x" * 8, bytes(4)], ["x" * 13, bytes(4)], [b"x", bytes(4)])),
        *((Field.SERIAL, serial) for serial in (["x" * 12, bytes(4), 1], [bytes(4), "x" * 12], "a\u2028")),
        *((Field.CATEGORY, code) for code in (-1, 27, 1000)),
        *((Field.CONCLUSION, code) for code in (0, 3)),
        *((Field.VERIFIED_ON, days) for days in (-1, 2_932_897, 2**63)),
        *((Field.VALID_UNTIL, days) for days in (-1, 2_932_897)),
        *((Field.VALIDITY_KIND, code) for code in (0, 3, 4)),
        *((Field.CERTIFICATE_DIGEST, raw) for raw in (b"", bytes(31), bytes(33))),
        *((Field.SEALS_DIGEST, raw) for raw in (b"", bytes(7), bytes(9))),
        *((Field.EXPECTED_VERSION, version) for version in (0, -1, 2**32)),
    ],
)
def test_a_member_out_of_range_is_named(key, value):
    name = "valid_until" if (key, value) == (Field.VALIDITY_KIND, 3) else key.name.lower()
    with pytest.raises(InputError, match=rf"^statement\.{name}: "):
        parse_signed_statement(sign_payload(payload_of(FULL_ISSUE) | {key: value}))


ONE, TWO = [bytes(8), bytes(64)], [b"\1" * 8, bytes(64)]


@pytest.mark.parametrize(
    "endorsements",
    [
        [],
        [[]],
        [bytes(8)],
        [[bytes(8)]],
        [[bytes(8), bytes(64), b""]],
        [[bytes(7), bytes(64)]],
        [[bytes(8), bytes(63)]],
        [[bytes(8), "x"]],
        [TWO, ONE],
        [ONE, ONE],
        [ONE, TWO, TWO],
        {0: bytes(8)},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_endorsements_have_one_spelling(endorsements):
    with pytest.raises(InputError, match=r"^statement\.endorsements: "):
        parse_signed_statement(sign_payload(payload_of(STATEMENTS[3]) | {Field.ENDORSEMENTS: endorsements}))


def test_date_and_kind_of_validity_go_together():
    payload = payload_of(FULL_ISSUE)
    without = {key: value for key, value in payload.items() if key != Field.VALID_UNTIL}
    parse_signed_statement(sign_payload(without | {Field.VALIDITY_KIND: 3}))
    for broken in (without, payload | {Field.VALIDITY_KIND: 3}):
        with pytest.raises(InputError, match="date and kind of validity disagree"):
            parse_signed_statement(sign_payload(broken))


def test_huge_and_nested_input_is_refused_at_once():
    with pytest.raises(InputError, match="at most"):
        parse_signed_statement(bytes(MAX_STATEMENT_BYTES + 1))
    nested: list = []
    for _ in range(7):
        nested = [nested]
    with pytest.raises(InputError):
        parse_signed_statement(sign_payload(payload_of(STATEMENTS[3]) | {Field.ENDORSEMENTS: nested}))
    with pytest.raises(InputError, match="deeper"):
        parse_signed_statement(sign_payload(b"\x81" * 60_000))
    with pytest.raises(InputError, match="announced"):
        parse_signed_statement(sign_payload(b"\xbb" + b"\xff" * 8))


# --- what is not signed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        replace(STATEMENTS[0], issuer="a"),
        replace(STATEMENTS[0], issuer="A" * 13),
        replace(STATEMENTS[0], expected_version=-1),
        replace(STATEMENTS[0], expected_version=2**32),
        replace(STATEMENTS[0], type=EventType.REPLACE),
        replace(STATEMENTS[0], type=EventType.SCOPE),
        replace(STATEMENTS[3], type=EventType.ISSUE),
        replace(STATEMENTS[0], claims=replace(ISSUE, number="x" * 65)),
        replace(STATEMENTS[0], claims=replace(ISSUE, number="\u202e")),
        replace(STATEMENTS[0], claims=replace(ISSUE, part="")),
        replace(STATEMENTS[0], claims=replace(ISSUE, instrument_id=b"")),
        replace(STATEMENTS[0], claims=replace(ISSUE, verified_on=date(1969, 12, 31))),
        replace(STATEMENTS[0], claims=replace(ISSUE, valid_until=None)),
        replace(STATEMENTS[0], claims=replace(ISSUE, certificate_digest=bytes(31))),
        replace(STATEMENTS[3], claims=replace(REGISTER, event_id=bytes(7))),
        replace(STATEMENTS[3], claims=replace(REGISTER, endorsements=REGISTER.endorsements[::-1])),
        replace(STATEMENTS[3], claims=replace(REGISTER, content=bytes(MAX_STATEMENT_BYTES))),
        replace(STATEMENTS[3], claims=replace(REGISTER, endorsements=(Endorsement(KeyId(b""), b""),))),
    ],
    ids=lambda one: repr(one)[:60],
)
def test_nothing_is_signed_that_would_be_refused(statement):
    with pytest.raises(InputError):
        sign(statement)
