"""Vectors of documents: certificates, disclosures, and the characters that texts may hold."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ledger_in_memory import (
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)
from registered import TIMES, make_registered_record, seal_by_all
from vector_kind import SEAL, Kind, show

from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.disclosure import DisclosedMember, Disclosure, conceal, encode_disclosure
from ledger.core.ids import Digest
from ledger.core.text import FORBIDDEN_CHARACTERS, WHITE_SPACE

# --- documents --------------------------------------------------------------------------------------------

COMMITTED = {
    "applicant": "某加油站",
    "persons.0.name": "李娜",
    "instrument.site.address": "福州市鼓楼区一路1号",
}
CHANGED = {
    "no": "JY2026-000003",
    "reason": "TYPO",
    "changed": ["applicant", "instrument.serial", "results.0.points.0.measured"],
}
SALTS = [hashlib.sha256(f"test salt {path}".encode()).digest()[:16] for path in COMMITTED]


def _make_personal_record() -> dict[str, Any]:
    commitments = [conceal(value, salt) for value, salt in zip(COMMITTED.values(), SALTS, strict=True)]
    record = make_record(3, applicant=commitments[0])
    record["persons"][0]["name"] = commitments[1]
    record["instrument"]["site"]["address"] = commitments[2]
    return record


def _make_full_record() -> dict[str, Any]:
    plain = {"sd": hashlib.sha256(b"committed").hexdigest()}
    instrument = make_record(4)["instrument"] | {
        "local_id": "福-001",
        "range": "(5~50)L/min",
        "class": "0.3",
        "year": 2020,
        "cpa_no": "2018F258-32",
        "purpose": "trade",
        "software": {"id": "V1.2", "hash": hashlib.sha256(b"software").hexdigest()},
        "codes": {"production": "P1", "repair": "R1", "verification": "V1"},
        "owner": plain,
        "e": {"value": "5", "unit": "g"},
    }
    standard = {
        "id": "std-1",
        "name": "标准金属量器",
        "exam_no": "〔2024〕闽量标证字第1号",
        "exam_until": "2028-12-31",
        "range": "(5~100)L",
        "u": "U=0.05%,k=2",
        "instruments": [{"no": "M1", "cert_no": "C1", "cert_hash": "ab" * 32, "until": "2026-12-31"}],
    }
    return make_record(
        4,
        instrument=instrument,
        place={"kind": "on_site", "where": plain},
        environment={
            "temperature": {"value": "20.5", "unit": "°C"},
            "humidity": {"value": "60", "unit": "%RH"},
        },
        standards=[standard],
        crms=[{"id": "GBW(E)130070", "lot": "2025-03"}],
        commission_no="仲〔2026〕1号",
        class_awarded="0.3级",
        sticker_id="S-0001",
        lot={"no": "L1", "size": 1000},
        replaces={"no": "JY2026-000003", "reason": "TYPO"},
        raw_record={"no": "Y1", "hash": "cd" * 32},
        validity={"kind": "date", "until": "2026-08-20", "reason": "按用户要求"},
    )


def _make_replacement() -> dict[str, Any]:
    return make_record(6, replaces=CHANGED)


RECORDS: dict[str, Callable[[], dict[str, Any]]] = {
    "pump": lambda: make_record(0),
    "rejection": lambda: make_rejection(2),
    "personal": _make_personal_record,
    "full": _make_full_record,
    "signed_by_persons": make_registered_record,
    "replacement": _make_replacement,
}


def build_certificates() -> Kind:
    kind = Kind(
        "certificate",
        {
            "certificate.json": "the published document",
            "expected.json": "what a reader finds; of a `_fail` case whether it cannot be read "
            "(`parse`) or the `seal` does not hold",
        },
    )
    for name, make in RECORDS.items():
        raw = encode_canonical_json(seal_by_all(make(), TIMES))
        certificate = parse_certificate(raw)
        record = certificate.record
        expected = {
            "digest": certificate.digest.hex(),
            "issuer": certificate.issuer_did,
            "institution": record.issuer.id,
            "number": record.number,
            "instrument_id": record.instrument.id.hex(),
            "conclusion": record.conclusion.name.lower(),
            "verified_on": record.verified_on.isoformat(),
        }
        kind.add(name, f"a good document: {name}", certificate_json=raw, expected_json=show(expected))
    good = seal_record(make_record(0), SEAL)
    subject = good["credentialSubject"]

    def fail(name: str, why: str, raw: bytes, at: str) -> None:
        kind.add(f"{name}_fail", why, certificate_json=raw, expected_json=show({"fails": at}))

    def changed(**members: Any) -> bytes:
        return encode_canonical_json(good | {"credentialSubject": subject | members})

    raw = encode_canonical_json(good)
    other = seal_record(make_record(0), make_signer("other"))
    fail(
        "serial",
        "a digit of the serial number was changed: the seal does not hold",
        raw.replace(b"SN00000000", b"SN00000001"),
        "seal",
    )
    fail(
        "issuer",
        "the issuer is another key than the seal's",
        encode_canonical_json(good | {"issuer": other["issuer"]}),
        "seal",
    )
    by_persons = seal_by_all(make_registered_record(), TIMES)
    proofs = by_persons["proof"]
    for name, why, kept in (
        ("person_missing", "the checker's proof is missing", [proofs[0], *proofs[2:]]),
        (
            "persons_swapped",
            "the proofs are in another order than the persons",
            [proofs[1], proofs[0], *proofs[2:]],
        ),
        ("persons_unsealed", "the persons have signed, the institution has not", proofs[:3]),
    ):
        fail(name, why, encode_canonical_json(by_persons | {"proof": kept}), "seal")
    spoiled = [*proofs[:2], proofs[2] | {"created": "2026-02-28T06:00:01Z"}, proofs[3]]
    fail(
        "person_time",
        "the approver's time was changed",
        encode_canonical_json(by_persons | {"proof": spoiled}),
        "seal",
    )
    fail(
        "two_seals",
        "two proofs instead of one",
        encode_canonical_json(good | {"proof": good["proof"] * 2}),
        "seal",
    )
    fail(
        "proof_time",
        "the proof's time was changed",
        raw.replace(b'"created":"2026-02-28T07', b'"created":"2026-02-28T08'),
        "seal",
    )
    fail(
        "proof_member",
        "a proof has exactly seven members",
        encode_canonical_json(good | {"proof": [good["proof"][0] | {"id": "x"}]}),
        "seal",
    )
    fail(
        "spaces",
        "not the canonical spelling",
        json.dumps(good, ensure_ascii=False, sort_keys=True).encode(),
        "parse",
    )
    fail("duplicate", "a member stands there twice", raw.replace(b'"v":1', b'"v":1,"v":1'), "parse")
    fail("number", "a number that is no integer", raw.replace(b'"v":1', b'"v":1.0'), "parse")
    fail(
        "null", "absent is absent, never null", raw.replace(b'"adjusted":false', b'"adjusted":null'), "parse"
    )
    fail("cut", "cut off in the middle", raw[: len(raw) // 2], "parse")
    fail("unknown_member", "a member that the record does not have", changed(colour="red"), "parse")
    fail(
        "no_nonce",
        "the nonce is missing",
        encode_canonical_json(
            good | {"credentialSubject": {k: v for k, v in subject.items() if k != "nonce"}}
        ),
        "parse",
    )
    fail(
        "category",
        "no such category",
        changed(instrument=subject["instrument"] | {"category": "SPACESHIP"}),
        "parse",
    )
    fail("unit", "斤 is not a legal unit", changed(results=[subject["results"][0] | {"unit": "斤"}]), "parse")
    fail("date", "no such day", changed(verified_on="2026-02-29"), "parse")
    for name, why, paths in (
        ("changed_order", "the paths of what has changed rise", ["instrument.serial", "applicant"]),
        ("changed_twice", "each path stands there once", ["applicant", "applicant"]),
        ("changed_empty", "a list of what has changed names something", []),
        ("changed_path", "positions have no leading zeros", ["results.00.pass"]),
    ):
        fail(name, why, changed(replaces=CHANGED | {"changed": paths}), "parse")
    fail("conclusion", "a certificate does not conclude fail", changed(conclusion="fail"), "parse")
    fail(
        "part",
        "a result about a part that the instrument does not have",
        changed(results=[subject["results"][0] | {"part": "9"}]),
        "parse",
    )
    fail(
        "direction", "a character that changes the direction of writing", changed(no="JY\u202e2026"), "parse"
    )
    fail(
        "type",
        "the type of the credential is not the record's",
        encode_canonical_json(good | {"type": ["VerifiableCredential", "RejectionNotice"]}),
        "parse",
    )
    return kind


def build_disclosures() -> Kind:
    kind = Kind(
        "disclosure",
        {
            "record.json": "the record as the certificate has it",
            "disclosure.json": "salts and values",
            "expected.json": "of a `_fail` case whether it cannot be read (`parse`) or contradicts the "
            "record (`values`)",
        },
    )
    record = _make_personal_record()
    members = {
        path: DisclosedMember(salt, value)
        for (path, value), salt in zip(COMMITTED.items(), SALTS, strict=True)
    }
    digest = Digest(hashlib.sha256(encode_canonical_json(seal_record(record, SEAL))).digest())
    raw, spelled = encode_disclosure(Disclosure(digest, members)), encode_canonical_json(record)
    kind.add("all", "every personal member", record_json=spelled, disclosure_json=raw, expected_json=show({}))
    one = encode_disclosure(Disclosure(digest, {"persons.0.name": members["persons.0.name"]}))
    kind.add("one", "one personal member", record_json=spelled, disclosure_json=one, expected_json=show({}))
    for name, why, wrong, at in (
        ("value", "another name", raw.replace("李娜".encode(), "李那".encode()), "values"),
        (
            "path",
            "a place that is not a personal member",
            raw.replace(b"persons.0.name", b"persons.1.name"),
            "values",
        ),
        (
            "leading_zero",
            "a position has one spelling",
            raw.replace(b"persons.0.name", b"persons.00.name"),
            "values",
        ),
        (
            "salt",
            "a salt of 15 bytes",
            raw.replace(SALTS[1].hex().encode(), SALTS[1].hex()[2:].encode()),
            "parse",
        ),
        ("type", "another type of file", raw.replace(b"disclosure/v1", b"disclosure/v2"), "parse"),
    ):
        kind.add(
            f"{name}_fail", why, record_json=spelled, disclosure_json=wrong, expected_json=show({"fails": at})
        )
    return kind


def build_texts() -> Kind:
    kind = Kind(
        "text",
        {
            "characters.json": "code points that no text holds (ranges, both ends included), those that "
            "stand at neither "
            "end, and texts that are good although some version of Unicode does not know them",
        },
    )
    forbidden, pieces = [], list(FORBIDDEN_CHARACTERS)
    while pieces:
        first = pieces.pop(0)
        last = first
        if pieces[:1] == ["-"]:
            last = pieces[1]
            del pieces[:2]
        forbidden.append([ord(first), ord(last)])
    value = {
        "forbidden": sorted(forbidden),
        "not_at_an_end": sorted(map(ord, WHITE_SPACE)),
        "good": ["SN1", "衡证", "a b", "\u200b", "\u0378", "\U0001fae8", "e\u0301"],
    }
    kind.add("characters", "the one set of characters", characters_json=show(value))
    return kind
