"""Contracts of a few instructions, assembled by hand, for tests of chains rather than of contracts."""


def creation_code(runtime: bytes) -> bytes:
    """Return the code that creates a contract with this code of at most 255 bytes.

    PUSH1 n  PUSH1 12  PUSH1 0  CODECOPY  PUSH1 n  PUSH1 0  RETURN
    """
    size = f"{len(runtime):02x}"
    return bytes.fromhex(f"60{size}600c60003960{size}6000f3") + runtime


RECORDER = bytes.fromhex("36600f5760005460005260206000f35b600035806000558060005260206000a100")
"""Called without data, returns the stored word; called with a word, stores it and logs it as data and topic.

CALLDATASIZE PUSH1 15 JUMPI  PUSH1 0 SLOAD PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
JUMPDEST PUSH1 0 CALLDATALOAD DUP1 PUSH1 0 SSTORE DUP1 PUSH1 0 MSTORE PUSH1 32 PUSH1 0 LOG1 STOP
"""

REVERTER = bytes.fromhex("366000600037366000fd")
"""Reverts with its call data: CALLDATASIZE PUSH1 0 PUSH1 0 CALLDATACOPY CALLDATASIZE PUSH1 0 REVERT."""

RECURSER = bytes.fromhex("60006000600060006000305af100")
"""Calls itself until the depth of calls or the gas ends: PUSH1 0 (five times) ADDRESS GAS CALL STOP."""

BURNER = bytes.fromhex("5b600056")
"""Runs until the gas ends: JUMPDEST PUSH1 0 JUMP."""

WANDERER = bytes.fromhex("46600052426020524360405260606000f3")
"""Returns chain id, and time and number of the block: CHAINID, TIMESTAMP, NUMBER; RETURN of 96 bytes."""


def word(value: int) -> bytes:
    """Return an ABI word."""
    return value.to_bytes(32, "big")
