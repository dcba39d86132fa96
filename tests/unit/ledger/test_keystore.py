"""The keystore: whole files, never overwritten, opened with the right passphrase only, silent about keys."""

import shutil
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.chain.transactions import Account
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.signature import Ed25519Signer, P256Signer, verify_signature
from ledger.keystore import KeyAlgorithm, KeyLabel, Keystore
from ledger.passphrase import Passphrase

PASSPHRASE = Passphrase(b"correct horse battery")
SIGNING = [(KeyAlgorithm.ED25519, Ed25519Signer), (KeyAlgorithm.P256, P256Signer)]


@pytest.fixture
def keystore(tmp_path):
    return Keystore(tmp_path / "keystore")


def path_of(keystore, name="log"):
    return keystore._directory / f"{name}.pem"


# --- making and opening -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("algorithm", "kind"), SIGNING)
def test_a_signing_key_signs_after_it_is_opened_again(keystore, algorithm, kind):
    label = keystore.create("log", algorithm, PASSPHRASE)
    signer = Keystore(keystore._directory).open_signer("log", PASSPHRASE)
    assert isinstance(signer, kind)
    assert signer.public_key == label.public_key == keystore.label("log").public_key
    verify_signature(label.public_key, signer.sign(b"message"), b"message")


def test_an_account_has_the_address_of_its_label(keystore):
    label = keystore.create("chain", KeyAlgorithm.SECP256K1, PASSPHRASE)
    account = keystore.open_account("chain", PASSPHRASE)
    assert isinstance(account, Account)
    assert account.address == label.address
    assert label.public == f"0x{account.address.hex()}"


def test_a_key_that_opens_what_was_sealed_signs_nothing(keystore):
    label = keystore.create("reports", KeyAlgorithm.X25519, PASSPHRASE)
    found = Keystore(keystore._directory).open_private_key("reports", PASSPHRASE)
    assert found.public_key().public_bytes_raw().hex() == label.public == keystore.label("reports").public
    with pytest.raises(StateError, match="signs nothing"):
        keystore.open_signer("reports", PASSPHRASE)
    with pytest.raises(StateError, match="signs nothing"):
        _ = label.public_key
    with pytest.raises(InputError, match="wrong"):
        keystore.open_private_key("reports", Passphrase(b"another passphrase"))
    keystore.create("seal", KeyAlgorithm.ED25519, PASSPHRASE)
    with pytest.raises(StateError, match="opens nothing"):
        keystore.open_private_key("seal", PASSPHRASE)


def test_keys_are_random(keystore):
    labels = [keystore.create(f"k{number}", KeyAlgorithm.ED25519, PASSPHRASE) for number in range(3)]
    assert len({label.public for label in labels}) == 3


def test_public_parts_are_listed_by_name_without_a_passphrase(keystore):
    assert keystore.labels() == []
    made = [
        keystore.create(name, algorithm, PASSPHRASE)
        for name, algorithm in zip("abcde", KeyAlgorithm, strict=True)
    ]
    assert keystore.labels() == made
    assert [label.name for label in made] == ["a", "b", "c", "d", "e"]
    assert "a" in keystore
    assert "f" not in keystore


def test_only_the_owner_may_look(keystore):
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    assert stat.S_IMODE(keystore._directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(path_of(keystore).stat().st_mode) == 0o600
    assert [path.name for path in keystore._directory.iterdir()] == ["log.pem"]


def test_a_key_is_never_overwritten(keystore):
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    before = path_of(keystore).read_bytes()
    with pytest.raises(StateError, match="a key log already"):
        keystore.create("log", KeyAlgorithm.P256, PASSPHRASE)
    assert path_of(keystore).read_bytes() == before


def test_openssl_opens_it_too(keystore):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    command = [openssl, "pkey", "-in", str(path_of(keystore)), "-passin", "stdin", "-noout", "-text_pub"]
    done = subprocess.run(command, input=PASSPHRASE.raw + b"\n", capture_output=True, check=True)
    digits = "".join(done.stdout.decode().partition("pub:")[2].split()).replace(":", "")
    assert digits == keystore.label("log").public_key.raw.hex()


# --- what is not shown --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_neither_file_nor_repr_shows_the_key(keystore, algorithm):
    keystore.create("key", algorithm, PASSPHRASE)
    if algorithm is KeyAlgorithm.SECP256K1:
        opened = keystore.open_account("key", PASSPHRASE)
        secret = opened.private_key
    else:
        ways = {
            KeyAlgorithm.BLS: keystore.open_bls_signer,
            KeyAlgorithm.X25519: keystore.open_private_key,
        }
        opened = ways.get(algorithm, keystore.open_signer)("key", PASSPHRASE)
        secret = read_private_key(path_of(keystore, "key"))
    shown = f"{opened!r} {opened} {keystore!r} {keystore.labels()!r}"
    assert secret.hex() not in shown
    assert repr(secret)[2:-1] not in shown
    assert secret not in path_of(keystore, "key").read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in path_of(keystore, "key").read_bytes()


def read_private_key(path):
    key = load_pem_private_key(path.read_bytes(), PASSPHRASE.raw)
    if isinstance(key, ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey):
        return key.private_bytes_raw()
    return key.private_numbers().private_value.to_bytes(32)


def test_a_bls_key_signs_with_others_only(keystore):
    label = keystore.create("bls", KeyAlgorithm.BLS, PASSPHRASE)
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    assert keystore.open_bls_signer("bls", PASSPHRASE).public_key.hex() == label.public
    for wrong in (keystore.open_signer, keystore.open_account):
        with pytest.raises(StateError):
            wrong("bls", PASSPHRASE)
    with pytest.raises(StateError, match="signs no documents"):
        _ = label.public_key
    with pytest.raises(StateError, match="the key log is no BLS key"):
        keystore.open_bls_signer("log", PASSPHRASE)


# --- refusals -----------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_said_plainly(keystore):
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    with pytest.raises(InputError, match="the passphrase is wrong or the file is damaged") as caught:
        keystore.open_signer("log", Passphrase(b"wrong horse battery"))
    assert caught.value.field == "key log"
    assert "wrong horse" not in str(caught.value)


@pytest.mark.parametrize("open_key", [Keystore.open_signer, Keystore.open_account])
def test_a_missing_key_is_not_found(keystore, open_key):
    with pytest.raises(NotFoundError, match="no key log"):
        open_key(keystore, "log", PASSPHRASE)
    with pytest.raises(NotFoundError):
        keystore.label("log")


@pytest.mark.parametrize(
    "name", ["", "..", "../log", "a/b", "Log", "log\n", "-log", "x" * 65, "日志", "a\0b"]
)
def test_names_stay_in_the_directory(keystore, name):
    for use in (keystore.label, keystore.__contains__):
        with pytest.raises(InputError, match="name of the key"):
            use(name)
    with pytest.raises(InputError, match="name of the key"):
        keystore.create(name, KeyAlgorithm.ED25519, PASSPHRASE)
    assert not keystore._directory.exists()


def test_a_key_is_used_for_what_it_is_only(keystore):
    signing = keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    account = keystore.create("chain", KeyAlgorithm.SECP256K1, PASSPHRASE)
    with pytest.raises(StateError, match="no account of the chain"):
        keystore.open_account("log", PASSPHRASE)
    with pytest.raises(StateError, match="signs no documents"):
        keystore.open_signer("chain", PASSPHRASE)
    with pytest.raises(StateError):
        _ = signing.address
    with pytest.raises(StateError):
        _ = account.public_key


def encrypt(private_key, encryption=None):
    encryption = encryption or BestAvailableEncryption(PASSPHRASE.raw)
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def write(keystore, header: bytes, pem: bytes):
    keystore._directory.mkdir(exist_ok=True)
    path_of(keystore).write_bytes(header + pem)


@pytest.mark.parametrize(
    "private_key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP384R1()),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["another key", "another curve", "a curve we do not use", "a key that cannot sign"],
)
def test_a_file_with_another_key_than_it_says_is_refused(keystore, private_key):
    keystore.create("log", KeyAlgorithm.ED25519, PASSPHRASE)
    header = path_of(keystore).read_bytes().partition(b"-----BEGIN")[0]
    write(keystore, header, encrypt(private_key))
    with pytest.raises(InputError):
        keystore.open_signer("log", PASSPHRASE)


HEADER = b"algorithm: ed25519\npublic: z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n"
PEM = encrypt(ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("header", "pem"),
    [
        (b"", b""),
        (b"", PEM),
        (HEADER, b""),
        (HEADER, encrypt(ed25519.Ed25519PrivateKey.generate(), NoEncryption())),
        (HEADER.replace(b"ed25519", b"p256"), PEM),
        (HEADER.replace(b"ed25519", b"secp256k1"), PEM),
        (HEADER.replace(b"ed25519", b"rsa"), PEM),
        (HEADER.replace(b"z6Mk", b"z6Mz"), PEM),
        (b"public: z6\nalgorithm: ed25519\n", PEM),
        (b"\xff\xfe" + HEADER, PEM),
        (b"algorithm: secp256k1\npublic: 0x00\n", PEM),
    ],
)
def test_other_files_are_no_key_files(keystore, header, pem):
    write(keystore, header, pem)
    for use in (
        lambda: keystore.label("log"),
        keystore.labels,
        lambda: keystore.open_signer("log", PASSPHRASE),
    ):
        with pytest.raises(InputError, match="is not a file of this keystore"):
            use()


@pytest.mark.parametrize("cut", [1, 60, 120])
def test_a_damaged_file_is_no_traceback(keystore, cut):
    write(keystore, HEADER, PEM[:-cut])
    with pytest.raises(InputError):
        keystore.open_signer("log", PASSPHRASE)


def test_a_label_says_what_its_file_says(keystore):
    write(keystore, HEADER, PEM)
    public = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert keystore.label("log") == KeyLabel("log", KeyAlgorithm.ED25519, public)
