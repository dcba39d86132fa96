"""Published examples first, then eth-account (another implementation) as the yardstick."""

import pytest
from eth_account import Account as ForeignAccount
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.transactions import (
    Account,
    FeeQuote,
    build_transaction,
    compute_contract_address,
    encode_rlp,
)
from ledger.core.errors import MalformedDocumentError

GWEI = 10**9
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ACCOUNT = Account(b"\x46" * 32)

keys = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
addresses = st.one_of(st.none(), st.binary(min_size=20, max_size=20))
prices = st.integers(0, 2**100)


def fields(**changes):
    usual = {"chain_id": 1, "nonce": 9, "to": b"\x35" * 20, "data": b"", "gas": 21_000, "value_wei": 10**18}
    return {**usual, "fees": FeeQuote(20 * GWEI, None), **changes}


def test_the_example_of_eip_155():
    signed = build_transaction(ACCOUNT, **fields())
    assert signed.raw.hex() == (
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )


@pytest.mark.parametrize(
    ("item", "encoded"),
    [  # Yellow Paper appendix B and the ethereum.org page on RLP
        (b"dog", "83646f67"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        (b"", "80"),
        ([], "c0"),
        (0, "80"),
        (b"\x00", "00"),
        (15, "0f"),
        (1024, "820400"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        (b"Lorem ipsum dolor sit amet, consectetur adipisicing elit", "b838"),
    ],
)
def test_published_rlp(item, encoded):
    assert encode_rlp(item).hex().startswith(encoded)
    assert len(encode_rlp(item)) == len(encoded) // 2 + (56 if encoded == "b838" else 0)


@pytest.mark.parametrize(
    ("nonce", "address"),
    [(0, "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"), (1, "343c43a37d37dff08ae8c4a11544c718abb4fcf8")],
)
def test_published_contract_addresses(nonce, address):
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert compute_contract_address(sender, nonce).hex() == address


@given(
    keys,
    addresses,
    st.binary(max_size=400),
    st.integers(0, 2**63),
    prices,
    prices,
    st.integers(1, 2**40),
    prices,
)
def test_eth_account_signs_the_same_type_2(key, to, data, nonce, low, high, chain_id, value):
    fees = FeeQuote(max(low, high), min(low, high))
    signed = build_transaction(
        Account(key), chain_id=chain_id, nonce=nonce, to=to, data=data, gas=90_000, fees=fees, value_wei=value
    )
    foreign = ForeignAccount.from_key(key).sign_transaction({
        "type": 2, "chainId": chain_id, "nonce": nonce, "to": to or b"", "data": data, "gas": 90_000,
        "value": value, "maxFeePerGas": fees.max_fee_wei, "maxPriorityFeePerGas": fees.priority_fee_wei,
    })  # fmt: skip
    assert (signed.raw, signed.hash) == (bytes(foreign.raw_transaction), bytes(foreign.hash))


@given(keys, addresses, st.binary(max_size=400), st.integers(0, 2**63), prices, st.integers(1, 2**40))
def test_eth_account_signs_the_same_type_0(key, to, data, nonce, price, chain_id):
    signed = build_transaction(
        Account(key), chain_id=chain_id, nonce=nonce, to=to, data=data, gas=90_000, fees=FeeQuote(price, None)
    )
    foreign = ForeignAccount.from_key(key).sign_transaction({
        "chainId": chain_id, "nonce": nonce, "to": to or b"", "data": data, "gas": 90_000, "value": 0,
        "gasPrice": price,
    })  # fmt: skip
    assert (signed.raw, signed.hash) == (bytes(foreign.raw_transaction), bytes(foreign.hash))


@given(keys)
def test_eth_account_derives_the_same_address(key):
    assert Account(key).address.hex() == ForeignAccount.from_key(key).address[2:].lower()


def test_the_same_arguments_give_the_same_bytes():
    assert build_transaction(ACCOUNT, **fields()) == build_transaction(ACCOUNT, **fields())


def test_a_key_is_not_shown():
    assert "46464646" not in repr(ACCOUNT) + str(ACCOUNT)
    assert repr(ACCOUNT).startswith("Account(address=")


@pytest.mark.parametrize(
    "key", [b"", bytes(31), bytes(33), bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32]
)
def test_what_is_no_key_is_refused_without_being_named(key):
    with pytest.raises(MalformedDocumentError) as refusal:
        Account(key)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 0}, {"chain_id": -1}, {"chain_id": 2**64}, {"nonce": -1}, {"nonce": 2**64 - 1},
        {"gas": 0}, {"gas": -1}, {"to": b""}, {"to": bytes(19)}, {"to": bytes(32)}, {"value_wei": -1},
        {"value_wei": 2**256},
    ],
)  # fmt: skip
def test_fields_out_of_range_are_refused(change):
    with pytest.raises(MalformedDocumentError):
        build_transaction(ACCOUNT, **fields(**change))


@pytest.mark.parametrize(("most", "priority"), [(-1, None), (2**256, None), (1, 2), (5, -1), (-1, -1)])
def test_impossible_fees_are_refused(most, priority):
    with pytest.raises(MalformedDocumentError):
        FeeQuote(most, priority)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FeeQuote(8, 0), FeeQuote(9, 1)),  # a part of nothing grows as well: nodes ask for more of both
        (FeeQuote(100 * GWEI, GWEI), FeeQuote(112_500_000_000, 1_125_000_000)),
        (FeeQuote(9, 9), FeeQuote(11, 11)),  # rounded up
        (FeeQuote(1, None), FeeQuote(2, None)),
        (FeeQuote(0, None), FeeQuote(0, None)),  # chains without fees
        (FeeQuote(0, 0), FeeQuote(0, 0)),
    ],
)
def test_a_bump_is_an_eighth_of_each_part(before, after):
    assert before.bumped() == after


@given(st.integers(1, 2**200), st.integers(0, 2**200))
def test_a_bump_is_never_less_than_12_5_percent(low, more):
    bumped = FeeQuote(low + more, low).bumped()
    assert bumped.max_fee_wei * 8 >= (low + more) * 9
    assert bumped.priority_fee_wei * 8 >= low * 9
    assert bumped.max_fee_wei * 8 < (low + more) * 9 + 16


def test_the_kind_of_fees_stays_when_quotes_are_combined():
    assert FeeQuote(5, None).at_least(FeeQuote(9, 2)) == FeeQuote(9, None)
    assert FeeQuote(5, 1).at_least(FeeQuote(9, None)) == FeeQuote(9, 1)
