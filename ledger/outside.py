"""What others hold of a home's log: the contract on chain, and the witnesses.

>>> read_contract(home, store).tree_size
1042
"""

from collections.abc import Sequence
from typing import Final

import structlog

from ledger.anchoring.binding import is_bound, load_binding
from ledger.boot_check import BootCheck, Claim
from ledger.chain.client import ChainClient
from ledger.chain.registry import Registry
from ledger.core.errors import ChainUnavailableError, StateError, UnavailableError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.note import NoteVerifier
from ledger.cosigning.heads import find_newest_witnessed
from ledger.cosigning.witnesses import load_witnesses
from ledger.home import LOG_KEY, Home
from ledger.node import find_node
from ledger.settings import ANVIL, DEVCHAIN
from ledger.store.unit_of_work import SqlStore

CONTRACT: Final = "the contract on chain"
CONTRACT_ZH: Final = "链上合约"
_TIMEOUT_SECONDS: Final = 5.0
_LOG = structlog.get_logger(__name__)


def compare_with_outside(home: Home, store: SqlStore, check: BootCheck, more: Sequence[Claim] = ()) -> bool:
    """Compare a ledger with everybody who holds something of it; return whether all of them have answered.

    Args:
        home: names node and contract.
        store: the log's database.
        check: is told what was found.
        more: what others hold, beside the contract and the home's witnesses.

    Raises:
        StoreUnavailableError: the store is out of reach.
    """
    held, silent = read_witnessed(home, store)
    witnessed = [*held, *more]
    if silent and check.gate.refusal is not None:  # who closed it may be among them
        check.compare(witnessed, missing=f"no answer from {', '.join(silent)}")
        return False
    try:
        contract = read_contract(home, store)
    except (UnavailableError, StateError) as err:
        is_own_chain = home.settings.node in {DEVCHAIN, ANVIL}
        (_LOG.info if is_own_chain else _LOG.warning)("not compared", reason=str(err))
        check.compare(witnessed, missing=str(err))
        return False
    check.compare([*witnessed] if contract is None else [contract, *witnessed])
    return not silent


def read_witnessed(home: Home, store: SqlStore) -> tuple[list[Claim], list[str]]:
    """Ask the home's witnesses what they hold of its log; also return the names of those who do not say.

    Raises:
        StoreUnavailableError: the store is out of reach.
    """
    witnesses = load_witnesses(home)
    if witnesses is None:
        return [], []
    log = NoteVerifier(home.origin, home.keystore.label(LOG_KEY).public_key)
    with store.read() as queries:
        newest = queries.read_newest_checkpoint()
    claims, silent = [], []
    for item in find_newest_witnessed(witnesses, log, newest):
        name = item.witness.name
        if item.tree_size is None:
            _LOG.warning("a witness was not compared", witness=name, reason=item.reason)
            silent.append(name)
        elif item.tree_size:
            claims.append(Claim(f"the witness {name}", f"见证方{name}", item.tree_size, item.root_hash))
    return claims, silent


def read_contract(home: Home, store: SqlStore) -> Claim | None:
    """Return what the contract holds of a home's log; None if the log is in no contract yet.

    Raises:
        ChainUnavailableError: the node is out of reach, or the home's development chain does not run.
        WrongChainError: it is a node of another chain, or of another contract.
    """
    if not is_bound(home):
        return None
    binding = load_binding(home, store)
    url = find_node(home)
    if url is None:
        raise ChainUnavailableError("the home's development chain is not running")
    with ChainClient(url, _TIMEOUT_SECONDS) as client:
        registry = Registry(client, binding.chain, binding.first_block)
        registry.require_chain()
        head = registry.read_head()
    return Claim(CONTRACT, CONTRACT_ZH, TreeSize(head.size), RootHash(head.root))
