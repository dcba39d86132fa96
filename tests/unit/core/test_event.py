"""Codes of events and subjects: given once, never to anything else."""

import hashlib
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.event import (
    DEFINED_TYPES,
    EventType,
    SubjectKind,
    certificate_subject,
    compute_subject,
    instrument_subject,
    maker_subject,
    material_subject,
    person_subject,
    regulation_subject,
    scope_subject,
    standard_subject,
    type_approval_subject,
)
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId

CODES = {
    1: "ISSUE",
    2: "SUPPLEMENT",
    3: "REPLACE",
    4: "CANCEL",
    5: "WITHDRAW",
    6: "SUSPEND",
    7: "REINSTATE",
    8: "REVERIFY_NEEDED",
    9: "OPENED_FOR_REPAIR",
    10: "LOT",
    11: "INSTRUMENT",
    12: "STICKER_BOUND",
    13: "STICKER_UNBOUND",
    14: "PLEDGE",
    15: "REPORT_TAKEN",
    16: "SITE",
    32: "ROOT",
    33: "DELEGATE",
    34: "POLICY",
    35: "INSTITUTION",
    36: "KEY",
    37: "KEY_COMPROMISED_FROM",
    38: "SCOPE",
    39: "PERSON",
    40: "STANDARD",
    41: "REFERENCE_MATERIAL",
    42: "REGULATION",
    43: "TYPE_APPROVAL",
    45: "INSTRUMENT_SAME_AS",
    46: "INSTRUMENT_SPLIT",
    47: "STICKER_ALLOTTED",
    50: "BLOCK",
    255: "MAPHEAD",
}
KINDS = [
    *("UNREADABLE", "ROOT", "AUTHORITY", "POLICY", "INSTITUTION", "KEY", "SCOPE", "PERSON", "STANDARD"),
    *(
        "REFERENCE_MATERIAL",
        "REGULATION",
        "TYPE_APPROVAL",
        "INSTRUMENT",
        "PART",
        "CERTIFICATE",
        "LOT",
        "STICKER",
        "STATUS_MAP",
        "BLOCK",
        "MAKER",
        "REGISTRATION",
        "ROLL",
        "PLACEMENT",
        "PLEDGE",
        "REPORT",
        "SITE",
    ),
]
ID = InstrumentId(bytes(range(16)))


def test_the_codes_of_event_types_never_change():
    assert {event.value: event.name for event in EventType} == CODES


def test_the_codes_of_kinds_of_subjects_never_change():
    assert [kind.name for kind in SubjectKind] == KINDS
    assert [kind.value for kind in SubjectKind] == [*range(26)]


def test_this_version_defines_these_types():
    assert {event.name for event in DEFINED_TYPES} == {
        *("ISSUE", "SUPPLEMENT", "REPLACE", "CANCEL", "WITHDRAW", "SUSPEND", "REINSTATE", "REVERIFY_NEEDED"),
        *("OPENED_FOR_REPAIR", "LOT", "INSTRUMENT_SAME_AS", "INSTRUMENT_SPLIT"),
        *("INSTRUMENT", "STICKER_ALLOTTED", "STICKER_BOUND", "STICKER_UNBOUND"),
        *("PLEDGE", "REPORT_TAKEN", "SITE"),
        *("ROOT", "DELEGATE", "POLICY", "INSTITUTION", "KEY", "KEY_COMPROMISED_FROM", "SCOPE", "PERSON"),
        *("STANDARD", "REFERENCE_MATERIAL", "REGULATION", "TYPE_APPROVAL", "BLOCK"),
    }


def test_a_subject_is_a_hash_over_domain_kind_and_identity():
    expected = hashlib.sha256(b"hengzheng/subject/v1\x00" + b"\x04" + b"350100-01").digest()
    assert compute_subject(SubjectKind.INSTITUTION, b"350100-01") == expected
    assert expected.hex().startswith("efe4097bcb38737b"), "as the module says"


@pytest.mark.parametrize(
    ("subject", "kind", "identity"),
    [
        (instrument_subject(ID), 12, ID),
        (instrument_subject(ID, "A"), 13, ID + b"A"),
        (certificate_subject(InstitutionId("I1"), CertificateNumber("号1")), 14, b"I1\x00" + "号1".encode()),
        (scope_subject(InstitutionId("I1"), "S1"), 6, b"I1\x00S1"),
        (person_subject(InstitutionId("I1"), "P-1"), 7, b"I1\x00P-1"),
        (standard_subject(InstitutionId("I1"), "标1"), 8, b"I1\x00" + "标1".encode()),
        (material_subject("GBW(E)130070", "2025-3"), 9, b"GBW(E)130070\x002025-3"),
        (regulation_subject("PRICE_SCALE", "JJG 539-2016"), 10, b"PRICE_SCALE\x00JJG 539-2016"),
        (type_approval_subject("2018F258-32"), 11, b"2018F258-32"),
        (maker_subject("示例"), 19, "示例".encode()),
    ],
)
def test_identities_are_written_as_the_norm_says(subject, kind, identity):
    assert subject == hashlib.sha256(b"hengzheng/subject/v1\x00" + bytes([kind]) + identity).digest()


def test_different_things_are_different_subjects():
    subjects = [
        instrument_subject(ID),
        instrument_subject(ID, "1"),
        instrument_subject(ID, "11"),
        certificate_subject(InstitutionId("A"), CertificateNumber("BC")),
        certificate_subject(InstitutionId("AB"), CertificateNumber("C")),
        scope_subject(InstitutionId("A"), "BC"),
        scope_subject(InstitutionId("AB"), "C"),
        *(compute_subject(kind, b"x") for kind in SubjectKind),
    ]
    assert all(one != other for one, other in combinations(subjects, 2))
    assert {len(subject) for subject in subjects} == {32}


NAMES = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,11}", fullmatch=True)
NUMBERS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=9)


@given(st.lists(st.tuples(NAMES, NUMBERS), min_size=2, max_size=2, unique=True))
def test_two_certificates_are_never_one_subject(pairs):
    one, other = (certificate_subject(InstitutionId(name), CertificateNumber(no)) for name, no in pairs)
    assert one != other
