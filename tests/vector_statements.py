"""Vectors of what a log holds: statements, leaves, subjects, and the fold over whole logs."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from further_kinds import make_calibration, make_paper
from ledger_in_memory import (
    AUTHORITY,
    INSTITUTION,
    ORIGIN,
    START,
    MemoryLedger,
    make_act,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)
from sites import BARE_SITE, MARKET, OWNER, PLEDGE, RIVAL, WITHDRAWN, SiteLedger
from stickers import DECISION, FIRST, PUMP, REGISTRATION, ROLL, SCALE, SECOND, StickerLedger
from vector_kind import SEAL, Kind, show

from ledger.core.act import NamedInstrument, ReasonCode
from ledger.core.canonical import encode_canonical_json
from ledger.core.cbor import encode_cbor, parse_cbor
from ledger.core.certificate import parse_certificate
from ledger.core.cose import encode_sign1
from ledger.core.encoding import encode_base64, encode_instant
from ledger.core.entry import HEADER_BYTES, encode_header, encode_leaf, parse_leaf
from ledger.core.event import EventType, SubjectKind, compute_subject
from ledger.core.ids import Digest, InstrumentId
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.merkle import hash_leaf
from ledger.core.photo import Photograph
from ledger.core.pledge import PledgeState, encode_pledge
from ledger.core.qr import choose_form, compute_code, encode_digits
from ledger.core.register_fields import RegisterState
from ledger.core.registration import encode_instrument_content
from ledger.core.report import compute_report_digest, encode_report_content, make_report_content
from ledger.core.rules import build_issue_claims
from ledger.core.signature import P256Signer
from ledger.core.site import encode_site
from ledger.core.statement import Conclusion, compute_external_aad, parse_signed_statement, sign_statement
from ledger.core.status import Effect
from ledger.core.sticker import encode_roll_content
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
)

# --- statements and leaves --------------------------------------------------------------------------------


def _describe_statement(raw: bytes, key: str) -> dict[str, Any]:
    signed = parse_signed_statement(raw)
    expected = {
        "origin": ORIGIN,
        "key": key,
        "key_id": signed.key_id.hex(),
        "type": signed.statement.type.name,
        "issuer": signed.statement.issuer,
        "expected_version": signed.statement.expected_version,
        "payload": signed.sign1.payload.hex(),
        "digest": signed.digest.hex(),
        "short_code": compute_code(raw),
    }
    if choose_form(raw).form.value == "long":
        expected["digits"] = encode_digits(raw)
    return expected


def build_statements() -> Kind:
    kind = Kind(
        "statement",
        {
            "statement.hex": "the signed statement in lower-case hex, and a line feed",
            "expected.json": "origin and key under which it verifies, what it says, its digits and "
            "short code; of a `_fail` "
            "case whether it cannot be read (`parse`) or does not verify (`signature`)",
        },
    )
    ledger = MemoryLedger().found()
    p256 = P256Signer(hashlib.sha256(b"test key p256").digest())
    pump = ledger.sign_issue(seal_record(make_record(0), SEAL))
    said = parse_signed_statement(pump).statement
    long_serial = replace(said.claims, serial=build_issue_claims(_long_serial_record(), bytes(32)).serial)
    good = {
        "issue": (pump, SEAL, "an issue of a certificate"),
        "issue_rejection": (
            ledger.sign_issue(seal_record(make_rejection(2), SEAL)),
            SEAL,
            "an issue of a rejection notice",
        ),
        "issue_part": (
            ledger.sign_issue(seal_record(make_record(0), SEAL), part="2", version=7),
            SEAL,
            "about one part, the eighth event",
        ),
        "issue_long_serial": (
            sign_statement(replace(said, claims=long_serial), SEAL, ORIGIN),
            SEAL,
            "a serial number of 31 bytes, cut at 12 and hashed",
        ),
        "issue_p256": (
            sign_statement(said, p256, ORIGIN),
            p256,
            'signed with P-256, key `SHA-256("test key p256")`',
        ),
        "root": (ledger.root(), ledger.roots[0], "leaf 0"),
        "delegate": (
            ledger.authority(),
            ledger.roots[0],
            "an authority, endorsed by the root key and by itself",
        ),
        "institution": (ledger.institution(), make_signer("authority"), "an institution"),
        "key": (ledger.key(), make_signer("authority"), "a seal key, endorsed by itself"),
        "scope": (ledger.scope(version=1), make_signer("authority"), "a second version of a scope line"),
    } | _sign_life()
    calibration = seal_record(make_calibration(0), SEAL)
    good |= {
        "issue_calibration": (
            ledger.sign_issue(calibration),
            SEAL,
            "a calibration certificate that concludes nothing",
        ),
        "issue_calibration_undecided": (
            ledger.sign_issue(calibration, conclusion=Conclusion.CONDITIONAL),
            SEAL,
            "a calibration certificate whose conclusion is left open",
        ),
        "issue_paper": (
            ledger.sign_issue(seal_record(make_paper(0), SEAL)),
            SEAL,
            "what an institution has entered from paper",
        ),
    }
    for name, (raw, signer, why) in good.items():
        expected = _describe_statement(raw, signer.public_key.multikey)
        kind.add(name, why, statement_hex=raw.hex().encode() + b"\n", expected_json=show(expected))

    def fail(name: str, why: str, raw: bytes, at: str) -> None:
        assert raw != pump, name
        expected = {"fails": at, "origin": ORIGIN, "key": SEAL.public_key.multikey}
        kind.add(f"{name}_fail", why, statement_hex=raw.hex().encode() + b"\n", expected_json=show(expected))

    def sign(payload: Any) -> bytes:
        encoded = payload if isinstance(payload, bytes) else encode_cbor(payload)
        return encode_sign1(encoded, SEAL, compute_external_aad(ORIGIN))

    payload = parse_cbor(parse_signed_statement(pump).sign1.payload)
    encoded = encode_cbor(payload)
    fail("origin", "signed for another log", sign_statement(said, SEAL, "ledger.example/other"), "signature")
    fail(
        "other_key", "signed by another key", sign_statement(said, make_signer("other"), ORIGIN), "signature"
    )
    fail("bit", "the last bit of the signature was turned", pump[:-1] + bytes([pump[-1] ^ 1]), "signature")
    fail(
        "day",
        "valid a day longer than signed",
        pump.replace(b"\x0b\x19\x50\xd4", b"\x0b\x19\x50\xd5"),
        "signature",
    )
    fail("cut", "a byte is missing", pump[:-1], "parse")
    fail("behind", "a byte follows", pump + b"\x00", "parse")
    fail("tagged", "a tagged COSE_Sign1", b"\xd2" + pump, "parse")
    fail("unprotected", "an unprotected header", pump.replace(b"\xa0\x58", b"\xa1\x04\x40\x58", 1), "parse")
    fail(
        "algorithm",
        "an algorithm that no key here has",
        pump.replace(b"\xa2\x01\x27", b"\xa2\x01\x28", 1),
        "parse",
    )
    fail("long_head", "a length that has a shorter form", pump.replace(b"\x58", b"\x59\x00", 1), "parse")
    fail("key_order", "map keys out of order", sign(b"\xad\x01\x01\x00\x01" + encoded[5:]), "parse")
    fail("key_twice", "a map key twice", sign(bytes([encoded[0] + 1]) + encoded[1:3] + encoded[1:]), "parse")
    fail("indefinite", "a map of indefinite length", sign(b"\xbf" + encoded[1:] + b"\xff"), "parse")
    fail("float", "a float", sign(bytes([encoded[0] + 1]) + encoded[1:] + b"\x12\xf9\x00\x00"), "parse")
    fail("format", "another format version", sign(payload | {0: 2}), "parse")
    fail("type", "a type that has no effect yet", sign(payload | {1: 44}), "parse")
    fail("replaces_nothing", "a replacement without what it replaces", sign(payload | {1: 3}), "parse")
    fail("replaces", "an issue that names what it replaces", sign(payload | {15: "JY1"}), "parse")
    fail("lot", "the number of a lot of 65 bytes", sign(payload | {19: "L" * 65}), "parse")
    fail("mapping", "a member that an issue does not have", sign(payload | {2: bytes(8)}), "parse")
    fail(
        "missing",
        "without the certificate digest",
        sign({k: v for k, v in payload.items() if k != 13}),
        "parse",
    )
    fail("issuer", "an id in lower case", sign(payload | {3: "abc"}), "parse")
    fail("number", "a number of 65 bytes", sign(payload | {4: "N" * 65}), "parse")
    fail(
        "direction",
        "a character that changes the direction of writing",
        sign(payload | {4: "JY\u202e1"}),
        "parse",
    )
    fail("version", "version 0 is left out, not written", sign(payload | {18: 0}), "parse")
    fail("validity", "a date that its kind does not have", sign(payload | {12: 3}), "parse")
    fail("category", "an unknown category", sign(payload | {8: 27}), "parse")
    silent = {key: value for key, value in payload.items() if key != 9}
    for name, why, members in (
        ("kind_written", "a verification goes without saying", payload | {22: 0}),
        ("kind", "an unknown kind of document", payload | {22: 3}),
        ("undecided", "a verification whose conclusion is left open", payload | {9: 3}),
        ("paper_undecided", "a paper whose conclusion is left open", payload | {9: 3, 22: 2}),
        ("no_conclusion", "a verification that concludes nothing", silent),
    ):
        fail(name, why, sign(members), "parse")
    return kind


def _sign_life() -> dict[str, tuple[bytes, Any, str]]:
    """Return statements about what happens after the issue, with their signers."""
    ledger = MemoryLedger().found()
    for number in (1, 2):
        ledger.issue(number)
    authority, root = make_signer("authority"), ledger.roots[0]
    replaced = make_record(1, no="JY2026-000101", replaces={"no": "JY2026-000001", "reason": "TYPO"})
    member = make_record(3, lot={"no": "L1", "size": 1000})
    return {
        "replace": (
            ledger.sign_issue(seal_record(replaced, SEAL)),
            SEAL,
            "a certificate in the place of another",
        ),
        "issue_in_a_lot": (ledger.sign_issue(seal_record(member, SEAL)), SEAL, "a member of a lot"),
        "supplement": (ledger.sign_act(EventType.SUPPLEMENT), SEAL, "a supplement, with its digest"),
        "suspend": (ledger.sign_act(EventType.SUSPEND), SEAL, "an institution's own act"),
        "cancel": (ledger.sign_act(EventType.CANCEL), authority, "an authority's act, with its decision"),
        "opened_for_repair": (ledger.sign_act(EventType.OPENED_FOR_REPAIR), SEAL, "opened"),
        "lot": (sign_lot(ledger, LotStatus.FAILED), SEAL, "a lot whose sample failed"),
        "same_as": (sign_same_as(ledger), SEAL, "two registrations of one instrument"),
        "split": (sign_split(ledger), SEAL, "one registration of two instruments"),
        "instrument": (sign_registration(ledger), SEAL, "what is registered of an instrument"),
        "instrument_photo": (
            sign_registration(ledger, photo=PHOTO),
            SEAL,
            "what is registered of an instrument, with a photograph",
        ),
        "roll": (sign_roll(ledger), SEAL, "a roll of stickers, allotted by its institution"),
        "bound": (sign_binding(ledger), SEAL, "a sticker on a part of an instrument"),
        "unbound": (sign_release(ledger), SEAL, "a sticker that stands there no longer"),
        "reports": (
            sign_reports(ledger),
            make_signer("authority"),
            "two reports that an authority has taken",
        ),
        "site": (sign_site(ledger), make_signer("owner"), "a site, kept by its owner"),
        "pledge": (sign_pledge(ledger), make_signer("owner"), "what an owner promises of one site"),
        "policy": (ledger.publish_policy(1), root, "the digest of a policy, published by the root"),
        "compromised": (ledger.compromise(START), authority, "a key that somebody else may have"),
        "root_2": (ledger.next_root("root 2"), make_signer("root 2"), "the root that follows"),
    }


def sign_lot(ledger: MemoryLedger, status: LotStatus, number: str = "L1") -> bytes:
    content = LotContent(INSTITUTION, number, status, ReasonCode.FAILED_SPOT_CHECK, START)
    return ledger.sign_content(EventType.LOT, encode_lot(content), content.subject)


def _name(number: int) -> NamedInstrument:
    act = make_act(number)
    return NamedInstrument(INSTITUTION, act.number, act.instrument_id)


def sign_same_as(ledger: MemoryLedger, first: int = 1, second: int = 2) -> bytes:
    content = SameAs(_name(first), _name(second), ReasonCode.WRONG_INSTRUMENT, START)
    subject = content.instrument.subject
    return ledger.sign_content(EventType.INSTRUMENT_SAME_AS, encode_same_as(content), subject)


def sign_split(ledger: MemoryLedger, number: int = 1) -> bytes:
    content = Split(_name(number), (InstrumentId(b"\1" * 16),), ReasonCode.WRONG_INSTRUMENT, START)
    subject = content.instrument.subject
    return ledger.sign_content(EventType.INSTRUMENT_SPLIT, encode_split(content), subject)


PHOTO = Photograph(Digest(bytes([0x4F]) * 32), 1280, 960, date(2026, 2, 28))


def sign_registration(ledger: MemoryLedger, photo: Photograph | None = None, **options: Any) -> bytes:
    raw = encode_instrument_content(replace(REGISTRATION, photo=photo))
    return ledger.sign_content(EventType.INSTRUMENT, raw, REGISTRATION.subject, **options)


def sign_roll(ledger: MemoryLedger) -> bytes:
    raw = encode_roll_content(ROLL)
    return ledger.register(EventType.STICKER_ALLOTTED, INSTITUTION, raw, SEAL)


def sign_binding(ledger: MemoryLedger) -> bytes:
    content = StickerBinding(FIRST, PUMP, "1", START)
    return ledger.sign_content(EventType.STICKER_BOUND, encode_binding(content), content.subject)


def sign_release(ledger: MemoryLedger) -> bytes:
    content = StickerRelease(StickerBinding(FIRST, PUMP, "1", START), StickerReason.REPLACED)
    return ledger.sign_content(EventType.STICKER_UNBOUND, encode_release(content), content.subject, version=1)


def sign_reports(ledger: MemoryLedger, *files: bytes, **options: Any) -> bytes:
    digests = [compute_report_digest(raw) for raw in files or (b"first", b"second")]
    content = make_report_content(digests, START)
    return ledger.sign_content(
        EventType.REPORT_TAKEN,
        encode_report_content(content),
        content.subject,
        **{"issuer": AUTHORITY, **options},
    )


def sign_site(ledger: MemoryLedger) -> bytes:
    raw = encode_site(MARKET)
    return ledger.sign_content(EventType.SITE, raw, MARKET.subject, issuer=OWNER, by="owner")


def sign_pledge(ledger: MemoryLedger) -> bytes:
    raw = encode_pledge(PLEDGE)
    return ledger.sign_content(EventType.PLEDGE, raw, PLEDGE.subject, issuer=OWNER, by="owner")


def _long_serial_record() -> Any:
    record = make_record(0)
    record["instrument"] = record["instrument"] | {"serial": "出厂编号-2024-ABC-0012345"}
    return parse_certificate(encode_canonical_json(seal_record(record, SEAL))).record


def build_leaves() -> Kind:
    kind = Kind(
        "leaf",
        {
            "leaf.hex": "the whole leaf in lower-case hex, and a line feed",
            "expected.json": "its header and leaf hash",
        },
    )
    ledger = MemoryLedger().found()
    ledger.issue(0)
    ledger.issue(0)
    ledger.publish()
    for index, name, why in (
        (0, "root", "leaf 0 of a log"),
        (4, "scope", "a register event"),
        (5, "issue", "an issue"),
        (6, "void", "the same number again: VOID"),
        (7, "maphead", "the last leaf under a checkpoint: a header alone"),
    ):
        leaf = ledger.leaves[index]
        header = parse_leaf(leaf).header
        expected = {
            "type": header.type.name,
            "status": header.status,
            "sequenced_at": encode_instant(header.sequenced_at),
            "subject": header.subject.hex(),
            "prev": header.prev,
            "version": header.version,
            "certificate_digest": header.certificate_digest.hex(),
            "statement_digest": header.statement_digest.hex(),
            "leaf_hash": hash_leaf(leaf).hex(),
        }
        kind.add(name, why, leaf_hex=leaf.hex().encode() + b"\n", expected_json=show(expected))
    good = parse_leaf(ledger.leaves[5])
    for name, why, raw in (
        ("magic", "does not begin with HZL1", b"HZL2" + ledger.leaves[5][4:]),
        ("reserved", "reserved bytes are zero", ledger.leaves[5][:7] + b"\x01" + ledger.leaves[5][8:]),
        ("type", "an unknown event type", ledger.leaves[5][:4] + b"\x1f" + ledger.leaves[5][5:]),
        ("length", "a byte follows the statement", ledger.leaves[5] + b"\x00"),
        ("cut", "a byte of the statement is missing", ledger.leaves[5][:-1]),
        ("short", "shorter than a header", ledger.leaves[5][:127]),
        (
            "digest",
            "the digest of another statement",
            encode_header(replace(good.header, statement_digest=Digest(bytes(32)))) + good.statement_raw,
        ),
        (
            "time",
            "a time after the year 9999",
            encode_leaf(replace(good.header, sequenced_at_ms=253_402_300_800_000), good.statement_raw),
        ),
    ):
        kind.add(
            f"{name}_fail", why, leaf_hex=raw.hex().encode() + b"\n", expected_json=show({"fails": "parse"})
        )
    return kind


def build_subjects() -> Kind:
    kind = Kind(
        "subject",
        {
            "subjects.json": "kind, identity in hex, and the subject in hex, of one of each kind",
        },
    )
    identities = {
        SubjectKind.ROOT: b"",
        SubjectKind.AUTHORITY: b"CN-35",
        SubjectKind.INSTITUTION: b"350100-01",
        SubjectKind.KEY: SEAL.public_key.multikey_bytes,
        SubjectKind.SCOPE: b"350100-01\x00S1",
        SubjectKind.INSTRUMENT: bytes(range(16)),
        SubjectKind.PART: bytes(range(16)) + b"2",
        SubjectKind.CERTIFICATE: b"350100-01\x00JY2026-000000",
        SubjectKind.POLICY: b"",
        SubjectKind.LOT: b"350100-01\x00L1",
        SubjectKind.UNREADABLE: b"{}",
        SubjectKind.STATUS_MAP: b"",
        SubjectKind.REGISTRATION: bytes(range(16)),
        SubjectKind.ROLL: ROLL.roll.encode(),
        SubjectKind.PLACEMENT: bytes(range(16)) + b"2",
        SubjectKind.STICKER: FIRST.encode(),
        SubjectKind.REPORT: bytes(range(32)),
        SubjectKind.PLEDGE: b"350102-M7\x00350102-M7\x00M-01",
        SubjectKind.SITE: b"350102-M7\x00M-01",
    }
    rows = [
        {
            "kind": kind_of.value,
            "name": kind_of.name,
            "identity": identity.hex(),
            "subject": compute_subject(kind_of, identity).hex(),
        }
        for kind_of, identity in identities.items()
    ]
    kind.add("all", "one of each kind that this version touches", subjects_json=show(rows))
    return kind


# --- the fold ---------------------------------------------------------------------------------------------


def build_folds() -> Kind:
    kind = Kind(
        "fold",
        {
            "log.json": "origin, and the statements of a log from leaf 0 on, with the log's time in "
            "milliseconds",
            "expected.json": "the header of every leaf in hex, and the indices of those that are VOID",
        },
    )
    for name, (why, build) in _FOLDS.items():
        ledger = build()
        statements = [
            {
                "sequenced_at_ms": parse_leaf(leaf).header.sequenced_at_ms,
                "statement": encode_base64(parse_leaf(leaf).statement_raw),
            }
            for leaf in ledger.leaves
        ]
        expected = {
            "headers": [leaf[:HEADER_BYTES].hex() for leaf in ledger.leaves],
            "void": [
                index for index, outcome in enumerate(ledger.outcomes) if not isinstance(outcome, Effect)
            ],
        }
        log = {"origin": ledger.origin, "statements": statements}
        kind.add(name, why, log_json=show(log), expected_json=show(expected))
    return kind


def fold_keys() -> MemoryLedger:
    ledger = MemoryLedger().found()
    ledger.issue(1)
    for raw in (
        ledger.key(seal="second"),
        ledger.key(version=1, state=RegisterState.WITHDRAWN),
        ledger.sign_issue(seal_record(make_record(2), SEAL)),
        ledger.key(version=2),
        ledger.sign_issue(seal_record(make_record(2), make_signer("second")), "second"),
        ledger.key(seal="third", endorsers=()),
        ledger.authority(version=1, key="authority 2"),
        ledger.scope(version=1),
        ledger.scope(version=1, by="authority 2"),
        ledger.authority(version=2),
    ):
        ledger.append(raw)
    return ledger


def _fold_versions() -> MemoryLedger:
    ledger = MemoryLedger().found()
    instrument = make_record(1)["instrument"]
    ledger.issue(1)
    ledger.issue_record(make_rejection(2, instrument=instrument))
    ledger.append(ledger.sign_issue(seal_record(make_record(3, instrument=instrument), SEAL), version=1))
    ledger.issue(3, instrument=instrument)
    ledger.issue(3)
    ledger.append(ledger.sign_issue(seal_record(make_record(4), SEAL), part="2"))
    ledger.append(ledger.institution(version=0))
    ledger.append(ledger.institution(version=1, state=RegisterState.SUSPENDED))
    ledger.issue(5)
    ledger.append(ledger.institution(version=2))
    ledger.issue(5)
    return ledger


def _fold_divisions() -> MemoryLedger:
    ledger = MemoryLedger().found()
    low = {"authority": "CN-3501", "by": "city"}
    for raw in (
        ledger.authority(id="CN-3501", key="city", division="3501"),
        ledger.authority(id="350100-01", key="x"),
        ledger.institution(id="CN-35"),
        ledger.institution(id="350200-01", division="3502"),
        ledger.institution(id="350200-02", division="3502", **low),
        ledger.institution(id="360100-01", division="3601"),
        ledger.institution(version=1, division="3502"),
        ledger.scope(id="WIDE", division="35"),
        ledger.scope(id="WIDE", version=1, division="3501", **low),
        ledger.scope(version=1, division="350102", **low),
        ledger.key(institution="350200-01", seal="seal", version=1, endorsers=(SEAL,)),
        ledger.authority(version=1, valid_until=date(2026, 2, 28)),
        ledger.institution(version=1),
    ):
        ledger.append(raw)
    return ledger


def _fold_stickers() -> MemoryLedger:
    ledger = StickerLedger()
    withdrawn = replace(ROLL, state=RegisterState.WITHDRAWN)
    for make in (
        ledger.enter,
        lambda: ledger.enter(version=0),
        lambda: ledger.allot(replace(ROLL, count=7), version=1),
        lambda: ledger.bind(FIRST, PUMP, "1"),
        lambda: ledger.bind(FIRST, SCALE),
        lambda: ledger.bind(SECOND, PUMP, "1"),
        lambda: ledger.release(FIRST, SCALE),
        lambda: ledger.release(FIRST, PUMP, "1"),
        lambda: ledger.release(FIRST, PUMP, "1"),
        lambda: ledger.release(SECOND, PUMP, "1", issuer=AUTHORITY),
        lambda: ledger.release(SECOND, PUMP, "1", issuer=AUTHORITY, decision=DECISION),
        lambda: ledger.bind(FIRST, SCALE),
        lambda: ledger.allot(withdrawn, version=1),
        lambda: ledger.bind(SECOND, SCALE),
    ):
        ledger.append(make())
    return ledger


def _fold_roots() -> MemoryLedger:
    ledger = MemoryLedger(roots=("root 1", "root 2", "root 3"), threshold=2).found()
    first, second, _ = ledger.roots
    old = parse_signed_statement(ledger.authority()).statement
    for raw in (
        ledger.authority(id="CN-36", key="new", division="36", endorsers=(first, make_signer("new"))),
        ledger.authority(id="CN-36", key="new", division="36", endorsers=(first, second, make_signer("new"))),
        ledger.authority(version=1, key="second"),
        sign_statement(replace(old, expected_version=2), first, ledger.origin),
        ledger.root(),
    ):
        ledger.append(raw)
    return ledger


def _fold_life() -> MemoryLedger:
    ledger = MemoryLedger().found()
    for number in (1, 2, 3):
        ledger.issue(number, lot={"no": "L1", "size": 3})
    for event_type in (EventType.SUPPLEMENT, EventType.OPENED_FOR_REPAIR, EventType.SUSPEND):
        ledger.act(event_type)
    replaces = {"no": "JY2026-000001", "reason": "TYPO"}
    for record in (
        make_record(1, no="R-1", replaces=replaces),
        make_record(1, no="R-2", replaces=replaces),
        make_rejection(1, no="R-3", replaces={"no": "R-1", "reason": "WRONG_RESULT"}),
        make_record(1, no="N-1"),
    ):
        ledger.issue_record(record)
    for status in (LotStatus.CANCELLED, LotStatus.SUSPENDED, LotStatus.FAILED, LotStatus.SUSPENDED):
        ledger.append(sign_lot(ledger, status))
    ledger.act(EventType.SUPPLEMENT, 1)
    return ledger


def _fold_kinds() -> MemoryLedger:
    ledger = MemoryLedger().found()
    replaces = {"no": "XZ2026-000001", "reason": "TYPO"}
    for record in (
        make_calibration(1),
        make_record(1),
        make_paper(1),
        make_calibration(1, no="XZ-2", replaces=replaces),
        make_calibration(1, no="XZ-3", replaces={"no": "JY2026-000001", "reason": "TYPO"}),
        make_record(1, no="N-1", replaces={"no": "XZ-2", "reason": "TYPO"}),
        make_rejection(1, no="N-2"),
        make_calibration(1, no="XZ-4"),
        make_paper(2, no="P-2"),
    ):
        ledger.issue_record(record)
    ledger.act(EventType.WITHDRAW, 1, certificate="XZ-4")
    ledger.act(EventType.REVERIFY_NEEDED, 2, certificate="P-2")
    return ledger


def _fold_links() -> MemoryLedger:
    ledger = MemoryLedger().found()
    for number in (1, 2, 3):
        ledger.issue(number)
    ledger.append(sign_same_as(ledger))
    ledger.append(sign_same_as(ledger, 2, 1))
    ledger.act(EventType.SUSPEND, 1)
    ledger.append(sign_same_as(ledger, 3, 1))
    ledger.issue_record(make_rejection(2, no="N-2"))
    ledger.issue(3, no="N-3")
    ledger.append(sign_split(ledger))
    ledger.issue(1, no="N-1")
    return ledger


def _fold_successions() -> MemoryLedger:
    ledger = MemoryLedger().found()
    ledger.issue(1)
    ledger.append(ledger.publish_policy(1))
    ledger.append(ledger.next_root("root 2", "root 3", threshold=2))
    ledger.append(ledger.publish_policy(2))
    ledger.append(ledger.publish_policy(2, version=2))
    ledger.append(ledger.authority(id="CN-36", key="new", division="36"))
    ledger.append(ledger.compromise(START))
    ledger.issue(2)
    ledger.append(ledger.next_root("root 2"))
    return ledger


def _fold_reports() -> MemoryLedger:
    ledger = MemoryLedger().found()
    for raw in (
        sign_reports(ledger),
        sign_reports(ledger, b"second", b"third", version=0),
        sign_reports(ledger, b"first"),
        sign_reports(ledger, b"fourth", issuer=INSTITUTION),
        sign_reports(ledger, b"third"),
        ledger.authority(version=1, state=RegisterState.SUSPENDED),
        sign_reports(ledger, b"fifth"),
    ):
        ledger.append(raw)
    return ledger


def _fold_sites() -> MemoryLedger:
    ledger = SiteLedger()
    whole, changed = replace(PLEDGE, site=None), replace(PLEDGE, state=PledgeState.CHANGED)
    ledger.append(ledger.promise())
    for site, by in (
        (MARKET, "rival"),
        (replace(MARKET, division="350103"), "owner"),
        (replace(MARKET, owner=None), "owner"),
        (MARKET, "owner"),
        (BARE_SITE, "seal"),
        (replace(BARE_SITE, owner=RIVAL), "seal"),
        (replace(BARE_SITE, owner=RIVAL, division="350102"), "seal"),
    ):
        ledger.append(ledger.enter_site(site, by=by))
    for pledge in (changed, PLEDGE, PLEDGE, whole, changed, WITHDRAWN, WITHDRAWN, PLEDGE):
        ledger.append(ledger.promise(pledge))
    ledger.append(ledger.promise(replace(PLEDGE, owner=RIVAL), by="rival"))
    ledger.append(ledger.promise(replace(PLEDGE, owner=INSTITUTION, site=None), by="seal"))
    ledger.append(ledger.enter_site(replace(MARKET, state=RegisterState.WITHDRAWN)))
    ledger.append(ledger.promise(changed))
    return ledger


_FOLDS: dict[str, tuple[str, Callable[[], MemoryLedger]]] = {
    "founding": (
        "root, authority, institution, key, scope, two documents",
        lambda: MemoryLedger().found().issue_many(2),
    ),
    "keys": (
        "keys that end, come back in vain, do not speak for themselves; an authority that changes its key",
        fold_keys,
    ),
    "versions": (
        "only the newest version is followed; numbers are used once; parts; a suspended institution",
        _fold_versions,
    ),
    "divisions": ("who decides where, and one space of ids", _fold_divisions),
    "life": ("replacements, a supplement, an instrument that was opened, a lot that fails", _fold_life),
    "kinds": ("calibrations and entries from paper leave verifications as they were", _fold_kinds),
    "links": ("instruments that are the same, and one that is several", _fold_links),
    "stickers": (
        "a registered instrument; a roll, stickers that take each other's place, and what is not theirs to do",
        _fold_stickers,
    ),
    "reports": ("what an authority has taken, each once; nobody else takes any", _fold_reports),
    "sites": (
        "sites that owners and an institution keep, pledges, and what is not theirs to enter or to promise",
        _fold_sites,
    ),
    "successions": ("roots that follow each other, policies, a key that is compromised", _fold_successions),
    "two_of_three": (
        "a root of three keys, two of which must endorse; an old endorsement brings nothing back",
        _fold_roots,
    ),
}
