"""A witness's directory: a BLS key beside the Ed25519 one, made at once or later, and nothing else changes."""

import stat

import pytest
from line import run

from ledger.core.cosignature import parse_witness
from ledger.core.errors import InputError, MalformedDocumentError, NotFoundError, StateError
from ledger.core.quorum_certificate import encode_bls_witness, parse_bls_witness, require_possession
from ledger.keystore import Keystore
from ledger.passphrase import Passphrase
from ledger.witness import home as witness_home
from ledger.witness.home import (
    BLS_KEY,
    create_witness,
    find_witness_passphrase,
    open_bls_signer,
    open_witness,
)

PASSPHRASE = Passphrase(b"correct horse battery")
OTHER = Passphrase(b"another horse battery")


def make(path, *, bls=False, passphrase=None):
    development = passphrase is None
    return create_witness(path, name="w1.example", development=development, passphrase=passphrase, bls=bls)


def read_files(path):
    return {
        file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


def test_it_has_no_bls_key_unless_asked_for(tmp_path):
    home = make(tmp_path / "w")
    assert home.bls is None
    assert open_bls_signer(home, find_witness_passphrase(home)) is None


def test_the_key_is_added_later_and_nothing_else_changes(tmp_path):
    path = tmp_path / "w"
    make(path)
    before = read_files(path)
    home = make(path, bls=True)
    after = read_files(path)
    assert after.keys() - before.keys() == {"bls.vkey", "keystore/witness-bls.pem"}
    assert {name: after[name] for name in before} == before
    assert home.bls.name == "w1.example"
    require_possession(home.bls)
    assert open_bls_signer(home, find_witness_passphrase(home)).public_key == home.bls.key
    for bls in (True, False):
        make(path, bls=bls)
        assert read_files(path) == after, "the same again changes nothing"
    assert stat.S_IMODE((path / "keystore" / "witness-bls.pem").stat().st_mode) == 0o600


def test_init_and_show_print_both_vkeys(tmp_path):
    words = "--dir", tmp_path / "w", "--json"
    first = run("witness", "init", "--name", "w1.example", "--development", *words).members
    assert "bls" not in first
    second = run("witness", "init", "--name", "w1.example", "--development", "--bls", *words).members
    shown = run("witness", "show", *words).members
    assert shown == second == first | {"bls": second["bls"]}
    assert parse_witness(shown["vkey"]).name == parse_bls_witness(shown["bls"]).name == "w1.example"


def test_one_passphrase_opens_both_keys(tmp_path):
    home = make(tmp_path / "w", passphrase=PASSPHRASE)
    with pytest.raises(InputError, match="passphrase is wrong"):
        make(home.path, bls=True, passphrase=OTHER)
    assert BLS_KEY not in home.keystore
    assert home.bls is None
    make(home.path, bls=True, passphrase=PASSPHRASE)
    assert open_bls_signer(home, PASSPHRASE).public_key == home.bls.key
    with pytest.raises(InputError, match="passphrase is wrong"):
        open_bls_signer(home, OTHER)


def test_what_broke_off_between_key_and_vkey_goes_on(tmp_path, monkeypatch):
    def break_off(*_, **__):
        raise KeyboardInterrupt

    home = make(tmp_path / "w")
    with monkeypatch.context() as patch:
        patch.setattr(witness_home, "make_bls_witness", break_off)
        with pytest.raises(KeyboardInterrupt):
            make(home.path, bls=True)
    key = home.keystore.label(BLS_KEY)
    assert home.bls is None
    assert open_bls_signer(home, find_witness_passphrase(home)) is None, "nobody has been told of it yet"
    assert make(home.path, bls=True).bls.key.hex() == key.public


def test_a_witness_for_production_signs_with_the_fast_library_only(tmp_path, monkeypatch):
    """The other takes a time that depends on the secret, and anybody may ask."""

    def load_nothing():
        raise ImportError

    home = make(tmp_path / "w", passphrase=PASSPHRASE, bls=True)
    shown = make(tmp_path / "d", bls=True)
    monkeypatch.setattr(witness_home, "load_arkworks", load_nothing)
    with pytest.raises(StateError, match="only py-arkworks-bls12381 signs"):
        open_bls_signer(home, PASSPHRASE)
    assert open_bls_signer(shown, find_witness_passphrase(shown)) is not None


def test_a_vkey_file_of_something_else_is_refused(tmp_path):
    home = make(tmp_path / "w", bls=True)
    other = create_witness(tmp_path / "o", name="w2.example", development=True, passphrase=None, bls=True)
    good = home.bls_path.read_bytes()
    again = tmp_path / "again"
    make(again, bls=True)
    for raw in (b"", b"\xff\n", good + b"\n", other.bls_path.read_bytes(), (again / "bls.vkey").read_bytes()):
        home.bls_path.write_bytes(raw)
        with pytest.raises(MalformedDocumentError, match=r"bls\.vkey"):
            _ = home.bls
    home.bls_path.write_bytes(good)
    assert encode_bls_witness(open_witness(home.path).bls).encode() + b"\n" == good


def test_a_key_that_is_gone_is_named(tmp_path):
    home = make(tmp_path / "w", bls=True)
    (home.path / "keystore" / "witness-bls.pem").unlink()
    with pytest.raises(NotFoundError, match="there is no key witness-bls"):
        open_bls_signer(home, find_witness_passphrase(home))
    assert isinstance(home.keystore, Keystore)
