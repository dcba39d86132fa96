"""Two in-process EVMs of different authors behind one small face: deploy, send, call."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

CALL_GAS = 10_000_000


class Reverted(Exception):  # noqa: N818 - the EVM's own word for it
    """The call was refused; `data` is what the contract said."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data.hex())
        self.data = data


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction left behind."""

    gas_used: int
    logs: tuple[tuple[tuple[bytes, ...], bytes], ...]
    """(topics, data) of each event."""


class Evm(Protocol):
    """A chain of one contract per address; accounts are 20 bytes and have money."""

    accounts: Sequence[bytes]
    is_fast: bool

    def deploy(self, code: bytes) -> bytes: ...

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = CALL_GAS) -> Receipt: ...

    def call(self, to: bytes, data: bytes) -> bytes: ...

    def simulate(self, sender: bytes, to: bytes, data: bytes) -> bytes: ...

    def code_at(self, address: bytes) -> bytes: ...


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _quoted_bytes(message: str) -> bytes:
    """Undo eth-tester, which hands over `str(b"...")`; other failures (out of gas) carry no data."""
    try:
        data = ast.literal_eval(message)
    except (SyntaxError, ValueError):
        return b""
    return data if isinstance(data, bytes) else b""


class PyEvm:
    """py-evm behind eth-tester: blocks, transactions, exact gas."""

    is_fast = False

    def __init__(self) -> None:
        from eth_tester import EthereumTester, PyEVMBackend

        self.tester = EthereumTester(PyEVMBackend())
        self.accounts = [_bytes(text) for text in self.tester.get_accounts()]
        self.deploy_gas = 0

    def _mine(self, transaction: dict) -> dict:
        receipt = self.tester.get_transaction_receipt(self.tester.send_transaction(transaction))
        if receipt["status"] != 1:
            self._run(transaction)  # raises: a receipt does not say why
        return receipt

    def _run(self, transaction: dict) -> bytes:
        from eth_tester.exceptions import TransactionFailed

        try:
            return _bytes(self.tester.call(transaction))
        except TransactionFailed as error:
            raise Reverted(_quoted_bytes(error.args[0])) from error

    def deploy(self, code: bytes) -> bytes:
        receipt = self._mine({"from": _hex(self.accounts[0]), "to": "", "data": _hex(code), "gas": CALL_GAS})
        self.deploy_gas = receipt["gas_used"]
        return _bytes(receipt["contract_address"])

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = CALL_GAS) -> Receipt:
        receipt = self._mine({"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": gas})
        logs = tuple((tuple(map(_bytes, log["topics"])), _bytes(log["data"])) for log in receipt["logs"])
        return Receipt(receipt["gas_used"], logs)

    def call(self, to: bytes, data: bytes) -> bytes:
        return self._run(self._unsent(self.accounts[0], to, data))

    def simulate(self, sender: bytes, to: bytes, data: bytes) -> bytes:
        return self._run(self._unsent(sender, to, data))

    def _unsent(self, sender: bytes, to: bytes, data: bytes) -> dict:
        return {"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": CALL_GAS}

    def code_at(self, address: bytes) -> bytes:
        return _bytes(self.tester.get_code(_hex(address)))

    def storage_at(self, address: bytes, slot: int) -> bytes:
        return _bytes(self.tester.get_storage_at(_hex(address), hex(slot))).rjust(32, b"\x00")


class Revm:
    """revm behind pyrevm: another author's EVM, fast; its gas is of no use: slots stay warm between calls."""

    is_fast = True

    def __init__(self) -> None:
        from pyrevm import EVM

        self.machine = EVM(spec_id="PRAGUE")
        self.accounts = [bytes([number]) * 20 for number in range(0x11, 0x15)]
        for account in self.accounts:
            self.machine.set_balance(_hex(account), 10**30)

    def deploy(self, code: bytes) -> bytes:
        return _bytes(self.machine.deploy(_hex(self.accounts[0]), code))

    def _run(self, sender: bytes, to: bytes, data: bytes, gas: int, *, is_static: bool) -> bytes:
        arguments = {"calldata": data, "gas": gas, "is_static": is_static}
        try:
            return bytes(self.machine.message_call(_hex(sender), _hex(to), **arguments))
        except RuntimeError as error:
            output = re.search(r"output: 0x([0-9a-f]*)", str(error))
            raise Reverted(bytes.fromhex(output[1]) if output else b"") from error

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = CALL_GAS) -> Receipt:
        self._run(sender, to, data, gas, is_static=False)
        result = self.machine.result
        logs = tuple((tuple(map(_bytes, log.topics)), bytes(log.data[1])) for log in result.logs)
        return Receipt(result.gas_used, logs)

    def call(self, to: bytes, data: bytes) -> bytes:
        return self._run(self.accounts[0], to, data, CALL_GAS, is_static=True)

    def simulate(self, sender: bytes, to: bytes, data: bytes) -> bytes:
        before = self.machine.snapshot()
        try:
            return self._run(sender, to, data, CALL_GAS, is_static=False)
        finally:
            self.machine.revert(before)  # always: an open checkpoint counts as call depth

    def code_at(self, address: bytes) -> bytes:
        code = bytes(self.machine.get_code(_hex(address)))
        return code.rstrip(b"\x00")  # revm pads what it has analysed
