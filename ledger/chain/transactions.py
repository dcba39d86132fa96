r"""Transactions as bytes: built, priced and signed here with a local key; nothing here talks to a node.

Two types are written: type 2 (EIP-1559) where blocks have a base fee, and type 0 with replay protection
(EIP-155) where they have none. Gas is always given by the caller, who knows the length of the proof.

>>> account = Account(bytes(31) + b"\x01")
>>> account.address.hex()
'7e5f4552091a69125d5dfcb7b8c2659029395bdf'
>>> fees = FeeQuote(max_fee_wei=30 * 10**9, priority_fee_wei=10**9)
>>> signed = build_transaction(account, chain_id=1, nonce=0, to=bytes(20), data=b"", gas=21_000, fees=fees)
>>> signed.raw[0], len(signed.hash)
(2, 32)

Source: Yellow Paper appendices B and F; EIP-155, EIP-1559, EIP-2718.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import rlp  # type: ignore[import-untyped]  # ships no types
from coincurve import PrivateKey
from eth_hash.auto import keccak
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # ships no types

from ledger.core.errors import MalformedDocumentError

_DYNAMIC_FEE_TYPE = b"\x02"
_EIP155_OFFSET = 35
_MAX_UINT256 = 2**256 - 1
_MAX_UINT64 = 2**64 - 1

RlpItem = bytes | int | Sequence["RlpItem"]
"""What RLP encodes: byte strings, non-negative integers without leading zeros, and lists of them."""


@dataclass(frozen=True, slots=True)
class FeeQuote:
    """What a unit of gas may cost."""

    max_fee_wei: int
    """The most that is paid for a unit of gas; for a chain without base fee, exactly what is paid."""
    priority_fee_wei: int | None
    """The part of it that goes to whoever makes the block (EIP-1559); None for a chain without base fee."""

    def __post_init__(self) -> None:
        if not 0 <= (self.priority_fee_wei or 0) <= self.max_fee_wei <= _MAX_UINT256:
            raise MalformedDocumentError("a fee is negative, too large, or below its own priority part")

    @property
    def is_legacy(self) -> bool:
        """Whether this is a plain gas price (transactions of type 0)."""
        return self.priority_fee_wei is None

    def bumped(self) -> "FeeQuote":
        """Return the least fees that let a transaction replace one with these: 12.5 % more in both parts.

        Nodes ask for 10 % (geth, anvil) to 12.5 %, and at least one wei. A price of zero stays zero: on a
        chain without fees the account may own nothing.
        """
        if self.max_fee_wei == 0:
            return self
        priority = None if self.priority_fee_wei is None else _bump(self.priority_fee_wei)
        return FeeQuote(_bump(self.max_fee_wei), priority)

    def at_least(self, other: "FeeQuote") -> "FeeQuote":
        """Return the higher of two quotes, part by part; the kind of fees is this quote's."""
        highest = max(self.max_fee_wei, other.max_fee_wei)
        if self.priority_fee_wei is None:
            return FeeQuote(highest, None)
        return FeeQuote(highest, max(self.priority_fee_wei, other.priority_fee_wei or 0))


@dataclass(frozen=True, slots=True)
class Account:
    """A key of the chain's signature scheme (ECDSA on secp256k1) and the address that follows from it."""

    private_key: bytes = field(repr=False)
    """32 bytes, big-endian, from 1 to the order of the curve less 1; never shown."""
    address: bytes = field(init=False)
    """20 bytes: the last of the Keccak-256 hash over the public key."""

    def __post_init__(self) -> None:
        if len(self.private_key) != 32:
            raise MalformedDocumentError("a key has 32 bytes")
        try:
            public_key = PrivateKey(self.private_key).public_key.format(compressed=False)
        except ValueError:
            raise MalformedDocumentError("these 32 bytes are not a key") from None
        object.__setattr__(self, "address", keccak(public_key[1:])[-20:])

    def sign(self, digest: bytes) -> tuple[int, int, int]:
        """Return (parity of y, r, s) with a low s over a 32-byte hash; the nonce is RFC 6979's."""
        signature = PrivateKey(self.private_key).sign_recoverable(digest, hasher=None)
        return signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction that any node takes as it is."""

    raw: bytes
    """What is sent, stored and sent again."""
    hash: bytes
    """32 bytes: the name of the transaction on its chain."""


def build_transaction(
    account: Account,
    *,
    chain_id: int,
    nonce: int,
    to: bytes | None,
    data: bytes,
    gas: int,
    fees: FeeQuote,
    value_wei: int = 0,
) -> SignedTransaction:
    """Return a signed transaction; the same arguments always give the same bytes.

    Args:
        account: who sends and pays.
        chain_id: of the one chain on which it is good (EIP-155).
        nonce: how many transactions the account has sent before.
        to: 20 bytes, or None to create the contract whose creation code is `data`.
        data: call data.
        gas: the most that it may use; it costs at most `gas * fees.max_fee_wei` and the value.
        fees: legacy fees give type 0, others type 2.
        value_wei: ether to move with it.

    Raises:
        MalformedDocumentError: a field is out of range.
    """
    _check_fields(chain_id, nonce, to, gas, value_wei)
    body: list[RlpItem] = [gas, to or b"", value_wei, data]
    if fees.priority_fee_wei is None:
        raw = _sign_legacy(account, chain_id, [nonce, fees.max_fee_wei, *body])
    else:
        raw = _sign_typed(account, [chain_id, nonce, fees.priority_fee_wei, fees.max_fee_wei, *body, []])
    return SignedTransaction(raw, keccak(raw))


@dataclass(frozen=True, slots=True)
class TransactionFields:
    """What a stored transaction says; who signed it is not looked at."""

    hash: bytes
    nonce: int
    to: bytes
    """20 bytes; empty where it creates a contract."""
    data: bytes
    fees: FeeQuote


def parse_transaction(raw: bytes) -> TransactionFields:
    """Return the fields of what `build_transaction` has made.

    Raises:
        MalformedDocumentError: it cannot have made this.
    """
    is_legacy = raw[:1] != _DYNAMIC_FEE_TYPE
    try:
        fields = rlp.decode(raw if is_legacy else raw[1:])
    except RLPException as err:
        raise MalformedDocumentError("not a transaction") from err
    if not isinstance(fields, list) or len(fields) != (9 if is_legacy else 12):
        raise MalformedDocumentError("not a transaction of a type that is made here")
    plain = [item for item in fields if isinstance(item, bytes)]
    if len(plain) != (9 if is_legacy else 11):
        raise MalformedDocumentError("a transaction with a list where it has none")
    if is_legacy:
        nonce, fee, _, to, _, data = plain[:6]
        fees = FeeQuote(int.from_bytes(fee), None)
    else:
        nonce, priority, fee, _, to, _, data = plain[1:8]
        fees = FeeQuote(int.from_bytes(fee), int.from_bytes(priority))
    return TransactionFields(keccak(raw), int.from_bytes(nonce), to, data, fees)


def compute_contract_address(sender: bytes, nonce: int) -> bytes:
    """Return the 20-byte address of the contract that this sender's transaction with this nonce creates.

    Source: Yellow Paper §7, equation for the address of a new account.
    """
    digest: bytes = keccak(encode_rlp([sender, nonce]))
    return digest[-20:]


def encode_rlp(item: RlpItem) -> bytes:
    """Return the recursive-length-prefix encoding. Source: Yellow Paper appendix B."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _rlp_prefix(len(item), 0x80) + item
    payload = b"".join(map(encode_rlp, item))
    return _rlp_prefix(len(payload), 0xC0) + payload


def _rlp_prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([offset + 55 + len(size)]) + size


def _sign_typed(account: Account, fields: list[RlpItem]) -> bytes:
    parity, r, s = account.sign(keccak(_DYNAMIC_FEE_TYPE + encode_rlp(fields)))
    return _DYNAMIC_FEE_TYPE + encode_rlp([*fields, parity, r, s])


def _sign_legacy(account: Account, chain_id: int, fields: list[RlpItem]) -> bytes:
    parity, r, s = account.sign(keccak(encode_rlp([*fields, chain_id, 0, 0])))
    return encode_rlp([*fields, parity + chain_id * 2 + _EIP155_OFFSET, r, s])


def _check_fields(chain_id: int, nonce: int, to: bytes | None, gas: int, value_wei: int) -> None:
    if not 0 < chain_id <= _MAX_UINT64:
        raise MalformedDocumentError("a chain id is an integer from 1 to 2^64 - 1")
    if not 0 <= nonce < _MAX_UINT64 or not 0 < gas <= _MAX_UINT64:
        raise MalformedDocumentError("nonce or gas is out of range")
    if to is not None and len(to) != 20:
        raise MalformedDocumentError("an address has 20 bytes")
    if not 0 <= value_wei <= _MAX_UINT256:
        raise MalformedDocumentError("the value is out of range")


def _bump(wei: int) -> int:
    """Return an eighth more, rounded up, and at least one wei more."""
    return wei + max(1, -(-wei // 8))
