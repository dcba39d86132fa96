"""Which contract a log anchors in: decided once, written into the home and into the database, never changed.

>>> bind_log(home, store, binding)      # a second time: the same, or `WrongChainError`
>>> load_binding(home, store).chain.chain_id
31337
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.core.anchor import ChainIdentity, encode_chain_identity, parse_chain_identity
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import NotFoundError, WrongChainError
from ledger.core.fields import Reader
from ledger.core.policy import ContractPin
from ledger.files import create_file
from ledger.home import Home
from ledger.store.unit_of_work import SqlStore

BINDING_TYPE: Final = "hengzheng/chain/v1"


@dataclass(frozen=True, slots=True)
class ChainBinding:
    """One log in one contract."""

    chain: ChainIdentity
    code_hash: bytes
    """32 bytes: SHA-256 of the contract's run-time code."""
    first_block: int
    """No event of the log is older than this block."""


def bind_log(home: Home, store: SqlStore, binding: ChainBinding) -> None:
    """Write down, for ever, which contract this log anchors in; the same again changes nothing.

    Raises:
        WrongChainError: home or database were made for another one, or the home is for production and the
            chain for development.
    """
    chain = binding.chain
    if not home.development and chain.is_development:
        raise WrongChainError(f"chain {chain.chain_id} is a development chain; this home is for production")
    if is_bound(home) and (stored := read_binding(home).chain) != chain:
        raise WrongChainError(_describe_difference(stored, chain))
    members = encode_chain_identity(chain)
    with store.write() as queries:
        queries.bind_meta({name: str(value) for name, value in members.items()})
    members |= {
        "type": BINDING_TYPE,
        "code_hash": encode_hex(binding.code_hash),
        "first_block": binding.first_block,
    }
    with suppress(FileExistsError):
        create_file(_path(home), encode_canonical_json(members))


def load_binding(home: Home, store: SqlStore) -> ChainBinding:
    """Return which contract this home's log anchors in.

    Raises:
        NotFoundError: none yet.
        WrongChainError: the database is another home's.
        InputError: the file is damaged.
    """
    binding = read_binding(home)
    members = {name: str(value) for name, value in encode_chain_identity(binding.chain).items()}
    with store.read() as queries:
        stored = queries.read_meta()
    for name, value in members.items():
        if stored.get(name) != value:
            raise WrongChainError(
                f"the home was made for the {name} {value}, its database for {stored.get(name, 'none')}"
            )
    return binding


def read_binding(home: Home) -> ChainBinding:
    """Return what the home alone says, where no database is at hand.

    Raises:
        NotFoundError: nothing yet.
        InputError: the file is damaged.
    """
    try:
        raw = _path(home).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{home.path} has no contract yet: run `hengzheng chain deploy`") from None
    reader = Reader(parse_canonical_json(raw), "chain.json")
    reader.text("type", max_bytes=40, pattern=BINDING_TYPE)
    binding = ChainBinding(
        parse_chain_identity(reader), reader.hex("code_hash", 32), reader.integer("first_block", 0, 2**53 - 1)
    )
    reader.finish()
    return binding


def is_bound(home: Home) -> bool:
    """Return whether this home has its contract."""
    return _path(home).exists()


def pin_contract(home: Home) -> ContractPin:
    """Return what this home's policy says about its contract; raises as `read_binding`."""
    binding = read_binding(home)
    return ContractPin(binding.chain, binding.code_hash, home.settings.finality)


def _describe_difference(stored: ChainIdentity, found: ChainIdentity) -> str:
    ours, theirs = encode_chain_identity(stored), encode_chain_identity(found)
    name = next(name for name in ours if ours[name] != theirs[name])
    return f"this home was made for the {name} {ours[name]}, not for {theirs[name]}"


def _path(home: Home) -> Path:
    return home.path / "chain.json"
