"""Contents of links: strict both ways."""

from dataclasses import replace

import pytest
from ledger_in_memory import DECISION, INSTITUTION, START, make_act

from ledger.core.act import NamedInstrument, ReasonCode
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.link import (
    SameAs,
    Split,
    encode_same_as,
    encode_split,
    parse_link,
    parse_same_as,
    parse_split,
)

FIRST = NamedInstrument(INSTITUTION, make_act(1).number, make_act(1).instrument_id)
SECOND = NamedInstrument(INSTITUTION, make_act(2).number, make_act(2).instrument_id, "1")
SAME = SameAs(FIRST, SECOND, ReasonCode.WRONG_INSTRUMENT, START, DECISION)
PARTED = Split(FIRST, (bytes(15) + b"\1", bytes(15) + b"\2"), ReasonCode.WRONG_INSTRUMENT, START)


def test_what_is_written_is_read():
    for content in (SAME, replace(SAME, decision=None)):
        assert parse_same_as(encode_same_as(content)) == content
        assert parse_link(EventType.INSTRUMENT_SAME_AS, encode_same_as(content)) == content
    for content in (PARTED, replace(PARTED, decision=DECISION, into=PARTED.into[:1])):
        assert parse_split(encode_split(content)) == content
        assert parse_link(EventType.INSTRUMENT_SPLIT, encode_split(content)) == content


MEMBERS = parse_canonical_json(encode_same_as(SAME))
ROOT = parse_canonical_json(encode_split(PARTED))


@pytest.mark.parametrize(
    ("parse", "members", "why"),
    [
        (parse_same_as, {"other": MEMBERS["instrument"]}, "content.other: is the same instrument already"),
        (parse_same_as, {"into": ["00" * 16]}, "unknown member"),
        (parse_same_as, {"reason": "BECAUSE"}, "content.reason"),
        (parse_split, {"into": []}, "content.into"),
        (
            parse_split,
            {"into": ROOT["into"][::-1]},
            "content.into: expected at least one, each once, in order",
        ),
        (parse_split, {"into": ROOT["into"][:1] * 2}, "content.into: expected at least one, each once"),
        (parse_split, {"into": [FIRST.instrument_id.hex()]}, "content.into: names the instrument itself"),
        (parse_split, {"into": ["00" * 15]}, "content.into: expected 32 hexadecimal digits"),
        (parse_split, {"into": [f"{number:032x}" for number in range(17)]}, "content.into"),
        (parse_split, {"instrument": {"id": "00" * 16}}, "content.instrument.certificate"),
    ],
)
def test_what_is_wrong_is_said(parse, members, why):
    whole = MEMBERS if parse is parse_same_as else ROOT
    with pytest.raises(InputError, match=why):
        parse(encode_canonical_json(whole | members))


@pytest.mark.parametrize("parse", [parse_same_as, parse_split])
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b'{"instrument":1}'])
def test_other_bytes_are_refused(parse, raw):
    with pytest.raises(InputError):
        parse(raw)
