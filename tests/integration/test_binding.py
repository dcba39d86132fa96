"""Which contract a log anchors in: home and database agree about it, for ever."""

from dataclasses import replace

import pytest

from contracts.artifact import load_artifact
from ledger.anchoring.binding import ChainBinding, bind_log, load_binding, pin_contract, read_binding
from ledger.core.anchor import ChainIdentity
from ledger.core.errors import InputError, NotFoundError, WrongChainError
from ledger.home import create_home
from ledger.passphrase import Passphrase

CHAIN = ChainIdentity(31337, b"\x01" * 32, b"\x02" * 20, b"\x03" * 32)
BINDING = ChainBinding(CHAIN, load_artifact().code_sha256, 17)
OTHERS = [
    replace(CHAIN, chain_id=1337),
    replace(CHAIN, genesis_hash=b"\x09" * 32),
    replace(CHAIN, contract=b"\x09" * 20),
    replace(CHAIN, log_id=b"\x09" * 32),
]


@pytest.fixture
def home(tmp_path):
    return create_home(tmp_path / "home", origin="ledger.example/2026", development=True)


def test_a_binding_is_found_again_in_home_and_policy(home, store):
    bind_log(home, store, BINDING)
    assert load_binding(home, store) == read_binding(home) == BINDING
    pin = pin_contract(home)
    assert (pin.chain, pin.code_hash, pin.finality) == (CHAIN, BINDING.code_hash, "immediate")
    with store.read() as queries:
        assert queries.read_meta()["chain_id"] == "31337"


def test_without_a_binding_there_is_none(home, store):
    for read in (lambda: load_binding(home, store), lambda: read_binding(home), lambda: pin_contract(home)):
        with pytest.raises(NotFoundError, match="no contract yet"):
            read()


def test_the_same_again_changes_nothing(home, store):
    bind_log(home, store, BINDING)
    bind_log(home, store, replace(BINDING, first_block=0))
    assert load_binding(home, store) == BINDING


def test_a_binding_that_was_interrupted_after_the_database_is_finished(home, store):
    bind_log(home, store, BINDING)
    (home.path / "chain.json").unlink()
    with pytest.raises(NotFoundError):
        load_binding(home, store)
    bind_log(home, store, BINDING)
    assert load_binding(home, store) == BINDING


@pytest.mark.parametrize("other", OTHERS, ids=["chain", "genesis", "contract", "log"])
def test_another_chain_is_refused_by_the_home_before_it_gets_into_the_database(home, store, other):
    bind_log(home, store, BINDING)
    with store.read() as queries:
        before = queries.read_meta()
    with pytest.raises(WrongChainError, match="was made for the"):
        bind_log(home, store, replace(BINDING, chain=other))
    with store.read() as queries:
        assert queries.read_meta() == before
    assert load_binding(home, store) == BINDING


@pytest.mark.parametrize("other", OTHERS, ids=["chain", "genesis", "contract", "log"])
def test_another_homes_database_is_refused(home, store, tmp_path, other):
    bind_log(home, store, replace(BINDING, chain=other))
    (home.path / "chain.json").rename(tmp_path / "elsewhere")
    with pytest.raises(WrongChainError):
        bind_log(home, store, BINDING)
    with pytest.raises(NotFoundError):
        read_binding(home)


def test_a_home_with_another_database_is_refused(home, store):
    bind_log(home, store, BINDING)
    second = create_home(home.path.parent / "second", origin="ledger.example/2026", development=True)
    (home.path / "chain.json").rename(second.path / "chain.json")
    raw = (second.path / "chain.json").read_bytes()
    (second.path / "chain.json").write_bytes(raw.replace(b"01" * 32, b"09" * 32))
    with pytest.raises(WrongChainError, match="its database for 0101"):
        load_binding(second, store)


def test_a_production_home_refuses_a_development_chain(store, tmp_path):
    home = create_home(
        tmp_path / "home",
        origin="ledger.example/2026",
        development=False,
        passphrase=Passphrase(b"correct horse battery"),
        settings={"node": "https://node.example", "finality": "tag:finalized"},
    )
    with pytest.raises(WrongChainError, match="31337 is a development chain"):
        bind_log(home, store, BINDING)
    with store.read() as queries:
        assert "chain_id" not in queries.read_meta()
    bind_log(home, store, replace(BINDING, chain=replace(CHAIN, chain_id=1)))


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"chain_id": 1}', b"\xff"])
def test_a_damaged_file_is_no_traceback(home, store, raw):
    bind_log(home, store, BINDING)
    (home.path / "chain.json").write_bytes(raw)
    with pytest.raises(InputError):
        load_binding(home, store)
