from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.answers import (
    BlockRef,
    Receipt,
    parse_base_fee,
    parse_block,
    parse_log,
    parse_logs,
    parse_receipt,
)
from ledger.core.errors import InputError, MalformedDocumentError

HASH, ADDRESS = "0x" + "ab" * 32, "0x" + "cd" * 20
BLOCK = {"number": "0x7", "hash": HASH, "timestamp": "0x65000000", "extraData": "0x" + "00" * 97}
LOG = {
    "address": ADDRESS, "topics": [HASH], "data": "0x01", "blockNumber": "0x7", "blockHash": HASH,
    "transactionHash": HASH, "logIndex": "0x0", "removed": False,
}  # fmt: skip
RECEIPT = {
    "transactionHash": HASH, "blockNumber": "0x7", "blockHash": HASH, "status": "0x1", "gasUsed": "0x5208",
    "effectiveGasPrice": "0x9", "contractAddress": None, "logs": [LOG],
}  # fmt: skip

json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.just(HASH),
        st.just("0x1"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*BLOCK, *LOG, *RECEIPT]), inner, max_size=4),
    ),
    max_leaves=8,
)


def test_97_bytes_of_extra_data_do_not_matter():
    assert parse_block(BLOCK) == BlockRef(7, b"\xab" * 32, 0x65000000)


def test_null_is_no_block_and_no_receipt():
    assert parse_block(None) is None
    assert parse_receipt(None) is None


def test_a_receipt_without_a_block_is_not_mined():
    assert parse_receipt({**RECEIPT, "blockHash": None}) is None


def test_a_receipt_holds_its_events():
    assert parse_receipt(RECEIPT) == Receipt(
        b"\xab" * 32,
        7,
        b"\xab" * 32,
        succeeded=True,
        gas_used=21_000,
        gas_price_wei=9,
        contract_address=None,
        logs=(parse_log(LOG),),
    )


@pytest.mark.parametrize("created", [None, "", "0x"])
def test_nothing_created_has_several_spellings(created):
    assert parse_receipt({**RECEIPT, "contractAddress": created}).contract_address is None


@pytest.mark.parametrize("status", ["0x0", "0x2"])
def test_any_status_but_one_is_failure(status):
    assert parse_receipt({**RECEIPT, "status": status}).succeeded is False


def test_a_block_may_have_no_base_fee():
    assert parse_base_fee(BLOCK) is None
    assert parse_base_fee({**BLOCK, "baseFeePerGas": "0x0"}) == 0


@pytest.mark.parametrize(
    ("parse", "whole", "optional"),
    [
        (parse_block, BLOCK, {"extraData"}),
        (parse_log, LOG, {"removed"}),
        (parse_receipt, RECEIPT, {"contractAddress", "effectiveGasPrice"}),
    ],
)
def test_members_are_there_and_well_spelt_or_refused(parse, whole, optional):
    for name in set(whole) - optional:
        with pytest.raises(MalformedDocumentError):
            parse({other: value for other, value in whole.items() if other != name})
        for wrong in ({}, "0x0g", 1, "0x" + "00" * 33 + "0", True, [3]):
            with pytest.raises(MalformedDocumentError):
                parse({**whole, name: wrong})


@pytest.mark.parametrize("parse", [parse_block, parse_base_fee, parse_log, parse_logs, parse_receipt])
@given(answer=json)
def test_any_json_raises_input_errors_only(parse, answer):
    with suppress(InputError):
        parse(answer)
