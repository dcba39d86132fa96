"""What a transaction may cost, and whether its sender can pay; asked before anything is signed.

>>> fees = quote_fees(client, account.address, gas=80_000, max_fee_wei=1_000 * GWEI)
"""

from typing import Final

from ledger.chain.client import ChainClient
from ledger.chain.transactions import FeeQuote
from ledger.core.errors import UnavailableError

GWEI: Final = 10**9
DEFAULT_MAX_FEE_WEI: Final = 1_000 * GWEI
"""A node that is wrong or lies about prices cannot make us pay more for a unit of gas."""

_ALLOWANCE_WEI: Final = 1_000 * 10**18
"""What an account of a development chain is given: enough for many years of anchors."""


def quote_fees(client: ChainClient, sender: bytes, gas: int, max_fee_wei: int) -> FeeQuote:
    """Return today's fees, if we are ready and able to pay them.

    Args:
        client: the node to ask.
        sender: 20 bytes, who pays.
        gas: what the transaction may use.
        max_fee_wei: the most that may be paid for a unit of gas.

    Raises:
        UnavailableError: gas costs more than that, or the sender owns too little; a person or time heals it.
        ChainUnavailableError: the node cannot be asked.
    """
    fees = client.fees()
    if fees.max_fee_wei > max_fee_wei:
        raise UnavailableError(describe_price(fees, max_fee_wei))
    if shortage := find_shortage(client, sender, gas, fees):
        raise UnavailableError(shortage)
    return fees


def find_shortage(client: ChainClient, sender: bytes, gas: int, fees: FeeQuote) -> str:
    """Return what a person must do so that an account can pay for gas at these fees; empty if it can.

    Raises:
        ChainUnavailableError: the node cannot be asked.
    """
    owned, needed = client.balance(sender), gas * fees.max_fee_wei
    if owned >= needed:
        return ""
    return f"the account 0x{sender.hex()} owns {owned} wei and needs {needed}: pay into it"


def describe_price(fees: FeeQuote, max_fee_wei: int) -> str:
    """Return the sentence for fees above the limit."""
    return (
        f"a unit of gas costs up to {fees.max_fee_wei} wei, and no more than {max_fee_wei} is to be paid: "
        "wait, or raise the setting `max_fee_gwei`"
    )


def give_allowance(client: ChainClient, address: bytes) -> None:
    """Give ether to an account (20 bytes) of a development chain, unless it owns some.

    Raises:
        ChainRefusedError: the node is not for development.
    """
    if client.balance(address) == 0:
        client.fund(address, _ALLOWANCE_WEI)
