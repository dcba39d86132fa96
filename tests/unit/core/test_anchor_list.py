"""The list of all receipts beside a log's tiles."""

import pytest
from ledger_in_memory import ORIGIN, MemoryLedger

from ledger.core.anchor import AnchorList, encode_anchor_list, parse_anchor_list
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError

LEDGER = MemoryLedger().found()
RECEIPTS = tuple(LEDGER.receipt(size) for size in (2, 4, 5))
RAW = encode_anchor_list(ORIGIN, RECEIPTS)


@pytest.mark.parametrize("count", range(4))
def test_what_is_written_is_read_back(count):
    raw = encode_anchor_list(ORIGIN, RECEIPTS[:count])
    assert parse_anchor_list(raw) == AnchorList(ORIGIN, RECEIPTS[:count])


@pytest.mark.parametrize("receipts", [RECEIPTS[::-1], (RECEIPTS[0], RECEIPTS[0])])
def test_each_size_stands_once_and_in_order(receipts):
    with pytest.raises(InputError, match="ascending"):
        parse_anchor_list(encode_anchor_list(ORIGIN, receipts))


@pytest.mark.parametrize(
    "changes",
    [{"type": "hengzheng/anchors/v2"}, {"more": 1}, {"receipts": {}}, {"receipts": [1]}, {"origin": 1}],
)
def test_other_files_are_refused(changes):
    members = parse_canonical_json(RAW)
    with pytest.raises(InputError):
        parse_anchor_list(encode_canonical_json(members | changes))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", RAW + b"\n", b" " + RAW, RAW[:-1]])
def test_only_the_canonical_bytes_are_read(raw):
    with pytest.raises(InputError):
        parse_anchor_list(raw)
