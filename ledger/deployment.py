"""Putting a log on a chain, once: the registry contract, and the log in it.

Rules: both steps look at what is there first, so that a run that was killed is simply repeated; what counts is the
state of the chain, not the answer to a transaction; nothing is believed before its block is final.

>>> contract = deploy_registry(client, account, finality)
>>> open_log(client, account, contract, "ledger.example/2026", finality).chain.log_id.hex()
'5d1a…'
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from contracts.artifact import load_artifact
from contracts.registry import (
    CALL_GAS_LIMIT,
    DEPLOY_GAS_LIMIT,
    compute_log_id,
    compute_origin_hash,
    encode_open,
)
from ledger.binding import ChainBinding
from ledger.chain.client import ChainClient, ChainRefusedError
from ledger.chain.finality import Finality
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account, build_transaction, compute_contract_address
from ledger.core.anchor import ChainIdentity
from ledger.core.errors import ChainUnavailableError, StateError, UnavailableError, WrongChainError
