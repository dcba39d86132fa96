"""Contents of register statements: strict, canonical, and each refused by the name of what is wrong."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import make_signer
from mutations import JSON, ODD_VALUES, added, removed, replaced, show, walk

from ledger.core.authority import (
    AuthorityContent,
    InstitutionContent,
    KeyContent,
    Power,
    RootContent,
    encode_authority_content,
    encode_institution_content,
    encode_key_content,
    encode_root_content,
)
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.credit_code import CreditCode
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.record import VerificationKind
from ledger.core.register_content import CONTENT_PARSERS, parse_content
from ledger.core.register_fields import Name, RegisterState
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.signature import P256Signer

KEYS = tuple(make_signer(name).public_key for name in ("one", "two", "three"))
P256 = P256Signer(bytes([1]) * 32).public_key
ROOT = RootContent(1, "ledger.example/2026", KEYS, 2, make_signer("log").public_key, "ledger.example/2025")
AUTHORITY = AuthorityContent(
    id="CN-35",
    name=Name("福建省市场监督管理局", "Fujian"),
    key=KEYS[0],
    division="35",
    powers=frozenset(Power),
    valid_from=date(2020, 1, 1),
    valid_until=date(2039, 12, 31),
    state=RegisterState.ACTIVE,
)
INSTITUTION = InstitutionContent(
    id=InstitutionId("350100-01"),
    name=Name("福州市计量所", None),
    credit_code=CreditCode("91350100M000100Y43"),
    division="3501",
    state=RegisterState.SUSPENDED,
)
KEY = KeyContent(InstitutionId("350100-01"), P256, RegisterState.WITHDRAWN)
SCOPE = ScopeContent(
    institution=InstitutionId("350100-01"),
    id="S1",
    authorisation_no="(闽)法计(2024)35001号",
    categories=frozenset({Category.TAXIMETER, Category.FUEL_DISPENSER}),
    kinds=frozenset(VerificationKind),
    division="3501",
    valid_from=date(2024, 1, 1),
    valid_until=date(2024, 1, 1),
    state=RegisterState.ACTIVE,
)
CONTENTS = [
    (EventType.ROOT, ROOT, encode_root_content),
    (EventType.ROOT, replace(ROOT, predecessor=None, keys=(P256,), threshold=1), encode_root_content),
    (EventType.DELEGATE, AUTHORITY, encode_authority_content),
    (
        EventType.DELEGATE,
        replace(AUTHORITY, division="", powers=frozenset({Power.KEY})),
        encode_authority_content,
    ),
    (EventType.INSTITUTION, INSTITUTION, encode_institution_content),
    (EventType.INSTITUTION, replace(INSTITUTION, credit_code=None, division=""), encode_institution_content),
    (EventType.KEY, KEY, encode_key_content),
    (EventType.SCOPE, SCOPE, encode_scope_content),
    (EventType.SCOPE, replace(SCOPE, division="", categories=frozenset(Category)), encode_scope_content),
]
DOCUMENTS = {event_type: encode(content) for event_type, content, encode in reversed(CONTENTS)}


@pytest.mark.parametrize(("event_type", "content", "encode"), CONTENTS)
def test_what_is_written_is_read_back(event_type, content, encode):
    raw = encode(content)
    assert parse_content(event_type, raw) == content
    assert encode_canonical_json(json.loads(raw)) == raw


def test_the_contents_of_the_norm():
    assert json.loads(encode_root_content(ROOT)) == {
        "keys": [key.multikey for key in KEYS],
        "log_key": ROOT.log_key.multikey,
        "origin": "ledger.example/2026",
        "predecessor": "ledger.example/2025",
        "suites": ["ed25519", "p-256", "sha-256"],
        "threshold": 2,
        "version": 1,
    }
    assert json.loads(encode_scope_content(SCOPE)) == {
        "authorisation_no": "(闽)法计(2024)35001号",
        "categories": ["FUEL_DISPENSER", "TAXIMETER"],
        "division": "3501",
        "from": "2024-01-01",
        "id": "S1",
        "institution": "350100-01",
        "kinds": sorted(kind.value for kind in VerificationKind),
        "state": "active",
        "until": "2024-01-01",
    }


def test_each_register_event_has_a_content():
    assert {event.name for event in CONTENT_PARSERS} == {
        *("ROOT", "DELEGATE", "POLICY", "INSTITUTION", "KEY", "KEY_COMPROMISED_FROM", "SCOPE", "PERSON"),
        *("STANDARD", "REFERENCE_MATERIAL", "REGULATION", "TYPE_APPROVAL", "BLOCK", "STICKER_ALLOTTED"),
    }
    for event_type in set(EventType) - set(CONTENT_PARSERS):
        with pytest.raises(InputError, match="is not a register event"):
            parse_content(event_type, b"{}")


def refuse(event_type, document, *, field: str | None = None) -> None:
    with pytest.raises(InputError) as caught:
        parse_content(event_type, encode_canonical_json(document))
    if field is not None:
        assert (caught.value.field or "").removeprefix("content.").startswith(field)


OPTIONAL = {"predecessor", "credit_code", "division", "name.en"}
PLACES = [(event_type, path) for event_type, raw in DOCUMENTS.items() for path, _ in walk(json.loads(raw))]
NAMED = [(event_type, path) for event_type, path in PLACES if isinstance(path[-1], str)]


@pytest.mark.parametrize(
    ("event_type", "path"), NAMED, ids=lambda value: getattr(value, "name", None) or show(value)
)
def test_a_missing_member_is_named(event_type, path):
    document = removed(json.loads(DOCUMENTS[event_type]), path)
    if show(path) in OPTIONAL:
        parse_content(event_type, encode_canonical_json(document))
    else:
        refuse(event_type, document, field=show(path))


@pytest.mark.parametrize(
    ("event_type", "path"), NAMED, ids=lambda value: getattr(value, "name", None) or show(value)
)
def test_a_member_of_another_kind_is_named(event_type, path):
    document = json.loads(DOCUMENTS[event_type])
    for odd in (0, 2**40, True, "", " x", "\u202e", "x" * 300, [], [0], {}, {"zh": 1}):
        refuse(event_type, replaced(document, path, odd))


@pytest.mark.parametrize("event_type", DOCUMENTS, ids=lambda event_type: event_type.name)
def test_unknown_members_are_refused(event_type):
    document = json.loads(DOCUMENTS[event_type])
    refuse(event_type, added(document, ()))
    if "name" in document:
        refuse(event_type, added(document, ("name",)))


@pytest.mark.parametrize("event_type", DOCUMENTS, ids=lambda event_type: event_type.name)
def test_other_spellings_are_refused(event_type):
    raw = DOCUMENTS[event_type]
    for changed in (
        raw + b"\n",
        b" " + raw,
        json.dumps(json.loads(raw)).encode(),
        raw[:-1],
        b"",
        b"[]",
        b"1",
    ):
        with pytest.raises(InputError):
            parse_content(event_type, changed)


@pytest.mark.parametrize(
    ("event_type", "path", "value"),
    [
        (EventType.ROOT, ("version",), 0),
        (EventType.ROOT, ("origin",), "a b"),
        (EventType.ROOT, ("origin",), "a+b"),
        (EventType.ROOT, ("origin",), "x" * 121),
        (EventType.ROOT, ("keys",), []),
        (EventType.ROOT, ("keys",), [KEYS[0].multikey] * 3),
        (EventType.ROOT, ("keys",), [KEYS[0].did_key]),
        (EventType.ROOT, ("keys",), ["z" + "1" * 40]),
        (EventType.ROOT, ("threshold",), 0),
        (EventType.ROOT, ("threshold",), 4),
        (EventType.ROOT, ("threshold",), 65),
        (EventType.ROOT, ("suites",), ["ed25519"]),
        (EventType.ROOT, ("suites",), ["ed25519", "sha-256", "p-256"]),
        (EventType.ROOT, ("suites",), ["ed25519", "p-256", "sha-256", "sm3"]),
        (EventType.DELEGATE, ("id",), "ROOT"),
        (EventType.INSTITUTION, ("id",), "ROOT"),
        *(
            (event, ("id",), text)
            for event in (EventType.DELEGATE, EventType.INSTITUTION, EventType.SCOPE)
            for text in ("-A", "a", "A" * 13, "A_B", "Ａ", "A\n")
        ),
        *(
            (event, ("division",), text)
            for event in (EventType.DELEGATE, EventType.INSTITUTION, EventType.SCOPE)
            for text in ("3", "35A", "１２", "3" * 13, "35*")
        ),
        *(
            (event, ("state",), text)
            for event in (EventType.DELEGATE, EventType.KEY, EventType.SCOPE)
            for text in ("ACTIVE", "ended", "Active")
        ),
        (EventType.DELEGATE, ("powers",), []),
        (EventType.DELEGATE, ("powers",), ["root"]),
        (EventType.DELEGATE, ("powers",), ["key", "institution"]),
        (EventType.DELEGATE, ("powers",), ["key", "key"]),
        (EventType.DELEGATE, ("until",), "2019-12-31"),
        (EventType.DELEGATE, ("from",), "2020-02-30"),
        (EventType.DELEGATE, ("from",), "20200101"),
        (EventType.INSTITUTION, ("credit_code",), "91350100M000100Y44"),
        (EventType.INSTITUTION, ("credit_code",), "12100000400001234X"),
        (EventType.SCOPE, ("categories",), []),
        (EventType.SCOPE, ("categories",), ["TAXIMETER", "FUEL_DISPENSER"]),
        (EventType.SCOPE, ("categories",), ["TAXIMETER", "TAXIMETER"]),
        (EventType.SCOPE, ("categories",), ["taximeter"]),
        (EventType.SCOPE, ("categories",), ["SPACESHIP"]),
        (EventType.SCOPE, ("kinds",), ["PERIODIC"]),
        (EventType.SCOPE, ("kinds",), []),
        (EventType.SCOPE, ("until",), "2023-12-31"),
        (EventType.KEY, ("key",), "x"),
        (EventType.KEY, ("key",), KEYS[0].multikey[:-1]),
    ],
)
def test_a_value_out_of_range_is_refused(event_type, path, value):
    refuse(event_type, replaced(json.loads(DOCUMENTS[event_type]), path, value))


@given(st.sampled_from(sorted(CONTENT_PARSERS)), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_as_input(event_type, raw):
    with pytest.raises(InputError):
        parse_content(event_type, raw)


@given(st.sampled_from(PLACES), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_read_or_refused_as_input(place, value):
    event_type, path = place
    document = replaced(json.loads(DOCUMENTS[event_type]), path, value)
    try:
        raw = encode_canonical_json(document)
        content = parse_content(event_type, raw)
    except InputError:
        return
    encode = next(encode for known, _, encode in CONTENTS if known is event_type)
    assert encode(content) == raw, "one spelling"
