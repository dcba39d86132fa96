"""The node of a home: found where it runs, started where it does not, never mistaken for another home's."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import ROOT, dev_chain, free_port

from contracts.artifact import load_artifact
from ledger import node as module
from ledger.anchoring.binding import ChainBinding, bind_log
from ledger.chain.client import ChainClient
from ledger.core.anchor import ChainIdentity
from ledger.core.errors import ChainUnavailableError, NotFoundError
from ledger.home import create_home
from ledger.node import open_node


def make_home(path, **settings):
    return create_home(path, origin="ledger.example/2026", development=True, settings=settings)


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def genesis_of(url):
    with ChainClient(url) as client:
        return client.genesis_hash()


def answers(url):
    try:
        genesis_of(url)
    except ChainUnavailableError:
        return False
    return True


def bind(home, store, genesis_hash):
    chain = ChainIdentity(31337, genesis_hash, bytes(20), bytes(32))
    bind_log(home, store, ChainBinding(chain, load_artifact().code_sha256, 0))


def test_a_url_is_taken_as_it_is(tmp_path):
    home = make_home(tmp_path / "home", node="http://node.example:8545")
    with open_node(home) as url:
        assert url == "http://node.example:8545"


def test_the_chain_runs_as_long_as_the_block_and_keeps_its_place(home):
    with open_node(home) as first:
        genesis_hash = genesis_of(first)
    assert not answers(first)
    with open_node(home) as second:
        assert second == first
        assert genesis_of(second) == genesis_hash


def test_who_comes_second_uses_the_chain_and_does_not_end_it(home):
    with open_node(home) as first:
        with open_node(home) as second:
            assert second == first
        assert answers(first)


def test_two_homes_have_two_chains(home, tmp_path):
    with open_node(home) as one, open_node(make_home(tmp_path / "other")) as two:
        assert one != two
        assert genesis_of(one) != genesis_of(two)


def test_a_port_that_another_program_took_is_given_up(home):
    with open_node(home) as before:
        genesis_hash = genesis_of(before)
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", before.rpartition(":")[2]]
    with serving(command), open_node(home) as after:
        assert after != before
        assert genesis_of(after) == genesis_hash


@contextmanager
def serving(command):
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        process.stdout.readline()
        yield
        process.terminate()


def test_another_homes_chain_at_our_port_is_not_taken_for_ours(home, store, tmp_path):
    with open_node(home) as before:
        genesis_hash = genesis_of(before)
    bind(home, store, genesis_hash)
    port = int(before.rpartition(":")[2])
    other = module.launch_devchain(tmp_path / "other", port=port)
    try:
        with open_node(home) as after:
            assert after != before
            assert genesis_of(after) == genesis_hash
    finally:
        other.close()


def test_after_its_starter_was_killed_the_chain_runs_again_at_once(home):
    program = (
        "import sys; from pathlib import Path\n"
        "from ledger.home import open_home; from ledger.node import open_node\n"
        "with open_node(open_home(Path(sys.argv[1]))) as url: print(url, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(home.path)]
    starter = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with starter:
        genesis_hash = genesis_of(starter.stdout.readline().strip())
        starter.send_signal(signal.SIGKILL)
    with open_node(home) as url:
        time.sleep(
            0.5
        )  # the chain that lost its starter ends itself: by now it must not have taken ours along
        assert genesis_of(url) == genesis_hash
    assert not answers(url)


def test_a_rival_that_was_a_moment_quicker_is_used(home, monkeypatch):
    directory = home.path / "devchain"
    directory.mkdir()
    port = free_port()
    (directory / "port").write_text(f"{port}\n")
    real = module.launch_devchain
    rivals = []

    def launch(data, *, port):
        if not rivals:
            rivals.append(real(data, port=port))
        return real(data, port=port)

    monkeypatch.setattr(module, "launch_devchain", launch)
    try:
        with open_node(home) as url:
            assert url == f"http://127.0.0.1:{port}"
        assert answers(url)
    finally:
        rivals[0].close()


def test_a_chain_that_cannot_start_is_said_plainly(home, monkeypatch):
    monkeypatch.setattr(module, "_RIVAL_SECONDS", 0.1)
    (home.path / "devchain").mkdir()
    refusal = pytest.raises(ChainUnavailableError, match="another process")
    with dev_chain(home.path / "devchain"), refusal, open_node(home):
        pass


@pytest.mark.parametrize("text", ["", "x\n", "-1\n", "99999999\n", "0\n"])
def test_a_damaged_port_file_is_replaced(home, text):
    (home.path / "devchain").mkdir()
    (home.path / "devchain" / "port").write_text(text)
    with open_node(home) as url:
        assert answers(url)


# --- anvil --------------------------------------------------------------------------------------------------


def test_anvil_keeps_its_chain_too(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    home = make_home(tmp_path / "home", node="anvil")
    try:
        with open_node(home) as first, ChainClient(first) as client:
            assert client.client_version().startswith("anvil")
            client.fund(b"\x07" * 20, 12_345)
            genesis_hash = client.genesis_hash()
    except NotFoundError as err:
        pytest.skip(str(err))
    assert not answers(first)
    with open_node(home) as second, ChainClient(second) as client:
        assert client.genesis_hash() == genesis_hash
        assert client.balance(b"\x07" * 20) == 12_345


def test_without_anvil_the_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    home = make_home(tmp_path / "home", node="anvil")
    with pytest.raises(NotFoundError, match="npm ci"), open_node(home):
        pass


def test_an_anvil_that_ends_at_once_is_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_find_anvil", lambda: Path("/bin/false"))
    home = make_home(tmp_path / "home", node="anvil")
    with pytest.raises(ChainUnavailableError, match="anvil ended"), open_node(home):
        pass
