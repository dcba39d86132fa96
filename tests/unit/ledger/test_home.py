"""Homes: made once, finished after an interruption, refused where they are not what is asked for."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import home as module
from ledger.chain.finality import parse_finality
from ledger.core.errors import HomeLockedError, InputError, NotFoundError, StateError
from ledger.home import CHAIN_KEY, LOG_KEY, create_home, find_passphrase, lock_ledger, open_home
from ledger.passphrase import Passphrase
from ledger.settings import load_settings

ORIGIN = "ledger.example/2026"
PASSPHRASE = Passphrase(b"correct horse battery")
ROOT = Path(__file__).resolve().parents[3]
PRODUCTION = {"node": "https://node.example", "finality": "tag:finalized"}


def make(path, **changes):
    return create_home(path, **({"origin": ORIGIN, "development": True} | changes))


def make_production(path, **changes):
    return make(path, **({"development": False, "passphrase": PASSPHRASE, "settings": PRODUCTION} | changes))


def content_of(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


# --- making -------------------------------------------------------------------------------------------------


def test_a_development_home_has_keys_and_a_passphrase_of_its_own(tmp_path):
    home = make(tmp_path / "home")
    assert [label.name for label in home.keystore.labels()] == [CHAIN_KEY, LOG_KEY]
    assert stat.S_IMODE(home.passphrase_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.passphrase_path.parent.stat().st_mode) == 0o700
    passphrase = find_passphrase(home)
    home.keystore.open_signer(LOG_KEY, passphrase)
    home.keystore.open_account(CHAIN_KEY, passphrase)
    other = make(tmp_path / "other")
    assert find_passphrase(other).raw != passphrase.raw


def test_a_home_is_opened_as_it_was_made(tmp_path):
    made = make(
        tmp_path, settings={"host": "q.example.cn", "finality": "depth:12", "node": "http://127.0.0.1:8545"}
    )
    assert open_home(tmp_path) == made
    assert (made.origin, made.development) == (ORIGIN, True)
    assert made.settings.host == "q.example.cn"
    assert made.finality == parse_finality("depth:12")
    assert made.zone.key == "Asia/Shanghai"
    assert made.database_url == f"sqlite:///{tmp_path}/ledger.db"
    assert made.desk_database_url == f"sqlite:///{tmp_path}/desk.db"


def test_a_production_home_keeps_no_passphrase(tmp_path):
    home = make_production(tmp_path)
    assert not home.passphrase_path.exists()
    with pytest.raises(InputError, match="--passphrase-file"):
        find_passphrase(home)
    home.keystore.open_signer(LOG_KEY, PASSPHRASE)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"passphrase": None}, "passphrase"),
        ({"settings": {"finality": "immediate"}}, "settings.node"),
        ({"settings": {"finality": "immediate", "node": "devchain"}}, "settings.node"),
        ({"settings": {"finality": "immediate", "node": "anvil"}}, "settings.node"),
        ({"settings": {"node": "https://node.example"}}, "settings.finality"),
    ],
)
def test_a_production_home_leaves_nothing_to_defaults_that_only_suit_development(tmp_path, changes, field):
    with pytest.raises(InputError) as caught:
        make_production(tmp_path / "home", **changes)
    assert caught.value.field == field
    assert not (tmp_path / "home").exists()


def test_the_same_again_changes_nothing(tmp_path):
    settings = {"host": "q.example.cn"}
    made = make(tmp_path, settings=settings)
    before = content_of(tmp_path)
    assert make(tmp_path, settings=settings) == make(tmp_path) == made
    assert content_of(tmp_path) == before


def test_an_existing_production_home_is_opened_without_saying_it_all_again(tmp_path):
    made = make_production(tmp_path)
    assert make_production(tmp_path, passphrase=None, settings={}) == made


@pytest.mark.parametrize("place", ["secrets/passphrase", "keystore/log.pem", "keystore/chain.pem"])
def test_an_interrupted_making_is_finished(tmp_path, place, monkeypatch):
    real = module.create_file

    def interrupted(path, *arguments, **options):
        if str(path).endswith(place):
            raise KeyboardInterrupt
        real(path, *arguments, **options)

    monkeypatch.setattr(module, "create_file", interrupted)
    monkeypatch.setattr("ledger.keystore.create_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "home")
    before = content_of(tmp_path / "home")
    monkeypatch.undo()
    home = make(tmp_path / "home")
    assert [label.name for label in home.keystore.labels()] == [CHAIN_KEY, LOG_KEY]
    home.keystore.open_signer(LOG_KEY, find_passphrase(home))
    assert before.items() <= content_of(tmp_path / "home").items()


def test_a_draft_of_an_interrupted_making_is_in_nobodys_way(tmp_path):
    (tmp_path / ".home.toml.0123456789abcdef").write_bytes(b"format =")
    make(tmp_path)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"origin": "other.example/log"},
            "is the home of the log ledger.example/2026, not of other.example/log",
        ),
        ({"development": False, "passphrase": PASSPHRASE, "settings": PRODUCTION}, "for development"),
        ({"settings": {"host": "r.example.cn"}}, "exists with another host"),
        ({"settings": {"finality": "depth:3"}}, "exists with another finality"),
    ],
)
def test_a_home_made_for_something_else_is_refused_and_untouched(tmp_path, changes, sentence):
    make(tmp_path, settings={"host": "q.example.cn"})
    before = content_of(tmp_path)
    with pytest.raises(StateError, match=sentence):
        make(tmp_path, **changes)
    assert content_of(tmp_path) == before


def test_a_directory_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StateError, match="is not empty and no home"):
        make(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "thesis.txt"]


def test_a_file_in_the_place_is_refused(tmp_path):
    (tmp_path / "home").write_text("mine")
    with pytest.raises(StateError, match="is not a directory"):
        make(tmp_path / "home")
    with pytest.raises(NotFoundError):
        open_home(tmp_path / "home")


@pytest.mark.parametrize("origin", ["", "two words", "plus+sign", "line\nbreak"])
def test_an_origin_that_no_checkpoint_can_carry_is_refused(tmp_path, origin):
    with pytest.raises(InputError):
        make(tmp_path / "home", origin=origin)
    assert not (tmp_path / "home").exists()


def test_a_path_that_no_database_address_can_carry_is_refused(tmp_path):
    with pytest.raises(InputError, match="database address"):
        make(tmp_path / "what?")


def test_there_is_no_home_where_none_was_made(tmp_path):
    with pytest.raises(NotFoundError, match="hengzheng init"):
        open_home(tmp_path)


@pytest.mark.parametrize("version", ["0", "1", "2", "4", '"3"', "3.5"])
def test_another_format_is_refused_with_a_clear_sentence(tmp_path, version):
    make(tmp_path)
    config = tmp_path / "home.toml"
    config.write_text(config.read_text().replace("format = 3", f"format = {version}"))
    with pytest.raises(StateError, match="this version opens format 3: make a new home"):
        open_home(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "format = 3\n",
        "format = 3\norigin = 7\ndevelopment = true\n",
        'format = 3\norigin = "a b"\ndevelopment = true\n',
        'format = 3\norigin = "a"\ndevelopment = "yes"\n',
        'format = 3\norigin = "a"\ndevelopment = true\nsettings = 3\n',
        'format = 3\norigin = "a"\ndevelopment = true\n[settings]\nhots = "q.example"\n',
        "not toml",
        "format = 3\nformat = 3\n",
        '\xef\xbb\xbf"',
    ],
)
def test_a_damaged_config_is_no_traceback(tmp_path, text):
    (tmp_path / "home.toml").write_text(text)
    with pytest.raises(InputError):
        open_home(tmp_path)


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("node", "ganache"),
        ("node", "ftp://node"),
        ("node", "http://"),
        ("node", "http://[::1"),
        ("node", 7),
        ("finality", "soon"),
        ("finality", "depth:0"),
        ("max_fee_gwei", 0),
        ("max_fee_gwei", "much"),
        ("max_fee_gwei", 10**10),
        ("host", "Q.example"),
        ("host", "127.0.0.1"),
        ("host", "https://q.example"),
        ("zone", "Asia/Fuzhou2"),
        ("zone", "/etc/passwd"),
        ("zone", ""),
    ],
)
def test_bad_settings_name_the_field(tmp_path, name, value):
    with pytest.raises(InputError) as caught:
        make(tmp_path / "home", settings={name: value})
    assert caught.value.field == f"settings.{name}"
    assert not (tmp_path / "home").exists()


def test_what_a_policy_is_to_believe_is_a_setting():
    found = load_settings({"published_rules": True, "traceability_roots": ["NIM", "PTB"]})
    assert (found.published_rules, found.traceability_roots) == (True, ("NIM", "PTB"))
    for roots in ("NIM", [7], {"NIM": 1}):
        with pytest.raises(InputError) as caught:
            load_settings({"traceability_roots": roots})
        assert caught.value.field.startswith("settings.traceability_roots")


def test_an_unknown_setting_is_refused():
    with pytest.raises(InputError, match=r"settings\.hots"):
        load_settings({"hots": "q.example"})


def test_a_value_that_cannot_be_printed_does_not_get_into_the_file(tmp_path):
    with pytest.raises(InputError, match="cannot be printed"):
        make(tmp_path / "home", settings={"database": 'sqlite:///x\ndevelopment = "false"'})
    assert not (tmp_path / "home" / "home.toml").exists()


@pytest.mark.parametrize(
    "text", ['sqlite:///a"b', "sqlite:///a\\b", "sqlite:///证书/😀", "sqlite:///a#b = 'c'"]
)
def test_any_printable_text_comes_back_from_the_file(tmp_path, text):
    make(tmp_path, settings={"database": text})
    assert open_home(tmp_path).database_url == text


def test_the_environment_comes_before_the_file(tmp_path, monkeypatch):
    make(tmp_path, settings={"host": "q.example.cn"})
    monkeypatch.setenv("HENGZHENG_DATABASE", "postgresql+psycopg://db.example/ledger")
    monkeypatch.setenv("HENGZHENG_MAX_FEE_GWEI", "5")
    home = open_home(tmp_path)
    assert home.database_url == "postgresql+psycopg://db.example/ledger"
    assert home.settings.max_fee_gwei == 5
    assert home.settings.host == "q.example.cn"


def test_what_a_home_is_cannot_be_changed_by_the_environment(tmp_path, monkeypatch):
    made = make(tmp_path)
    for name in ("ORIGIN", "DEVELOPMENT", "FORMAT", "PASSPHRASE"):
        monkeypatch.setenv(f"HENGZHENG_{name}", "other")
    assert open_home(tmp_path) == made


def test_a_bad_variable_is_named_without_its_value(tmp_path, monkeypatch):
    make(tmp_path)
    monkeypatch.setenv("HENGZHENG_NODE", "node-with-s3cret")
    with pytest.raises(InputError, match=r"settings\.node") as caught:
        open_home(tmp_path)
    assert "s3cret" not in str(caught.value)


def test_addresses_that_may_hold_credentials_are_not_shown():
    settings = load_settings(
        {"database": "postgresql+psycopg://u:s3cret@db/l", "node": "https://u:s3cret@node.example"}
    )
    assert "s3cret" not in repr(settings)


# --- the lock -----------------------------------------------------------------------------------------------


def test_one_process_has_the_ledger(tmp_path):
    home = make(tmp_path)
    refusal = pytest.raises(HomeLockedError, match=f"in use by the process {os.getpid()}")
    with lock_ledger(home), refusal, lock_ledger(home):
        pass
    with lock_ledger(home):
        pass


def test_the_lock_of_a_killed_process_is_free_and_a_living_one_is_named(tmp_path):
    home = make(tmp_path)
    program = (
        "import sys, time; from pathlib import Path; from ledger.home import lock_ledger, open_home\n"
        "with lock_ledger(open_home(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(HomeLockedError, match=f"process {process.pid}$"), lock_ledger(home):
            pass
        process.send_signal(signal.SIGKILL)
    with lock_ledger(home):
        assert json.loads((tmp_path / "ledger.lock").read_text()) == os.getpid()
