"""The starters themselves: what they promise to every other test."""

import psycopg
import pytest
from servers import anvil_node, dev_chain, postgres_server
from sqlalchemy import create_engine, text

from ledger.chain.client import ChainClient


@pytest.fixture(scope="module")
def postgres():
    with postgres_server(max_connections="20") as server:
        yield server


def test_postgres_answers_with_utf8_and_the_c_order(postgres):
    with postgres.fresh_database() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SHOW server_encoding")).scalar() == "UTF8"
            assert connection.execute(text("SHOW max_connections")).scalar() == "20"
            assert connection.execute(text("SELECT '检定' < 'é', 'B' < 'a'")).one() == (False, True)
        engine.dispose()


def test_databases_are_fresh_and_gone_afterwards(postgres):
    with postgres.fresh_database() as first, postgres.fresh_database() as second:
        assert first != second
        engine = create_engine(first)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE t (n int)"))
        engine.dispose()
        left_open = psycopg.connect(second.replace("+psycopg", ""))
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first.replace("+psycopg", ""))


def test_postgres_is_gone_afterwards():
    with postgres_server() as server:
        process = server.process
        assert process.poll() is None
    assert process.poll() is not None


def test_anvil_takes_options_and_is_gone_afterwards():
    with anvil_node("--chain-id", "77") as node, ChainClient(node.url) as client:
        assert client.chain_id() == 77
        assert client.client_version().startswith("anvil")
    assert node.process.poll() is not None


def test_the_development_chain_is_gone_afterwards(tmp_path):
    with dev_chain(tmp_path, chain_id=9) as node, ChainClient(node.url) as client:
        assert client.chain_id() == 9
    assert node.process.poll() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain.log", "chain.sqlite3"]
